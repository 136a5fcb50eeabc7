"""CAP 1.2 alerts made here: an area drawn, round, by code; updates, cancellations, broken ones."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
import shapely

from data.areas import read_area
from data.contracts import contract
from data.errors import RadarError
from weather.feeds import cap
from weather.feeds.loading import Sources, read_bytes

# a blizzard north of Beijing: latitude first
POLYGON = "<polygon>40.0,115.0 40.0,117.0 41.0,117.0 41.0,115.0 40.0,115.0</polygon>"


def info(
    area: str = POLYGON, event: str = "暴雪", severity: str = "Severe", extra: str = "", language: str = "zh-CN"
) -> str:
    return (
        f"<info><language>{language}</language><category>Met</category><event>{event}</event><urgency>Expected</urgency>"
        f"<severity>{severity}</severity><certainty>Likely</certainty><onset>2025-11-10T20:00:00+08:00</onset>"
        f"<expires>2025-11-11T20:00:00+08:00</expires><headline>暴雪预警</headline>{extra}"
        f"<area><areaDesc>north</areaDesc>{area}</area></info>"
    )


def alert(*infos: str, kind: str = "Alert", status: str = "Actual", references: str = "", name: str = "A1") -> bytes:
    told = f"<references>{references}</references>" if references else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><alert xmlns="{cap.NAMESPACE}"><identifier>{name}</identifier><sender>cma</sender>'
        f"<sent>2025-11-10T08:00:00+08:00</sent><status>{status}</status><msgType>{kind}</msgType><scope>Public</scope>"
        f"{told}{''.join(infos)}</alert>"
    ).encode()


def only(content: bytes) -> dict[str, object]:
    warnings = cap.parse(content).warnings
    assert warnings is not None
    contract("weather_warnings").conform(warnings)
    return warnings.row(0, named=True)


def test_alert_becomes_a_warning() -> None:
    row = only(alert(info()))
    assert (row["warning_id"], row["kind"], row["severity"], row["status"]) == ("A1", "暴雪", "orange", "actual")
    assert row["issued_at"] == datetime(2025, 11, 10, 0, tzinfo=UTC)
    assert row["onset"] == datetime(2025, 11, 10, 12, tzinfo=UTC)
    assert (row["certainty"], row["urgency"]) == ("likely", "expected")


def test_latitude_comes_first_in_cap_and_last_in_geojson() -> None:
    shape = read_area(str(only(alert(info()))["area"])).shape
    assert shape.bounds == (115.0, 40.0, 117.0, 41.0)
    assert shape.contains(shapely.Point(116.0, 40.5))


def test_swapped_polygon_is_told() -> None:
    swapped = "<polygon>115.0,40.0 117.0,40.0 117.0,41.0 115.0,40.0</polygon>"
    reading = cap.parse(alert(info(swapped)))
    assert reading.warnings is not None
    assert reading.warnings.is_empty()
    assert "CAP has latitude first" in reading.set_apart["A1"]


def test_circle_is_round_on_the_ground() -> None:
    shape = read_area(str(only(alert(info("<circle>40.0,116.0 111.2</circle>")))["area"])).shape
    assert shape.bounds[3] == pytest.approx(41.0, abs=0.01)
    assert shape.bounds[2] == pytest.approx(116.0 + 1.0 / 0.766, abs=0.02)


def test_geocode_takes_the_shape_of_its_region() -> None:
    code = "<geocode><valueName>GB2260</valueName><value>110000</value></geocode>"
    square = {"type": "Polygon", "coordinates": [[[1, 1], [2, 1], [2, 2], [1, 2], [1, 1]]]}
    known = cap.parse(alert(info(code)), {"110000": square}).warnings
    assert known is not None
    assert read_area(known["area"][0]).shape.bounds == (1.0, 1.0, 2.0, 2.0)
    assert "told only as 110000" in cap.parse(alert(info(code))).set_apart["A1"]


@pytest.mark.parametrize(
    ("severity", "extra", "expected"),
    [
        ("Extreme", "", "red"),
        ("Minor", "", "blue"),
        ("Unknown", "", "blue"),
        ("Red", "", "red"),
        (
            "Unknown",
            "<parameter><valueName>awareness_level</valueName><value>3; orange; Severe</value></parameter>",
            "orange",
        ),
        ("Minor", "<parameter><valueName>颜色</valueName><value>黄色</value></parameter>", "yellow"),
    ],
)
def test_colour(severity: str, extra: str, expected: str) -> None:
    assert only(alert(info(severity=severity, extra=extra)))["severity"] == expected


def test_chinese_is_taken_of_several_languages_and_two_infos_are_two_warnings() -> None:
    reading = cap.parse(alert(info(language="en-US", event="Snow"), info(), info(event="道路结冰")))
    assert reading.warnings is not None
    assert reading.warnings["warning_id"].to_list() == ["A1#1", "A1#2"]
    assert reading.warnings["kind"].to_list() == ["暴雪", "道路结冰"]


def test_one_bad_info_leaves_the_other() -> None:
    reading = cap.parse(alert(info("<polygon>1,1 2,2 x,3 1,1</polygon>"), info()))
    assert reading.warnings is not None
    assert reading.warnings["warning_id"].to_list() == ["A1#2"]
    assert list(reading.set_apart) == ["A1#1"]


def test_update_and_cancellation_name_what_they_replace() -> None:
    told = "cma,A1,2025-11-10T08:00:00+08:00 cma,A2,2025-11-10T09:00:00+08:00"
    update = only(alert(info(), kind="Update", references=told, name="B"))
    assert (update["message_type"], update["supersedes"]) == ("update", "A1|A2")
    cancel = only(alert(kind="Cancel", references=told, name="C"))
    assert (cancel["message_type"], cancel["supersedes"]) == ("cancel", "A1|A2")


def test_test_messages_keep_their_status() -> None:
    assert only(alert(info(), status="Test"))["status"] == "test"


BOMB = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;&x;&x;&x;&x;&x;&x;&x;">]><a>&y;</a>'
STEAL = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>'


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"<alert", "no readable XML"),
        (alert(info())[:300], "no readable XML"),
        (BOMB, "document type"),
        (STEAL, "document type"),
        (b"<feed xmlns='http://www.w3.org/2005/Atom'/>", "an index of alerts"),
        (b"<alert/>", "no CAP 1.2 alert"),
        (alert(info()).replace(b"<urgency>Expected</urgency>", b""), "no CAP 1.2 alert"),
        (alert(info()).replace(b"+08:00</sent>", b"</sent>"), "no CAP 1.2 alert"),
        (alert(info(), kind="Ack"), "a message of type ack"),
        (alert(kind="Cancel"), "a cancellation that names no alert"),
        (alert(), "an alert without info"),
    ],
)
def test_what_is_no_alert_is_told(content: bytes, told: str) -> None:
    with pytest.raises(RadarError, match=told):
        read_bytes(content, "a.xml", Sources(zone=ZoneInfo("UTC")))


def test_area_is_one_geojson_text() -> None:
    two = POLYGON + "<circle>30.0,100.0 10</circle>"
    assert json.loads(str(only(alert(info(two)))["area"]))["type"] == "MultiPolygon"
