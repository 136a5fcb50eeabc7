"""Own vehicles that stand where they leave from: departures that none can reach give way to hired ones, or their parcels are short."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from routing.budget import Deadline
from routing.trunk.search.draft import Draft
from routing.trunk.search.find_plan import fit_parcels
from routing.trunk.task.network import Ints, TrunkNetwork, share_limits
from routing.trunk.vehicles.positions import place_vehicles


def place_own(network: TrunkNetwork, draft: Draft, deadline: Deadline) -> Draft:
    """Let own vehicles stand where they leave from; parcels for which that leaves no vehicle are short."""
    placed = place_vehicles(share_limits(network), draft.vehicles, draft.loads.arcs, deadline)
    if placed is draft.vehicles:
        return draft
    return fit_parcels(network, replace(draft, vehicles=placed), deadline)


def forbid_unplaced(network: TrunkNetwork, wanted: Draft, placed: Draft) -> TrunkNetwork:
    """Return the network in which own vehicles leave where and when some were wanted only as often as they were placed there."""
    before, after = _count_departures(network, wanted), _count_departures(network, placed)
    lost = (after < before) & network.type_own[network.vehicle_type][:, None]
    limit = np.where(lost, np.minimum(network.vehicle_limit, after), network.vehicle_limit)
    return replace(network, vehicle_limit=limit)


def _count_departures(network: TrunkNetwork, draft: Draft) -> Ints:
    """Departures of each lane's vehicle and day, (O, D)."""
    vehicles = draft.vehicles
    departures = np.zeros(network.vehicle_limit.shape, dtype=np.int64)
    np.add.at(departures, (vehicles.vehicle, network.arc_day[vehicles.arc]), vehicles.departures)
    return departures
