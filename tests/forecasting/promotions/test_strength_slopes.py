"""Discounts and strengths move a promotion's effect where its editions show that they do, and nowhere else."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from forecasting.inputs import no_events, no_promotions
from forecasting.outlets.calendar_model import OutletDays, forecast_by_calendar
from forecasting.promotions.promotion_days import PromotionKind
from forecasting.promotions.strength_slopes import fit_slope, read_measures
from forecasting.series.panel import days_from

KNOWN, AHEAD, OUTLETS, EDITIONS = 400, 28, 20, 10
FIRST = np.datetime64("2024-01-01")
DISCOUNTS = (0.05, 0.30, 0.10, 0.25, 0.15, 0.40, 0.20, 0.35, 0.10, 0.30)
Array = NDArray[np.float64]


def planted(slope: float, ahead: float = 0.40, seed: int = 3) -> tuple[OutletDays, Array]:
    """Ten promotions of the whole network, a week each, and one ahead; log effect .3 plus a slope over the discount."""
    chance = np.random.default_rng(seed)
    dates = days_from(FIRST, KNOWN + AHEAD)
    log = np.log(200.0) + chance.normal(0, 0.4, OUTLETS)[:, None] + chance.normal(0, 0.1, (OUTLETS, dates.size))
    rows = []
    for number, discount in enumerate((*DISCOUNTS, ahead)):
        start = KNOWN + 5 if number == EDITIONS else 10 + 38 * number
        log[:, start : start + 7] += 0.3 + slope * (discount - 0.2) + chance.normal(0, 0.03)
        first = dt.date(2024, 1, 1) + dt.timedelta(days=start)
        row = {"promotion_id": f"p{number}", "scope": "network", "discount": discount}
        rows.append(row | {"date_from": first, "date_to": first + dt.timedelta(days=6)})
    schema = no_promotions().schema
    table = pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)
    units = pl.DataFrame(
        {
            "outlet_id": [f"o{at}" for at in range(OUTLETS)],
            "hub_id": [f"H{at % 4}" for at in range(OUTLETS)],
            "region_id": ["R"] * OUTLETS,
        }
    )
    parcels = np.rint(np.exp(log))
    return OutletDays(parcels[:, :KNOWN], dates, units, no_events(), table), parcels[:, KNOWN:]


def week_error(history: OutletDays, came: Array) -> float:
    week = slice(5, 12)
    said = forecast_by_calendar(history).mean[:, week]
    return float(np.log(said.sum() / came[:, week].sum()))


def without_discounts(history: OutletDays) -> OutletDays:
    return replace(history, promotions=history.promotions.with_columns(discount=pl.lit(None, dtype=pl.Float64)))


def test_a_planted_slope_is_found_and_pays_on_a_stronger_promotion() -> None:
    found = []
    for seed in (3, 4, 5):
        history, came = planted(slope=1.0, seed=seed)
        found.append(forecast_by_calendar(history).slopes["network|||", "discount"] / np.std(DISCOUNTS))
        assert abs(week_error(history, came)) < 0.06
        assert week_error(without_discounts(history), came) < -0.1
    assert np.mean(found) == pytest.approx(1.0, abs=0.25)


@pytest.mark.parametrize("seed", [3, 4, 5, 6])
def test_a_discount_that_does_nothing_moves_nothing(seed: int) -> None:
    history, came = planted(slope=0.0, seed=seed)
    told, untold = (week_error(each, came) for each in (history, without_discounts(history)))
    assert abs(told - untold) <= 0.01


def test_measures_are_read_from_known_days_alone() -> None:
    on = np.zeros((2, 40), dtype=bool)
    on[:, [2, 9, 16, 30]] = True
    values = np.full(on.shape, np.nan)
    values[:, [2, 9, 16, 30]] = [0.1, 0.2, 0.3, 9.0]
    kind = PromotionKind("k", True, on, {"discount": values})
    (measure,) = read_measures([kind], 20)
    assert measure.editions == 3
    assert measure.values[0, [2, 9, 16]].sum() == pytest.approx(0.0)
    assert measure.values[0, 30] == 2.5
    assert measure.values[:, ~on[0]].sum() == 0
    assert read_measures([kind], 10) == ()


def test_a_slope_no_larger_than_its_noise_is_none() -> None:
    free = np.array([[1.0, -1.0, 1.0, -1.0]])
    precision = np.full(free.shape, 1e4)
    assert fit_slope(0.03 * free, precision, free, editions=4) == 0.0
    assert fit_slope(0.30 * free, precision, free, editions=4) == pytest.approx(0.3, abs=0.05)
    assert fit_slope(free, 0.0 * precision, free, editions=4) == 0.0
