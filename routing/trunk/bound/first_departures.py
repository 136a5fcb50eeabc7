"""When parcels can leave their hub at the earliest: the first departure that begins a path planners accept and that ends in time.

Where storms shut lanes a hub may sort what it likes: no departure leads on until they are over, and until then it has only its buffer.
"""

from __future__ import annotations

from collections import defaultdict
from heapq import heappop, heappush

import numpy as np

from routing.trunk.task.network import Floats, Ints, TrunkNetwork

NEVER = 1 << 40  # no departure leads there in time
_NOISE = 1e-6  # [km]


def find_first_departures(network: TrunkNetwork, demand: Ints) -> Ints:
    """Find the sort of its origin with which each demand can leave at the earliest.

    Parameters
    ----------
    demand : (n,)
        Numbers of demands.

    Returns
    -------
    (n,)
        Turn at the origin, not before the one it is handed in for; ``NEVER`` where no path ends in time. What ends where it begins leaves at once.

    Notes
    -----
    Sort capacities, rooms and buffers count only where they are 0, so that no plan leaves earlier. Where paths are bound they are followed leg by leg, each
    parcel taking of every lane what arrives first; where none is, one pass back from every destination tells until when each hub may be reached.
    """
    finder = _Finder(network)
    return np.array([finder.find(int(one)) for one in demand], dtype=np.int64)


def measure_room(network: TrunkNetwork) -> Floats:
    """Return (N,) [parcels] what the vehicles that can leave after each sort hold at most; ``inf`` where their number has no bound."""
    lane, day = network.vehicle_lane, np.arange(network.days)
    number = np.floor(np.minimum(network.vehicle_limit, network.type_fleet[network.vehicle_type][:, None]) + _NOISE)
    held = np.where(number > 0, number, 0.0) * network.vehicle_capacity[:, None]
    by_lane: Floats = np.zeros((len(network.lane_ids), network.days))
    largest: Floats = np.zeros(len(network.lane_ids))
    np.add.at(by_lane, (lane[:, None], day[None, :]), held)
    np.maximum.at(largest, lane, network.vehicle_capacity)
    some = largest > 0
    by_lane[~some] = 0.0
    by_lane[some] = np.minimum(by_lane[some], np.floor(network.lane_limit[some] + _NOISE) * largest[some, None])
    room: Floats = np.zeros(network.nodes)
    np.add.at(room, network.arc_tail, by_lane[network.arc_lane, network.arc_day])
    return room


