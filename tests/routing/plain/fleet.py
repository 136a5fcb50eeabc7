"""The plain twin of spreading vehicles: arcs are objects, and what stands free is counted anew each time it is asked."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass
class Pair:
    """Departures of one vehicle type on an arc."""

    kind: int
    busy: int
    capacity: float
    cost: float
    limit: float
    frozen: bool
    departures: int


@dataclass
class Arc:
    """A lane on a day with its load and the pairs that may carry it."""

    day: int
    load: float
    lane_limit: float
    pairs: list[Pair] = field(default_factory=list)

    def room(self) -> float:
        """Parcels its departures hold."""
        return sum(pair.departures * pair.capacity for pair in self.pairs)

    def total(self) -> int:
        """All its departures."""
        return sum(pair.departures for pair in self.pairs)


@dataclass
class Fleets:
    """All arcs, and how many vehicles of each type there are."""

    arcs: list[Arc]
    sizes: list[float]
    days: int

    def free(self, kind: int, day: int) -> float:
        """Vehicles of a type that stand unused on a day."""
        away = sum(
            pair.departures
            for arc in self.arcs
            for pair in arc.pairs
            if pair.kind == kind and arc.day <= day < arc.day + pair.busy
        )
        return self.sizes[kind] - away

    def has_free(self, arc: Arc, pair: Pair, copies: int) -> bool:
        """Tell whether so many more can leave."""
        days = range(arc.day, min(self.days, arc.day + pair.busy))
        return all(self.free(pair.kind, day) >= copies for day in days)


def spread_plainly(fleets: Fleets, order: list[int], sweeps: int) -> None:
    """Hold back, replace where a fleet is exceeded, then improve arc by arc."""
    for arc in fleets.arcs:
        while arc.total() > arc.lane_limit:
            usable = [pair for pair in arc.pairs if pair.departures > 0 and not pair.frozen]
            if not usable:
                break
            min(usable, key=lambda pair: pair.capacity).departures -= 1
    for kind in range(len(fleets.sizes)):
        for day in range(fleets.days):
            while fleets.free(kind, day) < 0 and _replace_one(fleets, kind, day):
                pass
            _leave_behind(fleets, kind, day)
    for _ in range(sweeps):
        changes = [
            _fill(fleets, arc) + _exchange(fleets, arc) for arc in (fleets.arcs[n] for n in order) if arc.load > 0
        ]
        if not any(changes):
            return


def _replace_one(fleets: Fleets, kind: int, day: int) -> bool:
    choices: list[tuple[float, Arc, Pair, Pair | None, int]] = []
    for arc in fleets.arcs:
        for pair in arc.pairs:
            away = arc.day <= day < arc.day + pair.busy
            if pair.kind != kind or not pair.departures or pair.frozen or not away:
                continue
            need = arc.load - (arc.room() - pair.capacity)
            if need <= 0:
                choices.append((-pair.cost, arc, pair, None, 0))
            for other in arc.pairs:
                copies = max(1, math.ceil(need / other.capacity))
                if (
                    other.kind != kind
                    and not other.frozen
                    and other.departures + copies <= other.limit
                    and arc.total() - 1 + copies <= arc.lane_limit
                    and fleets.has_free(arc, other, copies)
                ):
                    choices.append((copies * other.cost - pair.cost, arc, pair, other, copies))
    if not choices:
        return False
    _, _, pair, other_pair, copies = min(choices, key=lambda choice: choice[0])
    pair.departures -= 1
    if other_pair is not None:
        other_pair.departures += copies
    return True


def _leave_behind(fleets: Fleets, kind: int, day: int) -> None:
    for arc in fleets.arcs:
        for pair in arc.pairs:
            while (
                fleets.free(kind, day) < 0
                and pair.kind == kind
                and pair.departures > 0
                and arc.day <= day < arc.day + pair.busy
            ):
                pair.departures -= 1


def _fill(fleets: Fleets, arc: Arc) -> int:
    added = 0
    while arc.room() < arc.load and arc.total() < arc.lane_limit:
        missing = arc.load - arc.room()
        fitting = [
            pair
            for pair in arc.pairs
            if not pair.frozen and pair.departures < pair.limit and fleets.has_free(arc, pair, 1)
        ]
        if not fitting:
            break
        min(fitting, key=lambda pair: pair.cost / min(pair.capacity, missing)).departures += 1
        added += 1
    return added


def _exchange(fleets: Fleets, arc: Arc) -> int:
    changes = 0
    for pair in arc.pairs:
        if pair.frozen:
            continue
        while pair.departures > 0 and arc.room() - pair.capacity >= arc.load:
            pair.departures -= 1
            changes += 1
        for other in arc.pairs:
            if other is pair or other.frozen or other.cost >= pair.cost - 1e-9:
                continue
            while (
                pair.departures > 0
                and other.departures < other.limit
                and arc.room() - pair.capacity + other.capacity >= min(arc.load, arc.room())
                and fleets.has_free(arc, other, 1)
            ):
                pair.departures -= 1
                other.departures += 1
                changes += 1
    return changes
