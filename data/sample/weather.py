"""Weather over the sample: fronts that cross the country, what was measured, what is forecast, and what it does to volumes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from data.arrays import Floats
from data.constants import constant
from data.geography import great_circle_km
from data.sample.network import Network
from data.sample.places import all_cities
from data.sample.scale import AS_OF, FIRST_DAY, Scale, all_days, stream

STEP_HOURS = 6
# A row speaks of the time before it, and a business date is China's day: it has the row of 18 h UTC of the day before (2 h in the
# morning there) to that of 12 h UTC. As a number of steps before the first row of the day in UTC:
EARLIER_STEPS = 1


@dataclass(frozen=True)
class WeatherGround:
    """How the sample"s weather is laid out."""

    front_every: float = constant(2.2, "days", "between two fronts somewhere in the country", "judgement")
    spacing: float = constant(
        130.0, "km", "that an outlet is from a point at most, as long as there are points enough", "judgement"
    )
    clear: float = constant(20_000.0, "m", "normal visibility", "judgement")


LAID = WeatherGround()


@dataclass(frozen=True)
class Front:
    """A front that crosses the country.

    Parameters
    ----------
    start
        Hours since the first hour of the sample [hours].
    hours
        How long it lives [hours].
    latitude, longitude
        Where its centre begins [degrees].
    north, east
        Where it goes [degrees/hour].
    radius_km
        Size: one standard deviation of its rain [km].
    rain_mm
        Water in an hour at the centre [mm/h].
    chill_c
        Air it brings against the season [°C].
    """

    start: float
    hours: float
    latitude: float
    longitude: float
    north: float
    east: float
    radius_km: float
    rain_mm: float
    chill_c: float


@dataclass(frozen=True)
class Weather:
    """Weather on points over all steps of history and future, arrays of shape (points, steps).

    Parameters
    ----------
    points
        ``latitude``, ``longitude``, one row a point; the first ones are the hubs.
    temperature, precipitation, snowfall, wind, visibility
        [°C], [mm/h of water, snow melted], [cm/h], [m/s], [m].
    eve_front, peak_front
        The snow fronts at work on the as-of date, with warnings out, and on the season's main days, a northern blizzard.
    """

    points: pl.DataFrame
    temperature: Floats
    precipitation: Floats
    snowfall: Floats
    wind: Floats
    visibility: Floats
    eve_front: Front
    peak_front: Front


def make_weather(network: Network, scale: Scale, seed: int) -> Weather:
    """Make the weather of every point and step, with a blizzard over the north on the main days of the last season."""
    random = stream(seed, "weather")
    points = _choose_points(network, scale)
    latitude, longitude = points["latitude"].to_numpy(), points["longitude"].to_numpy()
    steps = len(all_days()) * 24 // STEP_HOURS
    hours: Floats = np.arange(steps, dtype=np.float64) * STEP_HOURS
    temperature = _climate(latitude, hours) + _slow_noise(random, latitude, longitude, steps, 2.0)
    precipitation = np.zeros((len(latitude), steps))
    eve_front, peak_front = _eve_front(), _peak_front()
    for front in [*_ordinary_fronts(random, hours[-1]), eve_front, peak_front]:
        _add_front(front, latitude, longitude, hours, temperature, precipitation)
    precipitation = np.where(precipitation < 0.05, 0.0, precipitation * random.gamma(4.0, 0.25, precipitation.shape))
    # Below one degree it snows; a millimetre of water is a centimetre of snow.
    snowfall = np.where(temperature < 1.0, precipitation, 0.0)
    wind = np.clip(3.0 + 1.2 * random.standard_normal(precipitation.shape) + 0.9 * precipitation, 0.3, 35.0)
    visibility = _see(random, temperature, precipitation, snowfall, hours)
    return Weather(points, temperature, precipitation, snowfall, wind, visibility, eve_front, peak_front)


def _choose_points(network: Network, scale: Scale) -> pl.DataFrame:
    """The hubs, then cities each as far as can be from all points before it: those with outlets first, then any."""
    places = pl.concat(
        [frame.select("latitude", "longitude") for frame in (network.hubs, network.cities, all_cities())]
    ).to_numpy()
    latitude, longitude = places[:, 0], places[:, 1]
    served = np.arange(len(places)) < network.hubs.height + network.cities.height
    # What lies beyond the westernmost hub touches no lane.
    useful = longitude >= float(network.hubs["longitude"].to_numpy().min()) - 2.0
    chosen = list(range(network.hubs.height))
    apart = great_circle_km(latitude[:, None], longitude[:, None], latitude[chosen], longitude[chosen]).min(axis=1)
    while len(chosen) < max(scale.weather_points, network.hubs.height):
        wanted = served if np.where(served, apart, 0.0).max() > LAID.spacing else useful
        farthest = int(np.argmax(np.where(wanted, apart, 0.0)))
        chosen.append(farthest)
        apart = np.minimum(apart, great_circle_km(latitude, longitude, latitude[farthest], longitude[farthest]))
    return pl.DataFrame({"latitude": latitude[chosen].round(4), "longitude": longitude[chosen].round(4)})


