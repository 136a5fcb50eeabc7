"""Parcels a draft leaves short although there is room: carried through what is free, before a shortfall is told."""

from __future__ import annotations

import numpy as np

from routing.budget import Deadline
from routing.trunk.search.draft import Draft
from routing.trunk.search.inserted_paths import FreeRoom
from routing.trunk.search.insertion import Inserter, measure_free_room
from routing.trunk.task.flows import Flows, load_network
from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.task.paths import PathPool, merge_paths
from routing.trunk.vehicles.vehicle_model import Vehicles, tally


def insert_shortfalls(network: TrunkNetwork, draft: Draft, deadline: Deadline) -> Draft:
    """Carry what the draft leaves short as far as the room it leaves free allows.

    Nothing planned changes; vehicles may be hired within fleets and limits. Afterwards no parcel that is short has a path
    cheaper than its shortfall.

    Parameters
    ----------
    network, draft
        The task and its plan so far.
    deadline
        When it is over, what was not looked at stays short.
    """
    short = draft.flows.short(network)
    missing = np.flatnonzero(short > 0)
    if not len(missing):
        return draft
    inserter, free_room = Inserter(network), measure_free_room(network, draft.loads, draft.vehicles)
    demand: list[int] = []
    amounts: list[int] = []
    legs: list[Ints] = []
    left = short.copy()
    carried = -1
    # vehicles hired for one demand leave room for others: again until nothing more goes
    while carried < len(demand) and not deadline.over():
        carried = len(demand)
        waiting = missing[left[missing] > 0]
        for k in waiting[np.argsort(-left[waiting], kind="stable")].tolist():
            for amount, path in inserter.insert(free_room, k, int(left[k])):
                demand.append(k)
                amounts.append(amount)
                legs.append(path)
                left[k] -= amount
            if deadline.over():
                break
    if not demand:
        return draft
    order = np.argsort(np.array(demand), kind="stable")
    pointers = np.concatenate([[0], np.cumsum([len(legs[i]) for i in order])]).astype(np.int64)
    more = PathPool(np.array(demand, dtype=np.int64)[order], pointers, np.concatenate([legs[i] for i in order]))
    pool, place = merge_paths(network, [draft.flows.pool, more])
    parcels = np.zeros(len(pool), dtype=np.int64)
    np.add.at(parcels, place, np.concatenate([draft.flows.parcels, np.array(amounts, dtype=np.int64)[order]]))
    flows = Flows(pool, parcels)
    loads = load_network(network, flows)
    return Draft(flows, loads, _add_vehicles(network, draft.vehicles, free_room, loads.arcs))


def _add_vehicles(network: TrunkNetwork, vehicles: Vehicles, free_room: FreeRoom, load: Floats) -> Vehicles:
    vehicle, day = np.nonzero(free_room.within)
    arc = network.arc_of[network.vehicle_lane[vehicle], day]
    count = np.rint(free_room.within[vehicle, day]).astype(np.int64)
    lane_vehicles = len(network.vehicle_lane)
    key = np.concatenate([vehicles.arc * lane_vehicles + vehicles.vehicle, arc * lane_vehicles + vehicle])
    pairs, place = np.unique(key, return_inverse=True)
    departures = np.zeros(len(pairs), dtype=np.int64)
    np.add.at(departures, place, np.concatenate([vehicles.departures, count]))
    return tally(network, pairs // lane_vehicles, pairs % lane_vehicles, departures, load)
