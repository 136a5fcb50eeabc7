"""Rolling backtests: forecast from what was known on a day, then look at the actuals."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.errors import RadarError
from data.progress import SILENT, Progress
from data.silent_days import Silence, find_silences
from forecasting.evaluation.backtest_case import NAIVE_MODELS, RADAR, Case
from forecasting.evaluation.scores import score_forecast
from forecasting.history.as_of_view import restrict
from forecasting.inputs import ForecastInputs, ForecastSettings
from forecasting.results import Forecasts
from forecasting.series.windows import mark_windows


class Forecaster(Protocol):
    """What a backtest calls: :func:`forecasting.forecast.forecast`."""

    def __call__(
        self,
        inputs: ForecastInputs,
        as_of: dt.date,
        horizon: int,
        *,
        seed: int,
        settings: ForecastSettings,
        progress: Progress,
    ) -> Forecasts:
        """Forecast all levels from a view of the tables."""
        ...


@dataclass(frozen=True)
class Backtest:
    """What a backtest shows.

    Attributes
    ----------
    scores
        Columns of ``scores.SCORE_SCHEMA``, by level, model, as-of date, lead block and window.
    causes
        as_of, model, known (what is taken from the truth, step by step), accuracy of the routes: where the route
        error comes from.
    breaks
        as_of and the columns of ``structural_breaks.BREAK_SCHEMA``: hubs that changed in the window unannounced.
    notes
        as_of and note: the forecast's own notes.
    """

    scores: pl.DataFrame
    causes: pl.DataFrame
    breaks: pl.DataFrame
    notes: pl.DataFrame


def run_backtest(
    inputs: ForecastInputs,
    as_of_dates: Sequence[dt.date],
    horizon: int,
    forecaster: Forecaster,
    *,
    models: Sequence[str] | None = None,
    seed: int = 0,
    settings: ForecastSettings | None = None,
    progress: Progress = SILENT,
) -> Backtest:
    """Forecast from each date on what was known then, and score it.

    Parameters
    ----------
    inputs
        All tables, the days after the as-of dates included.
    as_of_dates
        Last known day of each cut-off.
    horizon
        Days ahead.
    forecaster
        Gets the view of :func:`forecasting.history.as_of_view.restrict`, never ``inputs``.
    models
        Names to score: ``radar`` (what is published) and members of its combination. None scores all. The seasonal
        naive and the mean of the weekday over four weeks are always scored.
    seed, settings, progress
        Handed on to the forecaster.

    Returns
    -------
    Backtest

    Raises
    ------
    RadarError
        When a date leaves no history before it or not all days after it, or a model is unknown.
    """
    dates = sorted(set(as_of_dates))
    _check_dates(inputs.route_volumes, dates, horizon)
    chosen_settings = settings or ForecastSettings()
    unknown = [
        run
        for run in find_silences(inputs.route_volumes, chosen_settings.closed)
        if run.scope == "network" and run.meaning == "unknown"
    ]
    scores: list[pl.DataFrame] = []
    causes: list[pl.DataFrame] = []
    breaks: list[pl.DataFrame] = []
    notes: list[tuple[dt.date, str]] = []
    for number, as_of in enumerate(dates):
        progress.step(number, len(dates), f"as of {as_of}")
        view = restrict(inputs, as_of)
        forecasts = forecaster(view, as_of, horizon, seed=seed, settings=chosen_settings, progress=SILENT)
        case = Case(inputs, view, forecasts, as_of, horizon)
        first = as_of + dt.timedelta(days=1)
        known = _known_days(unknown, first, horizon)
        marks = mark_windows(inputs.events, first, horizon)
        windows = {"all": known, **{name: days & known for name, days in marks.items()}}
        chosen = _choose(models, forecasts)
        scores.extend(score_forecast(scored, windows) for scored in case.scored(chosen))
        causes.append(case.causes())
        breaks.append(case.breaks())
        notes.extend((as_of, note) for note in forecasts.notes)
        if not known.all():
            unscored = f"{int((~known).sum())} of {horizon} days after {as_of} hold no row of route_volumes: they are not scored."
            notes.append((as_of, unscored))
    progress.step(len(dates), len(dates))
    return Backtest(
        pl.concat(scores).sort("level", "model", "as_of", "lead_days", "window"),
        pl.concat(causes),
        pl.concat(breaks),
        pl.DataFrame(notes, schema={"as_of": pl.Date, "note": pl.String}, orient="row"),
    )


def _known_days(unknown: Sequence[Silence], first: dt.date, horizon: int) -> NDArray[np.bool_]:
    """Mark the days of a window of which something is known."""
    known = np.ones(horizon, dtype=np.bool_)
    for run in unknown:
        known[max(0, (run.date_from - first).days) : max(0, (run.date_to - first).days + 1)] = False
    return known


def _check_dates(volumes: pl.DataFrame, dates: Sequence[dt.date], horizon: int) -> None:
    if not dates or horizon < 1:
        raise RadarError("no as-of date or no day to forecast", "at least one date and a horizon of 1 or more")
    first, last = volumes["date"].min(), volumes["date"].max()
    if not isinstance(first, dt.date) or not isinstance(last, dt.date):
        raise RadarError("no route volumes to backtest on", action="load route_volumes or waybills first")
    for as_of in dates:
        if as_of < first or as_of + dt.timedelta(days=horizon) > last:
            latest = last - dt.timedelta(days=horizon)
            raise RadarError(
                f"as-of date {as_of} with {horizon} days ahead",
                f"a date from {first} to {latest}, so that history stands before it and actuals after it",
                "choose an earlier date or a shorter horizon",
            )


def _choose(models: Sequence[str] | None, forecasts: Forecasts) -> tuple[str, ...]:
    known = (RADAR, *sorted(set(forecasts.matrices.member_means) - set(NAIVE_MODELS)))
    if models is None:
        return known
    unknown = sorted(set(models) - set(known) - set(NAIVE_MODELS))
    if unknown:
        raise RadarError(f"model {unknown[0]}", f"one of {', '.join((*known, *NAIVE_MODELS))}", "correct --models")
    return tuple(name for name in known if name in models)
