"""A bound for networks whose vehicles are hardly filled, by dual ascent.

Where a run carries less than one vehicle, whoever uses it must pay a whole departure between them. Each demand k offers on
each run r a price w(k, r) of its own [CNY]; for the departure price F and capacity of every option of r

    sum over demands of min(1, capacity / parcels of k) x w(k, r) <= F - capacity x room price of r

and then the sum of every demand's cheapest way under its own prices is below the cost of every plan: these are prices of
the forcing rows of ``strong``. The ascent raises the length of a demand's cheapest way by raising its prices on all tight
runs into the set of nodes that cannot be reached more cheaply, until a run is paid in full; then the node behind it joins
the set (Wong, Mathematical Programming 28, 1984; Balakrishnan, Magnanti, Wong, Operations Research 37, 1989).
"""

from __future__ import annotations

import heapq

import numba
import numpy as np

from routing.budget import Deadline
from routing.trunk.bound.lagrangian import Evidence, Relaxation, price_options, price_runs, prove_bound
from routing.trunk.task.commodities import group_demands
from routing.trunk.task.network import TrunkNetwork
from routing.trunk.task.shortest_paths import label_ways, out_pointers

MOST_PRICES = 6_000_000  # demands x runs
_ROUNDS = 200
_CHUNK = 5  # rounds between looks at the clock
_NIL = 1e-9  # CNY
_FILLED = 0.3  # of its smallest vehicle: a run filled so far keeps its price by the parcel


