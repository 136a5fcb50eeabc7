"""The joint linear programme: the trunk's exact model, and shares of merchants' orders that leave from warehouses.

    min  vehicles + carriage + handling + holding + late + short           (the trunk's)
       + bringing in + storage - worth of the days buyers wait less        (the stock's)
    s.t. the trunk's balances, with parcels of moved orders handed in at the warehouse's hub instead of today's
         sum over warehouses of shares of an item and zone <= 1
         units an item needs in a warehouse <= units there + brought in
         orders before new goods can be sold only from what is there
         storage by warehouse, dispatch by warehouse and day

Vehicles come in parts, so the value is a lower bound of every joint plan with one share a region and this demand.
Couriers' prices have no part in it: they hold the linehaul, which the trunk pays already.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from data.errors import RadarError
from routing.budget import Deadline
from routing.joint.arrivals import Arrivals
from routing.joint.movable import Movable
from routing.solvers import solve_linear
from routing.stock.plan import StockTask
from routing.trunk.search.exact import ExactModel, write_exactly
from routing.trunk.task.commodities import list_commodities
from routing.trunk.task.network import TrunkNetwork

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_COLUMNS = 80_000  # measured: 43,000 take 4 to 8 CPU seconds; beyond this the solver's time grows out of proportion
_NOISE = 1e-9
_SOLVER = "GLOP"  # measured on the sample: 4 CPU seconds where HiGHS takes 17


@dataclass(frozen=True, slots=True)
class Shares:
    """Columns of the stock's side: share of an item's orders of a zone that leaves from a warehouse.

    Attributes
    ----------
    item, zone, site : (X,)
    early : (X,)
        Whether the column is of the days before new goods can be sold, served from what stands there.
    units : (X,) [units]
        Units the whole share needs to stand there: expected and safety.
    cost : (X,) [CNY]
        Worth of the days buyers wait more (or, negative, less), and storage, of the whole share.
    load : (X, D) [parcels]
        What the whole share sends from the warehouse on each day.
    """

    item: Ints
    zone: Ints
    site: Ints
    early: NDArray[np.bool_]
    units: Floats
    cost: Floats
    load: Floats


@dataclass(frozen=True, slots=True)
class JointModel:
    """The joint programme as one sparse matrix; columns are the trunk's, more short ones, shares, units brought in.

    Attributes
    ----------
    network
        The trunk's task.
    trunk
        Its exact model, the first columns and rows.
    shares
        What the share columns mean.
    first_share, first_brought
        Where those columns begin.
    short_columns, short_nodes
        Columns of parcels not carried, and the hub-days at which they wait.
    bring : (B, 2)
        Item and warehouse of the last columns.
    """

    network: TrunkNetwork
    trunk: ExactModel
    shares: Shares
    bring: Ints
    first_share: int
    first_brought: int
    short_columns: Ints
    short_nodes: Ints
    cost: Floats
    matrix: sparse.csr_matrix
    low: Floats
    high: Floats
    lower: Floats
    upper: Floats

    @property
    def columns(self) -> int:
        """Number of columns."""
        return len(self.cost)


@dataclass(frozen=True, slots=True)
class JointAnswer:
    """Answer of the programme for shares free or given.

    Attributes
    ----------
    share : (X,)
    brought : (B,) [units]
    value
        What was minimised, short parcels at their price [CNY].
    trunk_cost, stock_cost
        Its parts without the price of short parcels [CNY].
    short
        Parcels not carried.
    bound
        No joint plan has a lower value [CNY].
    route_price : (D, H, H)
        Dual of one parcel handed in [CNY/parcel]; nan where the route is no row.
    asked : (D, H) [parcels]
        What is asked of the hubs: what they sort, and parcels not carried at the hub they wait at.
    trunk_price : (rows of the trunk)
        Duals of the trunk's rows, what rounds of route prices are made of.
    """

    share: Floats
    brought: Floats
    value: float
    trunk_cost: float
    stock_cost: float
    short: float
    bound: float
    route_price: Floats
    asked: Floats
    trunk_price: Floats

    @property
    def cost(self) -> float:
        """Trunk and stock, short parcels not priced [CNY]."""
        return self.trunk_cost + self.stock_cost


def write_joint(
    network: TrunkNetwork, task: StockTask, movable: Movable, arrivals: Arrivals, *, day_cost: float
) -> JointModel:
    """Write the joint programme.

    Parameters
    ----------
    network
        The trunk's task; its ``short_cost`` prices parcels not carried.
    task
        The stock's task.
    movable
        What may be moved.
    arrivals
        When goods can be sold.
    day_cost
        Worth of a day on which a buyer waits [CNY/unit/day].
    """
    trunk = write_exactly(network)
    shares, moves = _list_shares(network, task, movable, arrivals, day_cost)
    row, column, parcels = moves
    first_short = len(trunk.cost)
    asked = np.unique(row[parcels < 0])  # parcels handed in where there were none before may be short too
    entry = np.flatnonzero(trunk.low[: _balances(network, trunk)] > 0)
    new = np.setdiff1d(asked, entry)
    first_share = first_short + len(new)
    count = len(shares.item)
    items = task.items
    bring = (
        np.unique(np.column_stack([shares.item, shares.site]), axis=0) if count else np.zeros((0, 2), dtype=np.int64)
    )
    first_brought = first_share + count
    width = first_brought + len(bring)
    height = trunk.matrix.shape[0]
    balance = sparse.coo_matrix(
        (
            np.concatenate([parcels, np.ones(len(new))]),
            (np.concatenate([row, new]), np.concatenate([column + first_share, first_short + np.arange(len(new))])),
        ),
        shape=(height, width),
    )
    trunk_part = sparse.csr_matrix(
        (trunk.matrix.data, trunk.matrix.indices, trunk.matrix.indptr), shape=(height, first_short)
    )
    wide = sparse.hstack([trunk_part, sparse.csr_matrix((height, width - first_short))], format="csr")
    rules, low, high = _limit_stock(task, shares, bring, first_share, first_brought, width)
    families = items.family[bring[:, 0]] if len(bring) else np.zeros(0, dtype=np.int64)
    inbound = task.problem.inbound[families, bring[:, 1]] if len(bring) else np.zeros(0)
    shorts = np.concatenate([_short_columns(trunk), first_short + np.arange(len(new))])
    upper = trunk.upper.copy()
    upper[_short_columns(trunk)] = np.inf  # more may be handed in than before
    return JointModel(
        network=network,
        trunk=trunk,
        shares=shares,
        bring=bring,
        first_share=first_share,
        first_brought=first_brought,
        short_columns=shorts,
        short_nodes=np.concatenate([entry, new]) % network.nodes,
        cost=np.concatenate([trunk.cost, np.full(len(new), network.short_cost), shares.cost, inbound]),
        matrix=sparse.vstack([wide + balance.tocsr(), rules], format="csr"),
        low=np.concatenate([trunk.low, low]),
        high=np.concatenate([trunk.high, high]),
        lower=np.zeros(width),
        upper=np.concatenate([upper, np.full(len(new), np.inf), np.ones(count), np.full(len(bring), np.inf)]),
    )


def _balances(network: TrunkNetwork, trunk: ExactModel) -> int:
    """Number of the trunk's balance rows, its first: one for each commodity and hub-day."""
    commodities = int(trunk.commodity.max(initial=-1)) + 1
    return commodities * network.nodes


