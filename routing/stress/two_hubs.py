"""The smallest plan that can be played: a play of it compiles the player, which is kept on disk afterwards."""

from __future__ import annotations

from datetime import date
from typing import Any

from data.contracts import contract
from data.keys import DAY_ROUTE
from routing.stress.layout import Prices, lay_out
from routing.stress.play import play_draws
from routing.stress.policies import DEFAULT, apply_policy

_DAY = date(2025, 1, 1)
_ROUTE = {"origin_hub_id": "a", "destination_hub_id": "b"}
_TABLES: dict[str, list[dict[str, Any]]] = {
    "hubs": [{"hub_id": "a", "name": "a"}, {"hub_id": "b", "name": "b"}],
    "lanes": [{"lane_id": "a-b", **_ROUTE, "mode": "road", "distance_km": 1.0, "transit_hours": 10.0}],
    "vehicle_types": [
        {
            "vehicle_type_id": "own", "name": "own", "mode": "road", "ownership": "own", "capacity": 10,
            "fixed_cost": 1.0, "cost_per_km": 1.0, "fleet_size": 1,
        }
    ],
    "route_demand": [{"date": _DAY, **_ROUTE, "parcels": 5}],
    "trunk_departures": [
        {"date": _DAY, "lane_id": "a-b", "vehicle_type_id": "own", "departures": 1, "parcels": 5, "cost": 2.0}
    ],
    "trunk_flows": [
        {"date": _DAY, **_ROUTE, "path": ["a-b"], "departure_dates": [_DAY], "completed_on": _DAY, "parcels": 5}
    ],
}  # fmt: skip


def compile_player() -> None:
    """Play a plan of two hubs once, so that a command that plays later need not wait for it."""
    import polars as pl

    tables = {
        name: pl.concat([contract(name).empty(), pl.DataFrame(rows)], how="diagonal_relaxed")
        for name, rows in _TABLES.items()
    }
    demand = tables["route_demand"]
    layout = lay_out(tables, demand.select(DAY_ROUTE), Prices())
    play_draws(apply_policy(layout, DEFAULT), demand["parcels"].to_numpy().reshape(1, -1).copy())
