"""Patches of a plan: departures near each other in place and time, around one that leaves room it was paid for unused."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.constants import constant
from routing.trunk.task.network import Flags, Floats, Ints, TrunkNetwork
from routing.trunk.task.paths import PathPool

_FAR = np.inf


@dataclass(frozen=True)
class PatchRules:
    """How large patches are, and what belongs together."""

    arcs: int = constant(80, "departures", "of a patch at most", "judgement")
    paths: int = constant(
        80,
        "paths",
        "in use on a patch's departures, about: what a mixed-integer model settles in hundredths of a second",
        "fitted: cost at equal seconds with 40, 80 and patches of 6 to 160 departures; the sample's peak week by sorts, made networks",
    )
    fewest: int = constant(3, "departures", "of a patch, however many paths they carry", "judgement")
    shapes: tuple[tuple[float, float, float], ...] = constant(
        ((12.0, 0.0, _FAR), (0.0, 12.0, _FAR), (0.0, 0.0, 24.0)),
        "hours",
        "as far as so much later: another hub of origin, another of destination, only going on where the other comes from or goes to; one row is drawn",
        "judgement",
    )
    scatter: float = constant(6.0, "hours", "by which the order of distance is disturbed", "judgement")


PATCH = PatchRules()


@dataclass(frozen=True, slots=True)
class Places:
    """Where and when arcs leave, (R,): hubs of origin and destination, hour, and whether any vehicle can run."""

    tail_hub: Ints
    head_hub: Ints
    hour: Floats
    usable: Flags


def locate_arcs(network: TrunkNetwork, used: Ints) -> Places:
    """Say where and when arcs leave; ``used`` are those that some vehicle can run."""
    usable = np.zeros(network.arcs, dtype=np.bool_)
    usable[used] = True
    usable &= network.arc_drives
    tail = network.arc_tail
    return Places(network.node_hub[tail], network.node_hub[network.arc_head], network.close_hour[tail], usable)


def draw_patch(places: Places, waste: Floats, pool: PathPool, paths: int, generator: np.random.Generator) -> Flags:
    """Draw a departure by what it wastes, and mark those nearest to it until so many paths are in use on them, (R,).

    Parameters
    ----------
    waste : (R,) [CNY]
        Price of the room that vehicles leave unused.
    pool
        Paths in use.
    """
    weight = np.where(places.usable, waste + 1e-9 * max(float(waste.max(initial=0.0)), 1.0), 0.0)
    middle = int(generator.choice(len(waste), p=weight / weight.sum()))
    far = _measure(places, middle, generator)
    order = np.argsort(far, kind="stable")[: PATCH.arcs]
    order = order[np.isfinite(far[order])]
    free = np.zeros(len(waste), dtype=np.bool_)
    free[order[: _count_within(order, len(waste), pool, paths)]] = True
    return free


def _measure(places: Places, middle: int, generator: np.random.Generator) -> Floats:
    """Distance of departures from one [hours], (R,)."""
    far = np.abs(places.hour - places.hour[middle])
    start, end = places.tail_hub[middle], places.head_hub[middle]
    same_start, same_end = places.tail_hub == start, places.head_hub == end
    joins = (places.tail_hub == end) | (places.head_hub == start)
    other_start, other_end, next_to = PATCH.shapes[int(generator.integers(len(PATCH.shapes)))]
    far = far + np.where(same_start, 0.0, other_start) + np.where(same_end, 0.0, other_end)
    far = np.where(same_start | same_end, far, np.where(joins, far + next_to, _FAR))
    far = far + PATCH.scatter * generator.random(len(far))
    far[middle] = 0.0
    return np.where(places.usable, far, _FAR)


def _count_within(order: Ints, arcs: int, pool: PathPool, paths: int) -> int:
    """How many of the departures, in their order, until so many paths are in use on them."""
    rank = np.full(arcs, len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    owner = np.repeat(np.arange(len(pool)), np.diff(pool.pointers))
    on_arc = pool.legs < arcs
    first = np.full(len(pool), len(order), dtype=np.int64)
    np.minimum.at(first, owner[on_arc], rank[pool.legs[on_arc]])
    joined = np.cumsum(np.bincount(first, minlength=len(order) + 1)[: len(order)])
    return max(int(np.searchsorted(joined, paths)) + 1, PATCH.fewest)
