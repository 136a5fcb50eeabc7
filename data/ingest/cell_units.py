"""Cells that say their own unit: 12件, 1,200票, 3万件, ¥12, 30分钟, 5:30, 5小时30分, 1天2小时, 31°14′N."""

from __future__ import annotations

import polars as pl

from data.contracts import ColumnContract
from data.ingest.numbers import RAISED, parse_fractions, wholes_of
from data.ingest.units import find_conversion

_NUMBER_AND_UNIT = r"^(?P<number>[+-]?\d[\d.,'’ ]*)\s*(?P<unit>[^\d\s.,:+-][^\d]{0,15})$"
_MONEY_AND_NUMBER = r"^(?P<unit>[^\d\s.,:+-]{1,4})\s*(?P<number>[+-]?\d[\d.,'’ ]*)$"
_POLE = r"[NSEWnsew]|北纬|南纬|东经|西经|北|南|东|西"
_DEGREES = (
    rf"^(?P<before>{_POLE})?\s*(?P<degrees>[+-]?\d{{1,3}}(?:\.\d+)?)\s*(?:[°度]\s*(?:(?P<minutes>\d{{1,2}}(?:\.\d+)?)\s*['′’分]\s*"
    rf"(?:(?P<seconds>\d{{1,2}}(?:\.\d+)?)\s*(?:[\"”秒]|′′|'')\s*)?)?)?(?P<after>{_POLE})?$"
)
_POLES = {
    "latitude": ("N北", "S南"),
    "longitude": ("E东", "W西"),
}  # columns of degrees: letters of what counts up, and down
_CLOCK = r"^(?P<hours>\d{1,4}):(?P<minutes>[0-5]\d)(?::(?P<seconds>[0-5]\d)(?:\.0+)?)?$"
_SPOKEN = (
    r"(?i)^(?:(?P<days>\d+)\s*(?:天|日|d|days?))?\s*(?:(?P<hours>\d+)\s*(?:个?小时|时|钟头|h|hrs?|hours?))?\s*"
    r"(?:(?P<minutes>\d+)\s*(?:分钟?|m|mins?|minutes?))?$"
)
# What the reader of workbooks makes of a cell of hours and minutes: a moment after the eve of its calendar.
_SHEET_CLOCK = r"^(?:1899-12-3[01]|1900-0[1-3]-\d{2}) \d{2}:\d{2}:\d{2}(?:\.\d+)?$"
_SHEET_EVE = pl.datetime(1899, 12, 31)
_ANGLES, _MONEY = "degrees", "CNY"
_HOURS, _MINUTES_AN_HOUR, _SECONDS_AN_HOUR, _HOURS_A_DAY = "hours", 60.0, 3600.0, 24.0


def read_own_units(
    text: pl.Series, column: ColumnContract, decimal_comma: bool
) -> tuple[pl.Series, pl.Series, pl.Series]:
    """Read cells of a numeric column that name a unit of their own, which is the column's or a known multiple of it.

    A cell has said it all: what the header says is not put on top.

    Parameters
    ----------
    text
        Trimmed text.
    column
        Contract of the column.
    decimal_comma
        Whether a comma parts the fraction.

    Returns
    -------
    values
        Of the contract's type and unit; null where the cell names no such unit.
    rules
        The rule broken by what was read, null where none is.
    said
        Whether the cell named its unit.

    Examples
    --------
    >>> from data.contracts import contract
    >>> parcels = contract("route_volumes").column("parcels")
    >>> read_own_units(pl.Series(["12件", "3万件", "5吨", "0.5票"]), parcels, False)[0].to_list()
    [12, 30000, None, None]
    >>> hours = contract("lanes").column("transit_hours")
    >>> read_own_units(pl.Series(["5:30", "30分钟", "1天2小时", "5公里"]), hours, False)[0].to_list()
    [5.5, 0.5, 26.0, None]
    """
    # m³ and 5′ are units, 500① is no 5001
    text = text.set(text.str.contains(rf"\d{RAISED}|{RAISED}\d").fill_null(False), None)
    plain = text.str.replace_all("º", "°").str.normalize("NFKC").str.strip_chars()
    values = _read_degrees(plain, column) if column.unit == _ANGLES else _read_multiples(plain, column, decimal_comma)
    if column.unit == _HOURS:
        for hours in (_read_clock(plain), _read_spoken(plain), _read_sheet_clock(plain)):
            values = values.zip_with(values.is_not_null(), hours)
    has_unit = values.is_not_null()
    if column.dtype != pl.Int64:
        return values, pl.Series([None], dtype=pl.String).new_from_index(0, text.len()), has_unit
    # 1.2345 万 is 12,345; floating point may be a hair off it
    wholes, broken = wholes_of(values.round(6))
    return wholes, broken.zip_with(has_unit, pl.Series([None], dtype=pl.String)), has_unit


