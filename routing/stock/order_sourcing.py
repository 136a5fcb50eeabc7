"""Which stock serves the orders that wait: the cheapest in time, none sold twice.

An order leaves whole from one warehouse where its item stands, or from the merchant's hub as today. Its cost is the parcels' price and the worth of
the days its buyer waits; one that comes after its promise costs ``late`` more, one that nothing reaches ``waits``. Items share nothing, so each is
a small assignment of its own: what every order would choose alone, where the stock bears it, else a mixed-integer programme.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from scipy import sparse

from data.arrays import Floats, Ints
from data.constants import constant
from data.errors import RadarError
from routing.budget import Deadline
from routing.solvers import LinearModel, solve_linear
from routing.stock.costs import cost_paths, follow_changes, gather_zones
from routing.stock.demand import ITEM
from routing.stock.items import serves_buyers
from routing.stock.on_hand import OnHand, Serving, run_down

ORDER_TABLES = (
    "open_orders", "merchants", "warehouses", "hubs", "regions", "lanes", "vehicle_types", "stock", "stock_receipts",
    "sales", "lane_vehicles", "courier_rates", "network_changes", "categories", "items", "sourcing_costs",
)  # fmt: skip
_REQUIRED = ORDER_TABLES[:7]


@dataclass(frozen=True)
class OrderRules:
    """What comes before cost."""

    late: float = constant(1_000.0, "CNY/order", "for one that comes after its promise", "judgement")
    waits: float = constant(100_000.0, "CNY/order", "for one that is not sent", "judgement")
    nodes: int = constant(20_000, "nodes", "of branch and bound an item, at most", "judgement")


ORDERS = OrderRules()


@dataclass(frozen=True, slots=True)
class OrderPlan:
    """Orders and where each leaves from.

    Attributes
    ----------
    sources
        Rows of ``order_sources`` without run_id.
    cost, lower_bound
        Of all orders, with what lateness and waiting count for; no choice without overselling costs less than the bound [CNY].
    now
        Moment they are sent.
    as_of
        Last day of counts, receipts, sales and orders.
    on_hand
        What of the stock counted is left to send.
    """

    sources: pl.DataFrame
    cost: float
    lower_bound: float
    now: datetime
    as_of: date
    on_hand: OnHand


SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "order_id": pl.String, "merchant_id": pl.String, "category": pl.String, "region_id": pl.String, "units": pl.Int64,
    "status": pl.String, "warehouse_id": pl.String, "origin_hub_id": pl.String, "arrives_at": pl.Datetime("us", "UTC"),
    "late_hours": pl.Float64, "cost": pl.Float64,
}  # fmt: skip


def source_orders(
    tables: Mapping[str, pl.DataFrame],
    *,
    as_of: date | None = None,
    day_cost: float = 0.5,
    deadline: Deadline | None = None,
    sourcing: pl.DataFrame | None = None,
    timezone: str = "UTC",
) -> OrderPlan:
    """Choose the stock that serves each order that waits.

    Parameters
    ----------
    tables
        Tables of ``ORDER_TABLES`` by name; those from ``stock`` on may be absent.
    as_of
        Last day of counts, receipts, sales and orders; None takes the last order's.
    day_cost
        Worth of a day on which a buyer waits [CNY/unit].
    deadline
        Emergency brake.
    sourcing
        Table of that name, as it is today: where what was sold since the counts left from; None knows of no item.
    timezone
        Whose days orders fall on.

    Raises
    ------
    RadarError
        When there are no orders, or a table they need is empty.
    """
    frames = _gather(tables)
    orders = frames["open_orders"].sort("order_id")
    if as_of is not None:
        orders = orders.filter(pl.col("ordered_at").dt.convert_time_zone(timezone).dt.date() <= as_of)
    now = orders["ordered_at"].max()
    if not isinstance(now, datetime):
        raise RadarError("no order waits", "rows in open_orders", "run `radar load open_orders FILE`")
    day = as_of or now.astimezone(ZoneInfo(timezone)).date()
    on_hand = _count(frames, day, sourcing)
    lay = _lay_out(frames, orders, on_hand, now, (day, day_cost))
    chosen, bound = np.full(orders.height, -1, dtype=np.int64), 0.0
    item_of = orders.select(pl.struct(ITEM).rank("dense")).to_series().to_numpy()
    for number in np.unique(item_of):
        here = np.flatnonzero(item_of == number)
        stock = lay.stock[here[0]]
        found, least = assign(lay.cost[here], orders["units"].to_numpy()[here], stock, deadline or Deadline(600.0))
        chosen[here], bound = found, bound + least
    sources, cost = _tell(orders, lay, chosen, now)
    return OrderPlan(sources, cost, min(bound, cost), now, day, on_hand)


@dataclass(frozen=True, slots=True)
class _Layout:
    """O orders, W warehouses and, last, home: cost and hours (O, W + 1), stock of each order's item (O, W), hubs of the places (O, W + 1)."""

    cost: Floats
    hours: Floats
    stock: Floats
    late: Floats
    sites: list[str]
    hubs: list[list[str]]


