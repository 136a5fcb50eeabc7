"""Wrong signs planted in compiled functions, one at a time: which test turns red.

``python -m benchmarks.house.planted`` copies the repository, plants each sign, runs the tests of that function in plain Python
(numba off, the lines are the same), and prints a table. Exit 1: a sign stayed unseen, or a test was red without one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "docs", "demo")


@dataclass(frozen=True)
class Sign:
    """One sign to turn: where, what stands there, what is planted, and the file of tests that must see it."""

    file: str
    function: str
    right: str
    wrong: str
    tests: str


SIGNS = (
    Sign(
        "routing/trunk/vehicles/step_costs.py",
        "price_load",
        "extra += count * costs.base_price[arc]",
        "extra -= count * costs.base_price[arc]",
        "tests/routing/test_step_costs.py",
    ),
    Sign(
        "routing/trunk/task/shortest_paths.py",
        "_label_stay",
        "prices.sort[node] + commodities.late_price",
        "prices.sort[node] - commodities.late_price",
        "tests/routing/test_cheapest_paths.py",
    ),
    Sign(
        "routing/trunk/bound/commodity_paths.py",
        "_search",
        "price[surcharges.arc[i]] += surcharges.price[i]",
        "price[surcharges.arc[i]] -= surcharges.price[i]",
        "tests/routing/test_cheapest_paths.py",
    ),
    Sign(
        "routing/trunk/search/marginal_paths.py",
        "_leave",
        "value -= price_load(task.costs, arc, load, 0.0)",
        "value += price_load(task.costs, arc, load, 0.0)",
        "tests/routing/test_cheapest_paths.py",
    ),
    Sign(
        "routing/trunk/search/annealing.py",
        "_price_leaving",
        "change -= task.late_price",
        "change += task.late_price",
        "tests/routing/test_annealing.py",
    ),
    Sign(
        "routing/trunk/search/local_search.py",
        "_empty_arc",
        "shift_path(task, state.loads, -pieces.amount[p], pieces.legs[p]",
        "shift_path(task, state.loads, pieces.amount[p], pieces.legs[p]",
        "tests/routing/test_local_search.py",
    ),
    Sign(
        "routing/trunk/search/inserted_paths.py",
        "_use_path",
        "free.nights[node] -= amount",
        "free.nights[node] += amount",
        "tests/routing/test_insertion.py",
    ),
    Sign(
        "routing/trunk/task/flows.py",
        "_use_room",
        "room.nights[node] -= parcels",
        "room.nights[node] += parcels",
        "tests/routing/test_local_search.py",
    ),
    Sign(
        "routing/trunk/vehicles/fleet_spreading.py",
        "_change",
        "_shift_free(pairs, use, pair, -added)",
        "_shift_free(pairs, use, pair, added)",
        "tests/routing/test_fleet_spreading.py",
    ),
    Sign(
        "routing/trunk/bound/dual_ascent.py",
        "_raise_prices",
        "state.slack[vehicle, day] -= step",
        "state.slack[vehicle, day] += step",
        "tests/routing/test_dual_ascent.py",
    ),
)


def main() -> int:
    """Print which test sees each planted sign; returns the exit code."""
    asked = sys.argv[1] if len(sys.argv) > 1 else ""
    signs = [sign for sign in SIGNS if asked in sign.file]
    print("| function | planted | red |\n|---|---|---|")
    unseen = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(ROOT, copy, ignore=_LEFT_OUT)
        for tests in sorted({sign.tests for sign in signs}):
            red = _run(copy, tests)
            if red:
                print(f"| none | nothing | {red}, without a sign |")
                unseen += 1
        for sign in signs:
            red = plant(copy, sign)
            unseen += not red
            place = f"`{Path(sign.file).stem}.{sign.function}`"
            print(f"| {place} | `{sign.wrong}` | {f'`{red}`' if red else 'NONE'} |", flush=True)
    return 1 if unseen else 0


def plant(copy: Path, sign: Sign) -> str:
    """Plant a sign in a copy of the repository, run its tests and take it out again; returns the first red test, if any.

    Raises
    ------
    ValueError
        When the line it turns is not there, once.
    """
    path = copy / sign.file
    before = path.read_text(encoding="utf-8")
    if before.count(sign.right) != 1:
        raise ValueError(f"{sign.file} holds {sign.right!r} {before.count(sign.right)} times, not once: correct SIGNS")
    path.write_text(before.replace(sign.right, sign.wrong), encoding="utf-8")
    try:
        return _run(copy, sign.tests)
    finally:
        path.write_text(before, encoding="utf-8")


def _run(copy: Path, tests: str) -> str:
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--no-header", tests]
    calm = {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(command, cwd=copy, env=os.environ | calm, capture_output=True, text=True, check=False)
    red = [line.split("::")[1].split(" ")[0] for line in ran.stdout.splitlines() if line.startswith("FAILED")]
    if ran.returncode not in (0, 1) or (ran.returncode == 1) != bool(red):
        raise RuntimeError(f"pytest ended with {ran.returncode}:\n{ran.stdout[-2000:]}{ran.stderr[-2000:]}")
    return red[0] if red else ""


if __name__ == "__main__":
    sys.exit(main())
