"""The network a forecast starts from: its history with silent days filled, closures taken out and changes followed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.arrays import Matrix
from data.closing_rules import CLOSING
from data.closings import Closing, find_closings, leave_out_announced
from forecasting.events.phases import place_phases, read_waves
from forecasting.history.closure_outcomes import Outcomes, spread_ahead, spread_history
from forecasting.history.closures import CLOSURE, Closure, lay_out, overlapping, restore
from forecasting.history.network_changes import Move, follow_changes, read_changes
from forecasting.history.silent_history import SilentHistory, fill_silent_days
from forecasting.inputs import ForecastInputs, ForecastSettings
from forecasting.series.panel import Panel, to_date

_MOST_NAMED = 3


@dataclass(frozen=True)
class KnownNetwork:
    """A history as a forecast may learn from it, and what is known to happen to it.

    Attributes
    ----------
    panel
        Routes with their history; routes that a change creates are added. What is closed on its last day stands in it as it was seen.
    silent
        Days and cells that are not known, or are none of a route's own.
    moves
        Handovers after the last day of the panel, by date.
    closures
        What is closed, or has only just opened.
    taken
        For each closure what hubs were seen to take over.
    notes
        What a planner should read of all this.
    reopened
        The history as if nothing had been closed on its last day either; None where nothing was.
    """

    panel: Panel
    silent: SilentHistory
    moves: tuple[Move, ...]
    closures: tuple[Closure, ...]
    taken: tuple[Mapping[str, float], ...]
    notes: tuple[str, ...]
    reopened: Panel | None = None

    def apply_ahead(self, mean: Matrix, reopened: Matrix | None = None) -> Outcomes:
        """Put handovers and closures on a forecast [routes x days] that begins the day after the panel.

        Parameters
        ----------
        mean
            The forecast from the panel.
        reopened
            The forecast from the panel ``reopened``, where there is one.
        """
        moved = self._move(mean)
        known = self.panel.dates.size
        if reopened is None:
            return spread_ahead(self.panel, moved, self.closures, self.taken, known)
        return spread_ahead(self.panel, self._move(reopened), self.closures, self.taken, known, moved)

    def _move(self, mean: Matrix) -> Matrix:
        first_ahead = to_date(self.panel.dates[-1]) + dt.timedelta(days=1)
        moved = mean.copy()
        for move in self.moves:
            move.apply(moved, *move.days_ahead(first_ahead, moved.shape[1]))
        return moved

    def inherit(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give routes that a handover ahead opens or enlarges their donors' part of a [routes] figure, where it is more than their own."""
        inherited = values[:, None].astype(np.float64)
        for move in self.moves:
            own = inherited.copy()
            move.apply(inherited, 0, 1)
            np.maximum(inherited, own, out=inherited)
        return inherited[:, 0]

    def inherit_days(self, days: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give routes that a handover ahead opens the longest history of their donors [days]."""
        inherited = days.copy()
        for move in self.moves:
            np.maximum.at(inherited, move.target, np.where(move.share > 0, inherited[move.source], 0.0))
        return inherited


def know_network(
    panel: Panel,
    known: ForecastInputs,
    last_date: dt.date,
    eventful: NDArray[np.bool_],
    settings: ForecastSettings,
) -> KnownNetwork:
    """Read silent days, closures and changes into a history.

    Parameters
    ----------
    panel
        The history as it was loaded.
    known
        The tables as they were known.
    last_date
        Last day of the forecast.
    eventful
        [days] days with an event.
    settings
        Which days were said to be closed.
    """
    panel, silent = fill_silent_days(panel, known.route_volumes, eventful, settings.closed)
    changes = read_changes(known.network_changes, last_date, set(panel.hub_ids))
    as_of = to_date(panel.dates[-1])
    announced = [closing for closing, _, _ in changes.closings]
    found = find_unannounced(known, silent, announced, panel)
    closures = [
        closure
        for closing, takers, handed in changes.closings
        if closing.until is not None or closing.date > as_of
        for closure in lay_out(panel, closing, takers, announced=True, handed=handed)
    ]
    closures += [closure for closing in found if _concerns(closing, as_of) for closure in lay_out(panel, closing)]
    closures.sort(key=lambda closure: (closure.closing.change == "opens", closure.first))
    taken: list[Mapping[str, float]] = []
    reopened: Panel | None = None
    if closures:
        lasting = [closure.lasts(panel.dates.size) for closure in closures]
        # What is closed again was seen to be closed before: while it stays so, its earlier closings are its way.
        shut = {
            closure.side for closure, lasts in zip(closures, lasting, strict=True) if lasts and not closure.announced
        }
        over = [
            closure
            for closure, lasts in zip(closures, lasting, strict=True)
            if not (lasts or (closure.side in shut and not closure.announced and closure.closing.change == "closes"))
        ]
        whole, hidden, taken = restore(panel, closures, silent.unknown, eventful)
        if any(lasting):
            reopened = whole
            panel, hidden, _ = restore(panel, over, silent.unknown, eventful)
        else:
            panel = whole
        silent = replace(silent, hidden=hidden if silent.hidden is None else hidden | silent.hidden)
    gone = [
        closure
        for closing, takers, _ in changes.closings
        if closing.until is None and closing.date <= as_of
        for closure in lay_out(panel, closing, takers, announced=True)
    ]
    if gone:
        panel = spread_history(panel, gone)
        reopened = None if reopened is None else spread_history(reopened, gone)
    network = follow_changes(panel, changes.handovers, last_date)
    if reopened is not None:
        reopened = follow_changes(reopened, changes.handovers, last_date).panel
    if network.panel.size > panel.size:
        added = np.zeros(network.panel.size - panel.size, dtype=np.bool_)
        closures = [replace(closure, rows=np.concatenate([closure.rows, added])) for closure in closures]
    notes = (*silent.notes, *changes.notes, *network.notes, *_tell(found))
    return KnownNetwork(
        network.panel,
        silent.with_routes(network.panel.size),
        network.ahead,
        tuple(closures),
        tuple(taken),
        notes,
        reopened,
    )


def find_unannounced(
    known: ForecastInputs,
    silent: SilentHistory,
    announced: list[Closing],
    panel: Panel,
) -> list[Closing]:
    """Find the closings and openings that no change tells and no holiday explains.

    A holiday explains what begins on one of its days and lies on them for the most part. A sale explains none: it wakes hubs.
    """
    found = []
    dates = panel.dates
    resting = place_phases(read_waves(known.events), dates).resting()
    closings = find_closings(known.route_volumes, silent.silences)
    for closing in leave_out_announced(closings, known.network_changes):
        days = (dates >= np.datetime64(closing.date, "D")) & (dates <= np.datetime64(closing.until or dt.date.max, "D"))
        own = resting[days]
        of_holiday = own.size > 0 and bool(own[0]) and float(own.mean()) > 0.5
        if not (
            of_holiday or overlapping(closing, announced) or _follows_change(closing, known.network_changes, panel)
        ):
            found.append(closing)
    return found


def _concerns(closing: Closing, as_of: dt.date) -> bool:
    """Say whether what nobody told is too near for the members to know by themselves what it changed."""
    if closing.change == "opens":
        return closing.days <= CLOSURE.opening_days
    return closing.until is None or (as_of - closing.until).days < CLOSURE.memory


def _follows_change(closing: Closing, changes: pl.DataFrame, panel: Panel) -> bool:
    """Say whether most of a closing lies on routes of a hub that a change near it names: what it sent there goes or comes another way."""
    near = changes.filter((pl.col("date") - closing.date).dt.total_days().abs() <= CLOSING.around_change)
    named = set(near["hub_id"].drop_nulls()) | set(near["successor_hub_id"].drop_nulls())
    if not named:
        return False
    touched = np.isin(panel.routes["origin_hub_id"].to_numpy(), list(named))
    touched |= np.isin(panel.routes["destination_hub_id"].to_numpy(), list(named))
    for side in lay_out(panel, closing):
        days = slice(max(0, side.first - CLOSING.usual_days), max(0, side.first))
        carried = panel.parcels[:, days].sum(axis=1, dtype=np.float64) * side.rows
        if carried[touched].sum() <= 0.5 * carried.sum():
            return False
    return True


def _tell(found: list[Closing]) -> tuple[str, ...]:
    """Tell all that lasts or has just opened, and the latest of the past; the rest is counted."""
    present = [one for one in found if one.until is None]
    past = sorted((one for one in found if one.until is not None), key=lambda one: (one.until or one.date, one.name))
    sentences = [one.tell() for one in (*present, *past[::-1][:_MOST_NAMED])]
    if len(past) > _MOST_NAMED:
        sentences.append(f"{len(past) - _MOST_NAMED} earlier closings are taken as such; `radar check` lists them.")
    return tuple(sentences)
