"""``radar plan trunk --write-fix``: what is written is loaded, planned again, and carries what it was told to carry."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from cli.app import app
from data.workspace import Workspace

RUNNER = CliRunner()
DAY = date(2025, 11, 11)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two hubs that sort too little of what one hub sends them."""
    workspace = Workspace.create(tmp_path / "计划 2026")
    with workspace.run("load") as load:
        hubs = {
            "hub_id": ["A", "B", "C"],
            "name": ["A", "B", "C"],
            "sort_capacity": [None, 100, 200],
            "buffer_capacity": [0, 0, 0],
        }
        load.upsert("hubs", pl.DataFrame(hubs))
        ends = {"origin_hub_id": ["A", "A"], "destination_hub_id": ["B", "C"]}
        lanes = {"lane_id": ["A-B", "A-C"], "mode": "road", "distance_km": 100.0, "transit_hours": 10.0}
        load.upsert("lanes", pl.DataFrame(lanes | ends))
        truck = {"vehicle_type_id": "truck", "name": "Truck", "mode": "road", "ownership": "contract"}
        load.upsert("vehicle_types", pl.DataFrame([truck | {"capacity": 100, "fixed_cost": 50.0, "cost_per_km": 1.0}]))
        load.append("route_demand", pl.DataFrame({"date": DAY, "parcels": [120, 230]} | ends))
    return workspace.folder


def radar(folder: Path, *arguments: str) -> Any:
    return RUNNER.invoke(app, ["--workspace", str(folder), *arguments])


def test_a_fix_that_is_loaded_carries_what_was_short(folder: Path, tmp_path: Path) -> None:
    fixes = tmp_path / "补救 1"
    first = radar(folder, "plan", "trunk", "--effort", "0.05", "--write-fix", str(fixes))
    assert first.exit_code == 3, first.output
    assert [file.name for file in fixes.iterdir()] == ["hub_days.csv"]
    again = radar(folder, "plan", "trunk", "--effort", "0.05", "--write-fix", str(fixes))
    assert again.exit_code == 1
    assert "a new or an empty folder" in again.output
    loaded = radar(folder, "load", "--folder", str(fixes))
    assert loaded.exit_code == 0, loaded.output
    fixed = radar(folder, "plan", "trunk", "--effort", "0.05", "--write-fix", str(tmp_path / "none"))
    assert fixed.exit_code == 0, fixed.output
    assert "there is no fix to write" in fixed.output
    verified = radar(folder, "verify")
    assert verified.exit_code == 0, verified.output
    assert "breaks no rule" in verified.output
    assert not (tmp_path / "none").exists()


def test_a_fix_is_no_more_than_a_hub_can_do(folder: Path, tmp_path: Path) -> None:
    settings = folder / "radar.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("[plan]\n", "[plan]\nmost_extra_share = 0.0\n"), encoding="utf-8")
    found = radar(folder, "plan", "trunk", "--effort", "0.05", "--write-fix", str(tmp_path / "fixes"))
    assert found.exit_code == 3, found.output
    assert "no fix of what is short was verified" in found.output.lower()
    assert not (tmp_path / "fixes").exists()
