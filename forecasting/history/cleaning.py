"""The history as it would have been without events and without days that were never loaded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.arrays import Vector
from data.constants import constant
from forecasting.events.deviations import EventDeviation, learn_deviations
from forecasting.events.phases import PhaseTerms, place_phases, read_waves
from forecasting.events.uplift import Uplift, fit_uplift, on_weekdays, times_normal_day
from forecasting.history.silent_history import SilentHistory, fill_gaps
from forecasting.inputs import EventPrior
from forecasting.series.panel import Membership, days_from

Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class CleaningRules:
    """How a history is freed of events and gaps."""

    level_time_constant: float = constant(
        12.0, "days", "over which the two-sided level forgets by a factor e", "judgement"
    )


CLEANING = CleaningRules()


@dataclass(frozen=True)
class Promoted:
    """What promotions add to what hubs send.

    Attributes
    ----------
    factor
        [hubs x (known days + horizon)] on the routes of each hub of origin.
    origin
        [routes] hub of each route.
    """

    factor: NDArray[np.float64]
    origin: NDArray[np.int64]

    def on(self, days: NDArray[np.int64]) -> Matrix:
        """Return the factors [routes x days]."""
        return self.factor[:, days].astype(np.float32)[self.origin]


@dataclass(frozen=True)
class CleanHistory:
    """A history freed of its events.

    Attributes
    ----------
    parcels
        [routes x known days] parcels without events; days that were never loaded are filled with the same
        weekday of the weeks beside.
    uplift
        Effect of the events on the [known days + horizon].
    touched
        [known days + horizon] whether an event stands on the day.
    filled
        [known days] days on which nothing is known of the network; they are filled and teach nothing.
    level
        [known days] log of the undisturbed network total.
    deviation
        How far routes deviate from the network's multiple.
    hidden
        [routes x known days] parcels that were put there because what was carried is unknown, or is none of the route's own
        (a closure); they teach no weight, tree or interval. None where there are none.
    promoted
        What promotions of the network, regions and hubs add beside the events; None where there are none.
    """

    parcels: Matrix
    uplift: Uplift
    touched: NDArray[np.bool_]
    filled: NDArray[np.bool_]
    level: Vector
    deviation: EventDeviation
    hidden: NDArray[np.bool_] | None = None
    promoted: Promoted | None = None

    @property
    def known(self) -> int:
        """How many days are known."""
        return int(self.parcels.shape[1])

    @property
    def multiple(self) -> Vector:
        """[known days + horizon] factor of the events."""
        return np.exp(self.uplift.log_effect)

    def route_multiples(self, days: NDArray[np.int64], undisturbed: Matrix) -> Matrix:
        """Return the factor of events and promotions for each route [routes x days].

        Parameters
        ----------
        days
            Positions among the [known days + horizon].
        undisturbed
            [routes x days] parcels without events, over which a day's factors average to the network's.
        """
        factor = self.multiple[days].astype(np.float32) * self.deviation.on(days, undisturbed)
        return factor if self.promoted is None else factor * self.promoted.on(days)

    @property
    def calmness(self) -> Vector:
        """[known days + horizon] weight of a day as a witness of ordinary days: 1 without event, less the larger it is."""
        return np.asarray(1.0 / (1.0 + 5.0 * np.abs(self.uplift.log_effect)))


def clean_history(
    parcels: Matrix,
    dates: NDArray[np.datetime64],
    horizon: int,
    events: pl.DataFrame,
    priors: Mapping[str, EventPrior],
    hubs: tuple[Membership, Membership] | None = None,
    pooling: float = 10.0,
    silent: SilentHistory | None = None,
) -> CleanHistory:
    """Divide the events out of a history.

    The network total is compared with its undisturbed level (:func:`undisturbed_level`, from days without event only),
    the effects of all phases are learnt from the ratio (:mod:`forecasting.events.uplift`), and every route is divided by the
    multiple, moved by as much as its hubs and itself were seen to deviate from it (:mod:`forecasting.events.deviations`).

    Parameters
    ----------
    parcels
        [routes x known days].
    dates
        [known days].
    horizon
        Days ahead to know the events of.
    events
        The table ``events``.
    priors
        Planners' priors by event name.
    hubs
        Origin and destination hubs of the routes; without them all routes share the network's multiple.
    pooling
        Pseudo-occurrences of the parent in a route's own deviation.
    silent
        Days on which nothing is known, and cells that were filled; by default there are none.
    """
    total = parcels.sum(axis=0, dtype=np.float64)
    filled = np.zeros(parcels.shape[1], dtype=np.bool_) if silent is None else silent.unknown
    history = fill_gaps(parcels, filled) if filled.any() else parcels
    if filled.any():
        total = history.sum(axis=0, dtype=np.float64)
    span = days_from(dates[0], dates.size + horizon)
    terms = place_phases(read_waves(events), span)
    touched = terms.touched()
    known = dates.size
    log_total = np.log(np.maximum(total, 0.5))
    quiet = ~touched[:known] & ~filled
    # Small totals are noisy of themselves: a day of n parcels has a log with variance about 1/n.
    weight = np.where(filled, 0.0, 1.0 / (1.0 + 70.0 / np.maximum(total, 1.0)))
    teaching = quiet.astype(np.float64)
    level, week, uplift = _without_events(log_total, teaching, weight, terms, priors)
    ebbing = terms.ebbing()[:known] & ~filled
    if ebbing.any():
        # Where sales were seen to end at once, the days after one are days like any others.
        teaching[ebbing] = uplift.ends_at_once
        level, week, uplift = _without_events(log_total, teaching, weight, terms, priors)
    deviation = EventDeviation.none(parcels.shape[0], span.size)
    if hubs is not None:
        deviation = learn_deviations(history, terms, quiet, *hubs, route_pooling=pooling)
    cleaned = (history / np.exp(uplift.log_effect[:known]).astype(np.float32)).astype(np.float32, copy=False)
    for day in np.flatnonzero(deviation.stage[:known] >= 0):
        cleaned[:, day : day + 1] *= deviation.on(np.array([day]), cleaned[:, day : day + 1], undo=True)
    if filled.any():
        # A week beside may have been a sale's: unknown days are filled again from what it was without.
        cleaned = fill_gaps(cleaned, filled)
    usual = level + week[np.arange(known) % 7]
    return CleanHistory(cleaned, uplift, touched, filled, usual, deviation, None if silent is None else silent.hidden)


def _without_events(
    log_total: Vector, teaching: Vector, weight: Vector, terms: PhaseTerms, priors: Mapping[str, EventPrior]
) -> tuple[Vector, Vector, Uplift]:
    """Return the log of the undisturbed level, that of its week, and the effects of the events on all days.

    Parameters
    ----------
    log_total
        [known days] log of parcels.
    teaching
        [known days] how much a day says of the undisturbed level.
    weight
        [known days] how much it says of its events.
    terms
        Phases of all days.
    priors
        Planners' priors by event name.
    """
    level, week = undisturbed_level(log_total, teaching)
    weekday = np.exp(week)[np.arange(terms.days) % 7]
    seen = np.log(times_normal_day(np.exp(log_total - level), weekday[: log_total.size]))
    return level, week, on_weekdays(fit_uplift(seen, weight, terms, priors), weekday)


def undisturbed_level(log_total: Vector, weight: Vector, rounds: int = 3) -> tuple[Vector, Vector]:
    """Estimate the level of a series and its weekly profile from its undisturbed days.

    A two-sided exponential kernel (time constant :data:`CLEANING.level_time_constant`) over the days with weight, alternating with
    the mean weekly profile of what it leaves. Cost: linear in the days.

    Parameters
    ----------
    log_total
        [days] log of parcels.
    weight
        [days] 0 for a day that must not speak.

    Returns
    -------
    tuple
        [days] log of the parcels of a mean day, and [7] log of each weekday over the mean day; the first is that of the first day.
    """
    days = log_total.size
    weekday = np.arange(days) % 7
    profile = np.zeros(7)
    level = np.zeros(days)
    floor = 1e-9
    for _ in range(rounds):
        wanted = log_total - profile[weekday]
        level = two_sided(weight * wanted + floor * wanted) / two_sided(weight + floor)
        rest = log_total - level
        for day in range(7):
            mine = weekday == day
            mass = weight[mine].sum()
            profile[day] = float((weight[mine] * rest[mine]).sum() / (mass + 1.0))
        profile -= profile.mean()
    # Arithmetic mean of one, so that the level is the mean day's.
    shift = float(np.log(np.exp(profile).mean()))
    return np.asarray(level + shift), profile - shift


def two_sided(values: Vector) -> Vector:
    """Sum over all days with weights that fall by a factor e every :data:`CLEANING.level_time_constant` days; days first."""
    keep = math.exp(-1.0 / CLEANING.level_time_constant)
    forward, backward = values.copy(), values.copy()
    for day in range(1, values.shape[0]):
        forward[day] += keep * forward[day - 1]
        backward[-1 - day] += keep * backward[-day]
    return np.asarray(forward + backward - values)
