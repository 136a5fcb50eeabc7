"""The plain player by the clock of the sorts: the same rules as by days, with steps that are the sorts of each hub."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from math import ceil
from typing import Any

from tests.routing.stress.made import FIRST
from tests.routing.stress.oracle import Oracle, Parcels
from tests.routing.stress.sort_plans import DAYS_AFTER, PROFILE, hour_of, lay_sorts, list_leaving


@dataclass(frozen=True)
class Sky:
    """Hours in which lanes are shut, by lane, apart; speed of the departures of a day, by lane and day, 0 where none runs."""

    shut: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)
    speed: Mapping[tuple[str, int], float] = field(default_factory=dict)


class SortOracle(Oracle):
    """Plays one demand through a plan by sorts; a step is the number of a sort at its hub."""

    def __init__(self, plan: dict[str, Any], spot: float | None, sky: Sky | None = None) -> None:
        self.sky = sky or Sky()
        last = max(max(row["completed_on"], row["date"]) for row in plan["trunk_flows"])
        self.span = (last - FIRST).days + 1 + DAYS_AFTER
        facts = plan["facts"]
        self.unload, self.capacity = facts["unload"], facts["capacity"]
        self.sorts = {hub: lay_sorts(kind, self.span) for hub, kind in facts["kind"].items()}
        self.listed = facts["listed"]
        self.slots: dict[Any, list[tuple[float, int | None]]] = defaultdict(list)
        self.fair: dict[Any, list[int]] = defaultdict(list)
        self.lanes = {row["lane_id"]: row for row in plan["lanes"]}
        for name, row in self.lanes.items():
            for hour, tail in list_leaving(self.sorts[row["origin_hub_id"]], facts["listed"][name], self.span):
                if tail < len(self.sorts[row["origin_hub_id"]]):
                    self.slots[name, tail].append((hour, self.reach_sort(name, hour)))
                    reached = self.join_sort(name, hour + row["transit_hours"])
                    self.fair[name, tail] += [] if reached is None else [reached]
        super().__init__(plan, self.span, spot, set())
        self.vehicles: dict[Any, list[list[Any]]] = defaultdict(list)
        rank = {"own": 0, "contract": 1}
        for row in plan["trunk_departures"]:
            hour, hub = hour_of(row["leaves_at"]), self.lanes[row["lane_id"]]["origin_hub_id"]
            tail = max(
                n for n, one in enumerate(self.sorts[hub]) if one["close"] <= hour and one["name"] == row["sort_id"]
            )
            kind = self.types[row["vehicle_type_id"]]
            order = (hour, rank[kind["ownership"]], -kind["capacity"])
            reached = self.reach_sort(row["lane_id"], hour)
            if reached is None:  # does not leave: nobody finds room on it
                self.room[row["lane_id"], tail] -= row["departures"] * kind["capacity"]
            else:
                self.vehicles[row["lane_id"], tail].append([order, row["departures"] * kind["capacity"], reached])
        for rows in self.vehicles.values():
            rows.sort(key=lambda one: one[0])
        self.departing: dict[Any, set[float]] = defaultdict(set)
        for row in plan["trunk_departures"]:
            step = self.step_of(row, row["lane_id"])
            self.departing[row["lane_id"], step].add(hour_of(row["leaves_at"]))
        self.aboard: dict[Any, int] = defaultdict(int)
        self.called_on: dict[Any, int] = defaultdict(int)

    def reach_sort(self, lane: str, hour: float) -> int | None:
        """Sort that takes what leaves at an hour; None when nothing does."""
        arrives = self.drive(lane, hour)
        return None if arrives is None else self.join_sort(lane, arrives)

    def join_sort(self, lane: str, arrives: float) -> int | None:
        there = self.sorts[self.lanes[lane]["destination_hub_id"]]
        return next((n for n, sort in enumerate(there) if sort["cut"] >= arrives + self.unload - 1e-9), None)

    def drive(self, lane: str, hour: float) -> float | None:
        """Hour by hour of the closures: not out while shut, and still while shut on the road."""
        row = self.lanes[lane]
        of_hub = self.sorts[row["origin_hub_id"]]
        day = int(hour // 24) if self.listed[lane] else next(s["day"] for s in of_hub if s["close"] == hour)
        speed = self.sky.speed.get((lane, day), 1.0)
        if speed == 0:
            return None
        now, left = hour, row["transit_hours"] / speed
        for start, end in sorted(self.sky.shut.get(lane, [])):
            if start <= hour < end:
                return None
            if now <= start < now + left:
                left -= start - now
                now = end
        return float(now + left)

    # what the rules by days ask of the clock

    def step_of(self, row: dict[str, Any], lane: str) -> int:
        hour, hub = hour_of(row["leaves_at"]), self.lanes[lane]["origin_hub_id"]
        return max(n for n, one in enumerate(self.sorts[hub]) if one["close"] <= hour and one["name"] == row["sort_id"])

    def day_of(self, hub: str, step: int) -> int:
        return int(self.sorts[hub][step]["day"])

    def visits(self) -> list[tuple[str, int]]:
        all_sorts = [(one["close"], hub, n) for hub, sorts in self.sorts.items() for n, one in enumerate(sorts)]
        return [(hub, n) for _, hub, n in sorted(all_sorts)]

    def arrival(self, lane: str, step: int) -> int:
        found = [reached for _, reached in self.slots.get((lane, step), []) if reached is not None]
        return min(found, default=10**6)

    def runs(self, lane: str, step: int) -> bool:
        hub = self.lanes[lane]["origin_hub_id"]
        return step < len(self.sorts[hub]) - 1 and self.arrival(lane, step) < 10**6

    def leave(self, hub: str, path: tuple[str, ...], due: int) -> int:
        if not path:
            return due
        lane = path[0]
        by = self.leave(self.lanes[lane]["destination_hub_id"], path[1:], due)
        fair = [n for n in range(len(self.sorts[hub])) if min(self.fair[lane, n], default=10**6) <= by]
        return max(fair, default=0)

    def capacity_of(self, hub: str, step: int) -> int:
        return int(self.capacity[hub])

    def leaves_of_plan(self, row: dict[str, Any]) -> tuple[tuple[int, int], ...]:
        """Departures of a flow: sort they load after, and their number among those of the lane then."""
        hours = [hour_of(leaves) for leaves in row["departs_at"]]
        return tuple(
            (tail, sum(one < hour for one in self.departing[lane, tail]))
            for (lane, tail, _), hour in zip(self.steps_of_plan(row), hours, strict=True)
        )

    def steps_of_plan(self, row: dict[str, Any]) -> list[tuple[str, int, int]]:
        """Lane, step it is left after, step reached, of a flow."""
        told = []
        for lane, leaves in zip(row["path"], row["departs_at"], strict=True):
            hub, hour = self.lanes[lane]["origin_hub_id"], hour_of(leaves)
            tail = max(n for n, one in enumerate(self.sorts[hub]) if one["close"] <= hour)
            told.append((lane, tail, self.reach_sort(lane, hour)))
        return told  # type: ignore[return-value]

    def pieces(self, when: Any, origin: str, end: str, count: int) -> list[tuple[int, dict[str, Any], int]]:
        """Step, flow and parcels of a demand: what is handed in first leaves first."""
        rows = [
            row
            for row in self.plan["trunk_flows"]
            if (row["date"], row["origin_hub_id"], row["destination_hub_id"]) == (when, origin, end)
        ]
        rows.sort(key=lambda row: row["completed_on"])
        rows.sort(key=lambda row: row["departs_at"][0] if row["path"] else row["completed_at"])
        total, low, told = sum(row["parcels"] for row in rows), 0, []
        base = 24 * (when - FIRST).days
        for row in rows:
            high = low + row["parcels"]
            seen = 0.0
            for number, (hour, share) in enumerate(PROFILE):
                since, seen = seen, seen + share
                until = 1.0 if number == len(PROFILE) - 1 else seen
                first = max(count * low // total, int(count * since + 1e-9))
                last = min(count * high // total, int(count * until + 1e-9))
                step = next(n for n, one in enumerate(self.sorts[origin]) if one["cut"] >= base + hour)
                if last > first:
                    told.append((step, row, last - first))
            low = high
        return told

    def set_meant(self) -> None:
        demand: dict[Any, int] = defaultdict(int)
        for row in self.plan["trunk_flows"]:
            demand[row["date"], row["origin_hub_id"], row["destination_hub_id"]] += row["parcels"]
        for (when, origin, end), count in demand.items():
            for step, row, parcels in self.pieces(when, origin, end, count):
                came = step
                for lane, tail, reached in self.steps_of_plan(row):
                    for waits in range(came, tail):
                        self.meant[lane, waits] += parcels
                    came = 10**6 if reached is None else reached

    def _hand_in(self, hub: str, step: int, demand: dict[Any, int]) -> None:
        for (day, origin, end), count in sorted(demand.items()):
            if origin != hub:
                continue
            for at, row, parcels in self.pieces(FIRST + timedelta(days=day), origin, end, count):
                if at == step:
                    hour = hour_of(row["completed_at"])
                    due = next(n for n, one in enumerate(self.sorts[end]) if one["close"] >= hour - 1e-9)
                    plan = self.leaves_of_plan(row)
                    self.reach(hub, step, (tuple(row["path"]), plan), end, due, parcels)

    def _finish(self, hub: str, step: int) -> None:
        for parcels in self.yard[hub]:
            if not parcels.path:
                self.done += parcels.sorted
                hours = self.sorts[hub][step]["close"] - self.sorts[hub][parcels.due]["close"]
                self.late[max(ceil(hours / 24 - 1e-9), 0)] += parcels.sorted
                parcels.sorted = 0

    def send_planned(self, parcels: Parcels, path: tuple[str, ...], step: int, count: int) -> None:
        """Put parcels on their own vehicles and those that leave after them, then on those before, each to the sort it reaches."""
        hours = sorted(self.departing[path[0], step])
        rows = list(enumerate(self.vehicles[path[0], step]))
        own = parcels.leave[1] if path == parcels.path and parcels.leave[0] == step else 0
        for before in (False, True):
            for number, (order, room, reached) in rows:
                if (hours.index(order[0]) < own) != before:
                    continue
                taken = min(room - self.aboard[path[0], step, number], count)
                if taken > 0:
                    self.aboard[path[0], step, number] += taken
                    self.send_to(parcels, path, reached, taken)
                    count -= taken
        self.send_to(parcels, path, self.arrival(path[0], step), count)

    def within_a_day(self, hub: str, step: int) -> list[int]:
        closes = [one["close"] for one in self.sorts[hub]]
        return [n for n in range(step + 1, len(closes)) if closes[n] <= closes[step] + 24]

    def limit(self, hub: str, step: int) -> int:
        day = self.day_of(hub, step)
        planned = sum(n for (name, at), n in self.departures.items() if name == hub and self.day_of(hub, at) == day)
        most = max(int(planned * (self.spot or 0.0)), 1) if self.spot else 0
        return most - self.called_on[hub, day]

    def count_called(self, hub: str, step: int) -> None:
        self.called_on[hub, self.day_of(hub, step)] += 1

    def staged(self, hub: str, step: int, room: dict[str, int]) -> int | None:
        """Sorted parcels that may still be sorted ahead of a departure; None without a bound."""
        most: int | None = self.hubs[hub]["staging_capacity"]
        if most is None:
            return None
        staged = 0
        for lane, count in self._waiting(hub).items():
            now = sum(p.sorted for p in self.yard[hub] if p.path[:1] == (lane,) and not p.early(step))
            leaves = min(now, room[lane])
            staged += count - leaves - max(min(count - leaves - self.meant[lane, step], room[lane] - leaves), 0)
        return max(most - staged, 0)

    def _count_over(self, hub: str, step: int) -> int:
        unsorted = sum(parcels.unsorted for parcels in self.yard[hub])
        ready = sum(parcels.sorted for parcels in self.yard[hub])
        buffer: int = self.hubs[hub]["buffer_capacity"]
        staging: int | None = self.hubs[hub]["staging_capacity"]
        if staging is None:
            return max(unsorted + ready - buffer, 0)
        return max(unsorted - buffer, 0) + max(ready - staging, 0)
