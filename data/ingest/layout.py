"""Where a table stands on a planner's sheet: below titles, or one column a day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from zoneinfo import ZoneInfo

import polars as pl

from data.contracts import TABLES, ColumnContract, TableContract
from data.errors import RadarError
from data.ingest.asides import is_sum
from data.ingest.beside import part_beside
from data.ingest.columns import fold_name
from data.ingest.dates import parse_days, parse_months
from data.ingest.header_lines import join_line_below, join_names
from data.ingest.values import is_nothing
from data.sources import Batch, Source
from data.sources.batch import unique_names
from data.sources.headers import HeaderFound, HeaderRule, Rows, first_filled

_LEAST_DATES, _LEAST_NAMES = 2, 2
_UTC = ZoneInfo("UTC")


@dataclass(frozen=True)
class _Known:
    """What a row of cells names of a table: its columns, and dates where a wide form may have them."""

    columns: frozenset[str]
    dates: int

    def over(self, lower: _Known) -> _Known:
        """Return what this row and the one below it name together."""
        return _Known(self.columns | lower.columns, self.dates + lower.dates)

    @property
    def score(self) -> int:
        """Columns named, dates counted as one."""
        return len(self.columns) + min(self.dates, 1)


def header_rule(table: TableContract, constants: Mapping[str, object], wide: str | None = None) -> HeaderRule:
    """Return the rule that finds the header of a table among the first rows of a page.

    The first row that is not blank is the header when it names all the table needs; else the first row that does;
    else the one that names most of it, if that is two columns or more.

    Parameters
    ----------
    table
        Contract of the table.
    constants
        Columns that need no column in the file.
    wide
        Column whose values stand in the header (``--wide``); a date or month is also found without.
    """
    return _HeaderFinder(table, constants, wide).find


@dataclass(frozen=True)
class _HeaderFinder:
    """The rule of ``header_rule``; its fields are that function's parameters."""

    table: TableContract
    constants: Mapping[str, object]
    wide: str | None

    def find(self, rows: Rows, at: int | None = None) -> HeaderFound:
        """Find the header, or read the one that a person says stands in row ``at``."""
        first = first_filled(rows).index if at is None else at
        if not rows:
            return HeaderFound(first)
        top = _look([rows[first]], self.table)[0]
        if self._fits(top):  # as nearly always: the rows below are not looked at
            return self._with_line_below(HeaderFound(first, top.score, True), rows)
        if at is not None:
            return self._join(rows, at) or self._join(rows, at + 1) or HeaderFound(at)
        known = _look(rows, self.table)
        fits = [self._fits(row) for row in known]
        if any(fits):
            index = fits.index(True)
            return self._with_line_below(HeaderFound(index, known[index].score, True), rows)
        return self._find_joined(rows, known) or self._find_best(rows, known, first)

    def _find_joined(self, rows: Rows, known: Sequence[_Known]) -> HeaderFound | None:
        """Take a header of two lines: what is missed in the lower one stands above, or its days below a group."""
        for index, (upper, lower) in enumerate(pairwise(known), start=1):
            both = upper.over(lower)
            if self._fits(both) or (both.score >= _LEAST_NAMES and upper.score and lower.dates >= _LEAST_DATES):
                joined = self._join(rows, index)
                if joined:
                    return joined
        return None

    def _find_best(self, rows: Rows, known: Sequence[_Known], first: int) -> HeaderFound:
        """Take the row that names most, if that is two columns or more; it does not fit."""
        scores = [row.score for row in known]
        pairs = [self._fits(upper.over(lower)) for upper, lower in pairwise(known)]
        if any(pairs):
            index = pairs.index(True) + 1
            return HeaderFound(index, scores[index])
        best = max(range(len(rows)), key=lambda at: (scores[at], -at))
        better = scores[best] >= _LEAST_NAMES and scores[best] > scores[first]
        index = best if better else _below_titles(rows, first)
        return self._with_line_below(HeaderFound(index, scores[index]), rows)

    def _join(self, rows: Rows, index: int) -> HeaderFound | None:
        """Take a row together with the one above it as the header, if that names all the table needs."""
        if not 0 < index < len(rows) or not rows[index - 1] or not rows[index]:
            return None
        joined = join_names(rows[index - 1], rows[index], self.table, self._dates(rows[index]))
        known = _look([joined.names], self.table)[0]
        if not self._fits(known):
            return None
        return self._with_line_below(HeaderFound(index, known.score, True, 2, joined.names, joined.said), rows)

    def _with_line_below(self, found: HeaderFound, rows: Rows) -> HeaderFound:
        """Take the row below the header to it where it holds units, or the parts of groups, and no data."""
        if found.index + 1 >= len(rows):
            return found
        names = found.names or tuple(rows[found.index])
        joined = join_line_below(names, rows[found.index + 1], self.table, self._dates(names))
        if joined is None:
            return found
        known = _look([joined.names], self.table)[0]
        fits = found.fits and self._fits(known)
        notes = (*found.said, *joined.said)
        return HeaderFound(found.index + 1, known.score, fits, found.lines + 1, joined.names, notes)

    def _fits(self, known: _Known) -> bool:
        return _fits(known, self.table, self.constants, self.wide)

    def _dates(self, cells: Sequence[str]) -> set[str]:
        dates = _dates(cells, months=_holds_months(self.table))
        return {cell.strip() for cell, date in zip(cells, dates, strict=True) if date}


