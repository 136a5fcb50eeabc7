"""Parcels a draft leaves short although there is room: carried through what is free, before a shortfall is told."""

from __future__ import annotations

import numpy as np

from routing.budget import Deadline
from routing.trunk.search.draft import Draft
from routing.trunk.search.insertion import Carrier, Residual, leave_over
from routing.trunk.task.flows import Flows, load_network
from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.task.paths import PathPool, merge_paths
from routing.trunk.vehicles.vehicle_model import Vehicles, tally


def carry_leftovers(network: TrunkNetwork, draft: Draft, deadline: Deadline) -> Draft:
    """Carry what the draft leaves short as far as the room it leaves free allows.

    Nothing planned changes; vehicles may be hired within fleets and limits. Afterwards no parcel that is short has a way
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
    carrier, residual = Carrier(network), leave_over(network, draft.loads, draft.vehicles)
    demand: list[int] = []
    amounts: list[int] = []
    steps: list[Ints] = []
    left = short.copy()
    carried = -1
    # vehicles hired for one demand leave room for others: again until nothing more goes
    while carried < len(demand) and not deadline.over():
        carried = len(demand)
        waiting = missing[left[missing] > 0]
        for k in waiting[np.argsort(-left[waiting], kind="stable")].tolist():
            for amount, way in carrier.carry(residual, k, int(left[k])):
                demand.append(k)
                amounts.append(amount)
                steps.append(way)
                left[k] -= amount
            if deadline.over():
                break
    if not demand:
        return draft
    order = np.argsort(np.array(demand), kind="stable")
    pointers = np.concatenate([[0], np.cumsum([len(steps[i]) for i in order])]).astype(np.int64)
    more = PathPool(np.array(demand, dtype=np.int64)[order], pointers, np.concatenate([steps[i] for i in order]))
    pool, place = merge_paths(network, [draft.flows.pool, more])
    parcels = np.zeros(len(pool), dtype=np.int64)
    np.add.at(parcels, place, np.concatenate([draft.flows.parcels, np.array(amounts, dtype=np.int64)[order]]))
    flows = Flows(pool, parcels)
    loads = load_network(network, flows)
    return Draft(flows, loads, _add_vehicles(network, draft.vehicles, residual, loads.runs))


def _add_vehicles(network: TrunkNetwork, vehicles: Vehicles, residual: Residual, load: Floats) -> Vehicles:
    option, day = np.nonzero(residual.within)
    run = network.run_of[network.option_lane[option], day]
    count = np.rint(residual.within[option, day]).astype(np.int64)
    options = len(network.option_lane)
    key = np.concatenate([vehicles.run * options + vehicles.option, run * options + option])
    pairs, place = np.unique(key, return_inverse=True)
    departures = np.zeros(len(pairs), dtype=np.int64)
    np.add.at(departures, place, np.concatenate([vehicles.departures, count]))
    return tally(network, pairs // options, pairs % options, departures, load)
