"""The player against a plain one that shares no code, and against cases worked out by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from routing.stress.layout import Layout, Prices, lay_out
from routing.stress.play import Outcomes, play_draws
from routing.stress.policies import Policy, apply_policy
from routing.stress.records import CLOSED
from tests.routing.stress.made import FIRST, TYPES, draw_plan, frames, hub, lane
from tests.routing.stress.oracle import Oracle

ROUTE = ["date", "origin_hub_id", "destination_hub_id"]


def lay(plan: dict[str, list[dict[str, Any]]]) -> tuple[Layout, pl.DataFrame]:
    tables = frames(plan)
    routes = tables["route_demand"].sort(ROUTE)
    return lay_out(tables, routes.select(ROUTE), Prices()), routes


def judge(plan: dict[str, list[dict[str, Any]]], policy: str, factors: np.ndarray[Any, Any]) -> None:
    layout, routes = lay(plan)
    demand = np.rint(routes["parcels"].to_numpy() * factors).astype(np.int64)
    network = apply_policy(layout, Policy.parse(policy))
    share = {"rigid": None, "alternates": 0.0, "spot": 0.1, "spot:0.5": 0.5}[policy]
    for draw in demand:
        played = play_draws(network, draw[None, :])
        wanted = {
            ((when - FIRST).days, origin, end): int(count)
            for (when, origin, end), count in zip(routes.select(ROUTE).iter_rows(), draw, strict=True)
        }
        oracle = Oracle(plan, len(layout.dates), share, set()).play(wanted)
        for at, name in enumerate(layout.hub_ids):
            for day in range(len(layout.dates)):
                assert played.held[at, day] == oracle.held[name, day], (name, day, "held")
                assert played.handled[at, day] == oracle.handled[name, day], (name, day, "handled")
                assert played.over[0, at, day] == oracle.over[name, day], (name, day, "over")
        assert played.spot[0] == oracle.called
        assert played.done[0] == oracle.done
        assert dict(enumerate(played.late)) == {day: oracle.late[day] for day in range(len(layout.dates))}


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("policy", ["rigid", "alternates", "spot", "spot:0.5"])
def test_every_hub_day_is_the_plain_players(seed: int, policy: str) -> None:
    plan = draw_plan(seed, hubs=2 + seed % 4)
    random = np.random.default_rng([seed, 7])
    factors = random.lognormal(0.1, 0.3, (2, len(plan["route_demand"]))) * random.lognormal(0, 0.4, (2, 1))
    judge(plan, policy, factors)


def day(number: int) -> Any:
    return FIRST + timedelta(days=number)


def flow(
    path: list[str], leaves: list[int], done: int, parcels: int, ends: tuple[str, str] = ("A", "B")
) -> dict[str, Any]:
    return {
        "date": FIRST,
        "origin_hub_id": ends[0],
        "destination_hub_id": ends[1],
        "path": path,
        "departure_dates": [day(number) for number in leaves],
        "completed_on": day(done),
        "parcels": parcels,
    }


def departs(name: str, on: int, vehicle: str, count: int = 1) -> dict[str, Any]:
    return {
        "date": day(on),
        "lane_id": name,
        "vehicle_type_id": vehicle,
        "departures": count,
        "parcels": 0,
        "cost": 0.0,
    }


def make(
    flows: list[dict[str, Any]],
    departures: list[dict[str, Any]],
    hubs: list[dict[str, Any]],
    lanes: list[dict[str, Any]],
) -> dict[str, list[dict[str, Any]]]:
    demand: dict[Any, int] = {}
    for row in flows:
        key = (row["date"], row["origin_hub_id"], row["destination_hub_id"])
        demand[key] = demand.get(key, 0) + row["parcels"]
    return {
        "hubs": hubs,
        "lanes": lanes,
        "vehicle_types": TYPES,
        "trunk_flows": flows,
        "trunk_departures": departures,
        "hub_loads": [],
        "route_demand": [
            {"date": when, "origin_hub_id": a, "destination_hub_id": b, "parcels": n}
            for (when, a, b), n in demand.items()
        ],
    }


def play(plan: dict[str, list[dict[str, Any]]], policy: str, *parcels: int) -> tuple[Outcomes, Layout]:
    layout, _ = lay(plan)
    return play_draws(
        apply_policy(layout, Policy.parse(policy)), np.array([[count] for count in parcels], dtype=np.int64)
    ), layout


def one_lane(buffer: int = 100, sort: int = 1000) -> dict[str, list[dict[str, Any]]]:
    return make(
        [flow(["A-B"], [0], 1, 100)], [departs("A-B", 0, "own")], [hub("A", sort, buffer), hub("B")], [lane("A", "B")]
    )


def test_a_hub_is_over_by_exactly_one() -> None:
    # 50 sorted, 100 may wait: 150 is full, 151 is one over
    outcomes, _ = play(one_lane(buffer=100, sort=50), "rigid", 150, 151)
    assert outcomes.over[0].sum() == 0
    assert outcomes.over[1, 0, 0] == 1
    assert (outcomes.over[1] > 0).sum() == 1


def test_parcels_that_wait_for_a_truck_stand_in_the_same_yard() -> None:
    outcomes, _ = play(one_lane(buffer=100), "rigid", 200, 201)
    assert outcomes.over[:, 0, 0].tolist() == [0, 1]


@pytest.mark.parametrize(("policy", "called", "left"), [("spot:0", 0, 60), ("spot", 1, 0), ("rigid", 0, 60)])
def test_one_vehicle_is_called_where_one_may_be(policy: str, called: int, left: int) -> None:
    outcomes, _ = play(one_lane(), policy, 160)
    assert outcomes.spot[0] == called
    assert outcomes.held[0, 0] == left


def test_a_vehicle_is_called_for_half_of_it_and_not_for_less() -> None:
    outcomes, _ = play(one_lane(), "spot", 129, 130)
    assert outcomes.spot.tolist() == [0, 1]


def test_an_alternate_takes_what_it_has_room_for_and_not_one_more() -> None:
    lanes = [lane("A", "B"), lane("A", "C", 10.0), lane("C", "B", 10.0)]
    flows = [flow(["A-B"], [0], 1, 100), flow(["A-C", "C-B"], [0, 1], 2, 60)]
    departures = [departs("A-B", 0, "own"), departs("A-C", 0, "hired"), departs("C-B", 1, "hired")]
    plan = make(flows, departures, [hub("A"), hub("B"), hub("C")], lanes)
    # of 160 the plan sends 100 and 60; of 320 each lane gets double, both are full and 160 wait
    outcomes, _ = play(plan, "alternates", 160, 320)
    assert outcomes.left.tolist() == [0, 0]
    assert outcomes.held[0, 0] * 2 == 160
    # 40 of the hired's 60 are taken by its own: 20 of the first lane's leftovers find room there
    plan["trunk_flows"][1]["parcels"] = 20
    plan["route_demand"][0]["parcels"] = 120
    rigid, _ = play(plan, "rigid", 144)
    free, _ = play(plan, "alternates", 144)
    assert rigid.held[0, 0] == 20
    assert free.held[0, 0] == 0


def test_nothing_leaves_over_a_closed_lane() -> None:
    layout, _ = lay(one_lane())
    arrival = layout.network.lanes.arrival.copy()
    arrival[0, :2] = CLOSED
    network = layout.network._replace(lanes=layout.network.lanes._replace(arrival=arrival))
    outcomes = play_draws(network, np.array([[100]]))
    assert outcomes.held[0, :3].tolist() == [100, 100, 0]
    assert outcomes.late[2] == 100


def test_what_the_last_train_leaves_goes_by_road() -> None:
    lanes = [lane("A", "B"), lane("A", "B", 30.0, "rail")]
    plan = make([flow(["A-B-rail"], [0], 2, 150)], [departs("A-B-rail", 0, "train")], [hub("A"), hub("B")], lanes)
    rigid, _ = play(plan, "rigid", 200)
    spot, _ = play(plan, "spot", 200)
    assert rigid.spot[0] == 0
    assert spot.spot[0] == 1
    assert spot.held[0].sum() == 0
    assert rigid.held[0, 0] == 50


def test_vehicles_that_are_not_needed_cost_their_idle_share() -> None:
    outcomes, _ = play(one_lane(), "rigid", 100, 0)
    whole = 50.0 + 20.0 * 60
    assert outcomes.costs[0, 3] == whole
    assert outcomes.costs[1, 3] == 0
    assert outcomes.costs[1, 4] == pytest.approx(0.4 * whole)


def test_no_parcel_is_lost_with_any_policy() -> None:
    plan = draw_plan(3)
    layout, routes = lay(plan)
    random = np.random.default_rng(1)
    demand = np.rint(routes["parcels"].to_numpy() * random.lognormal(0.3, 0.6, (50, routes.height))).astype(np.int64)
    for policy in ("rigid", "alternates", "spot", "spot:3", "gate", "unlimited"):
        outcomes = play_draws(apply_policy(layout, Policy.parse(policy)), demand)
        assert (outcomes.done + outcomes.left == demand.sum(axis=1)).all()
        assert outcomes.late.sum() == outcomes.done.sum()
