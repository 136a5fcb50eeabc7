"""How drawn demand divides over a plan's paths and over the hours of the day, and what the plan itself leaves waiting."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from routing.stress.paths import PathBook, TermBook
from routing.stress.records import CLOSED, HandIns, Money, Whole
from routing.stress.steps import Arrivals, Steps
from routing.trunk.task.hand_in import Profiles
from routing.trunk.task.sorts import HOURS_A_DAY

if TYPE_CHECKING:
    import polars as pl

_EVERY_HUB = "*"
_SLACK = 1e-6  # shares that touch but for rounding belong together


class Leg(NamedTuple):
    """A lane of a flow: step after which it is left for, step reached (past the last where nothing arrives), number of the departure."""

    lane: int
    tail: int
    reached: int
    leave: int


@dataclass(frozen=True)
class Rides:
    """How the plan rides: lanes by id and where they begin, the clock, what arrives when.

    Attributes
    ----------
    tails
        By lane and hour of leaving: step after which planned vehicles load, the step they reach, and their number among the departures of
        the lane and step.
    ranks
        Most departures that a lane has after one step.
    """

    lane_number: dict[str, int]
    origin: Sequence[int]
    steps: Steps
    arrivals: Arrivals
    tails: Mapping[tuple[int, float], tuple[int, int, int]]
    ranks: int

    def ride(self, flow: dict[str, Any], first: date) -> Iterator[Leg]:
        """Give the legs of a flow in their order."""
        for lane, day, moment in zip(flow["path"], flow["departure_dates"], _leaving(flow), strict=True):
            number = self.lane_number[lane]
            hour = None if moment is None else self.steps.to_hours(moment)
            tail = (day - first).days if hour is None else self.steps.last_by(self.origin[number], hour)
            reached, rank = int(self.arrivals.step[number, tail]), 0
            if hour is not None:
                tail, reached, rank = self.tails.get((number, round(hour, 6)), (tail, reached, rank))
            there = reached if reached != CLOSED else self.steps.day.shape[1]
            yield Leg(number, tail, there, tail * self.ranks + rank)


@dataclass(frozen=True)
class Routes:
    """The demands to be drawn and what divides them.

    Attributes
    ----------
    demands
        date, origin_hub_id, destination_hub_id.
    flows, planned
        ``trunk_flows`` and ``route_demand`` of the plan.
    hub_number, lane_number
        Numbers by id.
    dates
        Days of the play.
    rides
        Its clock, and how the plan rides.
    profiles
        Hours by which shares of a day are at hand.
    promised
        [demands] hour by which each is promised; infinite without a promise.
    first_demand
        Day of the plan's first demand; what is handed in before rides on vehicles of an earlier plan.
    """

    demands: pl.DataFrame
    flows: pl.DataFrame
    planned: pl.DataFrame
    hub_number: dict[str, int]
    lane_number: dict[str, int]
    dates: list[date]
    rides: Rides
    profiles: Profiles
    promised: Money
    first_demand: int

    @property
    def steps(self) -> Steps:
        """The clock."""
        return self.rides.steps

    def day_of(self, when: date) -> int:
        """Number of a day of the play."""
        return (when - self.dates[0]).days


class Share(NamedTuple):
    """A path of a route, hours from the midnight of the demand until it is done and until its first departure, and parcels.

    ``legs`` are the departures with which the plan's own parcels leave; none where shares of other days are taken.
    """

    path: int
    done: float
    leaves: float
    parcels: int
    legs: tuple[int, ...] = ()


class Part(NamedTuple):
    """A step at which parcels of a day are handed in, and the cumulative shares from which and up to which they are."""

    step: int
    since: float
    until: float


def lay_hand_ins(
    routes: Routes, book: PathBook, terms: TermBook, of_hand: HandOver
) -> tuple[HandIns, NDArray[np.bool_], int]:
    """Divide each demand over paths by planned shares, and over the steps at which it is at hand.

    A demand without planned paths that day takes those of the route's other days, and without any the quickest way by road. What is
    handed in first takes the path that leaves first.

    Returns
    -------
    hand_ins, stranded, own_paths
        The records; which demands no lanes lead to; how many paths are the plan's own.
    """
    of_day, of_route = _share_out(routes, book)
    own_paths = len(book.hub)
    steps, shape = routes.steps, routes.steps.day.shape
    cells: list[int] = []
    rows: list[tuple[float, ...]] = []
    taken: list[tuple[int, ...]] = []
    stranded = np.zeros(routes.demands.height, dtype=np.bool_)
    for number, (when, origin, destination) in enumerate(
        routes.demands.select("date", "origin_hub_id", "destination_hub_id").iter_rows()
    ):
        day, hub, end = routes.day_of(when), routes.hub_number[origin], routes.hub_number[destination]
        parts = of_hand.divide(hub, when, origin, destination)
        shares = of_day.get((day, origin, destination)) or of_route.get((origin, destination))
        if not shares:
            path = book.shortest(hub, end)
            if path == CLOSED:
                stranded[number] = True
                continue
            began = float(steps.close[hub, parts[0].step]) - HOURS_A_DAY * day
            shares = [Share(path, began + book.hours[path], 0.0, 1)]
        total, given = sum(share.parcels for share in shares), 0
        for share in shares:
            before, given = given, given + share.parcels
            step = steps.first_at(end, HOURS_A_DAY * day + share.done)
            early = day < routes.first_demand
            promised = routes.promised[number]
            hour = np.inf if early else promised if np.isfinite(promised) else float(steps.delivered[end, step])
            path = book.as_earlier(share.path) if early else share.path
            # what was handed in before the plan is the oldest wherever it comes
            term = terms.number(end, 0 if early else step, hour)
            legs = () if early else share.legs
            if legs:
                terms.plan(book, path, legs, term)
            for part in parts:
                if part.since < given / total + _SLACK and part.until > before / total - _SLACK:
                    cells.append(hub * shape[1] + part.step)
                    rows.append((number, path, term, before, given, total, part.since, part.until))
                    taken.append(legs)
    table = np.array(rows, dtype=float).reshape(-1, 8)
    for row, legs in enumerate(taken):
        if legs:
            table[row, 2] = terms.of_plan(int(table[row, 1]), legs, int(table[row, 2]))
    order = np.argsort(np.array(cells, dtype=np.int64), kind="stable")
    table, cell = table[order], np.array(cells, dtype=np.int64)[order]
    every = np.arange(shape[0] * shape[1])
    start, stop = (
        np.searchsorted(cell, every, side=side).reshape(shape).astype(np.int64) for side in ("left", "right")
    )
    demand, paths, of_term, low, high, totals = (table[:, at].astype(np.int64) for at in range(6))
    since, until = (np.ascontiguousarray(table[:, at]) for at in (6, 7))
    expected = of_hand.expect()
    hand_ins = HandIns(start, stop, demand, paths, of_term, low, high, totals, since, until, expected)
    return hand_ins, stranded, own_paths


class HandOver:
    """At which steps the parcels of a day are at hand: by ``ready_at``, by the profile of the hub, else with the last cut-off."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._ready: dict[tuple[date, str, str], list[tuple[datetime, int]]] = defaultdict(list)
        if "ready_at" in routes.planned.columns and routes.steps.by_clock:
            keys = ("date", "origin_hub_id", "destination_hub_id", "ready_at", "parcels")
            for when, origin, destination, ready, parcels in routes.planned.select(keys).iter_rows():
                if ready is not None:
                    self._ready[when, origin, destination].append((ready, parcels))
        self._known: dict[tuple[int, date], list[Part]] = {}

    def divide(self, hub: int, when: date, origin: str, destination: str) -> list[Part]:
        """Give the parts of a demand, in their order; together they are all of it."""
        ready = self._ready.get((when, origin, destination))
        if ready:
            hours = [(self._routes.steps.to_hours(moment), float(parcels)) for moment, parcels in sorted(ready)]
            return self._lay(hub, hours)
        if (hub, when) not in self._known:
            self._known[hub, when] = self._lay(hub, self._hours_of(hub, when, origin))
        return self._known[hub, when]

    def expect(self) -> Whole:
        """Return [hubs x steps] the parcels the plan expects to be handed in."""
        routes = self._routes
        expected = np.zeros(routes.steps.day.shape, dtype=np.int64)
        keys = ["date", "origin_hub_id", "destination_hub_id"]
        for when, origin, destination, parcels in routes.planned.select(*keys, "parcels").iter_rows():
            hub = routes.hub_number[origin]
            for part in self.divide(hub, when, origin, destination):
                expected[hub, part.step] += int(parcels * part.until + _SLACK) - int(parcels * part.since + _SLACK)
        return expected

    def _hours_of(self, hub: int, when: date, origin: str) -> list[tuple[float, float]]:
        """Hours at which shares of a day are at hand."""
        steps, day = self._routes.steps, self._routes.day_of(when)
        today = np.flatnonzero(steps.day[hub, : steps.count[hub]] == day)
        profile = self._routes.profiles.get(origin, self._routes.profiles.get(_EVERY_HUB))
        if profile and steps.by_clock:
            return [(steps.sorts.hour_of(day, until, hub), share) for until, share in profile]
        if len(today):
            return [(float(steps.cut_off[hub, today].max()), 1.0)]
        return [(steps.sorts.hour_of(day, HOURS_A_DAY, hub), 1.0)]

    def _lay(self, hub: int, hours: Sequence[tuple[float, float]]) -> list[Part]:
        total, seen = sum(weight for _, weight in hours), 0.0
        steps = self._routes.steps
        parts: list[Part] = []
        for at, (hour, weight) in enumerate(hours):
            since, seen = seen, seen + weight
            reached = steps.reach(hub, hour)
            step = reached if reached != CLOSED else int(steps.count[hub]) - 1
            until = 1.0 if at == len(hours) - 1 else seen / total
            parts.append(Part(step, since / total, until))
        return parts


