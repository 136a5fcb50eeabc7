"""What vehicles for a load cost when every departure more or fewer than those of a reference has a price of its own.

For each arc step costs around its present vehicles: below their room those that are not needed fall away, the dearest a
parcel first; beyond it hired vehicles are added. Own vehicles stay, so that their balance does, and departures that planners fix.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from data.constants import constant
from routing.trunk.replan.reference_plan import ReferencePlan
from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.vehicles.step_costs import StepCosts
from routing.trunk.vehicles.vehicle_model import Vehicles, free_fleet, tally


@dataclass(frozen=True)
class DeviationRules:
    """Which changes of an arc are priced."""

    most_drops: int = constant(6, "departures", "dropped at most, those that save most by capacity", "judgement")
    most_adds: int = constant(4, "departures", "of the cheapest type added at most", "judgement")


DEVIATIONS = DeviationRules()


class _ArcChange:
    """Present vehicles of one arc and what may change: lane vehicles with counts, room, spare departures."""

    def __init__(
        self,
        network: TrunkNetwork,
        arc: int,
        count: dict[int, int],
        reference_plan: ReferencePlan,
        free: Floats,
        change_price: float,
    ) -> None:
        lane, day = int(network.arc_lane[arc]), int(network.arc_day[arc])
        first, last = np.searchsorted(network.vehicle_lane, [lane, lane + 1])
        self.lane_vehicles = np.arange(first, last)
        self.count = np.array([count.get(o, 0) for o in range(first, last)], dtype=np.int64)
        hired = ~network.type_own[network.vehicle_type[self.lane_vehicles]]
        capacity, cost = network.vehicle_capacity[self.lane_vehicles], network.vehicle_cost[self.lane_vehicles]
        self.room = float((self.count * capacity).sum())
        away = slice(int(network.arc_step[arc]), int(network.arc_back[arc]))
        idle = free[network.vehicle_type[self.lane_vehicles], away].min(axis=1)
        spare = np.minimum(network.vehicle_limit[self.lane_vehicles, day] - self.count, idle)
        spare = np.minimum(spare, network.lane_limit[lane, day] - self.count.sum())
        self.spare = np.where(hired, np.maximum(spare, 0.0), 0.0)
        change = change_price if reference_plan.days[day] else 0.0
        target = reference_plan.counts[self.lane_vehicles, day]
        # towards the reference a departure is the cheaper, away from it the dearer
        self.add_price = np.maximum(cost + np.where(self.count < target, -change, change), 0.0)
        free_to_go = np.maximum(self.count - network.vehicle_least[self.lane_vehicles, day], 0)
        copies = np.repeat(np.arange(len(cost)), np.where(hired, free_to_go, 0))
        rank = np.arange(len(copies)) - np.searchsorted(copies, copies)
        saving = cost[copies] + np.where(self.count[copies] - rank > target[copies], change, -change)
        worth = np.flatnonzero(saving > 0)
        chosen = worth[np.argsort(-saving[worth] / capacity[copies[worth]], kind="stable")][: DEVIATIONS.most_drops]
        self.drops, self.saving, self.capacity = copies[chosen], saving[chosen], capacity

    def breakpoints(self) -> tuple[list[float], list[float], float, float, float]:
        """Rooms and prices in rising order, room and price of a vehicle added beyond them, and the most room."""
        rooms, prices = [self.room - float(self.capacity[self.drops].sum())], [0.0]
        for place, saving in zip(self.drops[::-1], self.saving[::-1], strict=True):
            rooms.append(rooms[-1] + float(self.capacity[place]))
            prices.append(prices[-1] + float(saving))
        able = np.flatnonzero(self.spare >= 1)
        most = self.room + float((self.spare[able] * self.capacity[able]).sum())
        if not len(able):
            return rooms, prices, 0.0, 0.0, self.room
        best = int(able[np.argmin(self.add_price[able] / self.capacity[able])])
        more = [(float(self.capacity[o]), float(self.add_price[o])) for o in able]
        more += [
            (n * float(self.capacity[best]), n * float(self.add_price[best]))
            for n in range(2, int(min(self.spare[best], DEVIATIONS.most_adds)) + 1)
        ]
        cheapest, kept = np.inf, []
        for room, price in sorted(more, reverse=True):
            if price < cheapest - 1e-9:
                cheapest = price
                kept.append((room, price))
        for room, price in reversed(kept):
            rooms.append(self.room + room)
            prices.append(prices[len(self.drops)] + price)
        endless = np.isinf(self.spare[best])
        return rooms, prices, float(self.capacity[best]) if endless else 0.0, float(self.add_price[best]), most

    def change(self, load: float) -> Ints:
        """Departures more or fewer of each lane vehicle for a load."""
        delta = np.zeros(len(self.lane_vehicles), dtype=np.int64)
        room = self.room
        for place in self.drops:
            if room - self.capacity[place] < load:
                break
            delta[place] -= 1
            room -= self.capacity[place]
        while room < load:
            able = np.flatnonzero(self.spare - delta >= 1)
            if not len(able):
                break
            count = np.minimum(np.ceil((load - room) / self.capacity[able]), (self.spare - delta)[able])
            filled = np.minimum(count * self.capacity[able], load - room)
            chosen = int(np.argmin(count * self.add_price[able] / filled))
            delta[able[chosen]] += int(count[chosen])
            room += float(count[chosen] * self.capacity[able[chosen]])
        return delta


def _counts(vehicles: Vehicles) -> dict[int, dict[int, int]]:
    """Departures by arc and lane vehicle, where there are any."""
    counts: dict[int, dict[int, int]] = {}
    some = np.flatnonzero(vehicles.departures > 0)
    for arc, vehicle, count in zip(
        vehicles.arc[some].tolist(), vehicles.vehicle[some].tolist(), vehicles.departures[some].tolist(), strict=True
    ):
        counts.setdefault(arc, {})[vehicle] = count
    return counts


def build_deviation_costs(
    network: TrunkNetwork, vehicles: Vehicles, reference_plan: ReferencePlan, change_price: float
) -> StepCosts:
    """Build the step costs around present vehicles.

    Parameters
    ----------
    reference_plan
        The reference.
    change_price
        Price of one departure more or fewer than its [CNY].
    """
    free, counts = free_fleet(network, vehicles), _counts(vehicles)
    rooms: list[float] = []
    prices: list[float] = []
    pointers = np.zeros(network.arcs + 1, dtype=np.int64)
    base_room, base_price, most = np.zeros(network.arcs), np.zeros(network.arcs), np.zeros(network.arcs)
    for arc in range(network.arcs):
        at = _ArcChange(network, arc, counts.get(arc, {}), reference_plan, free, change_price)
        room, price, base_room[arc], base_price[arc], most[arc] = at.breakpoints()
        rooms += room
        prices += price
        pointers[arc + 1] = len(rooms)
    blank = np.zeros(len(rooms), dtype=np.int64)
    base = np.full(network.arcs, -1, dtype=np.int64)
    return StepCosts(pointers, np.array(rooms), np.array(prices), base_room, base_price, most, blank, base)


def choose_changes(
    network: TrunkNetwork, vehicles: Vehicles, reference_plan: ReferencePlan, load: Floats, change_price: float
) -> Vehicles:
    """Change present vehicles for other loads: drop what is not needed and worth it, hire what lacks."""
    free, counts = free_fleet(network, vehicles), _counts(vehicles)
    arc_of: list[int] = []
    vehicle_of: list[int] = []
    departures: list[int] = []
    for arc in sorted(set(counts) | set(np.flatnonzero(load > 0).tolist())):
        at = _ArcChange(network, arc, counts.get(arc, {}), reference_plan, free, change_price)
        delta = at.change(float(load[arc]))
        away = slice(int(network.arc_step[arc]), int(network.arc_back[arc]))
        for place in np.flatnonzero(delta):
            free[network.vehicle_type[at.lane_vehicles[place]], away] -= delta[place]
        left = at.count + delta
        for place in np.flatnonzero(left):
            arc_of.append(arc)
            vehicle_of.append(int(at.lane_vehicles[place]))
            departures.append(int(left[place]))
    arcs, lane_vehicles, counted = (np.array(part, dtype=np.int64) for part in (arc_of, vehicle_of, departures))
    return tally(network, arcs, lane_vehicles, counted, load)
