"""What moves the level of a network over the weeks ahead: the season of last year, and a trend weighed by what it was worth before."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

YEAR = 364
"""Days to the same weekday of the year before."""
LAST_YEAR_WEIGHT = 0.5
"""How much of last year's season to expect again; one year seen says half of what many would."""
LEAST_LAST_YEAR = 0.25
"""Least parcels of last year, as a share of today's, from which a season is read."""
GROWTH_DAYS = 180
GROWTH_HALF_LIFE = 60.0
GROWTH_DAMPING = 60.0
"""Days after which growth has slowed by a factor e."""
MOST_GROWTH = 0.4
"""Log of the growth that is believed at most: a network that began last month does not go on as it began."""
TRUST_SD = 0.4
"""Spread, around none, of how much of its growth so far a network keeps."""
DRIFT_NOISE = 0.15
"""Standard deviation of what a network's four weeks do besides, in logs, before any was seen; growth has to show through it."""
_NOISE_CUTOFFS = 3.0


def seasonal_index(total: Vector, horizon: int) -> Vector:
    """Return the seasonal index: half of what last year's level did on these days, growth taken out.

    ``exp(0.5 (c[h] - g (h + 14)))`` with c[h] the log of last year's smooth level on the day (a Gaussian of 7 days) over that of
    its four weeks before, and g the growth a day from those four weeks to the last four. One year seen says half of what
    many would. 1 where last year is not known, or where the network carried less than a quarter of today's parcels then:
    what a network did while it began says nothing of the season.
    """
    if total.size < YEAR + 28 + 14:
        return np.ones(horizon)
    then = total[total.size - YEAR - 28 : total.size - YEAR + horizon]
    if then.mean() < LEAST_LAST_YEAR * total[-28:].mean():
        return np.ones(horizon)
    offset = np.arange(-21, 22)
    kernel = np.exp(-0.5 * (offset / 7.0) ** 2)
    padded = np.pad(np.log(np.maximum(total, 0.5)), 21, mode="edge")
    smooth = np.convolve(padded, kernel / kernel.sum(), mode="valid")
    start = total.size - YEAR
    before = smooth[start - 28 : start].mean()
    growth = (smooth[-28:].mean() - before) / YEAR
    days = np.minimum(start + np.arange(horizon), total.size - 1)
    log_index = smooth[days] - before - growth * (np.arange(1, horizon + 1) + 14)
    return np.asarray(np.exp(LAST_YEAR_WEIGHT * log_index))


def trend_forecast(total: Vector, horizon: int) -> Vector:
    """Return the log of what the growth of half a year would add, were it kept and slowly damped.

    ``g 60 (1 - exp(-h / 60))`` with g the slope a day of the log over 180 days, weighted with a half-life of 60, and 60 g at
    most 0.4 up or down.
    """
    span = min(GROWTH_DAYS, total.size)
    ago = np.arange(-span + 1, 1)
    value = np.log(np.maximum(total[-span:], 0.5))
    weight = 0.5 ** (-ago / GROWTH_HALF_LIFE)
    middle = float((weight * ago).sum() / weight.sum())
    spread = float((weight * (ago - middle) ** 2).sum())
    slope = float((weight * (ago - middle) * value).sum() / spread) if spread > 0 else 0.0
    most = min(max(slope * GROWTH_DAMPING, -MOST_GROWTH), MOST_GROWTH)
    return np.asarray(most * -np.expm1(-np.arange(1, horizon + 1) / GROWTH_DAMPING))


def trend_weight(forecast_error: Vector, trend_forecasts: Vector, weight: Vector) -> float:
    """Learn which share of the trend forecast at earlier cut-offs came true, shrunk to none.

    The mean of ``k ~ N(0, 0.4^2)`` given ``forecast_error = k trend_forecast + N(0, v / weight)``, within 0 and 1; v is the mean square left by
    least squares, to which three cut-offs of ``0.15^2`` are added. A network whose rises and falls take turns keeps nothing, and
    one that grows from month to month most of it.

    Parameters
    ----------
    forecast_error
        [cut-offs] mean log of the actuals over a level without trend.
    trend_forecasts
        [cut-offs] mean of :func:`trend_forecast` over the same days.
    weight
        [cut-offs] how much each counts.
    """
    squares = float((weight * trend_forecasts**2).sum())
    if squares <= 0:
        return 0.0
    plain = float((weight * trend_forecasts * forecast_error).sum()) / squares
    left = float((weight * (forecast_error - plain * trend_forecasts) ** 2).sum())
    noise = (_NOISE_CUTOFFS * DRIFT_NOISE**2 + left) / (_NOISE_CUTOFFS + float(weight.sum()))
    return min(max(plain * squares / (squares + noise / TRUST_SD**2), 0.0), 1.0)
