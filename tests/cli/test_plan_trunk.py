"""``radar plan trunk`` with promises and a reference, and ``radar plan all``, through the command."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from cli.app import app
from data.workspace import Workspace

RUNNER = CliRunner()
DAYS = [date(2025, 11, 10) + timedelta(days=n) for n in range(2)]
HUBS = ["A", "B", "C"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = Workspace.create(tmp_path_factory.mktemp("plan") / "peak")
    lanes = [(o, d) for o in HUBS for d in HUBS if o != d]
    with workspace.run("load") as load:
        load.upsert("hubs", pl.DataFrame({"hub_id": HUBS, "name": HUBS}))
        load.upsert(
            "lanes",
            pl.DataFrame(
                {
                    "lane_id": [f"{o}-{d}" for o, d in lanes],
                    "origin_hub_id": [o for o, _ in lanes],
                    "destination_hub_id": [d for _, d in lanes],
                    "mode": "road",
                    "distance_km": 100.0,
                    "transit_hours": [30.0 if (o, d) == ("A", "C") else 10.0 for o, d in lanes],
                }
            ),
        )
        truck = {"vehicle_type_id": "truck", "name": "Truck", "mode": "road", "ownership": "contract"}
        load.upsert("vehicle_types", pl.DataFrame([truck | {"capacity": 100, "fixed_cost": 50.0, "cost_per_km": 1.0}]))
        demand = [(day, o, d, 40) for day in DAYS for o, d in lanes]
        load.append(
            "route_demand",
            pl.DataFrame(demand, schema=["date", "origin_hub_id", "destination_hub_id", "parcels"], orient="row"),
        )
    return workspace.folder


def radar(folder: Path, *arguments: str) -> Any:
    return RUNNER.invoke(app, ["--workspace", str(folder), *arguments])


def plan(folder: Path, *arguments: str) -> dict[str, Any]:
    result = radar(folder, "plan", "trunk", "--time-limit", "20", "--json", *arguments)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_a_replan_of_the_same_task_changes_nothing_and_says_so(folder: Path) -> None:
    first = plan(folder)
    again = plan(folder, "--reference", first["run_id"], "--max-changes", "0", "--seed", "5")
    assert (again["departures_changed"], again["changes"], again["cost"]) == (0, [], first["cost"])
    run = Workspace.open(folder).read("runs").row(by_predicate=pl.col("run_id") == again["run_id"], named=True)
    assert "0 departures changed against the reference" in run["message"]
    assert json.loads(run["options"])["reference"] == first["run_id"]


def test_a_limit_on_changes_needs_a_reference(folder: Path) -> None:
    result = radar(folder, "plan", "trunk", "--max-changes", "3")
    assert result.exit_code == 1
    assert "--reference RUN" in result.output


def test_an_unknown_reference_is_told(folder: Path) -> None:
    result = radar(folder, "plan", "trunk", "--reference", "plan-trunk-9999")
    assert result.exit_code == 1
    assert "plan-trunk-9999" in result.output


def test_promises_of_a_file_count_and_are_verified(folder: Path, tmp_path: Path) -> None:
    before = plan(folder)
    file = tmp_path / "promises.csv"
    file.write_text("始发,目的,承诺时效\nA,C,24\n", encoding="utf-8")
    assert radar(folder, "load", "service_promises", str(file)).exit_code == 0
    promised = plan(folder)
    # nothing reaches C from A in a day: 40 parcels of each day are late, whatever the way
    assert promised["parcels_late"] == 80
    assert promised["cost"] >= before["cost"] + 80 * 1.0
    told = json.loads(radar(folder, "verify", "trunk", "--json").stdout)
    assert told["valid"]
    assert told["parts"]["late"] >= 80.0
    assert sum(told["parts"].values()) == pytest.approx(promised["cost"])


def test_plan_all_makes_what_there_is_data_for(folder: Path) -> None:
    result = radar(folder, "plan", "all", "--time-limit", "20", "--json", "--from", str(DAYS[0]))
    assert result.exit_code == 0, result.output
    assert "No stock plan: merchants, warehouses, sales missing." in result.stderr
    found = json.loads(result.stdout)
    assert sorted(found) == ["plan_trunk", "verify_trunk"]
    assert found["verify_trunk"]["run_id"] == found["plan_trunk"]["run_id"]


def test_plan_all_without_tables_says_what_it_needs(tmp_path: Path) -> None:
    Workspace.create(tmp_path / "empty")
    result = radar(tmp_path / "empty", "plan", "all")
    assert result.exit_code == 1
    assert "vehicle_types and a forecast" in result.output
