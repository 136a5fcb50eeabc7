"""What is handed in, and when: demand spread over the sorts that take it and the paths of a plan that carry it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from routing.checker.playback.cells import HandIn, Leave, Path
from routing.checker.playback.clock import MINUTES, at_hour, read_hours, to_minutes
from routing.checker.playback.network import TimedNetwork
from routing.checker.playback.orders import Promises
from routing.checker.playback.planned import Legs, PlannedRuns

# of a parcel: shares are multiplied back into counts
EPSILON = 1e-6
_ALL_HUBS = "*"

_Route = tuple[date, int, int]
_Share = tuple[Legs, tuple[Leave, ...], float, int]


class Spreading:
    """Spreads the demand of a day and route over hours of hand-in and paths of the plan.

    Parameters
    ----------
    frames
        Tables of the checker.
    network, runs
        The network on its clock, and what the plan runs.
    """

    def __init__(self, frames: Mapping[str, pl.DataFrame], network: TimedNetwork, runs: PlannedRuns) -> None:
        self._network, self._runs = network, runs
        self._profile = _read_profile(frames)
        self._due = Promises(frames, network.clock_of)
        self._ready = self._list_ready(frames["route_demand"])
        self._of_day = runs.by_route()

    def count_meant(self) -> dict[tuple[int, int], int]:
        """Count what the plan itself leaves waiting for each lane after each sort."""
        found: dict[tuple[int, int], int] = defaultdict(int)
        for key, flows in self._of_day.items():
            total, before = sum(flow["parcels"] for flow in flows), 0
            parts = self._parts(key)
            for flow in flows:
                for step, since, until in parts:
                    first = max(before, int(total * since + EPSILON))
                    parcels = min(before + flow["parcels"], int(total * until + EPSILON)) - first
                    at = step
                    for lane, (tail, there) in zip(flow["legs"], flow["tails"], strict=True):
                        for waits in range(at, tail) if parcels > 0 else ():
                            found[lane, waits] += parcels
                        at = there
                before += flow["parcels"]
        return found

    def lay_hand_ins(self, routes: pl.DataFrame, first_demand: int) -> dict[tuple[int, int], list[HandIn]]:
        """Lay out what is handed in by hub and sort.

        Parameters
        ----------
        routes
            date, origin_hub_id, destination_hub_id of each column of the futures.
        first_demand
            Day of the plan's first demand; what comes before rides on vehicles of another plan.
        """
        network = self._network
        found: dict[tuple[int, int], list[HandIn]] = defaultdict(list)
        pooled = _pool(self._runs.flows, lambda flow: at_hour(flow["date"], 0.0, network.clocks[flow["end"]].zone))
        for column, (when, a, b) in enumerate(routes.select("date", "origin_hub_id", "destination_hub_id").iter_rows()):
            key = (when, network.number[a], network.number[b])
            early = (when - network.first).days < first_demand
            parts = self._parts(key)
            shares = self._share_out(key, parts[0][0], pooled.get(key[1:], ()), early=early)
            promised = self._due.of({"date": when, "origin_hub_id": a, "destination_hub_id": b})
            total, before = sum(share[3] for share in shares), 0
            for legs, plan, done, parcels in shares:
                step = network.first_at(key[2], done)
                due = np.inf if early else promised if promised < np.inf else float(network.sorts[key[2]][step].closes)
                path = Path(legs, plan, 0 if early else step, due, early)
                after = before + parcels
                for at, since, until in parts:
                    if since < after / total + EPSILON and until > before / total - EPSILON:
                        found[key[1], at].append(HandIn(column, path, before, after, total, since, until))
                before = after
        return found

    def _share_out(
        self, key: _Route, step: int, pooled: Sequence[tuple[Legs, int, int]], *, early: bool
    ) -> list[_Share]:
        """Paths a day's parcels take, when they are done and their weights: the day's own, the route's over all days, or the quickest."""
        network = self._network
        if not early and key in self._of_day:
            return [(flow["legs"], tuple(flow["leave"]), flow["done"], flow["parcels"]) for flow in self._of_day[key]]
        if pooled:
            midnight = at_hour(key[0], 0.0, network.clocks[key[2]].zone)
            return [(legs, (), midnight + done, parcels) for legs, done, parcels in pooled]
        legs = network.quickest(*key[1:], road=True)
        legs = network.quickest(*key[1:], road=False) if legs is None else legs
        if legs is None:
            return []
        return [(legs, (), network.sorts[key[1]][step].closes + network.hours(legs) * MINUTES, 1)]

    def _parts(self, key: _Route) -> list[tuple[int, float, float]]:
        """Sorts at which a day's parcels are at hand, with the cumulative shares before and up to them."""
        day, hub, _ = key
        clock = self._network.clocks[hub]
        ready = self._ready.get(key, ())
        profile = self._profile(self._network.names[hub]) if self._runs.by_clock else None
        if ready:
            hours = [(minute, float(parcels)) for minute, parcels in sorted(ready)]
        elif profile:
            hours = [(at_hour(day, hour, clock.zone), share) for hour, share in profile]
        else:
            hours = [(clock.last_cut_off(day), 1.0)]
        total, seen, parts = sum(weight for _, weight in hours), 0.0, []
        for number, (minute, weight) in enumerate(hours):
            since, seen = seen, seen + weight
            step = self._network.reach(hub, minute)
            until = 1.0 if number == len(hours) - 1 else seen / total
            parts.append((step if step >= 0 else len(self._network.sorts[hub]) - 1, since / total, until))
        return parts

    def _list_ready(self, planned: pl.DataFrame) -> dict[_Route, list[tuple[int, int]]]:
        """Minutes at which demand is told to be ready, with its parcels."""
        number = self._network.number
        found: dict[_Route, list[tuple[int, int]]] = defaultdict(list)
        for row in planned.iter_rows(named=True):
            if row["ready_at"] is not None and self._runs.by_clock:
                key = (row["date"], number[row["origin_hub_id"]], number[row["destination_hub_id"]])
                found[key].append((to_minutes(row["ready_at"]), int(row["parcels"])))
        return found


