"""Solves the location problem with OR-Tools: whole at once while it is small, by prices and pairs beyond, always with a bound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.arrays import Floats
from data.constants import constant
from data.progress import SILENT, Progress
from routing.budget import Deadline
from routing.solvers import HIGHS_ONCE
from routing.stock.dual import assign, climb
from routing.stock.milp import solve_pairs
from routing.stock.model import LocationPlan, LocationProblem, round_units
from routing.stock.prices import find_prices


@dataclass(frozen=True)
class SolverRules:
    """Up to which size a location problem is solved whole, and what is tried beyond."""

    most_pairs: int = constant(
        20_000, "pairs", "of group and warehouse up to which one MILP proves its answer within seconds", "judgement"
    )
    most_kept: int = constant(
        40_000, "pairs", "kept by the prices, up to which a MILP over them still helps", "judgement"
    )
    most_groups: int = constant(
        40_000,
        "groups",
        "up to which the linear problem over their best pairs is solved; beyond, prices climb",
        "judgement",
    )
    climbing: float = constant(0.6, "1", "of the time left: prices that climb", "judgement")
    nodes: int = constant(20_000, "nodes", "of branch and bound for one model at effort 1", "judgement")
    seconds: float = constant(600.0, "s", "emergency brake where none is given", "judgement")
    open_shares: tuple[float, ...] = constant(
        (0.02, 0.1, 0.25, 0.5, 0.75),
        "1",
        "how far the linear problem opens a warehouse at least: each is tried, with those as open",
        "judgement",
    )
    prices: float = constant(0.5, "1", "of the time left: the prices", "judgement")
    choosing: float = constant(
        0.3, "1", "of the time left that may be gone before no further set of warehouses is tried", "judgement"
    )
    one_choice: float = constant(0.1, "1", "of the time left that one of them has at least", "judgement")


SOLVER = SolverRules()


def solve_location(
    problem: LocationProblem,
    *,
    effort: float = 1.0,
    deadline: Deadline | None = None,
    most_pairs: int = SOLVER.most_pairs,
    progress: Progress = SILENT,
) -> LocationPlan:
    """Place stock at least cost.

    Parameters
    ----------
    problem
        Demand, costs and limits.
    effort
        Scale of the nodes of branch and bound that a model is given.
    deadline
        Emergency brake, after which the best plan so far is the answer; told when it cuts in.
    most_pairs
        Group-warehouse pairs beyond which the problem is decomposed.
    progress
        Told how far it is.

    Returns
    -------
    LocationPlan
        A plan within all limits (what has no room is short) and a proven lower bound.
    """
    allowed = np.isfinite(problem.cost) & (problem.demand > 0)[:, None]
    deadline = deadline or Deadline(SOLVER.seconds)
    nodes = max(int(effort * SOLVER.nodes), 1)
    progress.step(0, 3, "placing stock")
    if np.count_nonzero(allowed) <= most_pairs:
        limit = deadline.share("placing stock", deadline.left())
        solved = solve_pairs(problem, allowed, deadline=limit, nodes=nodes, solver=HIGHS_ONCE)
        plans, bound = [solved.units], solved.bound
    elif np.count_nonzero(allowed.any(axis=1)) > SOLVER.most_groups and _is_whole(problem):
        plans, bound = _climb(problem, allowed, deadline, progress)
    else:
        plans, bound = _decompose(problem, allowed, deadline, nodes, progress)
    progress.step(2, 3, "rounding to whole units")
    if _is_whole(problem):
        plans = [round_units(problem, units) for units in plans]
    best = min(plans, key=problem.reckon)
    progress.step(3, 3)
    return LocationPlan(units=best, cost=problem.reckon(best), lower_bound=min(bound, problem.reckon(best)))


def _is_whole(problem: LocationProblem) -> bool:
    limits = (problem.demand, problem.storage, problem.there)
    return all(bool(np.all(a[np.isfinite(a)] == np.round(a[np.isfinite(a)]))) for a in limits)


def _climb(
    problem: LocationProblem, allowed: NDArray[np.bool_], deadline: Deadline, progress: Progress
) -> tuple[list[Floats], float]:
    """Prove a bound by prices that climb, then send each group from where it costs least at them; what does not fit goes where there is room."""
    prices = climb(problem, allowed, deadline.share("prices of stock", SOLVER.climbing * deadline.left()))
    progress.step(1, 3, "choosing warehouses")
    units = assign(problem, allowed, prices)
    opened = open_enough(problem, (units.sum(axis=0) > 0) | (problem.opening <= 0))
    return [round_units(problem, units, opened)], prices.bound


def _decompose(
    problem: LocationProblem, allowed: NDArray[np.bool_], deadline: Deadline, nodes: int, progress: Progress
) -> tuple[list[Floats], float]:
    """Prove a bound by prices, then plan over the pairs that matter: with the warehouses the bound suggests, and by MILP."""
    whole = deadline.left()
    prices, candidates, relaxed = find_prices(
        problem, allowed, deadline.share("prices of stock", SOLVER.prices * whole)
    )
    progress.step(1, 3, "choosing warehouses")
    free = problem.opening <= 0
    # a plan there is in any case, whatever time is left for better ones
    plans = (
        [round_units(problem, np.zeros(problem.cost.shape), open_enough(problem, free | prices.opened))]
        if _is_whole(problem)
        else []
    )
    tried: set[bytes] = set()
    for share in SOLVER.open_shares:
        opened = free | (relaxed.open_share >= share) | (prices.opened if share == SOLVER.open_shares[0] else False)
        if opened.tobytes() in tried or (tried and deadline.over(SOLVER.choosing * whole)):
            continue
        tried.add(opened.tobytes())
        limit = deadline.share("choosing warehouses", max(deadline.left(), SOLVER.one_choice * whole))
        plans.append(solve_pairs(problem, candidates, deadline=limit, nodes=nodes, opened=opened).units)
        if bool(free.all()):
            return plans, prices.bound
    if np.count_nonzero(candidates) <= SOLVER.most_kept and not deadline.over():
        limit = deadline.share("choosing warehouses", deadline.left())
        plans.append(solve_pairs(problem, candidates, deadline=limit, nodes=nodes).units)
    return plans, prices.bound


def open_enough(problem: LocationProblem, opened: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Open all warehouses where those that prices open hold too little: without room units cost more than any opening."""
    holds = problem.room + problem.there.sum(axis=0)
    return opened if holds[opened].sum() >= problem.demand.sum() else np.ones_like(opened)
