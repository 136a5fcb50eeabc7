"""A bound for networks whose vehicles are hardly filled, by dual ascent.

Where an arc carries less than one vehicle, whoever uses it must pay a whole departure between them. Each demand k offers on
each arc r a price w(k, r) of its own [CNY]; for the departure price F and capacity of every vehicle of r

    sum over demands of min(1, capacity / parcels of k) x w(k, r) <= F - capacity x room price of r

and then the sum of every demand's cheapest path under its own prices is below the cost of every plan: these are prices of
the forcing rows of ``path_formulation``. The ascent raises the length of a demand's cheapest path by raising its prices on all tight
arcs into the set of nodes that cannot be reached more cheaply, until an arc is paid in full; then the node behind it joins
the set (Wong, Mathematical Programming 28, 1984; Balakrishnan, Magnanti, Wong, Operations Research 37, 1989).
"""

from __future__ import annotations

import heapq
from typing import NamedTuple

import numba
import numpy as np

from routing.budget import Deadline
from routing.trunk.bound.certificate import mark_payers
from routing.trunk.bound.lagrangian import (
    BoundCertificate,
    Relaxation,
    price_arcs,
    price_departures,
    price_parcels,
    prove_bound,
)
from routing.trunk.task.commodities import list_commodities
from routing.trunk.task.network import Flags, Floats, Ints, TrunkNetwork
from routing.trunk.task.records import UNCOUNTED, ParcelPrices, list_demands, list_lane_vehicles, point_out
from routing.trunk.task.shortest_paths import label_paths

MOST_PRICES = 6_000_000  # demands x arcs
_ROUNDS = 200
_CHUNK = 5  # rounds between looks at the clock
_NIL = 1e-9  # CNY
_FILLED = 0.3  # of its smallest vehicle: an arc filled so far keeps its price by the parcel


class AscentTask(NamedTuple):
    """What the ascent reads.

    Attributes
    ----------
    hub, turn, after, before : (N,)
        Of nodes; ``before`` is the node whose parcels wait for this one, -1 without one.
    first_out : (N + 1,); tail, head : (R,)
    into : (R,); first_into : (N + 1,)
        Arcs by the node they reach, and where those of each node begin.
    lane, day : (R,)
    sort_price, hold_price : (N,) [CNY/parcel]; arc_price : (R,) [CNY/parcel]
        What every parcel pays.
    start, goal, commodity : (K,); parcels : (K,)
    late_price : (G, T) [CNY/parcel]
    first_vehicle : (L + 1,); capacity : (O,) [parcels/departure]
        Vehicles of each lane.
    short_cost
        [CNY/parcel]
    """

    hub: Ints
    turn: Ints
    after: Ints
    before: Ints
    first_out: Ints
    tail: Ints
    head: Ints
    into: Ints
    first_into: Ints
    lane: Ints
    day: Ints
    sort_price: Floats
    hold_price: Floats
    arc_price: Floats
    start: Ints
    goal: Ints
    commodity: Ints
    parcels: Floats
    late_price: Floats
    first_vehicle: Ints
    capacity: Floats
    short_cost: float


class AscentState(NamedTuple):
    """What the ascent changes; modified in place.

    Attributes
    ----------
    paid : (K, R) [CNY]
        What each demand pays for an arc on top.
    slack : (O, D) [CNY]
        What is left of the price of a departure.
    stuck : (K,)
        Demands whose prices rise no more.
    far : (N,) [CNY]; inside : (N,)
        Of the demand now looked at: price of its cheapest path to a node, and nodes from which its end is reached over
        tight legs paid in full.
    """

    paid: Floats
    slack: Floats
    stuck: Flags
    far: Floats
    inside: Flags


