"""Slow destination shares: what an origin sends goes where it went over the last months.

Where routes carry a few parcels a week, their last days say little of themselves, and the days' absolute error is won by forecasts near
the middle day, which lose the weeks' sums that vehicles are ordered by. So the combined routes are mixed with their origin's outflow spread by shares
of a long memory, as far as inner backtests say, by block of leads. All routes mix alike: what origins send stays what it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.constants import constant
from forecasting.routes.combination import choose_share, measure_members, mix
from forecasting.routes.member_weights import MemberWeights, backtest_members
from forecasting.routes.route_history import RouteHistory
from forecasting.series.baselines import decaying_level
from forecasting.series.panel import aggregate

Matrix = NDArray[np.float32]

COMBINED = "combined"
SLOW = "slow destinations"


@dataclass(frozen=True)
class SlowRules:
    """How slow destination shares are made."""

    half_life: float = constant(
        56.0, "days", "of a destination's share in what its origin sends", "fitted: 14 cut-offs of Olist"
    )
    least_share: float = constant(
        0.15, "1", "of slow destinations that is mixed in; less is what a few backtests say by chance", "judgement"
    )


RULES = SlowRules()


def slow_destinations(routes: Matrix, history: RouteHistory) -> Matrix:
    """Spread what each origin sends in a forecast by its destinations' slow shares.

    Parameters
    ----------
    routes
        [routes x horizon] parcels.
    history
        What was known.

    Returns
    -------
    Matrix
        [routes x horizon] with the same sum a day of each origin that has sent anything; other origins keep their routes.
    """
    level = decaying_level(history.parcels, RULES.half_life)[:, 0].astype(np.float64)
    origins = history.sums.out
    of_origin = np.bincount(origins.index, weights=level, minlength=origins.groups)[origins.index]
    share = np.divide(level, of_origin, out=np.zeros_like(level), where=of_origin > 0)
    spread = share[:, None] * aggregate(routes, origins)[origins.index]
    return np.where((of_origin > 0)[:, None], spread, routes).astype(np.float32)


def slow_down(routes: Matrix, history: RouteHistory, slow_share: MemberWeights) -> Matrix:
    """Mix combined routes [routes x horizon] with their slow destinations, as was learnt."""
    if not slow_share.weights[..., 1].any():
        return routes
    pair = {COMBINED: routes, SLOW: slow_destinations(routes, history)}
    return slow_share.combine(pair, np.zeros(routes.shape[0], dtype=np.int64))


def fit_slow_share(history: RouteHistory, forecasts: Mapping[int, Matrix], horizon: int) -> MemberWeights:
    """Weigh slow destinations against the combined routes.

    Parameters
    ----------
    history
        All that is known.
    forecasts
        Cut-off -> [routes x horizon] the combined routes it would have forecast.
    horizon
        Days ahead.
    """
    pairs = []
    for cutoff, combined in forecasts.items():
        test = backtest_members(history, cutoff, horizon, members=False)
        slow = slow_destinations(combined, history.until(cutoff))
        mixtures = mix(test.to_true_total(combined), test.to_true_total(slow))
        pairs.append(measure_members(mixtures, test.actual, np.zeros_like(test.classes), test.day_weight))
    if not pairs:
        return MemberWeights((COMBINED, SLOW), _none())
    weights = choose_share(pairs)
    weights[:] = np.where(weights[:1, :, 1:] < RULES.least_share, np.array([1.0, 0.0]), weights[:1])
    return MemberWeights((COMBINED, SLOW), weights)


def _none() -> NDArray[np.float64]:
    weights = choose_share([])
    weights[..., 0], weights[..., 1] = 1.0, 0.0
    return weights
