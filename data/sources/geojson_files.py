"""GeoJSON files: the properties of each feature are its row, the geometry is one more column, as text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from data.errors import RadarError
from data.sources.apart import read_apart
from data.sources.batch import BROKEN_SCHEMA, Batch, Source, unique_names
from data.sources.limits import LIMITS, require_columns, require_size, require_table

GEOMETRY, LATITUDE, LONGITUDE = "geometry", "latitude", "longitude"
_SHOWN = 200
MAYBE_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
"""How JSON writes either part of a character of two parts."""


@dataclass(frozen=True)
class Features:
    """A feature collection as a table: names of its columns, cells as text, the number of each row, broken features."""

    names: tuple[str, ...]
    frame: pl.DataFrame
    lines: pl.Series
    broken: pl.DataFrame
    count: int


def open_geojson(path: Path, name: str) -> Source:
    """Open a GeoJSON feature collection.

    Raises
    ------
    RadarError
        When it is no GeoJSON feature collection or holds a geometry that is none.
    """
    require_size(path.stat().st_size, name)
    return source_of_features(parse_features(path.read_bytes(), name, "a feature collection"), name)


def parse_features(text: bytes, name: str, expected: str) -> Features:
    """Parse a feature collection, a large one in a helper process; see ``source_of_features``.

    Raises
    ------
    RadarError
        When it is no GeoJSON feature collection or holds a geometry that is none.
    """
    if len(text) <= LIMITS.small_json_bytes:
        return next(_parse_features(text, name, expected))
    found = list(read_apart(_parse_features, text, name, expected, name=name, kind="GeoJSON"))
    return found[0]


def source_of_features(features: Features, name: str) -> Source:
    """Make a source of a parsed feature collection; rows are numbered from 1.

    Column ``geometry`` holds each geometry as GeoJSON text. Where no property holds a latitude, columns ``latitude`` and ``longitude`` are added: a point inside each area,
    or a point's own coordinates [degrees, WGS 84]. A feature that is none, or whose geometry is none, is a broken row.

    Raises
    ------
    RadarError
        When it is no feature collection, or none of its features is whole.
    """

    def read() -> Iterator[Batch]:
        yield Batch(features.frame, features.lines, features.broken, float(features.count))

    return Source(name, features.names, float(features.count), read)


def _parse_features(text: bytes, name: str, expected: str) -> Iterator[Features]:
    try:
        content = json.loads(text.decode("utf-8-sig"))
    except ValueError as error:
        problem = f"broken JSON ({error})" if expected == "a list of objects" else f"broken GeoJSON ({error})"
        raise RadarError(problem, expected, "export it again", file=name) from error
    features = content.get("features") if isinstance(content, dict) else None
    if not isinstance(features, list) or not any(isinstance(feature, dict) for feature in features):
        empty = features == []
        raise RadarError(
            "a feature collection without features" if empty else "JSON without features",
            "one feature a row" if empty else "a GeoJSON feature collection",
            "check the export that wrote it",
            file=name,
        )
    rows, broken = _rows_of(features, MAYBE_HALF.search(text) is not None)
    names = tuple(dict.fromkeys(str(key) for row in rows.values() for key in row))
    if not names:
        raise RadarError(
            f"{len(features)} feature(s), none of them whole; the first {broken[0][3]}",
            "GeoJSON features with properties and a geometry, longitude first",
            "export it again",
            file=name,
        )
    require_columns(len(names), name)
    require_table(len(rows), len(names), name)
    cells = [[_as_text(row.get(key)) for key in names] for row in rows.values()]
    frame = pl.DataFrame(cells, schema=dict.fromkeys(unique_names(names), pl.String()), orient="row")
    apart = pl.DataFrame(sorted(broken), schema=BROKEN_SCHEMA, orient="row")
    yield Features(names, frame, pl.Series("line", list(rows), dtype=pl.Int64), apart, len(features))


def _rows_of(
    features: list[Any], halves: bool
) -> tuple[dict[int, dict[str, Any]], list[tuple[int, str | None, str, str]]]:
    """Return the properties of each whole feature with its geometry and place, by number, and what is wrong with the others.

    Only where ``halves`` of characters may stand in them are they looked for.
    """
    rows: dict[int, dict[str, Any]] = {}
    broken: list[tuple[int, str | None, str, str]] = []
    for number, feature in enumerate(features, start=1):
        properties = feature.get("properties") or {} if isinstance(feature, dict) else None
        if not isinstance(properties, dict):
            broken.append((number, None, json.dumps(feature)[:_SHOWN], "is no GeoJSON feature"))
            continue
        if halves and not is_text(feature):
            broken.append((number, None, json.dumps(feature)[:_SHOWN], "holds half of a character (a lone surrogate)"))
            continue
        rows[number] = {"id": feature.get("id"), **properties, GEOMETRY: feature.get("geometry")}
    if all(row["id"] is None for row in rows.values()):
        for row in rows.values():
            del row["id"]
    if not any({"latitude", "lat", "纬度"} & {str(key).casefold() for key in row} for row in rows.values()):
        for number, row in list(rows.items()):
            try:
                row[LATITUDE], row[LONGITUDE] = _point_inside(row[GEOMETRY])
            except RadarError as error:
                broken.append((number, GEOMETRY, json.dumps(row[GEOMETRY])[:_SHOWN], f"is {error.found}"))
                del rows[number]
    return rows, broken


def is_text(value: object) -> bool:
    """Whether all text in a parsed JSON value is whole: half of a character that JSON writes in two parts is none.

    Examples
    --------
    >>> is_text({"a": [chr(0x1F4E6)]}), is_text({"a": [chr(0xD83D)]})
    (True, False)
    """
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _point_inside(geometry: Any) -> tuple[float | None, float | None]:
    if geometry is None:
        return None, None
    import shapely
    from shapely.geometry import shape

    try:
        point = shape(geometry).representative_point()
    except (shapely.errors.ShapelyError, AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
        raise RadarError(f"a geometry that is none ({type(error).__name__}: {str(error)[:80]})") from error
    return (None, None) if point.is_empty else (float(point.y), float(point.x))


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
