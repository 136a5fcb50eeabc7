"""``python -m benchmarks.forecast.bands``: what sample paths hold of what came, at every level, with bootstrap intervals over cut-offs.

Each cut-off is forecast three weeks ahead, paths are drawn (:func:`forecasting.intervals.sample_paths.draw_paths`), summed to routes, hubs, what a
hub handles, its largest day and the network, and what came is placed among them. Writes ``docs/measured/bands.md``; ``--cutoffs N`` takes every
so many-th cut-off that N remain, ``--draws N`` draws so many paths of each.
"""

from __future__ import annotations

import datetime as dt
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.forecast.cases import china, olist
from benchmarks.forecast.resampling import resample_mean
from benchmarks.machine import describe_machine, shared_folder
from data.arrays import Flags, Matrix
from forecasting.forecast import forecast
from forecasting.inputs import ForecastInputs, ForecastSettings
from forecasting.intervals.sample_paths import draw_paths, fit_paths
from forecasting.series.panel import Membership, Panel

PAGE = Path(__file__).resolve().parents[2] / "docs" / "measured" / "bands.md"
HORIZON = 21
SETTINGS = ForecastSettings(use_prophet=False)
D = dt.date
CHINA = (
    *(D(2021, 8, 15), D(2021, 10, 10), D(2021, 11, 21), D(2021, 12, 26), D(2022, 1, 23), D(2022, 3, 13)),
    *(D(2022, 4, 3), D(2022, 5, 22), D(2022, 6, 12), D(2022, 7, 10), D(2022, 8, 7), D(2022, 8, 31)),
)
"""Between those on which the paths' constants were chosen."""

OLIST = (
    *(D(2017, 7, 16), D(2017, 9, 10), D(2017, 11, 5), D(2017, 12, 17), D(2018, 2, 4)),
    *(D(2018, 3, 25), D(2018, 5, 6), D(2018, 6, 17), D(2018, 7, 22)),
)
FIGURES = ("80 % covers", "90 % covers", "above q95", "above q99")
Scores = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Network:
    """A network to be measured.

    Attributes
    ----------
    name
        As the page calls it.
    inputs, cutoffs
        Tables and last days known.
    hub, handled, route
        Parcels a day from which a hub's sums, what it handles, and a route count.
    """

    name: str
    inputs: ForecastInputs
    cutoffs: Sequence[dt.date]
    hub: float
    handled: float
    route: float


BARS: Mapping[tuple[str, str], tuple[float, float]] = {
    ("handled by a hub", "80 % covers"): (0.77, 0.84),
    ("handled by a hub", "above q95"): (0.04, 0.065),
    ("handled by a hub", "above q99"): (0.0, 0.015),
    ("hub in", "80 % covers"): (0.78, 1.0),
    ("hub in", "above q99"): (0.0, 0.02),
    ("network", "80 % covers"): (0.76, 0.86),
    ("largest day of a hub", "above q95"): (0.0, 0.08),
    ("largest day of a hub", "above q99"): (0.0, 0.03),
}
"""Aims on the Chinese network, least and most."""


def measure(network: Network, draws: int) -> list[Scores]:
    """Place what came among the paths of every cut-off: level -> [days x series] part of the paths below it."""
    panel = Panel.from_route_volumes(network.inputs.route_volumes)
    found = []
    for as_of in network.cutoffs:
        made = forecast(network.inputs, as_of, HORIZON, settings=SETTINGS)
        model = fit_paths(made.network, made.hub, made.route)
        drawn = np.stack(list(draw_paths(model, draws, seed=0)))
        known = int(np.searchsorted(panel.dates, np.datetime64(as_of, "D"), side="right"))
        ends = ("courier_id", "origin_hub_id", "destination_hub_id")
        rows = {keys: at for at, keys in enumerate(panel.routes.select(ends).iter_rows())}
        came = panel.parcels[:, known : known + HORIZON].astype(np.float64)
        # A route nobody knew of yet carries nothing in any path, and what came on it counts in every sum.
        paths = np.zeros((draws, *came.shape), dtype=np.int64)
        paths[:, [rows[keys] for keys in model.routes.select(ends).iter_rows()]] = drawn[:, :, : came.shape[1]]
        found.append(place_levels(paths, came, panel, network))
        print(f"{network.name}, {as_of}", file=sys.stderr, flush=True)
    return found


def place_levels(paths: NDArray[np.int64], came: Matrix, panel: Panel, network: Network) -> Scores:
    """Sum paths [draws x routes x days] and what came [routes x days] to every level and place the second in the first."""
    out, into = panel.membership("hub_out"), panel.membership("hub_in")
    sent, received = sum_paths(paths, out), sum_paths(paths, into)
    sent_came, received_came = sum_paths(came[None], out)[0], sum_paths(came[None], into)[0]
    labels = sorted({*out.labels, *into.labels})
    handled, handled_came = (
        _by_label(first, out.labels, labels) + _by_label(second, into.labels, labels)
        for first, second in ((sent, received), (sent_came[None], received_came[None]))
    )
    large = handled.mean(axis=(0, 2)) >= network.handled
    levels = {
        "route": (paths, came, paths.mean(axis=(0, 2)) >= network.route),
        "hub out": (sent, sent_came, sent.mean(axis=(0, 2)) >= network.hub),
        "hub in": (received, received_came, received.mean(axis=(0, 2)) >= network.hub),
        "handled by a hub": (handled, handled_came[0], large),
        "largest day of a hub": (handled.max(axis=2, keepdims=True), handled_came[0].max(axis=1, keepdims=True), large),
        "network": (paths.sum(axis=1, keepdims=True), came.sum(axis=0, keepdims=True), np.ones(1, dtype=np.bool_)),
    }
    random = np.random.default_rng(0)
    return {name: place(drawn, arrived, kept, random) for name, (drawn, arrived, kept) in levels.items()}


