"""How many vehicles of each type are at work when the network carries a given number of parcels a day.

The pattern of the busiest day is scaled to several volumes and each is planned by the trunk planner as a steady day: all
lanes arrive on the day they leave, so that first and second legs share vehicles as they do when days like this follow each
other. What a plan departs, times the days a vehicle is away, is then at work at one time (Little's law). Contract and hired
vehicles are unlimited here, since how many of them are needed is the question; own fleets and limits of lanes hold. A hub
sorts at least what starts and ends at it; only transit has to keep within its capacity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from data.arrays import Floats
from data.constants import constant
from data.progress import SILENT, Progress
from routing.budget import EFFORT
from routing.trunk.plan import plan_trunk
from routing.trunk.task.inputs import TrunkInputs, TrunkOptions

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class CurveRules:
    """How the days of a curve are planned."""

    proof_columns: int = constant(
        400,
        "columns",
        "of flows up to which a day is proven by the exact model: vehicles are counted, and no proof is told",
        "judgement",
    )


CURVE = CurveRules()


@dataclass(frozen=True, slots=True)
class VehicleCurve:
    """Vehicles at work by volume.

    Attributes
    ----------
    volumes : (P,) [parcels/day]
        Rising, from 0.
    types
        Vehicle types, sorted.
    vehicles : (P, types) [vehicles]
        Of small ones fewer may be at work when large ones fill.
    cost, other_cost : (types,) [CNY/vehicle-day]
        What a vehicle costs on the lanes where it runs: by its own prices, and what the same room costs in the type that
        takes its place (``inf`` without one).
    short
        Parcels that could not be carried at the largest volume.
    ended_by
        What ended the plans: ``effort``, or the clock of one of them, and what it left undone.
    """

    volumes: Floats
    types: tuple[str, ...]
    vehicles: Floats
    cost: Floats
    other_cost: Floats
    short: int
    ended_by: str = EFFORT

    def at(self, volumes: Floats) -> Floats:
        """Vehicles at given volumes, linear between those planned, shape ``volumes.shape + (types,)``."""
        return np.stack([np.interp(volumes, self.volumes, column) for column in self.vehicles.T], axis=-1)


@dataclass(slots=True)
class _PartOf:
    """Progress of one of several plans as part of the whole; a plan's own begins anew with each of its phases."""

    whole: Progress
    number: int
    plans: int
    label: str
    share: float = 0.0

    def step(self, done: float, total: float, note: str = "") -> None:
        """Say how far this plan is, and what it is at."""
        self.share = max(self.share, min(done / total, 1.0) if total else 0.0)
        self.whole.step(self.number + self.share, self.plans, f"{self.label}: {note}" if note else self.label)


def trace_curve(
    tables: Mapping[str, pl.DataFrame],
    pattern: pl.DataFrame,
    volumes: Sequence[float],
    others: Mapping[str, str],
    options: TrunkOptions,
    progress: Progress = SILENT,
) -> VehicleCurve:
    """Plan a steady day at each volume and count the vehicles.

    Parameters
    ----------
    tables
        ``hubs``, ``lanes``, ``vehicle_types``, ``lane_vehicles``, ``network_changes``.
    pattern
        origin_hub_id, destination_hub_id, parcels of one day; ``date`` of it.
    volumes
        Rising [parcels/day].
    others
        The type that takes a type's place.
    options
        Of each plan; its effort and its time limit are for one volume.
    progress
        Told each volume.
    """
    import polars as pl

    day: date = pattern["date"][0]
    steady = {**tables, "lanes": tables["lanes"].with_columns(transit_hours=pl.lit(0.0))}
    free = pl.when(pl.col("ownership") == "own").then(pl.col("fleet_size"))
    steady["vehicle_types"] = tables["vehicle_types"].with_columns(fleet_size=free)
    types = tuple(sorted(tables["vehicle_types"]["vehicle_type_id"]))
    away = _days_away(tables["lanes"])
    counts, used, short, ended_by = [np.zeros(len(types))], [], 0, EFFORT
    total = float(pattern["parcels"].sum())
    for number, volume in enumerate(volumes):
        demand = pattern.with_columns(parcels=(pl.col("parcels") * (volume / total)).round().cast(pl.Int64))
        demand = demand.filter(pl.col("parcels") > 0)
        steady["hubs"] = _fit_hubs(tables["hubs"], demand)
        inputs = TrunkInputs.gather({**steady, "route_demand": demand})
        of_day = replace(options, last_day=day, proof_columns=CURVE.proof_columns)
        plan = plan_trunk(inputs, of_day, _PartOf(progress, number, len(volumes), f"{volume:,.0f} parcels a day"))
        rows = plan.trunk_departures.join(away, on="lane_id", how="left")
        rows = rows.with_columns(vehicles=pl.col("departures") * pl.col("days_away"))
        sums = dict(rows.group_by("vehicle_type_id").agg(pl.col("vehicles").sum()).iter_rows())
        counts.append(np.array([float(sums.get(name, 0)) for name in types]))
        used.append(rows)
        short = plan.short
        ended_by = plan.ended_by if ended_by == EFFORT else ended_by
    progress.step(len(volumes), len(volumes))
    vehicles = _hand_over(np.array(counts), types, tables["vehicle_types"], others)
    cost, other_cost = _price_types(pl.concat(used), tables, types, others)
    return VehicleCurve(np.array([0.0, *volumes]), types, vehicles, cost, other_cost, short, ended_by)


