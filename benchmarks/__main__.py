"""Runs every benchmark: ``python -m benchmarks`` (or some of them: ``python -m benchmarks forecast trunk``)."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.machine import describe_machine

BENCHMARKS = ("real_chain", "forecast", "reconciliation", "trunk")


def main() -> int:
    """Run the benchmarks named on the command line, or all, each in a process of its own."""
    wanted = sys.argv[1:] or list(BENCHMARKS)
    unknown = [name for name in wanted if name not in BENCHMARKS]
    if unknown:
        print(f"found {unknown[0]}, expected some of {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    print(describe_machine(), flush=True)
    worst = 0
    for name in wanted:
        print(f"\n## {name}\n", flush=True)
        worst = max(worst, subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode)
    return worst


if __name__ == "__main__":
    sys.exit(main())
