"""What learning is worth: errors on days that were left out of it, against those of the preset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from data.constants import constant

NOTHING_LEFT_OUT = float("nan")


@dataclass(frozen=True)
class LeaveOutRules:
    """When days can be left out."""

    least_days: int = constant(3, "days", "of a class of weather below which nothing can be left out", "judgement")


LEAVE_OUT = LeaveOutRules()


def gain_of_mixture(means: Sequence[float], preset: float, mix: Callable[[Sequence[float]], float]) -> float:
    """Return by how much the mean absolute error of days falls when they are told from the other days, not from the preset.

    Parameters
    ----------
    means
        What each day of a class showed, as logarithm of a factor.
    preset
        Logarithm of the published factor.
    mix
        Gives the logarithm that some days and the preset come to.

    Returns
    -------
    float
        1 - error of the mixture / error of the preset: 1 is perfect, 0 no better, below 0 worse; NaN below three days.

    Examples
    --------
    >>> gain_of_mixture([-0.1, -0.1, -0.1], -0.5, lambda others: sum(others) / len(others))
    1.0
    >>> gain_of_mixture([-0.1, -0.1], -0.5, lambda others: -0.1)
    nan
    """
    if len(means) < LEAVE_OUT.least_days:
        return NOTHING_LEFT_OUT
    days = list(means)
    left_out = [abs(day - mix(days[:number] + days[number + 1 :])) for number, day in enumerate(days)]
    return gain_of_errors(float(np.sum(left_out)), float(np.sum(np.abs(np.asarray(days) - preset))))


def gain_of_errors(learnt: float, preset: float) -> float:
    """Return 1 - error of what was learnt / error of the preset; NaN where the preset makes none.

    Examples
    --------
    >>> gain_of_errors(1.0, 4.0)
    0.75
    """
    return 1.0 - learnt / preset if preset > 0.0 else NOTHING_LEFT_OUT
