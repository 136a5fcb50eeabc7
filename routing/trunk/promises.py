"""Promises of arrival: by which day a demand is due, and what each day after it costs.

A parcel handed in on day t and promised within h hours is due on day t + ceil(h / 24), rounded as lanes round their transit
hours: a promise of as many hours as a lane takes is kept by a departure on the day the parcel is handed in. It is late by
the days from then to the day on which it is sorted at its destination.

Lateness depends on a demand's own due day, so the planner tells demands apart by it: a group is a destination and a due
day. Its ways end at the price of sorting plus the price of the days late, and all that works on ways by destination
(labels, trees, the exact model) prices lateness exactly. Without promises a group is a destination.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import polars as pl

    from routing.trunk.network import Floats, Ints, TrunkNetwork
    from routing.trunk.pool import PathPool

_EPSILON = 1e-9  # hours / 24 that is whole but for float noise does not cost a day
NO_PROMISE = 1 << 40  # a due day after every plan


@dataclass(frozen=True, slots=True)
class Groups:
    """Demands by destination and due day, G groups.

    Attributes
    ----------
    destination : (G,)
        Hub at which the ways of a group end.
    of_demand : (K,)
        Group of each demand.
    late_price : (G, D) [CNY/parcel]
        Price of ending on a day, on top of the sorting.
    """

    destination: Ints
    of_demand: Ints
    late_price: Floats

    def __len__(self) -> int:
        return len(self.destination)


def group_demands(network: TrunkNetwork) -> Groups:
    """Group the demands by destination and, where lateness has a price, by due day."""
    # a demand due on the last day or later cannot be late
    due = np.minimum(network.demand_due, network.days - 1) if network.late_cost > 0 else np.full_like(
        network.demand_due, network.days - 1
    )  # fmt: skip
    key, of_demand = np.unique(network.demand_destination * network.days + due, return_inverse=True)
    days_late = np.maximum(0, np.arange(network.days)[None, :] - (key % network.days)[:, None])
    return Groups((key // network.days).astype(np.int64), of_demand.astype(np.int64), network.late_cost * days_late)


def read_due(promises: pl.DataFrame, hub_number: dict[str, int], origin: Ints, destination: Ints, day: Ints) -> Ints:
    """Day by which each demand is due, (K,); ``NO_PROMISE`` where its route has no promise.

    Parameters
    ----------
    promises
        Table ``service_promises``; hubs that are not known take no part.
    origin, destination, day : (K,)
        Hubs and days of the demands.
    """
    width = len(hub_number) + 1
    allowed = {
        hub_number[a] * width + hub_number[b]: int(max(0.0, np.ceil(hours / 24.0 - _EPSILON)))
        for a, b, hours in promises.select("origin_hub_id", "destination_hub_id", "latest_hours").iter_rows()
        if a in hub_number and b in hub_number
    }
    if not allowed:
        return np.full(len(day), NO_PROMISE, dtype=np.int64)
    days = [allowed.get(key, NO_PROMISE) for key in (origin * width + destination).tolist()]
    return np.minimum(day + np.array(days, dtype=np.int64), NO_PROMISE)


def count_late(network: TrunkNetwork, pool: PathPool, end: Ints) -> Ints:
    """Days that each path is late, (P,).

    Parameters
    ----------
    end : (P,)
        Node at which each path is sorted for the last time.
    """
    late: Ints = np.maximum(0, end // network.hubs - network.demand_due[pool.demand])
    return late
