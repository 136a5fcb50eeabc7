"""Planning near a reference: the reference repeated, then changed where that pays and as far as it may be.

1. **Repeat.** The departures of the reference that can still run, brought within fleets and balance with the fewest changes;
   its paths with today's parcels; what is left over finds spare room, then hired vehicles. Where parcels stay short or
   departures change more than they may, all are spread anew by a linear programme over these paths and sampled paths, room beyond the present vehicles at a price.
2. **Small tasks.** The exact model with two more columns a departure, its distance from the reference up and down, and a row
   that bounds their sum. What is beyond the bound costs more than any departure saves, and less than what parcels short cost.
3. **Large tasks.** The local search from the repeated plan under a price of a change that falls in steps: changes that save most
   come first. Own vehicles stay as they are.

Of the plans found the cheapest within the bound counts, and of equally cheap ones the nearest (Ojha, Erera, Van Hentenryck et
al., Transportation Science, 2025: planners want the plan they know).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from data.constants import constant
from data.progress import SILENT, Progress
from routing.budget import Deadline
from routing.solvers import LinearModel, solve_linear
from routing.trunk.bound.lagrangian import Relaxation, price_arcs, price_departures, zero_prices
from routing.trunk.replan.deviation_costs import build_deviation_costs, choose_changes
from routing.trunk.replan.reference_plan import ReferencePlan
from routing.trunk.search.draft import Draft
from routing.trunk.search.exact import count_nodes, fits_exact_model, write_exactly
from routing.trunk.search.find_plan import count_tries
from routing.trunk.search.local_search import Tries, search_locally
from routing.trunk.search.overload_repair import find_plain_paths
from routing.trunk.search.shortfall_insertion import insert_shortfalls
from routing.trunk.task.effort import WORK
from routing.trunk.task.flows import Flows, load_network, round_parcels
from routing.trunk.task.inputs import TrunkOptions
from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.task.paths import Room, assign_paths, gather_pool, mark_accepted, merge_paths, take_paths, use_paths
from routing.trunk.vehicles.vehicle_model import Vehicles, limit_rows, list_pairs, tally


@dataclass(frozen=True)
class NearRules:
    """What a change costs, and where spreading anew ends."""

    steps: tuple[float, ...] = constant(
        (1.0, 0.5, 0.2, 0.05, 0.0), "1", "of a departure's mean price: what a change costs, step by step", "judgement"
    )
    beyond: float = constant(
        10.0, "departures", "of the dearest, that a change beyond the bound must be worth", "judgement"
    )
    most_paths: int = constant(60_000, "paths", "that are spread anew by one linear programme", "judgement")
    tie: float = constant(1e-9, "1", "of the cost: differences below it are none", "judgement")


NEAR = NearRules()


def plan_near(
    network: TrunkNetwork,
    reference_plan: ReferencePlan,
    most_changes: int | None,
    rival: Draft | None,
    relaxed: Relaxation,
    options: TrunkOptions,
    deadline: Deadline,
    progress: Progress = SILENT,
) -> Draft:
    """Plan near a reference.

    Parameters
    ----------
    reference_plan
        The reference laid upon the network.
    most_changes
        Departures that may change; None sets no limit, and the reference only breaks ties.
    rival
        A plan made without the reference, if there is one.
    relaxed
        Of the task: its sampled paths.
    """

    def rank(draft: Draft) -> tuple[float, int]:
        return rank_near(network, reference_plan, most_changes, draft)

    found = [repeat_plan(network, reference_plan, deadline)]
    found += [rival] if rival is not None else []
    near = (
        _solve_near(network, reference_plan, most_changes, options.effort, deadline)
        if fits_exact_model(network, options)
        else None
    )
    if near is not None:
        found.append(near)
    else:
        over = most_changes is not None and reference_plan.changes(network, found[0].vehicles) > most_changes
        if over or found[0].flows.short(network).any():
            found.append(_spread(network, reference_plan, relaxed, found[0], deadline))
        start = min(found, key=rank) if most_changes is not None else found[0]
        found += _search_near(network, reference_plan, most_changes, rank, start, options, deadline, progress)
    ranked = [(*rank(draft), draft) for draft in found]
    least = min(cost for cost, _, _ in ranked)
    return min(
        (item for item in ranked if item[0] <= least + NEAR.tie * max(1.0, abs(least))), key=lambda item: item[1]
    )[2]


def rank_near(
    network: TrunkNetwork, reference_plan: ReferencePlan, most_changes: int | None, draft: Draft
) -> tuple[float, int]:
    """Rank a draft: its cost, with each change beyond the bound at ten of the dearest departures, then its changes.

    Under a bound a parcel short counts no less than a change beyond it: what is needed is done.
    """
    changes = reference_plan.changes(network, draft.vehicles)
    if most_changes is None or not len(network.vehicle_cost):
        return draft.cost, changes
    beyond = NEAR.beyond * float(network.vehicle_cost.max())
    short = float(draft.flows.short(network).sum())
    return draft.cost + beyond * max(0, changes - most_changes) + max(0.0, beyond - network.short_cost) * short, changes


def _spread(
    network: TrunkNetwork, reference_plan: ReferencePlan, relaxed: Relaxation, repeated: Draft, deadline: Deadline
) -> Draft:
    """Spread all parcels anew over the reference's paths and the sampled paths; more vehicles where there is no room."""
    choices = relaxed.samples + (find_plain_paths(network, relaxed.prices) if network.path_rules.bounded else [])
    pool, _ = merge_paths(network, [reference_plan.flows.pool, repeated.flows.pool, gather_pool(network, choices)])
    # paths no planner accepts would be taken out of the plan, and their parcels with them
    pool = take_paths(pool, mark_accepted(network, pool))
    if not len(pool) or len(pool) > NEAR.most_paths or deadline.over():
        return repeated
    vehicles = keep_vehicles(network, reference_plan, deadline)
    price = float(network.vehicle_cost.mean())
    step_costs = build_deviation_costs(network, vehicles, reference_plan, price)
    per_parcel, _ = price_arcs(network, price_departures(network, zero_prices(network)))
    sorts, nights = network.sort_capacity, network.buffer_capacity
    room = Room(
        vehicles.room, sorts, nights, NEAR.beyond * per_parcel, np.maximum(0.0, step_costs.most - vehicles.room)
    )
    asked = network.demand_parcels
    answer = assign_paths(
        network, pool, asked.astype(np.float64), room, deadline.share("paths", max(2.0, 0.5 * deadline.left()))
    )
    if answer is None:
        return repeated
    used = np.minimum(np.maximum(use_paths(network, pool).arcs @ answer.parcels, vehicles.room), step_costs.most)
    flows = round_parcels(network, pool, answer.parcels, asked, (used, sorts, nights))
    load = load_network(network, flows).arcs
    return _carry(network, flows, choose_changes(network, vehicles, reference_plan, load, price), deadline)


