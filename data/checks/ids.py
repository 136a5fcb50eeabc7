"""Ids that cannot be what they seem: two that a reader takes for one, and a hub that is the sum of the others."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from data.checks.coverage import make_findings, no_findings
from data.contracts import TABLES
from data.ingest.ids import find_alike

# A hub that carries just what the others do on one day may be chance; on this many it is a sum.
_DAYS_OF_A_SUM = 3


def find_alike_ids(tables: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Find ids of reference tables that differ only in case, width, spaces or look-alike letters.

    Parameters
    ----------
    tables
        Tables by name.
    """
    found = []
    for name, frame in tables.items():
        key = TABLES[name].keys[0]
        if TABLES[name].group != "reference" or frame.schema[key] != pl.String:
            continue
        for ids in find_alike(frame[key]):
            row = pl.DataFrame({"ids": " and ".join(map(repr, ids))})
            found.append(
                make_findings(
                    row,
                    kind=pl.lit("look-alike ids"),
                    table=pl.lit(name),
                    subject=pl.lit(f"{key} {ids[0]}"),
                    detail=pl.format("{} look like one id", "ids"),
                )
            )
    return pl.concat(found) if found else no_findings()


def find_sum_hubs(volumes: pl.DataFrame) -> pl.DataFrame:
    """Find hubs that send on each of their days just what all others together send.

    Parameters
    ----------
    volumes
        Table ``route_volumes``.
    """
    daily = volumes.group_by("date", "origin_hub_id").agg(pl.col("parcels").sum(), pl.len().alias("rows"))
    total = pl.col("parcels").sum().over("date")
    others = pl.len().over("date") - 1
    judged = daily.with_columns(
        ((total == 2 * pl.col("parcels")) & (others >= 2) & (pl.col("parcels") > 0)).alias("is_sum")
    )
    hubs = (
        judged.group_by("origin_hub_id")
        .agg(
            pl.col("is_sum").all(),
            pl.len().alias("days"),
            pl.col("date").min().alias("first"),
            pl.col("date").max().alias("last"),
            pl.col("parcels").sum(),
        )
        .filter(pl.col("is_sum") & (pl.col("days") >= _DAYS_OF_A_SUM))
        .sort("origin_hub_id")
    )
    return make_findings(
        hubs,
        kind=pl.lit("sum of the others"),
        table=pl.lit("route_volumes"),
        subject=pl.format("origin_hub_id {}", "origin_hub_id"),
        date_from=pl.col("first"),
        date_to=pl.col("last"),
        parcels=pl.col("parcels"),
        detail=pl.lit("carries on every day just what all other hubs carry together: a sum row loaded as a hub"),
    )
