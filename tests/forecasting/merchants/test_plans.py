"""What merchants announce: believed as they were right before, wild and contradicting plans, joins, leaves and moves, and routes."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from data.contracts import contract
from forecasting.merchants.cube import Cube, MerchantInputs, forecast_merchants
from forecasting.merchants.plans import PLANS, Belief, bend
from forecasting.merchants.route_moves import move_routes
from forecasting.series.panel import Panel, days_from
from tests.forecasting.merchants.test_cube import AS_OF, HORIZON, inputs

FIRST, LAST = AS_OF + dt.timedelta(days=1), AS_OF + dt.timedelta(days=HORIZON)
WRITTEN = dt.datetime(2025, 10, 20, tzinfo=dt.UTC)


def plans(*rows: dict[str, Any]) -> pl.DataFrame:
    if not rows:
        return contract("merchant_plans").empty()
    whole = [{"date_from": FIRST, "date_to": LAST, "written_at": WRITTEN, "category": "*", **row} for row in rows]
    return contract("merchant_plans").conform(pl.DataFrame(whole, infer_schema_length=None))


def told(*rows: dict[str, Any], given: MerchantInputs | None = None) -> Cube:
    return forecast_merchants(replace(given or inputs(), plans=plans(*rows)), AS_OF, HORIZON)


def units(cube: Cube, merchant: str) -> float:
    return float(cube.table.filter(pl.col("merchant_id") == merchant)["mean"].sum())


def test_a_first_plan_is_believed_as_sure_as_it_says() -> None:
    before = told()
    for sd, slope in ((0.5, 0.5), (0.25, 0.8), (1.0, 0.2)):
        cube = told({"merchant_id": "M1", "growth": 1.5, "sd": sd})
        assert units(cube, "M1") / units(before, "M1") == pytest.approx(1.5**slope)
        assert units(cube, "M2") == pytest.approx(units(before, "M2"))


def test_units_are_held_against_what_is_expected_on_the_same_days() -> None:
    before = told()
    half = LAST - dt.timedelta(days=HORIZON // 2)
    expected = units(before, "M1") / 2
    by_units = told({"merchant_id": "M1", "units": round(2 * expected), "date_to": half, "sd": 0.5})
    by_growth = told({"merchant_id": "M1", "growth": 2.0, "date_to": half, "sd": 0.5})
    assert units(by_units, "M1") == pytest.approx(units(by_growth, "M1"), rel=1e-3)


def test_who_was_right_is_believed_and_who_was_wrong_is_not() -> None:
    """M1 grew by half as it had said, M2 announced the same twice and did not."""
    past = [(AS_OF - dt.timedelta(days=n), AS_OF - dt.timedelta(days=n - 13)) for n in (120, 200)]
    given = inputs()
    grew = pl.lit(False)
    for first, last in past:
        grew |= pl.col("date").is_between(first, last) & (pl.col("merchant_id") == "M1")
    given = replace(
        given, sales=given.sales.with_columns(units=pl.when(grew).then(75).otherwise("units").cast(pl.Int64))
    )
    history = [
        {"merchant_id": merchant, "growth": 1.5, "date_from": first, "date_to": last,
         "written_at": dt.datetime.combine(first - dt.timedelta(days=5), dt.time(), dt.UTC)}
        for merchant in ("M1", "M2") for first, last in past
    ]  # fmt: skip
    now = [{"merchant_id": merchant, "growth": 1.5} for merchant in ("M1", "M2")]
    before, cube = told(given=given), told(*history, *now, given=given)
    right, wrong = (units(cube, merchant) / units(before, merchant) for merchant in ("M1", "M2"))
    assert right > 1.4
    assert wrong < 1.15


def test_a_slip_of_the_pen_moves_little_and_is_told() -> None:
    before = told()
    for odd in (10**9, 0):
        cube = told({"merchant_id": "M1", "units": odd})
        assert units(cube, "M1") / units(before, "M1") == pytest.approx(1.0, abs=0.1)
        assert ["little of it is believed" in note for note in cube.notes] == [True]
    ten = told({"merchant_id": "M2", "growth": 10.0})
    total = sum(units(ten, m) for m in ("M1", "M2")) / sum(units(before, m) for m in ("M1", "M2"))
    assert total - 1 < 0.05
    assert bend(PLANS.most) == pytest.approx(PLANS.most)
    assert abs(bend(-9.0)) < abs(bend(-2.0)) < PLANS.most


def test_of_two_plans_the_latest_counts_and_of_one_moment_their_mean() -> None:
    up, down = (
        {"merchant_id": "M1", "growth": 1.5},
        {"merchant_id": "M1", "growth": 0.8, "date_from": FIRST - dt.timedelta(days=1)},
    )
    before = units(told(), "M1")
    later = told(up, {**down, "written_at": WRITTEN + dt.timedelta(hours=1)})
    assert units(later, "M1") / before == pytest.approx(0.8**0.5)
    assert not later.notes
    same = told(up, down)
    assert units(same, "M1") / before == pytest.approx((1.5 * 0.8) ** 0.25)
    assert ["contradict each other" in note for note in same.notes] == [True]


def test_a_plan_for_a_category_counts_before_one_for_all() -> None:
    cube = told(
        {"merchant_id": "M1", "growth": 1.5},
        {"merchant_id": "M1", "category": "toys", "growth": 0.8, "written_at": WRITTEN - dt.timedelta(days=3)},
    )
    assert units(cube, "M1") / units(told(), "M1") == pytest.approx(0.8**0.5)


def test_who_leaves_joins_and_moves() -> None:
    middle = FIRST + dt.timedelta(days=7)
    given = inputs()
    people = pl.concat(
        [given.merchants, given.merchants.head(1).with_columns(merchant_id=pl.lit("NEW"), hub_id=pl.lit("B"))]
    )
    given = replace(given, merchants=people)
    cube = told(
        {"merchant_id": "M2", "change": "leaves", "date_from": middle},
        {"merchant_id": "NEW", "change": "joins", "hub_id": "A", "units": 700, "date_from": middle},
        {"merchant_id": "M1", "change": "moves", "hub_id": "B", "date_from": middle},
        given=given,
    )
    daily = {(m, d): u for m, d, u in cube.table.group_by("merchant_id", "date").agg(pl.col("mean").sum()).iter_rows()}
    assert daily["M2", middle] == pytest.approx(3.0)
    assert daily["M2", middle - dt.timedelta(days=1)] == pytest.approx(30.0)
    # 100 a day announced, three quarters believed, on a day that sells twice an ordinary one
    assert daily["NEW", middle] == pytest.approx(150.0)
    assert ("NEW", FIRST) not in daily
    assert set(cube.table.filter(pl.col("merchant_id") == "NEW")["category"]) == {"toys", "food"}
    hubs = dict(cube.table.filter(pl.col("merchant_id") == "M1").select("date", "hub_id").unique().iter_rows())
    assert (hubs[FIRST], hubs[middle]) == ("A", "B")
    of_day = cube.moves.filter(pl.col("date") == middle).group_by("hub_id").agg(pl.col("parcels").sum())
    moved = dict(of_day.iter_rows())
    assert moved["A"] == pytest.approx(150.0 - 220.0)
    assert moved["B"] == pytest.approx(220.0 - 27.0)
    assert cube.moves.filter(pl.col("date") < middle).is_empty()


def test_plans_without_days_ahead_or_merchants_change_nothing() -> None:
    plain = told()
    cube = told(
        {"merchant_id": "NOBODY", "growth": 3.0},
        {
            "merchant_id": "M1",
            "growth": 3.0,
            "date_from": LAST + dt.timedelta(days=1),
            "date_to": LAST + dt.timedelta(days=9),
        },
    )
    assert cube.table.equals(plain.table)
    assert cube.moves.is_empty()
    assert plain.moves.is_empty()


def test_only_the_difference_moves_the_routes_and_none_falls_below_nothing() -> None:
    routes = pl.DataFrame(
        {"courier_id": ["c"] * 4, "origin_hub_id": ["A", "A", "A", "B"], "destination_hub_id": ["N", "S", "T", "N"]}
    )
    dates = days_from(FIRST, 2)
    panel = Panel(routes, dates - np.timedelta64(2, "D"), np.zeros((4, 2), dtype=np.float32))
    mean = np.array([[60.0, 60.0], [30.0, 30.0], [10.0, 10.0], [50.0, 50.0]])
    regions = {"N": "north", "S": "south", "T": "south"}
    rows = [
        (FIRST, "A", "south", 40.0),
        (FIRST, "A", "north", -10.0),
        (FIRST + dt.timedelta(days=1), "A", "north", -500.0),
    ]
    moves = pl.DataFrame(rows, schema=["date", "hub_id", "region_id", "parcels"], orient="row")
    found = move_routes(mean, panel, dates, moves, regions)
    assert found[:3, 0].sum() == pytest.approx(130.0)
    assert found[1, 0] > 50.0
    assert found[0, 0] < 60.0 + 40.0 / 3
    assert found[:3, 1].sum() == pytest.approx(40.0)
    assert (found >= 0).all()
    np.testing.assert_array_equal(found[3], mean[3])


def test_beliefs_are_shares() -> None:
    odd = Belief(announced=1.0, followed=5.0, of_merchant={"M": (2.0, -3.0)})
    assert odd.slope("M", 0.3) == 0.0
    assert odd.slope("other", 0.3) == 1.0