def lift_bound(network: TrunkNetwork, relaxed: Relaxation, deadline: Deadline) -> BoundCertificate:
    """Return the better of the relaxation's bound and the one of the ascent from its prices, with what proves it.

    Arcs on which the relaxation fills a vehicle to a fair part keep their price by the parcel; the others are paid whole. Where the table
    of prices cannot tell demands apart nothing is lifted.
    """
    count, arcs = len(network.demand_parcels), network.arcs
    if not arcs or not count or count * arcs > MOST_PRICES or not mark_payers(network).all():
        return relaxed.certificate
    prices = relaxed.prices
    departure_price = price_departures(network, prices)
    room, _ = price_arcs(network, departure_price)
    parcel_prices = price_parcels(network, prices, room)
    demands, commodities = list_demands(network), list_commodities(network)
    label = label_paths(network, parcel_prices, commodities).price
    reach = label[demands.start, commodities.of_demand]
    path_cost = float((demands.parcels * np.minimum(reach, network.short_cost)).sum())
    rest = prove_bound(network, prices) - path_cost
    smallest = np.full(len(network.lane_ids), np.inf)
    np.minimum.at(smallest, network.vehicle_lane, network.vehicle_capacity)
    kept = np.where(relaxed.arc_load >= _FILLED * smallest[network.arc_lane], room, 0.0)
    task = _lay_task(network, parcel_prices._replace(arc=network.arc_cost + kept))
    state = AscentState(
        np.zeros((count, arcs)),
        _leave_slack(network, departure_price, kept),
        np.zeros(count, dtype=np.bool_),
        np.empty(network.nodes),
        np.empty(network.nodes, dtype=np.bool_),
    )
    order = np.argsort(demands.parcels, kind="stable").astype(np.int64)
    total = -np.inf
    for _ in range(_ROUNDS // _CHUNK):
        before = total
        total = _ascend(task, state, order, _CHUNK)
        if total <= before * (1 + 1e-5) or deadline.over():
            break
    # a shade below, for the noise of many small sums
    lifted = rest + total - 1e-9 * abs(total)
    if lifted <= relaxed.certificate.bound:
        return relaxed.certificate
    k, arc = np.nonzero(state.paid)
    forcing_price = state.paid[k, arc] / demands.parcels[k]
    return BoundCertificate(float(lifted), prices, demand=k, arc=arc, forcing_price=forcing_price)


def _lay_task(network: TrunkNetwork, prices: ParcelPrices) -> AscentTask:
    into = np.argsort(network.arc_head, kind="stable").astype(np.int64)
    before = np.full(network.nodes, -1, dtype=np.int64)
    goes_on = np.flatnonzero(network.after >= 0)
    before[network.after[goes_on]] = goes_on
    demands, commodities = list_demands(network), list_commodities(network)
    return AscentTask(
        hub=network.node_hub,
        turn=network.node_turn,
        after=network.after,
        before=before,
        first_out=point_out(network),
        tail=network.arc_tail,
        head=network.arc_head,
        into=into,
        first_into=np.searchsorted(network.arc_head[into], np.arange(network.nodes + 1)).astype(np.int64),
        lane=network.arc_lane,
        day=network.arc_day,
        sort_price=prices.sort,
        hold_price=prices.hold,
        arc_price=prices.arc,
        start=demands.start,
        goal=demands.goal,
        commodity=commodities.of_demand,
        parcels=demands.parcels,
        late_price=commodities.late_price,
        first_vehicle=list_lane_vehicles(network).first,
        capacity=network.vehicle_capacity,
        short_cost=float(network.short_cost),
    )


def _leave_slack(network: TrunkNetwork, departure_price: Floats, kept: Floats) -> Floats:
    """What parcels that pay ``kept`` (R,) [CNY/parcel] for room leave of the price of each full departure, (O, D) [CNY]."""
    room = np.zeros((len(network.lane_ids), network.days))
    room[network.arc_lane, network.arc_day] = kept
    slack = np.maximum(departure_price, 0.0) - network.vehicle_capacity[:, None] * room[network.vehicle_lane]
    return np.where(np.isfinite(departure_price), np.maximum(slack, 0.0), np.inf)


@numba.njit(cache=True)
def _ascend(task: AscentTask, state: AscentState, order: Ints, rounds: int) -> float:
    """Raise the demands' prices in turn, one step each; return the price of all their cheapest paths [CNY].

    Parameters
    ----------
    order : (K,)
        Demands in the order in which they are raised.
    """
    for _ in range(rounds):
        moved = False
        for k in order:
            if state.stuck[k]:
                continue
            ahead = _measure(task, state, k)
            room = task.parcels[k] * task.short_cost - ahead
            state.inside[:] = False
            step = _grow(task, state, k, ahead, room) if room > _NIL else room
            if step <= _NIL or state.inside[task.start[k]]:
                state.stuck[k] = True
                continue
            moved = True
            _raise_prices(task, state, k, step)
        if not moved:
            break
    total = 0.0
    for k in range(len(task.start)):
        total += min(_measure(task, state, k), task.parcels[k] * task.short_cost)
    return total


@numba.njit(**UNCOUNTED)
def _raise_prices(task: AscentTask, state: AscentState, k: int, step: float) -> None:
    """Raise a demand's prices by a step [CNY] on all tight arcs into the nodes inside."""
    parcels = task.parcels[k]
    for node in range(len(state.inside)):
        if not state.inside[node]:
            continue
        for i in range(task.first_into[node], task.first_into[node + 1]):
            arc = task.into[i]
            if not _is_passable(task, state, k, task.tail[arc]):
                continue
            if _lack(task, state, k, arc) <= _NIL:
                state.paid[k, arc] += step
                lane, day = task.lane[arc], task.day[arc]
                for vehicle in range(task.first_vehicle[lane], task.first_vehicle[lane + 1]):
                    state.slack[vehicle, day] -= step * min(1.0, task.capacity[vehicle] / parcels)


@numba.njit(cache=True, inline="always")
def _is_passable(task: AscentTask, state: AscentState, k: int, node: int) -> bool:
    """Tell whether a demand may leave a node outside on an arc."""
    closed = task.sort_price[node] == np.inf
    return not (state.inside[node] or closed or task.hub[node] == task.goal[k])


@numba.njit(cache=True, inline="always")
def _lack(task: AscentTask, state: AscentState, k: int, arc: int) -> float:
    """What an arc lacks to be tight for a demand [CNY]: how much dearer it reaches its head than the cheapest path."""
    tail = task.tail[arc]
    price = task.parcels[k] * (task.sort_price[tail] + task.arc_price[arc])
    return float(state.far[tail] + price + state.paid[k, arc] - state.far[task.head[arc]])


@numba.njit(**UNCOUNTED)
def _grow(task: AscentTask, state: AscentState, k: int, ahead: float, room: float) -> float:
    """Gather the nodes from which the end is reached over tight legs paid in full; return how far the rest may rise.

    Parameters
    ----------
    ahead, room
        Price of the demand's cheapest path, and what it is below that of its shortfall [CNY].
    """
    grown, step = True, room
    while grown:
        grown, step = False, room
        for node in range(len(state.far)):
            at_goal = task.hub[node] == task.goal[k]
            if at_goal and not state.inside[node] and state.far[node] < np.inf and task.sort_price[node] < np.inf:
                late = task.late_price[task.commodity[k], task.turn[node]]
                left = state.far[node] + task.parcels[k] * (task.sort_price[node] + late) - ahead
                if left <= _NIL:
                    state.inside[node] = grown = True
                else:
                    step = min(step, left)
        for node in range(len(state.far)):
            if state.inside[node]:
                more, step = _reach_back(task, state, k, node, step)
                grown |= more
    return step


@numba.njit(**UNCOUNTED)
def _reach_back(task: AscentTask, state: AscentState, k: int, node: int, step: float) -> tuple[bool, float]:
    """Gather the nodes before one inside; return whether there were any, and how far the rest may rise [CNY]."""
    grown, parcels = False, task.parcels[k]
    before = task.before[node]
    if before >= 0 and not state.inside[before] and state.far[before] < np.inf and task.hold_price[before] < np.inf:
        left = state.far[before] + parcels * task.hold_price[before] - state.far[node]
        if left <= _NIL:
            state.inside[before] = grown = True
        else:
            step = min(step, left)
    for i in range(task.first_into[node], task.first_into[node + 1]):
        arc = task.into[i]
        tail = task.tail[arc]
        if state.far[tail] == np.inf or not _is_passable(task, state, k, tail):
            continue
        left = _lack(task, state, k, arc)
        if left > _NIL:
            step = min(step, left)
            continue
        free = _find_slack(task, state, k, arc)
        if free <= _NIL:
            state.inside[tail] = grown = True
        else:
            step = min(step, free)
    return grown, step


@numba.njit(**UNCOUNTED)
def _find_slack(task: AscentTask, state: AscentState, k: int, arc: int) -> float:
    """How much more a demand may pay for an arc until one of its departures is paid in full [CNY]."""
    free, lane, day = np.inf, task.lane[arc], task.day[arc]
    for vehicle in range(task.first_vehicle[lane], task.first_vehicle[lane + 1]):
        share = min(1.0, task.capacity[vehicle] / task.parcels[k])
        free = min(free, state.slack[vehicle, day] / share)
    return free


@numba.njit(cache=True)
def _measure(task: AscentTask, state: AscentState, k: int) -> float:
    """Fill ``far`` with the price of a demand's cheapest path to each node [CNY]; return that of its path to the end."""
    far, parcels, goal = state.far, task.parcels[k], task.goal[k]
    late = task.late_price[task.commodity[k]]
    far[:] = np.inf
    far[task.start[k]] = 0.0
    hold_price, sort_price, arc_price = task.hold_price, task.sort_price, task.arc_price
    first_out, heads, paid = task.first_out, task.head, state.paid
    best = np.inf
    heap = [(0.0, task.start[k])]
    while len(heap) > 0:
        price, node = heapq.heappop(heap)
        if price > far[node]:
            continue
        if hold_price[node] < np.inf:
            head, total = task.after[node], price + parcels * hold_price[node]
            if total < far[head]:
                far[head] = total
                heapq.heappush(heap, (total, head))
        if sort_price[node] == np.inf:
            continue
        if task.hub[node] == goal:
            best = min(best, price + parcels * (sort_price[node] + late[task.turn[node]]))
            continue
        for arc in range(first_out[node], first_out[node + 1]):
            head = heads[arc]
            total = price + parcels * (sort_price[node] + arc_price[arc]) + paid[k, arc]
            if total < far[head]:
                far[head] = total
                heapq.heappush(heap, (total, head))
    return best
