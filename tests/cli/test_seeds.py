"""A seed repeats every seeded command to the byte: two processes, two workspaces, the same rows in the same order."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.main import get_command
from typer.testing import CliRunner

from benchmarks.house.hashes import CLOCKS
from cli.app import app
from data.workspace import Workspace
from tests.routing.stock_cases import AS_OF
from tests.routing.test_joint_plan import make_inputs

ROOT = Path(__file__).resolve().parents[2]
TABLES = ("hubs", "lanes", "vehicle_types", "regions", "merchants", "warehouses", "sales", "events", "courier_rates")
# In an order in which each finds what it stands on.
SEEDED = {
    "forecast": f"--as-of {AS_OF} --horizon 14 --json",
    "backtest": f"--as-of {AS_OF - timedelta(days=20)},{AS_OF - timedelta(days=9)} --horizon 3 --json",
    "forecast draws": "--draws 4 --out {out}/draws.parquet",
    "plan trunk": f"--demand forecast --from {AS_OF + timedelta(days=1)} --to {AS_OF + timedelta(days=4)} --effort 0.01 --json",
    "plan capacity": "--effort 0.01 --volumes 2 --json",
    "plan stock": f"--as-of {AS_OF} --effort 0.05 --json",
    "stress": "--draws 40 --json",
    "playbook": "--draws 20 --max-changes 0 --json",
    "drill": "--draws 20 --most 1 --json",
    "plan joint": f"--effort 0.05 --as-of {AS_OF} --json",
    "plan all": "--effort 0.02 --json",
}
# It runs the others by their own commands, on a network of its own.
ALONE = {"demo"}
SCENARIO = (
    '[[scenario]]\nname = "N shut"\n[[scenario.incident]]\nkind = "hub_shut"\nhub_id = "N"\n'
    f"starts_at = {AS_OF + timedelta(days=3)}\nends_at = {AS_OF + timedelta(days=4)}\n"
)


def _seeded(command: Any, words: tuple[str, ...] = ()) -> set[str]:
    own = {" ".join(words)} if any("--seed" in option.opts for option in command.params) else set()
    return own.union(*(_seeded(inner, (*words, name)) for name, inner in getattr(command, "commands", {}).items()))


def test_every_seeded_command_is_repeated() -> None:
    found = _seeded(get_command(app))
    assert {name for name in found if name} - {"forecast"} == {*SEEDED, *ALONE} - {"forecast"}


def make_workspace(folder: Path) -> Workspace:
    """Two hubs with sales, a lane one way, and half a year of volumes."""
    workspace = Workspace.create(folder)
    inputs = make_inputs(sort_capacity=450)
    chance = random.Random(1)
    days = [AS_OF - timedelta(days=n) for n in range(120, -1, -1)]
    rows = [
        (day, "c", start, end, round(level * (1.0 + 0.1 * (day.weekday() < 5)) * chance.uniform(0.9, 1.1)))
        for day in days
        for start, end, level in (("N", "S", 300), ("N", "N", 100), ("S", "S", 50))
    ]
    columns = ["date", "courier_id", "origin_hub_id", "destination_hub_id", "parcels"]
    with workspace.run("load") as load:
        for name in TABLES:
            load.upsert(name, inputs.stock[name])
        load.upsert("route_volumes", pl.DataFrame(rows, schema=columns, orient="row"))
    (folder / "scenarios.toml").write_text(SCENARIO, encoding="utf-8")
    return workspace


def run_everything(folder: Path) -> list[str]:
    """Run each seeded command; a line for what it answers, and one for each table it wrote."""
    workspace = make_workspace(folder)
    told = []
    for name, options in SEEDED.items():
        words = [*name.split(), *(word.format(out=folder) for word in options.split()), "--seed", "7"]
        if name in ("playbook", "drill"):
            words += ["--scenarios", str(folder / "scenarios.toml")]
        result = CliRunner().invoke(app, ["--workspace", str(folder), *words])
        assert result.exit_code in (0, 3), f"radar {name}: {result.output[-2000:]}"
        told.append(f"{name} answers {_hash(result.stdout.replace(str(folder), ''))}")
    told.append(f"draws {_hash((folder / 'draws.parquet').read_bytes())}")
    for table in sorted(path.name for path in (folder / "tables").iterdir()):
        rows = Workspace.open(workspace.folder).read(table)
        if table != "runs":
            kept = rows.select(name for name in rows.columns if name not in CLOCKS or name == "run_id")
            told.append(f"table {table} {kept.height} {_hash(repr(kept.rows()))}")
    return told


def _hash(text: str | bytes) -> str:
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()[:16]


PROGRAMME = """
import json, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.cli.test_seeds import run_everything
print(json.dumps(run_everything(Path(sys.argv[1]))))
"""


@pytest.mark.slow
def test_two_runs_of_every_seeded_command_are_the_same_to_the_byte(tmp_path: Path) -> None:
    told = []
    for name, seed in (("一 a", "1"), ("二 b", "2")):
        asked = [sys.executable, "-c", PROGRAMME.format(root=str(ROOT)), str(tmp_path / name)]
        done = subprocess.run(asked, capture_output=True, text=True, env={**os.environ, "PYTHONHASHSEED": seed})
        assert done.returncode == 0, done.stderr[-3000:]
        told.append(json.loads(done.stdout.splitlines()[-1]))
    first, second = told
    assert first == second
    written = {line.split()[1] for line in first if line.startswith("table ")}
    assert written >= {"route_forecasts", "backtest_scores", "trunk_departures", "stress_results", "stock_allocations"}
