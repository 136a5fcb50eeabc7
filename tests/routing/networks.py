"""Small networks, written so that a hand can solve them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import polars as pl

from data.contracts import contract
from routing.trunk.task.inputs import TrunkInputs

DAY = dt.date(2026, 11, 11)


def make_inputs(
    hubs: Sequence[dict[str, Any]],
    lanes: Sequence[dict[str, Any]],
    types: Sequence[dict[str, Any]],
    demand: Sequence[tuple[int, str, str, int]],
    *,
    lane_vehicles: Sequence[dict[str, Any]] = (),
    changes: Sequence[dict[str, Any]] = (),
    weather: Sequence[dict[str, Any]] = (),
    promises: Sequence[tuple[str, str, float]] = (),
) -> TrunkInputs:
    """Fill in what a test does not care about.

    Demand is (day number, origin, destination, parcels); a lane's id is ``A-B`` unless given.
    """
    hub_rows = [{"name": hub["hub_id"]} | hub for hub in hubs]
    lane_rows = [
        {
            "lane_id": f"{lane['origin_hub_id']}-{lane['destination_hub_id']}",
            "mode": "road",
            "distance_km": 100.0,
            "transit_hours": 0.0,
        }
        | lane
        for lane in lanes
    ]
    base = {"mode": "road", "ownership": "spot", "fixed_cost": 0.0, "cost_per_km": 0.0}
    type_rows = [{"name": kind["vehicle_type_id"]} | base | kind for kind in types]
    change_rows = [{"change_id": str(i)} | change for i, change in enumerate(changes)]
    weather_rows = [
        {"closure_probability": 0.0, "severity": "none", "speed_factor": 1.0, "capacity_factor": 1.0} | row
        for row in weather
    ]
    return TrunkInputs(
        hubs=_frame("hubs", hub_rows),
        lanes=_frame("lanes", lane_rows),
        vehicle_types=_frame("vehicle_types", type_rows),
        lane_vehicles=_frame("lane_vehicles", list(lane_vehicles)),
        route_demand=pl.DataFrame(
            [(DAY + dt.timedelta(days=day), o, d, n) for day, o, d, n in demand],
            schema={"date": pl.Date, "origin_hub_id": pl.String, "destination_hub_id": pl.String, "parcels": pl.Int64},
            orient="row",
        ),
        network_changes=_frame("network_changes", change_rows),
        lane_weather=_weather(weather_rows),
        service_promises=pl.DataFrame(
            list(promises),
            schema={"origin_hub_id": pl.String, "destination_hub_id": pl.String, "latest_hours": pl.Float64},
            orient="row",
        ),
    )


def _frame(table: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    if not rows:
        return contract(table).empty()
    return contract(table).arrange(pl.DataFrame(rows, infer_schema_length=None))


def _weather(rows: list[dict[str, Any]]) -> pl.DataFrame:
    schema = {"date": pl.Date, "lane_id": pl.String, "speed_factor": pl.Float64, "capacity_factor": pl.Float64}
    return pl.DataFrame(rows, schema_overrides=schema).select(list(schema)) if rows else pl.DataFrame(schema=schema)


def as_tables(inputs: TrunkInputs) -> dict[str, pl.DataFrame]:
    """Input tables by name, as the checker takes them."""
    names = ("hubs", "lanes", "vehicle_types", "lane_vehicles", "network_changes", "lane_weather", "service_promises")
    return {name: getattr(inputs, name) for name in names}
