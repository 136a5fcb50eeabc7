"""The check of quantiles counts on backtests they were not corrected by."""

from __future__ import annotations

import numpy as np
import pytest

from data.contracts import contract
from forecasting.intervals.calibration import calibrate_intervals
from forecasting.intervals.calibration_check import CalibrationFigure
from forecasting.intervals.error_samples import ErrorSample
from forecasting.intervals.to_tables import publish_calibration

QUIET = np.zeros(28, dtype=bool)


def sample(number: int, factor: float, seed: int) -> ErrorSample:
    """Forty hubs over four weeks; what came is off by one factor in the whole backtest, and by noise."""
    random = np.random.default_rng(seed)
    mean = random.uniform(200.0, 5000.0, (40, 1)).repeat(28, axis=1)
    came = np.rint(mean * factor * random.lognormal(0.0, 0.15, mean.shape))
    return ErrorSample.of("hub", came, mean, mean[:, 0], QUIET, backtest=number)


def figures(*factors: float) -> dict[float, CalibrationFigure]:
    model = calibrate_intervals([sample(at, factor, at) for at, factor in enumerate(factors)])
    return {one.stated: one for one in model.checked}


def test_where_backtests_are_alike_quantiles_hold_what_they_say() -> None:
    found = figures(*[1.0] * 6)
    assert sorted(found) == [0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95]
    for stated, one in found.items():
        assert one.seen == pytest.approx(stated, abs=0.02)
        assert one.low <= one.seen <= one.high
        assert (one.days, one.backtests) == (6 * 40 * 28, 6)


def test_where_each_backtest_is_off_its_own_way_the_check_says_so() -> None:
    off = figures(0.6, 1.5, 0.7, 1.4, 1.0)
    assert off[0.95].seen < 0.93
    assert off[0.05].seen > 0.07
    assert off[0.95].high - off[0.95].low > 0.05


def test_two_backtests_are_too_few() -> None:
    assert figures(1.0, 1.0) == {}
    assert calibrate_intervals([]).checked == ()


def test_the_table_keeps_its_contract() -> None:
    model = calibrate_intervals([sample(at, 1.0, at) for at in range(4)])
    table = publish_calibration(model)
    assert table.height == 7
    kept = contract("forecast_calibration")
    for found in (table, publish_calibration(calibrate_intervals([]))):
        kept.conform(found.insert_column(0, found["level"].alias("run_id")))
