"""From shares of the joint programme to whole units, whole parcels and the tables that tell them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from data.arrays import Floats, Ints
from data.constants import constant
from data.keys import DAY_ROUTE
from routing.joint.answers import JointAnswer
from routing.joint.arrivals import Arrivals
from routing.joint.master import JointModel
from routing.joint.movable import Movable
from routing.stock.allocation import Sending, list_allocations
from routing.stock.task import StockTask
from routing.trunk.task.network import TrunkNetwork

ROUTE = DAY_ROUTE
_SOURCING = {
    "merchant_id": pl.String, "category": pl.String, "region_id": pl.String, "origin_hub_id": pl.String,
    "date_from": pl.Date, "date_to": pl.Date, "share": pl.Float64,
}  # fmt: skip


@dataclass(frozen=True)
class WholeRules:
    """What of the programme's answer is made whole."""

    least_share: float = constant(1e-6, "1", "of an item's orders; less is the solver's noise", "judgement")
    least_units: float = constant(0.5, "units", "of an item, zone and warehouse; fewer make no whole one", "judgement")


WHOLE = WholeRules()


@dataclass(frozen=True, slots=True)
class WholePlan:
    """The stock's side of a joint plan in whole units and parcels, as tables without run_id.

    Attributes
    ----------
    allocations, sourcing, demand
        Rows of ``stock_allocations``, ``sourcing`` and ``route_demand``.
    cost
        Bringing in, storage, opening, and the worth of the days buyers wait more or less [CNY].
    units
        Units that stand ahead.
    moved
        Parcels that leave from elsewhere than today.
    """

    allocations: pl.DataFrame
    sourcing: pl.DataFrame
    demand: pl.DataFrame
    cost: float
    units: int
    moved: int


def make_whole(
    model: JointModel, task: StockTask, movable: Movable, arrivals: Arrivals, answer: JointAnswer, *, day_cost: float
) -> WholePlan:
    """Round an answer to whole units and parcels and write its tables.

    Parameters
    ----------
    model, answer
        The joint programme and its answer.
    task, movable, arrivals
        What it was written from.
    day_cost
        Worth of a day on which a buyer waits [CNY/unit/day].
    """
    # a share of less than half a unit places nothing, and so moves nothing
    share = np.where(
        (answer.share > WHOLE.least_share) & (model.shares.units * answer.share >= WHOLE.least_units), answer.share, 0.0
    )
    units = _round_units(model, task, share)
    daily = spread_shares(model, arrivals, share)
    out, into = _round_parcels(model, task, movable, daily)
    send = np.maximum(units.sum(axis=1) - task.items.there, 0.0)
    places = np.round(send * task.items.places[:, None], 3)
    cost = _cost_stock(task, units, send) + _cost_waiting(model, task, movable, arrivals, daily)
    return WholePlan(
        allocations=_write_allocations(model, task, arrivals, units, share, day_cost),
        sourcing=_write_sourcing(model, task, movable, daily),
        demand=_write_demand(model.network, task, arrivals, movable.base, out, into, places),
        cost=cost,
        units=int(units.sum()),
        moved=int(out.sum()),
    )


def spread_shares(model: JointModel, arrivals: Arrivals, share: Floats) -> Floats:
    """Spread shares over the days, shape (X, D).

    On days on which one warehouse sells new goods and another still what stood there before, both kinds of shares serve the same orders: no
    more than all of them leave.
    """
    shares, network = model.shares, model.network
    on = [
        mark_days(network, arrivals, int(i), int(w), early=bool(early))
        for i, w, early in zip(shares.item, shares.site, shares.early, strict=True)
    ]
    daily = np.array(on).reshape(len(share), network.days) * share[:, None]
    key = shares.item * (int(shares.zone.max(initial=-1)) + 1) + shares.zone
    total = np.zeros((int(key.max(initial=-1)) + 1, network.days))
    np.add.at(total, key, daily)
    spread: Floats = daily / np.maximum(total, 1.0)[key]
    return spread


def _cost_stock(task: StockTask, units: Floats, send: Floats) -> float:
    """Cost of the stock in whole units: bringing in, storage and opening [CNY]."""
    placed = units.sum(axis=1)
    opening = float(task.problem.opening[placed.sum(axis=0) > 0].sum())
    bring_in = float((task.problem.inbound[task.items.family] * send).sum())
    return opening + bring_in + float((placed * task.rent).sum())


