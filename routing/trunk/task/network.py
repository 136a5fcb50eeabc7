"""The network of a trunk plan as arrays: hubs and their sorts, lanes and vehicles, and the demand upon them.

Days count from the first demand day. A node is one sort of a hub on one business date; nodes stand in the order of their
close. Where hubs have no sorts of their own the day is the sort, and ``node = day * hubs + hub``; only what makes the network
(:mod:`routing.trunk.task.build_network`) may say so, everything else looks up ``node_hub``, ``node_day``, ``node_turn`` and
``after``. An arc is one departure of a lane on a day it can be used, from the node it leaves to the node it reaches. A lane
vehicle is a vehicle type that a lane takes; its arrays are named ``vehicle_``, those of the types ``type_``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import numpy.typing as npt

from routing.trunk.task.path_rules import PathRules

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class OpenLock:
    """A lock on the departures of a lane and day at whatever hour, where it leaves more than once.

    Attributes
    ----------
    vehicles : (n,)
        Lane vehicles of its type, one a departure, in order of their hour.
    day
    at_least, at_most : [departures]
        Of all of them together.
    """

    vehicles: Ints
    day: int
    at_least: int
    at_most: float


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
    node_staged : (N,)
        Nodes where parcels stand sorted and wait for a departure (:mod:`routing.trunk.task.staging`); they share the turn of their sort.
    close_hour : (N,) [hours]
        When the sort of a node closes, from midnight before the first day; never falls from a node to the next.
    delivery_hour : (N,) [hours]
        When what is sorted at a node for the last time goes out: the first delivery wave of its hub from its close on.
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
    day_limit : (L, D) [departures/day]
        Of all departures of a lane together, where it leaves more than once a day.
    vehicle_least, vehicle_most : (O, D) [departures]
        Departures that planners fix and to which they bound them. Bounds of cost know nothing of them: they hold for any plan.
    open_locks
        Locks whose hour is not settled.
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
        Hour of the delivery wave with which each is to go out, else by which it is to be sorted; ``inf`` without a promise.
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
    node_staged: Flags
    close_hour: Floats
    delivery_hour: Floats
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
    lane_step: Ints
    lane_back: Ints
    lane_leaves: Floats
    fleet_steps: int
    fleet_clock: Floats
    lane_limit: Floats
    type_ids: list[str]
    type_own: Flags
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
    day_limit: Floats
    vehicle_least: Ints
    vehicle_most: Floats
    open_locks: tuple[OpenLock, ...]
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

    @property
    def arc_drives(self) -> Flags:
        """Whether an arc is a departure, (R,): not where parcels are put from a sort to the staging behind it."""
        return ~self.node_staged[self.arc_head]

    @property
    def vehicle_drives(self) -> Flags:
        """Whether a lane vehicle drives, (O,): not what holds parcels between a sort and its staging."""
        return np.asarray(self.lane_origin[self.vehicle_lane] != self.lane_destination[self.vehicle_lane])

    def sorts_before(self) -> Ints:
        """Sort that has sorted what stands at each node, (N,): the node itself, of staging the one it stands behind."""
        before, aside = np.arange(self.nodes), np.flatnonzero(~self.arc_drives)
        before[self.arc_head[aside]] = self.arc_tail[aside]
        return before

    def ways_to_staging(self) -> Ints:
        """Arc from each sort to the staging behind it, (N,); -1 without."""
        ways = np.full(self.nodes, -1, dtype=np.int64)
        aside = np.flatnonzero(~self.arc_drives)
        ways[self.arc_tail[aside]] = aside
        return ways

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

    def vehicles_moved(self) -> Floats:
        """Own vehicles of each type that are to be gone from each hub at the end, below 0 to have come, (V, H)."""
        return (self.stand_start - self.stand_end).astype(np.float64)

    def can_hold(self) -> Flags:
        """Whether parcels may wait at a node for the next sort, (N,)."""
        return (self.buffer_capacity > 0) & (self.after >= 0) & self.hub_open[self.after]


def share_limits(network: TrunkNetwork) -> TrunkNetwork:
    """Share the limits of a lane and day out over its departures, those nearest to midnight first, and keep to what planners lock.

    A search that keeps the shares keeps the limits. A bound is proven without sharing: each departure may take all of them.
    """
    return keep_locks(_share_days(network) if leaves_often(network) else network)


def keep_locks(network: TrunkNetwork) -> TrunkNetwork:
    """Bound the departures of lane vehicles by what planners lock."""
    if not network.vehicle_least.any() and np.isinf(network.vehicle_most).all():
        return network
    limit = np.minimum(network.vehicle_limit, network.vehicle_most)
    return replace(network, vehicle_limit=np.maximum(limit, network.vehicle_least))


def leaves_often(network: TrunkNetwork) -> bool:
    """Whether some lane leaves more than once a day."""
    return len(set(network.lane_ids)) < len(network.lane_ids)


def _share_days(network: TrunkNetwork) -> TrunkNetwork:
    rank, count, real = _rank_departures(network)
    least = network.vehicle_least.astype(np.float64)
    lane_least, day_least = np.zeros(network.lane_limit.shape), np.zeros((int(real.max()) + 1, network.days))
    np.add.at(lane_least, network.vehicle_lane, least)
    np.add.at(day_least, real, lane_least)
    share = _share(network.day_limit - day_least[real], rank, count)
    lane_limit = np.minimum(network.lane_limit, lane_least + share)
    lane = network.vehicle_lane
    group = np.unique(real[lane] * len(network.type_ids) + network.vehicle_type, return_inverse=True)[1]
    together = np.zeros((int(group.max(initial=-1)) + 1, network.days))
    np.add.at(together, group, least)
    vehicle_limit = least + _share(network.vehicle_limit - together[group], rank[lane], count[lane])
    vehicle_limit = np.where(lane_limit[lane] >= 1, vehicle_limit, 0.0)
    return replace(network, lane_limit=lane_limit, vehicle_limit=vehicle_limit)


def _rank_departures(network: TrunkNetwork) -> tuple[Floats, Floats, Ints]:
    """Rank of each departure of a lane and day from midnight and their number, both (L, D); number of the lane itself, (L,)."""
    ids = {name: number for number, name in enumerate(dict.fromkeys(network.lane_ids))}
    real = np.array([ids[name] for name in network.lane_ids], dtype=np.int64)
    arcs = network.arc_of >= 0
    leaves = np.full(network.arc_of.shape, np.inf)
    leaves[network.arc_lane, network.arc_day] = network.arc_leaves - 24.0 * (network.arc_day + 1.0)
    rank, count = np.zeros(network.arc_of.shape), np.ones(network.arc_of.shape)
    several = np.bincount(real)[real] > 1
    for lane in np.unique(real[several]).tolist():
        mine = np.flatnonzero(real == lane)
        rank[mine] = np.argsort(np.argsort(np.abs(leaves[mine]), axis=0, kind="stable"), axis=0, kind="stable")
        count[mine] = np.maximum(arcs[mine].sum(axis=0), 1)
    return rank, count, real


def _share(limit: Floats, rank: Floats, count: Floats) -> Floats:
    share = np.ceil((limit - rank) / count)
    return np.where(np.isfinite(limit), np.maximum(share, 0.0), np.inf)
