"""A reference plan laid upon the network of today: what of it can still run, and how far a plan is from it.

A change is one departure more or fewer of a vehicle type on a lane and day:

    changes = sum over (date, lane, vehicle type) of |departures - departures of the reference|

Changes count on the days both plans are made for: from the later first day of demand to the earlier last one, and on the
days after it as well where both end on the same day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from data.errors import RadarError
from routing.trunk.replan.from_tables import DepartureBook, read_flows
from routing.trunk.task.flows import Flows
from routing.trunk.task.network import Flags, Ints, TrunkNetwork
from routing.trunk.vehicles.vehicle_model import Vehicles

if TYPE_CHECKING:
    import polars as pl

_KEYS = ("date", "lane_id", "vehicle_type_id")


@dataclass(frozen=True, slots=True)
class Reference:
    """A plan to stay near to.

    Attributes
    ----------
    departures, flows
        ``trunk_departures`` and ``trunk_flows`` of its run.
    first_day, last_day
        First and last day of its demand.
    max_changes
        Departures that may change; None sets no limit.
    """

    departures: pl.DataFrame
    flows: pl.DataFrame
    first_day: date
    last_day: date
    max_changes: int | None = None

    def counts(self, when: date, first_day: date, last_day: date) -> bool:
        """Say whether changes on a day count, for a plan whose demand is of the days from the first to the last."""
        if when < max(first_day, self.first_day):
            return False
        return last_day == self.last_day or when <= min(last_day, self.last_day)

    def compare(self, departures: pl.DataFrame, first_day: date, last_day: date) -> pl.DataFrame:
        """List what differs in a plan whose demand is of the days from the first to the last.

        Parameters
        ----------
        departures
            ``trunk_departures`` of that plan.
        first_day, last_day
            Of its demand.

        Returns
        -------
        polars.DataFrame
            ``date``, ``lane_id``, ``vehicle_type_id``, in plans by the clock ``leaves_at``, ``from``, ``to`` [departures].
        """
        import polars as pl

        by_clock = _is_by_clock(self.departures) or _is_by_clock(departures)
        keys = [*_KEYS, "leaves_at"] if by_clock else list(_KEYS)

        def tally(frame: pl.DataFrame, name: str) -> pl.DataFrame:
            counted = [self.counts(when, first_day, last_day) for when in frame["date"].to_list()]
            found = frame.filter(pl.Series(counted, dtype=pl.Boolean))
            return found.group_by(keys).agg(pl.col("departures").sum().alias(name))

        both = tally(self.departures, "from").join(tally(departures, "to"), on=keys, how="full", coalesce=True)
        both = both.with_columns(pl.col("from", "to").fill_null(0))
        return both.filter(pl.col("from") != pl.col("to")).sort(*keys).select(*keys, "from", "to")


@dataclass(frozen=True, slots=True)
class ReferencePlan:
    """A reference in the arrays of a network.

    Attributes
    ----------
    counts : (O, D)
        Departures of each lane vehicle and day, on the days that count.
    lost
        Departures that cannot run any more.
    days : (D,)
        Days on which changes count.
    flows : Flows
        Paths of demands that are there still, with the parcels they carried.
    """

    counts: Ints
    lost: int
    days: Flags
    flows: Flows

    def changes(self, network: TrunkNetwork, vehicles: Vehicles) -> int:
        """Count the changes from the reference to other vehicles."""
        now = np.zeros_like(self.counts)
        np.add.at(now, (vehicles.vehicle, network.arc_day[vehicles.arc]), vehicles.departures)
        return self.lost + int(np.abs(now - self.counts)[network.vehicle_drives][:, self.days].sum())


def read_reference(network: TrunkNetwork, reference: Reference) -> ReferencePlan:
    """Lay a reference upon a network: lanes that closed, demands that went and days that are over fall away."""
    days = np.array([_counts(network, reference, network.day(day)) for day in range(network.days)], dtype=np.bool_)
    _refuse_other_clock(network, reference)
    book = DepartureBook(network)
    able = (network.vehicle_limit >= 1) & (network.arc_of[network.vehicle_lane] >= 0)
    able &= (network.type_fleet[network.vehicle_type] >= 1)[:, None]
    counts = np.zeros(able.shape, dtype=np.int64)
    counts[~network.vehicle_drives] = 1  # what leads to staging is always there, and no change
    lost = 0
    for row in reference.departures.iter_rows(named=True):
        if not _counts(network, reference, row["date"]):
            continue
        arc, vehicle = book.find_departure(row)
        if vehicle >= 0 and able[vehicle, network.arc_day[arc]]:
            counts[vehicle, network.arc_day[arc]] += row["departures"]
        else:
            lost += row["departures"]
    flows = read_flows(network, reference.flows, strict=False)
    pool, asked = flows.pool, network.demand_parcels
    # a demand that shrank gives up its last paths first
    before = np.cumsum(flows.parcels) - flows.parcels
    start = np.searchsorted(pool.demand, pool.demand)
    parcels = np.clip(asked[pool.demand] - (before - before[start]), 0, flows.parcels) if len(pool) else flows.parcels
    return ReferencePlan(counts, lost, days, Flows(pool, parcels.astype(np.int64)))


def _is_by_clock(departures: pl.DataFrame) -> bool:
    return "leaves_at" in departures.columns and bool(departures["leaves_at"].is_not_null().any())


def _refuse_other_clock(network: TrunkNetwork, reference: Reference) -> None:
    by_clock = _is_by_clock(reference.departures)
    if reference.departures.height and by_clock != network.by_clock:
        now, then = ("sorts", "days") if network.by_clock else ("days", "sorts")
        raise RadarError(
            f"a reference planned by {then}, a plan by {now}",
            f"a reference by {now}",
            "plan once without --reference, and start from that plan",
        )


def _counts(network: TrunkNetwork, reference: Reference, when: date) -> bool:
    return reference.counts(when, network.first_day, network.day(network.demand_days - 1))


def list_changes(network: TrunkNetwork, reference: Reference, departures: pl.DataFrame) -> pl.DataFrame:
    """List what differs from the reference: see ``Reference.compare``."""
    return reference.compare(departures, network.first_day, network.day(network.demand_days - 1))


def count_changes(changes: pl.DataFrame) -> int:
    """Number of departures that change."""
    return int((changes["to"] - changes["from"]).abs().sum())


def summarise_changes(changes: pl.DataFrame, reference_plan: ReferencePlan, max_changes: int | None) -> str:
    """Say how many departures change, and where that is more than allowed, why."""
    count = count_changes(changes)
    text = f"{count:,} departures changed against the reference"
    if max_changes is None or count <= max_changes:
        return text
    needed = count - reference_plan.lost
    reasons = [f"{reference_plan.lost:,} of the reference cannot run any more"] if reference_plan.lost else []
    reasons += [f"{needed:,} keep parcels from being short (the search found no fewer)"] if needed else []
    return f"{text}, {count - max_changes:,} more than the {max_changes:,} allowed: {', '.join(reasons)}"
