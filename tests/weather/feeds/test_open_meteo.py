from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from data.contracts import contract
from data.errors import RadarError
from weather.feeds.open_meteo import parse
from weather.feeds.reading import SCHEMA, Reading, settle_kind
from weather.feeds.rows import parse_json


def read_file(path: Path) -> Reading:
    return parse(parse_json(path.read_bytes(), file=path.name), file=path.name)


def hourly_answer(**changes: Any) -> dict[str, Any]:
    """Two hours in Wuhan, local times, in units other than ours."""
    answer: dict[str, Any] = {
        "latitude": 30.6,
        "longitude": 114.3,
        "utc_offset_seconds": 28800,
        "hourly_units": {
            "time": "iso8601",
            "temperature_2m": "°F",
            "precipitation": "inch",
            "snowfall": "inch",
            "wind_speed_10m": "km/h",
            "visibility": "ft",
            "weather_code": "wmo code",
        },
        "hourly": {
            "time": ["2025-11-11T00:00", "2025-11-11T01:00"],
            "temperature_2m": [32.0, 23.0],
            "precipitation": [0.1, 0.0],
            "snowfall": [1.0, None],
            "wind_speed_10m": [36.0, 18.0],
            "visibility": [1000.0, 10000.0],
            "weather_code": [71, 3],
        },
    }
    return answer | changes


def test_hourly_values_come_in_our_units_and_utc() -> None:
    reading = parse(hourly_answer())
    assert dict(reading.frame.schema) == SCHEMA | {"entry": pl.Int64()}
    assert reading.ignored == ("weather_code",)
    first = reading.frame.row(0, named=True)
    assert first["valid_at"] == datetime(2025, 11, 10, 16, tzinfo=UTC)
    assert first["temperature_c"] == pytest.approx(0.0)
    assert first["precipitation_mm"] == pytest.approx(2.54)
    assert first["snowfall_cm"] == pytest.approx(2.54)
    assert first["wind_speed_ms"] == pytest.approx(10.0)
    assert first["visibility_m"] == pytest.approx(304.8)
    assert reading.frame["snowfall_cm"][1] is None


def test_same_numbers_with_another_declared_unit_are_another_wind() -> None:
    answer = hourly_answer()
    answer["hourly_units"]["wind_speed_10m"] = "m/s"
    assert parse(answer).frame["wind_speed_ms"].to_list() == [36.0, 18.0]


def test_unixtime_is_utc_whatever_the_offset() -> None:
    answer = hourly_answer()
    answer["hourly_units"]["time"] = "unixtime"
    answer["hourly"]["time"] = [1762790400, 1762794000]
    assert parse(answer).frame["valid_at"].to_list() == [
        datetime(2025, 11, 10, 16, tzinfo=UTC),
        datetime(2025, 11, 10, 17, tzinfo=UTC),
    ]


def test_stamp_with_its_own_offset_keeps_it() -> None:
    answer = hourly_answer()
    answer["hourly"]["time"] = ["2025-11-11T00:00+09:00", "2025-11-11T01:00Z"]
    assert parse(answer).frame["valid_at"].to_list() == [
        datetime(2025, 11, 10, 15, tzinfo=UTC),
        datetime(2025, 11, 11, 1, tzinfo=UTC),
    ]


def test_places_in_a_list_are_read_together() -> None:
    frame = parse([hourly_answer(), hourly_answer(latitude=22.5, longitude=114.0)]).frame
    assert frame.select("latitude").unique().height == 2
    assert frame.height == 4


def test_current_water_is_a_rate_an_hour() -> None:
    answer = {
        "latitude": 30.0,
        "longitude": 120.0,
        "utc_offset_seconds": 28800,
        "current_units": {"time": "iso8601", "interval": "seconds", "precipitation": "mm", "wind_speed_10m": "km/h"},
        "current": {"time": "2026-09-13T18:15", "interval": 900, "precipitation": 0.5, "wind_speed_10m": 7.2},
    }
    reading = parse(answer)
    assert reading.kind == "observations"
    row = reading.frame.row(0, named=True)
    assert row["valid_at"] == datetime(2026, 9, 13, 10, 15, tzinfo=UTC)
    assert row["precipitation_mm"] == pytest.approx(2.0)
    assert row["wind_speed_ms"] == pytest.approx(2.0)


def daily_answer(**daily: Any) -> dict[str, Any]:
    units = {"time": "iso8601", "temperature_2m_max": "°C", "temperature_2m_min": "°C", "precipitation_sum": "mm"}
    units |= {"snowfall_sum": "cm", "precipitation_hours": "h", "wind_speed_10m_max": "km/h"}
    return {"latitude": 45.7, "longitude": 126.6, "utc_offset_seconds": 28800, "daily_units": units, "daily": daily}


