"""On the real route volumes the forecast beats the naive ones, with intervals that hold what they promise."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from benchmarks.forecast.cases import china
from benchmarks.forecast.measures import Truth, interval_figures, point_figures, published
from forecasting.forecast import forecast
from forecasting.inputs import ForecastSettings
from forecasting.series.baselines import day_of_week_mean, seasonal_naive
from forecasting.series.panel import Panel

HORIZON = 14


@pytest.mark.slow
@pytest.mark.parametrize("as_of", [dt.date(2022, 3, 20), dt.date(2022, 6, 7), dt.date(2022, 8, 14)])
def test_better_than_naive_on_every_level(shared: Path, as_of: dt.date) -> None:
    inputs = china(shared)
    panel = Panel.from_route_volumes(inputs.route_volumes)
    known = int(np.searchsorted(panel.dates, np.datetime64(as_of, "D"), side="right"))
    truth = Truth(panel, known, HORIZON, 0)
    found = forecast(inputs, as_of, HORIZON, settings=ForecastSettings(use_prophet=False))
    ours = point_figures(truth, published(panel, found, "mean"))
    past = panel.parcels[:, :known]
    for naive in (seasonal_naive(past, HORIZON), day_of_week_mean(past, HORIZON)):
        theirs = point_figures(truth, naive.astype(np.float64))
        for level in ("network", "hub out", "hub in", "route"):
            assert ours[level] < theirs[level], level
    intervals = interval_figures(truth, found)
    assert 0.70 < intervals["cover 80"] < 0.92
    assert intervals["width 80"] < 2.0
