"""Geometry of regions and lanes: a GeoJSON file beside the tables, one feature an id."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from data.errors import RadarError

GEOMETRY_IDS: Mapping[str, str] = {"regions": "region_id", "lanes": "lane_id"}


def write_geometry(folder: Path, table: str, features: Iterable[tuple[str, dict[str, Any]]], *, replace: bool) -> Path:
    """Put geometries into ``<folder>/<table>.geojson``, each in place of the one with its id; sorted by id.

    Parameters
    ----------
    folder
        The workspace.
    table
        ``regions`` or ``lanes``.
    features
        Ids with GeoJSON geometries (longitude first, WGS 84).
    replace
        Whether to drop the geometries that stand in the file already.
    """
    path = folder / f"{table}.geojson"
    known = {} if replace else read_geometry(folder, table)
    known.update(features)
    column = GEOMETRY_IDS[table]
    collection = {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "properties": {column: name}, "geometry": geometry}
            for name, geometry in sorted(known.items())
        ],
    }
    beside = path.with_suffix(".geojson.new")
    beside.write_text(json.dumps(collection, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
    beside.replace(path)
    return path


def read_geometry(folder: Path, table: str) -> dict[str, dict[str, Any]]:
    """Read the geometries of a workspace by id; empty where there is no file.

    Raises
    ------
    RadarError
        When the file is broken.
    """
    path = folder / f"{table}.geojson"
    if not path.exists():
        return {}
    column = GEOMETRY_IDS[table]
    try:
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
        return {str(feature["properties"][column]): feature["geometry"] for feature in features}
    except (ValueError, KeyError, TypeError) as error:
        raise RadarError(
            f"broken geometry ({error!r})",
            f"features with the property {column}",
            f"`radar load {table} FILE.geojson --replace`",
            file=path,
        ) from error
