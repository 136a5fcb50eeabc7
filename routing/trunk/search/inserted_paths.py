"""The cheapest paths for more parcels of one demand through room that a plan leaves free, compiled.

Dijkstra's search with a floor that no path goes below (A*): what it finds is cheapest at the margin for the parcels that are
left, and takes as many of them as the room along it allows; then the next path is searched.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import NamedTuple

import numba
import numpy as np

from routing.trunk.task.network import Flags, Floats, Ints
from routing.trunk.task.path_rules import PathRules, is_accepted, may_go_on
from routing.trunk.task.records import UNCOUNTED, Arcs, LaneVehicles, Nodes

COMPILED_OF = ("path_rules", "841eb69e67dea45b")  # numba looks at this file alone: changes with those
_MOST_BANS = 16
_ROOM, _WITHIN, _BEYOND = -1, 0, 1
_SAME, _NOISE = 1e-12, 1e-9  # CNY/parcel


class ArcTimes(NamedTuple):
    """Lane and day of each arc (R,), and the steps of the fleets' time its vehicles are away: from ``step``, ``busy`` of them."""

    lane: Ints
    day: Ints
    step: Ints
    busy: Ints


class InsertionTask(NamedTuple):
    """What insertion reads.

    Attributes
    ----------
    nodes, arcs, times, on_lane
        The network; ``nodes.can_hold`` tells where parcels may wait if there is room, or at a price.
    is_open : (N,)
    back : (O,) [CNY]
        Price of an empty return.
    type_own : (V,)
    short_cost, sort_price
        Of a parcel short, and sorted beyond capacity [CNY/parcel].
    night_price : (N,) [CNY/parcel]
        Of waiting beyond the buffer; ``inf`` where there is no more room at any price.
    rules
        What paths planners accept.
    """

    nodes: Nodes
    arcs: Arcs
    times: ArcTimes
    on_lane: LaneVehicles
    is_open: Flags
    back: Floats
    type_own: Flags
    short_cost: float
    sort_price: float
    night_price: Floats
    rules: PathRules


class FreeRoom(NamedTuple):
    """Free room, used up as parcels are inserted: modified in place.

    Attributes
    ----------
    arcs : (R,) [parcels]
        Room on vehicles that run.
    sorts, nights : (N,) [parcels]
    fleet : (V, T); vehicle : (O, D); lane : (L, D) [vehicles, departures]
        What is left of fleets and limits.
    within, beyond : (O, D) [departures]
        Vehicles added within and beyond the limits.
    more_sorts, more_nights : (N,) [parcels]
        Used beyond the limits.
    spent : (1,)
        What inserting has cost so far, at the elastic prices where limits were exceeded [CNY].
    """

    arcs: Floats
    sorts: Floats
    nights: Floats
    fleet: Floats
    vehicle: Floats
    lane: Floats
    within: Floats
    beyond: Floats
    more_sorts: Floats
    more_nights: Floats
    spent: Floats

    @property
    def cost(self) -> float:
        """What inserting has cost so far [CNY]."""
        return float(self.spent[0])

    def copy(self) -> FreeRoom:
        """Return a copy that is used up apart."""
        return FreeRoom(*(array.copy() for array in self))


class Parcels(NamedTuple):
    """Parcels of a demand that are to be inserted.

    Attributes
    ----------
    start, goal
        Node of hand-in, and hub of destination.
    parcels
        How many.
    elastic
        Whether limits may be exceeded at a price.
    floor : (N,) [CNY/parcel]
        Price below which no path from a node ends.
    late_price : (T,) [CNY/parcel]
        Price of ending at a turn of the destination.
    """

    start: int
    goal: int
    parcels: float
    elastic: bool
    floor: Floats
    late_price: Floats


