"""Outcomes of draws as the tables ``stress_results``, ``stress_summaries`` and ``demand_draws``."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from routing.stress.layout import Layout
from routing.stress.play import Outcomes
from routing.stress.probability import Probability, estimate
from routing.stress.records import Whole

_HOURS_A_DAY = 24.0
_DAY = "day"


def summarise_hub_days(layout: Layout, scenario: str, policy: str, outcomes: Outcomes, strata: int) -> pl.DataFrame:
    """Give each hub-day on which something is sorted or waits its probability of an overflow.

    Returns
    -------
    pl.DataFrame
        Columns of ``stress_results`` but ``run_id``. drain_hours: mean hours, over the draws in which the hub overflows that day,
        until it no longer does; empty without one.
    """
    busy = (outcomes.handled > 0) | (outcomes.held > 0)
    lasting = _tell_lasting(outcomes.over)
    rows: list[dict[str, Any]] = []
    for day, when in enumerate(layout.dates):
        for hub, name in enumerate(layout.hub_ids):
            if not busy[hub, day]:
                continue
            over = outcomes.over[:, hub, day]
            hits = over > 0
            found = estimate(hits, strata)
            rows.append(
                {
                    "scenario": scenario,
                    "policy": policy,
                    "date": when,
                    "hub_id": name,
                    "sort_id": _DAY,
                    "overflow_probability": found.value,
                    "overflow_low": found.low,
                    "overflow_high": found.high,
                    "expected_overflow": float(over.mean()),
                    "overflow_if_over": float(over[hits].mean()) if hits.any() else None,
                    "drain_hours": float(lasting[hits, hub, day].mean()) * _HOURS_A_DAY if hits.any() else None,
                }
            )
    return pl.DataFrame(
        rows,
        schema={
            "scenario": pl.String,
            "policy": pl.String,
            "date": pl.Date,
            "hub_id": pl.String,
            "sort_id": pl.String,
            "overflow_probability": pl.Float64,
            "overflow_low": pl.Float64,
            "overflow_high": pl.Float64,
            "expected_overflow": pl.Float64,
            "overflow_if_over": pl.Float64,
            "drain_hours": pl.Float64,
        },
    )


def summarise_plan(scenario: str, policy: str, outcomes: Outcomes, probability: Probability) -> dict[str, Any]:
    """Give a row of ``stress_summaries`` but ``run_id``; expected_overflow is the mean of the sum of each hub's worst day."""
    cost = outcomes.costs.sum(axis=1)
    done = int(outcomes.late.sum())
    return {
        "scenario": scenario,
        "policy": policy,
        "draws": int(cost.size),
        "overflow_probability": probability.value,
        "overflow_low": probability.low,
        "overflow_high": probability.high,
        "expected_overflow": float(outcomes.over.max(axis=2).sum(axis=1).mean()),
        "cost_mean": float(cost.mean()),
        "cost_q50": float(np.quantile(cost, 0.5)),
        "cost_q90": float(np.quantile(cost, 0.9)),
        "cost_q99": float(np.quantile(cost, 0.99)),
        "late": float(outcomes.late[1:].sum() / done) if done else 0.0,
        "spot": float(outcomes.spot.mean()),
        "fill": min(float(outcomes.ran[0] / outcomes.ran[1]), 1.0) if outcomes.ran[1] > 0 else None,
    }


def tabulate_draws(layout: Layout, demand: Whole) -> pl.DataFrame:
    """Lay draws out as rows of ``demand_draws`` but ``run_id``; demands of 0 parcels are left out."""
    draw, route = np.nonzero(demand)
    rows = layout.routes[route].with_columns(
        draw=pl.Series(draw.astype(np.int64)), parcels=pl.Series(demand[draw, route])
    )
    return rows.select("draw", "date", "origin_hub_id", "destination_hub_id", "parcels")


def _tell_lasting(over: Whole) -> Whole:
    """Return [draws x hubs x steps] how many steps from each on the hub is over without a break."""
    lasting = np.zeros_like(over)
    ahead = np.zeros(over.shape[:2], dtype=np.int64)
    for step in range(over.shape[2] - 1, -1, -1):
        ahead = np.where(over[:, :, step] > 0, ahead + 1, 0)
        lasting[:, :, step] = ahead
    return lasting