def sum_paths(paths: NDArray[np.int64] | Matrix, membership: Membership) -> Matrix:
    """Sum [draws x routes x days] over groups."""
    sums = np.zeros((paths.shape[0], membership.groups, paths.shape[2]))
    for draw, path in enumerate(paths):
        np.add.at(sums[draw], membership.index, path)
    return sums


def _by_label(sums: Matrix, labels: Sequence[str], wanted: Sequence[str]) -> Matrix:
    placed = np.zeros((sums.shape[0], len(wanted), sums.shape[2]))
    placed[:, [wanted.index(label) for label in labels]] = sums
    return placed


def place(
    drawn: NDArray[np.int64] | Matrix, came: Matrix, kept: Flags, random: np.random.Generator
) -> NDArray[np.float64]:
    """Return the part of the draws below what came, the draws equal to it split by chance."""
    drawn, came = drawn[:, kept], came[kept]
    below, equal = (drawn < came).mean(axis=0), (drawn == came).mean(axis=0)
    return np.asarray(below + random.random(came.shape) * equal)


def read_figures(placed: NDArray[np.float64]) -> dict[str, float]:
    """Say how much of what came lies within bands and beyond quantiles; nothing where nothing was placed."""
    if placed.size == 0:
        return {}
    bands = (("80 % covers", 0.1, 0.9), ("90 % covers", 0.05, 0.95))
    figures = {name: float(((placed > low) & (placed < high)).mean()) for name, low, high in bands}
    return figures | {f"above q{level}": float((placed > level / 100).mean()) for level in (95, 99)}


def _table(name: str, found: Sequence[Scores], bars: bool) -> list[str]:
    lines = [f"## {name}, {len(found)} cut-offs", "", "| level | days | " + " | ".join(FIGURES) + " |"]
    lines.append("|---" * (len(FIGURES) + 2) + "|")
    for level in found[0]:
        of_cutoff = [read_figures(scores[level]) for scores in found]
        sizes = np.array([scores[level].size for scores in found], dtype=np.float64)
        cells = []
        for figure in FIGURES:
            values = np.array([figures.get(figure, 0.0) for figures in of_cutoff])
            mean, low, high = resample_mean(values, sizes)
            bar = BARS.get((level, figure)) if bars else None
            verdict = "" if bar is None else _verdict(mean, low, high, bar)
            cells.append(f"{mean:.3f} ({low:.3f} to {high:.3f}){verdict}")
        lines.append(f"| {level} | {int(sizes.sum()):,} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def _verdict(mean: float, low: float, high: float, bar: tuple[float, float]) -> str:
    if bar[0] <= mean <= bar[1]:
        return " met"
    return " **missed**, within the interval" if low <= bar[1] and high >= bar[0] else " **missed**"


def write_page(found: Mapping[str, Sequence[Scores]], draws: int, seconds: float) -> str:
    """Lay out one run; the first network has aims."""
    aims = "; ".join(f"{level}, {figure}: {low:g} to {high:g}" for (level, figure), (low, high) in BARS.items())
    lines = [
        "# What sample paths hold: one run",
        "",
        f"Written by `python -m benchmarks.forecast.bands --draws {draws}`: {describe_machine()}, {seconds:.0f} s. {HORIZON} days ahead, trees, no Prophet.",
        "A part of days of what came, in brackets the 95 % interval of 2,000 bootstrap samples of whole cut-offs, whose days move together. A band of 80 % should cover .80, above its",
        "q95 should lie .05. Hubs count from 1,000 parcels a day (what they handle: sent and received, 10,000), routes from 100; on Olist from 1, 20 and 1.",
        "",
        f"Aims on the Chinese network: {aims}.",
        "",
    ]
    for number, (name, scores) in enumerate(found.items()):
        lines += _table(name, scores, bars=number == 0)
    return "\n".join(lines).rstrip() + "\n"


def main(arguments: Sequence[str]) -> int:
    """Measure both networks and write the page."""
    shared = shared_folder()
    if shared is None:
        print("No real data: set PARCELRADAR_SHARED to a folder that holds real/.", file=sys.stderr)
        return 1

    def number(option: str, otherwise: int) -> int:
        return int(arguments[arguments.index(option) + 1]) if option in arguments else otherwise

    draws, started = number("--draws", 200), time.monotonic()
    networks = (
        Network("Chinese network", china(shared), CHINA, 1_000, 10_000, 100),
        Network("Olist", olist(shared), OLIST, 1, 20, 1),
    )
    found = {}
    for network in networks:
        step = -(-len(network.cutoffs) // number("--cutoffs", len(network.cutoffs)))
        chosen = Network(**{**network.__dict__, "cutoffs": network.cutoffs[::step]})
        found[network.name] = measure(chosen, draws)
    page = write_page(found, draws, time.monotonic() - started)
    PAGE.write_text(page, encoding="utf-8")
    print(page)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
