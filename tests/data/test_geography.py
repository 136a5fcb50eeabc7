"""Distances, transit hours and the region of a point."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import RadarError
from data.geography import (
    EARTH_RADIUS_KM,
    detour_factor,
    great_circle_km,
    ground_km,
    transit_hours,
)
from data.sample.write import OUTLINES
from tests.data.regions import locate_regions, read_outlines

LATITUDES = st.floats(min_value=-90, max_value=90)
LONGITUDES = st.floats(min_value=-180, max_value=180)


def test_a_quarter_of_the_equator() -> None:
    assert great_circle_km(0.0, 0.0, 0.0, 90.0) == pytest.approx(EARTH_RADIUS_KM * np.pi / 2)


def test_pole_to_pole() -> None:
    assert great_circle_km(90.0, 12.0, -90.0, 77.0) == pytest.approx(EARTH_RADIUS_KM * np.pi)


def test_beijing_to_shanghai() -> None:
    assert great_circle_km(39.9075, 116.39723, 31.22222, 121.45806) == pytest.approx(1067, abs=2)


@given(LATITUDES, LONGITUDES, LATITUDES, LONGITUDES)
def test_distance_is_symmetric_and_bounded(lat: float, lon: float, other_lat: float, other_lon: float) -> None:
    there = float(great_circle_km(lat, lon, other_lat, other_lon))
    back = float(great_circle_km(other_lat, other_lon, lat, lon))
    assert there == pytest.approx(back, abs=1e-6)
    assert 0.0 <= there <= EARTH_RADIUS_KM * np.pi + 1e-6


def test_shapes_broadcast_to_a_matrix() -> None:
    latitude, longitude = np.array([30.0, 31.0, 32.0]), np.array([110.0, 111.0, 112.0])
    distance = great_circle_km(latitude[:, None], longitude[:, None], latitude[None, :], longitude[None, :])
    assert distance.shape == (3, 3)
    assert np.diag(distance) == pytest.approx(0.0)


def test_roads_wind_more_than_rail_and_air() -> None:
    points = (30.0, 110.0, 35.0, 115.0)
    straight = float(great_circle_km(*points))
    assert float(ground_km(*points, mode="road")) == pytest.approx(1.33 * straight)
    assert float(ground_km(*points, mode="road", country="US")) == pytest.approx(1.20 * straight)
    assert straight == pytest.approx(float(ground_km(*points, mode="air")))
    assert straight < float(ground_km(*points, mode="rail")) < float(ground_km(*points, mode="road"))


def test_transit_hours_grow_with_distance() -> None:
    assert transit_hours([0.0, 650.0, 1300.0], "road") == pytest.approx([2.0, 12.0, 22.0])
    assert float(transit_hours(2000.0, "rail")) < float(transit_hours(2000.0, "road"))


def test_unknown_modes_and_countries_are_told() -> None:
    with pytest.raises(RadarError, match="road, rail or air"):
        transit_hours(1.0, "sea")  # type: ignore[arg-type]
    with pytest.raises(RadarError, match="road, rail or air"):
        detour_factor("sea")  # type: ignore[arg-type]
    with pytest.raises(RadarError, match="CN, BR, US"):
        detour_factor("road", "FR")


def test_shipped_outlines_hold_the_provinces() -> None:
    outlines = read_outlines(OUTLINES)
    assert len(outlines) == 34
    cities = {
        "CN-BJ": (39.9075, 116.397),
        "CN-SC": (30.667, 104.067),
        "CN-GD": (23.117, 113.25),
        "CN-XJ": (43.80, 87.60),
    }
    found = locate_regions(outlines, [at[0] for at in cities.values()], [at[1] for at in cities.values()])
    assert found == list(cities)