def _short_columns(trunk: ExactModel) -> Ints:
    flows, pairs = len(trunk.moves.tail), len(trunk.pair_arc)
    return np.arange(flows, len(trunk.cost) - pairs, dtype=np.int64)


def _list_shares(
    network: TrunkNetwork, task: StockTask, movable: Movable, arrivals: Arrivals, day_cost: float
) -> tuple[Shares, tuple[Ints, Ints, Floats]]:
    """List the share columns and what each does to the trunk's balances: rows, columns, parcels (out > 0, in < 0)."""
    items = task.items
    entries = list_entries(network)
    reach = items.reach(task.ways.hours) / 24.0  # (H, Z)
    offset = (arrivals.start - network.first_day).days
    days = np.arange(network.days)
    kinds: list[tuple[int, int, int, bool, float, float]] = []
    rows: list[Ints] = []
    columns: list[Ints] = []
    values: list[Floats] = []
    loads: list[Floats] = []
    for i in range(len(items.keys)):
        inbound = task.problem.inbound[items.family[i]]
        open_sites = np.flatnonzero(items.site_open & np.isfinite(task.ways.bulk[items.home[i], items.site_hub]))
        for z in np.flatnonzero(movable.parcels[i] > 0):
            for w in open_sites.tolist():
                hub = int(items.site_hub[w])
                new_from = offset + int(arrivals.sellable[i, w])
                for early in (False, True):
                    if early and (items.there[i, w] <= 0 or new_from <= 0):
                        continue
                    on = (days < new_from) if early else (days >= new_from)
                    part = float((movable.day_share[i] * on).sum())
                    if part <= _NOISE:
                        continue
                    moved = movable.by_day(i, int(z), on.astype(float))  # (D, H, H)
                    load = moved.sum(axis=(1, 2))
                    moved[:, hub, :] = 0.0
                    day, start, end = np.nonzero(moved > _NOISE)
                    amount = moved[day, start, end]
                    wait = float(movable.origin[i, z] @ np.where(np.isfinite(reach[:, z]), reach[:, z], 0.0))
                    if not np.isfinite(reach[hub, z]) or not np.isfinite(inbound[w]):
                        continue
                    here = len(kinds)
                    expected = items.expected[i, z] * part
                    units = items.target[i, z] * part
                    cost = day_cost * expected * (float(reach[hub, z]) - wait) + float(task.rent[w]) * units
                    loads.append(load)
                    kinds.append((i, int(z), w, early, units, cost))
                    if len(day):
                        taken, given, amount = entries.move(day, start, end, hub, amount)
                        # out of today's hub: its row asks for less; into the warehouse's: for more
                        rows += [taken, given]
                        columns += [np.full(len(taken), here)] * 2
                        values += [amount, -amount]
    kept = list(zip(*kinds, strict=True)) if kinds else [(), (), (), (), (), ()]
    shares = Shares(
        np.array(kept[0], dtype=np.int64), np.array(kept[1], dtype=np.int64), np.array(kept[2], dtype=np.int64),
        np.array(kept[3], dtype=np.bool_), np.array(kept[4], dtype=np.float64), np.array(kept[5], dtype=np.float64),
        np.array(loads).reshape(len(kinds), network.days),
    )  # fmt: skip
    none = np.zeros(0, dtype=np.int64)
    moves = (
        np.concatenate(rows) if rows else none,
        np.concatenate(columns) if columns else none,
        np.concatenate(values) if values else np.zeros(0),
    )
    return shares, moves


