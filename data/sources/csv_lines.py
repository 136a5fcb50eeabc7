"""Which line of a CSV file a row stands on, when cells may hold line breaks and some rows are set apart."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from data.sources.batch import BROKEN_SCHEMA

_SHOWN = 200


@dataclass(frozen=True)
class OddRecord:
    """A record that does not fit the header: its number among all records, its cells, its text."""

    number: int
    cells: int
    text: str

    @property
    def breaks(self) -> int:
        """Line breaks inside it."""
        return self.text.rstrip("\r\n").count("\n")


@dataclass
class LineCounter:
    """Follows the records of a file, good and odd, and knows the line each starts on.

    The reader may tell odd records ahead of the good ones before them; they wait in ``odd``.

    Parameters
    ----------
    line
        Line the first record starts on.
    width
        Cells the header has.
    beyond
        Cells of nothing that the rows have behind these.
    """

    line: int
    width: int
    beyond: int = 0
    number: int = 1
    last_breaks: int = 0
    odd: list[OddRecord] = field(default_factory=list)

    def place(self, frame: pl.DataFrame) -> tuple[pl.Series, pl.DataFrame]:
        """Return the lines of the next good rows, and the rows set apart between them (``BROKEN_SCHEMA``)."""
        odd = self._take_odd(frame.height)
        total = frame.height + len(odd)
        records = pl.int_range(self.number, self.number + total, dtype=pl.Int64, eager=True)
        is_odd = records.is_in(pl.Series([record.number for record in odd], dtype=pl.Int64).implode())
        spans = pl.Series([1], dtype=pl.Int64).new_from_index(0, total)
        if odd:
            spans = spans.scatter(is_odd.arg_true(), [1 + record.breaks for record in odd])
        if _has_breaks(frame):
            inside = [pl.col(name).str.count_matches("\n", literal=True).fill_null(0) for name in frame.columns]
            breaks = frame.select(pl.sum_horizontal(inside).cast(pl.Int64)).to_series()
            spans = spans.scatter((~is_odd).arg_true(), breaks + 1)
        starts = spans.cum_sum() - spans + self.line
        self.number += total
        self.line += int(spans.sum())
        self.last_breaks = int(spans[-1]) - 1 if total else self.last_breaks
        return starts.filter(~is_odd).alias("line"), tell_odd(odd, starts.filter(is_odd), self.width, self.beyond)

    def _take_odd(self, good: int) -> list[OddRecord]:
        taken = 0
        while taken < len(self.odd) and self.odd[taken].number <= self.number + good + taken:
            taken += 1
        records, self.odd = self.odd[:taken], self.odd[taken:]
        return records


def tell_odd(odd: list[OddRecord], lines: pl.Series, width: int, beyond: int) -> pl.DataFrame:
    """Tell records that do not fit a header of ``width`` cells, and the rows' ``beyond``, as rows set apart (``BROKEN_SCHEMA``)."""
    fits = f" and the rows {width + beyond}" if beyond else ""
    return pl.DataFrame(
        {
            "row": lines,
            "column": pl.Series([None] * len(odd), dtype=pl.String),
            "value": [record.text.rstrip("\r\n")[:_SHOWN] for record in odd],
            "rule": [f"has {_cells(record.cells)} where the header has {width}{fits}" for record in odd],
        },
        schema=BROKEN_SCHEMA,
    )


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"


def _has_breaks(frame: pl.DataFrame) -> bool:
    return any(bool(frame[name].str.contains("\n", literal=True).any()) for name in frame.columns)
