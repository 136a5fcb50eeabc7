"""The plain twin of insertion: what a further lot of parcels pays on each arc when everything planned stays."""

from __future__ import annotations

import math

from routing.trunk.search.inserted_paths import FreeRoom
from routing.trunk.task.network import TrunkNetwork


def price_room(network: TrunkNetwork, free: FreeRoom, arc: int, parcels: float) -> float:
    """Price of room on an arc for parcels, by the parcel: 0 on vehicles that run, else hired ones within all limits."""
    if free.arcs[arc] >= 1:
        return 0.0
    lane, day = int(network.arc_lane[arc]), int(network.arc_day[arc])
    prices = [math.inf]
    for vehicle in range(len(network.vehicle_lane)):
        kind = int(network.vehicle_type[vehicle])
        if network.vehicle_lane[vehicle] != lane or network.type_own[kind]:
            continue
        away = range(int(network.arc_step[arc]), min(int(network.arc_back[arc]), network.fleet_steps))
        spare = min([free.vehicle[vehicle, day], free.lane[lane, day], *(free.fleet[kind, step] for step in away)])
        if spare >= 1:
            capacity = float(network.vehicle_capacity[vehicle])
            count = min(math.ceil(parcels / capacity), math.floor(min(spare, 1e9)))
            prices.append(count * float(network.vehicle_cost[vehicle]) / min(parcels, count * capacity))
    return min(prices)
