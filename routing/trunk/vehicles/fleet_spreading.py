"""Brings the vehicles of all arcs within their fleets and limits, and exchanges them where that pays: compiled, in place.

Three steps: vehicles beyond what a lane lets go stay behind; where a fleet is exceeded, the vehicle whose replacement costs
least gives way; then, arc by arc, gaps are filled, vehicles that are not needed are taken off and dear ones become cheap ones.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from routing.trunk.task.network import Flags, Floats, Ints

_SAME_COST = 1e-9


class ArcVehicles(NamedTuple):
    """Vehicles that may run on each arc: one pair for each (arc, vehicle of its lane), sorted by arc.

    Attributes
    ----------
    first : (R + 1,)
        Where the pairs of each arc begin.
    kind : (Y,)
        Vehicle type.
    day : (Y,)
        Day of departure.
    busy : (Y,)
        Days the vehicle is away, that of departure included.
    capacity : (Y,) [parcels/departure]
    cost : (Y,) [CNY/departure]
    limit : (Y,)
        Most departures of the pair.
    lane_limit : (R,)
        Most departures of an arc, all types together.
    frozen : (Y,)
        Pairs whose count must stay.
    """

    first: Ints
    kind: Ints
    day: Ints
    busy: Ints
    capacity: Floats
    cost: Floats
    limit: Floats
    lane_limit: Floats
    frozen: Flags


class FleetUse(NamedTuple):
    """What the arcs carry and which vehicles they use.

    Attributes
    ----------
    load : (R,) [parcels]
    departures : (Y,)
        Departures of each pair; modified in place.
    free : (V, D)
        Vehicles of a type that stand unused on a day; below 0 where a fleet is exceeded; modified in place.
    """

    load: Floats
    departures: Ints
    free: Floats


@numba.njit(cache=True)
def spread_vehicles(pairs: ArcVehicles, use: FleetUse, order: Ints, sweeps: int) -> None:
    """Bring the vehicles within all limits, then improve them arc by arc; ``use`` is modified in place.

    Parameters
    ----------
    order : (R,)
        Arcs in the order in which they are improved.
    sweeps
        How often all arcs are visited at most.
    """
    _hold_back(pairs, use)
    for pair in range(len(pairs.kind)):
        _shift_free(pairs, use, pair, -use.departures[pair])
    for kind in range(use.free.shape[0]):
        for day in range(use.free.shape[1]):
            while use.free[kind, day] < 0:
                given, taken = _find_replacement(pairs, use, kind, day)
                if given < 0:
                    break
                _replace(pairs, use, given, taken)
            _leave_behind(pairs, use, kind, day)
    for _ in range(sweeps):
        changed = False
        for arc in order:
            if use.load[arc] > 0:
                changed |= _fill_gap(pairs, use, arc)
                changed |= _take_off_and_exchange(pairs, use, arc)
        if not changed:
            break


@numba.njit(cache=True)
def _shift_free(pairs: ArcVehicles, use: FleetUse, pair: int, vehicles: float) -> None:
    """Add vehicles to what stands unused on the days a pair is away."""
    start = pairs.day[pair]
    for day in range(start, min(use.free.shape[1], start + pairs.busy[pair])):
        use.free[pairs.kind[pair], day] += vehicles


@numba.njit(cache=True)
def _change(pairs: ArcVehicles, use: FleetUse, pair: int, added: int) -> None:
    """Add departures of a pair, or take them off where negative."""
    use.departures[pair] += added
    _shift_free(pairs, use, pair, -added)


@numba.njit(cache=True)
def _has_free(pairs: ArcVehicles, use: FleetUse, pair: int, copies: int) -> bool:
    """Tell whether so many more vehicles of a pair's type are unused on all days it is away."""
    start = pairs.day[pair]
    for day in range(start, min(use.free.shape[1], start + pairs.busy[pair])):
        if use.free[pairs.kind[pair], day] < copies:
            return False
    return True


@numba.njit(cache=True)
def _measure_arc(pairs: ArcVehicles, use: FleetUse, arc: int) -> tuple[float, int]:
    """Room [parcels] and departures of an arc."""
    room, total = 0.0, 0
    for pair in range(pairs.first[arc], pairs.first[arc + 1]):
        room += use.departures[pair] * pairs.capacity[pair]
        total += use.departures[pair]
    return room, total


@numba.njit(cache=True)
def _hold_back(pairs: ArcVehicles, use: FleetUse) -> None:
    """Keep the smallest vehicles back where an arc has more than its lane lets go."""
    for arc in range(len(pairs.first) - 1):
        _, total = _measure_arc(pairs, use, arc)
        while total > pairs.lane_limit[arc]:
            smallest = -1
            for pair in range(pairs.first[arc], pairs.first[arc + 1]):
                usable = use.departures[pair] > 0 and not pairs.frozen[pair]
                if usable and (smallest < 0 or pairs.capacity[pair] < pairs.capacity[smallest]):
                    smallest = pair
            if smallest < 0:
                break
            use.departures[smallest] -= 1
            total -= 1


