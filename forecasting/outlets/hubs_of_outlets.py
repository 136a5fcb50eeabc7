"""Hubs as sums of outlets: what planners told of hubs holds where no routes are loaded as well."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.arrays import Matrix
from forecasting.history.closure_outcomes import spread_ahead
from forecasting.history.closures import Closure, lay_out
from forecasting.history.network_changes import Move, follow_changes, read_changes
from forecasting.history.overrides import outlet_override_factors, override_factors
from forecasting.inputs import ForecastInputs
from forecasting.intervals.spread import Parts
from forecasting.series.panel import ROUTE_KEYS, Panel
from forecasting.series.rounding import round_coherently

_END = {"pickup": "origin_hub_id", "delivery": "destination_hub_id"}


def as_routes(hubs: Sequence[str], direction: str) -> pl.DataFrame:
    """Write each hub's sum of outlets as a route with one end: from it for pick-ups, to it for deliveries."""
    ends = {name: list(hubs) if name == _END[direction] else [""] * len(hubs) for name in ROUTE_KEYS}
    return pl.DataFrame(ends, schema=dict.fromkeys(ROUTE_KEYS, pl.String))


def outlet_overrides(
    inputs: ForecastInputs, units: pl.DataFrame, dates: NDArray[np.datetime64], direction: str
) -> Matrix:
    """Return what planners multiply each outlet and day by: rows of the network, its region, its hub and its own.

    Parameters
    ----------
    inputs
        Tables as known; overrides may be none.
    units
        outlet_id, courier_id, hub_id, region_id in the order wanted.
    dates
        [horizon] days ahead.
    direction
        pickup or delivery.

    Returns
    -------
    NDArray[np.float64]
        [outlets x horizon] factors.
    """
    overrides = inputs.overrides
    if overrides is None or overrides.is_empty():
        return np.ones((units.height, dates.size))
    routes = as_routes(units["hub_id"].fill_null("").to_list(), direction)
    routes = routes.with_columns(units["courier_id"].fill_null("").alias("courier_id"))
    regions: dict[str, str | None] = dict(zip(units["hub_id"].to_list(), units["region_id"].to_list(), strict=True))
    above = override_factors(overrides, routes, dates, regions)
    return above * outlet_override_factors(overrides, units["outlet_id"].to_list(), dates, direction)


@dataclass(frozen=True)
class HubChanges:
    """What is told to happen to hubs on the days ahead.

    Attributes
    ----------
    panel
        Hubs as routes with one end (:func:`as_routes`), those that open among them; one day without parcels.
    moves
        Handovers.
    closures
        Closings without successor.
    notes
        What was left out, and what is spread.
    """

    panel: Panel
    moves: tuple[Move, ...]
    closures: tuple[Closure, ...]
    notes: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Whether nothing happens."""
        return not (self.moves or self.closures)

    def labels(self, direction: str) -> list[str]:
        """Names of the hubs, in the order of the rows."""
        return self.panel.routes[_END[direction]].to_list()

    def apply(self, hubs: Matrix, as_of: dt.date) -> Matrix:
        """Hand the parcels of [hubs x horizon] sums of outlets over; rows of hubs that open are added."""
        moved = np.zeros((self.panel.size, hubs.shape[1]))
        moved[: hubs.shape[0]] = hubs
        for move in self.moves:
            move.apply(moved, *move.days_ahead(as_of + dt.timedelta(days=1), hubs.shape[1]))
        nothing: Mapping[str, float] = {}
        return spread_ahead(self.panel, moved, self.closures, [nothing] * len(self.closures), 1).mean


def read_hub_changes(
    inputs: ForecastInputs, hubs: Sequence[str], direction: str, as_of: dt.date, horizon: int
) -> HubChanges:
    """Read what ``network_changes`` tells of the days ahead.

    The table ``outlets`` says where outlets stand today: a hub that opened before the as-of date takes nothing more from its donor, one that
    closed or moved hands over what outlets are still listed with it.

    Parameters
    ----------
    inputs
        Tables as known.
    hubs
        Hubs of the outlets, sorted.
    direction
        pickup or delivery.
    as_of, horizon
        Last known day and days ahead.
    """
    last = as_of + dt.timedelta(days=horizon)
    rows = inputs.network_changes.filter((pl.col("date") > as_of) | (pl.col("change") != "opens"))
    changes = read_changes(rows, last, set(hubs))
    first = min([as_of, *rows["date"].to_list()]) - dt.timedelta(days=1)
    before = Panel(
        as_routes(hubs, direction), np.array([np.datetime64(first, "D")]), np.zeros((len(hubs), 1), np.float32)
    )
    changed = follow_changes(before, changes.handovers, last)
    panel = Panel(changed.panel.routes, np.array([np.datetime64(as_of, "D")]), changed.panel.parcels)
    closures = tuple(
        closure
        for closing, takers, handed in changes.closings
        if closing.until is None or closing.until > as_of
        for closure in lay_out(panel, closing, takers, announced=True, handed=handed)
    )
    return HubChanges(panel, changed.ahead, closures, (*changes.notes, *changed.notes))


def change_hubs(parts: Parts, changes: HubChanges, as_of: dt.date) -> Parts:
    """Hand the sums of hubs over, with what they are made of; the whole parcels of a day stay what they were as far as anything takes them."""
    if changes.empty:
        return parts
    undone = np.divide(parts.mean, parts.override, out=np.zeros_like(parts.event), where=parts.override > 0)
    mean, expected, without, baseline = (
        changes.apply(part, as_of)
        for part in (parts.mean.astype(np.float64), parts.expected, undone, undone / parts.event)
    )
    whole = round_coherently(mean)
    added = mean.shape[0] - parts.mean.shape[0]
    volume = np.concatenate([parts.volume, np.zeros(added)])
    ones = np.ones_like(mean)
    return Parts(
        whole,
        expected,
        np.divide(without, baseline, out=ones.copy(), where=baseline > 0),
        np.divide(mean, without, out=ones, where=without > 0),
        np.maximum(volume, np.where(expected.sum(axis=1) > 0, expected.mean(axis=1), 0.0)),
        np.concatenate([parts.history_days, np.full(added, parts.history_days.max(initial=0.0))]),
    )
