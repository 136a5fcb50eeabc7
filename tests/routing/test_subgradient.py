"""The climb to the bound: the optimum of the linear programme on small networks, own vehicles kept in balance, and it repeats."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.budget import Deadline
from routing.trunk.bound.lagrangian import LagrangianDual, Prices, list_prices, prove_bound, zero_prices
from routing.trunk.bound.subgradient import relax_network
from routing.trunk.task.build_network import build_network
from routing.trunk.task.inputs import TrunkOptions
from routing.trunk.task.network import TrunkNetwork
from tests.routing.exact_trunk import least_cost_of_fractions
from tests.routing.networks import make_inputs
from tests.routing.random_networks import random_network

OPTIONS = TrunkOptions(short_cost=500.0)
ENDLESS = Deadline(1e6)


def small_network(seed: int, scale: float = 1.0) -> tuple[TrunkNetwork, float]:
    """A network of four hubs and two days, and the optimum of its linear programme by an exact model."""
    inputs = random_network(seed, hubs=4, days=2, scale=scale)
    inputs = replace(inputs, network_changes=inputs.network_changes.clear())
    network = build_network(inputs, OPTIONS)
    last = network.first_day + timedelta(days=network.days - 1)
    exact = least_cost_of_fractions(inputs, last, hold_cost=OPTIONS.hold_cost, short_cost=OPTIONS.short_cost)
    assert exact is not None
    return network, exact


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.3, 1.0, 3.0]))
def test_no_bound_is_above_the_optimum_of_the_linear_programme(seed: int, scale: float) -> None:
    network, exact = small_network(seed, scale)
    assert relax_network(network, steps=60, seed=1, deadline=ENDLESS).bound <= exact * (1 + 1e-7) + 1e-6


def test_the_climb_comes_near_the_optimum_of_the_linear_programme() -> None:
    missed = []
    for seed in range(12):
        network, exact = small_network(seed)
        if exact > 0:
            found = relax_network(network, steps=800, seed=1, deadline=ENDLESS)
            missed.append(1.0 - found.bound / exact)
    assert len(missed) >= 10
    assert np.median(missed) <= 0.001
    assert max(missed) <= 0.02


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.0, 300.0))
def test_any_prices_and_potentials_prove_a_bound(seed: int, size: float) -> None:
    network, exact = small_network(seed)
    random = np.random.default_rng(seed)
    zero = list_prices(zero_prices(network))
    drawn = [random.random(p.shape) * size * (random.random(p.shape) < 0.3) for p in zero[:-1]]
    potential = np.where(network.type_own[:, None], random.normal(0.0, size, zero[-1].shape), 0.0)
    sort, buffer, fleet, lane, vehicle = drawn
    prices = Prices(sort, buffer, fleet, lane, vehicle, potential)
    assert prove_bound(network, prices) <= exact * (1 + 1e-7) + 1e-6


def test_own_vehicles_that_must_come_back_pay_for_both_ways() -> None:
    """100 parcels go from A to B by one own truck; it must return, empty: two departures of 100 CNY, not one."""
    inputs = make_inputs(
        [{"hub_id": "A"}, {"hub_id": "B"}],
        [
            {"lane_id": a + b, "origin_hub_id": a, "destination_hub_id": b, "mode": "road", "distance_km": 0.0, "transit_hours": 0.0}
            for a, b in ("AB", "BA")
        ],
        [{"vehicle_type_id": "truck", "ownership": "own", "capacity": 100, "fixed_cost": 100.0, "cost_per_km": 0.0, "fleet_size": 5}],
        [(0, "A", "B", 100)],
    )  # fmt: skip
    network = build_network(inputs, OPTIONS)
    found = relax_network(network, steps=400, seed=1, deadline=ENDLESS)
    assert found.bound == pytest.approx(200.0, rel=2e-3)
    here, there = (found.prices.potential[0, network.hub_ids.index(hub)] for hub in "AB")
    # an own truck at B is worth less than at A by the way back
    assert here - there == pytest.approx(100.0, rel=0.02)


def test_own_vehicles_without_number_bound_nothing_by_their_balance() -> None:
    network, exact = small_network(5)
    endless = replace(network, type_fleet=np.full(len(network.type_ids), np.inf))
    assert network.type_own.any()
    found = relax_network(endless, steps=100, seed=1, deadline=ENDLESS)
    assert np.isfinite(found.bound)
    assert not found.prices.potential.any()
    assert found.bound <= exact * (1 + 1e-7) + 1e-6


def test_the_slope_is_what_a_small_step_of_a_price_changes() -> None:
    network, _ = small_network(3)
    dual = LagrangianDual(network)
    random = np.random.default_rng(3)
    prices = [random.random(p.shape) * 5.0 for p in list_prices(zero_prices(network))]
    prices[-1] = np.where(network.type_own[:, None], prices[-1], 0.0)
    start = dual.evaluate(Prices(*prices))
    uses, limits = [use.copy() for use in dual.uses()], dual.limits()
    checked = 0
    for place, (use, limit) in enumerate(zip(uses, limits, strict=True)):
        for at in np.argwhere(np.isfinite(limit))[:6]:
            moved = [p.copy() for p in prices]
            moved[place][tuple(at)] += 1e-7
            slope = (dual.evaluate(Prices(*moved)) - start) / 1e-7
            assert slope == pytest.approx(use[tuple(at)] - limit[tuple(at)], rel=1e-3, abs=0.05)
            checked += 1
    assert checked >= 12


def test_a_seed_repeats_bound_prices_and_paths() -> None:
    network, _ = small_network(5)
    first, second = (relax_network(network, steps=100, seed=2, deadline=ENDLESS) for _ in range(2))
    assert first.bound == second.bound
    assert all(np.array_equal(a, b) for a, b in zip(list_prices(first.prices), list_prices(second.prices), strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(first.samples, second.samples, strict=True))
