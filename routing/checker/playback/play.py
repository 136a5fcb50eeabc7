"""The play: minute by minute parcels come to hand, are sorted, board and leave; what misses its vehicle or its sort is noted.

At the close of a sort, what was at hand by its cut-off is sorted within its capacity: first what is to leave first, then in
order of arrival. What must leave before the next sort closes is sorted before anything may be sorted ahead; where the plan says how much of
that stands ready after a sort, no more is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from routing.checker.limits import PLAYBACK
from routing.checker.playback.clock import MINUTES, HubClock
from routing.checker.playback.orders import Orders, Vehicle

LATE, SORT, VEHICLE = "late", "sort", "vehicle"  # why parcels miss: at hand after the cut-off, sort over, vehicle over
_NEVER = float("inf")


@dataclass(slots=True)
class Batch:
    """Parcels of one order that move together: on which leg, at hand when, to leave (or be done) when."""

    order: int
    leg: int
    parcels: int
    at_hand: int
    leaves: float
    vehicle: int
    missed: bool = False


@dataclass(frozen=True, slots=True)
class Miss:
    """Why and where parcels miss: cause, hub, number of the sort there, and the vehicle (-1: the sort they are to be done by)."""

    cause: str
    hub: str
    sort: int
    vehicle: int


@dataclass(slots=True)
class Log:
    """What a play comes to.

    Attributes
    ----------
    misses
        Parcels by how they miss.
    over
        By hub and number of sort: parcels beyond the room of what waits, unsorted or sorted, after it.
    asked, handled
        By hub and number of sort: parcels that must be sorted in it, and those that are.
    boarded, finished
        Parcels that have boarded, leg by leg, and that are sorted at their destination.
    hired
        Parcels on hired vehicles by lane and minute.
    done
        (order, minute, parcels) of what is sorted at its destination.
    left
        Parcels not there when the last sort of the horizon has closed.
    """

    misses: dict[Miss, int] = field(default_factory=lambda: defaultdict(int))
    over: dict[tuple[str, str, int], float] = field(default_factory=dict)
    asked: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    handled: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    boarded: int = 0
    finished: int = 0
    hired: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    done: list[tuple[int, int, int]] = field(default_factory=list)
    left: int = 0


class Play:
    """State of a play: what stands unsorted and sorted at each hub, and the vehicles still to leave."""

    def __init__(self, clocks: Mapping[str, HubClock], plan: Orders, *, when_full: bool = False) -> None:
        self._clocks = clocks
        self._plan = plan
        self._when_full = when_full
        self._unsorted: dict[str, list[Batch]] = defaultdict(list)
        self._sorted: dict[int, list[Batch]] = defaultdict(list)
        self._stranded: dict[str, list[Batch]] = defaultdict(list)
        self._of_lane: dict[str, list[int]] = defaultdict(list)
        self._of_hub: dict[str, list[int]] = defaultdict(list)
        self._lanes_of_hub: dict[str, set[str]] = defaultdict(set)
        for number, vehicle in enumerate(plan.vehicles):
            self._of_lane[vehicle.lane].append(vehicle.doors)
            self._of_hub[vehicle.start].append(number)
            self._lanes_of_hub[vehicle.start].add(vehicle.lane)
        self._capacity: dict[tuple[str, int], float] = {}
        self.log = Log()

    def run(self) -> Log:
        """Play the plan from its first hand-in to the end of the last sort."""
        for number, order in enumerate(self._plan.orders):
            for minute, parcels in order.hand_ins:
                self._bring(number, 0, parcels, minute)
        closing: dict[int, list[tuple[str, int]]] = defaultdict(list)
        for hub, clock in self._clocks.items():
            for number, close in enumerate(clock.closes):
                closing[close].append((hub, number))
        leaving: dict[int, list[int]] = defaultdict(list)
        for number, vehicle in enumerate(self._plan.vehicles):
            leaving[vehicle.doors].append(number)
        for minute in sorted(closing.keys() | leaving.keys()):
            self._play_minute(minute, closing.get(minute, []), leaving.get(minute, []))
        for hub, batches in self._unsorted.items():
            for batch in batches:
                if not batch.missed:
                    self._miss(batch, self._cause(batch, hub))
        waiting = [*self._unsorted.values(), *self._sorted.values(), *self._stranded.values()]
        self.log.left = sum(batch.parcels for batches in waiting for batch in batches)
        return self.log

    def _play_minute(self, minute: int, sorts: list[tuple[str, int]], leaving: list[int]) -> None:
        """Sort what must leave, board, and repeat while what boards arrives in this very minute; then the rest."""
        moving = True
        while moving:
            for hub, number in sorts:
                self._sort(hub, number, minute, ahead=False)
            arrived = [self._board(number, minute) for number in leaving]
            moving = any(arrived)
        for hub, number in sorts:
            self._sort(hub, number, minute, ahead=True)
            if self._when_full:
                self._leave_full(hub, number, minute)
        for hub in sorted({self._plan.vehicles[number].start for number in leaving}):
            self._leave_behind(hub, minute)
        for number in leaving:
            self._leave(number, minute)
        for hub, number in sorts:
            self._count_waiting(hub, number)

    def _bring(self, order: int, leg: int, parcels: int, minute: int) -> None:
        """Bring parcels to hand at the hub where a leg of their order begins, or where they end."""
        order_of = self._plan.orders[order]
        hub = order_of.hubs[leg]
        last = leg == len(order_of.vehicles)
        vehicle = -1 if last else order_of.vehicles[leg]
        leaves = order_of.done_by if last else self._plan.vehicles[vehicle].doors
        batch = Batch(order, leg, parcels, minute, leaves, vehicle)
        if minute > leaves:
            self._miss(batch, LATE)
        self._unsorted[hub].append(batch)

    def _miss(self, batch: Batch, cause: str) -> None:
        order = self._plan.orders[batch.order]
        hub = order.hubs[batch.leg]
        self.log.misses[Miss(cause, hub, self._clocks[hub].last_by(batch.leaves), batch.vehicle)] += batch.parcels
        batch.missed = True

    def _cause(self, batch: Batch, hub: str) -> str:
        """Why parcels at hand were not sorted in time: after the last cut-off that would do, or no capacity."""
        clock = self._clocks[hub]
        last = clock.last_by(batch.leaves)
        return LATE if last < 0 or batch.at_hand > clock.sorts[last].cut_off else SORT

    def _sort(self, hub: str, number: int, minute: int, *, ahead: bool) -> None:
        """Sort what is at hand: what must leave before the next sort closes, or, when `ahead`, all there is room for."""
        waiting = self._unsorted[hub]
        if not waiting:
            return
        clock = self._clocks[hub]
        sort = clock.sorts[number]
        following = clock.closes[number + 1] if number + 1 < len(clock.closes) else _NEVER
        due = [b for b in waiting if b.at_hand <= sort.cut_off and (b.missed or b.leaves < following)]
        key = (hub, number)
        left, room = self._capacity.setdefault(key, sort.capacity), _NEVER
        ready = due
        if ahead:
            self.log.asked[key] += sum(batch.parcels for batch in due)
            # a plan that names hours says in which sort a parcel is finished
            ready = [b for b in waiting if b.at_hand <= sort.cut_off and not (self._plan.by_clock and b.vehicle < 0)]
            if clock.staging is not None:
                told = self._plan.staged
                most = clock.staging if told is None else min(clock.staging, told.get((hub, sort.day, sort.name), 0.0))
                room = max(0.0, most - self._count_staged(hub, number))
        ready.sort(key=lambda b: (b.leaves, b.at_hand, b.order, b.leg))
        gone: set[int] = set()
        for batch in ready:
            if left < 1:
                break
            parcels = int(min(batch.parcels, left, _NEVER if batch.vehicle < 0 else room))
            if parcels <= 0:
                continue
            left -= parcels
            if batch.vehicle >= 0:
                room -= parcels
            self.log.handled[key] += parcels
            if not ahead:
                self.log.asked[key] += parcels
            piece = batch if parcels == batch.parcels else _split(batch, parcels)
            if piece is batch:
                gone.add(id(batch))
            self._pass_on(piece, hub, minute)
        self._capacity[key] = left
        self._unsorted[hub] = [batch for batch in self._unsorted[hub] if id(batch) not in gone]

    def _pass_on(self, batch: Batch, hub: str, minute: int) -> None:
        """Put sorted parcels in front of their vehicle, or count them done."""
        if batch.vehicle < 0:
            if not batch.missed and minute > batch.leaves:
                self._miss(batch, self._cause(batch, hub))
            self.log.done.append((batch.order, minute, batch.parcels))
            self.log.finished += batch.parcels
        elif not batch.missed:
            self._sorted[batch.vehicle].append(batch)
        else:
            self._rebook(batch, minute)

    def _rebook(self, batch: Batch, minute: int) -> None:
        """Let what has missed its vehicle wait for the next one of the lane, or hire one where none leaves in a day."""
        lane = self._plan.vehicles[batch.vehicle].lane
        if any(minute <= leaves <= minute + PLAYBACK.waits * MINUTES for leaves in self._of_lane[lane]):
            self._stranded[lane].append(batch)
        else:
            self._hire(batch, minute)

    def _hire(self, batch: Batch, minute: int) -> None:
        vehicle = self._plan.vehicles[batch.vehicle]
        self.log.hired[vehicle.lane, minute] += batch.parcels
        self._send(batch, vehicle, minute)

    def _send(self, batch: Batch, vehicle: Vehicle, minute: int) -> int:
        """Send parcels over a lane at a minute; return when they are at hand at its end."""
        clock = self._clocks[vehicle.end]
        at_hand = clock.reopen(minute + vehicle.minutes + (clock.unload if vehicle.minutes else 0))
        self.log.boarded += batch.parcels
        self._bring(batch.order, batch.leg + 1, batch.parcels, at_hand)
        return at_hand

    def _load(
        self, batches: list[Batch], vehicle: Vehicle, minute: int, room: float
    ) -> tuple[list[Batch], float, bool]:
        """Load parcels in order of arrival while there is room; return what stays, the room left, and whether any arrive at once."""
        batches.sort(key=lambda b: (b.at_hand, b.order, b.leg))
        stays: list[Batch] = []
        at_once = False
        for batch in batches:
            parcels = int(min(batch.parcels, room))
            if parcels > 0:
                piece = batch if parcels == batch.parcels else _split(batch, parcels)
                room -= parcels
                at_once |= self._send(piece, vehicle, minute) == minute
                if piece is batch:
                    continue
            stays.append(batch)
        return stays, room, at_once

    def _board(self, number: int, minute: int) -> bool:
        """Load a vehicle with what is planned for it; say whether any of it arrives in this very minute."""
        vehicle = self._plan.vehicles[number]
        if not self._sorted[number]:
            return False
        goes = max(minute, vehicle.leaves)
        self._sorted[number], vehicle.room, at_once = self._load(self._sorted[number], vehicle, goes, vehicle.room)
        return at_once

    def _leave(self, number: int, minute: int) -> None:
        """Let a vehicle leave: what is planned for it and not aboard has missed it, what missed another takes its room."""
        vehicle = self._plan.vehicles[number]
        self._board(number, minute)
        stranded, vehicle.room, _ = self._load(self._stranded[vehicle.lane], vehicle, vehicle.leaves, vehicle.room)
        self._stranded[vehicle.lane] = []
        for batch in stranded:
            self._hire(batch, vehicle.leaves)
        left, self._sorted[number] = self._sorted[number], []
        for batch in left:
            self._miss(batch, VEHICLE)
            self._hire(batch, vehicle.leaves)

    def _leave_behind(self, hub: str, minute: int) -> None:
        """Note what stands unsorted while its vehicle leaves."""
        for batch in self._unsorted[hub]:
            if batch.vehicle >= 0 and not batch.missed and batch.leaves <= minute:
                self._miss(batch, self._cause(batch, hub))

    def _leave_full(self, hub: str, number: int, minute: int) -> None:
        """Let vehicles that are full leave at the close of an earlier sort of their business date."""
        day = self._clocks[hub].sorts[number].day
        for place in self._of_hub[hub]:
            vehicle = self._plan.vehicles[place]
            if vehicle.doors <= minute or vehicle.tail < 0 or self._clocks[hub].sorts[vehicle.tail].day != day:
                continue
            while vehicle.loads and sum(batch.parcels for batch in self._sorted[place]) >= vehicle.loads[0]:
                load = vehicle.loads.pop(0)
                vehicle.room -= load
                self._sorted[place], _, _ = self._load(self._sorted[place], vehicle, minute, load)

    def _count_waiting(self, hub: str, number: int) -> None:
        """Hold what waits after a sort against the room there is: at hand and unsorted, and sorted for a later departure."""
        clock = self._clocks[hub]
        sort = clock.sorts[number]
        unsorted = sum(batch.parcels for batch in self._unsorted[hub] if batch.at_hand <= sort.cut_off)
        staged = self._count_staged(hub, number)
        if clock.staging is None:
            self._note("buffer", hub, number, unsorted + staged - sort.buffer)
        else:
            self._note("buffer", hub, number, unsorted - sort.buffer)
            self._note("staging", hub, number, staged - clock.staging)

    def _count_staged(self, hub: str, number: int) -> int:
        """Sorted parcels that wait for a vehicle which loads after a later sort, or for any that has room."""
        vehicles = self._plan.vehicles
        later = [place for place in self._of_hub[hub] if vehicles[place].tail > number and self._sorted[place]]
        stranded = sum(batch.parcels for lane in self._lanes_of_hub[hub] for batch in self._stranded[lane])
        return stranded + sum(batch.parcels for place in later for batch in self._sorted[place])

    def _note(self, kind: str, hub: str, number: int, beyond: float) -> None:
        if beyond > 0:
            self.log.over[kind, hub, number] = beyond


def _split(batch: Batch, parcels: int) -> Batch:
    """Take parcels off a batch, as one of their own."""
    batch.parcels -= parcels
    return Batch(batch.order, batch.leg, parcels, batch.at_hand, batch.leaves, batch.vehicle, batch.missed)


def count_hired(log: Log, holds: Mapping[str, float]) -> int:
    """Hired vehicles a play needs: for each lane and minute as many of the lane's largest as hold the parcels."""
    return sum(-int(-parcels // holds[lane]) for (lane, _), parcels in log.hired.items() if holds.get(lane, 0) > 0)
