"""Published tables: whole parcels, parts that multiply to the mean, quantiles that hold it, sums that are sums."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from data.quantiles import QUANTILE_COLUMNS
from forecasting.intervals.calibration_check import CalibrationFigure
from forecasting.intervals.interval_model import IntervalModel
from forecasting.intervals.spread import EventDays, Parts, Spread
from forecasting.intervals.to_tables import publish, publish_calibration, publish_sums
from forecasting.series.panel import Membership

AS_OF = dt.date(2024, 5, 1)
DATES = np.arange(np.datetime64("2024-05-02"), np.datetime64("2024-05-04"))
INTERVALS = IntervalModel({}, {}, {})
EVENTS = EventDays(np.array([False, True]), np.array([0.0, 0.1]))


def routes() -> Parts:
    """Three routes over two days; the second day has an event, and a planner halves the last route."""
    mean = np.array([[10, 30], [20, 40], [0, 5]])
    event = np.array([[1.0, 2.0], [1.0, 4.0], [1.0, 1.0]])
    override = np.array([[1.0, 1.0], [1.0, 1.0], [0.5, 0.5]])
    return Parts(mean, mean.astype(np.float64), event, override, np.array([10.0, 20.0, 1.0]), np.full(3, 90.0))


def test_rows_stand_by_day_and_key_and_their_parts_multiply_to_the_mean() -> None:
    keys = pl.DataFrame({"hub_id": ["c", "a", "b"]})
    table = publish(keys, routes(), "route", AS_OF, DATES, INTERVALS, EVENTS)
    assert table["hub_id"].to_list() == ["a", "b", "c"] * 2
    assert table["mean"].to_list() == [20, 0, 10, 40, 5, 30]
    product = table["baseline"] * table["event"] * table["weather"] * table["override"]
    np.testing.assert_allclose(product.to_numpy(), table["mean"].to_numpy(), atol=1e-9)


def test_quantiles_are_in_order_and_hold_the_mean() -> None:
    table = publish(pl.DataFrame({"hub_id": ["a", "b", "c"]}), routes(), "route", AS_OF, DATES, INTERVALS, EVENTS)
    quantiles = table.select(QUANTILE_COLUMNS).to_numpy()
    assert (np.diff(quantiles, axis=1) >= 0).all()
    mean = table["mean"].to_numpy()
    assert (quantiles[:, 0] <= mean).all()
    assert (quantiles[:, -1] >= mean).all()


def test_a_sum_has_the_factor_that_takes_the_baselines_to_its_mean() -> None:
    hubs = Membership(np.array([0, 0, 1]), ("h1", ""))
    table = publish_sums("hub", "hub_id", [("out", hubs), ("in", hubs)], routes(), AS_OF, DATES, INTERVALS, EVENTS)
    # Routes of no named group are left out, on both sides.
    assert table["hub_id"].unique().to_list() == ["h1"]
    assert table["direction"].to_list() == ["in", "out", "in", "out"]
    second = table.filter(pl.col("date") == dt.date(2024, 5, 3)).row(0, named=True)
    assert second["mean"] == 70
    assert second["event"] == 70 / (30 / 2 + 40 / 4)
    network = publish_sums(
        "network",
        None,
        [("", Membership(np.zeros(3, dtype=np.int64), ("network",)))],
        routes(),
        AS_OF,
        DATES,
        INTERVALS,
        EVENTS,
    )
    assert network["mean"].to_list() == [30, 75]
    assert "network" not in network.columns


def test_the_spread_is_read_at_any_level_and_at_any_quantile() -> None:
    spread = Spread(routes(), INTERVALS, EVENTS)
    whole = Membership(np.zeros(3, dtype=np.int64), ("network",))
    by_route, of_sum = spread.quantiles("route", (0.2, 0.8)), spread.quantiles("network", (0.2, 0.8), whole)
    assert by_route.shape == (3, 2, 2)
    assert of_sum.shape == (1, 2, 2)
    # Errors of routes partly cancel: the sum's band is narrower than the bands together.
    assert (of_sum[0, :, 1] - of_sum[0, :, 0] < (by_route[:, :, 1] - by_route[:, :, 0]).sum(axis=0)).all()


def test_both_sides_of_hubs_are_checked_as_one() -> None:
    def figure(level: str, seen: float, days: int) -> CalibrationFigure:
        return CalibrationFigure(level, 0.9, seen, seen - 0.1, seen + 0.05, days, 8)

    checked = (
        figure("network", 0.8, 50),
        figure("hub_out", 0.9, 100),
        figure("hub_in", 0.6, 50),
        figure("route", 0.9, 9),
    )
    table = publish_calibration(IntervalModel({}, {}, {}, checked=checked))
    assert table["level"].to_list() == ["network", "hub"]
    row = table.row(1, named=True)
    assert (row["quantile"], row["days"], row["backtests"]) == ("q90", 150, 8)
    assert (row["seen"], row["seen_low"], row["seen_high"]) == pytest.approx((0.8, 0.7, 0.85))


def test_sides_that_were_calibrated_apart_are_read_apart_and_others_as_their_level() -> None:
    wide, narrow = (
        {("hub_out", 3, block): 1.0 for block in range(5)},
        {("hub_in", 3, block): 0.01 for block in range(5)},
    )
    apart = IntervalModel(wide | narrow, {"hub_out": 1.0, "hub_in": 1.0}, {})
    together = IntervalModel({("hub", 3, block): 0.2 for block in range(5)}, {"hub": 1.0}, {})
    mean, volume, quiet = np.full((1, 3), 500.0), np.array([500.0]), np.zeros(3, dtype=bool)

    def width(model: IntervalModel, level: str) -> float:
        quantiles = model.quantiles(level, mean, volume, quiet, levels=(0.1, 0.9))
        return float(quantiles[0, 0, 1] - quantiles[0, 0, 0])

    assert width(apart, "hub_out") > 3 * width(apart, "hub_in")
    assert width(together, "hub_out") == width(together, "hub_in") == width(together, "hub")
