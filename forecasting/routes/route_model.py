"""The route level: members, their combination, and the same at earlier cut-offs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from data.progress import Progress
from forecasting.history.cleaning import CleanHistory
from forecasting.inputs import ForecastSettings
from forecasting.routes.combination import MemberErrors, choose_share, choose_weights, combine, measure_members, mix
from forecasting.routes.hub_reconciliation import draw_to_margins
from forecasting.routes.inner_backtests import choose_cutoffs, recent_volume
from forecasting.routes.members import MEMBER_NAMES, forecast_members
from forecasting.routes.network_path import batched_path, forecast_network
from forecasting.routes.share_trees import Groups, ShareTrees, fit_share_trees
from forecasting.series.panel import Panel
from forecasting.series.volume_classes import volume_class

Matrix = NDArray[np.float32]
Vector = NDArray[np.float64]

TREES = "share trees"
WEIGHING_ROUTES = 20_000
"""Routes on which members are weighed; the largest, where there are more."""
TREE_HANDICAP = 0.5
"""The trees that are weighed end months before the days they are tried on; today's end yesterday."""
_LARGEST_CORRECTION = 1.5


@dataclass(frozen=True)
class RouteModel:
    """The routes' forecast without events.

    Attributes
    ----------
    baseline
        [routes x horizon] combined forecast.
    members
        Name -> [routes x horizon] the members in it.
    weights, tree_weights
        [classes x blocks x members] of the batched members, and of (batched, trees).
    inner_forecast
        Gives the combined forecast [routes x horizon] that an inner cut-off (known days) would have made.
    notes
        Members left out, and why.
    """

    baseline: Matrix
    members: Mapping[str, Matrix]
    weights: NDArray[np.float64]
    tree_weights: NDArray[np.float64]
    inner_forecast: Callable[[int], Matrix]
    notes: tuple[str, ...]


@dataclass
class _Builder:
    """Makes the combined forecast for any cut-off; what it learns is set step by step."""

    panel: Panel
    clean: CleanHistory
    horizon: int
    groups: Groups
    trees: ShareTrees | None = None
    grown: dict[int, Matrix] = field(default_factory=dict)
    drawn: dict[int, tuple[Matrix, Matrix]] = field(default_factory=dict)
    weights: NDArray[np.float64] = field(init=False)
    tree_weights: NDArray[np.float64] = field(init=False)
    margin_weights: NDArray[np.float64] = field(init=False)

    def path_until(self, cutoff: int) -> Vector:
        """Return the network path a cut-off would have drawn by the batched paths."""
        total, dates = self.groups.network[0, :cutoff].astype(np.float64), self.panel.dates[:cutoff]
        return batched_path(total, dates, self.horizon, self.clean.calmness[:cutoff])

    def grown_until(self, cutoff: int, path: Vector) -> Matrix | None:
        """Return what the trees would have said at a cut-off; said once."""
        if self.trees is None:
            return None
        if cutoff not in self.grown:
            self.grown[cutoff] = self.trees.forecast(self.clean.parcels[:, :cutoff], self.groups.until(cutoff), path)
        return self.grown[cutoff]

    def weigh(self, cutoffs: list[int], tell: Callable[[int], None]) -> None:
        """Learn the weights of the members.

        Shares are what is weighed: every member is brought to the true total of each day first, because the total is another's
        part (:mod:`forecasting.routes.network_path`), and its error would hide theirs.
        """
        largest = np.sort(np.argsort(-recent_volume(self.clean.parcels), kind="stable")[:WEIGHING_ROUTES])
        errors: list[MemberErrors] = []
        runs = []
        for number, cutoff in enumerate(cutoffs):
            past, truth, day_weight = self._inner(cutoff, largest)
            ahead, total = truth.shape[1], truth.sum(axis=0, dtype=np.float64)
            found = {
                name: to_path(said[:, :ahead], total) for name, said in forecast_members(past, self.horizon).items()
            }
            classes = volume_class(recent_volume(past))
            errors.append(measure_members(found, truth, classes, day_weight))
            runs.append((cutoff, found, truth, classes, day_weight))
            tell(number)
        self.weights = choose_weights(errors, MEMBER_NAMES)
        pairs: list[MemberErrors] = []
        for cutoff, found, truth, classes, day_weight in runs:
            ahead, total = truth.shape[1], truth.sum(axis=0, dtype=np.float64)
            grown = self.grown_until(cutoff, self.path_until(cutoff))
            if grown is None:
                break
            batched = to_path(combine(found, self.weights, classes), total)
            pairs.append(
                measure_members(mix(batched, to_path(grown[largest, :ahead], total)), truth, classes, day_weight)
            )
        self.tree_weights = choose_share(pairs, TREE_HANDICAP)

    def _inner(self, cutoff: int, routes: NDArray[np.int64]) -> tuple[Matrix, Matrix, Vector]:
        clean = self.clean
        ahead = slice(cutoff, min(cutoff + self.horizon, clean.known))
        day_weight = np.where(clean.filled[ahead], 0.0, clean.calmness[ahead])
        if routes.size == clean.parcels.shape[0]:
            return clean.parcels[:, :cutoff], clean.parcels[:, ahead], day_weight
        return clean.parcels[routes, :cutoff], clean.parcels[routes][:, ahead], day_weight

    def weigh_margins(self, cutoffs: list[int]) -> None:
        """Learn how far the hubs' own forecasts may draw the routes."""
        pairs: list[MemberErrors] = []
        for cutoff in cutoffs:
            past, truth, day_weight = self._inner(cutoff, np.arange(self.panel.size))
            total, ahead = truth.sum(axis=0, dtype=np.float64), truth.shape[1]
            drawn, free = (to_path(routes[:, :ahead], total) for routes in self.drawn_until(cutoff))
            pairs.append(measure_members(mix(drawn, free), truth, volume_class(recent_volume(past)), day_weight))
        self.margin_weights = choose_share(pairs, 0.0 if self.trees is None else TREE_HANDICAP)

    def drawn_until(self, cutoff: int) -> tuple[Matrix, Matrix]:
        """Return the routes drawn to their hubs' margins and those left free, as a cut-off would have had them; made once."""
        if cutoff not in self.drawn:
            past, path = self.clean.parcels[:, :cutoff], self.path_until(cutoff)
            free = self.free_routes(past, forecast_members(past, self.horizon), self.grown_until(cutoff, path), path)
            self.drawn[cutoff] = self.draw(free, cutoff), free
        return self.drawn[cutoff]

    def free_routes(self, past: Matrix, members: Mapping[str, Matrix], grown: Matrix | None, path: Vector) -> Matrix:
        """Combine batched members and trees, and bring their sum to the network path."""
        classes = volume_class(recent_volume(past))
        routes = to_path(combine(members, self.weights, classes), path)
        if grown is None:
            return routes
        return to_path(combine({"batched": routes, TREES: to_path(grown, path)}, self.tree_weights, classes), path)

    def draw(self, free: Matrix, cutoff: int) -> Matrix:
        """Draw routes to the margins of their hubs."""
        sums = self.groups.until(cutoff)
        return draw_to_margins(free, sums.out, sums.into, sums.out_sums, sums.into_sums)

    def settle(self, drawn: Matrix, free: Matrix, cutoff: int, path: Vector) -> Matrix:
        """Mix the routes drawn and left free as was learnt; the day's total stays the network path's."""
        classes = volume_class(recent_volume(self.clean.parcels[:, :cutoff]))
        return to_path(combine({"drawn": drawn, "free": free}, self.margin_weights, classes), path)


