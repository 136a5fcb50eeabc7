"""The dual ascent against its plain twin, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from routing.trunk.bound.dual_ascent import AscentState, AscentTask, _ascend, _lay_task, _leave_slack
from routing.trunk.bound.lagrangian import price_arcs, price_departures, price_parcels, zero_prices
from routing.trunk.task.build_network import build_network
from routing.trunk.task.inputs import TrunkOptions
from routing.trunk.task.network import TrunkNetwork
from tests.routing.networks import make_inputs
from tests.routing.plain.dual_ascent import PlainAscent
from tests.routing.random_networks import random_network

TRUCK = {"vehicle_type_id": "truck", "capacity": 100, "fixed_cost": 10.0}


def _lay(network: TrunkNetwork) -> tuple[AscentTask, AscentState]:
    none = zero_prices(network)
    departure_price = price_departures(network, none)
    room, _ = price_arcs(network, departure_price)
    task = _lay_task(network, price_parcels(network, none, room)._replace(arc=network.arc_cost))
    count = len(network.demand_parcels)
    slack = _leave_slack(network, departure_price, np.zeros(network.arcs))
    paid, stuck = np.zeros((count, network.arcs)), np.zeros(count, dtype=np.bool_)
    return task, AscentState(paid, slack, stuck, np.empty(network.nodes), np.empty(network.nodes, dtype=np.bool_))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), hubs=st.integers(2, 4), days=st.integers(1, 2), short=st.sampled_from([5.0, 500.0]))
def test_the_ascent_raises_what_its_plain_twin_raises(seed: int, hubs: int, days: int, short: float) -> None:
    inputs = random_network(seed, hubs=hubs, days=days, promised=0.3)
    assume(inputs.route_demand.height > 0)
    network = build_network(inputs, TrunkOptions(short_cost=short))
    assume(network.arcs > 0)
    task, state = _lay(network)
    before = state.slack.copy()
    twin = PlainAscent(task, before)
    order = np.argsort(task.parcels, kind="stable").astype(np.int64)
    for _ in range(3):
        assert _ascend(task, state, order, 2) == pytest.approx(twin.ascend(order.tolist(), 2), rel=1e-9, abs=1e-6)
    raised = {(k, r): value for (k, r), value in twin.paid.items() if value}
    k, arc = np.nonzero(state.paid)
    assert set(zip(k.tolist(), arc.tolist(), strict=True)) == set(raised)
    assert [state.paid[key] for key in raised] == pytest.approx(list(raised.values()), rel=1e-9, abs=1e-9)
    for key, value in twin.slack.items():
        assert state.slack[key] == pytest.approx(value, rel=1e-9, abs=1e-6)
    # nobody pays more than a departure costs
    assert (state.slack >= -1e-6).all()


def test_two_demands_pay_trucks_whole_and_no_more() -> None:
    ends = [("A", "B"), ("B", "C")]
    lanes = [{"origin_hub_id": origin, "destination_hub_id": destination} for origin, destination in ends]
    demand = [(0, "A", "B", 30), (0, "A", "C", 20)]
    inputs = make_inputs([{"hub_id": name} for name in "ABC"], lanes, [TRUCK], demand)
    task, state = _lay(build_network(inputs, TrunkOptions(short_cost=50.0)))
    # a truck on each lane, though neither is half full
    assert _ascend(task, state, np.arange(len(task.parcels)), 50) == pytest.approx(20.0)
    assert state.slack.min() == pytest.approx(0.0, abs=1e-6)
