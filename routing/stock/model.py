"""Where stock should stand: the location problem behind the stock plan, as arrays, and its value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.arrays import Floats


@dataclass(frozen=True, slots=True)
class LocationProblem:
    """Demand of K buyer groups (family x zone) to be met from W warehouses.

    Families are sets of goods that cost the same to bring in, so F of them stand for any number of merchants.

    Attributes
    ----------
    demand
        Units of each group, shape (K,).
    cost
        Cost of a unit from a warehouse to a group, without bringing it in, shape (K, W) [CNY/unit]; inf = not possible.
    load
        Parcels on the peak day that a unit of stock for the group makes, shape (K,) [parcels/day/unit].
    short_cost
        Cost of a unit for which there is no room, shape (K,) [CNY/unit].
    family
        Family of each group, shape (K,).
    inbound
        Cost of bringing a unit into a warehouse, shape (F, W) [CNY/unit].
    there
        Units that stand there already, shape (F, W).
    storage
        Units a warehouse holds, shape (W,); inf = no bound.
    dispatch
        Parcels a warehouse sends a day, shape (W,); inf = no bound.
    opening
        Cost of using a warehouse at all, shape (W,) [CNY].
    """

    demand: Floats
    cost: Floats
    load: Floats
    short_cost: Floats
    family: NDArray[np.int64]
    inbound: Floats
    there: Floats
    storage: Floats
    dispatch: Floats
    opening: Floats

    @property
    def room(self) -> Floats:
        """Units that can still be brought into each warehouse, shape (W,)."""
        room: Floats = np.maximum(self.storage - self.there.sum(axis=0), 0.0)
        return room

    def bring_in(self, units: Floats) -> Floats:
        """Units to bring in when `units` (K, W) are to be sent out: what each family lacks there, shape (F, W)."""
        return np.maximum(self.sum_families(units) - self.there, 0.0)

    def sum_families(self, units: Floats) -> Floats:
        """Add up a (K, W) array over the groups of each family, shape (F, W)."""
        total = np.zeros_like(self.there)
        np.add.at(total, self.family, units)
        return total

    def reckon(self, units: Floats) -> float:
        """Cost of a plan that sends `units` (K, W): sending, bringing in, opening, short [CNY]."""
        priced = np.where(units > 0, np.where(np.isfinite(self.cost), self.cost, 0.0), 0.0)
        short = np.maximum(self.demand - units.sum(axis=1), 0.0)
        return float(
            (priced * units).sum()
            + (self.inbound * self.bring_in(units)).sum()
            + self.opening[units.sum(axis=0) > 0].sum()
            + self.short_cost @ short
        )


@dataclass(frozen=True, slots=True)
class LocationPlan:
    """Answer to a ``LocationProblem``.

    Attributes
    ----------
    units
        Units from each warehouse to each group, shape (K, W); whole numbers when demand and storage are.
    cost
        Its cost [CNY].
    lower_bound
        No plan costs less [CNY].
    """

    units: Floats
    cost: float
    lower_bound: float


def round_units(
    problem: LocationProblem, units: Floats, opened: np.ndarray[tuple[int], np.dtype[np.bool_]] | None = None
) -> Floats:
    """Make a plan whole: round down, then place what is left where it costs least and there is room.

    Parameters
    ----------
    problem
        Whole-numbered demand, stock and storage.
    units
        Shape (K, W), within the limits up to float noise.
    opened
        Warehouses that may be used, shape (W,); by default those `units` uses and those free to open.

    Returns
    -------
    numpy.ndarray
        Whole units, shape (K, W), that meet storage and dispatch; what finds no room stays short.
    """
    whole = np.floor(units + 1e-6)
    excess = whole.sum(axis=1) - problem.demand
    for k in np.flatnonzero(excess > 0).tolist():
        whole[k, int(np.argmax(whole[k]))] -= excess[k]
    _cut_to_limits(problem, whole)
    used = problem.sum_families(whole)
    room = problem.room - np.maximum(used - problem.there, 0.0).sum(axis=0)
    power = problem.dispatch - problem.load @ whole
    if opened is None:
        opened = (units.sum(axis=0) > 1e-6) | (problem.opening <= 0)
    left = problem.demand - whole.sum(axis=1)
    for k in _by_regret(problem, left, opened):
        f, load = int(problem.family[k]), float(problem.load[k])
        lacks = problem.there[f] - used[f]
        price = problem.cost[k] + np.where(lacks > 0, 0.0, problem.inbound[f])
        for w in np.argsort(price, kind="stable"):
            if left[k] <= 0 or not np.isfinite(price[w]) or price[w] > problem.short_cost[k]:
                break
            if not opened[w]:
                continue
            fits = room[w] + max(problem.there[f, w] - used[f, w], 0.0)
            if load > 0:
                fits = min(fits, np.floor(power[w] / load + 1e-9))
            take = min(left[k], np.floor(fits))
            if take <= 0:
                continue
            brought = max(used[f, w] + take - problem.there[f, w], 0.0) - max(used[f, w] - problem.there[f, w], 0.0)
            whole[k, w] += take
            used[f, w] += take
            room[w] -= brought
            power[w] -= take * load
            left[k] -= take
    return whole


def _by_regret(problem: LocationProblem, left: Floats, opened: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> list[int]:
    """Order the groups that still lack units: first those whose second choice costs most more than the first."""
    waiting = np.flatnonzero(left > 0)
    full = np.where(opened, problem.cost[waiting] + problem.inbound[problem.family[waiting]], np.inf)
    ranked = np.sort(np.minimum(full, problem.short_cost[waiting, None]), axis=1)
    regret = ranked[:, 1] - ranked[:, 0] if ranked.shape[1] > 1 else ranked[:, 0]
    order: list[int] = waiting[np.argsort(-regret, kind="stable")].tolist()
    return order


def _cut_to_limits(problem: LocationProblem, whole: Floats) -> None:
    """Take units back where float noise left a warehouse over a limit."""
    for w in range(whole.shape[1]):
        over_room = problem.bring_in(whole)[:, w].sum() - problem.room[w]
        while over_room > 0:
            family = int(np.argmax(problem.bring_in(whole)[:, w]))
            k = int(np.argmax(np.where(problem.family == family, whole[:, w], -1.0)))
            whole[k, w] -= min(np.ceil(over_room), whole[k, w])
            over_room = problem.bring_in(whole)[:, w].sum() - problem.room[w]
        over_power = problem.load @ whole[:, w] - problem.dispatch[w] * (1 + 1e-12)
        while over_power > 0:
            k = int(np.argmax(np.where(problem.load > 0, whole[:, w], -1.0)))
            whole[k, w] -= min(np.ceil(over_power / problem.load[k]), whole[k, w])
            over_power = problem.load @ whole[:, w] - problem.dispatch[w] * (1 + 1e-12)
