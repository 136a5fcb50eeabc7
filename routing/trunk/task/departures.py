"""When lanes leave, and which sorts a departure joins.

A lane leaves at every close of its origin, or at the hours ``lane_departures`` lists for it. A departure takes what the last sort
has sorted that closes by ``leaves - load_hours``, and reaches the first sort at the destination whose cut-off is not before

    leaves + transit_hours / speed_factor + unload_hours        (lanes of 0 hours: leaves)

A departure in hours in which its lane is shut is lost; one on the road then comes as much later (``lane_weather.py``).
A slot is one hour of departure a business date: an origin's sort, or a row of ``lane_departures``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from data.hub_hours import read_hours, runs_on
from routing.trunk.task.lane_weather import LaneWeather
from routing.trunk.task.sorts import HOURS_A_DAY, Floats, Ints, Sorts

if TYPE_CHECKING:
    import polars as pl

_EPSILON = 1e-9  # hours that are whole but for float noise miss no cut-off


@dataclass(frozen=True, slots=True)
class Slots:
    """Hours at which lanes leave; L slots (lanes where days are planned), D days.

    Attributes
    ----------
    lane : (L,)
        Lane of each slot, rising.
    vehicle_type : (L,) list
        The only type that may leave then; None is any.
    limit : (L,) [departures]
    tail, head : (L, D)
        Nodes joined; -1 on days without such a departure.
    leaves, arrives : (L, D) [hours]
    step, back : (L, D)
        Steps of the fleets' time from which and before which a vehicle is away; one begins at each hour of leaving.
    own_back : (L, D)
        As ``back``, for own vehicles: they are turned round before they leave again.
    steps
        Their number.
    clock : (steps,) [hours]
        When each step begins.
    """

    lane: Ints
    vehicle_type: list[str | None]
    limit: Floats
    tail: Ints
    head: Ints
    leaves: Floats
    arrives: Floats
    step: Ints
    back: Ints
    own_back: Ints
    steps: int
    clock: Floats


def list_days(lanes: pl.DataFrame, sorts: Sorts, ends: tuple[Ints, Ints], weather: LaneWeather, later: float) -> Slots:
    """List one departure of each lane a day, at midnight; it arrives ceil((hours + ``later``) / 24) days later.

    Parameters
    ----------
    weather
        What it leaves of each lane and day.
    later
        Hours of unloading and before the cut-off; lanes of 0 hours have none.
    """
    hours = lanes["transit_hours"].to_numpy().astype(np.float64)
    closed, travel = weather.closed, weather.travel(hours)
    hubs, days = len(sorts.unload), travel.shape[1]
    day = np.broadcast_to(np.arange(days), travel.shape).astype(np.int64)
    leaves = (HOURS_A_DAY * (day + 1)).astype(np.float64)
    for lane in sorted(weather.shut):
        lost, arrives = weather.drive(lane, leaves[lane], travel[lane])
        closed[lane] |= lost
        travel[lane] = arrives - leaves[lane]
    travel = np.where(travel > 0, travel + later, travel)
    lag = _count_days(travel)
    away = np.maximum(_count_days(travel + weather.thinned(hours)), 1)
    tail = np.where(closed, -1, day * hubs + ends[0][:, None])
    head = np.where(closed | (day + lag >= days), -1, (day + lag) * hubs + ends[1][:, None])
    return Slots(
        lane=np.arange(len(hours)),
        vehicle_type=[None] * len(hours),
        limit=np.full(len(hours), np.inf),
        tail=tail,
        head=head,
        leaves=leaves,
        arrives=leaves + HOURS_A_DAY * lag,
        step=day,
        back=day + away,
        own_back=day + away,
        steps=days,
        clock=HOURS_A_DAY * (np.arange(days, dtype=np.float64) + 1.0),
    )


def _count_days(hours: Floats) -> Ints:
    return np.maximum(np.ceil(hours / HOURS_A_DAY - _EPSILON), 0).astype(np.int64)


def list_slots(
    lanes: pl.DataFrame,
    departures: pl.DataFrame,
    sorts: Sorts,
    ends: tuple[Ints, Ints],
    weather: LaneWeather,
    turn_round: float = 0.0,
) -> Slots:
    """List the departures of lanes by the clock.

    Parameters
    ----------
    lanes
        Table ``lanes`` sorted by lane.
    departures
        Table ``lane_departures``.
    ends
        Hubs of origin and destination of each lane.
    weather
        What it leaves of each lane and day.
    turn_round
        Hours from the arrival of an own vehicle until it can leave again.
    """
    hours = lanes["transit_hours"].to_numpy().astype(np.float64)
    listed: dict[str, list[dict[str, Any]]] = {}
    for row in departures.sort("lane_id", "leaves").iter_rows(named=True):
        listed.setdefault(row["lane_id"], []).append(row)
    lane_of: list[int] = []
    kinds: list[str | None] = []
    limits: list[float] = []
    grids: list[tuple[Ints, Floats]] = []
    travel_hours, thinned, closed = weather.travel(hours), weather.thinned(hours), weather.closed
    days = travel_hours.shape[1]
    for lane, name in enumerate(lanes["lane_id"].to_list()):
        origin = int(ends[0][lane])
        own = listed.get(name)
        for row in own if own is not None else _at_closes(sorts, origin):
            grids.append(_leave_by_day(sorts, origin, row, days))
            lane_of.append(lane)
            kinds.append(row.get("vehicle_type_id"))
            limits.append(np.inf if row.get("departure_limit") is None else float(row["departure_limit"]))
    slot = np.array(lane_of, dtype=np.int64)
    tail = np.array([grid[0] for grid in grids], dtype=np.int64).reshape(len(slot), days)
    leaves = np.array([grid[1] for grid in grids], dtype=np.float64).reshape(len(slot), days)
    tail = np.where(closed[slot], -1, tail)
    travel = travel_hours[slot]
    arrives = leaves + travel
    for at in np.flatnonzero(np.isin(slot, sorted(weather.shut))).tolist():
        lost, arrives[at] = weather.drive(int(slot[at]), leaves[at], travel[at])
        tail[at] = np.where(lost, -1, tail[at])
    there_again = arrives + thinned[slot]
    head = np.full(tail.shape, -1, dtype=np.int64)
    for hub in range(len(sorts.unload)):
        mine, there = np.flatnonzero(ends[1][slot] == hub), sorts.of_hub(hub)
        if not len(there):
            continue
        at_hand = arrives[mine] + np.where(travel[mine] > 0, sorts.unload[hub], 0.0)
        if sorts.shut[hub]:
            at_hand = np.array([[sorts.reopen(hub, hour) for hour in row] for row in at_hand.tolist()]).reshape(
                at_hand.shape
            )
        # cut-offs of a hub rise with its closes, as its sorts do not overlap
        place = np.searchsorted(sorts.cut_off[there], at_hand - _EPSILON)
        head[mine] = np.where(place < len(there), there[np.minimum(place, len(there) - 1)], -1)
    tail = np.where(head >= 0, tail, -1)
    clock = np.unique(leaves[tail >= 0])
    step = np.minimum(np.searchsorted(clock, leaves), max(len(clock) - 1, 0)).astype(np.int64)
    back = np.maximum(np.searchsorted(clock, there_again - _EPSILON), step + 1).astype(np.int64)
    ready = np.maximum(np.searchsorted(clock, there_again + turn_round - _EPSILON), step + 1).astype(np.int64)
    return Slots(
        lane=slot,
        vehicle_type=kinds,
        limit=np.array(limits),
        tail=tail,
        head=np.where(tail >= 0, head, -1),
        leaves=leaves,
        arrives=arrives,
        step=step,
        back=back,
        own_back=ready,
        steps=max(len(clock), 1),
        clock=clock if len(clock) else np.zeros(1),
    )


def _at_closes(sorts: Sorts, hub: int) -> list[dict[str, Any]]:
    """A departure for each sort of a hub, named by it."""
    return [{"sort": int(number)} for number in np.unique(sorts.sort[sorts.of_hub(hub)])]


def _leave_by_day(sorts: Sorts, hub: int, row: Mapping[str, Any], days: int) -> tuple[Ints, Floats]:
    """Node that loads and hour of departure of one slot on every day, each (D,)."""
    tail, leaves = np.full(days, -1, dtype=np.int64), np.full(days, np.inf)
    mine = sorts.of_hub(hub)
    if "sort" in row:
        for node in mine[sorts.sort[mine] == row["sort"]].tolist():
            hour = sorts.reopen(hub, float(sorts.close[node]))
            # a departure takes what the last sort by its hour sorts: of a hub shut over several sorts that is the last of them
            if np.searchsorted(sorts.close[mine], hour + _EPSILON, side="right") - 1 == np.searchsorted(mine, node):
                tail[sorts.day[node]], leaves[sorts.day[node]] = node, hour
        return tail, leaves
    load = float(row.get("load_hours") or 0.0)
    for day in range(days):
        if not runs_on(row, sorts.midnight.date() + timedelta(days=day)):
            continue
        hour = sorts.reopen(hub, sorts.hour_of(day, read_hours(row["leaves"]), hub))
        place = int(np.searchsorted(sorts.close[mine], hour - load + _EPSILON, side="right")) - 1
        if place >= 0:
            tail[day], leaves[day] = mine[place], hour
    return tail, leaves
