"""How much an event multiplies volume: multiples by phase, pooled over editions, related events and planners' priors.

The log of the ratio of a series to its undisturbed level is, on a day with phases, the sum of its phases' effects plus
noise. The effects are random with parents: edition <- name <- archetype <- what the trade publishes::

    y_t = sum over phases p on day t of (a[archetype, p] + n[name, p] + e[season] s[p]) + noise
    a ~ N(trade prior, TRADE_SD^2),  n ~ N(0, NAME_SD^2),  e ~ N(0, EDITION_SD^2)

with ``s`` the archetype's own prior profile, so that an edition that opened weaker than the last is expected weaker on
its main day. This is a Gaussian linear mixed model (Robinson 1991, "That BLUP is a good thing"); it is solved exactly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from forecasting.events import PhaseTerms
from forecasting.inputs import EventPrior

TRADE_SD = {"opening": 0.3, "main": 0.3, "minor": 0.3, "holiday": 0.25, "lunar_year": 0.5}
NAME_SD = {"opening": 0.2, "main": 0.2, "minor": 0.3, "holiday": 0.25, "lunar_year": 0.1}
EDITION_SD = 0.2
NOISE_SD = 0.15
SHOULDER_SHARE = 0.25
"""Share of a planner's lift that is expected on each of the three days after the main day."""

_OPENING = {"lull": -0.02, "0": 0.6, "+1": 0.5, "+2": 0.4, "+3": 0.3, "plateau": 0.2}
_MAIN = {"-4": 0.15, "-3": 0.2, "-2": 0.2, "-1": 0.2, "0": 0.8, "+1": 0.5, "+2": 0.4, "+3": 0.2, "rundown": -0.05}
_MINOR = {"-1": 0.0, "0": 0.3, "+1": 0.15, "+2": 0.1, "+3": 0.05, "long": 0.05}
_HOLIDAY = {"eve": -0.05, "after": 0.0}


def trade_profile(archetype: str, phase: str) -> float:
    """Return the log multiple to expect of a phase before any of it was seen.

    Main sales carry about 2.2 normal days' parcels on their main day and drain over three days, openings about 1.8;
    the lunar new year empties the network for about a week; other holidays take a tenth.
    """
    if archetype == "opening":
        return _OPENING.get(phase, 0.0)
    if archetype == "main":
        return _MAIN.get(phase, 0.0)
    if archetype == "minor":
        return _MINOR.get(phase, 0.0)
    if archetype == "lunar_year":
        offset = int(phase)
        return -1.2 if offset == -1 else -0.7 if -2 <= offset <= 3 else -0.35 if -4 <= offset <= 8 else 0.0
    return _HOLIDAY.get(phase, -0.1)


@dataclass(frozen=True)
class Uplift:
    """Effect of the events on each day of a span.

    Attributes
    ----------
    log_effect
        [days] log of the multiple.
    log_sd
        [days] its standard deviation, for an edition not seen yet; 0 on days without an event.
    """

    log_effect: NDArray[np.float64]
    log_sd: NDArray[np.float64]


