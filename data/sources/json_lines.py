"""JSON lines (one object a line), and JSON files that hold one list of objects."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl

from data.errors import RadarError
from data.sources.batch import BROKEN_SCHEMA, Batch, Source, drop_blank_rows, no_broken, unique_names
from data.sources.encodings import utf8_blocks
from data.sources.geojson_files import source_of_features
from data.sources.limits import limit_unpacked, require_columns, require_size

_BLOCK = 8 << 20
_SHOWN = 200


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
    if first.startswith(b"[") or _is_collection(first):
        require_size(size, name)
    if first.startswith(b"["):
        return _open_list(path, name)
    if _is_collection(first):
        return source_of_features(_parse_whole(path, name), name)
    columns: dict[str, None] = {}
    for lines in _line_blocks(path, name):
        columns.update(dict.fromkeys(_keys(lines)))
    if not columns:
        raise RadarError("no JSON object", "one JSON object a line", "check the export that wrote it", file=name)
    names = tuple(columns)
    require_columns(len(names), name)

    def read() -> Iterator[Batch]:
        number, done = 1, 0.0
        for lines in _line_blocks(path, name):
            numbers = pl.int_range(number, number + lines.len(), dtype=pl.Int64, eager=True).alias("line")
            number += lines.len()
            done += float(lines.str.len_bytes().sum() + lines.len())
            yield _decode(lines, numbers, names, min(done, size))

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
        if cut:
            yield _split_lines(whole[: cut - 1])
        rest, have = [whole[cut:]], len(whole) - cut
    if have:
        yield _split_lines(b"".join(rest).removesuffix(b"\n"))


def _split_lines(text: bytes) -> pl.Series:
    return pl.Series("line", text.decode().split("\n"), dtype=pl.String)


def _keys(lines: pl.Series) -> list[str]:
    kept = lines.filter(lines.str.strip_chars() != "")
    if not kept.len():
        return []
    try:
        dtype = kept.str.json_decode(infer_schema_length=None).dtype
        return [field.name for field in dtype.fields] if isinstance(dtype, pl.Struct) else []
    except pl.exceptions.PolarsError:
        found: dict[str, None] = {}
        for line in kept:
            value = _parse(line)
            found.update(dict.fromkeys(value) if isinstance(value, dict) else {})
        return list(found)


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
    broken: list[tuple[int, str]] = []
    for number, line in zip(numbers, lines, strict=True):
        value = _parse(line)
        if isinstance(value, dict):
            rows.append([_as_text(value.get(key)) for key in names])
            good.append(number)
        else:
            broken.append((number, line[:_SHOWN]))
    frame = pl.DataFrame(rows, schema=dict.fromkeys(unique_names(names), pl.String()), orient="row")
    apart = pl.DataFrame(
        {
            "row": [number for number, _ in broken],
            "column": pl.Series([None] * len(broken), dtype=pl.String),
            "value": [text for _, text in broken],
            "rule": ["is no JSON object"] * len(broken),
        },
        schema=BROKEN_SCHEMA,
    )
    frame, kept = drop_blank_rows(frame, pl.Series("line", good, dtype=pl.Int64))
    return Batch(frame, kept, apart, done)


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _parse_whole(path: Path, name: str) -> Any:
    try:
        return json.loads(b"".join(_blocks(path, name)))
    except ValueError as error:
        raise RadarError(f"broken JSON ({error})", "a list of objects", "export it again", file=name) from error


def _open_list(path: Path, name: str) -> Source:
    content = _parse_whole(path, name)
    objects = [value for value in content if isinstance(value, dict)]
    names = tuple(dict.fromkeys(key for value in objects for key in value))
    if not names:
        raise RadarError("no JSON object", "a list of objects", "check the export that wrote it", file=name)
    require_columns(len(names), name)

    def read() -> Iterator[Batch]:
        lines = pl.Series("line", [json.dumps(value, ensure_ascii=False) for value in content], dtype=pl.String)
        numbers = pl.int_range(1, lines.len() + 1, dtype=pl.Int64, eager=True).alias("line")
        yield _decode(lines, numbers, names, float(len(content)))

    return Source(name, names, float(len(content)), read)
