"""The lower bound of a joint plan, recomputed from the tables and the prices kept with the plan.

Whoever has prices of at least 0 for the limits has a bound; how they were found does not matter, and nothing is solved here::

    bound = what the prices prove of the trunk as it is asked before anything moves
            + sum over items, zones (and days before new goods, and after) of min(0, least over warehouses of what moving all their orders changes)
            + sum over items and warehouses of room x min(0, bringing in + price of room - price of a unit there)
            - prices of units there, room and dispatch x what there is of them

Moving orders changes the price of their parcels' cheapest ways (``bound``, ``bound_by_clock``), the days their buyers wait, rent, and takes up units
there and dispatch. Parcels are told apart by destination alone, without a price of lateness; what is kept for safety is left out: both only add cost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from data.arrays import Floats
from data.keys import DAY_ROUTE
from routing.checker import by_clock
from routing.checker.bound import Costs, find_days, value_routes
from routing.checker.bound_by_clock import value_routes_by_clock
from routing.checker.buyers import find_zones, place_buyers, weigh_buyers
from routing.checker.hubs import close_hubs
from routing.checker.playback.clock import ClockRules
from routing.checker.prices import check_prices
from routing.checker.stock_cost import (
    NEEDED,
    StockTerms,
    days_today,
    expect_orders,
    find_homes,
    follow_closings,
    measure_goods,
    source_today,
)
from routing.checker.stock_on_hand import count_on_hand
from routing.checker.trunk import prepare
from routing.checker.violations import Violation, write_number
from routing.checker.ways import Ways, measure_ways

_STOCK_KINDS = ("stock", "early", "storage", "dispatch")
_RELATIVE, _CENT = 1e-6, 1.0
_NOISE = 1e-9


@dataclass(frozen=True, slots=True)
class JointTerms:
    """What a joint plan was told besides its tables.

    Attributes
    ----------
    stock
        Of its stock.
    costs
        Prices of its trunk; lateness has none in the bound.
    rules
        Time zone and hours where the tables are silent.
    co2_price
        Price of a kilogram of carbon dioxide.
    first, last
        Days the stock is for.
    as_of
        Last day known.
    """

    stock: StockTerms
    costs: Costs
    rules: ClockRules
    co2_price: float
    first: date
    last: date
    as_of: date


def check_joint_bound(tables: Mapping[str, pl.DataFrame], terms: JointTerms) -> tuple[float | None, list[Violation]]:
    """Recompute the bound that a joint plan's prices prove and hold it against the ``priced_bound`` of its certificate.

    Parameters
    ----------
    tables
        Tables of the trunk's check and of the joint plan's, ``bound_prices`` with the rows of both, ``sourcing_today``, those of
        ``stock_cost.NEEDED``, and ``hub_forecasts`` where the demand is a forecast's.
    terms
        What the plan was told.

    Returns
    -------
    bound
        [CNY]; None where no prices are kept.
    violations
        Rules ``certificate.bound`` and ``bound_prices.row``.
    """
    kept = tables["bound_prices"].filter(pl.col("plan") == "joint")
    row = tables["plan_certificates"].filter(pl.col("plan") == "joint").to_dicts()
    if kept.is_empty() or len(row) != 1 or any(name not in tables for name in NEEDED):
        return None, []
    tables = {**tables, "stands": count_on_hand(tables, terms.as_of, terms.first)}
    proven, violations = recompute_joint_bound(tables, kept, row[0]["last_day"], terms)
    claimed = row[0].get("priced_bound")
    if claimed is None:
        return proven, violations
    if claimed > proven + _CENT + _RELATIVE * abs(proven):
        text = f"The joint plan's certificate says priced_bound {claimed:,.2f}; the prices kept with the plan prove {proven:,.2f}."
        due = (write_number(claimed), write_number(proven))
        violations.append(Violation("certificate.bound", "joint.priced_bound", None, *due, text))
    return proven, violations


def recompute_joint_bound(
    tables: Mapping[str, pl.DataFrame], kept: pl.DataFrame, last_day: date, terms: JointTerms
) -> tuple[float, list[Violation]]:
    """Add up the bound that the prices prove [CNY], and list rows that are prices of nothing."""
    base = tables["route_demand"].select(*DAY_ROUTE, parcels="base").filter(pl.col("parcels") > 0)
    kept, unread = _read_numbers(kept)
    of_trunk = ~pl.col("kind").is_in(_STOCK_KINDS)
    frames = prepare(
        {**tables, "route_demand": base, "bound_prices": kept.filter(of_trunk)}, terms.rules, terms.co2_price
    )
    clock = by_clock.names_hours(frames)
    days = find_days(frames, last_day)
    prices, violations = check_prices(frames, days, by_clock=clock)
    costs = Costs(terms.costs.hold, terms.costs.short, 0.0)
    shut = close_hubs(frames, days.select("date").join(frames["hubs"].select("hub_id"), how="cross"))
    entries = (
        base.select("date")
        .unique()
        .join(shut.filter(~pl.col("closed")).select("date", origin_hub_id="hub_id"), on="date")
        .join(base.select("destination_hub_id").unique(), how="cross")
    )
    value, routes = (
        value_routes_by_clock(frames, prices, days, costs, terms.rules, entries)
        if clock
        else value_routes(frames, prices, days, costs, entries)
    )
    model = _Model(tables, base, terms)
    asked = routes.filter(pl.col("parcels").fill_null(0.0) > 0) if clock else routes
    beside = routes.filter(pl.col("parcels").is_null()) if clock else routes.join(entries, on=DAY_ROUTE, how="semi")
    stock, wrong = _read_stock_prices(kept.filter(~of_trunk), model)
    return value + model.value(model.lay(asked), model.lay(beside), stock), unread + violations + wrong


def _read_numbers(kept: pl.DataFrame) -> tuple[pl.DataFrame, list[Violation]]:
    """Leave out rows whose price is no number, and list them."""
    number = pl.col("price").is_finite().fill_null(False)
    wrong = [
        _refuse(row["kind"], row["hub_id"] or row["lane_id"] or row["warehouse_id"] or row["vehicle_type_id"], row)
        for row in kept.filter(~number).iter_rows(named=True)
    ]
    return kept.filter(number), wrong


def _refuse(kind: str, where: str | None, row: Mapping[str, Any]) -> Violation:
    text = f"bound_prices {kind} {where} is {row['price']}; expected a price of 0 or more of a limit there is."
    due = (str(row["price"]), "a limit there is", text)
    return Violation("bound_prices.row", f"bound_prices {kind} {where}", row["date"], *due)


@dataclass(frozen=True, slots=True)
class _StockPrices:
    """Prices of units of an item at a warehouse, and of before new goods, (I, W); of room (W,); of dispatch (W, D)."""

    stock: Floats
    early: Floats
    storage: Floats
    dispatch: Floats


class _Model:
    """Items (I), zones (Z), hubs (H), warehouses (W) and days (D) as arrays, from the tables."""

    def __init__(self, tables: Mapping[str, pl.DataFrame], base: pl.DataFrame, terms: JointTerms) -> None:
        self.terms, self.tables = terms, tables
        self.ways: Ways = measure_ways(tables)
        self.first_day: date = base.select(pl.col("date").min()).item()
        self.days = (base.select(pl.col("date").max()).item() - self.first_day).days + 1
        closed = follow_closings(tables["network_changes"], terms.first)
        orders = expect_orders(tables["merchant_forecasts"], terms.first, terms.last)
        totals = dict(orders.group_by("region_id").agg(pl.col("expected").sum()).iter_rows())
        zone_of = find_zones(tables["regions"], tables["hubs"], totals)
        weight = weigh_buyers(zone_of, orders, closed)
        self.zones = {zone: z for z, zone in enumerate(sorted(weight))}
        self.items = {
            item: i
            for i, item in enumerate(orders.select("merchant_id", "category").unique().sort(pl.all()).iter_rows())
        }
        self.home = self._find_homes(closed)
        self.expected = np.zeros((len(self.items), len(self.zones)))
        for merchant, category, region, units in orders.iter_rows():
            self.expected[self.items[merchant, category], self.zones[zone_of[region][0]]] += units
        self.weight = np.zeros((len(self.zones), len(self.ways.at)))
        for zone, parts in weight.items():
            for hub, part in parts.items():
                self.weight[self.zones[zone], self.ways.at[hub]] = part
        self._lay_sites(closed)
        self._lay_orders(base, zone_of, place_buyers(weight, self.ways))

    def _find_homes(self, closed: Mapping[str, str | None]) -> list[str]:
        rows = find_homes(self.tables, self.terms.first, self.terms.last)
        homes = {(merchant, category): closed.get(hub) or hub for merchant, category, hub in rows}
        return [homes[item] for item in self.items]

    def _lay_sites(self, closed: Mapping[str, str | None]) -> None:
        """Warehouses: hub, rent, room, dispatch; and what bringing in costs, what is there, and from which day new goods are sold."""
        rows = self.tables["warehouses"].sort("warehouse_id").to_dicts()
        self.sites = {row["warehouse_id"]: w for w, row in enumerate(rows)}
        moved = [closed.get(row["hub_id"], row["hub_id"]) for row in rows]
        self.site_open = np.array(
            [hub is not None and row.get("kind") != "factory" for hub, row in zip(moved, rows, strict=True)]
        )
        self.site_hub = np.array([self.ways.at[hub or row["hub_id"]] for hub, row in zip(moved, rows, strict=True)])
        window = (self.terms.last - self.terms.first).days + 1
        self.rent = np.array(
            [(row["storage_cost"] or 0.0) * (self.terms.stock.putaway_days + window / 2) for row in rows]
        )
        self.there = np.zeros((len(self.items), len(rows)))
        others = np.zeros(len(rows))
        for merchant, category, site, units in (
            self.tables["stands"].select("merchant_id", "category", "warehouse_id", "units").iter_rows()
        ):
            item = self.items.get((merchant, category))
            if item is None:
                others[self.sites[site]] += units
            else:
                self.there[item, self.sites[site]] += units
        storage = np.maximum(np.array([float(row["storage_capacity"]) for row in rows]) - others, 0.0)
        self.room = np.maximum(storage - self.there.sum(axis=0), 0.0)
        limits = [row["dispatch_capacity"] for row in rows]
        self.dispatch = np.array([np.inf if limit is None else float(limit) for limit in limits])
        orders = expect_orders(self.tables["merchant_forecasts"], self.terms.first, self.terms.last)
        goods = measure_goods(self.tables, orders)
        self.in_parcel, places = (np.array([goods[item][n] for item in self.items]) for n in (0, 1))
        home = np.array([self.ways.at[hub] for hub in self.home])
        self.inbound = self.ways.bulk[home][:, self.site_hub]
        self.usable = np.isfinite(self.inbound) & self.site_open[None, :]
        self.inbound = np.where(np.isfinite(self.inbound), self.inbound, 0.0) * places[:, None]
        road = self.ways.road[home][:, self.site_hub]
        lead = np.ceil(np.where(np.isfinite(road), road, 1e6) - 1e-9)
        start = (self.terms.as_of + timedelta(days=1) - self.first_day).days
        self.sellable = start + lead + self.terms.stock.putaway_days

    def _lay_orders(
        self, base: pl.DataFrame, zone_of: Mapping[str, tuple[str, list[str]]], reach: Mapping[tuple[str, str], float]
    ) -> None:
        """Parcels that may move: their days (I, D), where they leave from today (I, Z, H), how many (I, Z), what routes can give (D, H, H)."""
        hubs = len(self.ways.at)
        self.base = self.lay(base.with_columns(price=pl.col("parcels").cast(pl.Float64)))
        self.base = np.where(np.isfinite(self.base), self.base, 0.0)
        inside = np.array(
            [self.terms.first <= self.first_day + timedelta(days=d) <= self.terms.last for d in range(self.days)]
        )
        sent = self.base.sum(axis=2) * inside[:, None]
        total = sent.sum(axis=0)
        means = total.copy()
        if "hub_forecasts" in self.tables:
            out = self.tables["hub_forecasts"].filter(
                (pl.col("direction") == "out") & pl.col("date").is_between(self.terms.first, self.terms.last)
            )
            for hub, mean in out.group_by("hub_id").agg(pl.col("mean").sum()).iter_rows():
                if hub in self.ways.at:
                    means[self.ways.at[hub]] = mean
        home = np.array([self.ways.at[hub] for hub in self.home])
        grown = np.divide(total, means, out=np.ones(hubs), where=means > 0)
        self.day_share = np.divide(sent, total, out=np.zeros_like(sent), where=total > 0)[:, home].T
        agrees = self._read_agrees()
        self.parcels = agrees[:, None] * self.expected / self.in_parcel[:, None] * grown[home][:, None]
        self.reach = np.full((hubs, len(self.zones)), np.inf)
        for (hub, zone), days in reach.items():
            self.reach[self.ways.at[hub], self.zones[zone]] = days
        today = source_today(self.tables["sourcing_today"], zone_of, self.terms.first)
        self.origin = np.zeros((len(self.items), len(self.zones), hubs))
        self.wait = np.zeros(self.expected.shape)
        names = {(h, zone): days for (h, zone), days in reach.items()}
        for item, i in self.items.items():
            for zone, z in self.zones.items():
                shares: dict[str, float] = {}
                for category in (item[1], "*"):
                    for hub, share in today.get((item[0], category, zone), {}).items():
                        shares[hub] = shares.get(hub, 0.0) + share
                whole = sum(shares.values())
                for hub, share in shares.items():
                    if hub in self.ways.at:
                        self.origin[i, z, self.ways.at[hub]] += share / max(whole, 1.0)
                self.origin[i, z, home[i]] += max(1.0 - self.origin[i, z].sum(), 0.0)
                self.wait[i, z] = days_today(today, item, zone, self.home[i], names)
        asked = np.einsum("iz,id,izo,ze->doe", self.parcels, self.day_share, self.origin, self.weight, optimize=True)
        self.kept = np.divide(self.base, asked, out=np.ones_like(asked), where=asked > self.base)

    def _read_agrees(self) -> Floats:
        merchants = self.tables["merchants"]
        if "agrees" not in merchants.columns:
            return np.ones(len(self.items))
        agrees = dict(merchants.select("merchant_id", "agrees").iter_rows())
        return np.array([1.0 if agrees.get(item[0]) is None else float(agrees[item[0]]) for item in self.items])

    def lay(self, routes: pl.DataFrame) -> Floats:
        """Lay the prices of routes out by day, origin and destination; nan where there is none."""
        found = np.full((self.days, len(self.ways.at), len(self.ways.at)), np.nan)
        for day, start, end, price in routes.select(*DAY_ROUTE, "price").iter_rows():
            if start in self.ways.at and end in self.ways.at and 0 <= (day - self.first_day).days < self.days:
                found[(day - self.first_day).days, self.ways.at[start], self.ways.at[end]] = price
        return found

    def value(self, out: Floats, into: Floats, prices: _StockPrices) -> float:
        """What moving orders is worth at most at these prices, less what the stock's limits cost [CNY]."""
        best = np.zeros((2, *self.expected.shape))
        given = self.kept[:, :, :] * (self.base > 0)
        load = np.einsum("ze,doe->doz", self.weight, given, optimize=True)
        for w, hub in enumerate(self.site_hub.tolist()):
            step = into[:, [hub], :] - out
            step = np.where(
                np.isfinite(step), step, 0.0
            )  # a hub shut that day takes nothing in: parcels stay where they are
            step[:, hub, :] = 0.0
            change = (
                np.einsum("ze,doe->doz", self.weight, given * step, optimize=True)
                + prices.dispatch[w][:, None, None] * load
            )
            by_day = np.einsum("izo,doz->izd", self.origin, change, optimize=True) * self.parcels[:, :, None]
            by_day = by_day * self.day_share[:, None, :]
            for early in (0, 1):
                new = np.arange(self.days)[None, :] >= self.sellable[:, [w]]
                on = ~new if early else new
                part = (self.day_share * on).sum(axis=1)
                able = self.usable[:, w] & (part > _NOISE)
                able &= (self.there[:, w] > 0) & (self.sellable[:, w] > 0) if early else True
                waits = self.terms.stock.day_cost * (self.reach[hub][None, :] - self.wait)
                unit = self.rent[w] + prices.stock[:, w] + (prices.early[:, w] if early else 0.0)
                cost = (by_day * on[:, None, :]).sum(axis=2)
                cost += self.expected * part[:, None] * (waits + unit[:, None])
                may = able[:, None] & (self.parcels > 0) & np.isfinite(self.reach[hub])[None, :]
                best[early] = np.minimum(best[early], np.where(may, cost, 0.0))
        brought = np.minimum(self.inbound + prices.storage[None, :] - prices.stock, 0.0) * self.room[None, :]
        paid = ((prices.stock + prices.early) * self.there).sum() + prices.storage @ self.room
        some = prices.dispatch > 0
        paid += (np.broadcast_to(self.dispatch[:, None], some.shape)[some] * prices.dispatch[some]).sum()
        return float(best.sum() + brought.sum() - paid)


