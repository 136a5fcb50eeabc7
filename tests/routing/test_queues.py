"""Queues that no way avoids are found by hand and proven by the bound."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.budget import Deadline
from routing.trunk.bound.forced_shortfall import find_forced
from routing.trunk.plan import plan_trunk
from routing.trunk.search.find_plan import find_bound
from routing.trunk.task.build_network import build_network
from routing.trunk.task.inputs import TrunkOptions
from tests.routing.networks import make_inputs


def test_a_queue_runs_from_its_first_day_to_its_last_excess() -> None:
    """Two days of 300 at 100 a day and a buffer of 50: 200 are sorted, 50 wait; the quiet third day drains the queue."""
    handed = np.array([300.0, 300.0, 20.0, 0.0, 160.0, 0.0])
    found = find_forced(handed, np.full(6, 100.0), np.full(6, 50.0))
    assert found == [(0, 1, 250.0), (4, 4, 150.0)]


def test_no_queue_where_the_buffer_holds_it() -> None:
    assert find_forced(np.array([140.0, 60.0]), np.full(2, 100.0), np.full(2, 40.0)) == []


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 200), st.integers(0, 100)), min_size=1, max_size=8))
def test_what_finds_no_place_is_what_the_queues_turn_away(rows: list[tuple[int, int, int]]) -> None:
    handed, capacity, buffer = np.array(rows, dtype=np.float64).T
    waiting = lost = 0.0
    for come, sort, hold in rows:
        waiting = max(0.0, waiting + come - sort)
        lost += max(0.0, waiting - hold)
        waiting = min(waiting, float(hold))
    queues = find_forced(handed, capacity, buffer)
    # a queue whose sorting is not used up (a buffer that shrank to nothing) claims less, never more
    assert sum(handed[a : b + 1].sum() - kept for a, b, kept in queues) <= lost + 1e-9
    assert (lost > 0) == bool(queues)


def test_the_bound_prices_parcels_that_a_full_hub_cannot_take_on() -> None:
    """1,000 parcels at a hub that sorts 100 a day and holds 50: 850 are short in every plan, and the bound knows it."""
    inputs = make_inputs(
        hubs=[{"hub_id": "A", "sort_capacity": 100, "buffer_capacity": 50}, {"hub_id": "B"}],
        lanes=[{"origin_hub_id": "A", "destination_hub_id": "B"}],
        types=[{"vehicle_type_id": "spot", "capacity": 10, "fixed_cost": 20.0}],
        demand=[(0, "A", "B", 1000)],
    )
    options = TrunkOptions(effort=0.025, short_cost=50.0)
    bound = find_bound(build_network(inputs, options), options, Deadline(1e6)).bound
    plan = plan_trunk(inputs, options)
    assert plan.short == 850
    assert bound <= plan.cost + 1e-6
    assert bound == pytest.approx(850 * 50.0 + 150 * 2.0, rel=0.02)
