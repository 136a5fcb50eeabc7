"""The weather into the forecasts of every level, and closures into the weather of lanes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from zoneinfo import ZoneInfo

import polars as pl

from data.progress import SILENT, Progress
from data.settings import WeatherSettings
from weather.adjustment.deliveries import change_arrivals, days_to_delivery, hold_deliveries
from weather.adjustment.forecasts import (
    ROUTE,
    Moved,
    apply_change,
    change_by_hub,
    change_by_region,
    move_routes,
    parcels_before,
    share_among_outlets,
)
from weather.adjustment.played_closures import play_closures
from weather.effects.effect_tables import EffectTables, kind_of_warning, list_effects
from weather.exposure.impact import assess_outlets, hours_needed
from weather.exposure.points import build_grid, known_weather
from weather.exposure.scene import WeatherScene
from weather.exposure.warnings import acting_warnings
from weather.impact_inputs import ImpactTables, build_scene
from weather.learning.capacity_response import (
    DIRECTIONS,
    amounts_at_hubs,
    handled_by_history,
    handled_by_productivity,
    lay_out,
    sum_days,
    take_least,
)
from weather.learning.volumes import VolumeResponse, fit_volume_response, volumes_by_hub
from weather.learning.warning_response import LearnedWarning, fit_warning_response, replace_productivity

LEVELS = ("network", "region", "hub", "route", "outlet")
Basis = Literal["history", "published"]


@dataclass(frozen=True)
class ForecastTables:
    """A forecast, and what its weather is worked out from.

    Parameters
    ----------
    forecasts
        Level -> rows of its ``*_forecasts`` without run_id; the level ``route`` is always there.
    lane_weather, outlet_weather, lane_closures
        What an impact run found, without run_id.
    known_until
        What that run was allowed to know; None where it knew everything.
    route_volumes, regions
        Tables of these names.
    network
        Lanes, hubs, outlets, waybills and the weather.
    """

    forecasts: Mapping[str, pl.DataFrame]
    lane_weather: pl.DataFrame
    outlet_weather: pl.DataFrame
    lane_closures: pl.DataFrame
    known_until: datetime | None
    route_volumes: pl.DataFrame
    regions: pl.DataFrame
    network: ImpactTables


@dataclass(frozen=True)
class Adjusted:
    """What the weather did to a forecast.

    Parameters
    ----------
    forecasts
        Level -> adjusted rows, for every level that was there.
    lane_weather
        With the closures that are played through; None where there are none.
    basis
        For parcels sent (out) and received (in): learnt from this network's history, or the published figures.
    response
        What history shows.
    warnings
        What history shows of the classes of warnings that stand in these days.
    by_day
        ``date``, ``before``, ``after`` [parcels] of the network.
    waiting
        Parcels that leave only after the last day of the forecast.
    undelivered
        Parcels that wait at outlets after that day, because couriers could not bring them.
    closed
        ``date``, ``lane_id`` of the closures played through.
    closures
        Their hours, as ``lane_closures`` has them, with probability 1.
    unknown_days
        Days of the forecast of which no hub's weather is known; they stay as they were.
    """

    forecasts: dict[str, pl.DataFrame]
    lane_weather: pl.DataFrame | None
    basis: dict[str, Basis]
    response: VolumeResponse
    warnings: tuple[LearnedWarning, ...]
    by_day: pl.DataFrame
    waiting: int
    undelivered: int
    closed: pl.DataFrame
    closures: pl.DataFrame
    unknown_days: tuple[date, ...]


def apply_weather(
    tables: ForecastTables,
    settings: WeatherSettings,
    zone: ZoneInfo,
    *,
    close: Sequence[str] = (),
    learn: bool = True,
    progress: Progress = SILENT,
) -> Adjusted:
    """Adjust a forecast for the weather at every level.

    Parameters
    ----------
    tables
        The forecast and the weather.
    settings, zone
        Section ``[weather]`` of radar.toml and time zone of the workspace.
    close
        ``likely`` (the hours closed with a probability of at least 0.5), a least probability such as ``0.3``, lane ids, or
        ``LANE@DATE``.
    learn
        Whether history may replace the published figures.
    progress
        Told how far the work is.

    Raises
    ------
    RadarError
        When a lane to close is unknown, or a least probability is none.
    """
    forecasts, network = tables.forecasts, tables.network
    routes = forecasts["route"]
    days = routes["date"].unique().sort().to_list()
    played = play_closures(tables.lane_weather, tables.lane_closures, network.lanes, close, zone)
    progress.step(1, 5, "learning from history")
    handled, basis, response, warned = _shares(tables, settings, zone, days, learn=learn)
    progress.step(3, 5, "moving parcels")
    hubs = sorted(set(routes["origin_hub_id"]) | set(routes["destination_hub_id"]))
    laid = {direction: lay_out(handled[direction], hubs, days) for direction in DIRECTIONS}
    before = routes.select("date", "courier_id", "origin_hub_id", "destination_hub_id", before=parcels_before())
    moved = move_routes(before, days, hubs, laid["out"], laid["in"])
    adjusted = {
        level: apply_change(forecasts[level], change, keys)
        for level, (change, keys) in _changes(network.hubs, tables.regions, moved, forecasts).items()
    }
    undelivered = 0
    if "outlet" in forecasts:
        change, undelivered = _change_outlets(tables, moved, days, settings.spare_capacity, zone)
        adjusted["outlet"] = apply_change(forecasts["outlet"], change, ["date", "outlet_id", "direction"])
    progress.step(5, 5, "done")
    by_day = moved.rows.group_by("date").agg(pl.col("before", "after").sum()).sort("date")
    seen = set(pl.concat([handled[direction]["date"] for direction in DIRECTIONS]))
    unknown = tuple(day for day in days if day not in seen)
    return Adjusted(
        adjusted, played.lane_weather, basis, response, warned, by_day, moved.waiting, undelivered, played.closed,
        played.hours, unknown,
    )  # fmt: skip


def _shares(
    tables: ForecastTables, settings: WeatherSettings, zone: ZoneInfo, days: list[date], *, learn: bool
) -> tuple[dict[str, pl.DataFrame], dict[str, Basis], VolumeResponse, tuple[LearnedWarning, ...]]:
    """Share of each hub's parcels that moves on each day, for either direction, and what it rests on."""
    network, until = tables.network, tables.known_until
    hubs, observed, forecast = network.hubs, network.observations, network.forecasts
    as_of = tables.forecasts["route"]["as_of"].max()
    response = VolumeResponse(())
    if learn and isinstance(as_of, date):
        past = amounts_at_hubs(sum_days(known_weather(observed, forecast.clear()), zone), hubs, settings.radius_km)
        volumes = volumes_by_hub(tables.route_volumes, as_of)
        response = fit_volume_response(volumes, past.filter(pl.col("date") <= as_of))
    inside = pl.col("date").is_in(days)
    handled: dict[str, pl.DataFrame] = {}
    basis: dict[str, Basis] = {}
    shown = [direction for direction in DIRECTIONS if response.is_enough(direction)]
    if shown:
        ahead = amounts_at_hubs(sum_days(known_weather(observed, forecast, until), zone), hubs, settings.radius_km)
        for direction in shown:
            handled[direction], basis[direction] = (
                handled_by_history(ahead.filter(inside), response, direction),
                "history",
            )
    learned: tuple[LearnedWarning, ...] = ()
    if "out" in shown:
        # what history shows of snow and rain says nothing of a warning: its class counts where it keeps back more
        under, learned = _handled_under_warnings(tables, days, settings, zone, until)
        handled["out"] = take_least(handled["out"], under.filter(inside))
    if "out" not in shown:
        own = _hub_weather(network, days, settings, zone, until)
        known = handled_by_productivity(tables.outlet_weather, network.outlets, own, settings.spare_capacity)
        handled["out"], basis["out"] = known.filter(inside), "published"
    if "in" not in shown:
        # only history can tell that parcels are kept back for the weather where they go; couriers there wait by themselves
        handled["in"], basis["in"] = handled["out"].clear(), "published"
    return handled, basis, response, learned