def _below_titles(rows: Rows, first: int) -> int:
    """Return the first row as wide as any where the page begins with a title of one cell; else ``first``."""
    filled = [sum(bool(cell.strip()) for cell in cells) for cells in rows]
    return filled.index(max(filled)) if filled[first] == 1 else first


def _look(rows: Rows, table: TableContract) -> list[_Known]:
    """Look at rows of cells, and read all that may be a date among them at once."""
    names = {column.name: {fold_name(name) for name in (column.name, *column.aliases)} for column in table.columns}
    known = []
    dates = iter(_dates([cell for cells in rows for cell in cells], months=_holds_months(table)))
    for cells in rows:
        folded = {fold_name(cell) for cell in cells if cell.strip()}
        columns = frozenset(name for name, spellings in names.items() if folded & spellings)
        known.append(_Known(columns, sum(next(dates) for _ in cells)))
    return known


def _fits(known: _Known, table: TableContract, constants: Mapping[str, object], wide: str | None) -> bool:
    if not known.columns:
        return False
    missing = _missing(known, table, constants)
    if not missing:
        return True
    return _pair(missing, wide) is not None and (wide is not None or known.dates >= _LEAST_DATES)


def _missing(known: _Known, table: TableContract, constants: Mapping[str, object]) -> list[ColumnContract]:
    """Return the columns that the file must have and has not."""
    needed = (column for column in table.columns if not column.nullable and column.default is None)
    return [column for column in needed if column.name not in known.columns and column.name not in constants]


def _pair(missing: Sequence[ColumnContract], wide: str | None) -> tuple[str, str] | None:
    """Name the column whose values stand in the header, and the one measure below, where just these two are missing."""
    across = [column for column in missing if (column.name == wide if wide else column.dtype == pl.Date)]
    measures = [column for column in missing if column.dtype.is_numeric()]
    if len(missing) == 2 and len(across) == 1 and len(measures) == 1:
        return across[0].name, measures[0].name
    return None


def _holds_months(table: TableContract) -> bool:
    return any(column.name == "month" and not column.nullable for column in table.columns)


def _dates(cells: Sequence[str], *, months: bool) -> list[bool]:
    # no date is written without a digit: names of columns need no reading
    text = pl.Series([cell.strip() if any(map(str.isdecimal, cell)) else None for cell in cells], dtype=pl.String)
    if text.null_count() == text.len():
        return [False] * text.len()
    days, _ = (parse_months if months else parse_days)(text, None, _UTC)
    return days.is_not_null().to_list()


def part_tables(
    source: Source, table: TableContract, constants: Mapping[str, object], wide: str | None
) -> list[Source]:
    """Return a source for each of the tables that stand beside each other in a file; see ``beside.part_beside``."""

    def fits(columns: Sequence[str]) -> bool:
        return _fits(_look([columns], table)[0], table, constants, wide)

    def is_other(columns: Sequence[str]) -> bool:
        known = ((_look([columns], other)[0], other) for other in TABLES.values() if other.name != table.name)
        return any(len(row.columns) >= _LEAST_NAMES and not _missing(row, other, {}) for row, other in known)

    return part_beside(source, fits, is_other)