def _read_stock_prices(rows: pl.DataFrame, model: _Model) -> tuple[_StockPrices, list[Violation]]:
    """Read the prices of the stock's limits, and list those of nothing there is."""
    shape = (len(model.items), len(model.sites))
    found = _StockPrices(np.zeros(shape), np.zeros(shape), np.zeros(shape[1]), np.zeros((shape[1], model.days)))
    wrong: list[Violation] = []
    for row in rows.iter_rows(named=True):
        site, item = model.sites.get(row["warehouse_id"]), model.items.get((row["merchant_id"], row["category"]))
        day = None if row["date"] is None else (row["date"] - model.first_day).days
        if not _add_price(found, row, site, item, day):
            wrong.append(_refuse(row["kind"], row["warehouse_id"], row))
    return found, wrong


def _add_price(
    prices: _StockPrices, row: Mapping[str, Any], site: int | None, item: int | None, day: int | None
) -> bool:
    """Add a row to the prices; False where it is the price of nothing."""
    if site is None or not row["price"] >= 0:
        return False
    if row["kind"] == "storage":
        prices.storage[site] += row["price"]
    elif row["kind"] == "dispatch" and day is not None and 0 <= day < prices.dispatch.shape[1]:
        prices.dispatch[site, day] += row["price"]
    elif row["kind"] in ("stock", "early") and item is not None:
        (prices.stock if row["kind"] == "stock" else prices.early)[item, site] += row["price"]
    else:
        return False
    return True
