"""The weather into the forecasts of a workspace, and closures into its lanes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

import polars as pl

from data.errors import RadarError
from data.progress import SILENT, Progress
from data.runs import Run
from data.workspace import Workspace
from weather.adjustment import (
    ROUTE,
    Moved,
    apply_change,
    change_by_hub,
    change_by_region,
    move_routes,
    parcels_before,
    share_among_outlets,
)
from weather.deliveries import change_arrivals, days_to_delivery, hold_deliveries
from weather.holding import DIRECTIONS, amounts_at_hubs, kept_by_history, kept_by_productivity, lay_out, sum_days
from weather.impact import assess_outlets
from weather.learning import VolumeResponse, fit_volume_response
from weather.outlook import end_of_day, see_sky
from weather.points import known_weather

LIKELY = 0.5
"""Closure probability from which ``likely`` plays a closure through."""

LEVELS = ("network", "region", "hub", "route", "outlet")
Basis = Literal["history", "published"]


@dataclass(frozen=True)
class Adjusted:
    """What the weather did to a forecast.

    Parameters
    ----------
    forecast_run, impact_run
        Runs it rests on.
    basis
        For parcels sent (out) and received (in): learnt from this network's history, or the published figures.
    response
        What history shows.
    by_day
        ``date``, ``before``, ``after`` [parcels] of the network.
    waiting
        Parcels that leave only after the last day of the forecast.
    undelivered
        Parcels that wait at outlets after that day, because couriers could not bring them.
    closed
        ``date``, ``lane_id`` of the closures played through.
    unknown_days
        Days of the forecast of which no hub's weather is known; they stay as they were.
    """

    forecast_run: str
    impact_run: str
    basis: dict[str, Basis]
    response: VolumeResponse
    by_day: pl.DataFrame
    waiting: int
    undelivered: int
    closed: pl.DataFrame
    unknown_days: tuple[date, ...]


def apply_weather(
    workspace: Workspace,
    run: Run,
    *,
    forecast_run: str | None = None,
    close: Sequence[str] = (),
    learn: bool = True,
    progress: Progress = SILENT,
) -> Adjusted:
    """Adjust the forecasts of a run for the weather and stage the adjusted ones in this run.

    Parameters
    ----------
    workspace, run
        Where tables are read and results go: the five ``*_forecasts``, and ``lane_weather`` when closures are played through.
    forecast_run
        Run of ``radar forecast``; None takes the latest.
    close
        ``likely`` (every lane-day with a closure probability of at least 0.5), lane ids, or ``LANE@DATE``.
    learn
        Whether history may replace the published figures.
    progress
        Told how far the work is.

    Raises
    ------
    RadarError
        When there is no forecast, no ``radar weather impact``, or a lane to close is unknown.
    """
    source = forecast_run or _latest(workspace, "route_forecasts", "forecast", "radar forecast")
    impact = _latest(workspace, "outlet_weather", "weather impact", "radar weather impact")
    tables = {
        level: run.results(f"{level}_forecasts", source).drop("run_id")
        for level in LEVELS
        if _has(workspace, level, source)
    }
    routes = tables["route"]
    days = routes["date"].unique().sort().to_list()
    closed = _find_closed(run, impact, close)
    progress.step(1, 5, "learning from history")
    kept, basis, response = _shares(workspace, run, impact, days, routes, learn=learn)
    progress.step(3, 5, "moving parcels")
    hubs = sorted(set(routes["origin_hub_id"]) | set(routes["destination_hub_id"]))
    laid = {direction: lay_out(kept[direction], hubs, days) for direction in DIRECTIONS}
    before = routes.select("date", "courier_id", "origin_hub_id", "destination_hub_id", before=parcels_before())
    moved = move_routes(before, days, hubs, laid["out"], laid["in"])
    for level, (change, keys) in _changes(run, moved, tables).items():
        run.append(f"{level}_forecasts", apply_change(tables[level], change, keys))
    undelivered = 0
    if "outlet" in tables:
        change, undelivered = _change_outlets(workspace, run, moved, tables["outlet"], impact, days)
        run.append("outlet_forecasts", apply_change(tables["outlet"], change, ["date", "outlet_id", "direction"]))
    if closed.height:
        run.append("lane_weather", _with_closures(run.results("lane_weather", impact).drop("run_id"), closed))
    progress.step(5, 5, "done")
    by_day = moved.rows.group_by("date").agg(pl.col("before", "after").sum()).sort("date")
    seen = set(pl.concat([kept[direction]["date"] for direction in DIRECTIONS]))
    unknown = tuple(day for day in days if day not in seen)
    return Adjusted(source, impact, basis, response, by_day, moved.waiting, undelivered, closed, unknown)


def _latest(workspace: Workspace, table: str, command: str, how: str) -> str:
    runs = workspace.read("runs")
    of_command = set(runs.filter(pl.col("command") == command)["run_id"])
    found = [run for run in workspace.writers(table) if run in of_command]
    if not found:
        raise RadarError(f"no run of {command} in this workspace", action=f"run `{how}` first")
    return found[-1]


def _has(workspace: Workspace, level: str, run_id: str) -> bool:
    return level == "route" or run_id in workspace.writers(f"{level}_forecasts")


def _shares(
    workspace: Workspace, run: Run, impact: str, days: list[date], routes: pl.DataFrame, *, learn: bool
) -> tuple[dict[str, pl.DataFrame], dict[str, Basis], VolumeResponse]:
    """Share of each hub's parcels that moves on each day, for either direction, and what it rests on."""
    settings, zone = workspace.settings.weather, workspace.settings.workspace.zone
    hubs, outlets = run.read("hubs"), run.read("outlets")
    observed, forecast = run.read("weather_observations"), run.read("weather_forecasts")
    as_of = routes["as_of"].max()
    response = VolumeResponse(())
    if learn and isinstance(as_of, date):
        past = amounts_at_hubs(sum_days(known_weather(observed, forecast.clear()), zone), hubs, settings.radius_km)
        response = fit_volume_response(_volumes(run, as_of), past.filter(pl.col("date") <= as_of))
    outlet_weather, until = run.results("outlet_weather", impact), _known_until(workspace, impact)
    inside = pl.col("date").is_in(days)
    kept: dict[str, pl.DataFrame] = {}
    basis: dict[str, Basis] = {}
    shown = [direction for direction in DIRECTIONS if response.is_enough(direction)]
    if shown:
        ahead = amounts_at_hubs(sum_days(known_weather(observed, forecast, until), zone), hubs, settings.radius_km)
        for direction in shown:
            kept[direction], basis[direction] = kept_by_history(ahead.filter(inside), response, direction), "history"
    if "out" not in shown:
        own = _hub_weather(workspace, run, hubs, days, until)
        kept["out"] = kept_by_productivity(outlet_weather, outlets, own, settings.spare_capacity).filter(inside)
        basis["out"] = "published"
    if "in" not in shown:
        # only history can tell that parcels are kept back for the weather where they go; couriers there wait by themselves
        kept["in"], basis["in"] = kept["out"].clear(), "published"
    return kept, basis, response


