"""Where the error of the routes comes from: the total, the hubs, the shares, or the noise of the day."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.arrays import Matrix

STEPS = ("nothing", "network total", "hub outflow", "hub outflow and inflow", "route shares of the window")
"""What is taken from the truth, one after the other."""

_FITTING_ROUNDS = 30


def split_error(
    actual: Matrix, mean: Matrix, origin: NDArray[np.int64], destination: NDArray[np.int64]
) -> pl.DataFrame:
    """Replace one part of a route forecast after the other by the truth, and see what accuracy that gives.

    Parameters
    ----------
    actual, mean
        [routes x days] parcels.
    origin, destination
        [routes] number of the hub at each end.

    Returns
    -------
    pl.DataFrame
        known, accuracy (1 - WAPE over routes and days, null when nothing came) and gain (over the step before).
        The step from hub margins to 1 that stays open after the last is the noise of the day.

    Notes
    -----
    Each day is scaled to the true total, then to the true outflow of each origin hub, then fitted to outflows and
    inflows (iterative proportional fitting, Deming and Stephan, 1940); last the forecast is replaced by the routes' true
    sums over the window, fitted likewise.
    """
    hubs_out, hubs_in = int(origin.max(initial=-1)) + 1, int(destination.max(initial=-1)) + 1
    outflow, inflow = _sums(actual, origin, hubs_out), _sums(actual, destination, hubs_in)
    total = actual.sum(axis=0)
    scaled = mean * _ratio(total, mean.sum(axis=0))
    by_origin = mean * _ratio(outflow, _sums(mean, origin, hubs_out))[origin]
    window = np.repeat(actual.sum(axis=1, keepdims=True), actual.shape[1], axis=1)
    forecasts = (
        mean,
        scaled,
        by_origin,
        _fit(mean, origin, destination, outflow, inflow),
        _fit(window, origin, destination, outflow, inflow),
    )
    volume = float(actual.sum())
    accuracy = [1.0 - float(np.abs(one - actual).sum()) / volume if volume > 0 else None for one in forecasts]
    table = pl.DataFrame({"known": STEPS, "accuracy": pl.Series(accuracy, dtype=pl.Float64)})
    return table.with_columns(gain=pl.col("accuracy").diff())


def _fit(
    mean: Matrix, origin: NDArray[np.int64], destination: NDArray[np.int64], outflow: Matrix, inflow: Matrix
) -> Matrix:
    fitted = mean
    for _ in range(_FITTING_ROUNDS):
        fitted = fitted * _ratio(inflow, _sums(fitted, destination, inflow.shape[0]))[destination]
        fitted = fitted * _ratio(outflow, _sums(fitted, origin, outflow.shape[0]))[origin]
    return fitted


def _sums(matrix: Matrix, group: NDArray[np.int64], groups: int) -> Matrix:
    sums = np.zeros((groups, matrix.shape[1]))
    for day in range(matrix.shape[1]):
        sums[:, day] = np.bincount(group, weights=matrix[:, day], minlength=groups)
    return sums


def _ratio(wanted: Matrix, have: Matrix) -> Matrix:
    return np.divide(wanted, have, out=np.ones_like(wanted), where=have > 0)
