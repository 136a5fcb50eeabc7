"""`python -m benchmarks.joint.size [HUBS MERCHANTS DAYS]`: the joint plan of a large made network, vehicles in parts, with what of the stock's gain is left unproven.

By default 60 hubs, 300 merchants with five items each for twelve regions, a warehouse a region, and four days of a sale. Hubs are points in a square of 1,800 km, joined to their five
nearest and those with a warehouse to each other; parcels go by gravity, a quarter of them the merchants'. The four largest hubs sort less than is asked of them with nothing ahead.
The gap told is (cost - bound) / (cost with nothing ahead - bound), parcels short at 10,000 CNY: what can still be moved at most, of what could.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from benchmarks.machine import describe_machine
from data.arrays import Floats
from data.contracts import contract
from routing.budget import Deadline
from routing.joint.solution import JOINT, JointInputs, solve
from routing.stock.options import StockOptions
from routing.stock.task import read_task
from routing.trunk.task.build_network import build_network
from routing.trunk.task.inputs import TrunkInputs, TrunkOptions

REGIONS, ITEMS = 12, 5
FIRST = date(2025, 11, 9)
SHAPE = (0.7, 0.9, 1.5, 1.1)  # parcels of the sale's days, of an even day
PARCELS = 3_000_000  # of an even day


def main() -> None:
    """Solve it and print a row."""
    hubs, merchants, days = ([int(word) for word in sys.argv[1:]] or [60, 300, 4])[:3]
    tables = make_tables(hubs, merchants, days)
    last = FIRST + timedelta(days=days - 1)
    options = StockOptions(first=FIRST, last=last, as_of=FIRST - timedelta(days=12), service_level=None, from_home=True)
    print(f"{describe_machine()}; load {os.getloadavg()[0]:.1f}\n")
    began, wall = time.process_time(), time.perf_counter()
    trunk = {name: tables[name] for name in ("hubs", "lanes", "vehicle_types", "route_demand")}
    network = build_network(TrunkInputs.gather(trunk), TrunkOptions(short_cost=JOINT.short_price, late_cost=0.0))
    task = read_task(tables, options)
    found = solve(network, task, JointInputs(trunk, tables, contract("sourcing").empty()), options, Deadline(3600.0))
    spent, waited = time.process_time() - began, time.perf_counter() - wall
    print(
        "| hubs, merchants x items x warehouses, days | columns | plan | CNY | short | bound | gap of what can be moved | CPU s | wall s | GB |"
    )
    print("|---|---:|---|---:|---:|---:|---:|---:|---:|---:|")
    nothing = found.answers["nothing ahead"].value
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    for name in found.ranked:
        answer = found.answers[name]
        gap = (answer.value - found.bound) / max(nothing - found.bound, 1.0)
        print(
            f"| {hubs}, {merchants} x {ITEMS} x {REGIONS}, {days} | {found.model.columns:,} | {name} | {answer.cost:,.0f} | {answer.short:,.0f} | "
            f"{found.bound:,.0f} | {100 * gap:.2f} % | {spent:.0f} | {waited:.0f} | {memory:.2f} |"
        )


def make_tables(hubs: int, merchants: int, days: int, seed: int = 12) -> dict[str, pl.DataFrame]:
    """Make the tables of a network and of merchants' stock asked for."""
    draw = np.random.default_rng(seed)
    at = draw.uniform(0, 1_800, (hubs, 2))
    weight = draw.lognormal(0.0, 0.8, hubs)
    weight /= weight.sum()
    region = np.argmin(_far(at, at[np.argsort(-weight)[:REGIONS]]), axis=1)  # the nearest of the largest hubs
    sites = np.array([np.flatnonzero(region == r)[np.argmax(weight[region == r])] for r in range(REGIONS)])
    names = np.array([f"H{n:03d}" for n in range(hubs)])
    places = np.array([f"R{n:02d}" for n in range(REGIONS)])
    parcels = np.round(PARCELS * np.array(SHAPE[:days])[:, None, None] * weight[:, None] * weight[None, :])
    asked = parcels.sum(axis=(0, 2))
    home = np.concatenate([np.arange(hubs), draw.choice(hubs, max(merchants - hubs, 0), p=weight)])[:merchants]
    size = draw.lognormal(0.0, 1.0, (merchants, ITEMS))
    of_hub = np.bincount(home, size.sum(axis=1), hubs)
    size *= (0.25 * asked[home] / of_hub[home])[:, None]
    of_region = np.bincount(region, weight, REGIONS)
    units = np.round(size[:, :, None] * of_region)
    busiest = parcels[int(np.argmax(SHAPE[:days]))]
    handled = busiest.sum(axis=0) + busiest.sum(axis=1)
    sorts = np.where(np.argsort(np.argsort(-handled)) < 4, 1.15, 2.5) * handled
    frames: dict[str, dict[str, Any]] = {
        "hubs": {"hub_id": names, "name": names, "region_id": places[region], "sort_capacity": sorts.astype(int),
                 "buffer_capacity": (0.2 * sorts).astype(int)},
        "regions": {"region_id": places, "name": places},
        "merchants": {"merchant_id": [f"M{n:04d}" for n in range(merchants)], "name": "M", "hub_id": names[home]},
        "warehouses": {"warehouse_id": [f"W{n:02d}" for n in range(REGIONS)], "name": "W", "hub_id": names[sites],
                       "storage_capacity": np.round(1.5 * units.sum(axis=(0, 1))).astype(int), "storage_cost": 0.01},
        "vehicle_types": {"vehicle_type_id": ["own", "spot"], "name": ["own", "spot"], "mode": "road", "ownership": ["own", "spot"],
                          "capacity": 9_000, "fixed_cost": [300.0, 600.0], "cost_per_km": [4.5, 6.5], "fleet_size": [400, None]},
    }  # fmt: skip
    tables = {name: contract(name).conform(pl.DataFrame(columns)) for name, columns in frames.items()}
    m, i, r = np.nonzero(units)
    stock = {
        "merchant_id": tables["merchants"]["merchant_id"].to_numpy()[m],
        "category": [f"C{n}" for n in i],
        "region_id": places[r],
    }
    tables["stock_demand"] = contract("stock_demand").conform(
        pl.DataFrame(stock | {"units": units[m, i, r].astype(int)})
    )
    d, o, e = np.nonzero(parcels)
    routes = {
        "date": [FIRST + timedelta(days=n) for n in d.tolist()],
        "origin_hub_id": names[o],
        "destination_hub_id": names[e],
    }
    tables["route_demand"] = pl.DataFrame(routes | {"parcels": parcels[d, o, e].astype(int)})
    tables["lanes"] = _join(at, names, sites)
    rates = {"courier_id": "C", "origin_hub_id": np.repeat(names, hubs), "destination_hub_id": np.tile(names, hubs)}
    hours = np.ceil((_far(at, at) / 70 + 12) / 24) * 24
    prices = {"price": (1.5 + _far(at, at) / 600).ravel(), "promised_hours": hours.ravel()}
    tables["courier_rates"] = contract("courier_rates").conform(pl.DataFrame(rates | prices))
    empty = ("sales", "events")
    return tables | {name: contract(name).empty() for name in empty}


def _far(here: Floats, there: Floats) -> Floats:
    return np.asarray(np.linalg.norm(here[:, None] - there[None], axis=2))


def _join(at: Floats, names: np.ndarray[Any, Any], sites: np.ndarray[Any, Any]) -> pl.DataFrame:
    """Lanes both ways: each hub to its five nearest, and those with a warehouse to each other."""
    far = _far(at, at)
    near = np.argsort(far, axis=1)[:, 1:6]
    pairs = {(a, int(b)) for a in range(len(at)) for b in near[a]} | {
        (int(a), int(b)) for a in sites for b in sites if a != b
    }
    both = sorted(pairs | {(b, a) for a, b in pairs})
    km = [round(float(far[a, b]) * 1.2, 1) for a, b in both]
    return contract("lanes").conform(
        pl.DataFrame(
            {
                "lane_id": [f"{names[a]}-{names[b]}" for a, b in both],
                "origin_hub_id": [names[a] for a, _ in both],
                "destination_hub_id": [names[b] for _, b in both],
                "mode": "road",
                "distance_km": km,
                "transit_hours": [round(length / 70, 1) for length in km],
            }
        )
    )


if __name__ == "__main__":
    main()
