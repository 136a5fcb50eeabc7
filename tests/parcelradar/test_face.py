"""The Python face: a method for every command, known errors raised, and hostile names on the path."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import parcelradar as pr
from data.errors import RadarError
from parcelradar.rooms import ROOMS, find_shadow

RADAR = Path(sys.executable).parent / "radar"
HUBS = "hub_id,name\nA,Alpha\nB,Beta\n"


@pytest.fixture
def ws(tmp_path: Path) -> pr.Workspace:
    return pr.create(tmp_path / "peak")


def test_commands_are_methods(ws: pr.Workspace, tmp_path: Path) -> None:
    file = tmp_path / "hubs.csv"
    file.write_text(HUBS)
    assert any((ws.folder / "templates").iterdir())
    told = ws.load("hubs", file)
    assert (told["rows_taken"], ws.last_exit_code) == (2, 0)
    assert ws.table("hubs")["name"].to_list() == ["Alpha", "Beta"]
    assert ws.remove("hubs", where="hub_id = 'A'", yes=True)["rows_left"] == 1
    ws.undo(yes=True)
    assert ws.sql("SELECT count(*) AS n FROM hubs") == [{"n": 2}]
    assert [run["outcome"] for run in ws.runs()] == ["done"] * 4
    assert ws.export("hubs", format="csv").startswith("hub_id,")
    assert {"plan_trunk", "plan_stock", "forecast", "weather_impact", "report_plan", "verify"} <= set(dir(ws))


def test_known_errors_are_raised_and_nothing_is_left_set(ws: pr.Workspace, tmp_path: Path) -> None:
    with pytest.raises(RadarError, match="holds no route volumes"):
        ws.forecast(horizon=7)
    with pytest.raises(RadarError, match="no workspace"):
        pr.open(tmp_path)
    with pytest.raises(AttributeError, match="no command fly"):
        _ = ws.fly
    assert "RADAR_DEBUG" not in os.environ


@pytest.mark.parametrize("name", [*(f"{room}.py" for room in ROOMS), "weather/__init__.py", "data/readings.csv"])
def test_hostile_names_on_the_path(tmp_path: Path, name: str) -> None:
    """The command runs; the face runs or says which module stands before which room; the user's module is what it was."""
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("MINE = 'mine'\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    told = subprocess.run([RADAR, "--version"], env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert (told.returncode, told.stdout[:6]) == (0, "radar "), told.stderr
    room = file.stem if file.suffix == ".py" and file.parent == tmp_path else file.parent.name
    code = (
        "import parcelradar\ntry:\n    parcelradar.open\n    print('works')\n"
        "except ImportError as error:\n    print(error)\n"
        f"import {room}\nprint(getattr({room}, 'MINE', None))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    face, mine = done.stdout.splitlines()
    if file.suffix == ".py":
        assert face.startswith(f"import {room} finds {file} instead of ParcelRadar's room")
        assert mine == "mine"
    else:
        assert face == "works"


def test_nothing_stands_before_our_rooms_here() -> None:
    assert find_shadow() is None
