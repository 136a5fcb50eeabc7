"""The whole chain on real data, driven through the installed command as a planner would."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RADAR = Path(sys.executable).parent / "radar"
NETWORK_EXAMPLE = ROOT / "examples" / "state-network"


@dataclass
class Chain:
    """Runs commands in one workspace and keeps what each took."""

    folder: Path
    seconds: dict[str, float] = field(default_factory=dict)

    def radar(self, *arguments: str, name: str | None = None, allowed: tuple[int, ...] = (0,)) -> str:
        """Run one command; its stdout. Fails loudly on any exit code that is not allowed."""
        started = time.perf_counter()
        command = [str(RADAR), "--workspace", str(self.folder), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode not in allowed:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}\n{done.stdout}")
        self.seconds[name or arguments[0]] = time.perf_counter() - started
        return done.stdout

    def query(self, sql: str) -> list[dict[str, object]]:
        """Ask the workspace's tables."""
        rows: list[dict[str, object]] = json.loads(self.radar("sql", sql, "--json", name="sql"))
        return rows


def start(folder: Path, calendar: str) -> Chain:
    """Make a workspace."""
    subprocess.run([str(RADAR), "init", str(folder), "--calendar", calendar], check=True, capture_output=True)
    return Chain(folder)


def run_courier_network(folder: Path, shared: Path, horizon: int = 14, as_of: str = "2022-06-07") -> Chain:
    """Load the real courier network by its Chinese headers in one command and forecast across 18 June 2022."""
    chain = start(folder, "CN")
    volumes = shared / "real" / "mathorcup-2023c" / "route_volumes_2021-01_2022-09.csv.gz"
    chain.radar(
        "load", "route_volumes", str(volumes), "--set", "courier_id=all", "--add-missing", "hubs,couriers", name="load"
    )
    chain.radar("forecast", "--as-of", as_of, "--horizon", str(horizon), name="forecast")
    return chain


def run_order_network(folder: Path, shared: Path) -> Chain:
    """Turn orders by state into a network, forecast across a Black Friday never seen, and plan its week."""
    chain = start(folder, "BR")
    (folder / "radar.toml").write_text((NETWORK_EXAMPLE / "radar.toml").read_text(encoding="utf-8"), encoding="utf-8")
    real = shared / "real" / "olist"
    for table in ("hubs", "lanes"):
        chain.radar(
            "load",
            table,
            str(real / "geolocation.parquet"),
            "--sql",
            str(NETWORK_EXAMPLE / f"{table}.sql"),
            name=f"load {table}",
        )
    chain.radar("load", "vehicle_types", str(NETWORK_EXAMPLE / "vehicle_types.csv"), name="load vehicle_types")
    query = str(NETWORK_EXAMPLE / "route_volumes.sql")
    source = str(real / "route_daily.parquet")
    fill = ("--set", "courier_id=all", "--add-missing", "couriers,hubs")
    chain.radar("load", "route_volumes", source, "--sql", query, *fill, name="load route_volumes")
    chain.radar("forecast", "--as-of", "2017-11-09", "--horizon", "28", name="forecast")
    chain.radar("plan", "trunk", "--from", "2017-11-20", "--to", "2017-11-26", name="plan trunk", allowed=(0, 3))
    chain.radar("verify", "trunk", name="verify")
    return chain
