"""What else one could do with the tools at hand: the whole model to a solver, its relaxation rounded up, each lane alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from routing.budget import Deadline
from routing.solvers import LinearModel, solve_linear
from routing.trunk.bound.lagrangian import price_arcs, price_departures, price_parcels, zero_prices
from routing.trunk.bound.subgradient import relax_network
from routing.trunk.plan import TrunkPlan, write_plan
from routing.trunk.search.draft import Draft
from routing.trunk.search.exact import write_exactly
from routing.trunk.task.commodities import list_commodities
from routing.trunk.task.flows import Flows, load_network
from routing.trunk.task.inputs import TrunkOptions
from routing.trunk.task.network import TrunkNetwork
from routing.trunk.task.paths import PathPool
from routing.trunk.task.shortest_paths import NO_PATH, label_paths, trace_paths
from routing.trunk.vehicles.step_costs import build_step_costs, count_vehicles
from routing.trunk.vehicles.vehicle_model import tally

SOLVERS = {"HIGHS": "full MILP, HiGHS", "GSCIP": "full MILP, SCIP", "CP_SAT": "full model, CP-SAT"}
WAYS = SOLVERS | {"rounded": "LP, departures rounded up", "alone": "each lane alone"}


def plan_peer(network: TrunkNetwork, way: str, options: TrunkOptions, seconds: float) -> tuple[TrunkPlan | None, float]:
    """Plan in another way; return the plan, None if there was none in time, and the bound it proved [CNY]."""
    draft: Draft | None
    if way == "alone":
        draft, bound = _plan_alone(network), 0.0
    elif way == "rounded":
        draft, bound = _round_up(network, seconds)
    else:
        draft, bound = _solve_whole(network, way, seconds)
    if draft is None:
        return None, bound
    relaxed = relax_network(network, steps=3, seed=0, deadline=Deadline(1e6))
    proven = min(max(bound, 0.0), draft.cost)
    return write_plan(network, draft, replace(relaxed, bound=proven), options, Deadline(0.0)), bound


def _solve_whole(network: TrunkNetwork, solver: str, seconds: float) -> tuple[Draft | None, float]:
    m = write_exactly(network)
    # CP-SAT wants bounds on every column
    upper = np.where(np.isfinite(m.upper), m.upper, float(network.demand_parcels.sum()))
    answer = solve_linear(
        LinearModel(m.cost, m.matrix, m.low, m.high, m.lower, upper, integer=m.integer),
        deadline=Deadline(seconds),
        gap=1e-6,
        solver=solver,
        threads=None if solver == "HIGHS" else 1,
    )
    bound = answer.bound if np.isfinite(answer.bound) else 0.0
    return (None if answer.values is None else m.read(answer.values)), bound


def _round_up(network: TrunkNetwork, seconds: float) -> tuple[Draft | None, float]:
    m = write_exactly(network)
    answer = solve_linear(LinearModel(m.cost, m.matrix, m.low, m.high, m.lower, m.upper), deadline=Deadline(seconds))
    if answer.values is None:
        return None, 0.0
    values = answer.values.copy()
    pairs = len(m.pair_arc)
    values[len(values) - pairs :] = np.ceil(values[len(values) - pairs :] - 1e-6)
    return m.read(values), answer.bound


def _plan_alone(network: TrunkNetwork) -> Draft:
    """Send all parcels the cheapest way by the parcel and give each lane the cheapest vehicles for its load."""
    departure_price = price_departures(network, zero_prices(network))
    room, _ = price_arcs(network, departure_price)
    commodities = list_commodities(network)
    commodity = commodities.of_demand
    prices = price_parcels(network, zero_prices(network), room)
    choice = label_paths(network, prices, commodities).choice
    start = network.demand_node()
    some = np.flatnonzero(choice[start, commodity] != NO_PATH)
    pointers, legs = trace_paths(network, choice, start[some], commodity[some])
    flows = Flows(PathPool(some.astype(np.int64), pointers, legs), network.demand_parcels[some])
    loads = load_network(network, flows)
    arc, vehicle, count = count_vehicles(network, build_step_costs(network, departure_price), loads.arcs)
    return Draft(flows, loads, tally(network, arc, vehicle, count, loads.arcs))
