"""How long paths take against what their lanes say, from waybills: what goods sent ahead reckon with at a confidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from data.constants import constant
from routing.stock.costs import PathCosts


@dataclass(frozen=True)
class LeadRules:
    """What waybills must show before lanes are taken to be slower than they say."""

    few: int = constant(50, "waybills", "between two hubs below which nothing is learnt", "judgement")
    most: float = constant(5.0, "1", "times as long as its lanes say, at most", "judgement")


LEADS = LeadRules()
_HOUR = 3600.0


def measure_delay(waybills: pl.DataFrame, path_costs: PathCosts, confidence: float) -> float:
    """Say how many times as long as its lanes say a path takes at most, with a confidence.

    Parameters
    ----------
    waybills
        origin_hub_id, destination_hub_id, picked_up_at, arrived_at.
    path_costs
        Hours between hubs as the lanes say.
    confidence
        Share of waybills that took no longer.

    Returns
    -------
    float
        1 or more; 1 where too few waybills went from hub to hub.
    """
    number = {hub: n for n, hub in enumerate(path_costs.hub_ids)}
    went = waybills.filter(
        (pl.col("arrived_at") > pl.col("picked_up_at"))
        & (pl.col("origin_hub_id") != pl.col("destination_hub_id"))
        & pl.col("origin_hub_id").is_in(path_costs.hub_ids)
        & pl.col("destination_hub_id").is_in(path_costs.hub_ids)
    )
    if went.height < LEADS.few:
        return 1.0
    took = (
        went.select((pl.col("arrived_at") - pl.col("picked_up_at")).dt.total_seconds() / _HOUR).to_series().to_numpy()
    )
    start, end = ([number[hub] for hub in went[name]] for name in ("origin_hub_id", "destination_hub_id"))
    planned_hours = path_costs.bulk_hours[start, end]
    known = np.isfinite(planned_hours) & (planned_hours > 0)
    if known.sum() < LEADS.few:
        return 1.0
    return float(np.clip(np.quantile(took[known] / planned_hours[known], confidence), 1.0, LEADS.most))
