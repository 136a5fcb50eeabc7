"""Dates and times as files write them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import polars as pl

from data.ingest.numbers import RAISED, UNSEEN

_TIME = (
    r"(?:[T\s]+(?P<hour>\d{1,2})[:时点](?P<minute>\d{1,2})(?:[:分](?P<second>\d{1,2})(?:[.,](?P<fraction>\d{1,9}))?)?[分秒]?)?"
    r"\s*(?P<offset>Z|z|UTC|[+-]\d{2}:?\d{2}|[+-]\d{2})?$"
)
_FORMS = (
    r"^(?P<year>\d{4})\s*[-/.年]\s*(?P<month>\d{1,2})\s*[-/.月]\s*(?P<day>\d{1,2})\s*[日号]?" + _TIME,
    r"^(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})" + _TIME,
    r"^(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})$",
)
_DAY_OR_MONTH_FIRST = r"^(?P<one>\d{1,2})[./-](?P<two>\d{1,2})[./-](?P<year>\d{4})" + _TIME
_DASHES = r"[\x{2010}-\x{2015}\x{2212}]"
_NAMED_MONTHS = (
    "%d-%b-%Y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%b %d %Y",
    "%B %d %Y",
    "%d-%b-%y",
    "%d %b %y",
    "%d/%b/%Y",
)
# What is a date to its writer, of which the year is not told: 11/8, 11月8日, 8-Nov; 8.11.26, 26/11/08, 26年11月8日.
_WITHOUT_YEAR = (
    r"^(?:\d{1,2}\s*[-/.月]\s*\d{1,2}\s*[日号]?|\d{1,2}[- ][A-Za-z]{3,9}\.?|[A-Za-z]{3,9}\.?[- ]\d{1,2})(?:\s+\d.*)?$"
)
_YEAR_CUT = r"^(?:\d{1,2}([-/.])\d{1,2}[-/.]\d{1,2}|\d{2}\s*年\s*\d{1,2}\s*月\s*\d{1,2}\s*[日号]?)(?:\s+\d.*)?$"
# Halves of the day that stand before or behind the hour: 下午3:05, 3:05 PM.
_HALF = r"(?i)\s*(?P<half>上午|凌晨|清晨|早上|早晨|中午|下午|傍晚|晚上|\b[ap]\.?m\b\.?|[ap]m\b)\s*"
_SECOND_HALF = r"(?i)^(?:中午|下午|傍晚|晚上|p)"
# The day of the week that stands beside a date: 星期日, (周一), Sunday.
_WEEKDAY = (
    r"\s*\(?(?:(?:星期|周|礼拜)[一二三四五六日天]"
    r"|\b(?i:mon|tue|tues|wed|wednes|thu|thur|thurs|fri|sat|satur|sun)(?i:day)?\b\.?,?)\)?\s*"
)
# A month as a month; 202511 is one too, where a month is asked for.
_MONTH = r"^(?P<year>20\d{2})\s*[-/.年]?\s*(?P<month>0?[1-9]|1[0-2])\s*月?(?:份)?$"
_NAMED_MONTH = ("%d %b %y", "%d %b %Y", "%d %B %Y", "%d %B %y")
_FULL_YEARS = 100
_SERIAL = r"^\d{5}(?:\.\d+)?$"
_SECONDS, _MILLISECONDS = r"^\d{10}$", r"^\d{13}$"
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_FAST_TIMES = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y-%m-%d %H:%M")
_FAST_OFFSETS = ("%Y-%m-%dT%H:%M:%S%#z", "%Y-%m-%d %H:%M:%S%#z")
_PARTS = ("year", "month", "day", "hour", "minute", "second", "fraction", "offset")

NOT_A_DATE = "is not a date"
NOT_A_TIME = "is not a time"
WHICH_FIRST = "may be day or month first"
NO_YEAR = "is a date without a year: write it with four digits"
YEAR_CUT = "has a year of two digits: write all four"
OUT_OF_TIME = "lies outside the years 2000 to 2099"


def puts_day_first(columns: list[pl.Series]) -> bool | None:
    """Tell from dates such as 7/6/2022 and 06.07.2022 which comes first; None where nothing shows it.

    A point between the numbers means day first, as where points are used; a number above 12 decides the rest.
    """
    for column in columns:
        plain, _ = _part_halves(column.str.strip_chars())
        numbers = plain.str.extract_groups(_DAY_OR_MONTH_FIRST).struct.unnest()
        one, two = numbers["one"].cast(pl.Int64, strict=False), numbers["two"].cast(pl.Int64, strict=False)
        day_first, month_first = bool((one > 12).any()), bool((two > 12).any())
        if day_first != month_first:
            return day_first
    return None


def parse_days(text: pl.Series, day_first: bool | None, zone: ZoneInfo) -> tuple[pl.Series, pl.Series]:
    """Read dates; a time of day is dropped, after an offset was turned to the workspace's zone.

    Parameters
    ----------
    text
        Trimmed text; null where empty. Forms: 2022-06-07, 2022/6/7, 2022.6.7, 20220607, 2022年6月7日, 2022年6月7号, 07.06.2022,
        7/6/2022, 7-Jun-2022, Excel's serial days, seconds or milliseconds since 1970, each with or without time.
    day_first
        Order in 7/6/2022; None where the file does not show it.
    zone
        Time zone of business dates.

    Returns
    -------
    days
        Date; null where empty or unreadable.
    rules
        The rule broken, null where none is.
    """
    # Few different dates stand in many rows.
    distinct = text.drop_nulls().unique()
    moments, rules = _read(distinct, day_first)
    local = (
        pl.when(pl.col("offset").is_null())
        .then(pl.col("at"))
        .otherwise(
            (pl.col("at") - pl.duration(minutes=pl.col("offset")))
            .dt.replace_time_zone("UTC")
            .dt.convert_time_zone(zone.key)
            .dt.replace_time_zone(None)
        )
    )
    table = moments.select(distinct.alias("text"), local.dt.date().alias("day"), rules.alias("rule"))
    table = table.with_columns(
        pl.when(pl.col("day").is_null() & pl.col("rule").is_null())
        .then(pl.lit(NOT_A_DATE))
        .otherwise("rule")
        .alias("rule")
    )
    joined = text.alias("text").to_frame().join(table, on="text", how="left", maintain_order="left")
    return joined["day"], joined["rule"]


def parse_months(text: pl.Series, day_first: bool | None, zone: ZoneInfo) -> tuple[pl.Series, pl.Series]:
    """Read months as their first day: 2025年9月, 2025-10, 202511, 2025/12, Jan-26, and whole dates as ``parse_days``."""
    bare = text.set(text.str.contains(RAISED).fill_null(False), None).str.replace_all(UNSEEN, "")
    plain = bare.str.normalize("NFKC").str.replace_all(_DASHES, "-").str.strip_chars()
    numbers = plain.str.extract_groups(_MONTH).struct.unnest()
    first = pl.format("{}-{}-01", "year", pl.col("month").str.pad_start(2, "0")).str.to_date("%Y-%m-%d", strict=False)
    months = numbers.select(first.alias("day")).to_series()
    with_day = pl.Series(["01 "], dtype=pl.String).new_from_index(0, text.len()) + plain.str.replace(r"[-/.\s]+", " ")
    for form in _NAMED_MONTH:
        months = months.zip_with(months.is_not_null(), with_day.str.to_date(form, strict=False))
    days, rules = parse_days(text, day_first, zone)
    found = months.is_not_null()
    return days.zip_with(~found, months), rules.zip_with(~found, pl.Series([None], dtype=pl.String))


def parse_moments(text: pl.Series, day_first: bool | None, zone: ZoneInfo) -> tuple[pl.Series, pl.Series]:
    """Read points in time as Datetime in UTC; what has no offset is local time. See ``parse_days`` for the forms."""
    values = _parse_fast(text, zone)
    rules = pl.Series([None], dtype=pl.String).new_from_index(0, text.len())
    left = (text.is_not_null() & values.is_null()).arg_true()
    if left.len():
        moments, broken = _read(text.gather(left), day_first)
        exact = (pl.col("at") - pl.duration(minutes=pl.col("offset"))).dt.replace_time_zone("UTC")
        found = moments.with_columns(exact.alias("exact"), in_utc(moments["at"], zone).alias("local"))
        slow = found.select(pl.when(pl.col("offset").is_null()).then("local").otherwise("exact")).to_series()
        broken = broken.zip_with(slow.is_not_null() | broken.is_not_null(), pl.Series([NOT_A_TIME]))
        values = values.clone().scatter(left, slow)
        rules = rules.scatter(left, broken)
    return check_range(values, rules)


def check_range(values: pl.Series, rules: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Put apart moments outside the years 2000 to 2099."""
    outside = ((values < _EARLIEST) | (values >= _LATEST)).fill_null(False)
    if outside.any():
        rules = rules.zip_with(~outside, pl.Series([OUT_OF_TIME]))
    return values, rules


