"""What moves the level of a network over the weeks ahead: the season of last year, and a trend weighed by what it was worth before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.arrays import Vector
from data.constants import constant


@dataclass(frozen=True)
class SeasonTrendRules:
    """How far last year and the trend are believed."""

    year: int = constant(364, "days", "to the same weekday of the year before", "published: calendar")
    last_year_weight: float = constant(
        0.5,
        "1",
        "of last year's season; one year seen says half of what many would",
        "fitted: python -m benchmarks.forecast, Chinese network and Olist",
    )
    least_last_year: float = constant(
        0.25, "1", "parcels of last year over today's, from which a season is read", "judgement"
    )
    trend_days: int = constant(180, "days", "from which the trend is read", "judgement")
    trend_half_life: float = constant(60.0, "days", "of the weights of these days", "judgement")
    trend_damping: float = constant(60.0, "days", "after which the trend has slowed by a factor e", "judgement")
    most_growth: float = constant(
        0.4, "log", "believed at most: a network that began last month does not go on as it began", "judgement"
    )
    trust_sd: float = constant(
        0.4, "1", "standard deviation, around none, of how much of its trend a network keeps", "judgement"
    )
    drift_noise: float = constant(
        0.15,
        "log",
        "standard deviation of what a network's four weeks do besides, before any was seen; a trend has to show through it",
        "judgement",
    )
    noise_cutoffs: float = constant(3.0, "cut-offs", "that this noise counts for", "judgement")


SEASON_TREND = SeasonTrendRules()


def seasonal_index(total: Vector, horizon: int) -> Vector:
    """Return the seasonal index: half of what last year's level did on these days, growth taken out.

    ``exp(0.5 (c[h] - g (h + 14)))`` with c[h] the log of last year's smooth level on the day (a Gaussian of 7 days) over that of
    its four weeks before, and g the growth a day from those four weeks to the last four. One year seen says half of what
    many would. 1 where last year is not known, or where the network carried less than a quarter of today's parcels then:
    what a network did while it began says nothing of the season.
    """
    if total.size < SEASON_TREND.year + 28 + 14:
        return np.ones(horizon)
    then = total[total.size - SEASON_TREND.year - 28 : total.size - SEASON_TREND.year + horizon]
    if then.mean() < SEASON_TREND.least_last_year * total[-28:].mean():
        return np.ones(horizon)
    offset = np.arange(-21, 22)
    kernel = np.exp(-0.5 * (offset / 7.0) ** 2)
    padded = np.pad(np.log(np.maximum(total, 0.5)), 21, mode="edge")
    smooth = np.convolve(padded, kernel / kernel.sum(), mode="valid")
    start = total.size - SEASON_TREND.year
    before = smooth[start - 28 : start].mean()
    growth = (smooth[-28:].mean() - before) / SEASON_TREND.year
    days = np.minimum(start + np.arange(horizon), total.size - 1)
    log_index = smooth[days] - before - growth * (np.arange(1, horizon + 1) + 14)
    return np.asarray(np.exp(SEASON_TREND.last_year_weight * log_index))


def trend_forecast(total: Vector, horizon: int) -> Vector:
    """Return the log of what the growth of half a year would add, were it kept and slowly damped.

    ``g 60 (1 - exp(-h / 60))`` with g the slope a day of the log over 180 days, weighted with a half-life of 60, and 60 g at
    most 0.4 up or down.
    """
    span = min(SEASON_TREND.trend_days, total.size)
    ago = np.arange(-span + 1, 1)
    value = np.log(np.maximum(total[-span:], 0.5))
    weight = 0.5 ** (-ago / SEASON_TREND.trend_half_life)
    middle = float((weight * ago).sum() / weight.sum())
    spread = float((weight * (ago - middle) ** 2).sum())
    slope = float((weight * (ago - middle) * value).sum() / spread) if spread > 0 else 0.0
    most = min(max(slope * SEASON_TREND.trend_damping, -SEASON_TREND.most_growth), SEASON_TREND.most_growth)
    return np.asarray(most * -np.expm1(-np.arange(1, horizon + 1) / SEASON_TREND.trend_damping))


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
    noise = (SEASON_TREND.noise_cutoffs * SEASON_TREND.drift_noise**2 + left) / (
        SEASON_TREND.noise_cutoffs + float(weight.sum())
    )
    return min(max(plain * squares / (squares + noise / SEASON_TREND.trust_sd**2), 0.0), 1.0)
