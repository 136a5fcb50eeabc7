"""Paths at the margin: what one more lot of parcels costs along a path, and the cheapest path for it, compiled.

Spare room on vehicles that run anyway costs nothing but carriage and sorting, a further vehicle its whole price; a full sort,
buffer or arc is closed. The search is A* with a binary heap (Hart, Nilsson, Raphael, IEEE Transactions on Systems Science and
Cybernetics 4, 1968), kept within a budget: what is ahead of a node costs at least its cheapest path over vehicles that run anyway.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from routing.trunk.bound.lagrangian import price_parcels, zero_prices
from routing.trunk.task.commodities import Commodities, list_commodities
from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.task.path_rules import PathRules, may_go_on
from routing.trunk.task.records import Arcs, Demands, NodeArcLoads, Nodes, list_arcs, list_demands, list_nodes
from routing.trunk.task.shortest_paths import label_paths
from routing.trunk.vehicles.step_costs import StepCosts, price_load

COMPILED_OF = ("path_rules", "step_costs", "4544582a4bfebe2b")  # numba looks at this file alone: changes with those
_HEAP_PER_NODE, _LEAST_HEAP = 16, 256
_AT_GOAL = -2


class MarginalTask(NamedTuple):
    """What the price of a path depends on besides the loads, and what paths planners accept.

    Attributes
    ----------
    ahead : (commodities, N) [CNY/parcel]
        The least that a parcel costs from a node on, room on vehicles free; ``inf`` without a path.
    """

    nodes: Nodes
    arcs: Arcs
    demands: Demands
    commodities: Commodities
    costs: StepCosts
    rules: PathRules
    ahead: Floats


class Lot(NamedTuple):
    """Parcels that look for a path.

    Attributes
    ----------
    start, goal
        Node they start from, and hub they go to.
    parcels
        How many.
    ahead : (N,) [CNY/parcel]
        The least that one of them costs from a node on. It stands here because the innermost step reads nothing else of the task,
        and a record of forty arrays costs more to hand on than that step takes.
    budget
        Price beyond which no path is looked at [CNY].
    """

    start: int
    goal: int
    parcels: float
    ahead: Floats
    budget: float


class PathSpace(NamedTuple):
    """Room to search in, used again by every search; modified in place.

    Attributes
    ----------
    distance : (N,) [CNY]; parent : (N,) leg that reaches a node
    seen : (N,)
        Number of the search that last wrote a node; ``stamp`` (1,) is that of the present one.
    key : (Q,) [CNY]; node : (Q,)
        The heap, by the price so far and the least ahead; nodes from N on say that the destination's sort is paid.
    """

    distance: Floats
    parent: Ints
    seen: Ints
    stamp: Ints
    key: Floats
    node: Ints


def make_space(nodes: int) -> PathSpace:
    """Make room to search a network of so many nodes."""
    size = _HEAP_PER_NODE * nodes + _LEAST_HEAP
    return PathSpace(
        np.zeros(nodes),
        np.zeros(nodes, dtype=np.int64),
        np.zeros(nodes, dtype=np.int64),
        np.zeros(1, dtype=np.int64),
        np.zeros(size),
        np.zeros(size, dtype=np.int64),
    )


def lay_marginal(network: TrunkNetwork, step_costs: StepCosts) -> MarginalTask:
    """Take what the price of a path depends on as a record."""
    commodities = list_commodities(network)
    free = price_parcels(network, zero_prices(network), np.zeros(network.arcs))
    ahead = np.ascontiguousarray(label_paths(network, free, commodities).price.T)
    return MarginalTask(
        list_nodes(network),
        list_arcs(network),
        list_demands(network),
        commodities,
        step_costs,
        network.path_rules,
        ahead,
    )


@numba.njit(cache=True)
def shift_path(task: MarginalTask, loads: NodeArcLoads, parcels: float, legs: Ints, length: int, start: int) -> None:
    """Add parcels, or take them off where negative, to all a path uses; ``loads`` is modified in place.

    Parameters
    ----------
    legs : (>= length,)
        Arcs; R + node is a wait from a node to the hub's next.
    """
    arcs, node = len(task.arcs.head), start
    for i in range(length):
        leg = legs[i]
        if leg >= arcs:
            loads.nights[node] += parcels
            node = task.nodes.after[node]
        else:
            loads.sorts[node] += parcels
            loads.arcs[leg] += parcels
            node = task.arcs.head[leg]
    loads.sorts[node] += parcels


@numba.njit(cache=True)
def price_path(task: MarginalTask, loads: NodeArcLoads, parcels: float, legs: Ints, length: int, demand: int) -> float:
    """Price of adding parcels to a demand's path at the present loads; negative parcels are taken off [CNY]."""
    nodes, arcs = task.nodes, len(task.arcs.head)
    node, total = task.demands.start[demand], 0.0
    for i in range(length):
        leg = legs[i]
        if leg >= arcs:
            total += nodes.waiting[node] * parcels
            node = nodes.after[node]
        else:
            total += (nodes.handling[node] + task.arcs.cost[leg]) * parcels
            total += price_load(task.costs, leg, loads.arcs[leg] + parcels, 0.0)
            total -= price_load(task.costs, leg, loads.arcs[leg], 0.0)
            node = task.arcs.head[leg]
    late = task.commodities.late_price[task.commodities.of_demand[demand], nodes.turn[node]]
    return float(total + (nodes.handling[node] + late) * parcels)


