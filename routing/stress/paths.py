"""Paths of a plan, numbered by what is left of them from each hub on, and the other ways its parcels may take."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from data.constants import constant
from routing.stress.records import CLOSED, Paths, Terms, Whole


@dataclass(frozen=True)
class DetourRules:
    """Which other ways parcels may take."""

    longest: float = constant(2.0, "1", "times the hours of the path itself that an alternate may take", "judgement")


DETOURS = DetourRules()


@dataclass(frozen=True)
class LaneFacts:
    """What paths need of lanes: ends by hub number, hours, step reached in fair weather [lanes x steps], whether it is a road."""

    origin: Sequence[int]
    destination: Sequence[int]
    hours: Sequence[float]
    fair: Whole
    is_road: Sequence[bool]


@dataclass
class TermBook:
    """Numbers when parcels are meant to leave and to be done.

    Attributes
    ----------
    steps, hours
        [hubs] of free terms by number: step at which the plan has them sorted there, hour after which they are late.
    plans
        By path: departures with which the plan's own parcels leave from there on, and their free term; in the order of their numbers.
    """

    steps: list[list[int]]
    hours: list[list[float]]
    plans: dict[int, dict[tuple[tuple[int, ...], int], int]] = field(default_factory=dict)
    _free: dict[tuple[int, int, float], int] = field(default_factory=dict)

    @classmethod
    def open(cls, hubs: int) -> TermBook:
        """Give an empty one."""
        return cls([[] for _ in range(hubs)], [[] for _ in range(hubs)])

    def number(self, hub: int, step: int, hour: float) -> int:
        """Return the number of a free term at a hub where parcels end."""
        key = (hub, step, hour)
        if key not in self._free:
            self._free[key] = len(self.steps[hub])
            self.steps[hub].append(step)
            self.hours[hub].append(hour)
        return self._free[key]

    def plan(self, book: PathBook, path: int, leaves: tuple[int, ...], free: int) -> None:
        """Note that the plan's parcels of a free term leave a path's hubs with these departures; of the rest of the path as well."""
        at = path
        for leg in range(len(leaves)):
            plans_here = self.plans.setdefault(at, {})
            plans_here.setdefault((leaves[leg:], free), len(plans_here))
            at = book.after[at]

    @property
    def most_free(self) -> int:
        """Most free terms of a hub, at least one: terms of the plan are numbered from there on."""
        return max(1, *(len(steps) for steps in self.steps))

    def of_plan(self, path: int, leaves: tuple[int, ...], free: int) -> int:
        """Return the number of a term of the plan."""
        return self.most_free + self.plans[path][leaves, free]

    def close(self, book: PathBook, ranks: int) -> Terms:
        """Give the records, with departures numbered ``step * ranks + rank``; free terms a hub does not have never end."""
        most = self.most_free
        hour = np.full((len(self.hours), most), np.inf)
        for hub, hours in enumerate(self.hours):
            hour[hub, : len(hours)] = hours
        wide = most + max((len(plans_here) for plans_here in self.plans.values()), default=0)
        leave, after, free = (np.zeros((len(book.hub), wide), dtype=np.int64) for _ in range(3))
        leave[:, :most] = book.tell_leave(self.steps, most) * ranks
        after[:, :most] = free[:, :most] = np.arange(most)
        for path, plans_here in self.plans.items():
            for (leaves, to), number in plans_here.items():
                leave[path, most + number], free[path, most + number] = leaves[0], to
                rest = book.after[path]
                after[path, most + number] = self.of_plan(rest, leaves[1:], to) if len(leaves) > 1 else to
        return Terms(hour, leave, after, free, ranks)


@dataclass
class PathBook:
    """Numbers the rests of paths as they are met.

    Attributes
    ----------
    hub, lane, after, end, hours
        By path number: where it begins, next lane, path after it, where it ends, hours left.
    earlier
        By path number: whether its parcels are handed in before the plan and ride on vehicles of an earlier one.
    """

    lanes: LaneFacts
    hub: list[int] = field(default_factory=list)
    lane: list[int] = field(default_factory=list)
    after: list[int] = field(default_factory=list)
    end: list[int] = field(default_factory=list)
    hours: list[float] = field(default_factory=list)
    earlier: list[bool] = field(default_factory=list)
    _numbers: dict[tuple[int, ...], int] = field(default_factory=dict)
    _roads: dict[int, dict[int, tuple[float, int]]] = field(default_factory=dict)

    def number(self, hub: int, legs: Sequence[int], *, earlier: bool = False) -> int:
        """Return the number of the path of lane numbers ``legs`` from a hub; an empty one ends where it begins."""
        key = (earlier, hub, *legs)
        found = self._numbers.get(key)
        if found is not None:
            return found
        after = self.number(self.lanes.destination[legs[0]], legs[1:], earlier=earlier) if legs else CLOSED
        number = len(self.hub)
        self._numbers[key] = number
        self.hub.append(hub)
        self.lane.append(legs[0] if legs else CLOSED)
        self.after.append(after)
        self.end.append(self.end[after] if legs else hub)
        self.hours.append(self.hours[after] + self.lanes.hours[legs[0]] if legs else 0.0)
        self.earlier.append(earlier)
        return number

    def as_earlier(self, path: int) -> int:
        """Return the number of the same path for parcels handed in before the plan."""
        legs, at = [], path
        while self.lane[at] != CLOSED:
            legs.append(self.lane[at])
            at = self.after[at]
        return self.number(self.hub[path], tuple(legs), earlier=True)

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
        lane, earlier = np.array(self.lane, dtype=np.int64), np.array(self.earlier, dtype=np.bool_)
        return Paths(
            hub=np.array(self.hub, dtype=np.int64),
            lane=np.where(earlier, CLOSED, lane),
            after=np.array(self.after, dtype=np.int64),
            first_alternate=np.array(starts, dtype=np.int64),
            alternates=np.array(alternates, dtype=np.int64),
            by_road=np.array(by_road, dtype=np.int64),
            earlier=np.where(earlier, lane, CLOSED),
        )

    def tell_leave(self, ends: Sequence[Sequence[int]], most: int) -> Whole:
        """Return [paths x terms] the last step that still leads to the end in time when nothing waits; 0 where none does.

        Parameters
        ----------
        ends
            [hubs] by term: step at which parcels are to be sorted where they end.
        most
            Terms told, at least as many as any hub has.
        """
        leave = np.zeros((len(self.hub), most), dtype=np.int64)
        runs = [np.flatnonzero(steps != CLOSED) for steps in self.lanes.fair]
        for path, lane in enumerate(self.lane):
            # Rests of a path are numbered before the path itself.
            if lane == CLOSED:
                steps = ends[self.hub[path]]
                leave[path, : len(steps)] = steps
                continue
            at = np.searchsorted(self.lanes.fair[lane, runs[lane]], leave[self.after[path]], side="right") - 1
            if runs[lane].size:
                leave[path] = np.where(at >= 0, runs[lane][np.maximum(at, 0)], 0)
        return leave

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
        longest = DETOURS.longest * self.hours[path]
        others = to_end.get((self.hub[path], self.end[path]), [])
        ranked = sorted((self.hours[other], other) for other in others if self.hours[other] <= longest)
        seen = {self.lane[path]}
        chosen = []
        for _, other in ranked:
            if self.lane[other] not in seen:
                seen.add(self.lane[other])
                chosen.append(other)
        return chosen
