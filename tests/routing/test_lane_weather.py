"""Slow, thinned and shut lanes: what misses its sort, how long vehicles are away, what leaves and what stands still."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from data.contracts import contract
from routing.checker.playback.clock import ClockRules
from routing.checker.trunk import check_trunk
from routing.trunk.plan import TrunkPlan, plan_trunk
from routing.trunk.task.build_network import build_network
from routing.trunk.task.inputs import TrunkInputs, TrunkOptions
from routing.trunk.task.lane_weather import read_lane_weather
from tests.routing.networks import DAY, as_tables, make_inputs

ZONE = ZoneInfo("Asia/Shanghai")
MIDNIGHT = datetime(DAY.year, DAY.month, DAY.day, tzinfo=ZONE)
OPTIONS = TrunkOptions(hold_cost=0.24, short_cost=50.0, effort=0.02, unload_hours=1.0)
RULES = ClockRules(unload_hours=1.0)
HUBS: list[dict[str, Any]] = [{"hub_id": name} for name in "ABC"]
SPOT = {"vehicle_type_id": "spot", "capacity": 100, "fixed_cost": 30.0}
OWN = {"vehicle_type_id": "own", "ownership": "own", "capacity": 100, "fixed_cost": 10.0}
SORTS = (
    ("day", "09:00", "14:00", "16:00"),
    ("evening", "16:00", "22:00", "24:00"),
    ("night", "24:00", "30:00", "32:00"),
)


def _closures(*spans: tuple[str, float, float]) -> pl.DataFrame:
    rows = [
        {
            "run_id": "weather-apply-0001",
            "lane_id": lane,
            "starts_at": (MIDNIGHT + timedelta(hours=start)).astimezone(UTC),
            "ends_at": (MIDNIGHT + timedelta(hours=end)).astimezone(UTC),
            "probability": 1.0,
            "cause": "snow",
        }
        for lane, start, end in spans
    ]
    return contract("lane_closures").conform(pl.DataFrame(rows)) if rows else contract("lane_closures").empty()


def _by_clock(
    *,
    lanes: str = "A-B",
    hours: float = 9.0,
    weather: list[dict[str, Any]] | None = None,
    shut: pl.DataFrame | None = None,
) -> TrunkInputs:
    """Hand-in by 22:00 at A for B; every hub sorts three times a day."""
    made = make_inputs(
        HUBS,
        [
            {"origin_hub_id": a, "destination_hub_id": b, "transit_hours": hours}
            for a, b in (lane.split("-") for lane in lanes.split())
        ],
        [SPOT],
        [(0, "A", "B", 100)],
        weather=weather or [],
    )
    keys = ("sort_id", "opens", "cut_off", "closes")
    sorts = [{"hub_id": hub, **dict(zip(keys, sort, strict=True))} for hub in "ABC" for sort in SORTS]
    profile = [{"hub_id": "*", "until_hour": "22:00", "share": 1.0}]
    return replace(
        made,
        hub_sorts=contract("hub_sorts").conform(pl.DataFrame(sorts)),
        hand_in_profile=contract("hand_in_profile").conform(pl.DataFrame(profile)),
        lane_closures=_closures() if shut is None else shut,
    )


def _texts(inputs: TrunkInputs, plan: TrunkPlan, rules: ClockRules = RULES) -> list[str]:
    names = ("hub_sorts", "hand_in_profile", "lane_closures")
    tables = {**as_tables(inputs), **{name: getattr(inputs, name) for name in names}, **plan.tables()}
    check = check_trunk(tables, hold_cost=OPTIONS.hold_cost, short_cost=OPTIONS.short_cost, rules=rules)
    return [violation.text for violation in check.violations]


def _plan(inputs: TrunkInputs) -> TrunkPlan:
    plan = plan_trunk(inputs, OPTIONS)
    assert _texts(inputs, plan) == []
    return plan


def _done(plan: TrunkPlan) -> str:
    """Hours from the first midnight until everything is sorted."""
    done = max(plan.trunk_flows["completed_at"].to_list())
    return f"{(done - MIDNIGHT.astimezone(UTC)).total_seconds() / 3600:g}"


def _slow(speed: float, capacity: float = 1.0, lane: str = "A-B") -> list[dict[str, Any]]:
    days = [DAY + timedelta(days=n) for n in range(6)]
    return [{"date": day, "lane_id": lane, "speed_factor": speed, "capacity_factor": capacity} for day in days]


@pytest.mark.parametrize(
    ("speed", "done"),
    [
        (1.0, "40"),  # leaves 24:00, there 33:00, at hand 34:00: the day sort, whose cut-off is 14:00
        (0.7, "40"),  # at hand 13:51
        (0.69, "48"),  # at hand 14:03: it misses that sort and is done with the next
        (0.5, "48"),
    ],
)
def test_a_slowed_lane_misses_the_sort_it_misses(speed: float, done: str) -> None:
    assert _done(_plan(_by_clock(weather=_slow(speed)))) == done


def test_parcels_take_another_path_where_a_slowed_lane_comes_too_late() -> None:
    # over C: at C by 33:00 and sorted by 40:00, on to B by 49:00, done with its night sort at 56:00
    inputs = _by_clock(lanes="A-B A-C C-B", hours=9.0)
    late = replace(inputs, lane_weather=_by_clock(weather=_slow(0.2)).lane_weather)
    assert [flow["path"] for flow in _plan(inputs).trunk_flows.to_dicts()] == [["A-B"]]
    promised = [{"origin_hub_id": "A", "destination_hub_id": "B", "latest_hours": 24.0}]
    promises = contract("service_promises").conform(pl.DataFrame(promised))
    hasty = replace(OPTIONS, late_cost=100.0)
    plan = plan_trunk(replace(late, service_promises=promises), hasty)
    assert [flow["path"] for flow in plan.trunk_flows.to_dicts()] == [["A-C", "C-B"]]


def test_the_checker_finds_a_plan_that_ignores_a_slowed_lane() -> None:
    fair = _by_clock()
    plan = _plan(fair)
    slowed = replace(fair, lane_weather=_by_clock(weather=_slow(0.5)).lane_weather)
    assert any("takes parcels until" in text for text in _texts(slowed, plan))


@pytest.mark.parametrize(
    ("shut", "done"),
    [
        (("A-B", 25.0, 31.0), "48"),  # six hours on the road: at hand 40:00 in place of 34:00
        (("A-B", 25.0, 28.9), "40"),  # at hand 37:54, before the cut-off
        (("A-B", 21.0, 27.0), "48"),  # the evening's departure is lost; that of 32:00 is at hand 42:00
        (("A-B", 33.0, 39.0), "40"),  # it has arrived
        (("A-B", 24.0, 24.5), "48"),
    ],
)
def test_shut_hours_lose_their_departures_and_delay_those_on_the_road(
    shut: tuple[str, float, float], done: str
) -> None:
    assert _done(_plan(_by_clock(shut=_closures(shut)))) == done


def test_the_checker_finds_departures_in_shut_hours_and_what_they_delay() -> None:
    fair = _by_clock()
    plan = _plan(fair)
    lost, delayed = (_by_clock(shut=_closures(("A-B", *hours))) for hours in ((21.0, 27.0), (25.0, 31.0)))
    assert any("shut when vehicles" in text for text in _texts(lost, plan))
    assert any("takes parcels until" in text for text in _texts(delayed, plan))
    assert not any("shut when vehicles" in text for text in _texts(delayed, plan))


def _by_days(weather: list[dict[str, Any]], hours: float = 10.0, shut: pl.DataFrame | None = None) -> TrunkInputs:
    """One own vehicle goes to and fro while demand asks for it every day; a hired one costs three times as much."""
    made = make_inputs(
        HUBS[:2],
        [
            {"origin_hub_id": "A", "destination_hub_id": "B", "transit_hours": hours},
            {"origin_hub_id": "B", "destination_hub_id": "A", "transit_hours": hours},
        ],
        [SPOT, OWN | {"fleet_size": 1}],
        [
            (day, *ends, 80)
            for day in range(4)
            for ends in (("A", "B"), ("B", "A"))
            if (day % 2 == 0) == (ends[0] == "A")
        ],
        weather=weather,
    )
    return made if shut is None else replace(made, lane_closures=shut)


@pytest.mark.parametrize(
    ("speed", "capacity", "cost"),
    [
        (1.0, 1.0, 40.0),  # to and fro twice
        (0.5, 1.0, 40.0),  # 20 hours: back the next day all the same
        (1.0, 0.5, 40.0),
        (0.5, 0.5, 80.0),  # 40 hours: the own vehicle is back a day later, and one of its turns is hired twice over
    ],
)
def test_a_thinned_road_keeps_vehicles_away_longer(speed: float, capacity: float, cost: float) -> None:
    inputs = _by_days([row for lane in ("A-B", "B-A") for row in _slow(speed, capacity, lane)])
    plan = plan_trunk(inputs, replace(OPTIONS, unload_hours=0.0, hold_cost=50.0))
    assert _texts(inputs, plan, ClockRules()) == []
    costs = plan.trunk_departures["cost"].sum()
    assert costs == pytest.approx(cost), plan.trunk_departures
    # what leaves on one day is there on the next: parcels are not kept as long as vehicles
    assert all(flow["completed_on"] == flow["date"] + timedelta(days=1) for flow in plan.trunk_flows.to_dicts())


def test_the_checker_counts_vehicles_that_are_not_back() -> None:
    fair = _by_days([])
    plan = plan_trunk(fair, replace(OPTIONS, unload_hours=0.0, hold_cost=50.0))
    slowed = _by_days([row for lane in ("A-B", "B-A") for row in _slow(0.5, 0.5, lane)])
    assert any(
        "1 vehicles at work" in text or "2 vehicles at work" in text for text in _texts(slowed, plan, ClockRules())
    )


@pytest.mark.parametrize(
    ("shut", "done"),
    [
        (("A-B", 20.0, 26.0), 2),  # what leaves at the end of the first day is lost, the next day's goes
        (("A-B", 30.0, 36.0), 1),  # there at 40:00 in place of 34:00, on the same day
        (("A-B", 30.0, 45.0), 2),  # there at 49:00
        (("B-A", 20.0, 26.0), 1),
    ],
)
def test_shut_hours_count_by_days_as_well(shut: tuple[str, float, float], done: int) -> None:
    inputs = make_inputs(
        HUBS[:2],
        [{"origin_hub_id": a, "destination_hub_id": b, "transit_hours": 10.0} for a, b in ("AB", "BA")],
        [SPOT],
        [(0, "A", "B", 80)],
    )
    fair = plan_trunk(inputs, replace(OPTIONS, unload_hours=0.0))
    closed = replace(inputs, lane_closures=_closures(shut))
    plan = plan_trunk(closed, replace(OPTIONS, unload_hours=0.0))
    assert _texts(closed, plan, ClockRules()) == []
    assert plan.trunk_flows["completed_on"].to_list() == [DAY + timedelta(days=done)]
    assert (_texts(closed, fair, ClockRules()) != []) == (done > 1)


def test_spans_that_overlap_stop_once_and_unknown_lanes_drop_out() -> None:
    closures = _closures(("A-B", 3.0, 6.0), ("A-B", 5.0, 9.0), ("A-B", 9.0, 10.0), ("none", 1.0, 2.0))
    weather = read_lane_weather(_by_days([]).lane_weather, closures, {"A-B": 0}, MIDNIGHT, 2)
    assert weather.shut == {0: [(3.0, 10.0)]}


@pytest.mark.parametrize(
    "change",
    [
        lambda plan: plan.with_columns(arrives_at=pl.col("arrives_at") - pl.duration(hours=6)),
        lambda plan: plan.with_columns(leaves_at=pl.col("leaves_at") - pl.duration(hours=7)),
    ],
)
def test_the_checker_finds_hours_that_are_not_the_delayed_ones(change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    inputs = _by_clock(shut=_closures(("A-B", 25.0, 31.0)))
    plan = _plan(inputs)
    assert _texts(inputs, replace(plan, trunk_departures=change(plan.trunk_departures))) != []


def test_vehicles_on_a_thinned_road_are_ready_later_by_the_clock() -> None:
    fair, thinned = (build_network(_by_clock(weather=_slow(1.0, c)), OPTIONS) for c in (1.0, 0.25))
    assert (fair.arc_arrives == thinned.arc_arrives).all()
    assert (thinned.own_back >= fair.own_back).all()
    assert (thinned.own_back > fair.own_back).any()
