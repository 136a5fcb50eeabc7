"""Demand of an event as the stock plan reads it from the cube: sums, factors told, safety."""

from __future__ import annotations

import math
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from data.contracts import contract
from data.errors import RadarError
from routing.stock.demand import Window, choose_window, expect_demand
from routing.stock.spread import Spread
from tests.routing.stock_cases import AS_OF, make_cube, stock_tables

EVENT = date(2025, 11, 1)


def tables() -> dict[str, pl.DataFrame]:
    own = stock_tables()
    names = ("sales", "merchants", "events", "promotions")
    tables = {name: contract(name).conform(own[name]) if name in own else contract(name).empty() for name in names}
    return tables | {"merchant_forecasts": own["merchant_forecasts"]}


def expect(given: dict[str, pl.DataFrame]) -> pl.DataFrame:
    window = choose_window(given["events"], AS_OF)
    return expect_demand(given["merchant_forecasts"], given["sales"], given["events"], window, as_of=AS_OF)[0]


def test_window_is_the_coming_event() -> None:
    assert choose_window(tables()["events"], AS_OF) == Window(EVENT, EVENT + timedelta(days=1), "Sale")


def test_days_given_without_an_event_are_named_by_their_dates() -> None:
    window = choose_window(tables()["events"], AS_OF, date(2025, 10, 22), date(2025, 10, 24))
    assert window.name == "2025-10-22 to 2025-10-24"


def test_no_event_ahead_is_told() -> None:
    given = tables()
    with pytest.raises(RadarError, match=r"(?i)no shopping event begins within 30 days"):
        choose_window(given["events"].clear(), AS_OF)
    with pytest.raises(RadarError, match="days in order"):
        choose_window(given["events"], AS_OF, AS_OF, AS_OF)


def test_expectation_is_the_cubes() -> None:
    rows = expect(tables()).to_dicts()
    assert [(row["region_id"], row["expected"]) for row in rows] == [("north", 120), ("south", 120)]
    assert rows[0]["cv"] == pytest.approx((0.25**2 + 0.1**2) ** 0.5)
    assert rows[0]["peak_share"] == pytest.approx(0.5)
    assert rows[0]["early_share"] == pytest.approx(1.0)
    assert (rows[0]["lift_told"], rows[0]["growth_told"], rows[0]["venue_told"]) == (3.0, 1.0, 1.0)


def test_factors_told_multiply_to_the_expectation() -> None:
    """Two items whose factors differ from day to day."""
    rows = [
        (EVENT + timedelta(days=day), "M1", category, "north", "N", base, lift)
        for category, base in (("toys", 100.0), ("food", 40.0))
        for day, lift in ((0, 3.0), (1, 1.5))
    ]
    factors = {"promotion": 1.2, "price": 1.1, "plan": 0.9, "override": 1.05, "weather": 0.97}
    product = pl.col("baseline") * pl.col("event")
    for factor in factors.values():
        product = product * factor
    given = tables()
    cube = make_cube(rows).with_columns(**{name: pl.lit(value) for name, value in factors.items()}, mean=product)
    given["merchant_forecasts"] = cube
    given["sales"] = pl.concat([given["sales"], given["sales"].with_columns(category=pl.lit("food"))])
    for row in expect(given).iter_rows(named=True):
        base = 200.0 if row["category"] == "toys" else 80.0
        told = [row[f"{name}_told"] for name in ("growth", "venue", "price", "lift", "weather")]
        assert told == pytest.approx([0.9 * 1.05, 1.2, 1.1, 2.25, 0.97])
        assert row["expected"] == round(base * math.prod(told))


def test_days_beyond_the_forecast_are_refused_with_what_to_do() -> None:
    given = tables()
    window = Window(EVENT, EVENT + timedelta(days=9), "ten days")
    cube = given["merchant_forecasts"]
    with pytest.raises(RadarError, match="no merchant of whom sales are expected"):
        expect_demand(cube.clear(), given["sales"], given["events"], window, as_of=AS_OF)
    for short in (cube, cube.filter(pl.col("date") > EVENT)):
        with pytest.raises(RadarError, match=r"forecast of merchants' orders holds .* --horizon"):
            expect_demand(short, given["sales"], given["events"], window, as_of=AS_OF)


def test_sales_after_the_as_of_date_are_not_seen() -> None:
    given = tables()
    later = (
        given["sales"]
        .filter(pl.col("date") == AS_OF)
        .with_columns(date=pl.lit(AS_OF + timedelta(days=1)), units=pl.lit(10**6, pl.Int64))
    )
    before = expect(given)
    given["sales"] = pl.concat([given["sales"], later])
    assert expect(given).equals(before)


def test_items_of_which_nothing_is_expected_have_no_rows() -> None:
    given = tables()
    nothing = given["merchant_forecasts"].with_columns(
        category=pl.lit("gloves"), baseline=pl.lit(0.0), mean=pl.lit(0.0)
    )
    given["merchant_forecasts"] = pl.concat([given["merchant_forecasts"], nothing])
    found = expect(given)
    assert found["category"].unique().to_list() == ["toys"]
    assert found["early_share"].is_finite().all()


def test_the_order_of_sales_changes_no_bit_of_the_spread() -> None:
    random = np.random.default_rng(3)
    days = [AS_OF - timedelta(days=n) for n in range(84)]
    rows = [
        (day, f"M{n % 40}", "toys", f"R{n % 31}", int(random.integers(1, 90))) for day in days for n in range(40 * 31)
    ]
    names = ["date", "merchant_id", "category", "destination_region_id", "units"]
    sold = contract("sales").conform(pl.DataFrame(rows, schema=names, orient="row"))
    given = tables()
    window = choose_window(given["events"], AS_OF)

    def measure(sales: pl.DataFrame) -> Spread:
        return expect_demand(given["merchant_forecasts"], sales, given["events"], window, as_of=AS_OF)[1]

    assert len({measure(sold.sample(fraction=1.0, shuffle=True, seed=seed)) for seed in range(6)}) == 1
