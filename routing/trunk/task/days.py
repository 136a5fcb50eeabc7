"""The days of a trunk plan: the demand they begin with, how many there are, when hubs are open and what weather leaves of lanes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, cast

import numpy as np
import polars as pl

from data.constants import constant
from data.errors import RadarError
from routing.trunk.task.network import Flags, Floats, Ints
from routing.trunk.task.validation import number_names

if TYPE_CHECKING:
    from routing.trunk.task.inputs import TrunkInputs, TrunkOptions


@dataclass(frozen=True)
class DayRules:
    """How many days a plan has."""

    most_drain: int = constant(14, "days", "at the end on which what is late may arrive", "judgement")
    most: int = constant(120, "days", "of demand", "judgement")


DAYS = DayRules()


@dataclass(frozen=True, slots=True)
class Demands:
    """Demands of at least one parcel, sorted by day, origin, destination; K demands.

    Attributes
    ----------
    first_day
        The day that days are counted from.
    origin, destination, day : (K,)
    parcels : (K,)
    ready : (K,)
        Moment at which a demand is at hand, where it says so itself.
    """

    first_day: date
    origin: Ints
    destination: Ints
    day: Ints
    parcels: Ints
    ready: list[datetime | None]

    @property
    def days(self) -> int:
        """Days from the first demand to the last."""
        return int(self.day.max()) + 1 if len(self.day) else 1


def read_demand(table: pl.DataFrame, hub_number: dict[str, int]) -> Demands:
    """Read the demands of at least one parcel.

    Raises
    ------
    RadarError
        For no row, a hub that is not known, or more days than a plan has.
    """
    import polars as pl

    if table.is_empty():
        raise RadarError(
            "no demand in the days of the plan", "rows in route_demand", "run `radar forecast`, or load route_demand"
        )
    first_day = cast(date, table["date"].min())
    keys = ["date", "origin_hub_id", "destination_hub_id"]
    grouping = [*keys, "ready_at"] if "ready_at" in table.columns and not table["ready_at"].is_null().all() else keys
    rows = table.group_by(grouping).agg(parcels=pl.col("parcels").sum()).sort(grouping)
    origin = number_names(rows, "origin_hub_id", hub_number, "route_demand", "hub")
    destination = number_names(rows, "destination_hub_id", hub_number, "route_demand", "hub")
    day = (rows["date"] - first_day).dt.total_days().to_numpy().astype(np.int64)
    if day.max() >= DAYS.most:
        raise RadarError(
            f"demand over {int(day.max()) + 1} days", f"at most {DAYS.most} days a plan", "set --from and --to"
        )
    parcels = rows["parcels"].to_numpy().astype(np.int64)
    some = parcels > 0
    order = np.lexsort((destination[some], origin[some], day[some]))
    ready: list[datetime | None] = rows["ready_at"].to_list() if len(grouping) > len(keys) else [None] * rows.height
    at = np.flatnonzero(some)[order]
    return Demands(first_day, origin[at], destination[at], day[at], parcels[at], [ready[k] for k in at.tolist()])


def count_days(
    inputs: TrunkInputs, options: TrunkOptions, demand: Demands, sort_capacity: Floats, buffer_capacity: Floats
) -> int:
    """Days of the plan: the demand days, the longest path, and the time the fullest hub needs to work off its queue."""
    if options.last_day is not None:
        days = (options.last_day - demand.first_day).days + 1
        if not demand.days <= days <= DAYS.most + DAYS.most_drain:
            raise RadarError(
                f"last day {options.last_day}",
                "a day from the last demand day on, within half a year",
                "set --last-day",
            )
        return days
    hours = inputs.lanes["transit_hours"].to_numpy().astype(np.float64)
    longest = 2.0 * float(np.ceil(hours.max() / 24.0)) if len(hours) else 0.0
    sent, received = (
        np.bincount(end, demand.parcels, len(sort_capacity)) for end in (demand.origin, demand.destination)
    )
    ends = sent + received
    bounded = np.isfinite(sort_capacity) & (sort_capacity > 0) & (buffer_capacity > 0)
    queue = ends[bounded] / sort_capacity[bounded] - demand.days if bounded.any() else np.zeros(1)
    spare = float(np.ceil(max(0.0, queue.max()))) + (1.0 if bounded.any() else 0.0)
    return demand.days + int(min(DAYS.most_drain, longest + spare))


def list_open_days(changes: pl.DataFrame, hub_number: dict[str, int], first_day: date, days: int) -> Flags:
    """Whether a hub is open on a day, (D, H): the latest change that holds then decides; without one, a hub whose first change opens it is not.

    A change holds from its date to `until`. Those of a route or of one direction change what is sent, not whether a hub works.
    """
    is_open = np.ones((days, len(hub_number)), dtype=np.bool_)
    if "scope" in changes.columns:
        changes = changes.filter((pl.col("scope").fill_null("hub") == "hub") & pl.col("direction").is_null())
    if changes.is_empty():
        return is_open
    for hub, rows in sorted(changes.partition_by("hub_id", as_dict=True).items()):
        number = hub_number.get(str(hub[0]))
        if number is None:
            continue
        opens_first = "opens" in rows.filter(rows["date"] == rows["date"].min())["change"].to_list()
        for day in range(days):
            when = first_day + timedelta(days=day)
            holds = pl.col("date") <= when
            if "until" in rows.columns:
                holds &= pl.col("until").is_null() | (pl.col("until") >= when)
            past = rows.filter(holds)
            latest = past.filter(pl.col("date") == pl.col("date").max())
            is_open[day, number] = not opens_first if past.is_empty() else not _closes(latest)
    return is_open


def _closes(rows: pl.DataFrame) -> bool:
    """Whether changes of one date close a hub: all of it has moved, or it closes and does not open."""
    kinds = set(rows["change"].to_list())
    moved = float(rows.filter(rows["change"] == "moves")["share"].fill_null(1.0).sum())
    return "opens" not in kinds and ("closes" in kinds or ("moves" in kinds and moved >= 1.0 - 1e-9))
