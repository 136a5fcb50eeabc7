"""`python -m benchmarks.reliability [PART ...] [--workspace DIR]`: kills, bad files, damaged stores and pages, told in docs/reliability.md.

Without a PART all are tried. What each found is kept in ``figures.json``, so that they may be tried one after the other; the page is
written from all that is kept. DIR holds the pages to measure, as `radar demo --no-storm` leaves it; without one the sample network is planned first.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.machine import describe_machine, shared_folder
from benchmarks.reliability.bad_files import try_bad_files
from benchmarks.reliability.kills import LOADERS, MAKERS, try_kills
from benchmarks.reliability.outcomes import Section, Trial, count
from benchmarks.reliability.pages import WIDTHS, find_chromium, measure_pages
from benchmarks.reliability.store_faults import try_store_faults

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
FIGURES = Path(__file__).with_name("figures.json")
LEAST_KILLS = 60
KILLS_EACH, BAD_FILES, FAULTS = 11, 200, 30
Try = Callable[[Path], tuple[Trial, ...]]


def main() -> int:
    """Try what is asked for, write the page; returns 1 when a trial failed."""
    words = argparse.ArgumentParser(
        prog="python -m benchmarks.reliability", description=(__doc__ or "").splitlines()[0]
    )
    words.add_argument("parts", nargs="*", metavar="PART", help=", ".join(_PARTS))
    words.add_argument("--workspace", type=Path, metavar="DIR", help="pages to measure, as `radar demo` leaves them")
    asked = words.parse_args()
    if unknown := [name for name in asked.parts if name not in _PARTS]:
        words.error(f"{unknown[0]} is none of {', '.join(_PARTS)}")
    parts: Mapping[str, Try] = {**_PARTS, "pages": lambda place: _pages(place, asked.workspace)}
    names = asked.parts or list(parts)
    with (
        tempfile.TemporaryDirectory() as made,
        ThreadPoolExecutor(len(names)) as pool,
    ):  # each works in processes of its own
        tried = dict(zip(names, pool.map(lambda name: parts[name](Path(made) / name), names), strict=True))
    _keep(tried)
    failed = [trial for trials in tried.values() for trial in trials if not trial.passed]
    for name, trials in tried.items():
        print(f"{name}: {len(trials)} tried, {sum(not trial.passed for trial in trials)} failed")
    for trial in failed:
        print(f"  {trial.kind}: {trial.outcome}: {trial.detail}")
    PAGE.write_text(write_page(_sections()), encoding="utf-8")
    return 1 if failed else 0


def _keep(tried: Mapping[str, tuple[Trial, ...]]) -> None:
    kept = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else {}
    for name, trials in tried.items():
        kept[name] = {
            "machine": describe_machine(),
            "tried_on": f"{datetime.now(UTC):%Y-%m-%d}",
            "code": _commit(),
            "trials": [asdict(trial) for trial in trials],
        }
    FIGURES.write_text(json.dumps(kept, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _commit() -> str:
    """Name the commit that was tried; empty where there is no clone."""
    words = ["git", "-C", str(PAGE.parent), "rev-parse", "--short", "HEAD"]
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()


def _sections() -> list[Section]:
    kept = json.loads(FIGURES.read_text(encoding="utf-8"))
    found = {name: tuple(Trial(**trial) for trial in listed["trials"]) for name, listed in kept.items()}
    sections = []
    for title, note, names, goal in _PARTS_SHOWN:
        listed = [kept[name] for name in names if name in kept]
        tried = sorted({f"Tried on {one['tried_on']} at commit {one['code']}." for one in listed})
        trials = tuple(trial for name in names for trial in found.get(name, ()))
        sections.append(Section(title, " ".join([note, *tried]), trials, goal))
    return sections


def _loaders(place: Path) -> tuple[Trial, ...]:
    return try_kills(place, LOADERS, KILLS_EACH)


def _makers(place: Path) -> tuple[Trial, ...]:
    return try_kills(place, tuple(MAKERS), KILLS_EACH)


def _bad_files(place: Path) -> tuple[Trial, ...]:
    place.mkdir()
    return try_bad_files(place, shared_folder())


def _store_faults(place: Path) -> tuple[Trial, ...]:
    place.mkdir()
    return try_store_faults(place)


def _pages(place: Path, workspace: Path | None = None) -> tuple[Trial, ...]:
    if find_chromium() is None:
        print("There is no Chromium on this machine: no page is measured.")
        return ()
    folder = _plan_sample(place) if workspace is None else workspace
    return measure_pages(sorted((folder / "reports").glob("*.html")))


def _plan_sample(place: Path) -> Path:
    radar = Path(sys.executable).parent / "radar"
    subprocess.run([str(radar), "demo", str(place)], check=True, stdout=subprocess.DEVNULL)
    return place


_PARTS: Mapping[str, Try] = {
    "loaders": _loaders,
    "makers": _makers,
    "files": _bad_files,
    "store": _store_faults,
    "pages": _pages,
}
_PARTS_SHOWN = (
    (
        "Kills",
        (
            "The installed command, stopped by SIGKILL at a random moment while it writes 6,000 rows, forecasts, plans or writes a page, in a "
            "folder `计划 2026`. Afterwards every table is read; passed is: all of them open, the rows are the old ones or the new ones, a "
            "run's results stand in all of its tables or in none, and every page is whole."
        ),
        ("loaders", "makers"),
        LEAST_KILLS,
    ),
    (
        "Bad files",
        (
            "Each file is loaded with `radar load route_volumes FILE --replace --add-missing hubs,couriers`. Passed is: taken, taken with "
            "the bad rows set apart and counted, or refused in a sentence with the table as it was, within 180 seconds."
        ),
        ("files",),
        BAD_FILES,
    ),
    (
        "Store faults",
        (
            "Each fault is done to the newest version of a table of three versions, for two tables. Passed is: `radar check` names the table, "
            "`radar repair` ends well, the table then holds one of its versions whole, and `radar check` finds nothing more."
        ),
        ("store",),
        FAULTS,
    ),
    (
        "Pages",
        (
            "Every page of the sample network in both languages, in Chromium. Passed is: no block reaches beyond the page or is cut, no words "
            "of a chart are printed over each other; on paper no table is wider than the sheet."
        ),
        ("pages",),
        len(WIDTHS) * 4,
    ),
)


def write_page(sections: list[Section]) -> str:
    """Lay out what one run found as Markdown."""
    lines = [
        "# Reliability: measured",
        "",
        "Written by `python -m benchmarks.reliability` from what its parts found. What is tried stands in `benchmarks/reliability`.",
        "",
        f"Machine: {describe_machine()}.",
        "",
        "| | tried | passed | at least to be tried |",
        "|---|---:|---:|---:|",
    ]
    for section in sections:
        tried = len(section.trials)
        lines.append(f"| {section.title} | {tried} | {tried - len(section.failed)} | {section.goal} |")
    for section in sections:
        lines += [
            "",
            f"## {section.title}",
            "",
            section.note,
            "",
            "| kind | outcome | tried | passed |",
            "|---|---|---:|---:|",
        ]
        lines += [
            f"| {kind} | {outcome} | {tried} | {passed} |" for kind, outcome, tried, passed in count(section.trials)
        ]
        if section.failed:
            lines += ["", "Failed:", "", *(f"- {trial.kind}: {trial.outcome}" for trial in section.failed)]
        if section.title == "Bad files":
            tracebacks = sum(trial.outcome == "a traceback" for trial in section.trials)
            endless = sum(trial.outcome in ("without end", "the process died") for trial in section.trials)
            lines += ["", f"Tracebacks: {tracebacks}. Without end, or the process died: {endless}."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
