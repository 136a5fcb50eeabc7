"""Whole parcels: rounding by error diffusion, so that sums keep their rounded value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.arrays import Matrix
from data.constants import constant
from data.errors import RadarError

Index = NDArray[np.int64]


@dataclass(frozen=True)
class RoundingRules:
    """How parcels are made whole."""

    destination_rounds: int = constant(1, "rounds", "handicaps tried on destinations that got too much", "judgement")
    repaid_share: float = constant(
        0.2,
        "1",
        "of a hub's arrears paid back on a day; all at once would shake its inflow from day to day",
        "judgement",
    )
    many_routes: int = constant(
        300_000,
        "routes",
        "beyond which an inflow is thousands of parcels, and chance alone keeps it within a few of them",
        "judgement",
    )
    most_repairs: int = constant(64, "rounds", "in which quotas are met after rounding", "judgement")


ROUNDING = RoundingRules()


def round_coherently(
    matrix: NDArray[np.floating], origin: Index | None = None, destination: Index | None = None
) -> NDArray[np.int64]:
    """Round a forecast to whole parcels without changing its sums.

    The day's total is rounded first, then split over the origins, then over their routes: each step gives the
    floor and hands the parcels left over to the largest remainders. What rounding took from a route or an origin
    is carried to its next day, so that a route of 0.3 a day gets a parcel about every third day and its week
    is right. Days on which a route has no volume stay 0.

    Parameters
    ----------
    matrix
        [routes x days] parcels, not negative.
    origin, destination
        [routes] number of the hub at each end. With ``origin`` each hub's outflow stays within about one parcel of
        its sum; with ``destination`` inflows are drawn near theirs (up to 300,000 routes; beyond, chance keeps them).

    Returns
    -------
    NDArray[np.int64]
        [routes x days] parcels. Each column sums to its rounded sum, ``floor(sum + 0.5)``.

    Raises
    ------
    RadarError
        When a value is negative or not finite.

    Notes
    -----
    Controlled rounding by largest remainders (Hamilton's method) along a tree, with errors diffused over time as in
    Floyd and Steinberg (1976). Cost: one sort of the routes a day.
    """
    values = np.asarray(matrix, dtype=np.float64)
    if values.size and (not np.isfinite(values).all() or values.min() < 0):
        raise RadarError("a forecast that is negative or not a number", "parcels of 0 or more")
    routes, days = values.shape
    origins = np.zeros(routes, dtype=np.int64) if origin is None else np.asarray(origin, dtype=np.int64)
    hubs = int(origins.max(initial=-1)) + 1
    by_day = np.ascontiguousarray(values.T)
    outflow = np.empty((days, hubs))
    for day in range(days):
        outflow[day] = np.bincount(origins, weights=by_day[day], minlength=hubs)
    totals = np.floor(outflow.sum(axis=1) + 0.5).astype(np.int64)
    drawn_to = destination if routes <= ROUNDING.many_routes else None
    top = np.zeros(hubs, dtype=np.int64)
    whole = np.zeros((days, routes), dtype=np.int64)
    hub_carry, route_carry = np.zeros(hubs), np.zeros(routes)
    hub_ties, route_ties = _ties(hubs), _ties(routes)
    for day in range(days):
        hub_quota = _share_out(outflow[day], hub_carry, top, totals[day : day + 1], hub_ties, None)
        whole[day] = _share_out(by_day[day], route_carry, origins, hub_quota, route_ties, drawn_to)
    return np.ascontiguousarray(whole.T)


def _ties(count: int) -> Matrix:
    # The golden ratio spreads the winners of ties evenly over the routes, the same on every machine.
    return 1e-7 * (np.arange(count, dtype=np.float64) * 0.6180339887498949 % 1.0)


def _share_out(
    values: Matrix, carry: Matrix, group: Index, quota: Index, ties: Matrix, destination: Index | None
) -> NDArray[np.int64]:
    """Round one day to the groups' quotas and update ``carry`` in place."""
    live = values > 0
    wanted = np.where(live, values + carry, 0.0)
    # The extra 1e-9 keeps 3.0 made of thirds from falling to 2.
    whole = np.floor(np.maximum(wanted, 0.0) + 1e-9)
    remainder = wanted - whole
    missing = quota - np.bincount(group, weights=whole, minlength=quota.size).astype(np.int64)
    picked = _pick(group, remainder + ties, live, np.maximum(missing, 0))
    if destination is not None and missing.max(initial=0) > 0:
        # A hub's own arrears are paid back slowly: paying all at once would shake its inflow from day to day.
        due = remainder - (1.0 - ROUNDING.repaid_share) * np.where(live, carry, 0.0)
        picked = _draw_to_destinations(group, destination, remainder + ties, due, live, missing, picked)
    whole[picked] += 1
    for _ in range(ROUNDING.most_repairs):
        missing = quota - np.bincount(group, weights=whole, minlength=quota.size).astype(np.int64)
        if not missing.any():
            break
        remainder = wanted - whole
        whole[_pick(group, remainder + ties, live, np.maximum(missing, 0))] += 1
        whole[_pick(group, -remainder + ties, whole > 0, np.maximum(-missing, 0))] -= 1
    carry[live] = (wanted - whole)[live]
    return whole.astype(np.int64)


def _pick(group: Index, score: Matrix, eligible: NDArray[np.bool_], count: Index) -> Index:
    """Return the positions of the ``count`` best scores of each group."""
    places = np.flatnonzero(eligible & (count > 0)[group])
    if places.size == 0:
        return places
    # Scores stay within a few parcels, so groups do not mix in one sort of a single key.
    span = 2.0 * float(np.abs(score[places]).max()) + 1.0
    ordered = places[np.argsort(group[places] * span - score[places])]
    members = np.bincount(group[places], minlength=count.size)
    taken = np.minimum(count, members)
    # Groups lie one after another in the sorted order: take the head of each.
    shift = np.cumsum(members) - members - (np.cumsum(taken) - taken)
    chosen: Index = ordered[np.repeat(shift, taken) + np.arange(int(taken.sum()))]
    return chosen


def _draw_to_destinations(
    group: Index,
    destination: Index,
    score: Matrix,
    due: Matrix,
    live: NDArray[np.bool_],
    missing: Index,
    picked: Index,
) -> Index:
    """Pick again with a handicap on destinations that got too much, and keep the best of the tries."""
    hubs = int(destination.max()) + 1
    routes = np.maximum(np.bincount(destination[live], minlength=hubs), 1)
    owed = np.bincount(destination, weights=np.where(live, due, 0.0), minlength=hubs)
    handicap = np.zeros(hubs)
    best, best_error = picked, np.inf
    for attempt in range(ROUNDING.destination_rounds + 1):
        excess = np.bincount(destination[picked], minlength=hubs) - owed
        error = float(np.abs(excess).sum())
        if error < best_error:
            best, best_error = picked, error
        if attempt == ROUNDING.destination_rounds:
            break
        # Remainders are spread about evenly over one parcel: shifting a hub's by e/n moves about e of its n routes.
        handicap += excess / routes
        picked = _pick(group, score - handicap[destination], live, np.maximum(missing, 0))
    return best
