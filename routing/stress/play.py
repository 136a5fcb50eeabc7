"""The play: hand in, sort, load, call, count; sort after sort, draw after draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from routing.stress.compiled import inner
from routing.stress.loading import (
    HOURS_A_DAY,
    call_spot,
    load_ahead,
    load_alternates,
    load_planned,
    ride_later,
    turn_to_road,
)
from routing.stress.records import (
    CLOSED,
    COSTS,
    HANDLING,
    IDLE,
    LATE,
    VEHICLES,
    WAITING,
    Money,
    Network,
    Played,
    Whole,
    Yard,
    open_record,
    open_yard,
)
from routing.stress.sorting import sort_hub
from routing.stress.yard import clear, empty, join, put, sweep

GATE_SHARE = 0.8  # of a buffer that a hub may be expected to fill before nothing is loaded for it (judgement)
# Of these files the functions here are compiled beside this one. What numba compiled before it takes while the text of this file is the same, whatever
# became of those it calls: this line changes with them, and a test says so.
COMPILED_OF = ("compiled", "loading", "records", "sorting", "yard", "3b797052e75c2ae7")
_CELLS = 1 << 14
_EPSILON = 1e-9  # shares that add up to one but for float noise lose no parcel


@dataclass(frozen=True)
class Outcomes:
    """What happened, draw by draw.

    Attributes
    ----------
    over
        [draws x hubs x steps] parcels beyond the room.
    held, handled
        [hubs x steps] means: parcels that wait at the end of the step, parcels sorted.
    costs
        [draws x parts] CNY, parts as in ``COSTS``.
    spot
        [draws] vehicles called.
    late
        [days] parcels of all draws by begun days after their promise, without one after the plan's own hour.
    demanded, done, left
        [draws] parcels: demanded = done + left.
    ran
        Parcels on planned vehicles, and what the vehicles that ran hold, over all draws.
    """

    over: Whole
    held: Money
    handled: Money
    costs: Money
    spot: Whole
    late: Whole
    demanded: Whole
    done: Whole
    left: Whole
    ran: Money


def play_draws(network: Network, demand: Whole) -> Outcomes:
    """Play a plan on draws of the demand.

    Parameters
    ----------
    network
        What :func:`routing.stress.network.lay_out` gives, under one policy.
    demand
        [draws x demands] parcels.

    Returns
    -------
    Outcomes
        Conservation in whole parcels holds in every draw.

    Raises
    ------
    AssertionError
        When a draw loses parcels.
    """
    draws = demand.shape[0]
    hubs, steps = network.hubs.capacity.shape
    over = np.zeros((draws, hubs, steps), dtype=np.int64)
    costs = np.zeros((draws, len(COSTS)))
    counts = np.zeros((draws, 3), dtype=np.int64)
    sums = np.zeros((2, hubs, steps))
    late = np.zeros_like(open_record(network).late)
    ran = np.zeros(2)
    record = open_record(network)
    cells, done = _CELLS, 0
    while done < draws:
        yard = open_yard(network, cells)
        try:
            for draw in range(done, draws):
                counts[draw] = play(network, yard, record, demand[draw])
                over[draw], costs[draw] = record.over, record.costs
                sums[0] += record.held
                sums[1] += record.handled
                late += record.late
                _add_fill(network, record, ran)
                done += 1
        except MemoryError:
            cells *= 2
    demanded = demand.sum(axis=1)
    lost = np.flatnonzero(demanded != counts[:, 0] + counts[:, 1])
    if lost.size:
        raise AssertionError(f"draw {lost[0]} loses parcels: {demanded[lost[0]]} in, {counts[lost[0]]} out and left")
    means = sums / max(draws, 1)
    return Outcomes(over, means[0], means[1], costs, counts[:, 2], late, demanded, counts[:, 0], counts[:, 1], ran)


def join_outcomes(parts: Sequence[Outcomes], order: Whole | None = None) -> Outcomes:
    """Put parts of the draws together, in the order given: ``order[i]`` is the place in the parts of draw i."""
    draws = [part.over.shape[0] for part in parts]

    def stack(name: str) -> Any:
        whole = np.concatenate([getattr(part, name) for part in parts])
        return whole if order is None else whole[order]

    def mean(name: str) -> Any:
        return sum(getattr(part, name) * count for part, count in zip(parts, draws, strict=True)) / max(sum(draws), 1)

    return Outcomes(
        over=stack("over"),
        held=mean("held"),
        handled=mean("handled"),
        costs=stack("costs"),
        spot=stack("spot"),
        late=np.sum([part.late for part in parts], axis=0),
        demanded=stack("demanded"),
        done=stack("done"),
        left=stack("left"),
        ran=np.sum([part.ran for part in parts], axis=0),
    )


@numba.njit(cache=True)
def play(network: Network, yard: Yard, record: Played, demand: Whole) -> tuple[int, int, int]:
    """Play one draw; return parcels done, parcels left, vehicles called. Modifies the yard and the record in place."""
    clear(record)
    clock = network.clock
    done = 0
    for visit in range(clock.hub.size):
        hub, step = clock.hub[visit], clock.step[visit]
        if clock.first[visit]:
            _open_step(network, yard, demand, hub, step)
        join(yard, hub, step)
        if yard.waiting[hub] > 0:
            done += _work(network, yard, record, visit)
        if clock.last[visit]:
            _close_step(network, yard, record, hub, step)
    _pay_vehicles(network, record)
    return done, empty(yard), int(record.spot.sum())


@inner
def _work(network: Network, yard: Yard, record: Played, visit: int) -> int:
    """Sort, let leave what ends here, load, and call vehicles at one hub; return how many parcels are done."""
    clock = network.clock
    hub, step = clock.hub[visit], clock.step[visit]
    before, turned, done = yard.waiting[hub], False, 0
    handled = sort_hub(network, yard, hub, step, clock.last[visit])
    record.handled[hub, step] += handled
    record.costs[HANDLING] += handled * network.hubs.handling[hub, step]
    if handled > 0 or yard.stuck[hub] > 0:
        done = _finish(network, yard, record, hub, step)
    load_planned(network, yard, record, hub, step)
    if clock.last[visit]:
        load_ahead(network, yard, record, hub, step)
    if network.rules.alternates:
        load_alternates(network, yard, record, hub, step)
        turned = turn_to_road(network, yard, hub, step)
    if clock.last[visit]:
        if clock.day[hub, step] > clock.last_demand:
            ride_later(network, yard, record, hub, step)
        call_spot(network, yard, record, hub, step)
    if yard.waiting[hub] < before or turned:
        sweep(yard, hub)
    return int(done)


@inner
def _open_step(network: Network, yard: Yard, demand: Whole, hub: int, step: int) -> None:
    """Hand in, and set what capacity and room the step has."""
    hand_ins, lanes = network.hand_ins, network.lanes
    for row in range(hand_ins.start[hub, step], hand_ins.end[hub, step]):
        parcels = demand[hand_ins.demand[row]]
        low, high, total = hand_ins.low[row], hand_ins.high[row], hand_ins.total[row]
        # most demands take one path: nothing to divide
        first = max(parcels * low // total if low > 0 else 0, int(parcels * hand_ins.since[row] + _EPSILON))
        last = min(parcels * high // total if high < total else parcels, int(parcels * hand_ins.until[row] + _EPSILON))
        if last > first:
            put(network, yard, hub, step, hand_ins.path[row], hand_ins.term[row], last - first)
    if step == 0 or network.clock.day[hub, step] != network.clock.day[hub, step - 1]:
        yard.called[hub] = 0
    yard.capacity_left[hub] = network.hubs.capacity[hub, step]
    for at in range(lanes.by_hub[hub], lanes.by_hub[hub + 1]):
        lane = lanes.of_hub[at]
        yard.room[lane] = lanes.room[lane, step] if lanes.arrival[lane, step] != CLOSED else 0
        if network.rules.gate and _is_held_back(network, yard, lane, step):
            yard.room[lane] = 0


@inner
def _is_held_back(network: Network, yard: Yard, lane: int, step: int) -> bool:
    """Say whether a lane's destination is about to overflow while its origin still has room."""
    hub, end = network.lanes.origin[lane], network.lanes.destination[lane]
    if yard.room[lane] == 0 or yard.waiting[hub] >= network.hubs.buffer[hub, step]:
        return False
    return bool(_expect(network, yard, lane, step) > GATE_SHARE * network.hubs.buffer[end, step])


