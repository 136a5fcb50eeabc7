"""`python -m benchmarks.risk WORKSPACE`: draws a CPU second, the replay of the plan's own demand, and what forecast error costs.

WORKSPACE holds a forecast and a trunk plan, as `radar demo` leaves it. Errors of the draws are scaled by f around their mean.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import polars as pl

from cli.past_plans import read_trunk_plan
from cli.plan_risk import PlanOnDraws, lay_out_plan
from cli.trunk_task import read_options
from data.workspace import Workspace
from routing.stress.play import Outcomes, play_draws
from routing.stress.policies import DEFAULT, RIGID, UNLIMITED, Policy, apply_policy
from routing.stress.probability import estimate
from routing.stress.records import Whole
from routing.stress.stress import StressOptions, hit

DRAWS = 1000
FACTORS = (0.0, 0.5, 1.0, 1.5)


def main() -> None:
    """Measure a workspace's latest trunk plan and print a page."""
    if len(sys.argv) != 2:
        sys.exit("one workspace: python -m benchmarks.risk demo")
    workspace = Workspace.open(Path(sys.argv[1]))
    run_id = workspace.writers("trunk_flows")[-1]
    tables, options = read_trunk_plan(workspace, run_id)
    forecast = workspace.writers("route_forecasts")[-1]
    plan = lay_out_plan(
        tables,
        lambda level: workspace.results(f"{level}_forecasts", forecast),
        workspace.settings.plan,
        read_options(options),
        DRAWS,
        0,
    )
    started = time.process_time()
    demand = np.where(plan.layout.stranded, 0, plan.source.draw(0, DRAWS))
    drawing = time.process_time() - started
    play_draws(apply_policy(plan.layout, DEFAULT), demand[:1])  # compiles
    print(f"# Risk of {run_id}, {DRAWS:,} draws of {forecast}\n")
    print(f"Drawing: {DRAWS / drawing:,.0f} draws a CPU second.\n")
    print("| policy | P any hub over | cost, mean | draws a CPU s |\n|---|---|---|---|")
    for policy in (DEFAULT, RIGID, UNLIMITED):
        started = time.process_time()
        outcomes = play_draws(apply_policy(plan.layout, policy), demand)
        speed = DRAWS / (time.process_time() - started)
        print(f"| {policy.name} | {_tell(outcomes)} | {outcomes.costs.sum(axis=1).mean():,.0f} | {speed:,.0f} |")
    _print_replay(plan, tables["route_demand"], float(tables["plan_certificates"]["cost"][0]))
    _print_errors(plan, demand, DEFAULT)


def _tell(outcomes: Outcomes) -> str:
    return estimate(hit(outcomes), StressOptions().strata).tell()


def _print_replay(plan: PlanOnDraws, planned: pl.DataFrame, cost: float) -> None:
    """Play the plan on its own demand."""
    keys = ["date", "origin_hub_id", "destination_hub_id"]
    own = plan.layout.routes.join(planned.select(*keys, "parcels"), on=keys, how="left", maintain_order="left")
    outcomes = play_draws(plan.layout.network, own["parcels"].fill_null(0).to_numpy()[None, :])
    played = float(outcomes.costs.sum())
    print(
        f"\nReplay of its own demand: {int(outcomes.over.sum()):,} parcels over, {int(outcomes.late[1:].sum()):,} late, cost "
        f"{played:,.0f} against {cost:,.0f} CNY planned ({played / cost - 1:+.2%}).\n"
    )


def _print_errors(plan: PlanOnDraws, demand: Whole, policy: Policy) -> None:
    """Scale the draws' errors and say what a point of error costs."""
    mean = demand.mean(axis=0)
    network = apply_policy(plan.layout, policy)
    print("| errors x | WAPE of routes | P any hub over | cost, mean |\n|---|---|---|---|")
    errors, costs = [], []
    for factor in FACTORS:
        scaled = np.rint(np.maximum(mean + factor * (demand - mean), 0)).astype(np.int64)
        outcomes = play_draws(network, scaled)
        errors.append(float(np.abs(scaled - mean).sum() / (mean.sum() * scaled.shape[0])))
        costs.append(float(outcomes.costs.sum(axis=1).mean()))
        print(f"| {factor:g} | {errors[-1]:.3f} | {_tell(outcomes)} | {costs[-1]:,.0f} |")
    for low, high in ((1, 2), (2, 3)):
        point = (costs[high] - costs[low]) / (errors[high] - errors[low]) / 100
        print(
            f"\nFrom errors x {FACTORS[low]:g} to {FACTORS[high]:g} a point of route WAPE costs {point:,.0f} CNY with this plan."
        )


if __name__ == "__main__":
    main()
