"""Baselines for all series at once: each is a few matrix operations over (series x day), none a fit per series.

Every function takes the history [series x days], oldest day first, and gives [series x horizon]. Column 0 of the result
is the day after the last day of the history, so weekdays are met by counting in sevens from the end.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
WEEK = 7
_SMOOTHING_SPAN = 10
"""Half-lives after which a day's weight (under a thousandth) is left out."""


def repeat_week(week: Matrix, horizon: int) -> Matrix:
    """Lay a week [series x 7] out over the horizon."""
    return np.tile(week, (1, -(-horizon // WEEK)))[:, :horizon].astype(np.float32, copy=False)


def seasonal_naive(history: Matrix, horizon: int) -> Matrix:
    """Repeat the last seven days. With less than a week of history the mean of what there is."""
    if history.shape[1] < WEEK:
        return flat_mean(history, horizon)
    return repeat_week(history[:, -WEEK:], horizon)


def day_of_week_mean(history: Matrix, horizon: int, weeks: int = 4) -> Matrix:
    """Take the mean of the same weekday over the last ``weeks`` weeks (as many as there are)."""
    known = min(weeks, history.shape[1] // WEEK)
    if known == 0:
        return flat_mean(history, horizon)
    recent = history[:, -known * WEEK :].reshape(history.shape[0], known, WEEK)
    return repeat_week(recent.mean(axis=1), horizon)


def flat_mean(history: Matrix, horizon: int, days: int = 28) -> Matrix:
    """Take the mean of the last ``days`` days for every day ahead; zero without history."""
    recent = history[:, -days:]
    mean = recent.mean(axis=1) if recent.shape[1] else np.zeros(history.shape[0], dtype=np.float32)
    return np.repeat(mean[:, None], horizon, axis=1).astype(np.float32, copy=False)


def decaying_level(history: Matrix, half_life: float, born: NDArray[np.int64] | None = None) -> Matrix:
    """Smooth exponentially: the weight of a day halves every ``half_life`` days.

    Parameters
    ----------
    history
        [series x days] parcels.
    half_life
        In days. The smoothing constant of simple exponential smoothing is ``1 - 0.5 ** (1 / half_life)``.
    born
        [series] position of each series' first day, so that a young series is not averaged with the time
        before it was there; by default all are as old as the history.

    Returns
    -------
    Matrix
        [series x 1] parcels a day.
    """
    days = min(history.shape[1], int(_SMOOTHING_SPAN * half_life) + WEEK)
    if days == 0:
        return np.zeros((history.shape[0], 1), dtype=np.float32)
    weight = 0.5 ** (np.arange(days - 1, -1, -1, dtype=np.float64) / half_life)
    level = np.asarray(history[:, history.shape[1] - days :] @ weight.astype(np.float32))
    total = np.full(history.shape[0], weight.sum())
    if born is not None:
        age = np.clip(history.shape[1] - born, 1, days)
        total = np.cumsum(weight[::-1])[age - 1]
    return np.asarray((level / total)[:, None], dtype=np.float32)


def weekday_profile(history: Matrix, weeks: int = 8, shrinkage: float = 4.0) -> Matrix:
    """Estimate each series' weekly profile, shrunk to the profile of the sum of all series.

    ``p[s, k] = (x[s, k] + shrinkage * q[k] * m[s]) / ((1 + shrinkage / w[s]) * m[s])``-like weighting: a series counts
    with its weeks that carried anything, the pooled profile ``q`` with ``shrinkage`` weeks.

    Returns
    -------
    Matrix
        [series x 7] with mean 1; column 0 is the weekday of the first day ahead.
    """
    known = min(weeks, history.shape[1] // WEEK)
    if known < 2:
        return np.ones((history.shape[0], WEEK), dtype=np.float32)
    recent = history[:, -known * WEEK :].reshape(history.shape[0], known, WEEK)
    by_day = recent.sum(axis=1)
    pooled = by_day.sum(axis=0, dtype=np.float64)
    if pooled.sum() <= 0:
        return np.ones((history.shape[0], WEEK), dtype=np.float32)
    pooled = (pooled / pooled.mean()).astype(np.float32)
    alive_weeks = np.maximum((recent.sum(axis=2) > 0).sum(axis=1, keepdims=True), 1).astype(np.float32)
    mean = by_day.mean(axis=1, keepdims=True)
    own = np.divide(by_day, mean, out=np.ones_like(by_day), where=mean > 0)
    profile = (alive_weeks * own + shrinkage * pooled) / (alive_weeks + shrinkage)
    return np.asarray(np.where(mean > 0, profile, pooled), dtype=np.float32)


def level_profile(history: Matrix, horizon: int, half_life: float, profile: Matrix | None = None) -> Matrix:
    """Multiply a decaying level by the shrunk weekly profile."""
    week = weekday_profile(history) if profile is None else profile
    return np.asarray(decaying_level(history, half_life) * repeat_week(week, horizon), dtype=np.float32)


def tsb(
    history: Matrix, horizon: int, size_rate: float = 0.2, alive_rate: float = 0.1, profile: Matrix | None = None
) -> Matrix:
    """Forecast intermittent series by the method of Teunter, Syntetos and Babai (2011).

    The probability that a day carries anything is smoothed every day, the size only on days that do; their product
    falls when a route dies, which Croston's method misses.

    Parameters
    ----------
    history, horizon
        See the module.
    size_rate, alive_rate
        Smoothing constants of size and of probability [0..1].
    profile
        [series x 7] weekly profile; by default the shrunk one.
    """
    span = history[:, -200:]
    if span.shape[1] == 0:
        return np.zeros((history.shape[0], horizon), dtype=np.float32)
    start = span[:, :28]
    busy = (start > 0).sum(axis=1)
    alive = (busy / start.shape[1]).astype(np.float32)
    size = (start.sum(axis=1) / np.maximum(busy, 1)).astype(np.float32)
    # Days on rows: each step then reads one run of memory.
    days = np.ascontiguousarray(span.T)
    carries = (days > 0).astype(np.float32)
    rates = carries * np.float32(size_rate)
    unseen = np.flatnonzero((size <= 0) & (carries.max(axis=0) > 0))
    rates[carries[:, unseen].argmax(axis=0), unseen] = 1.0  # the first size seen is taken as it is
    change = np.empty_like(size)
    for day, carried, rate in zip(days, carries, rates, strict=True):
        np.subtract(carried, alive, out=change)
        change *= np.float32(alive_rate)
        alive += change
        np.subtract(day, size, out=change)
        change *= rate
        size += change
    week = weekday_profile(history) if profile is None else profile
    return np.asarray((alive * size)[:, None] * repeat_week(week, horizon), dtype=np.float32)


def adida(history: Matrix, horizon: int, weekly_rate: float = 0.3, profile: Matrix | None = None) -> Matrix:
    """Smooth weekly sums and spread them by the profile (aggregate-disaggregate, Nikolopoulos et al. 2011)."""
    weeks = min(26, history.shape[1] // WEEK)
    if weeks == 0:
        return flat_mean(history, horizon)
    sums = history[:, -weeks * WEEK :].reshape(history.shape[0], weeks, WEEK).sum(axis=2)
    weight = (1 - weekly_rate) ** np.arange(weeks - 1, -1, -1)
    # BLAS may raise the flag on finite numbers, by what lies beside them in memory
    with np.errstate(invalid="ignore"):
        level = (sums @ (weight / weight.sum()).astype(np.float32))[:, None] / WEEK
    week = weekday_profile(history) if profile is None else profile
    return np.asarray(level * repeat_week(week, horizon), dtype=np.float32)
