"""A plan in arrays, as the search hands it on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from routing.trunk.task.flows import Flows, Loads, keep_used, load_network
from routing.trunk.task.network import TrunkNetwork
from routing.trunk.task.paths import PathPool, mark_accepted
from routing.trunk.vehicles.vehicle_model import Vehicles, drop_unneeded, list_fixed, tally


@dataclass(frozen=True, slots=True)
class Draft:
    """A feasible plan in arrays."""

    flows: Flows
    loads: Loads
    vehicles: Vehicles

    @property
    def cost(self) -> float:
        """Cost of vehicles, carriage, handling, holding and shortfall [CNY]."""
        return self.vehicles.cost + self.loads.cost


def empty_draft(network: TrunkNetwork) -> Draft:
    """Return the plan that carries nothing: only what planners fix runs."""
    none = np.zeros(0, dtype=np.int64)
    flows = Flows(PathPool(none, np.zeros(1, dtype=np.int64), none), none)
    loads = load_network(network, flows)
    return Draft(flows, loads, tally(network, *list_fixed(network), loads.arcs))


def refuse_paths(network: TrunkNetwork, draft: Draft) -> Draft:
    """Leave out paths no planner accepts: their parcels are short until they find another."""
    accepted = mark_accepted(network, draft.flows.pool)
    if accepted.all():
        return draft
    flows = keep_used(draft.flows.pool, np.where(accepted, draft.flows.parcels, 0))
    loads = load_network(network, flows)
    return Draft(flows, loads, drop_unneeded(network, draft.vehicles, loads.arcs))
