"""What a play of many futures stands on, read from the tables of a plan: its clock, its ways, its vehicles, and what is handed in."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from routing.checker.playback.cells import HandIn, Leave, Path, Visit
from routing.checker.playback.clock import MINUTES, ClockRules, at_hour, read_hours, set_clocks, to_minutes, to_moment
from routing.checker.playback.orders import (
    Orders,
    Promises,
    Vehicle,
    list_holds,
    list_loading,
    load_before,
    read_orders,
    set_out,
)
from routing.checker.playback.shut_hours import list_spans

_AFTER = 7  # days played after the plan's last
_DAY = 24 * MINUTES
_LONGEST_DETOUR = 2.0  # times its hours that another way of the plan may take
_UNBOUNDED = 1 << 50
_ALL_HUBS = "*"
_EPSILON = 1e-6


class Ground:
    """The clock, ways, vehicles and hand-ins of a plan.

    Parameters
    ----------
    frames
        Tables of the checker, as ``read_tables`` gives them.
    routes
        date, origin_hub_id, destination_hub_id: the columns of the futures.
    rules
        Time zone and hours where the tables are silent.
    """

    unbounded = _UNBOUNDED

    def __init__(self, frames: Mapping[str, pl.DataFrame], routes: pl.DataFrame, rules: ClockRules) -> None:
        planned = frames["route_demand"]
        begins, ends = _span(planned["date"])
        first, last = min(begins, _span(routes["date"])[0]), ends
        if frames["trunk_flows"].height:
            last = max(last, _span(frames["trunk_flows"]["completed_on"])[1])
        self._first = first
        clocks = set_clocks(frames, first, last + timedelta(days=_AFTER), rules)
        self._names = sorted(clocks)
        self._number = {name: number for number, name in enumerate(self._names)}
        self._clocks = [clocks[name] for name in self._names]
        self._sorts = [[sort for sort in clock.sorts if sort.day >= first] for clock in self._clocks]
        self.hubs = len(self._names)
        self.staging = [None if clock.staging is None else int(clock.staging) for clock in self._clocks]
        self.first_demand, self.last_demand = (begins - first).days, (ends - first).days
        self._lanes = frames["lanes"].sort("lane_id").to_dicts()
        self._lane_number = {lane["lane_id"]: number for number, lane in enumerate(self._lanes)}
        self.ends = [self._number[lane["destination_hub_id"]] for lane in self._lanes]
        starts = [self._number[lane["origin_hub_id"]] for lane in self._lanes]
        self.of_hub = [[lane for lane, start in enumerate(starts) if start == hub] for hub in range(self.hubs)]
        self._starts = starts
        self._reached = self._list_reached(frames, calm=False)
        self._fair = self._list_reached(frames, calm=True)
        orders = read_orders(frames, clocks)
        self.vehicles = self._lay_vehicles(orders)
        self.hired = self._list_hired(frames)
        self._leave: dict[tuple[int, tuple[int, ...], int], int] = {}
        self._flows = self._read_flows(frames, orders)
        self._own = self._list_own()
        self._meant: dict[tuple[int, int], int] = defaultdict(int)
        self._profile = _read_profile(frames)
        self._due = Promises(frames, clocks)
        self._lay_meant(planned)
        self.hand_ins = self._lay_hand_ins(routes, planned)
        self.visits = self._list_visits()

    # what the play asks

    def capacity(self, hub: int, step: int) -> int:
        """Parcels a sort takes."""
        return _whole(self._sorts[hub][step].capacity)

    def buffer(self, hub: int, step: int) -> int:
        """Parcels that may wait after a sort."""
        return _whole(self._sorts[hub][step].buffer)

    def reached(self, lane: int, step: int) -> int:
        """Sort that takes what leaves first after one; -1 where nothing leaves or arrives."""
        return self._reached[lane][step]

    def room(self, lane: int, step: int) -> int:
        """Parcels planned vehicles hold."""
        return sum(room for room, _ in self.vehicles.get((lane, step), ()))

    def meant(self, lane: int, step: int) -> int:
        """Parcels the plan itself leaves waiting for a lane."""
        return self._meant.get((lane, step), 0)

    def departures(self, hub: int, day: int) -> int:
        """Vehicles the plan has at a hub on a day."""
        return self._departures.get((hub, day), 0)

    def room_within_a_day(self, lane: int, step: int) -> int:
        """Room on a lane after later sorts that close within a day."""
        sorts = self._sorts[self._starts[lane]]
        within = sorts[step].closes + _DAY
        return sum(self.room(lane, later) for later in range(step + 1, len(sorts)) if sorts[later].closes <= within)

    def leave_of(self, hub: int, path: Path) -> Leave:
        """Departure with which parcels should leave: the plan's own, else after the last sort that leads to the end in time."""
        return path.plan[0] if path.plan else Leave(self._latest(hub, path.legs, path.done))

    def others(self, hub: int, path: Path) -> Iterator[Path]:
        """Give the nearest way of the plan over each other next lane, within twice the hours."""
        seen = {path.legs[0]}
        longest = _LONGEST_DETOUR * self._hours(path.legs)
        ranked = sorted(
            (self._hours(legs), number, legs) for number, legs in self._own.get((hub, self._end(hub, path.legs)), ())
        )
        for hours, _, legs in ranked:
            if hours <= longest and legs and legs[0] not in seen:
                seen.add(legs[0])
                yield Path(legs, (), path.done, path.due)

    def by_road(self, hub: int, path: Path) -> Path | None:
        """Give the quickest way by road for what a train or flight leaves behind, None where it is on the road or none leads there."""
        end = self._end(hub, path.legs)
        if self._lanes[path.legs[0]]["mode"] == "road" or path.legs not in [
            legs for _, legs in self._own.get((hub, end), ())
        ]:
            return None
        legs = self._quickest(hub, end, road=True)
        return None if legs is None else Path(legs, (), path.done, path.due)

    # the clock

    def _reach(self, hub: int, minute: int) -> int:
        at_hand = self._clocks[hub].reopen(minute)
        return next((n for n, sort in enumerate(self._sorts[hub]) if sort.cut_off >= at_hand), -1)

    def _last_by(self, hub: int, minute: float) -> int:
        return max((n for n, sort in enumerate(self._sorts[hub]) if sort.closes <= minute), default=-1)

    def _first_at(self, hub: int, minute: float) -> int:
        sorts = self._sorts[hub]
        return next((n for n, sort in enumerate(sorts) if sort.closes >= minute), len(sorts) - 1)

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
        clocks = dict(zip(self._names, self._clocks, strict=True))
        found = []
        for lane, start in zip(self._lanes, self._starts, strict=True):
            reached = [-1] * len(self._sorts[start])
            for day, minute in self._leaving(start, listed.get(lane["lane_id"])):
                factors = weather.get((lane["lane_id"], day), (1.0, 1.0))
                if min(factors) <= 0 or any(a <= minute < b for a, b in spans.get(lane["lane_id"], ())):
                    continue
                vehicle = set_out(lane, clocks, factors, spans.get(lane["lane_id"], ()), (day, to_moment(minute)))
                vehicle = load_before(vehicle, clocks[vehicle.start], loading.get(lane["lane_id"], {}))
                step, at = self._last_by(start, vehicle.doors), self._at_hand(vehicle)
                if step >= 0 and at >= 0 and not 0 <= reached[step] <= at:
                    reached[step] = at
            if not calm and reached:
                reached[-1] = -1
            found.append(reached)
        return found

    def _at_hand(self, vehicle: Vehicle) -> int:
        end = self._number[vehicle.end]
        return self._reach(end, vehicle.leaves + vehicle.minutes + (self._clocks[end].unload if vehicle.minutes else 0))

    def _leaving(self, hub: int, listed: Sequence[dict[str, Any]] | None) -> Iterator[tuple[date, int]]:
        """Business date and minute of each departure of a lane: at every close, or at the hours of its own."""
        clock = self._clocks[hub]
        if not listed:
            yield from ((sort.day, clock.reopen(sort.closes)) for sort in self._sorts[hub])
            return
        days = sorted({sort.day for sort in self._sorts[hub]})
        for day in days:
            for row in listed:
                if not row.get("weekdays") or str(day.isoweekday()) in row["weekdays"]:
                    yield day, clock.reopen(at_hour(day, read_hours(row["leaves"]), clock.zone))

    def _list_visits(self) -> list[Visit]:
        """Sorts in the order of their close; those of one minute in rounds where lanes arrive at the minute they leave."""
        at_once = [
            any(
                there >= 0
                and self._sorts[self.ends[lane]][there].closes <= self._sorts[self._starts[lane]][step].closes
                for step, there in enumerate(reached)
            )
            for lane, reached in enumerate(self._reached)
        ]
        longest = 0
        for _, legs in (one for paths in self._own.values() for one in paths):
            run = 0
            for lane in legs:
                run = run + 1 if at_once[lane] else 0
                longest = max(longest, run)
        passes = 1 + (longest if any(at_once) else 0)
        found = []
        for hub, sorts in enumerate(self._sorts):
            for step, sort in enumerate(sorts):
                day = (sort.day - self._first).days
                new = step == 0 or sorts[step - 1].day != sort.day
                found += [
                    (sort.closes, turn, Visit(hub, step, day, turn == 0, turn == passes - 1, new))
                    for turn in range(passes)
                ]
        return [visit for _, _, visit in sorted(found, key=lambda one: (one[0], one[1], one[2].hub))]

    # ways

    def _hours(self, legs: Sequence[int]) -> float:
        return float(sum(self._lanes[lane]["transit_hours"] for lane in legs))

    def _end(self, hub: int, legs: Sequence[int]) -> int:
        return self.ends[legs[-1]] if legs else hub

    def _latest(self, hub: int, legs: tuple[int, ...], done: int) -> int:
        key = (hub, legs, done)
        if key not in self._leave:
            if not legs:
                return done
            by = self._latest(self.ends[legs[0]], legs[1:], done)
            fits = [step for step, there in enumerate(self._fair[legs[0]]) if 0 <= there <= by]
            self._leave[key] = max(fits, default=0)
        return self._leave[key]

    def _quickest(self, hub: int, end: int, *, road: bool) -> tuple[int, ...] | None:
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
                if not road or self._lanes[lane]["mode"] == "road":
                    more = hours + float(self._lanes[lane]["transit_hours"])
                    heapq.heappush(queue, (more, self.ends[lane], (*legs, lane)))
        return None

    def _list_own(self) -> dict[tuple[int, int], list[tuple[int, tuple[int, ...]]]]:
        """Ways of the plan by where they begin and end, rests before the whole, in the order in which they are met."""
        found: dict[tuple[int, int], list[tuple[int, tuple[int, ...]]]] = {}
        seen: set[tuple[int, tuple[int, ...]]] = set()
        for flow in self._flows:
            legs: tuple[int, ...] = flow["legs"]
            hubs = [flow["origin"], *(self.ends[lane] for lane in legs)]
            for at in range(len(legs), -1, -1):
                if (hubs[at], legs[at:]) not in seen:
                    seen.add((hubs[at], legs[at:]))
                    found.setdefault((hubs[at], hubs[-1]), []).append((len(seen), legs[at:]))
        return found

    # vehicles

    def _lay_vehicles(self, orders: Orders) -> dict[tuple[int, int], list[tuple[int, int]]]:
        """Room and sort reached of planned vehicles by lane and the sort they load after, in the order in which they leave."""
        found: dict[tuple[int, int], list[tuple[int, int, int]]] = defaultdict(list)
        self._departures: dict[tuple[int, int], int] = defaultdict(int)
        self._tails: dict[int, tuple[int, int]] = {}
        self._turns: dict[int, int] = {}
        for number, vehicle in enumerate(orders.vehicles):
            lane, hub = self._lane_number[vehicle.lane], self._number[vehicle.start]
            step, there = self._last_by(hub, vehicle.doors), self._at_hand(vehicle)
            if step >= 0 and self._reached[lane][step] < 0:
                there = -1
            self._tails[number] = (step, there if there >= 0 else len(self._sorts[self.ends[lane]]))
            if step >= 0 and vehicle.loads:
                found[lane, step].append((vehicle.leaves, int(vehicle.room), there))
                day = (self._sorts[hub][step].day - self._first).days
                self._departures[hub, day] += len(vehicle.loads)
        for number, vehicle in enumerate(orders.vehicles):
            hours = {
                leaves for leaves, _, _ in found.get((self._lane_number[vehicle.lane], self._tails[number][0]), ())
            }
            self._turns[number] = sum(hour < vehicle.leaves for hour in hours) if vehicle.loads else 0
        return {key: [(room, there) for _, room, there in sorted(rows)] for key, rows in found.items()}

    def _list_hired(self, frames: Mapping[str, pl.DataFrame]) -> list[int]:
        """Parcels a vehicle called for a lane holds, the largest of contract, else spot; 0 off the road or where none can be hired."""
        owner = dict(frames["vehicle_types"].select("vehicle_type_id", "ownership").iter_rows())
        best: dict[str, tuple[str, int]] = {}
        for (lane, kind), load in list_holds(frames).items():
            if owner[kind] != "own":
                rank = (owner[kind], -int(load))
                best[lane] = min(best.get(lane, rank), rank)
        return [-best.get(lane["lane_id"], ("", 0))[1] if lane["mode"] == "road" else 0 for lane in self._lanes]

    # what is handed in

    def _read_flows(self, frames: Mapping[str, pl.DataFrame], orders: Orders) -> list[dict[str, Any]]:
        """Flows with lanes, the sorts after which they leave, when they are done and first leave [minutes]."""
        rows = {row["row"]: row for row in frames["trunk_flows"].iter_rows(named=True)}
        found = []
        for order in orders.orders:
            row = rows[int(order.where.rsplit(" ", 1)[1].rstrip(")"))]
            legs = tuple(self._lane_number[lane] for lane in row["path"])
            leaves = orders.vehicles[order.vehicles[0]].leaves if order.vehicles else order.done_by
            tails = [self._tails[number] for number in order.vehicles]
            if row["parcels"] > 0:
                found.append(
                    {
                        "row": row["row"],
                        "date": row["date"],
                        "origin": self._number[row["origin_hub_id"]],
                        "end": self._number[row["destination_hub_id"]],
                        "completed_on": row["completed_on"],
                        "legs": legs,
                        "tails": tails,
                        "leave": [Leave(self._tails[number][0], self._turns[number]) for number in order.vehicles],
                        "done": order.done_by,
                        "leaves": leaves if orders.by_clock else 0,
                        "parcels": int(row["parcels"]),
                    }
                )
        self._by_clock = orders.by_clock
        found.sort(
            key=lambda flow: (
                flow["date"],
                self._names[flow["origin"]],
                self._names[flow["end"]],
                flow["completed_on"],
                flow["row"],
            )
        )
        return found

    def _parts(self, hub: int, day: date, ready: Sequence[tuple[int, int]]) -> list[tuple[int, float, float]]:
        """Sorts at which a day's parcels are at hand, with the cumulative shares before and up to them."""
        clock = self._clocks[hub]
        profile = self._profile(self._names[hub]) if self._by_clock else None
        if ready:
            hours = [(minute, float(parcels)) for minute, parcels in sorted(ready)]
        elif profile:
            hours = [(at_hour(day, hour, clock.zone), share) for hour, share in profile]
        else:
            hours = [(clock.last_cut_off(day), 1.0)]
        total, seen, parts = sum(weight for _, weight in hours), 0.0, []
        for number, (minute, weight) in enumerate(hours):
            since, seen = seen, seen + weight
            step = self._reach(hub, minute)
            until = 1.0 if number == len(hours) - 1 else seen / total
            parts.append((step if step >= 0 else len(self._sorts[hub]) - 1, since / total, until))
        return parts

    def _by_route(self) -> dict[tuple[date, int, int], list[dict[str, Any]]]:
        found: dict[tuple[date, int, int], list[dict[str, Any]]] = defaultdict(list)
        for flow in self._flows:
            found[flow["date"], flow["origin"], flow["end"]].append(flow)
        for flows in found.values():
            flows.sort(key=_leaves)
        return found

    def _ready(self, planned: pl.DataFrame) -> dict[tuple[date, int, int], list[tuple[int, int]]]:
        found: dict[tuple[date, int, int], list[tuple[int, int]]] = defaultdict(list)
        for row in planned.iter_rows(named=True):
            if row["ready_at"] is not None and self._by_clock:
                key = (row["date"], self._number[row["origin_hub_id"]], self._number[row["destination_hub_id"]])
                found[key].append((to_minutes(row["ready_at"]), int(row["parcels"])))
        return found

    def _lay_meant(self, planned: pl.DataFrame) -> None:
        """Count what the plan itself leaves waiting for each lane after each sort."""
        ready = self._ready(planned)
        for key, flows in self._by_route().items():
            total, before = sum(flow["parcels"] for flow in flows), 0
            parts = self._parts(key[1], key[0], ready.get(key, ()))
            for flow in flows:
                for step, since, until in parts:
                    first = max(before, int(total * since + _EPSILON))
                    parcels = min(before + flow["parcels"], int(total * until + _EPSILON)) - first
                    at = step
                    for lane, (tail, there) in zip(flow["legs"], flow["tails"], strict=True):
                        for waits in range(at, tail) if parcels > 0 else ():
                            self._meant[lane, waits] += parcels
                        at = there
                before += flow["parcels"]

    def _lay_hand_ins(self, routes: pl.DataFrame, planned: pl.DataFrame) -> dict[tuple[int, int], list[HandIn]]:
        found: dict[tuple[int, int], list[HandIn]] = defaultdict(list)
        of_day, ready = self._by_route(), self._ready(planned)
        of_route = _pool(self._flows, lambda flow: at_hour(flow["date"], 0.0, self._clocks[flow["end"]].zone))
        for column, (when, a, b) in enumerate(routes.select("date", "origin_hub_id", "destination_hub_id").iter_rows()):
            key = (when, self._number[a], self._number[b])
            early = (when - self._first).days < self.first_demand
            parts = self._parts(key[1], when, ready.get(key, ()))
            shares = (
                []
                if early
                else [
                    (flow["legs"], tuple(flow["leave"]), flow["done"], flow["parcels"]) for flow in of_day.get(key, ())
                ]
            )
            midnight = at_hour(when, 0.0, self._clocks[key[2]].zone)
            shares = shares or [
                (legs, (), midnight + done, parcels) for legs, done, parcels in of_route.get(key[1:], ())
            ]
            if not shares:
                legs = self._quickest(*key[1:], road=True)
                legs = self._quickest(*key[1:], road=False) if legs is None else legs
                if legs is None:
                    continue
                began = self._sorts[key[1]][parts[0][0]].closes
                shares = [(legs, (), began + self._hours(legs) * MINUTES, 1)]
            promised = self._due.of({"date": when, "origin_hub_id": a, "destination_hub_id": b})
            total, before = sum(share[3] for share in shares), 0
            for legs, plan, done, parcels in shares:
                step = self._first_at(key[2], done)
                due = np.inf if early else promised if promised < np.inf else float(self._sorts[key[2]][step].closes)
                path = Path(legs, plan, 0 if early else step, due, early)
                after = before + parcels
                for at, since, until in parts:
                    if since < after / total + _EPSILON and until > before / total - _EPSILON:
                        found[key[1], at].append(HandIn(column, path, before, after, total, since, until))
                before = after
        return found


