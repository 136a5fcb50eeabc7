"""How much work a plan may take: counted, so that a seed repeats it to the byte, with the clock as an emergency brake."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from functools import cache
from time import perf_counter, process_time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

EFFORT = "effort"  # what ended a run whose clock did not cut in
# [s] a search of effort 1 takes at most on one core of the machine that docs/measured/trunk-plan.md tells of
SECONDS_OF_EFFORT = 120.0


@dataclass(slots=True)
class Work:
    """What a run was to do and did, and which of its parts the clock cut short.

    Attributes
    ----------
    made, due
        Counts by kind (moves, neighbourhoods …).
    cut
        Parts that the clock cut short, in the order in which it did.
    stopped
        Whether the planner stopped the search by hand.
    """

    made: dict[str, int] = field(default_factory=dict)
    due: dict[str, int] = field(default_factory=dict)
    cut: list[str] = field(default_factory=list)
    stopped: bool = False

    def count(self, kind: str, made: int, due: int) -> None:
        """Add work done of work due."""
        self.made[kind] = self.made.get(kind, 0) + made
        self.due[kind] = self.due.get(kind, 0) + due

    def tell(self) -> str:
        """Say what ended the run: ``effort``, or the clock or the planner, and what they left undone.

        Examples
        --------
        >>> work = Work()
        >>> work.count("moves", 40, 100)
        >>> work.tell()
        'effort'
        >>> work.cut.append("annealing")
        >>> work.tell()
        'time limit: 40 of 100 moves made'
        """
        if not self.cut and not self.stopped:
            return EFFORT
        undone = [
            f"{self.made[kind]:,} of {due:,} {kind} made" for kind, due in self.due.items() if self.made[kind] < due
        ]
        if not undone:
            undone = [f"{due:,} of {due:,} {kind} made" for kind, due in self.due.items() if due]
            undone += [f"{' and '.join(dict.fromkeys(self.cut))} cut short"] if self.cut else []
        return f"{'stopped by hand' if self.stopped else 'time limit'}: {', '.join(undone)}"


def tell_end(ended_by: str) -> str:
    """Say in a few words what ended a run, by its certificate's ``ended_by``.

    Examples
    --------
    >>> tell_end("effort")
    'ended by effort'
    >>> tell_end("time limit: 40 of 100 moves made")
    'time limit cut in: 40 of 100 moves made'
    """
    if ended_by == EFFORT:
        return "ended by effort"
    return ended_by.replace("time limit:", "time limit cut in:", 1)


def compiled_seconds(clock: str) -> float:
    """Return the seconds of a clock (``wall`` or ``cpu``) that this process has spent compiling loops."""
    # who compiled nothing has not imported the compiler, which takes a second
    return _watch_compiler()(clock) if "numba" in sys.modules else 0.0


@cache
def _watch_compiler() -> Callable[[str], float]:
    """Listen to the compiler from now on; gives the seconds it has been at work, by clock."""
    from numba.core import event

    class CompilingTime(event.Listener):
        def __init__(self) -> None:
            self.depth = 0
            self.begun = {"wall": 0.0, "cpu": 0.0}
            self.spent = {"wall": 0.0, "cpu": 0.0}

        def on_start(self, event: object) -> None:  # noqa: ARG002 (the compiler calls it so)
            if self.depth == 0:
                self.begun = {"wall": perf_counter(), "cpu": process_time()}
            self.depth += 1

        def on_end(self, event: object) -> None:  # noqa: ARG002 (the compiler calls it so)
            self.depth -= 1
            if self.depth == 0:
                self.spent["wall"] += perf_counter() - self.begun["wall"]
                self.spent["cpu"] += process_time() - self.begun["cpu"]

    compiling = CompilingTime()
    event.register("numba:compiler_lock", compiling)  # type: ignore[no-untyped-call]
    return compiling.spent.__getitem__


@dataclass(slots=True)
class Deadline:
    """Time left of a plan or of a part of it; the one place of the planners that reads a clock.

    While loops are compiled, once after installing, the clock stands: no plan is cut short by that.

    Attributes
    ----------
    seconds
        [s] from the start.
    clock
        ``wall`` or ``cpu``.
    part
        What is done in this time.
    work
        Told when the clock cuts in; shared by all parts of a plan.
    whole
        Deadline of the work that this is a part of; None for the whole plan.
    """

    seconds: float
    clock: str = "wall"
    part: str = "search"
    work: Work = field(default_factory=Work)
    whole: Deadline | None = None
    started: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self.started = self._now()

    def _now(self) -> float:
        if self.clock == "cpu":
            return process_time() - compiled_seconds("cpu")
        return perf_counter() - compiled_seconds("wall")

    def spent(self) -> float:
        """Return the seconds since the start."""
        return self._now() - self.started

    def left(self) -> float:
        """Return the seconds left, never below 0."""
        return max(0.0, self.seconds - self.spent())

    def over(self, reserve: float = 0.0) -> bool:
        """Tell whether no more than a reserve [s] is left; where it is asked, work is left, so the clock cuts it short."""
        if self.left() > reserve:
            return False
        self.cut_in()
        return True

    def cut_in(self) -> None:
        """Note that the clock cut this part short."""
        if self.part not in self.work.cut:
            self.work.cut.append(self.part)

    def share(self, part: str, seconds: float) -> Deadline:
        """Return the deadline of a part of this work."""
        return Deadline(seconds, self.clock, part, self.work, self)

    def stop(self) -> None:
        """Leave no time to this part and all it is a part of: what is at work comes to its end, as the planner asked."""
        at: Deadline | None = self
        while at is not None:
            at.seconds, at = 0.0, at.whole
        self.work.stopped = True
