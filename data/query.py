"""Questions in SQL to the tables of a workspace."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import polars as pl

from data.contracts import TABLES
from data.errors import RadarError
from data.spelling import ask_near
from data.workspace import Workspace

if TYPE_CHECKING:
    import duckdb

_ROW = "radar_row_number"
_NO_TABLE = re.compile(r"Table with name (\S+) does not exist")
_NO_COLUMN = re.compile(r'Referenced column "([^"]+)" not found.*\nCandidate bindings: (.*)')


def answer(workspace: Workspace, query: str, timeout: float | None = None) -> pl.DataFrame:
    """Run one SELECT over the workspace's tables in a database that lives in memory and sees nothing else.

    Parameters
    ----------
    workspace
        The workspace.
    query
        One SELECT in DuckDB's dialect.
    timeout
        Seconds after which the query is stopped; None waits for ever.

    Raises
    ------
    RadarError
        With DuckDB's own words when the query is wrong, or when it was stopped.
    """
    named = [name for name in TABLES if re.search(rf"\b{name}\b", query, re.IGNORECASE)]
    return _run({name: workspace.read(name) for name in named}, query, timeout)


def select_rows(frame: pl.DataFrame, table: str, where: str) -> pl.DataFrame:
    """Return the rows of a table for which a condition in SQL holds, in their order.

    Raises
    ------
    RadarError
        When the condition is none.
    """
    if not where.strip():
        raise RadarError("an empty condition", "one in SQL, e.g. date > '2030-01-01'", "correct --where")
    with _database({table: frame.with_row_index(_ROW)}) as connection, _own_errors(None):
        # as an expression, so that what closes the bracket early is no condition
        chosen: pl.DataFrame = connection.view(table).filter(where).project(_ROW).order(_ROW).pl()
    return frame[chosen[_ROW].to_list()]


def _run(tables: dict[str, pl.DataFrame], query: str, timeout: float | None) -> pl.DataFrame:
    with _database(tables) as connection, _own_errors(timeout), _stopped_after(connection, timeout):
        statements = len(connection.extract_statements(query))
        if statements > 1:  # the database would answer the last alone
            raise RadarError(
                f"{statements} statements", "one SELECT", "ask them one by one, or join them with UNION ALL"
            )
        answered: pl.DataFrame = connection.sql(query).pl()
    return answered


@contextmanager
def _database(tables: dict[str, pl.DataFrame]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database that holds the tables and can reach nothing else."""
    import duckdb

    with duckdb.connect(":memory:") as connection:
        for name, frame in tables.items():
            connection.register(name, frame)
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection


@contextmanager
def _own_errors(timeout: float | None) -> Iterator[None]:
    import duckdb

    try:
        yield
    except duckdb.InterruptException as error:
        raise RadarError(
            f"the query was stopped after {timeout or 0:g} seconds", action="ask for less, or raise --timeout"
        ) from error
    except (duckdb.Error, AttributeError) as error:
        cause = "it returns no rows" if isinstance(error, AttributeError) else str(error).splitlines()[0]
        raise RadarError(f"the query cannot be answered: {cause}", action=_advise(str(error))) from error


def _advise(message: str) -> str:
    """Say which table or column was probably meant, and where their names stand."""
    table, column = _NO_TABLE.search(message), _NO_COLUMN.search(message)
    if table and (close := ask_near(table[1], TABLES)):
        return f"{close} see `radar tables`"
    if column and (close := ask_near(column[1], re.findall(r'"([^"]+)"', column[2]))):
        return f"{close} see `radar tables NAME`"
    return "see `radar tables NAME` for the columns"


@contextmanager
def _stopped_after(connection: duckdb.DuckDBPyConnection, seconds: float | None) -> Iterator[None]:
    if seconds is None:
        yield
        return
    clock = threading.Timer(seconds, connection.interrupt)
    clock.start()
    try:
        yield
    finally:
        clock.cancel()
