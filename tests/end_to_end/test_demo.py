"""The installed command makes the sample and the whole peak plan on it."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

RADAR = Path(sys.executable).with_name("radar")
# Under two minutes on two cores, three trunk plans among them; counted in work done, so that a busy machine does not change the verdict.
MOST_CPU_SECONDS = 135


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str], float]:
    folder = tmp_path_factory.mktemp("demo") / "peak"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = subprocess.run([RADAR, "demo", str(folder)], capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return folder, ended, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.slow
def test_the_demo_ends_with_the_reports(demo: tuple[Path, subprocess.CompletedProcess[str], float]) -> None:
    folder, ended, _ = demo
    assert ended.returncode == 0, ended.stderr
    files = [Path(line) for line in ended.stdout.splitlines()]
    assert len(files) >= 6  # the forecast, the plan and the plan under the storm, each in two languages
    for file in files:
        assert file.is_relative_to(folder.resolve())
        page = file.read_text(encoding="utf-8")
        assert "<html" in page
        assert "<script src=" not in page


@pytest.mark.slow
def test_every_step_is_a_finished_run(demo: tuple[Path, subprocess.CompletedProcess[str], float]) -> None:
    folder, _, _ = demo
    shown = subprocess.run(
        [RADAR, "--workspace", str(folder), "runs", "--json"], capture_output=True, text=True, check=True
    )
    runs = json.loads(shown.stdout)
    commands = [run["command"] for run in runs]
    for command in ("demo", "forecast", "weather impact", "plan trunk", "plan stock"):
        assert command in commands
    assert {run["outcome"] for run in runs} <= {"done", "shortfalls"}


@pytest.mark.slow
def test_the_demo_is_through_in_time(demo: tuple[Path, subprocess.CompletedProcess[str], float]) -> None:
    assert demo[2] < MOST_CPU_SECONDS


@pytest.mark.slow
def test_the_storm_shuts_lanes_and_changes_the_plan_that_stands(
    demo: tuple[Path, subprocess.CompletedProcess[str], float],
) -> None:
    from data.workspace import Workspace

    workspace = Workspace.open(demo[0])
    run_id, before = workspace.writers("trunk_departures")[-1], workspace.writers("trunk_departures")[-2]
    shut = workspace.results("lane_closures").filter(pl.col("probability") >= 1.0)
    assert shut.height > 0
    certificate = workspace.results("plan_certificates", run_id).row(0, named=True)
    assert certificate["violations"] == 0
    page = (demo[0] / "reports" / f"{run_id}-en.html").read_text(encoding="utf-8")
    chapter = page.partition('<section id="weather">')[2].partition("</section>")[0]
    for told in ("snow-red-20251109", "are shut for hours between 2025-11-10 20:00", before):
        assert told in chapter
    assert "to later days" in chapter


def test_a_folder_that_is_a_workspace_is_left_alone(tmp_path: Path) -> None:
    settings = tmp_path / "radar.toml"
    settings.write_text("", encoding="utf-8")
    ended = subprocess.run([RADAR, "demo", str(tmp_path)], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "is a workspace already" in ended.stderr
    assert list(tmp_path.iterdir()) == [settings]
