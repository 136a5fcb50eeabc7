"""Steps of the climb of forcing prices, compiled: room shared out, demands sent along their cheapest paths, prices moved.

Only prices that are or were above 0 are kept, of each demand at most so many. Beyond the last node from which a demand can reach
what it pays for, its labels are those of its commodity.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from routing.trunk.task.network import Flags, Floats, Ints
from routing.trunk.task.records import UNCOUNTED, Arcs, Demands, Nodes, ParcelPrices
from routing.trunk.task.shortest_paths import FINISH, HOLD, NO_PATH, Labels

_NIL = 1e-9  # CNY/parcel by which a label must fall: no path comes back to where it was


class ForcingTask(NamedTuple):
    """What the climb reads.

    Attributes
    ----------
    nodes, arcs, demands
    prices
        What every parcel pays, room on arcs apart.
    block : (N,)
        Which block of equal closes each node belongs to.
    commodity : (K,); late_price : (G, T) [CNY/parcel]
    payer : (K,)
        Demands that may pay prices of their own.
    first : (R + 1,); price : (Q,) [CNY]; capacity : (Q,) [parcels]
        Departures of each arc.
    short_cost
        [CNY/parcel]
    """

    nodes: Nodes
    arcs: Arcs
    demands: Demands
    prices: ParcelPrices
    block: Ints
    commodity: Ints
    late_price: Floats
    payer: Flags
    first: Ints
    price: Floats
    capacity: Floats
    short_cost: float


class ForcingState(NamedTuple):
    """What the climb changes; modified in place.

    Attributes
    ----------
    arc : (K, W); paid : (K, W) [CNY]; slope : (K, W)
        Arcs a demand pays for (-1 is none), what it pays, and the direction of that price.
    path : (K, P)
        Arcs of each demand's cheapest path, then -1.
    room : (R,) [CNY/parcel]; holder : (R,)
        Price of room, and which departure sets it (-1 where none runs).
    load : (R,); sorts, nights : (N,) [parcels]
    asked : (Q,) [CNY]
        What all demands together pay for each departure.
    own : (R,) [CNY/parcel]; used : (R,)
        Of the demand looked at: what it pays on top, and whether its path uses an arc.
    label : (N,) [CNY/parcel]; leg : (N,)
        Of the demand looked at.
    price : (K,) [CNY/parcel]
        Of each demand's cheapest path, at most that of a parcel short.
    """

    arc: Ints
    paid: Floats
    slope: Floats
    path: Ints
    room: Floats
    holder: Ints
    load: Floats
    sorts: Floats
    nights: Floats
    asked: Floats
    own: Floats
    used: Flags
    label: Floats
    leg: Ints
    price: Floats


@numba.njit(**UNCOUNTED)
def _ask(task: ForcingTask, state: ForcingState) -> None:
    """Add up what all demands pay for each departure."""
    state.asked[:] = 0.0
    for k in range(state.arc.shape[0]):
        parcels = task.demands.parcels[k]
        for i in range(state.arc.shape[1]):
            if state.paid[k, i] > 0.0:
                arc = state.arc[k, i]
                for q in range(task.first[arc], task.first[arc + 1]):
                    state.asked[q] += state.paid[k, i] * min(1.0, task.capacity[q] / parcels)


@numba.njit(**UNCOUNTED)
def share_room(task: ForcingTask, state: ForcingState) -> None:
    """Price the room that what demands pay leaves; where they pay more than a departure costs, all pay less. ``load`` is scratch."""
    _ask(task, state)
    for arc in range(len(state.room)):
        part, room, holder = 1.0, np.inf, -1
        for q in range(task.first[arc], task.first[arc + 1]):
            if state.asked[q] > task.price[q]:
                part = min(part, task.price[q] / state.asked[q])
        for q in range(task.first[arc], task.first[arc + 1]):
            left = max(task.price[q] - part * state.asked[q], 0.0) / task.capacity[q]
            if left < room:
                room, holder = left, q
        state.room[arc], state.holder[arc], state.load[arc] = room, holder, part
    for k in range(state.arc.shape[0]):
        for i in range(state.arc.shape[1]):
            if state.paid[k, i] > 0.0:
                state.paid[k, i] *= state.load[state.arc[k, i]]


@numba.njit(**UNCOUNTED)
def load_demands(task: ForcingTask, state: ForcingState, labels: Labels, prices: ParcelPrices) -> float:
    """Send every demand along its cheapest path; return the price of all, those too dear left short [CNY]."""
    state.load[:] = 0.0
    state.sorts[:] = 0.0
    state.nights[:] = 0.0
    total = 0.0
    for k in range(len(task.commodity)):
        start, parcels = task.demands.start[k], task.demands.parcels[k]
        last = -1
        for i in range(state.arc.shape[1]):
            if state.paid[k, i] > 0.0:
                arc = state.arc[k, i]
                state.own[arc] = state.paid[k, i] / parcels
                last = max(last, task.arcs.tail[arc])
        # labels of its own up to the end of the block in which it last pays
        begin = task.nodes.blocks[task.block[start]]
        top = task.nodes.blocks[task.block[last] + 1] if last >= 0 else begin
        if top > begin:
            _label_own(task, state, labels, prices, k, top)
        price = state.label[start] if top > begin else labels.price[start, task.commodity[k]]
        if price < task.short_cost:
            _trace(task, state, labels, k, top)
        else:
            state.path[k, 0] = -1
        state.price[k] = min(price, task.short_cost)
        total += parcels * state.price[k]
        for i in range(state.arc.shape[1]):
            if state.arc[k, i] >= 0:
                state.own[state.arc[k, i]] = 0.0
    return total


@numba.njit(**UNCOUNTED)
def _label_own(task: ForcingTask, state: ForcingState, labels: Labels, prices: ParcelPrices, k: int, top: int) -> None:
    """Fill a demand's own labels of the blocks from its start to the node ``top``; from there on they are its commodity's."""
    start, g = task.demands.start[k], task.commodity[k]
    for block in range(task.block[top - 1], task.block[start] - 1, -1):
        begin, end = task.nodes.blocks[block], task.nodes.blocks[block + 1]
        for node in range(begin, end):
            state.label[node], state.leg[node] = np.inf, NO_PATH
        changed = True
        while changed:
            changed, within = False, False
            for node in range(end - 1, begin - 1, -1):
                before = state.label[node]
                within |= _label_node(task, state, labels, prices, k, g, node, top)
                changed |= state.label[node] < before
            # a label that fell may lower others of its block
            changed &= within


@numba.njit(cache=True, inline="always")
def _label_node(
    task: ForcingTask, state: ForcingState, labels: Labels, prices: ParcelPrices, k: int, g: int, node: int, top: int
) -> bool:
    """Label a node for a demand; return whether an arc from it stays within its block."""
    best, leg, within = state.label[node], state.leg[node], False
    after, sort = task.nodes.after[node], prices.sort[node]
    if after >= 0 and prices.hold[node] < np.inf:
        price = prices.hold[node] + (state.label[after] if after < top else labels.price[after, g])
        if price < best - _NIL:
            best, leg = price, HOLD
    if sort < np.inf and task.nodes.hub[node] == task.demands.goal[k]:
        price = sort + task.late_price[g, task.nodes.turn[node]]
        if price < best - _NIL:
            best, leg = price, FINISH
    elif sort < np.inf:
        for arc in range(task.arcs.first_out[node], task.arcs.first_out[node + 1]):
            head = task.arcs.head[arc]
            within |= task.block[head] == task.block[node]
            ahead = state.label[head] if head < top else labels.price[head, g]
            price = sort + prices.arc[arc] + state.own[arc] + ahead
            if price < best - _NIL:
                best, leg = price, arc
    state.label[node], state.leg[node] = best, leg
    return within


@numba.njit(**UNCOUNTED)
def _trace(task: ForcingTask, state: ForcingState, labels: Labels, k: int, top: int) -> None:
    """Load a demand's cheapest path and note its arcs."""
    node, g, length, parcels = task.demands.start[k], task.commodity[k], 0, task.demands.parcels[k]
    while True:
        leg = state.leg[node] if node < top else labels.choice[node, g]
        if leg == HOLD:
            state.nights[node] += parcels
            node = task.nodes.after[node]
            continue
        state.sorts[node] += parcels
        if leg == FINISH:
            break
        state.load[leg] += parcels
        if length < state.path.shape[1] - 1:
            state.path[k, length] = leg
            length += 1
        node = task.arcs.head[leg]
    state.path[k, length] = -1


