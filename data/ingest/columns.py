"""Which column of a file is which column of a table: by name or alias, Chinese or English, whatever the case."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from data.contracts import ColumnContract, TableContract
from data.errors import RadarError
from data.ingest.geometry import GEOMETRY_IDS
from data.ingest.units import Conversion, find_conversion, unit_above, unit_in

_BRACKETS = re.compile(r"[(\[].*?[)\]]")
_SPACING = re.compile(
    r"[\s_\-./\u200b-\u200f\u2060\ufeff]+"
)  # invisible letters too: files put together keep their marks
# 11月1日 and 11/1 as the head of a column: a day, but of which year?
_MONTH = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*\.?"
_WEEKDAY = r"\s*[(（]?(?:周|星期|礼拜)?[一二三四五六日天]?[)）]?"
_DAY_WITHOUT_YEAR = re.compile(
    rf"^\s*(?:\d{{1,2}}\s*(?:月\s*\d{{1,2}}\s*[日号]?|[/.-]\s*\d{{1,2}}|[\s-]?{_MONTH})|{_MONTH}[\s-]?\d{{1,2}}){_WEEKDAY}\s*$",
    re.IGNORECASE,
)
_DAY_ALONE = re.compile(rf"^\s*(?:[1-9]|[12]\d|3[01])\s*[日号]?{_WEEKDAY}\s*$")
RUN = "run_id"


@dataclass(frozen=True)
class ColumnMap:
    """Position in the file of each column found, the file's columns that no one asked for, and units to convert.

    Parameters
    ----------
    positions
        Name in the table to position in the file.
    ignored, rest
        Names and positions of the file's columns that the table has no use for.
    conversions
        Name in the table to how its values become the contract's unit, where the header names one.
    """

    positions: Mapping[str, int]
    ignored: tuple[str, ...]
    rest: tuple[int, ...] = ()
    conversions: Mapping[str, Conversion] = field(default_factory=dict)


def fold_name(name: str) -> str:
    r"""Return a column name without case, spacing, width of characters and bracketed unit.

    Examples
    --------
    >>> fold_name(" Origin Hub-ID "), fold_name("货量（件）"), fold_name("\ufeff日期")
    ('originhubid', '货量', '日期')
    """
    folded = unicodedata.normalize("NFKC", name).casefold().strip()
    return _SPACING.sub("", _BRACKETS.sub("", folded)) or _SPACING.sub("", folded)


def map_columns(
    columns: tuple[str, ...],
    table: TableContract,
    constants: Mapping[str, object],
    file: str,
    *,
    header_row: int = 1,
    preamble: tuple[str, ...] = (),
    units: Mapping[str, str] | None = None,
    header_lines: int = 1,
) -> ColumnMap:
    """Find the columns of a table among those of a file.

    A column's own name beats its aliases; the aliases' order does not matter.

    Parameters
    ----------
    columns
        Header of the file.
    table
        Contract of the table the file is meant for.
    constants
        Columns filled with ``--set``; they need no column in the file, and may have none.
    file, header_row
        Name of the file and line of its header, for errors.
    preamble
        What stands above the header; a unit said there is the one of the only measure the table must have.
    units
        Units given with ``--unit``, by column; they beat what the file says.
    header_lines
        How many lines the header takes, for errors.

    Raises
    ------
    RadarError
        When two columns of the file are meant for one of the table, one is both in the file and a constant, a
        column that may not be empty has none, or a unit is no known multiple of the contract's.
    """  # noqa: DOC501 (a function makes the error)
    positions: dict[str, int] = {}
    taken: set[int] = set()
    for column in table.columns:
        if column.name == RUN and RUN in constants:
            continue  # rows that another run wrote become this load's own
        found = _find(columns, column, taken, file, header_row)
        if found is not None and column.name in constants:
            raise RadarError(
                f"column {columns[found]!r} and --set {column.name}={constants[column.name]}",
                "one of the two",
                "leave out --set, or rename the column",
                file=file,
                row=header_row,
            )
        if found is not None:
            positions[column.name] = found
            taken.add(found)
    written = [at for at, name in enumerate(columns) if RUN in constants and fold_name(name) == fold_name(RUN)]
    ignored = tuple(name for at, name in enumerate(columns) if at not in taken and at not in written)
    needed = (column for column in table.columns if not column.nullable and column.default is None)
    missing = [column for column in needed if column.name not in positions and column.name not in constants]
    if missing:
        raise _missing(missing, (columns, ignored, preamble), table, file, (header_row, header_lines))
    rest = tuple(at for at in range(len(columns)) if at not in taken)
    headers = {name: columns[at] for name, at in positions.items()}
    conversions = find_conversions(headers, table, preamble, units or {}, file, header_row)
    return ColumnMap(positions, ignored, rest, conversions)


def find_conversions(
    headers: Mapping[str, str],
    table: TableContract,
    preamble: tuple[str, ...],
    units: Mapping[str, str],
    file: str,
    header_row: int,
) -> dict[str, Conversion]:
    """Find how the numeric columns of a file become the contract's units; RadarError for a unit that cannot.

    Parameters
    ----------
    headers
        Name in the table to header in the file.
    table
        Contract of the table.
    preamble, units, file, header_row
        See ``map_columns``.

    Raises
    ------
    RadarError
        For a unit that cannot become the contract's.
    """
    conversions = {}
    measures = [name for name in headers if table.column(name).dtype.is_numeric() and table.column(name).unit]
    above = unit_above(preamble)
    needed = [name for name in measures if not table.column(name).nullable and unit_in(headers[name]) is None]
    for name in measures:
        column = table.column(name)
        unit = units.get(name) or unit_in(headers[name]) or (above if needed == [name] else None)
        if unit is None:
            continue
        conversion = find_conversion(unit, column)
        if conversion is None:
            raise RadarError(
                f"unit {unit} in {headers[name]!r}",
                f"{column.unit} for {name}, or a known multiple of it",
                f"convert the column, or say its unit with --unit {name}={column.unit} when the brackets hold none",
                file=file,
                row=header_row,
                column=headers[name],
            )
        conversions[name] = conversion
    return conversions


def find_column(columns: tuple[str, ...], column: ColumnContract, file: str) -> int:
    """Return the position of one column of a table in a file; RadarError when it is not there or there twice."""
    found = _find(columns, column, set(), file)
    if found is None:
        raise RadarError(f"the columns {', '.join(columns)}", f"also {column.name}", "add it", file=file)
    return found


def _find(
    columns: tuple[str, ...], column: ColumnContract, taken: set[int], file: str, header_row: int = 1
) -> int | None:
    folded = [fold_name(name) for name in columns]
    others = {fold_name(alias) for alias in column.aliases}
    own = [at for at, name in enumerate(folded) if name == fold_name(column.name)]
    found = own or [at for at, name in enumerate(folded) if name in others and at not in taken]
    if len(found) > 1:
        doubled = " and ".join(f"{columns[at]!r} (column {at + 1})" for at in found)
        raise RadarError(
            f"two columns for {column.name}: {doubled}",
            "one",
            "remove or rename one of them, or take the columns of one table with --columns, e.g. --columns A:F",
            file=file,
            row=header_row,
        )
    return found[0] if found else None


def _missing(
    missing: list[ColumnContract],
    cells: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]],
    table: TableContract,
    file: str,
    header: tuple[int, int],
) -> RadarError:
    """Say what is missing; ``header`` is its last line and how many it takes, ``cells`` are the header's, those of them that nobody asked for, and those above the header."""
    columns, ignored, above = cells
    header_row, lines = header
    wanted = []
    for column in missing:
        aliases = f" (or {', '.join(column.aliases)})" if column.aliases else ""
        wanted.append(f"{column.name}{aliases}")
    name = missing[0].name
    near = nearest_name(name, ignored)
    dated = any(column.dtype == pl.Date for column in missing)
    days, alone = (
        [column for column in columns if dated and kind.match(column)] for kind in (_DAY_WITHOUT_YEAR, _DAY_ALONE)
    )
    known = sum(_find(columns, column, set(), file, header_row) is not None for column in table.columns)
    higher = tuple(column.name for column in missing if _find(above, column, set(), file, header_row - 1) is not None)
    if higher:
        action = f"write the names in one line: those of a header of two stand with {_listed(higher)} above the others"
    elif len(days) > 1:
        action = (
            f"write the year too in {_listed(tuple(days), most=3)}, e.g. 2025-11-01, so that they are known as days"
        )
    elif len(alone) > 1:
        action = f"write whole dates, e.g. 2025-11-01, in place of {_listed(tuple(alone), most=3)}"
    elif lines > 1:
        action = f"rows {header_row - lines + 1} to {header_row} are read as one header: write the names in one row, or bring groups of columns to rows with --sql"
    elif near:
        action = f"rename column {near!r} to {name}"
    elif not known and header_row > 1:
        action = "name the columns so, or bring them to the table with --sql"
    elif not known:
        action = "name the columns so, or say where the header stands with --header-row N"
    elif differs_by_row(missing[0], table):
        action = f"add a column {name}"
    else:
        action = f"add a column {name}, or fill it with --set {name}=VALUE"
    if header_row > 1 and lines == 1 and not higher:
        action = f"{action}; row {header_row} looks like the header, --header-row N names another"
    found = f"the columns {_listed(columns)}"
    return RadarError(found, f"also {', '.join(wanted)} for table {table.name}", action, file=file, row=header_row)


