"""What compiled functions read of a network, as named records: its nodes, its arcs, and the demands upon it."""

from __future__ import annotations

from typing import NamedTuple

from routing.trunk.task.commodities import Groups
from routing.trunk.task.network import Flags, Floats, Ints, TrunkNetwork
from routing.trunk.task.shortest_paths import out_pointers


class Nodes(NamedTuple):
    """Sorts of hubs, in the order of their close.

    Attributes
    ----------
    hub, turn, after : (N,)
        Hub of a node, its number among those of the hub, and the hub's next node (-1 for the last).
    sort_capacity, buffer_capacity : (N,) [parcels]
    handling, waiting : (N,) [CNY/parcel]
        Price of sorting, and of waiting for the hub's next node.
    can_hold : (N,)
        Whether parcels may wait.
    """

    hub: Ints
    turn: Ints
    after: Ints
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


class Commodities(NamedTuple):
    """Demands, and what it costs each to end at a turn of its destination.

    Attributes
    ----------
    start, goal, group : (K,)
        Node of hand-in, hub of destination, and group of each demand.
    late_price : (G, T) [CNY/parcel]
        Price of ending at a turn of the destination hub.
    """

    start: Ints
    goal: Ints
    group: Ints
    late_price: Floats


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


def list_nodes(network: TrunkNetwork) -> Nodes:
    """Take the nodes of a network as a record."""
    return Nodes(
        network.node_hub,
        network.node_turn,
        network.after,
        network.sort_capacity,
        network.buffer_capacity,
        network.handling_cost,
        network.waiting_cost,
        network.can_hold(),
    )


def list_arcs(network: TrunkNetwork) -> Arcs:
    """Take the arcs of a network as a record."""
    return Arcs(out_pointers(network), network.run_tail, network.run_head, network.run_cost)


def list_commodities(network: TrunkNetwork, groups: Groups) -> Commodities:
    """Take the demands of a network and their groups as a record."""
    return Commodities(network.demand_node(), network.demand_destination, groups.of_demand, groups.late_price)
