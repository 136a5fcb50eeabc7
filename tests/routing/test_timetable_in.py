"""Timetables read from GTFS files, listed hours or plans, and held against a demand a reader can add up."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl
import pytest

from data.contracts import contract
from data.errors import RadarError
from routing.timetable_in import list_overfull, read_gtfs, read_listed, span_services
from routing.trunk.plan import plan_trunk
from routing.trunk.replan.reference_plan import Reference
from routing.trunk.task.inputs import TrunkInputs, TrunkOptions
from tests.routing.networks import DAY, make_inputs

OPTIONS = TrunkOptions(hold_cost=0.1, short_cost=50.0, effort=0.02)
WEEK = date(2026, 11, 9), date(2026, 11, 15)  # Monday to Sunday
EVERY_DAY = dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"), "1")


def _text(*rows: dict[str, str]) -> pl.DataFrame:
    return pl.DataFrame(rows)


def _feed(**changed: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Two trips of a lane each day but a holiday, and one of three stops on weekends."""
    weekend = EVERY_DAY | dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), "0")
    stops = [("t1", "A", "22:15:00"), ("t1", "B", "31:00:00"), ("t2", "A", "25:00:00"), ("t2", "B", "33:00:00")]
    stops += [("t3", "A", "06:00:00"), ("t3", "B", "09:00:00"), ("t3", "C", "12:00:00")]
    files = {
        "trips": _text(
            {"trip_id": "t1", "route_id": "夜班", "service_id": "daily"},
            {"trip_id": "t2", "route_id": "A-B express", "service_id": "daily"},
            {"trip_id": "t3", "route_id": "x", "service_id": "weekend"},
        ),
        "stop_times": _text(
            *(
                {"trip_id": trip, "stop_id": stop, "stop_sequence": str(n), "departure_time": leaves}
                for n, (trip, stop, leaves) in enumerate(stops)
            )
        ),
        "calendar": _text(
            {"service_id": "daily", **EVERY_DAY, "start_date": "20261101", "end_date": "20261112"},
            {"service_id": "weekend", **weekend, "start_date": "20261101", "end_date": "20261130"},
        ),
        "calendar_dates": _text(
            {"service_id": "daily", "date": "20261111", "exception_type": "2"},
            {"service_id": "daily", "date": "20261114", "exception_type": "1"},
        ),
        "capacities": _text(*({"trip_id": f"t{n}", "vehicle_type_id": "truck"} for n in (1, 2, 3))),
    }
    return files | changed


def _lanes() -> pl.DataFrame:
    ends = [("A-B", "A", "B"), ("A-B express", "A", "B"), ("B-C", "B", "C")]
    return pl.DataFrame(ends, schema=["lane_id", "origin_hub_id", "destination_hub_id"], orient="row")


def test_trips_run_on_the_days_of_their_service() -> None:
    found = read_gtfs(_feed(), _lanes(), WEEK)
    told = {(row["date"].day, row["lane_id"], row["leaves"]): row["departures"] for row in found.departures.to_dicts()}
    daily = [
        (day, lane, hour) for day in (9, 10, 12, 14) for lane, hour in (("A-B", "22:15"), ("A-B express", "25:00"))
    ]
    weekend = [(day, lane, hour) for day in (14, 15) for lane, hour in (("A-B", "06:00"), ("B-C", "09:00"))]
    assert told == dict.fromkeys([*daily, *weekend], 1)
    assert found.strange == {}
    assert span_services(_feed()) == (date(2026, 11, 1), date(2026, 11, 30))


def test_legs_no_lane_joins_are_counted_and_left_out() -> None:
    found = read_gtfs(_feed(), _lanes().filter(pl.col("lane_id") != "B-C"), WEEK)
    assert found.strange == {"B - C": 1}
    assert set(found.departures["lane_id"]) == {"A-B", "A-B express"}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"capacities": None}, "No capacities.txt"),
        ({"calendar": None, "calendar_dates": None}, "Neither calendar.txt"),
        ({"capacities": _text({"trip_id": "t1", "vehicle_type_id": "truck"})}, "Trip t2 without a vehicle type"),
        ({"trips": _text({"trip_id": "t1", "route_id": "r"})}, "Trips.txt without service_id"),
        (
            {"calendar_dates": _text({"service_id": "daily", "date": "11 Nov", "exception_type": "1"})},
            "service day 11 Nov",
        ),
    ],
)
def test_a_feed_that_lacks_something_is_refused_by_name(changed: dict[str, Any], told: str) -> None:
    files = {name: frame for name, frame in _feed(**changed).items() if frame is not None}
    with pytest.raises(RadarError) as caught:
        read_gtfs(files, _lanes(), WEEK)
    assert told.lower() in str(caught.value).lower()


