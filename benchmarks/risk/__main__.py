"""``python -m benchmarks.risk WORKSPACE``: what a trunk plan risks, against what is asked of it, as one page.

WORKSPACE is what ``radar demo --no-storm`` leaves; it is not written to. Each part keeps what it found in a file (``--keep``), and the page is drawn from all that
are kept, so that parts may be run one by one (``--only``).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from benchmarks.machine import describe_machine
from benchmarks.risk import bookings, commands, incidents, players, sample, scale_out, size
from benchmarks.risk.page import Section, write_page

PAGE = Path(__file__).resolve().parents[2] / "docs" / "measured" / "risk.md"
PARTS: dict[str, Callable[[Path], Section]] = {
    "replay": sample.replay,
    "players": players.agree,
    "checker": commands.checker,
    "speed": sample.speed,
    "sizes": size.sizes,
    "interval": sample.interval,
    "target": commands.target,
    "contracts": commands.contracts,
    "bookings": bookings.bookings,
    "incidents": incidents.table,
    "monotone": incidents.monotone,
    "errors": sample.errors,
    "scale_out": scale_out.scale_out,
}


def main() -> int:
    """Run the parts asked for and draw the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.risk", description=__doc__)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--only", action="append", choices=sorted(PARTS), help="one part; may be repeated")
    parser.add_argument("--page", action="store_true", help="run no part: draw the page from what is kept")
    parser.add_argument("--keep", type=Path, default=Path("build/risk"), help="folder of what parts found")
    parser.add_argument("--out", type=Path, default=PAGE, help="file for the page")
    asked = parser.parse_args()
    for name in () if asked.page else asked.only or PARTS:
        section = replace(PARTS[name](asked.workspace), machine=describe_machine())
        section.keep(asked.keep / f"{name}.json")
        for bar in section.bars:
            print(f"{name}: {bar.figure}: {bar.found}, asked {bar.asked}: {bar.verdict}", file=sys.stderr)
    kept = {name: asked.keep / f"{name}.json" for name in PARTS}
    missing = [name for name, path in kept.items() if not path.exists()]
    page = write_page([Section.read(path) for path in kept.values() if path.exists()], missing)
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(page, encoding="utf-8")
    print(f"written to {asked.out}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
