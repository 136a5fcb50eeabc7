"""The plain twin of the dual ascent: legs as tuples, sets of nodes, prices in dictionaries, cheapest paths by passing prices on."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import NamedTuple

from routing.trunk.bound.dual_ascent import AscentTask
from routing.trunk.task.network import Floats

END = -1
_NIL = 1e-9


class Leg(NamedTuple):
    """One step of a demand: an arc, a night (``arc`` is None), or being sorted at its end."""

    tail: int
    head: int
    price: float
    arc: int | None


class PlainAscent:
    """Prices of demands on arcs, raised one demand after the other.

    Parameters
    ----------
    task
        As the compiled ascent reads it.
    slack : (O, D)
        What each departure costs beyond what parcels pay for its room.
    """

    def __init__(self, task: AscentTask, slack: Floats) -> None:
        self.task = task
        self.paid: defaultdict[tuple[int, int], float] = defaultdict(float)
        self.slack = {(o, d): float(value) for o, row in enumerate(slack) for d, value in enumerate(row)}
        self.stuck: set[int] = set()

    def ascend(self, order: list[int], rounds: int) -> float:
        """Raise every demand once a round; return the price of all cheapest paths, or of the shortfalls where those are less."""
        for _ in range(rounds):
            for k in order:
                if k not in self.stuck and not self._raise(k):
                    self.stuck.add(k)
        return sum(min(self._measure(k)[END], self._shortfall(k)) for k in range(len(self.task.start)))

    def _shortfall(self, k: int) -> float:
        return float(self.task.parcels[k] * self.task.short_cost)

    def _legs(self, k: int) -> list[Leg]:
        task, parcels = self.task, float(self.task.parcels[k])
        legs = []
        for node in range(len(task.hub)):
            if task.hold_price[node] < math.inf:
                legs.append(Leg(node, int(task.after[node]), parcels * task.hold_price[node], None))
            if task.hub[node] == task.goal[k] and task.sort_price[node] < math.inf:
                late = task.late_price[task.commodity[k], task.turn[node]]
                legs.append(Leg(node, END, parcels * (task.sort_price[node] + late), None))
        for arc, (tail, head) in enumerate(zip(task.tail.tolist(), task.head.tolist(), strict=True)):
            if task.hub[tail] != task.goal[k] and task.sort_price[tail] < math.inf:
                price = parcels * (task.sort_price[tail] + task.arc_price[arc]) + self.paid[k, arc]
                legs.append(Leg(tail, head, price, arc))
        return legs

    def _measure(self, k: int) -> dict[int, float]:
        """Price of the cheapest path from the start to every node, and to the end."""
        far = dict.fromkeys([*range(len(self.task.hub)), END], math.inf)
        far[int(self.task.start[k])] = 0.0
        falling = True
        while falling:
            falling = False
            for leg in self._legs(k):
                if far[leg.tail] + leg.price < far[leg.head]:
                    far[leg.head], falling = far[leg.tail] + leg.price, True
        return far

    def _raise(self, k: int) -> bool:
        """Raise the demand's cheapest path until something is tight; False where it rises no more."""
        far, legs = self._measure(k), self._legs(k)
        step = room = self._shortfall(k) - far[END]
        inside: set[int] = {END}
        joined = room > _NIL
        while joined:
            joined, step = False, room
            for leg in legs:
                if leg.head not in inside or leg.tail in inside or far[leg.tail] == math.inf:
                    continue
                lack = far[leg.tail] + leg.price - far[leg.head]
                if lack <= _NIL and leg.arc is not None:
                    lack = min(free / share for free, share in self._departures(k, leg.arc).values())
                if lack <= _NIL:
                    inside.add(leg.tail)
                    joined = True
                else:
                    step = min(step, lack)
        if step <= _NIL or int(self.task.start[k]) in inside:
            return False
        for leg in legs:
            tight = far[leg.tail] + leg.price - far[leg.head] <= _NIL if far[leg.tail] < math.inf else False
            if leg.arc is not None and leg.head in inside and leg.tail not in inside and tight:
                self.paid[k, leg.arc] += step
                for departure, (_, share) in self._departures(k, leg.arc).items():
                    self.slack[departure] -= step * share
        return True

    def _departures(self, k: int, arc: int) -> dict[tuple[int, int], tuple[float, float]]:
        """What is left of each vehicle's price on an arc, and the part of it that the demand's price counts for."""
        task, lane, day = self.task, self.task.lane[arc], int(self.task.day[arc])
        first, last = task.first_vehicle[lane], task.first_vehicle[lane + 1]
        return {
            (o, day): (self.slack[o, day], min(1.0, float(task.capacity[o] / task.parcels[k])))
            for o in range(int(first), int(last))
        }
