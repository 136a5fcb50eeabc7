"""Cheapest paths through the hub-days of a plan, for all commodities (destinations and due days) at once, compiled.

The label of node n for commodity g is the price of a parcel that stands unsorted at n until it is sorted at the hub of g:

    label[n, g] = min( sort[n] + late[g, day of n]               when n is a day of the hub of g,
                       sort[n] + min over arcs r of n ( arc[r] + label[head(r), g] ),
                       hold[n] + label[next day of n, g] )

Days are worked off from the last to the first; arcs that arrive on the day they leave are swept until nothing changes.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from routing.trunk.task.commodities import Commodities
from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.task.records import Arcs, Demands, NodeArcLoads, Nodes, ParcelPrices, list_arcs, list_nodes

HOLD = -1
FINISH = -2
NO_PATH = -3


class Labels(NamedTuple):
    """Cheapest paths of all commodities from every node; modified in place.

    Attributes
    ----------
    price : (N, G) [CNY/parcel]
        ``inf`` without a path.
    choice : (N, G)
        The next leg: an arc, HOLD, FINISH or NO_PATH.
    """

    price: Floats
    choice: Ints


@numba.njit(cache=True)
def pick_vehicles(vehicle_lane: Ints, per_parcel: Floats, best: Floats, holder: Ints) -> None:
    """Find the cheapest vehicle of each lane and day: its price into ``best`` (L, D), its number into ``holder``."""
    for vehicle in range(len(vehicle_lane)):
        lane = vehicle_lane[vehicle]
        for day in range(per_parcel.shape[1]):
            if per_parcel[vehicle, day] < best[lane, day]:
                best[lane, day] = per_parcel[vehicle, day]
                holder[lane, day] = vehicle


@numba.njit(cache=True)
def fill_labels(nodes: Nodes, arcs: Arcs, prices: ParcelPrices, commodities: Commodities, labels: Labels) -> None:
    """Fill the labels, from the last block of nodes to the first; ``labels`` is modified in place."""
    for block in range(len(nodes.blocks) - 2, -1, -1):
        begin, end = nodes.blocks[block], nodes.blocks[block + 1]
        for node in range(begin, end):
            _label_stay(nodes, prices, commodities, labels, node)
        sweep, first, inner = True, True, False
        while sweep:
            sweep = False
            for node in range(begin, end):
                if prices.sort[node] < np.inf:
                    changed, within = _label_leave(arcs, prices, labels, node, end, first)
                    sweep |= changed
                    inner |= within
            # a label that fell, by whatever arc, may lower those of nodes of the block that were looked at before
            sweep &= inner
            first = False


@numba.njit(cache=True, inline="always")
def _label_stay(nodes: Nodes, prices: ParcelPrices, commodities: Commodities, labels: Labels, node: int) -> None:
    """Label a node by what waits there, and by what ends there."""
    after, hold = nodes.after[node], prices.hold[node]
    count = len(commodities.destination)
    for g in range(count):
        labels.price[node, g] = np.inf
        labels.choice[node, g] = NO_PATH
    if after >= 0 and hold < np.inf:
        for g in range(count):
            price = hold + labels.price[after, g]
            if price < np.inf:
                labels.price[node, g] = price
                labels.choice[node, g] = HOLD
    # destinations rise
    for g in range(np.searchsorted(commodities.destination, nodes.hub[node]), count):
        if commodities.destination[g] != nodes.hub[node]:
            break
        price = prices.sort[node] + commodities.late_price[g, nodes.turn[node]]
        if price < labels.price[node, g]:
            labels.price[node, g] = price
            labels.choice[node, g] = FINISH


@numba.njit(cache=True, inline="always")
def _label_leave(
    arcs: Arcs, prices: ParcelPrices, labels: Labels, node: int, end: int, first: bool
) -> tuple[bool, bool]:
    """Label a node by the arcs that leave it; return whether a label fell, and whether an arc stays within the block.

    Parameters
    ----------
    end
        Node after the last of the block.
    first
        Whether arcs that leave the block are looked at too.
    """
    changed, within = False, False
    for arc in range(arcs.first_out[node], arcs.first_out[node + 1]):
        head = arcs.head[arc]
        within |= head < end
        if not first and head >= end:
            continue
        base = prices.sort[node] + prices.arc[arc]
        for g in range(labels.price.shape[1]):
            price = base + labels.price[head, g]
            if price < labels.price[node, g] - 1e-9:
                labels.price[node, g] = price
                labels.choice[node, g] = arc
                changed = True
    return changed, within


@numba.njit(cache=True)
def load_paths(
    nodes: Nodes, arcs: Arcs, demands: Demands, commodity: Ints, labels: Labels, limit: float, loads: NodeArcLoads
) -> float:
    """Send every demand along its cheapest path; return the price of all, those dearer than a limit left short [CNY].

    Parameters
    ----------
    commodity : (K,)
    limit
        [CNY/parcel]
    loads
        Modified in place.
    """
    loads.arcs[:] = 0.0
    loads.sorts[:] = 0.0
    loads.nights[:] = 0.0
    total = 0.0
    for k in range(len(demands.start)):
        node, g, parcels = demands.start[k], commodity[k], demands.parcels[k]
        if labels.price[node, g] >= limit:
            total += parcels * limit
            continue
        total += parcels * labels.price[node, g]
        while True:
            leg = labels.choice[node, g]
            if leg == HOLD:
                loads.nights[node] += parcels
                node = nodes.after[node]
                continue
            loads.sorts[node] += parcels
            if leg == FINISH:
                break
            loads.arcs[leg] += parcels
            node = arcs.head[leg]
    return total


@numba.njit(cache=True)
def measure_paths(after: Ints, head: Ints, choice: Ints, start: Ints, commodity: Ints, lengths: Ints) -> None:
    """Count the legs (arcs and nights) of paths, -1 where there is none; ``lengths`` (n,) is modified in place.

    Parameters
    ----------
    after : (N,); head : (R,); choice : (N, G)
    start, commodity : (n,)
    """
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
            node = after[node] if leg == HOLD else head[leg]
        lengths[k] = count


@numba.njit(cache=True)
def write_paths(
    after: Ints, head: Ints, choice: Ints, start: Ints, commodity: Ints, pointers: Ints, legs: Ints
) -> None:
    """Write paths as legs: an arc's number, or ``arcs + node`` for a night at a node; ``legs`` is modified in place."""
    for k in range(len(start)):
        node, g = start[k], commodity[k]
        for place in range(pointers[k], pointers[k + 1]):
            leg = choice[node, g]
            if leg == HOLD:
                legs[place] = len(head) + node
                node = after[node]
            else:
                legs[place] = leg
                node = head[leg]


