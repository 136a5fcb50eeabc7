"""Which days an outlet works: its days of rest, its holidays, and the times it was shut."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.arrays import Flags, Matrix
from data.constants import constant
from forecasting.series.panel import to_date


@dataclass(frozen=True)
class OpenDayRules:
    """How days of rest are told from days of few parcels."""

    weeks: int = constant(13, "weeks", "from which days of rest are read", "judgement")
    pseudo_weeks: float = constant(1.0, "weeks", "of the mean outlet of the network", "judgement")
    pseudo_holidays: float = constant(1.0, "holidays", "of the mean outlet", "judgement")
    rest: float = constant(0.15, "1", "part of the weeks worked, below which a weekday is one of rest", "judgement")
    shut_days: int = constant(
        5, "days", "in a row without a parcel, beyond its rest, from which an outlet is shut", "judgement"
    )

    given_up: int = constant(
        28, "days", "shut up to the last known one, after which an outlet is not expected back", "judgement"
    )


OPEN_DAYS = OpenDayRules()


@dataclass(frozen=True)
class OpenDays:
    """When outlets work.

    Attributes
    ----------
    share
        [outlets x days] chance that the outlet works on the day, past and ahead; 0 on its days of rest.
    shut
        [outlets x known days] days on which it was shut for a while, or not there yet: they teach nothing.
    """

    share: Matrix
    shut: Flags


def learn_open_days(
    parcels: Matrix,
    days: int,
    holidays: list[tuple[str, NDArray[np.int64]]],
    first_day: int = 0,
    unknown: Flags | None = None,
) -> OpenDays:
    """Learn on which weekdays and holidays each outlet works.

    Parameters
    ----------
    parcels
        [outlets x known days] parcels.
    days
        Known days and days ahead.
    holidays
        (name, positions of its days among all) of each edition of each holiday.
    first_day
        Column from which anything is known.
    unknown
        [known days] days of which nothing is known of any outlet; by default there are none.

    Returns
    -------
    OpenDays

    Notes
    -----
    An outlet without a parcel on five days in a row besides its holidays, whatever day it rests on, was shut: such days
    are no days of rest. An outlet that worked on less than 15 % of its last 13 such weekdays rests on them, and on a
    holiday likewise, where the holidays of other names and of other outlets count for one.
    """
    outlets, known = parcels.shape
    worked = parcels > 0
    on_holiday = np.zeros(days, dtype=bool)
    for _, places in holidays:
        on_holiday[places] = True
    nothing = np.zeros(known, dtype=bool) if unknown is None else unknown
    shut = _shut_for_a_while(worked, on_holiday[:known] | nothing)
    # What is unknown neither is a rest nor makes a silence longer.
    silent = np.where(shut.all(axis=1), 0, np.argmin((shut | nothing)[:, ::-1], axis=1) * shut[:, -1])
    shut[:, :first_day] = True
    shut |= nothing
    usable = ~shut & ~on_holiday[None, :known]
    share = np.ones((outlets, days))
    start = max(0, known - 7 * OPEN_DAYS.weeks)
    weekday = (np.arange(days) - known) % 7
    for at in range(7):
        mine = np.flatnonzero(weekday[:known] == at)
        recent = mine[mine >= start]
        seen = usable[:, recent].sum(axis=1)
        opened = (usable & worked)[:, recent].sum(axis=1)
        # Outlets silent of late are read from all they ever did.
        ever = usable[:, mine].sum(axis=1)
        opened = np.where(seen > 0, opened, (usable & worked)[:, mine].sum(axis=1))
        seen = np.where(seen > 0, seen, ever)
        everyone = opened.sum() / seen.sum() if seen.sum() else 1.0
        rate = (opened + OPEN_DAYS.pseudo_weeks * everyone) / (seen + OPEN_DAYS.pseudo_weeks)
        share[:, weekday == at] = np.where(rate < OPEN_DAYS.rest, 0.0, rate)[:, None]
    _close_on_holidays(share, worked, shut, holidays)
    # Shut up to today: the longer, the less it is expected back.
    share[:, known:] *= np.clip(1.0 - silent / OPEN_DAYS.given_up, 0.0, 1.0)[:, None]
    return OpenDays(share, shut)


def _shut_for_a_while(worked: Flags, holiday: Flags) -> Flags:
    """Mark runs of days without a parcel that are longer than any rest."""
    outlets, known = worked.shape
    silent = ~worked
    # Days of a holiday neither make nor break a run.
    run = np.zeros((outlets, known), dtype=np.int64)
    for day in range(known):
        before = run[:, day - 1] if day else np.zeros(outlets, dtype=np.int64)
        run[:, day] = np.where(silent[:, day], before + (0 if holiday[day] else 1), 0)
    shut = np.zeros((outlets, known), dtype=bool)
    length = np.zeros(outlets, dtype=np.int64)
    for day in range(known - 1, -1, -1):
        length = np.where(silent[:, day], np.maximum(length, run[:, day]), 0)
        shut[:, day] = length >= OPEN_DAYS.shut_days
    # Before its first parcel an outlet was not there.
    shut |= np.cumsum(worked, axis=1) == 0
    return shut


def _close_on_holidays(
    share: Matrix, worked: Flags, shut: Flags, holidays: list[tuple[str, NDArray[np.int64]]]
) -> None:
    """Set the chance of work on holidays, in place."""
    known = worked.shape[1]
    outlets = worked.shape[0]
    usual = share > 0.5
    seen: dict[str, tuple[Matrix, Matrix]] = {}
    for name, places in holidays:
        past = places[places < known]
        counts = (usual & np.pad(~shut, ((0, 0), (0, share.shape[1] - known))))[:, past]
        opened, days = seen.setdefault(name, (np.zeros(outlets), np.zeros(outlets)))
        days += counts.sum(axis=1)
        opened += (counts & worked[:, past]).sum(axis=1)
    all_days = sum((days for _, days in seen.values()), np.zeros(outlets))
    all_opened = sum((opened for opened, _ in seen.values()), np.zeros(outlets))
    everyone = all_opened.sum() / all_days.sum() if all_days.sum() else 1.0
    own = (all_opened + OPEN_DAYS.pseudo_holidays * everyone) / (all_days + OPEN_DAYS.pseudo_holidays)
    for name, places in holidays:
        opened, days = seen[name]
        pseudo = OPEN_DAYS.pseudo_holidays
        of_name = (opened.sum() + pseudo * everyone) / (days.sum() + pseudo)
        prior = (of_name + own) / 2 if days.sum() == 0 else of_name
        rate = (opened + pseudo * prior) / (days + pseudo)
        share[:, places] = np.minimum(share[:, places], np.where(rate < OPEN_DAYS.rest, 0.0, rate)[:, None])


def list_holidays(events: pl.DataFrame, first: np.datetime64, days: int) -> list[tuple[str, NDArray[np.int64]]]:
    """Return name and positions of the days of each holiday inside a span."""
    found = []
    rows = events.filter(pl.col("kind") == "holiday").sort("date_from", "event_id")
    for name, starts, ends in rows.select("name", "date_from", "date_to").iter_rows():
        low = (starts - to_date(first)).days
        high = (ends - to_date(first)).days
        places = np.arange(max(low, 0), min(high, days - 1) + 1)
        if places.size:
            found.append((str(name), places))
    return found
