"""Calibration of the intervals on the errors of backtests: dispersion by class, and a conformal correction of the tails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.arrays import Flags, Matrix
from data.constants import constant
from forecasting.intervals.calibration_check import CalibrationFigure, Corrections, check_quantiles
from forecasting.intervals.error_samples import LEAD_BLOCKS, ErrorSample
from forecasting.intervals.interval_model import CALIBRATED_LEVELS, IntervalModel, prior_dispersion
from forecasting.intervals.negative_binomial import negative_binomial_cdf
from forecasting.series.volume_classes import CLASS_LABELS

_GRID = np.geomspace(1e-4, 20.0, 64)


@dataclass(frozen=True)
class CalibrationRules:
    """How the spread is learnt from backtests."""

    prior_spread: float = constant(
        0.7, "log", "standard deviation of a dispersion, or of an event scale, around its parent's", "judgement"
    )
    most_samples: int = constant(3000, "errors", "that a dispersion is fitted on", "judgement")
    correlated: float = constant(14.0, "days", "of one series in a backtest that tell as much as one", "judgement")
    pseudo_samples: float = constant(17.0, "errors", "of the parent in a corrected level", "judgement")


CALIBRATION = CalibrationRules()

CHECKED = ("network", "hub", "hub_out", "hub_in", "outlet")
"""Levels whose quantiles are checked on backtests they were not corrected by."""

_EVENT_SCALES = np.array([0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0])


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
    parent's value; days of one backtest move together, so a fortnight of a series counts as one day. The parents: class prior ->
    that times a factor from the level's other classes -> the same class of the level's other side -> class -> block. So a class
    without errors, such as that of a hub that opens, is as sure as what is known beside it; one with errors that its
    neighbours do not have is drawn to its class prior instead, where that lies nearer. Then the tails: the probability
    integral transforms u of the errors give, for each level q, the level at which a share q of the errors lies below (split conformal prediction, Vovk et al., 2005; quantile
    recalibration, Kuleshov et al., 2018) with the finite-sample step q (n + 1) / n outwards, n in fortnights of a series. It is shrunk on the normal
    scale, class -> level -> q itself, 25 pseudo-samples each, so that a class with few errors does not invent a tail.
    """
    dispersion: dict[tuple[str, int, int], float] = {}
    scales: dict[str, float] = {}
    corrected: dict[tuple[str, int, bool], tuple[float, ...]] = {}
    figures: list[CalibrationFigure] = []
    errors = dict(_by_level(samples))
    for level, pooled in errors.items():
        sides = [other for name, other in errors.items() if name != level and _is_side(name, level)]
        by_class = np.empty((len(CLASS_LABELS), LEAD_BLOCKS))
        for series_class in range(len(CLASS_LABELS)):
            own = (pooled.volume_class == series_class) & ~pooled.event
            borrowed = _borrow_dispersion(level, series_class, pooled, sides)
            parent = _fit_dispersion(pooled, own, borrowed, prior_dispersion(level, series_class))
            for block in range(LEAD_BLOCKS):
                fitted = _fit_dispersion(pooled, own & (pooled.lead_block == block), parent)
                by_class[series_class, block] = dispersion[level, series_class, block] = fitted
        alpha = by_class[pooled.volume_class, pooled.lead_block]
        scales[level] = _fit_event_scale(pooled, alpha)
        transforms = _transforms(pooled, alpha + scales[level] * pooled.event_variance)

        def correct(chosen: Flags, pooled: ErrorSample = pooled, transforms: Matrix = transforms) -> Corrections:
            return _corrections(transforms[chosen], pooled.volume_class[chosen], pooled.event[chosen], levels)

        for (series_class, on_event), own_levels in correct(np.ones(transforms.size, dtype=np.bool_)).items():
            corrected[level, series_class, on_event] = tuple(own_levels.tolist())
        if level in CHECKED:
            backtest = np.concatenate(
                [np.full(sample.actual.size, sample.backtest) for sample in samples if sample.level == level]
            )
            figures += check_quantiles(level, transforms, pooled.volume_class, pooled.event, backtest, levels, correct)
    return IntervalModel(dispersion, scales, corrected, levels, tuple(figures))


