"""One measurement in a process of its own, so that its CPU seconds and its peak memory are its own.

``python -m benchmarks.trunk.child`` reads a job as JSON from stdin and prints its figures as JSON.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

Job = dict[str, Any]
Figures = dict[str, Any]


def measure(job: Job) -> Figures:
    """Run a job in a child process.

    Parameters
    ----------
    job
        ``task`` (see ``tasks``), ``way`` (``ours``, ``bound``, ``optimum`` or one of ``peers.WAYS``), ``seconds``.

    Returns
    -------
    dict
        cost, bound, violations, short, demanded, cpu [s], wall [s], memory [MB]; ``error`` when the process failed.
    """
    asked = [sys.executable, "-m", "benchmarks.trunk.child"]
    done = subprocess.run(asked, input=json.dumps(job), capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        return {"error": (done.stderr.strip().splitlines() or [f"exit {done.returncode}"])[-1]}
    figures: Figures = json.loads(lines[-1])
    return figures


def _work(job: Job) -> Figures:
    from benchmarks.trunk.tasks import gather_task, write_national

    if job["way"] == "national":
        write_national(Path(job["folder"]))
        return {}
    inputs, options = gather_task(job["task"], job["seconds"])
    if job["way"] == "optimum":
        from tests.routing.exact_trunk import least_cost

        last = date.fromisoformat(job["last_day"])
        costs = {"hold_cost": options.hold_cost, "short_cost": options.short_cost}
        return {"cost": least_cost(inputs, last, **costs, seconds=job["seconds"])}
    if job["way"] == "bound":
        return _find_bound(inputs, options)
    return _plan(inputs, options, job)


def _find_bound(inputs: Any, options: Any) -> Figures:
    from routing.budget import Deadline
    from routing.trunk.search.find_plan import find_bound
    from routing.trunk.task.build_network import build_network

    network = build_network(inputs, options)
    find_bound(network, options, Deadline(0.0))  # compiled before the clock starts
    began = time.process_time()
    relaxed = find_bound(network, options, Deadline(1e6))
    return {"bound": relaxed.bound, "cpu": time.process_time() - began, "memory": _peak()}


def _plan(inputs: Any, options: Any, job: Job) -> Figures:
    from benchmarks.trunk.peers import plan_peer
    from data.contracts import TABLES
    from routing.checker.trunk import check_trunk
    from routing.checker.violations import count_broken
    from routing.trunk.plan import TrunkPlan, plan_trunk
    from routing.trunk.task.build_network import build_network

    if job["way"] == "ours":
        plan_trunk(*_warm())
    began, wall = time.process_time(), time.perf_counter()
    plan: TrunkPlan | None
    if job["way"] == "ours":
        plan = plan_trunk(inputs, options)
        bound = plan.lower_bound
    else:
        plan, bound = plan_peer(build_network(inputs, options), job["way"], options, job["seconds"])
    figures: Figures = {
        "bound": bound,
        "cpu": time.process_time() - began,
        "wall": time.perf_counter() - wall,
        "memory": _peak(),
        "demanded": int(inputs.route_demand["parcels"].sum()),
    }
    if plan is None:
        return figures
    given = {name: getattr(inputs, name) for name in TABLES if hasattr(inputs, name)}
    check = check_trunk({**given, **plan.tables()}, hold_cost=options.hold_cost, short_cost=options.short_cost)
    departures = plan.trunk_departures
    return figures | {
        "cost": check.cost if check.cost is not None else plan.cost,
        "violations": count_broken(check.violations),
        "rules": sorted({violation.rule for violation in check.violations}),
        "short": plan.short,
        "short_cost": plan.short * options.short_cost,
        "last_day": plan.last_day,
        "departures": int(departures["departures"].sum()) if departures.height else 0,
    }


def _warm() -> tuple[Any, Any]:
    """Return a task small enough that planning it only compiles what planning needs."""
    from benchmarks.trunk.linehaul import make_linehaul
    from routing.trunk.task.inputs import TrunkOptions

    return make_linehaul(12, 2.0, 1), replace(TrunkOptions(), short_cost=100.0, time_limit=3.0, effort=1e-3)


def _peak() -> float:
    """Peak memory of this process [MB]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


if __name__ == "__main__":
    print(json.dumps(_work(json.loads(sys.stdin.read()))))
