"""``python -m benchmarks.sorts WORKSPACE [FILE]``: one week planned in every way a planner may ask for it, each verified and played by the clock.

WORKSPACE is a finished sample (``radar demo DIR --no-storm``); it is copied, and the copy is planned. Prints a JSON object a plan; with FILE it
writes them as a page, costs as ratios to the plan by days in the same run.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.machine import describe_machine
from data.workspace import Workspace

MORE = 1.7
"""Times the week's parcels, of which no plan carries all (judgement: what a peak beyond every forecast could bring)."""
STAGED = 0.5
"""Of what its largest sort takes, the sorted parcels that a hub with staging has room for (judgement: trailers at half its doors)."""
ANY_PATH = {"max_legs": 0, "max_detour_ratio": 0.0}
WAYS: tuple[tuple[str, dict[str, float], tuple[str, ...]], ...] = (
    ("by days", {}, ("--by", "days")),
    ("by sorts, any path, any lane", ANY_PATH, ("--sort-plan", "free")),
    ("by sorts, accepted paths, any lane", {}, ("--sort-plan", "free")),
    ("by sorts, accepted paths, lanes by day", {}, ("--sort-plan", "daily")),
    ("by sorts, accepted paths, lanes for the week", {}, ("--sort-plan", "fixed")),
    ("by sorts, late at 3 CNY a day", {"late_cost": 3.0}, ("--sort-plan", "daily")),
)
_COLUMNS = {
    "plan": "plan", "cost_to_days": "cost to by days", "gap": "gap of what is carried", "short": "short", "proven_short": "of it proven",
    "late": "parcels late", "missed": "boardings missed", "sorts_over": "sorts over", "violations": "violations", "cpu_seconds": "CPU [s]",
}  # fmt: skip


def measure_ways(folder: Path) -> list[dict[str, Any]]:
    """Plan the week of a finished sample in every way, then with staging, then so many parcels more by days and by sorts.

    Returns
    -------
    list of dict
        plan, carrying_cost [CNY], gap, short, proven_short, late [parcels], missed [boardings], sorts_over, violations, cpu_seconds.
    """
    runs = Workspace.open(folder).read("runs")
    options = [json.loads(row["options"]) for row in runs.iter_rows(named=True) if row["command"] == "plan trunk"][-1]
    week = ("--from", options["from"], "--to", options["to"], "--effort", str(options["effort"]), "--draws", "1")
    with tempfile.TemporaryDirectory() as place:
        rows = []
        for number, (name, settings, words) in enumerate(WAYS):
            copy = Path(place) / str(number)
            shutil.copytree(folder, copy)
            _set(copy, settings)
            rows.append(_measure(copy, name, (*week, *words)))
        staged, more = Path(place) / "staged", Path(place) / "more"
        shutil.copytree(folder, staged)
        _add_staging(staged)
        rows.append(_measure(staged, "by sorts, lanes by day, with staging", (*week, "--sort-plan", "daily")))
        shutil.copytree(folder, more)
        _load_more(more)
        given, many = (*week, "--demand", "given"), f"{MORE:g} times the parcels, by"
        rows += [_measure(more, f"{many} {by}", (*given, "--by", by)) for by in ("days", "sorts")]
        _add_staging(more)
        rows.append(_measure(more, f"{many} sorts, with staging", (*given, "--by", "sorts")))
    return rows


def _set(folder: Path, settings: dict[str, float]) -> None:
    path = folder / "radar.toml"
    lines = path.read_text(encoding="utf-8").split("\n")
    kept = [line for line in lines if line.split(" = ")[0] not in settings]
    at = kept.index("[plan]") + 1
    path.write_text(
        "\n".join([*kept[:at], *(f"{name} = {value}" for name, value in settings.items()), *kept[at:]]),
        encoding="utf-8",
    )


def _load_more(folder: Path) -> None:
    workspace = Workspace.open(folder)
    planned = workspace.results("route_demand", None).group_by("date", "origin_hub_id", "destination_hub_id")
    rows = planned.agg((pl.col("parcels").sum() * MORE).round().cast(pl.Int64)).sort(pl.all())
    with workspace.run("load") as load:
        load.append("route_demand", rows)


def _add_staging(folder: Path) -> None:
    workspace = Workspace.open(folder)
    largest = workspace.read("hub_sorts").group_by("hub_id").agg(room=pl.col("sort_capacity").max() * STAGED)
    hubs = workspace.read("hubs").join(largest, on="hub_id", how="left")
    with workspace.run("load") as load:
        load.upsert("hubs", hubs.with_columns(staging_capacity=pl.col("room").cast(pl.Int64)).drop("room"))


def _measure(folder: Path, name: str, words: tuple[str, ...]) -> dict[str, Any]:
    begun = time.process_time()
    plan = _radar(folder, "plan", "trunk", *words)
    seconds = time.process_time() - begun
    checked = _radar(folder, "verify")
    played = checked["playback"]
    return {
        "plan": name,
        "carrying_cost": plan["carrying_cost"],
        "gap": plan["carrying_gap"],
        "short": plan["parcels_short"],
        "proven_short": plan["parcels_short_unavoidable"],
        "late": checked["summary"]["parcels_late"],
        "missed": played["boardings_missed"] + played["arrivals_missed"],
        "sorts_over": played["sorts_over"],
        "violations": len(checked["violations"]),
        "cpu_seconds": round(seconds, 1),
    }


def _radar(folder: Path, *words: str) -> dict[str, Any]:
    from typer.testing import CliRunner

    from cli.app import app

    result = CliRunner().invoke(app, ["--workspace", str(folder), *words, "--json"])
    if result.exit_code not in (0, 3):
        raise SystemExit(f"radar {' '.join(words)}: {result.output}")
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def write_page(rows: list[dict[str, Any]]) -> str:
    """Write the rows as a page."""
    base = rows[0]["carrying_cost"]
    lines = [
        "# One week, planned in every way: measured", "",
        "Written by `python -m benchmarks.sorts WORKSPACE FILE`: the week of the finished sample, each plan with the demo's effort, verified by the",
        "independent checker and played: by sorts minute by minute on the clocks of its hubs, by days, which names no hours, day by day.",
        "Method: [trunk plan](../methods/trunk-plan.md).",
        "", f"Machine: {describe_machine()}.", "",
        "| " + " | ".join(_COLUMNS.values()) + " |", "|---" + "|---:" * (len(_COLUMNS) - 1) + "|",
    ]  # fmt: skip
    for row in rows:
        gap = "nothing proven" if row["gap"] is None or row["gap"] >= 1 else f"{row['gap']:.2%}"
        shown = row | {"cost_to_days": f"{row['carrying_cost'] / base:.3f}", "gap": gap}
        lines.append(
            "| "
            + " | ".join(f"{shown[key]:,}" if isinstance(shown[key], int) else str(shown[key]) for key in _COLUMNS)
            + " |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print, and write the page if one is named."""
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    rows = measure_ways(Path(sys.argv[1]))
    for row in rows:
        print(json.dumps(row, ensure_ascii=False))
    if len(sys.argv) == 3:
        Path(sys.argv[2]).write_text(write_page(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
