"""The tables of a folder, as readers see them: whole versions, and of results only what finished runs wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakSet

import polars as pl

from data.contracts import TABLES, contract
from data.errors import RadarError
from data.mirror import Mirror
from data.store import TableStore

FINISHED = ("done", "shortfalls", "rejected")


def run_number(run_id: str) -> int:
    """Return the number of a run, by which the latest is told: clocks may stand wrong.

    Examples
    --------
    >>> run_number("plan-trunk-0007")
    7
    """
    number = run_id.rpartition("-")[2]
    return int(number) if number.isdigit() else 0


@dataclass(frozen=True)
class Moment:
    """What stood in a workspace at one moment: the version of ``runs``, and of every other table as readers see it."""

    runs: int | None
    tables: Mapping[str, int | None]


_LOOKS = 200
_PINNED: WeakSet[TableReader] = WeakSet()
"""Readers of this process that are pinned: what the process itself writes they see."""


class TableReader:
    """One Delta table for each contract under ``folder/tables``; reading needs no lock.

    Readers see whole runs: while a run is being committed, and after it was killed half-way, the tables it writes are
    read as they were before it. After ``pin`` everything is read as it stood at one moment, whoever commits meanwhile.

    Parameters
    ----------
    folder
        Folder of the workspace.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._runs: tuple[int | None, pl.DataFrame] | None = None
        self._pinned = False
        self._moment: Moment | None = None
        self._seen: set[str] = set()

    @property
    def mirror(self) -> Mirror | None:
        """The object store in which the tables are at home, None where that is the folder."""
        return None

    def pin(self) -> None:
        """From the next read on, read every table as it stood at the moment of that read."""
        self._pinned, self._moment = True, None
        self._seen.clear()
        _PINNED.add(self)

    def follow(self) -> None:
        """Move a pinned reader on to the moment of now; the writer calls this while it still holds the workspace."""
        if self._pinned:
            self._seen.clear()
            self._moment = None
            with suppress(RadarError):  # a damaged table is told by who reads it
                self._moment = self.moment()

    def moment(self) -> Moment:
        """Look at what stands here now: no run began or ended to commit while it was looked at."""
        if self.mirror is not None:
            self.mirror.look()
        for _ in range(_LOOKS):
            before = self.store("runs").version()
            unfinished = _before_unfinished(self._runs_at(before))
            tables = {name: self._version_among(name, unfinished) for name in TABLES if name != "runs"}
            if self.store("runs").version() == before:
                return Moment(before, tables)
        raise RadarError(f"{self.folder} is written to without a pause", action="run it again in a moment")

    def store(self, name: str) -> TableStore:
        """Return the table on disk by its name."""
        return TableStore(contract(name), self.folder / "tables" / name, self.mirror)

    def version(self, name: str) -> int | None:
        """Return the version readers see: the newest that a whole run left, None where there is none."""
        return self._own_version(name)

    def _own_version(self, name: str) -> int | None:
        self._seen.add(contract(name).name)
        if self._pinned:
            if self._moment is None:
                self._moment = self.moment()
            return self._moment.runs if name == "runs" else self._moment.tables[name]
        newest = self.store(name).version()
        if newest is None or name == "runs":
            return newest
        # what an unfinished run is about to write is put down before its first commit, so runs is read after the table
        return _before_unfinished(self.own_runs()).get(name, newest)

    def _version_among(self, name: str, unfinished: Mapping[str, int | None]) -> int | None:
        newest = self.store(name).version()
        return None if newest is None else unfinished.get(name, newest)

    def read(self, name: str, version: int | None = None) -> pl.DataFrame:
        """Return a table by its contract; of result tables only the rows of finished runs; empty where never written.

        Raises
        ------
        RadarError
            When the version is not there, or the table is damaged.
        """
        version = self.version(name) if version is None else version
        if version is None:
            return contract(name).empty()
        frame = self.store(name).read(version)
        if contract(name).group == "results" and frame.height:
            return frame.filter(pl.col("run_id").is_in(self._finished()["run_id"].to_list()))
        return frame

    def scan(self, name: str, version: int | None = None) -> pl.LazyFrame:
        """Return a reference or history table unread: years of a national network do not fit a small machine's memory."""
        version = self.version(name) if version is None else version
        return contract(name).empty().lazy() if version is None else self.store(name).scan(version)

    def results(self, name: str, run_id: str | None = None) -> pl.DataFrame:
        """Return the rows of one finished run of a result table; by default of the latest run that wrote it.

        Raises
        ------
        RadarError
            When ``run_id`` names no finished run that wrote the table.
        """
        writers = self.writers(name)
        if run_id is None:
            if not writers:
                return contract(name).empty()
            run_id = writers[-1]
        elif run_id not in self.writers(name, withdrawn=True):
            known = ", ".join(writers[-5:]) or "none yet"
            raise RadarError(f"no finished run {run_id} that wrote {name}", f"one of {known}", "see `radar runs`")
        version = self.version(name)
        return contract(name).empty() if version is None else self.store(name).read(version, run_id=run_id)

    def writers(self, name: str, *, withdrawn: bool = False) -> list[str]:
        """Return the ids of the finished runs that wrote a table, the latest last; those withdrawn only if asked for."""
        finished = self._finished()
        if not withdrawn:
            finished = finished.filter(pl.col("withdrawn_at").is_null())
        wrote = finished["tables_written"].str.json_path_match(f"$.{name}").is_not_null()
        return finished.filter(wrote)["run_id"].to_list()

    def present(self) -> list[str]:
        """Return the names of the tables that hold at least one commit, in the contracts' order."""
        return [name for name in TABLES if self.version(name) is not None]

    def runs(self) -> pl.DataFrame:
        """Return the runs readers know by their numbers."""
        return self.own_runs()

    def own_runs(self) -> pl.DataFrame:
        """Return the runs that wrote to this folder, as its table ``runs`` has them, by their numbers."""
        return self._runs_at(self._own_version("runs"))

    def _runs_at(self, version: int | None) -> pl.DataFrame:
        if self._runs is None or self._runs[0] != version:
            frame = contract("runs").empty() if version is None else self.store("runs").read(version)
            numbers = pl.col("run_id").map_elements(run_number, return_dtype=pl.Int64)
            self._runs = (version, frame.sort(numbers, "run_id"))
        return self._runs[1]

    def _finished(self) -> pl.DataFrame:
        return self.runs().filter(pl.col("outcome").is_in(FINISHED))


def _before_unfinished(runs: pl.DataFrame) -> dict[str, int | None]:
    """Versions, before they began, of the tables that unfinished runs have begun to write."""
    before: dict[str, int | None] = {}
    for written in runs.filter(pl.col("outcome") == "running")["tables_written"]:
        before |= json.loads(written)
    return before


def follow_own_writes(folder: Path) -> None:
    """Bring every pinned reader of a folder in this process to the moment of now: what it wrote itself is to be seen."""
    for reader in list(_PINNED):
        if reader.folder == folder:
            reader.follow()
