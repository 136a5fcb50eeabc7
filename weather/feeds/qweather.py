"""Answers of QWeather (和风天气), v7 and the new API: now, hourly, daily, grid; warnings and storms in :mod:`weather.feeds.qweather_warnings`.

Formats: dev.qweather.com/docs/api. v7 writes every number as text in metric units (°C, km/h, km, mm) or, where asked with
``unit=i``, in imperial ones, which the answer does not tell; the new API writes numbers with their units. Neither carries
the place it was asked for: it comes from a table of places, by the id in ``fxLink``, or from ``--place``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import numpy as np
import polars as pl

from data.errors import RadarError
from weather.feeds.bad_rows import BadRows
from weather.feeds.qweather_place import PROVIDER, need_place, update_time
from weather.feeds.qweather_warnings import read_alerts, read_storm, read_warnings
from weather.feeds.reading import Kind, Place, Reading, arrange, join_readings
from weather.feeds.rows import day_of, frame_of, measures, moment_of, number_of, records_of, spread_day
from weather.feeds.units import Quantity

# measure -> name in v7 and its unit; hours and the moment of observation share them
V7_FIELDS: Mapping[Quantity, tuple[str, str]] = {
    "temperature": ("temp", "°C"),
    "precipitation": ("precip", "mm"),
    "wind": ("windSpeed", "km/h"),
    "visibility": ("vis", "km"),
}
V7_DAY_FIELDS = {
    "tempMin": "°C",
    "tempMax": "°C",
    "precip": "mm",
    "windSpeedDay": "km/h",
    "windSpeedNight": "km/h",
    "vis": "km",
}
# measure -> path in the new API; each value stands beside its unit
NEW_FIELDS: Mapping[Quantity, tuple[str, ...]] = {
    "temperature": ("temperature",),
    "precipitation": ("precipitation", "amount"),
    "wind": ("wind", "speed"),
    "visibility": ("visibility",),
}
_AIR = ("aqi", "indexes", "pollutants", "pm2p5")

Records = Sequence[Mapping[str, Any]]


def recognises(answer: object) -> bool:
    """Whether a decoded JSON answer is QWeather's."""
    if not isinstance(answer, dict):
        return False
    v7 = isinstance(answer.get("code"), str) and ("fxLink" in answer or "refer" in answer or len(answer) == 1)
    tag = answer.get("metadata")
    new = isinstance(tag, dict) and ("tag" in tag or "attributions" in tag)
    return v7 or new or (isinstance(answer.get("error"), dict) and "title" in answer["error"])


def parse(answer: Mapping[str, Any], place: Place | None, zone: tzinfo, *, file: str = "answer") -> Reading:
    """Parse one decoded answer of QWeather.

    Parameters
    ----------
    answer
        The decoded JSON.
    place
        Where it was asked for: these answers carry no coordinates. Storms carry their own.
    zone
        Time zone of days and of times without an offset.
    file
        Named in errors.

    Raises
    ------
    RadarError
        For an error answer, air quality, a list of storms without their tracks, an unknown shape, or a broken field of the whole; a broken entry is one of ``Reading.bad_rows``.
    """
    _refuse_errors(answer, file)
    if "warning" in answer:
        return read_warnings(answer, place, zone, file)
    if "alerts" in answer:
        return read_alerts(answer, place, zone, file)
    if "storm" in answer:
        raise RadarError(
            "a list of storms without their tracks",
            "a storm's forecast or track",
            "fetch those of the active ones",
            file=file,
        )
    if "track" in answer or "forecast" in answer:
        return read_storm(answer, zone, file)
    if _is_air(answer):
        raise RadarError("air quality", "weather", "ParcelRadar has no use for it", file=file)
    shapes = {"hourly": _v7_hours, "daily": _v7_days, "now": _v7_now, "hours": _new_hours, "days": _new_days}
    shape = next((name for name in shapes if name in answer), None)
    if shape is None:
        raise RadarError(
            f"only the fields {', '.join(sorted(answer))[:120]}", "now, hourly, daily, hours, days or warnings", "fetch another", file=file
        )  # fmt: skip
    at = need_place(answer, place, file)
    bad = BadRows(file)
    records = records_of(answer, shape, file)
    frame = shapes[shape](records, at, zone, bad)
    issued = update_time(answer, zone, file)
    kind: Kind = "observations" if shape == "now" else "forecasts"
    if kind == "forecasts" and issued is not None:
        frame = frame.with_columns(issued_at=pl.lit(issued, dtype=pl.Datetime("us", "UTC")))
    return Reading(join_readings([frame]), PROVIDER, kind, bad_rows=bad.frame(), entries=len(records))


