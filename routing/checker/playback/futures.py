"""A plan on many futures at once: does a hub overflow, and in which of them.

The rules are those of the method page on risk, written anew from it: the stress test's player shares no line with this one. All futures
are played side by side, a cell of parcels being a row of counts, one for each future.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from routing.checker.limits import PLAYBACK
from routing.checker.playback.cells import Cell, Counts, Path, Visit
from routing.checker.playback.ground import Ground

Marks = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Freedom:
    """What dispatchers may do: use other lanes of the plan, call vehicles up to a share of a day's departures, or have any number of them."""

    others: bool = False
    called: float = 0.0
    unlimited: bool = False


RIGID, FREE = Freedom(), Freedom(unlimited=True)


@dataclass(slots=True)
class Futures:
    """State of a play: cells by hub, those on the way, room and load of lanes.

    Attributes
    ----------
    over
        [futures] whether any hub overflowed.
    """

    ground: Ground
    freedom: Freedom
    demand: Counts
    over: Marks = field(init=False)
    _yard: dict[int, list[Cell]] = field(init=False)
    _coming: dict[tuple[int, int], dict[object, Cell]] = field(init=False)
    _room: dict[int, Counts] = field(init=False)
    _load: dict[tuple[int, int, int], Counts] = field(init=False)
    _left: Counts = field(init=False)
    _closed: dict[int, int] = field(init=False)
    _called: dict[int, Counts] = field(init=False)

    def __post_init__(self) -> None:
        """Begin with empty yards."""
        count = self.demand.shape[0]
        self.over = np.zeros(count, dtype=np.bool_)
        self._yard = {hub: [] for hub in range(self.ground.hubs)}
        self._coming, self._room, self._load, self._called = {}, {}, {}, {}
        self._closed = dict.fromkeys(range(self.ground.hubs), -1)
        self._left = self._none()

    def play(self) -> Marks:
        """Play all sorts in the order of their close; return which futures overflow."""
        for visit in self.ground.visits:
            hub, step = visit.hub, visit.step
            if visit.first:
                self._open(visit)
            self._yard[hub] += self._coming.pop((hub, step), {}).values()
            self._yard[hub].sort(key=lambda cell: (cell.leave, cell.arrived))
            self._sort(visit)
            self._finish(visit)
            self._load_planned(visit)
            if visit.last and not self.freedom.unlimited:
                self._load_ahead(visit)
            if self.freedom.others:
                self._load_others(visit)
                self._turn_to_road(visit)
            if visit.last:
                if visit.day > self.ground.last_demand:
                    self._ride_later(visit)
                self._call(visit)
            self._yard[hub] = [cell for cell in self._yard[hub] if (cell.unsorted + cell.ready).any()]
            if visit.last:
                self._count(visit)
        return self.over

    def _none(self) -> Counts:
        return np.zeros(self.demand.shape[0], dtype=np.int64)

    def _open(self, visit: Visit) -> None:
        hub, step = visit.hub, visit.step
        for hand_in in self.ground.hand_ins.get((hub, step), ()):
            parcels = self.demand[:, hand_in.column]
            first = np.maximum(parcels * hand_in.low // hand_in.total, np.floor(parcels * hand_in.since + 1e-9))
            last = np.minimum(parcels * hand_in.high // hand_in.total, np.floor(parcels * hand_in.until + 1e-9))
            self._put(hub, step, hand_in.path, np.maximum(last - first, 0).astype(np.int64))
        self._left = np.full(self.demand.shape[0], self.ground.capacity(hub, step))
        for lane in self.ground.of_hub[hub]:
            runs = self.ground.reached(lane, step) >= 0
            room = self.ground.unbounded if self.freedom.unlimited else self.ground.room(lane, step)
            self._room[lane] = np.full(self.demand.shape[0], room if runs else 0)
        if visit.new_day:
            self._called[hub] = self._none()

    def _put(self, hub: int, step: int, path: Path, parcels: Counts) -> None:
        """Let parcels reach a hub for a step, or for the next one when that has ended."""
        if not parcels.any():
            return
        at = max(step, self._closed[hub] + 1)
        cells = self._coming.setdefault((hub, at), {})
        if path.key not in cells:
            cells[path.key] = Cell(path, at, self.ground.leave_of(hub, path), self._none(), self._none())
        cells[path.key].unsorted += parcels

    def _turns(self, hub: int) -> Iterator[list[Cell]]:
        cells: list[Cell] = []
        for cell in self._yard[hub]:
            if cells and (cells[0].leave, cells[0].arrived) != (cell.leave, cell.arrived):
                yield cells
                cells = []
            cells.append(cell)
        if cells:
            yield cells

    def _sort(self, visit: Visit) -> None:
        """Sort first what can leave or ends here, then, on the last visit of a sort, the rest, each in turn.

        What is ahead of its departure cannot leave; on earlier visits what is to be finished by a later sort waits as well.
        """
        hub = visit.hub
        room_left = {lane: self._room[lane].copy() for lane in self.ground.of_hub[hub]}
        for turn in self._turns(hub):
            in_time = visit.last or turn[0].leave.step <= visit.step
            held = [cell.is_early(visit.step) or (cell.path.lane is None and not in_time) for cell in turn]
            shares = [self._none() if stays else cell.unsorted for cell, stays in zip(turn, held, strict=True)]
            for lane, mine in _by_lane(turn, visit.step).items():
                for number in mine:
                    room_left[lane] = np.maximum(room_left[lane] - turn[number].ready, 0)
                asked = [turn[number].unsorted for number in mine]
                for number, share in zip(mine, _divide(asked, room_left[lane]), strict=True):
                    shares[number] = share
                room_left[lane] = np.maximum(room_left[lane] - np.sum(asked, axis=0), 0)
            self._left = self._left - _take(turn, _divide(shares, self._left))
        if not visit.last:
            return
        most = self._left
        staging = self.ground.staging[hub]
        if staging is not None and visit.day <= self.ground.last_demand:
            most = np.minimum(most, np.maximum(staging - self._count_staged(visit), 0))
        for turn in self._turns(hub):
            taken = _take(turn, _divide([cell.unsorted for cell in turn], most))
            self._left, most = self._left - taken, most - taken

    def _count_staged(self, visit: Visit) -> Counts:
        """Sorted parcels that do not leave after this sort: what finds no room, and what is early and not beyond the plan's own."""
        staged = self._none()
        for lane, ready in self._count_ready(visit.hub).items():
            mine = (cell for cell in self._yard[visit.hub] if cell.path.lane == lane and not cell.is_early(visit.step))
            leaves = np.minimum(sum((cell.ready for cell in mine), start=self._none()), self._room[lane])
            beyond = ready - leaves - self.ground.meant(lane, visit.step)
            staged = staged + ready - leaves
            if not self.freedom.unlimited:
                staged = staged - np.minimum(beyond, self._room[lane] - leaves).clip(min=0)
        return staged

    def _count_ready(self, hub: int) -> dict[int, Counts]:
        waiting = {lane: self._none() for lane in self.ground.of_hub[hub]}
        for cell in self._yard[hub]:
            lane = cell.path.lane
            if lane is not None:
                waiting[lane] = waiting[lane] + cell.ready
        return waiting

    def _finish(self, visit: Visit) -> None:
        """Let what ends here leave, and what was handed in before the plan ride on with vehicles of an earlier one."""
        for cell in self._yard[visit.hub]:
            if not cell.path.legs:
                cell.ready = self._none()
            elif cell.path.earlier and self.ground.reached(cell.path.legs[0], visit.step) >= 0:
                lane = cell.path.legs[0]
                self._send(cell, cell.path, self.ground.reached(lane, visit.step), cell.ready.copy())

    def _send(self, cell: Cell, path: Path, step: int, parcels: Counts) -> None:
        cell.ready = cell.ready - parcels
        self._put(self.ground.ends[path.legs[0]], step, path.rest(), parcels)

    def _board(self, cell: Cell, path: Path, step: int, parcels: Counts) -> None:
        """Put parcels on planned vehicles: their own and those that leave later, then those before, each to the step it reaches."""
        lane = path.legs[0]
        usual = self.ground.reached(lane, step)
        vehicles = list(enumerate(self.ground.vehicles.get((lane, step), ())))
        own = cell.leave.turn if path is cell.path and cell.leave.step == step else 0
        for number, (room, reached) in vehicles[own:] + vehicles[:own]:
            aboard = self._load.setdefault((lane, step, number), self._none())
            taken = np.minimum(room - aboard, parcels)
            self._load[lane, step, number] = aboard + taken
            self._send(cell, path, reached if reached >= 0 else usual, taken)
            parcels = parcels - taken
        self._send(cell, path, usual, parcels)

    def _load_planned(self, visit: Visit) -> None:
        """Load what leaves with this sort's departures, should have left before, or has none in the plan."""
        for turn in list(self._turns(visit.hub)):
            for lane, mine in _by_lane(turn, visit.step).items():
                asked = [turn[number].ready for number in mine]
                for number, taken in zip(mine, _divide(asked, self._room[lane]), strict=True):
                    self._board(turn[number], turn[number].path, visit.step, taken)
                self._room[lane] = np.maximum(self._room[lane] - np.sum(asked, axis=0), 0)

    def _load_ahead(self, visit: Visit) -> None:
        """Fill room left with what waits for a lane beyond what the plan itself leaves waiting."""
        waiting = self._count_ready(visit.hub)
        for cell in list(self._yard[visit.hub]):
            lane = cell.path.lane
            if lane is None:
                continue
            beyond = waiting[lane] - self.ground.meant(lane, visit.step)
            taken = np.minimum(np.minimum(beyond, cell.ready), self._room[lane]).clip(min=0)
            waiting[lane] = waiting[lane] - taken
            self._room[lane] = self._room[lane] - taken
            self._board(cell, cell.path, visit.step, taken)

    def _load_others(self, visit: Visit) -> None:
        waiting = self._count_ready(visit.hub)
        for cell in list(self._yard[visit.hub]):
            lane = cell.path.lane
            if lane is None:
                continue
            for other in self.ground.others(visit.hub, cell.path):
                beyond = waiting[lane] - self.ground.meant(lane, visit.step)
                taken = np.minimum(np.minimum(beyond, cell.ready), self._room[other.legs[0]]).clip(min=0)
                waiting[lane] = waiting[lane] - taken
                self._room[other.legs[0]] = self._room[other.legs[0]] - taken
                self._board(cell, other, visit.step, taken)

    def _turn_to_road(self, visit: Visit) -> None:
        """Let what a train leaves behind when none runs within a day wait for the road."""
        for cell in list(self._yard[visit.hub]):
            road = None if cell.path.lane is None else self.ground.by_road(visit.hub, cell.path)
            if road is None or self.ground.room_within_a_day(cell.path.legs[0], visit.step):
                continue
            if cell.is_early(visit.step):
                continue
            moved = np.where(cell.unsorted == 0, cell.ready, 0)
            same = (one for one in self._yard[visit.hub] if one.path.key == road.key and one.arrived == cell.arrived)
            other = next(same, None)
            if other is None:
                other = Cell(road, cell.arrived, cell.leave, self._none(), self._none())
                self._yard[visit.hub].insert(self._yard[visit.hub].index(cell) + 1, other)
            other.ready = other.ready + moved
            cell.ready = cell.ready - moved

    def _ride_later(self, visit: Visit) -> None:
        for cell in list(self._yard[visit.hub]):
            lane = cell.path.lane
            if lane is not None and cell.leave.step <= visit.step and self.ground.reached(lane, visit.step) >= 0:
                self._send(cell, cell.path, self.ground.reached(lane, visit.step), cell.ready.copy())

    def _call(self, visit: Visit) -> None:
        """Call vehicles for what waits beyond what the plan leaves waiting, within the day's limit."""
        hub, step = visit.hub, visit.step
        if not self.freedom.called:
            return
        limit = max(int(self.ground.departures(hub, visit.day) * self.freedom.called), 1)
        lanes = [
            lane for lane in self.ground.of_hub[hub] if self.ground.hired[lane] and self.ground.reached(lane, step) >= 0
        ]
        waiting = self._count_ready(hub)
        for _ in range(limit):
            if not lanes:
                return
            held = np.stack([waiting[lane] for lane in lanes])
            meant = np.array([[self.ground.meant(lane, step)] for lane in lanes])
            size = np.array([[self.ground.hired[lane]] for lane in lanes])
            beyond = np.minimum(held - meant, held)
            worth = np.where((beyond >= PLAYBACK.called_at * size) & (beyond > 0), beyond, 0)
            full = self._waiting(hub) > self.ground.buffer(hub, step)
            pick = np.where(worth.max(axis=0) > 0, worth.argmax(axis=0), -1)
            pick = np.where((pick < 0) & full & (held.max(axis=0) > 0), held.argmax(axis=0), pick)
            pick = np.where(self._called[hub] < limit, pick, -1)
            if (pick < 0).all():
                return
            self._called[hub] = self._called[hub] + (pick >= 0)
            takes = np.where(worth.max(axis=0) > 0, worth.max(axis=0), held.max(axis=0))
            for number, lane in enumerate(lanes):
                left = np.where(pick == number, np.minimum(self.ground.hired[lane], takes), 0)
                for cell in [one for one in self._yard[hub] if one.path.lane == lane] if left.any() else ():
                    taken = np.minimum(cell.ready, left)
                    left = left - taken
                    waiting[lane] = waiting[lane] - taken
                    self._send(cell, cell.path, self.ground.reached(lane, step), taken)

    def _waiting(self, hub: int) -> Counts:
        return sum((cell.unsorted + cell.ready for cell in self._yard[hub]), start=self._none())

    def _count(self, visit: Visit) -> None:
        """Hold what waits at the end of a sort against its room."""
        hub, step = visit.hub, visit.step
        self._closed[hub] = step
        if visit.day < self.ground.first_demand:
            return
        coming = self._coming.get((hub, step), {})
        unsorted = sum((cell.unsorted for cell in [*self._yard[hub], *coming.values()]), start=self._none())
        ready = sum((cell.ready for cell in self._yard[hub]), start=self._none())
        buffer, staging = self.ground.buffer(hub, step), self.ground.staging[hub]
        if staging is None:
            self.over |= unsorted + ready > buffer
        else:
            self.over |= (unsorted > buffer) | (ready > staging)


def _by_lane(cells: Sequence[Cell], step: int) -> Mapping[int, list[int]]:
    """Numbers of the cells that wait for each lane and are not ahead of their departure."""
    found: dict[int, list[int]] = {}
    for number, cell in enumerate(cells):
        if cell.path.lane is not None and not cell.is_early(step):
            found.setdefault(cell.path.lane, []).append(number)
    return found


def _divide(parts: Sequence[Counts], room: Counts) -> list[Counts]:
    """Divide room over parts by cumulative shares, rounded down, where they do not fit."""
    total = np.sum(parts, axis=0)
    short, base = total > room, np.maximum(total, 1)
    bound = np.minimum(room, total)
    seen, given = np.zeros_like(room), []
    for part in parts:
        share = (seen + part) * bound // base - seen * bound // base
        given.append(np.where(short, share, part))
        seen = seen + part
    return given


def _take(cells: Sequence[Cell], shares: Sequence[Counts]) -> Counts:
    """Sort shares of cells; return how many parcels."""
    for cell, share in zip(cells, shares, strict=True):
        cell.unsorted = cell.unsorted - share
        cell.ready = cell.ready + share
    return np.asarray(np.sum(shares, axis=0))
