"""What merchants' plans change on the routes: only the difference of told and expected moves them.

    mean'[o, e, d] = mean[o, e, d] + moved[o, d] x share[o, e]

with the destinations' shares those of the merchants' regions, divided within a region as the hub's routes are and drawn to the hub's own
shares by ``pooled_parcels``. No route falls below nothing; a plan takes no more from a hub than it sends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.arrays import Matrix
from data.constants import constant
from forecasting.series.panel import Panel


@dataclass(frozen=True)
class MoveRules:
    """How plans move routes."""

    pooled_parcels: float = constant(20.0, "parcels", "of the hub's destinations beside the plans' own", "judgement")
    most_of_a_hub: float = constant(0.6, "1", "of a hub's day that plans may take away", "judgement")


MOVES = MoveRules()


def move_routes(
    mean: Matrix,
    panel: Panel,
    dates: NDArray[np.datetime64],
    moves: pl.DataFrame,
    region_of_hub: Mapping[str, str | None],
) -> Matrix:
    """Put what plans change on the routes.

    Parameters
    ----------
    mean
        [routes x days] parcels without plans.
    panel
        Names the routes.
    dates
        [days].
    moves
        date, hub_id, region_id, parcels: what plans add for a region's buyers, less what they take away.
    region_of_hub
        Region of each hub.

    Returns
    -------
    numpy.ndarray
        [routes x days] parcels with plans.
    """
    changed = mean.copy()
    origins = panel.routes["origin_hub_id"].to_numpy()
    regions = np.array([region_of_hub.get(hub) or "" for hub in panel.routes["destination_hub_id"]], dtype=object)
    first = dates[0].astype("datetime64[D]")
    for (hub,), rows in moves.group_by("hub_id", maintain_order=True):
        here = np.flatnonzero(origins == hub)
        if not here.size:
            continue
        for (day,), of_day in rows.group_by("date", maintain_order=True):
            at = int((np.datetime64(day, "D") - first).astype(int))
            if 0 <= at < dates.size:
                wanted = dict(of_day.select("region_id", "parcels").iter_rows())
                changed[here, at] = _move_day(mean[here, at], regions[here], wanted)
    return changed


def _move_day(sent: Matrix, regions: NDArray[np.object_], wanted: Mapping[str, float]) -> Matrix:
    """Move one hub's day: `sent` by route, `regions` of their ends, `wanted` parcels by region."""
    total = float(sent.sum())
    own = sent / total if total > 0 else np.full(len(sent), 1.0 / len(sent))
    moved = np.zeros(len(sent))
    for region, parcels in wanted.items():
        inside = own * (regions == region)
        share = inside / inside.sum() if inside.sum() > 0 else own
        drawn = MOVES.pooled_parcels / (MOVES.pooled_parcels + abs(parcels))
        moved += parcels * ((1.0 - drawn) * share + drawn * own)
    least = -MOVES.most_of_a_hub * total
    if moved.sum() < least:
        moved *= least / moved.sum()
    found: Matrix = np.maximum(sent + moved, 0.0)
    return found
