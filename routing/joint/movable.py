"""Which parcels of the trunk's demand may leave from a warehouse instead: merchants' orders by item, zone, day and buyers' hub.

The demand of the trunk holds the merchants' parcels, handed in at the hubs where they are sourced today. Of item i and zone z on
day d for the buyers behind hub e they are::

    parcels[i, z, e, d] = agrees[i] x expected[i, z] / units per parcel[i] x weight[z, e] x sent[home, d] / forecast[home]

with ``sent`` the hub's outflow in the trunk's demand on the day (a quantile of the forecast, or given) and ``forecast`` what the hub is expected to send over all days of
the stock's window, so that the merchants grow with the level the trunk is planned at. No route gives more than it carries: what is
beyond is cut, and told.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from data.arrays import Floats
from data.constants import constant
from data.errors import RadarError
from routing.stock.task import StockTask
from routing.trunk.task.network import TrunkNetwork


@dataclass(frozen=True)
class MovableRules:
    """When what merchants sell and what routes carry contradict each other."""

    most_cut: float = constant(
        0.2, "1", "of the merchants' parcels beyond their routes, above which the plan is refused", "judgement"
    )


MOVABLE = MovableRules()


@dataclass(frozen=True, slots=True)
class Movable:
    """Parcels that may be moved; I items, Z zones, H hubs, D days of the trunk's plan.

    Attributes
    ----------
    base : (D, H, H) [parcels]
        The trunk's demand by day, origin and destination.
    origin : (I, Z, H)
        Share of the orders that leaves from each hub as sourced today; sums to 1.
    parcels : (I, Z) [parcels]
        Over the window.
    day_share : (I, D)
        Share of an item's orders on each day of the window, sums to 1; 0 outside.
    weight : (Z, H)
        Share of a zone's buyers behind each hub.
    kept : (D, H, H)
        Share of the movable parcels of a route and day that the route can give, at most 1.
    listed, cut : [parcels]
        Movable before and beyond what routes carry.
    """

    base: Floats
    origin: Floats
    parcels: Floats
    day_share: Floats
    weight: Floats
    kept: Floats
    listed: float
    cut: float

    def by_day(self, item: int, zone: int, days: Floats) -> Floats:
        """Parcels of an item and zone by day, hub they leave from today and buyers' hub, on the marked days (D,), shape (D, H, H)."""
        asked = self.parcels[item, zone] * self.day_share[item] * days
        found: Floats = (
            asked[:, None, None] * self.origin[item, zone][None, :, None] * self.weight[zone][None, None, :] * self.kept
        )
        return found


def read_base(network: TrunkNetwork) -> Floats:
    """Lay the trunk's demand out by day, origin and destination, shape (D, H, H) [parcels]."""
    base = np.zeros((network.days, network.hubs, network.hubs))
    np.add.at(
        base,
        (network.demand_day, network.demand_origin, network.demand_destination),
        network.demand_parcels.astype(float),
    )
    return base


