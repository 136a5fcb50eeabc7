"""The network of a trunk plan as arrays: hubs and their sorts, lanes and vehicles, and the demand upon them.

Days count from the first demand day. A node is one sort of a hub on one business date; nodes stand in the order of their
close. Where hubs have no sorts of their own the day is the sort, and ``node = day * hubs + hub``; only what makes the network
may say so, everything else looks up ``node_hub``, ``node_day``, ``node_turn`` and ``after``. A run is one departure of a lane
on a day it can be used, from the node it leaves to the node it reaches. An option is a vehicle type that a lane takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from data.errors import RadarError
from routing.trunk.task.due_times import read_due
from routing.trunk.task.validation import check_numbers

if TYPE_CHECKING:
    import polars as pl

    from routing.trunk.task.inputs import TrunkInputs, TrunkOptions

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

UNBOUNDED = np.inf
_EPSILON = 1e-9  # hours / 24 that is whole but for float noise does not cost a day
_MOST_DRAIN_DAYS = 14
_MOST_DAYS = 120


@dataclass(frozen=True, slots=True)
class TrunkNetwork:
    """Arrays of one planning task; N nodes, H hubs, D days, L lanes, V vehicle types, O options, R runs, K demands.

    Attributes
    ----------
    node_hub, node_day : (N,)
        Hub and business date of each node.
    node_turn : (N,)
        Number of a node among those of its hub, from 0; ``turns`` is one more than the largest. Prices of lateness are kept
        by it: ``late_price[group, node_turn[node]]``. In days it is the day.
    node_sort : (N,)
        Number of its sort in ``sort_ids``.
    close_hour : (N,) [hours]
        When the sort of a node closes, from midnight before the first day; never falls from a node to the next.
    close_pointers : (B + 1,)
        First node of each close; nodes of one block close at the same hour, only lanes without transit time join them.
    after : (N,)
        Next node of the same hub, -1 for its last: where parcels are that wait.
    sort_capacity, buffer_capacity : (N,) [parcels]
        ``inf`` without a bound, 0 where the hub is closed.
    hub_open : (N,)
    handling_cost : (N,) [CNY/parcel]
    waiting_cost : (N,) [CNY/parcel]
        Price of waiting from a node to the one after it: ``hold_cost`` by hours / 24.
    type_fleet : (V,) [vehicles]
    option_lane, option_type : (O,)
    option_capacity : (O,) [parcels/departure]; option_cost : (O,) [CNY/departure]
    option_limit : (O, D) [departures/day]; lane_limit : (L, D) [departures/day]
    run_lane, run_day, run_tail, run_head : (R,)
        Sorted by tail node. ``run_cost`` [CNY/parcel] is the lane's parcel cost.
    run_step, run_back : (R,)
        Steps of the fleets' time from which and before which a vehicle of the run is away; of ``fleet_steps`` steps.
        In days a step is a day.
    lane_step, lane_back : (L, D)
        The same by lane and day, whether it can run or not.
    run_of : (L, D)
        Index of the run of a lane on a day, -1 where it cannot run.
    demand_origin, demand_destination, demand_day, demand_parcels : (K,)
        Demands of at least one parcel, sorted by day, origin, destination.
    demand_start : (K,)
        Node at which each is handed in.
    demand_due : (K,)
        Day by which each is promised; ``promises.NO_PROMISE`` without a promise.
    """

    first_day: date
    days: int
    demand_days: int
    hold_cost: float
    short_cost: float
    late_cost: float
    hub_ids: list[str]
    sort_ids: list[str]
    node_hub: Ints
    node_day: Ints
    node_turn: Ints
    node_sort: Ints
    close_hour: Floats
    close_pointers: Ints
    after: Ints
    sort_capacity: Floats
    buffer_capacity: Floats
    hub_open: Flags
    handling_cost: Floats
    waiting_cost: Floats
    lane_ids: list[str]
    lane_origin: Ints
    lane_destination: Ints
    lane_parcel_cost: Floats
    lane_step: Ints
    lane_back: Ints
    fleet_steps: int
    lane_limit: Floats
    type_ids: list[str]
    type_own: Flags
    type_rank: Ints
    type_fleet: Floats
    option_lane: Ints
    option_type: Ints
    option_capacity: Floats
    option_cost: Floats
    option_limit: Floats
    run_lane: Ints
    run_day: Ints
    run_tail: Ints
    run_head: Ints
    run_cost: Floats
    run_step: Ints
    run_back: Ints
    run_of: Ints
    demand_origin: Ints
    demand_destination: Ints
    demand_day: Ints
    demand_parcels: Ints
    demand_start: Ints
    demand_due: Ints

    @property
    def hubs(self) -> int:
        """Number of hubs."""
        return len(self.hub_ids)

    @property
    def nodes(self) -> int:
        """Number of sorts of hubs."""
        return len(self.node_hub)

    @property
    def turns(self) -> int:
        """Most nodes of one hub."""
        return int(self.node_turn.max()) + 1

    @property
    def runs(self) -> int:
        """Number of departures that can be used."""
        return len(self.run_lane)

    def day(self, index: int) -> date:
        """Date of a day's number."""
        return self.first_day + timedelta(days=int(index))

    def demand_node(self) -> Ints:
        """Node at which each demand is handed in, (K,)."""
        return self.demand_start

    def busy_days(self) -> Ints:
        """Steps of the fleets' time a vehicle of each run is away, (R,), at least one; days where the day is the sort."""
        return self.run_back - self.run_step

    def can_hold(self) -> Flags:
        """Whether parcels may wait at a node for the next sort, (N,)."""
        return (self.buffer_capacity > 0) & (self.after >= 0) & self.hub_open[self.after]


