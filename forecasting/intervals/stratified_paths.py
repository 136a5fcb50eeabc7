"""Draws in strata of what moves all routes at once, so that few draws tell a small probability."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from data.errors import RadarError
from data.strata import lay_strata
from forecasting.intervals.sample_paths import PathModel, draw_paths

STRATA = 25  # equally likely; of them 250 draws give ten each (judgement)


def cut_days(model: PathModel, first: date, last: date) -> PathModel:
    """Keep some days of a model.

    Raises
    ------
    RadarError
        When the forecast does not cover all of them.
    """
    days = model.dates.astype("datetime64[D]")
    start, end = np.datetime64(first), np.datetime64(last)
    in_window = (days >= start) & (days <= end)
    if int(in_window.sum()) != (last - first).days + 1:
        raise RadarError(
            f"a forecast of {days[0]} to {days[-1]}", f"one that covers {first} to {last}", "forecast these days first"
        )
    return replace(
        model,
        dates=model.dates[in_window],
        knots=np.ascontiguousarray(model.knots[:, in_window]),
        network=model.network[in_window],
        hub_out=np.ascontiguousarray(model.hub_out[:, in_window]),
        hub_in=np.ascontiguousarray(model.hub_in[:, in_window]),
        shared_out=model.shared_out[:, in_window],
        shared_in=model.shared_in[:, in_window],
        weights=np.ascontiguousarray(model.weights[:, :, in_window]),
        event_run=model.event_run[in_window],
    )


def draw_strata(model: PathModel, draws: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Draw futures of all routes, draw n in stratum n modulo ``STRATA`` of what moves all routes; a last round that is not whole is spread over all of it.

    Parameters
    ----------
    model
        Cut to the days of interest: strata are of the parcels of all its days.
    draws, seed
        As :func:`draw_paths` takes them; whole rounds of ``STRATA`` draws are the same in a longer run.

    Yields
    ------
    NDArray[np.int64]
        [routes x days] parcels.
    """
    from scipy.special import ndtri

    places = np.random.default_rng([seed, 0, STRATA]).random(max(draws, 1))
    stratum, of = lay_strata(draws, STRATA)
    levels = ndtri((stratum + places[:draws]) / of)
    yield from draw_paths(model, draws, seed, [float(level) for level in levels])
