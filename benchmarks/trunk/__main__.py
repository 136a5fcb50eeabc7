"""Measure the trunk planner: ``python -m benchmarks.trunk [--quick] [--only NAME]``; figures to stdout, one row a run."""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

from benchmarks.trunk.canad import BEST_KNOWN, read_canad
from benchmarks.trunk.linehaul import make_linehaul
from data.contracts import TABLES
from routing.checker.trunk import check_trunk
from routing.checker.violations import count_broken
from routing.trunk.inputs import TrunkInputs, TrunkOptions
from routing.trunk.plan import TrunkPlan, plan_trunk

SHARED = Path(os.environ.get("PARCELRADAR_SHARED", Path(__file__).resolve().parents[3] / "shared"))
LINEHAUL = ((60, 7.5, 2.5), (60, 30.0, 1.0), (60, 2.0, 10.0), (120, 7.5, 3.0), (120, 30.0, 1.2), (300, 7.5, 5.0))
CANAD = (("c33", 0.5), ("c36", 0.5), ("c40", 5.0), ("c50", 5.0))


def measure_plan(inputs: TrunkInputs, options: TrunkOptions) -> tuple[TrunkPlan, int, float]:
    """Plan, check, and return the plan, the violations found and the CPU seconds of the planning."""
    began = time.process_time()
    plan = plan_trunk(inputs, options)
    seconds = time.process_time() - began
    given = {name: getattr(inputs, name) for name in TABLES if hasattr(inputs, name)}
    check = check_trunk({**given, **plan.tables()}, hold_cost=options.hold_cost, short_cost=options.short_cost)
    return plan, count_broken(check.violations), seconds


def measure_linehaul(hubs: int, trucks: float, target: float, seed: int, seconds: float) -> str:
    """Plan one made network; the gap leaves out the handling at both ends, which no plan can avoid."""
    inputs = make_linehaul(hubs, trucks, seed)
    options = TrunkOptions(short_cost=100.0, time_limit=seconds, clock="cpu")
    plan, violations, spent = measure_plan(inputs, options)
    ends = 2 * float(inputs.hubs["handling_cost"][0]) * float(inputs.route_demand["parcels"].sum())
    gap, net = plan.cost / plan.lower_bound - 1, (plan.cost - ends) / (plan.lower_bound - ends) - 1
    return (
        f"linehaul {hubs:4d} hubs {trucks:5.1f} trucks/lane seed {seed}: gap {gap:7.3%} (without end handling {net:7.3%}, "
        f"target {target}%), {violations} violations, {plan.short} short, {spent:.0f} CPU s"
    )


def measure_canad(name: str, target: float, seconds: float) -> str:
    """Plan one fixed-charge instance."""
    inputs = read_canad(SHARED / "real" / "mcnd-canad" / f"{name}.dow")
    options = TrunkOptions(hold_cost=0.0, short_cost=5000.0, time_limit=seconds, clock="cpu")
    plan, violations, spent = measure_plan(inputs, options)
    over = plan.cost / BEST_KNOWN[name] - 1
    return (
        f"canad {name}: cost {plan.cost:,.0f}, {over:+.2%} to best known (target {target}%), bound {plan.lower_bound:,.0f}, "
        f"{violations} violations, {plan.short} short, {spent:.0f} CPU s"
    )


def main() -> None:
    """Run all measurements."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trunk", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the time, the small networks only")
    parser.add_argument("--only", choices=("linehaul", "canad"), help="one part")
    parser.add_argument("--seeds", type=int, default=1, help="made networks of each size")
    asked = parser.parse_args()
    share = 0.1 if asked.quick else 1.0
    if asked.only != "canad":
        for hubs, trucks, target in LINEHAUL[: 3 if asked.quick else None]:
            for seed in range(1, asked.seeds + 1):
                print(measure_linehaul(hubs, trucks, target, seed, 120 * share), flush=True)
    if asked.only != "linehaul":
        if not (SHARED / "real" / "mcnd-canad").is_dir():
            print(f"canad: skipped, {SHARED}/real/mcnd-canad is absent")
            return
        for name, target in CANAD:
            print(measure_canad(name, target, 60 * share), flush=True)


if __name__ == "__main__":
    main()
