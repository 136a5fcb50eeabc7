"""Promises of arrival: what lateness costs, that the search reacts to it, and that bound and checker know of it."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.checker.playback.clock import ClockRules
from routing.checker.promises import add_default
from routing.checker.trunk import check_trunk
from routing.trunk.plan import TrunkPlan, plan_trunk
from routing.trunk.task.due_times import NO_PROMISE, add_default_promises, read_due
from routing.trunk.task.inputs import TrunkInputs, TrunkOptions
from tests.routing.exact_trunk import least_cost
from tests.routing.networks import DAY, as_tables, make_inputs
from tests.routing.random_networks import random_network

TRUCK = {"vehicle_type_id": "truck", "capacity": 100, "fixed_cost": 10.0}
HUBS: list[dict[str, Any]] = [{"hub_id": name} for name in "ABC"]
# A to C takes three days over the direct lane, two over B at the price of one more truck
LANES: list[dict[str, Any]] = [
    {"origin_hub_id": "A", "destination_hub_id": "B", "transit_hours": 10.0},
    {"origin_hub_id": "B", "destination_hub_id": "C", "transit_hours": 10.0},
    {"origin_hub_id": "A", "destination_hub_id": "C", "transit_hours": 60.0},
]


def _plan(inputs: TrunkInputs, **values: Any) -> TrunkPlan:
    options = TrunkOptions(**({"hold_cost": 0.1, "short_cost": 50.0, "effort": 0.167} | values))
    plan = plan_trunk(inputs, options)
    prices = {name: getattr(options, name) for name in ("hold_cost", "short_cost", "late_cost")}
    check = check_trunk({**as_tables(inputs), **plan.tables()}, **prices)
    assert [violation.text for violation in check.violations] == []
    assert plan.lower_bound <= plan.cost + 1e-6
    assert plan.late == plan.plan_certificates["parcels_late"][0]
    return plan


@pytest.mark.parametrize(
    ("hours", "late_cost", "cost", "late"),
    [
        (48.0, 1.0, 20.0, 0),  # a day late would cost 80
        (48.0, 0.1, 18.0, 80),  # a day late costs 8, the way over B 10
        (24.0, 1.0, 100.0, 80),  # a day late at best
        (60.0, 1.0, 10.0, 0),  # 60 hours are three days, as those of the lane
        (10.0, 0.0, 10.0, 80),  # what costs nothing is told all the same
    ],
)
def test_the_way_taken_weighs_lateness(hours: float, late_cost: float, cost: float, late: int) -> None:
    inputs = make_inputs(HUBS, LANES, [TRUCK], [(0, "A", "C", 80)], promises=[("A", "C", hours)])
    plan = _plan(inputs, late_cost=late_cost)
    assert plan.cost == pytest.approx(cost)
    assert plan.lower_bound == pytest.approx(cost)
    assert plan.late == late


def test_only_promised_parcels_take_the_quick_way() -> None:
    # 80 parcels of each day and route; without a promise those to C take the slow direct lane
    inputs = make_inputs(HUBS, LANES, [TRUCK], [(0, "A", "C", 80), (1, "A", "C", 80)])
    plan = _plan(inputs, late_cost=5.0)
    assert plan.trunk_flows["path"].to_list() == [["A-C"], ["A-C"]]
    assert plan.trunk_flows["late_days"].to_list() == [None, None]
    promised = _plan(replace(inputs, service_promises=pl.DataFrame([("A", "C", 48.0)], orient="row", schema={
        "origin_hub_id": pl.String, "destination_hub_id": pl.String, "latest_hours": pl.Float64})), late_cost=5.0)  # fmt: skip
    assert promised.trunk_flows["path"].to_list() == [["A-B", "B-C"]] * 2
    assert promised.trunk_flows["late_days"].to_list() == [0, 0]


def test_parcels_held_at_a_full_hub_are_those_that_may_wait() -> None:
    # A sorts 100 of 160: the 80 for C are due tomorrow, those for B in three days
    hubs: list[dict[str, Any]] = [{"hub_id": "A", "sort_capacity": 100}, {"hub_id": "B"}, {"hub_id": "C"}]
    lanes = [LANES[0], LANES[2] | {"transit_hours": 10.0}]
    inputs = make_inputs(
        hubs, lanes, [TRUCK], [(0, "A", "B", 80), (0, "A", "C", 80)], promises=[("A", "C", 24.0), ("A", "B", 72.0)]
    )
    plan = _plan(inputs, late_cost=3.0)
    assert plan.late == 0
    quick = plan.trunk_flows.filter(pl.col("destination_hub_id") == "C")
    assert quick["completed_on"].unique().to_list() == [DAY + timedelta(days=1)]


# networks whose optimum scipy's HiGHS proves in about a second
@pytest.mark.parametrize(("seed", "hubs", "scale"), [(0, 3, 1.0), (2, 3, 1.0), (9, 3, 1.0), (22, 4, 0.2), (30, 4, 0.2)])
def test_bound_and_cost_enclose_the_optimum(seed: int, hubs: int, scale: float) -> None:
    inputs = random_network(seed, hubs=hubs, days=2, scale=scale, promised=0.8)
    inputs = replace(inputs, network_changes=inputs.network_changes.clear())
    assert inputs.service_promises.height
    prices = {"hold_cost": 0.2, "short_cost": 500.0, "late_cost": 4.0}
    plan = _plan(inputs, effort=0.0333, **prices)
    best = least_cost(inputs, date.fromisoformat(plan.last_day), **prices)
    if best is None:
        pytest.skip("the optimum was not proven in time on this machine")
    assert plan.lower_bound <= best * (1 + 1e-6) + 0.01
    assert plan.cost >= best * (1 - 1e-6) - 0.01
    assert plan.cost <= best * 1.02


def test_the_search_reacts_to_lateness() -> None:
    inputs = random_network(4, hubs=6, days=2, promised=0.9)
    days_late = {}
    for late_cost in (0.0, 20.0):
        plan = _plan(inputs, late_cost=late_cost, short_cost=500.0, effort=0.02, proof_share=0.0)
        late = plan.trunk_flows.select((pl.col("parcels") * pl.col("late_days").fill_null(0)).sum()).item()
        days_late[late_cost] = late + 10 * plan.short
    assert days_late[20.0] < 0.7 * days_late[0.0]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 9)), min_size=1, max_size=8), st.data())
def test_due_days_are_those_of_the_table(rows: list[tuple[int, int, int]], data: st.DataObject) -> None:
    hubs = {"A": 0, "B": 1, "C": 2}
    hours = {(a, b): data.draw(st.floats(0, 200)) for a in hubs for b in hubs if data.draw(st.booleans())}
    table = pl.DataFrame(
        [(a, b, h) for (a, b), h in hours.items()],
        schema={"origin_hub_id": pl.String, "destination_hub_id": pl.String, "latest_hours": pl.Float64},
        orient="row",
    )
    origin, destination, day = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    due = read_due(table, hubs, origin, destination, day)
    names = list(hubs)
    for row, last in zip(rows, due.tolist(), strict=True):
        promise = hours.get((names[row[0]], names[row[1]]))
        if promise is None:
            assert last == NO_PROMISE
        else:
            assert row[2] + promise / 24 - 1e-6 <= last <= row[2] + math.ceil(promise / 24)


def test_a_route_without_a_promise_is_promised_its_road_and_a_day() -> None:
    # the shortest road from A to C takes 20 hours over B: promised within 44 hours, two days
    inputs = make_inputs(HUBS, LANES, [TRUCK], [(0, "A", "C", 80), (0, "B", "B", 5)])
    options = TrunkOptions(hold_cost=0.1, short_cost=50.0, effort=0.167, late_cost=1.0, default_promise_days=1)
    plan = plan_trunk(inputs, options)
    rules = ClockRules(default_promise_days=1)
    check = check_trunk(
        {**as_tables(inputs), **plan.tables()}, hold_cost=0.1, short_cost=50.0, late_cost=1.0, rules=rules
    )
    assert check.violations == []
    # by the direct lane it would be a day late, for 80 CNY; over B two trucks bring it in time
    assert plan.cost == pytest.approx(20.0)
    assert (plan.late, plan.trunk_flows["late_days"].to_list()) == (0, [0, 0])
    # whoever does not know the default sees days late without a promise, and prices that prove less than the plan claims:
    # a certificate that counted no violations does not hold before him
    unaware = check_trunk({**as_tables(inputs), **plan.tables()}, hold_cost=0.1, short_cost=50.0, late_cost=1.0)
    told = [(violation.rule, violation.found, violation.allowed) for violation in unaware.violations]
    assert {rule for rule, _, _ in told} == {"promise.late", "certificate.bound", "certificate.violations"}
    assert ("certificate.violations", "0", str(len(told) - 1)) in told


def test_a_promise_of_its_own_stands_and_routes_without_a_road_have_none() -> None:
    lanes = [*LANES[:2], LANES[2] | {"mode": "rail"}, {"origin_hub_id": "B", "destination_hub_id": "D", "mode": "air"}]
    inputs = make_inputs([*HUBS, {"hub_id": "D"}], lanes, [TRUCK], [], promises=[("A", "B", 5.0)])
    promises = add_default_promises(inputs.service_promises, inputs.lanes, ["A", "B", "C", "D"], 2)
    found = {
        (o, d): hours
        for o, d, hours in promises.select("origin_hub_id", "destination_hub_id", "latest_hours").iter_rows()
    }
    own = {(hub, hub): 48.0 for hub in "ABCD"}
    assert found == own | {("A", "B"): 5.0, ("B", "C"): 58.0, ("A", "C"): 68.0}
    frames = {"lanes": inputs.lanes, "hubs": inputs.hubs, "service_promises": inputs.service_promises}
    keys = ["origin_hub_id", "destination_hub_id", "latest_hours"]
    assert (
        add_default(frames, 2)["service_promises"].select(keys).sort(keys).rows()
        == promises.select(keys).sort(keys).rows()
    )
