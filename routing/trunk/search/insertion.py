"""What a plan leaves free, and the cheapest ways for more parcels through it while everything planned stays as it is.

Parcels go along the cheapest way at the margin, as many as it takes, then along the next (successive cheapest paths:
Ahuja, Magnanti, Orlin, Network Flows, 1993, section 9.7). Room on vehicles that run anyway costs nothing; a run without
room may get hired vehicles within fleets and limits at the price of whole departures. In the elastic mode limits may be
exceeded at a price, and what was taken beyond them is counted. What is carried in the rigid mode is a plan: every limit
holds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from heapq import heappop, heappush

import numba
import numpy as np

from routing.trunk.task.commodities import group_demands
from routing.trunk.task.flows import Loads
from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.task.shortest_paths import label_ways
from routing.trunk.vehicles.vehicle_model import Vehicles

_MOST_PIECES = 64  # ways over which the parcels of one demand may be spread
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
class Residual:
    """Free room, used up as parcels are carried.

    Attributes
    ----------
    runs : (R,) [parcels]
        Room on vehicles that run.
    sorts, nights : (N,) [parcels]
    fleet : (V, D); option : (O, D); lane : (L, D) [vehicles, departures]
        What is left of fleets and limits.
    within, beyond : (O, D) [departures]
        Vehicles added within and beyond the limits.
    more_sorts, more_nights : (N,) [parcels]
        Used beyond the limits.
    cost
        What carrying has cost so far, at the elastic prices where limits were exceeded [CNY].
    """

    runs: Floats
    sorts: Floats
    nights: Floats
    fleet: Floats
    option: Floats
    lane: Floats
    within: Floats
    beyond: Floats
    more_sorts: Floats
    more_nights: Floats
    cost: float = 0.0

    def copy(self) -> Residual:
        """Return a residual of its own."""
        arrays = {name: getattr(self, name).copy() for name in Residual.__slots__ if name != "cost"}
        return replace(self, **arrays)


def free_fleet(network: TrunkNetwork, vehicles: Vehicles) -> Floats:
    """Vehicles of each type that are free in each step of the fleets' time, (V, steps)."""
    away = np.zeros((len(network.type_ids), network.fleet_steps + 1))
    kind = network.option_type[vehicles.option]
    back = np.minimum(network.run_back[vehicles.run], network.fleet_steps)
    np.add.at(away, (kind, network.run_step[vehicles.run]), vehicles.departures)
    np.subtract.at(away, (kind, back), vehicles.departures)
    return network.type_fleet[:, None] - np.cumsum(away, axis=1)[:, : network.fleet_steps]


def leave_over(network: TrunkNetwork, loads: Loads, vehicles: Vehicles) -> Residual:
    """Return what a plan leaves free."""
    option, day = network.option_limit.copy(), network.run_day[vehicles.run]
    lane = network.lane_limit.copy()
    np.subtract.at(option, (vehicles.option, day), vehicles.departures)
    np.subtract.at(lane, (network.run_lane[vehicles.run], day), vehicles.departures)
    shape = network.option_limit.shape
    return Residual(
        runs=np.floor(np.maximum(vehicles.room - loads.runs, 0.0) + 1e-6),
        sorts=np.floor(np.maximum(network.sort_capacity - loads.sorts, 0.0) + 1e-6),
        nights=np.floor(np.maximum(network.buffer_capacity - loads.nights, 0.0) + 1e-6),
        fleet=free_fleet(network, vehicles),
        option=option,
        lane=lane,
        within=np.zeros(shape),
        beyond=np.zeros(shape),
        more_sorts=np.zeros(network.nodes),
        more_nights=np.zeros(network.nodes),
    )


