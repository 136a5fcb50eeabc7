"""The tutorial's commands work as they stand, in order, in an empty folder."""

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
    blocks = re.findall(r"```sh\n(.*?)```", TUTORIAL.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) >= 9
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    script = GUARD + "set -u\n" + "\n".join(blocks)
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env={**os.environ, "PATH": path}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    workspace = Workspace.open(tmp_path / "peak")
    assert set(workspace.read("runs")["outcome"]) <= {"done", "shortfalls"}
    certificate = workspace.results("plan_certificates", workspace.writers("trunk_flows")[-1]).row(0, named=True)
    assert certificate["violations"] == 0
    assert certificate["parcels_planned"] + certificate["parcels_short"] == certificate["parcels_demanded"]
    assert len(list((workspace.folder / "reports").glob("*.html"))) == 4
    assert list((workspace.folder / "advice").glob("*.xlsx"))
    assert pl.read_excel(workspace.folder / "departures.xlsx").height > 0
