"""Old versions that nothing needs any more: the only place where versions are removed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from data import delta
from data.contracts import TABLES
from data.integrity import refuse_on_object_store
from data.table_reader import FINISHED, TableReader
from data.whatif import list_whatifs


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What can be removed of one table.

    Parameters
    ----------
    table
        Name of the table.
    versions
        Versions that nothing needs; they cannot be read afterwards.
    files
        Data files that belong to no version that is kept.
    size
        Their size [bytes].
    """

    table: str
    versions: tuple[int, ...]
    files: tuple[Path, ...]
    size: int


def find_removable(reader: TableReader, keep_days: int, now: datetime) -> list[Cleaning]:
    """Find the versions that no run needs.

    Kept are the newest version of every table, what runs of the last ``keep_days`` days read and wrote, and what any run
    read whose results stand (plans, forecasts, weather, scores), with the forecasts they were made from, and what plans of what-ifs read.

    Parameters
    ----------
    reader
        The workspace, which nobody else may be writing to.
    keep_days
        Days counted from ``now``.
    now
        The present [with offset].
    """
    refuse_on_object_store(reader, "clean")
    needed = _needed_versions(reader, now - timedelta(days=keep_days))
    found = []
    for name in TABLES:
        folder = reader.store(name).folder
        versions = delta.committed_versions(folder)
        if not versions:
            continue
        there = set(versions) - delta.removed_versions(folder)
        needed_versions = {version for version in {*needed.get(name, ()), versions[-1]} if version in there}
        files = _files_beside(folder, needed_versions)
        gone = tuple(sorted(there - needed_versions))
        if name == "runs":
            gone = tuple(version for version in gone if version < versions[-1])
        if files or gone:
            found.append(Cleaning(name, gone, files, sum(file.stat().st_size for file in files)))
    return found


def remove(reader: TableReader, cleanings: Iterable[Cleaning]) -> int:
    """Remove what was found, and return the bytes freed.

    That a version is removed is put down before its first file goes, so that a reader is told so.
    """
    freed = 0
    for cleaning in cleanings:
        folder = reader.store(cleaning.table).folder
        with delta.faults_told(folder, writing=True):
            delta.note_removed(folder, cleaning.versions)
            for file in cleaning.files:
                file.unlink(missing_ok=True)
        freed += cleaning.size
    return freed


def _needed_versions(reader: TableReader, since: datetime) -> dict[str, set[int]]:
    runs = reader.runs()
    finished = runs.filter(pl.col("outcome").is_in(FINISHED))
    results = {name for name, table in TABLES.items() if table.group == "results"}
    standing = {
        row["run_id"]
        for row in finished.filter(pl.col("withdrawn_at").is_null()).iter_rows(named=True)
        if results.intersection(json.loads(row["tables_written"]))
    }
    recent = set(runs.filter(pl.col("started_at") >= since)["run_id"])
    under = set(finished.filter(pl.col("run_id").is_in(list(standing | recent)))["forecast_run"].drop_nulls())
    needed: dict[str, set[int]] = {}
    for row in runs.iter_rows(named=True):
        if row["run_id"] not in standing | recent | under:
            continue
        versions = [*json.loads(row["tables_read"]).items()]
        if row["run_id"] in recent:
            versions += json.loads(row["tables_written"]).items()
        for name, version in versions:
            if version is not None:
                needed.setdefault(name, set()).add(version)
    for whatif in list_whatifs(reader.folder):
        for versions_read in whatif.own_runs()["tables_read"]:
            for name, version in json.loads(versions_read).items():
                needed.setdefault(name, set()).add(version)
    return needed


def _files_beside(folder: Path, stored: set[int]) -> tuple[Path, ...]:
    """Return the data files, and halves of files, that belong to none of the versions kept."""
    belong = {file.path for version in stored for file in delta.list_files(folder, version)}
    there = (path for path in folder.rglob("*") if path.suffix in (".parquet", ".part") and path.is_file())
    return tuple(sorted(path for path in there if "_delta_log" not in path.parts and path not in belong))
