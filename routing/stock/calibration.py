"""How much narrower or wider than measured the spread must be for a level to have held on past fortnights.

Squares of what units stray by are larger than how often they stray: a few regions far off make a spread that covers too often. So a level that is forced is held against the
past fortnights themselves, each item's regions pooled as one warehouse serves them, apart from what all items missed together (that is the forecast's, not theirs).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from data.arrays import Floats, Ints
from data.constants import constant
from routing.stock.level import reach_level
from routing.stock.spread import SPREAD, Spread


@dataclass(frozen=True)
class CalibrationRules:
    """When and how far the spread is calibrated."""

    fewest: int = constant(
        50, "1", "items of a warehouse and fortnight, below which nothing is calibrated", "judgement"
    )
    narrowest: float = constant(0.05, "1", "times the spread measured, at least", "judgement")
    widest: float = constant(1.5, "1", "times the spread measured, at most", "judgement")
    steps: int = constant(8, "1", "of the bisection", "judgement")


CALIBRATION = CalibrationRules()
_HALF = 0.5  # at which every spread keeps the same ready


def calibrate(
    spread: Spread,
    level: float,
    best: Ints,
    error: Floats,
    items: Mapping[tuple[str, str], int],
    zones: Mapping[str, int],
) -> Spread:
    """Scale a spread so that `level` held on the past fortnights it was measured on.

    Parameters
    ----------
    spread
        As measured, with its fortnights.
    level
        Probability asked for.
    best : (I, Z)
        Warehouse that serves an item's zone.
    error : (I,)
        Relative error of an item's expectation, which stays as told.
    items, zones
        Numbers of merchant and category, and of the zone of a region.

    Returns
    -------
    Spread
        Unchanged where too little is known, and at a level of one half, which no spread moves.
    """
    if spread.past is None or level == _HALF:
        return spread
    mean, units, squares, cv = _gather(spread.past, best, error, items, zones)
    if len(mean) < CALIBRATION.fewest:
        return spread
    low, high = CALIBRATION.narrowest, CALIBRATION.widest
    for _ in range(CALIBRATION.steps):
        scale = (low + high) / 2
        held = float((units <= reach_level(mean, squares, cv, level, scale_of(spread, scale))).mean())
        # a wider spread keeps more ready above one half, and less below
        low, high = (scale, high) if (held < level) == (level > _HALF) else (low, scale)
    return scale_of(spread, (low + high) / 2)


def scale_of(spread: Spread, scale: float) -> Spread:
    """Scale a spread; orders that come one by one stay the least there is."""
    return replace(
        spread,
        chance=max(spread.chance * scale**2, 1.0),
        region=spread.region * scale,
        common=spread.common * scale,
    )


def _gather(
    past: pl.DataFrame, best: Ints, error: Floats, items: Mapping[tuple[str, str], int], zones: Mapping[str, int]
) -> tuple[Floats, Floats, Floats, Floats]:
    """Sum past fortnights up by item and warehouse: expected, sold, squares of what regions were expected to sell, error of the item."""
    sites, blocks = int(best.max(initial=0)) + 1, SPREAD.blocks
    size = len(best) * blocks * sites
    sums = np.zeros((3, size))
    for merchant, category, region, block, units, due in past.iter_rows():
        item, zone = items.get((merchant, category)), zones.get(region)
        if item is None or zone is None:
            continue
        at = (item * blocks + block) * sites + best[item, zone]
        sums[0, at] += due
        sums[1, at] += units
        sums[2, at] += due**2
    known = sums[0] >= SPREAD.fewest
    of_item = np.repeat(error, blocks * sites)
    return sums[0, known], sums[1, known], sums[2, known], of_item[known]
