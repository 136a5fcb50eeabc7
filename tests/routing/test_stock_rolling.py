"""Stock filled up week by week: every unit accounted for, spare stock before new goods, kinds of warehouses, the independent check, and its bound."""

from __future__ import annotations

import json
from datetime import date, timedelta
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from cli.app import app
from data.contracts import contract
from data.errors import RadarError
from data.workspace import Workspace
from routing.budget import Deadline
from routing.checker.rolling import INPUTS, RollingTerms, check_rolling
from routing.checker.violations import RULES
from routing.stock.options import StockOptions
from routing.stock.plan import plan_stock
from routing.stock.rolling import RollingPlan, divide_weeks, roll_stock
from routing.stock.rolling_tables import sell
from routing.stock.sharing import Ways, may_send, share_out
from tests.routing.stock_cases import AS_OF, make_cube, stock_tables

Tables = dict[str, pl.DataFrame]
OPTIONS = StockOptions(service_level=None, from_home=True)
FIRST = AS_OF + timedelta(days=1)


def week(number: int) -> date:
    return FIRST + timedelta(days=7 * number)


def weekly(
    *stock: tuple[str, int],
    receipts: tuple[tuple[str, date, int], ...] = (),
    kinds: tuple[str, ...] = (),
    daily: float = 10.0,
    weeks: int = 3,
) -> Tables:
    """Ten toys a day for the north and for the south, `stock` in warehouses, goods under way, kinds of WN and WS."""
    cube = make_cube(
        [
            (FIRST + timedelta(days=n), "M1", "toys", region, "N", daily, 1.0)
            for n in range(7 * weeks)
            for region in ("north", "south")
        ]
    )
    found = stock_tables() | {"merchant_forecasts": cube}
    item = {"merchant_id": "M1", "category": "toys"}
    rows = [{**item, "warehouse_id": site, "units": units, "as_of": AS_OF} for site, units in stock]
    coming = [{**item, "warehouse_id": site, "sellable_on": day, "units": units} for site, day, units in receipts]
    found["stock"] = contract("stock").conform(pl.DataFrame(rows)) if rows else contract("stock").empty()
    found["stock_receipts"] = (
        contract("stock_receipts").conform(pl.DataFrame(coming)) if coming else contract("stock_receipts").empty()
    )
    if kinds:
        found["warehouses"] = found["warehouses"].with_columns(kind=pl.Series(kinds))
    return found


def judged(given: Tables, found: RollingPlan) -> Tables:
    inputs = {name: contract(name).conform(given[name]) if name in given else contract(name).empty() for name in INPUTS}
    return inputs | {
        "merchant_forecasts": given["merchant_forecasts"],
        "stock_levels": found.levels,
        "stock_transfers": found.transfers,
        "plan_certificates": found.certificate(),
    }


def broken(tables: Tables) -> list[str]:
    return [violation.rule for violation in check_rolling(tables, RollingTerms(AS_OF))]


def level(found: RollingPlan, number: int, site: str | None) -> dict[str, int]:
    rows = found.levels.filter(
        (pl.col("date") == week(number)) & pl.col("warehouse_id").eq_missing(pl.lit(site, pl.String))
    )
    return rows.row(0, named=True) if rows.height else {}


def test_days_are_divided_into_weeks() -> None:
    cube = weekly(weeks=2)["merchant_forecasts"]
    assert divide_weeks(cube, AS_OF) == [(week(0), week(1) - timedelta(days=1)), (week(1), week(2) - timedelta(days=1))]
    last = FIRST + timedelta(days=8)
    assert divide_weeks(cube, AS_OF, FIRST, last)[-1] == (week(1), last)
    with pytest.raises(RadarError, match="days in order"):
        divide_weeks(cube, AS_OF, AS_OF)


