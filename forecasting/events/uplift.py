"""How much an event multiplies volume: multiples by phase, pooled over editions, related events and planners' priors.

A multiple is in *normal days*: parcels of the day over those of a mean undisturbed day, whatever weekday it falls on
(:func:`times_normal_day`). Its log is, on a day with phases, the sum of its phases' effects plus noise. The effects are
random with parents: edition <- name <- archetype <- what the trade publishes::

    log M_t = sum over phases p on day t of (a[archetype, p] + n[name, p] + (e[season] + d t) s[p]) + noise
    a ~ N(trade prior, trade_sd^2),  n ~ N(0, name_sd^2),  e ~ N(0, edition_sd^2),  d ~ N(drift, drift_sd^2)

and on a day of the run-down after a main day, k days into it, ``b[archetype] exp(-k / ebb_days)`` with
``b ~ N(0, ebb_sd^2)``: a sale may end at once or ebb away,

with ``s`` the archetype's own prior profile, so that an edition that opened weaker than the last is expected weaker on
its main day, and ``t`` in years from the last day known, so that main sales flatten from edition to edition as they do
in the trade's figures until the history says otherwise. This is a Gaussian linear mixed model (Robinson 1991, "That
BLUP is a good thing"); it is solved exactly. What is expected ahead is the mean of the multiple and not the
exponential of the mean log: ``exp(m + v / 2)`` with v the posterior variance, and the noise that a day of the event has more
than an ordinary one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from data.constants import constant
from forecasting.events.phases import PhaseTerms, days_into, pooled_phase
from forecasting.inputs import EventPrior


@dataclass(frozen=True)
class UpliftRules:
    """Spreads of the mixed model of event multiples."""

    trade_sd: Mapping[str, float] = constant(
        {"opening": 0.3, "main": 0.3, "minor": 0.3, "holiday": 0.2, "lunar_year": 0.5},
        "log",
        "standard deviation of an archetype's phase around the trade's",
        "judgement",
    )
    name_sd: Mapping[str, float] = constant(
        {"opening": 0.2, "main": 0.2, "minor": 0.3, "holiday": 0.15, "lunar_year": 0.1},
        "log",
        "standard deviation of an event's phase around its archetype's",
        "judgement",
    )
    ebb_sd: float = constant(
        0.3, "log", "standard deviation of what the first day of a long phase has above the rest of it", "judgement"
    )
    ebb_days: float = constant(
        2.0, "days", "over which that ebbs away by a factor e", "fitted: editions of the sample network"
    )
    edition_sd: float = constant(0.2, "log", "standard deviation of an edition's strength", "judgement")
    drift: float = constant(
        -0.05,
        "log/year",
        "of a main wave: 3.1 normal days in 2014, 1.8 to 1.9 in 2022 and 2023",
        "published: Chinese postal figures of 2014 to 2023",
    )
    drift_sd: float = constant(0.05, "log/year", "standard deviation of the drift", "judgement")
    noise_sd: float = constant(0.15, "log", "of an event day's multiple", "judgement")
    ordinary_sd: float = constant(
        0.1, "log", "of an ordinary day's multiple, which its level's mean holds already", "judgement"
    )
    loosened_sd: float = constant(
        10.0,
        "log",
        "of a name around its archetype once a planner has spoken of it: the planner knows, the trade does not",
        "judgement",
    )
    least_weekday: float = constant(
        0.2, "mean days", "under which a weekday rests, and a sale takes its share of it", "judgement"
    )
    shoulder_share: float = constant(
        0.25, "1", "of a planner's lift that is expected on each of the three days after the main day", "judgement"
    )


UPLIFT = UpliftRules()
_MORE_NOISE = UPLIFT.noise_sd**2 - UPLIFT.ordinary_sd**2

CENTRED_ON_MEAN = ("minor", "holiday", "lunar_year")
"""Archetypes whose trade profile is the mean multiple; those of great sales are the middle ones of skewed multiples."""

_OPENING = {"lull": -0.02, "0": 0.6, "+1": 0.5, "+2": 0.4, "+3": 0.3, "plateau": 0.2}
_MAIN = {"-4": 0.15, "-3": 0.2, "-2": 0.2, "-1": 0.2, "0": 0.8, "+1": 0.5, "+2": 0.4, "+3": 0.2, "rundown": -0.05}
_MINOR = {"-1": 0.0, "0": 0.3, "+1": 0.15, "+2": 0.1, "+3": 0.05, "long": 0.05}
_HOLIDAY = {"eve": -0.05, "after": 0.0}


_EBB = "rundown ebb"


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
    ends_at_once
        [0..1] how well what was seen agrees with main waves that do not ebb away: ``exp(-(b / sd)^2 / 2)``, 1 where none was seen.
    """

    log_effect: NDArray[np.float64]
    log_sd: NDArray[np.float64]
    ends_at_once: float = 1.0