def _known_until(workspace: Workspace, impact: str) -> datetime | None:
    """End of the day the impact run was allowed to know, None where it knew everything."""
    runs = workspace.read("runs")
    told = json.loads(runs.filter(pl.col("run_id") == impact)["options"][0]).get("as_of")
    return None if told is None else end_of_day(date.fromisoformat(told), workspace.settings.workspace.zone)


def _hub_weather(
    workspace: Workspace, run: Run, hubs: pl.DataFrame, days: list[date], until: datetime | None
) -> pl.DataFrame:
    """Courier productivity at the hubs themselves."""
    sky = see_sky(workspace, run, days, 0.0, until)
    places = hubs.select(outlet_id="hub_id", latitude="latitude", longitude="longitude")
    return assess_outlets(places, days, sky).rename({"outlet_id": "hub_id"})


def _volumes(run: Run, as_of: date) -> pl.DataFrame:
    volumes = run.read("route_volumes").filter(pl.col("date") <= as_of)
    parts = [
        volumes.group_by("date", hub_id=pl.col(column)).agg(pl.col("parcels").sum()).with_columns(direction=pl.lit(direction))
        for direction, column in (("out", "origin_hub_id"), ("in", "destination_hub_id"))
    ]  # fmt: skip
    return pl.concat(parts)


