from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
import pytest

from data.errors import RadarError
from forecasting.evaluation.scores import Scored, mean_scores, score_forecast, seasonal_scale

DAY = dt.date(2025, 6, 1)


def row(table: pl.DataFrame, **where: str) -> dict[str, Any]:
    found = table.filter(**where)
    assert found.height == 1
    return found.row(0, named=True)


def test_figures_of_two_series_by_hand() -> None:
    actual = np.array([[10.0, 20.0], [0.0, 10.0]])
    mean = np.array([[12.0, 18.0], [0.0, 16.0]])
    history = np.array([[8.0, 10.0, 14.0], [1.0, 1.0, 1.0]])
    figures = row(score_forecast(Scored("hub/out", "m", DAY, actual, mean, history)), level="hub/out", lead_days="1-2")
    assert figures["accuracy"] == pytest.approx(1 - 10 / 40)
    assert figures["bias"] == pytest.approx(6 / 40)
    # Only the first series moves in its history: its naive errors are 2 and 4, mean 3; the forecast's mean is 2.
    assert figures["mase"] == pytest.approx(2 / 3)
    assert figures["rmsse"] == pytest.approx(2 / np.sqrt(10))
    assert figures["coverage_80"] is None
    assert figures["parcels"] == 40


def test_quantile_loss_coverage_and_width_by_hand() -> None:
    actual = np.array([[10.0, 100.0]])
    quantiles = np.broadcast_to(np.array([5, 8, 9, 10, 11, 13, 15]), (1, 2, 7))
    figures = row(
        score_forecast(Scored("network", "m", DAY, actual, actual, np.ones((1, 9)), quantiles)), lead_days="1-2"
    )
    low = sum(
        2 * max(q * (10 - z), (q - 1) * (10 - z))
        for q, z in zip((0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95), (5, 8, 9, 10, 11, 13, 15), strict=True)
    )
    high = sum(
        2 * q * (100 - z)
        for q, z in zip((0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95), (5, 8, 9, 10, 11, 13, 15), strict=True)
    )
    assert figures["weighted_quantile_loss"] == pytest.approx((low + high) / 7 / 110)
    assert figures["coverage_80"] == figures["coverage_90"] == 0.5
    assert figures["width_80"] == pytest.approx(10 / 110)
    assert figures["width_90"] == pytest.approx(20 / 110)


def test_a_day_early_is_no_error_in_the_week() -> None:
    actual, mean = np.zeros((1, 14)), np.zeros((1, 14))
    actual[0, 3], mean[0, 2] = 7.0, 7.0
    table = score_forecast(Scored("route", "m", DAY, actual, mean, np.ones((1, 28))))
    assert row(table, level="route", lead_days="1-14")["accuracy"] == pytest.approx(-1.0)
    assert row(table, level="route_weekly", lead_days="1-14")["accuracy"] == pytest.approx(1.0)


def test_windows_leads_and_classes_have_rows_of_their_own() -> None:
    actual = np.vstack([np.full(14, 50.0), np.full(14, 5.0)])
    mean = actual.copy()
    mean[:, 10] *= 2
    event = np.zeros(14, dtype=bool)
    event[10] = True
    table = score_forecast(Scored("route", "m", DAY, actual, mean, actual), {"sale": event, "normal": ~event})
    assert row(table, level="route", lead_days="1-14", window="sale")["accuracy"] == pytest.approx(0.0)
    assert row(table, level="route", lead_days="1-14", window="normal")["accuracy"] == pytest.approx(1.0)
    assert row(table, level="route", lead_days="1-7", window="all")["accuracy"] == pytest.approx(1.0)
    assert row(table, level="route/10-100", lead_days="8-14", window="all")["accuracy"] == pytest.approx(1 - 50 / 350)
    assert table.filter(level="route", lead_days="1-7", window="sale").is_empty()


def test_pooling_weighs_dates_by_their_parcels() -> None:
    tables = [
        score_forecast(
            Scored("network", "m", DAY + dt.timedelta(days=at), np.full((1, 1), y), np.full((1, 1), f), np.ones((1, 9)))
        )
        for at, (y, f) in enumerate([(100.0, 90.0), (300.0, 360.0)])
    ]
    pooled = row(mean_scores(pl.concat(tables)), window="all")
    assert pooled["accuracy"] == pytest.approx(1 - 70 / 400)
    assert pooled["bias"] == pytest.approx(50 / 400)
    assert pooled["cutoffs"] == 2
    assert pooled["weighted_quantile_loss"] is None


def test_nothing_to_score_gives_no_figure_rather_than_a_wrong_one() -> None:
    table = score_forecast(Scored("network", "m", DAY, np.zeros((1, 2)), np.ones((1, 2)), np.zeros((1, 0))))
    figures = row(table, lead_days="1-2")
    assert figures["accuracy"] is None
    assert figures["mase"] is None


def test_the_scale_starts_with_the_first_parcel() -> None:
    absolute, squared = seasonal_scale(np.array([[0.0, 0.0, 4.0, 6.0, 2.0]]), season=1)
    assert absolute[0] == pytest.approx(3.0)
    assert squared[0] == pytest.approx(10.0)


def test_shapes_that_do_not_fit_are_named() -> None:
    with pytest.raises(RadarError, match="different shapes"):
        score_forecast(Scored("network", "m", DAY, np.ones((1, 2)), np.ones((1, 3)), np.ones((1, 9))))