class InsertionSpace(NamedTuple):
    """Room to search in, and the paths found; modified in place.

    Attributes
    ----------
    distance : (N,) [CNY/parcel]; parent : (N,)
        Price of reaching a node, and the leg that does.
    vehicle, kind : (R,); most : (R,) [departures]
        Lane vehicle that makes room on an arc, whether there is room, or within or beyond its limits, and how many may be added.
    banned : (R,)
        Arcs that a fleet shared along a path leaves nothing for.
    legs : (P, N + 1); lengths : (P,); amounts : (P,) [parcels]
        Paths found.
    cost : (1,) [CNY]
    """

    distance: Floats
    parent: Ints
    vehicle: Ints
    kind: Ints
    most: Floats
    banned: Flags
    legs: Ints
    lengths: Ints
    amounts: Floats
    cost: Floats


def make_insertion_space(nodes: int, arcs: int, paths: int) -> InsertionSpace:
    """Make room to search a network of so many nodes and arcs, and for so many paths."""
    return InsertionSpace(
        distance=np.empty(nodes),
        parent=np.empty(nodes, dtype=np.int64),
        vehicle=np.empty(arcs, dtype=np.int64),
        kind=np.empty(arcs, dtype=np.int64),
        most=np.empty(arcs),
        banned=np.zeros(arcs, dtype=np.bool_),
        legs=np.zeros((paths, nodes + 1), dtype=np.int64),
        lengths=np.zeros(paths, dtype=np.int64),
        amounts=np.zeros(paths),
        cost=np.zeros(1),
    )


@numba.njit(cache=True)
def insert_parcels(task: InsertionTask, free: FreeRoom, space: InsertionSpace, asked: Parcels) -> int:
    """Insert parcels path by path; return the number of paths. ``free`` and ``space`` are modified in place."""
    left, paths, bans = asked.parcels, 0, 0
    space.banned[:] = False
    space.cost[0] = 0.0
    if asked.floor[asked.start] >= task.short_cost:
        return 0
    while left > 0.5 and paths < len(space.lengths):
        end = _find_path(task, free, space, asked, left)
        if end < 0:
            break
        amount = _trace_back(task, free, space, asked, paths, end, left)
        if task.rules.bounded and not _keep_rules(task, space, asked, paths):
            amount = 0.0
        amount = _share_fleets(task, space, paths, amount)
        if amount < 1.0:
            bans += 1
            if bans > _MOST_BANS:
                break
            continue
        length = space.lengths[paths]
        space.legs[paths, :length] = space.legs[paths, :length][::-1].copy()
        space.amounts[paths] = amount
        _use_path(task, free, space, asked, paths)
        left -= amount
        paths += 1
    return paths


@numba.njit(cache=True)
def _find_path(  # noqa: C901 - one loop that calls for little
    task: InsertionTask, free: FreeRoom, space: InsertionSpace, asked: Parcels, left: float
) -> int:
    """Find the cheapest path for the parcels left; return its last node, -1 when none is cheaper than their shortfall."""
    nodes, arcs, rules = task.nodes, task.arcs, task.rules
    distance, floor = space.distance, asked.floor
    distance[:] = np.inf
    distance[asked.start], space.parent[asked.start] = 0.0, -1
    heap = [(floor[asked.start], asked.start)]
    best, end = np.inf, -1
    while len(heap) > 0:
        key, node = heappop(heap)
        if key >= task.short_cost or key >= best:
            break
        here = distance[node]
        if key > here + floor[node] + _NOISE:
            continue
        fits = free.nights[node] >= 1.0
        if nodes.can_hold[node] and (fits or asked.elastic):
            head = nodes.after[node]
            value = here + nodes.waiting[node] + (0.0 if fits else task.night_price[node])
            if value < distance[head] - _SAME and value + floor[head] < task.short_cost:
                distance[head], space.parent[head] = value, len(arcs.head) + node
                heappush(heap, (value + floor[head], head))
        fits = free.sorts[node] >= 1.0
        if not task.is_open[node] or not (fits or asked.elastic):
            continue
        sorted_at = here + nodes.handling[node] + (0.0 if fits else task.sort_price)
        if nodes.hub[node] == asked.goal:
            value = sorted_at + asked.late_price[nodes.turn[node]]
            if value < best:
                best, end = value, node
            continue
        for arc in range(arcs.first_out[node], arcs.first_out[node + 1]):
            head = arcs.head[arc]
            value = sorted_at + arcs.cost[arc]
            if space.banned[arc] or value + floor[head] >= min(task.short_cost, distance[head] + floor[head]):
                continue
            if rules.bounded and not may_go_on(arc, asked.start, asked.goal, space.parent, arcs.tail, rules):
                continue
            if free.arcs[arc] >= 1.0:
                space.vehicle[arc], space.kind[arc], space.most[arc] = -1, _ROOM, 0.0
            else:
                value += _price_room(task, free, space, arc, left, asked.elastic)
            if value < distance[head] - _SAME and value + floor[head] < task.short_cost:
                distance[head], space.parent[head] = value, arc
                heappush(heap, (value + floor[head], head))
    return end if best < task.short_cost else -1


