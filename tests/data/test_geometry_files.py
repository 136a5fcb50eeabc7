"""Geometry beside the tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.errors import RadarError
from data.ingest.geometry import read_geometry, write_geometry

POINT = {"type": "Point", "coordinates": [120.0, 30.0]}
OTHER = {"type": "Point", "coordinates": [121.0, 31.0]}


def test_geometries_take_the_place_of_those_with_their_id(tmp_path: Path) -> None:
    assert read_geometry(tmp_path, "regions") == {}
    write_geometry(tmp_path, "regions", [("R2", POINT), ("R1", POINT)], replace=False)
    path = write_geometry(tmp_path, "regions", [("R2", OTHER)], replace=False)
    assert read_geometry(tmp_path, "regions") == {"R1": POINT, "R2": OTHER}
    assert path == tmp_path / "regions.geojson"
    write_geometry(tmp_path, "regions", [("R3", OTHER)], replace=True)
    assert read_geometry(tmp_path, "regions") == {"R3": OTHER}
    assert [child.name for child in tmp_path.iterdir()] == ["regions.geojson"]


def test_a_broken_geometry_file_is_told(tmp_path: Path) -> None:
    for content in ("{", '{"features": [{"properties": {}}]}', "[]"):
        (tmp_path / "lanes.geojson").write_text(content, encoding="utf-8")
        with pytest.raises(RadarError, match="broken geometry"):
            read_geometry(tmp_path, "lanes")
