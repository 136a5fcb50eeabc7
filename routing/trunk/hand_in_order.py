"""Parcels handed in first leave first: tables tell of a route and day how many parcels leave when, not which.

A search may leave short what is handed in early and carry what is handed in late. Whoever reads the plan lets the early ones go on the
same departures: they wait longer, and where the hub has no room for them more of that route and day is short.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from routing.trunk.replan.from_tables import read_flows
from routing.trunk.search.draft import Draft
from routing.trunk.task.flows import Flows, keep_used, load_network
from routing.trunk.task.network import Ints, TrunkNetwork
from routing.trunk.task.paths import use_paths
from routing.trunk.to_tables import write_flows
from routing.trunk.vehicles.vehicle_model import drop_unneeded, tally

_EPSILON = 1e-6  # [parcels]


def order_hand_ins(network: TrunkNetwork, draft: Draft, rank: Callable[[Draft], tuple[float, int]]) -> Draft:
    """Let what is handed in first leave first, where parcels of a route and day are short, within the room hubs have for waiting.

    Parameters
    ----------
    rank
        Says of two drafts which is better: with vehicles that are needed no longer, or without.
    """
    if not network.by_clock or not draft.flows.short(network).any():
        return draft
    flows = read_flows(network, write_flows(network, draft.flows))
    trimmed = _fit_buffers(network, flows)
    loads = load_network(network, trimmed)
    if trimmed is flows:
        return replace(draft, flows=flows, loads=loads)
    had = draft.vehicles
    trimmed_draft = Draft(trimmed, loads, tally(network, had.arc, had.vehicle, had.departures, loads.arcs))
    return min(trimmed_draft, replace(trimmed_draft, vehicles=drop_unneeded(network, had, loads.arcs)), key=rank)


def _fit_buffers(network: TrunkNetwork, flows: Flows) -> Flows:
    """Leave short of routes and days that are short already what waits beyond a hub's room; the last to leave stay behind first."""
    while True:
        over = load_network(network, flows).nights - network.buffer_capacity
        node = int(np.argmax(over))
        if over[node] <= _EPSILON:
            return flows
        left = max(_list_remainders(network, flows, node, float(over[node])), default=None, key=lambda one: one[0])
        if left is None:
            return flows
        # what is left is read again: which parcels are the last depends on how many there are
        flows = read_flows(network, write_flows(network, keep_used(flows.pool, left[1])))


def _list_remainders(network: TrunkNetwork, flows: Flows, node: int, excess: float) -> Iterator[tuple[float, Ints]]:
    """List, for each route and day that is short and waits at a node, how well taking off its last parcels helps, and what is left."""
    pool = flows.pool
    ends = np.stack([network.demand_day, network.demand_origin, network.demand_destination])
    route = np.unique(ends, axis=1, return_inverse=True)[1].reshape(-1)
    is_short = np.bincount(route, flows.short(network)) > 0
    waits = np.asarray(use_paths(network, pool).nights[node].todense()).reshape(-1) > 0
    of_path = route[pool.demand]
    first = [_first_leave(network, pool.legs[a:b]) for a, b in zip(pool.pointers[:-1], pool.pointers[1:], strict=True)]
    for number in np.unique(of_path[waits & is_short[of_path]]).tolist():
        mine = np.flatnonzero(of_path == number)
        left, freed, taken = flows.parcels.copy(), 0.0, 0
        for path in sorted(mine.tolist(), key=lambda one: (first[one], pool.demand[one]), reverse=True):
            count = (
                int(left[path]) if not waits[path] else min(int(left[path]), int(np.ceil(excess - freed - _EPSILON)))
            )
            left[path] -= count
            taken += count
            freed += count if waits[path] else 0
            if freed >= excess - _EPSILON:
                break
        if freed:
            yield freed / taken + freed / (freed + excess) * _EPSILON, left


def _first_leave(network: TrunkNetwork, legs: Ints) -> float:
    arcs = legs[legs < network.arcs]
    return float(network.arc_leaves[arcs[0]]) if len(arcs) else np.inf
