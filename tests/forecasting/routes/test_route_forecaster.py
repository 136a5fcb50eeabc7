"""Routes combined: their sum is the network path's, hubs pull as far as was learnt, and earlier cut-offs know nothing later."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from data.progress import SILENT
from forecasting.history.cleaning import clean_history
from forecasting.inputs import ForecastSettings
from forecasting.routes.member_weights import TREES, MemberWeights
from forecasting.routes.members import MEMBER_NAMES, forecast_members
from forecasting.routes.route_forecaster import CutoffForecast, RouteForecaster, RouteModel, fit_routes
from forecasting.routes.route_history import RouteHistory
from forecasting.series.panel import Panel
from forecasting.series.volume_classes import CLASS_LABELS
from tests.forecasting.small_networks import network

HORIZON = 14
PLAIN = ForecastSettings(use_prophet=False, inner_cutoffs=3)


def equal(*names: str) -> MemberWeights:
    return MemberWeights(names, np.full((len(CLASS_LABELS), 4, len(names)), 1.0 / len(names)))


def fitted(days: int = 150, settings: ForecastSettings = PLAIN) -> tuple[Panel, RouteModel]:
    """Fit the routes of a small network."""
    inputs = network(days)
    panel = Panel.from_route_volumes(inputs.route_volumes)
    clean = clean_history(panel.parcels, panel.dates, HORIZON, inputs.events, {})
    return panel, fit_routes(panel, clean, HORIZON, 0, settings, SILENT)


@pytest.fixture(scope="module")
def model() -> RouteModel:
    return fitted()[1]


def test_members_and_trees_sum_to_one_path(model: RouteModel) -> None:
    assert set(model.members) == {*MEMBER_NAMES, TREES}
    np.testing.assert_allclose(model.members[TREES].sum(axis=0), model.baseline.sum(axis=0), rtol=1e-4)
    assert model.baseline.min() >= 0


def test_every_inner_cutoff_has_its_forecast(model: RouteModel) -> None:
    assert sorted(model.inner_forecasts) == [122, 136, 143]
    assert all(forecast.shape == model.baseline.shape for forecast in model.inner_forecasts.values())


def test_too_short_a_history_has_no_cutoff_and_still_a_forecast() -> None:
    _, short = fitted(days=20)
    assert short.inner_forecasts == {}
    assert short.baseline.sum() > 0
    assert TREES not in short.members


def test_hubs_pull_only_by_their_share() -> None:
    base = np.array([[10.0, 10.0], [30.0, 30.0]], dtype=np.float32)
    reconciled = base[::-1].copy()
    forecast = CutoffForecast(base, reconciled, np.array([40.0, 80.0]), np.zeros(2, dtype=np.int64))
    weights = np.zeros((len(CLASS_LABELS), 4, 2))
    weights[:, :, 0], weights[:, :, 1] = 0.25, 0.75
    settled = forecast.settle(MemberWeights(("reconciled", "base"), weights))
    np.testing.assert_allclose(settled[:, 0], [15.0, 25.0])
    # A correction beyond one and a half is not believed.
    np.testing.assert_allclose(settled[:, 1], [22.5, 37.5])


def test_the_sum_is_the_paths_with_trees_and_without() -> None:
    panel, _ = fitted(days=60, settings=ForecastSettings(use_prophet=False, use_trees=False, inner_cutoffs=1))
    clean = clean_history(panel.parcels, panel.dates, HORIZON, network(60).events, {})
    history = RouteHistory.of(panel, clean)
    members = forecast_members(history.parcels, HORIZON)
    path = history.batched_path(HORIZON)
    forecaster = RouteForecaster(equal(*MEMBER_NAMES), equal("members", TREES))
    trees: NDArray[np.float32] = members["level-3"]
    for forecast in (
        forecaster.forecast(history, members, None, path),
        forecaster.forecast(history, members, trees, path),
    ):
        np.testing.assert_allclose(forecast.base.sum(axis=0), path, rtol=1e-4)
        np.testing.assert_allclose(forecast.reconciled.sum(axis=0), path, rtol=1e-4)


def test_trees_count_among_the_members_as_their_share_says() -> None:
    panel, _ = fitted(days=60, settings=ForecastSettings(use_prophet=False, use_trees=False, inner_cutoffs=1))
    history = RouteHistory.of(panel, clean_history(panel.parcels, panel.dates, HORIZON, network(60).events, {}))
    members = forecast_members(history.parcels, HORIZON)
    path = history.batched_path(HORIZON)
    only_trees = np.zeros((len(CLASS_LABELS), 4, 2))
    only_trees[:, :, 1] = 1.0
    trees = np.roll(members["level-3"], 1, axis=0)
    forecast = RouteForecaster(equal(*MEMBER_NAMES), MemberWeights(("members", TREES), only_trees)).forecast(
        history, members, trees, path
    )
    np.testing.assert_allclose(forecast.base / forecast.base.sum(axis=0), trees / trees.sum(axis=0), rtol=1e-3)