def _cost_waiting(model: JointModel, task: StockTask, movable: Movable, arrivals: Arrivals, daily: Floats) -> float:
    """Worth of the days buyers wait more (or, negative, less) by shares spread over the days (X, D) [CNY]."""
    shares = model.shares
    whole = shares.cost - task.rent[shares.site] * shares.units  # of the whole share, on all its days
    of_day = movable.day_share[shares.item]
    ones = np.array(
        [
            mark_days(model.network, arrivals, int(i), int(w), early=bool(early))
            for i, w, early in zip(shares.item, shares.site, shares.early, strict=True)
        ]
    ).reshape(daily.shape)
    all_days = (of_day * ones).sum(axis=1)
    part = np.divide((of_day * daily).sum(axis=1), all_days, out=np.zeros_like(all_days), where=all_days > 0)
    return float(whole @ part)


def _round_units(model: JointModel, task: StockTask, share: Floats) -> Floats:
    """Whole units of each item, zone and warehouse, shape (I, Z, W), within each warehouse's room."""
    items, shares = task.items, model.shares
    units = np.zeros((len(items.keys), len(items.zones), len(items.sites)))
    np.add.at(units, (shares.item, shares.zone, shares.site), shares.units * share)
    units = np.rint(units)
    for w in range(len(items.sites)):
        send = np.maximum(units[:, :, w].sum(axis=1) - items.there[:, w], 0.0)
        over = send.sum() - task.problem.room[w]
        while over >= 1.0:
            i = int(np.argmax(send))
            z = int(np.argmax(units[i, :, w]))
            less = min(np.ceil(over), units[i, z, w])
            units[i, z, w] -= less
            send[i] = max(units[i, :, w].sum() - items.there[i, w], 0.0)
            over = send.sum() - task.problem.room[w]
    return units


def _round_parcels(model: JointModel, task: StockTask, movable: Movable, daily: Floats) -> tuple[Ints, Ints]:
    """Whole parcels moved out of and into each route, shape (D, H, H) each: their sums by day and destination are equal."""
    network, shares = model.network, model.shares
    hubs = network.hubs
    moved = np.zeros((network.days, hubs, hubs, hubs))  # day, origin today, origin then, destination
    for x in np.flatnonzero(daily.any(axis=1)).tolist():
        i, z, w = int(shares.item[x]), int(shares.zone[x]), int(shares.site[x])
        hub = int(task.items.site_hub[w])
        moved[:, :, hub, :] += movable.by_day(i, z, daily[x])
    moved[:, np.arange(hubs), np.arange(hubs), :] = 0.0
    whole = np.floor(moved + 0.5).astype(np.int64)
    base = np.rint(movable.base).astype(np.int64)
    for d, o, e in np.argwhere(whole.sum(axis=2) > base).tolist():
        over = int(whole[d, o, :, e].sum() - base[d, o, e])
        for hub in np.argsort(-whole[d, o, :, e]).tolist():
            less = min(over, int(whole[d, o, hub, e]))
            whole[d, o, hub, e] -= less
            over -= less
    return whole.sum(axis=2), whole.sum(axis=1)


def mark_days(network: TrunkNetwork, arrivals: Arrivals, item: int, site: int, *, early: bool) -> Floats:
    """Mark the days on which new goods of an item can (or, early, cannot) be sold from a warehouse, shape (D,)."""
    first = (arrivals.start - network.first_day).days + int(arrivals.sellable[item, site])
    days = np.arange(network.days)
    return ((days < first) if early else (days >= first)).astype(np.float64)


def _write_allocations(
    model: JointModel, task: StockTask, arrivals: Arrivals, units: Floats, share: Floats, day_cost: float
) -> pl.DataFrame:
    items = task.items
    rows, _ = list_allocations(
        items,
        task.problem,
        units,
        Sending(task.path_costs, task.window, arrivals.putaway, task.as_of, day_cost, task.paid, task.window.first),
        from_home=True,
    )
    number = {key: i for i, key in enumerate(items.keys)}
    site = {name: w for w, name in enumerate(items.sites)}
    part = np.zeros((len(items.keys), len(items.sites)))
    late = ~model.shares.early
    weight = items.expected[model.shares.item, model.shares.zone] * share * late
    np.add.at(part, (model.shares.item, model.shares.site), weight)
    part /= np.maximum(items.expected.sum(axis=1), 1.0)[:, None]
    dates = [
        arrivals.dates(number[row[0], row[1]], site[row[2]], task.window.first)
        for row in rows.select("merchant_id", "category", "warehouse_id").iter_rows()
    ]
    shares = [
        min(float(part[number[row[0], row[1]], site[row[2]]]), 1.0)
        for row in rows.select("merchant_id", "category", "warehouse_id").iter_rows()
    ]
    return rows.with_columns(
        pl.Series("share", shares, dtype=pl.Float64),
        pl.Series("ship_on", [day[0] for day in dates], dtype=pl.Date),
        pl.Series("arrives_on", [day[1] for day in dates], dtype=pl.Date),
        pl.Series("sellable_on", [day[2] for day in dates], dtype=pl.Date),
    )


