"""Contracts of the reference tables: the network, its partners and its calendar."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from data.contracts.fields import (
    choice,
    count,
    day,
    ident,
    latitude,
    longitude,
    moment,
    money,
    parcels,
    quantity,
    share,
    text,
)

MODES = ("road", "rail", "air")
OWNERSHIPS = ("own", "contract", "spot")


class Regions(dy.Schema):
    """Regions (区域): provinces, prefectures, states; a tree by parent_region_id. Outlines, if any, stand in regions.geojson."""

    region_id = ident(
        "Id of the region, for China the six-digit adcode or a short name.", "区域", "区域编码", "adcode", key=True
    )
    name = text("Name.", "名称", "区域名称")
    name_zh = text("Chinese name.", "中文名", "中文名称", optional=True)
    parent_region_id = ident("Region this one belongs to.", "上级区域", optional=True)
    latitude = latitude(optional=True)
    longitude = longitude(optional=True)

    @dy.rule()
    def parent_is_another_region(cls) -> pl.Expr:
        return pl.col("parent_region_id").is_null() | (pl.col("parent_region_id") != pl.col("region_id"))


class Hubs(dy.Schema):
    """Sorting hubs (分拨中心). An empty capacity is no bound."""

    hub_id = ident("Id of the hub.", "分拨中心", "分拨中心编码", "转运中心", "场地", "hub", key=True)
    name = text("Name.", "名称", "分拨中心名称", "hub_name")
    region_id = ident("Region the hub stands in.", "区域", optional=True)
    latitude = latitude(optional=True)
    longitude = longitude(optional=True)
    sort_capacity = parcels(
        "Parcels the hub can sort a day.", "分拣能力", "处理能力", unit="parcels/day", optional=True
    )
    buffer_capacity = parcels("Parcels that may wait over night.", "暂存能力", "缓存能力", optional=True)
    handling_cost = money("Cost of sorting one parcel once.", "操作成本", "分拣成本", unit="CNY/parcel", optional=True)


class Couriers(dy.Schema):
    """Courier companies (快递公司)."""

    courier_id = ident("Id of the courier.", "快递公司", "快递公司编码", "承运商", "courier", key=True)
    name = text("Name.", "名称", "快递公司名称")


class Outlets(dy.Schema):
    """Outlets (网点): where parcels are picked up from senders and delivered from."""

    outlet_id = ident("Id of the outlet.", "网点", "网点编码", "站点", "outlet", key=True)
    name = text("Name.", "名称", "网点名称")
    courier_id = ident("Courier it works for.", "快递公司", "承运商")
    hub_id = ident("Hub it hands to and receives from.", "分拨中心", "转运中心", "场地")
    latitude = latitude(optional=True)
    longitude = longitude(optional=True)
    pickup_capacity = parcels("Parcels it can pick up a day.", "揽收能力", unit="parcels/day", optional=True)
    delivery_capacity = parcels("Parcels it can deliver a day.", "派送能力", unit="parcels/day", optional=True)


class Lanes(dy.Schema):
    """Lanes (干线线路): one direction, one mode, from hub to hub. Courses, if any, stand in lanes.geojson."""

    lane_id = ident("Id of the lane.", "线路", "线路编码", "干线", "lane", key=True)
    origin_hub_id = ident("Hub it leaves from.", "始发", "始发场地", "始发分拨", "场地1", "origin", "origin_hub")
    destination_hub_id = ident(
        "Hub it arrives at.", "目的", "目的场地", "目的分拨", "场地2", "destination", "destination_hub"
    )
    mode = choice("Mode of transport.", MODES, "运输方式")
    distance_km = quantity("Distance over the ground.", "距离", "里程", "distance", "km", unit="km")
    transit_hours = quantity(
        "Hours from departure until the parcels are at hand at the destination; 0 arrives on the day it leaves, "
        "else the arrival day is the departure day plus transit_hours / 24 rounded up.",
        "运输时长",
        "时长",
        unit="hours",
    )
    parcel_cost = money(
        "Cost of carrying one parcel, besides the vehicle.", "单票成本", unit="CNY/parcel", optional=True
    )
    departure_limit = count(
        "Departures possible a day over all vehicle types.", "发车上限", unit="departures/day", optional=True
    )

    @dy.rule()
    def ends_differ(cls) -> pl.Expr:
        return pl.col("origin_hub_id") != pl.col("destination_hub_id")


class VehicleTypes(dy.Schema):
    """Vehicle types (车型) with what they hold and cost."""

    vehicle_type_id = ident("Id of the vehicle type.", "车型", "车型编码", key=True)
    name = text("Name.", "名称", "车型名称")
    mode = choice("Mode of transport.", MODES, "运输方式")
    ownership = choice("own (自有), contract (合同) or spot (社会车辆).", OWNERSHIPS, "所有权", "车辆性质")
    capacity = parcels("Parcels one departure holds.", "装载量", "容量", unit="parcels/departure")
    fixed_cost = money("Cost of one departure whatever the distance.", "固定成本", unit="CNY/departure")
    cost_per_km = money("Cost of one kilometre.", "公里成本", unit="CNY/km")
    fleet_size = count("Vehicles at work at one time over the whole network.", "车辆数", unit="vehicles", optional=True)


class LaneVehicles(dy.Schema):
    """What a lane takes, where it differs: a lane listed here takes only these vehicle types."""

    lane_id = ident("Lane.", "线路", "线路编码", key=True)
    vehicle_type_id = ident("Vehicle type.", "车型", key=True)
    capacity = parcels("In place of the type's capacity.", "装载量", unit="parcels/departure", optional=True)
    departure_cost = money(
        "In place of fixed_cost + cost_per_km x distance_km.", "单趟成本", unit="CNY/departure", optional=True
    )
    departure_limit = count("Departures of this type possible a day.", "发车上限", unit="departures/day", optional=True)


class Warehouses(dy.Schema):
    """Warehouses (仓库) where merchants' stock can stand ahead."""

    warehouse_id = ident("Id of the warehouse.", "仓库", "仓库编码", key=True)
    name = text("Name.", "名称", "仓库名称")
    hub_id = ident("Hub that picks up from it.", "分拨中心", "场地")
    storage_capacity = count("Units it can store.", "库容", unit="units")
    dispatch_capacity = parcels("Parcels it can send a day.", "出库能力", unit="parcels/day", optional=True)
    storage_cost = money("Cost of one unit a day.", "仓储成本", unit="CNY/unit/day", optional=True)
    opening_cost = money("Cost of using it at all.", "开仓成本", optional=True)


