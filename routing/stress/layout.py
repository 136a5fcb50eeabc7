"""A plan's tables laid out as the arrays a play needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from data.constants import constant
from data.errors import RadarError
from routing.stress.hand_ins import HandOver, Rides, Routes, lay_hand_ins, tell_meant
from routing.stress.lanes import Times, lay_lanes, lay_vehicles, price_vehicles
from routing.stress.paths import LaneFacts, PathBook, TermBook
from routing.stress.records import CLOSED, Clock, Hubs, Money, Network, Rules, Whole
from routing.stress.steps import Arrivals, Steps, gather, lay_arrivals, lay_steps, list_dates, read_waves
from routing.trunk.task.due_times import add_default_promises, read_due, read_due_hours
from routing.trunk.task.hand_in import read_profiles
from routing.trunk.task.inputs import TrunkOptions
from routing.trunk.task.sorts import HOURS_A_DAY

if TYPE_CHECKING:
    import polars as pl

_EPSILON = 1e-9


@dataclass(frozen=True)
class PlayedDays:
    """Which days are played."""

    tail: int = constant(7, "days", "after the plan's last, so that backlogs drain", "judgement")


PLAYED = PlayedDays()


@dataclass(frozen=True)
class Prices:
    """What the plan was made at.

    Attributes
    ----------
    hold_cost, late_cost
        CNY a parcel and night, CNY a parcel and day late.
    idle_share
        Part of a road vehicle's price that is paid when it does not run.
    options
        Hours, time zone and promises of the plan.
    """

    hold_cost: float = 0.2
    late_cost: float = 1.0
    idle_share: float = 0.4
    options: TrunkOptions = field(default_factory=TrunkOptions)


@dataclass(frozen=True)
class Layout:
    """A plan ready to be played.

    Attributes
    ----------
    network
        The arrays, without any freedom for the dispatcher: policy rigid.
    hub_ids, lane_ids
        By number.
    dates
        Days of the play: those before the plan's first, those of the plan, and those on which it drains.
    steps, arrivals
        Its clock.
    routes
        date, origin_hub_id, destination_hub_id: the columns of the draws.
    planned
        [hubs x steps] departures the plan has on the day of a step.
    leaves, travel, at_hand
        [rows of vehicles] hour of leaving, hours on the road while the lane is open, hour at which their parcels are at hand.
    vehicle_types
        [rows of vehicles] type of each.
    stranded
        [routes] whether no lanes lead there; such demand is set apart.
    """

    network: Network
    hub_ids: list[str]
    lane_ids: list[str]
    dates: list[date]
    steps: Steps
    arrivals: Arrivals
    routes: pl.DataFrame
    planned: Whole
    leaves: Money
    travel: Money
    at_hand: Money
    vehicle_types: list[str]
    stranded: np.ndarray[tuple[int], np.dtype[np.bool_]]

    @property
    def first_day(self) -> date:
        """The plan's first day."""
        return self.dates[self.network.clock.first_demand]

    def date_of(self, hub: int, step: int) -> date:
        """Business date of a step."""
        return self.dates[int(self.steps.day[hub, step])]


