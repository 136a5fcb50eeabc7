"""``radar export``: any table as a file."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.console import known_errors, out_text, say, workspace_of
from data.errors import RadarError


class ExportFormat(StrEnum):
    """Kinds of file."""

    csv = "csv"
    parquet = "parquet"
    json = "json"
    xlsx = "xlsx"


def register(app: typer.Typer) -> None:
    """Add ``radar export``."""
    app.command("export")(export)


@known_errors
def export(
    context: typer.Context,
    table: Annotated[str, typer.Argument(metavar="TABLE", help="Table, e.g. route_forecasts.")],
    form: Annotated[ExportFormat, typer.Option("--format", help="Kind of file.")] = ExportFormat.csv,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="File to write; csv and json go to stdout without it.")
    ] = None,
    run_id: Annotated[
        str | None, typer.Option("--run", help="Of a result table: this run's rows; by default the latest run's.")
    ] = None,
    every_run: Annotated[bool, typer.Option("--all-runs", help="Of a result table: the rows of every run.")] = False,
) -> None:
    """Write any table as CSV, Parquet, JSON or Excel.

    Example: `radar export trunk_departures --format xlsx --out departures.xlsx`
    """
    from data.contracts import contract
    from data.exports import format_csv, format_json, write_table

    workspace = workspace_of(context)
    by_run = contract(table).group == "results" and not every_run
    frame = workspace.results(table, run_id) if by_run else workspace.read(table)
    zone = workspace.settings.workspace.zone
    if out is not None:
        write_table(frame, out, form.value, zone)
        say(f"{frame.height:,} rows of {table} in {out}")
    elif form is ExportFormat.csv:
        out_text(format_csv(frame, zone).rstrip("\n"))
    elif form is ExportFormat.json:
        out_text(format_json(frame, zone).rstrip("\n"))
    else:
        raise RadarError(f"--format {form.value} without --out", "a file to write", f"add --out {table}.{form.value}")
