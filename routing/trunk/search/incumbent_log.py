"""What a planner watches while a plan is made: its cost so far, the bound, the gap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.progress import Progress
from routing.trunk.bound.lagrangian import price_departures, zero_prices
from routing.trunk.search.overload_repair import price_vehicles
from routing.trunk.search.trees import Trees
from routing.trunk.task.commodities import list_commodities
from routing.trunk.task.flows import Flows, load_network
from routing.trunk.task.network import TrunkNetwork
from routing.trunk.task.shortest_paths import FINISH
from routing.trunk.vehicles.step_costs import StepCosts, build_step_costs


@dataclass(slots=True)
class IncumbentLog:
    """A progress that adds cost, bound and gap to every note.

    Attributes
    ----------
    progress
        The one that is told.
    bound
        Proven lower bound [CNY].
    cost
        Of the plan so far [CNY]; None before there is one. While trees are annealed limits may still be exceeded.
    """

    progress: Progress
    bound: float
    cost: float | None = None
    _step_costs: StepCosts | None = None

    def step(self, done: float, total: float, note: str = "") -> None:
        """Pass a step on."""
        text = f"bound {self.bound:,.0f} CNY"
        if self.cost is not None:
            gap = max(0.0, 1.0 - self.bound / self.cost) if self.cost > 0 else 0.0
            text = f"cost {self.cost:,.0f}, {text}, gap {gap:.2%}"
        self.progress.step(done, total, f"{note}: {text}")

    def lower(self, change: float) -> None:
        """Count what a step saved (below 0) [CNY]."""
        if self.cost is not None:
            self.cost += change

    def weigh_flows(self, network: TrunkNetwork, flows: Flows) -> None:
        """Reckon what flows cost with the cheapest vehicles for their loads."""
        loads = load_network(network, flows)
        self.cost = loads.cost + price_vehicles(self._price(network), loads.arcs)

    def _price(self, network: TrunkNetwork) -> StepCosts:
        if self._step_costs is None:
            self._step_costs = build_step_costs(network, price_departures(network, zero_prices(network)))
        return self._step_costs

    def weigh(self, network: TrunkNetwork, trees: Trees) -> None:
        """Reckon what trees cost: vehicles at their own prices, carriage, handling, holding, late, short."""
        handling = network.handling_cost
        late_price = list_commodities(network).late_price
        tree, node = np.nonzero((trees.leg == FINISH) & (trees.flow > 0))
        late = late_price[trees.destination[tree], network.node_turn[node]] * trees.flow[tree, node]
        short = float(network.demand_parcels.sum()) - float(trees.entry_parcels.sum())
        self.cost = (
            price_vehicles(self._price(network), trees.loads.arcs)
            + float(trees.loads.arcs @ network.arc_cost)
            + float(trees.loads.sorts @ handling)
            + float(network.waiting_cost @ trees.loads.nights)
            + float(late.sum())
            + network.short_cost * short
        )
