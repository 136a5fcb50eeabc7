"""The first days of the network's path: two single-series models that follow the last days, fading into the path."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from data.arrays import Vector
from data.constants import constant

if TYPE_CHECKING:
    from statsmodels.tsa.holtwinters import ExponentialSmoothing
    from statsmodels.tsa.statespace.structural import UnobservedComponents

Path = Callable[[Vector, NDArray[np.datetime64], int], Vector]
"""From the [days] of a total and their dates, and days ahead, the [days ahead] of a forecast."""


@dataclass(frozen=True)
class NearRules:
    """How the weight of the near path fades with the lead."""

    days: int = constant(400, "days", "of history that the single-series models read", "judgement")
    fewest_days: int = constant(84, "days", "of history from which the fade is learnt", "judgement")
    fades: tuple[float, ...] = constant(
        (0.0, 1.0, 2.0, 4.0, 7.0, 10.0),
        "days",
        "after which the weight has shrunk by a factor e; those tried",
        "judgement",
    )
    expected_fade: float = constant(
        7.0, "days", "expected before any backtest", "fitted: 14 cut-offs of Olist and 42 of the Chinese network"
    )
    tolerance: float = constant(
        0.03,
        "1",
        "relative error by which a fade must be better than the expected one, for each factor e of belief",
        "judgement",
    )
    cutoffs: int = constant(6, "cut-offs", "on which the fade is learnt", "judgement")
    step: int = constant(14, "days", "between them", "judgement")
    checked: int = constant(14, "days", "ahead of each", "judgement")


NEAR = NearRules()


def exponential_smoothing(total: Vector, dates: NDArray[np.datetime64], horizon: int) -> Vector:
    """Fit damped additive-trend, weekly-seasonal exponential smoothing of the log (statsmodels)."""
    return hold_smoothing(total)(total, dates, horizon)


def hold_smoothing(total: Vector) -> Path:
    """Fit the parameters of exponential smoothing once; the path they give is that of this total or of a later one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = _smoothing(total).fit()
    names = ("smoothing_level", "smoothing_trend", "smoothing_seasonal", "damping_trend")
    held = {name: float(fitted.params[name]) for name in names}

    def path(later: Vector, dates: NDArray[np.datetime64], horizon: int) -> Vector:
        del dates
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            smoothed = fitted if later is total else _smoothing(later).fit(**held, optimized=False)
            return np.exp(np.asarray(smoothed.forecast(horizon), dtype=np.float64))

    return path


def unobserved_components(total: Vector, dates: NDArray[np.datetime64], horizon: int) -> Vector:
    """Fit a local level with a weekly season to the log by maximum likelihood (statsmodels, Durbin and Koopman 2012)."""
    return hold_components(total)(total, dates, horizon)


def hold_components(total: Vector) -> Path:
    """Fit the variances of the components once; the path they give is that of this total or of a later one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = _components(total).fit(disp=False, maxiter=60)

    def path(later: Vector, dates: NDArray[np.datetime64], horizon: int) -> Vector:
        del dates
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            filtered = fitted if later is total else _components(later).filter(fitted.params)
            return np.exp(np.asarray(filtered.forecast(horizon), dtype=np.float64))

    return path


def _smoothing(total: Vector) -> ExponentialSmoothing:
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    return ExponentialSmoothing(
        np.log(np.maximum(total[-NEAR.days :], 0.5)),
        trend="add",
        damped_trend=True,
        seasonal="add",
        seasonal_periods=7,
        initialization_method="heuristic",
    )


def _components(total: Vector) -> UnobservedComponents:
    from statsmodels.tsa.statespace.structural import UnobservedComponents

    return UnobservedComponents(np.log(np.maximum(total[-NEAR.days :], 0.5)), level="llevel", seasonal=7)


def fade(tau: float, horizon: int) -> Vector:
    """Return the [horizon] weight of the near path: ``exp(-(h - 1) / tau)``; none for ``tau`` of 0."""
    if tau <= 0:
        return np.zeros(horizon)
    return np.asarray(np.exp(-np.arange(horizon) / tau))


def learn_fade(errors: Mapping[float, Sequence[float]]) -> float:
    """Choose how fast the near path fades.

    Parameters
    ----------
    errors
        Fade -> its error at each earlier cut-off.

    Returns
    -------
    float
        The fade of the least mean error, where each step away from the expected one must pay for itself: its error is raised by
        3 % for every factor e between them, and by as much again over the root of the cut-offs.
    """
    tried = {tau: float(np.mean(found)) for tau, found in errors.items() if len(found)}
    if not tried:
        return NEAR.expected_fade
    count = len(next(iter(errors.values())))

    def cost(tau: float) -> float:
        distance = abs(np.log((tau + 0.5) / (NEAR.expected_fade + 0.5)))
        return float(tried[tau] * (1.0 + NEAR.tolerance * float(distance) * (1.0 + 1.0 / np.sqrt(count))))

    return min(sorted(tried), key=cost)


def measure_fades(rest: Vector, near: Vector, actual: Vector, day_weight: Vector) -> dict[float, float]:
    """Return the error of each fade at one earlier cut-off.

    Parameters
    ----------
    rest, near, actual
        [days] the path without the near one, the near one, and what came.
    day_weight
        [days] how much a day counts: nothing where it was closed or is unknown.
    """
    volume = float((actual * day_weight).sum())
    if volume <= 0:
        return {}
    return {
        tau: float((np.abs(rest + fade(tau, rest.size) * (near - rest) - actual) * day_weight).sum()) / volume
        for tau in NEAR.fades
    }
