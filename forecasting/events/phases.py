"""Which event phase each day falls into: events on a re-timed axis.

An event row becomes phases counted from its peak: the days before, the main day, the shoulders after it, the run-down.
The same phase of two editions is the same place on the axis whatever its date, so 18 June teaches 11 November and a
lunar festival is met at its offset to the feast. Between the opening wave and the main day of one season lies a
plateau that stretches or shrinks with their distance. Waves may overlap: a day can carry several phases.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.constants import constant
from forecasting.series.panel import to_date


@dataclass(frozen=True)
class PhaseRules:
    """How far phases reach from an event's peak."""

    season_gap: int = constant(35, "days", "between opening and main wave of one season, at most", "judgement")
    lull: int = constant(5, "days", "before an opening on which buyers wait", "judgement")
    lunar_span: int = constant(21, "days", "on either side of the lunar new year", "judgement")
    holiday_phases: int = constant(8, "days", "of a holiday that have a phase of their own", "judgement")
    shoulder: int = constant(3, "days", "after a peak that are loud", "judgement")
    rundown: int = constant(11, "days", "after a main peak until which it runs down", "judgement")
    loud_ebb: int = constant(4, "days", "of a run-down that still count as event", "judgement")
    rest_before: int = constant(14, "days", "before the lunar new year from which hubs rest", "judgement")
    rest_after: int = constant(7, "days", "after it until which they do", "judgement")


PHASES = PhaseRules()

OPENING_WORDS = ("open", "开门红", "开场", "预售", "presale", "pre-sale", "first wave", "第一波")
MAJOR_WORDS = (
    *("618", "6.18", "11.11", "1111", "double 11", "double eleven", "singles", "双11", "双十一"),
    *("black friday", "黑色星期五", "黑五"),
)
LUNAR_YEAR_WORDS = ("spring festival", "chinese new year", "lunar new year", "春节", "seollal", "tet ")


@dataclass(frozen=True)
class Wave:
    """One event row, placed on the axis.

    Attributes
    ----------
    name, edition
        As in the table; editions of one name teach each other.
    archetype
        opening, main, minor, lunar_year or holiday.
    first, peak, last
        Its days.
    season
        Number of the season it belongs to (opening and main wave of one sale share it).
    plateau_until
        Last day of the plateau that follows an opening wave, if any.
    """

    name: str
    edition: str
    archetype: str
    first: dt.date
    peak: dt.date
    last: dt.date
    season: int
    plateau_until: dt.date | None


@dataclass(frozen=True)
class PhaseTerms:
    """The phases of all days of a span, one entry a (day, wave).

    Attributes
    ----------
    day
        [terms] position of the day in the span.
    wave
        [terms] position in ``waves``.
    phase
        [terms] phase name, unique within its archetype, such as ``"0"`` or ``"+1"``; a day of a long phase (:data:`LONG_PHASES`) is
        named with its place: ``"rundown+5"``.
    waves
        The waves.
    days
        Length of the span [days].
    """

    day: NDArray[np.int64]
    wave: NDArray[np.int64]
    phase: tuple[str, ...]
    waves: tuple[Wave, ...]
    days: int

    def touched(self, quiet: Sequence[str] = ("rundown",)) -> NDArray[np.bool_]:
        """Say for each day of the span whether an event stands on it, leaving ``quiet`` phases aside but for their first days."""
        mask = np.zeros(self.days, dtype=np.bool_)
        loud = [
            at
            for at, phase in enumerate(self.phase)
            if pooled_phase(phase) not in quiet or days_into(phase) < PHASES.loud_ebb
        ]
        mask[self.day[loud]] = True
        return mask

    def ebbing(self) -> NDArray[np.bool_]:
        """Say for each day of the span whether nothing stands on it but the first days of a run-down, on which a sale may ebb away."""
        loud = np.zeros(self.days, dtype=np.bool_)
        loud[self.day[[at for at, phase in enumerate(self.phase) if pooled_phase(phase) != "rundown"]]] = True
        return np.asarray(self.touched() & ~loud)

    def resting(self) -> NDArray[np.bool_]:
        """Say for each day of the span whether a holiday stands on it that hubs may rest on; a sale is none, and wakes them."""
        mask = np.zeros(self.days, dtype=np.bool_)
        for day, wave, phase in zip(self.day, self.wave, self.phase, strict=True):
            archetype = self.waves[wave].archetype
            near = archetype == "lunar_year" and -PHASES.rest_before <= int(phase) <= PHASES.rest_after
            mask[day] |= near or archetype == "holiday"
        return mask


def archetype_of(name: str, name_zh: str | None, kind: str, event_id: str = "") -> str:
    """Map an event to the archetype it learns from; an unknown shopping event is a minor sale.

    Parameters
    ----------
    name, name_zh, kind, event_id
        Columns of the table ``events``.

    Returns
    -------
    str
        opening, main, minor, lunar_year or holiday.
    """
    text = f"{name} {name_zh or ''} {event_id}".lower()
    if kind == "holiday":
        return "lunar_year" if any(word in text for word in LUNAR_YEAR_WORDS) else "holiday"
    if any(word in text for word in OPENING_WORDS):
        return "opening"
    if kind == "shopping" and any(word in text for word in MAJOR_WORDS):
        return "main"
    return "minor"


