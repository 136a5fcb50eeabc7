"""What is carried together: demands of one destination and due hour.

Lateness depends on a demand's own due hour, so the planner tells demands apart by it: a commodity is a destination and a due
hour. Its paths end at the price of sorting plus the price of the time late, and all that works on paths by destination
(labels, trees, the exact model) prices lateness exactly. Without promises a commodity is a destination.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from routing.trunk.task.network import Floats, Ints, TrunkNetwork


class Commodities(NamedTuple):
    """Demands by destination and due hour, G commodities.

    Attributes
    ----------
    destination : (G,)
        Hub at which the paths of a commodity end.
    of_demand : (K,)
        Commodity of each demand.
    late_price : (G, turns) [CNY/parcel]
        Price of ending at the n-th sort of the destination, on top of the sorting: of the hours late / 24.
    """

    destination: Ints
    of_demand: Ints
    late_price: Floats


def list_commodities(network: TrunkNetwork) -> Commodities:
    """Group the demands by destination and, where lateness has a price, by due hour."""
    # a demand due when the last sort is delivered or later cannot be late
    end = float(network.delivery_hour.max())
    due = np.minimum(network.demand_due_hour, end) if network.late_cost > 0 else np.full(len(network.demand_due), end)
    hours, number = np.unique(due, return_inverse=True)
    key, of_demand = np.unique(network.demand_destination * len(hours) + number, return_inverse=True)
    done = np.zeros((network.hubs, network.turns))
    done[network.node_hub, network.node_turn] = network.delivery_hour
    destination = (key // len(hours)).astype(np.int64)
    days_late = np.maximum(0.0, done[destination] - hours[key % len(hours)][:, None]) / 24.0
    return Commodities(destination, of_demand.astype(np.int64), network.late_cost * days_late)
