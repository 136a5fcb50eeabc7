"""Plans for tests that ask what becomes of a plan, not how good it is: little is searched, and the relaxation alone proves."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager

from routing.trunk.search.find_plan import RULES
from routing.trunk.task.inputs import TrunkOptions


@contextmanager
def brief_plans(steps: int, *, exact: bool) -> Iterator[None]:
    """Take fewer steps of the relaxation and, unless a plan asks for a share of proof, no exact model and no neighbourhoods.

    On small tasks both take seconds whatever the effort is: a test would wait for a branch and bound it does not look at.
    Other processes plan in full.

    Parameters
    ----------
    steps
        Of the relaxation at most.
    exact
        Whether the exact model is left as it is.
    """
    build = TrunkOptions.__init__
    defaults, most_steps = build.__defaults__ or (), RULES.most_steps
    named = [name for name, one in inspect.signature(TrunkOptions).parameters.items() if one.default is not one.empty]
    if not exact:
        build.__defaults__ = tuple(
            0.0 if name == "proof_share" else value for name, value in zip(named, defaults, strict=True)
        )
    object.__setattr__(RULES, "most_steps", steps)
    try:
        yield
    finally:
        build.__defaults__ = defaults
        object.__setattr__(RULES, "most_steps", most_steps)