class Merchants(dy.Schema):
    """Merchants (商家)."""

    merchant_id = ident("Id of the merchant.", "商家", "商家编码", "merchant", key=True)
    name = text("Name.", "名称", "商家名称")
    hub_id = ident("Hub it ships from today.", "分拨中心", "始发", "场地")
    growth = quantity("Sales this year over last year.", "增长率", unit="ratio", optional=True)


class CourierPreferences(dy.Schema):
    """How a merchant splits its parcels over couriers; the shares of a merchant sum to 1."""

    merchant_id = ident("Merchant.", "商家", key=True)
    courier_id = ident("Courier.", "快递公司", "承运商", key=True)
    share = share("Share of the merchant's parcels.", "占比", "份额")


class CourierCapacity(dy.Schema):
    """Parcels a courier can carry a day, by month, for year-on-year and month-on-month trends."""

    courier_id = ident("Courier.", "快递公司", key=True)
    month = day("First day of the month.", "月份", "月", key=True)
    parcels_per_day = parcels("Parcels it can carry a day.", "日处理能力", "日均能力", unit="parcels/day")

    @dy.rule()
    def month_is_a_first_day(cls) -> pl.Expr:
        return pl.col("month").dt.day() == 1


class CourierRates(dy.Schema):
    """Price and promise of a courier from hub to hub."""

    courier_id = ident("Courier.", "快递公司", key=True)
    origin_hub_id = ident("Hub of origin.", "始发", "场地1", "origin", key=True)
    destination_hub_id = ident("Hub of destination.", "目的", "场地2", "destination", key=True)
    price = money("Price of one parcel.", "价格", "单价", unit="CNY/parcel")
    promised_hours = quantity("Hours promised from pick-up to delivery.", "承诺时效", unit="hours")
    on_time_rate = share("Share delivered within the promise.", "准时率", optional=True)


class ServicePromises(dy.Schema):
    """Latest arrival (时效承诺) by route; a route that is not listed has none.

    Parcels handed in on day t are due on day t + latest_hours / 24 rounded up, as transit hours of lanes are.
    """

    origin_hub_id = ident("Hub of origin.", "始发", "始发分拨", "场地1", "origin", "origin_hub", key=True)
    destination_hub_id = ident(
        "Hub of destination.", "目的", "目的分拨", "场地2", "destination", "destination_hub", key=True
    )
    latest_hours = quantity(
        "Hours from hand-in at the hub of origin until the parcels are to be sorted at the hub of destination.",
        "承诺时效",
        "最晚到达时长",
        "时效",
        unit="hours",
        high=2400.0,
    )


class Events(dy.Schema):
    """Holidays and shopping events (节假日与大促): one row a wave, so a season may have several."""

    event_id = ident("Id of this wave of this edition.", "活动编码", key=True)
    name = text("Name, the same over the editions.", "活动", "活动名称")
    name_zh = text("Chinese name.", "中文名", optional=True)
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
    """Changes of the network known beforehand; forecasts and plans honour them from their date. One row a successor."""

    change_id = ident("Id of the change.", "变更编码", key="by rule")
    date = day("First day on which it holds.", "日期", "生效日期")
    hub_id = ident("Hub that opens, closes or moves.", "分拨中心", "场地")
    change = choice("What happens.", ("opens", "closes", "moves"), "变更")
    successor_hub_id = ident("Hub that takes its volume.", "承接分拨", "承接场地", key="by rule", optional=True)
    share = share("Share of its volume that this successor takes.", "占比", optional=True)
    reason = text("Why.", "原因", optional=True)

    @dy.rule()
    def key_is_unique(cls) -> pl.Expr:
        return pl.struct("change_id", "successor_hub_id").is_unique()

    @dy.rule()
    def successor_is_another_hub(cls) -> pl.Expr:
        return pl.col("successor_hub_id").is_null() | (pl.col("successor_hub_id") != pl.col("hub_id"))


class Promotions(dy.Schema):
    """Merchants' part in a shopping event (促销)."""

    merchant_id = ident("Merchant.", "商家", key=True)
    category = ident("Category of goods.", "品类", "类目", key=True)
    event_id = ident("Event.", "活动编码", key=True)
    venue = choice("Main venue (主会场), branch venue (分会场) or none.", ("main", "branch", "none"), "会场")
    discount = share("Discount on the price.", "折扣", optional=True)


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
