"""The first departure that leads on in time: until then parcels have only the buffer of the hub they are handed in at.

A departure of a lane leads on where the next lane of a path has one after it that does; the last of a path, where its end sorts afterwards. Of each
lane of a path, from its end backwards, all departures lead on that arrive no later than the last of the next lane that does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from routing.checker.accepted_paths import reach_by_lanes
from routing.checker.bound_by_clock import keep_days, list_sorts
from routing.checker.bound_by_clock import list_departures as departures_by_clock
from routing.checker.by_clock import names_hours
from routing.checker.departures import list_days, list_hub_days
from routing.checker.departures import list_departures as departures_by_day
from routing.checker.limits import LIMITS
from routing.checker.playback.clock import ClockRules, set_clocks

NEVER = 1 << 60


@dataclass(slots=True)
class Leaving:
    """Departures by lane, and the paths they may be on.

    Attributes
    ----------
    runs
        By lane: sort of its origin with which a departure loads, sort of its destination that takes what it brings, by number within the hub.
    last
        By hub: its last sort with capacity.
    rooms
        By hub and sort: parcels that the vehicles which may load with it hold; nothing where none may.
    """

    frames: Mapping[str, pl.DataFrame]
    rules: ClockRules
    runs: dict[str, list[tuple[int, int]]]
    last: Mapping[str, int]
    rooms: Mapping[tuple[str, int], float]
    _ends: dict[str, tuple[str, str, float]] = field(default_factory=dict)
    _onward: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _direct: dict[str, dict[str, float]] = field(default_factory=dict)
    _left: dict[str, dict[str, float]] = field(default_factory=dict)
    _found: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    _tails: dict[tuple[str, int], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for row in self.frames["lanes"].iter_rows(named=True):
            lane, start, end = row["lane_id"], row["origin_hub_id"], row["destination_hub_id"]
            if self.runs.get(lane):
                self._ends[lane] = (start, end, float(row["distance_km"] or 0.0))
                self._onward[start].append(lane)

    def first_after(self, origin: str, goal: str, place: int) -> int:
        """Sort of the origin, not before a given one, with which the first departure leads on; ``NEVER`` without one."""
        if origin == goal:
            return place
        if (origin, goal) not in self._found:
            self._found[origin, goal] = sorted(self._list_tails(origin, goal))
        return next((tail for tail in self._found[origin, goal] if tail >= place), NEVER)

    def _list_tails(self, origin: str, goal: str) -> set[int]:
        if goal not in self.last:
            return set()
        rules = self.rules
        if (rules.max_legs, rules.max_detour_ratio, rules.max_detour_km) == (None, None, None):
            latest = self._find_latest(goal)
            lanes = [(lane, latest.get(self._ends[lane][1], -1)) for lane in self._onward[origin]]
            return {tail for lane, by in lanes for tail, head in self.runs[lane] if head <= by}
        latest_head: dict[str, int] = {}
        for path in self._list_paths(origin, goal):
            by = self.last[goal]
            for lane in reversed(path[1:]):
                by = self._find_tail(lane, by)
            latest_head[path[0]] = max(latest_head.get(path[0], -1), by)
        return {tail for lane, by in latest_head.items() for tail, head in self.runs[lane] if head <= by}

    def _find_tail(self, lane: str, by: int) -> int:
        """Last sort with which a departure of a lane loads that arrives no later than a sort; -1 without one."""
        if (lane, by) not in self._tails:
            self._tails[lane, by] = max((tail for tail, head in self.runs[lane] if head <= by), default=-1)
        return self._tails[lane, by]

    def _find_latest(self, goal: str) -> dict[str, int]:
        """By hub the last sort from which parcels still come to an end in time, whatever the path."""
        latest, going = {goal: self.last[goal]}, True
        while going:
            going = False
            for lane, (start, end, _) in self._ends.items():
                by = self._find_tail(lane, latest.get(end, -1))
                if start != goal and by > latest.get(start, -1):
                    latest[start], going = by, True
        return latest

    def _list_paths(self, origin: str, goal: str) -> Iterator[tuple[str, ...]]:
        """Give the paths from hub to hub that planners accept, as lanes."""
        rules, most = self.rules, float("inf")
        if rules.max_detour_ratio is not None or rules.max_detour_km is not None:
            short = self._measure(self._direct, origin, roads=True).get(goal)
            if short is not None:
                most = max(short * (rules.max_detour_ratio or 1.0), short + (rules.max_detour_km or 0.0))
        left = self._measure(self._left, goal, roads=False)
        stack: list[tuple[str, tuple[str, ...], tuple[str, ...], float]] = [(origin, (origin,), (), 0.0)]
        while stack:
            here, hubs, lanes, km = stack.pop()
            if here == goal:
                yield lanes
                continue
            if rules.max_legs is not None and len(lanes) >= rules.max_legs:
                continue
            for lane in self._onward[here]:
                _, there, more = self._ends[lane]
                if there not in hubs and km + more + left.get(there, float("inf")) <= most + LIMITS.kilometres:
                    stack.append((there, (*hubs, there), (*lanes, lane), km + more))

    def _measure(self, known: dict[str, dict[str, float]], hub: str, *, roads: bool) -> dict[str, float]:
        """Kilometres from a hub by road, or to it over lanes of any kind."""
        if hub not in known:
            ways: dict[str, list[tuple[str, float]]] = defaultdict(list)
            for row in self.frames["lanes"].iter_rows(named=True):
                start, end = row["origin_hub_id"], row["destination_hub_id"]
                if not roads:
                    ways[end].append((start, float(row["distance_km"] or 0.0)))
                elif row["mode"] == "road":
                    ways[start].append((end, float(row["distance_km"] or 0.0)))
            known[hub] = reach_by_lanes(hub, ways)
        return known[hub]


def lay_leaving(frames: Mapping[str, pl.DataFrame], rules: ClockRules, last_day: date | None) -> Leaving | None:
    """Lay out what may depart until the plan's last day; None where nothing is short, or no last day is known."""
    first = frames["route_demand"]["date"].min()
    if last_day is None or not isinstance(first, date) or frames["shortfalls"].is_empty() or last_day < first:
        return None
    days = list_days(first, last_day)
    return (_lay_by_clock if names_hours(frames) else _lay_by_days)(frames, rules, days)


