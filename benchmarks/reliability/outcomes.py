"""What became of one trial, and how trials are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

PASSED = "passed"


@dataclass(frozen=True)
class Trial:
    """One trial.

    Attributes
    ----------
    kind
        What was tried.
    outcome
        How it ended, in a few words.
    passed
        Whether that is as it should be.
    detail
        What tells a failure.
    """

    kind: str
    outcome: str
    passed: bool
    detail: str = ""


@dataclass(frozen=True)
class Section:
    """One part of the page: its title, what was done, and the trials."""

    title: str
    note: str
    trials: tuple[Trial, ...]
    goal: int

    @property
    def failed(self) -> tuple[Trial, ...]:
        """Trials that ended as they should not."""
        return tuple(trial for trial in self.trials if not trial.passed)


def count(trials: Iterable[Trial]) -> list[tuple[str, str, int, int]]:
    """Count trials by kind and outcome: kind, outcome, trials, of them passed."""
    trials = list(trials)
    tried = Counter((trial.kind, trial.outcome) for trial in trials)
    passed = Counter((trial.kind, trial.outcome) for trial in trials if trial.passed)
    return [(*key, number, passed[key]) for key, number in sorted(tried.items())]