class Carrier:
    """Carries demands through residuals of one network.

    Parameters
    ----------
    network : TrunkNetwork
    elastic : ElasticPrices
        Prices of the elastic mode.
    """

    def __init__(self, network: TrunkNetwork, elastic: ElasticPrices | None = None) -> None:
        self.network = network
        self._elastic = elastic or ElasticPrices()
        groups = group_demands(network)
        self._group, self._late_price = groups.of_demand, groups.late_price
        handling = network.handling_cost
        is_open = network.hub_open
        sort_price = np.where(is_open, handling, np.inf)
        may_wait = is_open & (network.after >= 0) & is_open[network.after]
        hold_price = np.where(may_wait, network.waiting_cost, np.inf)
        # no way costs less than this, whatever room there is: it points the search at the destination
        self._floor, _ = label_ways(network, network.run_cost, sort_price, hold_price, groups)
        self._fixed = (
            network.after, network.node_hub, network.node_turn, network.fleet_steps, np.searchsorted(network.run_tail, np.arange(network.nodes + 1)),
            network.run_lane, network.run_day, network.run_step, network.run_head, network.run_tail, network.run_cost,
            network.busy_days() if network.runs else network.run_day, handling, is_open, may_wait, network.waiting_cost,
            np.searchsorted(network.option_lane, np.arange(len(network.lane_ids) + 1)), network.option_type,
            network.option_capacity, network.option_cost, return_costs(network),
            network.type_own, float(network.short_cost),
        )  # fmt: skip
        self._steps = np.zeros((_MOST_PIECES, network.nodes + 1), dtype=np.int64)
        self._lengths = np.zeros(_MOST_PIECES, dtype=np.int64)
        self._amounts = np.zeros(_MOST_PIECES)

    def carry(self, residual: Residual, demand: int, parcels: int, *, elastic: bool = False) -> list[tuple[int, Ints]]:
        """Carry parcels of a demand and take what they use off the residual.

        Parameters
        ----------
        residual
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
            The ways taken, as in :class:`PathPool`; their sum may stay below ``parcels``.
        """
        start = int(self.network.demand_node()[demand])
        goal = int(self.network.demand_destination[demand])
        pieces, cost = _carry(
            *self._fixed, np.ascontiguousarray(self._floor[:, self._group[demand]]),
            self._late_price[self._group[demand]], start, goal, float(parcels), elastic,
            self._elastic.sort, self._elastic.night, residual.runs, residual.sorts, residual.nights, residual.fleet,
            residual.option, residual.lane, residual.within, residual.beyond, residual.more_sorts,
            residual.more_nights, self._steps, self._lengths, self._amounts,
        )  # fmt: skip
        residual.cost += cost
        return [(int(self._amounts[p]), self._steps[p, : self._lengths[p]].copy()) for p in range(pieces)]


def return_costs(network: TrunkNetwork) -> Floats:
    """Cost of one empty return of each option on the lane back, (O,): 0 for hired types, ``inf`` without a lane back."""
    own = network.type_own[network.option_type]
    lane = network.option_lane
    here, there = network.lane_origin[lane].tolist(), network.lane_destination[lane].tolist()
    ends_of = list(zip(network.option_type.tolist(), here, there, strict=True))
    cheapest: dict[tuple[int, int, int], float] = {}
    for place, price in zip(ends_of, network.option_cost.tolist(), strict=True):
        cheapest[place] = min(price, cheapest.get(place, np.inf))
    back = [cheapest.get((kind, b, a), np.inf) for kind, a, b in ends_of]
    return np.where(own, np.array(back, dtype=np.float64), 0.0)


@numba.njit(cache=True)
def _pick_vehicle(  # type: ignore[no-untyped-def]
    run, left, elastic, run_lane, run_day, run_step, busy, lane_options, option_type, option_capacity, option_cost, back,
    type_own, steps_in_all, fleet, option, lane,
):  # fmt: skip
    """Cheapest way to more room on a run for ``left`` parcels: (price a parcel, option, kind, most departures)."""
    best, chosen, kind, most = np.inf, -1, _WITHIN, 0.0
    at, day = run_lane[run], run_day[run]
    for o in range(lane_options[at], lane_options[at + 1]):
        v = option_type[o]
        count = np.ceil(left / option_capacity[o])
        free = min(option[o, day], lane[at, day])
        for later in range(run_step[run], min(run_step[run] + busy[run], steps_in_all)):
            free = min(free, fleet[v, later])
        if free >= 1.0 and not type_own[v]:
            count = min(count, np.floor(free))
            price = count * option_cost[o] / min(left, count * option_capacity[o])
            if price < best - 1e-12:
                best, chosen, kind, most = price, o, _WITHIN, np.floor(free)
    if chosen < 0 and elastic:
        # what is there goes before what would have to be found
        for o in range(lane_options[at], lane_options[at + 1]):
            price = np.ceil(left / option_capacity[o]) * (option_cost[o] + back[o]) / left
            if price < best - 1e-12:
                best, chosen, kind, most = price, o, _BEYOND, np.inf
    return best, chosen, kind, most


