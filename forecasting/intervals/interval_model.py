"""Intervals: quantiles of any series and day from a calibrated spread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.arrays import Flags, Matrix
from data.constants import constant
from data.quantiles import QUANTILE_LEVELS
from forecasting.intervals.calibration_check import CalibrationFigure
from forecasting.intervals.error_samples import event_matrices, lead_blocks
from forecasting.intervals.negative_binomial import negative_binomial_quantiles
from forecasting.series.volume_classes import volume_class

CALIBRATED_LEVELS = (0.025, *QUANTILE_LEVELS, 0.975)
"""Levels calibrated: those published, and the ends of the 95 % interval."""

CHUNK = 20_000
"""Series taken at a time, so that memory does not grow with the network."""


@dataclass(frozen=True)
class IntervalRules:
    """What is expected of errors before any was seen, and how many series are read at a time."""

    prior_dispersion: tuple[float, ...] = constant(
        (1.2, 0.8, 0.5, 0.35, 0.25, 0.15),
        "1",
        "over-dispersion of a route by volume class, smallest first: that of a network nobody has measured",
        "judgement",
    )
    prior_of_level: Mapping[str, float] = constant(
        {"network": 0.25, "region": 0.5, "hub": 0.75},
        "1",
        "of a route's over-dispersion at a level of sums, in which errors partly cancel",
        "judgement",
    )
    settled_days: float = constant(56.0, "days", "of history from which a level is as sure as it gets", "judgement")


INTERVALS = IntervalRules()


@dataclass(frozen=True)
class IntervalModel:
    """Calibrated spread of forecasts.

    Attributes
    ----------
    dispersion
        (level, volume class, lead block) -> over-dispersion a in the variance ``m + a m^2``.
    event_scale
        level -> factor on the event model's variance.
    corrected
        (level, volume class, event) -> the level of the negative binomial to read for each of ``levels``.
    levels
        Levels calibrated; others are read in between, on the normal scale.
    checked
        How often what came lay below the published quantiles, in backtests they were not corrected by.
    """

    dispersion: Mapping[tuple[str, int, int], float]
    event_scale: Mapping[str, float]
    corrected: Mapping[tuple[str, int, bool], tuple[float, ...]]
    levels: tuple[float, ...] = CALIBRATED_LEVELS
    checked: tuple[CalibrationFigure, ...] = ()

    def quantiles(
        self,
        level: str,
        mean: NDArray[np.floating] | NDArray[np.integer],
        volume: NDArray[np.floating],
        event: Flags,
        event_variance: NDArray[np.floating] | None = None,
        history_days: NDArray[np.floating] | NDArray[np.integer] | None = None,
        levels: tuple[float, ...] = QUANTILE_LEVELS,
    ) -> NDArray[np.int64]:
        """Return quantiles of each series and day.

        Parameters
        ----------
        level
            network, region, hub, route or outlet; ``hub_out`` and ``hub_in`` (and so for regions) are read as the level before the
            bar where they were not calibrated apart.
        mean
            [series x days] parcels; column 0 is the day after the as-of date.
        volume
            [series] recent mean [parcels/day].
        event, event_variance
            As in :meth:`error_samples.ErrorSample.of`.
        history_days
            [series] days since the first parcel; short histories get wider intervals.
        levels
            Levels of the quantiles, in order.

        Returns
        -------
        NDArray[np.int64]
            [series x days x levels] whole parcels, in order. 0 where the mean is 0.
        """
        level = level if level in self.event_scale else level.partition("_")[0]
        means = np.asarray(mean, dtype=np.float64)
        blocks = lead_blocks(means.shape[1])
        days, variance = event_matrices(event, event_variance, means.shape)
        quantiles = np.zeros((*means.shape, len(levels)), dtype=np.int64)
        extra = np.zeros(means.shape[0]) if history_days is None else _short_history(history_days)
        scale = self.event_scale.get(level, 1.0)
        classes = volume_class(volume)
        for series_class in np.unique(classes).tolist():
            prior = prior_dispersion(level, series_class)
            own = np.array([self.dispersion.get((level, series_class, block), prior) for block in blocks.tolist()])
            everyone = np.flatnonzero(classes == series_class)
            for start in range(0, everyone.size, CHUNK):
                members = everyone[start : start + CHUNK]
                alpha = own + extra[members, None] + scale * variance[members]
                for on_event in (False, True):
                    row, column = np.nonzero(days[members] == on_event)
                    if row.size:
                        read = self._levels_of((level, series_class, on_event), levels)
                        cells = members[row], column
                        quantiles[cells] = negative_binomial_quantiles(means[cells], alpha[row, column], read)
        return _tidy(quantiles, means)

    def _levels_of(self, key: tuple[str, int, bool], wanted: tuple[float, ...]) -> tuple[float, ...]:
        from scipy.special import ndtr, ndtri

        corrected = self.corrected.get(key)
        if corrected is None:
            return wanted
        known = ndtri(np.array(self.levels))
        shift = np.interp(ndtri(np.array(wanted)), known, ndtri(np.array(corrected)) - known)
        return tuple(ndtr(ndtri(np.array(wanted)) + shift).tolist())


def prior_dispersion(level: str, series_class: int) -> float:
    """Return the over-dispersion to expect of a volume class before any backtest."""
    return INTERVALS.prior_dispersion[series_class] * INTERVALS.prior_of_level.get(level.partition("_")[0], 1.0)


def _short_history(days: NDArray[np.floating] | NDArray[np.integer]) -> Matrix:
    # A level measured on n days is known to about 1/n of a day's variance; a series never seen may be anything.
    known = np.asarray(days, dtype=np.float64)
    return np.maximum(1.0 / (1.0 + known) - 1.0 / (1.0 + INTERVALS.settled_days), 0.0)


def _tidy(quantiles: NDArray[np.int64], mean: Matrix) -> NDArray[np.int64]:
    """Put the quantiles of each day in order, in place: with a hundred thousand routes a copy is a sixth of a gigabyte."""
    np.maximum(quantiles, 0, out=quantiles)
    quantiles.sort(axis=2)
    quantiles[mean <= 0] = 0
    return quantiles
