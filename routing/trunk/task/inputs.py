"""What a trunk plan is made from: the tables, and the options a planner sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from data.errors import RadarError

if TYPE_CHECKING:
    import polars as pl


HOURS = ("hub_sorts", "hub_days", "hub_closures", "hand_in_profile", "lane_departures", "delivery_waves")

SORT_PLANS = ("fixed", "daily", "free")


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
    lane_closures
        Hours in which lanes are shut, for certain; empty when there are none.
    hub_sorts, hub_days, hub_closures, hand_in_profile, lane_departures, delivery_waves
        Hours of hubs and lanes; empty frames when there are none. Without ``hub_sorts`` a plan is made by days.
    departure_locks
        Departures that planners fix, bound or forbid; empty when there are none.
    timetable
        date, lane_id, leaves, vehicle_type_id, departures: only these run, whatever fleets they take; None plans vehicles.
    vehicle_stands
        Where own vehicles stand at the start and are to stand at the end; without rows of a type the plan chooses, and it ends as
        it began.
    """

    hubs: pl.DataFrame
    lanes: pl.DataFrame
    vehicle_types: pl.DataFrame
    lane_vehicles: pl.DataFrame
    route_demand: pl.DataFrame
    network_changes: pl.DataFrame
    lane_weather: pl.DataFrame
    service_promises: pl.DataFrame = field(default_factory=lambda: _empty("service_promises"))
    hub_sorts: pl.DataFrame = field(default_factory=lambda: _empty("hub_sorts"))
    hub_days: pl.DataFrame = field(default_factory=lambda: _empty("hub_days"))
    hub_closures: pl.DataFrame = field(default_factory=lambda: _empty("hub_closures"))
    hand_in_profile: pl.DataFrame = field(default_factory=lambda: _empty("hand_in_profile"))
    lane_departures: pl.DataFrame = field(default_factory=lambda: _empty("lane_departures"))
    delivery_waves: pl.DataFrame = field(default_factory=lambda: _empty("delivery_waves"))
    vehicle_stands: pl.DataFrame = field(default_factory=lambda: _empty("vehicle_stands"))
    lane_closures: pl.DataFrame = field(default_factory=lambda: _empty("lane_closures"))
    departure_locks: pl.DataFrame = field(default_factory=lambda: _empty("departure_locks"))
    timetable: pl.DataFrame | None = None

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
        optional = (
            "lane_vehicles", "network_changes", "lane_weather", "service_promises", *HOURS, "vehicle_stands", "lane_closures",
            "departure_locks",
        )  # fmt: skip
        frames = {name: tables[name] for name in required}
        frames |= {name: tables.get(name, contract(name).empty()) for name in optional}
        given = ("route_demand", "lane_weather", "lane_closures")
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
    effort
        How much is searched: the work is counted in moves, nodes and rounds, so that a seed repeats the plan to the byte.
        At 1 the search of a large network takes about ``SECONDS_OF_EFFORT``, that of a small one less.
    time_limit
        Emergency brake: seconds after which the best plan so far is returned, and said to be cut short.
    seed
        Seed of every random choice.
    last_day
        Day by which everything must be sorted at its destination; None lets the planner set it from transit times and
        sort capacities.
    clock
        ``wall`` or ``cpu``: what the time limit is measured in.
    proof_share
        Share of the effort that a full mixed-integer model may take on tasks small enough for it.
    proof_columns
        Flow columns up to which that model is solved at all; None leaves it to the planner. Nodes of branch and bound are
        counted, but one may take as long as a search: who wants many plans and no proof of each sets it low, and larger
        tasks are then searched alone, without the path formulation and its neighbourhoods.
    extra_sort_cost, extra_buffer_cost
        Price at which a fix of a shortfall may add sort capacity or room over night [CNY/parcel].
    most_extra_share
        Of its sort capacity that a fix may add to a sort at most; ``inf`` bounds nothing.
    co2_price
        Price of a kilogram of carbon dioxide, on top of what departures cost [CNY/kg].
    unload_hours
        From the arrival of a vehicle until its parcels are at hand, where ``hub_sorts`` do not say [hours].
    turn_round_hours
        From the arrival of an own vehicle until it can leave again, in plans by sorts [hours].
    day_cut_off_hours
        Of a hub without sorts: how long before midnight it takes its last arrivals [hours].
    time_zone
        Time zone of hubs that name none, by IANA name.
    default_promise_days
        Days that routes without a promise of their own are promised on top of their shortest way by road; None promises nothing.
    max_legs
        Most lanes of a path; None sets no bound.
    max_detour_ratio, max_detour_km
        A path may be as long as the larger of ratio x direct and direct + km, direct being the shortest way by road; no path passes a
        hub twice where any of these is set.
    sort_plan
        ``free``: parcels of a sort and destination may leave over any lanes; ``daily``: over a primary and at most one alternate lane a
        date; ``fixed``: over the same two on all dates of the plan.
    """

    hold_cost: float = 0.2
    short_cost: float = 50.0
    late_cost: float = 1.0
    time_limit: float = 600.0
    seed: int = 0
    last_day: date | None = None
    effort: float = 1.0
    clock: str = "wall"
    proof_share: float = 0.5
    proof_columns: int | None = None
    extra_sort_cost: float = 0.5
    extra_buffer_cost: float = 0.3
    most_extra_share: float = float("inf")
    co2_price: float = 0.0
    unload_hours: float = 0.0
    day_cut_off_hours: float = 0.0
    turn_round_hours: float = 0.0
    time_zone: str = "Asia/Shanghai"
    default_promise_days: int | None = None
    max_legs: int | None = None
    max_detour_ratio: float | None = None
    max_detour_km: float | None = None
    sort_plan: str = "free"

    def __post_init__(self) -> None:
        for name in (
            "hold_cost",
            "short_cost",
            "late_cost",
            "extra_sort_cost",
            "extra_buffer_cost",
            "co2_price",
        ):
            if not 0 <= getattr(self, name) < float("inf"):
                raise RadarError(f"{name} {getattr(self, name)}", "a finite cost of 0 or more", f"set plan.{name}")
        for name in ("unload_hours", "day_cut_off_hours", "turn_round_hours"):
            if not 0 <= getattr(self, name) < 24:
                raise RadarError(f"{name} {getattr(self, name)}", "hours from 0 to less than 24", f"set plan.{name}")
        if self.sort_plan not in SORT_PLANS:
            raise RadarError(f"a sort plan {self.sort_plan}", f"one of {', '.join(SORT_PLANS)}", "set --sort-plan")
        if not self.time_limit > 0:
            raise RadarError(f"a time limit of {self.time_limit} s", "more than 0 seconds", "set --time-limit")
        if not 0 < self.effort < float("inf"):
            raise RadarError(f"an effort of {self.effort}", "a number above 0; 1 is the ordinary one", "set --effort")
