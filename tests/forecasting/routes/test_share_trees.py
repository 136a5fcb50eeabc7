"""Share trees learn how routes move against their network."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from forecasting.routes.route_history import HubSums
from forecasting.routes.share_trees import TREE, fit_share_trees
from forecasting.series.panel import Membership

ROUTES, DAYS, HORIZON = 60, 260, 14


def switching(seed: int = 0) -> NDArray[np.float32]:
    """Make routes that fall silent for good after a day of half their volume: the last day tells."""
    generator = np.random.default_rng(seed)
    parcels = generator.poisson(200.0, size=(ROUTES, DAYS)).astype(np.float32)
    for route in range(ROUTES):
        on = True
        for day in range(0, DAYS, 20):
            if not on:
                parcels[route, day : day + 20] = 0
            on = generator.random() > 0.4
    return parcels


def sums_of(history: NDArray[np.float32]) -> HubSums:
    hub = Membership(np.arange(ROUTES) % 5, tuple("abcde"))
    return HubSums.of(history, hub, hub)


def test_too_short_a_history_gives_no_trees() -> None:
    history = switching()[:, : TREE.fewest_days - 1]
    assert fit_share_trees(history, sums_of(history), np.ones(history.shape[1]), HORIZON, 0) is None


def test_nothing_at_all_gives_no_trees() -> None:
    history = np.zeros((ROUTES, DAYS), dtype=np.float32)
    assert fit_share_trees(history, sums_of(history), np.ones(DAYS), HORIZON, 0) is None


def test_forecast_is_not_negative_silent_routes_get_none_and_it_repeats() -> None:
    history = switching()
    history[3, -40:] = 0
    sums = sums_of(history)
    path = np.full(HORIZON, history[:, -28:].sum(axis=0).mean())
    found = [fit_share_trees(history, sums, np.ones(DAYS), HORIZON, 7, rows=4000) for _ in range(2)]
    assert found[0] is not None
    assert found[1] is not None
    first, second = (trees.forecast(history, sums, path) for trees in found if trees is not None)
    np.testing.assert_array_equal(first, second)
    assert first.min() >= 0
    assert first[3].sum() == 0


def test_learnt_weeks_beat_the_plain_mean() -> None:
    """A route that runs only every other day is met on its days, which a mean of days cannot."""
    generator = np.random.default_rng(1)
    history = generator.poisson(300.0, size=(ROUTES, DAYS)).astype(np.float32)
    weekend = (np.arange(DAYS) % 7) >= 5
    history[: ROUTES // 2, weekend] = 0
    past = history[:, : DAYS - HORIZON]
    sums = sums_of(past)
    path = history[:, -HORIZON:].sum(axis=0).astype(np.float64)
    trees = fit_share_trees(past, sums, np.ones(past.shape[1]), HORIZON, 0, rows=8000)
    assert trees is not None
    truth = history[:, -HORIZON:]
    missed = np.abs(trees.forecast(past, sums, path) - truth).sum() / truth.sum()
    plain = np.abs(past[:, -28:].mean(axis=1, keepdims=True) - truth).sum() / truth.sum()
    assert missed < 0.6 * plain
    assert missed == pytest.approx(0.0, abs=0.25)