def test_day_is_spread_over_its_wet_hours_and_keeps_its_sum() -> None:
    answer = daily_answer(
        time=["2025-11-11"],
        precipitation_sum=[12.0],
        snowfall_sum=[6.0],
        precipitation_hours=[6.0],
        temperature_2m_max=[-2.0],
        temperature_2m_min=[-10.0],
        wind_speed_10m_max=[36.0],
    )
    frame = parse(answer).frame
    assert frame.height == 24
    assert frame["precipitation_mm"].sum() == pytest.approx(12.0)
    assert frame["snowfall_cm"].sum() == pytest.approx(6.0)
    assert (frame["precipitation_mm"] > 0).sum() == 6
    assert frame["precipitation_mm"].max() == pytest.approx(2.0)
    assert frame["temperature_c"].max() == pytest.approx(-2.0)
    assert frame["temperature_c"].min() == pytest.approx(-10.0)
    assert frame["wind_speed_ms"].unique().to_list() == [10.0]
    # hours that end in the day: 01:00 to 24:00 local
    assert frame["valid_at"].min() == datetime(2025, 11, 10, 17, tzinfo=UTC)
    assert frame["valid_at"].max() == datetime(2025, 11, 11, 16, tzinfo=UTC)


@pytest.mark.parametrize("hours", [0.0, 1.0, 7.0, 24.0, None])
def test_day_keeps_its_sum_for_any_number_of_wet_hours(hours: float | None) -> None:
    frame = parse(daily_answer(time=["2025-11-11"], precipitation_sum=[5.0], precipitation_hours=[hours])).frame
    assert frame["precipitation_mm"].sum() == pytest.approx(5.0)


def test_day_without_wet_hours_falls_evenly() -> None:
    frame = parse(daily_answer(time=["2025-11-11"], precipitation_sum=[24.0])).frame
    assert frame["precipitation_mm"].to_list() == pytest.approx([1.0] * 24)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"latitude": 95.0}, "column latitude: found latitude 95"),
        ({"longitude": None}, "column longitude: found no longitude, expected a number"),
        ({"hourly_units": None}, "column hourly_units: found no hourly_units"),
        ({"hourly": [1, 2]}, "column hourly: found hourly that is no object"),
        ({"utc_offset_seconds": None}, "column utc_offset_seconds: found no utc_offset_seconds"),
        ({"utc_offset_seconds": 900000}, "column utc_offset_seconds: found 900000 s"),
        ({"error": True, "reason": "Daily API request limit exceeded"}, "the provider's error answer: Daily API"),
    ],
)
def test_broken_answer_names_file_and_field(change: dict[str, Any], told: str) -> None:
    with pytest.raises(RadarError, match=told.replace("(", r"\(")):
        parse(hourly_answer(**change), file="wuhan.json")


@pytest.mark.parametrize(
    ("variable", "values", "told"),
    [
        ("wind_speed_10m", [36.0], "column hourly.wind_speed_10m: found 1 values, expected 2"),
        ("wind_speed_10m", 5.0, "found a float in hourly.wind_speed_10m"),
        ("time", [], "column hourly.time: found no times in hourly"),
    ],
)
def test_broken_values_are_named(variable: str, values: Any, told: str) -> None:
    answer = hourly_answer()
    answer["hourly"][variable] = values
    with pytest.raises(RadarError, match=told):
        parse(answer, file="wuhan.json")


@pytest.mark.parametrize(
    ("variable", "value", "rule"),
    [
        ("wind_speed_10m", "a", "is neither a number nor null"),
        ("wind_speed_10m", True, "is neither a number nor null"),
        ("wind_speed_10m", 10**400, "is wind_speed_ms outside"),
        ("precipitation", -9999.0, "is precipitation_mm outside"),
        ("time", "yesterday", "is no iso8601 time"),
    ],
)
def test_a_bad_hour_is_told_and_the_others_are_read(variable: str, value: Any, rule: str) -> None:
    answer = hourly_answer()
    answer["hourly"][variable][0] = value
    reading = parse(answer, file="wuhan.json")
    assert (reading.frame.height, reading.entries) == (1, 2)
    assert reading.bad_rows.select("file", "row").rows() == [("wuhan.json", 1)]
    assert reading.bad_rows["rule"][0].startswith(rule)


def test_a_bad_day_takes_its_hours_along() -> None:
    answer = daily_answer(time=["2025-11-11", "2025-11-12"], wind_speed_10m_max=[-5.0, 36.0])
    reading = parse(answer)
    assert (reading.frame.height, reading.entries) == (24, 2)
    assert reading.bad_rows["row"].to_list() == [1]


