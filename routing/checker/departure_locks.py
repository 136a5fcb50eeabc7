"""Departures that planners fix, bound or forbid, held against those of a plan."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from routing.checker.violations import Violation

_ANY = "any"


def check_locks(
    frames: Mapping[str, pl.DataFrame], certificates: pl.DataFrame | None, time_zone: str
) -> list[Violation]:
    """Check every row of ``departure_locks`` whose date is one of the plan's; rows of other dates bound nothing.

    An hour is one on the clock of the lane's origin; one after midnight may be written with or without 24.

    Parameters
    ----------
    certificates
        ``plan_certificates`` as given: the last day of the trunk plan is in it.
    time_zone
        Of hubs that name none.
    """
    locks, demand = frames["departure_locks"], frames["route_demand"]
    if locks.is_empty() or demand.is_empty():
        return []
    first, last_day = demand["date"].min(), read_last_day(certificates)
    zones = _list_zones(frames, time_zone)
    runs: dict[tuple[str, date, str], list[tuple[datetime | None, float]]] = {}
    for row in frames["trunk_departures"].iter_rows(named=True):
        key = row["lane_id"], row["date"], row["vehicle_type_id"]
        runs.setdefault(key, []).append((row["leaves_at"], row["departures"]))
    found = []
    for row in _join_hours(locks, frames["trunk_departures"]).iter_rows(named=True):
        if row["date"] < first or (last_day is not None and row["date"] > last_day):
            continue
        there = runs.get((row["lane_id"], row["date"], row["vehicle_type_id"]), [])
        zone = zones.get(row["lane_id"], ZoneInfo(time_zone))
        count = sum(number for leaves, number in there if _is_at(row, leaves, zone))
        hour = "" if row["leaves"] == _ANY else f" at {row['leaves']}"
        where = f"{row['lane_id']} {row['vehicle_type_id']}{hour}"
        for rule, bound, wrong, word in (
            ("lock.at_least", row["at_least"], count < row["at_least"], "at least"),
            ("lock.at_most", row["at_most"], row["at_most"] is not None and count > row["at_most"], "at most"),
        ):
            if wrong:
                text = (
                    f"Lane and type {where} on {row['date']}: {count:g} departures, a planner locked {word} {bound:g}."
                )
                found.append(Violation(rule, where, row["date"], f"{count:g}", f"{bound:g}", text))
    return found


def _join_hours(locks: pl.DataFrame, departures: pl.DataFrame) -> pl.DataFrame:
    """Rows as they bind: those of hours in a plan that names none ask for what they fix all together, and for no more."""
    if departures["leaves_at"].is_not_null().any():
        return locks
    keys = ["lane_id", "date", "vehicle_type_id"]
    hours = locks.filter(pl.col("leaves") != _ANY).group_by(keys, maintain_order=True).agg(pl.col("at_least").sum())
    hours = hours.with_columns(leaves=pl.lit(_ANY), at_most=pl.lit(None, locks.schema["at_most"]))
    names = [*keys, "leaves", "at_least", "at_most"]
    return pl.concat([locks.filter(pl.col("leaves") == _ANY).select(names), hours.select(names)])


def read_last_day(certificates: pl.DataFrame | None) -> date | None:
    """Last day of the trunk plan; None where no certificate tells it."""
    if certificates is None or not {"plan", "last_day"} <= set(certificates.columns):
        return None
    last_days = certificates.filter(pl.col("plan") == "trunk")["last_day"].drop_nulls().to_list()
    return last_days[0] if last_days and isinstance(last_days[0], date) else None


def _list_zones(frames: Mapping[str, pl.DataFrame], time_zone: str) -> dict[str, ZoneInfo]:
    """Time zone of the origin of each lane."""
    own = dict(frames["hubs"].select("hub_id", "time_zone").iter_rows())
    origins = frames["lanes"].select("lane_id", "origin_hub_id").iter_rows()
    return {lane: ZoneInfo(own.get(hub) or time_zone) for lane, hub in origins}


def _is_at(lock: Mapping[str, Any], leaves: datetime | None, zone: ZoneInfo) -> bool:
    """Whether a departure is one of a lock."""
    if lock["leaves"] == _ANY or leaves is None:
        return True
    hours, minutes = str(lock["leaves"]).split(":")
    local = leaves.astimezone(zone).replace(tzinfo=None)
    meant = datetime.combine(lock["date"], time()) + timedelta(hours=int(hours), minutes=int(minutes))
    return local in (meant, meant + timedelta(days=1))