def _days_away(lanes: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    days = (pl.col("transit_hours") / 24.0 - 1e-9).ceil().clip(lower_bound=1)
    return lanes.select("lane_id", "distance_km", days_away=days)


def _fit_hubs(hubs: pl.DataFrame, demand: pl.DataFrame) -> pl.DataFrame:
    """Hubs that sort at least what starts and ends at them."""
    import polars as pl

    ends = pl.concat(
        [
            demand.select(hub_id="origin_hub_id", own="parcels"),
            demand.filter(pl.col("origin_hub_id") != pl.col("destination_hub_id")).select(
                hub_id="destination_hub_id", own="parcels"
            ),
        ]
    )
    own = ends.group_by("hub_id").agg(pl.col("own").sum())
    most = pl.max_horizontal("sort_capacity", pl.col("own").fill_null(0))
    known = pl.when(pl.col("sort_capacity").is_not_null()).then(most)
    return hubs.join(own, on="hub_id", how="left").with_columns(sort_capacity=known).drop("own")


def _hand_over(vehicles: Floats, types: Sequence[str], table: pl.DataFrame, others: Mapping[str, str]) -> Floats:
    """Own vehicles beyond their fleet, since days away are counted only here: their substitute takes them."""
    moved = vehicles.copy()
    rows = {row["vehicle_type_id"]: row for row in table.iter_rows(named=True)}
    for column, name in enumerate(types):
        fleet, other = rows[name]["fleet_size"], others.get(name)
        if rows[name]["ownership"] != "own" or fleet is None or other is None:
            continue
        over = np.maximum(moved[:, column] - fleet, 0.0)
        moved[:, column] -= over
        moved[:, types.index(other)] += over * rows[name]["capacity"] / max(rows[other]["capacity"], 1)
    return moved


def _price_types(
    used: pl.DataFrame, tables: Mapping[str, pl.DataFrame], types: Sequence[str], others: Mapping[str, str]
) -> tuple[Floats, Floats]:
    """Cost of a vehicle-day of each type where it runs, and of the same room in the type that takes its place."""
    import polars as pl

    kinds = tables["vehicle_types"].select("vehicle_type_id", "capacity", "fixed_cost", "cost_per_km")
    texts = {"vehicle_type_id": pl.String, "other": pl.String}
    links = pl.DataFrame({"vehicle_type_id": list(others), "other": list(others.values())}, schema=texts)
    second = kinds.rename({name: f"other_{name}" for name in kinds.columns})
    rows = (
        used.select("lane_id", "vehicle_type_id", "departures", "distance_km", "vehicles")
        .join(kinds, on="vehicle_type_id", how="left")
        .join(links, on="vehicle_type_id", how="left")
        .join(second, left_on="other", right_on="other_vehicle_type_id", how="left")
    )
    special = tables.get("lane_vehicles")
    price = pl.col("fixed_cost") + pl.col("cost_per_km") * pl.col("distance_km")
    if special is not None and special.height:
        rows = rows.join(
            special.select("lane_id", "vehicle_type_id", "departure_cost"),
            on=["lane_id", "vehicle_type_id"],
            how="left",
        )
        price = pl.coalesce("departure_cost", price)
    room = pl.col("capacity") / pl.col("other_capacity")
    instead = (pl.col("other_fixed_cost") + pl.col("other_cost_per_km") * pl.col("distance_km")) * room
    sums = rows.group_by("vehicle_type_id").agg(
        cost=(price * pl.col("departures")).sum() / pl.col("vehicles").sum(),
        other=(instead * pl.col("departures")).sum() / pl.col("vehicles").sum(),
        known=pl.col("other_capacity").is_not_null().all(),
    )
    by_type = {row["vehicle_type_id"]: row for row in sums.iter_rows(named=True)}
    nothing = {"cost": 0.0, "other": 0.0, "known": False}
    found = [by_type.get(name, nothing) for name in types]
    other = [row["other"] if row["known"] else np.inf for row in found]
    return np.array([row["cost"] for row in found]), np.array(other)
