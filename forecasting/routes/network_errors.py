"""Errors of the network's forecast at many earlier cut-offs: one series is cheap, and a few cut-offs do not tell its spread."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.arrays import Vector
from data.constants import constant
from forecasting.history.cleaning import CleanHistory
from forecasting.intervals.error_samples import ErrorSample
from forecasting.routes.inner_backtests import BACKTESTS
from forecasting.routes.network_path import batched_path


@dataclass(frozen=True)
class NetworkErrorRules:
    """Where the network's errors are taken."""

    cutoffs: int = constant(
        26,
        "cut-offs",
        "two weeks apart: eight left the prior's width on a steady network, whose 80 % interval then held 99 % of days",
        "fitted: every third of the cut-offs 9 to 13 days apart of the sample, the Chinese network and Olist",
    )
    step: int = constant(14, "days", "between them; the latest lie a week apart", "judgement")
    shortest_history: int = constant(84, "days", "that must lie before a cut-off", "judgement")


NETWORK_ERRORS = NetworkErrorRules()


def choose_network_cutoffs(known: int) -> list[int]:
    """Choose how many days each cut-off knows, the latest first; the shortest history of other backtests where none is long enough."""
    steps = list(BACKTESTS.first_steps)
    while len(steps) < NETWORK_ERRORS.cutoffs:
        steps.append(steps[-1] + NETWORK_ERRORS.step)
    least = min(NETWORK_ERRORS.shortest_history, max(known - steps[0], BACKTESTS.shortest_history))
    return [known - step for step in steps if known - step >= least]


def sample_network_errors(
    clean: CleanHistory, actual: NDArray[np.float32], dates: NDArray[np.datetime64], horizon: int
) -> list[ErrorSample]:
    """Collect the errors the network's batched paths would have made.

    Parameters
    ----------
    clean
        The cleaned history.
    actual
        [routes x days] the history as it was.
    dates
        [days].
    horizon
        Days ahead.

    Returns
    -------
    list of ErrorSample
        One a cut-off, of level network; days on which nothing is known, or of whose parcels too many were put there, are left out.
    """
    known = clean.known
    total = clean.parcels.sum(axis=0, dtype=np.float64)
    of_network = actual.sum(axis=0, dtype=np.float64)
    weight = np.where(clean.filled, 0.0, clean.calmness[:known])
    usable = ~clean.filled
    if clean.hidden is not None:
        unseen = np.where(clean.hidden, clean.parcels, np.float32(0.0)).sum(axis=0, dtype=np.float64)
        usable &= unseen <= BACKTESTS.most_hidden * total
    multiple = _network_multiple(clean)
    variance = np.expm1(clean.uplift.log_sd**2)
    samples = []
    for cutoff in choose_network_cutoffs(known):
        days = np.arange(cutoff, min(cutoff + horizon, known))
        path = batched_path(total[:cutoff], dates[:cutoff], days.size, weight[:cutoff])
        usable_days = usable[days]
        days, path = days[usable_days], path[usable_days]
        if days.size:
            recent = np.array([total[max(cutoff - BACKTESTS.recent, 0) : cutoff].mean()])
            sample = ErrorSample.of(
                "network",
                of_network[None, days],
                (path * multiple[days])[None],
                recent,
                clean.touched[days],
                variance[days],
                cutoff,
            )
            samples.append(sample)
    return samples


def _network_multiple(clean: CleanHistory) -> Vector:
    """Return the [known days] factor of events and promotions on the network's total."""
    multiple = clean.multiple[: clean.known].copy()
    if clean.promoted is not None:
        on = np.flatnonzero((clean.promoted.factor[:, : clean.known] != 1.0).any(axis=0))
        plain = clean.parcels[:, on]
        lifted = (plain * clean.promoted.on(on)).sum(axis=0, dtype=np.float64)
        multiple[on] *= lifted / np.maximum(plain.sum(axis=0, dtype=np.float64), 1e-9)
    return multiple
