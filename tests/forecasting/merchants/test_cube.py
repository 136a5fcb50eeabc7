"""The demand cube: parts of a hub's course known by hand, effects of venues and discounts found, hubs that change, sales alone."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from data.contracts import contract
from forecasting.merchants.cube import FACTORS, MerchantInputs, forecast_merchants
from forecasting.merchants.demand_profile import ALL_HUBS, profile_of_hubs, profile_of_sales
from forecasting.merchants.levels import choose_profile, count_units, measure_parts, share_regions
from forecasting.merchants.promotion_effects import lay_out, learn_effects

AS_OF = dt.date(2025, 10, 31)
HORIZON = 14


def span(first: dt.date, days: int) -> list[dt.date]:
    return [first + dt.timedelta(days=n) for n in range(days)]


def outflow(hubs: dict[str, int], days: int = 400) -> pl.DataFrame:
    first = AS_OF - dt.timedelta(days=days - 1)
    rows = [(day, hub, parcels) for day in span(first, days) for hub, parcels in hubs.items()]
    return pl.DataFrame(rows, schema=["date", "hub_id", "parcels"], orient="row")


def hub_forecasts(hubs: dict[str, tuple[float, float]]) -> pl.DataFrame:
    rows = [
        {
            "date": day, "hub_id": hub, "direction": side, "baseline": base, "event": event, "weather": 1.0, "override": 1.0,
            "q10": base * event * 0.9, "q90": base * event * 1.1,
        }
        for day in span(AS_OF + dt.timedelta(days=1), HORIZON)
        for hub, (base, event) in hubs.items()
        for side in ("out", "in")
    ]  # fmt: skip
    return pl.DataFrame(rows)


def sales(items: dict[tuple[str, str], int], days: int = 400) -> pl.DataFrame:
    first = AS_OF - dt.timedelta(days=days - 1)
    rows = [
        (day, merchant, category, region, units)
        for day in span(first, days)
        for (merchant, category), units in items.items()
        for region in ("north", "south")
    ]
    names = ["date", "merchant_id", "category", "destination_region_id", "units"]
    return contract("sales").conform(pl.DataFrame(rows, schema=names, orient="row"))


def inputs() -> MerchantInputs:
    """Two hubs of 1,000 and 500 parcels a day; M1 sells 100 a day from A, M2 20 from B, half to either region."""
    merchants = pl.DataFrame({"merchant_id": ["M1", "M2"], "name": ["a", "b"], "hub_id": ["A", "B"]})
    return MerchantInputs(
        sales=sales({("M1", "toys"): 50, ("M2", "food"): 10}),
        merchants=contract("merchants").conform(merchants),
        outflow=outflow({"A": 1000, "B": 500}),
        hub_forecasts=hub_forecasts({"A": (1100.0, 2.0), "B": (500.0, 1.5)}),
    )


def test_merchants_follow_what_the_forecast_says_of_their_hub() -> None:
    found = forecast_merchants(inputs(), AS_OF, HORIZON).table
    assert found.height == HORIZON * 2 * 2
    daily = found.group_by("merchant_id", "date").agg(pl.col("mean").sum())
    assert daily.filter(pl.col("merchant_id") == "M1")["mean"].to_list() == pytest.approx([220.0] * HORIZON)
    assert daily.filter(pl.col("merchant_id") == "M2")["mean"].to_list() == pytest.approx([30.0] * HORIZON)
    product = found["baseline"]
    for name in FACTORS:
        product = product * found[name]
    np.testing.assert_allclose(product, found["mean"])
    contract("merchant_forecasts").conform(found.with_columns(run_id=pl.lit("forecast-0001")))


def test_a_hub_that_changes_says_nothing_of_its_merchants() -> None:
    """A closes within the days ahead: M1 follows the network; a change of last year is past."""
    changes = pl.DataFrame(
        {
            "change_id": ["1", "2"], "date": [AS_OF + dt.timedelta(days=3), AS_OF - dt.timedelta(days=300)],
            "hub_id": ["A", "B"], "change": ["closes", "opens"], "successor_hub_id": [None, None],
        },
        schema_overrides={"successor_hub_id": pl.String},
    )  # fmt: skip
    found = forecast_merchants(replace(inputs(), network_changes=changes), AS_OF, HORIZON).table
    network = (1100 * 2.0 + 500 * 1.5) / 1500
    daily = found.group_by("merchant_id", "date").agg(pl.col("mean").sum())
    assert daily.filter(pl.col("merchant_id") == "M1")["mean"].to_list() == pytest.approx([100 * network] * HORIZON)
    assert daily.filter(pl.col("merchant_id") == "M2")["mean"].to_list() == pytest.approx([30.0] * HORIZON)


def test_who_came_late_is_measured_since_and_who_is_gone_is_left_out() -> None:
    given = inputs()
    new = sales({("M1", "books"): 30}, days=5)
    gone = sales({("M2", "hats"): 40}).filter(pl.col("date") <= AS_OF - dt.timedelta(days=15))
    profile = profile_of_hubs(given.outflow, given.hub_forecasts)  # type: ignore[arg-type]
    follows = choose_profile(given.merchants, profile, frozenset())
    found = measure_parts(pl.concat([given.sales, new, gone]), profile, follows, AS_OF)
    parts = {row["category"]: row["part"] for row in found.iter_rows(named=True)}
    assert parts == pytest.approx({"toys": 0.1, "food": 0.04, "books": 0.06})


def test_shares_of_regions_are_drawn_to_the_categorys() -> None:
    rows = sales({("M1", "toys"): 50}, days=1)
    rows = rows.with_columns(units=pl.Series([90, 10]))
    few = rows.with_columns(merchant_id=pl.lit("M2"), units=pl.Series([0, 10]))
    found = share_regions(pl.concat([rows, few]), pl.Series("date", [AS_OF]), 10.0)
    share = {(row[0], row[2]): row[3] for row in found.iter_rows()}
    pool = 90 / 110
    assert share["M2", "north"] == pytest.approx(10 * pool / 20)
    assert share["M1", "north"] == pytest.approx((90 + 10 * pool) / 110)


def planted(seed: int = 0, merchants: int = 30) -> MerchantInputs:
    """Five waves of two days; venues, discounts and noise drawn anew in each: main 1.35, branch 1.15, exp(discount)."""
    random = np.random.default_rng(seed)
    starts = [AS_OF - dt.timedelta(days=n) for n in (340, 270, 200, 130, 60)] + [AS_OF + dt.timedelta(days=2)]
    events = contract("events").conform(
        pl.DataFrame(
            {
                "event_id": [f"w{n}" for n in range(6)], "name": ["Wave"] * 6, "kind": ["shopping"] * 6, "date_from": starts,
                "date_to": [day + dt.timedelta(days=1) for day in starts], "edition": list(range(6)),
            }
        )
    )  # fmt: skip
    ids = [f"P{n:02d}" for n in range(merchants)]
    rows, held = [], []
    for merchant in ids:
        venue, discount = random.choice(["none", "branch", "main"], 6), random.uniform(0.0, 0.4, 6)
        lift = np.log([{"none": 1.0, "branch": 1.15, "main": 1.35}[v] for v in venue]) + discount
        lift = np.exp(lift + random.normal(0.0, 0.08, 6))
        factor = {day + dt.timedelta(days=n): lift[w] for w, day in enumerate(starts) for n in range(2)}
        for day in span(AS_OF - dt.timedelta(days=399), 400):
            on = any(start <= day <= start + dt.timedelta(days=1) for start in starts)
            rows.append((day, merchant, "toys", "north", round(200 * (2.0 if on else 1.0) * factor.get(day, 1.0))))
        held += [(merchant, "toys", f"w{w}", venue[w], discount[w]) for w in range(6)]
    names = ["date", "merchant_id", "category", "destination_region_id", "units"]
    sent = [
        (day, "A", 50_000 * (2 if any(s <= day <= s + dt.timedelta(days=1) for s in starts) else 1))
        for day in span(AS_OF - dt.timedelta(days=399), 400)
    ]
    schema = ["merchant_id", "category", "event_id", "venue", "discount"]
    people = pl.DataFrame({"merchant_id": ids, "name": ids, "hub_id": ["A"] * merchants})
    return MerchantInputs(
        sales=contract("sales").conform(pl.DataFrame(rows, schema=names, orient="row")),
        merchants=contract("merchants").conform(people),
        events=events,
        promotions=contract("promotions").conform(pl.DataFrame(held, schema=schema, orient="row")),
        outflow=pl.DataFrame(sent, schema=["date", "hub_id", "parcels"], orient="row"),
        hub_forecasts=hub_forecasts({"A": (50_000.0, 1.0)}),
    )


def test_planted_venues_and_discounts_are_found_and_put_on_the_coming_wave() -> None:
    given = planted()
    profile = profile_of_hubs(given.outflow, given.hub_forecasts)  # type: ignore[arg-type]
    follows = choose_profile(given.merchants, profile, frozenset())
    held = lay_out(given.promotions, given.events, given.sales.select("merchant_id", "category").unique())
    effects = learn_effects(given.sales, profile, follows, given.events, held, AS_OF)
    assert np.exp(effects.main) == pytest.approx(1.35, rel=0.06)
    assert np.exp(effects.branch) == pytest.approx(1.15, rel=0.06)
    assert effects.discount == pytest.approx(1.0, abs=0.2)
    found = forecast_merchants(given, AS_OF, HORIZON).table
    wave = found.filter(pl.col("date") == AS_OF + dt.timedelta(days=2))
    at = given.promotions.filter(pl.col("event_id") == "w5").select("merchant_id", "venue", "discount")
    for row in wave.join(at, on="merchant_id").iter_rows(named=True):
        assert row["promotion"] == pytest.approx(
            {"none": 1.0, "branch": np.exp(effects.branch), "main": np.exp(effects.main)}[row["venue"]]
        )
        assert row["price"] == pytest.approx(np.exp(effects.discount * row["discount"]))
    quiet = found.filter(pl.col("date") == AS_OF + dt.timedelta(days=9))
    assert quiet.select(pl.col("promotion", "price").unique()).rows() == [(1.0, 1.0)]


def own_promotions(lift_of_item: dict[tuple[str, str], float], seed: int = 3) -> MerchantInputs:
    """Items that sell 200 a day, four promotions of a week each in the past and one ahead, whose log effects are given."""
    random = np.random.default_rng(seed)
    starts = [AS_OF - dt.timedelta(days=n) for n in (330, 250, 170, 90)] + [AS_OF + dt.timedelta(days=2)]
    rows, held = [], []
    for number, ((merchant, category), lift) in enumerate(lift_of_item.items()):
        # Each merchant at times of its own, so that the hub's outflow shows none of it.
        mine = [day + dt.timedelta(days=number % 3) for day in starts]
        for day in span(AS_OF - dt.timedelta(days=399), 400):
            on = any(first <= day <= first + dt.timedelta(days=6) for first in mine)
            rows.append((day, merchant, category, "north", int(random.poisson(200 * np.exp(lift * on)))))
        held += [
            (f"{merchant} {category} {day}", "merchant", merchant, category, day, day + dt.timedelta(days=6))
            for day in mine
        ]
    names = ["date", "merchant_id", "category", "destination_region_id", "units"]
    schema = ["promotion_id", "scope", "merchant_id", "category", "date_from", "date_to"]
    ids = sorted({merchant for merchant, _ in lift_of_item})
    people = pl.DataFrame({"merchant_id": ids, "name": ids, "hub_id": ["A"] * len(ids)})
    return MerchantInputs(
        sales=contract("sales").conform(pl.DataFrame(rows, schema=names, orient="row")),
        merchants=contract("merchants").conform(people),
        promotions=contract("promotions").conform(pl.DataFrame(held, schema=schema, orient="row")),
        outflow=outflow({"A": 50_000}),
        hub_forecasts=hub_forecasts({"A": (50_000.0, 1.0)}),
    )


def test_a_merchant_that_lifts_its_own_hub_is_measured_against_the_rest_of_it() -> None:
    given = own_promotions({("M1", "toys"): 0.4})
    sold = given.sales.with_columns(parcels="units")
    around = sold.group_by("date").agg(pl.col("units").sum()).with_columns(hub_id=pl.lit("A"))
    sent = around.select("date", "hub_id", parcels=pl.col("units") + 1000).sort("date")  # M1 is a sixth of its hub
    lift = found_lifts(replace(given, sales=sold, outflow=sent))["M1", "toys"]
    assert lift == pytest.approx(0.4, abs=0.03)
    unknown = found_lifts(replace(given, outflow=sent))["M1", "toys"]
    assert unknown < 0.35


def found_lifts(given: MerchantInputs) -> dict[tuple[str, str], float]:
    table = forecast_merchants(given, AS_OF, HORIZON).table
    day = AS_OF + dt.timedelta(days=5)  # within every promotion ahead
    on = table.filter(pl.col("date") == day).group_by("merchant_id", "category").agg(pl.col("promotion").first())
    return {(merchant, category): float(np.log(factor)) for merchant, category, factor in on.iter_rows()}


def test_own_promotions_are_known_by_merchant_and_category() -> None:
    strength = {"M1": 0.25, "M2": 0.45, "M3": 0.0}
    random = np.random.default_rng(9)
    truth = {
        (merchant, category): lift + (random.normal(0.0, 0.1) if lift else 0.0)
        for merchant, lift in strength.items()
        for category in ("food", "hats", "toys")
    }
    found = found_lifts(own_promotions(truth))
    wrong = np.array([found[item] - truth[item] for item in truth])
    pooled = np.array([np.mean(list(found.values())) - truth[item] for item in truth])
    assert np.sqrt((wrong**2).mean()) <= 0.05
    assert np.sqrt((pooled**2).mean()) > 0.15
    # Without any effect none is found, of no item.
    none = found_lifts(own_promotions(dict.fromkeys(truth, 0.0)))
    assert max(abs(lift) for lift in none.values()) <= 0.02


def test_without_effects_planted_none_are_found() -> None:
    given = planted()
    flat = given.sales.with_columns(units=pl.lit(200, pl.Int64))
    sent = given.outflow.with_columns(parcels=pl.lit(50_000))  # type: ignore[union-attr]
    profile = profile_of_hubs(sent, given.hub_forecasts)  # type: ignore[arg-type]
    held = lay_out(given.promotions, given.events, flat.select("merchant_id", "category").unique())
    effects = learn_effects(
        flat, profile, choose_profile(given.merchants, profile, frozenset()), given.events, held, AS_OF
    )
    assert max(abs(effects.main), abs(effects.branch), abs(effects.event), abs(effects.discount)) < 0.01


def test_sales_alone_are_lifted_as_the_last_edition_was() -> None:
    given = planted()
    profile = profile_of_sales(given.sales, given.events, AS_OF, HORIZON)
    lift = dict(profile.ahead.select("date", "event").iter_rows())
    wave = AS_OF + dt.timedelta(days=2)
    past = given.sales.filter(pl.col("date") == AS_OF - dt.timedelta(days=60))["units"].sum() / (200 * 30)
    assert lift[wave] == pytest.approx(past)
    assert lift[AS_OF + dt.timedelta(days=1)] == 1.0
    alone = forecast_merchants(replace(given, outflow=None, hub_forecasts=None), AS_OF, HORIZON).table
    assert alone["date"].n_unique() == HORIZON
    assert set(profile.past["hub_id"]) == {ALL_HUBS}


def test_an_event_nobody_has_seen_sells_what_events_do() -> None:
    given = planted()
    events = given.events.with_columns(
        name=pl.when(pl.col("edition") == 5).then(pl.lit("New")).otherwise("name"),
    )
    lift = dict(profile_of_sales(given.sales, events, AS_OF, HORIZON).ahead.select("date", "event").iter_rows())
    assert lift[AS_OF + dt.timedelta(days=2)] > 2.0


def test_no_sales_give_no_rows_and_later_sales_change_nothing() -> None:
    given = inputs()
    assert forecast_merchants(replace(given, sales=given.sales.clear()), AS_OF, HORIZON).table.is_empty()
    later = given.sales.tail(2).with_columns(date=pl.lit(AS_OF + dt.timedelta(days=1)), units=pl.lit(10**6, pl.Int64))
    seen = forecast_merchants(replace(given, sales=pl.concat([given.sales, later])), AS_OF, HORIZON).table
    assert seen.equals(forecast_merchants(given, AS_OF, HORIZON).table)


def test_units_in_a_parcel_are_the_items_own_or_its_categorys() -> None:
    many = sales({("M1", "toys"): 50}).with_columns(parcels=pl.col("units") // 2)
    few = sales({("M2", "toys"): 1}, days=3).with_columns(parcels=pl.col("units"))
    none = sales({("M3", "hats"): 1}, days=3)
    found = count_units(pl.concat([many, few, none])).sort("merchant_id")
    assert found["units_per_parcel"].to_list() == pytest.approx([2.0, 2.0, 1.0], rel=0.01)


def test_the_order_of_rows_changes_no_bit_of_the_cube() -> None:
    given = planted(merchants=60)
    first = forecast_merchants(given, AS_OF, HORIZON).table
    for seed in range(3):
        mixed = replace(given, sales=given.sales.sample(fraction=1.0, shuffle=True, seed=seed))
        assert forecast_merchants(mixed, AS_OF, HORIZON).table.equals(first)
