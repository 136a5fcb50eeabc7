"""How much more a stronger promotion does: the slope of its effect over discount or strength, as far as its editions show one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data.arrays import Matrix
from data.constants import constant
from forecasting.promotions.promotion_days import PromotionKind


@dataclass(frozen=True)
class SlopeRules:
    """When a measure of promotions has a say."""

    fewest_values: int = constant(
        3, "values", "that a measure must have had, below which it tells nothing", "judgement"
    )
    edition_noise: float = constant(
        0.08, "log", "standard deviation of an edition's effect around what its strength says", "judgement"
    )
    spread: float = constant(
        0.15,
        "log",
        "standard deviation of a slope, for one standard deviation of the measure, before any data",
        "judgement",
    )
    furthest: float = constant(
        2.5, "standard deviations", "of the measure, beyond which it is read as there", "judgement"
    )


SLOPES = SlopeRules()


@dataclass(frozen=True)
class Measure:
    """One measure of one kind of promotion, as the known days have it.

    Attributes
    ----------
    kind, name
        Names of the kind and of the measure.
    values
        [units x days] distance from its mean on known days, in standard deviations; 0 where nothing is said, and without promotion.
    editions
        How many values it had on known days.
    """

    kind: str
    name: str
    values: Matrix
    editions: int


def read_measures(kinds: Sequence[PromotionKind], known: int) -> tuple[Measure, ...]:
    """Read the measures that varied on the known days, and on nothing later."""
    found = []
    for kind in kinds:
        for name, values in kind.measures.items():
            past = values[:, :known]
            distinct = np.unique(past[np.isfinite(past)])
            if distinct.size < SLOPES.fewest_values:
                continue
            middle, width = float(np.nanmean(past)), float(np.nanstd(past))
            scaled = np.clip(np.nan_to_num((values - middle) / width), -SLOPES.furthest, SLOPES.furthest)
            found.append(Measure(kind.name, name, scaled, int(distinct.size)))
    return tuple(found)


def fit_slope(rest: Matrix, precision: Matrix, free: Matrix, editions: int) -> float:
    """Estimate the slope of an effect over a measure.

    Parameters
    ----------
    rest
        [units x days] log that all else leaves, this slope's own part included.
    precision
        [units x days] of each day; 0 for one that says nothing.
    free
        [units x days] the measure, less what the level takes of it.
    editions
        How many values the measure had.

    Returns
    -------
    float
        Log effect of one standard deviation. Days of one edition share what the measure does not say, so its variance is at least
        ``edition_noise**2 / (editions - 1)``; the least-squares slope is shrunk by its prior and by ``1 - variance / slope**2`` (James and Stein
        1961, positive part): a measure that editions do not show to matter stays without effect.
    """
    weight = float((precision * free**2).sum())
    if weight <= 0:
        return 0.0
    slope = float((precision * free * rest).sum()) / weight
    variance = 1.0 / weight + SLOPES.edition_noise**2 / max(editions - 1, 1)
    sure = max(0.0, 1.0 - variance / max(slope**2, 1e-12))
    return slope * sure * SLOPES.spread**2 / (SLOPES.spread**2 + variance)
