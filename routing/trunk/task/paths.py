"""Paths of demands through the network, and the linear programme over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from routing.budget import Deadline
from routing.solvers import LinearModel, solve_linear
from routing.trunk.task.commodities import list_commodities
from routing.trunk.task.network import Flags, Floats, Ints, TrunkNetwork
from routing.trunk.task.path_rules import mark_paths
from routing.trunk.task.shortest_paths import NO_PATH, trace_paths


@dataclass(frozen=True, slots=True)
class PathPool:
    """Paths by demand; a leg is an arc's number, or ``arcs + node`` for a night at a node.

    Attributes
    ----------
    demand : (P,)
        Sorted.
    pointers : (P + 1,) into ``legs``.
    """

    demand: Ints
    pointers: Ints
    legs: Ints

    def __len__(self) -> int:
        return len(self.demand)


@dataclass(frozen=True, slots=True)
class PathUse:
    """What one parcel on each path uses, as sparse matrices of (resource, path)."""

    arcs: sparse.csr_matrix
    sorts: sparse.csr_matrix
    nights: sparse.csr_matrix
    cost: Floats


@dataclass(frozen=True, slots=True)
class Assignment:
    """Parcels on the paths of a pool.

    Attributes
    ----------
    parcels : (P,)
    short : (K,)
    objective
        Of the linear programme [CNY].
    prices : (R,), (N,), (N,) [CNY/parcel]
        What one more parcel's room on an arc, in a sort and in waiting after it would save; 0 where no path of the pool leads.
    """

    parcels: Floats
    short: Floats
    objective: float
    prices: tuple[Floats, Floats, Floats]


def gather_pool(network: TrunkNetwork, samples: Sequence[Ints], wanted: Ints | None = None) -> PathPool:
    """Collect the different paths that demands take under several choices (N, commodities).

    Parameters
    ----------
    wanted : (n,), optional
        Demands to collect for; all by default.
    """
    commodity = list_commodities(network).of_demand
    numbers = np.arange(len(commodity)) if wanted is None else wanted
    start = network.demand_node()[numbers]
    parts = []
    for choice in samples:
        reached = choice[start, commodity[numbers]] != NO_PATH
        pointers, legs = trace_paths(network, choice, start[reached], commodity[numbers[reached]])
        parts.append(PathPool(numbers[reached].astype(np.int64), pointers, legs))
    return merge_paths(network, parts)[0]


def merge_paths(network: TrunkNetwork, parts: Sequence[PathPool]) -> tuple[PathPool, Ints]:
    """Join pools without doubles, sorted by demand; also the place of every path of the parts, one after the other."""
    demand = np.concatenate([part.demand for part in parts])
    lengths = np.concatenate([np.diff(part.pointers) for part in parts])
    legs = np.concatenate([part.legs for part in parts])
    weight = np.random.default_rng(7).integers(1, 2**62, size=network.arcs + network.nodes + 1, dtype=np.int64)
    mark = np.zeros(len(demand), dtype=np.int64)
    np.add.at(mark, np.repeat(np.arange(len(demand)), lengths), weight[legs])
    order = np.lexsort((mark, demand))
    fresh = np.ones(len(order), dtype=np.bool_)
    fresh[1:] = (np.diff(demand[order]) != 0) | (np.diff(mark[order]) != 0)
    first = order[fresh]
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.cumsum(fresh) - 1
    begin = np.cumsum(lengths) - lengths
    pointers = np.concatenate([[0], np.cumsum(lengths[first])]).astype(np.int64)
    where = np.repeat(begin[first], lengths[first]) + _count_up(lengths[first])
    return PathPool(demand[first].astype(np.int64), pointers, legs[where]), place


def mark_accepted(network: TrunkNetwork, pool: PathPool) -> Flags:
    """Mark the paths of a pool that planners accept, (P,)."""
    accepted = np.ones(len(pool), dtype=np.bool_)
    if network.path_rules.bounded:
        ends = network.demand_origin[pool.demand], network.demand_destination[pool.demand]
        mark_paths(pool.pointers, pool.legs, ends[0], ends[1], network.path_rules, accepted)
    return accepted


def take_paths(pool: PathPool, wanted: Flags) -> PathPool:
    """Keep the paths where ``wanted`` (P,) is true."""
    lengths = np.diff(pool.pointers)
    pointers = np.concatenate([[0], np.cumsum(lengths[wanted])]).astype(np.int64)
    return PathPool(pool.demand[wanted], pointers, pool.legs[np.repeat(wanted, lengths)])


def _count_up(lengths: Ints) -> Ints:
    ends = np.cumsum(lengths)
    return np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - lengths, lengths)


def use_paths(network: TrunkNetwork, pool: PathPool) -> PathUse:
    """Say what a parcel on each path uses and costs besides vehicles."""
    paths = len(pool)
    owner = np.repeat(np.arange(paths), np.diff(pool.pointers))
    on_arc = pool.legs < network.arcs
    arc, night = pool.legs[on_arc], pool.legs[~on_arc] - network.arcs
    end = end_nodes(network, pool)
    sort_rows = np.concatenate([network.arc_tail[arc], end])
    sort_columns = np.concatenate([owner[on_arc], np.arange(paths)])
    arcs = _count_matrix(arc, owner[on_arc], network.arcs, paths)
    sorts = _count_matrix(sort_rows, sort_columns, network.nodes, paths)
    nights = _count_matrix(night, owner[~on_arc], network.nodes, paths)
    handling = network.handling_cost
    cost = arcs.T @ network.arc_cost + sorts.T @ handling
    cost = cost + network.hold_cost * (nights.T @ network.wait_nights())
    cost = cost + network.late_cost * count_late(network, pool, end)
    return PathUse(arcs, sorts, nights, np.asarray(cost, dtype=np.float64))


def end_nodes(network: TrunkNetwork, pool: PathPool) -> Ints:
    """Node at which each path is sorted for the last time."""
    end = network.demand_node()[pool.demand]
    some = np.diff(pool.pointers) > 0
    last = pool.legs[pool.pointers[1:][some] - 1]
    is_arc = last < network.arcs
    after = np.where(is_arc, 0, network.after[np.maximum(last - network.arcs, 0)])
    after[is_arc] = network.arc_head[last[is_arc]]
    end[some] = after
    return end


def _count_matrix(rows: Ints, columns: Ints, height: int, width: int) -> sparse.csr_matrix:
    return sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(height, width))


@dataclass(frozen=True, slots=True)
class Room:
    """What paths may use.

    Attributes
    ----------
    arcs : (R,) [parcels]
        Room of vehicles at no further price.
    sorts, nights : (N,) [parcels]
    extra_price : (R,) [CNY/parcel]
        Price of more room on an arc, ``inf`` where there is none to be had.
    extra_most : (R,) [parcels]
        How much more there is.
    """

    arcs: Floats
    sorts: Floats
    nights: Floats
    extra_price: Floats
    extra_most: Floats


def assign_paths(
    network: TrunkNetwork, pool: PathPool, parcels: Floats, room: Room, deadline: Deadline | None = None
) -> Assignment | None:
    """Spread parcels over paths at least cost within given room; what finds none is short.

    Parameters
    ----------
    parcels : (K,)
        Parcels of each demand to spread; demands of 0 take no part.
    deadline
        Emergency brake of the solver.

    Returns
    -------
    Assignment or None
        None when the time ran out without an answer.
    """
    use = use_paths(network, pool)
    paths = len(pool)
    asked = np.flatnonzero(parcels > 0)
    place = np.full(len(parcels), -1, dtype=np.int64)
    place[asked] = np.arange(len(asked))
    touched = np.flatnonzero(np.diff(use.arcs.indptr))
    more = touched[np.isfinite(room.extra_price[touched]) & (room.extra_most[touched] > 0)]
    sorts = np.flatnonzero(np.isfinite(room.sorts) & (np.diff(use.sorts.indptr) > 0))
    nights = np.flatnonzero(np.isfinite(room.nights) & (np.diff(use.nights.indptr) > 0))
    serve = _count_matrix(place[pool.demand], np.arange(paths), len(asked), paths)
    buy = -_count_matrix(np.searchsorted(touched, more), np.arange(len(more)), len(touched), len(more))
    limited = sparse.vstack([use.arcs[touched], use.sorts[sorts], use.nights[nights]], format="csr")
    width = paths + len(asked) + len(more)
    top = sparse.hstack([serve, sparse.identity(len(asked)), sparse.csr_matrix((len(asked), len(more)))])
    lift = sparse.vstack([buy, sparse.csr_matrix((len(sorts) + len(nights), len(more)))])
    low = sparse.hstack([limited, sparse.csr_matrix((limited.shape[0], len(asked))), lift])
    limits = np.maximum(0.0, np.concatenate([room.arcs[touched], room.sorts[sorts], room.nights[nights]]))
    answer = solve_linear(
        LinearModel(
            np.concatenate([use.cost, np.full(len(asked), network.short_cost), room.extra_price[more]]),
            sparse.vstack([top, low], format="csr"),
            np.concatenate([parcels[asked], np.full(len(limits), -np.inf)]),
            np.concatenate([parcels[asked], limits]),
            np.zeros(width),
            np.concatenate([np.full(paths + len(asked), np.inf), room.extra_most[more]]),
        ),
        deadline=deadline,
    )
    if answer.values is None:
        return None
    short = np.zeros(len(parcels))
    short[asked] = answer.values[paths : paths + len(asked)]
    rows = (touched, sorts, nights)
    duals = np.zeros(len(asked) + len(limits)) if answer.duals is None else answer.duals
    parts = np.split(-np.minimum(0.0, duals[len(asked) :]), np.cumsum([len(part) for part in rows[:2]]))
    prices = (np.zeros(network.arcs), np.zeros(network.nodes), np.zeros(network.nodes))
    for price, part, dual in zip(prices, rows, parts, strict=True):
        price[part] = dual
    return Assignment(answer.values[:paths], short, answer.objective, prices)


def count_late(network: TrunkNetwork, pool: PathPool, end: Ints) -> Floats:
    """Hours / 24 that each path is late, (P,): whole days where the day is the sort.

    Parameters
    ----------
    end : (P,)
        Node at which each path is sorted for the last time.
    """
    return np.maximum(0.0, network.delivery_hour[end] - network.demand_due_hour[pool.demand]) / 24.0
