"""The members that forecast every route from its cleaned history: fast levels, slow levels, intermittent, top-down."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from forecasting.series.baselines import (
    adida,
    day_of_week_mean,
    decaying_level,
    level_profile,
    repeat_week,
    tsb,
    weekday_profile,
)

Matrix = NDArray[np.float32]

FAST_HALF_LIVES = (3.0, 7.0)
SLOW_HALF_LIFE = 28.0
CHUNK = 20_000
"""Routes taken at a time, so that memory does not grow with the network."""


def forecast_members(history: Matrix, horizon: int) -> dict[str, Matrix]:
    """Forecast every route by each batched member.

    Parameters
    ----------
    history
        [routes x days] cleaned parcels.
    horizon
        Days ahead.

    Returns
    -------
    dict[str, Matrix]
        Name -> [routes x horizon] parcels. ``level-3`` and ``level-7`` follow routes that open, close and switch; ``tsb`` follows
        whether they are alive; ``weekday-2`` repeats the last two weeks; ``adida`` smooths weeks; ``top-down`` gives routes
        their share of eight weeks in the network's recent level, which wins where shares are stable.
    """
    network = history.sum(axis=0, keepdims=True, dtype=np.float64).astype(np.float32)
    network_profile = weekday_profile(network)
    path = level_profile(network, horizon, FAST_HALF_LIVES[-1] * 2, network_profile)
    results = {name: np.empty((history.shape[0], horizon), dtype=np.float32) for name in MEMBER_NAMES}
    slow_network = decaying_level(network, SLOW_HALF_LIFE)
    for start in range(0, history.shape[0], CHUNK):
        rows = slice(start, start + CHUNK)
        part = history[rows]
        week = weekday_profile(part)
        for half_life, name in zip(FAST_HALF_LIVES, ("level-3", "level-7"), strict=True):
            results[name][rows] = level_profile(part, horizon, half_life, week)
        results["tsb"][rows] = tsb(part, horizon, profile=week)
        results["weekday-2"][rows] = day_of_week_mean(part, horizon, weeks=2)
        results["adida"][rows] = adida(part, horizon, profile=week)
        share = decaying_level(part, SLOW_HALF_LIFE) / np.maximum(slow_network, 1e-9)
        own = repeat_week((week / np.maximum(network_profile, 1e-6)).astype(np.float32), horizon)
        results["top-down"][rows] = share * own * path
    return results


MEMBER_NAMES = ("level-3", "level-7", "tsb", "weekday-2", "adida", "top-down")
