"""Demand and stock at hand as arrays over items (merchant x category), buyers' zones and warehouses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.errors import RadarError
from routing.stock.costs import WayCosts
from routing.stock.demand import ITEM
from routing.stock.model import Floats

Ints = NDArray[np.int64]

TOLD = ("growth", "venue", "price", "lift", "weather")


@dataclass(frozen=True, slots=True)
class Items:
    """I items, Z zones, W warehouses, H hubs.

    Attributes
    ----------
    keys
        merchant_id and category of each item.
    zones, sites, hub_ids
        Ids of the zones, warehouses and hubs.
    expected, target
        Units expected and to stand ready, shape (I, Z).
    there
        Units that stand there already, shape (I, W).
    others
        Units there of goods nobody will order, shape (W,).
    home, site_hub
        Number of the hub each merchant ships from (I,) and of each warehouse's hub (W,).
    site_open
        Whether the warehouse's hub will be open, shape (W,).
    zone_weight
        Share of a zone's buyers behind each hub, shape (Z, H).
    told
        Factors of the expectation by name (growth, venue, price, lift, weather), shape (I,) each.
    cv, early_share, peak_share, units_per_parcel
        As in ``stock_demand.expect_demand``, shape (I,).
    family
        Items of one family cost the same and have no stock at hand, shape (I,); an item with stock is its own family.
    """

    keys: list[tuple[str, str]]
    zones: list[str]
    sites: list[str]
    hub_ids: list[str]
    expected: Floats
    target: Floats
    there: Floats
    others: Floats
    home: Ints
    site_hub: Ints
    site_open: NDArray[np.bool_]
    zone_weight: Floats
    cv: Floats
    told: dict[str, Floats]
    early_share: Floats
    peak_share: Floats
    units_per_parcel: Floats
    family: Ints

    def reach(self, hub_to_hub: Floats) -> Floats:
        """Average a (H, H) cost over the buyers of each zone, shape (H, Z); inf where part of a zone cannot be reached."""
        finite = np.isfinite(hub_to_hub)
        mean = np.where(finite, hub_to_hub, 0.0) @ self.zone_weight.T
        return np.where((~finite).astype(float) @ self.zone_weight.T > 0, np.inf, mean)

    def leaders(self) -> Ints:
        """Return the first item of each family, which speaks for its costs, shape (F,)."""
        return np.unique(self.family, return_index=True)[1].astype(np.int64)


def gather_items(
    demand: pl.DataFrame,
    zones: pl.DataFrame,
    warehouses: pl.DataFrame,
    stock: pl.DataFrame,
    ways: WayCosts,
    moved: Mapping[str, str | None],
    as_of: date,
) -> Items:
    """Lay demand and stock at hand out as arrays.

    Parameters
    ----------
    demand
        Rows of ``stock_demand.expect_demand``.
    zones
        Rows of ``stock_costs.gather_zones``.
    warehouses, stock
        Tables of that name; of stock the latest count up to `as_of` holds.
    ways
        Costs over the hubs.
    moved
        Hubs that will have closed and their successors, None without one.
    as_of
        Last day known.

    Raises
    ------
    RadarError
        When stock stands in an unknown warehouse or a hub is unknown.
    """
    first = demand.group_by(*ITEM, maintain_order=True).first().sort(*ITEM)
    keys = list(first.select(*ITEM).iter_rows())
    number = {key: i for i, key in enumerate(keys)}
    zone_ids = zones["zone"].unique().sort().to_list()
    zone_number = {zone: i for i, zone in enumerate(zone_ids)}
    to_zone = dict(zones.select("region_id", "zone").iter_rows())
    expected, target = np.zeros((2, len(keys), len(zone_ids)))
    item_of = [number[key] for key in demand.select(*ITEM).iter_rows()]
    zone_of = [zone_number[to_zone[region]] for region in demand["region_id"]]
    np.add.at(expected, (item_of, zone_of), demand["expected"].to_numpy())
    np.add.at(target, (item_of, zone_of), demand["target"].to_numpy())
    places = warehouses.sort("warehouse_id")
    there, others = _count_stock(stock, places["warehouse_id"].to_list(), number, as_of)
    site_hubs = [moved.get(hub, hub) for hub in places["hub_id"]]
    homes = [moved.get(hub) or hub for hub in first["home_hub_id"]]
    home, units_per_parcel = ways.index(homes), first["units_per_parcel"].to_numpy()
    return Items(
        keys=keys,
        zones=zone_ids,
        sites=places["warehouse_id"].to_list(),
        hub_ids=ways.hub_ids,
        expected=expected,
        target=np.maximum(target, 0.0),
        there=there,
        others=others,
        home=home,
        site_hub=ways.index([hub or old for hub, old in zip(site_hubs, places["hub_id"], strict=True)]),
        site_open=np.array([hub is not None for hub in site_hubs]),
        zone_weight=_weigh_hubs(demand, zones, zone_number, ways, moved),
        cv=first["cv"].to_numpy(),
        told={name: first[f"{name}_told"].to_numpy() for name in TOLD},
        early_share=first["early_share"].to_numpy(),
        peak_share=first["peak_share"].to_numpy(),
        units_per_parcel=units_per_parcel,
        family=_form_families(home, units_per_parcel, first["peak_share"].to_numpy(), there.sum(axis=1) > 0),
    )


def _count_stock(
    stock: pl.DataFrame, sites: list[str], number: Mapping[tuple[str, str], int], as_of: date
) -> tuple[Floats, Floats]:
    latest = (
        stock.filter(pl.col("as_of") <= as_of)
        .sort("as_of")
        .group_by(*ITEM, "warehouse_id")
        .agg(pl.col("units").last())
        .sort(*ITEM, "warehouse_id")
    )
    there, others = np.zeros((len(number), len(sites))), np.zeros(len(sites))
    place = {site: w for w, site in enumerate(sites)}
    for merchant, category, site, units in latest.iter_rows():
        if site not in place:
            raise RadarError(f"stock in unknown warehouse {site}", "a row of warehouses", "load it, or correct stock")
        item = number.get((merchant, category))
        if item is None:
            others[place[site]] += units
        else:
            there[item, place[site]] += units
    return there, others


def _weigh_hubs(
    demand: pl.DataFrame,
    zones: pl.DataFrame,
    zone_number: Mapping[str, int],
    ways: WayCosts,
    moved: Mapping[str, str | None],
) -> Floats:
    """Share of each zone's buyers behind each hub: a region's units in equal parts over the hubs that serve it."""
    weights = np.zeros((len(zone_number), len(ways.hub_ids)))
    totals = demand.group_by("region_id").agg(pl.col("target").sum())
    for row in zones.join(totals, on="region_id").sort("region_id").iter_rows(named=True):
        hubs = sorted({moved.get(hub) or hub for hub in row["hub_ids"]})
        weights[zone_number[row["zone"]], ways.index(hubs)] += max(row["target"], 1) / len(hubs)
    shares: Floats = weights / weights.sum(axis=1, keepdims=True)
    return shares


def _form_families(home: Ints, units_per_parcel: Floats, peak_share: Floats, has_stock: NDArray[np.bool_]) -> Ints:
    """Number the families: items with stock one each, the others by home hub, units in a parcel and peak share."""
    alone = np.where(has_stock, np.arange(len(home)), -1)
    rows = np.column_stack([alone, home, np.round(units_per_parcel, 6), np.round(peak_share, 6)])
    rows[has_stock, 1:] = 0
    numbers: Ints = np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return numbers
