"""The first days of the network's path: two single-series models that follow the last days, fading into the path."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from data.arrays import Matrix, Vector
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
    start_steps: int = constant(
        29, "steps", "of each smoothing in the grid from which its parameters are sought", "published: statsmodels"
    )
    start_damping: float = constant(0.99, "1", "of the trend a day, on that grid", "published: statsmodels")


NEAR = NearRules()


def exponential_smoothing(total: Vector, dates: NDArray[np.datetime64], horizon: int) -> Vector:
    """Fit damped additive-trend, weekly-seasonal exponential smoothing of the log (statsmodels)."""
    return hold_smoothing(total)(total, dates, horizon)


def hold_smoothing(total: Vector) -> Path:
    """Fit the parameters of exponential smoothing once; the path they give is that of this total or of a later one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = _smoothing(total)
        fitted = model.fit(start_params=_start_of(model, _log(total)), use_brute=False)
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
        variances = _components(total).fit(disp=False, maxiter=60, return_params=True)

    def path(later: Vector, dates: NDArray[np.datetime64], horizon: int) -> Vector:
        del dates
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # Nobody asks how sure the variances are, nor for the days seen smoothed: both take longer than the forecast.
            filtered = _components(later).filter(variances, cov_type="none")
            return np.exp(np.asarray(filtered.forecast(horizon), dtype=np.float64))

    return path


def _smoothing(total: Vector) -> ExponentialSmoothing:
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    return ExponentialSmoothing(
        _log(total),
        trend="add",
        damped_trend=True,
        seasonal="add",
        seasonal_periods=7,
        initialization_method="heuristic",
    )


def _components(total: Vector) -> UnobservedComponents:
    from statsmodels.tsa.statespace.structural import UnobservedComponents

    return UnobservedComponents(_log(total), level="llevel", seasonal=7)


def _log(total: Vector) -> Vector:
    return np.asarray(np.log(np.maximum(total[-NEAR.days :], 0.5)))


def _start_of(model: ExponentialSmoothing, logs: Vector) -> Vector:
    """Return the [4] level, trend, season and damping from which the parameters of exponential smoothing are sought.

    They are those that statsmodels starts from by itself, the best of a grid of ten thousand; it goes through the grid one by
    one, which takes six times as long as all of them day by day.
    """
    level, trend, season = model.initial_values()
    grid = _grid_of_starts()
    errors = squared_errors(logs, (level, trend, season), NEAR.start_damping, grid)
    return np.array([*grid[:, int(np.argmin(errors))], NEAR.start_damping])


@cache
def _grid_of_starts() -> Matrix:
    """Return the [3 x starts] smoothing of level, trend and season, as fine as statsmodels' own grid."""
    count = NEAR.start_steps
    columns = []
    for level in np.linspace(0.005, 0.995, count):
        trends = np.linspace(0.0, level, int(np.ceil(count * np.sqrt(level))))
        seasons = np.linspace(0.0, 1.0 - level, int(np.ceil(count * np.sqrt(1.0 - level))))
        trend, season = (side.ravel() for side in np.meshgrid(trends, seasons))
        columns.append(np.stack([np.full(trend.size, level), trend, season]))
    return np.concatenate(columns, axis=1)


def squared_errors(
    values: Vector, start: tuple[float, float, Sequence[float]], damping: float, smoothing: Matrix
) -> Vector:
    """Return the [n] sums of squared one-day errors of damped-trend, seasonal exponential smoothing for many parameters at once.

    Parameters
    ----------
    values
        [days] the series.
    start
        Level and trend before the first day, and the season of as many days as it has.
    damping
        Part of the trend that stays a day.
    smoothing
        [3 x n] smoothing of level, trend and season.

    Notes
    -----
    With the error ``e = y - (l + d b + s)`` of a day: ``l <- l + d b + a e``, ``b <- d b + a c e``, ``s <- s + g e``: the error
    correction form of Hyndman, Koehler, Ord and Snyder (2008).
    """
    of_level, of_trend, of_season = smoothing
    of_trend = of_level * of_trend
    count = of_level.size
    level, trend, season = np.full(count, start[0]), np.full(count, start[1]), [np.full(count, day) for day in start[2]]
    total, error, move = np.zeros(count), np.empty(count), np.empty(count)
    for day, value in enumerate(values.tolist()):
        of_day = season[day % len(season)]
        trend *= damping
        level += trend
        np.add(level, of_day, out=error)
        np.subtract(value, error, out=error)
        total += np.multiply(error, error, out=move)
        level += np.multiply(of_level, error, out=move)
        trend += np.multiply(of_trend, error, out=move)
        of_day += np.multiply(of_season, error, out=move)
    return total


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