def build_network(inputs: TrunkInputs, options: TrunkOptions) -> TrunkNetwork:
    """Turn the tables into arrays.

    Raises
    ------
    RadarError
        For tables that contradict each other: unknown hubs, lanes or types, no hub, no demand row, numbers below 0.
    """
    from data.contracts.fields import WHOLE_DAY

    check_numbers(inputs)
    hub_ids = inputs.hubs["hub_id"].sort().to_list()
    if not hub_ids:
        raise RadarError("no hubs", "at least one hub", "load the table hubs first")
    hub_number = {hub: i for i, hub in enumerate(hub_ids)}
    first_day, demand = _read_demand(inputs.route_demand, hub_number)
    origin, destination, day, parcels = demand
    demand_days = int(day.max()) + 1 if len(day) else 1
    hubs = inputs.hubs.sort("hub_id")
    sort_now = _bound(hubs, "sort_capacity")
    buffer_now = _bound(hubs, "buffer_capacity")
    lanes = inputs.lanes.sort("lane_id")
    lane_origin = _numbers(lanes, "origin_hub_id", hub_number, "lanes", "hub")
    lane_destination = _numbers(lanes, "destination_hub_id", hub_number, "lanes", "hub")
    days = _count_days(inputs, options, first_day, demand_days, (origin, destination, parcels), sort_now, buffer_now)
    lane_number = {lane: i for i, lane in enumerate(lanes["lane_id"].to_list())}
    factor, speed = _read_weather(inputs.lane_weather, lane_number, first_day, days)
    hours = lanes["transit_hours"].to_numpy().astype(np.float64)
    closed = (factor <= 0) | (speed <= 0)
    lag = np.ceil(hours[:, None] / np.where(speed > 0, speed, 1.0) / 24.0 - _EPSILON)
    lag = np.where(closed, -1, np.maximum(lag, 0)).astype(np.int64)
    # a loss below one whole departure is not felt
    lane_limit = np.ceil(_bound(lanes, "departure_limit")[:, None] * np.where(factor > 0, factor, 1.0) - _EPSILON)
    types = inputs.vehicle_types.sort("vehicle_type_id")
    lane_option = _list_options(inputs, lanes, types, lane_number)
    by_option = factor[lane_option["lane"]]
    option_limit = np.ceil(lane_option["limit"][:, None] * np.where(by_option > 0, by_option, 1.0) - _EPSILON)
    open_days = _open_days(inputs.network_changes, hub_number, first_day, days)
    option_limit[closed[lane_option["lane"]]] = 0.0
    lane_limit[closed] = 0.0
    fleet = _bound(types, "fleet_size")
    runs = _list_runs(lane_origin, lane_destination, lag, open_days, lane_option, option_limit, lane_limit, fleet)
    parcel_cost = lanes["parcel_cost"].fill_null(0.0).to_numpy().astype(np.float64)
    ownership = types["ownership"].to_list()
    run_of = np.full((len(lane_origin), days), -1, dtype=np.int64)
    run_of[runs["lane"], runs["day"]] = np.arange(len(runs["lane"]))
    lane_step = np.broadcast_to(np.arange(days), lag.shape).astype(np.int64)
    lane_back = lane_step + np.maximum(lag, 1)
    node_hub, node_day = np.tile(np.arange(len(hub_ids)), days), np.repeat(np.arange(days), len(hub_ids))
    after = np.arange(len(node_hub)) + len(hub_ids)
    handling = hubs["handling_cost"].fill_null(0.0).to_numpy().astype(np.float64)
    return TrunkNetwork(
        first_day=first_day,
        days=days,
        demand_days=demand_days,
        hold_cost=options.hold_cost,
        short_cost=options.short_cost,
        late_cost=options.late_cost,
        hub_ids=hub_ids,
        sort_ids=[WHOLE_DAY],
        node_hub=node_hub,
        node_day=node_day,
        node_turn=node_day,
        node_sort=np.zeros(len(node_hub), dtype=np.int64),
        close_hour=(24.0 * (node_day + 1)).astype(np.float64),
        close_pointers=np.arange(days + 1) * len(hub_ids),
        after=np.where(after < len(node_hub), after, -1),
        sort_capacity=np.where(open_days, sort_now[None, :], 0.0).ravel(),
        buffer_capacity=np.where(open_days, buffer_now[None, :], 0.0).ravel(),
        hub_open=open_days.ravel(),
        handling_cost=np.tile(handling, days),
        waiting_cost=np.full(len(node_hub), options.hold_cost),
        lane_ids=lanes["lane_id"].to_list(),
        lane_origin=lane_origin,
        lane_destination=lane_destination,
        lane_parcel_cost=parcel_cost,
        lane_step=lane_step,
        lane_back=lane_back,
        fleet_steps=days,
        lane_limit=lane_limit,
        type_ids=types["vehicle_type_id"].to_list(),
        type_own=np.array([owner == "own" for owner in ownership], dtype=np.bool_),
        type_rank=np.array([("own", "contract", "spot").index(owner) for owner in ownership], dtype=np.int64),
        type_fleet=fleet,
        option_lane=lane_option["lane"].astype(np.int64),
        option_type=lane_option["type"].astype(np.int64),
        option_capacity=lane_option["capacity"],
        option_cost=lane_option["cost"],
        option_limit=option_limit,
        run_lane=runs["lane"],
        run_day=runs["day"],
        run_tail=runs["day"] * len(hub_ids) + lane_origin[runs["lane"]],
        run_head=(runs["day"] + lag[runs["lane"], runs["day"]]) * len(hub_ids) + lane_destination[runs["lane"]],
        run_cost=parcel_cost[runs["lane"]],
        run_step=lane_step[runs["lane"], runs["day"]],
        run_back=lane_back[runs["lane"], runs["day"]],
        run_of=run_of,
        demand_origin=origin,
        demand_destination=destination,
        demand_day=day,
        demand_parcels=parcels,
        demand_start=day * len(hub_ids) + origin,
        demand_due=read_due(inputs.service_promises, hub_number, origin, destination, day),
    )