def test_goods_come_from_home_as_soon_as_they_can_be_sold() -> None:
    """The way takes two days, putting away two: nothing is there in the first week; later ones are filled up for the south, whose buyers home serves dearer."""
    given = weekly()
    found = roll_stock(given, OPTIONS)
    assert (level(found, 0, "WS"), level(found, 0, None)["sold"]) == ({}, 140)
    second, third = level(found, 1, "WS"), level(found, 2, "WS")
    # a unit too many waits a week at no rent, so nearly all orders are to be met; in the last week it is brought back
    assert second["order_up_to"] > third["order_up_to"] > 70
    assert (second["moved_in"], second["sold"]) == (second["order_up_to"], 70)
    assert third["moved_in"] == third["order_up_to"] - second["closing"]
    assert level(found, 2, None)["sold"] == 70  # the north's, from home next door
    sent = found.transfers.row(0, named=True)
    assert (sent["ship_on"], sent["arrives_on"]) == (week(1) - timedelta(days=4), week(1) - timedelta(days=2))
    assert sent["origin_warehouse_id"] is None
    assert sent["cost"] == pytest.approx(second["moved_in"] * 1.0)
    assert broken(judged(given, found)) == []
    assert 0.9 * found.cost < found.lower_bound <= found.cost


def test_weeks_without_orders_are_planned_all_the_same() -> None:
    given = weekly(("WS", 400), weeks=2)
    few = pl.col("date") >= week(1)
    given["merchant_forecasts"] = given["merchant_forecasts"].with_columns(
        [pl.when(few).then(pl.lit(0.0)).otherwise(pl.col(name)).alias(name) for name in ("mean", "baseline")]
    )
    found = roll_stock(given, OPTIONS)
    assert level(found, 1, "WS")["sold"] == 0
    assert broken(judged(given, found)) == []


def test_spare_stock_moves_before_new_goods_are_brought() -> None:
    """90 toys stand idle in the north: the second week takes them, only the rest comes from home."""
    given = weekly(("WN", 90))
    found = roll_stock(given, OPTIONS)
    moved = found.transfers.filter(pl.col("origin_warehouse_id") == "WN")
    sold = found.levels.filter(pl.col("warehouse_id") == "WN")["sold"]
    assert sum(moved["units"].to_list()) + sum(sold.to_list()) == 90
    assert broken(judged(given, found)) == []


def test_a_factory_fills_others_up_and_serves_nobody() -> None:
    given = weekly(("WN", 400), kinds=("factory", "shop"))
    found = roll_stock(given, OPTIONS)
    of_factory = found.levels.filter(pl.col("warehouse_id") == "WN")
    assert of_factory["sold"].sum() == 0
    assert set(found.transfers["origin_warehouse_id"].to_list()) == {"WN"}
    assert of_factory["closing"][-1] == 400 - sum(found.transfers["units"].to_list())
    assert broken(judged(given, found)) == []


def test_no_plan_of_an_event_places_stock_in_a_factory() -> None:
    given = stock_tables()
    free = StockOptions(service_level=None, from_home=True)
    assert set(plan_stock(given, free).allocations["warehouse_id"].to_list()) == {"WS"}
    given["warehouses"] = given["warehouses"].with_columns(kind=pl.Series([None, "factory"]))
    assert plan_stock(given, free).allocations.is_empty()


def test_goods_never_go_back_up() -> None:
    kinds = pl.DataFrame({"warehouse_id": list("abcde"), "kind": ["factory", "main", None, "split", "shop"]})
    sends = may_send(kinds)
    assert not sends[:, 0].any()
    assert not sends.diagonal().any()
    assert sends[0, 1:].all()
    assert sends[1, 2:].all()
    assert sends[2, 3]
    assert sends[3, 2]
    assert sends[2, 4]
    assert not sends[4, 1:4].any()
    assert not sends[2, 1]


