"""The cut-offs and the data the forecast is measured on."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from data.calendar import build_calendar
from forecasting.inputs import EventPrior, ForecastInputs

D = dt.date


@dataclass(frozen=True)
class Case:
    """A forecast to make and score.

    Attributes
    ----------
    group
        Cases whose scores are averaged.
    as_of
        Last day known.
    horizon
        Days ahead.
    skip
        Leads at the front that are not scored (a week ahead: 0).
    """

    group: str
    as_of: dt.date
    horizon: int
    skip: int = 0


# Sundays, spread over the history, on which no large event lies ahead: the seasonal naive scores 0.131 / 0.459 / 0.241
# (network, route, route by week) on them, so that they are neither the easiest nor the hardest eight.
NORMAL = (
    D(2021, 9, 5),
    D(2021, 11, 21),
    D(2021, 12, 19),
    D(2022, 2, 20),
    D(2022, 3, 20),
    D(2022, 4, 17),
    D(2022, 7, 10),
    D(2022, 8, 14),
)
CHINA_MONTHS = (
    *(Case("normal", day, 28) for day in NORMAL),
    Case("Double 11 2021", D(2021, 10, 17), 28),
    Case("618 2022", D(2022, 5, 29), 28),
    Case("Spring Festival 2022", D(2022, 1, 16), 28),
)


def rolling(group: str, first: dt.date, last: dt.date, lead: int) -> tuple[Case, ...]:
    """Forecast each day of a window from ``lead`` days before it; only that day is scored."""
    days = (last - first).days + 1
    return tuple(Case(group, first + dt.timedelta(days=day - lead), lead, skip=lead - 1) for day in range(days))


CHINA_WINDOWS = (
    Case("618 2022, last known day a week before", D(2022, 5, 25), 28, skip=6),
    Case("September 2022, last known day a week before", D(2022, 8, 25), 27, skip=6),
)
CHINA_ROLLING = (
    *rolling("618 2022, one day ahead", D(2022, 6, 1), D(2022, 6, 22), 1),
    *rolling("September 2022, one day ahead", D(2022, 9, 1), D(2022, 9, 21), 1),
)
AUTOETS_DAY = Case("normal", D(2022, 8, 14), 28)
OLIST_MONTHS = tuple(
    Case("normal", day, 28)
    for day in (
        D(2017, 7, 16),
        D(2017, 8, 27),
        D(2017, 10, 8),
        D(2018, 1, 28),
        D(2018, 3, 25),
        D(2018, 5, 6),
        D(2018, 7, 8),
    )
)
BLACK_FRIDAY = Case("Black Friday 2017", D(2017, 11, 9), 28)
BLACK_FRIDAY_DAY = D(2017, 11, 24)
BLACK_FRIDAY_PRIOR = {"Black Friday": EventPrior(multiple=5.0)}


def china(shared: Path) -> ForecastInputs:
    """Read the route volumes of the Chinese network, with the calendar of China."""
    path = shared / "real" / "mathorcup-2023c" / "route_volumes_2021-01_2022-09.csv.gz"
    volumes = pl.read_csv(path, try_parse_dates=True).select(
        pl.col("日期").alias("date"),
        pl.lit("all").alias("courier_id"),
        pl.col("场地1").alias("origin_hub_id"),
        pl.col("场地2").alias("destination_hub_id"),
        pl.col("货量").alias("parcels"),
    )
    return ForecastInputs(route_volumes=volumes, events=build_calendar("CN", 2020, 2024))


def olist(shared: Path) -> ForecastInputs:
    """Read the parcels of Olist between states, with the calendar of Brazil."""
    volumes = pl.read_parquet(shared / "real" / "olist" / "route_daily.parquet").select(
        pl.col("date").cast(pl.Date),
        pl.lit("all").alias("courier_id"),
        pl.col("origin").alias("origin_hub_id"),
        pl.col("destination").alias("destination_hub_id"),
        pl.col("parcels").cast(pl.Int64),
    )
    volumes = volumes.filter(pl.col("date") >= D(2017, 1, 5))
    return ForecastInputs(route_volumes=volumes, events=build_calendar("BR", 2015, 2020))
