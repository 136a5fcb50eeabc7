"""Trips along lanes: a clock that runs hour by hour, slowed by the weather and the warnings met on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.arrays import Floats
from weather.exposure.lane_places import LaneSamples, cross_areas
from weather.exposure.local_weather import Effect, LocalWeather, weather_over, work_out_effect
from weather.exposure.scene import WeatherScene

Whole = NDArray[np.int64]

SLOWEST = 0.1
"""A clock never runs slower than this share of a fair day's speed (judgement: below it a lane is closed, not slow)."""


@dataclass(frozen=True)
class Trips:
    """Departures looked at; every array has the shape (trips,).

    Parameters
    ----------
    lane
        Position of the lane.
    day
        Position of the day of departure.
    leaves
        Hours since 1970-01-01 UTC.
    """

    lane: Whole
    day: Whole
    leaves: Floats


@dataclass(frozen=True)
class Driven:
    """What trips met; every array but the last has the shape (trips,).

    Parameters
    ----------
    effect
        The worst met anywhere: least speed, capacity and productivity, highest closure probability and colour.
    known
        Whether anything was known of any hour on the road.
    place, hour
        Place (position in the samples) and hour of the worst.
    arrives
        Hours since 1970-01-01 UTC, by the slowed clock.
    met
        ``trip``, ``warning`` (positions): the warnings met.
    """

    effect: Effect
    known: NDArray[np.bool_]
    place: Whole
    hour: Whole
    arrives: Floats
    met: pl.DataFrame


def list_trips(samples: LaneSamples, days: Sequence[date], departures: pl.DataFrame) -> Trips:
    """List when each lane is left on each day.

    Parameters
    ----------
    samples
        The lanes.
    days
        Business dates.
    departures
        ``lane_id``, ``date``, ``leaves_at``: as ``data.departure_times.list_departures`` lists them. Other lanes and dates drop out.
    """
    lanes = pl.DataFrame({"lane_id": samples.lane_id}, schema={"lane_id": pl.String}).with_row_index("lane")
    dates = pl.DataFrame({"date": days}, schema={"date": pl.Date}).with_row_index("day")
    rows = departures.select("lane_id", "date", "leaves_at").unique(maintain_order=True)
    rows = rows.join(lanes, on="lane_id").join(dates, on="date").sort("lane", "day", "leaves_at")
    hours = rows["leaves_at"].dt.epoch("us").to_numpy() / 3.6e9
    return Trips(
        rows["lane"].to_numpy().astype(np.int64), rows["day"].to_numpy().astype(np.int64), hours.astype(np.float64)
    )


def drive(samples: LaneSamples, trips: Trips, scene: WeatherScene, crossings: pl.DataFrame | None = None) -> Driven:
    """Drive every trip hour by hour and keep the worst it meets.

    In the hour that ends at ``h`` a trip is between the place it has reached and the one it would reach at a fair day's
    speed: the weather at both counts, and every warning whose area lies between. The worst speed of that hour, by the share
    the lane's mode suffers, is how far it really comes; so a slowed trip meets the rest later. A flight meets what stands over
    the place it leaves and the one it reaches, and flies above the rest.

    Parameters
    ----------
    samples
        Places along lanes, no two more than an hour apart.
    trips
        Departures.
    scene
        What is known of the weather.
    crossings
        As ``exposure.cross_areas`` finds them; None looks.
    """
    settings = scene.settings
    index, weight = scene.grid.nearest(samples.latitude, samples.longitude, settings.radius_km, settings.neighbours)
    count = trips.lane.shape[0]
    worst = _neutral(count)
    known = np.zeros(count, dtype=np.bool_)
    place, hour = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    badness = np.full(count, np.inf)
    reached, clock = np.zeros(count), trips.leaves.astype(np.float64).copy()
    duration = np.maximum(samples.transit_hours[trips.lane], 1e-3)
    starts, steps = samples.starts[trips.lane], samples.steps[trips.lane]
    share = scene.tables.mode_shares(samples.mode)[0][trips.lane]
    flies = samples.flies[trips.lane]
    pairs = _Pairs.of(cross_areas(samples, scene.areas) if crossings is None else crossings, trips, scene)
    active = np.arange(count)
    while active.size:
        end = np.floor(clock[active] + 1e-9) + 1.0
        span = end - clock[active]
        begin = reached[active]
        ahead = np.minimum(begin + span / duration[active], 1.0)
        speed = np.ones(active.size)
        # of two equal places the one ahead is named
        for fraction in (ahead, begin):
            at = starts[active] + np.rint(fraction * steps[active]).astype(np.int64)
            local = weather_over(scene.grid, index[at], weight[at], end[:, None].astype(np.int64))
            met = _flat(work_out_effect(local, scene.tables))
            above = flies[active] & (fraction > 0.0) & (fraction < 1.0)
            _calm(met, above)
            known[active] |= local.known[:, 0] & ~above
            _keep_worst(worst, active, met)
            bad = met.speed * met.capacity * (1.0 - met.closure) - met.severity
            worse = bad < badness[active]
            chosen = active[worse]
            badness[chosen], place[chosen], hour[chosen] = bad[worse], at[worse], end[worse].astype(np.int64)
            speed = np.minimum(speed, met.speed)
        slowed = pairs.meet(reached, clock, ahead, end, active, worst)
        speed = np.maximum(1.0 - share[active] * (1.0 - np.minimum(speed, slowed)), SLOWEST)
        left = (1.0 - begin) * duration[active] / speed
        clock[active] = np.minimum(end, clock[active] + left)
        reached[active] = np.where(left <= span + 1e-9, 1.0, begin + span * speed / duration[active])
        active = active[reached[active] < 1.0]
    return Driven(worst, known, place, hour, clock, pairs.table())


