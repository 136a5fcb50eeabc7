"""CSV files: separator and encoding found by themselves, packed with gzip or not, read in blocks."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl

from data.errors import RadarError
from data.sources.batch import Batch, Source, drop_blank_rows, unique_names
from data.sources.csv_lines import LineCounter, OddRecord, tell_odd
from data.sources.encodings import utf8_blocks
from data.sources.headers import LINES_LOOKED_AT, HeaderFound, HeaderRule, find_header, preamble_of
from data.sources.limits import limit_unpacked, require_columns

SEPARATORS = (",", ";", "\t", "|")
_ROW_BLOCK = 16 << 20
_AS_TEXT = r'^\s*="([^"]*)"\s*$'
_LONGEST_HEADER = 1 << 20
_SHOWN = 200
_MARKS = re.compile(rb'["\r\n]')
# Excel writes and reads the separator in a line of its own above the header.
_SEPARATOR_LINE = re.compile(rb'^"?sep=(.)"?\r?\n', re.IGNORECASE)
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class _Header:
    """Header of a text: its place among the lines, names, cells of nothing behind them, separator, its line, the first row's, the cells above, and how it was found."""

    index: int
    names: tuple[str, ...]
    beyond: int
    separator: str
    line: int
    first_line: int
    preamble: tuple[str, ...]
    found: HeaderFound


def open_csv(path: Path, name: str, header_row: int | None = None, rule: HeaderRule | None = None) -> Source:
    """Open a CSV file.

    Parameters
    ----------
    path
        The file; gzip is known by its first bytes, whatever the name says.
    name
        What it is called in errors and in ``rejected_rows``.
    header_row, rule
        Where its header stands; see ``headers.find_header``.

    Raises
    ------
    RadarError
        For an empty file, a file that is no text, a broken gzip, an unknown encoding.
    """
    size = float(path.stat().st_size)

    def feed() -> Iterator[bytes]:
        with path.open("rb") as packed:
            yield from _unpacked(packed, name)

    return open_text(feed, name, size, header_row, rule)


def open_text(
    feed: Callable[[], Iterator[bytes]],
    name: str,
    size: float,
    header_row: int | None = None,
    rule: HeaderRule | None = None,
) -> Source:
    """Open CSV text that comes as blocks of UTF-8; ``feed`` starts it anew each time it is called."""
    blocks = feed()
    try:
        header = _read_header(_Text(blocks), name, header_row, rule)
    finally:
        _close(blocks)

    def read() -> Iterator[Batch]:
        blocks = feed()
        try:
            text = _Text(blocks)
            _read_header(text, name, header.index + 1, None)
            table = (header.names, header.beyond)
            yield from _read_batches(text, table, header.separator, header.first_line, name, size)
        finally:
            _close(blocks)

    found = {"header_row": header.line} if header.preamble else {}
    return Source(
        name,
        header.names,
        size,
        read,
        decimal_comma=header.separator == ";",
        header_row=header.line,
        preamble=(*header.found.said, *header.preamble),
        settings=found,
        header_lines=header.found.lines,
    )


def open_rows(feed: Callable[[], Iterator[bytes]], header: tuple[str, ...], name: str) -> Source:
    """Open CSV text without a header, parted by commas, as ``open_text``; the first row is number 1."""

    def read() -> Iterator[Batch]:
        blocks = feed()
        try:
            yield from _read_batches(_Text(blocks), (header, 0), ",", 1, name, 1.0)
        finally:
            _close(blocks)

    return Source(name, header, 1.0, read)


def _close(blocks: Iterator[bytes]) -> None:
    close = getattr(blocks, "close", None)
    if close is not None:
        close()


def _unpacked(packed: BinaryIO, name: str) -> Iterator[bytes]:
    head = packed.read(2)
    packed.seek(0)
    stream: BinaryIO = gzip.GzipFile(fileobj=packed) if head == _GZIP else packed  # type: ignore[assignment]
    try:
        yield from limit_unpacked(utf8_blocks(stream, name), packed, name)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise RadarError(
            f"a broken gzip file ({error})", "a whole one", "copy or download the file again", file=name
        ) from error


