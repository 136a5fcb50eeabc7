"""The tutorial's commands work as they stand, in order, in a folder with a name such as planners give theirs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import polars as pl

from data.workspace import Workspace

TUTORIAL = Path(__file__).resolve().parents[2] / "docs" / "tutorial.md"
# 3 is no failure: some parcels cannot be carried, or some rows were set apart.
GUARD = 'radar() { command radar "$@"; code=$?; [ $code -eq 0 ] || [ $code -eq 3 ] || { echo "radar $* ended with $code" >&2; exit $code; }; }\n'


def test_a_first_hour(tmp_path: Path) -> None:
    folder = tmp_path / "计划 2026"
    folder.mkdir()
    blocks = re.findall(r"```sh\n(.*?)```", TUTORIAL.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) >= 12
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    script = GUARD + "set -u\n" + "\n".join(blocks)
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    workspace = Workspace.open(folder / "peak")
    runs = workspace.read("runs").sort("started_at")
    assert set(runs["outcome"]) <= {"done", "shortfalls"}
    _says_what_it_loaded(workspace, folder / "sample")
    _has_rates_and_scores_before_its_report(workspace, runs["command"].to_list())
    certificate = workspace.results("plan_certificates", workspace.writers("trunk_flows")[-1]).row(0, named=True)
    assert certificate["violations"] == 0
    assert certificate["parcels_planned"] + certificate["parcels_short"] == certificate["parcels_demanded"]
    assert len(list((workspace.folder / "reports").glob("*.html"))) == 4
    assert list((workspace.folder / "advice").glob("*.xlsx"))
    assert pl.read_excel(workspace.folder / "departures.xlsx").height > 0


def _says_what_it_loaded(workspace: Workspace, sample: Path) -> None:
    """The peak's workspace holds what the sample holds: nothing is lost between export and load, nothing twice."""
    there = Workspace.open(sample)
    for name in ("waybills", "weather_observations", "route_volumes", "outlet_volumes", "sales", "events"):
        assert workspace.read(name).height == there.read(name).height > 0, name
    given = workspace.results(
        "sourcing", workspace.writers("sourcing")[0]
    )  # a stock plan may have written its own since
    assert given.height == there.results("sourcing", there.writers("sourcing")[0]).height > 0
    total = [place.read("route_volumes")["parcels"].sum() for place in (workspace, there)]
    assert total[0] == total[1]


def _has_rates_and_scores_before_its_report(workspace: Workspace, commands: list[str]) -> None:
    rates = workspace.read("tracking_rates")
    assert set(rates["dimension"]) == {"all", "courier"}
    assert rates.filter(pl.col("dimension") == "courier")["parcels"].sum() == rates["parcels"][0]
    assert workspace.read("backtest_scores").height > 0
    assert commands.index("track rates") < commands.index("backtest") < commands.index("weather apply")
    page = next((workspace.folder / "reports").glob("weather-apply*-en.html"))
    assert workspace.writers("backtest_scores")[-1] in page.read_text(encoding="utf-8")  # how far to trust it
