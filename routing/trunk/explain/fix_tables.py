"""Fixes of shortfalls as rows of the tables a plan is made from, so that a planner enters one and plans again to the figure told.

A sort or a night that is to take more is a row of ``hub_days``; more vehicles are a larger ``fleet_size``, and, where the lane or
the type on it is bounded, a larger ``departure_limit``. Rows are whole: loaded, they take the place of those they change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from data.contracts import contract
from routing.trunk.explain.fixes import Action, GroupFix
from routing.trunk.task.network import TrunkNetwork
from routing.trunk.task.sorts import WHOLE_DAY

if TYPE_CHECKING:
    import polars as pl

    from routing.trunk.task.inputs import TrunkInputs


def write_fix_tables(
    network: TrunkNetwork, inputs: TrunkInputs, fixes: Sequence[GroupFix]
) -> tuple[dict[str, pl.DataFrame], list[GroupFix]]:
    """Write the fullest fix of each group as rows of the tables it changes.

    Parameters
    ----------
    network, inputs
        The task, and the tables it was made from.
    fixes
        Fixes of its shortfalls, each verified by planning again.

    Returns
    -------
    tables : dict of str to polars.DataFrame
        ``hub_days``, ``vehicle_types``, ``lanes``, ``lane_vehicles``, ``lane_departures``, ``departure_locks``: those that change, with whole rows.
    left : list of GroupFix
        Fixes that no row tells: of hubs of which ``hub_closures`` leave a part that day, which a row would be divided by again.
    """
    listed: list[GroupFix] = []
    left: list[GroupFix] = []
    for fix in fixes:
        (left if any(_is_partly_shut(network, inputs, action) for action in fix.fullest.actions) else listed).append(
            fix
        )
    wanted: Counter[tuple[str, int, int]] = Counter()
    for fix in listed:
        for action in fix.fullest.actions:
            wanted[action.kind, action.place, action.day] += action.amount
    nodes = {(kind, place): n for (kind, place, _), n in wanted.items() if kind != "vehicle"}
    vehicles = {(place, day): n for (kind, place, day), n in wanted.items() if kind == "vehicle"}
    tables = {
        "hub_days": _write_hub_days(network, inputs, nodes),
        "vehicle_types": _raise_fleets(network, inputs, vehicles),
        **_raise_limits(network, inputs, vehicles),
        "departure_locks": _raise_locks(network, inputs, vehicles),
    }
    return {name: frame for name, frame in tables.items() if frame.height}, left


def _is_partly_shut(network: TrunkNetwork, inputs: TrunkInputs, action: Action) -> bool:
    if action.kind == "vehicle":
        return False
    hub = network.hub_ids[network.node_hub[action.place]]
    closes = network.moment(float(network.close_hour[action.place]))
    return any(
        name == hub and (starts - closes).days < 1 and (closes - ends).days < 1
        for name, starts, ends in inputs.hub_closures.select("hub_id", "starts_at", "ends_at").iter_rows()
    )


def _write_hub_days(network: TrunkNetwork, inputs: TrunkInputs, wanted: Mapping[tuple[str, int], int]) -> pl.DataFrame:
    """Rows of sorts that are to take more, with what they take now and more."""
    import polars as pl

    given = {(row["hub_id"], row["date"], row["sort_id"]): row for row in inputs.hub_days.iter_rows(named=True)}
    rows = []
    for node in sorted({place for _, place in wanted}):
        hub, day = network.hub_ids[network.node_hub[node]], network.day(int(network.node_day[node]))
        sort = network.sort_ids[network.node_sort[node]] if network.by_clock else WHOLE_DAY
        row = {"hub_id": hub, "date": day, "sort_id": sort, "sort_capacity": None, "buffer_capacity": None}
        row |= {name: value for name, value in given.get((hub, day, sort), {}).items() if name in row}
        for kind, column, limit in (
            ("sort", "sort_capacity", network.sort_capacity),
            ("night", "buffer_capacity", network.buffer_capacity),
        ):
            if (kind, node) in wanted:
                row[column] = int(np.floor(limit[node])) + wanted[kind, node]
        rows.append(row)
    return contract("hub_days").arrange(pl.DataFrame(rows)) if rows else contract("hub_days").empty()


def _raise_fleets(network: TrunkNetwork, inputs: TrunkInputs, wanted: Mapping[tuple[int, int], int]) -> pl.DataFrame:
    """Rows of bounded types, with as many vehicles more as are away at once."""
    import polars as pl

    away = np.zeros((len(network.type_ids), network.fleet_steps + 1))
    for (vehicle, day), count in wanted.items():
        kind, lane = network.vehicle_type[vehicle], network.vehicle_lane[vehicle]
        away[kind, network.lane_step[lane, day]] += count
        away[kind, min(network.lane_back[lane, day], network.fleet_steps)] -= count
    more = np.cumsum(away, axis=1).max(axis=1)
    names = {name: int(n) for name, n in zip(network.type_ids, more.tolist(), strict=True) if n > 0}
    added = pl.col("vehicle_type_id").replace_strict(names, default=0, return_dtype=pl.Int64)
    rows = inputs.vehicle_types.filter(added > 0, pl.col("fleet_size").is_not_null())
    return rows.with_columns(fleet_size=(pl.col("fleet_size") + added).cast(rows.schema["fleet_size"]))


def _raise_limits(
    network: TrunkNetwork, inputs: TrunkInputs, wanted: Mapping[tuple[int, int], int]
) -> dict[str, pl.DataFrame]:
    """Rows of bounded lanes, types on them and listed departures, with as many departures more as any one day is to have."""
    of_day: Counter[tuple[tuple[str, ...], int]] = Counter()
    for (vehicle, day), count in wanted.items():
        lane = network.lane_ids[network.vehicle_lane[vehicle]]
        of_day[(lane,), day] += count
        of_day[(lane, network.type_ids[network.vehicle_type[vehicle]]), day] += count
    more: dict[tuple[str, ...], int] = {}
    for (name, _), count in of_day.items():
        more[name] = max(count, more.get(name, 0))
    return {
        "lanes": _raise(inputs.lanes, ("lane_id",), more),
        "lane_vehicles": _raise(inputs.lane_vehicles, ("lane_id", "vehicle_type_id"), more),
        "lane_departures": _raise(inputs.lane_departures, ("lane_id",), more),
    }


def _raise_locks(network: TrunkNetwork, inputs: TrunkInputs, wanted: Mapping[tuple[int, int], int]) -> pl.DataFrame:
    """Rows of locks that keep departures from being added, with as many more."""
    more: dict[tuple[object, ...], int] = {}
    for (vehicle, day), count in wanted.items():
        lane, kind = network.lane_ids[network.vehicle_lane[vehicle]], network.type_ids[network.vehicle_type[vehicle]]
        key = lane, network.day(day), kind
        if np.isfinite(network.vehicle_most[vehicle, day]):
            more[key] = more.get(key, 0) + count
    locks = inputs.departure_locks
    keys = ("lane_id", "date", "vehicle_type_id")
    raised = [
        row | {"at_most": row["at_most"] + more[tuple(row[key] for key in keys)]}
        for row in locks.iter_rows(named=True)
        if row["at_most"] is not None and tuple(row[key] for key in keys) in more
    ]
    return type(locks)(raised, schema=locks.schema) if raised else locks.clear()


def _raise(table: pl.DataFrame, keys: tuple[str, ...], more: Mapping[tuple[str, ...], int]) -> pl.DataFrame:
    """Rows of a table whose ``departure_limit`` is to be larger."""
    rows = [row for row in table.iter_rows(named=True) if more.get(tuple(row[key] for key in keys))]
    raised: list[dict[str, Any]] = [
        row | {"departure_limit": row["departure_limit"] + more[tuple(row[key] for key in keys)]}
        for row in rows
        if row["departure_limit"] is not None
    ]
    return table.clear() if not raised else type(table)(raised, schema=table.schema)
