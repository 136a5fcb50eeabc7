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

from data.arrays import Floats, Ints
from routing.joint.arrivals import Arrivals
from routing.joint.entries import list_entries
from routing.joint.movable import Movable
from routing.stock.task import StockTask
from routing.trunk.search.exact import ExactModel, write_exactly
from routing.trunk.task.network import TrunkNetwork

_NOISE = 1e-9


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
    stock_kind, stock_key
        What each of the stock's rows, the last of the matrix, limits: ``share`` and ``early share`` (item x zones + zone), ``early`` and ``stock``
        (row of `bring`), ``storage`` (warehouse), ``dispatch`` (warehouse x days + day).
    """

    network: TrunkNetwork
    trunk: ExactModel
    shares: Shares
    bring: Ints
    stock_kind: NDArray[np.str_]
    stock_key: Ints
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


def write_joint(
    network: TrunkNetwork,
    task: StockTask,
    movable: Movable,
    arrivals: Arrivals,
    *,
    day_cost: float,
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
    trunk = write_exactly(network, stands=False)
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
    rules, high, stock_kind, stock_key = _limit_stock(task, shares, bring, first_share, first_brought, width)
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
        stock_kind=stock_kind,
        stock_key=stock_key,
        first_share=first_share,
        first_brought=first_brought,
        short_columns=shorts,
        short_nodes=np.concatenate([entry, new]) % network.nodes,
        cost=np.concatenate([trunk.cost, np.full(len(new), network.short_cost), shares.cost, inbound]),
        matrix=sparse.vstack([wide + balance.tocsr(), rules], format="csr"),
        low=np.concatenate([trunk.low, np.full(len(high), -np.inf)]),
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
    reach = items.reach(task.path_costs.hours) / 24.0  # (H, Z)
    offset = (arrivals.start - network.first_day).days
    days = np.arange(network.days)
    kinds: list[tuple[int, int, int, bool, float, float]] = []
    rows: list[Ints] = []
    columns: list[Ints] = []
    values: list[Floats] = []
    loads: list[Floats] = []
    for i in range(len(items.keys)):
        inbound = task.problem.inbound[items.family[i]]
        open_sites = np.flatnonzero(items.site_open & np.isfinite(task.path_costs.bulk[items.home[i], items.site_hub]))
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
                    units = max(items.target[i, z], items.expected[i, z]) * part
                    cost = day_cost * expected * (float(reach[hub, z]) - wait) + float(task.rent[w]) * units
                    loads.append(load)
                    kinds.append((i, int(z), w, early, units, cost))
                    if len(day):
                        taken, given, amount = entries.move(day, start, end, hub, amount)
                        # out of today's hub: its row asks for less; into the warehouse's: for more
                        rows += [taken, given]
                        columns += [np.full(len(taken), here)] * 2
                        values += [amount, -amount]
    columns_of_kinds = list(zip(*kinds, strict=True)) if kinds else [(), (), (), (), (), ()]
    shares = Shares(
        np.array(columns_of_kinds[0], dtype=np.int64), np.array(columns_of_kinds[1], dtype=np.int64), np.array(columns_of_kinds[2], dtype=np.int64),
        np.array(columns_of_kinds[3], dtype=np.bool_), np.array(columns_of_kinds[4], dtype=np.float64), np.array(columns_of_kinds[5], dtype=np.float64),
        np.array(loads).reshape(len(kinds), network.days),
    )  # fmt: skip
    none = np.zeros(0, dtype=np.int64)
    moves = (
        np.concatenate(rows) if rows else none,
        np.concatenate(columns) if columns else none,
        np.concatenate(values) if values else np.zeros(0),
    )
    return shares, moves


def _limit_stock(
    task: StockTask,
    shares: Shares,
    bring: Ints,
    first_share: int,
    first_brought: int,
    width: int,
) -> tuple[sparse.csr_matrix, Floats, NDArray[np.str_], Ints]:
    """Write the stock's rows: shares, units by item and warehouse, early units, storage, dispatch; their limits and what they limit."""
    items, problem = task.items, task.problem
    count, sites, zones = len(shares.item), len(items.sites), len(items.zones)
    own = np.arange(count)
    column = first_share + own
    pair = np.searchsorted(bring[:, 0] * sites + bring[:, 1], shares.item * sites + shares.site)
    there = items.there[bring[:, 0], bring[:, 1]]
    parts: list[sparse.coo_matrix] = []
    highs: list[Floats] = []
    kinds: list[str] = []
    keys: list[Ints] = []

    def add(kind: str, row: Ints, at: Ints, value: Floats, high: Floats) -> None:
        used, place = np.unique(row, return_inverse=True)
        kinds.extend([kind] * len(used))
        keys.append(used)
        parts.append(sparse.coo_matrix((value, (place, at)), shape=(len(used), width)))
        highs.append(high[used])

    # shares of an item and zone sum to at most 1 on the days before and from which new goods can be sold
    late = ~shares.early
    key = shares.item * zones + shares.zone
    add("share", key[late], column[late], np.ones(late.sum()), np.ones(len(items.keys) * zones))
    if shares.early.any():
        early = shares.early
        add("early share", key[early], column[early], np.ones(early.sum()), np.ones(len(items.keys) * zones))
        add("early", pair[early], column[early], shares.units[early], there)
    brought = first_brought + np.arange(len(bring))
    add(
        "stock",
        np.concatenate([pair, np.arange(len(bring))]),
        np.concatenate([column, brought]),
        np.concatenate([shares.units, -np.ones(len(bring))]),
        there,
    )
    add("storage", bring[:, 1], brought, np.ones(len(bring)), problem.room)
    bounded = np.isfinite(problem.dispatch[shares.site])
    load = shares.load
    x, day = np.nonzero((load > 0) & bounded[:, None])
    days = load.shape[1]
    add("dispatch", shares.site[x] * days + day, column[x], load[x, day], np.repeat(problem.dispatch, days))
    matrix = sparse.vstack(parts, format="csr")
    high = np.concatenate(highs)
    return matrix, high, np.array(kinds, dtype=np.str_), np.concatenate(keys).astype(np.int64)