@numba.njit(**UNCOUNTED)
def _price_room(
    task: InsertionTask, free: FreeRoom, space: InsertionSpace, arc: int, left: float, elastic: bool
) -> float:
    """Price of vehicles to be found for an arc without room [CNY/parcel]; which, and how many may be, into ``space``."""
    price, space.vehicle[arc], space.kind[arc], space.most[arc] = _pick_vehicle(task, free, arc, left, elastic)
    return float(price)


@numba.njit(**UNCOUNTED)
def _pick_vehicle(
    task: InsertionTask, free: FreeRoom, arc: int, left: float, elastic: bool
) -> tuple[float, int, int, float]:
    """Cheapest way to more room on an arc for parcels: (price a parcel, lane vehicle, kind, most departures)."""
    best, chosen, kind, most = np.inf, -1, _WITHIN, 0.0
    times, on_lane = task.times, task.on_lane
    lane, day = times.lane[arc], times.day[arc]
    first, step = times.step[arc], times.step[arc] + times.busy[arc]
    for vehicle in range(on_lane.first[lane], on_lane.first[lane + 1]):
        count = np.ceil(left / on_lane.capacity[vehicle])
        spare = min(free.vehicle[vehicle, day], free.lane[lane, day])
        for later in range(first, min(step, free.fleet.shape[1])):
            spare = min(spare, free.fleet[on_lane.kind[vehicle], later])
        if spare >= 1.0 and not task.type_own[on_lane.kind[vehicle]]:
            count = min(count, np.floor(spare))
            price = count * on_lane.cost[vehicle] / min(left, count * on_lane.capacity[vehicle])
            if price < best - _SAME:
                best, chosen, kind, most = price, vehicle, _WITHIN, np.floor(spare)
    if chosen < 0 and elastic:
        # what is there goes before what would have to be found
        for vehicle in range(on_lane.first[lane], on_lane.first[lane + 1]):
            count = np.ceil(left / on_lane.capacity[vehicle])
            price = count * (on_lane.cost[vehicle] + task.back[vehicle]) / left
            if price < best - _SAME:
                best, chosen, kind, most = price, vehicle, _BEYOND, np.inf
    return best, chosen, kind, most


@numba.njit(**UNCOUNTED)
def _trace_back(
    task: InsertionTask, free: FreeRoom, space: InsertionSpace, asked: Parcels, path: int, end: int, left: float
) -> float:
    """Write the legs of a path from its end to its start; return how many of the parcels left its room takes."""
    arcs = task.arcs
    length, node, amount = 0, end, left
    if free.sorts[end] >= 1.0:
        amount = min(amount, free.sorts[end])
    while node != asked.start:
        leg = space.parent[node]
        space.legs[path, length] = leg
        length += 1
        if leg >= len(arcs.head):
            node = leg - len(arcs.head)
            if free.nights[node] >= 1.0:
                amount = min(amount, free.nights[node])
            continue
        node = arcs.tail[leg]
        if free.sorts[node] >= 1.0:
            amount = min(amount, free.sorts[node])
        if space.kind[leg] == _ROOM:
            amount = min(amount, free.arcs[leg])
    space.lengths[path] = length
    return amount


