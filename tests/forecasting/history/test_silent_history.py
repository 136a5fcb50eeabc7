"""Silent days are filled for the models and marked, and the forecast goes on as if it had known them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from data.errors import RadarError
from forecasting.forecast import forecast
from forecasting.history.silent_history import fill_silent_days
from forecasting.inputs import ForecastInputs, ForecastSettings
from forecasting.series.panel import Panel
from tests.forecasting.small_networks import START, network

QUICK = ForecastSettings(use_prophet=False, use_trees=False)


def day(at: int) -> dt.date:
    return START + dt.timedelta(days=at)


def without(inputs: ForecastInputs, *spans: tuple[int, int], hub: str | None = None) -> ForecastInputs:
    """Take the days of some spans away, of the whole network or of what a hub sends."""
    volumes = inputs.route_volumes
    for first, last in spans:
        inside = pl.col("date").is_between(day(first), day(last))
        volumes = volumes.filter(~(inside & (pl.lit(hub is None) | (pl.col("origin_hub_id") == (hub or "")))))
    return replace(inputs, route_volumes=volumes)


def week_of(inputs: ForecastInputs, as_of: int, settings: ForecastSettings = QUICK) -> list[int]:
    return forecast(inputs, day(as_of), 7, settings=settings).network["mean"].to_list()


@pytest.mark.parametrize("spans", [((150, 180),), ((100, 130), (170, 184)), ((195, 198),)])
def test_months_that_were_never_loaded_change_no_forecast(spans: tuple[tuple[int, int], ...]) -> None:
    whole = network(200, noise=False)
    found = forecast(without(whole, *spans), day(199), 7, settings=QUICK)
    known = forecast(whole, day(199), 7, settings=QUICK)
    np.testing.assert_allclose(found.network["mean"], known.network["mean"], rtol=0.01)
    width, usual = (float((table.network["q90"] - table.network["q10"]).to_numpy().sum()) for table in (found, known))
    assert 0.6 * usual < width < 1.6 * usual
    days = sum(last - first + 1 for first, last in spans)
    assert any(note.startswith(f"{days} days without any row") for note in found.notes)


def test_two_days_of_a_hub_are_filled_and_hidden() -> None:
    whole = network(120, noise=False)
    volumes = without(whole, (118, 119), hub="H1").route_volumes
    panel = Panel.from_route_volumes(volumes)
    filled, silent = fill_silent_days(panel, volumes, np.zeros(120, dtype=bool))
    truth = Panel.from_route_volumes(whole.route_volumes)
    np.testing.assert_allclose(filled.parcels, truth.parcels, rtol=0.01)
    assert silent.hidden is not None
    mine = (panel.routes["origin_hub_id"] == "H1").to_numpy()
    assert silent.hidden[mine][:, 118:].all()
    assert silent.hidden.sum() == 2 * mine.sum()
    assert not silent.unknown.any()


def test_a_rest_that_was_told_on_an_event_stays_as_its_effect() -> None:
    volumes = without(network(120, noise=False), (60, 62)).route_volumes
    panel = Panel.from_route_volumes(volumes)
    eventful = np.zeros(120, dtype=bool)
    eventful[61] = True
    _, silent = fill_silent_days(panel, volumes, eventful, [(day(60), day(62))])
    assert np.flatnonzero(silent.unknown).tolist() == [60, 62]


def test_a_forecast_is_refused_when_the_days_before_it_hold_no_rows() -> None:
    inputs = network(100, noise=False)
    with pytest.raises(RadarError, match=rf"no route volumes on the 8 days before .* known before it is {day(99)}"):
        forecast(inputs, day(107), 7, settings=QUICK)
    assert len(week_of(inputs, 106)) == 7
    bridged = forecast(inputs, day(107), 7, settings=replace(QUICK, bridge=True))
    assert bridged.known_until == day(99)
    assert any("bridges" in note for note in bridged.notes)


def test_one_row_of_a_far_year_is_refused_and_not_taken_for_the_present() -> None:
    inputs = network(100, noise=False)
    stray = inputs.route_volumes.head(1).with_columns(pl.lit(dt.date(2052, 1, 1)).alias("date"))
    with pytest.raises(RadarError, match=f"known before it is {day(99)}"):
        forecast(replace(inputs, route_volumes=pl.concat([inputs.route_volumes, stray])), dt.date(2052, 1, 1), 7)
