"""From improved trees to a feasible plan: overloads are dissolved by splitting, holding and shortfall."""

from __future__ import annotations

import numpy as np

from routing.budget import Deadline
from routing.trunk.bound.lagrangian import Prices, price_options, price_runs
from routing.trunk.search.annealing import Trees
from routing.trunk.task.commodities import group_demands
from routing.trunk.task.flows import Flows, load_network, round_parcels
from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.task.paths import PathPool, Room, assign_paths, gather_pool, merge_paths, use_paths
from routing.trunk.task.shortest_paths import label_ways, trace_ways
from routing.trunk.vehicles.step_costs import Staircase, climb

_TIGHTEN = (1.0, 4.0, 20.0)


def collect_flows(network: TrunkNetwork, trees: Trees) -> Flows:
    """Read the paths of the entries off their trees."""
    pointers, steps = trace_ways(network, np.ascontiguousarray(trees.step.T), trees.entry_node, trees.entry_group)
    pool, place = merge_paths(network, [PathPool(trees.entry_demand, pointers, steps)])
    parcels = np.bincount(place, trees.entry_parcels, len(pool))
    return Flows(pool, np.rint(parcels).astype(np.int64))


def room_at(network: TrunkNetwork, stairs: Staircase, load: Floats) -> Floats:
    """Room of the cheapest vehicles for each load, (R,) [parcels]."""
    room = np.zeros(network.runs)
    # a departure that was left no share of its lane's limit has no room at any price
    for run in np.flatnonzero((load > 0) & (np.diff(stairs.pointers) > 0)):
        corners = stairs.room[stairs.pointers[run] : stairs.pointers[run + 1]]
        rest, added = min(load[run], stairs.most[run]), 0.0
        if rest > corners[-1] and stairs.base_room[run] > 0:
            added = float(np.ceil((rest - corners[-1]) / stairs.base_room[run])) * stairs.base_room[run]
        room[run] = min(
            corners[min(np.searchsorted(corners, rest - added - 1e-9), len(corners) - 1)] + added, stairs.most[run]
        )
    return room


def price_vehicles(stairs: Staircase, load: Floats) -> float:
    """Price of the cheapest vehicles for all loads at the staircase's prices [CNY]."""
    total = 0.0
    # a departure that was left no share of its lane's limit has no room at any price
    for run in np.flatnonzero((load > 0) & (np.diff(stairs.pointers) > 0)):
        total += climb(
            load[run], run, stairs.pointers, stairs.room, stairs.price, stairs.base_room, stairs.base_price, stairs.most, 0.0
        )  # fmt: skip
    return float(total)


def dissolve_overloads(
    network: TrunkNetwork,
    flows: Flows,
    stairs: Staircase,
    samples: list[Ints],
    prices: Prices,
    deadline: Deadline,
) -> Flows:
    """Re-route what goes over the limits of hubs, buffers and lanes, by a linear programme over the demands concerned.

    Demands with a path over an overloaded resource are free to split over their present paths, the ways of the
    relaxation, and ways around the overloads; all others stay. What still finds no room is short.
    """
    loads = load_network(network, flows)
    over_run = np.maximum(0.0, loads.runs - stairs.most)
    over_sort = np.maximum(0.0, loads.sorts - network.sort_capacity)
    over_night = np.maximum(0.0, loads.nights - network.buffer_capacity)
    if not (over_run.any() or over_sort.any() or over_night.any()):
        return flows
    use = use_paths(network, flows.pool)
    touched = use.runs.T @ (over_run > 0) + use.sorts.T @ (over_sort > 0) + use.nights.T @ (over_night > 0)
    free_demand = np.unique(flows.pool.demand[touched > 0])
    free = np.isin(flows.pool.demand, free_demand)
    fixed = Flows(take_paths(flows.pool, ~free), flows.parcels[~free])
    held = load_network(network, fixed)
    ways = samples + around(network, prices, over_run > 0, over_sort > 0, over_night > 0)
    pool, _ = merge_paths(network, [take_paths(flows.pool, free), gather_pool(network, ways, free_demand)])
    run_price, _ = price_runs(network, price_options(network, prices))
    paid = np.minimum(room_at(network, stairs, loads.runs), stairs.most)
    room = Room(
        runs=np.maximum(0.0, paid - held.runs),
        sorts=network.sort_capacity - held.sorts,
        nights=network.buffer_capacity - held.nights,
        extra_price=1.5 * run_price,
        extra_most=np.maximum(0.0, stairs.most - np.maximum(paid, held.runs)),
    )
    parcels = np.bincount(flows.pool.demand[free], flows.parcels[free], len(network.demand_parcels)).astype(np.float64)
    assigned = assign_paths(network, pool, parcels, room, deadline.share("paths", max(2.0, deadline.left())))
    spread = assigned.parcels if assigned is not None else np.zeros(len(pool))
    more = use_paths(network, pool).runs @ spread
    run_room = np.minimum(np.maximum(room.runs, more), stairs.most - held.runs)
    rounded = round_parcels(
        network, pool, spread, np.rint(parcels).astype(np.int64), (run_room, room.sorts, room.nights)
    )
    joined, place = merge_paths(network, [fixed.pool, rounded.pool])
    total = np.bincount(place, np.concatenate([fixed.parcels, rounded.parcels]), len(joined))
    return Flows(joined, np.rint(total).astype(np.int64))


def take_paths(pool: PathPool, wanted: np.ndarray) -> PathPool:
    """Keep the paths where ``wanted`` (P,) is true."""
    lengths = np.diff(pool.pointers)
    pointers = np.concatenate([[0], np.cumsum(lengths[wanted])]).astype(np.int64)
    return PathPool(pool.demand[wanted], pointers, pool.steps[np.repeat(wanted, lengths)])


def around(
    network: TrunkNetwork, prices: Prices, over_run: np.ndarray, over_sort: np.ndarray, over_night: np.ndarray
) -> list[Ints]:
    """Ways under prices that make overloaded resources dearer, step by step."""
    run_price, _ = price_runs(network, price_options(network, prices))
    groups = group_demands(network)
    handling = network.handling_cost
    closed = network.sort_capacity <= 0
    unit = float(np.median(run_price[np.isfinite(run_price)])) if np.isfinite(run_price).any() else 1.0
    found = []
    for factor in _TIGHTEN:
        sort_price = np.where(closed, np.inf, handling + prices.sort + over_sort * factor * unit)
        hold_price = np.where(
            network.can_hold(), network.waiting_cost + prices.buffer + over_night * factor * unit, np.inf
        )
        run = network.run_cost + run_price + over_run * factor * unit
        found.append(label_ways(network, run, sort_price, hold_price, groups)[1])
    return found
