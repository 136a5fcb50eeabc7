from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
from scipy.stats import nbinom, poisson

from forecasting.intervals import negative_binomial
from forecasting.intervals.negative_binomial import exact_quantiles, negative_binomial_cdf, negative_binomial_quantiles


def test_tabled_quantiles_are_those_of_the_distribution() -> None:
    random = np.random.default_rng(0)
    mean = np.exp(random.normal(2.0, 2.5, 20_000))
    alpha = np.where(random.random(mean.size) < 0.5, 0.5, 0.1)
    levels = (0.05, 0.5, 0.95)
    found = negative_binomial_quantiles(mean, alpha, levels)
    for column in range(len(levels)):
        exact = np.where(alpha == 0.5, *(exact_quantiles(mean, value, levels)[:, column] for value in (0.5, 0.1)))
        assert np.all(np.abs(found[:, column] - exact) <= np.maximum(1.0, 0.06 * exact))
        assert np.abs(found[:, column] - exact).mean() <= 0.03 * exact.mean()


def test_quantiles_of_a_hundred_million_parcels_are_finite_and_near() -> None:
    high = exact_quantiles(np.array([1e8]), 0.01, (0.975,))[0, 0]
    assert high == pytest.approx(1e8 * (1 + 1.96 * 0.1), rel=0.01)


def test_almost_no_dispersion_is_poisson() -> None:
    mean = np.array([9.0])
    assert exact_quantiles(mean, 1e-6, (0.5,))[0, 0] == poisson.ppf(0.5, 9.0)
    # 12.4 % of the days carry more than 12 parcels, 7.4 % more than 13: the first is nearer to a tenth.
    assert exact_quantiles(mean, 1e-6, (0.9,))[0, 0] == 12


def test_no_mean_gives_no_parcels() -> None:
    assert negative_binomial_quantiles(np.zeros(3), np.ones(3), (0.9,)).tolist() == [[0.0]] * 3


def test_distribution_function_matches_and_is_zero_below_zero() -> None:
    count, mean, alpha = np.array([-1.0, 0.0, 3.0]), np.full(3, 2.5), np.full(3, 0.4)
    exact = nbinom.cdf(count, 1 / 0.4, 1 / (1 + 0.4 * 2.5))
    assert negative_binomial_cdf(count, mean, alpha) == pytest.approx(exact)


@pytest.mark.parametrize("alpha", [0.05, 0.5, 2.0])
@pytest.mark.parametrize("level", [0.05, 0.1, 0.25, 0.75, 0.9, 0.975])
def test_a_bound_leaves_a_tail_as_near_to_its_level_as_a_count_can(alpha: float, level: float) -> None:
    mean = np.array([0.3, 1.0, 2.5, 7.0, 30.0])
    found = exact_quantiles(mean, alpha, (level,))[:, 0]
    counts = np.arange(400)
    for at, middle in enumerate(mean):
        law = nbinom(1 / alpha, 1 / (1 + alpha * middle))
        tails = law.cdf(counts - 1) if level < 0.5 else law.sf(counts)
        wanted = min(level, 1 - level)
        assert abs(tails[int(found[at])] - wanted) == pytest.approx(np.abs(tails - wanted).min(), abs=1e-9)


@pytest.mark.parametrize("alpha", [1e-4, 0.03, 0.7, 9.0])
def test_quantiles_read_count_by_count_are_those_sought_one_by_one(alpha: float) -> None:
    levels = tuple((at + 0.5) / 40 for at in range(40))
    mean = np.exp(np.random.default_rng(5).uniform(-9.0, 4.5, 40))
    with patch.object(negative_binomial, "_invert", side_effect=AssertionError):
        read = exact_quantiles(mean, alpha, levels)
    with patch.object(negative_binomial, "_read_counts", return_value=None):
        np.testing.assert_array_equal(read, exact_quantiles(mean, alpha, levels))


def test_where_no_parcel_is_too_unlikely_quantiles_are_sought_one_by_one() -> None:
    with patch.object(negative_binomial, "_read_counts", wraps=negative_binomial._read_counts) as read:
        found = exact_quantiles(np.array([0.5, 900.0]), 1e-4, (0.5,))
    assert read.call_count == 1
    assert found.ravel().tolist() == nbinom.ppf(0.5, 1e4, 1e4 / (1e4 + np.array([0.5, 900.0]))).tolist()
