"""Days of rest, holidays and times an outlet was shut, told apart by hand."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

from forecasting.outlets.open_days import OPEN_DAYS, learn_open_days, list_holidays

WEEKS = 13


def _parcels(outlets: int = 2) -> np.ndarray:
    return np.full((outlets, 7 * WEEKS), 10.0)


def test_a_weekday_without_parcels_is_a_rest_and_one_missing_day_is_none() -> None:
    parcels = _parcels()
    parcels[0, 6::7] = 0.0
    parcels[1, 3] = 0.0
    share = learn_open_days(parcels, 7 * WEEKS + 7, []).share
    assert share[0, -7:].round(2).tolist()[6] == 0.0
    assert (share[0, -7:-1] > 0.9).all()
    assert (share[1, -7:] > 0.8).all()


def test_a_long_silence_is_no_rest_and_at_its_end_less_is_expected() -> None:
    parcels = _parcels()
    parcels[0, 20:30] = 0.0
    parcels[1, -7:] = 0.0
    found = learn_open_days(parcels, 7 * WEEKS + 7, [])
    assert found.shut[0, 20:30].all()
    assert found.shut[0].sum() == 10
    assert (found.share[0, -7:] > 0.9).all()
    # a week of four is gone: three quarters are left of what is expected
    assert np.allclose(found.share[1, -7:] / found.share[0, -7:], 1.0 - 7 / OPEN_DAYS.given_up, atol=0.02)


def test_before_its_first_parcel_an_outlet_was_not_there() -> None:
    parcels = _parcels()
    parcels[0, :50] = 0.0
    found = learn_open_days(parcels, 7 * WEEKS + 7, [])
    assert found.shut[0].tolist() == [True] * 50 + [False] * (7 * WEEKS - 50)
    assert (found.share[0, -7:] > 0.9).all()


def test_a_holiday_nobody_worked_is_one_the_next_time() -> None:
    parcels = _parcels()
    first, again = np.array([30, 31]), np.array([7 * WEEKS + 2])
    parcels[:, first] = 0.0
    share = learn_open_days(parcels, 7 * WEEKS + 7, [("new year", first), ("new year", again)]).share
    assert share[0, 7 * WEEKS + 2] < 0.5 < share[0, 7 * WEEKS + 1]


def test_holidays_are_laid_on_the_days_of_a_span() -> None:
    rows = [
        ("a", "new year", "holiday", dt.date(2024, 1, 30), dt.date(2024, 2, 2)),
        ("b", "sale", "promotion", dt.date(2024, 2, 1), dt.date(2024, 2, 3)),
        ("c", "spring", "holiday", dt.date(2024, 3, 9), dt.date(2024, 3, 12)),
        ("d", "past", "holiday", dt.date(2023, 3, 9), dt.date(2023, 3, 12)),
    ]
    events = pl.DataFrame(rows, schema=["event_id", "name", "kind", "date_from", "date_to"], orient="row")
    found = list_holidays(events, np.datetime64("2024-02-01"), 40)
    assert [(name, places.tolist()) for name, places in found] == [("new year", [0, 1]), ("spring", [37, 38, 39])]
