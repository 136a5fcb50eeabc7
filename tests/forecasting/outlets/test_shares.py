"""Shares of outlets in the flow of their hub."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from forecasting.outlets.shares import OutletHistory, find_strangers, learn_shares, read_history, weekday_factors

GROUP = np.array([0, 0, 1])
EVEN = np.ones(7)


def history(levels: list[float], days: int = 56) -> OutletHistory:
    parcels = np.repeat(np.array(levels)[:, None], days, axis=1)
    return OutletHistory(parcels, np.where(np.array(levels) > 0, float(days), 0.0), 0)


def test_shares_of_a_hub_sum_to_one_where_outlets_and_hub_agree() -> None:
    flow = np.repeat([[100.0], [40.0]], 56, axis=1)
    shares = learn_shares(flow, history([75.0, 25.0, 40.0]), GROUP, EVEN)
    assert shares[:2].sum() == pytest.approx(1.0)
    # Two pseudo-days of the mean outlet beside 28 of its own.
    assert shares[0] == pytest.approx((28 * 75 + 2 * 50) / (30 * 75 + 30 * 25), rel=1e-3)
    assert shares[2] == pytest.approx(1.0)


def test_an_outlet_that_opens_tomorrow_starts_as_a_mean_one() -> None:
    shares = learn_shares(np.full((1, 56), 100.0), history([100.0, 0.0]), np.array([0, 0]), EVEN)
    assert shares[0] == pytest.approx(shares[1], rel=0.1)
    assert shares.sum() == pytest.approx(1.0)


def test_outlets_that_handle_more_than_passes_their_hub_keep_their_own_level() -> None:
    flow = np.full((1, 56), 100.0)
    handled = history([150.0])
    share = learn_shares(flow, handled, np.array([0]), EVEN)[0]
    assert 1.4 < share < 1.5
    assert not find_strangers(flow, handled, np.array([0]))[0]
    assert find_strangers(flow, history([500.0]), np.array([0]))[0]


def test_history_is_cut_on_both_sides() -> None:
    volumes = pl.DataFrame(
        {
            "date": [dt.date(2024, 1, 5), dt.date(2024, 1, 9), dt.date(2024, 1, 9)],
            "outlet_id": ["O1", "O1", "O2"],
            "direction": ["pickup", "pickup", "delivery"],
            "parcels": [5, 7, 9],
        }
    )
    read = read_history(volumes, pl.Series(["O1", "O2"]), "pickup", dt.date(2024, 1, 1), dt.date(2024, 1, 10))
    assert read.parcels.shape == (2, 10)
    assert (read.parcels[0, 4], read.parcels[0, 8], read.parcels[1].sum()) == (5, 7, 0)
    assert (read.days.tolist(), read.first_day) == ([6.0, 0.0], 4)
    earlier, later = read.until(6), read.since(6)
    assert (earlier.parcels.sum(), earlier.days[0], earlier.first_day) == (5, 2.0, 4)
    assert (later.parcels.sum(), later.days[0], later.first_day) == (7, 4.0, 0)


def test_a_weekday_without_deliveries_is_found() -> None:
    days = 56
    flow = np.full((1, days), 70.0)
    parcels = np.full((1, days), 70.0)
    parcels[0, 6::7] = 0.0
    handled = OutletHistory(parcels, np.array([float(days)]), 0)
    factors = weekday_factors(flow, handled, np.ones(days, dtype=bool), np.array([0]))[0]
    assert factors.argmin() == 6
    assert factors[6] < 0.25
    assert factors.mean() == pytest.approx(1.0)


def test_groups_of_outlets_have_weekdays_of_their_own() -> None:
    days = 56
    flow = np.full((3, days), 70.0)
    parcels = np.full((2, days), 70.0)
    parcels[0, 6::7] = 0.0
    handled = OutletHistory(parcels, np.array([float(days)] * 2), 0)
    factors = weekday_factors(flow, handled, np.ones(days, dtype=bool), np.array([0, 1]))
    assert factors.shape == (3, 7)
    assert factors[0, 6] < 0.25
    assert factors[1, 6] > 0.85
    # A group whose outlets nobody knows has those of all.
    assert 0.4 < factors[2, 6] < 0.7
