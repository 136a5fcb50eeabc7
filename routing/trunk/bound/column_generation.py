"""The bound and the prices of what is scarce where parcels stay short, by column generation.

There prices have to rise to that of a parcel short, thousands of times what its path costs; the steps of a climb never get so far. The programme over
paths does (:mod:`routing.trunk.bound.path_programme`): it begins with the paths of the climb, and in each round those are added that its prices ask for
(Ford, Fulkerson, "A suggested computation for maximal multi-commodity network flows", Management Science 5, 1958), and those at prices between these and the best
so far, which later rounds would ask for (Wentges, "Weighted Dantzig-Wolfe decomposition", International Transactions in Operational Research 4, 1997).

What is reported is never the programme's objective but the bound that its prices prove by themselves, as at every step of the climb: a round too few
makes it lower, not wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from data.constants import constant
from routing.budget import Deadline
from routing.trunk.bound.forcing_prices import price_payers
from routing.trunk.bound.lagrangian import (
    BoundCertificate,
    LagrangianDual,
    Prices,
    Relaxation,
    list_prices,
    price_demands,
    prove_bound,
    prove_carrying,
)
from routing.trunk.bound.path_programme import solve_paths
from routing.trunk.task.network import Floats, TrunkNetwork
from routing.trunk.task.paths import PathPool, gather_pool, merge_paths, take_paths

_NOISE = 1e-9  # of a bound


@dataclass(frozen=True)
class ColumnRules:
    """When the rounds begin and end."""

    samples: int = constant(4, "choices", "of paths of the climb that are the first columns", "judgement")
    rounds: int = constant(12, "rounds", "at most", "judgement")
    between: tuple[float, ...] = constant(
        (1.0, 0.75, 0.5, 0.25),
        "1",
        "of the way from the best prices so far to the programme's: where paths are sought",
        "judgement",
    )
    gap: float = constant(1e-5, "1", "of the programme's objective: how near its bound is enough", "judgement")
    carrying_gap: float = constant(1e-3, "1", "the same where carrying alone is bounded", "judgement")


COLUMNS = ColumnRules()


def generate_columns(
    network: TrunkNetwork, relaxed: Relaxation, known: PathPool, deadline: Deadline
) -> tuple[BoundCertificate, PathPool] | None:
    """Raise the bound by rounds of paths.

    Parameters
    ----------
    relaxed
        Bound, prices and sampled paths of the climb.
    known
        Further paths to begin with, as those of a plan.

    Returns
    -------
    certificate, pool
        The best bound with the prices that prove it, that of the climb if none is higher; and the paths of the last round.
        None where the programme is too large, or the time ran out before the first answer.
    """
    dual, best = LagrangianDual(network), relaxed.certificate
    sampled = gather_pool(network, relaxed.samples[:: max(1, len(relaxed.samples) // COLUMNS.samples)])
    pool = merge_paths(network, [known, sampled])[0]
    used = None
    for _ in range(COLUMNS.rounds):
        answer = solve_paths(network, pool, deadline)
        if answer is None:
            break
        used = pool
        pool = take_paths(pool, answer.needed)
        so_far = best.prices
        for share in COLUMNS.between:
            prices = _mix(answer.prices, so_far, share)
            bound = dual.evaluate(prices)
            best = max(best, BoundCertificate(bound, prices), key=lambda one: one.bound)
            pool = merge_paths(network, [pool, _find_cheaper(network, dual, answer.worth)])[0]
        if answer.objective - best.bound <= COLUMNS.gap * abs(answer.objective):
            break
    return None if used is None else (best, used)


def bound_carrying(network: TrunkNetwork, known: PathPool, short: int, deadline: Deadline) -> BoundCertificate | None:
    """Find prices that bound what carrying costs in plans that leave so many parcels short.

    Parameters
    ----------
    known
        Paths to begin with, among them those of such a plan.
    short
        [parcels]

    Returns
    -------
    BoundCertificate or None
        Its bound is that of carrying (see :func:`routing.trunk.bound.lagrangian.prove_carrying`). None where the programme is too large.
    """
    dual, pool = LagrangianDual(network), known
    best: BoundCertificate | None = None
    for _ in range(COLUMNS.rounds):
        answer = solve_paths(network, pool, deadline, most_short=short)
        if answer is None:
            break
        pool = take_paths(pool, answer.needed)
        found = []
        for share in COLUMNS.between if best is not None else (1.0,):
            prices = answer.prices if best is None else _mix(answer.prices, best.prices, share)
            whole = dual.evaluate(prices)
            label = dual.labels.price[network.demand_start, dual.commodities.of_demand]
            bound = prove_carrying(network, whole, np.minimum(label, network.short_cost), short)
            found.append(BoundCertificate(bound, prices))
            pool = merge_paths(network, [pool, _find_cheaper(network, dual, answer.worth)])[0]
        best = max([*found, *([] if best is None else [best])], key=lambda one: one.bound)
        if answer.objective - best.bound <= COLUMNS.carrying_gap * answer.objective:
            break
    return best


def prove_what_is_carried(network: TrunkNetwork, relaxed: Relaxation, short: int) -> float | None:
    """Bound of carrying what is not short; None where nothing is, or stated prices of rooms are part of the proof."""
    certificate = relaxed.certificate
    if not short:
        return None
    if relaxed.carrying is not None:
        return relaxed.carrying.bound
    if certificate.room.any():
        return None
    if len(certificate.forcing_price):
        return prove_carrying(network, certificate.bound, price_payers(network, certificate), short)
    price = price_demands(network, certificate.prices)
    return prove_carrying(network, certificate.bound, price, short)


def _find_cheaper(network: TrunkNetwork, dual: LagrangianDual, worth: Floats) -> PathPool:
    """Find the paths at the prices evaluated last that cost less than their demand pays."""
    label = dual.labels.price[network.demand_start, dual.commodities.of_demand]
    cheaper = label < np.minimum(worth, network.short_cost) - 1e-7 * np.maximum(1.0, np.abs(worth))
    return gather_pool(network, [dual.labels.choice], np.flatnonzero(cheaper).astype(np.int64))


def _mix(prices: Prices, others: Prices, share: float) -> Prices:
    """Prices a share of the way from others to these."""
    pairs = zip(list_prices(prices), list_prices(others), strict=True)
    return Prices(*(share * one + (1.0 - share) * other for one, other in pairs))


def prove_short(network: TrunkNetwork, prices: Prices) -> int:
    """Count the parcels every plan leaves short, by the prices of a bound.

    Where nothing costs but a parcel short, and that 1, the bound at prices / short cost is one of the parcels short themselves:

        sum over demands of parcels x min(1, label) - sum over limits of price x limit + what own fleets earn empty

    Returns
    -------
    int
        [parcels], 0 where the prices prove none.
    """
    if network.short_cost <= 0 or not len(network.demand_parcels):
        return 0
    free = replace(
        network,
        hold_cost=0.0,
        late_cost=0.0,
        short_cost=1.0,
        handling_cost=np.zeros(network.nodes),
        waiting_cost=np.zeros(network.nodes),
        arc_cost=np.zeros(network.arcs),
        vehicle_cost=np.zeros(len(network.vehicle_cost)),
    )
    proven = prove_bound(free, Prices(*(price / network.short_cost for price in list_prices(prices))))
    return max(int(np.floor(proven - _NOISE * float(network.demand_parcels.sum()))), 0)
