"""What a plan leaves free, and the cheapest paths for more parcels through it while everything planned stays as it is.

Parcels go along the cheapest path at the margin, as many as it takes, then along the next (successive cheapest paths:
Ahuja, Magnanti, Orlin, Network Flows, 1993, section 9.7). Room on vehicles that run anyway costs nothing; an arc without
room may get hired vehicles within fleets and limits at the price of whole departures. In the elastic mode limits may be
exceeded at a price, and what was taken beyond them is counted. What is carried in the rigid mode is a plan: every limit
holds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from heapq import heappop, heappush

import numba
import numpy as np

from routing.trunk.task.commodities import list_commodities
from routing.trunk.task.flows import Loads
from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.task.shortest_paths import label_paths
from routing.trunk.vehicles.vehicle_model import Vehicles

_MOST_PIECES = 64  # paths over which the parcels of one demand may be spread
_MOST_BANS = 16
_ROOM, _WITHIN, _BEYOND = -1, 0, 1


@dataclass(frozen=True, slots=True)
class ElasticPrices:
    """Prices of going beyond a limit, on top of what using it costs; vehicles cost their departures.

    Attributes
    ----------
    sort, night
        [CNY/parcel] sorted beyond sort capacity, held beyond the buffer.
    """

    sort: float = 0.5
    night: float = 0.3


@dataclass(slots=True)
class FreeRoom:
    """Free room, used up as parcels are inserted.

    Attributes
    ----------
    arcs : (R,) [parcels]
        Room on vehicles that run.
    sorts, nights : (N,) [parcels]
    fleet : (V, D); vehicle : (O, D); lane : (L, D) [vehicles, departures]
        What is left of fleets and limits.
    within, beyond : (O, D) [departures]
        Vehicles added within and beyond the limits.
    more_sorts, more_nights : (N,) [parcels]
        Used beyond the limits.
    cost
        What inserting has cost so far, at the elastic prices where limits were exceeded [CNY].
    """

    arcs: Floats
    sorts: Floats
    nights: Floats
    fleet: Floats
    vehicle: Floats
    lane: Floats
    within: Floats
    beyond: Floats
    more_sorts: Floats
    more_nights: Floats
    cost: float = 0.0

    def copy(self) -> FreeRoom:
        """Return a copy that is used up apart."""
        arrays = {name: getattr(self, name).copy() for name in FreeRoom.__slots__ if name != "cost"}
        return replace(self, **arrays)


def free_fleet(network: TrunkNetwork, vehicles: Vehicles) -> Floats:
    """Vehicles of each type that are free in each step of the fleets' time, (V, steps)."""
    away = np.zeros((len(network.type_ids), network.fleet_steps + 1))
    kind = network.vehicle_type[vehicles.vehicle]
    back = np.minimum(network.arc_back[vehicles.arc], network.fleet_steps)
    np.add.at(away, (kind, network.arc_step[vehicles.arc]), vehicles.departures)
    np.subtract.at(away, (kind, back), vehicles.departures)
    return network.type_fleet[:, None] - np.cumsum(away, axis=1)[:, : network.fleet_steps]


def measure_free_room(network: TrunkNetwork, loads: Loads, vehicles: Vehicles) -> FreeRoom:
    """Return what a plan leaves free."""
    vehicle, day = network.vehicle_limit.copy(), network.arc_day[vehicles.arc]
    lane = network.lane_limit.copy()
    np.subtract.at(vehicle, (vehicles.vehicle, day), vehicles.departures)
    np.subtract.at(lane, (network.arc_lane[vehicles.arc], day), vehicles.departures)
    shape = network.vehicle_limit.shape
    return FreeRoom(
        arcs=np.floor(np.maximum(vehicles.room - loads.arcs, 0.0) + 1e-6),
        sorts=np.floor(np.maximum(network.sort_capacity - loads.sorts, 0.0) + 1e-6),
        nights=np.floor(np.maximum(network.buffer_capacity - loads.nights, 0.0) + 1e-6),
        fleet=free_fleet(network, vehicles),
        vehicle=vehicle,
        lane=lane,
        within=np.zeros(shape),
        beyond=np.zeros(shape),
        more_sorts=np.zeros(network.nodes),
        more_nights=np.zeros(network.nodes),
    )