def _read_demand(demand: pl.DataFrame, hub_number: dict[str, int]) -> tuple[date, tuple[Ints, Ints, Ints, Ints]]:
    if demand.is_empty():
        raise RadarError(
            "no demand in the days of the plan", "rows in route_demand", "run `radar forecast`, or load route_demand"
        )
    first_day = cast(date, demand["date"].min())
    keys = ["date", "origin_hub_id", "destination_hub_id"]
    rows = demand.group_by(keys).agg(parcels=demand_sum()).sort(keys)
    origin = _numbers(rows, "origin_hub_id", hub_number, "route_demand", "hub")
    destination = _numbers(rows, "destination_hub_id", hub_number, "route_demand", "hub")
    day = (rows["date"] - first_day).dt.total_days().to_numpy().astype(np.int64)
    if day.max() >= _MOST_DAYS:
        raise RadarError(
            f"demand over {int(day.max()) + 1} days", f"at most {_MOST_DAYS} days a plan", "set --from and --to"
        )
    parcels = rows["parcels"].to_numpy().astype(np.int64)
    some = parcels > 0
    order = np.lexsort((destination[some], origin[some], day[some]))
    return first_day, (origin[some][order], destination[some][order], day[some][order], parcels[some][order])


def demand_sum() -> pl.Expr:
    """Parcels of a demand given in several rows."""
    import polars as pl

    return pl.col("parcels").sum()


