from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from data.errors import RadarError
from weather.feeds import openweather

CURRENT = {"dt": 1729871958, "temp": 287.89, "visibility": 7000, "wind_speed": 4.12, "rain": {"1h": 0.29}}
ANSWER: dict[str, Any] = {"lat": 51.5, "lon": -0.1, "timezone_offset": 3600, "current": CURRENT}


def test_kelvin_becomes_celsius_and_snow_counts_as_water_and_depth() -> None:
    hour = {"dt": 1729872000, "temp": 272.15, "wind_speed": 3.0, "rain": {"1h": 0.5}, "snow": {"1h": 1.5}}
    reading = openweather.parse(ANSWER | {"hourly": [hour]})
    assert reading.kind == "forecasts"
    first, second = reading.frame.iter_rows(named=True)
    assert first["temperature_c"] == pytest.approx(14.74)
    assert (first["precipitation_mm"], first["visibility_m"], first["wind_speed_ms"]) == (0.29, 7000.0, 4.12)
    assert second["temperature_c"] == pytest.approx(-1.0)
    assert (second["precipitation_mm"], second["snowfall_cm"]) == (2.0, 1.5)
    assert first["issued_at"] == second["issued_at"] == datetime.fromtimestamp(1729871958, tz=UTC)


def test_celsius_is_told_from_kelvin() -> None:
    reading = openweather.parse({"lat": 1, "lon": 2, "current": CURRENT | {"temp": 14.7}})
    assert reading.frame["temperature_c"].to_list() == [14.7]
    assert reading.kind == "observations"


def test_days_count_only_beyond_the_hours() -> None:
    hour = {"dt": 1729872000, "temp": 280.0}
    days = [
        {"dt": 1729857600 + 86400 * number, "temp": {"min": 280.0, "max": 290.0}, "rain": 2.4} for number in range(2)
    ]
    frame = openweather.parse(ANSWER | {"hourly": [hour], "daily": days}).frame
    assert frame["valid_at"].is_unique().all()
    assert frame.filter(frame["valid_at"] > datetime(2024, 10, 26, tzinfo=UTC))[
        "precipitation_mm"
    ].sum() == pytest.approx(2.4)


def test_alerts_and_a_broken_one() -> None:
    good = {
        "sender_name": "Met",
        "event": "Yellow Wind Warning",
        "start": 1729872000,
        "end": 1729900000,
        "description": "gusts",
    }
    reading = openweather.parse(ANSWER | {"alerts": [good, good | {"start": "soon"}]})
    assert reading.warnings is not None
    assert reading.warnings["severity"].to_list() == ["yellow"]
    assert list(reading.set_apart) == ["alert 2"]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"cod": 401, "message": "Invalid API key"}, "401: Invalid API key"),
        ({"lat": 91, "lon": 2, "current": CURRENT}, "latitude 91"),
        ({"lat": 1, "lon": 2, "timezone": "x"}, "neither current nor hourly nor daily"),
    ],
)
def test_what_cannot_be_read_is_told(answer: dict[str, Any], told: str) -> None:
    with pytest.raises(RadarError, match=told):
        openweather.parse(answer)


def test_bad_hours_and_days_are_told_and_the_others_are_read() -> None:
    hours = [{"dt": 1729872000 + 3600 * number, "temp": 280.0} for number in range(4)]
    hours[1]["temp"] = 90.0
    hours[2] |= {"wind_speed": "fast"}  # type: ignore[dict-item]
    days = [{"dt": 1729944000 + 86400 * number, "temp": {"min": 280.0, "max": 290.0}} for number in range(2)]
    days[1]["temp"] = {"min": "cold", "max": 290.0}
    reading = openweather.parse(ANSWER | {"hourly": hours, "daily": days})
    assert reading.bad_rows["row"].to_list() == [2, 2, 3]
    assert reading.entries == 7
    # the moment, two hours, and what of the good day lies beyond them
    assert reading.frame.height > 3
    assert reading.frame["temperature_c"].max() == pytest.approx(290.0 - 273.15)
