"""What history shows of weather's effects: regressions shrunk towards the published figures.

A few years hold few snowstorms. Each figure is therefore a weighted mean of what is published (the prior) and what was
measured here, weighted by how sure each is; the weight of history is reported beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.arrays import Floats
from data.constants import constant
from weather.learning.out_of_sample import NOTHING_LEFT_OUT, gain_of_errors


@dataclass(frozen=True)
class VolumeRules:
    """What is learnt of a hub's parcels in snow and rain."""

    most_kept_back: float = constant(
        0.9, "1", "of a hub's parcels that a day's weather keeps back at most", "judgement"
    )
    lags: int = constant(3, "days", "after the weather on which what it kept back may come", "judgement")
    enough: float = constant(0.5, "1", "weight of history from which it replaces the published figure", "judgement")
    window: int = constant(29, "days", "around a day, whose median is its ordinary level", "judgement")
    least_parcels: int = constant(30, "parcels/day", "of a hub; days with fewer say nothing", "judgement")
    outlier: float = constant(1.2, "log units", "from the level; days farther from it were something else", "judgement")
    parts: int = constant(5, "parts", "of the time that are left out in turn", "judgement")
    met: float = constant(
        0.5, "cm, mm", "of snow, or of rain above 10 mm, of a day from which a hub-day counts as met by it", "judgement"
    )
    rate: Mapping[str, float] = constant(
        {"snow": 0.02, "rain": 0.001},
        "log units/cm, /mm",
        "loss expected before any history, and its standard deviation",
        "judgement: courier productivity of the warning colours with 15 % spare (0.92 at 6 cm, 0.80 at 10 cm, 0.63 at "
        "15 cm of snow; 0.80 at 100 mm of rain)",
    )
    lag: Mapping[str, float] = constant(
        {"snow": 0.01, "rain": 0.0005}, "log units/cm, /mm", "standard deviation of what comes back a day", "judgement"
    )


VOLUMES = VolumeRules()


@dataclass(frozen=True)
class Rate:
    """What one amount does to the parcels of a hub in one direction.

    Parameters
    ----------
    direction
        out (parcels sent) or in (parcels received).
    amount
        snow [cm a day] or rain [mm a day above 10].
    rate
        Loss of log parcels a cm or a mm: parcels = expected x exp(-rate x amount).
    standard_error
        Of the rate.
    history
        Weight of history in the rate, 0 to 1.
    returned
        Share of the loss that comes back within three days, as measured; NaN where the rate is not above 0.
    hub_days
        How many hub-days with that weather it rests on.
    gain
        By how much the error on hub-days left out falls, against the published rate; NaN without history.
    """

    direction: str
    amount: str
    rate: float
    standard_error: float
    history: float
    returned: float
    hub_days: int
    gain: float = NOTHING_LEFT_OUT


@dataclass(frozen=True)
class VolumeResponse:
    """How parcels respond to weather; see ``fit_volume_response``."""

    rates: tuple[Rate, ...]

    def rate(self, direction: str, amount: str) -> float:
        """Return a rate, never below 0; one of 0 on evidence so thin that the preset lies within it is the preset."""
        found = [row for row in self.rates if (row.direction, row.amount) == (direction, amount)]
        preset = VOLUMES.rate[amount]
        if not found or (found[0].rate <= 0.0 and found[0].rate + 2.0 * found[0].standard_error >= preset):
            return preset
        return max(found[0].rate, 0.0)

    def is_enough(self, direction: str) -> bool:
        """Whether history outweighs the published figure for snow, the effect that counts."""
        return any(
            row.history >= VOLUMES.enough for row in self.rates if (row.direction, row.amount) == (direction, "snow")
        )


def fit_volume_response(volumes: pl.DataFrame, amounts: pl.DataFrame) -> VolumeResponse:
    """Learn from history how many parcels a hub sends and receives on days of snow and rain.

    Parameters
    ----------
    volumes
        ``date``, ``hub_id``, ``direction`` (out, in), ``parcels``.
    amounts
        ``date``, ``hub_id``, ``snow_cm``, ``wet_mm``: see ``capacity_response.amounts_at_hubs``.

    Returns
    -------
    VolumeResponse
        Rates for each direction and amount; without history, the published ones with weight 0.

    Notes
    -----
    ``y = log parcels - median of the hub's 29 days around`` takes away level and growth, and an effect a day (which
    weekday, holidays and shopping waves share over all hubs) is taken out of both sides. Then ``y = -sum of rates x
    amounts of the day and the three days before``, by least squares with weights 1 / variance of the hub, a normal prior
    on every rate and a residual variance widened by ``(1 + r) / (1 - r)`` for the lag-1 correlation r of the residuals.
    """
    rates: list[Rate] = []
    for direction in ("out", "in"):
        rows = volumes.filter(pl.col("direction") == direction)
        rates += _fit_direction(direction, rows, amounts)
    return VolumeResponse(tuple(rates))


