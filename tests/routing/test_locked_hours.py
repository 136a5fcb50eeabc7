"""Locks that leave the hour open: what is fixed runs where parcels want it, and locks beyond a limit are refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from data.errors import RadarError
from routing.budget import Deadline
from routing.trunk.search.locked_hours import settle_hours
from routing.trunk.task.build_network import build_network
from routing.trunk.task.inputs import TrunkOptions
from routing.trunk.task.locks import check_locks
from routing.trunk.task.network import OpenLock, TrunkNetwork
from tests.routing.networks import make_inputs

OPTIONS = TrunkOptions(short_cost=50.0, effort=0.02)


def _network(parcels: int) -> TrunkNetwork:
    """From A to B direct for 10 a truck of 100, or over C for 20 a leg."""
    lanes = [{"origin_hub_id": a, "destination_hub_id": b} for a, b in ("AB", "AC", "CB")]
    prices = {"A-B": 10.0, "A-C": 20.0, "C-B": 20.0}
    listed = [{"lane_id": lane, "vehicle_type_id": "truck", "departure_cost": cost} for lane, cost in prices.items()]
    kinds = [{"vehicle_type_id": "truck", "capacity": 100}]
    inputs = make_inputs(
        [{"hub_id": hub} for hub in "ABC"], lanes, kinds, [(0, "A", "B", parcels)], lane_vehicles=listed
    )
    return build_network(inputs, OPTIONS)


def _vehicle(network: TrunkNetwork, lane: str) -> int:
    return int(np.flatnonzero(network.vehicle_lane == network.lane_ids.index(lane))[0])


def test_what_is_fixed_goes_where_most_is_left_over() -> None:
    network = _network(parcels=150)
    direct, first_leg = vehicles = np.array([_vehicle(network, "A-B"), _vehicle(network, "A-C")])
    settled = settle_hours(replace(network, open_locks=(OpenLock(vehicles, 0, 2, 3.0),)), OPTIONS, Deadline(60.0))
    # 150 want A-B: 100 ride on the first, 50 on the second, and the third is as well on A-C
    assert settled.vehicle_least[[direct, first_leg], 0].tolist() == [2, 0]
    assert settled.vehicle_most[[direct, first_leg], 0].tolist() == [2.0, 1.0]
    assert settled.open_locks == ()


def test_nothing_is_settled_where_nothing_is_left_open() -> None:
    network = _network(parcels=150)
    assert settle_hours(network, OPTIONS, Deadline(60.0)) is network


def test_more_fixed_than_others_allow_is_refused() -> None:
    network = _network(parcels=150)
    least, most = network.vehicle_least.copy(), network.vehicle_most.copy()
    vehicle = _vehicle(network, "A-B")
    least[vehicle, 0], most[vehicle, 0] = 3, 3.0
    check_locks(replace(network, vehicle_least=least, vehicle_most=most))
    most[vehicle, 0] = 2.0
    with pytest.raises(RadarError, match="3 departures of truck on A-B on 2026-11-11 fixed"):
        check_locks(replace(network, vehicle_least=least, vehicle_most=most))
