"""Demand of an event: known by hand where nothing varies, wider and borrowed where there is no history."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import gamma

from data.contracts import contract
from data.errors import RadarError
from routing.stock.demand import Window, choose_window, expect_demand
from routing.stock.forecast_lift import lift_hubs
from tests.routing.stock_cases import AS_OF, stock_tables

EVENT = date(2025, 11, 1)


def tables() -> dict[str, pl.DataFrame]:
    own = stock_tables()
    names = ("sales", "merchants", "events", "promotions")
    return {name: contract(name).conform(own[name]) if name in own else contract(name).empty() for name in names}


def expect(given: dict[str, pl.DataFrame], service_level: float = 0.9) -> pl.DataFrame:
    window = choose_window(given["events"], given["sales"], AS_OF)
    return expect_demand(
        given["sales"],
        given["merchants"],
        given["events"],
        given["promotions"],
        window,
        as_of=AS_OF,
        service_level=service_level,
    )


def add_merchant(given: dict[str, pl.DataFrame], merchant: str, sales: pl.DataFrame) -> None:
    row = {"merchant_id": merchant, "name": merchant, "hub_id": "N"}
    given["merchants"] = contract("merchants").conform(
        pl.concat([given["merchants"], pl.DataFrame([row])], how="diagonal")
    )
    own = sales.with_columns(merchant_id=pl.lit(merchant))
    given["sales"] = contract("sales").conform(pl.concat([given["sales"], own.select(given["sales"].columns)]))


def test_window_is_the_coming_event_and_its_last_edition() -> None:
    given = tables()
    past = EVENT - timedelta(weeks=52)
    assert choose_window(given["events"], given["sales"], AS_OF) == Window(
        EVENT, EVENT + timedelta(days=1), past, past + timedelta(days=1), "Sale"
    )


def test_days_given_without_an_event_look_back_52_weeks() -> None:
    given = tables()
    window = choose_window(given["events"], given["sales"], AS_OF, date(2025, 10, 22), date(2025, 10, 24))
    assert (window.past_first, window.past_last) == (date(2024, 10, 23), date(2024, 10, 25))
    assert window.name == "2025-10-22 to 2025-10-24"


def test_no_event_ahead_is_told() -> None:
    given = tables()
    with pytest.raises(RadarError, match=r"(?i)no shopping event begins within 30 days"):
        choose_window(given["events"].clear(), given["sales"], AS_OF)
    with pytest.raises(RadarError, match="days in order"):
        choose_window(given["events"], given["sales"], AS_OF, AS_OF, AS_OF)


def test_expectation_is_last_edition_times_growth_and_target_the_gamma_quantile() -> None:
    rows = expect(tables()).to_dicts()
    # 30 units on two days in each region, twice as many this year
    assert [(row["region_id"], row["expected"], row["basis"]) for row in rows] == [
        ("north", 120, "own"),
        ("south", 120, "own"),
    ]
    variance = 120 + (0.25**2 + 0.1**2) * 120**2
    quantile = gamma.ppf(0.9, 120**2 / variance, scale=variance / 120)
    assert sum(row["target"] for row in rows) == round(2 * quantile)
    assert rows[0]["peak_share"] == pytest.approx(0.5)
    assert rows[0]["early_share"] == pytest.approx(1.0)


def test_merchant_without_a_last_edition_borrows_the_category_and_is_less_sure() -> None:
    given = tables()
    recent = given["sales"].filter(pl.col("date") > AS_OF - timedelta(days=40))
    add_merchant(given, "NEW", recent)
    rows = expect(given)
    new, old = (rows.filter(pl.col("merchant_id") == merchant) for merchant in ("NEW", "M1"))
    # 20 a day over two days, lifted threefold like its category
    assert new["expected"].sum() == 120
    assert new["basis"].unique().to_list() == ["category"]
    assert new["cv"][0] > old["cv"][0]


def test_wave_without_an_edition_of_its_own_is_lifted_as_the_forecast_lifts_the_hub() -> None:
    """Two hubs with forecasts of their own; the level is that of the last weeks, 10 a day and region."""
    given = tables()
    add_merchant(given, "M2", given["sales"])
    hub = pl.when(pl.col("merchant_id") == "M2").then(pl.lit("S")).otherwise("hub_id").alias("hub_id")
    given["merchants"] = given["merchants"].with_columns(hub)
    given["events"] = given["events"].filter(pl.col("edition") == 2025)
    given["sales"] = given["sales"].filter(pl.col("date") > AS_OF - timedelta(days=80))
    window = choose_window(given["events"], given["sales"], AS_OF)
    lifts = pl.DataFrame({"home_hub_id": ["N", "S"], "forecast_lift": [2.0, 3.5]})
    rows = expect_demand(
        given["sales"], given["merchants"], given["events"], given["promotions"], window,
        as_of=AS_OF, service_level=0.9, hub_lifts=lifts,
    )  # fmt: skip
    units = dict(rows.group_by("merchant_id").agg(pl.col("expected").sum()).iter_rows())
    assert units == {"M1": 80, "M2": 140}
    assert rows.select("lift_told", "growth_told").unique().sort("lift_told").rows() == [(2.0, 1.0), (3.5, 1.0)]


def test_lift_of_a_hub_is_the_window_over_its_ordinary_days() -> None:
    days = [EVENT + timedelta(days=n) for n in range(14)]
    rows = [
        {
            "date": day,
            "hub_id": hub,
            "direction": "out",
            "baseline": 10.0,
            "mean": 10.0 * (factor if day < days[2] else 1.0),
        }
        for hub, factor in (("N", 3.0), ("S", 5.0))
        for day in days
    ]
    rows += [{"date": days[0], "hub_id": "H", "direction": "out", "baseline": 1.0, "mean": 9.0}]  # one day of two
    found = lift_hubs(pl.DataFrame(rows), days[0], days[1])
    assert found.rows() == [("N", 3.0), ("S", 5.0)]
    assert lift_hubs(pl.DataFrame(rows), days[0], days[-1] + timedelta(days=1)).is_empty()


def test_growth_is_measured_when_none_is_given() -> None:
    given = tables()
    given["merchants"] = given["merchants"].with_columns(growth=pl.lit(None, pl.Float64))
    grown = pl.when(pl.col("date") > AS_OF - timedelta(days=200)).then(15).otherwise(pl.col("units"))
    given["sales"] = given["sales"].with_columns(units=grown)
    assert expect(given)["growth"][0] == pytest.approx(1.5)


def test_better_venue_than_last_year_raises_the_expectation() -> None:
    given = tables()
    base = given["sales"]
    past = EVENT - timedelta(weeks=52)
    # five merchants stood at the main venue last year and sold twice what the five of the branch venue sold
    for number in range(10):
        main = number < 5
        inside = pl.col("date").is_between(past, past + timedelta(days=1))
        sold = pl.when(inside).then(60 if main else 30).otherwise(pl.col("units"))
        add_merchant(given, f"P{number}", base.with_columns(units=sold))
    promotions = [(f"P{n}", "toys", "sale-2024", "main" if n < 5 else "branch") for n in range(10)]
    promotions += [("P9", "toys", "sale-2025", "main"), ("P8", "toys", "sale-2025", "branch")]
    given["promotions"] = contract("promotions").conform(
        pl.DataFrame(promotions, schema=["merchant_id", "category", "event_id", "venue"], orient="row")
    )
    rows = expect(given).group_by("merchant_id").agg(pl.col("expected").sum())
    units = dict(rows.iter_rows())
    assert units["P9"] == pytest.approx(2 * units["P8"], rel=0.01)


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


@settings(max_examples=25, deadline=None)
@given(low=st.floats(0.05, 0.9), step=st.floats(0.01, 0.09))
def test_higher_service_level_never_asks_for_less(low: float, step: float) -> None:
    given = tables()
    assert expect(given, low)["target"].sum() <= expect(given, low + step)["target"].sum()


def test_categories_without_a_unit_in_the_window_get_no_units() -> None:
    """Two of them: one has had rows of 0 units for two months, one never sold at all."""
    days = [AS_OF - timedelta(days=number) for number in range(90)]
    rows = [
        {
            "date": day, "merchant_id": "m", "category": category, "destination_region_id": region,
            "units": units if category == "lamps" or (AS_OF - day).days >= 60 else 0,
        }
        for day in days
        for region in ("r", "s")
        for category, units in (("lamps", 10), ("sandals", 5), ("gloves", 0))
    ]  # fmt: skip
    sales = contract("sales").conform(pl.DataFrame(rows))
    merchants = contract("merchants").conform(pl.DataFrame([{"merchant_id": "m", "name": "m", "hub_id": "H"}]))
    window = Window(AS_OF + timedelta(days=7), AS_OF + timedelta(days=12), None, None, "six days")
    none = (contract("events").empty(), contract("promotions").empty())
    found = expect_demand(sales, merchants, *none, window, as_of=AS_OF, service_level=0.9)
    assert found.select("category", "region_id", "expected").rows() == [("lamps", "r", 60), ("lamps", "s", 60)]
    # Nothing was sold a year before, so no growth has been measured.
    assert found["growth"].to_list() == [1.0, 1.0]


def test_a_last_edition_of_rows_without_units_leaves_the_days_even() -> None:
    given = tables()
    past = pl.col("date").is_between(EVENT - timedelta(weeks=52), EVENT - timedelta(weeks=52) + timedelta(days=1))
    given["sales"] = given["sales"].with_columns(units=pl.when(past).then(0).otherwise("units"))
    found = expect(given)
    assert found.height > 0
    assert found["early_share"].is_finite().all()
    assert (found["early_share"] == 1.0).all()
