"""The sort plan: which lane each sort of a hub loads for each destination, a primary and at most one alternate.

The lanes are those over which a plan found without order sends most; where it sends nothing, those its prices say are cheapest.
Paths over other lanes are given up, and their parcels carried anew along the lanes that are left.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from routing.budget import Deadline
from routing.trunk.bound.lagrangian import Prices, Relaxation, price_arcs, price_departures, price_parcels, zero_prices
from routing.trunk.search.candidates import list_candidates
from routing.trunk.search.draft import Draft
from routing.trunk.search.find_plan import polish, settle
from routing.trunk.search.making_way import carry_short
from routing.trunk.search.overload_repair import dissolve_overloads
from routing.trunk.task.commodities import Commodities, list_commodities
from routing.trunk.task.flows import Flows
from routing.trunk.task.inputs import TrunkOptions
from routing.trunk.task.network import Flags, Floats, Ints, TrunkNetwork, share_limits
from routing.trunk.task.path_rules import mark_refused, order_lanes
from routing.trunk.task.paths import mark_accepted
from routing.trunk.task.shortest_paths import label_paths
from routing.trunk.vehicles.step_costs import build_step_costs

_LANES = 2  # a primary and an alternate
_CANDIDATES = 4  # of least price, where nothing passes
_TRIES = 3  # where lanes ordered leave more short than any lanes did
_FAVOUR = 100  # factor on parcels left behind, so that their lanes are chosen
_LIKELY = 1e-3  # [parcels] weight of the likeliest lane where nothing passes: below that of any parcel


def order_plan(
    network: TrunkNetwork, draft: Draft, relaxed: Relaxation, options: TrunkOptions, deadline: Deadline
) -> tuple[TrunkNetwork, Draft]:
    """Bring a plan in order.

    Returns
    -------
    network : TrunkNetwork
        With the lanes ordered in its path rules.
    draft : Draft
        The plan in order; what the lanes left cannot carry is short.
    """
    if not len(draft.flows.pool):
        return network, draft
    tried: list[tuple[TrunkNetwork, Draft]] = []
    wish, before = draft.flows, draft.flows.short(network)
    for _ in range(_TRIES):
        allowed = choose_lanes(network, wish, relaxed.prices, whole=options.sort_plan == "fixed")
        ordered = replace(network, path_rules=order_lanes(network.path_rules, allowed))
        found = _carry_along(ordered, draft, relaxed, options, deadline)
        tried.append((ordered, found))
        left_behind = found.flows.short(network) > before
        if found.flows.short(network).sum() <= before.sum() or deadline.over():
            break
        # the lanes of what is left behind come first in the next choice
        wish = Flows(wish.pool, wish.parcels * np.where(left_behind[wish.pool.demand], _FAVOUR, 1))
    return min(tried, key=lambda one: one[1].cost)


def _carry_along(
    ordered: TrunkNetwork, draft: Draft, relaxed: Relaxation, options: TrunkOptions, deadline: Deadline
) -> Draft:
    """Carry along the lanes ordered what a draft carries over any."""
    if mark_accepted(ordered, draft.flows.pool).all():
        return draft
    driven = share_limits(ordered)
    none = zero_prices(ordered)
    prices = replace(relaxed.prices, lane=none.lane, vehicle=none.vehicle)
    step_costs = build_step_costs(driven, price_departures(driven, prices))
    flows = dissolve_overloads(driven, draft.flows, step_costs, relaxed.samples, relaxed.prices, deadline)
    flows = polish(driven, flows, step_costs, options, deadline)
    placed = settle(driven, flows, step_costs, deadline, options.effort)
    return carry_short(driven, placed, deadline, lambda found: (found.cost, 0))


def choose_lanes(network: TrunkNetwork, flows: Flows, prices: Prices, *, whole: bool) -> Flags:
    """Choose the lanes that each sort loads for each destination.

    Parameters
    ----------
    whole
        One choice for all dates of the plan; else one for each date.

    Returns
    -------
    (R, H)
        Whether parcels for a hub may go over an arc.
    """
    hubs = network.hubs
    lane = np.unique(np.array(network.lane_ids), return_inverse=True)[1].astype(np.int64)[network.arc_lane]
    lanes = int(lane.max(initial=0)) + 1
    key = _number_sorts(network, whole=whole)[network.arc_tail]
    arc, goal, weight = (
        np.concatenate(parts)
        for parts in zip(_weigh_passed(network, flows), _weigh_likely(network, prices), strict=True)
    )
    codes, place = np.unique((key[arc] * hubs + goal) * lanes + lane[arc], return_inverse=True)
    total = np.bincount(place, weight, len(codes))
    order = np.lexsort((codes, -total, codes // lanes))
    pair = (codes // lanes)[order]
    rank = np.arange(len(order)) - np.searchsorted(pair, pair)
    chosen = np.sort(codes[order[rank < _LANES]])
    allowed = np.zeros((network.arcs, hubs), dtype=np.bool_)
    for hub in range(hubs):
        allowed[:, hub] = np.isin((key * hubs + hub) * lanes + lane, chosen)
    return allowed


def _number_sorts(network: TrunkNetwork, *, whole: bool) -> Ints:
    """Number the sorts a choice is made for, (N,): a hub's sort of every date, or of one."""
    if not whole:
        return np.arange(network.nodes, dtype=np.int64)
    return network.node_hub * len(network.sort_ids) + network.node_sort


def _weigh_passed(network: TrunkNetwork, flows: Flows) -> tuple[Ints, Ints, Floats]:
    """Arcs, destinations and parcels that pass."""
    path = np.repeat(np.arange(len(flows.pool)), np.diff(flows.pool.pointers))
    is_arc = flows.pool.legs < network.arcs
    is_arc[is_arc] = network.arc_drives[flows.pool.legs[is_arc]]
    path = path[is_arc]
    goal = network.demand_destination[flows.pool.demand[path]]
    return flows.pool.legs[is_arc], goal, flows.parcels[path].astype(np.float64)


def _weigh_likely(network: TrunkNetwork, prices: Prices) -> tuple[Ints, Ints, Floats]:
    """Arcs, destinations and a weight that falls with their price."""
    every = list_commodities(network)
    goals, first = np.unique(every.destination, return_index=True)
    commodities = Commodities(goals, every.of_demand, every.late_price[first])
    room, _ = price_arcs(network, price_departures(network, prices))
    parcels = price_parcels(network, prices, room)
    label = label_paths(network, parcels, commodities).price
    legs = list_candidates(network, label, parcels, commodities, _CANDIDATES)
    node, column, rank = np.nonzero(legs >= 0)
    arc, goal = legs[node, column, rank], goals[column]
    fine = ~mark_refused(network.path_rules)[arc, goal] & network.arc_drives[arc]
    weight: Floats = _LIKELY / (1.0 + rank[fine].astype(np.float64))
    return arc[fine], goal[fine], weight
