"""Answers of Open-Meteo (JSON): hourly, daily and current blocks, one place or a list of places.

Units are read from the answer's own ``*_units`` blocks, so it does not matter what was asked for (km/h or m/s, °F, inch,
unixtime). Format: open-meteo.com/en/docs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import polars as pl

from data.arrays import Floats
from data.errors import RadarError
from weather.feeds.bad_rows import ENTRY, BadRows, join_bad_rows
from weather.feeds.reading import Kind, Reading, bounds_rule, check_place, join_readings, outside_bounds
from weather.feeds.units import Quantity, convert

PROVIDER: Final = "open-meteo"

# variable -> column, quantity; the first that is present counts (older answers spell windspeed_10m)
HOURLY: Mapping[str, tuple[str, Quantity]] = {
    "temperature_2m": ("temperature_c", "temperature"),
    "precipitation": ("precipitation_mm", "precipitation"),
    "snowfall": ("snowfall_cm", "snowfall"),
    "wind_speed_10m": ("wind_speed_ms", "wind"),
    "windspeed_10m": ("wind_speed_ms", "wind"),
    "visibility": ("visibility_m", "visibility"),
}
_DAILY: Mapping[str, tuple[str, Quantity]] = {
    "temperature_2m_max": ("warmest", "temperature"),
    "temperature_2m_min": ("coldest", "temperature"),
    "precipitation_sum": ("precipitation_mm", "precipitation"),
    "snowfall_sum": ("snowfall_cm", "snowfall"),
    "wind_speed_10m_max": ("wind_speed_ms", "wind"),
    "windspeed_10m_max": ("wind_speed_ms", "wind"),
    "visibility_min": ("visibility_m", "visibility"),
}
_AMOUNTS = ("precipitation_mm", "snowfall_cm")


def parse(answer: object, *, file: str = "answer") -> Reading:
    """Parse one decoded answer of Open-Meteo.

    Parameters
    ----------
    answer
        The decoded JSON: an object for one place, a list of objects for several.
    file
        Named in errors.

    Returns
    -------
    Reading
        Hourly rows as delivered. A ``current`` block becomes one row (its water as a rate an hour). A ``daily`` block
        becomes 24 hours a day where there is no hourly block: see ``_hours_of_days``. The kind is ``observations`` when the answer
        holds nothing but ``current``, else open.

    Raises
    ------
    RadarError
        When it is the provider's error answer, or a field is missing. An entry with a broken value, and a broken place among
        others, is one of ``Reading.bad_rows``.
    """
    places = answer if isinstance(answer, list) else [answer]
    if not places:
        raise RadarError("an empty list", "at least one place", "fetch it again", file=file)
    found, apart, refused = list[_Found](), list[pl.DataFrame](), list[RadarError]()
    for number, place in enumerate(places, start=1):
        where = file if len(places) == 1 else f"{file}, place {number}"
        try:
            found.append(_parse_place(place, where))
        except RadarError as error:
            refused.append(error)
            bad = BadRows(where)
            bad.add_error(None, error)
            apart.append(bad.frame())
    if not found:
        raise refused[0]
    kind: Kind | None = "observations" if all(each.only_current for each in found) else None
    return Reading(
        join_readings([each.frame for each in found]),
        PROVIDER,
        kind,
        tuple(sorted(set().union(*(each.ignored for each in found)))),
        bad_rows=join_bad_rows([*(each.bad_rows for each in found), *apart]),
        entries=sum(each.entries for each in found) + len(refused),
    )


@dataclass(frozen=True)
class _Found:
    """What a block, or a whole place, says: good rows, bad ones, entries read, variables without use."""

    frame: pl.DataFrame
    bad_rows: pl.DataFrame
    entries: int
    ignored: set[str]
    only_current: bool = False


def _parse_place(place: Any, file: str) -> _Found:
    if not isinstance(place, dict):
        raise RadarError(f"a {type(place).__name__}", "an object with latitude and hourly", "fetch it again", file=file)
    if place.get("error"):
        reason = str(place.get("reason", "no reason given"))
        raise RadarError(
            f"the provider's error answer: {reason}", action="correct the request and fetch it again", file=file
        )
    if "results" in place and "latitude" not in place:
        raise RadarError("a list of places", "the weather of a place", "fetch the weather of those you need", file=file)
    latitude, longitude = _number(place, "latitude", file), _number(place, "longitude", file)
    check_place(latitude, longitude, file=file)
    blocks = [name for name in ("hourly", "daily", "current") if name in place]
    if not blocks:
        raise RadarError(
            f"only the fields {', '.join(sorted(place))[:120]}",
            "a block hourly, daily or current",
            "ask for one",
            file=file,
        )
    offset = _number(place, "utc_offset_seconds", file)
    if abs(offset) > 15 * 3600:
        raise RadarError(
            f"{offset:g} s", "an offset within 15 hours", "fetch it again", file=file, column="utc_offset_seconds"
        )
    found = []
    if "hourly" in place:
        found.append(_hourly(place, offset, file))
    elif "daily" in place:
        found.append(_daily(place, offset, file))
    if "current" in place:
        found.append(_current(place, offset, file))
    frames = [each.frame for each in found]
    if len(frames) > 1:
        # an hour the hourly block tells already is not told twice
        frames[1] = frames[1].join(frames[0], on="valid_at", how="anti")
    at = [pl.lit(latitude).alias("latitude"), pl.lit(longitude).alias("longitude")]
    return _Found(
        pl.concat(frames, how="diagonal").with_columns(at),
        join_bad_rows([each.bad_rows for each in found]),
        sum(each.entries for each in found),
        set().union(*(each.ignored for each in found)),
        blocks == ["current"],
    )


def _hourly(place: Mapping[str, Any], offset: float, file: str) -> _Found:
    block, units = _block(place, "hourly", file)
    bad = BadRows(file)
    times = _times(block, units, offset, "hourly", bad)
    columns, ignored = _columns(block, units, HOURLY, len(times), "hourly", bad)
    if not columns:
        raise RadarError(
            f"hourly variables {', '.join(sorted(ignored))[:120]}",
            f"one of {', '.join(HOURLY)}",
            "ask for them",
            file=file,
        )
    return _keep_good(times, columns, "hourly", bad, ignored)


def _current(place: Mapping[str, Any], offset: float, file: str) -> _Found:
    block, units = _block(place, "current", file)
    bad = BadRows(file)
    listed = {name: [value] for name, value in block.items()}
    times = _times(listed, units, offset, "current", bad)
    columns, ignored = _columns(listed, units, HOURLY, 1, "current", bad)
    # water of the last interval (mostly 900 s), as a rate an hour
    seconds = _number(block, "interval", file, default=3600.0)
    if seconds <= 0:
        raise RadarError(
            f"interval {seconds:g}", "seconds above 0", "fetch it again", file=file, column="current.interval"
        )
    for name in _AMOUNTS:
        if name in columns:
            columns[name] = columns[name] * (3600.0 / seconds)
    return _keep_good(times, columns, "current", bad, ignored - {"interval"})


def _daily(place: Mapping[str, Any], offset: float, file: str) -> _Found:
    block, units = _block(place, "daily", file)
    bad = BadRows(file)
    times = _times(block, units, offset, "daily", bad)
    columns, ignored = _columns(block, units, _DAILY, len(times), "daily", bad)
    if not columns:
        raise RadarError(
            f"daily variables {', '.join(sorted(ignored))[:120]}",
            f"one of {', '.join(_DAILY)}",
            "ask for them",
            file=file,
        )
    wet = None
    if "precipitation_hours" in block:
        wet = _values(block, "precipitation_hours", len(times), "daily", bad)
    hours = _hours_of_days(columns, wet, len(times))
    _note_outside({name: values.reshape(-1, 24) for name, values in hours.items()}, "daily", bad)
    moments = [None if start is None else start + timedelta(hours=hour) for start in times for hour in range(1, 25)]
    entries = pl.Series(ENTRY, np.repeat(np.arange(1, len(times) + 1), 24), dtype=pl.Int64)
    frame = pl.DataFrame({ENTRY: entries, "valid_at": _moments(moments), **hours})
    good = frame.filter(~pl.col(ENTRY).is_in(list(bad.rows)))
    return _Found(good, bad.frame(), len(times), ignored - {"precipitation_hours"})


def _keep_good(
    times: list[datetime | None], columns: Mapping[str, Floats], name: str, bad: BadRows, ignored: set[str]
) -> _Found:
    """Note the entries out of bounds, and keep the others."""
    _note_outside({column: values[:, None] for column, values in columns.items()}, name, bad)
    entries = pl.int_range(1, len(times) + 1, dtype=pl.Int64, eager=True)
    frame = pl.DataFrame({ENTRY: entries, "valid_at": _moments(times), **columns})
    return _Found(frame.filter(~pl.col(ENTRY).is_in(list(bad.rows))), bad.frame(), len(times), ignored)


def _note_outside(columns: Mapping[str, Floats], name: str, bad: BadRows) -> None:
    """Note entries of which a value is out of bounds; each column of shape (entries, values of an entry)."""
    for column, values in columns.items():
        outside = outside_bounds(column, values)
        for entry in np.flatnonzero(outside.any(axis=1)):
            value = values[entry][outside[entry]][0]
            bad.add(int(entry) + 1, f"{name}: {column}", f"{value:g}", bounds_rule(column))


def _hours_of_days(columns: Mapping[str, Floats], wet: Floats | None, days: int) -> dict[str, Floats]:
    """Spread days over their 24 hours, shape (days x 24,): hour h ends h hours after midnight.

    The water of the day falls in ``precipitation_hours`` hours (24 where not told), set evenly through the day: sums and
    hourly intensity are the provider's, only the time of day is not. Temperature follows a cosine between the coldest
    (03:00) and the warmest (15:00); wind and visibility are the worst of the day at every hour.
    """
    hour = np.arange(1, 25, dtype=np.float64)
    spread: dict[str, Floats] = {}
    count = np.full(days, 24.0) if wet is None else np.where(np.isnan(wet), 24.0, wet)
    count = np.clip(np.rint(count), 0.0, 24.0)
    steps = np.floor(hour[None, :] * count[:, None] / 24.0) - np.floor((hour[None, :] - 1.0) * count[:, None] / 24.0)
    # a sum without a wet hour (a trace) falls in the day's last hour
    steps[:, -1] = np.where(count == 0.0, 1.0, steps[:, -1])
    for name in _AMOUNTS:
        if name in columns:
            spread[name] = (columns[name] / np.maximum(count, 1.0))[:, None] * steps
    if "warmest" in columns or "coldest" in columns:
        warmest = columns["warmest" if "warmest" in columns else "coldest"]
        coldest = columns["coldest" if "coldest" in columns else "warmest"]
        wave = np.cos(2.0 * np.pi * (hour - 15.0) / 24.0)
        spread["temperature_c"] = ((warmest + coldest) / 2.0)[:, None] + ((warmest - coldest) / 2.0)[:, None] * wave
    for name in ("wind_speed_ms", "visibility_m"):
        if name in columns:
            spread[name] = np.repeat(columns[name][:, None], 24, axis=1)
    return {name: values.ravel() for name, values in spread.items()}


def _block(place: Mapping[str, Any], name: str, file: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    block, units = place[name], place.get(f"{name}_units")
    if not isinstance(block, dict):
        raise RadarError(f"{name} that is no object", "variables by name", "fetch it again", file=file, column=name)
    if not isinstance(units, dict):
        raise RadarError(
            f"no {name}_units", "the units of every variable", "fetch it again", file=file, column=f"{name}_units"
        )
    return block, units


def _times(
    block: Mapping[str, Any], units: Mapping[str, Any], offset: float, name: str, bad: BadRows
) -> list[datetime | None]:
    """Read the times of a block; None, and noted, where one is none."""
    column, unit = f"{name}.time", units.get("time")
    stamps = block.get("time")
    if not isinstance(stamps, list) or not stamps:
        raise RadarError(f"no times in {name}", "a list of times", "fetch it again", file=bad.file, column=column)
    if unit not in ("iso8601", "unixtime"):
        raise RadarError(
            f"time unit {unit!r}", "iso8601 or unixtime", "fetch it again", file=bad.file, column=f"{name}_units.time"
        )
    times: list[datetime | None] = []
    for entry, stamp in enumerate(stamps, start=1):
        try:
            moment = _instant(str(stamp), offset) if unit == "iso8601" else datetime.fromtimestamp(float(stamp), tz=UTC)
        except (TypeError, ValueError, OverflowError, OSError):
            bad.add(entry, column, stamp, f"is no {unit} time")
            times.append(None)
        else:
            times.append(moment)
    return times


def _instant(stamp: str, offset: float) -> datetime:
    """Read a wall time at the answer's own offset; a stamp that carries an offset keeps that."""
    moment = datetime.fromisoformat(stamp)
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    return moment.replace(tzinfo=UTC) - timedelta(seconds=offset)


