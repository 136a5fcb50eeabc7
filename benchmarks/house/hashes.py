"""The content of a table as one short word: equal words, equal tables."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import polars as pl

CLOCKS = ("run_id", "started_at", "ended_at", "made_at", "seconds")  # differ from run to run by right


def hash_table(frame: pl.DataFrame) -> str:
    """Return 16 hexadecimal digits that tell whether two tables hold the same rows.

    Run ids and clocks are dropped, columns are sorted by name and rows by content; values count exactly, every bit of
    a float, an empty value apart from an empty text.

    Examples
    --------
    >>> one = pl.DataFrame({"run_id": ["plan-1", "plan-1"], "lane": ["A", "B"], "cost": [1.5, None]})
    >>> other = pl.DataFrame({"cost": [None, 1.5], "lane": ["B", "A"], "run_id": ["plan-2", "plan-2"]})
    >>> hash_table(one) == hash_table(other)
    True
    >>> hash_table(one) == hash_table(one.with_columns(cost=pl.col("cost") * 1.0000001))
    False
    """
    columns = sorted(name for name in frame.columns if name not in CLOCKS)
    lines = sorted(repr(row) for row in frame.select(columns).iter_rows())
    head = repr([(name, str(frame.schema[name])) for name in columns])
    return hashlib.sha256("\n".join([head, *lines]).encode()).hexdigest()[:16]


def hash_tables(tables: Mapping[str, pl.DataFrame]) -> dict[str, str]:
    """Return the word of each table, by name."""
    return {name: hash_table(frame) for name, frame in sorted(tables.items())}
