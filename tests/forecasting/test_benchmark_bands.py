"""What the benchmarks say of bands and differences, on figures one can reckon by hand."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from benchmarks.forecast.bands import Network, place_levels, read_figures
from benchmarks.forecast.page import write_page
from benchmarks.forecast.resampling import resample_difference, resample_mean
from benchmarks.forecast.studies import ALL, MONTHS, PEER, RADAR
from forecasting.inputs import ForecastInputs
from forecasting.series.panel import Panel


def volumes() -> pl.DataFrame:
    ends = [("A", "A"), ("A", "B"), ("B", "A")]
    rows = [(dt.date(2025, 1, 1), "c", origin, destination, 10) for origin, destination in ends]
    return pl.DataFrame(
        rows, schema=["date", "courier_id", "origin_hub_id", "destination_hub_id", "parcels"], orient="row"
    )


def test_what_came_is_placed_at_every_level_and_what_a_hub_handles_is_sent_and_received() -> None:
    frame = volumes()
    panel = Panel.from_route_volumes(frame)
    network = Network("two hubs", ForecastInputs(route_volumes=frame), (), 1, 1, 1)
    # Draw d carries d parcels on every route on both days; 5.5 came on every one.
    paths = np.broadcast_to(np.arange(1, 11)[:, None, None], (10, 3, 2))
    scores = place_levels(paths, np.full((3, 2), 5.5), panel, network)
    assert {name: placed.shape for name, placed in scores.items()} == {
        "route": (3, 2),
        "hub out": (2, 2),
        "hub in": (2, 2),
        "handled by a hub": (2, 2),
        "largest day of a hub": (2, 1),
        "network": (1, 2),
    }
    assert all(placed == pytest.approx(0.5) for placed in scores.values())
    # What came on the second day alone exceeds every path: half of the days, and every hub's largest day.
    scores = place_levels(paths, np.array([[5.5, 99.0]] * 3), panel, network)
    assert read_figures(scores["handled by a hub"])["above q99"] == pytest.approx(0.5)
    assert read_figures(scores["largest day of a hub"])["above q95"] == pytest.approx(1.0)
    few = Network("none is large", network.inputs, (), 1, 1e9, 1)
    assert read_figures(place_levels(paths, np.full((3, 2), 5.5), panel, few)["handled by a hub"]) == {}


def test_a_tie_is_split_by_chance_and_bands_of_calibrated_paths_cover_what_they_say() -> None:
    random = np.random.default_rng(5)
    frame = volumes()
    network = Network("two hubs", ForecastInputs(route_volumes=frame), (), 0, 0, 0)
    paths, came = random.poisson(3.0, size=(400, 3, 500)), random.poisson(3.0, size=(3, 500)).astype(np.float64)
    figures = read_figures(place_levels(paths, came, Panel.from_route_volumes(frame), network)["route"])
    assert figures["80 % covers"] == pytest.approx(0.80, abs=0.03)
    assert figures["above q95"] == pytest.approx(0.05, abs=0.02)


def test_an_interval_holds_the_mean_and_pairs_are_surer_than_either_alone() -> None:
    random = np.random.default_rng(2)
    hard = random.normal(0.4, 0.1, 12)
    ours, peer = hard + random.normal(0, 0.005, 12), hard + 0.03 + random.normal(0, 0.005, 12)
    mean, low, high = resample_difference(peer, ours)
    assert 0.02 < low < mean < high < 0.04
    alone = resample_mean(ours)
    assert alone[2] - alone[1] > 5 * (high - low)
    assert resample_mean(np.array([1.0, 3.0]), np.array([3.0, 1.0]))[0] == pytest.approx(1.5)
    assert np.isnan(resample_mean(np.array([1.0, 3.0]))[1])
    assert np.isnan(resample_mean(np.zeros(0))[0])
    # A window the peer has no figure for counts for neither.
    assert resample_difference(np.array([1.0, 2.0, np.nan, 4.0]), np.array([0.0, 1.0, 9.0, 3.0])) == (1.0, 1.0, 1.0)


def test_the_page_tells_how_sure_a_difference_is() -> None:
    figures = [{"route": 0.38, "bias": 0.0}, {"route": 0.36, "bias": 0.0}, {"route": 0.40, "bias": 0.0}]
    theirs = [{"route": one["route"] + 0.02, "bias": 0.0} for one in figures]
    scores = {MONTHS: {RADAR: {"normal": figures}, PEER + "tsb": {"normal": theirs}}}
    means = {
        MONTHS: {
            name: {ALL: found["normal"][0], "normal": found["normal"][0]} for name, found in scores[MONTHS].items()
        }
    }
    page = write_page("here", [], scores, means, {}, [], [])
    assert f"| {MONTHS} | tsb | 3 |  |  |  | +0.020 (+0.020 to +0.020) |  |" in page
