"""A timetable to hold a forecast against: departures by date and hour, read from a GTFS feed, from listed hours or from a plan.

Of a GTFS feed ``trips``, ``stop_times`` and ``calendar`` or ``calendar_dates`` are read, and ``capacities.txt`` (``trip_id``,
``vehicle_type_id``): what runs a trip is nothing GTFS tells. Stops are hubs by their id. A trip of several stops is a departure of each lane between two of them. Field names
follow the GTFS Schedule Reference (gtfs.org/documentation/schedule/reference).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from data.errors import RadarError

if TYPE_CHECKING:
    import polars as pl

NEEDED = {
    "trips": ("trip_id", "route_id", "service_id"),
    "stop_times": ("trip_id", "stop_id", "stop_sequence", "departure_time"),
    "capacities": ("trip_id", "vehicle_type_id"),
}
CALENDARS = {
    "calendar": ("service_id", "start_date", "end_date"),
    "calendar_dates": ("service_id", "date", "exception_type"),
}
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
COLUMNS = ("date", "lane_id", "leaves", "vehicle_type_id", "departures")


@dataclass(frozen=True, slots=True)
class Timetable:
    """Departures of a timetable.

    Attributes
    ----------
    departures
        date, lane_id, leaves (HH:MM of the clock of the lane's origin, ``any`` where it is not said), vehicle_type_id, departures.
    strange
        Legs of trips between hubs that no lane of the network joins, by their stops: left out.
    """

    departures: pl.DataFrame
    strange: Mapping[str, int]


def read_gtfs(files: Mapping[str, pl.DataFrame], lanes: pl.DataFrame, days: tuple[date, date]) -> Timetable:
    """Read the departures of a GTFS feed on the days asked for.

    Parameters
    ----------
    files
        Files of the feed by name without ending, all text.
    lanes
        Table ``lanes``: a trip of two stops runs on the lane its ``route_id`` names, else legs run on the lane between their stops.
    days
        First and last day.

    Raises
    ------
    RadarError
        For a file or column that is absent, or a time that is none.
    """
    _require(files)
    service_days = _list_services(files, days)
    kinds = dict(files["capacities"].select("trip_id", "vehicle_type_id").iter_rows())
    by_ends: dict[tuple[str, str], str] = {}
    for lane, start, end in lanes.sort("lane_id").select("lane_id", "origin_hub_id", "destination_hub_id").iter_rows():
        by_ends.setdefault((start, end), lane)
    known = set(lanes["lane_id"])
    stops = _list_stops(files["stop_times"])
    counts: Counter[tuple[date, str, str, str]] = Counter()
    strange: Counter[str] = Counter()
    for row in files["trips"].iter_rows(named=True):
        trip, calls = row["trip_id"], stops.get(row["trip_id"], [])
        for (here, leaves), (there, _) in pairwise(calls):
            named = row["route_id"] if len(calls) == 2 and row["route_id"] in known else None
            lane = named or by_ends.get((here, there))
            if lane is None:
                strange[f"{here} - {there}"] += 1
                continue
            if trip not in kinds:
                raise RadarError(
                    f"trip {trip} without a vehicle type in capacities.txt",
                    "a row for each trip with trip_id and vehicle_type_id",
                    "add it",
                )
            for day in service_days.get(row["service_id"], ()):
                counts[day, lane, _read_clock(leaves, trip), kinds[trip]] += 1
    return Timetable(_frame((*key, count) for key, count in counts.items()), dict(strange))


def read_listed(listed: pl.DataFrame, days: tuple[date, date]) -> Timetable:
    """Read rows as of ``lane_departures``: each with its vehicle type and, as its limit, how many leave.

    Raises
    ------
    RadarError
        For a row that says neither.
    """
    import polars as pl

    bare = listed.filter(pl.col("vehicle_type_id").is_null() | pl.col("departure_limit").is_null())
    if bare.height:
        raise RadarError(
            f"{bare.height} rows without vehicle_type_id or departure_limit, the first of {bare['lane_id'][0]} at {bare['leaves'][0]}",
            "a vehicle type and a number of departures in each row of a timetable",
            "fill them in",
        )
    rows = [
        (day, row["lane_id"], row["leaves"], row["vehicle_type_id"], row["departure_limit"])
        for row in listed.iter_rows(named=True)
        for day in _span(days)
        if not row["weekdays"] or str(day.isoweekday()) in row["weekdays"]
    ]
    return Timetable(_frame(rows), {})


def _frame(rows: Iterable[tuple[Any, ...]]) -> pl.DataFrame:
    import polars as pl

    kinds = (pl.Date, pl.String, pl.String, pl.String, pl.Int64)
    return pl.DataFrame(list(rows), schema=dict(zip(COLUMNS, kinds, strict=True)), orient="row").sort(COLUMNS[:4])


def _require(files: Mapping[str, pl.DataFrame]) -> None:
    for name, columns in NEEDED.items():
        absent = [column for column in columns if name not in files or column not in files[name].columns]
        if absent:
            what = f"{name}.txt without {absent[0]}" if name in files else f"no {name}.txt"
            raise RadarError(what, f"{name}.txt with {', '.join(columns)}", "add it to the folder")
    if not CALENDARS.keys() & files.keys():
        raise RadarError("neither calendar.txt nor calendar_dates.txt", "the days of services", "add one to the folder")
    for name, columns in CALENDARS.items():
        absent = [column for column in columns if name in files and column not in files[name].columns]
        if absent:
            raise RadarError(f"{name}.txt without {absent[0]}", f"{name}.txt with {', '.join(columns)}", "add it")


def _span(days: tuple[date, date]) -> list[date]:
    return [days[0] + timedelta(days=number) for number in range((days[1] - days[0]).days + 1)]


def _list_services(files: Mapping[str, pl.DataFrame], days: tuple[date, date]) -> dict[str, list[date]]:
    """Days on which each service runs."""
    runs: dict[str, set[date]] = {}
    for row in files["calendar"].iter_rows(named=True) if "calendar" in files else ():
        start, end = _read_day(row["start_date"]), _read_day(row["end_date"])
        mine = runs.setdefault(row["service_id"], set())
        mine |= {day for day in _span(days) if start <= day <= end and row.get(_WEEKDAYS[day.weekday()]) == "1"}
    for row in files["calendar_dates"].iter_rows(named=True) if "calendar_dates" in files else ():
        day, mine = _read_day(row["date"]), runs.setdefault(row["service_id"], set())
        if days[0] <= day <= days[1]:
            mine.add(day) if row["exception_type"] == "1" else mine.discard(day)
    return {service: sorted(those) for service, those in runs.items()}


def span_services(files: Mapping[str, pl.DataFrame]) -> tuple[date, date]:
    """First and last day on which some service may run.

    Raises
    ------
    RadarError
        For a feed without any.
    """
    _require(files)
    found = [files["calendar"][name] for name in ("start_date", "end_date") if "calendar" in files]
    found += [files["calendar_dates"]["date"]] if "calendar_dates" in files else []
    days = [_read_day(text) for column in found for text in column.unique().to_list()]
    if not days:
        raise RadarError("a timetable without services", "rows in calendar.txt or calendar_dates.txt", "add them")
    return min(days), max(days)


def _read_day(text: str) -> date:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except (TypeError, ValueError) as error:
        raise RadarError(f"a service day {text}", "YYYYMMDD", "correct the calendar") from error


def _list_stops(stop_times: pl.DataFrame) -> dict[str, list[tuple[str, str]]]:
    """Stops of each trip with the time it leaves them, in their order."""
    calls: dict[str, list[tuple[int, str, str]]] = {}
    columns = ("trip_id", "stop_sequence", "stop_id", "departure_time")
    for trip, place, stop, leaves in stop_times.select(columns).iter_rows():
        if not str(place).strip().isdigit():
            raise RadarError(f"stop_sequence {place} of trip {trip}", "a whole number", "correct stop_times.txt")
        calls.setdefault(trip, []).append((int(place), stop, leaves))
    return {trip: [(stop, leaves) for _, stop, leaves in sorted(those)] for trip, those in calls.items()}


def _read_clock(text: str | None, trip: str) -> str:
    parts = (text or "").strip().split(":")
    if len(parts) not in (2, 3) or not all(part.isdigit() for part in parts) or int(parts[1]) > 59:
        raise RadarError(
            f"departure_time {text} of trip {trip}", "HH:MM:SS, beyond 24:00:00 on later days", "correct it"
        )
    return f"{int(parts[0]):02d}:{int(parts[1]):02d}"


def list_overfull(held: pl.DataFrame, needed: pl.DataFrame, room: pl.DataFrame) -> pl.DataFrame:
    """List the departures of a timetable that have too little room for what a plan that carries more puts on them.

    Parameters
    ----------
    held, needed
        ``trunk_departures`` of the timetable as it is and of the plan that changes it least.
    room
        lane_id, vehicle_type_id, capacity [parcels/departure].

    Returns
    -------
    polars.DataFrame
        date, lane_id, leaves_at (by the clock), departures, room, wanted, over [parcels], the most over first.
    """
    import polars as pl

    keys = [
        "date",
        "lane_id",
        *(["leaves_at"] if "leaves_at" in held.columns and "leaves_at" in needed.columns else []),
    ]
    given = held.join(room, on=["lane_id", "vehicle_type_id"]).group_by(keys)
    given_room = given.agg(pl.col("departures").sum(), room=(pl.col("departures") * pl.col("capacity")).sum())
    wanted = needed.group_by(keys).agg(wanted=pl.col("parcels").sum())
    both = wanted.join(given_room, on=keys, how="left", nulls_equal=True)
    both = both.with_columns(pl.col("departures").fill_null(0), pl.col("room").cast(pl.Int64).fill_null(0))
    both = both.with_columns(over=pl.col("wanted") - pl.col("room")).filter(pl.col("over") > 0)
    return both.select(*keys, "departures", "room", "wanted", "over").sort(
        "over", *keys, descending=[True, *[False] * len(keys)]
    )
