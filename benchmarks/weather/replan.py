"""A plan near the one that stands, when the weather shuts lanes: what stays short, and what is proven of it, beside a plan made anew."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from data.workspace import Workspace

MOST_CHANGES = 40
LEAST_PROBABILITY = 0.02
"""Closures at least this likely are played through: every lane a warning may close (judgement: the worst such a storm could do)."""


def measure_replan(folder: Path) -> list[dict[str, Any]]:
    """Plan a finished sample's week under closures, anew and with at most forty departures changed.

    Parameters
    ----------
    folder
        A finished sample workspace (``radar demo DIR --no-storm``); it is copied, and the copy is planned.

    Returns
    -------
    list of dict
        For each plan: parcels short, those proven short for every plan, gap of what is carried (1: nothing is proven of it), departures
        changed against the plan made without weather.
    """
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / "peak"
        shutil.copytree(folder, copy)
        workspace = Workspace.open(copy)
        runs = workspace.read("runs").to_dicts()
        options_of = {row["run_id"]: json.loads(row["options"]) for row in runs if row["command"] == "plan trunk"}
        fair = next(
            run for run in reversed(workspace.writers("trunk_flows")) if options_of[run].get("weather") is False
        )
        options = options_of[fair]
        _radar(copy, "weather", "apply", "--close", f"{LEAST_PROBABILITY:g}")
        days = ("--from", options["from"], "--to", options["to"], "--effort", str(options["effort"]), "--draws", "1")
        near = ("--reference", fair, "--max-changes", str(MOST_CHANGES))
        return [
            _describe(name, _radar(copy, "plan", "trunk", *days, "--sort-plan", "free", *words))
            for name, words in (("anew", ()), (f"at most {MOST_CHANGES} changed", near))
        ]


def _radar(folder: Path, *words: str) -> dict[str, Any]:
    from typer.testing import CliRunner

    from cli.app import app

    result = CliRunner().invoke(app, ["--workspace", str(folder), *words, "--json"])
    if result.exit_code not in (0, 3):
        raise SystemExit(f"radar {' '.join(words)}: {result.output}")
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def _describe(name: str, plan: dict[str, Any]) -> dict[str, Any]:
    changes = plan.get("departures_changed")
    return {
        "plan": name,
        "parcels_short": plan["parcels_short"],
        "proven_short": plan["parcels_short_unavoidable"],
        "carrying_gap": round(plan["carrying_gap"], 4),
        "departures_changed": "" if changes is None else f"{changes:,}",
    }
