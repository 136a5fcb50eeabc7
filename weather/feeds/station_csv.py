"""Station files as their services publish them: INMET (Brazil) and the hourly Beijing set of CMA stations.

INMET: eight lines of preamble with the station's place, then ``;`` and decimal comma, -9999 for missing, hours in UTC, UTF-8 or
Latin-1 (portal.inmet.gov.br/dadoshistoricos). Beijing: date in four columns, hours of Beijing, no place
(UCI Beijing Multi-Site Air-Quality).
"""

from __future__ import annotations

import io
import unicodedata
from typing import Final

import polars as pl

from data.errors import RadarError
from weather.feeds.reading import Place, Reading, check_bounds, check_place, join_readings
from weather.units import Floats, Quantity, convert

INMET: Final = "inmet"
BEIJING: Final = "beijing"
MISSING = -9999.0
"""INMET's number for no value (published: preamble of the files)."""

BEIJING_ZONE = "Asia/Shanghai"
# start of the column's name without accents -> column, quantity, unit
INMET_FIELDS: tuple[tuple[str, str, Quantity, str], ...] = (
    ("PRECIPITACAO TOTAL", "precipitation_mm", "precipitation", "mm"),
    ("TEMPERATURA DO AR - BULBO SECO", "temperature_c", "temperature", "°C"),
    ("VENTO, VELOCIDADE", "wind_speed_ms", "wind", "m/s"),
)
BEIJING_FIELDS: tuple[tuple[str, str, Quantity, str], ...] = (
    ("TEMP", "temperature_c", "temperature", "°C"),
    ("RAIN", "precipitation_mm", "precipitation", "mm"),
    ("WSPM", "wind_speed_ms", "wind", "m/s"),
)
_BEIJING_HEADER = ("year", "month", "day", "hour")


def recognises(head: str) -> str | None:
    """Return which of the two a file is by its first lines, None for another."""
    lines = head.splitlines()
    if (
        sum(_plain(line).startswith(name) for line in lines[:9] for name in ("LATITUDE", "LONGITUDE", "CODIGO", "UF"))
        >= 3
    ):
        return INMET
    columns = [each.strip().strip('"').lower() for each in (lines[0] if lines else "").split(",")]
    return BEIJING if all(name in columns for name in _BEIJING_HEADER) and "temp" in columns else None


def parse_inmet(text: str, *, file: str = "answer") -> Reading:
    """Parse a station year of INMET.

    Raises
    ------
    RadarError
        When the preamble names no place, a column is absent, or a value is neither number nor missing.
    """
    lines = text.splitlines()
    header = next(
        (
            row
            for row, line in enumerate(lines[:20])
            if _plain(line).startswith("DATA (YYYY") or _plain(line).startswith("DATA;")
        ),
        None,
    )
    if header is None:
        raise RadarError("no line of column names", "DATA (YYYY-MM-DD);HORA (UTC);…", "fetch the file again", file=file)
    told = {_plain(name): value for name, _, value in (line.partition(";") for line in lines[:header])}
    place = [
        _comma(told.get(f"{name}:", told.get(name, "")), file, row) for row, name in ((5, "LATITUDE"), (6, "LONGITUDE"))
    ]
    check_place(place[0], place[1], file=file)
    frame = _table("\n".join(lines[header:]), ";", file)
    names = {_plain(name): name for name in frame.columns}
    day, hour = (
        next((full for plain, full in names.items() if plain.startswith(start)), None) for start in ("DATA", "HORA")
    )
    if day is None or hour is None:
        raise RadarError("no columns DATA and HORA", "both", "fetch the file again", file=file)
    stamp = frame[day].str.replace_all("/", "-") + " " + frame[hour].str.extract(r"(\d{2}):?\d{2}", 1) + ":00"
    moments = stamp.str.to_datetime("%Y-%m-%d %H:%M", strict=False, time_unit="us").dt.replace_time_zone("UTC")
    _refuse(moments.is_null(), stamp, "a day and an hour", file, header + 2)
    columns: dict[str, pl.Series] = {"valid_at": moments}
    for start, column, quantity, unit in INMET_FIELDS:
        full = next((full for plain, full in names.items() if plain.startswith(start)), None)
        if full is not None:
            columns[column] = pl.Series(column, _numbers(frame[full], True, quantity, unit, file, header + 2))
    return _station(columns, (place[0], place[1]), INMET, file)


