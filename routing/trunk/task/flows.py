"""Whole parcels on paths: rounding a fractional assignment, the loads it makes, and its cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np

from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.task.paths import PathPool, use_paths
from routing.trunk.task.records import Arcs, NodeArcLoads, list_arcs


@dataclass(frozen=True, slots=True)
class Flows:
    """Whole parcels on the paths of a pool.

    Attributes
    ----------
    pool : PathPool
    parcels : (P,) whole, at least 1
    """

    pool: PathPool
    parcels: Ints

    def short(self, network: TrunkNetwork) -> Ints:
        """Parcels of each demand that no path carries, (K,)."""
        carried = np.bincount(self.pool.demand, self.parcels, len(network.demand_parcels))
        return network.demand_parcels - np.rint(carried).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Loads:
    """Parcels on arcs (R,), sorted at nodes (N,), waiting over the night after nodes (N,); cost besides vehicles."""

    arcs: Floats
    sorts: Floats
    nights: Floats
    cost: float


def load_network(network: TrunkNetwork, flows: Flows) -> Loads:
    """Add up what flows load, and what they cost besides vehicles: carriage, handling, holding, short."""
    use = use_paths(network, flows.pool)
    parcels = flows.parcels.astype(np.float64)
    short = float(flows.short(network).sum()) * network.short_cost
    return Loads(use.arcs @ parcels, use.sorts @ parcels, use.nights @ parcels, float(use.cost @ parcels) + short)


def keep_used(pool: PathPool, parcels: Ints) -> Flows:
    """Drop the paths without parcels."""
    used = np.flatnonzero(parcels > 0)
    lengths = np.diff(pool.pointers)
    mask = np.repeat(parcels > 0, lengths)
    pointers = np.concatenate([[0], np.cumsum(lengths[used])]).astype(np.int64)
    return Flows(PathPool(pool.demand[used], pointers, pool.legs[mask]), parcels[used])


def round_parcels(
    network: TrunkNetwork, pool: PathPool, parcels: Floats, asked: Ints, room: tuple[Floats, Floats, Floats]
) -> Flows:
    """Make a fractional assignment whole without going over any limit.

    Parcels are rounded down; what is left of each demand goes to its cheapest paths that have room; what finds none
    stays short.

    Parameters
    ----------
    parcels : (P,)
        Within all limits up to the tolerance of the solver.
    asked : (K,)
        Parcels of each demand.
    room
        Room on arcs (R,), of sorting (N,) and over nights (N,) [parcels].
    """
    whole = np.floor(np.maximum(parcels, 0.0) + 1e-6).astype(np.int64)
    use = use_paths(network, pool)
    cost = use.cost
    rooms = [
        np.floor(limit - matrix @ whole.astype(np.float64) + 1e-6)
        for limit, matrix in zip(room, (use.arcs, use.sorts, use.nights), strict=True)
    ]
    carried = np.bincount(pool.demand, whole.astype(np.float64), len(network.demand_parcels))
    left = asked - np.rint(carried).astype(np.int64)
    order = np.lexsort((cost, pool.demand)).astype(np.int64)
    paths = Paths(network.demand_start[pool.demand], pool.demand, pool.pointers, pool.legs)
    for fill in (False, True):
        _shift(network.after, list_arcs(network), paths, order, NodeArcLoads(*rooms), whole, left, fill)
    return keep_used(pool, whole)


class Paths(NamedTuple):
    """Paths as compiled functions read them: ``start``, ``demand`` (P,), ``pointers`` (P + 1,) into ``legs``."""

    start: Ints
    demand: Ints
    pointers: Ints
    legs: Ints


@numba.njit(cache=True)
def _shift(
    after: Ints, arcs: Arcs, paths: Paths, order: Ints, room: NodeArcLoads, whole: Ints, left: Ints, fill: bool
) -> None:
    """Take parcels off paths that are overfull by rounding, or fill paths up with what is left.

    Parameters
    ----------
    after : (N,)
    order : (P,)
        Paths in the order in which they are looked at.
    room
        What is free [parcels]; modified in place.
    whole : (P,); left : (K,) [parcels]
        On each path, and of each demand on none; modified in place.
    fill
        Whether to fill up.
    """
    for path in order:
        demand = paths.demand[path]
        if fill and left[demand] <= 0:
            continue
        free = _find_room(after, arcs, paths, path, room)
        change = np.int64(0)
        if fill:
            change = left[demand] if free > left[demand] else np.int64(max(free, 0))
        elif free < 0:
            change = max(np.int64(free), -whole[path])
        if change != 0:
            whole[path] += change
            left[demand] -= change
            _use_room(after, arcs, paths, path, room, change)


@numba.njit(cache=True)
def _find_room(after: Ints, arcs: Arcs, paths: Paths, path: int, room: NodeArcLoads) -> float:
    """Least room of all that a path uses [parcels]."""
    free, node = np.inf, paths.start[path]
    for i in range(paths.pointers[path], paths.pointers[path + 1]):
        leg = paths.legs[i]
        if leg < len(arcs.head):
            free = min(free, room.arcs[leg], room.sorts[arcs.tail[leg]])
            node = arcs.head[leg]
        else:
            node = leg - len(arcs.head)
            free = min(free, room.nights[node])
            node = after[node]
    return float(min(free, room.sorts[node]))


@numba.njit(cache=True)
def _use_room(after: Ints, arcs: Arcs, paths: Paths, path: int, room: NodeArcLoads, parcels: np.int64) -> None:
    """Take parcels off the room of all that a path uses; ``room`` is modified in place."""
    node = paths.start[path]
    for i in range(paths.pointers[path], paths.pointers[path + 1]):
        leg = paths.legs[i]
        if leg < len(arcs.head):
            room.arcs[leg] -= parcels
            room.sorts[arcs.tail[leg]] -= parcels
            node = arcs.head[leg]
        else:
            node = leg - len(arcs.head)
            room.nights[node] -= parcels
            node = after[node]
    room.sorts[node] -= parcels
