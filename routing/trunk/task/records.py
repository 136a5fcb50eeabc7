"""What compiled functions read of a network, as named records: its nodes, its arcs, and the demands upon it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from routing.trunk.task.network import Flags, Floats, Ints, TrunkNetwork

UNCOUNTED: dict[str, Any] = {"cache": True, "_nrt": False}
"""How loops are compiled that read records and make no array: without counting who holds the arrays of a record, which at ten
million moves a second takes more time than the moves (measured on the annealing: 12.5 million a second, 2.9 with counting)."""


class Nodes(NamedTuple):
    """Sorts of hubs, in the order of their close.

    Attributes
    ----------
    hub, turn, after : (N,)
        Hub of a node, its number among those of the hub, and the hub's next node (-1 for the last).
    blocks : (B + 1,)
        First node of each close; nodes of one block close at the same hour.
    sort_capacity, buffer_capacity : (N,) [parcels]
    handling, waiting : (N,) [CNY/parcel]
        Price of sorting, and of waiting for the hub's next node.
    can_hold : (N,)
        Whether parcels may wait.
    """

    hub: Ints
    turn: Ints
    after: Ints
    blocks: Ints
    sort_capacity: Floats
    buffer_capacity: Floats
    handling: Floats
    waiting: Floats
    can_hold: Flags


class Arcs(NamedTuple):
    """Departures of lanes, sorted by the node they leave.

    Attributes
    ----------
    first_out : (N + 1,)
        Where the arcs that leave each node begin.
    tail, head : (R,)
        Node an arc leaves and reaches.
    cost : (R,) [CNY/parcel]
        Carriage of a parcel, without vehicles.
    """

    first_out: Ints
    tail: Ints
    head: Ints
    cost: Floats


class ParcelPrices(NamedTuple):
    """What a parcel pays [CNY]; ``inf`` where nothing goes.

    Attributes
    ----------
    arc : (R,)
        For carriage and room on an arc.
    sort, hold : (N,)
        For being sorted at a node, and for waiting from it to the hub's next.
    """

    arc: Floats
    sort: Floats
    hold: Floats


class Demands(NamedTuple):
    """Where demands are handed in and end.

    Attributes
    ----------
    start, goal : (K,)
        Node of hand-in and hub of destination.
    parcels : (K,) [parcels]
    """

    start: Ints
    goal: Ints
    parcels: Floats


class NodeArcLoads(NamedTuple):
    """Parcels on arcs and at nodes; modified in place by the functions that say so.

    Attributes
    ----------
    arcs : (R,) [parcels]
    sorts, nights : (N,) [parcels]
        Sorted at a node, and waiting from it to the hub's next.
    """

    arcs: Floats
    sorts: Floats
    nights: Floats


class LaneVehicles(NamedTuple):
    """Vehicles that each lane takes, sorted by lane, and their limits.

    Attributes
    ----------
    first : (L + 1,)
        Where the vehicles of each lane begin.
    kind : (O,)
        Vehicle type.
    capacity : (O,) [parcels/departure]; cost : (O,) [CNY/departure]
    limit : (O, D); lane_limit : (L, D) [departures/day]
        Of a lane vehicle, and of all on a lane together.
    """

    first: Ints
    kind: Ints
    capacity: Floats
    cost: Floats
    limit: Floats
    lane_limit: Floats


def list_nodes(network: TrunkNetwork) -> Nodes:
    """Take the nodes of a network as a record."""
    return Nodes(
        network.node_hub,
        network.node_turn,
        network.after,
        network.close_pointers,
        network.sort_capacity,
        network.buffer_capacity,
        network.handling_cost,
        network.waiting_cost,
        network.can_hold(),
    )


def point_out(network: TrunkNetwork) -> Ints:
    """First arc of every node and one past the last, (N + 1,): arcs are sorted by tail."""
    return np.searchsorted(network.arc_tail, np.arange(network.nodes + 1)).astype(np.int64)


def list_arcs(network: TrunkNetwork) -> Arcs:
    """Take the arcs of a network as a record."""
    return Arcs(point_out(network), network.arc_tail, network.arc_head, network.arc_cost)


def list_demands(network: TrunkNetwork) -> Demands:
    """Take the demands of a network as a record."""
    return Demands(network.demand_start, network.demand_destination, network.demand_parcels.astype(np.float64))


def list_lane_vehicles(network: TrunkNetwork) -> LaneVehicles:
    """Take the vehicles of a network's lanes as a record."""
    first = np.searchsorted(network.vehicle_lane, np.arange(len(network.lane_ids) + 1)).astype(np.int64)
    return LaneVehicles(
        first,
        network.vehicle_type,
        network.vehicle_capacity,
        network.vehicle_cost,
        network.vehicle_limit,
        network.lane_limit,
    )
