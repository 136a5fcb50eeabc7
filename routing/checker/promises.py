"""Promises of arrival, recomputed from the flows alone: how many days each flow comes after its promise."""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heappop, heappush

import polars as pl

from routing.checker.limits import LIMITS
from routing.checker.violations import Violation, collect

_HOURS_A_DAY = 24.0


def add_default(frames: Mapping[str, pl.DataFrame], days: int | None) -> dict[str, pl.DataFrame]:
    """Add to ``service_promises`` what the settings promise of other routes: the hours of the fastest road and `days` more."""
    if days is None:
        return dict(frames)
    roads: dict[str, list[tuple[str, float]]] = {}
    lanes = frames["lanes"].filter(pl.col("mode") == "road")
    for start, end, hours in lanes.select("origin_hub_id", "destination_hub_id", "transit_hours").iter_rows():
        roads.setdefault(start, []).append((end, hours))
    rows = [
        (hub, other, hours + _HOURS_A_DAY * days)
        for hub in frames["hubs"]["hub_id"].to_list()
        for other, hours in _reach(hub, roads).items()
    ]
    schema = {"origin_hub_id": pl.String(), "destination_hub_id": pl.String(), "latest_hours": pl.Float64()}
    given = frames["service_promises"]
    others = pl.DataFrame(rows, schema=schema, orient="row")
    others = others.join(given, on=["origin_hub_id", "destination_hub_id"], how="anti")
    return {**frames, "service_promises": pl.concat([given, others], how="diagonal_relaxed")}


def _reach(hub: str, roads: Mapping[str, list[tuple[str, float]]]) -> dict[str, float]:
    """Hours of the fastest road from a hub to every hub that roads lead to (Dijkstra 1959)."""
    found: dict[str, float] = {}
    heap = [(0.0, hub)]
    while heap:
        hours, here = heappop(heap)
        if here not in found:
            found[here] = hours
            for there, more in roads.get(here, []):
                heappush(heap, (hours + more, there))
    return found


def allow_days(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Days a parcel of each promised route may take: by_day, or ceil(latest_hours / 24).

    Returns
    -------
    polars.DataFrame
        origin_hub_id, destination_hub_id, allowed [days].
    """
    by_hours = (pl.col("latest_hours") / _HOURS_A_DAY - LIMITS.noise).ceil().clip(lower_bound=0.0)
    allowed = pl.coalesce(by_hours, "by_day")
    return frames["service_promises"].select("origin_hub_id", "destination_hub_id", allowed=allowed)


def count_lateness(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Say for each flow how many days after its promise it is sorted at its destination.

    late = max(0, completed_on - date - ceil(latest_hours / 24)), in days; 0 for a route without a promise.

    Parameters
    ----------
    frames
        Tables of the checker: ``trunk_flows``, ``service_promises``.

    Returns
    -------
    polars.DataFrame
        row, date, where, parcels, stated (late_days of the flow), promised [bool], late [days].
    """
    promises = allow_days(frames)
    taken = (pl.col("completed_on") - pl.col("date")).dt.total_days().cast(pl.Float64)
    return (
        frames["trunk_flows"]
        .join(promises, on=["origin_hub_id", "destination_hub_id"], how="left")
        .select(
            "row",
            "date",
            "parcels",
            where=pl.format("{}-{} (trunk_flows row {})", "origin_hub_id", "destination_hub_id", "row"),
            stated="late_days",
            promised=pl.col("allowed").is_not_null(),
            late=(taken - pl.col("allowed")).clip(lower_bound=0.0).fill_null(0.0),
        )
        .sort("row")
    )


def check_lateness(lateness: pl.DataFrame) -> list[Violation]:
    """Check that every flow tells its days late: those of its promise, none without one."""
    due = pl.when("promised").then(pl.col("late"))
    wrong = lateness.with_columns(due=due).filter(~pl.col("stated").eq_missing(pl.col("due")))
    return collect(
        "promise.late",
        wrong.select("where", "date", found="stated", allowed="due"),
        "Flow {where} says it is {found} days late; its promise and its days say {allowed}.",
    )


def sum_late_days(lateness: pl.DataFrame) -> float:
    """Parcels times days late [parcel-days]."""
    return float(lateness.select((pl.col("parcels") * pl.col("late")).sum()).item())


def sum_late_parcels(lateness: pl.DataFrame) -> float:
    """Parcels that come after their promise."""
    return float(lateness.filter(pl.col("late") > 0)["parcels"].sum())
