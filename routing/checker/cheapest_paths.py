"""Prices of the cheapest paths through the days of a plan, swept from the last day to the first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.arrays import Floats, Ints

_BLOCK = 256  # ends swept at once


@dataclass(frozen=True, slots=True)
class Runs:
    """Lane-days with vehicle room, R of them, sorted by day and hub of departure.

    Attributes
    ----------
    day, start, end, lag : (R,)
        Day of departure, hubs, days under way.
    price : (R,) [CNY/parcel]
        Carriage and room.
    """

    day: Ints
    start: Ints
    end: Ints
    lag: Ints
    price: Floats


@dataclass(frozen=True, slots=True)
class Ends:
    """What paths lead to, C of them: a hub and a due day, or one demand with prices of its own.

    Attributes
    ----------
    hub : (C,)
    late : (C, D) [CNY/parcel]
        Price of ending on a day besides the sorting.
    surcharge_end, surcharge_run, surcharge
        Price [CNY/parcel] that an end pays for a run besides the run's own, sorted by end.
    """

    hub: Ints
    late: Floats
    surcharge_end: Ints
    surcharge_run: Ints
    surcharge: Floats


def price_paths(
    runs: Runs, sort_price: Floats, hold_price: Floats, ends: Ends, hub: Ints, day: Ints, end: Ints
) -> Floats:
    """Price of the cheapest path of each parcel from a hub and day to an end.

    A parcel that stands at a hub is sorted there (at `sort_price`) and then ends or takes a run, or waits a night:

        price[h, t] = min( sort[h, t] + (late[t] at the end's hub, or run + price where and when it arrives),
                           hold[h, t] + price[h, t + 1] )

    Parameters
    ----------
    sort_price, hold_price : (D, H) [CNY/parcel]
        ``inf`` where nothing is sorted or held.
    hub, day, end : (K,)
        Where the parcels are handed in, when, and to which end they go.

    Returns
    -------
    (K,) [CNY/parcel]
        ``inf`` where there is no path.
    """
    found = np.full(len(hub), np.inf)
    first = np.searchsorted(runs.day, np.arange(len(sort_price) + 1))
    for begin in range(0, len(ends.hub), _BLOCK):
        stop = min(begin + _BLOCK, len(ends.hub))
        label = _sweep(runs, first, sort_price, hold_price, ends, begin, stop)
        mine = (end >= begin) & (end < stop)
        found[mine] = label[day[mine], hub[mine], end[mine] - begin]
    return found


def _sweep(
    runs: Runs, first: Ints, sort_price: Floats, hold_price: Floats, ends: Ends, begin: int, stop: int
) -> Floats:
    """Price from every day and hub to the ends of a block, (D, H, block)."""
    days, hubs = sort_price.shape
    width = np.arange(stop - begin)
    label = np.full((days, hubs, stop - begin), np.inf)
    part = slice(*np.searchsorted(ends.surcharge_end, [begin, stop]))
    asked_end, asked_run, asked = ends.surcharge_end[part] - begin, ends.surcharge_run[part], ends.surcharge[part]
    for day in range(days - 1, -1, -1):
        today = np.arange(first[day], first[day + 1])
        here = (asked_run >= first[day]) & (asked_run < first[day + 1])
        price = np.repeat(runs.price[today, None], stop - begin, axis=1)
        np.add.at(price, (asked_run[here] - first[day], asked_end[here]), asked[here])
        onward = np.full((hubs, stop - begin), np.inf)
        onward[ends.hub[begin:stop], width] = ends.late[begin:stop, day]
        far = runs.lag[today] > 0
        _reach(onward, runs, today[far], price[far], label)
        waiting = hold_price[day][:, None] + label[day + 1] if day + 1 < days else np.inf
        label[day] = np.minimum(sort_price[day][:, None] + onward, waiting)
        near, price = today[~far], price[~far]
        while len(near):  # runs that arrive on their day, until nothing gets cheaper
            _reach(onward, runs, near, price, label)
            better = np.minimum(label[day], sort_price[day][:, None] + onward)
            if (better >= label[day]).all():
                break
            label[day] = better
    return label


def _reach(onward: Floats, runs: Runs, chosen: Ints, price: Floats, label: Floats) -> None:
    """Lower `onward` (H, block) by what the chosen runs of a day lead to."""
    if not len(chosen):
        return
    there = price + label[runs.day[chosen] + runs.lag[chosen], runs.end[chosen]]
    start, place = np.unique(runs.start[chosen], return_index=True)
    onward[start] = np.minimum(onward[start], np.minimum.reduceat(there, place, axis=0))
