"""Contracts of goods: what an item is, where it is sourced, what is on its way and asked for."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from data.contracts.fields import (
    ALL,
    FIRST_DATE,
    chinese_name,
    choice,
    count,
    day,
    ident,
    moment,
    money,
    quantity,
    share,
    text,
)
from data.contracts.results import Result

_SHARE_TOLERANCE = 1e-6
LEFT_OVERS = ("return", "sell", "lose")


class _Goods(dy.Schema):
    units_per_parcel = quantity("Units in a parcel.", "每包件数", unit="units/parcel", low=1e-6, optional=True)
    places_per_unit = quantity(
        "Room of a unit in a full vehicle, in parcel places; empty is 1 / units_per_parcel.",
        "占位",
        unit="parcel places/unit",
        optional=True,
    )
    left_over = choice(
        "What becomes of units left over: brought back, sold there, or lost.", LEFT_OVERS, "剩余处理", optional=True
    )
    minimum_lot = count("Fewest units worth sending to a warehouse.", "最小批量", unit="units", optional=True)


class Categories(_Goods):
    """Categories of goods (品类)."""

    category = ident("Category.", "品类", "类目", key=True)
    name = text("Name.", "名称", "品类名称")
    name_zh = chinese_name()


class Items(_Goods):
    """What differs for a merchant's goods of a category (商品); an empty value is the category's."""

    merchant_id = ident("Merchant.", "商家", key=True)
    category = ident("Category of goods.", "品类", "类目", key=True)


class Sourcing(Result):
    """Where a merchant's orders of a region leave from (货源): today's, as given, or a plan's. What no row takes leaves from home."""

    merchant_id = ident("Merchant.", "商家", key=True)
    category = ident("Category of goods; `*` is all.", "品类", "类目", key=True, default=ALL)
    region_id = ident("Region of the buyer.", "区域", "收货区域", key=True)
    origin_hub_id = ident("Hub the parcels are handed in at.", "始发", "始发分拨", key=True)
    date_from = day("First day of the orders.", "开始日期", key=True, default=FIRST_DATE)
    date_to = day("Last day; empty is for good.", "结束日期", optional=True)
    share = share("Share of the region's orders.", "占比", "份额")

    @dy.rule()
    def dates_in_order(cls) -> pl.Expr:
        return pl.col("date_to").is_null() | (pl.col("date_from") <= pl.col("date_to"))

    @dy.rule()
    def shares_sum_to_at_most_1(cls) -> pl.Expr:
        together = ("run_id", "merchant_id", "category", "region_id", "date_from")
        return pl.col("share").sum().over(together) <= 1.0 + _SHARE_TOLERANCE


class StockReceipts(dy.Schema):
    """Units under way to a warehouse (在途库存)."""

    merchant_id = ident("Merchant.", "商家", key=True)
    category = ident("Category of goods.", "品类", "类目", key=True)
    warehouse_id = ident("Warehouse.", "仓库", key=True)
    sellable_on = day("First day on which they can be sold.", "可售日期", key=True)
    units = count("Units.", "数量", unit="units")


class OpenOrders(dy.Schema):
    """Orders that wait for stock to be chosen, not yet among the sales (待发订单)."""

    order_id = ident("Order.", "订单", "订单号", key=True)
    merchant_id = ident("Merchant.", "商家")
    category = ident("Category of goods.", "品类", "类目")
    region_id = ident("Region of the buyer.", "区域", "收货区域")
    units = count("Units ordered.", "数量", unit="units")
    ordered_at = moment("When it was ordered.", "下单时间")
    promised_at = moment("When it was promised.", "承诺时间", optional=True)

    @dy.rule()
    def times_in_order(cls) -> pl.Expr:
        return pl.col("promised_at").is_null() | (pl.col("ordered_at") <= pl.col("promised_at"))


class OrderSources(Result):
    """Where each waiting order leaves from (订单货源)."""

    order_id = ident("Order.", "订单", "订单号", key=True)
    merchant_id = ident("Merchant.", "商家")
    category = ident("Category of goods.", "品类", "类目")
    region_id = ident("Region of the buyer.", "区域", "收货区域")
    units = count("Units ordered.", "数量", unit="units")
    status = choice("From stock, from home as today, or not sent.", ("stock", "home", "waits"), "状态")
    warehouse_id = ident("Warehouse it leaves from; empty is the merchant's hub.", "仓库", optional=True)
    origin_hub_id = ident("Hub it is handed in at.", "始发", optional=True)
    arrives_at = moment("When it arrives.", "到达时间", optional=True)
    late_hours = quantity("Hours after its promise.", "延误小时", unit="hours")
    cost = money("Parcels and the worth of the buyer's wait.", "成本", unit="CNY")


