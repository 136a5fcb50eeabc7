"""Contracts of the trunk plan: what it is asked to carry, what runs and sorts, what it costs and what proves it."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from data.contracts.fields import (
    WHOLE_DAY,
    choice,
    count,
    day,
    describe,
    ident,
    moment,
    money,
    parcels,
    quantity,
    share,
    text,
)
from data.contracts.results import Result


def _run_by_rule() -> dy.String:
    return ident("Run that made the row.", "运行编号", key="by rule")


class RouteDemand(dy.Schema):
    """Parcels a plan is asked to carry, over all couriers: a forecast quantile, or given; parcels = base - moved_out + moved_in."""

    run_id = _run_by_rule()
    date = day("Day on which they are at the hub of origin.", "日期", key="by rule")
    origin_hub_id = ident("Hub of origin.", "始发", "场地1", "origin", key="by rule")
    destination_hub_id = ident("Hub of destination.", "目的", "场地2", "destination", key="by rule")
    ready_at = moment(
        "When they are at hand; empty is by the hand-in profile of the day.", "就绪时间", key="by rule", optional=True
    )
    parcels = parcels("Parcels.", "货量", "件量")
    base = count("Parcels before stock is placed ahead.", "基础货量", unit="parcels", optional=True)
    moved_out = count(
        "Of these, parcels that leave from a warehouse elsewhere.", "移出货量", unit="parcels", optional=True
    )
    moved_in = count(
        "Parcels that leave from here because stock stands here.", "移入货量", unit="parcels", optional=True
    )
    replenishment = quantity(
        "Goods on their way to a warehouse, beside the parcels.", "补货占位", unit="parcel places", optional=True
    )

    @dy.rule()
    def key_is_unique(cls) -> pl.Expr:
        return pl.struct("run_id", "date", "origin_hub_id", "destination_hub_id", "ready_at").is_unique()

    @dy.rule()
    def parcels_are_base_less_out_plus_in(cls) -> pl.Expr:
        return (pl.col("parcels") == pl.col("base") - pl.col("moved_out") + pl.col("moved_in")).fill_null(True)


class TrunkDepartures(dy.Schema):
    """Departures by day, lane, vehicle type and hour."""

    run_id = _run_by_rule()
    date = day("Day of departure.", "日期", key="by rule")
    lane_id = ident("Lane.", "线路", key="by rule")
    vehicle_type_id = ident("Vehicle type.", "车型", key="by rule")
    sort_id = ident("Last sort of the origin that loads it.", "班次", key="by rule", default=WHOLE_DAY)
    leaves_at = moment("When it leaves; empty in a plan by days.", "发车时间", key="by rule", optional=True)
    arrives_at = moment("When it arrives.", "到达时间", optional=True)
    departures = count("Departures.", "车次", unit="departures")
    parcels = parcels("Parcels aboard.", "货量")
    cost = money("Cost of the departures and of the parcels aboard.", "成本")

    @dy.rule()
    def key_is_unique(cls) -> pl.Expr:
        return pl.struct("run_id", "date", "lane_id", "vehicle_type_id", "sort_id", "leaves_at").is_unique()


class TrunkFlows(dy.Schema):
    """Which way the parcels of a day and route go. An empty path starts and ends at one hub."""

    run_id = _run_by_rule()
    date = day("Day of the demand.", "日期", key="by rule")
    origin_hub_id = ident("Hub of origin.", "始发", key="by rule")
    destination_hub_id = ident("Hub of destination.", "目的", key="by rule")
    path = dy.List(dy.String(), **describe("Lanes in order.", ("路径",), None, "by rule", False))
    departure_dates = dy.List(
        dy.Date(), **describe("Day of departure on each lane of the path.", ("发车日期",), "date", "by rule", False)
    )
    departs_at = dy.List(
        dy.Datetime(time_unit="us", time_zone="UTC", nullable=True),
        **describe("When each leg leaves; empty in a plan by days.", ("发车时间",), "timestamp", "by rule", True),
    )
    completed_on = day("Day it is sorted at its destination.", "完成日期", key="by rule")
    completed_at = moment("When it is sorted at its destination.", "完成时间", key="by rule", optional=True)
    parcels = parcels("Parcels.", "货量")
    late_days = count(
        "Days from the day promised to completed_on; 0 in time, empty without a promise.",
        "延误天数",
        unit="days",
        optional=True,
    )
    late_hours = quantity(
        "Hours from the delivery wave promised to the one from completed_at on (from hour to hour where the destination has none in delivery_waves); 0 in time, empty without a promise.",
        "延误小时",
        unit="hours",
        optional=True,
    )

    @dy.rule()
    def key_is_unique(cls) -> pl.Expr:
        keys = ("run_id", "date", "origin_hub_id", "destination_hub_id", "path", "departure_dates")
        return pl.struct(*keys, "departs_at", "completed_on", "completed_at").is_unique()


class HubLoads(Result):
    """Load of a hub on a day, by sort."""

    date = day("Day.", "日期", key=True)
    hub_id = ident("Hub.", "分拨中心", key=True)
    sort_id = ident("Sort; `day` where there is one a day.", "班次", key=True, default=WHOLE_DAY)
    closes_at = moment("When it closes; empty in a plan by days.", "封班时间", optional=True)
    handled = parcels("Parcels sorted.", "处理量")
    held = parcels(
        "Parcels waiting for the following sort; over the following night where there is one a day.", "滞留量"
    )
    staged = parcels("Sorted parcels waiting for a later departure.", "待发量", optional=True)
    capacity = parcels("Parcels it can sort; empty is no bound.", "处理能力", unit="parcels/sort", optional=True)
    utilisation = quantity("handled / capacity.", "利用率", unit="share", optional=True)


class HubPrices(Result):
    """What one more parcel of sort capacity would save, where it binds; no row means nothing."""

    date = day("Day.", "日期", key=True)
    hub_id = ident("Hub.", "分拨中心", key=True)
    sort_id = ident("Sort; `day` where there is one a day.", "班次", key=True, default=WHOLE_DAY)
    price = money("Dual price of the hub's sort capacity then.", "影子价格", unit="CNY/parcel")


class RoutePrices(Result):
    """What one parcel more on a route and day would cost: the link between the plans of stock and trunk."""

    date = day("Day of the demand.", "日期", key=True)
    origin_hub_id = ident("Hub of origin.", "始发", key=True)
    destination_hub_id = ident("Hub of destination.", "目的", key=True)
    price = quantity("Dual price of one parcel handed in.", "影子价格", unit="CNY/parcel", low=None)


class SortPlans(Result):
    """Which lane a destination's parcels take from a sort (分拣方案): one, and at most one alternate."""

    date_from = day("First day.", "开始日期", key=True)
    date_to = day("Last day.", "结束日期")
    hub_id = ident("Hub.", "分拨中心", key=True)
    sort_id = ident("Sort; `day` where there is one a day.", "班次", key=True, default=WHOLE_DAY)
    destination_hub_id = ident("Hub of destination.", "目的", key=True)
    lane_id = ident("Lane they take.", "线路")
    alternate_lane_id = ident("Lane the rest may take.", "备用线路", optional=True)
    share = share("Share of the parcels that take the first lane.", "占比")

    @dy.rule()
    def dates_in_order(cls) -> pl.Expr:
        return pl.col("date_from") <= pl.col("date_to")

    @dy.rule()
    def alternate_is_another_lane(cls) -> pl.Expr:
        return (pl.col("alternate_lane_id") != pl.col("lane_id")).fill_null(True)


