"""Answers of Open-Meteo (JSON): hourly, daily and current blocks, one place or a list of places.

Units are read from the answer's own ``*_units`` blocks, so it does not matter what was asked for (km/h or m/s, °F, inch,
unixtime). Format: open-meteo.com/en/docs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from data.errors import RadarError
from weather.feeds.reading import Kind, Reading, check_bounds, check_place, join_readings
from weather.feeds.rows import read_json
from weather.units import Floats, Quantity, convert

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


def read_file(path: Path) -> Reading:
    """Read one answer of Open-Meteo as saved to a file.

    Raises
    ------
    RadarError
        When the file is no JSON, is the provider's error answer, or a field is missing, broken or out of range.
    """
    return parse(read_json(path), file=path.name)


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
        See ``read_file``.
    """
    places = answer if isinstance(answer, list) else [answer]
    if not places:
        raise RadarError("an empty list", "at least one place", "fetch it again", file=file)
    frames, ignored, only_current = [], set[str](), True
    for number, place in enumerate(places, start=1):
        where = file if len(places) == 1 else f"{file}, place {number}"
        if not isinstance(place, dict):
            raise RadarError(
                f"a {type(place).__name__}", "an object with latitude and hourly", "fetch it again", file=where
            )
        frame, unused, is_current = _parse_place(place, where)
        frames.append(frame)
        ignored |= unused
        only_current &= is_current
    kind: Kind | None = "observations" if only_current else None
    return Reading(join_readings(frames), PROVIDER, kind, tuple(sorted(ignored)))


def _parse_place(place: Mapping[str, Any], file: str) -> tuple[pl.DataFrame, set[str], bool]:
    if place.get("error"):
        reason = str(place.get("reason", "no reason given"))
        raise RadarError(
            f"the provider's error answer: {reason}", action="correct the request and fetch it again", file=file
        )
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
    frames, ignored = [], set[str]()
    if "hourly" in place:
        frame, unused = _hourly(place, offset, file)
        frames.append(frame)
        ignored |= unused
    elif "daily" in place:
        frame, unused = _daily(place, offset, file)
        frames.append(frame)
        ignored |= unused
    if "current" in place:
        frame, unused = _current(place, offset, file)
        # an hour the hourly block tells already is not told twice
        frames.append(frame if not frames else frame.join(frames[0], on="valid_at", how="anti"))
        ignored |= unused
    joined = pl.concat(frames, how="diagonal")
    at = [pl.lit(latitude).alias("latitude"), pl.lit(longitude).alias("longitude")]
    return joined.with_columns(at), ignored, blocks == ["current"]


def _hourly(place: Mapping[str, Any], offset: float, file: str) -> tuple[pl.DataFrame, set[str]]:
    block, units = _block(place, "hourly", file)
    times = _times(block, units, offset, "hourly", file)
    columns, ignored = _columns(block, units, HOURLY, len(times), "hourly", file)
    if not columns:
        raise RadarError(
            f"hourly variables {', '.join(sorted(ignored))[:120]}",
            f"one of {', '.join(HOURLY)}",
            "ask for them",
            file=file,
        )
    _check(columns, "hourly", file)
    return pl.DataFrame({"valid_at": _moments(times), **columns}), ignored


def _current(place: Mapping[str, Any], offset: float, file: str) -> tuple[pl.DataFrame, set[str]]:
    block, units = _block(place, "current", file)
    listed = {name: [value] for name, value in block.items()}
    times = _times(listed, units, offset, "current", file)
    columns, ignored = _columns(listed, units, HOURLY, 1, "current", file)
    # water of the last interval (mostly 900 s), as a rate an hour
    seconds = _number(block, "interval", file, default=3600.0)
    if seconds <= 0:
        raise RadarError(
            f"interval {seconds:g}", "seconds above 0", "fetch it again", file=file, column="current.interval"
        )
    for name in _AMOUNTS:
        if name in columns:
            columns[name] = columns[name] * (3600.0 / seconds)
    _check(columns, "current", file)
    return pl.DataFrame({"valid_at": _moments(times), **columns}), ignored - {"interval"}


