"""Local search and rounding: flows stay within all limits, lose no parcel, and cost what the plain sum says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.budget import Deadline
from routing.trunk.bound.lagrangian import price_departures, zero_prices
from routing.trunk.search.incumbent_log import IncumbentLog
from routing.trunk.search.local_search import Tries, search_locally
from routing.trunk.task.build_network import build_network
from routing.trunk.task.commodities import list_commodities
from routing.trunk.task.flows import Flows, load_network, round_parcels
from routing.trunk.task.inputs import TrunkOptions
from routing.trunk.task.network import TrunkNetwork
from routing.trunk.task.paths import PathPool, gather_pool, merge_paths
from routing.trunk.task.records import ParcelPrices
from routing.trunk.task.shortest_paths import label_paths
from routing.trunk.vehicles.step_costs import StepCosts, build_step_costs
from tests.routing.plain.flows import add_up
from tests.routing.random_networks import random_network


class _Silent:
    def step(self, done: float, total: float, note: str = "") -> None:
        pass


def _pool(network: TrunkNetwork, random: np.random.Generator) -> PathPool:
    """Paths under three random sets of prices."""
    choices = []
    for _ in range(3):
        prices = ParcelPrices(
            arc=random.uniform(0.1, 5, network.arcs),
            sort=np.where(network.sort_capacity > 0, random.uniform(0.1, 2, network.nodes), np.inf),
            hold=np.where(network.can_hold(), random.uniform(0.1, 1, network.nodes), np.inf),
        )
        choices.append(label_paths(network, prices, list_commodities(network)).choice)
    return gather_pool(network, choices)


def _task(seed: int) -> tuple[TrunkNetwork, StepCosts, Flows] | None:
    network = build_network(random_network(seed, hubs=4, days=2, scale=1.5, promised=0.3), TrunkOptions(late_cost=2.0))
    if not network.arcs or not len(network.demand_parcels):
        return None
    random = np.random.default_rng(seed)
    pool = _pool(network, random)
    if not len(pool):
        return None
    costs = build_step_costs(network, price_departures(network, zero_prices(network)))
    of_demand = np.bincount(pool.demand, minlength=len(network.demand_parcels))[pool.demand]
    share = random.uniform(0, 1, len(pool)) * network.demand_parcels[pool.demand] / of_demand
    room = (costs.most, network.sort_capacity, network.buffer_capacity)
    return network, costs, round_parcels(network, pool, share, network.demand_parcels, room)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000))
def test_rounded_parcels_break_no_limit_and_leave_no_room_unused(seed: int) -> None:
    found = _task(seed)
    if found is None:
        return
    network, costs, flows = found
    use = add_up(network, flows)
    assert not use.exceeds(network, costs)
    short = flows.short(network)
    assert (short >= 0).all()
    loads = load_network(network, flows)
    assert loads.cost == pytest.approx(use.cost + float(short.sum()) * network.short_cost)
    assert {arc: load for arc, load in enumerate(loads.arcs.tolist()) if load} == dict(use.arcs)
    # a demand that is short has no path of the pool with room for one parcel more
    pool, place = merge_paths(network, [_pool(network, np.random.default_rng(seed)), flows.pool])
    parcels = (
        np.bincount(place[-len(flows.pool) :], flows.parcels, len(pool)) if len(flows.pool) else np.zeros(len(pool))
    )
    for number in np.flatnonzero(short[pool.demand] > 0).tolist():
        one = parcels.astype(np.int64)
        one[number] += 1
        assert add_up(network, Flows(pool, one)).exceeds(network, costs)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 3.0, 300.0]))
def test_local_search_saves_what_it_says_and_breaks_no_limit(seed: int, heat: float) -> None:
    found = _task(seed)
    if found is None:
        return
    network, costs, flows = found
    before = add_up(network, flows)
    log = IncumbentLog(_Silent(), bound=0.0, cost=before.total(costs))
    better = search_locally(
        network, flows, costs, Tries(200, heat), seed=seed, deadline=Deadline(60.0), reserve=0.0, progress=log
    )
    after = add_up(network, better)
    assert not after.exceeds(network, costs)
    assert (better.short(network) == flows.short(network)).all()
    if heat == 0.0:
        assert after.total(costs) == pytest.approx(log.cost)
    assert after.total(costs) <= before.total(costs) + 1e-6


def test_a_truck_for_few_parcels_is_saved_by_the_room_of_others() -> None:
    # seed 7 has departures that others' spare room replaces
    found = _task(7)
    assert found is not None
    network, costs, flows = found
    before = add_up(network, flows).total(costs)
    better = search_locally(network, flows, costs, Tries(400), seed=1, deadline=Deadline(60.0), reserve=0.0)
    assert add_up(network, better).total(costs) < before - 1.0
