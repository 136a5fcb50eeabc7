"""What the simulator plays on, as named arrays: hubs, lanes, vehicles, paths, hand-ins, the clock, the rules, the yard.

A step is the number of a sort among those of its hub; by days each hub has one a day. Parcels that share what is left of their
path, the step they came to the hub and when they are meant to be done share a cell. Numba takes these tuples as they are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from data.arrays import Flags

Whole = NDArray[np.int64]
Money = NDArray[np.float64]

UNBOUNDED = 1 << 50  # parcels; no bound, and sums of many of it stay within 64 bits
CLOSED = -1  # a lane that does not run; a path that ends; no such cell


class Hubs(NamedTuple):
    """Hubs.

    Attributes
    ----------
    capacity
        [hubs x steps] parcels sorted in a step; ``UNBOUNDED`` without a bound.
    buffer
        [hubs x steps] parcels that may wait at the end of a step.
    staging
        [hubs] sorted parcels that may wait; below 0: they are held against the buffer with the unsorted.
    handling
        [hubs x steps] CNY a parcel sorted.
    waiting
        [hubs x steps] CNY a parcel that waits from the end of the step to that of the next.
    spot_limit
        [hubs x steps] vehicles that may be called on the day of the step.
    """

    capacity: Whole
    buffer: Whole
    staging: Whole
    handling: Money
    waiting: Money
    spot_limit: Whole


class Lanes(NamedTuple):
    """Lanes.

    Attributes
    ----------
    origin, destination
        [lanes] hub numbers.
    by_hub, of_hub
        [hubs + 1], [lanes]: the lanes of hub h are ``of_hub[by_hub[h]:by_hub[h + 1]]``.
    arrival
        [lanes x steps of its origin] step of the destination that takes what leaves first after the step; ``CLOSED`` when nothing leaves or
        it arrives after the last step.
    room
        [lanes x steps] parcels the planned vehicles hold.
    meant
        [lanes x steps] parcels the plan itself leaves waiting for the lane.
    spread
        [lanes x steps] whether planned vehicles that load after the step reach different steps.
    parcel_cost, tail_cost
        [lanes] CNY a parcel: beside the vehicle; and for a place on traffic after the last day of demand.
    spot_capacity, spot_cost
        [lanes] parcels, CNY a vehicle called; capacity 0: none can be called.
    """

    origin: Whole
    destination: Whole
    by_hub: Whole
    of_hub: Whole
    arrival: Whole
    room: Whole
    meant: Whole
    spread: Flags
    parcel_cost: Money
    tail_cost: Money
    spot_capacity: Whole
    spot_cost: Money


class Vehicles(NamedTuple):
    """Planned vehicles: those of lane l that load after step s are rows ``start[l, s]`` to ``end[l, s]``, in the order they are filled.

    Attributes
    ----------
    start, end
        [lanes x steps] rows.
    number, capacity
        Vehicles, parcels a vehicle.
    arrival
        Step of the destination that takes their parcels; ``CLOSED`` when they do not run.
    rank
        Number of their departure among those of its lane and step, by the hour of leaving.
    cost, idle_cost
        CNY of one that runs, CNY of one cancelled.
    """

    start: Whole
    end: Whole
    number: Whole
    capacity: Whole
    arrival: Whole
    rank: Whole
    cost: Money
    idle_cost: Money


class Paths(NamedTuple):
    """What is left of paths, from a hub on.

    Attributes
    ----------
    hub
        [paths] where it begins.
    lane, after
        [paths] next lane and the path after it; ``CLOSED`` where the parcel ends here.
    first_alternate, alternates
        [paths + 1] and path numbers: other next lanes to the same end, nearest first.
    by_road
        [paths] path taken by what a train or flight leaves behind when none runs in the next day; ``CLOSED`` without one.
    earlier
        [paths] next lane of parcels handed in before the plan, which ride on vehicles of an earlier one; ``CLOSED`` on paths of the plan. Their
        ``lane`` is ``CLOSED``, as they leave when sorted.
    """

    hub: Whole
    lane: Whole
    after: Whole
    first_alternate: Whole
    alternates: Whole
    by_road: Whole
    earlier: Whole


class HandIns(NamedTuple):
    """How demand divides over paths: rows ``start[h, s]`` to ``end[h, s]`` are handed in at hub h before step s.

    Attributes
    ----------
    start, end
        [hubs x steps] rows.
    demand
        Column of the draws.
    path, term
        Path, and number of its term.
    low, high, total
        Cumulative shares of the path: from ``n * low // total`` to ``n * high // total`` of the n parcels of a demand take it.
    since, until
        Cumulative shares of the hour: from ``floor(n * since)`` to ``floor(n * until)`` of them are at hand for the step.
    expected
        [hubs x steps] parcels the plan expects, for the gate.
    """

    start: Whole
    end: Whole
    demand: Whole
    path: Whole
    term: Whole
    low: Whole
    high: Whole
    total: Whole
    since: Money
    until: Money
    expected: Whole


class Terms(NamedTuple):
    """When parcels are meant to leave and to be done, numbered by path: first the free terms of the hub where it ends, then those of the plan.

    A free term says when to be done, one of the plan also after which steps its own departures leave.

    Attributes
    ----------
    hour
        [hubs x free terms] hour after which parcels are late: their promise, without one the plan's own; infinite for those handed in before
        the plan.
    leave
        [paths x terms] ``step * ranks + rank`` of the departure to leave with: the plan's own; of a free term the last step that leads to the end in
        time when nothing waits, in fair weather, and rank 0.
    after, free
        [paths x terms] term on the path after it, free term of parcels that leave the plan's ways.
    ranks
        Most departures, at hours of their own, that a lane has after one step.
    """

    hour: Money
    leave: Whole
    after: Whole
    free: Whole
    ranks: int


class Clock(NamedTuple):
    """The order of sorts.

    Attributes
    ----------
    hub, step
        [visits] which hub sorts which step.
    first, last
        [visits] whether it is the hub's first and last visit of the step: lanes that arrive in the step they leave need several.
    day
        [hubs x steps] number of the business date.
    close, delivered
        [hubs x steps] hours at which steps end, and at which what they finish goes out to outlets.
    first_demand, last_demand
        Days on which parcels of the plan are handed in, from and to.
    """

    hub: Whole
    step: Whole
    first: Flags
    last: Flags
    day: Whole
    close: Money
    delivered: Money
    first_demand: int
    last_demand: int


class Rules(NamedTuple):
    """What a dispatcher may do, and prices."""

    alternates: bool
    gate: bool
    late_cost: float


class Network(NamedTuple):
    """All a play needs but the demand."""

    hubs: Hubs
    lanes: Lanes
    vehicles: Vehicles
    paths: Paths
    hand_ins: HandIns
    terms: Terms
    clock: Clock
    rules: Rules


class Yard(NamedTuple):
    """Parcels at hubs and on their way, modified in place.

    Attributes
    ----------
    path, term, arrived, unsorted, ready
        [cells] what a cell holds; ``ready`` are sorted and wait for a departure.
    turn
        [cells] its turn: the departure it should leave with to be done in time, then the step it came.
    following
        [cells] next cell of the same hub, in turn.
    share
        [cells] scratch of sorting and loading.
    head
        [hubs] first cell that waits.
    coming_head, coming_tail
        [hubs x steps x departures] cells that will join at a step, by the departure they should leave with.
    coming
        [hubs x steps] their parcels.
    slot
        [paths x steps x terms] cell by path, arrival and term.
    spare, spares
        Free cells and how many.
    waiting, unsorted_at, stuck
        [hubs] parcels in the yard, those of them not yet sorted, and sorted ones of an earlier plan whose lane does not run.
    room, ready_for
        [lanes] room left in this step; sorted parcels that wait for the lane.
    free, lane_sum, lane_seen, lane_turn
        [lanes] scratch of sorting and loading.
    capacity_left, called
        [hubs] of this step; vehicles called on this day.
    closed
        [hubs] last step that has ended.
    """

    path: Whole
    term: Whole
    arrived: Whole
    turn: Whole
    unsorted: Whole
    ready: Whole
    following: Whole
    share: Whole
    head: Whole
    coming_head: Whole
    coming_tail: Whole
    coming: Whole
    slot: NDArray[np.int32]
    spare: Whole
    spares: Whole
    waiting: Whole
    unsorted_at: Whole
    stuck: Whole
    room: Whole
    ready_for: Whole
    free: Whole
    lane_sum: Whole
    lane_seen: Whole
    lane_turn: Whole
    capacity_left: Whole
    called: Whole
    closed: Whole


class Played(NamedTuple):
    """What happened in one draw, modified in place.

    Attributes
    ----------
    over, held, handled
        [hubs x steps] parcels beyond the room, waiting at the end of the step, sorted.
    load, spot, tail
        [lanes x steps] parcels on planned vehicles, vehicles called, parcels on later traffic.
    aboard
        [rows of vehicles] parcels, where those of a lane and step reach different steps.
    costs
        [COSTS] CNY.
    late
        [days] parcels by begun days after their term; 0 in time.
    """

    over: Whole
    held: Whole
    handled: Whole
    load: Whole
    aboard: Whole
    spot: Whole
    tail: Whole
    costs: Money
    late: Whole


COSTS = ("handling", "carriage", "waiting", "vehicles", "idle", "spot", "tail", "late")
HANDLING, CARRIAGE, WAITING, VEHICLES, IDLE, SPOT, TAIL, LATE = range(len(COSTS))


def _zeros(*shape: int) -> Whole:
    return np.zeros(shape, dtype=np.int64)


def open_yard(network: Network, cells: int) -> Yard:
    """Give an empty yard with room for ``cells`` cells."""
    hubs, steps = network.hubs.capacity.shape
    lanes, paths = network.lanes.origin.size, network.paths.hub.size
    none = np.full((hubs, steps, steps * network.terms.ranks), CLOSED, dtype=np.int64)
    return Yard(
        path=_zeros(cells),
        term=_zeros(cells),
        arrived=_zeros(cells),
        turn=_zeros(cells),
        unsorted=_zeros(cells),
        ready=_zeros(cells),
        following=_zeros(cells),
        share=_zeros(cells),
        head=none[:, 0, 0].copy(),
        coming_head=none.copy(),
        coming_tail=none.copy(),
        coming=_zeros(hubs, steps),
        slot=np.full((paths, steps, network.terms.leave.shape[1]), CLOSED, dtype=np.int32),
        spare=np.arange(cells, dtype=np.int64),
        spares=np.array([cells]),
        waiting=_zeros(hubs),
        unsorted_at=_zeros(hubs),
        stuck=_zeros(hubs),
        room=_zeros(lanes),
        ready_for=_zeros(lanes),
        free=_zeros(lanes),
        lane_sum=_zeros(lanes),
        lane_seen=_zeros(lanes),
        lane_turn=_zeros(lanes),
        capacity_left=_zeros(hubs),
        called=_zeros(hubs),
        closed=np.full(hubs, CLOSED, dtype=np.int64),
    )


def open_record(network: Network) -> Played:
    """Give an empty record of one draw."""
    hubs, steps = network.hubs.capacity.shape
    lanes = network.lanes.origin.size

    return Played(
        over=_zeros(hubs, steps),
        held=_zeros(hubs, steps),
        handled=_zeros(hubs, steps),
        load=_zeros(lanes, steps),
        aboard=_zeros(network.vehicles.number.size),
        spot=_zeros(lanes, steps),
        tail=_zeros(lanes, steps),
        costs=np.zeros(len(COSTS)),
        late=_zeros(int(network.clock.day.max()) + 1),
    )
