"""Parcels every plan leaves short: counted by hand, told by planner and certificate, held against the tables by the checker."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from data.contracts import contract
from data.plan_outcome import read_outcome
from routing.checker.playback.clock import ClockRules
from routing.checker.trunk import check_trunk
from routing.trunk.bound.forced_shortfall import count_forced
from routing.trunk.plan import plan_trunk
from routing.trunk.task.build_network import build_network
from routing.trunk.task.inputs import TrunkInputs, TrunkOptions
from tests.routing.networks import as_tables, make_inputs
from tests.routing.random_networks import random_network
from tests.routing.tiny_plan import Tables

OPTIONS = TrunkOptions(hold_cost=0.1, short_cost=50.0, effort=0.02, proof_share=0.0)
TRUCK = {"vehicle_type_id": "truck", "capacity": 100, "fixed_cost": 10.0}


def two_hubs_too_full() -> TrunkInputs:
    """A sorts 50 and keeps 20, B sorts 70 and keeps none; from C no lane leads on."""
    hubs: list[dict[str, Any]] = [
        {"hub_id": "A", "sort_capacity": 50, "buffer_capacity": 20},
        {"hub_id": "B", "sort_capacity": 70, "buffer_capacity": 0},
        {"hub_id": "C"},
    ]
    lanes = [{"origin_hub_id": a, "destination_hub_id": b} for a, b in ("AC", "BC")]
    demand = [(0, "A", "C", 100), (1, "A", "C", 40), (0, "B", "C", 75), (0, "C", "A", 7)]
    return make_inputs(hubs, lanes, [TRUCK], demand)


def in_two_sorts(inputs: TrunkInputs) -> TrunkInputs:
    """The same hubs, half of their day in each of two sorts; all is handed in for the second."""
    capacity = dict(inputs.hubs.select("hub_id", "sort_capacity").iter_rows())
    rows: list[dict[str, Any]] = [
        {
            "hub_id": hub, "sort_id": name, "opens": opens, "cut_off": cut_off, "closes": closes,
            "sort_capacity": None if capacity[hub] is None else capacity[hub] / 2,
        }
        for hub in capacity
        for name, opens, cut_off, closes in (("day", "09:00", "14:00", "16:00"), ("night", "16:00", "22:00", "24:00"))
    ]  # fmt: skip
    return replace(inputs, hub_sorts=contract("hub_sorts").conform(pl.DataFrame(rows)))


# by days: A keeps 20 of 50 too many, then 10 of 60; B loses 5; C 7. By sorts A sorts 25 of the 100 and keeps 20: 55 lost; then 20 - 25, 40 - 25 - 20
@pytest.mark.parametrize(("sorts", "forced"), [(False, 30 + 5 + 7), (True, 55 + 40 + 7)])
def test_what_two_hubs_cannot_take_on_is_counted_and_verified(sorts: bool, forced: int) -> None:
    inputs = in_two_sorts(two_hubs_too_full()) if sorts else two_hubs_too_full()
    assert count_forced(build_network(inputs, OPTIONS)) == forced
    plan = plan_trunk(inputs, OPTIONS)
    assert plan.plan_certificates["parcels_forced"].to_list() == [forced]
    tables = tables_of(inputs, plan)
    assert read_outcome(tables, OPTIONS.short_cost).unavoidable == forced
    assert rules_of(tables) == set()
    more = plan.plan_certificates.with_columns(parcels_forced=pl.lit(forced + 1))
    assert "certificate.forced" in rules_of({**tables, "plan_certificates": more})


def tables_of(inputs: TrunkInputs, plan: Any) -> Tables:
    names = ("hub_sorts", "hub_days", "hub_closures", "hand_in_profile", "lane_closures")
    hours = {name: getattr(inputs, name) for name in names}
    return {**as_tables(inputs), **hours, **plan.tables()}


def rules_of(tables: Tables, rules: ClockRules | None = None) -> set[str]:
    found = check_trunk(tables, hold_cost=0.1, short_cost=50.0, rules=rules or ClockRules())
    return {violation.rule for violation in found.violations} - {"certificate.violations"}


@pytest.mark.parametrize("seed", [1, 4])
@pytest.mark.parametrize("sorts", [False, True])
def test_of_random_networks_no_more_is_forced_than_a_plan_leaves_short(seed: int, sorts: bool) -> None:
    inputs = random_network(seed, hubs=4, days=2, scale=3.0)
    inputs = in_two_sorts(inputs) if sorts else inputs
    plan = plan_trunk(inputs, OPTIONS)
    assert count_forced(build_network(inputs, OPTIONS)) <= plan.short
    assert rules_of(tables_of(inputs, plan)) == set()


@pytest.mark.parametrize("sorts", [False, True])
def test_a_days_own_capacity_and_hours_shut_count_in_plan_and_checker(sorts: bool) -> None:
    inputs = two_hubs_too_full()
    day = inputs.route_demand["date"].min()
    rows = [
        {"hub_id": "A", "date": day, "sort_id": "day", "sort_capacity": 90},
        {"hub_id": "B", "date": day, "sort_id": "day", "sort_capacity": 80},
    ]
    given = contract("hub_days").conform(pl.DataFrame(rows))
    inputs = replace(in_two_sorts(inputs) if sorts else inputs, hub_days=given)
    midnight = build_network(inputs, OPTIONS).midnight
    shut = {
        "closure_id": ["c"],
        "hub_id": ["B"],
        "starts_at": [midnight],
        "ends_at": [midnight.replace(hour=12)],
        "open_share": [0.5],
    }
    inputs = replace(inputs, hub_closures=contract("hub_closures").conform(pl.DataFrame(shut)))
    plan = plan_trunk(inputs, OPTIONS)
    assert rules_of(tables_of(inputs, plan)) == set()
    loads = plan.hub_loads.filter(pl.col("date") == day, pl.col("hub_id") == "A")
    assert loads["capacity"].sum() in (90, 45)


def shut(inputs: TrunkInputs, *spans: tuple[str, int, int]) -> TrunkInputs:
    """Shut lanes for certain: lane, hours from and to since the first day's midnight."""
    midnight = build_network(inputs, OPTIONS).midnight
    rows = [
        {
            "lane_id": lane, "starts_at": midnight + timedelta(hours=start), "ends_at": midnight + timedelta(hours=end),
            "probability": 1.0, "cause": "snow",
        }
        for lane, start, end in spans
    ]  # fmt: skip
    return replace(inputs, lane_closures=pl.DataFrame(rows))


