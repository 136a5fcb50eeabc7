"""Values of a file as values of a table: trimmed, read by type, and set apart where they cannot be read."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import polars as pl

from data.contracts import ColumnContract
from data.ingest.dates import (
    NOT_A_DATE,
    NOT_A_TIME,
    check_range,
    in_utc,
    parse_days,
    parse_moments,
    parse_months,
    puts_day_first,
)
from data.ingest.ids import NO_VALUE, SHEET_ERROR
from data.ingest.numbers import NOT_A_NUMBER, parse_fractions, parse_wholes, uses_decimal_comma, wholes_of

# Words that mean "nothing" where a number or date is asked for. An id may well be NA.
_NOTHING = ("", "na", "n/a", "nan", "nat", "null", "none", "-", "--", "—", "/", "无", "空", "#n/a", "\\n")
FORMULA = "is a formula whose value was not saved"
# Beside white space the marks of the direction of writing, which are copied along unseen.
_SPACES = " \t\r\n\u3000\u00a0\ufeff\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "mode": {
        "road": ("公路", "陆运", "汽运", "truck"),
        "rail": ("铁路", "高铁", "train"),
        "air": ("航空", "空运", "plane"),
    },
    "ownership": {
        "own": ("自有", "自营", "自有车"),
        "contract": ("合同", "外包", "合同车"),
        "spot": ("社会", "社会车辆", "临时"),
    },
    "direction": {
        "pickup": ("揽收", "揽件", "收件", "send"),
        "delivery": ("派送", "派件", "签收", "arrive"),
        "out": ("出港", "发出"),
        "in": ("进港", "到达"),
    },
    "status": {
        "created": ("已下单", "下单"),
        "picked_up": ("已揽收", "揽收"),
        "in_transit": ("在途", "运输中"),
        "arrived": ("已到达", "到达"),
        "out_for_delivery": ("派件中", "派送中", "派件"),
        "delivered": ("已签收", "签收", "signed"),
        "returned": ("退回", "已退回"),
    },
    "severity": {"blue": ("蓝色", "蓝"), "yellow": ("黄色", "黄"), "orange": ("橙色", "橙"), "red": ("红色", "红")},
    "venue": {"main": ("主会场",), "branch": ("分会场",), "none": ("无",)},
    "change": {
        "opens": ("开通", "新开", "open"),
        "closes": ("关闭", "停用", "close"),
        "moves": ("搬迁", "迁移", "move"),
    },
}
_YES = {"true": True, "t": True, "yes": True, "y": True, "1": True, "是": True}
_NO = {"false": False, "f": False, "no": False, "n": False, "0": False, "否": False}


@dataclass(frozen=True)
class Style:
    """How a file writes what can be read in two ways."""

    decimal_comma: bool = False
    day_first: bool | None = None


def find_style(values: list[tuple[ColumnContract, pl.Series]], decimal_comma: bool) -> Style:
    """Look at the first rows of a file: which mark parts fractions, and whether days come before months."""
    texts = [(column, series) for column, series in values if series.dtype == pl.String]
    numbers = [series for column, series in texts if column.dtype.is_numeric()]
    dates = [series for column, series in texts if column.dtype.is_temporal()]
    return Style(uses_decimal_comma(numbers, decimal_comma), puts_day_first(dates))


def read_values(values: pl.Series, column: ColumnContract, style: Style, zone: ZoneInfo) -> tuple[pl.Series, pl.Series]:
    """Read one column of a file as the type its contract asks for.

    Parameters
    ----------
    values
        As the source gave them: text or typed.
    column
        Contract of the column.
    style
        How the file writes what can be read in two ways.
    zone
        Zone of times without an offset.

    Returns
    -------
    values
        Of the contract's type; null where empty or unreadable.
    rules
        The rule broken, null where none is.
    """
    dtype = column.dtype
    if values.dtype == pl.Null:
        return values.cast(dtype), _no_rules(values.len())
    if isinstance(
        values.dtype,
        (pl.Decimal, pl.Categorical, pl.Enum, pl.Binary, pl.List, pl.Struct, pl.Array, pl.Time, pl.Duration),
    ):
        values = plain_text(values)
    if dtype == pl.String:
        text = _read_text(values, column)
        return text, _rule(text.str.contains(SHEET_ERROR), NO_VALUE)
    if values.dtype == pl.String:
        trimmed = _trim(values)
        read, rules = _read_typed_text(trimmed, column, style, zone)
        return read, _blame_spreadsheet(trimmed, rules)
    if dtype == pl.Boolean and values.dtype != pl.Boolean:
        return _read_flags(values.cast(pl.String))
    if dtype == pl.Date and column.name == "month" and values.dtype.is_numeric():
        return parse_months(_digits(values), style.day_first, zone)
    if dtype == pl.Date:
        return _read_dates(values, style, zone)
    if isinstance(dtype, pl.Datetime):
        return _read_moments(values, style, zone)
    if values.dtype.is_temporal():
        return values.clear(values.len()).cast(pl.Int64).cast(dtype), _rule(values.is_not_null(), NOT_A_NUMBER)
    if dtype == pl.Int64 and values.dtype.is_float():
        return wholes_of(values)
    if dtype == pl.Int64:
        cast = values.cast(pl.Int64, strict=False)
        return cast, _rule(values.is_not_null() & cast.is_null(), "is above the largest value allowed")
    read = values.cast(dtype, strict=False)
    return (read.fill_nan(None) if read.dtype.is_float() else read), _no_rules(values.len())


def _blame_spreadsheet(text: pl.Series, rules: pl.Series) -> pl.Series:
    """Say of what could not be read that it is a formula, or an error, where it looks like one."""
    if rules.null_count() == rules.len():
        return rules
    blamed = (
        pl.when(pl.col("rule").is_null())
        .then(None)
        .when(pl.col("text").str.starts_with("="))
        .then(pl.lit(FORMULA))
        .when(pl.col("text").str.contains(SHEET_ERROR))
        .then(pl.lit(NO_VALUE))
        .otherwise("rule")
    )
    return pl.DataFrame({"text": text, "rule": rules}).select(blamed.alias("rule")).to_series()


def plain_text(values: pl.Series) -> pl.Series:
    """Bring values of any kind to text."""
    if isinstance(values.dtype, (pl.List, pl.Array, pl.Struct, pl.Duration, pl.Binary, pl.Object)):
        return pl.Series(
            values.name, [None if value is None else str(value) for value in values.to_list()], dtype=pl.String
        )
    return values.cast(pl.String, strict=False)


def _read_text(values: pl.Series, column: ColumnContract) -> pl.Series:
    if values.dtype.is_float():
        # 7.0 in a sheet or data frame is the id 7.
        wholes, broken = wholes_of(values)
        values = wholes.cast(pl.String).zip_with(broken.is_null(), values.cast(pl.String))
    elif values.dtype != pl.String:
        values = values.cast(pl.String)
    trimmed = values.str.strip_chars(_SPACES)
    if (trimmed.str.len_bytes() == 0).any():
        trimmed = trimmed.zip_with(trimmed != "", pl.Series([None], dtype=pl.String))
    words = _WORDS.get(column.name)
    if words is None:
        return trimmed
    lowered = trimmed.str.to_lowercase()
    known = {other: word for word, others in words.items() for other in (word, *others)}
    return lowered.replace_strict(list(known), list(known.values()), default=trimmed, return_dtype=pl.String)


def _trim(values: pl.Series) -> pl.Series:
    trimmed = values.str.strip_chars(_SPACES)
    # Words for nothing are short; long columns of digits need not be compared with each.
    short = trimmed.str.len_bytes() <= 4
    nothing = short & trimmed.str.to_lowercase().is_in(_NOTHING) if short.any() else short
    return trimmed.zip_with(~nothing, pl.Series([None], dtype=pl.String)) if nothing.any() else trimmed


def is_nothing(values: pl.Series) -> pl.Series:
    """Say of each text whether it is empty or a word for nothing."""
    return _trim(values).is_null() | (values.str.strip_chars(_SPACES) == "").fill_null(True)


def _read_typed_text(
    text: pl.Series, column: ColumnContract, style: Style, zone: ZoneInfo
) -> tuple[pl.Series, pl.Series]:
    dtype = column.dtype
    if dtype == pl.Int64:
        return parse_wholes(text, style.decimal_comma)
    if dtype == pl.Float64:
        return parse_fractions(text, style.decimal_comma, percent=column.unit in ("share", "ratio"))
    if dtype == pl.Date and column.name == "month":
        return parse_months(text, style.day_first, zone)
    if dtype == pl.Date:
        return parse_days(text, style.day_first, zone)
    if isinstance(dtype, pl.Datetime):
        return parse_moments(text, style.day_first, zone)
    if dtype == pl.Boolean:
        return _read_flags(text)
    if isinstance(dtype, pl.List):
        return text.str.split("|"), _no_rules(text.len())
    raise TypeError(f"no way to read {dtype} (column {column.name})")


def _read_flags(text: pl.Series) -> tuple[pl.Series, pl.Series]:
    words = _YES | _NO
    read = text.str.to_lowercase().replace_strict(
        list(words), list(words.values()), default=None, return_dtype=pl.Boolean
    )
    return read, _rule(text.is_not_null() & read.is_null(), "is neither yes nor no")


def _read_dates(values: pl.Series, style: Style, zone: ZoneInfo) -> tuple[pl.Series, pl.Series]:
    if values.dtype == pl.Date:
        return values, _no_rules(values.len())
    if isinstance(values.dtype, pl.Datetime):
        local = values.dt.convert_time_zone(zone.key) if values.dtype.time_zone else values
        return local.dt.date(), _no_rules(values.len())
    if values.dtype.is_numeric():
        return parse_days(_digits(values), style.day_first, zone)
    return values.clear(values.len()).cast(pl.Boolean).cast(pl.Date), _rule(values.is_not_null(), NOT_A_DATE)


def _read_moments(values: pl.Series, style: Style, zone: ZoneInfo) -> tuple[pl.Series, pl.Series]:
    if values.dtype == pl.Date:
        return check_range(in_utc(values.cast(pl.Datetime("us")), zone), _no_rules(values.len()))
    if isinstance(values.dtype, pl.Datetime):
        exact = values.cast(pl.Datetime("us", values.dtype.time_zone))
        utc = exact.dt.convert_time_zone("UTC") if values.dtype.time_zone else in_utc(exact, zone)
        return check_range(utc, _no_rules(values.len()))
    if values.dtype.is_numeric():
        return parse_moments(_digits(values), style.day_first, zone)
    empty = pl.Series([None], dtype=pl.Datetime("us", "UTC")).new_from_index(0, values.len())
    return empty, _rule(values.is_not_null(), NOT_A_TIME)


def _digits(values: pl.Series) -> pl.Series:
    if values.dtype.is_integer():
        return values.cast(pl.String)
    wholes, broken = wholes_of(values)
    return wholes.cast(pl.String).zip_with(broken.is_null(), values.cast(pl.String))


def _no_rules(length: int) -> pl.Series:
    return pl.Series("rule", [None], dtype=pl.String).new_from_index(0, length)


def _rule(broken: pl.Series, rule: str) -> pl.Series:
    return broken.alias("broken").to_frame().select(pl.when("broken").then(pl.lit(rule)).alias("rule")).to_series()
