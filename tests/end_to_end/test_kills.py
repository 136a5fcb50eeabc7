"""`radar load` and `radar plan trunk` killed at random moments: nothing is lost, and a repeat gives what it would have given."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from data.contracts import TABLES
from data.workspace import Workspace

RADAR = Path(sys.executable).parent / "radar"
# Kills are spread over the whole run, one at a random moment of each part of it; the slow tests take twice as many parts.
KILLS = pytest.mark.parametrize("kills", [10, pytest.param(20, marks=pytest.mark.slow)])
FEW_KILLS = pytest.mark.parametrize("kills", [5, pytest.param(20, marks=pytest.mark.slow)])  # a plan takes long
DAYS = [date(2025, 11, 10) + timedelta(days=n) for n in range(3)]
# A task small enough to be proven optimal: then the plan does not depend on how fast the machine is.
HUBS = ["A", "B", "C"]


def radar(folder: Path, *arguments: str) -> list[str]:
    return [str(RADAR), "--workspace", str(folder), *arguments]


def run(folder: Path, *arguments: str) -> None:
    done = subprocess.run(radar(folder, *arguments), capture_output=True, text=True)
    assert done.returncode in (0, 3), done.stderr


def tables(folder: Path, names: list[str]) -> dict[str, pl.DataFrame]:
    """Rows of some tables without the run that made them."""
    workspace = Workspace.open(folder)
    return {name: workspace.read(name).drop("run_id", strict=False) for name in names}


def moments(kills: int, longest: float, seed: int) -> list[float]:
    """One random moment in each equal part of a run but its first fifth, in which only modules are read; in random order."""
    chance = random.Random(seed)
    found = [longest * (0.2 + 0.85 * (part + chance.random()) / kills) for part in range(kills)]
    chance.shuffle(found)
    return found


def kill_after(folder: Path, arguments: list[str], seconds: float) -> bool:
    process = subprocess.Popen(radar(folder, *arguments), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(seconds)
    os.kill(process.pid, signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def every_table_opens(folder: Path) -> None:
    workspace = Workspace.open(folder)
    for name in TABLES:
        workspace.read(name)


def seconds_of(command: Callable[[], None]) -> float:
    started = time.perf_counter()
    command()
    return time.perf_counter() - started


@pytest.fixture
def network(tmp_path: Path) -> Path:
    workspace = Workspace.create(tmp_path / "peak")
    lanes = [(o, d) for o in HUBS for d in HUBS if o != d]
    with workspace.run("load") as load:
        load.upsert(
            "hubs",
            pl.DataFrame({"hub_id": HUBS, "name": HUBS, "sort_capacity": [900] * 3, "buffer_capacity": [300] * 3}),
        )
        load.upsert(
            "lanes",
            pl.DataFrame(
                {
                    "lane_id": [f"{o}-{d}" for o, d in lanes],
                    "origin_hub_id": [o for o, _ in lanes],
                    "destination_hub_id": [d for _, d in lanes],
                    "mode": "road",
                    "distance_km": [100.0 + 10 * n for n in range(len(lanes))],
                    "transit_hours": 10.0,
                }
            ),
        )
        truck = {"vehicle_type_id": "truck", "name": "Truck", "mode": "road", "ownership": "contract"}
        load.upsert("vehicle_types", pl.DataFrame([truck | {"capacity": 100, "fixed_cost": 50.0, "cost_per_km": 1.0}]))
        demand = [(day, o, d, 37 + 5 * n) for day in DAYS[:2] for n, (o, d) in enumerate(lanes)]
        load.append(
            "route_demand",
            pl.DataFrame(demand, schema=["date", "origin_hub_id", "destination_hub_id", "parcels"], orient="row"),
        )
    return workspace.folder


@KILLS
def test_killed_loads_leave_the_old_or_the_new(tmp_path: Path, kills: int) -> None:
    folder = tmp_path / "peak"
    Workspace.create(folder)
    old, new = tmp_path / "old.csv", tmp_path / "new.csv"
    rows = [(DAYS[n % 3], f"O{n // 300}", f"D{n // 3 % 100}") for n in range(30_000)]
    for path, parcels in ((old, 1), (new, 2)):
        frame = pl.DataFrame(rows, schema=["date", "origin_hub_id", "destination_hub_id"], orient="row")
        frame.with_columns(pl.lit(parcels).alias("parcels")).write_csv(path)
    fill = ["--set", "courier_id=all", "--add-missing", "hubs,couriers"]
    run(folder, "load", "route_volumes", str(old), *fill)
    undisturbed = tmp_path / "undisturbed"
    shutil.copytree(folder, undisturbed)
    longest = seconds_of(lambda: run(undisturbed, "load", "route_volumes", str(new), *fill))
    killed = 0
    for seconds in moments(kills, longest, seed=11):
        killed += kill_after(folder, ["load", "route_volumes", str(new), *fill], seconds)
        every_table_opens(folder)
        assert Workspace.open(folder).read("route_volumes")["parcels"].unique().to_list() in ([1], [2])
    assert killed > 0
    run(folder, "load", "route_volumes", str(new), *fill)
    names = ["route_volumes", "hubs", "couriers"]
    for name, frame in tables(folder, names).items():
        assert frame.equals(tables(undisturbed, names)[name]), name
    assert "running" not in set(Workspace.open(folder).read("runs")["outcome"])


@FEW_KILLS
def test_killed_plans_show_nothing_and_repeat_to_the_byte(network: Path, tmp_path: Path, kills: int) -> None:
    undisturbed = tmp_path / "undisturbed"
    shutil.copytree(network, undisturbed)
    days = ["--from", str(DAYS[0]), "--to", str(DAYS[1])]
    plan = ["plan", "trunk", "--demand", "given", *days, "--seed", "3", "--effort", "0.02", "--time-limit", "60"]
    longest = seconds_of(lambda: run(undisturbed, *plan))
    names = ["trunk_departures", "trunk_flows", "hub_loads", "shortfalls", "plan_certificates"]
    whole = tables(undisturbed, names)
    killed = 0
    for seconds in moments(kills, longest, seed=12):
        killed += kill_after(network, plan, seconds)
        every_table_opens(network)
        for name, frame in tables(network, names).items():
            finished = len(Workspace.open(network).writers(name))
            assert frame.height == finished * whole[name].height, name
    assert killed > 0
    run(network, *plan)
    workspace = Workspace.open(network)
    for name in names:
        assert workspace.results(name).drop("run_id").equals(whole[name]), name
