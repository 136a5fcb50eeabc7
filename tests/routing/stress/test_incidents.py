"""Incidents on small plans: what each takes away, together and one by one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import RadarError
from routing.stress.incidents import Incident, Scenario, Surroundings, change_demand, lie_beyond, lost_seconds, strike
from routing.stress.layout import Prices, lay_out
from routing.stress.play import play_draws
from routing.stress.policies import RIGID, apply_policy
from routing.stress.records import CLOSED, LATE
from tests.routing.stress.made import FIRST, draw_plan, frames, hub, lane
from tests.routing.stress.sort_plans import ZONE, draw_sort_plan, moment, sort_frames
from tests.routing.stress.test_play import ROUTE, departs, flow, make

START = datetime.combine(FIRST, datetime.min.time())
AROUND = Surroundings(UTC, {"A": "north", "B": "south"}, {"M": ("A", 0.5)}, {"X": np.array([0.25])})


def layout(sort: int = 1000) -> Any:
    plan = make(
        [flow(["A-B"], [0], 1, 100)], [departs("A-B", 0, "own", 4)], [hub("A", sort), hub("B")], [lane("A", "B")]
    )
    tables = frames(plan)
    return lay_out(tables, tables["route_demand"].select(ROUTE), Prices())


def happens(kind: str, first: float = 0, last: float = 24, **what: Any) -> Incident:
    return Incident(kind, START + timedelta(hours=first), START + timedelta(hours=last), **what)


def test_a_millisecond_at_120_000_an_hour_is_two_minutes_an_hour() -> None:
    assert lost_seconds(120_000, 1) == 120.0
    made = layout(sort=120_000 * 24)
    struck = strike(made, made.network, [happens("slower_sort", hub_id="A", amount=1.0)], AROUND)
    assert struck.hubs.capacity[0, 0] == int(120_000 * 24 * 3600 / 3720)
    assert struck.hubs.capacity[0, 1] == 120_000 * 24


def test_closures_that_overlap_count_once() -> None:
    made = layout()
    twice = [happens("hub_shut", 0, 12, hub_id="A"), happens("hub_shut", 6, 18, hub_id="A")]
    assert strike(made, made.network, twice, AROUND).hubs.capacity[0, 0] == 250
    over_midnight = strike(made, made.network, [happens("hub_shut", 18, 36, hub_id="A")], AROUND)
    assert over_midnight.hubs.capacity[0, :3].tolist() == [750, 500, 1000]


def test_a_shut_lane_a_lost_fleet_and_late_inbound() -> None:
    made = layout()
    shut = strike(made, made.network, [happens("lane_shut", lane_id="A-B")], AROUND)
    assert shut.lanes.arrival[0, 0] == CLOSED
    half = strike(made, made.network, [happens("fleet_gone", amount=0.5)], AROUND)
    assert (half.vehicles.number.sum(), half.lanes.room[0, 0]) == (2, 200)
    late = strike(made, made.network, [happens("late_inbound", 24, 48, hub_id="B", amount=5.0)], AROUND)
    assert late.lanes.arrival[0, 0] == 2  # 20 + 5 hours


@pytest.mark.parametrize(
    ("incident", "parcels"),
    [
        (happens("volume", amount=1.3), 130),
        (happens("volume", amount=1.3, region_id="north"), 130),
        (happens("volume", amount=1.3, region_id="south"), 100),
        (happens("volume", amount=1.3, merchant_id="M"), 115),
        (happens("volume", 0, 12, amount=1.3), 115),
        (happens("courier_stops", courier_id="X"), 75),
    ],
)
def test_volume_and_couriers_change_the_demand(incident: Incident, parcels: int) -> None:
    assert change_demand(layout(), np.array([[100]]), [incident], AROUND)[0, 0] == parcels


@pytest.mark.parametrize("seed", [1, 2])
def test_shutting_a_hub_longer_is_never_better_on_any_draw(seed: int) -> None:
    plan = draw_plan(seed, hubs=4)
    tables = frames(plan)
    routes = tables["route_demand"].sort(ROUTE)
    made = lay_out(tables, routes.select(ROUTE), Prices())
    random = np.random.default_rng(seed)
    demand = np.rint(routes["parcels"].to_numpy() * random.lognormal(0.1, 0.3, (60, routes.height))).astype(np.int64)
    worst = []
    for hours in (0, 12, 24):
        closures = [happens("hub_shut", 24, 24 + hours, hub_id="H0")] if hours else []
        outcomes = play_draws(strike(made, apply_policy(made, RIGID), closures, AROUND), demand)
        worst.append(outcomes.over[:, 0].max(axis=1))
    assert (worst[0] <= worst[1]).all()
    assert (worst[1] <= worst[2]).all()


@pytest.mark.parametrize(
    "incident",
    [
        happens("hub_shut", hub_id="Z"),
        happens("lane_shut", lane_id="A-Z"),
        happens("volume", amount=-0.1),
        happens("volume"),
        happens("fleet_gone", amount=1.5),
        happens("hub_shut", 5, 5, hub_id="A"),
        happens("hub_shut", hub_id="A", probability=2.0),
    ],
)
def test_what_is_not_there_is_refused(incident: Incident) -> None:
    made = layout()
    with pytest.raises(RadarError):
        strike(made, made.network, [incident], AROUND)


@given(st.floats(0, 48), st.floats(0.1, 48), st.integers(0, 3000))
def test_a_closure_takes_its_share_of_the_day_and_no_more(first: float, length: float, sort: int) -> None:
    made = layout(sort)
    struck = strike(made, made.network, [happens("hub_shut", first, first + length, hub_id="A")], AROUND)
    taken = made.network.hubs.capacity[0] - struck.hubs.capacity[0]
    assert (taken >= 0).all()
    assert taken.sum() <= sort * length / 24 + made.network.hubs.capacity.shape[1]


@pytest.mark.filterwarnings("error")
def test_a_hub_of_fewer_sorts_than_others_sorts_slower_without_a_word() -> None:
    plan = draw_sort_plan(1)
    tables = sort_frames(plan)
    made = lay_out(tables, tables["route_demand"].select(ROUTE), Prices())
    fewest = int(np.argmin(made.steps.count))
    assert made.steps.count[fewest] < made.steps.count.max()
    slow = Incident("slower_sort", moment(0), moment(48), hub_id=made.hub_ids[fewest], amount=1000.0)
    before = apply_policy(made, RIGID).hubs.capacity[fewest]
    after = strike(made, apply_policy(made, RIGID), [slow], Surroundings(ZONE)).hubs.capacity[fewest]
    assert (after <= before).all()
    assert (after < before).any()


def test_scenarios_outside_the_days_played_are_named() -> None:
    made = layout()
    hours = 24.0 * len(made.dates)
    before, after, last = ((-24, 0), (hours, hours + 24), (hours - 1, hours + 24))
    cases: dict[str, list[tuple[float, float]]] = {
        "none": [],
        "before": [before],
        "after": [after],
        "both": [before, after],
        "the last hour": [last],
        "one of two": [after, last],
    }
    scenarios = [
        Scenario(name, tuple(happens("hub_shut", first, end, hub_id="A") for first, end in spans))
        for name, spans in cases.items()
    ]
    assert lie_beyond(made, scenarios) == ["before", "after", "both"]


def late_and_over(outcomes: Any) -> tuple[int, int]:
    """Give parcels x days late and parcels over, each hub's worst sort."""
    return round(float(outcomes.costs[0, LATE])), int(outcomes.over[0].max(axis=1).sum())


