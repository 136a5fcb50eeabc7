"""The joint plan on two hubs a hand can solve: what moves, when it can, what it saves, and its independent check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from data.contracts import contract
from data.errors import RadarError
from routing.budget import Deadline
from routing.checker.joint import check_joint
from routing.checker.stock_cost import NEEDED, StockTerms, recompute_cost
from routing.checker.stock_on_hand import count_on_hand
from routing.joint.plan import JointPlan, plan_joint
from routing.joint.solution import JointInputs, SolveRules, share_as_planned_alone, solve
from routing.stock.options import StockOptions
from routing.stock.task import CUBE, read_task
from routing.trunk.task.build_network import build_network
from routing.trunk.task.inputs import TrunkInputs, TrunkOptions
from tests.routing.stock_cases import AS_OF, stock_tables

Tables = dict[str, pl.DataFrame]
FIRST = date(2025, 11, 1)
STOCK = StockOptions(first=FIRST, last=FIRST + timedelta(days=1), as_of=AS_OF)
TRUNK = TrunkOptions(effort=0.05, short_cost=50.0)


def make_inputs(*, asked: int = 400, sort_capacity: int | None = None, warehouse_room: int = 1000) -> JointInputs:
    """M1 ships from N, 60 parcels a day to either side; N hands in `asked` parcels a day for S and 100 for itself."""
    stock = stock_tables()
    hubs = stock["hubs"].with_columns(sort_capacity=pl.Series([sort_capacity, None], dtype=pl.Int64), buffer_capacity=0)
    stock["hubs"] = hubs
    stock["warehouses"] = stock["warehouses"].with_columns(storage_capacity=pl.lit(warehouse_room))
    days = [FIRST, FIRST + timedelta(days=1)]
    rows = [
        (day, start, end, n) for day in days for start, end, n in (("N", "S", asked), ("N", "N", 100), ("S", "S", 50))
    ]
    demand = pl.DataFrame(rows, schema=["date", "origin_hub_id", "destination_hub_id", "parcels"], orient="row")
    types = stock["vehicle_types"].with_columns(capacity=pl.lit(100), fixed_cost=pl.lit(1000.0))
    # no lane leads back: orders of the north cannot be put off by sending them the long way round
    lanes = stock["lanes"].filter(pl.col("lane_id") == "N-S").with_columns(transit_hours=pl.lit(20.0))
    trunk = {"hubs": hubs, "lanes": lanes, "vehicle_types": types, "route_demand": demand}
    stock |= {"lanes": lanes, "vehicle_types": types}
    return JointInputs(trunk, stock, contract("sourcing").empty())


def plan(inputs: JointInputs, stock: StockOptions = STOCK) -> JointPlan:
    return plan_joint(inputs, stock, TRUNK)


def check_tables(inputs: JointInputs, found: JointPlan) -> Tables:
    return {
        **{name: contract(name).conform(inputs.stock[name]) for name in ("warehouses", "merchants")},
        "stock": contract("stock").conform(inputs.stock["stock"])
        if "stock" in inputs.stock
        else contract("stock").empty(),
        "sourcing_today": inputs.sourcing,
        "stock_allocations": found.whole.allocations,
        "sourcing": found.whole.sourcing,
        "route_demand": found.whole.demand,
        "plan_certificates": found.certificates,
    }


@pytest.fixture(scope="module")
def short() -> tuple[JointInputs, JointPlan]:
    """N can sort 450 of its 500 parcels a day and nothing waits: with nothing ahead 50 a day stay short."""
    inputs = make_inputs(sort_capacity=450)
    return inputs, plan(inputs)


def test_orders_leave_from_where_their_buyers_are_and_nothing_stays_short(short: tuple[JointInputs, JointPlan]) -> None:
    _, found = short
    shorts = {rival.name: round(rival.short) for rival in found.rivals}
    assert shorts == {"joint": 0, "one pass": 100, "nothing ahead": 100}  # alone, goods at 20 a unit do not pay
    assert found.trunk.short == 0
    moved = (
        found.whole.demand.filter(pl.col("destination_hub_id") == "S")
        .group_by("origin_hub_id")
        .agg(pl.col("base", "moved_out", "moved_in").sum())
    )
    # goods fill the same vehicles as parcels, so only what N cannot sort is worth moving: 50 of the 60 orders a day
    assert sorted(moved.rows()) == [("N", 800, 100, 0), ("S", 100, 0, 100)]
    assert found.whole.allocations["warehouse_id"].to_list() == ["WS"]
    # 500 parcels asked of 450, then 450
    told = found.relieved.select("hub_id", pl.col("before", "after").round(3)).rows()
    assert told == [("N", 1.111, 1.0), ("N", 1.111, 1.0)]


def test_sums_over_origins_stay(short: tuple[JointInputs, JointPlan]) -> None:
    inputs, found = short
    keys = ["date", "destination_hub_id"]
    before = inputs.trunk["route_demand"].group_by(keys).agg(pl.col("parcels").sum()).sort(keys)
    assert found.whole.demand.group_by(keys).agg(pl.col("parcels").sum()).sort(keys).equals(before)


def test_bound_is_below_the_cost_and_the_joint_plan_never_behind_its_rivals(
    short: tuple[JointInputs, JointPlan],
) -> None:
    _, found = short
    row = found.certificates.filter(pl.col("plan") == "joint").row(0, named=True)
    assert row["lower_bound"] <= row["cost"] + 0.01
    assert found.rivals[0].short == min(rival.short for rival in found.rivals)
    assert row["cost"] == pytest.approx(found.trunk.cost + found.whole.cost)


def test_goods_that_come_on_the_second_day_serve_from_then_on() -> None:
    # 20 hours are a day on the road, two more to put away: left on 31 October they are sold from 3 November on
    inputs = make_inputs(sort_capacity=450)
    late = replace(STOCK, as_of=date(2025, 10, 29))
    found = plan(inputs, replace(late, putaway_days=2))
    assert found.whole.allocations["sellable_on"].to_list() == [date(2025, 11, 2)]
    by_day = found.whole.demand.group_by("date").agg(pl.col("moved_out").sum()).sort("date")
    assert by_day.rows() == [(FIRST, 0), (FIRST + timedelta(days=1), 50)]
    assert round(found.rivals[0].short) == 50
    assert found.least_short == pytest.approx(50, abs=0.01)
    first = found.whole.sourcing.filter(pl.col("origin_hub_id") == "S")["date_from"].min()
    assert first == FIRST + timedelta(days=1)
    assert check_joint(check_tables(inputs, found)) == []


def test_what_a_merchant_does_not_agree_to_stays() -> None:
    inputs = make_inputs(sort_capacity=450)
    merchants = inputs.stock["merchants"].with_columns(agrees=pl.lit(0.25))
    found = plan(replace(inputs, stock={**inputs.stock, "merchants": merchants}))
    assert found.whole.moved == 30
    assert round(found.rivals[0].short) == 70


def test_orders_sourced_there_already_are_not_moved_twice() -> None:
    inputs = make_inputs(sort_capacity=450)
    row = {
        "merchant_id": "M1",
        "category": "*",
        "region_id": "south",
        "origin_hub_id": "S",
        "share": 1.0,
        "run_id": "load-1",
    }
    sourcing = contract("sourcing").conform(pl.DataFrame([row]))
    demand = inputs.trunk["route_demand"].with_columns(
        parcels=pl.when(pl.col("origin_hub_id") == "S").then(pl.lit(110)).otherwise("parcels")
    )
    found = plan(replace(inputs, sourcing=sourcing, trunk={**inputs.trunk, "route_demand": demand}))
    assert found.whole.moved == 0


def test_merchants_who_sell_more_than_their_routes_carry_are_told() -> None:
    with pytest.raises(RadarError, match="exceed their routes by"):
        plan(make_inputs(asked=10))


def test_rounds_of_route_prices_come_to_the_programme_and_bound_it() -> None:
    inputs = make_inputs(sort_capacity=450)
    network = build_network(TrunkInputs.gather(inputs.trunk), replace(TRUNK, short_cost=10_000.0))
    task = read_task(inputs.stock, STOCK)
    whole = solve(network, task, inputs, STOCK, Deadline(60.0))
    rounds = solve(network, task, inputs, STOCK, Deadline(60.0), rules=SolveRules(most_columns=0))
    value = whole.answers["joint"].value
    assert rounds.answers["joint"].value == pytest.approx(value, rel=1e-3)
    assert rounds.bound <= value * (1 + 1e-9)
    assert rounds.bound == pytest.approx(value, rel=2e-3)


def test_shares_of_a_stock_planned_alone_are_lowered_to_the_rules_they_break() -> None:
    """The stock plan knows no rule of what may leave a day; each is made a third and a half of what its shares take."""
    inputs = make_inputs(sort_capacity=450)
    network = build_network(TrunkInputs.gather(inputs.trunk), replace(TRUNK, short_cost=10_000.0))
    task = read_task(inputs.stock, STOCK)
    model = solve(network, task, inputs, STOCK, Deadline(60.0)).model
    height = model.trunk.matrix.shape[0]
    rules = model.matrix[height:, model.first_share : model.first_brought]
    only = np.asarray(model.matrix[height:, model.first_brought :].getnnz(axis=1)).ravel() == 0
    used = rules @ share_as_planned_alone(model, task, Deadline(60.0))
    taken = np.flatnonzero(only & (used > 0))
    assert taken.size >= 2
    for part in (1 / 3, 1 / 2):
        high = model.high.copy()
        high[height + taken] = part * used[taken]
        lowered = rules @ share_as_planned_alone(replace(model, high=high), task, Deadline(60.0))
        assert (lowered[taken] <= part * used[taken] * (1 + 1e-12)).all()
        assert lowered[taken].sum() > 0


def test_own_vehicles_are_in_the_programme_as_in_its_bound() -> None:
    inputs = make_inputs(sort_capacity=450)
    back = inputs.trunk["lanes"].with_columns(
        lane_id=pl.lit("S-N"),
        origin_hub_id=pl.col("destination_hub_id"),
        destination_hub_id=pl.col("origin_hub_id"),
    )
    own = inputs.trunk["vehicle_types"].with_columns(ownership=pl.lit("own"), fleet_size=pl.lit(20, pl.Int64))
    changed = {"lanes": pl.concat([inputs.trunk["lanes"], back]), "vehicle_types": own}
    inputs = replace(inputs, trunk={**inputs.trunk, **changed}, stock={**inputs.stock, **changed})
    found = plan_joint(inputs, STOCK, replace(TRUNK, short_cost=500.0))
    assert found.certificates.filter(pl.col("plan") == "joint")["parcels_short"].to_list() == [0]
    assert check_joint(check_tables(inputs, found)) == []


def test_plan_repeats_to_the_byte(short: tuple[JointInputs, JointPlan]) -> None:
    inputs, found = short
    again = plan(inputs)
    assert again.whole.allocations.equals(found.whole.allocations)
    assert again.whole.sourcing.equals(found.whole.sourcing)
    assert again.route_prices.equals(found.route_prices)
    assert again.trunk.trunk_departures.equals(found.trunk.trunk_departures)


def test_results_keep_their_contracts(short: tuple[JointInputs, JointPlan]) -> None:
    _, found = short
    for name, frame in (
        ("stock_allocations", found.whole.allocations), ("sourcing", found.whole.sourcing),
        ("route_demand", found.whole.demand), ("route_prices", found.route_prices), ("plan_certificates", found.certificates),
    ):  # fmt: skip
        contract(name).conform(frame.with_columns(run_id=pl.lit("plan-joint-0001")))
    assert np.isfinite(found.route_prices["price"].to_numpy()).all()


def _first(column: str, value: pl.Expr) -> Callable[[pl.DataFrame], pl.DataFrame]:
    at = pl.int_range(pl.len()) == 0
    return lambda rows: rows.with_columns(pl.when(at).then(value).otherwise(column).alias(column))


MUTATIONS: dict[str, tuple[str, str, Callable[[pl.DataFrame], pl.DataFrame]]] = {
    "a parcel more than its parts": ("joint.split", "route_demand", _first("parcels", pl.col("parcels") + 1)),
    "a parcel moved nowhere": (
        "joint.moved", "route_demand",
        lambda rows: rows.with_columns(moved_out=pl.col("moved_out") + 1, parcels=pl.col("parcels") - 1),
    ),
    "warehouses that send less": (
        "joint.dispatch", "warehouses", lambda rows: rows.with_columns(dispatch_capacity=pl.lit(1)),
    ),
    "sold before it is there": (
        "joint.dates", "stock_allocations", lambda rows: rows.with_columns(sellable_on=pl.col("ship_on") - pl.duration(days=1)),
    ),
    "orders from a hub before its stock": (
        "joint.sourcing", "sourcing", lambda rows: rows.with_columns(date_from=pl.lit(date(2025, 10, 1))),
    ),
    "too little room": ("stock.storage", "warehouses", lambda rows: rows.with_columns(storage_capacity=pl.lit(5))),
    "another cost": (
        "cost.total", "plan_certificates", lambda rows: rows.with_columns(cost=pl.col("cost") + (pl.col("plan") == "joint") * 9.0),
    ),
    "a bound above the cost": (
        "certificate.bound", "plan_certificates", lambda rows: rows.with_columns(lower_bound=pl.col("cost") + 1e6),
    ),
    "no certificate of the stock": (
        "certificate.missing", "plan_certificates", lambda rows: rows.filter(pl.col("plan") != "stock"),
    ),
}  # fmt: skip


def test_valid_joint_plan_has_no_violation(short: tuple[JointInputs, JointPlan]) -> None:
    assert check_joint(check_tables(*short)) == []


@pytest.mark.parametrize("name", MUTATIONS)
def test_broken_joint_plan_is_found(name: str, short: tuple[JointInputs, JointPlan]) -> None:
    rule, table, mutate = MUTATIONS[name]
    tables = check_tables(*short)
    tables[table] = mutate(tables[table])
    assert rule in {violation.rule for violation in check_joint(tables)}


def cost_tables(inputs: JointInputs, found: JointPlan) -> Tables:
    """Tables of the check with those the stock's cost is added up from."""
    names = tuple(name for name in NEEDED if name != CUBE)
    given = {
        name: contract(name).conform(inputs.stock[name]) if name in inputs.stock else contract(name).empty()
        for name in names
    }
    return check_tables(inputs, found) | given | {name: inputs.stock[name] for name in (CUBE, "sales")}


