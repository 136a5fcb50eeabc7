"""What each part of the forecast adds: the whole without it, on the same cut-offs.

A part that has no setting is taken out by putting its neutral element in its place.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from benchmarks.forecast.studies import Figures, Study, Tell, mean_figures, score_ours
from forecasting.events.deviations import EventDeviation
from forecasting.events.phases import PhaseTerms
from forecasting.inputs import no_events
from forecasting.routes.combination import COMBINATION
from forecasting.series.volume_classes import CLASS_LABELS


def _same_routes(routes: NDArray[np.float32], *_: Any, **__: Any) -> NDArray[np.float32]:
    return routes


def _no_season(total: NDArray[np.float64], horizon: int, *_: Any, **__: Any) -> NDArray[np.float64]:
    del total
    return np.ones(horizon)


def _no_deviation(history: NDArray[np.float32], terms: PhaseTerms, *_: Any, **__: Any) -> EventDeviation:
    return EventDeviation.none(history.shape[0], terms.days)


def _no_trend(*_: Any, **__: Any) -> float:
    return 0.0


def _equal_weights(errors: Sequence[object], names: Sequence[str], *_: Any, **__: Any) -> NDArray[np.float64]:
    del errors
    return np.full((len(CLASS_LABELS), len(COMBINATION.lead_ends) + 1, len(names)), 1.0 / len(names))


def _drop(study: Study, **settings: Any) -> Study:
    return replace(study, settings=replace(study.settings, **settings))


NEUTRAL: Mapping[str, Mapping[str, Any]] = {
    "deviations of hubs and routes in events": {"learn_deviations": _no_deviation},
    "hub reconciliation": {"reconcile_with_hubs": _same_routes},
    "season of last year": {"seasonal_index": _no_season},
    "weighed trend": {"trend_weight": _no_trend},
    "weights of the batched members (equal ones instead)": {"choose_weights": _equal_weights},
}
"""Part -> function of ``forecasting`` -> what stands in its place."""


def check_parts() -> None:
    """Say at once, and not after an hour, when a part is no longer where it was."""
    for part, functions in NEUTRAL.items():
        for name in functions:
            if not _holders(name):
                raise LookupError(f"{part!r} is taken out by {name}, and nothing in forecasting has that name")


def _holders(name: str) -> list[ModuleType]:
    loaded = [module for key, module in sys.modules.items() if key.startswith("forecasting.")]
    return [module for module in loaded if hasattr(module, name)]


@contextmanager
def _without(part: str) -> Iterator[None]:
    """Put the neutral elements in place wherever the package holds the functions."""
    with ExitStack() as stack:
        for name, neutral in NEUTRAL[part].items():
            for module in _holders(name):
                stack.enter_context(patch.object(module, name, neutral))
        yield


def measure_parts(study: Study, tell: Tell) -> dict[str, dict[str, Figures]]:
    """Score a study without each part in turn.

    Returns
    -------
    dict
        Part left out -> group -> figures.
    """
    without = {
        "share trees": _drop(study, use_trees=False),
        "Prophet": _drop(study, use_prophet=False),
        "events": replace(study, inputs=replace(study.inputs, events=no_events())),
    }
    found: dict[str, dict[str, Figures]] = {}
    for part, changed in without.items():
        tell(f"without {part}")
        found[part] = _ours(changed)
    for part in NEUTRAL:
        tell(f"without {part}")
        with _without(part):
            found[part] = _ours(study)
    return found


def _ours(study: Study) -> dict[str, Figures]:
    (only,) = mean_figures(score_ours(study, lambda _: None, whole=False)).values()
    return only
