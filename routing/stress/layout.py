"""A plan's tables laid out as the arrays a play needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from data.errors import RadarError
from data.hub_load import names_hours
from routing.stress.hand_ins import Routes, lay_hand_ins, tell_meant
from routing.stress.lanes import add_room, arrive, count_days, lay_lanes, lay_vehicles, price_vehicles, tell_hours
from routing.stress.paths import LaneFacts, PathBook
from routing.stress.records import UNBOUNDED, Clock, Hubs, Money, Network, Rules, Whole

if TYPE_CHECKING:
    import polars as pl

TAIL_DAYS = 7  # days played after the plan's last, so that backlogs drain (judgement)
_MOVED_ALL = 1.0 - 1e-6


@dataclass(frozen=True)
class Prices:
    """What the plan was made at.

    Attributes
    ----------
    hold_cost, late_cost
        CNY a parcel and night, CNY a parcel and day late.
    idle_share
        Part of a road vehicle's price that is paid when it does not run.
    """

    hold_cost: float = 0.2
    late_cost: float = 1.0
    idle_share: float = 0.4


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
        By day.
    routes
        date, origin_hub_id, destination_hub_id: the columns of the draws.
    planned
        [hubs x days] departures the plan has.
    lane_hours
        [lanes x days] hours of a departure, with the weather.
    vehicle_types
        [rows of vehicles] type of each.
    stranded
        [routes] whether no lanes lead there; such demand is set apart.
    """

    network: Network
    hub_ids: list[str]
    lane_ids: list[str]
    dates: list[date]
    routes: pl.DataFrame
    planned: Whole
    lane_hours: Money
    vehicle_types: list[str]
    stranded: np.ndarray[tuple[int], np.dtype[np.bool_]]


def lay_out(tables: Mapping[str, pl.DataFrame], routes: pl.DataFrame, prices: Prices) -> Layout:
    """Lay a trunk plan out for the play.

    Parameters
    ----------
    tables
        ``hubs``, ``lanes``, ``vehicle_types``, ``trunk_flows``, ``trunk_departures``, ``hub_loads``, ``route_demand``; when
        there are any ``lane_vehicles``, ``lane_weather``, ``network_changes``.
    routes
        date, origin_hub_id, destination_hub_id: the demands that will be drawn, in the days of the plan's demand.
    prices
        What waiting, lateness and idle vehicles cost.

    Raises
    ------
    RadarError
        When the plan carries nothing, is by sorts, or the demand names an unknown hub.
    """
    if tables["route_demand"].is_empty():
        raise RadarError(
            "a plan without demand", "a trunk plan of at least one day", "plan again with `radar plan trunk`"
        )
    if names_hours(tables["trunk_flows"]):
        raise RadarError(
            "a plan by sorts, whose vehicles leave by the hour",
            "a plan by days: the stress test plays whole days",
            "plan with `radar plan trunk --by days` to stress it",
        )
    hub_ids = tables["hubs"]["hub_id"].sort().to_list()
    hub_number = {hub: at for at, hub in enumerate(hub_ids)}
    strange = sorted((set(routes["origin_hub_id"]) | set(routes["destination_hub_id"])) - set(hub_ids))
    if strange:
        raise RadarError(f"demand of hub {strange[0]}", "hubs of the table hubs", "load it with `radar load hubs`")
    dates, last_demand = _list_days(tables)
    lanes = tables["lanes"].sort("lane_id")
    lane_ids = lanes["lane_id"].to_list()
    lane_number = {lane: at for at, lane in enumerate(lane_ids)}
    hours = tell_hours(lanes, tables.get("lane_weather"), dates[0], len(dates))
    arrival = arrive(hours)
    arrival[arrival == len(dates)] = -1
    arrival[:, -1] = -1
    priced = price_vehicles(dict(tables))
    vehicles, types = lay_vehicles(
        tables["trunk_departures"], priced, lane_number, dates[0], len(dates), prices.idle_share
    )
    book = PathBook(
        LaneFacts(
            [hub_number[hub] for hub in lanes["origin_hub_id"]],
            [hub_number[hub] for hub in lanes["destination_hub_id"]],
            lanes["transit_hours"].cast(float).to_list(),
            count_days(lanes["transit_hours"].to_numpy().astype(float)).tolist(),
            (lanes["mode"] == "road").to_list(),
        )
    )
    found = Routes(routes, tables["trunk_flows"], hub_number, lane_number, dates)
    hand_ins, stranded, own_paths = lay_hand_ins(found, book, tables["route_demand"])
    meant = tell_meant(tables["trunk_flows"], lane_number, arrival, dates)
    network = Network(
        hubs=_lay_hubs(tables, hub_ids, dates),
        lanes=lay_lanes(lanes, priced, hub_number, arrival, add_room(vehicles), meant),
        vehicles=vehicles,
        paths=book.close(own_paths),
        hand_ins=hand_ins,
        clock=tell_clock(len(hub_ids), len(dates), _count_passes(book, arrival), last_demand),
        rules=Rules(alternates=False, gate=False, hold_cost=prices.hold_cost, late_cost=prices.late_cost),
    )
    planned = np.zeros((len(hub_ids), len(dates)), dtype=np.int64)
    counts = np.r_[0, np.cumsum(vehicles.number)]
    np.add.at(planned, network.lanes.origin, counts[vehicles.end] - counts[vehicles.start])
    return Layout(network, hub_ids, lane_ids, dates, routes, planned, hours, types, stranded)


