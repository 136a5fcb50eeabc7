"""What proves a joint plan's bound: prices of the trunk's and the stock's limits, and the bound that anyone can add up from them.

With the prices of the limits fixed, parcels take their cheapest ways, and each item's orders of a zone leave from where that costs least::

    bound = what the prices prove of the trunk as it is asked today
            + sum over items and zones of min(0, least over warehouses of what a share changes)
            - sum over the stock's limits of price x limit

A share changes what its parcels' ways cost, days of waiting, rent, and the prices of the limits it uses. What is kept for safety is left out: it
hangs on the levels of items, which no table holds, and only adds cost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from data.arrays import Floats
from routing.joint.master import JointModel
from routing.stock.task import StockTask
from routing.trunk.bound.certificate import write_prices
from routing.trunk.bound.lagrangian import BoundCertificate, LagrangianDual, Prices, zero_prices
from routing.trunk.vehicles.vehicle_model import limit_rows

_SAFE = 1e-7  # share of a bound that rounding of sums may take
_LEAST = 1e-6  # prices below are what an interior point leaves of nothing [CNY]


@dataclass(frozen=True, slots=True)
class JointProof:
    """A bound and the rows of ``bound_prices``, without run_id, that prove it [CNY]."""

    bound: float
    prices: pl.DataFrame


@dataclass(frozen=True, slots=True)
class _StockPrices:
    """Prices of the stock's limits: units of an item at a warehouse, those of before new goods, (B,) each; room (W,); dispatch (W, D)."""

    stock: Floats
    early: Floats
    storage: Floats
    dispatch: Floats


def prove(model: JointModel, task: StockTask, duals: Floats, short_cost: float) -> JointProof:
    """Prove a bound by prices of the programme whose shares were free.

    Parameters
    ----------
    model
        The programme.
    task
        The stock's task it was written from.
    duals : (rows,)
        Duals of the programme's rows, as near as they may be: any prices prove something.
    short_cost
        Price of a parcel not carried, for which the bound holds [CNY].
    """
    height = model.trunk.matrix.shape[0]
    trunk = _read_trunk_prices(model, duals[:height])
    stock = _read_stock_prices(model, task, duals[height:])
    dual = LagrangianDual(replace(model.network, short_cost=short_cost))
    bound = dual.evaluate(trunk) + _value_stock(model, task, stock, dual)
    rows = [write_prices(model.network, BoundCertificate(bound, trunk)), _write_stock_prices(model, task, stock)]
    prices = pl.concat(rows, how="diagonal").with_columns(plan=pl.lit("joint"))
    return JointProof(bound - _SAFE * abs(bound), prices)


def _read_trunk_prices(model: JointModel, duals: Floats) -> Prices:
    """Read the prices of hubs, fleets, lanes and their vehicles from the duals of the trunk's rows."""
    network, trunk = model.network, model.trunk
    rules = limit_rows(network, trunk.pair_arc, trunk.pair_vehicle)
    sorts, nights = (np.flatnonzero(np.isfinite(limit)) for limit in (network.sort_capacity, network.buffer_capacity))
    sizes = (len(sorts), len(nights), len(rules.low))
    first = trunk.matrix.shape[0] - sum(sizes)
    sort, night, limits = np.split(-duals[first:], np.cumsum(sizes)[:-1])
    prices = zero_prices(network)
    prices.sort[sorts], prices.buffer[nights] = _clean(sort), _clean(night)
    kind = np.array(rules.kind)
    for name, target in (("lane", prices.lane), ("fleet", prices.fleet)):
        at = np.flatnonzero(kind == name)
        target[rules.first[at], rules.second[at]] = _clean(limits[at])
    if network.by_clock:  # vehicles still away as the last day ends: no day of the plan's, and nobody's limit
        prices.fleet[:, np.floor_divide(network.fleet_clock, 24.0) >= network.days] = 0.0
    at = np.flatnonzero(kind == "balance")
    prices.potential[rules.first[at], rules.second[at]] = limits[at]
    # a departure that earns although all of its kind leave is worth what it earns
    pairs = slice(len(trunk.cost) - len(trunk.pair_arc), len(trunk.cost))
    earned = _clean(trunk.matrix[:, pairs].T @ duals - trunk.cost[pairs])
    day = network.arc_day[trunk.pair_arc]
    bounded = np.isfinite(network.vehicle_limit[trunk.pair_vehicle, day])
    np.maximum.at(prices.vehicle, (trunk.pair_vehicle[bounded], day[bounded]), earned[bounded])
    return prices


