"""Prices that prove a bound on the location problem when it is too large to be solved whole.

Demand, dispatch and stock at hand are priced; each warehouse then fills itself with what pays most (a continuous knapsack) if
that pays its opening. The value is a lower bound at any prices, and at the best ones as strong as the LP with
x <= demand x open (Cornuejols, Sridharan and Thizy, European Journal of Operational Research 50, 1991, 280-297).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.arrays import Floats
from data.constants import constant
from routing.budget import Deadline
from routing.stock.milp import PairSolution, solve_pairs
from routing.stock.model import LocationProblem


@dataclass(frozen=True)
class PriceRules:
    """How far the prices of a large location problem are bettered."""

    rounds: int = constant(6, "rounds", "of column generation at most", "judgement")
    kept: int = constant(3, "warehouses", "kept for each group at first", "judgement")
    added: int = constant(3, "warehouses", "added for each group and round at most", "judgement")
    close: float = constant(
        1e-4, "1", "distance of bound and linear problem at which more columns are not worth their time", "judgement"
    )
    start_steps: int = constant(150, "steps", "of the prices of room and dispatch the rounds begin with", "judgement")
    looks: int = constant(10, "steps", "from one bound proven by those to the next", "judgement")
    steps: int = constant(1000, "steps", "of the subgradient after the rounds, at most", "judgement")
    patience: int = constant(20, "steps", "without a better bound before its stride is halved", "judgement")
    shortest: float = constant(1e-3, "1", "of its first stride, below which it ends", "judgement")
    better: float = constant(1e-7, "1", "of the bound that a better one must gain", "judgement")
    aim: float = constant(1.02, "1", "times the linear problem's value: what its steps aim at", "judgement")


PRICES = PriceRules()


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices and what they prove.

    Attributes
    ----------
    group, dispatch, stock
        Price of a unit of demand (K,), of a parcel of dispatch (W,), of a unit at hand (F, W) [CNY].
    bound
        Lower bound they prove [CNY].
    opened
        Warehouses open at these prices, shape (W,).
    """

    group: Floats
    dispatch: Floats
    stock: Floats
    bound: float
    opened: NDArray[np.bool_]


def find_prices(
    problem: LocationProblem, allowed: NDArray[np.bool_], deadline: Deadline
) -> tuple[Prices, NDArray[np.bool_], PairSolution]:
    """Find prices by column generation on the linear problem, then better them by subgradient steps.

    Parameters
    ----------
    problem
        The location problem.
    allowed
        Pairs that may be used, shape (K, W).
    deadline
        Emergency brake; told when it cuts in.

    Returns
    -------
    prices : Prices
        The best found.
    kept : numpy.ndarray
        The pairs that matter at those prices, shape (K, W).
    relaxed : PairSolution
        The linear problem's answer over the kept pairs.
    """
    best, scarce = _start(problem, allowed, deadline)
    full = np.where(allowed, problem.cost, np.inf) + problem.inbound[problem.family] + scarce
    at_hand = np.where((problem.there > 0)[problem.family], full - problem.inbound[problem.family], np.inf)
    candidates = _lowest(full, PRICES.kept) | _lowest(at_hand, 1)
    relaxed, lasted = None, 0.0
    for _ in range(PRICES.rounds):
        if relaxed is not None and deadline.over(lasted):
            break
        began = deadline.spent()
        limit = deadline.share(deadline.part, max(deadline.left(), 1.0))
        answer = solve_pairs(problem, candidates, deadline=limit, nodes=1, relaxed=True)
        lasted = deadline.spent() - began
        prices = _prices_of(problem, allowed, answer)
        if prices is None or answer.bound <= 0:
            relaxed = relaxed or answer
            break
        relaxed = answer
        best = prices if prices.bound > best.bound else best
        if best.bound >= relaxed.bound - PRICES.close * abs(relaxed.bound):
            break
        gain = np.where(allowed & ~candidates, _reduce(problem, prices.group, prices.dispatch, prices.stock), np.inf)
        fresh = (gain < -1e-9) & _lowest(gain, PRICES.added)
        if not fresh.any():
            break
        candidates |= fresh
    assert relaxed is not None  # noqa: S101  there is at least one round
    if (problem.opening > 0).any():
        best = _climb(problem, allowed, best, relaxed.bound, deadline)
        gain = _reduce(problem, best.group, best.dispatch, best.stock)
        candidates |= allowed & _lowest(np.where(best.opened, gain, np.inf), PRICES.added)
    return best, candidates, relaxed


