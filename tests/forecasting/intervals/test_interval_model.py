from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from data.errors import RadarError
from forecasting.intervals.calibration import calibrate_intervals
from forecasting.intervals.error_samples import ErrorSample
from forecasting.intervals.interval_model import IntervalModel

QUIET = np.zeros(28, dtype=bool)


def drawn(mean: NDArray[np.float64], alpha: float, random: np.random.Generator) -> NDArray[np.float64]:
    return np.asarray(random.poisson(mean * random.gamma(1 / alpha, alpha, mean.shape)), dtype=np.float64)


def series_means(series: int, random: np.random.Generator) -> NDArray[np.float64]:
    return np.repeat(np.exp(random.normal(5.0, 1.5, (series, 1))), 28, axis=1)


def coverage(quantiles: NDArray[np.int64], actual: NDArray[np.float64], low: int, high: int) -> float:
    return float(((quantiles[:, :, low] <= actual) & (actual <= quantiles[:, :, high])).mean())


def calibrated(alpha: float, seed: int = 0) -> IntervalModel:
    random = np.random.default_rng(seed)
    samples = []
    for _ in range(4):
        mean = series_means(300, random)
        samples.append(ErrorSample.of("route", drawn(mean, alpha, random), mean, mean[:, 0], QUIET))
    return calibrate_intervals(samples)


@pytest.mark.parametrize("alpha", [0.02, 0.3, 1.0])
def test_dispersion_is_found_and_fresh_days_are_covered(alpha: float) -> None:
    model = calibrated(alpha)
    assert model.dispersion["route", 3, 2] == pytest.approx(alpha, rel=0.3)
    random = np.random.default_rng(99)
    mean = series_means(500, random)
    quantiles = model.quantiles("route", mean, mean[:, 0], QUIET)
    actual = drawn(mean, alpha, random)
    assert coverage(quantiles, actual, 1, 5) == pytest.approx(0.80, abs=0.03)
    assert coverage(quantiles, actual, 0, 6) == pytest.approx(0.90, abs=0.02)


def test_the_conformal_step_mends_tails_no_negative_binomial_has() -> None:
    # Most days are near the mean, one in eleven is empty or doubled: the wrong shape for the model.
    random = np.random.default_rng(3)

    def odd(mean: NDArray[np.float64]) -> NDArray[np.float64]:
        jump = random.choice([0.0, 1.0, 2.0], p=[0.045, 0.91, 0.045], size=mean.shape)
        return np.asarray(np.rint(mean * jump * random.normal(1.0, 0.05, mean.shape).clip(0)), dtype=np.float64)

    mean = np.full((400, 28), 500.0)
    model = calibrate_intervals([ErrorSample.of("route", odd(mean), mean, mean[:, 0], QUIET)])
    quantiles = model.quantiles("route", mean, mean[:, 0], QUIET)
    actual = odd(mean)
    assert coverage(quantiles, actual, 1, 5) == pytest.approx(0.80, abs=0.03)
    assert coverage(quantiles, actual, 0, 6) == pytest.approx(0.90, abs=0.03)
    # Nine days in ten stay within a few percent, so the middle must be narrow: 80 % within about 8 %.
    assert (quantiles[:, :, 5] - quantiles[:, :, 1]).mean() < 100


def test_biased_errors_shift_the_quantiles() -> None:
    random = np.random.default_rng(5)
    mean = np.full((300, 28), 200.0)
    model = calibrate_intervals([ErrorSample.of("hub", drawn(mean * 1.3, 0.05, random), mean, mean[:, 0], QUIET)])
    quantiles = model.quantiles("hub", mean, mean[:, 0], QUIET)
    assert coverage(quantiles, drawn(mean * 1.3, 0.05, random), 1, 5) == pytest.approx(0.8, abs=0.04)


def test_event_variance_widens_event_days_only_and_is_scaled_to_what_came() -> None:
    random = np.random.default_rng(7)
    event = np.zeros(28, dtype=bool)
    event[10:14] = True
    variance = np.where(event, 0.04, 0.0)
    mean = np.full((300, 28), 1_000.0)
    actual = drawn(mean, 0.02, random)
    actual[:, event] = drawn(mean, 0.02 + 0.08, random)[:, event]
    model = calibrate_intervals([ErrorSample.of("route", actual, mean, mean[:, 0], event, variance)])
    assert model.event_scale["route"] == pytest.approx(2.0, rel=0.3)
    quantiles = model.quantiles("route", mean[:1], mean[:1, 0], event, variance)
    width = quantiles[0, :, 6] - quantiles[0, :, 0]
    assert width[event].min() > 1.6 * width[~event].max()


def test_without_backtests_intervals_are_wide_and_a_new_series_is_wider() -> None:
    model = calibrate_intervals([])
    mean = np.full((2, 28), 50.0)
    quantiles = model.quantiles("route", mean, mean[:, 0], QUIET, history_days=np.array([400, 0]))
    assert (quantiles[0, :, 0] < 20).all()
    assert (quantiles[0, :, 6] > 100).all()
    assert (quantiles[1, :, 6] > quantiles[0, :, 6]).all()


