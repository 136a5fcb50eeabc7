"""``radar load``: files, folders and queries into tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from cli import load_options as options
from cli.console import (
    EXIT_ERROR,
    EXIT_INCOMPLETE,
    known_errors,
    out_json,
    out_rows,
    out_text,
    progress,
    say,
    tell_known,
    warn,
    workspace_of,
)
from cli.options import Json
from data.errors import RadarError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from data.ingest.loading import Loaded
    from data.ingest.profiles import Profile
    from data.sources import Source
    from data.workspace import Workspace

_ROWS_SHOWN = 5


def register(app: typer.Typer) -> None:
    """Add ``radar load``."""
    app.command("load")(load)


@known_errors
def load(
    context: typer.Context,
    table: options.Table = None,
    files: options.Files = None,
    folder: options.Folder = None,
    sql: options.Mapping = None,
    database: options.Database = None,
    query: options.Query = None,
    constants: options.Constants = None,
    add_missing: options.AddMissing = "",
    replace: options.Replace = False,
    sheet: options.Sheet = None,
    header_row: options.HeaderRow = None,
    columns: options.Columns = None,
    wide: options.Wide = None,
    fill_down: options.FillDown = "",
    units: options.Units = None,
    add_up: options.AddUp = False,
    allow_future: options.AllowFuture = False,
    ids_as_written: options.IdsAsWritten = False,
    volumes: options.Volumes = None,
    profile: options.KeepAs = None,
    dry_run: options.DryRun = False,
    json: Json = False,
) -> None:
    """Load files or a PostgreSQL query into a table; bad rows are set apart in rejected_rows, and the exit code is 3.

    Columns are found by name or alias, Chinese or English. Rows take the place of those with their key. The settings
    found are kept as a profile: `radar load route_volumes` alone loads the same file again as it was loaded last.

    Example: `radar load route_volumes volumes-2025.csv.gz --set courier_id=ours --add-missing hubs,couriers`
    """
    workspace = workspace_of(context)
    given: dict[str, Any] = {
        "sql": str(sql) if sql else None,
        "constants": dict(_parse_pair("--set", text) for text in constants or []),
        "add_missing": _split(add_missing),
        "sheet": sheet,
        "header_row": header_row,
        "span": columns,
        "wide": wide,
        "fill_down": _split(fill_down),
        "units": dict(_parse_pair("--unit", text) for text in units or []),
        "add_up": add_up,
        "allow_future": allow_future,
        "ids_as_written": ids_as_written,
    }
    given = {name: value for name, value in given.items() if value}
    if folder is not None:
        if table is not None or query is not None or profile is not None:
            raise typer.BadParameter("--folder takes neither TABLE nor --query nor --profile")
        _load_folder(workspace, folder, given, replace=replace, volumes=volumes, dry_run=dry_run, json=json)
        return
    if table is None:
        raise typer.BadParameter("name a table, e.g. `radar load route_volumes FILE`, or --folder DIR")
    if query is not None and profile is not None:
        raise typer.BadParameter("--profile keeps how files are read, not a query")
    asked, name = _ask(workspace, table, files or [], given, query=query)
    loaded = _load_one(
        workspace,
        asked,
        _open_query(files or [], database, query),
        replace=replace,
        volumes=volumes,
        keep_as=profile or name,
        dry_run=dry_run,
    )
    _tell(asked.table, loaded, json=json, dry_run=dry_run)
    _require_share(workspace, loaded)
    if loaded.ingestion.set_apart:
        raise typer.Exit(EXIT_INCOMPLETE)


def _ask(
    workspace: Workspace, word: str, files: list[Path], given: dict[str, Any], *, query: str | None
) -> tuple[Profile, str]:
    """Return what is asked for, and the name to keep it under: a table's files, or a profile with what is given on top."""
    import dataclasses

    from data.contracts import TABLES
    from data.ingest.files import require_word
    from data.ingest.loading import LOADABLE, require_loadable
    from data.ingest.profiles import Profile, profile_names, read_profile

    profile = read_profile(workspace.folder, word) if word not in TABLES or not (files or query) else None
    if profile is None:
        if word not in TABLES:
            raise require_word(word, LOADABLE, profile_names(workspace.folder))
        require_loadable(word)
        if not files and query is None:
            raise typer.BadParameter("name at least one file, or --database URL with --query SQL")
        profile = Profile(word)
    if files:
        given = {**given, "files": tuple(str(path) for path in files)}
    return dataclasses.replace(profile, **given), word


def _load_one(
    workspace: Workspace,
    asked: Profile,
    sources: list[Source] | None,
    *,
    replace: bool,
    volumes: bool | None,
    keep_as: str,
    dry_run: bool,
    before: Mapping[str, pl.DataFrame] | None = None,
) -> Loaded:
    from data.ingest.files import load_files, preview_files

    with progress(f"load {asked.table}") as bar:
        if dry_run:
            return preview_files(workspace, asked, sources=sources, replace=replace, before=before, progress=bar)
        return load_files(
            workspace, asked, sources=sources, replace=replace, derive=volumes, keep_as=keep_as, progress=bar
        )


