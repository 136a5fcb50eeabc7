"""Hubs that lately had more parcels to sort than their capacity says they can: a unit gone wrong, or a capacity out of date."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from data.checks.coverage import make_findings, no_findings
from data.hub_limits import list_day_limits
from data.hub_load import list_end_visits, sum_visits

_RECENT_DAYS = 28  # judgement: four weeks, each weekday four times


def find_overloaded_hubs(
    volumes: pl.DataFrame, tables: Mapping[str, pl.DataFrame], time_zone: str = "Asia/Shanghai"
) -> pl.DataFrame:
    """Find hubs whose load of the last four weeks went over what they can sort.

    Parameters
    ----------
    volumes
        ``route_volumes``.
    tables
        ``hubs``; where there are any ``hub_sorts``, ``hub_days``, ``hub_closures``.
    time_zone
        Of the workspace.

    Returns
    -------
    polars.DataFrame
        Findings of kind ``over capacity``, one a hub, with its first and last day over and the highest load [parcels/day]. The
        load counts where parcels start and where they end, those that do both once; transit comes on top.
    """
    if volumes.is_empty():
        return no_findings()
    recent = volumes.filter(pl.col("date") > pl.col("date").max().dt.offset_by(f"-{_RECENT_DAYS}d"))
    limits = list_day_limits(tables, recent["date"].unique().to_list(), time_zone)
    limits = limits.select("date", "hub_id", sort_capacity=pl.col("capacity").round().cast(pl.Int64)).drop_nulls()
    loads = sum_visits(list_end_visits(recent)).join(limits, on=["date", "hub_id"], how="inner")
    over = (
        loads.filter(pl.col("load") > pl.col("sort_capacity"))
        .group_by("hub_id")
        .agg(
            pl.col("date").min().alias("first"),
            pl.col("date").max().alias("last"),
            pl.len().alias("days"),
            pl.col("load").max(),
            pl.col("sort_capacity").min(),
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
