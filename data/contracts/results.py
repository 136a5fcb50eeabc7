"""Contracts of the result tables: every row carries the run that made it."""

from __future__ import annotations

from itertools import pairwise

import dataframely as dy
import polars as pl

from data.contracts.fields import (
    choice,
    count,
    day,
    describe,
    ident,
    long_text,
    moment,
    money,
    parcels,
    quantity,
    share,
    text,
)
from data.contracts.reference import MODES, OWNERSHIPS
from data.quantiles import QUANTILE_COLUMNS

SEVERITY_OR_NONE = ("none", "blue", "yellow", "orange", "red")


class _Result(dy.Schema):
    run_id = ident("Run that made the row.", "运行编号", key=True)


class _Forecast(_Result):
    as_of = day("Last day of history the forecast knew.", "预测基准日", key=True)
    date = day("Day forecast.", "日期", key=True)
    mean = parcels("Expected parcels; every published sum is the sum of its parts.", "预测", "均值")
    q05 = parcels("5 % quantile.")
    q10 = parcels("10 % quantile.")
    q25 = parcels("25 % quantile.")
    q50 = parcels("Median.", "中位数")
    q75 = parcels("75 % quantile.")
    q90 = parcels("90 % quantile.")
    q95 = parcels("95 % quantile.")
    baseline = quantity("Parcels of a day without event, weather and override.", "基线", unit="parcels")
    event = quantity("Factor of shopping events and holidays.", "活动系数", unit="ratio")
    weather = quantity("Factor of the weather.", "天气系数", unit="ratio")
    override = quantity("Factor of planners' overrides.", "人工系数", unit="ratio")

    @dy.rule()
    def quantiles_in_order(cls) -> pl.Expr:
        in_order = pl.lit(True)
        for lower, upper in pairwise(QUANTILE_COLUMNS):
            in_order = in_order & (pl.col(lower) <= pl.col(upper))
        return in_order

    @dy.rule()
    def factors_multiply_to_the_mean(cls) -> pl.Expr:
        product = pl.col("baseline") * pl.col("event") * pl.col("weather") * pl.col("override")
        return (product - pl.col("mean")).abs() <= 1e-6 * (1.0 + pl.col("mean"))


class NetworkForecasts(_Forecast):
    """Parcels of the whole network by day."""


class RegionForecasts(_Forecast):
    """Parcels by day and region: out of its hubs, into its hubs."""

    region_id = ident("Region.", "区域", key=True)
    direction = choice("out or in.", ("out", "in"), "方向", key=True)


class HubForecasts(_Forecast):
    """Parcels by day and hub, over all couriers: out of it, into it."""

    hub_id = ident("Hub.", "分拨中心", key=True)
    direction = choice("out or in.", ("out", "in"), "方向", key=True)


class RouteForecasts(_Forecast):
    """Parcels by day, courier and route."""

    courier_id = ident("Courier.", "快递公司", key=True)
    origin_hub_id = ident("Hub of origin.", "始发", key=True)
    destination_hub_id = ident("Hub of destination.", "目的", key=True)


class OutletForecasts(_Forecast):
    """Parcels by day and outlet: picked up, delivered."""

    outlet_id = ident("Outlet.", "网点", key=True)
    direction = choice("pickup or delivery.", ("pickup", "delivery"), "方向", key=True)


class BacktestScores(_Result):
    """How well each model did on what was known on its date."""

    level = ident(
        "network, region, hub, route, route_weekly or outlet, with direction or volume class after a slash.",
        "层级",
        key=True,
    )
    model = ident("Model.", "模型", key=True)
    as_of = day("Last day it knew.", "预测基准日", key=True)
    lead_days = ident("Leads scored, e.g. 1-7.", "提前期", key=True)
    window = ident("all, normal or the event's name.", "窗口", key=True)
    accuracy = quantity("1 - WAPE, the trade's own measure.", "准确率", unit="share", low=None, high=1.0, optional=True)
    bias = quantity(
        "(sum of forecasts - sum of actuals) / sum of actuals.", "偏差", unit="share", low=None, optional=True
    )
    mase = quantity("Mean absolute error over that of the seasonal naive in the history.", unit="ratio", optional=True)
    weighted_quantile_loss = quantity(
        "Twice the quantile loss over the sum of actuals, mean of the quantiles.", unit="ratio", optional=True
    )
    coverage_80 = share("Share of actuals between q10 and q90.", "80%覆盖率", optional=True)
    coverage_90 = share("Share of actuals between q05 and q95.", "90%覆盖率", optional=True)
    width_80 = quantity("Sum of q90 - q10 over the sum of actuals.", unit="ratio", optional=True)
    width_90 = quantity("Sum of q95 - q05 over the sum of actuals.", unit="ratio", optional=True)
    rmsse = quantity(
        "Root mean squared error over that of the seasonal naive in the history.", unit="ratio", optional=True
    )
    parcels = quantity("Sum of the actuals scored.", unit="parcels", optional=True)