def _changes(run: Run, moved: Moved, tables: dict[str, pl.DataFrame]) -> dict[str, tuple[pl.DataFrame, list[str]]]:
    """What the rows of each level but outlets move by, with the columns that name a row."""
    change = pl.col("after") - pl.col("before")
    by_hub = change_by_hub(moved.rows)
    by_region = change_by_region(run.read("hubs"), run.read("regions"), by_hub)
    changes = {
        "network": (moved.rows.group_by("date").agg(change=change.sum()), ["date"]),
        "region": (by_region, ["date", "region_id", "direction"]),
        "hub": (by_hub, ["date", "hub_id", "direction"]),
        "route": (moved.rows.with_columns(change=change).filter(pl.col("change") != 0), ["date", *ROUTE]),
    }
    return {level: found for level, found in changes.items() if level in tables}


def _change_outlets(
    workspace: Workspace, run: Run, moved: Moved, forecast: pl.DataFrame, impact: str, days: list[date]
) -> tuple[pl.DataFrame, int]:
    """What pick-ups and deliveries of outlets move by, and what still waits at outlets at the end."""
    outlets, weather = run.read("outlets"), run.results("outlet_weather", impact)
    before = forecast.select("date", "outlet_id", "direction", before=parcels_before())
    sent = change_by_hub(moved.rows, ["courier_id"]).filter(pl.col("direction") == "out")
    picked = share_among_outlets(before, outlets, sent, weather)
    zone = workspace.settings.workspace.zone
    lags = days_to_delivery(run.read("waybills"), run.read("lanes"), moved.rows, zone)
    arrivals = change_arrivals(moved.rows, lags)
    spare = workspace.settings.weather.spare_capacity
    brought, undelivered = hold_deliveries(before, outlets, arrivals, weather, days, spare)
    return pl.concat([picked, brought]), undelivered


def _find_closed(run: Run, impact: str, close: Sequence[str]) -> pl.DataFrame:
    """Lane-days whose closure is played through: ``date``, ``lane_id``."""
    lanes = run.results("lane_weather", impact).select("date", "lane_id", "closure_probability")
    known = set(run.read("lanes")["lane_id"])
    chosen = [lanes.clear()]
    for words in close:
        name, _, text = words.partition("@")
        if words == "likely":
            chosen.append(lanes.filter(pl.col("closure_probability") >= LIKELY))
            continue
        if name not in known:
            raise RadarError(f"lane {name!r} to close", "a lane of the table lanes", "name one with --close")
        picked = lanes.filter(pl.col("lane_id") == name)
        if text:
            try:
                day = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 (a date has no zone)
            except ValueError as error:
                raise RadarError(f"day {text!r} in --close {words}", "LANE@2025-11-09", "correct it") from error
            picked = pl.DataFrame({"date": [day], "lane_id": [name], "closure_probability": [1.0]})
        chosen.append(picked)
    return pl.concat(chosen).select("date", "lane_id").unique().sort("date", "lane_id")


def _with_closures(lanes: pl.DataFrame, closed: pl.DataFrame) -> pl.DataFrame:
    """Lane weather in which the chosen lane-days are shut: no departure, probability 1."""
    shut = closed.join(lanes, on=["date", "lane_id"], how="left").with_columns(
        pl.col("speed_factor").fill_null(1.0),
        capacity_factor=pl.lit(0.0),
        closure_probability=pl.lit(1.0),
        severity=pl.col("severity").fill_null("none"),
        cause=pl.concat_str(
            pl.lit("closed in this scenario"), pl.col("cause").replace("", None), separator="; ", ignore_nulls=True
        ),
    )
    rest = lanes.join(closed, on=["date", "lane_id"], how="anti")
    return pl.concat([rest, shut.select(lanes.columns)]).sort("date", "lane_id")
