"""The network of a trunk plan as arrays: hubs and their sorts, lanes and vehicles, and the demand upon them.

Days count from the first demand day. A node is one sort of a hub on one business date; nodes stand in the order of their
close. Where hubs have no sorts of their own the day is the sort, and ``node = day * hubs + hub``; only what makes the network
may say so, everything else looks up ``node_hub``, ``node_day``, ``node_turn`` and ``after``. An arc is one departure of a lane
on a day it can be used, from the node it leaves to the node it reaches. A lane vehicle is a vehicle type that a lane takes; its arrays are named ``vehicle_``, those of the types ``type_``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from data.errors import RadarError
from routing.trunk.task.departures import Slots, list_days, list_slots
from routing.trunk.task.due_times import add_default_promises, read_due, read_due_hours
from routing.trunk.task.hand_in import lay_demand, read_profiles
from routing.trunk.task.path_rules import PathRules, lay_rules
from routing.trunk.task.sorts import Sorts, lay_sorts
from routing.trunk.task.stands import read_stands
from routing.trunk.task.validation import check_numbers

if TYPE_CHECKING:
    import polars as pl

    from routing.trunk.task.inputs import TrunkInputs, TrunkOptions

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

UNBOUNDED = np.inf
_EPSILON = 1e-9  # hours / 24 that is whole but for float noise does not cost a day
_MOST_DRAIN_DAYS = 14
_MOST_DAYS = 120


@dataclass(frozen=True, slots=True)
class TrunkNetwork:
    """Arrays of one planning task; N nodes, H hubs, D days, L lanes, V vehicle types, O lane vehicles, R arcs, K demands.

    Attributes
    ----------
    node_hub, node_day : (N,)
        Hub and business date of each node.
    node_turn : (N,)
        Number of a node among those of its hub, from 0; ``turns`` is one more than the largest. Prices of lateness are kept
        by it: ``late_price[commodity, node_turn[node]]``. In days it is the day.
    node_sort : (N,)
        Number of its sort in ``sort_ids``.
    close_hour : (N,) [hours]
        When the sort of a node closes, from midnight before the first day; never falls from a node to the next.
    close_pointers : (B + 1,)
        First node of each close; nodes of one block close at the same hour, only lanes without transit time join them.
    after : (N,)
        Next node of the same hub, -1 for its last: where parcels are that wait.
    sort_capacity, buffer_capacity : (N,) [parcels]
        ``inf`` without a bound, 0 where the hub is closed.
    hub_open : (N,)
    handling_cost : (N,) [CNY/parcel]
    waiting_cost : (N,) [CNY/parcel]
        Price of waiting from a node to the one after it: ``hold_cost`` by hours / 24.
    type_fleet : (V,) [vehicles]
    stands_given : (V,)
        Whether it is given where the vehicles of a type stand; stand_start, stand_end : (V, H) [vehicles] tell it.
    vehicle_lane, vehicle_type : (O,)
    vehicle_capacity : (O,) [parcels/departure]; vehicle_cost : (O,) [CNY/departure]
    vehicle_carbon : (O,) [kg/departure]; its price is in ``vehicle_cost``
    vehicle_limit : (O, D) [departures/day]; lane_limit : (L, D) [departures/day]
    arc_lane, arc_day, arc_tail, arc_head : (R,)
        Sorted by tail node. ``arc_cost`` [CNY/parcel] is the lane's parcel cost.
    arc_step, arc_back : (R,)
        Steps of the fleets' time from which and before which a vehicle of the arc is away; of ``fleet_steps`` steps.
        In days a step is a day.
    own_back : (R,)
        Step from which an own vehicle of the arc can leave again: as ``arc_back``, after it has been turned round.
    lane_step, lane_back : (L, D)
        The same by lane and day, whether it can run or not.
    lane_leaves : (L, D) [hours]
        When a lane leaves; ``inf`` on days without such a departure.
    fleet_clock : (fleet_steps,) [hours]
        When each step of the fleets' time begins.
    arc_of : (L, D)
        Index of the arc of a lane on a day, -1 where it cannot run.
    demand_origin, demand_destination, demand_day, demand_parcels : (K,)
        Demands of at least one parcel, sorted by day, origin, destination.
    demand_start : (K,)
        Node at which each is handed in.
    demand_due : (K,)
        Day by which each is promised; ``promises.NO_PROMISE`` without a promise.
    demand_due_hour : (K,) [hours]
        Hour of the plan by which each is to be sorted at its destination; ``inf`` without a promise.
    by_clock, midnight
        Whether hubs have sorts of their own, and the moment hours of the plan are counted from.
    arc_leaves, arc_arrives : (R,) [hours]
    path_rules
        What paths planners accept.
    """

    first_day: date
    days: int
    demand_days: int
    hold_cost: float
    short_cost: float
    late_cost: float
    by_clock: bool
    midnight: datetime
    hub_ids: list[str]
    sort_ids: list[str]
    node_hub: Ints
    node_day: Ints
    node_turn: Ints
    node_sort: Ints
    close_hour: Floats
    close_pointers: Ints
    after: Ints
    sort_capacity: Floats
    buffer_capacity: Floats
    hub_open: Flags
    handling_cost: Floats
    waiting_cost: Floats
    lane_ids: list[str]
    lane_origin: Ints
    lane_destination: Ints
    lane_parcel_cost: Floats
    lane_step: Ints
    lane_back: Ints
    lane_leaves: Floats
    fleet_steps: int
    fleet_clock: Floats
    lane_limit: Floats
    type_ids: list[str]
    type_own: Flags
    type_rank: Ints
    type_fleet: Floats
    stands_given: Flags
    stand_start: Ints
    stand_end: Ints
    vehicle_lane: Ints
    vehicle_type: Ints
    vehicle_capacity: Floats
    vehicle_cost: Floats
    vehicle_carbon: Floats
    vehicle_limit: Floats
    arc_lane: Ints
    arc_day: Ints
    arc_tail: Ints
    arc_head: Ints
    arc_cost: Floats
    arc_step: Ints
    arc_back: Ints
    own_back: Ints
    arc_leaves: Floats
    arc_arrives: Floats
    arc_of: Ints
    demand_origin: Ints
    demand_destination: Ints
    demand_day: Ints
    demand_parcels: Ints
    demand_start: Ints
    demand_due: Ints
    demand_due_hour: Floats
    path_rules: PathRules

    @property
    def hubs(self) -> int:
        """Number of hubs."""
        return len(self.hub_ids)

    @property
    def nodes(self) -> int:
        """Number of sorts of hubs."""
        return len(self.node_hub)

    @property
    def turns(self) -> int:
        """Most nodes of one hub."""
        return int(self.node_turn.max()) + 1

    @property
    def arcs(self) -> int:
        """Number of departures that can be used."""
        return len(self.arc_lane)

    def moment(self, hour: float) -> datetime:
        """Moment of an hour of the plan, in UTC."""
        return (self.midnight.astimezone(UTC)) + timedelta(minutes=round(60.0 * hour))

    def name_time(self, node: int) -> str:
        """Say when a node is: its date, and its sort where hubs have sorts."""
        when = str(self.day(self.node_day[node]))
        return f"{when} in sort {self.sort_ids[self.node_sort[node]]}" if self.by_clock else when

    def wait_nights(self) -> Floats:
        """Hours / 24 from the close of a node to that of the next of its hub, (N,); 1 for its last."""
        return np.where(self.after >= 0, (self.close_hour[self.after] - self.close_hour) / 24.0, 1.0)

    def day(self, index: int) -> date:
        """Date of a day's number."""
        return self.first_day + timedelta(days=int(index))

    def demand_node(self) -> Ints:
        """Node at which each demand is handed in, (K,)."""
        return self.demand_start

    def busy_days(self) -> Ints:
        """Steps of the fleets' time a vehicle of each arc is away, (R,), at least one; days where the day is the sort."""
        return self.arc_back - self.arc_step

    def can_hold(self) -> Flags:
        """Whether parcels may wait at a node for the next sort, (N,)."""
        return (self.buffer_capacity > 0) & (self.after >= 0) & self.hub_open[self.after]


