"""Annealing: what a move changes in cost and loads is what adding everything up anew says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.budget import Deadline
from routing.trunk.bound.lagrangian import price_departures, zero_prices
from routing.trunk.bound.subgradient import relax_network
from routing.trunk.search import annealing
from routing.trunk.search.annealing import AnnealingState, Cooling, Move, anneal_trees
from routing.trunk.search.candidates import list_candidates
from routing.trunk.search.trees import Trees, load_trees, start_trees
from routing.trunk.task.build_network import build_network
from routing.trunk.task.commodities import list_commodities
from routing.trunk.task.inputs import TrunkOptions
from routing.trunk.task.network import TrunkNetwork
from routing.trunk.task.records import ParcelPrices
from routing.trunk.task.shortest_paths import FINISH, HOLD, NO_PATH, label_paths
from routing.trunk.vehicles.step_costs import StepCosts, build_step_costs, price_load
from tests.routing.plain.trees import comes_back, sum_parcels, weigh_trees
from tests.routing.random_networks import random_network

PENALTY = 3.0


def _task(seed: int) -> tuple[TrunkNetwork, Trees, StepCosts, np.ndarray] | None:
    """Return a random task with trees for what can be carried, its step costs, and candidates; None when nothing can be."""
    network = build_network(random_network(seed, hubs=4, days=2, scale=1.5, promised=0.3), TrunkOptions(late_cost=2.0))
    random = np.random.default_rng(seed)
    prices = ParcelPrices(
        arc=random.uniform(0.1, 5, network.arcs),
        sort=np.where(network.sort_capacity > 0, random.uniform(0.1, 2, network.nodes), np.inf),
        hold=np.where(network.can_hold(), random.uniform(0.1, 1, network.nodes), np.inf),
    )
    commodities = list_commodities(network)
    if not len(network.demand_parcels) or not network.arcs:
        return None
    labels = label_paths(network, prices, commodities)
    reach = labels.price[network.demand_start, commodities.of_demand]
    served = np.flatnonzero(np.isfinite(reach) & (network.demand_parcels > 0))
    if not len(served):
        return None
    trees = start_trees(network, [labels.choice], truck=100.0, served=served, generator=random)
    costs = build_step_costs(network, price_departures(network, zero_prices(network)))
    return network, trees, costs, list_candidates(network, labels.price, prices, commodities, 6)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000))
def test_a_move_changes_cost_and_loads_as_the_plain_sum_says(seed: int) -> None:
    found = _task(seed)
    if found is None:
        return
    network, trees, costs, candidates = found
    random = np.random.default_rng(seed)
    task = annealing.lay_annealing(network, candidates)
    price = np.array([price_load(costs, r, trees.loads.arcs[r], PENALTY) for r in range(network.arcs)])
    state = AnnealingState(
        np.array([seed + 1], dtype=np.uint64),
        np.zeros(network.nodes, dtype=np.int64),
        np.zeros(1, dtype=np.int64),
        price,
    )
    for _ in range(12):
        tree, node = annealing._draw_node(task, trees, state)
        old, parcels = int(trees.leg[tree, node]), float(trees.flow[tree, node])
        new = int(random.choice(candidates[node, trees.destination[tree]]))
        if new in (NO_PATH, old) or parcels <= 0:
            continue
        move = Move(tree, node, old, new, parcels)
        passes = annealing._mark_path(task, trees, state, move)
        assert passes != comes_back(network, trees, tree, node, new)
        if not passes:
            continue
        before = weigh_trees(network, trees, costs, PENALTY)
        change, meet = annealing._price_leaving(task, costs, trees.loads, trees, state, move, PENALTY)
        change = annealing._price_taking(task, costs, trees.loads, trees, state, move, PENALTY, meet, change, np.inf)
        annealing._shift_parcels(task, costs, trees.loads, trees, state, move, old, -parcels, meet, PENALTY)
        trees.leg[tree, node] = new
        annealing._shift_parcels(task, costs, trees.loads, trees, state, move, new, parcels, meet, PENALTY)
        assert weigh_trees(network, trees, costs, PENALTY) - before == pytest.approx(change, abs=1e-6)
        _check_loads(network, trees, costs, state.arc_price)


def _check_loads(network: TrunkNetwork, trees: Trees, costs: StepCosts, arc_price: np.ndarray) -> None:
    """Flows and loads kept move by move are those of the trees loaded anew; so are the prices of vehicles."""
    kept = [trees.flow.copy(), *(array.copy() for array in trees.loads)]
    load_trees(network, trees)
    for now, then in zip([trees.flow, *trees.loads], kept, strict=True):
        assert now == pytest.approx(then, abs=1e-6)
    prices = [price_load(costs, r, trees.loads.arcs[r], PENALTY) for r in range(network.arcs)]
    assert arc_price == pytest.approx(prices, abs=1e-6)


@pytest.mark.parametrize("seed", [1, 4, 9])
def test_annealing_keeps_all_parcels_on_their_trees_and_makes_them_cheaper(seed: int) -> None:
    found = _task(seed)
    assert found is not None
    network, trees, costs, candidates = found
    before = weigh_trees(network, trees, costs, 50.0)
    cooling = Cooling(moves=20_000, hot=20.0, cold=0.1, soft=50.0, hard=50.0)
    assert anneal_trees(network, trees, costs, candidates, cooling, seed=seed, deadline=Deadline(60.0), reserve=0.0)
    assert weigh_trees(network, trees, costs, 50.0) <= before
    assert trees.flow[trees.leg == FINISH].sum() == pytest.approx(sum_parcels(trees))
    assert (trees.leg[trees.flow > 0] != NO_PATH).all()
    assert not (trees.flow[(trees.leg == HOLD) & (network.after < 0)[None]] > 0).any()


def test_candidates_are_the_cheapest_next_legs_in_rising_order() -> None:
    network = build_network(random_network(5, hubs=4, days=2), TrunkOptions())
    random, commodities = np.random.default_rng(5), list_commodities(network)
    prices = ParcelPrices(
        arc=random.uniform(0.1, 5, network.arcs),
        sort=random.uniform(0.1, 2, network.nodes),
        hold=np.where(network.can_hold(), random.uniform(0.1, 1, network.nodes), np.inf),
    )
    label = label_paths(network, prices, commodities).price
    candidates = list_candidates(network, label, prices, commodities, 3)
    for node in range(network.nodes):
        for g, goal in enumerate(commodities.destination.tolist()):
            legs = []
            if network.node_hub[node] == goal:
                legs.append((prices.sort[node] + commodities.late_price[g, network.node_turn[node]], FINISH))
            else:
                legs += [
                    (prices.sort[node] + prices.arc[r] + label[network.arc_head[r], g], r)
                    for r in range(network.arcs)
                    if network.arc_tail[r] == node
                ]
            if network.after[node] >= 0:
                legs.append((prices.hold[node] + label[network.after[node], g], HOLD))
            expected = [leg for price, leg in sorted(legs) if np.isfinite(price)][:3]
            assert candidates[node, g].tolist() == expected + [NO_PATH] * (3 - len(expected))


def test_relaxation_samples_start_trees() -> None:
    network = build_network(random_network(3, hubs=4, days=2), TrunkOptions())
    relaxed = relax_network(network, steps=20, seed=1, deadline=Deadline(60.0))
    commodities = list_commodities(network)
    served = np.flatnonzero(
        (relaxed.samples[0][network.demand_start, commodities.of_demand] != NO_PATH) & (network.demand_parcels > 0)
    )
    trees = start_trees(network, relaxed.samples[:1], truck=50.0, served=served, generator=np.random.default_rng(1))
    assert sum_parcels(trees) == network.demand_parcels[served].sum()
