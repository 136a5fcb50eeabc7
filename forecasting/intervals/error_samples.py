"""Errors of backtests, cell by cell, with what is known beforehand: the volume of the series, the lead, the event."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.arrays import Flags, Matrix
from data.constants import constant
from data.errors import RadarError
from forecasting.series.volume_classes import volume_class

Classes = NDArray[np.int64]

LEAD_ENDS = (1, 7, 14, 28)
"""Last lead of each calibrated block of leads [days]; later ones are a block of their own."""

LEAD_BLOCKS = len(LEAD_ENDS) + 1


@dataclass(frozen=True)
class ErrorRules:
    """Which errors are sampled."""

    unknown_event_variance: float = constant(
        0.1, "1", "relative variance of an event day when the event model gives none", "judgement"
    )
    least_mean: float = constant(0.02, "parcels", "below which a forecast tells nothing of its error", "judgement")


ERRORS = ErrorRules()


@dataclass(frozen=True)
class ErrorSample:
    """What a backtest forecast and what came, one cell a series and day.

    Attributes
    ----------
    level
        network, region, hub, route or outlet.
    actual, mean
        [n] parcels.
    volume_class, lead_block
        [n] position in ``volume_classes.CLASS_LABELS`` and among the blocks that end at :data:`LEAD_ENDS`.
    event
        [n] whether the day belongs to an event.
    event_variance
        [n] relative variance the event model gave the day; 0 on other days.
    backtest
        Number of the backtest it is from.
    """

    level: str
    actual: Matrix
    mean: Matrix
    volume_class: Classes
    lead_block: Classes
    event: Flags
    event_variance: Matrix
    backtest: int = 0

    @classmethod
    def of(
        cls,
        level: str,
        actual: NDArray[np.floating],
        mean: NDArray[np.floating] | NDArray[np.integer],
        volume: NDArray[np.floating],
        event: Flags,
        event_variance: NDArray[np.floating] | None = None,
        backtest: int = 0,
    ) -> ErrorSample:
        """Take the cells of a backtest.

        Parameters
        ----------
        level
            network, region, hub, route or outlet.
        actual, mean
            [series x days] parcels; column 0 is the day after the as-of date.
        volume
            [series] recent mean before the as-of date [parcels/day].
        event
            [days] or [series x days] whether the day belongs to an event.
        event_variance
            Relative variance of the event factor, shaped as ``event``; by default a fixed one on event days.
        backtest
            Number of the backtest: errors of one are left out together when quantiles are checked.

        Raises
        ------
        RadarError
            When actuals and means differ in shape.
        """
        if actual.shape != mean.shape or volume.shape[0] != mean.shape[0]:
            raise RadarError(f"errors of shapes {actual.shape} and {mean.shape}", "actuals and means alike")
        days, spread = event_matrices(event, event_variance, mean.shape)
        block = np.broadcast_to(lead_blocks(mean.shape[1]), mean.shape)
        usable = np.asarray(mean) >= ERRORS.least_mean
        return cls(
            level,
            np.asarray(actual, dtype=np.float64)[usable],
            np.asarray(mean, dtype=np.float64)[usable],
            np.broadcast_to(volume_class(volume)[:, None], mean.shape)[usable],
            block[usable],
            days[usable],
            spread[usable],
            backtest,
        )


def event_matrices(
    event: Flags, event_variance: NDArray[np.floating] | None, shape: tuple[int, ...]
) -> tuple[Flags, Matrix]:
    """Spread event days and their relative variance over [series x days]."""
    days = np.broadcast_to(event, shape)
    if event_variance is None:
        return days, np.where(days, ERRORS.unknown_event_variance, 0.0)
    return days, np.broadcast_to(np.asarray(event_variance, dtype=np.float64), shape)


def lead_blocks(days: int) -> Classes:
    """Return the [days] block of each lead."""
    return np.searchsorted(np.array(LEAD_ENDS), np.arange(1, days + 1), side="left").astype(np.int64)