def _numbers(frame: pl.DataFrame, column: str, known: dict[str, int], table: str, what: str) -> Ints:
    names = frame[column].to_list()
    unknown = sorted({str(name) for name in names if name not in known})
    if unknown:
        more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        raise RadarError(
            f"{what} {unknown[0]}{more} in {table}.{column}, unknown to the reference tables",
            action=f"load the {what} or drop the rows",
        )
    return np.array([known[name] for name in names], dtype=np.int64)


def _bound(frame: pl.DataFrame, column: str) -> Floats:
    values: Floats = frame[column].cast(float).fill_null(UNBOUNDED).to_numpy().astype(np.float64)
    return values


def _count_days(
    inputs: TrunkInputs,
    options: TrunkOptions,
    first_day: date,
    demand_days: int,
    demand: tuple[Ints, Ints, Ints],
    sort_capacity: Floats,
    buffer_capacity: Floats,
) -> int:
    """Days of the plan: the demand days, the longest way, and the time the fullest hub needs to work off its queue."""
    if options.last_day is not None:
        days = (options.last_day - first_day).days + 1
        if not demand_days <= days <= _MOST_DAYS + _MOST_DRAIN_DAYS:
            raise RadarError(
                f"last day {options.last_day}",
                "a day from the last demand day on, within half a year",
                "set --last-day",
            )
        return days
    origin, destination, parcels = demand
    hours = inputs.lanes["transit_hours"].to_numpy().astype(np.float64)
    longest = 2.0 * float(np.ceil(hours.max() / 24.0)) if len(hours) else 0.0
    ends = np.bincount(origin, parcels, len(sort_capacity)) + np.bincount(destination, parcels, len(sort_capacity))
    bounded = np.isfinite(sort_capacity) & (sort_capacity > 0) & (buffer_capacity > 0)
    queue = ends[bounded] / sort_capacity[bounded] - demand_days if bounded.any() else np.zeros(1)
    spare = float(np.ceil(max(0.0, queue.max()))) + (1.0 if bounded.any() else 0.0)
    return demand_days + int(min(_MOST_DRAIN_DAYS, longest + spare))


def _read_weather(weather: pl.DataFrame, lanes: dict[str, int], first_day: date, days: int) -> tuple[Floats, Floats]:
    factor = np.ones((len(lanes), days))
    speed = np.ones((len(lanes), days))
    if weather.is_empty():
        return factor, speed
    offset = (weather["date"] - first_day).dt.total_days().to_list()
    rows = zip(offset, weather["lane_id"], weather["capacity_factor"], weather["speed_factor"], strict=True)
    for day, lane, capacity_factor, speed_factor in rows:
        number = lanes.get(lane)
        if number is not None and 0 <= day < days:
            factor[number, day] = 1.0 if capacity_factor is None else capacity_factor
            speed[number, day] = 1.0 if speed_factor is None else speed_factor
    return factor, speed


