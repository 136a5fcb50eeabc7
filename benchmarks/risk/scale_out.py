"""Two thousand incidents played and some of them planned anew: in one process, in two, and on a Ray cluster of a head and two workers, one of them killed.

``python -m benchmarks.risk WORKSPACE --only scale_out``, in an environment that has Ray; nothing else should run beside.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.risk.commands import ROOT, TOOL
from benchmarks.risk.page import Bar, Section, Table
from benchmarks.risk.sample import open_plan
from data.workspace import Workspace
from routing.stress.layout import Layout

INCIDENTS, REPLANS, DRAWS = 2000, 40, 10
KILLED_AFTER = 15.0  # seconds into each command
ENGINES = {"local": "one process, s", "processes": "two processes, s", "ray": "Ray, s"}
TABLES = {"stress": ("stress_results", "stress_summaries"), "playbook": ("playbooks",)}


def scale_out(folder: Path) -> Section:
    """Run both commands on each engine and hold what they wrote side by side."""
    if importlib.util.find_spec("ray") is None:
        return Section(
            "Scale-out", [Bar("the same bytes on Ray with a worker killed", "yes", "Ray is not installed", None)]
        )
    with tempfile.TemporaryDirectory() as room:
        plan, _ = open_plan(folder, DRAWS)
        files = {"stress": Path(room) / "many.toml", "playbook": Path(room) / "few.toml"}
        files["stress"].write_text(write_scenarios(plan.layout, INCIDENTS), encoding="utf-8")
        files["playbook"].write_text(write_scenarios(plan.layout, REPLANS), encoding="utf-8")
        seconds: dict[tuple[str, str], float] = {}
        written: dict[tuple[str, str], list[pl.DataFrame]] = {}
        for engine in ENGINES:
            copy = Path(room) / engine
            shutil.copytree(folder, copy)
            for command, scenarios in files.items():
                seconds[engine, command], written[engine, command] = _run(copy, command, scenarios, engine)
    same = all(
        here.equals(there)
        for engine in ENGINES
        for command in files
        for here, there in zip(written["local", command], written[engine, command], strict=True)
    )
    rows = [
        [title, *(f"{seconds[engine, command]:,.0f}" for engine in ENGINES)]
        for command, title in (
            ("stress", f"{INCIDENTS:,} incidents on {DRAWS} draws"),
            ("playbook", f"{REPLANS} of them answered and planned anew"),
        )
    ]
    figure = (
        f"{INCIDENTS:,} incidents, {REPLANS} planned anew: the same bytes in two processes and on Ray, a worker killed"
    )
    bars = [Bar(figure, "yes", "yes" if same else "no", same)]
    note = f"A head without work and two workers of one processor; one worker and all its processes are killed {KILLED_AFTER:g} s into each command. Seconds by the clock."
    return Section("Scale-out", bars, [note], [Table(("", *ENGINES.values()), rows)])


def write_scenarios(layout: Layout, count: int) -> str:
    """Write hubs and lanes shut, sorting slowed and arrivals late, at random hours of the plan's days, as scenarios."""
    random = np.random.default_rng(0)
    first = datetime.combine(layout.first_day, datetime.min.time())
    written = []
    for number in range(count):
        kind = ("hub_shut", "lane_shut", "slower_sort", "late_inbound")[number % 4]
        names = layout.lane_ids if kind == "lane_shut" else layout.hub_ids
        start = first + timedelta(hours=int(random.integers(0, 150)))
        end = start + timedelta(hours=int(random.integers(4, 36)))
        lines = [
            f'[[scenario]]\nname = "{number:04d} {kind}"\n[[scenario.incident]]\nkind = "{kind}"',
            f'{"lane_id" if kind == "lane_shut" else "hub_id"} = "{names[int(random.integers(len(names)))]}"',
            f"starts_at = {start.isoformat()}\nends_at = {end.isoformat()}",
        ]
        lines += [f"amount = {int(random.integers(2, 12))}"] if kind in ("slower_sort", "late_inbound") else []
        written.append("\n".join(lines))
    return "\n\n".join(written) + "\n"


def _run(copy: Path, command: str, scenarios: Path, engine: str) -> tuple[float, list[pl.DataFrame]]:
    """Run a command on an engine; return its seconds and the tables it wrote, without the run's name."""
    words = [command, "trunk", "--scenarios", str(scenarios), "--draws", str(DRAWS), "--json"]
    words += ["--policy", "spot"] if command == "stress" else []
    if engine == "ray":
        with _cluster() as (address, worker):
            seconds = _time([*TOOL, "--workspace", str(copy), *words, "--engine", address], worker)
    else:
        seconds = _time([*TOOL, "--workspace", str(copy), *words, "--engine", engine], None)
    print(f"{command} on {engine}: {seconds:.0f} s", file=sys.stderr, flush=True)
    workspace = Workspace.open(copy)
    return seconds, [workspace.results(name).drop("run_id") for name in TABLES[command]]


def _time(command: list[str], worker: subprocess.Popen[bytes] | None) -> float:
    """Run a command, killing a worker on the way."""
    timer = None if worker is None else threading.Timer(KILLED_AFTER, _kill, [worker])
    began = time.monotonic()
    if timer is not None:
        timer.start()
    try:
        done = subprocess.run(
            command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        if timer is not None:
            timer.cancel()
    if done.returncode not in (0, 3):
        raise RuntimeError(done.stderr[-400:])
    print(done.stderr[-400:], file=sys.stderr)
    return time.monotonic() - began


@contextmanager
def _cluster() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Start a head and two workers as the how-to page does; give the head's address and a worker."""
    ports = []
    for _ in range(2):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            ports.append(probe.getsockname()[1])
    quiet = ["--block", "--disable-usage-stats"]
    begun = [
        _start(
            "--head",
            f"--port={ports[0]}",
            f"--ray-client-server-port={ports[1]}",
            "--num-cpus=0",
            "--include-dashboard=false",
            *quiet,
        )
    ]
    try:
        _wait_for(ports[1], begun[0])
        begun += [_start(f"--address=127.0.0.1:{ports[0]}", "--num-cpus=1", *quiet) for _ in range(2)]
        yield f"ray://127.0.0.1:{ports[1]}", begun[1]
    finally:
        for one in reversed(begun):
            with suppress(ProcessLookupError):
                os.killpg(one.pid, signal.SIGTERM)
        for one in begun:
            try:
                one.wait(30)
            except subprocess.TimeoutExpired:
                _kill(one)


def _start(*options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", *options]
    paths = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command, env=paths, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def _kill(one: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(one.pid, signal.SIGKILL)


def _wait_for(port: int, head: subprocess.Popen[bytes]) -> None:
    for _ in range(900):
        if head.poll() is not None:
            raise RuntimeError("the head did not start")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise RuntimeError("the head's door did not open")
