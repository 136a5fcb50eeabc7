"""Questions in SQL about the tables of a workspace."""

from __future__ import annotations

import re

import polars as pl

from data.contracts import TABLES
from data.errors import RadarError
from data.workspace import Workspace


def answer(workspace: Workspace, query: str) -> pl.DataFrame:
    """Run one SELECT over the workspace's tables in a database that lives in memory and sees nothing else.

    Raises
    ------
    RadarError
        With DuckDB's own words when the query is wrong.
    """
    import duckdb

    named = [name for name in TABLES if re.search(rf"\b{name}\b", query, re.IGNORECASE)]
    with duckdb.connect(":memory:") as connection:
        for name in named:
            connection.register(name, workspace.read(name))
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        try:
            answered: pl.DataFrame = connection.sql(query).pl()
            return answered
        except (duckdb.Error, AttributeError) as error:
            told = "it returns no rows" if isinstance(error, AttributeError) else str(error).splitlines()[0]
            raise RadarError(
                f"the query cannot be answered: {told}", action="see docs/reference/tables.md for the columns"
            ) from error
