"""What a trunk plan is made from: the tables, and the options a planner sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from data.errors import RadarError

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class TrunkInputs:
    """Tables of one planning task, by their contracts.

    Attributes
    ----------
    hubs, lanes, vehicle_types, lane_vehicles
        Reference tables; ``lane_vehicles`` may be empty.
    route_demand
        date, origin_hub_id, destination_hub_id, parcels: what is to be carried.
    network_changes, lane_weather, service_promises
        Empty frames when there are none. ``lane_weather``: date, lane_id, speed_factor, capacity_factor.
    """

    hubs: pl.DataFrame
    lanes: pl.DataFrame
    vehicle_types: pl.DataFrame
    lane_vehicles: pl.DataFrame
    route_demand: pl.DataFrame
    network_changes: pl.DataFrame
    lane_weather: pl.DataFrame
    service_promises: pl.DataFrame = field(default_factory=lambda: _empty("service_promises"))

    @classmethod
    def gather(cls, tables: Mapping[str, pl.DataFrame]) -> TrunkInputs:
        """Take the tables by name; those that may be absent become empty.

        Raises
        ------
        RadarError
            When a table that every plan needs is absent.
        """
        from data.contracts import contract

        required = ("hubs", "lanes", "vehicle_types", "route_demand")
        absent = [name for name in required if name not in tables]
        if absent:
            raise RadarError(f"no table {absent[0]}", f"the tables {', '.join(required)}", f"load {absent[0]} first")
        optional = ("lane_vehicles", "network_changes", "lane_weather", "service_promises")
        frames = {name: tables[name] for name in required}
        frames |= {name: tables.get(name, contract(name).empty()) for name in optional}
        given = ("route_demand", "lane_weather")
        return cls(**{name: f if name in given else contract(name).arrange(f) for name, f in frames.items()})


def _empty(table: str) -> pl.DataFrame:
    from data.contracts import contract

    return contract(table).empty()


@dataclass(frozen=True, slots=True)
class TrunkOptions:
    """What a planner sets for one plan.

    Attributes
    ----------
    hold_cost
        Cost of a parcel that waits a night unsorted [CNY/parcel/night].
    short_cost
        Price put on a parcel not carried [CNY/parcel].
    late_cost
        Cost of a parcel for each day after its promise [CNY/parcel/day].
    time_limit
        Seconds after which the best plan so far is returned.
    seed
        Seed of every random choice.
    last_day
        Day by which everything must be sorted at its destination; None lets the planner set it from transit times and
        sort capacities.
    effort
        Scale of the number of improvement moves; the work is counted in moves so that a seed repeats the plan, and the
        time limit cuts in only where a machine is too slow for them.
    clock
        ``wall`` or ``cpu``: what the time limit is measured in.
    proof_share
        Share of the time limit that a full mixed-integer model may take on tasks small enough for it.
    extra_sort_cost, extra_buffer_cost
        Price at which a fix of a shortfall may add sort capacity or room over night [CNY/parcel].
    """

    hold_cost: float = 0.2
    short_cost: float = 50.0
    late_cost: float = 1.0
    time_limit: float = 120.0
    seed: int = 0
    last_day: date | None = None
    effort: float = 1.0
    clock: str = "wall"
    proof_share: float = 0.5
    extra_sort_cost: float = 0.5
    extra_buffer_cost: float = 0.3

    def __post_init__(self) -> None:
        for name in ("hold_cost", "short_cost", "late_cost", "extra_sort_cost", "extra_buffer_cost"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise RadarError(f"{name} {getattr(self, name)}", "a finite cost of 0 or more", f"set plan.{name}")
        if not self.time_limit > 0:
            raise RadarError(f"a time limit of {self.time_limit} s", "more than 0 seconds", "set --time-limit")


@dataclass(slots=True)
class Deadline:
    """Time left of a plan; the one place of the planner that reads a clock."""

    seconds: float
    clock: str = "wall"
    started: float = field(default=0.0)

    def __post_init__(self) -> None:
        self.started = self._now()

    def _now(self) -> float:
        from time import perf_counter, process_time

        return process_time() if self.clock == "cpu" else perf_counter()

    def spent(self) -> float:
        """Return the seconds since the start."""
        return self._now() - self.started

    def left(self) -> float:
        """Return the seconds left, never below 0."""
        return max(0.0, self.seconds - self.spent())

    def stop(self) -> None:
        """Leave no time: what is at work comes to its end."""
        self.seconds = 0.0
