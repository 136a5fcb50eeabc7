"""Inner backtests: where they cut the history, and the errors they leave for the intervals."""

from __future__ import annotations

import numpy as np
import pytest

from forecasting.history.cleaning import clean_history
from forecasting.history.silent_history import SilentHistory
from forecasting.inputs import no_events
from forecasting.routes import inner_backtests
from forecasting.routes.inner_backtests import BacktestRules, choose_cutoffs, recent_volume, sample_errors
from forecasting.series.panel import Membership, days_from


def test_cutoffs_leave_a_month_before_and_something_after() -> None:
    assert choose_cutoffs(60, 14, 8) == [53, 46, 32]
    assert choose_cutoffs(20, 14, 8) == []
    assert choose_cutoffs(700, 28, 8, routes=9_000) == [693, 672, 644, 616]


def test_recent_volume_is_the_mean_of_four_weeks_or_of_what_there_is() -> None:
    history = np.array([[100.0] * 30 + [1.0] * 28, [2.0] * 58], dtype=np.float32)
    assert recent_volume(history).tolist() == [1.0, 2.0]
    assert recent_volume(history[:, :0]).tolist() == [0.0, 0.0]


def test_errors_are_sampled_by_level_and_days_never_loaded_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    parcels = np.full((4, 60), 50.0, dtype=np.float32)
    parcels[:, 55] = 0.0
    dates = days_from(np.datetime64("2024-01-01"), 60)
    unknown = np.arange(60) == 55
    clean = clean_history(parcels, dates, 7, no_events(), {}, silent=SilentHistory(unknown))
    assert clean.filled[55]
    np.testing.assert_allclose(clean.parcels[:, 55], 50.0, rtol=1e-3)
    forecasts = {53: np.full((4, 7), 40.0, dtype=np.float32)}
    hubs = Membership(np.array([0, 0, 1, 1]), ("a", "b"))
    samples = sample_errors(clean, parcels, forecasts, 7, {"hub": [hubs]})
    assert [(sample.level, sample.actual.size) for sample in samples] == [("route", 4 * 6), ("hub", 2 * 6)]
    np.testing.assert_allclose(samples[1].actual, 100.0)
    np.testing.assert_allclose(samples[1].mean, 80.0, rtol=1e-3)
    monkeypatch.setattr(inner_backtests, "BACKTESTS", BacktestRules(most_sampled=2))
    assert sample_errors(clean, parcels, forecasts, 7, {})[0].actual.size == 2 * 6


def test_cells_that_were_put_there_are_no_errors_and_neither_are_sums_made_of_them() -> None:
    parcels = np.full((4, 60), 50.0, dtype=np.float32)
    dates = days_from(np.datetime64("2024-01-01"), 60)
    hidden = np.zeros((4, 60), dtype=bool)
    hidden[0, 54:56] = True
    silent = SilentHistory(np.zeros(60, dtype=bool), hidden)
    clean = clean_history(parcels, dates, 7, no_events(), {}, silent=silent)
    forecasts = {53: np.full((4, 7), 40.0, dtype=np.float32)}
    hubs = Membership(np.array([0, 0, 1, 1]), ("a", "b"))
    samples = sample_errors(clean, parcels, forecasts, 7, {"hub": [hubs]})
    assert [(sample.level, sample.actual.size) for sample in samples] == [("route", 4 * 7 - 2), ("hub", 2 * 7 - 2)]
