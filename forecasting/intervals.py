"""Intervals: counting noise, over-dispersion by class, and a conformal correction, all learnt from backtests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.errors import RadarError
from forecasting.dispersion import negative_binomial_cdf, negative_binomial_quantiles
from forecasting.scores import QUANTILE_LEVELS
from forecasting.volume_classes import CLASS_LABELS, volume_class

Matrix = NDArray[np.float64]
Flags = NDArray[np.bool_]

LEAD_ENDS = (1, 7, 14, 28)
"""Last lead of each calibrated block of leads [days]; later ones are a block of their own."""

CALIBRATED_LEVELS = (0.025, *QUANTILE_LEVELS, 0.975)
"""Levels calibrated: those published, and the ends of the 95 % interval."""

UNKNOWN_EVENT_VARIANCE = 0.1
"""Relative variance of an event day when the event model gives none."""

# Without any backtest the spread is that of a network nobody has measured: wide, and wider for small series.
_PRIOR_DISPERSION = (1.2, 0.8, 0.5, 0.35, 0.25, 0.15)
# Errors of routes partly cancel in their sums.
_PRIOR_OF_LEVEL = {"network": 0.25, "region": 0.5, "hub": 0.75}
_GRID = np.geomspace(1e-4, 20.0, 64)
_PRIOR_SPREAD = 0.7
_MOST_SAMPLES = 3000
_CORRELATED = 14.0
_PSEUDO_SAMPLES = 25.0
_LEAST_MEAN = 0.02
_SETTLED_DAYS = 56.0
_EVENT_SCALES = np.array([0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0])


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
        [n] position in ``CLASS_LABELS`` and in the blocks that end at :data:`LEAD_ENDS`.
    event
        [n] whether the day belongs to an event.
    event_variance
        [n] relative variance the event model gave the day; 0 on other days.
    """

    level: str
    actual: Matrix
    mean: Matrix
    volume_class: NDArray[np.int64]
    lead_block: NDArray[np.int64]
    event: Flags
    event_variance: Matrix

    @classmethod
    def of(
        cls,
        level: str,
        actual: NDArray[np.floating],
        mean: NDArray[np.floating] | NDArray[np.integer],
        volume: NDArray[np.floating],
        event: Flags,
        event_variance: NDArray[np.floating] | None = None,
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
        """
        if actual.shape != mean.shape or volume.shape[0] != mean.shape[0]:
            raise RadarError(f"errors of shapes {actual.shape} and {mean.shape}", "actuals and means alike")
        days, spread = _event_matrices(event, event_variance, mean.shape)
        block = np.broadcast_to(_lead_blocks(mean.shape[1]), mean.shape)
        classes = np.broadcast_to(volume_class(volume)[:, None], mean.shape)
        usable = np.asarray(mean) >= _LEAST_MEAN
        return cls(
            level,
            np.asarray(actual, dtype=np.float64)[usable],
            np.asarray(mean, dtype=np.float64)[usable],
            classes[usable],
            block[usable],
            days[usable],
            spread[usable],
        )


@dataclass(frozen=True)
class IntervalModel:
    """Calibrated spread of forecasts.

    Attributes
    ----------
    dispersion
        (level, class, lead block) -> over-dispersion a in the variance ``m + a m^2``.
    event_scale
        level -> factor on the event model's variance.
    corrected
        (level, class, event) -> the level of the negative binomial to read for each of ``levels``.
    levels
        Levels calibrated; others are read in between, on the normal scale.
    """

    dispersion: Mapping[tuple[str, int, int], float]
    event_scale: Mapping[str, float]
    corrected: Mapping[tuple[str, int, bool], tuple[float, ...]]
    levels: tuple[float, ...] = CALIBRATED_LEVELS

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
            network, region, hub, route or outlet.
        mean
            [series x days] parcels; column 0 is the day after the as-of date.
        volume
            [series] recent mean [parcels/day].
        event, event_variance
            As in :meth:`ErrorSample.of`.
        history_days
            [series] days since the first parcel; short histories get wider intervals.
        levels
            Levels of the quantiles, in order.

        Returns
        -------
        NDArray[np.int64]
            [series x days x levels] whole parcels, in order; the outermost two hold the mean. 0 where the mean is 0.
        """
        means = np.asarray(mean, dtype=np.float64)
        classes = volume_class(volume)
        blocks = _lead_blocks(means.shape[1])
        days, variance = _event_matrices(event, event_variance, means.shape)
        found = np.zeros((*means.shape, len(levels)))
        extra = np.zeros(means.shape[0]) if history_days is None else _short_history(history_days)
        scale = self.event_scale.get(level, 1.0)
        for series_class in np.unique(classes):
            members = np.flatnonzero(classes == series_class)
            for block in np.unique(blocks):
                columns = np.flatnonzero(blocks == block)
                cells = np.ix_(members, columns)
                alpha = self._dispersion_of(level, int(series_class), int(block)) + extra[members, None]
                alpha = alpha + scale * variance[cells]
                for on_event in (False, True):
                    chosen = days[cells] == on_event
                    if chosen.any():
                        read = self._levels_of(level, int(series_class), on_event, levels)
                        values = negative_binomial_quantiles(means[cells][chosen], alpha[chosen], read)
                        row, column = np.nonzero(chosen)
                        found[members[row], columns[column]] = values
        return _tidy(found, means)

    def _dispersion_of(self, level: str, series_class: int, block: int) -> float:
        return self.dispersion.get((level, series_class, block), _prior(level, series_class))

    def _levels_of(self, level: str, series_class: int, on_event: bool, wanted: tuple[float, ...]) -> tuple[float, ...]:
        from scipy.special import ndtr, ndtri

        corrected = self.corrected.get((level, series_class, on_event))
        if corrected is None:
            return wanted
        known = ndtri(np.array(self.levels))
        shift = np.interp(ndtri(np.array(wanted)), known, ndtri(np.array(corrected)) - known)
        return tuple(ndtr(ndtri(np.array(wanted)) + shift).tolist())


def calibrate_intervals(samples: Sequence[ErrorSample], levels: tuple[float, ...] = CALIBRATED_LEVELS) -> IntervalModel:
    """Learn the spread of forecasts from backtests.

    Parameters
    ----------
    samples
        Errors of earlier cut-offs, any number a level. None at all leaves wide priors.
    levels
        Levels to calibrate.

    Returns
    -------
    IntervalModel

    Notes
    -----
    Counts are negative binomial, variance ``m + (a + s v) m^2``: a by level, volume class and lead block, v the event
    model's relative variance, s its correction by level. Both maximise the likelihood with a log-normal prior on the
    parent's value (class prior -> level and class -> block); days of one backtest move together, so a
    fortnight of a series counts as one day. Then the tails: the probability integral transforms u of the errors give, for each level q, the
    level at which a share q of the errors lies below (split conformal prediction, Vovk et al., 2005; quantile
    recalibration, Kuleshov et al., 2018) with the finite-sample step (n + 1) q outwards. It is shrunk on the normal
    scale, class -> level -> q itself, 25 pseudo-samples each, so that a class with few errors does not invent a tail.
    """
    dispersion: dict[tuple[str, int, int], float] = {}
    scales: dict[str, float] = {}
    corrected: dict[tuple[str, int, bool], tuple[float, ...]] = {}
    for level, pooled in _by_level(samples):
        for series_class in range(len(CLASS_LABELS)):
            own = (pooled.volume_class == series_class) & ~pooled.event
            parent = _fit_dispersion(pooled, own, _prior(level, series_class))
            for block in range(len(LEAD_ENDS) + 1):
                dispersion[level, series_class, block] = _fit_dispersion(
                    pooled, own & (pooled.lead_block == block), parent
                )
        alpha = np.array(
            [
                [dispersion[level, series_class, block] for block in range(len(LEAD_ENDS) + 1)]
                for series_class in range(len(CLASS_LABELS))
            ]
        )[pooled.volume_class, pooled.lead_block]
        scales[level] = _fit_event_scale(pooled, alpha)
        transforms = _transforms(pooled, alpha + scales[level] * pooled.event_variance)
        normal = _correct(transforms[~pooled.event], np.array(levels), levels)
        event = _correct(transforms[pooled.event], normal, levels)
        for series_class in range(len(CLASS_LABELS)):
            own = pooled.volume_class == series_class
            of_class = _correct(transforms[own & ~pooled.event], normal, levels)
            corrected[level, series_class, False] = tuple(of_class.tolist())
            on_event = _correct(transforms[own & pooled.event], event, levels)
            corrected[level, series_class, True] = tuple(on_event.tolist())
    return IntervalModel(dispersion, scales, corrected, levels)


def _prior(level: str, series_class: int) -> float:
    return _PRIOR_DISPERSION[series_class] * _PRIOR_OF_LEVEL.get(level, 1.0)


def _event_matrices(
    event: Flags, event_variance: NDArray[np.floating] | None, shape: tuple[int, ...]
) -> tuple[Flags, Matrix]:
    days = np.broadcast_to(event, shape)
    if event_variance is None:
        return days, np.where(days, UNKNOWN_EVENT_VARIANCE, 0.0)
    return days, np.broadcast_to(np.asarray(event_variance, dtype=np.float64), shape)


def _lead_blocks(days: int) -> NDArray[np.int64]:
    return np.searchsorted(np.array(LEAD_ENDS), np.arange(1, days + 1), side="left").astype(np.int64)


def _short_history(days: NDArray[np.floating] | NDArray[np.integer]) -> Matrix:
    # A level measured on n days is known to about 1/n of a day's variance; a series never seen may be anything.
    known = np.asarray(days, dtype=np.float64)
    return np.maximum(1.0 / (1.0 + known) - 1.0 / (1.0 + _SETTLED_DAYS), 0.0)


def _by_level(samples: Sequence[ErrorSample]) -> Iterator[tuple[str, ErrorSample]]:
    for level in sorted({sample.level for sample in samples}):
        own = [sample for sample in samples if sample.level == level]
        yield (
            level,
            ErrorSample(
                level,
                np.concatenate([sample.actual for sample in own]),
                np.concatenate([sample.mean for sample in own]),
                np.concatenate([sample.volume_class for sample in own]),
                np.concatenate([sample.lead_block for sample in own]),
                np.concatenate([sample.event for sample in own]),
                np.concatenate([sample.event_variance for sample in own]),
            ),
        )


def _thin(chosen: Flags) -> NDArray[np.int64]:
    places = np.flatnonzero(chosen)
    return places[:: max(1, -(-places.size // _MOST_SAMPLES))]


def _log_likelihood(actual: Matrix, mean: Matrix, alpha: Matrix) -> Matrix:
    from scipy.special import gammaln

    size = 1.0 / alpha
    fit: Matrix = (
        gammaln(actual + size)
        - gammaln(size)
        + size * np.log(size / (size + mean))
        + actual * np.log(mean / (size + mean))
    )
    return fit


def _fit_dispersion(sample: ErrorSample, chosen: Flags, prior: float) -> float:
    places = _thin(chosen)
    if places.size == 0:
        return prior
    actual, mean = sample.actual[places], sample.mean[places]
    evidence = min(float(chosen.sum()), float(_MOST_SAMPLES)) / places.size / _CORRELATED
    fits = np.array([_log_likelihood(actual, mean, np.full(mean.size, alpha)).sum() for alpha in _GRID]) * evidence
    penalty = (np.log(_GRID) - np.log(prior)) ** 2 / (2 * _PRIOR_SPREAD**2)
    return float(_GRID[int(np.argmax(fits - penalty))])


def _fit_event_scale(sample: ErrorSample, alpha: Matrix) -> float:
    places = _thin(sample.event & (sample.event_variance > 0))
    if places.size == 0:
        return 1.0
    actual, mean = sample.actual[places], sample.mean[places]
    fits = [
        _log_likelihood(actual, mean, alpha[places] + scale * sample.event_variance[places]).sum() / _CORRELATED
        for scale in _EVENT_SCALES
    ]
    penalty = np.log(_EVENT_SCALES) ** 2 / (2 * _PRIOR_SPREAD**2)
    return float(_EVENT_SCALES[int(np.argmax(np.array(fits) - penalty))])


def _transforms(sample: ErrorSample, alpha: Matrix) -> Matrix:
    """Probability integral transforms; the jump of a count is filled evenly by a fixed sequence."""
    upper = negative_binomial_cdf(sample.actual, sample.mean, alpha)
    lower = negative_binomial_cdf(sample.actual - 1.0, sample.mean, alpha)
    between = (np.arange(upper.size) * 0.6180339887498949 + 0.5) % 1.0
    return lower + between * (upper - lower)


def _correct(transforms: Matrix, parent: Matrix, levels: tuple[float, ...]) -> Matrix:
    from scipy.special import ndtr, ndtri

    count = transforms.size
    if count == 0:
        return parent
    wanted = np.array(levels)
    outwards = np.where(wanted < 0.5, np.floor((count + 1) * wanted), np.ceil((count + 1) * wanted)) / (count + 1)
    seen = np.quantile(transforms, np.clip(outwards, 0.0, 1.0))
    weight = count / _CORRELATED / (count / _CORRELATED + _PSEUDO_SAMPLES)
    edge = 1e-7
    own = ndtri(np.clip(seen, edge, 1 - edge))
    mixed: Matrix = ndtr(weight * own + (1.0 - weight) * ndtri(np.clip(parent, edge, 1 - edge)))
    return np.maximum.accumulate(mixed)


def _tidy(found: Matrix, mean: Matrix) -> NDArray[np.int64]:
    tidy = np.sort(np.maximum(found, 0.0), axis=2)
    tidy[:, :, 0] = np.minimum(tidy[:, :, 0], np.floor(mean))
    tidy[:, :, -1] = np.maximum(tidy[:, :, -1], np.ceil(mean))
    tidy[mean <= 0] = 0.0
    return tidy.astype(np.int64)
