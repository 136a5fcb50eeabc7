"""The tasks measured, named by small records that a child process can be told."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.machine import shared_folder
from benchmarks.trunk.canad import read_canad
from benchmarks.trunk.linehaul import make_linehaul
from routing.trunk.task.inputs import TrunkInputs, TrunkOptions
from tests.routing.random_networks import random_network

Task = dict[str, Any]

NATIONAL_DAYS = (date(2025, 11, 8), date(2025, 11, 14))
_TABLES = ("hubs", "lanes", "vehicle_types", "lane_vehicles", "network_changes", "route_demand")


def gather_task(task: Task, seconds: float) -> tuple[TrunkInputs, TrunkOptions]:
    """Make the inputs of a task and the options it is planned with."""
    kind = task["kind"]
    if kind == "linehaul":
        options = TrunkOptions(short_cost=100.0, time_limit=seconds, clock="cpu")
        return make_linehaul(task["hubs"], task["trucks"], task["seed"]), options
    if kind == "canad":
        shared = shared_folder()
        assert shared is not None
        inputs = read_canad(shared / "real" / "mcnd-canad" / f"{task['name']}.dow")
        return inputs, TrunkOptions(hold_cost=0.0, short_cost=5000.0, time_limit=seconds, clock="cpu")
    if kind == "small":
        inputs = random_network(task["seed"], hubs=task["hubs"], days=task["days"], scale=task["scale"])
        inputs = replace(inputs, network_changes=inputs.network_changes.clear())
        return inputs, TrunkOptions(short_cost=500.0, time_limit=seconds, clock="cpu")
    folder = Path(task["folder"])
    tables = {name: pl.read_parquet(folder / f"{name}.parquet") for name in _TABLES}
    return TrunkInputs.gather(tables), TrunkOptions(short_cost=10_000.0, time_limit=seconds)


def write_national(folder: Path) -> None:
    """Write the tables of the national sample network and the parcels that come in the peak week."""
    from data.sample.make import build_sample

    sample = build_sample("national")
    week = sample.truth.future_volumes.filter(pl.col("date").is_between(*NATIONAL_DAYS))
    keys = ["date", "origin_hub_id", "destination_hub_id"]
    tables = sample.tables | {"route_demand": week.group_by(keys).agg(pl.col("parcels").sum()).sort(keys)}
    for name in _TABLES:
        tables[name].write_parquet(folder / f"{name}.parquet")
