"""What a plan orders, read from its tables: vehicles with their hours and room, and parcels with the vehicles they are to take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from routing.checker.playback.clock import (
    MINUTES,
    HubClock,
    at_hour,
    read_hours,
    to_minutes,
    to_moment,
)
from routing.checker.playback.shut_hours import Spans, list_spans, stop_on_road
from routing.checker.promises import allow_days

_ALL_HUBS = "*"
_NORMAL, _PEAK = "normal", "peak"
_NEVER = float("inf")
_DAY = 24 * MINUTES


@dataclass(slots=True)
class Vehicle:
    """All vehicles that leave over a lane at one time.

    Attributes
    ----------
    lane, start, end
        Lane and its hubs.
    day
        Business date.
    doors, leaves, minutes, away
        Minute by which parcels are to be sorted for them, minute at which they leave, minutes to the end of the lane, and until
        they can be turned round there.
    loads
        Parcels each of them holds, the largest first; those that have left are taken out.
    room
        Parcels they hold that are not taken yet.
    tail
        Number of the last sort of the start that loads them.
    """

    lane: str
    start: str
    end: str
    day: date
    doors: int
    leaves: int
    minutes: int
    away: int
    loads: list[float] = field(default_factory=list)
    room: float = 0.0
    tail: int = -1


@dataclass(frozen=True, slots=True)
class Order:
    """A flow of the plan: its hubs in order, its vehicle on each leg, when it is to be done and when it is promised [minutes]."""

    where: str
    hubs: tuple[str, ...]
    vehicles: tuple[int, ...]
    done_by: int
    due: float
    hand_ins: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Orders:
    """All a plan orders; `by_clock` says whether it names hours, `hired_holds` what the largest vehicle of a lane holds.

    `staged` tells by hub, date and sort how many sorted parcels wait after it for a later departure; None where the plan does not say.
    """

    vehicles: list[Vehicle]
    orders: list[Order]
    by_clock: bool
    hired_holds: dict[str, float]
    staged: Mapping[tuple[str, date, str], float] | None = None


def read_orders(frames: Mapping[str, pl.DataFrame], clocks: Mapping[str, HubClock]) -> Orders:
    """Read the vehicles and flows of a plan.

    A vehicle without ``leaves_at`` leaves when the last sort of its business date closes; a flow without ``completed_at`` is
    to be done when the last sort of ``completed_on`` closes. A lane-day the flows use and no vehicle serves has no room.
    """
    legs = frames["trunk_flows"].filter(pl.col("path").list.len() == pl.col("departure_dates").list.len())
    by_clock = bool(frames["trunk_departures"]["leaves_at"].is_not_null().any())
    lanes = {row["lane_id"]: row for row in frames["lanes"].iter_rows(named=True)}
    weather = {
        (row["lane_id"], row["date"]): (row["speed_factor"], row["capacity_factor"])
        for row in frames["lane_weather"].iter_rows(named=True)
    }
    spans = list_spans(frames["lane_closures"])
    loading = list_loading(frames)
    vehicles: list[Vehicle] = []
    numbers: dict[tuple[str, date | datetime], int] = {}

    def number_of(lane: str, day: date, leaves: datetime | None) -> int:
        key = (lane, leaves or day)
        if key not in numbers:
            numbers[key] = len(vehicles)
            factors = weather.get((lane, day), (1.0, 1.0))
            vehicle = set_out(lanes[lane], clocks, factors, spans.get(lane, ()), (day, leaves))
            vehicles.append(load_before(vehicle, clocks[vehicle.start], loading.get(lane, {})))
        return numbers[key]

    holds = list_holds(frames)
    for row in frames["trunk_departures"].iter_rows(named=True):
        if row["lane_id"] in lanes:
            vehicle = vehicles[number_of(row["lane_id"], row["date"], row["leaves_at"])]
            load = holds.get((row["lane_id"], row["vehicle_type_id"]), 0.0)
            vehicle.loads += [load] * int(row["departures"])
            vehicle.room += load * row["departures"]
    for vehicle in vehicles:
        vehicle.loads.sort(reverse=True)
    shares = Shares(frames, clocks)
    due = Promises(frames, clocks)
    orders = []
    flows = [row for row in legs.iter_rows(named=True) if _is_whole(row, lanes, clocks)]
    flows.sort(key=_by_first_departure)
    rides = [
        tuple(
            number_of(lane, day, at)
            for lane, day, at in zip(
                row["path"], row["departure_dates"], row["departs_at"] or [None] * len(row["path"]), strict=True
            )
        )
        for row in flows
    ]
    doors = [
        vehicles[taken[0]].doors if taken else _done_by(row, clocks) for row, taken in zip(flows, rides, strict=True)
    ]
    shares.leave_short(flows, doors)
    for row, taken in zip(flows, rides, strict=True):
        orders.append(
            Order(
                where=f"{row['origin_hub_id']}-{row['destination_hub_id']} (trunk_flows row {row['row']})",
                hubs=(row["origin_hub_id"], *(lanes[lane]["destination_hub_id"] for lane in row["path"])),
                vehicles=taken,
                done_by=_done_by(row, clocks),
                due=due.of(row),
                hand_ins=shares.take(row),
            )
        )
    largest: dict[str, float] = {}
    for (lane, _), load in holds.items():
        largest[lane] = max(largest.get(lane, 0.0), load)
    return Orders(vehicles, orders, by_clock, largest, _read_staged(frames))


def _read_staged(frames: Mapping[str, pl.DataFrame]) -> dict[tuple[str, date, str], float] | None:
    """Sorted parcels that the plan says wait after a sort, by hub, date and sort; None where it says nothing of them."""
    told = frames["hub_loads"].filter(pl.col("staged").is_not_null() & pl.col("sort_id").is_not_null())
    if not told.height:
        return None
    return {(hub, day, sort): n for hub, day, sort, n in told.select("hub_id", "date", "sort_id", "staged").iter_rows()}


def _done_by(row: dict[str, Any], clocks: Mapping[str, HubClock]) -> int:
    """Minute by which a flow is to be done."""
    if row["completed_at"] is not None:
        return to_minutes(row["completed_at"])
    return clocks[row["destination_hub_id"]].end_of(row["completed_on"])


def set_out(
    lane: dict[str, Any],
    clocks: Mapping[str, HubClock],
    factors: tuple[float, float],
    spans: Spans,
    when: tuple[date, datetime | None],
) -> Vehicle:
    """Let vehicles leave at their hour: parcels come transit_hours / speed later and after what shut hours stop them for.

    The road that lets a share ``capacity`` of its vehicles through keeps them for transit_hours / speed / capacity.
    """
    day, leaves = when
    speed, capacity = (factor if factor > 0 else 1.0 for factor in factors)
    hours = lane["transit_hours"] / speed
    clock = clocks[lane["origin_hub_id"]]
    minute = clock.reopen(clock.end_of(day) if leaves is None else to_minutes(leaves))
    stopped = stop_on_road(spans, minute, hours * MINUTES)[1]
    return Vehicle(
        lane=lane["lane_id"],
        start=lane["origin_hub_id"],
        end=lane["destination_hub_id"],
        day=day,
        doors=minute,
        leaves=minute,
        minutes=_round_up(hours * MINUTES + stopped),
        away=_round_up(hours / min(capacity, 1.0) * MINUTES + stopped),
        tail=clock.last_by(minute),
    )


def list_loading(frames: Mapping[str, pl.DataFrame]) -> dict[str, dict[int, float]]:
    """Hours of loading by lane and minute of the day at which it leaves, where ``lane_departures`` gives them."""
    found: dict[str, dict[int, float]] = {}
    for row in frames["lane_departures"].iter_rows(named=True):
        minute = round(read_hours(row["leaves"]) * MINUTES) % _DAY
        found.setdefault(row["lane_id"], {})[minute] = row["load_hours"] or 0.0
    return found


def load_before(vehicle: Vehicle, clock: HubClock, loading: Mapping[int, float]) -> Vehicle:
    """Let a vehicle close its doors as many hours before it leaves as its lane says."""
    local = to_moment(vehicle.leaves).astimezone(clock.zone)
    hours = loading.get(local.hour * MINUTES + local.minute, 0.0)
    vehicle.doors = vehicle.leaves - round(hours * MINUTES)
    vehicle.tail = clock.last_by(vehicle.doors)
    return vehicle


def _round_up(minutes: float) -> int:
    whole = round(minutes)
    return whole if abs(minutes - whole) < 1e-6 else int(minutes) + 1


def list_holds(frames: Mapping[str, pl.DataFrame]) -> dict[tuple[str, str], float]:
    """Parcels a vehicle of a type holds on a lane: its own row in ``lane_vehicles``, else the type's."""
    types = frames["vehicle_types"].select("vehicle_type_id", "mode", "capacity")
    listed = frames["lane_vehicles"].select("lane_id", "vehicle_type_id", own="capacity")
    lanes = frames["lanes"].select("lane_id", "mode")
    hired = (
        lanes.join(listed, on="lane_id", how="anti")
        .join(types, on="mode")
        .select("lane_id", "vehicle_type_id", "capacity")
    )
    own = listed.join(types, on="vehicle_type_id").select(
        "lane_id", "vehicle_type_id", capacity=pl.coalesce("own", "capacity")
    )
    return {(lane, kind): load for lane, kind, load in pl.concat([hired, own]).iter_rows()}


