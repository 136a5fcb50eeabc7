"""What a timetable asks of drivers: hours at the wheel, breaks, and where one driver is not enough.

A duty is the rotation of an own vehicle, or a single trip where no rotation is known. A vehicle is driven from leaving to arriving. Trips with
less than a break between them are one stretch at the wheel; a stretch of S hours needs ::

    breaks = ceil(S / continuous_hours) - 1

and a duty as many drivers, in turn, as its fullest 24 hours hold daily shifts. Breaks lengthen a trip unless its lane's hours hold them already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from data.constants import constant

if TYPE_CHECKING:
    import polars as pl

_DAY = 24.0
_TOLERANCE = 1e-6


@dataclass(frozen=True)
class DutyRules:
    """How long a driver may drive."""

    continuous_hours: float = constant(
        4.0,
        "hours",
        "at the wheel without a break at most",
        "published: Regulation for the Implementation of the Road Traffic Safety Law of China, article 62 (7)",
    )
    break_minutes: float = constant(
        20.0,
        "minutes",
        "of a break at least",
        "published: Regulation for the Implementation of the Road Traffic Safety Law of China, article 62 (7)",
    )
    daily_hours: float = constant(
        8.0, "hours", "at the wheel within 24 hours, beyond which a second driver is told", "judgement"
    )


RULES = DutyRules()


@dataclass(frozen=True, slots=True)
class Duty:
    """What is asked of the drivers of one vehicle: hours at the wheel, the most within 24 hours, breaks, and drivers."""

    driving_hours: float
    most_hours_a_day: float
    breaks: int
    drivers: int


def assess_duty(trips: Sequence[tuple[float, float]]) -> Duty:
    """Say what trips one after the other ask of the drivers.

    Parameters
    ----------
    trips
        Hours at which each leaves and arrives, in order.

    Examples
    --------
    >>> assess_duty([(8.0, 12.0), (12.5, 17.0)])
    Duty(driving_hours=8.5, most_hours_a_day=8.5, breaks=1, drivers=2)
    """
    stretches: list[float] = []
    end = -np.inf
    for leaves, arrives in trips:
        if stretches and leaves - end < RULES.break_minutes / 60.0 - _TOLERANCE:
            stretches[-1] += arrives - leaves
        else:
            stretches.append(arrives - leaves)
        end = arrives
    breaks = sum(max(int(np.ceil(hours / RULES.continuous_hours - _TOLERANCE)) - 1, 0) for hours in stretches)
    # the fullest 24 hours begin as a trip leaves or end as one arrives
    begins = [leaves for leaves, _ in trips] + [arrives - _DAY for _, arrives in trips]
    most = max(sum(max(min(arrives, at + _DAY) - max(leaves, at), 0.0) for leaves, arrives in trips) for at in begins)
    drivers = max(int(np.ceil(most / RULES.daily_hours - _TOLERANCE)), 1)
    return Duty(sum(stretches), most, breaks, drivers)


def list_duties(trips: pl.DataFrame) -> pl.DataFrame:
    """Assess the duties of a timetable's road trips.

    Parameters
    ----------
    trips
        trip_id, block_id, date, leaves, arrives [s after the midnight of the date], mode, vehicle_type_id, ownership.

    Returns
    -------
    DataFrame
        duty_id, vehicle_type_id, ownership, trips, leaves_at, arrives_at (local time), driving_hours, most_hours_a_day, breaks, drivers.
    """
    import polars as pl

    road = trips.filter(pl.col("mode") == "road").with_columns(duty_id=pl.coalesce("block_id", "trip_id"))
    midnight = pl.col("date").cast(pl.Datetime("us"))
    road = road.with_columns(
        leaves_at=midnight + pl.duration(seconds="leaves"), arrives_at=midnight + pl.duration(seconds="arrives")
    ).sort("duty_id", "leaves_at", "trip_id")
    grouped = road.group_by("duty_id", maintain_order=True).agg(
        pl.col("vehicle_type_id", "ownership").first(),
        trips=pl.len(),
        leaves_at=pl.col("leaves_at").first(),
        arrives_at=pl.col("arrives_at").last(),
        starts=pl.col("leaves_at").dt.epoch("s") / 3600.0,
        ends=pl.col("arrives_at").dt.epoch("s") / 3600.0,
    )
    duties = [assess_duty(list(zip(*row, strict=True))) for row in grouped.select("starts", "ends").iter_rows()]
    measures = {name: [getattr(duty, name) for duty in duties] for name in Duty.__dataclass_fields__}
    types = {"driving_hours": pl.Float64, "most_hours_a_day": pl.Float64, "breaks": pl.Int64, "drivers": pl.Int64}
    columns = [pl.Series(name, measures[name], dtype=kind) for name, kind in types.items()]
    return grouped.drop("starts", "ends").with_columns(columns)
