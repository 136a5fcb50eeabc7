"""What the route level learns from its inner backtests."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from forecasting.history.cleaning import CleanHistory, clean_history
from forecasting.inputs import no_events
from forecasting.routes.member_weights import (
    TREES,
    WEIGHING,
    WeighingRules,
    backtest_members,
    fit_margin_share,
    fit_member_weights,
    fit_tree_share,
    largest_routes,
)
from forecasting.routes.route_history import RouteHistory
from forecasting.series.panel import Panel

DAYS, HORIZON, CUTOFFS = 120, 7, [106, 113]


@pytest.fixture(scope="module")
def switching() -> tuple[Panel, CleanHistory]:
    """Six routes of two hubs, the largest last, each on for a week in turn: no level foresees them."""
    generator = np.random.default_rng(3)
    rows = [
        (
            dt.date(2024, 1, 1) + dt.timedelta(days=day),
            "c",
            f"H{route % 2}",
            f"H{route % 3 + 2}",
            50 * (route + 1) + noise,
        )
        for day in range(DAYS)
        for route in range(6)
        if (day // 7 + route) % 3 == 0
        for noise in [int(generator.integers(0, 9))]
    ]
    columns = ["date", "courier_id", "origin_hub_id", "destination_hub_id", "parcels"]
    panel = Panel.from_route_volumes(pl.DataFrame(rows, schema=columns, orient="row"))
    return panel, clean_history(panel.parcels, panel.dates, HORIZON, no_events(), {})


def _truth(clean: CleanHistory, cutoff: int) -> NDArray[np.float32]:
    return clean.parcels[:, cutoff : cutoff + HORIZON]


def _wrong(clean: CleanHistory, cutoff: int) -> NDArray[np.float32]:
    """Give each day's parcels to the routes that carry none on it."""
    truth = _truth(clean, cutoff)
    idle = truth == 0
    return np.asarray(idle * truth.sum(axis=0) / np.maximum(idle.sum(axis=0), 1), dtype=np.float32)


def _tree_weight(switching: tuple[Panel, CleanHistory], trees: dict[int, NDArray[np.float32]]) -> float:
    history = RouteHistory.of(*switching)
    backtests = [backtest_members(history, cutoff, HORIZON) for cutoff in CUTOFFS]
    share = fit_tree_share(backtests, fit_member_weights(backtests), trees)
    assert share.names == ("members", TREES)
    return float(share.weights[3, 0, 1])


def test_trees_that_foresee_the_switches_get_the_weight(switching: tuple[Panel, CleanHistory]) -> None:
    assert _tree_weight(switching, {cutoff: _truth(switching[1], cutoff) for cutoff in CUTOFFS}) > 0.99


def test_trees_that_are_wrong_keep_little_beyond_their_handicap(switching: tuple[Panel, CleanHistory]) -> None:
    weight = _tree_weight(switching, {cutoff: _wrong(switching[1], cutoff) for cutoff in CUTOFFS})
    # The levels, which foresee no switch, err the other way: a part of the opposite helps them.
    assert weight < WEIGHING.tree_handicap + 0.3


def test_without_trees_nothing_was_measured_and_both_would_count_alike(switching: tuple[Panel, CleanHistory]) -> None:
    assert _tree_weight(switching, {}) == 0.5


def test_hubs_move_the_routes_only_where_they_helped(switching: tuple[Panel, CleanHistory]) -> None:
    history = RouteHistory.of(*switching)
    right = {cutoff: _truth(switching[1], cutoff) for cutoff in CUTOFFS}
    wrong = {cutoff: _wrong(switching[1], cutoff) for cutoff in CUTOFFS}
    handicap = WEIGHING.tree_handicap
    misled = fit_margin_share(
        history, {cutoff: (wrong[cutoff], right[cutoff]) for cutoff in CUTOFFS}, HORIZON, handicap
    )
    assert misled.weights[3, 0, 0] < 0.01
    helped = fit_margin_share(
        history, {cutoff: (right[cutoff], wrong[cutoff]) for cutoff in CUTOFFS}, HORIZON, handicap
    )
    assert helped.weights[3, 0, 0] == pytest.approx(1 - handicap, abs=0.01)


def test_a_backtest_sees_the_days_ahead_only_as_what_came(switching: tuple[Panel, CleanHistory]) -> None:
    history = RouteHistory.of(*switching)
    other = replace(history, parcels=history.parcels.copy())
    other.parcels[:, CUTOFFS[0] :] += 40
    plain, changed = (backtest_members(one, CUTOFFS[0], HORIZON) for one in (history, other))
    for name, forecast in plain.members.items():
        shares, moved = (part / part.sum(axis=0) for part in (forecast, changed.members[name]))
        np.testing.assert_allclose(shares, moved, rtol=1e-4, atol=1e-6)


def test_members_are_weighed_on_the_largest_routes(
    switching: tuple[Panel, CleanHistory], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forecasting.routes.member_weights.WEIGHING", WeighingRules(routes=2))
    history = RouteHistory.of(*switching)
    chosen = largest_routes(history)
    volume = history.parcels[:, -28:].mean(axis=1)
    assert set(chosen) == set(np.argsort(-volume)[:2])
    assert backtest_members(history, CUTOFFS[0], HORIZON, chosen).actual.shape == (2, HORIZON)