def unfold(source: Source, table: TableContract, constants: Mapping[str, object], wide: str | None) -> Source:
    """Return a source of the long form where a file has one column a day (or a value of ``wide``); else it itself.

    Columns that are sums of others are left out, and told. A cell that says nothing gives no row.

    Parameters
    ----------
    source
        The file.
    table
        Contract of the table.
    constants
        Columns that need no column in the file.
    wide
        Column whose values stand in the header; None looks for dates where the date is missing.

    Raises
    ------
    RadarError
        When ``wide`` is asked for and more than that column and one measure are missing, or nothing stands below it.
    """
    known = _look([source.columns], table)[0]
    missing = _missing(known, table, constants)
    pair = _pair(missing, wide)
    if wide is None and (pair is None or known.dates < _LEAST_DATES):
        return source
    if pair is None:
        table.column(wide or "")
        names = ", ".join(column.name for column in missing) or "no column"
        raise RadarError(
            f"a file that lacks {names}",
            f"{wide} and one measure to be missing, as in a wide form",
            "leave out --wide, or correct the header",
            file=source.name,
            row=source.header_row,
        )
    across, measure = pair
    named = {fold_name(name) for column in table.columns for name in (column.name, *column.aliases)}
    if wide is None or table.column(across).dtype == pl.Date:
        values = [at for at, date in enumerate(_dates(source.columns, months=_holds_months(table))) if date]
    else:
        values = [
            at for at, name in enumerate(source.columns) if name and fold_name(name) not in named and not is_sum(name)
        ]
    if not values:
        raise RadarError(
            f"no column that holds a value of {across}",
            "one column each",
            "leave out --wide, or correct the header",
            file=source.name,
            row=source.header_row,
        )
    # A cross table writes an id once above the rows it stands for.
    labels = [column.name for column in table.columns if column.dtype == pl.String and column.name in known.columns]
    return _long(fill_down(source, labels, table), values, across, measure)


def fill_down(source: Source, names: Sequence[str], table: TableContract) -> Source:
    """Return a source whose empty cells in some columns hold what stands above them, as merged cells mean.

    Parameters
    ----------
    source
        The file.
    names
        Columns of the table; one that the file lacks is left.
    table
        Contract of the table.
    """
    at = [position for name in names if (position := _position(source, table.column(name))) is not None]
    if not at:
        return source

    def read() -> Iterator[Batch]:
        last: dict[int, str | None] = {}
        for batch in source.read():
            frame = batch.frame
            for position in at:
                series = frame.to_series(position)
                if series.dtype != pl.String:
                    series = series.cast(pl.String)
                stripped = series.str.strip_chars()
                empty = pl.Series([None], dtype=pl.String)
                filled = series.zip_with((stripped != "").fill_null(False), empty).fill_null(strategy="forward")
                filled = filled.fill_null(
                    pl.Series([last.get(position)], dtype=pl.String).new_from_index(0, filled.len())
                )
                last[position] = filled[-1] if filled.len() else last.get(position)
                frame = frame.with_columns(filled.alias(frame.columns[position]))
            yield replace(batch, frame=frame)

    return replace(source, read=read)


def _position(source: Source, column: ColumnContract) -> int | None:
    names = {fold_name(name) for name in (column.name, *column.aliases)}
    return next((at for at, name in enumerate(source.columns) if fold_name(name) in names), None)


def _long(source: Source, values: Sequence[int], across: str, measure: str) -> Source:
    sums = [at for at, name in enumerate(source.columns) if is_sum(name)]
    ids = [at for at in range(len(source.columns)) if at not in values and at not in sums]
    columns = (*(source.columns[at] for at in ids), across, measure)
    headers = [source.columns[at] for at in values]

    def read() -> Iterator[Batch]:
        for batch in source.read():
            yield _melt(batch, ids, values, headers)

    ends = " to ".join(header.removesuffix(" 00:00:00") for header in (headers[0], headers[-1]))
    sentence = f"{source.name}: {len(values):,} columns ({ends}) are read as {across} and {measure}"
    notes = [sentence]
    if sums:
        notes.append(f"{source.name}: sums left out: column(s) {', '.join(source.columns[at] for at in sums)}")
    return replace(
        source,
        columns=columns,
        read=read,
        notes=(*source.notes, *notes),
        settings={**source.settings, "wide": across},
    )


def _melt(batch: Batch, ids: Sequence[int], values: Sequence[int], headers: Sequence[str]) -> Batch:
    frame = batch.frame
    left = frame.select(pl.nth(list(ids)), batch.lines.alias("__line__"))
    pieces = [
        left.with_columns(pl.lit(header).alias("__across__"), frame.to_series(at).cast(pl.String).alias("__measure__"))
        for at, header in zip(values, headers, strict=True)
    ]
    long = pl.concat(pieces).sort("__line__", maintain_order=True)
    long = long.filter(~is_nothing(long["__measure__"]))
    lines = long["__line__"].alias("line")
    long = long.drop("__line__")
    long.columns = unique_names(tuple(long.columns))
    return Batch(long, lines, batch.broken, batch.done)
