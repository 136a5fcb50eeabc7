"""``python -m benchmarks.forecast``: accuracy, calibration, speed and what each part adds, with the peers in the same run.

Prints one Markdown page and writes it to ``docs/measured/forecast.md``. Peers run in an environment of their own
(``peer_runs.INSTALL``) in a process beside ours. To look at a part without writing the page: ``--only WORD`` keeps the
studies with the word in their title, ``--no-peers``, ``--no-parts`` and ``--no-scale`` leave those out.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.forecast.ablation import check_parts, measure_parts
from benchmarks.forecast.page import write_page
from benchmarks.forecast.peer_runs import INSTALL, peers_installed
from benchmarks.forecast.scale import measure_scale
from benchmarks.forecast.studies import (
    MONTHS,
    ask_peers,
    choose_studies,
    mean_figures,
    score_ours,
    score_peers,
    tell_progress,
)
from benchmarks.forecast.targets import compare
from benchmarks.machine import describe_machine, shared_folder
from benchmarks.reconciliation.__main__ import measure_reconciliation

PAGE = Path(__file__).resolve().parents[2] / "docs" / "measured" / "forecast.md"
_LEAVES_OUT = ("--only", "--no-peers", "--no-parts", "--no-scale")


def main(arguments: Sequence[str]) -> int:
    """Run everything that the data at hand allow and lay it out as one page."""
    check_parts()
    shared = shared_folder()
    studies = [] if shared is None else choose_studies(shared)
    if shared is None:
        tell_progress(
            "No real data: set PARCELRADAR_SHARED to a folder that holds real/; the accuracy part is left out."
        )
    if "--only" in arguments:
        word = arguments[arguments.index("--only") + 1]
        studies = [study for study in studies if word.lower() in study.title.lower()]
    peers = "--no-peers" not in arguments and peers_installed()
    if not peers:
        tell_progress(f"Without peers. To have them beside: {INSTALL}")
    queue, asked = ask_peers(studies if peers else [])
    scores = {study.title: score_ours(study, tell_progress) for study in studies}
    parts = {}
    if "--no-parts" not in arguments:
        parts = {
            name: found
            for study in studies
            if study.title == MONTHS
            for name, found in measure_parts(study, tell_progress).items()
        }
    for study in studies if peers else []:
        scores[study.title] |= score_peers(study, queue, asked[study.title], tell_progress)
    # Clocks are read when the peers are through.
    timed = "--no-scale" not in arguments
    scale = measure_scale(tell_progress) if timed else []
    reconciliation = measure_reconciliation(tell_progress) if timed else []
    results = {title: mean_figures(found) for title, found in scores.items()}
    page = write_page(
        describe_machine(), compare(results, scale, reconciliation), scores, results, parts, scale, reconciliation
    )
    print(page)
    if shared is not None and peers and not any(option in arguments for option in _LEAVES_OUT):
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page, encoding="utf-8")
        tell_progress(f"Written to {PAGE}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
