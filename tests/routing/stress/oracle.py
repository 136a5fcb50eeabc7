"""A slow player of trunk plans in plain Python, written from the rules alone: it shares no code with the one it judges."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil
from typing import Any, Self


@dataclass
class Parcels:
    """Parcels with one rest of path, one day of coming and one day they are meant to be done."""

    path: tuple[str, ...]
    end: str
    due: int
    came: int
    plan: tuple[tuple[int, int], ...]  # day and number of the plan's own departures with it, none off its ways
    leave: tuple[int, int]  # the first of these, else the day by which it should leave to be done when due
    unsorted: int = 0
    sorted: int = 0

    def early(self, step: int) -> bool:
        """Whether the plan has a departure for it and that is later."""
        return bool(self.plan) and self.leave[0] > step


def divide(parts: list[int], room: int) -> list[int]:
    """Divide room over parts by cumulative shares, rounded down."""
    total = sum(parts)
    if total <= room:
        return list(parts)
    seen, given = 0, []
    for part in parts:
        given.append((seen + part) * room // total - seen * room // total)
        seen += part
    return given


class Oracle:
    """Plays one demand through a plan by days; what it asks of the clock stands in methods of their own.

    ``plan`` holds rows of the tables as dicts; ``days`` how many days are played; ``spot`` the share of planned departures that
    may be called, None for rigid; ``shut`` lanes closed by (lane, day).
    """

    def __init__(self, plan: dict[str, list[dict[str, Any]]], days: int, spot: float | None, shut: set[Any]) -> None:
        self.plan, self.days, self.spot, self.shut = plan, days, spot, shut
        self.first: date = min(row["date"] for row in plan["route_demand"])
        self.last_demand = (max(row["date"] for row in plan["route_demand"]) - self.first).days
        self.lanes = {row["lane_id"]: row for row in plan["lanes"]}
        self.hubs = {row["hub_id"]: row for row in sorted(plan["hubs"], key=lambda row: row["hub_id"])}
        self.types = {row["vehicle_type_id"]: row for row in plan["vehicle_types"]}
        self.room: dict[Any, int] = defaultdict(int)
        self.departures: dict[Any, int] = defaultdict(int)
        for row in plan["trunk_departures"]:
            day = self.step_of(row, row["lane_id"])
            self.room[row["lane_id"], day] += row["departures"] * self.types[row["vehicle_type_id"]]["capacity"]
            self.departures[self.lanes[row["lane_id"]]["origin_hub_id"], day] += row["departures"]
        self.own: dict[Any, list[tuple[str, ...]]] = defaultdict(list)  # paths of the plan by where they are and end
        self.meant: dict[Any, int] = defaultdict(int)
        self.flows = sorted(
            plan["trunk_flows"],
            key=lambda row: (row["date"], row["origin_hub_id"], row["destination_hub_id"], row["completed_on"]),
        )
        for row in self.flows:
            at = row["origin_hub_id"]
            for number, lane in enumerate(row["path"]):
                rest = tuple(row["path"][number:])
                if rest not in self.own[at, row["destination_hub_id"]]:
                    self.own[at, row["destination_hub_id"]].append(rest)
                at = self.lanes[lane]["destination_hub_id"]
        self.set_meant()
        self.yard: dict[str, list[Parcels]] = {hub: [] for hub in self.hubs}
        self.road: dict[Any, list[Parcels]] = defaultdict(list)
        self.held: dict[Any, int] = {}
        self.handled: dict[Any, int] = defaultdict(int)
        self.over: dict[Any, int] = {}
        self.called = 0
        self.done = 0
        self.late: dict[int, int] = defaultdict(int)

    # the clock: a step is a day, the same at every hub

    def step_of(self, row: dict[str, Any], _lane: str) -> int:
        return int((row["date"] - self.first).days)

    def day_of(self, _hub: str, step: int) -> int:
        return step

    def visits(self) -> list[tuple[str, int]]:
        return [(hub, day) for day in range(self.days) for hub in self.hubs]

    def leave(self, _hub: str, path: tuple[str, ...], due: int) -> int:
        return min(max(due - sum(self.lag(lane) for lane in path), 0), self.days - 1)

    def capacity_of(self, hub: str, _step: int) -> int:
        return int(self.hubs[hub]["sort_capacity"])

    def within_a_day(self, _hub: str, step: int) -> list[int]:
        return [step + 1] if step + 1 < self.days else []

    def limit(self, hub: str, step: int) -> int:
        return max(int(self.departures[hub, step] * (self.spot or 0.0)), 1) if self.spot else 0

    def count_called(self, _hub: str, _step: int) -> None:
        return

    def staged(self, _hub: str, _step: int, _room: dict[str, int]) -> int | None:
        return None

    def _count_over(self, hub: str, step: int) -> int:
        return max(self.held[hub, step] - int(self.hubs[hub]["buffer_capacity"]), 0)

    def set_meant(self) -> None:
        for row in self.flows:
            came = (row["date"] - self.first).days
            for lane, day in zip(row["path"], row["departure_dates"], strict=True):
                leaves = (day - self.first).days
                for night in range(came, leaves):
                    self.meant[lane, night] += row["parcels"]
                came = self.arrival(lane, leaves)

    def lag(self, lane: str) -> int:
        return ceil(float(self.lanes[lane]["transit_hours"]) / 24 - 1e-9)

    def arrival(self, lane: str, day: int) -> int:
        return day + self.lag(lane)

    def runs(self, lane: str, day: int) -> bool:
        return (lane, day) not in self.shut and self.arrival(lane, day) < self.days and day < self.days - 1

    def hours(self, path: tuple[str, ...]) -> float:
        return sum(float(self.lanes[lane]["transit_hours"]) for lane in path)

    def turn(self, parcels: Parcels) -> tuple[tuple[int, int], int]:
        return parcels.leave, parcels.came

    def reach(
        self,
        hub: str,
        day: int,
        rest: tuple[tuple[str, ...], tuple[tuple[int, int], ...]],
        end: str,
        due: int,
        count: int,
    ) -> None:
        for parcels in self.road[hub, day]:
            if ((parcels.path, parcels.plan), parcels.end, parcels.due) == (rest, end, due):
                parcels.unsorted += count
                return
        path, plan = rest
        leave = plan[0] if plan else (self.leave(hub, path, due), 0)
        self.road[hub, day].append(Parcels(path, end, due, day, plan, leave, count))

    def play(self, demand: dict[Any, int]) -> Self:
        """Play parcels by (day, origin, destination); returns itself."""
        for hub, day in self.visits():
            self._hand_in(hub, day, demand)
            self.yard[hub] += sorted(self.road.pop((hub, day), []), key=self.turn)
            self.yard[hub].sort(key=self.turn)
            room = {
                lane: self.room[lane, day] if self.runs(lane, day) else 0
                for lane, row in self.lanes.items()
                if row["origin_hub_id"] == hub
            }
            self._sort(hub, day, dict(room))
            self._finish(hub, day)
            self._load(hub, day, room)
            self._load_ahead(hub, day, room)
            if self.spot is not None:
                self._load_others(hub, day, room)
                self._turn_to_road(hub, day)
            if self.day_of(hub, day) > self.last_demand:
                for parcels in self.yard[hub]:
                    due = parcels.leave[0] <= day
                    if parcels.sorted and due and parcels.path and self.runs(parcels.path[0], day):
                        self._send(parcels, parcels.path, day, parcels.sorted)
            if self.spot is not None:
                self._call(hub, day)
            self.yard[hub] = [parcels for parcels in self.yard[hub] if parcels.unsorted + parcels.sorted]
            self.held[hub, day] = sum(parcels.unsorted + parcels.sorted for parcels in self.yard[hub])
            self.over[hub, day] = self._count_over(hub, day)
        return self

    def _hand_in(self, hub: str, day: int, demand: dict[Any, int]) -> None:
        for (when, origin, destination), count in sorted(demand.items()):
            if (when, origin) != (day, hub):
                continue
            when_date = self.first + timedelta(days=day)
            rows = [
                row
                for row in self.flows
                if (row["origin_hub_id"], row["destination_hub_id"], row["date"]) == (origin, destination, when_date)
            ]
            total = sum(row["parcels"] for row in rows)
            low = 0
            for row in rows:
                high = low + row["parcels"]
                part = count * high // total - count * low // total
                low = high
                if part:
                    due = min((row["completed_on"] - self.first).days, self.days - 1)
                    plan = tuple(((when - self.first).days, 0) for when in row["departure_dates"])
                    self.reach(hub, day, (tuple(row["path"]), plan), destination, due, part)

    def _sort(self, hub: str, day: int, room: dict[str, int]) -> None:
        capacity = self.capacity_of(hub, day)
        planned = dict(room)
        queue = self.yard[hub]
        if sum(parcels.unsorted for parcels in queue) <= capacity and self._ahead(hub, day, planned) is None:
            offers = [[(parcels, parcels.unsorted) for parcels in queue]]
        else:
            offers = []
            for turn in self._turns(queue):
                shares = {id(parcels): 0 if parcels.early(day) else parcels.unsorted for parcels in turn}
                for lane in dict.fromkeys(parcels.path[0] for parcels in turn if parcels.path):
                    mine = [parcels for parcels in turn if parcels.path[:1] == (lane,) and not parcels.early(day)]
                    room[lane] = max(room[lane] - sum(parcels.sorted for parcels in mine), 0)
                    for parcels, share in zip(mine, divide([p.unsorted for p in mine], room[lane]), strict=True):
                        shares[id(parcels)] = share
                    room[lane] = max(room[lane] - sum(parcels.unsorted for parcels in mine), 0)
                offers.append([(parcels, shares[id(parcels)]) for parcels in turn])
        for offer in offers:
            capacity -= self._sort_some(hub, day, offer, capacity)
        ahead = self._ahead(hub, day, planned)
        capacity = capacity if ahead is None else min(capacity, ahead)
        for turn in self._turns(queue):
            capacity -= self._sort_some(hub, day, [(parcels, parcels.unsorted) for parcels in turn], capacity)

    def _ahead(self, hub: str, day: int, room: dict[str, int]) -> int | None:
        return None if self.day_of(hub, day) > self.last_demand else self.staged(hub, day, room)

    def _turns(self, queue: list[Parcels]) -> list[list[Parcels]]:
        turns: dict[Any, list[Parcels]] = {}
        for parcels in queue:
            turns.setdefault(self.turn(parcels), []).append(parcels)
        return list(turns.values())

    def _sort_some(self, hub: str, day: int, offer: list[tuple[Parcels, int]], capacity: int) -> int:
        given = divide([share for _, share in offer], capacity)
        for (parcels, _), count in zip(offer, given, strict=True):
            parcels.unsorted -= count
            parcels.sorted += count
        self.handled[hub, day] += sum(given)
        return sum(given)

    def _finish(self, hub: str, day: int) -> None:
        for parcels in self.yard[hub]:
            if not parcels.path:
                self.done += parcels.sorted
                self.late[max(day - parcels.due, 0)] += parcels.sorted
                parcels.sorted = 0

    def _send(self, parcels: Parcels, path: tuple[str, ...], day: int, count: int) -> None:
        self.send_to(parcels, path, self.arrival(path[0], day) if path else 0, count)

    def send_planned(self, parcels: Parcels, path: tuple[str, ...], day: int, count: int) -> None:
        self._send(parcels, path, day, count)

    def send_to(self, parcels: Parcels, path: tuple[str, ...], arrival: int, count: int) -> None:
        if count:
            parcels.sorted -= count
            plan = parcels.plan[1:] if path == parcels.path else ()
            end = self.lanes[path[0]]["destination_hub_id"]
            self.reach(end, arrival, (path[1:], plan), parcels.end, parcels.due, count)

    def _load(self, hub: str, day: int, room: dict[str, int]) -> None:
        for turn in self._turns(self.yard[hub]):
            shares: dict[int, int] = {}
            for lane in dict.fromkeys(parcels.path[0] for parcels in turn if parcels.path):
                mine = [parcels for parcels in turn if parcels.path[:1] == (lane,) and not parcels.early(day)]
                for parcels, share in zip(mine, divide([p.sorted for p in mine], room[lane]), strict=True):
                    shares[id(parcels)] = share
                room[lane] = max(room[lane] - sum(parcels.sorted for parcels in mine), 0)
            for parcels in turn:
                if parcels.path:
                    self.send_planned(parcels, parcels.path, day, shares.get(id(parcels), 0))

    def _load_ahead(self, hub: str, day: int, room: dict[str, int]) -> None:
        """Fill room left with what waits beyond what the plan leaves waiting."""
        waiting = self._waiting(hub)
        for parcels in list(self.yard[hub]):
            if parcels.path:
                lane = parcels.path[0]
                count = min(waiting[lane] - self.meant[lane, day], parcels.sorted, room[lane])
                if count > 0:
                    waiting[lane] -= count
                    room[lane] -= count
                    self.send_planned(parcels, parcels.path, day, count)

    def _waiting(self, hub: str) -> dict[str, int]:
        waiting: dict[str, int] = defaultdict(int)
        for parcels in self.yard[hub]:
            if parcels.path:
                waiting[parcels.path[0]] += parcels.sorted
        return waiting

    def _load_others(self, hub: str, day: int, room: dict[str, int]) -> None:
        waiting = self._waiting(hub)
        for parcels in list(self.yard[hub]):
            if not parcels.path:
                continue
            lane = parcels.path[0]
            near = sorted(self.own[hub, parcels.end], key=self.hours)
            seen = {lane}
            for other in near:
                if other[0] in seen or self.hours(other) > 2 * self.hours(parcels.path):
                    continue
                seen.add(other[0])
                count = min(waiting[lane] - self.meant[lane, day], parcels.sorted, room[other[0]])
                if count > 0:
                    waiting[lane] -= count
                    room[other[0]] -= count
                    self.send_planned(parcels, other, day, count)

    def _turn_to_road(self, hub: str, day: int) -> None:
        for parcels in list(self.yard[hub]):
            if not parcels.path or parcels.unsorted or not parcels.sorted or parcels.early(day):
                continue
            lane = parcels.path[0]
            if self.lanes[lane]["mode"] == "road" or any(
                self.room[lane, later] for later in self.within_a_day(hub, day)
            ):
                continue
            road = self._road(hub, parcels.end)
            if road is None:
                continue
            same = [
                p
                for p in self.yard[hub]
                if (p.path, p.came, p.due, p.end, p.plan) == (road, parcels.came, parcels.due, parcels.end, ())
            ]
            if same:
                same[0].sorted += parcels.sorted
                parcels.sorted = 0
            else:
                parcels.path, parcels.plan = road, ()

    def _road(self, hub: str, end: str) -> tuple[str, ...] | None:
        """The quickest way by road, tried out in full."""
        best: tuple[float, tuple[str, ...]] | None = None
        stack: list[tuple[str, tuple[str, ...], frozenset[str]]] = [(hub, (), frozenset([hub]))]
        while stack:
            at, path, seen = stack.pop()
            if at == end:
                if best is None or self.hours(path) < best[0]:
                    best = (self.hours(path), path)
                continue
            for lane, row in self.lanes.items():
                if row["origin_hub_id"] == at and row["mode"] == "road" and row["destination_hub_id"] not in seen:
                    stack.append((row["destination_hub_id"], (*path, lane), seen | {row["destination_hub_id"]}))
        return None if best is None else best[1]

    def _call(self, hub: str, day: int) -> None:
        limit = self.limit(hub, day)
        size = max(
            row["capacity"] for row in self.types.values() if row["ownership"] == "contract" and row["mode"] == "road"
        )
        for _ in range(limit):
            waiting = self._waiting(hub)
            lanes = [
                lane
                for lane, row in sorted(self.lanes.items())
                if row["origin_hub_id"] == hub and row["mode"] == "road" and self.runs(lane, day)
            ]
            beyond = {lane: min(waiting[lane] - self.meant[lane, day], waiting[lane]) for lane in lanes}
            worth = [lane for lane in lanes if 2 * beyond[lane] >= size and beyond[lane] > 0]
            yard = sum(parcels.unsorted + parcels.sorted for parcels in self.yard[hub])
            if worth:
                lane = max(worth, key=lambda lane: beyond[lane])
                left = min(size, beyond[lane])
            elif yard > self.hubs[hub]["buffer_capacity"] and any(waiting[lane] for lane in lanes):
                lane = max(lanes, key=lambda lane: waiting[lane])
                left = size
            else:
                return
            self.called += 1
            self.count_called(hub, day)
            for parcels in self.yard[hub]:
                if parcels.path[:1] == (lane,):
                    count = min(left, parcels.sorted)
                    left -= count
                    self._send(parcels, parcels.path, day, count)
