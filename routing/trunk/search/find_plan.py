"""The search for a trunk plan: bound and prices, trees annealed while fleet prices follow their use, then feasibility."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from data.constants import constant
from data.progress import SILENT, Progress
from routing.budget import SECONDS_OF_EFFORT, Deadline
from routing.trunk.bound.forced_shortfall import price_forced
from routing.trunk.bound.lagrangian import (
    Relaxation,
    count_departures,
    price_arcs,
    price_departures,
    price_parcels,
    raise_bound,
    zero_prices,
)
from routing.trunk.bound.subgradient import relax_network
from routing.trunk.search.annealing import Cooling, anneal_trees
from routing.trunk.search.candidates import list_candidates
from routing.trunk.search.draft import Draft, empty_draft
from routing.trunk.search.incumbent_log import IncumbentLog
from routing.trunk.search.local_search import Tries, search_locally
from routing.trunk.search.overload_repair import collect_flows, dissolve_overloads
from routing.trunk.search.patch_search import improve_patches
from routing.trunk.search.trees import Trees, load_trees, start_trees
from routing.trunk.task.commodities import list_commodities
from routing.trunk.task.effort import SHARES, WORK
from routing.trunk.task.flows import Flows, load_network, round_parcels
from routing.trunk.task.inputs import TrunkOptions
from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.task.path_rules import mark_refused
from routing.trunk.task.paths import Room, assign_paths
from routing.trunk.task.shortest_paths import NO_PATH, label_paths
from routing.trunk.vehicles.exact_fleet import refine_vehicles
from routing.trunk.vehicles.greedy_fleet import choose_fleet
from routing.trunk.vehicles.step_costs import StepCosts, build_step_costs, count_vehicles


@dataclass(frozen=True)
class SearchRules:
    """How the network is relaxed and its trees are annealed."""

    steps: int = constant(400, "steps", "of the relaxation at least", "judgement")
    most_steps: int = constant(2000, "steps", "of the relaxation at most", "judgement")
    labels: int = constant(
        1_000_000_000,
        "labels",
        "(arcs x commodities) priced over all steps, where more than the fewest are affordable",
        "judgement",
    )
    rounds: int = constant(
        30, "rounds", "of annealing, after each of which fleets' prices follow their use", "judgement"
    )
    candidates: int = constant(
        6, "legs", "kept for each node and commodity", "fitted: cost at equal moves with 4, 5, 6 and 8; made networks"
    )
    hot: float = constant(0.05, "1", "of a large vehicle's mean price: the first temperature", "judgement")
    cold: float = constant(0.002, "1", "of a large vehicle's mean price: the last temperature", "judgement")
    soft: float = constant(1.0, "1", "of a parcel's mean price: what a parcel over a limit costs at first", "judgement")
    hard: float = constant(12.0, "1", "of a parcel's mean price: what a parcel over a limit costs at last", "judgement")
    heat: float = constant(
        0.09,
        "1",
        "of a lane vehicle's median price: the first heat of the local search",
        "fitted: cost at equal tries with .02 to .2; the sample's peak week by sorts",
    )
    hot_departures: float = constant(
        1.0,
        "departures",
        "of the largest vehicle on an arc in use, on average, up to which the local search starts hot",
        "fitted: the sample's peak week by sorts (.7) gains .5 %, by days (1.4) nothing, made networks from 1.7 on lose .1 to .5 %",
    )
    damp: float = constant(
        0.5, "1", "factor on the stride of a fleet's price when its use crosses its size", "judgement"
    )
    grow: float = constant(1.1, "1", "factor on that stride when it does not", "judgement")


RULES = SearchRules()


def find_bound(
    network: TrunkNetwork, options: TrunkOptions, deadline: Deadline, progress: Progress = SILENT
) -> Relaxation:
    """Relax the network; again with prices of queues that none avoids."""
    steps = int(
        np.clip(
            RULES.labels / max(network.arcs * len(list_commodities(network).destination), 1),
            RULES.steps,
            RULES.most_steps,
        )
    )
    relaxed = relax_network(network, steps=steps, seed=options.seed, deadline=deadline, progress=progress)
    if deadline.over():
        return relaxed
    forced = price_forced(network, relaxed.prices, _cheapest(network, list_commodities(network).of_demand))
    if forced is None:
        return relaxed
    proof = relax_network(
        network, steps=steps // 4, seed=options.seed + 2, deadline=deadline, start=forced, progress=progress
    )
    # the search goes on with the prices that send every parcel its path
    return raise_bound(relaxed, proof.bound, proof.certificate)


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
        Bound, prices and sampled paths.
    share
        Of the effort that the annealing takes, and of the time left; what is not it is for what comes after.
    """
    reserve = _set_apart(share, deadline)
    progress = progress if progress is SILENT else IncumbentLog(progress, relaxed.bound)
    label, candidates = _prepare(network, relaxed)
    commodity = list_commodities(network).of_demand
    reach = label[network.demand_node(), commodity]
    served = np.flatnonzero(np.isfinite(reach) & (_cheapest(network, commodity) < network.short_cost))
    if len(served) == 0:
        return empty_draft(network)
    generator = np.random.default_rng([options.seed, 202])
    truck = float(network.vehicle_capacity[network.vehicle_drives].max())
    trees = start_trees(network, relaxed.samples, truck=truck, served=served, generator=generator)
    step_costs = improve_trees(network, trees, candidates, relaxed, options, deadline, share, progress)
    flows = collect_flows(network, trees)
    flows = dissolve_overloads(network, flows, step_costs, relaxed.samples, relaxed.prices, deadline)
    if isinstance(progress, IncumbentLog):
        progress.weigh_flows(network, flows)
    hot = count_departures(network, relaxed) <= RULES.hot_departures
    heat = RULES.heat * float(np.median(network.vehicle_cost)) if hot else 0.0
    flows = _search_locally(network, flows, step_costs, options, deadline, 0.5 * reserve, heat, progress)
    draft = settle(network, flows, step_costs, deadline, options.effort)
    part = SHARES.patches * min(1.0, share / SHARES.search)
    return improve_patches(network, draft, options, part, deadline, progress)


