"""Weather on points and hours as dense arrays, and which points speak for a place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.arrays import Floats
from data.errors import RadarError
from data.geography import EARTH_RADIUS_KM
from weather.effects.effect_tables import KINDS
from weather.effects.signals import find_signals, split_water

LONGEST_GAP = 6
"""An hour without a row takes the next row less than this many hours later: feeds in steps of three or six hours stay whole."""

_COLUMNS = {
    "temperature": "temperature_c",
    "precipitation": "precipitation_mm",
    "snowfall": "snowfall_cm",
    "wind": "wind_speed_ms",
    "visibility": "visibility_m",
}
_HOUR_US = 3_600_000_000
_MOST_CELLS = 60_000_000


def known_weather(observations: pl.DataFrame, forecasts: pl.DataFrame, as_of: datetime | None = None) -> pl.DataFrame:
    """Return one row a place and hour: what was observed, else the latest forecast.

    Parameters
    ----------
    observations, forecasts
        Tables ``weather_observations`` and ``weather_forecasts``.
    as_of
        Nothing that was known only after this time is used: observations of later hours and forecasts issued later.
        None takes everything.

    Returns
    -------
    polars.DataFrame
        Columns ``valid_at``, ``latitude``, ``longitude`` and the five measures, sorted by place and time.
    """
    if as_of is not None:
        observations = observations.filter(pl.col("valid_at") <= as_of)
        forecasts = forecasts.filter(pl.col("issued_at").is_null() | (pl.col("issued_at") <= as_of))
    names = ["valid_at", "latitude", "longitude", *_COLUMNS.values()]
    keys = ["latitude", "longitude", "valid_at"]
    both = pl.concat(
        [
            forecasts.select("issued_at", *names, rank=pl.lit(0)),
            observations.select("issued_at", *names, rank=pl.lit(1)),
        ]
    )
    return both.sort("rank", "issued_at").unique(keys, keep="last", maintain_order=True).select(names).sort(keys)


@dataclass(frozen=True)
class WeatherGrid:
    """Weather on points and hours.

    Parameters
    ----------
    latitude, longitude
        Points, shape (points,) [degrees].
    first_hour
        Hours since 1970-01-01 UTC of the first column.
    values
        ``temperature`` [°C], ``snow`` and ``rain`` [mm/h of water], ``wind`` [m/s], ``visibility`` [m]: each of
        shape (points, hours), NaN where unknown. Column h speaks of the hour that ends then.
    signals
        Kind -> colour the values call for, shape (points, hours), a position in ``effects.SEVERITIES``.
    known
        Whether anything is known, shape (points, hours).
    """

    latitude: Floats
    longitude: Floats
    first_hour: int
    values: Mapping[str, Floats]
    signals: Mapping[str, NDArray[np.int8]]
    known: NDArray[np.bool_]

    @property
    def hours(self) -> int:
        """Number of hours."""
        return int(self.known.shape[1])

    @cached_property
    def points(self) -> int:
        """Number of points."""
        return int(self.latitude.shape[0])

    def nearest(
        self, latitude: Floats, longitude: Floats, radius_km: float, neighbours: int = 1
    ) -> tuple[NDArray[np.int64], Floats]:
        """Find the points that speak for places.

        Parameters
        ----------
        latitude, longitude
            Places, shape (places,) [degrees].
        radius_km
            Points farther away say nothing [km].
        neighbours
            At most this many points a place, weighted by 1 / distance.

        Returns
        -------
        index
            Shape (places, neighbours); 0 where there is none (its weight is 0).
        weight
            Same shape; rows sum to 1, or to 0 where no point lies within the radius.
        """
        return nearest_points(self.latitude, self.longitude, latitude, longitude, radius_km, neighbours)


def nearest_points(
    point_latitude: Floats,
    point_longitude: Floats,
    latitude: Floats,
    longitude: Floats,
    radius_km: float,
    neighbours: int = 1,
) -> tuple[NDArray[np.int64], Floats]:
    """Find the weather points that speak for places: as ``WeatherGrid.nearest``, for any points.

    Parameters
    ----------
    point_latitude, point_longitude
        Weather points, shape (points,) [degrees].
    latitude, longitude, radius_km, neighbours
        As for ``WeatherGrid.nearest``.
    """
    shape = (latitude.shape[0], neighbours)
    if point_latitude.shape[0] == 0 or latitude.shape[0] == 0:
        return np.zeros(shape, dtype=np.int64), np.zeros(shape)
    from scipy.spatial import cKDTree

    tree = cKDTree(_on_sphere(point_latitude, point_longitude))
    chord = 2.0 * np.sin(min(radius_km / (2.0 * EARTH_RADIUS_KM), np.pi / 2.0))
    ranks = list(range(1, neighbours + 1))
    distance, index = tree.query(_on_sphere(latitude, longitude), k=ranks, distance_upper_bound=chord + 1e-12)
    found = np.isfinite(distance)
    arc = 2.0 * EARTH_RADIUS_KM * np.arcsin(np.clip(np.where(found, distance, 0.0) / 2.0, 0.0, 1.0))
    weight = np.where(found, 1.0 / np.maximum(arc, 1.0), 0.0)
    total = weight.sum(axis=1, keepdims=True)
    weight = np.divide(weight, total, out=np.zeros_like(weight), where=total > 0.0)
    return np.where(found, index, 0).astype(np.int64), weight


def build_grid(weather: pl.DataFrame) -> WeatherGrid:
    """Lay weather rows out as points and hours.

    Parameters
    ----------
    weather
        As ``known_weather`` returns it: one row a place and hour.

    Returns
    -------
    WeatherGrid
        Without points when there are no rows.

    Raises
    ------
    RadarError
        When the rows span so many hours and points that they do not fit in memory.
    """
    if weather.is_empty():
        nothing = np.zeros((0, 0))
        values = dict.fromkeys(("temperature", "snow", "rain", "wind", "visibility"), nothing)
        signals = {kind: np.zeros((0, 0), dtype=np.int8) for kind in KINDS}
        return WeatherGrid(np.zeros(0), np.zeros(0), 0, values, signals, np.zeros((0, 0), dtype=np.bool_))
    places = weather.select("latitude", "longitude").unique().sort("latitude", "longitude").with_row_index("point")
    located = weather.join(places, on=["latitude", "longitude"], how="left")
    # an odd minute belongs to the hour that ends next
    hour = -(-located["valid_at"].dt.epoch("us").to_numpy() // _HOUR_US)
    first, last = int(hour.min()), int(hour.max())
    shape = (places.height, last - first + 1)
    if shape[0] * shape[1] > _MOST_CELLS:
        raise RadarError(
            f"{shape[0]:,} weather points over {shape[1]:,} hours",
            f"at most {_MOST_CELLS:,} values",
            "choose fewer days with --from and --to",
        )
    row, column = located["point"].to_numpy().astype(np.int64), (hour - first).astype(np.int64)
    raw = {}
    for name, source in _COLUMNS.items():
        laid = np.full(shape, np.nan)
        laid[row, column] = located[source].cast(pl.Float64).fill_null(float("nan")).to_numpy()
        raw[name] = _fill_gaps(laid)
    snow, rain = split_water(raw["precipitation"], raw["snowfall"], raw["temperature"])
    signals = find_signals(snow, rain, raw["temperature"], raw["wind"], raw["visibility"])
    values = {
        "temperature": raw["temperature"],
        "snow": snow,
        "rain": rain,
        "wind": raw["wind"],
        "visibility": raw["visibility"],
    }
    known = np.logical_or.reduce([~np.isnan(layer) for layer in values.values()])
    return WeatherGrid(places["latitude"].to_numpy(), places["longitude"].to_numpy(), first, values, signals, known)


def _fill_gaps(laid: Floats) -> Floats:
    filled = laid.copy()
    for ahead in range(1, min(LONGEST_GAP, laid.shape[1])):
        later = laid[:, ahead:]
        target = filled[:, : laid.shape[1] - ahead]
        np.copyto(target, later, where=np.isnan(target))
    return filled


def _on_sphere(latitude: Floats, longitude: Floats) -> Floats:
    phi, lam = np.radians(latitude), np.radians(longitude)
    return np.column_stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])
