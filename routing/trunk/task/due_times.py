"""Promises of arrival: by which day a demand is due.

A parcel handed in on day t and promised within h hours is due on day t + ceil(h / 24), rounded as lanes round their transit
hours: a promise of as many hours as a lane takes is kept by a departure on the day the parcel is handed in. It is late by
the days from then to the day on which it is sorted at its destination.

By the clock a parcel is late by the delivery waves it misses: both the hour promised and the hour at which it is sorted count as
the first wave of vehicles to outlets that leaves its hub then or later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from data.hub_hours import read_hours
from routing.trunk.task.sorts import HOURS_A_DAY, Floats, Ints, Sorts

if TYPE_CHECKING:
    import polars as pl

_EPSILON = 1e-9  # hours / 24 that is whole but for float noise does not cost a day
NO_PROMISE = 1 << 40  # a due day after every plan


def read_due(promises: pl.DataFrame, hub_number: dict[str, int], origin: Ints, destination: Ints, day: Ints) -> Ints:
    """Day by which each demand is due, (K,); ``NO_PROMISE`` where its route has no promise.

    Parameters
    ----------
    promises
        Table ``service_promises``; hubs that are not known take no part.
    origin, destination, day : (K,)
        Hubs and days of the demands.
    """
    width = len(hub_number) + 1
    allowed = {
        hub_number[a] * width + hub_number[b]: _count_days(row)
        for a, b, row in _by_route(promises)
        if a in hub_number and b in hub_number
    }
    if not allowed:
        return np.full(len(day), NO_PROMISE, dtype=np.int64)
    days = [allowed.get(key, NO_PROMISE) for key in (origin * width + destination).tolist()]
    return np.minimum(day + np.array(days, dtype=np.int64), NO_PROMISE)


def add_default_promises(
    promises: pl.DataFrame, lanes: pl.DataFrame, hubs: list[str], days: int | None
) -> pl.DataFrame:
    """Promise every route that has no promise of its own the time of the shortest way by road, and some days more.

        latest_hours = hours of the shortest way over road lanes + 24 x days        (0 hours within a hub)

    Routes no road joins stay without a promise.

    Parameters
    ----------
    promises, lanes
        Tables ``service_promises`` and ``lanes``.
    hubs
        Ids of all hubs.
    days
        Days added; None adds no promise.
    """
    import polars as pl

    if days is None:
        return promises
    hours = find_road_hours(lanes, hubs)
    given = set(promises.select("origin_hub_id", "destination_hub_id").iter_rows())
    rows = [
        (hubs[a], hubs[b], float(hours[a, b]) + HOURS_A_DAY * days)
        for a, b in np.argwhere(np.isfinite(hours)).tolist()
        if (hubs[a], hubs[b]) not in given
    ]
    schema = {"origin_hub_id": pl.String, "destination_hub_id": pl.String, "latest_hours": pl.Float64}
    return pl.concat([promises, pl.DataFrame(rows, schema=schema, orient="row")], how="diagonal_relaxed")


def find_road_hours(lanes: pl.DataFrame, hubs: list[str]) -> Floats:
    """Hours of the shortest way over road lanes between hubs, (H, H); ``inf`` where there is none (Floyd 1962)."""
    number = {hub: place for place, hub in enumerate(hubs)}
    hours = np.full((len(hubs), len(hubs)), np.inf)
    np.fill_diagonal(hours, 0.0)
    road = lanes.filter(lanes["mode"] == "road").select("origin_hub_id", "destination_hub_id", "transit_hours")
    for start, end, time in road.iter_rows():
        at = number[start], number[end]
        hours[at] = min(hours[at], float(time))
    for via in range(len(hubs)):
        hours = np.minimum(hours, hours[:, via, None] + hours[None, via, :])
    return hours


def _by_route(promises: pl.DataFrame) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for row in promises.iter_rows(named=True):
        yield row["origin_hub_id"], row["destination_hub_id"], row


def _count_days(promise: Mapping[str, Any]) -> int:
    hours = promise["latest_hours"]
    return int(promise["by_day"]) if hours is None else int(max(0.0, np.ceil(hours / 24.0 - _EPSILON)))


def read_due_hours(
    promises: pl.DataFrame, hub_number: dict[str, int], sorts: Sorts, demand: tuple[Ints, Ints, Ints], due: Ints
) -> Floats:
    """Hour of the plan by which each demand is due, (K,): ``by_hour`` of its day, else the last close of that day.

    Parameters
    ----------
    demand
        Origin, destination and day of each, (K,).
    due : (K,)
        Day by which each is due.
    """
    clocks: dict[tuple[int, int], str] = {
        (hub_number[a], hub_number[b]): row["by_hour"]
        for a, b, row in _by_route(promises)
        if row.get("by_hour") is not None and a in hub_number and b in hub_number
    }
    last: dict[tuple[int, int], float] = {}
    for hub, day, close in zip(sorts.hub.tolist(), sorts.day.tolist(), sorts.close.tolist(), strict=True):
        last[hub, day] = max(close, last.get((hub, day), -np.inf))
    found = np.full(len(due), np.inf)
    ends = zip(*(part.tolist() for part in (demand[0], demand[1], due)), strict=True)
    for k, (origin, destination, day) in enumerate(ends):
        if day >= NO_PROMISE:
            continue
        hour = clocks.get((origin, destination)) if sorts.by_clock else None
        if hour is not None:
            found[k] = sorts.hour_of(day, read_hours(hour), destination)
        else:
            found[k] = last.get((destination, day), HOURS_A_DAY * (day + 1.0))
    return found


class DeliveryWaves:
    """Hours at which vehicles to outlets leave each hub: what is sorted there goes out with the next of them.

    Parameters
    ----------
    table
        Table ``delivery_waves``; a hub without rows delivers what it sorts at once.
    hub_ids
        Ids of the hubs in order.
    sorts
        The sorts of the plan, by the clock.
    """

    def __init__(self, table: pl.DataFrame, hub_ids: list[str], sorts: Sorts) -> None:
        number = {hub: place for place, hub in enumerate(hub_ids)}
        self._hours: dict[int, Floats] = {}
        if not sorts.by_clock:
            return
        # what is late is sorted by the last close; the first wave after it is within two days
        days = range(-2, int(sorts.close.max() // HOURS_A_DAY) + 3)
        clocks: dict[int, list[float]] = {}
        for hub, leaves in table.select("hub_id", "leaves").iter_rows():
            if hub in number:
                clocks.setdefault(number[hub], []).append(read_hours(leaves))
        for place, hours in clocks.items():
            self._hours[place] = np.sort([sorts.hour_of(day, hour, place) for day in days for hour in hours])

    def next_after(self, hub: Ints, hour: Floats) -> Floats:
        """Hour of the first wave of each hub at or after an hour; the hour itself where a hub has none, or it is after the plan."""
        found = hour.copy()
        for place, waves in self._hours.items():
            mine = np.flatnonzero(hub == place)
            number = np.searchsorted(waves, hour[mine] - _EPSILON)
            some = number < len(waves)
            found[mine[some]] = waves[number[some]]
        return found
