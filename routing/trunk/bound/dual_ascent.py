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
from routing.trunk.bound.lagrangian import (
    BoundCertificate,
    Relaxation,
    price_arcs,
    price_departures,
    price_parcels,
    prove_bound,
)
from routing.trunk.task.commodities import Commodities, list_commodities
from routing.trunk.task.network import Flags, Floats, Ints, TrunkNetwork
from routing.trunk.task.records import (
    Arcs,
    Demands,
    LaneVehicles,
    Nodes,
    ParcelPrices,
    list_arcs,
    list_demands,
    list_lane_vehicles,
    list_nodes,
)
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
    nodes, arcs, demands, commodities, prices
        The network, and what every parcel pays.
    before : (N,)
        Node whose parcels wait for this one, -1 without one.
    into : (R,); first_into : (N + 1,)
        Arcs by the node they reach, and where those of each node begin.
    arc_lane, arc_day : (R,)
    on_lane
        Vehicles of each lane.
    short_cost
        [CNY/parcel]
    """

    nodes: Nodes
    arcs: Arcs
    demands: Demands
    commodities: Commodities
    prices: ParcelPrices
    before: Ints
    into: Ints
    first_into: Ints
    arc_lane: Ints
    arc_day: Ints
    on_lane: LaneVehicles
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

    Arcs on which the relaxation fills a vehicle to a fair part keep their price by the parcel; the others are paid whole.
    """
    count, arcs = len(network.demand_parcels), network.arcs
    if not arcs or not count or count * arcs > MOST_PRICES:
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
    return AscentTask(
        list_nodes(network),
        list_arcs(network),
        list_demands(network),
        list_commodities(network),
        prices,
        before,
        into,
        np.searchsorted(network.arc_head[into], np.arange(network.nodes + 1)).astype(np.int64),
        network.arc_lane,
        network.arc_day,
        list_lane_vehicles(network),
        float(network.short_cost),
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
            room = task.demands.parcels[k] * task.short_cost - ahead
            state.inside[:] = False
            step = _grow(task, state, k, ahead, room) if room > _NIL else room
            if step <= _NIL or state.inside[task.demands.start[k]]:
                state.stuck[k] = True
                continue
            moved = True
            _raise_prices(task, state, k, step)
        if not moved:
            break
    total = 0.0
    for k in range(len(task.demands.start)):
        total += min(_measure(task, state, k), task.demands.parcels[k] * task.short_cost)
    return total


@numba.njit(cache=True)
def _raise_prices(task: AscentTask, state: AscentState, k: int, step: float) -> None:
    """Raise a demand's prices by a step [CNY] on all tight arcs into the nodes inside."""
    parcels = task.demands.parcels[k]
    for node in np.flatnonzero(state.inside):
        for i in range(task.first_into[node], task.first_into[node + 1]):
            arc = task.into[i]
            if not _is_passable(task, state, k, task.arcs.tail[arc]):
                continue
            if _lack(task, state, k, arc) <= _NIL:
                state.paid[k, arc] += step
                lane, day = task.arc_lane[arc], task.arc_day[arc]
                for vehicle in range(task.on_lane.first[lane], task.on_lane.first[lane + 1]):
                    state.slack[vehicle, day] -= step * min(1.0, task.on_lane.capacity[vehicle] / parcels)


@numba.njit(cache=True, inline="always")
def _is_passable(task: AscentTask, state: AscentState, k: int, node: int) -> bool:
    """Tell whether a demand may leave a node outside on an arc."""
    closed = task.prices.sort[node] == np.inf
    return not (state.inside[node] or closed or task.nodes.hub[node] == task.demands.goal[k])


@numba.njit(cache=True, inline="always")
def _lack(task: AscentTask, state: AscentState, k: int, arc: int) -> float:
    """What an arc lacks to be tight for a demand [CNY]: how much dearer it reaches its head than the cheapest path."""
    tail = task.arcs.tail[arc]
    price = task.demands.parcels[k] * (task.prices.sort[tail] + task.prices.arc[arc])
    return float(state.far[tail] + price + state.paid[k, arc] - state.far[task.arcs.head[arc]])


@numba.njit(cache=True)
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
            at_goal = task.nodes.hub[node] == task.demands.goal[k]
            if at_goal and not state.inside[node] and state.far[node] < np.inf and task.prices.sort[node] < np.inf:
                late = task.commodities.late_price[task.commodities.of_demand[k], task.nodes.turn[node]]
                left = state.far[node] + task.demands.parcels[k] * (task.prices.sort[node] + late) - ahead
                if left <= _NIL:
                    state.inside[node] = grown = True
                else:
                    step = min(step, left)
        for node in range(len(state.far)):
            if state.inside[node]:
                more, step = _reach_back(task, state, k, node, step)
                grown |= more
    return step


@numba.njit(cache=True)
def _reach_back(task: AscentTask, state: AscentState, k: int, node: int, step: float) -> tuple[bool, float]:
    """Gather the nodes before one inside; return whether there were any, and how far the rest may rise [CNY]."""
    grown, parcels = False, task.demands.parcels[k]
    before = task.before[node]
    if before >= 0 and not state.inside[before] and state.far[before] < np.inf and task.prices.hold[before] < np.inf:
        left = state.far[before] + parcels * task.prices.hold[before] - state.far[node]
        if left <= _NIL:
            state.inside[before] = grown = True
        else:
            step = min(step, left)
    for i in range(task.first_into[node], task.first_into[node + 1]):
        arc = task.into[i]
        tail = task.arcs.tail[arc]
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


@numba.njit(cache=True)
def _find_slack(task: AscentTask, state: AscentState, k: int, arc: int) -> float:
    """How much more a demand may pay for an arc until one of its departures is paid in full [CNY]."""
    free, lane, day = np.inf, task.arc_lane[arc], task.arc_day[arc]
    for vehicle in range(task.on_lane.first[lane], task.on_lane.first[lane + 1]):
        share = min(1.0, task.on_lane.capacity[vehicle] / task.demands.parcels[k])
        free = min(free, state.slack[vehicle, day] / share)
    return free


@numba.njit(cache=True)
def _measure(task: AscentTask, state: AscentState, k: int) -> float:
    """Fill ``far`` with the price of a demand's cheapest path to each node [CNY]; return that of its path to the end."""
    far, parcels, goal = state.far, task.demands.parcels[k], task.demands.goal[k]
    late = task.commodities.late_price[task.commodities.of_demand[k]]
    far[:] = np.inf
    far[task.demands.start[k]] = 0.0
    best = np.inf
    heap = [(0.0, task.demands.start[k])]
    while len(heap) > 0:
        price, node = heapq.heappop(heap)
        if price > far[node]:
            continue
        if task.prices.hold[node] < np.inf:
            head, total = task.nodes.after[node], price + parcels * task.prices.hold[node]
            if total < far[head]:
                far[head] = total
                heapq.heappush(heap, (total, head))
        if task.prices.sort[node] == np.inf:
            continue
        if task.nodes.hub[node] == goal:
            best = min(best, price + parcels * (task.prices.sort[node] + late[task.nodes.turn[node]]))
            continue
        for arc in range(task.arcs.first_out[node], task.arcs.first_out[node + 1]):
            head = task.arcs.head[arc]
            total = price + parcels * (task.prices.sort[node] + task.prices.arc[arc]) + state.paid[k, arc]
            if total < far[head]:
                far[head] = total
                heapq.heappush(heap, (total, head))
    return best