class _Text(io.RawIOBase):
    """Blocks of bytes as a file that can be read, and pushed back into once after the header."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._rest = b""
        self.taken = 0
        self.quotes = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        parts = [self._rest]
        have = len(self._rest)
        while size < 0 or have < size:
            block = next(self._blocks, b"")
            if not block:
                break
            parts.append(block)
            self.quotes += block.count(b'"')
            have += len(block)
        whole = b"".join(parts)
        cut = have if size < 0 else min(size, have)
        self._rest = whole[cut:]
        self.taken += cut
        return whole[:cut]

    def push_back(self, rest: bytes) -> None:
        self._rest = rest + self._rest
        self.taken -= len(rest)


def _read_header(text: _Text, name: str, header_row: int | None, rule: HeaderRule | None) -> _Header:
    """Take the header, and what stands above it, off the text."""
    head = text.read(_LONGEST_HEADER)
    if not head.strip():
        raise RadarError("an empty file", "a header and rows", "check the export that wrote it", file=name)
    given = _SEPARATOR_LINE.match(head)
    declared = given[1].decode() if given else None
    starts = _line_starts(head, given.end() if given else 0)
    before = 1 if given else 0
    lines = [head[at : _end_of_line(head, at)].decode(errors="replace") for at in starts]
    cells = [[declared or ""]] * before + [_cells_of(line, declared or _separator_of(line)) for line in lines]
    found = find_header(cells, header_row, rule, name)
    start = starts[max(found.index - before, 0)]
    end = _end_of_line(head, start)
    line = head[start:end].decode(errors="replace")
    separator = declared or _separator_of(line)
    names = list(found.names or _cells_of(line, separator))
    at_line = head[:start].replace(b"\r\n", b"\n").replace(b"\r", b"\n").count(b"\n") + 1
    if not any(column.strip() for column in names):
        raise RadarError("a header without names", "the names of the columns", "add a header", file=name, row=at_line)
    if end == len(head) == _LONGEST_HEADER:  # its columns cannot be counted, nor its rows found
        raise RadarError(
            f"a header of more than {_LONGEST_HEADER:,} bytes",
            "the names of the columns",
            "check the export that wrote it",
            file=name,
            row=at_line,
        )
    end += head[end : end + 2] == b"\r\n"
    text.push_back(head[end + 1 :])
    text.quotes -= head[: end + 1].count(b'"')
    preamble = preamble_of(cells[before:], replace(found, index=max(found.index - before, 0)))
    require_columns(len(names), name, at_line)
    return _Header(
        found.index,
        tuple(column.strip() for column in names),
        _cells_beyond(cells[found.index + 1 :], len(names)),
        separator,
        at_line,
        at_line + line.count("\n") + 1,
        preamble,
        found,
    )


def _cells_beyond(rows: list[list[str]], width: int) -> int:
    """Count the cells by which most rows are longer than the header, nothing standing in them: a separator at the end of each line."""
    filled = [cells for cells in rows[:-1] or rows if any(cells)]  # the last one looked at may be cut
    ends = [len(cells) for cells in filled if len(cells) > width and not any(cell.strip() for cell in cells[width:])]
    return max(ends) - width if 2 * len(ends) > len(filled) and len(set(ends)) == 1 else 0


def _line_starts(head: bytes, start: int) -> list[int]:
    """Return where the first lines start; a line break inside quotation marks ends none."""
    starts: list[int] = []
    while start < len(head) and len(starts) < LINES_LOOKED_AT:
        starts.append(start)
        end = _end_of_line(head, start)
        start = end + (2 if head[end : end + 2] == b"\r\n" else 1)
    return starts


def _end_of_line(head: bytes, start: int) -> int:
    end, quoted = start, False
    for mark in _MARKS.finditer(head, start):
        end = mark.start()
        if mark[0] == b'"':
            quoted = not quoted
        elif not quoted:
            return end
    if not quoted:
        return len(head)
    # A single quotation mark inside a name opens nothing.
    return min(at if at >= 0 else len(head) for at in (head.find(mark, start) for mark in (b"\n", b"\r")))


def _separator_of(line: str) -> str:
    return max(SEPARATORS, key=lambda mark: (_count_outside_quotes(line, mark), -SEPARATORS.index(mark)))


def _cells_of(line: str, separator: str) -> list[str]:
    try:
        cells = next(csv.reader(io.StringIO(line), delimiter=separator), [])
    except csv.Error:  # a cell above Python's limit is no name
        return [line[:_SHOWN]]
    return [re.sub(_AS_TEXT, r"\1", cell) for cell in cells]


def _count_outside_quotes(line: str, mark: str) -> int:
    return sum(part.count(mark) for part in line.split('"')[::2])


def _read_batches(
    text: _Text, table: tuple[tuple[str, ...], int], separator: str, first_line: int, name: str, size: float
) -> Iterator[Batch]:
    """Read rows below a header, which end in so many cells of nothing as ``table`` says."""
    import pyarrow as pa
    import pyarrow.csv as pc

    header, beyond = table
    width = len(header)
    counter = LineCounter(first_line, width, beyond)

    def set_apart(row: Any) -> str:
        counter.odd.append(OddRecord(row.number, row.actual_columns, row.text))
        return "skip"

    columns = unique_names((*header, *[""] * beyond))
    first = text.read(1)
    if not first:
        return
    text.push_back(first)
    try:
        reader = pc.open_csv(
            pa.PythonFile(text, mode="r"),
            read_options=pc.ReadOptions(use_threads=False, block_size=_ROW_BLOCK, column_names=columns),
            parse_options=pc.ParseOptions(
                delimiter=separator, newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=set_apart
            ),
            convert_options=pc.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=False
            ),
        )
        for arrow in reader:
            yield _batch_of(pl.DataFrame(pl.from_arrow(arrow)), counter, width, min(size, float(text.taken)))
    except pa.ArrowInvalid as error:
        raise _unreadable(error, name) from error
    yield _batch_of(pl.DataFrame(schema=dict.fromkeys(columns, pl.String())), counter, width, size)
    if text.quotes % 2 and counter.last_breaks:
        # The last record swallowed lines to the end of the file.
        raise _never_closed(name, counter.line - counter.last_breaks - 1)


def _batch_of(frame: pl.DataFrame, counter: LineCounter, width: int, done: float) -> Batch:
    lines, broken = counter.place(frame)
    if frame.width > width:
        frame, lines, filled = _cut_beyond(frame, lines, width)
        broken = pl.concat([broken, filled]).sort("row", maintain_order=True)
    frame, lines = drop_blank_rows(_take_text(frame), lines)
    return Batch(frame, lines, broken, done)


def _take_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Take ="0123" as the 0123 it stands for: exports write a cell so that a spreadsheet leaves it as text."""
    marked = [
        series.name for series in frame if series.dtype == pl.String and series.str.contains('="', literal=True).any()
    ]
    return frame.with_columns(pl.col(marked).str.replace(_AS_TEXT, "${1}")) if marked else frame


