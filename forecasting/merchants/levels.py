"""What part of its hub's parcels each merchant and category sells: units of the last weeks over what the hub sent on the same days."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import polars as pl

from data.constants import constant
from data.keys import ITEM as MERCHANT_ITEM
from forecasting.merchants.demand_profile import ALL_HUBS, DemandProfile

ITEM = MERCHANT_ITEM


@dataclass(frozen=True)
class LevelRules:
    """How a merchant's level is measured."""

    days: int = constant(28, "days", "of sales and parcels that give the level", "judgement")
    gone_after: int = constant(14, "days", "without a unit after which an item sold daily counts as gone", "judgement")
    sold_daily: int = constant(
        10, "days", "of the level's first half with sales that make an item one sold daily", "judgement"
    )
    few_parcels: float = constant(
        100.0, "parcels", "of an item's own below which its category's units in a parcel count", "judgement"
    )


LEVELS = LevelRules()


def choose_profile(merchants: pl.DataFrame, profile: DemandProfile, changed: frozenset[str]) -> pl.DataFrame:
    """Choose whose profile each merchant follows: its hub's, or the network's where its hub says nothing or changes.

    Parameters
    ----------
    merchants
        Table of that name.
    profile
        What hubs sent and will send.
    changed
        Hubs that open, close or move meanwhile: what they send says nothing of what their merchants sell.

    Returns
    -------
    polars.DataFrame
        merchant_id, hub_id, follows.
    """
    known = set(profile.past["hub_id"]) & set(profile.ahead["hub_id"])
    follows = [hub if hub in known and hub not in changed else ALL_HUBS for hub in merchants["hub_id"]]
    return merchants.select("merchant_id", "hub_id").with_columns(pl.Series("follows", follows, dtype=pl.String))


def measure_parts(sales: pl.DataFrame, profile: DemandProfile, follows: pl.DataFrame, until: dt.date) -> pl.DataFrame:
    """Measure each item's part of the profile it follows, on the last weeks up to a day.

    Parameters
    ----------
    sales
        Table of that name; later rows are left out.
    profile
        What hubs sent.
    follows
        Rows of :func:`choose_course`.
    until
        Last day.

    Returns
    -------
    polars.DataFrame
        merchant_id, category, hub_id, follows, part [units per unit of the profile], units (of these days). An item first
        sold within these days is measured since; one no longer sold is left out.
    """
    begin = until - dt.timedelta(days=LEVELS.days - 1)
    recent = sales.filter(pl.col("date").is_between(begin, until))
    middle = until - dt.timedelta(days=LEVELS.gone_after)
    before = sales.filter(pl.col("date") < begin).select(ITEM).unique().with_columns(old=pl.lit(True))
    items = (
        recent.group_by(ITEM)
        .agg(
            units=pl.col("units").sum().cast(pl.Float64),
            since=pl.col("date").min(),
            early=pl.col("date").filter((pl.col("date") <= middle) & (pl.col("units") > 0)).n_unique(),
            late=pl.col("units").filter(pl.col("date") > middle).sum(),
        )
        .filter((pl.col("late") > 0) | (pl.col("early") < LEVELS.sold_daily))
        .join(before, on=ITEM, how="left")
        .with_columns(since=pl.when(pl.col("old")).then(pl.lit(begin)).otherwise("since"))
        .join(follows, on="merchant_id")
    )
    sent = profile.past.filter(pl.col("date").is_between(begin, until)).rename({"hub_id": "follows"})
    spans = items.select("follows", "since").unique().join(sent, on="follows").filter(pl.col("date") >= pl.col("since"))
    sums = spans.group_by("follows", "since").agg(pl.col("sent").sum())
    return (
        items.join(sums, on=("follows", "since"))
        .filter((pl.col("sent") > 0) & (pl.col("units") > 0))
        .with_columns(part=pl.col("units") / pl.col("sent"))
        .select(*ITEM, "hub_id", "follows", "part", "units")
        .sort(ITEM)
    )


def share_regions(sales: pl.DataFrame, days: pl.Series, pooled_units: float) -> pl.DataFrame:
    """Share of each region in an item's units on some days, drawn to the category's by `pooled_units` units.

    Returns
    -------
    polars.DataFrame
        merchant_id, category, region_id, share; sums to 1 an item.
    """
    used = sales.filter(pl.col("date").is_in(days.implode()))
    used = sales if used.is_empty() else used
    pool = used.group_by("category", region_id="destination_region_id").agg(pool=pl.col("units").sum())
    # sums of floats depend on the order of their rows
    pool = pool.sort("category", "region_id")
    # a category without a unit in these days has no regions to share it by: it is expected to sell nothing
    pool = pool.filter(pl.col("pool").sum().over("category") > 0).with_columns(
        pool=pl.col("pool") / pl.col("pool").sum().over("category")
    )
    own = used.group_by(*ITEM, region_id="destination_region_id").agg(own=pl.col("units").sum())
    weight = pl.col("own").fill_null(0) + pooled_units * pl.col("pool")
    return (
        used.select(ITEM)
        .unique()
        .join(pool, on="category")
        .join(own, on=(*ITEM, "region_id"), how="left")
        .sort(*ITEM, "region_id")
        .with_columns(share=weight / weight.sum().over(ITEM))
        .select(*ITEM, "region_id", "share")
        .filter(pl.col("share") > 0)
    )


def count_units(sales: pl.DataFrame) -> pl.DataFrame:
    """Count the units in a parcel of each item: its own, or its category's where it has few parcels.

    Returns
    -------
    polars.DataFrame
        merchant_id, category, units_per_parcel.
    """
    counted = sales.filter(pl.col("parcels").is_not_null())
    sums = counted.group_by(ITEM).agg(pl.col("units", "parcels").sum())
    kind = sums.group_by("category").agg(units_of_kind=pl.col("units").sum() / pl.col("parcels").sum())
    own = pl.when(pl.col("parcels") >= LEVELS.few_parcels).then(pl.col("units") / pl.col("parcels"))
    return (
        sales.select(ITEM)
        .unique()
        .join(sums, on=ITEM, how="left")
        .join(kind, on="category", how="left")
        .with_columns(
            units_per_parcel=pl.coalesce(own, "units_of_kind").fill_nan(None).fill_null(1.0).clip(0.01, 1000.0)
        )
        .select(*ITEM, "units_per_parcel")
    )
