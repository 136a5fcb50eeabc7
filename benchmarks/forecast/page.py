"""The run as one Markdown page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from benchmarks.forecast.resampling import resample_difference
from benchmarks.forecast.studies import ALL, FRIDAY, MEMBER, MONTHS, OLIST, PEER, RADAR, WINDOWS, Figures, Scores
from benchmarks.forecast.targets import Results, Row
from forecasting.evaluation.error_causes import STEPS
from forecasting.series.volume_classes import CLASS_LABELS

_SHOWN = ("network", "hub out", "hub in", "route", "route weekly", "bias", "RMSSE", "WQL", "CPU [s]")
_COMPARED = ("network", "hub out", "hub in", "route", "route weekly")
_INTERVALS = ("cover 80", "width 80", "cover 90", "width 90", "cover 95", "width 95")
Parts = Mapping[str, Mapping[str, Figures]]


def write_page(
    machine: str,
    rows: Sequence[Row],
    scores: Mapping[str, Scores],
    results: Results,
    parts: Parts,
    scale: Sequence[Mapping[str, float]],
    reconciliation: Sequence[Mapping[str, object]],
) -> str:
    """Lay out everything one run found.

    Parameters
    ----------
    machine
        Where it ran.
    rows
        The aims.
    scores
        Study -> contender -> group -> figures of each window.
    results
        Study -> contender -> group -> their means.
    parts
        Part left out -> group -> figures.
    scale, reconciliation
        Their rows.
    """
    lines = [
        "# Forecast: one run",
        "",
        "Written by `python -m benchmarks.forecast`; every figure on this page comes from the same run. WAPE unless said",
        "otherwise; accuracy = 1 − WAPE; widths are sums of the intervals' widths over the sum of what came. Data and cut-offs:",
        "`benchmarks/forecast/cases.py`; peers as their documentation shows them: `benchmarks/forecast/peers.py`.",
        "",
        f"Machine: {machine}.",
        "",
        "## Aims",
        "",
        *_table(
            ("figure", "best peer in this run", "ParcelRadar", "aim", ""),
            ((row.figure, row.peer, row.ours, row.target, row.verdict) for row in rows),
        ),
        *_studies(results),
        *_differences(scores),
        *_intervals(results),
        *_classes(results),
        *_causes(results),
        *_parts(results, parts),
        *_scale(scale),
        *_reconciliation(reconciliation),
    ]
    return "\n".join(lines) + "\n"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(header) + " |", "|---" * len(header) + "|"]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows), ""]


def _number(figures: Figures, key: str) -> str:
    value = figures.get(key, float("nan"))
    if math.isnan(value):
        return ""
    if key.startswith(("bias", "cover")) or " cover " in key:
        return f"{value:+.1%}" if key.startswith("bias") else f"{value:.1%}"
    return f"{value:.1f}" if key.endswith("[s]") else f"{value:.2f}" if "width" in key else f"{value:.3f}"


def _studies(results: Results) -> Iterable[str]:
    yield "## All contenders"
    yield ""
    yield "The sums of every contender are sums of its routes, so its bias is the same on every level."
    for title, found in results.items():
        yield ""
        yield f"### {title}"
        groups = [group for group in found[RADAR] if group != ALL] + [ALL] * (ALL in found[RADAR])
        for group in groups:
            yield ""
            yield from _table(
                (group, *_SHOWN),
                (
                    (name.removeprefix(PEER), *(_number(theirs[group], key) for key in _SHOWN))
                    for name, theirs in found.items()
                    if group in theirs and not name.startswith(MEMBER)
                ),
            )


def _differences(scores: Mapping[str, Scores]) -> Iterable[str]:
    """Tell how sure it is that one contender is better than another: on the same windows, in pairs."""
    yield "## How sure the differences are"
    yield ""
    yield "WAPE of the contender less ours on the same windows, and the 95 % interval of 2,000 bootstrap samples of pairs of windows: where it lies above"
    yield "nothing, ours is better whatever windows had been drawn. Studies of fewer than three windows have no interval and are left out."
    yield ""
    rows = []
    for title, found in scores.items():
        ours = found[RADAR]
        for name, theirs in found.items():
            paired = [
                (mine, its) for group in ours for mine, its in zip(ours[group], theirs.get(group, ()), strict=False)
            ]
            if name != RADAR and not name.startswith(MEMBER) and len(paired) > 2:
                cells = [_difference(paired, key) for key in _COMPARED]
                rows.append((title, name.removeprefix(PEER), str(len(paired)), *cells))
    yield from _table(("", "contender", "windows", *_COMPARED), rows)


def _difference(paired: Sequence[tuple[Figures, Figures]], key: str) -> str:
    theirs, ours = (np.array([pair[at].get(key, np.nan) for pair in paired]) for at in (1, 0))
    mean, low, high = resample_difference(theirs, ours)
    return "" if math.isnan(low) else f"{mean:+.3f} ({low:+.3f} to {high:+.3f})"


def _intervals(results: Results) -> Iterable[str]:
    yield "## Coverage and width"
    yield ""
    yield "Routes, and hubs, of one parcel a day and more."
    yield ""
    rows = []
    for title in (MONTHS, WINDOWS, OLIST, FRIDAY):
        for group in results.get(title, {}).get(RADAR, {}):
            mine = results[title][RADAR][group]
            classes = [f"{label} " for label in CLASS_LABELS[1:] if f"{label} cover 80" in mine]
            rows += [
                (f"{title}: {group}", _level(level), *(_number(mine, level + key) for key in _INTERVALS))
                for level in ("", *classes, "hub ", "network ")
            ]
            for name, theirs in results[title].items():
                if name.startswith(PEER) and "cover 80" in theirs.get(group, {}):
                    intervals = (_number(theirs[group], key) for key in _INTERVALS)
                    rows.append((f"{title}: {group}", f"route, {name.removeprefix(PEER)}", *intervals))
    yield from _table(("", "level", *_INTERVALS), rows)


def _level(key: str) -> str:
    return "route" if not key else f"route, {key}a day" if key[0].isdigit() else key.strip()


def _classes(results: Results) -> Iterable[str]:
    yield "## By volume of the route (parcels a day in the four weeks before)"
    yield ""
    rows = []
    for title in (MONTHS, OLIST):
        for group, mine in results.get(title, {}).get(RADAR, {}).items():
            for label in CLASS_LABELS:
                if f"class {label}" in mine:
                    keys = (f"share {label}", f"class {label}", f"weekly {label}", f"bias {label}")
                    rows.append((f"{title}: {group}", label, *(_number(mine, key) for key in keys)))
    yield from _table(("", "class", "share of the parcels", "by day", "by week", "bias"), rows)


def _causes(results: Results) -> Iterable[str]:
    yield "## Where the route error comes from"
    yield ""
    yield "Accuracy of the routes by day when one part after the other is taken from the truth."
    yield ""
    rows = []
    for title in (MONTHS, WINDOWS, OLIST):
        for group, mine in results.get(title, {}).get(RADAR, {}).items():
            rows.append((f"{title}: {group}", *(_number(mine, f"known: {step}") for step in STEPS)))
    yield from _table(("", *STEPS), rows)


def _parts(results: Results, parts: Parts) -> Iterable[str]:
    whole = results.get(MONTHS, {}).get(RADAR)
    if whole is None:
        return
    shown = ("network", "hub in", "route", "route weekly", "bias")
    yield "## What each part adds"
    yield ""
    yield f"{MONTHS}, mean of the windows: the whole, the whole without one part, and each member alone."
    yield ""
    rows = [("the whole", *(_number(whole[ALL], key) for key in shown))]
    rows += [(f"without {part}", *(_number(found[ALL], key) for key in shown)) for part, found in parts.items()]
    for name, theirs in results[MONTHS].items():
        if name.startswith(MEMBER) and ALL in theirs:
            alone = f"{name.removeprefix(MEMBER)} alone, on history freed of events"
            rows.append((alone, *(_number(theirs[ALL], key) for key in shown)))
    yield from _table(("", *shown), rows)


def _scale(scale: Sequence[Mapping[str, float]]) -> Iterable[str]:
    if not scale:
        return
    yield "## Time and memory of the whole forecast"
    yield ""
    yield "Made networks of 730 days, 28 days ahead, each in a process of its own; the table of volumes is in the memory told."
    yield ""
    yield from _table(
        ("routes", "rows", "wall [s]", "CPU [s]", "CPU a million rows [s]", "peak memory [GB]"),
        (
            (
                f"{row['routes']:,.0f}",
                f"{row['rows']:,.0f}",
                f"{row['wall']:.1f}",
                f"{row['cpu']:.1f}",
                f"{row['cpu'] / row['rows'] * 1e6:.1f}",
                f"{row['memory']:.2f}",
            )
            for row in scale
        ),
    )


def _reconciliation(found: Sequence[Mapping[str, object]]) -> Iterable[str]:
    if not found:
        return
    yield "## Reconciliation, 28 days"
    yield ""
    yield from _table(
        ("routes", "solver", "what it gives", "wall [s]", "CPU [s]"),
        (
            (f"{row['routes']:,}", str(row["solver"]), str(row["what"]), _seconds(row["wall"]), _seconds(row["cpu"]))
            for row in found
        ),
    )


def _seconds(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else ""
