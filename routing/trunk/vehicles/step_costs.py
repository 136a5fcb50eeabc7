"""What vehicles for a load cost: a step function for every arc, compiled.

The cheapest vehicles that hold a load make step costs: breakpoints (room, price) of mixes of vehicles none of which is
beaten by a roomier and cheaper one. Beyond the last breakpoint whole vehicles of the cheapest unlimited type are added; beyond
what limits allow every parcel costs a penalty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from routing.trunk.task.network import Floats, Ints, TrunkNetwork

_MOST_BREAKPOINTS = 48
_FEW = 12  # departures up to which a limited type is enumerated


@dataclass(frozen=True, slots=True)
class StepCosts:
    """Step costs of all arcs.

    Attributes
    ----------
    pointers : (R + 1,) into ``room`` and ``price``, breakpoints in rising order
    base_room, base_price : (R,)
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


def build_step_costs(network: TrunkNetwork, departure_price: Floats) -> StepCosts:
    """Build the step costs under given prices of departures (O, D)."""
    first = np.searchsorted(network.vehicle_lane, np.arange(len(network.lane_ids) + 1)).astype(np.int64)
    count = network.arcs
    room, price = np.zeros(count * _MOST_BREAKPOINTS), np.zeros(count * _MOST_BREAKPOINTS)
    vehicles = np.zeros(count * _MOST_BREAKPOINTS, dtype=np.int64)
    base = np.full(count, -1, dtype=np.int64)
    pointers = np.zeros(count + 1, dtype=np.int64)
    base_room, base_price, most = np.zeros(count), np.zeros(count), np.zeros(count)
    _fill(
        first, network.arc_lane, network.arc_day, network.vehicle_capacity, np.maximum(departure_price, 0.0),
        network.vehicle_limit, network.lane_limit, pointers, room, price, base_room, base_price, most, vehicles, base,
    )  # fmt: skip
    last = pointers[-1]
    return StepCosts(
        pointers, room[:last].copy(), price[:last].copy(), base_room, base_price, most, vehicles[:last].copy(), base
    )


@numba.njit(cache=True)
def _fill(  # type: ignore[no-untyped-def]
    first, arc_lane, arc_day, capacity, price, limit, lane_limit, pointers, out_room, out_price, base_room, base_price, most,
    out_vehicles, base_vehicle,
) -> None:  # fmt: skip
    size = 8 * _MOST_BREAKPOINTS
    room, cost, vehicles = np.zeros(size), np.zeros(size), np.zeros(size, dtype=np.int64)
    for arc in range(len(arc_lane)):
        lane, day = arc_lane[arc], arc_day[arc]
        base, best, total, reach, largest = -1, np.inf, 0.0, 0.0, 0.0
        for o in range(first[lane], first[lane + 1]):
            bound = min(limit[o, day], lane_limit[lane, day])
            if price[o, day] == np.inf or bound < 1:
                continue
            total += capacity[o] * bound
            largest = max(largest, capacity[o])
            if bound <= _FEW:
                reach += capacity[o] * bound
            elif price[o, day] / capacity[o] < best:
                best = price[o, day] / capacity[o]
                base = o
        if base >= 0:
            reach += 2 * capacity[base]
            base_room[arc], base_price[arc] = capacity[base], price[base, day]
        base_vehicle[arc] = base
        most[arc] = min(total, largest * lane_limit[lane, day]) if lane_limit[lane, day] < np.inf else total
        points = 1
        room[0], cost[0], vehicles[0] = 0.0, 0.0, 0
        for o in range(first[lane], min(first[lane + 1], first[lane] + 7)):
            if price[o, day] == np.inf:
                continue
            copies = min(limit[o, day], lane_limit[lane, day], np.ceil(reach / capacity[o]), 24.0)
            for _ in range(int(copies)):
                points = _add_copy(
                    room, cost, vehicles, points, capacity[o], price[o, day], 1 << (8 * (o - first[lane])), reach
                )
        start = pointers[arc]
        kept = 0
        for i in range(1, points):
            if kept < _MOST_BREAKPOINTS:
                out_room[start + kept], out_price[start + kept], out_vehicles[start + kept] = (
                    room[i],
                    cost[i],
                    vehicles[i],
                )
                kept += 1
        pointers[arc + 1] = start + kept


