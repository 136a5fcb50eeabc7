"""Demands of a plan by the clock as they are handed in: what of a route each sort takes, and what it pays for openings."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from data.arrays import Floats, Ints
from routing.checker.cheapest_sorts import Ends, Surcharges
from routing.checker.playback.clock import MINUTES, HubClock
from routing.checker.playback.orders import Promises, Shares
from routing.checker.prices import rows_of

_DAY = 24 * MINUTES
_UNBOUNDED = float("inf")


class Parts:
    """Demands as they are handed in: parcels, the sort that first takes them, and the end they go to; what one sort takes of a route and day is one.

    Attributes
    ----------
    parcels : (K,)
    start : (K,)
        Number of the sort; -1 where no sort takes them.
    end : (K,)
    end_hub, end_due : (C,)
        Hub, and moment by which what goes there is promised [days from 1970], of each end.
    keys
        demand (number of a part), demand_date, origin_hub_id, destination_hub_id, sort_id (that takes it), parcels; of parts that two sorts of one name
        take on two dates those of the first.
    """

    def __init__(
        self,
        frames: Mapping[str, pl.DataFrame],
        clocks: Mapping[str, HubClock],
        number: Mapping[tuple[str, int], int],
        late_cost: float,
    ) -> None:
        due = Promises(frames, clocks)
        hubs = {name: place for place, name in enumerate(clocks)}
        cut_offs = {name: [sort.cut_off for sort in clock.sorts] for name, clock in clocks.items()}
        ends: dict[tuple[int, float], int] = {}
        routes: list[tuple[date, str, str]] = []
        parcels: list[float] = []
        start: list[int] = []
        end: list[int] = []
        names = {name: [sort.name for sort in clock.sorts] for name, clock in clocks.items()}
        keys: list[tuple[Any, ...]] = []
        payers: dict[tuple[date, str, str, str], int] = {}
        for (day, origin, goal), handed in Shares(frames, clocks).left.items():
            if goal not in hubs:
                continue
            route = {"date": day, "origin_hub_id": origin, "destination_hub_id": goal}
            moment = due.of(route) / _DAY if late_cost > 0 else _UNBOUNDED
            key = ends.setdefault((hubs[goal], moment), len(ends))
            taken: dict[int, int] = defaultdict(int)
            for minute, count in handed:
                taken[bisect_left(cut_offs[origin], minute)] += count
            for place, count in taken.items():
                routes.append((day, origin, goal))
                # sorts of one name on two dates take parts of one day: a price names the first of them
                if place < len(names[origin]) and place == payers.setdefault(
                    (day, origin, goal, names[origin][place]), place
                ):
                    keys.append((len(parcels), day, origin, goal, names[origin][place], float(count)))
                parcels.append(float(count))
                start.append(number.get((origin, place), -1))
                end.append(key)
        self.parcels: Floats = np.array(parcels, dtype=np.float64)
        self.start: Ints = np.array(start, dtype=np.int64)
        self.end: Ints = np.array(end, dtype=np.int64)
        self.end_hub: Ints = np.array([hub for hub, _ in ends], dtype=np.int64)
        self.end_due: Floats = np.array([moment for _, moment in ends], dtype=np.float64)
        self.routes = routes
        self._hubs = hubs
        schema = {
            "demand": pl.Int64(), "demand_date": pl.Date(), "origin_hub_id": pl.String(), "destination_hub_id": pl.String(),
            "sort_id": pl.String(), "parcels": pl.Float64(),
        }  # fmt: skip
        self.keys = pl.DataFrame(keys, schema=schema, orient="row")

    def stand_beside(self, places: pl.DataFrame, beside: pl.DataFrame) -> None:
        """Add what is asked nothing of: handed in at the sort of its hub and day that most of the hub's own reach; without promises alone."""
        own = np.bincount(np.maximum(self.start, 0), self.parcels * (self.start >= 0), places.height)
        most: dict[tuple[str, date], int] = {}
        for n, hub, day in places.filter(~pl.col("shut")).select("sort", "hub_id", "date").iter_rows():
            if (hub, day) not in most or own[n] > own[most[hub, day]]:
                most[hub, day] = n
        ends = {int(hub): place for place, hub in enumerate(self.end_hub)}
        rows = [
            (route, most[route[1], route[0]], ends[self._hubs[route[2]]])
            for route in beside.select("date", "origin_hub_id", "destination_hub_id")
            .unique()
            .sort(pl.all())
            .iter_rows()
            if (route[1], route[0]) in most and self._hubs.get(route[2], -1) in ends
        ]
        self.routes = [*self.routes, *(row[0] for row in rows)]
        self.parcels = np.concatenate([self.parcels, np.zeros(len(rows))])
        self.start = np.concatenate([self.start, np.array([row[1] for row in rows], dtype=np.int64)])
        self.end = np.concatenate([self.end, np.array([row[2] for row in rows], dtype=np.int64)])

    def price(self, ways: Floats) -> pl.DataFrame:
        """Price of each route and day: the mean of what is asked on it, and, in rows without parcels, of what stands beside."""
        names = {"date": pl.Date, "origin_hub_id": pl.String, "destination_hub_id": pl.String}
        rows = pl.DataFrame(self.routes, schema=names, orient="row").with_columns(
            parcels=pl.Series(self.parcels), price=pl.Series(ways)
        )
        asked, beside = rows.filter(pl.col("parcels") > 0), rows.filter(pl.col("parcels") == 0)
        mean = (pl.col("parcels") * pl.col("price")).sum() / pl.col("parcels").sum()
        sums = asked.group_by(list(names)).agg(pl.col("parcels").sum(), price=mean)
        return pl.concat([sums, beside.with_columns(parcels=pl.lit(None, pl.Float64))])


def price_openings(prices: pl.DataFrame, parts: Parts, runs: pl.DataFrame) -> pl.DataFrame:
    """What demands pay for the opening of runs: demand (number of the part), run, price [CNY/parcel], parcels; sorted by demand."""
    return (
        rows_of(prices, "opening", "sort_id")
        .join(runs.select("run", "when", "lane_id"), on=["when", "lane_id"])
        .join(parts.keys, on=["demand_date", "origin_hub_id", "destination_hub_id", "sort_id"])
        .select("demand", "run", "price", "parcels")
        .sort("demand", "run")
    )


def part_payers(parts: Parts, opening: pl.DataFrame, late: float) -> tuple[Ends, Ints]:
    """Ends of all parts, those that pay for openings each with an end of its own, and the end of every part, (K,)."""
    payers, own = np.unique(opening["demand"].to_numpy().astype(np.int64), return_inverse=True)
    end, known = parts.end.copy(), len(parts.end_hub)
    asked = Surcharges(known + own, opening["run"].to_numpy().astype(np.int64), opening["price"].to_numpy())
    hub, due = (np.concatenate([all_ends, all_ends[end[payers]]]) for all_ends in (parts.end_hub, parts.end_due))
    end[payers] = known + np.arange(len(payers))
    return Ends(hub, due, late, asked), end
