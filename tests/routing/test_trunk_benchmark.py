"""The benchmark of the trunk plan: its peers plan the same task, its page says met or missed."""

from __future__ import annotations

import pytest

from benchmarks.trunk.linehaul import make_linehaul
from benchmarks.trunk.page import Section, judge, write_page
from benchmarks.trunk.peers import WAYS, plan_peer
from routing.budget import Deadline
from routing.checker.trunk import check_trunk
from routing.trunk.search.find_plan import find_bound
from routing.trunk.task.build_network import build_network
from routing.trunk.task.inputs import TrunkOptions
from tests.routing.networks import as_tables, make_inputs

OPTIONS = TrunkOptions(short_cost=100.0, effort=0.0833)
TRUCK = {"vehicle_type_id": "truck", "capacity": 100, "fixed_cost": 10.0}


@pytest.mark.parametrize("way", sorted(WAYS))
def test_every_peer_solves_two_demands(way: str) -> None:
    # together 170 parcels to B and 50 on to C take three trucks: 30; each lane alone opens A-C as well: 40
    lanes = [{"origin_hub_id": a, "destination_hub_id": b} for a, b in ("AB", "BC", "AC")]
    demand = [(0, "A", "B", 150), (0, "A", "C", 30), (0, "B", "C", 20)]
    inputs = make_inputs([{"hub_id": name} for name in "ABC"], lanes, [TRUCK], demand)
    plan, bound = plan_peer(build_network(inputs, OPTIONS), way, OPTIONS, 20.0)
    assert plan is not None
    tables = {**as_tables(inputs), **plan.tables()}
    check = check_trunk(tables, hold_cost=OPTIONS.hold_cost, short_cost=OPTIONS.short_cost)
    assert [violation.text for violation in check.violations] == []
    assert plan.cost == pytest.approx(40.0 if way in ("alone", "rounded") else 30.0)
    assert bound <= 30.0 + 1e-6


def test_peers_that_look_at_lanes_alone_go_over_limits() -> None:
    inputs = make_linehaul(12, 7.5, 1)
    network = build_network(inputs, OPTIONS)
    plan, _ = plan_peer(network, "alone", OPTIONS, 10.0)
    assert plan is not None
    tables = {**as_tables(inputs), **plan.tables()}
    check = check_trunk(tables, hold_cost=OPTIONS.hold_cost, short_cost=OPTIONS.short_cost)
    assert "hub.sort_capacity" in {violation.rule for violation in check.violations}
    relaxed = find_bound(network, OPTIONS, Deadline(10.0))
    rounded, bound = plan_peer(network, "rounded", OPTIONS, 30.0)
    assert rounded is not None
    assert relaxed.bound <= bound * (1 + 1e-3)
    assert bound <= rounded.cost


def test_page_tells_aims_and_tables() -> None:
    section = Section("Part", "A note.", [("gap", "1.2%", "1 %", judge(False))], [("Rows", ("a", "b"), [["x", "1"]])])
    page = write_page("a machine", [section])
    assert "| gap | 1.2% | 1 % | **missed** |" in page
    assert "| x | 1 |" in page
    assert page.index("## Aims") < page.index("## Part")
