"""Numbers, money and dates as a Chinese or an English reader writes them.

Every number leaves as ``<data value="...">`` and every date as ``<time datetime="...">``: what a reader sees follows the
language, what stands in the attribute is the same in both, so two reports can be compared by machine.
"""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal

from babel.dates import format_date
from markupsafe import Markup

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")

NOTHING = Markup('<span class="none">–</span>')

# Patterns of dates (Unicode TR 35); names of days and months are Babel's.
_DATES: dict[Language, dict[str, str]] = {
    "zh": {"full": "y年M月d日（EEE）", "day": "M月d日", "weekday": "M月d日 EEE", "short": "M/d"},
    "en": {"full": "EEE d MMM y", "day": "d MMM", "weekday": "EEE d MMM", "short": "d MMM"},
}
# From this size on a headline is rounded to three significant digits; below it every parcel is written out.
_ROUND_FROM = 10_000
_LONG: dict[Language, tuple[tuple[int, str], ...]] = {
    "zh": ((100_000_000, "\u202f亿"), (10_000, "\u202f万")),
    "en": ((1_000_000_000, "\u00a0billion"), (1_000_000, "\u00a0million"), (1_000, "\u00a0thousand")),
}
_SHORT: dict[Language, tuple[tuple[int, str], ...]] = {
    "zh": ((100_000_000, "亿"), (10_000, "万")),
    "en": ((1_000_000_000, "bn"), (1_000_000, "M"), (1_000, "k")),
}


class Formats:
    """Writes values for one language.

    Parameters
    ----------
    language
        ``"zh"`` or ``"en"``.
    """

    def __init__(self, language: Language) -> None:
        self.language: Language = language

    # ---- parcels and other counts -------------------------------------------------------------------------------

    def count(self, value: float | None) -> Markup:
        """Write a count in full, with thousands separators: 1,234,567."""
        if value is None:
            return NOTHING
        whole = round(value)
        return _data(whole, f"{whole:,}".replace("-", "\u2212"))

    def figure(self, value: float | None) -> Markup:
        """Write a count for a headline: three significant digits with 万 or 亿, thousand, million or billion."""
        return NOTHING if value is None else _data(round(value), self.figure_text(value))

    def figure_text(self, value: float) -> str:
        """Write a headline count as plain text."""
        return _scaled(value, _LONG[self.language], 3)

    def bar_text(self, value: float) -> str:
        """Write a count above a bar as plain text: three significant digits and a short unit, so that neighbours do not touch."""
        return _scaled(value, _SHORT[self.language], 3)

    def axis(self, value: float) -> str:
        """Write a count for the axis of a chart, as short as it goes: 120万, 1.2M."""
        return _scaled(value, _SHORT[self.language], None)

    # ---- shares, multiples, money -------------------------------------------------------------------------------

    def percent(self, share: float | None, digits: int = 0) -> Markup:
        """Write a share [1 = 100 %] in per cent."""
        return NOTHING if share is None else _data(round(share, 6), self.percent_text(share, digits))

    def percent_text(self, share: float, digits: int = 0) -> str:
        """Write a share [1 = 100 %] in per cent as plain text."""
        return f"{_fixed(share * 100, digits)}%"

    def change(self, share: float | None) -> Markup:
        """Write a change [0.1 = ten per cent more] with its sign."""
        if share is None:
            return NOTHING
        text = _fixed(abs(share) * 100, 0 if abs(share) >= 0.0995 else 1)
        sign = "" if text == "0.0" else ("+" if share > 0 else "\u2212")
        return _data(round(share, 6), f"{sign}{text}%")

    def multiple(self, ratio: float | None) -> Markup:
        """Write how many times as much: 2.31×."""
        return NOTHING if ratio is None else _data(round(ratio, 6), f"{_fixed(ratio, 1 if ratio >= 10 else 2)}×")

    def factor(self, ratio: float | None) -> Markup:
        """Write a multiplier with two decimals: 0.94."""
        return self.decimal(ratio, 2)

    def decimal(self, value: float | None, digits: int = 2) -> Markup:
        """Write a number with a fixed number of decimals and thousands separators."""
        return NOTHING if value is None else _data(round(value, 6), _fixed(value, digits))

    def money(self, value: float | None) -> Markup:
        """Write an amount [CNY] for a headline, rounded to three significant digits."""
        if value is None:
            return NOTHING
        amount = _scaled(value, _LONG[self.language], 3)
        return _data(round(value, 2), f"{amount}元" if self.language == "zh" else f"CNY\u00a0{amount}")

    # ---- dates --------------------------------------------------------------------------------------------------

    def full_day(self, day: date | None) -> Markup:
        """Write a date in full with its weekday: 2025年11月11日（周二）, Tue 11 Nov 2025."""
        if day is None:
            return NOTHING
        return _time(day, self._date_text(day, "full"))

    def day(self, day: date | None) -> Markup:
        """Write a date inside a table, with its weekday and without the year."""
        return NOTHING if day is None else _time(day, self.day_text(day, weekday=True))

    def short_day(self, day: date) -> Markup:
        """Write a date as narrow as it goes, for the head of a column: 11/3, 3 Nov."""
        return _time(day, self._date_text(day, "short"))

    def day_text(self, day: date, *, weekday: bool = False) -> str:
        """Write a date without its year as plain text: 11月11日, 11 Nov; with its weekday when asked for."""
        return self._date_text(day, "weekday" if weekday else "day")

    def _date_text(self, day: date, form: str) -> str:
        return format_date(day, _DATES[self.language][form], locale=self.language)


def _data(value: float, text: str) -> Markup:
    return Markup('<data value="{}">{}</data>').format(_plain(value), text)


def _time(day: date, text: str) -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(day.isoformat(), text)


def _plain(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.10g}"


def _fixed(value: float, digits: int) -> str:
    quantum = Decimal(1).scaleb(-digits)
    rounded = Decimal(repr(float(value))).quantize(quantum, rounding=ROUND_HALF_EVEN)
    text = f"{abs(rounded):,}"
    return f"\u2212{text}" if rounded < 0 else text


def _scaled(value: float, units: tuple[tuple[int, str], ...], significant: int | None) -> str:
    size = abs(value)
    sign = "\u2212" if value < 0 else ""
    if significant is None:
        for unit, name in units:
            if size >= unit:
                return f"{sign}{f'{size / unit:.3f}'.rstrip('0').rstrip('.')}{name}"
        return f"{sign}{size:.6g}"
    if round(size) < _ROUND_FROM:
        return f"{sign}{round(size):,}"
    # Rounded before the unit is chosen: 99,999,999 is one 亿, not 10,000 万.
    whole = Decimal(round(size))
    rounded = whole.quantize(Decimal(1).scaleb(whole.adjusted() - significant + 1), rounding=ROUND_HALF_EVEN)
    unit, name = next((unit, name) for unit, name in units if rounded >= unit)
    scaled = rounded / unit
    decimals = max(0, significant - 1 - scaled.adjusted())
    return f"{sign}{scaled:,.{decimals}f}{name}"
