"""Answers of OpenWeather One Call (3.0 and 2.5): current, hourly, daily and alerts of one place.

Format: openweathermap.org/api/one-call-3. The answer does not name its units; ``units=standard`` (the default) has kelvin and
m/s, ``metric`` °C and m/s, ``imperial`` °F and miles an hour. They are told apart by the temperatures: kelvin never lies
below 150, °C never above 65. ``imperial`` is refused: its temperatures may be °C.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import polars as pl

from data.errors import RadarError
from weather.feeds.alerts import colour_of, warnings_frame
from weather.feeds.bad_rows import BadRows
from weather.feeds.circles import circle_text
from weather.feeds.reading import Kind, Reading, arrange, check_place, join_readings
from weather.feeds.rows import frame_of, measures, moment_of, number_of, records_of
from weather.feeds.rules import FEEDS
from weather.feeds.units import Quantity

PROVIDER: Final = "openweather"

FIELDS: Mapping[str, tuple[Quantity, str]] = {
    "temp": ("temperature", "K or °C"),
    "rain.1h + snow.1h": ("precipitation", "mm"),
    "snow.1h": ("snowfall", "mm of water, 1 mm as 1 cm of fresh snow"),
    "wind_speed": ("wind", "m/s"),
    "visibility": ("visibility", "m"),
}


def recognises(answer: object) -> bool:
    """Whether a decoded JSON answer is One Call's."""
    return isinstance(answer, dict) and (
        ("lat" in answer and "lon" in answer and any(name in answer for name in ("current", "hourly", "daily", "data")))
        or ("cod" in answer and "message" in answer)
    )


def parse(answer: Mapping[str, Any], *, file: str = "answer") -> Reading:
    """Parse one decoded answer of One Call.

    Parameters
    ----------
    answer
        The decoded JSON.
    file
        Named in errors.

    Returns
    -------
    Reading
        ``current`` is the moment the answer speaks from: the time of issue of the hours to come. ``hourly`` rows count where
        they are told, days only beyond them (their water spread over 24 hours). Alerts become warnings around the place.

    Raises
    ------
    RadarError
        For an error answer, no block of hours or days, or a broken place; a broken entry is one of ``Reading.bad_rows``.
    """
    if "cod" in answer and "message" in answer:
        raise RadarError(
            f"the provider's error answer ({str(answer['cod'])[:20]}: {str(answer['message'])[:160]})",
            action="correct the request and fetch it again",
            file=file,
        )
    latitude, longitude = (number_of(answer, name, file=file, row=1) for name in ("lat", "lon"))
    check_place(latitude, longitude, file=file)
    bad = BadRows(file)
    frames: list[pl.DataFrame] = []
    entries = 0
    issued: datetime | None = None
    for name in ("current", "hourly"):
        if name not in answer:
            continue
        records = records_of(answer, name, file)
        entries += len(records)
        good = bad.sift(records, lambda record, row, name=name: _check_hour(record, row, file, name))  # type: ignore[misc]
        times = [moment_of(record, "dt", UTC, file=file, row=0) for record in good]
        if name == "current":
            issued = moment_of(records[0], "dt", UTC, file=file, row=1)
        if good:
            frames.append(arrange(frame_of(times, _hours(good, file, name), latitude, longitude)))
    if "daily" in answer:
        last = max((moment for frame in frames for moment in frame["valid_at"].to_list()), default=None)
        records = records_of(answer, "daily", file)
        entries += len(records)
        frames += _days(records, latitude, longitude, last, bad)
    if not entries:
        raise RadarError("neither current nor hourly nor daily", "one of them", "ask for it", file=file)
    frame = join_readings(frames).with_columns(issued_at=pl.lit(issued, dtype=pl.Datetime("us", "UTC")))
    warnings, apart = _alerts(answer, (latitude, longitude), issued, file)
    only_current = "current" in answer and not any(name in answer for name in ("hourly", "daily"))
    kind: Kind | None = "observations" if only_current else ("forecasts" if issued is not None else None)
    if only_current:
        frame = frame.with_columns(issued_at=pl.lit(None, dtype=pl.Datetime("us", "UTC")))
    return Reading(
        join_readings([frame]),
        PROVIDER,
        kind,
        warnings=warnings,
        set_apart=apart,
        bad_rows=bad.frame(),
        entries=entries,
    )


