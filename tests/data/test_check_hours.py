"""Hours that no plan can keep, as `radar check` finds them."""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from data.checks.hours import find_hour_faults
from data.contracts import contract

ZONE = ZoneInfo("Asia/Shanghai")
TODAY = date(2025, 3, 1)
SORT = {"opens": "20:00", "cut_off": "22:00", "closes": "24:00"}


def _table(name: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    return contract(name).conform(pl.DataFrame(rows, infer_schema_length=None)) if rows else contract(name).empty()


def _tables(**rows: list[dict[str, Any]]) -> dict[str, pl.DataFrame]:
    hubs = [{"hub_id": name, "name": name, "time_zone": zone} for name, zone in (("A", None), ("B", "Europe/Berlin"))]
    lane = {"mode": "road", "distance_km": 10.0}
    lanes = [
        lane | {"lane_id": "A-B", "origin_hub_id": "A", "destination_hub_id": "B", "transit_hours": 30.0},
        lane | {"lane_id": "B-A", "origin_hub_id": "B", "destination_hub_id": "A", "transit_hours": 5.0},
    ]
    kinds = [
        {"vehicle_type_id": kind, "name": kind, "mode": mode, "ownership": "spot", "capacity": 9, "fixed_cost": 1.0, "cost_per_km": 1.0}
        for kind, mode in (("truck", "road"), ("train", "rail"))
    ]  # fmt: skip
    given: dict[str, Any] = {"hubs": hubs, "lanes": lanes, "vehicle_types": kinds} | rows
    names = (
        "hubs",
        "lanes",
        "vehicle_types",
        "lane_vehicles",
        "hub_sorts",
        "lane_departures",
        "service_promises",
        "route_volumes",
    )
    return {name: _table(name, given.get(name, [])) for name in names}


def _found(tables: dict[str, pl.DataFrame]) -> list[tuple[str, str]]:
    return find_hour_faults(tables, ZONE, TODAY).select("kind", "subject").rows()


def test_hours_that_can_be_kept_are_not_told() -> None:
    sorts = [{"hub_id": hub, "sort_id": "evening", **SORT, "sort_capacity": 5} for hub in "AB"]
    promises = [{"origin_hub_id": "A", "destination_hub_id": "B", "latest_hours": 30.0}]
    departures = [{"lane_id": "A-B", "leaves": "24:00", "vehicle_type_id": "truck"}]
    assert _found(_tables(hub_sorts=sorts, service_promises=promises, lane_departures=departures)) == []
    assert _found(_tables()) == []


def test_sorts_without_capacity_and_hours_the_clocks_leave_out() -> None:
    night = {"opens": "24:00", "cut_off": "26:30", "closes": "28:00"}
    sorts: list[dict[str, Any]] = [
        {"hub_id": "A", "sort_id": "idle", **SORT, "sort_capacity": 0},
        {"hub_id": "A", "sort_id": "night", **night},  # Shanghai changes no clocks
        {"hub_id": "B", "sort_id": "night", **night},
        {"hub_id": "B", "sort_id": "monday", **SORT, "weekdays": "1"},
    ]
    departures = [{"lane_id": "B-A", "leaves": "02:15"}, {"lane_id": "B-A", "leaves": "03:00"}]
    found = find_hour_faults(_tables(hub_sorts=sorts, lane_departures=departures), ZONE, TODAY)
    assert found.filter(pl.col("kind") == "idle sort")["subject"].to_list() == ["hub A sort idle"]
    lost = found.filter(pl.col("kind") == "lost hour")
    # 26:30 of the 29th is 02:30 of the 30th, which Berlin does not have
    told = {("hub B sort night cut_off", date(2025, 3, 30)), ("lane B-A at 02:15", date(2025, 3, 30))}
    assert set(lost.select("subject", "date_from").rows()) >= told
    assert {subject for subject, _ in lost.select("subject", "date_from").rows()} == {subject for subject, _ in told}


def test_departures_nobody_takes_or_of_hubs_that_are_shut() -> None:
    sorts = [{"hub_id": "A", "sort_id": "evening", **SORT, "weekdays": "12345"}]
    departures = [
        {"lane_id": "A-B", "leaves": "24:00", "vehicle_type_id": "train"},
        {"lane_id": "A-B", "leaves": "23:00", "weekdays": "67"},
        {"lane_id": "B-A", "leaves": "23:00", "weekdays": "67"},
    ]
    assert _found(_tables(hub_sorts=sorts, lane_departures=departures)) == [
        ("departure of a shut hub", "lane A-B at 23:00"),
        ("departure without vehicle", "lane A-B at 24:00"),
        ("departure of a shut hub", "lane A-B at 24:00"),
    ]


def test_promises_no_lane_keeps_are_told_with_their_share() -> None:
    promises = [
        {"origin_hub_id": "A", "destination_hub_id": "B", "latest_hours": 29.0},
        {"origin_hub_id": "B", "destination_hub_id": "A", "by_day": 0, "by_hour": "04:00"},
        {"origin_hub_id": "A", "destination_hub_id": "A", "latest_hours": 0.0},
        {"origin_hub_id": "A", "destination_hub_id": "X", "latest_hours": 99.0},
    ]
    volumes = [
        {"date": date(2025, 2, 1), "courier_id": "c", "origin_hub_id": "A", "destination_hub_id": d, "parcels": n}
        for d, n in (("B", 30), ("A", 90))
    ]
    found = find_hour_faults(_tables(service_promises=promises, route_volumes=volumes), ZONE, TODAY)
    assert found.select("subject", "parcels").rows() == [("route A-B", 30), ("route A-X", None), ("route B-A", None)]
    assert (
        found["detail"][0]
        == "promised within 29 hours, the fastest lanes take 30 hours; 25.0 % of the parcels of the last 28 days"
    )
    assert "no lanes lead there" in found["detail"][1]
