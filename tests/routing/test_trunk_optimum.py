"""A plan's bound and cost enclose the optimum, found by a program that shares nothing with planner or checker."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from routing.trunk.plan import plan_trunk
from routing.trunk.task.inputs import TrunkOptions
from tests.routing.exact_trunk import least_cost
from tests.routing.random_networks import random_network

# networks whose optimum scipy's HiGHS proves in about a second
CASES = [
    (0, 3, 2, 1.0),
    (2, 3, 2, 1.0),
    (5, 3, 2, 1.0),
    (9, 3, 2, 1.0),
    (22, 4, 2, 0.2),
    (25, 4, 2, 0.2),
    (30, 4, 2, 0.2),
]


@pytest.mark.parametrize(("seed", "hubs", "days", "scale"), CASES)
def test_bound_and_cost_enclose_the_optimum(seed: int, hubs: int, days: int, scale: float) -> None:
    inputs = random_network(seed, hubs=hubs, days=days, scale=scale)
    inputs = replace(inputs, network_changes=inputs.network_changes.clear())
    options = TrunkOptions(effort=0.25, short_cost=500.0)
    plan = plan_trunk(inputs, options)
    best = least_cost(
        inputs, date.fromisoformat(plan.last_day), hold_cost=options.hold_cost, short_cost=options.short_cost
    )
    if best is None:
        pytest.skip("the optimum was not proven in time on this machine")
    assert plan.lower_bound <= best * (1 + 1e-6) + 0.01
    assert plan.cost >= best * (1 - 1e-6) - 0.01
    assert plan.cost <= best * 1.02
