"""The plain twin of annealing: what trees cost is added up anew, entry by entry."""

from __future__ import annotations

from collections import Counter

import numpy as np

from routing.trunk.search.trees import Trees
from routing.trunk.task.commodities import list_commodities
from routing.trunk.task.network import TrunkNetwork
from routing.trunk.task.shortest_paths import FINISH, HOLD
from routing.trunk.vehicles.step_costs import StepCosts
from tests.routing.plain.vehicle_cost import read_price


def weigh_trees(network: TrunkNetwork, trees: Trees, costs: StepCosts, penalty: float) -> float:
    """Cost of all parcels on their trees: sorting, waiting, carriage, vehicles, lateness, and what exceeds a limit [CNY]."""
    arcs: Counter[int] = Counter()
    sorts: Counter[int] = Counter()
    nights: Counter[int] = Counter()
    late_price, total = list_commodities(network).late_price, 0.0
    for tree, node, parcels in zip(
        trees.entry_tree.tolist(), trees.entry_node.tolist(), trees.entry_parcels.tolist(), strict=True
    ):
        here = node
        while True:
            leg = int(trees.leg[tree, here])
            if leg == HOLD:
                nights[here] += parcels
                total += parcels * float(network.waiting_cost[here])
                here = int(network.after[here])
                continue
            sorts[here] += parcels
            total += parcels * float(network.handling_cost[here])
            if leg == FINISH:
                total += parcels * float(late_price[trees.destination[tree], network.node_turn[here]])
                break
            arcs[leg] += parcels
            total += parcels * float(network.arc_cost[leg])
            here = int(network.arc_head[leg])
    total += sum(read_price(costs, arc, load, penalty) for arc, load in arcs.items())
    total += penalty * sum(max(0.0, load - float(network.sort_capacity[node])) for node, load in sorts.items())
    total += penalty * sum(max(0.0, load - float(network.buffer_capacity[node])) for node, load in nights.items())
    return total


def comes_back(network: TrunkNetwork, trees: Trees, tree: int, node: int, leg: int) -> bool:
    """Tell whether a next leg of a node leads back to it, or nowhere."""
    here, seen = node, 0
    while leg != FINISH and seen <= network.nodes:
        if leg not in (HOLD, *range(network.arcs)):
            return True
        here = int(network.after[here] if leg == HOLD else network.arc_head[leg])
        if here == node:
            return True
        leg, seen = int(trees.leg[tree, here]), seen + 1
    return seen > network.nodes


def sum_parcels(trees: Trees) -> float:
    """Parcels that enter all trees."""
    return float(np.sum(trees.entry_parcels))