@pytest.mark.parametrize(
    ("unit", "told"), [("furlong", "unit 'furlong' for wind"), (None, "no unit for hourly.wind_speed_10m")]
)
def test_unknown_or_missing_unit_is_refused(unit: str | None, told: str) -> None:
    answer = hourly_answer()
    answer["hourly_units"]["wind_speed_10m"] = unit
    with pytest.raises(RadarError, match=told):
        parse(answer)


def test_answer_without_a_block_tells_which_are_expected() -> None:
    with pytest.raises(RadarError, match="expected a block hourly, daily or current"):
        parse({"latitude": 1.0, "longitude": 2.0})


def test_json_nested_without_end_is_told(tmp_path: Path) -> None:
    path = tmp_path / "deep.json"
    path.write_text("[" * 100_000)
    with pytest.raises(RadarError, match=r"deep\.json: found no readable JSON"):
        read_file(path)


def test_a_broken_place_of_a_list_is_told_and_the_others_are_read() -> None:
    reading = parse([hourly_answer(), hourly_answer(latitude=-91.0), 5], file="two.json")
    assert reading.bad_rows.select("file", "column").rows() == [
        ("two.json, place 2", "latitude"),
        ("two.json, place 3", None),
    ]
    assert (reading.frame.height, reading.entries) == (2, 4)
    with pytest.raises(RadarError, match=r"two\.json, place 1, column latitude"):
        parse([hourly_answer(latitude=-91.0)] * 2, file="two.json")


def test_broken_json_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "cut.json"
    path.write_text(json.dumps(hourly_answer(), indent=1)[:200])
    with pytest.raises(RadarError, match=r"cut\.json: found no readable JSON \(line \d+"):
        read_file(path)


def test_file_of_past_hours_is_observed_and_later_hours_are_forecast() -> None:
    reading = parse(hourly_answer())
    kind, frame = settle_kind(reading, None, datetime(2025, 11, 12, tzinfo=UTC))
    assert kind == "observations"
    assert frame["issued_at"].null_count() == frame.height
    kind, frame = settle_kind(reading, None, datetime(2025, 11, 10, 16, 30, tzinfo=UTC))
    assert kind == "forecasts"
    assert frame["issued_at"].unique().to_list() == [datetime(2025, 11, 10, 16, 30, tzinfo=UTC)]
    assert settle_kind(reading, "forecasts", datetime(2025, 11, 12, tzinfo=UTC))[0] == "forecasts"


@pytest.mark.parametrize(
    ("name", "rows", "wind"),
    [
        ("archive_hourly_adelaide_2025-01", 72, None),
        ("forecast_hourly_adelaide", 72, None),
        ("forecast_daily_berlin_2023", 168, 14.5 / 3.6),
        ("current_hangzhou_2026", 1, 8.2 / 3.6),
    ],
)
def test_real_answers_pass_the_contract(shared: Path, name: str, rows: int, wind: float | None) -> None:
    path = shared / "weather" / "open-meteo" / f"{name}.json"
    reading = read_file(path)
    assert reading.frame.height == rows
    kept = contract("weather_observations").conform(reading.frame.drop("entry"))
    assert kept.height == rows
    if wind is None:
        raw = json.loads(path.read_text())
        assert kept.sort("valid_at")["wind_speed_ms"].to_list() == raw["hourly"]["wind_speed_10m"]
        # 09:30 east of Greenwich
        assert kept["valid_at"].dt.minute().unique().to_list() == [30]
    else:
        assert kept.sort("valid_at")["wind_speed_ms"][0] == pytest.approx(wind)


def test_real_geocoding_answer_is_refused(shared: Path) -> None:
    with pytest.raises(
        RadarError, match=r"geocode_hangzhou\.json: found a list of places, expected the weather of a place"
    ):
        read_file(shared / "weather" / "open-meteo" / "geocode_hangzhou.json")


def test_current_does_not_double_an_hour_of_the_hourly_block() -> None:
    answer = hourly_answer(
        current_units={"time": "iso8601", "interval": "seconds", "wind_speed_10m": "km/h"},
        current={"time": "2025-11-11T01:00", "interval": 900, "wind_speed_10m": 90.0},
    )
    frame = parse(answer).frame
    assert frame.height == 2
    assert frame.filter(pl.col("wind_speed_ms") > 20.0).is_empty()


def test_a_list_of_places_is_no_weather() -> None:
    with pytest.raises(RadarError, match="found a list of places, expected the weather of a place"):
        parse({"results": [{"name": "杭州", "latitude": 30.3, "longitude": 120.2}]})
