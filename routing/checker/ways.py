"""Ways between hubs as the check of a joint plan sees them: cheapest bulk cost over the lanes, and days to a buyer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from data.arrays import Floats


@dataclass(frozen=True, slots=True)
class Ways:
    """Ways between H hubs.

    Attributes
    ----------
    at
        Number of each hub.
    bulk : (H, H) [CNY/parcel place]
        In full vehicles over road and rail; inf without a way.
    days : (H, H) [days]
        As couriers promise on average, else the hours of the cheapest way.
    road : (H, H) [days]
        Of the cheapest way in full vehicles; inf without one.
    """

    at: dict[str, int]
    bulk: Floats
    days: Floats
    road: Floats


def measure_ways(tables: Mapping[str, pl.DataFrame]) -> Ways:
    """Measure all ways between hubs from ``hubs``, ``lanes``, ``vehicle_types``, ``lane_vehicles`` and ``courier_rates``."""
    at = {hub: number for number, hub in enumerate(sorted(tables["hubs"]["hub_id"]))}
    cost, hours = np.full((len(at), len(at)), np.inf), np.full((len(at), len(at)), np.inf)
    np.fill_diagonal(cost, 0.0)
    np.fill_diagonal(hours, 0.0)
    for start, end, price, time in _price_lanes(tables):
        if start in at and end in at and price < cost[at[start], at[end]]:
            cost[at[start], at[end]], hours[at[start], at[end]] = price, time
    for middle in range(len(at)):
        through = cost[:, [middle]] + cost[[middle], :]
        better = through < cost
        hours = np.where(better, hours[:, [middle]] + hours[[middle], :], hours)
        cost = np.where(better, through, cost)
    road = hours.copy() / 24.0
    promised: dict[tuple[int, int], list[float]] = {}
    for start, end, time in (
        tables["courier_rates"].select("origin_hub_id", "destination_hub_id", "promised_hours").iter_rows()
    ):
        if start in at and end in at and time is not None:
            promised.setdefault((at[start], at[end]), []).append(time)
    for (i, j), times in promised.items():
        hours[i, j] = sum(times) / len(times)
    return Ways(at, cost, hours / 24.0, road)


def _price_lanes(tables: Mapping[str, pl.DataFrame]) -> list[tuple[str, str, float, float]]:
    """Cheapest full vehicle of each lane [CNY/parcel place] and its hours; air carries no stock."""
    types = {row["vehicle_type_id"]: row for row in tables["vehicle_types"].iter_rows(named=True)}
    listed: dict[str, list[dict[str, object]]] = {}
    for row in tables["lane_vehicles"].iter_rows(named=True):
        listed.setdefault(row["lane_id"], []).append(row)
    found = []
    for lane in tables["lanes"].iter_rows(named=True):
        if lane["mode"] == "air":
            continue
        prices = []
        own = listed.get(lane["lane_id"])
        named = own or [{"vehicle_type_id": ident} for ident, kind in types.items() if kind["mode"] == lane["mode"]]
        for row in named:
            kind = types.get(str(row["vehicle_type_id"]))
            if kind is None or not kind["capacity"]:
                continue
            full = row.get("departure_cost")
            full = kind["fixed_cost"] + kind["cost_per_km"] * lane["distance_km"] if full is None else full
            capacity = row.get("capacity") or kind["capacity"]
            prices.append(float(str(full)) / float(str(capacity)) + (lane["parcel_cost"] or 0.0))
        if prices:
            found.append((lane["origin_hub_id"], lane["destination_hub_id"], min(prices), lane["transit_hours"]))
    return found
