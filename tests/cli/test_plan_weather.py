"""What the weather costs a plan: the same plan with fair lanes beside it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from cli.app import app
from cli.past_plans import run_facts
from cli.plan_weather import read_weather_cost, tell_weather_basis, tell_weather_cost
from cli.report_weather import read_basis, worked_days
from data.workspace import Workspace

RUNNER = CliRunner()
DAYS = [date(2025, 11, 10) + timedelta(days=n) for n in range(2)]
HUBS = ["A", "B", "C"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three hubs in a ring of lanes; from A to B is shut on the first day, A to C slowed on the second."""
    workspace = Workspace.create(tmp_path_factory.mktemp("plan") / "雪 peak")
    ends = [(o, d) for o in HUBS for d in HUBS if o != d]
    lanes = {
        "lane_id": [f"{o}-{d}" for o, d in ends],
        "origin_hub_id": [o for o, _ in ends],
        "destination_hub_id": [d for _, d in ends],
    }
    truck = {"vehicle_type_id": "truck", "name": "Truck", "mode": "road", "ownership": "contract"}
    demand = [(day, o, d, 90) for day in DAYS for o, d in ends]
    with workspace.run("load") as load:
        load.upsert("hubs", pl.DataFrame({"hub_id": HUBS, "name": HUBS}))
        frame = pl.DataFrame(lanes).with_columns(mode=pl.lit("road"), distance_km=100.0, transit_hours=10.0)
        load.upsert("lanes", frame)
        load.upsert("vehicle_types", pl.DataFrame([truck | {"capacity": 100, "fixed_cost": 50.0, "cost_per_km": 1.0}]))
        names = ["date", "origin_hub_id", "destination_hub_id", "parcels"]
        load.append("route_demand", pl.DataFrame(demand, schema=names, orient="row"))
    weather = [
        (DAYS[0], "A-B", 1.0, 0.0, 1.0, "red", "closed in this scenario"),
        (DAYS[1], "A-C", 0.5, 0.9, 0.3, "orange", "snow"),
        (DAYS[1], "B-C", 1.0, 1.0, 0.0, "none", ""),
        (DAYS[1] + timedelta(days=9), "B-C", 0.5, 1.0, 0.0, "none", ""),
    ]
    names = ["date", "lane_id", "speed_factor", "capacity_factor", "closure_probability", "severity", "cause"]
    age = {"weather_issued_at": "2025-11-07T12:00:00+00:00", "known_until": "2025-11-09T16:00:00+00:00"}
    with workspace.run("weather impact", options=age) as impact:
        impact.append("lane_weather", pl.DataFrame(weather, schema=names, orient="row"))
    return workspace.folder


def plan(folder: Path, *arguments: str) -> dict[str, Any]:
    words = ["--workspace", str(folder), "plan", "trunk", "--effort", "0.1", "--json", *arguments]
    result = RUNNER.invoke(app, words)
    assert result.exit_code in (0, 3), result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_weather_is_told_beside_the_plan_without_it(folder: Path) -> None:
    alone = plan(folder)
    assert alone["weather"] == {
        "lane_days": 2,
        "parcels_on_them": alone["weather"]["parcels_on_them"],
        "parcels_moved": 0,
        "fair_run": None,
    }
    assert "--no-weather" in tell_weather_cost(alone["weather"])
    assert alone["weather_basis"]["lane_days"] == alone["weather"]["lane_days"]
    fair = plan(folder, "--no-weather")
    assert fair["weather"] is None
    assert fair["violations"] == 0
    # a plan of another seed is no twin
    assert plan(folder, "--seed", "7")["weather"]["fair_run"] is None
    found = plan(folder)
    under = found["weather"]
    assert found["violations"] == 0
    assert under["fair_run"] == fair["run_id"]
    assert (under["cost_with"], under["cost_without"]) == (found["carrying_cost"], fair["carrying_cost"])
    # what the shut lane would have carried goes round by C or a day later
    assert under["cost_with"] > under["cost_without"]
    assert under["short_with"] == found["parcels_short"]
    # the plan made before its twin is told the same later
    assert read_weather_cost(Workspace.open(folder), alone["run_id"]) == under | {
        "parcels_on_them": alone["weather"]["parcels_on_them"]
    }
    assert fair["run_id"] in tell_weather_cost(under)


def test_shut_lanes_run_nothing_and_fair_ones_do(folder: Path) -> None:
    workspace = Workspace.open(folder)
    runs = {weather: plan(folder, *words)["run_id"] for weather, words in ((True, ()), (False, ("--no-weather",)))}
    shut = (pl.col("date") == DAYS[0]) & (pl.col("lane_id") == "A-B") & (pl.col("departures") > 0)
    assert workspace.results("trunk_departures", runs[True]).filter(shut).is_empty()
    assert workspace.results("trunk_departures", runs[False]).filter(shut).height == 1