@dataclass(frozen=True, slots=True)
class Entries:
    """Where the trunk's parcels are handed in, as rows of its balances.

    Attributes
    ----------
    network
        The trunk's task.
    commodity : (K,)
        Commodity of each demand.
    order : (K,)
        Demands sorted by day, origin and destination.
    keys, first, count : (R,)
        The routes and days asked, and their demands in ``order``: with sorts a route and day may be handed in at several.
    base : (R,) [parcels]
    node : (D, H)
        Where parcels that come to a hub on a day are handed in: its sort with most of the hub's own, -1 on a day it has none.
    """

    network: TrunkNetwork
    commodity: Ints
    order: Ints
    keys: Ints
    first: Ints
    count: Ints
    base: Floats
    node: Ints

    def move(self, day: Ints, start: Ints, end: Ints, hub: int, amount: Floats) -> tuple[Ints, Ints, Floats]:
        """Rows parcels are taken out of and given to when they leave from `hub`, and how many; they keep their commodity and promise."""
        hubs, nodes = self.network.hubs, self.network.nodes
        place = np.searchsorted(self.keys, (day * hubs + start) * hubs + end)
        count = self.count[place]
        which = np.repeat(np.arange(len(place)), count)
        ahead = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
        k = self.order[self.first[place][which] + ahead]
        part = self.network.demand_parcels[k] / self.base[place][which]
        into = self.node[day[which], hub]
        taken = self.commodity[k] * nodes + self.network.demand_start[k]
        # a hub shut that day takes nothing in: parcels stay where they are
        given = np.where(into >= 0, self.commodity[k] * nodes + into, taken)
        return taken, given, amount[which] * part


