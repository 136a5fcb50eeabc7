"""Plans of two couriers over the same hubs: the second leaves the first its room, and its check knows of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
from typer.testing import CliRunner

from cli.app import app
from data.workspace import Workspace
from tests.routing.test_joint_plan import FIRST, make_inputs

RUNNER = CliRunner()


def radar(folder: Path, *arguments: str) -> Any:
    return RUNNER.invoke(app, ["--workspace", str(folder), *arguments])


def load_and_plan(workspace: Workspace, parcels: int, *beside: str) -> dict[str, Any]:
    """Plan the parcels of a courier from N to S on one day."""
    route = {"date": FIRST, "origin_hub_id": "N", "destination_hub_id": "S", "parcels": parcels}
    with workspace.run("load") as load:
        load.append("route_demand", pl.DataFrame([route]))
    words = [word for run in beside for word in ("--beside", run)]
    result = radar(workspace.folder, "plan", "trunk", "--effort", "0.05", "--draws", "0", *words, "--json")
    assert result.exit_code in (0, 3), result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_couriers_over_one_hub_take_no_more_than_it_sorts(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "两家")
    tables = make_inputs(sort_capacity=450).trunk
    with workspace.run("load") as load:
        for name in ("hubs", "lanes", "vehicle_types"):
            load.upsert(name, tables[name])
    first = load_and_plan(workspace, 250)
    second = load_and_plan(workspace, 120, first["run_id"])
    assert (first["parcels_short"], second["parcels_short"]) == (0, 0)
    both = (first["run_id"], second["run_id"])
    third = load_and_plan(workspace, 200, *both)
    assert third["parcels_short"] == 200 - (450 - 250 - 120)
    capacity = workspace.results("hub_loads", third["run_id"]).filter(hub_id="N", date=FIRST)["capacity"]
    assert capacity.to_list() == [80]
    checked = radar(workspace.folder, "verify", third["run_id"])
    assert checked.exit_code == 0, checked.output
    wrong = radar(workspace.folder, "plan", "trunk", "--beside", "plan-trunk-0099")
    assert wrong.exit_code == 1
