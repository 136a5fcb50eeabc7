"""``radar tables``: which tables there are, and what stands in their columns."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.console import known_errors, out_json, out_rows, out_text
from cli.options import Json


def register(app: typer.Typer) -> None:
    """Add ``radar tables``."""
    app.command("tables")(tables)


@known_errors
def tables(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Show the columns of this table.")] = None,
    json: Json = False,
) -> None:
    """List the tables with what a row of each is; or the columns of one with type, unit and the headers they are known by.

    Example: `radar tables lanes`
    """
    import polars as pl

    from data.contracts import TABLES, contract

    if name is None:
        rows = [{"table": table.name, "group": table.group, "meaning": table.meaning} for table in TABLES.values()]
        out_rows(pl.DataFrame(rows), json=json)
        return
    table = contract(name)
    columns = [
        {
            "column": column.name,
            "type": str(column.dtype),
            "unit": column.unit,
            "required": not column.nullable,
            "key": column.key,
            "meaning": column.meaning,
            "aliases": list(column.aliases),
        }
        for column in table.columns
    ]
    if json:
        out_json({"table": table.name, "group": table.group, "meaning": table.meaning, "columns": columns})
        return
    out_text(table.meaning)
    words = pl.Series("type", [column.type_word for column in table.columns])
    out_rows(pl.DataFrame(columns).with_columns(words, pl.col("aliases").list.join(", ")), json=False)