def _cut_beyond(frame: pl.DataFrame, lines: pl.Series, width: int) -> tuple[pl.DataFrame, pl.Series, pl.DataFrame]:
    """Cut off the cells behind the header's; rows in which something stands there are set apart."""
    beyond = frame.columns[width:]
    filled = frame.select(pl.any_horizontal(pl.col(beyond).str.strip_chars() != "").fill_null(False)).to_series()
    texts = frame.filter(filled).select(pl.concat_str(pl.all().fill_null(""), separator=",").alias("text"))["text"]
    odd = [OddRecord(at, frame.width, text) for at, text in enumerate(texts)]
    return (
        frame.filter(~filled).select(frame.columns[:width]),
        lines.filter(~filled),
        tell_odd(odd, lines.filter(filled), width, len(beyond)),
    )


def _unreadable(error: Exception, name: str) -> RadarError:
    if "straddling" in str(error):
        return _never_closed(name, None)
    message = str(error).splitlines()[0]
    return RadarError(f"text that is no table ({message})", "a CSV file", "export it again", file=name)


def _never_closed(name: str, row: int | None) -> RadarError:
    found, expected = "a quotation mark that is opened and never closed", "quotation marks in pairs"
    return RadarError(found, expected, "correct the quoting, or export the file again", file=name, row=row)
