"""Vehicles for given loads: whole departures by lane, day and type, within fleets and limits, own vehicles balanced."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from routing.trunk.task.network import Floats, Ints, TrunkNetwork

_STAGING = 1e9  # [parcels] what leads from a sort to its staging takes whatever the sort does


@dataclass(frozen=True, slots=True)
class Vehicles:
    """Departures of lane vehicles on the arcs.

    Attributes
    ----------
    arc, vehicle : (Y,)
        The pairs that can be used, sorted by arc, then lane vehicle.
    departures : (Y,)
    room : (R,) [parcels]
        Room on each arc.
    cost
        Cost of the departures [CNY].
    short : (R,) [parcels]
        Load for which there is no room.
    """

    arc: Ints
    vehicle: Ints
    departures: Ints
    room: Floats
    cost: float
    short: Floats


@dataclass(frozen=True, slots=True)
class FleetRows:
    """Limits on departures as a sparse matrix over the (arc, lane vehicle) pairs: ``low <= matrix @ y <= high``.

    ``names`` tells each row as (kind, first, second): lane (lane, day), fleet (type, step of the fleets' time), balance (type, hub).
    """

    matrix: sparse.csr_matrix
    low: Floats
    high: Floats
    kind: list[str]
    first: Ints
    second: Ints


def list_pairs(network: TrunkNetwork, wanted: Ints | None = None) -> tuple[Ints, Ints]:
    """List the (arc, lane vehicle) pairs that can be used, sorted by arc and lane vehicle.

    Parameters
    ----------
    wanted : (n,), optional
        Arcs that carry load; hired vehicles are listed for these and where planners fix departures only, own vehicles for all
        (empty returns).
    """
    usable = np.ones(network.arcs, dtype=np.bool_)
    if wanted is not None:
        usable[:] = False
        usable[wanted] = True
        usable[list_fixed(network)[0]] = True
    vehicle, day = np.nonzero((network.vehicle_limit >= 1) & (network.type_fleet[network.vehicle_type] >= 1)[:, None])
    arc = network.arc_of[network.vehicle_lane[vehicle], day]
    keep = arc >= 0
    vehicle, arc = vehicle[keep], arc[keep]
    keep = usable[arc] | network.type_own[network.vehicle_type[vehicle]]
    vehicle, arc = vehicle[keep], arc[keep]
    order = np.lexsort((vehicle, arc))
    return arc[order].astype(np.int64), vehicle[order].astype(np.int64)


def list_fixed(network: TrunkNetwork) -> tuple[Ints, Ints, Ints]:
    """Arc, lane vehicle and number of the departures that planners fix, sorted by arc and lane vehicle."""
    vehicle, day = np.nonzero(network.vehicle_least)
    arc = network.arc_of[network.vehicle_lane[vehicle], day]
    order = np.lexsort((vehicle, arc))
    vehicle, day = vehicle[order].astype(np.int64), day[order]
    return arc[order].astype(np.int64), vehicle, network.vehicle_least[vehicle, day]


def measure_fixed(network: TrunkNetwork) -> Floats:
    """Room of the departures that planners fix, (R,) [parcels]."""
    arc, vehicle, count = list_fixed(network)
    return np.bincount(arc, count * network.vehicle_capacity[vehicle], network.arcs).astype(np.float64)


def limit_rows(network: TrunkNetwork, arc: Ints, vehicle: Ints) -> FleetRows:
    """Write the limits of lanes and fleets and the balance of own vehicles over (arc, lane vehicle) pairs."""
    pairs = np.arange(len(arc))
    kind_of, day, lane = network.vehicle_type[vehicle], network.arc_day[arc], network.arc_lane[arc]
    busy = network.busy_days()[arc] if len(arc) else arc
    rows: list[Ints] = []
    columns: list[Ints] = []
    values: list[Floats] = []
    low: list[Floats] = []
    high: list[Floats] = []
    names: list[str] = []
    first: list[Ints] = []
    second: list[Ints] = []
    height = 0

    def add(label: str, key: Ints, column: Ints, value: Floats, bound: dict[str, Floats], a: Ints, b: Ints) -> None:
        nonlocal height
        used, place = np.unique(key, return_inverse=True)
        rows.append(place + height)
        columns.append(column)
        values.append(value)
        low.append(bound["low"][used])
        high.append(bound["high"][used])
        names.extend([label] * len(used))
        first.append(a[used])
        second.append(b[used])
        height += len(used)

    days, hubs = network.days, network.hubs
    bounded = np.isfinite(network.lane_limit[lane, day])
    lanes = len(network.lane_ids)
    flat = network.lane_limit.ravel()
    grid = np.arange(lanes * days)
    add(
        "lane",
        lane[bounded] * days + day[bounded],
        pairs[bounded],
        np.ones(bounded.sum()),
        {"low": np.full(len(flat), -np.inf), "high": flat},
        grid // days,
        grid % days,
    )
    types = len(network.type_ids)
    finite = np.flatnonzero(np.isfinite(network.type_fleet[kind_of]))
    spread = np.repeat(finite, busy[finite])
    ahead = np.arange(len(spread)) - np.repeat(np.cumsum(busy[finite]) - busy[finite], busy[finite])
    step, steps = network.arc_step[arc], network.fleet_steps
    at = np.minimum(step[spread] + ahead, steps - 1)
    inside = step[spread] + ahead < steps
    grid = np.arange(types * steps)
    add(
        "fleet",
        (kind_of[spread] * steps + at)[inside],
        spread[inside],
        np.ones(inside.sum()),
        {"low": np.full(types * steps, -np.inf), "high": np.repeat(network.type_fleet, steps)},
        grid // steps,
        grid % steps,
    )
    own = np.flatnonzero(network.type_own[kind_of])
    grid = np.arange(types * hubs)
    key = np.concatenate(
        [
            kind_of[own] * hubs + network.lane_origin[lane[own]],
            kind_of[own] * hubs + network.lane_destination[lane[own]],
        ]
    )
    sign = np.concatenate([np.ones(len(own)), -np.ones(len(own))])
    add(
        "balance",
        key,
        np.concatenate([own, own]),
        sign,
        {"low": network.vehicles_moved().ravel(), "high": network.vehicles_moved().ravel()},
        grid // hubs,
        grid % hubs,
    )
    matrix = sparse.csr_matrix(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=(height, len(arc))
    )
    return FleetRows(
        matrix, np.concatenate(low), np.concatenate(high), names, np.concatenate(first), np.concatenate(second)
    )


@dataclass(frozen=True, slots=True)
class VehicleModel:
    """Choice of vehicles for given loads as a linear model over (arc, lane vehicle) pairs, then load left behind.

    ``low <= matrix @ (departures, left behind) <= high``; the first rows hold the loads, ``rules`` are the others.

    Attributes
    ----------
    arc, vehicle, least, limit : (Y,)
        Pairs, and the fewest and most departures of each.
    carried : (C,)
        Arcs with load.
    """

    arc: Ints
    vehicle: Ints
    least: Floats
    limit: Floats
    carried: Ints
    cost: Floats
    matrix: sparse.csr_matrix
    low: Floats
    high: Floats
    rules: FleetRows


def model_vehicles(network: TrunkNetwork, load: Floats) -> VehicleModel:
    """Write the choice of departures of least cost that hold the loads (R,) [parcels]."""
    carried = np.flatnonzero(load > 0)
    arc, vehicle = list_pairs(network, carried)
    rules = limit_rows(network, arc, vehicle)
    limit = np.minimum(
        network.vehicle_limit[vehicle, network.arc_day[arc]], network.type_fleet[network.vehicle_type[vehicle]]
    )
    capacity = network.vehicle_capacity[vehicle]
    # no arc needs more than what its load fills: a finite bound keeps the search small
    need = np.ceil(load[arc] / capacity)
    limit = np.where(network.type_own[network.vehicle_type[vehicle]], limit, np.minimum(limit, need))
    least = network.vehicle_least[vehicle, network.arc_day[arc]].astype(np.float64)
    place = np.full(network.arcs, -1, dtype=np.int64)
    place[carried] = np.arange(len(carried))
    on = place[arc] >= 0
    pairs = np.arange(len(arc))
    hold = sparse.csr_matrix((capacity[on], (place[arc[on]], pairs[on])), shape=(len(carried), len(arc)))
    miss = sparse.identity(len(carried), format="csr")
    blank = sparse.csr_matrix((rules.matrix.shape[0], len(carried)))
    return VehicleModel(
        arc=arc,
        vehicle=vehicle,
        least=least,
        limit=np.maximum(limit, least),
        carried=carried,
        cost=np.concatenate([network.vehicle_cost[vehicle], np.full(len(carried), network.short_cost)]),
        matrix=sparse.bmat([[hold, miss], [rules.matrix, blank]], format="csr"),
        low=np.concatenate([load[carried], rules.low]),
        high=np.concatenate([np.full(len(carried), np.inf), rules.high]),
        rules=rules,
    )


def tally(network: TrunkNetwork, arc: Ints, vehicle: Ints, departures: Ints, load: Floats) -> Vehicles:
    """Add up what departures hold and cost, and what of the loads they leave behind."""
    filled = departures.astype(np.float64) * network.vehicle_capacity[vehicle]
    room: Floats = np.bincount(arc, filled, network.arcs).astype(np.float64)
    room[~network.arc_drives] = _STAGING
    cost = float((departures * network.vehicle_cost[vehicle]).sum())
    return Vehicles(arc, vehicle, departures, room, cost, np.maximum(0.0, load - room))


def count_on_pairs(network: TrunkNetwork, vehicles: Vehicles, arc: Ints, vehicle: Ints) -> Ints:
    """Departures by (arc, lane vehicle) pairs in the order of ``list_pairs``, (Y,), whatever pairs the vehicles list."""
    width = len(network.vehicle_lane) + 1
    departures = np.zeros(len(arc), dtype=np.int64)
    some = vehicles.departures > 0
    key = vehicles.arc[some] * width + vehicles.vehicle[some]
    departures[np.searchsorted(arc * width + vehicle, key)] = vehicles.departures[some]
    return departures


def free_fleet(network: TrunkNetwork, vehicles: Vehicles) -> Floats:
    """Vehicles of each type that are free in each step of the fleets' time, (V, steps)."""
    away = np.zeros((len(network.type_ids), network.fleet_steps + 1))
    kind = network.vehicle_type[vehicles.vehicle]
    back = np.minimum(network.arc_back[vehicles.arc], network.fleet_steps)
    np.add.at(away, (kind, network.arc_step[vehicles.arc]), vehicles.departures)
    np.subtract.at(away, (kind, back), vehicles.departures)
    return network.type_fleet[:, None] - np.cumsum(away, axis=1)[:, : network.fleet_steps]


def drop_unneeded(network: TrunkNetwork, vehicles: Vehicles, load: Floats) -> Vehicles:
    """Let hired vehicles fall away whose room smaller loads (R,) do without, the dearest a parcel first; own and fixed ones stay."""
    departures = vehicles.departures.copy()
    least = network.vehicle_least[vehicles.vehicle, network.arc_day[vehicles.arc]]
    capacity, cost = network.vehicle_capacity[vehicles.vehicle], network.vehicle_cost[vehicles.vehicle]
    spare = vehicles.room - load
    hired = ~network.type_own[network.vehicle_type[vehicles.vehicle]] & (departures > 0)
    for pair in np.flatnonzero(hired)[np.argsort(-(cost / capacity)[hired], kind="stable")].tolist():
        arc = vehicles.arc[pair]
        dropped = min(int(departures[pair] - least[pair]), int(max(spare[arc], 0.0) // capacity[pair]))
        departures[pair] -= dropped
        spare[arc] -= dropped * capacity[pair]
    return tally(network, vehicles.arc, vehicles.vehicle, departures, load)
