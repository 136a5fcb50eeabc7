"""What hubs can sort and hold on single days of a plan by days: ``hub_days`` in place of ``hubs``, less what ``hub_closures`` take.

Laid out as the one sort a day that a hub without sorts has, so that whole days and sorts read the same tables alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import polars as pl

from routing.checker.limits import LIMITS
from routing.checker.playback.clock import ClockRules, set_clocks


def lay_day_limits(frames: Mapping[str, pl.DataFrame], rules: ClockRules) -> dict[str, pl.DataFrame]:
    """Add ``hub_limits`` where single days differ: date, hub_id, sort_capacity, buffer_capacity [parcels; null without a bound]."""
    if not frames["hub_days"].height and not frames["hub_closures"].height:
        return dict(frames)
    dates = [frames["route_demand"]["date"], frames["hub_loads"]["date"], frames["trunk_flows"]["completed_on"]]
    known = pl.concat([column.rename("date") for column in dates]).drop_nulls()
    first, last = known.min(), known.max()
    if not isinstance(first, date) or not isinstance(last, date) or (last - first).days > LIMITS.most_days:
        return dict(frames)
    clocks = set_clocks(
        {**frames, "hub_sorts": frames["hub_sorts"].clear()}, first, last + timedelta(days=LIMITS.days_after), rules
    )
    rows = [
        (sort.day, hub, _bound(sort.capacity), _bound(sort.buffer))
        for hub, clock in clocks.items()
        for sort in clock.sorts
    ]
    schema = {"date": pl.Date, "hub_id": pl.String, "sort_capacity": pl.Float64, "buffer_capacity": pl.Float64}
    return {**frames, "hub_limits": pl.DataFrame(rows, schema=schema, orient="row")}


def _bound(value: float) -> float | None:
    return None if value == float("inf") else value
