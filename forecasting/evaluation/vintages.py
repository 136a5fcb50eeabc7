"""Vintages: every forecast ever made, told apart by its as-of date and its run, never changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import polars as pl

from data.errors import RadarError


def list_vintages(forecasts: pl.DataFrame, run_ids: Sequence[str]) -> pl.DataFrame:
    """List the vintages a forecast table holds.

    Parameters
    ----------
    forecasts
        One of the forecast tables with all its runs.
    run_ids
        Finished runs that wrote it, the latest last.

    Returns
    -------
    pl.DataFrame
        as_of, run_id, first_date, last_date, rows; by as-of date, then in the order of the runs.
    """
    order = {run_id: at for at, run_id in enumerate(run_ids)}
    return (
        forecasts.filter(pl.col("run_id").is_in(list(order)))
        .group_by("as_of", "run_id")
        .agg(
            pl.col("date").min().alias("first_date"),
            pl.col("date").max().alias("last_date"),
            pl.len().cast(pl.Int64).alias("rows"),
        )
        .sort("as_of", pl.col("run_id").replace_strict(order, return_dtype=pl.Int64))
    )


def find_vintage(forecasts: pl.DataFrame, run_ids: Sequence[str], as_of: dt.date) -> pl.DataFrame:
    """Return the rows of the vintage of a date: of several runs with that as-of date, the latest.

    Parameters
    ----------
    forecasts, run_ids
        As :func:`list_vintages`.
    as_of
        As-of date of the vintage.

    Raises
    ------
    RadarError
        When no finished run forecast from that date; the sentence names the dates there are.
    """
    vintages = list_vintages(forecasts, run_ids)
    of_date = vintages.filter(pl.col("as_of") == as_of)
    if of_date.is_empty():
        known = [str(day) for day in vintages["as_of"].unique().sort()]
        shown = ", ".join(known[-8:]) or "none yet"
        raise RadarError(
            f"no forecast as of {as_of}", f"one of the vintages kept: {shown}", "forecast from it with `radar forecast`"
        )
    return forecasts.filter(pl.col("run_id") == of_date["run_id"][-1], pl.col("as_of") == as_of)
