"""What a play of many futures moves about: paths, cells of parcels, sorts in their turn, and what is handed in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]


class Leave(NamedTuple):
    """With which departure parcels should leave: the sort after which it loads, its number among those of its lane then, by the hour."""

    step: int
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Path:
    """What is left of a way: its lanes, the departures with which the plan leaves (none off its ways), when it is to be done.

    ``earlier`` parcels were handed in before the plan and ride on vehicles of another one.
    """

    legs: tuple[int, ...]
    plan: tuple[Leave, ...]
    done: int
    due: float
    earlier: bool = False

    @property
    def key(self) -> object:
        """What cells are told apart by."""
        return (self.legs, self.plan, self.done, self.due, self.earlier)

    @property
    def lane(self) -> int | None:
        """Lane it waits for; None where it leaves as soon as it is sorted."""
        return self.legs[0] if self.legs and not self.earlier else None

    def rest(self) -> Path:
        """The path after its first lane."""
        return replace(self, legs=self.legs[1:], plan=self.plan[1:])


@dataclass(slots=True, eq=False)
class Cell:
    """Parcels of one path that came to a hub for one sort, a count for each future."""

    path: Path
    arrived: int
    leave: Leave
    unsorted: Counts
    ready: Counts

    def is_early(self, step: int) -> bool:
        """Whether it is the plan's own and its departure leaves after a later sort."""
        return bool(self.path.plan) and self.leave.step > step


class Visit(NamedTuple):
    """A sort in its turn: hub, number, business day, whether it is the first and last visit of it, and the first sort of its day."""

    hub: int
    step: int
    day: int
    first: bool
    last: bool
    new_day: bool


class HandIn(NamedTuple):
    """Part of a demand that is at hand for a sort and takes a path, by cumulative shares."""

    column: int
    path: Path
    low: int
    high: int
    total: int
    since: float
    until: float
