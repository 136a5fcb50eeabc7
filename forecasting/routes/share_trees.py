"""Share trees: gradient boosting over all routes at once on how a route moves against its network.

Trees see shares only: every day is divided by what the network carried on it. The target is the route's share on the day ahead over its
recent one. What is common to all routes is left to the network path; the trees learn what a route's last days, its hubs and its
weekly habits say about the share it will have: opening, closing, switching, fading.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from data.arrays import Vector
from data.constants import constant
from data.threads import one_thread
from forecasting.routes.members import CHUNK
from forecasting.routes.route_history import HubSums
from forecasting.series.baselines import WEEK, weekday_profile

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingRegressor

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class TreeRules:
    """What share trees learn from."""

    windows: tuple[int, ...] = constant(
        (1, 2, 3, 5, 7, 14, 28, 56, 112),
        "days",
        "whose means are features",
        "fitted: python -m benchmarks.forecast, Chinese network",
    )
    look_back: int = constant(112, "days", "of history a feature may look at", "judgement")
    training_rows: int = constant(
        40_000,
        "rows",
        "that each quantile learns from at most",
        "fitted: python -m benchmarks.forecast, Chinese network",
    )
    training_days: int = constant(
        420, "days", "back from which rows are drawn", "fitted: python -m benchmarks.forecast, Chinese network"
    )
    origin_step: int = constant(
        2, "days", "between the days rows start from", "fitted: python -m benchmarks.forecast, Chinese network"
    )
    fewest_days: int = constant(70, "days", "of history below which there is nothing to learn from", "judgement")
    quantiles: tuple[float, ...] = constant(
        (0.5, 0.6, 0.7),
        "1",
        "of the share whose mean is the forecast: absolute errors resist heavy tails, and the mean of three, above the middle because shares are skewed, gives routes of wide errors their part of the sum",
        "fitted: python -m benchmarks.forecast, Chinese network",
    )
    scale_windows: Mapping[int, float] = constant(
        {7: 0.5, 14: 0.3, 28: 0.2}, "days -> weight", "of the mean of so many days in a route's scale", "judgement"
    )
    scale_days: int = constant(28, "days", "that a route's scale looks back on", "judgement")
    volume_power: float = constant(
        0.7,
        "1",
        "of a route's scale in the chance of its rows",
        "fitted: python -m benchmarks.forecast, Chinese network",
    )
    largest_ratio: float = constant(8.0, "1", "of a share ahead over the recent one, as a target", "judgement")
    smallest_scale: float = constant(0.05, "parcels/day", "in the denominator of a feature", "judgement")


TREE = TreeRules()


@dataclass(frozen=True)
class ShareTrees:
    """The fitted models.

    Attributes
    ----------
    models
        Boosted trees on the features of this module, one for each of :data:`TREE.quantiles`.
    """

    models: tuple[HistGradientBoostingRegressor, ...]

    def forecast(self, history: Matrix, sums: HubSums, path: Vector) -> Matrix:
        """Forecast every route.

        Parameters
        ----------
        history
            [routes x days] cleaned parcels up to the cut-off.
        sums
            Sums of the same days.
        path
            [horizon] network path without events.

        Returns
        -------
        Matrix
            [routes x horizon] parcels. Routes silent for four weeks get none.
        """
        horizon = path.size
        day = history.shape[1]
        level, per_parcel = _against_network(sums.network[0], day)
        relative = (path / max(level, 1e-9)).astype(np.float32)
        result = np.zeros((history.shape[0], horizon), dtype=np.float32)
        leads = np.arange(1, horizon + 1)
        for start in range(0, history.shape[0], CHUNK // 4):
            rows = np.arange(start, min(start + CHUNK // 4, history.shape[0]))
            alive = rows[_scale(history[rows][:, -TREE.scale_days :] * per_parcel[-TREE.scale_days :]) > 0]
            if alive.size == 0:
                continue
            state = _RouteState.at(history, alive, day, sums)
            table = state.features(np.repeat(np.arange(alive.size), horizon), np.tile(leads, alive.size))
            ratio = np.zeros((alive.size, horizon), dtype=np.float32)
            # On so few rows threads gain little, and on a busy machine they wait for each other.
            with one_thread("openmp"):
                for model in self.models:
                    predicted = np.maximum(model.predict(table), 0).reshape(alive.size, horizon)
                    ratio += predicted.astype(np.float32) / np.float32(len(self.models))
            result[alive] = ratio * state.scale[:, None] * relative
        return result


def fit_share_trees(
    history: Matrix,
    sums: HubSums,
    calmness: Vector,
    horizon: int,
    seed: int,
    rows: int = TREE.training_rows,
    hidden: NDArray[np.bool_] | None = None,
) -> ShareTrees | None:
    """Fit the trees on earlier days of all routes.

    Rows are (route, origin day, lead), drawn with a chance that grows with the 0.7th power of the route's scale and falls with
    what an event did to the target day: large routes count for more, small ones are not forgotten, and no row needs a weight.
    Each quantile draws rows of its own.

    Parameters
    ----------
    history
        [routes x days] cleaned parcels.
    sums
        Sums of the same days.
    calmness
        [days] how much a day counts as target; event days count less.
    horizon
        Longest lead to learn [days].
    seed
        Of the sampling.
    rows
        How many rows each quantile learns from at most.
    hidden
        [routes x days] cells that are no target.

    Returns
    -------
    ShareTrees | None
        None when the history is too short or empty.
    """
    days = history.shape[1]
    if days < TREE.fewest_days or history.shape[0] == 0:
        return None
    from sklearn.ensemble import HistGradientBoostingRegressor

    models: list[HistGradientBoostingRegressor] = []
    for number, quantile in enumerate(TREE.quantiles):
        training = _draw_rows(
            history, sums, calmness, min(horizon, 28), np.random.default_rng((seed, number)), rows, hidden
        )
        if training is None:
            return None
        model = HistGradientBoostingRegressor(
            loss="quantile",
            quantile=quantile,
            max_iter=50,
            learning_rate=0.12,
            max_leaf_nodes=15,
            min_samples_leaf=40,
            l2_regularization=1.0,
            max_bins=63,
            early_stopping=False,
            random_state=seed,
        )
        with one_thread("openmp"):
            model.fit(*training)
        models.append(model)
    return ShareTrees(tuple(models))


def _draw_rows(
    history: Matrix,
    sums: HubSums,
    calmness: Vector,
    longest: int,
    generator: np.random.Generator,
    rows: int,
    hidden: NDArray[np.bool_] | None = None,
) -> tuple[Matrix, Matrix] | None:
    """Draw (route, origin day, lead) rows: features and target; None when there is nothing to draw from."""
    days = history.shape[1]
    origins = list(range(days - 1, max(TREE.fewest_days - 14, days - TREE.training_days), -TREE.origin_step))
    quota = -(-rows // max(len(origins), 1))
    features: list[Matrix] = []
    targets: list[Matrix] = []
    network = sums.network[0]
    for last in origins:
        origin = last - int(generator.integers(0, TREE.origin_step))
        if origin < TREE.fewest_days - 28:
            continue
        level, per_parcel = _against_network(network, origin)
        recent = slice(max(0, origin - TREE.scale_days), origin)
        scale = _scale(history[:, recent] * per_parcel[-TREE.scale_days :])
        chance = scale.astype(np.float64) ** TREE.volume_power
        if chance.sum() <= 0:
            continue
        sampled = generator.choice(scale.size, size=quota, p=chance / chance.sum())
        lead = generator.integers(1, longest + 1, size=quota)
        target_day = np.minimum(origin + lead, days) - 1
        known = (origin + lead <= days) & (generator.random(quota) < calmness[target_day])
        if hidden is not None:
            known &= ~hidden[sampled, target_day]
        sampled, lead = sampled[known], lead[known]
        if sampled.size == 0:
            continue
        picked, place = np.unique(sampled, return_inverse=True)
        state = _RouteState.at(history, picked, origin, sums)
        target_day = origin + lead - 1
        common = np.maximum(network[target_day] / max(level, 1e-9), 1e-3)
        ratio = history[sampled, target_day] / np.maximum(state.scale[place], 1e-9) / common
        features.append(state.features(place, lead))
        targets.append(np.minimum(ratio, TREE.largest_ratio).astype(np.float32))
    if not features:
        return None
    return np.concatenate(features), np.concatenate(targets)


def _against_network(network: Matrix, day: int) -> tuple[float, Matrix]:
    """Return the network's level before a day [parcels a day], and a factor for each of the days looked back on.

    The factor turns a day's parcels into parcels at that level: shares, kept in the unit of parcels.
    """
    back = network[max(0, day - TREE.look_back) : day].astype(np.float64)
    level = float(back[-TREE.scale_days :].mean()) if back.size else 0.0
    factor = np.divide(level, back, out=np.zeros_like(back), where=back > 0)
    return level, factor.astype(np.float32)


def _scale(recent: Matrix) -> Matrix:
    """Return the [series] scale: half the last week's mean, the rest that of two and of four weeks."""
    scale = np.zeros(recent.shape[0], dtype=np.float32)
    for days, share in TREE.scale_windows.items():
        scale += np.float32(share) * _mean_of_last(recent, days)
    return scale


