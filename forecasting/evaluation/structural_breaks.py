"""Structural breaks, network changes nobody announced: hubs whose share of the parcels was another than the forecast could know."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.arrays import Matrix
from data.constants import constant
from forecasting.series.panel import Membership, aggregate

BREAK_SCHEMA = {
    "hub_id": pl.String,
    "direction": pl.String,
    "date_from": pl.Date,
    "days": pl.Int64,
    "forecast_share": pl.Float64,
    "actual_share": pl.Float64,
    "error_share": pl.Float64,
}
"""Columns of the structural breaks."""


@dataclass(frozen=True)
class BreakRules:
    """When a hub's share counts as another than the one forecast."""

    least_shift: float = constant(0.02, "share of the network", "by which the two shares differ at least", "judgement")
    fold: float = constant(2.0, "1", "times the smaller share that the larger has at least", "judgement")
    fewest_days: int = constant(3, "days", "in a row", "judgement")
    days_around_change: int = constant(
        14, "days", "around an announced change in which a break is the announced one", "judgement"
    )


BREAKS = BreakRules()


def find_breaks(
    actual: Matrix, mean: Matrix, first_day: dt.date, out: Membership, into: Membership, changes: pl.DataFrame
) -> pl.DataFrame:
    """Find hubs that carried at least twice or at most half of the share forecast, three days in a row and more.

    Parameters
    ----------
    actual, mean
        [routes x days] actual and forecast parcels.
    first_day
        Day of column 0.
    out, into
        Hubs of the routes, as origin and as destination.
    changes
        ``network_changes`` as the forecast knew them: a hub named within two weeks of the day was announced and is left out.

    Returns
    -------
    pl.DataFrame
        Columns of :data:`BREAK_SCHEMA`, the largest ``error_share`` first. Shares are of the network's parcels on those days;
        ``error_share`` is the part of all absolute errors of routes and days that lies on the hub's routes on those days (a hub
        that hands its parcels to another shows with it, so the parts of two hubs may hold the same routes).

    Notes
    -----
    A day counts where the two shares differ by 2 % of the network or more. The longest run of such days is given.
    """
    error = np.abs(actual - mean)
    whole = max(float(error.sum()), 1e-9)
    rows = []
    for direction, hubs in (("out", out), ("in", into)):
        actual_sums, forecast_sums, error_sums = (aggregate(matrix, hubs) for matrix in (actual, mean, error))
        actual_share, forecast_share = _share(actual_sums), _share(forecast_sums)
        low, high = np.minimum(actual_share, forecast_share), np.maximum(actual_share, forecast_share)
        off = (
            (high - low >= BREAKS.least_shift)
            & (high >= BREAKS.fold * low)
            & (actual_sums.sum(axis=0) > 0)
            & (forecast_sums.sum(axis=0) > 0)
        )
        for hub in np.flatnonzero(off.sum(axis=1) >= BREAKS.fewest_days):
            start, end = _longest_run(off[hub])
            day = first_day + dt.timedelta(days=start)
            if end - start < BREAKS.fewest_days or _announced(hubs.labels[hub], day, changes):
                continue
            days = slice(start, end)
            shares = [
                float(sums[hub, days].sum() / max(sums[:, days].sum(), 1e-9)) for sums in (forecast_sums, actual_sums)
            ]
            rows.append(
                (hubs.labels[hub], direction, day, end - start, *shares, float(error_sums[hub, days].sum() / whole))
            )
    return pl.DataFrame(rows, schema=BREAK_SCHEMA, orient="row").sort(
        "error_share", "hub_id", "direction", descending=[True, False, False]
    )


def _share(sums: Matrix) -> Matrix:
    total = sums.sum(axis=0)
    share: Matrix = np.divide(sums, total, out=np.zeros_like(sums), where=total > 0)
    return share


def _longest_run(flags: NDArray[np.bool_]) -> tuple[int, int]:
    edges = np.flatnonzero(np.diff(np.r_[0, flags.astype(np.int8), 0]))
    starts, ends = edges[::2], edges[1::2]
    at = int(np.argmax(ends - starts))
    return int(starts[at]), int(ends[at])


def _announced(hub_id: str, day: dt.date, changes: pl.DataFrame) -> bool:
    about = changes.filter((pl.col("hub_id") == hub_id) | (pl.col("successor_hub_id") == hub_id).fill_null(False))
    return any(abs((date - day).days) <= BREAKS.days_around_change for date in about["date"])