def list_entries(network: TrunkNetwork) -> Entries:
    """List where the trunk's parcels are handed in."""
    hubs = network.hubs
    key = (network.demand_day * hubs + network.demand_origin) * hubs + network.demand_destination
    order = np.argsort(key, kind="stable")
    keys, first, count = np.unique(key[order], return_index=True, return_counts=True)
    parcels = network.demand_parcels.astype(np.float64)
    base = np.add.reduceat(parcels[order], first) if len(first) else np.zeros(0)
    own = np.bincount(network.demand_start, parcels, network.nodes)
    node = np.full((network.days, hubs), -1, dtype=np.int64)
    inside = (network.node_day >= 0) & (network.node_day < network.days) & network.hub_open
    for n in np.flatnonzero(inside).tolist():
        at = network.node_day[n], network.node_hub[n]
        if node[at] < 0 or own[n] > own[node[at]]:
            node[at] = n
    commodity = list_commodities(network).of_demand
    return Entries(
        network, commodity, order.astype(np.int64), keys, first.astype(np.int64), count.astype(np.int64), base, node
    )


def _limit_stock(
    task: StockTask,
    shares: Shares,
    bring: Ints,
    first_share: int,
    first_brought: int,
    width: int,
) -> tuple[sparse.csr_matrix, Floats, Floats]:
    """Write the stock's rows: shares, units by item and warehouse, early units, storage, dispatch."""
    items, problem = task.items, task.problem
    count, sites, zones = len(shares.item), len(items.sites), len(items.zones)
    own = np.arange(count)
    column = first_share + own
    pair = np.searchsorted(bring[:, 0] * sites + bring[:, 1], shares.item * sites + shares.site)
    there = items.there[bring[:, 0], bring[:, 1]]
    parts: list[sparse.coo_matrix] = []
    highs: list[Floats] = []

    def add(row: Ints, at: Ints, value: Floats, high: Floats) -> None:
        used, place = np.unique(row, return_inverse=True)
        parts.append(sparse.coo_matrix((value, (place, at)), shape=(len(used), width)))
        highs.append(high[used])

    # shares of an item and zone sum to at most 1 on the days before and from which new goods can be sold
    late = ~shares.early
    key = shares.item * zones + shares.zone
    add(key[late], column[late], np.ones(late.sum()), np.ones(len(items.keys) * zones))
    if shares.early.any():
        early = shares.early
        add(key[early], column[early], np.ones(early.sum()), np.ones(len(items.keys) * zones))
        add(pair[early], column[early], shares.units[early], there)
    brought = first_brought + np.arange(len(bring))
    add(
        np.concatenate([pair, np.arange(len(bring))]),
        np.concatenate([column, brought]),
        np.concatenate([shares.units, -np.ones(len(bring))]),
        there,
    )
    add(bring[:, 1], brought, np.ones(len(bring)), problem.room)
    bounded = np.isfinite(problem.dispatch[shares.site])
    load = shares.load
    x, day = np.nonzero((load > 0) & bounded[:, None])
    days = load.shape[1]
    add(shares.site[x] * days + day, column[x], load[x, day], np.repeat(problem.dispatch, days))
    matrix = sparse.vstack(parts, format="csr")
    high = np.concatenate(highs)
    return matrix, np.full(len(high), -np.inf), high


