"""What planners lock: departures they fix, bound or forbid, laid upon the lane vehicles of a network.

A row of ``departure_locks`` bounds the departures of one vehicle type over a lane on a date, at one hour or (``any``) at all hours
together. A plan by days names no hours: it runs what is fixed at all hours together, and bounds of an hour bound it not. Where the lane
leaves once that day an hour and any are the same; where it leaves more often, the hours of an open lock are settled
once it is known which of them parcels want (:mod:`routing.trunk.search.locked_hours`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from data.errors import RadarError
from data.hub_hours import read_hours
from routing.trunk.task.network import Ints, OpenLock, TrunkNetwork
from routing.trunk.task.sorts import HOURS_A_DAY, Sorts

if TYPE_CHECKING:
    import polars as pl

ANY = "any"
_MINUTE = 1.0 / 60.0


def lay_locks(network: TrunkNetwork, locks: pl.DataFrame, sorts: Sorts) -> TrunkNetwork:
    """Lay ``departure_locks`` upon a network; rows of days outside of the plan bound nothing.

    Raises
    ------
    RadarError
        For an unknown lane or type, a type the lane does not take, an hour at which it does not leave, departures fixed where none can
        run, and more of them than limits and fleets allow.
    """
    if locks.is_empty():
        return network
    least, most = network.vehicle_least.copy(), network.vehicle_most.copy()
    left_open: list[OpenLock] = []
    refused: list[dict[str, Any]] = []
    by_hours = np.zeros_like(least)
    for row in locks.sort("lane_id", "date", "vehicle_type_id", "leaves").iter_rows(named=True):
        day = (row["date"] - network.first_day).days
        vehicles = _find_vehicles(network, row)
        if not 0 <= day < network.days:
            continue
        vehicles = _leaving_at(network, vehicles, day, row, sorts)
        at_least, at_most = int(row["at_least"]), np.inf if row["at_most"] is None else float(row["at_most"])
        if at_least:
            vehicles = vehicles[network.arc_of[network.vehicle_lane[vehicles], day] >= 0]
            if not len(vehicles):
                refused.append(row)
                continue
        if row["leaves"] != ANY and not network.by_clock:
            by_hours[vehicles[0], day] += at_least
        elif len(vehicles) == 1:
            place = vehicles[0], day
            least[place], most[place] = max(least[place], at_least), min(most[place], at_most)
        elif len(vehicles):
            order = np.argsort(network.lane_leaves[network.vehicle_lane[vehicles], day], kind="stable")
            left_open.append(OpenLock(vehicles[order], day, at_least, at_most))
    if refused:
        shut = _tell_shut(refused)
        raise shut
    locked = replace(network, vehicle_least=np.maximum(least, by_hours), vehicle_most=most, open_locks=tuple(left_open))
    check_locks(locked)
    return locked


def _tell_shut(rows: list[dict[str, Any]]) -> RadarError:
    refused = _cannot_keep(rows[0], "a day on which the lane and its hubs are open and it arrives within the plan")
    if len(rows) == 1:
        return refused
    return RadarError(f"{refused.found} and {len(rows) - 1} rows more", refused.expected, refused.action)


def _name_table(row: dict[str, Any]) -> str:
    return "departure_locks" if "at_least" in row else "the timetable"


def _cannot_keep(row: dict[str, Any], expected: str) -> RadarError:
    table = _name_table(row)
    found = f"{row['vehicle_type_id']} on {row['lane_id']} on {row['date']} at {row['leaves']} in {table}"
    return RadarError(found, expected, "correct the row or take it out")


def _find_vehicles(network: TrunkNetwork, row: dict[str, Any]) -> Ints:
    """Lane vehicles of a lock, at whatever hour."""
    table = _name_table(row)
    for column, known, what in (
        ("lane_id", network.lane_ids, "lane"),
        ("vehicle_type_id", network.type_ids, "vehicle type"),
    ):
        if row[column] not in known:
            raise RadarError(
                f"{what} {row[column]} in {table}, unknown to the reference tables",
                action="drop the row or load it",
            )
    kind = network.type_ids.index(row["vehicle_type_id"])
    # slots of a lane stand together, and so do their vehicles
    slot = network.lane_ids.index(row["lane_id"])
    last = slot + network.lane_ids[slot:].count(row["lane_id"])
    first, end = np.searchsorted(network.vehicle_lane, [slot, last])
    vehicles: Ints = first + np.flatnonzero(network.vehicle_type[first:end] == kind)
    if not len(vehicles):
        raise _cannot_keep(row, "a vehicle type that the lane takes")
    return vehicles


def _leaving_at(network: TrunkNetwork, vehicles: Ints, day: int, row: dict[str, Any], sorts: Sorts) -> Ints:
    """Those of the lane vehicles that leave at the hour of a lock."""
    found, hours = _match_hour(network, vehicles, day, row, sorts)
    if len(found) or row["leaves"] == ANY or not network.by_clock:
        return found
    if not row["at_least"] and _leaves_some_day(network, row, sorts):
        return found
    raise _cannot_keep(
        row,
        f"one of the hours at which it leaves that day: {', '.join(hours)}"
        if hours
        else "a day on which the lane leaves",
    )


def _match_hour(
    network: TrunkNetwork, vehicles: Ints, day: int, row: dict[str, Any], sorts: Sorts
) -> tuple[Ints, list[str]]:
    """Those of the lane vehicles that leave at an hour, and else the hours at which they do; 08:00 may be written 32:00 and back."""
    leaves = network.lane_leaves[network.vehicle_lane[vehicles], day]
    vehicles, leaves = vehicles[np.isfinite(leaves)], leaves[np.isfinite(leaves)]
    if row["leaves"] == ANY or not network.by_clock:
        return vehicles, []
    hub = int(network.lane_origin[network.vehicle_lane[vehicles[0]]]) if len(vehicles) else 0
    for nights in (0, 1):
        hour = sorts.hour_of(day, read_hours(row["leaves"]) + nights * HOURS_A_DAY, hub)
        found: Ints = vehicles[np.abs(leaves - hour) < _MINUTE]
        if len(found):
            return found, []
    zone = sorts.zones[hub] or network.midnight.tzinfo
    return vehicles[:0], sorted({f"{network.moment(hour).astimezone(zone):%H:%M}" for hour in leaves})


def _leaves_some_day(network: TrunkNetwork, row: dict[str, Any], sorts: Sorts) -> bool:
    """Whether the lane of a row leaves at its hour on any day of the plan."""
    vehicles = _find_vehicles(network, row)
    return any(len(_match_hour(network, vehicles, day, row, sorts)[0]) for day in range(network.days))


def lay_timetable(network: TrunkNetwork, timetable: pl.DataFrame, sorts: Sorts) -> TrunkNetwork:
    """Let only the departures of a timetable run, all of them, whatever fleets they take: what it can carry is asked, not who drives.

    Parameters
    ----------
    timetable
        date, lane_id, leaves, vehicle_type_id, departures.

    Raises
    ------
    RadarError
        For departures at hours at which their lane does not leave, at none in a plan by sorts, and for unknown lanes and types.
    """
    if network.by_clock and ANY in timetable["leaves"].to_list():
        raise RadarError("a timetable without hours, a plan by sorts", "a timetable with hours", "add --by days")
    least = np.zeros_like(network.vehicle_least)
    missed: list[str] = []
    for row in timetable.iter_rows(named=True):
        day = (row["date"] - network.first_day).days
        if not 0 <= day < network.days:
            continue
        vehicles, hours = _match_hour(network, _find_vehicles(network, row), day, row, sorts)
        if not len(vehicles) and _leaves_some_day(network, row, sorts):
            continue  # before the first sort of the plan, or on a day it does not leave
        if not len(vehicles):
            missed.append(
                f"{row['lane_id']} at {row['leaves']} on {row['date']}, where it leaves at {', '.join(hours) or 'no hour'}"
            )
            continue
        able = vehicles[network.arc_of[network.vehicle_lane[vehicles], day] >= 0]
        # what is shut, or would arrive after the plan, carries nothing
        if len(able):
            least[able[0], day] += row["departures"]
    if missed:
        raise RadarError(
            f"{len(missed)} rows of the timetable at hours at which their lane does not leave, the first {missed[0]}",
            "hours of lane_departures, or closes of the origin's sorts",
            "add --load-hours, which adds them to lane_departures",
        )
    free = np.full_like(network.type_fleet, np.inf)
    limit = np.maximum(network.vehicle_limit, least)
    lane_limit = np.full_like(network.lane_limit, np.inf)
    return replace(
        network,
        vehicle_least=least,
        vehicle_most=least.astype(np.float64),
        vehicle_limit=limit,
        lane_limit=lane_limit,
        day_limit=lane_limit,
        type_fleet=free,
        type_own=np.zeros_like(network.type_own),
        stands_given=np.zeros_like(network.stands_given),
    )


def check_locks(network: TrunkNetwork) -> None:
    """Refuse locks that contradict each other, and departures fixed beyond what limits and fleets allow.

    Raises
    ------
    RadarError
    """
    least, lane = network.vehicle_least, network.vehicle_lane
    lane_least = np.zeros(network.lane_limit.shape)
    np.add.at(lane_least, lane, least)
    of_lane = np.where(least > 0, lane_least[lane], 0.0)
    for asked, limit, expected in (
        (least, network.vehicle_most, "at most the {n} that other locks allow"),
        (least, network.vehicle_limit, "at most the {n} that the lane allows of the type"),
        (of_lane, network.lane_limit[lane], "at most the {n} that the lane allows in all"),
    ):
        if (asked > limit).any():
            vehicle, day = (int(values[0]) for values in np.nonzero(asked > limit))
            kind = network.type_ids[network.vehicle_type[vehicle]]
            raise RadarError(
                f"{asked[vehicle, day]:g} departures of {kind} on {network.lane_ids[lane[vehicle]]} on {network.day(day)}"
                " fixed by departure_locks",
                expected.format(n=f"{limit[vehicle, day]:g}"),
                "lower at_least, or raise the limit",
            )
    _check_fleets(network)


def _check_fleets(network: TrunkNetwork) -> None:
    vehicle, day = np.nonzero(network.vehicle_least)
    arc = network.arc_of[network.vehicle_lane[vehicle], day]
    away = np.zeros((len(network.type_ids), network.fleet_steps + 1))
    count, kind = network.vehicle_least[vehicle, day], network.vehicle_type[vehicle]
    np.add.at(away, (kind, network.arc_step[arc]), count)
    np.subtract.at(away, (kind, np.minimum(network.arc_back[arc], network.fleet_steps)), count)
    over = np.cumsum(away, axis=1)[:, : network.fleet_steps] - network.type_fleet[:, None]
    if (over > 0).any():
        kind_over, step = (int(values[0]) for values in np.nonzero(over > 0))
        size = int(network.type_fleet[kind_over])
        when = network.moment(float(network.fleet_clock[step]) - (0.0 if network.by_clock else HOURS_A_DAY))
        raise RadarError(
            f"{size + int(over[kind_over, step])} vehicles {network.type_ids[kind_over]} fixed by departure_locks to be on the road"
            f" at one time on {when:%Y-%m-%d}",
            f"at most its fleet_size, {size}",
            "lower at_least of some rows",
        )
