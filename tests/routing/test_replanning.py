"""Planning near a reference: what comes back, what may change, and what has to."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from routing.checker.trunk import check_trunk
from routing.trunk.plan import TrunkPlan, plan_trunk
from routing.trunk.replan.reference_plan import Reference, count_changes
from routing.trunk.task.inputs import TrunkInputs, TrunkOptions
from tests.routing.networks import DAY, as_tables, make_inputs
from tests.routing.random_networks import random_network

TRUCK = {"vehicle_type_id": "truck", "capacity": 100, "fixed_cost": 0.0, "cost_per_km": 1.0}
HUBS: list[dict[str, Any]] = [{"hub_id": name} for name in "ABC"]
# two lanes for each route: the longer ones cost 5 and 20 more a truck
LANES = [
    {"lane_id": name, "origin_hub_id": "A", "destination_hub_id": hub, "distance_km": float(cost)}
    for name, hub, cost in (("B1", "B", 10), ("B2", "B", 15), ("C1", "C", 10), ("C2", "C", 30))
]
CLOSED = [{"date": DAY, "lane_id": name, "capacity_factor": 0.0} for name in ("B1", "C1")]
DEMAND = [(0, "A", "B", 80), (0, "A", "C", 80)]


def _plan(inputs: TrunkInputs, reference: Reference | None = None, **values: Any) -> TrunkPlan:
    options = TrunkOptions(**({"hold_cost": 0.1, "short_cost": 50.0, "effort": 0.167} | values))
    plan = plan_trunk(inputs, options, reference=reference)
    prices = {name: getattr(options, name) for name in ("hold_cost", "short_cost", "late_cost")}
    check = check_trunk({**as_tables(inputs), **plan.tables()}, **prices)
    assert [violation.text for violation in check.violations] == []
    assert plan.lower_bound <= plan.cost + 1e-6
    return plan


def _refer(plan: TrunkPlan, max_changes: int | None = None) -> Reference:
    first, last = plan.route_demand["date"][0], plan.route_demand["date"][-1]
    return Reference(plan.trunk_departures, plan.trunk_flows, first, last, max_changes)


def _lanes(plan: TrunkPlan) -> list[str]:
    return sorted(plan.trunk_departures["lane_id"].to_list())


@pytest.fixture(scope="module")
def detour() -> TrunkPlan:
    """Plan of the day the short lanes were closed."""
    plan = _plan(make_inputs(HUBS, LANES, [TRUCK], DEMAND, weather=CLOSED))
    assert _lanes(plan) == ["B2", "C2"]
    return plan


@pytest.mark.parametrize(
    ("most", "lanes", "cost"),
    [
        (0, ["B2", "C2"], 45.0),
        (1, ["B2", "C2"], 45.0),  # one departure fewer leaves parcels behind
        (2, ["B2", "C1"], 25.0),  # the exchange that saves most
        (4, ["B1", "C1"], 20.0),
        (None, ["B1", "C1"], 20.0),
    ],
)
@pytest.mark.parametrize("exact", [True, False])
def test_changes_that_save_most_come_first(
    detour: TrunkPlan, most: int | None, lanes: list[str], cost: float, exact: bool
) -> None:
    inputs = make_inputs(HUBS, LANES, [TRUCK], DEMAND)
    plan = _plan(inputs, _refer(detour, most), proof_share=0.5 if exact else 0.0, effort=0.167 if exact else 0.025)
    assert _lanes(plan) == lanes
    assert plan.cost == pytest.approx(cost)
    assert plan.changes is not None
    assert count_changes(plan.changes) == (0 if lanes == ["B2", "C2"] else 2 if "B2" in lanes else 4)


def test_of_equal_plans_the_nearer_counts(detour: TrunkPlan) -> None:
    equal = [lane | {"distance_km": 10.0} for lane in LANES]
    assert _plan(make_inputs(HUBS, equal, [TRUCK], DEMAND), _refer(detour)).change_summary.startswith("0 departures")


def test_grown_demand_takes_what_it_needs_and_says_so(detour: TrunkPlan) -> None:
    grown = make_inputs(HUBS, LANES, [TRUCK], [(0, "A", "B", 150), (0, "A", "C", 80)])
    plan = _plan(grown, _refer(detour, 0))
    assert plan.short == 0
    assert plan.changes is not None
    assert plan.changes.rows() == [(DAY, "B1", "truck", 0, 1)]
    assert "1 more than the 0 allowed: 1 keep parcels from being short" in plan.tell()


def test_a_lane_that_closed_is_told() -> None:
    before = _plan(make_inputs(HUBS, LANES, [TRUCK], DEMAND))
    plan = _plan(make_inputs(HUBS, LANES, [TRUCK], DEMAND, weather=CLOSED[:1]), _refer(before, 0))
    assert _lanes(plan) == ["B2", "C1"]
    assert "2 departures changed against the reference, 2 more than the 0 allowed: 1 of the reference" in plan.tell()


def test_what_a_closed_lane_carried_goes_where_planners_accept_it() -> None:
    # over C it would be cheaper, but a path may have one lane only: the dear lane is hired, though no departure may change
    hubs = [{"hub_id": name} for name in "ABC"]
    ends = (("B1", "A", "B", 10.0), ("B2", "A", "B", 300.0), ("A-C", "A", "C", 10.0), ("C-B", "C", "B", 10.0))
    lanes = [
        {"lane_id": name, "origin_hub_id": start, "destination_hub_id": end, "distance_km": km}
        for name, start, end, km in ends
    ]
    direct: dict[str, Any] = {"max_legs": 1, "proof_share": 0.0, "effort": 0.025}
    before = _plan(make_inputs(hubs, lanes, [TRUCK], DEMAND[:1]), **direct)
    assert _lanes(before) == ["B1"]
    shut = make_inputs(hubs, lanes, [TRUCK], DEMAND[:1], weather=CLOSED[:1])
    near = _plan(shut, _refer(before, 0), **direct)
    assert (_lanes(near), near.short) == (["B2"], 0)
    assert "2 more than the 0 allowed" in near.tell()


def test_days_of_one_plan_alone_are_no_changes(detour: TrunkPlan) -> None:
    later = make_inputs(HUBS, LANES, [TRUCK], [*DEMAND, (1, "A", "B", 80)], weather=CLOSED)
    plan = _plan(later, _refer(detour, 0))
    assert plan.changes is not None
    assert plan.changes.is_empty()
    assert plan.trunk_departures.filter(pl.col("date") == DAY + timedelta(days=1)).height == 1


QUICK: dict[str, Any] = {"short_cost": 500.0, "effort": 0.03, "proof_share": 0.0}


@pytest.fixture(scope="module")
def week() -> tuple[TrunkInputs, TrunkPlan]:
    inputs = random_network(11, hubs=6, days=3, promised=0.3)
    return inputs, _plan(inputs, **QUICK)


@pytest.mark.parametrize("most", [0, None])
def test_the_same_task_gives_the_plan_back_or_a_cheaper_one(
    week: tuple[TrunkInputs, TrunkPlan], most: int | None
) -> None:
    inputs, before = week
    plan = _plan(inputs, _refer(before, most), **QUICK)
    assert plan.cost <= before.cost + 1e-6
    assert plan.changes is not None
    if most == 0:
        assert plan.changes.is_empty()
    elif plan.cost > before.cost - 1e-6:
        assert plan.trunk_departures.equals(before.trunk_departures)


def test_a_shifted_demand_moves_little(week: tuple[TrunkInputs, TrunkPlan]) -> None:
    inputs, before = week
    shifted = replace(
        inputs,
        route_demand=inputs.route_demand.with_columns(
            parcels=(pl.col("parcels") * (0.95 + 0.1 * (pl.int_range(pl.len()) % 2))).round().cast(pl.Int64)
        ),
    )
    free = _plan(shifted, **QUICK)
    keys = ["date", "lane_id", "vehicle_type_id"]
    both = free.trunk_departures.join(before.trunk_departures, on=keys, how="full", coalesce=True)
    moved = int((both["departures"].fill_null(0) - both["departures_right"].fill_null(0)).abs().sum())
    near = _plan(shifted, _refer(before, 5), **QUICK)
    assert near.changes is not None
    assert count_changes(near.changes) < 0.5 * moved
    assert near.short <= free.short + 0.01 * int(shifted.route_demand["parcels"].sum())


ROUND: list[dict[str, Any]] = [
    {"lane_id": name, "origin_hub_id": name[0], "destination_hub_id": name[2], "distance_km": float(cost)}
    for name, cost in (("A-B", 10), ("A-C", 10), ("A-D", 10), ("A-D short", 4), ("D-B", 10), ("D-C", 10))
]
TO_THREE = [(0, "A", "B", 80), (0, "A", "C", 80), (0, "A", "D", 20)]


@pytest.mark.parametrize(
    ("most", "changes", "cost", "told"),
    [
        # A-B and A-C are shut: their two trucks cannot run, and 180 parcels go over D. That takes a second truck from A to D (the
        # short lane, open today, is the cheaper: 4) and one on each lane from D: five changes, and 10 + 4 + 10 + 10.
        (
            0,
            5,
            34.0,
            "5 more than the 0 allowed: 2 of the reference cannot run any more, 3 keep parcels from being short",
        ),
        (
            4,
            5,
            34.0,
            "1 more than the 4 allowed: 2 of the reference cannot run any more, 3 keep parcels from being short",
        ),
        (5, 5, 34.0, ""),
        (6, 5, 34.0, ""),  # to take the old truck to the short lane too is two changes: one too many
        (7, 7, 28.0, ""),  # now both go there: 4 + 4 + 10 + 10
        (None, 7, 28.0, ""),
    ],
)
@pytest.mark.parametrize("exact", [True, False])
def test_what_two_shut_lanes_need_is_done_and_what_is_asked_for_is_kept_to(
    most: int | None, changes: int, cost: float, told: str, exact: bool
) -> None:
    hubs = [{"hub_id": name} for name in "ABCD"]
    shut_before, shut_now = (
        [{"date": DAY, "lane_id": name, "capacity_factor": 0.0} for name in names]
        for names in (("A-D short",), ("A-B", "A-C"))
    )
    before = _plan(make_inputs(hubs, ROUND, [TRUCK], TO_THREE, weather=shut_before))
    assert _lanes(before) == ["A-B", "A-C", "A-D"]
    values: dict[str, Any] = {} if exact else {"proof_share": 0.0, "effort": 0.025}
    plan = _plan(make_inputs(hubs, ROUND, [TRUCK], TO_THREE, weather=shut_now), _refer(before, most), **values)
    assert plan.changes is not None
    assert (plan.short, count_changes(plan.changes)) == (0, changes)
    assert plan.cost == pytest.approx(cost)
    assert (told in plan.tell()) if told else ("more than the" not in plan.tell())
    assert plan.lower_bound > 0.5 * cost  # the bound holds what must be carried, not the shortage that was feared
