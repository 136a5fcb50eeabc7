"""How sure a mean over cut-offs is: bootstrap samples of whole cut-offs, whose days and series move together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.constants import constant


@dataclass(frozen=True)
class ResamplingRules:
    """How many samples are drawn."""

    samples: int = constant(2_000, "samples", "of the cut-offs, with replacement", "judgement")
    level: float = constant(0.95, "1", "of the interval between their quantiles", "judgement")
    fewest: int = constant(3, "cut-offs", "below which an interval says nothing", "judgement")


RESAMPLING = ResamplingRules()


def resample_mean(
    values: NDArray[np.float64], weights: NDArray[np.float64] | None = None
) -> tuple[float, float, float]:
    """Return the weighted mean of the values of cut-offs, and the ends of its bootstrap interval.

    Parameters
    ----------
    values
        [cut-offs].
    weights
        [cut-offs] how much each counts; by default alike.

    Returns
    -------
    tuple of float
        Mean, lower and upper end; both ends NaN with fewer than three cut-offs of weight, all NaN without any.
    """
    mass = np.ones(values.size) if weights is None else weights
    values, mass = values[mass > 0], mass[mass > 0]
    if values.size == 0:
        return float("nan"), float("nan"), float("nan")
    mean = float(values @ mass / mass.sum())
    if values.size < RESAMPLING.fewest:
        return mean, float("nan"), float("nan")
    drawn = np.random.default_rng(0).integers(values.size, size=(RESAMPLING.samples, values.size))
    means = (values[drawn] * mass[drawn]).sum(axis=1) / mass[drawn].sum(axis=1)
    low, high = np.quantile(means, [(1 - RESAMPLING.level) / 2, (1 + RESAMPLING.level) / 2])
    return mean, float(low), float(high)


def resample_difference(first: NDArray[np.float64], second: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the mean of one less the other on the same cut-offs, and the ends of its paired bootstrap interval.

    Parameters
    ----------
    first, second
        [cut-offs] figures of the same cut-offs in the same order; pairs of which one is not finite are left out.
    """
    both = np.isfinite(first) & np.isfinite(second)
    return resample_mean((first - second)[both])
