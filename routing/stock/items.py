"""Demand and stock at hand as arrays over items (merchant x category), buyers' zones and warehouses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from data.arrays import Floats, Ints
from data.errors import RadarError
from routing.stock.costs import PathCosts
from routing.stock.demand import ITEM

FACTORS = ("growth", "venue", "price", "lift", "weather")


@dataclass(frozen=True, slots=True)
class Items:
    """I items, Z zones, W warehouses, H hubs.

    Attributes
    ----------
    keys
        merchant_id and category of each item.
    zones, sites, hub_ids
        Ids of the zones, warehouses and hubs.
    expected, mean, target
        Units expected (whole), the same unrounded, and units to stand ready, shape (I, Z).
    level
        Probability with which these suffice, shape (I,).
    there
        Units that stand there already, shape (I, W).
    others
        Units there of goods nobody will order, shape (W,).
    home, site_hub
        Number of the hub each merchant ships from (I,) and of each warehouse's hub (W,).
    site_open
        Whether orders can leave from the warehouse, shape (W,): its hub will be open, and it is no factory.
    zone_weight
        Share of a zone's buyers behind each hub, shape (Z, H).
    factors
        Factors of the expectation by name (growth, venue, price, lift, weather), shape (I,) each.
    cv, early_share, peak_share, units_per_parcel
        As in ``demand.expect_demand``, shape (I,).
    places
        Room of a unit in a full vehicle, in parcel places, shape (I,).
    left_over
        return, sell or lose: what becomes of units left over, shape (I,).
    lot
        Fewest units worth sending, shape (I,).
    family
        Items of one family cost the same and have no stock at hand, shape (I,); an item with stock is its own family.
    basis
        What the expectation comes from: ``forecast``, or ``given`` with the table stock_demand.
    """

    keys: list[tuple[str, str]]
    zones: list[str]
    sites: list[str]
    hub_ids: list[str]
    expected: Floats
    mean: Floats
    target: Floats
    level: Floats
    there: Floats
    others: Floats
    home: Ints
    site_hub: Ints
    site_open: NDArray[np.bool_]
    zone_weight: Floats
    cv: Floats
    factors: dict[str, Floats]
    early_share: Floats
    peak_share: Floats
    units_per_parcel: Floats
    places: Floats
    left_over: NDArray[np.str_]
    lot: Floats
    family: Ints
    basis: str = "forecast"

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
    path_costs: PathCosts,
    moved: Mapping[str, str | None],
    as_of: date,
    goods: tuple[pl.DataFrame, pl.DataFrame] | None = None,
) -> Items:
    """Lay demand and stock at hand out as arrays; what is to stand ready is set later.

    Parameters
    ----------
    demand
        Rows of ``stock_demand.expect_demand``.
    zones
        Rows of ``stock_costs.gather_zones``.
    warehouses, stock
        Tables of that name; of stock the latest count up to `as_of` holds.
    path_costs
        Costs over the hubs.
    moved
        Hubs that will have closed and their successors, None without one.
    as_of
        Last day known.
    goods
        Tables ``categories`` and ``items``: units in a parcel, places, lots and what is left over.

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
    expected, mean = np.zeros((2, len(keys), len(zone_ids)))
    item_of = [number[key] for key in demand.select(*ITEM).iter_rows()]
    zone_of = [zone_number[to_zone[region]] for region in demand["region_id"]]
    np.add.at(expected, (item_of, zone_of), demand["expected"].to_numpy())
    np.add.at(mean, (item_of, zone_of), demand["mean"].to_numpy())
    places = warehouses.sort("warehouse_id")
    there, others = _count_stock(stock, places["warehouse_id"].to_list(), number, as_of)
    site_hubs = [moved.get(hub, hub) for hub in places["hub_id"]]
    homes = [moved.get(hub) or hub for hub in first["home_hub_id"]]
    home = path_costs.index(homes)
    described = _describe_goods(first, goods)
    units_per_parcel = described["units_per_parcel"].to_numpy()
    unit_places, peak = described["places_per_unit"].to_numpy(), first["peak_share"].to_numpy()
    return Items(
        keys=keys,
        zones=zone_ids,
        sites=places["warehouse_id"].to_list(),
        hub_ids=path_costs.hub_ids,
        expected=expected,
        mean=mean,
        target=expected,
        level=np.full(len(keys), 0.5),
        there=there,
        others=others,
        home=home,
        site_hub=path_costs.index([hub or old for hub, old in zip(site_hubs, places["hub_id"], strict=True)]),
        site_open=np.array([hub is not None for hub in site_hubs]) & serves_buyers(places),
        zone_weight=_weigh_hubs(demand, zones, zone_number, path_costs, moved),
        cv=first["cv"].to_numpy(),
        factors={name: first[f"{name}_told"].to_numpy() for name in FACTORS},
        early_share=first["early_share"].to_numpy(),
        peak_share=peak,
        units_per_parcel=units_per_parcel,
        places=unit_places,
        left_over=described["left_over"].to_numpy().astype(np.str_),
        lot=described["minimum_lot"].to_numpy().astype(np.float64),
        family=_form_families(home, units_per_parcel, unit_places, peak, there.sum(axis=1) > 0),
    )


