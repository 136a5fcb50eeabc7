"""Quantiles of the negative binomial for millions of forecasts at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data.arrays import Matrix
from data.constants import constant


@dataclass(frozen=True)
class QuantileGrid:
    """How finely quantiles are tabled."""

    steps_per_fold: int = constant(24, "steps", "of the mean for each factor of e, 4 % apart", "judgement")
    dispersion_step: float = constant(0.05, "log", "between tabled dispersions", "judgement")
    least_dispersion: float = constant(1e-4, "1", "below which counts are taken as Poisson's", "judgement")
    least_mean: float = constant(1e-4, "parcels", "below which every quantile is 0", "judgement")
    count_margin: float = constant(
        8.0, "standard deviations", "of the counting noise up to which counts are gone through", "judgement"
    )
    least_none: float = constant(
        1e-200, "1", "probability of no parcel from which the others can be found", "judgement"
    )
    counts_per_level: float = constant(
        100.0, "counts", "a level up to which going through them costs less than inverting", "judgement"
    )


GRID = QuantileGrid()


def negative_binomial_quantiles(mean: Matrix, dispersion: Matrix, levels: Sequence[float]) -> Matrix:
    """Return quantiles of the negative binomial with variance ``m + a m^2``.

    Parameters
    ----------
    mean
        [n] parcels, m.
    dispersion
        [n] a [1]; used to the nearest 5 %.
    levels
        Levels of the quantiles, between 0 and 1.

    Returns
    -------
    NDArray[np.float64]
        [n x levels] whole parcels.

    Notes
    -----
    For each dispersion the quantile is tabled over a grid of means (24 steps for each factor of e, 4 % apart) and
    read off in between: where it is large by interpolation, where it is a handful of parcels by the nearest step.
    """
    quantiles = np.zeros((mean.size, len(levels)))
    grade = np.rint(np.log(np.maximum(dispersion, GRID.least_dispersion)) / GRID.dispersion_step)
    filled = np.flatnonzero(mean > GRID.least_mean)
    order = filled[np.argsort(grade[filled], kind="stable")]
    bounds = np.flatnonzero(np.diff(grade[order])) + 1
    for members in np.split(order, bounds):
        if members.size:
            alpha = float(np.exp(grade[members[0]] * GRID.dispersion_step))
            quantiles[members] = _tabled_quantiles(mean[members], alpha, levels)
    return quantiles


def _tabled_quantiles(mean: Matrix, alpha: float, levels: Sequence[float]) -> Matrix:
    position = np.log(mean) * GRID.steps_per_fold
    first, last = int(np.floor(position.min())), int(np.ceil(position.max())) + 1
    quantiles = np.empty((mean.size, len(levels)))
    place = position - first
    below = np.floor(place).astype(np.int64)
    share = place - below
    near = np.rint(place).astype(np.int64)
    grid = np.exp(np.arange(first, last + 1) / GRID.steps_per_fold)
    if mean.size <= grid.size:
        return exact_quantiles(mean, alpha, levels)
    for column, table in enumerate(exact_quantiles(grid, alpha, levels).T):
        nearest = table[near]
        smooth = table[below] + share * (table[below + 1] - table[below])
        quantiles[:, column] = np.where(nearest < 20, nearest, np.rint(smooth))
    return quantiles


def exact_quantiles(mean: Matrix, alpha: float, levels: Sequence[float]) -> Matrix:
    """Return quantiles of the negative binomial from its distribution function.

    Parameters
    ----------
    mean
        [n] parcels, above 0.
    alpha
        Dispersion a of the variance ``m + a m^2``.
    levels
        Levels of the quantiles, between 0 and 1.

    Returns
    -------
    NDArray[np.float64]
        [n x levels] whole parcels.

    Notes
    -----
    A count seldom has a quantile of exactly the level. The median is the least count z with F(z) >= 1/2; a bound below it
    leaves ``P(y < z)``, one above it ``P(y > z)`` as near to its level as a count can. So bounds are mid-quantiles (Parzen
    2004) rounded inwards, and an interval that holds its ends covers what it says, on average over many small series,
    instead of always more.
    """
    from scipy.special import gammaincinv

    size = 1.0 / alpha
    wanted = np.asarray(levels, dtype=np.float64)
    # Beyond ten thousand parcels the counting noise is lost in the gamma part, whose inverse is quick.
    large = mean * alpha > 200.0
    quantiles = np.empty((mean.size, wanted.size))
    if large.any():
        quantiles[large] = np.rint(mean[large, None] / size * gammaincinv(size, wanted))
    if (~large).any():
        small = mean[~large]
        read = _read_counts(small, size, wanted)
        count, above, below = _invert(small, size, wanted) if read is None else read
        middle = (above + below) / 2.0
        count += (wanted < 0.5) & (wanted > middle)
        count -= (wanted > 0.5) & (wanted < middle)
        quantiles[~large] = np.maximum(count, 0.0)
    return quantiles


def _read_counts(mean: Matrix, size: float, wanted: Matrix) -> tuple[Matrix, Matrix, Matrix] | None:
    """Read the quantiles off the distribution function, count by count.

    The probability of a count follows from that of the one before it: ``p(y + 1) / p(y) = (y + s) / (y + 1) m / (s + m)``, so all
    of them cost less than a few inversions.

    Returns
    -------
    tuple
        [n x levels] the least count whose distribution function reaches the level, that function there, and at the count before;
        None where counts are too many, or that of 0 is too unlikely to start from.
    """
    from scipy.special import gammaincinv

    none = np.exp(-size * np.log1p(mean / size))
    # the gamma part's quantile, and far more than the counting noise on top
    most = float(gammaincinv(size, wanted.max()) / size * mean.max())
    most += GRID.count_margin * np.sqrt(most) + 2 * GRID.count_margin
    if none.min() < GRID.least_none or most > GRID.counts_per_level * wanted.size:
        return None
    before = np.arange(int(most))
    steps = np.empty((mean.size, before.size + 1))
    steps[:, 0] = none
    np.multiply.outer(mean / (size + mean), (before + size) / (before + 1), out=steps[:, 1:])
    reached = np.cumsum(np.cumprod(steps, axis=1, out=steps), axis=1, out=steps)
    if reached[:, -1].min() < wanted.max():
        return None
    count = np.stack([row.searchsorted(wanted) for row in reached])
    rows = np.arange(mean.size)[:, None]
    below = np.where(count > 0, reached[rows, np.maximum(count - 1, 0)], 0.0)
    return count.astype(np.float64), reached[rows, count], below


def _invert(mean: Matrix, size: float, wanted: Matrix) -> tuple[Matrix, Matrix, Matrix]:
    """Return the same as :func:`_read_counts`, each quantile sought by itself."""
    from scipy.stats import nbinom

    means, dispersion = mean[:, None], np.full((mean.size, wanted.size), 1.0 / size)
    count: Matrix = nbinom.ppf(wanted, size, size / (size + means))
    return (
        count,
        negative_binomial_cdf(count, means, dispersion),
        negative_binomial_cdf(count - 1.0, means, dispersion),
    )


def negative_binomial_cdf(count: Matrix, mean: Matrix, alpha: Matrix) -> Matrix:
    """Return the probability of ``count`` parcels or fewer; 0 for a negative count.

    Parameters
    ----------
    count, mean, alpha
        [n], or of shapes that go together: parcels, mean parcels above 0 and dispersion.
    """
    from scipy.special import betainc

    size = 1.0 / np.maximum(alpha, GRID.least_dispersion)
    below = count < 0
    cdf: Matrix = np.where(below, 0.0, betainc(size, np.where(below, 0.0, np.floor(count)) + 1.0, size / (size + mean)))
    return cdf
