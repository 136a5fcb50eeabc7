"""Small answers of every shape of QWeather, v7 and new, made here; nothing is asked of the network."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
import shapely

from data.areas import read_area
from data.errors import RadarError
from weather.feeds import qweather
from weather.feeds.alerts import join_warnings
from weather.feeds.reading import Reading

ZONE = ZoneInfo("Asia/Shanghai")
PLACE = (39.9, 116.4)
LINK = {
    "code": "200",
    "updateTime": "2023-04-12T18:32+08:00",
    "fxLink": "https://example.test/weather/beijing-101010100.html",
}
HOUR = {"fxTime": "2023-04-12T19:00+08:00", "temp": "24", "precip": "0.35", "windSpeed": "20", "vis": "16"}


def parse(answer: dict[str, Any], place: tuple[float, float] | None = PLACE) -> Reading:
    assert qweather.recognises(answer)
    return qweather.parse(answer, place, ZONE)


def warned(answer: dict[str, Any], place: tuple[float, float]) -> pl.DataFrame:
    warnings = parse(answer, place).warnings
    assert warnings is not None
    return warnings


def test_v7_hours_are_metric_text() -> None:
    reading = parse(LINK | {"hourly": [HOUR]})
    row = reading.frame.row(0, named=True)
    assert (row["temperature_c"], row["precipitation_mm"], row["visibility_m"]) == (24.0, 0.35, 16_000.0)
    assert row["wind_speed_ms"] == pytest.approx(5.556, abs=5e-4)
    assert row["valid_at"] == datetime(2023, 4, 12, 11, tzinfo=UTC)
    assert row["issued_at"] == datetime(2023, 4, 12, 10, 32, tzinfo=UTC)
    assert (row["latitude"], row["longitude"]) == PLACE
    assert reading.kind == "forecasts"


def test_now_is_an_observation() -> None:
    reading = parse(LINK | {"now": {"obsTime": "2020-06-30T21:40+08:00", "temp": "24", "vis": "16"}})
    assert reading.kind == "observations"
    assert reading.frame["issued_at"].null_count() == 1


def test_days_keep_their_sum_and_extremes() -> None:
    day = {"fxDate": "2021-11-15", "tempMax": "12", "tempMin": "-1", "precip": "4.8", "windSpeedDay": "36", "windSpeedNight": "18", "vis": "25"}  # fmt: skip
    frame = parse(LINK | {"daily": [day]}).frame
    assert frame.height == 24
    assert frame["precipitation_mm"].sum() == pytest.approx(4.8)
    assert frame["temperature_c"].min() == pytest.approx(-1.0)
    assert frame["temperature_c"].max() == pytest.approx(12.0)
    assert sorted(frame["wind_speed_ms"].unique().to_list()) == [5.0, 10.0]
    assert frame["valid_at"].min() == datetime(2021, 11, 14, 17, tzinfo=UTC)


def test_new_hours_bring_their_units() -> None:
    hour = {
        "forecastTime": "2024-05-31T03:00Z",
        "temperature": {"value": 14.0, "unit": "°F"},
        "wind": {"speed": {"value": 36.0, "unit": "km/h"}},
        "precipitation": {"amount": {"value": 2.0, "unit": "mm"}, "type": "snow"},
        "visibility": {"value": 1.5, "unit": "km"},
    }
    row = parse({"metadata": {"tag": "x"}, "hours": [hour]}).frame.row(0, named=True)
    assert row["temperature_c"] == pytest.approx(-10.0)
    assert (row["wind_speed_ms"], row["visibility_m"]) == (10.0, 1500.0)
    assert (row["precipitation_mm"], row["snowfall_cm"]) == (2.0, 2.0)
    assert row["issued_at"] is None


def test_new_days_are_told_by_halves() -> None:
    half = {
        "forecastStartTime": "2024-08-11T05:00Z",
        "forecastEndTime": "2024-08-11T17:00Z",
        "temperatureMax": {"value": 30.0, "unit": "°C"},
        "temperatureMin": {"value": 20.0, "unit": "°C"},
        "precipitation": {"amount": {"value": 6.0, "unit": "mm"}},
    }
    other = half | {"forecastStartTime": "2024-08-11T17:00Z", "forecastEndTime": "2024-08-12T05:00Z"}
    frame = parse({"metadata": {"tag": "x"}, "days": [{"daytime": half, "nighttime": other}]}).frame
    assert frame.height == 24
    assert frame["precipitation_mm"].sum() == pytest.approx(12.0)
    assert frame["temperature_c"].unique().to_list() == [25.0]


WARNING = {
    "id": "101020230403",
    "sender": "上海中心气象台",
    "pubTime": "2023-04-03T10:30+08:00",
    "startTime": "2023-04-03T10:30+08:00",
    "endTime": "2023-04-04T10:30+08:00",
    "status": "active",
    "severity": "Minor",
    "severityColor": "Blue",
    "typeName": "大风",
    "title": "发布大风蓝色预警",
    "text": "大风",
}


def test_old_warnings_and_a_bad_one_between() -> None:
    bad = WARNING | {"id": "2", "pubTime": "yesterday"}
    reading = parse(
        LINK
        | {"warning": [WARNING, bad, WARNING | {"id": "3", "severityColor": "", "severity": "Severe", "title": ""}]}
    )
    assert reading.warnings is not None
    assert reading.warnings["warning_id"].to_list() == ["101020230403", "3"]
    assert reading.warnings["severity"].to_list() == ["blue", "orange"]
    assert list(reading.set_apart) == ["warning 2"]
    west, south, east, north = read_area(reading.warnings["area"][0]).shape.bounds
    assert west < PLACE[1] < east
    assert south < PLACE[0] < north


def test_one_warning_told_at_two_places_stands_over_both() -> None:
    places = [PLACE, (PLACE[0] + 0.1, PLACE[1]), (PLACE[0] + 5.0, PLACE[1])]  # the first two circles overlap
    other = WARNING | {"id": "3"}
    answers = [LINK | {"warning": [WARNING, other] if number == 1 else [WARNING]} for number in range(3)]
    frames = [warned(answer, at) for answer, at in zip(answers, places, strict=True)]
    joined = join_warnings(frames)
    assert sorted(joined["warning_id"].to_list()) == ["101020230403", "3"]
    whole, single = (read_area(joined.filter(warning_id=name)["area"][0]) for name in ("101020230403", "3"))
    assert whole.notes == ()
    assert [whole.shape.contains(shapely.Point(at[1], at[0])) for at in places] == [True, True, True]
    assert single.shape.contains(shapely.Point(PLACE[1], PLACE[0]))
    assert not single.shape.contains(shapely.Point(places[2][1], places[2][0]))
    # what was told anew in the meantime counts as it was told last
    later = warned(LINK | {"warning": [WARNING | {"severityColor": "Red"}]}, PLACE)
    last = join_warnings([*frames, later]).filter(warning_id="101020230403")
    assert last["severity"].to_list() == ["red"]


def test_new_alert_names_what_it_updates() -> None:
    alert = {
        "id": "202510162100",
        "issuedTime": "2025-10-16T21:00Z",
        "messageType": {"code": "update", "supersedes": ["a", "b"]},
        "eventType": {"name": "wind", "code": "2551"},
        "severity": "moderate",
        "color": {"code": "orange"},
        "onsetTime": "2025-10-17T10:00Z",
        "expireTime": "2025-10-18T00:00Z",
        "certainty": "likely",
        "urgency": None,
    }
    first = alert | {"id": "new", "messageType": {"code": "alert"}, "color": None, "headline": "Wind Warning - Red"}
    warnings = parse({"metadata": {"tag": "x"}, "alerts": [alert, first]}).warnings
    assert warnings is not None
    assert warnings["message_type"].to_list() == ["update", "alert"]
    assert warnings["supersedes"].to_list() == ["a|b", None]
    assert warnings["severity"].to_list() == ["orange", "red"]


def test_no_alerts_is_no_error() -> None:
    reading = parse({"metadata": {"tag": "x", "zeroResult": True}, "alerts": []}, None)
    assert reading.warnings is not None
    assert reading.warnings.is_empty()


def test_storm_is_a_warning_of_wind_that_moves() -> None:
    quarters = {f"{side}Radius": "120" for side in ("ne", "se", "sw", "nw")}
    track = [
        {
            "time": f"2024-05-29T{hour}:00+08:00",
            "lat": "26.1",
            "lon": str(130 + number),
            "windSpeed": "35",
            "windRadius30": quarters,
        }
        for number, hour in enumerate(("17", "20"))
    ]
    warnings = parse(
        {"code": "200", "updateTime": "2024-05-30T06:11+00:00", "fxLink": "x", "track": track}, None
    ).warnings
    assert warnings is not None
    assert warnings["expires"][0] == warnings["onset"][1]
    shape = read_area(json.loads(json.dumps(warnings["area"][0]))).shape
    # 120 km are 1.08 degrees of latitude
    assert shape.bounds[3] - 26.1 == pytest.approx(120 / 111.2, rel=0.01)
    assert warnings["onset"][1] - warnings["onset"][0] == timedelta(hours=3)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"code": "402"}, "the provider's error answer .code 402."),
        ({"error": {"status": 401, "title": "Unauthorized", "detail": "check the key"}}, "Unauthorized: check the key"),
        (LINK | {"storm": [{"id": "NP_2022"}]}, "a list of storms without their tracks"),
        (LINK | {"now": {"aqi": "28", "pm2p5": "5"}}, "air quality"),
        (LINK | {"minutely": []}, "only the fields"),
        (LINK | {"hourly": []}, "no list of objects"),
    ],
)
def test_what_cannot_be_read_is_told(answer: dict[str, Any], told: str) -> None:
    with pytest.raises(RadarError, match=told):
        parse(answer)


DAY = {"fxDate": "2021-11-15", "tempMax": "12", "tempMin": "-1", "precip": "4.8", "windSpeedDay": "36", "windSpeedNight": "18", "vis": "25"}  # fmt: skip
NEW = {"forecastTime": "2024-05-31T03:00Z", "temperature": {"value": 14.0, "unit": "°F"}}
HALF = {
    "forecastStartTime": "2024-08-11T05:00Z",
    "forecastEndTime": "2024-08-11T17:00Z",
    "temperatureMax": {"value": 30.0, "unit": "°C"},
    "precipitation": {"amount": {"value": 6.0, "unit": "mm"}},
}


@pytest.mark.parametrize(
    ("shape", "good", "wrong", "told"),
    [
        ("hourly", HOUR, {"temp": "warm"}, "'warm'"),
        ("hourly", HOUR, {"fxTime": "noon"}, "'noon'"),
        ("hourly", HOUR, {"temp": "240"}, "temperature_c 240"),
        ("daily", DAY, {"fxDate": "some day"}, "'some day'"),
        ("daily", DAY, {"precip": "-3"}, "precipitation_mm -0.125"),
        ("hours", NEW, {"temperature": {"value": "x", "unit": "°C"}}, "'x'"),
        ("hours", NEW, {"temperature": {"value": 3.0}}, "a value without a unit"),
        ("days", {"daytime": HALF}, {"daytime": HALF | {"forecastEndTime": "2024-08-01T17:00Z"}}, "hours from start to end"),
    ],
)  # fmt: skip
def test_a_bad_entry_is_told_and_the_others_are_read(
    shape: str, good: dict[str, Any], wrong: dict[str, Any], told: str
) -> None:
    head = LINK if shape in ("hourly", "daily") else {"metadata": {"tag": "x"}}
    alone = parse(head | {shape: [good]}).frame
    reading = parse(head | {shape: [good | wrong, good, good | wrong]})
    assert reading.frame.equals(alone)
    assert reading.bad_rows["row"].to_list() == [1, 3]
    assert all(told in rule for rule in reading.bad_rows["rule"])
    assert reading.entries == 3


def test_place_is_asked_for_by_its_id() -> None:
    with pytest.raises(RadarError, match=r"without coordinates \(place 101010100\), expected its place; give --place"):
        parse(LINK | {"hourly": [HOUR]}, None)