def _is_whole(row: dict[str, Any], lanes: Mapping[str, Any], clocks: Mapping[str, HubClock]) -> bool:
    """Whether hubs and lanes of a flow are known and its hours are as many as its lanes; other rules tell of the rest."""
    hubs = {row["origin_hub_id"], row["destination_hub_id"]}
    times = row["departs_at"]
    return (
        hubs <= clocks.keys()
        and all(lane in lanes for lane in row["path"])
        and all(
            {lanes[lane]["origin_hub_id"], lanes[lane]["destination_hub_id"]} <= clocks.keys() for lane in row["path"]
        )
        and (not times or len(times) == len(row["path"]))
    )


def _by_first_departure(row: dict[str, Any]) -> tuple[Any, ...]:
    first = row["departure_dates"][0] if row["path"] else row["completed_on"]
    at = row["departs_at"][0] if row["path"] and row["departs_at"] else row["completed_at"]
    minute = to_minutes(at) if at is not None else 0
    return (row["date"], row["origin_hub_id"], row["destination_hub_id"], first, minute, row["row"])


class Shares:
    """Parcels of each route and day by the minute they are handed in; what is handed in first leaves first.

    Where some are short, the others are those that wait least (:meth:`leave_short`).

    Attributes
    ----------
    left
        By date, origin and destination: [minute, parcels] not taken yet, in order.
    """

    def __init__(self, frames: Mapping[str, pl.DataFrame], clocks: Mapping[str, HubClock]) -> None:
        self._clocks = clocks
        self._profile: dict[tuple[str, str], list[tuple[float, float]]] = {}
        for row in frames["hand_in_profile"].sort("until_hour").iter_rows(named=True):
            key = (row["hub_id"], row["day_kind"])
            self._profile.setdefault(key, []).append((read_hours(row["until_hour"]), row["share"]))
        self.left: dict[tuple[date, str, str], list[list[int]]] = {}
        for row in frames["route_demand"].iter_rows(named=True):
            if row["origin_hub_id"] in clocks:
                route = (row["date"], row["origin_hub_id"], row["destination_hub_id"])
                self.left.setdefault(route, []).extend(self._hand_in(row))
        for parts in self.left.values():
            parts.sort()

    def _hand_in(self, row: dict[str, Any]) -> list[list[int]]:
        clock, parcels = self._clocks[row["origin_hub_id"]], int(row["parcels"])
        if row["ready_at"] is not None:
            return [[clock.reopen(to_minutes(row["ready_at"])), parcels]]
        hub = row["origin_hub_id"]
        profile = next(
            (
                self._profile[key, kind]
                for key in (hub, _ALL_HUBS)
                for kind in (_NORMAL, _PEAK)
                if (key, kind) in self._profile
            ),
            None,
        )
        if not profile:
            return [[clock.reopen(clock.last_cut_off(row["date"])), parcels]]
        parts, seen, handed, total = [], 0.0, 0, sum(share for _, share in profile)
        for hour, share in profile:
            seen += share
            upto = int(parcels * seen / total + 1e-9)
            parts.append([clock.reopen(at_hour(row["date"], hour, clock.zone)), upto - handed])
            handed = upto
        return [part for part in parts if part[1] > 0]

    def leave_short(self, flows: list[dict[str, Any]], doors: list[int]) -> None:
        """Leave what is short of a route and day with those who would wait longest; nothing changes where no such choice serves every flow.

        From the last flow to the first each takes what was handed in last for a sort that closes by its doors.

        Parameters
        ----------
        flows, doors
            Flows, and the minute by which what takes each is sorted at its origin.
        """
        ways: dict[tuple[date, str, str], list[tuple[int, int]]] = {}
        for row, minute in zip(flows, doors, strict=True):
            route = (row["date"], row["origin_hub_id"], row["destination_hub_id"])
            ways.setdefault(route, []).append((minute, int(row["parcels"])))
        for route, asked in ways.items():
            parts = self.left.get(route, [])
            total = sum(parcels for _, parcels in asked)
            if len(parts) < 2 or total >= sum(part[1] for part in parts):
                continue
            sorts = self._clocks[route[1]].sorts
            free, taken = [list(part) for part in parts], 0
            for minute, parcels in sorted(asked, reverse=True):
                wanted = parcels
                for part in reversed(free):
                    closes = next((sort.closes for sort in sorts if sort.cut_off >= part[0]), None)
                    here = min(part[1], wanted) if closes is not None and closes <= minute else 0
                    part[1] -= here
                    wanted -= here
                taken += parcels - wanted
            if taken == total:
                self.left[route] = [
                    [part[0], part[1] - rest[1]] for part, rest in zip(parts, free, strict=True) if part[1] > rest[1]
                ]

    def take(self, row: dict[str, Any]) -> tuple[tuple[int, int], ...]:
        """Take a flow's parcels from what its route has been handed in; what exceeds it comes with the last."""
        left = self.left.get((row["date"], row["origin_hub_id"], row["destination_hub_id"]), [])
        wanted, taken = int(row["parcels"]), []
        for part in left:
            here = min(part[1], wanted)
            if here > 0:
                taken.append((part[0], here))
                part[1] -= here
                wanted -= here
        if wanted > 0:
            clock = self._clocks[row["origin_hub_id"]]
            minute = left[-1][0] if left else clock.last_cut_off(row["date"])
            taken.append((minute, wanted))
        return tuple(taken)


class Promises:
    """By when the parcels of a route and day are to be sorted at their destination."""

    def __init__(self, frames: Mapping[str, pl.DataFrame], clocks: Mapping[str, HubClock]) -> None:
        self._clocks = clocks
        hours = frames["service_promises"].select("origin_hub_id", "destination_hub_id", "by_hour")
        joined = hours.join(allow_days(frames), on=["origin_hub_id", "destination_hub_id"])
        self._days = {(o, d): (int(days), hour) for o, d, hour, days in joined.drop_nulls("allowed").iter_rows()}

    def of(self, row: dict[str, Any]) -> float:
        """Minute at which a flow is to go out: the first wave from the hour promised on, else from the last close of its day."""
        promise = self._days.get((row["origin_hub_id"], row["destination_hub_id"]))
        if promise is None:
            return _NEVER
        days, hour = promise
        clock, day = self._clocks[row["destination_hub_id"]], row["date"] + timedelta(days=days)
        return clock.delivered(clock.end_of(day) if hour is None else at_hour(day, read_hours(hour), clock.zone))
