"""A lane shut for some hours, worked out by hand: what leaves then does not, what is on the road comes as much later."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest

from routing.stress.incidents import Incident, Surroundings, strike
from routing.stress.layout import Layout, Prices, lay_out
from routing.stress.play import Outcomes, play_draws
from routing.stress.policies import RIGID, UNLIMITED, Policy, apply_policy
from routing.stress.records import IDLE, VEHICLES
from tests.routing.stress.made import FIRST, TYPES, hub, lane
from tests.routing.stress.sort_plans import ZONE, clock, moment, sort_frames
from tests.routing.stress.test_play import ROUTE

A, B = 0, 1
PRICE = 50.0 + 10 * 60.0  # of an own vehicle over ten hours of 60 km
SORTS = [("day", 0, 12, 12), ("night", 12, 24, 24)]  # both hubs: closes at 12:00 and at 24:00
LEAVES = (
    14.0,
    16.0,
)  # two departures after A's day sort, ten hours to B: both are at hand for B's night sort of that day


def two_hubs() -> dict[str, Any]:
    """100 parcels at 14:00 and 100 at 16:00 on one own vehicle each; handed in by 10:00."""
    flows = [
        {
            "date": FIRST,
            "origin_hub_id": "A",
            "destination_hub_id": "B",
            "path": ["A-B"],
            "departs_at": [moment(hour)],
            "departure_dates": [FIRST],
            "completed_on": date(FIRST.year, FIRST.month, FIRST.day + 1),
            "completed_at": moment(36),
            "parcels": 100,
        }
        for hour in LEAVES
    ]
    departures = [
        {
            "date": FIRST,
            "lane_id": "A-B",
            "vehicle_type_id": "own",
            "sort_id": "day",
            "leaves_at": moment(hour),
            "arrives_at": moment(hour + 10),
            "departures": 1,
            "parcels": 100,
            "cost": PRICE,
        }
        for hour in LEAVES
    ]
    hours = [("opens", 0), ("cut_off", 1), ("closes", 2)]
    return {
        "hubs": [hub("A"), hub("B")],
        "lanes": [lane("A", "B", 10.0)],
        "vehicle_types": TYPES,
        "trunk_flows": flows,
        "trunk_departures": departures,
        "hub_loads": [],
        "route_demand": [{"date": FIRST, "origin_hub_id": "A", "destination_hub_id": "B", "parcels": 200}],
        "hub_sorts": [
            {"hub_id": name, "sort_id": sort, "date_from": date(2000, 1, 1), "sort_capacity": 1000, "unload_hours": 0.0}
            | {column: clock(row[at]) for column, at in hours}
            for name in ("A", "B")
            for sort, *row in SORTS
        ],
        "hand_in_profile": [{"hub_id": "*", "day_kind": "normal", "until_hour": "10:00", "share": 1.0}],
        "lane_departures": [{"lane_id": "A-B", "leaves": clock(hour)} for hour in LEAVES],
    }


def play(*shut: tuple[float, float], by: str, policy: Policy = RIGID) -> tuple[Outcomes, Layout]:
    """Play the 200 parcels, the lane shut in some hours by certain closures, by incidents, or by one of each."""
    plan = two_hubs()
    rows = [
        {"lane_id": "A-B", "starts_at": moment(start), "ends_at": moment(end), "probability": 1.0, "cause": "snow"}
        for start, end in shut
    ]
    certain = {"weather": len(rows), "incident": 0, "both": 1}[by]
    tables = sort_frames(plan | ({"lane_closures": rows[:certain]} if certain else {}))
    layout = lay_out(tables, tables["route_demand"].select(ROUTE), Prices())
    incidents = [Incident("lane_shut", moment(start), moment(end), lane_id="A-B") for start, end in shut[certain:]]
    network = strike(layout, apply_policy(layout, policy), incidents, Surroundings(ZONE))
    return play_draws(network, np.array([[200]])), layout


def done(outcomes: Outcomes) -> list[int]:
    """Parcels sorted at B by sort: day 1 noon, midnight, day 2 noon, midnight, day 3 noon, midnight."""
    return [int(count) for count in outcomes.handled[B, :6]]


@pytest.mark.parametrize("by", ["weather", "incident"])
def test_hours_that_touch_nothing_change_nothing(by: str) -> None:
    outcomes, _ = play((2.0, 14.0 - 1e-6), by=by)
    assert done(outcomes) == [0, 100, 100, 0, 0, 0]  # 14:00 + 10 h is at hand at 24:00, 16:00 + 10 h at 2:00
    assert (outcomes.late[0], outcomes.costs[0, VEHICLES], outcomes.costs[0, IDLE]) == (200, 2 * PRICE, 0)


@pytest.mark.parametrize("by", ["weather", "incident"])
def test_of_two_departures_after_a_sort_the_one_in_shut_hours_is_lost(by: str) -> None:
    # 15:00 to 17:00: what left at 14:00 stands still for 2 h and reaches B at 2:00, what was to leave at 16:00 stays at A,
    # and its vehicle is paid what an idle one is
    outcomes, _ = play((15.0, 17.0), by=by)
    assert done(outcomes)[:3] == [0, 0, 100]
    assert outcomes.held[A, 0] == 100
    assert outcomes.costs[0, VEHICLES] == PRICE
    assert outcomes.costs[0, IDLE] == pytest.approx(0.4 * PRICE)


@pytest.mark.parametrize("by", ["weather", "incident"])
def test_the_other_leaves_when_the_first_is_lost(by: str) -> None:
    # 13:00 to 15:00: the vehicle of 14:00 is lost, that of 16:00 takes its 100 parcels to B by 2:00; the others stay at A
    outcomes, layout = play((13.0, 15.0), by=by)
    assert done(outcomes)[:3] == [0, 0, 100]
    assert outcomes.held[A, 0] == 100
    # with vehicles without end all leave at 16:00
    free, _ = play((13.0, 15.0), by=by, policy=UNLIMITED)
    assert done(free)[:3] == [0, 0, 200]
    assert layout.planned[A, 0] == 2


@pytest.mark.parametrize("by", ["weather", "incident", "both"])
def test_hours_of_two_closures_on_the_road_count_once_where_they_overlap(by: str) -> None:
    # both left; shut 18:00 to 24:00 and 20:00 to 28:00, that is 10 h in all: 14:00 + 20 h is 10:00, 16:00 + 20 h is 12:00
    outcomes, _ = play((18.0, 24.0), (20.0, 28.0), by=by)
    assert done(outcomes)[:4] == [0, 0, 200, 0]
    later, _ = play((18.0, 24.0), (20.0, 29.0), by=by)  # an hour more, and the second misses the cut-off at noon
    assert done(later)[:4] == [0, 0, 100, 100]


def test_a_lane_shut_all_the_while_carries_nothing_before_it_opens() -> None:
    outcomes, _ = play((0.0, 48.0), by="weather")
    assert outcomes.held[A, :4].tolist() == [200, 200, 200, 200]
    assert outcomes.costs[0, VEHICLES] == 0
    assert outcomes.done[0] + outcomes.left[0] == 200
