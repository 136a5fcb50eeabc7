"""Which of the shipped outlines a point lies in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import shape


def read_outlines(file: Path) -> dict[str, dict[str, Any]]:
    """Return the geometry of each region of a GeoJSON file."""
    features = json.loads(file.read_text(encoding="utf-8"))["features"]
    return {feature["properties"]["region_id"]: feature["geometry"] for feature in features}


def locate_regions(
    outlines: dict[str, dict[str, Any]], latitude: npt.ArrayLike, longitude: npt.ArrayLike
) -> list[str | None]:
    """Find the region of each point; one off every outline (a coast drawn coarsely) takes the nearest within half a degree."""
    names = list(outlines)
    tree = shapely.STRtree([shape(geometry) for geometry in outlines.values()])
    points = shapely.points(np.asarray(longitude, dtype=np.float64), np.asarray(latitude, dtype=np.float64))
    found: list[str | None] = [None] * len(points)
    for point, region in zip(*tree.query_nearest(points, max_distance=0.5, all_matches=False).tolist(), strict=True):
        found[point] = names[region]
    return found