def _read_multiples(text: pl.Series, column: ColumnContract, decimal_comma: bool) -> pl.Series:
    """Numbers before a unit that is the column's or a known multiple; money may stand before its number."""
    parts = text.str.extract_groups(_NUMBER_AND_UNIT).struct.unnest()
    if (column.unit or "").startswith(_MONEY):
        before = text.str.extract_groups(_MONEY_AND_NUMBER).struct.unnest()
        parts = parts.select(pl.col(name).fill_null(before[name]) for name in ("number", "unit"))
    values = pl.Series([None], dtype=pl.Float64).new_from_index(0, text.len())
    for unit in parts["unit"].drop_nulls().unique().to_list():
        conversion = find_conversion(unit.strip(), column)
        if conversion is None:
            continue
        numbers, _ = parse_fractions(parts["number"].str.strip_chars(), decimal_comma)
        here = (parts["unit"] == unit).fill_null(False)
        values = values.zip_with(~here, numbers * conversion.factor + conversion.offset)
    return values


def _read_degrees(text: pl.Series, column: ColumnContract) -> pl.Series:
    """Degrees of 39.9°S, 31°14′24″N and 西经46.6: below 0 in the south and west; null beside a pole of the other axis."""
    up, down = next((poles for axis, poles in _POLES.items() if axis in column.name), ("", ""))
    parts = text.str.extract_groups(_DEGREES).struct.unnest()
    pole = pl.coalesce("before", "after").str.to_uppercase().str.slice(0, 1)
    size = pl.col("degrees").cast(pl.Float64)
    for name, weight in (("minutes", 60.0), ("seconds", 3600.0)):
        size = size + pl.col(name).cast(pl.Float64).fill_null(0.0) / weight
    # a sign and a pole say it twice, and -31°14' would need its minutes taken off
    plain = pl.col("degrees").str.contains(r"^\d") & (pl.col("before").is_null() | pl.col("after").is_null())
    signed = pl.when(plain & pole.is_in(list(up))).then(size).when(plain & pole.is_in(list(down))).then(-size)
    return parts.select(degrees=signed.when(plain & pole.is_null()).then(size)).to_series()


def _read_clock(text: pl.Series) -> pl.Series:
    """Hours of 5:30 and 26:15:00."""
    return _add_up(text.str.extract_groups(_CLOCK).struct.unnest())


def _read_spoken(text: pl.Series) -> pl.Series:
    """Hours of 5小时30分 and 1 d 2 h."""
    return _add_up(text.str.extract_groups(_SPOKEN).struct.unnest())


def _add_up(parts: pl.DataFrame) -> pl.Series:
    weights = {"days": _HOURS_A_DAY, "hours": 1.0, "minutes": 1.0 / _MINUTES_AN_HOUR, "seconds": 1.0 / _SECONDS_AN_HOUR}
    known = [pl.col(name).cast(pl.Float64) * weights[name] for name in parts.columns]
    return parts.select(
        pl.when(pl.any_horizontal(pl.all().is_not_null())).then(pl.sum_horizontal(known)).alias("hours")
    ).to_series()


def _read_sheet_clock(text: pl.Series) -> pl.Series:
    """Hours of a cell that a workbook shows as 5:30 or, as [h]:mm, 30:00."""
    moment = pl.col("t").str.slice(0, 19).str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False)
    hours = (moment - _SHEET_EVE).dt.total_seconds() / _SECONDS_AN_HOUR
    clock = pl.when(pl.col("t").str.contains(_SHEET_CLOCK) & (hours >= 0)).then(hours)
    return text.alias("t").to_frame().select(clock.alias("hours")).to_series()
