"""Stock on the first day of an event, by hand: counted, received, sold; planner and checker reckon it apart and alike."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from data.contracts import contract
from routing.checker.stock_on_hand import count_on_hand
from routing.stock.on_hand import OnHand, run_down

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
