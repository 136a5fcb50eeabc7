"""How much to keep ready: levels by hand from the pay-off of a unit, noise pooled over a warehouse's zones, goods as their tables say."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import gamma

from data.contracts import contract
from data.reasons import read_reason
from routing.checker.stock import check_stock
from routing.stock.level import LEVELS, UnitCosts, pay_off, round_on, set_targets
from routing.stock.options import StockOptions
from routing.stock.plan import StockPlan, plan_stock
from routing.stock.spread import Spread
from tests.routing.stock_cases import stock_tables
from tests.routing.test_stock_plan import check_tables

Tables = dict[str, pl.DataFrame]
AHEAD = StockOptions(service_level=None, from_home=True)


def costs(home: list[list[float]], ahead: list[list[list[float]]], inbound: list[list[float]]) -> UnitCosts:
    sites = len(inbound[0])
    return UnitCosts(
        np.array(home),
        np.array(ahead),
        np.array(inbound),
        np.full(sites, 0.1),
        np.full(sites, 0.02),
        np.zeros(len(home)),
    )


def test_levels_are_the_newsvendors() -> None:
    """Home costs 3, the one warehouse 2 and .4 to bring in: a unit too few loses .6."""
    given = costs([[3.0]] * 4, [[[2.0]]] * 4, [[0.4]] * 4)
    kinds = np.array(["return", "sell", "lose", "return"])
    level, best = pay_off(given, kinds, 20.0)
    few = 0.6
    assert level[:, 0] == pytest.approx(
        [few / (few + 0.9), few / (few + 0.1 + 14 * 0.02), few / (few + 20.5), few / 1.5]
    )
    assert best.tolist() == [[0]] * 4


def test_what_does_not_pay_has_level_0_and_what_home_cannot_serve_nearly_1() -> None:
    given = costs([[2.0, np.inf]], [[[2.0, 1.9], [5.0, np.inf]]], [[0.4, 0.4]])
    level, best = pay_off(given, np.array(["sell"]), 1000.0)
    assert level[0].tolist() == [0.0, LEVELS.most]
    assert best[0].tolist() == [1, 0]


def test_zones_of_one_warehouse_share_its_safety() -> None:
    mean, best = np.array([[100.0, 100.0]]), np.array([[0, 0]])
    at = np.full((1, 2), 0.9)
    pooled = set_targets(mean, at, best, np.array([0.1]), Spread(region=0.2))
    variance = 200 + 0.1**2 * 200**2 + 0.2**2 * 2 * 100**2
    shape = 200**2 / variance
    assert pooled.units.sum() == round(gamma.ppf(0.9, shape, scale=200 / shape))
    apart = set_targets(mean, at, np.array([[0, 1]]), np.array([0.1]), Spread(region=0.2))
    assert apart.units.sum() > pooled.units.sum()
    assert pooled.level.tolist() == [0.9]


@settings(max_examples=50, deadline=None)
@given(low=st.floats(0.05, 0.9), step=st.floats(0.01, 0.09), seed=st.integers(0, 99))
def test_a_higher_level_never_asks_for_less(low: float, step: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    mean, best = random.gamma(1.0, 50.0, (3, 4)), random.integers(0, 2, (3, 4))
    at = random.uniform(0, 1, (3, 4))
    ask = [
        set_targets(mean, at, best, np.full(3, 0.2), Spread(region=0.1), forced=level).units.sum()
        for level in (low, low + step)
    ]
    assert ask[0] <= ask[1]
    assert (set_targets(mean, at, best, np.full(3, 0.2), Spread(region=0.1)).units >= 0).all()


def test_roundings_are_carried_on() -> None:
    assert round_on(np.array([[0.4, 0.4, 0.4], [1.5, 0.5, 0.0]])).tolist() == [[0.0, 1.0, 0.0], [2.0, 0.0, 0.0]]


def plan(tables: Tables, options: StockOptions = AHEAD) -> StockPlan:
    return plan_stock(tables, options)


def test_only_what_pays_stands_ahead_and_the_rest_leaves_from_home() -> None:
    """The north's buyers are as near to home as to its warehouse: only the south's units go ahead."""
    found = plan(stock_tables())
    assert found.allocations["warehouse_id"].to_list() == ["WS"]
    reason = read_reason(found.allocations["reason"][0])
    assert reason is not None
    # a unit from home costs 6 + 3 x .5, from there 2 + .5 and 1 to bring in: 4 too few, 2 too many
    assert reason.level == pytest.approx(0.5 * 4 / 6, abs=0.01)  # half of the item's units pay nothing
    assert found.certificate["parcels_short"][0] == 0
    assert check_stock(check_tables(stock_tables(), found)) == []


def test_full_warehouses_leave_units_at_home_and_nothing_is_short() -> None:
    tables = stock_tables()
    tables["warehouses"] = tables["warehouses"].with_columns(storage_capacity=pl.Series([60, 40]))
    found = plan(tables)
    assert found.allocations["units"].sum() <= 100
    assert found.at_home > 0
    assert found.shortages.is_empty()
    assert found.certificate["status"][0] in ("optimal", "feasible")


def test_warehouses_full_on_day_one_take_nothing_and_what_stands_there_serves() -> None:
    tables = stock_tables()
    tables["warehouses"] = tables["warehouses"].with_columns(storage_capacity=pl.Series([10, 400]))
    counts = {
        "merchant_id": ["M1", "M9"],
        "category": ["toys", "hats"],
        "warehouse_id": ["WS", "WN"],
        "units": [600, 50],
    }
    stock = pl.DataFrame(counts).with_columns(as_of=pl.lit(date(2025, 10, 20)))
    tables["stock"] = contract("stock").conform(stock)
    found = plan(tables)
    assert {read_reason(text).send for text in found.allocations["reason"]} == {0}  # type: ignore[union-attr]
    assert found.allocations["units"].sum() > 0
    assert check_stock(check_tables(tables, found) | {"sales": tables["sales"]}, as_of=found.as_of) == []


def test_what_home_cannot_reach_is_short_when_there_is_no_room() -> None:
    tables = stock_tables()
    tables["lanes"] = tables["lanes"].filter(pl.col("lane_id") == "S-N")
    tables["courier_rates"] = tables["courier_rates"].filter(pl.col("destination_hub_id") == pl.col("origin_hub_id"))
    found = plan(tables)
    # S is cut off: neither home nor goods reach it
    assert found.certificate["parcels_short"][0] == found.shortages["units"].sum() > 0


def test_goods_are_as_their_tables_say() -> None:
    tables = stock_tables()
    kinds = pl.DataFrame(
        {
            "category": ["toys"], "name": ["Toys"], "units_per_parcel": [2.0], "places_per_unit": [0.5], "left_over": ["sell"],
            "minimum_lot": [1],
        }
    )  # fmt: skip
    tables["categories"] = contract("categories").conform(kinds)
    sold = read_reason(plan(tables).allocations["reason"][0])
    own = {"merchant_id": ["M1"], "category": ["toys"], "left_over": ["lose"], "minimum_lot": [10**6]}
    tables["items"] = contract("items").conform(pl.DataFrame(own))
    assert plan(tables).allocations.is_empty()  # no lot is worth sending
    tables["items"] = tables["items"].with_columns(minimum_lot=pl.lit(0, pl.Int64))
    lost = read_reason(plan(tables).allocations["reason"][0])
    assert sold is not None
    assert lost is not None
    assert lost.units < sold.units
    assert sold.relief == round(sold.units / 2)


def test_a_level_forced_is_told_and_kept() -> None:
    found = plan(stock_tables(), StockOptions(service_level=0.95, first=date(2025, 11, 1), last=date(2025, 11, 2)))
    assert {reason.level for reason in map(read_reason, found.allocations["reason"]) if reason is not None} == {0.95}
