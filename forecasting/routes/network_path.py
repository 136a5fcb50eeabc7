"""The path of the whole network: one long, well-behaved series that single-series models can read."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from data.arrays import Vector
from data.constants import constant
from forecasting.routes.near_path import (
    NEAR,
    Path,
    exponential_smoothing,
    fade,
    hold_components,
    hold_smoothing,
    learn_fade,
    measure_fades,
    unobserved_components,
)
from forecasting.routes.season_and_trend import seasonal_index, trend_forecast, trend_weight
from forecasting.series.baselines import decaying_level, repeat_week, weekday_profile

PROPHET = "Prophet"
SMOOTHING = "exponential smoothing"
COMPONENTS = "unobserved components"


@dataclass(frozen=True)
class PathWeights:
    """How the paths of the network are made and weighed."""

    level_half_life: float = constant(
        14.0, "days", "of the recent level", "fitted: python -m benchmarks.forecast, Chinese network and Olist"
    )
    reversion: float = constant(
        40.0, "days", "after which a level's distance from the long-run mean has shrunk by a factor e", "judgement"
    )
    long_run: int = constant(180, "days", "of the long-run mean", "judgement")
    batched_share: float = constant(
        0.8, "1", "weight of the two levels together", "fitted: 11 cut-offs of Olist, 8 of the Chinese network"
    )
    guest_shares: Mapping[str, float] = constant(
        {SMOOTHING: 0.2, PROPHET: 0.15},
        "1",
        "weights of the guest models; Prophet's only from the lead on that stands below",
        "fitted: 11 cut-offs of Olist, 8 of the Chinese network",
    )
    prophet_from: int = constant(
        29,
        "days ahead",
        "from which Prophet takes part: before, it loses on every network measured",
        "fitted: as above",
    )
    trend_shares: Mapping[str, float] = constant(
        {SMOOTHING: 0.5}, "1", "of the trend that a model gets which follows some of it itself", "judgement"
    )
    fewest_for_smoothing: int = constant(56, "days", "of history for exponential smoothing", "judgement")
    fewest_for_prophet: int = constant(84, "days", "of history for Prophet", "judgement")
    yearly: int = constant(500, "days", "of history from which Prophet has a yearly season", "judgement")
    sharpness: float = constant(4.0, "1", "power of the inverse error in a level's weight", "judgement")
    equal_share: float = constant(
        0.5, "1", "part of the levels' weights that is equal whatever was measured", "judgement"
    )
    cutoff_step: int = constant(28, "days", "between cut-offs, and ahead of each", "judgement")
    cutoffs: int = constant(12, "cut-offs", "on which levels are weighed", "judgement")
    trend_step: int = constant(14, "days", "between the cut-offs of the trend", "judgement")
    trend_cutoffs: int = constant(26, "cut-offs", "on which the trend is weighed", "judgement")
    fewest_for_trend: int = constant(84, "days", "of history for a trend", "judgement")


NETWORK = PathWeights()


def recent_level(total: Vector, dates: NDArray[np.datetime64], horizon: int) -> Vector:
    """Hold the recent level (half-life two weeks) with its weekly profile."""
    del dates
    level, week = _read_level(_bytes_of(total))
    return _as_path(np.float32(level) * repeat_week(week, horizon))


def reverting_level(total: Vector, dates: NDArray[np.datetime64], horizon: int) -> Vector:
    """Let the recent level fall back to the mean of half a year.

    ``(m + (l - m) exp(-h / 40)) p[h]`` with l the recent level, m the mean of 180 days and p the weekly profile.
    """
    del dates
    lead = np.arange(1, horizon + 1)
    level, week = _read_level(_bytes_of(total))
    long_run = float(total[-NETWORK.long_run :].mean())
    path = long_run + (level - long_run) * np.exp(-lead / NETWORK.reversion)
    return np.asarray(path * _as_path(repeat_week(week, horizon)))


def _bytes_of(total: Vector) -> bytes:
    return np.asarray(total, dtype=np.float64).tobytes()


@lru_cache(maxsize=1024)
def _read_level(history: bytes) -> tuple[float, NDArray[np.float32]]:
    """Return the recent level [parcels a day] and the weekly profile [1 x 7] of a total [days].

    Backtests inside backtests stand on the same days again and again.
    """
    row = np.frombuffer(history)[None, :].astype(np.float32)
    week = weekday_profile(row)
    week.setflags(write=False)
    return float(decaying_level(row, NETWORK.level_half_life)[0, 0]), week


def prophet_path(total: Vector, dates: NDArray[np.datetime64], horizon: int) -> Vector:
    """Fit Prophet to the log; yearly season only where there are more than 500 days."""
    import pandas as pd

    # Prophet speaks of missing plotting packages and of every fit, each in a log of its own.
    logging.getLogger("prophet.plot").setLevel(logging.CRITICAL)
    from cmdstanpy import disable_logging
    from prophet import Prophet

    logging.getLogger("prophet").setLevel(logging.ERROR)

    model = Prophet(
        weekly_seasonality=True,
        daily_seasonality=False,
        yearly_seasonality=4 if total.size > NETWORK.yearly else False,
        changepoint_prior_scale=0.1,
        uncertainty_samples=0,
    )
    frame = pd.DataFrame({"ds": pd.to_datetime(dates), "y": np.log(np.maximum(total, 0.5))})
    with disable_logging():
        model.fit(frame)
    ahead = pd.DataFrame({"ds": pd.date_range(frame["ds"].iloc[-1], periods=horizon + 1, freq="D")[1:]})
    return np.asarray(np.exp(model.predict(ahead)["yhat"].to_numpy(dtype=np.float64)))


def _as_path(matrix: NDArray[np.floating]) -> Vector:
    return np.asarray(matrix[0], dtype=np.float64)


NEAR_PATHS: Mapping[str, Callable[[Vector], Path]] = {SMOOTHING: hold_smoothing, COMPONENTS: hold_components}
BATCHED: Mapping[str, Path] = {"recent level": recent_level, "reverting level": reverting_level}


def weigh_paths(total: Vector, dates: NDArray[np.datetime64], horizon: int, day_weight: Vector) -> Mapping[str, float]:
    """Weigh the batched paths by rolling backtests over the last year, half shrunk to equal.

    Parameters
    ----------
    total
        [days] cleaned network total.
    day_weight
        [days] how much a day counts; event days count less.
    """
    error = dict.fromkeys(BATCHED, 0.0)
    seen = False
    for back in range(1, NETWORK.cutoffs + 1):
        cutoff = total.size - back * NETWORK.cutoff_step
        if cutoff < NETWORK.cutoff_step * 2:
            break
        ahead = slice(cutoff, min(cutoff + horizon, total.size))
        days = ahead.stop - ahead.start
        for name, path in BATCHED.items():
            absolute_error = np.abs(path(total[:cutoff], dates[:cutoff], days) - total[ahead])
            error[name] += float((absolute_error * day_weight[ahead]).sum() / max(total[ahead].sum(), 1.0))
        seen = True
    least = min(error.values())
    if not seen or least <= 0:
        return dict.fromkeys(BATCHED, 1.0 / len(BATCHED))
    power = {name: (value / least) ** -NETWORK.sharpness for name, value in error.items()}
    mass = sum(power.values())
    return {
        name: (1 - NETWORK.equal_share) * value / mass + NETWORK.equal_share / len(power)
        for name, value in power.items()
    }


def weigh_trend(total: Vector, dates: NDArray[np.datetime64], day_weight: Vector) -> float:
    """Say how much of its trend the network may be expected to keep (:func:`trend_weight`).

    Cut-offs of the last year, two weeks apart and four weeks ahead, compare the actuals with the batched paths.
    """
    forecast_errors, trend_forecasts, weight = [], [], []
    for back in range(1, NETWORK.trend_cutoffs + 1):
        cutoff = total.size - back * NETWORK.trend_step
        if cutoff < NETWORK.fewest_for_trend:
            break
        ahead = slice(cutoff, min(cutoff + NETWORK.cutoff_step, total.size))
        level, trend = _without_trend(_bytes_of(total[:cutoff]), dates[:cutoff].tobytes(), ahead.stop - ahead.start)
        mass = day_weight[ahead] / max(float(day_weight[ahead].sum()), 1e-9)
        forecast_errors.append(float(mass @ np.log(np.maximum(total[ahead], 0.5) / np.maximum(level, 0.5))))
        trend_forecasts.append(float(mass @ trend))
        weight.append(float(day_weight[ahead].mean()))
    return trend_weight(np.array(forecast_errors), np.array(trend_forecasts), np.array(weight))


@lru_cache(maxsize=1024)
def _without_trend(history: bytes, dates: bytes, days: int) -> tuple[Vector, Vector]:
    """Return the mean of the batched paths with the season, and the log of the trend, over the days after a total."""
    past = np.frombuffer(history)
    level = np.mean(
        [path(past, np.frombuffer(dates, dtype="datetime64[D]"), days) for path in BATCHED.values()], axis=0
    )
    return level * seasonal_index(past, days), trend_forecast(past, days)


def batched_path(total: Vector, dates: NDArray[np.datetime64], horizon: int, day_weight: Vector) -> Vector:
    """Return the path without the guests: the batched paths by their weights, with the seasonal index and the trend by its weight."""
    path = np.zeros(horizon)
    for name, share in weigh_paths(total, dates, horizon, day_weight).items():
        path += share * BATCHED[name](total, dates, horizon)
    trend = weigh_trend(total, dates, day_weight) * trend_forecast(total, horizon)
    return np.asarray(path * seasonal_index(total, horizon) * np.exp(trend))


def forecast_network(
    total: Vector, dates: NDArray[np.datetime64], horizon: int, day_weight: Vector, use_prophet: bool
) -> tuple[Mapping[str, Vector], Vector, Sequence[str]]:
    """Forecast the network's path without events.

    The batched paths get 0.8 of the weight, shared by :func:`weigh_paths`, exponential smoothing 0.2, and from the 29th day
    on Prophet 0.15. The trend, by its weight, is added to the levels, and by half to exponential smoothing, which follows some of it
    itself. Over the first days the mean of exponential smoothing and unobserved components takes their place, with a
    weight that fades as inner backtests say (:mod:`forecasting.routes.near_path`). A model that is absent, fails or gives nonsense (a weekly
    mean outside a tenth to ten times the recent level) is left out with a note.

    Parameters
    ----------
    total
        [days] cleaned network total [parcels].
    dates
        [days].
    horizon
        Days ahead.
    day_weight
        [days] how much a day counts.
    use_prophet
        Whether Prophet is asked.

    Returns
    -------
    tuple
        Name -> [horizon] path of each model, the combined [horizon] path, and notes.
    """
    weight = {
        name: NETWORK.batched_share * share for name, share in weigh_paths(total, dates, horizon, day_weight).items()
    }
    paths: dict[str, Vector] = {name: path(total, dates, horizon) for name, path in BATCHED.items()}
    notes: list[str] = []
    usual = float(paths["recent level"].mean())
    for name, path in _guests(total, horizon, use_prophet):
        forecast = _try(name, path, total, dates, horizon, usual, notes)
        if forecast is not None:
            paths[name] = forecast
    season = seasonal_index(total, horizon)
    trend = weigh_trend(total, dates, day_weight) * trend_forecast(total, horizon)
    weight |= {name: NETWORK.guest_shares[name] for name in (SMOOTHING, PROPHET) if name in paths}
    combined, mass = np.zeros(horizon), np.zeros(horizon)
    late = np.arange(1, horizon + 1) >= NETWORK.prophet_from
    for name, own_weight in weight.items():
        # Prophet has a season and a trend of its own.
        share = NETWORK.trend_shares.get(name, 1.0)
        predicted = paths[name] if name == PROPHET else paths[name] * season * np.exp(share * trend)
        on = own_weight * (late if name == PROPHET else np.ones(horizon))
        combined += on * predicted
        mass += on
    combined /= mass
    near = [paths[name] for name in NEAR_PATHS if name in paths]
    if near:
        weight_of_near = fade(_learnt_fade(total, dates, day_weight), horizon)
        combined += weight_of_near * (np.mean(near, axis=0) - combined)
    return paths, combined, notes


def _guests(total: Vector, horizon: int, use_prophet: bool) -> list[tuple[str, Path]]:
    if total[-28:].mean() <= 0:
        return []
    asked: list[tuple[str, Path]] = []
    if total.size >= NETWORK.fewest_for_smoothing:
        asked += [(SMOOTHING, exponential_smoothing), (COMPONENTS, unobserved_components)]
    if use_prophet and total.size >= NETWORK.fewest_for_prophet and horizon >= NETWORK.prophet_from:
        asked.append((PROPHET, prophet_path))
    return asked


def _learnt_fade(total: Vector, dates: NDArray[np.datetime64], day_weight: Vector) -> float:
    """Learn from earlier cut-offs how fast the near path fades.

    The parameters of its models are fitted at the earliest of them and held: what each adds is a look at the days since.
    """
    cutoffs: list[int] = []
    for back in range(1, NEAR.cutoffs + 1):
        cutoff = total.size - back * NEAR.step
        if cutoff < NEAR.fewest_days or total[max(cutoff - 28, 0) : cutoff].mean() <= 0:
            break
        cutoffs.append(cutoff)
    held: dict[str, Path] = {}
    errors: dict[float, list[float]] = {}
    for cutoff in reversed(cutoffs):
        past, ahead = total[:cutoff], slice(cutoff, min(cutoff + NEAR.checked, total.size))
        days = ahead.stop - ahead.start
        rest = np.mean([path(past, dates[:cutoff], days) for path in BATCHED.values()], axis=0)
        usual = float(rest.mean())
        unheard: list[str] = []
        predicted = [
            found
            for name, hold in NEAR_PATHS.items()
            if (found := _try(name, _by_held(name, hold, held), past, dates[:cutoff], days, usual, unheard)) is not None
        ]
        if predicted:
            near = np.mean(predicted, axis=0)
            for tau, error in measure_fades(rest, near, total[ahead], day_weight[ahead]).items():
                errors.setdefault(tau, []).append(error)
    return learn_fade(errors)


def _by_held(name: str, hold: Callable[[Vector], Path], held: dict[str, Path]) -> Path:
    """Return the path of a model whose parameters are fitted the first time it is asked, and kept in ``held``."""

    def path(total: Vector, dates: NDArray[np.datetime64], horizon: int) -> Vector:
        if name not in held:
            held[name] = hold(total)
        return held[name](total, dates, horizon)

    return path


def _try(
    name: str, path: Path, total: Vector, dates: NDArray[np.datetime64], horizon: int, usual: float, notes: list[str]
) -> Vector | None:
    # Whatever a guest model raises, the forecast goes on without it: a note says so.
    try:
        forecast = path(total, dates, max(horizon, 7))
    except Exception as error:  # noqa: BLE001
        notes.append(f"{name} took no part in the network path ({type(error).__name__}: {error}).")
        return None
    # A network that rests on Sundays has days near none: weeks are what must make sense.
    weeks = forecast[: forecast.size // 7 * 7].reshape(-1, 7).mean(axis=1)
    if not np.isfinite(forecast).all() or weeks.min() < 0.1 * usual or weeks.max() > 10 * usual:
        notes.append(f"{name} took no part in the network path: its forecast leaves a tenth to ten times the usual.")
        return None
    return forecast[:horizon]
