"""The plain twin of loads: what paths use and cost is added up leg by leg."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from routing.trunk.task.commodities import list_commodities
from routing.trunk.task.flows import Flows
from routing.trunk.task.network import TrunkNetwork
from routing.trunk.vehicles.step_costs import StepCosts
from tests.routing.plain.vehicle_cost import read_price


@dataclass
class Use:
    """Parcels on arcs, sorted at nodes and waiting there, and what they cost besides vehicles [CNY]."""

    arcs: Counter[int] = field(default_factory=Counter)
    sorts: Counter[int] = field(default_factory=Counter)
    nights: Counter[int] = field(default_factory=Counter)
    cost: float = 0.0

    def exceeds(self, network: TrunkNetwork, costs: StepCosts) -> bool:
        """Tell whether an arc, a sort or a buffer holds more than it may."""
        return (
            any(load > costs.most[arc] + 1e-6 for arc, load in self.arcs.items())
            or any(load > network.sort_capacity[node] + 1e-6 for node, load in self.sorts.items())
            or any(load > network.buffer_capacity[node] + 1e-6 for node, load in self.nights.items())
        )

    def total(self, costs: StepCosts) -> float:
        """Cost with the vehicles of all arcs [CNY]."""
        return self.cost + sum(read_price(costs, arc, load) for arc, load in self.arcs.items())


def add_up(network: TrunkNetwork, flows: Flows) -> Use:
    """Add up what flows use."""
    use, commodities = Use(), list_commodities(network)
    for number, k in enumerate(flows.pool.demand.tolist()):
        node, parcels = int(network.demand_start[k]), int(flows.parcels[number])
        for leg in flows.pool.legs[flows.pool.pointers[number] : flows.pool.pointers[number + 1]].tolist():
            if leg >= network.arcs:
                use.nights[node] += parcels
                use.cost += parcels * float(network.waiting_cost[node])
                node = int(network.after[node])
            else:
                use.sorts[node] += parcels
                use.arcs[leg] += parcels
                use.cost += parcels * float(network.handling_cost[node] + network.arc_cost[leg])
                node = int(network.arc_head[leg])
        use.sorts[node] += parcels
        late = commodities.late_price[commodities.of_demand[k], network.node_turn[node]]
        use.cost += parcels * float(network.handling_cost[node] + late)
    return use
