"""A plan made of the columns that prove how much stays short: where a search leaves more short than is proven.

The programme over paths (:mod:`routing.trunk.bound.path_programme`) spreads all parcels at once over sorts, buffers and fleets, as no move of a few can. Its
paths are kept to those planners accept, more of them are sought at its prices, with legs dearer too, since the cheapest way round a full hub may have too
many; its parcels are made whole, searched locally and given whole vehicles.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from data.constants import constant
from routing.budget import Deadline
from routing.trunk.bound.column_generation import (
    bound_carrying,
    generate_columns,
    prove_short,
    prove_what_is_carried,
)
from routing.trunk.bound.lagrangian import (
    Relaxation,
    price_arcs,
    price_departures,
    price_parcels,
    raise_bound,
    zero_prices,
)
from routing.trunk.bound.path_programme import PathAnswer, solve_paths
from routing.trunk.search.draft import Draft
from routing.trunk.search.find_plan import polish, settle
from routing.trunk.task.commodities import list_commodities
from routing.trunk.task.flows import round_parcels
from routing.trunk.task.inputs import TrunkOptions
from routing.trunk.task.network import TrunkNetwork, share_limits
from routing.trunk.task.paths import PathPool, gather_pool, mark_accepted, merge_paths, take_paths, use_paths
from routing.trunk.task.shortest_paths import choose_paths
from routing.trunk.vehicles.step_costs import build_step_costs


@dataclass(frozen=True)
class ColumnPlanRules:
    """How long accepted paths are sought."""

    rounds: int = constant(8, "rounds", "at most", "judgement")
    hardly: float = constant(
        0.001, "1", "of what is short: rounds end when one carries less than this more", "judgement"
    )
    far: tuple[float, ...] = constant(
        (0.0, 0.01, 0.1), "1", "of the price of a parcel short: what a leg costs besides", "judgement"
    )


RULES = ColumnPlanRules()


def carry_columns(
    network: TrunkNetwork, draft: Draft, relaxed: Relaxation, options: TrunkOptions, deadline: Deadline
) -> tuple[Draft | None, Relaxation]:
    """Prove what a draft leaves short, and make a rival of what proves it.

    Returns
    -------
    rival, relaxed
        None where all that is short is proven, or the task is too large; the relaxation with the bound raised.
    """
    short = draft.flows.short(network)
    if not short.any():
        return None, relaxed
    found = generate_columns(network, relaxed, draft.flows.pool, deadline)
    if found is None:
        return None, relaxed
    certificate, pool = found
    relaxed = raise_bound(relaxed, certificate.bound, certificate)
    if int(short.sum()) <= prove_short(network, certificate.prices):
        return None, relaxed
    driven, known = share_limits(network), merge_paths(network, [draft.flows.pool, pool])[0]
    spread = _seek_accepted(driven, take_paths(known, mark_accepted(network, known)), deadline)
    return (None if spread is None else _make_whole(driven, *spread, options, deadline)), relaxed


def add_carrying(network: TrunkNetwork, draft: Draft, relaxed: Relaxation, deadline: Deadline) -> Relaxation:
    """Bound what carrying costs in plans that leave as many parcels short as a draft, where that bound is higher than the one there is."""
    short = int(draft.flows.short(network).sum())
    if not short or short == int(network.demand_parcels.sum()):
        return relaxed
    known = merge_paths(network, [draft.flows.pool, gather_pool(network, relaxed.samples[:1])])[0]
    carrying = bound_carrying(network, known, short, deadline)
    found = replace(relaxed, carrying=carrying)
    less = carrying is None or carrying.bound <= (prove_what_is_carried(network, relaxed, short) or 0.0)
    return relaxed if less else found


def _seek_accepted(network: TrunkNetwork, pool: PathPool, deadline: Deadline) -> tuple[PathPool, PathAnswer] | None:
    """Spread parcels over accepted paths, with those added that prices ask for."""
    found, least = None, np.inf
    for _ in range(RULES.rounds):
        answer = solve_paths(network, pool, deadline)
        if answer is None:
            break
        found = pool, answer
        if answer.objective > (1.0 - RULES.hardly) * least:
            break
        least = answer.objective
        kept = take_paths(pool, answer.needed)
        pool = merge_paths(network, [kept, *_list_cheaper(network, answer)])[0]
    return found


def _list_cheaper(network: TrunkNetwork, answer: PathAnswer) -> list[PathPool]:
    """List accepted paths that cost less than their demand pays, by how dear legs are besides."""
    room, _ = price_arcs(network, price_departures(network, answer.prices))
    prices, commodities = price_parcels(network, answer.prices, room), list_commodities(network)
    pools = []
    for far in RULES.far:
        choice = choose_paths(network, prices._replace(arc=prices.arc + far * network.short_cost), commodities)
        pool = gather_pool(network, [choice])
        pool = take_paths(pool, mark_accepted(network, pool))
        use = use_paths(network, pool)
        price = use.cost + use.arcs.T @ room + use.sorts.T @ answer.prices.sort + use.nights.T @ answer.prices.buffer
        worth = np.minimum(answer.worth, network.short_cost)[pool.demand]
        pools.append(take_paths(pool, price < worth - 1e-7 * np.maximum(1.0, worth)))
    return pools


def _make_whole(
    network: TrunkNetwork, pool: PathPool, answer: PathAnswer, options: TrunkOptions, deadline: Deadline
) -> Draft:
    """Make whole parcels and whole vehicles of an answer."""
    limits = (np.full(network.arcs, np.inf), network.sort_capacity, network.buffer_capacity)
    flows = round_parcels(network, pool, answer.parcels, network.demand_parcels, limits)
    none = zero_prices(network)
    prices = replace(answer.prices, lane=none.lane, vehicle=none.vehicle)
    step_costs = build_step_costs(network, price_departures(network, prices))
    flows = polish(network, flows, step_costs, options, deadline)
    return settle(network, flows, step_costs, deadline, options.effort)
