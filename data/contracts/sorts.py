"""Contracts of the hours of hubs: their sorts, a day's own capacity, closings by the hour, hand-in and delivery waves."""

from __future__ import annotations

from datetime import timedelta

import dataframely as dy
import polars as pl

from data.contracts.fields import (
    ALL,
    FIRST_DATE,
    LAST_DATE,
    WHOLE_DAY,
    choice,
    clock,
    clock_hours,
    day,
    ident,
    moment,
    money,
    parcels,
    quantity,
    share,
    text,
    weekdays,
)

_SHARE_TOLERANCE = 1e-6
_HOURS_A_DAY = 24.0


class HubSorts(dy.Schema):
    """Sorts of a hub (分拣班次), in the hub's time zone. A hub without rows has one sort a day, `day`, that closes at 24:00."""

    hub_id = ident("Hub.", "分拨中心", "场地", key=True)
    sort_id = ident("Id of the sort within its hub.", "班次", "分拣班次", key=True)
    date_from = day("First business date of its season.", "开始日期", key=True, default=FIRST_DATE)
    date_to = day("Last business date of its season; empty is for good.", "结束日期", optional=True)
    weekdays = weekdays("Weekdays it runs on; empty is every day.", "星期")
    opens = clock("When sorting begins.", "开始时间", "开班时间")
    cut_off = clock("Last arrival at hand that is still sorted.", "截止时间", "截件时间")
    closes = clock("When it ends and its vehicles leave.", "结束时间", "封班时间")
    sort_capacity = parcels("Parcels it can sort.", "分拣能力", "处理能力", unit="parcels/sort", optional=True)
    buffer_capacity = parcels(
        "Unsorted parcels that may wait for the next sort; empty is the hub's.", "暂存能力", optional=True
    )
    unload_hours = quantity(
        "Hours from arrival of a vehicle until its parcels are at hand.",
        "卸车时长",
        unit="hours",
        high=48.0,
        optional=True,
    )
    handling_cost = money("Cost of sorting one parcel; empty is the hub's.", unit="CNY/parcel", optional=True)
    opening_cost = money("Cost of running this sort on a day, of an extra sort.", unit="CNY/sort", optional=True)

    @dy.rule()
    def opens_before_cut_off_before_closes(cls) -> pl.Expr:
        opens, cut_off, closes = (clock_hours(pl.col(name)) for name in ("opens", "cut_off", "closes"))
        return (opens <= cut_off) & (cut_off <= closes)

    @dy.rule()
    def dates_in_order(cls) -> pl.Expr:
        return pl.col("date_to").is_null() | (pl.col("date_from") <= pl.col("date_to"))

    @dy.rule()
    def sorts_of_a_hub_do_not_overlap(cls) -> pl.Expr:
        fields = ("hub_id", "date_from", "date_to", "weekdays", "opens", "closes")
        return pl.struct(*fields).map_batches(_stands_alone, return_dtype=pl.Boolean)


def _stands_alone(sorts: pl.Series) -> pl.Series:
    """Tell which sorts share no hour of any day with another of their hub; those of one night may reach into the next day."""
    rows = sorts.struct.unnest().with_row_index("row")
    rows = rows.with_columns(
        opens=clock_hours(pl.col("opens")),
        closes=clock_hours(pl.col("closes")),
        date_to=pl.col("date_to").fill_null(LAST_DATE),
        weekdays=pl.col("weekdays").fill_null("1234567"),
    )
    pairs = rows.join(rows, on="hub_id", suffix="_other").filter(pl.col("row") != pl.col("row_other"))
    hits = [pl.lit(False)]
    for later in (-2, -1, 0, 1, 2):
        shift = timedelta(days=later)
        runs_both = pl.any_horizontal(
            pl.col("weekdays").str.contains(str(number), literal=True)
            & pl.col("weekdays_other").str.contains(str((number - 1 + later) % 7 + 1), literal=True)
            for number in range(1, 8)
        )
        same_days = (pl.col("date_from") <= pl.col("date_to_other") - shift) & (
            pl.col("date_from_other") - shift <= pl.col("date_to")
        )
        same_hours = (pl.col("opens") < pl.col("closes_other") + _HOURS_A_DAY * later) & (
            pl.col("opens_other") + _HOURS_A_DAY * later < pl.col("closes")
        )
        hits.append(runs_both & same_days & same_hours)
    overlapping = pairs.filter(pl.any_horizontal(hits))["row"].unique()
    return ~rows["row"].is_in(overlapping.implode())


class HubDays(dy.Schema):
    """What a hub can do on one day (单日能力), in place of `hub_sorts` and `hubs`; sort `day` is all of it, split over its sorts by capacity."""

    date = day("Business date.", "日期", key=True)
    hub_id = ident("Hub.", "分拨中心", "场地", key=True)
    sort_id = ident("Sort; `day` is all of them.", "班次", key=True, default=WHOLE_DAY)
    sort_capacity = parcels("Parcels it can sort.", "分拣能力", "处理能力", unit="parcels/sort", optional=True)
    buffer_capacity = parcels("Unsorted parcels that may wait.", "暂存能力", optional=True)

    @dy.rule()
    def says_a_capacity(cls) -> pl.Expr:
        return pl.col("sort_capacity").is_not_null() | pl.col("buffer_capacity").is_not_null()


class HubClosures(dy.Schema):
    """Closings of hubs by the hour (分拨停运); what stays open multiplies what `hub_days`, `hub_sorts` or `hubs` give."""

    closure_id = ident("Id of the closing.", "停运编码", key=True)
    hub_id = ident("Hub.", "分拨中心", "场地")
    starts_at = moment("From when.", "开始时间")
    ends_at = moment("Until when.", "结束时间")
    open_share = share("Share of the capacity that stays; 0 is shut.", "开放比例")
    reason = text("Why.", "原因", optional=True)

    @dy.rule()
    def times_in_order(cls) -> pl.Expr:
        return pl.col("starts_at") < pl.col("ends_at")


class HandInProfile(dy.Schema):
    """By when a day's parcels are at hand at their hub of origin (入场节奏); the shares of a hub and kind of day sum to 1."""

    hub_id = ident("Hub; `*` is every hub that has no rows of its own.", "分拨中心", "场地", key=True, default=ALL)
    day_kind = choice("Kind of day.", ("normal", "peak"), "日类型", key=True, default="normal")
    until_hour = clock("Handed in after the hour before it and by this one.", "截至时间", key=True)
    share = share("Share of the day's parcels.", "占比")

    @dy.rule()
    def shares_sum_to_1(cls) -> pl.Expr:
        return (pl.col("share").sum().over("hub_id", "day_kind") - 1.0).abs() <= _SHARE_TOLERANCE


class DeliveryWaves(dy.Schema):
    """Hours at which the vehicles to outlets leave a hub (派送波次)."""

    hub_id = ident("Hub.", "分拨中心", "场地", key=True)
    leaves = clock("When they leave.", "发车时间", key=True)