@numba.njit(cache=True)
def _find_replacement(pairs: ArcVehicles, use: FleetUse, kind: int, day: int) -> tuple[int, int]:
    """Find the vehicle of an exceeded fleet that gives way at least cost, and the pair that replaces it.

    Returns
    -------
    tuple of int
        The pair that gives way, -1 where none can; the pair that takes its load, -1 where none is needed.
    """
    least, given, taken = np.inf, -1, -1
    for arc in range(len(pairs.first) - 1):
        for pair in range(pairs.first[arc], pairs.first[arc + 1]):
            away = pairs.day[pair] <= day < pairs.day[pair] + pairs.busy[pair]
            if pairs.kind[pair] != kind or use.departures[pair] == 0 or pairs.frozen[pair] or not away:
                continue
            room, total = _measure_arc(pairs, use, arc)
            need = use.load[arc] - (room - pairs.capacity[pair])
            if need <= 0 and -pairs.cost[pair] < least:
                least, given, taken = -pairs.cost[pair], pair, -1
            for other in range(pairs.first[arc], pairs.first[arc + 1]):
                if pairs.kind[other] == kind or pairs.frozen[other]:
                    continue
                copies = _count_copies(need, pairs.capacity[other])
                allowed = (
                    use.departures[other] + copies <= pairs.limit[other] and total - 1 + copies <= pairs.lane_limit[arc]
                )
                extra = copies * pairs.cost[other] - pairs.cost[pair]
                if allowed and extra < least and _has_free(pairs, use, other, copies):
                    least, given, taken = extra, pair, other
    return given, taken


@numba.njit(cache=True)
def _count_copies(need: float, capacity: float) -> int:
    """Vehicles that hold what is needed, at least one."""
    return max(1, int(np.ceil(need / capacity)))


@numba.njit(cache=True)
def _replace(pairs: ArcVehicles, use: FleetUse, given: int, taken: int) -> None:
    """Take one departure off a pair and put as many of another on as its load needs."""
    arc = int(np.searchsorted(pairs.first, given, side="right")) - 1
    room, _ = _measure_arc(pairs, use, arc)
    _change(pairs, use, given, -1)
    if taken >= 0:
        need = use.load[arc] - (room - pairs.capacity[given])
        _change(pairs, use, taken, _count_copies(need, pairs.capacity[taken]))


@numba.njit(cache=True)
def _leave_behind(pairs: ArcVehicles, use: FleetUse, kind: int, day: int) -> None:
    """Take departures off without replacement until a fleet holds on a day: their load stays behind."""
    for pair in range(len(pairs.kind)):
        if use.free[kind, day] >= 0:
            break
        away = pairs.day[pair] <= day < pairs.day[pair] + pairs.busy[pair]
        while pairs.kind[pair] == kind and away and use.departures[pair] > 0 and use.free[kind, day] < 0:
            _change(pairs, use, pair, -1)


@numba.njit(cache=True)
def _fill_gap(pairs: ArcVehicles, use: FleetUse, arc: int) -> bool:
    """Add the vehicles that carry a parcel at least cost until an arc's load has room or none is left."""
    changed = False
    room, total = _measure_arc(pairs, use, arc)
    while room < use.load[arc]:
        least, chosen = np.inf, -1
        for pair in range(pairs.first[arc], pairs.first[arc + 1]):
            allowed = (
                not pairs.frozen[pair] and use.departures[pair] < pairs.limit[pair] and total < pairs.lane_limit[arc]
            )
            cost = pairs.cost[pair] / min(pairs.capacity[pair], use.load[arc] - room)
            if allowed and cost < least and _has_free(pairs, use, pair, 1):
                least, chosen = cost, pair
        if chosen < 0:
            break
        _change(pairs, use, chosen, 1)
        total += 1
        room += pairs.capacity[chosen]
        changed = True
    return changed


@numba.njit(cache=True)
def _take_off_and_exchange(pairs: ArcVehicles, use: FleetUse, arc: int) -> bool:
    """Take vehicles off that an arc's load does not need, and put cheaper ones in place of dear ones."""
    changed = False
    room, _ = _measure_arc(pairs, use, arc)
    for pair in range(pairs.first[arc], pairs.first[arc + 1]):
        if pairs.frozen[pair]:
            continue
        while use.departures[pair] > 0 and room - pairs.capacity[pair] >= use.load[arc]:
            _change(pairs, use, pair, -1)
            room -= pairs.capacity[pair]
            changed = True
        for other in range(pairs.first[arc], pairs.first[arc + 1]):
            if other == pair or pairs.frozen[other] or pairs.cost[other] >= pairs.cost[pair] - _SAME_COST:
                continue
            gain = pairs.capacity[other] - pairs.capacity[pair]
            while use.departures[pair] > 0 and use.departures[other] < pairs.limit[other]:
                if room + gain < min(use.load[arc], room) or not _has_free(pairs, use, other, 1):
                    break
                _change(pairs, use, pair, -1)
                _change(pairs, use, other, 1)
                room += gain
                changed = True
    return changed
