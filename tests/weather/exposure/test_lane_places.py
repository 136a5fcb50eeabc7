from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import RadarError
from data.geography import great_circle_km
from weather.exposure.crossing import cross_pieces, edges_of
from weather.exposure.lane_places import cross_areas, departure_hours, lines_of, sample_lanes, stand_over
from weather.exposure.warnings import acting_warnings

HUBS = pl.DataFrame(
    {
        "hub_id": ["WEST", "EAST", "NORTH", "NOWHERE"],
        "latitude": [0.0, 0.0, 10.0, None],
        "longitude": [0.0, 9.0, 0.0, None],
    }
)


def lanes(*ends: tuple[str, str, float]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "lane_id": f"{origin}-{destination}",
                "origin_hub_id": origin,
                "destination_hub_id": destination,
                "mode": "road",
                "transit_hours": hours,
            }
            for origin, destination, hours in ends
        ]
    )


def square(west: float, south: float, east: float, north: float) -> dict[str, object]:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def warning(area: object, warning_id: str = "W1") -> dict[str, object]:
    return {
        "warning_id": warning_id,
        "kind": "snow",
        "severity": "orange",
        "onset": datetime(2025, 11, 11, tzinfo=UTC),
        "expires": datetime(2025, 11, 12, tzinfo=UTC),
        "area": area if isinstance(area, str) else json.dumps(area),
        "text": None,
    }


def areas_of(warnings: pl.DataFrame) -> Any:
    return acting_warnings(warnings).areas


def test_no_two_places_are_more_than_an_hour_apart() -> None:
    samples = sample_lanes(lanes(("WEST", "EAST", 20.0)), HUBS, 400.0)
    assert samples.steps.tolist() == [20]
    line = np.array([[0.0, 0.0], [9.0, 0.0]])
    assert sample_lanes(lanes(("WEST", "EAST", 20.0)), HUBS, 400.0, {"WEST-EAST": line}).steps.tolist() == [20]


def test_ends_and_middle_of_a_lane_on_the_equator() -> None:
    samples = sample_lanes(lanes(("WEST", "EAST", 3.0)), HUBS, 400.0)
    # 9 degrees are 1,001 km: three steps
    assert samples.longitude.tolist() == pytest.approx([0.0, 3.0, 6.0, 9.0])
    assert samples.latitude.tolist() == pytest.approx([0.0] * 4, abs=1e-9)
    assert samples.fraction.tolist() == pytest.approx([0.0, 1 / 3, 2 / 3, 1.0])


def test_no_step_is_longer_than_asked_and_lanes_stay_apart() -> None:
    samples = sample_lanes(lanes(("WEST", "EAST", 20.0), ("EAST", "NORTH", 20.0), ("NORTH", "WEST", 5.0)), HUBS, 125.0)
    assert samples.lane_id == ("EAST-NORTH", "NORTH-WEST", "WEST-EAST")
    assert np.all(np.diff(samples.lane) >= 0)
    same = np.diff(samples.lane) == 0
    step = great_circle_km(samples.latitude[:-1], samples.longitude[:-1], samples.latitude[1:], samples.longitude[1:])
    assert step[same].max() <= 125.0 + 1e-6
    assert samples.fraction[samples.starts].tolist() == [0.0, 0.0, 0.0]


def test_lane_to_a_hub_without_place_is_named() -> None:
    samples = sample_lanes(lanes(("WEST", "NOWHERE", 3.0), ("WEST", "EAST", 20.0)), HUBS, 125.0)
    assert samples.unplaced == ("WEST-NOWHERE",)
    assert samples.lane_id == ("WEST-EAST",)


def test_hub_to_itself_has_one_place() -> None:
    samples = sample_lanes(lanes(("WEST", "WEST", 0.0)), HUBS, 125.0)
    assert samples.longitude.tolist() == [0.0, 0.0]
    assert np.isfinite(samples.latitude).all()


def test_drawn_line_goes_before_the_great_circle() -> None:
    detour = np.array([[0.0, 0.0], [0.0, 5.0], [9.0, 5.0], [9.0, 0.0]])
    samples = sample_lanes(lanes(("WEST", "EAST", 20.0)), HUBS, 100.0, {"WEST-EAST": detour})
    assert samples.latitude.max() == pytest.approx(5.0)
    assert samples.fraction[[0, -1]].tolist() == [0.0, 1.0]


