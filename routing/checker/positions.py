"""Own vehicles by place and time: none leaves from a hub at which none stands then."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from routing.checker.playback.clock import MINUTES, to_minutes
from routing.checker.playback.orders import Orders
from routing.checker.violations import Violation, write_number


@dataclass(frozen=True, slots=True)
class Move:
    """Own vehicles of a type from hub to hub: when they leave, and from when they can leave again, in days or minutes."""

    kind: str
    start: str
    end: str
    leaves: int
    back: int
    count: float
    day: date


def list_moves_by_day(priced: pl.DataFrame) -> list[Move]:
    """List the departures of own vehicles of a plan by days: back as many days after they leave as their lane keeps them away."""
    return [
        Move(
            row["vehicle_type_id"], row["start"], row["end"], row["date"].toordinal(),
            row["date"].toordinal() + max(int(row["away"] or 0), 1), row["departures"], row["date"],
        )
        for row in _own(priced)
    ]  # fmt: skip


def list_moves_by_clock(priced: pl.DataFrame, plan: Orders, turn_round: float) -> list[Move]:
    """List the departures of own vehicles of a plan by the clock: back when they have arrived and been turned round."""
    away = {(vehicle.lane, vehicle.leaves): vehicle.away for vehicle in plan.vehicles}
    moves = []
    for row in _own(priced):
        if row["leaves_at"] is None:
            continue
        leaves = to_minutes(row["leaves_at"])
        under_way = away.get((row["lane_id"], leaves), 0) + round(turn_round * MINUTES)
        moves.append(
            Move(
                row["vehicle_type_id"], row["start"], row["end"], leaves, leaves + max(under_way, 1), row["departures"],
                row["date"],
            )
        )  # fmt: skip
    return moves


def _own(priced: pl.DataFrame) -> list[dict[str, Any]]:
    rows = priced.filter((pl.col("ownership") == "own") & (pl.col("departures") > 0))
    return [row for row in rows.iter_rows(named=True) if row["start"] is not None and row["end"] is not None]


def check_positions(frames: Mapping[str, pl.DataFrame], moves: Iterable[Move]) -> list[Violation]:
    """Check that own vehicles stand where they leave from.

    Of a type with rows in ``vehicle_stands`` no hub may have fewer vehicles at a departure than leave then. Of one without, the
    vehicles that must stand somewhere when the plan begins, hub by hub the most that ever lack, may not exceed the fleet.
    """
    by_type: dict[str, list[Move]] = defaultdict(list)
    for move in moves:
        by_type[move.kind].append(move)
    fleets = dict(frames["vehicle_types"].select("vehicle_type_id", "fleet_size").iter_rows())
    stands: dict[str, dict[str, float]] = defaultdict(dict)
    for row in frames["vehicle_stands"].iter_rows(named=True):
        stands[row["vehicle_type_id"]][row["hub_id"]] = row["vehicles_at_start"]
    found = []
    for kind, mine in sorted(by_type.items()):
        lacking = _find_lacking(mine)
        if kind in stands:
            found += [
                _tell_hub(kind, hub, stands[kind].get(hub, 0.0), lack, day)
                for hub, (lack, day) in sorted(lacking.items())
                if lack > stands[kind].get(hub, 0.0)
            ]
            continue
        needed, fleet = sum(lack for lack, _ in lacking.values()), fleets.get(kind)
        if fleet is not None and needed > fleet:
            text = (
                f"Own vehicles {kind}: {write_number(needed)} must stand at hubs when the plan begins for all its departures, "
                f"there are {write_number(fleet)}."
            )
            found.append(Violation("fleet.position", kind, None, write_number(needed), write_number(fleet), text))
    return found


def _find_lacking(moves: Iterable[Move]) -> dict[str, tuple[float, date]]:
    """Vehicles that must stand at each hub when the plan begins, and the date of the departure that needs them."""
    events: dict[str, list[tuple[int, int, float, date]]] = defaultdict(list)
    for move in moves:
        events[move.start].append((move.leaves, 1, -move.count, move.day))
        # what comes back at a moment is there for what leaves at it
        events[move.end].append((move.back, 0, move.count, move.day))
    found = {}
    for hub, rows in events.items():
        stock, lack, when = 0.0, 0.0, rows[0][3]
        for _, _, change, day in sorted(rows, key=lambda row: row[:2]):
            stock += change
            if -stock > lack:
                lack, when = -stock, day
        if lack > 0:
            found[hub] = (lack, when)
    return found


def _tell_hub(kind: str, hub: str, there: float, needed: float, day: date) -> Violation:
    text = (
        f"Own vehicles {kind} at {hub}: {write_number(needed)} must stand there when the plan begins for what has left by {day}, "
        f"vehicle_stands has {write_number(there)}."
    )
    return Violation("fleet.position", f"{kind} at {hub}", day, write_number(needed), write_number(there), text)
