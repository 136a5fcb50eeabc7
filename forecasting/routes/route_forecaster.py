"""The route level: members, trees and hubs combined, today and at the cut-offs of the inner backtests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from data.arrays import Vector
from data.progress import Progress
from forecasting.history.cleaning import CleanHistory
from forecasting.inputs import ForecastSettings
from forecasting.routes.combination import scale_to_total
from forecasting.routes.hub_reconciliation import reconcile_with_hubs
from forecasting.routes.inner_backtests import choose_cutoffs
from forecasting.routes.member_weights import (
    TREES,
    WEIGHING,
    MemberWeights,
    backtest_members,
    fit_margin_share,
    fit_member_weights,
    fit_tree_share,
    largest_routes,
)
from forecasting.routes.members import forecast_members
from forecasting.routes.network_path import NETWORK, forecast_network
from forecasting.routes.route_history import RouteHistory
from forecasting.routes.share_trees import ShareTrees, fit_share_trees
from forecasting.routes.slow_destinations import fit_slow_share, slow_down
from forecasting.series.baselines import decaying_level
from forecasting.series.panel import Panel

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class FittedRoutes:
    """What was learnt of the routes: how members, trees and hubs go together.

    Attributes
    ----------
    forecaster
        Weights of members and trees.
    margin_share
        Of routes reconciled with their hubs, and left as they are.
    slow_share
        Of the routes so combined, and of slow destinations.
    trees
        The share trees; None without.
    """

    forecaster: RouteForecaster
    margin_share: MemberWeights
    slow_share: MemberWeights
    trees: ShareTrees | None

    def forecast(self, history: RouteHistory, path: Vector) -> tuple[Matrix, dict[str, Matrix]]:
        """Forecast the routes of a history along a network path: [routes x horizon] combined, and each member."""
        members = forecast_members(history.parcels, path.size)
        trees = None if self.trees is None else self.trees.forecast(history.parcels, history.sums, path)
        settled = self.forecaster.forecast(history, members, trees, path).settle(self.margin_share)
        baseline = scale_to_total(slow_down(settled, history, self.slow_share), path)
        if trees is not None:
            members[TREES] = scale_to_total(trees, path)
        return baseline, members


@dataclass(frozen=True)
class RouteModel:
    """The routes' forecast without events.

    Attributes
    ----------
    total
        [days] parcels of the network.
    path
        [horizon] network path the routes sum to.
    fitted
        What was learnt of them.
    baseline
        [routes x horizon] combined forecast.
    members
        Name -> [routes x horizon] the members in it.
    inner_forecasts
        Cut-off (known days) -> [routes x horizon] the combined forecast it would have made.
    notes
        Members left out, and why.
    """

    total: Vector
    path: Vector
    fitted: FittedRoutes
    baseline: Matrix
    members: Mapping[str, Matrix]
    inner_forecasts: Mapping[int, Matrix]
    notes: tuple[str, ...]

    def forecast_other(self, panel: Panel, clean: CleanHistory) -> Matrix:
        """Forecast another history of the same routes by what was learnt of this one [routes x horizon].

        The network path is the same, at the level of the other history.
        """
        other = RouteHistory.of(panel, clean)
        level, own_level = (
            float(decaying_level(total[None, :].astype(np.float32), NETWORK.level_half_life)[0, 0])
            for total in (other.total, self.total)
        )
        return self.fitted.forecast(other, self.path * level / max(own_level, 1e-9))[0]


@dataclass(frozen=True)
class CutoffForecast:
    """The routes' forecast at one cut-off, before the hubs' say in it is known.

    Attributes
    ----------
    base
        [routes x horizon] members and trees combined.
    reconciled
        [routes x horizon] the same reconciled with the hubs' own forecasts.
    path
        [horizon] network path both sum to.
    classes
        [routes] volume class at the cut-off.
    """

    base: Matrix
    reconciled: Matrix
    path: Vector
    classes: NDArray[np.int64]

    def settle(self, margin_share: MemberWeights) -> Matrix:
        """Mix base and reconciled routes as was learnt; the day's total stays the network path's."""
        mixed = margin_share.combine({"reconciled": self.reconciled, "base": self.base}, self.classes)
        return scale_to_total(mixed, self.path)


@dataclass(frozen=True)
class RouteForecaster:
    """Combines members and trees by weights that inner backtests taught.

    Attributes
    ----------
    member_weights
        Of the members among themselves.
    tree_share
        Of the combined members and the trees.
    """

    member_weights: MemberWeights
    tree_share: MemberWeights

    def forecast(
        self, history: RouteHistory, members: Mapping[str, Matrix], trees: Matrix | None, path: Vector
    ) -> CutoffForecast:
        """Combine the forecasts of a cut-off, and reconcile them with its hubs.

        Parameters
        ----------
        history
            What the cut-off knew.
        members
            Name -> [routes x horizon] forecast of each member.
        trees
            [routes x horizon] forecast of the trees, None without.
        path
            [horizon] network path.
        """
        classes = history.classes
        base = scale_to_total(self.member_weights.combine(members, classes), path)
        if trees is not None:
            pair = {"members": base, TREES: scale_to_total(trees, path)}
            base = scale_to_total(self.tree_share.combine(pair, classes), path)
        return CutoffForecast(base, reconcile_with_hubs(base, history.sums), path, classes)


def fit_routes(
    panel: Panel, clean: CleanHistory, horizon: int, seed: int, settings: ForecastSettings, progress: Progress
) -> RouteModel:
    """Forecast all routes by all members and combine them.

    The members (:mod:`forecasting.routes.members`) are weighed among themselves, then against the share trees, then reconciled with
    their hubs' own forecasts or left as they are, each as inner backtests say; the sum of the routes is brought to the network path
    (:mod:`forecasting.routes.network_path`). Trees that weigh in at earlier cut-offs are fitted on the days before the earliest of them.

    Parameters
    ----------
    panel
        Routes and dates.
    clean
        Their cleaned history.
    horizon
        Days ahead.
    seed
        Of the trees' sampling.
    settings
        Which members take part.
    progress
        Told how far the work is (steps 1 to 7 of 10).
    """
    history = RouteHistory.of(panel, clean)
    cutoffs = choose_cutoffs(clean.known, horizon, settings.inner_cutoffs, panel.size)
    trees, earlier_trees = None, None
    if settings.use_trees:
        progress.step(2, 10, TREES)
        trees = _fit_trees(history, horizon, seed)
        if trees is not None and cutoffs:
            earlier_trees = _fit_trees(history.until(min(cutoffs)), horizon, seed)
    progress.step(4, 10, "inner backtests")
    weights, inner = _fit_on_backtests(history, cutoffs, horizon, earlier_trees, progress)
    _, path, notes = forecast_network(
        history.total, history.dates, horizon, history.learnt_weight, use_prophet=settings.use_prophet
    )
    progress.step(7, 10, "routes")
    fitted = replace(weights, trees=trees)
    baseline, members = fitted.forecast(history, path)
    return RouteModel(history.total, path, fitted, baseline, members, inner, tuple(notes))


def _fit_trees(history: RouteHistory, horizon: int, seed: int) -> ShareTrees | None:
    return fit_share_trees(history.parcels, history.sums, history.learnt_weight, horizon, seed, hidden=history.hidden)


def _fit_on_backtests(
    history: RouteHistory, cutoffs: Sequence[int], horizon: int, trees: ShareTrees | None, progress: Progress
) -> tuple[FittedRoutes, dict[int, Matrix]]:
    """Learn all weights from the inner backtests, and give the forecast each of them would have made."""
    largest = largest_routes(history)
    backtests = []
    for number, cutoff in enumerate(cutoffs):
        backtests.append(backtest_members(history, cutoff, horizon, largest))
        progress.step(4 + 2 * number / len(cutoffs), 10, "inner backtests")
    member_weights = fit_member_weights(backtests)
    known = {cutoff: history.until(cutoff) for cutoff in cutoffs}
    paths = {cutoff: past.batched_path(horizon) for cutoff, past in known.items()}
    of_trees: dict[int, Matrix] = {}
    if trees is not None:
        of_trees = {at: trees.forecast(past.parcels, past.sums, paths[at]) for at, past in known.items()}
    on_largest = {cutoff: forecast[largest] for cutoff, forecast in of_trees.items()}
    forecaster = RouteForecaster(member_weights, fit_tree_share(backtests, member_weights, on_largest))
    forecasts = {
        at: forecaster.forecast(past, forecast_members(past.parcels, horizon), of_trees.get(at), paths[at])
        for at, past in known.items()
    }
    pairs = {at: (forecast.reconciled, forecast.base) for at, forecast in forecasts.items()}
    margin_share = fit_margin_share(history, pairs, horizon, 0.0 if trees is None else WEIGHING.tree_handicap)
    settled = {at: forecast.settle(margin_share) for at, forecast in forecasts.items()}
    slow_share = fit_slow_share(history, settled, horizon)
    made = {at: scale_to_total(slow_down(routes, known[at], slow_share), paths[at]) for at, routes in settled.items()}
    return FittedRoutes(forecaster, margin_share, slow_share, trees), made