def _set_apart(share: float, deadline: Deadline) -> float:
    """Seconds for what comes after the annealing: of what is left, as what came before has spent its own part of the limit."""
    return (1.0 - share) * deadline.left() if share > 0 else 0.0  # without a share it makes next to no move


def _prepare(network: TrunkNetwork, relaxed: Relaxation) -> tuple[Floats, Ints]:
    room, _ = price_arcs(network, price_departures(network, relaxed.prices))
    commodities = list_commodities(network)
    prices = price_parcels(network, relaxed.prices, room)
    label = label_paths(network, prices, commodities).price
    return label, _drop_detours(network, list_candidates(network, label, prices, commodities, RULES.candidates))


def _drop_detours(network: TrunkNetwork, candidates: Ints) -> Ints:
    """Leave out legs that begin too long a way; where no other is left, all stay."""
    if not network.path_rules.bounded or not network.arcs:
        return candidates
    destination = list_commodities(network).destination
    is_arc = candidates >= 0
    refused = is_arc & mark_refused(network.path_rules)[np.where(is_arc, candidates, 0), destination[None, :, None]]
    refused &= ~(refused | (candidates == NO_PATH)).all(axis=2, keepdims=True)
    accepted = np.where(refused, NO_PATH, candidates)
    order = np.argsort(accepted == NO_PATH, axis=2, kind="stable")
    return np.ascontiguousarray(np.take_along_axis(accepted, order, axis=2))


def _cheapest(network: TrunkNetwork, commodity: Ints) -> Floats:
    """Price of each demand's path without any scarcity, (K,) [CNY/parcel]."""
    none = zero_prices(network)
    room, _ = price_arcs(network, price_departures(network, none))
    labels = label_paths(network, price_parcels(network, none, room), list_commodities(network))
    return labels.price[network.demand_start, commodity]


