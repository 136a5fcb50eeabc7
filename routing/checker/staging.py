"""Sorted parcels that wait for a later departure, worked out from when parcels come and leave and from how many each sort is said to handle.

A sort takes what is to be done in it, then what leaves first. Whatever order keeps a plan's hours, this one does: two parcels that change
places in the line are as many unsorted, and as many sorted, after every sort.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stay:
    """Parcels at a hub: the first of its sorts that takes them, the one they leave after or end in, how many, and whether they end."""

    come: int
    leave: int
    parcels: int
    ends: bool


@dataclass(frozen=True, slots=True)
class Yard:
    """Parcels that each sort of a hub handles, and that wait after it unsorted and sorted."""

    handled: list[int]
    unsorted: list[int]
    staged: list[int]


def sort_ahead(stays: Sequence[Stay], told: Sequence[float]) -> Yard:
    """Work out what waits at a hub, each sort taking as many parcels as it is said to.

    Parameters
    ----------
    told
        Parcels each sort of the hub is said to handle: never fewer than must be sorted in it, nor more than are at hand.

    Examples
    --------
    Fifty of 150 parcels that leave after the second sort are sorted in the first:

    >>> sort_ahead([Stay(0, 1, 150, False)], [50, 100])
    Yard(handled=[50, 100], unsorted=[100, 0], staged=[50, 0])
    """
    come: dict[int, list[Stay]] = defaultdict(list)
    ends, leaves = [0] * len(told), [0] * len(told)
    for stay in stays:
        come[stay.come].append(stay)
        (ends if stay.ends else leaves)[stay.leave] += stay.parcels
    yard = Yard([], [], [])
    line: list[tuple[int, int, int]] = []
    here = ready = 0
    for sort, asked in enumerate(told):
        for number, stay in enumerate(come.get(sort, ())):
            here += stay.parcels
            if not stay.ends:
                heapq.heappush(line, (stay.leave, number, stay.parcels))
        left, taken = max(int(asked) - ends[sort], 0), 0
        while line and (left > taken or line[0][0] <= sort):
            leave, number, parcels = heapq.heappop(line)
            now = parcels if leave <= sort else min(parcels, left - taken)
            taken += now
            if now < parcels:
                heapq.heappush(line, (leave, number, parcels - now))
        ready += taken - leaves[sort]
        here -= taken + ends[sort]
        yard.handled.append(taken + ends[sort])
        yard.unsorted.append(here)
        yard.staged.append(ready)
    return yard
