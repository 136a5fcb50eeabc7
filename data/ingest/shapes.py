"""Shapes in files: areas of warnings and geometry of regions and lanes, parsed when they are loaded, set apart where they are none."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import polars as pl

from data.areas import read_area
from data.contracts import TableContract
from data.errors import RadarError
from data.ingest.cross_rules import Reader
from data.ingest.rows import PLACES

AREA_TABLE, AREA = "weather_warnings", "area"

NEAR_DEGREES = 5.0
"""An area this far from the box around the hubs may still be meant for them [degrees] (judgement: a lane leaves the box by less)."""

Box = tuple[float, float, float, float]
"""West, south, east, north [degrees]."""


def find_bad_areas(rows: pl.DataFrame, table: TableContract, read_table: Reader) -> list[pl.DataFrame]:
    """Find warnings whose area is none, or lies at swapped coordinates.

    Parameters
    ----------
    rows
        Rows with the table's columns and ``PLACES``.
    table
        Contract of the table; only ``weather_warnings`` holds areas.
    read_table
        Gives ``hubs``: an area far from all of them that lies among them once latitude and longitude change places is swapped.

    Returns
    -------
    list of polars.DataFrame
        ``PLACES``, ``column``, ``value``, ``rule``; empty where every area can be read.
    """
    if table.name != AREA_TABLE or not rows.height:
        return []
    rules = area_rules(rows[AREA], box_of_hubs(read_table("hubs")))
    broken = rows.with_columns(rules.alias("rule")).filter(pl.col("rule").is_not_null())
    if broken.is_empty():
        return []
    return [broken.select(*PLACES, pl.lit(AREA).alias("column"), pl.col(AREA).alias("value"), pl.col("rule"))]


def area_rules(areas: pl.Series, around: Box | None = None) -> pl.Series:
    """Say what is wrong with each area, null where nothing is.

    Parameters
    ----------
    areas
        GeoJSON text; null is left to the contract.
    around
        Where the network lies, see ``box_of_hubs``; None looks for no swapped coordinates beyond 90 degrees.
    """

    def rule(text: str) -> str | None:
        try:
            shape = read_area(text).shape
        except RadarError as error:
            return f"is {error.found.removeprefix('an area that is ')}"
        if around is None or _touches(shape.bounds, around):
            return None
        west, south, east, north = shape.bounds
        if _touches((south, west, north, east), around):
            return "lies far from every hub, and among them with latitude and longitude swapped (GeoJSON has longitude first)"
        return None

    return _each(areas, rule)


def box_of_hubs(hubs: pl.DataFrame) -> Box | None:
    """Return the box around the hubs with coordinates, ``NEAR_DEGREES`` wider on each side; None where no hub has any."""
    placed = hubs.select("longitude", "latitude").drop_nulls()
    if placed.is_empty():
        return None
    west, east = placed.select(pl.col("longitude").min(), pl.col("longitude").max().alias("east")).row(0)
    south, north = placed.select(pl.col("latitude").min(), pl.col("latitude").max().alias("north")).row(0)
    return west - NEAR_DEGREES, south - NEAR_DEGREES, east + NEAR_DEGREES, north + NEAR_DEGREES


def geometry_rules(geometries: pl.Series, table: str) -> pl.Series:
    """Say what is wrong with the geometry of each region (an area or a point) or lane (a line), null where nothing is.

    Parameters
    ----------
    geometries
        GeoJSON text; null or empty is no geometry, which is allowed.
    table
        ``regions`` or ``lanes``.
    """

    def rule(text: str) -> str | None:
        if not text.strip():
            return None
        try:
            content = json.loads(text)
            kind = content.get("type") if isinstance(content, dict) else None
            if table == "lanes":
                _require_line(content, kind)
            elif kind == "Point":
                _require_points([content["coordinates"]])
            else:
                read_area(text)
        except RadarError as error:
            return f"is {error.found.removeprefix('an area that is ')}"
        except (ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
            return f"is no GeoJSON ({type(error).__name__}: {str(error)[:80]})"
        return None

    return _each(geometries, rule)


def _each(texts: pl.Series, rule: Callable[[str], str | None]) -> pl.Series:
    """Apply a rule to each text once, however often it stands there."""
    found = {text: rule(text) for text in texts.drop_nulls().unique()}
    return pl.Series("rule", [None if text is None else found[text] for text in texts], dtype=pl.String)


def _require_line(content: Any, kind: object) -> None:
    if kind not in ("LineString", "MultiLineString"):
        raise RadarError(f"a {kind}, where a lane needs a LineString" if kind else "no GeoJSON (no type)")
    parts = content["coordinates"] if kind == "MultiLineString" else [content["coordinates"]]
    if not parts:
        raise RadarError("empty")
    for part in parts:
        if len(part) < 2:
            raise RadarError(f"a line of {len(part)} point(s)")
        _require_points(part)


def _require_points(points: Any) -> None:
    for point in points:
        longitude, latitude = point[0], point[1]
        if any(isinstance(value, bool) or not isinstance(value, int | float) for value in (longitude, latitude)):
            raise RadarError(f"no GeoJSON (a point {str(point)[:80]})")
        if not (math.isfinite(longitude) and math.isfinite(latitude)):
            raise RadarError(f"no GeoJSON (a point {str(point)[:80]})")
        if abs(latitude) > 90.0:
            swapped = abs(longitude) <= 90.0 and abs(latitude) <= 180.0
            hint = ": latitude and longitude are swapped (GeoJSON has longitude first)" if swapped else ""
            raise RadarError(f"at latitude {latitude:g}{hint}")
        if abs(longitude) > 180.0:
            raise RadarError(f"at longitude {longitude:g}")


def _touches(one: Box, other: Box) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]
