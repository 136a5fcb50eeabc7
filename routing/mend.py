"""Vehicles for given loads without a search: priced mixes, brought within fleets, own vehicles sent back.

The staircases give each run its cheapest mix at the prices of the fleets. Where a fleet is exceeded, the vehicle whose
replacement costs least gives way, until none is; where a fleet has vehicles left, they replace the dearest. Own vehicles are
then balanced by a small mixed-integer model: empty returns, or hired vehicles in place of own ones.
"""

from __future__ import annotations

import numba
import numpy as np
from scipy import sparse

from routing.fleet import Vehicles, limit_rows, list_pairs, tally
from routing.network import Floats, Ints, TrunkNetwork
from routing.solvers import solve_linear
from routing.steps import Staircase, count_vehicles

_SWEEPS = 6


def mend_vehicles(network: TrunkNetwork, stairs: Staircase, load: Floats, *, seconds: float) -> Vehicles:
    """Choose vehicles for loads at the prices of the staircases and bring them within all limits.

    Parameters
    ----------
    load : (R,) [parcels]
    seconds
        Time limit of the model that balances own vehicles.

    Returns
    -------
    Vehicles
        Within every limit; ``short`` tells the load that finds no vehicle.
    """
    run, option = list_pairs(network, np.flatnonzero(load > 0))
    count = np.zeros(len(run), dtype=np.int64)
    placed_run, placed_option, placed = count_vehicles(network, stairs, load)
    width = len(network.option_lane) + 1
    count[np.searchsorted(run * width + option, placed_run * width + placed_option)] = placed
    kind, day = network.option_type[option], network.run_day[run]
    busy = network.busy_days()[run] if len(run) else run
    pointers = np.searchsorted(run, np.arange(network.runs + 1)).astype(np.int64)
    limit = network.option_limit[option, day] if len(run) else np.zeros(0)
    lane_limit = network.lane_limit[network.run_lane, network.run_day]
    free = np.repeat(network.type_fleet[:, None], network.days, axis=1)
    _spread(
        pointers, kind, day, busy, network.option_capacity[option], network.option_cost[option], limit, lane_limit, load,
        count, free, np.argsort(-load, kind="stable").astype(np.int64), _SWEEPS,
    )  # fmt: skip
    if network.type_own[kind].any():
        count = _send_back(network, run, option, count, load, seconds)
    return tally(network, run, option, count, load)


@numba.njit(cache=True)
def _spread(  # type: ignore[no-untyped-def]  # noqa: C901
    pointers, kind, day, busy, capacity, cost, limit, lane_limit, load, count, free, order, sweeps
) -> None:
    days = free.shape[1]
    for p in range(len(kind)):
        for t in range(day[p], min(days, day[p] + busy[p])):
            free[kind[p], t] -= count[p]
    # first take vehicles back where a fleet is exceeded, the cheapest replacement first
    for v in range(free.shape[0]):
        for t in range(days):
            while free[v, t] < 0:
                best, best_pair, best_swap = np.inf, -1, -1
                for r in range(len(pointers) - 1):
                    for p in range(pointers[r], pointers[r + 1]):
                        if kind[p] != v or count[p] == 0 or not (day[p] <= t < day[p] + busy[p]):
                            continue
                        room, total = 0.0, 0
                        for q in range(pointers[r], pointers[r + 1]):
                            room += count[q] * capacity[q]
                            total += count[q]
                        need = load[r] - (room - capacity[p])
                        if need <= 0 and -cost[p] < best:
                            best, best_pair, best_swap = -cost[p], p, -1
                        for q in range(pointers[r], pointers[r + 1]):
                            if kind[q] == v or count[q] >= limit[q]:
                                continue
                            copies = max(1, int(np.ceil(need / capacity[q])))
                            if count[q] + copies > limit[q] or total - 1 + copies > lane_limit[r]:
                                continue
                            fits = True
                            for u in range(day[q], min(days, day[q] + busy[q])):
                                if free[kind[q], u] < copies:
                                    fits = False
                            if fits and copies * cost[q] - cost[p] < best:
                                best, best_pair, best_swap = copies * cost[q] - cost[p], p, q
                if best_pair < 0:
                    break
                p = best_pair
                r = 0
                low, high = 0, len(pointers) - 1
                while low < high:
                    middle = (low + high) // 2
                    if pointers[middle + 1] <= p:
                        low = middle + 1
                    else:
                        high = middle
                r = low
                room = 0.0
                for q in range(pointers[r], pointers[r + 1]):
                    room += count[q] * capacity[q]
                count[p] -= 1
                for u in range(day[p], min(days, day[p] + busy[p])):
                    free[v, u] += 1
                if best_swap >= 0:
                    copies = max(1, int(np.ceil((load[r] - (room - capacity[p])) / capacity[best_swap])))
                    count[best_swap] += copies
                    for u in range(day[best_swap], min(days, day[best_swap] + busy[best_swap])):
                        free[kind[best_swap], u] -= copies
            # no replacement anywhere: the load of one vehicle stays behind
            for r in range(len(pointers) - 1):
                if free[v, t] >= 0:
                    break
                for p in range(pointers[r], pointers[r + 1]):
                    while kind[p] == v and count[p] > 0 and free[v, t] < 0 and day[p] <= t < day[p] + busy[p]:
                        count[p] -= 1
                        for u in range(day[p], min(days, day[p] + busy[p])):
                            free[v, u] += 1
    # then exchange one for another, or fill a gap, where that pays
    for _ in range(sweeps):
        changed = False
        for r in order:
            if load[r] <= 0:
                continue
            room, total = 0.0, 0
            for q in range(pointers[r], pointers[r + 1]):
                room += count[q] * capacity[q]
                total += count[q]
            while room < load[r]:
                best, pair = np.inf, -1
                for q in range(pointers[r], pointers[r + 1]):
                    fits = count[q] < limit[q] and total < lane_limit[r]
                    for u in range(day[q], min(days, day[q] + busy[q])):
                        fits = fits and free[kind[q], u] >= 1
                    value = cost[q] / min(capacity[q], load[r] - room)
                    if fits and value < best:
                        best, pair = value, q
                if pair < 0:
                    break
                count[pair] += 1
                total += 1
                room += capacity[pair]
                for u in range(day[pair], min(days, day[pair] + busy[pair])):
                    free[kind[pair], u] -= 1
                changed = True
            for p in range(pointers[r], pointers[r + 1]):
                while count[p] > 0 and room - capacity[p] >= load[r]:
                    count[p] -= 1
                    room -= capacity[p]
                    for u in range(day[p], min(days, day[p] + busy[p])):
                        free[kind[p], u] += 1
                    changed = True
                for q in range(pointers[r], pointers[r + 1]):
                    if q == p or cost[q] >= cost[p] - 1e-9:
                        continue
                    while (
                        count[p] > 0 and count[q] < limit[q] and room - capacity[p] + capacity[q] >= min(load[r], room)
                    ):
                        fits = True
                        for u in range(day[q], min(days, day[q] + busy[q])):
                            fits = fits and free[kind[q], u] >= 1
                        if not fits:
                            break
                        count[p] -= 1
                        count[q] += 1
                        room += capacity[q] - capacity[p]
                        for u in range(day[p], min(days, day[p] + busy[p])):
                            free[kind[p], u] += 1
                        for u in range(day[q], min(days, day[q] + busy[q])):
                            free[kind[q], u] -= 1
                        changed = True
        if not changed:
            break


