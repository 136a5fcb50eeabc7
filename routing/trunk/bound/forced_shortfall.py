"""Prices of queues that no way avoids: hubs that are handed in more than they can sort and hold.

From the first day t0 of a queue to the last day t1 on which it exceeds the buffer, a hub can take on at most its sort
capacity of these days and one buffer. What is handed in beyond that is short in every plan. The prices that prove it are
those of a queue: each day's sorting and the night after t1 cost what a parcel loses by staying short instead of going its
way. The relaxation climbs on from there; by its own small steps it would hardly get that far.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from routing.trunk.bound.lagrangian import Prices
from routing.trunk.task.network import Floats, TrunkNetwork


def price_queues(network: TrunkNetwork, prices: Prices, way_price: Floats) -> Prices | None:
    """Raise prices to those of the queues.

    Parameters
    ----------
    way_price : (K,) [CNY/parcel]
        What the cheapest way of each demand costs under ``prices``.

    Returns
    -------
    Prices or None
        None where no hub is handed in more than it can sort and hold.
    """
    days, hubs = network.days, network.hubs
    handed = np.zeros((days, hubs))
    np.add.at(handed, (network.demand_day, network.demand_origin), network.demand_parcels)
    sort, buffer = prices.sort.reshape(days, hubs).copy(), prices.buffer.reshape(days, hubs).copy()
    found = False
    for hub in range(hubs):
        for first, last, kept in find_queues(
            handed[:, hub], network.sort_capacity[:, hub], network.buffer_capacity[:, hub]
        ):
            inside = (network.demand_origin == hub) & (network.demand_day >= first) & (network.demand_day <= last)
            loss = network.short_cost - _marginal(way_price[inside], network.demand_parcels[inside], kept)
            if loss > 0:
                found = True
                sort[first : last + 1, hub] = np.maximum(sort[first : last + 1, hub], loss)
                buffer[last, hub] = max(buffer[last, hub], loss)
    return replace(prices, sort=sort.ravel(), buffer=buffer.ravel()) if found else None


def find_queues(handed: Floats, capacity: Floats, buffer: Floats) -> list[tuple[int, int, float]]:
    """Queues of one hub that exceed its buffer: first day, last day of excess, parcels that find place until then.

    Parameters
    ----------
    handed, capacity, buffer : (D,) [parcels]
    """
    queues = []
    waiting, first, last = 0.0, 0, -1
    for day in range(len(handed) + 1):
        if day == len(handed) or waiting <= 0:
            if last >= first:
                queues.append((first, last, float(capacity[first : last + 1].sum() + buffer[last])))
            first, last = day, -1
            if day == len(handed):
                break
        waiting = max(0.0, waiting + handed[day] - capacity[day])
        if waiting > buffer[day]:
            waiting, last = float(buffer[day]), day
    return queues


def _marginal(price: Floats, parcels: np.ndarray, kept: float) -> float:
    """Way price of the dearest demand that still finds place when the cheapest go first; of what has no way, none goes."""
    order = np.argsort(price, kind="stable")
    place = int(np.searchsorted(np.cumsum(parcels[order]), kept))
    return float(price[order[min(place, len(order) - 1)]])
