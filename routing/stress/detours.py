"""Other paths for what rides: the quickest one left, the departures along it, and vehicles booked for it."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from routing.stress.lanes import CALLED, price_vehicles
from routing.stress.layout import Layout
from routing.stress.records import CLOSED

if TYPE_CHECKING:
    import polars as pl


def quickest(lanes: Sequence[Mapping[str, Any]], origin: str, destination: str) -> tuple[str, ...] | None:
    """Return the lanes of the quickest way, None without one.

    Examples
    --------
    >>> rows = [("a", "A", "B", 9.0), ("b", "A", "C", 2.0), ("c", "C", "B", 3.0)]
    >>> names = ("lane_id", "origin_hub_id", "destination_hub_id", "transit_hours")
    >>> quickest([dict(zip(names, row)) for row in rows], "A", "B")
    ('b', 'c')
    """
    leaving: dict[str, list[Mapping[str, Any]]] = {}
    for lane in lanes:
        leaving.setdefault(lane["origin_hub_id"], []).append(lane)
    queue: list[tuple[float, str, tuple[str, ...]]] = [(0.0, origin, ())]
    done: set[str] = set()
    while queue:
        hours, hub, path = heapq.heappop(queue)
        if hub == destination:
            return path
        if hub in done:
            continue
        done.add(hub)
        for lane in leaving.get(hub, []):
            step = (hours + float(lane["transit_hours"]), lane["destination_hub_id"], (*path, lane["lane_id"]))
            heapq.heappush(queue, step)
    return None


def ride(layout: Layout, flow: dict[str, Any], path: Sequence[int]) -> tuple[dict[str, Any], list[int]] | None:
    """Give a flow another path without waiting on the way, and the steps after which it leaves; None where it does not arrive."""
    steps, fair, origin = layout.steps, layout.arrivals.fair, layout.network.lanes.origin
    hub = int(origin[path[0]])
    at = (flow["date"] - layout.dates[0]).days
    if steps.by_clock:
        at = steps.last_by(hub, steps.to_hours(flow["departs_at"][0]))
    leaves: list[int] = []
    for lane in path:
        runs = np.flatnonzero(fair[lane] != CLOSED)
        runs = runs[runs >= at]
        if not runs.size:
            return None
        leaves.append(int(runs[0]))
        at, hub = int(fair[lane, runs[0]]), int(layout.network.lanes.destination[lane])
    done = layout.date_of(hub, at)
    late = max((done - flow["completed_on"]).days, 0) + int(flow.get("late_days") or 0)
    ridden = flow | {
        "path": [layout.lane_ids[lane] for lane in path],
        "departure_dates": [layout.date_of(int(origin[lane]), step) for lane, step in zip(path, leaves, strict=True)],
        "completed_on": done,
        "late_days": late,
    }
    if steps.by_clock:
        hours = [float(layout.arrivals.leaves[lane, step]) for lane, step in zip(path, leaves, strict=True)]
        ridden["departs_at"] = [steps.to_moment(hour) for hour in hours]
        ridden["completed_at"] = steps.to_moment(float(steps.close[hub, at]))
    return ridden, leaves


def book_vehicles(
    tables: Mapping[str, pl.DataFrame], layout: Layout, riding: Mapping[tuple[int, int], int]
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Add hired vehicles, the largest of the cheapest ownership, for what rides anew on lanes."""
    import polars as pl

    departures = tables["trunk_departures"]
    priced = price_vehicles(dict(tables)).filter(pl.col("ownership") != "own")
    best = priced.sort("lane_id", "ownership", "capacity", descending=[False, False, True]).unique(
        "lane_id", keep="first", maintain_order=True
    )
    by_lane = {row["lane_id"]: row for row in best.to_dicts()}
    limits = dict(tables["lanes"].select("lane_id", "departure_limit").iter_rows())
    running = {
        (lane, day): count
        for lane, day, count in departures.group_by("lane_id", "date").agg(pl.col("departures").sum()).iter_rows()
    }
    rows = []
    for (number, step), parcels in riding.items():
        lane, hub = layout.lane_ids[number], int(layout.network.lanes.origin[number])
        day = layout.date_of(hub, step)
        if lane in by_lane:
            vehicle = by_lane[lane]
            count = -(-parcels // vehicle["capacity"])
            if limits[lane] is not None:
                count = max(min(count, limits[lane] - running.get((lane, day), 0)), 0)
                running[lane, day] = running.get((lane, day), 0) + count
            markup = CALLED.markup if vehicle["ownership"] == "spot" else 1.0
            row = {
                "date": day,
                "lane_id": lane,
                "vehicle_type_id": vehicle["vehicle_type_id"],
                "departures": count,
                "parcels": parcels,
                "cost": count * vehicle["unit_cost"] * markup,
            }
            rows.append(row | _hours_of(layout, number, step))
    lanes = tuple(sorted({row["lane_id"] for row in rows}))
    if not rows:
        return departures, lanes
    added = pl.DataFrame(rows)
    added = added.with_columns(pl.col(name).cast(departures.schema[name]) for name in added.columns)
    return pl.concat([departures, added], how="diagonal"), lanes


def _hours_of(layout: Layout, lane: int, step: int) -> dict[str, Any]:
    """By sorts, the sort a departure loads after and the moments it leaves and arrives."""
    if not layout.steps.by_clock:
        return {}
    hub = int(layout.network.lanes.origin[lane])
    leaves = float(layout.arrivals.leaves[lane, step])
    road = layout.arrivals.hours[lane, int(layout.steps.day[hub, step])]
    return {
        "sort_id": layout.steps.sort_ids[hub][step],
        "leaves_at": layout.steps.to_moment(leaves),
        "arrives_at": layout.steps.to_moment(leaves + float(road if np.isfinite(road) else 0.0)),
    }
