"""The sort plan of a plan, checked against its flows: each sort sends a destination's parcels over the lanes ordered, and no others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

import polars as pl

from routing.checker.limits import LIMITS
from routing.checker.playback.clock import HubClock
from routing.checker.playback.orders import Orders
from routing.checker.violations import Violation, write_number

_WHOLE_DAY = "day"

# hub, sort, business date, destination, lane, parcels
Leg = tuple[str, str, date, str, str, float]


def list_legs_by_clock(plan: Orders, clocks: Mapping[str, HubClock]) -> list[Leg]:
    """List what leaves which sort over which lane."""
    legs: list[Leg] = []
    for order in plan.orders:
        parcels = float(sum(count for _, count in order.hand_ins))
        for hub, number in zip(order.hubs, order.vehicles, strict=False):
            vehicle = plan.vehicles[number]
            if vehicle.tail >= 0:
                sort = clocks[hub].sorts[vehicle.tail]
                legs.append((hub, sort.name, sort.day, order.hubs[-1], vehicle.lane, parcels))
    return legs


def list_legs_by_day(frames: Mapping[str, pl.DataFrame]) -> list[Leg]:
    """List what leaves which hub on which day over which lane."""
    origin = dict(frames["lanes"].select("lane_id", "origin_hub_id").iter_rows())
    return [
        (origin[lane], _WHOLE_DAY, day, row["destination_hub_id"], lane, float(row["parcels"]))
        for row in frames["trunk_flows"].iter_rows(named=True)
        for lane, day in zip(row["path"], row["departure_dates"], strict=False)
        if lane in origin
    ]


def check_sort_plan(frames: Mapping[str, pl.DataFrame], legs: Sequence[Leg], kind: str) -> list[Violation]:
    """Check a sort plan.

    Parameters
    ----------
    legs
        What leaves which sort over which lane.
    kind
        What the run was asked for: of a ``fixed`` one each hub, sort and destination has one row, of a ``free`` one there may be no rows.

    Returns
    -------
    list of Violation
        Rules ``sort_plan.lane``, ``sort_plan.rows`` and ``sort_plan.share``.
    """
    rows = list(frames["sort_plans"].iter_rows(named=True))
    if kind == "free" and not rows:
        return []
    by_key: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_key[row["hub_id"], row["sort_id"], row["destination_hub_id"]].append(row)
    found = _check_rows(by_key, kind)
    taken: dict[int, list[float]] = defaultdict(lambda: [0.0, 0.0])
    astray: dict[tuple[str, str, date, str, str], float] = defaultdict(float)
    for hub, sort, day, goal, lane, parcels in legs:
        in_force = [row for row in by_key.get((hub, sort, goal), []) if row["date_from"] <= day <= row["date_to"]]
        if not in_force or lane not in (in_force[0]["lane_id"], in_force[0]["alternate_lane_id"]):
            astray[hub, sort, day, goal, lane] += parcels
            continue
        taken[in_force[0]["row"]][lane != in_force[0]["lane_id"]] += parcels
    for (hub, sort, day, goal, lane), parcels in sorted(astray.items()):
        text = f"Sort {sort} of hub {hub} on {day} sends {write_number(parcels)} parcels for {goal} over lane {lane}, which its sort plan does not name."
        found.append(Violation("sort_plan.lane", f"{hub} {sort} {goal}", day, lane, "the lanes of sort_plans", text))
    for row in rows:
        first, other = taken[row["row"]]
        due = first / (first + other) if first + other else None
        if due is None or abs(row["share"] - due) > LIMITS.tolerance:
            where = f"{row['hub_id']} {row['sort_id']} {row['destination_hub_id']}"
            text = f"The sort plan of {where} says a share of {write_number(row['share'])} takes its first lane, the flows {write_number(due)}."
            found.append(
                Violation(
                    "sort_plan.share", where, row["date_from"], write_number(row["share"]), write_number(due), text
                )
            )
    return found


def _check_rows(by_key: Mapping[tuple[str, str, str], list[dict[str, Any]]], kind: str) -> list[Violation]:
    """Check that no two rows speak of one hub, sort, destination and date, and one only where the plan is fixed."""
    found = []
    for (hub, sort, goal), rows in sorted(by_key.items()):
        rows.sort(key=lambda row: row["date_from"])
        for before, after in pairwise(rows):
            if kind == "fixed" or after["date_from"] <= before["date_to"]:
                text = f"The sort plan has two rows for hub {hub}, sort {sort}, destination {goal} from {after['date_from']} on."
                found.append(Violation("sort_plan.rows", f"{hub} {sort} {goal}", after["date_from"], "2", "1", text))
    return found
