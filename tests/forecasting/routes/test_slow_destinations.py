"""Slow destinations keep what origins send, and count only where backtests say that shares are slow."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from forecasting.history.cleaning import clean_history
from forecasting.inputs import no_events
from forecasting.routes.members import forecast_members
from forecasting.routes.route_history import RouteHistory
from forecasting.routes.slow_destinations import SLOW, fit_slow_share, slow_destinations, slow_down
from forecasting.series.panel import Panel, days_from

DAYS, HORIZON = 160, 28
START = np.datetime64("2023-01-02", "D")
Counts = NDArray[np.float32]


def history(parcels: Counts) -> RouteHistory:
    """Two origins with as many destinations as there are rows for."""
    half = parcels.shape[0] // 2
    routes = pl.DataFrame(
        {
            "courier_id": ["c"] * parcels.shape[0],
            "origin_hub_id": ["A"] * half + ["B"] * half,
            "destination_hub_id": [f"D{at:02d}" for at in range(half)] * 2,
        }
    )
    panel = Panel(routes, days_from(START, parcels.shape[1]), parcels)
    return RouteHistory.of(panel, clean_history(parcels, panel.dates, HORIZON, no_events(), {}))


def sparse() -> Counts:
    size = np.random.default_rng(1).lognormal(-1.5, 1.0, size=(60, 1))
    return np.random.default_rng(2).poisson(size, (60, DAYS)).astype(np.float32)


def switching() -> Counts:
    """Every fortnight each origin sends all it has to other destinations."""
    parcels = np.zeros((8, DAYS), dtype=np.float32)
    for day in range(DAYS):
        at = (day // 14) % 4
        parcels[[at, 4 + (at + 1) % 4], day] = 200.0
    return parcels


def learnt(parcels: Counts) -> NDArray[np.float64]:
    known = history(parcels)
    cutoffs = [DAYS - back for back in (28, 42, 56, 70)]
    fast = {at: forecast_members(parcels[:, :at], HORIZON)["level-3"] for at in cutoffs}
    return fit_slow_share(known, fast, HORIZON).weights[..., 1]


def test_what_origins_send_stays_and_shares_are_those_of_months() -> None:
    parcels = np.repeat(np.array([[30.0], [10.0], [5.0], [5.0]], dtype=np.float32), DAYS, axis=1)
    routes = np.array([[1.0, 2.0], [3.0, 4.0], [0.0, 8.0], [6.0, 0.0]], dtype=np.float32)
    slow = slow_destinations(routes, history(parcels))
    np.testing.assert_allclose(slow, [[3.0, 4.5], [1.0, 1.5], [3.0, 4.0], [3.0, 4.0]], rtol=1e-5)


def test_an_origin_that_never_sent_keeps_its_routes() -> None:
    parcels = np.zeros((4, DAYS), dtype=np.float32)
    parcels[:2] = 5.0
    routes = np.array([[1.0], [3.0], [2.0], [6.0]], dtype=np.float32)
    np.testing.assert_allclose(slow_destinations(routes, history(parcels))[2:], routes[2:])


def test_sparse_routes_of_steady_shares_take_much_of_it_and_their_sums_gain() -> None:
    parcels = sparse()
    weights = learnt(parcels)
    assert weights.min() > 0.3
    assert np.ptp(weights, axis=0).max() == pytest.approx(0.0)
    known = history(parcels[:, :-HORIZON])
    fast = forecast_members(known.parcels, HORIZON)["level-3"]
    mixed = slow_down(fast, known, fit_slow_share(known, {DAYS - 56: fast}, HORIZON))
    came = parcels[:, -HORIZON:].sum(axis=1)
    assert np.abs(mixed.sum(axis=1) - came).sum() < 0.9 * np.abs(fast.sum(axis=1) - came).sum()


def test_destinations_that_switch_take_none() -> None:
    assert learnt(switching())[:, 0].max() < 0.2


def test_nothing_measured_is_none_of_it() -> None:
    known = history(sparse())
    share = fit_slow_share(known, {}, HORIZON)
    assert share.names[1] == SLOW
    assert share.weights[..., 1].max() == 0
    routes = forecast_members(known.parcels, HORIZON)["tsb"]
    np.testing.assert_array_equal(slow_down(routes, known, share), routes)
