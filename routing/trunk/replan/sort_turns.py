"""In which sorts parcels are sorted that wait for a departure at a hub with staging: tables tell when they leave, and how many each sort handles.

Of what is at hand a sort takes first what leaves first. That is no loss: whoever sorted another in its place could change the two, and as
much would wait unsorted, and as much sorted, after every sort. Where it is not told how many a sort handles, parcels are sorted as late as
capacities and buffers let them.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from routing.trunk.task.flows import Flows
from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.task.paths import PathPool, merge_paths


@dataclass(slots=True)
class _Visit:
    """Parcels of a path at a hub with staging: from which of its sorts on they are at hand, the one after which they leave or in which they end.

    ``pieces`` are the sorts they are sorted in, and how many.
    """

    come: int
    leave: int
    parcels: int
    ends: bool
    pieces: list[tuple[int, int]] = field(default_factory=list)


def settle_sorts(network: TrunkNetwork, flows: Flows, handled: Floats | None = None) -> Flows:
    """Say in which sorts parcels are sorted at hubs with staging; when they leave and arrive stays.

    Parameters
    ----------
    flows
        Whichever sorts they are sorted in.
    handled : (N,), optional
        Parcels each sort handles; as late as may be by default.
    """
    if not network.node_staged.any() or not len(flows.pool):
        return flows
    hubs = _Hubs(network)
    paths = [hubs.list_visits(flows, path) for path in range(len(flows.pool))]
    at: dict[int, list[_Visit]] = defaultdict(list)
    for of_path in paths:
        for hub, visit in of_path.items():
            at[hub].append(visit)
    for hub, mine in at.items():
        told = None if handled is None else np.rint(handled[hubs.sorts[hub]])
        _take_in_turn(mine, _count_sorted(mine, network, hubs.sorts[hub]) if told is None else told)
    demand, parcels, pointers, legs = [], [], [0], []
    for path, visits in enumerate(paths):
        for amount, turns in _split(visits, int(flows.parcels[path])):
            legs += hubs.write(flows, path, turns)
            pointers.append(len(legs))
            demand.append(int(flows.pool.demand[path]))
            parcels.append(amount)
    pool = PathPool(
        np.array(demand, dtype=np.int64), np.array(pointers, dtype=np.int64), np.array(legs, dtype=np.int64)
    )
    merged, place = merge_paths(network, [pool])
    return Flows(merged, np.rint(np.bincount(place, parcels, len(merged))).astype(np.int64))


class _Hubs:
    """Sorts of the hubs with staging, and the ways between them."""

    def __init__(self, network: TrunkNetwork) -> None:
        self.network = network
        self.sort_of: Ints = network.sorts_before()
        self.aside: Ints = network.ways_to_staging()
        self.drives = network.arc_drives
        own = np.unique(network.node_hub[network.node_staged])
        self.sorts: dict[int, Ints] = {
            int(hub): np.flatnonzero((network.node_hub == hub) & ~network.node_staged) for hub in own
        }

    def list_visits(self, flows: Flows, path: int) -> dict[int, _Visit]:
        """Visits of a path, by hub: no path passes one twice."""
        network = self.network
        visits: dict[int, _Visit] = {}
        for come, leave, arc in self._follow(flows, path):
            hub = int(network.node_hub[come])
            if hub in self.sorts:
                turns = int(network.node_turn[come]), int(network.node_turn[leave])
                visits[hub] = _Visit(*turns, int(flows.parcels[path]), arc < 0)
        return visits

    def write(self, flows: Flows, path: int, turns: dict[int, int]) -> list[int]:
        """Legs of a path that is sorted in given turns at hubs with staging."""
        network, legs = self.network, []
        for come, leave, arc in self._follow(flows, path):
            node, hub = come, int(network.node_hub[come])
            until = self.sorts[hub][turns[hub]] if hub in turns else leave
            while node != until:
                legs.append(network.arcs + node)
                node = int(network.after[node])
            if arc < 0:
                continue
            if hub in turns:
                legs.append(int(self.aside[node]))
                node = int(network.arc_head[legs[-1]])
                while node != network.arc_tail[arc]:
                    legs.append(network.arcs + node)
                    node = int(network.after[node])
            legs.append(arc)
        return legs

    def _follow(self, flows: Flows, path: int) -> list[tuple[int, int, int]]:
        """Sorts at which a path comes to a hub and leaves it, and the departure it leaves with; -1 at its end."""
        network, pool = self.network, flows.pool
        found = []
        come = node = int(network.demand_start[pool.demand[path]])
        for leg in pool.legs[pool.pointers[path] : pool.pointers[path + 1]].tolist():
            if leg >= network.arcs:
                node = int(network.after[node])
            elif not self.drives[leg]:
                node = int(network.arc_head[leg])
            else:
                found.append((come, int(self.sort_of[node]), leg))
                come = node = int(network.arc_head[leg])
        found.append((come, int(self.sort_of[node]), -1))
        return found


def _count_sorted(visits: list[_Visit], network: TrunkNetwork, nodes: Ints) -> Floats:
    """Parcels each sort of a hub is to handle, (turns,), as few of them ahead of their departure as capacity and buffer let."""
    capacity, buffer = network.sort_capacity[nodes], network.buffer_capacity[nodes]
    leaving, waiting, ending = np.zeros(len(nodes)), np.zeros(len(nodes)), np.zeros(len(nodes))
    for visit in visits:
        leaving[visit.leave] += visit.parcels
        waiting[visit.come : visit.leave] += visit.parcels
        if visit.ends:
            ending[visit.come : visit.leave] += visit.parcels
    ahead = np.zeros(len(nodes))
    for turn in range(len(nodes) - 1, 0, -1):
        lack = leaving[turn] + ahead[turn] - capacity[turn]
        ahead[turn - 1] = min(
            max(lack, waiting[turn - 1] - buffer[turn - 1], 0.0), waiting[turn - 1] - ending[turn - 1]
        )
    for turn in range(1, len(nodes)):
        # what was sorted for a later departure than the next stands there until then
        ahead[turn] = max(ahead[turn], ahead[turn - 1] - leaving[turn])
    return np.asarray(leaving + ahead - np.concatenate([[0.0], ahead[:-1]]))


def _take_in_turn(visits: list[_Visit], sorted_in: Floats) -> None:
    """Let each sort take so many parcels: those that end in it, then what leaves first; what must leave is taken in any case."""
    come: dict[int, list[int]] = defaultdict(list)
    for number, visit in enumerate(visits):
        if visit.ends:
            visit.pieces.append((visit.leave, visit.parcels))
        else:
            come[visit.come].append(number)
    ends = np.zeros(len(sorted_in))
    for visit in visits:
        ends[visit.leave] += visit.parcels if visit.ends else 0
    waiting: list[tuple[int, int, int]] = []
    for turn in range(len(sorted_in)):
        for number in come.get(turn, ()):
            heapq.heappush(waiting, (visits[number].leave, number, visits[number].parcels))
        left = int(max(sorted_in[turn] - ends[turn], 0.0))
        while waiting and (left > 0 or waiting[0][0] <= turn):
            leave, number, parcels = heapq.heappop(waiting)
            taken = parcels if leave <= turn else min(parcels, left)
            left -= taken
            visits[number].pieces.append((turn, taken))
            if taken < parcels:
                heapq.heappush(waiting, (leave, number, parcels - taken))


def _split(visits: dict[int, _Visit], parcels: int) -> list[tuple[int, dict[int, int]]]:
    """Parcels of a path by the turns they are sorted in at every hub with staging."""
    left = {hub: [list(piece) for piece in visit.pieces] for hub, visit in visits.items()}
    parts = []
    while parcels > 0:
        amount = min([parcels, *(pieces[0][1] for pieces in left.values())])
        parts.append((amount, {hub: pieces[0][0] for hub, pieces in left.items()}))
        parcels -= amount
        for pieces in left.values():
            pieces[0][1] -= amount
            if not pieces[0][1]:
                pieces.pop(0)
    return parts
