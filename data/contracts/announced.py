"""Contracts of what is known beforehand: events, changes of the network, promotions, merchants' plans, planners' overrides."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from data.contracts.fields import (
    ALL,
    chinese_name,
    choice,
    count,
    day,
    ident,
    moment,
    quantity,
    share,
    text,
)


class Events(dy.Schema):
    """Holidays and shopping events (节假日与大促): one row a wave, so a season may have several."""

    event_id = ident("Id of this wave of this edition.", "活动编码", key=True)
    name = text("Name, the same over the editions.", "活动", "活动名称")
    name_zh = chinese_name()
    kind = choice("What kind of event.", ("shopping", "holiday", "other"), "类型")
    date_from = day("First day.", "开始日期", "开始")
    date_to = day("Last day.", "结束日期", "结束")
    peak_date = day("Day on which most is ordered.", "高峰日", optional=True)
    edition = count("Edition, usually the year.", "届", "年份", unit="year")

    @dy.rule()
    def dates_in_order(cls) -> pl.Expr:
        return pl.col("date_from") <= pl.col("date_to")

    @dy.rule()
    def peak_lies_inside(cls) -> pl.Expr:
        return pl.col("peak_date").is_null() | pl.col("peak_date").is_between("date_from", "date_to")


class NetworkChanges(dy.Schema):
    """Changes of the network known beforehand; forecasts and plans honour them from their date to `until`. One row a successor."""

    change_id = ident("Id of the change.", "变更编码", key="by rule")
    date = day("First day on which it holds.", "日期", "生效日期")
    until = day(
        "Last day on which it holds; empty is for good, or until told.", "截止日期", "恢复前一日", optional=True
    )
    scope = choice("What changes: a hub, or one route.", ("hub", "route"), "范围", default="hub")
    hub_id = ident("Hub that opens, closes or moves, of scope hub.", "分拨中心", "场地", optional=True)
    origin_hub_id = ident("Hub of origin, of scope route.", "始发", "始发分拨", "场地1", optional=True)
    destination_hub_id = ident("Hub of destination, of scope route.", "目的", "目的分拨", "场地2", optional=True)
    direction = choice(
        "Only what leaves the hub or what comes to it, of scope hub; empty is both.",
        ("out", "in"),
        "方向",
        optional=True,
    )
    change = choice("What happens.", ("opens", "closes", "moves"), "变更")
    successor_hub_id = ident("Hub that takes its volume.", "承接分拨", "承接场地", key="by rule", optional=True)
    share = share("Share of its volume that this successor takes.", "占比", optional=True)
    reason = text("Why.", "原因", optional=True)

    @dy.rule()
    def key_is_unique(cls) -> pl.Expr:
        return pl.struct("change_id", "successor_hub_id").is_unique()

    @dy.rule()
    def successor_is_another_hub(cls) -> pl.Expr:
        return pl.col("successor_hub_id").is_null() | (pl.col("successor_hub_id") != pl.col("hub_id")).fill_null(True)

    @dy.rule()
    def dates_in_order(cls) -> pl.Expr:
        return pl.col("until").is_null() | (pl.col("date") <= pl.col("until"))

    @dy.rule()
    def scope_names_its_hubs(cls) -> pl.Expr:
        ends = pl.col("origin_hub_id").is_not_null() & pl.col("destination_hub_id").is_not_null()
        no_ends = pl.col("origin_hub_id").is_null() & pl.col("destination_hub_id").is_null()
        of_hub = pl.col("hub_id").is_not_null() & no_ends
        of_route = pl.col("hub_id").is_null() & ends & pl.col("direction").is_null()
        return pl.when(pl.col("scope") == "route").then(of_route).otherwise(of_hub)


_SCOPE_COLUMNS = {"region": "region_id", "hub": "hub_id", "outlet": "outlet_id", "merchant": "merchant_id"}


class Promotions(dy.Schema):
    """Promotions (促销) of the network, a region, a hub, an outlet or a merchant: in an event, or on dates of their own."""

    promotion_id = ident(
        "Id of the promotion; empty is merchant, category and event joined by a bar.",
        "促销编码",
        key=True,
        default=pl.concat_str("merchant_id", "category", "event_id", separator="|", ignore_nulls=True),
    )
    scope = choice("Whom it is for.", ("network", *_SCOPE_COLUMNS), "范围", default="merchant")
    region_id = ident("Region, of scope region.", "区域", optional=True)
    hub_id = ident("Hub, of scope hub.", "分拨中心", "场地", optional=True)
    outlet_id = ident("Outlet, of scope outlet.", "网点", optional=True)
    merchant_id = ident("Merchant, of scope merchant.", "商家", optional=True)
    category = ident("Category of goods; empty is all.", "品类", "类目", optional=True)
    event_id = ident("Event it is part of.", "活动编码", optional=True)
    date_from = day("First day; empty is the event's.", "开始日期", optional=True)
    date_to = day("Last day; empty is the event's.", "结束日期", optional=True)
    venue = choice(
        "Main venue (主会场), branch venue (分会场) or none.", ("main", "branch", "none"), "会场", optional=True
    )
    discount = share("Discount on the price.", "折扣", optional=True)
    strength = quantity(
        "Any other measure of how strong it is, such as money spent.", "力度", unit="of its own", optional=True
    )
    written_at = moment("When it became known; empty was always known.", "登记时间", optional=True)

    @dy.rule()
    def scope_names_its_member(cls) -> pl.Expr:
        named = pl.lit(True)
        for scope, column in _SCOPE_COLUMNS.items():
            named = named & ((pl.col("scope") == scope) == pl.col(column).is_not_null())
        return named

    @dy.rule()
    def has_an_event_or_dates(cls) -> pl.Expr:
        both = pl.col("date_from").is_not_null() & pl.col("date_to").is_not_null()
        return pl.col("event_id").is_not_null() | both

    @dy.rule()
    def dates_in_order(cls) -> pl.Expr:
        return (pl.col("date_from") <= pl.col("date_to")).fill_null(True)


class MerchantPlans(dy.Schema):
    """What merchants announce (商家计划): units or growth over some days, or that they join, leave or move."""

    merchant_id = ident("Merchant.", "商家", key=True)
    category = ident("Category of goods; `*` is all.", "品类", "类目", key=True, default=ALL)
    date_from = day("First day.", "开始日期", key=True)
    date_to = day("Last day; of a change the last day the plan speaks of.", "结束日期")
    units = count("Units announced over all the days.", "数量", unit="units", optional=True)
    growth = quantity(
        "Units over what is sold on the same days without the plan.", "增长率", unit="ratio", optional=True
    )
    change = choice("What happens on the first day.", ("joins", "leaves", "moves"), "变更", optional=True)
    hub_id = ident("Hub it ships from then, of moves and joins.", "分拨中心", "场地", optional=True)
    sd = quantity("How sure it is: standard deviation of the log of the units.", unit="log", optional=True)
    written_at = moment("When it was announced.", "登记时间", key=True)

    @dy.rule()
    def dates_in_order(cls) -> pl.Expr:
        return pl.col("date_from") <= pl.col("date_to")

    @dy.rule()
    def says_units_or_growth_or_a_change(cls) -> pl.Expr:
        units, growth, change = (pl.col(name).is_not_null() for name in ("units", "growth", "change"))
        return ~(units & growth) & (units | growth | change)

    @dy.rule()
    def names_a_hub_where_it_moves(cls) -> pl.Expr:
        change, hub = pl.col("change").fill_null(""), pl.col("hub_id").is_not_null()
        return (change == "joins") | ((change == "moves") == hub)


class ForecastOverrides(dy.Schema):
    """Planners' corrections of forecasts: a factor with author and reason."""

    override_id = ident("Id of the override.", "修正编码", key=True)
    level = choice("Level it corrects.", ("network", "region", "hub", "route", "outlet"), "层级")
    region_id = ident("Region, for level region.", "区域", optional=True)
    hub_id = ident("Hub, for level hub.", "分拨中心", optional=True)
    direction = choice(
        "Direction, for levels region, hub and outlet.", ("out", "in", "pickup", "delivery"), "方向", optional=True
    )
    courier_id = ident("Courier, for level route; empty means all.", "快递公司", optional=True)
    origin_hub_id = ident("Hub of origin, for level route.", "始发", "场地1", optional=True)
    destination_hub_id = ident("Hub of destination, for level route.", "目的", "场地2", optional=True)
    outlet_id = ident("Outlet, for level outlet.", "网点", optional=True)
    date_from = day("First day.", "开始日期")
    date_to = day("Last day.", "结束日期")
    factor = quantity("What the forecast is multiplied by.", "系数", unit="ratio")
    author = text("Who decided it.", "作者", "修正人")
    reason = text("Why.", "原因")
    created_at = moment("When it was decided.", "时间")

    @dy.rule()
    def dates_in_order(cls) -> pl.Expr:
        return pl.col("date_from") <= pl.col("date_to")