def _columns(
    block: Mapping[str, Any],
    units: Mapping[str, Any],
    wanted: Mapping[str, tuple[str, Quantity]],
    length: int,
    name: str,
    bad: BadRows,
) -> tuple[dict[str, Floats], set[str]]:
    columns: dict[str, Floats] = {}
    for variable, (column, quantity) in wanted.items():
        if variable not in block or column in columns:
            continue
        unit = units.get(variable)
        place = f"{name}.{variable}"
        if not isinstance(unit, str):
            raise RadarError(
                f"no unit for {place}", f"one in {name}_units", "fetch it again", file=bad.file, column=place
            )
        values = _values(block, variable, length, name, bad)
        columns[column] = convert(values, unit, quantity, file=bad.file, column=place)
    return columns, {variable for variable in block if variable not in wanted and variable != "time"}


def _values(block: Mapping[str, Any], variable: str, length: int, name: str, bad: BadRows) -> Floats:
    """Read the values of a variable; NaN, and noted, where one is no number."""
    values = block[variable]
    place = f"{name}.{variable}"
    if not isinstance(values, list):
        raise RadarError(
            f"a {type(values).__name__} in {place}", "a list of numbers", "fetch it again", file=bad.file, column=place
        )
    if len(values) != length:
        raise RadarError(
            f"{len(values)} values", f"{length}, one a time", "fetch it again", file=bad.file, column=place
        )
    numbers = np.full(length, np.nan)
    for entry, value in enumerate(values):
        if isinstance(value, bool) or not isinstance(value, int | float | None):
            bad.add(entry + 1, place, value, "is neither a number nor null")
        elif value is not None:
            numbers[entry] = _as_float(value)
    return numbers


def _as_float(value: float) -> float:
    """Return a number of JSON as a float; a whole number beyond every float is infinite, and out of bounds."""
    try:
        return float(value)
    except OverflowError:
        return float("inf")


def _number(place: Mapping[str, Any], name: str, file: str, default: float | None = None) -> float:
    value = place.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        problem = f"no {name}" if value is None else f"{name} {value!r}"
        raise RadarError(problem, "a number", "fetch it again", file=file, column=name)
    return _as_float(value)


def _moments(times: list[datetime | None]) -> pl.Series:
    return pl.Series("valid_at", times, dtype=pl.Datetime("us", "UTC"))