def test_goods_under_way_count_from_the_week_they_can_be_sold() -> None:
    given = weekly(
        receipts=(("WS", FIRST, 30), ("WS", week(1), 20), ("WS", week(1) + timedelta(days=1), 10), ("WS", week(3), 99))
    )
    found = roll_stock(given, OPTIONS)
    assert [level(found, n, "WS")["under_way"] for n in range(3)] == [0, 20, 10]
    assert (level(found, 0, "WS")["opening"], level(found, 0, "WS")["sold"]) == (30, 30)
    assert broken(judged(given, found)) == []


def test_goods_nobody_orders_stay_and_take_room() -> None:
    given = weekly(("WS", 40))
    other = given["stock"].with_columns(category=pl.lit("hats"), units=pl.lit(990, pl.Int64))
    given["stock"] = pl.concat([given["stock"], other])
    found = roll_stock(given, OPTIONS)
    hats = found.levels.filter(pl.col("category") == "hats")
    assert hats.select("opening", "closing").rows() == [(990, 990)] * 3
    of_site = found.levels.filter(pl.col("warehouse_id") == "WS").group_by("date")
    stands = of_site.agg(units=(pl.col("opening") + pl.col("moved_in") - pl.col("moved_out")).sum())["units"]
    assert max(stands.to_list()) == 1030
    assert broken(judged(given, found)) == []


def test_lots_too_small_stay_at_home() -> None:
    given = weekly(("WS", 400))
    kinds = {"category": ["toys"], "name": ["Toys"], "minimum_lot": [300]}
    given["categories"] = contract("categories").conform(pl.DataFrame(kinds))
    found = roll_stock(given, OPTIONS)
    assert found.transfers.is_empty()
    assert broken(judged(given, found)) == []


def test_what_nothing_serves_is_short() -> None:
    given = weekly()
    given["lanes"] = given["lanes"].filter(pl.col("lane_id") == "S-N")
    given["courier_rates"] = given["courier_rates"].filter(pl.col("origin_hub_id") == pl.col("destination_hub_id"))
    found = roll_stock(given, OPTIONS)
    assert found.levels["short"].sum() == 210
    assert (found.certificate()["status"][0], found.short_cost, found.cost_today) == ("shortfalls", 210 * 20.0, None)
    assert broken(judged(given, found)) == []
    assert found.lower_bound <= found.cost


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 100_000))
def test_every_unit_is_accounted_for(seed: int) -> None:
    draw = np.random.default_rng(seed)
    stock = [(site, int(draw.integers(0, 300))) for site in ("WN", "WS") if draw.random() < 0.7]
    receipts = tuple(
        (str(draw.choice(["WN", "WS"])), FIRST + timedelta(days=int(day)), int(draw.integers(1, 80)))
        for day in draw.choice(np.arange(0, 25), 3, replace=False)
    )
    kinds = tuple(draw.choice(["factory", "main", "split", "shop"], 2))
    given = weekly(*stock, receipts=receipts, kinds=kinds, daily=float(draw.uniform(0.3, 20)))
    given["warehouses"] = given["warehouses"].with_columns(
        storage_capacity=pl.Series([int(n) for n in draw.integers(0, 400, 2)]),
        storage_cost=pl.Series(draw.choice([0.0, 0.02, 0.5], 2)),
        opening_cost=pl.Series(draw.choice([0.0, 30.0], 2)),
    )
    found = roll_stock(given, OPTIONS)
    assert check_rolling(judged(given, found), RollingTerms(AS_OF)) == []
    assert found.lower_bound <= found.cost + 1e-6


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_what_moves_equals_trying_everything(seed: int) -> None:
    draw = np.random.default_rng(seed)
    spare, lack = draw.integers(0, 3, (1, 3)).astype(float), draw.integers(0, 3, (1, 3)).astype(float)
    spare[lack > 0] = 0.0
    ways = Ways(draw.uniform(0, 2, (3, 3)), ~np.eye(3, dtype=np.bool_), np.ones(1), draw.uniform(0, 3, (1, 3)))
    moved = share_out(spare, lack, ways, Deadline(60.0))
    assert (moved.sum(axis=2) <= spare).all()
    assert (moved.sum(axis=1) <= lack).all()
    pairs = [(a, b) for a in range(3) for b in range(3) if spare[0, a] > 0 and lack[0, b] > 0]
    best = 0.0
    for counts in product(range(3), repeat=len(pairs)):
        tried = np.zeros((3, 3))
        for (a, b), units in zip(pairs, counts, strict=True):
            tried[a, b] = units
        if (tried.sum(axis=1) <= spare[0]).all() and (tried.sum(axis=0) <= lack[0]).all():
            best = max(best, float((tried * (ways.else_[0][None] - ways.cost)).sum()))
    assert float((moved[0] * (ways.else_[0][None] - ways.cost)).sum()) == pytest.approx(best, abs=0.02)


