"""Distances over the ground, transit hours and the region a point lies in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from data.arrays import Floats
from data.constants import constant
from data.errors import RadarError

Mode = Literal["road", "rail", "air"]

EARTH_RADIUS_KM = 6371.0088


@dataclass(frozen=True)
class TravelRules:
    """How far and how long a lane is whose kilometres and hours nobody gave."""

    road_detour: Mapping[str, float] = constant(
        {"CN": 1.33, "BR": 1.23, "US": 1.20},
        "1",
        "road over great-circle distance between cities, by country",
        "published: Ballou, Rahardja, Sakai, Transportation Research Part A 36 (2002) 843-848",
    )
    rail_detour: float = constant(
        1.25,
        "1",
        "trunk rail over great-circle distance",
        "judgement: straighter than road in mountains, less so on plains",
    )
    air_detour: float = constant(1.0, "1", "air over great-circle distance", "judgement")
    speed: Mapping[str, float] = constant(
        {"road": 65.0, "rail": 170.0, "air": 650.0},
        "km/h",
        "of travel, by mode",
        "judgement: two drivers under the 80-100 km/h ceiling of trucks, stops included; a parcel train of 1,127 km in 6 h; a night freighter",
    )
    terminal_hours: Mapping[str, float] = constant(
        {"road": 2.0, "rail": 6.0, "air": 7.0},
        "h",
        "of loading, unloading and hauling at both ends, by mode",
        "judgement",
    )


TRAVEL = TravelRules()


def great_circle_km(
    latitude: npt.ArrayLike, longitude: npt.ArrayLike, other_latitude: npt.ArrayLike, other_longitude: npt.ArrayLike
) -> Floats:
    """Distance on the sphere by the haversine formula.

    Parameters
    ----------
    latitude, longitude, other_latitude, other_longitude
        Points in WGS 84 [degrees]; shapes broadcast against each other.

    Returns
    -------
    numpy.ndarray
        Distance of the broadcast shape [km]:
        ``2 R asin sqrt(sin²(Δφ/2) + cos φ₁ cos φ₂ sin²(Δλ/2))`` with ``R`` the mean radius of the Earth.
    """
    phi, other_phi = np.radians(latitude), np.radians(other_latitude)
    half_phi = (other_phi - phi) / 2.0
    half_lambda = np.radians(np.subtract(other_longitude, longitude)) / 2.0
    square = np.sin(half_phi) ** 2 + np.cos(phi) * np.cos(other_phi) * np.sin(half_lambda) ** 2
    distance: Floats = 2.0 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(square, 0.0, 1.0)))
    return distance


def ground_km(
    latitude: npt.ArrayLike,
    longitude: npt.ArrayLike,
    other_latitude: npt.ArrayLike,
    other_longitude: npt.ArrayLike,
    mode: Mode = "road",
    country: str = "CN",
) -> Floats:
    """Distance a vehicle covers: the great circle times the detour factor of the mode.

    Parameters
    ----------
    latitude, longitude, other_latitude, other_longitude
        Points in WGS 84 [degrees]; shapes broadcast against each other.
    mode
        ``road``, ``rail`` or ``air``.
    country
        Country whose roads count: ``CN``, ``BR`` or ``US``.

    Returns
    -------
    numpy.ndarray
        Distance of the broadcast shape [km].

    Raises
    ------
    RadarError
        For a mode or country without a factor.
    """
    straight = great_circle_km(latitude, longitude, other_latitude, other_longitude)
    return straight * detour_factor(mode, country)


def detour_factor(mode: Mode, country: str = "CN") -> float:
    """Return kilometres travelled per kilometre of the great circle."""
    if mode == "rail":
        return TRAVEL.rail_detour
    if mode == "air":
        return TRAVEL.air_detour
    if mode != "road":
        raise RadarError(f"mode {mode}", "road, rail or air", "choose one of them")
    if country not in TRAVEL.road_detour:
        raise RadarError(
            f"country {country} without a detour factor",
            f"one of {', '.join(TRAVEL.road_detour)}",
            "choose one of them",
        )
    return TRAVEL.road_detour[country]


def transit_hours(distance_km: npt.ArrayLike, mode: Mode = "road") -> Floats:
    """Hours from departure until the parcels are at hand: terminal hours plus distance over speed.

    Parameters
    ----------
    distance_km
        Distance over the ground, any shape [km].
    mode
        ``road``, ``rail`` or ``air``.

    Returns
    -------
    numpy.ndarray
        Hours of the same shape.

    Raises
    ------
    RadarError
        For an unknown mode.
    """
    if mode not in TRAVEL.speed:
        raise RadarError(f"mode {mode}", "road, rail or air", "choose one of them")
    return TRAVEL.terminal_hours[mode] + np.asarray(distance_km, dtype=np.float64) / TRAVEL.speed[mode]
