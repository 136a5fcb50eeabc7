"""Headers of several lines: units, or the rest of the names, in a row of their own below the first one."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from data.contracts import ColumnContract, TableContract
from data.ingest.columns import fold_name
from data.ingest.units import is_unit, unit_in

_DIGIT = re.compile(r"\d")


@dataclass(frozen=True)
class Joined:
    """A header of two lines as one.

    Attributes
    ----------
    names
        Name of each column.
    said
        What the lines say that is no name: the unit of all columns that hold one value each.
    """

    names: tuple[str, ...]
    said: tuple[str, ...] = ()


def join_names(upper: Sequence[str], lower: Sequence[str], table: TableContract, dates: Collection[str]) -> Joined:
    """Join a row of group names with the row of names below it.

    A name of the table, and a date, stands for itself; any other cell below a group is told with the group's name. A unit
    below a name becomes its bracket.

    Parameters
    ----------
    upper, lower
        Cells of the two rows. A group reaches over the cells without text to its right.
    table
        Contract of the table.
    dates
        Cells that are dates.
    """
    known = _names(table.columns)
    names: list[str] = []
    units: dict[str, None] = {}
    group = ""
    for above, below in _pairs(upper, lower):
        group = above or (group if below else "")
        if not below or above == below:
            names.append(above)
        elif is_unit(below) and group:
            names.append(f"{group} ({_bare(below)})")
        elif below in dates:
            names.append(below)
            unit = unit_in(group)
            if unit:
                units[f"unit: {unit}"] = None
        elif fold_name(below) in known or not group:
            names.append(below)
        else:
            names.append(f"{group} {below}")
    return Joined(tuple(names), tuple(units))


def join_line_below(
    names: Sequence[str], below: Sequence[str], table: TableContract, dates: Collection[str]
) -> Joined | None:
    """Join a header with the row below it where that is no row of data; None where it may be one.

    It is none when it holds units below measures and no number there, or when its only cells stand below cells
    without a name and the group before them, and none is a number.

    Parameters
    ----------
    names
        The header.
    below
        The next row.
    table
        Contract of the table.
    dates
        Cells that are dates.
    """
    if not any(cell.strip() for cell in below):
        return None
    known = _names(table.columns)
    measures = _names([column for column in table.columns if column.dtype.is_numeric()])
    pairs = _pairs(names, below)
    days = [at for at, (name, _) in enumerate(pairs) if name in dates]
    values = {at for at, (name, _) in enumerate(pairs) if fold_name(name) in measures} | set(days[1:] and days)
    cells = [pairs[at][1] for at in sorted(values) if pairs[at][1] and pairs[at][1] != pairs[at][0]]
    if cells and all(is_unit(cell) for cell in cells):
        units = {_bare(pairs[at][1]) for at in days if is_unit(pairs[at][1])}
        joined = []
        for at, (name, cell) in enumerate(pairs):
            if at in values and is_unit(cell):
                joined.append(name if at in days and len(units) == 1 else f"{name} ({_bare(cell)})")
            else:  # 始发 below 线路 is a name; YYYY-MM-DD below 日期 says how it is written
                joined.append(cell if fold_name(cell) in known and fold_name(name) not in known else name or cell)
        return Joined(tuple(joined), (f"unit: {units.pop()}",) if len(units) == 1 else ())
    return join_names(names, below, table, dates) if _parts_a_group(pairs) else None


def _parts_a_group(pairs: Sequence[tuple[str, str]]) -> bool:
    """Whether all cells of the lower row stand below groups, and name their parts: 去年 and 今年 below 货量."""
    grouped = [at for at in range(1, len(pairs)) if not pairs[at][0] and pairs[at][1]]
    if not grouped:
        return False
    under = set(grouped) | {at - 1 for at in grouped}
    return all(
        not _DIGIT.search(below) if at in under else not below or below == above
        for at, (above, below) in enumerate(pairs)
    )


def _names(columns: Sequence[ColumnContract]) -> set[str]:
    return {fold_name(name) for column in columns for name in (column.name, *column.aliases)}


def _pairs(upper: Sequence[str], lower: Sequence[str]) -> list[tuple[str, str]]:
    width = max(len(upper), len(lower))
    above, below = ([*row, *[""] * (width - len(row))] for row in (upper, lower))
    return [(a.strip(), b.strip()) for a, b in zip(above, below, strict=True)]


def _bare(unit: str) -> str:
    return unit_in(unit) or unit