def in_utc(local: pl.Series, zone: ZoneInfo) -> pl.Series:
    """Turn local time without zone into UTC; an hour that a clock change skipped is moved past it."""
    at = local.cast(pl.Datetime("us"))
    placed = at.dt.replace_time_zone(zone.key, ambiguous="earliest", non_existent="null")
    skipped = at.is_not_null() & placed.is_null()
    if skipped.any():
        later = at.dt.offset_by("1h").dt.replace_time_zone(zone.key, ambiguous="earliest", non_existent="null")
        placed = placed.zip_with(~skipped, later)
    return placed.dt.convert_time_zone("UTC")


def _parse_fast(text: pl.Series, zone: ZoneInfo) -> pl.Series:
    """Read the whole column by one common form, if its first values have one."""
    sample = text.drop_nulls().head(20)
    for form in (*_FAST_TIMES, *_FAST_OFFSETS):
        if not sample.len() or sample.str.to_datetime(form, strict=False).is_null().any():
            continue
        values = text.str.to_datetime(form, strict=False, time_unit="us")
        return values.dt.convert_time_zone("UTC") if form in _FAST_OFFSETS else in_utc(values, zone)
    return pl.Series([None], dtype=pl.Datetime("us", "UTC")).new_from_index(0, text.len())


def _read(text: pl.Series, day_first: bool | None) -> tuple[pl.DataFrame, pl.Series]:
    """Read text as columns ``at`` (naive Datetime) and ``offset`` [minutes east], and say where it is not clear."""
    text = text.set(text.str.contains(RAISED).fill_null(False), None).str.replace_all(UNSEEN, "")
    plain = text.str.normalize("NFKC").str.replace_all(_DASHES, "-")
    text, half = _part_halves(plain.str.replace(_WEEKDAY, " ").str.strip_chars())
    found = pl.DataFrame(
        {"at": pl.Series([None], dtype=pl.Datetime("us")), "offset": pl.Series([None], dtype=pl.Int64)}
    ).clear(text.len())
    for form in _FORMS:
        found = _take_first(found, _build(text.str.extract_groups(form).struct.unnest()))
    ordered = text.str.extract_groups(_DAY_OR_MONTH_FIRST).struct.unnest()
    dotted = text.str.contains(r"^\d{1,2}\.\d{1,2}\.\d{4}")
    same = (ordered["one"].cast(pl.Int64) == ordered["two"].cast(pl.Int64)).fill_null(False)
    known = dotted | same | (day_first is not None)
    first = dotted | (day_first is not False)
    parts = ordered.with_columns(
        ordered["one"].zip_with(first, ordered["two"]).alias("day"),
        ordered["two"].zip_with(first, ordered["one"]).alias("month"),
    )
    read = _build(parts)
    unclear = read["at"].is_not_null() & ~known
    found = _take_first(found, read.with_columns(pl.when(~unclear).then(pl.col("at")).alias("at")))
    found = _take_first(found, _build_counts(text))
    for named in _NAMED_MONTHS:
        day = text.str.to_date(named, strict=False)
        at = day.set(day.dt.year() < _FULL_YEARS, None).cast(pl.Datetime("us"))  # 4-Nov-25 is no day of the year 25
        found = _take_first(
            found, pl.DataFrame({"at": at, "offset": pl.Series([None], dtype=pl.Int64).new_from_index(0, text.len())})
        )
    asked = (
        pl.when(unclear).then(pl.lit(WHICH_FIRST))
        .when(found["at"].is_not_null()).then(None)
        .when(pl.col("text").str.contains(_WITHOUT_YEAR)).then(pl.lit(NO_YEAR))
        .when(pl.col("text").str.contains(_YEAR_CUT)).then(pl.lit(YEAR_CUT))
    )  # fmt: skip
    rules = text.alias("text").to_frame().select(asked.alias("rule")).to_series()
    return found if half is None else _move_halves(found, half), rules


