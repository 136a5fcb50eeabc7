"""Lanes, planned vehicles and vehicles that can be called, laid out for the play."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from data.arrays import Flags
from data.constants import constant
from routing.stress.records import CLOSED, Lanes, Money, Vehicles, Whole
from routing.stress.steps import Arrivals, Steps

if TYPE_CHECKING:
    import polars as pl

_FILL_ORDER = {"own": 0, "contract": 1, "spot": 2}


@dataclass(frozen=True)
class CalledVehicles:
    """What a vehicle called for the day costs."""

    markup: float = constant(1.35, "1", "times the contract's price", "judgement")


CALLED = CalledVehicles()


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


@dataclass(frozen=True)
class Planned:
    """Planned vehicles by lane and step.

    Attributes
    ----------
    vehicles
        The records.
    types
        [rows] vehicle type.
    leaves, travel
        [rows] hour of leaving, hours on the road while the lane is open, with the weather.
    at_hand
        [rows] hours at which their parcels are at hand.
    tails
        By lane and hour of leaving: step after which they load, the step they reach, and their number among the departures of lane and step.
    """

    vehicles: Vehicles
    types: list[str]
    leaves: Money
    travel: Money
    at_hand: Money
    tails: dict[tuple[int, float], tuple[int, int, int]]

    @property
    def ranks(self) -> int:
        """Most departures, at hours of their own, that a lane has after one step."""
        return int(self.vehicles.rank.max(initial=0)) + 1


def lay_vehicles(
    departures: pl.DataFrame,
    priced: pl.DataFrame,
    ends: Mapping[str, tuple[int, int, int]],
    times: Times,
    idle_share: float,
) -> Planned:
    """Lay planned departures out by lane and step in the order they are filled: who leaves first; own, contract, spot; the largest first.

    One that does not run costs ``idle_share`` of its price on the road, all of it on rail and in the air.

    Parameters
    ----------
    ends
        Number, origin and destination by lane.
    """
    import polars as pl

    rows = (
        departures.filter(pl.col("departures") > 0)
        .join(priced, on=["lane_id", "vehicle_type_id"], how="inner")
        .with_columns(
            order=pl.col("ownership").replace_strict(_FILL_ORDER, return_dtype=pl.Int64),
            idle=pl.when(pl.col("mode") == "road").then(pl.lit(idle_share)).otherwise(pl.lit(1.0))
            * pl.col("unit_cost"),
        )
    )
    lanes, width = len(ends), times.steps.day.shape[1]
    found = [(times.place(row, *ends[row["lane_id"]]), row) for row in rows.iter_rows(named=True)]
    found = [(place, row) for place, row in found if place.step >= 0]
    found.sort(key=lambda one: (ends[one[1]["lane_id"]][0], one[0].step, one[0].leaves, *_by_filling(one[1])))
    cell = np.array([ends[row["lane_id"]][0] * width + place.step for place, row in found], dtype=np.int64)
    cells = np.arange(lanes * width)

    def column(name: str, kind: Any) -> Any:
        return np.array([row[name] for _, row in found], dtype=kind)

    def hours(name: str) -> Money:
        return np.array([getattr(place, name) for place, _ in found], dtype=float)

    start, end = (
        np.searchsorted(cell, cells, side="left").reshape(lanes, width).astype(np.int64),
        np.searchsorted(cell, cells, side="right").reshape(lanes, width).astype(np.int64),
    )
    rank = _rank_departures(cell, hours("leaves"))
    vehicles = Vehicles(
        start=start,
        end=end,
        number=column("departures", np.int64),
        capacity=column("capacity", np.int64),
        arrival=np.array([place.reached for place, _ in found], dtype=np.int64),
        rank=rank,
        cost=column("unit_cost", float),
        idle_cost=column("idle", float),
    )
    tails = {
        (ends[row["lane_id"]][0], round(place.leaves, 6)): (place.step, place.reached, int(number))
        for (place, row), number in zip(found, rank, strict=True)
    }
    types = column("vehicle_type_id", object).tolist()
    return Planned(vehicles, types, hours("leaves"), hours("travel"), hours("at_hand"), tails)


def _rank_departures(cell: Whole, leaves: Money) -> Whole:
    """Number the departures of each lane and step by the hour of leaving; rows of one hour share a number.

    Parameters
    ----------
    cell
        [rows] lane and step, rising.
    leaves
        [rows] hours, rising within a lane and step.
    """
    rank = np.zeros(cell.size, dtype=np.int64)
    for row in range(1, cell.size):
        if cell[row] == cell[row - 1]:
            rank[row] = rank[row - 1] + int(round(leaves[row], 6) > round(leaves[row - 1], 6))
    return rank


def _by_filling(row: Mapping[str, Any]) -> tuple[int, int, str]:
    return row["order"], -row["capacity"], row["vehicle_type_id"]


class Place(NamedTuple):
    """Where a departure stands on the clock.

    Attributes
    ----------
    step
        After which it loads; below 0 outside the play.
    reached
        Step of the destination; ``CLOSED`` when it does not run.
    leaves, travel, at_hand
        Hour of leaving, hours on the road while the lane is open, hour at which its parcels are at hand.
    """

    step: int
    reached: int
    leaves: float
    travel: float
    at_hand: float


@dataclass(frozen=True)
class Times:
    """When departures of a plan load, leave and arrive: the clock, what arrives when, the first day."""

    steps: Steps
    arrivals: Arrivals
    first: date

    def place(self, row: Mapping[str, Any], lane: int, origin: int, destination: int) -> Place:
        """Say when a departure of the plan loads and arrives in the weather of the play, which need not be the plan's own."""
        steps = self.steps
        if not steps.by_clock or row["leaves_at"] is None:
            step = (row["date"] - self.first).days
            if not 0 <= step < steps.count[origin]:
                return Place(CLOSED, CLOSED, 0.0, 0.0, 0.0)
            leaves, at_hand = float(self.arrivals.leaves[lane, step]), float(self.arrivals.at_hand[lane, step])
            return Place(step, int(self.arrivals.step[lane, step]), leaves, at_hand - leaves, at_hand)
        leaves, arrives = steps.to_hours(row["leaves_at"]), steps.to_hours(row["arrives_at"])
        step = steps.last_by(origin, leaves)
        while step >= 0 and steps.sort_ids[origin][step] != row["sort_id"]:
            step -= 1
        timetable = self.arrivals.timetable
        travel = None if timetable is None else timetable.hours_of(lane, leaves)
        if timetable is None or travel is None:  # an hour the timetable does not list: the plan's own word
            at_hand = arrives + (float(steps.sorts.unload[destination]) if arrives > leaves else 0.0)
            shut = step >= 0 and self.arrivals.step[lane, step] == CLOSED
            return Place(step, CLOSED if shut else steps.reach(destination, at_hand), leaves, arrives - leaves, at_hand)
        reached, at_hands = timetable.drive(lane, np.array([leaves]), np.array([travel]))
        return Place(step, int(reached[0]), leaves, travel, float(at_hands[0]))


