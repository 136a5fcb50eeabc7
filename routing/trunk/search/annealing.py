"""Annealing of trees: every destination has trees of next legs, and moves hang a whole sub-tree onto another leg.

A tree belongs to a destination and a layer of its parcels (whole truckloads, and the rest). It tells at each node the arc to
take, to wait, or to finish. A move gives (tree, node) another next leg: the parcels of the whole sub-tree leave the old
path and take the new one down to where both meet. Vehicles count by their step costs, what exceeds a limit by a price that is
linear in the excess, so that an overload shrinks move by move (Kirkpatrick et al. 1983).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np

from routing.budget import Deadline
from routing.trunk.search.chance import Seeds, draw
from routing.trunk.search.trees import Trees
from routing.trunk.task.commodities import list_commodities
from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.task.records import UNCOUNTED, NodeArcLoads
from routing.trunk.task.shortest_paths import FINISH, HOLD, NO_PATH
from routing.trunk.vehicles.step_costs import StepCosts, price_load

COMPILED_OF = ("chance", "step_costs", "2ac5e720a7e1bd6a")  # numba looks at this file alone: changes with those
_CHUNK = 250_000  # moves between looks at the clock
_EVEN = 1000  # moves at one temperature
_LEAST_CHANCE = 1e-300


@dataclass(frozen=True, slots=True)
class Cooling:
    """How the annealing cools.

    Attributes
    ----------
    moves
        Number of moves.
    hot, cold
        First and last temperature [CNY].
    soft, hard
        First and last price of a parcel over a limit [CNY/parcel].
    """

    moves: int
    hot: float
    cold: float
    soft: float
    hard: float


class AnnealingTask(NamedTuple):
    """What moves read of the network and do not change.

    Attributes
    ----------
    after, turn : (N,); head : (R,)
        See :class:`Nodes` and :class:`Arcs`.
    sort_capacity, buffer_capacity : (N,) [parcels]
    handling, waiting : (N,) [CNY/parcel]; carriage : (R,) [CNY/parcel]
    late_price : (commodities, T) [CNY/parcel]
        Price of ending at a turn of the destination hub.
    candidates : (N, commodities, most)
        Next legs of least reduced price, the best first.
    """

    after: Ints
    turn: Ints
    head: Ints
    sort_capacity: Floats
    buffer_capacity: Floats
    handling: Floats
    waiting: Floats
    carriage: Floats
    late_price: Floats
    candidates: Ints


class AnnealingState(NamedTuple):
    """What moves change besides the trees; modified in place.

    Attributes
    ----------
    random : (1,) uint64
        State of the generator.
    mark : (N,); counter : (1,)
        Number of the move that last had a node on its new path, and that of the present one.
    arc_price : (R,) [CNY]
        Price of the vehicles under each arc's present load.
    """

    random: Seeds
    mark: Ints
    counter: Ints
    arc_price: Floats


class Heat(NamedTuple):
    """Temperature at the first and the last move [CNY], and the price of a parcel over a limit [CNY/parcel]."""

    hot: float
    cold: float
    penalty: float


class Move(NamedTuple):
    """Another next leg for the parcels that pass a node of a tree."""

    tree: int
    node: int
    old: int
    new: int
    parcels: float


def anneal_trees(
    network: TrunkNetwork,
    trees: Trees,
    step_costs: StepCosts,
    candidates: Ints,
    cooling: Cooling,
    *,
    seed: int,
    deadline: Deadline,
    reserve: float,
) -> int:
    """Improve the trees in place; return the moves done.

    Parameters
    ----------
    candidates : (N, commodities, most)
    reserve
        Seconds that must be left on the deadline when the annealing ends.
    """
    task = lay_annealing(network, candidates)
    state = AnnealingState(
        np.array([(seed * 2654435761 + 88172645463325252) % 2**64], dtype=np.uint64),
        np.zeros(network.nodes, dtype=np.int64),
        np.zeros(1, dtype=np.int64),
        np.zeros(network.arcs),
    )
    done = 0
    while done < cooling.moves and not deadline.over(reserve):
        part = min(_CHUNK, cooling.moves - done)
        share, later = done / cooling.moves, (done + part) / cooling.moves
        heat = Heat(
            cooling.hot * (cooling.cold / cooling.hot) ** share,
            cooling.hot * (cooling.cold / cooling.hot) ** later,
            cooling.soft * (cooling.hard / cooling.soft) ** share,
        )
        _anneal(task, step_costs, trees, state, part, heat)
        done += part
    return done


def lay_annealing(network: TrunkNetwork, candidates: Ints) -> AnnealingTask:
    """Take what annealing reads of a network as a record."""
    return AnnealingTask(
        network.after,
        network.node_turn,
        network.arc_head,
        network.sort_capacity,
        network.buffer_capacity,
        network.handling_cost,
        network.waiting_cost,
        network.arc_cost,
        list_commodities(network).late_price,
        candidates,
    )


@numba.njit(**UNCOUNTED)
def _anneal(task: AnnealingTask, costs: StepCosts, trees: Trees, state: AnnealingState, moves: int, heat: Heat) -> int:
    """Try moves; return how many were accepted. ``trees`` and ``state`` are modified in place."""
    accepted, loads = 0, trees.loads
    temperature = heat.hot
    fall = (heat.cold / heat.hot) ** (1.0 * _EVEN / moves) if moves > 0 else 1.0
    for arc in range(len(state.arc_price)):
        state.arc_price[arc] = price_load(costs, arc, loads.arcs[arc], heat.penalty)
    for number in range(moves):
        if number % _EVEN == 0 and number > 0:
            temperature *= fall
        tree, node = _draw_node(task, trees, state)
        old, parcels = trees.leg[tree, node], trees.flow[tree, node]
        # legs of least reduced price first: the cube draws the first of six more often than all others together
        pick = draw(state.random)
        new = task.candidates[node, trees.destination[tree], int(pick * pick * pick * task.candidates.shape[2])]
        if new in (NO_PATH, old) or parcels <= 0.0:
            continue
        move = Move(tree, node, old, new, parcels)
        if not _mark_path(task, trees, state, move):
            continue
        allowed = -temperature * np.log(max(draw(state.random), _LEAST_CHANCE))
        change, meet = _price_leaving(task, costs, loads, trees, state, move, heat.penalty)
        change = _price_taking(task, costs, loads, trees, state, move, heat.penalty, meet, change, allowed)
        if change > allowed:
            continue
        accepted += 1
        _shift_parcels(task, costs, loads, trees, state, move, old, -parcels, meet, heat.penalty)
        trees.leg[tree, node] = new
        _shift_parcels(task, costs, loads, trees, state, move, new, parcels, meet, heat.penalty)
    return accepted


@numba.njit(cache=True, inline="always")
def _draw_node(task: AnnealingTask, trees: Trees, state: AnnealingState) -> tuple[int, int]:
    """Draw a tree and a node: one of those on the path of a random entry."""
    entry = int(draw(state.random) * len(trees.entry_tree))
    tree, walk = trees.entry_tree[entry], trees.entry_node[entry]
    chosen, seen = walk, 0
    while True:
        seen += 1
        if draw(state.random) * seen < 1.0:
            chosen = walk
        leg = trees.leg[tree, walk]
        if leg == FINISH:
            break
        walk = task.after[walk] if leg == HOLD else task.head[leg]
    return tree, chosen


@numba.njit(cache=True, inline="always")
def _mark_path(task: AnnealingTask, trees: Trees, state: AnnealingState, move: Move) -> bool:
    """Mark the nodes of the new path behind the first; return whether it reaches its end without coming back."""
    state.counter[0] += 1
    number = state.counter[0]
    walk, leg, reaches = move.node, move.new, True
    while leg != FINISH:
        if leg == NO_PATH:
            reaches = False
            break
        walk = task.after[walk] if leg == HOLD else task.head[leg]
        if walk == move.node:
            reaches = False
            break
        state.mark[walk] = number
        leg = trees.leg[move.tree, walk]
    return reaches


@numba.njit(cache=True, inline="always")
def _price_leaving(
    task: AnnealingTask,
    costs: StepCosts,
    loads: NodeArcLoads,
    trees: Trees,
    state: AnnealingState,
    move: Move,
    penalty: float,
) -> tuple[float, int]:
    """Price what leaves the old path: the change of cost [CNY], and the node where both paths meet, -1 without one."""
    change, walk, leg, meet = 0.0, move.node, move.old, -1
    number = state.counter[0]
    while True:
        if leg == HOLD:
            load, capacity, price = loads.nights[walk], task.buffer_capacity[walk], task.waiting[walk]
            change = _price_stop(load, capacity, price, -move.parcels, penalty, change)
            walk = task.after[walk]
        else:
            if walk != move.node or move.new == HOLD:
                load, capacity, price = loads.sorts[walk], task.sort_capacity[walk], task.handling[walk]
                change = _price_stop(load, capacity, price, -move.parcels, penalty, change)
            if leg == FINISH:
                change -= task.late_price[trees.destination[move.tree], task.turn[walk]] * move.parcels
                break
            change = _price_arc(task, costs, loads, state, leg, -move.parcels, penalty, change)
            walk = task.head[leg]
        if state.mark[walk] == number:
            meet = walk
            break
        leg = trees.leg[move.tree, walk]
    return change, meet


@numba.njit(cache=True, inline="always")
def _price_taking(
    task: AnnealingTask,
    costs: StepCosts,
    loads: NodeArcLoads,
    trees: Trees,
    state: AnnealingState,
    move: Move,
    penalty: float,
    meet: int,
    change: float,
    allowed: float,
) -> float:
    """Add what taking the new path costs to a change of cost [CNY]; since that only adds, end when it is beyond allowed."""
    walk, leg = move.node, move.new
    while True:
        if leg == HOLD:
            load, capacity, price = loads.nights[walk], task.buffer_capacity[walk], task.waiting[walk]
            change = _price_stop(load, capacity, price, move.parcels, penalty, change)
            walk = task.after[walk]
        else:
            if walk != move.node or move.old == HOLD:
                load, capacity, price = loads.sorts[walk], task.sort_capacity[walk], task.handling[walk]
                change = _price_stop(load, capacity, price, move.parcels, penalty, change)
            if leg == FINISH:
                change += task.late_price[trees.destination[move.tree], task.turn[walk]] * move.parcels
                break
            change = _price_arc(task, costs, loads, state, leg, move.parcels, penalty, change)
            walk = task.head[leg]
        if walk == meet or change > allowed:
            break
        leg = trees.leg[move.tree, walk]
    return change


@numba.njit(cache=True, inline="always")
def _exceed(load: float, capacity: float) -> float:
    """Parcels of a load over a capacity."""
    return load - capacity if load > capacity else 0.0


@numba.njit(cache=True, inline="always")
def _price_stop(load: float, capacity: float, price: float, parcels: float, penalty: float, change: float) -> float:
    """Add to a change of cost [CNY] that of more parcels, or fewer where negative, sorted at a node or waiting there.

    Parameters
    ----------
    load, capacity : [parcels]
        Of the sort or of the buffer.
    price : [CNY/parcel]
        Of sorting or of waiting.
    """
    change += price * parcels
    return change + penalty * (_exceed(load + parcels, capacity) - _exceed(load, capacity))


@numba.njit(cache=True, inline="always")
def _price_arc(
    task: AnnealingTask,
    costs: StepCosts,
    loads: NodeArcLoads,
    state: AnnealingState,
    arc: int,
    parcels: float,
    penalty: float,
    change: float,
) -> float:
    """Add to a change of cost [CNY] that of more parcels, or fewer where negative, on an arc and of their vehicles."""
    change += task.carriage[arc] * parcels
    change += price_load(costs, arc, loads.arcs[arc] + parcels, penalty)
    return float(change - state.arc_price[arc])


@numba.njit(**UNCOUNTED)
def _shift_parcels(
    task: AnnealingTask,
    costs: StepCosts,
    loads: NodeArcLoads,
    trees: Trees,
    state: AnnealingState,
    move: Move,
    leg: int,
    parcels: float,
    meet: int,
    penalty: float,
) -> None:
    """Add parcels, or take them off where negative, along a path from the node of a move to where the paths meet."""
    walk = move.node
    while True:
        if leg == HOLD:
            loads.nights[walk] += parcels
            walk = task.after[walk]
        else:
            loads.sorts[walk] += parcels
            if leg == FINISH:
                break
            loads.arcs[leg] += parcels
            state.arc_price[leg] = price_load(costs, leg, loads.arcs[leg], penalty)
            walk = task.head[leg]
        if walk == meet:
            break
        trees.flow[move.tree, walk] += parcels
        leg = trees.leg[move.tree, walk]
