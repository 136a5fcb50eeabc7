"""Vehicles for given loads without a search: priced mixes, brought within fleets, own vehicles sent back.

The step costs give each arc its cheapest mix at the prices of the fleets. Where a fleet is exceeded, the vehicle whose
replacement costs least gives way, until none is; where a fleet has vehicles left, they replace the dearest. Own vehicles are
then balanced by a flow of least cost over the hubs: empty returns, or hired vehicles in place of own ones.
"""

from __future__ import annotations

import numpy as np

from routing.trunk.task.network import Flags, Floats, Ints, TrunkNetwork
from routing.trunk.vehicles.fleet_spreading import ArcVehicles, FleetUse, spread_vehicles
from routing.trunk.vehicles.step_costs import StepCosts, count_vehicles
from routing.trunk.vehicles.vehicle_model import Vehicles, free_fleet, list_pairs, measure_fixed, tally

_SWEEPS = 6


def choose_fleet(network: TrunkNetwork, step_costs: StepCosts, load: Floats) -> Vehicles:
    """Choose vehicles for loads at the prices of the step costs and bring them within all limits.

    Parameters
    ----------
    load : (R,) [parcels]

    Returns
    -------
    Vehicles
        Within every limit; ``short`` tells the load that finds no vehicle.
    """
    arc, vehicle = list_pairs(network, np.flatnonzero(load > 0))
    count = np.zeros(len(arc), dtype=np.int64)
    placed_arc, placed_vehicle, placed = count_vehicles(network, step_costs, load)
    width = len(network.vehicle_lane) + 1
    count[np.searchsorted(arc * width + vehicle, placed_arc * width + placed_vehicle)] = placed
    kind, day = network.vehicle_type[vehicle], network.arc_day[arc]
    busy = network.busy_days()[arc] if len(arc) else arc
    pointers = np.searchsorted(arc, np.arange(network.arcs + 1)).astype(np.int64)
    # departures that planners fix stay: what is chosen is what comes on top of them
    fixed = network.vehicle_least[vehicle, day] if len(arc) else np.zeros(0, dtype=np.int64)
    limit = network.vehicle_limit[vehicle, day] - fixed if len(arc) else np.zeros(0)
    lane_limit = network.lane_limit[network.arc_lane, network.arc_day] - np.bincount(arc, fixed, network.arcs)
    own, step = network.type_own[kind], network.arc_step[arc]
    capacity, cost = network.vehicle_capacity[vehicle], network.vehicle_cost[vehicle]
    rest = np.maximum(load - measure_fixed(network), 0.0)
    largest_first = np.argsort(-rest, kind="stable").astype(np.int64)
    room = free_fleet(network, tally(network, arc, vehicle, fixed, load))

    def spread(frozen: Flags) -> None:
        pairs = ArcVehicles(pointers, kind, step, busy, capacity, cost, limit, lane_limit, frozen)
        more = count - fixed
        spread_vehicles(pairs, FleetUse(rest, more, room.copy()), largest_first, _SWEEPS)
        count[:] = more + fixed

    spread(np.zeros(len(arc), dtype=np.bool_))
    if own.any():
        for number in np.flatnonzero(network.type_own):
            _balance(network, int(number), arc, vehicle, count, fixed)
        spread(own)
    return tally(network, arc, vehicle, count, load)


def _balance(network: TrunkNetwork, number: int, arc: Ints, vehicle: Ints, count: Ints, fixed: Ints) -> None:
    """Make the departures of one own type a circulation, in place: a flow of least cost over the hubs.

    An empty return over a lane costs its departure. Taking an own departure out, hired vehicles in its place, costs the
    difference. Both together always have a solution, no own departure at all, unless planners fix some: then these are left
    alone, and stand where they can once vehicles are placed.
    """
    from ortools.graph.python import min_cost_flow

    pairs = np.flatnonzero(network.vehicle_type[vehicle] == number)
    busy = network.busy_days()[arc]
    lane = network.arc_lane[arc[pairs]]
    start, end = network.lane_origin[lane], network.lane_destination[lane]
    cost = network.vehicle_cost[vehicle[pairs]]
    hired = _replace_cost(network, arc, vehicle)[pairs]
    blocked = np.zeros(len(pairs), dtype=np.bool_)
    while True:
        surplus = np.bincount(start, count[pairs], network.hubs) - np.bincount(end, count[pairs], network.hubs)
        if not surplus.any():
            return
        slack = _slack(network, number, arc[pairs], count[pairs], busy[pairs])
        lane_bound = np.where(np.isfinite(network.lane_limit[lane, network.arc_day[arc[pairs]]]), 0.0, np.inf)
        room = np.minimum(network.vehicle_limit[vehicle[pairs], network.arc_day[arc[pairs]]] - count[pairs], lane_bound)
        slack = np.minimum(slack, np.minimum(np.maximum(room, 0.0), 1e6).astype(np.int64))
        slack[blocked] = 0
        dropped = np.maximum(hired - cost, 0.0)
        flow = min_cost_flow.SimpleMinCostFlow()
        adds = flow.add_arcs_with_capacity_and_unit_cost(start, end, slack, np.rint(100 * cost).astype(np.int64))
        cuts = flow.add_arcs_with_capacity_and_unit_cost(
            end, start, count[pairs] - fixed[pairs], np.rint(100 * dropped).astype(np.int64)
        )
        # a hub that more vehicles reach than leave sends the difference away
        flow.set_nodes_supplies(np.arange(network.hubs), -np.rint(surplus).astype(np.int64))
        if flow.solve() != flow.OPTIMAL:
            count[pairs] = fixed[pairs]
            return
        added, cut = flow.flows(adds), flow.flows(cuts)
        count[pairs] -= cut
        done = np.zeros(len(pairs), dtype=np.int64)
        for place in np.flatnonzero(added):
            now = _slack(network, number, arc[pairs], count[pairs] + done, busy[pairs])[place]
            done[place] = min(int(added[place]), int(now))
            blocked[place] |= done[place] < added[place]
        count[pairs] += done


def _replace_cost(network: TrunkNetwork, arc: Ints, vehicle: Ints) -> Floats:
    """Cost of hired vehicles in place of each pair's, (Y,): the cheapest of the arc's, as many as it takes."""
    hired = ~network.type_own[network.vehicle_type[vehicle]]
    per_parcel = network.vehicle_cost[vehicle] / network.vehicle_capacity[vehicle]
    best = np.full(network.arcs, np.inf)
    np.minimum.at(best, arc[hired], per_parcel[hired])
    worst = network.short_cost
    price: Floats = np.minimum(best[arc], worst) * network.vehicle_capacity[vehicle]
    return price


def _slack(network: TrunkNetwork, number: int, arc: Ints, count: Ints, busy: Ints) -> Ints:
    """How many more vehicles of a type can leave on each arc within its fleet."""
    size = network.type_fleet[number]
    step = network.arc_step[arc]
    away = np.zeros(network.fleet_steps + 1)
    np.add.at(away, step, count)
    np.subtract.at(away, np.minimum(step + busy, network.fleet_steps), count)
    free = size - np.cumsum(away)[: network.fleet_steps]
    least = np.array([free[t : t + b].min() for t, b in zip(step.tolist(), busy.tolist(), strict=True)])
    slack: Ints = np.maximum(0, np.minimum(least, 1_000_000)).astype(np.int64)
    return slack