def _lay_by_clock(frames: Mapping[str, pl.DataFrame], rules: ClockRules, days: pl.DataFrame) -> Leaving:
    dates = days["date"].to_list()
    clocks = keep_days(set_clocks(frames, dates[0], dates[-1], rules), dates[0])
    sorts = list_sorts(frames, clocks, dates)
    number = {(hub, place): n for n, (hub, place) in enumerate(sorts.select("hub_id", "place").iter_rows())}
    shut = set(sorts.filter("shut")["sort"].to_list())
    able = sorts.filter(pl.col("limit") > 0)
    place = dict(sorts.select("sort", "place").iter_rows())
    runs: dict[str, set[tuple[int, int]]] = defaultdict(set)
    # what was sorted before leaves after a sort that sorts nothing
    goes_from = sorts.filter((pl.col("limit") > 0) | (pl.col("staging") > 0))["sort"].to_list()
    goes = departures_by_clock(frames, clocks, number, shut, dates).filter(pl.col("tail").is_in(goes_from))
    for lane, tail, head in goes.select("lane_id", "tail", "head").iter_rows():
        runs[lane].add((place[tail], place[head]))
    last = dict(able.group_by("hub_id").agg(pl.col("place").max()).iter_rows())
    rooms = {(hub, place[tail]): room for hub, tail, room in _sum_rooms(goes, "tail", "leaves").iter_rows()}
    return Leaving(frames, rules, {lane: sorted(mine) for lane, mine in runs.items()}, last, rooms)


def _lay_by_days(frames: Mapping[str, pl.DataFrame], rules: ClockRules, days: pl.DataFrame) -> Leaving:
    able = list_hub_days(frames, days).filter(pl.col("sort_limit") > 0).join(days, on="date")
    open_days = set(able.select("hub_id", "day").iter_rows())
    runs: dict[str, set[tuple[int, int]]] = defaultdict(set)
    goes = departures_by_day(frames, days)
    for lane, hub, day, lag in goes.select("lane_id", "start", "day", "lag").iter_rows():
        if (hub, day) in open_days:
            runs[lane].add((day, day + lag))
    last = dict(able.group_by("hub_id").agg(pl.col("day").max()).iter_rows())
    rooms = {(hub, day): room for hub, day, room in _sum_rooms(goes, "day", "day").iter_rows()}
    return Leaving(frames, rules, {lane: sorted(mine) for lane, mine in runs.items()}, last, rooms)


def _sum_rooms(goes: pl.DataFrame, sort: str, when: str) -> pl.DataFrame:
    """Parcels that vehicles hold by hub and sort: of a lane at one time whole ones, no more than of each type and of all may leave."""
    number = pl.min_horizontal("type_limit", "fleet_size").floor()
    return (
        goes.with_columns(held=number * pl.col("capacity"))
        .group_by("start", sort, "lane_id", pl.col(when).alias("at"))
        .agg(pl.col("held").sum(), most=pl.col("lane_limit").first().floor() * pl.col("capacity").max())
        .group_by("start", sort)
        .agg(pl.min_horizontal("held", "most").sum())
    )


def count_excess(come: Iterable[tuple[int, int, float]], sorts: Iterable[tuple[float, float]]) -> float:
    """Parcels of one hub beyond its buffer.

    Parameters
    ----------
    come
        Sort for which parcels are handed in, sort with which they can leave at the earliest, parcels.
    sorts
        Sort capacity and buffer of each sort.

    Returns
    -------
    float
        What waits beyond the buffer, sort after sort; it is left short, what can leave last before the rest, since that would stand longest.
    """
    coming = sorted(come)
    ready, locked, excess, at = 0.0, list[tuple[int, float]](), 0.0, 0
    for number, (capacity, buffer) in enumerate(sorts):
        while at < len(coming) and coming[at][0] <= number:
            locked.append((coming[at][1], coming[at][2]))
            at += 1
        ready += sum(parcels for leaves, parcels in locked if leaves <= number)
        locked = sorted(one for one in locked if one[0] > number)
        ready = max(0.0, ready - capacity)
        over = max(0.0, ready + sum(parcels for _, parcels in locked) - buffer)
        excess += over
        while over > 0 and locked:
            leaves, parcels = locked.pop()
            if parcels > over:
                locked.append((leaves, parcels - over))
            over = max(0.0, over - parcels)
        ready -= over
    return excess
