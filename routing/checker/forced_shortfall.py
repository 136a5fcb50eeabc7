"""Parcels every plan leaves short, counted from the tables: what their certificate may claim of them at most."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import cast

import polars as pl

from routing.checker.first_departures import NEVER, Leaving, count_excess
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


def count_forced_by_clock(
    frames: Mapping[str, pl.DataFrame], clocks: Mapping[str, HubClock], leaving: Leaving | None
) -> int:
    """Count what no departures lead on from in time, and what hubs can neither sort nor hold by the clock of their sorts until one does."""
    first = cast(date, frames["route_demand"]["date"].min())
    places = {hub: [sort for sort in clock.sorts if sort.day >= first] for hub, clock in clocks.items()}
    handed = []
    for (_, origin, goal), parts in Shares(frames, clocks).left.items():
        for minute, parcels in parts:
            place = next((n for n, sort in enumerate(places[origin]) if sort.cut_off >= minute), None)
            handed.append((origin, goal, place, float(parcels)))
    dates = sorted({sort.day for mine in places.values() for sort in mine})
    grid = pl.DataFrame({"date": dates}, schema={"date": pl.Date}).join(frames["hubs"].select("hub_id"), how="cross")
    shut = set(close_hubs(frames, grid).filter("closed").select("hub_id", "date").iter_rows())
    queues = {
        hub: [(0.0, 0.0) if (hub, sort.day) in shut else (float(sort.capacity), float(sort.buffer)) for sort in mine]
        for hub, mine in places.items()
    }
    staging = {hub: float(clock.staging) for hub, clock in clocks.items() if clock.staging}
    return _count_forced(frames, handed, queues, leaving, staging)


def count_forced_by_days(frames: Mapping[str, pl.DataFrame], leaving: Leaving | None) -> int:
    """Count what no departures lead on from in time, and what hubs can neither sort nor hold by the day until one does."""
    demand = frames["route_demand"]
    first = demand["date"].min()
    last = max([demand["date"].max(), *frames["hub_loads"]["date"].to_list()]) if demand.height else None
    days = pl.date_range(pl.lit(first), pl.lit(last), "1d", eager=False)
    dates = pl.select(date=days)["date"] if demand.height else demand["date"]
    number = {day: at for at, day in enumerate(dates.to_list())}
    columns = ("date", "origin_hub_id", "destination_hub_id", "parcels")
    handed = [(origin, goal, number[day], n) for day, origin, goal, n in demand.select(columns).iter_rows()]
    every = pl.DataFrame({"date": dates}).join(frames["hubs"].select("hub_id"), how="cross")
    grid = close_hubs(frames, limit_days(frames, every)).sort("hub_id", "date")
    queues: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in grid.iter_rows(named=True):
        limits = (row["sort_capacity"], row["buffer_capacity"])
        capacity, buffer = (0.0 if row["closed"] else float("inf") if value is None else value for value in limits)
        queues[row["hub_id"]].append((capacity, buffer))
    return _count_forced(frames, handed, queues, leaving, {})


def _count_forced(
    frames: Mapping[str, pl.DataFrame],
    handed: Iterable[tuple[str, str, int | None, float]],
    queues: Mapping[str, list[tuple[float, float]]],
    leaving: Leaving | None,
    staging: Mapping[str, float],
) -> int:
    """Count what is forced of what is handed in: hubs of start and end, sort that takes it, parcels.

    At hubs that leave something short it is looked up when parcels can leave at the earliest, and with how many vehicles; at others they count as if they could at once.
    Where sorted parcels have room of their own two things are held apart, and the larger counts: what can be sorted, the rest in the buffer;
    and what can leave, the rest in both rooms.
    """
    reach = _follow_lanes(frames)
    short = set() if leaving is None else set(frames["shortfalls"]["origin_hub_id"])
    come: dict[str, list[tuple[int, int, float]]] = defaultdict(list)
    forced, local = 0.0, set()
    for origin, goal, place, parcels in handed:
        if goal not in reach.get(origin, set()) and goal != origin:
            forced += parcels
        elif place is not None:
            leaves = leaving.first_after(origin, goal, place) if leaving is not None and origin in short else place
            local |= {origin} if origin == goal else set()
            if leaves == NEVER:
                forced += parcels
            else:
                come[origin].append((place, leaves, parcels))
    for hub, mine in come.items():
        queue = queues.get(hub, [])
        room = [float("inf")] * len(queue)
        if leaving is not None and hub in short - local:
            room = [leaving.rooms.get((hub, n), 0.0) for n in range(len(queue))]
        if hub in staging:
            sorted_ = count_excess([(place, place, parcels) for place, _, parcels in mine], queue)
            out = [(most, buffer and buffer + staging[hub]) for most, (_, buffer) in zip(room, queue, strict=True)]
            forced += max(sorted_, count_excess(mine, out))
        else:
            both = [(min(capacity, most), buffer) for most, (capacity, buffer) in zip(room, queue, strict=True)]
            forced += count_excess(mine, both)
    return int(forced + LIMITS.parcels)


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
