"""Small plans for the player: drawn at random, or by hand."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

FIRST = date(2025, 11, 8)
SCHEMAS: dict[str, dict[str, Any]] = {
    "hubs": {"hub_id": pl.String, "sort_capacity": pl.Int64, "buffer_capacity": pl.Int64, "handling_cost": pl.Float64},
    "lanes": {
        "lane_id": pl.String,
        "origin_hub_id": pl.String,
        "destination_hub_id": pl.String,
        "mode": pl.String,
        "distance_km": pl.Float64,
        "transit_hours": pl.Float64,
        "parcel_cost": pl.Float64,
    },
    "vehicle_types": {
        "vehicle_type_id": pl.String,
        "mode": pl.String,
        "ownership": pl.String,
        "capacity": pl.Int64,
        "fixed_cost": pl.Float64,
        "cost_per_km": pl.Float64,
    },
    "trunk_flows": {
        "date": pl.Date,
        "origin_hub_id": pl.String,
        "destination_hub_id": pl.String,
        "path": pl.List(pl.String),
        "departure_dates": pl.List(pl.Date),
        "completed_on": pl.Date,
        "parcels": pl.Int64,
    },
    "trunk_departures": {
        "date": pl.Date,
        "lane_id": pl.String,
        "vehicle_type_id": pl.String,
        "departures": pl.Int64,
        "parcels": pl.Int64,
        "cost": pl.Float64,
    },
    "hub_loads": {
        "date": pl.Date,
        "hub_id": pl.String,
        "handled": pl.Int64,
        "held": pl.Int64,
        "capacity": pl.Int64,
    },
    "route_demand": {
        "date": pl.Date,
        "origin_hub_id": pl.String,
        "destination_hub_id": pl.String,
        "parcels": pl.Int64,
    },
}
TYPES: list[dict[str, Any]] = [
    {
        "vehicle_type_id": "own",
        "mode": "road",
        "ownership": "own",
        "capacity": 100,
        "fixed_cost": 50.0,
        "cost_per_km": 1.0,
    },
    {
        "vehicle_type_id": "hired",
        "mode": "road",
        "ownership": "contract",
        "capacity": 60,
        "fixed_cost": 60.0,
        "cost_per_km": 1.0,
    },
    {
        "vehicle_type_id": "train",
        "mode": "rail",
        "ownership": "contract",
        "capacity": 150,
        "fixed_cost": 90.0,
        "cost_per_km": 0.5,
    },
]


def frames(plan: dict[str, list[dict[str, Any]]]) -> dict[str, pl.DataFrame]:
    """Lay rows out as the tables the player reads."""
    return {name: pl.DataFrame(plan.get(name, []), schema=schema) for name, schema in SCHEMAS.items()}


def hub(name: str, sort: int = 1000, buffer: int = 100) -> dict[str, Any]:
    """Give a row of hubs."""
    return {"hub_id": name, "sort_capacity": sort, "buffer_capacity": buffer, "handling_cost": 0.1}


def lane(origin: str, destination: str, hours: float = 20.0, mode: str = "road") -> dict[str, Any]:
    """Give a row of lanes; its id is A-B, or A-B-rail."""
    name = f"{origin}-{destination}" + ("" if mode == "road" else f"-{mode}")
    ends = {"origin_hub_id": origin, "destination_hub_id": destination, "mode": mode}
    return {"lane_id": name, **ends, "distance_km": hours * 60, "transit_hours": hours, "parcel_cost": 0.01}


def draw_plan(seed: int, hubs: int = 5, days: int = 3, at_once: bool = False) -> dict[str, list[dict[str, Any]]]:
    """Draw a plan of a few hubs: it need not be good, only whole. ``at_once``: some lanes arrive on the day they leave."""
    random = np.random.default_rng(seed)
    names = [f"H{number}" for number in range(hubs)]
    pairs = [(a, b) for a in names for b in names if a != b]
    lanes = [
        lane(a, b, float(random.uniform(5, 50)))
        for a, b in pairs
        if random.random() < 0.7 or b == names[0] or a == names[0]
    ]
    lanes += [lane(a, b, float(random.uniform(20, 60)), "rail") for a, b in pairs if random.random() < 0.25]
    for row in lanes if at_once else ():
        row["transit_hours"] = row["transit_hours"] if random.random() < 0.5 else 0.0
    leaving = {name: [row for row in lanes if row["origin_hub_id"] == name] for name in names}
    flows: dict[Any, dict[str, Any]] = {}
    loads: dict[Any, int] = {}
    for day in range(days):
        for origin in names:
            for end in names:
                for _ in range(int(random.integers(1, 3))):
                    when = FIRST + timedelta(days=day)
                    at, now = origin, day
                    path: list[str] = []
                    leaves: list[date] = []
                    while at != end:
                        ways = [row for row in leaving[at] if row["destination_hub_id"] == end]
                        if not ways or (len(path) == 0 and random.random() < 0.4):
                            ways = [row for row in leaving[at] if row["destination_hub_id"] in (names[0], end)]
                        row = ways[int(random.integers(len(ways)))]
                        now += int(random.random() < 0.3)
                        path.append(row["lane_id"])
                        leaves.append(FIRST + timedelta(days=now))
                        now += int(np.ceil(row["transit_hours"] / 24 - 1e-9))
                        at = row["destination_hub_id"]
                    parcels = int(random.integers(1, 120))
                    whole = (when, origin, end, tuple(path), tuple(leaves))
                    if whole in flows:
                        continue
                    flows[whole] = {
                        "date": when,
                        "origin_hub_id": origin,
                        "destination_hub_id": end,
                        "path": path,
                        "departure_dates": leaves,
                        "completed_on": FIRST + timedelta(days=now),
                        "parcels": parcels,
                    }
                    for name, leave in zip(path, leaves, strict=True):
                        loads[leave, name] = loads.get((leave, name), 0) + parcels
    rail = {row["lane_id"] for row in lanes if row["mode"] == "rail"}
    departures = []
    for (leave_on, name), parcels in sorted(loads.items()):
        kind = "train" if name in rail else "own" if random.random() < 0.5 else "hired"
        size = next(row["capacity"] for row in TYPES if row["vehicle_type_id"] == kind)
        count = int(-(-parcels // size))
        departures.append(
            {
                "date": leave_on,
                "lane_id": name,
                "vehicle_type_id": kind,
                "departures": count,
                "parcels": parcels,
                "cost": 0.0,
            }
        )
    demand: dict[Any, int] = {}
    for row in flows.values():
        key = (row["date"], row["origin_hub_id"], row["destination_hub_id"])
        demand[key] = demand.get(key, 0) + row["parcels"]
    return {
        "hubs": [hub(name, int(random.integers(300, 900)), int(random.integers(50, 300))) for name in names],
        "lanes": lanes,
        "vehicle_types": TYPES,
        "trunk_flows": list(flows.values()),
        "trunk_departures": departures,
        "hub_loads": [],
        "route_demand": [
            {"date": when, "origin_hub_id": origin, "destination_hub_id": end, "parcels": parcels}
            for (when, origin, end), parcels in sorted(demand.items())
        ],
    }
