"""A forecast with its closures: what is closed carries nothing, its parcels go over what stays open, and what nobody knows is both outcomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from data.arrays import Matrix, Vector
from data.closing_rules import CLOSING
from data.closings import Closing
from data.constants import constant
from forecasting.history.closures import CLOSURE, Closure, Ends
from forecasting.intervals.spread import Doubt
from forecasting.series.panel import Panel, aggregate


@dataclass(frozen=True)
class StayingRules:
    """How likely what was found closed stays so."""

    for_good: float = constant(
        0.85,
        "1",
        "of closings of what had faded that never end",
        "fitted: steady hubs of the Chinese network that fell silent after a week under three fifths of their share; five of six never came back",
    )
    least_fade: float = constant(
        0.75, "1", "of its share in the week before a closing, from which less is a fade", "judgement"
    )
    whole_fade: float = constant(
        0.5, "1", "of its share in the week before a closing, under which it faded for certain", "judgement"
    )


STAYING = StayingRules()


@dataclass(frozen=True)
class Outcomes:
    """A forecast with its closures.

    Attributes
    ----------
    mean
        [routes x days] parcels.
    doubt
        Whether what was found closed stays so; None where nothing was.
    lost
        Parcels that nothing is left to take.
    """

    mean: Matrix
    doubt: Doubt | None
    lost: float


def spread_ahead(
    panel: Panel,
    mean: Matrix,
    closures: Sequence[Closure],
    taken: Sequence[Mapping[str, float]],
    first_ahead: int,
    seen: Matrix | None = None,
) -> Outcomes:
    """Spread the parcels of what is closed over what stays open.

    What planners told is closed on its days. What was only found stays closed with a chance (:func:`chance_to_stay`) of its own, so the mean
    lies between both. While everything that is closed on the last known
    day stays so, the shares seen since it closed say best where its parcels go.

    Parameters
    ----------
    panel
        Routes, with the history's days.
    mean
        [routes x days] the forecast as if nothing were closed; its first day has the position ``first_ahead``.
    closures, taken
        As :func:`forecasting.history.closures.restore` was given and gave back.
    first_ahead
        Position of the first day ahead among the panel's days.
    seen
        [routes x days] the forecast from the history as it was seen, with what is closed now; by default the one as if it were not,
        spread over what stays open.
    """
    known = panel.dates.size
    closing = [at for at, one in enumerate(closures) if one.closing.change == "closes" and not one.handed]
    announced = [at for at in closing if closures[at].announced]
    found = [at for at in closing if not closures[at].announced and closures[at].last is None]
    shut = mean.copy()
    lost = _shut(panel, shut, closures, taken, announced, first_ahead)
    lasting = [at for at in (*announced, *found) if closures[at].lasts(known)]
    if not lasting:
        return Outcomes(shut, None, lost)
    stays = shut.copy()
    spread = _shut(panel, stays, closures, taken, found, first_ahead)
    if seen is not None:
        as_seen = seen.copy()
        nowhere: Mapping[str, float] = {}
        _shut(panel, as_seen, closures, [nowhere] * len(closures), (*announced, *found), first_ahead)
        end = min(_days_ahead(closures[at], first_ahead, mean.shape[1])[1] for at in lasting)
        stays[:, :end] = as_seen[:, :end]
        if not found:
            shut[:, :end] = as_seen[:, :end]
    if not found:
        return Outcomes(shut, None, lost)
    lead = np.arange(1, mean.shape[1] + 1) + max(0, first_ahead - known)
    chance = _chance_of_routes(panel, shut, [closures[at] for at in found], lead)
    swing = stays - shut
    between = shut + chance * swing
    # Routes of different chances in one origin: what one hands over and the others take need not be the same to the parcel.
    size = np.abs(swing).sum(axis=0)
    of_day = np.divide((np.abs(swing) * chance).sum(axis=0), size, out=np.zeros_like(size), where=size > 0)
    total, now = shut.sum(axis=0) + of_day * swing.sum(axis=0), between.sum(axis=0)
    between *= np.divide(total, now, out=np.ones_like(now), where=now > 0)
    return Outcomes(between, Doubt(swing, chance), lost + spread)


def chance_to_stay(closing: Closing, lead: Vector) -> Vector:
    """Return the chance of being closed still, so many days ahead, of what is closed on the last known day.

    A closing that came at once lasts as long again as often as not: ``n / (n + h)``, n the days it was closed. Of what faded before it
    closed a part g never opens again, so that the chance to last n days is ``S(n) = g + (1 - g) m / n`` (m the shortest closing) and that
    to stay ``S(n + h) / S(n)``.

    Parameters
    ----------
    closing
        What is closed.
    lead
        [days ahead] days since the last known one.
    """
    days, shortest = closing.days + closing.days_before, CLOSING.fewest_days
    faded = (STAYING.least_fade - closing.kept) / (STAYING.least_fade - STAYING.whole_fade)
    never = STAYING.for_good * float(np.clip(faded, 0.0, 1.0))
    # Both S multiplied by their days: nothing is divided by a closing of no days.
    later = never * (days + lead) + (1.0 - never) * shortest
    now = never * days + (1.0 - never) * shortest
    return np.asarray(days * later / ((days + lead) * now))


def _chance_of_routes(panel: Panel, mean: Matrix, closures: Sequence[Closure], lead: Vector) -> Matrix:
    """Return the [routes x horizon] chance that what bears on a route stays closed.

    A closed route waits for its own closing, the longest where there are several. What the others carry beside their own comes from the
    closed routes of their origin (of their destination, where a hub no longer sends): each closing counts by what it hands over
    there, and by all it closes where a route has no part in any.
    """
    closed = np.zeros(mean.shape)
    near, near_mass = np.zeros(mean.shape), np.zeros((mean.shape[0], 1))
    far, far_mass = np.zeros(mean.shape[1]), 0.0
    for closure in closures:
        chance = chance_to_stay(closure.closing, lead)
        ends = Ends(panel, closure.direction)
        away = np.where(closure.rows, mean.sum(axis=1), 0.0)
        handed = np.bincount(ends.kept, weights=away, minlength=ends.groups)[ends.kept][:, None]
        near += handed * chance
        near_mass += handed
        far += float(away.sum()) * chance
        far_mass += float(away.sum())
        closed[closure.rows] = np.maximum(closed[closure.rows], chance)
    elsewhere = far / far_mass if far_mass > 0 else closed.max(axis=0)
    around = np.where(near_mass > 0, near / np.maximum(near_mass, 1e-9), elsewhere)
    return np.where(closed > 0, closed, around)


def _shut(
    panel: Panel,
    matrix: Matrix,
    closures: Sequence[Closure],
    taken: Sequence[Mapping[str, float]],
    which: Sequence[int],
    first_ahead: int,
) -> float:
    """Close some of the closures on their days, in place; returns the parcels that nothing could take."""
    horizon = matrix.shape[1]
    spans = {at: _days_ahead(closures[at], first_ahead, horizon) for at in which}
    closed = np.zeros(matrix.shape, dtype=np.bool_)
    for at, (begin, end) in spans.items():
        closed[:, begin:end] |= closures[at].rows[:, None]
    lost = 0.0
    for at, (begin, end) in spans.items():
        if begin >= end:
            continue
        closure, gain = closures[at], taken[at]
        ends = Ends(panel, closure.direction)
        away = matrix[closure.rows, begin:end].copy()
        matrix[closure.rows, begin:end] = 0.0
        free = ~closed[:, begin:end]
        weight = matrix[:, begin:end] * free
        if closure.takers:
            named = np.isin(np.array(ends.labels), np.array(closure.takers))[ends.turned]
            weight = np.where(named[:, None], weight, 0.0)
        elif gain:
            weight = weight * _appetite(ends, gain, weight)[:, None]
        wanted = aggregate(away, ends.kept[closure.rows], ends.groups)
        there = aggregate(weight, ends.kept, ends.groups)
        per = np.divide(wanted, there, out=np.zeros_like(wanted), where=there > 0)
        matrix[:, begin:end] += weight * per[ends.kept]
        left = np.where(there > 0, 0.0, wanted).sum(axis=0)
        everywhere = matrix[:, begin:end] * free
        mass = everywhere.sum(axis=0)
        matrix[:, begin:end] += everywhere * np.divide(left, mass, out=np.zeros_like(left), where=mass > 0)
        lost += float(left[mass <= 0].sum())
    return lost


def _appetite(ends: Ends, gain: Mapping[str, float], weight: Matrix) -> Vector:
    """Weigh routes by what their hub took: seen takers get their part, the rest goes to everyone by volume."""
    mass = np.bincount(ends.turned, weights=weight.sum(axis=1), minlength=len(ends.labels))
    part = mass / max(float(mass.sum()), 1e-9)
    took = np.array([gain.get(label, 0.0) for label in ends.labels])
    seen = min(1.0, float(took.sum()))
    wanted = seen * took / max(float(took.sum()), 1e-9) + (1.0 - seen) * part
    return np.divide(wanted, part, out=np.zeros_like(part), where=part > 0)[ends.turned]


def _days_ahead(closure: Closure, first_ahead: int, horizon: int) -> tuple[int, int]:
    begin = max(0, closure.first - first_ahead)
    end = horizon if closure.last is None else min(horizon, closure.last + 1 - first_ahead)
    return begin, max(begin, end)


def spread_history(panel: Panel, closures: Sequence[Closure]) -> Panel:
    """Give the history of routes that closed for good without successor to the routes that took their parcels, as far as it goes.

    Parameters
    ----------
    panel
        The history.
    closures
        Told, of hubs or routes that closed for good within it.
    """
    parcels = panel.parcels.copy()
    for closure in closures:
        past = replace(closure, first=0, last=closure.first - 1)
        for start in range(0, closure.first, CLOSURE.reference_days):
            block = parcels[:, start : min(start + CLOSURE.reference_days, closure.first)].astype(np.float64)
            _shut(panel, block, [past], [{}], [0], start)
            parcels[:, start : start + block.shape[1]] = block
    return Panel(panel.routes, panel.dates, parcels)
