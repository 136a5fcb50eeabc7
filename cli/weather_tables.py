"""What the weather commands read from the workspace, said once."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from data.runs import Run
    from data.workspace import Workspace
    from weather.applying import ForecastTables
    from weather.impact_inputs import ImpactTables


def read_network(workspace: Workspace, run: Run | Workspace) -> ImpactTables:
    """Read every table the weather of lanes and outlets is worked out from; a run keeps their versions."""
    from data.contracts import TABLES
    from data.ingest.geometry import read_geometry
    from weather.impact_inputs import ImpactTables

    return ImpactTables(
        lanes=run.read("lanes"),
        hubs=run.read("hubs"),
        outlets=run.read("outlets"),
        waybills=run.read("waybills"),
        observations=run.read("weather_observations"),
        forecasts=run.read("weather_forecasts"),
        warnings=run.read("weather_warnings"),
        departures=run.read("lane_departures") if "lane_departures" in TABLES else None,
        lane_geometry=read_geometry(workspace.folder, "lanes"),
    )


def read_forecast(workspace: Workspace, run: Run, forecast_run: str, impact_run: str) -> ForecastTables:
    """Read the forecast of one run, and the weather impact of another."""
    from weather.applying import LEVELS, ForecastTables

    forecasts = {
        level: run.results(f"{level}_forecasts", forecast_run).drop("run_id")
        for level in LEVELS
        if level == "route" or forecast_run in workspace.writers(f"{level}_forecasts")
    }
    return ForecastTables(
        forecasts=forecasts,
        lane_weather=run.results("lane_weather", impact_run).drop("run_id"),
        outlet_weather=run.results("outlet_weather", impact_run).drop("run_id"),
        known_until=_known_until(workspace, impact_run),
        route_volumes=run.read("route_volumes"),
        regions=run.read("regions"),
        network=read_network(workspace, run),
    )


def latest_run(workspace: Workspace, table: str, command: str, how: str) -> str:
    """Return the latest finished run of a command that wrote a table.

    Raises
    ------
    RadarError
        When there is none.
    """
    import polars as pl

    from data.errors import RadarError

    of_command = set(workspace.read("runs").filter(pl.col("command") == command)["run_id"])
    found = [run for run in workspace.writers(table) if run in of_command]
    if not found:
        raise RadarError(f"no run of {command} in this workspace", action=f"run `{how}` first")
    return found[-1]


def _known_until(workspace: Workspace, impact_run: str) -> datetime | None:
    """End of the day an impact run was allowed to know, None where it knew everything."""
    import polars as pl

    from weather.impact_inputs import end_of_day

    runs = workspace.read("runs")
    told = json.loads(runs.filter(pl.col("run_id") == impact_run)["options"][0]).get("as_of")
    return None if told is None else end_of_day(date.fromisoformat(told), workspace.settings.workspace.zone)
