"""Loading: from opened sources to one commit a table, with everything that hangs on it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from data.contracts import GIVEN_RESULTS, TABLES, TableContract, contract
from data.contracts.links import LINKS
from data.errors import RadarError
from data.ingest.asides import HEADER, NOTE, SUM
from data.ingest.columns import find_column, nearest_name
from data.ingest.derived import derive_volumes, renew_volumes
from data.ingest.geometry import GEOMETRY_IDS, write_geometry
from data.ingest.ingestion import Ingestion, Instructions, ingest
from data.ingest.profiles import Profile
from data.progress import SILENT, Progress
from data.runs import Run
from data.sources import Source
from data.sources.geojson_files import GEOMETRY
from data.sources.load_limits import LoadWatch, limited
from data.workspace import Workspace

_LEAST_SHARE = 0.5
LOADABLE = tuple(
    name for name, table in TABLES.items() if table.group in ("reference", "history") or name in GIVEN_RESULTS
)


@dataclass(frozen=True)
class Loaded:
    """What a load did: its run, what came in, the rows of each other table it wrote, and what it found of the files."""

    run_id: str
    ingestion: Ingestion
    also_written: Mapping[str, int]
    profile: Profile | None = None

    @property
    def notes(self) -> Sequence[str]:
        """What a planner should know besides the counts."""
        return self.ingestion.notes


def load_table(
    workspace: Workspace,
    name: str,
    sources: Sequence[Source],
    *,
    instructions: Instructions | None = None,
    derive: bool | None = None,
    options: Mapping[str, object] | None = None,
    progress: Progress = SILENT,
    watch: LoadWatch | None = None,
) -> Loaded:
    """Load sources into a table of the workspace, all or nothing.

    Rows take the place of those with their key. Bad rows go to ``rejected_rows`` with what is wrong with them.
    Waybills also renew ``route_volumes`` and ``outlet_volumes``; GeoJSON also renews the geometry beside the tables.

    Parameters
    ----------
    workspace
        Where to.
    name
        Table to load.
    sources
        Opened files or queries.
    instructions
        How they are to be read; see ``ingestion.Instructions``.
    derive
        Whether waybills renew the volumes; None renews them unless that would more than halve them.
    options
        What to keep of the command in ``runs``; must hold no password.
    progress
        Is told how far the reading is.
    watch
        Time and memory the reading may take; None limits neither.

    Raises
    ------
    RadarError
        When the table cannot be loaded, a source cannot be read, a needed column is missing, or more rows than
        ``max_rejected_share`` break a rule; the workspace is then as it was.
    """
    table = require_loadable(name)
    how = instructions or Instructions()
    known = require_targets(table, how.add_missing)
    with workspace.run(f"load {name}", options or {}) as run:
        reader = _CachedReader(run)
        given = _constants(table, how, run.run_id)
        with limited(watch):
            ingestion = ingest(
                table,
                sources,
                dataclasses.replace(how, constants=given, add_missing=known),
                read_table=reader,
                zone=workspace.settings.workspace.zone,
                progress=progress,
            )
        ingestion.require_share(workspace.settings.load.max_rejected_share)
        also: dict[str, int] = {}
        for target, rows in ingestion.added.items():
            if target != name:
                run.upsert(target, rows)
                also[target] = rows.height
        rows = ingestion.rows
        if name in ingestion.added:
            rows = pl.concat([rows, ingestion.added[name]])
        if name in GIVEN_RESULTS:
            run.append(name, rows)
        elif how.replace:
            run.replace(name, rows)
        else:
            run.upsert(name, rows)
        if name == "waybills" and derive is not False:
            also |= _renew_volumes(run, reader, rows, workspace, replace=how.replace, forced=derive is True)
            if uncounted := rows["courier_id"].null_count():
                note = f"{uncounted:,} waybills without a courier count at their outlets and on no route"
                ingestion = dataclasses.replace(ingestion, notes=(*ingestion.notes, note))
        if ingestion.rejected.height or ingestion.asides.height:
            set_apart = pl.concat([ingestion.rejected, ingestion.asides])
            run.append("rejected_rows", set_apart.with_columns(pl.lit(name).alias("table_name")))
        if ingestion.rejected.height:
            run.outcome = "rejected"
        geometries = _gather_geometries(table, sources, rows) if name in GEOMETRY_IDS else {}
        run.message = tell_counts(ingestion)
    if geometries:
        write_geometry(workspace.folder, name, geometries.items(), replace=how.replace)
    return Loaded(run.run_id, ingestion, also)


def preview_table(
    workspace: Workspace,
    name: str,
    sources: Sequence[Source],
    instructions: Instructions | None = None,
    progress: Progress = SILENT,
    *,
    before: Mapping[str, pl.DataFrame] | None = None,
) -> Loaded:
    """Read sources as ``load_table`` would, and write nothing; too many bad rows are told by their count only.

    Rows of ``before``, by table, count as loaded: those read earlier from the same folder.
    """
    table = require_loadable(name)
    how = instructions or Instructions()
    known = require_targets(table, how.add_missing)
    ingestion = ingest(
        table,
        sources,
        dataclasses.replace(how, constants=_constants(table, how, "preview"), add_missing=known),
        read_table=_CachedReader(workspace, before),
        zone=workspace.settings.workspace.zone,
        progress=progress,
    )
    return Loaded("", ingestion, {target: rows.height for target, rows in ingestion.added.items() if target != name})


def _constants(table: TableContract, how: Instructions, run_id: str) -> dict[str, str]:
    return {**how.constants, **({"run_id": run_id} if "run_id" in table.polars_schema else {})}


def tell_counts(ingestion: Ingestion) -> str:
    """Say in one line how many rows went where."""
    parts = [f"{ingestion.read:,} rows read", f"{ingestion.rows.height:,} taken"]
    if ingestion.collapsed:
        parts.append(f"{ingestion.collapsed:,} repeated another row")
    if ingestion.added_up:
        parts.append(f"{ingestion.added_up:,} added to another row")
    words = {SUM: "sum row(s) left out", HEADER: "repeated header(s) left out", NOTE: "foot note(s) left out"}
    parts.extend(f"{count:,} {words[rule]}" for rule, count in ingestion.count_asides().items())
    if ingestion.set_apart:
        parts.append(f"{ingestion.set_apart:,} set apart")
    return ", ".join(parts)


def tell_answer(table: str, loaded: Loaded) -> dict[str, object]:
    """Return what ``radar load --json`` answers for one table."""
    ingestion = loaded.ingestion
    found = loaded.profile
    return {
        "run_id": loaded.run_id,
        "table": table,
        "rows_read": ingestion.read,
        "rows_taken": ingestion.rows.height,
        "rows_repeated": ingestion.collapsed,
        "rows_set_apart": ingestion.set_apart,
        "rows_added_up": ingestion.added_up,
        "rows_left_out": ingestion.asides.height,
        "also_written": dict(loaded.also_written),
        "settings": {
            "sheet": found.sheet if found else None,
            "header_row": found.header_row if found else None,
            "wide": found.wide if found else None,
            "columns": dict(ingestion.columns),
        },
    }


def require_loadable(name: str) -> TableContract:
    """Return the contract of a table that files may be loaded into; RadarError for any other."""
    if name not in TABLES:
        near = nearest_name(name, LOADABLE)
        action = f"did you mean {near}?" if near else "use one of these names"
        raise RadarError(f"table {name}", f"one of {', '.join(LOADABLE)}", action)
    table = contract(name)
    if name not in LOADABLE:
        raise RadarError(
            f"table {name}, which ParcelRadar writes itself", f"one of {', '.join(LOADABLE)}", "load one of these"
        )
    return table


def require_targets(table: TableContract, add_missing: Sequence[str]) -> tuple[str, ...]:
    """Return the reference tables to add to, in the order in which they lean on each other; RadarError for any other."""
    possible = tuple(dict.fromkeys(link.target for link in LINKS if link.table == table.name))
    for target in add_missing:
        if target not in possible:
            expected = f"one of {', '.join(possible)}" if possible else "no table: its rows name no ids of others"
            raise RadarError(f"--add-missing {target} for table {table.name}", expected, "leave it out")
    return tuple(target for target in TABLES if target in add_missing)


class _CachedReader:
    """Reads each table of the workspace once; rows of ``over`` take the place of those with their key."""

    def __init__(self, tables: Run | Workspace, over: Mapping[str, pl.DataFrame] | None = None) -> None:
        self._source = tables
        self._over = over or {}
        self._tables: dict[str, pl.DataFrame] = {}

    def __call__(self, name: str) -> pl.DataFrame:
        if name not in self._tables:
            rows = self._source.read(name)
            if name in self._over:
                over = self._over[name]
                rows = pl.concat([rows.join(over, on=list(contract(name).keys), how="anti"), over.select(rows.columns)])
            self._tables[name] = rows
        return self._tables[name]


def _renew_volumes(
    run: Run, reader: _CachedReader, rows: pl.DataFrame, workspace: Workspace, *, replace: bool, forced: bool
) -> dict[str, int]:
    settings = workspace.settings.workspace
    old = reader("waybills")
    changed = old if replace else old.join(rows, on="waybill_id", how="semi")
    standing = rows if replace else pl.concat([old.join(rows, on="waybill_id", how="anti"), rows])
    derived = derive_volumes(standing, settings.zone, settings.cutoff_hour)
    touched = derive_volumes(pl.concat([changed, rows]), settings.zone, settings.cutoff_hour)
    written = {}
    for name, volumes, keys in (
        ("route_volumes", derived.route_volumes, touched.route_volumes),
        ("outlet_volumes", derived.outlet_volumes, touched.outlet_volumes),
    ):
        if keys.height:
            before = reader(name)
            renewed = renew_volumes(before, volumes, keys)
            if not forced:
                _require_no_loss(name, before, renewed, keys)
            run.replace(name, renewed)
            written[name] = keys.height
    return written


def _require_no_loss(name: str, before: pl.DataFrame, after: pl.DataFrame, keys: pl.DataFrame) -> None:
    """Refuse to put a sample of waybills in place of whole volumes."""
    on = [column for column in keys.columns if column != "parcels"]
    old, new = (int(frame.join(keys, on=on, how="semi")["parcels"].sum()) for frame in (before, after))
    if new < _LEAST_SHARE * old:
        raise RadarError(
            f"waybills that would cut {name} of their days from {old:,} to {new:,} parcels",
            "all waybills of those days",
            "add --no-volumes when they are only a sample, --volumes when they are right",
        )


def _gather_geometries(
    table: TableContract, sources: Sequence[Source], rows: pl.DataFrame
) -> dict[str, dict[str, Any]]:
    """Collect the geometries of the rows taken, by id; rows whose geometry is none were set apart when they were read."""
    column = GEOMETRY_IDS[table.name]
    taken = set(rows[column].to_list())
    geometries: dict[str, dict[str, Any]] = {}
    for source in sources:
        if GEOMETRY not in source.columns:
            continue
        at = find_column(source.columns, table.column(column), source.name)
        for batch in source.read():
            ids, texts = batch.frame.to_series(at), batch.frame.to_series(source.columns.index(GEOMETRY))
            for identity, text in zip(ids, texts, strict=True):
                if text and text.strip() and str(identity).strip() in taken:
                    geometries[str(identity).strip()] = json.loads(text)
    return geometries
