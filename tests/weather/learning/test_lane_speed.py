"""Waybills made with a known slow-down: the fit must find it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from data.contracts import contract
from data.departure_times import TimetableTables
from data.settings import EffectOverride, WeatherSettings
from weather.effects.effect_tables import EffectTables, list_effects
from weather.exposure.points import WeatherGrid, build_grid, known_weather
from weather.learning.lane_speed import LearnedSpeed, fit_lane_speed, measure_delays, replace_rows

FIRST = date(2025, 1, 1)
DAYS = 30
HUBS = pl.DataFrame({"hub_id": ["A", "B", "C"], "latitude": [0.0, 0.0, 3.0], "longitude": [0.0, 5.0, 2.5]})
LANES = pl.DataFrame(
    {
        "lane_id": ["A-B", "B-C"],
        "origin_hub_id": ["A", "B"],
        "destination_hub_id": ["B", "C"],
        "mode": ["road", "road"],
        "transit_hours": [10.0, 8.0],
    }
)
TABLES = EffectTables(list_effects())
UTC_ZONE = ZoneInfo("UTC")


def waybills(slow: dict[date, float], seed: int = 3) -> pl.DataFrame:
    """Forty parcels a day on each lane; on slow days the road takes 1 / factor of its hours."""
    random = np.random.default_rng(seed)
    rows = []
    for step in range(DAYS):
        day = FIRST + timedelta(days=step)
        for origin, end, road in (("A", "B", 10.0), ("B", "C", 8.0)):
            for _ in range(40):
                picked = datetime(day.year, day.month, day.day, 16, tzinfo=UTC)
                hours = 6.0 + road / slow.get(day, 1.0) + random.gamma(2.0, 1.0)
                rows.append((origin, end, picked, picked + timedelta(hours=hours)))
    moment = pl.Datetime("us", "UTC")
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "origin_hub_id": pl.String,
        "destination_hub_id": pl.String,
        "picked_up_at": moment,
        "arrived_at": moment,
    }
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    numbered = frame.with_columns(
        waybill_id=pl.int_range(pl.len()).cast(pl.String), ordered_at="picked_up_at", status=pl.lit("arrived")
    )
    return contract("waybills").arrange(numbered)


def grid(snow: dict[date, float]) -> WeatherGrid:
    """The same snow [cm/h] over all hubs from 18:00 for a day."""
    rows = []
    for step in range(24 * (DAYS + 2)):
        at = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(hours=step)
        falls = snow.get((at - timedelta(hours=18)).date(), 0.0)
        for latitude, longitude in HUBS.select("latitude", "longitude").iter_rows():
            rows.append(
                {
                    "valid_at": at,
                    "latitude": latitude,
                    "longitude": longitude,
                    "temperature_c": -3.0,
                    "snowfall_cm": falls,
                    "precipitation_mm": falls,
                    "visibility_m": 2e4,
                }
            )
    frame = contract("weather_observations").arrange(
        pl.DataFrame(rows, schema_overrides={"valid_at": pl.Datetime("us", "UTC")})
    )
    return build_grid(known_weather(frame, frame.clear()))


def learn(slow: dict[date, float], snow: dict[date, float], tables: EffectTables = TABLES) -> dict[str, LearnedSpeed]:
    delays = measure_delays(waybills(slow), UTC_ZONE)
    learned = fit_lane_speed(delays, LANES, TimetableTables(HUBS), grid(snow), tables, WeatherSettings(), UTC_ZONE)
    return {row.id: row for row in learned}


SNOWY = [FIRST + timedelta(days=day) for day in (3, 7, 11, 15, 19, 22)]


def test_slow_down_behind_the_waybills_is_found() -> None:
    learned = learn(dict.fromkeys(SNOWY, 0.6), dict.fromkeys(SNOWY, 2.0))
    row = learned["snow.moderate"]
    assert row.published == 0.80
    assert row.speed == pytest.approx(0.6, abs=0.05)
    assert (row.days, row.lane_days) == (6, 12)
    assert row.history > 0.5


def test_class_without_a_day_keeps_what_is_published() -> None:
    learned = learn(dict.fromkeys(SNOWY, 0.9), dict.fromkeys(SNOWY, 0.5))
    assert learned["snow.light"].days == 6
    for name in ("snow.extreme", "rain.heavy", "fog.dense"):
        assert learned[name].history == 0.0
        assert learned[name].speed == pytest.approx(learned[name].published)


def test_heavier_snow_is_never_faster_than_lighter() -> None:
    learned = learn(dict.fromkeys(SNOWY, 0.5), dict.fromkeys(SNOWY, 0.5))
    assert learned["snow.light"].speed < 0.6
    order = [learned[f"snow.{name}"].speed for name in ("light", "moderate", "heavy", "extreme")]
    assert order == sorted(order, reverse=True)


def test_snow_that_slows_nobody_is_learnt_too() -> None:
    assert learn({}, dict.fromkeys(SNOWY, 2.0))["snow.moderate"].speed > 0.95


def test_no_waybills_keep_every_figure() -> None:
    delays = measure_delays(waybills({}).clear(), UTC_ZONE)
    learned = fit_lane_speed(delays, LANES, TimetableTables(HUBS), grid({}), TABLES, WeatherSettings(), UTC_ZONE)
    assert all(row.speed == row.published for row in learned)
    assert all(row.history == 0.0 for row in learned)


def test_last_days_and_exceptions_are_left_out() -> None:
    frame = waybills({})
    delays = measure_delays(
        frame.with_columns(exception=pl.when(pl.col("picked_up_at").dt.day() == 5).then(pl.lit("lost"))), UTC_ZONE
    )
    dates = delays["date"].unique().to_list()
    assert date(2025, 1, 5) not in dates
    assert max(dates) == FIRST + timedelta(days=DAYS - 1 - 5)


def test_history_replaces_a_row_only_when_it_is_sure_and_the_planner_has_not() -> None:
    sure = LearnedSpeed("snow.heavy", 0.7, 0.5, 0.02, 0.9, 8, 40)
    doubtful = LearnedSpeed("snow.light", 0.9, 0.5, 0.09, 0.2, 1, 3)
    rows = EffectTables(replace_rows(list_effects(), [sure, doubtful]))
    assert rows.row("snow.heavy").speed == 0.5
    assert rows.row("snow.heavy").source.startswith("speed: 40 lane-days of history")
    assert rows.row("snow.light").speed == 0.9
    own = list_effects("planning", {"snow.heavy": EffectOverride(speed=0.65)})
    assert EffectTables(replace_rows(own, [sure])).row("snow.heavy").speed == 0.65