def differs_by_row(column: ColumnContract, table: TableContract) -> bool:
    """Whether one value for a whole file can hardly be right: a reference row's own id and name."""
    return table.group == "reference" and (table.keys[:1] == (column.name,) or column.name == "name")


def _listed(columns: tuple[str, ...], most: int = 30) -> str:
    listed = ", ".join(column or "(no name)" for column in columns[:most])
    return f"{listed} and {len(columns) - most:,} more" if len(columns) > most else listed


def nearest_name(name: str, candidates: tuple[str, ...]) -> str | None:
    """Return the candidate that looks most like ``name``, if any does."""
    folded = {fold_name(candidate): candidate for candidate in candidates}
    close = difflib.get_close_matches(fold_name(name), list(folded), n=1, cutoff=0.75)
    return folded[close[0]] if close else None


def tell_ignored(ignored: tuple[str, ...], positions: Mapping[str, int], table: TableContract, file: str) -> str | None:
    """Say which columns of a file were left out, and which of them look like a misspelt one."""
    # Geometry goes to the GeoJSON file beside the tables.
    named = [name for name in ignored if name and not (name == "geometry" and table.name in GEOMETRY_IDS)]
    if not named:
        return None
    free = tuple(column.name for column in table.columns if column.name not in positions)
    hints = [f"{name!r} looks like {near}" for name in named if (near := nearest_name(name, free))]
    problem = f"{file}: no use for column(s) {', '.join(named)}"
    return f"{problem} ({'; '.join(hints)})" if hints else problem
