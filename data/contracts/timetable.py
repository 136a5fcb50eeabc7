"""Contracts of the hours of lanes and vehicles: departures, closures, where vehicles stand, what a planner locks."""

from __future__ import annotations

import dataframely as dy
import polars as pl

from data.contracts.fields import clock, count, day, ident, moment, quantity, share, text, weekdays
from data.contracts.results import Result


class LaneDepartures(dy.Schema):
    """Departures of a lane (发车时刻), in the time zone of its origin. A lane without rows leaves at every close of its origin."""

    lane_id = ident("Lane.", "线路", "线路编码", key=True)
    leaves = clock("When it leaves.", "发车时间", key=True)
    weekdays = weekdays("Weekdays it leaves on; empty is every day.", "星期")
    vehicle_type_id = ident("Only this vehicle type; empty is any that the lane takes.", "车型", optional=True)
    departure_limit = count("Vehicles that can leave at this hour.", "发车上限", unit="vehicles", optional=True)
    load_hours = quantity("Hours of loading before it leaves.", "装车时长", unit="hours", high=48.0, optional=True)


class LaneClosures(Result):
    """Hours in which a lane may be closed (封路), from warnings and weather, or given."""

    lane_id = ident("Lane.", "线路", "线路编码", key=True)
    starts_at = moment("From when.", "开始时间", key=True)
    ends_at = moment("Until when.", "结束时间")
    probability = share("Probability that it is closed then.", "概率")
    cause = text("Why.", "原因")

    @dy.rule()
    def times_in_order(cls) -> pl.Expr:
        return pl.col("starts_at") < pl.col("ends_at")


class VehicleStands(dy.Schema):
    """Where own vehicles stand when a plan begins and are to stand when it ends (车辆停放)."""

    vehicle_type_id = ident("Vehicle type.", "车型", key=True)
    hub_id = ident("Hub.", "分拨中心", "场地", key=True)
    vehicles_at_start = count("Vehicles there at the start.", "期初车辆", "车辆数", unit="vehicles")
    vehicles_at_end = count("Vehicles wanted there at the end; empty as at the start.", unit="vehicles", optional=True)


class DepartureLocks(dy.Schema):
    """Departures a planner fixes, bounds or forbids (锁定发车)."""

    lane_id = ident("Lane.", "线路", "线路编码", key=True)
    date = day("Day of departure.", "日期", key=True)
    leaves = clock("When it leaves; `any` is at whatever hour.", "发车时间", key=True, free="any")
    vehicle_type_id = ident("Vehicle type.", "车型", key=True)
    at_least = count("Fewest departures.", "最少车次", unit="departures")
    at_most = count("Most departures; empty is no bound.", "最多车次", unit="departures", optional=True)
    reason = text("Why.", "原因", optional=True)

    @dy.rule()
    def bounds_in_order(cls) -> pl.Expr:
        return pl.col("at_most").is_null() | (pl.col("at_least") <= pl.col("at_most"))