def locked_in() -> TrunkInputs:
    """A and B sort more than they get and keep 30 and 0; both send to C, A also over D, which is far out of the way."""
    hubs: list[dict[str, Any]] = [
        {"hub_id": "A", "sort_capacity": 1000, "buffer_capacity": 30},
        {"hub_id": "B", "sort_capacity": 1000, "buffer_capacity": 0},
        {"hub_id": "C"},
        {"hub_id": "D"},
    ]
    lanes = [
        {"origin_hub_id": a, "destination_hub_id": b, "distance_km": km, "transit_hours": 5.0}
        for a, b, km in (("A", "C", 100.0), ("B", "C", 100.0), ("A", "D", 900.0), ("D", "C", 900.0))
    ]
    demand = [(0, "A", "C", 100), (1, "A", "C", 40), (2, "A", "C", 10), (0, "B", "C", 75), (1, "A", "D", 400)]
    inputs = make_inputs(hubs, lanes, [TRUCK], demand)
    # what is open again on the third day; B is shut on its first alone
    return shut(inputs, ("A-C", 0, 50), ("B-C", 0, 26))


# A keeps 30 of 100, then of 70 that wait: 70 and 40 are lost, what goes to D leaves at once; B, which keeps nothing, loses all of its first day
@pytest.mark.parametrize(("ratio", "forced"), [(2.0, 70 + 40 + 75), (None, 75)])
@pytest.mark.parametrize("sorts", [False, True])
def test_what_no_open_lane_leads_on_for_is_counted_as_far_as_hubs_cannot_hold_it(
    sorts: bool, ratio: float | None, forced: int
) -> None:
    options = replace(OPTIONS, max_detour_ratio=ratio, max_legs=4 if ratio else None)
    inputs = in_two_sorts(locked_in()) if sorts else locked_in()
    network = build_network(inputs, options)
    assert count_forced(network) == forced
    plan = plan_trunk(inputs, options)
    assert plan.short >= forced
    assert plan.plan_certificates["parcels_forced"].to_list() == [forced]
    rules = ClockRules(max_detour_ratio=ratio, max_legs=options.max_legs)
    assert rules_of(tables_of(inputs, plan), rules) == set()
    more = plan.plan_certificates.with_columns(parcels_forced=pl.lit(forced + 1))
    assert "certificate.forced" in rules_of({**tables_of(inputs, plan), "plan_certificates": more}, rules)


