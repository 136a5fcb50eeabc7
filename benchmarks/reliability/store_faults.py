"""A damaged store: the fault is told in a sentence, found by `radar check`, and `radar repair` goes back to what is whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl

from benchmarks.reliability.in_process import Commands
from benchmarks.reliability.outcomes import Trial
from data.workspace import Workspace

Harm = Callable[[Path], None]
_TABLES = {"hubs": "hub_id", "couriers": "courier_id"}
_FLIPS = 8  # places of a file at which a bit is turned


def _newest(folder: Path, pattern: str) -> Path:
    return max(folder.glob(pattern), key=lambda path: (path.stat().st_mtime_ns, path.name))


def _flip(share: float) -> Harm:
    def harm(folder: Path) -> None:
        path = _newest(folder, "*.parquet")
        content = bytearray(path.read_bytes())
        content[int(share * (len(content) - 1))] ^= 1
        path.write_bytes(content)

    return harm


def _halve(pattern: str) -> Harm:
    def harm(folder: Path) -> None:
        path = _newest(folder, pattern)
        os.truncate(path, path.stat().st_size // 2)

    return harm


def _overwrite(pattern: str, content: bytes) -> Harm:
    return lambda folder: _put(_newest(folder, pattern), content)


def _put(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def list_faults() -> Iterator[tuple[str, Harm]]:
    """Every fault: its name, and what does it to the folder of a table."""
    commits = "_delta_log/*.json"
    yield "a data file gone", lambda folder: _newest(folder, "*.parquet").unlink()
    yield "a data file cut", _halve("*.parquet")
    yield "a data file empty", _overwrite("*.parquet", b"")
    yield "a data file of other bytes", _overwrite("*.parquet", b"\x00" * 300)
    yield "a commit cut", _halve(commits)
    yield "a commit empty", _overwrite(commits, b"")
    yield "a commit of other bytes", _overwrite(commits, b"\x00" * 300)
    for number in range(_FLIPS):
        yield "one bit turned in a data file", _flip((number + 0.5) / _FLIPS)


def try_store_faults(place: Path) -> tuple[Trial, ...]:
    """Do every fault to two tables, and look at what is told and what repair leaves.

    Parameters
    ----------
    place
        An empty folder.
    """
    sound = place / "sound"
    workspace = Workspace.create(sound)
    for rows in (10, 20, 30):
        with workspace.run("load") as run:
            for table in ("hubs", "couriers"):
                run.replace(table, _rows(table, rows))
    commands = Commands()
    trials = [
        _try_fault(commands, sound, place / f"计划 {number} {table}", table, name, harm)
        for number, (name, harm) in enumerate(list_faults())
        for table in ("hubs", "couriers")
    ]
    commands.close()
    return tuple(trials)


def _rows(table: str, rows: int) -> pl.DataFrame:
    return pl.DataFrame({_TABLES[table]: [f"{n:02}" for n in range(rows)], "name": f"v{rows}"})


def _try_fault(commands: Commands, sound: Path, folder: Path, table: str, name: str, harm: Harm) -> Trial:
    shutil.copytree(sound, folder)
    harm(folder / "tables" / table)
    checked = commands.run(["--workspace", str(folder), "check"])
    if checked.flaw or checked.code != 1 or table not in checked.printed:
        return Trial(
            name, "not found by `radar check`", passed=False, detail=f"{table}: {checked.flaw or checked.printed}"
        )
    repaired = commands.run(["--workspace", str(folder), "repair"])
    if repaired.flaw or repaired.code != 0:
        return Trial(name, "not repaired", passed=False, detail=f"{table}: {repaired.flaw or repaired.printed}")
    rows = Workspace.open(folder).read(table)
    whole = any(rows.select(_TABLES[table], "name").sort(_TABLES[table]).equals(_rows(table, n)) for n in (10, 20, 30))
    again = commands.run(["--workspace", str(folder), "check"])
    passed = whole and again.code == 0
    return Trial(
        name, "told, and repaired to a whole version", passed, detail=f"{table}: {rows.height} rows, check {again.code}"
    )