@dataclass
class _Pairs:
    """Trips and the warned areas their lanes run through, with the part of the way inside."""

    trip: Whole
    warning: Whole
    enters: Floats
    exits: Floats
    onset: Floats
    expires: Floats
    presets: tuple[Floats, Floats, Floats, NDArray[np.int8]]
    met: NDArray[np.bool_]
    alive: Whole

    @classmethod
    def of(cls, crossings: pl.DataFrame, trips: Trips, scene: WeatherScene) -> _Pairs:
        trip_rows = pl.DataFrame({"lane": trips.lane, "trip": np.arange(trips.lane.shape[0])})
        pairs = crossings.join(trip_rows, on="lane", how="inner").sort("trip", "warning")
        warning = pairs["warning"].to_numpy().astype(np.int64)
        trip = pairs["trip"].to_numpy().astype(np.int64)
        onset, expires = (scene.warnings[name].dt.epoch("us").to_numpy() / 3.6e9 for name in ("onset", "expires"))
        made = cls(
            trip,
            warning,
            pairs["enters"].to_numpy(),
            pairs["leaves"].to_numpy(),
            onset[warning],
            expires[warning],
            scene.presets(),
            np.zeros(warning.shape[0], dtype=np.bool_),
            np.arange(warning.shape[0]),
        )
        made.alive = made.alive[made.expires >= trips.leaves[trip]]
        return made

    def meet(self, reached: Floats, clock: Floats, ahead: Floats, end: Floats, active: Whole, worst: Effect) -> Floats:
        """Let trips meet the warnings of this hour; returns the least speed of each active trip, shape (active,)."""
        slowed = np.ones(active.size)
        if self.alive.size == 0:
            return slowed
        position = np.full(reached.shape[0], -1, dtype=np.int64)
        position[active] = np.arange(active.size)
        trip = self.trip[self.alive]
        going = (
            (position[trip] >= 0) & (self.exits[self.alive] >= reached[trip]) & (self.expires[self.alive] > clock[trip])
        )
        self.alive = self.alive[going]
        trip = self.trip[self.alive]
        where = position[trip]
        now = (self.enters[self.alive] <= ahead[where]) & (self.onset[self.alive] < end[where])
        chosen = self.alive[now]
        if chosen.size:
            self.met[chosen] = True
            trip, warning = self.trip[chosen], self.warning[chosen]
            speed, productivity, closure, code = (each[warning] for each in self.presets)
            np.minimum.at(worst.speed, trip, speed)
            np.minimum.at(worst.productivity, trip, productivity)
            np.maximum.at(worst.closure, trip, closure)
            np.maximum.at(worst.severity, trip, code)
            np.minimum.at(slowed, position[trip], speed)
        return slowed

    def table(self) -> pl.DataFrame:
        return pl.DataFrame({"trip": self.trip[self.met], "warning": self.warning[self.met]})


def _neutral(count: int) -> Effect:
    return Effect(np.ones(count), np.ones(count), np.ones(count), np.zeros(count), np.zeros(count, dtype=np.int8))


def _flat(effect: Effect) -> Effect:
    return Effect(
        effect.speed[:, 0],
        effect.capacity[:, 0],
        effect.productivity[:, 0],
        effect.closure[:, 0],
        effect.severity[:, 0],
    )


def _calm(effect: Effect, where: NDArray[np.bool_]) -> None:
    """Take all effect away where something is true; ``effect`` modified in place."""
    for array in (effect.speed, effect.capacity, effect.productivity):
        array[where] = 1.0
    effect.closure[where], effect.severity[where] = 0.0, 0


def _keep_worst(worst: Effect, active: Whole, met: Effect) -> None:
    worst.speed[active] = np.minimum(worst.speed[active], met.speed)
    worst.capacity[active] = np.minimum(worst.capacity[active], met.capacity)
    worst.productivity[active] = np.minimum(worst.productivity[active], met.productivity)
    worst.closure[active] = np.maximum(worst.closure[active], met.closure)
    worst.severity[active] = np.maximum(worst.severity[active], met.severity)


def local_at(scene: WeatherScene, latitude: Floats, longitude: Floats, hours: Whole) -> LocalWeather:
    """Return the weather at places, each at one hour; arrays of shape (places, 1)."""
    settings = scene.settings
    index, weight = scene.grid.nearest(latitude, longitude, settings.radius_km, settings.neighbours)
    return weather_over(scene.grid, index, weight, hours[:, None])
