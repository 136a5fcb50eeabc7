"""The panel: every route's daily parcels as one matrix, and sums of it over groups of routes."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.errors import RadarError
from data.keys import COURIER_ROUTE

FloatMatrix = NDArray[np.float32]
IndexVector = NDArray[np.int64]
DateVector = NDArray[np.datetime64]
Level = Literal["network", "region_out", "region_in", "hub_out", "hub_in", "route"]

ROWS_AT_A_TIME = 4_000_000
"""Rows of a table that are numbered at a time, so that memory holds the matrix and not three copies of the table."""
ROUTE_KEYS = COURIER_ROUTE


@dataclass(frozen=True)
class Membership:
    """Which group each route belongs to.

    Attributes
    ----------
    index
        [routes] position in ``labels`` of the group of each route.
    labels
        Names of the groups, sorted. Routes whose hub has no region stand in the group ``""``.
    """

    index: IndexVector
    labels: tuple[str, ...]

    @property
    def groups(self) -> int:
        """How many groups there are."""
        return len(self.labels)


@dataclass(frozen=True)
class Panel:
    """Parcels of each route on each day, without gaps.

    Attributes
    ----------
    routes
        courier_id, origin_hub_id, destination_hub_id: one row a route, sorted.
    dates
        [days] consecutive days (datetime64[D]).
    parcels
        [routes x days] float32, parcels. A day without a row is 0.
    """

    routes: pl.DataFrame
    dates: DateVector
    parcels: FloatMatrix

    @classmethod
    def from_route_volumes(
        cls,
        frame: pl.DataFrame,
        first_date: dt.date | None = None,
        last_date: dt.date | None = None,
    ) -> Panel:
        """Spread the table ``route_volumes`` out into a matrix.

        Parameters
        ----------
        frame
            Columns date, courier_id, origin_hub_id, destination_hub_id, parcels.
        first_date, last_date
            Days the panel spans; by default those of the table. Rows outside are left out.

        Raises
        ------
        RadarError
            When there is no row and no span is given.
        """
        known = frame.select("date", *ROUTE_KEYS, "parcels")
        if known["parcels"].null_count():
            known = known.filter(pl.col("parcels").is_not_null())
        if first_date is not None:
            known = known.filter(pl.col("date") >= first_date)
        if last_date is not None:
            known = known.filter(pl.col("date") <= last_date)
        if known.is_empty() and (first_date is None or last_date is None):
            raise RadarError(
                "no route volumes to forecast from",
                action="load route_volumes or waybills first, or choose an as-of date after their first day",
            )
        first = first_date if first_date is not None else known["date"].min()
        last = last_date if last_date is not None else known["date"].max()
        if not isinstance(first, dt.date) or not isinstance(last, dt.date) or last < first:
            raise RadarError(f"a panel from {first!r} to {last!r}", "a first day before the last day")
        dates = days_from(first, (last - first).days + 1)
        blocks = range(0, max(known.height, 1), ROWS_AT_A_TIME)
        seen = [known.slice(start, ROWS_AT_A_TIME).select(ROUTE_KEYS).unique() for start in blocks]
        routes = pl.concat(seen).unique().sort(ROUTE_KEYS)
        parcels = np.zeros((routes.height, dates.size), dtype=np.float32)
        numbered = routes.with_row_index("route")
        for start in blocks:
            keyed = known.slice(start, ROWS_AT_A_TIME).join(
                numbered, on=list(ROUTE_KEYS), how="left", maintain_order="left"
            )
            row = keyed["route"].to_numpy().astype(np.int64)
            day = (keyed["date"].to_numpy().astype("datetime64[D]") - dates[0]).astype(np.int64)
            np.add.at(parcels, (row, day), keyed["parcels"].to_numpy().astype(np.float32))
        return cls(routes, dates, parcels)

    @property
    def size(self) -> int:
        """How many routes there are."""
        return self.routes.height

    def last(self, days: int) -> Panel:
        """Return the last ``days`` days."""
        start = max(0, self.dates.size - days)
        return Panel(self.routes, self.dates[start:], self.parcels[:, start:])

    @cached_property
    def hub_ids(self) -> tuple[str, ...]:
        """All hubs that stand at an end of a route, sorted."""
        ends = pl.concat(
            [
                self.routes["origin_hub_id"],
                self.routes["destination_hub_id"].rename("origin_hub_id"),
            ]
        )
        return tuple(ends.unique().sort().to_list())

    def membership(self, level: Level, region_of_hub: dict[str, str | None] | None = None) -> Membership:
        """Say which group of a level each route is part of.

        Parameters
        ----------
        level
            network, region_out, region_in, hub_out, hub_in or route. ``out`` groups by the
            origin hub, ``in`` by the destination hub.
        region_of_hub
            hub_id -> region_id; needed for the two region levels.
        """
        if level == "network":
            return Membership(np.zeros(self.size, dtype=np.int64), ("network",))
        if level == "route":
            labels = tuple("|".join(row) for row in self.routes.iter_rows())
            return Membership(np.arange(self.size, dtype=np.int64), labels)
        hub = self.routes["origin_hub_id" if level.endswith("_out") else "destination_hub_id"]
        if level.startswith("hub"):
            return _group(hub)
        regions = region_of_hub or {}
        names = {hub_id: regions.get(hub_id) or "" for hub_id in self.hub_ids}
        return _group(hub.replace_strict(names, return_dtype=pl.String))


def days_from(first: dt.date | np.datetime64, count: int) -> NDArray[np.datetime64]:
    """Return days in a row as NumPy counts them, [count].

    Examples
    --------
    >>> days_from(dt.date(2024, 2, 28), 3).astype(str).tolist()
    ['2024-02-28', '2024-02-29', '2024-03-01']
    """
    begin = first.astype("datetime64[D]") if isinstance(first, np.datetime64) else np.datetime64(first, "D")
    return np.asarray(begin + np.arange(count).astype("timedelta64[D]"))


def to_date(day: np.datetime64) -> dt.date:
    """Return a NumPy day as a date."""
    date = day.astype("datetime64[D]").item()
    if not isinstance(date, dt.date):
        raise TypeError(f"{day} is no day")
    return date


def _group(names: pl.Series) -> Membership:
    labels = names.unique().sort()
    position = {name: at for at, name in enumerate(labels.to_list())}
    index = np.fromiter((position[name] for name in names), dtype=np.int64, count=len(names))
    return Membership(index, tuple(labels.to_list()))


def aggregate(
    matrix: NDArray[np.floating] | NDArray[np.integer],
    membership: Membership | IndexVector,
    groups: int = 0,
) -> NDArray[np.float64]:
    """Sum the rows of a matrix over groups.

    Parameters
    ----------
    matrix
        [routes x days].
    membership
        A :class:`Membership`, or the bare [routes] group numbers with ``groups`` beside.
    groups
        How many groups there are, when bare numbers are given.

    Returns
    -------
    NDArray[np.float64]
        [groups x days].
    """
    if isinstance(membership, Membership):
        index, count = membership.index, membership.groups
    else:
        index, count = membership, groups
    sums = np.zeros((count, matrix.shape[1]))
    if count == 1:
        sums[0] = matrix.sum(axis=0, dtype=np.float64)
    elif matrix.shape[0]:
        order = np.argsort(index, kind="stable")
        starts = np.flatnonzero(np.r_[True, np.diff(index[order]) > 0])
        # A block of days at a time keeps the sorted copy small when there are very many routes.
        for day in range(0, matrix.shape[1], 64):
            block = matrix[order, day : day + 64].astype(np.float64)
            sums[index[order][starts], day : day + 64] = np.add.reduceat(block, starts, axis=0)
    return sums