def test_little_evidence_moves_the_prior_little() -> None:
    mean = np.full((1, 3), 50.0)
    model = calibrate_intervals([ErrorSample.of("route", mean, mean, mean[:, 0], np.zeros(3, dtype=bool))])
    assert model.dispersion["route", 2, 1] > 0.1


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), series=st.integers(1, 6), days=st.integers(1, 40))
def test_quantiles_are_whole_and_ordered(seed: int, series: int, days: int) -> None:
    random = np.random.default_rng(seed)
    mean = np.exp(random.normal(2, 4, (series, days))) * (random.random((series, days)) < 0.8)
    event = random.random(days) < 0.2
    quantiles = calibrate_intervals([]).quantiles("hub", mean, mean.mean(axis=1), event)
    assert quantiles.dtype == np.int64
    assert (quantiles >= 0).all()
    assert (np.diff(quantiles, axis=2) >= 0).all()
    assert not quantiles[mean == 0].any()


def test_shapes_that_do_not_fit_are_named() -> None:
    with pytest.raises(RadarError, match="errors of shapes"):
        ErrorSample.of("route", np.ones((2, 3)), np.ones((2, 4)), np.ones(2), np.zeros(4, dtype=bool))


def test_small_counts_are_covered_as_said_and_not_always_more() -> None:
    random = np.random.default_rng(11)

    def trickle(series: int) -> NDArray[np.float64]:
        return np.repeat(np.exp(random.normal(2.0, 0.6, (series, 1))), 28, axis=1)

    seen, ahead = trickle(2000), trickle(2000)
    model = calibrate_intervals([ErrorSample.of("route", drawn(seen, 0.2, random), seen, seen[:, 0], QUIET)])
    quantiles = model.quantiles("route", ahead, ahead[:, 0], QUIET)
    actual = drawn(ahead, 0.2, random)
    assert coverage(quantiles, actual, 1, 5) == pytest.approx(0.80, abs=0.03)
    assert coverage(quantiles, actual, 0, 6) == pytest.approx(0.90, abs=0.02)


def test_levels_in_between_are_read_in_order() -> None:
    model = calibrated(0.3)
    mean = np.full((1, 28), 500.0)
    wide = model.quantiles("route", mean, mean[:, 0], QUIET, levels=(0.025, 0.05, 0.2, 0.8, 0.95, 0.975))
    assert (np.diff(wide, axis=2) > 0).all()
    published = model.quantiles("route", mean, mean[:, 0], QUIET)
    assert (wide[:, :, 1] == published[:, :, 0]).all()
    random = np.random.default_rng(4)
    fresh = series_means(500, random)
    ends = model.quantiles("route", fresh, fresh[:, 0], QUIET, levels=(0.025, 0.975))
    assert coverage(ends, drawn(fresh, 0.3, random), 0, 1) == pytest.approx(0.95, abs=0.02)


def test_a_single_series_is_shrunk_once_and_not_twice_towards_its_own_few_errors() -> None:
    # One series, eight backtests in which it always came out 1 % high: its class is all of its level.
    mean = np.full((1, 28), 5_000.0)
    samples = [ErrorSample.of("network", mean * 1.01, mean, mean[:, 0], QUIET) for _ in range(8)]
    model = calibrate_intervals(samples)
    assert model.corrected["network", 4, False][1] < 0.35


def told(level: str, volume: float, alpha: float, seed: int) -> ErrorSample:
    mean = np.full((60, 28), volume)
    return ErrorSample.of(level, drawn(mean, alpha, np.random.default_rng(seed)), mean, mean[:, 0], QUIET)


def test_a_size_no_backtest_had_is_as_sure_as_its_neighbours_and_not_as_nothing() -> None:
    steady, wild = (calibrate_intervals([told("route", 2_000.0, alpha, 1)]) for alpha in (0.01, 1.0))
    unseen = calibrate_intervals([])
    for volume in (50.0, 500.0, 50_000.0):
        mean = np.full((1, 28), volume)
        width = [
            float(np.subtract(*model.quantiles("route", mean, mean[:, 0], QUIET)[0, 10, [6, 0]]))
            for model in (steady, unseen, wild)
        ]
        assert width[0] < 0.6 * width[1] < 0.6 * width[2]


def test_a_side_of_hubs_borrows_a_size_from_the_other_side_alone() -> None:
    out = told("hub_out", 2_000.0, 0.02, 2)
    alone, both, beside = (
        calibrate_intervals([out, *others]).dispersion["hub_out", 3, 1]
        for others in ([], [told("hub_in", 500.0, 0.3, 3)], [told("network", 500.0, 0.3, 3)])
    )
    assert both == pytest.approx(0.3, rel=0.3)
    assert beside == alone < 0.05


def test_a_size_with_errors_enough_of_its_own_borrows_nothing() -> None:
    own = told("route", 2_000.0, 0.02, 4)
    model = calibrate_intervals([own, told("route", 500.0, 0.5, 5)])
    assert model.dispersion["route", 4, 1] == pytest.approx(0.02, rel=0.3)
    assert model.dispersion["route", 3, 1] == pytest.approx(0.5, rel=0.3)


def test_a_size_unlike_its_neighbours_is_no_wider_for_them() -> None:
    mean = np.full((3, 28), 500.0)
    own = ErrorSample.of("route", drawn(mean, 0.02, np.random.default_rng(6)), mean, mean[:, 0], QUIET)
    alone, beside = (calibrate_intervals(found) for found in ([own], [own, told("route", 5.0, 8.0, 7)]))
    for block in range(5):
        assert beside.dispersion["route", 3, block] == alone.dispersion["route", 3, block]
