"""The stock plan from tables to allocations with reasons, known by hand, and its independent check."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import polars as pl
import pytest

from data.errors import RadarError
from data.reasons import StockReason, read_reason
from routing.checker.stock import check_stock
from routing.stock.costs import follow_changes, gather_zones
from routing.stock.options import StockOptions
from routing.stock.plan import StockPlan, plan_stock
from tests.routing.stock_cases import stock_tables

Tables = dict[str, pl.DataFrame]


def plan(tables: Tables | None = None, **options: object) -> StockPlan:
    return plan_stock(tables or stock_tables(), StockOptions(**options))  # type: ignore[arg-type]


def parts(found: StockPlan) -> dict[str, StockReason]:
    read = {row["warehouse_id"]: read_reason(row["reason"]) for row in found.allocations.iter_rows(named=True)}
    return {site: reason for site, reason in read.items() if reason is not None}


def check_tables(tables: Tables, found: StockPlan) -> Tables:
    stock = tables.get("stock")
    empty = pl.DataFrame(
        schema={"merchant_id": pl.String, "category": pl.String, "warehouse_id": pl.String, "units": pl.Int64,
                "as_of": pl.Date}
    )  # fmt: skip
    return {
        "merchants": tables["merchants"],
        "warehouses": tables["warehouses"],
        "stock": empty if stock is None else stock,
        "stock_allocations": found.allocations,
        "plan_certificates": found.certificate,
    }


def test_each_region_is_stocked_near_by_and_sent_in_time() -> None:
    found = plan()
    rows = {row["warehouse_id"]: row for row in found.allocations.iter_rows(named=True)}
    assert set(rows) == {"WN", "WS"}
    # two days to put away; 30 hours on the road are two days more
    assert rows["WN"]["ship_by"] == date(2025, 10, 30)
    assert rows["WS"]["ship_by"] == date(2025, 10, 28)
    reason = parts(found)
    assert reason["WN"].expected + reason["WS"].expected == 240
    for site, row in rows.items():
        assert reason[site].expected + reason[site].safety == row["units"] == reason[site].send
    assert reason["WS"].regions == "south 100 %"
    assert (reason["WS"].days, reason["WS"].home_days, reason["WS"].home) == (1.0, 3.0, "N")
    assert reason["WS"].relief == rows["WS"]["units"]
    assert reason["WN"].relief == 0
    # waiting a day and a half at 0.5 is cheaper than 4 CNY more and two days longer from home
    assert reason["WS"].late == round(rows["WS"]["units"] * 0.75)


def test_cost_is_that_of_the_tables() -> None:
    found = plan()
    units = dict(found.allocations.select("warehouse_id", "units").iter_rows())
    # parcel 2 and one day at 0.5; into the south another 1,000 km x 1 CNY / 1,000 parcels
    assert found.certificate["cost"][0] == pytest.approx(units["WN"] * 2.5 + units["WS"] * 3.5)
    assert found.certificate["status"][0] == "optimal"
    # all from N: the south at 6 and three days
    assert found.cost_today == pytest.approx(units["WN"] * 2.5 + units["WS"] * 7.5)


@pytest.mark.parametrize("given", [False, True])
def test_costs_told_to_merchants_add_up_to_that_of_the_plan(*, given: bool) -> None:
    tables = stock_tables()
    goods = {"category": ["toys"], "name": ["Toys"], "units_per_parcel": [2.0], "places_per_unit": [0.25]}
    tables["categories"] = pl.DataFrame(goods)
    if given:
        rows = [("WN", "north", "*", 0.5, 1.0), ("WS", "south", "*", 0.75, 2.0)]
        names = ("warehouse_id", "region_id", "category", "cost", "days")
        tables["sourcing_costs"] = pl.DataFrame(rows, schema=names, orient="row")
    found = plan(tables)
    told = [reason.cost or 0.0 for reason in parts(found).values()]
    assert len(told) == 2
    assert sum(told) == pytest.approx(found.certificate["cost"][0], abs=0.01)


def test_stock_at_hand_is_counted_and_not_sent_again() -> None:
    tables = stock_tables()
    tables["stock"] = pl.DataFrame(
        {
            "merchant_id": ["M1", "M1", "M1"],
            "category": ["toys", "toys", "toys"],
            "warehouse_id": ["WS", "WS", "WN"],
            "units": [999, 290, 5000],
            "as_of": [date(2025, 10, 1), date(2025, 10, 19), date(2025, 10, 25)],
        }
    )
    reason = parts(plan(tables))
    # counted on the 19th: 20 sold on the 20th, and 20 a day on the eleven days to the event
    assert (reason["WS"].there, reason["WS"].send) == (50, reason["WS"].units - 50)
    assert reason["WN"].there == 0  # counted after the as-of date


def test_full_warehouses_leave_an_explicit_shortage() -> None:
    tables = stock_tables()
    tables["warehouses"] = tables["warehouses"].with_columns(storage_capacity=pl.Series([60, 40]))
    found = plan(tables)
    row = found.certificate.row(0, named=True)
    assert found.allocations["units"].sum() == row["parcels_planned"] == 100
    assert row["parcels_short"] == found.shortages["units"].sum() == row["parcels_demanded"] - 100
    assert row["status"] == "shortfalls"
    assert found.shortages["full"].to_list() == ["WN, WS"]
    assert parts(found)["WN"].short == row["parcels_short"]


def test_merchant_without_any_room_has_a_row_that_says_so() -> None:
    tables = stock_tables()
    tables["warehouses"] = tables["warehouses"].with_columns(storage_capacity=pl.lit(0))
    found = plan(tables)
    assert found.allocations["units"].to_list() == [0]
    assert parts(found)[found.allocations["warehouse_id"][0]].short == found.certificate["parcels_short"][0] > 0


def test_goods_that_take_no_room_stand_nowhere_without_a_way() -> None:
    tables = stock_tables()
    tables["categories"] = pl.DataFrame(
        {"category": ["toys"], "name": ["Toys"], "units_per_parcel": [1.0], "places_per_unit": [0.0]}
    )
    assert set(plan(tables).allocations["warehouse_id"]) == {"WN", "WS"}
    tables["lanes"] = tables["lanes"].filter(pl.col("lane_id") == "S-N")
    assert plan(tables).allocations["warehouse_id"].to_list() == ["WN"]


def test_sending_capacity_holds_on_the_busiest_day() -> None:
    tables = stock_tables()
    tables["warehouses"] = tables["warehouses"].with_columns(dispatch_capacity=pl.Series([1000, 20]))
    # half of the units leave on the busiest day: 20 parcels a day make 40 units
    assert dict(plan(tables).allocations.select("warehouse_id", "units").iter_rows())["WS"] == 40


def test_price_of_a_hub_moves_stock_only_where_its_buyers_do_not_pass_it_anyway() -> None:
    # the south's buyers stand behind S: their parcels load it wherever they leave from
    assert plan_stock(stock_tables(), hub_prices={"S": 10.0}).allocations["warehouse_id"].to_list() == ["WN", "WS"]
    # with the north's courier dearer than the way from S, only the price keeps its stock in the north
    tables = stock_tables()
    tables["courier_rates"] = tables["courier_rates"].with_columns(price=pl.Series([9.0, 6.0, 2.0, 2.0]))
    assert plan_stock(tables).allocations["warehouse_id"].to_list() == ["WS"]
    assert plan_stock(tables, hub_prices={"S": 10.0}).allocations["warehouse_id"].to_list() == ["WN", "WS"]


def test_no_price_of_a_hub_makes_no_place_better_than_a_place() -> None:
    """Two hubs at prices far above what a unit without room costs: every unit stands somewhere all the same."""
    found = plan_stock(stock_tables(), hub_prices={"N": 1_500.0, "S": 900.0})
    row = found.certificate.row(0, named=True)
    assert (row["parcels_short"], found.shortages.height, found.short_cost) == (0, 0, 0.0)
    assert row["parcels_planned"] == plan().certificate["parcels_planned"][0]


def test_hub_that_moves_a_part_goes_on_working() -> None:
    changes = pl.DataFrame(
        {
            "date": [date(2025, 1, 1)] * 4,
            "hub_id": ["A", "B", "B", "C"],
            "change": ["moves", "moves", "moves", "closes"],
            "successor_hub_id": ["X", "X", "Y", "Y"],
            "share": [0.3, 0.4, 0.6, None],
        }
    )
    assert follow_changes(changes, date(2025, 2, 1)) == {"B": "Y", "C": "Y"}
    ended = changes.with_columns(until=pl.lit(date(2025, 1, 20)))
    assert follow_changes(ended, date(2025, 2, 1)) == {}


def test_hub_that_closes_before_the_event_takes_no_stock() -> None:
    tables = stock_tables()
    tables["network_changes"] = pl.DataFrame(
        {"change_id": ["1"], "date": [date(2025, 10, 31)], "hub_id": ["S"], "change": ["closes"]}
    )
    assert plan(tables).allocations["warehouse_id"].to_list() == ["WN"]


def test_changes_are_followed_to_the_last_successor() -> None:
    changes = pl.DataFrame(
        {
            "date": [date(2025, 1, 1), date(2025, 2, 1), date(2025, 3, 1), date(2025, 1, 1), date(2025, 1, 5)],
            "hub_id": ["A", "B", "C", "D", "D"],
            "change": ["closes", "moves", "closes", "closes", "opens"],
            "successor_hub_id": ["B", "E", None, None, None],
            "share": [None, None, None, None, None],
        }
    )
    assert follow_changes(changes, date(2025, 2, 15)) == {"A": "E", "B": "E"}
    assert follow_changes(changes, date(2025, 1, 15)) == {"A": "B"}
    assert follow_changes(changes, date(2025, 1, 2)) == {"A": "B", "D": None}


def test_zones_beyond_the_most_join_the_nearest_and_are_served_by_parents_or_the_nearest_hub() -> None:
    regions = pl.DataFrame(
        {
            "region_id": ["P", "P1", "Q", "R"],
            "parent_region_id": [None, "P", None, None],
            "latitude": [30.0, 30.5, 40.0, 39.0],
            "longitude": [110.0, 110.0, 116.0, 116.0],
        }
    )
    hubs = pl.DataFrame(
        {"hub_id": ["HP", "HQ"], "region_id": ["P", None], "latitude": [30.0, 40.0], "longitude": [110.0, 116.0]}
    )
    zones = gather_zones(regions, hubs, {"P1": 100.0, "Q": 90.0, "R": 1.0}, most=2)
    assert zones.to_dicts() == [
        {"region_id": "P1", "zone": "P1", "hub_ids": ["HP"]},
        {"region_id": "Q", "zone": "Q", "hub_ids": ["HQ"]},
        {"region_id": "R", "zone": "Q", "hub_ids": ["HQ"]},
    ]
    nowhere = hubs.with_columns(region_id=pl.lit("P"), latitude=pl.lit(None, pl.Float64))
    with pytest.raises(RadarError, match="no hub serves region Q"):
        gather_zones(regions, nowhere, {"Q": 1.0, "P1": 2.0})
    with pytest.raises(RadarError, match="no hub serves 2 regions: Q, R"):
        gather_zones(regions, nowhere, {"Q": 2.0, "R": 1.0, "P1": 3.0})


@pytest.mark.parametrize("name", ["sales", "merchants", "warehouses", "hubs", "regions"])
def test_empty_table_is_told(name: str) -> None:
    tables = stock_tables()
    tables[name] = tables[name].clear()
    with pytest.raises(RadarError, match=f"table {name} is empty"):
        plan(tables)


def test_stock_in_an_unknown_warehouse_is_told() -> None:
    tables = stock_tables()
    row = {"merchant_id": "M1", "category": "toys", "warehouse_id": "?", "units": 1, "as_of": date(2025, 10, 1)}
    tables["stock"] = pl.DataFrame([row])
    with pytest.raises(RadarError, match="unknown warehouse"):
        plan(tables)


@pytest.mark.parametrize("level", [0.0, 1.0, -1.0])
def test_impossible_service_level_is_told(level: float) -> None:
    with pytest.raises(RadarError, match="service level"):
        StockOptions(service_level=level)


def test_plan_repeats_to_the_byte() -> None:
    assert plan().allocations.equals(plan().allocations)


def test_reason_is_read_back_whole() -> None:
    reason = StockReason(
        "Double 11, 双11", "2025-11-01", "2025-11-13", 1200, 180, 1380, 300, 1080, "own", 1.12, 25.0,
        "CN-GD 60 %, a; b. 40 %", 1.4, 2.9, "G. H", 900, 3456.0, "2025-10-28", 20, "W-1, W-2",
    )  # fmt: skip
    assert read_reason(reason.write()) == reason
    assert read_reason("because") is None


def break_units(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(units=pl.col("units") + 1)


STOCK_MUTATIONS: dict[str, tuple[str, str, Callable[[pl.DataFrame], pl.DataFrame]]] = {
    "a unit more than its reason": ("stock.reason", "stock_allocations", break_units),
    "a reason in other words": (
        "stock.reason", "stock_allocations", lambda rows: rows.with_columns(reason=pl.lit("because")),
    ),
    "too little room": (
        "stock.storage", "warehouses", lambda rows: rows.with_columns(storage_capacity=pl.lit(50)),
    ),
    "an unknown warehouse": (
        "id.unknown", "stock_allocations", lambda rows: rows.with_columns(warehouse_id=pl.lit("?")),
    ),
    "an unknown merchant": ("id.unknown", "merchants", lambda rows: rows.clear()),
    "a row twice": ("table.duplicate", "stock_allocations", lambda rows: pl.concat([rows, rows])),
    "negative units": (
        "table.value", "stock_allocations", lambda rows: rows.with_columns(units=-pl.col("units")),
    ),
    "sent too late": (
        "stock.ship_by", "stock_allocations", lambda rows: rows.with_columns(ship_by=pl.lit(date(2025, 11, 2))),
    ),
    "another sum of units": (
        "certificate.totals", "plan_certificates", lambda rows: rows.with_columns(parcels_planned=pl.lit(7)),
    ),
    "a bound above the cost": (
        "certificate.bound", "plan_certificates", lambda rows: rows.with_columns(lower_bound=pl.col("cost") * 2),
    ),
    "a wrong gap": ("certificate.gap", "plan_certificates", lambda rows: rows.with_columns(gap=pl.lit(0.5))),
    "no certificate": ("certificate.missing", "plan_certificates", lambda rows: rows.clear()),
    "a wrong status": (
        "certificate.status", "plan_certificates", lambda rows: rows.with_columns(status=pl.lit("shortfalls")),
    ),
    "violations that are none": (
        "certificate.violations", "plan_certificates", lambda rows: rows.with_columns(violations=pl.lit(3)),
    ),
}  # fmt: skip


def test_valid_stock_plan_has_no_violation() -> None:
    assert check_stock(check_tables(stock_tables(), plan())) == []


@pytest.mark.parametrize("name", STOCK_MUTATIONS)
def test_broken_stock_plan_is_found(name: str) -> None:
    rule, table, mutate = STOCK_MUTATIONS[name]
    tables = check_tables(stock_tables(), plan())
    tables[table] = mutate(tables[table])
    assert rule in {violation.rule for violation in check_stock(tables)}
