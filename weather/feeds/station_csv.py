"""Station files as their services publish them: INMET (Brazil) and the hourly Beijing set of CMA stations.

INMET: eight lines of preamble with the station's place, then ``;`` and decimal comma, -9999 for missing, hours in UTC, UTF-8 or
Latin-1 (portal.inmet.gov.br/dadoshistoricos). Beijing: date in four columns, hours of Beijing, no place
(UCI Beijing Multi-Site Air-Quality).
"""

from __future__ import annotations

import unicodedata
from typing import Final

import polars as pl

from data.errors import RadarError
from weather.feeds.bad_rows import ENTRY, BadRows
from weather.feeds.reading import Place, Reading, bounds_rule, check_place, join_readings, outside_bounds
from weather.feeds.text_table import level_separators, read_text_table
from weather.feeds.units import Quantity, convert

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
        When the preamble names no place or a column is absent. A row with a value that is neither number nor missing is
        one of ``Reading.bad_rows``.
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
    header_fields = {_plain(name): value for name, _, value in (line.partition(";") for line in lines[:header])}
    place = [
        _comma(header_fields.get(f"{name}:", header_fields.get(name, "")), file, row)
        for row, name in ((5, "LATITUDE"), (6, "LONGITUDE"))
    ]
    check_place(place[0], place[1], file=file)
    bad = BadRows(file)
    frame = read_text_table("\n".join(level_separators(lines[header:], ";")), bad, header + 1)
    names = {_plain(name): name for name in frame.columns}
    day, hour = (
        next((full for plain, full in names.items() if plain.startswith(start)), None) for start in ("DATA", "HORA")
    )
    if day is None or hour is None:
        raise RadarError("no columns DATA and HORA", "both", "fetch the file again", file=file)
    stamp = frame[day].str.replace_all("/", "-") + " " + frame[hour].str.extract(r"(\d{2}):?\d{2}", 1) + ":00"
    moments = stamp.str.to_datetime("%Y-%m-%d %H:%M", strict=False, time_unit="us").dt.replace_time_zone("UTC")
    shown = frame[day].fill_null("") + " " + frame[hour].fill_null("")
    bad.add_where(moments.is_null(), shown, frame[ENTRY], day, "is no day and hour")
    columns: dict[str, pl.Series] = {ENTRY: frame[ENTRY], "valid_at": moments}
    for start, column, quantity, unit in INMET_FIELDS:
        full = next((full for plain, full in names.items() if plain.startswith(start)), None)
        if full is not None:
            columns[column] = _numbers(frame[full], frame[ENTRY], bad, (column, quantity, unit), comma=True)
    return _station(columns, (place[0], place[1]), INMET, bad)


def parse_beijing(text: str, place: Place | None, *, file: str = "answer") -> Reading:
    """Parse hourly rows with the date in four columns; the place is asked for.

    Raises
    ------
    RadarError
        Without a place, or where the text is no table; a row with a value that is no number is one of
        ``Reading.bad_rows``.
    """
    if place is None:
        raise RadarError("a station's file without its place", "its place", "give --place LAT,LON", file=file)
    bad = BadRows(file)
    frame = read_text_table(text, bad)
    names = {name.strip().lower(): name for name in frame.columns}
    parts = [frame[names[name]].str.strip_chars().cast(pl.Int64, strict=False) for name in _BEIJING_HEADER]
    rows = pl.DataFrame(dict(zip(_BEIJING_HEADER, parts, strict=True)))
    # no row of another year than these is a measurement; the others are no days at all (31 February)
    whole = rows.select(
        pl.all_horizontal(pl.col("year").is_between(1900, 9999), pl.col("hour").is_between(0, 23)).fill_null(False)
    ).to_series()
    text_of_day = rows.select(
        pl.format(
            "{}-{}-{} {}:00", *[pl.col(name).fill_null(0).cast(pl.String).str.zfill(2) for name in _BEIJING_HEADER]
        )
    ).to_series()
    wall = text_of_day.str.to_datetime("%Y-%m-%d %H:%M", strict=False, time_unit="us").set(~whole, None)
    moments = wall.dt.replace_time_zone(BEIJING_ZONE, ambiguous="earliest", non_existent="null").dt.convert_time_zone(
        "UTC"
    )
    shown = frame.select(pl.concat_str([pl.col(names[name]) for name in _BEIJING_HEADER], separator=" ")).to_series()
    bad.add_where(moments.is_null(), shown, frame[ENTRY], ", ".join(_BEIJING_HEADER), "is no year, month, day and hour")
    columns: dict[str, pl.Series] = {ENTRY: frame[ENTRY], "valid_at": moments}
    for name, column, quantity, unit in BEIJING_FIELDS:
        if name.lower() in names:
            columns[column] = _numbers(frame[names[name.lower()]], frame[ENTRY], bad, (column, quantity, unit))
    return _station(columns, place, BEIJING, bad)


def _station(columns: dict[str, pl.Series], place: Place, provider: str, bad: BadRows) -> Reading:
    if not set(columns) - {ENTRY, "valid_at"}:
        raise RadarError(
            "no measure ParcelRadar knows", "temperature, precipitation or wind", "name another file", file=bad.file
        )
    at = [pl.lit(place[0]).alias("latitude"), pl.lit(place[1]).alias("longitude")]
    frame = pl.DataFrame([series.alias(name) for name, series in columns.items()]).with_columns(at)
    entries = frame.height + len(bad.rows - set(frame[ENTRY]))
    good = frame.filter(~pl.col(ENTRY).is_in(list(bad.rows)))
    return Reading(join_readings([good]), provider, "observations", bad_rows=bad.frame(), entries=entries)


def _numbers(
    series: pl.Series, lines: pl.Series, bad: BadRows, measure: tuple[str, Quantity, str], *, comma: bool = False
) -> pl.Series:
    """Read a measure (column, quantity, unit); what is no number or out of bounds is a bad row."""
    column, quantity, unit = measure
    text = series.str.strip_chars()
    if comma:
        text = text.str.replace(",", ".", literal=True)
    empty = text.is_null() | text.str.to_lowercase().is_in(["", "na", "nan", "null"])
    values = text.cast(pl.Float64, strict=False)
    wrong = (values.is_null() & ~empty) | values.is_infinite().fill_null(False)
    bad.add_where(wrong, series, lines, series.name, "is no number")
    values = values.set(empty | wrong | (values == MISSING).fill_null(False), None)
    converted = convert(
        values.cast(pl.Float64).fill_null(float("nan")).to_numpy(), unit, quantity, file=bad.file, column=series.name
    )
    bad.add_where(pl.Series(outside_bounds(column, converted)), series, lines, series.name, bounds_rule(column))
    return pl.Series(column, converted)


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
