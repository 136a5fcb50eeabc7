from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from data.errors import RadarError
from forecasting.series.rounding import round_coherently


def test_remainders_go_to_the_largest_of_a_hub() -> None:
    matrix = np.array([[1.5], [0.7], [2.8]])
    assert round_coherently(matrix, np.array([0, 0, 1])).ravel().tolist() == [1, 1, 3]


def test_a_trickle_gets_its_week() -> None:
    matrix = np.full((10, 14), 0.3)
    whole = round_coherently(matrix)
    assert whole.sum(axis=0).tolist() == [3] * 14
    # 4.2 parcels in 14 days: no route goes empty while another takes every day.
    assert set(whole.sum(axis=1)) <= {4, 5}


def test_a_closed_day_stays_empty() -> None:
    matrix = np.full((3, 6), 0.4)
    matrix[0, 3:] = 0.0
    assert not round_coherently(matrix)[0, 3:].any()


def test_inflow_of_every_hub_stays_near() -> None:
    random = np.random.default_rng(1)
    hubs, routes = 12, 600
    origin, destination = random.integers(0, hubs, routes), random.integers(0, hubs, routes)
    matrix = random.gamma(0.5, 3.0, (routes, 10))
    whole = round_coherently(matrix, origin, destination)
    for day in range(10):
        off = np.bincount(destination, whole[:, day] - matrix[:, day], hubs)
        out = np.bincount(origin, whole[:, day] - matrix[:, day], hubs)
        assert np.abs(out).max() < 1.5
        assert np.abs(off).max() < 6.0


@given(
    matrix=arrays(
        np.float64,
        st.tuples(st.integers(0, 12), st.integers(0, 5)),
        elements=st.one_of(st.just(0.0), st.floats(0, 3), st.floats(0, 1e6)),
    ),
    seed=st.integers(0, 99),
)
def test_totals_are_kept_and_nothing_is_negative(matrix: NDArray[np.float64], seed: int) -> None:
    random = np.random.default_rng(seed)
    origin, destination = random.integers(0, 3, len(matrix)), random.integers(0, 3, len(matrix))
    whole = round_coherently(matrix, origin, destination)
    assert whole.shape == matrix.shape
    assert whole.min(initial=0) >= 0
    assert not whole[matrix == 0].any()
    hubs = np.array([np.bincount(origin, column, 3).sum() for column in matrix.T])
    assert whole.sum(axis=0).tolist() == np.floor(hubs + 0.5).astype(int).tolist()
    assert np.array_equal(whole, round_coherently(matrix, origin, destination))


@given(shares=st.lists(st.integers(1, 9), min_size=2, max_size=6), parcels=st.integers(1, 30), days=st.integers(10, 40))
def test_what_rounding_takes_from_a_route_comes_back_on_its_next_days(
    shares: list[int], parcels: int, days: int
) -> None:
    daily = parcels * np.array(shares) / sum(shares)
    whole = round_coherently(np.tile(daily[:, None], (1, days)))
    owed = np.cumsum(np.tile(daily[:, None], (1, days)) - whole, axis=1)
    # of n routes each waits at most for the n - 1 others
    assert np.abs(owed).max() < len(shares)
    assert whole.sum(axis=0).tolist() == [parcels] * days


@pytest.mark.parametrize("value", [-0.1, np.nan, np.inf])
def test_a_broken_forecast_is_refused(value: float) -> None:
    with pytest.raises(RadarError, match="negative or not a number"):
        round_coherently(np.array([[1.0, value]]))