def parse_beijing(text: str, place: Place | None, *, file: str = "answer") -> Reading:
    """Parse hourly rows with the date in four columns; the place is asked for.

    Raises
    ------
    RadarError
        Without a place, or for a value that is no number.
    """
    if place is None:
        raise RadarError("a station's file without its place", "its place", "give --place LAT,LON", file=file)
    frame = _table(text, ",", file)
    names = {name.strip().lower(): name for name in frame.columns}
    parts = [frame[names[name]].cast(pl.Int64, strict=False) for name in _BEIJING_HEADER]
    bad = parts[0].is_null() | parts[1].is_null() | parts[2].is_null() | parts[3].is_null()
    rows = pl.DataFrame(dict(zip(_BEIJING_HEADER, parts, strict=True)))
    wall = rows.select(
        pl.datetime("year", "month", "day", time_unit="us") + pl.duration(hours=pl.col("hour"))
    ).to_series() if not bad.any() else pl.Series([], dtype=pl.Datetime("us"))  # fmt: skip
    _refuse(bad, frame[names["year"]], "whole numbers for year, month, day and hour", file, 2)
    moments = wall.dt.replace_time_zone(BEIJING_ZONE, ambiguous="earliest", non_existent="null").dt.convert_time_zone(
        "UTC"
    )
    columns: dict[str, pl.Series] = {"valid_at": moments}
    for name, column, quantity, unit in BEIJING_FIELDS:
        if name.lower() in names:
            columns[column] = pl.Series(column, _numbers(frame[names[name.lower()]], False, quantity, unit, file, 2))
    return _station(columns, place, BEIJING, file)


def _station(columns: dict[str, pl.Series], place: Place, provider: str, file: str) -> Reading:
    if len(columns) == 1:
        raise RadarError(
            "no measure ParcelRadar knows", "temperature, precipitation or wind", "name another file", file=file
        )
    at = [pl.lit(place[0]).alias("latitude"), pl.lit(place[1]).alias("longitude")]
    frame = pl.DataFrame([series.alias(name) for name, series in columns.items()]).with_columns(at)
    return Reading(join_readings([frame]), provider, "observations")


def _table(text: str, separator: str, file: str) -> pl.DataFrame:
    try:
        frame = pl.read_csv(
            io.BytesIO(text.encode()), separator=separator, infer_schema=False, truncate_ragged_lines=True
        )
    except pl.exceptions.PolarsError as error:
        raise RadarError(
            f"no readable CSV ({str(error).splitlines()[0][:160]})", action="correct the file", file=file
        ) from error
    if frame.height == 0:
        raise RadarError("a header without rows", "at least one row", "name another file", file=file)
    return frame


def _numbers(series: pl.Series, comma: bool, quantity: Quantity, unit: str, file: str, first_row: int) -> Floats:
    text = series.str.strip_chars()
    if comma:
        text = text.str.replace(",", ".", literal=True)
    empty = text.is_null() | text.str.to_lowercase().is_in(["", "na", "nan", "null"])
    values = text.cast(pl.Float64, strict=False)
    _refuse((values.is_null() & ~empty) | values.is_infinite().fill_null(False), series, "a number", file, first_row)
    values = values.set(empty | (values == MISSING).fill_null(False), None)
    converted = convert(
        values.cast(pl.Float64).fill_null(float("nan")).to_numpy(), unit, quantity, file=file, column=series.name
    )
    check_bounds(
        {"temperature": "temperature_c", "precipitation": "precipitation_mm", "wind": "wind_speed_ms"}[quantity],
        converted,
        file=file,
        column=series.name,
    )
    return converted


def _refuse(wrong: pl.Series, series: pl.Series, expected: str, file: str, first_row: int) -> None:
    if wrong.any():
        row = wrong.arg_max() or 0
        raise RadarError(
            f"{series[row]!r}", expected, "correct the file", file=file, row=row + first_row, column=series.name
        )


def _comma(text: str, file: str, row: int) -> float:
    try:
        return float(text.strip().strip(";").replace(",", "."))
    except ValueError as error:
        raise RadarError(
            f"{text[:40]!r}", "degrees with a decimal comma", "correct the preamble", file=file, row=row
        ) from error


def _plain(text: str) -> str:
    """A name without accents, also where UTF-8 was read as Latin-1 before: PRECIPITAÇÃO, PRECIPITAÃ‡ÃƒO and PRECIPITACAO are one."""
    for _ in range(2):
        try:
            text = text.encode("latin-1").decode("utf-8")
        except (UnicodeEncodeError, UnicodeDecodeError):
            break
    folded = unicodedata.normalize("NFKD", text.strip().upper().lstrip("\ufeff"))
    return "".join(letter for letter in folded if not unicodedata.combining(letter))
