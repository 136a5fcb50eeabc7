"""What a plan says of the forecast it stands on, and what `radar runs` says of a run whose process died."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from cli.app import app
from cli.forecast_basis import basis_of, tell_basis
from data.runs import number_run
from data.workspace import Workspace

DAY = date(2025, 11, 10)
LEVELS = ("q05", "q10", "q25", "q50", "q75", "q90", "q95")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / "peak")


def _forecast(workspace: Workspace, command: str, as_of: date) -> str:
    route = {"courier_id": "x", "origin_hub_id": "A", "destination_hub_id": "B"}
    parts = {"mean": 5, "baseline": 5.0, "event": 1.0, "weather": 1.0, "override": 1.0}
    row = {"as_of": as_of, "date": DAY, **route, **parts} | dict.fromkeys(LEVELS, 5)
    with workspace.run(command) as run:
        run.append("route_forecasts", pl.DataFrame([row]))
    return run.run_id


def _plan(workspace: Workspace, forecast: str | None = None) -> str:
    with workspace.run("plan trunk") as run:
        run.results("route_forecasts", forecast)
    return run.run_id


def test_a_plan_names_its_forecast_and_the_last_day_that_knew(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    first = _forecast(workspace, "forecast", date(2025, 11, 1))
    second = _forecast(workspace, "forecast", date(2025, 11, 8))
    named, latest = _plan(workspace, first), _plan(workspace)
    assert basis_of(workspace, named) == {"forecast_run": first, "as_of": date(2025, 11, 1)}
    assert basis_of(workspace, latest) == {"forecast_run": second, "as_of": date(2025, 11, 8)}
    tell_basis(workspace, named)
    assert capsys.readouterr().err == f"It stands on {first}, which knew the days up to 2025-11-01.\n"


def test_a_forecast_without_the_weather_of_the_one_before_says_so(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    fair = _forecast(workspace, "forecast", date(2025, 11, 1))
    adjusted = _forecast(workspace, "weather apply", date(2025, 11, 1))
    newer = _forecast(workspace, "forecast", date(2025, 11, 8))
    told = {}
    for run in (fair, adjusted, newer):
        tell_basis(workspace, _plan(workspace, run))
        told[run] = capsys.readouterr().err
    assert f"{newer} has no weather in it, while {adjusted} before it had" in told[newer]
    assert "no weather" not in told[fair] + told[adjusted]
    again = _forecast(workspace, "forecast", date(2025, 11, 9))
    tell_basis(workspace, _plan(workspace, again))
    assert "no weather" not in capsys.readouterr().err  # the one before it had none either


def test_a_run_whose_process_died_is_told_from_one_at_work(workspace: Workspace) -> None:
    _forecast(workspace, "forecast", date(2025, 11, 1))
    at_work = number_run(workspace, "plan trunk", {}, None)
    at_work.record("running", written={})
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    (workspace.folder / ".writer").write_text(f"`radar plan trunk` (process {process.pid})", encoding="utf-8")
    assert _outcome(workspace, at_work.run_id) == "running"
    process.kill()
    process.communicate()
    assert _outcome(workspace, at_work.run_id) == "killed"


def _outcome(workspace: Workspace, run_id: str) -> str:
    shown = CliRunner().invoke(app, ["-w", str(workspace.folder), "runs", run_id, "--json"])
    outcome: str = json.loads(shown.stdout)[0]["outcome"]
    return outcome
