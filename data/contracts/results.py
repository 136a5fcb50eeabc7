"""Contracts of the result tables: every row carries the run that made it."""

from __future__ import annotations

from itertools import pairwise

import dataframely as dy
import polars as pl

from data.contracts.fields import (
    choice,
    count,
    day,
    ident,
    moment,
    parcels,
    quantity,
    share,
    text,
)
from data.quantiles import QUANTILE_COLUMNS

SEVERITY_OR_NONE = ("none", "blue", "yellow", "orange", "red")


class Result(dy.Schema):
    """What every result has: the run that made it."""

    run_id = ident("Run that made the row.", "运行编号", key=True)


class _Forecast(Result):
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


class MerchantForecasts(Result):
    """Units by day, merchant, category and region (商家需求预测): the one demand that forecast and stock plan read."""

    as_of = day("Last day of history the forecast knew.", "预测基准日", key=True)
    date = day("Day forecast.", "日期", key=True)
    merchant_id = ident("Merchant.", "商家", key=True)
    category = ident("Category of goods.", "品类", "类目", key=True)
    region_id = ident("Region of the buyers.", "区域", key=True)
    hub_id = ident("Hub the merchant ships from on that day.", "分拨中心", "场地")
    mean = quantity("Units expected; the product of the baseline and all factors.", "预测", "均值", unit="units")
    baseline = quantity("Units of a day without anything below.", "基线", unit="units")
    event = quantity(
        "Factor of shopping events and holidays: the hub's, and what merchants' goods gain over it.",
        "活动系数",
        unit="ratio",
    )
    promotion = quantity("Factor of the venue and of the merchant's own promotions.", "会场系数", unit="ratio")
    price = quantity("Factor of the discount.", "价格系数", unit="ratio")
    plan = quantity("Factor of what the merchant announced, weighed.", "计划系数", unit="ratio")
    weather = quantity("Factor of the weather in the forecast of the hub.", "天气系数", unit="ratio")
    override = quantity("Factor of planners' overrides.", "人工系数", unit="ratio")
    units_per_parcel = quantity("Units in a parcel.", "每包裹件数", unit="units", optional=True)
    error = quantity("How unsure the units are, the same over regions and days.", unit="log")

    @dy.rule()
    def factors_multiply_to_the_mean(cls) -> pl.Expr:
        product = pl.col("baseline")
        for name in ("event", "promotion", "price", "plan", "weather", "override"):
            product = product * pl.col(name)
        return (product - pl.col("mean")).abs() <= 1e-6 * (1.0 + pl.col("mean"))


class ForecastCalibration(Result):
    """How often what came lay at or below each quantile of a forecast, in backtests inside the history that the quantile was not corrected by."""

    level = choice("Level of the forecast.", ("network", "hub"), "层级", key=True)
    quantile = choice("The quantile.", QUANTILE_COLUMNS, "分位数", key=True)
    stated = share("Part of the days that ought to lie at or below it.", "名义覆盖率")
    seen = share("Part of the days that did.", "实际覆盖率")
    seen_low = share("Lower end of the 95 % interval of the part seen, from how backtests differ.")
    seen_high = share("Upper end of that interval.")
    days = count("Days of series compared.", "样本数", unit="days")
    backtests = count("Backtests they are from.", "回测次数", unit="backtests")


class BacktestScores(Result):
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


class _WeatherEffect(Result):
    date = day("Day.", "日期", key=True)
    speed_factor = quantity("Speed against a fair day; hours divide by it.", "速度系数", unit="ratio", high=1.0)
    capacity_factor = quantity(
        "Capacity against a fair day: a limit on departures becomes limit x factor rounded up, vehicles are away hours / factor, 0 is closed; of outlets, courier productivity.",
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


class TrackingRates(Result):
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


class CareList(Result):
    """Parcels whose remaining path crosses lanes that the weather slows or may close (关怀名单), the latest first."""

    as_of = moment("As at.", "截至时间", key=True)
    care_id = ident("Waybill under way, or merchant, day and route of parcels still planned.", "编号", key=True)
    kind = choice("under_way (a waybill) or planned (parcels of a trunk plan).", ("under_way", "planned"), "类别")
    date = day("Day on which it starts on its path.", "日期")
    merchant_id = ident("Merchant; empty where it is not known.", "商家", "商家编码", optional=True)
    courier_id = ident("Courier.", "快递公司", optional=True)
    origin_hub_id = ident("Hub of origin.", "始发")
    destination_hub_id = ident("Hub of destination.", "目的")
    parcels = parcels("Parcels.", "货量")
    lanes = text("Lanes ahead that the weather touches, joined by |.", "干线")
    expected_hours = quantity("Hours late that are to be expected.", "预计延误", unit="hours")
    worst_hours = quantity("Hours late if every lane that may be closed is closed.", "最大延误", unit="hours")
    severity = choice("Worst colour on the path ahead.", SEVERITY_OR_NONE, "等级")
    cause = text("What weather, where, when.", "原因")
    text_en = text("What to tell them, in English.")
    text_zh = text("What to tell them, in Chinese.", "话术")
