"""Units and costs as a planner gives them, in place of what the forecast and couriers' rates say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from data.contracts.fields import ALL
from routing.stock.costs import PathCosts
from routing.stock.items import Items
from routing.stock.level import UnitCosts


@dataclass(frozen=True, slots=True)
class GivenCosts:
    """What a unit costs from a warehouse to a region.

    Attributes
    ----------
    rows
        ``sourcing_costs``.
    zones
        region_id and zone.
    units
        Units by region, by which the costs of a zone's regions are weighed.
    day_cost
        Worth of a day on which a buyer waits [CNY/unit].
    """

    rows: pl.DataFrame
    zones: pl.DataFrame
    units: Mapping[str, float]
    day_cost: float


def part_categories(items: Items) -> Items:
    """Part families by category, which given costs may be told apart by."""
    names = sorted({category for _, category in items.keys})
    own = np.array([names.index(category) for _, category in items.keys], dtype=np.int64)
    parted = np.unique(items.family * len(names) + own, return_inverse=True)[1]
    return replace(items, family=parted.reshape(-1).astype(np.int64))


def take_given_costs(costs: UnitCosts, items: Items, given: GivenCosts, path_costs: PathCosts) -> UnitCosts:
    """Put costs given by warehouse and region in place of couriers' rates; those of a category come before those of all.

    Parameters
    ----------
    costs
        What a unit costs by rates; kept where a region of the zone is not given.
    items
        Items whose families are parted by category.
    given
        The costs given.
    path_costs
        Which warehouses goods can be brought to.
    """
    names = ("warehouse_id", "region_id", "category", "cost", "days")
    rows = {row[:3]: row[3] + given.day_cost * (row[4] or 0.0) for row in given.rows.select(*names).iter_rows()}
    members: dict[str, list[str]] = {}
    for region, zone in given.zones.select("region_id", "zone").iter_rows():
        members.setdefault(zone, []).append(region)
    ahead = costs.ahead.copy()
    reached = np.isfinite(path_costs.bulk[items.home][:, items.site_hub]) & items.site_open
    for category in sorted({category for _, category in items.keys}):
        own = np.array([i for i, key in enumerate(items.keys) if key[1] == category])
        for w, site in enumerate(items.sites):
            here = own[reached[own, w]]
            for z, zone in enumerate(items.zones):
                values = [rows.get((site, r, category), rows.get((site, r, ALL), np.nan)) for r in members[zone]]
                weight = np.array([max(given.units.get(region, 0.0), 1e-9) for region in members[zone]])
                value = float(weight @ np.array(values) / weight.sum())
                if np.isfinite(value):
                    ahead[here, z, w] = value + float(costs.rent[w])
    return replace(costs, ahead=ahead)


def place_as_given(items: Items) -> Items:
    """Place the units asked for, no fewer and none for safety."""
    return replace(items, target=items.expected, level=np.ones(len(items.keys)), basis="given")
