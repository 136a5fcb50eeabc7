"""How drawn demand divides over a plan's paths, and what the plan itself leaves waiting."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from routing.stress.paths import PathBook
from routing.stress.records import CLOSED, HandIns, Whole

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Routes:
    """The demands to be drawn, the plan's flows, and numbers of hubs and lanes."""

    demands: pl.DataFrame
    flows: pl.DataFrame
    hub_number: dict[str, int]
    lane_number: dict[str, int]
    dates: list[date]


_Share = tuple[int, int, int]  # path, days until it is done, parcels


def lay_hand_ins(routes: Routes, book: PathBook, planned: pl.DataFrame) -> tuple[HandIns, NDArray[np.bool_], int]:
    """Divide each demand over paths by planned shares.

    A demand without planned paths that day takes those of the route's other days, and without any the quickest way by road.

    Returns
    -------
    hand_ins, stranded, own_paths
        The records; which demands no lanes lead to; how many paths are the plan's own.
    """
    of_day, of_route = _share_out(routes, book)
    own_paths = len(book.hub)
    first, days, hubs = routes.dates[0], len(routes.dates), len(routes.hub_number)
    rows: list[tuple[int, ...]] = []
    stranded = np.zeros(routes.demands.height, dtype=np.bool_)
    for number, (when, origin, destination) in enumerate(
        routes.demands.select("date", "origin_hub_id", "destination_hub_id").iter_rows()
    ):
        day, hub = (when - first).days, routes.hub_number[origin]
        shares = of_day.get((day, origin, destination)) or of_route.get((origin, destination))
        if not shares:
            path = book.shortest(hub, routes.hub_number[destination])
            if path == CLOSED:
                stranded[number] = True
                continue
            shares = [(path, int(np.ceil(book.hours[path] / 24.0)), 1)]
        total = sum(parcels for _, _, parcels in shares)
        given = 0
        for path, lag, parcels in shares:
            rows.append((hub * days + day, number, path, min(day + lag, days - 1), given, given + parcels, total))
            given += parcels
    table = np.array(rows, dtype=np.int64).reshape(-1, 7)
    table = table[np.argsort(table[:, 0], kind="stable")]
    cells = np.arange(hubs * days)
    start = np.searchsorted(table[:, 0], cells, side="left").reshape(hubs, days).astype(np.int64)
    end = np.searchsorted(table[:, 0], cells, side="right").reshape(hubs, days).astype(np.int64)
    expected = np.zeros((hubs, days), dtype=np.int64)
    for when, origin, parcels in planned.select("date", "origin_hub_id", "parcels").iter_rows():
        expected[routes.hub_number[origin], (when - first).days] += parcels
    demand, paths, due, low, high, totals = (np.ascontiguousarray(table[:, at]) for at in range(1, 7))
    return HandIns(start, end, demand, paths, due, low, high, totals, expected), stranded, own_paths


def _share_out(
    routes: Routes, book: PathBook
) -> tuple[dict[tuple[int, str, str], list[_Share]], dict[tuple[str, str], list[_Share]]]:
    """Return the plan's shares by day and route, and pooled over the days by route."""
    of_day: dict[tuple[int, str, str], list[_Share]] = {}
    pooled: dict[tuple[str, str], dict[tuple[int, int], int]] = {}
    columns = ("date", "origin_hub_id", "destination_hub_id", "path", "completed_on", "parcels")
    ordered = routes.flows.filter(routes.flows["parcels"] > 0).sort(
        "date", "origin_hub_id", "destination_hub_id", "completed_on", maintain_order=True
    )
    for when, origin, destination, lanes, done, parcels in ordered.select(columns).iter_rows():
        path = book.number(routes.hub_number[origin], tuple(routes.lane_number[lane] for lane in lanes))
        lag = (done - when).days
        of_day.setdefault(((when - routes.dates[0]).days, origin, destination), []).append((path, lag, parcels))
        of_pair = pooled.setdefault((origin, destination), {})
        of_pair[path, lag] = of_pair.get((path, lag), 0) + parcels
    of_route = {
        pair: [(path, lag, parcels) for (path, lag), parcels in found.items()] for pair, found in pooled.items()
    }
    return of_day, of_route


def tell_meant(flows: pl.DataFrame, lane_number: dict[str, int], arrival: Whole, dates: list[date]) -> Whole:
    """Return [lanes x days] parcels that the plan itself leaves waiting at the end of the day for a lane."""
    days = len(dates)
    change = np.zeros((len(lane_number), days + 1), dtype=np.int64)
    for when, lanes, departures, parcels in flows.select("date", "path", "departure_dates", "parcels").iter_rows():
        here = (when - dates[0]).days
        for lane, departure in zip(lanes, departures, strict=True):
            leaves = (departure - dates[0]).days
            number = lane_number[lane]
            if leaves > here:
                change[number, max(here, 0)] += parcels
                change[number, leaves] -= parcels
            here = int(arrival[number, leaves]) if arrival[number, leaves] != CLOSED else days
    return np.asarray(np.cumsum(change, axis=1)[:, :days])
