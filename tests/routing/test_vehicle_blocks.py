"""Vehicles chosen block by block: the blocks share nothing, and a refined choice is within every limit and never dearer."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.budget import Deadline
from routing.trunk.bound.lagrangian import price_departures, zero_prices
from routing.trunk.task.build_network import build_network
from routing.trunk.task.inputs import TrunkOptions
from routing.trunk.task.network import TrunkNetwork
from routing.trunk.vehicles.exact_fleet import refine_vehicles, split_blocks
from routing.trunk.vehicles.greedy_fleet import choose_fleet
from routing.trunk.vehicles.step_costs import build_step_costs
from routing.trunk.vehicles.vehicle_model import model_vehicles, tally
from tests.routing.networks import make_inputs
from tests.routing.random_networks import random_network


def _loads(network: TrunkNetwork, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    return np.where(random.random(network.arcs) < 0.6, random.integers(1, 400, network.arcs), 0).astype(np.float64)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000))
def test_blocks_share_no_column_and_no_row_and_hold_all_that_their_rows_name(seed: int) -> None:
    network = build_network(random_network(seed), TrunkOptions())
    model = model_vehicles(network, _loads(network, seed))
    blocks = split_blocks(model)
    columns = np.concatenate([c for c, _ in blocks]) if blocks else np.zeros(0)
    assert len(np.unique(columns)) == len(columns)
    for inside, rows in blocks:
        named = np.unique(model.matrix[rows].indices)
        assert np.isin(named, inside).all()


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000))
def test_refined_vehicles_are_within_all_limits_and_not_dearer(seed: int) -> None:
    network = build_network(random_network(seed), TrunkOptions(short_cost=500.0))
    load = _loads(network, seed)
    stairs = build_step_costs(network, price_departures(network, zero_prices(network)))
    mended = choose_fleet(network, stairs, load)
    refined = refine_vehicles(network, mended, load, Deadline(1e6))
    assert refined.cost + 500.0 * refined.short.sum() <= mended.cost + 500.0 * mended.short.sum() + 1e-6
    model = model_vehicles(network, load)
    used = model.rules.matrix @ refined.departures
    assert (used >= model.rules.low - 1e-9).all()
    assert (used <= model.rules.high + 1e-9).all()
    assert (refined.departures <= model.limit).all()


def test_a_hub_s_fleet_goes_where_it_saves_most() -> None:
    """One own-priced truck for two lanes: it saves 50 on a-b and 90 on a-c, so it runs a-c, whatever stood there."""
    lanes = [
        {"lane_id": f"a-{end}", "origin_hub_id": "a", "destination_hub_id": end, "transit_hours": 0.0} for end in "bc"
    ]
    types = [
        {"vehicle_type_id": "contract", "ownership": "contract", "capacity": 100, "fixed_cost": 0.0, "fleet_size": 1},
        {"vehicle_type_id": "spot", "ownership": "spot", "capacity": 100, "fixed_cost": 0.0},
    ]
    prices = {("a-b", "contract"): 50.0, ("a-b", "spot"): 100.0, ("a-c", "contract"): 60.0, ("a-c", "spot"): 150.0}
    listed = [{"lane_id": lane, "vehicle_type_id": kind, "departure_cost": p} for (lane, kind), p in prices.items()]
    inputs = make_inputs(
        hubs=[{"hub_id": hub} for hub in "abc"],
        lanes=lanes,
        types=types,
        lane_vehicles=listed,
        demand=[(0, "a", "b", 80), (0, "a", "c", 80)],
    )
    network = build_network(inputs, TrunkOptions())
    load = np.full(network.arcs, 80.0)
    model = model_vehicles(network, load)
    name = [
        (network.lane_ids[network.arc_lane[r]], network.type_ids[network.vehicle_type[o]])
        for r, o in zip(model.arc, model.vehicle, strict=True)
    ]
    poor = np.array([pair in {("a-b", "contract"), ("a-c", "spot")} for pair in name], dtype=np.int64)
    start = tally(network, model.arc, model.vehicle, poor, load)
    refined = refine_vehicles(network, start, load, Deadline(1e6))
    chosen = {pair for pair, count in zip(name, refined.departures, strict=True) if count}
    assert start.cost == 200.0
    assert chosen == {("a-b", "spot"), ("a-c", "contract")}
    assert refined.cost == 160.0
