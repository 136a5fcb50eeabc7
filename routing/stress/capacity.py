"""What sorting capacity to ask for so that a plan overflows no more often than a target, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from routing.stress.layout import Layout
from routing.stress.play import Outcomes, play_draws
from routing.stress.policies import Policy, apply_policy
from routing.stress.probability import Probability, estimate
from routing.stress.records import UNBOUNDED, Money, Network, Whole

Marks = NDArray[np.bool_]

STEP = 0.05  # of a hub's capacity that is asked for at a time (judgement)
LEAST_HELP = 0.02  # of a hub's parcels over that a step must take away, or its sorters are not what lacks (judgement)
MOST = 1.0  # of a hub's capacity that is asked for at most (judgement)


@dataclass(frozen=True)
class Ask:
    """Capacity to ask a hub for.

    Attributes
    ----------
    hub_id, first, last
        Where, and on which days.
    share, parcels
        Of its capacity, and parcels a day on its largest of these days.
    price
        CNY if it is booked: parcels of all its days x price a parcel.
    """

    hub_id: str
    first: date
    last: date
    share: float
    parcels: int
    price: float


@dataclass(frozen=True)
class Capacity:
    """What to ask for, and the probability of an overflow before and after on draws that were not used to find it."""

    asks: tuple[Ask, ...]
    before: Probability
    after: Probability


def ask_capacity(
    layout: Layout, fit: Whole, judge: Whole, policy: Policy, target: float, price: float, strata: int
) -> Capacity:
    """Find sorting capacity that brings a plan's probability of an overflow to a target.

    Parameters
    ----------
    layout
        The plan.
    fit, judge
        [draws x routes] parcels: draws it is found on, and others it is judged on.
    policy
        What dispatchers may do.
    target
        Probability of an overflow anywhere, 0 to 1.
    price
        CNY a parcel of capacity and day.
    strata
        Strata of the draws.

    Notes
    -----
    Each round gives 5 % more to the hub that overflows in most draws, on the days from the one before its first overflow to its last
    one. A hub whose overflow that does not lessen lacks vehicles, and is asked for no more. When the target is reached on ``fit``, or
    no hub's sorters help any further, each hub gives back what is not needed. More at one hub sends more to others on time,
    so the order matters and each round plays all draws.
    """
    network = apply_policy(layout, policy)
    days: Marks = np.zeros(network.hubs.capacity.shape, dtype=np.bool_)
    share = np.zeros(len(layout.hub_ids))
    free = np.ones(share.size, dtype=np.bool_)
    outcomes = play_draws(network, fit)
    while _share_over(outcomes) > target:
        over = np.where(free, (outcomes.over > 0).any(axis=2).mean(axis=0), 0.0)
        if not (over > 0).any():
            break
        hub = int(np.argmax(over))
        kept = days[hub].copy()
        share[hub] += STEP
        days[hub] |= _days_over(outcomes, hub)
        tried = play_draws(_give(network, days, share), fit)
        if tried.over[:, hub].sum() <= (1.0 - LEAST_HELP) * outcomes.over[:, hub].sum():
            outcomes = tried
            free[hub] = share[hub] < MOST - 1e-9
        else:
            share[hub] -= STEP
            days[hub], free[hub] = kept, False
    target = max(target, _share_over(outcomes))
    for hub in np.flatnonzero(share > 0).tolist():
        while share[hub] > 1e-9:
            share[hub] -= STEP
            if _share_over(play_draws(_give(network, days, share), fit)) > target:
                share[hub] += STEP
                break
    asks = tuple(
        _tell(layout, network, days, hub, float(share[hub]), price) for hub in np.flatnonzero(share > 1e-9).tolist()
    )
    before, after = (play_draws(one, judge) for one in (network, _give(network, days, share)))
    return Capacity(asks, *(estimate(np.asarray((one.over > 0).any(axis=(1, 2))), strata) for one in (before, after)))


def tell_lacks(results: pl.DataFrame, rigid: str, unlimited: str) -> pl.DataFrame:
    """Say which hub-days lack sorters and which lack vehicles.

    Parameters
    ----------
    results
        ``stress_results`` of one scenario under two policies.
    rigid, unlimited
        Their names: planned vehicles only, and any number of them.

    Returns
    -------
    pl.DataFrame
        date, hub_id, overflow_probability (rigid), floor (with unlimited vehicles), lacks: sorters where vehicles would not halve it,
        else vehicles. Hub-days that never overflow with planned vehicles are left out; the likeliest first.
    """
    keys = ["date", "hub_id"]
    floor = results.filter(pl.col("policy") == unlimited).select(*keys, floor="overflow_probability")
    rows = results.filter((pl.col("policy") == rigid) & (pl.col("overflow_probability") > 0))
    mends = pl.col("floor") < 0.5 * pl.col("overflow_probability")
    return (
        rows.select(*keys, "overflow_probability")
        .join(floor, on=keys, how="left")
        .with_columns(pl.col("floor").fill_null(0.0))
        .with_columns(lacks=pl.when(mends).then(pl.lit("vehicles")).otherwise(pl.lit("sorters")))
        .sort(["overflow_probability", *keys], descending=[True, False, False])
    )


def _share_over(outcomes: Outcomes) -> float:
    return float((outcomes.over > 0).any(axis=(1, 2)).mean())


def _days_over(outcomes: Outcomes, hub: int) -> Marks:
    """Return [steps] the days from the one before the hub's first overflow to its last one."""
    hit = np.flatnonzero((outcomes.over[:, hub] > 0).any(axis=0))
    chosen = np.zeros(outcomes.over.shape[2], dtype=np.bool_)
    chosen[max(int(hit[0]) - 1, 0) : int(hit[-1]) + 1] = True
    return chosen


def _give(
    network: Network,
    days: Marks,
    share: Money,
) -> Network:
    capacity = network.hubs.capacity
    more = np.where(days & (capacity < UNBOUNDED), np.floor(capacity * share[:, None]), 0).astype(np.int64)
    return network._replace(hubs=network.hubs._replace(capacity=capacity + more))


def _tell(
    layout: Layout,
    network: Network,
    days: Marks,
    hub: int,
    share: float,
    price: float,
) -> Ask:
    chosen = np.flatnonzero(days[hub])
    more = np.floor(network.hubs.capacity[hub, chosen] * share)
    first, last = layout.dates[int(chosen[0])], layout.dates[int(chosen[-1])]
    return Ask(layout.hub_ids[hub], first, last, round(share, 2), int(more.max()), float(more.sum() * price))
