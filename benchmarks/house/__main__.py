"""Hashes of the tables of seeded runs: ``python -m benchmarks.house`` compares them with those recorded.

``--record`` writes docs/measured/house.md; ``--only WORD`` runs the cases whose name holds the word. Exit 1: a table changed.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import polars as pl

from benchmarks.house.forecast_cases import forecast_cases
from benchmarks.house.hashes import hash_tables
from benchmarks.house.planning import CASES as PLANNING
from benchmarks.machine import describe_machine, shared_folder

PAGE = Path(__file__).resolve().parents[2] / "docs" / "measured" / "house.md"
Case = Callable[[], Mapping[str, pl.DataFrame] | None]
Hashes = dict[tuple[str, str], str]
_HISTORY = "\n## What changed a number"


def main() -> int:
    """Run the cases, print their hashes beside the recorded ones, and record them if asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.house", description=__doc__)
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    recorded = read_page(PAGE)
    found: Hashes = {}
    seconds: dict[str, float] = {}
    differ = 0
    for name, run in list_cases().items():
        if asked.only not in name:
            continue
        began = time.process_time()
        tables = run()
        if tables is None:
            print(f"{name}: skipped, its data are absent")
            continue
        seconds[name] = time.process_time() - began
        for table, word in hash_tables(tables).items():
            before = recorded.get((name, table))
            verdict = "new" if before is None else "equal" if before == word else f"DIFFERS from {before}"
            differ += verdict.startswith("DIFFERS")
            found[name, table] = word
            print(f"{name:32} {table:20} {word} {verdict}", flush=True)
    print(f"{sum(seconds.values()):.0f} CPU s; {differ} tables differ")
    if asked.record:
        PAGE.write_text(write_page(recorded | found) + _read_history(PAGE), encoding="utf-8")
        return 0
    return 1 if differ else 0


def list_cases() -> dict[str, Case]:
    """List every case by name; those of the forecast stand on real data and are left out, and said, where they are absent."""
    shared = shared_folder()
    if shared is None:
        print("forecast cases: skipped, their data are absent")
        return dict(PLANNING)
    return {**PLANNING, **forecast_cases(shared)}


def read_page(page: Path) -> Hashes:
    """Read the recorded hashes, by case and table."""
    if not page.exists():
        return {}
    rows = re.findall(
        r"^\| (.+?) \| (\w+) \| `([0-9a-f]{16})` \|$", page.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    return {(case, table): word for case, table, word in rows}


def _read_history(page: Path) -> str:
    """Return what people wrote below the table: which change changed a number."""
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    return text[text.find(_HISTORY) :] if _HISTORY in text else ""


def write_page(hashes: Hashes) -> str:
    """Lay out the hashes as one page."""
    rows = [f"| {case} | {table} | `{word}` |" for (case, table), word in hashes.items()]
    lines = [
        "# Rooms moved, numbers kept",
        "",
        "Written by `python -m benchmarks.house --record`; without `--record` the command runs the cases again and says which",
        "tables differ. Each case is a seeded run whose work is counted; a hash is of all rows and values of a table but run ids and",
        "clocks. A change that is not meant to change a number leaves every hash as it is. Other processors, and other versions of",
        "the solvers, may round the last bit of a float another way: compare on one machine.",
        "",
        f"Machine: {describe_machine()}.",
        "",
        "| case | table | hash |",
        "|---|---|---|",
        *rows,
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
