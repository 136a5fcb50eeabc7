"""The programme over paths, its bound, what it proves short, and the plan made of it; small ones reckoned by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from data.contracts import contract
from routing.budget import Deadline
from routing.checker.playback.clock import ClockRules
from routing.checker.proven_short import count_short_by_prices
from routing.checker.trunk import prepare
from routing.trunk.bound.column_generation import bound_carrying, generate_columns, prove_short
from routing.trunk.bound.lagrangian import BoundCertificate, Relaxation, prove_bound, zero_prices
from routing.trunk.bound.path_programme import PROGRAMME, PathAnswer, solve_paths
from routing.trunk.bound.subgradient import relax_network
from routing.trunk.plan import plan_trunk
from routing.trunk.search.column_plan import carry_columns
from routing.trunk.search.draft import Draft, empty_draft
from routing.trunk.task.build_network import build_network
from routing.trunk.task.inputs import TrunkInputs
from routing.trunk.task.network import TrunkNetwork
from routing.trunk.task.paths import PathPool, gather_pool
from tests.routing.networks import make_inputs
from tests.routing.random_networks import random_network
from tests.routing.test_forced_shortfall import OPTIONS, TRUCK, in_two_sorts, rules_of, tables_of


def _one_gate() -> TrunkInputs:
    """All from A and B passes X, which sorts 60 a day and keeps none; 50 and 40 on one day, 30 from B on the next."""
    hubs: list[dict[str, Any]] = [{"hub_id": name, "buffer_capacity": 0} for name in "AB"]
    hubs += [{"hub_id": "X", "sort_capacity": 60, "buffer_capacity": 0}, {"hub_id": "C"}]
    lanes = [{"origin_hub_id": a, "destination_hub_id": b} for a, b in ("AX", "BX", "XC")]
    return make_inputs(hubs, lanes, [TRUCK], [(0, "A", "C", 50), (0, "B", "C", 40), (1, "B", "C", 30)])


def _relax(network: TrunkNetwork) -> Relaxation:
    return relax_network(network, steps=20, seed=0, deadline=Deadline(60.0))


def _generate(network: TrunkNetwork, relaxed: Relaxation) -> tuple[BoundCertificate, PathPool]:
    found = generate_columns(network, relaxed, gather_pool(network, relaxed.samples), Deadline(60.0))
    assert found is not None
    return found


def _solve(network: TrunkNetwork, pool: PathPool) -> PathAnswer:
    answer = solve_paths(network, pool, Deadline(60.0))
    assert answer is not None
    return answer


def test_a_gate_between_hubs_is_proven_by_prices_where_no_hub_of_origin_is_full() -> None:
    network = build_network(_one_gate(), OPTIONS)
    relaxed = _relax(network)
    certificate, pool = _generate(network, relaxed)
    # 60 of 90 pass on the first day, 30 of 30 on the second: trucks' room at .1, no handling
    assert certificate.bound == pytest.approx(30 * 50.0 + 90 * 2 * 0.1)
    assert prove_bound(network, certificate.prices) == pytest.approx(certificate.bound)
    # prices are 50 - .2 of 50, so of the 90 that could be short each counts a little less than one
    assert prove_short(network, certificate.prices) == 29
    assert prove_short(network, zero_prices(network)) == 0
    answer = _solve(network, pool)
    assert answer.objective == pytest.approx(certificate.bound)
    assert answer.parcels.sum() == pytest.approx(90)
    assert answer.worth.max() == pytest.approx(50.0)


@pytest.mark.parametrize(("short", "cost"), [(30, 18.0), (40, 16.0), (119, 0.2)])
def test_what_carrying_costs_is_bounded_beside_a_shortage(short: int, cost: float) -> None:
    network = build_network(_one_gate(), OPTIONS)
    pool = _generate(network, _relax(network))[1]
    carrying = bound_carrying(network, pool, short, Deadline(60.0))
    # two lanes at .1 for each of those carried
    assert carrying is not None
    assert carrying.bound == pytest.approx(cost)
    # with fewer short than 30 there is no plan
    assert bound_carrying(network, pool, 0, Deadline(60.0)) is None


@pytest.mark.parametrize("sorts", [False, True])
def test_a_plan_keeps_the_prices_of_carrying_beside_those_of_its_bound(sorts: bool) -> None:
    inputs = random_network(1, hubs=4, days=2, scale=4.0)
    inputs = in_two_sorts(inputs) if sorts else inputs
    plan = plan_trunk(inputs, OPTIONS)
    told = plan.plan_certificates["carrying_bound"][0]
    assert 0.8 * (plan.cost - 50.0 * plan.short) < told <= plan.cost - 50.0 * plan.short
    tables = tables_of(inputs, plan)
    assert rules_of(tables) == set()
    carrying = pl.col("plan") == "carrying"
    assert plan.bound_prices.filter(carrying).height
    lower = plan.bound_prices.with_columns(price=pl.when(carrying).then(0.5).otherwise(1.0) * pl.col("price"))
    assert rules_of({**tables, "bound_prices": lower}) == {"certificate.bound"}
    below = plan.bound_prices.with_columns(pl.when(carrying).then(-1.0).otherwise(pl.col("price")).alias("price"))
    assert "bound_prices.row" in rules_of({**tables, "bound_prices": below})


def test_a_plan_tells_what_its_prices_prove_short_and_the_checker_counts_it_anew() -> None:
    inputs = _one_gate()
    plan = plan_trunk(inputs, replace(OPTIONS, short_cost=5000.0))
    assert plan.short == 30
    assert plan.plan_certificates["parcels_forced"].to_list() == [29]
    # one more sorted at the gate spares a parcel short, and costs its two lanes
    assert plan.hub_prices["hub_id"].to_list() == ["X"]
    assert plan.hub_prices["price"].to_list() == pytest.approx([5000.0 - 0.2], abs=1.0)
    tables = tables_of(inputs, plan)
    frames = prepare(tables, ClockRules(), 0.0)
    assert count_short_by_prices(frames, plan.plan_certificates, 5000.0, ClockRules()) == 29
    half = frames | {"bound_prices": frames["bound_prices"].with_columns(pl.col("price") / 2)}
    assert count_short_by_prices(half, plan.plan_certificates, 5000.0, ClockRules()) < 29
    assert count_short_by_prices(frames, None, 5000.0, ClockRules()) == 0
    none = frames | {"bound_prices": contract("bound_prices").empty()}
    assert count_short_by_prices(none, plan.plan_certificates, 5000.0, ClockRules()) == 0


@pytest.mark.parametrize("seed", [1, 3])
@pytest.mark.parametrize("sorts", [False, True])
def test_of_random_networks_columns_prove_no_more_than_is_short_and_the_checker_agrees(seed: int, sorts: bool) -> None:
    inputs = random_network(seed, hubs=4, days=2, scale=4.0)
    inputs = in_two_sorts(inputs) if sorts else inputs
    network = build_network(inputs, OPTIONS)
    relaxed = _relax(network)
    certificate, pool = _generate(network, relaxed)
    answer = _solve(network, pool)
    assert relaxed.certificate.bound <= certificate.bound <= answer.objective * (1 + 1e-9)
    assert certificate.bound == pytest.approx(answer.objective, rel=1e-4)
    proven = prove_short(network, certificate.prices)
    plan = plan_trunk(inputs, OPTIONS)
    assert proven <= plan.short
    assert plan.lower_bound <= plan.cost
    assert rules_of(tables_of(inputs, plan)) == set()
    # whatever is proven: one parcel more than all prices and hubs prove is a claim too many
    forced = plan.plan_certificates["parcels_forced"][0]
    assert forced <= plan.short
    if forced:
        more = plan.plan_certificates.with_columns(parcels_forced=pl.lit(plan.short + 1))
        assert "certificate.forced" in rules_of({**tables_of(inputs, plan), "plan_certificates": more})


def _carry(network: TrunkNetwork, draft: Draft) -> tuple[Draft | None, Relaxation]:
    return carry_columns(network, draft, _relax(network), OPTIONS, Deadline(60.0))


def test_a_plan_of_columns_carries_what_a_search_left() -> None:
    network = build_network(_one_gate(), OPTIONS)
    rival, relaxed = _carry(network, empty_draft(network))
    assert rival is not None
    assert rival.flows.short(network).sum() == 30
    assert (rival.loads.sorts <= network.sort_capacity).all()
    assert (rival.loads.arcs <= rival.vehicles.room).all()
    assert relaxed.certificate.bound == pytest.approx(30 * 50.0 + 18.0)
    # what is carried already leaves nothing to prove or to carry
    alone = build_network(replace(_one_gate(), route_demand=_one_gate().route_demand.head(1)), OPTIONS)
    whole, _ = _carry(alone, empty_draft(alone))
    assert whole is not None
    assert not whole.flows.short(alone).any()
    assert _carry(alone, whole)[0] is None


def test_a_plan_of_columns_takes_no_path_that_planners_refuse() -> None:
    inputs = _one_gate()
    direct = inputs.lanes.head(1).with_columns(lane_id=pl.lit("A-C"), destination_hub_id=pl.lit("C"), distance_km=900.0)
    inputs = replace(inputs, lanes=pl.concat([inputs.lanes, direct]))
    network = build_network(inputs, replace(OPTIONS, max_legs=1))
    rival, _ = _carry(network, empty_draft(network))
    # those from B have no path of one leg; the direct lane takes those from A, though the gate is nearer
    assert rival is not None
    assert rival.flows.parcels.tolist() == [50]
    assert [network.lane_ids[network.arc_lane[leg]] for leg in rival.flows.pool.legs] == ["A-C"]


def test_what_a_search_leaves_is_carried_by_the_plan_of_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("routing.trunk.steps.search_plan", lambda network, *_: empty_draft(network))
    monkeypatch.setattr(
        "routing.trunk.steps._carry_more", lambda _network, draft, *_: draft
    )  # nor by what comes after it
    monkeypatch.setattr("routing.trunk.steps.is_proven_first", lambda *_: False)
    plan = plan_trunk(_one_gate(), OPTIONS)
    assert plan.short == 30


def test_a_programme_too_large_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    network = build_network(_one_gate(), OPTIONS)
    monkeypatch.setattr("routing.trunk.bound.path_programme.PROGRAMME", replace(PROGRAMME, most_columns=3))
    relaxed = _relax(network)
    assert generate_columns(network, relaxed, gather_pool(network, relaxed.samples), Deadline(60.0)) is None
    rival, same = _carry(network, empty_draft(network))
    assert rival is None
    assert same.bound == relaxed.bound


def test_the_limit_of_a_lane_vehicle_has_the_price_its_departures_earn() -> None:
    """One truck of 100 a day from A, and two small ones of 10; 150 are asked."""
    hubs = [{"hub_id": name, "buffer_capacity": 0} for name in "AC"]
    small = {"vehicle_type_id": "van", "capacity": 10, "fixed_cost": 5.0}
    limits = [
        {"lane_id": "A-C", "vehicle_type_id": "truck", "departure_limit": 1},
        {"lane_id": "A-C", "vehicle_type_id": "van", "departure_limit": 2},
    ]
    lanes = [{"origin_hub_id": "A", "destination_hub_id": "C"}]
    inputs = make_inputs(hubs, lanes, [TRUCK, small], [(0, "A", "C", 150)], lane_vehicles=limits)
    network = build_network(inputs, OPTIONS)
    relaxed = _relax(network)
    certificate, _ = _generate(network, relaxed)
    # 120 go: 10 for the truck and 2 x 5 for the vans; a truck more would carry 30 that are short, but at a part of its cost
    assert certificate.bound == pytest.approx(30 * 50.0 + 10.0 + 10.0)
    first = certificate.prices.vehicle.max(axis=1)
    assert sorted(first.tolist()) == pytest.approx([10 * 50.0 - 5.0, 100 * 50.0 - 10.0])


def test_prices_of_limits_of_lanes_and_own_fleets_are_read() -> None:
    """One lane of at most one truck of 100 a day, another for own vehicles of which there is one."""
    hubs = [{"hub_id": name, "buffer_capacity": 0} for name in "ABC"]
    lanes: list[dict[str, Any]] = [
        {"origin_hub_id": "A", "destination_hub_id": "C", "departure_limit": 1},
        {"origin_hub_id": "B", "destination_hub_id": "C", "mode": "rail"},
        {"origin_hub_id": "C", "destination_hub_id": "B", "mode": "rail"},
    ]
    own = {
        "vehicle_type_id": "train",
        "mode": "rail",
        "ownership": "own",
        "capacity": 40,
        "fixed_cost": 4.0,
        "fleet_size": 1,
    }
    inputs = make_inputs(hubs, lanes, [TRUCK, own], [(0, "A", "C", 130), (0, "B", "C", 70), (1, "B", "C", 70)])
    network = build_network(inputs, OPTIONS)
    relaxed = _relax(network)
    certificate, _ = _generate(network, relaxed)
    prices = certificate.prices
    assert prices.lane.max() > 0
    assert np.abs(prices.potential).max() > 0 or prices.fleet.max() > 0
    plan = plan_trunk(inputs, OPTIONS)
    assert plan.short >= 30 + 30 + 30
    assert prove_short(network, prices) <= plan.short
    assert rules_of(tables_of(inputs, plan)) == set()
