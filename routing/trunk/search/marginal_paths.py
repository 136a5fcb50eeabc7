"""Paths at the margin: what one more lot of parcels costs along a path, and the cheapest path for it, compiled.

Spare room on vehicles that run anyway costs nothing but carriage and sorting, a further vehicle its whole price; a full sort,
buffer or arc is closed. The search is Dijkstra's with a binary heap, kept within a budget.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from routing.trunk.task.commodities import Commodities
from routing.trunk.task.network import Floats, Ints
from routing.trunk.task.path_rules import PathRules, may_go_on
from routing.trunk.task.records import Arcs, Demands, NodeArcLoads, Nodes
from routing.trunk.vehicles.step_costs import StepCosts, price_load

COMPILED_OF = ("path_rules", "step_costs", "74ed10fb4be3176c")  # numba looks at this file alone: changes with those
_HEAP_PER_NODE, _LEAST_HEAP = 16, 256
_AT_GOAL = -2


class MarginalTask(NamedTuple):
    """What the price of a path depends on besides the loads, and what paths planners accept."""

    nodes: Nodes
    arcs: Arcs
    demands: Demands
    commodities: Commodities
    costs: StepCosts
    rules: PathRules


class Lot(NamedTuple):
    """Parcels that look for a path: from a node to a hub, how many, and the price beyond which none is looked at [CNY]."""

    start: int
    goal: int
    parcels: float
    budget: float


class DijkstraSpace(NamedTuple):
    """Room to search in, used again by every search; modified in place.

    Attributes
    ----------
    distance : (N,) [CNY]; parent : (N,) leg that reaches a node
    seen : (N,)
        Number of the search that last wrote a node; ``stamp`` (1,) is that of the present one.
    key : (Q,) [CNY]; node : (Q,)
        The heap; nodes from N on say that the destination's sort is paid.
    """

    distance: Floats
    parent: Ints
    seen: Ints
    stamp: Ints
    key: Floats
    node: Ints


def make_space(nodes: int) -> DijkstraSpace:
    """Make room to search a network of so many nodes."""
    size = _HEAP_PER_NODE * nodes + _LEAST_HEAP
    return DijkstraSpace(
        np.zeros(nodes),
        np.zeros(nodes, dtype=np.int64),
        np.zeros(nodes, dtype=np.int64),
        np.zeros(1, dtype=np.int64),
        np.zeros(size),
        np.zeros(size, dtype=np.int64),
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
    space: DijkstraSpace,
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
    lot = Lot(start, goal, parcels, budget)
    commodity, count = task.commodities.of_demand[demand], len(nodes.hub)
    space.stamp[0] += 1
    space.key[0], space.node[0] = 0.0, start
    space.distance[start], space.seen[start], space.parent[start] = 0.0, space.stamp[0], -1
    size = 1
    while size > 0:
        key, node = space.key[0], space.node[0]
        size = _pop(space, size)
        if node >= count:
            return int(node - count)
        if key > space.distance[node] + 1e-12:
            continue
        sortable = loads.sorts[node] + parcels <= nodes.sort_capacity[node]
        at_goal = nodes.hub[node] == goal
        if at_goal and sortable:
            late = task.commodities.late_price[commodity, nodes.turn[node]]
            size = _reach(space, size, node + count, key + (nodes.handling[node] + late) * parcels, _AT_GOAL, budget)
        if nodes.can_hold[node] and loads.nights[node] + parcels <= nodes.buffer_capacity[node]:
            value, leg = key + nodes.waiting[node] * parcels, len(task.arcs.head) + node
            size = _reach(space, size, nodes.after[node], value, leg, budget)
        if sortable and not at_goal:
            size = _leave(task, loads, ceiling, space, size, node, key, lot)
        if size < 0:
            return -1
    return -1


@numba.njit(cache=True)
def _leave(
    task: MarginalTask,
    loads: NodeArcLoads,
    ceiling: Floats,
    space: DijkstraSpace,
    size: int,
    node: int,
    key: float,
    lot: Lot,
) -> int:
    """Reach the heads of all arcs that leave a node; return the heap's size, -1 when it is full."""
    arcs, rules, parcels, handling = task.arcs, task.rules, lot.parcels, task.nodes.handling[node]
    for arc in range(arcs.first_out[node], arcs.first_out[node + 1]):
        load = loads.arcs[arc]
        value = key + (handling + arcs.cost[arc]) * parcels
        if load + parcels > ceiling[arc] or value > lot.budget:
            continue
        if rules.bounded and not may_go_on(arc, lot.start, lot.goal, space.parent, arcs.tail, rules):
            continue
        value += price_load(task.costs, arc, load + parcels, 0.0)
        value -= price_load(task.costs, arc, load, 0.0)
        size = _reach(space, size, arcs.head[arc], value, arc, lot.budget)
        if size < 0:
            break
    return size


@numba.njit(cache=True)
def _reach(space: DijkstraSpace, size: int, node: int, value: float, leg: int, budget: float) -> int:
    """Put a node on the heap when it is reached more cheaply than before; return the size, -1 when the heap is full."""
    if value > budget or size < 0:
        return size
    if node < len(space.seen):
        if space.seen[node] == space.stamp[0] and space.distance[node] <= value:
            return size
        space.seen[node], space.distance[node], space.parent[node] = space.stamp[0], value, leg
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
def _pop(space: DijkstraSpace, size: int) -> int:
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
