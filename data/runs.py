"""Runs: what was run on what, when, and how it ended; and how a run's writes become visible together.

A run stages its writes and commits them at its end. Before the first commit the version of every table it is about to
write is put down in its row of ``runs``; when it is killed between two commits the next writer goes back to them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from importlib.metadata import version as installed_version
from typing import Literal

import polars as pl

from data.contracts import contract
from data.errors import RadarError
from data.spelling import ask_near
from data.table_reader import FINISHED, TableReader, run_number

Outcome = Literal["done", "shortfalls", "rejected"]
_Mode = Literal["append", "upsert", "replace"]
_FORECASTS = ("network_forecasts", "region_forecasts", "hub_forecasts", "route_forecasts", "outlet_forecasts")


@dataclass
class Run:
    """One command at work as the writer of a workspace; made by ``Workspace.run``."""

    reader: TableReader
    run_id: str
    command: str
    options: Mapping[str, object]
    seed: int | None
    started_at: datetime
    outcome: Outcome = "done"
    message: str | None = None
    forecast_run: str | None = None
    as_of: date | None = None
    versions_read: dict[str, int] = field(default_factory=dict)
    _staged: list[tuple[str, _Mode, pl.DataFrame]] = field(default_factory=list)
    _restored: dict[str, int | None] = field(default_factory=dict)

    def read(self, name: str) -> pl.DataFrame:
        """Return a table as ``Workspace.read`` does, and keep its version for the lineage."""
        version = self._note_version(name)
        return contract(name).empty() if version is None else self.reader.read(name, version)

    def results(self, name: str, run_id: str | None = None) -> pl.DataFrame:
        """Return one run's rows as ``Workspace.results`` does, and keep the version for the lineage."""
        self._note_version(name)
        frame = self.reader.results(name, run_id)
        self._stand_on(name, frame)
        return frame

    def append(self, name: str, frame: pl.DataFrame) -> None:
        """Stage rows of a result table; ``run_id`` is filled in.

        Raises
        ------
        RadarError
            When a row breaks the contract.
        """
        self._stage(name, "append", frame)

    def upsert(self, name: str, frame: pl.DataFrame) -> None:
        """Stage rows that take the place of those with their key, or are added."""
        self._stage(name, "upsert", frame)

    def replace(self, name: str, frame: pl.DataFrame) -> None:
        """Stage rows that take the place of the whole table."""
        self._stage(name, "replace", frame)

    def restore(self, name: str, version: int | None) -> None:
        """Stage that a table goes back to an earlier version; None empties it."""
        self._restored[name] = version

    def commit(self) -> None:
        """Write what was staged, one commit a table, and put the outcome down."""
        tables = list(dict.fromkeys([*(name for name, _, _ in self._staged), *self._restored]))
        if tables:
            self.record("running", written={name: self.reader.store(name).version() for name in tables})
        for name in tables:
            self._write(name)
        self.record(self.outcome, written={name: self.reader.store(name).version() for name in tables})

    def _write(self, name: str) -> None:
        store = self.reader.store(name)
        if name in self._restored:
            version = self._restored[name]
            store.replace(store.contract.empty()) if version is None else store.restore(version)
            return
        parts = [(mode, frame) for table, mode, frame in self._staged if table == name]
        modes = {mode for mode, _ in parts}
        if modes == {"append"}:
            store.append(pl.concat(frame for _, frame in parts))
        elif len(parts) == 1:
            mode, frame = parts[0]
            store.upsert(frame) if mode == "upsert" else store.replace(frame)
        else:
            raise ValueError(f"table {name} is staged more than once with modes {sorted(modes)}")

    def _stage(self, name: str, mode: _Mode, frame: pl.DataFrame) -> None:
        table = contract(name)
        if "run_id" in table.polars_schema:
            frame = frame.with_columns(pl.lit(self.run_id).alias("run_id"))
        if name in _FORECASTS and frame.height:
            self.as_of = frame["as_of"][0]
        if name == "plan_certificates":
            basis = {"forecast_run": pl.lit(self.forecast_run), "as_of": pl.lit(self.as_of)}
            frame = frame.with_columns(
                value.cast(table.polars_schema[column]).alias(column) for column, value in basis.items()
            )
        self._staged.append((name, mode, table.conform(frame)))

    def _note_version(self, name: str) -> int | None:
        version = self.reader.version(name)
        if version is not None:
            self.versions_read.setdefault(name, version)
        return version

    def _stand_on(self, name: str, results: pl.DataFrame) -> None:
        """Note the forecast that was read, or that the trunk plan stands on whose prices were read."""
        if results.is_empty():
            return
        if name in _FORECASTS:
            self.forecast_run, self.as_of = results["run_id"][0], results["as_of"][0]
            return
        if name != "hub_prices" or self.forecast_run is not None:
            return
        made = self.reader.runs().filter(pl.col("run_id") == results["run_id"][0])
        if made.height and made["forecast_run"][0] is not None:
            self.forecast_run, self.as_of = made["forecast_run"][0], made["as_of"][0]

    def record(self, outcome: str, written: Mapping[str, int | None]) -> None:
        """Put the run down in the table ``runs`` as it stands now."""
        row = {
            "run_id": self.run_id,
            "command": self.command,
            "options": json.dumps(self.options, ensure_ascii=False, sort_keys=True, default=str),
            "code_version": installed_version("parcelradar"),
            "seed": self.seed,
            "tables_read": json.dumps(self.versions_read, sort_keys=True),
            "tables_written": json.dumps(written, sort_keys=True),
            "started_at": self.started_at,
            "ended_at": None if outcome == "running" else datetime.now(UTC),
            "outcome": outcome,
            "message": self.message,
            "forecast_run": self.forecast_run,
            "as_of": self.as_of,
        }
        runs = contract("runs")
        self.reader.store("runs").upsert(runs.conform(pl.DataFrame([row], schema_overrides=runs.polars_schema)))


