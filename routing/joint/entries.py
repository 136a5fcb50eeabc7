"""Where the trunk's parcels are handed in, and what changes there when orders leave from another hub."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.arrays import Floats, Ints
from routing.trunk.task.commodities import list_commodities
from routing.trunk.task.network import TrunkNetwork


@dataclass(frozen=True, slots=True)
class Entries:
    """Where the trunk's parcels are handed in, as rows of its balances.

    Attributes
    ----------
    network
        The trunk's task.
    commodity : (K,)
        Commodity of each demand.
    order : (K,)
        Demands sorted by day, origin and destination.
    keys, first, count : (R,)
        The routes and days asked, and their demands in ``order``: with sorts a route and day may be handed in at several.
    base : (R,) [parcels]
    node : (D, H)
        Where parcels that come to a hub on a day are handed in: its sort with most of the hub's own, -1 on a day it has none.
    """

    network: TrunkNetwork
    commodity: Ints
    order: Ints
    keys: Ints
    first: Ints
    count: Ints
    base: Floats
    node: Ints

    def move(self, day: Ints, start: Ints, end: Ints, hub: int, amount: Floats) -> tuple[Ints, Ints, Floats]:
        """Rows parcels are taken out of and given to when they leave from `hub`, and how many; they keep their commodity and promise."""
        hubs, nodes = self.network.hubs, self.network.nodes
        place = np.searchsorted(self.keys, (day * hubs + start) * hubs + end)
        count = self.count[place]
        which = np.repeat(np.arange(len(place)), count)
        ahead = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
        k = self.order[self.first[place][which] + ahead]
        part = self.network.demand_parcels[k] / self.base[place][which]
        into = self.node[day[which], hub]
        taken = self.commodity[k] * nodes + self.network.demand_start[k]
        # a hub shut that day takes nothing in: parcels stay where they are
        given = np.where(into >= 0, self.commodity[k] * nodes + into, taken)
        return taken, given, amount[which] * part


def list_entries(network: TrunkNetwork) -> Entries:
    """List where the trunk's parcels are handed in."""
    hubs = network.hubs
    key = (network.demand_day * hubs + network.demand_origin) * hubs + network.demand_destination
    order = np.argsort(key, kind="stable")
    keys, first, count = np.unique(key[order], return_index=True, return_counts=True)
    parcels = network.demand_parcels.astype(np.float64)
    base = np.add.reduceat(parcels[order], first) if len(first) else np.zeros(0)
    own = np.bincount(network.demand_start, parcels, network.nodes)
    node = np.full((network.days, hubs), -1, dtype=np.int64)
    inside = (network.node_day >= 0) & (network.node_day < network.days) & network.hub_open & ~network.node_staged
    for n in np.flatnonzero(inside).tolist():
        at = network.node_day[n], network.node_hub[n]
        if node[at] < 0 or own[n] > own[node[at]]:
            node[at] = n
    commodity = list_commodities(network).of_demand
    return Entries(
        network, commodity, order.astype(np.int64), keys, first.astype(np.int64), count.astype(np.int64), base, node
    )
