"""Hours in which lanes are shut: what leaves in them is lost, what is on the road stands still until they are over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from routing.checker.playback.clock import MINUTES, to_minutes
from routing.checker.playback.orders import Orders
from routing.checker.playback.shut_hours import list_spans, stop_on_road
from routing.checker.violations import Violation


def plan_by_days(frames: Mapping[str, pl.DataFrame], zone: str) -> dict[str, pl.DataFrame]:
    """Say beside ``lane_weather`` what shut hours do to departures that leave when their day ends.

    Parameters
    ----------
    frames
        Tables of the checker.
    zone
        Time zone of the plan's days.

    Returns
    -------
    dict of str to polars.DataFrame
        The tables, with ``lane_shut``: date, lane_id, lost [bool], stopped [hours on the road in which the lane is shut].
    """
    spans = list_spans(frames["lane_closures"])
    lanes = {row["lane_id"]: row["transit_hours"] for row in frames["lanes"].iter_rows(named=True)}
    speed = {(row["lane_id"], row["date"]): row["speed_factor"] for row in frames["lane_weather"].iter_rows(named=True)}
    days = [day for name in ("route_demand", "trunk_departures", "hub_loads") for day in frames[name]["date"].to_list()]
    rows = []
    for lane, mine in sorted(spans.items()):
        if lane not in lanes or not days:
            continue
        for number in range((max(days) - min(days)).days + 1):
            day = min(days) + timedelta(days=number)
            leaves = to_minutes(datetime.combine(day + timedelta(days=1), time(), tzinfo=ZoneInfo(zone)))
            factor = speed.get((lane, day)) or 1.0
            lost, stopped = stop_on_road(mine, leaves, lanes[lane] / factor * MINUTES)
            rows.append((day, lane, lost, stopped / MINUTES))
    schema = {"date": pl.Date(), "lane_id": pl.String(), "lost": pl.Boolean(), "stopped": pl.Float64()}
    return {**frames, "lane_shut": pl.DataFrame(rows, schema=schema, orient="row")}


def check_departures(frames: Mapping[str, pl.DataFrame], plan: Orders) -> list[Violation]:
    """Check that nothing leaves over a lane in hours in which it is shut."""
    spans = list_spans(frames["lane_closures"])
    found = []
    for vehicle in plan.vehicles:
        if any(start <= vehicle.leaves < end for start, end in spans.get(vehicle.lane, ())):
            text = f"Lane {vehicle.lane} is shut when vehicles of {vehicle.day} leave over it."
            found.append(Violation("lane.closed", vehicle.lane, vehicle.day, "a departure", "none", text))
    return found
