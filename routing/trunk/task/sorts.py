"""The sorts of hubs on one axis of hours: the nodes of a network.

Hours count from the midnight that begins the first day in the plan's time zone; a hub's own clock is read in its own zone.
A hub without rows in ``hub_sorts`` has one sort a day from 0:00 to 24:00. Where no hub has any, the day is the sort:

    node = day x hubs + hub,  arrival of a lane of h hours: ceil((h + unload + cut-off hours) / 24) days later

which is what the sorts say of cut-off and close at 24:00. ``hub_days`` replace the capacities of sorts and hubs, its sort ``day``
split over the date's sorts by their capacity; ``hub_closures`` leave a sort the share of its hours that stays open.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from data.errors import RadarError
from data.hub_hours import join_spans, leave_open, moment_at, read_closures, read_hours, read_zone, reopen, runs_on

if TYPE_CHECKING:
    import polars as pl

    from routing.trunk.task.inputs import TrunkInputs, TrunkOptions

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

HOURS_A_DAY = 24.0
WHOLE_DAY = "day"


@dataclass(frozen=True, slots=True)
class Sorts:
    """Sorts by business date in the order of their close, N nodes; arrays as :class:`TrunkNetwork` has them.

    Attributes
    ----------
    by_clock
        Whether any hub has sorts of its own.
    opens : (N,) [hours]
    cut_off : (N,) [hours]
        Last arrival at hand that is still sorted.
    unload : (H,) [hours]
        From the arrival of a vehicle until its parcels are at hand.
    shut : (H,) list of (from, to) [hours]
        Spans in which a hub does nothing at all.
    zones : (H,) list
        Time zone of each hub; None where days are planned, whose hours have no clock.
    staged : (N,)
        Nodes where parcels stand sorted and wait for a departure; see :mod:`routing.trunk.task.staging`.
    behind : (N,)
        Node that departures leave from which load after a sort: the sort's own, or where its sorted parcels stand.
    """

    by_clock: bool
    sort_ids: list[str]
    hub: Ints
    day: Ints
    turn: Ints
    sort: Ints
    opens: Floats
    cut_off: Floats
    close: Floats
    pointers: Ints
    after: Ints
    capacity: Floats
    buffer: Floats
    open: Flags
    handling: Floats
    waiting: Floats
    unload: Floats
    shut: list[list[tuple[float, float]]]
    zones: list[ZoneInfo | None]
    midnight: datetime
    staged: Flags
    behind: Ints

    def of_hub(self, hub: int) -> Ints:
        """Sorts of a hub in order: its nodes but those of what is sorted already."""
        return np.flatnonzero((self.hub == hub) & ~self.staged)

    def reopen(self, hub: int, hour: float) -> float:
        """Return the hour itself, or the end of the closure it falls into."""
        return reopen(self.shut[hub], hour)

    def hour_of(self, day: int, hours: float, hub: int) -> float:
        """Hour of the plan at which the clock of a hub shows ``hours`` of a day."""
        return _hour_at(self.midnight, self.midnight.date() + timedelta(days=day), hours, self.zones[hub])


def lay_sorts(
    inputs: TrunkInputs, options: TrunkOptions, hubs: pl.DataFrame, first_day: date, open_days: Flags
) -> Sorts:
    """Lay out the sorts of every hub over the days of a plan.

    Parameters
    ----------
    hubs
        Table ``hubs`` sorted by hub.
    open_days : (D, H)
        Whether ``network_changes`` leave a hub open.

    Raises
    ------
    RadarError
        For an unknown hub or time zone, a clock hour that does not exist on its day, sorts that overlap.
    """
    zone = ZoneInfo(options.time_zone)
    midnight = datetime(first_day.year, first_day.month, first_day.day, tzinfo=zone)
    names = hubs["hub_id"].to_list()
    rows = _by_hub(inputs.hub_sorts, names)
    zones: list[ZoneInfo | None] = [None] * len(names)
    if rows:
        zones = [read_zone(row.get("time_zone"), row["hub_id"], zone) for row in hubs.iter_rows(named=True)]
    closures = read_closures(inputs.hub_closures, midnight)
    spans = [closures.get(name, []) for name in names]
    shut = [join_spans((start, end) for start, end, share in hub if share <= 0) for hub in spans]
    given = {(r["hub_id"], r["date"], r["sort_id"]): r for r in inputs.hub_days.iter_rows(named=True)}
    found: list[dict[str, Any]] = []
    unload = np.full(len(names), options.unload_hours)
    for number, hub in enumerate(hubs.iter_rows(named=True)):
        mine = rows.get(hub["hub_id"]) or [_whole_day(hub, options)]
        hours = [row["unload_hours"] for row in mine if row.get("unload_hours") is not None]
        unload[number] = max(hours, default=options.unload_hours)
        for day in range(len(open_days)):
            when = first_day + timedelta(days=day)
            today = [_lay(hub, row, number, day, midnight, when, zones[number]) for row in mine if runs_on(row, when)]
            _give_day(today, given, hub["hub_id"], when)
            for sort in today:
                sort["open"] = bool(open_days[day, number])
                left = leave_open(sort["capacity"], sort["opens"], sort["close"], spans[number])
                sort["capacity"] = left if sort["open"] else 0.0
                sort["buffer"] = sort["buffer"] if sort["open"] else 0.0
            found += today
    found.sort(key=lambda sort: (sort["close"], sort["hub"], sort["cut_off"], sort["sort_id"]))
    return _to_arrays(found, names, options, unload, shut, zones, midnight, by_clock=bool(rows))


def _to_arrays(
    found: list[dict[str, Any]],
    names: list[str],
    options: TrunkOptions,
    unload: Floats,
    shut: list[list[tuple[float, float]]],
    zones: list[ZoneInfo | None],
    midnight: datetime,
    *,
    by_clock: bool,
) -> Sorts:
    sort_ids = sorted({sort["sort_id"] for sort in found})
    number_of = {name: number for number, name in enumerate(sort_ids)}
    hub = np.array([sort["hub"] for sort in found], dtype=np.int64)
    close = np.array([sort["close"] for sort in found], dtype=np.float64)
    turn, after = np.zeros(len(found), dtype=np.int64), np.full(len(found), -1, dtype=np.int64)
    for place in range(len(names)):
        mine = np.flatnonzero(hub == place)
        turn[mine], after[mine[:-1]] = np.arange(len(mine)), mine[1:]
    nights = np.where(after >= 0, (close[after] - close) / HOURS_A_DAY, 1.0)
    starts = np.flatnonzero(np.diff(close, prepend=-np.inf) > 0)
    return Sorts(
        by_clock=by_clock,
        sort_ids=sort_ids,
        hub=hub,
        day=np.array([sort["day"] for sort in found], dtype=np.int64),
        turn=turn,
        sort=np.array([number_of[sort["sort_id"]] for sort in found], dtype=np.int64),
        opens=np.array([sort["opens"] for sort in found], dtype=np.float64),
        cut_off=np.array([sort["cut_off"] for sort in found], dtype=np.float64),
        close=close,
        pointers=np.append(starts, len(found)).astype(np.int64),
        after=after,
        capacity=np.array([sort["capacity"] for sort in found], dtype=np.float64),
        buffer=np.array([sort["buffer"] for sort in found], dtype=np.float64),
        open=np.array([sort["open"] for sort in found], dtype=np.bool_),
        handling=np.array([sort["handling"] for sort in found], dtype=np.float64),
        waiting=options.hold_cost * nights,
        unload=unload,
        shut=shut,
        zones=zones,
        midnight=midnight,
        staged=np.zeros(len(found), dtype=np.bool_),
        behind=np.arange(len(found), dtype=np.int64),
    )


def _by_hub(table: pl.DataFrame, names: list[str]) -> dict[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = {}
    for row in table.iter_rows(named=True):
        rows.setdefault(row["hub_id"], []).append(row)
    unknown = sorted(set(rows) - set(names))
    if unknown:
        raise RadarError(
            f"hub {unknown[0]} in hub_sorts, unknown to the table hubs", action="load the hub or drop the rows"
        )
    return rows


def _hour_at(midnight: datetime, when: date, hours: float, zone: ZoneInfo | None) -> float:
    if zone is None:
        return HOURS_A_DAY * (when - midnight.date()).days + hours
    moment = moment_at(when, hours, zone)
    # arithmetic on a moment with a zone is that of the wall clock
    local = datetime(when.year, when.month, when.day, tzinfo=zone) + timedelta(minutes=round(hours * 60))
    if moment.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise RadarError(
            f"the hour {local:%H:%M} on {local:%Y-%m-%d} in {zone.key}, which the change of clocks leaves out",
            "hours that exist on every day of the plan",
            "move the hour in hub_sorts or lane_departures, or give that date a season of its own",
        )
    return (moment - midnight.astimezone(UTC)).total_seconds() / 3600.0


def _whole_day(hub: Mapping[str, Any], options: TrunkOptions) -> dict[str, Any]:
    cut_off = HOURS_A_DAY - options.day_cut_off_hours
    clock = f"{int(cut_off):02d}:{round(cut_off % 1 * 60):02d}"
    return {"sort_id": WHOLE_DAY, "opens": "00:00", "cut_off": clock, "closes": "24:00"} | {
        "sort_capacity": hub["sort_capacity"]
    }


def _lay(
    hub: Mapping[str, Any],
    row: Mapping[str, Any],
    number: int,
    day: int,
    midnight: datetime,
    when: date,
    zone: ZoneInfo | None,
) -> dict[str, Any]:
    opens, cut_off, closes = (read_hours(row[column]) for column in ("opens", "cut_off", "closes"))
    if not opens <= cut_off <= closes:
        raise RadarError(
            f"sort {row['sort_id']} of hub {hub['hub_id']} opens {row['opens']}, cuts off {row['cut_off']}, closes {row['closes']}",
            "opens before cut_off before closes",
            "correct the row of hub_sorts",
        )
    hours = (_hour_at(midnight, when, value, zone) for value in (opens, cut_off, closes))
    return dict(zip(("opens", "cut_off", "close"), hours, strict=True)) | {
        "hub": number,
        "day": day,
        "sort_id": row["sort_id"],
        "capacity": _bound(row.get("sort_capacity")),
        "buffer": _bound(_first(row.get("buffer_capacity"), hub["buffer_capacity"])),
        "handling": float(_first(row.get("handling_cost"), hub["handling_cost"]) or 0.0),
    }


def _bound(value: float | None) -> float:
    return np.inf if value is None else float(value)


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)


def _give_day(today: list[dict[str, Any]], given: Mapping[Any, Mapping[str, Any]], hub: str, when: date) -> None:
    """Put the capacities of ``hub_days`` in place of those of a date's sorts."""
    whole = given.get((hub, when, WHOLE_DAY), {})
    bounded = [sort["capacity"] for sort in today if np.isfinite(sort["capacity"])]
    asked = whole.get("sort_capacity")
    for sort in today:
        # of several sorts one may be named `day` as well: the row is still for all of them
        own = {} if sort["sort_id"] == WHOLE_DAY else given.get((hub, when, sort["sort_id"]), {})
        capacity = own.get("sort_capacity")
        if capacity is None and asked is not None:
            even = len(bounded) < len(today) or not sum(bounded)
            capacity = asked / len(today) if even else asked * sort["capacity"] / sum(bounded)
        buffer = _first(own.get("buffer_capacity"), whole.get("buffer_capacity"))
        sort["capacity"] = sort["capacity"] if capacity is None else float(capacity)
        sort["buffer"] = sort["buffer"] if buffer is None else float(buffer)
