"""The strong relaxation: paths of demands and departures, with a row for every demand that leans on an unopened run.

    min  sum path cost x parcels + sum departure cost x departures + short cost x short
    s.t. parcels of a demand on its paths + short = demand
         parcels on a run <= room of its departures                                          (room)
         parcels of demand k on run r <= sum of min(demand k, capacity) x departures on r    (forcing)
         sorted <= sort capacity, held <= buffer, limits of lanes and fleets, own vehicles balanced

Whole departures satisfy the forcing rows; fractions of them do not, and that is what lifts the bound where a lane carries
few vehicles (Gendron, Crainic 1994; Crainic, Frangioni, Gendron 2001). Of these rows and of the paths only those that are
violated or cheaper are made, round by round. For any prices of at least 0 of the rows

    bound = sum parcels x min(short cost, cheapest way) + sum of departures' limit x min(0, reduced cost) - sum price x limit

is below the cost of every plan; it is what is reported, not the solver's objective.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from routing.budget import Deadline
from routing.solvers import Flags, Solution, solve_linear
from routing.trunk.bound.commodity_paths import find_ways
from routing.trunk.bound.lagrangian import Evidence, zero_prices
from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.task.paths import PathPool, use_paths
from routing.trunk.vehicles.vehicle_model import limit_rows, list_pairs

_VIOLATED = 1e-4  # parcels, and share of a demand, above which a forcing row is made


@dataclass(frozen=True, slots=True)
class Programme:
    """The rows and columns of the relaxation: paths (P), short (K), departures (Y).

    Attributes
    ----------
    cost, lower, upper : (P + K + Y,)
    matrix, low, high
        Rows: demands (K), rooms (R), forcing (F), sorts, nights, limits of lanes and fleets.
    """

    cost: Floats
    matrix: sparse.csr_matrix
    low: Floats
    high: Floats
    lower: Floats
    upper: Floats
    paths: int


@dataclass(frozen=True, slots=True)
class Tightening:
    """One solution of the relaxation.

    Attributes
    ----------
    parcels, path_cost : (P,)
        On the paths the model had, and their cost besides vehicles [CNY/parcel].
    short : (K,); departures : (Y,)
    evidence
        The bound proven by its prices; None with other capacities, which prove none.
    reduced : (Y,) [CNY/departure]
        Cost of a departure less what the rows pay for it.
    settled
        Whether no path is cheaper and no forcing row violated: the relaxation is solved.
    """

    parcels: Floats
    path_cost: Floats
    short: Floats
    departures: Floats
    evidence: Evidence | None
    reduced: Floats
    settled: bool


class StrongModel:
    """The relaxation as it grows: paths and forcing rows found so far."""

    def __init__(self, network: TrunkNetwork) -> None:
        self.network = network
        self.run, self.option = list_pairs(network)
        self.capacity = network.option_capacity[self.option]
        self.price = network.option_cost[self.option]
        kind = network.option_type[self.option]
        most = np.minimum(network.option_limit[self.option, network.run_day[self.run]], network.type_fleet[kind])
        # hired vehicles do not run empty: no more of them than all parcels fill
        need = np.ceil(float(network.demand_parcels.sum()) / self.capacity)
        self.most = np.where(network.type_own[kind], most, np.minimum(most, need))
        self.limits = limit_rows(network, self.run, self.option)
        self.parcels = network.demand_parcels.astype(np.float64)
        self.sorts = np.flatnonzero(np.isfinite(network.sort_capacity))
        self.nights = np.flatnonzero(np.isfinite(network.buffer_capacity))
        none = np.zeros(0, dtype=np.int64)
        self.pool = PathPool(none, np.zeros(1, dtype=np.int64), none)
        self.forced = none  # demand * runs + run, sorted
        self._known: set[tuple[int, bytes]] = set()

    def add_paths(self, pool: PathPool, wanted: Flags | None = None) -> int:
        """Add the paths not yet known; return how many."""
        demand, lengths, steps = [], [], []
        for i in range(len(pool)) if wanted is None else np.flatnonzero(wanted):
            way = pool.steps[pool.pointers[i] : pool.pointers[i + 1]]
            mark = (int(pool.demand[i]), way.tobytes())
            if mark not in self._known:
                self._known.add(mark)
                demand.append(pool.demand[i])
                lengths.append(len(way))
                steps.append(way)
        if demand:
            ends = self.pool.pointers[-1] + np.cumsum(lengths)
            self.pool = PathPool(
                np.concatenate([self.pool.demand, demand]).astype(np.int64),
                np.concatenate([self.pool.pointers, ends]).astype(np.int64),
                np.concatenate([self.pool.steps, *steps]).astype(np.int64),
            )
        return len(demand)

    def write(self, capacity: Floats | None = None) -> Programme:
        """Write the programme, with other capacities of departures (Y,) if given."""
        network, pool = self.network, self.pool
        room = self.capacity if capacity is None else capacity
        use = use_paths(network, pool)
        paths, demands, pairs = len(pool), len(self.parcels), len(self.run)
        key, owner = self._uses()
        place = np.searchsorted(self.forced, key)
        hit = place < len(self.forced)
        hit[hit] = self.forced[place[hit]] == key[hit]
        forcing = sparse.csr_matrix(
            (np.ones(int(hit.sum())), (place[hit], owner[hit])), shape=(len(self.forced), paths)
        )
        serve = sparse.csr_matrix((np.ones(paths), (pool.demand, np.arange(paths))), shape=(demands, paths))
        hold = sparse.csr_matrix((room, (self.run, np.arange(pairs))), shape=(network.runs, pairs))
        blank = sparse.csr_matrix((len(self.sorts) + len(self.nights), pairs))
        matrix = sparse.bmat(
            [
                [serve, sparse.identity(demands), None],
                [use.runs, None, -hold],
                [forcing, None, -self._open(self.forced, room)],
                [sparse.vstack([use.sorts[self.sorts], use.nights[self.nights]]), None, blank],
                [None, None, self.limits.matrix],
            ],
            format="csr",
        )
        limits = [network.sort_capacity[self.sorts], network.buffer_capacity[self.nights]]
        inner = network.runs + len(self.forced)
        return Programme(
            cost=np.concatenate([use.cost, np.full(demands, network.short_cost), self.price]),
            matrix=matrix,
            low=np.concatenate(
                [self.parcels, np.full(inner + len(limits[0]) + len(limits[1]), -np.inf), self.limits.low]
            ),
            high=np.concatenate([self.parcels, np.zeros(inner), *limits, self.limits.high]),
            lower=np.zeros(paths + demands + pairs),
            # as much load as whole departures of full capacity take
            upper=np.concatenate([np.full(paths + demands, np.inf), self.most * self.capacity / room]),
            paths=paths,
        )

    def solve(self, programme: Programme, deadline: Deadline) -> Solution:
        """Solve the relaxation."""
        p = programme
        return solve_linear(p.cost, p.matrix, p.low, p.high, p.lower, p.upper, deadline=deadline, solver="GLOP")

    def advance(self, deadline: Deadline, capacity: Floats | None = None) -> Tightening | None:
        """Solve once, then add cheaper paths and violated forcing rows; None when the time ran out."""
        network = self.network
        programme = self.write(capacity)
        answer = self.solve(programme, deadline)
        if answer.values is None or answer.duals is None:
            return None
        paths, demands, runs, rows = programme.paths, len(self.parcels), network.runs, len(self.forced)
        parcels, departures = np.maximum(answer.values[:paths], 0.0), answer.values[paths + demands :]
        cuts = np.cumsum([demands, runs, rows, len(self.sorts), len(self.nights)])
        worth, room, forcing, sort, night, limit = np.split(answer.duals, cuts)
        room, forcing, sort, night = (np.maximum(0.0, -part) for part in (room, forcing, sort, night))
        loose = np.isinf(self.limits.low)
        limit = np.where(loose, np.minimum(limit, 0.0), limit)
        asked = self.price - self.limits.matrix.T @ limit
        opening = self._open(self.forced, self.capacity).T
        if capacity is None:
            room, forcing = self._shrink(asked, opening, room, forcing)
        label, found = self._price(room, forcing, sort, night, worth)
        reduced = asked - self.capacity * room[self.run] - opening @ forcing
        bound = float((self.parcels * np.minimum(network.short_cost, label)).sum())
        gain = reduced < 0
        bound += float((self.most[gain] * reduced[gain]).sum())  # -inf where nothing limits departures that earn
        bound += float((limit[loose] * self.limits.high[loose]).sum())
        bound -= float(sort @ network.sort_capacity[self.sorts])
        bound -= float(night @ network.buffer_capacity[self.nights])
        evidence = self._keep(bound, sort, night, limit, room, forcing) if capacity is None else None
        fresh = self._force(parcels, departures, self.capacity if capacity is None else capacity)
        return Tightening(
            parcels,
            programme.cost[:paths],
            answer.values[paths : paths + demands],
            departures,
            evidence,
            reduced,
            found + fresh == 0,
        )

    def _keep(
        self, bound: float, sort: Floats, night: Floats, limit: Floats, room: Floats, forcing: Floats
    ) -> Evidence:
        """Keep the prices of all rows; those of lanes, fleets and balances have the other sign in the programme."""
        prices = zero_prices(self.network)
        prices.sort[self.sorts], prices.buffer[self.nights] = sort, night
        kind, first, second = np.array(self.limits.kind), self.limits.first, self.limits.second
        for name, price in (("lane", prices.lane), ("fleet", prices.fleet), ("balance", prices.potential)):
            at = np.flatnonzero(kind == name)
            price[first[at], second[at]] = -limit[at]
        some = np.flatnonzero(forcing > 0)
        forced = self.forced[some]
        runs = max(self.network.runs, 1)
        return Evidence(bound, prices, room, forced // runs, forced % runs, forcing[some])

    def _shrink(
        self, asked: Floats, opening: sparse.csr_matrix, room: Floats, forcing: Floats
    ) -> tuple[Floats, Floats]:
        """Lower prices that pay a departure without a limit more than it costs, be it by the solver's tolerance."""
        free = np.isinf(self.most)
        paid = self.capacity * room[self.run] + opening @ forcing
        share = np.where(free & (paid > asked), np.maximum(asked, 0.0) / np.maximum(paid, 1e-12), 1.0)
        factor = np.ones(self.network.runs)
        np.minimum.at(factor, self.run, share)
        return room * factor, forcing * factor[self.forced % max(self.network.runs, 1)]

    def _uses(self) -> tuple[Ints, Ints]:
        """Demand and run of every step on a run, as keys, and the path it belongs to."""
        owner = np.repeat(np.arange(len(self.pool)), np.diff(self.pool.pointers))
        on_run = self.pool.steps < self.network.runs
        owner = owner[on_run]
        return self.pool.demand[owner] * self.network.runs + self.pool.steps[on_run], owner

    def _open(self, keys: Ints, capacity: Floats) -> sparse.csr_matrix:
        """Coefficients of departures in the forcing rows of the keys."""
        demand, run = keys // max(self.network.runs, 1), keys % max(self.network.runs, 1)
        begin, end = np.searchsorted(self.run, run), np.searchsorted(self.run, run, side="right")
        row = np.repeat(np.arange(len(keys)), end - begin)
        column = np.arange(len(row)) + np.repeat(
            begin - np.concatenate([[0], np.cumsum(end - begin)[:-1]]), end - begin
        )
        value = np.minimum(self.parcels[demand[row]], capacity[column])
        return sparse.csr_matrix((value, (row, column)), shape=(len(keys), len(self.run)))

    def _price(self, room: Floats, forcing: Floats, sort: Floats, night: Floats, worth: Floats) -> tuple[Floats, int]:
        """Find each demand's cheapest way under the prices and add those cheaper than what it now pays."""
        network = self.network
        runs = max(network.runs, 1)
        sort_price = network.handling_cost.copy()
        sort_price[self.sorts] += sort
        sort_price[network.sort_capacity <= 0] = np.inf
        hold_price = network.waiting_cost.copy()
        hold_price[self.nights] += night
        hold_price[~network.can_hold()] = np.inf
        owed = np.searchsorted(self.forced // runs, np.arange(len(self.parcels) + 1)).astype(np.int64)
        label, pointers, steps = find_ways(
            network, network.run_cost + room, sort_price, hold_price, (owed, self.forced % runs, forcing)
        )
        demand = np.arange(len(label), dtype=np.int64)
        cheaper = label < np.minimum(worth, network.short_cost) - 1e-7 * np.maximum(1.0, np.abs(worth))
        return label, self.add_paths(PathPool(demand, pointers, steps), cheaper)

    def _force(self, parcels: Floats, departures: Floats, capacity: Floats) -> int:
        """Make the forcing rows that a solution violates; return how many."""
        key, owner = self._uses()
        known = owner < len(parcels)
        used, place = np.unique(key[known], return_inverse=True)
        load = np.bincount(place, parcels[owner[known]], len(used))
        room = self._open(used, capacity) @ departures
        size = self.parcels[used // max(self.network.runs, 1)]
        fresh = np.setdiff1d(used[load > room + _VIOLATED * np.maximum(1.0, size)], self.forced)
        self.forced = np.union1d(self.forced, fresh)
        return len(fresh)

    def start(self, run_price: Floats) -> None:
        """Give every demand its cheapest way at given prices of room (R,) [CNY/parcel]."""
        none = np.zeros(len(self.forced))
        worth = np.full(len(self.parcels), self.network.short_cost)
        self._price(run_price, none, np.zeros(len(self.sorts)), np.zeros(len(self.nights)), worth)
