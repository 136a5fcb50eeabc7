"""The location solver: optimal on small problems, within limits and above its bound on all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.budget import Deadline
from routing.stock.milp import solve_pairs
from routing.stock.model import LocationPlan, LocationProblem, round_units
from routing.stock.prices import find_prices, prove
from routing.stock.solver import open_enough, solve_location
from tests.routing.stock_cases import make_problem, random_problem, try_everything


def assert_holds(problem: LocationProblem, plan: LocationPlan) -> None:
    """The plan keeps every limit, and its cost lies at or above its bound."""
    units = plan.units
    assert (units >= 0).all()
    assert (units.sum(axis=1) <= problem.demand + 1e-9).all()
    assert (problem.bring_in(units).sum(axis=0) <= problem.room + 1e-9).all()
    assert (problem.load @ units <= problem.dispatch * (1 + 1e-9) + 1e-9).all()
    assert units[~np.isfinite(problem.cost)].sum() == 0
    assert plan.lower_bound <= plan.cost + 1e-9
    assert plan.cost == pytest.approx(problem.reckon(units))


def test_each_group_goes_to_its_cheapest_warehouse_when_there_is_room() -> None:
    problem = make_problem([10, 20], [[1, 5], [5, 1]], storage=[100, 100])
    plan = solve_location(problem)
    assert plan.units.tolist() == [[10, 0], [0, 20]]
    assert plan.cost == pytest.approx(30)
    assert plan.lower_bound == pytest.approx(30)


def test_opening_cost_closes_a_warehouse_that_does_not_pay() -> None:
    # the second warehouse saves 4 x 20 = 80 and costs 81
    problem = make_problem([10, 20], [[1, 5], [5, 1]], storage=[100, 100], opening=[0, 81])
    assert solve_location(problem).units.tolist() == [[10, 0], [20, 0]]
    problem = make_problem([10, 20], [[1, 5], [5, 1]], storage=[100, 100], opening=[0, 79])
    assert solve_location(problem).units.tolist() == [[10, 0], [0, 20]]


def test_full_storage_sends_the_rest_elsewhere_and_what_has_no_room_is_short() -> None:
    problem = make_problem([30], [[1, 5]], storage=[10, 15], short_cost=50)
    plan = solve_location(problem)
    assert plan.units.tolist() == [[10, 15]]
    assert plan.cost == pytest.approx(10 + 75 + 5 * 50)


def test_dispatch_bounds_what_a_warehouse_takes() -> None:
    problem = make_problem([30], [[1, 5]], storage=[100, 100], dispatch=[6, 100], load=0.5)
    assert solve_location(problem).units.tolist() == [[12, 18]]


def test_stock_at_hand_is_used_before_more_is_brought_in() -> None:
    # bringing in costs 3: the far warehouse is cheaper for the 8 units it holds, dearer for more
    problem = make_problem([20], [[1, 2]], storage=[100, 100], inbound=[[3, 3]], there=[[0, 8]])
    plan = solve_location(problem)
    assert plan.units.tolist() == [[12, 8]]
    assert plan.cost == pytest.approx(12 * 4 + 8 * 2)


def test_stock_of_others_takes_room() -> None:
    # warehouse 0 holds 90 of family 1, so family 0 may bring in 10
    problem = make_problem(
        [30, 0], [[1, 5], [1, 5]], storage=[100, 100], family=[0, 1], there=[[0, 0], [90, 0]], inbound=[[0, 0], [0, 0]]
    )
    assert solve_location(problem).units.tolist() == [[10, 20], [0, 0]]


def test_unit_that_costs_more_than_it_is_worth_stays_short() -> None:
    problem = make_problem([5, 5], [[1, np.inf], [np.inf, 200]], storage=[100, 100])
    plan = solve_location(problem)
    assert plan.units.tolist() == [[5, 0], [0, 0]]
    assert plan.cost == pytest.approx(5 + 500)


def test_no_demand_costs_nothing() -> None:
    plan = solve_location(make_problem([0, 0], [[1, 1], [1, 1]], storage=[10, 10], opening=[5, 5]))
    assert plan.cost == plan.lower_bound == 0


@pytest.mark.parametrize("seed", range(6))
def test_small_problems_equal_the_best_of_all_sets_of_warehouses(seed: int) -> None:
    problem = random_problem(seed, 8, 4, families=2, tight=1.2 + 0.1 * seed)
    best = try_everything(problem)
    relaxed = solve_pairs(problem, np.ones(problem.cost.shape, dtype=bool), deadline=Deadline(30), nodes=1000)
    assert problem.reckon(relaxed.units) == pytest.approx(best, rel=1e-6)
    assert relaxed.bound == pytest.approx(best, rel=1e-4)
    plan = solve_location(problem)
    assert_holds(problem, plan)
    # whole units may cost a little more than the fractions of the dispatch limit
    assert best - 1e-6 <= plan.cost <= best * 1.01 + 60


@pytest.mark.parametrize("opening", [True, False])
def test_decomposition_comes_close_to_the_whole_problem(opening: bool) -> None:
    problem = random_problem(3, 120, 20, families=3, opening=opening)
    whole = solve_location(problem)
    parted = solve_location(problem, most_pairs=0)
    assert_holds(problem, whole)
    assert_holds(problem, parted)
    assert parted.lower_bound <= whole.cost
    assert parted.cost <= whole.cost * 1.005
    assert parted.lower_bound >= whole.lower_bound * (0.95 if opening else 0.999)


def test_any_prices_prove_a_bound() -> None:
    problem = random_problem(5, 12, 4, families=2)
    best = try_everything(problem)
    random = np.random.default_rng(0)
    allowed = np.isfinite(problem.cost)
    for _ in range(50):
        prices = prove(
            problem,
            allowed,
            random.uniform(-5, problem.short_cost),
            random.uniform(0, 5, 4),
            random.uniform(0, problem.inbound),
        )
        assert prices.bound <= best + 1e-6
    found, kept, _ = find_prices(problem, allowed, Deadline(10))
    assert 0.8 * best <= found.bound <= best + 1e-6
    assert not (kept & ~allowed).any()


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    groups=st.integers(1, 12),
    places=st.integers(1, 5),
    families=st.integers(1, 3),
    opening=st.booleans(),
    tight=st.floats(0.2, 3.0),
)
def test_every_plan_keeps_its_limits(
    seed: int, groups: int, places: int, families: int, opening: bool, tight: float
) -> None:
    problem = random_problem(seed, groups, places, families=families, opening=opening, tight=tight)
    plan = solve_location(problem)
    assert_holds(problem, plan)
    assert (plan.units == np.round(plan.units)).all()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), groups=st.integers(1, 10), places=st.integers(1, 4), tight=st.floats(0.1, 2.0))
def test_rounding_keeps_limits_whatever_it_is_given(seed: int, groups: int, places: int, tight: float) -> None:
    problem = random_problem(seed, groups, places, families=2, opening=False, tight=tight)
    random = np.random.default_rng(seed)
    wild = problem.demand[:, None] * random.dirichlet(np.ones(places), groups)
    whole = round_units(problem, wild)
    assert (whole >= 0).all()
    assert (whole == np.round(whole)).all()
    assert (whole.sum(axis=1) <= problem.demand).all()
    assert (problem.bring_in(whole).sum(axis=0) <= problem.room).all()
    assert (problem.load @ whole <= problem.dispatch * (1 + 1e-9) + 1e-9).all()


def test_where_prices_open_too_little_all_warehouses_are_opened() -> None:
    problem = make_problem([30, 20], [[1, 5], [5, 1]], storage=[40, 40], opening=[5.0, 5.0])
    assert open_enough(problem, np.array([True, False])).tolist() == [True, True]
    assert open_enough(problem, np.array([False, False])).tolist() == [True, True]
    large = make_problem([30, 5], [[1, 5], [5, 1]], storage=[40, 40], opening=[5.0, 5.0])
    assert open_enough(large, np.array([True, False])).tolist() == [True, False]
    # what stands there already counts
    there = make_problem([30, 20], [[1, 5], [5, 1]], storage=[40, 40], there=[[15, 0]], opening=[5.0, 5.0])
    assert open_enough(there, np.array([True, False])).tolist() == [True, True]
