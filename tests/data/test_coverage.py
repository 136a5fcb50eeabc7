"""Gaps, copied days, and the summary of tables."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from data.checks.coverage import FINDING_SCHEMA, find_copied_days, find_gaps, summarise_tables
from data.contracts import contract

START = date(2022, 1, 1)
ZONE = ZoneInfo("Asia/Shanghai")


def _volumes(days: list[int], hubs: tuple[str, ...] = ("A",), parcels: int | None = None) -> pl.DataFrame:
    rows = [
        {
            "date": START + timedelta(day),
            "courier_id": "c",
            "origin_hub_id": hub,
            "destination_hub_id": f"D{n}",
            "parcels": parcels or day + n,
        }
        for day in days
        for hub in hubs
        for n in range(10)
    ]
    return contract("route_volumes").conform(pl.DataFrame(rows))


def test_gaps_of_a_table_are_joined_into_runs() -> None:
    gaps = find_gaps(_volumes([0, 1, 4, 5, 7]), "route_volumes")
    assert dict(gaps.schema) == FINDING_SCHEMA
    assert gaps.select("subject", "date_from", "date_to", "detail").rows() == [
        ("route_volumes", date(2022, 1, 3), date(2022, 1, 4), "2 day(s) without a row"),
        ("route_volumes", date(2022, 1, 7), date(2022, 1, 7), "1 day(s) without a row"),
    ]
    assert find_gaps(_volumes([3]), "route_volumes").height == 0
    assert find_gaps(contract("route_volumes").empty(), "route_volumes").height == 0


def test_gaps_of_a_hub_leave_out_sparse_ones_and_short_ones() -> None:
    steady = _volumes([day for day in range(60) if not 20 <= day < 27], ("steady",))
    short = _volumes([day for day in range(60) if day != 9], ("short",))
    sparse = _volumes(list(range(0, 60, 3)), ("sparse",))
    gaps = find_gaps(pl.concat([steady, short, sparse]), "route_volumes", "origin_hub_id", 7)
    assert gaps.select("subject", "date_from", "detail").rows() == [
        ("origin_hub steady", date(2022, 1, 21), "7 day(s) without a row")
    ]


def test_a_day_that_repeats_the_day_before_is_told() -> None:
    normal, copied = _volumes([0, 1]), _volumes([1]).with_columns(pl.col("date") + timedelta(1))
    found = find_copied_days(pl.concat([normal, copied.reverse()]), "route_volumes")
    assert found.select("kind", "date_from", "parcels").rows() == [
        ("copied day", date(2022, 1, 3), copied["parcels"].sum())
    ]
    apart = copied.with_columns(pl.col("date") + timedelta(5))
    assert find_copied_days(pl.concat([normal, apart]), "route_volumes").height == 0
    changed = copied.with_columns(pl.when(pl.int_range(pl.len()) == 0).then(99).otherwise("parcels").alias("parcels"))
    assert find_copied_days(pl.concat([normal, changed]), "route_volumes").height == 0


def test_the_summary_says_since_when_in_local_days() -> None:
    waybill = {"waybill_id": "1", "origin_hub_id": "A", "destination_hub_id": "B", "status": "created"}
    late = datetime(2022, 1, 5, 0, 30, tzinfo=ZONE)
    tables = {
        "route_volumes": _volumes([0, 3]),
        "waybills": contract("waybills").arrange(pl.DataFrame([{**waybill, "ordered_at": late}])),
        "hubs": pl.DataFrame({"hub_id": ["A"], "name": ["A"]}),
    }
    summary = summarise_tables(tables, ZONE)
    rows = {row["table"]: row for row in summary.to_dicts()}
    assert rows["route_volumes"] == {
        "table": "route_volumes",
        "rows": 20,
        "first_day": START,
        "last_day": date(2022, 1, 4),
        "days": 2,
        "missing_days": 2,
    }
    assert rows["waybills"]["first_day"] == date(2022, 1, 5)
    assert rows["hubs"] == {
        "table": "hubs",
        "rows": 1,
        "first_day": None,
        "last_day": None,
        "days": None,
        "missing_days": None,
    }
    assert rows["sales"]["rows"] == 0
    assert "runs" not in rows