class _WeatherEffect(_Result):
    date = day("Day.", "日期", key=True)
    speed_factor = quantity("Speed against a fair day; hours divide by it.", "速度系数", unit="ratio", high=1.0)
    capacity_factor = quantity(
        "Capacity against a fair day: a limit on departures becomes limit x factor rounded up, 0 is closed; of outlets, courier productivity.",
        "能力系数",
        unit="ratio",
        high=1.0,
    )
    closure_probability = share("Probability of a closure that day.", "封路概率")
    severity = choice("Worst colour.", SEVERITY_OR_NONE, "等级")
    cause = text("What weather, where, when.", "原因")


class LaneWeather(_WeatherEffect):
    """What the weather does to a lane on a day."""

    lane_id = ident("Lane.", "线路", key=True)


class OutletWeather(_WeatherEffect):
    """What the weather does to an outlet on a day; capacity_factor is courier productivity."""

    outlet_id = ident("Outlet.", "网点", key=True)


class RouteDemand(_Result):
    """Parcels a plan is asked to carry, over all couriers: a forecast quantile, or given."""

    date = day("Day on which they are at the hub of origin.", "日期", key=True)
    origin_hub_id = ident("Hub of origin.", "始发", "场地1", "origin", key=True)
    destination_hub_id = ident("Hub of destination.", "目的", "场地2", "destination", key=True)
    parcels = parcels("Parcels.", "货量", "件量")


class TrunkDepartures(_Result):
    """Departures by day, lane and vehicle type."""

    date = day("Day of departure.", "日期", key=True)
    lane_id = ident("Lane.", "线路", key=True)
    vehicle_type_id = ident("Vehicle type.", "车型", key=True)
    departures = count("Departures.", "车次", unit="departures")
    parcels = parcels("Parcels aboard.", "货量")
    cost = money("Cost of the departures and of the parcels aboard.", "成本")


class TrunkFlows(_Result):
    """Which way the parcels of a day and route go. An empty path starts and ends at one hub."""

    date = day("Day of the demand.", "日期", key=True)
    origin_hub_id = ident("Hub of origin.", "始发", key=True)
    destination_hub_id = ident("Hub of destination.", "目的", key=True)
    path = dy.List(dy.String(), **describe("Lanes in order.", ("路径",), None, True, False))
    departure_dates = dy.List(
        dy.Date(), **describe("Day of departure on each lane of the path.", ("发车日期",), "date", True, False)
    )
    completed_on = day("Day it is sorted at its destination.", "完成日期", key=True)
    parcels = parcels("Parcels.", "货量")
    late_days = count(
        "Days from the day promised to completed_on; 0 in time, empty without a promise.",
        "延误天数",
        unit="days",
        optional=True,
    )


class HubLoads(_Result):
    """Load of a hub on a day."""

    date = day("Day.", "日期", key=True)
    hub_id = ident("Hub.", "分拨中心", key=True)
    handled = parcels("Parcels sorted.", "处理量")
    held = parcels("Parcels waiting over the following night.", "滞留量")
    capacity = parcels(
        "Parcels it can sort that day; empty is no bound.", "处理能力", unit="parcels/day", optional=True
    )
    utilisation = quantity("handled / capacity.", "利用率", unit="share", optional=True)


class HubPrices(_Result):
    """What one more parcel of sort capacity would save, where it binds; no row means nothing."""

    date = day("Day.", "日期", key=True)
    hub_id = ident("Hub.", "分拨中心", key=True)
    price = money("Dual price of the hub's sort capacity that day.", "影子价格", unit="CNY/parcel")


