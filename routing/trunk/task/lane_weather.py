"""What the weather leaves of lanes: speed and capacity by lane and day, and hours in which lanes are shut.

With T the hours of a lane, v its speed factor and c its capacity factor on a day, parcels are under way

    T / v

and a vehicle is away

    T / (v c),

because a road that lets c of its vehicles through makes them wait, and its fleet turns round less often. A vehicle does not leave
while its lane is shut, and one on the road stands still meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TYPE_CHECKING

import numpy as np

from data.hub_hours import Spans, join_spans
from routing.trunk.task.sorts import Flags, Floats

if TYPE_CHECKING:
    import polars as pl

_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class LaneWeather:
    """The weather on lanes.

    Attributes
    ----------
    speed, capacity : (lanes, D)
        Factors of each day's departures.
    shut
        Hours of the plan in which a lane is shut, rising and apart, by its number.
    """

    speed: Floats
    capacity: Floats
    shut: dict[int, Spans] = field(default_factory=dict)

    @property
    def closed(self) -> Flags:
        """Lanes and days without departures, (lanes, D)."""
        return (self.speed <= 0) | (self.capacity <= 0)

    def travel(self, hours: Floats) -> Floats:
        """Hours parcels are under way, (lanes, D), where no lane is shut."""
        return hours[:, None] / np.where(self.speed > 0, self.speed, 1.0)

    def thinned(self, hours: Floats) -> Floats:
        """Hours a vehicle waits on a road that lets only some through, on top of those of its parcels, (lanes, D)."""
        travel = self.travel(hours)
        return travel / np.where(self.capacity > 0, np.minimum(self.capacity, 1.0), 1.0) - travel

    def close_also(self, lane: int, spans: Spans) -> LaneWeather:
        """Give the weather with one lane shut in more hours."""
        return replace(self, shut=self.shut | {lane: join_spans([*self.shut.get(lane, []), *spans])})

    def drive(self, lane: int, leaves: Floats, travel: Floats) -> tuple[Flags, Floats]:
        """Drive past the hours in which a lane is shut.

        Parameters
        ----------
        leaves, travel : (D,) [hours]

        Returns
        -------
        lost : (D,)
            Departures in hours in which it is shut.
        arrives : (D,) [hours]
            Later by the hours in which it is shut before they arrive.
        """
        lost, arrives = np.zeros(leaves.shape, dtype=np.bool_), leaves + travel
        for start, end in self.shut.get(lane, []):
            lost |= (leaves >= start) & (leaves < end)
            arrives = np.where((leaves < start) & (start < arrives), arrives + (end - start), arrives)
        return lost, arrives


def read_lane_weather(
    weather: pl.DataFrame, closures: pl.DataFrame, lanes: dict[str, int], midnight: datetime, days: int
) -> LaneWeather:
    """Read ``lane_weather`` and ``lane_closures``; lanes unknown and days outside the plan drop out.

    Parameters
    ----------
    midnight
        Before the first day of the plan.
    """
    first_day: date = midnight.date()
    capacity, speed = np.ones((len(lanes), days)), np.ones((len(lanes), days))
    columns = ("date", "lane_id", "capacity_factor", "speed_factor")
    for when, lane, capacity_factor, speed_factor in weather.select(columns).iter_rows() if weather.height else ():
        number, day = lanes.get(lane), (when - first_day).days
        if number is not None and 0 <= day < days:
            capacity[number, day] = 1.0 if capacity_factor is None else capacity_factor
            speed[number, day] = 1.0 if speed_factor is None else speed_factor
    shut: dict[int, Spans] = {}
    for lane, starts, ends in closures.select("lane_id", "starts_at", "ends_at").iter_rows():
        if lane in lanes:
            span = tuple((moment - midnight).total_seconds() / _SECONDS for moment in (starts, ends))
            shut.setdefault(lanes[lane], []).append((span[0], span[1]))
    return LaneWeather(speed, capacity, {lane: join_spans(spans) for lane, spans in shut.items()})
