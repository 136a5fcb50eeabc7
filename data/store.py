"""One table on disk: a Delta table whose every write is one commit."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from data.contracts import TableContract

_ROWS_A_JOIN = 1_000_000


@dataclass(frozen=True)
class TableStore:
    """Reads and writes the Delta table of one contract in ``folder``."""

    contract: TableContract
    folder: Path

    def version(self) -> int | None:
        """Return the newest committed version, or None where nothing was ever written."""
        table = self._open()
        return None if table is None else table.version()

    def read(self, version: int | None = None, predicate: pl.Expr | None = None) -> pl.DataFrame:
        """Return the rows of a version (default: the newest) in the order of the key."""
        table = self._open(version)
        if table is None:
            return self.contract.empty()
        lazy = pl.scan_delta(table)
        if predicate is not None:
            lazy = lazy.filter(predicate)
        there = lazy.collect_schema().names()
        # a table written before a column joined its contract holds nothing in it
        columns = (
            pl.col(name).cast(dtype) if name in there else pl.lit(None, dtype=dtype).alias(name)
            for name, dtype in self.contract.polars_schema.items()
        )
        frame = lazy.select(columns).collect()
        return frame if len(table.file_uris()) <= 1 else self._in_order(frame)

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
        kept = _leave_out(old, frame.select(keys))
        nothing_replaced = kept.height == old.height
        del old  # may be as large as all the rest
        if nothing_replaced:
            self.append(frame)
        else:
            self.replace(pl.concat([kept, frame]))

    def restore(self, version: int | None) -> None:
        """Go back to an earlier version by one more commit; None goes back to before the first write."""
        if version is None:
            if self.folder.exists():
                shutil.rmtree(self.folder)
            return
        table = DeltaTable(self.folder)
        if table.version() != version:
            table.restore(version)

    def _open(self, version: int | None = None) -> DeltaTable | None:
        if not (self.folder / "_delta_log").exists():
            return None
        try:
            return DeltaTable(self.folder, version=version)
        except TableNotFoundError:
            return None  # the first write was cut off before its commit

    def _in_order(self, frame: pl.DataFrame) -> pl.DataFrame:
        keys = [key for key in self.contract.keys if not isinstance(self.contract.polars_schema[key], pl.List)]
        return frame.sort(keys, nulls_last=True, maintain_order=True)

    def _write(self, frame: pl.DataFrame, mode: str) -> None:
        by_run = self.contract.group == "results"
        self._in_order(frame).write_delta(
            str(self.folder),
            mode="append" if mode == "append" else "overwrite",
            delta_write_options={"schema_mode": "merge", **({"partition_by": ["run_id"]} if by_run else {})},
        )


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