class Inserter:
    """Inserts demands into the free room of one network.

    Parameters
    ----------
    network : TrunkNetwork
    elastic : ElasticPrices
        Prices of the elastic mode.
    """

    def __init__(self, network: TrunkNetwork, elastic: ElasticPrices | None = None) -> None:
        self.network = network
        self._elastic = elastic or ElasticPrices()
        commodities = list_commodities(network)
        self._commodity, self._late_price = commodities.of_demand, commodities.late_price
        handling = network.handling_cost
        is_open = network.hub_open
        sort_price = np.where(is_open, handling, np.inf)
        may_wait = is_open & (network.after >= 0) & is_open[network.after]
        hold_price = np.where(may_wait, network.waiting_cost, np.inf)
        # no path costs less than this, whatever room there is: it points the search at the destination
        self._floor, _ = label_paths(network, network.arc_cost, sort_price, hold_price, commodities)
        self._fixed = (
            network.after, network.node_hub, network.node_turn, network.fleet_steps, np.searchsorted(network.arc_tail, np.arange(network.nodes + 1)),
            network.arc_lane, network.arc_day, network.arc_step, network.arc_head, network.arc_tail, network.arc_cost,
            network.busy_days() if network.arcs else network.arc_day, handling, is_open, may_wait, network.waiting_cost,
            np.searchsorted(network.vehicle_lane, np.arange(len(network.lane_ids) + 1)), network.vehicle_type,
            network.vehicle_capacity, network.vehicle_cost, return_costs(network),
            network.type_own, float(network.short_cost),
        )  # fmt: skip
        self._steps = np.zeros((_MOST_PIECES, network.nodes + 1), dtype=np.int64)
        self._lengths = np.zeros(_MOST_PIECES, dtype=np.int64)
        self._amounts = np.zeros(_MOST_PIECES)

    def insert(
        self, free_room: FreeRoom, demand: int, parcels: int, *, elastic: bool = False
    ) -> list[tuple[int, Ints]]:
        """Carry parcels of a demand and take what they use off the free room.

        Parameters
        ----------
        free_room
            Changed in place.
        demand
            Number of the demand.
        parcels
            How many.
        elastic
            Whether limits may be exceeded at a price.

        Returns
        -------
        list of (parcels, steps)
            The paths taken, as in :class:`PathPool`; their sum may stay below ``parcels``.
        """
        start = int(self.network.demand_node()[demand])
        goal = int(self.network.demand_destination[demand])
        pieces, cost = _insert(
            *self._fixed, np.ascontiguousarray(self._floor[:, self._commodity[demand]]),
            self._late_price[self._commodity[demand]], start, goal, float(parcels), elastic,
            self._elastic.sort, self._elastic.night, free_room.arcs, free_room.sorts, free_room.nights, free_room.fleet,
            free_room.vehicle, free_room.lane, free_room.within, free_room.beyond, free_room.more_sorts,
            free_room.more_nights, self._steps, self._lengths, self._amounts,
        )  # fmt: skip
        free_room.cost += cost
        return [(int(self._amounts[p]), self._steps[p, : self._lengths[p]].copy()) for p in range(pieces)]


def return_costs(network: TrunkNetwork) -> Floats:
    """Cost of one empty return of each lane vehicle on the lane back, (O,): 0 for hired types, ``inf`` without a lane back."""
    own = network.type_own[network.vehicle_type]
    lane = network.vehicle_lane
    here, there = network.lane_origin[lane].tolist(), network.lane_destination[lane].tolist()
    ends_of = list(zip(network.vehicle_type.tolist(), here, there, strict=True))
    cheapest: dict[tuple[int, int, int], float] = {}
    for place, price in zip(ends_of, network.vehicle_cost.tolist(), strict=True):
        cheapest[place] = min(price, cheapest.get(place, np.inf))
    back = [cheapest.get((kind, b, a), np.inf) for kind, a, b in ends_of]
    return np.where(own, np.array(back, dtype=np.float64), 0.0)


