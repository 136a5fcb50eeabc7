"""Warnings over hubs whose parcels fall by a planted share."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from data.contracts import contract
from data.settings import EffectOverride, WeatherSettings
from weather.effects.effect_tables import list_effects
from weather.exposure.warnings import acting_warnings
from weather.impact_inputs import ImpactTables, learn_effects
from weather.learning.capacity_response import take_least
from weather.learning.volumes import Rate, VolumeResponse
from weather.learning.warning_response import LearnedWarning, fit_warning_response, replace_productivity

ZONE = ZoneInfo("UTC")
HUBS = pl.DataFrame(
    {
        "hub_id": ["N1", "N2", *(f"S{number}" for number in range(6))],
        "latitude": [40.0, 40.2] + [30.0] * 6,
        "longitude": [115.0] * 8,
    }
)
FIRST = date(2025, 1, 1)
NORTH = json.dumps({"type": "Polygon", "coordinates": [[[114, 39], [116, 39], [116, 41], [114, 41], [114, 39]]]})


def warnings(days: list[int], severity: str = "red") -> pl.DataFrame:
    moments = [datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in days]
    return pl.DataFrame(
        {
            "warning_id": [f"W{day}" for day in days],
            "kind": ["snow"] * len(days),
            "severity": [severity] * len(days),
            "onset": moments,
            "expires": [moment + timedelta(hours=23) for moment in moments],
            "area": [NORTH] * len(days),
        },
        schema_overrides={name: pl.Datetime("us", "UTC") for name in ("onset", "expires")},
    )


def volumes(hit: list[int], share: float) -> pl.DataFrame:
    chance = np.random.default_rng(1)
    rows = [
        (
            hub,
            FIRST + timedelta(days=day),
            round(10_000 * float(np.exp(chance.normal(0, 0.02))) * (share if day in hit and hub[0] == "N" else 1.0)),
        )
        for hub in HUBS["hub_id"]
        for day in range(200)
    ]
    return pl.DataFrame(rows, schema={"hub_id": pl.String, "date": pl.Date, "parcels": pl.Int64}, orient="row")


def learnt(days: list[int], share: float, spare: float = 0.15) -> LearnedWarning:
    settings = WeatherSettings(spare_capacity=spare)
    acting = acting_warnings(warnings(days))
    found = fit_warning_response(volumes(days, share), HUBS, acting, list_effects(), settings, ZONE)
    return next(row for row in found if row.id == "warning.snow.red")


def test_two_days_are_too_few_and_the_preset_stays() -> None:
    row = learnt([50, 90], 1.0)
    assert (row.kept, row.history, row.days) == (row.published, 0.0, 2)
    assert row.published == pytest.approx(0.55 * 1.15)


def test_many_days_outweigh_the_preset() -> None:
    row = learnt(list(range(40, 160, 12)), 0.9)
    assert row.history > 0.8
    assert row.kept == pytest.approx(0.9, abs=0.04)
    assert row.hub_days == 2 * row.days


def test_few_days_give_a_mixture_between_both() -> None:
    row = learnt([50, 80, 120], 0.95)
    assert row.published < row.kept < 0.95
    assert row.deviation < 0.15


def test_no_volumes_and_no_warnings_leave_the_presets() -> None:
    nothing = volumes([], 1.0).clear()
    acting = acting_warnings(warnings([5]))
    found = fit_warning_response(nothing, HUBS, acting, list_effects(), WeatherSettings(), ZONE)
    assert all(row.history == 0.0 and row.kept == row.published for row in found)


def test_learnt_rows_are_replaced_and_the_planners_stay() -> None:
    row = LearnedWarning("warning.snow.red", 0.63, 0.92, 0.05, 0.9, 9, 18)
    rows = replace_productivity(list_effects(), [row], 0.15)
    assert next(each for each in rows if each.id == row.id).productivity == pytest.approx(0.8)
    own = list_effects(overrides={row.id: EffectOverride(productivity=0.3)})
    assert next(each for each in replace_productivity(own, [row], 0.15) if each.id == row.id).productivity == 0.3


def test_least_share_counts() -> None:
    one = pl.DataFrame({"date": [FIRST, FIRST], "hub_id": ["A", "B"], "handled": [0.9, 0.5]})
    other = pl.DataFrame({"date": [FIRST, FIRST], "hub_id": ["B", "C"], "handled": [0.7, 0.6]})
    assert take_least(one, other)["handled"].to_list() == [0.9, 0.5, 0.6]


def test_rate_of_zero_on_thin_evidence_is_the_preset() -> None:
    thin = Rate("out", "snow", -0.001, 0.015, 0.5, 0.0, 3)
    sure = Rate("out", "snow", -0.001, 0.002, 0.99, 0.0, 300)
    assert VolumeResponse((thin,)).rate("out", "snow") == 0.02
    assert VolumeResponse((sure,)).rate("out", "snow") == 0.0


def test_gain_on_days_left_out_is_told_from_three_days_on() -> None:
    assert learnt(list(range(40, 160, 12)), 0.9).gain > 0.5
    # the preset is right: learning cannot beat it by much
    assert learnt(list(range(40, 160, 12)), 0.55 * 1.15).gain < 0.3
    assert np.isnan(learnt([50, 90], 0.9).gain)


def test_impact_uses_the_learnt_class() -> None:
    days = list(range(40, 160, 12))
    sent = volumes(days, 0.9).rename({"hub_id": "origin_hub_id"}).with_columns(destination_hub_id=pl.lit("S0"))
    tables = ImpactTables(
        lanes=contract("lanes").empty(),
        outlets=contract("outlets").empty(),
        waybills=contract("waybills").empty(),
        hubs=HUBS,
        observations=contract("weather_observations").empty(),
        forecasts=contract("weather_forecasts").empty(),
        warnings=warnings(days),
        route_volumes=sent,
    )
    settings = WeatherSettings()
    found = learn_effects(tables, settings, ZONE)
    assert found.replaced == ["warning.snow.red"]
    row = next(row for row in found.rows if row.id == "warning.snow.red")
    assert row.productivity * (1.0 + settings.spare_capacity) == pytest.approx(0.9, abs=0.04)
    # as of a day after two of them the class is its preset
    early = learn_effects(tables, settings, ZONE, datetime(2025, 3, 1, tzinfo=UTC))
    assert early.replaced == []