def build_network(inputs: TrunkInputs, options: TrunkOptions) -> TrunkNetwork:
    """Turn the tables into arrays.

    Raises
    ------
    RadarError
        For tables that contradict each other: unknown hubs, lanes or types, no hub, no demand row, numbers below 0.
    """
    check_numbers(inputs)
    hub_ids = inputs.hubs["hub_id"].sort().to_list()
    if not hub_ids:
        raise RadarError("no hubs", "at least one hub", "load the table hubs first")
    hub_number = {hub: i for i, hub in enumerate(hub_ids)}
    first_day, demand, ready = _read_demand(inputs.route_demand, hub_number)
    origin, destination, day, parcels = demand
    demand_days = int(day.max()) + 1 if len(day) else 1
    hubs = inputs.hubs.sort("hub_id")
    sort_now = _bound(hubs, "sort_capacity")
    buffer_now = _bound(hubs, "buffer_capacity")
    lanes = inputs.lanes.sort("lane_id")
    ends = (
        _numbers(lanes, "origin_hub_id", hub_number, "lanes", "hub"),
        _numbers(lanes, "destination_hub_id", hub_number, "lanes", "hub"),
    )
    days = _count_days(inputs, options, first_day, demand_days, (origin, destination, parcels), sort_now, buffer_now)
    sorts = lay_sorts(inputs, options, hubs, first_day, _open_days(inputs.network_changes, hub_number, first_day, days))
    lane_number = {lane: i for i, lane in enumerate(lanes["lane_id"].to_list())}
    _numbers(inputs.lane_departures, "lane_id", lane_number, "lane_departures", "lane")
    factor, speed = _read_weather(inputs.lane_weather, lane_number, first_day, days)
    closed = (factor <= 0) | (speed <= 0)
    if sorts.by_clock:
        turn_round = options.turn_round_hours
        slots = list_slots(lanes, inputs.lane_departures, sorts, ends, speed, closed, turn_round)
    else:
        slots = list_days(lanes, sorts, ends, speed, closed, options.unload_hours + options.day_cut_off_hours)
    lane = slots.lane
    thin = np.where(factor > 0, factor, 1.0)[lane]
    # a loss below one whole departure is not felt
    lane_limit = np.ceil(np.minimum(_bound(lanes, "departure_limit")[lane], slots.limit)[:, None] * thin - _EPSILON)
    types = inputs.vehicle_types.sort("vehicle_type_id")
    vehicle = _spread_lane_vehicles(
        _list_lane_vehicles(inputs, lanes, types, lane_number, options.co2_price),
        slots,
        types["vehicle_type_id"].to_list(),
    )
    vehicle_limit = np.ceil(vehicle["limit"][:, None] * thin[vehicle["lane"]] - _EPSILON)
    vehicle_limit[closed[lane][vehicle["lane"]]] = 0.0
    lane_limit[closed[lane]] = 0.0
    fleet = _bound(types, "fleet_size")
    stands = read_stands(inputs.vehicle_stands, types, hub_ids)
    arc_lane, arc_day = _list_arcs(slots, sorts, vehicle, vehicle_limit, lane_limit, fleet)
    parcel_cost = lanes["parcel_cost"].fill_null(0.0).to_numpy().astype(np.float64)[lane]
    ownership = types["ownership"].to_list()
    arc_of = np.full(slots.tail.shape, -1, dtype=np.int64)
    arc_of[arc_lane, arc_day] = np.arange(len(arc_lane))
    start = day * len(hub_ids) + origin
    if sorts.by_clock:
        profiles = read_profiles(inputs.hand_in_profile)
        origin, destination, day, parcels, start = lay_demand(sorts, profiles, hub_ids, demand, ready)
    promises = add_default_promises(inputs.service_promises, lanes, hub_ids, options.default_promise_days)
    due = read_due(promises, hub_number, origin, destination, day)
    due_hour = read_due_hours(promises, hub_number, sorts, (origin, destination, day), due)
    names = lanes["lane_id"].to_list()
    return TrunkNetwork(
        first_day=first_day,
        days=days,
        demand_days=demand_days,
        hold_cost=options.hold_cost,
        short_cost=options.short_cost,
        late_cost=options.late_cost,
        by_clock=sorts.by_clock,
        midnight=sorts.midnight,
        hub_ids=hub_ids,
        sort_ids=sorts.sort_ids,
        node_hub=sorts.hub,
        node_day=sorts.day,
        node_turn=sorts.turn,
        node_sort=sorts.sort,
        close_hour=sorts.close,
        close_pointers=sorts.pointers,
        after=sorts.after,
        sort_capacity=sorts.capacity,
        buffer_capacity=sorts.buffer,
        hub_open=sorts.open,
        handling_cost=sorts.handling,
        waiting_cost=sorts.waiting,
        lane_ids=[names[number] for number in lane.tolist()],
        lane_origin=ends[0][lane],
        lane_destination=ends[1][lane],
        lane_parcel_cost=parcel_cost,
        lane_step=slots.step,
        lane_back=slots.back,
        lane_leaves=slots.leaves,
        fleet_steps=slots.steps,
        fleet_clock=slots.clock,
        lane_limit=lane_limit,
        type_ids=types["vehicle_type_id"].to_list(),
        type_own=np.array([owner == "own" for owner in ownership], dtype=np.bool_),
        type_rank=np.array([("own", "contract", "spot").index(owner) for owner in ownership], dtype=np.int64),
        type_fleet=fleet,
        stands_given=stands[0],
        stand_start=stands[1],
        stand_end=stands[2],
        vehicle_lane=vehicle["lane"].astype(np.int64),
        vehicle_type=vehicle["type"].astype(np.int64),
        vehicle_capacity=vehicle["capacity"],
        vehicle_cost=vehicle["cost"],
        vehicle_carbon=vehicle["carbon"],
        vehicle_limit=vehicle_limit,
        arc_lane=arc_lane,
        arc_day=arc_day,
        arc_tail=slots.tail[arc_lane, arc_day],
        arc_head=slots.head[arc_lane, arc_day],
        arc_cost=parcel_cost[arc_lane],
        arc_step=slots.step[arc_lane, arc_day],
        arc_back=slots.back[arc_lane, arc_day],
        own_back=slots.own_back[arc_lane, arc_day],
        arc_leaves=slots.leaves[arc_lane, arc_day],
        arc_arrives=slots.arrives[arc_lane, arc_day],
        arc_of=arc_of,
        demand_origin=origin,
        demand_destination=destination,
        demand_day=day,
        demand_parcels=parcels,
        demand_start=start,
        demand_due=due,
        demand_due_hour=due_hour,
        path_rules=lay_rules(options, lanes, ends, len(hub_ids), lane[arc_lane]),
    )


