"""Sums of a table of volumes by key and day, taken a block of rows at a time so that memory holds the sums and not copies of the table."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

ROWS_AT_A_TIME = 2_000_000
"""Rows that are grouped at a time."""


def sum_parcels(volumes: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Sum the parcels of rows with the same keys.

    Parameters
    ----------
    volumes
        Columns of ``route_volumes`` or ``outlet_volumes``; parcels are whole, so that blocks add up exactly.
    keys
        Columns to sum by.

    Returns
    -------
    DataFrame
        The keys and parcels, one row a combination that has a row, in no order.
    """
    needed = volumes.select(*keys, "parcels")
    blocks = [
        needed.slice(start, ROWS_AT_A_TIME).group_by(keys).agg(pl.col("parcels").sum())
        for start in range(0, max(needed.height, 1), ROWS_AT_A_TIME)
    ]
    return blocks[0] if len(blocks) == 1 else pl.concat(blocks).group_by(keys).agg(pl.col("parcels").sum())
