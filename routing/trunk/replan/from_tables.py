"""A past plan read back from its tables into arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from data.errors import RadarError
from routing.trunk.replan.sort_turns import settle_sorts
from routing.trunk.search.draft import Draft
from routing.trunk.task.flows import Flows, load_network
from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.task.paths import PathPool
from routing.trunk.vehicles.vehicle_model import tally

if TYPE_CHECKING:
    import polars as pl


def read_draft(network: TrunkNetwork, tables: Mapping[str, pl.DataFrame]) -> Draft:
    """Return the plan that tables tell, on the network it was made on.

    Parameters
    ----------
    network
        Built from the tables the plan read, with its options.
    tables
        ``trunk_flows`` and ``trunk_departures`` of one plan; ``hub_loads``, where hubs have staging, tells how many each sort handles.

    Raises
    ------
    RadarError
        When the plan does not fit the network: a lane that cannot run, a day beyond the last, a demand that is not there.
    """  # noqa: DOC501 (a function makes the error)
    flows = read_flows(network, tables["trunk_flows"], handled=read_handled(network, tables.get("hub_loads")))
    loads = load_network(network, flows)
    book = DepartureBook(network)
    pairs: dict[tuple[int, int], int] = {}
    for row in tables["trunk_departures"].iter_rows(named=True):
        arc, lane_vehicle = book.find_departure(row)
        if min(arc, lane_vehicle) < 0:
            raise _misfit(f"{row['vehicle_type_id']} on lane {row['lane_id']} on {row['date']}")
        pairs[arc, lane_vehicle] = row["departures"]
    keys = sorted(pairs)
    arcs: Ints = np.array([key[0] for key in keys], dtype=np.int64)
    lane_vehicles: Ints = np.array([key[1] for key in keys], dtype=np.int64)
    counts = np.array([pairs[key] for key in keys], dtype=np.int64)
    return Draft(flows, loads, tally(network, arcs, lane_vehicles, counts, loads.arcs))


class DepartureBook:
    """Finds the runs and nodes of a network by what tables say of them: by day, or by the hour where plans are by the clock."""

    def __init__(self, network: TrunkNetwork) -> None:
        self._network = network
        self._arcs: dict[tuple[str, date | datetime], list[int]] = {}
        for arc, (lane, day) in enumerate(zip(network.arc_lane.tolist(), network.arc_day.tolist(), strict=True)):
            when = network.moment(network.arc_leaves[arc]) if network.by_clock else network.day(day)
            self._arcs.setdefault((network.lane_ids[lane], when), []).append(arc)
        types = {name: kind for kind, name in enumerate(network.type_ids)}
        pairs = zip(network.vehicle_lane.tolist(), network.vehicle_type.tolist(), strict=True)
        self._lane_vehicles = {pair: lane_vehicle for lane_vehicle, pair in enumerate(pairs)}
        self._types = types
        self._nodes: dict[tuple[int, date | datetime], int] = {}
        for node in np.flatnonzero(~network.node_staged).tolist():
            self._nodes[int(network.node_hub[node]), self._when(node)] = node

    def _when(self, node: int) -> date | datetime:
        network = self._network
        return network.moment(network.close_hour[node]) if network.by_clock else network.day(network.node_day[node])

    def find_arcs(self, lane_id: str, day: date, leaves_at: datetime | None) -> list[int]:
        """Runs of a lane on a day, or at an hour; several where closings let departures of two sorts leave together."""
        when = leaves_at if self._network.by_clock else day
        return [] if when is None else self._arcs.get((lane_id, when), [])

    def find_arcs_of_day(self, lane_id: str, day: date) -> list[int]:
        """All runs of a lane on a day."""
        network = self._network
        number = (day - network.first_day).days
        mine = (lane == lane_id for lane in network.lane_ids)
        lanes = np.flatnonzero(np.fromiter(mine, dtype=np.bool_, count=len(network.lane_ids)))
        inside = 0 <= number < network.days
        return [arc for arc in network.arc_of[lanes, number].tolist() if arc >= 0] if inside else []

    def find_departure(self, row: Mapping[str, Any]) -> tuple[int, int]:
        """Run and option of a row of ``trunk_departures``; -1 for what is not there."""
        network = self._network
        runs = self.find_arcs(row["lane_id"], row["date"], row.get("leaves_at"))
        if network.by_clock and row.get("sort_id") is not None:
            own = [arc for arc in runs if network.sort_ids[network.node_sort[network.arc_tail[arc]]] == row["sort_id"]]
            runs = own or runs
        if not runs:
            return -1, -1
        kind = self._types.get(row["vehicle_type_id"], -1)
        return runs[0], self._lane_vehicles.get((int(network.arc_lane[runs[0]]), kind), -1)

    def find_end(self, hub: int, day: date, completed_at: datetime | None) -> int:
        """Node at which a flow ends; -1 where there is none."""
        when = completed_at if self._network.by_clock else day
        return -1 if when is None else self._nodes.get((hub, when), -1)


def read_flows(
    network: TrunkNetwork, flows: pl.DataFrame, *, strict: bool = True, handled: Floats | None = None
) -> Flows:
    """Return the flows that a table tells; those that do not fit the network are left out unless ``strict``.

    Parameters
    ----------
    handled : (N,), optional
        Parcels each sort handles, where hubs have staging.

    Notes
    -----
    Where a day's parcels of a route come to hand at several sorts, what comes first leaves first; where some of them are short, those leave that wait least.

    Raises
    ------
    RadarError
        With ``strict``, for the first flow that does not fit.
    """  # noqa: DOC501 (a function makes the error)
    sorts = _Sorts(network.sorts_before(), network.ways_to_staging())
    book = DepartureBook(network)
    hubs = {name: i for i, name in enumerate(network.hub_ids)}
    numbers: dict[tuple[int, int, int], list[int]] = {}
    ends = zip(
        network.demand_day.tolist(), network.demand_origin.tolist(), network.demand_destination.tolist(), strict=True
    )
    for k, key in enumerate(ends):
        numbers.setdefault(key, []).append(k)
    rows = sorted(flows.iter_rows(named=True), key=_by_departure)
    asked_by = [
        numbers.get(
            (
                (row["date"] - network.first_day).days,
                hubs.get(row["origin_hub_id"], -1),
                hubs.get(row["destination_hub_id"], -1),
            ),
            [],
        )
        for row in rows
    ]
    left = _list_leaving(network, book, rows, asked_by)
    found: list[tuple[int, list[int], int]] = []
    for row, asked in zip(rows, asked_by, strict=True):
        if not asked and strict:
            raise _misfit(f"{row['origin_hub_id']} to {row['destination_hub_id']} on {row['date']}")
        rest = row["parcels"]
        for k in asked:
            taken = rest if k == asked[-1] else min(rest, max(int(left[k]), 0))
            if taken <= 0:
                continue
            rest -= taken
            left[k] -= taken
            steps: list[int] = []
            misfit = _follow(
                network, book, sorts, int(network.demand_start[k]), row, hubs[row["destination_hub_id"]], steps
            )
            if misfit is None:
                found.append((k, steps, taken))
            elif strict:
                raise _misfit(misfit)
    found.sort(key=lambda item: item[0])
    pointers = np.concatenate([[0], np.cumsum([len(legs) for _, legs, _ in found])]).astype(np.int64)
    every: Ints = np.array([leg for _, legs, _ in found for leg in legs], dtype=np.int64)
    demand = np.array([k for k, _, _ in found], dtype=np.int64)
    read = Flows(PathPool(demand, pointers, every), np.array([parcels for _, _, parcels in found], dtype=np.int64))
    return settle_sorts(network, read, handled)


def read_handled(network: TrunkNetwork, loads: pl.DataFrame | None) -> Floats | None:
    """Parcels each sort handles by ``hub_loads``, (N,); None where hubs have no staging, or nothing is told."""
    if loads is None or not network.node_staged.any() or not loads.height:
        return None
    handled = np.zeros(network.nodes)
    nodes = np.flatnonzero(~network.node_staged).tolist()
    ends = {(network.hub_ids[network.node_hub[node]], network.moment(network.close_hour[node])): node for node in nodes}
    for row in loads.iter_rows(named=True):
        node = ends.get((row["hub_id"], row["closes_at"]))
        if node is not None:
            handled[node] += row["handled"]
    return handled


class _Sorts(NamedTuple):
    """Sort whose parcels each node's departures take, and what leads from it to its staging, -1 without; both (N,)."""

    before: Ints
    aside: Ints


