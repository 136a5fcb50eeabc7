"""Way made for parcels that are short: others that hold the room they need take other paths.

A linear programme spreads the demands that are short anew, with those that hold what is full, over all paths worth taking: its
prices say which paths are missing (column generation: Ford, Fulkerson, "A suggested computation for maximal multi-commodity network
flows", Management Science 5, 1958) and which demands hold what is dear, so that one may yield to another that yields to a third.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from data.constants import constant
from routing.budget import Deadline
from routing.trunk.search.draft import Draft
from routing.trunk.search.shortfall_insertion import insert_shortfalls
from routing.trunk.task.commodities import list_commodities
from routing.trunk.task.flows import Flows, load_network, round_parcels
from routing.trunk.task.network import Flags, Floats, Ints, TrunkNetwork
from routing.trunk.task.paths import (
    Assignment,
    PathPool,
    Room,
    assign_paths,
    gather_pool,
    mark_accepted,
    merge_paths,
    take_paths,
    use_paths,
)
from routing.trunk.task.records import ParcelPrices
from routing.trunk.task.shortest_paths import choose_paths
from routing.trunk.vehicles.vehicle_model import tally


@dataclass(frozen=True)
class MakingWayRules:
    """How far it is gone for the sake of parcels that are short."""

    rounds: int = constant(5, "rounds", "after each of which those yield too that hold what is dear", "judgement")
    steps: int = constant(20, "steps", "of a round at most, each with the paths its prices ask for", "judgement")
    idle: int = constant(3, "steps", "that carry hardly more, after which a round ends", "judgement")
    hardly: float = constant(0.005, "1", "of what is short: carrying less than this more is hardly more", "judgement")
    dear: float = constant(
        0.01, "1", "of the price of a parcel short: what prices show that others hold what it needs", "judgement"
    )
    demands: int = constant(1000, "demands", "spread anew together at most", "judgement")
    far: tuple[float, ...] = constant(
        (1.0, 10.0),
        "1",
        "of that price: what a leg costs besides where paths are bound, so that some of few legs are known",
        "judgement",
    )


RULES = MakingWayRules()


def carry_short(
    network: TrunkNetwork, draft: Draft, deadline: Deadline, rank: Callable[[Draft], tuple[float, int]]
) -> Draft:
    """Carry what is short through the room there is, with vehicles hired for it, then through room others make; the best by a rank."""
    best = min(draft, insert_shortfalls(network, draft, deadline), key=rank)
    if not best.flows.short(network).any() or deadline.over():
        return best
    return min(best, insert_shortfalls(network, make_way_within(network, best, deadline), deadline), key=rank)


def make_way_within(network: TrunkNetwork, draft: Draft, deadline: Deadline) -> Draft:
    """Carry on the vehicles of a draft what it leaves short, as far as others can yield."""
    none = np.full(network.arcs, np.inf)
    room = Room(draft.vehicles.room, network.sort_capacity, network.buffer_capacity, none, np.zeros(network.arcs))
    flows = make_way(network, draft.flows, network.demand_parcels, room, deadline)
    if flows is draft.flows:
        return draft
    loads, vehicles = load_network(network, flows), draft.vehicles
    return Draft(flows, loads, tally(network, vehicles.arc, vehicles.vehicle, vehicles.departures, loads.arcs))


def make_way(network: TrunkNetwork, flows: Flows, asked: Ints, room: Room, deadline: Deadline) -> Flows:
    """Spread demands anew so that more is carried; the same flows where none more can be.

    Parameters
    ----------
    asked : (K,) [parcels]
        What of each demand is to be carried.
    room
        What there is for all flows together; those given keep to it.
    """
    missing = asked - (network.demand_parcels - flows.short(network))
    free = np.flatnonzero(missing > 0)
    free = np.sort(free[np.argsort(-missing[free], kind="stable")[: RULES.demands]])
    known = take_paths(flows.pool, np.zeros(len(flows.pool), dtype=np.bool_))
    best = flows
    for _ in range(RULES.rounds):
        if not len(free) or deadline.over():
            break
        is_free = np.isin(flows.pool.demand, free)
        fixed = Flows(take_paths(flows.pool, ~is_free), flows.parcels[~is_free])
        rest = _take_off(network, room, fixed)
        parcels = np.where(np.isin(np.arange(len(asked)), free), asked, 0)
        present, _ = merge_paths(network, [known, take_paths(flows.pool, is_free)])
        known, spread = _spread(network, present, parcels, (rest, room), deadline)
        if spread is None:
            break
        joined = _join(network, fixed, _make_whole(network, known, spread, parcels, rest))
        best = max(best, joined, key=lambda found: int(found.parcels.sum()))
        wider = _widen(free, flows, _hold_dear(network, flows.pool, known, spread))
        if spread.short.sum() < 1.0 or len(wider) == len(free):
            break
        free = wider
    return best


def _widen(free: Ints, flows: Flows, holds: Flags) -> Ints:
    """Add the demands that hold what others need, those that hold most of it first, as far as they can be spread together."""
    held = np.bincount(flows.pool.demand[holds], flows.parcels[holds], int(flows.pool.demand.max(initial=0)) + 1)
    held[free[free < len(held)]] = 0
    most = np.argsort(-held, kind="stable")[: max(RULES.demands - len(free), 0)]
    return np.union1d(free, most[held[most] > 0])


def _take_off(network: TrunkNetwork, room: Room, fixed: Flows) -> Room:
    """Take what flows use that stay off the room there is."""
    held = load_network(network, fixed)
    return replace(
        room,
        arcs=np.maximum(0.0, room.arcs - held.arcs),
        sorts=room.sorts - held.sorts,
        nights=room.nights - held.nights,
        extra_most=np.maximum(0.0, room.extra_most - np.maximum(0.0, held.arcs - room.arcs)),
    )


def _spread(
    network: TrunkNetwork, pool: PathPool, parcels: Ints, rooms: tuple[Room, Room], deadline: Deadline
) -> tuple[PathPool, Assignment | None]:
    """Spread parcels over paths, with those added that prices ask for, until none is short or nothing gets better.

    Parameters
    ----------
    rooms
        What those that stay leave free, and what there is in all.
    """
    demands, commodities = np.flatnonzero(parcels), list_commodities(network)
    idle, least = 0, np.inf
    used, spread = pool, None
    for _ in range(RULES.steps):
        limit = deadline.share("way made for what is short", max(2.0, deadline.left()))
        found = assign_paths(network, pool, parcels.astype(np.float64), rooms[0], limit)
        if found is None:
            break
        used, spread = pool, found
        short = float(found.short.sum())
        idle = 0 if short < (1.0 - RULES.hardly) * least else idle + 1
        least = min(least, short)
        if short < 1.0 or idle > RULES.idle or deadline.over():
            break
        prices = _price(network, used, found, rooms)
        added = gather_pool(
            network, [choose_paths(network, each, commodities) for each in _shorten(network, prices)], demands
        )
        pool, _ = merge_paths(network, [used, take_paths(added, mark_accepted(network, added))])
        if len(pool) == len(used):
            break
    return used, spread


def _shorten(network: TrunkNetwork, prices: ParcelPrices) -> list[ParcelPrices]:
    """Prices as they are and, where paths are bound, with legs dearer: the cheapest way round a full hub may be one no planner accepts."""
    if not network.path_rules.bounded:
        return [prices]
    leg = RULES.dear * network.short_cost
    return [prices, *(prices._replace(arc=prices.arc + far * leg) for far in RULES.far)]


def _make_whole(network: TrunkNetwork, pool: PathPool, found: Assignment, parcels: Ints, room: Room) -> Flows:
    bought = np.clip(use_paths(network, pool).arcs @ found.parcels - room.arcs, 0.0, room.extra_most)
    return round_parcels(network, pool, found.parcels, parcels, (room.arcs + bought, room.sorts, room.nights))


def _join(network: TrunkNetwork, fixed: Flows, spread: Flows) -> Flows:
    pool, place = merge_paths(network, [fixed.pool, spread.pool])
    parcels = np.bincount(place, np.concatenate([fixed.parcels, spread.parcels]), len(pool))
    return Flows(pool, np.rint(parcels).astype(np.int64))


def _price(network: TrunkNetwork, known: PathPool, found: Assignment, rooms: tuple[Room, Room]) -> ParcelPrices:
    """Price paths by what a parcel's room saves; where no known path leads, what others hold is dear, so that they may be asked for it."""
    use, (rest, whole) = use_paths(network, known), rooms
    dear = RULES.dear * network.short_cost

    def price(matrix: sparse.csr_matrix, saved: Floats, free: Floats, total: Floats, bought: Floats) -> Floats:
        fresh = np.where(free >= 1, 0.0, np.minimum(bought, np.where(total >= 1, dear, np.inf)))
        return np.where(np.diff(matrix.indptr) > 0, saved, fresh)

    bought, never = np.where(rest.extra_most >= 1, rest.extra_price, np.inf), np.full(network.nodes, np.inf)
    arcs, sorts, nights = found.prices
    sort = price(use.sorts, sorts, rest.sorts, whole.sorts, never)
    night = price(use.nights, nights, rest.nights, whole.nights, never)
    return ParcelPrices(
        arc=network.arc_cost + price(use.arcs, arcs, rest.arcs, whole.arcs, bought),
        sort=np.where(network.sort_capacity > 0, network.handling_cost + sort, np.inf),
        hold=np.where(network.can_hold(), network.waiting_cost + night, np.inf),
    )


def _hold_dear(network: TrunkNetwork, pool: PathPool, known: PathPool, found: Assignment) -> Flags:
    """Mark the paths of a pool that pass what shortage makes dear on known paths: their parcels may have another way, (P,)."""
    use, wanted = use_paths(network, pool), use_paths(network, known)
    dear = 0.5 * RULES.dear * network.short_cost
    mine, theirs = (use.arcs, use.sorts, use.nights), (wanted.arcs, wanted.sorts, wanted.nights)
    touched = np.zeros(len(pool))
    for matrix, known_matrix, price in zip(mine, theirs, found.prices, strict=True):
        touched += matrix.T @ ((price > dear) & (np.diff(known_matrix.indptr) > 0)).astype(np.float64)
    marked: Flags = touched > 0
    return marked
