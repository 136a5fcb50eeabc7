"""Coherence: routes reconciled with better-known sums, solved in the space of the few sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.arrays import Matrix
from data.constants import constant
from data.errors import RadarError
from forecasting.series.panel import Level, Membership

_SIDES: dict[Level, str] = {
    "network": "out",
    "region_out": "out",
    "hub_out": "out",
    "region_in": "in",
    "hub_in": "in",
}


@dataclass(frozen=True)
class SolverRules:
    """When and how the system of the sums is solved."""

    least_variance: float = constant(
        1e-7,
        "1",
        "share of the routes' own variance that a target to be met keeps: redundant sums would make the system singular",
        "judgement",
    )
    negative: float = constant(-1e-9, "parcels", "below which a route counts as negative", "judgement")
    dense_sums: int = constant(
        300,
        "sums",
        "up to which the system is formed and factored; beyond, gradients cost less than the cube of their number",
        "judgement",
    )
    gradient_steps: int = constant(500, "steps", "of conjugate gradients at most", "judgement")
    gradient_tolerance: float = constant(1e-10, "1", "relative residual at which they end", "judgement")


SOLVER = SolverRules()


@dataclass(frozen=True)
class Target:
    """What the sums of a level should be.

    Attributes
    ----------
    level
        network, region_out, region_in, hub_out or hub_in.
    membership
        Group of each route at that level (``Panel.membership``).
    sums
        [groups x days] parcels; NaN where nothing is known.
    error
        Standard error of ``sums`` [parcels], one number or [groups x days]; 0 means the sum is to be met.
    """

    level: Level
    membership: Membership
    sums: Matrix
    error: Matrix | float = 0.0


def reconcile(
    base: NDArray[np.floating],
    hub_out: Membership,
    hub_in: Membership,
    targets: Sequence[Target],
    variance: NDArray[np.floating] | None = None,
    max_rounds: int = 25,
) -> Matrix:
    """Move route forecasts as little as possible so that their sums come near the targets.

    Parameters
    ----------
    base
        [routes x days] parcels.
    hub_out, hub_in
        Origin and destination hub of each route.
    targets
        Sums to come near to. None leaves the routes as they are, but for negative values.
    variance
        [routes] or [routes x days] variance of the route forecasts [parcels^2]; by default ``base`` itself, which
        spreads a correction in proportion to volume. Routes of variance 0 do not move.
    max_rounds
        How often values below 0 are set to 0 and the rest solved again before the last are clipped.

    Returns
    -------
    NDArray[np.float64]
        [routes x days] parcels, not negative.

    Raises
    ------
    RadarError
        When shapes do not fit or a value is not finite.

    Notes
    -----
    Each day minimises ``(x - b)' W^-1 (x - b) + (A x - t)' V^-1 (A x - t)`` with b the base, W its variances, A the
    sums, t the targets and V their squared errors. With ``(A W A' + V) l = t - A b`` the solution is
    ``x = b + W A' l``: generalised least squares as in Hyndman et al. (2011) and Wickramasuriya et al. (2019), in
    the dual form. Every sum is a sum of hubs, so A W A' follows from the table of W by origin and destination hub:
    one pass over the routes and one small dense system a day.
    Values below 0 are set to 0, taken out and the rest solved again (an active set without release).
    """
    routes = np.asarray(base, dtype=np.float64)
    if routes.ndim != 2 or not np.isfinite(routes).all():
        raise RadarError("a forecast matrix with values that are no numbers", "finite parcels, routes x days")
    spread = np.maximum(routes, 0.0) if variance is None else np.asarray(variance, dtype=np.float64)
    if spread.ndim == 1:
        spread = np.broadcast_to(spread[:, None], routes.shape)
    if spread.shape != routes.shape or not np.isfinite(spread).all() or (spread.size and spread.min() < 0):
        raise RadarError("variances that do not fit the forecast", "one finite variance of 0 or more a route and day")
    for target in targets:
        _check(target, routes)
    if not targets or routes.size == 0:
        return np.maximum(routes, 0.0)
    hubs = (hub_out.groups, hub_in.groups)
    groups = _groups_of_hubs(targets, hub_out, hub_in)
    result = np.empty((routes.shape[1], routes.shape[0]))
    pair = hub_out.index * hubs[1] + hub_in.index
    for day in range(routes.shape[1]):
        sums, errors = _targets_of(targets, day)
        result[day] = _solve_day(
            np.ascontiguousarray(routes[:, day]),
            np.ascontiguousarray(spread[:, day]),
            (hub_out.index, hub_in.index, pair),
            hubs,
            groups,
            (sums, errors),
            max_rounds,
        )
    return np.ascontiguousarray(result.T)


def _check(target: Target, routes: Matrix) -> None:
    if target.level not in _SIDES:
        raise RadarError(f"a target on level {target.level}", f"one of {', '.join(_SIDES)}")
    if target.membership.index.size != routes.shape[0]:
        raise RadarError(f"{target.membership.index.size} routes in a target", f"{routes.shape[0]} routes")
    shape = (target.membership.groups, routes.shape[1])
    if target.sums.shape != shape:
        raise RadarError(f"target sums of shape {target.sums.shape}", f"{shape} groups x days")
    if np.any(np.asarray(target.error) < 0) or np.isinf(target.sums).any():
        raise RadarError("a target with an infinite sum or a negative error", "finite sums, errors of 0 or more")


def _groups_of_hubs(
    targets: Sequence[Target], hub_out: Membership, hub_in: Membership
) -> list[tuple[str, NDArray[np.int64], int]]:
    """Say for each target on which side it sums and which group each hub of that side is in."""
    sides = []
    for target in targets:
        side = _SIDES[target.level]
        hub = hub_out if side == "out" else hub_in
        group = np.zeros(hub.groups, dtype=np.int64)
        group[hub.index] = target.membership.index
        if not np.array_equal(group[hub.index], target.membership.index):
            raise RadarError(f"a hub that is in two groups of level {target.level}", "one group a hub")
        sides.append((side, group, target.membership.groups))
    return sides


def _targets_of(targets: Sequence[Target], day: int) -> tuple[Matrix, Matrix]:
    sums = np.concatenate([target.sums[:, day] for target in targets])
    errors = [
        np.broadcast_to(np.asarray(target.error, dtype=np.float64), target.sums.shape)[:, day] for target in targets
    ]
    return sums, np.concatenate(errors)


def _solve_day(
    base: Matrix,
    spread: Matrix,
    ends: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    hubs: tuple[int, int],
    groups: list[tuple[str, NDArray[np.int64], int]],
    wanted: tuple[Matrix, Matrix],
    max_rounds: int,
) -> Matrix:
    origin, destination, pair = ends
    sums, errors = wanted
    solution, weight = np.maximum(base, 0.0), spread
    start = base.copy()
    for _ in range(max_rounds):
        table = _sum_by(pair, weight, hubs[0] * hubs[1]).reshape(hubs)
        volume = _sum_by(pair, start, hubs[0] * hubs[1]).reshape(hubs)
        price_out, price_in = _price_sums(table, volume, groups, sums, errors)
        solution = start + weight * (price_out[origin] + price_in[destination])
        negative = solution < SOLVER.negative
        if not negative.any():
            break
        start = np.where(negative, 0.0, start)
        weight = np.where(negative, 0.0, weight)
    return np.maximum(solution, 0.0)


def _price_sums(
    table: Matrix, volume: Matrix, groups: list[tuple[str, NDArray[np.int64], int]], sums: Matrix, errors: Matrix
) -> tuple[Matrix, Matrix]:
    """Solve the sums' small system; return the price (multiplier) each hub adds to its routes, by side."""
    own = {"out": table.sum(axis=1), "in": table.sum(axis=0)}
    flow = {"out": volume.sum(axis=1), "in": volume.sum(axis=0)}
    diagonal = np.concatenate([_sum_by(group, own[side], n) for side, group, n in groups])
    reached = np.concatenate([_sum_by(group, flow[side], n) for side, group, n in groups])
    live = np.isfinite(sums) & (diagonal > 0)
    prices = np.zeros(sums.size)
    if live.any():
        least = SOLVER.least_variance * float(diagonal[live].mean())
        added = np.where(live, np.maximum(np.where(live, errors, 0.0) ** 2, least), 1.0)
        gap = np.where(live, np.where(live, sums, 0.0) - reached, 0.0)
        solved = _solve_by_gradients(table, own, groups, live, added, gap) if sums.size > SOLVER.dense_sums else None
        prices = _solve_directly(table, own, groups, live, added, gap) if solved is None else solved
    return _by_hub(prices, groups, table.shape)


def _by_hub(
    prices: Matrix, groups: list[tuple[str, NDArray[np.int64], int]], hubs: tuple[int, ...]
) -> tuple[Matrix, Matrix]:
    by_side = {"out": np.zeros(hubs[0]), "in": np.zeros(hubs[1])}
    start = 0
    for side, group, count in groups:
        by_side[side] += prices[start : start + count][group]
        start += count
    return by_side["out"], by_side["in"]


def _solve_by_gradients(
    table: Matrix,
    own: dict[str, Matrix],
    groups: list[tuple[str, NDArray[np.int64], int]],
    live: NDArray[np.bool_],
    added: Matrix,
    gap: Matrix,
) -> Matrix | None:
    """Conjugate gradients (scipy) on the scaled system, never formed; None when they do not settle."""
    from scipy.sparse.linalg import LinearOperator, cg

    diagonal = np.concatenate([_sum_by(group, own[side], n) for side, group, n in groups])
    scale = 1.0 / np.sqrt(np.where(live, diagonal, 0.0) + added)

    def apply(scaled: Matrix) -> Matrix:
        prices = np.where(live, scale * scaled, 0.0)
        price_out, price_in = _by_hub(prices, groups, table.shape)
        moved = {
            "out": own["out"] * price_out + table @ price_in,
            "in": own["in"] * price_in + price_out @ table,
        }
        sums = np.concatenate([_sum_by(group, moved[side], n) for side, group, n in groups])
        applied: Matrix = scale * (np.where(live, sums, 0.0) + added * scale * scaled)
        return applied

    system = LinearOperator((gap.size, gap.size), matvec=apply, dtype=np.float64)
    solved, unsettled = cg(system, scale * gap, rtol=SOLVER.gradient_tolerance, maxiter=SOLVER.gradient_steps)
    return None if unsettled else np.where(live, scale * solved, 0.0)


def _solve_directly(
    table: Matrix,
    own: dict[str, Matrix],
    groups: list[tuple[str, NDArray[np.int64], int]],
    live: NDArray[np.bool_],
    added: Matrix,
    gap: Matrix,
) -> Matrix:
    """Form the system block by block and factor it (Cholesky)."""
    from scipy.linalg import cho_factor, cho_solve

    starts = np.concatenate([[0], np.cumsum([count for _, _, count in groups])])
    system = np.zeros((gap.size, gap.size))
    for a, (side_a, group_a, count_a) in enumerate(groups):
        rows = slice(starts[a], starts[a + 1])
        for b in range(a, len(groups)):
            side_b, group_b, count_b = groups[b]
            columns = slice(starts[b], starts[b + 1])
            if a == b:
                # The sums of one target have no hub in common.
                np.fill_diagonal(system[rows, columns], _sum_by(group_a, own[side_a], count_a))
                continue
            if side_a == side_b:
                key = group_a * count_b + group_b
                block = _sum_by(key, own[side_a], count_a * count_b).reshape(count_a, count_b)
            else:
                crossed = table if side_a == "out" else table.T
                block = _sum_rows(_sum_rows(crossed, group_a, count_a).T, group_b, count_b).T
            system[rows, columns] = block
    # Only the part above the diagonal is read.
    matrix = system if live.all() else system[np.ix_(live, live)]
    matrix[np.diag_indices_from(matrix)] += added[live]
    scale = 1.0 / np.sqrt(matrix.diagonal())
    matrix *= scale[:, None]
    matrix *= scale[None, :]
    factor = cho_factor(matrix, overwrite_a=True, check_finite=False)
    prices = np.zeros(gap.size)
    prices[live] = scale * cho_solve(factor, scale * gap[live], check_finite=False)
    return prices


def _sum_by(group: NDArray[np.int64], values: Matrix, count: int) -> Matrix:
    return np.asarray(np.bincount(group, weights=values, minlength=count), dtype=np.float64)


def _sum_rows(matrix: Matrix, group: NDArray[np.int64], count: int) -> Matrix:
    if count == group.size and np.array_equal(group, np.arange(count)):
        return matrix
    members = np.zeros((count, group.size))
    members[group, np.arange(group.size)] = 1.0
    return members @ matrix