def share_limits(network: TrunkNetwork) -> TrunkNetwork:
    """Share the limits of a lane and day out over its departures, those nearest to midnight first.

    A search that keeps the shares keeps the limits. A bound is proven without sharing: each departure may take all of them.
    """
    if len(set(network.lane_ids)) == len(network.lane_ids):
        return network
    ids = {name: number for number, name in enumerate(dict.fromkeys(network.lane_ids))}
    real = np.array([ids[name] for name in network.lane_ids], dtype=np.int64)
    arcs = network.arc_of >= 0
    leaves = np.full(network.arc_of.shape, np.inf)
    leaves[network.arc_lane, network.arc_day] = network.arc_leaves - 24.0 * (network.arc_day + 1.0)
    rank = np.zeros(network.arc_of.shape)
    several = np.bincount(real)[real] > 1
    count = np.ones(network.arc_of.shape)
    for lane in np.unique(real[several]).tolist():
        mine = np.flatnonzero(real == lane)
        rank[mine] = np.argsort(np.argsort(np.abs(leaves[mine]), axis=0, kind="stable"), axis=0, kind="stable")
        count[mine] = np.maximum(arcs[mine].sum(axis=0), 1)
    lane_limit = np.ceil((network.lane_limit - rank) / count)
    lane_limit = np.where(np.isfinite(network.lane_limit), np.maximum(lane_limit, 0.0), np.inf)
    vehicle_limit = np.ceil((network.vehicle_limit - rank[network.vehicle_lane]) / count[network.vehicle_lane])
    vehicle_limit = np.where(np.isfinite(network.vehicle_limit), np.maximum(vehicle_limit, 0.0), np.inf)
    vehicle_limit = np.where(lane_limit[network.vehicle_lane] >= 1, vehicle_limit, 0.0)
    return replace(network, lane_limit=lane_limit, vehicle_limit=vehicle_limit)


