"""Which share of a hub's parcels moves on a day of bad weather: by courier productivity, or by what history shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from data.constants import constant
from weather.effects.signals import split_water
from weather.exposure.points import nearest_points
from weather.learning.volumes import VOLUMES, VolumeResponse

Direction = Literal["out", "in"]
DIRECTIONS: tuple[Direction, Direction] = ("out", "in")


@dataclass(frozen=True)
class WetRules:
    """What rain a courier's day notices."""

    dry: float = constant(
        10.0, "mm/day", "of rain that it does not", "published: CMA grades of rain, moderate from 10 mm"
    )


WET = WetRules()


def sum_days(weather: pl.DataFrame, zone: ZoneInfo) -> pl.DataFrame:
    """Sum the weather of each point to local days.

    Parameters
    ----------
    weather
        As ``points.known_weather`` returns it; rates an hour, in steps of one hour or several.
    zone
        Time zone of the workspace.

    Returns
    -------
    polars.DataFrame
        ``latitude``, ``longitude``, ``date``, ``snow_cm`` (fresh snow), ``rain_mm``: mean rate of the day's rows x 24 h.
        Sorted by place and date.
    """
    columns = (weather[name].cast(pl.Float64).fill_null(float("nan")).to_numpy() for name in _WATER)
    snow, rain = split_water(*columns)
    rates = weather.select(
        "latitude",
        "longitude",
        # the row speaks of the hour before
        date=pl.col("valid_at").dt.offset_by("-1m").dt.convert_time_zone(str(zone)).dt.date(),
        snow_cm=pl.Series(snow).fill_nan(None),
        rain_mm=pl.Series(rain).fill_nan(None),
    )
    keys = ["latitude", "longitude", "date"]
    return rates.group_by(keys).agg(pl.col("snow_cm", "rain_mm").mean() * 24.0).sort(keys)


_WATER = ("precipitation_mm", "snowfall_cm", "temperature_c")


def amounts_at_hubs(days: pl.DataFrame, hubs: pl.DataFrame, radius_km: float) -> pl.DataFrame:
    """Give each hub the days of its nearest weather point.

    Parameters
    ----------
    days
        As ``sum_days`` returns them.
    hubs
        Table ``hubs``; those without coordinates get no row.
    radius_km
        Points farther away say nothing [km].

    Returns
    -------
    polars.DataFrame
        ``date``, ``hub_id``, ``snow_cm``, ``wet_mm`` (rain above ``WET.dry``), sorted. Days of which nothing is known have no row.
    """
    places = days.select("latitude", "longitude").unique().sort("latitude", "longitude")
    placed = hubs.filter(pl.col("latitude").is_not_null() & pl.col("longitude").is_not_null()).sort("hub_id")
    index, weight = nearest_points(
        places["latitude"].to_numpy(),
        places["longitude"].to_numpy(),
        placed["latitude"].to_numpy(),
        placed["longitude"].to_numpy(),
        radius_km,
    )
    near = pl.Series(weight[:, 0] > 0.0) if placed.height else pl.Series([], dtype=pl.Boolean)
    point = index[:, 0]
    matched = placed.select(
        "hub_id", latitude=places["latitude"].gather(point), longitude=places["longitude"].gather(point)
    ).filter(near) if places.height else placed.select("hub_id", "latitude", "longitude").clear()  # fmt: skip
    wet = (pl.col("rain_mm").fill_null(0.0) - WET.dry).clip(lower_bound=0.0)
    joined = matched.join(days, on=["latitude", "longitude"], how="inner")
    return joined.select("date", "hub_id", pl.col("snow_cm").fill_null(0.0), wet_mm=wet).sort("date", "hub_id")


def handled_by_productivity(
    outlet_weather: pl.DataFrame, outlets: pl.DataFrame, hub_weather: pl.DataFrame, spare_capacity: float
) -> pl.DataFrame:
    """Work out which share of a hub's parcels its couriers can handle.

    Parameters
    ----------
    outlet_weather
        ``date``, ``outlet_id``, ``capacity_factor`` (courier productivity).
    outlets
        Table ``outlets``.
    hub_weather
        ``date``, ``hub_id``, ``capacity_factor`` at the hub itself, for hubs without an outlet whose weather is known.
    spare_capacity
        Share couriers can work above an ordinary day.

    Returns
    -------
    polars.DataFrame
        ``date``, ``hub_id``, ``handled`` = min(1, mean productivity of its outlets x (1 + spare_capacity)), sorted. Where
        something is known of one outlet of a hub, those with coordinates of which nothing is known work as on a fair day.
    """
    placed = outlets.filter(pl.col("latitude").is_not_null() & pl.col("longitude").is_not_null())
    known = outlet_weather.join(outlets.select("outlet_id", "hub_id"), on="outlet_id")
    days = known.select("date", "hub_id").unique()
    whole = days.join(placed.select("hub_id", "outlet_id"), on="hub_id")
    by_hub = (
        whole.join(known.select("date", "outlet_id", "capacity_factor"), on=["date", "outlet_id"], how="left")
        .group_by("date", "hub_id")
        .agg(pl.col("capacity_factor").fill_null(1.0).mean())
    )
    own = hub_weather.select("date", "hub_id", "capacity_factor").join(by_hub, on=["date", "hub_id"], how="anti")
    joined = pl.concat([by_hub, own])
    handled = (pl.col("capacity_factor") * (1.0 + spare_capacity)).clip(upper_bound=1.0)
    return joined.select("date", "hub_id", handled=handled).sort("date", "hub_id")


def handled_by_history(amounts: pl.DataFrame, response: VolumeResponse, direction: Direction) -> pl.DataFrame:
    """Work out which share of a hub's parcels moves, as history shows it.

    Parameters
    ----------
    amounts
        As ``amounts_at_hubs`` returns them.
    response
        What history shows: see ``learning.fit_volume_response``.
    direction
        Parcels sent (out) or received (in).

    Returns
    -------
    polars.DataFrame
        ``date``, ``hub_id``, ``handled`` = exp(-snow rate x snow_cm - rain rate x wet_mm), not below
        1 - ``VOLUMES.most_kept_back``; sorted.
    """
    snow, wet = response.rate(direction, "snow"), response.rate(direction, "rain")
    handled = (-(snow * pl.col("snow_cm") + wet * pl.col("wet_mm"))).exp().clip(1.0 - VOLUMES.most_kept_back, 1.0)
    return amounts.select("date", "hub_id", handled=handled).sort("date", "hub_id")


def take_least(one: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    """Return for each hub and day the least share of two tables (``date``, ``hub_id``, ``handled``); sorted."""
    both = pl.concat([frame.select("date", "hub_id", "handled") for frame in (one, other)])
    return both.group_by("date", "hub_id").agg(pl.col("handled").min()).sort("date", "hub_id")


def lay_out(
    handled: pl.DataFrame, hub_ids: Sequence[str], days: Sequence[date]
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Lay shares out as an array of shape (hubs, days); 1 where nothing is known."""
    hubs = pl.DataFrame({"hub_id": list(hub_ids)}, schema={"hub_id": pl.String}).with_row_index("row")
    dates = pl.DataFrame({"date": list(days)}, schema={"date": pl.Date}).with_row_index("column")
    placed = handled.join(hubs, on="hub_id").join(dates, on="date")
    laid = np.ones((len(hub_ids), len(days)))
    laid[placed["row"].to_numpy(), placed["column"].to_numpy()] = placed["handled"].to_numpy()
    return laid
