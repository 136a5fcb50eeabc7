"""Stock as asked for at given costs: the tables of a location problem go in, its optimum comes out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import product
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.optimize import linprog

from data.contracts import contract
from data.errors import RadarError
from data.reasons import read_reason
from routing.checker.stock import check_stock
from routing.stock.options import StockOptions
from routing.stock.plan import StockPlan, plan_stock

FIRST = date(2025, 11, 1)
OPTIONS = StockOptions(first=FIRST, last=date(2025, 11, 1), service_level=None, short_cost=1e6, day_cost=0.0)
Tables = dict[str, pl.DataFrame]


def make_tables(
    demand: list[int], cost: list[list[float]], room: list[int], opening: list[float], category: str = "*"
) -> Tables:
    """One merchant behind the only hub; buyers in region R0, R1 ..., warehouses W0, W1 ... beside the hub."""
    regions = [f"R{n:04d}" for n in range(len(demand))]
    sites = [f"W{n:03d}" for n in range(len(room))]
    rows = [(w, r, category, cost[i][j]) for i, w in enumerate(sites) for j, r in enumerate(regions)]
    frames: dict[str, dict[str, Any]] = {
        "regions": {"region_id": ["top", *regions], "name": ["top", *regions], "parent_region_id": [None, *["top"] * len(regions)],
                    "latitude": 0.0, "longitude": 0.0},
        "hubs": {"hub_id": ["H"], "name": ["H"], "region_id": ["top"]},
        "merchants": {"merchant_id": ["M"], "name": ["M"], "hub_id": ["H"]},
        "warehouses": {"warehouse_id": sites, "name": sites, "hub_id": "H", "storage_capacity": room, "opening_cost": opening},
        "stock_demand": {"merchant_id": "M", "category": "goods", "region_id": regions, "units": demand},
    }  # fmt: skip
    found = {name: contract(name).conform(pl.DataFrame(columns)) for name, columns in frames.items()}
    given = pl.DataFrame(rows, schema=["warehouse_id", "region_id", "category", "cost"], orient="row")
    return found | {"sourcing_costs": contract("sourcing_costs").conform(given)}


def random_tables(
    seed: int, buyers: int, sites: int
) -> tuple[Tables, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    """Points in a square, as the location problems of the literature are made."""
    draw = np.random.default_rng(seed)
    at, stand = draw.uniform(0, 100, (buyers, 2)), draw.uniform(0, 100, (sites, 2))
    demand = draw.integers(5, 200, buyers)
    cost = np.linalg.norm(stand[:, None] - at[None], axis=2)
    room = np.round(draw.uniform(0.8, 1.6, sites) * demand.sum() * 2.5 / sites).astype(int)
    opening = np.round(draw.uniform(2_000, 20_000, sites))
    return make_tables(demand.tolist(), cost.tolist(), room.tolist(), opening.tolist()), cost


def try_everything(tables: Tables, cost: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    """Least cost over every set of open warehouses."""
    demand = tables["stock_demand"]["units"].to_numpy().astype(float)
    room = tables["warehouses"]["storage_capacity"].to_numpy().astype(float)
    opening = tables["warehouses"]["opening_cost"].to_numpy()
    sites, buyers = cost.shape
    best = np.inf
    for chosen in product([0.0, 1.0], repeat=sites):
        opened = np.array(chosen)
        if opened @ room < demand.sum():
            continue
        served = np.kron(np.ones((1, sites)), np.eye(buyers))
        sent = np.kron(np.eye(sites), np.ones((1, buyers)))
        found = linprog(cost.ravel(), sent, opened * room, served, demand)
        best = min(best, found.fun + opening @ opened)
    return float(best)


def plan(tables: Tables, options: StockOptions = OPTIONS) -> StockPlan:
    return plan_stock(tables, options)


@pytest.mark.parametrize("seed", range(4))
def test_the_plan_is_the_optimum_of_the_location_problem(seed: int) -> None:
    tables, cost = random_tables(seed, 12, 5)
    found = plan(tables)
    row = found.certificate.row(0, named=True)
    assert row["cost"] == pytest.approx(try_everything(tables, cost), rel=1e-6)
    assert row["status"] == "optimal"
    assert row["parcels_planned"] == tables["stock_demand"]["units"].sum()
    assert check_stock({**tables, "stock": contract("stock").empty(), "stock_allocations": found.allocations,
                        "plan_certificates": found.certificate}) == []  # fmt: skip


def test_what_is_asked_for_stands_there_and_nothing_for_safety() -> None:
    found = plan(make_tables([30, 20], [[1.0, 9.0], [9.0, 1.0]], [100, 100], [0.0, 0.0]))
    reasons = [read_reason(text) for text in found.allocations["reason"]]
    assert found.allocations.select("warehouse_id", "units").rows() == [("W000", 30), ("W001", 20)]
    assert [(r.basis, r.safety, r.expected) for r in reasons if r is not None] == [("given", 0, 30), ("given", 0, 20)]
    assert found.certificate["cost"][0] == pytest.approx(50.0)


def test_the_cost_of_a_category_comes_before_that_of_all() -> None:
    tables = make_tables([30], [[1.0], [5.0]], [100, 100], [0.0, 0.0])
    own = pl.DataFrame({"warehouse_id": ["W000"], "region_id": ["R0000"], "category": ["goods"], "cost": [7.0]})
    tables["sourcing_costs"] = pl.concat([tables["sourcing_costs"], contract("sourcing_costs").conform(own)])
    assert plan(tables).allocations["warehouse_id"].to_list() == ["W001"]
    other = tables["stock_demand"].with_columns(category=pl.lit("others"))
    tables["stock_demand"] = pl.concat([tables["stock_demand"], other])
    rows = plan(tables).allocations.select("category", "warehouse_id").rows()
    assert rows == [("goods", "W001"), ("others", "W000")]


def test_days_of_given_costs_count_at_the_worth_of_a_day() -> None:
    tables = make_tables([10], [[1.0], [1.5]], [100, 100], [0.0, 0.0])
    days = pl.when(pl.col("warehouse_id") == "W000").then(3.0).otherwise(1.0)
    tables["sourcing_costs"] = tables["sourcing_costs"].with_columns(days=days)
    found = plan(tables, replace(OPTIONS, day_cost=0.5))
    assert found.allocations["warehouse_id"].to_list() == ["W001"]


def test_more_than_there_is_room_for_is_told_short() -> None:
    found = plan(make_tables([30, 20], [[1.0, 1.0]], [35], [0.0]))
    assert found.certificate["parcels_short"][0] == 15
    assert found.shortages["units"].to_list() == [15]


def test_units_asked_for_a_merchant_nobody_knows_are_refused() -> None:
    tables = make_tables([30], [[1.0]], [35], [0.0])
    tables["stock_demand"] = tables["stock_demand"].with_columns(merchant_id=pl.lit("X"))
    with pytest.raises(RadarError, match="stock_demand of merchant X"):
        plan(tables)
