"""Work is counted: a seed repeats a plan to the byte in another process, and a run that its clock cut short says so."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.house.hashes import hash_table
from data.errors import RadarError
from routing.budget import Deadline, Work, tell_end
from routing.stock.solver import solve_location
from routing.trunk.plan import plan_trunk
from routing.trunk.search.exact import is_proven_first
from routing.trunk.search.find_plan import find_bound, search_plan
from routing.trunk.task.build_network import build_network
from routing.trunk.task.effort import SHARES
from routing.trunk.task.inputs import TrunkOptions
from tests.routing.random_networks import random_network
from tests.routing.stock_cases import random_problem

ROOT = Path(__file__).resolve().parents[2]
# own vehicles, fleets, limits and promises, by the search alone; and few vehicles a lane, where branch and bound decides
TASKS = (
    ({"seed": 3, "hubs": 4, "days": 2, "scale": 1.5, "promised": 0.3}, 0.0),
    ({"seed": 8, "hubs": 3, "days": 2, "scale": 0.2}, 0.5),
)
PROGRAMME = """
import sys
sys.path.insert(0, {root!r})
from tests.routing.test_budget import TASKS, plan_hashes
for number in range(len(TASKS)):
    for line in plan_hashes(number):
        print(line)
"""


def plan_hashes(number: int) -> list[str]:
    task, proof_share = TASKS[number]
    options = TrunkOptions(short_cost=500.0, effort=0.01, seed=5, proof_share=proof_share)
    plan = plan_trunk(random_network(**task), options)  # type: ignore[arg-type]
    return [plan.ended_by, *(f"{name} {hash_table(frame)}" for name, frame in sorted(plan.tables().items()))]


def test_the_same_seed_and_effort_repeat_the_tables_in_another_process() -> None:
    asked = [sys.executable, "-c", PROGRAMME.format(root=str(ROOT))]
    other = "2" if os.environ.get("PYTHONHASHSEED") == "1" else "1"  # sets in another order than in this process
    told = subprocess.run(asked, capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": other, "PATH": ""})
    lines = [line for number in range(len(TASKS)) for line in plan_hashes(number)]
    assert lines.count("effort") == len(TASKS)
    assert any(line.startswith("trunk_departures ") for line in lines)
    assert told.stdout.splitlines() == lines


def test_what_leaves_no_effort_to_the_exact_model_does_not_ask_it() -> None:
    assert is_proven_first(10, TrunkOptions())
    assert not is_proven_first(10, TrunkOptions(proof_share=0.0))


def test_a_plan_whose_clock_cuts_in_says_so() -> None:
    inputs = random_network(3, hubs=7, days=3, scale=3.0)
    plan = plan_trunk(
        inputs, TrunkOptions(short_cost=500.0, effort=1000.0, time_limit=4.0, clock="cpu", proof_share=0.0)
    )
    found = re.match(r"time limit: ([\d,]+) of ([\d,]+) moves made", plan.ended_by)
    assert found is not None, plan.ended_by
    made, due = (int(part.replace(",", "")) for part in found.groups())
    assert 0 < made < due
    assert f"time limit cut in: {found[1]} of {found[2]} moves made" in plan.tell()


@pytest.mark.parametrize("spent", [0.0, 200.0, 500.0])
def test_a_search_that_begins_late_has_its_share_of_what_is_left(spent: float) -> None:
    """Bound and exact model may take half of the limit: what is set apart for later is a part of the rest, and not of all."""
    options = TrunkOptions(short_cost=500.0, effort=0.01, seed=5, time_limit=600.0, clock="cpu")
    network = build_network(random_network(3, hubs=6, days=2, scale=1.0), options)
    relaxed = find_bound(network, options, Deadline(600.0, "cpu"))
    deadline = Deadline(600.0, "cpu")
    deadline.started -= spent
    search_plan(network, relaxed, options, deadline, SHARES.search_openings)
    assert deadline.work.tell() == "effort"
    assert deadline.work.made["moves"] > 0


def test_a_stock_plan_whose_clock_cuts_in_says_so() -> None:
    endless, over = Deadline(600.0), Deadline(0.0)
    problem = random_problem(3, 60, 12, families=3)
    solve_location(problem, deadline=endless)
    assert endless.work.tell() == "effort"
    solve_location(problem, deadline=over, most_pairs=0)
    assert over.work.tell().startswith("time limit: ")
    assert "time limit cut in: prices of stock" in tell_end(over.work.tell())


def test_work_undone_is_told_kind_by_kind() -> None:
    work = Work()
    work.count("moves", 1200, 4000)
    work.count("neighbourhoods", 3, 10)
    work.count("tries", 5, 5)
    assert tell_end(work.tell()) == "ended by effort"
    Deadline(0.0, part="annealing", work=work).over()
    assert tell_end(work.tell()) == "time limit cut in: 1,200 of 4,000 moves made, 3 of 10 neighbourhoods made"
    assert Deadline(60.0, part="annealing", work=work).over() is False


def test_a_part_that_is_stopped_stops_the_whole_plan() -> None:
    plan = Deadline(600.0)
    part = plan.share("search", 500.0).share("annealing", 400.0)
    part.stop()
    assert plan.left() == part.left() == 0.0
    assert plan.over()
    assert plan.work.tell().startswith("stopped by hand")
    # what closes the plan is given time of its own
    assert plan.share("fixes of shortfalls", 5.0).left() > 4.0


@pytest.mark.parametrize("effort", [0.0, -1.0, float("inf"), float("nan")])
def test_an_effort_is_a_number_above_nothing(effort: float) -> None:
    with pytest.raises(RadarError, match="effort"):
        TrunkOptions(effort=effort)


@pytest.mark.parametrize("clock", ["wall", "cpu"])
def test_the_clock_stands_while_loops_are_compiled(clock: str) -> None:
    import numba

    before, begun = Deadline(600.0, clock), perf_counter()
    for _ in range(2):  # two of them: what is counted once must not end the counting

        def loop(values: NDArray[np.float64]) -> int:
            return len(set(np.sort(values)))

        numba.njit(loop)(np.arange(3.0))  # type: ignore[type-var]
    assert perf_counter() - begun > 2 * before.spent()
    at = before.spent()
    while before.spent() == at:  # and goes on afterwards
        pass
