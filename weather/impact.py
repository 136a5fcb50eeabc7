"""What the weather does to each lane and outlet on each day: the tables ``lane_weather`` and ``outlet_weather``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.progress import SILENT, Progress
from data.settings import WeatherSettings
from weather.effects import SEVERITIES, EffectTables, kind_of_warning
from weather.exposure import LaneSamples, cross_areas, departure_hours, stand_over
from weather.local_weather import Effect, LocalWeather, describe, weather_over, work_out_effect
from weather.points import WeatherGrid
from weather.units import Floats

if TYPE_CHECKING:
    import geopandas as gpd

_TOLD_BELOW = 0.97
"""A capacity loss above this factor (cool air) alone is no cause worth telling."""


@dataclass(frozen=True)
class WeatherScene:
    """Everything known of the weather of some days.

    Parameters
    ----------
    grid
        Weather on points and hours.
    warnings
        Table ``weather_warnings``.
    areas
        Its areas, row by row: see ``exposure.place_warnings``.
    tables
        The effect tables.
    settings
        Section ``[weather]`` of radar.toml.
    zone
        Time zone of the workspace.
    """

    grid: WeatherGrid
    warnings: pl.DataFrame
    areas: gpd.GeoDataFrame
    tables: EffectTables
    settings: WeatherSettings
    zone: ZoneInfo


@dataclass(frozen=True)
class _Warned:
    """A warning that stands over a lane or an outlet on days."""

    key: int
    days: NDArray[np.bool_]
    kind: str
    code: int
    words: str


def assess_lanes(
    samples: LaneSamples, days: Sequence[date], scene: WeatherScene, progress: Progress = SILENT
) -> pl.DataFrame:
    """Work out what the weather does to lanes.

    A lane takes the worst of what it crosses at the hour it is crossed: linehaul leaves at ``departure_hour`` and passes
    a place at ``fraction`` of its way ``fraction x transit_hours`` later. Warnings count from where the lane enters
    their area until it leaves it.

    Parameters
    ----------
    samples
        Places along the lanes.
    days
        Days of departure.
    scene
        What is known of the weather.
    progress
        Told how far the work is.

    Returns
    -------
    polars.DataFrame
        Columns of ``lane_weather`` without run_id, sorted by date and lane. A lane and day of which nothing is known has
        no row.
    """
    count = len(samples.lane_id)
    if count == 0 or not days:
        return _no_rows("lane_id")
    settings, tables = scene.settings, scene.tables
    index, weight = scene.grid.nearest(samples.latitude, samples.longitude, settings.radius_km, settings.neighbours)
    leaves = departure_hours(days, settings.departure_hour, scene.zone)
    way = samples.transit_hours[samples.lane] * samples.fraction
    hours = np.ceil(leaves[None, :] + way[:, None] - 1e-9).astype(np.int64)
    local = weather_over(scene.grid, index, weight, hours)
    effect = work_out_effect(local, tables)
    progress.step(1, 3, "weather along lanes")
    starts = samples.starts
    known: NDArray[np.bool_] = np.asarray(np.logical_or.reduceat(local.known, starts, axis=0), dtype=np.bool_)
    lanes = Effect(
        np.minimum.reduceat(effect.speed, starts, axis=0),
        np.minimum.reduceat(effect.capacity, starts, axis=0),
        np.minimum.reduceat(effect.productivity, starts, axis=0),
        np.maximum.reduceat(effect.closure, starts, axis=0),
        np.maximum.reduceat(effect.severity, starts, axis=0),
    )
    warned = _warn_lanes(samples, leaves, scene, lanes)
    for warning in warned:
        known[warning.key] |= warning.days
    progress.step(2, 3, "warnings along lanes")
    shares = tables.mode_shares(samples.mode)
    speed = 1.0 - shares[0][:, None] * (1.0 - lanes.speed)
    capacity = 1.0 - shares[1][:, None] * (1.0 - lanes.capacity)
    closure = shares[2][:, None] * lanes.closure
    touched = (lanes.severity > 0) | (lanes.speed < 1.0) | (lanes.capacity < _TOLD_BELOW)
    worst = _worst_places(samples, effect)
    causes = _causes(touched & known, worst, local, samples.latitude, samples.longitude, hours, scene, warned)
    progress.step(3, 3, "lanes")
    return _rows("lane_id", samples.lane_id, days, known, speed, capacity, closure, lanes.severity, causes)


def assess_outlets(
    outlets: pl.DataFrame, days: Sequence[date], scene: WeatherScene, progress: Progress = SILENT
) -> pl.DataFrame:
    """Work out what the weather does to outlets.

    Speed and courier productivity are means over the working hours (``work_from_hour`` to ``work_to_hour``); closure
    probability and colour are the worst of them.

    Parameters
    ----------
    outlets
        Table ``outlets``; those without coordinates get no row.
    days
        Days looked at.
    scene
        What is known of the weather.
    progress
        Told how far the work is.

    Returns
    -------
    polars.DataFrame
        Columns of ``outlet_weather`` without run_id, sorted by date and outlet; ``capacity_factor`` is courier
        productivity. An outlet and day of which nothing is known has no row.
    """
    placed = outlets.filter(pl.col("latitude").is_not_null() & pl.col("longitude").is_not_null()).sort("outlet_id")
    if placed.is_empty() or not days:
        return _no_rows("outlet_id")
    settings = scene.settings
    latitude, longitude = (placed[name].to_numpy().astype(np.float64) for name in ("latitude", "longitude"))
    index, weight = scene.grid.nearest(latitude, longitude, settings.radius_km, settings.neighbours)
    begins = departure_hours(days, settings.work_from_hour, scene.zone)
    length = max(settings.work_to_hour - settings.work_from_hour, 1)
    # column h of the grid is the hour that ends at h
    hours = (begins[:, None] + np.arange(1, length + 1)[None, :]).ravel()[None, :].astype(np.int64)
    local = weather_over(scene.grid, index, weight, hours)
    effect = work_out_effect(local, scene.tables)
    progress.step(1, 2, "weather over outlets")
    shape = (placed.height, len(days), length)
    known: NDArray[np.bool_] = np.asarray(local.known.reshape(shape).any(axis=2), dtype=np.bool_)
    warned = _warn_outlets(latitude, longitude, hours[0], length, scene, effect)
    for warning in warned:
        known[warning.key] |= warning.days
    loss = (effect.productivity * effect.speed).reshape(shape)
    worst_hour = loss.argmin(axis=2)
    speed = effect.speed.reshape(shape).mean(axis=2)
    productivity = effect.productivity.reshape(shape).mean(axis=2)
    closure = effect.closure.reshape(shape).max(axis=2)
    severity = effect.severity.reshape(shape).max(axis=2)
    touched = (severity > 0) | (speed < 1.0) | (productivity < 1.0)
    column = np.arange(len(days))[None, :] * length + worst_hour
    worst = (np.broadcast_to(np.arange(placed.height)[:, None], worst_hour.shape), column)
    spread = np.broadcast_to(hours, (placed.height, hours.shape[1]))
    causes = _causes(touched & known, worst, local, latitude, longitude, spread, scene, warned)
    progress.step(2, 2, "outlets")
    ids = placed["outlet_id"].to_list()
    return _rows("outlet_id", ids, days, known, speed, productivity, closure, severity, causes)


def _worst_places(samples: LaneSamples, effect: Effect) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Position (place, day) of the place that hurts each lane most on each day; shapes (lanes, days)."""
    badness = effect.speed * effect.capacity * (1.0 - effect.closure) - effect.severity
    place = np.empty((len(samples.lane_id), badness.shape[1]), dtype=np.int64)
    for day in range(badness.shape[1]):
        order = np.lexsort((badness[:, day], samples.lane))
        place[:, day] = order[samples.starts]
    return place, np.broadcast_to(np.arange(badness.shape[1]), place.shape)


