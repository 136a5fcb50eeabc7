"""Rolling backtests inside the history: they weigh the members and calibrate the intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from forecasting.history.cleaning import CleanHistory
from forecasting.intervals.error_samples import ErrorSample
from forecasting.series.panel import Membership, aggregate

Matrix = NDArray[np.float32]

SHORTEST_HISTORY = 28
"""Days that must lie before an inner cut-off."""
MANY_ROUTES = 5_000
MOST_SAMPLED = 20_000
"""Routes whose errors are kept of each inner backtest; every second or third, where there are more."""
_FIRST_STEPS = (7, 14, 21, 28)
RECENT_DAYS = 28


def choose_cutoffs(known: int, horizon: int, count: int, routes: int = 0) -> list[int]:
    """Choose how many days each inner backtest knows.

    The latest ones, a week apart, see less than the horizon ahead; the earlier ones lie two weeks apart. Above 5,000 routes the
    errors of a few cut-offs are plenty: then four are taken, one of last week and three that see the whole horizon.
    """
    if routes > MANY_ROUTES:
        whole = max(7, -(-horizon // 7) * 7)
        steps = [7, whole, whole + 28, whole + 56] if whole > 7 else [7, 28, 56, 84]
        return [known - step for step in steps[: min(count, 4)] if known - step >= SHORTEST_HISTORY]
    steps = [step for step in _FIRST_STEPS if step <= max(horizon, 7)]
    while len(steps) < count:
        steps.append(steps[-1] + 14)
    return [known - step for step in steps[:count] if known - step >= SHORTEST_HISTORY]


def recent_volume(history: Matrix) -> NDArray[np.float64]:
    """Return the [routes] mean parcels a day of the last four weeks."""
    recent = history[:, -RECENT_DAYS:]
    if recent.shape[1] == 0:
        return np.zeros(history.shape[0])
    return np.asarray(recent.mean(axis=1, dtype=np.float64))


def sample_errors(
    clean: CleanHistory,
    actual: Matrix,
    inner_forecasts: Mapping[int, Matrix],
    horizon: int,
    levels: Mapping[str, Sequence[Membership]],
) -> list[ErrorSample]:
    """Collect the errors of the combined forecast at each level.

    Parameters
    ----------
    clean
        The cleaned history.
    actual
        [routes x days] the history as it was.
    inner_forecasts
        Cut-off [known days] -> [routes x horizon] the forecast without events it would have made.
    horizon
        Days ahead.
    levels
        Level name (network, region, hub) -> the memberships to sum by; routes are always sampled.
    """
    samples: list[ErrorSample] = []
    variance = np.expm1(clean.uplift.log_sd**2)
    for cutoff, inner_forecast in inner_forecasts.items():
        past = clean.parcels[:, :cutoff]
        days = np.arange(cutoff, min(cutoff + horizon, clean.known))
        days = days[~clean.filled[days]]
        if days.size == 0:
            continue
        volume = recent_volume(past)
        combined = inner_forecast[:, days - cutoff]
        forecast = combined * clean.route_multiples(days, combined)
        truth = actual[:, days]
        event, spread = clean.touched[days], variance[days]
        some = slice(None, None, -(-truth.shape[0] // MOST_SAMPLED))
        samples.append(ErrorSample.of("route", truth[some], forecast[some], volume[some], event, spread))
        for level, memberships in levels.items():
            for membership in memberships:
                summed = aggregate(volume[:, None], membership)[:, 0]
                actual_sums, forecast_sums = aggregate(truth, membership), aggregate(forecast, membership)
                samples.append(ErrorSample.of(level, actual_sums, forecast_sums, summed, event, spread))
    return samples
