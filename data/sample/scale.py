"""How large a sample is, and over which days it reaches."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from data.errors import RadarError


@dataclass(frozen=True)
class Scale:
    """Size of a sample network.

    Parameters
    ----------
    name
        ``small`` or ``national``.
    hubs
        Hubs over the whole history; some open late or close early.
    hubs_a_province
        Most hubs in one province.
    cities
        Cities that outlets stand in.
    outlets
        Outlets over all couriers.
    parcels_per_day
        Parcels of a normal day at the as-of date, over all couriers [parcels/day].
    route_share
        Share of all hub pairs a courier ever serves.
    neighbours
        Road lanes a hub has to its nearest hubs, each way.
    backbone
        Hubs that are joined among themselves by road.
    rail_lanes, air_lanes
        Lanes of these modes, both ways counted.
    merchants
        Merchants.
    sales_days
        Days of sales kept before the as-of date, at most those of the history.
    waybills
        Waybills of the last weeks that are kept: a sample of all parcels.
    weather_points
        Points with weather.
    closings, openings, switches
        Hubs that close, hubs that open late, routes that change their hub of origin.
    """

    name: str
    hubs: int
    hubs_a_province: int
    cities: int
    outlets: int
    parcels_per_day: float
    route_share: float
    neighbours: int
    backbone: int
    rail_lanes: int
    air_lanes: int
    merchants: int
    sales_days: int
    waybills: int
    weather_points: int
    closings: int
    openings: int
    switches: int


SCALES = {
    "small": Scale(
        name="small",
        hubs=13,
        hubs_a_province=1,
        cities=80,
        outlets=150,
        parcels_per_day=1.2e6,
        route_share=0.75,
        neighbours=4,
        backbone=7,
        rail_lanes=10,
        air_lanes=4,
        merchants=40,
        sales_days=800,
        waybills=40_000,
        weather_points=56,
        closings=1,
        openings=1,
        switches=12,
    ),
    "national": Scale(
        name="national",
        hubs=102,
        hubs_a_province=9,
        cities=340,
        outlets=3000,
        parcels_per_day=6.0e7,
        route_share=1.0,
        neighbours=22,
        backbone=44,
        rail_lanes=160,
        air_lanes=60,
        merchants=300,
        sales_days=400,
        waybills=400_000,
        weather_points=200,
        closings=2,
        openings=3,
        switches=600,
    ),
}


# Two years and two months of history; it ends the evening before the season's first wave, so both humps lie ahead.
FIRST_DAY = date(2023, 9, 1)
AS_OF = date(2025, 10, 31)
FUTURE_DAYS = 30


def scale_of(name: str) -> Scale:
    """Return the scale of that name; RadarError when there is none."""
    if name not in SCALES:
        raise RadarError(f"scale {name}", f"one of {', '.join(SCALES)}", "choose one of them")
    return SCALES[name]


def all_days() -> list[date]:
    """Return the days of history and of the truth after it, in order."""
    count = (AS_OF - FIRST_DAY).days + 1 + FUTURE_DAYS
    return [FIRST_DAY + timedelta(days=number) for number in range(count)]


def peak_days() -> tuple[date, date]:
    """Return the first and last day of the week around the season's main day."""
    main = date(AS_OF.year, 11, 11)
    return main - timedelta(days=3), main + timedelta(days=3)


def storm_day() -> date:
    """Return the day by whose end the red warning of the season's blizzard is out."""
    return date(AS_OF.year, 11, 10)


def history_length() -> int:
    """Return the number of days of history [days]."""
    return (AS_OF - FIRST_DAY).days + 1


def stream(seed: int, topic: str) -> np.random.Generator:
    """Return the random numbers of one topic, so that a change in one topic leaves the others as they were."""
    return np.random.default_rng([seed, zlib.crc32(topic.encode("ascii"))])
