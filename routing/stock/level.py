"""How much to keep ready: the newsvendor's quantile, at the level the pay-off of a unit ahead sets or a planner forces.

A unit too few costs what it would have saved against the merchant's home today, or, where home reaches no buyer, a lost sale. A unit too
many costs its way there and its place, and the way back (``return``), a fortnight's place more until it is sold there (``sell``), or the goods
themselves (``lose``)::

    level = too few / (too few + too many)        (Arrow, Harris and Marschak, Econometrica 19, 1951)

A zone counts with the warehouse that serves it cheapest. The demand of an item from one warehouse has the mean M of its zones and the variance
chance x M + error^2 M^2 + region^2 x sum(m_z^2): the error is the item's and common to its zones, at least as large as what hubs' trade strays
by; chance and region are each zone's own (``spread``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.arrays import Floats
from data.constants import constant
from routing.stock.spread import Spread


@dataclass(frozen=True)
class LevelRules:
    """What is reckoned for units left over."""

    sold_within: float = constant(14.0, "days", "in which what is left over is sold where it stands", "judgement")
    all_ahead: float = constant(
        0.5,
        "1",
        "level, at least, where everything is to stand ahead: what is expected, whether it pays or not",
        "judgement",
    )
    most: float = constant(0.995, "1", "level, at most: where home reaches nobody every unit would pay", "judgement")


LEVELS = LevelRules()


@dataclass(frozen=True, slots=True)
class UnitCosts:
    """What a unit costs by item, zone and warehouse [CNY/unit].

    Attributes
    ----------
    home : (I, Z)
        From the merchant's hub to the zone, with the worth of the days; inf where it does not reach it.
    ahead : (I, Z, W)
        From a warehouse, without bringing in; inf where that cannot be.
    inbound : (I, W)
        Bringing in.
    rent : (W,)
        Place until the middle of the event.
    daily : (W,)
        Place of a day.
    relief : (I,)
        The dearest relief of a hub in any of it: a hub's price says where stock stands, never that it stands nowhere.
    """

    home: Floats
    ahead: Floats
    inbound: Floats
    rent: Floats
    daily: Floats
    relief: Floats


@dataclass(frozen=True, slots=True)
class Targets:
    """What is to stand ready.

    Attributes
    ----------
    units : (I, Z)
        Whole units.
    level : (I,)
        Probability with which they suffice, weighed over the zones; 0 where no unit pays.
    """

    units: Floats
    level: Floats


@dataclass(frozen=True, slots=True)
class Review:
    """What a stock that is filled up again and again changes.

    Attributes
    ----------
    days
        From one delivery to the next [days].
    again : (I,)
        Whether the orders after the next delivery take what is left over: it waits until then, and no longer.
    cover : (I, W)
        Days from the order of a delivery to the one after it, over `days`: safety covers them all.
    """

    days: int
    again: NDArray[np.bool_]
    cover: Floats


def pay_off(
    costs: UnitCosts, left_over: NDArray[np.str_], lost_cost: float, review: Review | None = None
) -> tuple[Floats, NDArray[np.int64]]:
    """Give the level of each item and zone that its pay-off sets, shape (I, Z), and the warehouse that serves it cheapest."""
    whole = costs.ahead + costs.inbound[:, None, :]
    best = np.argmin(whole, axis=2)
    cheapest = np.take_along_axis(whole, best[:, :, None], axis=2)[:, :, 0]
    home = np.where(np.isfinite(costs.home), costs.home, np.where(np.isfinite(cheapest), cheapest, 0.0) + lost_cost)
    reached = np.isfinite(cheapest)
    saved = np.maximum(home - np.where(reached, cheapest, 0.0), 0.0)
    few = np.where(reached, saved, np.where(np.isfinite(costs.home), 0.0, lost_cost))
    item = np.arange(len(whole))[:, None]
    brought, rent, daily = costs.inbound[item, best], costs.rent[best], costs.daily[best]
    many = np.select(
        [left_over[:, None] == "sell", left_over[:, None] == "lose"],
        [rent + LEVELS.sold_within * daily, brought + rent + lost_cost],
        2.0 * brought + rent,
    )
    if review is not None:
        many = np.where(review.again[:, None], rent + review.days * daily, many)
    level = np.divide(few, few + many, out=np.zeros_like(few), where=few > 0)
    return np.minimum(level, LEVELS.most), best.astype(np.int64)


def set_targets(
    mean: Floats,
    level: Floats,
    best: NDArray[np.int64],
    error: Floats,
    spread: Spread,
    *,
    forced: float | None = None,
    review: Review | None = None,
) -> Targets:
    """Set what is to stand ready.

    Parameters
    ----------
    mean : (I, Z)
        Units expected.
    level, best : (I, Z)
        Of :func:`pay_off`.
    error : (I,)
        Relative error of an item's expectation.
    spread
        How far units stray besides.
    forced
        One level for all, in place of the pay-off's.
    review
        Of a stock that is filled up again and again: safety is that of all days from an order to the delivery after it.
    """
    at = level if forced is None else np.full_like(level, forced)
    sites = int(best.max(initial=0)) + 1
    item = np.repeat(np.arange(len(mean)), mean.shape[1]) * sites + best.ravel()
    size = len(mean) * sites
    cover = np.ones(size) if review is None else review.cover[:, :sites].ravel()
    expected = np.bincount(item, mean.ravel(), size)
    together = expected * cover
    squares = np.bincount(item, (mean**2).ravel(), size) * cover**2
    weight = np.bincount(item, (at * mean).ravel(), size)
    of_group = np.divide(weight, expected, out=np.zeros(size), where=expected > 0)
    quantile = reach_level(together, squares, np.repeat(error, sites), of_group, spread)
    # goods for the days until the delivery are there already: what is to stand ready then is the days' after it, and all safety
    ready = np.maximum(quantile - (together - expected), 0.0)
    scale = np.divide(ready, expected, out=np.zeros(size), where=expected > 0)
    wanted = mean * scale[item].reshape(mean.shape) * (at > 0)
    total = mean.sum(axis=1)
    early_share = np.divide((at * mean).sum(axis=1), total, out=np.zeros(len(mean)), where=total > 0)
    return Targets(round_on(wanted), early_share)


def reach_level(mean: Floats, squares: Floats, error: Floats, level: Floats | float, spread: Spread) -> Floats:
    """Units with which items of a warehouse suffice with a probability: the quantile of a gamma distribution, shape (G,).

    Parameters
    ----------
    mean, squares : (G,)
        Units expected, and the sum of the squares of what each zone is expected to order.
    error : (G,)
        Relative error of the expectation.
    level : (G,) or one
        The probability; 0 needs none.
    spread
        How far units stray besides.
    """
    from scipy.stats import gamma

    common = np.maximum(error, spread.common) * mean
    variance = spread.chance * mean + common**2 + spread.region**2 * squares
    safe = np.maximum(mean, 1e-12)
    shape = np.where(mean > 0, safe**2 / np.maximum(variance, 1e-12), 1.0)
    asked = np.broadcast_to(np.asarray(level, dtype=np.float64), mean.shape)
    reached: Floats = np.where(
        (mean > 0) & (asked > 0), gamma.ppf(np.maximum(asked, 1e-9), shape, scale=safe / shape), 0.0
    )
    return reached


def round_on(values: Floats) -> Floats:
    """Make rows whole by carrying roundings on from place to place, so that their sums stay right."""
    whole = np.floor(np.cumsum(values, axis=1) + 0.5)
    rounded: Floats = np.diff(whole, axis=1, prepend=0.0)
    return rounded
