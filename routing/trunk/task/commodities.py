"""What is carried together: demands of one destination and due day.

Lateness depends on a demand's own due day, so the planner tells demands apart by it: a group is a destination and a due
day. Its ways end at the price of sorting plus the price of the days late, and all that works on ways by destination
(labels, trees, the exact model) prices lateness exactly. Without promises a group is a destination.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from routing.trunk.task.network import Floats, Ints, TrunkNetwork


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
