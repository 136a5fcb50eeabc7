"""Others make way for what is short, one for another; where some are short, tables tell of those that wait least."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from data.contracts import contract
from routing.budget import Deadline
from routing.trunk.hand_in_order import order_hand_ins
from routing.trunk.replan.from_tables import accept_last, read_flows
from routing.trunk.search.draft import Draft
from routing.trunk.search.making_way import make_way, make_way_within
from routing.trunk.task.build_network import build_network
from routing.trunk.task.flows import Flows, load_network
from routing.trunk.task.inputs import TrunkOptions
from routing.trunk.task.network import TrunkNetwork
from routing.trunk.task.paths import PathPool, Room, mark_accepted
from routing.trunk.to_tables import write_flows
from routing.trunk.vehicles.vehicle_model import tally
from tests.routing.networks import make_inputs

OPTIONS = TrunkOptions(hold_cost=0.1, short_cost=50.0)
TRUCK = {"vehicle_type_id": "truck", "capacity": 100, "fixed_cost": 10.0}


def _arc(network: TrunkNetwork, lane: str, leaves: float | None = None) -> int:
    return next(
        arc
        for arc in range(network.arcs)
        if network.lane_ids[network.arc_lane[arc]] == lane
        and network.arc_day[arc] == 0
        and (leaves is None or network.arc_leaves[arc] == leaves)
    )


def _draft(network: TrunkNetwork, carried: list[tuple[int, list[int], int]]) -> Draft:
    """Demand, arcs and parcels of each path; a truck for every hundred parcels of an arc."""
    pointers = np.concatenate([[0], np.cumsum([len(legs) for _, legs, _ in carried])]).astype(np.int64)
    pool = PathPool(
        np.array([demand for demand, _, _ in carried]),
        pointers,
        np.array([leg for _, legs, _ in carried for leg in legs]),
    )
    flows = Flows(pool, np.array([parcels for _, _, parcels in carried]))
    loads = load_network(network, flows)
    arcs = np.flatnonzero(loads.arcs)
    option = np.array([int(np.flatnonzero(network.vehicle_lane == network.arc_lane[arc])[0]) for arc in arcs])
    trucks = np.ceil(loads.arcs[arcs] / 100).astype(np.int64)
    return Draft(flows, loads, tally(network, arcs, option, trucks, loads.arcs))


def _chain() -> TrunkNetwork:
    """Two routes that only X can take, one that X or Y can, one that Y or Z can; each of the three sorts 100 parcels, none may wait."""
    hubs = [{"hub_id": name, "buffer_capacity": 0} for name in "ABCDE"]
    hubs += [{"hub_id": name, "buffer_capacity": 0, "sort_capacity": 100} for name in "XYZ"]
    pairs = ("AX", "EX", "CX", "CY", "DY", "DZ", "XB", "YB", "ZB")
    lanes = [{"origin_hub_id": a, "destination_hub_id": b} for a, b in map(tuple, pairs)]
    demand = [(0, "A", "B", 60), (0, "C", "B", 100), (0, "D", "B", 100), (0, "E", "B", 40)]
    return build_network(make_inputs(hubs, lanes, [TRUCK], demand), OPTIONS)


def _chained(network: TrunkNetwork) -> Draft:
    lanes = {1: ("C-X", "X-B"), 2: ("D-Y", "Y-B")}
    return _draft(network, [(k, [_arc(network, lane) for lane in path], 100) for k, path in lanes.items()])


def test_one_makes_way_for_another_that_makes_way_for_two() -> None:
    network = _chain()
    draft = _chained(network)
    assert draft.flows.short(network).tolist() == [60, 0, 0, 40]
    room = Room(
        np.full(network.arcs, 100.0),
        network.sort_capacity,
        network.buffer_capacity,
        np.full(network.arcs, np.inf),
        np.zeros(network.arcs),
    )
    found = make_way(network, draft.flows, network.demand_parcels, room, Deadline(60.0))
    assert found.short(network).tolist() == [0, 0, 0, 0]
    loads = load_network(network, found)
    assert (loads.sorts <= network.sort_capacity).all()
    assert {name: loads.arcs[_arc(network, name)] for name in ("X-B", "Y-B", "Z-B")} == dict.fromkeys(
        ("X-B", "Y-B", "Z-B"), 100.0
    )


def test_a_full_hub_is_waited_for_and_not_driven_round_to_on_paths_that_no_planner_accepts() -> None:
    # B sorts its own 100 a day and nothing else until day 3; waiting at A costs a night's room that 60 for C hold without need, and the
    # round A-C-A-B would take as long for nothing, but passes A twice
    hubs = [
        {"hub_id": "A", "buffer_capacity": 60},
        {"hub_id": "B", "buffer_capacity": 0, "sort_capacity": 100},
        {"hub_id": "C", "buffer_capacity": 0},
    ]
    lanes = [{"origin_hub_id": a, "destination_hub_id": b, "transit_hours": 20.0} for a, b in ("AB", "AC", "CA")]
    demand = [(0, "A", "B", 50), (0, "A", "C", 60), *((day, "B", "B", 100) for day in range(3))]
    options = TrunkOptions(hold_cost=0.1, short_cost=10_000.0, max_legs=4)
    network = build_network(make_inputs(hubs, lanes, [TRUCK], demand), options)
    assert network.path_rules.bounded
    number = {
        (int(o), int(d)): k
        for k, (o, d) in enumerate(zip(network.demand_origin, network.demand_destination, strict=True))
    }
    a, b, c = (network.hub_ids.index(name) for name in "ABC")
    first = int(network.demand_node()[number[a, c]])
    nights = [first, int(network.after[first])]
    late = next(
        arc
        for arc in range(network.arcs)
        if network.lane_ids[network.arc_lane[arc]] == "A-C" and network.arc_day[arc] == 2
    )
    own: list[tuple[int, list[int], int]] = [
        (k, [], 100) for k in range(len(network.demand_parcels)) if network.demand_origin[k] == b
    ]
    draft = _draft(network, [(number[a, c], [*(network.arcs + node for node in nights), late], 60), *own])
    room = Room(
        np.full(network.arcs, 100.0),
        network.sort_capacity,
        network.buffer_capacity,
        np.full(network.arcs, np.inf),
        np.zeros(network.arcs),
    )
    assert draft.flows.short(network).sum() == 50
    found = make_way(network, draft.flows, network.demand_parcels, room, Deadline(60.0))
    assert found.short(network).sum() == 0
    assert mark_accepted(network, found.pool)[found.parcels > 0].all()
    assert (load_network(network, found).nights <= network.buffer_capacity).all()


@pytest.mark.parametrize("trucks", [("A-X", "E-X", "C-Y", "D-Z", "Z-B"), ("A-X", "C-Y", "D-Z", "Z-B"), ("A-X", "E-X")])
def test_way_is_made_on_the_trucks_there_are(trucks: tuple[str, ...]) -> None:
    network = _chain()
    draft = _chained(network)
    more = [_arc(network, name) for name in trucks]
    option = [int(np.flatnonzero(network.vehicle_lane == network.arc_lane[arc])[0]) for arc in more]
    had = draft.vehicles
    vehicles = tally(
        network,
        np.concatenate([had.arc, more]),
        np.concatenate([had.vehicle, option]),
        np.concatenate([had.departures, np.ones(len(more), dtype=np.int64)]),
        draft.loads.arcs,
    )
    found = make_way_within(network, replace(draft, vehicles=vehicles), Deadline(60.0))
    # without a truck from E its 40 stay, without trucks over Z nobody can yield
    short = {5: [0, 0, 0, 0], 4: [0, 0, 0, 40]}.get(len(trucks))
    assert found.flows.short(network).sum() == (100 if short is None else sum(short))
    assert short is None or found.flows.short(network).tolist() == short
    assert (found.loads.arcs <= found.vehicles.room).all()
    assert (found.loads.sorts <= network.sort_capacity).all()


def _by_clock() -> TrunkNetwork:
    """From A to B and D, and from C to B, half of 100 parcels a route handed in by noon and half by 20:00; 30 may wait at a hub."""

    def table(name: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
        return contract(name).conform(pl.DataFrame(rows))

    hubs = [{"hub_id": name, "buffer_capacity": 30} for name in "ABCD"]
    lanes = [
        {"origin_hub_id": a, "destination_hub_id": b, "transit_hours": 9.0}
        for a, b in (("A", "B"), ("A", "D"), ("C", "B"))
    ]
    demand = [(0, "A", "B", 100), (0, "A", "D", 100), (0, "C", "B", 100)]
    hours = (("day", "09:00", "14:00", "16:00"), ("evening", "16:00", "22:00", "24:00"))
    sorts = [
        {"hub_id": hub, "sort_id": sort, "opens": opens, "cut_off": cut_off, "closes": closes}
        for hub in "ABCD"
        for sort, opens, cut_off, closes in hours
    ]
    profile = [{"hub_id": "*", "until_hour": hour, "share": 0.5} for hour in ("12:00", "20:00")]
    made = replace(
        make_inputs(hubs, lanes, [TRUCK], demand),
        hub_sorts=table("hub_sorts", sorts),
        hand_in_profile=table("hand_in_profile", profile),
    )
    return build_network(made, OPTIONS)


def test_where_some_are_short_those_leave_that_wait_least() -> None:
    network = _by_clock()
    # 20 of each route from A and 70 from C leave in the evening, 10 of A to B in the afternoon: who is handed in last leaves first then
    afternoon, evening = 16.0, 24.0
    start = network.close_hour[network.demand_start]
    wanted = {("A", "B", evening): 20, ("A", "D", evening): 20, ("C", "B", evening): 50, ("A", "B", afternoon): 10}
    carried = []
    for k in range(len(network.demand_parcels)):
        ends = (network.hub_ids[network.demand_origin[k]], network.hub_ids[network.demand_destination[k]])
        parcels = wanted.get((*ends, float(start[k])), 0)
        if parcels:
            carried.append((k, [_arc(network, "-".join(ends), float(start[k]))], parcels))
        if ends == ("C", "B") and start[k] == afternoon:
            carried.append((k, [network.arcs + int(network.demand_start[k]), _arc(network, "C-B", evening)], 20))
    draft = _draft(network, carried)
    assert draft.loads.nights.sum() == 20
    found = order_hand_ins(network, draft)
    assert found.flows.parcels.sum() == draft.flows.parcels.sum() == 120
    assert found.loads.nights.tolist() == draft.loads.nights.tolist()
    assert found.cost == pytest.approx(draft.cost)
    again = read_flows(network, write_flows(network, found.flows))
    assert load_network(network, again).nights.tolist() == found.loads.nights.tolist()


def test_those_who_wait_needlessly_in_a_search_wait_no_longer_in_its_tables() -> None:
    network = _by_clock()
    # the search lets 40 handed in by noon wait for the evening although 50 handed in then stay behind
    k = int(np.flatnonzero(network.close_hour[network.demand_start] == 16.0)[0])
    ends = (network.hub_ids[network.demand_origin[k]], network.hub_ids[network.demand_destination[k]])
    draft = _draft(
        network, [(k, [network.arcs + int(network.demand_start[k]), _arc(network, "-".join(ends), 24.0)], 40)]
    )
    assert draft.loads.nights.sum() == 40
    found = order_hand_ins(network, draft)
    assert found.loads.nights.sum() == 0
    assert found.cost == pytest.approx(draft.cost - 40 * network.waiting_cost[network.demand_start[k]])


@pytest.mark.parametrize(
    ("turns", "handed", "flows", "accepted"),
    [
        ([0, 1], [100, 50], [(0, 80), (1, 60)], [90, 50]),
        ([0, 1, 2], [10, 10, 10], [(2, 15)], [0, 5, 10]),
        ([0, 1, 2], [10, 10, 10], [(0, 10), (2, 5)], [10, 0, 5]),
        ([0, 1], [10, 10], [(1, 20)], [10, 10]),
        ([1, 2], [10, 10], [(0, 5), (2, 5)], [10, 10]),  # who leaves before anything is handed in: the checker tells
        ([0], [10], [], [0]),
    ],
)
def test_the_last_handed_in_are_accepted_first(
    turns: list[int], handed: list[int], flows: list[tuple[int, int]], accepted: list[int]
) -> None:
    assert accept_last(turns, handed, flows) == accepted
