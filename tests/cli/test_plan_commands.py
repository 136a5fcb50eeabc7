"""``radar plan capacity``, ``radar plan explain`` and ``radar plan timetable`` on a plan in a workspace."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from cli.app import app
from data.workspace import Workspace
from tests.cli.test_verify import keep_plan, load
from tests.routing.tiny_plan import tiny_plan

RUNNER = CliRunner()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace.create(tmp_path / "peak")
    load(made, tiny_plan())
    keep_plan(made, tiny_plan())
    return made


def plan(workspace: Workspace, *arguments: str) -> Result:
    return RUNNER.invoke(app, ["--workspace", str(workspace.folder), "plan", *arguments])


def test_the_overview_tells_shortfalls_hubs_and_lanes(workspace: Workspace) -> None:
    told = json.loads(plan(workspace, "explain", "--json").stdout)
    assert [(row["binding"], row["parcels"]) for row in told["shortfalls"]] == [("hub:X", 50)]
    assert told["hubs"][0]["utilisation"] == 1.0
    assert told["lanes"][0]["lane_id"] in ("A-B", "A-C")
    shown = plan(workspace, "explain")
    assert shown.exit_code == 0
    assert "Fullest hubs" in shown.stdout


def test_a_hub_and_its_day(workspace: Workspace) -> None:
    told = json.loads(plan(workspace, "explain", "--hub", "B", "--date", "2024-11-11", "--json").stdout)
    assert told["fill"] == [{"part": "ending", "stream": "from A", "parcels": 350, "share": 1.0}]
    assert told["told"] == "B sorts 350 parcels on 2024-11-11, 100% of 350; 50 wait over the night."


def test_a_lane_and_what_dropping_it_would_do(workspace: Workspace) -> None:
    told = json.loads(plan(workspace, "explain", "--lane", "A-C", "--json").stdout)
    assert [row["parcels"] for row in told["riders"]] == [400]
    assert "dropping it" in told["told"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--hub", "Q"], "Hub Q is unknown; `radar plan explain` lists"),
        (["--hub", "a"], "Hub a is unknown; did you mean A?"),
        (["--lane", "a-b"], "did you mean A-B"),
        (["--lane", "A-X"], "Lane A-X does nothing in this plan"),
        (["--hub", "A", "--shortfalls"], "more than one of"),
        (["--hub", "A", "--date", "2024-12-01"], "nothing on 2024-12-01"),
        (["--plan", "nope"], "no finished plan nope"),
    ],
)
def test_what_cannot_be_explained_is_told(workspace: Workspace, words: list[str], sentence: str) -> None:
    result = plan(workspace, "explain", *words)
    assert result.exit_code == 1
    assert sentence in result.stderr


def test_the_timetable_is_a_folder_of_files(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "made" / "timetable"
    result = plan(workspace, "timetable", "--out", str(folder), "--sort-from", "20", "--json")
    told = json.loads(result.stdout)
    assert told["rows"]["trips.txt"] == 8
    assert "no coordinates" in result.stderr
    times = pl.read_csv(folder / "stop_times.txt", glob=False)
    first = times.filter((pl.col("trip_id") == "20241110_A-B_own-17_1") & (pl.col("stop_sequence") == 1))
    assert first["departure_time"].to_list() == ["22:00:00"]
    assert sorted(path.name for path in folder.iterdir()) == sorted(told["rows"])


def keep_forecast(workspace: Workspace) -> None:
    day = {"as_of": date(2024, 11, 1), "date": date(2024, 11, 11)}
    levels = {"mean": 800, "q05": 500, "q10": 550, "q25": 650, "q50": 800, "q75": 950, "q90": 1050, "q95": 1100}
    parts = {"baseline": 800.0, "event": 1.0, "weather": 1.0, "override": 1.0}
    row = pl.DataFrame([day | levels | parts])
    with workspace.run("forecast") as run:
        run.append("network_forecasts", row)
        route = {"courier_id": "c", "origin_hub_id": "A", "destination_hub_id": "C"}
        run.append("route_forecasts", row.with_columns(**{name: pl.lit(value) for name, value in route.items()}))


def test_vehicles_by_week_and_what_other_numbers_cost(workspace: Workspace) -> None:
    keep_forecast(workspace)
    words = ("capacity", "--service-level", "0.95", "--volumes", "3", "--time-limit", "9")
    told = json.loads(plan(workspace, *words, "--json").stdout)
    assert {row["week"] for row in told["needs"]} == {"2024-11-11"}
    assert all(row["q50"] <= row["q95"] <= row["needed"] for row in told["needs"])
    assert workspace.results("capacity_needs").height == len(told["needs"]) > 0
    costs = workspace.results("capacity_costs")
    for row in told["needs"]:
        here = costs.filter(
            (pl.col("vehicle_type_id") == row["vehicle_type_id"]) & (pl.col("vehicles") == row["recommended"])
        )
        assert here["cost_too_few"][0] == pytest.approx(row["cost_too_few"])
    shown = plan(workspace, *words)
    assert shown.exit_code == 0
    assert "Week of 2024-11-11" in shown.stderr


def test_capacity_without_a_forecast_or_outside_it_is_told(workspace: Workspace) -> None:
    result = plan(workspace, "capacity")
    assert (result.exit_code, "radar forecast" in result.stderr) == (1, True)
    keep_forecast(workspace)
    result = plan(workspace, "capacity", "--from", "2025-01-01")
    assert (result.exit_code, "days from 2024-11-11" in result.stderr) == (1, True)
