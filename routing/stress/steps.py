"""The clock of a play: the sorts of every hub as steps, and when what leaves at the end of one is at hand elsewhere.

A step is the number of a sort among those of its hub. A hub by days has one a day that closes at 24:00, so that a play of days is the
play of sorts with one sort each. Hours count from the midnight that begins the first day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from routing.stress.records import CLOSED, UNBOUNDED, Money, Whole
from routing.stress.timetable import Timetable, lay_timetable
from routing.trunk.task.days import list_open_days
from routing.trunk.task.departures import Slots, list_days, list_slots
from routing.trunk.task.due_times import DeliveryWaves
from routing.trunk.task.inputs import HOURS, TrunkInputs, TrunkOptions
from routing.trunk.task.lane_weather import LaneWeather, read_lane_weather
from routing.trunk.task.sorts import HOURS_A_DAY, Sorts, lay_sorts

if TYPE_CHECKING:
    import polars as pl

_EPSILON = 1e-9  # hours that are whole but for float noise miss no cut-off
_PAST_ALL = np.inf  # closes of steps that a hub does not have


@dataclass(frozen=True)
class Steps:
    """The steps of hubs; those a hub does not have close at infinity.

    Attributes
    ----------
    sorts
        As the planner lays them out.
    count
        [hubs] steps.
    day
        [hubs x steps] number of the business date; -1 where there is no step.
    opens, cut_off, close
        [hubs x steps] hours.
    gap
        [hubs x steps] hours until the next step of the hub closes.
    capacity, buffer
        [hubs x steps] parcels, whole; ``UNBOUNDED`` without a bound.
    handling
        [hubs x steps] CNY a parcel.
    delivered
        [hubs x steps] hours at which what a step finishes goes out to outlets: its close, or the next of ``delivery_waves``.
    sort_ids
        [hubs][steps] name of the sort.
    """

    sorts: Sorts
    count: Whole
    day: Whole
    opens: Money
    cut_off: Money
    close: Money
    gap: Money
    capacity: Whole
    buffer: Whole
    handling: Money
    delivered: Money
    sort_ids: list[list[str]]

    @property
    def by_clock(self) -> bool:
        """Whether any hub has sorts of its own."""
        return self.sorts.by_clock

    def reach(self, hub: int, hour: float) -> int:
        """Return the first step of a hub that takes what is at hand at an hour; ``CLOSED`` after its last cut-off."""
        at_hand = self.sorts.reopen(hub, hour)
        step = int(np.searchsorted(self.cut_off[hub, : self.count[hub]], at_hand - _EPSILON))
        return step if step < self.count[hub] else CLOSED

    def last_by(self, hub: int, hour: float) -> int:
        """Return the last step of a hub that closes by an hour; ``CLOSED`` before its first."""
        return int(np.searchsorted(self.close[hub, : self.count[hub]], hour + _EPSILON, side="right")) - 1

    def first_at(self, hub: int, hour: float) -> int:
        """Return the first step of a hub that closes at an hour or later, its last one when none does."""
        step = int(np.searchsorted(self.close[hub, : self.count[hub]], hour - _EPSILON))
        return min(step, int(self.count[hub]) - 1)

    def to_hours(self, moment: datetime) -> float:
        """Hours of a moment; by days the clock of the wall counts, by sorts what has passed."""
        zone = self.sorts.midnight.tzinfo
        if self.by_clock:
            zoned = moment if moment.tzinfo else moment.replace(tzinfo=zone)
            return (zoned.astimezone(UTC) - self.sorts.midnight.astimezone(UTC)) / timedelta(hours=1)
        wall = moment.astimezone(zone).replace(tzinfo=None) if moment.tzinfo else moment
        return (wall - self.sorts.midnight.replace(tzinfo=None)) / timedelta(hours=1)

    def to_moment(self, hour: float) -> datetime:
        """Moment of an hour, in UTC."""
        return self.sorts.midnight.astimezone(UTC) + timedelta(hours=hour)


def lay_steps(tables: Mapping[str, pl.DataFrame], options: TrunkOptions, dates: list[date]) -> Steps:
    """Lay the steps of the hubs out over the days of a play.

    Parameters
    ----------
    tables
        ``hubs``; where there are any ``hub_sorts``, ``hub_days``, ``hub_closures``, ``network_changes``.
    options
        Time zone, hours of unloading and before the cut-off.
    dates
        Days in a row.

    Raises
    ------
    RadarError
        For sorts that overlap, an unknown hub or time zone.
    """
    inputs, hubs = gather(tables), tables["hubs"].sort("hub_id")
    number = {hub: at for at, hub in enumerate(hubs["hub_id"].to_list())}
    is_open = list_open_days(inputs.network_changes, number, dates[0], len(dates))
    sorts = lay_sorts(inputs, options, hubs, dates[0], is_open)
    count = np.bincount(sorts.hub, minlength=len(number)).astype(np.int64)
    shape = (len(number), max(int(count.max(initial=0)), 1))
    at = (sorts.hub, sorts.turn)

    def lay(values: Money, fill: float) -> Money:
        filled = np.full(shape, fill)
        filled[at] = values
        return filled

    close = lay(sorts.close, _PAST_ALL)
    following = np.where(sorts.after >= 0, sorts.close[sorts.after] - sorts.close, HOURS_A_DAY)
    # a hub that is shut keeps the room it has: what stands there is over only beyond it
    room = {hub["hub_id"]: hub["buffer_capacity"] for hub in hubs.to_dicts()}
    shut_room = np.array([np.inf if value is None else float(value) for value in room.values()])[sorts.hub]
    names: list[list[str]] = [[] for _ in number]
    for hub, sort in zip(sorts.hub.tolist(), sorts.sort.tolist(), strict=True):
        names[hub].append(sorts.sort_ids[sort])
    day = np.full(shape, -1, dtype=np.int64)
    day[at] = sorts.day
    return Steps(
        sorts=sorts,
        count=count,
        day=day,
        opens=lay(sorts.opens, _PAST_ALL),
        cut_off=lay(sorts.cut_off, _PAST_ALL),
        close=close,
        gap=lay(following, HOURS_A_DAY),
        capacity=_to_whole(lay(sorts.capacity, 0.0)),
        buffer=_to_whole(lay(np.where(sorts.open, sorts.buffer, shut_room), 0.0)),
        handling=lay(sorts.handling, 0.0),
        delivered=lay(read_waves(inputs, sorts).next_after(sorts.hub, sorts.close), _PAST_ALL),
        sort_ids=names,
    )


def read_waves(inputs: TrunkInputs, sorts: Sorts) -> DeliveryWaves:
    """Read the hours at which vehicles to outlets leave."""
    return DeliveryWaves(inputs.delivery_waves, inputs.hubs["hub_id"].sort().to_list(), sorts)


def gather(tables: Mapping[str, pl.DataFrame]) -> TrunkInputs:
    """Take what the planner's clock reads of a plan's tables."""
    names = ("hubs", "lanes", "vehicle_types", "route_demand")
    more = ("service_promises", "lane_closures", *HOURS)
    from data.contracts import contract

    optional = {
        name: tables.get(name, contract(name).empty()) for name in ("lane_vehicles", "network_changes", "lane_weather")
    }
    return TrunkInputs(
        **{name: tables[name] for name in names},
        **optional,
        **{name: tables[name] for name in more if name in tables},
    )


@dataclass(frozen=True)
class Arrivals:
    """When what leaves over a lane at the end of a step arrives.

    Attributes
    ----------
    step
        [lanes x steps] step of the destination that takes it; ``CLOSED`` when the lane does not leave then, is shut, or arrives too late.
    fair
        [lanes x steps] the same in fair weather.
    leaves, at_hand
        [lanes x steps] hours at which it leaves, and at which its parcels are at hand.
    hours
        [lanes x days] hours on the road, with the weather.
    timetable
        Every departure by the clock; None by days.
    """

    step: Whole
    fair: Whole
    leaves: Money
    at_hand: Money
    hours: Money
    timetable: Timetable | None = None


def lay_arrivals(tables: Mapping[str, pl.DataFrame], options: TrunkOptions, steps: Steps, days: int) -> Arrivals:
    """Say when departures at the end of each step arrive, with the weather of ``lane_weather`` and ``lane_closures``."""
    inputs, lanes = gather(tables), tables["lanes"].sort("lane_id")
    number = {hub: at for at, hub in enumerate(tables["hubs"]["hub_id"].sort().to_list())}
    ends = (
        np.array([number[hub] for hub in lanes["origin_hub_id"]], dtype=np.int64),
        np.array([number[hub] for hub in lanes["destination_hub_id"]], dtype=np.int64),
    )
    lane_number = {lane: at for at, lane in enumerate(lanes["lane_id"].to_list())}
    weather = read_lane_weather(inputs.lane_weather, inputs.lane_closures, lane_number, steps.sorts.midnight, days)
    calm = LaneWeather(np.ones_like(weather.speed), np.ones_like(weather.speed))
    found, timetable = [], None
    for kind in (weather, calm):
        if steps.by_clock:
            slots = list_slots(lanes, inputs.lane_departures, steps.sorts, ends, kind)
        else:
            slots = list_days(lanes, steps.sorts, ends, kind, options.unload_hours + options.day_cut_off_hours)
        found.append(_by_step(slots, steps, lanes.height, ends))
    (step, leaves, arrives), (fair, _, _) = found
    for lane, origin in enumerate(ends[0].tolist()):
        if steps.count[origin]:
            step[lane, steps.count[origin] - 1] = CLOSED
    transit = lanes["transit_hours"].to_numpy().astype(float)
    if steps.by_clock:  # of fair weather: what the weather takes away is in it too
        timetable = lay_timetable(slots, weather, transit, steps.sorts, ends[1])
    hours = np.where(weather.closed, np.inf, weather.travel(transit))
    road = np.take_along_axis(np.where(np.isfinite(hours), hours, 0.0), np.maximum(steps.day[ends[0]], 0), axis=1)
    # by days the hour of arrival is that of the day's end: the road itself says when it is reached
    reached = arrives if steps.by_clock else leaves + road
    at_hand = reached + np.where(reached > leaves, steps.sorts.unload[ends[1]][:, None], 0.0)
    return Arrivals(step, fair, leaves, at_hand, hours, timetable)


def _by_step(slots: Slots, steps: Steps, lanes: int, ends: tuple[Whole, Whole]) -> tuple[Whole, Money, Money]:
    """Bring departures by slot and day to [lanes x steps]: of several after one sort the one that arrives first."""
    width = steps.day.shape[1]
    arrival = np.full((lanes, width), CLOSED, dtype=np.int64)
    leaves = np.where(np.isfinite(steps.close), steps.close, 0.0)[ends[0]].copy()
    arrives = leaves.copy()
    for slot, day in np.argwhere((slots.head >= 0) & (slots.tail >= 0)).tolist():
        lane, step = int(slots.lane[slot]), int(steps.sorts.turn[slots.tail[slot, day]])
        reached = int(steps.sorts.turn[slots.head[slot, day]])
        if arrival[lane, step] == CLOSED or reached < arrival[lane, step]:
            arrival[lane, step] = reached
            leaves[lane, step], arrives[lane, step] = slots.leaves[slot, day], slots.arrives[slot, day]
    return arrival, leaves, arrives


def list_dates(first: date, last: date) -> list[date]:
    """List days in a row."""
    return [first + timedelta(days=day) for day in range((last - first).days + 1)]


def _to_whole(values: Money) -> Whole:
    bounded = np.isfinite(values)
    return np.where(bounded, np.floor(np.where(bounded, values, 0.0) + _EPSILON), UNBOUNDED).astype(np.int64)
