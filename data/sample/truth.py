"""The truth behind a sample: what made its numbers, kept so that a test can ask whether a model found it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from data.sample import weather
from data.sample.network import Network
from data.sample.scale import all_days
from data.sample.seasons import WAVES, DayFactors

Floats = npt.NDArray[np.float64]
FOLDER = "truth"


@dataclass(frozen=True)
class Truth:
    """What made the numbers of a sample.

    Parameters
    ----------
    day_factors
        ``date``, ``growth``, ``season``, ``weekday``, ``holiday``, ``noise``, one column ``wave: NAME`` a shopping wave (excess over
        a normal day) and ``excess``, their sum.
    event_effects
        ``name``, ``edition``, ``height`` (excess of the peak day over a normal day), ``delay_days``.
    weather_effects
        ``effect``, ``rate``, ``unit``.
    weather_factors
        ``date``, ``hub_id``, ``out``, ``in``: factors on what the hub sends and receives; only rows that differ from 1.
    future_volumes
        Columns of ``route_volumes``: the parcels of the days after the as-of date, in truth.
    """

    day_factors: pl.DataFrame
    event_effects: pl.DataFrame
    weather_effects: pl.DataFrame
    weather_factors: pl.DataFrame
    future_volumes: pl.DataFrame


def tell_truth(
    network: Network, factors: DayFactors, sky: weather.Weather, out: Floats, into: Floats, future: pl.DataFrame
) -> Truth:
    """Put the truth behind a sample into tables."""
    waves = {f"wave: {name}": excess for name, excess in factors.waves.items()}
    day_factors = pl.DataFrame(
        {
            "date": factors.days,
            "growth": factors.growth,
            "season": factors.season,
            "weekday": factors.weekday,
            "holiday": factors.holiday,
            "noise": factors.noise.astype(np.float64),
            **waves,
            "excess": factors.excess,
        }
    )
    events = [(name, year, *effect) for name, editions in WAVES.items() for year, effect in editions.items()]
    day, hub = np.nonzero((np.abs(out - 1.0) + np.abs(into - 1.0)).T > 1e-6)
    return Truth(
        day_factors=day_factors,
        event_effects=pl.DataFrame(events, schema=["name", "edition", "height", "delay_days"], orient="row"),
        weather_effects=_weather_effects(sky),
        weather_factors=pl.DataFrame(
            {
                "date": pl.Series(all_days()).gather(day),
                "hub_id": pl.Series(network.hub_ids).gather(hub),
                "out": out[hub, day],
                "in": into[hub, day],
            }
        ),
        future_volumes=future.sort("date", "courier_id", "origin_hub_id", "destination_hub_id"),
    )


def _weather_effects(sky: weather.Weather) -> pl.DataFrame:
    rows = [
        ("snow on parcels sent", weather.SNOW_OUT_A_CM, "log units per cm of fresh snow a day"),
        ("snow on parcels received", weather.SNOW_IN_A_CM, "log units per cm of fresh snow a day"),
        ("rain on parcels sent", weather.RAIN_OUT_A_MM, "log units per mm of rain a day above 5"),
        ("rain on parcels received", weather.RAIN_IN_A_MM, "log units per mm of rain a day above 5"),
        *(
            (f"returned after {n} days", share, "share of what was lost")
            for n, share in enumerate(weather.RETURN_NEXT_DAYS, 1)
        ),
        ("snow on the way of a parcel", weather.HOURS_A_CM, "hours per cm of fresh snow a day at either end"),
        ("rain on the way of a parcel", weather.HOURS_A_MM, "hours per mm of rain a day at either end"),
        ("fog on the way of a parcel", weather.HOURS_OF_FOG, "hours per day with less than 200 m of sight"),
        ("snow that stops lanes", weather.STOPPING_SNOW_CM, "cm of fresh snow a day; the way takes a day more"),
        ("snow front of the eve starts", sky.eve_front.start, "hours since the first day"),
        ("snow front of the peak starts", sky.peak_front.start, "hours since the first day"),
    ]
    return pl.DataFrame(rows, schema=["effect", "rate", "unit"], orient="row")


def write_truth(truth: Truth, folder: Path) -> None:
    """Write each table of the truth as Parquet into ``folder/truth``."""
    target = folder / FOLDER
    target.mkdir(parents=True, exist_ok=True)
    for name in ("day_factors", "event_effects", "weather_effects", "weather_factors", "future_volumes"):
        getattr(truth, name).write_parquet(target / f"{name}.parquet")


def read_truth(folder: Path) -> Truth:
    """Read the truth that ``write_truth`` left in a workspace folder."""
    target = folder / FOLDER
    return Truth(
        day_factors=pl.read_parquet(target / "day_factors.parquet", glob=False),
        event_effects=pl.read_parquet(target / "event_effects.parquet", glob=False),
        weather_effects=pl.read_parquet(target / "weather_effects.parquet", glob=False),
        weather_factors=pl.read_parquet(target / "weather_factors.parquet", glob=False),
        future_volumes=pl.read_parquet(target / "future_volumes.parquet", glob=False),
    )
