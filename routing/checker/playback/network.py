"""The network on its clock: the sorts of hubs, the lanes, and which sort each lane reaches from each other."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from routing.checker.playback.clock import MINUTES, ClockRules, at_hour, read_hours, set_clocks, to_moment
from routing.checker.playback.orders import Vehicle, list_loading, load_before, set_out
from routing.checker.playback.shut_hours import list_spans

DAY = 24 * MINUTES


class TimedNetwork:
    """Hubs, their sorts and the lanes between them, numbered, on one clock of minutes.

    Parameters
    ----------
    frames
        Tables of the checker, as ``read_tables`` gives them.
    first, last
        First day of the clock and the last one with sorts.
    rules
        Time zone and hours where the tables are silent.

    Attributes
    ----------
    first
        Day the days of the play are counted from.
    names, number
        Ids of the hubs in their order, and the number of each.
    clock_of, clocks
        The clock of each hub, by id and by number.
    sorts
        Sorts of each hub from the first day on.
    lanes, lane_number, starts, ends
        Rows of ``lanes`` by lane_id, the number of each, and the hubs it joins.
    of_hub
        Lanes that leave each hub.
    reached
        For each lane the sort that takes what leaves first after each sort of its start; -1 where nothing leaves or arrives.
    """

    def __init__(self, frames: Mapping[str, pl.DataFrame], first: date, last: date, rules: ClockRules) -> None:
        self.first = first
        self.clock_of = set_clocks(frames, first, last, rules)
        self.names = sorted(self.clock_of)
        self.number = {name: number for number, name in enumerate(self.names)}
        self.clocks = [self.clock_of[name] for name in self.names]
        self.sorts = [[sort for sort in clock.sorts if sort.day >= first] for clock in self.clocks]
        self.lanes = frames["lanes"].sort("lane_id").to_dicts()
        self.lane_number = {lane["lane_id"]: number for number, lane in enumerate(self.lanes)}
        self.starts = [self.number[lane["origin_hub_id"]] for lane in self.lanes]
        self.ends = [self.number[lane["destination_hub_id"]] for lane in self.lanes]
        self.of_hub = [
            [lane for lane, start in enumerate(self.starts) if start == hub] for hub in range(len(self.names))
        ]
        self.reached = self._list_reached(frames, calm=False)
        self._fair = self._list_reached(frames, calm=True)
        self._latest: dict[tuple[int, tuple[int, ...], int], int] = {}

    def reach(self, hub: int, minute: int) -> int:
        """First sort that takes what is at hand at a minute, -1 where none does."""
        at_hand = self.clocks[hub].reopen(minute)
        return next((n for n, sort in enumerate(self.sorts[hub]) if sort.cut_off >= at_hand), -1)

    def last_by(self, hub: int, minute: float) -> int:
        """Last sort that closes by a minute, -1 where none does."""
        return max((n for n, sort in enumerate(self.sorts[hub]) if sort.closes <= minute), default=-1)

    def first_at(self, hub: int, minute: float) -> int:
        """First sort that closes at a minute or later, the last there is where none does."""
        sorts = self.sorts[hub]
        return next((n for n, sort in enumerate(sorts) if sort.closes >= minute), len(sorts) - 1)

    def at_hand(self, vehicle: Vehicle) -> int:
        """Sort that takes what a vehicle brings, -1 where none does."""
        end = self.number[vehicle.end]
        unload = self.clocks[end].unload if vehicle.minutes else 0
        return self.reach(end, vehicle.leaves + vehicle.minutes + unload)

    def hours(self, legs: Sequence[int]) -> float:
        """Hours on the road of some lanes."""
        return float(sum(self.lanes[lane]["transit_hours"] for lane in legs))

    def end(self, hub: int, legs: Sequence[int]) -> int:
        """Hub where some lanes from a hub end."""
        return self.ends[legs[-1]] if legs else hub

    def latest(self, hub: int, legs: tuple[int, ...], done: int) -> int:
        """Last sort of a hub after which parcels can leave along lanes and, in calm weather, be sorted at their end by sort ``done``."""
        key = (hub, legs, done)
        if key not in self._latest:
            if not legs:
                return done
            by = self.latest(self.ends[legs[0]], legs[1:], done)
            fits = [step for step, there in enumerate(self._fair[legs[0]]) if 0 <= there <= by]
            self._latest[key] = max(fits, default=0)
        return self._latest[key]

    def quickest(self, hub: int, end: int, *, road: bool) -> tuple[int, ...] | None:
        """Lanes of the fewest hours between two hubs, by road alone or by any mode; None where none lead there."""
        queue: list[tuple[float, int, tuple[int, ...]]] = [(0.0, hub, ())]
        seen: set[int] = set()
        while queue:
            hours, at, legs = heapq.heappop(queue)
            if at == end:
                return legs
            if at in seen:
                continue
            seen.add(at)
            for lane in self.of_hub[at]:
                if not road or self.lanes[lane]["mode"] == "road":
                    more = hours + float(self.lanes[lane]["transit_hours"])
                    heapq.heappush(queue, (more, self.ends[lane], (*legs, lane)))
        return None

    def _list_reached(self, frames: Mapping[str, pl.DataFrame], *, calm: bool) -> list[list[int]]:
        """Sort reached from each sort of a lane's start, -1 where nothing leaves after it or it is reached too late."""
        weather = {
            (row["lane_id"], row["date"]): (row["speed_factor"], row["capacity_factor"])
            for row in (() if calm else frames["lane_weather"].iter_rows(named=True))
        }
        spans = {} if calm else list_spans(frames["lane_closures"])
        loading = list_loading(frames)
        listed: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in frames["lane_departures"].iter_rows(named=True):
            listed[row["lane_id"]].append(row)
        found = []
        for lane, start in zip(self.lanes, self.starts, strict=True):
            reached = [-1] * len(self.sorts[start])
            for day, minute in self._leaving(start, listed.get(lane["lane_id"])):
                factors = weather.get((lane["lane_id"], day), (1.0, 1.0))
                if min(factors) <= 0 or any(a <= minute < b for a, b in spans.get(lane["lane_id"], ())):
                    continue
                vehicle = set_out(
                    lane, self.clock_of, factors, spans.get(lane["lane_id"], ()), (day, to_moment(minute))
                )
                vehicle = load_before(vehicle, self.clock_of[vehicle.start], loading.get(lane["lane_id"], {}))
                step, at = self.last_by(start, vehicle.doors), self.at_hand(vehicle)
                if step >= 0 and at >= 0 and not 0 <= reached[step] <= at:
                    reached[step] = at
            if not calm and reached:
                reached[-1] = -1
            found.append(reached)
        return found

    def _leaving(self, hub: int, listed: Sequence[dict[str, Any]] | None) -> Iterator[tuple[date, int]]:
        """Business date and minute of each departure of a lane: at every close, or at the hours of its own."""
        clock = self.clocks[hub]
        if not listed:
            yield from ((sort.day, clock.reopen(sort.closes)) for sort in self.sorts[hub])
            return
        days = sorted({sort.day for sort in self.sorts[hub]})
        for day in days:
            for row in listed:
                if not row.get("weekdays") or str(day.isoweekday()) in row["weekdays"]:
                    yield day, clock.reopen(at_hour(day, read_hours(row["leaves"]), clock.zone))
