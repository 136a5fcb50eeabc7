"""How far units sold stray from what is expected of them, measured on the sales of past fortnights.

Each quiet fortnight is held against the four quiet weeks before it::

    region:  variance of a region's units, given its item's = chance x mean + (region x mean)^2
    common:  what all items of a hub miss together = common x mean

Chance is 1 where orders come one by one; larger orders and days of their own make it more. The region's part is how its share of an item's orders
drifts, the common part how a hub's trade does: the one is evened out where a warehouse serves many regions, the other is not.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from data.arrays import Floats
from data.constants import constant
from data.keys import ITEM

_CELL = (*ITEM, "destination_region_id")


@dataclass(frozen=True)
class SpreadRules:
    """On what the spread is measured."""

    block: int = constant(14, "days", "of a past fortnight", "judgement")
    level: int = constant(28, "days", "before it that give what was expected", "judgement")
    blocks: int = constant(6, "1", "fortnights looked at, at most", "judgement")
    fewest: float = constant(2.0, "units", "expected of a region and fortnight that counts", "judgement")
    rounds: int = constant(8, "1", "of the weighted fit of variances", "judgement")


SPREAD = SpreadRules()


@dataclass(frozen=True, slots=True)
class Spread:
    """How far units stray: `chance` [variance over mean], `region` and `common` [share of the mean].

    `past` holds the fortnights it was measured on: merchant_id, category, destination_region_id, block, units, due (apart from what all items of
    the fortnight missed together).
    """

    chance: float = 1.0
    region: float = 0.0
    common: float = 0.0
    past: pl.DataFrame | None = field(default=None, compare=False, repr=False)


def measure_spread(known: pl.DataFrame, quiet: pl.Series, homes: pl.DataFrame) -> Spread:
    """Measure how far units sold strayed on past fortnights.

    Parameters
    ----------
    known
        Sales up to the last day known.
    quiet
        Days without a shopping event, in order.
    homes
        merchant_id, category, hub_id: the hub each item leaves from.
    """
    blocks = [_hold_block(known, quiet, number) for number in range(SPREAD.blocks)]
    cells = [block for block in blocks if block is not None]
    if not cells:
        return Spread()
    rows = pl.concat(cells)
    chance, region = _fit_variance(rows)
    together = pl.col("units").sum().over("block") / pl.col("due").sum().over("block")
    past = rows.select(*_CELL, "block", "units", due=pl.col("due") * together)
    return Spread(chance, region, _measure_common(rows, homes), past)


def _hold_block(known: pl.DataFrame, quiet: pl.Series, number: int) -> pl.DataFrame | None:
    """Units of each item and region on a past fortnight beside what the weeks before it gave; None before the first sales.

    Returns
    -------
    polars.DataFrame
        merchant_id, category, destination_region_id, block, units, due (by item and region, of its level before), share (of the item before).
    """
    end = len(quiet) - number * SPREAD.block
    begin = end - SPREAD.block
    if begin < SPREAD.level:
        return None
    now, before = quiet[begin:end], quiet[begin - SPREAD.level : begin]
    sums = [
        known.filter(pl.col("date").is_in(days.implode())).group_by(_CELL).agg(pl.col("units").sum().cast(pl.Float64))
        for days in (now, before)
    ]
    both = sums[0].join(sums[1], on=_CELL, how="full", coalesce=True, suffix="_before")
    filled = both.with_columns(pl.col("units", "units_before").fill_null(0.0)).sort(_CELL)
    item = pl.col("units_before").sum().over(ITEM)
    return filled.filter(item > 0).select(
        *_CELL,
        "units",
        block=pl.lit(number),
        due=pl.col("units_before") * (SPREAD.block / SPREAD.level),
        share=pl.col("units_before") / item,
    )


def _fit_variance(rows: pl.DataFrame) -> tuple[float, float]:
    """Fit chance and the region's part to how regions' units stray given their item's."""
    from scipy.optimize import nnls

    item = pl.col("units").sum().over(*ITEM, "block")
    cells = rows.with_columns(mean=pl.col("share") * item).filter(pl.col("mean") >= SPREAD.fewest)
    if cells.is_empty():
        return 1.0, 0.0
    mean: Floats = cells["mean"].to_numpy()
    # of one item's regions only what is beyond their common sum is seen: the last is given by the others
    seen: Floats = np.maximum(1.0 - cells["share"].to_numpy(), 0.05)
    off = (cells["units"].to_numpy() - mean) ** 2 / mean**2 / seen
    parts = np.column_stack([1.0 / mean, np.ones_like(mean)])
    found = np.array([1.0, 0.05**2])
    for _ in range(SPREAD.rounds):
        weight = 1.0 / np.maximum(parts @ found, 1e-12)
        found = nnls(parts * weight[:, None], off * weight)[0]
    return max(float(found[0]), 1.0), float(np.sqrt(found[1]))


def _measure_common(rows: pl.DataFrame, homes: pl.DataFrame) -> float:
    """Root mean square of what hubs' items miss together, each hub and fortnight by its units."""
    hubs = (
        rows.join(homes, on=ITEM)
        .group_by("hub_id", "block")
        .agg(pl.col("units", "due").sum())
        .filter(pl.col("due") > 0)
        .sort("hub_id", "block")
    )
    if hubs.is_empty():
        return 0.0
    off = ((pl.col("units") / pl.col("due") - 1.0) ** 2 * pl.col("due")).sum() / pl.col("due").sum()
    return float(np.sqrt(hubs.select(off).item()))
