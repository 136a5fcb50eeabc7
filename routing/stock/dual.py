"""A bound for location problems in which every item has stock of its own: prices of room, dispatch and of units at hand.

With prices of room m, dispatch n and units at hand s (at most what bringing in and its room cost) each group takes its cheapest warehouse::

    bound = sum over groups of demand x min(short, least over warehouses of cost + load x n + s)
            - sum over families and warehouses of s x units there
            + sum over warehouses of min(0, opening - m x room - n x dispatch)

Room and dispatch are few prices and climb by subgradient steps (Held, Wolfe and Crowder, Mathematical Programming 6, 1974); units at hand are many,
but given the others each has a best price of its own: that at which its groups want just what stands there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.arrays import Floats, Ints
from data.constants import constant
from routing.budget import Deadline
from routing.stock.model import LocationProblem


@dataclass(frozen=True)
class DualRules:
    """How long prices climb."""

    steps: int = constant(160, "steps", "of the prices of room and dispatch", "judgement")
    sweeps: int = constant(2, "1", "of the prices of units at hand at each step", "judgement")
    patience: int = constant(8, "steps", "without a better bound before the stride is halved", "judgement")
    least_stride: float = constant(0.01, "1", "of the first stride at which the climb ends", "judgement")


DUAL = DualRules()


@dataclass(frozen=True, slots=True)
class StockPrices:
    """Prices and what they prove.

    Attributes
    ----------
    room, dispatch : (W,)
        Of a unit of room, of a parcel of dispatch [CNY].
    stock : (F, W)
        Of a unit at hand [CNY].
    bound
        [CNY]
    """

    room: Floats
    dispatch: Floats
    stock: Floats
    bound: float


@dataclass(frozen=True, slots=True)
class _Shelves:
    """Stock at hand: family and warehouse (P,), and the groups of each family, padded with -1 (P, G)."""

    family: Ints
    site: Ints
    groups: Ints


def climb(problem: LocationProblem, allowed: NDArray[np.bool_], deadline: Deadline) -> StockPrices:
    """Climb to good prices.

    Parameters
    ----------
    problem, allowed
        The location problem and the pairs of it, (K, W).
    deadline
        Emergency brake.
    """
    base = np.where(allowed, problem.cost, np.inf)
    shelves = _list_shelves(problem)
    power = np.where(np.isfinite(problem.dispatch), problem.dispatch, 0.0)
    # room may cost what opening comes to a unit: that proves the opening of what is used, and costs nothing
    floor = np.divide(problem.opening, problem.room, out=np.zeros(len(power)), where=problem.room > 0)
    room, dispatch = floor.copy(), np.zeros(len(power))
    stock = problem.inbound + room
    best: StockPrices | None = None
    reached = np.isfinite(base).any(axis=1)
    mean = float((problem.demand * np.where(reached, base.min(axis=1), 0.0)).sum() / max(problem.demand.sum(), 1.0))
    stride, since = 0.25 * mean + 1e-9, 0
    first = stride
    for _ in range(DUAL.steps):
        stock = np.minimum(stock, problem.inbound + room)
        stock[problem.there <= 0] = (problem.inbound + room)[problem.there <= 0]
        asked = base + problem.load[:, None] * dispatch
        for _ in range(DUAL.sweeps):
            _price_shelves(problem, shelves, asked, stock, room)
        prices, used = _evaluate(problem, asked, room, dispatch, stock)
        if best is None or prices.bound > best.bound + 1e-6 * abs(best.bound):
            best, since = prices, 0
        else:
            since += 1
        if since >= DUAL.patience:
            stride, since = stride / 2, 0
            room, dispatch, stock = best.room.copy(), best.dispatch.copy(), best.stock.copy()
        if stride < DUAL.least_stride * first or deadline.over():
            break
        brought, sent = used
        over = np.clip(brought / np.maximum(problem.room, 1.0) - 1.0, -1.0, 1.0)
        late = np.where(power > 0, np.clip(sent / np.maximum(power, 1e-9) - 1.0, -1.0, 1.0), 0.0)
        room = np.maximum(room + stride * over, floor)
        dispatch = np.maximum(dispatch + stride * late / max(float(problem.load.mean()), 1e-9), 0.0)
    assert best is not None  # noqa: S101  there is at least one step
    return best


def _list_shelves(problem: LocationProblem) -> _Shelves:
    family, site = np.nonzero(problem.there > 0)
    order = np.argsort(problem.family, kind="stable")
    sizes = np.bincount(problem.family, minlength=len(problem.there))
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    step = np.arange(max(int(sizes.max(initial=1)), 1))
    inside = step[None, :] < sizes[family][:, None]
    at = np.minimum(first[family][:, None] + step[None, :], len(order) - 1)
    return _Shelves(family.astype(np.int64), site.astype(np.int64), np.where(inside, order[at], -1).astype(np.int64))


def _price_shelves(problem: LocationProblem, shelves: _Shelves, asked: Floats, stock: Floats, room: Floats) -> None:
    """Price each shelf so that its family's groups want just what stands there, the other prices as they are; modified in place."""
    # shelves of one warehouse are of different families: they do not touch each other
    for w in range(len(room)):
        mine = np.flatnonzero(shelves.site == w)
        if not len(mine):
            continue
        groups = shelves.groups[mine]
        k = np.maximum(groups, 0)
        rest = asked[k] + stock[shelves.family[mine]][:, None, :]
        rest[:, :, w] = np.inf
        other = np.minimum(rest.min(axis=2), problem.short_cost[k])
        gap = np.where(groups >= 0, other - asked[k, w], -np.inf)
        order = np.argsort(-gap, axis=1)
        ranked = np.take_along_axis(gap, order, axis=1)
        wants = np.where(groups >= 0, problem.demand[k], 0.0)
        upto = np.cumsum(np.take_along_axis(wants, order, axis=1), axis=1)
        there = problem.there[shelves.family[mine], w]
        beyond = upto > there[:, None]
        last = np.where(beyond.any(axis=1), beyond.argmax(axis=1), gap.shape[1] - 1)
        price = np.where(beyond.any(axis=1), np.take_along_axis(ranked, last[:, None], axis=1)[:, 0], 0.0)
        most = problem.inbound[shelves.family[mine], w] + room[w]
        stock[shelves.family[mine], w] = np.clip(np.where(np.isfinite(price), price, 0.0), 0.0, most)


