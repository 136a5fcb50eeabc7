"""What vehicles for a load cost: a step function for every run, compiled.

The cheapest vehicles that hold a load make a staircase: corners (room, price) of mixes of vehicles none of which is
beaten by a roomier and cheaper one. Beyond the last corner whole vehicles of the cheapest unlimited type are added; beyond
what limits allow every parcel costs a penalty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from routing.trunk.task.network import Floats, Ints, TrunkNetwork

_MOST_CORNERS = 48
_FEW = 12  # departures up to which a limited type is enumerated


@dataclass(frozen=True, slots=True)
class Staircase:
    """Step costs of all runs.

    Attributes
    ----------
    pointers : (R + 1,) into ``room`` and ``price``, corners in rising order
    base_room, base_price : (R,)
        Vehicle that is added beyond the last corner; 0 where there is none.
    most : (R,) [parcels]
        Room that limits allow.
    mix : as ``room``
        Vehicles of a corner: eight bits for each of the first seven options of the lane.
    base : (R,)
        Option that is added beyond the last corner, -1 where there is none.
    """

    pointers: Ints
    room: Floats
    price: Floats
    base_room: Floats
    base_price: Floats
    most: Floats
    mix: Ints
    base: Ints


def build_staircase(network: TrunkNetwork, option_price: Floats) -> Staircase:
    """Build the staircases under given prices of departures (O, D)."""
    first = np.searchsorted(network.option_lane, np.arange(len(network.lane_ids) + 1)).astype(np.int64)
    count = network.runs
    room, price = np.zeros(count * _MOST_CORNERS), np.zeros(count * _MOST_CORNERS)
    mix = np.zeros(count * _MOST_CORNERS, dtype=np.int64)
    base = np.full(count, -1, dtype=np.int64)
    pointers = np.zeros(count + 1, dtype=np.int64)
    base_room, base_price, most = np.zeros(count), np.zeros(count), np.zeros(count)
    _fill(
        first, network.run_lane, network.run_day, network.option_capacity, np.maximum(option_price, 0.0),
        network.option_limit, network.lane_limit, pointers, room, price, base_room, base_price, most, mix, base,
    )  # fmt: skip
    last = pointers[-1]
    return Staircase(
        pointers, room[:last].copy(), price[:last].copy(), base_room, base_price, most, mix[:last].copy(), base
    )


@numba.njit(cache=True)
def _fill(  # type: ignore[no-untyped-def]
    first, run_lane, run_day, capacity, price, limit, lane_limit, pointers, out_room, out_price, base_room, base_price, most,
    out_mix, base_option,
) -> None:  # fmt: skip
    size = 8 * _MOST_CORNERS
    room, cost, mix = np.zeros(size), np.zeros(size), np.zeros(size, dtype=np.int64)
    for run in range(len(run_lane)):
        lane, day = run_lane[run], run_day[run]
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
            base_room[run], base_price[run] = capacity[base], price[base, day]
        base_option[run] = base
        most[run] = min(total, largest * lane_limit[lane, day]) if lane_limit[lane, day] < np.inf else total
        points = 1
        room[0], cost[0], mix[0] = 0.0, 0.0, 0
        for o in range(first[lane], min(first[lane + 1], first[lane] + 7)):
            if price[o, day] == np.inf:
                continue
            copies = min(limit[o, day], lane_limit[lane, day], np.ceil(reach / capacity[o]), 24.0)
            for _ in range(int(copies)):
                points = _add_copy(
                    room, cost, mix, points, capacity[o], price[o, day], 1 << (8 * (o - first[lane])), reach
                )
        start = pointers[run]
        kept = 0
        for i in range(1, points):
            if kept < _MOST_CORNERS:
                out_room[start + kept], out_price[start + kept], out_mix[start + kept] = room[i], cost[i], mix[i]
                kept += 1
        pointers[run + 1] = start + kept


@numba.njit(cache=True)
def _add_copy(room, cost, mix, points, capacity, price, bit, reach) -> int:  # type: ignore[no-untyped-def]
    """Merge the corners with themselves plus one more vehicle; return the number of corners left."""
    count = 2 * points
    both_room, both_cost = np.empty(count), np.empty(count)
    for i in range(points):
        both_room[i], both_cost[i] = room[i], cost[i]
        both_room[points + i], both_cost[points + i] = room[i] + capacity, cost[i] + price
    both_mix = np.concatenate((mix[:points], mix[:points] + bit))
    order = np.argsort(both_room)
    cheapest, kept = np.inf, 0
    # from the roomiest down: a corner stays when it is cheaper than all that hold more
    for j in range(count - 1, -1, -1):
        i = order[j]
        if both_cost[i] < cheapest - 1e-9:
            if both_room[i] > reach:
                kept = 0
            cheapest = both_cost[i]
            room[kept], cost[kept], mix[kept] = both_room[i], both_cost[i], both_mix[i]
            kept += 1
            if kept >= len(room) // 2:
                break
    for i in range(kept // 2):
        room[i], room[kept - 1 - i] = room[kept - 1 - i], room[i]
        cost[i], cost[kept - 1 - i] = cost[kept - 1 - i], cost[i]
        mix[i], mix[kept - 1 - i] = mix[kept - 1 - i], mix[i]
    return kept


def count_vehicles(network: TrunkNetwork, stairs: Staircase, load: Floats) -> tuple[Ints, Ints, Ints]:
    """Vehicles that the staircases put under loads, as (run, option, departures) without zeros, sorted by run."""
    first = np.searchsorted(network.option_lane, np.arange(len(network.lane_ids) + 1)).astype(np.int64)
    width = 8
    counts = np.zeros((network.runs, width), dtype=np.int64)
    _count(
        first,
        network.run_lane,
        load,
        stairs.pointers,
        stairs.room,
        stairs.base_room,
        stairs.most,
        stairs.mix,
        stairs.base,
        counts,
    )
    run, slot = np.nonzero(counts)
    option = np.where(slot < 7, first[network.run_lane[run]] + slot, stairs.base[run])
    return run.astype(np.int64), option.astype(np.int64), counts[run, slot]


@numba.njit(cache=True)
def _count(first, run_lane, load, pointers, room, base_room, most, mix, base, counts) -> None:  # type: ignore[no-untyped-def]
    for run in range(len(run_lane)):
        rest = min(load[run], most[run])
        if rest <= 0.0 or pointers[run + 1] == pointers[run]:
            continue
        top = room[pointers[run + 1] - 1]
        if rest > top and base_room[run] > 0.0:
            added = np.ceil((rest - top) / base_room[run])
            slot = base[run] - first[run_lane[run]]
            counts[run, min(slot, 7)] += int(added)
            rest -= added * base_room[run]
        i = pointers[run]
        while i < pointers[run + 1] - 1 and room[i] < rest:
            i += 1
        code = mix[i]
        for slot in range(7):
            counts[run, slot] += (code >> (8 * slot)) & 255


@numba.njit(cache=True, inline="always")
def climb(load, run, pointers, room, price, base_room, base_price, most, penalty):  # type: ignore[no-untyped-def]
    """Price of the vehicles for a load on a run, with the penalty for what limits leave no room for."""
    if load <= 0.0:
        return 0.0
    extra = 0.0
    if load > most[run]:
        extra = (load - most[run]) * penalty
        load = most[run]
        if load <= 0.0:
            return extra
    start, end = pointers[run], pointers[run + 1]
    top = room[end - 1]
    if load > top:
        if base_room[run] <= 0.0:
            return extra + price[end - 1]
        count = np.ceil((load - top) / base_room[run])
        extra += count * base_price[run]
        load -= count * base_room[run]
    i = start
    while i < end - 1 and room[i] < load:
        i += 1
    return extra + price[i]
