"""Coherence: routes reconciled with better-known sums, solved in the space of the few sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, combinations, pairwise

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
    sums, errors = _stack(targets)
    for day in range(routes.shape[1]):
        result[day] = _solve_day(
            np.ascontiguousarray(routes[:, day]),
            np.ascontiguousarray(spread[:, day]),
            (hub_out.index, hub_in.index, pair),
            hubs,
            groups,
            (sums[:, day], errors[:, day]),
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


def _stack(targets: Sequence[Target]) -> tuple[Matrix, Matrix]:
    """Return the [all groups x days] sums of all targets, and their errors."""
    errors = [np.broadcast_to(np.asarray(target.error, dtype=np.float64), target.sums.shape) for target in targets]
    return np.concatenate([target.sums for target in targets]), np.concatenate(errors)


@dataclass(frozen=True)
class _Sums:
    """The sums of one target: of which side's hubs, and which group each of these is in."""

    side: str
    group: NDArray[np.int64]
    count: int

    @cached_property
    def _each_hub(self) -> bool:
        return self.count == self.group.size and np.array_equal(self.group, np.arange(self.count))

    def add_up(self, own: Mapping[str, Matrix]) -> Matrix:
        """Sum values of hubs, by side, over the groups."""
        return own[self.side] if self._each_hub else _sum_by(self.group, own[self.side], self.count)

    def add_rows(self, matrix: Matrix) -> Matrix:
        """Sum the rows of a [hubs x any] matrix over the groups."""
        if self._each_hub:
            return matrix
        members = np.zeros((self.count, self.group.size))
        members[self.group, np.arange(self.group.size)] = 1.0
        return members @ matrix

    def cross(self, other: _Sums, table: Matrix, own: Mapping[str, Matrix]) -> Matrix:
        """Return the [groups x other's groups] variance that both sums have in common."""
        if self.side == other.side:
            key = self.group * other.count + other.group
            return _sum_by(key, own[self.side], self.count * other.count).reshape(self.count, other.count)
        crossed = table if self.side == "out" else table.T
        return other.add_rows(self.add_rows(crossed).T).T


def _groups_of_hubs(targets: Sequence[Target], hub_out: Membership, hub_in: Membership) -> list[_Sums]:
    """Say for each target on which side it sums and which group each hub of that side is in."""
    sides = []
    for target in targets:
        side = _SIDES[target.level]
        hub = hub_out if side == "out" else hub_in
        group = np.zeros(hub.groups, dtype=np.int64)
        group[hub.index] = target.membership.index
        if not np.array_equal(group[hub.index], target.membership.index):
            raise RadarError(f"a hub that is in two groups of level {target.level}", "one group a hub")
        sides.append(_Sums(side, group, target.membership.groups))
    return sides


def _solve_day(
    base: Matrix,
    spread: Matrix,
    ends: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    hubs: tuple[int, int],
    groups: Sequence[_Sums],
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
    table: Matrix, volume: Matrix, groups: Sequence[_Sums], sums: Matrix, errors: Matrix
) -> tuple[Matrix, Matrix]:
    """Solve the sums' small system; return the price (multiplier) each hub adds to its routes, by side."""
    own = {"out": table.sum(axis=1), "in": table.sum(axis=0)}
    flow = {"out": volume.sum(axis=1), "in": volume.sum(axis=0)}
    diagonal = np.concatenate([of_target.add_up(own) for of_target in groups])
    reached = np.concatenate([of_target.add_up(flow) for of_target in groups])
    live = np.isfinite(sums) & (diagonal > 0)
    prices = np.zeros(sums.size)
    if live.any():
        least = SOLVER.least_variance * float(diagonal[live].mean())
        added = np.maximum(errors[live] ** 2, least)
        gap = sums[live] - reached[live]
        solved = _solve_by_gradients(table, own, groups, live, added, gap) if sums.size > SOLVER.dense_sums else None
        prices[live] = _solve_directly(table, own, groups, live, added, gap) if solved is None else solved
    return _by_hub(prices, groups, table.shape)


def _by_hub(prices: Matrix, groups: Sequence[_Sums], hubs: tuple[int, ...]) -> tuple[Matrix, Matrix]:
    by_side = {"out": np.zeros(hubs[0]), "in": np.zeros(hubs[1])}
    start = 0
    for of_target in groups:
        by_side[of_target.side] += prices[start : start + of_target.count][of_target.group]
        start += of_target.count
    return by_side["out"], by_side["in"]


def _solve_by_gradients(
    table: Matrix,
    own: Mapping[str, Matrix],
    groups: Sequence[_Sums],
    live: NDArray[np.bool_],
    added: Matrix,
    gap: Matrix,
) -> Matrix | None:
    """Conjugate gradients (scipy) on the scaled system of the live sums, never formed; None when they do not settle."""
    from scipy.sparse.linalg import LinearOperator, cg

    diagonal = np.concatenate([of_target.add_up(own) for of_target in groups])
    scale = 1.0 / np.sqrt(diagonal[live] + added)
    prices = np.zeros(live.size)

    def apply(scaled: Matrix) -> Matrix:
        prices[live] = scale * scaled
        price_out, price_in = _by_hub(prices, groups, table.shape)
        moved = {
            "out": own["out"] * price_out + table @ price_in,
            "in": own["in"] * price_in + price_out @ table,
        }
        sums = np.concatenate([of_target.add_up(moved) for of_target in groups])
        applied: Matrix = scale * (sums[live] + added * scale * scaled)
        return applied

    system = LinearOperator((gap.size, gap.size), matvec=apply, dtype=np.float64)
    solved, unsettled = cg(system, scale * gap, rtol=SOLVER.gradient_tolerance, maxiter=SOLVER.gradient_steps)
    return None if unsettled else np.asarray(scale * solved)


def _solve_directly(
    table: Matrix,
    own: Mapping[str, Matrix],
    groups: Sequence[_Sums],
    live: NDArray[np.bool_],
    added: Matrix,
    gap: Matrix,
) -> Matrix:
    """Form the system of the live sums block by block, scaled to a unit diagonal, and factor it (Cholesky)."""
    from scipy.linalg import LinAlgError
    from scipy.linalg.lapack import dpotrf, dpotrs

    diagonal = np.concatenate([of_target.add_up(own) for of_target in groups])[live] + added
    scale = 1.0 / np.sqrt(diagonal)
    # Only what is above the diagonal is read; the sums of one target have no hub in common.
    system = np.zeros((gap.size, gap.size), order="F")
    np.einsum("ii->i", system)[:] = diagonal * scale * scale
    alive = [live[first:end] for first, end in pairwise(accumulate((sums.count for sums in groups), initial=0))]
    places = [slice(*ends) for ends in pairwise(accumulate(map(np.count_nonzero, alive), initial=0))]
    for a, b in combinations(range(len(groups)), 2):
        block = groups[a].cross(groups[b], table, own)[alive[a]][:, alive[b]]
        system[places[a], places[b]] = block * scale[places[a], None] * scale[places[b]]
    # Without the checks of scipy's own cho_factor, which take as long as the work where sums are a hundred.
    factor, failed = dpotrf(system, lower=0, clean=0, overwrite_a=1)
    if failed:
        raise LinAlgError(f"the system of {gap.size} sums is singular at {failed}")
    solved, _ = dpotrs(factor, scale * gap, lower=0, overwrite_b=1)
    return np.asarray(scale * solved)


def _sum_by(group: NDArray[np.int64], values: Matrix, count: int) -> Matrix:
    return np.asarray(np.bincount(group, weights=values, minlength=count), dtype=np.float64)
