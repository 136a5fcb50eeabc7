"""Couriers: how their capacity moves year on year and month on month, and what it will be."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl

from data.constants import constant
from data.errors import RadarError


@dataclass(frozen=True)
class CourierRules:
    """How couriers' capacity is carried forward."""

    pseudo_months: float = constant(3.0, "months", "of all couriers in a courier's growth", "judgement")
    eighty: float = constant(
        1.2815515655446004,
        "standard deviations",
        "from the middle to the end of an 80 % interval of a normal distribution",
        "published: normal distribution",
    )
    least_spread: float = constant(0.05, "log", "standard deviation of a month's growth, at least", "judgement")


COURIERS = CourierRules()


def trend_capacity(capacity: pl.DataFrame, as_of: dt.date, months: int = 3) -> pl.DataFrame:
    """Show how couriers' capacity moves, and carry it forward.

    Parameters
    ----------
    capacity
        courier_id, month (its first day), parcels_per_day. Months after the one of ``as_of`` are left out.
    as_of
        Last known day.
    months
        Months ahead.

    Returns
    -------
    pl.DataFrame
        courier_id, month, parcels_per_day, month_on_month, year_on_year [ratio less 1, null where unknown], kind
        (known or forecast), low and high (80 % interval of a forecast, null where known).

    Raises
    ------
    RadarError
        When no month is known.

    Notes
    -----
    A month ahead is the same month of the year before times the courier's growth year on year: the mean of its last
    three, mixed with three pseudo-months of all couriers'. With no such month it is the last one times the mean growth
    month on month, mixed likewise. The interval is that of the logarithms' spread, wider with each month ahead.
    """
    known = capacity.filter(pl.col("month") <= as_of, pl.col("parcels_per_day") > 0).sort("courier_id", "month")
    if known.is_empty():
        raise RadarError("no courier capacity known", action="load courier_capacity first")
    with_growth = _with_growth(known)
    pooled = {name: _pooled(with_growth[name]) for name in ("yearly", "monthly")}
    rows: list[tuple[object, ...]] = []
    for (courier,), months_of in known.group_by("courier_id", maintain_order=True):
        levels: dict[dt.date, float] = dict(months_of.select("month", "parcels_per_day").iter_rows())
        own = with_growth.filter(pl.col("courier_id") == courier)
        growth = {name: _mixed(own[name], pooled[name][0]) for name in ("yearly", "monthly")}
        for month, level in levels.items():
            rows.append((courier, month, level, *_ratios(levels, month), "known", None, None))
        last = max(levels)
        for step in range(1, months + 1):
            month, year_before = _add_months(last, step), _add_months(last, step - 12)
            name = "yearly" if year_before in levels else "monthly"
            base = levels[year_before] if name == "yearly" else levels[_add_months(last, step - 1)]
            levels[month] = base * float(np.exp(growth[name]))
            spread = COURIERS.eighty * max(pooled[name][1], COURIERS.least_spread) * np.sqrt(step)
            low, high = levels[month] * np.exp(-spread), levels[month] * np.exp(spread)
            rows.append((courier, month, levels[month], *_ratios(levels, month), "forecast", round(low), round(high)))
    schema = {
        "courier_id": pl.String,
        "month": pl.Date,
        "parcels_per_day": pl.Float64,
        "month_on_month": pl.Float64,
        "year_on_year": pl.Float64,
        "kind": pl.String,
        "low": pl.Int64,
        "high": pl.Int64,
    }
    table = pl.DataFrame(rows, schema=schema, orient="row")
    return table.with_columns(pl.col("parcels_per_day").round().cast(pl.Int64)).sort("courier_id", "month")


def _with_growth(known: pl.DataFrame) -> pl.DataFrame:
    level = pl.col("parcels_per_day").cast(pl.Float64).log()
    logs = known.select("courier_id", "month", level.alias("level"))
    for name, gap in (("monthly", "1mo"), ("yearly", "12mo")):
        earlier = logs.select("courier_id", pl.col("month").dt.offset_by(gap), pl.col("level").alias("earlier"))
        logs = logs.join(earlier, on=["courier_id", "month"], how="left", maintain_order="left")
        logs = logs.with_columns((pl.col("level") - pl.col("earlier")).alias(name)).drop("earlier")
    return logs


def _pooled(growth: pl.Series) -> tuple[float, float]:
    """Mean and standard deviation of all couriers' growth; no growth and the least spread where nothing is known."""
    values = growth.drop_nulls().to_numpy()
    if values.size == 0:
        return 0.0, COURIERS.least_spread
    return float(values.mean()), float(values.std())


def _mixed(growth: pl.Series, parent: float) -> float:
    recent = growth.drop_nulls().tail(3).to_numpy()
    return float((recent.sum() + COURIERS.pseudo_months * parent) / (recent.size + COURIERS.pseudo_months))


def _ratios(levels: dict[dt.date, float], month: dt.date) -> tuple[float | None, float | None]:
    def against(earlier: dt.date) -> float | None:
        return levels[month] / levels[earlier] - 1.0 if earlier in levels else None

    return against(_add_months(month, -1)), against(_add_months(month, -12))


def _add_months(month: dt.date, number: int) -> dt.date:
    years, rest = divmod(month.month - 1 + number, 12)
    return dt.date(month.year + years, rest + 1, 1)
