"""Hubs that an event lifts more than the network: found again at the next edition, by a part, and nothing is lost."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecasting.events.deviations import EventDeviation, learn_deviations, stage_of
from forecasting.events.phases import place_phases, read_waves
from forecasting.forecast import forecast
from forecasting.history.cleaning import clean_history
from forecasting.inputs import ForecastInputs, ForecastSettings, no_events
from forecasting.series.panel import Panel, days_from
from tests.forecasting.small_networks import START, calendar, network, sale

PEAKS = [dt.date(2023, 6, 18), dt.date(2024, 6, 18)]
MAIN_STAGE = [PEAKS[0] + dt.timedelta(days=at) for at in range(4)]
EVENTS = calendar(*[sale("618", peak) for peak in PEAKS])


def deviating_network() -> ForecastInputs:
    """Make a network whose hub H0 sent twice its usual share on the main days of the first edition."""
    made = network(520, routes=9, noise=False, factor=dict.fromkeys(MAIN_STAGE, 3.0))
    twice = pl.col("date").is_in(MAIN_STAGE) & (pl.col("origin_hub_id") == "H0")
    volumes = made.route_volumes.with_columns(
        pl.when(twice).then(pl.col("parcels") * 2).otherwise(pl.col("parcels")).alias("parcels")
    )
    return replace(made, route_volumes=volumes, events=EVENTS)


def learnt(inputs: ForecastInputs, known: dt.date, pooling: float = 10.0) -> tuple[Panel, EventDeviation]:
    panel = Panel.from_route_volumes(inputs.route_volumes, last_date=known)
    terms = place_phases(read_waves(inputs.events), days_from(panel.dates[0], panel.dates.size + 39))
    quiet = ~terms.touched()[: panel.dates.size]
    hubs = panel.membership("hub_out"), panel.membership("hub_in")
    return panel, learn_deviations(panel.parcels, terms, quiet, *hubs, route_pooling=pooling)


def test_a_hub_that_leant_is_expected_to_lean_by_a_part() -> None:
    inputs = deviating_network()
    known = PEAKS[1] - dt.timedelta(days=10)
    panel, deviation = learnt(inputs, known)
    stage = deviation.stage[(PEAKS[1] - START).days]
    mine = panel.routes["origin_hub_id"].to_numpy() == "H0"
    log_deviation = deviation.log_deviation[stage]
    seen = np.log(2.0)
    apart = float(log_deviation[mine].mean() - log_deviation[~mine].mean())
    # One edition among two pseudo-occurrences is a third; the route's own share of what is left adds a little.
    assert seen / 3 < apart < 0.5 * seen


def test_the_published_factor_differs_by_hub_multiplies_out_and_sums_agree() -> None:
    inputs = deviating_network()
    settings = ForecastSettings(use_prophet=False, use_trees=False, inner_cutoffs=2)
    found = forecast(inputs, PEAKS[1] - dt.timedelta(days=10), 14, settings=settings)
    peak = found.route.filter(pl.col("date") == PEAKS[1])
    factor = dict(peak.group_by("origin_hub_id").agg(pl.col("event").mean()).iter_rows())
    assert factor["H0"] > 1.1 * factor["H1"]
    product = peak["baseline"] * peak["event"] * peak["weather"] * peak["override"]
    np.testing.assert_allclose(product, peak["mean"], rtol=1e-6)
    hubs = found.hub.filter((pl.col("date") == PEAKS[1]) & (pl.col("direction") == "out"))
    assert hubs["mean"].sum() == peak["mean"].sum()
    np.testing.assert_allclose(hubs["baseline"] * hubs["event"], hubs["mean"], rtol=1e-6)


def test_nothing_is_learnt_from_a_stage_that_is_half_over_or_from_an_empty_calendar() -> None:
    inputs = deviating_network()
    _, half = learnt(inputs, PEAKS[0] + dt.timedelta(days=1))
    assert not half.log_deviation[half.stage[(PEAKS[0] - START).days]].any()
    _, none = learnt(replace(inputs, events=no_events()), PEAKS[1])
    assert none.log_deviation.shape[0] == 0


def test_cleaning_takes_the_leaning_out_and_leaves_the_total() -> None:
    inputs = deviating_network()
    panel = Panel.from_route_volumes(inputs.route_volumes)
    hubs = panel.membership("hub_out"), panel.membership("hub_in")
    shared = clean_history(panel.parcels, panel.dates, 7, EVENTS, {})
    leant = clean_history(panel.parcels, panel.dates, 7, EVENTS, {}, hubs)
    np.testing.assert_allclose(leant.parcels.sum(axis=0), shared.parcels.sum(axis=0), rtol=1e-4)
    peak = (PEAKS[0] - START).days
    mine = panel.routes["origin_hub_id"].to_numpy() == "H0"
    assert leant.parcels[mine, peak].sum() < 0.95 * shared.parcels[mine, peak].sum()


@given(
    log_deviation=st.lists(st.floats(-0.7, 0.7), min_size=3, max_size=3),
    level=st.lists(st.floats(0.0, 1e5), min_size=3, max_size=3),
    undo=st.booleans(),
)
def test_factors_keep_the_sum_of_a_day(log_deviation: list[float], level: list[float], undo: bool) -> None:
    deviation = EventDeviation(np.array([log_deviation], dtype=np.float32), np.array([0, -1]))
    parcels = np.array([level, level], dtype=np.float32).T
    factor = deviation.on(np.array([0, 1]), parcels, undo)
    assert (factor > 0).all()
    np.testing.assert_allclose((parcels * factor).sum(axis=0), parcels.sum(axis=0), rtol=1e-4)
    np.testing.assert_array_equal(factor[:, 1], 1.0)
    # what is put in comes out again
    back = deviation.on(np.array([0, 1]), parcels * factor, not undo)
    np.testing.assert_allclose(parcels * factor * back, parcels, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("archetype", "phase", "stage"),
    [
        ("opening", "lull", ""),
        ("opening", "+2", "opening"),
        ("main", "-1", "before"),
        ("main", "0", "main"),
        ("lunar_year", "-21", "before"),
        ("lunar_year", "+3", "feast"),
        ("lunar_year", "+21", "after"),
        ("minor", "0", ""),
    ],
)
def test_stages(archetype: str, phase: str, stage: str) -> None:
    assert stage_of(archetype, phase) == stage


def test_without_hubs_every_route_follows_the_network() -> None:
    panel = Panel.from_route_volumes(deviating_network().route_volumes)
    clean = clean_history(panel.parcels, panel.dates, 7, EVENTS, {})
    factor = clean.route_multiples(np.arange(panel.dates.size), clean.parcels)
    np.testing.assert_allclose(factor, np.broadcast_to(clean.multiple[: panel.dates.size], factor.shape), rtol=1e-5)
