"""When lanes are left, worked out by hand: two hubs in two zones, sorts past midnight, weekdays, seasons, a hub that is shut."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from data.contracts import contract
from data.departure_times import TimetableTables, list_departures
from data.errors import RadarError
from data.hub_hours import moment_at

SHANGHAI = ZoneInfo("Asia/Shanghai")  # UTC+8
SATURDAY, SUNDAY = date(2025, 11, 8), date(2025, 11, 9)
HUBS = pl.DataFrame({"hub_id": ["W", "E", "N"], "time_zone": ["Asia/Kolkata", None, None]})  # W: UTC+5:30
LANES = pl.DataFrame({"lane_id": ["W-E", "E-W", "N-E"], "origin_hub_id": ["W", "E", "N"]})


def sort(hub: str, name: str, cut_off: str, closes: str, **rest: Any) -> dict[str, Any]:
    return {"hub_id": hub, "sort_id": name, "opens": "00:00", "cut_off": cut_off, "closes": closes} | rest


def table(name: str, *rows: dict[str, Any]) -> pl.DataFrame:
    return contract(name).arrange(pl.DataFrame(list(rows), infer_schema_length=None))


def left(lane: str, days: list[date], **tables: Any) -> list[tuple[Any, ...]]:
    found = list_departures(LANES, TimetableTables(HUBS, **tables), days, SHANGHAI, 20)
    return [row[1:] for row in found.iter_rows() if row[0] == lane]


def utc(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2025, 11, day, hour, minute, tzinfo=UTC)


def test_a_lane_is_left_at_every_close_of_its_origin_by_the_clock_of_that_hub() -> None:
    sorts = table(
        "hub_sorts",
        sort("W", "a", "14:00", "16:00"),
        sort("E", "a", "22:00", "24:00"),
        sort("E", "b", "30:00", "32:00"),
    )
    assert left("W-E", [SATURDAY], hub_sorts=sorts) == [(SATURDAY, utc(8, 10, 30), utc(8, 8, 30), "sort")]
    # the other way by the other hub's sorts and clock; 32:00 is eight in the morning of the day after, of the same business date
    assert left("E-W", [SATURDAY], hub_sorts=sorts) == [
        (SATURDAY, utc(8, 16), utc(8, 14), "sort"),
        (SATURDAY, utc(9, 0), utc(8, 22), "sort"),
    ]
    # a hub without rows sorts once a day, until 24:00; the usual hour is for networks without any sort
    assert left("N-E", [SATURDAY], hub_sorts=sorts) == [(SATURDAY, utc(8, 16), utc(8, 16), "sort")]
    for none in ({}, {"hub_sorts": sorts.clear()}):
        assert left("N-E", [SATURDAY], **none) == [(SATURDAY, utc(8, 12), utc(8, 12), "usual")]


def test_a_hub_without_sorts_among_others_takes_its_last_arrivals_before_its_own_midnight() -> None:
    sorts = table("hub_sorts", sort("E", "a", "14:00", "16:00"))
    tables = TimetableTables(HUBS, sorts, day_cut_off_hours=2.5)
    found = {row[0]: row[1:] for row in list_departures(LANES, tables, [SATURDAY], SHANGHAI, 20).iter_rows()}
    assert found["W-E"] == (SATURDAY, utc(8, 18, 30), utc(8, 16), "sort")  # midnight in Kolkata
    assert found["N-E"] == (SATURDAY, utc(8, 16), utc(8, 13, 30), "sort")
    assert found["E-W"] == (SATURDAY, utc(8, 8), utc(8, 6), "sort")


def test_a_sort_counts_on_its_weekdays_and_in_its_season() -> None:
    sorts = table(
        "hub_sorts",
        sort("E", "a", "14:00", "16:00", weekdays="6"),
        sort("E", "b", "22:00", "24:00", weekdays="7", date_to=SATURDAY),
    )
    assert [row[0] for row in left("E-W", [SATURDAY, SUNDAY], hub_sorts=sorts)] == [SATURDAY]
    # a hub whose sorts do not run is not left at the usual hour either
    assert left("E-W", [SUNDAY], hub_sorts=sorts) == []


def test_hours_of_its_own_come_before_the_sorts_of_its_origin() -> None:
    sorts = table("hub_sorts", sort("W", "a", "14:00", "16:00"))
    own = table("lane_departures", {"lane_id": "W-E", "leaves": "25:30", "weekdays": "7", "load_hours": 1.0})
    assert left("W-E", [SATURDAY, SUNDAY], hub_sorts=sorts, lane_departures=own) == [
        (SUNDAY, utc(9, 20), utc(9, 19), "lane")  # half past one of Monday in Kolkata
    ]


def test_what_falls_into_hours_in_which_the_hub_is_shut_leaves_when_it_opens() -> None:
    sorts = table("hub_sorts", sort("E", "a", "14:00", "16:00"), sort("W", "a", "14:00", "16:00"))
    shut = [
        {"closure_id": name, "hub_id": "E", "starts_at": utc(8, *a), "ends_at": utc(8, *b), "open_share": share}
        for name, a, b, share in (("1", (7,), (9,), 0.0), ("2", (9,), (11, 15), 0.0), ("3", (11,), (23,), 0.5))
    ]
    found = {"hub_sorts": sorts, "hub_closures": table("hub_closures", *shut)}
    assert left("E-W", [SATURDAY], **found)[0][1] == utc(8, 11, 15)
    assert left("W-E", [SATURDAY], **found)[0][1] == utc(8, 10, 30)


def test_an_unknown_zone_is_told() -> None:
    hubs = HUBS.with_columns(time_zone=pl.lit("Mars/Olympus"))
    with pytest.raises(RadarError, match="Mars/Olympus of hub W"):
        list_departures(LANES, TimetableTables(hubs), [SATURDAY], SHANGHAI, 20)


def test_the_wall_clock_counts_where_clocks_change() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert moment_at(date(2025, 10, 25), 32.0, berlin) == datetime(2025, 10, 26, 7, tzinfo=UTC)
    assert moment_at(date(2025, 10, 26), 8.0, berlin) == datetime(2025, 10, 26, 7, tzinfo=UTC)
