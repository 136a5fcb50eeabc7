"""What inner backtests teach about route forecasts: the weights of the members, of the trees, and of the hubs' own forecasts.

Shares are what is weighed: every forecast is brought to the true total of each day first, because the total is another's part
(:mod:`forecasting.routes.network_path`), and its error would hide theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.arrays import Vector
from data.constants import constant
from forecasting.routes.combination import choose_share, choose_weights, combine, measure_members, mix, scale_to_total
from forecasting.routes.inner_backtests import recent_volume
from forecasting.routes.members import MEMBER_NAMES, forecast_members
from forecasting.routes.route_history import RouteHistory
from forecasting.series.volume_classes import volume_class

Matrix = NDArray[np.float32]

TREES = "share trees"


@dataclass(frozen=True)
class WeighingRules:
    """How members are weighed."""

    routes: int = constant(
        20_000, "routes", "on which members are weighed; the largest, where there are more", "judgement"
    )
    tree_handicap: float = constant(
        0.5,
        "1",
        "part of the weight that goes to the trees beyond what was measured: those weighed end months before the days they are tried "
        "on, today's end yesterday",
        "judgement",
    )


WEIGHING = WeighingRules()


@dataclass(frozen=True)
class MemberWeights:
    """Weights of some forecasts.

    Attributes
    ----------
    names
        Names of the forecasts.
    weights
        [classes x blocks of leads x forecasts], summing to 1 over the forecasts.
    """

    names: tuple[str, ...]
    weights: NDArray[np.float64]

    def combine(self, forecasts: Mapping[str, Matrix], classes: NDArray[np.int64]) -> Matrix:
        """Return the weighted mean [routes x horizon] of forecasts of these names."""
        return combine({name: forecasts[name] for name in self.names}, self.weights, classes)


@dataclass(frozen=True)
class InnerBacktest:
    """The members at an earlier cut-off, beside what came.

    Attributes
    ----------
    cutoff
        Days known.
    members
        Name -> [routes x days] forecast, brought to the true total of each day.
    actual
        [routes x days] parcels.
    classes
        [routes] volume class at the cut-off.
    day_weight
        [days] how much a day counts.
    """

    cutoff: int
    members: Mapping[str, Matrix]
    actual: Matrix
    classes: NDArray[np.int64]
    day_weight: Vector

    @property
    def total(self) -> Vector:
        """[days] parcels that came."""
        return np.asarray(self.actual.sum(axis=0, dtype=np.float64))

    def to_true_total(self, routes: Matrix) -> Matrix:
        """Bring a [routes x horizon] forecast to the total of the days that came."""
        return scale_to_total(routes[:, : self.actual.shape[1]], self.total)


def largest_routes(history: RouteHistory) -> NDArray[np.int64]:
    """Return the rows of the routes on which members are weighed."""
    return np.sort(np.argsort(-recent_volume(history.parcels), kind="stable")[: WEIGHING.routes])


def backtest_members(
    history: RouteHistory, cutoff: int, horizon: int, routes: NDArray[np.int64] | None = None, members: bool = True
) -> InnerBacktest:
    """Forecast some routes by every member as a cut-off would have.

    Parameters
    ----------
    history
        All that is known.
    cutoff
        Days known to the forecast.
    horizon
        Days ahead.
    routes
        Rows of the routes; all by default.
    members
        Whether the members forecast; without them only what came is laid out.
    """
    ahead, day_weight = history.days_after(cutoff, horizon)
    hidden = None if history.hidden is None else history.hidden[:, ahead]
    if routes is None or routes.size == history.parcels.shape[0]:
        past, actual = history.parcels[:, :cutoff], history.parcels[:, ahead]
    else:
        past, actual = history.parcels[routes, :cutoff], history.parcels[routes][:, ahead]
        hidden = None if hidden is None else hidden[routes]
    total, days = actual.sum(axis=0, dtype=np.float64), actual.shape[1]
    forecasts = forecast_members(past, horizon) if members else {}
    scaled = {name: scale_to_total(forecast[:, :days], total) for name, forecast in forecasts.items()}
    if hidden is not None:
        # What was put there is no truth: there every member is right.
        scaled = {name: np.where(hidden, actual, forecast) for name, forecast in scaled.items()}
    return InnerBacktest(cutoff, scaled, actual, volume_class(recent_volume(past)), day_weight)


def fit_member_weights(backtests: Sequence[InnerBacktest]) -> MemberWeights:
    """Weigh the members among themselves."""
    errors = [measure_members(test.members, test.actual, test.classes, test.day_weight) for test in backtests]
    return MemberWeights(MEMBER_NAMES, choose_weights(errors, MEMBER_NAMES))


def fit_tree_share(
    backtests: Sequence[InnerBacktest], weights: MemberWeights, trees: Mapping[int, Matrix]
) -> MemberWeights:
    """Weigh the share trees against the combined members.

    Parameters
    ----------
    backtests
        The members at earlier cut-offs.
    weights
        Of the members.
    trees
        Cut-off -> [routes x horizon] what the trees forecast there for the same routes; empty without trees.
    """
    pairs = []
    for test in backtests:
        if test.cutoff in trees:
            members = scale_to_total(weights.combine(test.members, test.classes), test.total)
            mixtures = mix(members, test.to_true_total(trees[test.cutoff]))
            pairs.append(measure_members(mixtures, test.actual, test.classes, test.day_weight))
    return MemberWeights(("members", TREES), choose_share(pairs, WEIGHING.tree_handicap))


def fit_margin_share(
    history: RouteHistory, forecasts: Mapping[int, tuple[Matrix, Matrix]], horizon: int, handicap: float
) -> MemberWeights:
    """Weigh routes left as they are against the same reconciled with their hubs' own forecasts.

    Parameters
    ----------
    history
        All that is known.
    forecasts
        Cut-off -> ([routes x horizon] reconciled, the same before).
    horizon
        Days ahead.
    handicap
        Part [0..1] of the weight that stays with the routes as they are beyond what was measured.
    """
    pairs = []
    for cutoff, (reconciled, base) in forecasts.items():
        test = backtest_members(history, cutoff, horizon, members=False)
        mixtures = mix(test.to_true_total(reconciled), test.to_true_total(base))
        pairs.append(measure_members(mixtures, test.actual, test.classes, test.day_weight))
    return MemberWeights(("reconciled", "base"), choose_share(pairs, handicap))