def _mean_of_last(recent: Matrix, days: int) -> Matrix:
    window = recent[:, -days:]
    if window.shape[1] == 0:
        return np.zeros(recent.shape[0], dtype=np.float32)
    return np.asarray(window.mean(axis=1), dtype=np.float32)


@dataclass(frozen=True)
class _RouteState:
    """What is known of some routes on a day.

    Attributes
    ----------
    scale
        [routes].
    steady
        [routes x features] features that do not depend on the lead.
    week
        Name of lead feature -> [routes x 7], column 0 the weekday of the first day ahead.
    """

    scale: Matrix
    steady: Matrix
    week: tuple[Matrix, ...]

    @classmethod
    def at(cls, history: Matrix, routes: NDArray[np.int64], day: int, sums: HubSums) -> _RouteState:
        first = max(0, day - TREE.look_back)
        per_parcel = _against_network(sums.network[0], day)[1]
        own = history[routes, first:day] * per_parcel
        out, into = sums.out.index[routes], sums.into.index[routes]
        out_hub, into_hub = sums.out_sums[:, first:day] * per_parcel, sums.into_sums[:, first:day] * per_parcel
        scale = _scale(own)
        out_scale, into_scale = _scale(out_hub), _scale(into_hub)
        columns = [_log_ratio(_mean_of_last(own, days), scale, 0.02 * scale + 0.05) for days in TREE.windows]
        for days in (1, 3, 7, 14, 28, 56):
            columns.append(_log_ratio(_mean_of_last(out_hub, days), out_scale, 1.0)[out])
            columns.append(_log_ratio(_mean_of_last(into_hub, days), into_scale, 1.0)[into])
        carried = own > 0
        columns += [_mean_of_last(carried.astype(np.float32), days) for days in (7, 14, 28, 56)]
        any_day = carried.any(axis=1)
        columns.append(np.where(any_day, carried[:, ::-1].argmax(axis=1), TREE.look_back).astype(np.float32))
        columns.append(np.where(any_day, carried.shape[1] - carried.argmax(axis=1), 0).astype(np.float32))
        columns.append(np.log1p(scale))
        columns.append(np.asarray(scale / np.maximum(out_scale[out], 1e-6), dtype=np.float32))
        columns.append(np.asarray(scale / np.maximum(into_scale[into], 1e-6), dtype=np.float32))
        spread = own[:, -28:].std(axis=1) / np.maximum(_mean_of_last(own, 28), TREE.smallest_scale)
        largest = own[:, -14:].max(axis=1, initial=0) / np.maximum(scale, TREE.smallest_scale)
        columns += [spread.astype(np.float32), largest.astype(np.float32)]
        steady = np.stack([np.asarray(column, dtype=np.float32) for column in columns], axis=1)
        base = np.maximum(scale, TREE.smallest_scale)[:, None]
        last_weeks = [
            own[:, own.shape[1] - WEEK * back :][:, :WEEK] / base
            for back in (1, 2, 3, 4)
            if own.shape[1] >= WEEK * back
        ]
        while len(last_weeks) < 4:
            last_weeks.append(np.ones((routes.size, WEEK), dtype=np.float32))
        week = (
            weekday_profile(own),
            weekday_profile(out_hub)[out],
            weekday_profile(into_hub)[into],
            last_weeks[0],
            last_weeks[1],
            (last_weeks[2] + last_weeks[3]) / 2,
        )
        return cls(scale, steady, tuple(np.asarray(part, dtype=np.float32) for part in week))

    def features(self, route: NDArray[np.int64], lead: NDArray[np.int64]) -> Matrix:
        """Lay out the rows of some (route, lead) pairs."""
        weekday = (lead - 1) % WEEK
        width = self.steady.shape[1]
        table = np.empty((route.size, width + len(self.week) + 1), dtype=np.float32)
        table[:, :width] = self.steady[route]
        for at, part in enumerate(self.week):
            table[:, width + at] = part[route, weekday]
        table[:, -1] = lead
        return table


def _log_ratio(value: Matrix, base: Matrix, floor: Matrix | float) -> Matrix:
    return np.asarray(np.log((value + floor) / (base + floor)), dtype=np.float32)
