"""The sorts of hubs on one axis of minutes: when each opens, takes its last arrival, closes, and what it can do."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from routing.checker.hubs import close_hubs
from routing.checker.limits import PLAYBACK

MINUTES = 60
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WHOLE_DAY = "day"
_END_OF_DAY = 24.0  # hours


@dataclass(frozen=True, slots=True)
class Sort:
    """One sort of a hub on a business date; minutes are counted from 1970 in UTC, ``inf`` is no bound.

    Attributes
    ----------
    hub, name, day
        Hub, sort_id, business date.
    opens, cut_off, closes
        Minutes. What is at hand by `cut_off`, that minute included, is sorted by `closes`, within `capacity`.
    capacity, buffer
        Parcels it can sort, and parcels at hand by its cut-off that may wait for a later sort.
    """

    hub: str
    name: str
    day: date
    opens: int
    cut_off: int
    closes: int
    capacity: float
    buffer: float


@dataclass(frozen=True, slots=True)
class HubClock:
    """The hours of one hub.

    Attributes
    ----------
    zone
        Its time zone.
    sorts, closes
        Its sorts by closing time, and those times alone.
    unload
        Minutes from the arrival of a vehicle until its parcels are at hand.
    staging
        Sorted parcels that may wait for a later departure; None shares the buffer.
    shut
        Spans of minutes in which the hub does nothing at all, in order.
    waves
        Minutes at which vehicles to outlets leave, in order; none where parcels count as delivered when they are sorted.
    """

    zone: ZoneInfo
    sorts: tuple[Sort, ...]
    closes: tuple[int, ...]
    unload: int
    staging: float | None
    shut: tuple[tuple[int, int], ...]
    waves: tuple[int, ...] = ()

    def delivered(self, minute: float) -> float:
        """Minute at which what is sorted by a minute goes out: the first wave then or later, the minute itself where there is none."""
        place = bisect_left(self.waves, minute)
        return self.waves[place] if place < len(self.waves) else minute

    def last_by(self, minute: float) -> int:
        """Number of the last sort that closes by a minute; -1 where none does."""
        return bisect_right(self.closes, minute) - 1

    def end_of(self, day: date) -> int:
        """Minute at which the last sort of a business date closes; midnight where the date has none."""
        ends = [sort.closes for sort in self.sorts if sort.day == day]
        return max(ends, default=at_hour(day, _END_OF_DAY, self.zone))

    def last_cut_off(self, day: date) -> int:
        """Minute of the last cut-off of a business date; midnight where the date has none."""
        ends = [sort.cut_off for sort in self.sorts if sort.day == day]
        return max(ends, default=at_hour(day, _END_OF_DAY, self.zone))

    def reopen(self, minute: int) -> int:
        """Return the minute itself, or the end of the closure it falls into."""
        place = bisect_right(self.shut, (minute, float("inf"))) - 1
        return self.shut[place][1] if place >= 0 and minute < self.shut[place][1] else minute


@dataclass(frozen=True, slots=True)
class ClockRules:
    """What the settings say where the tables do not: time zone, hours of unloading and turning round, cut-off, promises, paths, sort plan."""

    time_zone: str = "Asia/Shanghai"
    unload_hours: float = 0.0
    day_cut_off_hours: float = 0.0
    default_promise_days: int | None = None
    turn_round_hours: float = 0.0
    max_legs: int | None = None
    max_detour_ratio: float | None = None
    max_detour_km: float | None = None
    sort_plan: str = "free"


def to_minutes(moment: datetime) -> int:
    """Minutes from 1970 in UTC, begun ones not counted."""
    return int((moment - _EPOCH) // timedelta(minutes=1))


def to_moment(minute: float) -> datetime:
    """The moment of a minute, in UTC."""
    return _EPOCH + timedelta(minutes=minute)


@lru_cache(maxsize=100_000)
def at_hour(day: date, hours: float, zone: ZoneInfo) -> int:
    """Minute at which a local clock shows the hour of a business date; hours may pass 24."""
    whole, minutes = divmod(round(hours * MINUTES), 24 * MINUTES)
    clock = time(minutes // MINUTES, minutes % MINUTES, tzinfo=zone)
    return to_minutes(datetime.combine(day + timedelta(days=whole), clock))


def read_hours(clock: str) -> float:
    """Hours of a clock time such as 26:30."""
    hours, minutes = clock.split(":")
    return int(hours) + int(minutes) / MINUTES


def set_clocks(frames: Mapping[str, pl.DataFrame], first: date, last: date, rules: ClockRules) -> dict[str, HubClock]:
    """Lay out the sorts of every hub from before a plan's first day to its last.

    A hub without rows in ``hub_sorts`` has one sort a day, ``day``, from 0:00 to 24:00. ``hub_days`` replaces capacities, its
    ``day`` split over the date's sorts by their capacity; ``hub_closures`` then takes away the closed share of a sort's
    hours; on a date closed by ``network_changes`` nothing is sorted.
    """
    days = pl.date_range(first - timedelta(days=PLAYBACK.days_before), last, "1d", eager=True)
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in frames["hub_sorts"].iter_rows(named=True):
        rows.setdefault(row["hub_id"], []).append(row)
    given = {(row["hub_id"], row["date"], row["sort_id"]): row for row in frames["hub_days"].iter_rows(named=True)}
    closures: dict[str, list[tuple[int, int, float]]] = {}
    for row in frames["hub_closures"].iter_rows(named=True):
        span = (to_minutes(row["starts_at"]), to_minutes(row["ends_at"]), row["open_share"])
        closures.setdefault(row["hub_id"], []).append(span)
    waves: dict[str, list[float]] = {}
    for row in frames["delivery_waves"].iter_rows(named=True):
        waves.setdefault(row["hub_id"], []).append(read_hours(row["leaves"]))
    out_days = pl.date_range(days[0], last + timedelta(days=PLAYBACK.waves_after), "1d", eager=True)
    grid = pl.DataFrame({"date": days}).join(frames["hubs"].select("hub_id"), how="cross")
    shut_days = set(close_hubs(frames, grid).filter("closed").select("hub_id", "date").iter_rows())
    clocks = {}
    for hub in frames["hubs"].iter_rows(named=True):
        name = hub["hub_id"]
        zone = ZoneInfo(hub["time_zone"] or rules.time_zone)
        mine = rows.get(name) or [_whole_day(hub, rules)]
        sorts = []
        for day in days:
            today = [_lay(hub, row, day, zone) for row in mine if _runs(row, day)]
            today = _give_day(today, given)
            shut = (name, day) in shut_days
            sorts += [_close(sort, closures.get(name, []), shut=shut) for sort in today]
        sorts.sort(key=lambda sort: (sort.closes, sort.cut_off, sort.name))
        hours = [row["unload_hours"] for row in mine if row["unload_hours"] is not None]
        clocks[name] = HubClock(
            zone=zone,
            sorts=tuple(sorts),
            closes=tuple(sort.closes for sort in sorts),
            unload=round(max(hours, default=rules.unload_hours) * MINUTES),
            staging=hub["staging_capacity"],
            shut=_join_spans((start, end) for start, end, share in closures.get(name, []) if share <= 0),
            waves=tuple(sorted(at_hour(day, hour, zone) for day in out_days for hour in waves.get(name, []))),
        )
    return clocks


def _whole_day(hub: dict[str, Any], rules: ClockRules) -> dict[str, Any]:
    cut_off = _END_OF_DAY - rules.day_cut_off_hours
    clock = f"{int(cut_off):02d}:{round(cut_off % 1 * MINUTES):02d}"
    return {
        "sort_id": _WHOLE_DAY, "date_from": None, "date_to": None, "weekdays": None, "opens": "00:00", "cut_off": clock,
        "closes": "24:00", "sort_capacity": hub["sort_capacity"], "buffer_capacity": None, "unload_hours": None,
    }  # fmt: skip


def _runs(row: dict[str, Any], day: date) -> bool:
    first, last, weekdays = row["date_from"], row["date_to"], row["weekdays"]
    in_season = (first is None or first <= day) and (last is None or day <= last)
    return in_season and (not weekdays or str(day.isoweekday()) in weekdays)


def _lay(hub: dict[str, Any], row: dict[str, Any], day: date, zone: ZoneInfo) -> Sort:
    buffer = row["buffer_capacity"] if row["buffer_capacity"] is not None else hub["buffer_capacity"]
    opens, cut_off, closes = (at_hour(day, read_hours(row[c]), zone) for c in ("opens", "cut_off", "closes"))
    return Sort(
        hub=hub["hub_id"],
        name=row["sort_id"],
        day=day,
        opens=opens,
        cut_off=cut_off,
        closes=closes,
        capacity=_bound(row["sort_capacity"]),
        buffer=_bound(buffer),
    )


def _bound(value: float | None) -> float:
    return float("inf") if value is None else value


def _give_day(sorts: list[Sort], given: Mapping[tuple[str, date, str], Mapping[str, float | None]]) -> list[Sort]:
    """Put the capacities of ``hub_days`` in place of those of a date's sorts."""
    if not sorts:
        return sorts
    whole = given.get((sorts[0].hub, sorts[0].day, _WHOLE_DAY), {})
    bounded = [sort.capacity for sort in sorts if sort.capacity < float("inf")]
    asked = whole.get("sort_capacity")
    result = []
    for sort in sorts:
        # a row of the sort `day` is for the whole date, also where one of several sorts has that name
        own = {} if sort.name == _WHOLE_DAY else given.get((sort.hub, sort.day, sort.name), {})
        capacity, buffer = own.get("sort_capacity"), own.get("buffer_capacity")
        if capacity is None and asked is not None:
            even = len(bounded) < len(sorts) or not sum(bounded)
            capacity = asked / len(sorts) if even else asked * sort.capacity / sum(bounded)
        if buffer is None:
            buffer = whole.get("buffer_capacity")
        result.append(
            replace(
                sort,
                capacity=sort.capacity if capacity is None else capacity,
                buffer=sort.buffer if buffer is None else buffer,
            )
        )
    return result


def _close(sort: Sort, closures: Iterable[tuple[int, int, float]], *, shut: bool) -> Sort:
    """Take away what closures leave of a sort's hours: capacity x open minutes / minutes."""
    if shut:
        return replace(sort, capacity=0.0)
    length = max(sort.closes - sort.opens, 1)
    left = 1.0
    for start, end, share in closures:
        overlap = max(0, min(end, sort.closes) - max(start, sort.opens)) / length
        left -= overlap * (1.0 - min(share, 1.0))
    if left >= 1.0:
        return sort
    return replace(sort, capacity=sort.capacity * left if left > 0 else 0.0)


def _join_spans(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)
