"""Parcels finished early: what waits at its destination is sorted in the first sort that has room for it.

The search may leave room in a sort while parcels wait there for the next one, if nothing else it knows is cheaper. A hub
would not: it sorts what stands before it. So a plan by sorts ends with this pass, and the hour it tells for a parcel is the hour
at which the hub, keeping to the plan for all that goes on, is really done with it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from routing.trunk.search.draft import Draft
from routing.trunk.task.commodities import list_commodities
from routing.trunk.task.flows import Flows, keep_used, load_network
from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.task.paths import PathPool, end_nodes, merge_paths

_EPSILON = 1e-6  # [parcels], [CNY]


@dataclass(slots=True)
class _Waiting:
    """Parcels of a path that wait at their destination: the nodes they wait at, in order, and the one that sorts them."""

    path: int
    parcels: int
    nodes: list[int]
    end: int


def finish_early(network: TrunkNetwork, draft: Draft) -> Draft:
    """Sort what waits at its destination as early as there is room, dearest wait first.

    Nodes are gone through as they close: room that moving parcels leave in a later sort is filled when that one's turn comes.
    Vehicles and all that goes on to other hubs stay as they are; no limit is exceeded and no cost rises.
    """
    waiting, at = _list_waiting(network, draft.flows)
    if not waiting:
        return draft
    room = np.floor(network.sort_capacity - draft.loads.sorts + _EPSILON)
    price = _EndPrices(network, draft.flows)
    moved: list[tuple[int, int, int]] = []
    for node in sorted(at):
        for number in sorted(at[node], key=lambda one: (-_saved(price, waiting[one], node), one)):
            one = waiting[number]
            saved = _saved(price, one, node)
            parcels = int(min(one.parcels, room[node]))
            if parcels <= 0 or saved < -_EPSILON:
                continue
            room[node] -= parcels
            room[one.end] += parcels
            one.parcels -= parcels
            moved.append((one.path, len(one.nodes) - one.nodes.index(node), parcels))
    if not moved:
        return draft
    flows = _cut_waits(network, draft.flows, moved)
    return replace(draft, flows=flows, loads=load_network(network, flows))


def _list_waiting(network: TrunkNetwork, flows: Flows) -> tuple[list[_Waiting], dict[int, list[int]]]:
    """List the paths that end by waiting, and by node those that wait there."""
    pool, arcs = flows.pool, network.arcs
    pointers, legs, parcels = pool.pointers.tolist(), pool.legs.tolist(), flows.parcels.tolist()
    ends = end_nodes(network, pool).tolist()
    waiting: list[_Waiting] = []
    at: dict[int, list[int]] = {}
    for path in range(len(pool)):
        first = pointers[path + 1]
        while first > pointers[path] and legs[first - 1] >= arcs:
            first -= 1
        nodes = [leg - arcs for leg in legs[first : pointers[path + 1]]]
        for node in nodes:
            at.setdefault(node, []).append(len(waiting))
        if nodes:
            waiting.append(_Waiting(path, parcels[path], nodes, ends[path]))
    return waiting, at


class _EndPrices:
    """What it costs to end a path at a node, and to wait until there."""

    def __init__(self, network: TrunkNetwork, flows: Flows) -> None:
        commodities = list_commodities(network)
        self.commodity: Ints = commodities.of_demand[flows.pool.demand]
        self.late: Floats = commodities.late_price
        self.turn: Ints = network.node_turn
        self.handling: Floats = network.handling_cost
        self.waiting: Floats = network.waiting_cost

    def of(self, path: int, node: int) -> float:
        """Price of sorting a parcel of a path for the last time at a node, its lateness included [CNY]."""
        return float(self.handling[node] + self.late[self.commodity[path], self.turn[node]])


def _saved(price: _EndPrices, one: _Waiting, node: int) -> float:
    """What a parcel saves that ends at a node it waits at [CNY]."""
    held = float(price.waiting[one.nodes[one.nodes.index(node) :]].sum())
    return held + price.of(one.path, one.end) - price.of(one.path, node)


def _cut_waits(network: TrunkNetwork, flows: Flows, moved: list[tuple[int, int, int]]) -> Flows:
    """Take parcels off paths and put them on the same paths without their last waits."""
    pool = flows.pool
    remaining = flows.parcels.copy()
    legs, lengths, demand, parcels = [], [], [], []
    for path, waits, count in moved:
        remaining[path] -= count
        part = pool.legs[pool.pointers[path] : pool.pointers[path + 1] - waits]
        legs.append(part)
        lengths.append(len(part))
        demand.append(pool.demand[path])
        parcels.append(count)
    order = np.argsort(np.array(demand), kind="stable")
    pointers = np.concatenate([[0], np.cumsum(np.array(lengths)[order])]).astype(np.int64)
    cut = PathPool(
        np.array(demand, dtype=np.int64)[order],
        pointers,
        np.concatenate([legs[place] for place in order]).astype(np.int64),
    )
    joined, place = merge_paths(network, [pool, cut])
    total = np.bincount(place, np.concatenate([remaining, np.array(parcels)[order]]), len(joined))
    return keep_used(joined, np.rint(total).astype(np.int64))
