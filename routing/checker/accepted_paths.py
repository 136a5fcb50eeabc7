"""Paths that no planner accepts: too many lanes, a hub twice, too long a way round."""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heappop, heappush

import polars as pl

from routing.checker.limits import LIMITS
from routing.checker.playback.clock import ClockRules
from routing.checker.violations import Violation, write_number


def check_paths(frames: Mapping[str, pl.DataFrame], rules: ClockRules) -> list[Violation]:
    """Check every flow against the most lanes, the hubs it passes and the kilometres it goes.

    It may go the larger of `max_detour_ratio` x direct and direct + `max_detour_km`, direct being the shortest way over road lanes.
    Nothing is checked where the settings ask nothing.
    """
    bounds = (rules.max_legs, rules.max_detour_ratio, rules.max_detour_km)
    if all(bound is None for bound in bounds):
        return []
    lanes = {row["lane_id"]: row for row in frames["lanes"].iter_rows(named=True)}
    roads: dict[str, list[tuple[str, float]]] = {}
    for row in lanes.values():
        if row["mode"] == "road":
            roads.setdefault(row["origin_hub_id"], []).append((row["destination_hub_id"], row["distance_km"]))
    direct: dict[str, dict[str, float]] = {}
    found = []
    for row in frames["trunk_flows"].iter_rows(named=True):
        way = [lanes[lane] for lane in row["path"] if lane in lanes]
        if not way or len(way) < len(row["path"]):
            continue
        where = f"{row['origin_hub_id']}-{row['destination_hub_id']} (trunk_flows row {row['row']})"
        if rules.max_legs is not None and len(way) > rules.max_legs:
            text = f"Flow {where} goes over {len(way)} lanes, {rules.max_legs} are accepted."
            found.append(Violation("path.legs", where, row["date"], str(len(way)), str(rules.max_legs), text))
        hubs = [way[0]["origin_hub_id"], *(lane["destination_hub_id"] for lane in way)]
        twice = sorted({hub for hub in hubs if hubs.count(hub) > 1})
        if twice:
            text = f"Flow {where} passes {' and '.join(twice)} more than once."
            found.append(Violation("path.hub_twice", where, row["date"], " ".join(twice), "once", text))
        if rules.max_detour_ratio is None and rules.max_detour_km is None:
            continue
        start, end = row["origin_hub_id"], row["destination_hub_id"]
        if start not in direct:
            direct[start] = reach_by_lanes(start, roads)
        if end in direct[start]:
            short = direct[start][end]
            most = max(short * (rules.max_detour_ratio or 1.0), short + (rules.max_detour_km or 0.0))
            km = sum(lane["distance_km"] for lane in way)
            if km > most + LIMITS.kilometres:
                text = f"Flow {where} goes {write_number(km)} km; the direct way has {write_number(short)}, {write_number(most)} are accepted."
                found.append(Violation("path.detour", where, row["date"], write_number(km), write_number(most), text))
    return found


def reach_by_lanes(hub: str, roads: Mapping[str, list[tuple[str, float]]]) -> dict[str, float]:
    """Kilometres of the shortest way from a hub to every hub that lanes lead to (Dijkstra 1959)."""
    found: dict[str, float] = {}
    heap = [(0.0, hub)]
    while heap:
        km, here = heappop(heap)
        if here not in found:
            found[here] = km
            for there, more in roads.get(here, []):
                heappush(heap, (km + more, there))
    return found
