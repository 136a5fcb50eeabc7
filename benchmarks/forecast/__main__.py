"""``python -m benchmarks.forecast``: accuracy, calibration and speed on real data, naive ones and peers beside.

Peers run in an environment of their own (``peer_runs.INSTALL``); ``--no-peers`` leaves them out.
``--rolling`` adds the one-day-ahead forecasts, a whole forecast for each day; ``--scale`` adds 1,000, 10,000 and 100,000 routes.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.forecast.cases import (
    BLACK_FRIDAY,
    BLACK_FRIDAY_PRIOR,
    CHINA_MONTHS,
    CHINA_ROLLING,
    CHINA_WINDOWS,
    OLIST_MONTHS,
    Case,
    china,
    olist,
)
from benchmarks.forecast.measures import Truth, interval_figures, point_figures, published
from benchmarks.forecast.peer_runs import INSTALL, peers_installed, run_peers
from benchmarks.forecast.scale import measure_scale
from benchmarks.machine import describe_machine, shared_folder
from forecasting.baselines import day_of_week_mean, seasonal_naive
from forecasting.forecast import forecast
from forecasting.inputs import ForecastInputs, ForecastSettings
from forecasting.panel import ROUTE_KEYS, Panel, to_day

Figures = dict[str, float]
Scores = dict[str, dict[str, list[Figures]]]
SHOWN = ("network", "hub out", "hub in", "route", "route weekly", "bias", "RMSSE")
INTERVALS = ("WQL", "cover 80", "width 80", "cover 90", "width 90", "network cover 80", "network width 80")
RADAR = "ParcelRadar"
_MOST_CASES_WITH_PEERS = 12


def main(arguments: Sequence[str]) -> int:
    """Run everything that the data at hand allow, print tables, and keep the figures beside this file."""
    shared = shared_folder()
    print(describe_machine())
    peers = "--no-peers" not in arguments and peers_installed()
    if not peers:
        print(f"\nWithout peers. To have them beside: {INSTALL}")
    kept: dict[str, object] = {"machine": describe_machine()}
    if shared is None:
        print("\nNo real data: set PARCELRADAR_SHARED to a folder that holds real/; the accuracy part is left out.")
    else:
        chinese, brazilian = china(shared), olist(shared)
        plan = [
            ("Chinese network, 934 routes, 28 days ahead", chinese, CHINA_MONTHS, ForecastSettings()),
            ("Chinese network, peaks a week ahead", chinese, CHINA_WINDOWS, ForecastSettings()),
            ("Olist, 28 days ahead", brazilian, OLIST_MONTHS, ForecastSettings()),
            (
                "Olist over Black Friday 2017, with a prior of 5",
                brazilian,
                (BLACK_FRIDAY,),
                ForecastSettings(event_priors=BLACK_FRIDAY_PRIOR),
            ),
        ]
        if "--rolling" in arguments:
            plan.append(("Chinese network, one day ahead", chinese, CHINA_ROLLING, ForecastSettings()))
        for title, inputs, cases, settings in plan:
            scores = _score(inputs, cases, settings, peers and len(cases) <= _MOST_CASES_WITH_PEERS)
            kept[title] = _means(scores)
            _print(title, scores)
    if "--scale" in arguments:
        kept["scale"] = measure_scale()
    (Path(__file__).parent / "figures.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return 0


def _score(inputs: ForecastInputs, cases: Sequence[Case], settings: ForecastSettings, peers: bool) -> Scores:
    panel = Panel.from_route_volumes(inputs.route_volumes)
    scores: Scores = {}
    for case in cases:
        known = int(np.searchsorted(panel.dates, to_day(case.as_of), side="right"))
        truth = Truth(panel, known, case.horizon, case.skip)
        past = panel.parcels[:, :known]
        started, cpu = time.perf_counter(), time.process_time()
        found = forecast(inputs, case.as_of, case.horizon, settings=settings)
        spent = {"wall [s]": time.perf_counter() - started, "CPU [s]": time.process_time() - cpu}
        entries = {
            RADAR: {
                **point_figures(truth, published(panel, found, "mean")),
                **interval_figures(truth, found),
                **spent,
            },
            "seasonal naive": point_figures(truth, seasonal_naive(past, case.horizon).astype(np.float64)),
            "weekday mean of 4 weeks": point_figures(truth, day_of_week_mean(past, case.horizon).astype(np.float64)),
        }
        for name, member in found.matrices.member_means.items():
            entries[f"member: {name}"] = point_figures(
                truth, _placed(panel, found.matrices.panel.routes, member * found.matrices.event)
            )
        if peers:
            ran = run_peers(inputs, case.as_of, case.horizon)
            for name, said in ran.forecasts.items():
                figures = point_figures(truth, _placed(panel, ran.panel.routes, said.mean))
                entries[f"peer: {name}"] = {**figures, "wall [s]": said.wall, "CPU [s]": said.cpu}
        for name, figures in entries.items():
            scores.setdefault(name, {}).setdefault(case.group, []).append(figures)
    return scores


def _placed(panel: Panel, routes: pl.DataFrame, matrix: NDArray[np.floating]) -> NDArray[np.float64]:
    """Put the rows of some routes at their places among all routes."""
    place = routes.join(panel.routes.with_row_index("row"), on=list(ROUTE_KEYS), how="left", maintain_order="left")[
        "row"
    ]
    placed = np.zeros((panel.size, matrix.shape[1]))
    placed[place.to_numpy().astype(np.int64)] = matrix
    return placed


def _means(scores: Scores) -> dict[str, dict[str, Figures]]:
    """Average the figures of each group, and of all cases."""
    result: dict[str, dict[str, Figures]] = {}
    for name, groups in scores.items():
        pooled = dict(groups)
        if len(groups) > 1:
            pooled["all"] = [figures for cases in groups.values() for figures in cases]
        result[name] = {
            group: {key: float(np.nanmean([case.get(key, np.nan) for case in cases])) for key in cases[0]}
            for group, cases in pooled.items()
        }
    return result


def _print(title: str, scores: Scores) -> None:
    means = _means(scores)
    print(f"\n### {title}: WAPE\n")
    for group in means[RADAR]:
        print(f"\n| {group} | " + " | ".join(SHOWN) + " |")
        print("|---|" + "---|" * len(SHOWN))
        for name, groups in means.items():
            print(f"| {name} | " + " | ".join(f"{groups[group][key]:.3f}" for key in SHOWN) + " |")
        mine = means[RADAR][group]
        print("\n" + ", ".join(f"{key} {mine[key]:.3f}" for key in INTERVALS))
        print(
            "by volume: "
            + ", ".join(f"{key[6:]} {value:.3f}" for key, value in mine.items() if key.startswith("class"))
        )
        spent = {name: groups[group]["CPU [s]"] for name, groups in means.items() if "CPU [s]" in groups[group]}
        print(
            "CPU seconds a forecast: " + ", ".join(f"{name} {value:.1f}" for name, value in spent.items()), flush=True
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
