"""What is forecast with which peers beside, and the figures of each forecast."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.forecast.cases import (
    AUTOETS_DAY,
    BLACK_FRIDAY,
    BLACK_FRIDAY_DAY,
    BLACK_FRIDAY_PRIOR,
    CHINA_MONTHS,
    CHINA_ROLLING,
    CHINA_WINDOWS,
    OLIST_MONTHS,
    Case,
    china,
    olist,
)
from benchmarks.forecast.measures import (
    Matrix,
    Truth,
    day_figures,
    interval_figures,
    peer_interval_figures,
    point_figures,
    published,
    route_places,
)
from benchmarks.forecast.peer_runs import PeerQueue
from forecasting.evaluation.error_causes import split_error
from forecasting.forecast import forecast
from forecasting.inputs import ForecastInputs, ForecastSettings
from forecasting.results import Forecasts
from forecasting.series.baselines import day_of_week_mean, seasonal_naive
from forecasting.series.panel import Panel

Figures = dict[str, float]
Scores = dict[str, dict[str, list[Figures]]]
Means = Mapping[str, Mapping[str, Figures]]
Tell = Callable[[str], None]

RADAR = "ParcelRadar"
MEMBER = "member: "
PEER = "peer: "
ALL = "all"
NAIVE = (f"{PEER}seasonal naive (own)", f"{PEER}weekday mean of 4 weeks")

MONTHS = "Chinese network, 28 days ahead"
WINDOWS = "Chinese network, peaks a week ahead"
ROLLING = "Chinese network, one day ahead"
EVERY_ROUTE = "AutoETS on every route, one cut-off of the Chinese network"
OLIST = "Olist, 28 days ahead"
FRIDAY = "Olist over Black Friday 2017, a planner's prior of 5"

_QUICK = ("seasonal_naive", "tsb", "adida", "lightgbm_tweedie")
_TOTALS = ("autoets_total_shares", "prophet_total_shares", "prophet_archetypes", "mintrace")


@dataclass(frozen=True)
class Study:
    """Cases of one kind, scored together.

    Attributes
    ----------
    title
        Heading of its tables.
    inputs, settings
        What our forecasts are made from.
    cases
        Cut-offs.
    peers
        Models of ``peers.MODELS`` run on each.
    """

    title: str
    inputs: ForecastInputs
    cases: tuple[Case, ...]
    peers: tuple[str, ...]
    settings: ForecastSettings = field(default_factory=ForecastSettings)


def choose_studies(shared: Path) -> list[Study]:
    """List the studies on the real data in a folder."""
    chinese, brazilian = china(shared), olist(shared)
    prior = ForecastSettings(event_priors=BLACK_FRIDAY_PRIOR)
    return [
        Study(MONTHS, chinese, CHINA_MONTHS, (*_QUICK, "theta", *_TOTALS)),
        Study(WINDOWS, chinese, CHINA_WINDOWS, (*_QUICK, *_TOTALS, "autoets_largest")),
        Study(OLIST, brazilian, OLIST_MONTHS, (*_QUICK, "theta", *_TOTALS)),
        Study(FRIDAY, brazilian, (BLACK_FRIDAY,), (*_QUICK, *_TOTALS), prior),
        Study(ROLLING, chinese, CHINA_ROLLING, ("seasonal_naive", "tsb", "adida")),
        Study(EVERY_ROUTE, chinese, (AUTOETS_DAY,), ("autoets",)),
    ]


def ask_peers(studies: Sequence[Study]) -> tuple[PeerQueue, dict[str, list[int]]]:
    """Start the peers on all studies; returns the queue and the numbers to collect by."""
    queue = PeerQueue()
    asked = {
        study.title: [queue.ask(study.inputs, case.as_of, case.horizon, study.peers) for case in study.cases]
        for study in studies
    }
    queue.start()
    return queue, asked


def score_ours(study: Study, tell: Tell, whole: bool = True) -> Scores:
    """Forecast every case of a study and score it.

    Parameters
    ----------
    study
        Cases.
    tell
        Told of each case done.
    whole
        Also score members, the naive ones and the causes of the error.
    """
    panel = Panel.from_route_volumes(study.inputs.route_volumes)
    scores: Scores = {}
    for number, case in enumerate(study.cases, start=1):
        truth = _truth(panel, case)
        started, cpu = time.perf_counter(), time.process_time()
        found = forecast(study.inputs, case.as_of, case.horizon, settings=study.settings)
        spent = {"wall [s]": time.perf_counter() - started, "CPU [s]": time.process_time() - cpu}
        mean = published(panel, found, "mean")
        mine = {**point_figures(truth, mean), **interval_figures(truth, found), **spent}
        entries = {RADAR: mine}
        if whole:
            mine |= _causes(truth, mean)
            if truth.actual.shape[1] and BLACK_FRIDAY_DAY in found.network["date"].to_list():
                mine |= day_figures(found, truth, BLACK_FRIDAY_DAY)
            past = panel.parcels[:, : truth.known]
            entries[NAIVE[0]] = point_figures(truth, seasonal_naive(past, case.horizon).astype(np.float64))
            entries[NAIVE[1]] = point_figures(truth, day_of_week_mean(past, case.horizon).astype(np.float64))
            entries |= {MEMBER + name: figures for name, figures in _members(truth, found).items()}
        for name, figures in entries.items():
            scores.setdefault(name, {}).setdefault(case.group, []).append(figures)
        tell(f"{study.title}: {number} of {len(study.cases)}, {case.as_of}, {spent['wall [s]']:.1f} s")
    return scores


def score_peers(study: Study, queue: PeerQueue, numbers: Sequence[int], tell: Tell) -> Scores:
    """Wait for the peers' forecasts of a study and score them."""
    panel = Panel.from_route_volumes(study.inputs.route_volumes)
    scores: Scores = {}
    for case, number in zip(study.cases, numbers, strict=True):
        ran = queue.collect(number)
        truth = _truth(panel, case)
        place = route_places(panel, ran.panel.routes)
        for name, said in ran.forecasts.items():
            mean = np.zeros((panel.size, case.horizon))
            mean[place] = said.mean
            figures = {**point_figures(truth, mean), "wall [s]": said.wall, "CPU [s]": said.cpu}
            if said.quantiles is not None:
                quantiles = np.zeros((panel.size, *said.quantiles.shape[1:]))
                quantiles[place] = said.quantiles
                figures |= peer_interval_figures(truth, quantiles)
            scores.setdefault(PEER + name, {}).setdefault(case.group, []).append(figures)
        tell(f"peers, {study.title}: {case.as_of}")
    return scores