def _refuse_errors(answer: Mapping[str, Any], file: str) -> None:
    error = answer.get("error")
    if isinstance(error, dict):
        message = ": ".join(str(error[name])[:160] for name in ("title", "detail") if error.get(name))
        raise RadarError(
            f"the provider's error answer ({message})", action="correct the request and fetch it again", file=file
        )
    code = answer.get("code")
    if code is not None and code not in ("200", 200):
        raise RadarError(
            f"the provider's error answer (code {str(code)[:20]})",
            action="correct the request and fetch it again",
            file=file,
        )


def _is_air(answer: Mapping[str, Any]) -> bool:
    for name in ("now", "daily", "hourly", "hours", "days"):
        block = answer.get(name)
        first = block[0] if isinstance(block, list) and block else block
        if isinstance(first, dict) and any(field in first for field in _AIR):
            return True
    return any(name in answer for name in _AIR)


def _v7_measures(records: Records, file: str, where: str, first: int = 1, *, needed: bool = True) -> dict[str, Any]:
    values = {
        quantity: (
            [number_of(record, name, file=file, row=row) for row, record in enumerate(records, start=first)],
            unit,
        )
        for quantity, (name, unit) in V7_FIELDS.items()
    }
    return measures(values, file=file, where=where, needed=needed)


def _v7_records(records: Records, at: Place, zone: tzinfo, bad: BadRows, field: str) -> pl.DataFrame:
    """Rows of records that carry their moment in ``field``; a record that cannot be read is a bad row."""

    def read(record: Mapping[str, Any], row: int) -> None:
        moment_of(record, field, zone, file=bad.file, row=row)
        _v7_measures([record], bad.file, field, row, needed=False)

    good = bad.sift(records, read)
    if not good:
        return join_readings([])
    times = [moment_of(record, field, zone, file=bad.file, row=0) for record in good]
    return frame_of(times, _v7_measures(good, bad.file, field), *at)


def _v7_hours(records: Records, at: Place, zone: tzinfo, bad: BadRows) -> pl.DataFrame:
    return _v7_records(records, at, zone, bad, "fxTime")


def _v7_now(records: Records, at: Place, zone: tzinfo, bad: BadRows) -> pl.DataFrame:
    return _v7_records(records[:1], at, zone, bad, "obsTime")


def _v7_days(records: Records, at: Place, zone: tzinfo, bad: BadRows) -> pl.DataFrame:
    frames: list[pl.DataFrame] = []

    def read(record: Mapping[str, Any], row: int) -> None:
        day = day_of(record, "fxDate", file=bad.file, row=row)
        start = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
        fields = {name: number_of(record, name, file=bad.file, row=row) for name in V7_DAY_FIELDS}
        moments, temperature, water = spread_day(start, 24, fields["tempMin"], fields["tempMax"], fields["precip"])
        # by day from 07:00 to 19:00, by night the other hours
        wind = [fields["windSpeedDay"] if 7 < hour <= 19 else fields["windSpeedNight"] for hour in range(1, 25)]
        values: dict[Quantity, tuple[list[float], str]] = {
            "temperature": (temperature, "°C"),
            "precipitation": (water, "mm"),
            "wind": (wind, "km/h"),
            "visibility": ([fields["vis"]] * 24, "km"),
        }
        frames.append(frame_of(moments, measures(values, file=bad.file, where=f"daily, entry {row}"), *at))

    bad.sift(records, read)
    return join_readings(frames)


