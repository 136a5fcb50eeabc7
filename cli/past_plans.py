"""A past plan and the tables it was made on, as they stood then."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cli.trunk_task import HOURS, TABLES, choose_certain, leave_room_beside, read_options

if TYPE_CHECKING:
    import polars as pl

    from data.table_reader import TableReader
    from data.workspace import Workspace
    from reports.run_facts import RunFacts

_PLANS = {
    "trunk": "trunk_flows",
    "stock": "stock_allocations",
    "rolling": "stock_levels",
    "joint": "route_prices",
}
"""The table by whose rows a plan of each kind is known."""
_MADE_BY = {"latest": "trunk", "rolling": "stock --rolling"}
TRUNK_RESULTS = (
    "route_demand",
    "trunk_departures",
    "trunk_flows",
    "hub_loads",
    "shortfalls",
    "bound_prices",
    "sort_plans",
)


def read_run(workspace: Workspace, run_id: str) -> dict[str, Any]:
    """Return the row of a run, its ``tables_read`` and ``options`` as dicts."""
    import polars as pl

    run = workspace.read("runs").row(by_predicate=pl.col("run_id") == run_id, named=True)
    return run | {"tables_read": json.loads(run["tables_read"]), "options": json.loads(run["options"])}


def run_facts(workspace: Workspace, run_id: str) -> RunFacts:
    """Read the facts of a run for the footer of a page."""
    import polars as pl

    from reports.run_facts import RunFacts

    return RunFacts.from_row(workspace.read("runs").row(by_predicate=pl.col("run_id") == run_id, named=True))


def read_trunk_plan(workspace: Workspace, run_id: str) -> tuple[dict[str, pl.DataFrame], dict[str, Any]]:
    """Return a trunk plan's inputs and results by name, the inputs as it read them, and its options.

    Hours of hubs and lanes are there only where the plan read them: one made before has no part in them.
    """
    import polars as pl

    run = read_run(workspace, run_id)
    versions, options = run["tables_read"], run["options"]
    tables = {name: read_as_planned(workspace, name, versions.get(name), run) for name in TABLES}
    tables |= {name: workspace.read(name, versions[name]) for name in HOURS if name in versions}
    tables["plan_certificates"] = workspace.results("plan_certificates", run_id)
    tables |= {
        name: workspace.results(name, run_id)
        for name in TRUNK_RESULTS
        if run_id in workspace.writers(name, withdrawn=True)
    }
    if "lane_weather" in versions:
        tables["lane_weather"] = _weather_of(workspace, versions["lane_weather"], run, options.get("lane_weather_run"))
    if options.get("lane_closures_runs") and "lane_closures" in versions:
        rows = workspace.read("lane_closures", versions["lane_closures"])
        tables["lane_closures"] = choose_certain(
            [rows.filter(pl.col("run_id") == name) for name in options["lane_closures_runs"]]
        )
    if options.get("beside"):
        tables["hub_days"] = leave_room_beside(workspace, tables, read_options(options), options["beside"])[0]
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


def find_plan(workspace: Workspace, plan: str) -> tuple[str, str]:
    """Find the run a word stands for.

    Parameters
    ----------
    workspace
        Workspace with the plans.
    plan
        A run_id, ``trunk``, ``stock`` or ``latest``.

    Returns
    -------
    run_id, kind
        The run, and ``trunk`` or ``stock``.

    Raises
    ------
    RadarError
        When there is no such plan.
    """
    from data.errors import RadarError
    from data.spelling import ask_near
    from data.table_reader import run_number

    named = plan not in ("latest", *_PLANS)
    writers = {kind: workspace.writers(table, withdrawn=named) for kind, table in _PLANS.items()}
    if plan in writers:
        writers = {plan: writers[plan]}
    # a joint plan holds a plan of each kind: asked for by its run or as the latest, it is the joint plan
    rank = {"stock": 0, "rolling": 1, "trunk": 2, "joint": 3}
    by_run = {run: kind for kind in sorted(writers, key=lambda kind: rank[kind]) for run in writers[kind]}
    known = sorted((run_number(run), run, kind) for run, kind in by_run.items())
    if not named:
        if not known:
            raise RadarError(
                f"no finished {'plan' if plan == 'latest' else plan + ' plan'} in {workspace.folder}",
                action=f"make one with `radar plan {_MADE_BY.get(plan, plan)}`",
            )
        return known[-1][1], known[-1][2]
    for _, run, kind in known:
        if run == plan:
            return run, kind
    names = ", ".join(run for _, run, _ in known[-5:]) or "none yet"
    near = ask_near(plan, [run for _, run, _ in known])
    raise RadarError(
        f"no finished plan {plan}{f' ({near})' if near else ''}",
        f"trunk, stock, rolling, joint, latest or a run of these: {names}",
        "see `radar runs`",
    )


def find_sourcing(workspace: TableReader, before: str | None = None) -> pl.DataFrame:
    """How orders are sourced today: the latest rows that were loaded, none that a plan wrote; `before` a run, as it saw them."""
    from data.contracts import contract
    from data.table_reader import run_number

    commands = {row["run_id"]: row["command"] for row in workspace.read("runs").iter_rows(named=True)}
    given = [
        name
        for name in workspace.writers("sourcing")
        if not commands.get(name, "").startswith("plan") and (before is None or run_number(name) < run_number(before))
    ]
    return workspace.results("sourcing", given[-1]) if given else contract("sourcing").empty()
