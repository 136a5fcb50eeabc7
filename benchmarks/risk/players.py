"""The player against a plain one that shares no code: bar 2, by the tests that hold them together."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from benchmarks.risk.page import Bar, Section

ROOT = Path(__file__).resolve().parents[2]
TESTS = {
    "by days and by sorts, the plain player": (
        "tests/routing/stress/test_play.py",
        "tests/routing/stress/test_play_by_sorts.py",
    ),
    "the checker's play of futures": ("tests/routing/playback/test_futures.py",),
    "plans of random networks on their own demand, 0 over": ("tests/routing/stress/test_own_demand.py",),
    "incidents, 1 ms a parcel at 120,000 an hour among them": ("tests/routing/stress/test_incidents.py",),
}


def agree(_folder: Path) -> Section:
    """Run the tests and count them."""
    bars = []
    for title, files in TESTS.items():
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        counts = {kind: int(number) for number, kind in re.findall(r"(\d+) (passed|failed|error)", done.stdout)}
        passed, failed = counts.get("passed", 0), counts.get("failed", 0) + counts.get("error", 0)
        bars.append(
            Bar(title, "all agree", f"{passed} of {passed + failed} tests", passed > 0 and done.returncode == 0)
        )
    note = "Held, handled and over of every sort, vehicles called and lateness, parcel by parcel, on 20 random networks by days and 20 by sorts, in weather."
    return Section("Players that share no code", bars, [note])
