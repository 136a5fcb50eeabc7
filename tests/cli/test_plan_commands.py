"""``radar plan explain`` and ``radar plan timetable`` on a plan in a workspace."""

from __future__ import annotations

import json
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
    assert [(row["binding"], row["parcels"]) for row in told["shortfalls"]] == [("hub:X", 30), ("lane:A-B", 20)]
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
        (["--hub", "Q"], "hub Q is unknown"),
        (["--lane", "A-X"], "lane A-X does nothing in this plan"),
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
    times = pl.read_csv(folder / "stop_times.txt")
    first = times.filter((pl.col("trip_id") == "20241110_A-B_own-17_1") & (pl.col("stop_sequence") == 1))
    assert first["departure_time"].to_list() == ["22:00:00"]
    assert sorted(path.name for path in folder.iterdir()) == sorted(told["rows"])
