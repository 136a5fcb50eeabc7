"""The page of measurements of the weather: exposure, bad days and fair ones, rain against real parcels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import describe_machine
from benchmarks.weather.exposure import HOURS, LANES, THREE_SORTS, WARNINGS, measure_exposure
from benchmarks.weather.observed import measure_beijing, measure_days, measure_sao_paulo
from benchmarks.weather.replan import LEAST_PROBABILITY, MOST_CHANGES, measure_replan

Rows = Sequence[dict[str, Any]]

_OLIST = (
    "Olist's parcels out of and into the state of São Paulo against the rest of the country that day, and INMET's rain at the capital: loss of "
    "the logarithm of parcels a mm above 10 mm a day, with its interval of 95 %, history and preset together."
)


_REPLAN = (
    f"The sample's week with every closure of at least {LEAST_PROBABILITY:.0%} played through, lanes shut by the hour: planned anew, and with at most {MOST_CHANGES} departures changed "
    "against the plan made without the weather. Departures that can no longer run count as changes; what is needed to carry parcels is done beyond the forty. "
    "Paths planners accept (at most twice the direct way, or 300 km more) go round few storms. "
    "Proven short is what every plan leaves, as parcels find no departure that leads on until their hub is full; the gap is that of the cost of what is carried."
)


def write_page(file: Path, workspace: Path, shared: Path) -> None:
    """Measure, and write the page.

    Parameters
    ----------
    file
        The page, Markdown.
    workspace
        A finished sample (`radar demo --no-storm`).
    shared
        Folder of the real data; where it is absent the page says so.
    """
    parts = [
        "# Weather: one run",
        f"Written by `python -m benchmarks.weather page FILE WORKSPACE SHARED` on a finished small sample (`radar demo --no-storm`).\n\nMachine: {describe_machine()}.",
        "## Bad days and fair ones",
        "Parcels sent by hubs from the forecast's first day on, against the sample's truth; bad are hub-days that its weather really slows by more than 3 %.",
        tabulate(measure_days(workspace)),
        "## Exposure",
        f"{LANES:,} lanes over {HOURS} hours under {WARNINGS} warnings, every hour on the road read; left once a day, and at the close of three sorts.",
        tabulate(_expose()),
        "## Replanning when lanes are shut",
        _REPLAN,
        tabulate(measure_replan(workspace)),
        "## Rain and real parcels",
        *_measure_real(shared),
    ]
    file.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def _expose() -> Rows:
    measured = [measure_exposure(closes) for closes in ((), THREE_SORTS)]
    return [{name: value for name, value in row.items() if name != "wall_seconds"} for row in measured]


def _measure_real(shared: Path) -> list[str]:
    if not (shared / "weather" / "inmet").is_dir():
        return ["The real data were absent in this run."]
    return [
        _OLIST,
        tabulate(measure_sao_paulo(shared)),
        "Beijing stations, October to December 2013 to 2016:",
        tabulate(measure_beijing(shared)),
    ]


def tabulate(rows: Rows) -> str:
    """Write rows of the same keys as a table.

    Examples
    --------
    >>> print(tabulate([{"days": "bad", "hub_days": 1200}]))
    | days | hub days |
    |---|---:|
    | bad | 1,200 |
    """
    names = list(rows[0])
    lines = [
        "| " + " | ".join(name.replace("_", " ") for name in names) + " |",
        "|" + "|".join("---" if isinstance(rows[0][name], str) else "---:" for name in names) + "|",
    ]
    lines += [
        "| " + " | ".join(f"{row[n]:,}" if isinstance(row[n], int) else str(row[n]) for n in names) + " |"
        for row in rows
    ]
    return "\n".join(lines)
