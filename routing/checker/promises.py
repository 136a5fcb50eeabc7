"""Promises of arrival, recomputed from the flows alone: how many days each flow comes after its promise."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from routing.checker.violations import Violation, collect

_HOURS_A_DAY = 24.0
_EPSILON = 1e-9  # hours / 24 that is whole but for float noise does not cost a day


def allow_days(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Days a parcel of each promised route may take: by_day, or ceil(latest_hours / 24).

    Returns
    -------
    polars.DataFrame
        origin_hub_id, destination_hub_id, allowed [days].
    """
    by_hours = (pl.col("latest_hours") / _HOURS_A_DAY - _EPSILON).ceil().clip(lower_bound=0.0)
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
        row, date, where, parcels, told (late_days of the flow), promised [bool], late [days].
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
            told="late_days",
            promised=pl.col("allowed").is_not_null(),
            late=(taken - pl.col("allowed")).clip(lower_bound=0.0).fill_null(0.0),
        )
        .sort("row")
    )


def check_lateness(lateness: pl.DataFrame) -> list[Violation]:
    """Check that every flow tells its days late: those of its promise, none without one."""
    due = pl.when("promised").then(pl.col("late"))
    wrong = lateness.with_columns(due=due).filter(~pl.col("told").eq_missing(pl.col("due")))
    return collect(
        "promise.late",
        wrong.select("where", "date", found="told", allowed="due"),
        "Flow {where} says it is {found} days late; its promise and its days say {allowed}.",
    )


def sum_late_days(lateness: pl.DataFrame) -> float:
    """Parcels times days late [parcel-days]."""
    return float(lateness.select((pl.col("parcels") * pl.col("late")).sum()).item())


def sum_late_parcels(lateness: pl.DataFrame) -> float:
    """Parcels that come after their promise."""
    return float(lateness.filter(pl.col("late") > 0)["parcels"].sum())