def repeat_plan(network: TrunkNetwork, reference_plan: ReferencePlan, deadline: Deadline) -> Draft:
    """Repeat the reference as far as it goes: its departures and paths, what is left over on spare room or hired vehicles."""
    return _carry(network, reference_plan.flows, keep_vehicles(network, reference_plan, deadline), deadline)


def _carry(network: TrunkNetwork, flows: Flows, vehicles: Vehicles, deadline: Deadline) -> Draft:
    """Bring flows within the room of vehicles and hubs, and carry what that leaves over."""
    limits = (vehicles.room, network.sort_capacity, network.buffer_capacity)
    rounded = round_parcels(network, flows.pool, flows.parcels.astype(np.float64), network.demand_parcels, limits)
    draft = Draft(rounded, load_network(network, rounded), vehicles)
    return insert_shortfalls(network, draft, deadline.share("leftovers", max(deadline.left(), 5.0)))


def keep_vehicles(network: TrunkNetwork, reference_plan: ReferencePlan, deadline: Deadline) -> Vehicles:
    """Departures of the reference within today's limits, fleets, locks and balance: as few changes as that takes."""
    arc, vehicle = list_pairs(network)
    count = np.maximum(
        reference_plan.counts[vehicle, network.arc_day[arc]], network.vehicle_least[vehicle, network.arc_day[arc]]
    )
    rows = limit_rows(network, arc, vehicle)
    limit = np.minimum(
        network.vehicle_limit[vehicle, network.arc_day[arc]], network.type_fleet[network.vehicle_type[vehicle]]
    )
    use = rows.matrix @ count
    if (use < rows.low - 1e-9).any() or (use > rows.high + 1e-9).any() or (count > limit).any():
        own = network.type_own[network.vehicle_type[vehicle]]
        some = np.flatnonzero((count > 0) | own)
        count = np.zeros_like(count)
        count[some] = _nearest(network, arc[some], vehicle[some], reference_plan, limit[some], deadline)
    return tally(network, arc, vehicle, count, np.zeros(network.arcs))