def _load_folder(
    workspace: Workspace,
    folder: Path,
    given: dict[str, Any],
    *,
    replace: bool,
    volumes: bool | None,
    dry_run: bool,
    json: bool,
) -> None:
    """Load the files of a folder table by table; one that cannot be loaded does not stop the others."""
    import polars as pl

    from data.contracts import TABLES
    from data.ingest.folders import match_files, name_table
    from data.ingest.loading import LOADABLE, tell_answer
    from data.ingest.profiles import Profile

    found = match_files(folder, LOADABLE)
    for name in found.others:
        written = name_table(name, list(TABLES))
        if written is None:
            warn(f"{folder / name}: no table is named so; it is left out.")
        else:
            warn(f"{folder / name}: table {written} is written by radar itself; it is left out.")
    answers: list[dict[str, object]] = []
    previewed: dict[str, pl.DataFrame] = {}
    code = 0
    for table, paths in found.tables.items():
        asked = Profile(table, tuple(str(path) for path in paths), **_fitting(table, given))
        try:
            loaded = _load_one(
                workspace,
                asked,
                None,
                replace=replace,
                volumes=volumes,
                keep_as=table,
                dry_run=dry_run,
                before=previewed,
            )
        except RadarError as error:
            tell_known(error)
            code = EXIT_ERROR
            continue
        if dry_run:
            for name, rows in {**loaded.ingestion.added, table: loaded.ingestion.rows}.items():
                previewed[name] = pl.concat([previewed[name], rows]) if name in previewed else rows
        answers.append(tell_answer(table, loaded))
        _tell(table, loaded, json=None if json else False, dry_run=dry_run)
        try:
            _require_share(workspace, loaded)
        except RadarError as error:
            tell_known(error)
            code = EXIT_ERROR
        if loaded.ingestion.set_apart and not code:
            code = EXIT_INCOMPLETE
    if json:
        out_json(answers)
    if code:
        raise typer.Exit(code)


def _require_share(workspace: Workspace, loaded: Loaded) -> None:
    """Refuse a dry run, its rows once shown, whose load would be refused; what was loaded passes."""
    loaded.ingestion.require_share(workspace.settings.load.max_rejected_share)


def _fitting(table: str, given: dict[str, Any]) -> dict[str, Any]:
    """Leave out of the options for a whole folder what a table has no column or no link for."""
    from data.contracts import contract, links_of

    named_table = contract(table)
    # One value is no id for every row of a reference table.
    columns = [
        c.name for c in named_table.columns if not (named_table.group == "reference" and c.name == named_table.keys[0])
    ]
    targets = {link.target for link in links_of(table)}
    fitting = dict(given)
    for option in ("constants", "units"):
        if option in given:
            fitting[option] = {name: value for name, value in given[option].items() if name in columns}
    if "add_missing" in given:
        fitting["add_missing"] = tuple(name for name in given["add_missing"] if name in targets)
    if "fill_down" in given:
        fitting["fill_down"] = tuple(name for name in given["fill_down"] if name in columns)
    return fitting


def _open_query(files: list[Path], database: str | None, query: str | None) -> list[Source] | None:
    if query is None:
        return None
    if files:
        raise typer.BadParameter("either files or --query, not both")
    if database is None:
        raise typer.BadParameter("--query needs --database URL")
    from data.sources.postgresql import open_query

    return [open_query(database, query)]


def _parse_pair(option: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise typer.BadParameter(f"{option} {text}: write it as COLUMN={'UNIT' if option == '--unit' else 'VALUE'}")
    return name.strip(), value


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _tell(table: str, loaded: Loaded, *, json: bool | None, dry_run: bool) -> None:
    """Tell what was loaded; ``json`` None leaves the answer on stdout to the caller and tells the eye on stderr."""
    from data.ingest.loading import tell_answer, tell_counts
    from data.ingest.rows import tell_rules

    ingestion = loaded.ingestion
    for note in loaded.notes:
        warn(note)
    for rule in tell_rules(ingestion.asides, most=10):
        say(f"left out: {rule}")
    if ingestion.set_apart:
        for rule in tell_rules(ingestion.rejected, most=10):
            warn(f"set apart: {rule}")
        if not dry_run:
            say("Rows set apart: `radar export rejected_rows`.")
    settings = loaded.profile.tell() if loaded.profile else ""
    if settings:
        say(f"read with {settings}")
    if json:
        out_json(tell_answer(table, loaded))
        return
    show = say if json is None else out_text
    show(f"{table}: {tell_counts(ingestion)}{' (nothing was written)' if dry_run else ''}.")
    for name, count in loaded.also_written.items():
        show(f"{name}: {count:,} rows {'would be ' if dry_run else ''}added or renewed.")
    if dry_run and json is not None:
        out_rows(ingestion.rows.head(_ROWS_SHOWN), json=False, as_typed=True)