def _check_hour(record: Mapping[str, Any], row: int, file: str, where: str) -> None:
    """Raise RadarError where one hour cannot be read."""
    moment_of(record, "dt", UTC, file=file, row=row)
    _hours([record], file, where, row, needed=False)


def _temperature_unit(values: list[float], file: str) -> str:
    known = [value for value in values if np.isfinite(value)]
    if known and all(value > FEEDS.kelvin_above for value in known):
        return "K"
    if known and max(known) > 65.0:
        raise RadarError(
            f"a temperature of {max(known):g}",
            "kelvin or °C",
            "ask with units=standard or units=metric",
            file=file,
            column="temp",
        )
    return "°C"


def _hours(
    records: Sequence[Mapping[str, Any]], file: str, where: str, first: int = 1, *, needed: bool = True
) -> dict[str, Any]:
    def numbers(name: str) -> list[float]:
        return [number_of(record, name, file=file, row=row) for row, record in enumerate(records, start=first)]

    def fallen(name: str) -> list[float]:
        return [
            number_of(record[name], "1h", file=file, row=row) if isinstance(record.get(name), dict) else 0.0
            for row, record in enumerate(records, start=first)
        ]

    temperature = numbers("temp")
    rain, snow = np.nan_to_num(fallen("rain")), np.nan_to_num(fallen("snow"))
    values: dict[Quantity, tuple[Any, str]] = {
        "temperature": (temperature, _temperature_unit(temperature, file)),
        "precipitation": (rain + snow, "mm"),
        # told as water: 1 mm of it lies about 1 cm deep
        "snowfall": (snow, "cm"),
        "wind": (numbers("wind_speed"), "m/s"),
        "visibility": (numbers("visibility"), "m"),
    }
    return measures(values, file=file, where=where, needed=needed)


def _days(
    records: Sequence[Mapping[str, Any]], latitude: float, longitude: float, last: datetime | None, bad: BadRows
) -> list[pl.DataFrame]:
    frames: list[pl.DataFrame] = []
    file = bad.file

    def read(record: Mapping[str, Any], row: int) -> None:
        # a day's stamp is its noon
        noon = moment_of(record, "dt", UTC, file=file, row=row)
        moments = [noon + timedelta(hours=hour - 12) for hour in range(1, 25)]
        block = record.get("temp")
        fields = block if isinstance(block, dict) else {}
        low, high = (number_of(fields, name, file=file, row=row) for name in ("min", "max"))
        wave = np.cos(2.0 * np.pi * (np.arange(1, 25) - 15.0) / 24.0)
        temperature = (high + low) / 2.0 + (high - low) / 2.0 * wave
        rain, snow = (np.nan_to_num(number_of(record, name, file=file, row=row)) for name in ("rain", "snow"))
        values: dict[Quantity, tuple[Any, str]] = {
            "temperature": (temperature, _temperature_unit(temperature.tolist(), file)),
            "precipitation": (np.full(24, (rain + snow) / 24.0), "mm"),
            "snowfall": (np.full(24, snow / 24.0), "cm"),
            "wind": (np.full(24, number_of(record, "wind_speed", file=file, row=row)), "m/s"),
        }
        frame = arrange(
            frame_of(moments, measures(values, file=file, where=f"daily, entry {row}"), latitude, longitude)
        )
        frames.append(frame if last is None else frame.filter(pl.col("valid_at") > last))

    bad.sift(records, read)
    return frames


def _alerts(
    answer: Mapping[str, Any], at: tuple[float, float], issued: datetime | None, file: str
) -> tuple[pl.DataFrame, dict[str, str]]:
    rows, apart = [], {}
    for number, record in enumerate(answer.get("alerts") or [], start=1):
        try:
            event = str(record.get("event") or "other")
            onset = moment_of(record, "start", UTC, file=file, row=number)
            rows.append(
                {
                    "warning_id": f"{record.get('sender_name', '')} {event} {onset:%Y%m%dT%H%M}Z {at[0]:g},{at[1]:g}".strip(),
                    "issued_at": issued,
                    "message_type": "alert",
                    "kind": event,
                    "severity": colour_of("", "", f"{event} {record.get('description', '')}"),
                    "onset": onset,
                    "expires": moment_of(record, "end", UTC, file=file, row=number),
                    "area": circle_text(at, FEEDS.place_radius),
                    "source": record.get("sender_name"),
                    "text": record.get("description"),
                }
            )
        except (RadarError, AttributeError, TypeError) as error:
            apart[f"alert {number}"] = str(error)
    return warnings_frame(rows), apart
