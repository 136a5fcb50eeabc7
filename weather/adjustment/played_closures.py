"""Closures played through: the hours in which chosen lanes are shut, and the days on which nothing leaves over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from data.errors import RadarError

LIKELY = 0.5
"""Closure probability from which ``likely`` plays a closure through (judgement)."""

SCENARIO = "closed in this scenario"

_LONGEST_DAYS = 10  # a vehicle is on the road at most (judgement: the longest lane of a country)


@dataclass(frozen=True)
class Played:
    """Closures played through.

    Parameters
    ----------
    closed
        ``date``, ``lane_id``: lane-days with a departure that may be closed, or that were named.
    hours
        Columns of ``lane_closures`` without run_id: when lanes are shut, with probability 1.
    lane_weather
        With the lane-days that are shut from midnight to midnight at capacity 0; None where nothing is closed.
    """

    closed: pl.DataFrame
    hours: pl.DataFrame
    lane_weather: pl.DataFrame | None


def play_closures(
    lane_weather: pl.DataFrame, closures: pl.DataFrame, lanes: pl.DataFrame, close: Sequence[str], zone: ZoneInfo
) -> Played:
    """Shut what is to be closed.

    ``likely`` and least probabilities shut lanes for the hours ``lane_closures`` gives: departures in them are lost and vehicles on
    the road stand still, other departures of the day go. LANE and LANE@DATE shut whole days. A lane-day whose weather calls for
    a closure of which no hours are known is shut as a whole.

    Parameters
    ----------
    lane_weather, closures
        What an impact run found, without run_id.
    lanes
        Table ``lanes``.
    close
        ``likely``, least probabilities, lane ids, ``LANE@DATE``.
    zone
        Time zone of dates.

    Raises
    ------
    RadarError
        When a lane to close is unknown, or a least probability is none.
    """
    chosen = lane_weather.select("date", "lane_id", "closure_probability")
    known = set(lanes["lane_id"])
    whole, risky, hours = [chosen.clear()], [chosen.clear()], [closures.clear()]
    for words in close:
        least = LIKELY if words == "likely" else _as_probability(words, known)
        if least is None:
            whole.append(_name_days(words, chosen, known))
            continue
        risky.append(chosen.filter(pl.col("closure_probability") >= least))
        hours.append(closures.filter(pl.col("probability") >= least))
    shut = _join_hours(pl.concat(hours))
    keys = ["date", "lane_id"]
    touched = touch_days(shut, zone)
    whole_days = pl.concat(whole).select(keys)
    likely = pl.concat(risky).select(keys)
    unknown = likely.join(touched, on=keys, how="anti").join(
        shut.select("lane_id").unique(), on="lane_id", how="anti"
    )  # an impact of before hours were told
    all_day = pl.concat([whole_days, unknown, touched.filter("all_day").select(keys)]).unique()
    closed = pl.concat([whole_days, likely]).unique().sort(keys)
    if closed.is_empty() and shut.is_empty():
        return Played(closed, shut, None)
    partly = touched.select(keys).join(all_day, on=keys, how="anti")
    return Played(closed, shut, _mark_closed(lane_weather, all_day, partly))


def fold_into_days(
    lane_weather: pl.DataFrame, hours: pl.DataFrame, lanes: pl.DataFrame, zone: ZoneInfo
) -> pl.DataFrame:
    """Say by days what shut hours do to lanes: a departure leaves when its day ends, and arrives T / speed_factor hours later.

    A day whose departure falls into shut hours has capacity 0; one whose vehicles are stopped for w hours on the road has the speed

        T / (T / speed_factor + w)

    Parameters
    ----------
    lane_weather
        ``date``, ``lane_id``, ``speed_factor``, ``capacity_factor``.
    hours
        Columns of ``lane_closures``: hours in which lanes are shut.
    lanes
        Table ``lanes``.
    zone
        Time zone of dates.

    Returns
    -------
    polars.DataFrame
        Those four columns, with a row for every lane-day that shut hours touch.
    """
    columns = ["date", "lane_id", "speed_factor", "capacity_factor"]
    factors = {row[:2]: row[2:] for row in lane_weather.select(columns).iter_rows()}
    transit = dict(lanes.select("lane_id", "transit_hours").iter_rows())
    for (lane,), rows in hours.sort("starts_at").group_by("lane_id", maintain_order=True):
        spans = list(rows.select("starts_at", "ends_at").iter_rows())
        day, last = (spans[0][0].astimezone(zone).date() - timedelta(days=_LONGEST_DAYS)), spans[-1][1]
        while lane in transit and (leaves := _midnight_after(day, zone)) < last:
            speed, capacity = factors.get((day, lane), (1.0, 1.0))
            lost, stopped = _stop(spans, leaves, transit[lane] / speed if speed > 0 else 0.0)
            if lost or stopped > 0:
                slowed = transit[lane] / (transit[lane] / speed + stopped) if speed > 0 and stopped > 0 else speed
                factors[day, lane] = (slowed, 0.0 if lost else capacity)
            day += timedelta(days=1)
    schema = lane_weather.select(columns).schema
    return pl.DataFrame([(*key, *value) for key, value in factors.items()], schema=schema, orient="row").sort(
        "date", "lane_id"
    )


def _midnight_after(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=zone)


def _stop(spans: Sequence[tuple[datetime, datetime]], leaves: datetime, hours: float) -> tuple[bool, float]:
    """Say whether a departure is lost, and for how many hours it is stopped on the road."""
    lost, arrives = False, leaves + timedelta(hours=hours)
    for begin, end in spans:
        lost = lost or begin <= leaves < end
        if leaves < begin < arrives:
            arrives += end - begin
    return lost, (arrives - leaves).total_seconds() / 3600.0 - hours


def touch_days(hours: pl.DataFrame, zone: ZoneInfo) -> pl.DataFrame:
    """List the lane-days in whose hours a lane is shut: ``date``, ``lane_id``, ``all_day`` [bool], by the clock of a zone."""
    rows = []
    for lane, starts, ends in hours.select("lane_id", "starts_at", "ends_at").iter_rows():
        day = starts.astimezone(zone).date()
        while (midnight := datetime.combine(day, time(), tzinfo=zone)) < ends:
            following = datetime.combine(day + timedelta(days=1), time(), tzinfo=zone)
            rows.append((day, lane, starts <= midnight and ends >= following))
            day += timedelta(days=1)
    schema = {"date": pl.Date(), "lane_id": pl.String(), "all_day": pl.Boolean()}
    found = pl.DataFrame(rows, schema=schema, orient="row")
    return found.group_by("date", "lane_id").agg(pl.col("all_day").any()).sort("date", "lane_id")


def _join_hours(hours: pl.DataFrame) -> pl.DataFrame:
    """Make one closure of those of a lane that touch or overlap, certain, with their causes."""
    rows: list[dict[str, object]] = []
    for row in hours.sort("lane_id", "starts_at").iter_rows(named=True):
        last = rows[-1] if rows else None
        if last is not None and last["lane_id"] == row["lane_id"] and row["starts_at"] <= last["ends_at"]:
            last["ends_at"] = max(last["ends_at"], row["ends_at"])
            if row["cause"] not in str(last["cause"]).split("; "):
                last["cause"] = f"{last['cause']}; {row['cause']}"
        else:
            rows.append(row | {"probability": 1.0})
    return pl.DataFrame(rows, schema=hours.schema)


def _name_days(words: str, lane_days: pl.DataFrame, known: set[str]) -> pl.DataFrame:
    """Lane-days that LANE or LANE@DATE names."""
    name, _, text = words.partition("@")
    if name not in known:
        raise RadarError(
            f"{words!r} to close",
            "likely, a least probability such as 0.3, LANE or LANE@DATE",
            "name a lane of the table lanes with --close",
        )
    if not text:
        return lane_days.filter(pl.col("lane_id") == name)
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise RadarError(f"day {text!r} in --close {words}", "LANE@2025-11-09", "correct it") from error
    return pl.DataFrame({"date": [day], "lane_id": [name], "closure_probability": [1.0]}).cast(lane_days.schema)


def _as_probability(words: str, lanes: set[str]) -> float | None:
    """Least closure probability that the words say; None where they are no number, or name a lane.

    Raises
    ------
    RadarError
        For a number that is no probability, or 0, which would close everything.
    """
    try:
        least = float(words)
    except ValueError:
        return None
    if words in lanes:
        return None
    if not 0.0 < least <= 1.0:
        raise RadarError(f"--close {words}", "a least probability above 0 and at most 1, such as 0.3", "correct it")
    return least


def _mark_closed(lanes: pl.DataFrame, all_day: pl.DataFrame, partly: pl.DataFrame) -> pl.DataFrame:
    """Lane weather that says what is closed: no departure on lane-days shut as a whole, probability 1 on all of them."""
    shut = pl.concat([all_day.with_columns(open=pl.lit(0.0)), partly.with_columns(open=pl.lit(1.0))])
    cause = pl.concat_str(pl.lit(SCENARIO), pl.col("cause").replace("", None), separator="; ", ignore_nulls=True)
    marked = shut.join(lanes, on=["date", "lane_id"], how="left").with_columns(
        pl.col("speed_factor").fill_null(1.0),
        capacity_factor=pl.col("open") * pl.col("capacity_factor").fill_null(1.0),
        closure_probability=pl.lit(1.0),
        severity=pl.col("severity").fill_null("none"),
        cause=cause,
    )
    rest = lanes.join(shut, on=["date", "lane_id"], how="anti")
    return pl.concat([rest, marked.select(lanes.columns)]).sort("date", "lane_id")