_Pair = tuple[str, str]


def _share_out(
    routes: Routes, book: PathBook
) -> tuple[dict[tuple[int, str, str], list[Share]], dict[_Pair, list[Share]]]:
    """Return the plan's shares by day and route, and pooled over the days by route."""
    of_day: dict[tuple[int, str, str], list[Share]] = {}
    pooled: dict[_Pair, dict[tuple[int, float, float], int]] = {}
    for row in _in_order(routes.flows).iter_rows(named=True):
        origin, destination, day = row["origin_hub_id"], row["destination_hub_id"], routes.day_of(row["date"])
        path = book.number(routes.hub_number[origin], tuple(routes.lane_number[lane] for lane in row["path"]))
        done, leaves = (hour - HOURS_A_DAY * day for hour in _hours_of_flow(routes.steps, row, routes.dates[0]))
        legs = tuple(leg.leave for leg in routes.rides.ride(row, routes.dates[0]))
        of_day.setdefault((day, origin, destination), []).append(Share(path, done, leaves, row["parcels"], legs))
        of_pair = pooled.setdefault((origin, destination), {})
        key = (path, done, leaves)
        of_pair[key] = of_pair.get(key, 0) + row["parcels"]
    of_route = {pair: [Share(*key, parcels) for key, parcels in found.items()] for pair, found in pooled.items()}
    for shares in (*of_day.values(), *of_route.values()):
        shares.sort(key=lambda share: share.leaves)
    return of_day, of_route


