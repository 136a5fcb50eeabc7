"""Steps of the climb of forcing prices by hand: two demands on one lane."""

from __future__ import annotations

import numpy as np
import pytest

from routing.trunk.bound.forcing_prices import _lay_out
from routing.trunk.bound.forcing_steps import ForcingState, ForcingTask, climb, lean, share_room
from routing.trunk.bound.lagrangian import zero_prices
from routing.trunk.task.build_network import build_network
from routing.trunk.task.inputs import TrunkOptions
from tests.routing.networks import make_inputs

TRUCK = {"vehicle_type_id": "truck", "capacity": 100, "fixed_cost": 10.0}


def _lay() -> tuple[ForcingTask, ForcingState]:
    """A to B, 30 parcels on the first day and 150 on the second, by trucks of 100 at 10."""
    lanes = [{"origin_hub_id": "A", "destination_hub_id": "B"}]
    inputs = make_inputs([{"hub_id": "A"}, {"hub_id": "B"}], lanes, [TRUCK], [(0, "A", "B", 30), (1, "A", "B", 150)])
    network = build_network(inputs, TrunkOptions())
    task, state, _ = _lay_out(network, zero_prices(network), 4)
    return task, state


def test_room_costs_what_demands_leave_of_a_departure() -> None:
    task, state = _lay()
    state.arc[0, 0], state.paid[0, 0] = 0, 4.0
    share_room(task, state)
    assert state.room[0] == pytest.approx((10.0 - 4.0) / 100.0)
    assert state.room[1] == pytest.approx(0.1)
    # 150 parcels need a departure and a half: they pay two thirds of their price for each
    state.arc[1, 0], state.paid[1, 0] = 0, 3.0
    share_room(task, state)
    assert state.room[0] == pytest.approx((10.0 - 4.0 - 2.0) / 100.0)


def test_who_would_pay_more_than_a_departure_pays_the_departure() -> None:
    task, state = _lay()
    state.arc[:, 0], state.paid[0, 0], state.paid[1, 0] = 0, 16.0, 6.0
    share_room(task, state)
    assert state.room[0] == 0.0
    assert state.paid[:, 0] == pytest.approx([8.0, 3.0])


def test_a_price_rises_where_a_path_leaves_its_truck_empty_and_falls_where_others_fill_it() -> None:
    task, state = _lay()
    share_room(task, state)
    state.load[0], state.load[1] = 30.0, 150.0
    state.path[0, 0] = 0
    assert lean(task, state, 0.5) == pytest.approx(0.35**2)
    assert (state.arc[0, 0], state.slope[0, 0]) == (0, pytest.approx(0.5 * 0.7))
    climb(state, 2.0)
    assert state.paid[0, 0] == pytest.approx(0.7)
    # its path goes elsewhere, and others fill the truck: the price falls, but not below 0
    state.path[0, 0] = -1
    state.load[0] = 90.0
    lean(task, state, 1.0)
    assert state.slope[0, 0] == pytest.approx(-0.9)
    climb(state, 2.0)
    assert state.paid[0, 0] == 0.0
    lean(task, state, 1.0)
    assert state.arc[0, 0] == -1
    assert not np.isin(state.used, True).any()
