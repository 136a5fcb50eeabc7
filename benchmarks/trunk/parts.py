"""The parts of the benchmark: what is measured, against which aim."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.machine import shared_folder
from benchmarks.trunk.canad import BEST_KNOWN
from benchmarks.trunk.child import Figures, measure
from benchmarks.trunk.page import Aim, Section, Table, judge
from benchmarks.trunk.peers import WAYS
from benchmarks.trunk.tasks import Task

LINEHAUL = ((60, 7.5, 1.2), (60, 30.0, 0.5), (60, 2.0, 3.5), (120, 7.5, 1.6), (120, 30.0, 0.55), (300, 7.5, 2.5))
CANAD = (("c33", 0.0), ("c36", 0.0), ("c40", 1.5), ("c50", 1.2))
SMALL = (
    (0, 3, 2, 1.0),
    (2, 3, 2, 1.0),
    (5, 3, 2, 1.0),
    (9, 3, 2, 1.0),
    (22, 4, 2, 0.2),
    (25, 4, 2, 0.2),
    (30, 4, 2, 0.2),
)
GROWTH = (30, 60, 120, 300)
_PLAN = ("cost", "gap", "violations", "short", "CPU [s]", "peak [MB]")


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run was asked for."""

    quick: bool
    seeds: int
    peer_hubs: tuple[int, ...]

    def seconds(self, full: float) -> float:
        """Return the time limit of a measurement."""
        return 0.1 * full if self.quick else full


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _show(found: Figures, bound: float | None = None) -> list[str]:
    """Cells of a plan; the gap is to the best bound of the run."""
    if "error" in found:
        return [f"failed: {found['error'][:60]}", "", "", "", "", ""]
    spent = [f"{found['cpu']:.0f}", f"{found['memory']:,.0f}"]
    if found.get("cost") is None or found["short"] == found["demanded"]:
        return ["no plan" if found.get("cost") is None else "carries nothing", "", "", "", *spent]
    proven = found["bound"] if bound is None else bound
    gap = f"{found['cost'] / proven - 1:.2%}" if proven > 0 else ""
    return [f"{found['cost']:,.0f}", gap, str(found["violations"]), f"{found['short']:,}", *spent]


def _clean(found: Figures) -> bool:
    return "error" not in found and found.get("violations") == 0 and found.get("short") == 0


def measure_small(settings: Settings) -> Section:
    """Plan tasks whose optimum another program proves."""
    rows, equal, proven = [], 0, 0
    for seed, hubs, days, scale in SMALL[: 3 if settings.quick else None]:
        task: Task = {"kind": "small", "seed": seed, "hubs": hubs, "days": days, "scale": scale}
        ours = measure({"task": task, "way": "ours", "seconds": 20})
        best = measure({"task": task, "way": "optimum", "seconds": 60, "last_day": ours.get("last_day", "")}).get(
            "cost"
        )
        _tell(f"small {seed}: {ours.get('cost')} against {best}")
        proven += best is not None
        same = best is not None and "error" not in ours and abs(ours["cost"] - best) <= 1e-6 * best + 0.01
        equal += same
        text = "not proven in 60 s" if best is None else f"{best:,.2f}"
        rows.append(
            [
                f"{hubs} hubs, {days} days, seed {seed}",
                text,
                *_show(ours)[:1],
                f"{ours.get('bound', 0):,.2f}",
                judge(same),
            ]
        )
    return Section(
        "Small tasks",
        "Made tasks with every kind of limit, solved besides as a model written anew from the tables (scipy's HiGHS).",
        [("small tasks solved to the optimum", f"{equal} of {proven}", "all", judge(equal == proven > 0))],
        [("", ("task", "optimum", "ours", "our bound", ""), rows)],
    )


def measure_canad(settings: Settings) -> Section:
    """Plan the fixed-charge instances."""
    note = "Multicommodity fixed-charge network design, set C: each lane opens once or not. 60 CPU seconds."
    shared = shared_folder()
    if shared is None or not (shared / "real" / "mcnd-canad").is_dir():
        return Section("Fixed-charge instances", "Left out: real/mcnd-canad is absent.")
    aims: list[Aim] = []
    rows = []
    for name, target in CANAD[: 2 if settings.quick else None]:
        found = measure({"task": {"kind": "canad", "name": name}, "way": "ours", "seconds": settings.seconds(60)})
        if "error" in found:
            over, text = float("inf"), "failed"
        else:
            over = found["cost"] / BEST_KNOWN[name] - 1
            text = f"{over:+.2%}"
        _tell(f"canad {name}: {text} {found}")
        met = _clean(found) and over <= target / 100 + 1e-9
        aims.append((f"{name}, cost to the best known", text, f"{target} %", judge(met)))
        rows.append([name, f"{BEST_KNOWN[name]:,.0f}", *_show(found)])
    tables: list[Table] = [("", ("instance", "best known", *_PLAN), rows)]
    tables += [
        (f"Peers on {name}, 60 s", ("way", *_PLAN), _peers({"kind": "canad", "name": name}, 60.0))
        for name in (() if settings.quick else ("c36", "c40"))
    ]
    return Section("Fixed-charge instances", note, aims, tables)


def _peers(task: Task, seconds: float, bound: float | None = None) -> list[list[str]]:
    rows = []
    for way, label in WAYS.items():
        found = measure({"task": task, "way": way, "seconds": seconds})
        _tell(f"  {label}: {found}")
        rows.append([label, *_show(found, bound)])
    return rows


