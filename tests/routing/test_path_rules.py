"""Paths planners accept: which they are, that plans keep to them, what is told of the others, and what the checker finds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from routing.checker.playback.clock import ClockRules
from routing.checker.trunk import check_trunk
from routing.trunk.plan import TrunkPlan, plan_trunk
from routing.trunk.task.build_network import build_network
from routing.trunk.task.inputs import TrunkInputs, TrunkOptions
from routing.trunk.task.paths import PathPool, mark_accepted
from tests.routing.networks import as_tables, make_inputs
from tests.routing.random_networks import random_network

BOUNDS: dict[str, Any] = {"max_legs": 2, "max_detour_ratio": 2.0, "max_detour_km": 50.0}
OPTIONS = TrunkOptions(hold_cost=0.1, short_cost=50.0, effort=0.05, **BOUNDS)
FREE = replace(OPTIONS, max_legs=None, max_detour_ratio=None, max_detour_km=None)
RULES = ClockRules(**BOUNDS)
# a path that breaks each rule
MUTATIONS = {"path.hub_twice": ["A-B", "B-A", "A-D"], "path.legs": ["A-B", "B-A", "A-D"], "path.detour": ["A-C", "C-D"]}
TRUCK = {"vehicle_type_id": "truck", "capacity": 100, "fixed_cost": 10.0}
DEAR = {"vehicle_type_id": "dear", "capacity": 100, "fixed_cost": 200.0, "mode": "air"}


def _lane(ends: str, km: float, **values: Any) -> dict[str, Any]:
    return {"origin_hub_id": ends[0], "destination_hub_id": ends[1], "distance_km": km, "transit_hours": 0.0} | values


def _tables(inputs: TrunkInputs, plan: TrunkPlan) -> dict[str, pl.DataFrame]:
    return {**as_tables(inputs), **plan.tables()}


def _rules(tables: dict[str, pl.DataFrame], rules: ClockRules = RULES) -> set[str]:
    found = check_trunk(tables, hold_cost=0.1, short_cost=50.0, late_cost=1.0, rules=rules).violations
    return {violation.rule for violation in found}


def _round(*lanes: dict[str, Any], kinds: tuple[dict[str, Any], ...] = (TRUCK,)) -> TrunkInputs:
    return make_inputs([{"hub_id": name} for name in "ABCD"], lanes, kinds, [(0, "A", "D", 80)])


@pytest.mark.parametrize(
    ("lanes", "accepted"),
    [
        (["A-B", "B-D"], True),
        (["A-B", "B-A", "A-D"], False),  # A twice, and three legs
        (["A-C", "C-D"], False),  # 300 km where 100 are direct: at most 200
        (["A-D"], True),
        (["A-B", "B-A"], False),
    ],
)
def test_a_path_is_accepted_by_its_legs_hubs_and_kilometres(lanes: list[str], accepted: bool) -> None:
    inputs = _round(
        _lane("AB", 90), _lane("BA", 90), _lane("BD", 90), _lane("AC", 150), _lane("CD", 150), _lane("AD", 100)
    )
    network = build_network(inputs, OPTIONS)
    legs: list[int] = []
    node = int(network.demand_node()[0])
    for name in lanes:
        legs.append(int(network.arc_of[network.lane_ids.index(name), 0]))
        node = int(network.arc_head[legs[-1]])
    pool = PathPool(np.array([0]), np.array([0, len(legs)]), np.array(legs))
    assert node >= 0
    assert mark_accepted(network, pool).tolist() == [accepted]
    assert mark_accepted(build_network(inputs, FREE), pool).tolist() == [True]


def test_a_dearer_path_is_taken_where_the_cheap_one_is_no_path_planners_accept() -> None:
    # three cheap legs, or one dear flight
    lanes = [_lane("AB", 40), _lane("BC", 40), _lane("CD", 40), _lane("AD", 100, mode="air")]
    inputs = _round(*lanes, kinds=(TRUCK, DEAR))
    free, bound = plan_trunk(inputs, FREE), plan_trunk(inputs, OPTIONS)
    assert free.cost == pytest.approx(30.0)
    assert bound.cost == pytest.approx(200.0)
    assert bound.trunk_flows["path"].to_list() == [["A-D"]]
    assert _rules(_tables(inputs, bound)) == set()
    assert _rules(_tables(inputs, free)) >= {"path.legs"}
    assert _rules(_tables(inputs, free), ClockRules()) == set()


def test_what_only_a_refused_path_could_carry_is_told_as_such() -> None:
    inputs = _round(_lane("AB", 40), _lane("BC", 40), _lane("CD", 40))
    plan = plan_trunk(inputs, OPTIONS)
    row = plan.shortfalls.row(0, named=True)
    assert (row["parcels"], row["binding"]) == (80, None)
    assert row["reason"] == "only a path no planner accepts: A-B, B-C, C-D"
    assert "plan.max_legs" in row["cheapest_fix"]


@pytest.mark.parametrize(("seed", "share"), [(1, 0.0), (2, 0.0), (3, 0.5)])
def test_random_plans_keep_to_the_paths_accepted(seed: int, share: float) -> None:
    inputs = random_network(seed, hubs=4, days=2, scale=1.0)
    plan = plan_trunk(inputs, replace(OPTIONS, effort=0.01, proof_share=share))
    assert _rules(_tables(inputs, plan)) == set()
    assert plan.trunk_flows["path"].list.len().max() in (0, 1, 2)
    assert plan.lower_bound <= plan.cost + 1e-6


@pytest.mark.parametrize("rule", MUTATIONS)
def test_each_rule_is_found_by_the_checker(rule: str) -> None:
    lanes = [_lane("AB", 40), _lane("BA", 40), _lane("BD", 40), _lane("AD", 60), _lane("AC", 150), _lane("CD", 150)]
    inputs = _round(*lanes)
    tables = _tables(inputs, plan_trunk(inputs, OPTIONS))
    flows, path = tables["trunk_flows"], MUTATIONS[rule]
    days = [flows["date"][0]] * len(path)
    other = flows.with_columns(path=pl.Series([path] * flows.height), departure_dates=pl.Series([days] * flows.height))
    assert rule not in _rules(tables)
    assert rule in _rules({**tables, "trunk_flows": other})
