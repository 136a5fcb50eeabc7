"""From one record a time to the one shape: what the JSON feeds have in common."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

import numpy as np
import polars as pl

from data.errors import RadarError
from weather.feeds.reading import check_bounds
from weather.feeds.units import Quantity, convert

# Half of a character that JSON writes in two parts: it is no text, and says nothing.
_HALF = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)

COLUMNS: Mapping[Quantity, str] = {
    "temperature": "temperature_c",
    "precipitation": "precipitation_mm",
    "snowfall": "snowfall_cm",
    "wind": "wind_speed_ms",
    "visibility": "visibility_m",
}


def parse_json(content: bytes, *, file: str) -> Any:
    """Parse the bytes of a JSON answer.

    Raises
    ------
    RadarError
        When it is no JSON.
    """
    try:
        return json.loads(_HALF.sub(r"\\ufffd", content.decode("utf-8-sig")))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        problem = (
            f"line {error.lineno}, {error.msg}" if isinstance(error, json.JSONDecodeError) else type(error).__name__
        )
        raise RadarError(f"no readable JSON ({problem})", "a provider's answer", "fetch it again", file=file) from error


def records_of(answer: Mapping[str, Any], name: str, file: str) -> list[Mapping[str, Any]]:
    """Return a list of objects of an answer.

    Raises
    ------
    RadarError
        When it is no list of objects, or an empty one.
    """
    records = answer.get(name)
    if isinstance(records, dict):
        records = [records]
    if not isinstance(records, list) or not records or not all(isinstance(record, dict) for record in records):
        raise RadarError(
            f"{name} that is no list of objects", "one object a time", "fetch it again", file=file, column=name
        )
    return records


def number_of(record: Mapping[str, Any], name: str, *, file: str, row: int) -> float:
    """Return a number that may be written as text; NaN where it is absent or empty.

    Raises
    ------
    RadarError
        When it is neither a number nor empty.
    """
    value = record.get(name)
    if value is None or value == "":
        return float("nan")
    try:
        number = float("truth" if isinstance(value, bool) else value)
    except (TypeError, ValueError) as error:
        raise RadarError(
            f"{str(value)[:60]!r}", "a number", "fetch it again", file=file, row=row, column=name
        ) from error
    if not np.isfinite(number):
        raise RadarError(f"{value!r}", "a finite number", "fetch it again", file=file, row=row, column=name)
    return number


def moment_of(record: Mapping[str, Any], name: str, zone: tzinfo, *, file: str, row: int) -> datetime:
    """Return a time; one without an offset is wall time of ``zone``; a number is seconds since 1970.

    Raises
    ------
    RadarError
        When it is absent or no time.
    """
    value = record.get(name)
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(float(value), tz=UTC)
        moment = datetime.fromisoformat(str(value).strip())
    except (ValueError, OverflowError, OSError) as error:
        raise RadarError(
            f"{str(value)[:60]!r}",
            "a time such as 2025-11-11T06:00+08:00",
            "fetch it again",
            file=file,
            row=row,
            column=name,
        ) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def day_of(record: Mapping[str, Any], name: str, *, file: str, row: int) -> date:
    """Return a date; RadarError when it is absent or none."""
    value = record.get(name)
    try:
        return date.fromisoformat(str(value).strip())
    except ValueError as error:
        raise RadarError(
            f"{str(value)[:60]!r}", "a date such as 2025-11-11", "fetch it again", file=file, row=row, column=name
        ) from error


def measures(
    values: Mapping[Quantity, tuple[Sequence[float], str]], *, file: str, where: str, needed: bool = True
) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    """Convert measures to the workspace's units and check their bounds.

    Parameters
    ----------
    values
        Quantity -> values and the unit they are in.
    file, where
        Named in errors.
    needed
        Whether at least one value must be there.

    Raises
    ------
    RadarError
        When no measure has a value though one is needed, for an unknown unit, and for a value out of bounds.
    """
    columns = {}
    for quantity, (numbers, unit) in values.items():
        column = COLUMNS[quantity]
        converted = convert(np.asarray(numbers, dtype=np.float64), unit, quantity, file=file, column=where)
        check_bounds(column, converted, file=file, column=f"{where}, {quantity}")
        if not np.isnan(converted).all():
            columns[column] = converted
    if not columns and needed:
        raise RadarError(f"no measure in {where}", f"one of {', '.join(values)}", "fetch it again", file=file)
    return columns


def frame_of(
    moments: Sequence[datetime], columns: Mapping[str, Any], latitude: float, longitude: float
) -> pl.DataFrame:
    """Return rows of one place."""
    times = pl.Series("valid_at", list(moments), dtype=pl.Datetime("us", "UTC"))
    at = [pl.lit(latitude).alias("latitude"), pl.lit(longitude).alias("longitude")]
    return pl.DataFrame({"valid_at": times, **columns}).with_columns(at)


def spread_day(
    start: datetime, hours: int, coldest: float, warmest: float, water: float
) -> tuple[list[datetime], list[float], list[float]]:
    """Spread a day over its hours: row h speaks of the hour that ends h hours after ``start``.

    Returns
    -------
    moments, temperature, water
        Temperature by a cosine between the coldest (03:00) and the warmest (15:00) of a day that starts at midnight; water
        evenly, so that the sum stays.
    """
    moments = [start + timedelta(hours=hour) for hour in range(1, hours + 1)]
    middle, swing = (warmest + coldest) / 2.0, (warmest - coldest) / 2.0
    temperature = [middle + swing * float(np.cos(2.0 * np.pi * (hour - 15.0) / 24.0)) for hour in range(1, hours + 1)]
    return moments, temperature, [water / hours] * hours
