"""At which hours departures run that a planner fixed or bounded for a lane and date at whatever hour.

Where the lane leaves several times that day, the hours are those at which parcels want it most: by the load that the cheapest
paths of a short relaxation put on each departure, vehicle by vehicle where most of it is left over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from data.constants import constant
from routing.budget import Deadline
from routing.trunk.bound.subgradient import relax_network
from routing.trunk.task.flows import Flows, load_network
from routing.trunk.task.inputs import TrunkOptions
from routing.trunk.task.locks import check_locks
from routing.trunk.task.network import Floats, Ints, OpenLock, TrunkNetwork
from routing.trunk.task.paths import gather_pool


@dataclass(frozen=True)
class HourRules:
    """How the hours of open locks are found."""

    steps: int = constant(120, "steps", "of the relaxation that says which hours parcels want", "judgement")
    limit: float = constant(0.1, "1", "of the time limit: that relaxation", "judgement")


RULES = HourRules()


def settle_hours(network: TrunkNetwork, options: TrunkOptions, deadline: Deadline) -> TrunkNetwork:
    """Give every open lock its hours; the same network where there is none.

    Raises
    ------
    RadarError
        When the hours settled fix more departures than limits and fleets allow.
    """
    if not network.open_locks:
        return network
    load = _load_wanted(network, options, deadline)
    least, most = network.vehicle_least.copy(), network.vehicle_most.copy()
    for lock in network.open_locks:
        _settle(network, lock, load, least, most)
    settled = replace(network, vehicle_least=least, vehicle_most=most, open_locks=())
    check_locks(settled)
    return settled


def _load_wanted(network: TrunkNetwork, options: TrunkOptions, deadline: Deadline) -> Floats:
    """Parcels that the cheapest paths put on each arc, on average over the relaxation's samples, (R,)."""
    part = deadline.share("hours of locks", RULES.limit * options.time_limit)
    relaxed = relax_network(network, steps=RULES.steps, seed=options.seed, deadline=part)
    total = np.zeros(network.arcs)
    for choice in relaxed.samples:
        pool = gather_pool(network, [choice])
        total += load_network(network, Flows(pool, network.demand_parcels[pool.demand])).arcs
    return total / len(relaxed.samples)


def _settle(network: TrunkNetwork, lock: OpenLock, load: Floats, least: Ints, most: Floats) -> None:
    """Spread what a lock fixes, then what it leaves free, over its departures; ``least`` and ``most`` are changed in place."""
    vehicles, day = lock.vehicles, lock.day
    arcs = network.arc_of[network.vehicle_lane[vehicles], day]
    wanted = np.where(arcs >= 0, load[np.maximum(arcs, 0)], -np.inf)
    capacity = network.vehicle_capacity[vehicles]
    limit = np.minimum(
        np.minimum(network.vehicle_limit[vehicles, day], most[vehicles, day]),
        _free_lanes(network, vehicles, day, least),
    )

    def place(count: float, low: Ints, high: Floats) -> Ints:
        given = low.astype(np.int64).copy()
        while given.sum() < count:
            able = np.flatnonzero((given < high) & (arcs >= 0))
            if not len(able):
                break
            given[able[np.argmax((wanted - given * capacity)[able])]] += 1
        return given

    least[vehicles, day] = place(lock.at_least, least[vehicles, day], limit)
    if np.isfinite(lock.at_most):
        most[vehicles, day] = place(lock.at_most, least[vehicles, day], limit)


def _free_lanes(network: TrunkNetwork, vehicles: Ints, day: int, least: Ints) -> Floats:
    """Departures that each slot of lane vehicles still allows of them, beside those fixed of other types."""
    lanes = network.vehicle_lane[vehicles]
    fixed = np.zeros(len(network.lane_ids))
    np.add.at(fixed, network.vehicle_lane, least[:, day])
    free: Floats = network.lane_limit[lanes, day] - fixed[lanes] + least[vehicles, day]
    return free
