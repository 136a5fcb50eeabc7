"""Prices that climb where every item has stock of its own: never above the linear problem, close to it, and plans within all limits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from routing.budget import Deadline
from routing.stock.dual import assign, climb
from routing.stock.milp import solve_pairs
from routing.stock.model import LocationProblem, round_units
from routing.stock.solver import solve_location
from tests.routing.stock_cases import make_problem


def make_stocked(seed: int, *, items: int = 40, zones: int = 8, sites: int = 6, tight: float = 1.2) -> LocationProblem:
    """Every item stands in two warehouses with a part of what is wanted; room is short in some, dispatch in one."""
    random = np.random.default_rng(seed)
    demand = np.round(random.lognormal(3.0, 1.0, (items, zones)))
    there = np.zeros((items, sites))
    for _ in range(2):
        at = random.integers(0, sites, items)
        there[np.arange(items), at] += np.round(demand.sum(axis=1) * random.uniform(0.1, 0.5, items))
    near = random.uniform(1, 8, (zones, sites))
    room = np.round(random.uniform(0.5, 1.5, sites) * demand.sum() * tight / sites)
    dispatch = np.full(sites, np.inf)
    dispatch[0] = round(0.1 * 0.8 * demand.sum() / sites)
    return LocationProblem(
        demand=demand.ravel(),
        cost=np.tile(near, (items, 1)),
        load=np.full(items * zones, 0.1),
        short_cost=np.full(items * zones, 30.0),
        family=np.repeat(np.arange(items), zones),
        inbound=random.uniform(0.1, 2.0, (items, sites)),
        there=there,
        storage=there.sum(axis=0) + room,
        dispatch=dispatch,
        opening=np.round(random.uniform(5, 40, sites)),
    )


def everywhere(problem: LocationProblem) -> np.ndarray:
    return np.isfinite(problem.cost) & (problem.demand > 0)[:, None]


@pytest.mark.parametrize("seed", range(4))
def test_the_bound_is_below_the_linear_problem_and_close_to_it(seed: int) -> None:
    problem = make_stocked(seed)
    prices = climb(problem, everywhere(problem), Deadline(60.0))
    least = solve_pairs(problem, everywhere(problem), deadline=Deadline(60.0), nodes=1, relaxed=True).bound
    assert prices.bound <= least * (1 + 1e-9)
    assert prices.bound >= 0.98 * least
    assert (prices.stock <= problem.inbound + prices.room + 1e-9).all()


@pytest.mark.parametrize("seed", range(4))
def test_what_is_assigned_keeps_all_limits_and_what_is_left_finds_room(seed: int) -> None:
    problem = make_stocked(seed)
    allowed = everywhere(problem)
    prices = climb(problem, allowed, Deadline(60.0))
    units = assign(problem, allowed, prices)
    whole = round_units(problem, units, np.ones(len(problem.storage), dtype=bool))
    for sent in (units, whole):
        assert (problem.bring_in(sent).sum(axis=0) <= problem.room + 1e-9).all()
        assert (problem.load @ sent <= problem.dispatch + 1e-9).all()
        assert (sent.sum(axis=1) <= problem.demand + 1e-9).all()
    assert whole.sum() == problem.demand.sum()  # there is room for all
    assert problem.reckon(whole) <= 1.05 * prices.bound


def test_stock_at_hand_is_priced_by_hand() -> None:
    """Two zones of ten units; eight units stand in the near warehouse, bringing in costs 5: the price is what the dearer zone saves."""
    problem = make_problem(
        [10.0, 10.0], [[1.0, 4.0], [1.0, 3.0]], storage=[8.0, 100.0], family=[0, 0], inbound=[[5.0, 5.0]], there=[[8.0, 0.0]]
    )  # fmt: skip
    prices = climb(problem, everywhere(problem), Deadline(60.0))
    # eight of the first zone from stock, the other twelve brought to the second: 8 + 2 x 9 + 10 x 8
    assert prices.bound == pytest.approx(106.0, rel=2e-3)
    assert prices.stock[0, 0] == pytest.approx(8.0, abs=0.3)


def test_large_problems_take_this_way(monkeypatch: pytest.MonkeyPatch) -> None:
    from routing.stock import solver

    monkeypatch.setattr(solver, "SOLVER", replace(solver.SOLVER, most_groups=10))
    problem = make_stocked(7)
    found = solve_location(problem, most_pairs=10)
    assert found.units.sum() == problem.demand.sum()
    assert (found.cost - found.lower_bound) / found.cost <= 0.05
