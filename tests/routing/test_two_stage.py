"""Booking over futures: by hand, no other booking costs less, and what is judged on fresh ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from data.errors import RadarError
from routing.capacity import two_stage
from routing.capacity.two_stage import Booking, Value, book, judge, round_up
from routing.solvers import LinearModel, Solution, solve_linear

HIRED = 1000.0


def one_lane(most: float = np.inf) -> Booking:
    """One lane, one day: a vehicle holds 100 parcels; booked it costs 4, running 6 more, hired on the day 13.5; a parcel left 1,000.

    Columns of a future: parcels carried, booked ones that run, hired ones, parcels left.
    """
    rows = [[1.0, 0, 0, 1], [1, -100, -100, 0], [0, 1, 0, 0]]
    return Booking(
        cost=np.array([4.0]),
        most=np.array([most]),
        fleet=sparse.csr_matrix((0, 1)),
        fleet_size=np.zeros(0),
        carry=np.array([0.0, 6.0, 13.5, HIRED]),
        rows=sparse.csr_matrix(np.array(rows)),
        low=np.full(3, -np.inf),
        high=np.zeros(3),
        booked=sparse.csr_matrix(np.array([[0.0], [0.0], [1.0]])),
        demand=np.array([0]),
    )


def test_by_hand() -> None:
    # 100 or 300 parcels. Hiring costs 3.5 more than booking, an idle one 4: of 1, 2, 3 booked
    # 4 + (6 + 6 + 27) / 2 = 23.5, 8 + (6 + 12 + 13.5) / 2 = 23.75, 12 + (6 + 18) / 2 = 24
    booking, futures = one_lane(), np.array([[100.0], [300.0]])
    found = book(booking, futures)
    assert found.x == pytest.approx([1.0])
    assert found.cost == pytest.approx(23.5)
    mean = book(booking, futures.mean(axis=0, keepdims=True)).x
    assert mean == pytest.approx([2.0])
    judged = judge(booking, found.x, mean, futures)
    assert judged.cost.mean == pytest.approx(23.5)
    assert judged.vss.mean == pytest.approx(0.25)
    assert judged.evpi.mean == pytest.approx(23.5 - 20)  # 10 a vehicle when it is known
    # of 7 and 40, and of their differences, with n - 1: what intervals of two futures are
    assert judged.cost.high - judged.cost.mean == pytest.approx(1.96 * np.std([10, 37], ddof=1) / np.sqrt(2), rel=1e-3)


def test_many_futures_by_an_interior_point_book_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def solve(linear: LinearModel, *, interior: bool) -> Solution:
        asked.append(interior)
        return solve_linear(linear, interior=interior)

    monkeypatch.setattr(two_stage, "solve_linear", solve)
    futures = np.array([[100.0], [300.0]])
    book(one_lane(), futures)
    monkeypatch.setattr(
        two_stage, "TWO_STAGE", replace(two_stage.TWO_STAGE, most_simplex=8)
    )  # a column booked, 4 a future
    found = book(one_lane(), futures)
    assert asked == [False, True]
    assert found.cost == pytest.approx(23.5, rel=1e-6)
    assert found.x == pytest.approx([1.0], abs=1e-4)


def test_what_can_be_had_is_kept() -> None:
    assert book(one_lane(0.5), np.array([[300.0], [300.0]])).x == pytest.approx([0.5])


def test_no_futures_are_refused() -> None:
    with pytest.raises(RadarError, match="0 draws"):
        book(one_lane(), np.zeros((0, 1)))


def test_whole_ones_are_rounded_up_from_a_part_on() -> None:
    assert round_up(np.array([0.0, 0.34, 0.36, 2.0, 2.7]), 0.65).tolist() == [0, 0, 1, 2, 3]


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 5))
def test_no_booking_near_it_costs_less(seed: int, futures: int) -> None:
    chance = np.random.default_rng(seed)
    lanes, demands = 3, 2
    goes = chance.random((lanes, demands)) < 0.7  # a demand may ride on these lanes
    columns = [(lane, demand) for lane in range(lanes) for demand in range(demands) if goes[lane, demand]]
    width = len(columns) + 2 * lanes + demands
    rows = np.zeros((demands + 2 * lanes, width))
    carry = np.r_[
        chance.uniform(0, 0.1, len(columns)), np.full(lanes, 6.0), np.full(lanes, 13.5), np.full(demands, 2.0)
    ]
    for at, (lane, demand) in enumerate(columns):
        rows[demand, at] = 1
        rows[demands + lane, at] = 1
    for lane in range(lanes):
        rows[demands + lane, len(columns) + lane] = rows[demands + lane, len(columns) + lanes + lane] = -100
        rows[demands + lanes + lane, len(columns) + lane] = 1
    for demand in range(demands):
        rows[demand, len(columns) + 2 * lanes + demand] = 1
    booked = np.zeros((demands + 2 * lanes, lanes))
    booked[demands + lanes :, :] = np.eye(lanes)
    booking = Booking(
        cost=chance.uniform(2, 5, lanes),
        most=np.full(lanes, np.inf),
        fleet=sparse.csr_matrix(np.ones((1, lanes))),
        fleet_size=np.array([8.0]),
        carry=carry,
        rows=sparse.csr_matrix(rows),
        low=np.full(rows.shape[0], -np.inf),
        high=np.zeros(rows.shape[0]),
        booked=sparse.csr_matrix(booked),
        demand=np.arange(demands),
    )
    drawn = chance.integers(0, 900, (futures, demands)).astype(np.float64)
    found = book(booking, drawn)

    def cost(x: np.ndarray) -> float:
        return float(booking.cost @ x) + float(np.mean([booking.carry_one(x, one) for one in drawn]))

    assert cost(found.x) == pytest.approx(found.cost)
    assert found.x.sum() <= 8 + 1e-6
    for _ in range(8):
        other = np.maximum(found.x + chance.normal(0, 1, lanes), 0)
        other *= min(1.0, 8 / max(other.sum(), 1e-9))
        assert cost(other) >= found.cost - 1e-6
    judged = judge(booking, found.x, book(booking, drawn.mean(axis=0, keepdims=True)).x, drawn)
    assert judged.vss.mean >= -1e-6
    assert judged.evpi.mean >= -1e-6


def test_of_one_future_nothing_is_known_beyond_it() -> None:
    assert Value.of(np.array([3.0])) == Value(3.0, -np.inf, np.inf)
