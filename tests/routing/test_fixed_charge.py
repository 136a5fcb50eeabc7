"""Opening arcs: the bound of columns and forcing rows, the paths it prices, capacity scaling and neighbourhoods."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog

from routing.budget import Deadline
from routing.checker.trunk import check_trunk
from routing.trunk.bound.commodity_paths import Surcharges, find_paths
from routing.trunk.bound.dual_ascent import lift_bound
from routing.trunk.bound.lagrangian import price_arcs, price_departures, raise_bound, zero_prices
from routing.trunk.bound.path_formulation import ColumnRowModel
from routing.trunk.plan import plan_trunk, write_plan
from routing.trunk.search.draft import empty_draft
from routing.trunk.search.find_plan import find_bound
from routing.trunk.search.fixed_charge import is_fixed_charge, plan_fixed_charge
from routing.trunk.search.placed_vehicles import place_own
from routing.trunk.task.build_network import build_network
from routing.trunk.task.commodities import list_commodities
from routing.trunk.task.inputs import TrunkInputs, TrunkOptions
from routing.trunk.task.network import TrunkNetwork
from routing.trunk.task.records import ParcelPrices
from routing.trunk.task.shortest_paths import label_paths
from tests.routing.networks import as_tables, make_inputs
from tests.routing.random_networks import random_network

OPTIONS = TrunkOptions(short_cost=500.0, effort=0.05)
LITTLE = replace(OPTIONS, effort=0.01)  # one neighbourhood
TRUCK = {"vehicle_type_id": "truck", "capacity": 100, "fixed_cost": 10.0}


def _climb(network: TrunkNetwork) -> tuple[ColumnRowModel, float]:
    model = ColumnRowModel(network)
    model.start(price_arcs(network, price_departures(network, zero_prices(network)))[0])
    bound, deadline = -np.inf, Deadline(60.0)
    for _ in range(200):
        answer = model.advance(deadline)
        assert answer is not None
        assert answer.certificate is not None
        bound = max(bound, answer.certificate.bound)
        if answer.settled:
            return model, bound
    raise AssertionError("the relaxation does not settle")


def _open_or_not(seed: int, hubs: int = 5, lanes: int = 9, demands: int = 4) -> TrunkInputs:
    """Lanes that one vehicle may run once, each with its own capacity and price."""
    random = np.random.default_rng(seed)
    names = [f"H{n}" for n in range(hubs)]
    pairs = [(a, b) for a in names for b in names if a != b]
    ring = [(names[i], names[(i + 1) % hubs]) for i in range(hubs)]
    more = [pairs[i] for i in random.permutation(len(pairs)) if pairs[i] not in ring][: lanes - hubs]
    rows: list[dict[str, Any]] = []
    special: list[dict[str, Any]] = []
    for a, b in ring + more:
        rows.append(
            {"origin_hub_id": a, "destination_hub_id": b, "parcel_cost": round(float(random.uniform(0.1, 2.0)), 2)}
        )
        special.append(
            {
                "lane_id": f"{a}-{b}",
                "vehicle_type_id": "truck",
                "capacity": int(random.integers(40, 200)),
                "departure_cost": round(float(random.uniform(20, 300)), 2),
                "departure_limit": 1,
            }
        )
    picked = random.permutation(len(pairs))[:demands]
    asked = [(0, *pairs[i], int(random.integers(5, 60))) for i in picked]
    return make_inputs([{"hub_id": name} for name in names], rows, [TRUCK], asked, lane_vehicles=special)


def _enumerate(network: TrunkNetwork) -> float:
    """Least cost over every set of open lanes, the flows of each by a linear programme over arcs and demands."""
    demands, arcs, hubs = len(network.demand_parcels), network.arcs, network.hubs
    balance = np.zeros((demands * hubs, demands * arcs + demands))
    supply = np.zeros(demands * hubs)
    for k in range(demands):
        for r in range(arcs):
            balance[k * hubs + network.arc_tail[r], k * arcs + r] += 1.0
            balance[k * hubs + network.arc_head[r], k * arcs + r] -= 1.0
        short = demands * arcs + k
        balance[k * hubs + network.demand_origin[k], short] = 1.0
        balance[k * hubs + network.demand_destination[k], short] = -1.0
        supply[k * hubs + network.demand_origin[k]] = network.demand_parcels[k]
        supply[k * hubs + network.demand_destination[k]] = -network.demand_parcels[k]
    room = np.hstack([np.tile(np.eye(arcs), demands), np.zeros((arcs, demands))])
    cost = np.concatenate([np.tile(network.arc_cost, demands), np.full(demands, network.short_cost)])
    option = np.searchsorted(network.vehicle_lane, network.arc_lane)
    capacity, price = network.vehicle_capacity[option], network.vehicle_cost[option]
    best = np.inf
    for opened in itertools.product((0.0, 1.0), repeat=arcs):
        paid = float(price @ np.array(opened))
        if paid < best:
            found = linprog(cost, room, capacity * np.array(opened), balance, supply)
            best = min(best, paid + float(found.fun))
    return best


def test_a_lane_not_filled_is_paid_whole_in_the_strong_bound() -> None:
    # 30 of 100 parcels: a plain relaxation pays 3, every plan pays the truck's 10
    hubs, lane = [{"hub_id": "A"}, {"hub_id": "B"}], {"origin_hub_id": "A", "destination_hub_id": "B"}
    network = build_network(make_inputs(hubs, [lane], [TRUCK], [(0, "A", "B", 30)]), OPTIONS)
    assert find_bound(network, OPTIONS, Deadline(60.0)).bound == pytest.approx(3.0)
    assert _climb(network)[1] == pytest.approx(10.0)
    relaxed = find_bound(network, OPTIONS, Deadline(60.0))
    assert lift_bound(network, relaxed, Deadline(60.0)).bound == pytest.approx(
        3.0
    )  # filled to three tenths: left as it is
    few = build_network(make_inputs(hubs, [lane], [TRUCK], [(0, "A", "B", 5)]), OPTIONS)
    assert lift_bound(few, find_bound(few, OPTIONS, Deadline(60.0)), Deadline(5.0)).bound == pytest.approx(10.0)


def test_two_who_share_a_truck_pay_it_once_in_the_ascent() -> None:
    # from A and B over C to D: the truck C-D is paid by both together, 10 + 10 + 10
    hubs = [{"hub_id": name} for name in "ABCD"]
    lanes = [{"origin_hub_id": a, "destination_hub_id": b} for a, b in ("AC", "BC", "CD")]
    network = build_network(make_inputs(hubs, lanes, [TRUCK], [(0, "A", "D", 4), (0, "B", "D", 6)]), OPTIONS)
    lifted = lift_bound(network, find_bound(network, OPTIONS, Deadline(60.0)), Deadline(5.0)).bound
    assert lifted == pytest.approx(30.0)


@pytest.mark.parametrize("seed", range(6))
def test_paths_of_demands_cost_what_labels_say(seed: int) -> None:
    network = build_network(random_network(seed), OPTIONS)
    random = np.random.default_rng(seed)
    arc_price = random.uniform(0, 5, network.arcs)
    sort_price = np.where(network.sort_capacity > 0, random.uniform(0, 2, network.nodes), np.inf)
    hold_price = np.where(network.can_hold(), random.uniform(0, 1, network.nodes), np.inf)
    due = network.demand_day + random.integers(0, 3, len(network.demand_day))
    network = replace(network, demand_due=due, late_cost=float(random.integers(0, 2)) * 3.0)
    commodities = list_commodities(network)
    commodity = commodities.of_demand
    prices = ParcelPrices(arc_price, sort_price, hold_price)
    label = label_paths(network, prices, commodities).price
    none = Surcharges(np.zeros(len(commodity) + 1, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0))
    found, pointers, legs = find_paths(network, prices, none)
    assert found == pytest.approx(label[network.demand_node(), commodity])
    # a surcharge on the first arc of a path is paid, or the path avoids it
    some = np.flatnonzero(np.isfinite(found) & (np.diff(pointers) > 0))
    first = np.array([legs[pointers[k]] for k in some])
    on_arc = first < network.arcs
    surcharged = np.zeros(len(commodity) + 1, dtype=np.int64)
    surcharged[1:] = np.cumsum(np.isin(np.arange(len(commodity)), some[on_arc]))
    dearer, _, _ = find_paths(network, prices, Surcharges(surcharged, first[on_arc], np.full(int(on_arc.sum()), 1.5)))
    assert (dearer[some[on_arc]] >= found[some[on_arc]]).all()
    assert (dearer[some[on_arc]] <= found[some[on_arc]] + 1.5 + 1e-9).all()


@pytest.mark.parametrize("seed", range(5))
def test_open_or_not_equals_enumeration(seed: int) -> None:
    inputs = _open_or_not(seed)
    network = build_network(inputs, OPTIONS)
    best = _enumerate(network)
    model, bound = _climb(network)
    assert bound <= best + 1e-6
    assert bound >= find_bound(network, OPTIONS, Deadline(60.0)).bound - 1e-6
    relaxed = find_bound(network, OPTIONS, Deadline(60.0))
    assert relaxed.bound <= lift_bound(network, relaxed, Deadline(60.0)).bound <= best + 1e-6
    assert len(model.forced) > 0
    plan = plan_trunk(inputs, OPTIONS)
    assert plan.cost == pytest.approx(best, abs=0.01)
    assert plan.lower_bound == pytest.approx(best, rel=1e-6)


@pytest.mark.parametrize(
    ("seed", "scale", "asked"),
    [(0, 0.2, replace(LITTLE, proof_share=0.0)), (2, 1.0, LITTLE), (9, 0.2, LITTLE), (22, 0.2, LITTLE)],
)
def test_plans_under_every_limit_break_no_rule_and_keep_above_the_bound(
    seed: int, scale: float, asked: TrunkOptions
) -> None:
    inputs = random_network(seed, hubs=5, days=2, scale=scale)
    network = build_network(inputs, LITTLE)
    relaxed = find_bound(network, LITTLE, Deadline(60.0))
    draft, evidence = plan_fixed_charge(network, relaxed, LITTLE, Deadline(60.0), empty_draft(network))
    bound = evidence.bound
    # the search knows fleets and balance, not where own vehicles stand: the plan is repaired for that before it is written
    draft = place_own(network, draft, Deadline(60.0))
    # the checker adds the bound up from the prices of the strong relaxation, and of the ascent
    plan = write_plan(network, draft, raise_bound(relaxed, bound, evidence), LITTLE, Deadline(60.0))
    check = check_trunk(
        {**as_tables(inputs), **plan.tables()}, hold_cost=LITTLE.hold_cost, short_cost=LITTLE.short_cost
    )
    assert [violation.text for violation in check.violations] == []
    assert check.bound.recomputed == pytest.approx(min(max(bound, 0.0), draft.cost), rel=1e-6)
    assert relaxed.bound <= bound <= draft.cost * (1 + 1e-9)
    known = plan_trunk(inputs, asked)
    assert bound <= known.cost * (1 + 1e-9)
    lifted = lift_bound(network, relaxed, Deadline(60.0))
    assert lifted.bound <= known.cost * (1 + 1e-9)
    raised = write_plan(network, draft, raise_bound(relaxed, lifted.bound, lifted), LITTLE, Deadline(60.0))
    check = check_trunk(
        {**as_tables(inputs), **raised.tables()}, hold_cost=LITTLE.hold_cost, short_cost=LITTLE.short_cost
    )
    assert [violation.text for violation in check.violations] == []
    assert known.lower_bound <= draft.cost * (1 + 1e-9)


def test_many_vehicles_a_lane_are_left_to_the_search() -> None:
    hubs, lane = [{"hub_id": "A"}, {"hub_id": "B"}], {"origin_hub_id": "A", "destination_hub_id": "B"}
    verdict = {}
    for parcels in (150, 5000):
        network = build_network(make_inputs(hubs, [lane], [TRUCK], [(0, "A", "B", parcels)]), OPTIONS)
        verdict[parcels] = is_fixed_charge(network, find_bound(network, OPTIONS, Deadline(60.0)))
    assert verdict == {150: True, 5000: False}
