from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from forecasting.inputs import ForecastInputs
from forecasting.outlets.own_forecast import backtest_own, forecast_own, read_outlet_days

FIRST = dt.date(2024, 1, 1)
OUTLETS = pl.DataFrame({"outlet_id": ["a", "b"], "courier_id": ["c", "c"], "hub_id": ["H", "K"]})


def inputs(days: int) -> ForecastInputs:
    rows = [
        {"date": FIRST + dt.timedelta(days=at), "outlet_id": name, "direction": "pickup", "parcels": size}
        for at in range(days)
        for name, size in (("a", 100), ("b", 40), ("elsewhere", 900))
    ]
    return ForecastInputs(pl.DataFrame(schema={"date": pl.Date}), outlets=OUTLETS, outlet_volumes=pl.DataFrame(rows))


def test_days_between_the_last_volumes_and_the_as_of_date_are_days_ahead() -> None:
    as_of = FIRST + dt.timedelta(days=102)
    days = read_outlet_days(inputs(100), OUTLETS, "pickup", as_of, 10)
    assert days is not None
    assert (days.known, days.dates.size) == (100, 113)
    assert days.parcels.sum(axis=1).tolist() == [10_000, 4_000]
    made = forecast_own(days, 10)
    assert made.mean == pytest.approx(np.repeat([[100.0], [40.0]], 10, axis=1), rel=0.02)


def test_a_direction_nobody_loaded_is_none() -> None:
    assert read_outlet_days(inputs(50), OUTLETS, "delivery", FIRST + dt.timedelta(days=49), 7) is None


def test_the_events_of_another_forecast_are_laid_on_their_days() -> None:
    as_of = FIRST + dt.timedelta(days=99)
    course = (np.datetime64(FIRST) + np.timedelta64(98, "D"), np.array([2.0, 3.0, 4.0]))
    days = read_outlet_days(inputs(100), OUTLETS, "pickup", as_of, 3, course)
    assert days is not None
    assert days.offset is not None
    assert np.exp(days.offset[-6:]).tolist() == pytest.approx([1.0, 2.0, 3.0, 4.0, 1.0, 1.0])


def test_backtests_know_only_what_came_before() -> None:
    days = read_outlet_days(inputs(150), OUTLETS, "pickup", FIRST + dt.timedelta(days=149), 42)
    assert days is not None
    days.parcels[:, -28:] = 999.0
    tests = backtest_own(days, 42)
    assert [test.known for test in tests] == [122, 94, 66, 38]
    assert [test.mean.shape[1] for test in tests] == [28, 42, 42, 42]
    assert tests[0].mean == pytest.approx(np.repeat([[100.0], [40.0]], 28, axis=1), rel=0.02)
    assert (tests[0].actual == 999).all()
