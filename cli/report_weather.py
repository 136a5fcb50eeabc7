"""The weather that reports speak of: what a forecast was adjusted for, what a plan saw, and the warnings behind both."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from data.workspace import Workspace
    from reports.forecast_inputs import WeatherSeen
    from reports.run_facts import RunFacts
    from reports.weather_age import WeatherAge
    from reports.weather_basis import ShutLanes, WeatherBasis

# How a cause of ``lane_weather`` names a warning: "warning snow red (ID)".
_NAMED = re.compile(r"warning \S+ \w+ \((.+?)\)(?:, no effect known)?(?:;|$)")


def read_weather_in(workspace: Workspace, run: RunFacts, days: pl.Series) -> WeatherSeen | None:
    """Read the weather that a forecast of some days was adjusted for; None of a forecast without."""
    import polars as pl

    from reports.forecast_inputs import WeatherSeen

    if run.command != "weather apply":
        return None
    impact = run.options.get("impact_run") or latest_before(workspace, "outlet_weather", run.run_id)
    if impact is None:
        return None
    adjusted = run.run_id in workspace.writers("lane_weather", withdrawn=True)
    lanes = workspace.results("lane_weather", run.run_id if adjusted else impact)
    outlets = workspace.results("outlet_weather", impact)
    return WeatherSeen(
        lane_weather=lanes,
        outlet_weather=outlets,
        warnings=name_warnings(
            workspace, pl.concat([frame.select("date", "cause") for frame in (lanes, outlets)]), days
        ),
        lanes=workspace.read("lanes"),
        age=_read_age(workspace, impact, min(days.to_list())),
    )


def read_basis(workspace: Workspace, run: RunFacts, days: pl.Series) -> WeatherBasis:
    """Read which lane weather a plan of some days stands on, and what it says of these days."""
    import polars as pl

    from reports.weather_basis import WeatherBasis
    from reports.weather_map import is_touched

    left_out = run.options.get("weather") is False
    named = _name_lane_weather(workspace, run)
    if named is None:
        return WeatherBasis(None, left_out, None, (), 0)
    seen, planned = read_weather_seen(workspace, run), sorted(days.unique().to_list())
    made = {name: workspace.results(name, run.run_id) for name in ("hub_loads", "trunk_departures", "shortfalls")}
    touched = seen.filter(is_touched() & pl.col("date").is_in(worked_days(made).to_list()))
    known = set(seen["date"].to_list())
    age = _age_of_lane_weather(workspace, named, planned[0]) if planned else None
    unknown = [day for day in planned if day not in known]
    whole = touched.filter(pl.col("capacity_factor") <= 0.0).height
    return WeatherBasis(named, left_out, age, unknown, touched.height, _read_shut(workspace, run, planned), whole)


def worked_days(tables: Mapping[str, pl.DataFrame]) -> pl.Series:
    """Days on which a plan does something, those after its last day of demand included, as the plan report shows them."""
    import polars as pl

    shown = [tables[name]["date"] for name in ("hub_loads", "trunk_departures", "shortfalls") if name in tables]
    return pl.concat(shown).unique().sort()


def _read_shut(workspace: Workspace, run: RunFacts, days: Sequence[date]) -> ShutLanes | None:
    """Which lanes a plan knew as shut for hours of its days."""
    import polars as pl

    from cli.trunk_task import choose_certain
    from reports.weather_basis import ShutLanes

    named = run.options.get("lane_closures_runs") or []
    if not named or not days or "lane_closures" not in run.tables_read:
        return None
    zone = workspace.settings.workspace.zone
    bounds = (days[0], days[-1] + timedelta(days=1))
    begin, end = (datetime.combine(day, time(), tzinfo=zone).astimezone(UTC) for day in bounds)
    rows = choose_certain([workspace.results("lane_closures", name) for name in named])
    met = rows.filter((pl.col("ends_at") > begin) & (pl.col("starts_at") < end))
    first, last = met["starts_at"].min(), met["ends_at"].max()
    if not isinstance(first, datetime) or not isinstance(last, datetime):
        return None
    return ShutLanes(met["lane_id"].n_unique(), first, last)


def _age_of_lane_weather(workspace: Workspace, named: str, first: date) -> WeatherAge | None:
    """How old the weather forecast behind a run's lane weather was; None where nobody knows, as of lane weather that was loaded."""
    from cli.past_plans import read_run

    made = read_run(workspace, named)
    impact = named if made["command"] == "weather impact" else made["options"].get("impact_run")
    return None if impact is None else _read_age(workspace, impact, first)


def _read_age(workspace: Workspace, impact: str, first: date) -> WeatherAge | None:
    """How old the weather forecast of an impact was; None of one made before that was kept."""
    from cli.past_plans import read_run
    from reports.weather_age import WeatherAge

    options = read_run(workspace, impact)["options"]
    if "weather_issued_at" not in options:
        return None
    issued, known = (options.get(name) for name in ("weather_issued_at", "known_until"))
    return WeatherAge(
        None if issued is None else datetime.fromisoformat(issued),
        datetime.combine(first, time(), tzinfo=workspace.settings.workspace.zone)
        if known is None
        else datetime.fromisoformat(known),
    )


def read_weather_seen(workspace: Workspace, run: RunFacts) -> pl.DataFrame:
    """Return the lane weather a plan was made for: the run it names, none where it read none."""
    from data.contracts import contract

    named = _name_lane_weather(workspace, run)
    writers = workspace.writers("lane_weather", withdrawn=True)
    return workspace.results("lane_weather", named) if named in writers else contract("lane_weather").empty()


def _name_lane_weather(workspace: Workspace, run: RunFacts) -> str | None:
    """Name the run whose lane weather a plan read: of plans that did not keep it the latest before them."""
    named = run.options.get("lane_weather_run")
    if named is None and "lane_weather" in run.tables_read:
        named = latest_before(workspace, "lane_weather", run.run_id)
    return named


def name_warnings(workspace: Workspace, weather: pl.DataFrame, days: pl.Series) -> pl.DataFrame:
    """Return the warnings that the weather of some days names as its causes."""
    import polars as pl

    causes = weather.filter(pl.col("date").is_in(days.unique().implode()))["cause"].unique().to_list()
    named = {name for cause in causes for name in _NAMED.findall(cause)}
    return workspace.read("weather_warnings").filter(pl.col("warning_id").is_in(sorted(named)))


def latest_before(workspace: Workspace, table: str, run_id: str) -> str | None:
    """Return the last run before another one that wrote a table: by their numbers, since clocks may stand wrong."""
    from data.table_reader import run_number

    earlier = [w for w in workspace.writers(table, withdrawn=True) if run_number(w) < run_number(run_id)]
    return earlier[-1] if earlier else None