@pytest.mark.parametrize("seed", [2, 3, 5])
@pytest.mark.parametrize("sorts", [False, True])
def test_of_random_storms_no_more_is_forced_than_a_plan_leaves_short_and_the_checker_says_the_same(
    seed: int, sorts: bool
) -> None:
    inputs = random_network(seed, hubs=4, days=2, scale=1.5)
    inputs = in_two_sorts(inputs) if sorts else inputs
    some = inputs.lanes["lane_id"].to_list()[:: 2 if seed % 2 else 3]
    inputs = shut(inputs, *((lane, 0, 24 * (1 + at % 3)) for at, lane in enumerate(some)))
    plan = plan_trunk(inputs, OPTIONS)
    assert count_forced(build_network(inputs, OPTIONS)) <= plan.short
    tables = tables_of(inputs, plan)
    assert rules_of(tables) == set()
    forced = int(plan.plan_certificates["parcels_forced"][0])
    more = plan.plan_certificates.with_columns(parcels_forced=pl.lit(forced + 1))
    assert "certificate.forced" in rules_of({**tables, "plan_certificates": more})


@pytest.mark.parametrize("sorts", [False, True])
def test_what_carrying_costs_is_bounded_beside_a_shortage_and_the_checker_refuses_more(sorts: bool) -> None:
    inputs = in_two_sorts(locked_in()) if sorts else locked_in()
    inputs = replace(inputs, vehicle_types=inputs.vehicle_types.with_columns(fixed_cost=pl.lit(60.0)))
    options = replace(OPTIONS, max_detour_ratio=2.0, max_legs=4)
    plan = plan_trunk(inputs, options)
    (row,) = plan.plan_certificates.to_dicts()
    carrying = row["cost"] - options.short_cost * row["parcels_short"]
    assert 0 <= row["carrying_bound"] <= carrying + 1e-6
    if not sorts:  # a place on a truck costs 60 / 100, and nothing goes without one; by sorts the prices of queues prove the shortage alone
        assert row["carrying_bound"] >= 0.6 * (625 - row["parcels_short"]) - 1e-6
    rules, tables = ClockRules(max_detour_ratio=2.0, max_legs=4), tables_of(inputs, plan)
    assert rules_of(tables, rules) == set()
    assert read_outcome(tables, options.short_cost).bound == pytest.approx(
        max(row["carrying_bound"], row["lower_bound"] - options.short_cost * row["parcels_short"])
    )
    more = plan.plan_certificates.with_columns(pl.col("carrying_bound") + 1.0)
    assert "certificate.bound" in rules_of({**tables, "plan_certificates": more}, rules)


@pytest.mark.parametrize("buffer", [0, 20])
def test_a_hub_full_in_both_sorts_lets_those_go_that_wait_least(buffer: int) -> None:
    """A sorts 50 by 16:00 and 50 by 24:00; of 200 half is handed in for each, so 100 go and none of them need wait."""
    hubs: list[dict[str, Any]] = [{"hub_id": "A", "sort_capacity": 100, "buffer_capacity": buffer}, {"hub_id": "C"}]
    lanes = [{"origin_hub_id": "A", "destination_hub_id": "C", "transit_hours": 5.0}]
    inputs = in_two_sorts(make_inputs(hubs, lanes, [TRUCK], [(0, "A", "C", 200)]))
    profile = [{"hub_id": "*", "until_hour": hour, "share": 0.5} for hour in ("12:00", "20:00")]
    inputs = replace(inputs, hand_in_profile=contract("hand_in_profile").conform(pl.DataFrame(profile)))
    plan = plan_trunk(inputs, OPTIONS)
    # the day after, A sorts what waits over the night
    assert plan.short == 100 - buffer
    assert plan.plan_certificates["parcels_forced"].to_list() == [100 - buffer]
    tables = tables_of(inputs, plan)
    assert rules_of(tables) == set()
    # were none short of those handed in first, 50 would wait for the evening
    held = plan.hub_loads.filter(pl.col("hub_id") == "A")["held"].to_list()
    assert max(held) == buffer
