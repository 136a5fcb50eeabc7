"""Revisions: why the forecast of a day changed between two vintages, in parts that add up."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.arrays import Matrix
from data.errors import RadarError

PARTS = ("level", "calendar", "event", "growth", "weather", "override")
"""What a change is split into [parcels]."""

_FACTORS = ("event", "weather", "override")
_DAYS_FOR_A_TREND = 14
_LEAST = 1e-9


def split_revision(before: pl.DataFrame, after: pl.DataFrame, keys: tuple[str, ...] = ()) -> pl.DataFrame:
    """Split the change of a forecast between two vintages.

    Parameters
    ----------
    before, after
        Rows of two vintages of one forecast table: as_of, date, the keys, mean, baseline, event, weather, override.
    keys
        Key columns besides date, such as hub_id and direction.

    Returns
    -------
    pl.DataFrame
        date, keys, before, after, change [parcels] and one column a part of :data:`PARTS` [parcels], which sum to the
        change. Days and series of both vintages; a series of one vintage only has 0 in the other, and its change is
        level.

    Raises
    ------
    RadarError
        When the two vintages have no day in common.

    Notes
    -----
    mean = baseline x event x weather x override. With the logarithmic mean L(a, b) = (b - a) / ln(b / a) the change is
    L ln(baseline ratio) + L ln(event ratio) + ...: exact, and the same in both directions (logarithmic mean Divisia
    index, Ang, 2004). A baseline is exp(level + trend x days ahead + calendar), level and trend fitted to the logarithm
    of its path with weekdays apart, calendar what is left: weekday, season, holiday. Under 14 days there is no trend.
    """
    days = set(before["date"]) & set(after["date"])
    if not days:
        raise RadarError(
            "two vintages without a day in common",
            "as-of dates less than a horizon apart",
            "choose other dates or a longer horizon",
        )
    common = pl.col("date").is_in(sorted(days))
    parts = [_parts_of(vintage, keys).filter(common) for vintage in (before, after)]
    on = ["date", *keys]
    joined = parts[0].join(parts[1], on=on, how="full", suffix="_after", coalesce=True).sort(on)
    start, end = (_columns(joined, suffix) for suffix in ("", "_after"))
    parts_of_change = _split(start, end)
    return joined.select(
        *on,
        pl.Series("before", start["mean"].astype(np.int64)),
        pl.Series("after", end["mean"].astype(np.int64)),
        pl.Series("change", (end["mean"] - start["mean"]).astype(np.int64)),
        *[pl.Series(name, parts_of_change[name]) for name in PARTS],
    )


def sum_revision(revision: pl.DataFrame, by: tuple[str, ...] = ()) -> pl.DataFrame:
    """Sum a revision over its days.

    Parameters
    ----------
    revision
        What :func:`split_revision` gives.
    by
        Key columns to keep; none gives one row.

    Returns
    -------
    pl.DataFrame
        Keys, before, after, change and parts; the largest change first.
    """
    sums = [pl.col(name).sum() for name in ("before", "after", "change", *PARTS)]
    if not by:
        return revision.select(sums)
    table = revision.group_by(*by).agg(sums)
    return table.sort(pl.col("change").abs(), *by, descending=[True, *[False] * len(by)])


def _columns(joined: pl.DataFrame, suffix: str) -> dict[str, Matrix]:
    names = ("mean", "log_level", "log_growth", "log_calendar", *_FACTORS)
    columns = {name: joined[f"{name}{suffix}"].to_numpy().astype(np.float64) for name in names}
    columns["missing"] = np.isnan(columns["mean"])
    columns["mean"] = np.nan_to_num(columns["mean"])
    return columns


def _split(start: dict[str, Matrix], end: dict[str, Matrix]) -> dict[str, Matrix]:
    """Give each part its share of the change, by the logarithmic mean."""
    change = end["mean"] - start["mean"]
    new_or_gone = (start["missing"] + end["missing"]) > 0
    first, last = np.maximum(start["mean"], _LEAST), np.maximum(end["mean"], _LEAST)
    ratio = np.log(last / first)
    weight = np.divide(last - first, ratio, out=first.copy(), where=np.abs(ratio) > 1e-12)
    logs: dict[str, Matrix] = {}
    for name in _FACTORS:
        logs[name] = np.log(np.maximum(end[name], _LEAST)) - np.log(np.maximum(start[name], _LEAST))
    # A factor of 0 leaves no baseline to read: the whole change is then that factor's.
    emptied = np.zeros(change.size, dtype=bool)
    for name in _FACTORS:
        emptied |= (start[name] <= 0) | (end[name] <= 0)
    for name in ("growth", "calendar"):
        logs[name] = np.where(emptied, 0.0, end[f"log_{name}"] - start[f"log_{name}"])
    known = sum(logs[name] for name in (*_FACTORS, "growth", "calendar"))
    logs["level"] = np.where(emptied, 0.0, ratio - known)
    total = sum(np.abs(logs[name]) for name in _FACTORS)
    result: dict[str, Matrix] = {}
    for name in PARTS:
        share = np.divide(np.abs(logs[name]), total, out=np.zeros_like(change), where=total > 0)
        part = np.where(emptied, share * change if name in _FACTORS else 0.0, weight * logs[name])
        result[name] = np.where(new_or_gone, 0.0, part)
    # What floating point leaves over, and series of one vintage only, go to the level.
    result["level"] = result["level"] + change - np.sum([result[name] for name in PARTS], axis=0)
    return result


def _parts_of(vintage: pl.DataFrame, keys: tuple[str, ...]) -> pl.DataFrame:
    """Take the baselines' logarithms apart: level on the first day, growth since, calendar."""
    on = [*keys, "date"]
    rows = vintage.select(*on, "mean", "baseline", *_FACTORS).sort(on)
    dates = rows["date"].to_numpy().astype("datetime64[D]").astype(np.int64)
    logs = np.log(np.maximum(rows["baseline"].to_numpy(), _LEAST))
    if keys:
        number = rows.select(pl.struct(*keys).rank("dense").cast(pl.Int64) - 1).to_series().to_numpy()
    else:
        number = np.zeros(rows.height, dtype=np.int64)
    ahead = (dates - vintage["as_of"].to_numpy().astype("datetime64[D]").astype(np.int64)[:1]).astype(np.float64)
    level, growth = _fit_trends(logs, ahead, number)
    return rows.with_columns(
        pl.Series("log_level", level[number]),
        pl.Series("log_growth", growth[number] * ahead),
        pl.Series("log_calendar", logs - level[number] - growth[number] * ahead),
    )


