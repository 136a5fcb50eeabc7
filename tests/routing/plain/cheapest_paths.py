"""The plain twin of all searches for cheapest paths: prices are passed back from the end until none falls (Bellman and Ford)."""

from __future__ import annotations

import math
from collections.abc import Callable

from routing.trunk.task.network import TrunkNetwork

Price = Callable[[int], float]  # of sorting at a node, waiting at it, or an arc; math.inf where nothing goes


def price_onward(
    network: TrunkNetwork, goal: int, sort: Price, wait: Price, arc: Price, end: Price
) -> dict[int, float]:
    """Price from every node, unsorted, to being sorted at a hub.

    Parameters
    ----------
    goal
        The hub.
    sort, wait, arc
        Price of each.
    end
        Price of ending at a node, on top of sorting.
    """
    onward = dict.fromkeys(range(network.nodes), math.inf)
    falling = True
    while falling:
        falling = False
        for node in reversed(range(network.nodes)):
            ways = []
            if network.after[node] >= 0:
                ways.append(wait(node) + onward[int(network.after[node])])
            if network.node_hub[node] == goal:
                ways.append(sort(node) + end(node))
            else:
                ways += [
                    sort(node) + arc(r) + onward[int(network.arc_head[r])]
                    for r in range(network.arcs)
                    if network.arc_tail[r] == node
                ]
            best = min(ways, default=math.inf)
            if best < onward[node] - 1e-9:
                onward[node], falling = best, True
    return onward


def price_legs(
    network: TrunkNetwork, start: int, legs: list[int], sort: Price, wait: Price, arc: Price, end: Price
) -> float:
    """Price of a path, leg by leg; legs from the number of arcs on are waits."""
    node, total = start, 0.0
    for leg in legs:
        if leg >= network.arcs:
            assert leg - network.arcs == node
            total += wait(node)
            node = int(network.after[node])
        else:
            assert network.arc_tail[leg] == node
            total += sort(node) + arc(leg)
            node = int(network.arc_head[leg])
    return total + sort(node) + end(node)


def end_of(network: TrunkNetwork, start: int, legs: list[int]) -> int:
    """Node at which a path ends."""
    node = start
    for leg in legs:
        node = int(network.after[node] if leg >= network.arcs else network.arc_head[leg])
    return node
