"""Vehicles for given loads without a search: priced mixes, brought within fleets, own vehicles sent back.

The staircases give each run its cheapest mix at the prices of the fleets. Where a fleet is exceeded, the vehicle whose
replacement costs least gives way, until none is; where a fleet has vehicles left, they replace the dearest. Own vehicles are
then balanced by a flow of least cost over the hubs: empty returns, or hired vehicles in place of own ones.
"""

from __future__ import annotations

import numpy as np

from routing.trunk.task.network import Flags, Floats, Ints, TrunkNetwork
from routing.trunk.vehicles.fleet_spreading import ArcVehicles, FleetUse, spread_vehicles
from routing.trunk.vehicles.step_costs import Staircase, count_vehicles
from routing.trunk.vehicles.vehicle_model import Vehicles, list_pairs, tally

_SWEEPS = 6


def mend_vehicles(network: TrunkNetwork, stairs: Staircase, load: Floats) -> Vehicles:
    """Choose vehicles for loads at the prices of the staircases and bring them within all limits.

    Parameters
    ----------
    load : (R,) [parcels]

    Returns
    -------
    Vehicles
        Within every limit; ``short`` tells the load that finds no vehicle.
    """
    run, option = list_pairs(network, np.flatnonzero(load > 0))
    count = np.zeros(len(run), dtype=np.int64)
    placed_run, placed_option, placed = count_vehicles(network, stairs, load)
    width = len(network.option_lane) + 1
    count[np.searchsorted(run * width + option, placed_run * width + placed_option)] = placed
    kind, day = network.option_type[option], network.run_day[run]
    busy = network.busy_days()[run] if len(run) else run
    pointers = np.searchsorted(run, np.arange(network.runs + 1)).astype(np.int64)
    limit = network.option_limit[option, day] if len(run) else np.zeros(0)
    lane_limit = network.lane_limit[network.run_lane, network.run_day]
    own, step = network.type_own[kind], network.run_step[run]
    capacity, cost = network.option_capacity[option], network.option_cost[option]
    largest_first = np.argsort(-load, kind="stable").astype(np.int64)

    def spread(frozen: Flags) -> None:
        pairs = ArcVehicles(pointers, kind, step, busy, capacity, cost, limit, lane_limit, frozen)
        free = np.repeat(network.type_fleet[:, None], network.fleet_steps, axis=1)
        spread_vehicles(pairs, FleetUse(load, count, free), largest_first, _SWEEPS)

    spread(np.zeros(len(run), dtype=np.bool_))
    if own.any():
        for number in np.flatnonzero(network.type_own):
            _balance(network, int(number), run, option, count, busy)
        spread(own)
    return tally(network, run, option, count, load)


def _balance(network: TrunkNetwork, number: int, run: Ints, option: Ints, count: Ints, busy: Ints) -> None:
    """Make the departures of one own type a circulation, in place: a flow of least cost over the hubs.

    An empty return over a lane costs its departure. Taking an own departure out, hired vehicles in its place, costs the
    difference. Both together always have a solution: no own departure at all.
    """
    from ortools.graph.python import min_cost_flow

    pairs = np.flatnonzero(network.option_type[option] == number)
    lane = network.run_lane[run[pairs]]
    start, end = network.lane_origin[lane], network.lane_destination[lane]
    cost = network.option_cost[option[pairs]]
    hired = _replace_cost(network, run, option)[pairs]
    blocked = np.zeros(len(pairs), dtype=np.bool_)
    while True:
        surplus = np.bincount(start, count[pairs], network.hubs) - np.bincount(end, count[pairs], network.hubs)
        if not surplus.any():
            return
        slack = _slack(network, number, run[pairs], count[pairs], busy[pairs])
        lane_bound = np.where(np.isfinite(network.lane_limit[lane, network.run_day[run[pairs]]]), 0.0, np.inf)
        room = np.minimum(network.option_limit[option[pairs], network.run_day[run[pairs]]] - count[pairs], lane_bound)
        slack = np.minimum(slack, np.minimum(np.maximum(room, 0.0), 1e6).astype(np.int64))
        slack[blocked] = 0
        dropped = np.maximum(hired - cost, 0.0)
        flow = min_cost_flow.SimpleMinCostFlow()
        adds = flow.add_arcs_with_capacity_and_unit_cost(start, end, slack, np.rint(100 * cost).astype(np.int64))
        cuts = flow.add_arcs_with_capacity_and_unit_cost(
            end, start, count[pairs], np.rint(100 * dropped).astype(np.int64)
        )
        # a hub that more vehicles reach than leave sends the difference away
        flow.set_nodes_supplies(np.arange(network.hubs), -np.rint(surplus).astype(np.int64))
        if flow.solve() != flow.OPTIMAL:
            count[pairs] = 0
            return
        added, cut = flow.flows(adds), flow.flows(cuts)
        count[pairs] -= cut
        done = np.zeros(len(pairs), dtype=np.int64)
        for place in np.flatnonzero(added):
            now = _slack(network, number, run[pairs], count[pairs] + done, busy[pairs])[place]
            done[place] = min(int(added[place]), int(now))
            blocked[place] |= done[place] < added[place]
        count[pairs] += done


def _replace_cost(network: TrunkNetwork, run: Ints, option: Ints) -> Floats:
    """Cost of hired vehicles in place of each pair's, (Y,): the cheapest of the run's, as many as it takes."""
    hired = ~network.type_own[network.option_type[option]]
    per_parcel = network.option_cost[option] / network.option_capacity[option]
    best = np.full(network.runs, np.inf)
    np.minimum.at(best, run[hired], per_parcel[hired])
    worst = network.short_cost
    price: Floats = np.minimum(best[run], worst) * network.option_capacity[option]
    return price


def _slack(network: TrunkNetwork, number: int, run: Ints, count: Ints, busy: Ints) -> Ints:
    """How many more vehicles of a type can leave on each run within its fleet."""
    size = network.type_fleet[number]
    step = network.run_step[run]
    away = np.zeros(network.fleet_steps + 1)
    np.add.at(away, step, count)
    np.subtract.at(away, np.minimum(step + busy, network.fleet_steps), count)
    free = size - np.cumsum(away)[: network.fleet_steps]
    least = np.array([free[t : t + b].min() for t, b in zip(step.tolist(), busy.tolist(), strict=True)])
    slack: Ints = np.maximum(0, np.minimum(least, 1_000_000)).astype(np.int64)
    return slack
