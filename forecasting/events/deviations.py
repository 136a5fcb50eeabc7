"""Which hubs and routes an event lifts more than the network: deviations pooled network -> hub -> route.

Some hubs send what a sale sells. Over a stage of an event (the main day with its three shoulders, say) a hub's share of all
parcels is compared with its share on the quiet days around the season. The log of the ratio is averaged over editions and
shrunk to the parent by pseudo-occurrences in which the hub behaved like the network::

    deviation = sum over editions of log(share in the event / share around it) / (editions + pooling)

A route's own deviation is what is left over that of its two hubs, shrunk harder still. The multiple of the network stays what it
is: deviations only move parcels between the routes of a day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.arrays import Vector
from data.constants import constant
from forecasting.events.phases import PhaseTerms, pooled_phase
from forecasting.series.panel import Membership, aggregate

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class DeviationRules:
    """How far hubs and routes are believed to deviate from the network in an event."""

    origin_pooling: float = constant(
        2.0,
        "editions",
        "like the network's, in an origin hub's deviation",
        "fitted: python -m benchmarks.forecast, Chinese network",
    )
    destination_pooling: float = constant(
        10.0,
        "editions",
        "like the network's, in a destination hub's deviation",
        "fitted: python -m benchmarks.forecast, Chinese network",
    )
    around: int = constant(
        21, "days", "quiet ones on each side of a season from which the ordinary shares are read", "judgement"
    )
    largest: float = constant(0.7, "log", "of a route's deviation, up or down", "judgement")
    noise_parcels: float = constant(
        100.0, "parcels", "expected at which half of a deviation is taken for counting noise", "judgement"
    )


DEVIATIONS = DeviationRules()

_LUNAR_STAGES = ((-8, "before"), (-2, "closing"), (3, "feast"), (10, "reopening"))


def stage_of(archetype: str, phase: str) -> str:
    """Return the stage that a phase belongs to, within its archetype; empty where no deviation is learnt."""
    if archetype == "opening":
        return "" if phase == "lull" else "plateau" if pooled_phase(phase) == "plateau" else "opening"
    if archetype == "main":
        return "rundown" if pooled_phase(phase) == "rundown" else "before" if phase.startswith("-") else "main"
    if archetype == "lunar_year":
        return next((stage for last, stage in _LUNAR_STAGES if int(phase) <= last), "after")
    return ""


@dataclass(frozen=True)
class EventDeviation:
    """How far each route deviates from the network's multiple.

    Attributes
    ----------
    log_deviation
        [stages x routes] log of the deviation.
    stage
        [days] which stage stands on the day, -1 for none.
    """

    log_deviation: Matrix
    stage: NDArray[np.int64]

    @classmethod
    def none(cls, routes: int, days: int) -> EventDeviation:
        """Return the deviation of routes that all follow the network."""
        return cls(np.zeros((0, routes), dtype=np.float32), np.full(days, -1, dtype=np.int64))

    def on(self, days: NDArray[np.int64], level: Matrix, undo: bool = False) -> Matrix:
        """Return the factors [routes x days] that keep the sum of ``level`` [routes x days] on each day.

        Parameters
        ----------
        days
            Positions of the days.
        level
            [routes x days] parcels to which the factors go.
        undo
            Take the deviation out instead of putting it in.
        """
        factor = np.ones((self.log_deviation.shape[1], days.size), dtype=np.float32)
        for at, day in enumerate(days):
            if self.stage[day] >= 0:
                deviation = np.exp(
                    -self.log_deviation[self.stage[day]] if undo else self.log_deviation[self.stage[day]]
                )
                mass = float(level[:, at].sum(dtype=np.float64))
                deviated = float((level[:, at] * deviation).sum(dtype=np.float64))
                factor[:, at] = deviation * (mass / deviated) if deviated > 0 else 1.0
        return factor


def learn_deviations(
    parcels: Matrix,
    terms: PhaseTerms,
    quiet: NDArray[np.bool_],
    out: Membership,
    into: Membership,
    route_pooling: float,
) -> EventDeviation:
    """Learn the deviations of hubs and routes from every edition seen.

    Parameters
    ----------
    parcels
        [routes x known days] as they were.
    terms
        Phases of the known days and of those ahead.
    quiet
        [known days] days without event that were loaded.
    out, into
        Hubs of the routes.
    route_pooling
        Pseudo-occurrences of the parent in a route's own deviation.
    """
    known = parcels.shape[1]
    stages, days_of, stage_of_day = _stages(terms)
    log_deviation = np.zeros((len(stages), parcels.shape[0]), dtype=np.float32)
    for at, editions in enumerate(days_of):
        seen = []
        for days in editions.values():
            past = days[days < known]
            around = _around(days, quiet)
            # A stage that is only half over has not shown its shares yet.
            if past.size == days.size and around.size >= DEVIATIONS.around // 3:
                seen.append(
                    (parcels[:, past].sum(axis=1, dtype=np.float64), parcels[:, around].mean(axis=1) * past.size)
                )
        if seen:
            log_deviation[at] = _pool(seen, out, into, route_pooling)
    return EventDeviation(log_deviation, stage_of_day)


def _stages(
    terms: PhaseTerms,
) -> tuple[list[tuple[str, str]], list[Mapping[int, NDArray[np.int64]]], NDArray[np.int64]]:
    """Return the stages, for each the days of every season, and the stage on each day (main waves before openings)."""
    days_by_stage: dict[tuple[str, str], dict[int, list[int]]] = {}
    for day, wave_at, phase in zip(terms.day, terms.wave, terms.phase, strict=True):
        wave = terms.waves[wave_at]
        name = stage_of(wave.archetype, phase)
        if name:
            days_by_stage.setdefault((wave.archetype, name), {}).setdefault(int(wave_at), []).append(int(day))
    stages = sorted(days_by_stage, key=lambda stage: ("lunar_year", "opening", "main").index(stage[0]))
    stage_of_day = np.full(terms.days, -1, dtype=np.int64)
    days_of: list[Mapping[int, NDArray[np.int64]]] = []
    for at, stage in enumerate(stages):
        days_of.append({wave: np.array(days, dtype=np.int64) for wave, days in days_by_stage[stage].items()})
        for mine in days_of[at].values():
            stage_of_day[mine] = at
    return stages, days_of, stage_of_day


def _around(days: NDArray[np.int64], quiet: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the nearest quiet days before and after."""
    calm = np.flatnonzero(quiet)
    before, after = calm[calm < days.min()][-DEVIATIONS.around :], calm[calm > days.max()][: DEVIATIONS.around]
    near = np.concatenate([before[before > days.min() - 60], after[after < days.max() + 60]])
    return np.asarray(near)


