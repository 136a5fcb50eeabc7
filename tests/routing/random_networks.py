"""Random small networks with one of everything, on which planner and checker must agree."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

from routing.trunk.task.inputs import TrunkInputs
from tests.routing.networks import DAY, make_inputs


def random_network(
    seed: int, *, hubs: int = 6, days: int = 3, scale: float = 1.0, promised: float = 0.0
) -> TrunkInputs:
    """Make a network from a seed: own, contract and spot trucks, trains, limits, buffers, closings, slow and closed lanes.

    Parameters
    ----------
    seed
        Repeats the network.
    hubs, days
        Its size.
    scale
        Factor on the demand: from a tenth of a truck on a lane to many.
    promised
        Share of the routes that have a promise of arrival.
    """
    random = np.random.default_rng(seed)
    names = [f"H{n}" for n in range(hubs)]
    hub_rows = [
        {
            "hub_id": name,
            "sort_capacity": None if random.random() < 0.3 else int(random.integers(200, 4000) * max(scale, 0.2)),
            "buffer_capacity": None if random.random() < 0.3 else int(random.integers(0, 800) * max(scale, 0.2)),
            "handling_cost": None if random.random() < 0.2 else round(float(random.uniform(0, 0.5)), 3),
        }
        for name in names
    ]
    lane_rows = [_lane(random, a, b, "road") for a in names for b in names if a != b and random.random() < 0.5]
    lane_rows += [_lane(random, a, b, "rail") for a in names for b in names if a != b and random.random() < 0.12]
    types: list[dict[str, Any]] = [
        {"vehicle_type_id": "own", "ownership": "own", "capacity": 100, "fixed_cost": 50.0, "cost_per_km": 1.0,
         "fleet_size": int(random.integers(0, 12))},
        {"vehicle_type_id": "contract", "ownership": "contract", "capacity": 60, "fixed_cost": 60.0,
         "cost_per_km": 1.0, "fleet_size": int(random.integers(0, 8))},
        {"vehicle_type_id": "spot", "ownership": "spot", "capacity": 80, "fixed_cost": 100.0, "cost_per_km": 1.5,
         "fleet_size": None if random.random() < 0.7 else int(random.integers(0, 10))},
        {"vehicle_type_id": "train", "ownership": "contract", "mode": "rail", "capacity": 400, "fixed_cost": 300.0,
         "cost_per_km": 1.0, "fleet_size": int(random.integers(1, 4))},
    ]  # fmt: skip
    special = [
        {
            "lane_id": lane["lane_id"],
            "vehicle_type_id": kind,
            "capacity": None if random.random() < 0.5 else int(random.integers(30, 500)),
            "departure_cost": None if random.random() < 0.5 else round(float(random.uniform(20, 400)), 2),
            "departure_limit": None if random.random() < 0.5 else int(random.integers(0, 6)),
        }
        for lane in lane_rows
        if random.random() < 0.25
        for kind in (["train"] if lane["mode"] == "rail" else ["own", "spot"])
    ]
    demand = [
        (day, a, b, int(random.integers(0, 150) * scale))
        for day in range(days)
        for a in names
        for b in names
        if random.random() < 0.4
    ]
    changes = [
        {"date": DAY + dt.timedelta(days=int(random.integers(-2, days + 1))), "hub_id": name, "change": change}
        for name in names
        for change in ("closes", "opens")
        if random.random() < 0.06
    ]
    weather = [
        {
            "lane_id": lane["lane_id"],
            "date": DAY + dt.timedelta(days=day),
            "speed_factor": float(random.choice([0.4, 0.7, 1.0])),
            "capacity_factor": float(random.choice([0.0, 0.5, 1.0])),
            "cause": "snow",
        }
        for lane in lane_rows
        for day in range(days + 1)
        if random.random() < 0.1
    ]
    promises = [
        (a, b, float(random.choice([0.0, 20.0, 24.0, 36.0, 48.0])))
        for a in names
        for b in names
        if promised > 0 and random.random() < promised
    ]
    return make_inputs(
        hub_rows,
        lane_rows,
        types,
        [row for row in demand if row[3] > 0],
        lane_vehicles=special,
        changes=changes,
        weather=weather,
        promises=promises,
    )


def _lane(random: np.random.Generator, start: str, end: str, mode: str) -> dict[str, Any]:
    distance = round(float(random.uniform(20, 900)), 1)
    return {
        "lane_id": f"{start}-{end}-{mode}",
        "origin_hub_id": start,
        "destination_hub_id": end,
        "mode": mode,
        "distance_km": distance,
        "transit_hours": float(random.choice([0.0, 5.0, 20.0, 24.0, 30.0, 50.0])),
        "parcel_cost": None if random.random() < 0.5 else round(float(random.uniform(0, 0.3)), 3),
        "departure_limit": None if random.random() < 0.7 else int(random.integers(0, 6)),
    }