@numba.njit(cache=True)
def _pick_vehicle(  # type: ignore[no-untyped-def]
    arc, left, elastic, arc_lane, arc_day, arc_step, busy, lane_vehicles, vehicle_type, vehicle_capacity, vehicle_cost, back,
    type_own, steps_in_all, fleet, vehicle, lane,
):  # fmt: skip
    """Cheapest way to more room on an arc for ``left`` parcels: (price a parcel, lane vehicle, kind, most departures)."""
    best, chosen, kind, most = np.inf, -1, _WITHIN, 0.0
    at, day = arc_lane[arc], arc_day[arc]
    for o in range(lane_vehicles[at], lane_vehicles[at + 1]):
        v = vehicle_type[o]
        count = np.ceil(left / vehicle_capacity[o])
        free = min(vehicle[o, day], lane[at, day])
        for later in range(arc_step[arc], min(arc_step[arc] + busy[arc], steps_in_all)):
            free = min(free, fleet[v, later])
        if free >= 1.0 and not type_own[v]:
            count = min(count, np.floor(free))
            price = count * vehicle_cost[o] / min(left, count * vehicle_capacity[o])
            if price < best - 1e-12:
                best, chosen, kind, most = price, o, _WITHIN, np.floor(free)
    if chosen < 0 and elastic:
        # what is there goes before what would have to be found
        for o in range(lane_vehicles[at], lane_vehicles[at + 1]):
            price = np.ceil(left / vehicle_capacity[o]) * (vehicle_cost[o] + back[o]) / left
            if price < best - 1e-12:
                best, chosen, kind, most = price, o, _BEYOND, np.inf
    return best, chosen, kind, most


