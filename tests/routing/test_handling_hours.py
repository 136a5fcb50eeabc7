"""Plans by days whose arrivals are unloaded first and must meet a cut-off: planner and checker count the same days."""

from __future__ import annotations

from dataclasses import replace

import pytest

from routing.checker.playback.clock import ClockRules
from routing.checker.trunk import check_trunk
from routing.trunk.plan import TrunkPlan, plan_trunk
from routing.trunk.task.inputs import TrunkInputs, TrunkOptions
from tests.routing.networks import as_tables, make_inputs
from tests.routing.random_networks import random_network

OPTIONS = TrunkOptions(effort=0.01, short_cost=500.0, unload_hours=1.0, day_cut_off_hours=2.0)
RULES = ClockRules(unload_hours=1.0, day_cut_off_hours=2.0)


def broken(inputs: TrunkInputs, plan: TrunkPlan, rules: ClockRules | None) -> list[str]:
    tables = {**as_tables(inputs), **plan.tables()}
    prices = {name: getattr(OPTIONS, name) for name in ("hold_cost", "short_cost", "late_cost")}
    return sorted({one.rule for one in check_trunk(tables, **prices, rules=rules).violations})


@pytest.mark.parametrize("seed", [1, 4])
def test_the_checker_counts_the_hours_of_handling_as_the_planner_does(seed: int) -> None:
    inputs = random_network(seed, hubs=4, days=2)
    assert broken(inputs, plan_trunk(inputs, OPTIONS), RULES) == []


def test_a_lane_of_22_hours_takes_two_days_with_three_hours_of_handling() -> None:
    inputs = make_inputs(
        [{"hub_id": "A"}, {"hub_id": "B"}],
        [
            {"lane_id": "A-B", "origin_hub_id": "A", "destination_hub_id": "B", "mode": "road", "distance_km": 9.0, "transit_hours": 22.0}
        ],
        [{"vehicle_type_id": "truck", "ownership": "spot", "capacity": 100, "fixed_cost": 100.0, "cost_per_km": 0.0}],
        [(0, "A", "B", 80)],
    )  # fmt: skip
    days = {}
    for name, options in (("none", replace(OPTIONS, unload_hours=0.0, day_cut_off_hours=0.0)), ("three", OPTIONS)):
        plan = plan_trunk(inputs, options)
        flow = plan.trunk_flows.row(0, named=True)
        days[name] = (flow["completed_on"] - flow["date"]).days
        if name == "three":
            assert broken(inputs, plan, RULES) == []
            assert "cost.total" in broken(inputs, plan, None), "by the bare hours the parcels would stand a day"
    assert days == {"none": 1, "three": 2}
