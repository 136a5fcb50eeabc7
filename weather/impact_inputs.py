"""From tables to the weather of every lane and outlet of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from data.departure_times import TimetableTables, list_departures
from data.errors import RadarError
from data.progress import SILENT, Progress
from data.settings import WeatherSettings
from weather.effects.effect_tables import EffectRow, EffectTables, list_effects
from weather.exposure.closures import find_closures
from weather.exposure.impact import assess_lanes, assess_outlets, hours_needed
from weather.exposure.lane_places import (
    LaneSamples,
    cross_areas,
    days_between,
    lines_of,
    sample_lanes,
    stand_over,
)
from weather.exposure.points import build_grid, known_weather
from weather.exposure.scene import WeatherScene
from weather.exposure.warnings import ActingWarnings, acting_warnings
from weather.learning.lane_speed import LearnedSpeed, fit_lane_speed, measure_delays, replace_rows
from weather.learning.volumes import VOLUMES, volumes_by_hub
from weather.learning.warning_response import LearnedWarning, fit_warning_response, replace_productivity

LONGEST_SPAN = 92
_SIGNAL_HOURS = 13  # before a departure from which snow and rain add up to a colour


@dataclass(frozen=True)
class ImpactTables:
    """What the weather of a network is worked out from.

    Parameters
    ----------
    lanes, hubs, outlets, waybills
        Tables of these names.
    observations, forecasts, warnings
        Tables ``weather_observations``, ``weather_forecasts`` and ``weather_warnings``.
    departures, hub_sorts, hub_closures
        Table ``lane_departures``, and the tables of these names: when lanes are left, see ``data.departure_times``.
    lane_geometry
        Lane id -> GeoJSON geometry; lanes without one follow the great circle.
    day_cut_off_hours
        Setting of this name of section ``[plan]``: for hubs without sorts, where others have some.
    route_volumes
        Table of this name, from which classes of warnings are learnt; None learns nothing of them.
    """

    lanes: pl.DataFrame
    hubs: pl.DataFrame
    outlets: pl.DataFrame
    waybills: pl.DataFrame
    observations: pl.DataFrame
    forecasts: pl.DataFrame
    warnings: pl.DataFrame
    departures: pl.DataFrame | None = None
    hub_sorts: pl.DataFrame | None = None
    hub_closures: pl.DataFrame | None = None
    lane_geometry: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    day_cut_off_hours: float = 0.0
    route_volumes: pl.DataFrame | None = None

    @property
    def timetable(self) -> TimetableTables:
        """What tells when lanes are left."""
        return TimetableTables(self.hubs, self.hub_sorts, self.hub_closures, self.departures, self.day_cut_off_hours)


@dataclass(frozen=True)
class NetworkImpact:
    """What the weather does to a network.

    Parameters
    ----------
    lanes, outlets
        Columns of ``lane_weather`` and ``outlet_weather`` without run_id.
    unplaced_lanes, unplaced_outlets
        Ids without coordinates, of which nothing can be said.
    unknown_lane_days, unknown_outlet_days
        How many lane-days with a departure, and outlet-days, have no weather point within the radius and no warning.
    closures
        Columns of ``lane_closures`` without run_id.
    untouched
        Ids of warnings of these days over no lane and no outlet.
    set_apart, notes
        Warning id -> why it could not be read, or what was done to its area.
    issued_at
        When the newest weather forecast that was known was issued; None where there is none.
    """

    lanes: pl.DataFrame
    outlets: pl.DataFrame
    unplaced_lanes: tuple[str, ...]
    unplaced_outlets: tuple[str, ...]
    unknown_lane_days: int
    unknown_outlet_days: int
    closures: pl.DataFrame
    untouched: tuple[str, ...]
    set_apart: Mapping[str, str]
    notes: Mapping[str, str]
    issued_at: datetime | None


def choose_days(
    tables: ImpactTables,
    settings: WeatherSettings,
    zone: ZoneInfo,
    first: date | None,
    last: date | None,
    *,
    as_of: datetime | None = None,
) -> list[date]:
    """Return the days to look at: as asked, else the days the latest weather forecast speaks of.

    Parameters
    ----------
    tables
        The forecast, and what tells when lanes are left.
    settings, zone
        Section ``[weather]`` of radar.toml and time zone of the workspace.
    first, last
        As asked; None for the ends of the latest forecast. Its last day is the last on which a lane is left before it ends.
    as_of
        Forecasts issued later are not looked at.

    Raises
    ------
    RadarError
        When nothing tells the days, they are the wrong way round, or there are too many.
    """
    if first is None or last is None:
        known = tables.forecasts.filter(pl.col("issued_at").is_not_null())
        if as_of is not None:
            known = known.filter(pl.col("issued_at") <= as_of)
        latest = known.filter(pl.col("issued_at") == pl.col("issued_at").max())
        if latest.is_empty():
            raise RadarError(
                "no weather forecast to take the days from", action="give --from and --to, or `radar weather load` one"
            )
        local = latest["valid_at"].dt.convert_time_zone(str(zone))
        begin, end = local.min(), local.max()
        if not isinstance(begin, datetime) or not isinstance(end, datetime):
            raise RadarError("a weather forecast without times", action="load it again")
        first = first or begin.date()
        last = last or max(_last_left(tables, settings, zone, end), first)
    if first > last:
        raise RadarError(f"days from {first} to {last}", "the first day before the last", "swap --from and --to")
    days = days_between(first, last)
    if len(days) > LONGEST_SPAN:
        raise RadarError(f"{len(days)} days", f"at most {LONGEST_SPAN}", "choose fewer with --from and --to")
    return days


def _last_left(tables: ImpactTables, settings: WeatherSettings, zone: ZoneInfo, end: datetime) -> date:
    """Last business date on which some lane is left by a moment; without lanes the day whose usual hour it holds."""
    # a week, for lanes that are left on some weekdays only; a hub's clock may be a day ahead
    near = days_between(end.date() - timedelta(days=6), end.date() + timedelta(days=1))
    left = list_departures(tables.lanes, tables.timetable, near, zone, settings.departure_hour)
    last = left.filter(pl.col("leaves_at") <= end.astimezone(UTC))["date"].max()
    return last if isinstance(last, date) else (end - timedelta(hours=settings.departure_hour)).date()


@dataclass(frozen=True)
class LearnedEffects:
    """The effect tables as they hold for a network, and what its history shows of them.

    Parameters
    ----------
    rows
        Published, replaced or mixed with history, by radar.toml in any case.
    speeds
        What waybills show of each class of rain, snow and fog; empty without waybills or observations.
    warnings
        What volumes show of each class of warning; empty without volumes.
    """

    rows: tuple[EffectRow, ...]
    speeds: tuple[LearnedSpeed, ...]
    warnings: tuple[LearnedWarning, ...]

    @property
    def replaced(self) -> list[str]:
        """Ids of the rows into which history went, sorted."""
        mine = {row.id for row in self.rows if row.source == "radar.toml"}
        found = {speed.id for speed in self.speeds if speed.history >= VOLUMES.enough}
        return sorted((found | {warning.id for warning in self.warnings if warning.history > 0.0}) - mine)


def learn_effects(
    tables: ImpactTables, settings: WeatherSettings, zone: ZoneInfo, as_of: datetime | None = None
) -> LearnedEffects:
    """Put what a network's waybills show of lane speed, and its volumes of warnings, in place of published figures.

    Parameters
    ----------
    tables
        Lanes, hubs, waybills, observations, warnings and volumes are looked at.
    settings, zone
        Section ``[weather]`` of radar.toml and time zone of the workspace.
    as_of
        What became known after this time is not used.

    Returns
    -------
    LearnedEffects
        Speeds are replaced where history weighs at least one half; the productivity of a class of warning is the preset until
        history has seen it on three days, then a mixture.
    """
    rows = list_effects(settings.preset, settings.effects)
    warned: tuple[LearnedWarning, ...] = ()
    if tables.route_volumes is not None:
        until = None if as_of is None else (as_of - timedelta(microseconds=1)).astimezone(zone).date()
        sent = volumes_by_hub(tables.route_volumes, until).filter(pl.col("direction") == "out")
        acting = acting_warnings(tables.warnings, as_of)
        warned = fit_warning_response(sent, tables.hubs, acting, rows, settings, zone)
    speeds = _learn_speeds(tables, EffectTables(rows), settings, zone, as_of)
    return LearnedEffects(
        replace_productivity(replace_rows(rows, speeds), warned, settings.spare_capacity), speeds, warned
    )


def _learn_speeds(
    tables: ImpactTables, effects: EffectTables, settings: WeatherSettings, zone: ZoneInfo, as_of: datetime | None
) -> tuple[LearnedSpeed, ...]:
    waybills, observed = tables.waybills, tables.observations
    if as_of is not None:
        waybills = waybills.filter(pl.col("arrived_at") <= as_of)
        observed = observed.filter(pl.col("valid_at") <= as_of)
    delays = measure_delays(waybills, zone)
    first, last = delays["date"].min(), delays["date"].max()
    if not isinstance(first, date) or not isinstance(last, date) or observed.is_empty():
        return ()
    begin, end = hours_needed([first, last], 0.0, zone)
    # parcels on the way are met by the weather of the days after pick-up
    near = observed.filter(pl.col("valid_at").is_between(begin, end + timedelta(days=5)))
    grid = build_grid(known_weather(near, near.clear()))
    return fit_lane_speed(delays, tables.lanes, tables.timetable, grid, effects, settings, zone)


def assess_network(
    tables: ImpactTables,
    days: Sequence[date],
    settings: WeatherSettings,
    zone: ZoneInfo,
    *,
    as_of: datetime | None = None,
    effects: tuple[EffectRow, ...] | None = None,
    progress: Progress = SILENT,
) -> NetworkImpact:
    """Work out what the weather does to every lane and outlet of a network.

    Parameters
    ----------
    tables
        What is known.
    days
        Days of departure and of work.
    settings, zone
        Section ``[weather]`` of radar.toml and time zone of the workspace.
    as_of
        What was known only later is not used; None uses everything.
    effects
        Effect rows; None takes those of radar.toml.
    progress
        Told how far the work is.
    """
    lanes, outlets = tables.lanes, tables.outlets
    acting = acting_warnings(tables.warnings, as_of)
    departures = list_departures(lanes, tables.timetable, days, zone, settings.departure_hour)
    scene = build_scene(
        tables, days, settings, zone, as_of=as_of, effects=effects, acting=acting, departures=departures
    )
    progress.step(1, 4, "reading weather")
    lines = lines_of(tables.lane_geometry)
    samples = sample_lanes(lanes, tables.hubs, scene.settings.sample_km, lines)
    crossings = cross_areas(samples, scene.areas)
    lane_rows = assess_lanes(samples, days, scene, departures, crossings)
    progress.step(2, 4, "lanes")
    outlet_rows = assess_outlets(outlets, days, scene)
    progress.step(3, 4, "outlets")
    begin, end = hours_needed(days, _longest(lanes), zone)
    closures = find_closures(samples, scene, begin, end, crossings)
    progress.step(4, 4, "closures")
    lost = outlets.filter(pl.col("latitude").is_null() | pl.col("longitude").is_null())["outlet_id"].to_list()
    return NetworkImpact(
        lane_rows,
        outlet_rows,
        samples.unplaced,
        tuple(lost),
        _count_left(samples, departures) - lane_rows.height,
        (outlets.height - len(lost)) * len(days) - outlet_rows.height,
        closures,
        tuple(_untouched(crossings, outlets, scene)),
        dict(acting.set_apart),
        dict(acting.notes),
        _newest_issue(tables.forecasts, as_of),
    )


def _count_left(samples: LaneSamples, departures: pl.DataFrame) -> int:
    """How many lane-days of placed lanes have a departure."""
    placed = departures.filter(pl.col("lane_id").is_in(samples.lane_id))
    return placed.select("lane_id", "date").unique().height


def _longest(lanes: pl.DataFrame) -> float:
    longest = lanes["transit_hours"].max()
    return float(longest) if isinstance(longest, int | float) else 0.0


def _untouched(crossings: pl.DataFrame, outlets: pl.DataFrame, scene: WeatherScene) -> list[str]:
    """Ids of the warnings of these days whose area no lane runs through and no outlet lies in."""
    placed = outlets.filter(pl.col("latitude").is_not_null() & pl.col("longitude").is_not_null())
    latitude, longitude = (placed[name].to_numpy().astype(np.float64) for name in ("latitude", "longitude"))
    touched = set(crossings["warning"].to_list())
    touched |= set(stand_over(latitude, longitude, scene.areas)[1].tolist())
    return [name for number, name in enumerate(scene.warnings["warning_id"]) if number not in touched]


def _newest_issue(forecasts: pl.DataFrame, as_of: datetime | None) -> datetime | None:
    known = forecasts if as_of is None else forecasts.filter(pl.col("issued_at") <= as_of)
    newest = known["issued_at"].max()
    return newest if isinstance(newest, datetime) else None


def build_scene(
    tables: ImpactTables,
    days: Sequence[date],
    settings: WeatherSettings,
    zone: ZoneInfo,
    *,
    as_of: datetime | None = None,
    effects: tuple[EffectRow, ...] | None = None,
    acting: ActingWarnings | None = None,
    departures: pl.DataFrame | None = None,
) -> WeatherScene:
    """Gather everything known of the weather of some days.

    Parameters
    ----------
    tables
        What is known.
    days
        Days looked at, at least one.
    settings, zone
        Section ``[weather]`` of radar.toml and time zone of the workspace.
    as_of
        What was known only later is not used: see ``points.known_weather`` and ``warnings.acting_warnings``.
    effects
        Effect rows; None takes those of radar.toml.
    acting
        Warnings that act; None chooses them.
    departures
        When lanes are left; None is within these days.

    Raises
    ------
    RadarError
        When there is neither a weather point nor a warning for these days.
    """
    # a slowed lane is on the road for longer than its hours
    slowed = 2.0 * _longest(tables.lanes)
    begin, end = hours_needed(days, slowed, zone)
    leaves = None if departures is None else departures["leaves_at"]
    first, last = (None, None) if leaves is None else (leaves.min(), leaves.max())
    if isinstance(first, datetime) and isinstance(last, datetime):
        # by the clock of a far hub, or of one that was shut, a day's departures may leave on another
        begin, end = min(begin, first - timedelta(hours=_SIGNAL_HOURS)), max(end, last + timedelta(hours=slowed))
    near = pl.col("valid_at").is_between(begin, end)
    weather = known_weather(tables.observations.filter(near), tables.forecasts.filter(near), as_of)
    acting = acting or acting_warnings(tables.warnings, as_of)
    here = ((pl.col("onset") <= end) & (pl.col("expires") >= begin)).alias("here")
    chosen = acting.frame.select(here)["here"].arg_true().to_numpy()
    warnings = acting.frame[chosen]
    # numbered anew: warnings of other days fell away
    areas = acting.areas.iloc[chosen].reset_index(drop=True).assign(warning=range(len(chosen)))
    if weather.is_empty() and warnings.is_empty():
        raise RadarError(
            f"no weather from {min(days)} to {max(days)}",
            action="`radar weather load` forecasts or observations of these days, or choose others with --from and --to",
        )
    rows = effects if effects is not None else list_effects(settings.preset, settings.effects)
    return WeatherScene(build_grid(weather), warnings, areas, EffectTables(rows), settings, zone)


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """Return the midnight that ends a business date."""
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=zone).astimezone(UTC)


def list_touched(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of ``lane_weather`` or ``outlet_weather`` on which the weather does something, the worst first."""
    touched = frame.filter((pl.col("severity") != "none") | (pl.col("cause") != ""))
    rank = pl.col("severity").replace_strict(
        {"none": 0, "blue": 1, "yellow": 2, "orange": 3, "red": 4}, return_dtype=pl.Int64
    )
    key = "lane_id" if "lane_id" in frame.columns else "outlet_id"
    return touched.sort(
        rank, "closure_probability", "speed_factor", "date", key, descending=[True, True, False, False, False]
    )
