"""The cheapest path of every demand when demands pay different prices on an arc, compiled.

Dijkstra's search from each demand's node over hub-days, with the price of days late at its end; labels of ``paths`` are for
prices that all demands share.
"""

from __future__ import annotations

import heapq

import numba
import numpy as np

from routing.trunk.task.commodities import list_commodities
from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.task.shortest_paths import out_pointers


def find_paths(
    network: TrunkNetwork,
    arc_price: Floats,
    sort_price: Floats,
    hold_price: Floats,
    surcharge: tuple[Ints, Ints, Floats],
) -> tuple[Floats, Ints, Ints]:
    """Find each demand's cheapest path.

    Parameters
    ----------
    arc_price : (R,) [CNY/parcel]
        Price of an arc to every demand.
    sort_price, hold_price : (N,) [CNY/parcel]
        ``inf`` where nothing is sorted or held.
    surcharge
        Pointers (K + 1,) into arcs and prices [CNY/parcel]: what a demand pays on an arc besides.

    Returns
    -------
    label : (K,) [CNY/parcel], ``inf`` without a path
    pointers, legs
        Paths as legs (an arc's number, or ``arcs + node`` for a night); ``pointers`` (K + 1,).
    """
    demands = len(network.demand_parcels)
    commodities = list_commodities(network)
    label = np.empty(demands)
    pointers = np.zeros(demands + 1, dtype=np.int64)
    legs = np.empty(demands * max(network.nodes, 1), dtype=np.int64)
    _search(
        network.after, network.node_hub, network.node_turn, network.arcs, out_pointers(network), network.arc_head, arc_price, sort_price, hold_price,
        network.demand_node(), network.demand_destination, commodities.late_price, commodities.of_demand, surcharge[0], surcharge[1],
        surcharge[2], label, pointers, legs,
    )  # fmt: skip
    return label, pointers, legs[: pointers[-1]].copy()


@numba.njit(cache=True)
def _search(  # type: ignore[no-untyped-def]  # noqa: C901
    after, node_hub, node_turn, arcs, first_out, arc_head, arc_price, sort_price, hold_price, start, goal, late_price, commodity, surcharged, surcharged_arc,
    surcharge_price, label, pointers, legs,
) -> None:  # fmt: skip
    nodes = len(sort_price)
    price = arc_price.copy()
    far = np.full(nodes, np.inf)
    via = np.empty(nodes, dtype=np.int64)
    previous = np.empty(nodes, dtype=np.int64)
    for k in range(len(start)):
        for i in range(surcharged[k], surcharged[k + 1]):
            price[surcharged_arc[i]] += surcharge_price[i]
        far[:] = np.inf
        far[start[k]] = 0.0
        heap = [(0.0, start[k])]
        best, end = np.inf, -1
        while len(heap) > 0:
            at_price, node = heapq.heappop(heap)
            if at_price >= best:
                break
            if at_price > far[node]:
                continue
            if hold_price[node] < np.inf:
                total = at_price + hold_price[node]
                if total < far[after[node]]:
                    far[after[node]], via[after[node]], previous[after[node]] = total, arcs + node, node
                    heapq.heappush(heap, (total, after[node]))
            if sort_price[node] == np.inf:
                continue
            sorted_price = at_price + sort_price[node]
            if node_hub[node] == goal[k]:
                total = sorted_price + late_price[commodity[k], node_turn[node]]
                if total < best:
                    best, end = total, node
                continue
            for r in range(first_out[node], first_out[node + 1]):
                head = arc_head[r]
                total = sorted_price + price[r]
                if total < far[head]:
                    far[head], via[head], previous[head] = total, r, node
                    heapq.heappush(heap, (total, head))
        for i in range(surcharged[k], surcharged[k + 1]):
            price[surcharged_arc[i]] = arc_price[surcharged_arc[i]]
        label[k] = best
        count, node = 0, end
        while node >= 0 and node != start[k]:
            count += 1
            node = previous[node]
        pointers[k + 1] = pointers[k] + count
        node, place = end, pointers[k + 1] - 1
        while node >= 0 and node != start[k]:
            legs[place] = via[node]
            place -= 1
            node = previous[node]
