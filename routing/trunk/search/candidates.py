"""Next legs worth trying: for each node and commodity those of least reduced price."""

from __future__ import annotations

import numba
import numpy as np

from routing.trunk.task.commodities import Commodities
from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.task.records import Arcs, Nodes, ParcelPrices, list_arcs, list_nodes
from routing.trunk.task.shortest_paths import FINISH, HOLD, NO_PATH


def list_candidates(
    network: TrunkNetwork, label: Floats, prices: ParcelPrices, commodities: Commodities, most: int
) -> Ints:
    """List for each node and commodity the next legs of least reduced price, (N, commodities, most); NO_PATH fills up.

    Parameters
    ----------
    label : (N, commodities) [CNY/parcel]
        Price of the cheapest path from each node.
    prices
        Those the labels were made with.
    """
    candidates: Ints = np.full((network.nodes, len(commodities.destination), most), NO_PATH, dtype=np.int64)
    _pick(list_nodes(network), list_arcs(network), prices, commodities, label, candidates)
    return candidates


@numba.njit(cache=True)
def _pick(
    nodes: Nodes, arcs: Arcs, prices: ParcelPrices, commodities: Commodities, label: Floats, candidates: Ints
) -> None:
    """Fill ``candidates`` (N, G, most) in place."""
    price = np.empty(candidates.shape[2])
    for node in range(len(nodes.after)):
        for g in range(len(commodities.destination)):
            count, sort, hold = 0, prices.sort[node], prices.hold[node]
            at_goal = nodes.hub[node] == commodities.destination[g]
            legs = candidates[node, g]
            if at_goal and sort < np.inf:
                value = sort + commodities.late_price[g, nodes.turn[node]]
                count = _insert_leg(legs, price, count, FINISH, value)
            if nodes.after[node] >= 0 and hold < np.inf:
                count = _insert_leg(legs, price, count, HOLD, hold + label[nodes.after[node], g])
            if at_goal or sort == np.inf:
                continue
            for arc in range(arcs.first_out[node], arcs.first_out[node + 1]):
                count = _insert_leg(legs, price, count, arc, sort + prices.arc[arc] + label[arcs.head[arc], g])


@numba.njit(cache=True)
def _insert_leg(legs: Ints, price: Floats, count: int, leg: int, value: float) -> int:
    """Insert a leg into those of least price so far, both in rising order and modified in place; return their number."""
    if value == np.inf or (count == len(legs) and value >= price[count - 1]):
        return count
    place = min(count, len(legs) - 1)
    while place > 0 and price[place - 1] > value:
        price[place], legs[place] = price[place - 1], legs[place - 1]
        place -= 1
    price[place], legs[place] = value, leg
    return min(count + 1, len(legs))