def _list_leaving(
    network: TrunkNetwork, book: DepartureBook, rows: Sequence[Mapping[str, Any]], asked_by: Sequence[Sequence[int]]
) -> Ints:
    """Parcels of each demand that leave, (K,): all, but of a route and day of which some are short."""
    leaving = network.demand_parcels.copy()
    by_route: dict[int, list[tuple[int, int]]] = {}
    for row, asked in zip(rows, asked_by, strict=True):
        if len(asked) > 1:
            node = _find_start(network, book, row, int(network.demand_destination[asked[0]]))
            turn = int(network.node_turn[node]) if node >= 0 else -1
            by_route.setdefault(asked[0], []).append((turn, row["parcels"]))
    several = {asked[0]: asked for asked in asked_by if len(asked) > 1}
    for first, flows in by_route.items():
        mine = several[first]
        turns = network.node_turn[network.demand_start[mine]]
        leaving[mine] = accept_last(turns.tolist(), network.demand_parcels[mine].tolist(), flows)
    return leaving


def accept_last(turns: Sequence[int], handed: Sequence[int], flows: Sequence[tuple[int, int]]) -> list[int]:
    """Say which parcels of a route and day leave where some are short: those that wait least.

    Going back from the last departure each takes what was handed in last before it, so that at no sort any more wait than the departures ask for.

    Parameters
    ----------
    turns, handed
        Sorts of the origin at which parcels are handed in, rising, and how many.
    flows
        Sorts after which parcels leave, and how many.

    Returns
    -------
    list of int
        Of each hand-in; all of them where no such choice serves every departure.

    Examples
    --------
    >>> accept_last([0, 1], [100, 50], [(0, 80), (1, 60)])
    [90, 50]
    """
    accepted = [0] * len(handed)
    for place in reversed(range(len(handed))):
        asked = sum(parcels for turn, parcels in flows if turn >= turns[place]) - sum(accepted[place + 1 :])
        accepted[place] = max(min(handed[place], asked), 0)
    return accepted if sum(accepted) == sum(parcels for _, parcels in flows) else list(handed)


