"""The tables of a folder, as readers see them: whole versions, and of results only what finished runs wrote."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from data.contracts import TABLES, contract
from data.errors import RadarError
from data.store import TableStore

FINISHED = ("done", "shortfalls", "rejected")


class TableReader:
    """One Delta table for each contract under ``folder/tables``; reading needs no lock.

    Parameters
    ----------
    folder
        Folder of the workspace.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def store(self, name: str) -> TableStore:
        """Return the table on disk by its name."""
        return TableStore(contract(name), self.folder / "tables" / name)

    def version(self, name: str) -> int | None:
        """Return the newest Delta version of a table, None where it was never written."""
        return self.store(name).version()

    def read(self, name: str, version: int | None = None) -> pl.DataFrame:
        """Return a table by its contract; of result tables only the rows of finished runs; empty where never written."""
        frame = self.store(name).read(version)
        if contract(name).group == "results" and frame.height:
            return frame.filter(pl.col("run_id").is_in(self._finished()["run_id"].to_list()))
        return frame

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
        elif run_id not in writers:
            known = ", ".join(writers[-5:]) or "none yet"
            raise RadarError(f"no finished run {run_id} that wrote {name}", f"one of {known}", "see `radar runs`")
        return self.store(name).read(run_id=run_id)

    def writers(self, name: str) -> list[str]:
        """Return the ids of the finished runs that wrote a table, the latest last."""
        finished = self._finished()
        wrote = finished["tables_written"].str.json_path_match(f"$.{name}").is_not_null()
        return finished.filter(wrote)["run_id"].to_list()

    def _finished(self) -> pl.DataFrame:
        runs = self.store("runs").read().sort("started_at", "run_id")
        return runs.filter(pl.col("outcome").is_in(FINISHED))

    def present(self) -> list[str]:
        """Return the names of the tables that hold at least one commit, in the contracts' order."""
        return [name for name in TABLES if self.version(name) is not None]
