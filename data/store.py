"""One table on disk: a Delta table whose every write is one commit."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from data import delta
from data.contracts import TableContract
from data.mirror import Mirror

_ROWS_A_JOIN = 1_000_000


@dataclass(frozen=True)
class TableStore:
    """Reads and writes the Delta table of one contract in ``folder``, the copy of an object store's where there is a ``mirror``."""

    contract: TableContract
    folder: Path
    mirror: Mirror | None = None

    def version(self) -> int | None:
        """Return the newest committed version, or None where nothing was ever written."""
        return delta.newest_version(self.folder) if self.mirror is None else self.mirror.newest(self.folder.name)

    def bring(self, version: int, run_id: str | None = None) -> list[delta.DataFile]:
        """Return the files of a version, of one run where it is named; from an object store they are brought here first."""
        if self.mirror is not None:
            self.mirror.bring_log(self.folder.name)
        files = [
            file for file in delta.list_files(self.folder, version) if run_id is None or file.run_id in (None, run_id)
        ]
        if self.mirror is not None:
            self.mirror.bring(self.folder.name, files)
        return files

    def scan(self, version: int | None = None, run_id: str | None = None) -> pl.LazyFrame:
        """Return the rows of a version, unread; of a result table those of one run where it is named.

        Raises
        ------
        RadarError
            When the version is not there or damaged.
        """  # noqa: DOC501 (a function makes the error)
        version = self.version() if version is None else version
        if version is None:
            return self.contract.empty().lazy()
        files = self.bring(version, run_id)
        for file in files:
            if fault := file.fault_to_readers():
                raise delta.tell_damage(self.folder, f"{file.path.relative_to(self.folder)} {fault}")
        if not files:
            return self.contract.empty().lazy()
        with delta.faults_told(self.folder):
            rows = pl.concat([self._scan_file(file) for file in files])
        return rows if run_id is None else rows.filter(pl.col("run_id") == run_id)

    def read(self, version: int | None = None, run_id: str | None = None) -> pl.DataFrame:
        """Return the rows of a version (default: the newest) in the order of the key.

        Raises
        ------
        RadarError
            When the version is not there or damaged.
        """
        scanned = self.scan(version, run_id)
        with delta.faults_told(self.folder):
            return self._in_order(scanned.collect())

    def append(self, frame: pl.DataFrame) -> None:
        """Add rows in one commit."""
        self._write(frame, "append")

    def replace(self, frame: pl.DataFrame) -> None:
        """Put ``frame`` in place of all rows in one commit."""
        self._write(frame, "overwrite")

    def upsert(self, frame: pl.DataFrame) -> None:
        """Put each row in place of the one with its key, or add it, in one commit."""
        old = self.read()
        keys = list(self.contract.keys)
        remaining = _leave_out(old, frame.select(keys))
        nothing_replaced = remaining.height == old.height
        del old  # may be as large as all the rest
        if nothing_replaced:
            self.append(frame)
        else:
            self.replace(pl.concat([remaining, frame]))

    def restore(self, version: int | None) -> None:
        """Go back to an earlier version by one more commit; None goes back to before the first write."""
        if version is None:
            if self.mirror is not None:
                self.mirror.drop(self.folder.name)
            if self.folder.exists():
                shutil.rmtree(self.folder)
            return
        if self.version() != version:
            self.bring(version)
            delta.restore(self.folder, version)
            self._publish()

    def _scan_file(self, file: delta.DataFile) -> pl.LazyFrame:
        lazy = pl.scan_parquet(file.path, glob=False, hive_partitioning=False)
        if file.run_id is not None:
            lazy = lazy.with_columns(pl.lit(file.run_id).alias("run_id"))
        there = lazy.collect_schema().names()
        # a table written before a column joined its contract holds nothing in it, or what that stands for
        columns = (
            pl.col(name).cast(dtype) if name in there else pl.lit(None, dtype=dtype).alias(name)
            for name, dtype in self.contract.polars_schema.items()
        )
        return lazy.select(columns).with_columns(self.contract.defaults)

    @property
    def _by_run(self) -> bool:
        return self.contract.group == "results"

    def _in_order(self, frame: pl.DataFrame) -> pl.DataFrame:
        keys = [key for key in self.contract.keys if not isinstance(self.contract.polars_schema[key], pl.List)]
        return frame.sort(keys, nulls_last=True, maintain_order=True)

    def _write(self, frame: pl.DataFrame, mode: str) -> None:
        version = self.version()
        if self.mirror is not None:
            self.mirror.bring_log(self.folder.name)
        before = 0 if version is None else delta.committed_rows(self.folder, version)
        delta.commit(
            self.folder,
            self._in_order(frame),
            "append" if mode == "append" else "overwrite",
            by_run=self._by_run,
            rows_before=before,
        )
        self._publish()

    def _publish(self) -> None:
        if self.mirror is not None:
            self.mirror.publish(self.folder.name)


def _leave_out(frame: pl.DataFrame, keys: pl.DataFrame) -> pl.DataFrame:
    """Return the rows whose key is none of ``keys``; many rows are joined in parts, which takes little memory."""
    on = keys.columns
    parts = 1 + max(frame.height, keys.height) // _ROWS_A_JOIN
    if parts == 1 or not frame.height:
        return frame.join(keys, on=on, how="anti", nulls_equal=True)
    part_of_row, part_of_key = frame.select(on).hash_rows() % parts, keys.hash_rows() % parts
    return pl.concat(
        frame.filter(part_of_row == part).join(keys.filter(part_of_key == part), on=on, how="anti", nulls_equal=True)
        for part in range(parts)
    )
