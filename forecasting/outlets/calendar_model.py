"""The pooled calendar model: every outlet's level, weekdays, holidays and promotions, learnt of all outlets at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.arrays import Matrix, Vector
from data.constants import constant
from forecasting.outlets.calendar_columns import Columns, lay_columns
from forecasting.outlets.open_days import OpenDays, learn_open_days, list_holidays
from forecasting.promotions.pooled_effects import PooledEffect, Tree, pool_effects
from forecasting.promotions.promotion_days import PromotionKind, place_promotions
from forecasting.promotions.strength_slopes import fit_slope, read_measures


@dataclass(frozen=True)
class CalendarRules:
    """How the model forgets and pools."""

    half_life: float = constant(
        28.0, "days", "of an outlet's level, backwards and forwards", "fitted: python -m benchmarks.outlets, Rossmann"
    )
    rounds: int = constant(4, "rounds", "of backfitting", "judgement")
    weekday_spread: float = constant(0.3, "log", "standard deviation of a network's weekday around none", "judgement")
    promotion: float = constant(0.5, "log", "standard deviation of a promotion's effect around none", "judgement")
    day_noise: float = constant(
        0.04, "log", "standard deviation of what all outlets share on a day; more on one on which few work", "judgement"
    )
    least_part: float = constant(0.001, "1", "of the outlets at work on a day, at least", "judgement")
    fewest_days: int = constant(28, "days", "of history from which the model is asked", "judgement")
    level_pseudo_days: float = constant(2.0, "days", "of the mean outlet of the hub in an outlet's level", "judgement")
    least_noise: float = constant(0.03, "log", "standard deviation of an outlet's day, at least", "judgement")


CALENDAR = CalendarRules()


@dataclass(frozen=True)
class OutletDays:
    """What is known of the outlets of one direction, and of the calendar they live by.

    Attributes
    ----------
    parcels
        [outlets x known days].
    dates
        [known days + horizon].
    units
        outlet_id, hub_id, region_id, in the order of the rows.
    events, promotions
        The tables, as known.
    first_day
        Column from which the table knows anything.
    offset
        [known days + horizon] log of what events did and will do to all outlets, where another forecast says so.
    unknown
        [known days] days of which nothing is known: they teach nothing. None where all are known.
    """

    parcels: Matrix
    dates: NDArray[np.datetime64]
    units: pl.DataFrame
    events: pl.DataFrame
    promotions: pl.DataFrame
    first_day: int = 0
    offset: Vector | None = None
    unknown: NDArray[np.bool_] | None = None

    @property
    def known(self) -> int:
        """How many days are known."""
        return int(self.parcels.shape[1])

    def until(self, known: int, horizon: int) -> OutletDays:
        """Return what was known after the first ``known`` days, with so many days ahead."""
        end = known + horizon
        return replace(
            self,
            parcels=self.parcels[:, :known],
            dates=self.dates[:end],
            first_day=min(self.first_day, known),
            offset=None if self.offset is None else self.offset[:end],
            unknown=None if self.unknown is None else self.unknown[:known],
        )

    def tree(self) -> Tree:
        """Return hubs and regions of the outlets."""
        hubs, hub = np.unique(self.units["hub_id"].fill_null("").to_numpy().astype(str), return_inverse=True)
        region_of = dict(
            zip(
                self.units["hub_id"].fill_null("").to_list(),
                self.units["region_id"].fill_null("").to_list(),
                strict=True,
            )
        )
        _, region = np.unique(np.array([region_of[name] for name in hubs], dtype=str), return_inverse=True)
        return Tree(hub.astype(np.int64), region.astype(np.int64))


@dataclass(frozen=True)
class CalendarForecast:
    """What the model says.

    Attributes
    ----------
    mean
        [outlets x horizon] parcels.
    event, promotion
        [outlets x horizon] factors of events and of promotions in it.
    effects
        Kind of promotion -> log effect of each outlet; of promotions of the whole network without what all share.
    shared
        Column -> log effect that all outlets share.
    slopes
        (kind of promotion, measure) -> log effect of one standard deviation of it.
    """

    mean: Matrix
    event: Matrix
    promotion: Matrix
    effects: Mapping[str, PooledEffect]
    shared: Mapping[str, float]
    slopes: Mapping[tuple[str, str], float]


def forecast_by_calendar(history: OutletDays) -> CalendarForecast:
    """Fit the model and forecast the days ahead.

    Parameters
    ----------
    history
        What is known; the horizon is what its dates have beyond.

    Returns
    -------
    CalendarForecast

    Notes
    -----
    ``log y[u, t] = level[u, t] + weekday[u] + x[t] b + sum_k e[k, u] z[k, u, t] + noise`` on the days an outlet works. The level is a
    two-sided exponential kernel; b (:mod:`forecasting.outlets.calendar_columns`) is a ridge on what the kernel leaves of x (the partial
    residuals of Speckman 1988), weighted by the outlets' precision and a noise that a day's outlets share, its variance divided by the part of them at work; weekdays and
    promotions e are pooled over the tree of hubs (:func:`forecasting.promotions.pooled_effects.pool_effects`). No step loops over outlets.
    The mean is ``exp`` of it, times the ratio of what recent days brought to what it says of them, times the chance that the outlet works.
    """
    known, days = history.known, history.dates.size
    kinds = place_promotions(history.promotions, history.events, history.units, history.dates)
    columns = lay_columns(history.dates, known, history.events, kinds, announced=history.offset is not None)
    holidays = list_holidays(history.events, history.dates[0], days)
    opened = learn_open_days(history.parcels, days, holidays, history.first_day, history.unknown)
    fit = _Fit(history, kinds, columns, opened)
    for _ in range(CALENDAR.rounds):
        fit.update()
    return fit.forecast()


class _Fit:
    """Backfitting: what each part says of the days, given the others."""

    def __init__(
        self, history: OutletDays, kinds: tuple[PromotionKind, ...], columns: Columns, opened: OpenDays
    ) -> None:
        self.history, self.kinds, self.columns, self.opened = history, kinds, columns, opened
        self.tree = history.tree()
        outlets, known = history.parcels.shape
        self.weekday = (np.arange(history.dates.size) - known) % 7
        worked = (history.parcels > 0) & ~opened.shut & (opened.share[:, :known] > 0)
        self.weight = worked.astype(np.float64)
        offset = np.zeros(history.dates.size) if history.offset is None else history.offset
        self.log = np.log(np.maximum(history.parcels, 0.5)) - offset[None, :known]
        self.offset = offset
        self.level = smooth(self.log, self.weight)
        self.week = np.zeros((outlets, 7))
        self.shared = np.zeros(len(columns.names))
        self.own = {kind.name: np.zeros(outlets) for kind in kinds}
        self.effects: dict[str, PooledEffect] = {}
        self.measures = read_measures(kinds, known)
        self.slopes = {(one.kind, one.name): 0.0 for one in self.measures}
        on_any = (self.weight.sum(axis=0) > 0).astype(np.float64)
        there = np.maximum.accumulate(history.parcels > 0, axis=1).sum(axis=0)
        self.part_open = np.divide(self.weight.sum(axis=0), there, out=np.ones(known), where=there > 0)
        self.free_columns = columns.values[:known] - smooth(columns.values[:known].T, on_any[None, :]).T
        self.free_kinds = {
            kind.name: kind.on[:, :known] - smooth(kind.on[:, :known].astype(np.float64), self.weight) for kind in kinds
        }
        self.free_measures = [
            one.values[:, :known] - smooth(one.values[:, :known], self.weight) for one in self.measures
        ]

    def update(self) -> None:
        """Fit every part once to what the others leave."""
        known = self.history.known
        rest = self.log - self.level - self.predicted_log()[:, :known]
        noise = _noise(rest, self.weight)
        precision = self.weight / noise[:, None] ** 2
        rest = self._fit_shared(rest, precision)
        rest = self._fit_weekdays(rest, precision)
        for kind in self.kinds:
            rest = self._fit_kind(kind, rest, precision)
        self._fit_measures(rest, precision)
        self.level = smooth(self.log - self.predicted_log()[:, :known], self.weight)

    def predicted_log(self) -> Matrix:
        """[outlets x days] log of all but the level."""
        total = self.week[:, self.weekday] + (self.columns.values @ self.shared)[None, :]
        for kind in self.kinds:
            total = total + self.own[kind.name][:, None] * kind.on
        for measure in self.measures:
            total = total + self.slopes[measure.kind, measure.name] * measure.values
        return np.asarray(total)

    def _fit_shared(self, rest: Matrix, precision: Matrix) -> Matrix:
        if not self.columns.names:
            return rest
        known = self.history.known
        mass = precision.sum(axis=0)
        observed = mass > 0
        mean = np.divide((precision * rest).sum(axis=0), mass, out=np.zeros(known), where=observed)
        # The few that work on a day on which the others rest share more among themselves than with all.
        together = CALENDAR.day_noise**2 / np.maximum(self.part_open, CALENDAR.least_part)
        weight = np.where(observed, 1.0 / (1.0 / np.maximum(mass, 1e-9) + together), 0.0)
        free = self.free_columns
        target = mean + free @ self.shared
        normal = free.T @ (free * weight[:, None]) + np.diag(1.0 / self.columns.spread**2)
        fitted = np.linalg.solve(normal, free.T @ (weight * target))
        moved = self.columns.values[:known] @ (fitted - self.shared)
        self.shared = fitted
        return np.asarray(rest - moved[None, :])

    def _fit_weekdays(self, rest: Matrix, precision: Matrix) -> Matrix:
        known = self.history.known
        target = rest + self.week[:, self.weekday[:known]]
        before = self.week
        week = np.zeros_like(before)
        for at in range(7):
            mine = self.weekday[:known] == at
            sums = (precision[:, mine] * target[:, mine]).sum(axis=1)
            week[:, at] = pool_effects(sums, precision[:, mine].sum(axis=1), self.tree, CALENDAR.weekday_spread).mean
        self.week = week
        return np.asarray(rest - (week - before)[:, self.weekday[:known]])

    def _fit_kind(self, kind: PromotionKind, rest: Matrix, precision: Matrix) -> Matrix:
        known = self.history.known
        free = self.free_kinds[kind.name]
        before = self.own[kind.name]
        target = rest + free * before[:, None]
        sums, weight = (precision * free * target).sum(axis=1), (precision * free**2).sum(axis=1)
        # What all outlets share of a promotion of the network stands in its column.
        root = 0.0 if kind.everywhere else CALENDAR.promotion
        effect = pool_effects(sums, weight, self.tree, root)
        self.effects[kind.name], self.own[kind.name] = effect, effect.mean
        return np.asarray(rest - (effect.mean - before)[:, None] * kind.on[:, :known])

    def _fit_measures(self, rest: Matrix, precision: Matrix) -> None:
        known = self.history.known
        for measure, free in zip(self.measures, self.free_measures, strict=True):
            key = measure.kind, measure.name
            before = self.slopes[key]
            self.slopes[key] = fit_slope(rest + before * free, precision, free, measure.editions)
            rest = rest - (self.slopes[key] - before) * measure.values[:, :known]

    def forecast(self) -> CalendarForecast:
        """Carry the level on, and put the calendar of the days ahead on it."""
        known = self.history.known
        predicted = self.predicted_log() + self.offset[None, :]
        profile = np.exp(predicted) * self.opened.share
        level = self._level(profile[:, :known])
        mean = level[:, None] * profile[:, known:]
        event = self.columns.values[:, self.columns.event] @ self.shared[self.columns.event] + self.offset
        promoted = self.columns.values[:, self.columns.promotion] @ self.shared[self.columns.promotion]
        promotion = np.repeat(promoted[None, known:], mean.shape[0], axis=0)
        for kind in self.kinds:
            promotion = promotion + self.own[kind.name][:, None] * kind.on[:, known:]
        for measure in self.measures:
            promotion = promotion + self.slopes[measure.kind, measure.name] * measure.values[:, known:]
        return CalendarForecast(
            mean,
            np.repeat(np.exp(event[None, known:]), mean.shape[0], axis=0),
            np.exp(promotion),
            dict(self.effects),
            dict(zip(self.columns.names, self.shared.tolist(), strict=True)),
            dict(self.slopes),
        )

    def _level(self, profile: Matrix) -> Vector:
        """[outlets] parcels of a day on which the calendar says nothing, shrunk to the mean outlet of the hub."""
        days = profile.shape[1]
        weight = 0.5 ** (np.arange(days - 1, -1, -1) / CALENDAR.half_life)
        usable = ~self.opened.shut & (profile > 0)
        actual = (self.history.parcels * usable) @ weight
        predicted = (profile * usable) @ weight
        hub, hubs = self.tree.hub, self.tree.region.size
        mass = np.bincount(hub, weights=predicted, minlength=hubs)
        of_hub = np.divide(np.bincount(hub, weights=actual, minlength=hubs), mass, out=np.zeros(hubs), where=mass > 0)
        everyone = actual.sum() / predicted.sum() if predicted.sum() > 0 else 0.0
        of_hub = np.where(mass > 0, of_hub, everyone)
        # A mean profile is worth one a day: pseudo-days weigh what a day of the kernel's end does.
        pseudo = np.where(usable.sum(axis=1) >= CALENDAR.fewest_days, 0.0, CALENDAR.level_pseudo_days)
        return np.asarray((actual + pseudo * of_hub[hub]) / np.maximum(predicted + pseudo, 1e-9))


def smooth(values: Matrix, weight: Matrix) -> Matrix:
    """Return the two-sided exponential mean of the days with weight [series x days], which at the end is a one-sided one."""
    days = values.shape[1]
    at = np.arange(days)
    kernel = 0.5 ** (np.abs(at[:, None] - at) / CALENDAR.half_life)
    weighted = np.broadcast_to(weight, values.shape)
    mass = weighted @ kernel
    smoothed: Matrix = np.divide((values * weighted) @ kernel, mass, out=np.zeros(values.shape), where=mass > 1e-200)
    return smoothed


def _noise(rest: Matrix, weight: Matrix) -> Vector:
    """[outlets] standard deviation of a day, robust to single days, shrunk to the network's by four weeks."""
    days = weight.sum(axis=1)
    bounded = np.clip(rest, -1.0, 1.0) ** 2 * weight
    everyone = bounded.sum() / max(float(days.sum()), 1.0)
    variance = (bounded.sum(axis=1) + 28.0 * everyone) / (days + 28.0)
    return np.asarray(np.sqrt(np.maximum(variance, CALENDAR.least_noise**2)))