@numba.njit(cache=True)
def _insert(  # type: ignore[no-untyped-def]  # noqa: C901
    after, node_hub, node_turn, days, first_out, arc_lane, arc_day, arc_step, arc_head, arc_tail, arc_cost, busy, handling,
    is_open, may_wait, hold_cost,
    lane_vehicles, vehicle_type, vehicle_capacity, vehicle_cost, back, type_own, short_cost,
    floor, late_price, start, goal, parcels, elastic, sort_price, night_price, arcs_room, sorts, nights, fleet, vehicle, lane,
    within, beyond, more_sorts, more_nights, legs, lengths, amounts,
):  # fmt: skip
    arcs, nodes = len(arc_head), len(handling)
    left, pieces, cost = parcels, 0, 0.0
    distance, parent = np.empty(nodes), np.empty(nodes, dtype=np.int64)
    chosen, kind = np.empty(arcs, dtype=np.int64), np.empty(arcs, dtype=np.int64)
    most = np.empty(arcs)
    banned, bans = np.zeros(arcs, dtype=np.bool_), 0
    if floor[start] >= short_cost:
        return 0, 0.0
    while left > 0.5 and pieces < len(lengths):
        distance[:] = np.inf
        distance[start], parent[start] = 0.0, -1
        heap = [(floor[start], start)]
        end, done = np.inf, -1
        while len(heap) > 0:
            key, node = heappop(heap)
            if key >= short_cost or key >= end:
                break
            here = distance[node]
            if key > here + floor[node] + 1e-9:
                continue
            if may_wait[node] and (nights[node] >= 1.0 or elastic):
                value = here + hold_cost[node] + (0.0 if nights[node] >= 1.0 else night_price)
                head = after[node]
                if value < distance[head] - 1e-12 and value + floor[head] < short_cost:
                    distance[head], parent[head] = value, arcs + node
                    heappush(heap, (value + floor[head], head))
            if not is_open[node] or not (sorts[node] >= 1.0 or elastic):
                continue
            sorted_at = here + handling[node] + (0.0 if sorts[node] >= 1.0 else sort_price)
            if node_hub[node] == goal:
                if sorted_at + late_price[node_turn[node]] < end:
                    end, done = sorted_at + late_price[node_turn[node]], node
                continue
            for r in range(first_out[node], first_out[node + 1]):
                head = arc_head[r]
                if banned[r] or sorted_at + arc_cost[r] + floor[head] >= min(short_cost, distance[head] + floor[head]):
                    continue
                if arcs_room[r] >= 1.0:
                    price, chosen[r], kind[r], most[r] = 0.0, -1, _ROOM, 0.0
                else:
                    price, chosen[r], kind[r], most[r] = _pick_vehicle(
                        r, left, elastic, arc_lane, arc_day, arc_step, busy, lane_vehicles, vehicle_type, vehicle_capacity,
                        vehicle_cost, back, type_own, days, fleet, vehicle, lane,
                    )  # fmt: skip
                value = sorted_at + arc_cost[r] + price
                if value < distance[head] - 1e-12 and value + floor[head] < short_cost:
                    distance[head], parent[head] = value, r
                    heappush(heap, (value + floor[head], head))
        if done < 0 or end >= short_cost:
            break
        # the way back from the end, then how many parcels it takes
        length, node, amount = 0, done, left
        if sorts[done] >= 1.0:
            amount = min(amount, sorts[done])
        while node != start:
            s = parent[node]
            legs[pieces, length] = s
            length += 1
            if s >= arcs:
                node = s - arcs
                if nights[node] >= 1.0:
                    amount = min(amount, nights[node])
                continue
            node = arc_tail[s]
            if sorts[node] >= 1.0:
                amount = min(amount, sorts[node])
            if kind[s] == _ROOM:
                amount = min(amount, arcs_room[s])
        # one fleet may be wanted on several arcs of a path
        for i in range(length):
            s = legs[pieces, i]
            if s >= arcs or kind[s] != _WITHIN:
                continue
            sharing = 0.0
            for j in range(length):
                other = legs[pieces, j]
                if other < arcs and kind[other] == _WITHIN:
                    sharing += vehicle_type[chosen[other]] == vehicle_type[chosen[s]]
            most[s] = np.floor(most[s] / sharing)
            if most[s] < 1.0:
                banned[s] = True
            amount = min(amount, most[s] * vehicle_capacity[chosen[s]])
        if amount < 1.0:
            bans += 1
            if bans > _MOST_BANS:
                break
            continue
        legs[pieces, :length] = legs[pieces, :length][::-1].copy()
        lengths[pieces], amounts[pieces] = length, amount
        node = start
        for i in range(length + 1):
            s = legs[pieces, i] if i < length else -1
            if s >= arcs:
                if nights[node] >= 1.0:
                    nights[node] -= amount
                else:
                    more_nights[node] += amount
                    cost += night_price * amount
                cost += hold_cost[node] * amount
                node = after[node]
                continue
            if sorts[node] >= 1.0:
                sorts[node] -= amount
            else:
                more_sorts[node] += amount
                cost += sort_price * amount
            cost += handling[node] * amount
            if s < 0:
                cost += late_price[node_turn[node]] * amount
                break
            if kind[s] != _ROOM:
                o, day = chosen[s], arc_day[s]
                count = np.ceil(amount / vehicle_capacity[o])
                arcs_room[s] += count * vehicle_capacity[o]
                cost += count * vehicle_cost[o]
                if kind[s] == _WITHIN:
                    within[o, day] += count
                    vehicle[o, day] -= count
                    lane[arc_lane[s], day] -= count
                    for later in range(arc_step[s], min(arc_step[s] + busy[s], days)):
                        fleet[vehicle_type[o], later] -= count
                else:
                    beyond[o, day] += count
                    cost += count * back[o]
            arcs_room[s] -= amount
            cost += arc_cost[s] * amount
            node = arc_head[s]
        left -= amount
        pieces += 1
    return pieces, cost
