"""The sample's weather as tables: what was measured, what is forecast, which warnings are out."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time, timedelta

import numpy as np
import polars as pl

from data.arrays import Floats
from data.sample.scale import AS_OF, FIRST_DAY, history_length, stream
from data.sample.weather import EARLIER_STEPS, STEP_HOURS, Front, Weather

FORECAST_DAYS = 16
FORECAST_STEP_HOURS = 3


def list_observations(weather: Weather) -> pl.DataFrame:
    """List what was measured up to the as-of date: table ``weather_observations``."""
    steps = history_length() * 24 // STEP_HOURS - EARLIER_STEPS
    start = datetime.combine(FIRST_DAY, time(), UTC)
    times = [start + timedelta(hours=STEP_HOURS * number) for number in range(steps)]
    values = [series[:, :steps] for series in _series(weather)]
    return _rows(weather.points, times, values, None)


def list_forecasts(weather: Weather, seed: int) -> pl.DataFrame:
    """List the forecast issued on the as-of date: table ``weather_forecasts``; its error grows with the lead."""
    random = stream(seed, "weather-forecast")
    issued = datetime.combine(AS_OF, time(12), UTC)
    earlier = EARLIER_STEPS * STEP_HOURS
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
