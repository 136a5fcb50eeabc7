"""When parcels can leave their hub at the earliest, and what its vehicles hold, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from routing.trunk.bound.first_departures import NEVER, find_first_departures, measure_room
from routing.trunk.task.build_network import build_network
from routing.trunk.task.inputs import TrunkOptions
from routing.trunk.task.network import Floats, TrunkNetwork
from tests.routing.networks import make_inputs

TRUCK = {"vehicle_type_id": "truck", "capacity": 100, "fixed_cost": 10.0, "fleet_size": 3}


def _network() -> TrunkNetwork:
    """A to B to C, three days of demand from A."""
    lanes = [
        {"origin_hub_id": one, "destination_hub_id": other, "departure_limit": 2}
        for one, other in (("A", "B"), ("B", "C"))
    ]
    demand = [(day, "A", goal, 30) for day in range(3) for goal in ("B", "C")]
    return build_network(make_inputs([{"hub_id": name} for name in "ABC"], lanes, [TRUCK], demand), TrunkOptions())


def _shut(network: TrunkNetwork, lane: str, day: int) -> TrunkNetwork:
    """Leave out what departs on a lane and day."""
    number = network.lane_ids.index(lane)
    kept = ~((network.arc_lane == number) & (network.arc_day == day))
    place = np.cumsum(kept) - 1
    arcs = {name: getattr(network, name)[kept] for name in ("arc_lane", "arc_day", "arc_tail", "arc_head", "arc_cost")}
    more = ("arc_step", "arc_back", "own_back", "arc_leaves", "arc_arrives")
    of = np.where(network.arc_of >= 0, place[network.arc_of], -1)
    of[number, day] = -1
    return replace(network, **arcs, **{name: getattr(network, name)[kept] for name in more}, arc_of=of)


def _first(network: TrunkNetwork) -> list[int]:
    return [int(turn) for turn in find_first_departures(network, np.arange(len(network.demand_parcels)))]


def test_open_lanes_are_left_on_at_once() -> None:
    network = _network()
    assert _first(network) == network.node_turn[network.demand_start].tolist()


def test_a_shut_lane_is_waited_for() -> None:
    network = _shut(_network(), "A-B", 0)
    assert network.demand_day.tolist() == [0, 0, 1, 1, 2, 2]
    assert _first(network) == [1, 1, 1, 1, 2, 2]


def test_what_no_lane_leads_to_in_time_never_leaves() -> None:
    network = _network()
    for day in range(network.days):
        network = _shut(network, "B-C", day)
    found = _first(network)
    goal = [network.hub_ids[hub] for hub in network.demand_destination.tolist()]
    assert [turn == NEVER for turn in found] == [hub == "C" for hub in goal]


def test_room_is_what_two_departures_of_a_lane_hold() -> None:
    network = _network()
    room = measure_room(network)
    leaves = np.bincount(network.arc_tail, minlength=network.nodes) > 0
    assert set(room[leaves].tolist()) == {200.0}
    assert (room[~leaves] == 0).all()


def test_where_any_path_goes_parcels_may_leave_and_come_back() -> None:
    # A-C leaves on the third day alone; what goes to B and back waits on the road, where the buffer of A is full
    lanes = [
        {"origin_hub_id": one, "destination_hub_id": other, "transit_hours": 24.0}
        for one, other in (("A", "B"), ("B", "A"), ("A", "C"))
    ]
    demand = [(0, "A", "C", 30), (2, "A", "C", 30)]
    inputs = make_inputs([{"hub_id": name} for name in "ABC"], lanes, [TRUCK], demand)
    for options, first in ((TrunkOptions(), 0), (TrunkOptions(max_legs=4), 2)):
        network = build_network(inputs, options)
        for day in (0, 1):
            network = replace(
                _shut(network, "A-C", day), path_rules=network.path_rules._replace(arc_km=_km(network, "A-C", day))
            )
        assert _first(network) == [first, 2]


def _km(network: TrunkNetwork, lane: str, day: int) -> Floats:
    number = network.lane_ids.index(lane)
    return np.asarray(network.path_rules.arc_km[~((network.arc_lane == number) & (network.arc_day == day))])
