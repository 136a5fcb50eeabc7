"""Column kinds the contracts are written with: one name a kind, so that units and limits are said once.

Every kind takes the column's meaning first and then its other names (Chinese and English) as files use them.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

import dataframely as dy
import polars as pl

ID_LENGTH = 128
TEXT_LENGTH = 4000
# "by rule": part of a key of which another part may be empty, so that a rule of the schema keeps it unique.
Key = bool | Literal["by rule"]
FIRST_DATE = date(2000, 1, 1)
LAST_DATE = date(2099, 12, 31)
MOST_PARCELS = 10_000_000_000
MOST_MONEY = 1e15
MOST_HOURS = 100_000.0  # eleven years: beyond any journey, and within any calendar
# Any sort, any closing: the one a day has that no table of sorts tells apart; and every hub, category or departure.
WHOLE_DAY = "day"
ALL = "*"
_LATEST_CLOCK_HOURS = 71


def describe(
    meaning: str,
    aliases: tuple[str, ...],
    unit: str | None,
    key: Key,
    optional: bool,
    default: pl.Expr | None = None,
) -> dict[str, Any]:
    """Return the arguments every column kind shares: what it means, its unit, other names, whether it is part of the key.

    ``default`` is what an empty or absent value stands for: rows older than the column, and files without it, get it.
    """
    return {
        "nullable": optional,
        "primary_key": key is True and not optional,
        "description": meaning,
        "metadata": {"unit": unit, "aliases": aliases, "key": bool(key), "default": default},
    }


def ident(
    meaning: str, *aliases: str, key: Key = False, optional: bool = False, default: pl.Expr | str | None = None
) -> dy.String:
    """Id: text of 1 to 128 characters without control characters; never a number, so leading zeros live."""
    common = describe(meaning, aliases, None, key, optional, _expression(default))
    return dy.String(min_length=1, max_length=ID_LENGTH, regex=r"^[^\x00-\x1f\x7f]+$", **common)


def _expression(default: pl.Expr | str | None) -> pl.Expr | None:
    return pl.lit(default) if isinstance(default, str) else default


def chinese_name() -> dy.String:
    """Chinese name beside the name."""
    return text("Chinese name.", "中文名", "中文名称", optional=True)


def text(meaning: str, *aliases: str, optional: bool = False) -> dy.String:
    """Free text of at most 4,000 characters."""
    return dy.String(max_length=TEXT_LENGTH, **describe(meaning, aliases, None, False, optional))


def long_text(meaning: str, *aliases: str, optional: bool = False) -> dy.String:
    """Text without a limit, for geometry and recorded options."""
    return dy.String(**describe(meaning, aliases, None, False, optional))


def choice(
    meaning: str,
    values: tuple[str, ...],
    *aliases: str,
    key: Key = False,
    optional: bool = False,
    default: str | None = None,
) -> dy.String:
    """One of a few words."""
    meanings = f"{meaning} One of: {', '.join(values)}."
    common = describe(meanings, aliases, None, key, optional, _expression(default))
    return dy.String(check={"one_of": lambda column: column.is_in(values)}, **common)


def clock(meaning: str, *aliases: str, key: Key = False, optional: bool = False, free: str | None = None) -> dy.String:
    """Hour and minute of a business date as HH:MM in the hub's time zone; after midnight it goes on, 02:30 being 26:30.

    ``free`` is a word that may stand in place of an hour.
    """
    common = describe(meaning, aliases, "HH:MM", key, optional)

    def is_clock(column: pl.Expr) -> pl.Expr:
        valid = column.str.contains(r"^\d\d:[0-5]\d$") & (clock_hours(column) < _LATEST_CLOCK_HOURS + 1)
        return valid | (column == free) if free is not None else valid

    return dy.String(check={"clock": is_clock}, **common)


def clock_hours(column: pl.Expr) -> pl.Expr:
    """Hours since the midnight that begins the business date, of a column of kind ``clock``.

    Examples
    --------
    >>> pl.select(clock_hours(pl.lit("26:30"))).item()
    26.5
    """
    hours = column.str.slice(0, 2).cast(pl.Float64, strict=False)
    return hours + column.str.slice(3, 2).cast(pl.Float64, strict=False) / 60.0


def weekdays(meaning: str, *aliases: str, optional: bool = True) -> dy.String:
    """Days of the week as their digits in order, Monday 1 to Sunday 7: 12345 is Monday to Friday."""
    common = describe(meaning, aliases, "1 to 7", False, optional)
    return dy.String(
        check={"weekdays": lambda column: column.str.contains("^1?2?3?4?5?6?7?$") & (column != "")}, **common
    )


def day(meaning: str, *aliases: str, key: Key = False, optional: bool = False, default: date | None = None) -> dy.Date:
    """Business date between 2000 and 2099."""
    default_value = None if default is None else pl.lit(default)
    return dy.Date(min=FIRST_DATE, max=LAST_DATE, **describe(meaning, aliases, "date", key, optional, default_value))


def moment(meaning: str, *aliases: str, key: Key = False, optional: bool = False) -> dy.Datetime:
    """Point in time with offset, kept in UTC."""
    return dy.Datetime(time_unit="us", time_zone="UTC", **describe(meaning, aliases, "timestamp", key, optional))


def parcels(meaning: str, *aliases: str, unit: str = "parcels", optional: bool = False) -> dy.Int64:
    """Whole parcels, not negative."""
    return dy.Int64(min=0, max=MOST_PARCELS, **describe(meaning, aliases, unit, False, optional))


def count(meaning: str, *aliases: str, unit: str, key: Key = False, optional: bool = False) -> dy.Int64:
    """Whole number of things, not negative."""
    return dy.Int64(min=0, max=MOST_PARCELS, **describe(meaning, aliases, unit, key, optional))


def quantity(
    meaning: str, *aliases: str, unit: str, low: float | None = 0.0, high: float | None = None, optional: bool = False
) -> dy.Float64:
    """Measured number with its unit, finite, by default not negative."""
    return dy.Float64(min=low, max=high, **describe(meaning, aliases, unit, False, optional))


def money(meaning: str, *aliases: str, unit: str = "CNY", optional: bool = False) -> dy.Float64:
    """Amount in CNY, not negative."""
    return quantity(meaning, *aliases, unit=unit, high=MOST_MONEY, optional=optional)


def share(meaning: str, *aliases: str, optional: bool = False) -> dy.Float64:
    """Share between 0 and 1."""
    return quantity(meaning, *aliases, unit="share", high=1.0, optional=optional)


def latitude(*aliases: str, key: Key = False, optional: bool = False) -> dy.Float64:
    """Latitude in WGS 84 degrees."""
    common = describe("Latitude, WGS 84.", ("lat", "纬度", *aliases), "degrees", key, optional)
    return dy.Float64(min=-90.0, max=90.0, **common)


def longitude(*aliases: str, key: Key = False, optional: bool = False) -> dy.Float64:
    """Longitude in WGS 84 degrees."""
    common = describe("Longitude, WGS 84.", ("lon", "lng", "经度", *aliases), "degrees", key, optional)
    return dy.Float64(min=-180.0, max=180.0, **common)


def flag(meaning: str, *aliases: str, optional: bool = False) -> dy.Bool:
    """Yes or no."""
    return dy.Bool(**describe(meaning, aliases, None, False, optional))
