"""Scores of forecasts against the actuals: accuracy, bias, scaled errors, quantile loss, coverage and width."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.arrays import Matrix
from data.errors import RadarError
from data.quantiles import QUANTILE_LEVELS
from forecasting.series.volume_classes import CLASS_LABELS, volume_class

LEAD_BLOCKS = ((1, 1), (1, 7), (8, 14), (15, 28), (29, 56))
"""Blocks of leads scored beside the whole horizon [days]."""

SCORE_SCHEMA = {
    "level": pl.String,
    "model": pl.String,
    "as_of": pl.Date,
    "lead_days": pl.String,
    "window": pl.String,
    "accuracy": pl.Float64,
    "bias": pl.Float64,
    "mase": pl.Float64,
    "rmsse": pl.Float64,
    "weighted_quantile_loss": pl.Float64,
    "coverage_80": pl.Float64,
    "coverage_90": pl.Float64,
    "width_80": pl.Float64,
    "width_90": pl.Float64,
    "parcels": pl.Float64,
}
"""Columns of a score table; ``parcels`` is the sum of the actuals scored."""


@dataclass(frozen=True)
class Scored:
    """A forecast of one level by one model, beside the actuals.

    Attributes
    ----------
    level
        network, region/out, hub/in, route, outlet/pickup ...
    model
        Name of the model.
    as_of
        Last day the model knew; column 0 is the day after.
    actual, mean
        [series x days] parcels.
    history
        [series x past days] parcels up to the as-of date: the scale of MASE and RMSSE, and the volume class.
    quantiles
        [series x days x 7] parcels at :data:`QUANTILE_LEVELS`; None for a model that gives no interval.
    """

    level: str
    model: str
    as_of: dt.date
    actual: NDArray[np.floating]
    mean: NDArray[np.floating]
    history: NDArray[np.floating]
    quantiles: NDArray[np.floating] | NDArray[np.integer] | None = None


def score_forecast(scored: Scored, windows: Mapping[str, NDArray[np.bool_]] | None = None) -> pl.DataFrame:
    """Score a forecast by lead block, window and volume class.

    Parameters
    ----------
    scored
        The forecast and the actuals.
    windows
        Name -> [days] whether the day is in it; the window ``all`` is added where it is not given. Weeks that are not all in
        ``all`` are no weeks.

    Returns
    -------
    pl.DataFrame
        Columns of :data:`SCORE_SCHEMA`. For level ``route`` also rows of level ``route_weekly`` (sums of seven days
        from the first day ahead; a day more or less is no error there) and for every level with several classes rows
        of level ``<level>/<class>``, and ``<level>/1+`` for those of one parcel a day or more.

    Raises
    ------
    RadarError
        When shapes do not fit.

    Notes
    -----
    With y the actuals, f the forecasts, sums over all series and days of the group:
    accuracy = 1 - sum|y - f| / sum y. Bias = sum(f - y) / sum y. MASE = mean over series of mean|y - f| / d and
    RMSSE = mean over series of sqrt(mean (y - f)^2 / d2), d and d2 the mean absolute and squared error of the
    seasonal naive (same weekday a week before) in the history (Hyndman and Koehler, 2006; Makridakis et al., 2022);
    series whose d is 0 are left out. Weighted quantile loss = mean over levels q of
    2 sum max(q (y - z), (q - 1)(y - z)) / sum y, z the quantile. Coverage: share of actuals in the closed interval;
    width: sum of the intervals' widths / sum y.
    """
    days = scored.actual.shape[1]
    if scored.mean.shape != scored.actual.shape or scored.history.shape[0] != scored.actual.shape[0]:
        raise RadarError("a forecast and actuals of different shapes", f"{scored.actual.shape} series x days")
    spans = {"all": np.ones(days, dtype=bool), **(windows or {})}
    tables = [_score_level(scored, spans, 1)]
    if scored.level == "route" and days >= 7:
        whole = ~_any_by_week(~spans["all"], days)
        tables.append(_score_level(_by_week(scored), {k: _any_by_week(v, days) & whole for k, v in spans.items()}, 7))
    return pl.concat(tables)


def mean_scores(scores: pl.DataFrame) -> pl.DataFrame:
    """Pool scores over as-of dates, weighted by the actual parcels.

    Parameters
    ----------
    scores
        Columns of :data:`SCORE_SCHEMA`.

    Returns
    -------
    pl.DataFrame
        One row a level, model, lead block and window, with ``cutoffs``. Accuracy, bias, quantile loss and widths are
        exactly those of the pooled days; coverage, MASE and RMSSE are plain means over the dates.
    """
    weight = pl.col("parcels")
    pooled = ["accuracy", "bias", "weighted_quantile_loss", "width_80", "width_90"]
    plain = ["mase", "rmsse", "coverage_80", "coverage_90"]
    return (
        scores.group_by("level", "model", "lead_days", "window")
        .agg(
            *[
                ((pl.col(name) * weight).sum() / weight.filter(pl.col(name).is_not_null()).sum())
                .fill_nan(None)
                .alias(name)
                for name in pooled
            ],
            *[pl.col(name).mean() for name in plain],
            pl.col("parcels").sum(),
            pl.col("as_of").n_unique().cast(pl.Int64).alias("cutoffs"),
        )
        .sort("level", "lead_days", "window", "accuracy", "model", descending=[False, False, False, True, False])
    )


def seasonal_scale(history: NDArray[np.floating], season: int = 7) -> tuple[Matrix, Matrix]:
    """Return mean absolute and mean squared error of the seasonal naive in the history.

    Parameters
    ----------
    history
        [series x days] parcels. With fewer days than a season and one, the naive of one day; with fewer than two, NaN.
    season
        Days of the season.

    Returns
    -------
    tuple[NDArray[np.float64], NDArray[np.float64]]
        [series] each, counted from the series' first parcel on.
    """
    past = np.asarray(history, dtype=np.float64)
    lag = season if past.shape[1] > season else 1
    if past.shape[1] < 2:
        nothing = np.full(past.shape[0], np.nan)
        return nothing, nothing.copy()
    change = past[:, lag:] - past[:, :-lag]
    started = np.maximum.accumulate(past[:, :-lag] > 0, axis=1)
    days = started.sum(axis=1)
    divisor = np.where(days > 0, days, np.nan)
    return (np.abs(change) * started).sum(axis=1) / divisor, (change**2 * started).sum(axis=1) / divisor


def _by_week(scored: Scored) -> Scored:
    weeks = scored.actual.shape[1] // 7

    def fold(matrix: NDArray[np.floating]) -> Matrix:
        summed: Matrix = matrix[:, : weeks * 7].reshape(matrix.shape[0], weeks, 7).sum(axis=2, dtype=np.float64)
        return summed

    past = scored.history[:, scored.history.shape[1] % 7 :]
    history = past.reshape(past.shape[0], -1, 7).sum(axis=2, dtype=np.float64) if past.size else past
    return Scored("route_weekly", scored.model, scored.as_of, fold(scored.actual), fold(scored.mean), history)


def _any_by_week(days: NDArray[np.bool_], length: int) -> NDArray[np.bool_]:
    weeks = length // 7
    return np.asarray(days[: weeks * 7].reshape(weeks, 7).any(axis=1), dtype=bool)


def _score_level(scored: Scored, windows: Mapping[str, NDArray[np.bool_]], step: int) -> pl.DataFrame:
    periods = scored.actual.shape[1]
    recent = scored.history[:, -(28 // step) :]
    volume = recent.mean(axis=1) / step if recent.shape[1] else np.zeros(scored.actual.shape[0])
    classes = volume_class(volume)
    scale = seasonal_scale(scored.history, 7 if step == 1 else 1)
    groups: list[tuple[str, NDArray[np.bool_]]] = [(scored.level, np.ones(classes.size, dtype=bool))]
    present = np.unique(classes)
    if present.size > 1:
        groups += [(f"{scored.level}/{CLASS_LABELS[at]}", classes == at) for at in present]
        groups.append((f"{scored.level}/1+", classes > 0))
    blocks = [(1, periods * step)] + [
        (first, last) for first, last in LEAD_BLOCKS if last <= periods * step and last - first + 1 >= step
    ]
    rows = []
    for first, last in dict.fromkeys(blocks):
        inside = np.zeros(periods, dtype=bool)
        inside[(first - 1) // step : last // step] = True
        for window, chosen in windows.items():
            columns = np.flatnonzero(inside & chosen)
            for level, members in groups:
                if columns.size and members.any():
                    figures = _figures(scored, np.flatnonzero(members), columns, scale)
                    rows.append((level, scored.model, scored.as_of, f"{first}-{last}", window, *figures))
    return pl.DataFrame(rows, schema=SCORE_SCHEMA, orient="row")


def _figures(
    scored: Scored, members: NDArray[np.int64], columns: NDArray[np.int64], scale: tuple[Matrix, Matrix]
) -> Sequence[float | None]:
    cells = np.ix_(members, columns)
    actual = scored.actual[cells].astype(np.float64)
    error = scored.mean[cells].astype(np.float64) - actual
    total = float(actual.sum())
    accuracy = 1.0 - float(np.abs(error).sum()) / total if total > 0 else None
    bias = float(error.sum()) / total if total > 0 else None
    mase = _mean_ratio(np.abs(error).mean(axis=1), scale[0][members])
    squared = _mean_ratio(np.sqrt((error**2).mean(axis=1)), np.sqrt(scale[1][members]))
    figures: list[float | None] = [accuracy, bias, mase, squared]
    if scored.quantiles is None:
        return [*figures, None, None, None, None, None, total]
    quantiles = scored.quantiles[cells].astype(np.float64)
    levels = np.array(QUANTILE_LEVELS)
    short = actual[:, :, None] - quantiles
    loss = float(np.maximum(levels * short, (levels - 1.0) * short).sum()) / levels.size
    within = [(quantiles[:, :, low] <= actual) & (actual <= quantiles[:, :, high]) for low, high in ((1, 5), (0, 6))]
    widths = [float((quantiles[:, :, high] - quantiles[:, :, low]).sum()) for low, high in ((1, 5), (0, 6))]
    return [
        *figures,
        2.0 * loss / total if total > 0 else None,
        float(within[0].mean()),
        float(within[1].mean()),
        widths[0] / total if total > 0 else None,
        widths[1] / total if total > 0 else None,
        total,
    ]


def _mean_ratio(error: Matrix, scale: Matrix) -> float | None:
    known = np.isfinite(scale) & (scale > 0)
    return float((error[known] / scale[known]).mean()) if known.any() else None