def _fit_trends(logs: Matrix, ahead: Matrix, number: NDArray[np.int64]) -> tuple[Matrix, Matrix]:
    """Fit level and trend of every series at once, each weekday with a mean of its own.

    Within a weekday the deviation from its mean is free of the weekday's effect, so the trend is the slope of pooled
    deviations; the level is the mean over the whole weeks less the trend.
    """
    series = int(number.max(initial=-1)) + 1
    weekday = (ahead % 7).astype(np.int64)
    cell = number * 7 + weekday

    def means(values: Matrix, group: NDArray[np.int64], groups: int) -> Matrix:
        count = np.bincount(group, minlength=groups)
        return np.divide(
            np.bincount(group, weights=values, minlength=groups), count, out=np.zeros(groups), where=count > 0
        )

    x = ahead - means(ahead, cell, series * 7)[cell]
    y = logs - means(logs, cell, series * 7)[cell]
    spread = np.bincount(number, weights=x * x, minlength=series)
    slope = np.divide(
        np.bincount(number, weights=x * y, minlength=series), spread, out=np.zeros(series), where=spread > 0
    )
    slope[np.bincount(number, minlength=series) < _DAYS_FOR_A_TREND] = 0.0
    flat = logs - slope[number] * ahead
    # Level: mean of the weekdays' means, so that a part week at the end does not tilt it.
    by_day = means(flat, cell, series * 7).reshape(series, 7)
    present = np.bincount(cell, minlength=series * 7).reshape(series, 7) > 0
    level = np.divide(
        (by_day * present).sum(axis=1), present.sum(axis=1), out=np.zeros(series), where=present.any(axis=1)
    )
    return level, slope