def read_waves(events: pl.DataFrame) -> tuple[Wave, ...]:
    """Turn the table ``events`` into waves, with seasons found and plateaus set.

    Parameters
    ----------
    events
        Columns event_id, name, name_zh, kind, date_from, date_to, peak_date, edition. Rows of one name that touch
        (a holiday given day by day) are joined.

    Returns
    -------
    tuple[Wave, ...]
        Sorted by peak and name.
    """
    drafts: list[tuple[str, str, str, dt.date, dt.date, dt.date]] = []
    for row in events.sort("date_from", "event_id").iter_rows(named=True):
        archetype = archetype_of(row["name"], row["name_zh"], row["kind"], row["event_id"])
        first, last = row["date_from"], row["date_to"] or row["date_from"]
        peak = row["peak_date"] or (first if archetype != "main" else last)
        before = drafts[-1] if drafts else None
        if (
            before is not None
            and before[0] == row["name"]
            and before[2] == archetype
            and archetype in ("holiday", "lunar_year")
            and (first - before[5]).days <= 1
        ):
            drafts[-1] = (*before[:5], max(last, before[5]))
        else:
            drafts.append((row["name"], str(row["edition"] or first.year), archetype, first, peak, last))
    drafts.sort(key=lambda draft: (draft[4], draft[0]))
    waves: list[Wave] = []
    for at, (name, edition, archetype, first, peak, last) in enumerate(drafts):
        until: dt.date | None = None
        season = at
        if archetype == "opening":
            main = next((d for d in drafts[at:] if d[2] == "main" and (d[4] - peak).days >= 5), None)
            if main is not None and (main[4] - peak).days <= PHASES.season_gap:
                until = main[4] - dt.timedelta(days=5)
            elif last > peak:
                until = last
        if archetype == "main":
            opening = next((w for w in reversed(waves) if w.archetype == "opening"), None)
            if opening is not None and 5 <= (peak - opening.peak).days <= PHASES.season_gap:
                season = opening.season
        waves.append(Wave(name, edition, archetype, first, peak, last, season, until))
    return tuple(waves)


LONG_PHASES = ("rundown", "plateau", "long")
"""Phases of several days that have one effect, and at their beginning what has not ebbed away yet of the days before."""


def pooled_phase(phase: str) -> str:
    """Return the long phase that a day belongs to, ``"rundown"`` for ``"rundown+5"``; any other phase as it is."""
    return next((long for long in LONG_PHASES if phase.startswith(long)), phase)


def days_into(phase: str) -> int:
    """Return how many days into its long phase a day lies: 0 for ``"rundown+4"``, the first after the shoulders."""
    return int(phase[len(pooled_phase(phase)) :]) - PHASES.shoulder - 1


def _signed(offset: int) -> str:
    return f"{offset:+d}" if offset else "0"


def _phases_of(wave: Wave) -> list[tuple[dt.date, str]]:
    def at(offset: int) -> dt.date:
        return wave.peak + dt.timedelta(days=offset)

    if wave.archetype == "opening":
        # Buyers wait for the sale: the days before it run low.
        days = [(at(offset), "lull") for offset in range(-PHASES.lull, 0)]
        days += [(at(offset), _signed(offset)) for offset in range(PHASES.shoulder + 1)]
        if wave.plateau_until is not None:
            span = (wave.plateau_until - wave.peak).days
            days = [(day, phase) for day, phase in days if day <= max(wave.plateau_until, wave.peak)]
            days += [(at(offset), f"plateau{offset:+d}") for offset in range(PHASES.shoulder + 1, span + 1)]
        return days
    if wave.archetype == "main":
        days = [(at(offset), _signed(offset)) for offset in range(-4, PHASES.shoulder + 1)]
        return days + [(at(offset), f"rundown{offset:+d}") for offset in range(PHASES.shoulder + 1, PHASES.rundown + 1)]
    if wave.archetype == "lunar_year":
        return [(at(offset), _signed(offset)) for offset in range(-PHASES.lunar_span, PHASES.lunar_span + 1)]
    if wave.archetype == "holiday":
        span = (wave.last - wave.first).days + 1
        days = [(wave.first + dt.timedelta(days=d), f"day{min(d, PHASES.holiday_phases)}") for d in range(span)]
        days += [(wave.first - dt.timedelta(days=1), "eve"), (wave.last + dt.timedelta(days=1), "after")]
        return days
    span = (wave.last - wave.peak).days
    days = [(at(offset), _signed(offset)) for offset in range(-1, PHASES.shoulder + 1)]
    return days + [(at(offset), f"long{offset:+d}") for offset in range(PHASES.shoulder + 1, span + 1)]


def place_phases(waves: Sequence[Wave], dates: NDArray[np.datetime64]) -> PhaseTerms:
    """Find the phases on each day of a span.

    Parameters
    ----------
    waves
        From :func:`read_waves`.
    dates
        [days] consecutive days.
    """
    day: list[int] = []
    wave_at: list[int] = []
    phase: list[str] = []
    start = to_date(dates[0]) if dates.size else dt.date(1970, 1, 1)
    for number, wave in enumerate(waves):
        for date, name in _phases_of(wave):
            position = (date - start).days
            if 0 <= position < dates.size:
                day.append(position)
                wave_at.append(number)
                phase.append(name)
    return PhaseTerms(
        np.array(day, dtype=np.int64), np.array(wave_at, dtype=np.int64), tuple(phase), tuple(waves), dates.size
    )
