"""The load of files as `radar load` does it: opened by a profile, read, committed, and the profile kept for next time."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from data.errors import RadarError
from data.ingest.beside import look_within, read_span, take_columns
from data.ingest.future import tomorrow
from data.ingest.ingestion import Ingestion, Instructions
from data.ingest.layout import header_rule
from data.ingest.loading import Loaded, load_table, preview_table, require_loadable
from data.ingest.profiles import Profile, write_profile
from data.progress import SILENT, Progress
from data.sources import Layout, Source, open_files
from data.sources.load_limits import LoadWatch, limited, watch_load
from data.sources.opening import has_sheets
from data.workspace import Workspace

if TYPE_CHECKING:
    import polars as pl


def load_files(
    workspace: Workspace,
    profile: Profile,
    *,
    sources: Sequence[Source] | None = None,
    replace: bool = False,
    derive: bool | None = None,
    keep_as: str | None = None,
    progress: Progress = SILENT,
) -> Loaded:
    """Load files, or sources opened otherwise, as a profile says; all or nothing.

    Parameters
    ----------
    workspace
        Where to.
    profile
        Table, files and how they are read.
    sources
        Opened queries in place of the profile's files.
    replace, derive
        See ``loading.load_table``.
    keep_as
        Name under which what was found is kept as a profile, and as that of its table; None keeps nothing.
    progress
        Is told how far the reading is.

    Raises
    ------
    RadarError
        See ``loading.load_table``.
    """
    require_loadable(profile.table)
    watch = begin_watch(workspace)
    with limited(watch):
        opened = open_sources(profile, sources)
    instructions = instruct(workspace, profile, replace=replace)
    options = options_of(profile, opened, replace=replace, derive=derive, given=sources is not None)
    loaded = load_table(
        workspace,
        profile.table,
        opened,
        instructions=instructions,
        derive=derive,
        options=options,
        progress=progress,
        watch=watch,
    )
    found = find_profile(profile, loaded.ingestion)
    if keep_as is not None and sources is None:
        for name in {keep_as, profile.table}:  # a table alone is loaded as it was loaded last, by whatever name
            write_profile(workspace.folder, name, found)
    return dataclasses.replace(loaded, profile=found)


def preview_files(
    workspace: Workspace,
    profile: Profile,
    *,
    sources: Sequence[Source] | None = None,
    replace: bool = False,
    before: Mapping[str, pl.DataFrame] | None = None,
    progress: Progress = SILENT,
) -> Loaded:
    """Read files as ``load_files`` would, and write nothing; the run has no id. Rows of ``before`` count as loaded."""
    require_loadable(profile.table)
    with limited(begin_watch(workspace)):
        opened = open_sources(profile, sources)
        how = instruct(workspace, profile, replace=replace)
        loaded = preview_table(workspace, profile.table, opened, how, progress, before=before)
    return dataclasses.replace(loaded, profile=find_profile(profile, loaded.ingestion))


def begin_watch(workspace: Workspace) -> LoadWatch:
    """Begin to watch a load by the limits of the workspace."""
    settings = workspace.settings.load
    return watch_load(settings.time_limit_seconds, settings.memory_limit_gib)


def open_sources(profile: Profile, sources: Sequence[Source] | None = None) -> list[Source]:
    """Open the files of a profile, each sheet a source, and bring them to the table by its SQL if it has one."""
    if sources is None:
        rule = None if profile.sql else header_rule(require_loadable(profile.table), profile.constants, profile.wide)
        block = read_span(profile.span) if profile.span else None
        if rule and block:
            rule = look_within(rule, block)
        layout = Layout(profile.sheet, profile.table, profile.header_row, rule)
        sources = open_files([Path(file) for file in profile.files], layout)
        if block:
            sources = [take_columns(source, block) for source in sources]
    if profile.sql is None:
        return list(sources)
    from data.sources.sql_mapping import map_with_sql, read_query

    path = Path(profile.sql)
    return [map_with_sql(sources, read_query(path), str(path))]


def instruct(workspace: Workspace, profile: Profile, *, replace: bool) -> Instructions:
    """Return how a profile wants its files to be read; the clock is looked at here."""
    return Instructions(
        constants=profile.constants,
        add_missing=profile.add_missing,
        replace=replace,
        wide=profile.wide,
        units=profile.units,
        fill_down=profile.fill_down,
        add_up=profile.add_up,
        latest=None if profile.allow_future else tomorrow(workspace.settings.workspace.zone),
        ids_as_written=profile.ids_as_written,
    )


def find_profile(profile: Profile, ingestion: Ingestion) -> Profile:
    """Return the profile with what was found out about the files: sheet, header row, wide form, columns."""
    found = ingestion.settings
    return dataclasses.replace(
        profile,
        files=tuple(str(Path(file).resolve()) for file in profile.files),
        sheet=(profile.sheet if any(has_sheets(Path(file)) for file in profile.files) else None)
        or _text(found.get("sheet")),
        header_row=profile.header_row or _number(found.get("header_row")),
        wide=profile.wide or _text(found.get("wide")),
        columns=dict(ingestion.columns),
        sql=str(Path(profile.sql).resolve()) if profile.sql else None,
    )


def options_of(
    profile: Profile, sources: Sequence[Source], *, replace: bool, derive: bool | None, given: bool
) -> dict[str, object]:
    """Return what to keep of a load in ``runs``; sources name themselves without a password."""
    fields = dataclasses.asdict(profile)
    names = {
        "files": "files",
        "sql": "sql",
        "constants": "set",
        "add_missing": "add_missing",
        "table": "table",
        "span": "columns",
    }
    settings = {names.get(name, name): value for name, value in fields.items() if name != "columns"}
    queries = [source.name for source in sources] if given else None
    return {**settings, "query": queries, "replace": replace, "volumes": derive}


def require_word(name: str, tables: Sequence[str], profiles: Sequence[str]) -> RadarError:
    """Return the error for a word that is neither a table nor a profile, with the one it is close to."""
    from data.ingest.columns import nearest_name

    near = nearest_name(name, (*tables, *profiles))
    known = f"one of {', '.join(tables)}" + (f", or a profile: {', '.join(profiles)}" if profiles else "")
    return RadarError(f"table {name}", known, f"did you mean {near}?" if near else "use one of these names")


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None
