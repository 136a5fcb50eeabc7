"""Hours of hubs, lanes and promises that no plan can keep: sorts without capacity, departures nobody can take, promises no lane keeps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from heapq import heappop, heappush
from zoneinfo import ZoneInfo

import polars as pl

from data.checks.coverage import make_findings, no_findings
from data.contracts.fields import LAST_DATE

_AHEAD_DAYS = 400  # days for which the changes of clocks are looked up (judgement: each change of a year once)
_RECENT_DAYS = 28  # of volumes that tell how much a promise is about (judgement)
_MINUTES_A_DAY = 24 * 60


def find_hour_faults(tables: Mapping[str, pl.DataFrame], zone: ZoneInfo, today: date) -> pl.DataFrame:
    """Find hours that contradict each other or nobody can keep.

    Parameters
    ----------
    tables
        Reference and history tables by name.
    zone
        Of hubs that name none.
    today
        The first day on which hours are asked for.

    Returns
    -------
    polars.DataFrame
        Findings of kinds ``idle sort`` (a sort without capacity), ``lost hour`` (one that the change of clocks leaves out),
        ``departure without vehicle`` (only for a type that its lane does not take), ``departure of a shut hub`` (on weekdays on
        which its hub has no sort) and ``promise no lane keeps``, with the parcels of the last four weeks it is about.
    """
    parts = [
        _find_idle_sorts(tables["hub_sorts"]),
        _find_lost_hours(tables, zone, today),
        _find_departures(tables),
        _find_promises(tables),
    ]
    return pl.concat(parts)


def _find_idle_sorts(sorts: pl.DataFrame) -> pl.DataFrame:
    return make_findings(
        sorts.filter(pl.col("sort_capacity") == 0).sort("hub_id", "sort_id", "date_from"),
        kind=pl.lit("idle sort"),
        table=pl.lit("hub_sorts"),
        subject=pl.format("hub {} sort {}", "hub_id", "sort_id"),
        date_from=pl.col("date_from"),
        date_to=pl.col("date_to"),
        detail=pl.lit("its sort_capacity is 0: nothing is sorted in it; an empty one is no bound"),
    )


def _find_lost_hours(tables: Mapping[str, pl.DataFrame], zone: ZoneInfo, today: date) -> pl.DataFrame:
    """Hours of sorts and departures that do not exist on the day a clock goes forward."""
    zones = {
        hub: ZoneInfo(name) if name else zone for hub, name in tables["hubs"].select("hub_id", "time_zone").iter_rows()
    }
    starts = dict(tables["lanes"].select("lane_id", "origin_hub_id").iter_rows())
    asked: list[tuple[str, str, str, str, str, date, date]] = []
    for row in tables["hub_sorts"].iter_rows(named=True):
        for column in ("opens", "cut_off", "closes"):
            name = f"hub {row['hub_id']} sort {row['sort_id']} {column}"
            asked.append(
                (
                    "hub_sorts",
                    name,
                    row["hub_id"],
                    row[column],
                    row["weekdays"] or "",
                    row["date_from"],
                    row["date_to"] or LAST_DATE,
                )
            )
    for row in tables["lane_departures"].iter_rows(named=True):
        name = f"lane {row['lane_id']} at {row['leaves']}"
        asked.append(
            (
                "lane_departures",
                name,
                starts.get(row["lane_id"], ""),
                row["leaves"],
                row["weekdays"] or "",
                date.min,
                LAST_DATE,
            )
        )
    skipped = {key: list(_list_skipped(key, today)) for key in set(zones.values())}
    rows = []
    for table, name, hub, clock, weekdays, first, last in asked:
        if hub not in zones:
            continue
        for day, start, end in skipped[zones[hub]]:
            back, minute = divmod(_read_minutes(clock), _MINUTES_A_DAY)
            business = day - timedelta(days=back)
            runs = first <= business <= last and (not weekdays or str(business.isoweekday()) in weekdays)
            if runs and start <= minute < end:
                rows.append((table, name, day, f"{clock} does not exist then in {zones[hub].key}: clocks go forward"))
    frame = pl.DataFrame(rows, schema=["table", "subject", "day", "detail"], orient="row") if rows else None
    if frame is None:
        return no_findings()
    return make_findings(
        frame,
        kind=pl.lit("lost hour"),
        table=pl.col("table"),
        subject=pl.col("subject"),
        date_from=pl.col("day"),
        date_to=pl.col("day"),
        detail=pl.col("detail"),
    )


def _list_skipped(zone: ZoneInfo, today: date) -> Iterator[tuple[date, int, int]]:
    """Days on which clocks go forward, and the minutes of the day that are left out."""
    for ahead in range(_AHEAD_DAYS):
        day = today + timedelta(days=ahead)
        before = datetime(day.year, day.month, day.day, tzinfo=zone)
        after = before + timedelta(days=1)
        gained = (after.utcoffset() or timedelta()) - (before.utcoffset() or timedelta())
        if gained > timedelta():
            minutes = [
                minute for minute in range(0, _MINUTES_A_DAY, 15) if _is_lost(before + timedelta(minutes=minute), zone)
            ]
            if minutes:
                yield day, minutes[0], minutes[0] + int(gained.total_seconds() // 60)


def _is_lost(moment: datetime, zone: ZoneInfo) -> bool:
    return moment.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != moment.replace(tzinfo=None)


def _read_minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def _find_departures(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    lanes = {row["lane_id"]: row for row in tables["lanes"].iter_rows(named=True)}
    modes = dict(tables["vehicle_types"].select("vehicle_type_id", "mode").iter_rows())
    listed: dict[str, set[str]] = {}
    for lane, kind in tables["lane_vehicles"].select("lane_id", "vehicle_type_id").iter_rows():
        listed.setdefault(lane, set()).add(kind)
    open_on: dict[str, set[str]] = {}
    for hub, weekdays in tables["hub_sorts"].select("hub_id", "weekdays").iter_rows():
        open_on.setdefault(hub, set()).update(weekdays or "1234567")
    rows = []
    for row in tables["lane_departures"].sort("lane_id", "leaves").iter_rows(named=True):
        lane, kind = lanes.get(row["lane_id"]), row["vehicle_type_id"]
        if lane is None:
            continue
        subject = f"lane {row['lane_id']} at {row['leaves']}"
        takes = listed.get(row["lane_id"], {name for name, mode in modes.items() if mode == lane["mode"]})
        if kind is not None and kind not in takes:
            detail = f"is for {kind} alone, which the lane does not take: nobody can leave then"
            rows.append(("departure without vehicle", subject, detail))
        hub = lane["origin_hub_id"]
        shut = sorted(set(row["weekdays"] or "1234567") - open_on.get(hub, set("1234567")))
        if shut:
            detail = f"hub {hub} has no sort on weekdays {''.join(shut)}: it leaves with what was sorted before"
            rows.append(("departure of a shut hub", subject, detail))
    if not rows:
        return no_findings()
    return make_findings(
        pl.DataFrame(rows, schema=["kind", "subject", "detail"], orient="row"),
        kind=pl.col("kind"),
        table=pl.lit("lane_departures"),
        subject=pl.col("subject"),
        detail=pl.col("detail"),
    )


def _find_promises(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Promises shorter than the fastest chain of lanes takes, hub to hub."""
    ways: dict[str, list[tuple[str, float]]] = {}
    lanes = tables["lanes"].select("origin_hub_id", "destination_hub_id", "transit_hours")
    for start, end, hours in lanes.iter_rows():
        ways.setdefault(start, []).append((end, hours))
    fastest: dict[str, dict[str, float]] = {}
    rows = []
    for row in tables["service_promises"].iter_rows(named=True):
        start, end = row["origin_hub_id"], row["destination_hub_id"]
        allowed = row["latest_hours"] if row["latest_hours"] is not None else _count_hours(row)
        if start not in fastest:
            fastest[start] = _reach(start, ways)
        hours = fastest[start].get(end)
        if hours is None or hours > allowed:
            detail = "no lanes lead there" if hours is None else f"the fastest lanes take {hours:g} hours"
            rows.append((start, end, f"promised within {allowed:g} hours, {detail}"))
    if not rows:
        return no_findings()
    keys = ["origin_hub_id", "destination_hub_id"]
    broken = pl.DataFrame(rows, schema=[*keys, "told"], orient="row")
    volumes = tables["route_volumes"]
    recent = volumes.filter(pl.col("date") > pl.col("date").max().dt.offset_by(f"-{_RECENT_DAYS}d"))
    total = max(int(recent["parcels"].sum()), 1)
    broken = broken.join(recent.group_by(keys).agg(pl.col("parcels").sum()), on=keys, how="left").sort(keys)
    share = (pl.col("parcels").fill_null(0) / total * 100).round(2)
    return make_findings(
        broken,
        kind=pl.lit("promise no lane keeps"),
        table=pl.lit("service_promises"),
        subject=pl.format("route {}-{}", *keys),
        parcels=pl.col("parcels"),
        detail=pl.format("{}; {} % of the parcels of the last 28 days", "told", share),
    )


def _count_hours(promise: Mapping[str, object]) -> float:
    """Hours from the start of the day of hand-in to a promise by day and hour: no parcel is handed in earlier."""
    hour = str(promise["by_hour"] or "24:00")
    return 24.0 * int(str(promise["by_day"])) + _read_minutes(hour) / 60


def _reach(hub: str, ways: Mapping[str, Iterable[tuple[str, float]]]) -> dict[str, float]:
    """Hours of the fastest chain of lanes from a hub to every other (Dijkstra 1959)."""
    found: dict[str, float] = {}
    heap = [(0.0, hub)]
    while heap:
        hours, here = heappop(heap)
        if here not in found:
            found[here] = hours
            for there, more in ways.get(here, []):
                heappush(heap, (hours + more, there))
    return found
