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

import numba
import numpy as np

from routing.budget import Deadline
from routing.trunk.bound.lagrangian import BoundCertificate, Relaxation, price_arcs, price_departures, prove_bound
from routing.trunk.task.commodities import list_commodities
from routing.trunk.task.network import TrunkNetwork
from routing.trunk.task.shortest_paths import label_paths, out_pointers

MOST_PRICES = 6_000_000  # demands x arcs
_ROUNDS = 200
_CHUNK = 5  # rounds between looks at the clock
_NIL = 1e-9  # CNY
_FILLED = 0.3  # of its smallest vehicle: an arc filled so far keeps its price by the parcel


def lift_bound(network: TrunkNetwork, relaxed: Relaxation, deadline: Deadline) -> BoundCertificate:
    """Return the better of the relaxation's bound and the one of the ascent from its prices, with what proves it.

    Arcs on which the relaxation fills a vehicle to a fair part keep their price by the parcel; the others are paid whole.
    """
    demands, arcs = len(network.demand_parcels), network.arcs
    if not arcs or not demands or demands * arcs > MOST_PRICES:
        return relaxed.certificate
    prices = relaxed.prices
    departure_price = price_departures(network, prices)
    room, _ = price_arcs(network, departure_price)
    commodities = list_commodities(network)
    closed = network.sort_capacity <= 0
    sort_price = np.where(closed, np.inf, network.handling_cost + prices.sort)
    hold_price = np.where(network.can_hold(), network.waiting_cost + prices.buffer, np.inf)
    label, _ = label_paths(network, network.arc_cost + room, sort_price, hold_price, commodities)
    parcels = network.demand_parcels.astype(np.float64)
    start = network.demand_node()
    path_cost = float((parcels * np.minimum(label[start, commodities.of_demand], network.short_cost)).sum())
    rest = prove_bound(network, prices) - path_cost
    smallest = np.full(len(network.lane_ids), np.inf)
    np.minimum.at(smallest, network.vehicle_lane, network.vehicle_capacity)
    full = relaxed.arc_load >= _FILLED * smallest[network.arc_lane]
    kept = np.where(full, room, 0.0)
    first = np.searchsorted(network.vehicle_lane, np.arange(len(network.lane_ids) + 1)).astype(np.int64)
    laid = np.zeros((len(network.lane_ids), network.days))
    laid[network.arc_lane, network.arc_day] = kept
    slack = np.maximum(departure_price, 0.0) - network.vehicle_capacity[:, None] * laid[network.vehicle_lane]
    slack = np.where(np.isfinite(departure_price), np.maximum(slack, 0.0), np.inf)
    order = np.argsort(parcels, kind="stable").astype(np.int64)
    into = np.argsort(network.arc_head, kind="stable").astype(np.int64)
    first_into = np.searchsorted(network.arc_head[into], np.arange(network.nodes + 1)).astype(np.int64)
    paid, stuck = np.zeros((demands, arcs)), np.zeros(demands, dtype=np.bool_)
    before_node = np.full(network.nodes, -1, dtype=np.int64)
    goes_on = np.flatnonzero(network.after >= 0)
    before_node[network.after[goes_on]] = goes_on
    total = -np.inf
    for _ in range(_ROUNDS // _CHUNK):
        before = total
        total = _ascend(
            network.after, before_node, network.node_hub, network.node_turn, out_pointers(network), network.arc_tail, network.arc_head, into, first_into, network.arc_lane,
            network.arc_day, network.arc_cost + kept, sort_price, hold_price, start, network.demand_destination,
            commodities.late_price, commodities.of_demand, parcels, network.short_cost, first, network.vehicle_capacity, slack, order,
            paid, stuck, _CHUNK,
        )  # fmt: skip
        if total <= before * (1 + 1e-5) or deadline.over():
            break
    # a shade below, for the noise of many small sums
    lifted = rest + total - 1e-9 * abs(total)
    if lifted <= relaxed.certificate.bound:
        return relaxed.certificate
    k, arc = np.nonzero(paid)
    return BoundCertificate(float(lifted), prices, demand=k, arc=arc, forcing_price=paid[k, arc] / parcels[k])


@numba.njit(cache=True)
def _ascend(  # type: ignore[no-untyped-def]  # noqa: C901
    after, before_node, node_hub, node_turn, first_out, arc_tail, arc_head, into, first_into, arc_lane, arc_day, arc_price, sort_price, hold_price, start,
    goal, late_price, commodity, parcels, short_cost, first, capacity, slack, order, paid, stuck,
    rounds,
) -> float:  # fmt: skip
    """Raise the demands' prices in turn, one step each; return the price of all their cheapest paths [CNY]."""
    nodes, demands = len(sort_price), len(start)
    far, inside = np.empty(nodes), np.empty(nodes, dtype=np.bool_)
    for _ in range(rounds):
        moved = False
        for k in order:
            if stuck[k]:
                continue
            size, late = parcels[k], late_price[commodity[k]]
            ahead = _measure(
                after,
                node_hub,
                node_turn,
                first_out,
                arc_head,
                arc_price,
                sort_price,
                hold_price,
                start[k],
                goal[k],
                late,
                size,
                paid[k],
                far,
            )
            room = size * short_cost - ahead
            inside[:] = False
            step = room
            if room > _NIL:
                step = _grow(
                    before_node, node_hub, node_turn, arc_tail, into, first_into, arc_lane, arc_day, arc_price, sort_price, hold_price, goal[k], late,
                    size, first, capacity, slack, paid[k], far, inside, ahead, room,
                )  # fmt: skip
            if step <= _NIL or inside[start[k]]:
                stuck[k] = True
                continue
            moved = True
            for node in np.flatnonzero(inside):
                for i in range(first_into[node], first_into[node + 1]):
                    arc = into[i]
                    tail = arc_tail[arc]
                    if inside[tail] or sort_price[tail] == np.inf or node_hub[tail] == goal[k]:
                        continue
                    left = far[tail] + size * (sort_price[tail] + arc_price[arc]) + paid[k, arc] - far[node]
                    if left <= _NIL:
                        paid[k, arc] += step
                        for o in range(first[arc_lane[arc]], first[arc_lane[arc] + 1]):
                            slack[o, arc_day[arc]] -= step * min(1.0, capacity[o] / size)
        if not moved:
            break
    total = 0.0
    for k in range(demands):
        ahead = _measure(
            after, node_hub, node_turn, first_out, arc_head, arc_price, sort_price, hold_price, start[k], goal[k], late_price[commodity[k]],
            parcels[k], paid[k], far,
        )  # fmt: skip
        total += min(ahead, parcels[k] * short_cost)
    return total


@numba.njit(cache=True)
def _grow(  # type: ignore[no-untyped-def]  # noqa: C901
    before_node, node_hub, node_turn, arc_tail, into, first_into, arc_lane, arc_day, arc_price, sort_price, hold_price, goal, late, size, first,
    capacity, slack, paid, far, inside, ahead, room,
):  # fmt: skip
    """Gather the nodes from which the end is reached over tight steps paid in full; return how far the rest may rise."""
    nodes = len(far)
    grown = True
    step = room
    while grown:
        grown, step = False, room
        for node in range(nodes):
            if node_hub[node] != goal or inside[node] or far[node] == np.inf or sort_price[node] == np.inf:
                continue
            left = far[node] + size * (sort_price[node] + late[node_turn[node]]) - ahead
            if left <= _NIL:
                inside[node] = grown = True
            else:
                step = min(step, left)
        for node in range(nodes):
            if not inside[node]:
                continue
            before = before_node[node]
            if before >= 0 and not inside[before] and far[before] < np.inf and hold_price[before] < np.inf:
                left = far[before] + size * hold_price[before] - far[node]
                if left <= _NIL:
                    inside[before] = grown = True
                else:
                    step = min(step, left)
            for i in range(first_into[node], first_into[node + 1]):
                arc = into[i]
                tail = arc_tail[arc]
                if inside[tail] or far[tail] == np.inf or sort_price[tail] == np.inf or node_hub[tail] == goal:
                    continue
                left = far[tail] + size * (sort_price[tail] + arc_price[arc]) + paid[arc] - far[node]
                if left > _NIL:
                    step = min(step, left)
                    continue
                free = np.inf
                for o in range(first[arc_lane[arc]], first[arc_lane[arc] + 1]):
                    free = min(free, slack[o, arc_day[arc]] / min(1.0, capacity[o] / size))
                if free <= _NIL:
                    inside[tail] = grown = True
                else:
                    step = min(step, free)
    return step


@numba.njit(cache=True)
def _measure(  # type: ignore[no-untyped-def]
    after,
    node_hub,
    node_turn,
    first_out,
    arc_head,
    arc_price,
    sort_price,
    hold_price,
    start,
    goal,
    late,
    size,
    paid,
    far,
) -> float:
    """Fill ``far`` with the price of a demand's cheapest path to each node [CNY]; return that of its path to the end."""
    far[:] = np.inf
    far[start] = 0.0
    best = np.inf
    heap = [(0.0, start)]
    while len(heap) > 0:
        price, node = heapq.heappop(heap)
        if price > far[node]:
            continue
        if hold_price[node] < np.inf:
            total = price + size * hold_price[node]
            if total < far[after[node]]:
                far[after[node]] = total
                heapq.heappush(heap, (total, after[node]))
        if sort_price[node] == np.inf:
            continue
        if node_hub[node] == goal:
            best = min(best, price + size * (sort_price[node] + late[node_turn[node]]))
            continue
        for r in range(first_out[node], first_out[node + 1]):
            total = price + size * (sort_price[node] + arc_price[r]) + paid[r]
            if total < far[arc_head[r]]:
                far[arc_head[r]] = total
                heapq.heappush(heap, (total, arc_head[r]))
    return best
