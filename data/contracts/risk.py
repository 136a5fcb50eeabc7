"""Contracts of risk: incidents that may happen, draws of the demand, and what both do to a plan."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from data.contracts.fields import WHOLE_DAY, choice, count, day, flag, ident, moment, parcels, quantity, share, text
from data.contracts.results import Result

INCIDENT_KINDS = ("hub_shut", "lane_shut", "fleet_gone", "volume", "courier_stops", "slower_sort", "late_inbound")
ANSWER_KINDS = ("nothing", "extra_sort", "spot", "re_route", "hold", "rail", "pre_position", "re_plan")
_WHAT_IT_STRIKES = {
    "hub_shut": "hub_id",
    "lane_shut": "lane_id",
    "fleet_gone": "vehicle_type_id",
    "courier_stops": "courier_id",
    "slower_sort": "hub_id",
}


class Incidents(dy.Schema):
    """Incidents (突发事件) a plan is tried on; the same content as scenarios.toml."""

    incident_id = ident("Id of the incident.", "事件编码", key=True)
    kind = choice("What happens.", INCIDENT_KINDS, "类型")
    hub_id = ident("Hub struck.", "分拨中心", "场地", optional=True)
    lane_id = ident("Lane struck.", "线路", optional=True)
    vehicle_type_id = ident("Vehicle type struck.", "车型", optional=True)
    region_id = ident("Region struck.", "区域", optional=True)
    merchant_id = ident("Merchant struck.", "商家", optional=True)
    courier_id = ident("Courier struck.", "快递公司", optional=True)
    starts_at = moment("From when.", "开始时间")
    ends_at = moment("Until when.", "结束时间")
    amount = quantity(
        "How much: share of the fleet or the courier that is gone, ratio of the volume, milliseconds a parcel takes longer to "
        "sort, hours inbound is late.",
        "幅度",
        unit="by kind",
        optional=True,
    )
    probability = share("Probability that it happens; empty is certain.", "概率", optional=True)

    @dy.rule()
    def times_in_order(cls) -> pl.Expr:
        return pl.col("starts_at") < pl.col("ends_at")

    @dy.rule()
    def names_what_it_strikes(cls) -> pl.Expr:
        named = pl.lit(True)
        for kind, column in _WHAT_IT_STRIKES.items():
            named = named & ((pl.col("kind") != kind) | pl.col(column).is_not_null())
        return named


class DemandDraws(Result):
    """Draws of the demand a plan was played on, kept of its latest stress run."""

    draw = count("Number of the draw, from 0.", "抽样", unit="draw", key=True)
    date = day("Day of the demand.", "日期", key=True)
    origin_hub_id = ident("Hub of origin.", "始发", key=True)
    destination_hub_id = ident("Hub of destination.", "目的", key=True)
    parcels = parcels("Parcels.", "货量")


class StressResults(Result):
    """What a scenario does to a hub on a day, by sort, when a plan is played on draws of the demand."""

    scenario = ident("Scenario.", "情景", key=True)
    policy = ident("What dispatchers may do on the day: rigid, spot 10 % …", "应对方式", key=True, default="rigid")
    date = day("Day.", "日期", key=True)
    hub_id = ident("Hub.", "分拨中心", key=True)
    sort_id = ident("Sort; `day` where there is one a day.", "班次", key=True, default=WHOLE_DAY)
    overflow_probability = share("Probability of an overflow.", "爆仓概率")
    overflow_low = share("Lower end of its 95 % interval.", optional=True)
    overflow_high = share("Upper end of its 95 % interval.", optional=True)
    expected_overflow = quantity("Mean parcels over the buffer.", "预期溢出", unit="parcels")
    overflow_if_over = quantity("Mean parcels over the buffer on the draws with any.", unit="parcels", optional=True)
    drain_hours = quantity("Hours until the backlog is gone.", "清空时长", unit="hours", optional=True)


class StressSummaries(Result):
    """What a scenario does to a plan as a whole."""

    scenario = ident("Scenario.", "情景", key=True)
    policy = ident("What dispatchers may do on the day: rigid, spot 10 % …", "应对方式", key=True)
    draws = count("Draws played.", "抽样数", unit="draws")
    overflow_probability = share("Probability of an overflow anywhere.", "爆仓概率")
    overflow_low = share("Lower end of its 95 % interval.", optional=True)
    overflow_high = share("Upper end of its 95 % interval.", optional=True)
    expected_overflow = quantity("Mean parcels over the buffers.", "预期溢出", unit="parcels", optional=True)
    cost_mean = quantity("Mean cost.", "平均成本", unit="CNY", optional=True)
    cost_q50 = quantity("Median of the cost.", unit="CNY", optional=True)
    cost_q90 = quantity("90 % quantile of the cost.", unit="CNY", optional=True)
    cost_q99 = quantity("99 % quantile of the cost.", unit="CNY", optional=True)
    late = share("Share of the parcels late, mean over the draws.", "延误占比", optional=True)
    spot = quantity("Spot vehicles hired on the day, mean over the draws.", unit="departures", optional=True)
    fill = share("Fill of the vehicles, mean over the draws.", "装载率", optional=True)


class Playbooks(Result):
    """Answers to a scenario, ranked: each was played on draws of the demand with the incident in them, and priced."""

    scenario = ident("Scenario.", "情景", key=True)
    rank = count("1 is the best by what it leaves: cost, and a price on parcels over.", "排名", unit="place", key=True)
    answer = choice("What is done.", ANSWER_KINDS, "应对")
    place = text("Hubs or lanes it is done at, joined by |; empty: everywhere.", "地点", optional=True)
    date_from = day("First day of it.", "开始日期", optional=True)
    date_to = day("Last day of it.", "结束日期", optional=True)
    amount = quantity(
        "How much: share of capacity, share of departures, parcels sent another way or ahead, departures changed.",
        "幅度",
        unit="by answer",
        optional=True,
    )
    notice_hours = quantity("Hours before the incident by which it must be ordered.", "提前量", unit="hours")
    price = quantity("What is booked for it beside the plan.", "预订价", unit="CNY")
    overflow_probability = share("Probability of an overflow with it.", "爆仓概率")
    overflow_low = share("Lower end of its 95 % interval.", optional=True)
    overflow_high = share("Upper end of its 95 % interval.", optional=True)
    expected_overflow = quantity("Mean parcels over the buffers with it.", "预期溢出", unit="parcels")
    late = share("Share of the parcels late, mean over the draws.", "延误占比", optional=True)
    cost_mean = quantity("Mean cost of the days with it, without its price.", "平均成本", unit="CNY")
    cost_change = quantity(
        "Mean cost and price less the mean cost when nothing is done.", "成本变化", unit="CNY", low=None
    )


class Drills(Result):
    """Scenarios rehearsed on a plan: the likeliest and most harmful first, and whether the best answer held."""

    scenario = ident("Scenario.", "情景", key=True)
    plan = ident("Plan it was rehearsed on.", "计划")
    place = text("Hubs and lanes it strikes, joined by |; empty: everywhere.", "地点", optional=True)
    likelihood = share("Probability that it happens in the days of the plan.", "可能性")
    harm = quantity("Mean cost it adds when nothing is done, parcels over priced.", "危害", unit="CNY")
    answer = choice("Best answer.", ANSWER_KINDS, "应对")
    overflow_before = share("Probability of an overflow without the incident.", "原爆仓概率")
    overflow_probability = share("With it, when nothing is done.", "爆仓概率")
    overflow_answered = share("With it and the best answer.", "应对后爆仓概率")
    held = flag(
        "Whether the answer brought the probability back to what it was without the incident, within the draws' error.",
        "守住",
    )
    covered = share("Parcels of the plan whose hubs and lanes this and the scenarios before it strike.", "累计覆盖")
