"""The search for a trunk plan: bound and prices, trees annealed while fleet prices follow their use, then feasibility."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from data.progress import SILENT, Progress
from routing.budget import SECONDS_OF_EFFORT, Deadline
from routing.trunk.bound.forced_shortfall import price_queues
from routing.trunk.bound.lagrangian import (
    Prices,
    Relaxation,
    price_options,
    price_runs,
    raise_bound,
    relax_network,
    zero_prices,
)
from routing.trunk.search.annealing import Cooling, Trees, anneal_trees, list_candidates, load_trees, plant_trees
from routing.trunk.search.draft import Draft, empty_draft
from routing.trunk.search.incumbent_log import Telling
from routing.trunk.search.local_search import polish_flows
from routing.trunk.search.overload_repair import collect_flows, dissolve_overloads
from routing.trunk.task.commodities import group_demands
from routing.trunk.task.flows import Flows, load_network, round_parcels
from routing.trunk.task.inputs import TrunkOptions
from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.task.paths import Room, assign_paths
from routing.trunk.task.shortest_paths import label_ways, out_pointers
from routing.trunk.vehicles.exact_fleet import refine_vehicles
from routing.trunk.vehicles.greedy_fleet import mend_vehicles
from routing.trunk.vehicles.step_costs import Staircase, build_staircase, count_vehicles
from routing.trunk.vehicles.vehicle_model import relax_vehicles

_STEPS, _MOST_STEPS = 400, 2000  # of the relaxation
_LABELS = 1_000_000_000  # runs x groups priced over all steps, where more than the fewest are affordable
_ROUNDS = 30
_CANDIDATES = 6
_HOT, _COLD = 0.05, 0.002  # of a large vehicle's mean price
_SOFT, _HARD = 1.0, 12.0  # of a parcel's mean price
_MOVES_A_SECOND = 4_000_000  # on networks that stay in the processor's cache
_CACHED_RUNS = 2500
_DAMP, _GROW = 0.5, 1.1  # on the stride of a fleet's price, when its use crosses the fleet's size and when it does not
_MOVES_AN_ENTRY = 100_000
_TRIES_A_SECOND = 400  # of the polish, on networks that stay in the processor's cache
_TRIES_A_RUN = 60


def find_bound(
    network: TrunkNetwork, options: TrunkOptions, deadline: Deadline, progress: Progress = SILENT
) -> Relaxation:
    """Relax the network; again with potentials where own vehicles must be balanced, and with prices of queues that none avoids."""
    steps = int(np.clip(_LABELS / max(network.runs * len(group_demands(network)), 1), _STEPS, _MOST_STEPS))
    relaxed = relax_network(network, steps=steps, seed=options.seed, deadline=deadline, progress=progress)
    own = network.type_own[network.option_type] if len(network.option_type) else np.zeros(0, dtype=np.bool_)
    if own.any() and not deadline.over():
        start = price_fleets(network, relaxed, deadline.share("prices of fleets", max(1.0, 0.15 * deadline.left())))
        if start is not None:
            again = relax_network(
                network, steps=steps, seed=options.seed + 1, deadline=deadline, start=start, progress=progress
            )
            if again.bound < relaxed.bound:
                again = replace(again, bound=relaxed.bound, prices=relaxed.prices, evidence=relaxed.evidence)
            relaxed = again
    if deadline.over():
        return relaxed
    queued = price_queues(network, relaxed.prices, _cheapest(network, group_demands(network).of_demand))
    if queued is None:
        return relaxed
    proof = relax_network(
        network, steps=steps // 4, seed=options.seed + 2, deadline=deadline, start=queued, progress=progress
    )
    # the search goes on with the prices that send every parcel its way
    return raise_bound(relaxed, proof.bound, proof.evidence)


def price_fleets(network: TrunkNetwork, relaxed: Relaxation, deadline: Deadline) -> Prices | None:
    """Prices of fleets and potentials of own vehicles from the relaxed choice of vehicles for the mean loads."""
    answer, rows = relax_vehicles(network, relaxed.run_load, deadline)
    if answer.duals is None:
        return None
    dual = answer.duals[len(answer.duals) - rows.matrix.shape[0] :]
    kind = np.array(rows.kind)
    prices = relaxed.prices
    fleet, potential = np.zeros_like(prices.fleet), np.zeros_like(prices.potential)
    at = kind == "fleet"
    fleet[rows.first[at], rows.second[at]] = np.maximum(0.0, -dual[at])
    at = kind == "balance"
    # a shade less than the dual, so that no empty run seems to earn money by the solver's tolerance
    potential[rows.first[at], rows.second[at]] = -dual[at] * (1.0 - 1e-6)
    return replace(prices, fleet=fleet, potential=potential)


def search_plan(
    network: TrunkNetwork,
    relaxed: Relaxation,
    options: TrunkOptions,
    deadline: Deadline,
    share: float,
    progress: Progress = SILENT,
) -> Draft:
    """Find a good feasible plan.

    Parameters
    ----------
    relaxed
        Bound, prices and sampled ways.
    share
        Of the effort that the annealing takes; as much of the time limit is left for what comes after as is not it.
    """
    reserve = (1.0 - share) * options.time_limit
    progress = progress if progress is SILENT else Telling(progress, relaxed.bound)
    label, candidates = _prepare(network, relaxed)
    group = group_demands(network).of_demand
    reach = label[network.demand_node(), group]
    served = np.flatnonzero(np.isfinite(reach) & (_cheapest(network, group) < network.short_cost))
    prices = replace(
        relaxed.prices, lane=np.zeros_like(relaxed.prices.lane), option=np.zeros_like(relaxed.prices.option)
    )
    stairs = build_staircase(network, price_options(network, prices))
    if len(served) == 0:
        return empty_draft(network)
    generator = np.random.default_rng([options.seed, 202])
    truck = float(network.option_capacity.max())
    trees = plant_trees(network, relaxed.samples, truck=truck, served=served, generator=generator)
    stairs, prices = improve_trees(
        network, trees, candidates, stairs, prices, relaxed, options, deadline, share, progress
    )
    flows = collect_flows(network, trees)
    flows = dissolve_overloads(network, flows, stairs, relaxed.samples, relaxed.prices, deadline)
    if isinstance(progress, Telling):
        progress.weigh_flows(network, flows)
    flows = _polish(network, flows, stairs, options, deadline, 0.5 * reserve, progress)
    return settle(network, flows, stairs, deadline, options.effort)


def _prepare(network: TrunkNetwork, relaxed: Relaxation) -> tuple[Floats, Ints]:
    room, _ = price_runs(network, price_options(network, relaxed.prices))
    groups = group_demands(network)
    closed = network.sort_capacity <= 0
    handling = network.handling_cost
    run_price = network.run_cost + room
    sort_price = np.where(closed, np.inf, handling + relaxed.prices.sort)
    hold_price = np.where(network.can_hold(), network.waiting_cost + relaxed.prices.buffer, np.inf)
    label, _ = label_ways(network, run_price, sort_price, hold_price, groups)
    candidates = list_candidates(
        network, label, run_price, sort_price, hold_price, out_pointers(network), groups, _CANDIDATES
    )
    return label, candidates


def _cheapest(network: TrunkNetwork, group: Ints) -> Floats:
    """Price of each demand's way without any scarcity, (K,) [CNY/parcel]."""
    room, _ = price_runs(network, price_options(network, zero_prices(network)))
    closed = network.sort_capacity <= 0
    sort_price = np.where(closed, np.inf, network.handling_cost)
    hold_price = np.where(network.can_hold(), network.waiting_cost, np.inf)
    groups = group_demands(network)
    label, _ = label_ways(network, network.run_cost + room, sort_price, hold_price, groups)
    return label[network.demand_node(), group]


