"""Prices of forcing rows: what they prove against a plain sum, against exact plans, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from routing.budget import Deadline
from routing.trunk.bound.certificate import mark_payers
from routing.trunk.bound.forcing_prices import force_openings, price_payers
from routing.trunk.bound.lagrangian import (
    BoundCertificate,
    Relaxation,
    list_prices,
    price_arcs,
    price_departures,
    price_parcels,
    prove_bound,
    zero_prices,
)
from routing.trunk.bound.subgradient import relax_network
from routing.trunk.search.exact import solve_exactly
from routing.trunk.task.build_network import build_network
from routing.trunk.task.commodities import list_commodities
from routing.trunk.task.inputs import TrunkInputs, TrunkOptions
from routing.trunk.task.network import TrunkNetwork
from routing.trunk.task.shortest_paths import label_paths
from tests.routing.networks import make_inputs
from tests.routing.plain.forcing import add_up_paths
from tests.routing.random_networks import random_network
from tests.routing.test_bound_by_clock import by_sorts

TRUCK = {"vehicle_type_id": "truck", "capacity": 100, "fixed_cost": 10.0}


def _relax(inputs: TrunkInputs) -> tuple[TrunkNetwork, Relaxation]:
    network = build_network(inputs, TrunkOptions(short_cost=500.0, late_cost=2.0))
    return network, relax_network(network, steps=60, seed=1, deadline=Deadline(60.0))


def _besides(network: TrunkNetwork, relaxed: Relaxation) -> float:
    """What the relaxation's bound is besides the paths of demands [CNY]."""
    prices = relaxed.certificate.prices
    room, _ = price_arcs(network, price_departures(network, prices))
    commodities = list_commodities(network)
    label = label_paths(network, price_parcels(network, prices, room), commodities).price
    reach = np.minimum(label[network.demand_start, commodities.of_demand], network.short_cost)
    return prove_bound(network, prices) - float((network.demand_parcels * reach).sum())


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), clock=st.booleans(), effort=st.sampled_from([0.0, 0.3]))
def test_the_bound_is_what_its_prices_add_up_to(seed: int, clock: bool, effort: float) -> None:
    inputs = by_sorts(seed) if clock else random_network(seed, hubs=4, days=2, promised=0.3)
    assume(inputs.route_demand.height > 0)
    network, relaxed = _relax(inputs)
    assume(network.arcs > 0 and len(network.demand_parcels) > 0)
    found = force_openings(network, relaxed, effort, Deadline(60.0))
    assert found.bound >= relaxed.certificate.bound
    if not len(found.forcing_price):
        return
    total, least = add_up_paths(network, found)
    assert found.bound == pytest.approx(_besides(network, relaxed) + total, rel=1e-7, abs=1e-5)
    assert float(network.demand_parcels @ price_payers(network, found)) == pytest.approx(total, rel=1e-7, abs=1e-5)
    assert least >= -1e-6  # nobody pays more than a departure costs
    assert (found.forcing_price > 0).all()
    assert mark_payers(network)[found.demand].all()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_no_plan_costs_less_than_the_bound(seed: int) -> None:
    inputs = random_network(seed, hubs=3, days=2, promised=0.3)
    assume(inputs.route_demand.height > 0)
    network, relaxed = _relax(inputs)
    assume(network.arcs > 0 and len(network.demand_parcels) > 0)
    proof = solve_exactly(network, effort=1.0, deadline=Deadline(60.0))
    assume(proof.draft is not None)
    assert proof.draft is not None
    assert force_openings(network, relaxed, 1.0, Deadline(60.0)).bound <= proof.draft.cost + 1e-6


def test_three_routes_over_one_lane_pay_one_truck_between_them() -> None:
    ends = [("A", "B"), ("B", "C"), ("B", "D")]
    lanes = [{"origin_hub_id": origin, "destination_hub_id": destination} for origin, destination in ends]
    demand = [(0, "A", "B", 10), (0, "A", "C", 10), (0, "A", "D", 10)]
    network = build_network(
        make_inputs([{"hub_id": name} for name in "ABCD"], lanes, [TRUCK], demand), TrunkOptions(short_cost=50.0)
    )
    none = zero_prices(network)
    start = BoundCertificate(prove_bound(network, none), none)
    load = np.where(network.arc_tail < 4, 30.0, 0.0)  # of the first day
    relaxed = Relaxation(start.bound, none, load, np.zeros(network.nodes), [], start)
    # a parcel on a truck of 100 at 10 pays .1 a lane: 10 x .1 + 20 x .2
    assert start.bound == pytest.approx(5.0)
    # a truck to B between three, one to C, one to D
    found = force_openings(network, relaxed, 1.0, Deadline(60.0))
    assert found.bound == pytest.approx(30.0, rel=0.01)
    assert all((price >= 0).all() for price in list_prices(found.prices)[:-1])


def test_a_full_truck_leaves_nothing_to_prove() -> None:
    lanes = [{"origin_hub_id": "A", "destination_hub_id": "B"}]
    inputs = make_inputs([{"hub_id": "A"}, {"hub_id": "B"}], lanes, [TRUCK], [(0, "A", "B", 200)])
    network, relaxed = _relax(inputs)
    assert force_openings(network, relaxed, 1.0, Deadline(60.0)) is relaxed.certificate