@inner
def _expect(network: Network, yard: Yard, lane: int, step: int) -> int:
    """Return the parcels expected to wait at a lane's destination when a departure of now has been sorted there."""
    hub, close = network.lanes.destination[lane], network.clock.close
    now = close[network.lanes.origin[lane], step]
    waiting = yard.waiting[hub]
    for at in range(yard.closed[hub] + 1, network.lanes.arrival[lane, step] + 1):
        waiting += yard.coming[hub, at]
        if close[hub, at] > now:
            waiting += network.hand_ins.expected[hub, at]
        waiting = max(waiting - network.hubs.capacity[hub, at], 0)
    return int(waiting)


@inner
def _finish(network: Network, yard: Yard, record: Played, hub: int, step: int) -> int:
    """Let sorted parcels that end here leave the network, and those of an earlier plan ride on; return how many are done.

    What sorting parcels of an earlier plan cost is not this plan's.
    """
    paths, clock = network.paths, network.clock
    done = 0
    yard.stuck[hub] = 0
    cell = yard.head[hub]
    while cell != CLOSED:
        path, parcels = yard.path[cell], yard.ready[cell]
        if paths.lane[path] == CLOSED and parcels > 0:
            if paths.after[path] != CLOSED:
                record.costs[HANDLING] -= _ride_on(network, yard, cell, step) * network.hubs.handling[hub, step]
                yard.stuck[hub] += yard.ready[cell]
            else:
                hour = network.terms.hour[hub, network.terms.free[path, yard.term[cell]]]
                if hour == np.inf:
                    record.costs[HANDLING] -= parcels * network.hubs.handling[hub, step]
                else:
                    late = max(clock.delivered[hub, step] - hour, 0.0) / HOURS_A_DAY
                    record.late[min(int(np.ceil(late - _EPSILON)), record.late.size - 1)] += parcels
                    record.costs[LATE] += parcels * late * network.rules.late_cost
                yard.ready[cell] = 0
                yard.waiting[hub] -= parcels
                done += parcels
        cell = yard.following[cell]
    return done


