"""Paths planners accept: no hub twice, few legs, no long detour.

A path of k legs and km kilometres from o to e is accepted where

    k <= most_legs        no hub is visited twice        km <= max(ratio x direct(o, e), direct(o, e) + km more)

(what leads from a sort to the staging behind it is no leg), with direct the kilometres of the shortest way over road lanes; where no road joins the hubs, kilometres do not count. Where a sort
plan orders which lanes a hub loads for a destination, a path takes no others; it then passes no hub twice either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numba
import numpy as np

from routing.trunk.task.sorts import Flags, Floats, Ints

if TYPE_CHECKING:
    import polars as pl

    from routing.trunk.task.inputs import TrunkOptions

_ANY = 1 << 30  # legs of a path that is not bounded
_NOISE = 1e-6  # [km]


class PathRules(NamedTuple):
    """What paths may be.

    Attributes
    ----------
    bounded
        Whether anything is asked of paths at all.
    most_legs
    direct_km, most_km : (H, H) [km]
        Shortest way by road from hub to hub, 0 where no road joins them, and the longest path; ``inf`` without a bound.
    arc_km : (R,) [km]
    tail_hub, head_hub : (R,)
        Hubs that arcs leave and reach.
    ordered : (R, H), or (0, 0) where every lane may be loaded
        Whether a sort plan lets parcels for a destination go over an arc.
    """

    bounded: bool
    most_legs: int
    direct_km: Floats
    most_km: Floats
    arc_km: Floats
    tail_hub: Ints
    head_hub: Ints
    ordered: Flags


def lay_rules(options: TrunkOptions, lanes: pl.DataFrame, ends: tuple[Ints, Ints], hubs: int, lane: Ints) -> PathRules:
    """Lay the rules of the options out over hubs and arcs.

    Parameters
    ----------
    lanes
        Table ``lanes`` in the order of its numbers.
    ends
        Hubs of origin and destination of each lane.
    lane : (R,)
        Lane of each arc.
    """
    km = lanes["distance_km"].to_numpy().astype(np.float64)
    direct = np.full((hubs, hubs), np.inf)
    np.fill_diagonal(direct, 0.0)
    road = np.array([mode == "road" for mode in lanes["mode"].to_list()], dtype=np.bool_)
    np.minimum.at(direct, (ends[0][road], ends[1][road]), km[road])
    for via in range(hubs):
        direct = np.minimum(direct, direct[:, via, None] + direct[None, via, :])
    known = np.isfinite(direct)
    most = np.full((hubs, hubs), np.inf)
    if options.max_detour_ratio is not None or options.max_detour_km is not None:
        ratio = 1.0 if options.max_detour_ratio is None else options.max_detour_ratio
        more = 0.0 if options.max_detour_km is None else options.max_detour_km
        most[known] = np.maximum(ratio * direct[known], direct[known] + more)
    legs = _ANY if options.max_legs is None else options.max_legs
    bounded = options.max_legs is not None or bool(np.isfinite(most).any())
    every = np.zeros((0, 0), dtype=np.bool_)
    return PathRules(bounded, legs, np.where(known, direct, 0.0), most, km[lane], ends[0][lane], ends[1][lane], every)


def order_lanes(rules: PathRules, ordered: Flags) -> PathRules:
    """Let parcels for a destination go only over the arcs a sort plan names, (R, H)."""
    return rules._replace(bounded=True, ordered=ordered)


def mark_refused(rules: PathRules) -> Flags:
    """Mark the arcs that no accepted path to a hub begins with, (R, H).

    Their km + direct from there exceed what is accepted from here, or the sort plan names them not.
    """
    ways = rules.arc_km[:, None] + rules.direct_km[rules.head_hub]
    refused: Flags = ways > rules.most_km[rules.tail_hub] + _NOISE
    refused = refused | ~rules.ordered if len(rules.ordered) else refused
    refused &= (rules.tail_hub != rules.head_hub)[:, None]
    return refused


@numba.njit(cache=True)
def mark_paths(pointers: Ints, legs: Ints, origin: Ints, destination: Ints, rules: PathRules, accepted: Flags) -> None:
    """Mark the accepted ones of paths that stand one behind another, (P,).

    Parameters
    ----------
    pointers : (P + 1,)
        Where the legs of each path begin.
    origin, destination : (P,)
        Hubs that paths join.
    """
    for p in range(len(accepted)):
        first, last = pointers[p], pointers[p + 1]
        accepted[p] = is_accepted(legs[first:last], last - first, origin[p], destination[p], rules)


@numba.njit(cache=True)
def is_accepted(legs: Ints, length: int, origin: int, destination: int, rules: PathRules) -> bool:
    """Whether the first legs of an array, in whatever order, are a path planners accept; waiting counts nothing.

    Parameters
    ----------
    legs : (>= length,)
        Arcs, and numbers from the number of arcs on for waiting.
    origin, destination
        Hubs of the demand.
    """
    count, km, arcs = 0, 0.0, len(rules.arc_km)
    for i in range(length):
        arc = legs[i]
        if arc >= arcs or _is_staging(arc, rules):
            continue
        count += 1
        km += rules.arc_km[arc]
        if rules.head_hub[arc] == origin or not _is_ordered(arc, destination, rules):
            return False
        for j in range(i):
            same = legs[j] < arcs and rules.head_hub[legs[j]] == rules.head_hub[arc]
            if same and not _is_staging(legs[j], rules):
                return False
    return bool(count <= rules.most_legs and km <= rules.most_km[origin, destination] + _NOISE)


@numba.njit(cache=True)
def _is_ordered(arc: int, goal: int, rules: PathRules) -> bool:
    """Whether the sort plan, where there is one, lets parcels for a hub go over an arc."""
    return len(rules.ordered) == 0 or bool(rules.ordered[arc, goal])


@numba.njit(cache=True)
def _is_staging(arc: int, rules: PathRules) -> bool:
    """Whether an arc leads from a sort to the staging behind it, and nowhere else."""
    return bool(rules.tail_hub[arc] == rules.head_hub[arc])


@numba.njit(cache=True)
def may_go_on(arc: int, start: int, goal: int, parent: Ints, tail: Ints, rules: PathRules) -> bool:
    """Whether a path from ``start`` along ``parent`` to the tail of an arc may go on over it, and then straight to the goal.

    Parameters
    ----------
    parent : (N,)
        Leg by which each node of the path was reached.
    tail : (R,)
        Node each arc leaves.
    """
    if _is_staging(arc, rules):
        return True
    if not _is_ordered(arc, goal, rules):
        return False
    hub, origin, arcs = rules.head_hub[arc], rules.tail_hub[arc], len(rules.arc_km)
    count, km = 1, rules.arc_km[arc] + rules.direct_km[hub, goal]
    at = tail[arc]
    while at != start:
        leg = parent[at]
        if leg >= arcs:
            at = leg - arcs
            continue
        if _is_staging(leg, rules):
            at = tail[leg]
            continue
        if rules.head_hub[leg] == hub:
            return False
        origin = rules.tail_hub[leg]
        count += 1
        km += rules.arc_km[leg]
        at = tail[leg]
    return bool(hub != origin and count <= rules.most_legs and km <= rules.most_km[origin, goal] + _NOISE)