def _read_demand(
    demand: pl.DataFrame, hub_number: dict[str, int]
) -> tuple[date, tuple[Ints, Ints, Ints, Ints], list[datetime | None]]:
    """First day; origin, destination, day and parcels of the demands; when each is at hand, where it says so."""
    if demand.is_empty():
        raise RadarError(
            "no demand in the days of the plan", "rows in route_demand", "run `radar forecast`, or load route_demand"
        )
    first_day = cast(date, demand["date"].min())
    keys = ["date", "origin_hub_id", "destination_hub_id"]
    told = [*keys, "ready_at"] if "ready_at" in demand.columns and not demand["ready_at"].is_null().all() else keys
    rows = demand.group_by(told).agg(parcels=demand_sum()).sort(told)
    origin = _numbers(rows, "origin_hub_id", hub_number, "route_demand", "hub")
    destination = _numbers(rows, "destination_hub_id", hub_number, "route_demand", "hub")
    day = (rows["date"] - first_day).dt.total_days().to_numpy().astype(np.int64)
    if day.max() >= _MOST_DAYS:
        raise RadarError(
            f"demand over {int(day.max()) + 1} days", f"at most {_MOST_DAYS} days a plan", "set --from and --to"
        )
    parcels = rows["parcels"].to_numpy().astype(np.int64)
    some = parcels > 0
    order = np.lexsort((destination[some], origin[some], day[some]))
    ready: list[datetime | None] = rows["ready_at"].to_list() if len(told) > len(keys) else [None] * rows.height
    at = np.flatnonzero(some)[order]
    return first_day, (origin[at], destination[at], day[at], parcels[at]), [ready[k] for k in at.tolist()]


