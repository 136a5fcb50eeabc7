"""What the forecast report is made from: result tables of one run, the reference tables that name things, and history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import polars as pl

from data.closings import Closing
from data.contracts import contract
from data.errors import RadarError
from data.silent_days import Silence, find_silences
from reports.run_facts import RunFacts
from reports.weather_age import WeatherAge

RECENT_DAYS = 28


def _none(name: str) -> pl.DataFrame:
    return contract(name).empty()


@dataclass(frozen=True)
class RouteHistory:
    """What the history says of each route before the forecast, and of the network by day.

    Parameters
    ----------
    days
        ``date``, ``parcels`` [parcels/day]: the whole network, up to and with the as-of date.
    routes
        ``courier_id``, ``origin_hub_id``, ``destination_hub_id``, ``first_date`` (first day with a parcel) and
        ``recent`` [parcels/day]: mean of the last 28 days.
    silences
        Days without any row of the network, a courier or a hub that otherwise always has rows.
    """

    days: pl.DataFrame
    routes: pl.DataFrame
    silences: tuple[Silence, ...] = ()

    @property
    def last_day(self) -> date:
        """Last day with a parcel."""
        return _first_date(self.days.tail(1), "date")


@dataclass(frozen=True)
class WeatherSeen:
    """The weather a forecast was adjusted for.

    Parameters
    ----------
    lane_weather, outlet_weather, warnings
        Tables of these names: what the impact found, and the warnings it names as causes.
    lanes
        Table ``lanes``.
    age
        How old the newest weather forecast is; None where that is not known.
    """

    lane_weather: pl.DataFrame
    outlet_weather: pl.DataFrame
    warnings: pl.DataFrame
    lanes: pl.DataFrame
    age: WeatherAge | None


@dataclass(frozen=True)
class ForecastInputs:
    """Frames of the forecast report, each by its contract.

    Parameters
    ----------
    run
        The run that made the forecast.
    network, hubs_ahead, routes_ahead, outlets_ahead
        ``network_forecasts``, ``hub_forecasts``, ``route_forecasts`` and ``outlet_forecasts`` of that run.
    hubs, outlets, couriers, events, network_changes
        Reference tables; absent ones leave ids unnamed and markers out.
    scores
        ``backtest_scores``, if any backtest was run.
    scores_run
        The run that made ``scores``.
    history
        Summary of ``route_volumes``; none leaves out the past and what is compared with it.
    outlines
        GeoJSON text of the regions for the map's background, or none.
    closings
        Closings and openings nobody announced that the forecast took as such.
    weather
        The weather it was adjusted for; None where it was not.
    time_zone
        Of moments told.
    limits
        ``date``, ``hub_id``, ``capacity``: what each hub can sort on each day, by its sorts, days and closings of its own; none
        where ``hubs`` say it all.
    """

    run: RunFacts
    network: pl.DataFrame
    hubs_ahead: pl.DataFrame = field(default_factory=lambda: _none("hub_forecasts"))
    routes_ahead: pl.DataFrame = field(default_factory=lambda: _none("route_forecasts"))
    outlets_ahead: pl.DataFrame = field(default_factory=lambda: _none("outlet_forecasts"))
    hubs: pl.DataFrame = field(default_factory=lambda: _none("hubs"))
    outlets: pl.DataFrame = field(default_factory=lambda: _none("outlets"))
    couriers: pl.DataFrame = field(default_factory=lambda: _none("couriers"))
    events: pl.DataFrame = field(default_factory=lambda: _none("events"))
    network_changes: pl.DataFrame = field(default_factory=lambda: _none("network_changes"))
    scores: pl.DataFrame = field(default_factory=lambda: _none("backtest_scores"))
    scores_run: str | None = None
    history: RouteHistory | None = None
    outlines: str | None = None
    closings: tuple[Closing, ...] = ()
    weather: WeatherSeen | None = None
    time_zone: str = "Asia/Shanghai"
    limits: pl.DataFrame | None = None

    def __post_init__(self) -> None:
        """Refuse a report about nothing."""
        if self.network.is_empty():
            raise RadarError(
                f"run {self.run.run_id} holds no network forecast",
                action="run `radar forecast` first or name another run",
            )

    @property
    def as_of(self) -> date:
        """Last day of history the forecast knew."""
        return _first_date(self.network, "as_of")


def summarise_history(
    route_volumes: pl.DataFrame | pl.LazyFrame, as_of: date, closed: Sequence[tuple[date, date]] = ()
) -> RouteHistory | None:
    """Sum the route history up for the report.

    Parameters
    ----------
    route_volumes
        ``route_volumes`` by its contract; a lazy frame keeps a long history out of memory.
    as_of
        Last day that counts; later rows are not looked at.
    closed
        Times in which the whole network rested, as the run was told.

    Returns
    -------
    RouteHistory or None
        None when there is no row up to that day.
    """
    known = route_volumes.lazy().filter((pl.col("date") <= as_of) & (pl.col("parcels") > 0))
    days = known.group_by("date").agg(pl.col("parcels").sum()).sort("date").collect()
    if days.is_empty():
        return None
    key = ["courier_id", "origin_hub_id", "destination_hub_id"]
    late = pl.col("date") > as_of - timedelta(days=RECENT_DAYS)
    routes = (
        known.group_by(key)
        .agg(
            pl.col("date").min().alias("first_date"),
            (pl.col("parcels").filter(late).sum() / RECENT_DAYS).alias("recent"),
        )
        .sort(key)
        .collect()
    )
    sent = ("date", "courier_id", "origin_hub_id", "parcels")
    rows = route_volumes.lazy().filter(pl.col("date") <= as_of).select(sent).collect()
    return RouteHistory(days, routes, find_silences(rows, closed))


def _first_date(frame: pl.DataFrame, column: str) -> date:
    value = frame[column][0]
    if not isinstance(value, date):
        raise TypeError(f"{column} holds no date")
    return value
