"""Contracts of the reference tables: the network and its partners."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from data.contracts.fields import (
    MOST_HOURS,
    chinese_name,
    choice,
    clock,
    count,
    day,
    ident,
    latitude,
    longitude,
    money,
    parcels,
    quantity,
    share,
    text,
)

MODES = ("road", "rail", "air")
OWNERSHIPS = ("own", "contract", "spot")
_LATEST_PROMISED_DAY = 100


class Regions(dy.Schema):
    """Regions (区域): provinces, prefectures, states; a tree by parent_region_id. Outlines, if any, stand in regions.geojson."""

    region_id = ident(
        "Id of the region, for China the six-digit adcode or a short name.", "区域", "区域编码", "adcode", key=True
    )
    name = text("Name.", "名称", "区域名称")
    name_zh = chinese_name()
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
    name_zh = chinese_name()
    region_id = ident("Region the hub stands in.", "区域", optional=True)
    latitude = latitude(optional=True)
    longitude = longitude(optional=True)
    sort_capacity = parcels(
        "Parcels the hub can sort a day.", "分拣能力", "处理能力", unit="parcels/day", optional=True
    )
    buffer_capacity = parcels("Parcels that may wait over night.", "暂存能力", "缓存能力", optional=True)
    staging_capacity = parcels(
        "Sorted parcels that may wait for a later departure; empty, they share the buffer.", "待发区容量", optional=True
    )
    handling_cost = money("Cost of sorting one parcel once.", "操作成本", "分拣成本", unit="CNY/parcel", optional=True)
    time_zone = ident(
        "Its time zone by IANA name, such as Asia/Urumqi; empty is the workspace's.", "时区", optional=True
    )


class Couriers(dy.Schema):
    """Courier companies (快递公司)."""

    courier_id = ident("Id of the courier.", "快递公司", "快递公司编码", "承运商", "courier", key=True)
    name = text("Name.", "名称", "快递公司名称")
    name_zh = chinese_name()


class Outlets(dy.Schema):
    """Outlets (网点): where parcels are picked up from senders and delivered from."""

    outlet_id = ident("Id of the outlet.", "网点", "网点编码", "站点", "outlet", key=True)
    name = text("Name.", "名称", "网点名称")
    name_zh = chinese_name()
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
        high=MOST_HOURS,
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
    name_zh = chinese_name()
    mode = choice("Mode of transport.", MODES, "运输方式")
    ownership = choice("own (自有), contract (合同) or spot (社会车辆).", OWNERSHIPS, "所有权", "车辆性质")
    capacity = parcels("Parcels one departure holds.", "装载量", "容量", unit="parcels/departure")
    fixed_cost = money("Cost of one departure whatever the distance.", "固定成本", unit="CNY/departure")
    cost_per_km = money("Cost of one kilometre.", "公里成本", unit="CNY/km")
    fleet_size = count("Vehicles at work at one time over the whole network.", "车辆数", unit="vehicles", optional=True)
    co2_kg_per_km = quantity("Carbon dioxide of one kilometre.", "碳排放", unit="kg/km", optional=True)


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
    name_zh = chinese_name()
    hub_id = ident("Hub that picks up from it.", "分拨中心", "场地")
    storage_capacity = count("Units it can store.", "库容", unit="units")
    dispatch_capacity = parcels("Parcels it can send a day.", "出库能力", unit="parcels/day", optional=True)
    storage_cost = money("Cost of one unit a day.", "仓储成本", unit="CNY/unit/day", optional=True)
    opening_cost = money("Cost of using it at all.", "开仓成本", optional=True)
    kind = choice("What it is.", ("factory", "main", "split", "shop"), "仓库类型", optional=True)


class Merchants(dy.Schema):
    """Merchants (商家)."""

    merchant_id = ident("Id of the merchant.", "商家", "商家编码", "merchant", key=True)
    name = text("Name.", "名称", "商家名称")
    name_zh = chinese_name()
    hub_id = ident("Hub it ships from today.", "分拨中心", "始发", "场地")
    growth = quantity("Sales this year over last year.", "增长率", unit="ratio", optional=True)
    agrees = share("Share of its orders it lets move to stock placed ahead; empty is all.", "同意比例", optional=True)


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
    promised_hours = quantity("Hours promised from pick-up to delivery.", "承诺时效", unit="hours", high=MOST_HOURS)
    on_time_rate = share("Share delivered within the promise.", "准时率", optional=True)


class ServicePromises(dy.Schema):
    """Latest arrival (时效承诺) by route; a route that is not listed has none.

    By latest_hours, parcels handed in on day t are due on day t + latest_hours / 24 rounded up, as transit hours of lanes are;
    by_day and by_hour name the day after hand-in and the hour on it.
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
        optional=True,
    )
    by_day = count("Days after hand-in, in place of latest_hours.", "次日数", "承诺天数", unit="days", optional=True)
    by_hour = clock("Hour of that day, at the destination.", "承诺时刻", optional=True)

    @dy.rule()
    def promises_hours_or_a_day_with_its_hour(cls) -> pl.Expr:
        hours, by_day, by_hour = (pl.col(name).is_not_null() for name in ("latest_hours", "by_day", "by_hour"))
        return (hours != by_day) & (by_day == by_hour)

    @dy.rule()
    def promised_day_is_near(cls) -> pl.Expr:
        return (pl.col("by_day") <= _LATEST_PROMISED_DAY).fill_null(True)
