"""Weather on points as CSV: one row a place and time, the unit of every measure in its header.

A header is the contract's name (``wind_speed_ms``), or a measure with its unit behind it: ``wind_kmh``,
``wind_speed [km/h]``, ``气温 (℃)``; or in a row of units below the header. A measure without a unit is refused: a guessed unit is the commonest
defect of weather files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Final, NoReturn

import polars as pl

from data.errors import RadarError
from weather.feeds.bad_rows import ENTRY, BadRows
from weather.feeds.reading import Kind, Place, Reading, bounds_rule, join_readings, outside_bounds
from weather.feeds.text_table import read_text_table
from weather.feeds.units import UNITS, Quantity, convert, unit_name

PROVIDER: Final = "csv"

MEASURES: Mapping[Quantity, tuple[str, tuple[str, ...]]] = {
    "temperature": ("temperature_c", ("temperature", "temp", "temperature_2m", "air_temperature", "气温", "温度")),
    "precipitation": ("precipitation_mm", ("precipitation", "precip", "rain", "降水", "降水量")),
    "snowfall": ("snowfall_cm", ("snowfall", "snow", "降雪", "降雪量")),
    "wind": ("wind_speed_ms", ("wind_speed", "wind", "windspeed", "wind_speed_10m", "风速")),
    "visibility": ("visibility_m", ("visibility", "vis", "能见度")),
}
_TIMES = {
    "valid_at": ("valid_at", "time", "timestamp", "datetime", "时间", "预报时间"),
    "issued_at": ("issued_at", "issued", "发布时间"),
}
# a bare date is refused: its day reads as an offset, and what is left is no time
_OFFSET = r"(?:[zZ]|(?:([+-])(\d{2}):?(\d{2})?))$"
_FORMS = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M")
_PLACES = {"latitude": ("latitude", "lat", "纬度"), "longitude": ("longitude", "lon", "lng", "经度")}


def parse(content: bytes, zone: tzinfo, place: Place | None = None, *, file: str = "answer") -> Reading:
    """Parse one CSV of weather points.

    Parameters
    ----------
    content
        UTF-8 (with or without BOM) or GB18030; separated by comma, semicolon or tab; decimal point.
    zone
        Time zone of times without an offset.
    place
        Latitude and longitude of a file that holds none (one station's file).
    file
        Named in errors.

    Returns
    -------
    Reading
        The kind is ``forecasts`` when the file has issue times, else open.

    Raises
    ------
    RadarError
        For an unreadable file, a missing or doubled column, or a measure without a unit. A row with a value that is no
        number, no time or out of range is one of ``Reading.bad_rows``.
    """
    bad = BadRows(file)
    frame = _take_units_below(read_text_table(decode(content, file), bad), file)
    lines = frame[ENTRY]
    names, ignored = _find_columns([name for name in frame.columns if name != ENTRY], file)
    if "valid_at" not in names:
        _refuse_timeless([name for name in frame.columns if name != ENTRY], file)
    columns: dict[str, pl.Series] = {ENTRY: lines, "valid_at": _times(frame[names["valid_at"][0]], lines, zone, bad)}
    if "issued_at" in names:
        columns["issued_at"] = _times(frame[names["issued_at"][0]], lines, zone, bad, optional=True)
    for index, (name, limit) in enumerate((("latitude", 90.0), ("longitude", 180.0))):
        if name in names:
            header = names[name][0]
            columns[name] = _numbers(frame[header], lines, bad, optional=False)
            outside = (columns[name].abs() > limit) | columns[name].is_nan()
            rule = f"is no {name}: degrees between -{limit:g} and {limit:g}; check the order of latitude and longitude"
            bad.add_where(outside.fill_null(False), frame[header], lines, header, rule)
        elif place is not None:
            columns[name] = pl.repeat(place[index], frame.height, dtype=pl.Float64, eager=True)
        else:
            raise RadarError(f"no column {name}", "a place for every row", "add it, or give --place LAT,LON", file=file)
    measured = False
    for quantity, (column, _) in MEASURES.items():
        if column in names:
            header, unit = names[column]
            found = _numbers(frame[header], lines, bad).fill_null(float("nan")).to_numpy()
            values = convert(found, unit, quantity, file=file, column=header)
            outside = pl.Series(outside_bounds(column, values))
            bad.add_where(outside, frame[header], lines, header, bounds_rule(column))
            columns[column] = pl.Series(column, values)
            measured = True
    if not measured:
        raise RadarError("no measure with a unit", "such as temperature_c or wind_kmh", "name one", file=file)
    rows = pl.DataFrame([series.alias(name) for name, series in columns.items()])
    rows = rows.filter(~pl.col(ENTRY).is_in(list(bad.rows)))
    has_issue_time = "issued_at" in rows.columns and rows["issued_at"].null_count() < rows.height
    broken = bad.frame()
    entries = frame.height + len(bad.rows - set(lines))
    kind: Kind | None = "forecasts" if has_issue_time else None
    return Reading(join_readings([rows]), PROVIDER, kind, ignored, bad_rows=broken, entries=entries)


def decode(content: bytes, file: str) -> str:
    """Return the text of a CSV: UTF-8 (with or without BOM), GB18030, else Latin-1 where it is Brazil's.

    Raises
    ------
    RadarError
        When the bytes are no text.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1") if b"DATA (YYYY" in content[:4096] else _decode_chinese(content, file)
    if "\x00" in text:
        raise RadarError("bytes that are no text", "a CSV", "name another file", file=file)
    return text


def _decode_chinese(content: bytes, file: str) -> str:
    try:
        return content.decode("gb18030")
    except UnicodeDecodeError as error:
        raise RadarError("neither UTF-8 nor GB18030 text", "a CSV", "save it as UTF-8", file=file) from error


def _take_units_below(frame: pl.DataFrame, file: str) -> pl.DataFrame:
    """Take a row of units below the header into it; RadarError where the header names another unit."""
    if not frame.height:
        return frame
    cells = {
        name: (cell or "").strip().strip("[]()（）") for name, cell in frame.drop(ENTRY).row(0, named=True).items()
    }
    measures = {name: quantity for name in cells if (quantity := _quantity_of(name)) is not None}
    below = {name: unit_name(cells[name]) for name in measures if cells[name]}
    if not below or not all(unit in UNITS[measures[name]] for name, unit in below.items()):
        return frame
    renamed = {}
    for name, unit in below.items():
        if name.strip().lower() in MEASURES[measures[name]][1]:
            if f"{name} [{unit}]" not in cells:
                renamed[name] = f"{name} [{unit}]"
            continue
        match = _match(name, file)
        if match is not None and unit_name(match[1]) != unit:
            raise RadarError(
                f"{name!r} in the header and {cells[name]!r} below it",
                "one unit",
                "correct the one that is wrong",
                file=file,
                column=name,
            )
    return frame[1:].rename(renamed)


def _refuse_timeless(headers: Sequence[str], file: str) -> NoReturn:
    """Raise RadarError that says what a file without a time column is: text, a table of something else, or weather whose times have another name."""
    listed = ", ".join(headers)[:160]
    if any(_quantity_of(name) is not None for name in headers):
        raise RadarError(f"no time column among {listed}", "valid_at", "name one valid_at", file=file)
    if len(headers) == 1:
        raise RadarError(
            f"text without columns, beginning {listed[:60]!r}",
            "a table of weather",
            "name a file of weather",
            file=file,
        )
    raise RadarError(
        f"a table of something other than weather ({listed}): no time and no measure",
        "valid_at and a measure with its unit, such as temperature_c",
        "name a file of weather, or name its columns so",
        file=file,
    )


def _quantity_of(header: str) -> Quantity | None:
    """Say what a header measures, with a unit or without."""
    folded = header.strip().lower()
    bare = re.sub(r"\s*[\[(（].*$", "", folded).replace(" ", "_")
    for quantity, (column, words) in MEASURES.items():
        if folded == column or bare in words or folded.rpartition("_")[0] in words:
            return quantity
    return None


def _find_columns(headers: list[str], file: str) -> tuple[dict[str, tuple[str, str]], tuple[str, ...]]:
    """Map our column names to (header, unit); the unit is empty for times and places."""
    found: dict[str, tuple[str, str]] = {}
    ignored = []
    for header in headers:
        match = _match(header, file)
        if match is None:
            ignored.append(header)
            continue
        name, unit = match
        if name in found:
            raise RadarError(
                f"columns {found[name][0]!r} and {header!r} for {name}", "one of them", "drop the other", file=file
            )
        found[name] = (header, unit)
    return found, tuple(sorted(ignored))


def _match(header: str, file: str) -> tuple[str, str] | None:
    folded = header.strip().lower()
    for name, words in (_TIMES | _PLACES).items():
        if folded in words:
            return name, ""
    bracketed = re.fullmatch(r"(.+?)\s*[\[(（](.+?)[\])）]", folded)
    for quantity, (column, words) in MEASURES.items():
        if folded == column:
            return column, column.rsplit("_", 1)[1]
        if bracketed and bracketed[1].replace(" ", "_") in words:
            return column, bracketed[2]
        stem, _, unit = folded.rpartition("_")
        if stem in words and unit_name(unit) in UNITS[quantity]:
            return column, unit
        if folded in words:
            raise RadarError(
                f"column {header!r} without a unit",
                f"the unit behind it, e.g. {header.strip()}_{UNITS[quantity][0]}",
                "rename the column with the unit the provider delivers",
                file=file,
                column=header,
            )
    return None


def _times(series: pl.Series, lines: pl.Series, zone: tzinfo, bad: BadRows, optional: bool = False) -> pl.Series:
    """Parse ISO 8601 times; those without an offset are wall time of ``zone``."""
    text = pl.col("text").str.strip_chars().replace("", None)
    sign, hours, minutes = (text.str.extract(_OFFSET, group) for group in (1, 2, 3))
    seconds = hours.cast(pl.Int64) * 3600 + minutes.cast(pl.Int64).fill_null(0) * 60
    seconds = pl.when(sign == "-").then(-seconds).otherwise(seconds)
    local = text.str.replace(_OFFSET, "").str.replace(" ", "T", literal=True).str.replace_all("/", "-", literal=True)
    wall = pl.coalesce(local.str.to_datetime(form, strict=False, time_unit="us") for form in _FORMS)
    zoned = wall.dt.replace_time_zone(str(zone), ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")
    utc = wall.dt.replace_time_zone("UTC")
    moment = (
        pl.when(text.str.contains("[zZ]$")).then(utc)
        .when(seconds.is_not_null()).then(utc - pl.duration(seconds=seconds))
        .otherwise(zoned)
    )  # fmt: skip
    frame = series.alias("text").to_frame().select(moment=moment, empty=text.is_null())
    wrong = frame["moment"].is_null() & ~(frame["empty"] & optional)
    bad.add_where(wrong, series, lines, series.name, "is no time such as 2025-11-11T06:00+08:00")
    return frame["moment"]


def _numbers(series: pl.Series, lines: pl.Series, bad: BadRows, optional: bool = True) -> pl.Series:
    text = series.str.strip_chars().replace("", None)
    empty = text.is_null() | text.str.to_lowercase().is_in(["na", "nan", "null", "-"])
    values = text.cast(pl.Float64, strict=False)
    wrong = values.is_null() & ~empty if optional else values.is_null()
    wrong = wrong | values.is_infinite().fill_null(False)
    bad.add_where(wrong, series, lines, series.name, "is no number with a decimal point")
    return values.set(empty | wrong, None)
