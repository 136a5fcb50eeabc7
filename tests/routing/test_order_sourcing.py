"""Waiting orders: equal to trying everything, none sold twice, promises before cost, from home where no stock stands."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from cli.app import app
from data.contracts import contract
from data.errors import RadarError
from data.workspace import Workspace
from routing.budget import Deadline
from routing.checker.orders import check_orders
from routing.stock.order_sourcing import ORDER_TABLES, ORDERS, OrderPlan, assign, source_orders
from tests.routing.stock_cases import stock_tables

Tables = dict[str, pl.DataFrame]
NOW = datetime(2025, 10, 20, 8, tzinfo=UTC)
DAY = date(2025, 10, 20)


def try_everything(cost: np.ndarray, units: np.ndarray, stock: np.ndarray) -> float:
    whole = np.column_stack([cost, np.full(len(cost), ORDERS.waits)])
    best = np.inf
    for choice in product(range(whole.shape[1]), repeat=len(cost)):
        taken = np.bincount(choice, units, whole.shape[1])[: len(stock)]
        if (taken <= stock).all():
            best = min(best, float(sum(whole[o, w] for o, w in enumerate(choice))))
    return best


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_small_cases_equal_trying_everything(seed: int) -> None:
    random = np.random.default_rng(seed)
    orders, sites = int(random.integers(1, 6)), int(random.integers(1, 4))
    cost = random.uniform(1, 10, (orders, sites + 1))
    cost[random.random(cost.shape) < 0.3] = np.inf
    units = random.integers(1, 6, orders)
    stock = random.integers(0, 8, sites).astype(float)
    chosen, bound = assign(cost, units, stock, Deadline(60.0))
    taken = np.bincount(chosen[chosen >= 0], units[chosen >= 0], sites + 1)[:sites]
    assert (taken <= stock).all()
    whole = np.where(chosen < 0, ORDERS.waits, cost[np.arange(orders), chosen])
    assert whole.sum() == pytest.approx(try_everything(cost, units, stock))
    assert bound <= whole.sum() + 1e-6


def tables(*orders: tuple[str, str, int], promised: float | None = None, stock: tuple[int, int] = (5, 5)) -> Tables:
    """Orders of an id, a region and units; `stock` units stand in WN and WS."""
    rows = [
        {
            "order_id": name, "merchant_id": "M1", "category": "toys", "region_id": region, "units": units, "ordered_at": NOW,
            "promised_at": None if promised is None else NOW + timedelta(hours=promised),
        }
        for name, region, units in orders
    ]  # fmt: skip
    counts = {"merchant_id": "M1", "category": "toys", "warehouse_id": ["WN", "WS"], "units": list(stock), "as_of": DAY}
    own = {name: frame for name, frame in stock_tables().items() if name in ORDER_TABLES}
    schema = {"promised_at": pl.Datetime("us", "UTC")}
    return own | {
        "open_orders": contract("open_orders").conform(pl.DataFrame(rows, schema_overrides=schema)),
        "stock": contract("stock").conform(pl.DataFrame(counts)),
    }


def sites(found: OrderPlan) -> dict[str, str | None]:
    return dict(found.sources.select("order_id", "warehouse_id").iter_rows())


def check(given: Tables, found: OrderPlan) -> list[str]:
    empty = {"stock_receipts": contract("stock_receipts").empty()}
    return [v.rule for v in check_orders({**empty, **given, "order_sources": found.sources}, as_of=DAY)]


def test_buyers_are_served_from_near_by_until_stock_runs_out() -> None:
    given = tables(("a", "south", 3), ("b", "south", 3), ("c", "north", 2))
    found = source_orders(given)
    assert sorted(str(site) for name, site in sites(found).items() if name in "ab") in (["WN", "WS"], ["None", "WS"])
    assert found.cost == pytest.approx(found.lower_bound)
    assert check(given, found) == []


def sell(*rows: tuple[date, int]) -> pl.DataFrame:
    days, units = zip(*rows, strict=True)
    frame = {"date": days, "merchant_id": "M1", "category": "toys", "destination_region_id": "south", "units": units}
    return contract("sales").conform(pl.DataFrame(frame))


def count(*rows: tuple[str, int, date]) -> pl.DataFrame:
    sites, units, days = zip(*rows, strict=True)
    frame = {"merchant_id": "M1", "category": "toys", "warehouse_id": sites, "units": units, "as_of": days}
    return contract("stock").conform(pl.DataFrame(frame))


def test_what_was_sold_since_the_count_is_not_sold_again() -> None:
    """Five units in the south were counted three days ago and four sold since: of two orders one finds stock there."""
    given = tables(("a", "south", 1), ("b", "south", 1))
    given["stock"] = count(("WS", 5, DAY - timedelta(days=3)))
    given["sales"] = sell((DAY - timedelta(days=3), 90), (DAY - timedelta(days=1), 3), (DAY, 1))
    found = source_orders(given)
    assert sorted(map(str, sites(found).values())) == ["None", "WS"]
    assert (found.on_hand.sold, found.as_of) == (4, DAY)
    assert check(given, found) == []
    blind = source_orders({**given, "sales": given["sales"].clear()})
    assert sites(blind) == {"a": "WS", "b": "WS"}
    assert check(given, blind) == ["orders.oversold"]


def test_sales_leave_the_warehouse_they_are_sourced_from() -> None:
    given = tables(("a", "south", 2))
    given["stock"] = count(("WN", 5, DAY - timedelta(days=3)), ("WS", 5, DAY - timedelta(days=3)))
    given["sales"] = sell((DAY, 4))
    where = {
        "merchant_id": "M1", "category": "*", "region_id": "south", "origin_hub_id": ["N"], "date_from": DAY - timedelta(days=90),
        "date_to": None, "share": 1.0,
    }  # fmt: skip
    sourcing = contract("sourcing").conform(
        pl.DataFrame({"run_id": "load-0001", **where}, schema_overrides={"date_to": pl.Date})
    )
    found = source_orders(given, sourcing=sourcing)
    left = dict(found.on_hand.stock.select("warehouse_id", "units").iter_rows())
    assert left == {"WN": 1, "WS": 5}
    assert check({**given, "sourcing_today": sourcing}, found) == []


def test_a_count_older_than_a_year_serves_nobody() -> None:
    given = tables(("a", "south", 1))
    given["stock"] = count(("WS", 5, DAY - timedelta(days=400)))
    found = source_orders(given)
    assert (sites(found), found.on_hand.stale) == ({"a": None}, 1)


def test_days_are_those_of_the_time_zone() -> None:
    """Ordered at eight in the evening of universal time, which is the next day in Shanghai: its sales and receipts count."""
    given = tables(("a", "south", 1), stock=(0, 5))
    late = given["open_orders"].with_columns(ordered_at=pl.col("ordered_at") + timedelta(hours=12))
    given |= {"open_orders": late, "sales": sell((DAY + timedelta(days=1), 5))}
    assert sites(source_orders(given)) == {"a": "WS"}
    found = source_orders(given, timezone="Asia/Shanghai")
    assert (sites(found), found.as_of) == ({"a": None}, DAY + timedelta(days=1))


def test_an_order_without_stock_leaves_from_home() -> None:
    found = source_orders(tables(("a", "south", 3), stock=(0, 0)))
    row = found.sources.row(0, named=True)
    # three parcels at 6, three days at .5 a unit
    assert (row["status"], row["origin_hub_id"], row["cost"]) == ("home", "N", pytest.approx(18 + 4.5))


def test_a_factory_serves_no_order() -> None:
    given = tables(("a", "south", 2), ("b", "south", 1), stock=(0, 5))
    given["warehouses"] = given["warehouses"].with_columns(kind=pl.Series([None, "factory"]))
    found = source_orders(given)
    assert sites(found) == {"a": None, "b": None}
    assert sites(source_orders({**given, "warehouses": given["warehouses"].with_columns(kind=pl.lit("shop"))})) == {
        "a": "WS",
        "b": "WS",
    }


def test_promises_come_before_cost() -> None:
    """One unit in the south: the order promised in two days takes it, the larger one leaves from home."""
    given = tables(("big", "south", 1), ("soon", "south", 1), stock=(0, 1))
    soon = pl.when(pl.col("order_id") == "soon").then(pl.lit(NOW + timedelta(hours=48)))
    given["open_orders"] = given["open_orders"].with_columns(promised_at=soon.cast(pl.Datetime("us", "UTC")))
    found = source_orders(given)
    assert sites(found) == {"big": None, "soon": "WS"}
    assert found.sources["late_hours"].to_list() == [0.0, 0.0]


def test_what_nothing_reaches_waits_and_is_counted() -> None:
    given = tables(("a", "south", 9), stock=(0, 0))
    given["lanes"] = given["lanes"].filter(pl.col("lane_id") == "S-N")
    given["courier_rates"] = given["courier_rates"].filter(pl.col("destination_hub_id") == "N")
    found = source_orders(given)
    assert found.sources["status"].to_list() == ["waits"]
    assert found.cost == ORDERS.waits


def test_given_costs_and_goods_count() -> None:
    given = tables(("a", "south", 4))
    costs = {"warehouse_id": ["WN"], "region_id": ["south"], "category": ["*"], "cost": [0.01], "days": [0.5]}
    given["sourcing_costs"] = contract("sourcing_costs").conform(pl.DataFrame(costs))
    found = source_orders(given)
    assert sites(found) == {"a": "WN"}
    assert found.sources["cost"][0] == pytest.approx(4 * 0.01 + 0.5 * 4 * 0.5)


def test_the_checker_finds_what_is_sold_twice_and_what_is_lost() -> None:
    given = tables(("a", "south", 3), ("b", "south", 2), ("c", "south", 2))
    found = source_orders(given)
    both = found.sources.with_columns(warehouse_id=pl.lit("WS"), status=pl.lit("stock"))
    empty = {"stock_receipts": contract("stock_receipts").empty()}
    assert [v.rule for v in check_orders({**empty, **given, "order_sources": both}, as_of=DAY)] == ["orders.oversold"]
    lost = found.sources.filter(pl.col("order_id") != "b")
    assert [v.rule for v in check_orders({**empty, **given, "order_sources": lost}, as_of=DAY)] == ["orders.once"]


def test_bad_input_is_told() -> None:
    given = tables(("a", "south", 3))
    with pytest.raises(RadarError, match="no order waits"):
        source_orders(given, as_of=DAY - timedelta(days=1))
    with pytest.raises(RadarError, match="open_orders is empty"):
        source_orders({**given, "open_orders": given["open_orders"].clear()})
    with pytest.raises(RadarError, match="an order of NOBODY"):
        source_orders({**given, "open_orders": given["open_orders"].with_columns(merchant_id=pl.lit("NOBODY"))})


def test_the_command_tells_and_keeps_it(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "订单 一")
    with workspace.run("load") as run:
        for name, frame in tables(("a", "south", 3), ("b", "south", 3)).items():
            run.replace(name, contract(name).conform(frame))
    result = CliRunner().invoke(app, ["--workspace", str(workspace.folder), "plan", "source", "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["orders"], told["waits"], told["violations"]) == (2, 0, 0)
    assert workspace.results("order_sources", told["run_id"]).height == 2