def _start(problem: LocationProblem, allowed: NDArray[np.bool_], deadline: Deadline) -> tuple[Prices, Floats]:
    """Price only what each warehouse has: storage and dispatch, by subgradient steps from nothing.

    Returns
    -------
    prices : Prices
        The best found, each group paying what its cheapest warehouse asks.
    scarce : numpy.ndarray
        What a unit of each group pays for room and dispatch of each warehouse, shape (K, W) [CNY].
    """
    full = np.where(allowed, problem.cost, np.inf) + problem.inbound[problem.family]
    fits = problem.room + problem.there.sum(axis=0)
    power = np.where(np.isfinite(problem.dispatch), problem.dispatch, 0.0)
    n_places = len(fits)
    room_price, dispatch = np.zeros(n_places), np.zeros(n_places)
    # a step of one moves a price by about what a unit's second choice costs more than its first
    stride = float(np.mean(np.where(np.isfinite(full), full, 0.0))) / 4 + 1e-9
    best: tuple[Prices, Floats] | None = None
    for step in range(PRICES.start_steps):
        asked = full + room_price + problem.load[:, None] * dispatch
        choice = asked.argmin(axis=1)
        group = np.minimum(asked.min(axis=1), problem.short_cost)
        if step % PRICES.looks == 0:
            prices = prove(problem, allowed, group, dispatch, problem.inbound)
            if best is None or prices.bound > best[0].bound:
                best = prices, room_price + problem.load[:, None] * dispatch
        if step and deadline.over():
            break
        served = np.where(asked.min(axis=1) < problem.short_cost, problem.demand, 0.0)
        used = np.bincount(choice, served, n_places)
        sent = np.bincount(choice, served * problem.load, n_places)
        pace = stride / (1 + step / 10)
        room_price = np.maximum(room_price + pace * np.clip(used / np.maximum(fits, 1.0) - 1, -1, 1), 0.0)
        over = np.clip(sent / np.maximum(power, 1e-9) - 1, -1, 1)
        per_parcel = pace / max(float(problem.load.mean()), 1e-9)
        dispatch = np.where(power > 0, np.maximum(dispatch + per_parcel * over, 0.0), 0.0)
    assert best is not None  # noqa: S101  the first step always proves something
    return best


def _prices_of(problem: LocationProblem, allowed: NDArray[np.bool_], solution: PairSolution) -> Prices | None:
    group, dispatch, stock = solution.group_price, solution.dispatch_price, solution.stock_price
    if group is None or dispatch is None or stock is None:
        return None
    return prove(problem, allowed, group, dispatch, stock)


def _lowest(values: Floats, count: int) -> NDArray[np.bool_]:
    """Mark the `count` lowest finite values of each row."""
    count = min(count, values.shape[1])
    edge = np.partition(values, count - 1, axis=1)[:, count - 1 : count]
    lowest: NDArray[np.bool_] = (values <= edge) & np.isfinite(values)
    return lowest


def _reduce(problem: LocationProblem, group: Floats, dispatch: Floats, stock: Floats) -> Floats:
    """Reduced cost of a unit of each pair, shape (K, W)."""
    reduced: Floats = problem.cost + stock[problem.family] + problem.load[:, None] * dispatch - group[:, None]
    return reduced


def prove(
    problem: LocationProblem, allowed: NDArray[np.bool_], group: Floats, dispatch: Floats, stock: Floats
) -> Prices:
    """Prove the bound that given prices hold.

    Parameters
    ----------
    problem, allowed
        The location problem and the pairs of it.
    group, dispatch, stock
        Prices, see ``Prices``; `group` at most the short cost, `stock` at most the inbound cost, none negative but `group`.

    Returns
    -------
    Prices
        The prices with their bound.
    """
    return _relax(problem, allowed, group, dispatch, stock)[0]


def _relax(
    problem: LocationProblem, allowed: NDArray[np.bool_], group: Floats, dispatch: Floats, stock: Floats
) -> tuple[Prices, Floats]:
    fits = problem.room + problem.there.sum(axis=0)
    gain = np.where(allowed, _reduce(problem, group, dispatch, stock), np.inf)
    order = np.argsort(gain, axis=0, kind="stable")
    wants = np.where(np.take_along_axis(gain, order, axis=0) < 0, problem.demand[order], 0.0)
    before = np.cumsum(wants, axis=0) - wants
    taken = np.zeros_like(gain)
    np.put_along_axis(taken, order, np.clip(fits[None, :] - before, 0.0, wants), axis=0)
    worth = (np.where(taken > 0, gain, 0.0) * taken).sum(axis=0)
    limit = np.where(np.isfinite(problem.dispatch), problem.dispatch, 0.0) * dispatch
    net = problem.opening - limit + worth
    opened = net < 0
    taken[:, ~opened] = 0.0
    value = float(group @ problem.demand + net[opened].sum() - (stock * problem.there).sum())
    return Prices(group, dispatch, stock, value, opened), taken


def _climb(
    problem: LocationProblem, allowed: NDArray[np.bool_], best: Prices, aim: float, deadline: Deadline
) -> Prices:
    """Better the prices by subgradient steps towards a value a little above the linear problem's."""
    has_stock, has_dispatch = problem.there > 0, np.isfinite(problem.dispatch)
    power = np.where(has_dispatch, problem.dispatch, 0.0)
    group, dispatch, stock = best.group, best.dispatch, best.stock
    scale, since = 1.0, 0
    for _ in range(PRICES.steps):
        if scale < PRICES.shortest or deadline.over():
            break
        prices, taken = _relax(problem, allowed, group, dispatch, stock)
        if prices.bound > best.bound + PRICES.better * abs(best.bound):
            best, since = prices, 0
        else:
            since += 1
        if since >= PRICES.patience:
            scale, since = scale / 2, 0
            prices, taken = _relax(problem, allowed, best.group, best.dispatch, best.stock)
        lack = problem.demand - taken.sum(axis=1)
        lack[(prices.group >= problem.short_cost) & (lack > 0)] = 0.0
        over = np.where(has_dispatch, problem.load @ taken - power * prices.opened, 0.0)
        beyond = np.where(has_stock, problem.sum_families(taken) - problem.there, 0.0)
        length = float(lack @ lack + over @ over + (beyond * beyond).sum())
        if length <= 1e-12:
            break
        stride = scale * max(PRICES.aim * max(aim, best.bound) - prices.bound, 1e-9) / length
        group = np.minimum(prices.group + stride * lack, problem.short_cost)
        dispatch = np.maximum(prices.dispatch + stride * over, 0.0)
        stock = np.where(has_stock, np.clip(prices.stock + stride * beyond, 0.0, problem.inbound), problem.inbound)
    return best
