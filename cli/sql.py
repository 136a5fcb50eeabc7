"""``radar sql``: any question about the tables."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.console import known_errors, out_rows, workspace_of
from cli.options import Json


def register(app: typer.Typer) -> None:
    """Add ``radar sql``."""
    app.command("sql")(sql)


@known_errors
def sql(
    context: typer.Context,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="A SELECT over the tables by their names.")],
    timeout: Annotated[
        float | None, typer.Option("--timeout", min=0.0, metavar="SECONDS", help="Stop the query after this time.")
    ] = None,
    json: Json = False,
) -> None:
    """Ask the tables in SQL (DuckDB's dialect); nothing can be changed this way.

    Example: `radar sql "SELECT date, mean FROM network_forecasts ORDER BY date"`
    """
    from data.query import answer

    out_rows(answer(workspace_of(context), query, timeout), json=json, as_typed=True)
