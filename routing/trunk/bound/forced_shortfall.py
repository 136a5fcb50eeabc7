"""Prices of queues that no path avoids: hubs that are handed in more than they can sort and hold.

From the first sort t0 of a queue to the last sort t1 in which it exceeds the buffer, a hub can take on at most its sort
capacity of these sorts and one buffer. What is handed in beyond that is short in every plan. The prices that prove it are
those of a queue: each of its sorts and the wait after t1 cost what a parcel loses by staying short instead of going its
path. The relaxation climbs on from there; by its own small steps it would hardly get that far.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from routing.trunk.bound.lagrangian import Prices
from routing.trunk.task.network import Flags, Floats, TrunkNetwork

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
        mine = np.flatnonzero(network.node_hub == hub)
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


def count_forced(network: TrunkNetwork) -> int:
    """Count the parcels every plan leaves short: no lanes lead on, or their hub can neither sort nor hold them in time.

    Of a hub without transit, greedily: what waits after a sort beyond the buffer is short, and nothing is won by leaving it sooner.
    """
    reached = _close_lanes(network)[network.demand_origin, network.demand_destination]
    forced = float(network.demand_parcels[~reached].sum())
    node, parcels = network.demand_node()[reached], network.demand_parcels[reached]
    handed = np.bincount(node, parcels, network.nodes).astype(np.float64)
    for hub in range(network.hubs):
        waiting = 0.0
        for at in np.flatnonzero(network.node_hub == hub).tolist():
            waiting = max(0.0, waiting + handed[at] - network.sort_capacity[at])
            forced += max(0.0, waiting - network.buffer_capacity[at])
            waiting = min(waiting, float(network.buffer_capacity[at]))
    return int(forced + _NOISE)


def _close_lanes(network: TrunkNetwork) -> Flags:
    """Whether any chain of lanes leads from hub to hub, (H, H) (Warshall 1962)."""
    reach = np.eye(network.hubs, dtype=np.bool_)
    reach[network.lane_origin, network.lane_destination] = True
    for via in range(network.hubs):
        reach |= reach[:, via, None] & reach[None, via, :]
    return reach