def find_movable(
    network: TrunkNetwork,
    task: StockTask,
    *,
    sourcing: pl.DataFrame,
    agrees: dict[str, float],
    hub_means: dict[str, float] | None = None,
) -> Movable:
    """Find what of the trunk's demand may leave from warehouses.

    Parameters
    ----------
    network
        The trunk's task.
    task
        The stock's task over the same hubs.
    sourcing
        How orders are sourced today (merchant_id, category, region_id, origin_hub_id, date_from, date_to, share); what no row takes
        leaves from the merchant's hub.
    agrees
        Share of its orders a merchant lets move, by merchant_id; 1 where it says nothing.
    hub_means
        Parcels each hub is expected to send over the window; None takes the trunk's demand itself.

    Raises
    ------
    RadarError
        When the two tasks have no day in common, or merchants sell far more than their routes carry.
    """
    items = task.items
    offset = (task.window.first - network.first_day).days
    inside = np.zeros(network.days)
    inside[max(offset, 0) : max(min(offset + task.window.days, network.demand_days), 0)] = 1.0
    if not inside.any():
        raise RadarError(
            f"the stock is for {task.window.first} to {task.window.last}, the trunk's demand for other days",
            f"days from {network.day(0)} to {network.day(network.demand_days - 1)}",
            "set --from and --to",
        )
    base = read_base(network)
    sent = base.sum(axis=2) * inside[:, None]
    total = sent.sum(axis=0)
    means = (
        total
        if hub_means is None
        else np.array([hub_means.get(hub, total[h]) for h, hub in enumerate(network.hub_ids)])
    )
    grown = np.divide(total, means, out=np.ones_like(total), where=means > 0)
    share = np.divide(sent, total, out=np.zeros_like(sent), where=total > 0)  # (D, H)
    agreed = np.array([agrees.get(merchant, 1.0) for merchant, _ in items.keys])
    per_parcel = items.units_per_parcel
    parcels = agreed[:, None] * items.expected / per_parcel[:, None] * grown[items.home][:, None]
    origin = _source_today(task, sourcing)
    day_share = share[:, items.home].T
    listed = np.einsum("iz,id,izo,ze->doe", parcels, day_share, origin, items.zone_weight, optimize=True)
    factor = np.divide(base, listed, out=np.ones_like(base), where=listed > base)
    wanted, cut = float(listed.sum()), float((listed * (1.0 - factor)).sum())
    if cut > MOVABLE.most_cut * wanted:
        beyond = (listed * (1.0 - factor)).sum(axis=0)
        start, end = (int(at) for at in np.unravel_index(np.argmax(beyond), beyond.shape))
        route = f"{network.hub_ids[start]} to {network.hub_ids[end]}"
        asked, carried = listed[:, start, end].sum(), base[:, start, end].sum()
        raise RadarError(
            f"merchants' orders exceed their routes by {100 * cut / wanted:.0f} % of {wanted:,.0f} parcels, most from {route}: {asked:,.0f} of {carried:,.0f}",
            f"at most {100 * MOVABLE.most_cut:.0f} %: route_demand holds what merchants sell",
            "load sales and route volumes of the same network, or correct sourcing",
        )
    return Movable(base, origin, parcels, day_share, items.zone_weight, factor, wanted, cut)


def _source_today(task: StockTask, sourcing: pl.DataFrame) -> Floats:
    """Share of an item's orders of a zone that leaves from each hub as sourced today, shape (I, Z, H)."""
    items = task.items
    origin = np.zeros((len(items.keys), len(items.zones), len(items.hub_ids)))
    hub = {name: h for h, name in enumerate(items.hub_ids)}
    zone_of = {row[0]: items.zones.index(row[1]) for row in task.zones.select("region_id", "zone").iter_rows()}
    parts = np.bincount([zone_of[region] for region in task.zones["region_id"]], minlength=len(items.zones))
    by_item: dict[tuple[str, str], list[int]] = {}
    for i, (merchant, category) in enumerate(items.keys):
        by_item.setdefault((merchant, category), []).append(i)
        by_item.setdefault((merchant, "*"), []).append(i)
    day = task.window.first
    valid = sourcing.filter(
        (pl.col("date_from") <= day).fill_null(True) & (pl.col("date_to").is_null() | (pl.col("date_to") >= day))
    ).sort("merchant_id", "category", "region_id", "origin_hub_id")
    for row in valid.iter_rows(named=True):
        zone, start = zone_of.get(row["region_id"]), hub.get(row["origin_hub_id"])
        if zone is None or start is None:
            continue
        for i in by_item.get((row["merchant_id"], row["category"]), []):
            origin[i, zone, start] += row["share"] / parts[zone]
    taken = origin.sum(axis=2, keepdims=True)
    origin = np.where(taken > 1.0, origin / np.maximum(taken, 1e-12), origin)
    rest = 1.0 - origin.sum(axis=2)
    origin[np.arange(len(items.keys)), :, items.home] += np.maximum(rest, 0.0)
    return origin
