"""The cheapest path of every demand when demands pay different prices on an arc, compiled.

Dijkstra's search from each demand's node over hub-days, with the price of days late at its end; labels of ``shortest_paths``
are for prices that all demands share.
"""

from __future__ import annotations

import heapq
from typing import NamedTuple

import numba
import numpy as np

from routing.trunk.task.commodities import Commodities, list_commodities
from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.task.records import Arcs, Demands, Nodes, ParcelPrices, list_arcs, list_demands, list_nodes


class Surcharges(NamedTuple):
    """What demands pay on arcs besides the price for all.

    Attributes
    ----------
    pointers : (K + 1,)
        Where those of each demand begin.
    arc : (M,); price : (M,) [CNY/parcel]
    """

    pointers: Ints
    arc: Ints
    price: Floats


class _Space(NamedTuple):
    """Price [CNY/parcel], last leg and the node before it of what each node (N,) is reached by; modified in place."""

    far: Floats
    via: Ints
    previous: Ints


def find_paths(network: TrunkNetwork, prices: ParcelPrices, surcharges: Surcharges) -> tuple[Floats, Ints, Ints]:
    """Find each demand's cheapest path.

    Returns
    -------
    label : (K,) [CNY/parcel], ``inf`` without a path
    pointers, legs
        Paths as legs (an arc's number, or ``arcs + node`` for a night); ``pointers`` (K + 1,).
    """
    count = len(network.demand_parcels)
    label = np.empty(count)
    pointers = np.zeros(count + 1, dtype=np.int64)
    legs = np.empty(count * max(network.nodes, 1), dtype=np.int64)
    _search(
        list_nodes(network), list_arcs(network), prices, list_demands(network), list_commodities(network), surcharges,
        label, pointers, legs,
    )  # fmt: skip
    return label, pointers, legs[: pointers[-1]].copy()


@numba.njit(cache=True)
def _search(
    nodes: Nodes,
    arcs: Arcs,
    prices: ParcelPrices,
    demands: Demands,
    commodities: Commodities,
    surcharges: Surcharges,
    label: Floats,
    pointers: Ints,
    legs: Ints,
) -> None:
    """Fill ``label`` (K,), ``pointers`` (K + 1,) and ``legs`` in place, demand by demand."""
    count = len(nodes.after)
    space = _Space(np.empty(count), np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64))
    price = prices.arc.copy()
    for k in range(len(demands.start)):
        start = demands.start[k]
        for i in range(surcharges.pointers[k], surcharges.pointers[k + 1]):
            price[surcharges.arc[i]] += surcharges.price[i]
        late_price = commodities.late_price[commodities.of_demand[k]]
        label[k], end = _find_path(nodes, arcs, prices, price, start, demands.goal[k], late_price, space)
        for i in range(surcharges.pointers[k], surcharges.pointers[k + 1]):
            price[surcharges.arc[i]] = prices.arc[surcharges.arc[i]]
        length, node = 0, end
        while node >= 0 and node != start:
            length += 1
            node = space.previous[node]
        pointers[k + 1] = pointers[k] + length
        node, place = end, pointers[k + 1] - 1
        while node >= 0 and node != start:
            legs[place] = space.via[node]
            place -= 1
            node = space.previous[node]


@numba.njit(cache=True)
def _find_path(
    nodes: Nodes,
    arcs: Arcs,
    prices: ParcelPrices,
    arc_price: Floats,
    start: int,
    goal: int,
    late: Floats,
    space: _Space,
) -> tuple[float, int]:
    """Find the cheapest path from a node to a hub; return its price [CNY/parcel] and last node, ``inf`` and -1 without one.

    Parameters
    ----------
    arc_price : (R,) [CNY/parcel]
        In place of that in ``prices``.
    late : (T,) [CNY/parcel]
        Price of ending at a turn of the hub.
    space
        Modified in place.
    """
    space.far[:] = np.inf
    space.far[start] = 0.0
    heap = [(0.0, start)]
    best, end = np.inf, -1
    while len(heap) > 0:
        here, node = heapq.heappop(heap)
        if here >= best:
            break
        if here > space.far[node]:
            continue
        if prices.hold[node] < np.inf:
            head, total = nodes.after[node], here + prices.hold[node]
            if total < space.far[head]:
                space.far[head], space.via[head], space.previous[head] = total, len(arcs.head) + node, node
                heapq.heappush(heap, (total, head))
        if prices.sort[node] == np.inf:
            continue
        sorted_here = here + prices.sort[node]
        if nodes.hub[node] == goal:
            total = sorted_here + late[nodes.turn[node]]
            if total < best:
                best, end = total, node
            continue
        for arc in range(arcs.first_out[node], arcs.first_out[node + 1]):
            head, total = arcs.head[arc], sorted_here + arc_price[arc]
            if total < space.far[head]:
                space.far[head], space.via[head], space.previous[head] = total, arc, node
                heapq.heappush(heap, (total, head))
    return best, end
