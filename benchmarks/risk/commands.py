"""Commands of the sample, run as a planner would on a copy of the workspace: a plan to a target, contracts over draws, the checker's own play."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.risk.page import Bar, Section, Table

ROOT = Path(__file__).resolve().parents[2]
TOOL = (sys.executable, "-c", "from cli.app import main; main()")
TARGET = 0.02
WEEK = ("--from", "2025-11-08", "--to", "2025-11-14", "--effort", "0.1")  # as the demo plans it
PEAK = ("2025-11-10", "2025-11-13")


def run_radar(folder: Path, words: Sequence[str]) -> tuple[Any, float]:
    """Run a command on a copy of a workspace; return what it says in JSON and the CPU seconds of it and its children."""
    with tempfile.TemporaryDirectory() as room:
        copy = Path(room) / "workspace"
        shutil.copytree(folder, copy)
        before = os.times()
        command = [*TOOL, "--workspace", str(copy), *words]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        after = os.times()
    if done.returncode not in (0, 3):
        raise RuntimeError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit {done.returncode}")
    seconds = after.children_user + after.children_system - before.children_user - before.children_system
    return json.loads(done.stdout), seconds


def target(folder: Path) -> Section:
    """Plan to a target, and price the capacity where it is missed: bar 6."""
    words = ["plan", "trunk", *WEEK, "--risk", str(TARGET), "--json"]
    output, seconds = run_radar(folder, words)
    return read_target(output["risk_target"], words, seconds)


def read_target(found: dict[str, Any], words: Sequence[str], seconds: float) -> Section:
    """Hold what was reached against what is asked."""
    value, high = found["overflow_value"], found["overflow_high"]
    change = found["expected_cost"] / found["expected_cost_before"] - 1.0
    bars = [
        Bar(
            f"plan to {TARGET:.0%}: P on {found['draws']:,} fresh draws",
            f"<= {TARGET:.0%}",
            f"{value:.1%}",
            value <= TARGET,
        ),
        Bar("the same: upper end of its interval", "<= 3.5 %", f"{high:.1%}", high <= 0.035),
        Bar("the same: expected cost against the plan without a target", "<= +4 %", f"{change:+.1%}", change <= 0.04),
    ]
    asked = found["capacity"]
    rows: list[list[str]] = []
    if asked is not None:
        price, after = sum(one["price"] for one in asked["asks"]), asked["after"]
        rows = [
            [
                one["hub_id"],
                "sorting" if one["lever"] == "sorters" else f"{one['vehicles']} vehicles on call",
                f"{one['parcels']:,}",
                f"{one['share']:.0%}",
                f"{one['first']} to {one['last']}",
                f"{one['price']:,.0f}",
            ]
            for one in asked["asks"]
        ]
        fixed = price <= 350_000 and after["value"] <= 0.025
        bars.append(
            Bar(
                "the same: capacity named, booked for, P with it",
                "<= 350,000 CNY, <= 2.5 %",
                f"{price:,.0f} CNY, {after['value']:.1%}",
                fixed,
            )
        )
    steps = [
        [str(one["number"]), f"{one['parcels']:,}", f"{one['probability']:.1%}", f"{one['expected_cost']:,.0f}"]
        for one in found["rounds"]
    ]
    tables = [Table(("round", "parcels planned for", "P on its own 500 draws", "cost, mean"), steps)]
    if rows:
        tables.append(Table(("hub", "what", "parcels more a day", "share", "days", "CNY booked"), rows))
    return Section(f"A plan to {TARGET:.0%}", bars, [f"`radar {' '.join(words[:-1])}`, {seconds:,.0f} CPU s."], tables)


def contracts(folder: Path) -> Section:
    """Book contracts over draws: bar 7."""
    rows, bars = [], []
    for draws, most in ((20, 30.0), (50, 60.0)):
        words = ["plan", "capacity", "--draws", str(draws), "--from", PEAK[0], "--to", PEAK[1], "--json"]
        output, seconds = run_radar(folder, words)
        row = output["certificate"][0] if isinstance(output["certificate"], list) else output["certificate"]
        ends = [f"{row[name]:,.0f} ({row[low]:,.0f} to {row[high]:,.0f})" for name, low, high in _VALUES]
        rows.append([str(draws), f"{seconds:.0f}", *ends])
        bars.append(
            Bar(
                f"contracts over {draws} draws, certificate and all",
                f"<= {most:.0f} CPU s",
                f"{seconds:.0f} CPU s",
                seconds <= most,
            )
        )
    header = ("draws", "CPU s", "expected cost", "VSS", "EVPI")
    note = f"`radar plan capacity --draws N --from {PEAK[0]} --to {PEAK[1]}`; judged on 50 futures of their own, each carried in full, 95 % intervals."
    return Section("Contracts over draws", bars, [note], [Table(header, rows)])


_VALUES = (
    ("expected_cost", "cost_low", "cost_high"),
    ("vss", "vss_low", "vss_high"),
    ("evpi", "evpi_low", "evpi_high"),
)


def checker(folder: Path) -> Section:
    """Let the checker play the certificate's draws with its own code, and say how long it takes."""
    output, seconds = run_radar(folder, ["verify", "trunk", "--risk", "--json"])
    rows = [
        [
            one["figure"],
            f"{one['stated']:.1%}",
            f"{one['played']:.1%}",
            f"{one['draws']:,}",
            "yes" if one["holds"] else "no",
        ]
        for one in output["risk"]
    ]
    holds = all(one["holds"] for one in output["risk"]) and bool(rows)
    bars = [Bar("the checker's own play says the same", "to half a point", "yes" if holds else "no", holds)]
    header = ("figure", "stated", "played by the checker", "draws", "the same")
    return Section(
        "Played by other code", bars, [f"`radar verify trunk --risk`, {seconds:,.0f} CPU s."], [Table(header, rows)]
    )