def tell_clock(hubs: int, days: int, passes: int, last_demand: int) -> Clock:
    """Give the order of sorts when every hub sorts once a day; in ``passes`` rounds where lanes arrive in the day they leave."""
    step = np.repeat(np.arange(days), hubs * passes)
    hub = np.tile(np.arange(hubs), days * passes)
    turn = np.tile(np.repeat(np.arange(passes), hubs), days)
    return Clock(hub.astype(np.int64), step.astype(np.int64), turn == 0, turn == passes - 1, 1, last_demand)


def _list_days(tables: Mapping[str, pl.DataFrame]) -> tuple[list[date], int]:
    """List the days played, from the first day of demand to a week after the plan's last, and the last day of demand."""
    days = tables["route_demand"]["date"]
    first, last_demand = days.min(), days.max()
    last = tables["trunk_flows"]["completed_on"].max()
    if not isinstance(first, date) or not isinstance(last_demand, date):
        raise RadarError("a plan without days", "dates in route_demand", "plan again with `radar plan trunk`")
    end = max(last, last_demand) if isinstance(last, date) else last_demand
    count = (end - first).days + 1 + TAIL_DAYS
    return [first + timedelta(days=day) for day in range(count)], (last_demand - first).days


def _lay_hubs(tables: Mapping[str, pl.DataFrame], hub_ids: list[str], dates: list[date]) -> Hubs:
    """Capacity by hub and day: what the plan reckoned with in ``hub_loads``, elsewhere what ``hubs`` says while it is open."""
    rows = {row["hub_id"]: row for row in tables["hubs"].to_dicts()}
    shape = (len(hub_ids), len(dates))
    capacity = np.full(shape, UNBOUNDED, dtype=np.int64)
    buffer = np.full(shape, UNBOUNDED, dtype=np.int64)
    staging = np.full(len(hub_ids), -1, dtype=np.int64)
    handling = np.zeros(len(hub_ids))
    for at, hub in enumerate(hub_ids):
        row = rows[hub]
        if row["sort_capacity"] is not None:
            capacity[at] = int(row["sort_capacity"])
        if row["buffer_capacity"] is not None:
            buffer[at] = int(row["buffer_capacity"])
        if row.get("staging_capacity") is not None:
            staging[at] = int(row["staging_capacity"])
        handling[at] = row["handling_cost"] or 0.0
    number = {hub: at for at, hub in enumerate(hub_ids)}
    for hub, day in _list_shut(tables.get("network_changes"), dates):
        if hub in number:
            capacity[number[hub], day] = 0
    loads = tables["hub_loads"].group_by("date", "hub_id").agg(*_sum_capacity())
    for when, hub, bound in loads.iter_rows():
        day = (when - dates[0]).days
        if hub in number and 0 <= day < len(dates) and bound is not None:
            capacity[number[hub], day] = int(bound)
    return Hubs(capacity, buffer, staging, handling, np.zeros(shape, dtype=np.int64))


def _sum_capacity() -> tuple[pl.Expr]:
    import polars as pl

    # A sort without a bound leaves the day without one.
    return (pl.when(pl.col("capacity").is_null().any()).then(None).otherwise(pl.col("capacity").sum()),)


def _list_shut(changes: pl.DataFrame | None, dates: list[date]) -> list[tuple[str, int]]:
    """List hub-days that ``network_changes`` close: the latest change up to a day decides; before one that opens it is shut."""
    if changes is None or changes.is_empty():
        return []
    shut: list[tuple[str, int]] = []
    for (hub,), rows in changes.sort("date").group_by("hub_id", maintain_order=True):
        first = rows.row(0, named=True)
        for day, when in enumerate(dates):
            past = [row for row in rows.to_dicts() if row["date"] <= when]
            latest = [row for row in past if row["date"] == past[-1]["date"]] if past else []
            kinds = {row["change"] for row in latest}
            moved = sum(row["share"] if row["share"] is not None else 1.0 for row in latest if row["change"] == "moves")
            if "closes" in kinds or moved >= _MOVED_ALL or (not past and first["change"] == "opens"):
                shut.append((str(hub), day))
    return shut


def _count_passes(book: PathBook, arrival: Whole) -> int:
    """Return how often a hub is visited in a step: once, and once more for every lane in a row that arrives as it leaves."""
    at_once = (arrival == np.arange(arrival.shape[1])[None, :]).any(axis=1)
    if not at_once.any():
        return 1
    longest = [0] * len(book.hub)
    for path, lane in enumerate(book.lane):
        # Rests of a path are numbered before the path itself.
        longest[path] = longest[book.after[path]] + 1 if lane >= 0 and at_once[lane] else 0
    return 1 + max(longest, default=0)