def _span(days: pl.Series) -> tuple[date, date]:
    """First and last of some days."""
    told = sorted(day for day in days.to_list() if day is not None)
    return told[0], told[-1]


def _leaves(flow: Mapping[str, Any]) -> int:
    return int(flow["leaves"])


def _pool(
    flows: Sequence[Mapping[str, Any]], midnight: Callable[[Mapping[str, Any]], int]
) -> dict[tuple[int, int], list[tuple[tuple[int, ...], int, int]]]:
    """Lanes, minutes from midnight until done, and parcels of each route over all days, those that leave first before others."""
    pooled: dict[tuple[int, int], dict[tuple[tuple[int, ...], int, int], int]] = defaultdict(dict)
    for flow in flows:
        begin = midnight(flow)
        leaves = flow["leaves"] - begin if flow["leaves"] else 0
        key = (flow["legs"], flow["done"] - begin, leaves)
        of_pair = pooled[flow["origin"], flow["end"]]
        of_pair[key] = of_pair.get(key, 0) + flow["parcels"]
    return {
        pair: [(legs, done, parcels) for (legs, done, _), parcels in sorted(found.items(), key=lambda one: one[0][2])]
        for pair, found in pooled.items()
    }


def _read_profile(frames: Mapping[str, pl.DataFrame]) -> Callable[[str], list[tuple[float, float]] | None]:
    """Read the hours of hand-in; of the kinds of day ``normal`` speaks, and ``peak`` where it alone is given."""
    found: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for row in frames["hand_in_profile"].iter_rows(named=True):
        found[row["hub_id"], row["day_kind"]].append((read_hours(row["until_hour"]), row["share"]))

    def of_hub(hub: str) -> list[tuple[float, float]] | None:
        for name in (hub, _ALL_HUBS):
            for kind in ("normal", "peak"):
                if (name, kind) in found:
                    return sorted(found[name, kind])
        return None

    return of_hub


def _whole(value: float) -> int:
    return _UNBOUNDED if value == float("inf") else int(value + _EPSILON)
