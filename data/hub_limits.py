"""What hubs can sort and hold on each day: ``hub_sorts`` and ``hub_days`` before ``hubs``, less what ``hub_closures`` take.

Pages and `radar check` hold loads against these limits; the trunk plan lays out the same with its hours, and a test holds the two together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from data.hub_hours import leave_open, moment_at, read_closures, read_hours, read_zone, runs_on

TABLES = ("hubs", "hub_sorts", "hub_days", "hub_closures")
_WHOLE_DAY = "day"
_SORT_LIMITS = {
    "date": pl.Date(), "hub_id": pl.String(), "sort_id": pl.String(), "capacity": pl.Float64(), "buffer": pl.Float64(),
    "handling_cost": pl.Float64(),
}  # fmt: skip
_Row = Mapping[str, Any]


def list_sort_limits(tables: Mapping[str, pl.DataFrame], days: Iterable[date], time_zone: str) -> pl.DataFrame:
    """List what each sort of each hub can take on each day.

    Parameters
    ----------
    tables
        Those of ``TABLES``; all but ``hubs`` may be absent.
    days
        Business dates.
    time_zone
        Of the workspace, by IANA name; hubs may have their own.

    Returns
    -------
    polars.DataFrame
        date, hub_id, sort_id (``day`` for hubs without sorts), capacity and buffer [parcels, empty without a bound], handling_cost [CNY/parcel].

    Examples
    --------
    >>> hubs = pl.DataFrame({"hub_id": ["A"], "sort_capacity": [90], "buffer_capacity": [None], "handling_cost": [0.2]})
    >>> list_sort_limits({"hubs": hubs}, [date(2025, 11, 11)], "Asia/Shanghai").rows()
    [(datetime.date(2025, 11, 11), 'A', 'day', 90.0, None, 0.2)]
    """
    zone = ZoneInfo(time_zone)
    sorts: dict[str, list[_Row]] = {}
    for row in _rows(tables, "hub_sorts"):
        sorts.setdefault(row["hub_id"], []).append(row)
    given = {(row["hub_id"], row["date"], row["sort_id"]): row for row in _rows(tables, "hub_days")}
    chosen = sorted(set(days))
    closures: dict[str, list[tuple[float, float, float]]] = {}
    since = datetime.combine(chosen[0], time(), zone) if chosen else datetime.now(zone)
    if "hub_closures" in tables:
        closures = read_closures(tables["hub_closures"], since)
    found = []
    for hub in _rows(tables, "hubs"):
        name, spans = hub["hub_id"], closures.get(hub["hub_id"], [])
        mine = sorts.get(name) or [_whole_day(hub)]
        where = read_zone(hub.get("time_zone"), name, zone) if sorts else zone
        for day in chosen:
            today = _give_day([row for row in mine if runs_on(row, day)], given, hub, day)
            for row, capacity, buffer in today:
                opens, closes = (
                    (moment_at(day, read_hours(row[column]), where) - since).total_seconds() / 3600.0
                    for column in ("opens", "closes")
                )
                price = _first(row.get("handling_cost"), hub.get("handling_cost"))
                left = leave_open(math.inf if capacity is None else capacity, opens, closes, spans)
                found.append(
                    (day, name, row["sort_id"], None if left == math.inf else left, buffer, float(price or 0.0))
                )
    return pl.DataFrame(found, schema=_SORT_LIMITS, orient="row")


def list_day_limits(tables: Mapping[str, pl.DataFrame], days: Iterable[date], time_zone: str) -> pl.DataFrame:
    """List what each hub can sort on each day, all its sorts together; parameters as of :func:`list_sort_limits`.

    Returns
    -------
    polars.DataFrame
        date, hub_id, capacity [parcels/day]: empty where one of the sorts that run has no bound, 0 where none runs.
    """
    chosen = sorted(set(days))
    bounded = pl.when(pl.col("capacity").is_not_null().all()).then(pl.col("capacity").sum())
    sums = (
        list_sort_limits(tables, chosen, time_zone)
        .group_by("date", "hub_id")
        .agg(bounded.alias("capacity"), sorts=pl.len())
    )
    grid = pl.DataFrame({"date": chosen}, schema={"date": pl.Date()}).join(tables["hubs"].select("hub_id"), how="cross")
    idle = pl.when(pl.col("sorts").is_null()).then(0.0).otherwise("capacity")
    return (
        grid.join(sums, on=["date", "hub_id"], how="left")
        .select("date", "hub_id", idle.alias("capacity"))
        .sort("date", "hub_id")
    )


def _rows(tables: Mapping[str, pl.DataFrame], name: str) -> Iterable[_Row]:
    return tables[name].iter_rows(named=True) if name in tables else ()


def _whole_day(hub: _Row) -> dict[str, Any]:
    return {"sort_id": _WHOLE_DAY, "opens": "00:00", "closes": "24:00", "sort_capacity": hub["sort_capacity"]}


def _give_day(
    rows: Sequence[_Row], given: Mapping[tuple[str, date, str], _Row], hub: _Row, day: date
) -> list[tuple[_Row, float | None, float | None]]:
    """Put the capacities of ``hub_days`` in place of those of a date's sorts; that of the whole day is split by their capacity."""
    whole = given.get((hub["hub_id"], day, _WHOLE_DAY), {})
    bounds = [row.get("sort_capacity") for row in rows]
    bounded = [float(bound) for bound in bounds if bound is not None]
    even = len(bounded) < len(rows) or not sum(bounded)
    asked = whole.get("sort_capacity")
    found: list[tuple[_Row, float | None, float | None]] = []
    for row, bound in zip(rows, bounds, strict=True):
        # of several sorts one may be named `day` as well: the row is still for all of them
        own = {} if row["sort_id"] == _WHOLE_DAY else given.get((hub["hub_id"], day, row["sort_id"]), {})
        capacity = own.get("sort_capacity")
        if capacity is None and asked is not None:
            capacity = asked / len(rows) if even else asked * bound / sum(bounded)
        capacity = bound if capacity is None else capacity
        buffers = (
            own.get("buffer_capacity"),
            whole.get("buffer_capacity"),
            row.get("buffer_capacity"),
            hub["buffer_capacity"],
        )
        buffer = _first(*buffers)
        found.append((row, None if capacity is None else float(capacity), None if buffer is None else float(buffer)))
    return found


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)
