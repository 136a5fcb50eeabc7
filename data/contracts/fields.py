"""Column kinds the contracts are written with: one name a kind, so that units and limits are said once.

Every kind takes the column's meaning first and then its other names (Chinese and English) as files use them.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

import dataframely as dy

ID_LENGTH = 128
TEXT_LENGTH = 4000
# "by rule": part of a key of which another part may be empty, so that a rule of the schema keeps it unique.
Key = bool | Literal["by rule"]
FIRST_DATE = date(2000, 1, 1)
LAST_DATE = date(2099, 12, 31)
MOST_PARCELS = 10_000_000_000
MOST_MONEY = 1e15


def describe(meaning: str, aliases: tuple[str, ...], unit: str | None, key: Key, optional: bool) -> dict[str, Any]:
    """Return the arguments every column kind shares: what it means, its unit, other names, whether it is part of the key."""
    return {
        "nullable": optional,
        "primary_key": key is True and not optional,
        "description": meaning,
        "metadata": {"unit": unit, "aliases": aliases, "key": bool(key)},
    }


def ident(meaning: str, *aliases: str, key: Key = False, optional: bool = False) -> dy.String:
    """Id: text of 1 to 128 characters without control characters; never a number, so leading zeros live."""
    common = describe(meaning, aliases, None, key, optional)
    return dy.String(min_length=1, max_length=ID_LENGTH, regex=r"^[^\x00-\x1f\x7f]+$", **common)


def text(meaning: str, *aliases: str, optional: bool = False) -> dy.String:
    """Free text of at most 4,000 characters."""
    return dy.String(max_length=TEXT_LENGTH, **describe(meaning, aliases, None, False, optional))


def long_text(meaning: str, *aliases: str, optional: bool = False) -> dy.String:
    """Text without a limit, for geometry and recorded options."""
    return dy.String(**describe(meaning, aliases, None, False, optional))


def choice(meaning: str, values: tuple[str, ...], *aliases: str, key: Key = False, optional: bool = False) -> dy.String:
    """One of a few words."""
    told = f"{meaning} One of: {', '.join(values)}."
    return dy.String(
        check={"one_of": lambda column: column.is_in(values)}, **describe(told, aliases, None, key, optional)
    )


def day(meaning: str, *aliases: str, key: Key = False, optional: bool = False) -> dy.Date:
    """Business date between 2000 and 2099."""
    return dy.Date(min=FIRST_DATE, max=LAST_DATE, **describe(meaning, aliases, "date", key, optional))


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
