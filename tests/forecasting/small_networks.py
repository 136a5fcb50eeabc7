"""Small made networks for the forecasting tests."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

from forecasting.inputs import ForecastInputs, no_events

START = dt.date(2023, 1, 2)
WEEK = np.array([1.1, 1.1, 1.0, 1.0, 1.0, 0.9, 0.9])


def network(
    days: int,
    routes: int = 12,
    level: float = 400.0,
    seed: int = 0,
    events: pl.DataFrame | None = None,
    factor: dict[dt.date, float] | None = None,
    noise: bool = True,
) -> ForecastInputs:
    """Make routes with a weekly profile, Poisson noise, and factors on chosen days."""
    generator = np.random.default_rng(seed)
    size = level * generator.lognormal(0.0, 0.8, size=routes)
    rows: list[tuple[dt.date, str, str, str, int]] = []
    for day in range(days):
        date = START + dt.timedelta(days=day)
        mean = size * WEEK[day % 7] * (factor or {}).get(date, 1.0)
        parcels = generator.poisson(mean) if noise else np.rint(mean)
        rows += [(date, "c", f"H{at % 3}", f"H{3 + at % 4}-{at}", int(parcels[at])) for at in range(routes)]
    return ForecastInputs(route_volumes=table(rows), events=no_events() if events is None else events)


def table(rows: list[tuple[dt.date, str, str, str, int]]) -> pl.DataFrame:
    """Lay rows out as the table route_volumes; days without parcels have no row."""
    schema = {
        "date": pl.Date,
        "courier_id": pl.String,
        "origin_hub_id": pl.String,
        "destination_hub_id": pl.String,
        "parcels": pl.Int64,
    }
    return pl.DataFrame([row for row in rows if row[4] > 0], schema=schema, orient="row")


def sale(name: str, peak: dt.date, kind: str = "shopping", edition: int | None = None) -> dict[str, object]:
    """Write one row of the table events."""
    return {
        "event_id": f"{name}-{peak.year}",
        "name": name,
        "name_zh": None,
        "kind": kind,
        "date_from": peak,
        "date_to": peak + dt.timedelta(days=2),
        "peak_date": peak,
        "edition": edition or peak.year,
    }


def calendar(*rows: dict[str, object]) -> pl.DataFrame:
    """Lay events out as the table."""
    schema = {
        "event_id": pl.String,
        "name": pl.String,
        "name_zh": pl.String,
        "kind": pl.String,
        "date_from": pl.Date,
        "date_to": pl.Date,
        "peak_date": pl.Date,
        "edition": pl.Int64,
    }
    return pl.DataFrame(list(rows), schema=schema)
