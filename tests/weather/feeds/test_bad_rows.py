"""Bad rows of weather files as a planner meets them: set apart, counted and told, the others loaded."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.app import app
from data.workspace import Workspace

HEAD = "valid_at,latitude,longitude,temperature_c"
GOOD = [f"2025-11-{1 + hour // 24:02}T{hour % 24:02}:00+08:00,45.7,126.6,-3" for hour in range(60)]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "ws")


def load(workspace: Workspace, rows: list[str], *words: str) -> Result:
    file = workspace.folder.parent / "天气 1.csv"
    file.write_text("\n".join([HEAD, *rows]) + "\n", encoding="utf-8")
    command = ["-w", str(workspace.folder), "weather", "load", str(file), "--as", "observations", *words]
    return CliRunner().invoke(app, command)


def test_two_bad_rows_are_set_apart_and_the_others_loaded(workspace: Workspace) -> None:
    result = load(workspace, [GOOD[0], "soon,45.7,126.6,-3", *GOOD[1:], "2025-11-09T00:00+08:00,45.7,126.6,warm"])
    assert result.exit_code == 3, result.output
    assert "set apart: 1 x valid_at is no time" in result.stderr
    assert workspace.read("weather_observations").height == 60
    apart = workspace.read("rejected_rows")
    assert apart.select("table_name", "row", "column", "value").rows() == [
        ("weather_observations", 3, "valid_at", "soon"),
        ("weather_observations", 63, "temperature_c", "warm"),
    ]
    assert workspace.read("runs")["outcome"].to_list() == ["rejected"]


def test_too_many_bad_rows_refuse_the_load(workspace: Workspace) -> None:
    result = load(workspace, [*GOOD, *["soon,45.7,126.6,-3"] * 4])
    assert result.exit_code == 1
    assert "4 of 64 rows (6.2%) that break a rule" in result.stderr
    assert workspace.version("weather_observations") is None


def test_observations_of_the_future_are_set_apart_unless_allowed(workspace: Workspace) -> None:
    rows = [*GOOD, "2052-11-09T00:00+08:00,45.7,126.6,3", "2053-11-09T00:00+08:00,45.7,126.6,3"]
    result = load(workspace, rows)
    assert result.exit_code == 3, result.output
    assert "lies in the future" in result.stderr
    assert workspace.read("weather_observations").height == 60
    assert workspace.read("rejected_rows")["row"].to_list() == [62, 63]
    assert load(workspace, rows, "--allow-future").exit_code == 0
    assert workspace.read("weather_observations").height == 62