def _list_options(
    inputs: TrunkInputs, lanes: pl.DataFrame, types: pl.DataFrame, lane_number: dict[str, int]
) -> dict[str, Floats]:
    """Vehicle options of every lane: its own list where it has one, else every type of its mode."""
    import polars as pl

    type_number = {name: i for i, name in enumerate(types["vehicle_type_id"].to_list())}
    listed = inputs.lane_vehicles
    _numbers(listed, "lane_id", lane_number, "lane_vehicles", "lane")
    _numbers(listed, "vehicle_type_id", type_number, "lane_vehicles", "vehicle type")
    base = lanes.select("lane_id", "mode", "distance_km")
    kinds = types.select("vehicle_type_id", "mode", "capacity", "fixed_cost", "cost_per_km")
    price = pl.col("fixed_cost") + pl.col("cost_per_km") * pl.col("distance_km")
    free = base.join(listed.select("lane_id").unique(), on="lane_id", how="anti").join(kinds, on="mode")
    free = free.select("lane_id", "vehicle_type_id", "capacity", cost=price, limit=pl.lit(None, pl.Float64))
    own = listed.rename({"capacity": "own_capacity"}).join(base.drop("mode"), on="lane_id")
    own = own.join(kinds.drop("mode"), on="vehicle_type_id").select(
        "lane_id",
        "vehicle_type_id",
        capacity=pl.col("own_capacity").fill_null(pl.col("capacity")),
        cost=pl.col("departure_cost").fill_null(price),
        limit=pl.col("departure_limit").cast(pl.Float64),
    )
    options = pl.concat([free, own]).sort("lane_id", "vehicle_type_id")
    options = options.filter(pl.col("capacity") >= 1)
    return {
        "lane": np.array([lane_number[name] for name in options["lane_id"].to_list()], dtype=np.float64).astype(
            np.int64
        ),
        "type": np.array([type_number[name] for name in options["vehicle_type_id"].to_list()], dtype=np.int64),
        "capacity": options["capacity"].to_numpy().astype(np.float64),
        "cost": options["cost"].to_numpy().astype(np.float64),
        "limit": options["limit"].fill_null(UNBOUNDED).to_numpy().astype(np.float64),
    }


def _open_days(changes: pl.DataFrame, hub_number: dict[str, int], first_day: date, days: int) -> Flags:
    """Whether a hub is open on a day, (D, H): its latest change decides; before its first, a hub that will open is not."""
    is_open = np.ones((days, len(hub_number)), dtype=np.bool_)
    if changes.is_empty():
        return is_open
    for hub, rows in sorted(changes.partition_by("hub_id", as_dict=True).items()):
        number = hub_number.get(str(hub[0]))
        if number is None:
            continue
        states: dict[int, bool] = {}
        for when, group in rows.partition_by("date", as_dict=True).items():
            kinds = set(group["change"].to_list())
            moved = float(group.filter(group["change"] == "moves")["share"].fill_null(1.0).sum())
            shut = "closes" in kinds or ("moves" in kinds and moved >= 1.0 - 1e-9)
            change_day = cast(date, when[0])
            states[(change_day - first_day).days] = "opens" in kinds or not shut
        first = min(states)
        opens_first = "opens" in rows.filter(rows["date"] == rows["date"].min())["change"].to_list()
        for day in range(days):
            past = [at for at in states if at <= day]
            is_open[day, number] = states[max(past)] if past else not (opens_first and day < first)
    return is_open


def _list_runs(
    origin: Ints,
    destination: Ints,
    lag: Ints,
    open_days: Flags,
    option: dict[str, Floats],
    option_limit: Floats,
    lane_limit: Floats,
    fleet: Floats,
) -> dict[str, Ints]:
    """Lane-days that some vehicle can run between hubs that are open, sorted by day and hub of departure."""
    lanes, days = lag.shape
    usable = np.zeros((lanes, days), dtype=np.bool_)
    can = (option_limit >= 1) & (fleet[option["type"].astype(np.int64)] >= 1)[:, None]
    np.logical_or.at(usable, option["lane"].astype(np.int64), can)
    arrival = np.arange(days)[None, :] + lag
    usable &= (lag >= 0) & (arrival < days) & (lane_limit >= 1)
    usable &= open_days[:, origin].T
    usable &= open_days[np.minimum(np.maximum(arrival, 0), days - 1), destination[:, None]]
    lane, day = np.nonzero(usable)
    order = np.lexsort((lane, origin[lane], day))
    return {"lane": lane[order].astype(np.int64), "day": day[order].astype(np.int64)}
