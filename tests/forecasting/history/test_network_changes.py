"""Planned changes: what a hub hands over, and what stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from forecasting.forecast import forecast
from forecasting.history.network_changes import follow_changes
from forecasting.inputs import ForecastSettings
from forecasting.series.panel import Panel
from tests.forecasting.small_networks import START, network

QUICK = ForecastSettings(use_prophet=False, use_trees=False)

ROUTES = pl.DataFrame({"courier_id": "x", "origin_hub_id": ["A"], "destination_hub_id": ["Z"]})


def day(at: int) -> date:
    return START + timedelta(days=at)


def history() -> Panel:
    dates = np.arange(np.datetime64("2025-01-01"), np.datetime64("2025-01-11"), dtype="datetime64[D]")
    return Panel(ROUTES, dates, np.full((1, 10), 100.0, dtype=np.float32))


def changes(change: str, share: float | None) -> pl.DataFrame:
    row = {"change_id": "c", "date": date(2025, 1, 6), "hub_id": "A", "change": change, "successor_hub_id": "B"}
    return pl.DataFrame([row | {"share": share, "reason": None}], schema_overrides={"share": pl.Float64})


@pytest.mark.parametrize(
    ("change", "share", "left", "taken"),
    [("moves", 0.3, 70.0, 30.0), ("moves", None, 0.0, 100.0), ("closes", 1.0, 0.0, 100.0), ("closes", 0.8, 0.0, 80.0)],
)
def test_history_before_the_change_goes_to_the_successor_by_its_share(
    change: str, share: float | None, left: float, taken: float
) -> None:
    panel = follow_changes(history(), changes(change, share), date(2025, 1, 20)).panel
    by_origin = dict(zip(panel.routes["origin_hub_id"], panel.parcels[:, 0].tolist(), strict=True))
    assert by_origin["A"] == pytest.approx(left)
    assert by_origin["B"] == pytest.approx(taken)


def test_a_change_of_one_route_hands_no_hub_over() -> None:
    of_route = changes("closes", None).with_columns(hub_id=pl.lit(None, dtype=pl.String), scope=pl.lit("route"))
    changed = follow_changes(history(), of_route, date(2025, 1, 20)).panel
    assert changed.routes.equals(ROUTES)
    assert changed.parcels.sum() == history().parcels.sum()


def spread(table: pl.DataFrame, hub: str, direction: str) -> float:
    """90 % interval of a hub over its mean, on the days from the change on."""
    of_hub = table.filter(pl.col("hub_id") == hub, pl.col("direction") == direction, pl.col("date") >= day(122))
    return float((of_hub["q95"] - of_hub["q05"]).to_numpy().sum() / of_hub["mean"].to_numpy().sum())


def test_what_opens_ahead_has_the_size_and_noise_of_its_donor() -> None:
    inputs = network(120, noise=True)
    opening = {
        "change_id": "c",
        "date": day(122),
        "hub_id": "NEW",
        "change": "opens",
        "successor_hub_id": "H1",
        "share": 0.4,
    }
    changes = pl.DataFrame([opening])
    found = forecast(replace(inputs, network_changes=changes), day(119), 7, settings=QUICK)
    new = found.hub.filter(pl.col("hub_id") == "NEW", pl.col("date") >= day(122))
    donor = found.hub.filter(pl.col("hub_id") == "H1", pl.col("direction") == "out", pl.col("date") >= day(122))
    carried = [float(found["mean"].to_numpy().sum()) for found in (new, donor)]
    assert carried[0] == pytest.approx(carried[1] * 0.4 / 0.6, rel=0.05)
    assert spread(found.hub, "NEW", "out") < 2 * spread(found.hub, "H1", "out")
    assert (new["q95"] < 2 * new["mean"]).all()
    # Each of its routes too, though none of them was ever seen, nor another of the size of some.
    routes = found.route.filter(pl.col("date") >= day(122)).group_by("origin_hub_id", "destination_hub_id")
    widths = routes.agg(spread=(pl.col("q95") - pl.col("q05")).sum() / pl.col("mean").sum())
    both = widths.filter(origin_hub_id="NEW").join(widths.filter(origin_hub_id="H1"), on="destination_hub_id")
    assert both.height == 4
    assert (both["spread"] < 2.5 * both["spread_right"]).all()


@pytest.mark.parametrize(
    ("hub", "change", "share", "direction"),
    [("H1", "moves", 0.3, "out"), ("H1", "moves", None, "out"), ("H5-6", "moves", 0.4, "in")],
)
def test_what_moves_ahead_keeps_the_noise_of_where_it_was(
    hub: str, change: str, share: float | None, direction: str
) -> None:
    inputs = network(120, noise=True)
    usual = spread(forecast(inputs, day(119), 7, settings=QUICK).hub, hub, direction)
    moved = {
        "change_id": "c",
        "date": day(122),
        "hub_id": hub,
        "change": change,
        "successor_hub_id": "NEW",
        "share": share,
    }
    changes = pl.DataFrame([moved], schema_overrides={"share": pl.Float64})
    found = forecast(replace(inputs, network_changes=changes), day(119), 7, settings=QUICK).hub
    assert spread(found, "NEW", direction) < 2 * usual