def measure_linehaul(settings: Settings) -> Section:
    """Plan the made linehaul networks."""
    aims: list[Aim] = []
    rows = []
    for hubs, trucks, target in LINEHAUL[: 3 if settings.quick else None]:
        gaps, clean = [], True
        for seed in range(1, settings.seeds + 1):
            task: Task = {"kind": "linehaul", "hubs": hubs, "trucks": trucks, "seed": seed}
            found = measure({"task": task, "way": "ours", "seconds": settings.seconds(120)})
            clean &= _clean(found)
            gaps.append(float("inf") if "error" in found else found["cost"] / found["bound"] - 1)
            _tell(f"linehaul {hubs} / {trucks:g}, seed {seed}: {gaps[-1]:.3%} {found}")
            rows.append([f"{hubs} / {trucks:g}", str(seed), *_show(found)])
        text = f"{max(gaps):.2%}" + (f" (worst of {len(gaps)})" if len(gaps) > 1 else "")
        met = clean and max(gaps) <= target / 100
        aims.append((f"{hubs} hubs, {trucks:g} trucks a lane: gap, none over", text, f"{target} %", judge(met)))
    return Section(
        "Made linehaul networks",
        "Hubs on a plane, gravity demand, hired and contract trucks of two sizes, trains, tight sorting at the busiest hubs "
        "(`benchmarks/trunk/linehaul.py`). 120 CPU seconds.",
        aims,
        [("", ("hubs / trucks a lane", "seed", *_PLAN), rows)],
    )


def measure_peers(settings: Settings) -> Section:
    """Plan made linehaul networks in every other way, with ours beside."""
    tables: list[Table] = []
    for hubs in settings.peer_hubs:
        task: Task = {"kind": "linehaul", "hubs": hubs, "trucks": 7.5, "seed": 1}
        seconds = settings.seconds(120)
        ours = measure({"task": task, "way": "ours", "seconds": seconds})
        _tell(f"peers at {hubs} hubs; ours: {ours}")
        rows = [["ParcelRadar", *_show(ours)], *_peers(task, seconds, ours.get("bound"))]
        tables.append((f"{hubs} hubs, 7.5 trucks a lane, {seconds:.0f} s", ("way", *_PLAN), rows))
    note = (
        "The same instance and time for all, gaps to the bound of our run. A plan with violations goes over hubs, fleets or "
        "lanes: it cannot be driven. Solvers end by the wall clock, ours by CPU seconds: on a busy machine they get less, as the "
        "column CPU tells."
    )
    return Section("Peers", note, [], tables)


def measure_growth(settings: Settings) -> Section:
    """Measure how time to the bound and memory grow with the hubs."""
    rows = []
    for hubs in GROWTH[: 2 if settings.quick else None]:
        task: Task = {"kind": "linehaul", "hubs": hubs, "trucks": 7.5, "seed": 1}
        bound = measure({"task": task, "way": "bound", "seconds": 60})
        found = measure({"task": task, "way": "ours", "seconds": settings.seconds(60)})
        _tell(f"growth {hubs}: {bound} {found}")
        rows.append([str(hubs), f"{bound.get('cpu', float('nan')):.1f}", *_show(found)])
    return Section(
        "Growth",
        "7.5 trucks a lane; CPU seconds to the bound, then a whole plan in 60 CPU seconds and its peak memory.",
        [],
        [("", ("hubs", "bound [CPU s]", *_PLAN), rows)],
    )


def measure_national(settings: Settings) -> Section:
    """Plan the peak week of the national sample."""
    with tempfile.TemporaryDirectory() as folder:
        made = measure({"way": "national", "folder": folder})
        if "error" in made:
            return Section("Seven days at national scale", f"Failed: {made['error']}")
        task: Task = {"kind": "tables", "folder": folder}
        found = measure({"task": task, "way": "ours", "seconds": settings.seconds(540)})
    _tell(f"national: {found}")
    if "error" in found:
        return Section("Seven days at national scale", f"Failed: {found['error']}")
    unproven = (found["cost"] - found["bound"]) / max(found["cost"] - found["short_cost"], 1e-9)
    share = found["short"] / found["demanded"]
    met = found["violations"] == 0 and found["wall"] <= 600 and found["memory"] <= 8 * 1024
    line = (
        f"{found['wall'] / 60:.1f} min, {found['memory'] / 1024:.1f} GB, gap {found['cost'] / found['bound'] - 1:.2%}"
    )
    return Section(
        "Seven days at national scale",
        f"`radar demo --scale national`, 8 to 14 November, the parcels that come: {found['demanded']:,}. "
        f"{share:.2%} of them are short, at 10,000 CNY each; cost and bound differ by {unproven:.2%} of what carrying the rest costs. "
        "The time is by the wall, with what else the machine had to do.",
        [("seven days, national: a verified plan", line, "10 min, 8 GB", judge(met))],
        [("", ("week", *_PLAN, "wall [s]"), [["national", *_show(found), f"{found['wall']:.0f}"]])],
    )


PARTS: dict[str, Callable[[Settings], Section]] = {
    "small": measure_small,
    "canad": measure_canad,
    "linehaul": measure_linehaul,
    "peers": measure_peers,
    "growth": measure_growth,
    "national": measure_national,
}
