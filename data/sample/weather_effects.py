"""What the sample's weather does to its parcels: how many are sent and received, and how much longer they take."""

from __future__ import annotations

import numpy as np

from data.arrays import Floats
from data.sample.scale import history_length
from data.sample.weather import EARLIER_STEPS, STEP_HOURS, Weather

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
    shifted = np.concatenate([series[:, :EARLIER_STEPS], series[:, :-EARLIER_STEPS]], axis=1)
    return shifted.reshape(len(series), series.shape[1] // per_day, per_day)


def _with_return(factor: Floats) -> Floats:
    lost = 1.0 - factor
    later = factor.copy()
    for delay, share in enumerate(RETURN_NEXT_DAYS, start=1):
        later[:, delay:] += share * lost[:, :-delay]
    return later
