"""Patches planned anew: within every limit, no parcel lost, never dearer, and near the optimum where a hand or the exact model knows it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.budget import Deadline
from routing.trunk.bound.lagrangian import price_departures, zero_prices
from routing.trunk.search.draft import Draft
from routing.trunk.search.exact import solve_exactly
from routing.trunk.search.find_plan import settle
from routing.trunk.search.patch_model import list_choices
from routing.trunk.search.patch_search import RULES, count_patches, improve_patches
from routing.trunk.search.patches import PATCH, draw_patch, locate_arcs
from routing.trunk.task.build_network import build_network
from routing.trunk.task.commodities import list_commodities
from routing.trunk.task.flows import load_network, round_parcels
from routing.trunk.task.inputs import TrunkOptions
from routing.trunk.task.network import TrunkNetwork
from routing.trunk.task.paths import PathPool, gather_pool, mark_accepted, take_paths
from routing.trunk.task.records import ParcelPrices
from routing.trunk.task.shortest_paths import choose_paths
from routing.trunk.vehicles.step_costs import build_step_costs
from routing.trunk.vehicles.vehicle_model import limit_rows, list_pairs
from tests.routing.networks import make_inputs
from tests.routing.plain.flows import add_up
from tests.routing.random_networks import random_network

OPTIONS = TrunkOptions(late_cost=2.0, effort=0.02, short_cost=500.0)


def _spread(network: TrunkNetwork, random: np.random.Generator) -> Draft | None:
    """A crude plan: parcels over paths of random prices, and the vehicles that hold them."""
    choices = []
    for _ in range(2):
        prices = ParcelPrices(
            arc=random.uniform(0.1, 5, network.arcs),
            sort=np.where(network.sort_capacity > 0, random.uniform(0.1, 2, network.nodes), np.inf),
            hold=np.where(network.can_hold(), random.uniform(0.1, 1, network.nodes), np.inf),
        )
        choices.append(choose_paths(network, prices, list_commodities(network)))
    pool = gather_pool(network, choices)
    pool = take_paths(pool, mark_accepted(network, pool))
    if not len(pool):
        return None
    costs = build_step_costs(network, price_departures(network, zero_prices(network)))
    share = network.demand_parcels[pool.demand] / np.bincount(pool.demand)[pool.demand]
    room = (costs.most, network.sort_capacity, network.buffer_capacity)
    flows = round_parcels(network, pool, share, network.demand_parcels, room)
    return settle(network, flows, costs, Deadline(60.0), 0.01)


def _crude(seed: int) -> tuple[TrunkNetwork, Draft] | None:
    inputs = random_network(seed, hubs=4, days=2, scale=1.5, promised=0.3)
    network = build_network(inputs, OPTIONS)
    if not network.arcs or not len(network.demand_parcels):
        return None
    draft = _spread(network, np.random.default_rng(seed))
    return None if draft is None else (network, draft)


def _check(network: TrunkNetwork, draft: Draft) -> None:
    """Every limit and the cost, added up plainly."""
    use = add_up(network, draft.flows)
    for number, load in use.arcs.items():
        assert load <= draft.vehicles.room[number] + 1e-6
    loads = load_network(network, draft.flows)
    assert (loads.sorts <= network.sort_capacity + 1e-6).all()
    assert (loads.nights <= network.buffer_capacity + 1e-6).all()
    arc, vehicle = list_pairs(network)
    choices = list_choices(network, draft.vehicles.departures)
    own = network.type_own[network.vehicle_type[vehicle]]
    assert (choices.most[own] == draft.vehicles.departures[own]).all()
    rules, made = limit_rows(network, arc, vehicle), draft.vehicles.departures
    assert (draft.vehicles.arc == arc).all()
    assert (draft.vehicles.vehicle == vehicle).all()
    assert (rules.matrix @ made <= rules.high + 1e-6).all()
    assert (rules.matrix @ made >= rules.low - 1e-6).all()
    assert (made <= network.vehicle_limit[vehicle, network.arc_day[arc]]).all()
    price = float((made * network.vehicle_cost[vehicle]).sum())
    short = float(draft.flows.short(network).sum()) * network.short_cost
    assert draft.cost == pytest.approx(use.cost + short + price)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_patches_break_no_limit_lose_no_parcel_and_never_cost_more(seed: int) -> None:
    found = _crude(seed)
    if found is None:
        return
    network, draft = found
    better = improve_patches(network, draft, OPTIONS, 1.0, Deadline(60.0))
    assert better.cost <= draft.cost
    assert (better.flows.short(network) >= 0).all()
    if better is draft:
        return
    _check(network, better)
    own = network.type_own[network.vehicle_type[better.vehicles.vehicle]]
    before = dict(
        zip(zip(draft.vehicles.arc, draft.vehicles.vehicle, strict=True), draft.vehicles.departures, strict=True)
    )
    after = zip(
        zip(better.vehicles.arc[own], better.vehicles.vehicle[own], strict=True),
        better.vehicles.departures[own],
        strict=True,
    )
    assert all(count == before.get(pair, 0) for pair, count in after)


@pytest.mark.parametrize("seed", [3, 7, 11])
def test_small_crude_plans_come_near_the_optimum(seed: int) -> None:
    found = _crude(seed)
    assert found is not None
    network, draft = found
    better = improve_patches(network, draft, replace(OPTIONS, effort=0.2), 1.0, Deadline(60.0))
    exact = solve_exactly(network, effort=0.1, deadline=Deadline(60.0))
    assert exact.draft is not None
    assert draft.cost > better.cost
    assert better.cost <= 1.03 * exact.bound + 1.0


def _triangle() -> TrunkNetwork:
    """A to C direct for 100, or over B for 60 and 60; trucks of 100; 60 parcels A to C, 40 each A to B and B to C."""
    trucks = [{"vehicle_type_id": "truck", "capacity": 100, "fixed_cost": 0.0, "cost_per_km": 1.0}]
    lanes = [
        {"origin_hub_id": a, "destination_hub_id": b, "distance_km": km}
        for a, b, km in (("A", "B", 60.0), ("B", "C", 60.0), ("A", "C", 100.0))
    ]
    demand = [(0, "A", "C", 60), (0, "A", "B", 40), (0, "B", "C", 40)]
    inputs = make_inputs([{"hub_id": hub} for hub in "ABC"], lanes, trucks, demand)
    return build_network(inputs, TrunkOptions(short_cost=500.0))


def test_a_truck_is_saved_where_two_have_room_together() -> None:
    network = _triangle()
    direct = {
        (network.node_hub[t], network.node_hub[h]): arc
        for arc, (t, h) in enumerate(zip(network.arc_tail, network.arc_head, strict=True))
    }
    legs = np.array([direct[0, 2], direct[0, 1], direct[1, 2]])
    order = {(0, 2): 0, (0, 1): 1, (1, 2): 2}
    wanted = [
        order[o, d] for o, d in zip(network.demand_origin.tolist(), network.demand_destination.tolist(), strict=True)
    ]
    pool = PathPool(np.arange(3), np.arange(4), legs[wanted])
    costs = build_step_costs(network, price_departures(network, zero_prices(network)))
    room = (costs.most, network.sort_capacity, network.buffer_capacity)
    flows = round_parcels(network, pool, network.demand_parcels.astype(float), network.demand_parcels, room)
    draft = settle(network, flows, costs, Deadline(60.0), 0.01)
    assert draft.vehicles.cost == 220.0
    better = improve_patches(network, draft, replace(OPTIONS, effort=1.0), 1.0, Deadline(60.0))
    assert better.vehicles.cost == 120.0
    assert not better.flows.short(network).any()


def test_a_patch_holds_its_middle_and_what_is_near_until_enough_paths_are_in_use() -> None:
    found = _crude(7)
    assert found is not None
    network, draft = found
    pool = draft.flows.pool
    usable = list_pairs(network)[0]
    places = locate_arcs(network, usable)
    waste = np.zeros(network.arcs)
    waste[usable[0]] = 5.0
    small = draw_patch(places, waste, pool, 1, np.random.default_rng(1))
    large = draw_patch(places, waste, pool, 10_000, np.random.default_rng(1))
    assert small[usable[0]]
    assert small.sum() >= min(PATCH.fewest, len(np.unique(usable)))
    assert (large | ~small).all()
    assert large.sum() > small.sum()
    assert not large[~places.usable].any()


def test_the_search_of_patches_repeats_and_counts_what_it_did() -> None:
    found = _crude(7)
    assert found is not None
    network, draft = found
    options = replace(OPTIONS, effort=0.05)
    first, second = (
        improve_patches(network, draft, options, 1.0, deadline) for deadline in (Deadline(60.0), Deadline(60.0))
    )
    assert (first.flows.pool.legs == second.flows.pool.legs).all()
    assert (first.flows.parcels == second.flows.parcels).all()
    assert (first.vehicles.departures == second.vehicles.departures).all()
    assert improve_patches(network, draft, replace(options, effort=1e-9), 1.0, Deadline(60.0)) is draft
    deadline = Deadline(60.0)
    improve_patches(network, draft, options, 1.0, deadline)
    assert deadline.work.due["patches"] <= count_patches(network, options.effort)
    assert deadline.work.tell() == "effort"
    late = Deadline(0.0)
    assert improve_patches(network, draft, options, 1.0, late) is draft
    assert late.work.tell().startswith("time limit: 0 of")
    assert RULES.vain > 1
