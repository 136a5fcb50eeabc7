"""Weights of the members by hand-made errors."""

from __future__ import annotations

import numpy as np
import pytest

from forecasting.routes.combination import choose_share, choose_weights, combine, lead_block, measure_members, mix

CLASSES = np.array([4, 4])


def test_blocks_of_leads() -> None:
    assert lead_block(16).tolist() == [0] * 3 + [1] * 4 + [2] * 7 + [3] * 2


def test_the_better_member_weighs_more_and_none_vanishes() -> None:
    actual = np.full((2, 7), 100.0)
    members = {"good": actual * 1.1, "poor": actual * 1.5}
    weights = choose_weights([measure_members(members, actual, CLASSES, np.ones(7))], list(members))
    np.testing.assert_allclose(weights.sum(axis=-1), 1.0)
    assert weights[4, 0, 0] > 0.85
    assert weights[4, 0, 1] >= 0.1 - 1e-9
    assert choose_weights([], list(members))[0, 0].tolist() == [0.5, 0.5]


def test_a_member_without_error_does_not_break_the_weights() -> None:
    actual = np.full((2, 7), 100.0)
    weights = choose_weights([measure_members({"a": actual, "b": actual}, actual, CLASSES, np.ones(7))], ["a", "b"])
    np.testing.assert_allclose(weights, 0.5)


def test_event_days_count_less() -> None:
    actual = np.full((2, 2), 100.0)
    members = {"a": np.array([[100.0, 300.0]] * 2)}
    errors = measure_members(members, actual, CLASSES, np.array([1.0, 0.1]))
    assert errors.error.sum() == pytest.approx(2 * 0.1 * 200)


def test_days_and_their_sum_count_alike() -> None:
    """Errors of 30 on two days that cancel in the block's sum cost half of two that add up."""
    actual = np.full((2, 2), 100.0)
    cancelling = {"a": np.array([[130.0, 70.0]] * 2)}
    adding = {"a": np.array([[130.0, 130.0]] * 2)}
    costs = [measure_members(said, actual, CLASSES, np.ones(2)).error.sum() for said in (cancelling, adding)]
    assert costs == pytest.approx([2 * 30.0, 2 * 60.0])


def _share(first: float, second: float, handicap: float = 0.0) -> float:
    actual = np.full((2, 7), 100.0)
    mixtures = mix(np.full_like(actual, first), np.full_like(actual, second))
    return float(choose_share([measure_members(mixtures, actual, CLASSES, np.ones(7))], handicap)[4, 0, 1])


def test_the_share_of_two_forecasts_is_found_by_their_mixtures() -> None:
    assert _share(150.0, 100.0) == pytest.approx(1.0, abs=1e-3)
    assert _share(100.0, 150.0) == pytest.approx(0.0, abs=1e-3)
    # One is 20 too high and one 30 too low: two fifths of the second make it right, though it is the poorer of the two.
    assert _share(120.0, 70.0) == pytest.approx(0.4, abs=1e-3)


def test_a_handicap_gives_the_second_a_part_of_what_the_first_won() -> None:
    assert _share(100.0, 150.0, handicap=0.5) == pytest.approx(0.5, abs=1e-3)
    assert choose_share([], handicap=0.5)[0, 0].tolist() == pytest.approx([0.5, 0.5])


def test_the_combination_is_the_weighted_mean() -> None:
    members = {"a": np.full((2, 3), 10.0), "b": np.full((2, 3), 30.0)}
    weights = np.zeros((6, 4, 2))
    weights[..., 0], weights[..., 1] = 0.25, 0.75
    np.testing.assert_allclose(combine(members, weights, CLASSES), 25.0)
