"""Two stages: what is booked before the demand is known, and what it costs to carry each future with it; booked at least expected cost.

    minimise  c x + mean over futures s of Q(x, s),   0 <= x <= most,   fleet rows of x kept
    Q(x, s) = minimise  q y   with  low <= W y <= high(s) + B x,   0 <= y

All futures stand in one model (the sample average, Kleywegt, Shapiro, Homem-de-Mello, SIAM Journal on Optimization 12, 2002). Of the sample's four peak days 10, 20 and 50
futures take an interior point 3, 8 and 38 CPU seconds; the simplex 1.3, 17 and, growing with the square of their number, some 180. A first-order method (PDLP) took 15
for 20 of them and left a cost a quarter too low. It was also solved by cuts of the single futures (Benders 1962, one cut a future): of 4 futures they left a third of the cost
unproven after 6 CPU seconds. What has been booked is judged future by future, each a model of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from data.arrays import Floats
from data.constants import constant
from data.engines import LOCAL, Engine
from data.errors import RadarError
from data.progress import SILENT, Progress
from routing.solvers import LinearModel, solve_linear

Z_95 = 1.959963984540054  # published: two-sided 95 % of the normal distribution


@dataclass(frozen=True)
class TwoStageRules:
    """How the model of all futures is solved."""

    most_simplex: int = constant(
        60_000,
        "columns",
        "up to which the simplex solves it; beyond, an interior point, which grows with the number of futures and not with its square",
        "fitted: 10, 20 and 50 futures of the sample",
    )


TWO_STAGE = TwoStageRules()


@dataclass(frozen=True)
class Booking:
    """What can be booked, and how futures are carried with it.

    Attributes
    ----------
    cost : (n,) [CNY]
        Of one of each.
    most : (n,)
        That can be had.
    fleet, fleet_size
        Rows of x and what they may come to.
    carry : (m,) [CNY]
        ``q``.
    rows : (r, m) sparse
        ``W``.
    low : (r,)
        Lower ends; -inf without one. Rows of a demand have both ends at its parcels.
    high : (r,)
        Upper ends without what is booked.
    booked : (r, n) sparse
        ``B``.
    demand : (d,)
        Rows whose both ends are the parcels of a future.
    """

    cost: Floats
    most: Floats
    fleet: sparse.csr_matrix
    fleet_size: Floats
    carry: Floats
    rows: sparse.csr_matrix
    low: Floats
    high: Floats
    booked: sparse.csr_matrix
    demand: np.ndarray[tuple[int], np.dtype[np.int64]]

    def carry_one(self, x: Floats, parcels: Floats) -> float:
        """Return Q of one future [CNY]."""
        return float(self.carry @ self.carry_best(x, parcels))

    def carry_best(self, x: Floats, parcels: Floats) -> Floats:
        """Return ``y`` of one future, (m,).

        Raises
        ------
        RadarError
            When no solver finds an answer.
        """
        low, high = self.low.copy(), self.high + self.booked @ x
        low[self.demand] = high[self.demand] = parcels
        free = np.full(self.carry.size, np.inf)
        found = solve_linear(LinearModel(self.carry, self.rows, low, high, np.zeros(self.carry.size), free))
        if found.values is None:
            raise RadarError("a future that cannot be carried at any price", action="see to lanes, vehicles and hubs")
        return found.values

    def with_foresight(self, parcels: Floats) -> float:
        """Return the least cost of one future when it is known before booking."""
        return book(self, parcels[None, :]).cost


@dataclass(frozen=True)
class Booked:
    """What to book.

    Attributes
    ----------
    x : (n,)
    cost
        Expected on the futures it was found on [CNY].
    """

    x: Floats
    cost: float


@dataclass(frozen=True)
class Value:
    """A mean over fresh futures and its 95 % interval [CNY]."""

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Floats) -> Value:
        """Return the mean of independent values, with the interval of the normal distribution."""
        reach = Z_95 * float(values.std(ddof=1)) / np.sqrt(values.size) if values.size > 1 else float("inf")
        return cls(float(values.mean()), float(values.mean()) - reach, float(values.mean()) + reach)


@dataclass(frozen=True)
class Judged:
    """A booking on futures it was not found on.

    Attributes
    ----------
    cost
        Of booking and carrying.
    vss
        Value of the stochastic solution: what the booking for the mean future costs more (Birge 1982), future by future.
    evpi
        Expected value of perfect information: what it costs more than if each future were known before booking.
    """

    cost: Value
    vss: Value
    evpi: Value


@dataclass(frozen=True)
class _Asked:
    booking: Booking
    x: Floats
    futures: Floats


def _carry_part(asked: _Asked, part: int) -> float:
    return asked.booking.carry_one(asked.x, asked.futures[part])


def _foresee_part(asked: _Asked, part: int) -> float:
    return asked.booking.with_foresight(asked.futures[part])


def book(booking: Booking, futures: Floats) -> Booked:
    """Book at least expected cost; for the mean future alone, give that one.

    Parameters
    ----------
    booking
        What can be booked.
    futures : (s, d) [parcels]
        As likely as each other.

    Raises
    ------
    RadarError
        Without a future, or when the solver finds no answer.
    """
    count, size = futures.shape[0], booking.cost.size
    if count == 0:
        raise RadarError("0 draws to book for", "at least 1", "set --draws")
    low = np.tile(booking.low, (count, 1))
    high = np.tile(booking.high, (count, 1))
    low[:, booking.demand] = high[:, booking.demand] = futures
    rows = sparse.hstack([sparse.vstack([-booking.booked] * count), sparse.block_diag([booking.rows] * count)])
    wide = sparse.csr_matrix((booking.fleet.shape[0], count * booking.carry.size))
    linear = LinearModel(
        np.r_[booking.cost, np.tile(booking.carry / count, count)],
        sparse.vstack([rows, sparse.hstack([booking.fleet, wide])]).tocsr(),
        np.r_[low.ravel(), np.full(booking.fleet_size.size, -np.inf)],
        np.r_[high.ravel(), booking.fleet_size],
        np.zeros(size + count * booking.carry.size),
        np.r_[booking.most, np.full(count * booking.carry.size, np.inf)],
    )
    found = solve_linear(linear, interior=linear.cost.size > TWO_STAGE.most_simplex)
    if found.values is None:
        raise RadarError("a booking that no solver finds", action="see to lanes, vehicles and hubs")
    return Booked(np.maximum(found.values[:size], 0.0), found.objective)


def judge(
    booking: Booking, x: Floats, mean: Floats, fresh: Floats, engine: Engine = LOCAL, bar: Progress = SILENT
) -> Judged:
    """Judge a booking on fresh futures against the booking for the mean one, and against perfect information.

    Parameters
    ----------
    booking
        What can be booked.
    x, mean : (n,)
        What is booked, and what would be for the mean future.
    fresh : (s, d) [parcels]
        Futures that neither was made on.
    engine
        Where they are carried.
    bar
        Told each future.
    """
    parts = list(range(fresh.shape[0]))

    def cost(booked: Floats) -> Floats:
        carried = engine.map(_carry_part, _Asked(booking, booked, fresh), parts, bar)
        return np.array(carried) + float(booking.cost @ booked)

    mine = cost(x)
    foreseen = np.array(engine.map(_foresee_part, _Asked(booking, x, fresh), parts, bar))
    return Judged(Value.of(mine), Value.of(cost(mean) - mine), Value.of(mine - foreseen))


def round_up(x: Floats, share: float) -> Floats:
    """Round to whole ones: up from ``1 - share`` of one on."""
    return np.floor(x + share)