@numba.njit(cache=True)
def _carry(  # type: ignore[no-untyped-def]  # noqa: C901
    after, node_hub, node_turn, days, first_run, run_lane, run_day, run_step, run_head, run_tail, run_cost, busy, handling,
    is_open, may_wait, hold_cost,
    lane_options, option_type, option_capacity, option_cost, back, type_own, short_cost,
    floor, late_price, start, goal, parcels, elastic, sort_price, night_price, runs_room, sorts, nights, fleet, option, lane,
    within, beyond, more_sorts, more_nights, steps, lengths, amounts,
):  # fmt: skip
    runs, nodes = len(run_head), len(handling)
    left, pieces, cost = parcels, 0, 0.0
    distance, parent = np.empty(nodes), np.empty(nodes, dtype=np.int64)
    vehicle, kind = np.empty(runs, dtype=np.int64), np.empty(runs, dtype=np.int64)
    most = np.empty(runs)
    banned, bans = np.zeros(runs, dtype=np.bool_), 0
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
                    distance[head], parent[head] = value, runs + node
                    heappush(heap, (value + floor[head], head))
            if not is_open[node] or not (sorts[node] >= 1.0 or elastic):
                continue
            sorted_at = here + handling[node] + (0.0 if sorts[node] >= 1.0 else sort_price)
            if node_hub[node] == goal:
                if sorted_at + late_price[node_turn[node]] < end:
                    end, done = sorted_at + late_price[node_turn[node]], node
                continue
            for r in range(first_run[node], first_run[node + 1]):
                head = run_head[r]
                if banned[r] or sorted_at + run_cost[r] + floor[head] >= min(short_cost, distance[head] + floor[head]):
                    continue
                if runs_room[r] >= 1.0:
                    price, vehicle[r], kind[r], most[r] = 0.0, -1, _ROOM, 0.0
                else:
                    price, vehicle[r], kind[r], most[r] = _pick_vehicle(
                        r, left, elastic, run_lane, run_day, run_step, busy, lane_options, option_type, option_capacity,
                        option_cost, back, type_own, days, fleet, option, lane,
                    )  # fmt: skip
                value = sorted_at + run_cost[r] + price
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
            steps[pieces, length] = s
            length += 1
            if s >= runs:
                node = s - runs
                if nights[node] >= 1.0:
                    amount = min(amount, nights[node])
                continue
            node = run_tail[s]
            if sorts[node] >= 1.0:
                amount = min(amount, sorts[node])
            if kind[s] == _ROOM:
                amount = min(amount, runs_room[s])
        # one fleet may be wanted on several runs of a way
        for i in range(length):
            s = steps[pieces, i]
            if s >= runs or kind[s] != _WITHIN:
                continue
            sharing = 0.0
            for j in range(length):
                other = steps[pieces, j]
                if other < runs and kind[other] == _WITHIN:
                    sharing += option_type[vehicle[other]] == option_type[vehicle[s]]
            most[s] = np.floor(most[s] / sharing)
            if most[s] < 1.0:
                banned[s] = True
            amount = min(amount, most[s] * option_capacity[vehicle[s]])
        if amount < 1.0:
            bans += 1
            if bans > _MOST_BANS:
                break
            continue
        steps[pieces, :length] = steps[pieces, :length][::-1].copy()
        lengths[pieces], amounts[pieces] = length, amount
        node = start
        for i in range(length + 1):
            s = steps[pieces, i] if i < length else -1
            if s >= runs:
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
                o, day = vehicle[s], run_day[s]
                count = np.ceil(amount / option_capacity[o])
                runs_room[s] += count * option_capacity[o]
                cost += count * option_cost[o]
                if kind[s] == _WITHIN:
                    within[o, day] += count
                    option[o, day] -= count
                    lane[run_lane[s], day] -= count
                    for later in range(run_step[s], min(run_step[s] + busy[s], days)):
                        fleet[option_type[o], later] -= count
                else:
                    beyond[o, day] += count
                    cost += count * back[o]
            runs_room[s] -= amount
            cost += run_cost[s] * amount
            node = run_head[s]
        left -= amount
        pieces += 1
    return pieces, cost
