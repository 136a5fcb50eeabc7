"""Fixed-charge network design (Canad set C) as the tables of a trunk plan."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl

from data.contracts import contract
from routing.trunk.task.inputs import TrunkInputs

BEST_KNOWN = {"c33": 423_848.0, "c36": 643_036.0, "c40": 135_863.0, "c50": 93_967.0}
_DAY = dt.date(2026, 11, 11)


def read_canad(path: Path) -> TrunkInputs:
    """Read a ``.dow`` file: an arc is a lane of transit 0 that one vehicle may run once; commodities are the demand.

    Raises
    ------
    ValueError
        When the file does not hold as many rows as its head says.
    """
    rows = [[float(x) for x in line.split()] for line in path.read_text().splitlines()[1:] if line.strip()]
    nodes, arcs, commodities = (int(x) for x in rows[0])
    if len(rows) != 1 + arcs + commodities:
        raise ValueError(f"{path}: {len(rows)} rows, {1 + arcs + commodities} announced")
    lanes = pl.DataFrame(
        [
            (f"{i:03d}", f"N{int(r[0]):02d}", f"N{int(r[1]):02d}", r[2], int(r[3]), r[4])
            for i, r in enumerate(rows[1 : 1 + arcs])
        ],
        schema=["lane_id", "origin_hub_id", "destination_hub_id", "parcel_cost", "capacity", "departure_cost"],
        orient="row",
    ).with_columns(mode=pl.lit("road"), distance_km=pl.lit(0.0), transit_hours=pl.lit(0.0))
    listed = lanes.select(
        "lane_id", "capacity", "departure_cost", vehicle_type_id=pl.lit("arc"), departure_limit=pl.lit(1, pl.Int64)
    )
    ids = [f"N{i + 1:02d}" for i in range(nodes)]
    kind = {"vehicle_type_id": ["arc"], "name": ["arc"], "mode": ["road"], "ownership": ["spot"], "capacity": [1]}
    demand = pl.DataFrame(
        [(_DAY, f"N{int(r[0]):02d}", f"N{int(r[1]):02d}", int(r[2])) for r in rows[1 + arcs :]],
        schema=["date", "origin_hub_id", "destination_hub_id", "parcels"],
        orient="row",
    )
    return TrunkInputs(
        hubs=contract("hubs").arrange(pl.DataFrame({"hub_id": ids, "name": ids})),
        lanes=contract("lanes").arrange(lanes.drop("capacity", "departure_cost")),
        vehicle_types=contract("vehicle_types").arrange(
            pl.DataFrame(kind).with_columns(fixed_cost=pl.lit(0.0), cost_per_km=pl.lit(0.0))
        ),
        lane_vehicles=contract("lane_vehicles").arrange(listed),
        route_demand=demand.group_by("date", "origin_hub_id", "destination_hub_id").agg(pl.col("parcels").sum()),
        network_changes=contract("network_changes").empty(),
        lane_weather=contract("lane_weather").empty().drop("run_id"),
    )
