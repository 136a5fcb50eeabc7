"""The parts a network is built from, each alone: days, hours, departures, vehicles of lanes, stands, rules of paths, names."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from data.contracts import contract
from data.errors import RadarError
from routing.checker.hubs import close_hubs
from routing.trunk.task.build_network import build_network
from routing.trunk.task.days import count_days, list_open_days, read_demand
from routing.trunk.task.departures import list_days
from routing.trunk.task.inputs import TrunkInputs, TrunkOptions
from routing.trunk.task.lane_vehicles import (
    limit_departures,
    list_arcs,
    list_lane_vehicles,
    read_bounds,
    spread_lane_vehicles,
)
from routing.trunk.task.lane_weather import LaneWeather, read_lane_weather
from routing.trunk.task.path_rules import is_accepted, lay_rules, mark_paths, mark_refused, may_go_on
from routing.trunk.task.sorts import lay_sorts
from routing.trunk.task.stands import read_stands
from routing.trunk.task.validation import check_numbers, number_names
from tests.routing.networks import DAY, make_inputs

OPTIONS = TrunkOptions()
TRUCK = {"vehicle_type_id": "truck", "capacity": 100, "fixed_cost": 10.0, "cost_per_km": 2.0}
VAN = {"vehicle_type_id": "van", "capacity": 20, "fixed_cost": 4.0, "ownership": "own", "fleet_size": 3}
HUBS = {"A": 0, "B": 1}


def _inputs(*demand: tuple[int, str, str, int], **tables: Any) -> TrunkInputs:
    lane = {"origin_hub_id": "A", "destination_hub_id": "B", "distance_km": 50.0, "transit_hours": 20.0}
    lane |= tables.pop("lane", {})
    hubs: list[dict[str, Any]] = [{"hub_id": "A"}, {"hub_id": "B", "sort_capacity": 60, "buffer_capacity": 500}]
    return make_inputs(hubs, [lane], [TRUCK, VAN], demand or [(0, "A", "B", 90), (2, "A", "B", 70)], **tables)


def test_demands_count_from_the_first_day_and_rows_of_one_route_are_one() -> None:
    inputs = _inputs((0, "A", "B", 5), (0, "A", "B", 6), (1, "B", "A", 0), (2, "B", "A", 7))
    demand = read_demand(inputs.route_demand, HUBS)
    assert (demand.first_day, demand.days, demand.ready) == (DAY, 3, [None, None])
    assert [a.tolist() for a in (demand.day, demand.origin, demand.parcels)] == [[0, 2], [0, 1], [11, 7]]
    with pytest.raises(RadarError, match="no demand"):
        read_demand(inputs.route_demand.clear(), HUBS)
    with pytest.raises(RadarError, match="demand over 121 days"):
        read_demand(_inputs((0, "A", "B", 5), (120, "A", "B", 5)).route_demand, HUBS)


def test_days_are_added_for_the_longest_path_and_the_fullest_hub() -> None:
    inputs = _inputs()
    demand = read_demand(inputs.route_demand, HUBS)
    free, tight = np.full(2, np.inf), np.array([np.inf, 20.0])
    # 3 days of demand, and twice the day that 20 hours are
    assert count_days(inputs, OPTIONS, demand, free, free) == 5
    # B takes 160 parcels at 20 a day: 8 days, 5 more than there are, and one to spare
    assert count_days(inputs, OPTIONS, demand, tight, free) == 3 + 2 + 5 + 1
    asked = replace(OPTIONS, last_day=DAY + dt.timedelta(days=3))
    assert count_days(inputs, asked, demand, tight, free) == 4
    with pytest.raises(RadarError, match="last day"):
        count_days(inputs, replace(OPTIONS, last_day=DAY), demand, tight, free)


def test_a_hub_is_open_as_its_latest_change_says() -> None:
    changes = [
        {"hub_id": "A", "date": DAY + dt.timedelta(days=1), "change": "closes"},
        {"hub_id": "A", "date": DAY + dt.timedelta(days=3), "change": "opens"},
        {"hub_id": "B", "date": DAY + dt.timedelta(days=2), "change": "opens"},
    ]
    is_open = list_open_days(_inputs(changes=changes).network_changes, HUBS, DAY, 4)
    assert is_open[:, 0].tolist() == [True, False, False, True]
    assert is_open[:, 1].tolist() == [False, False, True, True]


def test_a_change_holds_until_its_last_day_and_one_of_a_route_or_a_direction_closes_no_hub() -> None:
    def on(day: int) -> dt.date:
        return DAY + dt.timedelta(days=day)

    rows = [
        {"change_id": "1", "hub_id": "A", "date": on(0), "until": on(1), "change": "closes"},
        {"change_id": "2", "hub_id": "A", "date": on(3), "until": on(3), "change": "closes"},
        {"change_id": "3", "hub_id": "B", "date": on(1), "change": "closes", "direction": "in"},
        {"change_id": "4", "date": on(0), "change": "closes", "scope": "route", "origin_hub_id": "B", "destination_hub_id": "A"},
        {"change_id": "5", "hub_id": "B", "date": on(2), "until": on(2), "change": "moves", "successor_hub_id": "A", "share": 1.0},
        {"change_id": "6", "hub_id": "C", "date": on(1), "until": on(2), "change": "opens"},
    ]  # fmt: skip
    changes = contract("network_changes").conform(pl.DataFrame(rows, infer_schema_length=None))
    hubs = {"A": 0, "B": 1, "C": 2}
    is_open = list_open_days(changes, hubs, DAY, 5)
    assert is_open[:, 0].tolist() == [False, False, True, False, True]
    assert is_open[:, 1].tolist() == [True, True, False, True, True]
    assert is_open[:, 2].tolist() == [False, True, True, False, False]
    grid = pl.DataFrame([(hub, on(day)) for hub in hubs for day in range(5)], schema=["hub_id", "date"], orient="row")
    checked = close_hubs({"network_changes": changes}, grid).sort("hub_id", "date")
    assert (~checked["closed"]).to_list() == is_open.T.ravel().tolist()


def test_weather_of_lanes_and_days_outside_the_plan_is_left_out() -> None:
    rows = [
        {"lane_id": "A-B", "date": DAY, "capacity_factor": 0.5, "speed_factor": 0.8},
        {"lane_id": "A-B", "date": DAY + dt.timedelta(days=9), "capacity_factor": 0.0},
        {"lane_id": "elsewhere", "date": DAY, "capacity_factor": 0.0},
    ]
    given = _inputs(weather=rows)
    midnight = dt.datetime(DAY.year, DAY.month, DAY.day, tzinfo=dt.UTC)
    found = read_lane_weather(given.lane_weather, given.lane_closures, {"A-B": 0}, midnight, 2)
    assert found.capacity.tolist() == [[0.5, 1.0]]
    assert found.speed.tolist() == [[0.8, 1.0]]
    assert found.travel(np.array([20.0])).tolist() == [[25.0, 20.0]]
    assert found.thinned(np.array([20.0])).tolist() == [[25.0, 0.0]]


def test_a_day_is_one_sort_and_lanes_leave_at_midnight() -> None:
    inputs = _inputs()
    sorts = lay_sorts(inputs, OPTIONS, inputs.hubs.sort("hub_id"), DAY, np.ones((3, 2), dtype=np.bool_))
    assert (sorts.by_clock, len(sorts.hub), sorts.of_hub(1).tolist()) == (False, 6, [1, 3, 5])
    assert sorts.after.tolist() == [2, 3, 4, 5, -1, -1]
    assert sorts.capacity[sorts.of_hub(1)].tolist() == [60.0, 60.0, 60.0]
    ends = (np.array([0]), np.array([1]))
    slots = list_days(inputs.lanes, sorts, ends, LaneWeather(np.ones((1, 3)), np.array([[1.0, 1.0, 0.0]])), 6.0)
    # 20 hours and 6 of unloading are two days
    assert (slots.tail.tolist(), slots.head.tolist()) == ([[0, 2, -1]], [[5, -1, -1]])
    assert (slots.leaves[0, 0], slots.arrives[0, 0], slots.back[0, 0]) == (24.0, 72.0, 2)


def test_vehicles_of_a_lane_their_limits_and_its_arcs() -> None:
    own = [{"lane_id": "A-B", "vehicle_type_id": "truck", "capacity": 80, "departure_limit": 3}]
    inputs = _inputs(lane_vehicles=own, lane={"departure_limit": 2})
    types = inputs.vehicle_types.sort("vehicle_type_id")
    listed = list_lane_vehicles(inputs, inputs.lanes, types, {"A-B": 0}, 0.0)
    assert [listed[name].tolist() for name in ("capacity", "cost", "limit")] == [[80.0], [110.0], [3.0]]
    free = list_lane_vehicles(_inputs(), inputs.lanes, types, {"A-B": 0}, 0.0)
    assert free["capacity"].tolist() == [100.0, 20.0]
    assert read_bounds(types, "fleet_size").tolist() == [np.inf, 3.0]

    sorts = lay_sorts(inputs, OPTIONS, inputs.hubs.sort("hub_id"), DAY, np.ones((3, 2), dtype=np.bool_))
    factor = np.array([[1.0, 0.5, 0.0]])
    under = LaneWeather(np.ones((1, 3)), factor)
    slots = list_days(inputs.lanes, sorts, (np.array([0]), np.array([1])), under, 0.0)
    spread = spread_lane_vehicles(listed, slots, ["truck", "van"])
    lane_limit, _, vehicle_limit = limit_departures(inputs.lanes, slots, spread, factor, factor <= 0)
    # half of two is one, half of three is felt from two on
    assert (lane_limit.tolist(), vehicle_limit.tolist()) == ([[2.0, 1.0, 0.0]], [[3.0, 2.0, 0.0]])
    lane, day = list_arcs(slots, sorts, spread, vehicle_limit, lane_limit, read_bounds(types, "fleet_size"))
    assert (lane.tolist(), day.tolist()) == ([0, 0], [0, 1])


def _stands(*rows: tuple[str, str, int, int | None]) -> pl.DataFrame:
    names = ("vehicle_type_id", "hub_id", "vehicles_at_start", "vehicles_at_end")
    return contract("vehicle_stands").conform(
        pl.DataFrame(
            rows, schema=dict(zip(names, (pl.String, pl.String, pl.Int64, pl.Int64), strict=True)), orient="row"
        )
    )


def test_own_vehicles_stand_where_they_are_said_to() -> None:
    types = _inputs().vehicle_types.sort("vehicle_type_id")
    given, start, end = read_stands(_stands(("van", "A", 2, 1), ("van", "B", 0, 1)), types, ["A", "B"])
    assert (given.tolist(), start[1].tolist(), end[1].tolist()) == ([False, True], [2, 0], [1, 1])
    for rows, found in (
        ([("van", "A", 4, None)], "4 vehicles van"),
        ([("van", "A", 2, 1)], "2 vehicles van at the start and 1 at the end"),
        ([("truck", "A", 1, 1)], "spot vehicles truck"),
        ([("van", "C", 1, 1)], "Hub C"),
    ):
        with pytest.raises(RadarError, match=found):
            read_stands(_stands(*rows), types, ["A", "B"])


def test_paths_are_held_to_legs_hubs_and_kilometres() -> None:
    ends = [("A", "B", 100.0), ("B", "C", 100.0), ("A", "C", 120.0), ("B", "A", 100.0)]
    lanes = [{"origin_hub_id": o, "destination_hub_id": d, "distance_km": km} for o, d, km in ends]
    inputs = make_inputs([{"hub_id": name} for name in "ABC"], lanes, [TRUCK], [(0, "A", "C", 9)])
    table = inputs.lanes.sort("lane_id")  # A-B, A-C, B-A, B-C
    joins = (np.array([0, 0, 1, 1]), np.array([1, 2, 0, 2]))
    options = replace(OPTIONS, max_detour_ratio=1.5, max_detour_km=10.0, max_legs=2)
    rules = lay_rules(options, table, joins, 3, np.arange(4))
    assert rules.direct_km[0, 2] == 120.0
    assert rules.most_km[0, 2] == 180.0
    around = np.array([0, 3])
    assert not is_accepted(around, 2, 0, 2, rules)  # 200 km
    assert is_accepted(np.array([1]), 1, 0, 2, rules)
    wider = rules._replace(most_km=np.full((3, 3), 250.0))
    assert is_accepted(around, 2, 0, 2, wider)
    assert not is_accepted(around, 2, 0, 2, wider._replace(most_legs=1))
    assert not is_accepted(np.array([0, 2, 1]), 3, 0, 2, wider._replace(most_legs=9))  # A twice
    accepted = np.zeros(2, dtype=np.bool_)
    mark_paths(np.array([0, 2, 3]), np.array([0, 3, 1]), np.array([0, 0]), np.array([2, 2]), rules, accepted)
    assert accepted.tolist() == [False, True]
    assert mark_refused(rules)[0].tolist() == [True, False, True]
    nodes = np.array([0, 0, 1, 1])
    assert may_go_on(3, 0, 2, np.array([-1, 0, -1]), nodes, wider)
    assert not may_go_on(2, 0, 2, np.array([-1, 0, -1]), nodes, wider)  # back where it came from


def test_numbers_and_names_that_contradict_each_other_are_told() -> None:
    check_numbers(_inputs())
    for wrong, found in (({"parcel_cost": -1.0}, "parcel_cost -1"), ({"distance_km": float("inf")}, "distance_km inf")):
        with pytest.raises(RadarError, match=found):
            check_numbers(_inputs(lane=wrong))
    frame = pl.DataFrame({"hub_id": ["B", "A", "X", "Y"]})
    assert number_names(frame.head(2), "hub_id", HUBS, "lanes", "hub").tolist() == [1, 0]
    with pytest.raises(RadarError, match=r"Hub X and 1 more in lanes\.hub_id"):
        number_names(frame, "hub_id", HUBS, "lanes", "hub")


def test_a_network_holds_what_its_parts_say() -> None:
    network = build_network(_inputs(), OPTIONS)
    # B takes 160 parcels at 60 a day, waiting ones among them
    assert (network.days, network.demand_days, network.arcs) == (6, 3, 5)
    assert network.arc_of[network.arc_lane, network.arc_day].tolist() == list(range(network.arcs))
    assert network.demand_parcels.tolist() == [90, 70]