def lay_out(tables: Mapping[str, pl.DataFrame], routes: pl.DataFrame, prices: Prices) -> Layout:
    """Lay a trunk plan out for the play.

    Parameters
    ----------
    tables
        ``hubs``, ``lanes``, ``vehicle_types``, ``trunk_flows``, ``trunk_departures``, ``route_demand``; when there are any
        ``lane_vehicles``, ``lane_weather``, ``network_changes``, ``service_promises`` and the hours of hubs and lanes.
    routes
        date, origin_hub_id, destination_hub_id: the demands that will be drawn, in the days of the plan's demand and before.
    prices
        What waiting, lateness and idle vehicles cost, and the hours the plan was made with.

    Raises
    ------
    RadarError
        When the plan carries nothing, or the demand names an unknown hub.
    """
    if tables["route_demand"].is_empty():
        raise RadarError(
            "a plan without demand", "a trunk plan of at least one day", "plan again with `radar plan trunk`"
        )
    hub_ids = tables["hubs"]["hub_id"].sort().to_list()
    hub_number = {hub: at for at, hub in enumerate(hub_ids)}
    strange = sorted((set(routes["origin_hub_id"]) | set(routes["destination_hub_id"])) - set(hub_ids))
    if strange:
        raise RadarError(f"demand of hub {strange[0]}", "hubs of the table hubs", "load it with `radar load hubs`")
    dates, first_demand, last_demand = _list_days(tables, routes)
    steps = lay_steps(tables, prices.options, dates)
    lanes = tables["lanes"].sort("lane_id")
    lane_ids = lanes["lane_id"].to_list()
    lane_number = {lane: at for at, lane in enumerate(lane_ids)}
    origin = [hub_number[hub] for hub in lanes["origin_hub_id"]]
    destination = [hub_number[hub] for hub in lanes["destination_hub_id"]]
    arrivals = lay_arrivals(tables, prices.options, steps, len(dates))
    priced = price_vehicles(dict(tables))
    ends = {lane: (at, origin[at], destination[at]) for lane, at in lane_number.items()}
    planned = lay_vehicles(
        tables["trunk_departures"], priced, ends, Times(steps, arrivals, dates[0]), prices.idle_share
    )
    transit = lanes["transit_hours"].cast(float).to_list()
    book = PathBook(LaneFacts(origin, destination, transit, arrivals.fair, (lanes["mode"] == "road").to_list()))
    terms = TermBook.open(len(hub_ids))
    found = Routes(
        demands=routes,
        flows=tables["trunk_flows"],
        planned=tables["route_demand"],
        hub_number=hub_number,
        lane_number=lane_number,
        dates=dates,
        rides=Rides(lane_number, origin, steps, arrivals, planned.tails, planned.ranks),
        profiles=read_profiles(gather(tables).hand_in_profile),
        promised=_read_promises(tables, routes, prices.options, steps, dates[0]),
        first_demand=first_demand,
    )
    of_hand = HandOver(found)
    hand_ins, stranded, own_paths = lay_hand_ins(found, book, terms, of_hand)
    meant = tell_meant(found, of_hand)
    network = Network(
        hubs=_lay_hubs(tables["hubs"].sort("hub_id"), steps, prices.hold_cost),
        lanes=lay_lanes(lanes, priced, hub_number, arrivals.step, planned.vehicles, meant),
        vehicles=planned.vehicles,
        paths=book.close(own_paths),
        hand_ins=hand_ins,
        terms=terms.close(book, planned.ranks),
        clock=tell_clock(steps, _count_passes(book, arrivals, steps), first_demand, last_demand),
        rules=Rules(alternates=False, gate=False, late_cost=prices.late_cost),
    )
    return Layout(
        network=network,
        hub_ids=hub_ids,
        lane_ids=lane_ids,
        dates=dates,
        steps=steps,
        arrivals=arrivals,
        routes=routes,
        planned=_count_departures(network, steps),
        leaves=planned.leaves,
        travel=planned.travel,
        at_hand=planned.at_hand,
        vehicle_types=planned.types,
        stranded=stranded,
    )


def tell_clock(steps: Steps, passes: int, first_demand: int, last_demand: int) -> Clock:
    """Give the order of sorts: by their close, those of one hour in ``passes`` rounds where lanes arrive at the hour they leave."""
    hubs, numbers = np.nonzero(np.isfinite(steps.close))
    turn = np.tile(np.arange(passes), hubs.size)
    hub, step = np.repeat(hubs, passes).astype(np.int64), np.repeat(numbers, passes).astype(np.int64)
    order = np.lexsort((hub, turn, np.round(steps.close[hub, step], 6)))
    hub, step, turn = hub[order], step[order], turn[order]
    return Clock(
        hub, step, turn == 0, turn == passes - 1, steps.day, steps.close, steps.delivered, first_demand, last_demand
    )


