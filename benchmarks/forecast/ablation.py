"""What each part of the forecast adds: the whole without it, on the same cut-offs.

A part that has no setting is taken out by putting its neutral element in its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from benchmarks.forecast.studies import Figures, Study, Tell, mean_figures, score_ours
from forecasting.combination import LEAD_ENDS
from forecasting.inputs import no_events
from forecasting.volume_classes import CLASS_LABELS


def _same_routes(routes: NDArray[np.float32], *_: Any, **__: Any) -> NDArray[np.float32]:
    return routes


def _no_course(total: NDArray[np.float64], horizon: int, *_: Any, **__: Any) -> NDArray[np.float64]:
    del total
    return np.ones(horizon)


def _equal_weights(errors: Sequence[object], names: Sequence[str], *_: Any, **__: Any) -> NDArray[np.float64]:
    del errors
    return np.full((len(CLASS_LABELS), len(LEAD_ENDS) + 1, len(names)), 1.0 / len(names))


def _drop(study: Study, **settings: Any) -> Study:
    return replace(study, settings=replace(study.settings, **settings))


NEUTRAL: Mapping[str, tuple[tuple[str, Any], ...]] = {
    "hub margins": (("forecasting.route_model.draw_to_margins", _same_routes),),
    "last year's course": (("forecasting.network_path.last_years_course", _no_course),),
    "weights of the combination (equal ones instead)": (("forecasting.route_model.choose_weights", _equal_weights),),
}


@contextmanager
def _without(part: str) -> Iterator[None]:
    patches = [patch(name, neutral) for name, neutral in NEUTRAL[part]]
    for one in patches:
        one.start()
    try:
        yield
    finally:
        for one in patches:
            one.stop()


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
