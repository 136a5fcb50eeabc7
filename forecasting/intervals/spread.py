"""The spread of a forecast: whole parcels of series with what they are made of, and their quantiles at any level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.quantiles import QUANTILE_LEVELS
from forecasting.intervals.interval_model import IntervalModel
from forecasting.series.panel import Membership, aggregate

Whole = NDArray[np.int64]
Matrix = NDArray[np.float64]


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
    """

    mean: Whole
    expected: Matrix
    event: Matrix
    override: Matrix
    volume: Matrix
    history_days: NDArray[np.float64]

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
        quantiles[:, :, 0] = np.minimum(quantiles[:, :, 0], self.mean)
        quantiles[:, :, -1] = np.maximum(quantiles[:, :, -1], self.mean)
        return quantiles


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
            network, region, hub or route: whose calibration to use.
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
