"""Hubs that lately had more parcels to sort than their capacity says they can: a unit gone wrong, or a capacity out of date."""

from __future__ import annotations

import polars as pl

from data.checks.coverage import make_findings, no_findings
from data.hub_load import list_end_visits, sum_visits

_RECENT_DAYS = 28  # judgement: four weeks, each weekday four times


def find_overloaded_hubs(volumes: pl.DataFrame, hubs: pl.DataFrame) -> pl.DataFrame:
    """Find hubs whose load of the last four weeks went over ``sort_capacity``.

    Parameters
    ----------
    volumes
        ``route_volumes``.
    hubs
        ``hubs``.

    Returns
    -------
    polars.DataFrame
        Findings of kind ``over capacity``, one a hub, with its first and last day over and the highest load [parcels/day]. The
        load counts where parcels start and where they end, those that do both once; transit comes on top.
    """
    if volumes.is_empty():
        return no_findings()
    recent = volumes.filter(pl.col("date") > pl.col("date").max().dt.offset_by(f"-{_RECENT_DAYS}d"))
    loads = sum_visits(list_end_visits(recent)).join(
        hubs.select("hub_id", "sort_capacity").drop_nulls(), on="hub_id", how="inner"
    )
    over = (
        loads.filter(pl.col("load") > pl.col("sort_capacity"))
        .group_by("hub_id")
        .agg(
            pl.col("date").min().alias("first"),
            pl.col("date").max().alias("last"),
            pl.len().alias("days"),
            pl.col("load").max(),
            pl.col("sort_capacity").first(),
        )
        .sort("hub_id")
    )
    return make_findings(
        over,
        kind=pl.lit("over capacity"),
        table=pl.lit("hubs"),
        subject=pl.format("hub {}", "hub_id"),
        date_from=pl.col("first"),
        date_to=pl.col("last"),
        parcels=pl.col("load"),
        detail=pl.format(
            "{} of the last "
            + str(_RECENT_DAYS)
            + " days over its sort_capacity of {} parcels a day, transit not counted",
            "days",
            "sort_capacity",
        ),
    )
