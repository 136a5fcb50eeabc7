"""Whole parcels on paths: rounding a fractional assignment, the loads it makes, and its cost."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.task.paths import PathPool, use_paths


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
    starts = network.demand_node()
    _fill_up(
        network.after, network.arcs, network.arc_tail, network.arc_head, starts, pool.demand, pool.pointers, pool.legs,
        order, left, whole, rooms[0], rooms[1], rooms[2],
    )  # fmt: skip
    return keep_used(pool, whole)


@numba.njit(cache=True)
def _fill_up(  # type: ignore[no-untyped-def]
    after,
    arcs,
    arc_tail,
    arc_head,
    starts,
    demand,
    pointers,
    legs,
    order,
    left,
    whole,
    arc_room,
    sort_room,
    night_room,
) -> None:
    # overfull by rounding: take parcels off until every resource on a path is within its limit
    for sign in range(2):
        for p in order:
            k = demand[p]
            if sign == 1 and left[k] <= 0:
                continue
            room = np.inf
            end = starts[k]
            for i in range(pointers[p], pointers[p + 1]):
                leg = legs[i]
                if leg < arcs:
                    room = min(room, arc_room[leg], sort_room[arc_tail[leg]])
                    end = arc_head[leg]
                else:
                    room = min(room, night_room[leg - arcs])
                    end = after[leg - arcs]
            room = min(room, sort_room[end])
            if sign == 0:
                change = max(np.int64(room), -whole[p]) if room < 0 else 0
            else:
                change = left[k] if room > left[k] else np.int64(max(room, 0))
            if change == 0:
                continue
            whole[p] += change
            left[k] -= change
            for i in range(pointers[p], pointers[p + 1]):
                leg = legs[i]
                if leg < arcs:
                    arc_room[leg] -= change
                    sort_room[arc_tail[leg]] -= change
                else:
                    night_room[leg - arcs] -= change
            sort_room[end] -= change
