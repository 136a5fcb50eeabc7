"""Days without any row: what a missing day of the network, of a courier or of a hub means.

A route without a row on a day on which its hub has rows carried nothing. A day on which nothing at all is known of the network, or of
a courier that otherwise always has rows, is unknown. A hub that is silent while others have rows rests, where it rests every week;
else up to two days are unknown, and more is a suspected closure.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.arrays import Flags
from data.constants import constant
from data.daily_sums import sum_parcels

Scope = Literal["network", "courier", "hub"]


@dataclass(frozen=True)
class SilenceRules:
    """When days without rows tell something."""

    rest_window: int = constant(
        8, "weeks", "on either side in which a weekday shows whether it is a rest day", "judgement"
    )
    rest_share: float = constant(0.75, "1", "of those weekdays that are silent on a rest day", "judgement")
    most_silences: float = constant(
        0.05, "silences a day", "beyond which silent days are a series' own way and mean zero", "judgement"
    )
    usual_days: int = constant(
        28, "days", "before a silence that show whether a courier or hub always has rows", "judgement"
    )
    usual_share: float = constant(0.9, "1", "of those days that have rows, rest days aside", "judgement")
    fewest_parcels: float = constant(
        20.0, "parcels/day", "on the middle day with rows, under which a series may have empty days", "judgement"
    )
    fewest_alone: int = constant(
        7, "days", "with rows behind a longer silence than any before, under which they stand alone", "judgement"
    )
    fewest_days: int = constant(14, "days", "with rows, under which nothing is usual yet", "judgement")
    longest_unknown: int = constant(
        2, "days", "of a hub's silence that are unknown; more is a suspected closure", "judgement"
    )
    longest_courier: int = constant(
        28, "days", "of a courier's silence at the end that are unknown; after more it has left", "judgement"
    )


SILENCE = SilenceRules()


@dataclass(frozen=True)
class Silence:
    """A run of days without any row.

    Attributes
    ----------
    scope
        network, courier or hub (as origin).
    subject
        courier_id or hub_id; empty for the network.
    date_from, date_to
        First and last silent day.
    days
        Silent days in it; days on which the whole network is unknown, or rests, are not counted.
    meaning
        ``unknown``; ``closed`` where a planner said so; ``suspected`` for a hub's longer silence.
    """

    scope: Scope
    subject: str
    date_from: dt.date
    date_to: dt.date
    days: int
    meaning: Literal["unknown", "closed", "suspected"]


def find_silences(
    volumes: pl.DataFrame, closed: Sequence[tuple[dt.date, dt.date]] = (), last_day: dt.date | None = None
) -> tuple[Silence, ...]:
    """Find the days of a history on which the network, a courier or a hub has no row though it otherwise always has.

    Parameters
    ----------
    volumes
        Columns of ``route_volumes``. A row of 0 parcels is a row: the day is known.
    closed
        First and last day of times in which the whole network rested: zero is meant.
    last_day
        Days after it are not looked at; by default the last with a row.

    Returns
    -------
    tuple of Silence
        The network's first, then couriers, then hubs, each by day. Days before a courier's or hub's first row are none.
    """
    known = volumes if last_day is None else volumes.filter(pl.col("date") <= last_day)
    if known.is_empty():
        return ()
    rows = sum_parcels(known, ["date", "courier_id", "origin_hub_id"])
    first = rows["date"].to_numpy().astype("datetime64[D]").min()
    day = (rows["date"].to_numpy().astype("datetime64[D]") - first).astype(np.int64)
    length = int(day.max()) + 1
    parcels = rows["parcels"].to_numpy().astype(np.float64)
    dates = [first.item() + dt.timedelta(days=at) for at in range(length)]
    everything = _Series.of(np.zeros(day.size, dtype=np.int64), day, parcels, 1, length)
    meant = np.zeros(length, dtype=np.bool_)
    for starts, ends in closed:
        meant[max(0, (starts - dates[0]).days) : max(0, (ends - dates[0]).days + 1)] = True
    found: list[Silence] = []
    network_days = everything.present[0].copy()
    for run in _runs(everything.silent_days(0, np.arange(length))):
        network_days[run] = False
        found += [_network_silence(dates, piece, meant=False) for piece in _pieces(run[~meant[run]])]
        found += [_network_silence(dates, piece, meant=True) for piece in _pieces(run[meant[run]])]
    compared = np.flatnonzero(network_days)
    sides: tuple[tuple[Scope, str], ...] = (("courier", "courier_id"), ("hub", "origin_hub_id"))
    for scope, column in sides:
        names = rows[column].unique().sort()
        if names.len() < 2:
            continue
        index = rows[column].cast(pl.Enum(names)).to_physical().to_numpy().astype(np.int64)
        series = _Series.of(index, day, parcels, names.len(), length)
        for at, name in enumerate(names.to_list()):
            for run in _runs(series.silent_days(at, compared)):
                days = compared[run]
                if not series.was_usual(at, compared[: run[0]]):
                    continue
                meaning = _judge(scope, days.size, bool(run[-1] == compared.size - 1))
                if meaning is not None:
                    found.append(Silence(scope, name, dates[days[0]], dates[days[-1]], days.size, meaning))
    return tuple(found)


def _network_silence(dates: Sequence[dt.date], days: NDArray[np.int64], *, meant: bool) -> Silence:
    return Silence("network", "", dates[days[0]], dates[days[-1]], days.size, "closed" if meant else "unknown")


def _judge(scope: str, days: int, to_the_end: bool) -> Literal["unknown", "suspected"] | None:
    if scope == "courier":
        return None if to_the_end and days > SILENCE.longest_courier else "unknown"
    return "unknown" if days <= SILENCE.longest_unknown else "suspected"


@dataclass(frozen=True)
class _Series:
    """Whether series have rows: [series x days], and their parcels a day."""

    present: Flags
    parcels: NDArray[np.float64]

    @classmethod
    def of(
        cls, index: NDArray[np.int64], day: NDArray[np.int64], parcels: NDArray[np.float64], series: int, length: int
    ) -> _Series:
        present = np.zeros((series, length), dtype=np.bool_)
        present[index, day] = True
        sums = np.zeros((series, length))
        np.add.at(sums, (index, day), parcels)
        return cls(present, sums)

    def silent_days(self, at: int, compared: NDArray[np.int64]) -> Flags:
        """Mark, among the compared days, those on which a series that otherwise always has rows has none and does not rest."""
        present = self.present[at, compared]
        nothing = np.zeros(compared.size, dtype=np.bool_)
        if present.sum() < SILENCE.fewest_days or present.all():
            return nothing
        if np.median(self.parcels[at, compared][present]) < SILENCE.fewest_parcels:
            return nothing
        begins = int(present.argmax())
        silent = ~present
        silent[:begins] = False
        silent[silent] = ~_rests(self.present[at], compared)[silent]
        starts = int((np.diff(np.r_[0, silent.astype(np.int8)]) == 1).sum())
        often = starts > 1 and starts > SILENCE.most_silences * (compared.size - begins)
        return nothing if often else silent

    def was_usual(self, at: int, before: NDArray[np.int64]) -> bool:
        """Say whether a series had rows on nearly all of the days before a silence, rest days aside."""
        window = before[-SILENCE.usual_days :]
        present = self.present[at, window]
        awaited = present | ~_rests(self.present[at], window)
        return bool(present.sum() >= SILENCE.fewest_days and present.sum() >= SILENCE.usual_share * awaited.sum())


def _rests(present: Flags, compared: NDArray[np.int64]) -> Flags:
    """Mark the compared days that are regular rest days: the weekday is mostly silent, and the week around is not."""
    rests = np.zeros(compared.size, dtype=np.bool_)
    usable = np.zeros(present.size, dtype=np.bool_)
    usable[compared] = True
    steps = 7 * np.arange(-SILENCE.rest_window, SILENCE.rest_window + 1)
    for at in np.flatnonzero(~present[compared]):
        day = int(compared[at])
        if not present[max(0, day - 3) : day + 4].any():
            continue
        same = day + steps[steps != 0]
        same = same[(same >= 0) & (same < present.size)]
        same = same[usable[same]]
        rests[at] = same.size >= 2 and (~present[same]).mean() >= SILENCE.rest_share
    return rests


def _runs(flags: Flags) -> Iterator[NDArray[np.int64]]:
    """Give the positions of each run of marked days."""
    yield from _pieces(np.flatnonzero(flags))


def _pieces(days: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    if days.size == 0:
        return []
    return np.split(days, np.flatnonzero(np.diff(days) > 1) + 1)


@dataclass(frozen=True)
class Gap:
    """Days on which nothing at all is known, near the end of what is known.

    Attributes
    ----------
    days
        How many in a row, those left out on which the network is said to have rested.
    last
        Last day with rows before them.
    alone
        Days with rows behind them, up to the as-of date.
    """

    days: int
    last: dt.date
    alone: int


def find_gap(
    volumes: pl.DataFrame, as_of: dt.date, most: int, closed: Sequence[tuple[dt.date, dt.date]] = ()
) -> Gap | None:
    """Find more than ``most`` days in a row without rows just before a date, or before the few days that stand alone in front of it.

    Rows of a wrong date stand alone, and so does what was loaded after a file that never came. Where the history has been silent for
    as long before, as over the holidays of every year, a few days behind such a silence are no sign of that.
    """
    days_with_rows = volumes["date"].unique()
    known = days_with_rows.filter(days_with_rows <= as_of).sort(descending=True).to_list()
    after = [as_of + dt.timedelta(days=1), *known]
    gaps = [(later - earlier).days - 1 for later, earlier in zip(after, known, strict=False)]
    for alone, days in enumerate(gaps[: SILENCE.fewest_alone]):
        first = known[alone] + dt.timedelta(days=1)
        rested = sum(_is_closed(first + dt.timedelta(days=at), closed) for at in range(days)) if closed else 0
        near = alone == 0 or (alone == 1 and known[0] == as_of)
        if days - rested > most and (near or days > max(gaps[alone + 1 :], default=0)):
            return Gap(days - rested, known[alone], alone)
    return None


def _is_closed(day: dt.date, closed: Sequence[tuple[dt.date, dt.date]]) -> bool:
    return any(first <= day <= last for first, last in closed)


def tell_silences(silences: Sequence[Silence]) -> tuple[str, ...]:
    """Tell in a sentence each, by scope and meaning, which days are not known, and how a planner says that zero is meant."""
    sentences = []
    unknown = [run for run in silences if run.scope == "network" and run.meaning == "unknown"]
    if unknown:
        count = sum(run.days for run in unknown)
        spans = _spans(unknown)
        sentences.append(
            f"{_days(count)} without any row of route_volumes {_are(count)} taken as unknown, not as zero: {spans}. "
            "If the network rested then, say so with --closed FROM..TO."
        )
    closed = [run for run in silences if run.meaning == "closed"]
    if closed:
        sentences.append(
            f"{_days(sum(run.days for run in closed))} on which the network is said to have rested: {_spans(closed)}."
        )
    for scope in ("courier", "hub"):
        own = [run for run in silences if (run.scope, run.meaning) == (scope, "unknown")]
        if own:
            names = sorted({run.subject for run in own}, key=lambda name: (-_days_of(own, name), name))
            parts = [
                f"{name} ({_days_of(own, name)}: {_spans([run for run in own if run.subject == name])})"
                for name in names[:_MOST_NAMED]
            ]
            more = [f"{len(names) - _MOST_NAMED} more"] if len(names) > _MOST_NAMED else []
            count = sum(run.days for run in own)
            sentences.append(
                f"{_days(count)} of {scope}s without any row {_are(count)} taken as unknown, not as zero: {'; '.join([*parts, *more])}."
            )
    return tuple(sentences)


_MOST_NAMED = 5


def _days_of(runs: Sequence[Silence], subject: str) -> int:
    return sum(run.days for run in runs if run.subject == subject)


def _days(count: int) -> str:
    return f"{count} day{'' if count == 1 else 's'}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _spans(runs: Sequence[Silence]) -> str:
    spans = [
        str(run.date_from) if run.date_from == run.date_to else f"{run.date_from} to {run.date_to}"
        for run in runs[:_MOST_NAMED]
    ]
    more = [f"{len(runs) - _MOST_NAMED} more"] if len(runs) > _MOST_NAMED else []
    return ", ".join([*spans, *more])
