"""What every source gives: its columns, and batches of rows that know the line they stand on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import polars as pl

BROKEN_SCHEMA: dict[str, pl.DataType] = {
    "row": pl.Int64(),
    "column": pl.String(),
    "value": pl.String(),
    "rule": pl.String(),
}


@dataclass(frozen=True)
class Batch:
    """Some rows of a source.

    Parameters
    ----------
    frame
        Values under the source's own column names: text for text files, typed for Parquet and SQL results.
    lines
        Int64, one a row of ``frame``: the line a person sees in the file (for queries, the number of the row).
    broken
        Columns ``row``, ``column``, ``value``, ``rule``: rows that could not even be cut into columns.
    done
        How far the source is read after this batch, in the unit of ``Source.size``.
    """

    frame: pl.DataFrame
    lines: pl.Series
    broken: pl.DataFrame
    done: float


@dataclass(frozen=True)
class Source:
    """A file or query, opened far enough to know its columns.

    Parameters
    ----------
    name
        What a person calls it: the path as given, or ``query``. Never holds a password.
    columns
        Its column names in their order; doubled names appear twice.
    size
        Its whole size (bytes or rows), for progress.
    read
        Gives the batches, from the start, each time it is called.
    decimal_comma
        Whether 1.234 and 1,234 in it, without better evidence, are thousands and a fraction (files parted by ``;``).
    header_row
        Line the header stands on, as a person counts it; of several, the last.
    header_lines
        How many lines it takes.
    preamble
        Cells that stand above the header: titles, a line that names the unit.
    notes
        What a planner should know of how it was opened: sheets left out, and the like.
    settings
        What was found out about its layout, by the option that would say the same: ``sheet``, ``header_row``.
    """

    name: str
    columns: tuple[str, ...]
    size: float
    read: Callable[[], Iterator[Batch]]
    decimal_comma: bool = False
    header_row: int = 1
    preamble: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    header_lines: int = 1


def no_broken() -> pl.DataFrame:
    """Return an empty frame of rows that could not be cut into columns."""
    return pl.DataFrame(schema=BROKEN_SCHEMA)


def blank(name: str, dtype: pl.DataType) -> pl.Expr:
    """Tell where a column of this type holds nothing but space."""
    empty = pl.col(name).is_null()
    return empty | (pl.col(name).str.strip_chars() == "") if dtype == pl.String else empty


def drop_blank_rows(frame: pl.DataFrame, lines: pl.Series) -> tuple[pl.DataFrame, pl.Series]:
    """Leave out rows in which every cell is empty: nobody meant anything by them."""
    if not frame.width or not frame.height:
        return frame, lines
    empty = [blank(name, dtype) for name, dtype in frame.schema.items()]
    # Most columns of most rows are filled: the first column alone usually shows that there is nothing to drop.
    suspects = frame.select(empty[0]).to_series()
    if not suspects.any():
        return frame, lines
    nothing = frame.select(pl.all_horizontal(empty).fill_null(True)).to_series()
    return frame.filter(~nothing), lines.filter(~nothing)


def unique_names(columns: tuple[str, ...]) -> list[str]:
    """Internal names ``c0``, ``c1`` … for columns whose own names may be empty or doubled."""
    return [f"c{position}" for position in range(len(columns))]