def _corrections(
    transforms: Matrix, classes: NDArray[np.int64], event: Flags, levels: tuple[float, ...]
) -> Corrections:
    """Learn the levels to read, of each volume class on days with and without event."""
    corrected: dict[tuple[int, bool], Matrix] = {}
    normal = _correct(transforms[~event], np.array(levels), levels)
    for on_event, of_level in ((False, normal), (True, _correct(transforms[event], normal, levels))):
        for series_class in range(len(CLASS_LABELS)):
            chosen = (classes == series_class) & (event == on_event)
            # A class that is all of its level has nothing to add to it.
            whole = chosen.sum() == (event == on_event).sum()
            corrected[series_class, on_event] = of_level if whole else _correct(transforms[chosen], of_level, levels)
    return corrected


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
    return places[:: max(1, -(-places.size // CALIBRATION.most_samples))]


def _log_likelihood(actual: Matrix, mean: Matrix, alpha: Matrix | float) -> Matrix:
    from scipy.special import gammaln

    size = 1.0 / alpha
    fit: Matrix = (
        gammaln(actual + size)
        - gammaln(size)
        + size * np.log(size / (size + mean))
        + actual * np.log(mean / (size + mean))
    )
    return fit


def dispersion_fits(actual: Matrix, mean: Matrix, unit: Matrix | None = None) -> Matrix:
    """Return the log-likelihood of each dispersion of the grid, up to what is the same for all of them.

    Parameters
    ----------
    actual, mean
        [n] parcels that came, and expected [parcels].
    unit
        [n] what a dispersion is multiplied by; 1 by default. Of few values: they are gone through one by one.

    Returns
    -------
    Matrix
        [grid].

    Notes
    -----
    With the size ``s = 1 / a`` the terms that differ are ``sum lgamma(y + s) + n (s log s - lgamma(s)) - sum (y + s) log(s + m)``.
    Counts are few where errors are many, so the first sum goes over distinct counts.
    """
    from scipy.special import gammaln

    fits = np.zeros(_GRID.size)
    for value in (1.0,) if unit is None else np.unique(unit).tolist():
        own = slice(None) if unit is None else unit == value
        counts, times = np.unique(actual[own], return_counts=True)
        size = 1.0 / (_GRID * value)
        logs = np.log(size[:, None] + mean[own])
        fits += gammaln(counts + size[:, None]) @ times + times.sum() * (size * np.log(size) - gammaln(size))
        fits -= logs @ actual[own] + size * logs.sum(axis=1)
    return fits


def _is_side(name: str, level: str) -> bool:
    """Say whether two levels are both sides of one, such as hub_out and hub_in."""
    return name.partition("_")[0] == level.partition("_")[0]


def _borrow_dispersion(level: str, series_class: int, pooled: ErrorSample, sides: Sequence[ErrorSample]) -> float:
    """Return what the errors beside a class tell of its dispersion: other classes of the level, then its class on the other side."""
    of_class = np.array([prior_dispersion(level, at) for at in range(len(CLASS_LABELS))])
    others = (pooled.volume_class != series_class) & ~pooled.event
    prior = float(of_class[series_class])
    borrowed = prior * _fit_dispersion(pooled, others, 1.0, unit=of_class[pooled.volume_class])
    for side in sides:
        borrowed = _fit_dispersion(side, (side.volume_class == series_class) & ~side.event, borrowed, prior)
    return borrowed


def _fit_dispersion(sample: ErrorSample, chosen: Flags, *parents: float, unit: Matrix | None = None) -> float:
    """Fit a dispersion; with a ``unit`` for each error, the factor on the units.

    Without errors it is the first of the parents. With some it is drawn to whichever it lies nearer to: a class unlike its
    neighbours is no wider for them.
    """
    places = _thin(chosen)
    if places.size == 0:
        return parents[0]
    actual, mean = sample.actual[places], sample.mean[places]
    evidence = min(float(chosen.sum()), float(CALIBRATION.most_samples)) / places.size / CALIBRATION.correlated
    fits = dispersion_fits(actual, mean, None if unit is None else unit[places]) * evidence
    away = np.abs(np.subtract.outer(np.log(_GRID), np.log(np.array(parents)))).min(axis=1)
    penalty = away**2 / (2 * CALIBRATION.prior_spread**2)
    return float(_GRID[int(np.argmax(fits - penalty))])


def _fit_event_scale(sample: ErrorSample, alpha: Matrix) -> float:
    places = _thin(sample.event & (sample.event_variance > 0))
    if places.size == 0:
        return 1.0
    actual, mean = sample.actual[places], sample.mean[places]
    fits = [
        _log_likelihood(actual, mean, alpha[places] + scale * sample.event_variance[places]).sum()
        / CALIBRATION.correlated
        for scale in _EVENT_SCALES
    ]
    penalty = np.log(_EVENT_SCALES) ** 2 / (2 * CALIBRATION.prior_spread**2)
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
    independent = max(count / CALIBRATION.correlated, 1.0)
    step = (independent + 1.0) / independent
    outwards = np.select([wanted < 0.5, wanted > 0.5], [1.0 - (1.0 - wanted) * step, wanted * step], wanted)
    seen = np.quantile(transforms, np.clip(outwards, 0.0, 1.0))
    evidence = (count / CALIBRATION.correlated / CALIBRATION.pseudo_samples) ** 2
    weight = evidence / (1.0 + evidence)
    edge = 1e-7
    own = ndtri(np.clip(seen, edge, 1 - edge))
    mixed: Matrix = ndtr(weight * own + (1.0 - weight) * ndtri(np.clip(parent, edge, 1 - edge)))
    return np.maximum.accumulate(mixed)