def trace_paths(network: TrunkNetwork, choice: Ints, start: Ints, commodity: Ints) -> tuple[Ints, Ints]:
    """Return the paths of demands as pointers (K + 1,) into legs; a demand without a path has pointers that are equal.

    Local demands (a start at its destination hub) have no legs either: tell them apart by origin and destination.
    """
    lengths = np.zeros(len(start), dtype=np.int64)
    measure_paths(network.after, network.arc_head, choice, start, commodity, lengths)
    pointers = np.concatenate([[0], np.cumsum(np.maximum(lengths, 0))]).astype(np.int64)
    legs = np.zeros(pointers[-1], dtype=np.int64)
    write_paths(network.after, network.arc_head, choice, start, commodity, pointers, legs)
    return pointers, legs


def label_paths(network: TrunkNetwork, prices: ParcelPrices, commodities: Commodities) -> Labels:
    """Return the cheapest paths of all commodities under the given prices."""
    shape = (network.nodes, len(commodities.destination))
    labels = Labels(np.empty(shape), np.empty(shape, dtype=np.int64))
    fill_labels(list_nodes(network), list_arcs(network), prices, commodities, labels)
    return labels


def choose_paths(network: TrunkNetwork, prices: ParcelPrices, commodities: Commodities) -> Ints:
    """Return the next legs of the cheapest paths, (N, G); where a sort plan orders lanes, over those it names only."""
    ordered = network.path_rules.ordered
    if not len(ordered):
        return label_paths(network, prices, commodities).choice
    choice: Ints = np.empty((network.nodes, len(commodities.destination)), dtype=np.int64)
    for goal in np.unique(commodities.destination):
        mine = np.flatnonzero(commodities.destination == goal)
        part = commodities._replace(destination=commodities.destination[mine], late_price=commodities.late_price[mine])
        arc = np.where(ordered[:, goal], prices.arc, np.inf)
        choice[:, mine] = label_paths(network, prices._replace(arc=arc), part).choice
    return choice
