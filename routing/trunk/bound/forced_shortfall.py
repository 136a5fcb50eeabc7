"""Prices of queues that no path avoids: hubs that are handed in more than they can sort and hold.

From the first sort t0 of a queue to the last sort t1 in which it exceeds the buffer, a hub can take on at most its sort
capacity of these sorts and one buffer. What is handed in beyond that is short in every plan. The prices that prove it are
those of a queue: each of its sorts and the wait after t1 cost what a parcel loses by staying short instead of going its
path. The relaxation climbs on from there; by its own small steps it would hardly get that far.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from routing.trunk.bound.first_departures import NEVER, find_first_departures, measure_room
from routing.trunk.bound.lagrangian import Prices
from routing.trunk.task.network import Flags, Floats, Ints, TrunkNetwork

_NOISE = 1e-6  # [parcels]


def price_forced(network: TrunkNetwork, prices: Prices, path_price: Floats) -> Prices | None:
    """Raise prices to those of the queues.

    Parameters
    ----------
    path_price : (K,) [CNY/parcel]
        What the cheapest path of each demand costs under ``prices``.

    Returns
    -------
    Prices or None
        None where no hub is handed in more than it can sort and hold.
    """
    handed = np.bincount(network.demand_node(), network.demand_parcels, network.nodes).astype(np.float64)
    turn = network.node_turn[network.demand_node()]
    sort, buffer = prices.sort.copy(), prices.buffer.copy()
    found = False
    for hub in range(network.hubs):
        mine = np.flatnonzero((network.node_hub == hub) & ~network.node_staged)
        for first, last, kept in find_forced(handed[mine], network.sort_capacity[mine], network.buffer_capacity[mine]):
            inside = (network.demand_origin == hub) & (turn >= first) & (turn <= last)
            loss = network.short_cost - _marginal(path_price[inside], network.demand_parcels[inside], kept)
            if loss > 0:
                found = True
                queue = mine[first : last + 1]
                sort[queue] = np.maximum(sort[queue], loss)
                buffer[queue[-1]] = max(buffer[queue[-1]], loss)
    return replace(prices, sort=sort, buffer=buffer) if found else None


def find_forced(handed: Floats, capacity: Floats, buffer: Floats) -> list[tuple[int, int, float]]:
    """Queues of one hub that exceed its buffer: first sort, last sort of excess, parcels that find place until then.

    Parameters
    ----------
    handed, capacity, buffer : (turns,) [parcels]
    """
    forced = []
    waiting, first, last = 0.0, 0, -1
    for day in range(len(handed) + 1):
        if day == len(handed) or waiting <= 0:
            if last >= first:
                forced.append((first, last, float(capacity[first : last + 1].sum() + buffer[last])))
            first, last = day, -1
            if day == len(handed):
                break
        waiting = max(0.0, waiting + handed[day] - capacity[day])
        if waiting > buffer[day]:
            waiting, last = float(buffer[day]), day
    return forced


def _marginal(price: Floats, parcels: np.ndarray, kept: float) -> float:
    """Path price of the dearest demand that still finds place when the cheapest go first; of what has no path, none goes."""
    order = np.argsort(price, kind="stable")
    place = int(np.searchsorted(np.cumsum(parcels[order]), kept))
    return float(price[order[min(place, len(order) - 1)]])


def count_forced(network: TrunkNetwork, short: Ints | None = None) -> int:
    """Count the parcels every plan leaves short: no path leads on in time, or their hub can neither sort nor hold them until one does.

    Parameters
    ----------
    short : (n,), optional
        Demands of which a plan leaves parcels short: of their hubs it is looked up when parcels can leave at the earliest, and with how many vehicles. At other
        hubs they count as if they could at once.

    Notes
    -----
    Of each hub without transit, greedily, sort after sort: of what can leave as much does as the hub sorts and vehicles hold; what then waits beyond the buffer is short, first
    what can leave last. Nothing is won by leaving any of it sooner, and no other choice leaves less short: whatever stays can leave no later. Where sorted parcels
    have room of their own, what can leave does as vehicles hold it and waits in both rooms, and what can be sorted waits in the buffer alone: the larger of both counts.
    """
    leaves = network.node_turn[network.demand_start].astype(np.int64)
    leaves[~_close_lanes(network)[network.demand_origin, network.demand_destination]] = NEVER
    asked = np.ones(network.hubs, dtype=np.bool_) if short is None else np.zeros(network.hubs, dtype=np.bool_)
    asked[network.demand_origin[short if short is not None else slice(0, 0)]] = True
    looked_up = np.flatnonzero(asked[network.demand_origin] & (leaves < NEVER))
    leaves[looked_up] = find_first_departures(network, looked_up)
    lost, room = leaves == NEVER, measure_room(network)
    asked[network.demand_origin[network.demand_origin == network.demand_destination]] = False
    forced = float(network.demand_parcels[lost].sum())
    for hub in range(network.hubs):
        mine = np.flatnonzero((network.node_hub == hub) & ~network.node_staged)
        here = np.flatnonzero((network.demand_origin == hub) & ~lost)
        capacity, buffer = network.sort_capacity[mine], network.buffer_capacity[mine]
        handed = network.node_turn[network.demand_start[here]], network.demand_parcels[here].astype(np.float64)
        staged = np.flatnonzero((network.node_hub == hub) & network.node_staged)
        if len(staged):
            both = buffer + network.buffer_capacity[staged]
            out = room[staged] if asked[hub] else np.full(len(mine), np.inf)
            sorted_ = _count_excess(_list_coming(*handed, handed[0]), capacity, buffer)
            forced += max(sorted_, _count_excess(_list_coming(*handed, leaves[here]), out, both))
        else:
            leaving = np.minimum(capacity, room[mine]) if asked[hub] else capacity
            forced += _count_excess(_list_coming(*handed, leaves[here]), leaving, buffer)
    return int(forced + _NOISE)


def _list_coming(turn: Ints, parcels: Floats, leaves: Ints) -> dict[int, list[tuple[int, float]]]:
    """By sort for which parcels are handed in when they can leave, and how many."""
    come: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for at, leave, some in zip(turn.tolist(), leaves.tolist(), parcels.tolist(), strict=True):
        come[at].append((leave, some))
    return come


def _count_excess(come: Mapping[int, list[tuple[int, float]]], capacity: Floats, buffer: Floats) -> float:
    """Parcels of one hub beyond its buffer.

    Parameters
    ----------
    come
        By sort when they can leave, and parcels.
    capacity, buffer : (turns,) [parcels]
    """
    waiting: dict[int, float] = {}
    excess = 0.0
    for turn in range(len(capacity)):
        for leaves, parcels in come.get(turn, ()):
            waiting[leaves] = waiting.get(leaves, 0.0) + parcels
        sorted_ = float(capacity[turn])
        for leaves in sorted(one for one in waiting if one <= turn):
            gone = min(sorted_, waiting[leaves])
            sorted_ -= gone
            waiting[leaves] -= gone
        over = max(sum(waiting.values()) - float(buffer[turn]), 0.0)
        excess += over
        for leaves in sorted(waiting, reverse=True):
            left = min(over, waiting[leaves])
            over -= left
            waiting[leaves] -= left
    return excess


def _close_lanes(network: TrunkNetwork) -> Flags:
    """Whether any chain of lanes leads from hub to hub, (H, H) (Warshall 1962)."""
    reach = np.eye(network.hubs, dtype=np.bool_)
    reach[network.lane_origin, network.lane_destination] = True
    for via in range(network.hubs):
        reach |= reach[:, via, None] & reach[None, via, :]
    return reach
