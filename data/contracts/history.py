"""Contracts of the history tables: what was ordered, carried and measured."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from data.contracts.fields import (
    choice,
    count,
    day,
    ident,
    latitude,
    long_text,
    longitude,
    moment,
    parcels,
    quantity,
    text,
)

STATUSES = ("created", "picked_up", "in_transit", "arrived", "out_for_delivery", "delivered", "returned")
SEVERITIES = ("blue", "yellow", "orange", "red")
WARNING_STATUSES = ("actual", "exercise", "system", "test", "draft")
MESSAGE_TYPES = ("alert", "update", "cancel")


class Waybills(dy.Schema):
    """Waybills (运单): one parcel each, with the times of its way."""

    waybill_id = ident("Id of the waybill.", "运单", "运单号", "快递单号", key=True)
    courier_id = ident("Courier.", "快递公司", "承运商", optional=True)
    merchant_id = ident("Merchant.", "商家", optional=True)
    category = ident("Category of goods.", "品类", "类目", optional=True)
    origin_hub_id = ident("Hub of origin.", "始发", "始发分拨", "场地1", "origin")
    destination_hub_id = ident("Hub of destination.", "目的", "目的分拨", "场地2", "destination")
    origin_outlet_id = ident("Outlet that picks it up.", "始发网点", "揽收网点", optional=True)
    destination_outlet_id = ident("Outlet that delivers it.", "目的网点", "派送网点", optional=True)
    ordered_at = moment("When it was ordered.", "下单时间")
    picked_up_at = moment("When it was picked up.", "揽收时间", optional=True)
    arrived_at = moment("When it arrived at the hub of destination.", "到达时间", optional=True)
    out_for_delivery_at = moment("When it left for the receiver.", "派件时间", optional=True)
    delivered_at = moment("When it was signed for.", "签收时间", optional=True)
    promised_at = moment("When it was promised.", "承诺时间", optional=True)
    status = choice("Where it stands.", STATUSES, "状态")
    exception = text(
        "Open exception, if any: lost, damaged, refused, address, delayed …", "异常", "异常原因", optional=True
    )

    @dy.rule()
    def times_in_order(cls) -> pl.Expr:
        steps = ("ordered_at", "picked_up_at", "arrived_at", "out_for_delivery_at", "delivered_at")
        in_order = pl.lit(True)
        for position, later in enumerate(steps[1:], start=1):
            known_before = pl.max_horizontal(*steps[:position])
            in_order = in_order & (pl.col(later).is_null() | (pl.col(later) >= known_before))
        return in_order


class RouteVolumes(dy.Schema):
    """Parcels by day, courier and route (线路货量). A route without a row carried nothing where its hub has rows that day; else it is unknown."""

    date = day("Business date.", "日期", "业务日期", "day", key=True)
    courier_id = ident("Courier.", "快递公司", "承运商", "courier", key=True)
    origin_hub_id = ident("Hub of origin.", "始发", "始发场地", "始发分拨", "场地1", "origin", key=True)
    destination_hub_id = ident(
        "Hub of destination.", "目的", "目的场地", "目的分拨", "场地2", "destination", "dest", key=True
    )
    parcels = parcels("Parcels that left the origin that day.", "货量", "件量", "票数", "包裹量", "volume")


class OutletVolumes(dy.Schema):
    """Parcels by day, outlet and direction (网点货量)."""

    date = day("Business date.", "日期", "业务日期", key=True)
    outlet_id = ident("Outlet.", "网点", "网点编码", "站点", key=True)
    direction = choice("pickup (揽收) or delivery (派送).", ("pickup", "delivery"), "方向", key=True)
    parcels = parcels("Parcels.", "货量", "件量", "票数", "volume")


class Sales(dy.Schema):
    """Units sold by day, merchant, category and region of the buyer (销售)."""

    date = day("Business date.", "日期", key=True)
    merchant_id = ident("Merchant.", "商家", key=True)
    category = ident("Category of goods.", "品类", "类目", key=True)
    destination_region_id = ident("Region of the buyer.", "目的区域", "收货区域", key=True)
    units = count("Units sold.", "销量", "件数", unit="units")
    parcels = parcels("Parcels they made.", "包裹数", "票数", optional=True)


class Stock(dy.Schema):
    """Units that stand in a warehouse (库存)."""

    merchant_id = ident("Merchant.", "商家", key=True)
    category = ident("Category of goods.", "品类", "类目", key=True)
    warehouse_id = ident("Warehouse.", "仓库", key=True)
    units = count("Units at hand.", "库存", "数量", unit="units")
    as_of = day("Day of the count.", "日期", "盘点日期", key=True)


class _Weather(dy.Schema):
    issued_at = moment("When it was issued.", "发布时间", key="by rule", optional=True)
    valid_at = moment("The time it speaks of.", "时间", "预报时间", "time", key="by rule")
    latitude = latitude(key="by rule")
    longitude = longitude(key="by rule")
    temperature_c = quantity("Air temperature at 2 m.", "气温", "温度", unit="°C", low=-90, high=65, optional=True)
    precipitation_mm = quantity("Water in the hour before.", "降水", "降水量", unit="mm/h", high=500, optional=True)
    snowfall_cm = quantity("Fresh snow in the hour before.", "降雪", "降雪量", unit="cm/h", high=100, optional=True)
    wind_speed_ms = quantity("Wind at 10 m.", "风速", unit="m/s", high=120, optional=True)
    visibility_m = quantity("How far one sees.", "能见度", unit="m", high=200_000, optional=True)

    @dy.rule()
    def key_is_unique(cls) -> pl.Expr:
        return pl.struct("issued_at", "valid_at", "latitude", "longitude").is_unique()


class WeatherObservations(_Weather):
    """Weather as measured, on points."""


class WeatherForecasts(_Weather):
    """Weather as forecast, on points."""


class WeatherWarnings(dy.Schema):
    """Warnings of the weather service, on areas."""

    warning_id = ident("Id of the warning.", "预警编码", key=True)
    issued_at = moment("When it was issued; empty was always known.", "发布时间", optional=True)
    status = choice("Only actual ones act.", WARNING_STATUSES, "状态", default="actual")
    message_type = choice(
        "A new warning, or an update or the end of earlier ones.", MESSAGE_TYPES, "消息类型", default="alert"
    )
    supersedes = long_text("Ids of the warnings it updates or cancels, joined by a bar.", "更新预警", optional=True)
    kind = text("fog, ice, snow, rain, wind or another word.", "类型", "预警类型")
    severity = choice("Colour.", SEVERITIES, "等级", "颜色")
    onset = moment("From when.", "开始时间")
    expires = moment("Until when.", "结束时间")
    area = long_text("Area as GeoJSON geometry, longitude first.", "区域")
    source = text("Who issued it.", "发布单位", optional=True)
    certainty = text("How certain it is, in the source's word.", "可能性", optional=True)
    urgency = text("How soon it comes, in the source's word.", "紧急程度", optional=True)
    text = text("The warning's own words.", "内容", optional=True)

    @dy.rule()
    def times_in_order(cls) -> pl.Expr:
        return pl.col("onset") <= pl.col("expires")

    @dy.rule()
    def an_update_names_what_it_supersedes(cls) -> pl.Expr:
        return (pl.col("message_type") == "alert") | (pl.col("supersedes").fill_null("") != "")