def fit_uplift(
    log_ratio: NDArray[np.float64],
    weight: NDArray[np.float64],
    terms: PhaseTerms,
    priors: Mapping[str, EventPrior],
) -> Uplift:
    """Learn the effects from the past days of a span and tell them for all its days.

    Parameters
    ----------
    log_ratio
        [past days] log of volume over undisturbed level.
    weight
        [past days] 0 leaves a day out; 1 is a day like any other.
    terms
        Phases of all days, past and ahead; the span starts on the first past day.
    priors
        Planners' priors by event name; they count as editions seen, each with the precision of its spread.

    Returns
    -------
    Uplift
        For all days of the span. Days before the first past day of an event carry its estimate as well, so that
        the history can be cleaned with it.
    """
    days = terms.days
    if terms.day.size == 0:
        return Uplift(np.zeros(days), np.zeros(days))
    design, mean, variance, names = _parameters(terms)
    past = log_ratio.size
    used = np.flatnonzero((weight > 0) & (np.abs(design[:past]).sum(axis=1) > 0))
    rows = [design[used]]
    targets = [log_ratio[used]]
    noise = [np.full(used.size, NOISE_SD**2) / np.maximum(weight[used], 1e-6)]
    for name, prior in sorted(priors.items()):
        extra, target, spread = _prior_rows(name, prior, names, design.shape[1], variance)
        rows.append(extra)
        targets.append(target)
        noise.append(spread)
    x, y, s2 = np.vstack(rows), np.concatenate(targets), np.concatenate(noise)
    # Posterior of a Gaussian linear model in its data space when rows are fewer than parameters, else in parameter space.
    precision = np.diag(1.0 / variance) + x.T @ (x / s2[:, None])
    covariance = np.linalg.inv(precision)
    posterior = mean + covariance @ (x.T @ ((y - x @ mean) / s2))
    effect = design @ posterior
    spread_of_day = np.sqrt(np.einsum("ij,jk,ik->i", design, covariance, design))
    quiet = np.abs(design).sum(axis=1) == 0
    noise_sd = np.where(quiet, 0.0, NOISE_SD)
    return Uplift(np.where(quiet, 0.0, effect), np.where(quiet, 0.0, np.hypot(spread_of_day, noise_sd)))


_Names = dict[tuple[str, str, str], int]


def _parameters(
    terms: PhaseTerms,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], _Names]:
    """Build the design [days x parameters] with prior mean and variance, and where each (kind, owner, phase) stands."""
    place: _Names = {}
    mean: list[float] = []
    variance: list[float] = []
    entries: list[tuple[int, int, float]] = []

    def column(kind: str, owner: str, phase: str, centre: float, sd: float) -> int:
        key = (kind, owner, phase)
        if key not in place:
            place[key] = len(mean)
            mean.append(centre)
            variance.append(sd * sd)
        return place[key]

    for day, wave_at, phase in zip(terms.day, terms.wave, terms.phase, strict=True):
        wave = terms.waves[wave_at]
        shape = trade_profile(wave.archetype, phase)
        kind = wave.archetype
        entries.append((int(day), column("archetype", kind, phase, shape, TRADE_SD[kind]), 1.0))
        entries.append((int(day), column("name", f"{kind}:{wave.name}", phase, 0.0, NAME_SD[kind]), 1.0))
        if kind in ("opening", "main"):
            strength = column("edition", str(wave.season), "", 0.0, EDITION_SD)
            entries.append((int(day), strength, shape / _MAIN["0"]))
    design = np.zeros((terms.days, len(mean)))
    for day, at, value in entries:
        design[day, at] += value
    return design, np.array(mean), np.array(variance), place


def _plain(name: str) -> str:
    """Return a name as it is compared: without case, blanks, underscores and dashes."""
    return "".join(letter for letter in name.lower() if letter not in " _-")


def _prior_rows(
    name: str, prior: EventPrior, place: _Names, parameters: int, variance: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Turn a planner's prior into rows of the regression; the parent's say on this name is loosened in exchange."""
    rows: list[NDArray[np.float64]] = []
    targets: list[float] = []
    spreads: list[float] = []
    lifts = {"0": prior.multiple} | {f"+{d}": 1 + SHOULDER_SHARE * (prior.multiple - 1) for d in (1, 2, 3)}
    for (kind, owner, phase), at in place.items():
        if kind != "name" or phase not in lifts:
            continue
        archetype, known_name = owner.split(":", 1)
        if _plain(known_name) != _plain(name):
            continue
        row = np.zeros(parameters)
        row[at] = 1.0
        row[place[("archetype", archetype, phase)]] = 1.0
        variance[at] = max(float(variance[at]), 4.0)
        rows.append(row)
        targets.append(float(np.log(max(lifts[phase], 1e-3))))
        spreads.append(max(prior.spread, 0.01) ** 2 / prior.weight)
    return np.array(rows).reshape(-1, parameters), np.array(targets), np.array(spreads)
