"""Deliveries of outlets under the weather: what left later arrives later, and what arrives on a bad day waits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from weather.adjustment.forecasts import CATCH_UP, hold_back, share_among_outlets

SAME_HUB_DAYS = 1
UNKNOWN_DAYS = 2
_LEAST_WAYBILLS = 20
_PAIR = ("origin_hub_id", "destination_hub_id")


def days_to_delivery(waybills: pl.DataFrame, lanes: pl.DataFrame, pairs: pl.DataFrame, zone: ZoneInfo) -> pl.DataFrame:
    """Say how many days after it left a hub a parcel goes out to its receiver.

    Parameters
    ----------
    waybills
        Table ``waybills``; a pair with at least twenty tells by itself.
    lanes
        Table ``lanes``; else the hours of the quickest lane of a pair tell.
    pairs
        ``origin_hub_id``, ``destination_hub_id``: the pairs asked for.
    zone
        Time zone of the workspace.

    Returns
    -------
    polars.DataFrame
        The pairs with ``lag`` [days]: median of the waybills, else ceil(hours / 24), else 1 within a hub and 2 between hubs.
        Sorted.
    """
    day = (pl.col(name).dt.convert_time_zone(str(zone)).dt.date() for name in ("picked_up_at", "out_for_delivery_at"))
    picked, out = day
    seen = (
        waybills.filter(pl.col("picked_up_at").is_not_null() & pl.col("out_for_delivery_at").is_not_null())
        .group_by(_PAIR)
        .agg(seen=(out - picked).dt.total_days().median(), count=pl.len())
        .filter(pl.col("count") >= _LEAST_WAYBILLS)
    )
    hours = lanes.group_by(_PAIR).agg(hours=pl.col("transit_hours").min())
    joined = pairs.select(_PAIR).unique().join(seen, on=_PAIR, how="left").join(hours, on=_PAIR, how="left")
    same = pl.col("origin_hub_id") == pl.col("destination_hub_id")
    by_lane = pl.when(same).then(SAME_HUB_DAYS).otherwise((pl.col("hours") / 24.0).ceil().fill_null(UNKNOWN_DAYS))
    lag = pl.coalesce(pl.col("seen").round(0), by_lane).cast(pl.Int64).clip(0, 30)
    return joined.select(*_PAIR, lag=lag).sort(_PAIR)


def change_arrivals(moved: pl.DataFrame, lags: pl.DataFrame) -> pl.DataFrame:
    """Carry what routes moved to the days on which it would go out to receivers.

    Parameters
    ----------
    moved
        ``date``, route columns, ``before``, ``after`` [parcels]: rows of ``adjustment.Moved``.
    lags
        As ``days_to_delivery`` returns them.

    Returns
    -------
    polars.DataFrame
        ``date``, ``courier_id``, ``hub_id``, ``direction`` (in), ``change`` [parcels], sorted.
    """
    arrived = moved.filter(pl.col("after") != pl.col("before")).join(lags, on=list(_PAIR))
    return (
        arrived.group_by(
            pl.col("date") + pl.duration(days=pl.col("lag")), "courier_id", hub_id=pl.col("destination_hub_id")
        )
        .agg(change=(pl.col("after") - pl.col("before")).sum())
        .filter(pl.col("change") != 0)
        .with_columns(direction=pl.lit("in"))
        .sort("date", "courier_id", "hub_id")
    )


def hold_deliveries(
    forecast: pl.DataFrame,
    outlets: pl.DataFrame,
    arrivals: pl.DataFrame,
    outlet_weather: pl.DataFrame,
    days: Sequence[date],
    spare_capacity: float,
) -> tuple[pl.DataFrame, int]:
    """Adjust deliveries: by what arrives later, then by what couriers can bring on the day.

    Parameters
    ----------
    forecast
        ``date``, ``outlet_id``, ``direction``, ``before`` [parcels]; only deliveries are looked at.
    outlets
        Table ``outlets``.
    arrivals
        As ``change_arrivals`` returns them.
    outlet_weather
        ``date``, ``outlet_id``, ``capacity_factor`` (courier productivity); 1 where there is no row.
    days
        Every day of the forecast, in order.
    spare_capacity
        Share couriers can work above an ordinary day.

    Returns
    -------
    change
        ``date``, ``outlet_id``, ``direction`` (delivery), ``change`` [parcels]: the rows that change, sorted.
    waiting
        Parcels that still wait at outlets after the last day.

    Notes
    -----
    An outlet brings out min(1, productivity x (1 + spare_capacity)) of a day's parcels; the rest waits as in
    ``adjustment.hold_back``, and half of what waits goes on each fair day.
    """
    due = forecast.filter(pl.col("direction") == "delivery")
    if due.is_empty():
        return due.select("date", "outlet_id", "direction", change="before"), 0
    fair = outlet_weather.select("date", "outlet_id", "capacity_factor").clear()
    later = share_among_outlets(due, outlets, arrivals, fair)
    kinds = due.select("outlet_id").unique().join(outlets.select("outlet_id", "hub_id"), on="outlet_id")
    kinds = kinds.sort("hub_id", "outlet_id").with_row_index("row")
    calendar = pl.DataFrame({"date": list(days)}, schema={"date": pl.Date}).with_row_index("column")
    shape = (kinds.height, len(days))
    before, arriving = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    handled = np.ones(shape)
    for laid, frame, name in (
        (before, due, "before"),
        (arriving, later, "change"),
        (handled, outlet_weather, "capacity_factor"),
    ):
        placed = frame.join(kinds, on="outlet_id").join(calendar, on="date")
        laid[placed["row"].to_numpy(), placed["column"].to_numpy()] = placed[name].to_numpy()
    group = kinds["hub_id"].rle_id().to_numpy().astype(np.int64)
    left, waiting = hold_back(before + arriving, np.minimum(handled * (1.0 + spare_capacity), 1.0), group, CATCH_UP)
    row, column = np.nonzero(left != before)
    change = pl.DataFrame(
        {
            "date": calendar["date"].gather(column),
            "outlet_id": kinds["outlet_id"].gather(row),
            "direction": pl.repeat("delivery", len(row), dtype=pl.String, eager=True),
            "change": left[row, column] - before[row, column],
        }
    )
    return change.sort("date", "outlet_id"), int(waiting.sum())
