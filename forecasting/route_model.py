"""The route level: members, their combination, and the same at earlier cut-offs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.progress import Progress
from forecasting.cleaning import CleanHistory
from forecasting.combination import choose_weights, combine, measure_members
from forecasting.inner_backtests import choose_cutoffs, recent_volume
from forecasting.inputs import ForecastSettings
from forecasting.members import forecast_members
from forecasting.panel import Panel
from forecasting.volume_classes import volume_class

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class RouteModel:
    """The routes' forecast without events.

    Attributes
    ----------
    baseline
        [routes x horizon] combined forecast.
    members
        Name -> [routes x horizon] the members in it.
    weights
        [classes x blocks x members] their weights.
    inner_forecast
        Gives the combined forecast [routes x horizon] that an inner cut-off (known days) would have made.
    notes
        Members left out, and why.
    """

    baseline: Matrix
    members: Mapping[str, Matrix]
    weights: NDArray[np.float64]
    inner_forecast: Callable[[int], Matrix]
    notes: tuple[str, ...]


def fit_routes(
    panel: Panel, clean: CleanHistory, horizon: int, seed: int, settings: ForecastSettings, progress: Progress
) -> RouteModel:
    """Forecast all routes by all members and combine them."""
    del panel, seed
    cutoffs = choose_cutoffs(clean.known, horizon, settings.inner_cutoffs)
    members = forecast_members(clean.parcels, horizon)
    errors = []
    for number, cutoff in enumerate(cutoffs):
        past, ahead = clean.parcels[:, :cutoff], min(horizon, clean.known - cutoff)
        inner = {name: matrix[:, :ahead] for name, matrix in forecast_members(past, horizon).items()}
        day_weight = np.where(clean.filled[cutoff : cutoff + ahead], 0.0, clean.calmness[cutoff : cutoff + ahead])
        truth = clean.parcels[:, cutoff : cutoff + ahead]
        errors.append(measure_members(inner, truth, volume_class(recent_volume(past)), day_weight))
        progress.step(2 + 3 * number / max(len(cutoffs), 1), 10, "inner backtests")
    weights = choose_weights(errors, list(members))

    def inner_forecast(cutoff: int) -> Matrix:
        past = clean.parcels[:, :cutoff]
        return combine(forecast_members(past, horizon), weights, volume_class(recent_volume(past)))

    baseline = combine(members, weights, volume_class(recent_volume(clean.parcels)))
    return RouteModel(baseline, members, weights, inner_forecast, ())
