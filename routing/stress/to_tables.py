"""Outcomes of draws as the tables ``stress_results``, ``stress_summaries`` and ``demand_draws``."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from routing.stress.layout import Layout
from routing.stress.play import Outcomes
from routing.stress.probability import Probability, estimate
from routing.stress.records import Money, Whole


def summarise_hub_days(layout: Layout, scenario: str, policy: str, outcomes: Outcomes, strata: int) -> pl.DataFrame:
    """Give each sort of the plan in which something is sorted or waits its probability of an overflow; by days each hub-day.

    Returns
    -------
    pl.DataFrame
        Columns of ``stress_results`` but ``run_id``. drain_hours: mean hours, over the draws in which the hub overflows that day,
        until it no longer does; empty without one. date: the business date of the sort.
    """
    busy = (outcomes.handled > 0) | (outcomes.held > 0)
    steps = layout.steps
    lasting = _tell_lasting(outcomes.over, steps.gap)
    rows: list[dict[str, Any]] = []
    for at in np.lexsort((steps.close.ravel(), np.repeat(np.arange(busy.shape[0]), busy.shape[1]), steps.day.ravel())):
        hub, step = divmod(int(at), busy.shape[1])
        if busy[hub, step] and steps.day[hub, step] >= layout.network.clock.first_demand:
            over = outcomes.over[:, hub, step]
            hits = over > 0
            found = estimate(hits, strata)
            rows.append(
                {
                    "scenario": scenario,
                    "policy": policy,
                    "date": layout.date_of(hub, step),
                    "hub_id": layout.hub_ids[hub],
                    "sort_id": steps.sort_ids[hub][step],
                    "overflow_probability": found.value,
                    "overflow_low": found.low,
                    "overflow_high": found.high,
                    "expected_overflow": float(over.mean()),
                    "overflow_if_over": float(over[hits].mean()) if hits.any() else None,
                    "drain_hours": float(lasting[hits, hub, step].mean()) if hits.any() else None,
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


def _tell_lasting(over: Whole, gap: Money) -> Money:
    """Return [draws x hubs x steps] for how many hours from each step on the hub is over without a break."""
    lasting = np.zeros(over.shape)
    ahead = np.zeros(over.shape[:2])
    for step in range(over.shape[2] - 1, -1, -1):
        ahead = np.where(over[:, :, step] > 0, ahead + gap[:, step], 0.0)
        lasting[:, :, step] = ahead
    return lasting
