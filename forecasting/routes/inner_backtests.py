"""Rolling backtests inside the history: they weigh the members and calibrate the intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.constants import constant
from forecasting.history.cleaning import CleanHistory
from forecasting.intervals.error_samples import ErrorSample
from forecasting.series.panel import Membership, aggregate

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class BacktestRules:
    """Where inner backtests cut the history."""

    shortest_history: int = constant(28, "days", "that must lie before a cut-off", "judgement")
    many_routes: int = constant(5_000, "routes", "above which four cut-offs are plenty", "judgement")
    most_sampled: int = constant(
        20_000,
        "routes",
        "whose errors are kept of each backtest; every second or third, where there are more",
        "judgement",
    )
    first_steps: tuple[int, ...] = constant(
        (7, 14, 21, 28), "days before the last", "of the latest cut-offs; earlier ones lie two weeks apart", "judgement"
    )
    most_hidden: float = constant(
        0.05, "1", "of a sum's parcels that may be filled in where its error still counts", "judgement"
    )
    recent: int = constant(28, "days", "whose mean is a route's recent volume", "judgement")


BACKTESTS = BacktestRules()


def choose_cutoffs(known: int, horizon: int, count: int, routes: int = 0) -> list[int]:
    """Choose how many days each inner backtest knows.

    The latest ones, a week apart, see less than the horizon ahead; the earlier ones lie two weeks apart. Above 5,000 routes the
    errors of a few cut-offs are plenty: then four are taken, one of last week and three that see the whole horizon.
    """
    if routes > BACKTESTS.many_routes:
        whole = max(7, -(-horizon // 7) * 7)
        steps = [7, whole, whole + 28, whole + 56] if whole > 7 else [7, 28, 56, 84]
        return [known - step for step in steps[: min(count, 4)] if known - step >= BACKTESTS.shortest_history]
    steps = [step for step in BACKTESTS.first_steps if step <= max(horizon, 7)]
    while len(steps) < count:
        steps.append(steps[-1] + 14)
    return [known - step for step in steps[:count] if known - step >= BACKTESTS.shortest_history]


def recent_volume(history: Matrix) -> NDArray[np.float64]:
    """Return the [routes] mean parcels a day of the last four weeks."""
    recent = history[:, -BACKTESTS.recent :]
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
    """Collect the errors of the combined forecast at each level; hidden cells (forecast 0 here) are no errors.

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
        hidden = None if clean.hidden is None else clean.hidden[:, days]
        event, spread = clean.touched[days], variance[days]
        some = slice(None, None, -(-truth.shape[0] // BACKTESTS.most_sampled))
        predicted = forecast if hidden is None else np.where(hidden, np.float32(0.0), forecast)
        samples.append(ErrorSample.of("route", truth[some], predicted[some], volume[some], event, spread, cutoff))
        for level, memberships in levels.items():
            for membership in memberships:
                summed = aggregate(volume[:, None], membership)[:, 0]
                actual_sums, forecast_sums = aggregate(truth, membership), aggregate(forecast, membership)
                if hidden is not None:
                    unseen = aggregate(forecast * hidden, membership)
                    forecast_sums[unseen > BACKTESTS.most_hidden * forecast_sums] = 0.0
                samples.append(ErrorSample.of(level, actual_sums, forecast_sums, summed, event, spread, cutoff))
    return samples