def _send_back(network: TrunkNetwork, run: Ints, option: Ints, count: Ints, load: Floats, seconds: float) -> Ints:
    """Balance own vehicles: returns are added, own vehicles dropped, and hired ones take what they carried."""
    own = network.type_own[network.option_type[option]]
    rows = limit_rows(network, run, option)
    limit = np.minimum(
        network.option_limit[option, network.run_day[run]], network.type_fleet[network.option_type[option]]
    )
    used = np.zeros(network.runs, dtype=np.bool_)
    used[run[own & (count > 0)]] = True
    # departures of hired vehicles may grow where own ones may go
    top = np.where(own, np.minimum(limit, count + 4), np.where(used[run], np.minimum(limit, count + 2), count))
    low = np.where(own, np.maximum(count - 4, 0), np.where(used[run], np.maximum(count - 1, 0), count)).astype(
        np.float64
    )
    carried = np.flatnonzero(used)
    place = np.full(network.runs, -1, dtype=np.int64)
    place[carried] = np.arange(len(carried))
    on = np.flatnonzero(place[run] >= 0)
    capacity = network.option_capacity[option]
    hold = sparse.csr_matrix((capacity[on], (place[run[on]], on)), shape=(len(carried), len(run)))
    room = np.bincount(run, count * capacity, network.runs)
    blank = sparse.csr_matrix((rows.matrix.shape[0], len(carried)))
    matrix = sparse.vstack(
        [sparse.hstack([hold, sparse.identity(len(carried))]), sparse.hstack([rows.matrix, blank])], format="csr"
    )
    answer = solve_linear(
        np.concatenate([network.option_cost[option], np.full(len(carried), network.short_cost)]),
        matrix,
        np.concatenate([np.minimum(load, room)[carried], rows.low]),
        np.concatenate([np.full(len(carried), np.inf), rows.high]),
        np.concatenate([low, np.zeros(len(carried))]),
        np.concatenate([top.astype(np.float64), np.full(len(carried), np.inf)]),
        integer=np.concatenate([np.ones(len(run), dtype=np.bool_), np.zeros(len(carried), dtype=np.bool_)]),
        seconds=max(seconds, 1.0),
        gap=2e-4,
    )
    if answer.values is not None:
        return np.rint(answer.values[: len(run)]).astype(np.int64)
    # no balance found in time: no own vehicle runs
    return np.where(own, 0, count)
