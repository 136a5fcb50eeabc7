"""`python -m benchmarks.reliability [WORKSPACE]`: kills, bad files, damaged stores and pages, written to docs/reliability.md.

WORKSPACE holds the pages to measure, as `radar demo` leaves it; without one the sample network is planned first.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.machine import describe_machine, shared_folder
from benchmarks.reliability.bad_files import try_bad_files
from benchmarks.reliability.kills import try_kills
from benchmarks.reliability.outcomes import Section, Trial, count
from benchmarks.reliability.pages import WIDTHS, find_chromium, measure_pages
from benchmarks.reliability.store_faults import try_store_faults

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
LEAST_KILLS = 60
KILLS, BAD_FILES, FAULTS = 66, 200, 30


def main() -> int:
    """Try everything, write the page; returns 1 when a trial failed."""
    with tempfile.TemporaryDirectory() as made:
        place = Path(made)
        parts = (_kills, _bad_files, _store_faults, _pages)
        with ThreadPoolExecutor(len(parts)) as pool:  # each works in processes of its own
            sections = list(pool.map(lambda part: part(place / part.__name__.strip("_")), parts))
    for section in sections:
        print(f"{section.title}: {len(section.trials)} tried, {len(section.failed)} failed")
        for trial in section.failed:
            print(f"  {trial.kind}: {trial.outcome}: {trial.detail}")
    PAGE.write_text(write_page(sections), encoding="utf-8")
    return 1 if any(section.failed for section in sections) else 0


def _kills(place: Path) -> Section:
    note = (
        "The installed command, stopped by SIGKILL at a random moment while it writes 6,000 rows, forecasts, plans or writes a page, in a "
        "folder `计划 2026`. Afterwards every table is read; passed is: all of them open, the rows are the old ones or the new ones, a "
        "run's results stand in all of its tables or in none, and every page is whole."
    )
    return Section("Kills", note, try_kills(place, KILLS), LEAST_KILLS)


def _bad_files(place: Path) -> Section:
    place.mkdir()
    note = (
        "Each file is loaded with `radar load route_volumes FILE --replace --add-missing hubs,couriers`. Passed is: taken, taken with "
        "the bad rows set apart and counted, or refused in a sentence with the table as it was, within 180 seconds."
    )
    return Section("Bad files", note, try_bad_files(place, shared_folder()), BAD_FILES)


def _store_faults(place: Path) -> Section:
    place.mkdir()
    note = (
        "Each fault is done to the newest version of a table of three versions, for two tables. Passed is: `radar check` names the table, "
        "`radar repair` ends well, the table then holds one of its versions whole, and `radar check` finds nothing more."
    )
    return Section("Store faults", note, try_store_faults(place), FAULTS)


def _pages(place: Path) -> Section:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else _plan_sample(place)
    files = sorted((folder / "reports").glob("*.html"))
    note = (
        "Every page of the sample network in both languages, in Chromium. Passed is: no block reaches beyond the page or is cut, no words "
        "of a chart are printed over each other; on paper no table is wider than the sheet."
    )
    trials: tuple[Trial, ...] = measure_pages(files)
    if find_chromium() is None:
        note += " Not measured: there is no Chromium on this machine."
    return Section("Pages", note, trials, len(WIDTHS) * 4)


def _plan_sample(place: Path) -> Path:
    radar = Path(sys.executable).parent / "radar"
    subprocess.run([str(radar), "demo", str(place)], check=True, stdout=subprocess.DEVNULL)
    return place


def write_page(sections: list[Section]) -> str:
    """Lay out what one run found as Markdown."""
    lines = [
        "# Reliability: measured",
        "",
        "Written by `python -m benchmarks.reliability`, in one run. What is tried stands in `benchmarks/reliability`.",
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
