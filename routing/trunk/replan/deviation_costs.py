"""What vehicles for a load cost when every departure more or fewer than those of a reference has a price of its own.

For each run a staircase around its present vehicles: below their room those that are not needed fall away, the dearest a
parcel first; beyond it hired vehicles are added. Own vehicles stay, so that their balance does.
"""

from __future__ import annotations

import numpy as np

from routing.trunk.replan.reference_plan import Kept
from routing.trunk.search.insertion import free_fleet
from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.vehicles.step_costs import Staircase
from routing.trunk.vehicles.vehicle_model import Vehicles, tally

_MOST_DROPS = 6
_MOST_ADDS = 4


class _Run:
    """Present vehicles of one run and what may change: options with counts, room, spare departures."""

    def __init__(
        self, network: TrunkNetwork, run: int, count: dict[int, int], kept: Kept, free: Floats, change_price: float
    ) -> None:
        lane, day = int(network.run_lane[run]), int(network.run_day[run])
        first, last = np.searchsorted(network.option_lane, [lane, lane + 1])
        self.options = np.arange(first, last)
        self.count = np.array([count.get(o, 0) for o in range(first, last)], dtype=np.int64)
        hired = ~network.type_own[network.option_type[self.options]]
        capacity, cost = network.option_capacity[self.options], network.option_cost[self.options]
        self.room = float((self.count * capacity).sum())
        away = slice(int(network.run_step[run]), int(network.run_back[run]))
        idle = free[network.option_type[self.options], away].min(axis=1)
        spare = np.minimum(network.option_limit[self.options, day] - self.count, idle)
        spare = np.minimum(spare, network.lane_limit[lane, day] - self.count.sum())
        self.spare = np.where(hired, np.maximum(spare, 0.0), 0.0)
        change = change_price if kept.days[day] else 0.0
        target = kept.counts[self.options, day]
        # towards the reference a departure is the cheaper, away from it the dearer
        self.add_price = np.maximum(cost + np.where(self.count < target, -change, change), 0.0)
        copies = np.repeat(np.arange(len(cost)), np.where(hired, self.count, 0))
        rank = np.arange(len(copies)) - np.searchsorted(copies, copies)
        saving = cost[copies] + np.where(self.count[copies] - rank > target[copies], change, -change)
        worth = np.flatnonzero(saving > 0)
        chosen = worth[np.argsort(-saving[worth] / capacity[copies[worth]], kind="stable")][:_MOST_DROPS]
        self.drops, self.saving, self.capacity = copies[chosen], saving[chosen], capacity

    def corners(self) -> tuple[list[float], list[float], float, float, float]:
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
            for n in range(2, int(min(self.spare[best], _MOST_ADDS)) + 1)
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
        """Departures more or fewer of each option for a load."""
        delta = np.zeros(len(self.options), dtype=np.int64)
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
    """Departures by run and option, where there are any."""
    counts: dict[int, dict[int, int]] = {}
    some = np.flatnonzero(vehicles.departures > 0)
    for run, option, count in zip(
        vehicles.run[some].tolist(), vehicles.option[some].tolist(), vehicles.departures[some].tolist(), strict=True
    ):
        counts.setdefault(run, {})[option] = count
    return counts


def build_change_steps(network: TrunkNetwork, vehicles: Vehicles, kept: Kept, change_price: float) -> Staircase:
    """Build the staircases around present vehicles.

    Parameters
    ----------
    kept
        The reference.
    change_price
        Price of one departure more or fewer than its [CNY].
    """
    free, counts = free_fleet(network, vehicles), _counts(vehicles)
    rooms: list[float] = []
    prices: list[float] = []
    pointers = np.zeros(network.runs + 1, dtype=np.int64)
    base_room, base_price, most = np.zeros(network.runs), np.zeros(network.runs), np.zeros(network.runs)
    for run in range(network.runs):
        at = _Run(network, run, counts.get(run, {}), kept, free, change_price)
        room, price, base_room[run], base_price[run], most[run] = at.corners()
        rooms += room
        prices += price
        pointers[run + 1] = len(rooms)
    blank = np.zeros(len(rooms), dtype=np.int64)
    base = np.full(network.runs, -1, dtype=np.int64)
    return Staircase(pointers, np.array(rooms), np.array(prices), base_room, base_price, most, blank, base)


def choose_changes(
    network: TrunkNetwork, vehicles: Vehicles, kept: Kept, load: Floats, change_price: float
) -> Vehicles:
    """Change present vehicles for other loads: drop what is not needed and worth it, hire what lacks."""
    free, counts = free_fleet(network, vehicles), _counts(vehicles)
    run_of: list[int] = []
    option_of: list[int] = []
    departures: list[int] = []
    for run in sorted(set(counts) | set(np.flatnonzero(load > 0).tolist())):
        at = _Run(network, run, counts.get(run, {}), kept, free, change_price)
        delta = at.change(float(load[run]))
        away = slice(int(network.run_step[run]), int(network.run_back[run]))
        for place in np.flatnonzero(delta):
            free[network.option_type[at.options[place]], away] -= delta[place]
        left = at.count + delta
        for place in np.flatnonzero(left):
            run_of.append(run)
            option_of.append(int(at.options[place]))
            departures.append(int(left[place]))
    runs, options, counted = (np.array(part, dtype=np.int64) for part in (run_of, option_of, departures))
    return tally(network, runs, options, counted, load)
