"""The network's path: season found, guests that fail left out."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from forecasting.routes.near_path import fade, learn_fade, measure_fades
from forecasting.routes.network_path import forecast_network, recent_level, reverting_level, weigh_paths, weigh_trend
from forecasting.routes.season_and_trend import seasonal_index, trend_forecast, trend_weight
from forecasting.series.panel import days_from


def dates(days: int) -> NDArray[np.datetime64]:
    return days_from(np.datetime64("2022-01-03"), days)


def test_constant_stays_constant() -> None:
    total = np.full(200, 500.0)
    for path in (recent_level, reverting_level):
        np.testing.assert_allclose(path(total, dates(200), 20), 500.0, rtol=1e-4)


def test_last_years_rise_is_expected_by_half() -> None:
    total = np.full(364 + 28 + 30, 1000.0)
    rise = total.size - 364 + 10
    total[rise : rise + 40] = 1000.0 * np.e
    course = seasonal_index(total, 28)
    assert course[0] == pytest.approx(1.0, abs=0.1)
    assert course[20] == pytest.approx(np.exp(0.5), rel=0.12)


def test_pure_growth_is_no_season() -> None:
    total = 1000.0 * np.exp(np.arange(600) * 0.001)
    np.testing.assert_allclose(seasonal_index(total, 28), 1.0, atol=0.01)


def test_no_season_without_a_year() -> None:
    assert seasonal_index(np.full(200, 9.0), 5).tolist() == [1.0] * 5


def test_the_path_that_errs_less_weighs_more() -> None:
    growing = 1000.0 * np.exp(np.arange(500) * 0.004)
    weight = weigh_paths(growing, dates(500), 28, np.ones(500))
    assert sum(weight.values()) == pytest.approx(1.0)
    assert weight["recent level"] > weight["reverting level"]


def test_a_guest_that_gives_nonsense_is_left_out_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def nonsense(total: NDArray[np.float64], _dates: object, horizon: int) -> NDArray[np.float64]:
        return np.full(horizon, total.mean() * 1000)

    monkeypatch.setattr("forecasting.routes.network_path.exponential_smoothing", nonsense)
    paths, combined, notes = forecast_network(np.full(200, 500.0), dates(200), 7, np.ones(200), use_prophet=False)
    assert set(paths) == {"recent level", "reverting level", "unobserved components"}
    np.testing.assert_allclose(combined, 500.0, rtol=1e-3)
    assert len(notes) == 1
    assert "exponential smoothing" in notes[0]


def test_steady_growth_is_kept_and_rises_that_take_turns_with_falls_are_not() -> None:
    day = np.arange(400)
    steady = 1000.0 * np.exp(0.002 * day)
    assert weigh_trend(steady, dates(400), np.ones(400)) > 0.5
    np.testing.assert_allclose(trend_forecast(steady, 14)[13], 0.12 * -np.expm1(-14 / 60), rtol=1e-6)
    waves = 1000.0 * np.exp(0.15 * np.sin(2 * np.pi * day / 90))
    assert weigh_trend(waves, dates(400), np.ones(400)) < 0.2


def test_without_evidence_no_growth_is_kept() -> None:
    assert trend_weight(np.zeros(0), np.zeros(0), np.zeros(0)) == 0.0
    assert weigh_trend(np.full(60, 5.0), dates(60), np.ones(60)) == 0.0


def test_growth_kept_is_expected_of_the_path() -> None:
    growing = 1000.0 * np.exp(np.arange(428) * 0.002)
    _, path, _ = forecast_network(growing[:400], dates(400), 28, np.ones(400), use_prophet=False)
    without = recent_level(growing[:400], dates(400), 28).sum()
    assert 1.02 * without < path.sum() < growing[400:].sum()


def test_a_network_that_has_just_begun_is_not_expected_to_go_on_as_it_began() -> None:
    begun = np.geomspace(1.0, 1e4, 100)
    assert trend_forecast(begun, 28).max() < 0.4


def test_a_step_of_last_week_is_followed_over_the_first_days_and_less_later() -> None:
    chance = np.random.default_rng(4)
    total = 1000.0 * np.exp(np.cumsum(chance.normal(0, 0.06, 300)))
    paths, path, notes = forecast_network(total, dates(300), 28, np.ones(300), use_prophet=False)
    assert notes == []
    near = (paths["exponential smoothing"] + paths["unobserved components"]) / 2
    slow = paths["recent level"]
    assert abs(path[0] - near[0]) < 0.05 * abs(slow[0] - near[0]) + 1.0
    assert abs(path[27] - near[27]) > abs(path[0] - near[0])


def test_the_fade_is_learnt_and_stays_the_expected_one_where_nothing_speaks() -> None:
    assert learn_fade({}) == 7.0
    rest, near = np.full(14, 100.0), np.full(14, 130.0)
    near_right = measure_fades(rest, near, near, np.ones(14))
    rest_right = measure_fades(rest, near, rest, np.ones(14))
    assert learn_fade({tau: [error] * 6 for tau, error in near_right.items()}) == 10.0
    assert learn_fade({tau: [error + 0.01] * 6 for tau, error in rest_right.items()}) == 0.0
    same = measure_fades(rest, rest, near, np.ones(14))
    assert learn_fade({tau: [error] * 6 for tau, error in same.items()}) == 7.0
    assert measure_fades(rest, near, rest, np.zeros(14)) == {}
    assert fade(0.0, 3).tolist() == [0.0, 0.0, 0.0]
    np.testing.assert_allclose(fade(7.0, 8)[[0, 7]], [1.0, np.exp(-1.0)])


def test_a_network_that_rests_on_sundays_keeps_its_guests() -> None:
    week = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 0.8, 0.0])
    total = np.random.default_rng(6).poisson(2000 * week[np.arange(210) % 7]).astype(float)
    paths, path, notes = forecast_network(total, dates(210), 14, np.ones(210), use_prophet=False)
    assert notes == []
    assert {"exponential smoothing", "unobserved components"} <= set(paths)
    assert path[6] < 50
    assert path[0] == pytest.approx(2000, rel=0.1)