def _nearest(
    network: TrunkNetwork, arc: Ints, vehicle: Ints, reference_plan: ReferencePlan, limit: Floats, deadline: Deadline
) -> Ints:
    """Whole departures within every limit, nearest to the reference; those fixed alone where no answer is found in time."""
    fixed = network.vehicle_least[vehicle, network.arc_day[arc]]
    rows = limit_rows(network, arc, vehicle)
    target = reference_plan.counts[vehicle, network.arc_day[arc]].astype(np.float64)
    width = len(arc)
    one = sparse.identity(width, format="csr")
    # of equally near ones the cheaper
    price = 1.0 + 1e-4 * network.vehicle_cost[vehicle] / max(float(network.vehicle_cost.max()), 1e-9)
    answer = solve_linear(
        LinearModel(
            np.concatenate([np.zeros(width), price, np.ones(width)]),
            sparse.bmat(
                [[one, -one, one], [rows.matrix, None, sparse.csr_matrix((rows.matrix.shape[0], width))]], format="csr"
            ),
            np.concatenate([target, rows.low]),
            np.concatenate([target, rows.high]),
            np.concatenate([fixed.astype(np.float64), np.zeros(2 * width)]),
            np.concatenate([limit, np.full(2 * width, np.inf)]),
            integer=np.concatenate([np.ones(width, dtype=np.bool_), np.zeros(2 * width, dtype=np.bool_)]),
        ),
        nodes=WORK.near_nodes,
        deadline=deadline.share("vehicles", max(deadline.left(), 20.0)),
        gap=1e-6,
    )
    if answer.values is None:
        return fixed
    return np.rint(answer.values[:width]).astype(np.int64)


def _solve_near(
    network: TrunkNetwork, reference_plan: ReferencePlan, most_changes: int | None, effort: float, deadline: Deadline
) -> Draft | None:
    """Solve the exact model with the distance from the reference bounded; a shade dearer the further away."""
    m = write_exactly(network)
    pairs, width = len(m.pair_arc), len(m.cost)
    day = network.arc_day[m.pair_arc]
    counts = np.flatnonzero(reference_plan.days[day])
    target = reference_plan.counts[m.pair_vehicle, day][counts].astype(np.float64)
    size = len(counts)
    if not size:
        return None
    dearest = float(network.vehicle_cost.max())
    here = sparse.csr_matrix((np.ones(size), (np.arange(size), width - pairs + counts)), shape=(size, width))
    one = sparse.identity(size, format="csr")
    blank = sparse.csr_matrix((m.matrix.shape[0], 2 * size + 1))
    bound = sparse.csr_matrix(np.concatenate([np.zeros(width), np.ones(2 * size), [-1.0]])[None, :])
    matrix = sparse.vstack(
        [
            sparse.hstack([m.matrix, blank]),
            sparse.hstack([here, -one, one, sparse.csr_matrix((size, 1))]),
            bound,
        ],
        format="csr",
    )
    most = np.inf if most_changes is None else float(max(0, most_changes - reference_plan.lost))
    nudge = 1e-6 * max(dearest, 1.0)
    answer = solve_linear(
        LinearModel(
            np.concatenate([m.cost, np.full(2 * size, nudge), [NEAR.beyond * dearest]]),
            matrix,
            np.concatenate([m.low, target, [-np.inf]]),
            np.concatenate([m.high, target, [most]]),
            np.concatenate([m.lower, np.zeros(2 * size + 1)]),
            np.concatenate([m.upper, np.full(2 * size + 1, np.inf)]),
            integer=np.concatenate([m.integer, np.zeros(2 * size + 1, dtype=np.bool_)]),
        ),
        nodes=count_nodes(matrix.shape[1], effort),
        deadline=deadline.share("exact model", max(1.0, 0.6 * deadline.left())),
        gap=0.0,
    )
    return None if answer.values is None else m.read(answer.values[:width])


def _search_near(
    network: TrunkNetwork,
    reference_plan: ReferencePlan,
    most_changes: int | None,
    rank: Callable[[Draft], tuple[float, int]],
    start: Draft,
    options: TrunkOptions,
    deadline: Deadline,
    progress: Progress,
) -> Iterator[Draft]:
    """Search locally from a plan while a change gets cheaper, until there are too many."""
    price = float(network.vehicle_cost.mean()) if len(network.vehicle_cost) else 0.0
    draft = start
    steps = (
        (0.0,) if most_changes is None else NEAR.steps if rank(start)[1] <= most_changes else (NEAR.beyond, *NEAR.steps)
    )
    for number, share in enumerate(steps):
        if deadline.over():
            return
        part = deadline.share("local search", deadline.left() / (len(steps) - number))
        step_costs = build_deviation_costs(network, draft.vehicles, reference_plan, share * price)
        moves = min(count_tries(network, options), int(options.effort * WORK.tries_a_path * len(draft.flows.pool)))
        try:
            flows = search_locally(
                network, draft.flows, step_costs, Tries(moves), seed=options.seed + number, deadline=part, reserve=0.0,
                progress=progress,
            )  # fmt: skip
        except KeyboardInterrupt:
            deadline.stop()
            return
        load = load_network(network, flows).arcs
        found = _carry(
            network, flows, choose_changes(network, draft.vehicles, reference_plan, load, share * price), deadline
        )
        if most_changes is not None and rank(found)[1] > max(most_changes, rank(draft)[1]):
            return
        if rank(found) < rank(draft):
            draft = found
            yield draft
