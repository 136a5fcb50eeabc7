"""GeoJSON files: the properties of each feature are its row, the geometry is one more column, as text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from data.errors import RadarError
from data.sources.batch import BROKEN_SCHEMA, Batch, Source, unique_names

GEOMETRY, LATITUDE, LONGITUDE = "geometry", "latitude", "longitude"
_SHOWN = 200


def open_geojson(path: Path, name: str) -> Source:
    """Open a GeoJSON feature collection.

    Raises
    ------
    RadarError
        When it is no GeoJSON feature collection or holds a geometry that is none.
    """
    try:
        content = json.loads(path.read_bytes().decode("utf-8-sig"))
    except ValueError as error:
        raise RadarError(f"broken GeoJSON ({error})", "a feature collection", "export it again", file=name) from error
    return source_of_features(content, name)


def source_of_features(content: Any, name: str) -> Source:
    """Make a source of a parsed feature collection; rows are numbered from 1.

    Column ``geometry`` holds each geometry as GeoJSON text. Where no property holds a latitude, columns ``latitude`` and ``longitude`` are added: a point inside each area,
    or a point's own coordinates [degrees, WGS 84]. A feature that is none, or whose geometry is none, is a broken row.

    Raises
    ------
    RadarError
        When it is no feature collection, or none of its features is whole.
    """
    features = content.get("features") if isinstance(content, dict) else None
    if not isinstance(features, list) or not any(isinstance(feature, dict) for feature in features):
        empty = features == []
        raise RadarError(
            "a feature collection without features" if empty else "JSON without features",
            "one feature a row" if empty else "a GeoJSON feature collection",
            "check the export that wrote it",
            file=name,
        )
    rows: dict[int, dict[str, Any]] = {}
    broken: list[tuple[int, str | None, str, str]] = []
    for number, feature in enumerate(features, start=1):
        properties = feature.get("properties") or {} if isinstance(feature, dict) else None
        if not isinstance(properties, dict):
            broken.append((number, None, json.dumps(feature)[:_SHOWN], "is no GeoJSON feature"))
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
    names = tuple(dict.fromkeys(str(key) for row in rows.values() for key in row))
    if not names:
        raise RadarError(
            f"{len(features)} feature(s), none of them whole; the first {broken[0][3]}",
            "GeoJSON features with properties and a geometry, longitude first",
            "export it again",
            file=name,
        )

    def read() -> Iterator[Batch]:
        cells = [[_as_text(row.get(key)) for key in names] for row in rows.values()]
        frame = pl.DataFrame(cells, schema=dict.fromkeys(unique_names(names), pl.String()), orient="row")
        apart = pl.DataFrame(sorted(broken), schema=BROKEN_SCHEMA, orient="row")
        yield Batch(frame, pl.Series("line", list(rows), dtype=pl.Int64), apart, float(len(features)))

    return Source(name, names, float(len(features)), read)


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
