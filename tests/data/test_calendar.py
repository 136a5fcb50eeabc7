"""The calendar: lunar dates, shopping waves, one row a wave."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.calendar import COUNTRIES, FIRST_YEAR, LAST_YEAR, build_calendar, fourth_thursday_of_november
from data.contracts import contract
from data.errors import RadarError


def _row(events: pl.DataFrame, name: str, year: int) -> dict[str, object]:
    rows = events.filter((pl.col("name") == name) & (pl.col("edition") == year))
    assert rows.height == 1
    return rows.row(0, named=True)


@pytest.fixture(scope="module")
def chinese() -> pl.DataFrame:
    return build_calendar("CN")


@pytest.mark.parametrize("country", COUNTRIES)
def test_every_calendar_keeps_the_contract(country: str) -> None:
    events = build_calendar(country)
    contract("events").conform(events)
    assert events["edition"].min() == FIRST_YEAR
    assert events["edition"].max() == LAST_YEAR
    assert set(events["kind"]) == {"shopping", "holiday"}


@pytest.mark.parametrize("country", COUNTRIES)
def test_a_name_stands_for_one_wave_an_edition(country: str) -> None:
    events = build_calendar(country)
    assert not events.select(pl.struct("name", "edition").is_duplicated().any()).item()


# First days of lunar years as astronomical tables give them.
@pytest.mark.parametrize(
    ("year", "first_day"),
    [
        (2015, date(2015, 2, 19)),
        (2020, date(2020, 1, 25)),
        (2023, date(2023, 1, 22)),
        (2024, date(2024, 2, 10)),
        (2025, date(2025, 1, 29)),
        (2033, date(2033, 1, 31)),
        (2035, date(2035, 2, 8)),
    ],
)
def test_the_spring_festival_follows_the_moon(chinese: pl.DataFrame, year: int, first_day: date) -> None:
    festival = _row(chinese, "Chinese New Year", year)
    assert festival["peak_date"] == first_day
    assert festival["name_zh"] == "春节"


@pytest.mark.parametrize(
    ("year", "first", "last"),
    [
        (2017, date(2017, 10, 1), date(2017, 10, 6)),
        (2020, date(2020, 10, 1), date(2020, 10, 8)),
        (2025, date(2025, 10, 1), date(2025, 10, 8)),
    ],
)
def test_national_day_takes_in_mid_autumn_when_they_are_one_holiday(
    chinese: pl.DataFrame, year: int, first: date, last: date
) -> None:
    week = _row(chinese, "National Day", year)
    assert (week["date_from"], week["date_to"]) == (first, last)
    mid_autumn = _row(chinese, "Mid-Autumn Festival", year)
    assert mid_autumn["date_to"] == last


def test_the_lengthened_spring_festival_of_2020_is_whole(chinese: pl.DataFrame) -> None:
    festival = _row(chinese, "Chinese New Year", 2020)
    assert (festival["date_from"], festival["date_to"]) == (date(2020, 1, 24), date(2020, 2, 2))


def test_double_11_has_its_opening_from_2020(chinese: pl.DataFrame) -> None:
    openings = chinese.filter(pl.col("name") == "Double 11 opening")
    assert openings["edition"].to_list() == list(range(2020, LAST_YEAR + 1))
    assert set(openings["peak_date"].dt.strftime("%m-%d")) == {"11-01"}
    mains = chinese.filter(pl.col("name") == "Double 11")
    assert mains["edition"].to_list() == list(range(FIRST_YEAR, LAST_YEAR + 1))
    assert set(mains["peak_date"].dt.strftime("%m-%d")) == {"11-11"}


def test_618_opens_on_the_first_of_june(chinese: pl.DataFrame) -> None:
    assert _row(chinese, "618 opening", 2022)["peak_date"] == date(2022, 6, 1)
    assert _row(chinese, "618", 2022)["peak_date"] == date(2022, 6, 18)
    assert _row(chinese, "Double 12", 2022)["peak_date"] == date(2022, 12, 12)


@pytest.mark.parametrize("country", ["BR", "US"])
def test_black_friday_follows_thanksgiving(country: str) -> None:
    events = build_calendar(country)
    assert _row(events, "Black Friday", 2017)["peak_date"] == date(2017, 11, 24)
    assert _row(events, "Cyber Monday", 2017)["peak_date"] == date(2017, 11, 27)
    assert _row(events, "Black Friday", 2024)["peak_date"] == date(2024, 11, 29)


def test_carnival_moves_with_easter() -> None:
    carnival = _row(build_calendar("BR"), "Carnival", 2018)
    assert (carnival["date_from"], carnival["date_to"]) == (date(2018, 2, 12), date(2018, 2, 14))


@given(st.integers(min_value=1900, max_value=2200))
def test_thanksgiving_is_a_thursday_between_the_22nd_and_the_28th(year: int) -> None:
    day = fourth_thursday_of_november(year)
    assert day.weekday() == 3
    assert 22 <= day.day <= 28


def test_an_unknown_country_is_told() -> None:
    with pytest.raises(RadarError, match="CN, BR, US"):
        build_calendar("XX")


def test_years_out_of_order_are_told() -> None:
    with pytest.raises(RadarError, match="years in order"):
        build_calendar("CN", 2030, 2020)
