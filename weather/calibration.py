"""What history shows of every effect, beside its preset: how much of each is used, and how sure it is."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from data.settings import WeatherSettings
from weather.capacity_response import amounts_at_hubs, sum_days
from weather.effects import list_effects
from weather.impact_inputs import ImpactTables, learn_effects
from weather.learning import ENOUGH, fit_volume_response, preset_rate
from weather.points import known_weather
from weather.warning_learning import fit_warning_response
from weather.warnings import acting_warnings

_TWO_SIDED_95 = 1.96


def calibrate(
    tables: ImpactTables,
    route_volumes: pl.DataFrame,
    settings: WeatherSettings,
    zone: ZoneInfo,
    as_of: datetime | None = None,
) -> pl.DataFrame:
    """List what was learnt of lane speeds, parcels a cm of snow and a mm of rain, and classes of warnings.

    Parameters
    ----------
    tables, route_volumes
        The network, its weather and its history.
    settings, zone
        Section ``[weather]`` of radar.toml and time zone of the workspace.
    as_of
        What was known only later is not used.

    Returns
    -------
    polars.DataFrame
        ``effect``, ``id``, ``preset``, ``learnt``, ``low``, ``high`` (interval of 95 %), ``history`` (weight of history, 0 to 1),
        ``days``, ``used`` (the figure that holds).
    """
    rows = []
    for speed in learn_effects(tables, settings, zone, as_of)[1]:
        low, high = (speed.speed * float(np.exp(side * _TWO_SIDED_95 * speed.deviation)) for side in (-1, 1))
        used = speed.speed if speed.history >= ENOUGH else speed.published
        rows.append(("lane speed", speed.id, speed.published, speed.speed, low, high, speed.history, speed.days, used))
    until = None if as_of is None else as_of.astimezone(zone).date()
    volumes = route_volumes if until is None else route_volumes.filter(pl.col("date") <= until)
    parts = [
        volumes.group_by("date", hub_id=pl.col(column))
        .agg(pl.col("parcels").sum())
        .with_columns(direction=pl.lit(name))
        for name, column in (("out", "origin_hub_id"), ("in", "destination_hub_id"))
    ]
    weather = known_weather(tables.observations, tables.forecasts.clear(), as_of)
    response = fit_volume_response(
        pl.concat(parts), amounts_at_hubs(sum_days(weather, zone), tables.hubs, settings.radius_km)
    )
    for rate in response.rates:
        spread = _TWO_SIDED_95 * rate.standard_error
        used = response.rate(rate.direction, rate.amount) if response.is_enough(rate.direction) else 0.0
        name = f"{rate.amount}.{rate.direction}"
        preset = preset_rate(rate.amount)
        rows.append(
            (
                "loss of log parcels",
                name,
                preset,
                rate.rate,
                rate.rate - spread,
                rate.rate + spread,
                rate.history,
                rate.hub_days,
                used,
            )
        )
    acting = acting_warnings(tables.warnings, as_of)
    effects = list_effects(settings.preset, settings.effects)
    for row in fit_warning_response(parts[0].drop("direction"), tables.hubs, acting, effects, settings, zone):
        low, high = (row.kept * float(np.exp(side * _TWO_SIDED_95 * row.deviation)) for side in (-1, 1))
        rows.append(
            (
                "share of parcels sent",
                row.id,
                row.published,
                row.kept,
                low,
                min(high, 1.0),
                row.history,
                row.days,
                row.kept,
            )
        )
    numbers = dict.fromkeys(("preset", "learnt", "low", "high", "history"), pl.Float64)
    schema = {"effect": pl.String, "id": pl.String, **numbers, "days": pl.Int64, "used": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")
