"""How often what came lay below each quantile in backtests that the quantile had not been corrected by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.arrays import Flags, Matrix
from data.constants import constant
from data.quantiles import QUANTILE_LEVELS

Numbers = NDArray[np.int64]

Corrections = Mapping[tuple[int, bool], Matrix]
"""(volume class, event) -> the level to read for each calibrated one."""


@dataclass(frozen=True)
class CheckRules:
    """When quantiles can be checked, and how sure the check is."""

    fewest_cutoffs: int = constant(3, "backtests", "below which nothing is left out", "judgement")
    sure: float = constant(
        1.96, "standard errors", "between backtests, either side of what was seen", "published: normal distribution"
    )


CHECK = CheckRules()


@dataclass(frozen=True)
class CalibrationFigure:
    """What was seen of one quantile.

    Attributes
    ----------
    level
        network, region, hub, route or outlet.
    stated
        Level of the quantile: the part of days that ought to lie at or below it.
    seen
        The part that did.
    low, high
        95 % interval of ``seen`` from how backtests differ.
    days
        Days of series compared.
    backtests
        Cut-offs they are from.
    """

    level: str
    stated: float
    seen: float
    low: float
    high: float
    days: int
    backtests: int


def check_quantiles(
    level: str,
    transforms: Matrix,
    classes: Numbers,
    event: Flags,
    backtest: Numbers,
    levels: tuple[float, ...],
    correct: Callable[[Flags], Corrections],
) -> tuple[CalibrationFigure, ...]:
    """Correct the quantiles without each backtest in turn, and count on it.

    Parameters
    ----------
    level
        Name of the level.
    transforms
        [n] probability integral transforms of what came.
    classes, event, backtest
        [n] volume class, whether an event stands on the day, and number of the backtest.
    levels
        Levels calibrated.
    correct
        Learns the corrections from chosen cells.

    Returns
    -------
    tuple of CalibrationFigure
        One for each published quantile; none with fewer than three backtests.
    """
    numbers = np.unique(backtest)
    if numbers.size < CHECK.fewest_cutoffs:
        return ()
    chosen = [at for at, wanted in enumerate(levels) if wanted in QUANTILE_LEVELS]
    below = np.zeros((numbers.size, len(chosen)))
    size = np.zeros(numbers.size)
    for row, number in enumerate(numbers.tolist()):
        own = backtest == number
        corrections = correct(~own)
        size[row] = own.sum()
        for (series_class, on_event), corrected in corrections.items():
            cells = transforms[own & (classes == series_class) & (event == on_event)]
            below[row] += (cells[:, None] <= corrected[chosen]).sum(axis=0)
    total = size.sum()
    seen = below.sum(axis=0) / total
    rest = below - size[:, None] * seen
    error = np.sqrt((rest**2).sum(axis=0) * numbers.size / (numbers.size - 1)) / total
    return tuple(
        CalibrationFigure(
            level,
            levels[at],
            float(seen[column]),
            float(np.clip(seen[column] - CHECK.sure * error[column], 0.0, 1.0)),
            float(np.clip(seen[column] + CHECK.sure * error[column], 0.0, 1.0)),
            int(total),
            int(numbers.size),
        )
        for column, at in enumerate(chosen)
    )
