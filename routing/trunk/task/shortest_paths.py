"""Cheapest paths through the hub-days of a plan, for all commodities (destinations and due days) at once, compiled.

The label of node n for commodity g is the price of a parcel that stands unsorted at n until it is sorted at the hub of g:

    label[n, g] = min( sort[n] + late[g, day of n]               when n is a day of the hub of g,
                       sort[n] + min over arcs r of n ( arc[r] + label[head(r), g] ),
                       hold[n] + label[next day of n, g] )

Days are worked off from the last to the first; arcs that arrive on the day they leave are swept until nothing changes.
"""

from __future__ import annotations

import numba
import numpy as np

from routing.trunk.task.commodities import Commodities
from routing.trunk.task.network import Floats, Ints, TrunkNetwork

HOLD = -1
FINISH = -2
NO_PATH = -3


def out_pointers(network: TrunkNetwork) -> Ints:
    """First arc of every node and one past the last, (N + 1,): arcs are sorted by tail."""
    return np.searchsorted(network.arc_tail, np.arange(network.nodes + 1)).astype(np.int64)


@numba.njit(cache=True)
def pick_vehicles(vehicle_lane, per_parcel, best, holder) -> None:  # type: ignore[no-untyped-def]
    """Find the cheapest vehicle of each lane and day: its price into ``best`` (L, D), its number into ``holder``."""
    for vehicle in range(len(vehicle_lane)):
        lane = vehicle_lane[vehicle]
        for day in range(per_parcel.shape[1]):
            if per_parcel[vehicle, day] < best[lane, day]:
                best[lane, day] = per_parcel[vehicle, day]
                holder[lane, day] = vehicle


@numba.njit(cache=True)
def fill_labels(  # type: ignore[no-untyped-def]  # noqa: C901
    blocks, after, node_hub, node_turn, first_out, arc_head, arc_price, sort_price, hold_price, destinations, late_price,
    label, choice,
) -> None:  # fmt: skip
    """Fill ``label`` (N, G) and ``choice`` (N, G): an arc, HOLD, FINISH or NO_PATH; ``destinations`` rise."""
    commodities = len(destinations)
    for block in range(len(blocks) - 2, -1, -1):
        last = blocks[block + 1]
        for node in range(blocks[block], last):
            hold = hold_price[node]
            for g in range(commodities):
                label[node, g] = np.inf
                choice[node, g] = NO_PATH
            if after[node] >= 0 and hold < np.inf:
                for g in range(commodities):
                    price = hold + label[after[node], g]
                    if price < np.inf:
                        label[node, g] = price
                        choice[node, g] = HOLD
            for g in range(np.searchsorted(destinations, node_hub[node]), commodities):
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
                for r in range(first_out[node], first_out[node + 1]):
                    head = arc_head[r]
                    together = head < last
                    if not first and not together:
                        continue
                    base = sort_price[node] + arc_price[r]
                    changed = False
                    for g in range(commodities):
                        price = base + label[head, g]
                        if price < label[node, g] - 1e-9:
                            label[node, g] = price
                            choice[node, g] = r
                            changed = True
                    if changed and together:
                        sweep = True
            first = False


@numba.njit(cache=True)
def load_paths(  # type: ignore[no-untyped-def]
    after, arc_head, choice, label, limit, start, commodity, parcels, arc_load, sort_load, hold_load
) -> float:
    """Send every demand along its cheapest path; return the price of all, those dearer than ``limit`` left short."""
    arc_load[:] = 0.0
    sort_load[:] = 0.0
    hold_load[:] = 0.0
    total = 0.0
    for k in range(len(start)):
        node, g, load = start[k], commodity[k], parcels[k]
        if label[node, g] >= limit:
            total += load * limit
            continue
        total += load * label[node, g]
        while True:
            leg = choice[node, g]
            if leg == HOLD:
                hold_load[node] += load
                node = after[node]
                continue
            sort_load[node] += load
            if leg == FINISH:
                break
            arc_load[leg] += load
            node = arc_head[leg]
    return total


@numba.njit(cache=True)
def measure_paths(after, arc_head, choice, start, commodity, lengths) -> None:  # type: ignore[no-untyped-def]
    """Count the legs (arcs and nights) of each demand's path; -1 where there is none."""
    for k in range(len(start)):
        node, g = start[k], commodity[k]
        count = 0
        while True:
            leg = choice[node, g]
            if leg == NO_PATH:
                count = -1
                break
            if leg == FINISH:
                break
            count += 1
            node = after[node] if leg == HOLD else arc_head[leg]
        lengths[k] = count


@numba.njit(cache=True)
def write_paths(after, arcs, arc_head, choice, start, commodity, pointers, lengths, legs) -> None:  # type: ignore[no-untyped-def]
    """Write each demand's path as legs: an arc's number, or ``arcs + node`` for a night at a node."""
    for k in range(len(start)):
        node, g = start[k], commodity[k]
        for i in range(lengths[k]):
            leg = choice[node, g]
            if leg == HOLD:
                legs[pointers[k] + i] = arcs + node
                node = after[node]
            else:
                legs[pointers[k] + i] = leg
                node = arc_head[leg]


def trace_paths(network: TrunkNetwork, choice: Ints, start: Ints, commodity: Ints) -> tuple[Ints, Ints]:
    """Return the paths of demands as pointers (K + 1,) into legs; a demand without a path has pointers that are equal.

    Local demands (a start at its destination hub) have no legs either: tell them apart by origin and destination.
    """
    lengths = np.zeros(len(start), dtype=np.int64)
    measure_paths(network.after, network.arc_head, choice, start, commodity, lengths)
    lengths = np.maximum(lengths, 0)
    pointers = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    legs = np.zeros(pointers[-1], dtype=np.int64)
    write_paths(network.after, network.arcs, network.arc_head, choice, start, commodity, pointers, lengths, legs)
    return pointers, legs


def label_paths(
    network: TrunkNetwork, arc_price: Floats, sort_price: Floats, hold_price: Floats, commodities: Commodities
) -> tuple[Floats, Ints]:
    """Return labels (N, G) and choices (N, G) under the given prices."""
    label = np.empty((network.nodes, len(commodities)), dtype=np.float64)
    choice: Ints = np.empty((network.nodes, len(commodities)), dtype=np.int64)
    fill_labels(
        network.close_pointers,
        network.after,
        network.node_hub,
        network.node_turn,
        out_pointers(network),
        network.arc_head,
        arc_price,
        sort_price,
        hold_price,
        commodities.destination,
        commodities.late_price,
        label,
        choice,
    )
    return label, choice
