"""The joint plan on odd tables: old counts, full warehouses, places nobody reaches, hubs that do not exist."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl
import pytest

from data.contracts import contract
from data.errors import RadarError
from routing.budget import Deadline
from routing.joint.solution import JointInputs, JointSolution, solve
from routing.stock.task import CUBE, read_task
from routing.trunk.task.build_network import build_network
from routing.trunk.task.inputs import TrunkInputs
from tests.routing.stock_cases import AS_OF
from tests.routing.test_joint_plan import STOCK, TRUNK, make_inputs


def change(inputs: JointInputs, **tables: pl.DataFrame) -> JointInputs:
    trunk = {name: tables.get(name, frame) for name, frame in inputs.trunk.items()}
    return replace(inputs, stock={**inputs.stock, **tables}, trunk=trunk)


def solve_parts(inputs: JointInputs) -> JointSolution:
    network = build_network(TrunkInputs.gather(inputs.trunk), replace(TRUNK, short_cost=10_000.0))
    return solve(network, read_task(inputs.stock, STOCK), inputs, STOCK, Deadline(60.0))


def count_stock(inputs: JointInputs, units: int, day: date) -> pl.DataFrame:
    row: dict[str, Any] = {
        "merchant_id": "M1", "category": inputs.stock[CUBE]["category"][0], "warehouse_id": "WS", "units": units, "as_of": day,
    }  # fmt: skip
    return contract("stock").conform(pl.DataFrame([row]))


def test_a_count_older_than_a_year_is_left_out_and_counted() -> None:
    inputs = make_inputs(sort_capacity=450)
    old = solve_parts(change(inputs, stock=count_stock(inputs, 500, date(2024, 10, 1))))
    assert old.task.on_hand.stale == 1
    assert old.task.items.there.sum() == 0
    fresh = solve_parts(change(inputs, stock=count_stock(inputs, 5_000, AS_OF)))
    assert fresh.task.on_hand.stale == 0
    assert fresh.task.items.there.sum() > 0


def test_a_warehouse_full_on_the_first_day_takes_nothing_in() -> None:
    inputs = make_inputs(sort_capacity=450, warehouse_room=0)
    found = solve_parts(inputs)
    assert found.ranked[0] == "nothing ahead"
    assert round(found.least_short) == 100
    assert found.make_whole("joint").units == 0


def test_more_stock_than_room_leaves_no_room_below_none() -> None:
    inputs = make_inputs(sort_capacity=450, warehouse_room=10)
    found = solve_parts(change(inputs, stock=count_stock(inputs, 5_000, AS_OF)))
    assert (found.task.problem.room >= 0).all()
    # what stands there serves all the same
    assert round(found.answers["joint"].short) == 0


def test_a_warehouse_no_lane_leads_to_holds_nothing_of_merchants_elsewhere() -> None:
    inputs = make_inputs(sort_capacity=450)
    lanes = inputs.stock["lanes"].with_columns(
        lane_id=pl.lit("S-N"), origin_hub_id="destination_hub_id", destination_hub_id="origin_hub_id"
    )
    found = solve_parts(change(inputs, lanes=lanes))
    placed = found.make_whole("joint")
    assert placed.moved == 0
    assert set(placed.allocations["warehouse_id"]) <= {"WN"}  # its own, behind its own hub
    assert found.answers["joint"].short == pytest.approx(found.answers["nothing ahead"].short)


@pytest.mark.parametrize(("table", "column"), [("merchants", "hub_id"), ("warehouses", "hub_id")])
def test_a_hub_that_does_not_exist_is_named(table: str, column: str) -> None:
    inputs = make_inputs()
    wrong = inputs.stock[table].with_columns(pl.lit("X").alias(column))
    cube = inputs.stock[CUBE].with_columns(hub_id=pl.lit("X")) if table == "merchants" else inputs.stock[CUBE]
    with pytest.raises(RadarError, match="unknown hub X"):
        solve_parts(change(inputs, **{table: wrong, CUBE: cube}))


def test_stock_in_a_warehouse_nobody_knows_is_refused() -> None:
    inputs = make_inputs()
    stock = count_stock(inputs, 5, AS_OF).with_columns(warehouse_id=pl.lit("W-NO"))
    with pytest.raises(RadarError, match="stock in unknown warehouse W-NO"):
        solve_parts(change(inputs, stock=stock))


@pytest.mark.parametrize(
    ("table", "column"), [("stock", "units"), ("stock_receipts", "units"), ("stock_demand", "units")]
)
def test_counts_below_zero_are_set_apart(table: str, column: str) -> None:
    filled: dict[str, Any] = {
        "merchant_id": "M1", "category": "lamps", "warehouse_id": "WS", "region_id": "south", "as_of": AS_OF, "sellable_on": AS_OF,
    }  # fmt: skip
    schema = contract(table).empty().schema
    row = {name: filled.get(name) for name in schema if name != column} | {column: -3}
    rows = [row, row | {column: 3, "category": "pans"}, row | {"category": "pots"}]
    good, bad = contract(table).split(pl.DataFrame(rows, schema=schema))
    assert good["category"].to_list() == ["pans"]
    assert bad.select("row_index", "column", "value").rows() == [(0, column, "-3"), (2, column, "-3")]
