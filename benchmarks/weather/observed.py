"""Weather that was measured against parcels that were sent: São Paulo's rain, Beijing's stations, and a sample's truth."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from data.settings import WeatherSettings
from data.workspace import Workspace
from weather.exposure.points import known_weather
from weather.feeds.loading import Sources, read_weather
from weather.learning.capacity_response import amounts_at_hubs, sum_days
from weather.learning.volumes import fit_volume_response, volumes_by_hub

# Olist is thin before, and ends after
_FIRST, _LAST = date(2017, 1, 5), date(2018, 8, 28)
_STATE, _REST = "SP", "elsewhere"
_BAD_FACTOR = 0.97
"""Truth below which a hub-day counts as bad (judgement)."""


def measure_sao_paulo(shared: Path) -> list[dict[str, Any]]:
    """Measure what rain at São Paulo's station does to parcels out of and into its state, against the rest of the country that day.

    Returns
    -------
    list of dict
        For parcels sent and received: loss of log parcels a mm of rain above 10 mm a day with its interval of 95 %, by history and preset
        together, its weight of history, days of such rain, and its gain on days left out. Rain elsewhere is not known and taken as none,
        which blurs the comparison.
    """
    zone = ZoneInfo("America/Sao_Paulo")
    files = sorted((shared / "weather" / "inmet").glob("*.CSV"))
    tables, _ = read_weather(files, Sources(zone=zone))
    observed = tables["weather_observations"]
    days = sum_days(known_weather(observed, observed.clear()), zone)
    place = observed.select("latitude", "longitude").row(0)
    hub = pl.DataFrame({"hub_id": [_STATE], "latitude": [place[0]], "longitude": [place[1]]})
    here = amounts_at_hubs(days, hub, WeatherSettings().radius_km)
    ends = ("origin", "destination")
    routes = pl.read_parquet(shared / "real" / "olist" / "route_daily.parquet").select(
        pl.col("date").cast(pl.Date),
        "parcels",
        *(pl.when(pl.col(end) == _STATE).then(end).otherwise(pl.lit(_REST)).alias(f"{end}_hub_id") for end in ends),
    )
    volumes = volumes_by_hub(routes.filter(pl.col("date").is_between(_FIRST, _LAST)))
    elsewhere = here.select("date", hub_id=pl.lit(_REST), snow_cm=pl.lit(0.0), wet_mm=pl.lit(0.0))
    amounts = pl.concat([here, elsewhere.select(here.columns)]).sort("date", "hub_id")
    return [
        {
            "place": "São Paulo",
            "direction": rate.direction,
            "loss_a_mm": round(rate.rate, 5),
            "low": round(rate.rate - 1.96 * rate.standard_error, 5),
            "high": round(rate.rate + 1.96 * rate.standard_error, 5),
            "history": round(rate.history, 3),
            "wet_days": rate.hub_days,
            "gain": round(rate.gain, 3),
        }
        for rate in fit_volume_response(volumes, amounts).rates
        if rate.amount == "rain"
    ]


def measure_beijing(shared: Path) -> list[dict[str, Any]]:
    """Load the Beijing stations' four seasons and say what they hold, by station."""
    zone = ZoneInfo("Asia/Shanghai")
    found = []
    for number, file in enumerate(sorted((shared / "weather" / "beijing-cma").glob("*.csv"))):
        tables, loaded = read_weather([file], Sources(zone=zone, place=(39.9 + number / 10, 116.4)))
        observed = tables["weather_observations"]
        days = sum_days(known_weather(observed, observed.clear()), zone)
        wet = days.filter(pl.col("rain_mm") > 10.0)
        found.append(
            {
                "place": file.stem,
                "provider": loaded[0].provider,
                "rows": observed.height,
                "first": str(observed["valid_at"].min()),
                "last": str(observed["valid_at"].max()),
                "days_above_10_mm": wet.height,
                "snow_cm": round(float(days["snow_cm"].sum()), 1),
            }
        )
    return found


def measure_days(folder: Path) -> list[dict[str, Any]]:
    """Measure parcels sent by hubs on bad and on fair days, with the forecast's weather and without, against a sample's truth.

    Parameters
    ----------
    folder
        A finished sample workspace: ``radar demo DIR --no-storm``.
    """
    workspace = Workspace.open(folder)
    commands = dict(workspace.read("runs").select("run_id", "command").iter_rows())
    writers = workspace.writers("route_forecasts")
    runs = {
        name: next(run for run in reversed(writers) if commands[run] == command)
        for name, command in (("without", "forecast"), ("with", "weather apply"))
    }
    keys = ["date", "hub_id"]
    future = pl.read_parquet(folder / "truth" / "future_volumes.parquet")
    actual = future.group_by("date", hub_id="origin_hub_id").agg(actual=pl.col("parcels").sum())
    for name, run in runs.items():
        sent = workspace.results("route_forecasts", run)
        actual = actual.join(
            sent.group_by("date", hub_id="origin_hub_id").agg(pl.col("mean").sum().alias(name)), on=keys
        )
    factors = pl.read_parquet(folder / "truth" / "weather_factors.parquet").select(*keys, "out")
    actual = actual.join(factors, on=keys, how="left").with_columns(bad=pl.col("out").fill_null(1.0) < _BAD_FACTOR)
    errors = [
        ((pl.col(name) - pl.col("actual")).abs().sum() / pl.col("actual").sum()).round(3).alias(f"wape_{name}")
        for name in runs
    ]
    by_day = actual.group_by("bad").agg(pl.len().alias("hub_days"), *errors).sort("bad")
    return [{"days": "bad" if row.pop("bad") else "fair", **row} for row in by_day.to_dicts()]