@inner
def _ride_on(network: Network, yard: Yard, cell: int, step: int) -> int:
    """Send parcels handed in before the plan on with vehicles of an earlier one, while their lane runs; return how many."""
    parcels = 0
    path = yard.path[cell]
    lane = network.paths.earlier[path]
    arrival = network.lanes.arrival[lane, step]
    if arrival != CLOSED:
        parcels = yard.ready[cell]
        yard.ready[cell] = 0
        yard.waiting[network.paths.hub[path]] -= parcels
        end, term = network.lanes.destination[lane], network.terms.after[path, yard.term[cell]]
        put(network, yard, end, arrival, network.paths.after[path], term, parcels)
    return parcels


@inner
def _close_step(network: Network, yard: Yard, record: Played, hub: int, step: int) -> None:
    """Count what waits and what is over the room; of days before the plan nothing is counted."""
    unsorted = yard.coming[hub, step] + yard.unsorted_at[hub]
    ready = yard.waiting[hub] - yard.unsorted_at[hub]
    yard.closed[hub] = step
    if network.clock.day[hub, step] < network.clock.first_demand:
        return
    record.held[hub, step] = unsorted + ready
    record.costs[WAITING] += (unsorted + ready) * network.hubs.waiting[hub, step]
    buffer, staging = network.hubs.buffer[hub, step], network.hubs.staging[hub]
    if staging < 0:
        record.over[hub, step] = max(unsorted + ready - buffer, 0)
    else:
        record.over[hub, step] = max(unsorted - buffer, 0) + max(ready - staging, 0)


@inner
def _pay_vehicles(network: Network, record: Played) -> None:
    """Let as few planned vehicles run as the load needs, in their order, and cancel the others."""
    vehicles = network.vehicles
    lanes, steps = record.load.shape
    for lane in range(lanes):
        for step in range(steps):
            load = record.load[lane, step]
            for row in range(vehicles.start[lane, step], vehicles.end[lane, step]):
                aboard = _tell_aboard(network, record, row, load, network.lanes.spread[lane, step])
                run = (aboard + vehicles.capacity[row] - 1) // vehicles.capacity[row]
                load -= aboard
                record.costs[VEHICLES] += run * vehicles.cost[row]
                record.costs[IDLE] += (vehicles.number[row] - run) * vehicles.idle_cost[row]


@numba.njit(cache=True)
def _add_fill(network: Network, record: Played, ran: Money) -> None:
    """Add the parcels on planned vehicles and the room of those that ran. Modifies ``ran`` in place."""
    vehicles = network.vehicles
    lanes, steps = record.load.shape
    for lane in range(lanes):
        for step in range(steps):
            load = record.load[lane, step]
            if load == 0:
                continue
            ran[0] += load
            for row in range(vehicles.start[lane, step], vehicles.end[lane, step]):
                size = vehicles.capacity[row]
                aboard = _tell_aboard(network, record, row, load, network.lanes.spread[lane, step])
                ran[1] += (aboard + size - 1) // size * size
                load -= aboard


@inner
def _tell_aboard(network: Network, record: Played, row: int, load: int, spread: bool) -> int:
    """Return the parcels on the vehicles of a row, ``load`` being those of its lane and step not on rows before it."""
    vehicles = network.vehicles
    if vehicles.arrival[row] == CLOSED:
        return 0
    return int(record.aboard[row] if spread else min(load, vehicles.number[row] * vehicles.capacity[row]))
