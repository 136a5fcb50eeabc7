from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.contracts import contract
from weather.adjustment.forecasts import (
    CATCH_UP,
    QUANTILES,
    apply_change,
    change_by_hub,
    change_by_region,
    hold_back,
    move_routes,
    round_in_groups,
    share_among_outlets,
)

FIRST = date(2025, 11, 8)
DAYS = [FIRST + timedelta(days=step) for step in range(4)]
HUBS = ["A", "B"]
ONE = np.array([0], dtype=np.int64)


def test_half_a_day_held_back_comes_over_the_days_after() -> None:
    due = np.array([[100, 0, 0, 0]], dtype=np.int64)
    handled = np.array([[0.6, 1.0, 1.0, 1.0]])
    left, waiting = hold_back(due, handled, ONE)
    # 40 wait; half of what waits goes each day
    assert left.tolist() == [[60, 20, 10, 5]]
    assert waiting.tolist() == [5]


def test_second_bad_day_holds_back_what_waits_too() -> None:
    left, waiting = hold_back(np.array([[100, 100, 0]], dtype=np.int64), np.array([[0.5, 0.0, 1.0]]), ONE, catch_up=1.0)
    assert left.tolist() == [[50, 0, 150]]
    assert waiting.tolist() == [0]


def test_lone_parcel_does_not_wait_for_ever() -> None:
    left, waiting = hold_back(np.array([[1, 0, 0]], dtype=np.int64), np.array([[0.0, 1.0, 1.0]]), ONE)
    assert left.tolist() == [[0, 1, 0]]
    assert waiting.tolist() == [0]


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_no_parcel_is_lost_or_made(data: st.DataObject) -> None:
    routes, days = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 6))
    counts = st.lists(st.integers(0, 10_000), min_size=routes * days, max_size=routes * days)
    shares = st.lists(st.floats(0, 1), min_size=routes * days, max_size=routes * days)
    due = np.array(data.draw(counts), dtype=np.int64).reshape(routes, days)
    handled = np.array(data.draw(shares)).reshape(routes, days)
    group = np.sort(np.array(data.draw(st.lists(st.integers(0, 2), min_size=routes, max_size=routes)), dtype=np.int64))
    left, waiting = hold_back(due, handled, group)
    assert (left >= 0).all()
    assert (waiting >= 0).all()
    assert (left.sum(axis=1) + waiting == due.sum(axis=1)).all()
    # nobody leaves before the day he is due
    assert (np.cumsum(left, axis=1) <= np.cumsum(due, axis=1)).all()
    for route in range(routes):
        if (group == group[route]).sum() == 1:  # its roundings are its own, so its days can be told one by one
            wait = 0
            for day in range(days):
                stays = wait + due[route, day] - handled[route, day] * (due[route, day] + CATCH_UP * wait)
                wait = min(int(np.floor(stays + 0.5 - 1e-6)), wait + int(due[route, day]))
                assert left[route, : day + 1].sum() == due[route, : day + 1].sum() - wait
    if (handled == 1.0).all() or not due.any():
        assert (left == due).all()


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 1e5)), max_size=30))
@settings(deadline=None)
def test_rounding_keeps_the_sum_of_each_group(pairs: list[tuple[int, float]]) -> None:
    pairs.sort(key=lambda pair: pair[0])
    group = np.array([pair[0] for pair in pairs], dtype=np.int64)
    values = np.array([pair[1] for pair in pairs], dtype=np.float64)
    whole = round_in_groups(values, group)
    assert (np.abs(whole - values) < 1.0 + 1e-6).all()
    for one in np.unique(group):
        assert abs(whole[group == one].sum() - values[group == one].sum()) <= 0.5 + 1e-5


def routes(*cells: tuple[date, str, str, str, int]) -> pl.DataFrame:
    columns = ["date", "courier_id", "origin_hub_id", "destination_hub_id", "before"]
    return pl.DataFrame(cells, schema=columns, orient="row")


def test_both_ends_must_handle_a_parcel() -> None:
    plan = routes((DAYS[0], "c", "A", "B", 100), (DAYS[0], "c", "B", "A", 100), (DAYS[0], "c", "A", "A", 100))
    out = np.array([[0.5, 1, 1, 1], [1, 1, 1, 1]], dtype=np.float64)
    into = np.array([[1, 1, 1, 1], [0.8, 1, 1, 1]], dtype=np.float64)
    moved = move_routes(plan, DAYS, HUBS, out, into)
    first = moved.rows.filter(date=DAYS[0])
    assert first.select("origin_hub_id", "destination_hub_id", "after").rows() == [
        ("A", "A", 50),
        ("A", "B", 40),
        ("B", "A", 100),
    ]
    assert moved.rows["after"].sum() + moved.waiting == 300


def forecast(rows: list[dict[str, Any]]) -> pl.DataFrame:
    full = []
    for row in rows:
        mean = row["mean"]
        parts = {"event": 1.0, "weather": 1.0, "override": 1.0} | {k: row[k] for k in ("event", "override") if k in row}
        parts["baseline"] = mean / (parts["event"] * parts["override"])
        quantiles = dict(zip(QUANTILES, (int(mean * f) for f in (0.6, 0.7, 0.9, 1.0, 1.1, 1.3, 1.5)), strict=True))
        full.append({"as_of": date(2025, 11, 7)} | row | quantiles | parts)
    return pl.DataFrame(full)


