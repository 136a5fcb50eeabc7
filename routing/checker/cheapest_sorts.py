"""Prices of the cheapest ways through the sorts of a plan by the clock, swept from the last close to the first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.arrays import Floats, Ints

_BLOCK = 256  # ends swept at once


@dataclass(frozen=True, slots=True)
class Sorts:
    """Sorts of all hubs, N of them.

    Attributes
    ----------
    hub : (N,)
    close : (N,) [whole minutes]
        Moment at which each closes: none of what it sorts is taken by a sort that closes before.
    delivered : (N,) [days]
        When what it finishes goes out.
    after : (N,)
        The hub's next sort, -1 for its last.
    sort_price, wait_price, stage_price : (N,) [CNY/parcel]
        ``inf`` where nothing is sorted, or may wait for the next sort, unsorted or sorted.
    """

    hub: Ints
    close: Ints
    delivered: Floats
    after: Ints
    sort_price: Floats
    wait_price: Floats
    stage_price: Floats


@dataclass(frozen=True, slots=True)
class Runs:
    """Departures with vehicle room: the sorts they join, (R,), and the price of carriage and room [CNY/parcel]."""

    tail: Ints
    head: Ints
    price: Floats


@dataclass(frozen=True, slots=True)
class Surcharges:
    """What an end pays for a run besides the run's own price [CNY/parcel], sorted by end."""

    end: Ints
    run: Ints
    price: Floats


@dataclass(frozen=True, slots=True)
class Ends:
    """What ways lead to, C of them: a hub and when it is due [days, ``inf`` without a promise]; a day late costs `late` [CNY/parcel]."""

    hub: Ints
    due: Floats
    late: float
    surcharges: Surcharges


def price_ways(sorts: Sorts, runs: Runs, ends: Ends, start: Ints, end: Ints) -> Floats:
    """Price of the cheapest way of each parcel from the sort that first takes it to an end.

    Parameters
    ----------
    start : (K,)
        Sort, -1 where none takes it.
    end : (K,)

    Returns
    -------
    (K,) [CNY/parcel]
        ``inf`` where there is no way.
    """
    found = np.full(len(start), np.inf)
    order = np.lexsort((runs.tail, sorts.close[runs.tail]))
    runs = Runs(runs.tail[order], runs.head[order], runs.price[order])
    place_of = np.argsort(order)
    for begin in range(0, len(ends.hub), _BLOCK):
        part = slice(begin, begin + _BLOCK)
        label = _sweep(sorts, runs, Ends(ends.hub[part], ends.due[part], ends.late, _take(ends, begin, place_of)))
        mine = np.flatnonzero((end >= begin) & (end < begin + _BLOCK) & (start >= 0))
        found[mine] = label[start[mine], end[mine] - begin]
    return found


def _take(ends: Ends, begin: int, place_of: Ints) -> Surcharges:
    """Surcharges of a block of ends, their runs by place in the order of the sweep and sorted by it."""
    asked = ends.surcharges
    part = slice(*np.searchsorted(asked.end, [begin, begin + _BLOCK]))
    run = place_of[asked.run[part]] if len(asked.run) else asked.run
    order = np.argsort(run, kind="stable")
    return Surcharges(asked.end[part][order] - begin, run[order], asked.price[part][order])


def _sweep(sorts: Sorts, runs: Runs, ends: Ends) -> Floats:
    """Price from every sort to each end, (N + 1, C); the last row is that of no sort. Runs are sorted by the close they leave at, then sort.

    What a sort has sorted leaves with its own runs or waits, where there is room for it, for those of the hub's next.
    """
    count = len(sorts.hub)
    label = np.full((count + 1, len(ends.hub)), np.inf)
    ready = np.full((count + 1, len(ends.hub)), np.inf)  # of what stands sorted and is to leave
    closes = sorts.close[runs.tail]
    for close in np.unique(sorts.close)[::-1]:
        together = np.flatnonzero(sorts.close == close)
        leaving = np.arange(*np.searchsorted(closes, [close, close + 1]))
        near = sorts.close[runs.head[leaving]] == close
        ended = _finish(sorts, ends, together)
        onward = sorts.stage_price[together][:, None] + ready[sorts.after[together]]
        _reach(onward, together, runs, leaving[~near], label, ends.surcharges)
        waiting = sorts.wait_price[together][:, None] + label[sorts.after[together]]
        label[together] = np.minimum(sorts.sort_price[together][:, None] + np.minimum(onward, ended), waiting)
        while near.any():  # runs that are taken by a sort closing as they leave, until nothing gets cheaper
            _reach(onward, together, runs, leaving[near], label, ends.surcharges)
            better = np.minimum(label[together], sorts.sort_price[together][:, None] + np.minimum(onward, ended))
            if (better >= label[together]).all():
                break
            label[together] = better
        ready[together] = onward
    return label


def _finish(sorts: Sorts, ends: Ends, together: Ints) -> Floats:
    """Price of being at each end once sorted, (sorts, C): that of the days late at its own hub, ``inf`` elsewhere."""
    late = np.maximum(0.0, sorts.delivered[together][:, None] - ends.due[None, :])
    return np.where(
        sorts.hub[together][:, None] == ends.hub[None, :], ends.late * late if ends.late > 0 else 0.0, np.inf
    )


def _reach(onward: Floats, together: Ints, runs: Runs, chosen: Ints, label: Floats, asked: Surcharges) -> None:
    """Lower `onward` (sorts, C) by what the chosen runs, sorted by the sort they leave, lead to."""
    if not len(chosen):
        return
    there = runs.price[chosen][:, None] + label[runs.head[chosen]]
    some = slice(*np.searchsorted(asked.run, [chosen[0], chosen[-1] + 1]))
    place = np.minimum(np.searchsorted(chosen, asked.run[some]), len(chosen) - 1)
    mine = chosen[place] == asked.run[some]
    np.add.at(there, (place[mine], asked.end[some][mine]), asked.price[some][mine])
    tail, first = np.unique(runs.tail[chosen], return_index=True)
    row = np.searchsorted(together, tail)
    onward[row] = np.minimum(onward[row], np.minimum.reduceat(there, first, axis=0))
