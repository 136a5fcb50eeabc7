"""Exposure of 10,000 lanes over 72 hours under 200 warnings, every hour read."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from data.contracts import contract
from data.geography import ground_km
from data.settings import WeatherSettings
from weather.impact_inputs import ImpactTables, assess_network

HUBS, LANES, HOURS, WARNINGS = 400, 10_000, 72, 200
THREE_SORTS = ("16:00", "24:00", "32:00")
START = datetime(2025, 11, 10, 16, tzinfo=UTC)


def measure_exposure(closes: tuple[str, ...] = ()) -> dict[str, float]:
    """Measure CPU seconds of one assessment, after one small one that loads what is compiled.

    With ``closes`` every hub has a sort that closes at each of these hours, and each lane is left at all of them.
    """
    tables = make_tables()
    if closes:
        tables = replace(tables, hub_sorts=_sorts(tables.hubs, closes))
    days = [date(2025, 11, 11) + timedelta(days=day) for day in range(3)]
    zone = ZoneInfo("Asia/Shanghai")
    few = replace(tables, lanes=tables.lanes.head(10))
    assess_network(few, days, WeatherSettings(), zone)
    cpu, wall = time.process_time(), time.perf_counter()
    found = assess_network(tables, days, WeatherSettings(), zone)
    return {
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "wall_seconds": round(time.perf_counter() - wall, 1),
        "departures_a_day": LANES * max(len(closes), 1),
        "lane_days": found.lanes.height,
        "closures": found.closures.height,
    }


def make_tables() -> ImpactTables:
    """Make lanes between chance hubs, a grid of 1.5 degrees and round warnings of 64 corners."""
    chance = np.random.default_rng(1)
    latitude, longitude = chance.uniform(20, 48, HUBS), chance.uniform(85, 125, HUBS)
    names = pl.Series([f"H{number}" for number in range(HUBS)])
    hubs = pl.DataFrame({"hub_id": names, "latitude": latitude, "longitude": longitude})
    start = chance.integers(0, HUBS, LANES)
    end = (start + 1 + chance.integers(0, HUBS - 1, LANES)) % HUBS
    distance = ground_km(latitude[start], longitude[start], latitude[end], longitude[end])
    lanes = pl.DataFrame(
        {
            "lane_id": [f"L{number}" for number in range(LANES)],
            "origin_hub_id": names.gather(start),
            "destination_hub_id": names.gather(end),
            "mode": ["road"] * LANES,
            "distance_km": distance,
            "transit_hours": distance / 70.0,
        }
    )
    nothing = contract("weather_observations").empty()
    forecasts = contract("weather_forecasts").arrange(_forecasts(chance))
    return ImpactTables(
        lanes, hubs, contract("outlets").empty(), contract("waybills").empty(), nothing, forecasts, _warnings(chance)
    )


def _sorts(hubs: pl.DataFrame, closes: tuple[str, ...]) -> pl.DataFrame:
    rows = [(hub, hour, "00:00", hour, hour) for hub in hubs["hub_id"] for hour in closes]
    names = ["hub_id", "sort_id", "opens", "cut_off", "closes"]
    return contract("hub_sorts").arrange(pl.DataFrame(rows, schema=names, orient="row"))


def _forecasts(chance: np.random.Generator) -> pl.DataFrame:
    points = [(north, east) for north in np.arange(20, 49, 1.5) for east in np.arange(85, 126, 1.5)]
    rows = len(points) * HOURS
    return pl.DataFrame(
        {
            "issued_at": [START] * rows,
            "valid_at": [START + timedelta(hours=hour) for hour in range(HOURS)] * len(points),
            "latitude": np.repeat([north for north, _ in points], HOURS),
            "longitude": np.repeat([east for _, east in points], HOURS),
            "temperature_c": chance.normal(3, 6, rows),
            "precipitation_mm": np.maximum(chance.normal(-1, 1.5, rows), 0.0),
            "snowfall_cm": np.zeros(rows),
            "wind_speed_ms": np.abs(chance.normal(4, 3, rows)),
            "visibility_m": np.full(rows, 2e4),
        }
    )


def _warnings(chance: np.random.Generator) -> pl.DataFrame:
    rows = []
    turn = np.linspace(0.0, 2.0 * np.pi, 64, endpoint=False)
    for number in range(WARNINGS):
        east, north = chance.uniform([86, 22], [124, 46])
        radius = chance.uniform(0.5, 4.0) * chance.uniform(0.8, 1.2, 64)
        ring = np.column_stack([east + radius * np.cos(turn), north + radius * np.sin(turn)]).tolist()
        onset = START + timedelta(hours=float(chance.uniform(0, 48)))
        rows.append(
            {
                "warning_id": f"W{number}",
                "kind": ("snow", "fog", "ice", "rain", "wind")[number % 5],
                "severity": ("yellow", "orange", "red", "blue")[number % 4],
                "onset": onset,
                "expires": onset + timedelta(hours=float(chance.uniform(6, 24))),
                "area": json.dumps({"type": "Polygon", "coordinates": [[*ring, ring[0]]]}),
            }
        )
    return pl.DataFrame(rows, schema_overrides={name: pl.Datetime("us", "UTC") for name in ("onset", "expires")})
