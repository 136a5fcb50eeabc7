"""GeoJSON files: the properties of each feature are its row, the geometry is one more column, as text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from data.errors import RadarError
from data.sources.batch import Batch, Source, no_broken, unique_names

GEOMETRY, LATITUDE, LONGITUDE = "geometry", "latitude", "longitude"


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
    or a point's own coordinates [degrees, WGS 84].
    """
    features = content.get("features") if isinstance(content, dict) else None
    if not isinstance(features, list) or not all(isinstance(feature, dict) for feature in features):
        raise RadarError("JSON without features", "a GeoJSON feature collection", "export it as GeoJSON", file=name)
    if not features:
        raise RadarError("a feature collection without features", "one feature a row", "check the export", file=name)
    rows = [
        {"id": feature.get("id"), **(feature.get("properties") or {}), GEOMETRY: feature.get("geometry")}
        for feature in features
    ]
    if all(row["id"] is None for row in rows):
        for row in rows:
            del row["id"]
    if not any({"latitude", "lat", "纬度"} & {str(key).casefold() for key in row} for row in rows):
        for position, (row, feature) in enumerate(zip(rows, features, strict=True), start=1):
            row[LATITUDE], row[LONGITUDE] = _point_inside(feature.get("geometry"), name, position)
    names = tuple(dict.fromkeys(str(key) for row in rows for key in row))

    def read() -> Iterator[Batch]:
        cells = [[_as_text(row.get(key)) for key in names] for row in rows]
        frame = pl.DataFrame(cells, schema=dict.fromkeys(unique_names(names), pl.String()), orient="row")
        numbers = pl.int_range(1, len(rows) + 1, dtype=pl.Int64, eager=True).alias("line")
        yield Batch(frame, numbers, no_broken(), float(len(rows)))

    return Source(name, names, float(len(rows)), read)


def _point_inside(geometry: Any, name: str, row: int) -> tuple[float | None, float | None]:
    if geometry is None:
        return None, None
    import shapely
    from shapely.geometry import shape

    try:
        point = shape(geometry).representative_point()
    except (shapely.errors.ShapelyError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise RadarError(
            f"a geometry that is none ({error})",
            "a GeoJSON geometry, longitude first",
            "export it again",
            file=name,
            row=row,
        ) from error
    return (None, None) if point.is_empty else (float(point.y), float(point.x))


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