def _climate(latitude: Floats, hours: Floats) -> Floats:
    """Normal temperature: a yearly wave that grows to the north, and a daily one."""
    day = hours / 24.0 + FIRST_DAY.timetuple().tm_yday
    mean = 27.0 - 0.62 * (latitude - 20.0)
    swing = 4.0 + 0.62 * (latitude - 18.0)
    year = np.cos(2.0 * np.pi * (day - 200.0) / 365.25)
    local = np.cos(2.0 * np.pi * (hours % 24.0 - 6.0) / 24.0)
    climate: Floats = mean[:, None] + swing[:, None] * year[None, :] + 4.0 * local[None, :]
    return climate


def _slow_noise(random: np.random.Generator, latitude: Floats, longitude: Floats, steps: int, size: float) -> Floats:
    """Noise that points near each other share, from a few waves over the map that drift for days."""
    waves = 6
    turn = random.uniform(-0.25, 0.25, (waves, 2))
    phase = random.uniform(0.0, 2.0 * np.pi, waves)
    speed = random.uniform(0.02, 0.09, waves)
    place = turn @ np.vstack([latitude, longitude])
    angles = place[:, :, None] + phase[:, None, None] + speed[:, None, None] * np.arange(steps)[None, None, :]
    noise: Floats = size * np.sin(angles).sum(axis=0) / np.sqrt(waves / 2.0)
    return noise


def _ordinary_fronts(random: np.random.Generator, end: float) -> list[Front]:
    count = int(end / 24.0 / LAID.front_every)
    starts = np.sort(random.uniform(0.0, end, count))
    # The days of the season's two fronts are kept free of others.
    for special in (_eve_front(), _peak_front()):
        starts = starts[(starts < special.start - 72.0) | (starts > special.start + 120.0)]
    # Summer rain comes with the monsoon and reaches north; winter fronts are dry and cold.
    summer = 0.5 - 0.5 * np.cos(2.0 * np.pi * (starts / 24.0 + FIRST_DAY.timetuple().tm_yday - 25.0) / 365.25)
    return [
        Front(
            start=start,
            hours=float(random.uniform(30.0, 72.0)),
            latitude=float(random.normal(28.0 + 5.0 * warm, 5.0)),
            longitude=float(random.uniform(98.0, 114.0)),
            north=float(random.normal(-0.03, 0.05)),
            east=float(random.uniform(0.12, 0.36)),
            radius_km=float(random.uniform(150.0, 420.0)),
            rain_mm=float(random.gamma(2.0, 0.15 + 0.95 * warm)),
            chill_c=float(random.uniform(2.0, 9.0)),
        )
        for start, warm in zip(starts.tolist(), summer.tolist(), strict=True)
    ]


def _eve_front() -> Front:
    """Snow in the north-east from the as-of date to the first wave."""
    start = (AS_OF - FIRST_DAY).days * 24.0
    return Front(start, 54.0, 43.5, 118.0, -0.04, 0.12, 300.0, 1.4, 13.0)


def _peak_front() -> Front:
    """Blizzard that crosses the north from 10 to 13 November of the last season."""
    start = (date(AS_OF.year, 11, 10) - FIRST_DAY).days * 24.0 - 6.0
    return Front(start, 84.0, 41.5, 109.0, -0.02, 0.13, 380.0, 1.1, 15.0)


def _add_front(
    front: Front, latitude: Floats, longitude: Floats, hours: Floats, temperature: Floats, precipitation: Floats
) -> None:
    first, last = np.searchsorted(hours, [front.start, front.start + front.hours])
    age = hours[first:last] - front.start
    away = great_circle_km(
        latitude[:, None],
        longitude[:, None],
        (front.latitude + front.north * age)[None, :],
        (front.longitude + front.east * age)[None, :],
    )
    strength = np.sin(np.pi * np.clip((age + 3.0) / (front.hours + 6.0), 0.0, 1.0))[None, :] ** 0.7
    precipitation[:, first:last] += front.rain_mm * strength * np.exp(-0.5 * (away / front.radius_km) ** 2)
    temperature[:, first:last] -= front.chill_c * strength * np.exp(-0.5 * (away / (1.5 * front.radius_km)) ** 2)


def _see(
    random: np.random.Generator, temperature: Floats, precipitation: Floats, snowfall: Floats, hours: Floats
) -> Floats:
    """Visibility: down with rain and more with snow; fog on some still mornings of the cold half of the year."""
    visibility = LAID.clear / (1.0 + 0.5 * precipitation + 9.0 * snowfall)
    month_day = (FIRST_DAY.timetuple().tm_yday + hours / 24.0) % 365.25
    cold = np.cos(2.0 * np.pi * (month_day - 350.0) / 365.25) > 0.3
    # Eight in the morning in China is midnight UTC: the first step of a day.
    dawn = hours % 24.0 == 0.0
    fog = random.random(precipitation.shape) < 0.03 * (cold & dawn)[None, :] * (temperature > -8.0)
    thick = np.exp(random.uniform(np.log(60.0), np.log(900.0), precipitation.shape))
    return np.clip(np.where(fog, np.minimum(visibility, thick), visibility), 30.0, LAID.clear)
