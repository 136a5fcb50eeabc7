"""``python -m benchmarks.trunk``: the trunk plan against its aims and against what else one could do, in one run.

Prints every figure as it comes (to stderr), then one Markdown page, which also goes to ``docs/measured/trunk.md``. All CPU
seconds and peak memories are of a process for each measurement, one after the other, on one thread. Parts may be asked
for alone; then no page is written unless ``--out`` names one.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from benchmarks.machine import describe_machine
from benchmarks.trunk.page import write_page
from benchmarks.trunk.parts import PARTS, Settings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "measured" / "trunk.md"


def main() -> int:
    """Run the parts asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trunk", description=__doc__)
    parser.add_argument("--only", action="append", choices=sorted(PARTS), help="one part; may be repeated")
    parser.add_argument("--quick", action="store_true", help="a tenth of the time, the smallest tasks of each part")
    parser.add_argument("--seeds", type=int, default=1, help="made networks of each size")
    parser.add_argument("--peer-hubs", type=int, action="append", help="sizes of made networks that peers plan too")
    parser.add_argument("--out", type=Path, help="file for the page")
    asked = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    settings = Settings(quick=asked.quick, seeds=asked.seeds, peer_hubs=tuple(asked.peer_hubs or (60,)))
    chosen = asked.only or list(PARTS)
    sections = [PARTS[name](settings) for name in PARTS if name in chosen]
    page = write_page(describe_machine(), sections)
    print(page)
    out = asked.out or (None if asked.only or asked.quick else PAGE)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(page, encoding="utf-8")
        print(f"written to {out}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