def _fit_direction(direction: str, volumes: pl.DataFrame, amounts: pl.DataFrame) -> list[Rate]:
    y, snow, wet = _matrices(volumes, amounts)
    columns = [_lagged(amount, lag) for amount in (snow, wet) for lag in range(VOLUMES.lags + 1)]
    design = (
        -np.stack([column.ravel() for column in columns], axis=1) if y.size else np.zeros((0, 2 * (VOLUMES.lags + 1)))
    )
    usable = np.isfinite(y.ravel()) & np.isfinite(design).all(axis=1)
    # a hub alone on its day can be held against nobody
    usable &= (usable.reshape(y.shape).sum(axis=0) > 1)[None, :].repeat(y.shape[0], axis=0).ravel()
    mean, deviation = _priors()
    gains = (NOTHING_LEFT_OUT, NOTHING_LEFT_OUT)
    if usable.sum() < 10 * design.shape[1]:
        coefficients, covariance = mean, np.diag(deviation**2)
    else:
        spread = _spread_of_hubs(y)
        weights = np.repeat(1.0 / spread**2, y.shape[1])[usable]
        day = np.tile(np.arange(y.shape[1]), y.shape[0])[usable]
        # what all hubs share that day is not the weather of one: both sides are taken against the day's mean
        both = _against_day(np.column_stack([y.ravel(), design])[usable], weights, day)
        place = usable.reshape(y.shape)
        coefficients, covariance = _shrunk(both[:, 1:], both[:, 0], weights, mean, deviation, place)
        gains = _gains(both, design[usable], weights, day, place)
    found = []
    for position, (name, amount) in enumerate((("snow", snow), ("rain", wet))):
        first = position * (VOLUMES.lags + 1)
        error = float(np.sqrt(covariance[first, first]))
        rate = float(coefficients[first])
        back = float(-coefficients[first + 1 : first + 1 + VOLUMES.lags].sum() / rate) if rate > 0.0 else float("nan")
        days = int((np.nan_to_num(amount) > VOLUMES.met).sum())
        history = float(max(0.0, 1.0 - (error / deviation[first]) ** 2))
        found.append(Rate(direction, name, rate, error, history, back, days, gains[position]))
    return found


def _gains(
    both: Floats, amounts: Floats, weights: Floats, day: NDArray[np.int64], place: NDArray[np.bool_]
) -> tuple[float, float]:
    """Gain of the rates of snow and of rain: time is cut into parts, each told by rates fitted to the others.

    ``both`` holds the deviation and the amounts of each hub-day against its day's mean, ``amounts`` the amounts themselves.
    """
    mean, deviation = _priors()
    errors = np.zeros((2, 2))
    part = day * VOLUMES.parts // (int(day.max()) + 1)
    where = np.argwhere(place)
    for number in range(VOLUMES.parts):
        inside = part == number
        left = place.copy()
        left[tuple(where[inside].T)] = False
        outside = ~inside
        if outside.sum() < 10 * mean.size or not inside.any():
            continue
        rates, _ = _shrunk(both[outside, 1:], both[outside, 0], weights[outside], mean, deviation, left)
        for position, first in enumerate((0, VOLUMES.lags + 1)):
            met = inside & (-amounts[:, first] > VOLUMES.met)
            for row, used in enumerate((rates, mean)):
                errors[position, row] += float(np.abs(both[met, 0] - both[met, 1:] @ used).sum())
    return gain_of_errors(*errors[0]), gain_of_errors(*errors[1])


def _priors() -> tuple[Floats, Floats]:
    mean, deviation = [], []
    for name in ("snow", "rain"):
        mean += [VOLUMES.rate[name]] + [0.0] * VOLUMES.lags
        deviation += [VOLUMES.rate[name]] + [VOLUMES.lag[name]] * VOLUMES.lags
    return np.array(mean), np.array(deviation)


def _against_day(columns: Floats, weights: Floats, day: NDArray[np.int64]) -> Floats:
    """Subtract from each column its weighted mean over the hubs of the day."""
    total = np.bincount(day, weights)
    means = np.stack([np.bincount(day, column * weights) for column in columns.T], axis=1)
    means = np.divide(means, total[:, None], out=np.zeros_like(means), where=total[:, None] > 0.0)
    return np.asarray(columns - means[day])


