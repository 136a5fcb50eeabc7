"""JSON lines (one object a line), and JSON files that hold one list of objects."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl

from data.errors import RadarError
from data.sources.apart import read_apart
from data.sources.batch import BROKEN_SCHEMA, Batch, Source, drop_blank_rows, no_broken, unique_names
from data.sources.encodings import utf8_blocks
from data.sources.geojson_files import is_text, parse_features, source_of_features
from data.sources.limits import LIMITS, limit_unpacked, require_columns, require_line, require_size

_BLOCK = 8 << 20
_CELLS = 8 << 20  # rows times columns that are taken at a time
_SHOWN = 200
# Half of a character that JSON writes in two parts; Polars puts a NUL in its place without a word.
_MAYBE_HALF = r"(?i)\\ud[89a-f]"
_NO_OBJECT, _HALF = "is no JSON object", "holds half of a character (a lone surrogate)"


def open_json(path: Path, name: str) -> Source:
    """Open JSON lines, a JSON list of objects, or a GeoJSON collection under the ending ``.json``.

    Raises
    ------
    RadarError
        For an empty file, one without objects, broken JSON of the list kind, or a broken gzip.
    """
    size = float(path.stat().st_size)
    first = next(_blocks(path, name), b"").lstrip()
    if not first:
        raise RadarError("an empty file", "one JSON object a line", "check the export that wrote it", file=name)
    if _is_collection(first):
        text = _whole(path, name)
        return source_of_features(parse_features(text, name, "a list of objects"), name)
    if first.startswith(b"["):
        text = _whole(path, name)
        parsed = (
            _lines_of_list(text, name)
            if len(text) <= LIMITS.small_json_bytes
            else read_apart(_lines_of_list, text, name, name=name, kind="JSON")
        )
        blocks = list(parsed)
        return _source_of_lines(lambda: iter(blocks), name, float(len(text)), "a list of objects")
    return _source_of_lines(lambda: _line_blocks(path, name), name, size, "one JSON object a line")


def _source_of_lines(blocks: Callable[[], Iterator[pl.Series]], name: str, size: float, expected: str) -> Source:
    columns: dict[str, None] = {}
    for lines in blocks():
        columns.update(dict.fromkeys(_keys(lines)))
    if not columns:
        raise RadarError("no JSON object", expected, "check the export that wrote it", file=name)
    names = tuple(columns)
    require_columns(len(names), name)

    def read() -> Iterator[Batch]:
        number, done = 1, 0.0
        for block in blocks():
            for lines in block.to_frame().iter_slices(max(1, _CELLS // len(names))):
                part = lines.to_series()
                numbers = pl.int_range(number, number + part.len(), dtype=pl.Int64, eager=True).alias("line")
                number += part.len()
                done += float(part.str.len_bytes().sum() + part.len())
                yield _decode(part, numbers, names, min(done, size))

    return Source(name, names, size, read)


def _is_collection(head: bytes) -> bool:
    return head.startswith(b"{") and b'"FeatureCollection"' in head[:2000]


def _blocks(path: Path, name: str) -> Iterator[bytes]:
    with path.open("rb") as packed:
        zipped = packed.read(2) == b"\x1f\x8b"
        packed.seek(0)
        stream: BinaryIO = gzip.GzipFile(fileobj=packed) if zipped else packed  # type: ignore[assignment]
        try:
            yield from limit_unpacked(utf8_blocks(stream, name), packed, name)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise RadarError(
                f"a broken gzip file ({error})", "a whole one", "copy or download the file again", file=name
            ) from error


def _line_blocks(path: Path, name: str) -> Iterator[pl.Series]:
    """Give the lines of a file, some megabytes at a time."""
    rest: list[bytes] = []
    have = 0
    for block in _blocks(path, name):
        rest.append(block)
        have += len(block)
        if have < _BLOCK:
            continue
        whole = b"".join(rest)
        cut = whole.rfind(b"\n") + 1
        require_line(len(whole) - cut, name)
        if cut:
            yield _split_lines(whole[: cut - 1])
        rest, have = [whole[cut:]], len(whole) - cut
    if have:
        yield _split_lines(b"".join(rest).removesuffix(b"\n"))


def _split_lines(text: bytes) -> pl.Series:
    return pl.Series("line", text.decode().split("\n"), dtype=pl.String)


def _keys(lines: pl.Series) -> dict[str, None]:
    """Return the names of a block's objects in their order.

    One object at a time: a table of all names times all lines may be a million times as large as the block.
    """
    found: dict[str, None] = {}
    for line in lines:
        value = _parse(line)
        if isinstance(value, dict):
            found.update(dict.fromkeys(key for key in value if is_text(key)))
    return found


def _parse(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _decode(lines: pl.Series, numbers: pl.Series, names: tuple[str, ...], done: float) -> Batch:
    filled = lines.str.strip_chars() != ""
    lines, numbers = lines.filter(filled), numbers.filter(filled)
    columns = unique_names(names)
    as_text = pl.Struct(dict.fromkeys(names, pl.String()))
    if lines.str.contains(_MAYBE_HALF).any():
        return _decode_one_by_one(lines, numbers, names, done)
    try:
        frame = lines.str.json_decode(dtype=as_text).struct.unnest()
        frame.columns = columns
        return Batch(*drop_blank_rows(frame, numbers), no_broken(), done)
    except pl.exceptions.PolarsError:
        # Some line is broken or nested: one by one, to tell which.
        return _decode_one_by_one(lines, numbers, names, done)


def _decode_one_by_one(lines: pl.Series, numbers: pl.Series, names: tuple[str, ...], done: float) -> Batch:
    rows: list[list[str | None]] = []
    good: list[int] = []
    broken: list[tuple[int, str, str]] = []
    for number, line in zip(numbers, lines, strict=True):
        value = _parse(line)
        if isinstance(value, dict) and is_text(value):
            rows.append([_as_text(value.get(key)) for key in names])
            good.append(number)
        else:
            broken.append((number, line[:_SHOWN], _HALF if isinstance(value, dict) else _NO_OBJECT))
    frame = pl.DataFrame(rows, schema=dict.fromkeys(unique_names(names), pl.String()), orient="row")
    apart = pl.DataFrame(
        {
            "row": [number for number, _, _ in broken],
            "column": pl.Series([None] * len(broken), dtype=pl.String),
            "value": [text for _, text, _ in broken],
            "rule": [rule for _, _, rule in broken],
        },
        schema=BROKEN_SCHEMA,
    )
    frame, filled = drop_blank_rows(frame, pl.Series("line", good, dtype=pl.Int64))
    return Batch(frame, filled, apart, done)


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _whole(path: Path, name: str) -> bytes:
    """Return the text of a file that must be parsed whole."""
    parts: list[bytes] = []
    size = 0
    for block in _blocks(path, name):
        size += len(block)
        require_size(size, name)
        parts.append(block)
    return b"".join(parts)


def _lines_of_list(text: bytes, name: str) -> Iterator[pl.Series]:
    """Write the members of a JSON list as JSON lines, some megabytes at a time."""
    try:
        content = json.loads(text)
    except ValueError as error:
        raise RadarError(f"broken JSON ({error})", "a list of objects", "export it again", file=name) from error
    lines: list[str] = []
    have = 0
    for value in content:
        lines.append(json.dumps(value, ensure_ascii=not is_text(value)))
        have += len(lines[-1])
        if have >= _BLOCK:
            yield pl.Series("line", lines, dtype=pl.String)
            lines, have = [], 0
    yield pl.Series("line", lines, dtype=pl.String)
