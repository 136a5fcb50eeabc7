"""Made linehaul networks of one day: hubs on a plane, gravity demand, trucks of two sizes, rail, tight sorting.

Hubs stand in 3,500 x 2,500 km with lognormal weights; every pair of hubs has demand by gravity. Lanes lead to the six
nearest hubs, the four nearest backbone hubs and between all backbone hubs. Trucks take 10,000 parcels (price 1.0 a km)
or 4,000 (0.6); each hub has contract trucks for 80 % of its need and hires more at +35 %; trains take 40,000 (2.6), two
a day, on half of the long backbone lanes. The sixth of the hubs that shortest ways load most can sort 85 % of the transit
these ways send through them, besides their own parcels. Volume is set so that a lane used by the relaxation carries
``trucks_per_lane`` large trucks on average.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

from data.contracts import contract
from routing.budget import Deadline
from routing.trunk.bound.subgradient import relax_network
from routing.trunk.task.build_network import build_network
from routing.trunk.task.inputs import TrunkInputs, TrunkOptions

_TRUCK, _VAN, _TRAIN = 10_000, 4_000, 40_000
_KM_PRICE = 7.0  # CNY per km of the large truck
_TRANSIT_COST = 0.05  # CNY per parcel sorted
_DAY = dt.date(2026, 11, 11)


def make_linehaul(hubs: int, trucks_per_lane: float, seed: int) -> TrunkInputs:
    """Make a linehaul network.

    Parameters
    ----------
    hubs
        Number of hubs.
    trucks_per_lane
        Mean number of large trucks on the lanes that the relaxation without limits uses.
    seed
        Seed of every random choice.

    Returns
    -------
    TrunkInputs
        Tables for ``plan_trunk``: one day, transit 0, no buffers.
    """
    generator = np.random.default_rng([seed, hubs])
    place = generator.random((hubs, 2)) * np.array([3500.0, 2500.0])
    weight = generator.lognormal(0.0, 1.0, hubs)
    away = np.hypot(*(place[:, None] - place[None]).transpose(2, 0, 1))
    road = 1.25 * away
    backbone = np.sort(np.argsort(-weight, kind="stable")[: max(4, hubs // 6)])
    pairs = _pick_lanes(away, backbone)
    gravity = weight[:, None] * weight[None] / (300.0 + away)
    np.fill_diagonal(gravity, 0.0)
    ids = np.array([f"H{i:03d}" for i in range(hubs)])
    lane_frame = _list_lanes(ids, pairs, road, backbone, generator)
    total = 1000.0 * hubs * hubs
    unlimited = _gather(ids, None, lane_frame, _list_types(ids, None, None), _demand(ids, gravity, total))
    trucks, _ = _measure(unlimited)
    used = trucks > 0
    total *= trucks_per_lane / trucks[used].mean()
    demand = _demand(ids, gravity, total)
    trucks, transit = _measure(_gather(ids, None, lane_frame, _list_types(ids, None, None), demand))
    ends = np.zeros(hubs)
    for column in ("origin_hub_id", "destination_hub_id"):
        ends += np.bincount(np.searchsorted(ids, demand[column].to_numpy()), demand["parcels"].to_numpy(), hubs)
    busiest = np.argsort(-transit, kind="stable")[: max(1, hubs // 6)]
    capacity = np.full(hubs, np.nan)
    capacity[busiest] = np.ceil(ends[busiest] + 0.85 * transit[busiest])
    origin = np.searchsorted(ids, lane_frame["origin_hub_id"].to_numpy())
    on_road = (lane_frame["mode"] == "road").to_numpy()
    need = np.bincount(origin[on_road], trucks[on_road], hubs)
    vans = np.bincount(origin[on_road], 0.4 * (trucks[on_road] > 0), hubs)
    return _gather(ids, capacity, lane_frame, _list_types(ids, 0.8 * need, 0.8 * vans), demand)


def _pick_lanes(away: np.ndarray, backbone: np.ndarray) -> list[tuple[int, int]]:
    chosen: set[tuple[int, int]] = set()
    for hub in range(len(away)):
        others = np.argsort(away[hub], kind="stable")[1:7]
        near = backbone[np.argsort(away[hub, backbone], kind="stable")]
        ends = [*others, *[b for b in near if b != hub][:4], *(backbone if hub in backbone else [])]
        for end in ends:
            if int(end) != hub:
                chosen |= {(hub, int(end)), (int(end), hub)}
    return sorted(chosen)


def _list_lanes(
    ids: np.ndarray,
    pairs: list[tuple[int, int]],
    road: np.ndarray,
    backbone: np.ndarray,
    generator: np.random.Generator,
) -> pl.DataFrame:
    rows = [(f"{ids[a]}-{ids[b]}", ids[a], ids[b], "road", float(road[a, b])) for a, b in pairs]
    long = [(a, b) for a, b in pairs if a in backbone and b in backbone and road[a, b] > 1000]
    for a, b in long:
        if generator.random() < 0.5:
            rows.append((f"{ids[a]}-{ids[b]}-rail", ids[a], ids[b], "rail", float(road[a, b])))
    frame = pl.DataFrame(
        rows, schema=["lane_id", "origin_hub_id", "destination_hub_id", "mode", "distance_km"], orient="row"
    )
    return frame.with_columns(
        transit_hours=pl.lit(0.0),
        departure_limit=pl.when(pl.col("mode") == "rail").then(pl.lit(2, pl.Int64)),
    ).sort("lane_id")


def _list_types(ids: np.ndarray, trucks: np.ndarray | None, vans: np.ndarray | None) -> pl.DataFrame:
    """Hired trucks for all, trains, and each hub's contract trucks (their lanes stand in lane_vehicles)."""
    hire = 1.35 if trucks is not None else 1.0
    rows: list[tuple[str, str, str, int, float, int | None]] = [
        ("spot-17.5", "road", "spot", _TRUCK, hire * _KM_PRICE, None),
        ("spot-9.6", "road", "spot", _VAN, 0.6 * hire * _KM_PRICE, None),
        ("train", "rail", "contract", _TRAIN, 2.6 * _KM_PRICE, None),
    ]
    for i, hub in enumerate(ids if trucks is not None else []):
        assert trucks is not None
        assert vans is not None
        rows.append((f"contract-17.5-{hub}", "road", "contract", _TRUCK, _KM_PRICE, int(trucks[i])))
        rows.append((f"contract-9.6-{hub}", "road", "contract", _VAN, 0.6 * _KM_PRICE, int(vans[i])))
    columns = ["vehicle_type_id", "mode", "ownership", "capacity", "cost_per_km", "fleet_size"]
    return pl.DataFrame(rows, schema=columns, orient="row").with_columns(
        name=pl.col("vehicle_type_id"), fixed_cost=pl.lit(0.0)
    )


