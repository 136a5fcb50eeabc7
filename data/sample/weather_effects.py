"""What the sample's weather does to its parcels: how many are sent and received, and how much longer they take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.arrays import Floats
from data.constants import constant
from data.sample.scale import history_length
from data.sample.weather import EARLIER_STEPS, STEP_HOURS, Weather

# factor = exp(-rate * amount), of rain what falls above a moderate day's 10 mm, and most of what is lost comes in the next days.


@dataclass(frozen=True)
class PlantedWeather:
    """What a day's fresh snow and rain do to the parcels of a hub and to their way: the truth that is kept."""

    snow_out: float = constant(0.022, "log units/cm", "lost of the parcels sent, of a day's fresh snow", "judgement")
    snow_in: float = constant(0.012, "log units/cm", "lost of the parcels received", "judgement")
    rain_out: float = constant(
        0.0012, "log units/mm", "lost of the parcels sent, of a day's rain above what it does not notice", "judgement"
    )
    rain_in: float = constant(0.0008, "log units/mm", "lost of the parcels received", "judgement")
    dry: float = constant(
        10.0,
        "mm/day",
        "of rain that a courier's day does not notice",
        "published: CMA grades of rain, moderate from 10 mm",
    )
    least_out: float = constant(0.35, "1", "of the parcels sent that are left on any day", "judgement")
    least_in: float = constant(0.5, "1", "of the parcels received that are left on any day", "judgement")
    returned: tuple[float, ...] = constant(
        (0.45, 0.30, 0.10), "1", "of what is lost that comes on the next days", "judgement"
    )
    hours_a_cm: float = constant(
        0.8, "hours/cm", "of fresh snow, added to the way of a parcel at either end", "judgement"
    )
    hours_a_mm: float = constant(0.05, "hours/mm", "of rain, added to it", "judgement")
    hours_of_fog: float = constant(3.0, "hours", "added on a day of thick fog", "judgement")
    most_hours: float = constant(20.0, "hours", "added at most by these: a night's worth", "judgement")
    stopping_snow: float = constant(12.0, "cm/day", "of fresh snow that stops the lanes", "judgement")
    stopped: float = constant(24.0, "hours", "for which it stops them", "judgement")
    thick_fog: float = constant(200.0, "m", "of sight below which fog is thick", "judgement")


EFFECTS = PlantedWeather()


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
    wet = np.maximum(rain - EFFECTS.dry, 0.0)
    out = np.exp(-EFFECTS.snow_out * snow - EFFECTS.rain_out * wet)
    into = np.exp(-EFFECTS.snow_in * snow - EFFECTS.rain_in * wet)
    return _with_return(np.maximum(out, EFFECTS.least_out)), _with_return(np.maximum(into, EFFECTS.least_in))


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
    fog = (_by_day(weather.visibility[:hubs])[:, wanted] < EFFECTS.thick_fog).any(axis=2)
    slower = np.minimum(
        EFFECTS.hours_a_cm * snow + EFFECTS.hours_a_mm * rain + EFFECTS.hours_of_fog * fog, EFFECTS.most_hours
    )
    added: Floats = slower + EFFECTS.stopped * (snow > EFFECTS.stopping_snow)
    return added


def _by_day(series: Floats) -> Floats:
    """Lay steps out by business date, shape (places, days, steps a day); the first date repeats its first step."""
    per_day = 24 // STEP_HOURS
    shifted = np.concatenate([series[:, :EARLIER_STEPS], series[:, :-EARLIER_STEPS]], axis=1)
    return shifted.reshape(len(series), series.shape[1] // per_day, per_day)


def _with_return(factor: Floats) -> Floats:
    lost = 1.0 - factor
    later = factor.copy()
    for delay, share in enumerate(EFFECTS.returned, start=1):
        later[:, delay:] += share * lost[:, :-delay]
    return later