class StockLevels(dy.Schema):
    """A week of a stock that is filled up again and again (周补货): opening + under_way + moved_in - moved_out - sold = closing."""

    run_id = ident("Run that made the row.", "运行编号", key="by rule")
    date = day("First day of the week.", "日期", "周起始", "开始日期", key="by rule")
    date_to = day("Last day of the week.", "周结束", "结束日期")
    merchant_id = ident("Merchant.", "商家", key="by rule")
    category = ident("Category of goods.", "品类", "类目", key="by rule")
    warehouse_id = ident(
        "Warehouse; empty: orders that leave from home, and those nothing serves.", "仓库", key="by rule", optional=True
    )
    opening = count("Units there as the week begins.", "期初库存", unit="units")
    under_way = count("Units under way (`stock_receipts`) that can be sold from then.", "在途到货", unit="units")
    moved_in = count("Units that come from home or from another warehouse.", "移入货量", "调入", unit="units")
    moved_out = count("Units that go to another warehouse.", "移出货量", "调出", unit="units")
    order_up_to = count("Units that are to stand ready.", "补货上限", unit="units")
    sold = count("Units expected to be sold from there.", "预计销量", unit="units")
    closing = count("Units left as the week ends.", "期末库存", unit="units")
    short = count("Units ordered that nothing serves.", "缺口", unit="units")
    cost = money("Parcels, the worth of the buyers' wait, and place.", "成本", unit="CNY")

    @dy.rule()
    def key_is_unique(cls) -> pl.Expr:
        return pl.struct("run_id", "date", "merchant_id", "category", "warehouse_id").is_unique()

    @dy.rule()
    def dates_in_order(cls) -> pl.Expr:
        return pl.col("date") <= pl.col("date_to")


class StockTransfers(dy.Schema):
    """Goods that fill a warehouse up (调拨): from the merchant's home, or from another warehouse that can do without."""

    run_id = ident("Run that made the row.", "运行编号", key="by rule")
    sellable_on = day("First day on which they can be sold.", "可售日期", key="by rule")
    merchant_id = ident("Merchant.", "商家", key="by rule")
    category = ident("Category of goods.", "品类", "类目", key="by rule")
    origin_warehouse_id = ident(
        "Warehouse they come from; empty is the merchant's home.", "调出仓库", key="by rule", optional=True
    )
    origin_hub_id = ident("Hub they come from.", "始发", "始发分拨")
    warehouse_id = ident("Warehouse they go to.", "仓库", "调入仓库", key="by rule")
    units = count("Units.", "数量", unit="units")
    ship_on = day("Day on which they leave.", "发货日")
    arrives_on = day("Day on which they arrive.", "到仓日")
    cost = money("Bringing them in.", "成本", unit="CNY")

    @dy.rule()
    def key_is_unique(cls) -> pl.Expr:
        return pl.struct(
            "run_id", "sellable_on", "merchant_id", "category", "origin_warehouse_id", "warehouse_id"
        ).is_unique()

    @dy.rule()
    def days_in_order(cls) -> pl.Expr:
        return (pl.col("ship_on") <= pl.col("arrives_on")) & (pl.col("arrives_on") <= pl.col("sellable_on"))


class StockDemand(dy.Schema):
    """Units a stock plan is asked to place (备货需求), in place of what sales say."""

    merchant_id = ident("Merchant.", "商家", key=True)
    category = ident("Category of goods.", "品类", "类目", key=True)
    region_id = ident("Region of the buyer.", "区域", "收货区域", key=True)
    units = count("Units.", "数量", unit="units")


class SourcingCosts(dy.Schema):
    """Cost of a unit from a warehouse to a region (发货成本), in place of couriers' rates."""

    warehouse_id = ident("Warehouse.", "仓库", key=True)
    region_id = ident("Region of the buyer.", "区域", "收货区域", key=True)
    category = ident("Category of goods; `*` is all.", "品类", "类目", key=True, default=ALL)
    cost = money("Cost of a unit.", "成本", unit="CNY/unit")
    days = quantity("Days from order to delivery.", "天数", unit="days", optional=True)
