"""The spread of a forecast: whole parcels of series with what they are made of, and their quantiles at any level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.arrays import Matrix
from data.quantiles import QUANTILE_LEVELS
from forecasting.intervals.interval_model import CHUNK, IntervalModel
from forecasting.series.panel import Membership, aggregate

Whole = NDArray[np.int64]


@dataclass(frozen=True)
class EventDays:
    """Which days ahead carry an event, and how unsure its factor is.

    Attributes
    ----------
    on
        [horizon] whether an event stands on the day.
    variance
        [horizon] relative variance of the event factor.
    """

    on: NDArray[np.bool_]
    variance: Matrix


MIXED_LEVELS = tuple((at + 0.5) / 40 for at in range(40))
"""Levels at which both outcomes of a doubt are read before they are mixed."""

MIXED_AT_ONCE = 1_000
"""Series mixed at a time."""

LEAST_SWING = 0.01
"""Part of a series' mean by which two outcomes must differ to be mixed [1]."""


@dataclass(frozen=True)
class Doubt:
    """Two outcomes that a mean lies between: what is closed stays closed, or opens again.

    Attributes
    ----------
    swing
        [series x horizon] parcels if it stays closed less parcels if it opens: routes that gain are positive, so that it sums.
    chance
        [series x horizon] that it stays closed [1].
    """

    swing: Matrix
    chance: Matrix

    def summed(self, membership: Membership) -> Doubt:
        """Sum over groups; the chance is the mean of the members', by what they swing."""
        size = np.abs(self.swing)
        weight = aggregate(size, membership)
        chance = np.divide(
            aggregate(size * self.chance, membership), weight, out=np.zeros_like(weight), where=weight > 0
        )
        return Doubt(aggregate(self.swing, membership), chance)


@dataclass(frozen=True)
class Parts:
    """Whole parcels of some series with what they are made of.

    Attributes
    ----------
    mean
        [series x horizon] whole parcels.
    expected
        [series x horizon] parcels before they were made whole: a route of 0.3 a day gets one parcel every third day, but
        may carry one on any.
    event, override
        [series x horizon] factors.
    volume
        [series] recent parcels a day.
    history_days
        [series] days since the first parcel.
    doubt
        Whether what is closed stays so, where nobody knows; None without any.
    """

    mean: Whole
    expected: Matrix
    event: Matrix
    override: Matrix
    volume: Matrix
    history_days: NDArray[np.float64]
    doubt: Doubt | None = None

    def summed(self, membership: Membership) -> Parts:
        """Sum over groups; a group's factor is the one that takes the sum of its parts' baselines to its mean."""
        mean = aggregate(self.mean, membership)
        before_override = np.divide(self.mean, self.override, out=np.zeros_like(self.event), where=self.override > 0)
        undone = aggregate(before_override, membership)
        baseline = aggregate(before_override / self.event, membership)
        ones = np.ones_like(mean)
        event = np.divide(undone, baseline, out=ones.copy(), where=baseline > 0)
        override = np.divide(mean, undone, out=ones, where=undone > 0)
        days = np.zeros(membership.groups)
        np.maximum.at(days, membership.index, self.history_days)
        return Parts(
            np.rint(mean).astype(np.int64),
            aggregate(self.expected, membership),
            event,
            override,
            aggregate(self.volume[:, None], membership)[:, 0],
            days,
            None if self.doubt is None else self.doubt.summed(membership),
        )

    def quantiles(
        self, level: str, intervals: IntervalModel, events: EventDays, levels: tuple[float, ...] = QUANTILE_LEVELS
    ) -> Whole:
        """Return the [series x horizon x levels] quantiles; the outermost hold the whole parcels published."""
        quantiles = intervals.quantiles(
            level,
            self.expected,
            self.volume,
            events.on,
            events.variance,
            history_days=self.history_days,
            levels=levels,
        )
        if self.doubt is not None:
            self._mix_outcomes(quantiles, self.doubt, level, intervals, events, levels)
        quantiles[:, :, 0] = np.minimum(quantiles[:, :, 0], self.mean)
        quantiles[:, :, -1] = np.maximum(quantiles[:, :, -1], self.mean)
        return quantiles

    def _mix_outcomes(
        self,
        quantiles: Whole,
        doubt: Doubt,
        level: str,
        intervals: IntervalModel,
        events: EventDays,
        levels: tuple[float, ...],
    ) -> None:
        """Put the quantiles of the mixture of both outcomes on the series they differ for, in place.

        Some thousand series are mixed at a time: eighty points a series and day of a whole network would fill the memory.
        """
        differ = np.flatnonzero((np.abs(doubt.swing) > LEAST_SWING * self.expected).any(axis=1))
        for start in range(0, differ.size, CHUNK):
            own = differ[start : start + CHUNK]
            expected, swing, stays = self.expected[own], doubt.swing[own], doubt.chance[own]
            points = [
                intervals.quantiles(
                    level,
                    np.maximum(mean, 0.0),
                    self.volume[own],
                    events.on,
                    events.variance,
                    history_days=self.history_days[own],
                    levels=MIXED_LEVELS,
                )
                for mean in (expected - stays * swing, expected + (1.0 - stays) * swing)
            ]
            for first in range(0, own.size, MIXED_AT_ONCE):
                some = slice(first, first + MIXED_AT_ONCE)
                mixed = _mix(points[0][some], points[1][some], stays[some], levels)
                quantiles[own[some]] = mixed


def _mix(opens: Whole, stays: Whole, chance: Matrix, levels: tuple[float, ...]) -> Whole:
    """Return the [series x days x levels] quantiles of a mixture.

    Parameters
    ----------
    opens, stays
        [series x days x points] quantiles of both outcomes at :data:`MIXED_LEVELS`.
    chance
        [series x days] of the second.
    levels
        Levels of the quantiles.
    """
    both = np.concatenate([opens, stays], axis=2)
    weights = [np.broadcast_to((part / len(MIXED_LEVELS))[:, :, None], opens.shape) for part in (1.0 - chance, chance)]
    order = np.argsort(both, axis=2, kind="stable")
    reached = np.cumsum(np.take_along_axis(np.concatenate(weights, axis=2), order, axis=2), axis=2)
    mixed = np.empty((*chance.shape, len(levels)), dtype=np.int64)
    for at, wanted in enumerate(levels):
        place = np.minimum((reached < wanted).sum(axis=2), both.shape[2] - 1)
        picked = np.take_along_axis(order, place[:, :, None], axis=2)
        mixed[:, :, at] = np.take_along_axis(both, picked, axis=2)[:, :, 0]
    return mixed


@dataclass(frozen=True)
class Spread:
    """The spread of a published route forecast, to be read at any level.

    Attributes
    ----------
    parts
        The routes.
    intervals
        Calibrated for network, region, hub and route.
    events
        Days with an event.
    """

    parts: Parts
    intervals: IntervalModel
    events: EventDays

    def quantiles(
        self, level: str, levels: tuple[float, ...], membership: Membership | None = None
    ) -> NDArray[np.int64]:
        """Return quantiles of the routes, or of their sums over groups.

        Parameters
        ----------
        level
            network, region_out, region_in, hub_out, hub_in or route: whose calibration to use.
        levels
            Levels of the quantiles, in order; the tables publish those of ``data.quantiles.QUANTILE_LEVELS``.
        membership
            Groups to sum over; the routes themselves by default.

        Returns
        -------
        NDArray[np.int64]
            [series x horizon x levels] parcels.
        """
        parts = self.parts if membership is None else self.parts.summed(membership)
        return parts.quantiles(level, self.intervals, self.events, levels)
