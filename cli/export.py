"""``radar export``: any table as a file."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import known_errors, out_text, say, workspace_of
from data.errors import RadarError

if TYPE_CHECKING:
    import polars as pl

    from data.workspace import Workspace


_NOT_WRITTEN = ("xls", "xlsm", "xlsb", "ods")


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
    table: Annotated[str | None, typer.Argument(metavar="TABLE", help="Table, e.g. route_forecasts.")] = None,
    form: Annotated[
        ExportFormat | None, typer.Option("--format", help="Kind of file; by default as --out ends, else csv.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="File to write, with --all a folder; csv and json of one table go to stdout without it.",
        ),
    ] = None,
    run_id: Annotated[
        str | None, typer.Option("--run", help="Of a result table: this run's rows; by default the latest run's.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every table that holds rows, a file each.")] = False,
    every_run: Annotated[bool, typer.Option("--all-runs", help="Of a result table: the rows of every run.")] = False,
) -> None:
    """Write any table as CSV, Parquet, JSON or Excel.

    Example: `radar export trunk_departures --format xlsx --out departures.xlsx`
    """
    if everything == (table is not None):
        raise RadarError(
            "a table and --all" if everything else "neither a table nor --all", "one of the two", "see `radar tables`"
        )
    if table is None:
        if out is None or run_id is not None:
            raise RadarError(
                "--all with --run" if run_id else "--all without --out", "--out DIR and no --run", "correct it"
            )
        _export_all(workspace_of(context), out, form or ExportFormat.csv, every_run=every_run)
        return
    from data.exports import format_csv, format_json, write_table

    workspace = workspace_of(context)
    frame = _rows(workspace, table, run_id, every_run=every_run)
    zone = workspace.settings.workspace.zone
    if out is not None:
        write_table(frame, out, _choose_format(out, form).value, zone)
        say(f"{frame.height:,} rows of {table} in {out}")
    elif form in (None, ExportFormat.csv):
        out_text(format_csv(frame, zone).rstrip("\n"))
    elif form is ExportFormat.json:
        out_text(format_json(frame, zone).rstrip("\n"))
    else:
        kind = (form or ExportFormat.csv).value
        raise RadarError(f"--format {kind} without --out", "a file to write", f"add --out {table}.{kind}")


def _choose_format(out: Path, asked: ExportFormat | None) -> ExportFormat:
    """Kind of file by its ending: one named as a workbook that holds text opens in no spreadsheet program."""
    ending = out.suffix.lower().lstrip(".")
    named = next((form for form in ExportFormat if form.value == ending), None)
    wrong = named is not None and asked not in (None, named)
    if wrong or ending in _NOT_WRITTEN:
        raise RadarError(
            f"--out {out.name} with --format {asked.value}" if wrong and asked else f"--out {out.name}",
            f"a file that ends with {', '.join(form.value for form in ExportFormat)}, as its --format",
            "correct one of the two",
        )
    return asked or named or ExportFormat.csv


def _rows(workspace: Workspace, table: str, run_id: str | None, *, every_run: bool) -> pl.DataFrame:
    from data.contracts import contract

    by_run = contract(table).group == "results" and not every_run
    return workspace.results(table, run_id) if by_run else workspace.read(table)


def _export_all(workspace: Workspace, folder: Path, form: ExportFormat, *, every_run: bool) -> None:
    from data.exports import write_table

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RadarError(f"{folder} cannot be made ({error.strerror})", action="choose another --out") from error
    files = rows = 0
    for table in workspace.present():
        frame = _rows(workspace, table, None, every_run=every_run)
        if frame.is_empty():
            continue
        write_table(frame, folder / f"{table}.{form.value}", form.value, workspace.settings.workspace.zone)
        files, rows = files + 1, rows + frame.height
    say(f"{rows:,} rows of {files} tables in {folder}")