def test_line_gives_a_lane_its_place_where_hubs_have_none() -> None:
    line = np.array([[0.0, 0.0], [1.0, 0.0]])
    assert sample_lanes(lanes(("WEST", "NOWHERE", 3.0)), HUBS, 125.0, {"WEST-NOWHERE": line}).unplaced == ()


def test_departure_is_local_time() -> None:
    hours = departure_hours([date(2025, 11, 11)], 20, ZoneInfo("Asia/Shanghai"))
    assert hours[0] * 3600 == datetime(2025, 11, 11, 12, tzinfo=UTC).timestamp()


def test_departure_follows_summer_time() -> None:
    zone = ZoneInfo("America/New_York")
    hours = departure_hours([date(2025, 11, 1), date(2025, 11, 3)], 20, zone)
    assert hours[1] - hours[0] == 49.0


def test_lane_enters_and_leaves_a_warned_area() -> None:
    samples = sample_lanes(lanes(("WEST", "EAST", 20.0), ("NORTH", "WEST", 5.0)), HUBS, 5000.0)
    areas = areas_of(pl.DataFrame([warning(square(3.0, -1.0, 6.0, 1.0)), warning(square(50, 50, 51, 51), "W2")]))
    crossings = cross_areas(samples, areas)
    assert crossings.select("lane", "warning").rows() == [(1, 0)]
    assert crossings["enters"][0] == pytest.approx(1 / 3)
    assert crossings["leaves"][0] == pytest.approx(2 / 3)


def test_area_smaller_than_the_step_is_not_missed() -> None:
    samples = sample_lanes(lanes(("WEST", "EAST", 20.0)), HUBS, 400.0)
    areas = areas_of(pl.DataFrame([warning(square(4.4, -0.1, 4.6, 0.1))]))
    assert cross_areas(samples, areas).height == 1


def test_what_stands_over_outlets() -> None:
    areas = areas_of(pl.DataFrame([warning(square(0, 0, 2, 2)), warning(square(1, 1, 3, 3), "W2")]))
    place, number = stand_over(np.array([0.5, 1.5, 9.0]), np.array([0.5, 1.5, 9.0]), areas)
    assert list(zip(place.tolist(), number.tolist(), strict=True)) == [(0, 0), (1, 0), (1, 1)]


def test_lines_of_lanes() -> None:
    line = {"type": "LineString", "coordinates": [[0, 0], [1, 1, 50]]}
    parts = {"type": "MultiLineString", "coordinates": [[[0, 0], [1, 1]], [[1, 1], [2, 0]]]}
    lines = lines_of({"A-B": line, "B-C": parts})
    assert lines["A-B"].tolist() == [[0.0, 0.0], [1.0, 1.0]]
    assert lines["B-C"].shape == (4, 2)


@pytest.mark.parametrize(
    "shape",
    [
        {"type": "Point", "coordinates": [1, 2]},
        {"type": "LineString", "coordinates": [[1, 2]]},
        {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]},
        {"type": "LineString"},
    ],
)
def test_geometry_that_is_no_line_names_the_lane(shape: dict[str, Any]) -> None:
    with pytest.raises(RadarError, match="The geometry of lane A-B is no line"):
        lines_of({"A-B": shape})


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.2, 3.0), st.floats(-1.5, 1.5), st.floats(-1.5, 1.5)), min_size=1, max_size=4),
    st.integers(0, 10_000),
)
def test_compiled_crossings_are_those_of_shapely(circles: list[tuple[float, float, float]], seed: int) -> None:
    area = shapely.union_all([shapely.Point(x, y).buffer(size) for size, x, y in circles])
    area = area.difference(shapely.Point(circles[0][1], circles[0][2]).buffer(circles[0][0] / 3))
    if area.is_empty:
        return
    points = np.random.default_rng(seed).uniform(-4, 4, (12, 2))
    piece, enters, leaves = cross_pieces(points, np.arange(11), edges_of(area))
    found = dict(zip(piece.tolist(), zip(enters.tolist(), leaves.tolist(), strict=True), strict=True))
    for start in range(11):
        line = shapely.LineString(points[start : start + 2])
        shared = line.intersection(area)
        if shared.is_empty:
            assert start not in found
            continue
        along = shapely.line_locate_point(line, shapely.points(shapely.get_coordinates(shared)), normalized=True)
        assert found[start] == pytest.approx((along.min(), along.max()), abs=1e-6)
