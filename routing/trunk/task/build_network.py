"""From the tables of a planning task to the arrays of its network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from data.errors import RadarError
from routing.trunk.task.days import Demands, count_days, list_open_days, read_demand
from routing.trunk.task.departures import Slots, list_days, list_slots
from routing.trunk.task.due_times import DeliveryWaves, add_default_promises, read_due, read_due_hours
from routing.trunk.task.hand_in import lay_demand, read_profiles
from routing.trunk.task.lane_vehicles import (
    limit_departures,
    list_arcs,
    list_lane_vehicles,
    read_bounds,
    spread_lane_vehicles,
)
from routing.trunk.task.lane_weather import read_lane_weather
from routing.trunk.task.locks import lay_locks, lay_timetable
from routing.trunk.task.network import Flags, Floats, Ints, TrunkNetwork
from routing.trunk.task.path_rules import lay_rules
from routing.trunk.task.sorts import Sorts, lay_sorts
from routing.trunk.task.staging import KIND, add_staging, list_holders, list_lanes, list_staged, read_staging
from routing.trunk.task.stands import read_stands
from routing.trunk.task.validation import check_numbers, number_names

if TYPE_CHECKING:
    import polars as pl

    from routing.trunk.task.inputs import TrunkInputs, TrunkOptions


@dataclass(frozen=True, slots=True)
class _Lanes:
    """Lanes in the order of their numbers, what weather leaves of them by day, and their departures.

    ``ends`` are hubs of origin and destination; ``factor`` and ``closed`` are (lanes, D). The last lanes lead from sorts to the staging
    of the hubs ``staging``.
    """

    table: pl.DataFrame
    staging: Ints
    ends: tuple[Ints, Ints]
    factor: Floats
    closed: Flags
    slots: Slots


@dataclass(frozen=True, slots=True)
class _Fleet:
    """Vehicle types in the order of their numbers, their sizes, where they stand, the slots they run on and how often."""

    types: pl.DataFrame
    size: Floats
    stands: tuple[Flags, Ints, Ints]
    vehicle: dict[str, Floats]
    lane_limit: Floats
    day_limit: Floats
    vehicle_limit: Floats


@dataclass(frozen=True, slots=True)
class _HandedIn:
    """Demands as they are handed in; node, last day and last hour of each, all (K,); ``days`` from the first day to the last.

    ``delivered`` (N,) is the hour at which what a node finishes goes out.
    """

    demand: Demands
    days: int
    start: Ints
    due: Ints
    due_hour: Floats
    delivered: Floats


def build_network(inputs: TrunkInputs, options: TrunkOptions) -> TrunkNetwork:
    """Turn the tables into arrays.

    Raises
    ------
    RadarError
        For tables that contradict each other: unknown hubs, lanes or types, no hub, no demand row, numbers below 0.
    """
    check_numbers(inputs)
    hubs = inputs.hubs.sort("hub_id")
    hub_ids: list[str] = hubs["hub_id"].to_list()
    if not hub_ids:
        raise RadarError("no hubs", "at least one hub", "load the table hubs first")
    hub_number = {hub: i for i, hub in enumerate(hub_ids)}
    demand = read_demand(inputs.route_demand, hub_number)
    ends = (
        number_names(inputs.lanes.sort("lane_id"), "origin_hub_id", hub_number, "lanes", "hub"),
        number_names(inputs.lanes.sort("lane_id"), "destination_hub_id", hub_number, "lanes", "hub"),
    )
    days = count_days(inputs, options, demand, read_bounds(hubs, "sort_capacity"), read_bounds(hubs, "buffer_capacity"))
    open_days = list_open_days(inputs.network_changes, hub_number, demand.first_day, days)
    sorts = add_staging(lay_sorts(inputs, options, hubs, demand.first_day, open_days), read_staging(hubs))
    lanes = _lay_lanes(inputs, options, ends, sorts, days, hub_ids)
    fleet = _lay_fleet(inputs, options, lanes, sorts, hub_ids)
    handed = _lay_demand(inputs, options, lanes, sorts, demand, hub_ids)
    network = _join(options, hub_ids, sorts, lanes, fleet, handed, days)
    if inputs.timetable is not None:
        return lay_timetable(network, inputs.timetable, sorts)
    return lay_locks(network, inputs.departure_locks, sorts)


def _lay_lanes(
    inputs: TrunkInputs, options: TrunkOptions, ends: tuple[Ints, Ints], sorts: Sorts, days: int, hub_ids: list[str]
) -> _Lanes:
    import polars as pl

    lanes = inputs.lanes.sort("lane_id")
    lane_number = {lane: i for i, lane in enumerate(lanes["lane_id"].to_list())}
    number_names(inputs.lane_departures, "lane_id", lane_number, "lane_departures", "lane")
    weather = read_lane_weather(inputs.lane_weather, inputs.lane_closures, lane_number, sorts.midnight, days)
    if sorts.by_clock:
        slots = list_slots(lanes, inputs.lane_departures, sorts, ends, weather, options.turn_round_hours)
    else:
        slots = list_days(lanes, sorts, ends, weather, options.unload_hours + options.day_cut_off_hours)
    slots, staging = list_staged(sorts, slots)
    more = (len(staging), days)
    return _Lanes(
        pl.concat([lanes, list_lanes(staging, hub_ids)], how="diagonal_relaxed") if len(staging) else lanes,
        staging,
        (np.concatenate([ends[0], staging]), np.concatenate([ends[1], staging])),
        np.concatenate([weather.capacity, np.ones(more)]),
        np.concatenate([weather.closed, np.zeros(more, dtype=np.bool_)]),
        slots,
    )


def _lay_fleet(inputs: TrunkInputs, options: TrunkOptions, lanes: _Lanes, sorts: Sorts, hub_ids: list[str]) -> _Fleet:
    import polars as pl

    types = inputs.vehicle_types.sort("vehicle_type_id")
    lane_number = {lane: i for i, lane in enumerate(lanes.table["lane_id"].to_list())}
    listed = list_lane_vehicles(inputs, lanes.table, types, lane_number, options.co2_price)
    if len(lanes.staging):
        holders = list_holders(sorts, lanes.staging, len(lanes.table) - len(lanes.staging), types.height)
        listed = {name: np.concatenate([values, holders[name]]) for name, values in listed.items()}
        types = pl.concat(
            [types, pl.DataFrame({"vehicle_type_id": [KIND], "ownership": ["hired"]})], how="diagonal_relaxed"
        )
    vehicle = spread_lane_vehicles(listed, lanes.slots, types["vehicle_type_id"].to_list())
    lane_limit, day_limit, vehicle_limit = limit_departures(
        lanes.table, lanes.slots, vehicle, lanes.factor, lanes.closed
    )
    stands = read_stands(inputs.vehicle_stands, types, hub_ids)
    return _Fleet(types, read_bounds(types, "fleet_size"), stands, vehicle, lane_limit, day_limit, vehicle_limit)


def _lay_demand(
    inputs: TrunkInputs, options: TrunkOptions, lanes: _Lanes, sorts: Sorts, demand: Demands, hub_ids: list[str]
) -> _HandedIn:
    start, demand_days = demand.day * len(hub_ids) + demand.origin, demand.days
    if sorts.by_clock:
        given = (demand.origin, demand.destination, demand.day, demand.parcels)
        profiles = read_profiles(inputs.hand_in_profile)
        origin, destination, day, parcels, start = lay_demand(sorts, profiles, hub_ids, given, demand.ready)
        demand = replace(demand, origin=origin, destination=destination, day=day, parcels=parcels)
    hub_number = {hub: i for i, hub in enumerate(hub_ids)}
    promises = add_default_promises(inputs.service_promises, lanes.table, hub_ids, options.default_promise_days)
    due = read_due(promises, hub_number, demand.origin, demand.destination, demand.day)
    route = (demand.origin, demand.destination, demand.day)
    due_hour = read_due_hours(promises, hub_number, sorts, route, due)
    waves = DeliveryWaves(inputs.delivery_waves, hub_ids, sorts)
    due_hour = waves.next_after(demand.destination, due_hour)
    return _HandedIn(demand, demand_days, start, due, due_hour, waves.next_after(sorts.hub, sorts.close))


def _join(
    options: TrunkOptions, hub_ids: list[str], sorts: Sorts, lanes: _Lanes, fleet: _Fleet, handed: _HandedIn, days: int
) -> TrunkNetwork:
    slots, lane, demand = lanes.slots, lanes.slots.lane, handed.demand
    arc_lane, arc_day = list_arcs(slots, sorts, fleet.vehicle, fleet.vehicle_limit, fleet.lane_limit, fleet.size)
    arc = (arc_lane, arc_day)
    arc_of = np.full(slots.tail.shape, -1, dtype=np.int64)
    arc_of[arc] = np.arange(len(arc_lane))
    names = lanes.table["lane_id"].to_list()
    parcel_cost = lanes.table["parcel_cost"].fill_null(0.0).to_numpy().astype(np.float64)[lane]
    ownership = fleet.types["ownership"].to_list()
    return TrunkNetwork(
        first_day=demand.first_day,
        days=days,
        demand_days=handed.days,
        hold_cost=options.hold_cost,
        short_cost=options.short_cost,
        late_cost=options.late_cost,
        by_clock=sorts.by_clock,
        midnight=sorts.midnight,
        hub_ids=hub_ids,
        sort_ids=sorts.sort_ids,
        node_hub=sorts.hub,
        node_day=sorts.day,
        node_turn=sorts.turn,
        node_sort=sorts.sort,
        node_staged=sorts.staged,
        close_hour=sorts.close,
        delivery_hour=handed.delivered,
        close_pointers=sorts.pointers,
        after=sorts.after,
        sort_capacity=sorts.capacity,
        buffer_capacity=sorts.buffer,
        hub_open=sorts.open,
        handling_cost=sorts.handling,
        waiting_cost=sorts.waiting,
        lane_ids=[names[number] for number in lane.tolist()],
        lane_origin=lanes.ends[0][lane],
        lane_destination=lanes.ends[1][lane],
        lane_step=slots.step,
        lane_back=slots.back,
        lane_leaves=slots.leaves,
        fleet_steps=slots.steps,
        fleet_clock=slots.clock,
        lane_limit=fleet.lane_limit,
        type_ids=fleet.types["vehicle_type_id"].to_list(),
        type_own=np.array([owner == "own" for owner in ownership], dtype=np.bool_),
        type_fleet=fleet.size,
        stands_given=fleet.stands[0],
        stand_start=fleet.stands[1],
        stand_end=fleet.stands[2],
        vehicle_lane=fleet.vehicle["lane"].astype(np.int64),
        vehicle_type=fleet.vehicle["type"].astype(np.int64),
        vehicle_capacity=fleet.vehicle["capacity"],
        vehicle_cost=fleet.vehicle["cost"],
        vehicle_carbon=fleet.vehicle["carbon"],
        vehicle_limit=fleet.vehicle_limit,
        day_limit=fleet.day_limit,
        vehicle_least=np.zeros(fleet.vehicle_limit.shape, dtype=np.int64),
        vehicle_most=np.full(fleet.vehicle_limit.shape, np.inf),
        open_locks=(),
        arc_lane=arc_lane,
        arc_day=arc_day,
        arc_tail=slots.tail[arc],
        arc_head=slots.head[arc],
        arc_cost=parcel_cost[arc_lane],
        arc_step=slots.step[arc],
        arc_back=slots.back[arc],
        own_back=slots.own_back[arc],
        arc_leaves=slots.leaves[arc],
        arc_arrives=slots.arrives[arc],
        arc_of=arc_of,
        demand_origin=demand.origin,
        demand_destination=demand.destination,
        demand_day=demand.day,
        demand_parcels=demand.parcels,
        demand_start=handed.start,
        demand_due=handed.due,
        demand_due_hour=handed.due_hour,
        path_rules=lay_rules(options, lanes.table, lanes.ends, len(hub_ids), lane[arc_lane]),
    )
