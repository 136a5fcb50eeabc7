"""``radar load``: files and queries into tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.console import EXIT_INCOMPLETE, known_errors, out_json, out_text, progress, say, warn, workspace_of
from cli.options import Json

if TYPE_CHECKING:
    from data.ingest.loading import Loaded
    from data.sources import Source


def register(app: typer.Typer) -> None:
    """Add ``radar load``."""
    app.command("load")(load)


@known_errors
def load(
    context: typer.Context,
    table: Annotated[str, typer.Argument(metavar="TABLE", help="Table to load, e.g. route_volumes.")],
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE...", help="CSV (also gzip), Excel, Parquet, JSON lines or GeoJSON files."),
    ] = None,
    sql: Annotated[
        Path | None,
        typer.Option(
            "--sql",
            metavar="FILE",
            help="One SELECT over the table input that brings the files to the table's columns.",
        ),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(
            "--database",
            metavar="URL",
            envvar="RADAR_DATABASE",
            show_envvar=False,
            help="PostgreSQL server, e.g. postgresql://user@host/database; the password best in PGPASSWORD or ~/.pgpass.",
        ),
    ] = None,
    query: Annotated[
        str | None, typer.Option("--query", metavar="SQL", help="One SELECT for --database; it can only read.")
    ] = None,
    constants: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="COLUMN=VALUE", help="Fill a column with one value; may be repeated."),
    ] = None,
    add_missing: Annotated[
        str,
        typer.Option("--add-missing", metavar="TABLES", help="Make reference rows for new ids, e.g. hubs,couriers."),
    ] = "",
    replace: Annotated[bool, typer.Option("--replace", help="Start the table anew instead of adding by key.")] = False,
    sheet: Annotated[
        str | None,
        typer.Option(
            "--sheet", help="Sheet of an Excel file; by default the one named like the table, else the first."
        ),
    ] = None,
    volumes: Annotated[
        bool | None,
        typer.Option(
            "--volumes/--no-volumes",
            help="Whether waybills also renew route_volumes and outlet_volumes; by default unless that would more than halve them.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Load files or a PostgreSQL query into a table; bad rows are set apart in rejected_rows, and the exit code is 3.

    Columns are found by name or alias, Chinese or English. Rows take the place of those with their key.

    Example: `radar load route_volumes volumes-2025.csv.gz --set courier_id=ours --add-missing hubs,couriers`
    """
    from data.ingest.loading import load_table, require_loadable

    require_loadable(table)
    workspace = workspace_of(context)
    given = dict(_parse_constant(text) for text in constants or [])
    with progress(f"load {table}") as bar:
        sources = _open(files or [], sql, database, query, sheet, table)
        loaded = load_table(
            workspace,
            table,
            sources,
            constants=given,
            add_missing=[target.strip() for target in add_missing.split(",") if target.strip()],
            replace=replace,
            derive=volumes,
            options=_options(table, files or [], sql, database, query, given, add_missing, replace, volumes),
            progress=bar,
        )
    _tell(table, loaded, json=json)
    if loaded.ingestion.set_apart:
        raise typer.Exit(EXIT_INCOMPLETE)


def _open(
    files: list[Path], sql: Path | None, database: str | None, query: str | None, sheet: str | None, table: str
) -> list[Source]:
    from data.sources import open_files

    if query is not None:
        if files:
            raise typer.BadParameter("either files or --query, not both")
        if database is None:
            raise typer.BadParameter("--query needs --database URL")
        from data.sources.postgresql import open_query

        sources = [open_query(database, query)]
    elif not files:
        raise typer.BadParameter("name at least one file, or --database URL with --query SQL")
    else:
        sources = open_files(files, sheet, table)
    if sql is None:
        return sources
    from data.sources.sql_mapping import map_with_sql, read_query

    return [map_with_sql(sources, read_query(sql), str(sql))]


def _parse_constant(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise typer.BadParameter(f"--set {text}: write it as COLUMN=VALUE")
    return name.strip(), value


def _options(
    table: str,
    files: list[Path],
    sql: Path | None,
    database: str | None,
    query: str | None,
    constants: dict[str, str],
    add_missing: str,
    replace: bool,
    volumes: bool | None,
) -> dict[str, object]:
    """What to keep in ``runs``; the password of the database is not among it."""
    from data.sources.postgresql import mask_url

    return {
        "table": table,
        "files": [str(path) for path in files],
        "sql": str(sql) if sql else None,
        "database": mask_url(database) if database and query else None,
        "query": query,
        "set": constants,
        "add_missing": add_missing,
        "replace": replace,
        "volumes": volumes,
    }


def _tell(table: str, loaded: Loaded, *, json: bool) -> None:
    from data.ingest.loading import tell_counts
    from data.ingest.rows import tell_rules

    ingestion = loaded.ingestion
    for note in loaded.notes:
        warn(note)
    if ingestion.set_apart:
        for told in tell_rules(ingestion.rejected, most=10):
            warn(f"set apart: {told}")
        say("Rows set apart: `radar export rejected_rows`.")
    if json:
        out_json(
            {
                "run_id": loaded.run_id,
                "table": table,
                "rows_read": ingestion.read,
                "rows_taken": ingestion.rows.height,
                "rows_repeated": ingestion.collapsed,
                "rows_set_apart": ingestion.set_apart,
                "also_written": dict(loaded.also_written),
            }
        )
        return
    out_text(f"{table}: {tell_counts(ingestion)}.")
    for name, count in loaded.also_written.items():
        out_text(f"{name}: {count:,} rows added or renewed.")
