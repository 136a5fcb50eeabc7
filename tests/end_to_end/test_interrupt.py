"""What a planner sees in a terminal while a plan is made, and that Ctrl-C takes the best plan so far."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from benchmarks.trunk.linehaul import make_linehaul
from data.workspace import Workspace

RADAR = Path(sys.executable).parent / "radar"
PATIENCE_SECONDS = 300


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inputs = make_linehaul(24, 7.5, 2)
    workspace = Workspace.create(tmp_path / "peak")
    with workspace.run("load") as load:
        for name in ("hubs", "lanes", "vehicle_types", "lane_vehicles"):
            load.upsert(name, getattr(inputs, name))
        load.append("route_demand", inputs.route_demand)
    return workspace.folder


def test_ctrl_c_takes_the_best_plan_and_the_terminal_shows_cost_bound_and_gap(folder: Path) -> None:
    terminal, other = pty.openpty()
    command = [str(RADAR), "--workspace", str(folder), "plan", "trunk", "--demand", "given", "--effort", "50"]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=other, env=os.environ | {"COLUMNS": "200", "TERM": "xterm"}
    )
    os.close(other)
    seen, interrupted, until = "", False, time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        ready, _, _ = select.select([terminal], [], [], 0.2)
        try:
            seen += os.read(terminal, 65536).decode(errors="replace") if ready else ""
        except OSError:
            break  # the other end is closed
        if not interrupted and "improvement: cost" in seen:
            process.send_signal(signal.SIGINT)
            interrupted = True
    os.close(terminal)
    assert process.wait(timeout=60) in (0, 3), seen[-2000:]
    assert interrupted
    assert re.search(r"improvement: cost [\d,]+, bound [\d,]+ CNY, gap \d+\.\d\d%", seen)
    workspace = Workspace.open(folder)
    run = workspace.read("runs").row(by_predicate=pl.col("command") == "plan trunk", named=True)
    assert run["outcome"] in ("done", "shortfalls")
    # nine hundred seconds were allowed
    assert (run["ended_at"] - run["started_at"]).total_seconds() < PATIENCE_SECONDS
    checked = subprocess.run([RADAR, "--workspace", str(folder), "verify", "trunk"], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