def _list_days(tables: Mapping[str, pl.DataFrame], routes: pl.DataFrame) -> tuple[list[date], int, int]:
    """List the days played, from the first drawn to a week after the plan's last, and the first and last day of the plan's demand."""
    days = tables["route_demand"]["date"]
    first, last_demand = days.min(), days.max()
    last, drawn = tables["trunk_flows"]["completed_on"].max(), routes["date"].min()
    if not isinstance(first, date) or not isinstance(last_demand, date):
        raise RadarError("a plan without days", "dates in route_demand", "plan again with `radar plan trunk`")
    end = max(last, last_demand) if isinstance(last, date) else last_demand
    begin = min(first, drawn) if isinstance(drawn, date) else first
    return (
        list_dates(begin, end + timedelta(days=PLAYED.tail)),
        (first - begin).days,
        (last_demand - begin).days,
    )


def _lay_hubs(hubs: pl.DataFrame, steps: Steps, hold_cost: float) -> Hubs:
    names = hubs["hub_id"].to_list()
    given = hubs["staging_capacity"].to_list() if "staging_capacity" in hubs.columns else [None] * len(names)
    staging = np.array([CLOSED if room is None else int(room) for room in given], dtype=np.int64)
    return Hubs(
        capacity=steps.capacity,
        buffer=steps.buffer,
        staging=staging,
        handling=steps.handling,
        waiting=hold_cost * steps.gap / HOURS_A_DAY,
        spot_limit=np.zeros_like(steps.capacity),
    )


def _read_promises(
    tables: Mapping[str, pl.DataFrame], routes: pl.DataFrame, options: TrunkOptions, steps: Steps, first: date
) -> Money:
    """Return [routes] the hour by which each demand is promised; infinite without a promise."""
    hubs, lanes = tables["hubs"]["hub_id"].sort().to_list(), tables["lanes"]
    number = {hub: at for at, hub in enumerate(hubs)}
    promises = add_default_promises(gather(tables).service_promises, lanes, hubs, options.default_promise_days)
    origin = np.array([number[hub] for hub in routes["origin_hub_id"]], dtype=np.int64)
    destination = np.array([number[hub] for hub in routes["destination_hub_id"]], dtype=np.int64)
    day = (routes["date"] - first).dt.total_days().to_numpy().astype(np.int64)
    due = read_due(promises, number, origin, destination, day)
    hours = read_due_hours(promises, number, steps.sorts, (origin, destination, day), due)
    return read_waves(gather(tables), steps.sorts).next_after(destination, hours)


def _count_departures(network: Network, steps: Steps) -> Whole:
    """Return [hubs x steps] the departures planned on the day of a step."""
    counts = np.r_[0, np.cumsum(network.vehicles.number)]
    leaving: Whole = np.zeros_like(steps.day)
    np.add.at(leaving, network.lanes.origin, counts[network.vehicles.end] - counts[network.vehicles.start])
    days = int(steps.day.max(initial=0)) + 1
    hubs = len(steps.sort_ids)
    of_day: Whole = np.zeros((hubs, days), dtype=np.int64)
    day = np.maximum(steps.day, 0)
    np.add.at(of_day, (np.arange(hubs)[:, None], day), np.where(steps.day >= 0, leaving, 0))
    return np.take_along_axis(of_day, day, axis=1)


def _count_passes(book: PathBook, arrivals: Arrivals, steps: Steps) -> int:
    """Return how often a sort is visited: once, and once more for every lane in a row that arrives at the hour it leaves."""
    at_once = np.zeros(len(book.lanes.origin), dtype=np.bool_)
    for lane, (origin, destination) in enumerate(zip(book.lanes.origin, book.lanes.destination, strict=True)):
        runs = np.flatnonzero(arrivals.step[lane] != CLOSED)
        reached = steps.close[destination, arrivals.step[lane, runs]]
        at_once[lane] = bool((reached <= steps.close[origin, runs] + _EPSILON).any())
    if not at_once.any():
        return 1
    longest = [0] * len(book.hub)
    for path, lane in enumerate(book.lane):
        # Rests of a path are numbered before the path itself.
        longest[path] = longest[book.after[path]] + 1 if lane >= 0 and at_once[lane] else 0
    return 1 + max(longest, default=0)
