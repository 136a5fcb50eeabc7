"""What history shows of every effect, beside its preset: how much of each is used, and how sure it is."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from data.settings import WeatherSettings
from weather.effects.effect_tables import tabulate
from weather.exposure.points import known_weather
from weather.impact_inputs import ImpactTables, LearnedEffects, learn_effects
from weather.learning.capacity_response import amounts_at_hubs, sum_days
from weather.learning.volumes import VOLUMES, VolumeResponse, fit_volume_response, preset_rate, volumes_by_hub

_TWO_SIDED_95 = 1.96

SPEED, SHARE, LOSS = "lane speed", "share of parcels sent", "loss of log parcels"


def calibrate(
    tables: ImpactTables, settings: WeatherSettings, zone: ZoneInfo, as_of: datetime | None = None
) -> pl.DataFrame:
    """List what was learnt of lane speeds, parcels a cm of snow and a mm of rain, and classes of warnings.

    Parameters
    ----------
    tables
        The network, its weather and its history (``route_volumes`` among them).
    settings, zone
        Section ``[weather]`` of radar.toml and time zone of the workspace.
    as_of
        What was known only later is not used.

    Returns
    -------
    polars.DataFrame
        ``effect``, ``id``, ``preset``, ``learnt``, ``low``, ``high`` (interval of 95 %), ``history`` (weight of history, 0 to 1),
        ``days``, ``used`` (the figure that holds), ``gain`` (by how much the error on days left out falls against the preset; empty
        where there are too few).
    """
    return list_learnt(learn_effects(tables, settings, zone, as_of), _learn_volumes(tables, settings, zone, as_of))


def list_learnt(learnt: LearnedEffects, response: VolumeResponse) -> pl.DataFrame:
    """Lay what was learnt out as ``calibrate`` returns it."""
    mine = {row.id: row for row in learnt.rows if row.source == "radar.toml"}
    rows: list[dict[str, object]] = []
    for speed in learnt.speeds:
        used = speed.speed if speed.history >= VOLUMES.enough else speed.published
        used = mine[speed.id].speed if speed.id in mine else used
        around = _around(speed.speed, speed.deviation)
        rows.append(_row(SPEED, speed.id, (speed.published, speed.speed, *around), speed.history, speed.days))
        rows[-1] |= {"used": used, "gain": speed.gain}
    for rate in response.rates:
        spread = _TWO_SIDED_95 * rate.standard_error
        used = response.rate(rate.direction, rate.amount) if response.is_enough(rate.direction) else 0.0
        figures = (preset_rate(rate.amount), rate.rate, rate.rate - spread, rate.rate + spread)
        rows.append(_row(LOSS, f"{rate.amount}.{rate.direction}", figures, rate.history, rate.hub_days))
        rows[-1] |= {"used": used, "gain": rate.gain}
    for warning in learnt.warnings:
        low, high = _around(warning.kept, warning.deviation)
        figures = (warning.published, warning.kept, low, min(high, 1.0))
        rows.append(_row(SHARE, warning.id, figures, warning.history, warning.days))
        rows[-1] |= {"used": warning.kept, "gain": warning.gain}
    numbers = dict.fromkeys(("preset", "learnt", "low", "high", "history"), pl.Float64)
    schema = {"effect": pl.String, "id": pl.String, **numbers}
    frame = pl.DataFrame(rows, schema=schema | {"days": pl.Int64, "used": pl.Float64, "gain": pl.Float64})
    return frame.with_columns(pl.col("gain").fill_nan(None))


def tabulate_effects(
    tables: ImpactTables, settings: WeatherSettings, zone: ZoneInfo, as_of: datetime | None = None
) -> pl.DataFrame:
    """List the effect tables as they hold, each row with what history shows of it.

    Returns
    -------
    polars.DataFrame
        The columns of ``effects.tabulate``, then those of ``calibrate`` but ``days`` under these names: ``effect`` (what was learnt),
        ``preset``, ``learnt``, ``from``, ``to``, ``history``, ``used``, ``gain``; empty where nothing can be learnt of a row. Rates of
        parcels a cm or a mm follow, trigger ``rate``.
    """
    learnt = learn_effects(tables, settings, zone, as_of)
    found = list_learnt(learnt, _learn_volumes(tables, settings, zone, as_of)).drop("days")
    found = found.rename({"low": "from", "high": "to"})  # low and high are the ends of a class
    table = tabulate(learnt.rows)
    rates = found.filter(pl.col("effect") == LOSS).select("id").with_columns(
        trigger=pl.lit("rate"),
        kind=pl.col("id").str.split(".").list.first(),
        unit=pl.when(pl.col("id").str.starts_with("snow")).then(pl.lit("1/cm")).otherwise(pl.lit("1/mm")),
        source=pl.lit("productivity of the warning colours; history as its weight says"),
    )  # fmt: skip
    return pl.concat([table, rates], how="diagonal").join(found, on="id", how="left", maintain_order="left")


def _learn_volumes(
    tables: ImpactTables, settings: WeatherSettings, zone: ZoneInfo, as_of: datetime | None
) -> VolumeResponse:
    until = None if as_of is None else (as_of - timedelta(microseconds=1)).astimezone(zone).date()
    weather = known_weather(tables.observations, tables.forecasts.clear(), as_of)
    past = amounts_at_hubs(sum_days(weather, zone), tables.hubs, settings.radius_km)
    if tables.route_volumes is None:
        return VolumeResponse(())
    return fit_volume_response(volumes_by_hub(tables.route_volumes, until), past)


def _around(factor: float, deviation: float) -> tuple[float, float]:
    """Interval of 95 % of a factor whose logarithm has this standard deviation."""
    low, high = (factor * float(np.exp(side * _TWO_SIDED_95 * deviation)) for side in (-1, 1))
    return low, high


def _row(
    effect: str, name: str, figures: tuple[float, float, float, float], history: float, days: int
) -> dict[str, object]:
    numbers = dict(zip(("preset", "learnt", "low", "high"), figures, strict=True))
    return {"effect": effect, "id": name, **numbers, "history": history, "days": days}
