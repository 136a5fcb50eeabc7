"""Merchants of the sample sell what the routes carry, and what is planted in their sales is found in them."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from data.contracts import contract
from data.sample.make import Sample, build_sample
from data.sample.merchants import JOINS_ON, LEAVES_ON, MOVES_ON
from data.sample.promotions import LIFTS, list_waves
from data.sample.sales import SALES
from data.sample.scale import AS_OF, FIRST_DAY
from tests.data.sample_checks import SEED, small_sample

Floats = npt.NDArray[np.float64]
ITEM = ["merchant_id", "category"]


@pytest.fixture(scope="module")
def sample() -> Sample:
    return small_sample()


def test_merchants_sell_a_part_of_what_the_routes_carry(sample: Sample) -> None:
    """By hub of origin and province of the buyer over the four weeks that `sourcing` counts."""
    hubs = sample.tables["hubs"].select("hub_id", "region_id")
    recent = pl.col("date") > AS_OF - timedelta(days=28)
    source = sample.tables["sourcing"]
    assert source["date_from"].unique().to_list() == [AS_OF - timedelta(days=27)]
    sold = (
        sample.tables["sales"]
        .filter(recent)
        .join(source, left_on=[*ITEM, "destination_region_id"], right_on=[*ITEM, "region_id"])
        .group_by(hub_id="origin_hub_id", region_id="destination_region_id")
        .agg((pl.col("parcels") * pl.col("share")).sum().alias("sold"))
    )
    carried = (
        sample.tables["route_volumes"]
        .filter(recent)
        .join(hubs, left_on="destination_hub_id", right_on="hub_id")
        .group_by("region_id", hub_id="origin_hub_id")
        .agg(pl.col("parcels").sum())
    )
    both = sold.join(carried, on=["hub_id", "region_id"], how="left")
    assert both["parcels"].null_count() == 0
    assert (both["sold"] <= SALES.most_of_a_route * both["parcels"] + 5).all()
    by_hub = both.group_by("hub_id").agg(pl.col("sold", "parcels").sum())
    assert (by_hub["sold"] <= 0.4 * by_hub["parcels"]).all()
    assert float(by_hub["sold"].sum()) / int(carried["parcels"].sum()) == pytest.approx(1 / 6, abs=0.03)


def test_a_route_is_never_more_than_six_tenths_of_merchants() -> None:
    """The draw itself, where merchants would want all of it."""
    from data.sample.merchants import Trade
    from data.sample.promotions import Promoted
    from data.sample.sales import draw_shipments

    days = 30
    nothing = pl.DataFrame()
    items = np.ones((2, days))
    trade = Trade(
        nothing, pl.DataFrame({"merchant_id": ["A", "B"]}), np.zeros(2, dtype=np.int64), np.array([0, 1]),
        np.zeros(2, dtype=np.int64), np.array([0.9, 0.9]), np.ones((2, 3)), np.ones((2, days)),
        np.zeros(2, dtype=np.int64), nothing, nothing, nothing, (),
    )  # fmt: skip
    promoted = Promoted(nothing, nothing, items, np.ones((1, days)), np.ones((1, days)))
    parcels = np.random.default_rng(3).integers(0, 40, (3, 3, days))
    drawn = draw_shipments(trade, promoted, np.ones((3, 3, days), dtype=np.float32), parcels, 0, 5)
    assert (drawn.sum(axis=0) <= SALES.most_of_a_route * parcels[0]).all()
    assert drawn.sum() > 0.45 * parcels[0].sum()


def test_sales_have_editions_of_two_years_and_both_peaks(sample: Sample) -> None:
    sales = sample.tables["sales"]
    assert sales["date"].min() == FIRST_DAY
    daily = dict(sales.group_by("date").agg(pl.col("parcels").sum()).iter_rows())
    for year in (2023, 2024):
        calm = np.mean([daily[date(year, 10, day)] for day in range(10, 24)])
        assert max(daily[date(year, 11, day)] for day in (11, 12)) > 1.6 * calm
        assert max(daily[date(year, 11, day)] for day in (1, 2)) > 1.3 * calm
    assert (sales["units"] >= sales["parcels"]).all()
    contract("sales").conform(sample.truth.future_sales)


def test_waybills_name_merchants_at_the_rate_they_sell(sample: Sample) -> None:
    waybills = sample.tables["waybills"]
    named = waybills["merchant_id"].is_not_null().mean()
    first = AS_OF - timedelta(days=27)
    sold = sample.tables["sales"].filter(pl.col("date") >= first)
    carried = int(sample.tables["route_volumes"].filter(pl.col("date") >= first)["parcels"].sum())
    assert named == pytest.approx(int(sold["parcels"].sum()) / carried, rel=0.03)
    rates = (
        sold.group_by("merchant_id")
        .agg(pl.col("parcels").sum())
        .join(waybills.group_by("merchant_id").len(), on="merchant_id")
        .with_columns(expected=pl.col("parcels") / carried * waybills.height)
        .filter(pl.col("expected") > 50)
    )
    deviation = (rates["len"] - rates["expected"]) / rates["expected"].sqrt()
    assert rates.height > 10
    assert deviation.abs().max() < 4.5  # type: ignore[operator]


def test_a_share_leaves_from_where_stock_stands(sample: Sample) -> None:
    home = sample.tables["merchants"].select("merchant_id", home="hub_id")
    named = sample.tables["waybills"].drop_nulls("merchant_id").join(home, on="merchant_id")
    away = (named["origin_hub_id"] != named["home"]).mean()
    assert isinstance(away, float)
    assert 0.1 < away < 0.45
    stock = sample.tables["stock"].join(sample.tables["warehouses"].select("warehouse_id", "hub_id"), on="warehouse_id")
    places = stock.select(*ITEM, "hub_id").unique()
    elsewhere = named.filter(pl.col("origin_hub_id") != pl.col("home"))
    assert elsewhere.join(places, left_on=[*ITEM, "origin_hub_id"], right_on=[*ITEM, "hub_id"], how="anti").height == 0
    sums = sample.tables["sourcing"].group_by(*ITEM, "region_id").agg(pl.col("share").sum())["share"]
    assert ((sums - 1.0).abs() < 1e-6).all()


def _lift_of_waves(sample: Sample) -> tuple[Floats, Floats]:
    """Log effects of main venue, branch venue and discount, with their standard errors, found in the sales.

    Log of an item's parcels on a wave's days against four calm weeks before it, less the item's own mean and the wave's.
    """
    sales = sample.tables["sales"].group_by("date", *ITEM).agg(pl.col("parcels").sum())
    rows = []
    for wave in list_waves().filter(pl.col("date_to") <= AS_OF).iter_rows(named=True):
        first = wave["date_from"] - timedelta(days=38)
        last = wave["date_from"] - timedelta(days=11)
        if first < FIRST_DAY:
            continue
        on = sales.filter(pl.col("date").is_between(wave["date_from"], wave["date_to"]))
        calm = sales.filter(pl.col("date").is_between(first, last))
        lift = (
            on.group_by(ITEM)
            .agg(pl.col("parcels").mean().alias("peak"), pl.len().alias("days"))
            .join(calm.group_by(ITEM).agg(pl.col("parcels").mean().alias("calm")), on=ITEM)
            .filter(pl.col("calm") > 100)
            .with_columns(y=(pl.col("peak") / pl.col("calm")).log(), event_id=pl.lit(wave["event_id"]))
        )
        rows.append(lift)
    promotions = sample.tables["promotions"].filter(pl.col("event_id").is_not_null())
    frame = pl.concat(rows).join(promotions, on=[*ITEM, "event_id"])
    y = frame["y"].to_numpy()
    venue = frame["venue"]
    wanted = [venue == "main", venue == "branch", frame["discount"].fill_null(0.0)]
    columns = [pl.Series(column).cast(pl.Float64).to_numpy() for column in wanted]
    item = frame.select(pl.struct(ITEM).rank("dense")).to_series().to_numpy() - 1
    wave_number = frame["event_id"].rank("dense").to_numpy() - 1
    fixed = np.hstack([np.eye(int(item.max()) + 1)[item], np.eye(int(wave_number.max()) + 1)[wave_number][:, 1:]])
    design = np.hstack([np.column_stack(columns), fixed])
    found, _, rank, _ = np.linalg.lstsq(design, y, rcond=None)
    residual = y - design @ found
    variance = float(residual @ residual) / (len(y) - int(rank))
    errors = np.sqrt(variance * np.diag(np.linalg.pinv(design.T @ design))[:3])
    return found[:3], errors


@pytest.mark.parametrize(
    "seed", [SEED, pytest.param(1, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)]
)
def test_the_planted_venue_and_discount_are_found_within_their_interval(seed: int) -> None:
    sample = small_sample() if seed == SEED else build_sample("small", seed)
    found, errors = _lift_of_waves(sample)
    planted = np.array([np.log(LIFTS.venues["main"]), np.log(LIFTS.venues["branch"]), LIFTS.discount_slope])
    assert (errors < np.array([0.05, 0.05, 0.2])).all()
    assert (np.abs(found - planted) < 2.6 * errors).all(), (found, errors)
    assert found[0] > 3.0 * errors[0]


def test_promotions_apart_from_waves_lift_their_outlets_and_one_chain_does_not(sample: Sample) -> None:
    effects = sample.truth.promotion_effects.filter((pl.col("scope") == "outlet") & (pl.col("date_to") <= AS_OF))
    picked = (
        sample.tables["outlet_volumes"].filter(pl.col("direction") == "pickup").select("date", "outlet_id", "parcels")
    )
    errors: list[float] = []
    nulls: list[float] = []
    for row in effects.iter_rows(named=True):
        own = picked.filter(pl.col("outlet_id") == row["member"])
        on = own.filter(pl.col("date").is_between(row["date_from"], row["date_to"]))["parcels"].mean()
        around = own.filter(
            pl.col("date").is_between(row["date_from"] - timedelta(days=14), row["date_to"] + timedelta(days=14))
            & ~pl.col("date").is_between(row["date_from"], row["date_to"])
        )["parcels"].mean()
        assert isinstance(on, float)
        assert isinstance(around, float)
        found = float(np.log(on / around))
        (nulls if row["log_effect"] == 0.0 else errors).append(found - row["log_effect"])
    assert len(nulls) == 4 * 4
    assert abs(float(np.mean(errors))) < 0.06
    assert abs(float(np.mean(nulls))) < 0.08
    assert effects.filter(pl.col("log_effect") != 0.0)["log_effect"].min() > 0.0  # type: ignore[operator]


def test_every_scoped_promotion_has_editions_before_and_one_ahead(sample: Sample) -> None:
    scoped = sample.tables["promotions"].filter(pl.col("event_id").is_null())
    member = pl.coalesce("region_id", "outlet_id", "merchant_id")
    counts = scoped.group_by(member.alias("member"), "scope").agg(
        (pl.col("date_to") <= AS_OF).sum().alias("past"), (pl.col("date_from") > AS_OF).sum().alias("ahead")
    )
    assert (counts["past"] >= 3).all()
    assert (counts["ahead"] == 1).all()
    assert dict(counts.group_by("scope").len().iter_rows()) == {"region": 3, "outlet": 24, "merchant": 2}


def test_who_joins_leaves_and_moves_does_so_in_truth(sample: Sample) -> None:
    plans = sample.tables["merchant_plans"].filter(pl.col("change").is_not_null())
    assert sorted(plans["change"]) == ["joins", "leaves", "moves"]
    assert (plans["written_at"].dt.date() < AS_OF).all()
    effects = sample.truth.merchant_effects
    ahead = sample.truth.future_sales
    who = {row["change"]: row["merchant_id"] for row in plans.iter_rows(named=True)}
    assert effects.filter(pl.col("merchant_id") == who["joins"])["joins_on"].item() == JOINS_ON
    assert ahead.filter(pl.col("merchant_id") == who["joins"])["date"].min() == JOINS_ON
    assert sample.tables["sales"].filter(pl.col("merchant_id") == who["joins"]).is_empty()
    assert ahead.filter(pl.col("merchant_id") == who["leaves"])["date"].max() == LEAVES_ON - timedelta(days=1)
    moved = effects.filter(pl.col("merchant_id") == who["moves"]).row(0, named=True)
    assert moved["moves_on"] == MOVES_ON
    assert moved["moves_to"] == plans.filter(pl.col("change") == "moves")["hub_id"].item()
    units = ahead.filter(pl.col("merchant_id") == who["joins"])["units"].sum()
    assert plans.filter(pl.col("change") == "joins")["units"].item() == pytest.approx(units, rel=0.9)


def test_one_merchant_tells_wrongly_and_the_others_about_right(sample: Sample) -> None:
    told = sample.truth.plan_effects.with_columns(error=(pl.col("told") / pl.col("true")).log().abs())
    by_merchant = told.group_by("merchant_id").agg(pl.col("error").max(), pl.len())
    assert (by_merchant["len"] == 3).all()
    assert by_merchant.filter(pl.col("error") > 0.6).height == 1
    rows = sample.tables["merchant_plans"].filter(pl.col("growth").is_not_null())
    assert rows["growth"].to_list() == told.sort("merchant_id", "date_from")["told"].to_list()


def test_sorts_of_a_hub_add_up_to_its_day(sample: Sample) -> None:
    hubs = sample.tables["hubs"].filter(pl.col("sort_capacity") > 0)
    sums = sample.tables["hub_sorts"].group_by("hub_id").agg(pl.col("sort_capacity").sum(), pl.len())
    both = hubs.join(sums, on="hub_id", suffix="_sorts")
    assert (both["sort_capacity"] == both["sort_capacity_sorts"]).all()
    assert set(both["len"]) == {2, 3}
    cut_offs = sample.tables["hub_sorts"].select("hub_id", "cut_off")
    handed = sample.tables["hand_in_profile"]
    # whatever is handed in until an hour meets a sort that still takes it
    assert set(handed["until_hour"]) <= set(cut_offs["cut_off"])