class BoundPrices(dy.Schema):
    """Prices that prove a plan's lower bound: anyone can add the bound up from them and the tables. Absent prices are 0."""

    run_id = ident("Run that made the row.", "运行编号", key="by rule")
    plan = ident(
        "Whose bound it proves: trunk, carrying (what is carried of a trunk plan with parcels short) or joint.",
        "计划",
        key="by rule",
    )
    kind = choice(
        "What it is the price of: sort, buffer, staging (of a hub and day), fleet (of a vehicle type and day), lane, option (of a "
        "lane and day, and of a type on it), potential (an own vehicle standing at a hub), room (of a lane and day, for a "
        "parcel), opening (what a demand pays for a lane and day on top, for a parcel); of a joint plan also storage (of a warehouse's "
        "room), dispatch (of a warehouse and day), stock and early (of an item's units there, and of those before new ones can be sold).",
        (
            "sort",
            "buffer",
            "staging",
            "fleet",
            "lane",
            "option",
            "potential",
            "room",
            "opening",
            "storage",
            "dispatch",
            "stock",
            "early",
        ),
        "类别",
        key="by rule",
    )
    date = day("Day; of departure, for lanes.", "日期", key="by rule", optional=True)
    hub_id = ident("Hub.", "分拨中心", key="by rule", optional=True)
    sort_id = ident(
        "Sort, where a hub has more than one a day; of openings the sort that takes the demand.",
        "班次",
        key="by rule",
        optional=True,
    )
    at = moment(
        "In a plan by sorts: when vehicles of a lane leave, or the hour from which a fleet's price holds until its next one's.",
        "时刻",
        key="by rule",
        optional=True,
    )
    lane_id = ident("Lane.", "线路", key="by rule", optional=True)
    vehicle_type_id = ident("Vehicle type.", "车型", key="by rule", optional=True)
    demand_date = day("Day of the demand, of openings.", key="by rule", optional=True)
    origin_hub_id = ident("Hub of origin of the demand, of openings.", "始发", key="by rule", optional=True)
    destination_hub_id = ident("Hub of destination of the demand, of openings.", "目的", key="by rule", optional=True)
    warehouse_id = ident("Warehouse, of a joint plan's stock.", "仓库", key="by rule", optional=True)
    merchant_id = ident("Merchant, of a joint plan's stock.", "商家", key="by rule", optional=True)
    category = ident("Category of goods, of a joint plan's stock.", "品类", key="by rule", optional=True)
    price = quantity(
        "Price of one unit: a parcel (sort, buffer, staging, room, opening, dispatch), a unit of goods (storage, stock, early), a vehicle-day (fleet), a departure (lane, option), a "
        "vehicle (potential). Only potentials may be below 0.",
        "价格",
        unit="CNY",
        low=None,
    )

    @dy.rule()
    def key_is_unique(cls) -> pl.Expr:
        keys = ("run_id", "plan", "kind", "date", "hub_id", "sort_id", "at", "lane_id", "vehicle_type_id")
        stock = ("warehouse_id", "merchant_id", "category")
        return pl.struct(*keys, "demand_date", "origin_hub_id", "destination_hub_id", *stock).is_unique()


