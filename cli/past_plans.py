"""A past plan and the tables it was made on, as they stood then."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    from data.workspace import Workspace

TRUNK_INPUTS = ("hubs", "lanes", "vehicle_types", "lane_vehicles", "network_changes", "service_promises")
TRUNK_RESULTS = ("route_demand", "trunk_departures", "trunk_flows", "hub_loads", "shortfalls", "bound_prices")


def read_run(workspace: Workspace, run_id: str) -> dict[str, Any]:
    """Return the row of a run, its ``tables_read`` and ``options`` as dicts."""
    import polars as pl

    run = workspace.read("runs").row(by_predicate=pl.col("run_id") == run_id, named=True)
    return run | {"tables_read": json.loads(run["tables_read"]), "options": json.loads(run["options"])}


def read_trunk_plan(workspace: Workspace, run_id: str) -> tuple[dict[str, pl.DataFrame], dict[str, Any]]:
    """Return a trunk plan's inputs and results by name, the inputs as it read them, and its options."""
    run = read_run(workspace, run_id)
    versions, options = run["tables_read"], run["options"]
    tables = {name: read_as_planned(workspace, name, versions.get(name), run) for name in TRUNK_INPUTS}
    tables["plan_certificates"] = workspace.results("plan_certificates", run_id)
    tables |= {
        name: workspace.results(name, run_id)
        for name in TRUNK_RESULTS
        if run_id in workspace.writers(name, withdrawn=True)
    }
    if "lane_weather" in versions:
        tables["lane_weather"] = _weather_of(workspace, versions["lane_weather"], run, options.get("lane_weather_run"))
    return tables, options


def read_as_planned(workspace: Workspace, name: str, version: int | None, plan: dict[str, Any]) -> pl.DataFrame:
    """Return a table as the plan read it; one it did not read counts all the same if it was there before the plan."""
    from data.contracts import contract
    from data.table_reader import run_number

    if version is None:
        number = run_number(plan["run_id"])
        if not any(run_number(writer) < number for writer in workspace.writers(name, withdrawn=True)):
            return contract(name).empty()
    return workspace.read(name, version)


def _weather_of(workspace: Workspace, version: int, plan: dict[str, Any], named: str | None) -> pl.DataFrame:
    """Return the lane weather a plan saw: of the run it names, else of the latest finished before the plan began."""
    import polars as pl

    from data.table_reader import run_number

    weather = workspace.read("lane_weather", version)
    if named is None:
        number = run_number(plan["run_id"])
        seen = [run for run in workspace.writers("lane_weather", withdrawn=True) if run_number(run) < number]
        if not seen:
            return weather.clear()
        named = seen[-1]
    return weather.filter(pl.col("run_id") == named)