class BoundPrices(dy.Schema):
    """Prices that prove a plan's lower bound: anyone can add the bound up from them and the tables. Absent prices are 0."""

    run_id = ident("Run that made the row.", "运行编号", key="by rule")
    plan = ident("Kind of plan: trunk.", "计划", key="by rule")
    kind = choice(
        "What it is the price of: sort, buffer (of a hub and day), fleet (of a vehicle type and day), lane, option (of a "
        "lane and day, and of a type on it), potential (an own vehicle standing at a hub), room (of a lane and day, for a "
        "parcel), opening (what a demand pays for a lane and day on top, for a parcel).",
        ("sort", "buffer", "fleet", "lane", "option", "potential", "room", "opening"),
        "类别",
        key="by rule",
    )
    date = day("Day; of departure, for lanes.", "日期", key="by rule", optional=True)
    hub_id = ident("Hub.", "分拨中心", key="by rule", optional=True)
    lane_id = ident("Lane.", "线路", key="by rule", optional=True)
    vehicle_type_id = ident("Vehicle type.", "车型", key="by rule", optional=True)
    demand_date = day("Day of the demand, of openings.", key="by rule", optional=True)
    origin_hub_id = ident("Hub of origin of the demand, of openings.", "始发", key="by rule", optional=True)
    destination_hub_id = ident("Hub of destination of the demand, of openings.", "目的", key="by rule", optional=True)
    price = quantity(
        "Price of one unit: a parcel (sort, buffer, room, opening), a vehicle-day (fleet), a departure (lane, option), a "
        "vehicle (potential). Only potentials may be below 0.",
        "价格",
        unit="CNY",
        low=None,
    )

    @dy.rule()
    def key_is_unique(cls) -> pl.Expr:
        keys = ("run_id", "plan", "kind", "date", "hub_id", "lane_id", "vehicle_type_id")
        return pl.struct(*keys, "demand_date", "origin_hub_id", "destination_hub_id").is_unique()


class Shortfalls(_Result):
    """What the plan cannot carry, why, and what would help."""

    date = day("Day of the demand.", "日期", key=True)
    origin_hub_id = ident("Hub of origin.", "始发", key=True)
    destination_hub_id = ident("Hub of destination.", "目的", key=True)
    parcels = parcels("Parcels not carried.", "缺口")
    reason = text("Why.", "原因")
    binding = text("What binds: hub:ID, lane:ID or fleet:ID, more than one joined by a bar.", "瓶颈", optional=True)
    cheapest_fix = text("The cheapest thing that would carry them.", "最便宜的办法", optional=True)


class PlanCertificates(_Result):
    """What a plan costs, what is proven about it, and the checker's verdict."""

    plan = ident("Kind of plan: trunk, stock …", "计划", key=True)
    status = text("optimal, feasible or shortfalls.", "状态")
    cost = quantity("Cost of the plan.", "成本", unit="CNY")
    lower_bound = quantity("No plan for the same task done by last_day costs less.", "下界", unit="CNY", low=None)
    gap = quantity("(cost - lower_bound) / cost, 0 when both are 0.", "差距", unit="share", low=None)
    violations = count("Rules broken, from the independent checker.", "违规数", unit="violations")
    parcels_demanded = parcels("Parcels demanded.", "需求量")
    parcels_planned = parcels("Parcels planned.", "计划量")
    parcels_short = parcels("Parcels short.", "缺口")
    parcels_late = parcels("Parcels planned to arrive after their promise.", "延误量", optional=True)
    overflow_probability = share(
        "Probability of an overflow anywhere, from the stress test.", "爆仓概率", optional=True
    )
    proof = choice(
        "What proves the lower bound of a trunk plan: the prices in bound_prices, with openings among them or not, or a "
        "search (branch and bound), which leaves nothing to recompute it from.",
        ("prices", "openings", "search"),
        "证明方式",
        optional=True,
    )
    priced_bound = quantity("The part of lower_bound that bound_prices proves.", unit="CNY", low=None, optional=True)
    last_day = day("Day by which every parcel is sorted at its destination.", "最后一天", optional=True)


