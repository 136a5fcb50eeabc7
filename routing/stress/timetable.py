"""Departures by the clock, and what hours in which a lane is shut make of them.

A departure in such hours does not run; a vehicle on the road stands still meanwhile and comes as much later. It is all one whether the
weather closes the lane for certain (``lane_closures``) or an incident does, and hours that both close count once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from routing.stress.records import CLOSED, Money, Whole
from routing.trunk.task.departures import Slots
from routing.trunk.task.lane_weather import LaneWeather
from routing.trunk.task.sorts import Sorts

Span = tuple[float, float]

_EPSILON = 1e-9  # hours that are whole but for float noise miss no cut-off


@dataclass(frozen=True)
class Timetable:
    """Departures of lanes, those of a lane together.

    Attributes
    ----------
    first
        [lanes + 1] the departures of lane l are ``first[l]`` to ``first[l + 1]``.
    step
        [departures] step of the origin after which it loads.
    leaves
        [departures] hour.
    travel
        [departures] hours on the road while the lane is open, with the weather; infinite on days on which nothing runs.
    weather
        With the hours in which lanes are shut for certain.
    destination
        [lanes] hub.
    sorts
        The sorts of hubs.
    """

    first: Whole
    step: Whole
    leaves: Money
    travel: Money
    weather: LaneWeather
    destination: Whole
    sorts: Sorts

    def hours_of(self, lane: int, leaves: float) -> float | None:
        """Hours on the road of the departure of an hour; None where the lane has none then."""
        mine = slice(self.first[lane], self.first[lane + 1])
        found = np.flatnonzero(np.abs(self.leaves[mine] - leaves) <= _EPSILON)
        return float(self.travel[mine][found[0]]) if found.size else None

    def drive(self, lane: int, leaves: Money, travel: Money, shut: Sequence[Span] = ()) -> tuple[Whole, Money]:
        """Drive over a lane.

        Parameters
        ----------
        leaves, travel
            [vehicles] hour of leaving, hours on the road.
        shut
            Hours in which the lane is shut beside those of the weather.

        Returns
        -------
        step
            [vehicles] step of the destination that takes their parcels; ``CLOSED`` of those that do not run or come too late.
        at_hand
            [vehicles] hour at which their parcels are at hand.
        """
        runs = np.isfinite(travel)
        hours = np.where(runs, travel, 0.0)
        weather = self.weather.close_also(lane, list(shut)) if shut else self.weather
        lost, arrives = weather.drive(lane, leaves, hours)
        hub = int(self.destination[lane])
        unloaded = arrives + np.where(hours > 0, self.sorts.unload[hub], 0.0)
        at_hand = np.array([self.sorts.reopen(hub, hour) for hour in unloaded.tolist()])
        there = self.sorts.of_hub(hub)
        place = np.searchsorted(self.sorts.cut_off[there], at_hand - _EPSILON)
        reached = self.sorts.turn[there][np.minimum(place, len(there) - 1)] if len(there) else place
        return np.where(runs & ~lost & (place < len(there)), reached, CLOSED).astype(np.int64), at_hand

    def first_after(self, lane: int, width: int, shut: Sequence[Span]) -> Whole:
        """Return [steps] the step reached by what arrives first of the departures after each step; ``CLOSED`` where none runs."""
        mine = slice(self.first[lane], self.first[lane + 1])
        reached, _ = self.drive(lane, self.leaves[mine], self.travel[mine], shut)
        first = np.full(width, np.iinfo(np.int64).max)
        runs = reached != CLOSED
        np.minimum.at(first, self.step[mine][runs], reached[runs])
        return np.where(first < np.iinfo(np.int64).max, first, CLOSED)


def lay_timetable(
    fair: Slots, weather: LaneWeather, transit: Sequence[float] | Money, sorts: Sorts, destination: Whole
) -> Timetable:
    """List the departures of fair weather with the hours the weather makes of theirs.

    Parameters
    ----------
    fair
        Slots of fair weather.
    transit
        [lanes] hours.
    destination
        [lanes] hub.
    """
    slot, day = np.nonzero((fair.head >= 0) & (fair.tail >= 0))
    lane = fair.lane[slot]
    hours = np.where(weather.closed, np.inf, weather.travel(np.asarray(transit, dtype=float)))
    return Timetable(
        first=np.searchsorted(lane, np.arange(len(destination) + 1)).astype(np.int64),
        step=sorts.turn[fair.tail[slot, day]].astype(np.int64),
        leaves=fair.leaves[slot, day],
        travel=hours[lane, day],
        weather=weather,
        destination=destination,
        sorts=sorts,
    )