def test_a_plan_says_which_weather_it_stands_on(folder: Path) -> None:
    impact = Workspace.open(folder).writers("lane_weather")[-1]
    read = plan(folder)["weather_basis"]
    assert read == {
        "run_id": impact,
        "left_out": False,
        "issued_at": "2025-11-07T12:00:00+00:00",
        "known_until": "2025-11-09T16:00:00+00:00",
        "unknown_days": [],
        "lane_days": 2,
        "lane_days_shut": 1,
        "lanes_shut": 0,
        "shut_from": None,
        "shut_until": None,
    }
    told = tell_weather_basis(Workspace.open(folder), plan(folder)["run_id"])
    assert told.startswith(
        f"It stands on the lane weather of {impact}. The newest weather forecast was issued 2025-11-07 20:00, 52 hours"
    )
    assert "it is old" in told
    assert told.endswith("1 lane-day is shut whole.")
    assert "<" not in told
    left_out = plan(folder, "--no-weather")
    assert (left_out["weather_basis"]["run_id"], left_out["weather_basis"]["left_out"]) == (None, True)
    told = tell_weather_basis(Workspace.open(folder), left_out["run_id"])
    assert told == "This plan leaves the weather on lanes out (--no-weather): every lane counts as fair."


def test_a_plan_tells_the_lanes_it_knew_as_shut_for_hours(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "封路")
    workspace = Workspace.open(tmp_path / "封路")
    begin = datetime.combine(DAYS[0], time(18), tzinfo=UTC)
    spans = [("A-B", 0, 5, 1.0), ("A-B", 9, 12, 1.0), ("B-C", 3, 7, 1.0), ("A-C", -3, 90, 0.4), ("C-A", 900, 910, 1.0)]
    rows = [
        {
            "lane_id": lane,
            "starts_at": begin + timedelta(hours=a),
            "ends_at": begin + timedelta(hours=b),
            "probability": p,
        }
        for lane, a, b, p in spans
    ]
    with workspace.run("load lane_closures") as load:
        load.append("lane_closures", pl.DataFrame(rows).with_columns(cause=pl.lit("ice")))
    facts = run_facts(workspace, plan(workspace.folder)["run_id"])
    days = pl.Series(DAYS)
    shut = read_basis(workspace, facts, days).shut
    assert shut is not None
    assert (shut.lanes, shut.first, shut.last) == (2, begin, begin + timedelta(hours=12))
    assert read_basis(workspace, facts, pl.Series([DAYS[1] + timedelta(days=300)])).shut is None
    none = replace(facts, options=dict(facts.options) | {"lane_closures_runs": []})
    assert read_basis(workspace, none, days).shut is None


def test_a_plan_of_a_workspace_without_weather_says_so(folder: Path, tmp_path: Path) -> None:
    source, bare = Workspace.open(folder), Workspace.create(tmp_path / "fair")
    with bare.run("load") as load:
        for name in ("hubs", "lanes", "vehicle_types"):
            load.upsert(name, source.read(name))
        load.append("route_demand", source.read("route_demand").filter(pl.col("run_id") == "load-0001").drop("run_id"))
    words = ["--workspace", str(bare.folder), "--lang"]
    planned = RUNNER.invoke(app, [*words, "en", "plan", "trunk", "--effort", "0.1", "--no-weather"])
    assert "leaves the weather on lanes out" in planned.output
    planned = RUNNER.invoke(app, [*words, "zh", "plan", "trunk", "--effort", "0.1"])
    assert "本计划未读入天气" in planned.output
    assert "`radar weather impact`" in planned.output


def test_a_twin_of_fewer_draws_is_a_twin(folder: Path) -> None:
    """On how many futures a plan is played changes no plan; on none it has no probability, and says why."""
    fair = plan(folder, "--no-weather", "--draws", "0", "--seed", "3")
    assert fair["overflow_probability"] is None
    assert "o draws asked for" in fair["overflow_reason"]
    assert plan(folder, "--draws", "50", "--seed", "3")["weather"]["fair_run"] == fair["run_id"]


def test_days_after_the_last_demand_are_days_of_the_plan_too() -> None:
    """What waits over night leaves on a later day: the page counts lane-days of all of them, and so does the console."""
    dates = {
        name: pl.DataFrame({"date": rows}) for name, rows in (("hub_loads", DAYS[:2]), ("trunk_departures", DAYS[1:]))
    }
    assert worked_days(dates).to_list() == sorted(DAYS)


@pytest.mark.parametrize(("with_it", "told"), [(90.0, "-10 CNY"), (110.0, "+10 CNY")])
def test_a_plan_may_cost_less_under_the_weather(with_it: float, told: str) -> None:
    found = dict.fromkeys(("lane_days", "parcels_on_them", "parcels_moved"), 1) | {
        "fair_run": "fair",
        "cost_with": with_it,
    }
    found |= {"cost_without": 100.0, "late_with": 1, "late_without": 3, "short_with": 0, "short_without": 0}
    assert f"without it, {told}, -2 parcels late, +0 short" in tell_weather_cost(found)
