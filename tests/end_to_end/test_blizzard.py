"""The blizzard of the example, end to end from its CAP file: the plan that knows it against the plan that ignored it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from cli.app import app
from data.workspace import Workspace

ALERT = Path(__file__).parents[2] / "examples" / "blizzard" / "red.xml"
WINDOW = ("--from", "2025-11-08", "--to", "2025-11-14")
STORM = [date(2025, 11, 10), date(2025, 11, 11)]


def _radar(folder: Path, *words: str, json_too: bool = True) -> Any:
    result = CliRunner().invoke(app, ["--workspace", str(folder), *words, *(["--json"] if json_too else [])])
    assert result.exit_code in (0, 3), result.output
    return json.loads(result.stdout) if json_too else result.stdout


def _rail_share(workspace: Workspace, run_id: str) -> float:
    """Share of parcels times kilometres that go by rail on the days of the storm."""
    lanes = workspace.read("lanes").select("lane_id", "mode", "distance_km")
    rows = workspace.results("trunk_departures", run_id).filter(pl.col("date").is_in(STORM)).join(lanes, on="lane_id")
    work = pl.col("parcels") * pl.col("distance_km")
    total = rows.select(work.sum()).item()
    return float(rows.filter(pl.col("mode") == "rail").select(work.sum()).item() / total)


@pytest.mark.slow
def test_a_plan_that_knows_the_blizzard_beats_one_that_ignored_it(tmp_path: Path) -> None:
    folder = tmp_path / "暴雪 peak"
    assert CliRunner().invoke(app, ["demo", str(folder), "--data-only"]).exit_code == 0
    _radar(folder, "forecast", "--as-of", "2025-10-31", "--horizon", "16", json_too=False)
    loaded = _radar(folder, "weather", "load", str(ALERT))
    assert [(row["table"], row["rows"]) for row in loaded] == [("weather_warnings", 1)]
    _radar(folder, "weather", "impact", "--as-of", "2025-10-31")
    applied = _radar(folder, "weather", "apply", "--close", "likely")
    assert applied["moved"] > 0
    assert {row["cause"] for row in applied["closures"]} >= {"warning 暴雪 red (example-blizzard-red)"}

    plan = ("plan", "trunk", *WINDOW, "--effort", "0.05", "--by", "days")
    ignored = _radar(folder, *plan, "--no-weather")
    aware = _radar(folder, *plan)
    assert (ignored["violations"], aware["violations"]) == (0, 0)
    assert aware["weather"]["fair_run"] == ignored["run_id"]
    assert aware["weather"]["cost_with"] > aware["weather"]["cost_without"]
    workspace = Workspace.open(folder)
    assert _rail_share(workspace, aware["run_id"]) > _rail_share(workspace, ignored["run_id"])

    play = ("--weather", applied["run_id"], "--draws", "200", "--policy", "spot", "--seed", "1")
    rows = {
        name: _radar(folder, "stress", run, *play)["summaries"][0]
        for name, run in (("ignored", ignored["run_id"]), ("aware", aware["run_id"]))
    }
    assert rows["aware"]["late"] < rows["ignored"]["late"]
    assert rows["aware"]["overflow_probability"] < rows["ignored"]["overflow_probability"]
    assert rows["aware"]["cost_mean"] < rows["ignored"]["cost_mean"]

    page = folder / "storm.html"
    _radar(folder, "report", "plan", "--lang", "en", "--out", str(page), json_too=False)
    weather = page.read_text(encoding="utf-8").partition('<section id="weather">')[2]
    assert 'class="area bad"' in weather
    assert 'class="lane road bad"' in weather
    assert ignored["run_id"] in weather