def demand_sum() -> pl.Expr:
    """Parcels of a demand given in several rows."""
    import polars as pl

    return pl.col("parcels").sum()


def _numbers(frame: pl.DataFrame, column: str, known: dict[str, int], table: str, what: str) -> Ints:
    names = frame[column].to_list()
    unknown = sorted({str(name) for name in names if name not in known})
    if unknown:
        more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        raise RadarError(
            f"{what} {unknown[0]}{more} in {table}.{column}, unknown to the reference tables",
            action=f"load the {what} or drop the rows",
        )
    return np.array([known[name] for name in names], dtype=np.int64)


def _bound(frame: pl.DataFrame, column: str) -> Floats:
    values: Floats = frame[column].cast(float).fill_null(UNBOUNDED).to_numpy().astype(np.float64)
    return values


def _count_days(
    inputs: TrunkInputs,
    options: TrunkOptions,
    first_day: date,
    demand_days: int,
    demand: tuple[Ints, Ints, Ints],
    sort_capacity: Floats,
    buffer_capacity: Floats,
) -> int:
    """Days of the plan: the demand days, the longest path, and the time the fullest hub needs to work off its queue."""
    if options.last_day is not None:
        days = (options.last_day - first_day).days + 1
        if not demand_days <= days <= _MOST_DAYS + _MOST_DRAIN_DAYS:
            raise RadarError(
                f"last day {options.last_day}",
                "a day from the last demand day on, within half a year",
                "set --last-day",
            )
        return days
    origin, destination, parcels = demand
    hours = inputs.lanes["transit_hours"].to_numpy().astype(np.float64)
    longest = 2.0 * float(np.ceil(hours.max() / 24.0)) if len(hours) else 0.0
    ends = np.bincount(origin, parcels, len(sort_capacity)) + np.bincount(destination, parcels, len(sort_capacity))
    bounded = np.isfinite(sort_capacity) & (sort_capacity > 0) & (buffer_capacity > 0)
    queue = ends[bounded] / sort_capacity[bounded] - demand_days if bounded.any() else np.zeros(1)
    spare = float(np.ceil(max(0.0, queue.max()))) + (1.0 if bounded.any() else 0.0)
    return demand_days + int(min(_MOST_DRAIN_DAYS, longest + spare))


