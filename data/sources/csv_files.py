"""CSV files: separator and encoding found by themselves, packed with gzip or not, read in blocks."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl

from data.errors import RadarError
from data.sources.batch import BROKEN_SCHEMA, Batch, Source, drop_blank_rows, unique_names
from data.sources.encodings import utf8_blocks

SEPARATORS = (",", ";", "\t", "|")
_ROW_BLOCK = 16 << 20
_LONGEST_HEADER = 1 << 20
_GZIP = b"\x1f\x8b"


def open_csv(path: Path, name: str) -> Source:
    """Open a CSV file.

    Parameters
    ----------
    path
        The file; gzip is known by its first bytes, whatever the name says.
    name
        What it is called in errors and in ``rejected_rows``.

    Raises
    ------
    RadarError
        For an empty file, a file that is no text, a broken gzip, an unknown encoding.
    """
    size = float(path.stat().st_size)

    def feed() -> Iterator[bytes]:
        with path.open("rb") as packed:
            yield from _unpacked(packed, name)

    return open_text(feed, name, size)


def open_text(feed: Callable[[], Iterator[bytes]], name: str, size: float, first_row: int | None = None) -> Source:
    """Open CSV text that comes as blocks of UTF-8; ``feed`` starts it anew each time it is called.

    ``first_row`` is the number of the first row where lines mean nothing (queries); see ``Source.size`` for ``size``.
    """
    blocks = feed()
    try:
        text = _Text(blocks)
        header, separator, first_line = _read_header(text, name)
    finally:
        _close(blocks)
    first_line = first_line if first_row is None else first_row

    def read() -> Iterator[Batch]:
        blocks = feed()
        try:
            text = _Text(blocks)
            _read_header(text, name)
            yield from _read_batches(text, header, separator, first_line, name, size)
        finally:
            _close(blocks)

    return Source(name, header, size, read, decimal_comma=separator == ";")


def _close(blocks: Iterator[bytes]) -> None:
    close = getattr(blocks, "close", None)
    if close is not None:
        close()


def _unpacked(packed: BinaryIO, name: str) -> Iterator[bytes]:
    head = packed.read(2)
    packed.seek(0)
    stream: BinaryIO = gzip.GzipFile(fileobj=packed) if head == _GZIP else packed  # type: ignore[assignment]
    try:
        yield from utf8_blocks(stream, name)
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
            have += len(block)
        whole = b"".join(parts)
        cut = have if size < 0 else min(size, have)
        self._rest = whole[cut:]
        self.taken += cut
        return whole[:cut]

    def push_back(self, rest: bytes) -> None:
        self._rest = rest + self._rest
        self.taken -= len(rest)


def _read_header(text: _Text, name: str) -> tuple[tuple[str, ...], str, int]:
    """Take the header off the text: its names, the separator, and the line the first row stands on."""
    head = text.read(_LONGEST_HEADER)
    if not head.strip():
        raise RadarError("an empty file", "a header and rows", "check the export that wrote it", file=name)
    start = len(head) - len(head.lstrip(b"\r\n"))
    end, quoted = start, False
    while end < len(head) and (quoted or head[end] != 0x0A):
        quoted ^= head[end] == 0x22
        end += 1
    line = head[start:end].decode(errors="replace")
    separator = max(SEPARATORS, key=lambda mark: (_count_outside_quotes(line, mark), -SEPARATORS.index(mark)))
    names = next(csv.reader(io.StringIO(line), delimiter=separator), [])
    if not any(column.strip() for column in names):
        raise RadarError("a header without names", "the names of the columns", "add a header", file=name, row=1)
    text.push_back(head[end + 1 :])
    return tuple(column.strip() for column in names), separator, head[: end + 1].count(b"\n") + (end == len(head)) + 1


def _count_outside_quotes(line: str, mark: str) -> int:
    return sum(part.count(mark) for part in line.split('"')[::2])


def _read_batches(
    text: _Text, header: tuple[str, ...], separator: str, first_line: int, name: str, size: float
) -> Iterator[Batch]:
    import pyarrow as pa
    import pyarrow.csv as pc

    odd: list[tuple[int, int, str]] = []

    def set_apart(row: Any) -> str:
        odd.append((row.number, row.actual_columns, row.text))
        return "skip"

    columns = unique_names(header)
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
        number, line = 1, first_line
        while True:
            try:
                arrow = reader.read_next_batch()
            except StopIteration:
                break
            frame = pl.DataFrame(pl.from_arrow(arrow))
            frame, lines, broken, number, line = _number_lines(frame, list(odd), number, line, len(header))
            odd.clear()
            frame, lines = drop_blank_rows(frame, lines)
            yield Batch(frame, lines, broken, min(size, float(text.taken)))
    except pa.ArrowInvalid as error:
        raise _unreadable(error, name) from error
    if odd:
        nothing = pl.DataFrame(schema=dict.fromkeys(columns, pl.String()))
        frame, lines, broken, _, _ = _number_lines(nothing, odd, number, line, len(header))
        yield Batch(frame, lines, broken, size)


def _unreadable(error: Exception, name: str) -> RadarError:
    if "straddling" in str(error):
        found, expected = "a quotation mark that is opened and never closed", "quotation marks in pairs"
        return RadarError(found, expected, "mend the quoting, or export the file again", file=name)
    return RadarError(
        f"text that is no table ({str(error).splitlines()[0]})", "a CSV file", "export it again", file=name
    )


def _number_lines(
    frame: pl.DataFrame, odd: list[tuple[int, int, str]], number: int, line: int, width: int
) -> tuple[pl.DataFrame, pl.Series, pl.DataFrame, int, int]:
    """Give each row of a batch, and each row set apart in it, the line it starts on.

    A record may span several lines (a quoted cell with a line break), so records and lines are counted apart.
    """
    total = frame.height + len(odd)
    records = pl.Series("record", range(number, number + total), dtype=pl.Int64)
    spans = (
        pl.Series("span", [1], dtype=pl.Int64).new_from_index(0, total)
        if total
        else pl.Series("span", [], dtype=pl.Int64)
    )
    odd_numbers = pl.Series([record[0] for record in odd], dtype=pl.Int64)
    is_odd = records.is_in(odd_numbers.implode()) if odd else pl.repeat(False, total, dtype=pl.Boolean, eager=True)
    breaks = (
        frame.select(
            pl.sum_horizontal(
                pl.col(column).str.count_matches("\n", literal=True).fill_null(0) for column in frame.columns
            )
        )
        .to_series()
        .cast(pl.Int64)
        if frame.height and _has_breaks(frame)
        else None
    )
    if breaks is not None or any("\n" in record[2] for record in odd):
        extra = [0] * total
        good = iter(breaks.to_list() if breaks is not None else [0] * frame.height)
        odd_breaks = {record[0]: record[2].rstrip("\r\n").count("\n") for record in odd}
        extra = [odd_breaks.get(number + at, 0) if flag else next(good) for at, flag in enumerate(is_odd.to_list())]
        spans = spans + pl.Series(extra, dtype=pl.Int64)
    starts = (spans.cum_sum() - spans + line).cast(pl.Int64)
    lines = starts.filter(~is_odd).alias("line")
    broken = pl.DataFrame(
        {
            "row": starts.filter(is_odd),
            "column": pl.Series([None] * len(odd), dtype=pl.String),
            "value": [record[2].rstrip("\r\n")[:200] for record in odd],
            "rule": [f"has {record[1]} cells where the header has {width}" for record in odd],
        },
        schema=BROKEN_SCHEMA,
    )
    return frame, lines, broken, number + total, line + (int(spans.sum()) if total else 0)


def _has_breaks(frame: pl.DataFrame) -> bool:
    return any(bool(frame[column].str.contains("\n", literal=True).any()) for column in frame.columns)
