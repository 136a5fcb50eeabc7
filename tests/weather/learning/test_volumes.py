"""Histories made with a known effect: the fit must find it, and must not find one where there is none."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from weather.learning.capacity_response import amounts_at_hubs, handled_by_history, handled_by_productivity, lay_out
from weather.learning.volumes import Rate, VolumeResponse, fit_volume_response

FIRST = date(2024, 1, 1)


def history(
    snow_rate: float, rain_rate: float, days: int = 500, hubs: int = 10, seed: int = 1
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Parcels sent by hubs with weekday, growth and sales waves, and the snow and rain that slowed them."""
    random = np.random.default_rng(seed)
    snow = np.where(random.random((hubs, days)) < 0.03, random.gamma(2.0, 5.0, (hubs, days)), 0.0)
    wet = np.where(random.random((hubs, days)) < 0.10, random.gamma(2.0, 12.0, (hubs, days)), 0.0)
    step = np.arange(days)
    common = 0.1 * np.sin(2 * np.pi * step / 7) + 0.0004 * step + np.where(step % 180 < 9, 0.8, 0.0)
    lost = 1.0 - np.exp(-snow_rate * snow - rain_rate * wet)
    factor = 1.0 - lost
    factor[:, 1:] += 0.5 * lost[:, :-1]
    level = random.uniform(6, 10, hubs)[:, None] + common[None, :] + random.normal(0, 0.06, (hubs, days))
    parcels = np.rint(np.exp(level) * factor).astype(np.int64)
    dates = [FIRST + timedelta(days=int(day)) for day in step]
    keys = {"date": dates * hubs, "hub_id": [f"H{hub}" for hub in range(hubs) for _ in dates]}
    volumes = pl.DataFrame(keys | {"direction": ["out"] * hubs * days, "parcels": parcels.ravel()})
    return volumes, pl.DataFrame(keys | {"snow_cm": snow.ravel(), "wet_mm": wet.ravel()})


def find(response: VolumeResponse, amount: str, direction: str = "out") -> Rate:
    return next(row for row in response.rates if (row.direction, row.amount) == (direction, amount))


@pytest.mark.parametrize(("snow_rate", "rain_rate"), [(0.03, 0.002), (0.01, 0.0)])
def test_effect_behind_the_history_is_found(snow_rate: float, rain_rate: float) -> None:
    response = fit_volume_response(*history(snow_rate, rain_rate))
    snow, rain = find(response, "snow"), find(response, "rain")
    assert abs(snow.rate - snow_rate) < 3 * snow.standard_error
    assert abs(rain.rate - rain_rate) < 3 * rain.standard_error
    assert snow.standard_error < 0.003
    assert snow.history > 0.9
    assert response.is_enough("out")
    assert snow.returned == pytest.approx(0.5, abs=0.25)


def test_without_an_effect_none_is_found() -> None:
    snow = find(fit_volume_response(*history(0.0, 0.0)), "snow")
    assert abs(snow.rate) < 3 * snow.standard_error
    assert snow.rate < 0.005


def test_without_history_the_published_figure_stands() -> None:
    volumes, amounts = history(0.03, 0.002)
    response = fit_volume_response(volumes.clear(), amounts.clear())
    assert find(response, "snow").rate == pytest.approx(0.02)
    assert find(response, "snow").history == pytest.approx(0.0)
    assert not response.is_enough("out")


def test_history_without_snow_leaves_snow_as_published() -> None:
    volumes, amounts = history(0.0, 0.002)
    response = fit_volume_response(volumes, amounts.with_columns(snow_cm=pl.lit(0.0)))
    assert find(response, "snow").rate == pytest.approx(0.02, abs=1e-9)
    assert not response.is_enough("out")
    assert find(response, "rain").history > 0.5


def test_short_history_lies_between_what_it_shows_and_what_is_published() -> None:
    short = find(fit_volume_response(*history(0.06, 0.0, days=70, hubs=2)), "snow")
    long = find(fit_volume_response(*history(0.06, 0.0)), "snow")
    assert short.standard_error > long.standard_error
    assert short.history < long.history
    assert 0.02 < short.rate < 0.075


def response(snow: float, rain: float) -> VolumeResponse:
    return VolumeResponse(
        tuple(Rate("out", name, rate, 0.001, 0.9, 0.5, 50) for name, rate in (("snow", snow), ("rain", rain)))
    )


def test_share_kept_falls_with_snow_and_never_to_nothing() -> None:
    amounts = pl.DataFrame(
        {"date": [FIRST] * 3, "hub_id": ["A", "B", "C"], "snow_cm": [0.0, 10.0, 900.0], "wet_mm": [0.0, 0.0, 0.0]}
    )
    handled = handled_by_history(amounts, response(0.03, 0.002), "out")
    assert handled["handled"].to_list() == pytest.approx([1.0, np.exp(-0.3), 0.1])