def solve_joint(model: JointModel, deadline: Deadline, *, share: Floats | None = None) -> JointAnswer:
    """Solve the programme, with the shares free or as given.

    Raises
    ------
    RadarError
        When the time limit ends before the programme is solved.
    """
    lower, upper = model.lower, model.upper
    if share is not None:
        lower, upper = lower.copy(), upper.copy()
        at = slice(model.first_share, model.first_brought)
        lower[at] = upper[at] = share
    found = solve_linear(
        model.cost, model.matrix, model.low, model.high, lower, upper, deadline=deadline, solver=_SOLVER
    )
    if found.values is None or found.duals is None:
        raise RadarError(
            "the joint plan of stock and trunk is not solved within its time",
            f"about {model.columns:,} columns to be solved",
            "give more --time-limit, or plan fewer days",
        )
    values = found.values
    trunk = slice(0, model.first_share)
    at = slice(model.first_share, model.first_brought)
    short = float(values[model.short_columns].sum())
    price = float(model.cost[model.short_columns] @ values[model.short_columns])
    return JointAnswer(
        share=np.clip(values[at], 0.0, 1.0),
        brought=np.maximum(values[model.first_brought :], 0.0),
        value=found.objective,
        trunk_cost=float(model.cost[trunk] @ values[trunk]) - price,
        stock_cost=float(model.cost[model.first_share :] @ values[model.first_share :]),
        short=short,
        bound=found.bound if found.optimal else -np.inf,
        route_price=_read_prices(model, found.duals),
        asked=_read_loads(model, values),
        trunk_price=found.duals[: model.trunk.matrix.shape[0]],
    )


def bound_at_price(model: JointModel, short_price: float | None, deadline: Deadline) -> float:
    """Prove a bound with short parcels at another price, or, at None, the fewest parcels that stay short whatever is moved."""
    cost = np.zeros(model.columns) if short_price is None else model.cost.copy()
    cost[model.short_columns] = 1.0 if short_price is None else short_price
    found = solve_linear(
        cost, model.matrix, model.low, model.high, model.lower, model.upper, deadline=deadline, solver=_SOLVER
    )
    return found.bound - 1e-9 * abs(found.bound) if found.optimal else (0.0 if short_price is None else -np.inf)


def _read_prices(model: JointModel, duals: Floats) -> Floats:
    network = model.network
    entries = list_entries(network)
    number = np.full((network.days, network.hubs, network.hubs), -1, dtype=np.int64)
    number[network.demand_day, network.demand_origin, network.demand_destination] = entries.commodity
    # a route nothing is asked on yet takes the commodity of its destination and day from any other origin
    number = np.where(number >= 0, number, number.max(axis=1)[:, None, :])
    prices = np.full(number.shape, np.nan)
    day, start, end = np.nonzero((number >= 0) & (entries.node >= 0)[:, :, None])
    prices[day, start, end] = duals[number[day, start, end] * network.nodes + entries.node[day, start]]
    return prices


def _read_loads(model: JointModel, values: Floats) -> Floats:
    network, moves = model.network, model.trunk.moves
    sorted_here = ~(moves.leg >= network.arcs)
    flow = values[: len(moves.tail)]
    loads = np.bincount(moves.tail[sorted_here], flow[sorted_here], network.nodes).astype(np.float64)
    loads += np.bincount(model.short_nodes, values[model.short_columns], network.nodes)
    return sum_by_day(network, loads)


def sum_by_day(network: TrunkNetwork, values: Floats) -> Floats:
    """Add values of nodes (N,) up by day and hub, shape (D, H); nodes beyond the plan's days are left out."""
    total = np.zeros((network.days, network.hubs))
    inside = (network.node_day >= 0) & (network.node_day < network.days)
    np.add.at(total, (network.node_day[inside], network.node_hub[inside]), values[inside])
    return total
