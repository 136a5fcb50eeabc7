"""The truth behind a sample: what made its numbers, kept so that a test can ask whether a model found it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import polars as pl

from data.sample import weather
from data.sample.demand import Influences
from data.sample.merchants import Trade
from data.sample.network import Network
from data.sample.promotions import LIFTS, Promoted
from data.sample.scale import all_days
from data.sample.seasons import WAVES, DayFactors
from data.sample.weather_effects import EFFECTS

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
    future_sales
        Columns of ``sales``: what merchants sell on the days after the as-of date, in truth.
    promotion_effects
        ``promotion_id``, ``scope``, ``member``, ``date_from``, ``date_to``, ``log_effect``.
    venue_effects
        ``effect``, ``rate``, ``unit``: what venue and discount multiply sales with in a wave.
    merchant_effects
        ``merchant_id``, ``growth`` (log units a year above the network's), ``joins_on``, ``leaves_on``, ``moves_on``, ``moves_to``.
    plan_effects
        ``merchant_id``, ``date_from``, ``date_to``, ``told``, ``true``: announced growth and what came of it.
    """

    day_factors: pl.DataFrame
    event_effects: pl.DataFrame
    weather_effects: pl.DataFrame
    weather_factors: pl.DataFrame
    future_volumes: pl.DataFrame
    future_sales: pl.DataFrame
    promotion_effects: pl.DataFrame
    venue_effects: pl.DataFrame
    merchant_effects: pl.DataFrame
    plan_effects: pl.DataFrame


def tell_truth(
    network: Network,
    factors: DayFactors,
    sky: weather.Weather,
    influences: Influences,
    future: pl.DataFrame,
    trade: Trade,
    promoted: Promoted,
    future_sales: pl.DataFrame,
) -> Truth:
    """Put the truth behind a sample into tables."""
    out, into = influences.weather_out, influences.weather_in
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
        future_sales=future_sales,
        promotion_effects=promoted.effects,
        venue_effects=_venue_effects(),
        merchant_effects=trade.effects,
        plan_effects=trade.plan_effects,
    )


def _venue_effects() -> pl.DataFrame:
    rows = [(f"venue {venue}", float(np.log(factor)), "log units") for venue, factor in LIFTS.venues.items()]
    rows.append(("discount", LIFTS.discount_slope, "log units at a discount of 1"))
    return pl.DataFrame(rows, schema=["effect", "rate", "unit"], orient="row")


def _weather_effects(sky: weather.Weather) -> pl.DataFrame:
    rows = [
        ("snow on parcels sent", EFFECTS.snow_out, "log units per cm of fresh snow a day"),
        ("snow on parcels received", EFFECTS.snow_in, "log units per cm of fresh snow a day"),
        ("rain on parcels sent", EFFECTS.rain_out, "log units per mm of rain a day above 10"),
        ("rain on parcels received", EFFECTS.rain_in, "log units per mm of rain a day above 10"),
        *((f"returned after {n} days", share, "share of what was lost") for n, share in enumerate(EFFECTS.returned, 1)),
        ("snow on the way of a parcel", EFFECTS.hours_a_cm, "hours per cm of fresh snow a day at either end"),
        ("rain on the way of a parcel", EFFECTS.hours_a_mm, "hours per mm of rain a day at either end"),
        ("fog on the way of a parcel", EFFECTS.hours_of_fog, "hours per day with less than 200 m of sight"),
        ("snow that stops lanes", EFFECTS.stopping_snow, "cm of fresh snow a day; the way takes a day more"),
        ("snow front of the eve starts", sky.eve_front.start, "hours since the first day"),
        ("blizzard of the peak starts", sky.peak_front.start, "hours since the first day"),
    ]
    return pl.DataFrame(rows, schema=["effect", "rate", "unit"], orient="row")


def write_truth(truth: Truth, folder: Path) -> None:
    """Write each table of the truth as Parquet into ``folder/truth``."""
    target = folder / FOLDER
    target.mkdir(parents=True, exist_ok=True)
    for field in fields(truth):
        getattr(truth, field.name).write_parquet(target / f"{field.name}.parquet")
