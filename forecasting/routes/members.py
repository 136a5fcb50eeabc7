"""The members that forecast every route from its cleaned history: fast levels, slow levels, intermittent, top-down.

A new member is a class with a name and a ``forecast``, and its place in :data:`MEMBERS`: weights, backtests and scores follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from forecasting.series.baselines import (
    adida,
    day_of_week_mean,
    decaying_level,
    level_profile,
    repeat_week,
    tsb,
    weekday_profile,
)

Matrix = NDArray[np.float32]

CHUNK = 20_000
"""Routes taken at a time, so that memory does not grow with the network."""


@dataclass(frozen=True)
class SeriesHistory:
    """The history members forecast from; what several of them read is computed once.

    Attributes
    ----------
    parcels
        [series x days] cleaned parcels.
    network
        [1 x days] sum of all series, these and the others.
    """

    parcels: Matrix
    network: Matrix

    @cached_property
    def week(self) -> Matrix:
        """[series x 7] weekly profile, shrunk to that of their sum."""
        return weekday_profile(self.parcels)

    @cached_property
    def network_week(self) -> Matrix:
        """[1 x 7] weekly profile of the network."""
        return weekday_profile(self.network)


class Member(Protocol):
    """A way to forecast all series at once."""

    @property
    def name(self) -> str:
        """Name in weights, scores and results."""
        ...

    def forecast(self, history: SeriesHistory, horizon: int) -> Matrix:
        """Return [series x horizon] parcels; column 0 is the day after the history."""
        ...


@dataclass(frozen=True)
class RecentLevel:
    """A level that forgets by half every ``half_life`` days, with the weekly profile: follows routes that open and close."""

    half_life: float

    @property
    def name(self) -> str:
        """``level-`` and the half-life."""
        return f"level-{self.half_life:g}"

    def forecast(self, history: SeriesHistory, horizon: int) -> Matrix:
        """Hold the level."""
        return level_profile(history.parcels, horizon, self.half_life, history.week)


@dataclass(frozen=True)
class AliveAndSize:
    """Teunter, Syntetos and Babai: follows whether a route is alive."""

    name: str = "tsb"

    def forecast(self, history: SeriesHistory, horizon: int) -> Matrix:
        """Multiply the chance that a day carries anything by the size of days that do."""
        return tsb(history.parcels, horizon, profile=history.week)


@dataclass(frozen=True)
class WeekdayMean:
    """The mean of the same weekday over the last weeks."""

    weeks: int

    @property
    def name(self) -> str:
        """``weekday-`` and the weeks."""
        return f"weekday-{self.weeks}"

    def forecast(self, history: SeriesHistory, horizon: int) -> Matrix:
        """Repeat the mean week."""
        return day_of_week_mean(history.parcels, horizon, weeks=self.weeks)


@dataclass(frozen=True)
class WeeklySums:
    """Weekly sums smoothed, and spread by the profile."""

    name: str = "adida"

    def forecast(self, history: SeriesHistory, horizon: int) -> Matrix:
        """Aggregate, smooth, disaggregate."""
        return adida(history.parcels, horizon, profile=history.week)


@dataclass(frozen=True)
class TopDown:
    """A slow share in the network's recent level: wins where shares are stable.

    Attributes
    ----------
    share_half_life
        Half-life of a route's share [days].
    level_half_life
        Half-life of the network's level [days].
    """

    share_half_life: float
    level_half_life: float
    name: str = "top-down"

    def forecast(self, history: SeriesHistory, horizon: int) -> Matrix:
        """Give each route its share of the network's level, on its own weekdays."""
        path = level_profile(history.network, horizon, self.level_half_life, history.network_week)
        slow_network = decaying_level(history.network, self.share_half_life)
        share = decaying_level(history.parcels, self.share_half_life) / np.maximum(slow_network, 1e-9)
        week = (history.week / np.maximum(history.network_week, 1e-6)).astype(np.float32)
        return np.asarray(share * repeat_week(week, horizon) * path, dtype=np.float32)


MEMBERS: tuple[Member, ...] = (
    RecentLevel(half_life=3.0),
    RecentLevel(half_life=7.0),
    AliveAndSize(),
    WeekdayMean(weeks=2),
    WeeklySums(),
    TopDown(share_half_life=28.0, level_half_life=14.0),
)
"""All members, in the order of their weights."""

MEMBER_NAMES = tuple(member.name for member in MEMBERS)


def forecast_members(parcels: Matrix, horizon: int, members: Sequence[Member] = MEMBERS) -> dict[str, Matrix]:
    """Forecast every route by each member.

    Parameters
    ----------
    parcels
        [routes x days] cleaned parcels.
    horizon
        Days ahead.
    members
        Which members; all by default.

    Returns
    -------
    dict[str, Matrix]
        Name -> [routes x horizon] parcels.
    """
    network = parcels.sum(axis=0, keepdims=True, dtype=np.float64).astype(np.float32)
    forecasts = {member.name: np.empty((parcels.shape[0], horizon), dtype=np.float32) for member in members}
    for start in range(0, parcels.shape[0], CHUNK):
        rows = slice(start, start + CHUNK)
        history = SeriesHistory(parcels[rows], network)
        for member in members:
            forecasts[member.name][rows] = member.forecast(history, horizon)
    return forecasts
