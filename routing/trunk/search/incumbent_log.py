"""What a planner watches while a plan is made: its cost so far, the bound, the gap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.progress import Progress
from routing.trunk.bound.lagrangian import price_options, zero_prices
from routing.trunk.search.annealing import Trees
from routing.trunk.search.overload_repair import price_vehicles
from routing.trunk.task.commodities import group_demands
from routing.trunk.task.flows import Flows, load_network
from routing.trunk.task.network import TrunkNetwork
from routing.trunk.task.shortest_paths import FINISH
from routing.trunk.vehicles.step_costs import Staircase, build_staircase


@dataclass(slots=True)
class Telling:
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
    _stairs: Staircase | None = None

    def step(self, done: float, total: float, note: str = "") -> None:
        """Pass a step on."""
        told = f"bound {self.bound:,.0f} CNY"
        if self.cost is not None:
            gap = max(0.0, 1.0 - self.bound / self.cost) if self.cost > 0 else 0.0
            told = f"cost {self.cost:,.0f}, {told}, gap {gap:.2%}"
        self.progress.step(done, total, f"{note}: {told}")

    def lower(self, change: float) -> None:
        """Count what a step saved (below 0) [CNY]."""
        if self.cost is not None:
            self.cost += change

    def weigh_flows(self, network: TrunkNetwork, flows: Flows) -> None:
        """Reckon what flows cost with the cheapest vehicles for their loads."""
        loads = load_network(network, flows)
        self.cost = loads.cost + price_vehicles(self._price(network), loads.runs)

    def _price(self, network: TrunkNetwork) -> Staircase:
        if self._stairs is None:
            self._stairs = build_staircase(network, price_options(network, zero_prices(network)))
        return self._stairs

    def weigh(self, network: TrunkNetwork, trees: Trees) -> None:
        """Reckon what trees cost: vehicles at their own prices, carriage, handling, holding, late, short."""
        handling = network.handling_cost
        late_price = group_demands(network).late_price
        group, node = np.nonzero((trees.step == FINISH) & (trees.flow > 0))
        late = late_price[trees.destination[group], network.node_turn[node]] * trees.flow[group, node]
        short = float(network.demand_parcels.sum()) - float(trees.entry_parcels.sum())
        self.cost = (
            price_vehicles(self._price(network), trees.run_load)
            + float(trees.run_load @ network.run_cost)
            + float(trees.sort_load @ handling)
            + float(network.waiting_cost @ trees.night_load)
            + float(late.sum())
            + network.short_cost * short
        )