def _demand(ids: np.ndarray, gravity: np.ndarray, total: float) -> pl.DataFrame:
    parcels = np.rint(gravity / gravity.sum() * total).astype(np.int64)
    origin, destination = np.nonzero(parcels)
    return pl.DataFrame(
        {
            "date": [_DAY] * len(origin),
            "origin_hub_id": ids[origin],
            "destination_hub_id": ids[destination],
            "parcels": parcels[origin, destination],
        }
    )


def _gather(
    ids: np.ndarray, capacity: np.ndarray | None, lanes: pl.DataFrame, types: pl.DataFrame, demand: pl.DataFrame
) -> TrunkInputs:
    sort = [None] * len(ids) if capacity is None else [None if np.isnan(c) else int(c) for c in capacity]
    hubs = pl.DataFrame(
        {
            "hub_id": ids,
            "name": ids,
            "sort_capacity": pl.Series(sort, dtype=pl.Int64),
            "buffer_capacity": pl.Series([0] * len(ids), dtype=pl.Int64),
            "handling_cost": [_TRANSIT_COST] * len(ids),
        }
    )
    road = lanes.filter(pl.col("mode") == "road")
    listed = pl.DataFrame(schema=contract("lane_vehicles").polars_schema)
    if types.height > 3:
        kinds = ["spot-17.5", "spot-9.6"]
        parts = [road.select("lane_id", vehicle_type_id=pl.lit(kind)) for kind in kinds]
        parts += [
            road.select("lane_id", vehicle_type_id=pl.format("{}-{}", pl.lit(kind), "origin_hub_id"))
            for kind in ("contract-17.5", "contract-9.6")
        ]
        listed = pl.concat(parts)
    return TrunkInputs(
        hubs=contract("hubs").arrange(hubs),
        lanes=contract("lanes").arrange(lanes),
        vehicle_types=contract("vehicle_types").arrange(types),
        lane_vehicles=contract("lane_vehicles").arrange(listed),
        route_demand=demand,
        network_changes=contract("network_changes").empty(),
        lane_weather=contract("lane_weather").empty().drop("run_id"),
    )


def _measure(inputs: TrunkInputs) -> tuple[np.ndarray, np.ndarray]:
    """Trucks on each lane and transit at each hub [parcels] of the cheapest ways."""
    network = build_network(inputs, TrunkOptions(short_cost=1e6))
    relaxed = relax_network(network, steps=1, seed=0, deadline=Deadline(1e9))
    trucks = np.zeros(len(network.lane_ids))
    trucks[network.arc_lane] = relaxed.arc_load / _TRUCK
    ends = np.bincount(network.demand_origin, network.demand_parcels, network.hubs)
    ends += np.bincount(network.demand_destination, network.demand_parcels, network.hubs)
    return trucks, relaxed.sort_load[: network.hubs] - ends
