"""Draws in strata: the shared shocks lie where they are told, and nothing else changes."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from data.errors import RadarError
from forecasting.intervals.sample_paths import PathModel, draw_paths
from forecasting.intervals.stratified_paths import STRATA, cut_days, draw_strata


def model(days: int = 4, routes: int = 6) -> PathModel:
    scores = np.array([-4.0, -1.0, 0.0, 1.0, 4.0])
    hubs = np.arange(routes, dtype=np.int64) % 2

    def normal(mean: float, spread: float, *shape: int) -> np.ndarray:
        return ((mean + spread * scores) * np.ones((*shape, 1))).astype(np.float32)

    return PathModel(
        routes=pl.DataFrame({"courier_id": ["C"] * routes}),
        dates=np.arange("2025-11-08", "2025-11-12", dtype="datetime64[D]")[:days],
        scores=scores,
        knots=normal(1000.0, 200.0, routes, days),
        network=normal(1000.0 * routes, 80.0 * routes, days),
        hub_out=normal(500.0 * routes, 60.0 * routes, 2, days),
        hub_in=normal(500.0 * routes, 60.0 * routes, 2, days),
        origin=hubs,
        destination=1 - hubs,
        shared_out=np.full((2, days), 0.6),
        shared_in=np.full((2, days), 0.6),
        weights=np.full((4, routes, days), 0.5, dtype=np.float32),
        event_run=np.array([-1, 0, 0, -1])[:days],
    )


def test_strata_are_in_order_of_the_network() -> None:
    totals = np.array([path.sum() for path in draw_strata(model(), 40 * STRATA, 3)])
    by_stratum = totals.reshape(-1, STRATA).mean(axis=0)
    assert np.corrcoef(np.arange(STRATA), by_stratum)[0, 1] > 0.95
    left = totals.reshape(-1, STRATA).var(axis=0).mean()
    assert left < 0.5 * totals.var()


def test_strata_keep_the_distribution() -> None:
    free = np.array([path.sum() for path in draw_paths(model(), 2000, 5)])
    strata = np.array([path.sum() for path in draw_strata(model(), 2000, 5)])
    assert strata.mean() == pytest.approx(free.mean(), rel=0.01)
    assert strata.std() == pytest.approx(free.std(), rel=0.06)


def test_a_longer_run_begins_with_the_whole_rounds_of_the_shorter() -> None:
    short = list(draw_strata(model(), STRATA + 5, 9))[:STRATA]
    for one, other in zip(short, draw_strata(model(), 60, 9), strict=False):
        assert (one == other).all()


@pytest.mark.parametrize("draws", [4, STRATA - 5, 2 * STRATA - 5])
def test_any_number_of_draws_is_spread_over_all_that_may_come(draws: int) -> None:
    many = np.mean([path.sum() for path in draw_strata(model(), 40 * STRATA, 3)])
    means = [np.mean([path.sum() for path in draw_strata(model(), draws, seed)]) for seed in range(40)]
    spread = np.std(means) / np.sqrt(40)
    assert abs(np.mean(means) - many) < 4 * spread + 0.002 * many


def test_days_are_cut_and_missing_ones_told() -> None:
    cut = cut_days(model(), date(2025, 11, 9), date(2025, 11, 10))
    assert next(draw_strata(cut, 1, 0)).shape == (6, 2)
    with pytest.raises(RadarError, match="covers 2025-11-07 to 2025-11-10"):
        cut_days(model(), date(2025, 11, 7), date(2025, 11, 10))
    with pytest.raises(RadarError, match="covers 2025-11-10 to 2025-11-14"):
        cut_days(model(), date(2025, 11, 10), date(2025, 11, 14))
