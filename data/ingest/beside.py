"""Tables beside each other on one sheet: which columns of a file are the table, by itself or by `--columns`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

import polars as pl

from data.errors import RadarError
from data.ingest.columns import fold_name
from data.sources import Batch, Source
from data.sources.batch import blank, drop_blank_rows, no_broken, unique_names
from data.sources.headers import HeaderFound, HeaderRule, Rows
from data.sources.workbooks import column_number

Block = tuple[int, int]
"""First column of a table, and the one behind its last."""
Test = Callable[[Sequence[str]], bool]

_SPAN = re.compile(r"^([A-Za-z]{1,3}|\d{1,5}):([A-Za-z]{1,3}|\d{1,5})$")


def read_span(text: str) -> Block:
    """Read which columns of a file are meant.

    Raises
    ------
    RadarError
        For anything but a first and a last column.

    Examples
    --------
    >>> read_span("A:F"), read_span("2:3"), read_span("aa:ab")
    ((0, 6), (1, 3), (26, 28))
    """
    found = _SPAN.match(text.strip())
    ends = [int(end) - 1 if end.isdecimal() else column_number(end.upper()) for end in found.groups()] if found else []
    if not ends or ends[0] < 0 or ends[1] < ends[0]:
        raise RadarError(f"--columns {text}", "the first and the last column, e.g. A:F or 1:6", "correct it")
    return ends[0], ends[1] + 1


def tell_span(block: Block) -> str:
    """Say which columns a block is, as a spreadsheet names them.

    Examples
    --------
    >>> tell_span((0, 6)), tell_span((26, 28)), tell_span((701, 703))
    ('A:F', 'AA:AB', 'ZZ:AAA')
    """

    def letters(at: int) -> str:
        return (letters(at // 26 - 1) if at >= 26 else "") + chr(65 + at % 26)

    return f"{letters(block[0])}:{letters(block[1] - 1)}"


def look_within(rule: HeaderRule, block: Block) -> HeaderRule:
    """Return a rule that finds the header by some columns alone."""
    first, end = block

    def find(rows: Rows, at: int | None) -> HeaderFound:
        inside = [cells[first:end] if any(cell.strip() for cell in cells[first:end]) else [] for cells in rows]
        found = rule(inside, at)
        if found.names is None:
            return found
        row = rows[found.index]
        names = ([*row, *[""] * first][:first], (*found.names, *[""] * (end - first - len(found.names))), row[end:])
        return replace(found, names=tuple(name for part in names for name in part))

    return find


def take_columns(source: Source, block: Block) -> Source:
    """Return a source of some columns of a file; a row with nothing in them is none.

    Raises
    ------
    RadarError
        When the file has none of them.
    """
    first, end = block[0], min(block[1], len(source.columns))
    if first >= end:
        raise RadarError(
            f"--columns {tell_span(block)}",
            f"columns among {tell_span((0, len(source.columns)))}",
            "correct it",
            file=source.name,
        )

    def read() -> Iterator[Batch]:
        for batch in source.read():
            frame = batch.frame.select(pl.nth(range(first, end)))
            frame.columns = unique_names(tuple(frame.columns))
            frame, lines = drop_blank_rows(frame, batch.lines)
            yield replace(batch, frame=frame, lines=lines)

    return replace(source, columns=source.columns[first:end], read=read)


def part_beside(source: Source, fits: Test, is_other: Test) -> list[Source]:
    """Return a source for each table of the same columns that stand beside each other, parted by a column without a name or not.

    Where one of several is the table, and others are told as another, it alone is taken. Beside columns of no known table
    all columns stay, and rows below the last of the table are told and left out. A file of one table, and one whose tables
    differ, are returned as they are.

    Parameters
    ----------
    source
        The file.
    fits
        Tells the columns of a block that name all the table needs.
    is_other
        Tells the columns of a block that are another table.
    """
    names = [fold_name(name) for name in source.columns]
    blocks = _blocks(names)
    fitting = [block for block in blocks if fits(source.columns[slice(*block)])]
    if len(fitting) == 1 and (len(blocks) == 1 or not _are_tables(source, blocks, fitting[0], is_other)):
        return [_leave_below(source, fitting[0])]
    if len(blocks) < 2 or not fitting:
        return [source]
    same = [block for block in fitting if names[slice(*block)] == names[slice(*fitting[0])]]
    if same != fitting:
        return [source]
    others = [block for block in blocks if block not in fitting]
    if not _are_tables(source, blocks, fitting[0], is_other):
        return [source]
    spans = " and ".join(tell_span(block) for block in fitting)
    left = f"; not read: {' and '.join(tell_span(block) for block in others)}" if others else ""
    note = f"{source.name}: tables stand beside each other; columns {spans} are read{left}"
    parts = []
    for at, block in enumerate(fitting):
        part = take_columns(source, block)
        name = f"{source.name} [{tell_span(block)}]" if len(fitting) > 1 else source.name
        whole = part if at == 0 else _without_broken(part)
        parts.append(replace(whole, name=name, notes=(*source.notes, note) if at == 0 else ()))
    return parts


def _are_tables(source: Source, blocks: Sequence[Block], fitting: Block, is_other: Test) -> bool:
    """Whether each other block names a table we know, or a column that the table names too: it is no part of its rows."""
    columns = [source.columns[slice(*block)] for block in blocks if block != fitting]
    doubled = {fold_name(name) for name in source.columns[slice(*fitting)]}
    return all(is_other(names) or not doubled.isdisjoint(map(fold_name, names)) for names in columns)


def _leave_below(source: Source, block: Block) -> Source:
    """Leave out the rows in which only a table beside goes on, below the last row of the table.

    It is another table where an empty column without a name parts it from the table, and where it has rows of its own only
    there: above, a row may have lost its cells. Its columns stay, as beside a row of the table they may tell more of it.
    """
    width = len(source.columns)
    right, left = range(block[1] + 1, width), range(block[0] - 1)
    sides = [
        (gap, beyond)
        for gap, beyond in ((block[1], right), (block[0] - 1, left))
        if len(beyond) and not fold_name(source.columns[gap])
    ]
    if not sides:
        return source
    last = 0
    alone: list[int] = []
    cells: list[tuple[int, list[int]]] = []
    for batch in source.read():
        frame = batch.frame.select(
            (~blank(name, dtype)).alias(str(at)) for at, (name, dtype) in enumerate(batch.frame.schema.items())
        )
        if frame.select(pl.any_horizontal(pl.nth([gap for gap, _ in sides]))).to_series().any():
            return source
        beside = frame.select(pl.nth([at for _, beyond in sides for at in beyond]))
        ours = frame.select(pl.any_horizontal(pl.nth(range(*block)))).to_series()
        if ours.any():
            last = batch.lines.filter(ours).to_list()[-1]
        filled = beside.select(pl.any_horizontal(pl.all())).to_series()
        alone += batch.lines.filter(filled & ~ours).to_list()
        cells += [(int(name), batch.lines.filter(beside[name]).to_list()) for name in beside.columns]
    if not alone or alone[0] < last or not last:
        return source
    spans = [_tell_cells([(at, lines) for at, lines in cells if at in beyond and lines]) for _, beyond in sides]
    note = f"{source.name}: another table beside this one is not read: {' and '.join(filter(None, spans))}"

    def read() -> Iterator[Batch]:
        for batch in source.read():
            inside = batch.lines <= last
            yield replace(batch, frame=batch.frame.filter(inside), lines=batch.lines.filter(inside))

    return replace(source, read=read, notes=(*source.notes, note))


def _tell_cells(cells: Sequence[tuple[int, list[int]]]) -> str:
    if not cells:
        return ""
    columns = tell_span((min(at for at, _ in cells), max(at for at, _ in cells) + 1)).split(":")
    rows = (min(lines[0] for _, lines in cells), max(lines[-1] for _, lines in cells))
    return ":".join(f"{column}{row}" for column, row in zip(columns, rows, strict=True))


def _without_broken(source: Source) -> Source:
    """Leave rows that could not be cut into columns to the first of the parts."""

    def read() -> Iterator[Batch]:
        for batch in source.read():
            yield replace(batch, broken=no_broken())

    return replace(source, read=read)


def _blocks(names: Sequence[str]) -> list[Block]:
    """Part a header at its columns without a name, or where it begins anew."""
    filled = [[at for at, _ in group] for has, group in groupby(enumerate(names), lambda it: bool(it[1])) if has]
    if len(filled) > 1:
        return [(group[0], group[-1] + 1) for group in filled]
    if not filled:
        return []
    first, end = filled[0][0], filled[0][-1] + 1
    width = end - first
    for step in range(2, width // 2 + 1):
        if width % step == 0 and list(names[first:end]) == list(names[first : first + step]) * (width // step):
            return [(at, at + step) for at in range(first, end, step)]
    return [(first, end)]