def add_room(vehicles: Vehicles) -> Whole:
    """Return [lanes x steps] parcels that planned vehicles hold, those that run."""
    held = np.r_[0, np.cumsum(np.where(vehicles.arrival != CLOSED, vehicles.number * vehicles.capacity, 0))]
    return np.asarray(held[vehicles.end] - held[vehicles.start], dtype=np.int64)


def lay_lanes(
    lanes: pl.DataFrame,
    priced: pl.DataFrame,
    hub_number: dict[str, int],
    arrival: Whole,
    vehicles: Vehicles,
    meant: Whole,
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
            spot_cost[at] = row["unit_cost"] * (CALLED.markup if row["ownership"] == "contract" else 1.0)
    return Lanes(
        *(origin, destination, by_hub, of_hub, arrival, add_room(vehicles), meant),
        mark_spread(vehicles, arrival),
        lanes["parcel_cost"].fill_null(0.0).to_numpy().astype(float),
        tail_cost,
        spot_capacity.astype(np.int64),
        spot_cost,
    )


def mark_spread(vehicles: Vehicles, arrival: Whole) -> Flags:
    """Return [lanes x steps] whether planned vehicles that load after a step reach another step than what leaves first."""
    spread = np.zeros(vehicles.start.shape, dtype=np.bool_)
    for lane, step in np.argwhere(vehicles.end > vehicles.start).tolist():
        rows = vehicles.arrival[vehicles.start[lane, step] : vehicles.end[lane, step]]
        spread[lane, step] = bool((rows != arrival[lane, step]).any())
    return spread
