"""The history with its silent days: what is unknown is filled for the models, and marked so that it teaches nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.arrays import Flags
from data.silent_days import Silence, find_silences, tell_silences
from forecasting.series.panel import Panel, to_date

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class SilentHistory:
    """Which days and cells of a panel are not known.

    Attributes
    ----------
    unknown
        [days] days on which nothing is known of the network, or on which it rested out of its habit.
    hidden
        [routes x days] cells that were filled though others are known that day; None where there are none.
    silences
        The runs of days behind them.
    notes
        They told in sentences.
    """

    unknown: Flags
    hidden: Flags | None = None
    silences: tuple[Silence, ...] = ()
    notes: tuple[str, ...] = ()

    def with_routes(self, routes: int) -> SilentHistory:
        """Return the same for a panel to whose end routes were added."""
        if self.hidden is None or self.hidden.shape[0] == routes:
            return self
        added = np.zeros((routes - self.hidden.shape[0], self.hidden.shape[1]), dtype=np.bool_)
        return replace(self, hidden=np.vstack([self.hidden, added]))


def fill_silent_days(
    panel: Panel, volumes: pl.DataFrame, eventful: Flags, closed: Sequence[tuple[dt.date, dt.date]] = ()
) -> tuple[Panel, SilentHistory]:
    """Fill what is unknown of couriers and hubs, and say which days are unknown of the whole network.

    A courier's or hub's unknown day gets the mean of its nearest known days of that weekday, as a ratio to what all others carried on them.
    Days of the whole network are left to :func:`forecasting.history.cleaning.clean_history`, which fills them without their events.

    Parameters
    ----------
    panel
        The history.
    volumes
        The rows it was made from (:func:`data.silent_days.find_silences`).
    eventful
        [days] days with an event: a rest that was told on one of them stays, as the event's effect.
    closed
        Times in which the whole network rested.
    """
    silences = find_silences(volumes, closed)
    if not silences:
        return panel, SilentHistory(np.zeros(panel.dates.size, dtype=np.bool_))
    first = to_date(panel.dates[0])
    unknown = np.zeros(panel.dates.size, dtype=np.bool_)
    for run in silences:
        if run.scope == "network":
            days = _days_of(run, first)
            unknown[days] = True if run.meaning == "unknown" else ~eventful[days]
    partial = [run for run in silences if run.scope != "network" and run.meaning == "unknown"]
    parcels, hidden = panel.parcels, None
    if partial:
        parcels, hidden = panel.parcels.copy(), np.zeros(panel.parcels.shape, dtype=np.bool_)
        for scope, column in (("courier", "courier_id"), ("hub", "origin_hub_id")):
            for name in {run.subject: None for run in partial if run.scope == scope}:
                rows = (panel.routes[column] == name).to_numpy()
                silent = np.zeros(panel.dates.size, dtype=np.bool_)
                for run in partial:
                    if (run.scope, run.subject) == (scope, name):
                        silent[_days_of(run, first)] = True
                silent &= ~unknown
                _fill_part(parcels, rows, silent, unknown)
                hidden |= rows[:, None] & silent
    return Panel(panel.routes, panel.dates, parcels), SilentHistory(unknown, hidden, silences, tell_silences(silences))


def _days_of(run: Silence, first: dt.date) -> slice:
    return slice((run.date_from - first).days, (run.date_to - first).days + 1)


def _fill_part(parcels: Matrix, rows: Flags, silent: Flags, unknown: Flags) -> None:
    """Fill the silent days of some routes, in place."""
    own = np.flatnonzero(rows)
    rest = parcels.sum(axis=0, dtype=np.float64) - parcels[own].sum(axis=0, dtype=np.float64)
    for day in np.flatnonzero(silent).tolist():
        beside = _beside(day, silent | unknown)
        scale = [rest[day] / rest[other] if rest[other] > 0 else 1.0 for other in beside]
        if beside:
            parcels[own, day] = (
                parcels[np.ix_(own, np.array(beside, dtype=np.int64))] * np.array(scale, dtype=np.float32)
            ).mean(axis=1)


def _beside(day: int, gaps: Flags) -> list[int]:
    """Return the nearest days of the same weekday before and after that are no gaps."""
    before = next((d for d in range(day - 7, -1, -7) if not gaps[d]), None)
    after = next((d for d in range(day + 7, gaps.size, 7) if not gaps[d]), None)
    return [d for d in (before, after) if d is not None]


def fill_gaps(parcels: Matrix, gaps: Flags) -> Matrix:
    """Fill gap days of a [routes x days] matrix with the mean of the nearest days of the same weekday before and after that are none."""
    filled = parcels.copy()
    for day in np.flatnonzero(gaps):
        beside = _beside(int(day), gaps)
        if beside:
            filled[:, day] = parcels[:, beside].mean(axis=1)
    return filled
