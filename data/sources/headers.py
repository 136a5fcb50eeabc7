"""Which row of a page is its header: the first with anything in it, or the one a rule points at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from data.errors import RadarError

# Titles, units and notes above a header take few lines; a header further down is named with --header-row.
LINES_LOOKED_AT = 40


@dataclass(frozen=True)
class HeaderFound:
    """Where the header stands among the first rows of a page.

    Parameters
    ----------
    index
        Position of the row, from 0.
    known
        How many columns of the table its cells name.
    fits
        Whether they name all the table needs.
    lines
        How many rows it takes, ``index`` being the last of them.
    names
        Names of the columns where it takes several rows; None where they are the cells of its row.
    said
        What these rows say besides: the unit of all columns.
    """

    index: int
    known: int = 0
    fits: bool = False
    lines: int = 1
    names: tuple[str, ...] | None = None
    said: tuple[str, ...] = ()


Rows = Sequence[Sequence[str]]
# The rows, and where among them a person says the header stands (from 0).
HeaderRule = Callable[[Rows, int | None], HeaderFound]


def first_filled(rows: Rows) -> HeaderFound:
    """Take the first row that is not blank."""
    filled = (at for at, cells in enumerate(rows) if cells)
    return HeaderFound(next(filled, 0))


def find_header(rows: Rows, header_row: int | None, rule: HeaderRule | None, name: str) -> HeaderFound:
    """Find the header among the first rows of a page.

    Parameters
    ----------
    rows
        Cells of the first rows; a blank one has none.
    header_row
        Where a person says it stands, from 1; it must hold something.
    rule
        How to tell without that; by default the first row with anything in it.
    name
        File, for the error.

    Raises
    ------
    RadarError
        When the row named is blank or not there.
    """
    if header_row is None:
        return rule(rows, None) if rule else first_filled(rows)
    if not 1 <= header_row <= len(rows) or not any(cell.strip() for cell in rows[header_row - 1]):
        raise RadarError(
            f"no header in row {header_row}", "the names of the columns", "correct --header-row", file=name
        )
    return replace(rule(rows, header_row - 1), fits=True) if rule else HeaderFound(header_row - 1, fits=True)


def preamble_of(rows: Rows, header: HeaderFound) -> tuple[str, ...]:
    """Return the filled cells above the header, in their order."""
    return tuple(cell.strip() for cells in rows[: header.index + 1 - header.lines] for cell in cells if cell.strip())
