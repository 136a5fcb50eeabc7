"""Areas of warnings as GeoJSON: parsed, set apart with the reason, mended and split where that is meant."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from data.errors import RadarError

MENDED = "crosses itself and was mended"
SPLIT = "runs over the 180th meridian and was split there"
LEFT_OUT = "holds points or lines beside its polygons, which were left out"

_WORLD = 360.0
_HALF = 180.0


@dataclass(frozen=True)
class Area:
    """A warned area.

    Parameters
    ----------
    shape
        Valid shapely Polygon or MultiPolygon, longitude first, within -180 to 180 degrees.
    notes
        What was done to it: ``MENDED``, ``SPLIT``, ``LEFT_OUT``.
    """

    shape: Any
    notes: tuple[str, ...]


def read_area(text: str) -> Area:
    """Read the area of a warning.

    Parameters
    ----------
    text
        GeoJSON geometry, Feature or FeatureCollection; longitude first, WGS 84. A ring that jumps by more than 180 degrees
        of longitude runs over the 180th meridian (RFC 7946, section 3.1.9).

    Raises
    ------
    RadarError
        When it is no GeoJSON, holds no polygon, encloses nothing, or its latitudes lie outside -90 to 90 degrees (as they do
        where latitude and longitude are swapped).
    """  # noqa: DOC501 (a function makes the error)
    try:
        content = json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise _refused(f"no JSON ({_short(error)})") from error
    try:
        polygons, others = _gather(content, 0)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise _refused(f"no GeoJSON ({type(error).__name__}: {_short(error)})") from error
    if not polygons:
        raise _refused(f"a {others[0]}, which encloses nothing" if others else "empty")
    return _assemble(polygons, [LEFT_OUT] if others else [])


def area_text(shape: Any) -> str:
    """Return an area as the GeoJSON text that ``weather_warnings`` keeps, longitude first, seven decimals."""
    import shapely

    return str(shapely.to_geojson(shapely.transform(shape, lambda points: points.round(7))))


def _assemble(polygons: Sequence[Sequence[Any]], notes: list[str]) -> Area:
    import shapely

    parts = []
    for rings in polygons:
        unrolled, split = _unroll([_numbers(ring) for ring in rings])
        polygon = shapely.Polygon(unrolled[0], unrolled[1:])
        if not polygon.is_valid:
            notes.append(MENDED)
            polygon = _only_polygons(shapely.make_valid(polygon))
        if split:
            notes.append(SPLIT)
        parts += list(_within_the_world(polygon))
    whole = _only_polygons(shapely.union_all(parts)) if parts else shapely.Polygon()
    if whole.is_empty or whole.area <= 0.0:
        raise _refused("of no size")
    return Area(whole, tuple(dict.fromkeys(notes)))


def _gather(content: Mapping[str, Any], depth: int) -> tuple[list[Sequence[Any]], list[str]]:
    """Return the rings of every polygon, and the kinds of whatever is none."""
    if depth > 20:
        raise ValueError("nested too deeply")
    kind = content["type"]
    children = {"FeatureCollection": "features", "GeometryCollection": "geometries"}
    if kind in children:
        found = [_gather(child, depth + 1) for child in content[children[kind]]]
        return [rings for one, _ in found for rings in one], [name for _, more in found for name in more]
    if kind == "Feature":
        return _gather(content["geometry"], depth + 1)
    if kind == "Polygon":
        return ([content["coordinates"]] if content["coordinates"] else []), []
    if kind == "MultiPolygon":
        return [rings for rings in content["coordinates"] if rings], []
    if kind not in ("Point", "MultiPoint", "LineString", "MultiLineString"):
        raise ValueError(f"type {kind!r}")
    return [], [str(kind)]


def _numbers(ring: Sequence[Any]) -> list[tuple[float, float]]:
    import math

    points = []
    for point in ring:
        if not isinstance(point, list | tuple) or len(point) < 2:
            raise _refused(f"no GeoJSON (a point {_short(point)})")
        if any(isinstance(value, bool) or not isinstance(value, int | float) for value in point[:2]):
            raise _refused(f"no GeoJSON (a point {_short(point)})")
        longitude, latitude = float(point[0]), float(point[1])
        if not (math.isfinite(longitude) and math.isfinite(latitude)):
            raise _refused(f"no GeoJSON (a point {_short(point)})")
        if abs(latitude) > 90.0:
            swapped = abs(longitude) <= 90.0 and abs(latitude) <= _HALF
            raise _refused(
                f"at latitude {latitude:g}" + (": latitude and longitude are swapped (GeoJSON has longitude first)" if swapped else "")
            )  # fmt: skip
        if abs(longitude) > _WORLD:
            raise _refused(f"at longitude {longitude:g}")
        points.append((longitude, latitude))
    if len(points) < 4 or points[0] != points[-1]:
        raise _refused(f"a ring of {len(points)} points that does not close")
    return points


def _unroll(rings: list[list[tuple[float, float]]]) -> tuple[list[list[tuple[float, float]]], bool]:
    """Lay rings out without jumps of a whole turn; the flag says whether they leave -180 to 180 degrees."""
    laid = []
    start = rings[0][0][0]
    for ring in rings:
        # a hole lies where its shell lies
        before = ring[0][0] + _WORLD * round((start - ring[0][0]) / _WORLD)
        line = [(before, ring[0][1])]
        for longitude, latitude in ring[1:]:
            step = longitude - ring[len(line) - 1][0]
            # a side that runs round the whole world is meant so
            turns = round(step / _WORLD) if abs(step) > _HALF and abs(step) < _WORLD else 0
            before += step - _WORLD * turns
            line.append((before, latitude))
        laid.append(line)
    longitudes = [longitude for ring in laid for longitude, _ in ring]
    return laid, min(longitudes) < -_HALF or max(longitudes) > _HALF


def _within_the_world(polygon: Any) -> Iterator[Any]:
    """Cut a polygon at the 180th meridian and move what lies beyond back by whole turns."""
    import shapely

    west, _, east, _ = polygon.bounds if not polygon.is_empty else (0.0, 0.0, 0.0, 0.0)
    for turn in (-2, -1, 0, 1, 2):
        left, right = -_HALF + _WORLD * turn, _HALF + _WORLD * turn
        if east < left or west > right or polygon.is_empty:
            continue
        inside = _only_polygons(shapely.intersection(polygon, shapely.box(left, -90.0, right, 90.0)))
        if not inside.is_empty:
            yield shapely.transform(inside, lambda points, by=_WORLD * turn: points - [by, 0.0])


def _only_polygons(shape: Any) -> Any:
    """Return the polygons of a shape: mending a bow tie may leave lines beside them."""
    import shapely

    if shape.geom_type in ("Polygon", "MultiPolygon"):
        return shape
    parts = [part for part in shapely.get_parts(shape) if part.geom_type in ("Polygon", "MultiPolygon")]
    return shapely.union_all(parts) if parts else shapely.Polygon()


def _refused(found: str) -> RadarError:
    return RadarError(
        f"an area that is {found}", "a GeoJSON Polygon or MultiPolygon, longitude first", "correct the warning's area"
    )


def _short(value: object) -> str:
    return str(value)[:80]
