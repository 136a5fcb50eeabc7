"""What the calendar says of a day that holds for all outlets alike: events, promotions of the network, days of the month and the year."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.arrays import Matrix
from data.constants import constant
from forecasting.events.phases import Wave, place_phases, read_waves
from forecasting.promotions.promotion_days import PromotionKind
from forecasting.series.panel import to_date

Days = NDArray[np.datetime64]


@dataclass(frozen=True)
class ColumnRules:
    """How large each effect may be before any data: standard deviation around none, of the log."""

    phase: float = constant(0.5, "log", "of an event's phase", "judgement")
    own_phase: float = constant(0.2, "log", "of one event's phase around that of its kind", "judgement")
    around_holiday: float = constant(0.2, "log", "of a day before or after a holiday", "judgement")
    days_before: int = constant(3, "days", "before a holiday that have an effect", "judgement")
    days_after: int = constant(2, "days", "after a holiday that have an effect", "judgement")
    promotion: float = constant(0.5, "log", "of a promotion of the whole network", "judgement")
    promotion_weekday: float = constant(0.1, "log", "of its weekday, first and last day", "judgement")
    month_day: float = constant(0.05, "log", "of a day of the month", "judgement")
    christmas: float = constant(0.2, "log", "of the weeks around Christmas", "judgement")
    christmas_day: float = constant(
        0.05, "log", "of a day of these weeks beside what it has in common with its neighbours", "judgement"
    )
    to_christmas: int = constant(24, "days", "before Christmas that have an effect", "published: Advent")
    tent: int = constant(6, "days", "between the tops of what neighbouring days have in common", "judgement")
    from_christmas: int = constant(6, "days", "after Christmas that have an effect", "judgement")
    yearly: float = constant(0.05, "log", "of a wave of the year", "judgement")
    waves: int = constant(4, "waves", "of the year, sine and cosine each", "judgement")
    fewest_days: int = constant(400, "days", "of history from which a yearly course is learnt", "judgement")


COLUMNS = ColumnRules()

CHRISTMAS_WORDS = ("christmas", "weihnacht", "natal", "圣诞")


@dataclass(frozen=True)
class Columns:
    """Effects to be learnt.

    Attributes
    ----------
    names
        [columns] what each is.
    values
        [days x columns].
    spread
        [columns] standard deviation around none before any data.
    event
        [columns] whether it belongs to an event, not to the ordinary calendar or a promotion.
    promotion
        [columns] whether it belongs to a promotion.
    """

    names: tuple[str, ...]
    values: Matrix
    spread: NDArray[np.float64]
    event: NDArray[np.bool_]
    promotion: NDArray[np.bool_]


def lay_columns(
    dates: Days, known: int, events: pl.DataFrame, kinds: Sequence[PromotionKind], announced: bool = False
) -> Columns:
    """Lay out the effects that all units share.

    Parameters
    ----------
    dates
        [days] consecutive days, past and ahead.
    known
        How many of them are known.
    events
        Table ``events``.
    kinds
        Promotions; those of the whole network have columns here.
    announced
        Whether another forecast says what events do: then only deviations from it are learnt.

    Returns
    -------
    Columns
        Only effects that stand on a day ahead or were seen on a known one.
    """
    made: list[tuple[str, Matrix, float, str]] = []
    made += _event_columns(dates, events, COLUMNS.own_phase if announced else COLUMNS.phase)
    for kind in kinds:
        if kind.everywhere:
            made += _promotion_columns(dates, kind)
    weekday_free = dates.astype("datetime64[M]")
    day_of_month = (dates - weekday_free.astype("datetime64[D]")).astype(int)
    made += [
        (f"day {at + 1} of the month", (day_of_month == at).astype(np.float64), COLUMNS.month_day, "")
        for at in range(31)
    ]
    if known >= COLUMNS.fewest_days:
        turn = 2 * np.pi * (dates - np.datetime64("2000-01-01")).astype(int) / 365.25
        for wave in range(1, COLUMNS.waves + 1):
            made += [
                (f"year, sine {wave}", np.sin(wave * turn), COLUMNS.yearly, ""),
                (f"year, cosine {wave}", np.cos(wave * turn), COLUMNS.yearly, ""),
            ]
    seen = [column for column in made if column[1][:known].any()]
    if not seen:
        return Columns((), np.zeros((dates.size, 0)), np.zeros(0), np.zeros(0, dtype=bool), np.zeros(0, dtype=bool))
    names, values, spread, of = zip(*seen, strict=True)
    belongs = np.array(of)
    return Columns(names, np.stack(values, axis=1), np.array(spread), belongs == "event", belongs == "promotion")


def _event_columns(dates: Days, events: pl.DataFrame, spread: float) -> list[tuple[str, Matrix, float, str]]:
    waves = read_waves(events)
    terms = place_phases(waves, dates)
    by_kind: dict[tuple[str, str], Matrix] = {}
    by_name: dict[tuple[str, str], Matrix] = {}
    for day, wave, phase in zip(terms.day, terms.wave, terms.phase, strict=True):
        one = waves[wave]
        by_kind.setdefault((one.archetype, phase), np.zeros(dates.size))[day] = 1.0
        by_name.setdefault((one.name, phase), np.zeros(dates.size))[day] = 1.0
    columns = [(f"{kind}: {phase}", on, spread, "event") for (kind, phase), on in by_kind.items()]
    columns += [(f"{name}: {phase}", on, COLUMNS.own_phase, "event") for (name, phase), on in by_name.items()]
    columns += _around(dates, [(w.first, w.last) for w in waves if w.archetype == "holiday"], "a holiday")
    feasts = [w for w in waves if any(word in w.name.lower() for word in CHRISTMAS_WORDS)]
    for offset in (*range(-COLUMNS.to_christmas, 0), *range(1, COLUMNS.from_christmas + 1)):
        on = np.zeros(dates.size)
        for wave in feasts:
            _mark(on, dates, np.datetime64(f"{wave.first.year}-12-25") + np.timedelta64(offset, "D"))
        columns.append((f"{offset:+d} days from Christmas", on, COLUMNS.christmas_day, "event"))
    return columns + _course_around_christmas(dates, feasts)


def _course_around_christmas(dates: Days, feasts: Sequence[Wave]) -> list[tuple[str, Matrix, float, str]]:
    """Lay tents over the weeks around Christmas: a day that fell on a Sunday last year has its neighbours to learn from."""
    columns = []
    for top in range(-COLUMNS.to_christmas, COLUMNS.from_christmas + 1, COLUMNS.tent):
        on = np.zeros(dates.size)
        for year in sorted({wave.first.year for wave in feasts}):
            away = (dates - np.datetime64(f"{year}-12-25")).astype(int)
            height = 1.0 - np.abs(away - top) / COLUMNS.tent
            inside = (away >= -COLUMNS.to_christmas) & (away <= COLUMNS.from_christmas) & (away != 0)
            on += np.where(inside, np.maximum(height, 0.0), 0.0)
        columns.append((f"weeks from Christmas, about {top:+d} days", on, COLUMNS.christmas, "event"))
    return columns


def _around(dates: Days, spans: Sequence[tuple[dt.date, dt.date]], word: str) -> list[tuple[str, Matrix, float, str]]:
    columns = []
    inside = np.zeros(dates.size, dtype=bool)
    for first, last in spans:
        inside |= (dates >= np.datetime64(first, "D")) & (dates <= np.datetime64(last, "D"))
    for back in range(1, COLUMNS.days_before + 1):
        on = np.zeros(dates.size)
        for first, _ in spans:
            _mark(on, dates, np.datetime64(first, "D") - np.timedelta64(back, "D"))
        columns.append((f"{back} days before {word}", np.where(inside, 0.0, on), COLUMNS.around_holiday, "event"))
    for on_from in range(1, COLUMNS.days_after + 1):
        on = np.zeros(dates.size)
        for _, last in spans:
            _mark(on, dates, np.datetime64(last, "D") + np.timedelta64(on_from, "D"))
        columns.append((f"{on_from} days after {word}", np.where(inside, 0.0, on), COLUMNS.around_holiday, "event"))
    return columns


def _mark(on: Matrix, dates: Days, day: np.datetime64) -> None:
    at = int((day - dates[0]).astype(int))
    if 0 <= at < dates.size:
        on[at] = 1.0


def _promotion_columns(dates: Days, kind: PromotionKind) -> list[tuple[str, Matrix, float, str]]:
    on = kind.on[0].astype(np.float64)
    first = on * (np.r_[0.0, on[:-1]] == 0)
    last = on * (np.r_[on[1:], 0.0] == 0)
    last[-1] = 0.0  # whether it goes on is not known
    weekday = np.array([to_date(day).weekday() for day in dates])
    columns = [(kind.name, on, COLUMNS.promotion, "promotion")]
    columns += [
        (f"{kind.name}, weekday {at + 1}", on * (weekday == at), COLUMNS.promotion_weekday, "promotion")
        for at in range(7)
    ]
    columns += [
        (f"{kind.name}, first day", first, COLUMNS.promotion_weekday, "promotion"),
        (f"{kind.name}, last day", last, COLUMNS.promotion_weekday, "promotion"),
    ]
    return columns