def _evaluate(
    problem: LocationProblem, asked: Floats, room: Floats, dispatch: Floats, stock: Floats
) -> tuple[StockPrices, tuple[Floats, Floats]]:
    """Add the bound up; with it the units brought in and parcels sent of each warehouse when every group takes its cheapest."""
    sites = len(room)
    whole = asked + stock[problem.family]
    choice = whole.argmin(axis=1)
    least = whole[np.arange(len(whole)), choice]
    served = np.where(least < problem.short_cost, problem.demand, 0.0)
    power = np.where(np.isfinite(problem.dispatch), problem.dispatch, 0.0)
    net = problem.opening - room * problem.room - dispatch * power
    value = float((problem.demand * np.minimum(least, problem.short_cost)).sum() - (stock * problem.there).sum())
    value += float(np.minimum(net, 0.0).sum())
    units = np.bincount(problem.family * sites + choice, served, problem.there.size).reshape(problem.there.shape)
    brought: Floats = np.maximum(units - problem.there, 0.0).sum(axis=0)
    sent: Floats = np.bincount(choice, served * problem.load, sites).astype(np.float64)
    return StockPrices(room.copy(), dispatch.copy(), stock.copy(), value), (brought, sent)


def assign(problem: LocationProblem, allowed: NDArray[np.bool_], prices: StockPrices) -> Floats:
    """Send each group from where it costs least at the prices, as far as stock, room and dispatch go; the rest is left to be placed, (K, W)."""
    whole = (
        np.where(allowed, problem.cost, np.inf) + problem.load[:, None] * prices.dispatch + prices.stock[problem.family]
    )
    ranked = np.argsort(whole, axis=1, kind="stable")
    rows = np.arange(len(whole))
    units = np.zeros(whole.shape)
    least = whole[rows, ranked[:, 0]]
    second = whole[rows, ranked[:, min(1, whole.shape[1] - 1)]]
    # those whose second choice costs most more come first
    order = np.argsort(-(np.minimum(second, problem.short_cost) - least), kind="stable")
    choice = ranked[:, 0]
    wanted = np.where(least <= problem.short_cost, problem.demand, 0.0)
    sites = whole.shape[1]
    shelf = problem.family * sites + choice
    from_there = _take_in_turn(wanted, shelf, problem.there.ravel(), order)
    brings = np.where(
        prices.stock[problem.family, choice] >= (problem.inbound + prices.room)[problem.family, choice] - 1e-9,
        wanted - from_there,
        0.0,
    )
    brought = _take_in_turn(brings, choice, problem.room, order)
    units[rows, choice] = from_there + brought
    load = np.bincount(choice, units[rows, choice] * problem.load, sites)
    over = np.divide(problem.dispatch, load, out=np.ones(sites), where=load > problem.dispatch)
    return np.floor(units * np.minimum(over, 1.0)[None, :] + 1e-9)


def _take_in_turn(wanted: Floats, pool: Ints, there: Floats, order: Ints) -> Floats:
    """What each gets of its pool when they take in turn, (K,)."""
    by_pool = order[np.argsort(pool[order], kind="stable")]
    ask, own = wanted[by_pool], pool[by_pool]
    upto = np.cumsum(ask)
    begins = np.concatenate([[True], own[1:] != own[:-1]])
    before = np.maximum.accumulate(np.where(begins, upto - ask, 0.0))
    left = np.maximum(there[own] - (upto - ask - before), 0.0)
    taken = np.zeros(len(wanted))
    taken[by_pool] = np.minimum(ask, left)
    return taken