def _pool(
    flows: Sequence[Mapping[str, Any]], midnight: Callable[[Mapping[str, Any]], int]
) -> dict[tuple[int, int], list[tuple[Legs, int, int]]]:
    """Lanes, minutes from midnight until done, and parcels of each route over all days, those that leave first before others."""
    pooled: dict[tuple[int, int], dict[tuple[Legs, int, int], int]] = defaultdict(dict)
    for flow in flows:
        begin = midnight(flow)
        leaves = flow["leaves"] - begin if flow["leaves"] else 0
        key = (flow["legs"], flow["done"] - begin, leaves)
        of_pair = pooled[flow["origin"], flow["end"]]
        of_pair[key] = of_pair.get(key, 0) + flow["parcels"]
    return {
        pair: [(legs, done, parcels) for (legs, done, _), parcels in sorted(found.items(), key=lambda one: one[0][2])]
        for pair, found in pooled.items()
    }


def _read_profile(frames: Mapping[str, pl.DataFrame]) -> Callable[[str], list[tuple[float, float]] | None]:
    """Read the hours of hand-in; of the kinds of day ``normal`` speaks, and ``peak`` where it alone is given."""
    found: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for row in frames["hand_in_profile"].iter_rows(named=True):
        found[row["hub_id"], row["day_kind"]].append((read_hours(row["until_hour"]), row["share"]))

    def of_hub(hub: str) -> list[tuple[float, float]] | None:
        for name in (hub, _ALL_HUBS):
            for kind in ("normal", "peak"):
                if (name, kind) in found:
                    return sorted(found[name, kind])
        return None

    return of_hub
