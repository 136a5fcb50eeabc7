"""Which vehicles run on which lanes, and the departures they can make."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from routing.trunk.task.departures import Slots
from routing.trunk.task.network import Flags, Floats, Ints
from routing.trunk.task.sorts import Sorts
from routing.trunk.task.validation import number_names

if TYPE_CHECKING:
    import polars as pl

    from routing.trunk.task.inputs import TrunkInputs

UNBOUNDED = np.inf
_EPSILON = 1e-9  # a loss below one whole departure is not felt, float noise not either


def list_lane_vehicles(
    inputs: TrunkInputs, lanes: pl.DataFrame, types: pl.DataFrame, lane_number: dict[str, int], co2_price: float
) -> dict[str, Floats]:
    """Vehicles of every lane: its own list where it has one, else every type of its mode; what their carbon costs is in their cost."""
    import polars as pl

    type_number = {name: i for i, name in enumerate(types["vehicle_type_id"].to_list())}
    listed = inputs.lane_vehicles
    number_names(listed, "lane_id", lane_number, "lane_vehicles", "lane")
    number_names(listed, "vehicle_type_id", type_number, "lane_vehicles", "vehicle type")
    base = lanes.select("lane_id", "mode", "distance_km")
    per_km = pl.col("co2_kg_per_km") if "co2_kg_per_km" in types.columns else pl.lit(0.0)
    kinds = types.select(
        "vehicle_type_id",
        "mode",
        "capacity",
        "fixed_cost",
        "cost_per_km",
        per_km=per_km.cast(pl.Float64).fill_null(0.0),
    )
    carbon = pl.col("per_km") * pl.col("distance_km")
    price = pl.col("fixed_cost") + pl.col("cost_per_km") * pl.col("distance_km")
    free = base.join(listed.select("lane_id").unique(), on="lane_id", how="anti").join(kinds, on="mode")
    free = free.select(
        "lane_id", "vehicle_type_id", "capacity", cost=price, carbon=carbon, limit=pl.lit(None, pl.Float64)
    )
    own = listed.rename({"capacity": "own_capacity"}).join(base.drop("mode"), on="lane_id")
    own = own.join(kinds.drop("mode"), on="vehicle_type_id").select(
        "lane_id",
        "vehicle_type_id",
        capacity=pl.col("own_capacity").fill_null(pl.col("capacity")),
        cost=pl.col("departure_cost").fill_null(price),
        carbon=carbon,
        limit=pl.col("departure_limit").cast(pl.Float64),
    )
    lane_vehicles = pl.concat([free, own]).sort("lane_id", "vehicle_type_id")
    lane_vehicles = lane_vehicles.filter(pl.col("capacity") >= 1)
    return {
        "lane": np.array([lane_number[name] for name in lane_vehicles["lane_id"].to_list()], dtype=np.float64).astype(
            np.int64
        ),
        "type": np.array([type_number[name] for name in lane_vehicles["vehicle_type_id"].to_list()], dtype=np.int64),
        "capacity": lane_vehicles["capacity"].to_numpy().astype(np.float64),
        "cost": (lane_vehicles["cost"] + co2_price * lane_vehicles["carbon"]).to_numpy().astype(np.float64),
        "carbon": lane_vehicles["carbon"].to_numpy().astype(np.float64),
        "limit": lane_vehicles["limit"].fill_null(UNBOUNDED).to_numpy().astype(np.float64),
    }


def spread_lane_vehicles(vehicle: dict[str, Floats], slots: Slots, type_ids: list[str]) -> dict[str, Floats]:
    """Lane vehicles of every slot: those of its lane, or the one vehicle type it is for."""
    first = np.searchsorted(vehicle["lane"], slots.lane)
    last = np.searchsorted(vehicle["lane"], slots.lane, side="right")
    slot = np.repeat(np.arange(len(slots.lane)), last - first)
    place = np.arange(len(slot)) - np.repeat(np.cumsum(last - first) - (last - first), last - first) + first[slot]
    number = {name: kind for kind, name in enumerate(type_ids)}
    only = np.array([-1 if name is None else number.get(name, -2) for name in slots.vehicle_type], dtype=np.int64)
    allowed = (only[slot] == -1) | (vehicle["type"][place] == only[slot])
    spread = {name: values[place[allowed]] for name, values in vehicle.items()}
    return spread | {"lane": slot[allowed]}


def limit_departures(
    lanes: pl.DataFrame, slots: Slots, vehicle: dict[str, Floats], factor: Floats, closed: Flags
) -> tuple[Floats, Floats, Floats]:
    """Most departures of every slot, of all slots of its lane together, and of every lane vehicle on each day, as weather leaves them.

    Parameters
    ----------
    lanes
        Table ``lanes`` in the order of its numbers.
    vehicle
        Lane vehicles of the slots.
    factor, closed : (lanes, D)
        What weather leaves of a lane, and whether it closes it. A loss below one whole departure is not felt.
    """
    lane, row = slots.lane, vehicle["lane"].astype(np.int64)
    thin = np.where(factor > 0, factor, 1.0)[lane]
    day_limit = np.ceil(read_bounds(lanes, "departure_limit")[lane][:, None] * thin - _EPSILON)
    lane_limit = np.minimum(day_limit, np.ceil(slots.limit[:, None] * thin - _EPSILON))
    vehicle_limit = np.ceil(vehicle["limit"][:, None] * thin[row] - _EPSILON)
    vehicle_limit[closed[lane][row]] = 0.0
    lane_limit[closed[lane]] = 0.0
    return lane_limit, day_limit, vehicle_limit


def list_arcs(
    slots: Slots, sorts: Sorts, vehicle: dict[str, Floats], vehicle_limit: Floats, lane_limit: Floats, fleet: Floats
) -> tuple[Ints, Ints]:
    """Lane and day of the departures that some vehicle can run between sorts that are open, sorted by the node they leave."""
    usable = np.zeros(slots.tail.shape, dtype=np.bool_)
    can = (vehicle_limit >= 1) & (fleet[vehicle["type"].astype(np.int64)] >= 1)[:, None]
    np.logical_or.at(usable, vehicle["lane"].astype(np.int64), can)
    usable &= (slots.tail >= 0) & (slots.head >= 0) & (lane_limit >= 1)
    usable &= sorts.open[np.maximum(slots.tail, 0)] & sorts.open[np.maximum(slots.head, 0)]
    lane, day = np.nonzero(usable)
    order = np.lexsort((lane, slots.tail[lane, day]))
    return lane[order].astype(np.int64), day[order].astype(np.int64)


def read_bounds(frame: pl.DataFrame, column: str) -> Floats:
    """Return a column of limits; ``inf`` where none is given."""
    values: Floats = frame[column].cast(float).fill_null(UNBOUNDED).to_numpy().astype(np.float64)
    return values