@pytest.mark.parametrize("held_up", ["A", "B"])
def test_no_order_of_a_queue_that_looks_no_further_is_free_of_gaining_by_a_worse_incident(held_up: str) -> None:
    # A and B send 100 each over M, that sorts 100 a day; Y and Z lie behind it. Of the two the one that M takes first in part is held up at its end anyway:
    # what M gave it was lost to the other. M sees the same in both cases, whichever it takes first it errs in one.
    ends = {"A": "Y", "B": "Z"}
    flows = [flow([f"{name}-M", f"M-{end}"], [0, 1], 2, 50, (name, end)) for name, end in ends.items()]
    departures = [departs(way, 0, "own", 2) for way in ("A-M", "B-M")] + [
        departs(way, 1, "own") for way in ("M-Y", "M-Z")
    ]
    hubs = [*(hub(name, 1000, 1000) for name in "ABYZ"), hub("M", 100, 60)]
    lanes = [lane("A", "M"), lane("B", "M"), lane("M", "Y"), lane("M", "Z")]
    tables = frames(make(flows, departures, hubs, lanes))
    made = lay_out(tables, tables["route_demand"].sort(ROUTE).select(ROUTE), Prices())
    calm = [happens("hub_shut", 48, 72, hub_id=ends[held_up])]
    late = happens("late_inbound", 24, 48, lane_id=f"{held_up}-M", amount=24.0)
    shut = happens("hub_shut", 0, 24, hub_id=held_up)
    demand = np.array([[100, 100]])

    def found(incidents: list[Incident]) -> tuple[int, int]:
        return late_and_over(play_draws(strike(made, apply_policy(made, RIGID), incidents, AROUND), demand))

    assert found(calm) == (150, 40)  # 50 of the other a day late, all of this one a day at its end
    assert found([*calm, late]) == (100, 0)
    assert found([*calm, shut]) == (100, 0)