def _gather(tables: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    from data.contracts import contract

    for name in _REQUIRED:
        if name not in tables or tables[name].is_empty():
            raise RadarError(
                f"the table {name} is empty", "rows to source orders from", f"run `radar load {name} FILE`"
            )
    frames = ORDER_TABLES
    return {name: contract(name).conform(tables[name]) if name in tables else contract(name).empty() for name in frames}


def _lay_out(
    frames: dict[str, pl.DataFrame], orders: pl.DataFrame, on_hand: OnHand, now: datetime, worth: tuple[date, float]
) -> _Layout:
    """Lay costs, hours and stock out as arrays; `worth` is the day, and that of a day a buyer waits."""
    day, day_cost = worth
    path_costs = cost_paths(
        *(frames[name] for name in ("hubs", "lanes", "vehicle_types", "lane_vehicles", "courier_rates"))
    )
    moved = follow_changes(frames["network_changes"], day)
    places = frames["warehouses"].sort("warehouse_id")
    sites = places["warehouse_id"].to_list()
    served = zip(places["hub_id"], serves_buyers(places).tolist(), strict=True)
    site_hubs = [moved.get(hub, hub) if serves else None for hub, serves in served]
    home_of = {m: moved.get(hub) or hub for m, hub in frames["merchants"].select("merchant_id", "hub_id").iter_rows()}
    unknown = next((m for m in orders["merchant_id"] if m not in home_of), None)
    if unknown is not None:
        raise RadarError(f"an order of {unknown}", "a row of merchants", "load it, or correct open_orders")
    zones = gather_zones(frames["regions"], frames["hubs"], dict.fromkeys(orders["region_id"], 1.0), orders.height)
    serving = dict(zones.select("region_id", "hub_ids").iter_rows())
    reach = {region: path_costs.index([moved.get(h) or h for h in hubs]) for region, hubs in serving.items()}
    per_parcel = _units_in_a_parcel(frames)
    given = {
        row[:3]: row[3:]
        for row in frames["sourcing_costs"].select("warehouse_id", "region_id", "category", "cost", "days").iter_rows()
    }
    stock = _place(on_hand.stock, sites)
    shape = (orders.height, len(sites) + 1)
    price, hours, late = np.full(shape, np.inf), np.full(shape, np.inf), np.zeros(shape)
    at_hand, hubs = np.zeros((orders.height, len(sites))), []
    for o, row in enumerate(orders.iter_rows(named=True)):
        item = (row["merchant_id"], row["category"])
        at_hand[o] = stock.get(item, np.zeros(len(sites)))
        starts = [*site_hubs, home_of[row["merchant_id"]]]
        hubs.append([hub or "" for hub in starts])
        parcels = np.ceil(row["units"] / per_parcel.get(item, per_parcel.get(("*", row["category"]), 1.0)))
        for w, hub in enumerate(starts):
            if hub is None or (w < len(sites) and at_hand[o, w] <= 0):
                continue
            given_cost = (
                given.get((sites[w], row["region_id"], row["category"])) or given.get((sites[w], row["region_id"], "*"))
                if w < len(sites)
                else None
            )
            ends = reach[row["region_id"]]
            start = int(path_costs.index([hub])[0])
            path_cost = float(path_costs.parcel[start, ends].mean())
            # of no parcels over no path the price is none, not nothing
            price[o, w] = (
                given_cost[0] * row["units"]
                if given_cost
                else path_cost * parcels
                if np.isfinite(path_cost)
                else np.inf
            )
            hours[o, w] = (
                given_cost[1] * 24.0
                if given_cost and given_cost[1] is not None
                else float(path_costs.hours[start, ends].mean())
            )
            if row["promised_at"] is not None and np.isfinite(hours[o, w]):
                over = (now - row["promised_at"]).total_seconds() / 3600.0 + hours[o, w]
                late[o, w] = max(over, 0.0)
    units = orders["units"].to_numpy()[:, None]
    reached = np.isfinite(price) & np.isfinite(hours)
    cost = price + day_cost * units * np.where(reached, hours, 0.0) / 24.0 + ORDERS.late * (late > 0)
    return _Layout(np.where(reached, cost, np.inf), hours, at_hand, late, sites, hubs)


def _units_in_a_parcel(frames: dict[str, pl.DataFrame]) -> dict[tuple[str, str], float]:
    """Units in a parcel by item, and by category under the merchant ``*``."""
    kinds = frames["categories"].filter(pl.col("units_per_parcel").is_not_null())
    own = frames["items"].filter(pl.col("units_per_parcel").is_not_null())
    found = {("*", row[0]): float(row[1]) for row in kinds.select("category", "units_per_parcel").iter_rows()}
    return found | {(row[0], row[1]): float(row[2]) for row in own.select(*ITEM, "units_per_parcel").iter_rows()}


def _count(frames: dict[str, pl.DataFrame], day: date, sourcing: pl.DataFrame | None) -> OnHand:
    """What is left to send: the latest counts, and what became sellable since, less what was sold since from where it left."""
    serving = None if sourcing is None else Serving(sourcing, frames["merchants"], frames["warehouses"])
    return run_down(frames["stock"], frames["stock_receipts"], frames["sales"], as_of=day, first=day, serving=serving)


def _place(stock: pl.DataFrame, sites: list[str]) -> dict[tuple[str, str], Floats]:
    """Units of each item in each warehouse."""
    place = {site: w for w, site in enumerate(sites)}
    found: dict[tuple[str, str], Floats] = {}
    for merchant, category, site, units in stock.select(*ITEM, "warehouse_id", "units").iter_rows():
        if site in place:
            found.setdefault((merchant, category), np.zeros(len(sites)))[place[site]] += units
    return found


def assign(cost: Floats, units: Ints, stock: Floats, deadline: Deadline) -> tuple[Ints, float]:
    """Assign the orders of one item to places.

    Parameters
    ----------
    cost : (O, W + 1)
        From each warehouse and, last, from home; inf where it cannot be.
    units : (O,)
    stock : (W,)
        Units in each warehouse; home is not bounded.
    deadline
        Emergency brake.

    Returns
    -------
    chosen : (O,)
        Place of each order; -1 for one that waits.
    bound
        No assignment costs less, waiting at ``ORDERS.waits``.
    """
    sites = len(stock)
    whole = np.column_stack([cost, np.full(len(cost), ORDERS.waits)])
    best = whole.argmin(axis=1)
    least = float(whole.min(axis=1).sum())
    taken = np.bincount(best, units, sites + 2)[:sites]
    if (taken <= stock).all():
        return np.where(best == sites + 1, -1, best).astype(np.int64), least
    o, w = np.nonzero(np.isfinite(whole))
    count = len(o)
    once = sparse.coo_matrix((np.ones(count), (o, np.arange(count))), shape=(len(cost), count))
    inside = np.flatnonzero(w < sites)
    room = sparse.coo_matrix((units[o[inside]].astype(np.float64), (w[inside], inside)), shape=(sites, count))
    found = solve_linear(
        LinearModel(
            whole[o, w],
            sparse.vstack([once, room], format="csr"),
            np.concatenate([np.ones(len(cost)), np.full(sites, -np.inf)]),
            np.concatenate([np.ones(len(cost)), stock]),
            np.zeros(count),
            np.ones(count),
            np.ones(count, dtype=np.bool_),
        ),
        deadline=deadline,
        nodes=ORDERS.nodes,
    )
    if found.values is None:
        return _assign_in_turn(whole, units, stock), least
    picked = np.flatnonzero(found.values > 0.5)
    chosen = np.full(len(cost), -1, dtype=np.int64)
    chosen[o[picked]] = np.where(w[picked] == sites + 1, -1, w[picked])
    return chosen, max(found.bound, least)


def _assign_in_turn(whole: Floats, units: Ints, stock: Floats) -> Ints:
    """Serve orders in turn, first those whose second choice costs most more; what a place no longer has goes to the next."""
    left = stock.copy()
    ranked = np.sort(whole, axis=1)
    chosen = np.full(len(whole), -1, dtype=np.int64)
    for o in np.argsort(-(np.minimum(ranked[:, 1], ORDERS.waits) - ranked[:, 0]), kind="stable").tolist():
        for w in np.argsort(whole[o], kind="stable").tolist():
            if w >= len(left) or left[w] >= units[o]:
                chosen[o] = -1 if w > len(left) else w
                if w < len(left):
                    left[w] -= units[o]
                break
    return chosen


def _tell(orders: pl.DataFrame, lay: _Layout, chosen: Ints, now: datetime) -> tuple[pl.DataFrame, float]:
    """Write where each order leaves from, and what that costs."""
    rows, total = [], 0.0
    for o, row in enumerate(orders.iter_rows(named=True)):
        w, own = int(chosen[o]), [row[name] for name in ("order_id", *ITEM, "region_id", "units")]
        if w < 0:
            rows.append((*own, "waits", None, None, None, 0.0, 0.0))
            total += ORDERS.waits
            continue
        at_home = w == len(lay.sites)
        late = float(lay.late[o, w])
        total += float(lay.cost[o, w])
        paid = float(lay.cost[o, w]) - ORDERS.late * (late > 0)
        arrives = now + timedelta(hours=float(lay.hours[o, w]))
        site = None if at_home else lay.sites[w]
        rows.append(
            (*own, "home" if at_home else "stock", site, lay.hubs[o][w], arrives, round(late, 4), round(paid, 4))
        )
    return pl.DataFrame(rows, schema=SCHEMA, orient="row"), total
