"""Capacity scaling: the strong relaxation led towards whole departures (Katayama, Chen, Kubo 2009).

Round by round the capacity of a departure is brought nearer to what the last solution puts on it,

    capacity := weight x load / ceil(load / full capacity) + (1 - weight) x capacity

so that a parcel on an arc pays the departure's price by the load it will share it with. Arcs used little become dear and are
left; where departures run full nothing changes. Every round's flows are a plan once vehicles are counted whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.constants import constant
from routing.budget import Deadline
from routing.trunk.bound.lagrangian import price_departures, zero_prices
from routing.trunk.bound.path_formulation import ColumnRowModel, LpResult
from routing.trunk.search.draft import Draft, empty_draft
from routing.trunk.search.find_plan import settle
from routing.trunk.search.overload_repair import price_vehicles, room_at
from routing.trunk.task.flows import round_parcels
from routing.trunk.task.network import Floats
from routing.trunk.task.paths import PathPool
from routing.trunk.vehicles.step_costs import StepCosts, build_step_costs


@dataclass(frozen=True)
class ScalingRules:
    """When capacity scaling ends."""

    least: float = constant(1e-4, "1", "of its capacity, below which a departure is never scaled", "judgement")
    stalled: int = constant(6, "rounds", "without a cheaper plan after which scaling ends", "judgement")


SCALING = ScalingRules()


def scale_capacities(model: ColumnRowModel, *, weight: float, rounds: int, effort: float, deadline: Deadline) -> Draft:
    """Scale capacities until departures are nearly whole, and return the cheapest plan on the way.

    Parameters
    ----------
    model
        With the paths and forcing rows of the relaxation; more are added.
    weight
        Of the newest load in the capacity, above 0 and up to 1.
    effort
        Scale of the search for vehicles at the end.
    """
    network = model.network
    step_costs = build_step_costs(network, price_departures(network, zero_prices(network)))
    capacity = model.capacity.copy()
    best, flows, stalled = np.inf, None, 0
    for _ in range(rounds):
        answer = model.advance(deadline, capacity)
        if answer is None:
            break
        cost = _price(model, step_costs, answer)
        if cost < best * (1 - 1e-4) if np.isfinite(best) else True:
            stalled = 0
        else:
            stalled += 1
        if cost < best:
            best, flows = cost, (_first_paths(model.pool, len(answer.parcels)), answer.parcels)
        if stalled >= SCALING.stalled and _whole_share(answer.departures) > 0.95:
            break
        capacity = _scale(model, capacity, answer, weight)
        if deadline.over():
            break
    if flows is None:
        return empty_draft(network)
    pool, parcels = flows
    load = np.bincount(pool.legs[pool.legs < network.arcs], _by_leg(pool, parcels, network.arcs), network.arcs)
    room = np.minimum(room_at(network, step_costs, np.maximum(load - 1e-6, 0.0)), step_costs.most)
    limits = (room, network.sort_capacity, network.buffer_capacity)
    return settle(
        network, round_parcels(network, pool, parcels, network.demand_parcels, limits), step_costs, deadline, effort
    )


def _first_paths(pool: PathPool, count: int) -> PathPool:
    return PathPool(pool.demand[:count], pool.pointers[: count + 1], pool.legs[: pool.pointers[count]])


def _by_leg(pool: PathPool, parcels: Floats, arcs: int) -> Floats:
    """Parcels of the path of every leg on an arc."""
    each: Floats = np.repeat(parcels, np.diff(pool.pointers))[pool.legs < arcs]
    return each


def _load(model: ColumnRowModel, parcels: Floats) -> Floats:
    pool, arcs = _first_paths(model.pool, len(parcels)), model.network.arcs
    return np.bincount(pool.legs[pool.legs < arcs], _by_leg(pool, parcels, arcs), arcs).astype(np.float64)


def _price(model: ColumnRowModel, step_costs: StepCosts, answer: LpResult) -> float:
    """Cost of a solution's flows with whole vehicles, fleets aside."""
    load = np.maximum(_load(model, answer.parcels) - 1e-6, 0.0)
    other = float(answer.path_cost @ answer.parcels) + float(answer.short.sum()) * model.network.short_cost
    return other + price_vehicles(step_costs, load)


def _scale(model: ColumnRowModel, capacity: Floats, answer: LpResult, weight: float) -> Floats:
    """Bring capacities nearer to the loads of a solution; vehicles on one arc share its load by their room."""
    load = _load(model, answer.parcels)
    room = capacity * answer.departures
    total = np.bincount(model.arc, room, model.network.arcs)
    share = room * np.where(total > 1e-9, load / np.maximum(total, 1e-9), 0.0)[model.arc]
    whole = np.ceil(share / model.capacity - 1e-6)
    aim = np.where(whole > 0, share / np.maximum(whole, 1.0), 0.0)
    scaled: Floats = np.maximum(weight * aim + (1 - weight) * capacity, SCALING.least * model.capacity)
    return scaled


def _whole_share(departures: Floats) -> float:
    used = departures[departures > 1e-6]
    return float((np.abs(used - np.rint(used)) < 0.1).mean()) if len(used) else 1.0