def test_units_sold_are_whole_and_stand_there() -> None:
    units = np.array([[[3.0, 4.0, 0.0], [0.0, 0.0, 2.0]]])
    sold = sell(units, np.array([[5.0, 9.0]]))
    assert sold.sum(axis=2).tolist() == [[5.0, 2.0]]
    assert (sold <= units).all()
    assert (sold == np.round(sold)).all()


def edit(table: str, **changes: object) -> tuple[str, dict[str, object]]:
    return table, changes


MUTATIONS = {
    "rolling.balance": edit("stock_levels", closing=7),
    "rolling.transfers": edit("stock_transfers", units=3),
    "rolling.oversold": edit("stock_levels", sold=10_000),
    "rolling.orders": edit("stock_levels", sold=1),
    "rolling.storage": edit("warehouses", storage_capacity=5),
    "rolling.dates": edit("stock_transfers", ship_on=AS_OF),
    "rolling.kinds": edit("warehouses", kind="factory"),
    "rolling.cost": edit("stock_transfers", cost=0.5),
}


@pytest.mark.parametrize("rule", MUTATIONS)
def test_the_check_finds_what_is_wrong(rule: str) -> None:
    given = weekly(("WS", 20))
    tables = judged(given, roll_stock(given, OPTIONS))
    table, changes = MUTATIONS[rule]
    frame = tables[table]
    rows = pl.col("warehouse_id") == "WS"
    tables[table] = frame.with_columns(
        pl.when(rows).then(pl.lit(value, frame.schema[name])).otherwise(pl.col(name)).alias(name)
        for name, value in changes.items()
    )
    assert rule in broken(tables)


def test_every_rule_of_a_rolling_plan_is_broken_by_a_mutation() -> None:
    assert {rule for rule in RULES if rule.startswith("rolling.")} == MUTATIONS.keys()


def test_stock_asked_for_without_days_is_refused() -> None:
    given = weekly()
    asked = {"merchant_id": ["M1"], "category": ["toys"], "region_id": ["south"], "units": [5]}
    given["stock_demand"] = contract("stock_demand").conform(pl.DataFrame(asked))
    with pytest.raises(RadarError, match="without their days"):
        roll_stock(given, OPTIONS)


def test_the_command_tells_keeps_and_verifies_it(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "滚动 备货")
    given = weekly(("WN", 90), ("WS", 20))
    with workspace.run("load") as run:
        for name, frame in given.items():
            if name != "merchant_forecasts":
                run.replace(name, contract(name).conform(frame))
    call = ["--workspace", str(workspace.folder)]
    result = CliRunner().invoke(app, [*call, "plan", "stock", "--rolling", "--to", str(week(2)), "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["certificate"]["plan"] == "rolling"
    assert told["certificate"]["violations"] == 0
    assert workspace.results("stock_levels", told["run_id"]).height == len(told["levels"])
    checked = CliRunner().invoke(app, [*call, "verify", "rolling"])
    assert checked.exit_code == 0, checked.output
    refused = CliRunner().invoke(app, [*call, "plan", "stock", "--rolling", "--all-ahead"])
    assert refused.exit_code == 1
    assert "--rolling with --all-ahead" in refused.output