def mean_figures(scores: Scores) -> dict[str, dict[str, Figures]]:
    """Average the figures of each group of cases, and of all cases."""
    result: dict[str, dict[str, Figures]] = {}
    for name, groups in scores.items():
        pooled = dict(groups)
        if len(groups) > 1:
            pooled[ALL] = [figures for cases in groups.values() for figures in cases]
        result[name] = {group: _mean(cases) for group, cases in pooled.items()}
    return result


def tell_progress(line: str) -> None:
    """Print a line of progress beside the results."""
    print(f"[{time.strftime('%H:%M:%S')}] {line}", file=sys.stderr, flush=True)


def _truth(panel: Panel, case: Case) -> Truth:
    known = int(np.searchsorted(panel.dates, np.datetime64(case.as_of, "D"), side="right"))
    return Truth(panel, known, case.horizon, case.skip)


def _mean(cases: Sequence[Figures]) -> Figures:
    names = dict.fromkeys(name for case in cases for name in case)
    kept = {name: [case[name] for case in cases if name in case and np.isfinite(case[name])] for name in names}
    return {name: float(np.mean(values)) if values else float("nan") for name, values in kept.items()}


def _causes(truth: Truth, mean: Matrix) -> Figures:
    panel = truth.panel
    steps = split_error(
        truth.actual, mean[:, truth.skip :], panel.membership("hub_out").index, panel.membership("hub_in").index
    )
    return {f"known: {row['known']}": row["accuracy"] for row in steps.iter_rows(named=True)}


def _members(truth: Truth, found: Forecasts) -> dict[str, Figures]:
    matrices = found.matrices
    place = route_places(truth.panel, matrices.panel.routes)
    figures = {}
    for name, member in matrices.member_means.items():
        mean = np.zeros((truth.panel.size, truth.horizon))
        mean[place[place >= 0]] = (member * matrices.event)[place >= 0]
        figures[name] = point_figures(truth, mean)
    return figures
