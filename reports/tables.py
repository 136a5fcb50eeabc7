"""Tables of a report: cut to what a reader looks at, saying what was left out and how to get the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from markupsafe import Markup

from reports.formats import Language
from reports.messages import Messages

Cell = Markup | str
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """A column: its head, how a row becomes its cell, and whether cells are numbers."""

    head: Cell
    cell: Callable[[Row], Cell]
    numeric: bool = True


@dataclass(frozen=True)
class Table:
    """What the template draws.

    Parameters
    ----------
    name
        Anchor of the table in the page.
    columns
        Heads and their kinds.
    rows
        Cells, row by row.
    total
        Rows there are, shown or not.
    command
        What brings the rest.
    note
        One line below the table: units, definitions.
    """

    name: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    total: int
    command: str
    note: Cell = ""

    @property
    def left_out(self) -> int:
        """How many rows are not shown."""
        return self.total - len(self.rows)


def tabulate(
    name: str, frame: pl.DataFrame, columns: Sequence[Column], *, top: int, command: str, note: Cell = ""
) -> Table:
    """Take the first ``top`` rows of a frame through the columns."""
    rows = [[column.cell(row) for column in columns] for row in frame.head(top).iter_rows(named=True)]
    return Table(name, columns, rows, frame.height, command, note)


def in_language(frame: pl.DataFrame, language: Language) -> pl.DataFrame:
    """Return a reference table whose ``name`` is the one a reader of the language knows: ``name_zh`` in Chinese where there is one."""
    if language != "zh" or not {"name", "name_zh"} <= set(frame.columns):
        return frame
    return frame.with_columns(pl.coalesce("name_zh", "name").alias("name"))


class Names:
    """Names of the hubs, couriers and other things a report speaks of, with their ids.

    Parameters
    ----------
    frame
        A reference table, or empty.
    key, name
        Its id and name columns.
    """

    def __init__(self, frame: pl.DataFrame, key: str, name: str = "name") -> None:
        self._names: dict[str, str] = dict(
            zip(frame[key].to_list(), frame[name].fill_null(frame[key]).to_list(), strict=True)
        )

    def text(self, ident: str) -> str:
        """Return the name as text; an unknown id stands for itself."""
        return self._names.get(ident, ident)

    def __call__(self, ident: str | None) -> Markup:
        """Write the name, and the id in small beside it where they differ."""
        if ident is None:
            return Markup('<span class="none">–</span>')
        name = self.text(ident)
        if name == ident:
            return Markup('<span class="name" title="{0}">{0}</span>').format(ident)
        return Markup('<span class="name" title="{0}">{0}</span> <span class="id">{1}</span>').format(name, ident)


def meter(share: float | None, text: Markup, messages: Messages, over: bool | None = None) -> Markup:
    """Write a share of a capacity with a bar behind it; more than all of it is marked by a sign, not by colour alone."""
    if share is None:
        return text
    over = share > 1 if over is None else over
    tone = "bad" if over else "warn" if share > 0.85 else "good"
    sign = Markup('<span class="over" role="img" aria-label="{}">▲</span>').format(messages("word.over"))
    if not over:
        # The sign's room is kept, so that the numbers of a column stand under each other.
        sign = Markup('<span class="over away" aria-hidden="true">▲</span>')
    width = f"{min(share, 1.25) / 1.25 * 100:.1f}"
    return Markup('<span class="meter {}"><i style="width:{}%"></i></span>{}{}').format(tone, width, text, sign)
