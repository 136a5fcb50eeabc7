"""The sample's plan: its own demand, draws a CPU second, how sure an interval is, and what forecast error costs."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.risk.page import Bar, Section, Table
from cli.past_plans import read_trunk_plan
from cli.plan_risk import PlanOnDraws, lay_out_plan
from cli.trunk_task import read_options
from data.workspace import Workspace
from routing.stress.play import Outcomes, play_draws
from routing.stress.policies import DEFAULT, RIGID, UNLIMITED, apply_policy
from routing.stress.probability import estimate
from routing.stress.records import Whole
from routing.stress.stress import StressOptions, hit

DRAWS = 1000
FACTORS = (0.0, 0.5, 1.0, 1.5)
MANY, FEW = 40_000, 200  # draws that stand for the truth, draws of an interval
STRATA = StressOptions().strata
KEYS = ["date", "origin_hub_id", "destination_hub_id"]


def open_plan(folder: Path, draws: int = DRAWS) -> tuple[PlanOnDraws, dict[str, pl.DataFrame]]:
    """Lay a workspace's latest trunk plan out, with its tables."""
    workspace = Workspace.open(folder)
    tables, options = read_trunk_plan(workspace, workspace.writers("trunk_flows")[-1])
    forecast = workspace.writers("route_forecasts")[-1]
    plan = lay_out_plan(
        tables,
        lambda level: workspace.results(f"{level}_forecasts", forecast),
        workspace.settings.plan,
        read_options(options),
        draws,
        0,
    )
    return plan, tables


def replay(folder: Path) -> Section:
    """Play the plan on its own demand: bar 1."""
    plan, tables = open_plan(folder)
    layout = plan.layout
    planned = tables["route_demand"].group_by(KEYS).agg(pl.col("parcels").sum())
    own = layout.routes.join(planned, on=KEYS, how="left", maintain_order="left")["parcels"].fill_null(0)
    outcomes = play_draws(layout.network, own.to_numpy()[None, :])
    certificate = tables["plan_certificates"].row(0, named=True)
    over, cost, stated = int(outcomes.over.sum()), float(outcomes.costs.sum()), float(certificate["cost"])
    late, certified = int(outcomes.late[1:].sum()), int(certificate["parcels_late"] or 0)
    waits, meant = float(outcomes.held.sum()), float(tables["hub_loads"]["held"].sum())
    bars = [
        Bar("plan on its own demand: parcels over", "0", f"{over:,}", over == 0),
        Bar(
            "the same: cost against the plan's",
            "within .5 %",
            f"{cost / stated - 1:+.2%}",
            abs(cost / stated - 1) <= 0.005,
        ),
        Bar("the same: parcels held", "within 5 %", f"{waits / meant - 1:+.1%}", abs(waits / meant - 1) <= 0.05),
    ]
    note = (
        f"The checker finds {certificate['violations']} rules broken and {certificate['parcels_short']} parcels short; {certified:,} parcels of the plan come "
        f"after their promise, {late:,} in the play."
    )
    return Section("The plan on its own demand", bars, [note])


def speed(folder: Path) -> Section:
    """Probability and cost under each policy, and draws a CPU second: bar 3 for the sample."""
    plan, _ = open_plan(folder)
    started = time.process_time()
    demand = draw(plan, 0, DRAWS)
    drawing = DRAWS / (time.process_time() - started)
    play_draws(apply_policy(plan.layout, DEFAULT), demand[:1])  # compiles
    rows, best = [], 0.0
    for policy in (DEFAULT, RIGID, UNLIMITED):
        started = time.process_time()
        outcomes = play_draws(apply_policy(plan.layout, policy), demand)
        pace = DRAWS / (time.process_time() - started)
        best = pace if policy is DEFAULT else best
        mean = outcomes.costs.sum(axis=1).mean()
        rows.append(
            [
                policy.name,
                tell(outcomes),
                f"{mean:,.0f}",
                f"{outcomes.over.max(axis=2).sum(axis=1).mean():,.0f}",
                f"{pace:,.0f}",
            ]
        )
    bars = [Bar("sample, draws a CPU second", ">= 400", f"{best:,.0f}", best >= 400)]
    header = ("policy", "P(any hub over)", "cost, mean", "parcels over, mean", "draws a CPU s")
    return Section(
        "The sample on its draws",
        bars,
        [f"{DRAWS:,} draws; drawing: {drawing:,.0f} a CPU second."],
        [Table(header, rows)],
    )


def interval(folder: Path) -> Section:
    """How often intervals of few draws hold what many say: bar 4."""
    plan, _ = open_plan(folder, MANY)
    network = apply_policy(plan.layout, DEFAULT)
    hits = np.concatenate([hit(play_draws(network, draw(plan, at, at + DRAWS))) for at in range(0, MANY, DRAWS)])
    truth = estimate(hits, STRATA).value
    held = [
        found.low <= truth <= found.high
        for found in (estimate(hits[at : at + FEW], STRATA) for at in range(0, MANY, FEW))
    ]
    share = float(np.mean(held))
    note = f"{len(held)} runs of {FEW} draws each against all {MANY:,}, which say {truth:.1%}. By chance alone 200 right intervals hold it in 92 to 98 %."
    return Section(
        "How sure an interval is",
        [Bar(f"95 % interval of {FEW} draws holds the truth", "93 to 97 %", f"{share:.0%}", 0.93 <= share <= 0.97)],
        [note],
    )


def errors(folder: Path) -> Section:
    """Scale the draws' errors and say what a point of error costs: bar 9."""
    plan, _ = open_plan(folder)
    demand = draw(plan, 0, DRAWS)
    mean, network = demand.mean(axis=0), apply_policy(plan.layout, DEFAULT)
    rows, wape, costs = [], [], []
    for factor in FACTORS:
        scaled = np.rint(np.maximum(mean + factor * (demand - mean), 0)).astype(np.int64)
        outcomes = play_draws(network, scaled)
        wape.append(float(np.abs(scaled - mean).sum() / (mean.sum() * scaled.shape[0])))
        costs.append(float(outcomes.costs.sum(axis=1).mean()))
        rows.append([f"{factor:g}", f"{wape[-1]:.3f}", tell(outcomes), f"{costs[-1]:,.0f}"])
    below, above = ((costs[k + 1] - costs[k]) / (wape[k + 1] - wape[k]) / 100 for k in (1, 2))
    line = f"{below:,.0f} CNY below today's error, {above:,.0f} above it"
    note = "Errors of the draws scaled by f around their mean, plan kept."
    return Section(
        "What a point of route WAPE costs",
        [Bar("a point of route WAPE costs", "told", line, True)],
        [note],
        [Table(("f", "WAPE of routes", "P(any hub over)", "cost, mean"), rows)],
    )


def draw(plan: PlanOnDraws, start: int, end: int) -> Whole:
    """Draw demand that lanes lead to."""
    return np.where(plan.layout.stranded, 0, plan.source.draw(start, end))


def tell(outcomes: Outcomes) -> str:
    """Tell the probability that any hub overflows, with its interval."""
    return estimate(hit(outcomes), STRATA).tell()