COSTED: dict[str, Callable[[JointInputs], JointInputs]] = {
    "as it is": lambda inputs: inputs,
    "warehouses that cost": lambda inputs: with_stock(
        inputs, warehouses=inputs.stock["warehouses"].with_columns(storage_cost=pl.lit(0.25), opening_cost=pl.lit(300.0))
    ),
    "some stands there": lambda inputs: with_stock(
        inputs,
        stock=pl.DataFrame(
            {"merchant_id": ["M1"], "category": [item_of(inputs)], "warehouse_id": ["WS"], "units": [17], "as_of": [AS_OF]}
        ),
    ),
    "half is sourced there": lambda inputs: replace(
        inputs,
        sourcing=contract("sourcing").conform(
            pl.DataFrame(
                {
                    "merchant_id": ["M1"], "category": ["*"], "region_id": ["south"], "origin_hub_id": ["S"],
                    "share": [0.25], "run_id": ["load-1"],
                }
            )
        ),
    ),
}  # fmt: skip


def with_stock(inputs: JointInputs, **tables: pl.DataFrame) -> JointInputs:
    return replace(inputs, stock={**inputs.stock, **tables})


def item_of(inputs: JointInputs) -> str:
    return str(inputs.stock[CUBE]["category"][0])


@pytest.mark.parametrize("case", COSTED)
def test_the_checker_adds_the_cost_of_the_stock_up_anew(case: str) -> None:
    inputs = COSTED[case](make_inputs(sort_capacity=450))
    found = plan(inputs)
    tables = cost_tables(inputs, found)
    terms = StockTerms(STOCK.day_cost, STOCK.putaway_days)
    stands = count_on_hand(tables, AS_OF, FIRST)
    cost = recompute_cost({**tables, "stands": stands}, terms)
    assert cost is not None
    assert found.whole.units > 0
    assert cost.total == pytest.approx(found.whole.cost, abs=0.01)
    assert check_joint(tables, as_of=AS_OF, terms=terms) == []


@pytest.mark.parametrize(
    ("table", "column", "factor"),
    [("plan_certificates", "cost", 1.01), ("lanes", "distance_km", 2.0), ("warehouses", "storage_cost", 3.0)],
)
def test_a_stock_cost_that_its_tables_do_not_add_up_to_is_found(table: str, column: str, factor: float) -> None:
    inputs = COSTED["warehouses that cost"](make_inputs(sort_capacity=450))
    tables = cost_tables(inputs, plan(inputs))
    where = pl.col("plan") == "stock" if table == "plan_certificates" else pl.lit(value=True)
    tables[table] = tables[table].with_columns(
        pl.when(where).then(pl.col(column) * factor).otherwise(column).alias(column)
    )
    broken = check_joint(tables, as_of=AS_OF, terms=StockTerms(STOCK.day_cost, STOCK.putaway_days))
    assert "cost.total" in {violation.rule for violation in broken}