@numba.njit(cache=True)
def _add_copy(room, cost, vehicles, points, capacity, price, bit, reach) -> int:  # type: ignore[no-untyped-def]
    """Merge the breakpoints with themselves plus one more vehicle; return the number of breakpoints left."""
    count = 2 * points
    both_room, both_cost = np.empty(count), np.empty(count)
    for i in range(points):
        both_room[i], both_cost[i] = room[i], cost[i]
        both_room[points + i], both_cost[points + i] = room[i] + capacity, cost[i] + price
    both_vehicles = np.concatenate((vehicles[:points], vehicles[:points] + bit))
    order = np.argsort(both_room)
    cheapest, kept = np.inf, 0
    # from the roomiest down: a breakpoint stays when it is cheaper than all that hold more
    for j in range(count - 1, -1, -1):
        i = order[j]
        if both_cost[i] < cheapest - 1e-9:
            if both_room[i] > reach:
                kept = 0
            cheapest = both_cost[i]
            room[kept], cost[kept], vehicles[kept] = both_room[i], both_cost[i], both_vehicles[i]
            kept += 1
            if kept >= len(room) // 2:
                break
    for i in range(kept // 2):
        room[i], room[kept - 1 - i] = room[kept - 1 - i], room[i]
        cost[i], cost[kept - 1 - i] = cost[kept - 1 - i], cost[i]
        vehicles[i], vehicles[kept - 1 - i] = vehicles[kept - 1 - i], vehicles[i]
    return kept


def count_vehicles(network: TrunkNetwork, step_costs: StepCosts, load: Floats) -> tuple[Ints, Ints, Ints]:
    """Vehicles that the step costs put under loads, as (arc, lane vehicle, departures) without zeros, sorted by arc."""
    first = np.searchsorted(network.vehicle_lane, np.arange(len(network.lane_ids) + 1)).astype(np.int64)
    width = 8
    counts = np.zeros((network.arcs, width), dtype=np.int64)
    _count(
        first,
        network.arc_lane,
        load,
        step_costs.pointers,
        step_costs.room,
        step_costs.base_room,
        step_costs.most,
        step_costs.vehicles,
        step_costs.base,
        counts,
    )
    arc, slot = np.nonzero(counts)
    vehicle = np.where(slot < 7, first[network.arc_lane[arc]] + slot, step_costs.base[arc])
    return arc.astype(np.int64), vehicle.astype(np.int64), counts[arc, slot]


@numba.njit(cache=True)
def _count(first, arc_lane, load, pointers, room, base_room, most, vehicles, base, counts) -> None:  # type: ignore[no-untyped-def]
    for arc in range(len(arc_lane)):
        rest = min(load[arc], most[arc])
        if rest <= 0.0 or pointers[arc + 1] == pointers[arc]:
            continue
        top = room[pointers[arc + 1] - 1]
        if rest > top and base_room[arc] > 0.0:
            added = np.ceil((rest - top) / base_room[arc])
            slot = base[arc] - first[arc_lane[arc]]
            counts[arc, min(slot, 7)] += int(added)
            rest -= added * base_room[arc]
        i = pointers[arc]
        while i < pointers[arc + 1] - 1 and room[i] < rest:
            i += 1
        code = vehicles[i]
        for slot in range(7):
            counts[arc, slot] += (code >> (8 * slot)) & 255


@numba.njit(cache=True, inline="always")
def price_load(load, arc, pointers, room, price, base_room, base_price, most, penalty):  # type: ignore[no-untyped-def]
    """Price of the vehicles for a load on an arc, with the penalty for what limits leave no room for."""
    if load <= 0.0:
        return 0.0
    extra = 0.0
    if load > most[arc]:
        extra = (load - most[arc]) * penalty
        load = most[arc]
        if load <= 0.0:
            return extra
    start, end = pointers[arc], pointers[arc + 1]
    top = room[end - 1]
    if load > top:
        if base_room[arc] <= 0.0:
            return extra + price[end - 1]
        count = np.ceil((load - top) / base_room[arc])
        extra += count * base_price[arc]
        load -= count * base_room[arc]
    i = start
    while i < end - 1 and room[i] < load:
        i += 1
    return extra + price[i]
