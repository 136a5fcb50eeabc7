"""The newsvendor by hand, against its closed form, and its direction."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.capacity.newsvendor import Prices, commit_vehicles, expect_costs

ONE_TO_TEN = np.arange(1.0, 11.0)[None, :]  # one day, each need from 1 to 10 as likely


def test_the_critical_ratio_is_the_quantile_to_commit() -> None:
    # premium 300 against idle 100: the 75 % quantile, the least q with P(D <= q) >= 0.75
    prices = Prices(premium=300.0, idle=100.0)
    assert prices.critical_ratio == 0.75
    assert commit_vehicles(ONE_TO_TEN, prices) == 8


def test_costs_by_hand() -> None:
    # needs 2 and 6, five committed: one day 3 idle at 10, the other 1 hired at 30
    few, many = expect_costs(np.array([5.0]), np.array([[2.0, 6.0]]), Prices(premium=30.0, idle=10.0))
    assert (few[0], many[0]) == (15.0, 15.0)
    # two days cost twice
    few, many = expect_costs(np.array([5.0]), np.array([[2.0, 6.0]] * 2), Prices(premium=30.0, idle=10.0))
    assert (few[0], many[0]) == (30.0, 30.0)


def test_what_cannot_be_hired_comes_late() -> None:
    # need 10, committed 4, 3 to hire at 30, the other 3 late at 100
    few, _ = expect_costs(np.array([4.0]), np.array([[10.0]]), Prices(premium=30.0, idle=10.0, late=100.0, supply=3.0))
    assert few[0] == 3 * 30 + 3 * 100


def test_scarce_hire_asks_for_more_contracts() -> None:
    plenty = Prices(premium=30.0, idle=90.0, late=1000.0)
    scarce = Prices(premium=30.0, idle=90.0, late=1000.0, supply=2.0)
    assert commit_vehicles(ONE_TO_TEN, plenty) == 3
    # beyond q + 2 each missing one costs 1000: P(D > q + 2) has to fall to about 90 / 970
    assert commit_vehicles(ONE_TO_TEN, scarce) > 6


def test_days_are_one_mixture() -> None:
    # a quiet day that needs 2 and a peak that needs 10, premium = idle: either of 2 to 10 costs the same, the least is told
    assert commit_vehicles(np.array([[2.0], [10.0]]), Prices(premium=1.0, idle=1.0)) == 2
    assert commit_vehicles(np.array([[2.0], [10.0], [10.0]]), Prices(premium=1.0, idle=1.0)) == 10


def test_nothing_is_hired_where_nothing_can_be() -> None:
    assert commit_vehicles(ONE_TO_TEN, Prices(premium=1.0, idle=5.0, supply=0.0)) == 10
    assert commit_vehicles(np.zeros((1, 3)), Prices(premium=1.0, idle=5.0)) == 0


@pytest.mark.parametrize("wrong", [{"premium": -1.0}, {"idle": -1.0}, {"late": 1.0}, {"supply": -1.0}])
def test_prices_without_a_least_cost_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="0 or more"):
        Prices(**({"premium": 5.0, "idle": 1.0} | wrong))


NEEDS = st.lists(st.integers(0, 60), min_size=1, max_size=30)


@given(
    needs=NEEDS, premium=st.floats(0.1, 50), idle=st.floats(0.1, 50), late=st.floats(0, 500), supply=st.integers(0, 20)
)
def test_no_other_number_costs_less(needs: list[int], premium: float, idle: float, late: float, supply: int) -> None:
    prices = Prices(premium, idle, premium + late, float(supply))
    samples = np.array([needs], dtype=np.float64)
    chosen = commit_vehicles(samples, prices)
    few, many = expect_costs(np.arange(max(needs) + 2, dtype=np.float64), samples, prices)
    cost = few + many
    assert cost[chosen] <= cost.min() + 1e-6


@given(needs=NEEDS, premium=st.floats(0.1, 50), idle=st.floats(0.1, 50))
def test_with_enough_to_hire_it_is_the_closed_form(needs: list[int], premium: float, idle: float) -> None:
    prices = Prices(premium, idle)
    chosen = commit_vehicles(np.array([needs], dtype=np.float64), prices)
    reached = np.mean(np.array(needs) <= chosen)
    before = np.mean(np.array(needs) <= chosen - 1) if chosen else 0.0
    assert before - 1e-6 <= prices.critical_ratio <= reached + 1e-6 or chosen == 0
    assert reached >= prices.critical_ratio - 1e-6


@given(needs=NEEDS, premium=st.floats(0.1, 50), idle=st.floats(0.1, 50), dearer=st.floats(1, 5))
def test_dearer_hire_never_asks_for_fewer(needs: list[int], premium: float, idle: float, dearer: float) -> None:
    samples = np.array([needs], dtype=np.float64)
    assert commit_vehicles(samples, Prices(premium * dearer, idle)) >= commit_vehicles(samples, Prices(premium, idle))
