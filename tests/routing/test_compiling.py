"""The loops of planner and player are compiled once, and another process finds them compiled."""

from __future__ import annotations

import subprocess
import sys

from routing.stress.two_hubs import compile_player
from routing.trunk.compiling import compile_carrying, compile_search

# Counts over all compiled functions that were called: those found on disk, and those that had to be compiled.
COUNT = """
import gc
from numba.core.dispatcher import Dispatcher
from routing.stress.two_hubs import compile_player
from routing.trunk.compiling import compile_carrying, compile_search
for compile_all in (compile_search, compile_carrying, compile_player):
    compile_all()
counted = [each.stats for each in gc.get_objects() if isinstance(each, Dispatcher)]
print(sum(sum(each.cache_hits.values()) for each in counted), sum(sum(each.cache_misses.values()) for each in counted))
"""


def test_what_one_process_compiles_the_next_finds() -> None:
    for compile_all in (compile_search, compile_carrying, compile_player):
        compile_all()
    told = subprocess.run([sys.executable, "-c", COUNT], capture_output=True, text=True, check=True)
    found, compiled = map(int, told.stdout.split())
    assert found > 10
    assert compiled == 0
