"""A network of three hubs with a forecast and a plan: what commands that make results are killed on."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from data.contracts import contract
from data.workspace import Workspace

AS_OF = date(2025, 11, 10)
_HUBS = ("A", "B", "杭州 C")
_DAYS = 42


def write_small_network(folder: Path) -> Path:
    """Write the network, forecast and plan it with the installed command; return its folder."""
    workspace = Workspace.create(folder)
    pairs = [(origin, destination) for origin in _HUBS for destination in _HUBS if origin != destination]
    days = [AS_OF - timedelta(days=n) for n in range(_DAYS)]
    volumes: list[dict[str, object]] = [
        {
            "date": day,
            "courier_id": "ours",
            "origin_hub_id": a,
            "destination_hub_id": b,
            "parcels": 900 + 70 * day.weekday(),
        }
        for day in days
        for a, b in pairs
    ]
    lanes: list[dict[str, object]] = [
        {
            "lane_id": f"{a}-{b}",
            "origin_hub_id": a,
            "destination_hub_id": b,
            "mode": "road",
            "distance_km": 400.0,
            "transit_hours": 10.0,
        }
        for a, b in pairs
    ]
    truck: dict[str, object] = {
        "vehicle_type_id": "T", "name": "truck", "mode": "road", "ownership": "spot", "capacity": 500,
        "fixed_cost": 800.0, "cost_per_km": 4.0,
    }  # fmt: skip
    tables: dict[str, list[dict[str, object]]] = {
        "hubs": [{"hub_id": hub, "name": hub, "sort_capacity": 4000} for hub in _HUBS],
        "couriers": [{"courier_id": "ours", "name": "ours"}],
        "lanes": lanes,
        "vehicle_types": [truck],
        "route_volumes": volumes,
    }
    with workspace.run("load") as run:
        for name, rows in tables.items():
            run.replace(name, _by_contract(name, rows))
    for words in (["forecast", "--as-of", str(AS_OF), "--horizon", "3"], ["plan", "trunk", "--effort", "0.001"]):
        radar = [str(Path(sys.executable).parent / "radar"), "--workspace", str(folder)]
        done = subprocess.run([*radar, *words], capture_output=True, text=True, check=False)
        if done.returncode not in (0, 3):
            raise RuntimeError(f"radar {' '.join(words)}: {done.stderr[-1000:]}")
    return folder


def _by_contract(name: str, rows: list[dict[str, object]]) -> pl.DataFrame:
    schema = contract(name).polars_schema
    return pl.DataFrame([{column: row.get(column) for column in schema} for row in rows], schema=schema, orient="row")
