"""The lower bound of a plan by the clock, recomputed from the tables and the prices kept with the plan.

The formula is that of plans by days (``bound.py``); what differs is what there is a price of. A parcel stands at the sort of its
hub that first takes it and is sorted there, at

    price[n] = min( sort[n] + (lateness of what n finishes at the end's hub, or run + price[sort that takes what the run brings]),
                    wait[n] + price[the hub's next sort] )

and a run leaves at a moment: at every close of its origin, or at the hours ``lane_departures`` gives its lane.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from data.arrays import Floats, Ints
from routing.checker.bound import Costs, price_carried
from routing.checker.cheapest_sorts import Ends, Runs, Sorts, Surcharges, price_ways
from routing.checker.hubs import close_hubs
from routing.checker.limits import LIMITS
from routing.checker.playback.clock import MINUTES, ClockRules, HubClock, at_hour, read_hours, set_clocks, to_moment
from routing.checker.playback.orders import Promises, Shares, set_out
from routing.checker.playback.shut_hours import list_spans, stop_on_road
from routing.checker.prices import name_moment, name_sort, pay, price_rows, rows_of
from routing.checker.vehicle_prices import pay_limits, share_costs

_DAY = 24 * MINUTES
_UNBOUNDED = float("inf")


def recompute_bound_by_clock(
    frames: Mapping[str, pl.DataFrame], prices: pl.DataFrame, days: pl.DataFrame, costs: Costs, rules: ClockRules
) -> float:
    """Lower bound that the prices prove for plans whose sorts are of the given days [CNY].

    Parameters
    ----------
    frames
        Tables of the checker.
    prices
        Rows of ``bound_prices`` that `check_prices` let pass by the clock; several of one thing add up.
    days
        Days of the plan, as of ``list_days``.
    costs
        Costs of the plan's options.
    rules
        Time zone and hours where the tables are silent.

    Returns
    -------
    float
        ``-inf`` when the prices prove nothing.
    """
    return value_routes_by_clock(frames, prices, days, costs, rules)[0]


def value_routes_by_clock(
    frames: Mapping[str, pl.DataFrame],
    prices: pl.DataFrame,
    days: pl.DataFrame,
    costs: Costs,
    rules: ClockRules,
    beside: pl.DataFrame | None = None,
) -> tuple[float, pl.DataFrame]:
    """Lower bound that the prices prove, and what a parcel costs on each route and day at them.

    Parameters
    ----------
    frames, prices, days, costs, rules
        As of :func:`recompute_bound_by_clock`.
    beside
        date, origin_hub_id, destination_hub_id: what a parcel costs that is handed in there at the sort which most of the hub's own of the day
        reach, its first open one if there are none.

    Returns
    -------
    bound
        [CNY]
    routes : polars.DataFrame
        date, origin_hub_id, destination_hub_id, parcels, price [CNY/parcel], at most that of a parcel short; of a route asked the mean of
        its parcels. Rows of `beside` have no parcels (empty); those of a hub that sorts nothing that day are left out.
    """
    dates = days["date"].to_list()
    clocks = keep_days(set_clocks(frames, dates[0], dates[-1], rules), dates[0])
    places = list_sorts(frames, clocks, dates).with_columns(when=name_sort())
    number = {(hub, place): n for n, (hub, place) in enumerate(places.select("hub_id", "place").iter_rows())}
    departures = list_departures(frames, clocks, number, set(places.filter("shut")["sort"].to_list()), dates)
    departures = departures.with_columns(when=name_moment())
    runs = departures.unique(["when", "lane_id"], keep="first", maintain_order=True).with_row_index("run")
    departures = departures.join(runs.select("run", "when", "lane_id"), on=["when", "lane_id"], maintain_order="left")
    parts = _Parts(frames, clocks, number, costs.late)
    if beside is not None:
        parts.stand_beside(places, beside)
    opening = _price_openings(prices, parts, runs)
    room, earned = share_costs(departures, runs, prices, opening, float(parts.parcels.sum()))
    sort, wait = price_rows(places, prices, "sort"), price_rows(places, prices, "buffer")
    limit, buffer = places["limit"].to_numpy(), places["buffer"].to_numpy()
    held = costs.hold * places["nights"].to_numpy() + wait
    sorts = Sorts(
        hub=places["hub"].to_numpy(),
        close=places["closes"].to_numpy(),
        delivered=places["delivered"].to_numpy() / _DAY,
        after=places["after"].to_numpy(),
        sort_price=np.where(limit > 0, places["handling_cost"].to_numpy() + sort, np.inf),
        wait_price=np.where(places["holds"].to_numpy(), held, np.inf),
    )
    ends, end = _part_payers(parts, opening, costs.late)
    ways = price_ways(
        sorts,
        Runs(runs["tail"].to_numpy(), runs["head"].to_numpy(), runs["parcel_cost"].to_numpy() + room),
        ends,
        parts.start,
        end,
    )
    ways = np.minimum(ways, costs.short)
    carried = price_carried(parts.parcels.astype(float), ways, costs)
    paid = pay(sort, limit) + pay(wait, buffer) + pay_limits(frames, departures, prices)
    return carried - paid + earned, parts.price(ways)


def _price_openings(prices: pl.DataFrame, parts: _Parts, runs: pl.DataFrame) -> pl.DataFrame:
    """What demands pay for the opening of runs: demand (number of the part), run, price [CNY/parcel], parcels; sorted by demand."""
    return (
        rows_of(prices, "opening", "sort_id")
        .join(runs.select("run", "when", "lane_id"), on=["when", "lane_id"])
        .join(parts.keys, on=["demand_date", "origin_hub_id", "destination_hub_id", "sort_id"])
        .select("demand", "run", "price", "parcels")
        .sort("demand", "run")
    )


def _part_payers(parts: _Parts, opening: pl.DataFrame, late: float) -> tuple[Ends, Ints]:
    """Ends of all parts, those that pay for openings each with an end of its own, and the end of every part, (K,)."""
    payers, own = np.unique(opening["demand"].to_numpy().astype(np.int64), return_inverse=True)
    end, known = parts.end.copy(), len(parts.end_hub)
    asked = Surcharges(known + own, opening["run"].to_numpy().astype(np.int64), opening["price"].to_numpy())
    hub, due = (np.concatenate([all_ends, all_ends[end[payers]]]) for all_ends in (parts.end_hub, parts.end_due))
    end[payers] = known + np.arange(len(payers))
    return Ends(hub, due, late, asked), end


def keep_days(clocks: Mapping[str, HubClock], first: date) -> dict[str, HubClock]:
    """Leave out the sorts of the days before a plan."""
    shortened = {}
    for hub, clock in clocks.items():
        sorts = tuple(sort for sort in clock.sorts if sort.day >= first)
        shortened[hub] = HubClock(
            clock.zone,
            sorts,
            tuple(sort.closes for sort in sorts),
            clock.unload,
            clock.staging,
            clock.shut,
            clock.waves,
        )
    return shortened


def list_sorts(frames: Mapping[str, pl.DataFrame], clocks: Mapping[str, HubClock], dates: list[date]) -> pl.DataFrame:
    """Say of every sort what it can do and what it costs.

    Returns
    -------
    polars.DataFrame
        sort (number), hub (number), hub_id, place (of the sort in its hub), date, sort_id, closes, delivered [minutes], after
        (number of the hub's next sort, -1 for its last), limit, buffer [parcels; ``inf`` without a bound], handling_cost
        [CNY/parcel], nights (to the next sort's close), holds (whether parcels may wait for it), shut (that date).
    """
    own = {(row["hub_id"], row["sort_id"]): row["handling_cost"] for row in frames["hub_sorts"].iter_rows(named=True)}
    general = dict(frames["hubs"].select("hub_id", "handling_cost").iter_rows())
    grid = pl.DataFrame({"date": dates}).join(frames["hubs"].select("hub_id"), how="cross")
    shut_days = set(close_hubs(frames, grid).filter("closed").select("hub_id", "date").iter_rows())
    rows: list[dict[str, Any]] = []
    for hub, (name, clock) in enumerate(clocks.items()):
        for place, sort in enumerate(clock.sorts):
            last = place + 1 == len(clock.sorts)
            following = None if last else clock.sorts[place + 1]
            shut = (name, sort.day) in shut_days
            price = own.get((name, sort.name))
            rows.append(
                {
                    "sort": len(rows), "hub": hub, "hub_id": name, "place": place, "date": sort.day, "sort_id": sort.name,
                    "closes": sort.closes, "delivered": clock.delivered(sort.closes), "after": -1 if last else len(rows) + 1,
                    "limit": 0.0 if shut else float(sort.capacity), "buffer": 0.0 if shut else float(sort.buffer),
                    "handling_cost": float((general.get(name) if price is None else price) or 0.0),
                    "nights": 1.0 if following is None else (following.closes - sort.closes) / _DAY,
                    "holds": following is not None and not shut and sort.buffer > 0 and (name, following.day) not in shut_days,
                    "shut": shut,
                }
            )  # fmt: skip
    schema = {
        "sort": pl.Int64(), "hub": pl.Int64(), "hub_id": pl.String(), "place": pl.Int64(), "date": pl.Date(), "sort_id": pl.String(),
        "closes": pl.Int64(), "delivered": pl.Float64(), "after": pl.Int64(), "limit": pl.Float64(), "buffer": pl.Float64(),
        "handling_cost": pl.Float64(), "nights": pl.Float64(), "holds": pl.Boolean(), "shut": pl.Boolean(),
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema)


@dataclass(frozen=True, slots=True)
class _Slot:
    """A departure of a lane before its vehicles are chosen; `kind` is the only type that may leave then."""

    day: date
    leaves: int
    doors: int
    kind: str | None
    limit: float


def list_departures(
    frames: Mapping[str, pl.DataFrame],
    clocks: Mapping[str, HubClock],
    number: Mapping[tuple[str, int], int],
    shut: set[int],
    dates: list[date],
) -> pl.DataFrame:
    """List what may depart, with the sorts it joins; columns as ``share_costs`` needs them, and at, tail, head, parcel_cost."""
    weather = {
        (row["lane_id"], row["date"]): (row["speed_factor"], row["capacity_factor"])
        for row in frames["lane_weather"].iter_rows(named=True)
    }
    spans, listed = list_spans(frames["lane_closures"]), _by_lane(frames["lane_departures"])
    vehicles = _list_vehicles(frames)
    rows: list[tuple[Any, ...]] = []
    for lane in frames["lanes"].iter_rows(named=True):
        name, start, end = lane["lane_id"], lane["origin_hub_id"], lane["destination_hub_id"]
        if start not in clocks or end not in clocks or name not in vehicles:
            continue
        there = clocks[end]
        cut_offs = [sort.cut_off for sort in there.sorts]
        for slot in _list_slots(listed.get(name), clocks[start], dates):
            factors = weather.get((name, slot.day), (1.0, 1.0))
            mine = spans.get(name, ())
            if min(factors) <= 0 or stop_on_road(mine, slot.leaves, 0.0)[0]:
                continue
            run = set_out(lane, clocks, factors, mine, (slot.day, to_moment(slot.leaves)))
            at_hand = there.reopen(run.leaves + run.minutes + (there.unload if run.minutes else 0))
            place, tail = bisect_left(cut_offs, at_hand), clocks[start].last_by(slot.doors)
            if tail < 0 or place >= len(cut_offs):
                continue
            ends = number[start, tail], number[end, place]
            if shut & set(ends):
                continue
            lane_limit = _thin(min(_bound(lane["departure_limit"]), slot.limit), factors[1])
            for kind in vehicles[name]:
                if slot.kind is None or kind["vehicle_type_id"] == slot.kind:
                    limit = _thin(_bound(kind["type_limit"]), factors[1])
                    if min(kind["capacity"], limit, lane_limit, _bound(kind["fleet_size"])) >= 1:
                        rows.append(
                            (
                                name, kind["vehicle_type_id"], start, end, to_moment(run.leaves), run.leaves,
                                max(run.leaves + run.away, run.leaves + 1), *ends, lane["parcel_cost"] or 0.0, kind["ownership"],
                                kind["capacity"], kind["unit_cost"], lane_limit, limit, _bound(kind["fleet_size"]),
                            )
                        )  # fmt: skip
    schema = {
        "lane_id": pl.String(), "vehicle_type_id": pl.String(), "start": pl.String(), "end": pl.String(),
        "at": pl.Datetime("us", "UTC"), "leaves": pl.Int64(), "back": pl.Int64(), "tail": pl.Int64(), "head": pl.Int64(),
        "parcel_cost": pl.Float64(), "ownership": pl.String(), "capacity": pl.Float64(), "unit_cost": pl.Float64(),
        "lane_limit": pl.Float64(), "type_limit": pl.Float64(), "fleet_size": pl.Float64(),
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def _by_lane(table: pl.DataFrame) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in table.iter_rows(named=True):
        found.setdefault(row["lane_id"], []).append(row)
    return found


def _list_slots(listed: list[dict[str, Any]] | None, clock: HubClock, dates: list[date]) -> Iterator[_Slot]:
    """Give the departures of a lane: at every close of its origin, or as listed."""
    if listed is None:
        for sort in clock.sorts:
            leaves = clock.reopen(sort.closes)
            yield _Slot(sort.day, leaves, sort.closes, None, _UNBOUNDED)
        return
    for row in listed:
        for day in dates:
            if row["weekdays"] and str(day.isoweekday()) not in row["weekdays"]:
                continue
            leaves = clock.reopen(at_hour(day, read_hours(row["leaves"]), clock.zone))
            doors = leaves - round((row["load_hours"] or 0.0) * MINUTES)
            yield _Slot(day, leaves, doors, row["vehicle_type_id"], _bound(row["departure_limit"]))


def _list_vehicles(frames: Mapping[str, pl.DataFrame]) -> dict[str, list[dict[str, Any]]]:
    """Vehicle types of each lane with what one holds and costs: those of ``lane_vehicles``, else all of its mode."""
    lanes = frames["lanes"].select("lane_id", "mode", "distance_km")
    types = frames["vehicle_types"].select(
        "vehicle_type_id", "mode", "ownership", "capacity", "fixed_cost", "cost_per_km", "fleet_size"
    )
    special = frames["lane_vehicles"].select(
        "lane_id", "vehicle_type_id", "departure_cost", own_capacity="capacity", type_limit="departure_limit"
    )
    unlisted = lanes.join(special, on="lane_id", how="anti").join(types, on="mode")
    listed = lanes.join(special, on="lane_id").join(types.drop("mode"), on="vehicle_type_id")
    both = pl.concat([unlisted, listed], how="diagonal_relaxed")
    price = pl.col("fixed_cost") + pl.col("cost_per_km") * pl.col("distance_km")
    return _by_lane(
        both.with_columns(
            capacity=pl.coalesce("own_capacity", "capacity"), unit_cost=pl.coalesce("departure_cost", price)
        ).sort("lane_id", "vehicle_type_id")
    )


def _thin(limit: float, factor: float) -> float:
    """Departures weather leaves of a limit, rounded up."""
    return float(np.ceil(limit * factor - LIMITS.noise))


def _bound(value: float | None) -> float:
    return _UNBOUNDED if value is None else float(value)


class _Parts:
    """Demands as they are handed in: parcels, the sort that first takes them, and the end they go to.

    Attributes
    ----------
    parcels : (K,)
    start : (K,)
        Number of the sort; -1 where no sort takes them.
    end : (K,)
    end_hub, end_due : (C,)
        Hub, and moment by which what goes there is promised [days from 1970], of each end.
    keys
        demand (number of a part), demand_date, origin_hub_id, destination_hub_id, sort_id (that takes it), parcels.
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
        for (day, origin, goal), handed in Shares(frames, clocks).left.items():
            if goal not in hubs:
                continue
            route = {"date": day, "origin_hub_id": origin, "destination_hub_id": goal}
            moment = due.of(route) / _DAY if late_cost > 0 else _UNBOUNDED
            key = ends.setdefault((hubs[goal], moment), len(ends))
            for minute, count in handed:
                place = bisect_left(cut_offs[origin], minute)
                routes.append((day, origin, goal))
                if place < len(names[origin]):
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