def _handled_under_warnings(
    tables: ForecastTables, days: list[date], settings: WeatherSettings, zone: ZoneInfo, until: datetime | None
) -> tuple[pl.DataFrame, tuple[LearnedWarning, ...]]:
    """Share of each hub's parcels its couriers can handle under warnings alone, and what is known of their classes."""
    network = tables.network
    acting = acting_warnings(network.warnings, until)
    rows = list_effects(settings.preset, settings.effects)
    as_of = tables.forecasts["route"]["as_of"].max()
    volumes = volumes_by_hub(tables.route_volumes, as_of) if isinstance(as_of, date) else None
    learned: tuple[LearnedWarning, ...] = ()
    if volumes is not None:
        sent = volumes.filter(pl.col("direction") == "out")
        learned = fit_warning_response(sent, network.hubs, acting, rows, settings, zone)
    rows = replace_productivity(rows, learned, settings.spare_capacity)
    nothing = build_grid(known_weather(network.observations.clear(), network.forecasts.clear()))
    scene = WeatherScene(nothing, acting.frame, acting.areas, EffectTables(rows), settings, zone)
    outlets = assess_outlets(network.outlets, days, scene)
    places = network.hubs.select(outlet_id="hub_id", latitude="latitude", longitude="longitude")
    own = assess_outlets(places, days, scene).rename({"outlet_id": "hub_id"})
    begin, end = hours_needed(days, 0.0, zone)
    here = acting.frame.filter((pl.col("onset") <= end) & (pl.col("expires") >= begin))
    classes = {
        f"warning.{kind_of_warning(kind)}.{colour}" for kind, colour in here.select("kind", "severity").iter_rows()
    }
    responses = tuple(row for row in learned if row.id in classes)
    return handled_by_productivity(outlets, network.outlets, own, settings.spare_capacity), responses


