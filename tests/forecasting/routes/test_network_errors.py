"""The network's errors at many cut-offs: how many, of which days, and what width they give."""

from __future__ import annotations

import numpy as np
import pytest

from forecasting.history.cleaning import CleanHistory, Promoted, clean_history
from forecasting.inputs import no_events
from forecasting.intervals.calibration import calibrate_intervals
from forecasting.routes.network_errors import NETWORK_ERRORS, choose_network_cutoffs, sample_network_errors

DAYS, AHEAD = 480, 21
DATES = np.arange("2024-01-01", "2025-04-25", dtype="datetime64[D]")[:DAYS]


def history(noise: float) -> tuple[np.ndarray, CleanHistory]:
    generator = np.random.default_rng(3)
    size = 1000.0 * np.exp(generator.normal(0.0, noise, DAYS))
    parcels = generator.poisson(np.broadcast_to(size, (4, DAYS))).astype(np.float32)
    return parcels, clean_history(parcels, DATES, AHEAD, no_events(), {})


def test_cutoffs_are_two_weeks_apart_and_leave_a_history() -> None:
    cutoffs = choose_network_cutoffs(DAYS)
    assert len(cutoffs) == NETWORK_ERRORS.cutoffs
    assert cutoffs[:5] == [DAYS - 7, DAYS - 14, DAYS - 21, DAYS - 28, DAYS - 42]
    assert min(choose_network_cutoffs(150)) >= NETWORK_ERRORS.shortest_history
    assert choose_network_cutoffs(40) == [33]
    assert choose_network_cutoffs(20) == []


@pytest.mark.parametrize("noise", [0.03, 0.3])
def test_the_width_is_that_of_the_errors_on_steady_and_on_wild_networks(noise: float) -> None:
    parcels, clean = history(noise)
    samples = sample_network_errors(clean, parcels, DATES, AHEAD)
    model = calibrate_intervals(samples)
    mean = np.full((1, AHEAD), 4000.0)
    low, high = np.moveaxis(
        model.quantiles("network", mean, mean[:, 0], np.zeros(AHEAD, dtype=bool), levels=(0.1, 0.9)), 2, 0
    )
    assert float((high - low).mean()) / 4000.0 == pytest.approx(2.56 * noise, rel=0.35)


def test_unknown_days_are_left_out_and_promotions_belong_to_the_forecast() -> None:
    parcels, clean = history(0.02)
    filled = np.zeros(DAYS, dtype=bool)
    filled[-10:-5] = True
    lifted = np.ones((2, DAYS + AHEAD))
    lifted[:, DAYS - 3] = 2.0
    came = parcels.copy()
    came[:, DAYS - 3] *= 2.0
    known = CleanHistory(
        *(clean.parcels, clean.uplift, clean.touched, filled, clean.level, clean.deviation),
        promoted=Promoted(lifted, np.array([0, 0, 1, 1])),
    )
    samples = {sample.backtest: sample for sample in sample_network_errors(known, came, DATES, AHEAD)}
    assert samples[DAYS - 7].actual.size == 5
    assert np.abs(samples[DAYS - 7].actual / samples[DAYS - 7].mean - 1.0).max() < 0.15
    assert samples[DAYS - 14].actual.size == 9