def improve_trees(
    network: TrunkNetwork,
    trees: Trees,
    candidates: Ints,
    stairs: Staircase,
    prices: Prices,
    relaxed: Relaxation,
    options: TrunkOptions,
    deadline: Deadline,
    share: float,
    progress: Progress,
) -> tuple[Staircase, Prices]:
    """Anneal in rounds; after each the prices of fleets follow their use. Stops early on Ctrl-C."""
    large = network.option_capacity >= 0.5 * network.option_capacity.max()
    truck_price = max(float(network.option_cost[large].mean()), 1e-6)
    parcel_price = max(relaxed.bound / max(float(network.demand_parcels.sum()), 1.0), 1e-9)
    types = len(network.type_ids)
    weight = np.bincount(network.option_type, minlength=types)
    scale = np.bincount(network.option_type, network.option_cost, types) / np.maximum(weight, 1)
    rate = _MOVES_A_SECOND * min(1.0, (_CACHED_RUNS / max(network.runs, 1)) ** 0.5)
    due = int(options.effort * min(rate * share * SECONDS_OF_EFFORT, _MOVES_AN_ENTRY * len(trees.entry_group)))
    deadline, reserve = deadline.share("annealing", deadline.left()), (1.0 - share) * options.time_limit
    # a time limit too short for the moves due makes fewer of them from the start, and still cools to the end
    moves = min(due, int(rate * max(options.time_limit - reserve, 1.0)))
    made = 0
    fleets = np.isfinite(network.type_fleet)
    size = np.maximum(np.where(fleets, network.type_fleet, 1.0), 1.0)[:, None]
    pace = 1.0
    nimble, last = np.ones((types, network.fleet_steps)), np.zeros((types, network.fleet_steps))
    for number in range(_ROUNDS):
        before = deadline.left()
        begin, end = number / _ROUNDS, (number + 1) / _ROUNDS
        cooling = Cooling(
            moves=max(int(pace * moves / _ROUNDS), 1),
            hot=truck_price * _HOT * (_COLD / _HOT) ** begin,
            cold=truck_price * _HOT * (_COLD / _HOT) ** end,
            soft=parcel_price * _SOFT * (_HARD / _SOFT) ** begin,
            hard=parcel_price * _SOFT * (_HARD / _SOFT) ** end,
        )
        try:
            made += anneal_trees(
                network,
                trees,
                stairs,
                candidates,
                cooling,
                seed=options.seed * 1000 + number + 1,
                deadline=deadline,
                reserve=reserve,
            )
        except KeyboardInterrupt:
            load_trees(network, trees)
            deadline.stop()
        if isinstance(progress, Telling):
            progress.weigh(network, trees)
        progress.step(number + 1, _ROUNDS, "improvement")
        if number == _ROUNDS - 1 or deadline.over(reserve):
            break
        # a machine too slow for the moves planned makes fewer of them, and still cools to the end
        spent = max(before - deadline.left(), 1e-9)
        pace *= min(1.0, (deadline.left() - reserve) / (spent * (_ROUNDS - number - 1) + 1e-9))
        if fleets.any():
            use = use_fleets(network, stairs, trees.run_load)
            stride = 0.3 * (1.0 - begin) + 0.03
            drift = np.clip((use - size) / size, -1.0, 1.0)
            nimble = np.clip(nimble * np.where(drift * last < 0, _DAMP, _GROW), 0.02, 1.0)
            last = drift
            moved = prices.fleet + stride * nimble * scale[:, None] * drift
            fleet = np.where(fleets[:, None], np.maximum(0.0, moved), 0.0)
            prices = replace(prices, fleet=fleet)
            stairs = build_staircase(network, price_options(network, prices))
    if made < int(_ROUNDS * max(due // _ROUNDS, 1)):
        deadline.cut_in()
    deadline.work.count("moves", made, due if made < due - _ROUNDS else made)
    return stairs, prices


def use_fleets(network: TrunkNetwork, stairs: Staircase, load: Floats) -> Floats:
    """Vehicles of each type away in each step of the fleets' time, (V, steps), by the staircases."""
    run, option, count = count_vehicles(network, stairs, load)
    away = np.zeros((len(network.type_ids), network.fleet_steps + 1))
    np.add.at(away, (network.option_type[option], network.run_step[run]), count)
    np.subtract.at(away, (network.option_type[option], np.minimum(network.run_back[run], network.fleet_steps)), count)
    return np.cumsum(away, axis=1)[:, : network.fleet_steps]


def _polish(
    network: TrunkNetwork,
    flows: Flows,
    stairs: Staircase,
    options: TrunkOptions,
    deadline: Deadline,
    reserve: float,
    progress: Progress,
) -> Flows:
    try:
        return polish_flows(
            network,
            flows,
            stairs,
            moves=count_tries(network, options),
            seed=options.seed + 1,
            deadline=deadline.share("local search", deadline.left()),
            reserve=reserve,
            progress=progress,
        )
    except KeyboardInterrupt:
        deadline.stop()
        return flows


def count_tries(network: TrunkNetwork, options: TrunkOptions) -> int:
    """Tries of the local search at the effort asked."""
    pace = _TRIES_A_SECOND * min(1.0, _CACHED_RUNS / max(network.runs, 1))
    return int(options.effort * min(_TRIES_A_RUN * network.runs, pace * SECONDS_OF_EFFORT))


def settle(network: TrunkNetwork, flows: Flows, stairs: Staircase, deadline: Deadline, effort: float) -> Draft:
    """Choose the vehicles; parcels for which there is none become short."""
    loads = load_network(network, flows)
    mended = mend_vehicles(network, stairs, loads.runs)
    vehicles = refine_vehicles(network, mended, loads.runs, deadline.share("vehicles", deadline.left()), effort)
    return fit_parcels(network, Draft(flows, loads, vehicles), deadline)


def fit_parcels(network: TrunkNetwork, draft: Draft, deadline: Deadline) -> Draft:
    """Keep of a draft's parcels what its vehicles hold, re-spread over its paths; the rest is short."""
    if not (draft.vehicles.short > 0).any():
        return draft
    pool = draft.flows.pool
    limits = (draft.vehicles.room, network.sort_capacity, network.buffer_capacity)
    none = np.full(network.runs, np.inf)
    room = Room(*limits, extra_price=none, extra_most=np.zeros(network.runs))
    carried = np.bincount(pool.demand, draft.flows.parcels, len(network.demand_parcels)).astype(np.float64)
    assigned = assign_paths(network, pool, carried, room, deadline.share("paths", max(5.0, deadline.left())))
    spread = assigned.parcels if assigned is not None else np.zeros(len(pool))
    flows = round_parcels(network, pool, spread, np.rint(carried).astype(np.int64), limits)
    return Draft(flows, load_network(network, flows), draft.vehicles)
