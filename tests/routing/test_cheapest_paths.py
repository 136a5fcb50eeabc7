"""Cheapest paths: labels for all, paths of demands that pay on top, paths at the margin; each against its plain twin."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.trunk.bound.commodity_paths import Surcharges, find_paths
from routing.trunk.bound.lagrangian import price_departures, zero_prices
from routing.trunk.search.marginal_paths import (
    find_marginal_path,
    lay_marginal,
    make_space,
    price_path,
    shift_path,
)
from routing.trunk.task.build_network import build_network
from routing.trunk.task.commodities import list_commodities
from routing.trunk.task.inputs import TrunkOptions
from routing.trunk.task.network import TrunkNetwork
from routing.trunk.task.records import NodeArcLoads, ParcelPrices
from routing.trunk.task.shortest_paths import label_paths, trace_paths
from routing.trunk.vehicles.step_costs import build_step_costs
from tests.routing.networks import make_inputs
from tests.routing.plain.cheapest_paths import end_of, price_legs, price_onward
from tests.routing.plain.vehicle_cost import read_price
from tests.routing.random_networks import random_network

SEEDS = st.integers(0, 10_000)


def _network(seed: int, promised: float = 0.3) -> TrunkNetwork:
    inputs = random_network(seed, hubs=4, days=2, promised=promised)
    return build_network(inputs, TrunkOptions(short_cost=500.0, late_cost=2.0))


def _prices(network: TrunkNetwork, random: np.random.Generator) -> ParcelPrices:
    return ParcelPrices(
        arc=random.uniform(0.1, 5, network.arcs),
        sort=np.where(network.sort_capacity > 0, random.uniform(0.1, 2, network.nodes), np.inf),
        hold=np.where(network.can_hold(), random.uniform(0.1, 1, network.nodes), np.inf),
    )


def test_a_lane_within_the_day_leads_to_one_that_takes_a_night() -> None:
    # A -> B arrives in time for the same sort, B -> C takes 20 h; A stands before B in the order of hubs
    hubs = [{"hub_id": name} for name in "ABC"]
    lanes = [
        {"origin_hub_id": "A", "destination_hub_id": "B", "transit_hours": 0.0},
        {"origin_hub_id": "B", "destination_hub_id": "C", "transit_hours": 20.0},
    ]
    truck = {"vehicle_type_id": "truck", "capacity": 100, "fixed_cost": 10.0}
    network = build_network(make_inputs(hubs, lanes, [truck], [(0, "A", "C", 5)]), TrunkOptions())
    prices = ParcelPrices(np.ones(network.arcs), np.ones(network.nodes), np.full(network.nodes, np.inf))
    labels = label_paths(network, prices, list_commodities(network))
    assert labels.price[network.demand_start[0], 0] == 1 + 1 + 1 + 1 + 1  # sorted at A, B and C, carried twice


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_labels_are_the_prices_of_the_plain_search_and_of_their_own_paths(seed: int) -> None:
    network = _network(seed)
    prices, commodities = _prices(network, np.random.default_rng(seed)), list_commodities(network)
    labels = label_paths(network, prices, commodities)
    for g, goal in enumerate(commodities.destination.tolist()):

        def end(node: int, g: int = g) -> float:
            return float(commodities.late_price[g, network.node_turn[node]])

        onward = price_onward(
            network, goal, prices.sort.__getitem__, prices.hold.__getitem__, prices.arc.__getitem__, end
        )
        assert labels.price[:, g] == pytest.approx([onward[node] for node in range(network.nodes)])
        for start in np.flatnonzero(np.isfinite(labels.price[:, g])).tolist():
            _, legs = trace_paths(network, labels.choice, np.array([start]), np.array([g]))
            paid = price_legs(
                network,
                start,
                legs.tolist(),
                prices.sort.__getitem__,
                prices.hold.__getitem__,
                prices.arc.__getitem__,
                end,
            )
            assert paid == pytest.approx(labels.price[start, g])


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_paths_of_demands_that_pay_on_top_are_those_of_the_plain_search(seed: int) -> None:
    network, random = _network(seed), np.random.default_rng(seed)
    prices, commodities = _prices(network, random), list_commodities(network)
    count = len(network.demand_parcels)
    number = random.integers(0, 4, count) if network.arcs else np.zeros(count, dtype=np.int64)
    pointers = np.concatenate([[0], np.cumsum(number)]).astype(np.int64)
    arc = random.integers(0, max(network.arcs, 1), pointers[-1])
    surcharges = Surcharges(pointers, arc, random.uniform(0, 4, len(arc)))
    label, first, legs = find_paths(network, prices, surcharges)
    for k in range(count):
        own = prices.arc.copy()
        np.add.at(own, arc[pointers[k] : pointers[k + 1]], surcharges.price[pointers[k] : pointers[k + 1]])

        def end(node: int, g: int = int(commodities.of_demand[k])) -> float:
            return float(commodities.late_price[g, network.node_turn[node]])

        goal, start = int(network.demand_destination[k]), int(network.demand_start[k])
        rules = (prices.sort.__getitem__, prices.hold.__getitem__, own.__getitem__, end)
        assert label[k] == pytest.approx(price_onward(network, goal, *rules)[start])
        if np.isfinite(label[k]):
            assert price_legs(network, start, legs[first[k] : first[k + 1]].tolist(), *rules) == pytest.approx(label[k])


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(1, 90))
def test_paths_at_the_margin_cost_what_the_plain_search_says_and_load_what_they_use(seed: int, lot: int) -> None:
    network, random, parcels = _network(seed), np.random.default_rng(seed), float(lot)
    if not len(network.demand_parcels):
        return
    costs = build_step_costs(network, price_departures(network, zero_prices(network)))
    task = lay_marginal(network, costs)
    loads = NodeArcLoads(
        np.floor(random.uniform(0, 1, network.arcs) * np.minimum(costs.most, 250.0)),
        np.floor(random.uniform(0, 1, network.nodes) * np.minimum(network.sort_capacity, 300.0)),
        np.floor(random.uniform(0, 1, network.nodes) * np.minimum(network.buffer_capacity, 200.0)),
    )
    k = int(random.integers(len(network.demand_parcels)))
    g = int(task.commodities.of_demand[k])
    start, goal = int(network.demand_start[k]), int(network.demand_destination[k])
    can_hold = network.can_hold()

    def sort(node: int) -> float:
        fits = loads.sorts[node] + parcels <= network.sort_capacity[node]
        return float(network.handling_cost[node]) * parcels if fits else math.inf

    def wait(node: int) -> float:
        fits = can_hold[node] and loads.nights[node] + parcels <= network.buffer_capacity[node]
        return float(network.waiting_cost[node]) * parcels if fits else math.inf

    def arc(number: int) -> float:
        load = float(loads.arcs[number])
        if load + parcels > costs.most[number]:
            return math.inf
        more = read_price(costs, number, load + parcels) - read_price(costs, number, load)
        return float(network.arc_cost[number]) * parcels + more

    def end(node: int) -> float:
        return float(task.commodities.late_price[g, network.node_turn[node]]) * parcels

    cheapest = price_onward(network, goal, sort, wait, arc, end)[start]
    space = make_space(network.nodes)
    last = find_marginal_path(task, loads, costs.most, space, k, parcels, 1e9)
    assert (last < 0) == math.isinf(cheapest)
    if last < 0:
        return
    legs, node = [], last
    while node != start:
        legs.append(int(space.parent[node]))
        node = int(network.arc_tail[legs[-1]]) if legs[-1] < network.arcs else legs[-1] - network.arcs
    legs.reverse()
    assert end_of(network, start, legs) == last
    assert price_legs(network, start, legs, sort, wait, arc, end) == pytest.approx(cheapest)
    path = np.array(legs, dtype=np.int64)
    assert price_path(task, loads, parcels, path, len(path), k) == pytest.approx(cheapest)
    # nothing within a budget below that, and taking the parcels off again gives back what adding them cost
    assert find_marginal_path(task, loads, costs.most, space, k, parcels, cheapest - 1e-3) == -1
    before = [array.copy() for array in loads]
    shift_path(task, loads, parcels, path, len(path), start)
    assert price_path(task, loads, -parcels, path, len(path), k) == pytest.approx(-cheapest)
    assert loads.sorts.sum() - before[1].sum() == parcels * (1 + sum(leg < network.arcs for leg in legs))
    shift_path(task, loads, -parcels, path, len(path), start)
    assert all(np.array_equal(now, then) for now, then in zip(loads, before, strict=True))