@numba.njit(cache=True)
def find_marginal_path(
    task: MarginalTask,
    loads: NodeArcLoads,
    ceiling: Floats,
    space: PathSpace,
    demand: int,
    parcels: float,
    budget: float,
) -> int:
    """Find the cheapest path at the margin for parcels of a demand.

    Parameters
    ----------
    ceiling : (R,) [parcels]
        Most an arc may carry.
    budget
        Paths that cost more are not looked at [CNY].

    Returns
    -------
    int
        Node at which the path ends, its legs in ``space.parent``; -1 when none is within the budget.
    """
    nodes, start, goal = task.nodes, task.demands.start[demand], task.demands.goal[demand]
    commodity, count = task.commodities.of_demand[demand], len(nodes.hub)
    lot = Lot(start, goal, parcels, task.ahead[commodity], budget)
    space.stamp[0] += 1
    size = _reach(space, 0, start, 0.0, -1, lot)
    while size > 0:
        key, node = space.key[0], space.node[0]
        size = _pop(space, size)
        if node >= count:
            return int(node - count)
        price = space.distance[node]
        if key > price + parcels * lot.ahead[node] + 1e-6:
            continue
        sortable = loads.sorts[node] + parcels <= nodes.sort_capacity[node]
        at_goal = nodes.hub[node] == goal
        if at_goal and sortable:
            late = task.commodities.late_price[commodity, nodes.turn[node]]
            size = _reach(space, size, node + count, price + (nodes.handling[node] + late) * parcels, _AT_GOAL, lot)
        if nodes.can_hold[node] and loads.nights[node] + parcels <= nodes.buffer_capacity[node]:
            value, leg = price + nodes.waiting[node] * parcels, len(task.arcs.head) + node
            size = _reach(space, size, nodes.after[node], value, leg, lot)
        if sortable and not at_goal:
            size = _leave(task, loads, ceiling, space, size, node, lot)
        if size < 0:
            return -1
    return -1


@numba.njit(cache=True)
def _leave(
    task: MarginalTask,
    loads: NodeArcLoads,
    ceiling: Floats,
    space: PathSpace,
    size: int,
    node: int,
    lot: Lot,
) -> int:
    """Reach the heads of all arcs that leave a node; return the heap's size, -1 when it is full."""
    arcs, rules, parcels = task.arcs, task.rules, lot.parcels
    price = space.distance[node] + task.nodes.handling[node] * parcels
    for arc in range(arcs.first_out[node], arcs.first_out[node + 1]):
        load = loads.arcs[arc]
        value = price + arcs.cost[arc] * parcels
        if load + parcels > ceiling[arc] or value + parcels * lot.ahead[arcs.head[arc]] > lot.budget:
            continue
        if rules.bounded and not may_go_on(arc, lot.start, lot.goal, space.parent, arcs.tail, rules):
            continue
        value += price_load(task.costs, arc, load + parcels, 0.0)
        value -= price_load(task.costs, arc, load, 0.0)
        size = _reach(space, size, arcs.head[arc], value, arc, lot)
        if size < 0:
            break
    return size


@numba.njit(cache=True)
def _reach(space: PathSpace, size: int, node: int, price: float, leg: int, lot: Lot) -> int:
    """Put a node on the heap when it is reached more cheaply than before; return the size, -1 when the heap is full."""
    value = price
    if node < len(space.seen):
        value += lot.parcels * lot.ahead[node]
    if value > lot.budget or size < 0:
        return size
    if node < len(space.seen):
        if space.seen[node] == space.stamp[0] and space.distance[node] <= price:
            return size
        space.seen[node], space.distance[node], space.parent[node] = space.stamp[0], price, leg
    if size >= len(space.key):
        return -1
    place = size
    while place > 0 and space.key[(place - 1) // 2] > value:
        above = (place - 1) // 2
        space.key[place], space.node[place] = space.key[above], space.node[above]
        place = above
    space.key[place], space.node[place] = value, node
    return size + 1


@numba.njit(cache=True)
def _pop(space: PathSpace, size: int) -> int:
    """Take the top off the heap; return the size left."""
    size -= 1
    last_key, last_node = space.key[size], space.node[size]
    place = 0
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        if child + 1 < size and space.key[child + 1] < space.key[child]:
            child += 1
        if space.key[child] >= last_key:
            break
        space.key[place], space.node[place] = space.key[child], space.node[child]
        place = child
    space.key[place], space.node[place] = last_key, last_node
    return size