def number_run(reader: TableReader, command: str, options: Mapping[str, object], seed: int | None) -> Run:
    """Give the run its number; nothing is put down yet."""
    number = max(map(run_number, reader.runs()["run_id"]), default=0) + 1
    run_id = f"{command.replace(' ', '-')}-{number:04d}"
    return Run(reader, run_id, command, options, seed, datetime.now(UTC))


def record_failure(run: Run, error: BaseException) -> None:
    """Take back what the run had begun to write and put down how it ended."""
    run.message = str(error) if isinstance(error, RadarError) else type(error).__name__
    before = _versions_before(run.reader, run.run_id)
    _take_back(run.reader, before)
    run.record("interrupted" if isinstance(error, KeyboardInterrupt) else "failed", written={})


def recover(reader: TableReader) -> None:
    """Take back what killed runs had begun to write, and put them down as killed.

    Only the holder of the writer's lock may call this: whoever still stands as running is then dead.
    """
    runs = reader.own_runs()
    for run_id in runs.filter(pl.col("outcome") == "running")["run_id"]:
        _take_back(reader, _versions_before(reader, run_id))
        killed = runs.filter(pl.col("run_id") == run_id).with_columns(
            pl.lit("killed").alias("outcome"), pl.lit("{}").alias("tables_written")
        )
        reader.store("runs").upsert(killed)


def withdraw(run: Run, run_id: str, *, undo: bool = False) -> None:
    """Take a finished run out of what counts as the latest, or with ``undo`` put it back; its rows stay.

    Raises
    ------
    RadarError
        When there is no such finished run, it wrote no results, or it is withdrawn already (with ``undo``: is not).
    """
    runs = run.reader.own_runs()
    row = runs.filter(pl.col("run_id") == run_id)
    if row.is_empty() or row["outcome"][0] not in FINISHED:
        known = runs.filter(pl.col("outcome").is_in(FINISHED))["run_id"].to_list()
        raise RadarError(f"no finished run {run_id}", action=f"{ask_near(run_id, known)} see `radar runs`".strip())
    if undo == (row["withdrawn_at"][0] is None):
        raise RadarError(
            f"run {run_id} is {'not withdrawn' if undo else 'withdrawn already'}", action="see `radar runs`"
        )
    if not undo:
        _require_results(row)
    moment = pl.lit(None if undo else datetime.now(UTC), dtype=runs.schema["withdrawn_at"])
    run.reader.store("runs").upsert(row.with_columns(moment.alias("withdrawn_at")))


def _require_results(row: pl.DataFrame) -> None:
    """Raise RadarError for a run whose withdrawal would change nothing: only results have a latest run."""
    run_id = row["run_id"][0]
    written = sorted(name for name in json.loads(row["tables_written"][0]) if contract(name).group != "records")
    if not written:
        raise RadarError(f"run {run_id} wrote no results that could be withdrawn", action="see `radar runs`")
    if not any(contract(name).group == "results" for name in written):
        raise RadarError(
            f"run {run_id} wrote rows of {', '.join(written)}, and they stay whether it counts or not",
            action=f"take it back with `radar undo` if it was the last change, or rows out with `radar remove {written[0]} --where …`",
        )


def _versions_before(reader: TableReader, run_id: str) -> dict[str, int | None]:
    row = reader.own_runs().filter((pl.col("run_id") == run_id) & (pl.col("outcome") == "running"))
    before: dict[str, int | None] = json.loads(row["tables_written"][0]) if row.height else {}
    return before


def _take_back(reader: TableReader, before: Mapping[str, int | None]) -> None:
    for name, version in before.items():
        reader.store(name).restore(version)