def improve_trees(
    network: TrunkNetwork,
    trees: Trees,
    candidates: Ints,
    relaxed: Relaxation,
    options: TrunkOptions,
    deadline: Deadline,
    share: float,
    progress: Progress,
) -> StepCosts:
    """Anneal in rounds; after each the prices of fleets follow their use. Stops early on Ctrl-C.

    Returns
    -------
    StepCosts
        At the prices of the last round.
    """
    none = zero_prices(network)
    prices = replace(relaxed.prices, lane=none.lane, vehicle=none.vehicle)
    step_costs = build_step_costs(network, price_departures(network, prices))
    capacity = np.where(network.vehicle_drives, network.vehicle_capacity, 0.0)
    large = capacity >= 0.5 * capacity.max()
    truck_price = max(float(network.vehicle_cost[large].mean()), 1e-6)
    parcel_price = max(relaxed.bound / max(float(network.demand_parcels.sum()), 1.0), 1e-9)
    types = len(network.type_ids)
    weight = np.bincount(network.vehicle_type, minlength=types)
    scale = np.bincount(network.vehicle_type, network.vehicle_cost, types) / np.maximum(weight, 1)
    rate = WORK.moves_a_second * min(1.0, (WORK.cached_arcs / max(network.arcs, 1)) ** 0.5)
    due = int(options.effort * min(rate * share * SECONDS_OF_EFFORT, WORK.moves_an_entry * len(trees.entry_tree)))
    deadline, reserve = deadline.share("annealing", deadline.left()), _set_apart(share, deadline)
    # a time limit too short for the moves due makes fewer of them from the start, and still cools to the end
    moves = min(due, int(rate * max(share * options.time_limit, 1.0)))
    made = 0
    fleets = np.isfinite(network.type_fleet)
    size = np.maximum(np.where(fleets, network.type_fleet, 1.0), 1.0)[:, None]
    pace = 1.0
    nimble, last = np.ones((types, network.fleet_steps)), np.zeros((types, network.fleet_steps))
    for number in range(RULES.rounds):
        before = deadline.left()
        begin, end = number / RULES.rounds, (number + 1) / RULES.rounds
        cooling = Cooling(
            moves=max(int(pace * moves / RULES.rounds), 1),
            hot=truck_price * RULES.hot * (RULES.cold / RULES.hot) ** begin,
            cold=truck_price * RULES.hot * (RULES.cold / RULES.hot) ** end,
            soft=parcel_price * RULES.soft * (RULES.hard / RULES.soft) ** begin,
            hard=parcel_price * RULES.soft * (RULES.hard / RULES.soft) ** end,
        )
        try:
            made += anneal_trees(
                network,
                trees,
                step_costs,
                candidates,
                cooling,
                seed=options.seed * 1000 + number + 1,
                deadline=deadline,
                reserve=reserve,
            )
        except KeyboardInterrupt:
            load_trees(network, trees)
            deadline.stop()
        if isinstance(progress, IncumbentLog):
            progress.weigh(network, trees)
        progress.step(number + 1, RULES.rounds, "improvement")
        if number == RULES.rounds - 1 or deadline.over(reserve):
            break
        # a machine too slow for the moves planned makes fewer of them, and still cools to the end
        spent = max(before - deadline.left(), 1e-9)
        pace *= min(1.0, (deadline.left() - reserve) / (spent * (RULES.rounds - number - 1) + 1e-9))
        if fleets.any():
            use = use_fleets(network, step_costs, trees.loads.arcs)
            stride = 0.3 * (1.0 - begin) + 0.03
            drift = np.clip((use - size) / size, -1.0, 1.0)
            nimble = np.clip(nimble * np.where(drift * last < 0, RULES.damp, RULES.grow), 0.02, 1.0)
            last = drift
            moved = prices.fleet + stride * nimble * scale[:, None] * drift
            fleet = np.where(fleets[:, None], np.maximum(0.0, moved), 0.0)
            prices = replace(prices, fleet=fleet)
            step_costs = build_step_costs(network, price_departures(network, prices))
    if made < int(RULES.rounds * max(due // RULES.rounds, 1)):
        deadline.cut_in()
    deadline.work.count("moves", made, due if made < due - RULES.rounds else made)
    return step_costs


def use_fleets(network: TrunkNetwork, step_costs: StepCosts, load: Floats) -> Floats:
    """Vehicles of each type away in each step of the fleets' time, (V, steps), by the step costs."""
    arc, vehicle, count = count_vehicles(network, step_costs, load)
    away = np.zeros((len(network.type_ids), network.fleet_steps + 1))
    np.add.at(away, (network.vehicle_type[vehicle], network.arc_step[arc]), count)
    np.subtract.at(away, (network.vehicle_type[vehicle], np.minimum(network.arc_back[arc], network.fleet_steps)), count)
    return np.cumsum(away, axis=1)[:, : network.fleet_steps]


def _search_locally(
    network: TrunkNetwork,
    flows: Flows,
    step_costs: StepCosts,
    options: TrunkOptions,
    deadline: Deadline,
    reserve: float,
    heat: float,
    progress: Progress,
) -> Flows:
    try:
        return search_locally(
            network,
            flows,
            step_costs,
            Tries(count_tries(network, options), heat),
            seed=options.seed + 1,
            deadline=deadline.share("local search", deadline.left()),
            reserve=reserve,
            progress=progress,
        )
    except KeyboardInterrupt:
        deadline.stop()
        return flows


def polish(
    network: TrunkNetwork, flows: Flows, step_costs: StepCosts, options: TrunkOptions, deadline: Deadline
) -> Flows:
    """Search locally from flows that keep to all limits, without a share of the time set apart for what follows."""
    return _search_locally(network, flows, step_costs, options, deadline, 0.0, 0.0, SILENT)


def count_tries(network: TrunkNetwork, options: TrunkOptions) -> int:
    """Tries of the local search at the effort asked."""
    pace = WORK.tries_a_second * min(1.0, WORK.cached_arcs / max(network.arcs, 1))
    return int(options.effort * min(WORK.tries_an_arc * network.arcs, pace * SECONDS_OF_EFFORT))


def settle(network: TrunkNetwork, flows: Flows, step_costs: StepCosts, deadline: Deadline, effort: float) -> Draft:
    """Choose the vehicles; parcels for which there is none become short."""
    loads = load_network(network, flows)
    fitted = choose_fleet(network, step_costs, loads.arcs)
    vehicles = refine_vehicles(network, fitted, loads.arcs, deadline.share("vehicles", deadline.left()), effort)
    return fit_parcels(network, Draft(flows, loads, vehicles), deadline)


def fit_parcels(network: TrunkNetwork, draft: Draft, deadline: Deadline) -> Draft:
    """Keep of a draft's parcels what its vehicles hold, re-spread over its paths; the rest is short."""
    if not (draft.vehicles.short > 0).any():
        return draft
    pool = draft.flows.pool
    limits = (draft.vehicles.room, network.sort_capacity, network.buffer_capacity)
    none = np.full(network.arcs, np.inf)
    room = Room(*limits, extra_price=none, extra_most=np.zeros(network.arcs))
    carried = np.bincount(pool.demand, draft.flows.parcels, len(network.demand_parcels)).astype(np.float64)
    assigned = assign_paths(network, pool, carried, room, deadline.share("paths", max(5.0, deadline.left())))
    spread = assigned.parcels if assigned is not None else np.zeros(len(pool))
    flows = round_parcels(network, pool, spread, np.rint(carried).astype(np.int64), limits)
    return Draft(flows, load_network(network, flows), draft.vehicles)
