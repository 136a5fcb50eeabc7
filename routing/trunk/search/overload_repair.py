"""From improved trees to a feasible plan: overloads are dissolved by splitting, holding and shortfall."""

from __future__ import annotations

import numpy as np

from routing.budget import Deadline
from routing.trunk.bound.lagrangian import Prices, price_arcs, price_departures, price_parcels
from routing.trunk.search.trees import Trees
from routing.trunk.task.commodities import list_commodities
from routing.trunk.task.flows import Flows, load_network, round_parcels
from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.task.paths import PathPool, Room, assign_paths, gather_pool, mark_accepted, merge_paths, use_paths
from routing.trunk.task.records import ParcelPrices
from routing.trunk.task.shortest_paths import label_paths, trace_paths
from routing.trunk.vehicles.step_costs import StepCosts, price_load

_TIGHTEN = (1.0, 4.0, 20.0)


def collect_flows(network: TrunkNetwork, trees: Trees) -> Flows:
    """Read the paths of the entries off their trees."""
    pointers, legs = trace_paths(network, np.ascontiguousarray(trees.leg.T), trees.entry_node, trees.entry_tree)
    pool, place = merge_paths(network, [PathPool(trees.entry_demand, pointers, legs)])
    parcels = np.bincount(place, trees.entry_parcels, len(pool))
    return Flows(pool, np.rint(parcels).astype(np.int64))


def room_at(network: TrunkNetwork, step_costs: StepCosts, load: Floats) -> Floats:
    """Room of the cheapest vehicles for each load, (R,) [parcels]."""
    room = np.zeros(network.arcs)
    # a departure that was left no share of its lane's limit has no room at any price
    for arc in np.flatnonzero((load > 0) & (np.diff(step_costs.pointers) > 0)):
        breakpoints = step_costs.room[step_costs.pointers[arc] : step_costs.pointers[arc + 1]]
        rest, added = min(load[arc], step_costs.most[arc]), 0.0
        if rest > breakpoints[-1] and step_costs.base_room[arc] > 0:
            added = float(np.ceil((rest - breakpoints[-1]) / step_costs.base_room[arc])) * step_costs.base_room[arc]
        room[arc] = min(
            breakpoints[min(np.searchsorted(breakpoints, rest - added - 1e-9), len(breakpoints) - 1)] + added,
            step_costs.most[arc],
        )
    return room


def price_vehicles(step_costs: StepCosts, load: Floats) -> float:
    """Price of the cheapest vehicles for all loads at the prices of the step costs [CNY]."""
    total = 0.0
    # a departure that was left no share of its lane's limit has no room at any price
    for arc in np.flatnonzero((load > 0) & (np.diff(step_costs.pointers) > 0)):
        total += price_load(step_costs, int(arc), load[arc], 0.0)
    return float(total)


def dissolve_overloads(
    network: TrunkNetwork,
    flows: Flows,
    step_costs: StepCosts,
    samples: list[Ints],
    prices: Prices,
    deadline: Deadline,
) -> Flows:
    """Re-route what goes over the limits of hubs, buffers and lanes, or on paths no planner accepts, by a linear programme.

    Demands with a path over an overloaded resource are free to split over their present paths, those of the
    relaxation, and paths around the overloads; all others stay. What still finds no room is short.
    """
    loads = load_network(network, flows)
    over_arc = np.maximum(0.0, loads.arcs - step_costs.most)
    over_sort = np.maximum(0.0, loads.sorts - network.sort_capacity)
    over_night = np.maximum(0.0, loads.nights - network.buffer_capacity)
    refused = ~mark_accepted(network, flows.pool)
    if not (over_arc.any() or over_sort.any() or over_night.any() or refused.any()):
        return flows
    use = use_paths(network, flows.pool)
    touched = use.arcs.T @ (over_arc > 0) + use.sorts.T @ (over_sort > 0) + use.nights.T @ (over_night > 0)
    free_demand = np.unique(flows.pool.demand[(touched > 0) | refused])
    free = np.isin(flows.pool.demand, free_demand)
    fixed = Flows(take_paths(flows.pool, ~free), flows.parcels[~free])
    held = load_network(network, fixed)
    choices = samples + around(network, prices, over_arc > 0, over_sort > 0, over_night > 0)
    if network.path_rules.bounded:
        choices += find_plain_paths(network, prices)
    pool, _ = merge_paths(network, [take_paths(flows.pool, free), gather_pool(network, choices, free_demand)])
    pool = take_paths(pool, mark_accepted(network, pool))
    arc_price, _ = price_arcs(network, price_departures(network, prices))
    paid = np.minimum(room_at(network, step_costs, loads.arcs), step_costs.most)
    room = Room(
        arcs=np.maximum(0.0, paid - held.arcs),
        sorts=network.sort_capacity - held.sorts,
        nights=network.buffer_capacity - held.nights,
        extra_price=1.5 * arc_price,
        extra_most=np.maximum(0.0, step_costs.most - np.maximum(paid, held.arcs)),
    )
    parcels = np.bincount(flows.pool.demand[free], flows.parcels[free], len(network.demand_parcels)).astype(np.float64)
    assigned = assign_paths(network, pool, parcels, room, deadline.share("paths", max(2.0, deadline.left())))
    spread = assigned.parcels if assigned is not None else np.zeros(len(pool))
    more = use_paths(network, pool).arcs @ spread
    arc_room = np.minimum(np.maximum(room.arcs, more), step_costs.most - held.arcs)
    rounded = round_parcels(
        network, pool, spread, np.rint(parcels).astype(np.int64), (arc_room, room.sorts, room.nights)
    )
    joined, place = merge_paths(network, [fixed.pool, rounded.pool])
    total = np.bincount(place, np.concatenate([fixed.parcels, rounded.parcels]), len(joined))
    return Flows(joined, np.rint(total).astype(np.int64))


def take_paths(pool: PathPool, wanted: np.ndarray) -> PathPool:
    """Keep the paths where ``wanted`` (P,) is true."""
    lengths = np.diff(pool.pointers)
    pointers = np.concatenate([[0], np.cumsum(lengths[wanted])]).astype(np.int64)
    return PathPool(pool.demand[wanted], pointers, pool.legs[np.repeat(wanted, lengths)])


def find_plain_paths(network: TrunkNetwork, prices: Prices) -> list[Ints]:
    """Paths of few legs and of few kilometres, whatever vehicles cost."""
    commodities = list_commodities(network)
    km = network.path_rules.arc_km
    plain = price_parcels(network, prices, km)
    far = 10.0 * float(km.max(initial=0.0)) + 1.0
    # waiting costs what it costs, so that of paths as short the cheaper is taken
    return [label_paths(network, plain._replace(arc=price), commodities).choice for price in (km, km + far)]


def around(
    network: TrunkNetwork, prices: Prices, over_arc: np.ndarray, over_sort: np.ndarray, over_night: np.ndarray
) -> list[Ints]:
    """Paths under prices that make overloaded resources dearer, step by step."""
    arc_price, _ = price_arcs(network, price_departures(network, prices))
    commodities = list_commodities(network)
    plain = price_parcels(network, prices, arc_price)
    unit = float(np.median(arc_price[np.isfinite(arc_price)])) if np.isfinite(arc_price).any() else 1.0
    found = []
    for factor in _TIGHTEN:
        dearer = ParcelPrices(
            arc=plain.arc + over_arc * factor * unit,
            sort=plain.sort + over_sort * factor * unit,
            hold=plain.hold + over_night * factor * unit,
        )
        found.append(label_paths(network, dearer, commodities).choice)
    return found
