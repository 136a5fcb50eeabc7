from __future__ import annotations

import numpy as np
import pytest

from forecasting.routes.near_path import (
    exponential_smoothing,
    fade,
    hold_components,
    hold_smoothing,
    squared_errors,
    unobserved_components,
)

WEEK = np.array([1.2, 1.1, 1.0, 1.0, 1.1, 0.9, 0.7])
DATES = np.arange("2024-01-01", "2024-09-01", dtype="datetime64[D]")


def total(days: int) -> np.ndarray:
    level = np.cumsum(np.random.default_rng(3).normal(0.0, 0.05, DATES.size))
    return np.asarray(1000.0 * WEEK[np.arange(DATES.size) % 7] * np.exp(level))[:days]


@pytest.mark.parametrize(
    ("path", "hold"), [(exponential_smoothing, hold_smoothing), (unobserved_components, hold_components)]
)
def test_held_parameters_read_the_days_since_and_are_fitted_once(path: object, hold: object) -> None:
    assert callable(path)
    assert callable(hold)
    held = hold(total(150))
    np.testing.assert_array_equal(held(total(150), DATES[:150], 7), path(total(150), DATES[:150], 7))
    later = total(164)
    later[-7:] *= 2.0
    # The level follows the doubled week, though nothing was fitted on it.
    assert held(later, DATES[:164], 7).sum() > 1.2 * held(total(164), DATES[:164], 7).sum()
    np.testing.assert_allclose(held(total(164), DATES[:164], 7), path(total(164), DATES[:164], 7), rtol=0.05)


def test_the_near_path_fades_from_all_to_nothing() -> None:
    np.testing.assert_allclose(fade(7.0, 15)[[0, 7, 14]], [1.0, np.exp(-1.0), np.exp(-2.0)])
    assert not fade(0.0, 5).any()


def test_the_grid_of_starts_is_gone_through_as_statsmodels_does_one_by_one() -> None:
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    logs = np.log(total(120))
    model = ExponentialSmoothing(
        logs, trend="add", damped_trend=True, seasonal="add", seasonal_periods=7, initialization_method="heuristic"
    )
    tried = np.array([[0.1, 0.5, 0.9], [0.0, 0.3, 0.8], [0.4, 0.2, 0.05]])
    expected = [model.fit(*smoothing, 0.99, optimized=False).sse for smoothing in tried.T.tolist()]
    np.testing.assert_allclose(squared_errors(logs, model.initial_values(), 0.99, tried), expected, rtol=1e-9)
    by_itself = np.exp(model.fit().forecast(9))
    np.testing.assert_array_equal(exponential_smoothing(total(120), DATES[:120], 9), by_itself)
