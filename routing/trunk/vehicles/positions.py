"""Own vehicles have a place: at every departure as many of a type stand at its hub as leave, or the plan is repaired.

For each own type a flow over hubs and steps of the fleets' time:

    waiting[h, t] = waiting[h, t - 1] + arrived by t - leaving at t >= 0        start[h] = waiting[h, before], end[h] = after all
    sum over hubs of start <= fleet size,  end = start        (or both as ``vehicle_stands`` tell)

An own departure stays, is left out where its room is not needed, or gives way to hired vehicles; empty runs bring vehicles to
where they are needed. The least cost of that is a mixed-integer model whose matrix is that of a flow but for a few rows, so that
its first relaxation is whole as a rule.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from data.errors import RadarError
from routing.budget import Deadline
from routing.solvers import LinearModel, solve_linear
from routing.trunk.task.effort import WORK
from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.vehicles.stand_rows import write_stands
from routing.trunk.vehicles.vehicle_model import Vehicles, free_fleet, tally

_GAP = 1e-6
_MOST_PAIRS = 40_000  # departures of a type up to which empty runs may be anywhere; beyond, on lanes it runs on


def _count_lacking(network: TrunkNetwork, vehicles: Vehicles, kind: int) -> Ints:
    mine = network.vehicle_type[vehicles.vehicle] == kind
    arc, count = vehicles.arc[mine], vehicles.departures[mine]
    change = np.zeros((network.hubs, network.fleet_steps + 1), dtype=np.int64)
    np.subtract.at(change, (network.node_hub[network.arc_tail[arc]], network.arc_step[arc]), count)
    back = np.minimum(network.own_back[arc], network.fleet_steps)
    np.add.at(change, (network.node_hub[network.arc_head[arc]], back), count)
    # what arrives at a step is there before anything leaves at it
    lowest = np.cumsum(change, axis=1)[:, : network.fleet_steps].min(axis=1, initial=0)
    lacking: Ints = np.maximum(-lowest, 0)
    return lacking


def _is_even(network: TrunkNetwork, vehicles: Vehicles, kind: int) -> bool:
    """Whether as many vehicles of a type reach every hub as leave it; those that planners fix may not."""
    mine = network.vehicle_type[vehicles.vehicle] == kind
    lane, count = network.arc_lane[vehicles.arc[mine]], vehicles.departures[mine]
    gone = np.bincount(network.lane_origin[lane], count, network.hubs)
    return bool((gone == np.bincount(network.lane_destination[lane], count, network.hubs)).all())


def place_vehicles(network: TrunkNetwork, vehicles: Vehicles, load: Floats, deadline: Deadline) -> Vehicles:
    """Repair a choice of vehicles so that own ones stand where they leave from; what stands already stays as it is.

    Parameters
    ----------
    load : (R,) [parcels]
    deadline
        Emergency brake of the solver; own vehicles it leaves no time to place are left out, and their parcels are short.

    Raises
    ------
    RadarError
        When vehicles cannot come from where they stand at the start to where they are to stand at the end.
    """
    for kind in np.flatnonzero(network.type_own).tolist():
        start, end = network.stand_start[kind], network.stand_end[kind]
        lacking = _count_lacking(network, vehicles, kind)
        within = not network.stands_given[kind] and lacking.sum() <= network.type_fleet[kind]
        if within and (not network.vehicle_least.any() or _is_even(network, vehicles, kind)):
            continue
        if network.stands_given[kind] and (lacking <= start).all() and (start == end).all():
            continue
        vehicles = _Placing(network, vehicles, load, kind).solve(deadline)
    return vehicles


class _Placing:
    """The model of one own type: columns are departures, hired in their place, room left behind, waiting, starts."""

    def __init__(self, network: TrunkNetwork, vehicles: Vehicles, load: Floats, kind: int) -> None:
        self._network, self._vehicles, self._load, self._kind = network, vehicles, load, kind
        vehicle, day = np.nonzero((network.vehicle_limit >= 1) & (network.vehicle_type == kind)[:, None])
        arc = network.arc_of[network.vehicle_lane[vehicle], day]
        self.arc, self.vehicle = arc[arc >= 0].astype(np.int64), vehicle[arc >= 0].astype(np.int64)
        counts = _count_pairs(vehicles)
        pairs = zip(self.arc.tolist(), self.vehicle.tolist(), strict=True)
        self.now = np.array([counts.get(pair, 0) for pair in pairs], dtype=np.int64)
        if len(self.arc) > _MOST_PAIRS:
            self._keep_lanes_used()
        self.capacity = network.vehicle_capacity[self.vehicle]
        others = vehicles.room[self.arc] - self.now * self.capacity
        self.need = np.ceil(np.maximum(load[self.arc] - others, 0.0) / self.capacity - 1e-9).astype(np.int64)
        self.need = np.minimum(self.need, self.now)
        self.fixed = network.vehicle_least[self.vehicle, network.arc_day[self.arc]]
        used = np.bincount(vehicles.arc, vehicles.departures, network.arcs).astype(np.float64)
        lane = network.arc_lane[self.arc]
        day = network.arc_day[self.arc]
        self.lane_left = network.lane_limit[lane, day] - used[self.arc]
        self.most = np.minimum(network.vehicle_limit[self.vehicle, day], self.now + np.maximum(self.lane_left, 0.0))
        self.most = np.minimum(self.most, network.type_fleet[kind])
        self.wanted = np.flatnonzero(self.need > 0)
        self._find_hired(used)

    def _keep_lanes_used(self) -> None:
        network = self._network
        lane = network.arc_lane[self.arc]
        ends = {
            (int(network.lane_origin[at]), int(network.lane_destination[at])) for at in np.unique(lane[self.now > 0])
        }
        ends |= {(b, a) for a, b in ends}
        pairs = zip(network.lane_origin[lane].tolist(), network.lane_destination[lane].tolist(), strict=True)
        between_ends = np.fromiter((pair in ends for pair in pairs), dtype=np.bool_, count=len(lane))
        self.arc, self.vehicle, self.now = self.arc[between_ends], self.vehicle[between_ends], self.now[between_ends]

    def _find_hired(self, used: Floats) -> None:
        """List the hired vehicles that may take the place of needed ones: which, vehicle, how many for one, their price, most."""
        network, taken = self._network, _count_pairs(self._vehicles)
        first = np.searchsorted(network.vehicle_lane, np.arange(len(network.lane_ids) + 1))
        found: list[tuple[int, int, float, float]] = []
        for at, place in enumerate(self.wanted.tolist()):
            arc = int(self.arc[place])
            lane, day = int(network.arc_lane[arc]), int(network.arc_day[arc])
            for vehicle in range(first[lane], first[lane + 1]):
                if network.type_own[network.vehicle_type[vehicle]]:
                    continue
                each = float(np.ceil(self.capacity[place] / network.vehicle_capacity[vehicle]))
                left = network.vehicle_limit[vehicle, day] - taken.get((arc, vehicle), 0)
                left = min(left, network.lane_limit[lane, day] - used[arc] + self.need[place])
                if left >= each:
                    found.append((at, vehicle, each, np.floor(left / each)))
        columns = list(zip(*found, strict=True)) if found else [(), (), (), ()]
        self.hired_for, self.hired = (np.array(column, dtype=np.int64) for column in columns[:2])
        self.each, self.hired_most = (np.array(column, dtype=np.float64) for column in columns[2:])

    def _bound_hired(self, first: int, height: int) -> tuple[Ints, Ints, Floats, Floats]:
        """Rows that keep hired vehicles within what their fleets leave free: row, column, value, and the most of each row."""
        network = self._network
        free = free_fleet(network, self._vehicles)
        kind = network.vehicle_type[self.hired]
        arc = self.arc[self.wanted[self.hired_for]]
        bounded = np.flatnonzero(np.isfinite(network.type_fleet[kind]))
        length = network.busy_days()[arc[bounded]] if len(bounded) else bounded
        column = np.repeat(bounded, length)
        ahead = np.arange(len(column)) - np.repeat(np.cumsum(length) - length, length)
        step = network.arc_step[arc[column]] + ahead
        inside = step < network.fleet_steps
        key = kind[column[inside]] * network.fleet_steps + step[inside]
        names, row = np.unique(key, return_inverse=True)
        most = free.ravel()[names]
        return row.astype(np.int64) + height, first + column[inside], self.each[column[inside]], np.maximum(most, 0.0)

    def solve(self, deadline: Deadline) -> Vehicles:
        """Choose departures of least cost and put them in place of the present ones."""
        network = self._network
        stands = write_stands(network, self._kind, self.arc)
        pairs, wanted, hired = len(self.arc), self.wanted, len(self.hired)
        x, h, s = 0, pairs, pairs + hired
        w = s + len(wanted)
        rows: list[Ints] = []
        columns: list[Ints] = []
        values: list[Floats] = []

        def add(row: Ints, column: Ints, value: float) -> None:
            rows.append(row)
            columns.append(column)
            values.append(np.full(len(row), value))

        height = 0
        low, high = [stands.low], [stands.high]
        # room: departures + hired in their place + left behind >= needed
        need_row = height + np.arange(len(wanted))
        add(need_row, x + wanted, 1.0)
        add(need_row, s + np.arange(len(wanted)), 1.0)
        add(height + self.hired_for, h + np.arange(hired), 1.0)
        low.append(self.need[wanted].astype(np.float64))
        high.append(np.full(len(wanted), np.inf))
        height += len(wanted)
        row, column, value, free = self._bound_hired(h, height)
        rows.append(row)
        columns.append(column)
        values.append(value)
        low.append(np.full(len(free), -np.inf))
        high.append(free)
        height += len(free)
        # departures of a lane: own ones and those in their place
        bounded = np.flatnonzero(np.isfinite(self.lane_left))
        place = np.full(pairs, -1, dtype=np.int64)
        place[bounded] = np.arange(len(bounded))
        add(height + np.arange(len(bounded)), x + bounded, 1.0)
        inside = np.flatnonzero(place[wanted[self.hired_for]] >= 0)
        rows.append(height + place[wanted[self.hired_for[inside]]])
        columns.append(h + inside)
        values.append(self.each[inside])
        low.append(np.full(len(bounded), -np.inf))
        high.append(self.now[bounded].astype(np.float64) + np.maximum(self.lane_left[bounded], 0.0))
        height += len(bounded)
        width = w + len(stands.lower)
        lower, upper = np.zeros(width), np.full(width, np.inf)
        lower[x:h] = self.fixed
        upper[x:h], upper[h:s] = self.most, self.hired_most
        upper[s:w] = self.need[wanted]
        lower[w:], upper[w:] = stands.lower, stands.upper
        cost = np.zeros(width)
        cost[x:h], cost[h:s] = network.vehicle_cost[self.vehicle], self.each * network.vehicle_cost[self.hired]
        cost[s:w] = network.short_cost * self.capacity[wanted]
        limits = sparse.csr_matrix(
            (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=(height, width)
        )
        none = sparse.csr_matrix((len(stands.low), w - pairs))
        matrix = sparse.vstack([sparse.hstack([stands.departures, none, stands.others]), limits], format="csr")
        whole = np.arange(width) < w
        model = LinearModel(cost, matrix, np.concatenate(low), np.concatenate(high), lower, upper, whole)
        answer = solve_linear(model, deadline=deadline, nodes=WORK.place_nodes, gap=_GAP)
        if answer.values is None:
            return self._without()
        return self._put(np.rint(answer.values[:h]), np.rint(answer.values[h:s]))

    def _without(self) -> Vehicles:
        """Leave the type out, where the solver found nothing in its time."""
        name = self._network.type_ids[self._kind]
        if self.fixed.any():
            raise RadarError(
                f"own vehicles {name} that cannot stand where departure_locks have them leave from, or not found to in time",
                "locks that the fleet can run one after the other",
                "lower at_least of some rows, or give the plan more time",
            )
        if (self._network.stand_start[self._kind] != self._network.stand_end[self._kind]).any():
            raise RadarError(
                f"vehicle_stands of {name} whose vehicles cannot come from where they stand to where they are to stand",
                "stands that lanes and days of the plan join",
                "correct vehicles_at_end of vehicle_stands",
            )
        return self._put(np.zeros(len(self.arc)), np.zeros(len(self.hired)))

    def _put(self, departures: Floats, hired: Floats) -> Vehicles:
        network, vehicles = self._network, self._vehicles
        kinds = network.vehicle_type
        counts = {pair: count for pair, count in _count_pairs(vehicles).items() if kinds[pair[1]] != self._kind}
        own = zip(self.arc.tolist(), self.vehicle.tolist(), strict=True)
        counts |= dict(zip(own, departures.astype(np.int64).tolist(), strict=True))
        for place in np.flatnonzero(hired).tolist():
            pair = int(self.arc[self.wanted[self.hired_for[place]]]), int(self.hired[place])
            counts[pair] = counts.get(pair, 0) + round(hired[place] * self.each[place])
        pairs = sorted(pair for pair, count in counts.items() if count > 0)
        keys = np.array(pairs, dtype=np.int64).reshape(-1, 2)
        amounts = np.array([counts[pair] for pair in pairs], dtype=np.int64)
        return tally(network, keys[:, 0].copy(), keys[:, 1].copy(), amounts, self._load)


def _count_pairs(vehicles: Vehicles) -> dict[tuple[int, int], int]:
    """Departures by arc and vehicle."""
    pairs = zip(vehicles.arc.tolist(), vehicles.vehicle.tolist(), strict=True)
    return dict(zip(pairs, vehicles.departures.tolist(), strict=True))
