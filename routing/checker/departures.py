"""Every departure the tables allow, whether a plan runs it or not, as the checker of the bound needs them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl

from routing.checker.flows import lane_days
from routing.checker.hubs import close_hubs, limit_days
from routing.checker.limits import LIMITS


def list_days(first: date, last: date) -> pl.DataFrame:
    """Days of a plan with their number from 0: columns date, day."""
    dates = pl.date_range(first, last, "1d", eager=True)
    return pl.DataFrame({"date": dates, "day": pl.Series(range(len(dates)), dtype=pl.Int64)})


def list_hub_days(frames: Mapping[str, pl.DataFrame], days: pl.DataFrame) -> pl.DataFrame:
    """Say what each hub can do on each day, sorted by day and hub.

    Returns
    -------
    polars.DataFrame
        date, hub_id, closed, sort_limit, buffer_limit [parcels; ``inf`` without a bound, 0 when closed], handling_cost
        [CNY/parcel], holds: whether parcels may wait there for the next day, which ends with the last day.
    """
    every = limit_days(frames, days.select("date").join(frames["hubs"].select("hub_id"), how="cross"))
    grid = close_hubs(frames, every.with_columns(pl.col("handling_cost").fill_null(0.0))).sort("date", "hub_id")
    limit = {
        name: pl.when("closed").then(0.0).otherwise(pl.col(column).fill_null(float("inf")))
        for name, column in (("sort_limit", "sort_capacity"), ("buffer_limit", "buffer_capacity"))
    }
    shut_next = pl.col("closed").shift(-1).over("hub_id", order_by="date").fill_null(True)
    return grid.with_columns(**limit).with_columns(holds=(pl.col("buffer_limit") > 0) & ~shut_next)


def list_departures(frames: Mapping[str, pl.DataFrame], days: pl.DataFrame) -> pl.DataFrame:
    """List what may depart: each lane, day and vehicle type that is open, allowed and arrives by the last day.

    Returns
    -------
    polars.DataFrame
        date, day, lane_id, vehicle_type_id, start, end (hubs), lag, away [days], parcel_cost [CNY/parcel], ownership, capacity
        [parcels], unit_cost [CNY/departure], lane_limit, type_limit [departures], fleet_size [vehicles]; limits are
        ``inf`` without a bound. Sorted by day, start, lane and type.
    """
    lanes = lane_days(frames, days.select("date").join(frames["lanes"].select("lane_id"), how="cross"))
    lanes = lanes.filter(~pl.col("closed")).join(days, on="date")
    lanes = lanes.with_columns(arrival=pl.col("date") + pl.duration(days=pl.col("lag")))
    is_open = close_hubs(frames, days.select("date").join(frames["hubs"].select("hub_id"), how="cross"))
    is_open = is_open.filter(~pl.col("closed")).select("date", "hub_id")
    lanes = lanes.join(is_open, left_on=["date", "start"], right_on=["date", "hub_id"], how="semi")
    lanes = lanes.join(is_open, left_on=["arrival", "end"], right_on=["date", "hub_id"], how="semi")
    types = frames["vehicle_types"].select(
        "vehicle_type_id", "mode", "ownership", "capacity", "fixed_cost", "cost_per_km", "fleet_size"
    )
    special = frames["lane_vehicles"].select(
        "lane_id", "vehicle_type_id", "departure_cost", own_capacity="capacity", type_limit="departure_limit"
    )
    unlisted = lanes.join(special, on="lane_id", how="anti").join(types, on="mode")
    blank = [pl.lit(None, pl.Float64).alias(c) for c in ("departure_cost", "own_capacity", "type_limit")]
    listed = lanes.join(special, on="lane_id").join(types.drop("mode"), on="vehicle_type_id")
    both = pl.concat([unlisted.with_columns(blank), listed], how="diagonal")
    infinite = float("inf")
    return (
        both.with_columns(
            capacity=pl.coalesce("own_capacity", "capacity"),
            unit_cost=pl.coalesce("departure_cost", pl.col("fixed_cost") + pl.col("cost_per_km") * pl.col("distance_km")),
            type_limit=(pl.col("type_limit") * pl.col("factor") - LIMITS.noise).ceil().fill_null(infinite),
            lane_limit=pl.col("lane_limit").fill_null(infinite),
            fleet_size=pl.col("fleet_size").fill_null(infinite),
        )
        .filter(pl.min_horizontal("capacity", "type_limit", "lane_limit", "fleet_size") >= 1)
        .select(
            "date", "day", "lane_id", "vehicle_type_id", "start", "end", "lag", "away", "parcel_cost", "ownership", "capacity",
            "unit_cost", "lane_limit", "type_limit", "fleet_size",
        )
        .sort("day", "start", "lane_id", "vehicle_type_id")
    )  # fmt: skip
