"""Contracts of what plans besides the trunk's give: capacity to commit, stock ahead, couriers, trips to outlets."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from data.contracts.fields import choice, count, day, ident, moment, money, parcels, quantity, share, text
from data.contracts.reference import MODES, OWNERSHIPS
from data.contracts.results import Result


class CapacityNeeds(Result):
    """How many vehicles a week needs, and how many to commit ahead of contracts."""

    week = day("Monday of the week.", "周", key=True)
    vehicle_type_id = ident("Vehicle type.", "车型", key=True)
    mode = choice("Mode of transport.", MODES, "运输方式")
    ownership = choice("own (自有), contract (合同) or spot (社会车辆).", OWNERSHIPS, "所有权", "车辆性质")
    days = count("Days of the week that are forecast.", "天数", unit="days")
    busiest_day = day("Day with most parcels; q50 to q95 are of this day.", "高峰日")
    q50 = count("Vehicles at work for the median of the day's parcels.", unit="vehicles")
    q80 = count("Vehicles at work for the 80 % quantile.", unit="vehicles")
    q90 = count("Vehicles at work for the 90 % quantile.", unit="vehicles")
    q95 = count("Vehicles at work for the 95 % quantile.", unit="vehicles")
    service_level = share("Quantile that needed carries.", "服务水平")
    needed = count(
        "Vehicles at work on the week's hardest day at the service level; of contract vehicles if all were committed, of "
        "spot vehicles beyond the contracts recommended.",
        "需求车辆",
        unit="vehicles",
    )
    recommended = count(
        "Contract vehicles to commit at least expected cost; own vehicles to have ready, spot vehicles to have on call.",
        "建议车辆",
        unit="vehicles",
    )
    fleet_size = count(
        "Vehicles that vehicle_types lists; empty is no bound.", "车辆数", unit="vehicles", optional=True
    )
    unit_cost_too_few = money("Cost of one vehicle too few on one day.", "缺车单价", unit="CNY/vehicle-day")
    unit_cost_too_many = money("Cost of one vehicle too many on one day.", "多车单价", unit="CNY/vehicle-day")
    critical_ratio = share("too few / (too few + too many).", "临界比")
    cost_too_few = money("Expected cost over the week of committing too few, at recommended.", "缺车成本")
    cost_too_many = money("Expected cost over the week of committing too many, at recommended.", "多车成本")


class CapacityCosts(Result):
    """What committing another number of vehicles would cost over a week, on average."""

    week = day("Monday of the week.", "周", key=True)
    vehicle_type_id = ident("Vehicle type.", "车型", key=True)
    vehicles = count("Vehicles committed.", "车辆", unit="vehicles", key=True)
    cost_too_few = money("Expected cost of too few: hired at the day's price, or late.", "缺车成本")
    cost_too_many = money("Expected cost of too many: paid and idle.", "多车成本")


class ContractDepartures(Result):
    """Departures to book ahead, chosen over draws of the forecast (合同发车)."""

    date = day("Day on which they leave.", "日期", key=True)
    lane_id = ident("Lane.", "线路", "干线", key=True)
    vehicle_type_id = ident("Vehicle type.", "车型", key=True)
    departures = count("Whole departures to book.", "班次", unit="departures")
    for_the_mean = count("Those that the mean future alone would book.", "均值方案班次", unit="departures")


class ContractCertificates(Result):
    """What a booking over draws costs, and what knowing more would be worth, on draws it was not made on."""

    date_from = day("First day booked for.", "起始日期")
    date_to = day("Last day booked for.", "结束日期")
    draws = count("Futures it was made on.", "未来组数", unit="draws")
    fresh_draws = count("Futures it was judged on.", "检验组数", unit="draws")
    cost_on_draws = money(
        "Expected cost on the futures it was made on, parts of vehicles allowed: the least possible there."
    )
    expected_cost = money("Mean cost of booking and carrying on fresh futures.", "期望成本")
    cost_low = quantity("Lower end of its 95 % interval.", unit="CNY", low=None)
    cost_high = quantity("Upper end of its 95 % interval.", unit="CNY", low=None)
    vss = quantity(
        "Value of the stochastic solution: what booking for the mean future costs more.",
        "随机解价值",
        unit="CNY",
        low=None,
    )
    vss_low = quantity("Lower end of its 95 % interval.", unit="CNY", low=None)
    vss_high = quantity("Upper end of its 95 % interval.", unit="CNY", low=None)
    evpi = quantity(
        "Expected value of perfect information: what it costs more than if each future were known.",
        "完全信息价值",
        unit="CNY",
        low=None,
    )
    evpi_low = quantity("Lower end of its 95 % interval.", unit="CNY", low=None)
    evpi_high = quantity("Upper end of its 95 % interval.", unit="CNY", low=None)


class StockAllocations(dy.Schema):
    """How many units in which warehouse by which day, for the buyers of which region."""

    run_id = ident("Run that made the row.", "运行编号", key="by rule")
    merchant_id = ident("Merchant.", "商家", key="by rule")
    category = ident("Category of goods.", "品类", key="by rule")
    warehouse_id = ident("Warehouse.", "仓库", key="by rule")
    destination_region_id = ident(
        "Region of the buyers; empty is all it serves.", "目的区域", "收货区域", key="by rule", optional=True
    )
    share = share("Share of the region's orders that is to leave from here.", "占比", optional=True)
    units = count("Units to stand there.", "数量", unit="units")
    ship_by = day("Last day to send them.", "最晚发货日")
    ship_on = day("Day on which they leave by the plan.", "发货日", optional=True)
    arrives_on = day("Day on which they arrive.", "到仓日", optional=True)
    sellable_on = day("First day on which they can be sold.", "可售日期", optional=True)
    reason = text("Why.", "原因")

    @dy.rule()
    def key_is_unique(cls) -> pl.Expr:
        return pl.struct("run_id", "merchant_id", "category", "warehouse_id", "destination_region_id").is_unique()

    @dy.rule()
    def days_in_order(cls) -> pl.Expr:
        known = (pl.col("ship_on") <= pl.col("arrives_on")).fill_null(True)
        return known & (pl.col("arrives_on") <= pl.col("sellable_on")).fill_null(True)


class CourierAllocations(Result):
    """Which courier takes how many parcels of a merchant."""

    date = day("Day.", "日期", key=True)
    merchant_id = ident("Merchant.", "商家", key=True)
    courier_id = ident("Courier.", "快递公司", key=True)
    origin_hub_id = ident("Hub of origin.", "始发", key=True)
    destination_hub_id = ident("Hub of destination.", "目的", key=True)
    parcels = parcels("Parcels.", "货量")
    reason = text("Why.", "原因")


class OutletTrips(Result):
    """Runs between a hub and its outlets."""

    date = day("Day.", "日期", key=True)
    hub_id = ident("Hub.", "分拨中心", key=True)
    trip_id = ident("Trip.", "班次", key=True)
    vehicle_id = ident("Vehicle.", "车辆")
    ownership = choice("own, contract or spot.", ("own", "contract", "spot"), "所有权")
    stop_number = count("Place in the trip, from 1.", "站序", unit="stops", key=True)
    outlet_id = ident("Outlet.", "网点")
    departs_at = moment("When it leaves.", "出发时间")
    arrives_at = moment("When it arrives.", "到达时间")
    parcels = parcels("Parcels.", "货量")
    cost = money("Cost.", "成本")