def fit_routes(
    panel: Panel, clean: CleanHistory, horizon: int, seed: int, settings: ForecastSettings, progress: Progress
) -> RouteModel:
    """Forecast all routes by all members and combine them.

    The batched members (:mod:`forecasting.routes.members`) are weighed among themselves, then against the share trees, then drawn to
    their hubs' own forecasts or left free, each as inner backtests say; the sum of the routes is brought to the network path
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
    cutoffs = choose_cutoffs(clean.known, horizon, settings.inner_cutoffs, panel.size)
    groups = Groups.of(clean.parcels, panel.membership("hub_out"), panel.membership("hub_in"))
    builder = _Builder(panel, clean, horizon, groups)
    trees: ShareTrees | None = None
    if settings.use_trees:
        progress.step(2, 10, "share trees")
        trees = fit_share_trees(clean.parcels, groups, clean.calmness, horizon, seed)
        if trees is not None and cutoffs:
            day = min(cutoffs)
            builder.trees = fit_share_trees(
                clean.parcels[:, :day], groups.until(day), clean.calmness[:day], horizon, seed
            )
    progress.step(4, 10, "inner backtests")
    builder.weigh(cutoffs, lambda number: progress.step(4 + 2 * number / len(cutoffs), 10, "inner backtests"))
    builder.weigh_margins(cutoffs)
    _, path, notes = forecast_network(
        groups.network[0].astype(np.float64), panel.dates, horizon, clean.calmness[: clean.known], settings.use_prophet
    )
    progress.step(7, 10, "routes")
    members = forecast_members(clean.parcels, horizon)
    grown = None if trees is None else trees.forecast(clean.parcels, groups, path)
    free = builder.free_routes(clean.parcels, members, grown, path)
    baseline = builder.settle(builder.draw(free, clean.known), free, clean.known, path)
    if grown is not None:
        members[TREES] = to_path(grown, path)

    def inner_forecast(cutoff: int) -> Matrix:
        return builder.settle(*builder.drawn_until(cutoff), cutoff, builder.path_until(cutoff))

    return RouteModel(baseline, members, builder.weights, builder.tree_weights, inner_forecast, tuple(notes))


def to_path(routes: Matrix, path: Vector) -> Matrix:
    """Scale each day so that the routes sum to the network path, by half to one and a half at most.

    Parameters
    ----------
    routes
        [routes x days] parcels.
    path
        [days] parcels.
    """
    total = routes.sum(axis=0, dtype=np.float64)
    factor = np.divide(path, total, out=np.ones_like(total), where=total > 0)
    return np.asarray(routes * np.clip(factor, 1 / _LARGEST_CORRECTION, _LARGEST_CORRECTION).astype(np.float32))