def _shrunk(
    design: Floats, y: Floats, weights: Floats, mean: Floats, deviation: Floats, place: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Posterior mean and covariance of the rates; ``place`` says where in (hubs, days) each row of ``y`` stands."""
    precision = np.diag(1.0 / deviation**2)
    weighted = design * weights[:, None]
    normal = design.T @ weighted
    plain = np.linalg.solve(normal + 1e-9 * np.eye(len(mean)), weighted.T @ y)
    residual = y - design @ plain
    variance = float(np.average(residual**2 * weights)) * _widening(residual, place)
    posterior = np.linalg.inv(normal / variance + precision)
    rates = posterior @ (weighted.T @ y / variance + precision @ mean)
    return np.asarray(rates, dtype=np.float64), np.asarray(posterior, dtype=np.float64)


def _widening(residual: Floats, place: NDArray[np.bool_]) -> float:
    """Factor on the variance for residuals that remember the day before."""
    laid = np.full(place.shape, np.nan)
    laid[place] = residual
    pairs = laid[:, 1:] * laid[:, :-1]
    total = np.nanmean(laid**2)
    correlation = float(np.clip(np.nanmean(pairs) / total, 0.0, 0.95)) if total > 0.0 else 0.0
    return (1.0 + correlation) / (1.0 - correlation)


def _matrices(volumes: pl.DataFrame, amounts: pl.DataFrame) -> tuple[Floats, Floats, Floats]:
    """Deviation of log parcels, snow and wet rain, each of shape (hubs, days)."""
    nothing = np.zeros((0, 0))
    if volumes.is_empty() or amounts.is_empty():
        return nothing, nothing, nothing
    joined = volume_deviations(volumes)
    shape = (joined["hub_id"].n_unique(), joined["date"].n_unique())
    joined = joined.join(amounts, on=["hub_id", "date"], how="left").sort("hub_id", "date")
    y, snow, wet = (
        joined.select(column).to_series().cast(pl.Float64).fill_null(float("nan")).to_numpy().reshape(shape)
        for column in (pl.col("deviation"), pl.col("snow_cm"), pl.col("wet_mm"))
    )
    return y, snow, wet


def preset_rate(amount: str) -> float:
    """Return the rate of an amount (snow, rain) before any history."""
    return VOLUMES.rate[amount]


def volumes_by_hub(route_volumes: pl.DataFrame, until: date | None = None) -> pl.DataFrame:
    """Sum routes to what each hub sent (out) and received (in).

    Parameters
    ----------
    route_volumes
        Table of this name.
    until
        Last day that counts.

    Returns
    -------
    polars.DataFrame
        ``date``, ``hub_id``, ``parcels``, ``direction``.
    """
    volumes = route_volumes if until is None else route_volumes.filter(pl.col("date") <= until)
    parts = [
        volumes.group_by("date", hub_id=pl.col(column))
        .agg(pl.col("parcels").sum())
        .with_columns(direction=pl.lit(direction))
        for direction, column in (("out", "origin_hub_id"), ("in", "destination_hub_id"))
    ]
    return pl.concat(parts)


def volume_deviations(volumes: pl.DataFrame) -> pl.DataFrame:
    """Return how far the parcels of each hub and day lie from what is usual, in logarithms.

    Parameters
    ----------
    volumes
        ``date``, ``hub_id``, ``parcels``.

    Returns
    -------
    polars.DataFrame
        ``hub_id``, ``date``, ``deviation``: every hub and day, sorted; empty where there are fewer than 30 parcels, or where it
        lies more than 1.2 away.
    """
    if volumes.is_empty():
        return pl.DataFrame(schema={"hub_id": pl.String(), "date": pl.Date(), "deviation": pl.Float64()})
    days = pl.DataFrame({"date": pl.date_range(volumes["date"].min(), volumes["date"].max(), eager=True)})  # type: ignore[arg-type]
    hubs = volumes.select("hub_id").unique().sort("hub_id")
    grid = hubs.join(days, how="cross").sort("hub_id", "date")
    daily = volumes.group_by("hub_id", "date").agg(pl.col("parcels").sum())
    joined = grid.join(daily, on=["hub_id", "date"], how="left").sort("hub_id", "date")
    level = pl.when(pl.col("parcels") >= VOLUMES.least_parcels).then(pl.col("parcels").cast(pl.Float64).log())
    joined = joined.with_columns(level=level)
    around = pl.col("level").rolling_median(VOLUMES.window, center=True, min_samples=VOLUMES.window // 2).over("hub_id")
    joined = joined.with_columns(deviation=pl.col("level") - around)
    joined = joined.with_columns(deviation=pl.col("deviation") - pl.col("deviation").median().over("date"))
    calm = pl.when(pl.col("deviation").abs() <= VOLUMES.outlier).then(pl.col("deviation"))
    return joined.select("hub_id", "date", deviation=calm)


def _lagged(amount: Floats, lag: int) -> Floats:
    shifted = np.full_like(amount, np.nan)
    shifted[:, lag:] = amount[:, : amount.shape[1] - lag]
    return shifted


def _spread_of_hubs(y: Floats) -> Floats:
    """Robust standard deviation of each hub, not below 0.02."""
    import warnings

    with warnings.catch_warnings():
        # a hub without a usable day has no spread and no weight
        warnings.simplefilter("ignore", RuntimeWarning)
        spread = 1.4826 * np.nanmedian(np.abs(y - np.nanmedian(y, axis=1, keepdims=True)), axis=1)
    return np.where(np.isfinite(spread), np.maximum(spread, 0.02), 1.0)