@numba.njit(cache=True)
def _keep_rules(task: InsertionTask, space: InsertionSpace, asked: Parcels, path: int) -> bool:
    """Tell whether planners accept a path; of one they do not, made so by a node reached anew, the last arc is banned."""
    legs, length = space.legs[path], space.lengths[path]
    if is_accepted(legs, length, task.nodes.hub[asked.start], asked.goal, task.rules):
        return True
    for i in range(length):
        if legs[i] < len(task.arcs.head):
            space.banned[legs[i]] = True
            break
    return False


@numba.njit(**UNCOUNTED)
def _share_fleets(task: InsertionTask, space: InsertionSpace, path: int, amount: float) -> float:
    """Divide fleets that are wanted on several arcs of a path; return how many of so many parcels that leaves room for."""
    arcs, kinds = len(task.arcs.head), task.on_lane.kind
    legs = space.legs[path, : space.lengths[path]]
    for arc in legs:
        if arc >= arcs or space.kind[arc] != _WITHIN:
            continue
        sharing = 0.0
        for other in legs:
            if other < arcs and space.kind[other] == _WITHIN:
                sharing += kinds[space.vehicle[other]] == kinds[space.vehicle[arc]]
        space.most[arc] = np.floor(space.most[arc] / sharing)
        if space.most[arc] < 1.0:
            space.banned[arc] = True
        amount = min(amount, space.most[arc] * task.on_lane.capacity[space.vehicle[arc]])
    return amount


@numba.njit(**UNCOUNTED)
def _use_path(task: InsertionTask, free: FreeRoom, space: InsertionSpace, asked: Parcels, path: int) -> None:
    """Take what a path uses off the free room, and count what it costs."""
    nodes, arcs = task.nodes, task.arcs
    node, amount, length = asked.start, space.amounts[path], space.lengths[path]
    for i in range(length + 1):
        leg = space.legs[path, i] if i < length else -1
        if leg >= len(arcs.head):
            if free.nights[node] >= 1.0:
                free.nights[node] -= amount
            else:
                free.more_nights[node] += amount
                space.cost[0] += task.night_price[node] * amount
            space.cost[0] += nodes.waiting[node] * amount
            node = nodes.after[node]
            continue
        if free.sorts[node] >= 1.0:
            free.sorts[node] -= amount
        else:
            free.more_sorts[node] += amount
            space.cost[0] += task.sort_price * amount
        space.cost[0] += nodes.handling[node] * amount
        if leg < 0:
            space.cost[0] += asked.late_price[nodes.turn[node]] * amount
            break
        if space.kind[leg] != _ROOM:
            _add_vehicles(task, free, space, leg, amount)
        free.arcs[leg] -= amount
        space.cost[0] += arcs.cost[leg] * amount
        node = arcs.head[leg]


@numba.njit(**UNCOUNTED)
def _add_vehicles(task: InsertionTask, free: FreeRoom, space: InsertionSpace, arc: int, parcels: float) -> None:
    """Add the vehicles chosen for an arc that so many parcels need."""
    times, on_lane = task.times, task.on_lane
    vehicle, lane, day = space.vehicle[arc], times.lane[arc], times.day[arc]
    count = np.ceil(parcels / on_lane.capacity[vehicle])
    free.arcs[arc] += count * on_lane.capacity[vehicle]
    space.cost[0] += count * on_lane.cost[vehicle]
    if space.kind[arc] == _WITHIN:
        free.within[vehicle, day] += count
        free.vehicle[vehicle, day] -= count
        free.lane[lane, day] -= count
        first = times.step[arc]
        for step in range(first, min(first + times.busy[arc], free.fleet.shape[1])):
            free.fleet[on_lane.kind[vehicle], step] -= count
    else:
        free.beyond[vehicle, day] += count
        space.cost[0] += count * task.back[vehicle]
