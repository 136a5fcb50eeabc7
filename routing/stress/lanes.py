"""Lanes, planned vehicles and vehicles that can be called, laid out for the play."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from routing.stress.records import CLOSED, Lanes, Money, Vehicles, Whole

if TYPE_CHECKING:
    import polars as pl

SPOT_MARKUP = 1.35  # price of a vehicle called for the day over the contract's (judgement)
_EPSILON = 1e-9  # hours / 24 that is whole but for float noise does not cost a day
_FILL_ORDER = {"own": 0, "contract": 1, "spot": 2}


def tell_hours(lanes: pl.DataFrame, weather: pl.DataFrame | None, first: date, days: int) -> Money:
    """Return [lanes x days] hours of a departure: transit_hours / speed_factor of the day; infinite when the weather shuts the lane."""
    hours = np.repeat(lanes["transit_hours"].to_numpy().astype(float)[:, None], days, axis=1)
    if weather is not None and weather.height:
        number = {lane: at for at, lane in enumerate(lanes["lane_id"].to_list())}
        for when, name, speed, capacity in weather.select(
            "date", "lane_id", "speed_factor", "capacity_factor"
        ).iter_rows():
            day, lane = (when - first).days, number.get(name)
            if lane is not None and 0 <= day < days:
                hours[lane, day] = hours[lane, day] / speed if speed > 0 and capacity > 0 else np.inf
    return hours


def arrive(hours: Money) -> Whole:
    """Say when departures arrive.

    Returns
    -------
    Whole
        [lanes x days] day of arrival; ``CLOSED`` when the lane is shut that day or it arrives after the last day.
    """
    days = hours.shape[1]
    arrival = np.arange(days)[None, :] + count_days(np.where(np.isfinite(hours), hours, 0.0))
    return np.where(np.isfinite(hours) & (arrival < days), arrival, CLOSED)


def count_days(hours: Money) -> Whole:
    """Return the days that hours on the road take: departures of day t arrive on day t + ceil(hours / 24)."""
    return np.ceil(hours / 24.0 - _EPSILON).clip(min=0).astype(np.int64)


def price_vehicles(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """List every vehicle type a lane may take: lane_id, vehicle_type_id, mode, ownership, capacity, unit_cost.

    A lane listed in ``lane_vehicles`` takes only these; unit_cost = departure_cost, or fixed_cost + cost_per_km x distance_km.
    """
    import polars as pl

    lanes = tables["lanes"].select("lane_id", "mode", "distance_km")
    types = tables["vehicle_types"].select(
        "vehicle_type_id", "ownership", "fixed_cost", "cost_per_km", vehicle_mode="mode", usual="capacity"
    )
    special = tables.get("lane_vehicles")
    if special is None or special.is_empty():
        special = pl.DataFrame(
            schema={
                "lane_id": pl.String,
                "vehicle_type_id": pl.String,
                "capacity": pl.Int64,
                "departure_cost": pl.Float64,
            }
        )
    special = special.select("lane_id", "vehicle_type_id", "capacity", "departure_cost", listed=pl.lit(True))
    rows = lanes.join(types, how="cross").join(special, on=["lane_id", "vehicle_type_id"], how="left")
    narrow = pl.col("lane_id").is_in(special["lane_id"].unique().implode())
    fits = (narrow & pl.col("listed").fill_null(False)) | (~narrow & (pl.col("mode") == pl.col("vehicle_mode")))
    unit = pl.coalesce("departure_cost", pl.col("fixed_cost") + pl.col("cost_per_km") * pl.col("distance_km"))
    return rows.filter(fits).select(
        *("lane_id", "vehicle_type_id", "mode", "ownership"),
        capacity=pl.coalesce("capacity", "usual").cast(pl.Int64),
        unit_cost=unit,
    )


def lay_vehicles(
    departures: pl.DataFrame,
    priced: pl.DataFrame,
    lane_number: dict[str, int],
    first: date,
    days: int,
    idle_share: float,
) -> tuple[Vehicles, list[str]]:
    """Lay planned departures out by lane and day in the order they are filled: own, contract, spot; the largest first.

    One that does not run costs ``idle_share`` of its price on the road, all of it on rail and in the air. The second value names the
    vehicle type of each row.
    """
    import polars as pl

    rows = (
        departures.filter(pl.col("departures") > 0)
        .join(priced, on=["lane_id", "vehicle_type_id"], how="inner")
        .with_columns(
            lane=pl.col("lane_id").replace_strict(lane_number, return_dtype=pl.Int64),
            day=(pl.col("date") - first).dt.total_days(),
            order=pl.col("ownership").replace_strict(_FILL_ORDER, return_dtype=pl.Int64),
            idle=pl.when(pl.col("mode") == "road").then(pl.lit(idle_share)).otherwise(pl.lit(1.0))
            * pl.col("unit_cost"),
        )
        .filter((pl.col("day") >= 0) & (pl.col("day") < days))
        .sort("lane", "day", "order", "capacity", "vehicle_type_id", descending=[False, False, False, True, False])
    )
    cell = (rows["lane"] * days + rows["day"]).to_numpy()
    cells = np.arange(len(lane_number) * days)
    start = np.searchsorted(cell, cells, side="left").reshape(len(lane_number), days)
    end = np.searchsorted(cell, cells, side="right").reshape(len(lane_number), days)
    vehicles = Vehicles(
        start.astype(np.int64),
        end.astype(np.int64),
        rows["departures"].to_numpy().astype(np.int64),
        rows["capacity"].to_numpy().astype(np.int64),
        rows["unit_cost"].to_numpy().astype(float),
        rows["idle"].to_numpy().astype(float),
    )
    return vehicles, rows["vehicle_type_id"].to_list()


def add_room(vehicles: Vehicles) -> Whole:
    """Return [lanes x steps] parcels that planned vehicles hold."""
    held = np.r_[0, np.cumsum(vehicles.number * vehicles.capacity)]
    return np.asarray(held[vehicles.end] - held[vehicles.start], dtype=np.int64)


def lay_lanes(
    lanes: pl.DataFrame, priced: pl.DataFrame, hub_number: dict[str, int], arrival: Whole, room: Whole, meant: Whole
) -> Lanes:
    """Give the records of lanes; vehicles can be called on roads, as the largest contract type at 1.35 times its price."""
    import polars as pl

    origin = np.array([hub_number[hub] for hub in lanes["origin_hub_id"]], dtype=np.int64)
    destination = np.array([hub_number[hub] for hub in lanes["destination_hub_id"]], dtype=np.int64)
    of_hub = np.argsort(origin, kind="stable").astype(np.int64)
    by_hub = np.searchsorted(origin[of_hub], np.arange(len(hub_number) + 1)).astype(np.int64)
    ranked = priced.filter(pl.col("ownership") != "own").sort(
        "lane_id", "ownership", "capacity", "vehicle_type_id", descending=[False, False, True, False]
    )
    hired = {row["lane_id"]: row for row in reversed(ranked.to_dicts())}
    spot_capacity, spot_cost, tail_cost = (np.zeros(lanes.height) for _ in range(3))
    for at, (lane, mode) in enumerate(lanes.select("lane_id", "mode").iter_rows()):
        row = hired.get(lane)
        if row is None:
            continue
        tail_cost[at] = row["unit_cost"] / max(row["capacity"], 1)
        if mode == "road":
            spot_capacity[at] = row["capacity"]
            spot_cost[at] = row["unit_cost"] * (SPOT_MARKUP if row["ownership"] == "contract" else 1.0)
    return Lanes(
        *(origin, destination, by_hub, of_hub, arrival, room, meant),
        lanes["parcel_cost"].fill_null(0.0).to_numpy().astype(float),
        tail_cost,
        spot_capacity.astype(np.int64),
        spot_cost,
    )
