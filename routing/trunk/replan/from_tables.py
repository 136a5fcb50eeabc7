"""A past plan read back from its tables into arrays."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from data.errors import RadarError
from routing.trunk.search.draft import Draft
from routing.trunk.task.flows import Flows, load_network
from routing.trunk.task.network import Ints, TrunkNetwork
from routing.trunk.task.paths import PathPool
from routing.trunk.vehicles.vehicle_model import tally

if TYPE_CHECKING:
    import polars as pl


def read_draft(network: TrunkNetwork, tables: Mapping[str, pl.DataFrame]) -> Draft:
    """Return the plan that tables tell, on the network it was made on.

    Parameters
    ----------
    network
        Built from the tables the plan read, with its options.
    tables
        ``trunk_flows`` and ``trunk_departures`` of one arc.

    Raises
    ------
    RadarError
        When the plan does not fit the network: a lane that cannot run, a day beyond the last, a demand that is not there.
    """
    flows = read_flows(network, tables["trunk_flows"])
    loads = load_network(network, flows)
    departures = tables["trunk_departures"]
    lanes = {name: i for i, name in enumerate(network.lane_ids)}
    types = {name: i for i, name in enumerate(network.type_ids)}
    lane_vehicles = {
        (lane, kind): o
        for o, (lane, kind) in enumerate(zip(network.vehicle_lane.tolist(), network.vehicle_type.tolist(), strict=True))
    }
    pairs: dict[tuple[int, int], int] = {}
    columns = (departures[name] for name in ("date", "lane_id", "vehicle_type_id", "departures"))
    for when, lane_id, type_id, count in zip(*columns, strict=True):
        lane, kind = lanes.get(lane_id, -1), types.get(type_id, -1)
        pair = _find_arc(network, lane, when), lane_vehicles.get((lane, kind), -1)
        if min(pair) < 0:
            raise _misfit(f"{type_id} on lane {lane_id} on {when}")
        pairs[pair] = count
    keys = sorted(pairs)
    arc: Ints = np.array([key[0] for key in keys], dtype=np.int64)
    vehicle: Ints = np.array([key[1] for key in keys], dtype=np.int64)
    counts = np.array([pairs[key] for key in keys], dtype=np.int64)
    return Draft(flows, loads, tally(network, arc, vehicle, counts, loads.arcs))


def _find_arc(network: TrunkNetwork, lane: int, when: date) -> int:
    day = (when - network.first_day).days
    return int(network.arc_of[lane, day]) if lane >= 0 and 0 <= day < network.days else -1


def read_flows(network: TrunkNetwork, flows: pl.DataFrame, *, strict: bool = True) -> Flows:
    """Return the flows that a table tells; those that do not fit the network are left out unless ``strict``.

    Raises
    ------
    RadarError
        With ``strict``, for the first flow that does not fit.
    """
    lanes = {name: i for i, name in enumerate(network.lane_ids)}
    hubs = {name: i for i, name in enumerate(network.hub_ids)}
    days, starts, goals = (
        part.tolist() for part in (network.demand_day, network.demand_origin, network.demand_destination)
    )
    numbers = {key: k for k, key in enumerate(zip(days, starts, goals, strict=True))}
    found: list[tuple[int, list[int], int]] = []
    names = ("date", "origin_hub_id", "destination_hub_id", "path", "departure_dates", "completed_on", "parcels")
    for when, origin, destination, path, leaves, done, parcels in zip(*(flows[name] for name in names), strict=True):
        first = (when - network.first_day).days
        k = numbers.get((first, hubs.get(origin, -1), hubs.get(destination, -1)))
        legs: list[int] = []
        misfit = f"{origin} to {destination} on {when}" if k is None else None
        if k is not None:
            places = [
                (_find_arc(network, lanes.get(lane_id, -1), day), lane_id, day)
                for lane_id, day in zip(path, leaves, strict=True)
            ]
            misfit = _follow(
                network, first * network.hubs + hubs[origin], places, (done - network.first_day).days, legs
            )
        if k is not None and misfit is None:
            found.append((k, legs, parcels))
        elif strict:
            raise _misfit(str(misfit))
    found.sort(key=lambda item: item[0])
    pointers = np.concatenate([[0], np.cumsum([len(legs) for _, legs, _ in found])]).astype(np.int64)
    every: Ints = np.array([leg for _, legs, _ in found for leg in legs], dtype=np.int64)
    demand = np.array([k for k, _, _ in found], dtype=np.int64)
    return Flows(PathPool(demand, pointers, every), np.array([parcels for _, _, parcels in found], dtype=np.int64))


def _follow(
    network: TrunkNetwork, node: int, places: list[tuple[int, str, date]], until: int, legs: list[int]
) -> str | None:
    """Follow a flow from a node over its arcs, each with lane and day, to its last day; say what does not fit."""
    may_wait = network.can_hold()
    for arc, lane_id, day in places:
        if arc < 0:
            return f"lane {lane_id} on {day}"
        node = _wait(network, node, int(network.arc_day[arc]), legs)
        if node != network.arc_tail[arc]:
            return f"lane {lane_id} left on {day} before it was reached"
        legs.append(arc)
        node = int(network.arc_head[arc])
    if node // network.hubs > until or until >= network.days:
        return f"an end on day {until + 1}"
    _wait(network, node, until, legs)
    shut = next((leg - network.arcs for leg in legs if leg >= network.arcs and not may_wait[leg - network.arcs]), None)
    return None if shut is None else f"a night at {network.hub_ids[shut % network.hubs]}"


def _wait(network: TrunkNetwork, node: int, until: int, legs: list[int]) -> int:
    """Add the nights at a node until a day; return the node then."""
    while node // network.hubs < until:
        legs.append(network.arcs + node)
        node += network.hubs
    return node


def _misfit(what: str) -> RadarError:
    return RadarError(
        f"the plan has {what}, which the tables it was made on do not allow",
        action="see `radar verify`, or plan again",
    )