def test_rate_below_nothing_does_not_make_parcels() -> None:
    amounts = pl.DataFrame({"date": [FIRST], "hub_id": ["A"], "snow_cm": [10.0], "wet_mm": [0.0]})
    assert handled_by_history(amounts, response(-0.01, 0.0), "out")["handled"].to_list() == [1.0]


def test_couriers_have_some_spare() -> None:
    weather = pl.DataFrame({"date": [FIRST] * 3, "outlet_id": ["a1", "a2", "b1"], "capacity_factor": [0.6, 0.8, 0.95]})
    outlets = placed({"a1": "A", "a2": "A", "b1": "B"})
    own = pl.DataFrame({"date": [FIRST] * 2, "hub_id": ["A", "C"], "capacity_factor": [0.1, 0.5]})
    handled = handled_by_productivity(weather, outlets, own, 0.15)
    # A by its outlets, B within the spare, C by the hub itself
    assert handled.rows() == [(FIRST, "A", pytest.approx(0.805)), (FIRST, "B", 1.0), (FIRST, "C", pytest.approx(0.575))]


def placed(hub_of: dict[str, str]) -> pl.DataFrame:
    ends = {"outlet_id": list(hub_of), "hub_id": list(hub_of.values())}
    return pl.DataFrame(ends).with_columns(latitude=pl.lit(30.0), longitude=pl.lit(110.0))


def test_outlets_outside_a_warning_work_on() -> None:
    outlets = placed({"a1": "A", "a2": "A", "a3": "A"})
    lost = outlets.with_columns(latitude=pl.when(pl.col("outlet_id") != "a3").then("latitude"))
    warned = pl.DataFrame({"date": [FIRST], "outlet_id": ["a1"], "capacity_factor": [0.4]})
    own = pl.DataFrame(schema={"date": pl.Date, "hub_id": pl.String, "capacity_factor": pl.Float64})
    # one of three under the warning; of those without coordinates nothing is said
    assert handled_by_productivity(warned, outlets, own, 0.0)["handled"].to_list() == [pytest.approx(0.8)]
    assert handled_by_productivity(warned, lost, own, 0.0)["handled"].to_list() == [pytest.approx(0.7)]


def test_a_hub_alone_on_its_days_shows_nothing() -> None:
    volumes, amounts = history(0.05, 0.002)
    alone = volumes.filter(pl.col("hub_id") == "H1")
    for rate in fit_volume_response(alone, amounts.filter(pl.col("hub_id") == "H1")).rates:
        assert (rate.history, rate.rate) == (0.0, {"snow": 0.02, "rain": 0.001}[rate.amount])
    # days on which it is alone make nothing surer: with and without them the same is learnt
    early = FIRST + timedelta(days=250)
    thin = volumes.filter((pl.col("date") < early) | (pl.col("hub_id") == "H1"))
    few, both = (
        {(rate.direction, rate.amount): rate for rate in fit_volume_response(each, amounts).rates}
        for each in (volumes.filter(pl.col("date") < early), thin)
    )
    assert both["out", "snow"].standard_error > 0.8 * few["out", "snow"].standard_error


def test_gain_on_days_left_out_is_told() -> None:
    volumes, amounts = history(0.05, 0.0)
    rates = {(rate.direction, rate.amount): rate for rate in fit_volume_response(volumes, amounts).rates}
    # 0.05 is far from the preset of 0.02: what was learnt tells the days left out better
    assert rates["out", "snow"].gain > 0.1
    assert np.isnan(rates["in", "snow"].gain)


def test_unknown_hubs_and_days_move_freely() -> None:
    handled = pl.DataFrame({"date": [FIRST], "hub_id": ["B"], "handled": [0.4]})
    assert lay_out(handled, ["A", "B"], [FIRST, FIRST + timedelta(days=1)]).tolist() == [[1.0, 1.0], [0.4, 1.0]]


def test_hub_takes_its_nearest_point_or_none() -> None:
    days = pl.DataFrame(
        {
            "latitude": [30.0, 40.0],
            "longitude": [110.0, 110.0],
            "date": [FIRST] * 2,
            "snow_cm": [3.0, 9.0],
            "rain_mm": [25.0, None],
        }
    )
    hubs = pl.DataFrame(
        {"hub_id": ["A", "B", "C", "D"], "latitude": [30.5, 39.0, 0.0, None], "longitude": [110.0, 110.0, 0.0, None]}
    )
    amounts = amounts_at_hubs(days, hubs, 200.0)
    assert amounts.select("hub_id", "snow_cm", "wet_mm").rows() == [("A", 3.0, 15.0), ("B", 9.0, 0.0)]
    assert amounts_at_hubs(days.clear(), hubs, 200.0).is_empty()