def _daily(place: Mapping[str, Any], offset: float, file: str) -> tuple[pl.DataFrame, set[str]]:
    block, units = _block(place, "daily", file)
    times = _times(block, units, offset, "daily", file)
    columns, ignored = _columns(block, units, _DAILY, len(times), "daily", file)
    if not columns:
        raise RadarError(
            f"daily variables {', '.join(sorted(ignored))[:120]}",
            f"one of {', '.join(_DAILY)}",
            "ask for them",
            file=file,
        )
    wet = None
    if "precipitation_hours" in block:
        wet = _values(block, "precipitation_hours", len(times), "daily", file)
    return _hours_of_days(times, columns, wet, file), ignored - {"precipitation_hours"}


def _hours_of_days(times: list[datetime], columns: Mapping[str, Floats], wet: Floats | None, file: str) -> pl.DataFrame:
    """Spread days over their 24 hours (row h speaks of the hour that ends h hours after midnight).

    The water of the day falls in ``precipitation_hours`` hours (24 where not told), set evenly through the day: sums and
    hourly intensity are the provider's, only the time of day is not. Temperature follows a cosine between the coldest
    (03:00) and the warmest (15:00); wind and visibility are the worst of the day at every hour.
    """
    days = len(times)
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
    flat = {name: values.ravel() for name, values in spread.items()}
    _check(flat, "daily", file)
    moments = [start + timedelta(hours=int(step)) for start in times for step in hour]
    return pl.DataFrame({"valid_at": _moments(moments), **flat})


def _block(place: Mapping[str, Any], name: str, file: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    block, units = place[name], place.get(f"{name}_units")
    if not isinstance(block, dict):
        raise RadarError(f"{name} that is no object", "variables by name", "fetch it again", file=file, column=name)
    if not isinstance(units, dict):
        raise RadarError(
            f"no {name}_units", "the units of every variable", "fetch it again", file=file, column=f"{name}_units"
        )
    return block, units


def _times(block: Mapping[str, Any], units: Mapping[str, Any], offset: float, name: str, file: str) -> list[datetime]:
    column, unit = f"{name}.time", units.get("time")
    stamps = block.get("time")
    if not isinstance(stamps, list) or not stamps:
        raise RadarError(f"no times in {name}", "a list of times", "fetch it again", file=file, column=column)
    try:
        if unit == "iso8601":
            return [_instant(str(stamp), offset) for stamp in stamps]
        if unit == "unixtime":
            return [datetime.fromtimestamp(float(stamp), tz=UTC) for stamp in stamps]
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise RadarError(
            f"a time that is no {unit} ({error})", action="fetch it again", file=file, column=column
        ) from error
    raise RadarError(
        f"time unit {unit!r}", "iso8601 or unixtime", "fetch it again", file=file, column=f"{name}_units.time"
    )


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
    file: str,
) -> tuple[dict[str, Floats], set[str]]:
    columns: dict[str, Floats] = {}
    for variable, (column, quantity) in wanted.items():
        if variable not in block or column in columns:
            continue
        unit = units.get(variable)
        place = f"{name}.{variable}"
        if not isinstance(unit, str):
            raise RadarError(f"no unit for {place}", f"one in {name}_units", "fetch it again", file=file, column=place)
        values = _values(block, variable, length, name, file)
        columns[column] = convert(values, unit, quantity, file=file, column=place)
    return columns, {variable for variable in block if variable not in wanted and variable != "time"}


def _values(block: Mapping[str, Any], variable: str, length: int, name: str, file: str) -> Floats:
    values = block[variable]
    place = f"{name}.{variable}"
    if not isinstance(values, list):
        raise RadarError(
            f"a {type(values).__name__} in {place}", "a list of numbers", "fetch it again", file=file, column=place
        )
    if len(values) != length:
        raise RadarError(f"{len(values)} values", f"{length}, one a time", "fetch it again", file=file, column=place)
    bad = [
        value
        for value in values
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float))
    ]
    if bad:
        raise RadarError(f"{bad[0]!r} in {place}", "numbers or null", "fetch it again", file=file, column=place)
    return np.array([np.nan if value is None else float(value) for value in values], dtype=np.float64)


def _number(place: Mapping[str, Any], name: str, file: str, default: float | None = None) -> float:
    value = place.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        told = f"no {name}" if value is None else f"{name} {value!r}"
        raise RadarError(told, "a number", "fetch it again", file=file, column=name)
    return float(value)


def _check(columns: Mapping[str, Floats], name: str, file: str) -> None:
    for column, values in columns.items():
        check_bounds(column, values, file=file, column=f"{name}: {column}")


def _moments(times: list[datetime]) -> pl.Series:
    return pl.Series("valid_at", times, dtype=pl.Datetime("us", "UTC"))
