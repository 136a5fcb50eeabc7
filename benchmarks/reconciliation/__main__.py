"""``python -m benchmarks.reconciliation``: seconds for coherent, non-negative, whole forecasts, ours and the peer's."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.reconciliation.case import REGIONS, Case, make_case
from forecasting.routes.reconciliation import Target, reconcile
from forecasting.series.panel import Membership, aggregate
from forecasting.series.rounding import round_coherently

SIZES = (1_000, 10_000, 100_000, 1_000_000)
PEER_METHODS = {1_000: "dense,dense-nonnegative,sparse,sparse-nonnegative", 10_000: "sparse,sparse-nonnegative"}
PEER_SECONDS = 180
PEER = "hierarchicalforecast"
ROOT = Path(__file__).resolve().parents[2]


Found = dict[str, object]


def main() -> int:
    """Print one row a size and contender."""
    print("| routes | solver | what it gives | wall [s] | CPU [s] |")
    print("|---|---|---|---|---|")
    measure_reconciliation(print)
    return 0


def measure_reconciliation(tell: Callable[[str], None]) -> list[Found]:
    """Measure every size and contender; each row has routes, solver, what, wall and cpu [s] (None: not measured)."""
    reconcile(np.ones((2, 1)), *_both(np.arange(2)), [])  # imports and first calls are not what is measured
    _ours(1_000)
    found: list[Found] = []
    for routes in SIZES:
        for row in (*_ours(routes), *_peer(routes)):
            times = " | ".join(
                f"{value:.2f}" if isinstance(value, float) else "" for value in (row["wall"], row["cpu"])
            )
            tell(f"| {routes:,} | {row['solver']} | {row['what']} | {times} |")
            found.append(row)
    return found


def _row(routes: int, solver: str, what: str, wall: float | None = None, cpu: float | None = None) -> Found:
    return {"routes": routes, "solver": solver, "what": what, "wall": wall, "cpu": cpu}


def _both(index: NDArray[np.int64]) -> tuple[Membership, Membership]:
    member = Membership(index, tuple(str(at) for at in range(int(index.max()) + 1)))
    return member, member


def _ours(routes: int) -> list[Found]:
    case = make_case(routes)
    hubs = tuple(str(at) for at in range(case.hub_out.shape[0]))
    out, into = Membership(case.origin, hubs), Membership(case.destination, hubs)
    targets = _targets(case, out, into)
    started, cpu = time.perf_counter(), time.process_time()
    solved = reconcile(case.base, out, into, targets)
    between, cpu_between = time.perf_counter(), time.process_time()
    whole = round_coherently(solved, out.index, into.index)
    ended, cpu_ended = time.perf_counter(), time.process_time()
    _prove(solved, whole, targets)
    return [
        _row(routes, "ParcelRadar", "non-negative", between - started, cpu_between - cpu),
        _row(routes, "ParcelRadar", "non-negative and whole", ended - started, cpu_ended - cpu),
    ]


def _targets(case: Case, out: Membership, into: Membership) -> list[Target]:
    network = Membership(np.zeros(case.base.shape[0], dtype=np.int64), ("network",))
    names = tuple(str(at) for at in range(REGIONS))
    region = Membership(case.region[case.origin], names)
    by_region = np.zeros((REGIONS, case.hub_out.shape[1]))
    np.add.at(by_region, case.region, case.hub_out)
    return [
        Target("network", network, case.total[None, :]),
        Target("region_out", region, by_region, error=0.05 * by_region),
        Target("hub_out", out, case.hub_out, error=0.05 * case.hub_out),
        Target("hub_in", into, case.hub_in, error=0.05 * case.hub_in),
    ]


def _prove(solved: NDArray[np.float64], whole: NDArray[np.int64], targets: list[Target]) -> None:
    """Stop when the answer is not what the table says it is."""
    total = targets[0].sums[0]
    if solved.min() < 0 or whole.min() < 0:
        raise AssertionError("a route below 0")
    if np.abs(aggregate(solved, targets[0].membership)[0] / total - 1).max() > 1e-4:
        raise AssertionError("the network's total is missed")
    if np.abs(whole.sum(axis=0) - solved.sum(axis=0)).max() > 0.5 + 1e-6:
        raise AssertionError("rounding changed a day's total")


def _peer(routes: int) -> list[Found]:
    python = ROOT / ".venv-peers" / "bin" / "python"
    if routes not in PEER_METHODS:
        return []
    if not python.exists():
        return [_row(routes, PEER, "not measured: no .venv-peers (benchmarks/requirements-peers.txt)")]
    command = [str(python), str(Path(__file__).with_name("peer.py")), str(routes), PEER_METHODS[routes]]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PEER_SECONDS, check=False)
        output, ended = done.stdout, f"stopped with code {done.returncode}: {done.stderr.strip()[-200:]}"
    except subprocess.TimeoutExpired as stopped:
        output = stopped.stdout.decode() if isinstance(stopped.stdout, bytes) else stopped.stdout or ""
        ended = f"stopped after {PEER_SECONDS} s"
    rows = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    found = [
        _row(routes, PEER, f"MinTrace {row['name']}, least route {row['least']:.1f}", row["wall"], row["cpu"])
        for row in rows
    ]
    if len(rows) < len(PEER_METHODS[routes].split(",")):
        found.append(_row(routes, PEER, f"the rest: {ended}"))
    return found


if __name__ == "__main__":
    sys.exit(main())
