from __future__ import annotations

import json
from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from data.areas import LEFT_OUT, MENDED, SPLIT, area_text, read_area
from data.errors import RadarError


def polygon(*points: tuple[float, float]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[list(point) for point in (*points, points[0])]]}


SQUARE = polygon((116.0, 39.0), (117.0, 39.0), (117.0, 40.0), (116.0, 40.0))


def read(content: object) -> Any:
    return read_area(content if isinstance(content, str) else json.dumps(content))


def test_polygon_feature_and_collections_are_areas() -> None:
    feature = {"type": "Feature", "properties": {}, "geometry": SQUARE}
    for content in (SQUARE, feature, {"type": "FeatureCollection", "features": [feature, feature]}):
        area = read(content)
        assert area.shape.bounds == (116.0, 39.0, 117.0, 40.0)
        assert area.notes == ()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "no JSON"),
        ("no json", "no JSON"),
        ("[" * 50_000, "no JSON"),
        ("[]", "no GeoJSON"),
        ({"type": "Polygon"}, "no GeoJSON"),
        ({"type": "Circle", "coordinates": []}, "no GeoJSON"),
        ({"type": "Polygon", "coordinates": []}, "empty"),
        ({"type": "GeometryCollection", "geometries": []}, "empty"),
        ({"type": "Point", "coordinates": [116.0, 39.0]}, "a Point, which encloses nothing"),
        ({"type": "LineString", "coordinates": [[0, 0], [1, 1]]}, "a LineString"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]}, "does not close"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]}, "does not close"),
        ({"type": "Polygon", "coordinates": [[[0, 0], ["x", 0], [1, 1], [0, 0]]]}, "a point"),
        (polygon((1.0, 1.0), (1.0, 1.0), (1.0, 1.0)), "of no size"),
        ('{"type": "Polygon", "coordinates": [[[0, 0], [NaN, 0], [1, 1], [0, 0]]]}', "a point"),
    ],
)
def test_what_is_no_area_is_told(content: object, told: str) -> None:
    with pytest.raises(RadarError, match=told):
        read(content)


def test_swapped_latitude_and_longitude_are_told() -> None:
    swapped = polygon((39.0, 116.0), (39.0, 117.0), (40.0, 117.0))
    with pytest.raises(RadarError, match="latitude 116: latitude and longitude are swapped"):
        read(swapped)


def test_bow_tie_is_mended_and_told() -> None:
    area = read(polygon((0.0, 0.0), (2.0, 2.0), (2.0, 0.0), (0.0, 2.0)))
    assert area.notes == (MENDED,)
    assert area.shape.is_valid
    assert area.shape.area == pytest.approx(2.0)


def test_area_over_the_date_line_is_split() -> None:
    area = read(polygon((179.0, -1.0), (-179.0, -1.0), (-179.0, 1.0), (179.0, 1.0)))
    assert area.notes == (SPLIT,)
    assert area.shape.area == pytest.approx(4.0)
    assert area.shape.contains(shapely.Point(179.5, 0.0))
    assert area.shape.contains(shapely.Point(-179.5, 0.0))
    assert not area.shape.contains(shapely.Point(0.0, 0.0))


def test_longitudes_to_360_are_brought_back() -> None:
    area = read(polygon((190.0, 0.0), (191.0, 0.0), (191.0, 1.0), (190.0, 1.0)))
    assert area.shape.bounds == (-170.0, 0.0, -169.0, 1.0)


def test_hole_stays_a_hole_across_the_date_line() -> None:
    ring = [[178, -2], [-178, -2], [-178, 2], [178, 2], [178, -2]]
    hole = [[179, -1], [179, 1], [-179, 1], [-179, -1], [179, -1]]
    area = read({"type": "Polygon", "coordinates": [ring, hole]})
    assert area.shape.area == pytest.approx(16.0 - 4.0)


def test_points_beside_polygons_are_left_out_and_told() -> None:
    mixed = {"type": "GeometryCollection", "geometries": [SQUARE, {"type": "Point", "coordinates": [0, 0]}]}
    assert read(mixed).notes == (LEFT_OUT,)


@given(
    st.floats(-179.0, 179.0),
    st.floats(-80.0, 80.0),
    st.floats(0.01, 60.0),
    st.floats(0.01, 9.0),
)
def test_size_stays_wherever_a_box_lies(west: float, south: float, width: float, height: float) -> None:
    def back(longitude: float) -> float:
        return longitude - 360.0 if longitude > 180.0 else longitude

    box = polygon(
        (west, south), (back(west + width), south), (back(west + width), south + height), (west, south + height)
    )
    area = read(box)
    assert area.shape.is_valid
    assert area.shape.area == pytest.approx(width * height, rel=1e-6)
    again = read_area(area_text(area.shape))
    assert again.shape.area == pytest.approx(width * height, rel=1e-3)