@numba.njit(**UNCOUNTED)
def lean(task: ForcingTask, state: ForcingState, weight: float) -> float:
    """Lean the directions to the newest slopes and note new prices; return the sum of their squares."""
    norm = 0.0
    for k in range(len(task.commodity)):
        if not task.payer[k]:
            continue
        for i in range(state.path.shape[1]):
            if state.path[k, i] < 0:
                break
            state.used[state.path[k, i]] = True
        for i in range(state.arc.shape[1]):
            arc = state.arc[k, i]
            if arc < 0:
                continue
            slope = weight * _slope(task, state, k, arc) + (1.0 - weight) * state.slope[k, i]
            state.used[arc] = False
            if state.paid[k, i] <= 0.0 and slope <= 0.0:
                state.arc[k, i], state.paid[k, i], slope = -1, 0.0, 0.0
            state.slope[k, i] = slope
            norm += slope * slope
        free = 0
        for i in range(state.path.shape[1]):
            arc = state.path[k, i]
            if arc < 0:
                break
            slope = weight * _slope(task, state, k, arc)
            while free < state.arc.shape[1] and state.arc[k, free] >= 0:
                free += 1
            if state.used[arc] and slope > 0.0 and free < state.arc.shape[1]:
                state.arc[k, free], state.paid[k, free], state.slope[k, free] = arc, 0.0, slope
                norm += slope * slope
            state.used[arc] = False
    return norm


@numba.njit(cache=True, inline="always")
def _slope(task: ForcingTask, state: ForcingState, k: int, arc: int) -> float:
    """How the bound rises with what a demand pays for an arc: 1 if it uses the arc, less the part others fill."""
    capacity = task.capacity[state.holder[arc]]
    filled = state.load[arc] / capacity * min(1.0, capacity / task.demands.parcels[k])
    return float((1.0 if state.used[arc] else 0.0) - filled)


@numba.njit(**UNCOUNTED)
def climb(state: ForcingState, length: float) -> None:
    """Move the prices along their directions, not below 0."""
    for k in range(state.arc.shape[0]):
        for i in range(state.arc.shape[1]):
            if state.arc[k, i] >= 0:
                state.paid[k, i] = max(0.0, state.paid[k, i] + length * state.slope[k, i])
