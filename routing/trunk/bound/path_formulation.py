"""The path formulation: paths of demands and departures, with a row for every demand that leans on an unopened arc.

    min  sum path cost x parcels + sum departure cost x departures + short cost x short
    s.t. parcels of a demand on its paths + short = demand
         parcels on an arc <= room of its departures                                          (room)
         parcels of demand k on arc r <= sum of min(demand k, capacity) x departures on r    (forcing)
         sorted <= sort capacity, held <= buffer, limits of lanes and fleets, own vehicles balanced

Whole departures satisfy the forcing rows; fractions of them do not, and that is what lifts the bound where a lane carries
few vehicles (Gendron, Crainic 1994; Crainic, Frangioni, Gendron 2001). Of these rows and of the paths only those that are
violated or cheaper are made, round by round. For any prices of at least 0 of the rows

    bound = sum parcels x min(short cost, cheapest path) + sum of departures' limit x min(0, reduced cost) - sum price x limit

is below the cost of every plan; it is what is reported, not the solver's objective.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from data.arrays import Flags
from routing.budget import Deadline
from routing.solvers import LinearModel, Solution, solve_linear
from routing.trunk.bound.commodity_paths import Surcharges, find_paths
from routing.trunk.bound.lagrangian import BoundCertificate, price_parcels, zero_prices
from routing.trunk.task.network import Floats, Ints, TrunkNetwork
from routing.trunk.task.paths import PathPool, use_paths
from routing.trunk.vehicles.vehicle_model import limit_rows, list_pairs

_VIOLATED = 1e-4  # parcels, and share of a demand, above which a forcing row is made


@dataclass(frozen=True, slots=True)
class LinearProgram:
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
class LpResult:
    """One solution of the relaxation.

    Attributes
    ----------
    parcels, path_cost : (P,)
        On the paths the model had, and their cost besides vehicles [CNY/parcel].
    short : (K,); departures : (Y,)
    certificate
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
    certificate: BoundCertificate | None
    reduced: Floats
    settled: bool