def test_factor_stands_in_its_column_and_multiplies_out() -> None:
    rows = forecast(
        [{"date": DAYS[0], "mean": 300, "event": 1.7, "override": 1.1}, {"date": DAYS[1], "mean": 7, "event": 1.3}]
    )
    change = pl.DataFrame({"date": [DAYS[0]], "change": [-90]})
    after = apply_change(rows, change, ["date"])
    assert after["mean"].to_list() == [210, 7]
    assert after["weather"].to_list() == [pytest.approx(0.7), 1.0]
    assert after["baseline"].to_list() == rows["baseline"].to_list()
    assert after["q90"].to_list() == [273, 9]
    contract("network_forecasts").conform(after.with_columns(run_id=pl.lit("r")))


def test_a_level_nobody_forecast_stays_empty() -> None:
    rows = forecast([{"date": DAYS[0], "mean": 300}]).clear()
    change = pl.DataFrame({"date": [DAYS[0]], "change": [5]})
    assert apply_change(rows, change, ["date"]).equals(rows)


def test_adjusting_twice_starts_from_the_fair_day() -> None:
    rows = forecast([{"date": DAYS[0], "mean": 300, "event": 1.7}])
    change = pl.DataFrame({"date": [DAYS[0]], "change": [-90]})
    once = apply_change(rows, change, ["date"])
    twice = apply_change(once, change, ["date"])
    assert twice["mean"].to_list() == [210]
    assert twice["weather"].to_list() == pytest.approx(once["weather"].to_list())


def test_parcels_that_arrive_on_a_day_without_any_get_a_row() -> None:
    rows = forecast([{"date": DAYS[0], "mean": 10}, {"date": DAYS[1], "mean": 0, "event": 1.2}])
    change = pl.DataFrame({"date": DAYS[:3], "change": [-6, 4, 2]})
    after = apply_change(rows, change, ["date"])
    assert after["mean"].to_list() == [4, 4, 2]
    assert after["as_of"].null_count() == 0
    product = after["baseline"] * after["event"] * after["weather"] * after["override"]
    assert product.to_list() == pytest.approx([4.0, 4.0, 2.0])
    contract("network_forecasts").conform(after.with_columns(run_id=pl.lit("r")))


def test_all_held_back_keeps_the_baseline() -> None:
    rows = forecast([{"date": DAYS[0], "mean": 10}])
    after = apply_change(rows, pl.DataFrame({"date": [DAYS[0]], "change": [-10]}), ["date"])
    assert after.select("mean", "weather", "baseline").row(0) == (0, 0.0, 10.0)


NETWORK = pl.DataFrame({"hub_id": ["A", "B"], "region_id": ["city", "other"]})
REGIONS = pl.DataFrame({"region_id": ["city", "province", "other"], "parent_region_id": ["province", None, None]})


@given(
    st.lists(st.integers(0, 500), min_size=16, max_size=16),
    st.lists(st.floats(0.2, 1.0), min_size=16, max_size=16),
)
@settings(max_examples=60, deadline=None)
def test_every_level_adds_up(parcels: list[int], shares: list[float]) -> None:
    pairs = [(origin, end) for origin in HUBS for end in HUBS]
    plan = routes(
        *((day, "c", *pair, parcels[4 * d + p]) for d, day in enumerate(DAYS) for p, pair in enumerate(pairs))
    )
    handled = np.array(shares).reshape(2, 2, 4)
    moved = move_routes(plan, DAYS, HUBS, handled[0], handled[1])
    by_hub = change_by_hub(moved.rows)
    regions = change_by_region(NETWORK, REGIONS, by_hub)
    total = moved.rows.group_by("date").agg(change=(pl.col("after") - pl.col("before")).sum()).sort("date")
    for direction in ("out", "in"):
        from_hubs = by_hub.filter(direction=direction)["change"].sum()
        assert from_hubs == total["change"].sum() == -moved.waiting
        top = regions.filter(pl.col("direction") == direction, pl.col("region_id").is_in(["province", "other"]))
        assert top["change"].sum() == from_hubs
        city = regions.filter(direction=direction, region_id="city").select("date", "change")
        assert city.equals(regions.filter(direction=direction, region_id="province").select("date", "change"))


def test_outlet_under_worse_weather_gives_more() -> None:
    outlets = pl.DataFrame({"outlet_id": ["o1", "o2", "o3"], "courier_id": ["c", "c", "d"], "hub_id": ["A", "A", "A"]})
    rows = pl.DataFrame(
        {"date": [DAYS[0]] * 3, "outlet_id": ["o1", "o2", "o3"], "direction": ["pickup"] * 3, "before": [100, 100, 100]}
    )
    change = pl.DataFrame(
        {"date": [DAYS[0]], "courier_id": ["c"], "hub_id": ["A"], "change": [-50], "direction": ["out"]}
    )
    weather = pl.DataFrame({"date": [DAYS[0]] * 2, "outlet_id": ["o1", "o2"], "capacity_factor": [0.5, 1.0]})
    shared = share_among_outlets(rows, outlets, change, weather)
    # 150 parcels by 50 : 100
    assert shared.select("outlet_id", "change").rows() == [("o1", -50)]


def test_outlets_take_up_what_a_hub_catches_up() -> None:
    outlets = pl.DataFrame({"outlet_id": ["o1", "o2"], "courier_id": ["c", "c"], "hub_id": ["A", "A"]})
    rows = pl.DataFrame(
        {"date": [DAYS[1]] * 2, "outlet_id": ["o1", "o2"], "direction": ["delivery"] * 2, "before": [30, 10]}
    )
    change = pl.DataFrame({"date": [DAYS[1]], "courier_id": ["c"], "hub_id": ["A"], "change": [7], "direction": ["in"]})
    fair = pl.DataFrame(schema={"date": pl.Date, "outlet_id": pl.String, "capacity_factor": pl.Float64})
    shared = share_among_outlets(rows, outlets, change, fair)
    assert shared["change"].sum() == 7
    assert shared.filter(outlet_id="o1")["change"].item() == 5
