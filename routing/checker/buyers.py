"""Where buyers are, as the check of a joint plan sees them: the hubs behind which a region's buyers live, and how far they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
import polars as pl

from data.geography import great_circle_km
from routing.checker.limits import LIMITS
from routing.checker.ways import Ways


def find_zones(
    regions: pl.DataFrame, hubs: pl.DataFrame, units: Mapping[str, float]
) -> dict[str, tuple[str, list[str]]]:
    """Name the zone each region counts in and the hubs that serve it.

    The largest regions are zones of their own; each other one counts in the nearest of them. A region is served by the hubs in it, in
    its parts or in the region around it, else by the nearest one.

    Parameters
    ----------
    regions, hubs
        Tables of that name.
    units
        Units ordered by region.
    """
    around = dict(regions.select("region_id", "parent_region_id").iter_rows())
    at = {row[0]: (row[1], row[2]) for row in regions.select("region_id", "latitude", "longitude").iter_rows()}
    stand = [(row[0], _upward(row[1], around), row[2], row[3]) for row in
             hubs.sort("hub_id").select("hub_id", "region_id", "latitude", "longitude").iter_rows()]  # fmt: skip
    ranked = sorted(units, key=lambda region: (-units[region], region))
    centres = ranked[: LIMITS.zones]
    found = {}
    for number, region in enumerate(ranked):
        zone = (
            region
            if number < LIMITS.zones
            else _nearest(at.get(region), {c: at.get(c) for c in centres}) or centres[-1]
        )
        served: list[str] = []
        for place in _upward(region, around):
            served = [hub for hub, line, _, _ in stand if place in line]
            if served:
                break
        if not served:
            near = _nearest(at.get(region), {hub: (y, x) for hub, _, y, x in stand})
            served = [near] if near else []
        found[region] = (zone, served)
    return found


def weigh_buyers(
    zones: Mapping[str, tuple[str, list[str]]], orders: pl.DataFrame, closed: Mapping[str, str | None]
) -> dict[str, dict[str, float]]:
    """Share of each zone's buyers behind each hub, a region's units in equal parts over its hubs."""
    weight: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    totals = orders.group_by("region_id").agg(pl.col("expected").sum()).sort("region_id")
    for region, units in totals.iter_rows():
        zone, served = zones[region]
        open_hubs = sorted({closed.get(hub) or hub for hub in served})
        for hub in open_hubs:
            weight[zone][hub] += max(units, 1) / len(open_hubs)
    return {zone: {hub: part / sum(parts.values()) for hub, part in parts.items()} for zone, parts in weight.items()}


def place_buyers(weight: Mapping[str, Mapping[str, float]], ways: Ways) -> dict[tuple[str, str], float]:
    """Days from each hub to the buyers of each zone; unreachable ones left out."""
    found = {}
    for zone, parts in weight.items():
        for hub, number in ways.at.items():
            days = sum(part * ways.days[number, ways.at[end]] for end, part in parts.items())
            if np.isfinite(days):
                found[hub, zone] = float(days)
    return found


def _upward(region: str | None, around: Mapping[str, str | None]) -> list[str]:
    line: list[str] = []
    while region is not None and region not in line:
        line.append(region)
        region = around.get(region)
    return line


def _nearest(
    place: tuple[float | None, float | None] | None, others: Mapping[str, tuple[float | None, float | None] | None]
) -> str | None:
    if place is None or place[0] is None or place[1] is None:
        return None
    apart = [
        (float(great_circle_km(place[0], place[1], other[0], other[1])), name)
        for name, other in others.items()
        if other is not None and other[0] is not None and other[1] is not None
    ]
    return min(apart)[1] if apart else None
