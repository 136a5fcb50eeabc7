"""Contracts over futures: lanes, days, vehicles and hubs as the rows and columns of a booking.

Time is whole days: what leaves over a lane arrives ``ceil(transit_hours / 24)`` days later and leaves again on that day. A route may take its
cheapest paths at full vehicles, direct, over one hub, and the cheapest of any number of hubs. On each lane and day one kind of each ownership,
the cheapest a parcel at full load, can be booked; booked ones cost their idle share in any case and the rest when they run, hired ones the day's
price (1.35 times the contract's where no hired type is listed).
What a hub is to sort beyond its day's capacity costs ``over_cost`` a parcel, what finds no vehicle rides later with other traffic.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from data.arrays import Floats
from data.constants import constant
from data.errors import RadarError
from routing.capacity.two_stage import Booking
from routing.stress.lanes import CALLED, price_vehicles
from routing.stress.records import UNBOUNDED
from routing.stress.steps import lay_steps

if TYPE_CHECKING:
    import polars as pl

    from routing.trunk.task.inputs import TrunkOptions


@dataclass(frozen=True)
class BookingRules:
    """What a booking takes for granted."""

    paths: int = constant(3, "paths", "a route may take", "judgement")
    over_cost: float = constant(5.0, "CNY a parcel", "sorted beyond a hub's capacity of the day", "judgement")
    round_share: float = constant(0.65, "share", "added before rounding down to whole vehicles", "judgement")


RULES = BookingRules()
_EPSILON = 1e-9
_BOOKED = ("own", "contract")


@dataclass(frozen=True)
class Prices:
    """Prices of a booking.

    Attributes
    ----------
    idle_share
        Part of a road vehicle's price that is paid when it does not run; of others all of it.
    spot_factor
        Prices of hired vehicles over those of ``vehicle_types``.
    late_cost
        CNY a parcel that rides later.
    """

    idle_share: float
    spot_factor: float
    late_cost: float


@dataclass(frozen=True)
class Kinds:
    """What can be booked, and over which paths it is carried.

    Attributes
    ----------
    day, lane, vehicle_type
        By column of what is booked.
    paths
        Column of ``carry``, row of the demand, lanes and days of leaving.
    """

    day: list[date]
    lane: list[str]
    vehicle_type: list[str]
    paths: list[tuple[int, int, list[str], list[date]]]


@dataclass
class _Net:
    """Lanes by number, with days of transit, the price of a parcel at full vehicles, and what can run."""

    lane_ids: list[str]
    ends: list[tuple[int, int]]
    days: list[int]
    price: list[float]
    parcel_cost: list[float]
    limit: list[float]
    kinds: list[dict[str, dict[str, Any]]]
    handling: Floats

    def paths(self, most: int) -> dict[tuple[int, int], list[tuple[int, ...]]]:
        """List the cheapest paths of each pair of hubs."""
        hubs = self.handling.size
        leaving: dict[int, list[int]] = defaultdict(list)
        for lane, (origin, _) in enumerate(self.ends):
            if self.kinds[lane]:
                leaving[origin].append(lane)
        found: dict[tuple[int, int], set[tuple[int, ...]]] = defaultdict(set)
        for origin in range(hubs):
            for first in leaving[origin]:
                middle = self.ends[first][1]
                found[origin, middle].add((first,))
                for second in leaving[middle]:
                    if self.ends[second][1] != origin:
                        found[origin, self.ends[second][1]].add((first, second))
            for end, path in self._cheapest_from(origin, leaving).items():
                found[origin, end].add(path)
        return {pair: sorted(paths, key=lambda path: (self.cost(path), path))[:most] for pair, paths in found.items()}

    def cost(self, path: Sequence[int]) -> float:
        """Price of a parcel over a path at full vehicles, with the hubs it comes to."""
        return float(sum(self.price[at] + self.parcel_cost[at] + self.handling[self.ends[at][1]] for at in path))

    def _cheapest_from(self, origin: int, leaving: Mapping[int, list[int]]) -> dict[int, tuple[int, ...]]:
        import heapq

        reached: dict[int, tuple[int, ...]] = {}
        queue: list[tuple[float, int, tuple[int, ...]]] = [(0.0, origin, ())]
        while queue:
            cost, hub, path = heapq.heappop(queue)
            if hub in reached:
                continue
            reached[hub] = path
            for lane in leaving.get(hub, ()):
                if self.ends[lane][1] not in reached:
                    heapq.heappush(queue, (cost + self.cost((lane,)), self.ends[lane][1], (*path, lane)))
        del reached[origin]
        return reached


def lay_booking(
    tables: Mapping[str, pl.DataFrame], routes: pl.DataFrame, options: TrunkOptions, prices: Prices
) -> tuple[Booking, Kinds]:
    """Lay lanes, vehicles and hubs out as a booking.

    Parameters
    ----------
    tables
        ``hubs``, ``lanes``, ``vehicle_types``; where there are any ``lane_vehicles``, ``network_changes`` and the hours of hubs.
    routes
        date, origin_hub_id, destination_hub_id: the demands, in the order of a future's parcels.
    options
        Time zone and hours.
    prices
        What is paid when.

    Raises
    ------
    RadarError
        When no vehicle can run on any lane, or a demand names an unknown hub.
    """
    hub_ids = tables["hubs"]["hub_id"].sort().to_list()
    number = {hub: at for at, hub in enumerate(hub_ids)}
    first, last = routes["date"].min(), routes["date"].max()
    if not isinstance(first, date) or not isinstance(last, date):
        raise RadarError("no days to book for", "a forecast of at least one", "set --from and --to")
    net = _read_net(tables, number)
    paths = net.paths(RULES.paths)
    longest = max((sum(net.days[lane] for lane in path) for found in paths.values() for path in found), default=0)
    dates = [first + timedelta(days=at) for at in range((last - first).days + 1 + longest)]
    capacity, handling = _read_hubs({**tables, "route_demand": routes}, options, dates)
    return _Writer(net, paths, dates, capacity, handling, prices).write(routes, number)


def _read_net(tables: Mapping[str, pl.DataFrame], number: Mapping[str, int]) -> _Net:
    lanes = tables["lanes"].sort("lane_id")
    limits = _limits_by_kind(tables)
    best: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    fleets = dict(tables["vehicle_types"].select("vehicle_type_id", "fleet_size").iter_rows())
    for row in price_vehicles(dict(tables)).sort("lane_id", "vehicle_type_id").iter_rows(named=True):
        if row["capacity"] <= 0:
            continue
        cheapest = best[row["lane_id"]].get(row["ownership"])
        if (
            cheapest is None
            or row["unit_cost"] / row["capacity"] < cheapest["unit_cost"] / cheapest["capacity"] - _EPSILON
        ):
            limit = limits.get((row["lane_id"], row["vehicle_type_id"]))
            best[row["lane_id"]][row["ownership"]] = {
                **row,
                "limit": np.inf if limit is None else float(limit),
                "fleet": fleets[row["vehicle_type_id"]],
            }
    for kinds in best.values():
        booked = kinds.get("contract")
        if booked is not None and "spot" not in kinds and booked["mode"] == "road":
            kinds["spot"] = {**booked, "unit_cost": booked["unit_cost"] * CALLED.markup}
    rows = lanes.to_dicts()
    if not best:
        raise RadarError("no vehicle that runs on any lane", "vehicle_types of the lanes' modes", "load vehicle_types")
    of_lane = [best.get(row["lane_id"], {}) for row in rows]
    handling = tables["hubs"].sort("hub_id")["handling_cost"].fill_null(0.0).to_numpy().astype(np.float64)
    return _Net(
        lane_ids=[row["lane_id"] for row in rows],
        ends=[(number[row["origin_hub_id"]], number[row["destination_hub_id"]]) for row in rows],
        days=[max(int(np.ceil(row["transit_hours"] / 24.0 - _EPSILON)), 0) for row in rows],
        price=[min((one["unit_cost"] / one["capacity"] for one in kind.values()), default=np.inf) for kind in of_lane],
        parcel_cost=[row["parcel_cost"] or 0.0 for row in rows],
        limit=[np.inf if row["departure_limit"] is None else float(row["departure_limit"]) for row in rows],
        kinds=of_lane,
        handling=handling,
    )


def _limits_by_kind(tables: Mapping[str, pl.DataFrame]) -> dict[tuple[str, str], int | None]:
    special = tables.get("lane_vehicles")
    if special is None:
        return {}
    return {
        (lane, kind): limit
        for lane, kind, limit in special.select("lane_id", "vehicle_type_id", "departure_limit").iter_rows()
    }


def _read_hubs(
    tables: Mapping[str, pl.DataFrame], options: TrunkOptions, dates: list[date]
) -> tuple[Floats, list[float]]:
    """Return [hubs x days] parcels sorted in a day, infinite without a bound, and handling by hub."""
    steps = lay_steps(tables, options, dates)
    capacity = np.zeros((len(steps.sort_ids), len(dates)))
    for hub in range(capacity.shape[0]):
        for step in range(int(steps.count[hub])):
            day = int(steps.day[hub, step])
            if 0 <= day < len(dates):
                room = int(steps.capacity[hub, step])
                capacity[hub, day] += np.inf if room >= UNBOUNDED else room
    return capacity, [float(steps.handling[hub, 0]) for hub in range(capacity.shape[0])]


class _Writer:
    """Writes the rows and columns of a booking, in the order: demands, rooms of lanes, what runs, limits, hubs."""

    def __init__(
        self,
        net: _Net,
        paths: Mapping[tuple[int, int], list[tuple[int, ...]]],
        dates: list[date],
        capacity: Floats,
        handling: Sequence[float],
        prices: Prices,
    ) -> None:
        self.net, self.paths, self.dates, self.prices = net, paths, dates, prices
        self.capacity, self.handling = capacity, handling
        self.booked: list[tuple[int, int, dict[str, Any]]] = [
            (lane, day, net.kinds[lane][ownership])
            for lane in range(len(net.lane_ids))
            for day in range(len(dates))
            for ownership in _BOOKED
            if ownership in net.kinds[lane]
        ]
        self.entries: list[tuple[int, int, float]] = []  # row, column, value of W
        self.carry: list[float] = []
        self.column_paths: list[tuple[int, int, list[str], list[date]]] = []

    def write(self, routes: pl.DataFrame, number: Mapping[str, int]) -> tuple[Booking, Kinds]:
        """Write it all."""
        count, days, lanes = routes.height, len(self.dates), len(self.net.lane_ids)
        room, runs = count, count + lanes * days
        hub_row = runs + len(self.booked)
        limits = hub_row + self.capacity.size
        self._write_ways(routes, number, room, hub_row)
        for at, (lane, day, kind) in enumerate(self.booked):
            column = self._column(kind["unit_cost"] * (1 - self._idle(kind)))
            self.entries += [(room + lane * days + day, column, -float(kind["capacity"])), (runs + at, column, 1.0)]
            self.entries.append((limits + lane * days + day, column, 1.0))
        for lane in range(lanes):
            if "spot" not in self.net.kinds[lane]:
                continue
            spot = self.net.kinds[lane]["spot"]
            for day in range(days):
                column = self._column(spot["unit_cost"] * self.prices.spot_factor)
                self.entries.append((room + lane * days + day, column, -float(spot["capacity"])))
                self.entries.append((limits + lane * days + day, column, 1.0))
        for at in range(self.capacity.size):
            self.entries.append((hub_row + at, self._column(RULES.over_cost), -1.0))
        rows = limits + lanes * days
        high = np.zeros(rows)
        high[hub_row:limits] = self.capacity.ravel()
        high[limits:] = np.repeat(self.net.limit, days)
        entries = [np.array(part) for part in zip(*self.entries, strict=True)]
        booked = sparse.csr_matrix(
            (np.ones(len(self.booked)), (runs + np.arange(len(self.booked)), np.arange(len(self.booked)))),
            shape=(rows, len(self.booked)),
        )
        fleet, sizes = self._write_fleets()
        booking = Booking(
            cost=np.array([kind["unit_cost"] * self._idle(kind) for _, _, kind in self.booked]),
            most=np.array([min(kind["limit"], self.net.limit[lane]) for lane, _, kind in self.booked]),
            fleet=fleet,
            fleet_size=sizes,
            carry=np.array(self.carry),
            rows=sparse.csr_matrix((entries[2], (entries[0], entries[1])), shape=(rows, len(self.carry))),
            low=np.full(rows, -np.inf),
            high=high,
            booked=booked,
            demand=np.arange(count),
        )
        return booking, Kinds(
            [self.dates[day] for _, day, _ in self.booked],
            [self.net.lane_ids[lane] for lane, _, _ in self.booked],
            [kind["vehicle_type_id"] for _, _, kind in self.booked],
            self.column_paths,
        )

    def _write_ways(self, routes: pl.DataFrame, number: Mapping[str, int], room: int, hub_row: int) -> None:
        """Write a column for each path of each demand, and one for what rides later."""
        days = len(self.dates)
        for row, (when, origin_id, end_id) in enumerate(
            routes.select("date", "origin_hub_id", "destination_hub_id").iter_rows()
        ):
            if origin_id not in number or end_id not in number:
                strange = origin_id if origin_id not in number else end_id
                raise RadarError(f"demand of hub {strange}", "hubs of the table hubs", "load it with `radar load hubs`")
            origin, end = number[origin_id], number[end_id]
            begun = (when - self.dates[0]).days
            found = [()] if origin == end else self.paths.get((origin, end), [])
            dearest = 0.0
            for path in found:
                column = self._column(self.handling[origin])
                self.entries += [(row, column, 1.0), (hub_row + origin * days + begun, column, 1.0)]
                day = begun
                leaves: list[date] = []
                for lane in path:
                    leaves.append(self.dates[day])
                    self.entries.append((room + lane * days + day, column, 1.0))
                    day += self.net.days[lane]
                    hub = self.net.ends[lane][1]
                    self.entries.append((hub_row + hub * days + day, column, 1.0))
                    self.carry[column] += self.net.parcel_cost[lane] + self.handling[hub]
                self.column_paths.append((column, row, [self.net.lane_ids[lane] for lane in path], leaves))
                dearest = max(dearest, self.net.cost(path) + self.handling[origin])
            later = self._column(dearest * self.prices.spot_factor + self.prices.late_cost)
            self.entries.append((row, later, 1.0))

    def _write_fleets(self) -> tuple[sparse.csr_matrix, Floats]:
        """Write a row for each type with a fleet and each day: booked ones that are away then."""
        entries: list[tuple[int, int]] = []
        rows: dict[tuple[str, int], int] = {}
        sizes: list[float] = []
        for column, (lane, day, kind) in enumerate(self.booked):
            if kind["fleet"] is None:
                continue
            for away in range(day, min(day + max(self.net.days[lane], 1), len(self.dates))):
                key = (kind["vehicle_type_id"], away)
                if key not in rows:
                    rows[key] = len(sizes)
                    sizes.append(float(kind["fleet"]))
                entries.append((rows[key], column))
        shape = (len(sizes), len(self.booked))
        if not entries:
            return sparse.csr_matrix(shape), np.zeros(0)
        at = np.array(entries)
        return sparse.csr_matrix((np.ones(len(entries)), (at[:, 0], at[:, 1])), shape=shape), np.array(sizes)

    def _column(self, cost: float) -> int:
        self.carry.append(float(cost))
        return len(self.carry) - 1

    def _idle(self, kind: Mapping[str, Any]) -> float:
        return self.prices.idle_share if kind["mode"] == "road" else 1.0