def _read_weather(weather: pl.DataFrame, lanes: dict[str, int], first_day: date, days: int) -> tuple[Floats, Floats]:
    factor = np.ones((len(lanes), days))
    speed = np.ones((len(lanes), days))
    if weather.is_empty():
        return factor, speed
    offset = (weather["date"] - first_day).dt.total_days().to_list()
    rows = zip(offset, weather["lane_id"], weather["capacity_factor"], weather["speed_factor"], strict=True)
    for day, lane, capacity_factor, speed_factor in rows:
        number = lanes.get(lane)
        if number is not None and 0 <= day < days:
            factor[number, day] = 1.0 if capacity_factor is None else capacity_factor
            speed[number, day] = 1.0 if speed_factor is None else speed_factor
    return factor, speed


def _list_lane_vehicles(
    inputs: TrunkInputs, lanes: pl.DataFrame, types: pl.DataFrame, lane_number: dict[str, int], co2_price: float
) -> dict[str, Floats]:
    """Vehicles of every lane: its own list where it has one, else every type of its mode; what their carbon costs is in their cost."""
    import polars as pl

    type_number = {name: i for i, name in enumerate(types["vehicle_type_id"].to_list())}
    listed = inputs.lane_vehicles
    _numbers(listed, "lane_id", lane_number, "lane_vehicles", "lane")
    _numbers(listed, "vehicle_type_id", type_number, "lane_vehicles", "vehicle type")
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


def _open_days(changes: pl.DataFrame, hub_number: dict[str, int], first_day: date, days: int) -> Flags:
    """Whether a hub is open on a day, (D, H): its latest change decides; before its first, a hub that will open is not."""
    is_open = np.ones((days, len(hub_number)), dtype=np.bool_)
    if changes.is_empty():
        return is_open
    for hub, rows in sorted(changes.partition_by("hub_id", as_dict=True).items()):
        number = hub_number.get(str(hub[0]))
        if number is None:
            continue
        states: dict[int, bool] = {}
        for when, group in rows.partition_by("date", as_dict=True).items():
            kinds = set(group["change"].to_list())
            moved = float(group.filter(group["change"] == "moves")["share"].fill_null(1.0).sum())
            shut = "closes" in kinds or ("moves" in kinds and moved >= 1.0 - 1e-9)
            change_day = cast(date, when[0])
            states[(change_day - first_day).days] = "opens" in kinds or not shut
        first = min(states)
        opens_first = "opens" in rows.filter(rows["date"] == rows["date"].min())["change"].to_list()
        for day in range(days):
            past = [at for at in states if at <= day]
            is_open[day, number] = states[max(past)] if past else not (opens_first and day < first)
    return is_open


def _spread_lane_vehicles(vehicle: dict[str, Floats], slots: Slots, type_ids: list[str]) -> dict[str, Floats]:
    """Options of every slot: those of its lane, or the one vehicle type it is for."""
    first = np.searchsorted(vehicle["lane"], slots.lane)
    last = np.searchsorted(vehicle["lane"], slots.lane, side="right")
    slot = np.repeat(np.arange(len(slots.lane)), last - first)
    place = np.arange(len(slot)) - np.repeat(np.cumsum(last - first) - (last - first), last - first) + first[slot]
    number = {name: kind for kind, name in enumerate(type_ids)}
    only = np.array([-1 if name is None else number.get(name, -2) for name in slots.vehicle_type], dtype=np.int64)
    kept = (only[slot] == -1) | (vehicle["type"][place] == only[slot])
    spread = {name: values[place[kept]] for name, values in vehicle.items()}
    return spread | {"lane": slot[kept]}


def _list_arcs(
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
