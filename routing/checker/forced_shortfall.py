"""Parcels every plan leaves short, counted from the tables: what their certificate may claim of them at most."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, cast

import polars as pl

from routing.checker.hubs import close_hubs, limit_days
from routing.checker.limits import LIMITS
from routing.checker.playback.clock import HubClock
from routing.checker.playback.orders import Shares
from routing.checker.violations import Violation, write_number


def check_forced(certificates: pl.DataFrame | None, forced: int) -> list[Violation]:
    """Check that a trunk plan claims no more parcels unavoidably short than the tables prove."""
    if certificates is None or not {"plan", "parcels_forced"} <= set(certificates.columns):
        return []
    claims = (
        certificates.filter(pl.col("plan") == "trunk")["parcels_forced"].cast(pl.Float64, strict=False).drop_nulls()
    )
    text = "The trunk plan's certificate says that every plan leaves {} parcels short; its tables prove {}."
    return [
        Violation("certificate.forced", "trunk.parcels_forced", None, there, str(forced), text.format(there, forced))
        for there in map(write_number, claims.filter(~(claims <= forced)).to_list())
    ]


def count_forced_by_clock(frames: Mapping[str, pl.DataFrame], clocks: Mapping[str, HubClock]) -> int:
    """Count what no lanes lead on from, and what hubs can neither sort nor hold by the clock of their sorts."""
    reach = _follow_lanes(frames)
    first = cast(date, frames["route_demand"]["date"].min())
    handed: dict[str, list[tuple[int, int]]] = defaultdict(list)
    forced = 0.0
    for (_, origin, goal), parts in Shares(frames, clocks).left.items():
        if goal in reach.get(origin, set()) or goal == origin:
            handed[origin] += [(minute, parcels) for minute, parcels in parts]
        else:
            forced += sum(parcels for _, parcels in parts)
    for hub, mine in handed.items():
        sorts = [sort for sort in clocks[hub].sorts if sort.day >= first]
        queue, coming = [], sorted(mine)
        for sort in sorts:
            come = 0
            while coming and coming[0][0] <= sort.cut_off:
                come += coming.pop(0)[1]
            queue.append((float(come), sort.capacity, sort.buffer))
        forced += _count_excess(queue)
    return int(forced + LIMITS.parcels)


def count_forced_by_days(frames: Mapping[str, pl.DataFrame]) -> int:
    """Count what no lanes lead on from, and what hubs can neither sort nor hold by the day."""
    reach = _follow_lanes(frames)
    demand = frames["route_demand"]
    days = pl.date_range(pl.lit(demand["date"].min()), pl.lit(demand["date"].max()), "1d", eager=False)
    dates = pl.select(date=days)["date"] if demand.height else demand["date"]
    forced = 0.0
    handed: dict[tuple[str, Any], float] = defaultdict(float)
    for day, origin, goal, parcels in demand.select(
        "date", "origin_hub_id", "destination_hub_id", "parcels"
    ).iter_rows():
        if goal in reach.get(origin, set()) or goal == origin:
            handed[origin, day] += parcels
        else:
            forced += parcels
    every = pl.DataFrame({"date": dates}).join(frames["hubs"].select("hub_id"), how="cross")
    grid = close_hubs(frames, limit_days(frames, every)).sort("hub_id", "date")
    queues: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for row in grid.iter_rows(named=True):
        limits = (row["sort_capacity"], row["buffer_capacity"])
        capacity, buffer = (0.0 if row["closed"] else float("inf") if value is None else value for value in limits)
        queues[row["hub_id"]].append((handed.get((row["hub_id"], row["date"]), 0.0), capacity, buffer))
    return int(forced + sum(map(_count_excess, queues.values())) + LIMITS.parcels)


def _count_excess(queue: Iterable[tuple[float, float, float]]) -> float:
    """Parcels beyond the buffer, sort after sort: (handed in, capacity, buffer) of each."""
    waiting = excess = 0.0
    for handed, capacity, buffer in queue:
        waiting = max(0.0, waiting + handed - capacity)
        excess += max(0.0, waiting - buffer)
        waiting = min(waiting, buffer)
    return excess


def _follow_lanes(frames: Mapping[str, pl.DataFrame]) -> dict[str, set[str]]:
    """Hubs that any chain of lanes leads to, from each hub."""
    onward: dict[str, set[str]] = defaultdict(set)
    for start, end in frames["lanes"].select("origin_hub_id", "destination_hub_id").iter_rows():
        onward[start].add(end)
    reach = {}
    for hub in frames["hubs"]["hub_id"].to_list():
        seen, fresh = set[str](), [hub]
        while fresh:
            more = onward.get(fresh.pop(), set()) - seen
            seen |= more
            fresh.extend(more)
        reach[hub] = seen
    return reach