def _clean(price: Floats) -> Floats:
    """Set prices of the wrong sign and noise, which are the solver's rounding, to 0."""
    return np.where(price > _LEAST, price, 0.0)


def _read_stock_prices(model: JointModel, task: StockTask, duals: Floats) -> _StockPrices:
    sites, days = len(task.items.sites), model.network.days
    price = _clean(-duals)
    found = {"stock": np.zeros(len(model.bring)), "early": np.zeros(len(model.bring))}
    found |= {"storage": np.zeros(sites), "dispatch": np.zeros(sites * days)}
    for kind, values in found.items():
        at = model.stock_kind == kind
        values[model.stock_key[at]] = price[at]
    # units brought in pay for their way and their room: a higher price of units there would prove less
    item, site = model.bring[:, 0], model.bring[:, 1]
    most = task.problem.inbound[task.items.family[item], site] + found["storage"][site]
    stock = np.minimum(found["stock"], most)
    return _StockPrices(stock, found["early"], found["storage"], found["dispatch"].reshape(sites, days))


def _value_stock(model: JointModel, task: StockTask, prices: _StockPrices, dual: LagrangianDual) -> float:
    """What moving orders is worth at most under prices, and what the stock's limits cost then [CNY], 0 or less."""
    items, shares, network = task.items, model.shares, model.network
    labels = np.minimum(dual.labels.price, dual.network.short_cost).T.ravel()  # by commodity and node, as the balances
    balances = int(model.trunk.commodity.max(initial=-1) + 1) * network.nodes
    moved = model.matrix[:balances, model.first_share : model.first_brought]
    whole = np.maximum(items.target, items.expected)[shares.item, shares.zone]
    expected = items.expected[shares.item, shares.zone]
    bare = shares.units * np.divide(expected, whole, out=np.ones_like(whole), where=whole > 0)
    pair = np.searchsorted(
        model.bring[:, 0] * len(items.sites) + model.bring[:, 1], shares.item * len(items.sites) + shares.site
    )
    cost = shares.cost - task.rent[shares.site] * (shares.units - bare) - moved.T @ labels[:balances]
    cost = cost + bare * (prices.stock[pair] + np.where(shares.early, prices.early[pair], 0.0))
    cost = cost + (shares.load * prices.dispatch[shares.site]).sum(axis=1)
    zones = len(items.zones)
    best = np.zeros((2, len(items.keys) * zones))
    np.minimum.at(best, (shares.early.astype(np.int64), shares.item * zones + shares.zone), cost)
    there = items.there[model.bring[:, 0], model.bring[:, 1]]
    paid = float(((prices.stock + prices.early) * there).sum() + prices.storage @ task.problem.room)
    bounded = np.isfinite(task.problem.dispatch)
    paid += float((prices.dispatch[bounded] * task.problem.dispatch[bounded, None]).sum())
    return float(best.sum()) - paid


def _write_stock_prices(model: JointModel, task: StockTask, prices: _StockPrices) -> pl.DataFrame:
    """Write the prices of the stock's limits that are not 0."""
    items, network = task.items, model.network
    rows: list[tuple[object, ...]] = []
    for kind, values in (("stock", prices.stock), ("early", prices.early)):
        for n in np.flatnonzero(values).tolist():
            item, site = (int(part) for part in model.bring[n])
            rows.append((kind, None, items.sites[site], *items.keys[item], float(values[n])))
    room = [(w, float(prices.storage[w])) for w in np.flatnonzero(prices.storage).tolist()]
    rows += [("storage", None, items.sites[w], None, None, price) for w, price in room]
    sent = np.argwhere(prices.dispatch > 0).tolist()
    rows += [("dispatch", network.day(d), items.sites[w], None, None, float(prices.dispatch[w, d])) for w, d in sent]
    names = {
        "kind": pl.String, "date": pl.Date, "warehouse_id": pl.String, "merchant_id": pl.String, "category": pl.String, "price": pl.Float64,
    }  # fmt: skip
    keys = ("kind", "warehouse_id", "merchant_id", "category", "date")
    return pl.DataFrame(rows, schema=names, orient="row").sort(keys)
