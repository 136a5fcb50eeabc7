"""Calendar of public holidays and shopping waves, one row a wave, for the table ``events``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from data.errors import RadarError

COUNTRIES = ("CN", "BR", "US")
FIRST_YEAR = 2015
LAST_YEAR = 2035

_SCHEMA = {
    "event_id": pl.String,
    "name": pl.String,
    "name_zh": pl.String,
    "kind": pl.String,
    "date_from": pl.Date,
    "date_to": pl.Date,
    "peak_date": pl.Date,
    "edition": pl.Int64,
}

# Chinese names of holidays which the library does not translate into Chinese (those of Brazil and the United States).
_NAMES_ZH = {
    "New Year's Day": "元旦",
    "Carnival": "狂欢节",
    "Good Friday": "耶稣受难日",
    "Christmas Day": "圣诞节",
    "Thanksgiving Day": "感恩节",
    "Independence Day": "独立日",
    "Labor Day": "劳动节",
}
_SPRING_FESTIVAL = "Chinese New Year"
_JOIN_DAYS = 3


@dataclass(frozen=True)
class ShoppingWave:
    """One wave of a shopping season, with the rule that dates it.

    Parameters
    ----------
    name, name_zh
        Name, the same over the editions.
    first_edition
        First year in which the wave is held.
    days
        Length of the sale, the peak day included [days].
    month, day
        Peak day, where it is a fixed one; 0 for a wave dated from Thanksgiving.
    days_after_thanksgiving
        Days from the fourth Thursday of November, for the waves dated from it.
    lead
        Days of the sale before its peak day [days].
    """

    name: str
    name_zh: str
    first_edition: int
    days: int
    month: int = 0
    day: int = 0
    days_after_thanksgiving: int = 0
    lead: int = 0

    def peak(self, year: int) -> date:
        """Return the peak day of the edition of ``year``."""
        if self.month:
            return date(year, self.month, self.day)
        return fourth_thursday_of_november(year) + timedelta(days=self.days_after_thanksgiving)


_CHINESE_WAVES = (
    ShoppingWave("618 opening", "618开门红", FIRST_YEAR, 3, 6, 1),
    ShoppingWave("618", "618", FIRST_YEAR, 3, 6, 18, lead=2),
    ShoppingWave("Double 11 opening", "双11开门红", 2020, 3, 11, 1),
    ShoppingWave("Double 11", "双11", FIRST_YEAR, 3, 11, 11),
    ShoppingWave("Double 12", "双12", FIRST_YEAR, 2, 12, 12),
)
_WESTERN_WAVES = (
    ShoppingWave("Black Friday", "黑色星期五", FIRST_YEAR, 3, days_after_thanksgiving=1),
    ShoppingWave("Cyber Monday", "网络星期一", FIRST_YEAR, 1, days_after_thanksgiving=4),
)
SHOPPING_WAVES: dict[str, tuple[ShoppingWave, ...]] = {
    "CN": _CHINESE_WAVES,
    "BR": _WESTERN_WAVES,
    "US": _WESTERN_WAVES,
}


def fourth_thursday_of_november(year: int) -> date:
    """Return Thanksgiving Day of the United States, which Black Friday follows everywhere."""
    first = date(year, 11, 1)
    return first + timedelta(days=(3 - first.weekday()) % 7 + 21)


def build_calendar(country: str = "CN", first_year: int = FIRST_YEAR, last_year: int = LAST_YEAR) -> pl.DataFrame:
    """Build the table ``events`` of a country: its public holidays and its shopping waves.

    Parameters
    ----------
    country
        ``CN``, ``BR`` or ``US``.
    first_year, last_year
        Editions wanted, both included.

    Returns
    -------
    pl.DataFrame
        Columns of the contract ``events``, sorted by ``date_from`` and ``event_id``; ``edition`` is the year, ``name`` the
        same in every year. A holiday runs from its first to its last day off, days moved from weekends included;
        its ``peak_date`` is the day of the feast itself (for the Spring Festival the first day of the lunar year).

    Raises
    ------
    RadarError
        For a country without a calendar, or years out of order.
    """
    code = country.upper()
    if code not in COUNTRIES:
        raise RadarError(f"calendar {country}", f"one of {', '.join(COUNTRIES)}", "choose one of them")
    if first_year > last_year:
        raise RadarError(
            f"first year {first_year} after last year {last_year}", "years in order", "exchange the two years"
        )
    years = range(first_year, last_year + 1)
    rows = [*_holiday_rows(code, years), *_shopping_rows(code, years)]
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row").sort("date_from", "event_id")


def _shopping_rows(country: str, years: Iterable[int]) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for year in years:
        for wave in SHOPPING_WAVES[country]:
            if year < wave.first_edition:
                continue
            peak = wave.peak(year)
            start = peak - timedelta(days=wave.lead)
            end = start + timedelta(days=wave.days - 1)
            rows.append((_event_id(wave.name, year), wave.name, wave.name_zh, "shopping", start, end, peak, year))
    return rows


def _holiday_rows(country: str, years: Iterable[int]) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    english = _public_holidays(country, "en_US", years)
    chinese = _public_holidays(country, "zh_CN", years) if country == "CN" else {}
    for year, days_off in english.items():
        names_zh = _chinese_names(days_off, chinese[year]) if chinese else _NAMES_ZH
        for name, feast in _feasts(days_off).items():
            first, last = _run_around(name, feast, days_off)
            rows.append((_event_id(name, year), name, names_zh.get(name), "holiday", first, last, feast, year))
    return rows


def _public_holidays(country: str, language: str, years: Iterable[int]) -> dict[int, list[tuple[date, list[str]]]]:
    """Days off with their names by year; Carnival is an optional day in Brazil, and yet nobody delivers on it."""
    import holidays

    categories = ("public", "optional") if country == "BR" else ("public",)
    wanted = sorted(years)
    found = holidays.country_holidays(country, years=wanted, language=language, categories=categories)
    by_year: dict[int, list[tuple[date, list[str]]]] = {year: [] for year in wanted}
    for day in sorted(found):
        by_year[day.year].append((day, found[day].split("; ")))
    return by_year


def _feasts(days_off: list[tuple[date, list[str]]]) -> dict[str, date]:
    """Day of the feast itself of each holiday of a year: the first that is no eve and no day given in its place."""
    feasts: dict[str, date] = {}
    for day, names in days_off:
        for name in names:
            if _plain(name) and not _is_eve(name) and "(observed)" not in name:
                feasts.setdefault(_plain(name), day)
    for day, names in days_off:
        for name in names:
            if _plain(name):
                feasts.setdefault(_plain(name), day)
    return feasts


def _run_around(name: str, feast: date, days_off: list[tuple[date, list[str]]]) -> tuple[date, date]:
    """First and last day of the run of days off around a feast; a weekend between two days off does not break it.

    Backwards the run ends where another holiday's days begin; forwards it takes them in, as in the weeks in which National Day and
    the Mid-Autumn Festival are one holiday.
    """
    first = last = feast
    for day, _ in days_off:
        if 0 < (day - last).days <= _JOIN_DAYS:
            last = day
    for day, names in reversed(days_off):
        mine = any(_plain(other) in ("", name) for other in names)
        if mine and 0 < (first - day).days <= _JOIN_DAYS:
            first = day
    return first, last


def _plain(name: str) -> str:
    """Name of the holiday without what tells one of its days from another; empty for a day off moved from a weekend."""
    if name.startswith("Day off"):
        return ""
    plain = name.removesuffix(" (observed)").removesuffix(" (Spring Festival)")
    if plain in ("Chinese New Year's Eve", "Chinese New Year Extended Holiday"):
        return _SPRING_FESTIVAL
    if plain in ("Carnival", "Ash Wednesday"):
        return "Carnival"
    if "War of Resistance" in plain:
        return "Victory Day"
    return plain


def _is_eve(name: str) -> bool:
    return name.startswith("Chinese New Year's Eve") or "Extended Holiday" in name


def _chinese_names(english: list[tuple[date, list[str]]], chinese: list[tuple[date, list[str]]]) -> dict[str, str]:
    """Chinese name of each Chinese holiday, by its English one: both lists name the same days."""
    names: dict[str, str] = {}
    for (_, words), (_, words_zh) in zip(english, chinese, strict=True):
        for word, word_zh in zip(words, words_zh, strict=True):
            if _plain(word) and not _is_eve(word):
                names.setdefault(_plain(word), word_zh.partition("（")[0])
    return names


def _event_id(name: str, year: int) -> str:
    words = "".join(letter if letter.isalnum() else " " for letter in name.lower().replace("'", "")).split()
    return "-".join([*words, str(year)])
