"""Numbers and dates in both languages."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.formats import Formats, Language
from tests.reports.reading import value_of

ZH, EN = Formats("zh"), Formats("en")


@pytest.mark.parametrize(
    ("value", "chinese", "english"),
    [
        (0, "0", "0"),
        (9_999, "9,999", "9,999"),
        (9_999.6, "1.00 万", "10.0 thousand"),
        (12_345, "1.23 万", "12.3 thousand"),
        (151_556_909, "1.52 亿", "152 million"),
        (62_951_000, "6,300 万", "63.0 million"),
        (99_999_999, "1.00 亿", "100 million"),
        (12_783_000_000, "128 亿", "12.8 billion"),
        (-4_114_706, "−411 万", "−4.11 million"),
    ],
)
def test_a_headline_has_three_digits_and_the_unit_of_its_language(value: float, chinese: str, english: str) -> None:
    assert ZH.figure_text(value).replace("\u202f", " ") == chinese
    assert EN.figure_text(value).replace("\u00a0", " ") == english


@given(value=st.integers(min_value=-(10**11), max_value=10**11), language=st.sampled_from(["zh", "en"]))
def test_a_headline_reads_back_to_the_number_it_rounds(value: int, language: Language) -> None:
    shown, half = value_of(Formats(language).figure_text(value))
    assert abs(shown - value) <= half * (1 + 1e-9)


def test_a_number_keeps_its_exact_value_beside_what_is_shown() -> None:
    assert EN.figure(1_234_567) == '<data value="1234567">1.23\u00a0million</data>'
    assert ZH.percent(0.98765, 1) == '<data value="0.98765">98.8%</data>'
    assert EN.money(53_412_345.678) == '<data value="53412345.68">CNY\u00a053.4\u00a0million</data>'


def test_signs_and_multiples() -> None:
    assert "+32%" in EN.change(0.318)
    assert "\u22123.0%" in EN.change(-0.03)
    assert ">0.0%<" in EN.change(-0.0001)
    assert "2.41×" in EN.multiple(2.408)
    assert "1.07×" in EN.multiple(1.067)
    assert "12.3×" in EN.multiple(12.345)


def test_dates_as_each_language_writes_them() -> None:
    day = date(2025, 11, 11)
    assert ZH.full_day(day) == '<time datetime="2025-11-11">2025年11月11日（周二）</time>'
    assert EN.full_day(day) == '<time datetime="2025-11-11">Tue 11 Nov 2025</time>'
    assert ZH.day_text(day) == "11月11日"
    assert EN.day_text(day, weekday=True) == "Tue 11 Nov"


@pytest.mark.parametrize(
    "write", [EN.count, EN.figure, EN.percent, EN.change, EN.multiple, EN.money, EN.full_day, EN.day]
)
def test_nothing_is_a_dash_and_not_a_zero(write: object) -> None:
    assert callable(write)
    assert write(None) == '<span class="none">–</span>'


def test_an_axis_is_short() -> None:
    assert [ZH.axis(value) for value in (0, 2500, 50_000_000, 150_000_000)] == ["0", "2500", "5000万", "1.5亿"]
    assert [EN.axis(value) for value in (0, 2500, 50_000_000, 1_500_000_000)] == ["0", "2.5k", "50M", "1.5bn"]
