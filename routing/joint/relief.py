"""Which nearly full hub-days stock placed ahead relieves, by what is asked of their sorting without and with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from data.arrays import Floats
from data.constants import constant
from routing.joint.answers import sum_by_day
from routing.trunk.task.network import TrunkNetwork


@dataclass(frozen=True)
class ReliefRules:
    """Which hub-days are told."""

    least: float = constant(0.05, "1", "of capacity; smaller differences of a hub-day are not told", "judgement")
    tight: float = constant(0.8, "1", "of capacity; hub-days further from full are not told", "judgement")


RELIEF = ReliefRules()
_HUB_DAY = ("date", "hub_id")


def measure_use(loads: pl.DataFrame, shortfalls: pl.DataFrame) -> pl.DataFrame:
    """Measure what a plan asks of the hubs by day, parcels short at the hub they wait at.

    Parameters
    ----------
    loads, shortfalls
        Rows of ``hub_loads`` and ``shortfalls`` of one plan.

    Returns
    -------
    polars.DataFrame
        date, hub_id, use [share of the day's sorting capacity]; hub-days that sort nothing or without bound are left out.
    """
    short = shortfalls.group_by("date", hub_id="origin_hub_id").agg(short=pl.col("parcels").sum())
    by_day = loads.group_by(*_HUB_DAY).agg(
        pl.col("handled").sum(), pl.col("capacity").sum(), bounded=pl.col("capacity").is_not_null().all()
    )
    bounded = by_day.filter(pl.col("bounded") & (pl.col("capacity") > 0)).join(short, on=_HUB_DAY, how="left")
    use = (pl.col("handled") + pl.col("short").fill_null(0)) / pl.col("capacity")
    return bounded.select(*_HUB_DAY, use=use).sort(_HUB_DAY)


def list_relieved(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """List the nearly full hub-days of which less is asked than with nothing ahead, most relieved first: date, hub_id, before, after."""
    return _compare(before, after).filter(pl.col("before") >= RELIEF.tight)


def list_burdened(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """List the hub-days that come to be nearly full by stock placed ahead, the most burdened first: date, hub_id, before, after."""
    turned = (
        _compare(after, before).rename({"before": "after", "after": "before"}).filter(pl.col("after") >= RELIEF.tight)
    )
    return turned.select(*_HUB_DAY, "before", "after")


def _compare(more: pl.DataFrame, less: pl.DataFrame) -> pl.DataFrame:
    """Hub-days with clearly more of their capacity asked in one plan than in another, the greatest difference first."""
    both = more.join(less, on=_HUB_DAY, suffix="_less", how="left").select(
        *_HUB_DAY, before="use", after=pl.col("use_less").fill_null(0.0)
    )
    eased = pl.col("before") - pl.col("after")
    return both.filter(eased >= RELIEF.least).sort(eased, "date", "hub_id", descending=[True, False, False])


def use_in_parts(network: TrunkNetwork, asked: Floats) -> pl.DataFrame:
    """What an answer in parts of vehicles asks of the hubs (D, H) [parcels], as :func:`measure_use` tells it."""
    capacity = sum_by_day(network, network.sort_capacity)
    day, hub = np.nonzero(np.isfinite(capacity) & (capacity > 0))
    return pl.DataFrame(
        {
            "date": pl.Series([network.day(d) for d in day.tolist()], dtype=pl.Date),
            "hub_id": pl.Series([network.hub_ids[h] for h in hub.tolist()], dtype=pl.String),
            "use": asked[day, hub] / capacity[day, hub],
        }
    )
