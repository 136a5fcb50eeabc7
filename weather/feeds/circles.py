"""Circles on the ground, as areas of warnings that tell only a place or the reach of a storm."""

from __future__ import annotations

import json

import numpy as np

from weather.feeds.reading import Place


def circle_text(at: Place, radius_km: float, corners: int = 32) -> str:
    """Return a circle on the ground as GeoJSON text, longitude first."""
    return json.dumps({"type": "Polygon", "coordinates": [circle_ring(at[0], at[1], [radius_km] * corners)]})


def circle_ring(latitude: float, longitude: float, radii_km: list[float]) -> list[list[float]]:
    """Return a closed ring around a place, one corner a radius, clockwise from north; (longitude, latitude)."""
    from data.geography import EARTH_RADIUS_KM

    turn = 2.0 * np.pi * np.arange(len(radii_km)) / len(radii_km)
    angle, phi = np.asarray(radii_km) / EARTH_RADIUS_KM, np.radians(latitude)
    north = np.arcsin(np.sin(phi) * np.cos(angle) + np.cos(phi) * np.sin(angle) * np.cos(turn))
    east = np.arctan2(np.sin(turn) * np.sin(angle) * np.cos(phi), np.cos(angle) - np.sin(phi) * np.sin(north))
    ring = [
        [round(longitude + float(dx), 6), round(float(y), 6)]
        for dx, y in zip(np.degrees(east), np.degrees(north), strict=True)
    ]
    return [*ring, ring[0]]