def serves_buyers(warehouses: pl.DataFrame) -> NDArray[np.bool_]:
    """Say of each warehouse whether it sends parcels to buyers: a factory only fills others up."""
    if "kind" not in warehouses.columns:
        return np.ones(warehouses.height, dtype=np.bool_)
    served: NDArray[np.bool_] = warehouses["kind"].ne_missing("factory").to_numpy()
    return served


def count_in(items: Items, stock: pl.DataFrame, as_of: date) -> Items:
    """Put other counts of stock in place of those that are there."""
    number = {key: i for i, key in enumerate(items.keys)}
    there, others = _count_stock(stock, items.sites, number, as_of)
    family = _form_families(items.home, items.units_per_parcel, items.places, items.peak_share, there.sum(axis=1) > 0)
    return replace(items, there=there, others=others, family=family)


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


def _describe_goods(items: pl.DataFrame, goods: tuple[pl.DataFrame, pl.DataFrame] | None) -> pl.DataFrame:
    """Describe each item's goods: as ``items`` says, else ``categories``, else as its sales and the defaults do; rows as given."""
    names = ("units_per_parcel", "places_per_unit", "left_over", "minimum_lot")
    rows = items.select(*ITEM, sold="units_per_parcel")
    for suffix, frame, key in (
        ("_own", None if goods is None else goods[1], ITEM),
        ("_kind", None if goods is None else goods[0], ("category",)),
    ):
        if frame is not None and frame.height:
            part = frame.select(*key, *(pl.col(name).alias(name + suffix) for name in names))
            rows = rows.join(part, on=list(key), how="left", maintain_order="left")
        else:
            types = (pl.Float64, pl.Float64, pl.String, pl.Int64)
            rows = rows.with_columns(
                pl.lit(None, kind).alias(name + suffix) for name, kind in zip(names, types, strict=True)
            )
    units = pl.coalesce("units_per_parcel_own", "units_per_parcel_kind", "sold")
    return rows.select(
        units_per_parcel=units,
        places_per_unit=pl.coalesce("places_per_unit_own", "places_per_unit_kind", 1.0 / units),
        left_over=pl.coalesce("left_over_own", "left_over_kind", pl.lit("return")),
        minimum_lot=pl.coalesce("minimum_lot_own", "minimum_lot_kind", pl.lit(0, pl.Int64)),
    )


def _weigh_hubs(
    demand: pl.DataFrame,
    zones: pl.DataFrame,
    zone_number: Mapping[str, int],
    path_costs: PathCosts,
    moved: Mapping[str, str | None],
) -> Floats:
    """Share of each zone's buyers behind each hub: a region's units in equal parts over the hubs that serve it."""
    weights = np.zeros((len(zone_number), len(path_costs.hub_ids)))
    totals = demand.group_by("region_id").agg(pl.col("expected").sum())
    for row in zones.join(totals, on="region_id").sort("region_id").iter_rows(named=True):
        hubs = sorted({moved.get(hub) or hub for hub in row["hub_ids"]})
        weights[zone_number[row["zone"]], path_costs.index(hubs)] += max(row["expected"], 1) / len(hubs)
    shares: Floats = weights / weights.sum(axis=1, keepdims=True)
    return shares


def _form_families(
    home: Ints, units_per_parcel: Floats, places: Floats, peak_share: Floats, has_stock: NDArray[np.bool_]
) -> Ints:
    """Number the families: items with stock one each, the others by home hub, units in a parcel, places and peak share."""
    alone = np.where(has_stock, np.arange(len(home)), -1)
    rows = np.column_stack([alone, home, np.round(units_per_parcel, 6), np.round(places, 6), np.round(peak_share, 6)])
    rows[has_stock, 1:] = 0
    numbers: Ints = np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
    return numbers
