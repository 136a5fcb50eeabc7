"""The loops of planner and player are compiled once, another process finds them compiled, and a plan calls no others."""

from __future__ import annotations

import subprocess
import sys

from numba.core.registry import CPUDispatcher

from routing.stress.two_hubs import compile_player
from routing.trunk.compiling import compile_carrying, compile_planner
from routing.trunk.plan import plan_trunk
from routing.trunk.task.inputs import TrunkOptions
from tests.routing.random_networks import random_network

# Counts over all compiled functions that were called: those found on disk, and those that had to be compiled.
COUNT = """
import gc
from numba.core.dispatcher import Dispatcher
from routing.stress.two_hubs import compile_player
from routing.trunk.compiling import compile_carrying, compile_planner
for compile_all in (compile_planner, compile_carrying, compile_player):
    compile_all()
counted = [each.stats for each in gc.get_objects() if isinstance(each, Dispatcher)]
print(sum(sum(each.cache_hits.values()) for each in counted), sum(sum(each.cache_misses.values()) for each in counted))
"""


def test_what_one_process_compiles_the_next_finds() -> None:
    for compile_all in (compile_planner, compile_carrying, compile_player):
        compile_all()
    told = subprocess.run([sys.executable, "-c", COUNT], capture_output=True, text=True, check=True)
    found, compiled = map(int, told.stdout.split())
    assert found > 10
    assert compiled == 0


def _compiled() -> dict[str, int]:
    """Count the types each loop of the planner is compiled for."""
    return {
        f"{kernel.py_func.__module__}.{kernel.py_func.__qualname__}": len(kernel.signatures)
        for name, module in tuple(sys.modules.items())
        if name.startswith("routing.trunk.")
        for kernel in vars(module).values()
        if isinstance(kernel, CPUDispatcher)
    }


def test_plans_with_and_without_shortage_compile_nothing_more() -> None:
    compile_planner()
    compile_carrying()
    ahead = _compiled()
    assert sum(count > 0 for count in ahead.values()) > 10
    short = [
        plan_trunk(random_network(seed, hubs=4, days=2, scale=scale), TrunkOptions(effort=0.01)).short
        for seed, scale in ((3, 0.3), (5, 4.0))
    ]
    assert min(short) < max(short)
    assert {
        kernel: (ahead.get(kernel, 0), now) for kernel, now in _compiled().items() if now != ahead.get(kernel, 0)
    } == {}
