"""Paths of demands through the network, and the linear programme over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from routing.network import Floats, Ints, TrunkNetwork
from routing.relaxation import Prices
from routing.solvers import solve_linear
from routing.ways import FINISH, trace_ways


@dataclass(frozen=True, slots=True)
class PathPool:
    """Paths by demand; a step is a run's number, or ``runs + node`` for a night at a node.

    Attributes
    ----------
    demand : (P,)
        Sorted.
    pointers : (P + 1,) into ``steps``.
    """

    demand: Ints
    pointers: Ints
    steps: Ints

    def __len__(self) -> int:
        return len(self.demand)


@dataclass(frozen=True, slots=True)
class PathUse:
    """What one parcel on each path uses, as sparse matrices of (resource, path)."""

    runs: sparse.csr_matrix
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
    objective, prices
        Of the linear programme; the prices are None when the solver gave none.
    """

    parcels: Floats
    short: Floats
    objective: float
    prices: Prices | None


def gather_pool(network: TrunkNetwork, samples: Sequence[Ints]) -> PathPool:
    """Collect the different ways that demands take under several choices (N, G) of ways.path."""
    destinations, group = np.unique(network.demand_destination, return_inverse=True)
    start = network.demand_node()
    demands, pieces, marks = [], [], []
    weight = np.random.default_rng(7).integers(1, 2**62, size=network.runs + network.nodes, dtype=np.int64)
    numbers = np.arange(len(start))
    for choice in samples:
        pointers, steps = trace_ways(network, choice, start, group)
        lengths = np.diff(pointers)
        reached = (lengths > 0) | (choice[start, group] == FINISH)
        owner = np.repeat(numbers, lengths)
        mark = np.zeros(len(start), dtype=np.int64)
        np.add.at(mark, owner, weight[steps])
        demands.append(numbers[reached])
        marks.append(mark[reached])
        pieces.append((pointers[:-1][reached], lengths[reached], steps))
    demand, mark = np.concatenate(demands), np.concatenate(marks)
    source = np.concatenate([np.full(len(d), i) for i, d in enumerate(demands)]) if demands else demand
    begin = np.concatenate([p[0] for p in pieces])
    length = np.concatenate([p[1] for p in pieces])
    _, first = np.unique(np.stack([demand, mark]), axis=1, return_index=True)
    first = first[np.lexsort((first, demand[first]))]
    pointers = np.concatenate([[0], np.cumsum(length[first])]).astype(np.int64)
    offset = np.concatenate([[0], np.cumsum([len(p[2]) for p in pieces])])
    joined = np.concatenate([p[2] for p in pieces])
    where = np.repeat(begin[first] + offset[source[first]], length[first]) + _count_up(length[first])
    return PathPool(demand[first].astype(np.int64), pointers, joined[where])


def _count_up(lengths: Ints) -> Ints:
    ends = np.cumsum(lengths)
    return np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - lengths, lengths)


def use_paths(network: TrunkNetwork, pool: PathPool) -> PathUse:
    """Say what a parcel on each path uses and costs besides vehicles."""
    paths = len(pool)
    owner = np.repeat(np.arange(paths), np.diff(pool.pointers))
    on_run = pool.steps < network.runs
    run, night = pool.steps[on_run], pool.steps[~on_run] - network.runs
    end = _end_nodes(network, pool)
    sort_rows = np.concatenate([network.run_tail[run], end])
    sort_columns = np.concatenate([owner[on_run], np.arange(paths)])
    runs = _count_matrix(run, owner[on_run], network.runs, paths)
    sorts = _count_matrix(sort_rows, sort_columns, network.nodes, paths)
    nights = _count_matrix(night, owner[~on_run], network.nodes, paths)
    handling = np.tile(network.handling_cost, network.days)
    cost = runs.T @ network.run_cost + sorts.T @ handling
    cost = cost + network.hold_cost * np.asarray(nights.sum(axis=0)).ravel()
    return PathUse(runs, sorts, nights, np.asarray(cost, dtype=np.float64))


def _end_nodes(network: TrunkNetwork, pool: PathPool) -> Ints:
    """Node at which each path is sorted for the last time."""
    end = network.demand_node()[pool.demand]
    some = np.diff(pool.pointers) > 0
    last = pool.steps[pool.pointers[1:][some] - 1]
    is_run = last < network.runs
    after = np.where(is_run, 0, last - network.runs + network.hubs)
    after[is_run] = network.run_head[last[is_run]]
    end[some] = after
    return end


def _count_matrix(rows: Ints, columns: Ints, height: int, width: int) -> sparse.csr_matrix:
    return sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(height, width))


def assign_paths(
    network: TrunkNetwork,
    pool: PathPool,
    room: Floats,
    *,
    extra_price: Floats | None = None,
    seconds: float | None = None,
) -> Assignment | None:
    """Spread the demand over the paths at least cost within given vehicle room.

    Parameters
    ----------
    room : (R,) [parcels]
        Room of the vehicles on each run.
    extra_price : (R,) [CNY/parcel], optional
        Price of room beyond it; ``inf`` where there is none to be had.
    seconds
        Time limit.

    Returns
    -------
    Assignment or None
        None when the time ran out without an answer.
    """
    use = use_paths(network, pool)
    paths, demands = len(pool), len(network.demand_parcels)
    touched = np.flatnonzero(np.diff(use.runs.indptr))
    extra = np.zeros(0, dtype=np.int64) if extra_price is None else touched[np.isfinite(extra_price[touched])]
    sorts = np.flatnonzero(np.isfinite(network.sort_capacity.ravel()) & (np.diff(use.sorts.indptr) > 0))
    nights = np.flatnonzero(np.isfinite(network.buffer_capacity.ravel()) & (np.diff(use.nights.indptr) > 0))
    serve = _count_matrix(pool.demand, np.arange(paths), demands, paths)
    blocks = [
        [serve, sparse.identity(demands), None],
        [
            use.runs[touched],
            None,
            -_count_matrix(np.searchsorted(touched, extra), np.arange(len(extra)), len(touched), len(extra)),
        ],
        [use.sorts[sorts], None, None],
        [use.nights[nights], None, None],
    ]
    kept = [row for row in blocks if row[0].shape[0]]
    matrix = sparse.bmat(
        [
            [
                b if b is not None else sparse.csr_matrix((row[0].shape[0], w))
                for b, w in zip(row, (paths, demands, len(extra)), strict=True)
            ]
            for row in kept
        ],
        format="csr",
    )
    parcels = network.demand_parcels.astype(np.float64)
    limits = np.concatenate(
        [room[touched], network.sort_capacity.ravel()[sorts], network.buffer_capacity.ravel()[nights]]
    )
    prices = np.zeros(0) if extra_price is None else extra_price[extra]
    columns = paths + demands + len(extra)
    answer = solve_linear(
        np.concatenate([use.cost, np.full(demands, network.short_cost), prices]),
        matrix,
        np.concatenate([parcels, np.full(len(limits), -np.inf)]),
        np.concatenate([parcels, limits]),
        np.zeros(columns),
        np.full(columns, np.inf),
        seconds=seconds,
    )
    if answer.values is None:
        return None
    return Assignment(answer.values[:paths], answer.values[paths : paths + demands], answer.objective, None)
