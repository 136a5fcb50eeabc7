"""Demand raised where a plan overflows, so that planning again has more vehicles there and spreads what comes over more days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from data.constants import constant

HubDay = tuple[str, date]


@dataclass(frozen=True)
class Raising:
    """How much more is planned for where a hub-day overflows."""

    least: float = constant(0.005, "share", "probability of a hub-day that counts", "judgement")
    likely: float = constant(0.02, "share", "probability from which more is added", "judgement")
    little: float = constant(1.06, "ratio", "of one that counts", "judgement")
    much: float = constant(1.10, "ratio", "of a likely one", "judgement")
    most: float = constant(1.5, "ratio", "at most, all rounds together", "judgement")
    days_before: int = constant(2, "days", "before it that are raised with it", "judgement")


RAISING = Raising()


def raise_factors(factors: Mapping[HubDay, float], hub_days: pl.DataFrame) -> dict[HubDay, float]:
    """Raise the factors of hub-days that overflow and of the days before them.

    Parameters
    ----------
    factors
        By hub and day; 1 where there is none.
    hub_days
        date, hub_id, overflow_probability: of ``stress_results`` under one policy without an incident.

    Returns
    -------
    dict
        New factors; a day before several hub-days that overflow is raised once, by the largest.
    """
    steps: dict[HubDay, float] = {}
    for when, hub, likely in hub_days.select("date", "hub_id", "overflow_probability").iter_rows():
        if likely <= RAISING.least:
            continue
        step = RAISING.much if likely >= RAISING.likely else RAISING.little
        for before in range(RAISING.days_before + 1):
            key = (hub, when - timedelta(days=before))
            steps[key] = max(steps.get(key, 1.0), step)
    raised = dict(factors)
    for key, step in steps.items():
        raised[key] = min(factors.get(key, 1.0) * step, RAISING.most)
    return raised


def raise_demand(demand: pl.DataFrame, factors: Mapping[HubDay, float]) -> pl.DataFrame:
    """Plan each route for more where it starts, or where it arrives on the next day, by the larger of both factors.

    Parameters
    ----------
    demand
        date, origin_hub_id, destination_hub_id, parcels.
    factors
        By hub and day.

    Returns
    -------
    pl.DataFrame
        The same rows, parcels rounded up.
    """
    if not factors:
        return demand
    rows = [(hub, when, factor) for (hub, when), factor in factors.items()]
    table = pl.DataFrame(rows, schema={"hub": pl.String, "on": pl.Date, "factor": pl.Float64}, orient="row")
    there = table.rename({"factor": "there"}).with_columns(on=pl.col("on").dt.offset_by("-1d"))
    return (
        demand.join(table, left_on=["origin_hub_id", "date"], right_on=["hub", "on"], how="left", maintain_order="left")
        .join(there, left_on=["destination_hub_id", "date"], right_on=["hub", "on"], how="left", maintain_order="left")
        .with_columns(
            parcels=(pl.col("parcels") * pl.max_horizontal("factor", "there").fill_null(1.0)).ceil().cast(pl.Int64)
        )
        .drop("factor", "there")
    )
