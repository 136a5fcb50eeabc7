"""Stock on the first day of an event, by hand: counted, received, sold; planner and checker reckon it apart and alike."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import polars as pl
import pytest

from data.contracts import contract
from routing.checker.stock_on_hand import count_on_hand
from routing.stock.on_hand import OnHand, Serving, run_down

AS_OF = date(2025, 10, 31)
FIRST = date(2025, 11, 10)


def make_tables() -> dict[str, pl.DataFrame]:
    """M1 sells 7 lamps a day, M2 2 pans; M1 stands in two warehouses, counted on 29 October, M2's only count is a year old."""
    days = [AS_OF - timedelta(days=n) for n in range(40)]
    sales = [
        (day, m, c, region, n)
        for day in days
        for region in ("r", "s")
        for m, c, n in (("M1", "lamps", 3.5), ("M2", "pans", 1.0))
    ]
    stock = [
        ("M1", "lamps", "W1", 999, date(2025, 10, 1)),
        ("M1", "lamps", "W1", 60, date(2025, 10, 29)),
        ("M1", "lamps", "W2", 20, date(2025, 10, 29)),
        ("M1", "lamps", "W2", 5000, date(2025, 11, 2)),
        ("M2", "pans", "W1", 70, date(2024, 10, 1)),
    ]
    receipts = [
        ("M1", "lamps", "W2", date(2025, 11, 5), 20),
        ("M1", "lamps", "W2", date(2025, 10, 20), 300),
        ("M1", "lamps", "W1", date(2025, 11, 11), 400),
        ("M3", "pots", "W1", date(2025, 11, 10), 9),
    ]
    names = ["merchant_id", "category", "warehouse_id"]
    sold = pl.DataFrame(
        sales, schema=["date", "merchant_id", "category", "destination_region_id", "units"], orient="row"
    )
    sold = sold.with_columns(units=(pl.col("units") * 2).cast(pl.Int64)).filter(pl.col("destination_region_id") == "r")
    return {
        "sales": contract("sales").conform(sold),
        "stock": contract("stock").conform(pl.DataFrame(stock, schema=[*names, "units", "as_of"], orient="row")),
        "stock_receipts": contract("stock_receipts").conform(
            pl.DataFrame(receipts, schema=[*names, "sellable_on", "units"], orient="row")
        ),
    }


def run(tables: dict[str, pl.DataFrame], first: date = FIRST) -> OnHand:
    return run_down(tables["stock"], tables["stock_receipts"], tables["sales"], as_of=AS_OF, first=first)


def rows(frame: pl.DataFrame) -> list[tuple[object, ...]]:
    return frame.select("merchant_id", "category", "warehouse_id", "units").sort("merchant_id", "warehouse_id").rows()


def test_counted_and_received_less_sold_since() -> None:
    found = run(make_tables())
    # 60 + 20 counted and 20 sellable by then are 100; 2 days at 7 since the count and 9 days to the event are 77 sold, from each alike
    assert rows(found.stock) == [("M1", "lamps", "W1", 14), ("M1", "lamps", "W2", 9), ("M3", "pots", "W1", 9)]
    assert (found.sold, found.received, found.stale) == (77, 29, 1)


def test_more_sold_than_there_is_leaves_nothing_and_never_less() -> None:
    found = run(make_tables(), date(2026, 3, 1))
    assert {row[2]: row[3] for row in rows(found.stock) if row[0] == "M1"} == {"W1": 0, "W2": 0}


@pytest.mark.parametrize("ahead", [1, 5, 10, 40, 120])
def test_the_checker_comes_to_the_same_with_code_of_its_own(ahead: int) -> None:
    tables, first = make_tables(), AS_OF + timedelta(days=ahead)
    assert rows(count_on_hand(tables, AS_OF, first)) == rows(run(tables, first).stock)


def test_an_event_on_the_next_day_takes_the_count_less_what_was_sold_since() -> None:
    found = run(make_tables(), AS_OF + timedelta(days=1))
    assert rows(found.stock) == [("M1", "lamps", "W1", 50), ("M1", "lamps", "W2", 16)]
    tables = make_tables()
    tables["stock"] = tables["stock"].with_columns(as_of=pl.lit(AS_OF))
    assert run(tables, AS_OF + timedelta(days=1)).sold == 0


