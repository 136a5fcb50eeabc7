"""Where a lane is and when: the places along it, the hour each is crossed, and the warned areas it runs through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.arrays import Floats
from data.errors import RadarError
from data.geography import great_circle_km

if TYPE_CHECKING:
    import geopandas as gpd


FLOWN = "air"


@dataclass(frozen=True)
class LaneSamples:
    """Places along lanes, both ends included.

    Parameters
    ----------
    lane_id
        Lanes with known ends, in order.
    mode
        Of each lane.
    transit_hours
        Of each lane [h].
    lane
        Position in ``lane_id`` of each place, ascending; shape (places,).
    fraction
        How far along its lane each place lies, 0 to 1; shape (places,).
    latitude, longitude
        Of each place [degrees]; shape (places,).
    unplaced
        Lanes left out: a hub at their end has no coordinates and they have no geometry.
    """

    lane_id: tuple[str, ...]
    mode: tuple[str, ...]
    transit_hours: Floats
    lane: NDArray[np.int64]
    fraction: Floats
    latitude: Floats
    longitude: Floats
    unplaced: tuple[str, ...]

    @property
    def steps(self) -> NDArray[np.int64]:
        """How many equal parts the places cut each lane into; shape (lanes,)."""
        return np.bincount(self.lane, minlength=len(self.lane_id)).astype(np.int64) - 1

    @property
    def flies(self) -> NDArray[np.bool_]:
        """Whether a lane is flown: above the weather but at its ends; shape (lanes,)."""
        return np.array([mode == FLOWN for mode in self.mode], dtype=np.bool_)

    @property
    def on_ground(self) -> NDArray[np.bool_]:
        """Whether the weather at a place reaches the vehicle there: everywhere, of a flight at its ends; shape (places,)."""
        return ~self.flies[self.lane] | (self.fraction <= 0.0) | (self.fraction >= 1.0)

    @property
    def starts(self) -> NDArray[np.int64]:
        """Position of the first place of each lane; shape (lanes,)."""
        return np.searchsorted(self.lane, np.arange(len(self.lane_id)))


def sample_lanes(
    lanes: pl.DataFrame, hubs: pl.DataFrame, every_km: float, geometry: Mapping[str, Floats] | None = None
) -> LaneSamples:
    """Choose the places at which a lane's weather is looked at.

    Parameters
    ----------
    lanes, hubs
        Tables of the workspace.
    every_km
        Largest distance between two places [km]; the ends are always among them, and no two are more than an hour's drive
        apart.
    geometry
        Lane id -> its line as (longitude, latitude), shape (vertices, 2) [degrees], see ``lines_of``. A
        lane without one follows the great circle between its hubs.

    Returns
    -------
    LaneSamples
        Lanes sorted by id.
    """
    places = hubs.select("hub_id", "latitude", "longitude")
    ends = (
        lanes.sort("lane_id")
        .join(places.rename({"hub_id": "origin_hub_id", "latitude": "from_lat", "longitude": "from_lon"}), on="origin_hub_id", how="left")
        .join(places.rename({"hub_id": "destination_hub_id", "latitude": "to_lat", "longitude": "to_lon"}), on="destination_hub_id", how="left")
    )  # fmt: skip
    drawn = geometry or {}
    complete = pl.all_horizontal(pl.col("from_lat", "from_lon", "to_lat", "to_lon").is_not_null())
    placed = complete | pl.col("lane_id").is_in(list(drawn))
    unplaced = tuple(ends.filter(~placed)["lane_id"].to_list())
    ends = ends.filter(placed).sort("lane_id")
    ids = ends["lane_id"].to_list()
    lines = [drawn.get(lane) for lane in ids]
    lane, fraction, latitude, longitude = _great_circles(ends, [line is None for line in lines], every_km)
    pieces = [(lane, fraction, latitude, longitude)]
    hours = ends["transit_hours"].to_list()
    pieces += [_along(index, line, every_km, hours[index]) for index, line in enumerate(lines) if line is not None]
    columns = [np.concatenate(parts) for parts in zip(*pieces, strict=True)]
    order = np.lexsort((columns[1], columns[0]))
    return LaneSamples(
        tuple(ids),
        tuple(ends["mode"].to_list()),
        ends["transit_hours"].to_numpy().astype(np.float64),
        columns[0][order].astype(np.int64),
        columns[1][order],
        columns[2][order],
        columns[3][order],
        unplaced,
    )


def _great_circles(
    ends: pl.DataFrame, chosen: Sequence[bool], every_km: float
) -> tuple[NDArray[np.int64], Floats, Floats, Floats]:
    index = np.flatnonzero(np.array(chosen, dtype=np.bool_))
    lat0, lon0, lat1, lon1 = (
        ends[name].to_numpy().astype(np.float64)[index] for name in ("from_lat", "from_lon", "to_lat", "to_lon")
    )
    length = great_circle_km(lat0, lon0, lat1, lon1)
    hours = ends["transit_hours"].to_numpy().astype(np.float64)[index]
    steps = np.maximum(np.ceil(np.maximum(length / every_km, hours)), 1.0).astype(np.int64)
    lane = np.repeat(index, steps + 1)
    first = np.repeat(np.cumsum(steps + 1) - (steps + 1), steps + 1)
    fraction = (np.arange(lane.shape[0]) - first) / np.repeat(steps, steps + 1)
    start, end = (_vectors(lat, lon) for lat, lon in ((lat0, lon0), (lat1, lon1)))
    start, end = np.repeat(start, steps + 1, axis=0), np.repeat(end, steps + 1, axis=0)
    angle = np.arccos(np.clip(np.sum(start * end, axis=1), -1.0, 1.0))
    safe = np.where(angle < 1e-9, 1.0, np.sin(angle))
    near = np.where(angle < 1e-9, 1.0 - fraction, np.sin((1.0 - fraction) * angle) / safe)
    far = np.where(angle < 1e-9, fraction, np.sin(fraction * angle) / safe)
    middle = near[:, None] * start + far[:, None] * end
    latitude = np.degrees(np.arctan2(middle[:, 2], np.hypot(middle[:, 0], middle[:, 1])))
    longitude = np.degrees(np.arctan2(middle[:, 1], middle[:, 0]))
    return lane.astype(np.int64), fraction, latitude, longitude


def _vectors(latitude: Floats, longitude: Floats) -> Floats:
    phi, lam = np.radians(latitude), np.radians(longitude)
    return np.column_stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])


def _along(index: int, line: Floats, every_km: float, hours: float) -> tuple[NDArray[np.int64], Floats, Floats, Floats]:
    pieces = great_circle_km(line[:-1, 1], line[:-1, 0], line[1:, 1], line[1:, 0])
    travelled = np.concatenate([[0.0], np.cumsum(pieces)])
    total = max(float(travelled[-1]), 1e-9)
    steps = max(int(np.ceil(max(total / every_km, hours))), 1)
    fraction = np.arange(steps + 1) / steps
    latitude = np.interp(fraction * total, travelled, line[:, 1])
    longitude = np.interp(fraction * total, travelled, line[:, 0])
    return np.full(steps + 1, index, dtype=np.int64), fraction, latitude, longitude


def lines_of(geometry: Mapping[str, Mapping[str, Any]]) -> dict[str, Floats]:
    """Turn the geometry of lanes into their lines.

    Parameters
    ----------
    geometry
        Lane id -> GeoJSON geometry, as ``data.ingest.geometry.read_geometry`` returns it.

    Returns
    -------
    dict
        Lane id -> (longitude, latitude), shape (vertices, 2) [degrees]; the parts of a MultiLineString are joined.

    Raises
    ------
    RadarError
        When a lane's geometry is no line.
    """
    lines: dict[str, Floats] = {}
    for lane, shape in geometry.items():
        try:
            parts = shape["coordinates"] if shape["type"] == "MultiLineString" else [shape["coordinates"]]
            line = np.array([point[:2] for part in parts for point in part], dtype=np.float64)
            sound = str(shape["type"]).endswith("LineString") and line.ndim == 2 and line.shape[0] >= 2
            sound = sound and bool(np.isfinite(line).all())
        except (KeyError, TypeError, ValueError, IndexError):
            sound = False
        if not sound:
            raise RadarError(
                f"the geometry of lane {lane} is no line", action="`radar load lanes FILE.geojson` with LineStrings"
            )
        lines[lane] = line
    return lines


def departure_hours(days: Sequence[date], hour: int, zone: ZoneInfo) -> Floats:
    """Return when linehaul leaves on each day: hours since 1970-01-01 UTC, shape (days,).

    Parameters
    ----------
    days
        Business dates.
    hour
        Local hour of departure.
    zone
        Time zone of the workspace.
    """
    moments = [datetime.combine(day, time(hour), tzinfo=zone) for day in days]
    return np.array([moment.timestamp() / 3600.0 for moment in moments], dtype=np.float64)


def days_between(first: date, last: date) -> list[date]:
    """Return every day from ``first`` to ``last``, both included."""
    return [first + timedelta(days=step) for step in range((last - first).days + 1)]


# ---- warned areas -------------------------------------------------------------------------------------------------


def cross_areas(samples: LaneSamples, areas: gpd.GeoDataFrame) -> pl.DataFrame:
    """Find which lanes run through which warned areas, and from where to where.

    Parameters
    ----------
    samples
        Places along lanes; the lane runs straight from one to the next.
    areas
        As ``warnings.acting_warnings`` returns them.

    Returns
    -------
    polars.DataFrame
        ``lane`` (position), ``warning`` (position), ``enters``, ``leaves`` (fractions of the way, 0 to 1): one row a
        crossing, sorted. Of a flight only its ends are crossed, each a row of its own.
    """
    empty = pl.DataFrame(schema={"lane": pl.Int64, "warning": pl.Int64, "enters": pl.Float64, "leaves": pl.Float64})
    if areas.empty or not samples.lane_id:
        return empty
    from weather.exposure.crossing import cross_pieces, edges_of

    # a piece of way starts at every place but the last of its lane
    starts = np.flatnonzero(samples.lane[:-1] == samples.lane[1:])
    points = np.column_stack([samples.longitude, samples.latitude])
    found = []
    for number, area in enumerate(areas.geometry):
        piece, enters, leaves = cross_pieces(points, starts, edges_of(area))
        if piece.size:
            at, span = samples.fraction[piece], samples.fraction[piece + 1] - samples.fraction[piece]
            part = {"lane": samples.lane[piece], "enters": at + enters * span, "leaves": at + leaves * span}
            found.append(pl.DataFrame(part).with_columns(warning=pl.lit(number, dtype=pl.Int64)))
    if not found:
        return empty
    pieces = pl.concat(found).group_by("lane", "warning")
    crossed = pieces.agg(pl.col("enters").min(), pl.col("leaves").max())
    return _land(crossed, samples).sort("lane", "warning", "enters")


def _land(crossed: pl.DataFrame, samples: LaneSamples) -> pl.DataFrame:
    """Leave of the areas that flights cross those over the place they leave or the one they reach."""
    above = pl.col("lane").is_in(np.flatnonzero(samples.flies))
    ends = [
        crossed.filter(above, over).with_columns(enters=pl.lit(at), leaves=pl.lit(at))
        for at, over in ((0.0, pl.col("enters") <= 0.0), (1.0, pl.col("leaves") >= 1.0))
    ]
    return pl.concat([crossed.filter(~above), *ends])


def stand_over(
    latitude: Floats, longitude: Floats, areas: gpd.GeoDataFrame
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find which warned areas stand over which places.

    Parameters
    ----------
    latitude, longitude
        Places, shape (places,) [degrees].
    areas
        As ``warnings.acting_warnings`` returns them.

    Returns
    -------
    place, warning
        Positions of each pair, sorted by place, then warning.
    """
    import geopandas as gpd

    nothing = np.zeros(0, dtype=np.int64)
    if areas.empty or latitude.shape[0] == 0:
        return nothing, nothing
    places = gpd.GeoDataFrame(
        {"place": np.arange(latitude.shape[0])}, geometry=gpd.points_from_xy(longitude, latitude), crs="EPSG:4326"
    )
    joined = gpd.sjoin(places, areas, predicate="intersects")
    place, warning = joined["place"].to_numpy(dtype=np.int64), joined["warning"].to_numpy(dtype=np.int64)
    order = np.lexsort((warning, place))
    return place[order], warning[order]
