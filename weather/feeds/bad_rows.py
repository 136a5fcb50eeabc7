"""Rows of a weather file that cannot be read: gathered with what is wrong with them, while the others are taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from data.errors import RadarError

BAD_ROWS_SCHEMA: dict[str, pl.DataType] = {
    "file": pl.String(),
    "row": pl.Int64(),
    "column": pl.String(),
    "value": pl.String(),
    "rule": pl.String(),
}
ENTRY = "entry"
"""Column beside those of a reading: the line or entry a row was read from."""

_SHOWN = 200


@dataclass
class BadRows:
    """Gathers the bad rows of one file.

    Parameters
    ----------
    file
        Named with each of them.
    """

    file: str
    _found: list[tuple[str, int | None, str | None, str | None, str]] = field(default_factory=list)

    def add(self, row: int | None, column: str | None, value: object, rule: str) -> None:
        """Put a bad row down; one row may break several rules."""
        shown = None if value is None else str(value)[:_SHOWN]
        self._found.append((self.file, row, column, shown, rule[:_SHOWN]))

    def add_error(self, row: int | None, error: RadarError) -> None:
        """Put down a row that raised an error of its own."""
        rule = f"found {error.found}" + (f", expected {error.expected}" if error.expected else "")
        self.add(row, error.column, None, rule)

    def add_where(self, wrong: pl.Series, values: pl.Series, rows: pl.Series, column: str, rule: str) -> None:
        """Put down every row for which ``wrong`` holds, with the value that stands there."""
        for row, value in zip(rows.filter(wrong), values.filter(wrong), strict=True):
            self.add(row, column, value, rule)

    def add_broken(self, broken: pl.DataFrame) -> None:
        """Put down rows that could not be cut into columns (``data.sources.batch.BROKEN_SCHEMA``)."""
        for row in broken.iter_rows(named=True):
            self.add(row["row"], row["column"], row["value"], row["rule"])

    def sift(
        self, records: Sequence[Mapping[str, Any]], read: Callable[[Mapping[str, Any], int], object]
    ) -> list[Mapping[str, Any]]:
        """Return the records that ``read`` takes, called with each and its number from 1; the others are put down."""
        good = []
        for row, record in enumerate(records, start=1):
            try:
                read(record, row)
            except RadarError as error:
                self.add_error(row, error)
            else:
                good.append(record)
        return good

    @property
    def rows(self) -> set[int | None]:
        """Lines or entries put down so far."""
        return {found[1] for found in self._found}

    def frame(self) -> pl.DataFrame:
        """Return what was put down, by row: columns ``file``, ``row``, ``column``, ``value``, ``rule``."""
        return pl.DataFrame(self._found, schema=BAD_ROWS_SCHEMA, orient="row").sort("row", maintain_order=True)


def join_bad_rows(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return the bad rows of several files as one frame, file by file."""
    return pl.concat([pl.DataFrame(schema=BAD_ROWS_SCHEMA), *frames])
