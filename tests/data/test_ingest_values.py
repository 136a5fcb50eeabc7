"""Numbers, dates and words as files write them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.contracts import contract
from data.ingest.dates import NO_YEAR, YEAR_CUT, parse_days, parse_moments, puts_day_first
from data.ingest.ids import NO_VALUE
from data.ingest.numbers import parse_fractions, parse_wholes, uses_decimal_comma
from data.ingest.values import Style, find_style, read_values

SHANGHAI = ZoneInfo("Asia/Shanghai")
SAO_PAULO = ZoneInfo("America/Sao_Paulo")


def _text(*values: str | None) -> pl.Series:
    return pl.Series(list(values), dtype=pl.String)


@pytest.mark.parametrize(
    "written",
    [
        "2022-06-07",
        "2022/6/7",
        "2022.6.7",
        "20220607",
        "2022年6月7日",
        "2022 年 6 月 7 日",
        "07.06.2022",
        "7-Jun-2022",
        "7-Jun-22",
        "07 Jun 22",
        "7/Jun/2022",
        "2022年6月7日 星期二",
        "2022年6月7日（周二）",
        "周二 2022-06-07",
        "Tue, 07 Jun 2022",
        "Tuesday, June 7, 2022",
        "2022-06-07 (Tue)",
        "Jun 7, 2022",
        "44719",
        "44719.75",
        "2022-06-07T23:59:59",
        "2022-06-07 10:00:00.123",
        "2022/6/7 8:05",
        "2022-06-07T23:00:00+08:00",
        "2022-06-06T16:00:00Z",
        "2022-06-06 20:00:00+00",
        "1654560000",
        "1654560000000",
        "２０２２－０６－０７",
    ],
)
def test_a_day_is_read_in_every_form(written: str) -> None:
    days, rules = parse_days(_text(written), None, SHANGHAI)
    assert days.to_list() == [date(2022, 6, 7)]
    assert rules.to_list() == [None]


@pytest.mark.parametrize(
    "written", ["2022-02-30", "2022-13-01", "31.06.2022", "0000-00-00", "soon", "2022", "12:30", "202206"]
)
def test_what_is_no_day_is_set_apart(written: str) -> None:
    days, rules = parse_days(_text(written, None), True, SHANGHAI)
    assert days.to_list() == [None, None]
    assert rules.to_list() == ["is not a date", None]


def test_day_or_month_first_is_learnt_from_the_file_or_not_guessed() -> None:
    column = _text("7/6/2022", "25/6/2022")
    assert puts_day_first([column]) is True
    assert parse_days(column, True, SHANGHAI)[0].to_list() == [date(2022, 6, 7), date(2022, 6, 25)]
    assert puts_day_first([_text("6/7/2022", "6/25/2022")]) is False
    assert parse_days(_text("6/7/2022"), False, SHANGHAI)[0].to_list() == [date(2022, 6, 7)]
    assert puts_day_first([_text("6/7/2022")]) is None
    days, rules = parse_days(_text("6/7/2022", "6/6/2022"), None, SHANGHAI)
    assert days.to_list() == [None, date(2022, 6, 6)]
    assert rules.to_list() == ["may be day or month first", None]


@pytest.mark.parametrize(
    ("written", "rule"),
    [
        ("11/8", NO_YEAR),
        ("11月8日", NO_YEAR),
        ("8-Nov", NO_YEAR),
        ("Nov 8", NO_YEAR),
        ("11/8 9:30", NO_YEAR),
        ("8.11.26", YEAR_CUT),
        ("26/11/08", YEAR_CUT),
        ("26年11月8日", YEAR_CUT),
        ("3/4 of it", "is not a date"),
    ],
)
def test_of_a_date_without_its_year_just_that_is_told(written: str, rule: str) -> None:
    days, rules = parse_days(_text(written, "2022-06-07"), None, SHANGHAI)
    assert days.to_list() == [None, date(2022, 6, 7)]
    assert rules.to_list() == [rule, None]


@pytest.mark.parametrize(
    ("written", "hour", "minute"),
    [
        ("2022/6/7 上午9:30", 9, 30),
        ("2022年6月7日 星期二 下午3时05分", 15, 5),
        ("2022年6月7日9点30分", 9, 30),
        ("2022年6月7日9时", 9, 0),
        ("6/17/2022 3:05 PM", 15, 5),
        ("6/17/2022 3:05:10 p.m.", 15, 5),
        ("2022-06-07 12:05 am", 0, 5),
        ("2022-06-07 12:05PM", 12, 5),
        ("2022/6/7 下午15:05", 15, 5),
        ("2022/6/7 中午1:05", 13, 5),
        ("2022/6/7 晚上12:05", None, None),  # the night before or the one after
    ],
)
def test_hours_of_the_second_half_of_the_day(written: str, hour: int | None, minute: int | None) -> None:
    column = _text(written, "2022-06-07 03:00")
    moments, rules = parse_moments(column, puts_day_first([column]), SHANGHAI)
    local = moments.dt.convert_time_zone("Asia/Shanghai")
    assert (local.dt.hour()[0], local.dt.minute()[0]) == (hour, minute)
    assert rules.to_list() == ["is not a time" if hour is None else None, None]
    assert local.dt.hour()[1] == 3


def test_moments_without_offset_are_local_time() -> None:
    moments, rules = parse_moments(_text("2022-06-07 10:00:00", "2022-06-07 10:00:00"), None, SHANGHAI)
    assert moments.to_list() == [datetime(2022, 6, 7, 2, tzinfo=UTC)] * 2
    assert rules.null_count() == 2
    mixed = _text(
        "2022/6/7 10:00", "2022-06-07T10:00:00-03:00", "44719.5", "2022年6月7日 10时05分", "24:00", None, "1999-12-31"
    )
    moments, rules = parse_moments(mixed, None, SHANGHAI)
    assert moments.to_list()[:4] == [
        datetime(2022, 6, 7, 2, tzinfo=UTC),
        datetime(2022, 6, 7, 13, tzinfo=UTC),
        datetime(2022, 6, 7, 4, tzinfo=UTC),
        datetime(2022, 6, 7, 2, 5, tzinfo=UTC),
    ]
    assert rules.to_list() == [None] * 4 + ["is not a time", None, "lies outside the years 2000 to 2099"]


def test_an_hour_skipped_by_a_clock_change_is_moved_past_it() -> None:
    moments, rules = parse_moments(_text("2017-10-15 00:30:00", "2017-10-15 01:30:00"), None, SAO_PAULO)
    assert moments.to_list() == [datetime(2017, 10, 15, 3, 30, tzinfo=UTC)] * 2
    assert rules.null_count() == 2


@given(st.datetimes(datetime(2000, 1, 2), datetime(2099, 12, 30)), st.sampled_from([" ", "T"]))  # noqa: DTZ001
def test_iso_times_come_back(at: datetime, between: str) -> None:
    moments, _ = parse_moments(_text(at.isoformat(between) + "Z"), None, SHANGHAI)
    assert moments.to_list() == [at.replace(tzinfo=UTC)]


@pytest.mark.parametrize(
    ("written", "point", "comma"),
    [
        ("12", 12.0, 12.0),
        ("-3", -3.0, -3.0),
        ("1,234", 1234.0, 1.234),
        ("1.234", 1.234, 1234.0),
        ("1,234.5", 1234.5, 1234.5),
        ("1.234,5", 1234.5, 1234.5),
        ("1.234.567", 1234567.0, 1234567.0),
        ("12,5", 12.5, 12.5),
        ("0,125", 0.125, 0.125),
        ("1 234,5", 1234.5, 1234.5),
        ("1\u00a0234", 1234.0, 1234.0),
        ("1'234'567", 1234567.0, 1234567.0),
        ("1.5e3", 1500.0, 1500.0),
        ("３", 3.0, 3.0),
        ("1.2万", 12000.0, 12000.0),
        ("12,34,567", None, None),
        ("1,2,3", None, None),
        ("abc", None, None),
        ("1 2", None, None),
        ("0x10", None, None),
    ],
)
def test_fractions_are_read_as_the_file_writes_them(written: str, point: float | None, comma: float | None) -> None:
    for decimal_comma, expected in ((False, point), (True, comma)):
        values, rules = parse_fractions(_text(written), decimal_comma)
        got = values[0]
        assert got == (pytest.approx(expected) if expected is not None else None)
        assert rules[0] == (None if expected is not None else "is not a number")


def test_whole_numbers_name_what_is_wrong() -> None:
    values, rules = parse_wholes(_text("7", "7.0", "1,234", "2.5", "inf", "1e30", "x", None, "-4"), False)
    assert values.to_list() == [7, 7, 1234, None, None, None, None, None, -4]
    assert rules.to_list() == [
        None,
        None,
        None,
        "is not a whole number",
        "must be finite",
        "is above the largest value allowed",
        "is not a number",
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("cells", "default", "expected"),
    [
        (["1,234", "5,678"], False, False),
        (["1,234", "5,678"], True, True),
        (["1,234", "12,5"], False, True),
        (["1.234", "12.5"], True, False),
        (["1.234,50"], False, True),
        (["1,234.50"], True, False),
        (["3"], True, True),
    ],
)
def test_the_decimal_mark_is_learnt_from_the_file(cells: list[str], default: bool, expected: bool) -> None:
    assert uses_decimal_comma([_text(*cells)], default) is expected


@given(st.integers(-(10**15), 10**15))
def test_thousands_separators_never_change_a_whole_number(number: int) -> None:
    for written, comma in (
        (f"{number:,}", False),
        (f"{number:,}".replace(",", "."), True),
        (f"{number:,}".replace(",", " "), False),
    ):
        values, rules = parse_wholes(_text(written), comma)
        assert values.to_list() == [number]
        assert rules.to_list() == [None]


def _read(table: str, column: str, values: pl.Series, style: Style | None = None) -> tuple[list[object], list[object]]:
    read, rules = read_values(values, contract(table).column(column), style or Style(), SHANGHAI)
    assert read.dtype == contract(table).column(column).dtype
    assert read.len() == rules.len() == values.len()
    return read.to_list(), rules.to_list()


def test_ids_are_trimmed_and_otherwise_left_alone() -> None:
    odd = [" DC 1 ", "\u3000杭州\u3000", "=1+1", "../up", '"quoted"', "007", "NA", "null", "", "   "]
    read, rules = _read("hubs", "hub_id", _text(*odd))
    assert read == ["DC 1", "杭州", "=1+1", "../up", '"quoted"', "007", "NA", "null", None, None]
    assert rules == [None] * 10


def test_ids_that_a_data_frame_made_numbers_are_ids_again() -> None:
    assert _read("hubs", "hub_id", pl.Series([7.0, 8.5, None]))[0] == ["7", "8.5", None]
    assert _read("hubs", "hub_id", pl.Series([7, None]))[0] == ["7", None]
    assert _read("hubs", "hub_id", pl.Series(["a", "b"], dtype=pl.Categorical))[0] == ["a", "b"]


@pytest.mark.parametrize("error", ["#REF!", "#N/A", "#DIV/0!", "#NAME?"])
def test_an_error_of_a_spreadsheet_is_neither_an_id_nor_a_number(error: str) -> None:
    hub = contract("route_volumes").column("origin_hub_id")
    values, rules = read_values(_text("A", error, error, None, "#1"), hub, Style(), SHANGHAI)
    assert rules.to_list() == [
        None,
        NO_VALUE,
        NO_VALUE,
        None,
        None,
    ]
    assert values.to_list()[-1] == "#1"
    parcels = contract("route_volumes").column("parcels")
    rules = read_values(_text("1", "#VALUE!", "=A1+B1", "x"), parcels, Style(), SHANGHAI)[1]
    assert rules.to_list() == [
        None,
        NO_VALUE,
        "is a formula whose value was not saved",
        "is not a number",
    ]


def test_words_for_nothing_are_empty_where_numbers_are_asked_for() -> None:
    read, rules = _read("hubs", "sort_capacity", _text("NA", "null", "-", "—", "无", "", " ", "nan", "#N/A", "5"))
    assert read == [None] * 9 + [5]
    assert rules == [None] * 10


def test_words_are_known_in_chinese_and_any_case() -> None:
    assert _read("lanes", "mode", _text("公路", "RAIL", " air ", "boat"))[0] == ["road", "rail", "air", "boat"]
    assert _read("vehicle_types", "ownership", _text("社会车辆", "自有"))[0] == ["spot", "own"]
    assert _read("outlet_volumes", "direction", _text("揽收", "派送"))[0] == ["pickup", "delivery"]


def test_shares_may_be_percentages_and_parcels_may_not() -> None:
    assert _read("courier_preferences", "share", _text("85%", "0.5", "12.5 %")) == ([0.85, 0.5, 0.125], [None] * 3)
    assert _read("route_volumes", "parcels", _text("85%")) == ([None], ["is not a number"])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pl.Series([20220607, 44719]), [date(2022, 6, 7)] * 2),
        (pl.Series([20220607.0, None]), [date(2022, 6, 7), None]),
        (pl.Series([datetime(2022, 6, 6, 20, tzinfo=UTC)]), [date(2022, 6, 7)]),
        (pl.Series([datetime(2022, 6, 6, 20)]), [date(2022, 6, 6)]),  # noqa: DTZ001
        (pl.Series([date(2022, 6, 7)]), [date(2022, 6, 7)]),
        (pl.Series([None, None]), [None, None]),
        (pl.Series([True]), [None]),
    ],
)
def test_typed_values_become_days(values: pl.Series, expected: list[date | None]) -> None:
    assert _read("route_volumes", "date", values)[0] == expected


def test_typed_values_become_numbers_and_moments() -> None:
    assert _read("route_volumes", "parcels", pl.Series([1.0, 2.5, float("inf"), float("nan"), 1e30])) == (
        [1, None, None, None, None],
        [None, "is not a whole number", "must be finite", None, "is above the largest value allowed"],
    )
    assert _read("route_volumes", "parcels", pl.Series(["12.00"]).str.to_decimal())[0] == [12]
    assert _read("route_volumes", "parcels", pl.Series([2**63], dtype=pl.UInt64))[1] == [
        "is above the largest value allowed"
    ]
    assert _read("route_volumes", "parcels", pl.Series([date(2022, 1, 1)]))[1] == ["is not a number"]
    assert _read("lanes", "distance_km", pl.Series([1, 2]))[0] == [1.0, 2.0]
    assert _read("waybills", "ordered_at", pl.Series([date(2022, 1, 1)]))[0] == [datetime(2021, 12, 31, 16, tzinfo=UTC)]
    assert _read("waybills", "ordered_at", pl.Series([timedelta(1)]))[1] == ["is not a time"]


def test_the_style_of_a_file_is_found_from_its_columns() -> None:
    table = contract("lanes")
    style = find_style(
        [(table.column("distance_km"), _text("1.234,5")), (table.column("lane_id"), _text("1.5"))], False
    )
    assert style == Style(decimal_comma=True, day_first=None)