def _hub_weather(
    network: ImpactTables, days: list[date], settings: WeatherSettings, zone: ZoneInfo, until: datetime | None
) -> pl.DataFrame:
    """Courier productivity at the hubs themselves."""
    scene = build_scene(network, days, settings, zone, as_of=until)
    places = network.hubs.select(outlet_id="hub_id", latitude="latitude", longitude="longitude")
    return assess_outlets(places, days, scene).rename({"outlet_id": "hub_id"})


def _changes(
    hubs: pl.DataFrame, regions: pl.DataFrame, moved: Moved, forecasts: Mapping[str, pl.DataFrame]
) -> dict[str, tuple[pl.DataFrame, list[str]]]:
    """What the rows of each level but outlets move by, with the columns that name a row."""
    change = pl.col("after") - pl.col("before")
    by_hub = change_by_hub(moved.rows)
    by_region = change_by_region(hubs, regions, by_hub)
    changes = {
        "network": (moved.rows.group_by("date").agg(change=change.sum()), ["date"]),
        "region": (by_region, ["date", "region_id", "direction"]),
        "hub": (by_hub, ["date", "hub_id", "direction"]),
        "route": (moved.rows.with_columns(change=change).filter(pl.col("change") != 0), ["date", *ROUTE]),
    }
    return {level: found for level, found in changes.items() if level in forecasts}


def _change_outlets(
    tables: ForecastTables, moved: Moved, days: list[date], spare: float, zone: ZoneInfo
) -> tuple[pl.DataFrame, int]:
    """What pick-ups and deliveries of outlets move by, and what still waits at outlets at the end."""
    network, weather = tables.network, tables.outlet_weather
    before = tables.forecasts["outlet"].select("date", "outlet_id", "direction", before=parcels_before())
    sent = change_by_hub(moved.rows, ["courier_id"]).filter(pl.col("direction") == "out")
    picked = share_among_outlets(before, network.outlets, sent, weather)
    lags = days_to_delivery(network.waybills, network.lanes, moved.rows, zone)
    arrivals = change_arrivals(moved.rows, lags)
    brought, undelivered = hold_deliveries(before, network.outlets, arrivals, weather, days, spare)
    return pl.concat([picked, brought]), undelivered