class Shortfalls(Result):
    """What the plan cannot carry, why, and what would help."""

    date = day("Day of the demand.", "日期", key=True)
    origin_hub_id = ident("Hub of origin.", "始发", key=True)
    destination_hub_id = ident("Hub of destination.", "目的", key=True)
    parcels = parcels("Parcels not carried.", "缺口")
    reason = text("Why.", "原因")
    binding = text("What binds: hub:ID, lane:ID or fleet:ID, more than one joined by a bar.", "瓶颈", optional=True)
    cheapest_fix = text("The cheapest thing that would carry them.", "最便宜的办法", optional=True)


class PlanCertificates(Result):
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
    parcels_forced = parcels(
        "Parcels every plan leaves short: no departures lead on in time, hubs can neither sort nor hold them until one does, or the prices of its bound prove it.",
        "不可避免缺口",
        optional=True,
    )
    parcels_late = parcels("Parcels planned to arrive after their promise.", "延误量", optional=True)
    co2_kg = quantity("Carbon dioxide of all departures.", "碳排放", unit="kg", optional=True)
    overflow_probability = share(
        "Probability of an overflow anywhere, from the stress test.", "爆仓概率", optional=True
    )
    overflow_low = share("Lower end of its 95 % interval.", optional=True)
    overflow_high = share("Upper end of its 95 % interval.", optional=True)
    draws = count("Draws of the forecast it was played on.", "抽样数", unit="draws", optional=True)
    draws_run = ident("Forecast run the draws came from.", optional=True)
    policy = text("What dispatchers may do on the day: rigid, spot 10 % …", "应对方式", optional=True)
    overflow_rigid = share("The same with the planned vehicles only.", optional=True)
    overflow_floor = share(
        "Futures in which a hub overflows with the vehicles planned, as the policy has it, and without limit: what only sorters can mend.",
        optional=True,
    )
    expected_overflow = quantity("Mean parcels over the buffers.", "预期溢出", unit="parcels", optional=True)
    expected_cost = quantity("Mean cost over the draws.", "预期成本", unit="CNY", optional=True)
    cost_q90 = quantity("90 % quantile of the cost over the draws.", unit="CNY", optional=True)
    spot_q90 = quantity("90 % quantile of the spot vehicles hired on the day.", unit="departures", optional=True)
    overflow_reason = text("Why there is no probability of an overflow.", optional=True)
    proof = choice(
        "What proves the lower bound of a trunk plan: the prices in bound_prices, with openings among them or not, or a "
        "search (branch and bound), which leaves nothing to recompute it from.",
        ("prices", "openings", "search"),
        "证明方式",
        optional=True,
    )
    priced_bound = quantity("The part of lower_bound that bound_prices proves.", unit="CNY", low=None, optional=True)
    carrying_bound = quantity(
        "No plan that leaves as many parcels short carries the others for less, by bound_prices; empty where none are short, or stated prices of rooms are among them.",
        unit="CNY",
        optional=True,
    )
    last_day = day("Day by which every parcel is sorted at its destination.", "最后一天", optional=True)
    forecast_run = ident("Forecast the plan stands on.", "预测运行编号", optional=True)
    as_of = day("Last day of history that forecast knew.", "预测基准日", optional=True)
    ended_by = text(
        "What ended the search: effort (all counted work was done, the seed repeats it), or time limit: moves made of moves "
        "due; empty in plans made before this was told.",
        "结束原因",
        optional=True,
    )