def _pool(
    seen: list[tuple[Vector, Vector]], out: Membership, into: Membership, route_pooling: float
) -> NDArray[np.float64]:
    """Return the [routes] log deviation of the actual volumes from those of the ordinary shares, edition by edition."""
    actual_volumes = [actual for actual, _ in seen]
    expected_volumes = [usual * (actual.sum() / max(float(usual.sum()), 1e-9)) for actual, usual in seen]
    origin = _group_deviation(actual_volumes, expected_volumes, out, DEVIATIONS.origin_pooling)
    expected_volumes = [usual * np.exp(origin) for usual in expected_volumes]
    deviation = origin + _group_deviation(actual_volumes, expected_volumes, into, DEVIATIONS.destination_pooling)
    expected_volumes = [usual * np.exp(deviation - origin) for usual in expected_volumes]
    own = Membership(np.arange(deviation.size, dtype=np.int64), tuple("r" for _ in range(deviation.size)))
    return np.asarray(
        np.clip(
            deviation + _group_deviation(actual_volumes, expected_volumes, own, route_pooling),
            -DEVIATIONS.largest,
            DEVIATIONS.largest,
        )
    )


def _group_deviation(
    actual_volumes: list[Vector], expected_volumes: list[Vector], groups: Membership, pooling: float
) -> NDArray[np.float64]:
    """Return the shrunken log ratio of each route's group."""
    total = np.zeros(groups.groups)
    for actual, usual in zip(actual_volumes, expected_volumes, strict=True):
        arrived, expected = (aggregate(side[:, None], groups)[:, 0] for side in (actual, usual))
        trusted = expected / (expected + DEVIATIONS.noise_parcels)
        total += trusted * np.clip(
            np.log((arrived + 1.0) / (expected + 1.0)), -2 * DEVIATIONS.largest, 2 * DEVIATIONS.largest
        )
    deviation = total / (len(actual_volumes) + pooling)
    return np.asarray(deviation[groups.index])
