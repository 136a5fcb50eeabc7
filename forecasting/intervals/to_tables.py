"""From matrices to the published tables: whole parcels, quantiles, and the parts that multiply to the mean."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.quantiles import QUANTILE_COLUMNS, QUANTILE_LEVELS
from forecasting.intervals.calibration_check import CalibrationFigure
from forecasting.intervals.interval_model import IntervalModel
from forecasting.intervals.spread import EventDays, Parts
from forecasting.series.panel import ROUTE_KEYS, Membership, Panel

PUBLISHED_CHECKS = ("network", "hub")
"""Levels whose quantiles' check is published."""


def publish(
    keys: pl.DataFrame,
    parts: Parts,
    level: str,
    as_of: dt.date,
    dates: NDArray[np.datetime64],
    intervals: IntervalModel,
    events: EventDays,
) -> pl.DataFrame:
    """Lay out one level as rows, day by day, in the order of the keys.

    Parameters
    ----------
    keys
        One row a series: the key columns besides date.
    parts
        The series, in the order of ``keys``.
    level
        network, region, hub or route: whose intervals to use.
    as_of, dates
        As-of date and the [horizon] days ahead.
    """
    series, horizon = parts.mean.shape
    order = keys.with_row_index("series_number").sort(keys.columns)["series_number"].to_numpy().astype(np.int64)
    quantiles = parts.quantiles(level, intervals, events)

    def column(matrix: NDArray[np.generic]) -> NDArray[np.generic]:
        return np.ascontiguousarray(matrix[order].T).ravel()

    factor = parts.event * parts.override
    baseline = np.divide(parts.mean, factor, out=np.zeros_like(factor), where=factor > 0)
    days = pl.Series("date", np.repeat(dates.astype("datetime64[D]"), series)).cast(pl.Date)
    laid_out = keys[np.tile(order, horizon)] if keys.width else pl.DataFrame()
    frame = pl.DataFrame({"date": days}).with_columns(
        pl.lit(as_of).alias("as_of"), *[laid_out[name] for name in keys.columns], pl.Series("mean", column(parts.mean))
    )
    return frame.with_columns(
        *[pl.Series(name, column(quantiles[:, :, at])) for at, name in enumerate(QUANTILE_COLUMNS)],
        pl.Series("baseline", column(baseline)),
        pl.Series("event", column(parts.event)),
        pl.lit(1.0).alias("weather"),
        pl.Series("override", column(parts.override)),
    ).select("as_of", "date", *keys.columns, "mean", *QUANTILE_COLUMNS, "baseline", "event", "weather", "override")


def publish_sums(
    level: str,
    label: str | None,
    sides: list[tuple[str, Membership]],
    parts: Parts,
    as_of: dt.date,
    dates: NDArray[np.datetime64],
    intervals: IntervalModel,
    events: EventDays,
) -> pl.DataFrame:
    """Lay out the sums of a level.

    Parameters
    ----------
    level
        network, region or hub.
    label
        Name of the key column, such as ``hub_id``; None for the network.
    sides
        (direction, membership) pairs; the direction of the network is not written. Groups named ``""`` are left out.
    """
    frames = []
    for direction, membership in sides:
        summed = parts.summed(membership)
        side = f"{level}_{direction}" if direction else level
        if label is None:
            keys = pl.DataFrame({"network": ["network"]})
        else:
            keys = pl.DataFrame({label: membership.labels, "direction": [direction] * membership.groups})
        frames.append(publish(keys, summed, side, as_of, dates, intervals, events))
    if label is None:
        return frames[0].drop("network")
    whole = pl.concat(frames).filter(pl.col(label) != "")
    return whole.sort("date", label, "direction")


def publish_routes(
    panel: Panel,
    parts: Parts,
    as_of: dt.date,
    dates: NDArray[np.datetime64],
    intervals: IntervalModel,
    events: EventDays,
) -> pl.DataFrame:
    """Lay out the routes."""
    return publish(panel.routes.select(ROUTE_KEYS), parts, "route", as_of, dates, intervals, events)


def publish_calibration(intervals: IntervalModel) -> pl.DataFrame:
    """Lay out how often what came lay below each quantile of network and hubs, as the table ``forecast_calibration`` less ``run_id``."""
    name = dict(zip(QUANTILE_LEVELS, QUANTILE_COLUMNS, strict=True))
    figures: dict[tuple[str, float], list[CalibrationFigure]] = {}
    for one in intervals.checked:
        level = one.level.partition("_")[0]
        if level in PUBLISHED_CHECKS:
            figures.setdefault((level, one.stated), []).append(one)
    rows = []
    for (level, stated), sides in figures.items():
        # Both sides of a hub are of the same backtests: their intervals are as wide together as on average.
        days = sum(side.days for side in sides)
        seen, low, high = (
            sum(value * side.days for value, side in zip(values, sides, strict=True)) / days
            for values in zip(*((side.seen, side.low, side.high) for side in sides), strict=True)
        )
        rows.append(
            {
                "level": level,
                "quantile": name[stated],
                "stated": stated,
                "seen": seen,
                "seen_low": low,
                "seen_high": high,
                "days": days,
                "backtests": max(side.backtests for side in sides),
            }
        )
    kinds = {"level": pl.String, "quantile": pl.String, "stated": pl.Float64, "seen": pl.Float64}
    kinds |= {"seen_low": pl.Float64, "seen_high": pl.Float64, "days": pl.Int64, "backtests": pl.Int64}
    return pl.DataFrame(rows, schema=kinds)
