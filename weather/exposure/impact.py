"""What the weather does to each lane and outlet on each day: the tables ``lane_weather`` and ``outlet_weather``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.arrays import Floats
from data.progress import SILENT, Progress
from weather.effects.effect_tables import SEVERITIES
from weather.exposure.lane_places import LaneSamples, departure_hours, stand_over
from weather.exposure.local_weather import Effect, describe, weather_over, work_out_effect
from weather.exposure.scene import WeatherScene
from weather.exposure.trips import Driven, Trips, drive, list_trips, local_at

_TOLD_BELOW = 0.97
"""A capacity loss above this factor (cool air) alone is no cause worth telling."""


def assess_lanes(
    samples: LaneSamples,
    days: Sequence[date],
    scene: WeatherScene,
    departures: pl.DataFrame,
    crossings: pl.DataFrame | None = None,
    progress: Progress = SILENT,
) -> pl.DataFrame:
    """Work out what the weather does to lanes.

    A lane takes the worst of what its departures of a day meet in any hour they are on the road: see ``trips.drive``.

    Parameters
    ----------
    samples
        Places along the lanes.
    days
        Days of departure.
    scene
        What is known of the weather.
    departures
        When lanes are left: as ``data.departure_times.list_departures`` lists it.
    crossings
        As ``exposure.cross_areas`` finds them; None looks.
    progress
        Told how far the work is.

    Returns
    -------
    polars.DataFrame
        Columns of ``lane_weather`` without run_id, sorted by date and lane. A lane and day of which nothing is known, or
        on which it is not left, has no row.
    """
    count = len(samples.lane_id)
    trips = list_trips(samples, days, departures)
    if trips.lane.size == 0:
        return _no_rows("lane_id")
    driven = drive(samples, trips, scene, crossings)
    progress.step(2, 3, "weather and warnings along lanes")
    lanes, known, worst = _by_lane_day(trips, driven, (count, len(days)))
    speed_share, capacity_share, closure_share = scene.tables.mode_shares(samples.mode)
    speed = 1.0 - speed_share[:, None] * (1.0 - lanes.speed)
    capacity = 1.0 - capacity_share[:, None] * (1.0 - lanes.capacity)
    closure = closure_share[:, None] * lanes.closure
    touched = known & ((lanes.severity > 0) | (lanes.speed < 1.0) | (lanes.capacity < _TOLD_BELOW))
    places = driven.place[worst[touched]]
    at = (samples.latitude[places], samples.longitude[places], driven.hour[worst[touched]])
    met = driven.met.with_columns(
        key=pl.Series(trips.lane[driven.met["trip"].to_numpy()]),
        day=pl.Series(trips.day[driven.met["trip"].to_numpy()]),
    )
    causes = _causes(touched, at, scene, met)
    progress.step(3, 3, "lanes")
    effects = _DayEffects(known, speed, capacity, closure, lanes.severity, causes)
    return _rows("lane_id", samples.lane_id, days, effects)


def _by_lane_day(
    trips: Trips, driven: Driven, shape: tuple[int, int]
) -> tuple[Effect, NDArray[np.bool_], NDArray[np.int64]]:
    """The worst of the trips of each lane and day, whether anything is known, and which trip was worst."""
    where = (trips.lane, trips.day)
    lanes = Effect(np.ones(shape), np.ones(shape), np.ones(shape), np.zeros(shape), np.zeros(shape, dtype=np.int8))
    effect = driven.effect
    for array, values in ((lanes.speed, effect.speed), (lanes.capacity, effect.capacity)):
        np.minimum.at(array, where, values)
    np.minimum.at(lanes.productivity, where, effect.productivity)
    np.maximum.at(lanes.closure, where, effect.closure)
    np.maximum.at(lanes.severity, where, effect.severity)
    known = np.zeros(shape, dtype=np.bool_)
    trips_known = driven.known.copy()
    trips_known[driven.met["trip"].to_numpy()] = True
    np.logical_or.at(known, where, trips_known)
    # the worst trip is written last
    badness = effect.speed * effect.capacity * (1.0 - effect.closure) - effect.severity
    order = np.lexsort((-np.arange(badness.size), -badness))
    worst = np.zeros(shape, dtype=np.int64)
    worst[trips.lane[order], trips.day[order]] = order
    return lanes, known, worst


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
    met = _warn_outlets(latitude, longitude, hours[0], length, scene, effect)
    known[met["key"].to_numpy(), met["day"].to_numpy()] = True
    loss = (effect.productivity * effect.speed).reshape(shape)
    worst_hour = loss.argmin(axis=2)
    speed = effect.speed.reshape(shape).mean(axis=2)
    productivity = effect.productivity.reshape(shape).mean(axis=2)
    closure = effect.closure.reshape(shape).max(axis=2)
    severity = effect.severity.reshape(shape).max(axis=2)
    touched = known & ((severity > 0) | (speed < 1.0) | (productivity < 1.0))
    column = np.arange(len(days))[None, :] * length + worst_hour
    outlet = np.nonzero(touched)[0]
    causes = _causes(touched, (latitude[outlet], longitude[outlet], hours[0][column[touched]]), scene, met)
    progress.step(2, 2, "outlets")
    ids = placed["outlet_id"].to_list()
    return _rows("outlet_id", ids, days, _DayEffects(known, speed, productivity, closure, severity, causes))


def _warn_outlets(
    latitude: Floats, longitude: Floats, hours: NDArray[np.int64], length: int, scene: WeatherScene, effect: Effect
) -> pl.DataFrame:
    """Let warnings work on outlets; returns who met which: ``key``, ``day``, ``warning`` (positions)."""
    places, numbers = stand_over(latitude, longitude, scene.areas)
    begin, end = (scene.warnings[name].dt.epoch("us").to_numpy() / 3.6e9 for name in ("onset", "expires"))
    speed, productivity, closure, code = scene.presets()
    found = []
    for number in np.unique(numbers).tolist():
        under = places[numbers == number]
        # the hour that ends at h runs from h - 1
        active = np.flatnonzero((hours > begin[number]) & (hours - 1 < end[number]))
        if active.size == 0:
            continue
        block = np.ix_(under, active)
        effect.speed[block] = np.minimum(effect.speed[block], speed[number])
        effect.productivity[block] = np.minimum(effect.productivity[block], productivity[number])
        effect.closure[block] = np.maximum(effect.closure[block], closure[number])
        effect.severity[block] = np.maximum(effect.severity[block], code[number])
        days = np.unique(active // length)
        found.append(
            pl.DataFrame({"key": np.repeat(under, days.size), "day": np.tile(days, under.size)}).with_columns(
                warning=pl.lit(number, dtype=pl.Int64)
            )
        )
    nothing = pl.DataFrame(schema={"key": pl.Int64, "day": pl.Int64, "warning": pl.Int64})
    return pl.concat([nothing, *found])


def _causes(
    touched: NDArray[np.bool_],
    at: tuple[Floats, Floats, NDArray[np.int64]],
    scene: WeatherScene,
    met: pl.DataFrame,
) -> list[list[str]]:
    """Cause of each touched key and day, as a list of rows; "" where nothing is worth telling.

    ``at`` holds latitude, longitude and hour of the worst of each touched cell, ``met`` the warnings met (``key``, ``day``,
    ``warning``).
    """
    words = [[""] * touched.shape[1] for _ in range(touched.shape[0])]
    latitude, longitude, hour = at
    local = local_at(scene, latitude, longitude, hour)
    moments, stamp = np.unique(hour, return_inverse=True)
    wall = [datetime.fromtimestamp(int(each) * 3600, tz=UTC).astimezone(scene.zone) for each in moments]
    clock = [f"{each:%m-%d %H:%M}" for each in wall]
    place = np.arange(latitude.shape[0])
    parts = describe(local, scene.tables, place, np.zeros_like(place))
    key, day = np.nonzero(touched)
    for one, when, part, number in zip(key.tolist(), day.tolist(), parts, place.tolist(), strict=True):
        if part:
            near = f"{latitude[number]:.2f}, {longitude[number]:.2f}"
            words[one][when] = f"{part} near {near} at {clock[stamp[number]]}"
    for one, when, sentence in _worst_of_each_kind(scene, met).iter_rows():
        words[one][when] = "; ".join([words[one][when], *sentence] if words[one][when] else sentence)
    return words


def _worst_of_each_kind(scene: WeatherScene, met: pl.DataFrame) -> pl.DataFrame:
    """Words of the warnings over each key and day (``key``, ``day``, ``words``); of several colours of one kind the worst."""
    numbers = range(scene.warnings.height)
    texts = pl.DataFrame(
        {
            "warning": list(numbers),
            "kind": scene.warnings["kind"],
            "code": scene.presets()[3],
            "words": [scene.warning_words(number) for number in numbers],
        },
        schema_overrides={"warning": pl.Int64, "words": pl.String},
    )
    joined = met.select("key", "day", "warning").unique().join(texts, on="warning").sort("key", "day", "warning")
    worst = joined.sort("code", "words", descending=[True, False], maintain_order=True)
    worst = worst.unique(["key", "day", "kind"], keep="first", maintain_order=True).sort("key", "day", "warning")
    return worst.group_by("key", "day", maintain_order=True).agg("words")


class _DayEffects(NamedTuple):
    """What the weather does to each lane or outlet on each day, arrays of [keys x days]."""

    known: NDArray[np.bool_]
    speed: Floats
    capacity: Floats
    closure: Floats
    severity: NDArray[np.int8]
    causes: list[list[str]]


def _rows(key: str, ids: Sequence[str], days: Sequence[date], effects: _DayEffects) -> pl.DataFrame:
    picked, day = np.nonzero(effects.known)
    frame = pl.DataFrame(
        {
            "date": pl.Series(list(days), dtype=pl.Date).gather(day),
            key: pl.Series(list(ids), dtype=pl.String).gather(picked),
            "speed_factor": effects.speed[picked, day],
            "capacity_factor": effects.capacity[picked, day],
            "closure_probability": effects.closure[picked, day],
            "severity": pl.Series(SEVERITIES, dtype=pl.String).gather(effects.severity[picked, day].astype(np.uint32)),
            "cause": pl.Series(
                [effects.causes[one][when][:4000] for one, when in zip(picked, day, strict=True)], dtype=pl.String
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
