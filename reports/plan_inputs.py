"""What the plan report is made from: the result tables of one trunk plan and the tables that name things."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from data.contracts import contract
from data.errors import RadarError
from data.plan_outcome import PlanOutcome, read_outcome
from reports.run_facts import RunFacts
from reports.weather_basis import NO_WEATHER, WeatherBasis


def _none(name: str) -> pl.DataFrame:
    return contract(name).empty()


@dataclass(frozen=True)
class PlanInputs:
    """Frames of the plan report, each by its contract.

    Parameters
    ----------
    run
        The run that made the plan.
    certificates, departures, flows, hub_loads, shortfalls
        ``plan_certificates``, ``trunk_departures``, ``trunk_flows``, ``hub_loads`` and ``shortfalls`` of that run.
    demand
        ``route_demand`` of that run: what it was asked to carry.
    forecast
        The forecast run the demand is from and the last day it knew; none for demand as given.
    hubs, lanes, vehicle_types, lane_vehicles
        Reference tables the plan was made on.
    lane_weather
        The weather the plan was made for, if any.
    warnings
        Rows of ``weather_warnings`` that act on it: drawn on the map.
    weather_cost
        What the weather costs beside the plan made without it: ``fair_run``, ``parcels_moved``, and ``cost``, ``late`` and ``short`` each
        as ``_with`` and ``_without``; none where it is not known.
    weather_basis
        Which weather the plan stands on, how old it was, or that there is none.
    reference
        The plan this one was made near to, and how many departures differ from it; none of a plan made anew.
    hub_prices
        ``date``, ``hub_id``, ``price`` [CNY/parcel]: what one more parcel of sort capacity would save; none where the
        planner did not keep them.
    capacity_needs
        ``capacity_needs`` of the latest run of `radar plan capacity`, the weeks of the plan's days; empty without one.
    stress
        ``stress_results`` of the plan: of its newest stress test, else of its own certificate.
    rivals
        ``plan_certificates`` of trunk plans of the same days whose risk is known, this one among them.
    calibration
        What backtests saw of the draws: ``hub_above``, ``network_within``, ``passes``; none where nothing is known.
    outlines
        GeoJSON text of the regions for the map's background, or none.
    time_zone
        Of business dates, by IANA name.
    limits
        ``date``, ``hub_id``, ``sort_id``, ``buffer``, ``handling_cost``: what sorts and days of their own say; none where ``hubs`` say it all.
    """

    run: RunFacts
    certificates: pl.DataFrame
    departures: pl.DataFrame
    flows: pl.DataFrame
    hub_loads: pl.DataFrame
    shortfalls: pl.DataFrame = field(default_factory=lambda: _none("shortfalls"))
    demand: pl.DataFrame = field(default_factory=lambda: _none("route_demand"))
    forecast: tuple[str, date] | None = None
    hubs: pl.DataFrame = field(default_factory=lambda: _none("hubs"))
    lanes: pl.DataFrame = field(default_factory=lambda: _none("lanes"))
    vehicle_types: pl.DataFrame = field(default_factory=lambda: _none("vehicle_types"))
    lane_vehicles: pl.DataFrame = field(default_factory=lambda: _none("lane_vehicles"))
    lane_weather: pl.DataFrame = field(default_factory=lambda: _none("lane_weather"))
    warnings: pl.DataFrame = field(default_factory=lambda: _none("weather_warnings"))
    weather_cost: Mapping[str, Any] | None = None
    weather_basis: WeatherBasis = NO_WEATHER
    reference: tuple[str, int] | None = None
    hub_prices: pl.DataFrame | None = None
    capacity_needs: pl.DataFrame = field(default_factory=lambda: _none("capacity_needs"))
    stress: pl.DataFrame = field(default_factory=lambda: _none("stress_results"))
    rivals: pl.DataFrame = field(default_factory=lambda: _none("plan_certificates"))
    calibration: Mapping[str, Any] | None = None
    outlines: str | None = None
    time_zone: str = "Asia/Shanghai"
    limits: pl.DataFrame | None = None

    def __post_init__(self) -> None:
        """Refuse a report about nothing."""
        if self.certificates.filter(pl.col("plan") == "trunk").is_empty():
            raise RadarError(
                f"run {self.run.run_id} holds no trunk plan", action="run `radar plan trunk` first or name another run"
            )

    @property
    def certificate(self) -> dict[str, Any]:
        """The row of the trunk plan."""
        return self.certificates.filter(pl.col("plan") == "trunk").row(0, named=True)

    def read_outcome(self) -> PlanOutcome:
        """Tell what the plan comes to, shortage apart."""
        tables = {
            "plan_certificates": self.certificates, "shortfalls": self.shortfalls, "hub_loads": self.hub_loads,
            "route_demand": self.demand, "hubs": self.hubs, "lanes": self.lanes,
        }  # fmt: skip
        return read_outcome(tables, float(self.run.options.get("short_cost") or 0.0))

    @property
    def days(self) -> list[date]:
        """Days on which the plan does something, in order."""
        days = pl.concat([self.hub_loads["date"], self.departures["date"], self.shortfalls["date"]])
        return days.unique().sort().to_list()
