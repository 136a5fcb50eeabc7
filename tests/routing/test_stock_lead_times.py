"""When goods must leave: back from the day on the shelf, by lead times as waybills show them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from cli.plan_stock import latest_dispatch
from data.errors import RadarError
from data.reasons import read_reason
from routing.checker.stock import check_stock
from routing.stock.options import StockOptions
from routing.stock.plan import StockPlan, plan_stock
from routing.stock.task import WAYBILLS
from tests.routing.stock_cases import stock_tables
from tests.routing.test_stock_plan import check_tables

START = datetime(2025, 9, 1, tzinfo=UTC)


def waybills(hours: list[float], *, ends: tuple[str, str] = ("N", "S")) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "origin_hub_id": ends[0], "destination_hub_id": ends[1], "picked_up_at": START,
            "arrived_at": [START + timedelta(hours=hour) for hour in hours],
        }
    )  # fmt: skip


def plan(bills: pl.DataFrame | None = None, **options: object) -> StockPlan:
    tables = stock_tables() | ({} if bills is None else {WAYBILLS: bills})
    return plan_stock(tables, StockOptions(**options))  # type: ignore[arg-type]


def ship_by(found: StockPlan) -> dict[str, date]:
    return dict(found.allocations.select("warehouse_id", "ship_by").iter_rows())


def test_goods_leave_back_from_the_day_on_the_shelf() -> None:
    # two days to put away; 30 hours to the south are two days
    assert ship_by(plan(on_shelf=date(2025, 10, 29))) == {"WN": date(2025, 10, 27), "WS": date(2025, 10, 25)}
    for day in (date(2025, 11, 2), date(2025, 10, 20)):
        with pytest.raises(RadarError, match=r"on the shelf by .* correct --on-shelf"):
            plan(on_shelf=day)


def test_the_surer_the_earlier() -> None:
    """One way in ten takes 60 hours in place of 30, the others 33."""
    bills = waybills([33.0] * 90 + [60.0] * 10)
    assert ship_by(plan(bills, confidence=0.5))["WS"] == date(2025, 10, 28)
    late = plan(bills, confidence=0.95)
    assert ship_by(late)["WS"] == date(2025, 10, 27)
    assert check_stock(check_tables(stock_tables(), late)) == []


def test_few_waybills_or_of_one_hub_alone_say_nothing() -> None:
    for bills in (
        waybills([300.0] * 20),
        waybills([300.0] * 90, ends=("N", "N")),
        waybills([300.0] * 90, ends=("X", "S")),
    ):
        assert ship_by(plan(bills, confidence=0.9)) == ship_by(plan())


def test_a_day_that_has_passed_is_told_and_what_it_costs() -> None:
    found = plan(waybills([140.0] * 60), confidence=0.9, on_shelf=date(2025, 10, 26))
    reason = {row["warehouse_id"]: read_reason(row["reason"]) for row in found.allocations.iter_rows(named=True)}["WS"]
    assert reason is not None
    assert reason.missed == "2025-10-18"
    rows = latest_dispatch(found).row(0, named=True)
    assert (rows["merchant_id"], rows["dispatch_by"], rows["missed"]) == ("M1", date(2025, 10, 21), 1)
    told = [read_reason(text) for text in found.allocations["reason"]]
    assert rows["two_days_late"] == sum(part.late for part in told if part is not None)


@pytest.mark.parametrize("confidence", [0.0, 1.0, -2.0])
def test_a_confidence_is_a_share(confidence: float) -> None:
    with pytest.raises(RadarError, match="set --confidence"):
        StockOptions(confidence=confidence)