def _find_start(network: TrunkNetwork, book: DepartureBook, row: Mapping[str, Any], goal: int) -> int:
    """Node after which a flow leaves its origin, or at which it ends there; -1 where there is none."""
    if not row["path"]:
        return book.find_end(goal, row["completed_on"], row.get("completed_at"))
    hours = row.get("departs_at") or [None]
    runs = book.find_arcs(row["path"][0], row["departure_dates"][0], hours[0])
    return int(network.arc_tail[runs[0]]) if runs else -1


def _by_departure(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Order in which flows of a route and day leave; plans by days keep the order of their rows."""
    hours = row.get("departs_at") or ([row["completed_at"]] if row.get("completed_at") is not None else [])
    return tuple(hour.timestamp() for hour in hours[:1])


def _follow(
    network: TrunkNetwork,
    book: DepartureBook,
    sorts: _Sorts,
    node: int,
    row: Mapping[str, Any],
    goal: int,
    steps: list[int],
) -> str | None:
    """Follow a flow from a node over its runs to its end, sorted as late as it may be; say what does not fit."""
    may_wait = network.can_hold()
    # where sorted parcels may wait, unsorted ones need not
    may_wait[sorts.aside >= 0] |= network.after[sorts.aside >= 0] >= 0
    hours = row.get("departs_at") or [None] * len(row["path"])
    for lane_id, day, leaves_at in zip(row["path"], row["departure_dates"], hours, strict=True):
        runs = book.find_arcs(lane_id, day, leaves_at)
        if not runs:
            return f"lane {lane_id} on {day}"
        arc = next((arc for arc in runs if _wait(network, node, int(sorts.before[network.arc_tail[arc]]), steps)), -1)
        if arc < 0:
            return f"lane {lane_id} left on {day} before it was reached"
        aside = int(sorts.aside[sorts.before[network.arc_tail[arc]]])
        steps += [arc] if aside < 0 else [aside, arc]
        node = int(network.arc_head[arc])
    end = book.find_end(goal, row["completed_on"], row.get("completed_at"))
    if end < 0 or not _wait(network, node, end, steps):
        return f"an end on {row['completed_on']}"
    shut = next(
        (step - network.arcs for step in steps if step >= network.arcs and not may_wait[step - network.arcs]), None
    )
    return None if shut is None else f"a night at {network.hub_ids[network.node_hub[shut]]}"


def _wait(network: TrunkNetwork, node: int, until: int, steps: list[int]) -> bool:
    """Add the steps of waiting from a node to one of the same hub; False where there is no waiting to it."""
    nodes = []
    while node != until:
        if node < 0 or network.node_turn[node] >= network.node_turn[until]:
            return False
        nodes.append(network.arcs + node)
        node = int(network.after[node])
    steps += nodes
    return True


def _misfit(what: str) -> RadarError:
    return RadarError(
        f"the plan has {what}, which the tables it was made on do not allow",
        action="see `radar verify`, or plan again",
    )
