"""What a planner changed by hand in the departures of a plan, as locks that the next plan keeps."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from routing.trunk.task.locks import ANY

if TYPE_CHECKING:
    import polars as pl

_ROW = ["lane_id", "date", "leaves_at", "vehicle_type_id"]
_KEY = ["lane_id", "date", "leaves", "vehicle_type_id"]


def lock_edits(
    planned: pl.DataFrame, edited: pl.DataFrame, zones: dict[str, ZoneInfo], *, every: bool = False
) -> pl.DataFrame:
    """Write rows of ``departure_locks`` that fix what was edited: a changed row at its new number, a row taken out at none.

    Parameters
    ----------
    planned, edited
        ``trunk_departures`` as the plan has them and as the file says.
    zones
        Time zone of the origin of each lane: locks are written by its clock, hours after midnight of the date past 24:00.
    every
        Fix the rows that nobody changed as well.

    Returns
    -------
    polars.DataFrame
        lane_id, date, leaves, vehicle_type_id, at_least, at_most, before [departures], sorted by the first four.
    """
    import polars as pl

    def count(frame: pl.DataFrame, name: str) -> pl.DataFrame:
        if "leaves_at" not in frame.columns:
            frame = frame.with_columns(leaves_at=pl.lit(None, pl.Datetime("us", "UTC")))
        return frame.group_by(_ROW).agg(pl.col("departures").cast(pl.Int64).sum().alias(name))

    both = count(planned, "before").join(count(edited, "after"), on=_ROW, how="full", nulls_equal=True, coalesce=True)
    both = both.with_columns(pl.col("before", "after").fill_null(0))
    rows = both if every else both.filter(pl.col("before") != pl.col("after"))
    leaves = [
        write_hour(zones[lane], when, leaves)
        for lane, when, leaves in rows.select("lane_id", "date", "leaves_at").iter_rows()
    ]
    locks = rows.with_columns(leaves=pl.Series(leaves, dtype=pl.String))
    return locks.select(*_KEY, at_least="after", at_most="after", before="before").sort(_KEY)


def write_hour(zone: ZoneInfo, when: date, leaves: datetime | None) -> str:
    """Write a moment as hours of a date by a clock, past 24:00 on later days; ``any`` where there is none."""
    if leaves is None:
        return ANY
    local = leaves.astimezone(zone)
    nights = (local.date() - when).days
    return f"{24 * nights + local.hour:02d}:{local.minute:02d}"
