"""`python -m benchmarks.joint WORKSPACE [--whole[=PLAN]] [--sorts] [--rounds] [CASE ...]`: the joint plan beside nothing ahead and one pass, vehicles in parts and whole.

WORKSPACE holds a forecast, as `radar demo --no-storm` leaves it. Cases: `sample` (as it is), `cut` and `hard` (the hubs JIN and GUA sort and hold less: cut so far that stock ahead can carry
everything, which nothing ahead and one pass do not; hard so far that no plan can), each in time (goods stand there on the first day) or, with `-late`, sent on the day after the last
known one, ten days before the event's, when orders draw on what stands there until it is used up. Days 1 to 16 November, stock for 1 to 13 November, level .9; by whole days, or with
`--sorts` by the sorts of the hubs. `--rounds` adds three rounds of route prices, begun from both rivals, beside the one programme.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.machine import describe_machine
from cli.past_plans import find_sourcing
from cli.trunk_task import HOURS
from data.contracts import contract
from data.workspace import Workspace
from forecasting.history.as_of_view import restrict
from forecasting.inputs import ForecastInputs
from forecasting.merchants.cube import forecast_merchants, merchant_inputs
from routing.budget import Deadline
from routing.joint.arrivals import find_arrivals
from routing.joint.plan import carry_rest
from routing.joint.rounds import ROUNDS, solve_by_rounds
from routing.joint.solution import JOINT, JointInputs, JointSolution, solve
from routing.stock.options import StockOptions
from routing.stock.task import CUBE, TABLES, read_task
from routing.trunk.task.build_network import build_network
from routing.trunk.task.demand import demand_at_level, take_days
from routing.trunk.task.inputs import TrunkInputs, TrunkOptions

DAYS = (date(2025, 11, 1), date(2025, 11, 16))
STOCK = StockOptions(first=DAYS[0], last=date(2025, 11, 13), as_of=date(2025, 10, 31))
LEVEL = 0.9
CASES: dict[str, dict[str, tuple[int, int]]] = {
    "sample": {},
    "cut": {"JIN": (578_000, 128_000), "GUA": (1_124_000, 161_000)},
    "hard": {"JIN": (460_000, 86_000), "GUA": (963_000, 128_000)},
}
_TRUNK = ("hubs", "lanes", "vehicle_types", "lane_vehicles", "network_changes", "service_promises")


def main() -> None:
    """Measure the cases and print a page."""
    words = [word for word in sys.argv[1:] if not word.startswith("--")]
    whole = [word.partition("=")[2] for word in sys.argv[1:] if word.startswith("--whole")]
    if not words:
        sys.exit(
            "one workspace: python -m benchmarks.joint demo [--whole[=PLAN]] [--sorts] [--rounds] [sample cut hard sample-late cut-late hard-late]"
        )
    workspace = Workspace.open(Path(words[0]))
    names = words[1:] or [f"{name}{late}" for late in ("", "-late") for name in CASES]
    print(f"{describe_machine()}; load {os.getloadavg()[0]:.1f}\n")
    for name, cuts in CASES.items():
        listed = "; ".join(f"{hub} sorts {sorts:,}, {waits:,} may wait" for hub, (sorts, waits) in cuts.items())
        print(f"* {name}: {listed or 'as the workspace says'}")
    print(
        "\n| case | plan | CNY without short parcels | short | bound | least short | CPU s |\n|---|---|---:|---:|---:|---:|---:|"
    )
    for name in names:
        case, _, late = name.partition("-")
        measure(workspace, case, late=bool(late), whole=whole, flags=sys.argv)


def measure(workspace: Workspace, case: str, *, late: bool, whole: list[str], flags: list[str]) -> None:
    """Measure one case and print its rows: vehicles in parts, then whole vehicles for the plans asked (an empty name is all)."""
    tables = {name: _read(workspace, name) for name in {*_TRUNK, *TABLES}}
    for hub, (sorts, waits) in CASES[case].items():
        here = pl.col("hub_id") == hub
        tables["hubs"] = tables["hubs"].with_columns(
            sort_capacity=pl.when(here).then(sorts).otherwise("sort_capacity").cast(pl.Int64),
            buffer_capacity=pl.when(here).then(waits).otherwise("buffer_capacity").cast(pl.Int64),
        )
    routes, hubs = workspace.results("route_forecasts"), workspace.results("hub_forecasts")
    trunk: dict[str, Any] = {name: tables[name] for name in _TRUNK}
    trunk |= {name: _read(workspace, name) for name in HOURS if "--sorts" in flags}
    trunk["route_demand"] = take_days(demand_at_level(routes, hubs, LEVEL), *DAYS)
    if workspace.writers("lane_weather"):
        trunk["lane_weather"] = workspace.results("lane_weather")
    began = time.process_time()
    network = build_network(TrunkInputs.gather(trunk), TrunkOptions(short_cost=JOINT.short_price))
    tables[CUBE] = _expect(workspace, hubs)
    task = read_task(tables, STOCK)
    arrivals = find_arrivals(task, STOCK.putaway_days)
    if not late:
        arrivals = replace(arrivals, sellable=np.zeros_like(arrivals.sellable))
    inputs = JointInputs(trunk, tables, find_sourcing(workspace), hubs)
    found = solve(network, task, inputs, STOCK, Deadline(3600.0), arrivals=arrivals)
    spent = time.process_time() - began
    name = f"{case}{', late' if late else ', in time'}"
    for plan in found.ranked:
        answer = found.answers[plan]
        proven = f"{found.bound:,.0f} | {found.least_short:,.0f}" if plan == "joint" else " | "
        print(
            f"| {name} | {plan} | {answer.cost:,.0f} | {answer.short:,.0f} | {proven} | {answer.seconds:.0f} |",
            flush=True,
        )
    print(f"| {name} | all three, from tables on | | | | | {spent:.0f} |", flush=True)
    if "--rounds" in flags:
        measure_rounds(name, found)
    for plan in (plan for plan in found.ranked if "" in whole or plan in whole):
        began = time.process_time()
        stock = found.make_whole(plan)
        options = TrunkOptions()
        row = carry_rest(stock, trunk, options).plan_certificates.row(0, named=True)
        carried = row["cost"] - options.short_cost * row["parcels_short"]
        print(
            f"| {name} | {plan}, whole vehicles | {carried + stock.cost:,.0f} | {row['parcels_short']:,.0f} | "
            f"{row['lower_bound'] + stock.cost:,.0f} (its trunk's, short at {options.short_cost:,.0f}) | | {time.process_time() - began:.0f} |",
            flush=True,
        )


def measure_rounds(name: str, found: JointSolution) -> None:
    """Print what three rounds of route prices come to, begun from both rivals, and how far that lies above the programme."""
    began = time.process_time()
    starts = [found.answers[rival] for rival in ("nothing ahead", "one pass")]
    best, bound, _ = solve_by_rounds(found.model, Deadline(3600.0), starts=starts, rules=replace(ROUNDS, most=3))
    above = best.value / found.answers["joint"].value - 1
    print(
        f"| {name} | joint, best of 3 rounds | {best.cost:,.0f} | {best.short:,.0f} | {bound:,.0f} ({100 * above:.4f} % above the programme, "
        f"short ones priced) | | {time.process_time() - began:.0f} |",
        flush=True,
    )


def _expect(workspace: Workspace, hubs: pl.DataFrame) -> pl.DataFrame:
    """The demand cube of a forecast, made anew."""
    names = ("route_volumes", "sales", "merchants", "events", "promotions", "network_changes", "merchant_plans")
    tables: dict[str, Any] = {name: workspace.read(name) for name in names}
    inputs = ForecastInputs(**tables)
    as_of = hubs["as_of"][0]
    days = (hubs.select(pl.col("date").max()).item() - as_of).days
    return forecast_merchants(merchant_inputs(restrict(inputs, as_of), hubs), as_of, days).table


def _read(workspace: Workspace, name: str) -> pl.DataFrame:
    return workspace.read(name) if name in workspace.present() else contract(name).empty()


if __name__ == "__main__":
    main()