def test_listed_hours_run_on_their_weekdays() -> None:
    rows = [
        {"lane_id": "A-B", "leaves": "22:00", "vehicle_type_id": "truck", "departure_limit": 2},
        {"lane_id": "B-C", "leaves": "08:00", "vehicle_type_id": "van", "departure_limit": 1, "weekdays": "67"},
    ]
    listed = contract("lane_departures").conform(pl.DataFrame(rows))
    found = read_listed(listed, WEEK).departures
    assert found.group_by("lane_id").agg(pl.col("departures").sum()).sort("lane_id").rows() == [("A-B", 14), ("B-C", 2)]
    with pytest.raises(RadarError, match="2 rows without vehicle_type_id or departure_limit"):
        read_listed(listed.with_columns(departure_limit=pl.lit(None, pl.Int64)), WEEK)


def _network() -> TrunkInputs:
    """150 parcels a day from A to B and 90 from B to A, trucks of 100."""
    lanes = [{"origin_hub_id": "A", "destination_hub_id": "B"}, {"origin_hub_id": "B", "destination_hub_id": "A"}]
    kind = {"vehicle_type_id": "truck", "capacity": 100, "fixed_cost": 10.0, "fleet_size": 1}
    demand = [(day, a, b, n) for day in (0, 1) for a, b, n in (("A", "B", 150), ("B", "A", 90))]
    hubs = [{"hub_id": "A", "buffer_capacity": 0}, {"hub_id": "B", "buffer_capacity": 0}]
    return make_inputs(hubs, lanes, [kind | {"fleet_size": None}], demand)


def test_what_a_timetable_lacks_and_the_smallest_change_that_carries_all() -> None:
    inputs = _network()
    rows = [(day, lane, "any", "truck", 1) for day in (DAY, DAY.replace(day=12)) for lane in ("A-B", "B-A")]
    timetable = pl.DataFrame(rows, schema=["date", "lane_id", "leaves", "vehicle_type_id", "departures"], orient="row")
    held = plan_trunk(replace(inputs, timetable=timetable), OPTIONS)
    assert held.short == 100
    assert held.trunk_departures["departures"].sum() == 4
    near = Reference(held.trunk_departures, held.trunk_flows, DAY, DAY.replace(day=12), 0)
    plan = plan_trunk(inputs, OPTIONS, reference=near)
    assert plan.short == 0
    assert plan.changes is not None
    assert plan.changes.select("lane_id", "from", "to").rows() == [("A-B", 1, 2), ("A-B", 1, 2)]
    room = pl.DataFrame({"lane_id": ["A-B", "B-A"], "vehicle_type_id": "truck", "capacity": 100})
    over = list_overfull(held.trunk_departures, plan.trunk_departures, room)
    assert over.select("lane_id", "departures", "room", "wanted", "over").rows() == [("A-B", 1, 100, 150, 50)] * 2
    assert list_overfull(held.trunk_departures, held.trunk_departures, room).is_empty()


def test_a_timetable_takes_fleets_as_they_come() -> None:
    inputs = _network()
    own = inputs.vehicle_types.with_columns(ownership=pl.lit("own"), fleet_size=pl.lit(1, pl.Int64))
    rows = [(DAY, "A-B", "any", "truck", 3)]
    timetable = pl.DataFrame(rows, schema=["date", "lane_id", "leaves", "vehicle_type_id", "departures"], orient="row")
    held = plan_trunk(replace(inputs, vehicle_types=own, timetable=timetable), OPTIONS)
    assert held.trunk_departures.select("lane_id", "departures").rows() == [("A-B", 3)]
    with pytest.raises(RadarError, match="zeppelin"):
        plan_trunk(replace(inputs, timetable=timetable.with_columns(vehicle_type_id=pl.lit("zeppelin"))), OPTIONS)
