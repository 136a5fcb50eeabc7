"""The lower bound of a plan by the clock, recomputed from the tables and the prices kept with the plan.

The formula is that of plans by days (``bound.py``); what differs is what there is a price of. A parcel stands at the sort of its
hub that first takes it and is sorted there, at

    price[n] = min( sort[n] + (lateness of what n finishes at the end's hub, or run + price[sort that takes what the run brings]),
                    wait[n] + price[the hub's next sort] )

(at a hub with room for sorted parcels a run may also be one that leaves after a later sort, for the price of waiting until then), and a run leaves at a moment: at every close of its origin, or at the hours ``lane_departures`` gives its lane.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from routing.checker.bound import Costs, price_carried
from routing.checker.cheapest_sorts import Runs, Sorts, price_ways
from routing.checker.handed_in import Parts, part_payers, price_openings
from routing.checker.hubs import close_hubs
from routing.checker.limits import LIMITS
from routing.checker.playback.clock import MINUTES, ClockRules, HubClock, at_hour, read_hours, set_clocks, to_moment
from routing.checker.playback.orders import set_out
from routing.checker.playback.shut_hours import list_spans, stop_on_road
from routing.checker.prices import name_moment, name_sort, pay, price_rows
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
    parts = Parts(frames, clocks, number, costs.late)
    if beside is not None:
        parts.stand_beside(places, beside)
    opening = price_openings(prices, parts, runs)
    room, earned = share_costs(departures, runs, prices, opening, float(parts.parcels.sum()))
    sort, wait = price_rows(places, prices, "sort"), price_rows(places, prices, "buffer")
    limit, buffer = places["limit"].to_numpy(), places["buffer"].to_numpy()
    stage, staging = price_rows(places, prices, "staging"), places["staging"].to_numpy()
    nights = costs.hold * places["nights"].to_numpy()
    sorts = Sorts(
        hub=places["hub"].to_numpy(),
        close=places["closes"].to_numpy(),
        delivered=places["delivered"].to_numpy() / _DAY,
        after=places["after"].to_numpy(),
        sort_price=np.where(limit > 0, places["handling_cost"].to_numpy() + sort, np.inf),
        wait_price=np.where(places["holds"].to_numpy(), nights + wait, np.inf),
        stage_price=np.where(places["stages"].to_numpy(), nights + stage, np.inf),
    )
    ends, end = part_payers(parts, opening, costs.late)
    ways = price_ways(
        sorts,
        Runs(runs["tail"].to_numpy(), runs["head"].to_numpy(), runs["parcel_cost"].to_numpy() + room),
        ends,
        parts.start,
        end,
    )
    ways = np.minimum(ways, costs.short)
    carried = price_carried(parts.parcels.astype(float), ways, costs)
    paid = pay(sort, limit) + pay(wait, buffer) + pay(stage, staging) + pay_limits(frames, departures, prices)
    return carried - paid + earned, parts.price(ways)


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
        (number of the hub's next sort, -1 for its last), limit, buffer [parcels; ``inf`` without a bound], staging [parcels], handling_cost
        [CNY/parcel], nights (to the next sort's close), holds, stages (whether parcels may wait for it, unsorted and sorted), shut (that date).
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
            room = 0.0 if shut else float(clock.staging or 0.0)
            goes_on = following is not None and not shut and (name, following.day) not in shut_days
            rows.append(
                {
                    "sort": len(rows), "hub": hub, "hub_id": name, "place": place, "date": sort.day, "sort_id": sort.name,
                    "closes": sort.closes, "delivered": clock.delivered(sort.closes), "after": -1 if last else len(rows) + 1,
                    "limit": 0.0 if shut else float(sort.capacity), "buffer": 0.0 if shut else float(sort.buffer),
                    "staging": room, "stages": goes_on and room > 0,
                    "handling_cost": float((general.get(name) if price is None else price) or 0.0),
                    "nights": 1.0 if following is None else (following.closes - sort.closes) / _DAY,
                    "holds": goes_on and sort.buffer > 0,
                    "shut": shut,
                }
            )  # fmt: skip
    schema = {
        "sort": pl.Int64(), "hub": pl.Int64(), "hub_id": pl.String(), "place": pl.Int64(), "date": pl.Date(), "sort_id": pl.String(),
        "closes": pl.Int64(), "delivered": pl.Float64(), "after": pl.Int64(), "limit": pl.Float64(), "buffer": pl.Float64(),
        "staging": pl.Float64(), "stages": pl.Boolean(), "handling_cost": pl.Float64(), "nights": pl.Float64(), "holds": pl.Boolean(), "shut": pl.Boolean(),
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
        for number, sort in enumerate(clock.sorts):
            leaves = clock.reopen(sort.closes)
            # of a hub shut over several sorts the last of them leaves when it opens
            if clock.last_by(leaves) == number:
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