def times_normal_day(ratio: NDArray[np.float64], weekday: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn volumes into the multiples of their events.

    The stronger a sale, the less the weekday it falls on tells: ``ratio = M + (weekday - 1) / M``. What shuts a network takes its
    share of the weekday: ``ratio = weekday M``. So it is with a sale on a weekday that rests (under a fifth of a mean day).

    Parameters
    ----------
    ratio
        [days] parcels over those of a mean undisturbed day.
    weekday
        [days] the same of an undisturbed day of this weekday.
    """
    risen = np.maximum(ratio, weekday)
    fading = (risen + np.sqrt(np.maximum(risen**2 - 4.0 * (weekday - 1.0), 0.0))) / 2.0
    return np.asarray(np.where((ratio > weekday) & _fades(weekday), fading, ratio / weekday))


def on_weekdays(uplift: Uplift, weekday: NDArray[np.float64]) -> Uplift:
    """Turn multiples of a mean day into factors on the undisturbed volume of each day's own weekday.

    The inverse of :func:`times_normal_day`: ``(M + (weekday - 1) / M) / weekday`` for M above 1, else M.
    """
    multiple = np.exp(uplift.log_effect)
    fading = (multiple + (weekday - 1.0) / multiple) / weekday
    return replace(uplift, log_effect=np.log(np.where((multiple > 1.0) & _fades(weekday), fading, multiple)))


def _fades(weekday: NDArray[np.float64]) -> NDArray[np.bool_]:
    # Above two mean days a weekday would have two multiples to one volume.
    return np.asarray((weekday >= UPLIFT.least_weekday) & (weekday < 2.0))


def fit_uplift(
    log_multiple: NDArray[np.float64],
    weight: NDArray[np.float64],
    terms: PhaseTerms,
    priors: Mapping[str, EventPrior],
) -> Uplift:
    """Learn the effects from the past days of a span and give them for all its days.

    Parameters
    ----------
    log_multiple
        [past days] log of the multiple seen.
    weight
        [past days] 0 leaves a day out; 1 is a day like any other.
    terms
        Phases of all days, past and ahead; the span starts on the first past day.
    priors
        Planners' priors by event name. Each is an observation of the coming edition's main day, with the precision of its spread.

    Returns
    -------
    Uplift
        For all days of the span. Past days carry what they were found to be, so that the history can be cleaned with it:
        what a planner expects of the next edition says nothing of the last. Days ahead carry the mean multiple.
    """
    days, past = terms.days, log_multiple.size
    if terms.day.size == 0:
        return Uplift(np.zeros(days), np.zeros(days))
    model = _parameters(terms, past)
    touched = np.abs(model.design).sum(axis=1) > 0
    used = np.flatnonzero((weight > 0) & touched[:past])
    seen = _Rows(model.design[used], log_multiple[used], UPLIFT.noise_sd**2 / np.maximum(weight[used], 1e-6))
    effect, spread, at_once = _solve(model, seen)
    if priors:
        loosened_model = model.loosened()
        for name, prior in sorted(priors.items()):
            seen = seen.joined(_prior_rows(name, prior, loosened_model))
        expected, expected_spread, _ = _solve(loosened_model, seen)
        effect[past:], spread[past:] = expected[past:], expected_spread[past:]
    effect[past:] += (spread[past:] ** 2 + _MORE_NOISE) / 2
    log_sd = np.where(touched, np.hypot(spread, UPLIFT.noise_sd), 0.0)
    return Uplift(np.where(touched, effect, 0.0), log_sd, at_once)


@dataclass(frozen=True)
class _Rows:
    design: NDArray[np.float64]
    target: NDArray[np.float64]
    variance: NDArray[np.float64]

    def joined(self, more: _Rows) -> _Rows:
        return _Rows(
            np.vstack([self.design, more.design]),
            np.concatenate([self.target, more.target]),
            np.concatenate([self.variance, more.variance]),
        )


@dataclass(frozen=True)
class _Model:
    """Design [days x parameters], prior mean and variance, and where each (kind, owner, phase) stands."""

    design: NDArray[np.float64]
    mean: NDArray[np.float64]
    variance: NDArray[np.float64]
    place: Mapping[tuple[str, str, str], int]

    def loosened(self) -> _Model:
        """Return the same with variances of its own, for priors to loosen."""
        return replace(self, variance=self.variance.copy())


def _solve(model: _Model, rows: _Rows) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Return the posterior mean and standard deviation of each day's effect, and how well it agrees with main waves that end at once."""
    x, s2 = rows.design, rows.variance
    precision = np.diag(1.0 / model.variance) + x.T @ (x / s2[:, None])
    covariance = np.linalg.inv(precision)
    posterior = model.mean + covariance @ (x.T @ ((rows.target - x @ model.mean) / s2))
    spread = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", model.design, covariance, model.design), 0.0))
    ebb = model.place.get(("archetype", "main", _EBB))
    at_once = 1.0 if ebb is None else float(np.exp(-(posterior[ebb] ** 2) / covariance[ebb, ebb] / 2))
    return model.design @ posterior, spread, at_once


def _parameters(terms: PhaseTerms, past: int) -> _Model:
    place: dict[tuple[str, str, str], int] = {}
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
        kind, long = wave.archetype, pooled_phase(phase)
        shape = trade_profile(kind, long)
        skew = (
            (UPLIFT.trade_sd[kind] ** 2 + UPLIFT.name_sd[kind] ** 2 + _MORE_NOISE) / 2
            if kind in CENTRED_ON_MEAN
            else 0.0
        )
        entries.append((int(day), column("archetype", kind, long, shape - skew, UPLIFT.trade_sd[kind]), 1.0))
        entries.append((int(day), column("name", f"{kind}:{wave.name}", long, 0.0, UPLIFT.name_sd[kind]), 1.0))
        # After an opening the next wave begins soon: what was left there in one year came again in the next on one network, and not on the other.
        if long == "rundown":
            ebb = np.exp(-days_into(phase) / UPLIFT.ebb_days)
            entries.append((int(day), column("archetype", kind, _EBB, 0.0, UPLIFT.ebb_sd), float(ebb)))
        if kind in ("opening", "main"):
            strength = column("edition", str(wave.season), "", 0.0, UPLIFT.edition_sd)
            drift = column("drift", "", "", UPLIFT.drift, UPLIFT.drift_sd)
            size = shape / _MAIN["0"]
            entries += [(int(day), strength, size), (int(day), drift, size * (int(day) - past) / 365.0)]
    design = np.zeros((terms.days, len(mean)))
    for day, at, value in entries:
        design[day, at] += value
    return _Model(design, np.array(mean), np.array(variance), place)


def plain_name(name: str) -> str:
    """Return the name of an event as it is compared: without case, blanks, underscores and dashes."""
    return "".join(letter for letter in name.lower() if letter not in " _-")


def _prior_rows(name: str, prior: EventPrior, model: _Model) -> _Rows:
    """Turn a planner's prior into rows of the regression; the parent's say on this name is loosened in exchange.

    The main day is expected at the multiple, the three days after it at a quarter of its lift.
    """
    rows: list[NDArray[np.float64]] = []
    targets: list[float] = []
    lifts = dict.fromkeys(("0", "day0"), prior.multiple)
    lifts |= {f"+{day}": 1 + UPLIFT.shoulder_share * (prior.multiple - 1) for day in (1, 2, 3)}
    for (kind, owner, phase), at in model.place.items():
        if kind != "name" or phase not in lifts:
            continue
        archetype, known_name = owner.split(":", 1)
        if plain_name(known_name) != plain_name(name):
            continue
        row = np.zeros(model.mean.size)
        row[[at, model.place[("archetype", archetype, phase)]]] = 1.0
        model.variance[at] = max(float(model.variance[at]), UPLIFT.loosened_sd**2)
        rows.append(row)
        targets.append(float(np.log(max(lifts[phase], 1e-3))))
    variance = max(prior.spread, 0.01) ** 2 / prior.weight
    return _Rows(np.array(rows).reshape(-1, model.mean.size), np.array(targets), np.full(len(rows), variance))
