"""Which hub-days lack sorters and which lack vehicles, from what a plan did on draws of the demand."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl


def tell_lacks(results: pl.DataFrame, rigid: str, unlimited: str) -> pl.DataFrame:
    """Say which hub-days lack sorters and which lack vehicles.

    Parameters
    ----------
    results
        ``stress_results`` of one scenario under two policies.
    rigid, unlimited
        Their names: planned vehicles only, and any number of them.

    Returns
    -------
    pl.DataFrame
        date, hub_id, sort_id, overflow_probability (rigid), floor (with unlimited vehicles), lacks: sorters where vehicles would not
        halve it, else vehicles. Hub-days that never overflow with planned vehicles are left out; the likeliest first.
    """
    import polars as pl

    keys = ["date", "hub_id", "sort_id"]
    floor = results.filter(pl.col("policy") == unlimited).select(*keys, floor="overflow_probability")
    rows = results.filter((pl.col("policy") == rigid) & (pl.col("overflow_probability") > 0))
    mends = pl.col("floor") < 0.5 * pl.col("overflow_probability")
    return (
        rows.select(*keys, "overflow_probability")
        .join(floor, on=keys, how="left")
        .with_columns(pl.col("floor").fill_null(0.0))
        .with_columns(lacks=pl.when(mends).then(pl.lit("vehicles")).otherwise(pl.lit("sorters")))
        .sort(["overflow_probability", *keys], descending=[True, False, False, False])
    )