class ColumnRowModel:
    """The relaxation as it grows: paths and forcing rows found so far."""

    def __init__(self, network: TrunkNetwork) -> None:
        self.network = network
        self.arc, self.vehicle = list_pairs(network)
        self.capacity = network.vehicle_capacity[self.vehicle]
        self.price = network.vehicle_cost[self.vehicle]
        kind = network.vehicle_type[self.vehicle]
        most = np.minimum(network.vehicle_limit[self.vehicle, network.arc_day[self.arc]], network.type_fleet[kind])
        # hired vehicles do not run empty: no more of them than all parcels fill
        need = np.ceil(float(network.demand_parcels.sum()) / self.capacity)
        self.most = np.where(network.type_own[kind], most, np.minimum(most, need))
        self.limits = limit_rows(network, self.arc, self.vehicle)
        self.parcels = network.demand_parcels.astype(np.float64)
        self.sorts = np.flatnonzero(np.isfinite(network.sort_capacity))
        self.nights = np.flatnonzero(np.isfinite(network.buffer_capacity))
        none = np.zeros(0, dtype=np.int64)
        self.pool = PathPool(none, np.zeros(1, dtype=np.int64), none)
        self.forced = none  # demand * arcs + arc, sorted
        self._known: set[tuple[int, bytes]] = set()

    def add_paths(self, pool: PathPool, wanted: Flags | None = None) -> int:
        """Add the paths not yet known; return how many."""
        demand, lengths, legs = [], [], []
        for i in range(len(pool)) if wanted is None else np.flatnonzero(wanted):
            path = pool.legs[pool.pointers[i] : pool.pointers[i + 1]]
            mark = (int(pool.demand[i]), path.tobytes())
            if mark not in self._known:
                self._known.add(mark)
                demand.append(pool.demand[i])
                lengths.append(len(path))
                legs.append(path)
        if demand:
            ends = self.pool.pointers[-1] + np.cumsum(lengths)
            self.pool = PathPool(
                np.concatenate([self.pool.demand, demand]).astype(np.int64),
                np.concatenate([self.pool.pointers, ends]).astype(np.int64),
                np.concatenate([self.pool.legs, *legs]).astype(np.int64),
            )
        return len(demand)

    def write(self, capacity: Floats | None = None) -> LinearProgram:
        """Write the programme, with other capacities of departures (Y,) if given."""
        network, pool = self.network, self.pool
        room = self.capacity if capacity is None else capacity
        use = use_paths(network, pool)
        paths, demands, pairs = len(pool), len(self.parcels), len(self.arc)
        key, owner = self._uses()
        place = np.searchsorted(self.forced, key)
        hit = place < len(self.forced)
        hit[hit] = self.forced[place[hit]] == key[hit]
        forcing = sparse.csr_matrix(
            (np.ones(int(hit.sum())), (place[hit], owner[hit])), shape=(len(self.forced), paths)
        )
        serve = sparse.csr_matrix((np.ones(paths), (pool.demand, np.arange(paths))), shape=(demands, paths))
        hold = sparse.csr_matrix((room, (self.arc, np.arange(pairs))), shape=(network.arcs, pairs))
        blank = sparse.csr_matrix((len(self.sorts) + len(self.nights), pairs))
        matrix = sparse.bmat(
            [
                [serve, sparse.identity(demands), None],
                [use.arcs, None, -hold],
                [forcing, None, -self._open(self.forced, room)],
                [sparse.vstack([use.sorts[self.sorts], use.nights[self.nights]]), None, blank],
                [None, None, self.limits.matrix],
            ],
            format="csr",
        )
        limits = [network.sort_capacity[self.sorts], network.buffer_capacity[self.nights]]
        inner = network.arcs + len(self.forced)
        return LinearProgram(
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

    def solve(self, program: LinearProgram, deadline: Deadline) -> Solution:
        """Solve the relaxation."""
        p = program
        return solve_linear(
            LinearModel(p.cost, p.matrix, p.low, p.high, p.lower, p.upper), deadline=deadline, solver="GLOP"
        )

    def advance(self, deadline: Deadline, capacity: Floats | None = None) -> LpResult | None:
        """Solve once, then add cheaper paths and violated forcing rows; None when the time ran out."""
        network = self.network
        program = self.write(capacity)
        answer = self.solve(program, deadline)
        if answer.values is None or answer.duals is None:
            return None
        paths, demands, arcs, rows = program.paths, len(self.parcels), network.arcs, len(self.forced)
        parcels, departures = np.maximum(answer.values[:paths], 0.0), answer.values[paths + demands :]
        cuts = np.cumsum([demands, arcs, rows, len(self.sorts), len(self.nights)])
        worth, room, forcing, sort, night, limit = np.split(answer.duals, cuts)
        room, forcing, sort, night = (np.maximum(0.0, -part) for part in (room, forcing, sort, night))
        loose = np.isinf(self.limits.low)
        limit = np.where(loose, np.minimum(limit, 0.0), limit)
        asked = self.price - self.limits.matrix.T @ limit
        forcing_price = self._open(self.forced, self.capacity).T
        if capacity is None:
            room, forcing = self._shrink(asked, forcing_price, room, forcing)
        label, found = self._price(room, forcing, sort, night, worth)
        reduced = asked - self.capacity * room[self.arc] - forcing_price @ forcing
        bound = float((self.parcels * np.minimum(network.short_cost, label)).sum())
        gain = reduced < 0
        bound += float((self.most[gain] * reduced[gain]).sum())  # -inf where nothing limits departures that earn
        # rows with a lower end as well are balances, both of whose ends are what is to be gone
        bound += float((limit * self.limits.high).sum())
        bound -= float(sort @ network.sort_capacity[self.sorts])
        bound -= float(night @ network.buffer_capacity[self.nights])
        certificate = self._keep(bound, sort, night, limit, room, forcing) if capacity is None else None
        fresh = self._force(parcels, departures, self.capacity if capacity is None else capacity)
        return LpResult(
            parcels,
            program.cost[:paths],
            answer.values[paths : paths + demands],
            departures,
            certificate,
            reduced,
            found + fresh == 0,
        )

    def _keep(
        self, bound: float, sort: Floats, night: Floats, limit: Floats, room: Floats, forcing: Floats
    ) -> BoundCertificate:
        """Keep the prices of all rows; those of lanes, fleets and balances have the other sign in the programme."""
        prices = zero_prices(self.network)
        prices.sort[self.sorts], prices.buffer[self.nights] = sort, night
        kind, first, second = np.array(self.limits.kind), self.limits.first, self.limits.second
        for name, price in (("lane", prices.lane), ("fleet", prices.fleet), ("balance", prices.potential)):
            at = np.flatnonzero(kind == name)
            price[first[at], second[at]] = -limit[at]
        some = np.flatnonzero(forcing > 0)
        forced = self.forced[some]
        arcs = max(self.network.arcs, 1)
        return BoundCertificate(bound, prices, room, forced // arcs, forced % arcs, forcing[some])

    def _shrink(
        self, asked: Floats, forcing_price: sparse.csr_matrix, room: Floats, forcing: Floats
    ) -> tuple[Floats, Floats]:
        """Lower prices that pay a departure without a limit more than it costs, be it by the solver's tolerance."""
        free = np.isinf(self.most)
        paid = self.capacity * room[self.arc] + forcing_price @ forcing
        share = np.where(free & (paid > asked), np.maximum(asked, 0.0) / np.maximum(paid, 1e-12), 1.0)
        factor = np.ones(self.network.arcs)
        np.minimum.at(factor, self.arc, share)
        return room * factor, forcing * factor[self.forced % max(self.network.arcs, 1)]

    def _uses(self) -> tuple[Ints, Ints]:
        """Demand and arc of every leg on an arc, as keys, and the path it belongs to."""
        owner = np.repeat(np.arange(len(self.pool)), np.diff(self.pool.pointers))
        on_arc = self.pool.legs < self.network.arcs
        owner = owner[on_arc]
        return self.pool.demand[owner] * self.network.arcs + self.pool.legs[on_arc], owner

    def _open(self, keys: Ints, capacity: Floats) -> sparse.csr_matrix:
        """Coefficients of departures in the forcing rows of the keys."""
        demand, arc = keys // max(self.network.arcs, 1), keys % max(self.network.arcs, 1)
        begin, end = np.searchsorted(self.arc, arc), np.searchsorted(self.arc, arc, side="right")
        row = np.repeat(np.arange(len(keys)), end - begin)
        column = np.arange(len(row)) + np.repeat(
            begin - np.concatenate([[0], np.cumsum(end - begin)[:-1]]), end - begin
        )
        value = np.minimum(self.parcels[demand[row]], capacity[column])
        return sparse.csr_matrix((value, (row, column)), shape=(len(keys), len(self.arc)))

    def _price(self, room: Floats, forcing: Floats, sort: Floats, night: Floats, worth: Floats) -> tuple[Floats, int]:
        """Find each demand's cheapest path under the prices and add those cheaper than what it now pays."""
        network = self.network
        arcs = max(network.arcs, 1)
        prices = zero_prices(network)
        prices.sort[self.sorts], prices.buffer[self.nights] = sort, night
        surcharged = np.searchsorted(self.forced // arcs, np.arange(len(self.parcels) + 1)).astype(np.int64)
        surcharges = Surcharges(surcharged, self.forced % arcs, forcing)
        label, pointers, legs = find_paths(network, price_parcels(network, prices, room), surcharges)
        demand = np.arange(len(label), dtype=np.int64)
        cheaper = label < np.minimum(worth, network.short_cost) - 1e-7 * np.maximum(1.0, np.abs(worth))
        return label, self.add_paths(PathPool(demand, pointers, legs), cheaper)

    def _force(self, parcels: Floats, departures: Floats, capacity: Floats) -> int:
        """Make the forcing rows that a solution violates; return how many."""
        key, owner = self._uses()
        known = owner < len(parcels)
        used, place = np.unique(key[known], return_inverse=True)
        load = np.bincount(place, parcels[owner[known]], len(used))
        room = self._open(used, capacity) @ departures
        size = self.parcels[used // max(self.network.arcs, 1)]
        fresh = np.setdiff1d(used[load > room + _VIOLATED * np.maximum(1.0, size)], self.forced)
        self.forced = np.union1d(self.forced, fresh)
        return len(fresh)

    def start(self, arc_price: Floats) -> None:
        """Give every demand its cheapest path at given prices of room (R,) [CNY/parcel]."""
        none = np.zeros(len(self.forced))
        worth = np.full(len(self.parcels), self.network.short_cost)
        self._price(arc_price, none, np.zeros(len(self.sorts)), np.zeros(len(self.nights)), worth)
