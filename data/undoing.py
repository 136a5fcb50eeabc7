"""Rows taken out of a table, and the last load or removal taken back."""

from __future__ import annotations

import json
from dataclasses import dataclass

import polars as pl

from data.contracts import TABLES, contract
from data.contracts.links import LINKS
from data.errors import RadarError
from data.query import select_rows
from data.runs import Run
from data.table_reader import FINISHED, TableReader
from data.workspace import Workspace

_LOADED = ("reference", "history")
# Commands whose writes can be taken back; `radar load` names its table behind the word.
_UNDOABLE = r"^(load|weather load|remove)( |$)"


@dataclass(frozen=True, slots=True)
class Change:
    """A run that can be taken back: the versions of its tables before it (None: there was no table) and after it."""

    run_id: str
    command: str
    before: dict[str, int | None]
    after: dict[str, int]


def find_rows(workspace: Workspace, table: str, where: str) -> pl.DataFrame:
    """Return the rows of a loaded table for which an SQL condition holds.

    Raises
    ------
    RadarError
        When the table is no loaded one, or the condition cannot be answered.
    """
    if contract(table).group not in _LOADED:
        raise RadarError(
            f"{table} is not a table that is loaded", action="results are taken out of use with `radar withdraw RUN`"
        )
    return select_rows(workspace.read(table), table, where)


def remove_rows(run: Run, table: str, where: str) -> int:
    """Stage a table without the rows for which an SQL condition holds, and return how many they are."""
    held = run.read(table)
    gone = select_rows(held, table, where)
    keys = list(contract(table).keys)
    run.replace(table, held.join(gone, on=keys or held.columns, how="anti", nulls_equal=True))
    return gone.height


def count_naming(reader: TableReader, table: str, gone: pl.DataFrame) -> dict[str, int]:
    """Count the rows of other tables that name what is no longer in a table once some of its rows are gone.

    Parameters
    ----------
    table
        A loaded table.
    gone
        Rows of it that are taken out.

    Returns
    -------
    dict of str to int
        Rows by table, in the contracts' order; tables of which no row names any are left out.
    """
    counts: dict[str, int] = {}
    for name in TABLES:
        links = [link for link in LINKS if (link.target, link.table) == (table, name)]
        if not links or contract(name).group not in _LOADED or reader.version(name) is None:
            continue
        named = [pl.col(link.column).is_in(gone[link.target_column].unique().to_list()) for link in links]
        rows = reader.scan(name).filter(pl.any_horizontal(named)).select(pl.len()).collect().item()
        if rows:
            counts[name] = rows
    return counts


def find_last_change(reader: TableReader) -> Change:
    """Find the last load or removal that has not been taken back.

    Raises
    ------
    RadarError
        When there is none, or one of its tables was written to since.
    """
    runs = reader.runs().filter(pl.col("outcome").is_in(FINISHED))
    undone = {json.loads(options).get("run") for options in runs.filter(pl.col("command") == "undo")["options"]}
    changes = runs.filter(pl.col("command").str.contains(_UNDOABLE) & ~pl.col("run_id").is_in(list(undone)))
    written = [(row["run_id"], row["command"], json.loads(row["tables_written"])) for row in changes.to_dicts()]
    written = [entry for entry in written if entry[2]]
    if not written:
        raise RadarError("there is no load or removal to take back", action="see `radar runs`")
    run_id, command, after = written[-1]
    undo_lifts = _versions_undone(runs)
    later = {name: version for name in after if (version := reader.version(name)) != after[name]}
    touched = sorted(name for name, version in later.items() if (name, version) not in undo_lifts)
    if touched:
        raise RadarError(
            f"{run_id} cannot be taken back: {', '.join(touched)} was written to since",
            action="see `radar runs`, and take rows out with `radar remove`",
        )
    return Change(run_id, command, {name: version - 1 if version else None for name, version in after.items()}, after)


def _versions_undone(runs: pl.DataFrame) -> set[tuple[str, int]]:
    """Return the table versions that taking back a later change left: the tables stand again as before that change."""
    left: set[tuple[str, int]] = set()
    for written in runs.filter(pl.col("command") == "undo")["tables_written"]:
        left |= set(json.loads(written).items())
    return left


def take_back(run: Run, change: Change) -> None:
    """Stage the tables as they were before a change."""
    for name, version in change.before.items():
        run.restore(name, version)