def _warn_lanes(samples: LaneSamples, leaves: Floats, scene: WeatherScene, lanes: Effect) -> list[_Warned]:
    crossings = cross_areas(samples, scene.areas)
    begin, end = _validity(scene.warnings)
    told = [_preset(scene, number) for number in range(scene.warnings.height)]
    found = []
    for lane, number, enters, exits in crossings.iter_rows():
        hours = samples.transit_hours[lane]
        days = (leaves + exits * hours >= begin[number]) & (leaves + enters * hours <= end[number])
        if days.any():
            code, presets, words = told[number]
            for array, value, worse in (
                (lanes.speed, presets[0], np.minimum),
                (lanes.productivity, presets[1], np.minimum),
                (lanes.closure, presets[2], np.maximum),
                (lanes.severity, np.int8(code), np.maximum),
            ):
                array[lane, days] = worse(array[lane, days], value)
            found.append(_Warned(lane, days, scene.warnings["kind"][number], code, words))
    return found


def _warn_outlets(
    latitude: Floats, longitude: Floats, hours: NDArray[np.int64], length: int, scene: WeatherScene, effect: Effect
) -> list[_Warned]:
    places, numbers = stand_over(latitude, longitude, scene.areas)
    begin, end = _validity(scene.warnings)
    found = []
    for number in np.unique(numbers):
        under = places[numbers == number]
        # the hour that ends at h runs from h - 1
        active = np.flatnonzero((hours > begin[number]) & (hours - 1 < end[number]))
        if active.size == 0:
            continue
        code, presets, words = _preset(scene, int(number))
        block = np.ix_(under, active)
        effect.speed[block] = np.minimum(effect.speed[block], presets[0])
        effect.productivity[block] = np.minimum(effect.productivity[block], presets[1])
        effect.closure[block] = np.maximum(effect.closure[block], presets[2])
        effect.severity[block] = np.maximum(effect.severity[block], np.int8(code))
        days = np.zeros(hours.shape[0] // length, dtype=np.bool_)
        days[active // length] = True
        kind = scene.warnings["kind"][int(number)]
        found += [_Warned(int(place), days, kind, code, words) for place in under]
    return found


def _validity(warnings: pl.DataFrame) -> tuple[Floats, Floats]:
    begin, end = (warnings[name].dt.epoch("us").to_numpy() / 3.6e9 for name in ("onset", "expires"))
    return begin, end


def _preset(scene: WeatherScene, number: int) -> tuple[int, tuple[float, float, float], str]:
    row = scene.warnings.row(number, named=True)
    code = SEVERITIES.index(row["severity"])
    kind = kind_of_warning(row["kind"])
    words = f"warning {row['kind']} {row['severity']} ({row['warning_id']})"
    if kind is None:
        return code, (1.0, 1.0, 0.0), f"{words}, no effect known"
    speed, productivity, closure = (
        float(scene.tables.signalled("speed", kind)[code]),
        float(scene.tables.signalled("productivity", kind)[code]),
        float(scene.tables.signalled("closure", kind)[code]),
    )
    return code, (speed, productivity, closure), words


def _causes(
    touched: NDArray[np.bool_],
    worst: tuple[NDArray[np.int64], NDArray[np.int64]],
    local: LocalWeather,
    latitude: Floats,
    longitude: Floats,
    hours: NDArray[np.int64],
    scene: WeatherScene,
    warned: list[_Warned],
) -> list[list[str]]:
    """Cause of each touched key and day, as a list of rows; "" where nothing is worth telling."""
    words = [[""] * touched.shape[1] for _ in range(touched.shape[0])]
    key, day = np.nonzero(touched)
    place, hour = worst[0][key, day], worst[1][key, day]
    moments, stamp = np.unique(hours[place, hour], return_inverse=True)
    wall = [datetime.fromtimestamp(int(each) * 3600, tz=UTC).astimezone(scene.zone) for each in moments]
    clock = [f"{each:%m-%d %H:%M}" for each in wall]
    at = [f"{north:.2f}, {east:.2f}" for north, east in zip(latitude, longitude, strict=True)]
    parts = describe(local, scene.tables, place, hour)
    cells = zip(key.tolist(), day.tolist(), parts, place.tolist(), stamp.tolist(), strict=True)
    for one, when, part, where, moment in cells:
        if part:
            words[one][when] = f"{part} near {at[where]} at {clock[moment]}"
    for (one, when), told in _worst_of_each_kind(warned).items():
        before = [words[one][when]] if words[one][when] else []
        words[one][when] = "; ".join(before + told)
    return words


def _worst_of_each_kind(warned: list[_Warned]) -> dict[tuple[int, int], list[str]]:
    """Words of the warnings over each key and day; of several colours of one kind only the worst."""
    worst: dict[tuple[int, int], dict[str, tuple[int, str]]] = {}
    for warning in warned:
        for day in np.flatnonzero(warning.days).tolist():
            kinds = worst.setdefault((warning.key, day), {})
            kinds[warning.kind] = max(kinds.get(warning.kind, (0, "")), (warning.code, warning.words))
    return {cell: [words for _, words in kinds.values()] for cell, kinds in worst.items()}


def _rows(
    key: str,
    ids: Sequence[str],
    days: Sequence[date],
    known: NDArray[np.bool_],
    speed: Floats,
    capacity: Floats,
    closure: Floats,
    severity: NDArray[np.int8],
    causes: list[list[str]],
) -> pl.DataFrame:
    picked, day = np.nonzero(known)
    frame = pl.DataFrame(
        {
            "date": pl.Series(list(days), dtype=pl.Date).gather(day),
            key: pl.Series(list(ids), dtype=pl.String).gather(picked),
            "speed_factor": speed[picked, day],
            "capacity_factor": capacity[picked, day],
            "closure_probability": closure[picked, day],
            "severity": pl.Series(SEVERITIES, dtype=pl.String).gather(severity[picked, day].astype(np.uint32)),
            "cause": pl.Series(
                [causes[one][when][:4000] for one, when in zip(picked, day, strict=True)], dtype=pl.String
            ),
        }
    )
    return frame.sort("date", key)


def _no_rows(key: str) -> pl.DataFrame:
    numbers = dict.fromkeys(("speed_factor", "capacity_factor", "closure_probability"), pl.Float64)
    return pl.DataFrame(schema={"date": pl.Date, key: pl.String, **numbers, "severity": pl.String, "cause": pl.String})


def hours_needed(days: Sequence[date], longest_transit: float, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the first and last moment whose weather can matter to departures and work on ``days``.

    Parameters
    ----------
    days
        Days looked at, at least one.
    longest_transit
        Longest ``transit_hours`` of a lane [h].
    zone
        Time zone of the workspace.
    """
    first = datetime.combine(min(days), datetime.min.time(), tzinfo=zone) - timedelta(hours=13)
    last = datetime.combine(max(days), datetime.min.time(), tzinfo=zone) + timedelta(hours=48 + longest_transit)
    return first.astimezone(UTC), last.astimezone(UTC)
