"""``radar report`` on a workspace: the pages it writes, and what it says when there is nothing to show."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.app import app
from data.workspace import Workspace
from tests.reports import frames, plan_frames
from tests.reports.conftest import OUTLINES
from tests.reports.reading import words


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with two forecasts, of which the second is the larger, a backtest and a plan."""
    made = Workspace.create(tmp_path_factory.mktemp("reports") / "ws")
    with made.run("load") as run:
        run.replace("hubs", frames.hubs())
        run.replace("outlets", frames.outlets())
        run.replace("couriers", frames.couriers())
        run.replace("events", frames.events())
        run.replace("route_volumes", frames.route_volumes(400))
        run.replace("lanes", plan_frames.lanes())
        run.replace("vehicle_types", plan_frames.vehicle_types())
    for options in ({"as_of": "2025-10-30"}, {"as_of": "2025-10-30", "again": True}):
        with made.run("forecast", options, seed=3) as run:
            run.read("route_volumes")
            run.read("hubs")
            run.append("network_forecasts", frames.network_forecasts())
            run.append("hub_forecasts", frames.hub_forecasts())
            run.append("route_forecasts", frames.route_forecasts())
    with made.run("backtest") as run:
        run.append("backtest_scores", frames.backtest_scores())
    with made.run("weather impact") as run:
        run.append("lane_weather", plan_frames.lane_weather())
    with made.run("plan trunk", {"hold_cost": 0.2, "short_cost": 50.0}, seed=1) as run:
        for name, frame in (
            ("trunk_departures", plan_frames.departures()),
            ("trunk_flows", plan_frames.flows()),
            ("hub_loads", plan_frames.hub_loads()),
            ("shortfalls", plan_frames.shortfalls()),
            ("plan_certificates", plan_frames.certificate()),
        ):
            run.append(name, frame)
        run.results("lane_weather")
        run.outcome = "shortfalls"
    (made.folder / "regions.geojson").write_text(OUTLINES, encoding="utf-8")
    return made


def _radar(workspace: Workspace, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["--workspace", str(workspace.folder), "report", *arguments])


def test_the_latest_forecast_in_both_languages(workspace: Workspace) -> None:
    result = _radar(workspace, "forecast")
    assert result.exit_code == 0, result.output
    folder = workspace.folder / "reports"
    files = [str(folder / f"forecast-0003-{language}.html") for language in ("zh", "en")]
    assert result.stdout.split("\n")[:-1] == files
    page = (folder / "forecast-0003-en.html").read_text(encoding="utf-8")
    text = words(page)
    assert "radar forecast" in text
    assert "again=True" in text
    assert "backtest-0004" in text
    assert "route_volumes version 0" in text
    assert 'class="land"' in page


def test_an_earlier_run_in_one_file_as_json(workspace: Workspace, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "peak.html"
    result = _radar(workspace, "forecast", "--run", "forecast-0002", "--lang", "en", "--out", str(out), "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == [{"run_id": "forecast-0002", "language": "en", "file": str(out)}]
    assert "again=True" not in words(out.read_text(encoding="utf-8"))


def test_two_languages_never_share_a_file(workspace: Workspace, tmp_path: Path) -> None:
    result = _radar(workspace, "plan", "--out", str(tmp_path / "plan.html"))
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plan-en.html", "plan-zh.html"]
    text = words((tmp_path / "plan-en.html").read_text(encoding="utf-8"))
    assert "Weather on the lanes" in text
    assert "snow 2.1 mm/h near 38.04, 114.51" in text


def test_a_report_shows_the_tables_its_run_saw(workspace: Workspace, tmp_path: Path) -> None:
    with workspace.run("load") as run:
        run.upsert("hubs", frames.hubs().with_columns(name=frames.hubs()["name"] + " renamed"))
    result = _radar(workspace, "forecast", "--lang", "en", "--out", str(tmp_path / "then.html"))
    assert result.exit_code == 0, result.output
    assert "renamed" not in (tmp_path / "then.html").read_text(encoding="utf-8")


def test_an_unknown_run_is_told(workspace: Workspace) -> None:
    result = _radar(workspace, "plan", "--run", "plan-trunk-9999")
    assert result.exit_code == 1
    assert "no finished run plan-trunk-9999" in result.stderr
    assert "plan-trunk-0006" in result.stderr


@pytest.mark.parametrize("kind", ["forecast", "plan"])
def test_nothing_to_report_is_told(tmp_path: Path, kind: str) -> None:
    result = _radar(Workspace.create(tmp_path / "empty"), kind)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "run `radar" in result.stderr


def test_an_unknown_language_is_told(workspace: Workspace) -> None:
    result = _radar(workspace, "forecast", "--lang", "fr")
    assert result.exit_code == 1
    assert "Found language 'fr', expected any of zh, en" in result.stderr


def test_a_file_that_cannot_be_written_is_told(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    result = _radar(workspace, "forecast", "--lang", "en", "--out", str(tmp_path / "file" / "page.html"))
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr
