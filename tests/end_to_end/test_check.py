"""`radar check` as a planner uses it."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from cli.app import app
from data.workspace import Workspace

RUNNER = CliRunner()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace.create(tmp_path / "peak")
    days = [date(2022, 1, 1) + timedelta(day) for day in range(100) if day not in (50, 51)]
    volumes = pl.DataFrame(
        {"date": days, "courier_id": "c", "origin_hub_id": "A", "destination_hub_id": "B", "parcels": 1000}
    )
    volumes = volumes.with_columns(pl.when(pl.col("date") == days[30]).then(9000).otherwise("parcels").alias("parcels"))
    with workspace.run("load") as run:
        run.replace("route_volumes", volumes)
        run.replace("hubs", pl.DataFrame({"hub_id": ["A"], "name": ["a"]}))
        run.replace("courier_preferences", pl.DataFrame({"merchant_id": ["m"], "courier_id": ["c"], "share": [0.5]}))
    return workspace


def test_check_tells_what_is_there_what_is_odd_and_what_lacks(workspace: Workspace) -> None:
    before = workspace.read("runs").height
    result = RUNNER.invoke(app, ["-w", str(workspace.folder), "check", "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    tables = {row["table"]: row for row in told["tables"]}
    assert tables["route_volumes"]["missing_days"] == 2
    assert tables["route_volumes"]["first_day"] == "2022-01-01"
    findings = {(row["kind"], row["subject"]) for row in told["findings"]}
    assert findings >= {
        ("gap", "route_volumes"),
        ("outlier", "network"),
        ("unknown id", "destination_hub_id B"),
        ("unknown id", "courier_id c"),
        ("wrong shares", "merchant_id m"),
    }
    states = {row["command"]: row["state"] for row in told["commands"]}
    assert states["radar forecast"] == "limited"
    assert states["radar plan trunk"] == "not yet"
    assert workspace.read("runs").height == before


def test_check_prints_tables_for_people(workspace: Workspace) -> None:
    result = RUNNER.invoke(app, ["-w", str(workspace.folder), "check"])
    assert result.exit_code == 0, result.output
    for told in ("What is there", "Empty: regions", "outlier: ", "What each command would lack", "radar plan trunk"):
        assert told in result.stdout


def test_check_of_an_empty_workspace(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "empty")
    result = RUNNER.invoke(app, ["-w", str(workspace.folder), "check"])
    assert result.exit_code == 0, result.output
    assert "Nothing stands out." in result.stdout
