"""Insertion: each path found is the cheapest for the parcels left, takes what its room allows, and is charged what it costs."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.trunk.search.draft import empty_draft
from routing.trunk.search.inserted_paths import FreeRoom
from routing.trunk.search.insertion import Inserter, measure_free_room
from routing.trunk.task.build_network import build_network
from routing.trunk.task.commodities import list_commodities
from routing.trunk.task.inputs import TrunkOptions
from routing.trunk.task.network import TrunkNetwork
from tests.routing.plain.cheapest_paths import price_legs, price_onward
from tests.routing.plain.insertion import price_room
from tests.routing.random_networks import random_network

SHORT_COST = 60.0


def _free(network: TrunkNetwork, random: np.random.Generator) -> FreeRoom:
    """Room as a plan may leave it: some on vehicles that run, limits partly used."""
    draft = empty_draft(network)
    free = measure_free_room(network, draft.loads, draft.vehicles)
    free.arcs[:] = np.floor(random.uniform(0, 60, network.arcs)) * (random.random(network.arcs) < 0.3)
    for array in (free.sorts, free.nights):
        array[:] = np.minimum(array, np.floor(random.uniform(0, 300, network.nodes)))
    return free


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_every_path_is_the_cheapest_left_and_is_charged_what_it_costs(seed: int, fleets: bool) -> None:
    network = build_network(
        random_network(seed, hubs=4, days=2, promised=0.3), TrunkOptions(short_cost=SHORT_COST, late_cost=2.0)
    )
    if not fleets:  # no fleet is shared along a path then
        network = replace(network, type_fleet=np.full(len(network.type_ids), np.inf))
    if not len(network.demand_parcels) or not network.arcs:
        return
    random = np.random.default_rng(seed)
    free, k = _free(network, random), int(random.integers(len(network.demand_parcels)))
    left = float(random.integers(1, 250))
    plain, spent = free.copy(), 0.0
    found = Inserter(network).insert(free, k, int(left))
    for amount, legs in found:
        path, best = _price(network, plain, k, left, legs.tolist())
        assert path < SHORT_COST
        # a fleet wanted twice on a path may make it give way to a dearer one
        assert path == pytest.approx(best) if not fleets else path >= best - 1e-9
        spent += _use(network, plain, k, amount, legs.tolist(), left)
        left -= amount
    assert free.cost == pytest.approx(spent)
    for now, then in zip(free[:-1], plain[:-1], strict=True):
        assert now == pytest.approx(then)
    assert all((array >= 0).all() for array in free[:6])
    if left > 0.5 and not fleets:
        assert _price(network, plain, k, left, [])[1] >= SHORT_COST - 1e-9


def _price(network: TrunkNetwork, free: FreeRoom, k: int, parcels: float, legs: list[int]) -> tuple[float, float]:
    """Price by the parcel of a path, and of the cheapest."""
    commodities = list_commodities(network)
    late = commodities.late_price[commodities.of_demand[k]]

    def sort(node: int) -> float:
        return float(network.handling_cost[node]) if network.hub_open[node] and free.sorts[node] >= 1 else math.inf

    def wait(node: int) -> float:
        after = int(network.after[node])
        fits = after >= 0 and network.hub_open[node] and network.hub_open[after] and free.nights[node] >= 1
        return float(network.waiting_cost[node]) if fits else math.inf

    def arc(number: int) -> float:
        return float(network.arc_cost[number]) + price_room(network, free, number, parcels)

    def end(node: int) -> float:
        return float(late[network.node_turn[node]])

    start, goal = int(network.demand_start[k]), int(network.demand_destination[k])
    best = price_onward(network, goal, sort, wait, arc, end)[start]
    return price_legs(network, start, legs, sort, wait, arc, end) if legs or best < math.inf else math.inf, best


def _use(network: TrunkNetwork, free: FreeRoom, k: int, amount: int, legs: list[int], left: float) -> float:
    """Take a path off the room, hiring where there is none; return what it costs [CNY]."""
    commodities, total = list_commodities(network), 0.0
    bought = {leg: _choose(network, free, leg, left) for leg in legs if leg < network.arcs and free.arcs[leg] < 1}
    node = int(network.demand_start[k])
    for leg in legs:
        if leg >= network.arcs:
            free.nights[node] -= amount
            total += float(network.waiting_cost[node]) * amount
            node = int(network.after[node])
            continue
        free.sorts[node] -= amount
        total += float(network.handling_cost[node] + network.arc_cost[leg]) * amount
        if leg in bought:
            total += _hire(network, free, leg, bought[leg], amount)
        free.arcs[leg] -= amount
        node = int(network.arc_head[leg])
    free.sorts[node] -= amount
    late = commodities.late_price[commodities.of_demand[k], network.node_turn[node]]
    return total + float(network.handling_cost[node] + late) * amount


def _choose(network: TrunkNetwork, free: FreeRoom, arc: int, parcels: float) -> int:
    """Return the hired vehicle that is cheapest by the parcel."""
    lane, mine = int(network.arc_lane[arc]), []
    for vehicle in np.flatnonzero(network.vehicle_lane == lane).tolist():
        others = network.vehicle_lane.copy()
        others[np.arange(len(others)) != vehicle] = -1
        mine.append((price_room(replace(network, vehicle_lane=others), free, arc, parcels), vehicle))
    return min(mine)[1]


def _hire(network: TrunkNetwork, free: FreeRoom, arc: int, vehicle: int, parcels: float) -> float:
    lane, day, kind = int(network.arc_lane[arc]), int(network.arc_day[arc]), int(network.vehicle_type[vehicle])
    count = math.ceil(parcels / float(network.vehicle_capacity[vehicle]))
    free.arcs[arc] += count * float(network.vehicle_capacity[vehicle])
    free.within[vehicle, day] += count
    free.vehicle[vehicle, day] -= count
    free.lane[lane, day] -= count
    free.fleet[kind, int(network.arc_step[arc]) : int(network.arc_back[arc])] -= count
    return count * float(network.vehicle_cost[vehicle])
