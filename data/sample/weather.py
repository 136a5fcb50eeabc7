"""Weather over the sample: fronts that cross the country, what was measured, what is forecast, and what it does to volumes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from data.geography import great_circle_km
from data.sample.network import Network
from data.sample.places import all_cities
from data.sample.scale import AS_OF, FIRST_DAY, Scale, all_days, history_length, stream

Floats = npt.NDArray[np.float64]

STEP_HOURS = 6
# A row speaks of the time before it, and a business date is China's day: it has the row of 18 h UTC of the day before (2 h in the
# morning there) to that of 12 h UTC. As a number of steps before the first row of the day in UTC:
_EARLIER_STEPS = 1
FORECAST_DAYS = 16
FORECAST_STEP_HOURS = 3
# Days between two fronts somewhere in the country.
_FRONT_EVERY_DAYS = 2.2
# No outlet is farther from a point than this, as long as there are points enough [km].
_POINT_SPACING_KM = 130.0
# Normal visibility [m].
_CLEAR_M = 20_000.0

# What a day's fresh snow and rain at a hub do to the parcels it sends and receives that day (the truth that is kept):
# factor = exp(-rate * amount), of rain what falls above a moderate day's 10 mm, and most of what is lost comes in the next days.
SNOW_OUT_A_CM, SNOW_IN_A_CM = 0.022, 0.012
RAIN_OUT_A_MM, RAIN_IN_A_MM = 0.0012, 0.0008
WET_DAY_MM = 10.0
RETURN_NEXT_DAYS = (0.45, 0.30, 0.10)
# Hours it adds to the way of a parcel at either end, at most a night's worth; deep snow stops the lanes for a day.
HOURS_A_CM, HOURS_A_MM, HOURS_OF_FOG, MOST_HOURS = 0.8, 0.05, 3.0, 20.0
STOPPING_SNOW_CM, STOPPED_HOURS = 12.0, 24.0
THICK_FOG_M = 200.0


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
        wanted = served if np.where(served, apart, 0.0).max() > _POINT_SPACING_KM else useful
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
    count = int(end / 24.0 / _FRONT_EVERY_DAYS)
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
    visibility = _CLEAR_M / (1.0 + 0.5 * precipitation + 9.0 * snowfall)
    month_day = (FIRST_DAY.timetuple().tm_yday + hours / 24.0) % 365.25
    cold = np.cos(2.0 * np.pi * (month_day - 350.0) / 365.25) > 0.3
    # Eight in the morning in China is midnight UTC: the first step of a day.
    dawn = hours % 24.0 == 0.0
    fog = random.random(precipitation.shape) < 0.03 * (cold & dawn)[None, :] * (temperature > -8.0)
    thick = np.exp(random.uniform(np.log(60.0), np.log(900.0), precipitation.shape))
    return np.clip(np.where(fog, np.minimum(visibility, thick), visibility), 30.0, _CLEAR_M)


def volume_factors(weather: Weather, hubs: int) -> tuple[Floats, Floats]:
    """Compute what the weather of each day does to the parcels a hub sends and receives.

    Parameters
    ----------
    weather
        The weather.
    hubs
        Number of hubs; they are the first points.

    Returns
    -------
    out, in
        Factors of shape (hubs, days), 1 without effect; above 1 where held-back parcels come later.
    """
    snow = _by_day(weather.snowfall[:hubs]).sum(axis=2) * STEP_HOURS
    rain = _by_day((weather.precipitation - weather.snowfall)[:hubs]).sum(axis=2) * STEP_HOURS
    wet = np.maximum(rain - WET_DAY_MM, 0.0)
    out = np.exp(-SNOW_OUT_A_CM * snow - RAIN_OUT_A_MM * wet)
    into = np.exp(-SNOW_IN_A_CM * snow - RAIN_IN_A_MM * wet)
    return _with_return(np.maximum(out, 0.35)), _with_return(np.maximum(into, 0.5))


def hours_added(weather: Weather, hubs: int, days: int) -> Floats:
    """Compute the hours that the weather at a hub adds to the way of parcels.

    Parameters
    ----------
    weather
        The weather.
    hubs
        Number of hubs; they are the first points.
    days
        Days wanted, the last of them the as-of date.

    Returns
    -------
    numpy.ndarray
        Shape (hubs, days + 1): one day more than asked for, the day after the as-of date [hours].
    """
    begin = history_length() - days
    wanted = slice(begin, begin + days + 1)
    snow = _by_day(weather.snowfall[:hubs])[:, wanted].sum(axis=2) * STEP_HOURS
    rain = _by_day((weather.precipitation - weather.snowfall)[:hubs])[:, wanted].sum(axis=2) * STEP_HOURS
    fog = (_by_day(weather.visibility[:hubs])[:, wanted] < THICK_FOG_M).any(axis=2)
    slower = np.minimum(HOURS_A_CM * snow + HOURS_A_MM * rain + HOURS_OF_FOG * fog, MOST_HOURS)
    added: Floats = slower + STOPPED_HOURS * (snow > STOPPING_SNOW_CM)
    return added


def _by_day(series: Floats) -> Floats:
    """Lay steps out by business date, shape (places, days, steps a day); the first date repeats its first step."""
    per_day = 24 // STEP_HOURS
    shifted = np.concatenate([series[:, :_EARLIER_STEPS], series[:, :-_EARLIER_STEPS]], axis=1)
    return shifted.reshape(len(series), series.shape[1] // per_day, per_day)


def _with_return(factor: Floats) -> Floats:
    lost = 1.0 - factor
    later = factor.copy()
    for delay, share in enumerate(RETURN_NEXT_DAYS, start=1):
        later[:, delay:] += share * lost[:, :-delay]
    return later


def list_observations(weather: Weather) -> pl.DataFrame:
    """List what was measured up to the as-of date: table ``weather_observations``."""
    steps = history_length() * 24 // STEP_HOURS - _EARLIER_STEPS
    start = datetime.combine(FIRST_DAY, time(), UTC)
    times = [start + timedelta(hours=STEP_HOURS * number) for number in range(steps)]
    values = [series[:, :steps] for series in _series(weather)]
    return _rows(weather.points, times, values, None)


def list_forecasts(weather: Weather, seed: int) -> pl.DataFrame:
    """List the forecast issued on the as-of date: table ``weather_forecasts``; its error grows with the lead."""
    random = stream(seed, "weather-forecast")
    issued = datetime.combine(AS_OF, time(12), UTC)
    earlier = _EARLIER_STEPS * STEP_HOURS
    start = datetime.combine(AS_OF + timedelta(days=1), time(), UTC) - timedelta(hours=earlier)
    leads = np.arange(0.0, FORECAST_DAYS * 24.0, FORECAST_STEP_HOURS)
    position = (history_length() * 24.0 - earlier + leads) / STEP_HOURS
    temperature, precipitation, snowfall, wind, visibility = (_between(series, position) for series in _series(weather))
    drift = np.sqrt(1.0 + leads / 24.0)[None, :]
    shape = temperature.shape
    temperature = temperature + 0.5 * drift * random.standard_normal(shape)
    amount = np.exp(0.10 * drift * random.standard_normal(shape) - 0.005 * drift**2)
    times = [start + timedelta(hours=float(lead)) for lead in leads]
    values = [temperature, precipitation * amount, snowfall * amount, wind, visibility]
    return _rows(weather.points, times, values, issued)


def _series(weather: Weather) -> list[Floats]:
    return [weather.temperature, weather.precipitation, weather.snowfall, weather.wind, weather.visibility]


def _between(series: Floats, position: Floats) -> Floats:
    lower = np.floor(position).astype(np.int64)
    upper = np.minimum(lower + 1, series.shape[1] - 1)
    part = position - lower
    between: Floats = series[:, lower] * (1.0 - part) + series[:, upper] * part
    return between


def _rows(points: pl.DataFrame, times: list[datetime], values: list[Floats], issued: datetime | None) -> pl.DataFrame:
    names = ("temperature_c", "precipitation_mm", "snowfall_cm", "wind_speed_ms", "visibility_m")
    decimals = (1, 2, 2, 1, 0)
    moment = pl.Datetime("us", "UTC")
    return pl.DataFrame(
        {
            "issued_at": pl.repeat(issued, len(times) * points.height, dtype=moment, eager=True),
            "valid_at": pl.Series(times, dtype=moment).gather(np.repeat(np.arange(len(times)), points.height)),
            "latitude": np.tile(points["latitude"].to_numpy(), len(times)),
            "longitude": np.tile(points["longitude"].to_numpy(), len(times)),
        }
        | {
            name: series.T.ravel().round(places) + 0.0
            for name, series, places in zip(names, values, decimals, strict=True)
        }
    )


def list_warnings(weather: Weather) -> pl.DataFrame:
    """List the warnings of the season's two fronts, those to come included, each with when it is issued: table ``weather_warnings``.

    Warnings of the front at work on the as-of date are out by then, and an outlook for the blizzard is; its warnings are issued,
    updated and in the end cancelled in November.
    """
    rows = [*_eve_warnings(weather.eve_front), *_blizzard_warnings(weather.peak_front)]
    moments = ("issued_at", "onset", "expires")
    return (
        pl.DataFrame(rows, infer_schema_length=None)
        .with_columns(pl.col(*moments).cast(pl.Datetime("us", "UTC")), status=pl.lit("actual"))
        .sort("warning_id")
    )


def _warn(
    front: Front, kind: str, colour: str, hours: tuple[float, float, float], radii: float, words: tuple[str, str, str]
) -> dict[str, object]:
    """One warning around where its front then is.

    ``hours`` after the front's start it is issued, begins and ends; ``words`` are its certainty, urgency and text.
    """
    start = datetime.combine(FIRST_DAY, time(), UTC) + timedelta(hours=front.start)
    issued, first, last = hours
    age = min(max((first + last) / 2.0, 0.0), front.hours)
    centre = (front.latitude + front.north * age, front.longitude + front.east * age)
    return {
        "warning_id": f"{kind}-{colour}-{start:%Y%m%d}",
        "kind": kind,
        "severity": colour,
        "issued_at": start + timedelta(hours=issued),
        "onset": start + timedelta(hours=first),
        "expires": start + timedelta(hours=last),
        "area": _ellipse(*centre, radii * front.radius_km),
        "source": "Sample Weather Service",
        "certainty": words[0],
        "urgency": words[1],
        "text": words[2],
        "message_type": "alert",
        "supersedes": None,
    }


def _eve_warnings(front: Front) -> list[dict[str, object]]:
    colours = (("blue", 2.2, 2, 30), ("yellow", 1.6, 6, 36), ("orange", 1.05, 10, 42), ("red", 0.45, 14, 34))
    rows = [
        _warn(
            front,
            "snow",
            colour,
            (first - 2.0, first, last + 12.0),
            radii,
            ("likely", "immediate", f"Snowstorm warning, {colour}: snow on expressways, ice at night."),
        )
        for colour, radii, first, last in colours
    ]
    text = "Road ice warning, orange: wet roads freeze behind the front."
    return [*rows, _warn(front, "ice", "orange", (12.0, 15.0, 57.0), 1.0, ("likely", "immediate", text))]


def _blizzard_warnings(front: Front) -> list[dict[str, object]]:
    """Outlook, warning, update, ice, and the cancelling of what is left of it."""
    outlook_at = (AS_OF - FIRST_DAY).days * 24.0 + 2.0 - front.start
    outlook = _warn(
        front,
        "snow",
        "yellow",
        (outlook_at, 6.0, 84.0),
        1.3,
        (
            "possible",
            "future",
            "Snowstorm outlook, yellow: a cold front may bring heavy snow to the north around 11 November.",
        ),
    )
    warning = _warn(
        front,
        "snow",
        "orange",
        (-30.0, 6.0, 84.0),
        1.2,
        ("likely", "expected", "Snowstorm warning, orange: heavy snow from Inner Mongolia to the coast."),
    )
    worse = _warn(
        front,
        "snow",
        "red",
        (10.0, 18.0, 66.0),
        0.9,
        ("observed", "immediate", "Snowstorm warning, red: more than 15 mm in 6 hours; expressways closed in part."),
    )
    text = "Road ice warning, orange: roads freeze behind the blizzard."
    ice = _warn(front, "ice", "orange", (20.0, 30.0, 84.0), 1.0, ("likely", "expected", text))
    over = _warn(
        front,
        "snow",
        "blue",
        (60.0, 60.0, 66.0),
        0.9,
        ("observed", "past", "The snowstorm warning, red, is cancelled."),
    )
    changes = ((warning, "update", outlook), (worse, "update", warning), (over, "cancel", worse))
    for row, message_type, before in changes:
        row |= {"message_type": message_type, "supersedes": before["warning_id"]}
    return [outlook, warning, worse, ice, over]


def _ellipse(latitude: float, longitude: float, radius_km: float) -> str:
    """A polygon of 24 corners around a centre, wider from west to east, as GeoJSON text."""
    angle = np.linspace(0.0, 2.0 * np.pi, 25)
    north = radius_km / 111.2 * 0.8 * np.sin(angle)
    east = radius_km / (111.2 * np.cos(np.radians(latitude))) * np.cos(angle)
    ring = [
        [round(longitude + e, 3), round(latitude + n, 3)] for e, n in zip(east.tolist(), north.tolist(), strict=True)
    ]
    ring[-1] = ring[0]
    return json.dumps({"type": "Polygon", "coordinates": [ring]}, separators=(",", ":"))
