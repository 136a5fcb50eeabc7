from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weather.adjustment.deliveries import change_arrivals, days_to_delivery, hold_deliveries

FIRST = date(2025, 11, 8)
DAYS = [FIRST + timedelta(days=step) for step in range(4)]
OUTLETS = pl.DataFrame({"outlet_id": ["o1", "o2"], "courier_id": ["c", "c"], "hub_id": ["A", "A"]})
NO_ARRIVALS = pl.DataFrame(
    schema={"date": pl.Date, "courier_id": pl.String, "hub_id": pl.String, "change": pl.Int64, "direction": pl.String}
)


def deliveries(*parcels: list[int]) -> pl.DataFrame:
    cells = [
        (day, f"o{one}", "delivery", count)
        for one, row in enumerate(parcels, start=1)
        for day, count in zip(DAYS, row, strict=True)
    ]
    return pl.DataFrame(cells, schema=["date", "outlet_id", "direction", "before"], orient="row")


def productivity(**by_outlet: list[float]) -> pl.DataFrame:
    cells = [(day, outlet, value) for outlet, row in by_outlet.items() for day, value in zip(DAYS, row, strict=True)]
    schema = {"date": pl.Date, "outlet_id": pl.String, "capacity_factor": pl.Float64}
    return pl.DataFrame(cells, schema=schema, orient="row")


def test_couriers_bring_what_they_can_and_the_rest_later() -> None:
    due = deliveries([100, 100, 100, 100], [50, 50, 50, 50])
    change, waiting = hold_deliveries(due, OUTLETS, NO_ARRIVALS, productivity(o1=[1.0, 0.5, 1.0, 1.0]), DAYS, 0.2)
    # 60 of 100 on the second day; then 20 and 10 of the 40 that wait
    assert change.select("date", "outlet_id", "change").rows() == [
        (DAYS[1], "o1", -40),
        (DAYS[2], "o1", 20),
        (DAYS[3], "o1", 10),
    ]
    assert waiting == 10


def test_spare_takes_up_a_small_loss() -> None:
    change, waiting = hold_deliveries(
        deliveries([100] * 4, [50] * 4), OUTLETS, NO_ARRIVALS, productivity(o1=[0.9] * 4), DAYS, 0.15
    )
    assert change.is_empty()
    assert waiting == 0


def test_what_left_later_arrives_later() -> None:
    moved = pl.DataFrame(
        {
            "date": DAYS[:2],
            "courier_id": ["c"] * 2,
            "origin_hub_id": ["B"] * 2,
            "destination_hub_id": ["A"] * 2,
            "before": [90, 10],
            "after": [60, 40],
        }
    )
    lags = pl.DataFrame({"origin_hub_id": ["B"], "destination_hub_id": ["A"], "lag": [2]})
    arrivals = change_arrivals(moved, lags)
    assert arrivals.select("date", "hub_id", "direction", "change").rows() == [
        (DAYS[2], "A", "in", -30),
        (DAYS[3], "A", "in", 30),
    ]
    change, _ = hold_deliveries(deliveries([100] * 4, [50] * 4), OUTLETS, arrivals, productivity(), DAYS, 0.15)
    assert change.group_by("date").agg(pl.col("change").sum()).sort("date").rows() == [(DAYS[2], -30), (DAYS[3], 30)]


@given(
    st.lists(st.lists(st.integers(0, 400), min_size=4, max_size=4), min_size=2, max_size=2),
    st.lists(st.lists(st.floats(0, 1), min_size=4, max_size=4), min_size=2, max_size=2),
)
@settings(deadline=None, max_examples=60)
def test_no_delivery_is_lost(parcels: list[list[int]], work: list[list[float]]) -> None:
    due = deliveries(*parcels)
    change, waiting = hold_deliveries(due, OUTLETS, NO_ARRIVALS, productivity(o1=work[0], o2=work[1]), DAYS, 0.1)
    assert change["change"].sum() == -waiting
    after = due.join(change, on=["date", "outlet_id"], how="left").select(
        pl.col("before") + pl.col("change").fill_null(0)
    )
    assert after.to_series().min() >= 0  # type: ignore[operator]


def test_days_to_delivery_from_waybills_lanes_or_neither() -> None:
    picked = datetime(2025, 11, 8, 8, tzinfo=UTC)
    waybills = pl.DataFrame(
        {
            "origin_hub_id": ["A"] * 21 + ["B"],
            "destination_hub_id": ["B"] * 21 + ["A"],
            "picked_up_at": [picked] * 22,
            "out_for_delivery_at": [picked + timedelta(days=3)] * 20 + [None, picked + timedelta(days=9)],
        }
    )
    lanes = pl.DataFrame(
        {"origin_hub_id": ["A", "B", "B"], "destination_hub_id": ["B", "A", "A"], "transit_hours": [10.0, 30.0, 50.0]}
    )
    pairs = pl.DataFrame({"origin_hub_id": ["A", "B", "A", "A"], "destination_hub_id": ["B", "A", "A", "C"]})
    lags = days_to_delivery(waybills, lanes, pairs, ZoneInfo("Asia/Shanghai"))
    assert lags.rows() == [("A", "A", 1), ("A", "B", 3), ("A", "C", 2), ("B", "A", 2)]


@pytest.mark.parametrize("rows", [[], ["pickup"]])
def test_network_without_deliveries_has_none_to_hold(rows: list[str]) -> None:
    frame = deliveries([1] * 4, [1] * 4).with_columns(direction=pl.lit("pickup")).head(len(rows))
    change, waiting = hold_deliveries(frame, OUTLETS, NO_ARRIVALS, productivity(), DAYS, 0.1)
    assert (change.height, waiting) == (0, 0)
