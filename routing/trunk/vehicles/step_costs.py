"""What vehicles for a load cost: a step function for every arc, compiled.

The cheapest vehicles that hold a load make step costs: breakpoints (room, price) of mixes of vehicles none of which is
beaten by a roomier and cheaper one. Departures that planners fix run whatever they carry: their room comes first, at no price.
Beyond the last breakpoint whole vehicles of the cheapest unlimited type are added; beyond
what limits allow every parcel costs a penalty.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.task.records import LaneVehicles, list_lane_vehicles
from routing.trunk.vehicles.vehicle_model import list_fixed, measure_fixed

_MOST_BREAKPOINTS = 48
_FEW = 12  # departures up to which a limited type is enumerated
_MOST_COPIES = 24.0  # departures of one lane vehicle in a mix
_CODED = 7  # lane vehicles whose number in a mix is written into it


class StepCosts(NamedTuple):
    """Step costs of all arcs.

    Attributes
    ----------
    pointers : (R + 1,) into ``room`` and ``price``, breakpoints in rising order
    room : [parcels]; price : [CNY]
    base_room : (R,) [parcels]; base_price : (R,) [CNY]
        Vehicle that is added beyond the last breakpoint; 0 where there is none.
    most : (R,) [parcels]
        Room that limits allow.
    vehicles : as ``room``
        Vehicles of a breakpoint: eight bits for each of the first seven vehicles of the lane.
    base : (R,)
        Lane vehicle that is added beyond the last breakpoint, -1 where there is none.
    """

    pointers: Ints
    room: Floats
    price: Floats
    base_room: Floats
    base_price: Floats
    most: Floats
    vehicles: Ints
    base: Ints


class _Mixes(NamedTuple):
    """Breakpoints of one arc in the making, in rising order; modified in place."""

    room: Floats
    price: Floats
    vehicles: Ints


def build_step_costs(network: TrunkNetwork, departure_price: Floats) -> StepCosts:
    """Build the step costs under given prices of departures (O, D)."""
    arcs, size = network.arcs, network.arcs * _MOST_BREAKPOINTS
    costs = StepCosts(
        pointers=np.zeros(arcs + 1, dtype=np.int64),
        room=np.zeros(size),
        price=np.zeros(size),
        base_room=np.zeros(arcs),
        base_price=np.zeros(arcs),
        most=np.zeros(arcs),
        vehicles=np.zeros(size, dtype=np.int64),
        base=np.full(arcs, -1, dtype=np.int64),
    )
    price = np.maximum(departure_price, 0.0)
    _fill(_list_free(network), network.arc_lane, network.arc_day, price, costs)
    last = costs.pointers[-1]
    costs = costs._replace(
        room=costs.room[:last].copy(), price=costs.price[:last].copy(), vehicles=costs.vehicles[:last].copy()
    )
    return _add_fixed(network, costs) if network.vehicle_least.any() else costs


def _list_free(network: TrunkNetwork) -> LaneVehicles:
    """What limits leave beside the departures that planners fix."""
    on_lane = list_lane_vehicles(network)
    if not network.vehicle_least.any():
        return on_lane
    lane_limit = network.lane_limit.copy()
    np.subtract.at(lane_limit, network.vehicle_lane, network.vehicle_least.astype(np.float64))
    return on_lane._replace(limit=on_lane.limit - network.vehicle_least, lane_limit=lane_limit)


def _add_fixed(network: TrunkNetwork, costs: StepCosts) -> StepCosts:
    """Put the room of departures that planners fix in front of every mix."""
    given = measure_fixed(network)
    fixed, sizes = given > 0, np.diff(costs.pointers)
    first = costs.pointers[:-1][fixed]
    room = np.insert(costs.room + np.repeat(given, sizes), first, given[fixed])
    price, vehicles = np.insert(costs.price, first, 0.0), np.insert(costs.vehicles, first, 0)
    pointers = np.concatenate([[0], np.cumsum(sizes + fixed)]).astype(np.int64)
    return costs._replace(pointers=pointers, room=room, price=price, vehicles=vehicles, most=costs.most + given)


@numba.njit(cache=True)
def _fill(on_lane: LaneVehicles, arc_lane: Ints, arc_day: Ints, price: Floats, costs: StepCosts) -> None:
    """Fill the step costs of every arc; ``costs`` is modified in place.

    Parameters
    ----------
    arc_lane, arc_day : (R,)
    price : (O, D) [CNY/departure]
        ``inf`` where a vehicle does not go.
    """
    size = 8 * _MOST_BREAKPOINTS
    mixes = _Mixes(np.zeros(size), np.zeros(size), np.zeros(size, dtype=np.int64))
    for arc in range(len(arc_lane)):
        lane, day = arc_lane[arc], arc_day[arc]
        base, reach, costs.most[arc] = _measure_lane_day(on_lane, price, lane, day)
        if base >= 0:
            costs.base_room[arc], costs.base_price[arc] = on_lane.capacity[base], price[base, day]
        costs.base[arc] = base
        start = costs.pointers[arc]
        kept = min(_mix_vehicles(on_lane, price, lane, day, reach, mixes) - 1, _MOST_BREAKPOINTS)
        for i in range(kept):
            costs.room[start + i], costs.price[start + i] = mixes.room[i + 1], mixes.price[i + 1]
            costs.vehicles[start + i] = mixes.vehicles[i + 1]
        costs.pointers[arc + 1] = start + kept


@numba.njit(cache=True, inline="always")
def _measure_lane_day(on_lane: LaneVehicles, price: Floats, lane: int, day: int) -> tuple[int, float, float]:
    """Measure what the limits of a lane and day leave.

    Returns
    -------
    tuple
        The cheapest vehicle a parcel of those with many departures, -1 where there is none; room up to which mixes are
        enumerated [parcels]; room that limits allow [parcels].
    """
    base, best, total, reach, largest = -1, np.inf, 0.0, 0.0, 0.0
    for vehicle in range(on_lane.first[lane], on_lane.first[lane + 1]):
        bound = min(on_lane.limit[vehicle, day], on_lane.lane_limit[lane, day])
        if price[vehicle, day] == np.inf or bound < 1:
            continue
        capacity = on_lane.capacity[vehicle]
        total += capacity * bound
        largest = max(largest, capacity)
        if bound <= _FEW:
            reach += capacity * bound
        elif price[vehicle, day] / capacity < best:
            best = price[vehicle, day] / capacity
            base = vehicle
    if base >= 0:
        reach += 2 * on_lane.capacity[base]
    lane_limit = on_lane.lane_limit[lane, day]
    return base, reach, min(total, largest * lane_limit) if lane_limit < np.inf else total


@numba.njit(cache=True, inline="always")
def _mix_vehicles(on_lane: LaneVehicles, price: Floats, lane: int, day: int, reach: float, mixes: _Mixes) -> int:
    """Fill the mixes of an arc up to a room, the empty one first; return their number."""
    points = 1
    mixes.room[0], mixes.price[0], mixes.vehicles[0] = 0.0, 0.0, 0
    first = on_lane.first[lane]
    for vehicle in range(first, min(on_lane.first[lane + 1], first + _CODED)):
        if price[vehicle, day] == np.inf:
            continue
        capacity = on_lane.capacity[vehicle]
        limit = min(on_lane.limit[vehicle, day], on_lane.lane_limit[lane, day])
        copies = min(limit, np.ceil(reach / capacity), _MOST_COPIES)
        bit = 1 << (8 * (vehicle - first))
        for _ in range(int(copies)):
            points = _add_copy(mixes, points, capacity, price[vehicle, day], bit, reach)
    return points


@numba.njit(cache=True)
def _add_copy(mixes: _Mixes, points: int, capacity: float, price: float, bit: int, reach: float) -> int:
    """Merge the breakpoints with themselves plus one more vehicle; return the number of breakpoints left."""
    count = 2 * points
    both_room, both_price = np.empty(count), np.empty(count)
    for i in range(points):
        both_room[i], both_price[i] = mixes.room[i], mixes.price[i]
        both_room[points + i], both_price[points + i] = mixes.room[i] + capacity, mixes.price[i] + price
    both_vehicles = np.concatenate((mixes.vehicles[:points], mixes.vehicles[:points] + bit))
    order = np.argsort(both_room)
    cheapest, kept = np.inf, 0
    # from the roomiest down: a breakpoint stays when it is cheaper than all that hold more; the empty one, even where all cost nothing
    for j in range(count - 1, -1, -1):
        i = order[j]
        if both_price[i] < cheapest - 1e-9 or i == 0:
            if both_room[i] > reach:
                kept = 0
            cheapest = both_price[i]
            mixes.room[kept], mixes.price[kept], mixes.vehicles[kept] = both_room[i], both_price[i], both_vehicles[i]
            kept += 1
            if kept >= len(mixes.room) // 2:
                break
    for values in (mixes.room, mixes.price):
        values[:kept] = values[:kept][::-1].copy()
    mixes.vehicles[:kept] = mixes.vehicles[:kept][::-1].copy()
    return kept


def count_vehicles(network: TrunkNetwork, step_costs: StepCosts, load: Floats) -> tuple[Ints, Ints, Ints]:
    """Vehicles that the step costs put under loads, as (arc, lane vehicle, departures) without zeros, sorted by arc."""
    on_lane = list_lane_vehicles(network)
    counts = np.zeros((network.arcs, _CODED + 1), dtype=np.int64)
    _count(step_costs, on_lane.first[network.arc_lane], load, counts)
    arc, slot = np.nonzero(counts)
    vehicle = np.where(slot < _CODED, on_lane.first[network.arc_lane[arc]] + slot, step_costs.base[arc])
    placed = arc.astype(np.int64), vehicle.astype(np.int64), counts[arc, slot]
    return _join_fixed(network, *placed) if network.vehicle_least.any() else placed


def _join_fixed(network: TrunkNetwork, arc: Ints, vehicle: Ints, count: Ints) -> tuple[Ints, Ints, Ints]:
    """Add the departures that planners fix to those chosen."""
    fixed_arc, fixed, least = list_fixed(network)
    width = len(network.vehicle_lane)
    keys, place = np.unique(np.concatenate([arc * width + vehicle, fixed_arc * width + fixed]), return_inverse=True)
    total = np.zeros(len(keys), dtype=np.int64)
    np.add.at(total, place, np.concatenate([count, least]))
    return keys // width, keys % width, total


@numba.njit(cache=True)
def _count(costs: StepCosts, first: Ints, load: Floats, counts: Ints) -> None:
    """Count the vehicles under loads, those of each arc by their place on its lane; ``counts`` is modified in place.

    Parameters
    ----------
    first : (R,)
        First lane vehicle of each arc.
    load : (R,) [parcels]
    counts : (R, 8)
        The last column holds the base where it is none of the first seven.
    """
    for arc in range(len(first)):
        rest = min(load[arc], costs.most[arc])
        begin, end = costs.pointers[arc], costs.pointers[arc + 1]
        if rest <= 0.0 or end == begin:
            continue
        top = costs.room[end - 1]
        if rest > top and costs.base_room[arc] > 0.0:
            added = np.ceil((rest - top) / costs.base_room[arc])
            counts[arc, min(costs.base[arc] - first[arc], _CODED)] += int(added)
            rest -= added * costs.base_room[arc]
        i = begin
        while i < end - 1 and costs.room[i] < rest:
            i += 1
        for slot in range(_CODED):
            counts[arc, slot] += (costs.vehicles[i] >> (8 * slot)) & 255


@numba.njit(cache=True, inline="always")
def price_load(costs: StepCosts, arc: int, load: float, penalty: float) -> float:
    """Price of the vehicles for a load on an arc, with the penalty for what limits leave no room for [CNY].

    Parameters
    ----------
    load : [parcels]; penalty : [CNY/parcel]
    """
    if load <= 0.0:
        return 0.0
    extra = 0.0
    if load > costs.most[arc]:
        extra = (load - costs.most[arc]) * penalty
        load = costs.most[arc]
        if load <= 0.0:
            return float(extra)
    start, end = costs.pointers[arc], costs.pointers[arc + 1]
    top = costs.room[end - 1]
    if load > top:
        if costs.base_room[arc] <= 0.0:
            return float(extra + costs.price[end - 1])
        count = np.ceil((load - top) / costs.base_room[arc])
        extra += count * costs.base_price[arc]
        load -= count * costs.base_room[arc]
    i = start
    while i < end - 1 and costs.room[i] < load:
        i += 1
    return float(extra + costs.price[i])
