"""What a play of many futures stands on, read from the tables of a plan: its network, its vehicles, and what is handed in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

import polars as pl

from routing.checker.limits import PLAYBACK
from routing.checker.playback.cells import Leave, Path, Visit
from routing.checker.playback.clock import ClockRules
from routing.checker.playback.hand_ins import EPSILON, Spreading
from routing.checker.playback.network import DAY, TimedNetwork
from routing.checker.playback.planned import PlannedRuns

_UNBOUNDED = 1 << 50


class Ground:
    """The clock, paths, vehicles and hand-ins of a plan.

    Parameters
    ----------
    frames
        Tables of the checker, as ``read_tables`` gives them.
    routes
        date, origin_hub_id, destination_hub_id: the columns of the futures.
    rules
        Time zone and hours where the tables are silent.
    """

    unbounded = _UNBOUNDED

    def __init__(self, frames: Mapping[str, pl.DataFrame], routes: pl.DataFrame, rules: ClockRules) -> None:
        begins, ends = _span(frames["route_demand"]["date"])
        first, last = min(begins, _span(routes["date"])[0]), ends
        if frames["trunk_flows"].height:
            last = max(last, _span(frames["trunk_flows"]["completed_on"])[1])
        network = TimedNetwork(frames, first, last + timedelta(days=PLAYBACK.days_played), rules)
        runs = PlannedRuns(frames, network)
        self._network, self._runs = network, runs
        self.hubs = len(network.names)
        self.staging = [None if clock.staging is None else int(clock.staging) for clock in network.clocks]
        self.first_demand, self.last_demand = (begins - first).days, (ends - first).days
        self.ends, self.of_hub = network.ends, network.of_hub
        self.vehicles, self.hired = runs.vehicles, runs.hired
        spreading = Spreading(frames, network, runs)
        self._meant = spreading.count_meant()
        self.hand_ins = spreading.lay_hand_ins(routes, self.first_demand)
        self.visits = self._list_visits()

    def capacity(self, hub: int, step: int) -> int:
        """Parcels a sort takes."""
        return _whole(self._network.sorts[hub][step].capacity)

    def buffer(self, hub: int, step: int) -> int:
        """Parcels that may wait after a sort."""
        return _whole(self._network.sorts[hub][step].buffer)

    def reached(self, lane: int, step: int) -> int:
        """Sort that takes what leaves first after one; -1 where nothing leaves or arrives."""
        return self._network.reached[lane][step]

    def room(self, lane: int, step: int) -> int:
        """Parcels planned vehicles hold."""
        return sum(room for room, _ in self.vehicles.get((lane, step), ()))

    def meant(self, lane: int, step: int) -> int:
        """Parcels the plan itself leaves waiting for a lane."""
        return self._meant.get((lane, step), 0)

    def departures(self, hub: int, day: int) -> int:
        """Vehicles the plan has at a hub on a day."""
        return self._runs.departures.get((hub, day), 0)

    def room_within_a_day(self, lane: int, step: int) -> int:
        """Room on a lane after later sorts that close within a day."""
        sorts = self._network.sorts[self._network.starts[lane]]
        within = sorts[step].closes + DAY
        return sum(self.room(lane, later) for later in range(step + 1, len(sorts)) if sorts[later].closes <= within)

    def leave_of(self, hub: int, path: Path) -> Leave:
        """Departure with which parcels should leave: the plan's own, else after the last sort that leads to the end in time."""
        return path.plan[0] if path.plan else Leave(self._network.latest(hub, path.legs, path.done))

    def others(self, hub: int, path: Path) -> Iterator[Path]:
        """Give the nearest path of the plan over each other next lane, within twice the hours."""
        network = self._network
        seen = {path.legs[0]}
        longest = PLAYBACK.detour * network.hours(path.legs)
        ranked = sorted(
            (network.hours(legs), number, legs)
            for number, legs in self._runs.paths.get((hub, network.end(hub, path.legs)), ())
        )
        for hours, _, legs in ranked:
            if hours <= longest and legs and legs[0] not in seen:
                seen.add(legs[0])
                yield Path(legs, (), path.done, path.due)

    def by_road(self, hub: int, path: Path) -> Path | None:
        """Give the quickest path by road for what a train or flight leaves behind, None where it is on the road or none leads there."""
        network = self._network
        end = network.end(hub, path.legs)
        planned = [legs for _, legs in self._runs.paths.get((hub, end), ())]
        if network.lanes[path.legs[0]]["mode"] == "road" or path.legs not in planned:
            return None
        legs = network.quickest(hub, end, road=True)
        return None if legs is None else Path(legs, (), path.done, path.due)

    def _list_visits(self) -> list[Visit]:
        """Sorts in the order of their close; those of one minute in rounds where lanes arrive at the minute they leave."""
        network = self._network
        at_once = [
            any(
                there >= 0
                and network.sorts[network.ends[lane]][there].closes <= network.sorts[network.starts[lane]][step].closes
                for step, there in enumerate(reached)
            )
            for lane, reached in enumerate(network.reached)
        ]
        longest = 0
        for _, legs in (one for paths in self._runs.paths.values() for one in paths):
            run = 0
            for lane in legs:
                run = run + 1 if at_once[lane] else 0
                longest = max(longest, run)
        passes = 1 + (longest if any(at_once) else 0)
        found = []
        for hub, sorts in enumerate(network.sorts):
            for step, sort in enumerate(sorts):
                day = (sort.day - network.first).days
                new = step == 0 or sorts[step - 1].day != sort.day
                found += [
                    (sort.closes, turn, Visit(hub, step, day, turn == 0, turn == passes - 1, new))
                    for turn in range(passes)
                ]
        return [visit for _, _, visit in sorted(found, key=lambda one: (one[0], one[1], one[2].hub))]


def _span(days: pl.Series) -> tuple[date, date]:
    """First and last of some days."""
    known = sorted(day for day in days.to_list() if day is not None)
    return known[0], known[-1]


def _whole(value: float) -> int:
    return _UNBOUNDED if value == float("inf") else int(value + EPSILON)