class CapacityNeeds(_Result):
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


class CapacityCosts(_Result):
    """What committing another number of vehicles would cost over a week, on average."""

    week = day("Monday of the week.", "周", key=True)
    vehicle_type_id = ident("Vehicle type.", "车型", key=True)
    vehicles = count("Vehicles committed.", "车辆", unit="vehicles", key=True)
    cost_too_few = money("Expected cost of too few: hired at the day's price, or late.", "缺车成本")
    cost_too_many = money("Expected cost of too many: paid and idle.", "多车成本")


class StockAllocations(_Result):
    """How many units in which warehouse by which day."""

    merchant_id = ident("Merchant.", "商家", key=True)
    category = ident("Category of goods.", "品类", key=True)
    warehouse_id = ident("Warehouse.", "仓库", key=True)
    units = count("Units to stand there.", "数量", unit="units")
    ship_by = day("Last day to send them.", "最晚发货日")
    reason = text("Why.", "原因")


class CourierAllocations(_Result):
    """Which courier takes how many parcels of a merchant."""

    date = day("Day.", "日期", key=True)
    merchant_id = ident("Merchant.", "商家", key=True)
    courier_id = ident("Courier.", "快递公司", key=True)
    origin_hub_id = ident("Hub of origin.", "始发", key=True)
    destination_hub_id = ident("Hub of destination.", "目的", key=True)
    parcels = parcels("Parcels.", "货量")
    reason = text("Why.", "原因")


class OutletTrips(_Result):
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


class StressResults(_Result):
    """What a scenario does to a hub on a day."""

    scenario = ident("Scenario.", "情景", key=True)
    date = day("Day.", "日期", key=True)
    hub_id = ident("Hub.", "分拨中心", key=True)
    overflow_probability = share("Probability that held parcels exceed the buffer.", "爆仓概率")
    expected_overflow = quantity("Mean parcels over the buffer.", "预期溢出", unit="parcels")
    drain_hours = quantity("Hours until the backlog is gone.", "清空时长", unit="hours", optional=True)


class TrackingRates(_Result):
    """Rates of a cohort of waybills as at a time."""

    as_of = moment("As at.", "截至时间", key=True)
    window_from = day("First order day of the cohort.", "开始日期", key=True)
    window_to = day("Last order day of the cohort.", "结束日期", key=True)
    dimension = choice(
        "What the cohort is cut by.", ("all", "courier", "merchant", "origin_hub", "destination_hub"), "维度", key=True
    )
    member = ident("Which one; all for dimension all.", "成员", key=True)
    pickup_rate = share("Picked up / all.", "揽收率")
    in_transit_rate = share("Picked up and not closed / all.", "在途率")
    signed_rate = share("Signed / all.", "签收率")
    exception_rate = share("With an open exception / all (on top of the others).", "异常率")
    parcels = parcels("Waybills of the cohort.", "票数")


class RejectedRows(_Result):
    """Rows of files that broke a rule and were set apart (问题数据)."""

    table_name = ident("Table they were meant for.", "表", key=True)
    file = text("File or query they came from.", "文件")
    row = count("Line of the file, the header being line 1.", "行", unit="line", optional=True)
    column = text("Column that broke the rule; several are joined by commas.", "列", optional=True)
    value = text("What stood there.", "值", optional=True)
    rule = text("Rule that was broken.", "规则")


class Runs(dy.Schema):
    """What was run on what, when, and how it ended."""

    run_id = ident("Id of the run.", "运行编号", key=True)
    command = text("Command.", "命令")
    options = long_text("Options, as JSON.", "选项")
    code_version = text("Version of ParcelRadar.", "版本")
    seed = dy.Int64(**describe("Seed, where chance plays a part.", ("随机种子",), None, False, True))
    tables_read = long_text("Delta version of every table read, as JSON.", "读取版本")
    tables_written = long_text("Delta version of every table written, as JSON.", "写入版本")
    started_at = moment("Start.", "开始时间")
    ended_at = moment("End.", "结束时间", optional=True)
    outcome = choice(
        "How it ended.", ("running", "done", "shortfalls", "rejected", "failed", "interrupted", "killed"), "结果"
    )
    message = long_text("What it said at its end.", "说明", optional=True)
