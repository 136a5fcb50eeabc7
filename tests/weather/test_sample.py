"""The chain on the sample network, whose truth is known: does history teach what made it?"""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from data.departure_times import TimetableTables, list_departures
from data.sample.make import Sample, build_sample
from data.sample.scale import AS_OF
from data.settings import WeatherSettings
from weather.effects.effect_tables import EffectTables, list_effects
from weather.exposure.impact import assess_lanes, assess_outlets
from weather.exposure.lane_places import days_between, sample_lanes
from weather.exposure.points import build_grid, known_weather
from weather.exposure.scene import WeatherScene
from weather.exposure.warnings import acting_warnings
from weather.learning.capacity_response import amounts_at_hubs, handled_by_history, sum_days
from weather.learning.volumes import VolumeResponse, fit_volume_response

ZONE = ZoneInfo("Asia/Shanghai")
SETTINGS = WeatherSettings()


@pytest.fixture(scope="module")
def sample() -> Sample:
    return build_sample("small", 20251111)


def _learn(sample: Sample) -> VolumeResponse:
    volumes = sample.tables["route_volumes"]
    by_hub = pl.concat(
        volumes.group_by("date", hub_id=pl.col(column)).agg(pl.col("parcels").sum()).with_columns(direction=pl.lit(way))
        for way, column in (("out", "origin_hub_id"), ("in", "destination_hub_id"))
    )
    seen = sample.tables["weather_observations"]
    past = amounts_at_hubs(sum_days(known_weather(seen, seen.clear()), ZONE), sample.tables["hubs"], SETTINGS.radius_km)
    return fit_volume_response(by_hub, past)


def _errors(sample: Sample, response: VolumeResponse) -> dict[tuple[str, str], float]:
    """How many standard errors each rate found lies from the one planted."""
    truth = dict(sample.truth.weather_effects.select("effect", "rate").iter_rows())
    words = {"out": "sent", "in": "received"}
    return {
        (row.direction, row.amount): (row.rate - truth[f"{row.amount} on parcels {words[row.direction]}"])
        / row.standard_error
        for row in response.rates
    }


@pytest.fixture(scope="module")
def response(sample: Sample) -> VolumeResponse:
    return _learn(sample)


def test_history_shows_what_was_planted(sample: Sample, response: VolumeResponse) -> None:
    errors = _errors(sample, response)
    assert len(errors) == 4
    assert all(abs(error) <= 1.5 for error in errors.values()), errors
    for way in ("out", "in"):
        assert response.is_enough(way)
        assert response.rate(way, "snow") > 3.0 * next(
            row.standard_error for row in response.rates if (row.direction, row.amount) == (way, "snow")
        )


@pytest.mark.slow
def test_what_was_planted_is_found_over_ten_seeds() -> None:
    """Within two standard errors nine times in ten for each rate, and on average within one."""
    samples = (build_sample("small", seed) for seed in range(1, 11))
    errors = [_errors(sample, _learn(sample)) for sample in samples]
    for key in errors[0]:
        found = np.array([of_seed[key] for of_seed in errors])
        assert (np.abs(found) <= 2.0).sum() >= 9, (key, found)
        assert abs(found.mean()) <= 1.0, (key, found)


def test_snow_days_ahead_come_out_nearer_to_the_truth_than_without(sample: Sample, response: VolumeResponse) -> None:
    tables = sample.tables
    weather = known_weather(tables["weather_observations"], tables["weather_forecasts"])
    ahead = amounts_at_hubs(sum_days(weather, ZONE), tables["hubs"], SETTINGS.radius_km)
    handled = handled_by_history(ahead, response, "out").filter(pl.col("date") > AS_OF)
    truth = sample.truth.weather_factors.filter(pl.col("date") > AS_OF, pl.col("out") < 0.9)
    both = truth.join(handled, on=["date", "hub_id"])
    assert both.height >= 3
    found, actual = np.log(both["handled"].to_numpy()), np.log(both["out"].to_numpy())
    assert np.abs(found - actual).mean() < 0.8 * np.abs(actual).mean()


def test_warned_lanes_and_outlets_are_touched_and_fair_ones_are_not(sample: Sample) -> None:
    tables = sample.tables
    warnings = tables["weather_warnings"]
    first = warnings["onset"].dt.date().min()
    assert first is not None
    days = days_between(first, max(first, AS_OF))[:3]  # type: ignore[arg-type]
    weather = known_weather(tables["weather_observations"], tables["weather_forecasts"])
    near = weather.filter(pl.col("valid_at").dt.date().is_between(days[0], days[-1]))
    acting = acting_warnings(warnings)
    scene = WeatherScene(build_grid(near), acting.frame, acting.areas, EffectTables(list_effects()), SETTINGS, ZONE)
    timetable = TimetableTables(tables["hubs"], tables["hub_sorts"])
    departures = list_departures(tables["lanes"], timetable, days, ZONE, SETTINGS.departure_hour)
    lanes = assess_lanes(sample_lanes(tables["lanes"], tables["hubs"], SETTINGS.sample_km), days, scene, departures)
    warned = lanes.filter(pl.col("cause").str.contains("warning"))
    assert warned.height > 0
    assert warned.filter(pl.col("lane_id").str.ends_with("road"))["speed_factor"].max() < 1.0  # type: ignore[operator]
    assert (warned["severity"] != "none").all()
    fair = lanes.filter(pl.col("cause") == "")
    assert (fair["speed_factor"] == 1.0).all()
    outlets = assess_outlets(tables["outlets"], days, scene)
    assert outlets.filter(pl.col("cause").str.contains("warning"))["capacity_factor"].max() < 1.0  # type: ignore[operator]
