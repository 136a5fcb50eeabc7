"""The trunk planner on networks that a hand can solve, on made ones, and on bad input; the checker has the last word."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from data.errors import RadarError
from routing.checker.trunk import check_trunk
from routing.trunk.plan import TrunkPlan, plan_trunk
from routing.trunk.task.inputs import TrunkInputs, TrunkOptions
from tests.routing.networks import DAY, as_tables, make_inputs

TRUCK = {"vehicle_type_id": "truck", "capacity": 100, "fixed_cost": 10.0}


def _hubs(names: str, **values: Any) -> list[dict[str, Any]]:
    return [{"hub_id": name} | values for name in names]


def _lanes(pairs: str, **values: Any) -> list[dict[str, Any]]:
    return [{"origin_hub_id": a, "destination_hub_id": b} | values for a, b in (tuple(pair) for pair in pairs.split())]


def _plan(inputs: TrunkInputs, **values: Any) -> TrunkPlan:
    options = TrunkOptions(**({"hold_cost": 0.1, "short_cost": 50.0, "effort": 0.167} | values))
    plan = plan_trunk(inputs, options)
    check = check_trunk(
        {**as_tables(inputs), **plan.tables()},
        hold_cost=options.hold_cost,
        short_cost=options.short_cost,
        late_cost=options.late_cost,
    )
    assert [violation.text for violation in check.violations] == []
    assert plan.lower_bound <= plan.cost + 1e-6
    return plan


def test_two_demands_share_a_truck() -> None:
    # A-B takes 170 parcels in two trucks, B-C 50 in one: 30; the direct lane A-C would cost a truck of its own
    inputs = make_inputs(
        _hubs("ABC"), _lanes("AB BC AC"), [TRUCK], [(0, "A", "B", 150), (0, "A", "C", 30), (0, "B", "C", 20)]
    )
    plan = _plan(inputs)
    assert plan.cost == pytest.approx(30.0)
    assert plan.plan_certificates["status"][0] == "optimal"


def test_a_full_hub_is_bypassed() -> None:
    # B sorts 100 a day: 60 start there, so of the 80 from A to C no more than 40 may change at B; there is no buffer
    hubs: list[dict[str, Any]] = [
        {"hub_id": "A"},
        {"hub_id": "B", "sort_capacity": 100, "buffer_capacity": 0},
        {"hub_id": "C"},
    ]
    lanes = [*_lanes("AB BC"), *_lanes("AC", parcel_cost=5.0)]
    plan = _plan(make_inputs(hubs, lanes, [TRUCK], [(0, "B", "C", 60), (0, "A", "C", 80)]))
    direct = plan.trunk_departures.filter(pl.col("lane_id") == "A-C")["parcels"].sum()
    assert direct >= 40
    assert plan.short == 0


def test_what_a_hub_cannot_sort_waits_over_night() -> None:
    hubs: list[dict[str, Any]] = [{"hub_id": "A", "sort_capacity": 100}, {"hub_id": "B"}]
    plan = _plan(make_inputs(hubs, _lanes("AB", transit_hours=10.0), [TRUCK], [(0, "A", "B", 150), (1, "A", "B", 50)]))
    held = plan.hub_loads.filter((pl.col("hub_id") == "A") & (pl.col("date") == DAY))["held"][0]
    assert (held, plan.short) == (50, 0)
    assert plan.cost == pytest.approx(20.0 + 0.1 * 50)


def test_own_vehicles_return() -> None:
    # own 10 each way against hired 25: an own round trip with an empty return costs 20
    own = TRUCK | {"vehicle_type_id": "own", "ownership": "own", "fleet_size": 1}
    hired = TRUCK | {"fixed_cost": 25.0}
    plan = _plan(make_inputs(_hubs("AB"), _lanes("AB BA", transit_hours=10.0), [own, hired], [(0, "A", "B", 80)]))
    ways = plan.trunk_departures.filter(pl.col("vehicle_type_id") == "own").group_by("lane_id").len().sort("lane_id")
    assert ways.rows() == [("A-B", 1), ("B-A", 1)]
    assert plan.cost == pytest.approx(20.0)


def test_a_round_trip_beats_hired_vehicles_both_ways() -> None:
    # one own truck goes out and comes back full on the next day: 20 for both loads, hired ones would cost 50
    own = TRUCK | {"vehicle_type_id": "own", "ownership": "own", "fleet_size": 1}
    hired = TRUCK | {"fixed_cost": 25.0}
    demand = [(0, "A", "B", 80), (1, "B", "A", 80)]
    plan = _plan(make_inputs(_hubs("AB"), _lanes("AB BA", transit_hours=10.0), [own, hired], demand))
    assert plan.cost == pytest.approx(20.0)
    assert plan.trunk_departures["vehicle_type_id"].to_list() == ["own", "own"]


def test_two_trains_a_day_carry_what_they_hold_and_the_rest_waits() -> None:
    # trains hold 100, two leave a day: of 350 parcels 150 wait a night; a train costs 10
    train = TRUCK | {"vehicle_type_id": "train", "mode": "rail", "ownership": "contract"}
    lanes = _lanes("AB", mode="rail", transit_hours=30.0)
    fixed = [{"lane_id": "A-B", "vehicle_type_id": "train", "departure_limit": 2}]
    plan = _plan(make_inputs(_hubs("AB"), lanes, [train], [(0, "A", "B", 350)], lane_vehicles=fixed))
    assert plan.trunk_departures["departures"].to_list() == [2, 2]
    assert plan.hub_loads.filter((pl.col("hub_id") == "A") & (pl.col("date") == DAY))["held"][0] == 150
    assert plan.cost == pytest.approx(40.0 + 0.1 * 150)


def test_a_slower_lane_arrives_later() -> None:
    # 20 hours at half the speed are two days; waiting a night for a fair day would cost 1
    weather = [{"date": DAY, "lane_id": "A-B", "speed_factor": 0.5}]
    inputs = make_inputs(_hubs("AB"), _lanes("AB", transit_hours=20.0), [TRUCK], [(0, "A", "B", 10)], weather=weather)
    flow = _plan(inputs).trunk_flows.row(0, named=True)
    assert flow["departure_dates"] == [DAY]
    assert (flow["completed_on"] - DAY).days == 2


def test_parcels_wait_for_a_lane_that_is_closed_today() -> None:
    weather = [{"date": DAY, "lane_id": "A-B", "capacity_factor": 0.0}]
    inputs = make_inputs(_hubs("AB"), _lanes("AB", transit_hours=20.0), [TRUCK], [(0, "A", "B", 10)], weather=weather)
    plan = _plan(inputs)
    assert [day - DAY for day in plan.trunk_flows["departure_dates"][0]] == [timedelta(days=1)]
    assert plan.cost == pytest.approx(10.0 + 0.1 * 10)


_SHORT: dict[str, tuple[Any, ...]] = {
    "disconnected": (_hubs("ABC"), _lanes("AB"), [TRUCK], {}, "hub:C"),
    "without lanes": (_hubs("ABC"), [], [TRUCK], {}, "hub:A"),
    "a hub that sorts nothing": (_hubs("AC", sort_capacity=0), _lanes("AC"), [TRUCK], {}, "hub:A"),
    "no vehicles": (_hubs("AC"), _lanes("AC"), [TRUCK | {"fleet_size": 0}], {}, "hub:A"),
    "too few vehicles": (_hubs("AC"), _lanes("AC"), [TRUCK | {"fleet_size": 1}], {}, "fleet:truck"),
    "vehicles too small": (_hubs("AC"), _lanes("AC"), [TRUCK | {"capacity": 0}], {}, "hub:A"),
    "a departure limit": (_hubs("AC"), _lanes("AC", departure_limit=1), [TRUCK], {}, "lane:A-C"),
    "a hub that closed": (
        _hubs("AC"),
        _lanes("AC"),
        [TRUCK],
        {"changes": [{"date": DAY, "hub_id": "C", "change": "closes"}]},
        "hub:C",
    ),
    "a closed lane": (
        _hubs("AC"),
        _lanes("AC"),
        [TRUCK],
        {"weather": [{"date": DAY, "lane_id": "A-C", "capacity_factor": 0.0}]},
        "hub:A",
    ),
}


@pytest.mark.parametrize("case", sorted(_SHORT))
def test_what_cannot_go_is_short_with_its_reason(case: str) -> None:
    hubs, lanes, types, more, binding = _SHORT[case]
    plan = _plan(make_inputs(hubs, lanes, types, [(0, "A", "C", 150)], **more))
    row = plan.shortfalls.row(0, named=True)
    assert row["parcels"] == plan.short > 0
    assert binding in row["binding"]
    assert row["reason"]
    assert row["cheapest_fix"]


def test_no_parcels_and_free_lanes_cost_nothing() -> None:
    free = TRUCK | {"fixed_cost": 0.0}
    assert _plan(make_inputs(_hubs("AC"), _lanes("AC", distance_km=0.0), [free], [(0, "A", "C", 150)])).cost == 0
    assert _plan(make_inputs(_hubs("AC"), _lanes("AC"), [TRUCK], [(0, "A", "C", 0)])).cost == 0


def test_a_billion_parcels() -> None:
    plan = _plan(make_inputs(_hubs("AC"), _lanes("AC"), [TRUCK], [(0, "A", "C", 10**9)]))
    assert plan.cost == pytest.approx(1e8)


@pytest.mark.parametrize("demand", [[(0, "A", "X", 5)], []])
def test_bad_tables_are_told_in_a_sentence(demand: list[tuple[int, str, str, int]]) -> None:
    with pytest.raises(RadarError):
        _plan(make_inputs(_hubs("AC"), _lanes("AC"), [TRUCK], demand))


_REFUSED: dict[str, tuple[Any, ...]] = {
    "a fixed cost below 0": (_hubs("AC"), _lanes("AC"), [TRUCK | {"fixed_cost": -1.0}], {}, "fixed_cost"),
    "a cost of carriage below 0": (_hubs("AC"), _lanes("AC CA", parcel_cost=-1.0), [TRUCK], {}, "parcel_cost"),
    "handling that pays": (_hubs("AC", handling_cost=-0.1), _lanes("AC"), [TRUCK], {}, "handling_cost"),
    "a distance that is no number": (_hubs("AC"), _lanes("AC", distance_km=float("nan")), [TRUCK], {}, "distance_km"),
    "an endless cost": (_hubs("AC"), _lanes("AC"), [TRUCK | {"cost_per_km": float("inf")}], {}, "cost_per_km"),
    "a fleet below 0": (_hubs("AC"), _lanes("AC"), [TRUCK | {"fleet_size": -1}], {}, "fleet_size"),
    "back in time": (_hubs("AC"), _lanes("AC", transit_hours=-5.0), [TRUCK], {}, "transit_hours"),
    "a lane twice": (_hubs("AC"), _lanes("AC AC"), [TRUCK], {}, "two rows of lanes"),
    "a type twice": (_hubs("AC"), _lanes("AC"), [TRUCK, TRUCK], {}, "two rows of vehicle_types"),
    "a departure that pays": (
        _hubs("AC"),
        _lanes("AC"),
        [TRUCK],
        {"lane_vehicles": [{"lane_id": "A-C", "vehicle_type_id": "truck", "departure_cost": -5.0}]},
        "departure_cost",
    ),
    "an unknown lane": (
        _hubs("AC"),
        _lanes("AC"),
        [TRUCK],
        {"lane_vehicles": [{"lane_id": "Z", "vehicle_type_id": "truck"}]},
        "Lane Z",
    ),
}


@pytest.mark.parametrize("case", sorted(_REFUSED))
def test_numbers_no_plan_can_be_made_with_are_told(case: str) -> None:
    hubs, lanes, types, more, told = _REFUSED[case]
    with pytest.raises(RadarError, match=told):
        _plan(make_inputs(hubs, lanes, types, [(0, "A", "C", 150)], **more))


def test_own_vehicles_that_cannot_return_are_the_reason_and_others_are_not() -> None:
    own = TRUCK | {"ownership": "own", "fleet_size": 9}
    asked = [(0, "A", "C", 150), (0, "A", "B", 50)]
    # trucks come back from B, none from C
    plan = _plan(make_inputs(_hubs("ABC"), _lanes("AB BA BC"), [own], asked))
    row = plan.shortfalls.row(0, named=True)
    assert (row["destination_hub_id"], row["parcels"]) == ("C", 150)
    assert row["reason"] == "own vehicles (truck) cannot return over any lanes from B-C"
    assert row["binding"] == "lane:B-C"
    assert row["cheapest_fix"] == "hired vehicles on B-C, or lanes that lead truck from C to B"
    assert plan.shortfalls.height == 1
    # a way back over a third hub is a way back, and a hired vehicle needs none
    assert _plan(make_inputs(_hubs("ABC"), _lanes("AB BA BC CA"), [own], asked)).short == 0
    hired = {"vehicle_type_id": "spot", "capacity": 100, "fixed_cost": 90.0}
    assert _plan(make_inputs(_hubs("ABC"), _lanes("AB BA BC"), [own, hired], asked)).short == 0
    # with too few hired vehicles it is these that lack
    few = hired | {"fleet_size": 1}
    row = _plan(make_inputs(_hubs("ABC"), _lanes("AB BA BC"), [own, few], asked)).shortfalls.row(0, named=True)
    assert (row["parcels"], row["binding"]) == (50, "fleet:spot")


def test_made_linehaul_stays_near_its_bound() -> None:
    from benchmarks.trunk.linehaul import make_linehaul

    plan = _plan(make_linehaul(12, 7.5, 3), short_cost=100.0, effort=0.01, proof_share=0.0)
    assert plan.short == 0
    assert plan.cost / plan.lower_bound - 1 < 0.08