def lift_bound(network: TrunkNetwork, relaxed: Relaxation, deadline: Deadline) -> Evidence:
    """Return the better of the relaxation's bound and the one of the ascent from its prices, with what proves it.

    Runs on which the relaxation fills a vehicle to a fair part keep their price by the parcel; the others are paid whole.
    """
    demands, runs = len(network.demand_parcels), network.runs
    if not runs or not demands or demands * runs > MOST_PRICES:
        return relaxed.evidence
    prices = relaxed.prices
    option_price = price_options(network, prices)
    room, _ = price_runs(network, option_price)
    groups = group_demands(network)
    closed = network.sort_capacity <= 0
    sort_price = np.where(closed, np.inf, network.handling_cost + prices.sort)
    hold_price = np.where(network.can_hold(), network.waiting_cost + prices.buffer, np.inf)
    label, _ = label_ways(network, network.run_cost + room, sort_price, hold_price, groups)
    parcels = network.demand_parcels.astype(np.float64)
    start = network.demand_node()
    ways = float((parcels * np.minimum(label[start, groups.of_demand], network.short_cost)).sum())
    rest = prove_bound(network, prices) - ways
    smallest = np.full(len(network.lane_ids), np.inf)
    np.minimum.at(smallest, network.option_lane, network.option_capacity)
    full = relaxed.run_load >= _FILLED * smallest[network.run_lane]
    kept = np.where(full, room, 0.0)
    first = np.searchsorted(network.option_lane, np.arange(len(network.lane_ids) + 1)).astype(np.int64)
    laid = np.zeros((len(network.lane_ids), network.days))
    laid[network.run_lane, network.run_day] = kept
    slack = np.maximum(option_price, 0.0) - network.option_capacity[:, None] * laid[network.option_lane]
    slack = np.where(np.isfinite(option_price), np.maximum(slack, 0.0), np.inf)
    order = np.argsort(parcels, kind="stable").astype(np.int64)
    into = np.argsort(network.run_head, kind="stable").astype(np.int64)
    first_into = np.searchsorted(network.run_head[into], np.arange(network.nodes + 1)).astype(np.int64)
    paid, stuck = np.zeros((demands, runs)), np.zeros(demands, dtype=np.bool_)
    before_node = np.full(network.nodes, -1, dtype=np.int64)
    goes_on = np.flatnonzero(network.after >= 0)
    before_node[network.after[goes_on]] = goes_on
    total = -np.inf
    for _ in range(_ROUNDS // _CHUNK):
        before = total
        total = _ascend(
            network.after, before_node, network.node_hub, network.node_turn, out_pointers(network), network.run_tail, network.run_head, into, first_into, network.run_lane,
            network.run_day, network.run_cost + kept, sort_price, hold_price, start, network.demand_destination,
            groups.late_price, groups.of_demand, parcels, network.short_cost, first, network.option_capacity, slack, order,
            paid, stuck, _CHUNK,
        )  # fmt: skip
        if total <= before * (1 + 1e-5) or deadline.over():
            break
    # a shade below, for the noise of many small sums
    lifted = rest + total - 1e-9 * abs(total)
    if lifted <= relaxed.evidence.bound:
        return relaxed.evidence
    k, run = np.nonzero(paid)
    return Evidence(float(lifted), prices, demand=k, run=run, opening=paid[k, run] / parcels[k])


@numba.njit(cache=True)
def _ascend(  # type: ignore[no-untyped-def]  # noqa: C901
    after, before_node, node_hub, node_turn, first_run, run_tail, run_head, into, first_into, run_lane, run_day, run_price, sort_price, hold_price, start,
    goal, late_price, group, parcels, short_cost, first, capacity, slack, order, paid, stuck,
    rounds,
) -> float:  # fmt: skip
    """Raise the demands' prices in turn, one step each; return the price of all their cheapest ways [CNY]."""
    nodes, demands = len(sort_price), len(start)
    far, inside = np.empty(nodes), np.empty(nodes, dtype=np.bool_)
    for _ in range(rounds):
        moved = False
        for k in order:
            if stuck[k]:
                continue
            size, late = parcels[k], late_price[group[k]]
            ahead = _measure(
                after,
                node_hub,
                node_turn,
                first_run,
                run_head,
                run_price,
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
                    before_node, node_hub, node_turn, run_tail, into, first_into, run_lane, run_day, run_price, sort_price, hold_price, goal[k], late,
                    size, first, capacity, slack, paid[k], far, inside, ahead, room,
                )  # fmt: skip
            if step <= _NIL or inside[start[k]]:
                stuck[k] = True
                continue
            moved = True
            for node in np.flatnonzero(inside):
                for i in range(first_into[node], first_into[node + 1]):
                    run = into[i]
                    tail = run_tail[run]
                    if inside[tail] or sort_price[tail] == np.inf or node_hub[tail] == goal[k]:
                        continue
                    left = far[tail] + size * (sort_price[tail] + run_price[run]) + paid[k, run] - far[node]
                    if left <= _NIL:
                        paid[k, run] += step
                        for o in range(first[run_lane[run]], first[run_lane[run] + 1]):
                            slack[o, run_day[run]] -= step * min(1.0, capacity[o] / size)
        if not moved:
            break
    total = 0.0
    for k in range(demands):
        ahead = _measure(
            after, node_hub, node_turn, first_run, run_head, run_price, sort_price, hold_price, start[k], goal[k], late_price[group[k]],
            parcels[k], paid[k], far,
        )  # fmt: skip
        total += min(ahead, parcels[k] * short_cost)
    return total


@numba.njit(cache=True)
def _grow(  # type: ignore[no-untyped-def]  # noqa: C901
    before_node, node_hub, node_turn, run_tail, into, first_into, run_lane, run_day, run_price, sort_price, hold_price, goal, late, size, first,
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
                run = into[i]
                tail = run_tail[run]
                if inside[tail] or far[tail] == np.inf or sort_price[tail] == np.inf or node_hub[tail] == goal:
                    continue
                left = far[tail] + size * (sort_price[tail] + run_price[run]) + paid[run] - far[node]
                if left > _NIL:
                    step = min(step, left)
                    continue
                free = np.inf
                for o in range(first[run_lane[run]], first[run_lane[run] + 1]):
                    free = min(free, slack[o, run_day[run]] / min(1.0, capacity[o] / size))
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
    first_run,
    run_head,
    run_price,
    sort_price,
    hold_price,
    start,
    goal,
    late,
    size,
    paid,
    far,
) -> float:
    """Fill ``far`` with the price of a demand's cheapest way to each node [CNY]; return that of its way to the end."""
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
        for r in range(first_run[node], first_run[node + 1]):
            total = price + size * (sort_price[node] + run_price[r]) + paid[r]
            if total < far[run_head[r]]:
                far[run_head[r]] = total
                heapq.heappush(heap, (total, run_head[r]))
    return best
