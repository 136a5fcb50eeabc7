"""What the route level learns from its inner backtests."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from forecasting.history.cleaning import CleanHistory, clean_history
from forecasting.inputs import no_events
from forecasting.routes.route_model import TREE_HANDICAP, _Builder
from forecasting.routes.share_trees import Groups, ShareTrees
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


def _builder(panel: Panel, clean: CleanHistory) -> _Builder:
    groups = Groups.of(clean.parcels, panel.membership("hub_out"), panel.membership("hub_in"))
    return _Builder(panel, clean, HORIZON, groups, trees=ShareTrees(()))


def _truth(clean: CleanHistory, cutoff: int) -> NDArray[np.float32]:
    return clean.parcels[:, cutoff : cutoff + HORIZON]


def _wrong(clean: CleanHistory, cutoff: int) -> NDArray[np.float32]:
    """Give each day's parcels to the routes that carry none on it."""
    truth = _truth(clean, cutoff)
    idle = truth == 0
    return np.asarray(idle * truth.sum(axis=0) / np.maximum(idle.sum(axis=0), 1), dtype=np.float32)


def test_trees_that_foresee_the_switches_get_the_weight(switching: tuple[Panel, CleanHistory]) -> None:
    builder = _builder(*switching)
    builder.grown = {cutoff: _truth(switching[1], cutoff) for cutoff in CUTOFFS}
    builder.weigh(CUTOFFS, lambda _: None)
    assert builder.tree_weights[3, 0, 1] > 0.99


def test_trees_that_are_wrong_keep_little_beyond_their_handicap(switching: tuple[Panel, CleanHistory]) -> None:
    builder = _builder(*switching)
    builder.grown = {cutoff: _wrong(switching[1], cutoff) for cutoff in CUTOFFS}
    builder.weigh(CUTOFFS, lambda _: None)
    # The levels, which foresee no switch, err the other way: a part of the opposite helps them.
    assert builder.tree_weights[3, 0, 1] < TREE_HANDICAP + 0.3


def test_margins_draw_only_where_they_helped(switching: tuple[Panel, CleanHistory]) -> None:
    builder = _builder(*switching)
    right = {cutoff: _truth(switching[1], cutoff) for cutoff in CUTOFFS}
    wrong = {cutoff: _wrong(switching[1], cutoff) for cutoff in CUTOFFS}
    builder.drawn = {cutoff: (wrong[cutoff], right[cutoff]) for cutoff in CUTOFFS}
    builder.weigh_margins(CUTOFFS)
    assert builder.margin_weights[3, 0, 0] < 0.01
    builder.drawn = {cutoff: (right[cutoff], wrong[cutoff]) for cutoff in CUTOFFS}
    builder.weigh_margins(CUTOFFS)
    assert builder.margin_weights[3, 0, 0] == pytest.approx(1 - TREE_HANDICAP, abs=0.01)
