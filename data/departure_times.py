"""When lanes are left: at the hours ``lane_departures`` gives them, else at every close of the sorts of their origin, else at one usual hour.

Where some hub has sorts, one without rows has one sort a day that closes at 24:00, as the trunk plan has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import polars as pl

from data.hub_hours import Spans, join_spans, moment_at, read_closures, read_hours, read_zone, reopen, runs_on

Told = Literal["lane", "sort", "usual"]

_END_OF_DAY = 24.0  # hours
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOMENT = pl.Datetime("us", "UTC")
_TIMES: dict[str, pl.DataType | type[pl.DataType]] = {
    "date": pl.Date,
    "leaves_at": _MOMENT,
    "taken_until": _MOMENT,
    "told": pl.String,
}


@dataclass(frozen=True)
class TimetableTables:
    """What tells when lanes are left.

    Parameters
    ----------
    hubs
        Table of this name: ``hub_id`` and, where a hub has a time zone of its own, ``time_zone``.
    hub_sorts, hub_closures, lane_departures
        Tables of these names; None is none.
    day_cut_off_hours
        Hours before 24:00 at which a hub without sorts of its own takes its last arrivals, where other hubs have sorts.
    """

    hubs: pl.DataFrame
    hub_sorts: pl.DataFrame | None = None
    hub_closures: pl.DataFrame | None = None
    lane_departures: pl.DataFrame | None = None
    day_cut_off_hours: float = 0.0


def list_departures(
    lanes: pl.DataFrame, tables: TimetableTables, days: Sequence[date], zone: ZoneInfo, usual_hour: int
) -> pl.DataFrame:
    """List every departure of lanes on business dates, as the trunk plan sends them.

    Parameters
    ----------
    lanes
        ``lane_id``, ``origin_hub_id``.
    tables
        What tells the hours. Those of a hub are read by its own clock, and may pass 24:00.
    days
        Business dates.
    zone
        Time zone of the workspace: that of hubs without one, and of ``usual_hour``.
    usual_hour
        Hour at which a lane is left that has no hours of its own, where no hub has sorts.

    Returns
    -------
    polars.DataFrame
        ``lane_id``, ``date``, ``leaves_at``, ``taken_until`` [UTC] (by then parcels are at hand that leave with it: the cut-off of
        the sort, or the hour less that of loading), ``told`` (by what: lane, sort, usual); sorted. What falls into hours in which
        the origin is shut leaves when it opens. A lane has no row on a date on which none of its hours holds.
    """
    own_zones = (
        tables.hubs["time_zone"].to_list() if "time_zone" in tables.hubs.columns else [None] * tables.hubs.height
    )
    zones = {hub: read_zone(name, hub, zone) for hub, name in zip(tables.hubs["hub_id"], own_zones, strict=True)}
    closures = {} if tables.hub_closures is None else read_closures(tables.hub_closures, _EPOCH)
    shut = {hub: join_spans((start, end) for start, end, open_ in rows if open_ <= 0) for hub, rows in closures.items()}
    listed, sorts = _by(tables.lane_departures, "lane_id"), _by(tables.hub_sorts, "hub_id")
    starts = lanes.select("lane_id", "origin_hub_id")
    by_lane = starts.filter(pl.col("lane_id").is_in(list(listed)))
    rest = starts.join(by_lane, on="lane_id", how="anti")
    found: list[tuple[Any, ...]] = []
    for lane, hub in by_lane.iter_rows():
        times = _at_hours(listed[lane], days, zones.get(hub, zone))
        found += [(lane, *_move(time, shut.get(hub, [])), "lane") for time in times]
    at_hubs: list[tuple[Any, ...]] = []
    whole_day = [{"cut_off": _clock_at(_END_OF_DAY - tables.day_cut_off_hours), "closes": _clock_at(_END_OF_DAY)}]
    usual = [(day, at := moment_at(day, usual_hour, zone), at) for day in days]
    for hub in rest["origin_hub_id"].unique().sort().to_list():
        source: Told = "sort" if sorts else "usual"
        closes = list(_at_closes(sorts.get(hub, whole_day), days, zones.get(hub, zone))) if sorts else usual
        at_hubs += [(hub, *_move(time, shut.get(hub, [])), source) for time in closes]
    of_lanes = pl.DataFrame(found, schema={"lane_id": pl.String, **_TIMES}, orient="row")
    of_hubs = pl.DataFrame(at_hubs, schema={"origin_hub_id": pl.String, **_TIMES}, orient="row")
    columns = ["lane_id", *_TIMES]
    both = pl.concat([of_lanes, rest.join(of_hubs, on="origin_hub_id").select(columns)])
    return both.sort("lane_id", "date", "leaves_at")


Times = tuple[date, datetime, datetime]


def _at_closes(rows: Sequence[dict[str, Any]], days: Sequence[date], zone: ZoneInfo) -> Iterator[Times]:
    """Close and cut-off of every sort that runs on a date."""
    hours = [(row, read_hours(row["closes"]), read_hours(row["cut_off"])) for row in rows]
    for day in days:
        for row, closes, cut_off in hours:
            if runs_on(row, day):
                yield day, moment_at(day, closes, zone), moment_at(day, cut_off, zone)


def _clock_at(hours: float) -> str:
    return f"{int(hours):02d}:{round(hours % 1 * 60):02d}"


def _at_hours(rows: Sequence[dict[str, Any]], days: Sequence[date], zone: ZoneInfo) -> Iterator[Times]:
    """Hour of every departure a lane lists for a date, and the hour at which it has to be loaded."""
    hours = [(row, read_hours(row["leaves"]), timedelta(hours=row.get("load_hours") or 0.0)) for row in rows]
    for day in days:
        for row, leaves, load in hours:
            if runs_on(row, day):
                at = moment_at(day, leaves, zone)
                yield day, at, at - load


def _move(time: Times, shut: Spans) -> Times:
    """Let what would leave a shut hub leave when it opens."""
    day, leaves, until = time
    hour = (leaves - _EPOCH).total_seconds() / 3600.0
    moved = reopen(shut, hour)
    return (day, leaves, until) if moved == hour else (day, _EPOCH + timedelta(hours=moved), until)


def _by(table: pl.DataFrame | None, key: str) -> dict[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in table.iter_rows(named=True) if table is not None else ():
        rows.setdefault(row[key], []).append(row)
    return rows