def _part_halves(text: pl.Series) -> tuple[pl.Series, pl.Series | None]:
    """Take 上午, 下午, AM, PM out of text and return them beside it, null where there is none; None where no row has one."""
    text = text.str.replace(r"[日号](\d)", "日 ${1}").str.replace(r"(\d)[时点]$", "${1}:00")
    half = text.str.extract(_HALF, 1)
    if half.null_count() == half.len():
        return text, None
    return text.str.replace(_HALF, " ").str.strip_chars(), half


def _move_halves(found: pl.DataFrame, half: pl.Series) -> pl.DataFrame:
    """Move the hours of the clock's second round: 3:05 PM is 15:05, 12:05 AM is 0:05; 下午15:05 stays, 晚上12:05 is no time to be sure of."""
    hour, later = pl.col("at").dt.hour(), pl.col("half").str.contains(_SECOND_HALF)
    hours = pl.when(later & (hour < 12)).then(12).when(~later & (hour == 12)).then(-12).otherwise(0)
    sure = pl.col("half").is_null() | ~(pl.col("half").str.contains(r"晚") & (hour == 12))
    moved = pl.when(sure).then(pl.col("at") + pl.duration(hours=hours))
    return found.with_columns(half.alias("half")).with_columns(at=moved).drop("half")


