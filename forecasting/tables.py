"""From matrices to the published tables: whole parcels, quantiles, and the parts that multiply to the mean."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecasting.intervals import IntervalModel
from forecasting.panel import ROUTE_KEYS, Membership, Panel, aggregate
from forecasting.scores import QUANTILE_LEVELS

Whole = NDArray[np.int64]
Matrix = NDArray[np.float64]
QUANTILE_COLUMNS = ("q05", "q10", "q25", "q50", "q75", "q90", "q95")


@dataclass(frozen=True)
class EventDays:
    """Which days ahead carry an event, and how unsure its factor is.

    Attributes
    ----------
    on
        [horizon] whether an event stands on the day.
    variance
        [horizon] relative variance of the event factor.
    """

    on: NDArray[np.bool_]
    variance: Matrix


@dataclass(frozen=True)
class Parts:
    """Whole parcels of some series with what they are made of.

    Attributes
    ----------
    mean
        [series x horizon] whole parcels.
    expected
        [series x horizon] parcels before they were made whole: a route of 0.3 a day gets one parcel every third day, but
        may carry one on any.
    event, override
        [series x horizon] factors.
    volume
        [series] recent parcels a day.
    history_days
        [series] days since the first parcel.
    """

    mean: Whole
    expected: Matrix
    event: Matrix
    override: Matrix
    volume: Matrix
    history_days: NDArray[np.float64]

    def summed(self, membership: Membership) -> Parts:
        """Sum over groups; a group's factor is the one that takes the sum of its parts' baselines to its mean."""
        mean = aggregate(self.mean, membership)
        before_override = np.divide(self.mean, self.override, out=np.zeros_like(self.event), where=self.override > 0)
        undone = aggregate(before_override, membership)
        baseline = aggregate(before_override / self.event, membership)
        ones = np.ones_like(mean)
        event = np.divide(undone, baseline, out=ones.copy(), where=baseline > 0)
        override = np.divide(mean, undone, out=ones, where=undone > 0)
        days = np.zeros(membership.groups)
        np.maximum.at(days, membership.index, self.history_days)
        return Parts(
            np.rint(mean).astype(np.int64),
            aggregate(self.expected, membership),
            event,
            override,
            aggregate(self.volume[:, None], membership)[:, 0],
            days,
        )

    def quantiles(
        self, level: str, intervals: IntervalModel, events: EventDays, levels: tuple[float, ...] = QUANTILE_LEVELS
    ) -> Whole:
        """Return the [series x horizon x levels] quantiles; the outermost hold the whole parcels published."""
        found = intervals.quantiles(
            level,
            self.expected,
            self.volume,
            events.on,
            events.variance,
            history_days=self.history_days,
            levels=levels,
        )
        found[:, :, 0] = np.minimum(found[:, :, 0], self.mean)
        found[:, :, -1] = np.maximum(found[:, :, -1], self.mean)
        return found


@dataclass(frozen=True)
class Spread:
    """The spread of a published route forecast, to be read at any level.

    Attributes
    ----------
    parts
        The routes.
    intervals
        Calibrated for network, region, hub and route.
    events
        Days with an event.
    """

    parts: Parts
    intervals: IntervalModel
    events: EventDays

    def quantiles(
        self, level: str, levels: tuple[float, ...], membership: Membership | None = None
    ) -> NDArray[np.int64]:
        """Return quantiles of the routes, or of their sums over groups.

        Parameters
        ----------
        level
            network, region, hub or route: whose calibration to use.
        levels
            Levels of the quantiles, in order; the tables publish those of ``scores.QUANTILE_LEVELS``.
        membership
            Groups to sum over; the routes themselves by default.

        Returns
        -------
        NDArray[np.int64]
            [series x horizon x levels] parcels.
        """
        parts = self.parts if membership is None else self.parts.summed(membership)
        return parts.quantiles(level, self.intervals, self.events, levels)


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
        if label is None:
            keys = pl.DataFrame({"network": ["network"]})
        else:
            keys = pl.DataFrame({label: membership.labels, "direction": [direction] * membership.groups})
        frames.append(publish(keys, summed, level, as_of, dates, intervals, events))
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
