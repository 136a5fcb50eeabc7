"""What a plan is asked for, and the demand that follows from it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import polars as pl

    from data.runs import Run
    from data.workspace import Workspace


@dataclass(frozen=True, slots=True)
class TrunkRequest:
    """What ``radar plan trunk`` was asked for; None takes the value of ``radar.toml``."""

    first: date | None = None
    last: date | None = None
    service_level: float | None = None
    demand: str = "auto"
    time_limit: float | None = None
    effort: float | None = None
    seed: int = 0
    reference: str | None = None
    max_changes: int | None = None
    forecast: str | None = None
    weather: bool = True
    risk: float | None = None
    by: str = "sorts"
    draws: int = 1000
    sort_plan: str | None = None
    timetable: str | None = None
    beside: list[str] | None = None


def keep_request(request: TrunkRequest) -> dict[str, Any]:
    """List what was asked for as the plan's run keeps it; its seed and forecast the run keeps itself."""
    days = {"from": request.first, "to": request.last}
    others = [field.name for field in fields(request) if field.name not in ("first", "last", "seed")]
    return {name: None if day is None else day.isoformat() for name, day in days.items()} | {
        name: getattr(request, name) for name in others
    }


def choose_order(workspace: Workspace, request: TrunkRequest) -> str:
    """Order lanes by day where hubs have sorts of their own, unless asked otherwise; a plan that may change little keeps its lanes."""
    if request.sort_plan is not None:
        return request.sort_plan
    ordered = (
        request.by == "sorts"
        and request.max_changes is None
        and request.timetable is None
        and not workspace.read("hub_sorts").is_empty()
    )
    return "daily" if ordered else "free"


def read_request(run: Mapping[str, Any]) -> TrunkRequest:
    """Return what a past plan was asked for, by its row of ``runs`` with the options parsed."""
    from datetime import date

    options = run["options"]
    days = {
        name: date.fromisoformat(options[at]) if options.get(at) else None
        for name, at in (("first", "from"), ("last", "to"))
    }
    request = {field.name: options[field.name] for field in fields(TrunkRequest) if field.name in options}
    request.setdefault("sort_plan", "free")  # before there were sort plans no lanes were ordered
    return TrunkRequest(**{**request, **days, "seed": run["seed"] or 0, "forecast": run["forecast_run"]})


def read_demand(run: Run, request: TrunkRequest, level: float) -> pl.DataFrame:
    """Demand of the request: from the latest forecast at the service level, or from the latest load of route_demand."""
    import polars as pl

    from data.errors import RadarError
    from routing.trunk.task.demand import demand_at_level, take_days

    workspace = run.reader
    commands = {row["run_id"]: row["command"] for row in workspace.read("runs").iter_rows(named=True)}
    given = [name for name in workspace.writers("route_demand") if not commands[name].startswith("plan")]
    source = "forecast" if request.forecast is not None else request.demand
    if source == "auto":
        source = "forecast" if workspace.writers("route_forecasts") else "given"
    if source == "given":
        if not given:
            raise RadarError(
                "no demand to plan for",
                "a forecast or route_demand",
                "run `radar forecast`, or `radar load route_demand`",
            )
        demand = run.results("route_demand", given[-1])
        route = ("date", "origin_hub_id", "destination_hub_id", "ready_at")
        demand = demand.group_by(route).agg(pl.col("parcels").sum())
    else:
        forecasts = run.results("route_forecasts", request.forecast)
        if forecasts.is_empty():
            raise RadarError("no forecast to plan for", "rows in route_forecasts", "run `radar forecast` first")
        demand = demand_at_level(forecasts, run.results("hub_forecasts", forecasts["run_id"][0]), level)
    return take_days(demand, request.first, request.last)
