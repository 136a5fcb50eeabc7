"""The bound of a joint plan: what its prices prove, below every plan, and the same by the code of the planner and of the checker."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from data.contracts import TABLES, contract
from routing.budget import Deadline
from routing.checker.bound import Costs
from routing.checker.joint_bound import JointTerms, check_joint_bound
from routing.checker.playback.clock import ClockRules
from routing.checker.stock_cost import StockTerms
from routing.joint.plan import plan_joint
from routing.joint.proof import prove
from routing.joint.solution import JointInputs, JointSolution, solve
from routing.stock.options import StockOptions
from routing.stock.task import read_task
from routing.trunk.task.build_network import build_network
from routing.trunk.task.inputs import TrunkInputs
from tests.routing.stock_cases import AS_OF
from tests.routing.test_joint_plan import FIRST, STOCK, TRUNK, make_inputs


def solve_parts(inputs: JointInputs, options: StockOptions = STOCK) -> JointSolution:
    network = build_network(TrunkInputs.gather(inputs.trunk), replace(TRUNK, short_cost=10_000.0))
    return solve(network, read_task(inputs.stock, options), inputs, options, Deadline(60.0))


@pytest.mark.parametrize("capacity", [None, 450, 380])
def test_the_prices_of_the_programme_prove_its_value(capacity: int | None) -> None:
    inputs = make_inputs(sort_capacity=capacity)
    found = solve_parts(inputs, replace(STOCK, service_level=0.5))  # nothing for safety
    assert found.proof is not None
    assert found.proof.bound == pytest.approx(found.answers["joint"].value, rel=1e-6)
    safe = solve_parts(inputs)
    assert safe.proof is not None
    assert safe.proof.bound <= safe.answers["joint"].value  # what safety costs is left out of the proof


def test_any_prices_prove_no_more_than_the_programme_is_worth() -> None:
    found = solve_parts(make_inputs(sort_capacity=450))
    random = np.random.default_rng(5)
    duals = found.answers["joint"].duals
    for scale in (0.0, 0.5, 2.0):
        noise = random.normal(0.0, 3.0, len(duals))
        proof = prove(found.model, found.task, scale * duals + noise, 10_000.0)
        assert proof.bound <= found.answers["joint"].value + 1e-6


def check(inputs: JointInputs, options: StockOptions) -> tuple[float | None, float, list[str]]:
    """What the checker adds up, what the certificate says, and the rules it finds broken."""
    found = plan_joint(inputs, options, TRUNK)
    given = {
        name: contract(name).conform(frame)
        for name, frame in {**inputs.stock, **inputs.trunk}.items()
        if name in TABLES and name != "route_demand"
    }
    empty = {
        name: contract(name).empty() for name in ("lane_vehicles", "network_changes", "categories", "items", "stock")
    }
    tables = {
        **empty, **given, "merchant_forecasts": inputs.stock["merchant_forecasts"], "sourcing_today": inputs.sourcing,
        **found.trunk.tables(), "route_demand": found.whole.demand, "sourcing": found.whole.sourcing,
        "stock_allocations": found.whole.allocations, "plan_certificates": found.certificates, "bound_prices": found.bound_prices,
    }  # fmt: skip
    terms = JointTerms(
        stock=StockTerms(options.day_cost, options.putaway_days),
        costs=Costs(TRUNK.hold_cost, TRUNK.short_cost, 0.0),
        rules=ClockRules(),
        co2_price=0.0,
        first=found.first,
        last=found.last,
        as_of=found.as_of,
    )
    bound, violations = check_joint_bound(tables, terms)
    row = found.certificates.row(by_predicate=pl.col("plan") == "joint", named=True)
    return bound, row["priced_bound"], [violation.rule for violation in violations]


def dispatch_little(inputs: JointInputs) -> JointInputs:
    sites = inputs.stock["warehouses"].with_columns(dispatch_capacity=pl.lit(20))
    return replace(inputs, stock={**inputs.stock, "warehouses": sites})


def count_some(inputs: JointInputs) -> JointInputs:
    row = {
        "merchant_id": "M1", "category": inputs.stock["merchant_forecasts"]["category"][0], "warehouse_id": "WS", "units": 30, "as_of": AS_OF,
    }  # fmt: skip
    return replace(inputs, stock={**inputs.stock, "stock": contract("stock").conform(pl.DataFrame([row]))})


LATE = replace(STOCK, as_of=date(2025, 10, 29), last=FIRST + timedelta(days=1))
CASES = {
    "roomy": (make_inputs(), STOCK),
    "short": (make_inputs(sort_capacity=450), STOCK),
    "shorter": (make_inputs(sort_capacity=350), STOCK),
    "small warehouse": (make_inputs(sort_capacity=450, warehouse_room=60), STOCK),
    "little dispatch": (dispatch_little(make_inputs(sort_capacity=450)), STOCK),
    "some there, the rest late": (count_some(make_inputs(sort_capacity=450)), LATE),
}


@pytest.mark.parametrize("name", CASES)
def test_planner_and_checker_add_up_the_same_bound(name: str) -> None:
    bound, told, rules = check(*CASES[name])
    assert bound == pytest.approx(told, rel=1e-6, abs=0.05)
    assert rules == []
