"""Cheapest ways through the hub-days of a plan, for all groups (destinations and due days) at once, compiled.

The label of node n for group g is the price of a parcel that stands unsorted at n until it is sorted at the hub of g:

    label[n, g] = min( sort[n] + late[g, day of n]               when n is a day of the hub of g,
                       sort[n] + min over runs r of n ( run[r] + label[head(r), g] ),
                       hold[n] + label[next day of n, g] )

Days are worked off from the last to the first; runs that arrive on the day they leave are swept until nothing changes.
"""

from __future__ import annotations

import numba
import numpy as np

from routing.trunk.task.commodities import Groups
from routing.trunk.task.network import Floats, Ints, TrunkNetwork

HOLD = -1
FINISH = -2
NO_WAY = -3


def out_pointers(network: TrunkNetwork) -> Ints:
    """First run of every node and one past the last, (N + 1,): runs are sorted by tail."""
    return np.searchsorted(network.run_tail, np.arange(network.nodes + 1)).astype(np.int64)


@numba.njit(cache=True)
def pick_options(option_lane, per_parcel, best, holder) -> None:  # type: ignore[no-untyped-def]
    """Find the cheapest option of each lane and day: its price into ``best`` (L, D), its number into ``holder``."""
    for option in range(len(option_lane)):
        lane = option_lane[option]
        for day in range(per_parcel.shape[1]):
            if per_parcel[option, day] < best[lane, day]:
                best[lane, day] = per_parcel[option, day]
                holder[lane, day] = option


@numba.njit(cache=True)
def fill_labels(  # type: ignore[no-untyped-def]  # noqa: C901
    blocks, after, node_hub, node_turn, first_run, run_head, run_price, sort_price, hold_price, destinations, late_price,
    label, choice,
) -> None:  # fmt: skip
    """Fill ``label`` (N, G) and ``choice`` (N, G): a run, HOLD, FINISH or NO_WAY; ``destinations`` rise."""
    groups = len(destinations)
    for block in range(len(blocks) - 2, -1, -1):
        last = blocks[block + 1]
        for node in range(blocks[block], last):
            hold = hold_price[node]
            for g in range(groups):
                label[node, g] = np.inf
                choice[node, g] = NO_WAY
            if after[node] >= 0 and hold < np.inf:
                for g in range(groups):
                    price = hold + label[after[node], g]
                    if price < np.inf:
                        label[node, g] = price
                        choice[node, g] = HOLD
            for g in range(np.searchsorted(destinations, node_hub[node]), groups):
                if destinations[g] != node_hub[node]:
                    break
                price = sort_price[node] + late_price[g, node_turn[node]]
                if price < label[node, g]:
                    label[node, g] = price
                    choice[node, g] = FINISH
        sweep = True
        first = True
        while sweep:
            sweep = False
            for node in range(blocks[block], last):
                if sort_price[node] == np.inf:
                    continue
                for r in range(first_run[node], first_run[node + 1]):
                    head = run_head[r]
                    together = head < last
                    if not first and not together:
                        continue
                    base = sort_price[node] + run_price[r]
                    changed = False
                    for g in range(groups):
                        price = base + label[head, g]
                        if price < label[node, g] - 1e-9:
                            label[node, g] = price
                            choice[node, g] = r
                            changed = True
                    if changed and together:
                        sweep = True
            first = False


@numba.njit(cache=True)
def load_ways(  # type: ignore[no-untyped-def]
    after, run_head, choice, label, limit, start, group, parcels, run_load, sort_load, hold_load
) -> float:
    """Send every demand along its cheapest way; return the price of all, those dearer than ``limit`` left short."""
    run_load[:] = 0.0
    sort_load[:] = 0.0
    hold_load[:] = 0.0
    total = 0.0
    for k in range(len(start)):
        node, g, load = start[k], group[k], parcels[k]
        if label[node, g] >= limit:
            total += load * limit
            continue
        total += load * label[node, g]
        while True:
            step = choice[node, g]
            if step == HOLD:
                hold_load[node] += load
                node = after[node]
                continue
            sort_load[node] += load
            if step == FINISH:
                break
            run_load[step] += load
            node = run_head[step]
    return total


@numba.njit(cache=True)
def measure_ways(after, run_head, choice, start, group, lengths) -> None:  # type: ignore[no-untyped-def]
    """Count the steps (runs and nights) of each demand's way; -1 where there is none."""
    for k in range(len(start)):
        node, g = start[k], group[k]
        count = 0
        while True:
            step = choice[node, g]
            if step == NO_WAY:
                count = -1
                break
            if step == FINISH:
                break
            count += 1
            node = after[node] if step == HOLD else run_head[step]
        lengths[k] = count


@numba.njit(cache=True)
def write_ways(after, runs, run_head, choice, start, group, pointers, lengths, steps) -> None:  # type: ignore[no-untyped-def]
    """Write each demand's way as steps: a run's number, or ``runs + node`` for a night at a node."""
    for k in range(len(start)):
        node, g = start[k], group[k]
        for i in range(lengths[k]):
            step = choice[node, g]
            if step == HOLD:
                steps[pointers[k] + i] = runs + node
                node = after[node]
            else:
                steps[pointers[k] + i] = step
                node = run_head[step]


def trace_ways(network: TrunkNetwork, choice: Ints, start: Ints, group: Ints) -> tuple[Ints, Ints]:
    """Return the ways of demands as pointers (K + 1,) into steps; a demand without a way has pointers that are equal.

    Local demands (a start at its destination hub) have no steps either: tell them apart by origin and destination.
    """
    lengths = np.zeros(len(start), dtype=np.int64)
    measure_ways(network.after, network.run_head, choice, start, group, lengths)
    lengths = np.maximum(lengths, 0)
    pointers = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    steps = np.zeros(pointers[-1], dtype=np.int64)
    write_ways(network.after, network.runs, network.run_head, choice, start, group, pointers, lengths, steps)
    return pointers, steps


def label_ways(
    network: TrunkNetwork, run_price: Floats, sort_price: Floats, hold_price: Floats, groups: Groups
) -> tuple[Floats, Ints]:
    """Return labels (N, G) and choices (N, G) under the given prices."""
    label = np.empty((network.nodes, len(groups)), dtype=np.float64)
    choice: Ints = np.empty((network.nodes, len(groups)), dtype=np.int64)
    fill_labels(
        network.close_pointers,
        network.after,
        network.node_hub,
        network.node_turn,
        out_pointers(network),
        network.run_head,
        run_price,
        sort_price,
        hold_price,
        groups.destination,
        groups.late_price,
        label,
        choice,
    )
    return label, choice