def _in_order(flows: pl.DataFrame) -> pl.DataFrame:
    """Flows of parcels by day, route and the day they are done: the order in which those that leave together take what is handed in."""
    keys = ("date", "origin_hub_id", "destination_hub_id", "completed_on")
    return flows.filter(flows["parcels"] > 0).sort(*keys, maintain_order=True)


def _hours_of_flow(steps: Steps, row: dict[str, Any], first: date) -> tuple[float, float]:
    """Hours at which a flow is done and first leaves; by days all of one day leave together."""
    if not steps.by_clock:
        return HOURS_A_DAY * ((row["completed_on"] - first).days + 1), HOURS_A_DAY * (row["date"] - first).days
    done = steps.to_hours(row["completed_at"])
    return done, steps.to_hours(row["departs_at"][0]) if row["path"] else done


def tell_meant(routes: Routes, of_hand: HandOver) -> Whole:
    """Return [lanes x steps] parcels that the plan itself leaves waiting at the end of the step for a lane."""
    rides = routes.rides
    last = rides.steps.day.shape[1]
    change = np.zeros((len(rides.lane_number), last + 1), dtype=np.int64)
    groups: dict[tuple[date, str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in _in_order(routes.flows).iter_rows(named=True):
        groups[row["date"], row["origin_hub_id"], row["destination_hub_id"]].append(row)
    for (when, origin, destination), rows in groups.items():
        parts = of_hand.divide(routes.hub_number[origin], when, origin, destination)
        total, before = sum(row["parcels"] for row in rows), 0
        for row in sorted(rows, key=lambda row: _hours_of_flow(rides.steps, row, routes.dates[0])[1]):
            legs = list(rides.ride(row, routes.dates[0]))
            for part in parts:
                first = max(before, int(total * part.since + _SLACK))
                parcels = min(before + row["parcels"], int(total * part.until + _SLACK)) - first
                if parcels > 0:
                    _leave_waiting(change, part.step, legs, parcels)
            before += row["parcels"]
    return np.ascontiguousarray(np.cumsum(change, axis=1)[:, :last])


def _leave_waiting(change: Whole, at: int, legs: Sequence[Leg], parcels: int) -> None:
    """Add what waits from each arrival to the departure planned, to the changes by step."""
    for leg in legs:
        if leg.tail > at:
            change[leg.lane, max(at, 0)] += parcels
            change[leg.lane, leg.tail] -= parcels
        at = leg.reached


def _leaving(row: dict[str, Any]) -> list[Any]:
    return row.get("departs_at") or [None] * len(row["path"])