def _value(record: Mapping[str, Any], path: tuple[str, ...], file: str, row: int) -> tuple[float, str]:
    block: Any = record
    for name in path:
        block = block.get(name) if isinstance(block, dict) else None
    if block is None:
        return float("nan"), ""
    if not isinstance(block, dict) or not isinstance(block.get("unit"), str):
        raise RadarError(
            "a value without a unit", "value and unit", "fetch it again", file=file, row=row, column=".".join(path)
        )
    return number_of(block, "value", file=file, row=row), block["unit"]


def _new_measures(records: Records, file: str, where: str, first: int = 1) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for quantity, path in NEW_FIELDS.items():
        found = [_value(record, path, file, row) for row, record in enumerate(records, start=first)]
        units = {unit for _, unit in found if unit}
        if len(units) > 1:
            raise RadarError(
                f"units {', '.join(sorted(units))}", "one", "fetch it again", file=file, column=".".join(path)
            )
        if units:
            columns |= measures({quantity: ([value for value, _ in found], units.pop())}, file=file, where=where)
    snow = [
        record.get("precipitation", {}).get("type") == "snow"
        if isinstance(record.get("precipitation"), dict)
        else False
        for record in records
    ]
    if any(snow) and "precipitation_mm" in columns:
        # what falls as snow is told as water: 1 mm of it lies about 1 cm deep
        columns["snowfall_cm"] = np.where(snow, columns["precipitation_mm"], 0.0)
    if not columns:
        raise RadarError(f"no measure in {where}", ", ".join(NEW_FIELDS), "fetch it again", file=file)
    return columns


def _new_hours(records: Records, at: Place, zone: tzinfo, bad: BadRows) -> pl.DataFrame:
    def read(record: Mapping[str, Any], row: int) -> None:
        moment_of(record, "forecastTime", zone, file=bad.file, row=row)
        _new_measures([record], bad.file, "hours", row)

    good = bad.sift(records, read)
    if not good:
        return join_readings([])
    times = [moment_of(record, "forecastTime", zone, file=bad.file, row=0) for record in good]
    return frame_of(times, _new_measures(good, bad.file, "hours"), *at)


def _new_days(records: Records, at: Place, zone: tzinfo, bad: BadRows) -> pl.DataFrame:
    frames: list[pl.DataFrame] = []
    halves = 0

    def read(record: Mapping[str, Any], row: int) -> None:
        nonlocal halves
        found = []
        for name in ("daytime", "nighttime"):
            half = record.get(name)
            if isinstance(half, dict):
                halves += 1
                found.append(_half_day(half, at, zone, (bad.file, row, name)))
        frames.extend(found)

    bad.sift(records, read)
    if not halves:
        raise RadarError("days without daytime and nighttime", "both", "fetch it again", file=bad.file, column="days")
    return join_readings(frames)


def _half_day(half: Mapping[str, Any], at: Place, zone: tzinfo, where: tuple[str, int, str]) -> pl.DataFrame:
    """Spread half a day over its hours; ``where`` is file, entry and name, for errors."""
    file, row, name = where
    start = moment_of(half, "forecastStartTime", zone, file=file, row=row)
    end = moment_of(half, "forecastEndTime", zone, file=file, row=row)
    hours = round((end - start).total_seconds() / 3600)
    if not 0 < hours <= 48:
        raise RadarError(
            f"{hours} hours from start to end", "1 to 48", "fetch it again", file=file, row=row, column=name
        )
    columns = _new_measures([half], file, f"days, entry {row}, {name}", row)
    warmest, coldest = (_value(half, (field,), file, row)[0] for field in ("temperatureMax", "temperatureMin"))
    spread = {key: np.repeat(value, hours) for key, value in columns.items()}
    for key in ("precipitation_mm", "snowfall_cm"):
        if key in spread:
            spread[key] = spread[key] / hours
    if np.isfinite(warmest) and np.isfinite(coldest):
        spread["temperature_c"] = np.full(hours, (warmest + coldest) / 2.0)
    moments = [start + timedelta(hours=hour) for hour in range(1, hours + 1)]
    return arrange(frame_of(moments, spread, *at))