class _Finder:
    """Departures by lane in the order of their sorts, and the paths from hub to hub."""

    def __init__(self, network: TrunkNetwork) -> None:
        self.network, self.rules = network, network.path_rules
        turn = network.node_turn
        self.onward: dict[int, list[int]] = defaultdict(list)
        for lane in np.flatnonzero(network.lane_origin != network.lane_destination).tolist():
            self.onward[int(network.lane_origin[lane])].append(lane)
        self.tails: dict[int, Ints] = {}
        self.arrivals: dict[int, Ints] = {}
        self.heads: dict[int, Ints] = {}
        usable = np.flatnonzero((network.sort_capacity[network.arc_tail] > 0) & network.arc_drives)
        by_lane = usable[np.lexsort((turn[network.arc_tail[usable]], network.arc_lane[usable]))]
        cuts = np.flatnonzero(np.diff(network.arc_lane[by_lane])) + 1
        for arcs in np.split(by_lane, cuts):
            if len(arcs):
                lane = int(network.arc_lane[arcs[0]])
                self.tails[lane], self.heads[lane] = turn[network.arc_tail[arcs]], turn[network.arc_head[arcs]]
                # what arrives first of all that leave from a sort on
                self.arrivals[lane] = np.minimum.accumulate(self.heads[lane][::-1])[::-1]
        self.last_sort = np.full(network.hubs, -1, dtype=np.int64)
        able = np.flatnonzero((network.sort_capacity > 0) & ~network.node_staged)
        np.maximum.at(self.last_sort, network.node_hub[able], turn[able])
        self.km = self._measure_lanes()
        self.least_km = self._measure_ways()
        self.hours: Floats = np.full((network.hubs, network.turns), np.inf)
        self.hours[network.node_hub, turn] = network.close_hour
        self.into: dict[int, list[int]] = defaultdict(list)
        # departures of a lane by the turn they come in, and the last turn of those up to each that they leave with
        self.by_head: dict[int, tuple[Ints, Ints]] = {}
        for lane, tails in self.tails.items():
            order = np.argsort(self.heads[lane], kind="stable")
            self.by_head[lane] = self.heads[lane][order], np.maximum.accumulate(tails[order])
            self.into[int(network.lane_destination[lane])].append(lane)
        self._latest: dict[int, dict[int, int]] = {}
        self._known: dict[tuple[int, int], Ints] = {}

    def find(self, demand: int) -> int:
        """Find the turn at which a demand can leave."""
        network = self.network
        origin, goal = int(network.demand_origin[demand]), int(network.demand_destination[demand])
        start = int(network.node_turn[network.demand_start[demand]])
        if origin == goal:
            return start
        if (origin, goal) not in self._known:
            self._known[origin, goal] = self._list_firsts(origin, goal)
        return int(self._known[origin, goal][start])

    def _list_firsts(self, origin: int, goal: int) -> Ints:
        """Return (turns,) the first sort from each on with which a departure leads on."""
        firsts = np.full(self.network.turns + 1, NEVER, dtype=np.int64)
        for lane in self.onward[origin]:
            if lane in self.tails:
                hub = int(self.network.lane_destination[lane])
                latest = (
                    self._find_latest(lane, (origin, goal)) if self.rules.bounded else self._go_back(goal).get(hub, -1)
                )
                tails = self.tails[lane][self.heads[lane] <= latest]
                firsts[tails] = np.minimum(firsts[tails], tails)
        return np.minimum.accumulate(firsts[::-1])[::-1]

    def _go_back(self, goal: int) -> dict[int, int]:
        """By hub the last turn from which parcels still come to a destination in time, whatever the path (Dijkstra 1959, from the end)."""
        if goal in self._latest:
            return self._latest[goal]
        latest = {goal: int(self.last_sort[goal])}
        heap, done = [(-self.hours[goal, latest[goal]], goal)], set[int]()
        while heap:
            _, hub = heappop(heap)
            if hub in done or latest[hub] < 0:
                continue
            done.add(hub)
            for lane in self.into[hub]:
                start = int(self.network.lane_origin[lane])
                place = int(np.searchsorted(self.by_head[lane][0], latest[hub], side="right")) - 1
                if start not in done and place >= 0 and self.by_head[lane][1][place] > latest.get(start, -1):
                    latest[start] = int(self.by_head[lane][1][place])
                    heappush(heap, (-self.hours[start, latest[start]], start))
        self._latest[goal] = latest
        return latest

    def _find_latest(self, lane: int, ends: tuple[int, int]) -> int:
        """Latest turn in which a lane may come to its end so that an accepted path still ends in time, by bisection; -1 without one."""
        heads = np.unique(self.heads[lane])
        if not self._ends(lane, int(heads[0]), ends):
            return -1  # most lanes lead elsewhere
        good, bad = 1, len(heads)
        while good < bad:
            middle = (good + bad) // 2
            if self._ends(lane, int(heads[middle]), ends):
                good = middle + 1
            else:
                bad = middle
        return int(heads[good - 1])

    def _ends(self, lane: int, head: int, ends: tuple[int, int]) -> bool:
        """Say whether an accepted path that begins with a lane, and comes to its end in a turn, ends in time."""
        origin, goal = ends
        most_km = float(self.rules.most_km[origin, goal])
        hub = int(self.network.lane_destination[lane])
        # hub, turn, legs, kilometres, hubs passed
        stack = [(hub, head, 1, float(self.km[lane]), frozenset((origin, hub)))]
        while stack:
            here, turn, legs, km, passed = stack.pop()
            if turn > self.last_sort[here] or km + self.least_km[here, goal] > most_km + _NOISE:
                continue
            if here == goal:
                return True
            if legs >= self.rules.most_legs:
                continue
            for onward in self.onward[here]:
                there = int(self.network.lane_destination[onward])
                if there in passed or onward not in self.tails:
                    continue
                at = int(np.searchsorted(self.tails[onward], turn))
                if at < len(self.tails[onward]):
                    arrives = int(self.arrivals[onward][at])
                    stack.append((there, arrives, legs + 1, km + float(self.km[onward]), passed | {there}))
        return False

    def _measure_lanes(self) -> Floats:
        """Kilometres of lanes with departures, (L,)."""
        km: Floats = np.zeros(len(self.network.lane_ids))
        if len(self.rules.arc_km) == self.network.arcs:
            km[self.network.arc_lane] = self.rules.arc_km
        return km

    def _measure_ways(self) -> Floats:
        """Kilometres of the shortest way over lanes of any kind, (H, H)."""
        least = np.full((self.network.hubs, self.network.hubs), np.inf)
        np.fill_diagonal(least, 0.0)
        lanes = np.array(sorted(self.tails), dtype=np.int64)
        np.minimum.at(least, (self.network.lane_origin[lanes], self.network.lane_destination[lanes]), self.km[lanes])
        for via in range(self.network.hubs):
            least = np.minimum(least, least[:, via, None] + least[None, via, :])
        return least
