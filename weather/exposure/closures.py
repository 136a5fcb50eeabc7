"""Hours in which a lane may be closed: the table ``lane_closures``."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.arrays import Floats
from weather.effects.effect_tables import KINDS, SEVERITIES
from weather.exposure.lane_places import LaneSamples, cross_areas
from weather.exposure.scene import WeatherScene

LEAST = 0.01
"""Closures less likely than this are not told (judgement)."""

_SCHEMA: dict[str, pl.DataType] = {
    "lane_id": pl.String(),
    "starts_at": pl.Datetime("us", "UTC"),
    "ends_at": pl.Datetime("us", "UTC"),
    "probability": pl.Float64(),
    "cause": pl.String(),
}


def find_closures(
    samples: LaneSamples,
    scene: WeatherScene,
    begin: datetime,
    end: datetime,
    crossings: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Find the hours in which each lane may be closed somewhere along it.

    Parameters
    ----------
    samples
        Places along lanes.
    scene
        What is known of the weather.
    begin, end
        Hours looked at; closures are cut to them.
    crossings
        As ``exposure.cross_areas`` finds them; None looks.

    Returns
    -------
    polars.DataFrame
        Columns of ``lane_closures`` without run_id, sorted by lane and start: whole hours, not overlapping. Of several
        warnings and of what the values call for, the likeliest counts, times the share the lane's mode suffers.
    """
    first, last = int(begin.timestamp() // 3600), int(-(-end.timestamp() // 3600))
    if not samples.lane_id or last <= first:
        return pl.DataFrame(schema=_SCHEMA)
    hours = np.arange(first + 1, last + 1)
    likely, cause = _by_values(samples, scene, hours)
    found = cross_areas(samples, scene.areas) if crossings is None else crossings
    _by_warnings(found, scene, hours, likely, cause)
    likely *= scene.tables.mode_shares(samples.mode)[2][:, None]
    likely[likely < LEAST] = 0.0
    # a run ends where the probability or its cause changes
    changes = np.ones(likely.shape, dtype=np.bool_)
    changes[:, 1:] = (likely[:, 1:] != likely[:, :-1]) | (cause[:, 1:] != cause[:, :-1])
    lane, start = np.nonzero(changes)
    stop = np.append(start[1:], 0)
    stop = np.where(np.append(lane[1:] != lane[:-1], True), likely.shape[1], stop)
    closed = likely[lane, start] > 0.0
    lane, start, stop = lane[closed], start[closed], stop[closed]
    codes = cause[lane, start]
    words = {code: _words(scene, code) for code in np.unique(codes).tolist()}
    frame = pl.DataFrame(
        {
            "lane_id": pl.Series(samples.lane_id, dtype=pl.String).gather(lane),
            "starts_at": (first + start) * 3_600_000_000,
            "ends_at": (first + stop) * 3_600_000_000,
            "probability": likely[lane, start],
            "cause": [words[code] for code in codes.tolist()],
        }
    )
    moments = (pl.from_epoch(name, time_unit="us").dt.replace_time_zone("UTC") for name in ("starts_at", "ends_at"))
    return frame.with_columns(moments).cast(pl.Schema(_SCHEMA)).sort("lane_id", "starts_at")


def _by_values(samples: LaneSamples, scene: WeatherScene, hours: NDArray[np.int64]) -> tuple[Floats, NDArray[np.int64]]:
    """Closure probability the values call for, and its cause (-1 - 5 x kind - colour), each of shape (lanes, hours)."""
    grid, settings = scene.grid, scene.settings
    shape = (len(samples.lane_id), hours.size)
    likely, cause = np.zeros(shape), np.zeros(shape, dtype=np.int64)
    if grid.points == 0 or grid.hours == 0:
        return likely, cause
    at_points = np.zeros((grid.points, hours.size))
    why = np.zeros(at_points.shape, dtype=np.int64)
    inside = (hours >= grid.first_hour) & (hours < grid.first_hour + grid.hours)
    columns = hours[inside] - grid.first_hour
    for number, kind in enumerate(KINDS):
        colours = grid.signals[kind][:, columns].astype(np.int64)
        found = scene.tables.signalled("closure", kind)[colours]
        more = found > at_points[:, inside]
        at_points[:, inside] = np.where(more, found, at_points[:, inside])
        why[:, inside] = np.where(more, -1 - 5 * number - colours, why[:, inside])
    ground = samples.on_ground
    places = samples.latitude[ground], samples.longitude[ground]
    index, weight = grid.nearest(*places, settings.radius_km, settings.neighbours)
    lane = np.repeat(samples.lane[ground], index.shape[1])
    pairs = np.unique(np.column_stack([lane, index.ravel()])[weight.ravel() > 0.0], axis=0)
    at_risk = np.flatnonzero((at_points > 0.0).any(axis=1))
    risky = pairs[np.isin(pairs[:, 1], at_risk)]
    for number, point in risky.tolist():
        more = at_points[point] > likely[number]
        likely[number, more], cause[number, more] = at_points[point, more], why[point, more]
    return likely, cause


def _by_warnings(
    crossings: pl.DataFrame, scene: WeatherScene, hours: NDArray[np.int64], likely: Floats, cause: NDArray[np.int64]
) -> None:
    """Put warnings over what the values call for where they are likelier; ``likely`` and ``cause`` modified in place."""
    begin, end = (scene.warnings[name].dt.epoch("us").to_numpy() / 3.6e9 for name in ("onset", "expires"))
    closure = scene.presets()[2]
    for number in range(scene.warnings.height):
        lanes = crossings.filter(pl.col("warning") == number)["lane"].to_numpy()
        columns = np.flatnonzero((hours > begin[number]) & (hours - 1 < end[number]))
        if lanes.size == 0 or columns.size == 0 or closure[number] < LEAST:
            continue
        block = np.ix_(lanes, columns)
        more = closure[number] > likely[block]
        likely[block] = np.where(more, closure[number], likely[block])
        cause[block] = np.where(more, number + 1, cause[block])


def _words(scene: WeatherScene, code: int) -> str:
    if code > 0:
        return scene.warning_words(code - 1)
    kind, colour = divmod(-1 - code, 5)
    return f"{KINDS[kind]} {SEVERITIES[colour]} by measured or forecast values"
