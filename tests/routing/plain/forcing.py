"""The bound that prices of forcing rows prove, added up plainly: nothing compiled, nothing kept from step to step."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np

from routing.trunk.bound.lagrangian import BoundCertificate, price_departures, price_parcels
from routing.trunk.task.commodities import list_commodities
from routing.trunk.task.network import TrunkNetwork
from tests.routing.plain.cheapest_paths import price_onward


def add_up_paths(network: TrunkNetwork, certificate: BoundCertificate) -> tuple[float, float]:
    """Price of all demands' cheapest paths under the prices of a certificate [CNY], and the least that is left of any departure."""
    prices = certificate.prices
    departure_price = price_departures(network, prices)
    asked: dict[tuple[int, int], float] = defaultdict(float)
    own: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for k, arc, price in zip(
        certificate.demand.tolist(), certificate.arc.tolist(), certificate.forcing_price.tolist(), strict=True
    ):
        own[k][arc] += price
        for vehicle in np.flatnonzero(network.vehicle_lane == network.arc_lane[arc]).tolist():
            asked[arc, vehicle] += price * min(
                float(network.demand_parcels[k]), float(network.vehicle_capacity[vehicle])
            )
    room, least = [math.inf] * network.arcs, math.inf
    for arc in range(network.arcs):
        for vehicle in np.flatnonzero(network.vehicle_lane == network.arc_lane[arc]).tolist():
            price = float(departure_price[vehicle, network.arc_day[arc]])
            if math.isfinite(price):
                left = max(price, 0.0) - asked[arc, vehicle]
                least = min(least, left)
                room[arc] = min(room[arc], max(left, 0.0) / float(network.vehicle_capacity[vehicle]))
    parcels, commodities = price_parcels(network, prices, np.zeros(network.arcs)), list_commodities(network)
    total = 0.0
    for k in range(len(network.demand_parcels)):
        late = commodities.late_price[commodities.of_demand[k]]

        def ride(arc: int, k: int = k) -> float:
            return float(parcels.arc[arc]) + room[arc] + own[k][arc]

        def end(node: int, late: np.ndarray = late) -> float:
            return float(late[network.node_turn[node]])

        goal = int(network.demand_destination[k])
        onward = price_onward(network, goal, parcels.sort.__getitem__, parcels.hold.__getitem__, ride, end)
        total += float(network.demand_parcels[k]) * min(onward[int(network.demand_start[k])], network.short_cost)
    return total, least