def _write_sourcing(model: JointModel, task: StockTask, movable: Movable, daily: Floats) -> pl.DataFrame:
    """Say where each item's orders of each region leave from: the plan's shares, and today's for the rest, by spans of days."""
    items, shares, network = task.items, model.shares, model.network
    regions: dict[int, list[str]] = {}
    for region, zone in task.zones.select("region_id", "zone").iter_rows():
        regions.setdefault(items.zones.index(zone), []).append(region)
    offset = (task.window.first - network.first_day).days
    rows: list[tuple[str, str, str, str, date, date, float]] = []
    used: dict[tuple[int, int], list[int]] = {}
    for x in np.flatnonzero(daily.any(axis=1)).tolist():
        used.setdefault((int(shares.item[x]), int(shares.zone[x])), []).append(x)
    for (i, z), columns in sorted(used.items()):
        by_day = np.zeros((task.window.days, len(items.hub_ids)))
        for x in columns:
            inside = np.array(
                [daily[x, d] if 0 <= d < network.days else 0.0 for d in range(offset, offset + task.window.days)]
            )
            by_day[:, items.site_hub[shares.site[x]]] += inside
        by_day /= np.maximum(by_day.sum(axis=1, keepdims=True), 1.0)  # the solver's tolerance may pass 1
        rest = np.maximum(1.0 - by_day.sum(axis=1), 0.0)
        by_day += rest[:, None] * movable.origin[i, z][None, :]
        begins = [0, *(np.flatnonzero(np.abs(np.diff(by_day, axis=0)).max(axis=1) > WHOLE.least_share) + 1).tolist()]
        for start, end in zip(begins, [*begins[1:], task.window.days], strict=True):
            day, last = (task.window.first + timedelta(days=n) for n in (start, end - 1))
            for hub in np.flatnonzero(by_day[start] > WHOLE.least_share).tolist():
                part = round(min(float(by_day[start, hub]), 1.0), 9)
                rows += [(*items.keys[i], region, items.hub_ids[hub], day, last, part) for region in regions[z]]
    frame = pl.DataFrame(rows, schema=_SOURCING, orient="row")
    return frame.sort("merchant_id", "category", "region_id", "origin_hub_id", "date_from")


def _write_demand(
    network: TrunkNetwork, task: StockTask, arrivals: Arrivals, base: Floats, out: Ints, into: Ints, places: Floats
) -> pl.DataFrame:
    """Write what the trunk is asked to carry, split; goods on their way to warehouses stand beside the parcels."""
    asked = np.rint(base).astype(np.int64)
    goods = np.zeros(base.shape)
    items = task.items
    for i, w in np.argwhere(places > 0).tolist():
        leaves = (arrivals.dates(i, w, task.window.first)[0] - network.first_day).days
        home, hub = int(items.home[i]), int(items.site_hub[w])
        if 0 <= leaves < network.days and home != hub:
            goods[leaves, home, hub] += places[i, w]
    day, start, end = np.nonzero((asked > 0) | (into > 0) | (goods > 0))
    at = (day, start, end)
    names = np.array(network.hub_ids, dtype=object)
    return pl.DataFrame(
        {
            "date": pl.Series([network.day(d) for d in day.tolist()], dtype=pl.Date),
            "origin_hub_id": pl.Series(names[start].tolist(), dtype=pl.String),
            "destination_hub_id": pl.Series(names[end].tolist(), dtype=pl.String),
            "parcels": asked[at] - out[at] + into[at],
            "base": asked[at],
            "moved_out": out[at],
            "moved_in": into[at],
            "replenishment": goods[at],
        }
    ).sort(ROUTE)
