"""The bound of a joint plan: what its prices prove, below every plan, and the same by the code of the planner and of the checker."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
from routing.joint.solution import JointInputs, JointSolution, SolveRules, solve
from routing.stock.options import StockOptions
from routing.stock.task import read_task
from routing.trunk.task.build_network import build_network
from routing.trunk.task.inputs import TrunkInputs
from tests.routing.stock_cases import AS_OF
from tests.routing.test_joint_plan import FIRST, STOCK, TRUNK, make_inputs


def solve_parts(inputs: JointInputs, options: StockOptions = STOCK, rules: SolveRules | None = None) -> JointSolution:
    network = build_network(TrunkInputs.gather(inputs.trunk), replace(TRUNK, short_cost=10_000.0))
    return solve(network, read_task(inputs.stock, options), inputs, options, Deadline(60.0), rules=rules)


@pytest.mark.parametrize("capacity", [None, 450, 380])
def test_the_prices_of_the_programme_prove_its_value(capacity: int | None) -> None:
    inputs = make_inputs(sort_capacity=capacity)
    found = solve_parts(inputs, replace(STOCK, service_level=0.5))  # nothing for safety
    assert found.proof is not None
    assert found.proof.bound == pytest.approx(found.answers["joint"].value, rel=1e-6)
    safe = solve_parts(inputs)
    assert safe.proof is not None
    assert safe.proof.bound <= safe.answers["joint"].value  # what safety costs is left out of the proof


@pytest.mark.parametrize("capacity", [None, 450, 380])
def test_the_prices_of_rounds_prove_no_less_than_the_rounds_told(capacity: int | None) -> None:
    bare = replace(STOCK, service_level=0.5)  # nothing for safety
    found = solve_parts(make_inputs(sort_capacity=capacity), bare, SolveRules(most_columns=0))
    value = solve_parts(make_inputs(sort_capacity=capacity), bare).answers["joint"].value
    assert found.proof is not None
    assert found.bound * (1 - 1e-6) <= found.proof.bound <= value * (1 + 1e-6)


def test_any_prices_prove_no_more_than_the_programme_is_worth() -> None:
    found = solve_parts(make_inputs(sort_capacity=450))
    random = np.random.default_rng(5)
    duals = found.answers["joint"].duals
    for scale in (0.0, 0.5, 2.0):
        noise = random.normal(0.0, 3.0, len(duals))
        proof = prove(found.model, found.task, scale * duals + noise, 10_000.0)
        assert proof.bound <= found.answers["joint"].value + 1e-6


@dataclass(frozen=True)
class Kept:
    """A joint plan's tables as the checker reads them, and what the plan was told besides."""

    tables: dict[str, pl.DataFrame]
    terms: JointTerms

    @property
    def told(self) -> float:
        """What the certificate says the prices prove [CNY]."""
        told: float = self.tables["plan_certificates"].row(by_predicate=pl.col("plan") == "joint", named=True)[
            "priced_bound"
        ]
        return told

    def check(self, **changed: pl.DataFrame) -> tuple[float, list[str]]:
        """What the checker adds up, and the rules it finds broken."""
        bound, violations = check_joint_bound({**self.tables, **changed}, self.terms)
        assert bound is not None
        return bound, [violation.rule for violation in violations]


def keep(inputs: JointInputs, options: StockOptions) -> Kept:
    """Plan, and keep the tables."""
    found = plan_joint(inputs, options, TRUNK)
    given = {
        name: contract(name).conform(frame)
        for name, frame in {**inputs.stock, **inputs.trunk}.items()
        if name in TABLES and name not in ("route_demand", "merchant_forecasts")
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
    return Kept(tables, terms)


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
    kept = keep(*CASES[name])
    bound, rules = kept.check()
    assert bound == pytest.approx(kept.told, rel=1e-6, abs=0.05)
    assert rules == []


@pytest.fixture(scope="module")
def short() -> Kept:
    """Nothing is kept for safety, so that the prices prove as much as any do."""
    return keep(make_inputs(sort_capacity=430), replace(STOCK, service_level=0.5))


def price(kept: Kept, kind: str, to: pl.Expr) -> pl.DataFrame:
    """The kept prices with those of a kind of the joint plan changed."""
    of_kind = (pl.col("plan") == "joint") & (pl.col("kind") == kind)
    prices = kept.tables["bound_prices"]
    assert prices.filter(of_kind).height
    return prices.with_columns(price=pl.when(of_kind).then(to).otherwise("price"))


@pytest.mark.parametrize("kind", ["sort", "stock"])
@pytest.mark.parametrize("factor", [0.0, 10.0])
def test_prices_changed_after_the_plan_prove_less_than_it_says(short: Kept, kind: str, factor: float) -> None:
    bound, rules = short.check(bound_prices=price(short, kind, factor * pl.col("price")))
    assert bound < short.told - 1.0
    assert rules == ["certificate.bound"]


@pytest.mark.parametrize("wrong", [-1.0, float("nan")])
def test_a_price_below_nothing_or_no_number_is_found_and_proves_nothing(short: Kept, wrong: float) -> None:
    _, rules = short.check(bound_prices=price(short, "stock", pl.lit(wrong)))
    assert "bound_prices.row" in rules
    _, rules = short.check(bound_prices=price(short, "sort", pl.lit(wrong)))
    assert rules.count("bound_prices.row") == 2  # the hub on either day


def test_less_demand_than_was_planned_for_proves_less(short: Kept) -> None:
    fewer = short.tables["route_demand"].with_columns(base=pl.col("base") // 2)
    bound, rules = short.check(route_demand=fewer)
    assert bound < short.told
    assert rules == ["certificate.bound"]


def test_more_orders_that_may_move_prove_less(short: Kept) -> None:
    more = short.tables["merchant_forecasts"].with_columns(mean=2.0 * pl.col("mean"))
    bound, rules = short.check(merchant_forecasts=more)
    assert bound < short.told
    assert rules == ["certificate.bound"]


def test_a_larger_hub_or_a_cheaper_truck_than_was_planned_with_proves_less(short: Kept) -> None:
    hubs = short.tables["hubs"].with_columns(sort_capacity=2 * pl.col("sort_capacity"))
    assert short.check(hubs=hubs)[1] == ["certificate.bound"]
    types = short.tables["vehicle_types"].with_columns(fixed_cost=0.5 * pl.col("fixed_cost"))
    assert short.check(vehicle_types=types)[1] == ["certificate.bound"]


@pytest.mark.parametrize("more", [2.0, 1e6])
def test_a_bound_told_too_high_is_found_and_one_told_lower_is_not(short: Kept, more: float) -> None:
    def tell(amount: float) -> pl.DataFrame:
        joint = pl.col("plan") == "joint"
        told = pl.when(joint).then(pl.col("priced_bound") + amount).otherwise("priced_bound")
        return short.tables["plan_certificates"].with_columns(priced_bound=told)

    assert short.check(plan_certificates=tell(more))[1] == ["certificate.bound"]
    assert short.check(plan_certificates=tell(-more))[1] == []
