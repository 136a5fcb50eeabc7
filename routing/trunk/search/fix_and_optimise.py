"""Better plans in the neighbourhood of a plan: a few arcs are free, the others stay, and a mixed-integer model decides.

The model is the strong relaxation over the paths found, with whole departures (fix and optimise; Hewitt, Nemhauser,
Savelsbergh 2010). The arcs that are free are drawn in two ways in turn: all arcs of the plan with some more to be opened, or
the arcs on the paths of some demands. A neighbourhood searched to its end makes the next one larger, one that was not
smaller.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from data.arrays import Flags
from data.constants import constant
from data.progress import SILENT, Progress
from routing.budget import Deadline
from routing.solvers import LinearModel, solve_linear
from routing.trunk.bound.path_formulation import ColumnRowModel, LinearProgram
from routing.trunk.search.draft import Draft
from routing.trunk.task.effort import SHARES, WORK
from routing.trunk.task.flows import Flows, load_network, round_parcels
from routing.trunk.task.inputs import TrunkOptions
from routing.trunk.task.network import Floats, Ints
from routing.trunk.task.paths import PathPool, merge_paths
from routing.trunk.vehicles.vehicle_model import count_on_pairs, tally


@dataclass(frozen=True)
class NeighbourhoodRules:
    """How neighbourhoods are chosen, and when one is worth while."""

    worth_while: float = constant(5e-5, "1", "of the cost by which a neighbour must be cheaper", "judgement")
    first: int = constant(
        20,
        "arcs",
        "free in the first neighbourhoods besides those of the plan",
        "fitted: cost at equal seconds with 20 and 40; c40 and c50 of the fixed-charge instances, two seeds",
    )
    broad: int = constant(400, "arcs", "of a plan up to which all of them are free at once", "judgement")


NEIGHBOURHOODS = NeighbourhoodRules()


@dataclass(frozen=True, slots=True)
class _Answer:
    values: Floats | None
    finished: bool
    nodes: int


def search_neighbourhoods(
    model: ColumnRowModel,
    draft: Draft,
    reduced: Floats,
    *,
    options: TrunkOptions,
    deadline: Deadline,
    progress: Progress = SILENT,
) -> Draft:
    """Improve a plan neighbourhood by neighbourhood until all due are searched or the largest one is done.

    Parameters
    ----------
    draft
        A plan; its paths are added to the model.
    reduced : (Y,) [CNY/departure]
        Reduced costs of departures: the arcs that are nearly worth opening are drawn first.
    options
        Seed, effort, and the time limit of the whole plan, of which one neighbourhood may take a share.
    """
    model.add_paths(draft.flows.pool)
    program = model.write()
    generator = np.random.default_rng([options.seed, 303])
    arcs = model.network.arcs
    weight = _weigh(model, reduced)
    sizes = {"broad": float(NEIGHBOURHOODS.first), "narrow": float(3 * NEIGHBOURHOODS.first)}
    due = max(int(options.effort * WORK.neighbourhoods), 1)
    made = 0
    while made < due and not deadline.over():
        counts = count_on_pairs(model.network, draft.vehicles, model.arc, model.vehicle).astype(np.float64)
        opened = np.bincount(model.arc, counts, arcs) > 0
        kind = "broad" if opened.sum() <= NEIGHBOURHOODS.broad and generator.random() < 0.7 else "narrow"
        size = min(int(sizes[kind]), arcs)
        free = opened | _pick(weight, ~opened, size, generator) if kind == "broad" else _gather(model, size, generator)
        budget = deadline.share(
            "neighbourhoods", min(deadline.left(), max(1.0, SHARES.neighbourhood * options.time_limit))
        )
        try:
            answer = _solve(model, program, free, counts, draft.cost * (1 - NEIGHBOURHOODS.worth_while), budget)
            found = draft if answer.values is None else _read(model, program, answer.values, deadline)
        except KeyboardInterrupt:
            deadline.stop()
            break
        made += 1
        if found.cost < draft.cost:
            draft = found
            if model.add_paths(draft.flows.pool):
                program = model.write()
        if answer.finished and free.all():
            due = made
            break
        if answer.finished and answer.nodes < 0.3 * WORK.neighbourhood_nodes:
            sizes[kind] = min(sizes[kind] * 1.15, float(arcs))
        elif not answer.finished:
            sizes[kind] = max(sizes[kind] * 0.7, 8.0)
        progress.step(made, due, "neighbours")
    deadline.work.count("neighbourhoods", made, due)
    return draft


def _weigh(model: ColumnRowModel, reduced: Floats) -> Floats:
    """Weight of drawing each arc: high where a departure nearly pays."""
    least = np.full(model.network.arcs, np.inf)
    np.minimum.at(least, model.arc, np.maximum(reduced, 0.0))
    scale = max(float(np.abs(reduced).mean()), 1e-9) if len(reduced) else 1.0
    weight: Floats = np.exp(-np.minimum(least / scale, 50.0)) + 1e-6
    return weight


def _pick(weight: Floats, closed: Flags, size: int, generator: np.random.Generator) -> Flags:
    among = np.flatnonzero(closed)
    picked = np.zeros(len(closed), dtype=np.bool_)
    if len(among):
        chance = weight[among] / weight[among].sum()
        picked[generator.choice(among, size=min(size, len(among)), replace=False, p=chance)] = True
    return picked


def _gather(model: ColumnRowModel, size: int, generator: np.random.Generator) -> Flags:
    """Arcs on the paths of demands drawn until there are enough of them."""
    pool, arcs = model.pool, model.network.arcs
    order = np.argsort(pool.demand, kind="stable")
    bounds = np.searchsorted(pool.demand[order], np.arange(len(model.parcels) + 1))
    free = np.zeros(arcs, dtype=np.bool_)
    for k in generator.permutation(len(model.parcels)):
        for path in order[bounds[k] : bounds[k + 1]]:
            legs = pool.legs[pool.pointers[path] : pool.pointers[path + 1]]
            free[legs[legs < arcs]] = True
        if free.sum() >= size:
            break
    return free


def _solve(
    model: ColumnRowModel, program: LinearProgram, free: Flags, counts: Floats, most: float, deadline: Deadline
) -> _Answer:
    """Solve the model with whole departures, those on arcs that are not free held as they are."""
    paths, demands = program.paths, len(model.parcels)
    upper = np.where(free[model.arc], np.minimum(model.most, 1e6), counts)
    lower = np.where(free[model.arc], 0.0, counts)
    shut = np.bincount(model.arc, upper, model.network.arcs) <= 0
    pool = model.pool
    owner = np.repeat(np.arange(paths), np.diff(pool.pointers[: paths + 1]))
    legs = pool.legs[: len(owner)]
    closed = np.zeros(model.network.arcs + model.network.nodes, dtype=np.bool_)
    closed[: model.network.arcs] = shut
    keep = np.concatenate([np.bincount(owner, closed[legs], paths) == 0, np.ones(demands, dtype=np.bool_), upper > 0])
    cost = program.cost[keep]
    matrix = program.matrix[:, keep]
    low, high = program.low, program.high
    some = np.diff(matrix.indptr) > 0
    # only plans that are cheaper are looked for
    matrix = sparse.vstack([matrix[some], sparse.csr_matrix(cost)], format="csr")
    answer = solve_linear(
        LinearModel(
            cost,
            matrix,
            np.append(low[some], -np.inf),
            np.append(high[some], most),
            np.concatenate([np.zeros(paths + demands), lower])[keep],
            np.concatenate([np.full(paths + demands, np.inf), upper])[keep],
            integer=np.concatenate([np.zeros(paths + demands, dtype=np.bool_), np.ones(len(upper), dtype=np.bool_)])[
                keep
            ],
        ),
        deadline=deadline,
        nodes=WORK.neighbourhood_nodes,
        gap=1e-5,
    )
    finished = answer.optimal or (answer.values is None and answer.bound >= most)
    if answer.values is None:
        return _Answer(None, finished, answer.nodes)
    values = np.zeros(len(keep))
    values[keep] = answer.values
    return _Answer(values, finished, answer.nodes)


def _read(model: ColumnRowModel, program: LinearProgram, values: Floats, deadline: Deadline) -> Draft:
    """Make a plan of a solution: whole parcels on its paths within its departures."""
    network, paths, demands = model.network, program.paths, len(model.parcels)
    departures = np.rint(values[paths + demands :]).astype(np.int64)
    parcels = np.maximum(values[:paths], 0.0)
    vehicles = tally(network, model.arc, model.vehicle, departures, np.zeros(network.arcs))
    limits = (vehicles.room, network.sort_capacity, network.buffer_capacity)
    pool = PathPool(
        model.pool.demand[:paths], model.pool.pointers[: paths + 1], model.pool.legs[: model.pool.pointers[paths]]
    )
    flows = round_parcels(network, pool, parcels, network.demand_parcels, limits)
    allowed = int(np.ceil(values[paths : paths + demands].sum() - 1e-6))
    if int(flows.short(network).sum()) > allowed and not deadline.over():
        whole = _spread_whole(model, program, departures, deadline)
        if whole is not None:
            flows = round_parcels(network, pool, whole, network.demand_parcels, limits)
    tidy, place = merge_paths(network, [flows.pool])
    flows = Flows(tidy, np.rint(np.bincount(place, flows.parcels, len(tidy))).astype(np.int64))
    return Draft(flows, load_network(network, flows), vehicles)


def _spread_whole(model: ColumnRowModel, program: LinearProgram, departures: Ints, deadline: Deadline) -> Floats | None:
    """Spread whole parcels over the paths for given departures."""
    paths, demands = program.paths, len(model.parcels)
    fixed = departures.astype(np.float64)
    answer = solve_linear(
        LinearModel(
            program.cost,
            program.matrix,
            program.low,
            program.high,
            np.concatenate([np.zeros(paths + demands), fixed]),
            np.concatenate([np.full(paths + demands, np.inf), fixed]),
            integer=np.ones(len(program.cost), dtype=np.bool_),
        ),
        deadline=deadline.share("neighbourhoods", deadline.left()),
        nodes=WORK.neighbourhood_nodes,
        gap=1e-5,
    )
    return None if answer.values is None else answer.values[:paths]
