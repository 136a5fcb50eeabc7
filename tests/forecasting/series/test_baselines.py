"""Baselines on series whose forecast can be said beforehand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from forecasting.routes.members import forecast_members
from forecasting.series.baselines import (
    adida,
    day_of_week_mean,
    decaying_level,
    level_profile,
    seasonal_naive,
    tsb,
    weekday_profile,
)

WEEK = np.array([3, 5, 7, 9, 11, 2, 1], dtype=np.float32)


def test_seasonal_naive_repeats_the_last_week() -> None:
    history = np.vstack([np.r_[np.zeros(5), WEEK]]).astype(np.float32)
    assert seasonal_naive(history, 9).tolist() == [[3, 5, 7, 9, 11, 2, 1, 3, 5]]


def test_day_of_week_mean_meets_weekdays_from_the_end() -> None:
    history = np.hstack([[100.0], WEEK, WEEK + 2])[None, :].astype(np.float32)
    assert day_of_week_mean(history, 7, weeks=2).tolist() == [(WEEK + 1).tolist()]


def test_decaying_level_by_hand() -> None:
    history = np.array([[0, 0, 0, 8]], dtype=np.float32)
    assert decaying_level(history, 1.0)[0, 0] == pytest.approx(8 / (1 + 0.5 + 0.25 + 0.125))


def test_a_young_series_is_averaged_over_its_own_days() -> None:
    history = np.array([[0, 0, 6, 6]], dtype=np.float32)
    assert decaying_level(history, 1.0, born=np.array([2]))[0, 0] == pytest.approx(6.0)


def test_profile_of_a_steady_week_is_found() -> None:
    history = np.tile(WEEK, (2, 8))
    np.testing.assert_allclose(weekday_profile(history)[0], WEEK / WEEK.mean(), rtol=1e-5)
    np.testing.assert_allclose(level_profile(history, 7, 7.0).sum(), 2 * WEEK.sum(), rtol=0.05)


def test_tsb_lets_a_dead_route_die_and_croston_would_not() -> None:
    history = np.zeros((1, 120), dtype=np.float32)
    history[0, :60] = 50
    assert tsb(history, 7).max() < 1.0


def test_adida_keeps_a_constant() -> None:
    np.testing.assert_allclose(adida(np.full((1, 70), 4.0, dtype=np.float32), 10), 4.0, rtol=1e-5)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 80).flatmap(
        lambda days: arrays(np.float32, (3, days), elements=st.floats(0, 1e5, width=32, allow_subnormal=False))
    ),
    st.integers(1, 40),
)
def test_members_give_finite_parcels_for_any_history(history: np.ndarray, horizon: int) -> None:
    for name, forecast in forecast_members(history, horizon).items():
        assert forecast.shape == (3, horizon), name
        assert np.isfinite(forecast).all(), name
        assert forecast.min() >= 0, name
    days = history.shape[1]
    naive, mean = seasonal_naive(history, horizon), day_of_week_mean(history, horizon, weeks=3)
    for ahead in range(horizon if days >= 7 else 0):
        same_weekday = [days - 7 + ahead % 7 - 7 * back for back in range(min(3, days // 7))]
        np.testing.assert_array_equal(naive[:, ahead], history[:, same_weekday[0]])
        np.testing.assert_allclose(mean[:, ahead], history[:, same_weekday].mean(axis=1), rtol=1e-4, atol=1e-3)
