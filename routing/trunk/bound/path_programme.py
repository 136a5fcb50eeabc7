"""The linear programme over paths: what parcels take them, and what each limit is worth.

    min  sum path cost x parcels + sum departure cost x departures + short cost x short
    s.t. parcels of a demand on its paths + short = demand
         parcels on an arc <= room of its departures
         sorted <= sort capacity, held <= buffer, limits of lanes and fleets, own vehicles balanced

With a number of parcels that may be short at most, these cost nothing besides: the programme is then one of carrying the others.

It is the relaxation of :mod:`routing.trunk.bound.lagrangian` over the paths that are known. Rooms and departures are written for arcs that some path uses;
those of all others the Lagrangian bound prices by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from data.constants import constant
from routing.budget import Deadline
from routing.solvers import LinearModel, solve_linear
from routing.trunk.bound.lagrangian import Prices, zero_prices
from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.task.paths import PathPool, use_paths
from routing.trunk.vehicles.vehicle_model import FleetRows, limit_rows, list_pairs


@dataclass(frozen=True)
class ProgrammeRules:
    """Up to what size a programme is solved, and which of its paths stay."""

    most_columns: int = constant(
        80_000, "columns", "paths, demands and departures of a programme at most", "judgement: some 10 CPU seconds"
    )
    dear: float = constant(
        1e-4,
        "1",
        "of the price of a parcel short: a path without parcels that costs as much more than its demand pays goes",
        "fitted: CPU seconds to the bound with none, 1e-4, 1e-3, 1e-2; 1.7 times the sample's peak week by sorts",
    )


PROGRAMME = ProgrammeRules()


@dataclass(frozen=True, slots=True)
class PathAnswer:
    """A solved programme.

    Attributes
    ----------
    objective
        [CNY]
    parcels, reduced : (P,) [parcels], [CNY/parcel]
        On each path, and what it costs more than its demand pays.
    worth : (K,) [CNY/parcel]
        What each demand pays: the price of its cheapest known path, at most that of a parcel short.
    prices
        Of the limits.
    """

    objective: float
    parcels: Floats
    reduced: Floats
    worth: Floats
    prices: Prices

    @property
    def needed(self) -> np.ndarray:
        """Paths that carry parcels, and those that nearly would, (P,)."""
        return (self.parcels > 0) | (self.reduced < PROGRAMME.dear * float(self.worth.max(initial=0.0)))


@dataclass(frozen=True, slots=True)
class _Rows:
    """Departures of a programme, and the limits its rows are of."""

    arc: Ints
    vehicle: Ints
    sorts: Ints
    nights: Ints
    fleets: FleetRows


def solve_paths(
    network: TrunkNetwork, pool: PathPool, deadline: Deadline, most_short: int | None = None
) -> PathAnswer | None:
    """Solve the programme over the paths of a pool; None where it is too large, has no answer, or the time runs out.

    Parameters
    ----------
    most_short
        Parcels that may be short at most, at no cost; any number at the price of a parcel short by default.
    """
    use = use_paths(network, pool)
    touched = np.flatnonzero(np.diff(use.arcs.indptr))
    arc, vehicle = list_pairs(network, touched)
    paths, demands, pairs = len(pool), len(network.demand_parcels), len(arc)
    if paths + demands + pairs > PROGRAMME.most_columns or deadline.over():
        return None
    bounded = np.flatnonzero(np.isfinite(network.sort_capacity)), np.flatnonzero(np.isfinite(network.buffer_capacity))
    rows = _Rows(arc, vehicle, *bounded, limit_rows(network, arc, vehicle))
    row = np.minimum(np.searchsorted(touched, arc), max(len(touched) - 1, 0))
    carries = np.flatnonzero(touched[row] == arc) if len(touched) else np.zeros(0, dtype=np.int64)
    hold = _place(network.vehicle_capacity[vehicle[carries]], row[carries], carries, (len(touched), pairs))
    matrix = sparse.bmat(
        [
            [_place(np.ones(paths), pool.demand, np.arange(paths), (demands, paths)), sparse.identity(demands), None],
            [use.arcs[touched], None, -hold],
            [sparse.vstack([use.sorts[rows.sorts], use.nights[rows.nights]]), None, None],
            [None, None, rows.fleets.matrix],
        ],
        format="csr",
    )
    if most_short is not None:
        all_short = np.concatenate([np.zeros(paths), np.ones(demands), np.zeros(pairs)])
        matrix = sparse.vstack([matrix, all_short[None, :]], format="csr")
    short_cost = network.short_cost if most_short is None else 0.0
    least_short, most = ([], []) if most_short is None else ([-np.inf], [float(most_short)])
    parcels = network.demand_parcels.astype(np.float64)
    capacity = np.concatenate([network.sort_capacity[rows.sorts], network.buffer_capacity[rows.nights]])
    cost = np.concatenate([use.cost, np.full(demands, short_cost), network.vehicle_cost[vehicle]])
    limit = network.vehicle_limit[vehicle, network.arc_day[arc]]
    answer = solve_linear(
        LinearModel(
            cost,
            matrix,
            np.concatenate([parcels, np.full(len(touched) + len(capacity), -np.inf), rows.fleets.low, least_short]),
            np.concatenate([parcels, np.zeros(len(touched)), capacity, rows.fleets.high, most]),
            np.zeros(len(cost)),
            np.concatenate([np.full(paths + demands, np.inf), limit]),
        ),
        deadline=deadline,
    )
    if answer.values is None or answer.duals is None:
        return None
    reduced = cost - matrix.T @ answer.duals
    limits = answer.duals[demands + len(touched) : len(rows.fleets.high) + demands + len(touched) + len(capacity)]
    return PathAnswer(
        objective=answer.objective,
        parcels=np.maximum(answer.values[:paths], 0.0),
        reduced=reduced[:paths],
        worth=answer.duals[:demands],
        prices=_read_prices(network, rows, limits, np.where(np.isfinite(limit), -reduced[paths + demands :], 0.0)),
    )


def _place(values: Floats, row: Ints, column: Ints, shape: tuple[int, int]) -> sparse.csr_matrix:
    return sparse.csr_matrix((values, (row, column)), shape=shape)


def _read_prices(network: TrunkNetwork, rows: _Rows, duals: Floats, earned: Floats) -> Prices:
    """Read the prices of the limits; that of a lane vehicle's own limit is what a departure at it earns."""
    sort, night, fleets = np.split(duals, np.cumsum([len(rows.sorts), len(rows.nights)]))
    prices = zero_prices(network)
    prices.sort[rows.sorts], prices.buffer[rows.nights] = np.maximum(-sort, 0.0), np.maximum(-night, 0.0)
    kind = np.array(rows.fleets.kind)
    for name, price in (("lane", prices.lane), ("fleet", prices.fleet), ("balance", prices.potential)):
        at = np.flatnonzero(kind == name)
        found = -fleets[at] if name == "balance" else np.maximum(-fleets[at], 0.0)
        price[rows.fleets.first[at], rows.fleets.second[at]] = found
    # own vehicles without number are not balanced in the bound
    prices.potential[~np.isfinite(network.type_fleet)] = 0.0
    prices.vehicle[rows.vehicle, network.arc_day[rows.arc]] = np.maximum(earned, 0.0)
    return prices
