"""Paths of a plan, numbered by what is left of them from each hub on, and the other ways its parcels may take."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from routing.stress.records import CLOSED, Paths

LONGEST_DETOUR = 2.0  # times the hours of the path itself that an alternate may take (judgement)


@dataclass(frozen=True)
class LaneFacts:
    """What paths need of lanes: ends by hub number, hours, steps in fair weather, and whether it is a road."""

    origin: Sequence[int]
    destination: Sequence[int]
    hours: Sequence[float]
    lag: Sequence[int]
    is_road: Sequence[bool]


@dataclass
class PathBook:
    """Numbers the rests of paths as they are met.

    Attributes
    ----------
    hub, lane, after, end, hours
        By path number: where it begins, next lane, path after it, where it ends, hours left.
    """

    lanes: LaneFacts
    hub: list[int] = field(default_factory=list)
    lane: list[int] = field(default_factory=list)
    after: list[int] = field(default_factory=list)
    end: list[int] = field(default_factory=list)
    hours: list[float] = field(default_factory=list)
    _numbers: dict[tuple[int, ...], int] = field(default_factory=dict)
    _roads: dict[int, dict[int, tuple[float, int]]] = field(default_factory=dict)

    def number(self, hub: int, legs: Sequence[int]) -> int:
        """Return the number of the path of lane numbers ``legs`` from a hub; an empty one ends where it begins."""
        key = (hub, *legs)
        found = self._numbers.get(key)
        if found is not None:
            return found
        after = self.number(self.lanes.destination[legs[0]], legs[1:]) if legs else CLOSED
        number = len(self.hub)
        self._numbers[key] = number
        self.hub.append(hub)
        self.lane.append(legs[0] if legs else CLOSED)
        self.after.append(after)
        self.end.append(self.end[after] if legs else hub)
        self.hours.append(self.hours[after] + self.lanes.hours[legs[0]] if legs else 0.0)
        return number

    def shortest(self, origin: int, destination: int) -> int:
        """Return the number of the quickest path by road, else by any lanes; ``CLOSED`` when no lanes connect them."""
        if origin == destination:
            return self.number(origin, ())
        for road_only in (True, False):
            key = 2 * origin + road_only
            if key not in self._roads:
                self._roads[key] = self._quickest_from(origin, road_only)
            reached = self._roads[key]
            if destination in reached:
                legs: list[int] = []
                at = destination
                while at != origin:
                    lane = reached[at][1]
                    legs.append(lane)
                    at = self.lanes.origin[lane]
                return self.number(origin, tuple(reversed(legs)))
        return CLOSED

    def _quickest_from(self, origin: int, road_only: bool) -> dict[int, tuple[float, int]]:
        """Return hours and last lane by hub reached."""
        leaving: dict[int, list[int]] = {}
        for lane, hub in enumerate(self.lanes.origin):
            if self.lanes.is_road[lane] or not road_only:
                leaving.setdefault(hub, []).append(lane)
        reached: dict[int, tuple[float, int]] = {}
        queue = [(0.0, origin, CLOSED)]
        while queue:
            hours, hub, over = heapq.heappop(queue)
            if hub in reached:
                continue
            reached[hub] = (hours, over)
            for lane in leaving.get(hub, ()):
                heapq.heappush(queue, (hours + self.lanes.hours[lane], self.lanes.destination[lane], lane))
        return reached

    def close(self, planned: int) -> Paths:
        """Give the records; the first ``planned`` paths are the plan's own, and only they serve as alternates."""
        by_road = [self._road_for(path) for path in range(planned)]
        by_road += [CLOSED] * (len(self.hub) - planned)
        to_end: dict[tuple[int, int], list[int]] = {}
        for path in range(planned):
            if self.lane[path] != CLOSED:
                to_end.setdefault((self.hub[path], self.end[path]), []).append(path)
        starts, alternates = [0], []
        for path in range(len(self.hub)):
            alternates += self._other_lanes(path, to_end)
            starts.append(len(alternates))
        lag = [0] * len(self.hub)
        for path, lane in enumerate(self.lane):
            # Rests of a path are numbered before the path itself.
            lag[path] = lag[self.after[path]] + self.lanes.lag[lane] if lane != CLOSED else 0
        columns = (self.hub, self.lane, self.after, starts, alternates, lag, by_road)
        return Paths(*(np.array(column, dtype=np.int64) for column in columns))

    def _road_for(self, path: int) -> int:
        lane = self.lane[path]
        if lane == CLOSED or self.lanes.is_road[lane]:
            return CLOSED
        road = self.shortest(self.hub[path], self.end[path])
        return road if road != CLOSED and self.lanes.is_road[self.lane[road]] else CLOSED

    def _other_lanes(self, path: int, to_end: Mapping[tuple[int, int], list[int]]) -> list[int]:
        """List the nearest path over each other next lane, nearest first."""
        if self.lane[path] == CLOSED:
            return []
        longest = LONGEST_DETOUR * self.hours[path]
        others = to_end.get((self.hub[path], self.end[path]), [])
        ranked = sorted((self.hours[other], other) for other in others if self.hours[other] <= longest)
        seen = {self.lane[path]}
        kept = []
        for _, other in ranked:
            if self.lane[other] not in seen:
                seen.add(self.lane[other])
                kept.append(other)
        return kept