def source(rows: Sequence[tuple[str, str, str, date | None, float]]) -> dict[str, pl.DataFrame]:
    """The same tables with M1 at home behind H1; W1 stands behind H1, W2 behind H2."""
    sourcing = pl.DataFrame(
        [
            ("M1", category, region, hub, begins or date(2025, 1, 1), share)
            for category, region, hub, begins, share in rows
        ],
        schema=["merchant_id", "category", "region_id", "origin_hub_id", "date_from", "share"],
        orient="row",
    )
    return make_tables() | {
        "sourcing_today": contract("sourcing").conform(sourcing.with_columns(run_id=pl.lit("load-0001"))),
        "merchants": pl.DataFrame({"merchant_id": ["M1", "M2", "M3"], "hub_id": ["H1", "H2", "H1"]}),
        "warehouses": pl.DataFrame({"warehouse_id": ["W1", "W2"], "hub_id": ["H1", "H2"]}),
    }


def run_sourced(tables: dict[str, pl.DataFrame], first: date) -> OnHand:
    serving = Serving(tables["sourcing_today"], tables["merchants"], tables["warehouses"])
    return run_down(
        tables["stock"], tables["stock_receipts"], tables["sales"], as_of=AS_OF, first=first, serving=serving
    )


ALL_FROM_W2 = [("lamps", "r", "H2", None, 1.0)]
QUARTER_FROM_W2 = [("*", "r", "H2", None, 0.25)]
LATELY_FROM_W2 = [("lamps", "r", "H2", date(2025, 11, 1), 1.0)]
ELSEWHERE = [("lamps", "s", "H2", None, 1.0)]


@pytest.mark.parametrize(
    ("rows_of_sourcing", "left"),
    [
        # 7 a day: 2 days since the count; the event begins on the next day, so nothing is sold until then
        (ALL_FROM_W2, {"W1": 60, "W2": 6}),
        (QUARTER_FROM_W2, {"W1": 50, "W2": 16}),  # 14 x .75 from home, where W1 stands, and 3.5 from W2
        (LATELY_FROM_W2, {"W1": 46, "W2": 20}),  # until 31 October all left from home
        (ELSEWHERE, {"W1": 46, "W2": 20}),  # the region named sells nothing; the other one is served from home
    ],
)
def test_sales_run_down_the_stock_they_left_from(
    rows_of_sourcing: Sequence[tuple[str, str, str, date | None, float]], left: dict[str, int]
) -> None:
    found = run_sourced(source(rows_of_sourcing), AS_OF + timedelta(days=1))
    assert {row[2]: row[3] for row in rows(found.stock) if row[0] == "M1"} == left


def test_what_a_warehouse_no_longer_has_leaves_from_home_and_takes_nothing_from_another() -> None:
    found = run_sourced(source(ALL_FROM_W2), FIRST)
    # W2 has 20 and receives 20; 77 are sold from it
    assert {row[2]: row[3] for row in rows(found.stock) if row[0] == "M1"} == {"W1": 60, "W2": 0}


@pytest.mark.parametrize("ahead", [1, 5, 10, 40])
@pytest.mark.parametrize("given", [ALL_FROM_W2, QUARTER_FROM_W2, LATELY_FROM_W2, ELSEWHERE])
def test_the_checker_runs_down_by_sourcing_with_code_of_its_own(
    given: Sequence[tuple[str, str, str, date | None, float]], ahead: int
) -> None:
    tables, first = source(given), AS_OF + timedelta(days=ahead)
    assert rows(count_on_hand(tables, AS_OF, first)) == rows(run_sourced(tables, first).stock)


def test_each_count_is_run_down_by_what_was_sold_after_it() -> None:
    tables = make_tables()
    old = pl.col("as_of") == date(2025, 10, 29)
    tables["stock"] = tables["stock"].filter(~old | (pl.col("warehouse_id") == "W1"))
    later = tables["stock"].filter(old).with_columns(warehouse_id=pl.lit("W2"), as_of=pl.lit(AS_OF), units=pl.lit(60))
    tables["stock"] = pl.concat([tables["stock"], later.cast(tables["stock"].schema)])
    found = run(tables, AS_OF + timedelta(days=1))
    # W2 was counted after the 14 were sold, so only W1's half of them is gone
    assert {row[2]: row[3] for row in rows(found.stock) if row[0] == "M1"} == {"W1": 53, "W2": 60}
    assert rows(count_on_hand(tables, AS_OF, AS_OF + timedelta(days=1))) == rows(found.stock)