def _take_first(found: pl.DataFrame, other: pl.DataFrame) -> pl.DataFrame:
    missing = found["at"].is_null()
    return pl.DataFrame({name: found[name].zip_with(~missing, other[name]) for name in ("at", "offset")})


def _build(parts: pl.DataFrame) -> pl.DataFrame:
    """Build moments from their parts as text; 30 February becomes null."""
    absent = [pl.lit(None, dtype=pl.String).alias(name) for name in _PARTS if name not in parts.columns]
    padded = {
        name: pl.col(name).fill_null("0").str.pad_start(2, "0") for name in ("month", "day", "hour", "minute", "second")
    }
    stamp = pl.format("{}-{}-{} {}:{}:{}", "year", *padded.values())
    micros = pl.col("fraction").fill_null("0").str.pad_end(6, "0").str.slice(0, 6).cast(pl.Int64)
    digits = pl.col("offset").str.replace_all(r"[^\d]", "").str.pad_end(4, "0")
    minutes = digits.str.slice(0, 2).cast(pl.Int64, strict=False) * 60 + digits.str.slice(2, 2).cast(
        pl.Int64, strict=False
    )
    sign = pl.when(pl.col("offset").str.starts_with("-")).then(-1).otherwise(1)
    return parts.with_columns(absent).select(
        (
            stamp.str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False, time_unit="us") + pl.duration(microseconds=micros)
        ).alias("at"),
        (sign * minutes).cast(pl.Int64).alias("offset"),
    )


def _build_counts(text: pl.Series) -> pl.DataFrame:
    """Read counted time: Excel's serial days (local), seconds and milliseconds since 1970 (UTC)."""
    number = pl.col("t").cast(pl.Float64, strict=False)
    serial, seconds, millis = (pl.col("t").str.contains(form) for form in (_SERIAL, _SECONDS, _MILLISECONDS))
    # Excel's serial days count from here; its 29 February 1900 lies before any date of use.
    days = pl.datetime(1899, 12, 30) + pl.duration(seconds=(number * 86400).round().cast(pl.Int64))
    since = pl.datetime(1970, 1, 1) + pl.duration(
        milliseconds=pl.when(seconds).then(number * 1000).otherwise(number).cast(pl.Int64)
    )
    at = pl.when(serial).then(days).when(seconds | millis).then(since)
    return (
        text.alias("t")
        .to_frame()
        .select(
            at.cast(pl.Datetime("us")).alias("at"),
            pl.when(seconds | millis).then(pl.lit(0)).cast(pl.Int64).alias("offset"),
        )
    )
