"""The pooled calendar model on made outlets whose truth is known."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from forecasting.inputs import no_events, no_promotions
from forecasting.outlets.calendar_model import OutletDays, forecast_by_calendar
from forecasting.series.panel import days_from

KNOWN, AHEAD = 420, 28
FIRST = np.datetime64("2024-01-01")
WEEK = np.array([1.2, 1.1, 1.0, 1.0, 1.1, 0.9, 0.7])
OUTLETS, HUBS, REGIONS, CHAINS = 48, 8, 4, 4
Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def units(count: int = OUTLETS) -> pl.DataFrame:
    hub = np.arange(count) % HUBS
    return pl.DataFrame(
        {
            "outlet_id": [f"o{at}" for at in range(count)],
            "hub_id": [f"H{at}" for at in hub],
            "region_id": [f"R{at % REGIONS}" for at in hub],
        }
    )


def promotion(number: int, outlet: int, start: int, chain: int, days: int = 7) -> dict[str, object]:
    first = dt.date(2024, 1, 1) + dt.timedelta(days=start)
    row = dict.fromkeys(no_promotions().columns)
    return row | {
        "promotion_id": f"p{number}",
        "scope": "outlet",
        "outlet_id": f"o{outlet}",
        "category": f"chain {chain}",
        "date_from": first,
        "date_to": first + dt.timedelta(days=days - 1),
    }


def planted(effect_of_chain: Array, seed: int = 1) -> tuple[OutletDays, Array, Array]:
    """Outlets of four chains, each chain's promotions a week long: history, what comes, and true log effects."""
    chance = np.random.default_rng(seed)
    dates = days_from(FIRST, KNOWN + AHEAD)
    hub = np.arange(OUTLETS) % HUBS
    chain = np.arange(OUTLETS) // HUBS % CHAINS
    varied = (effect_of_chain > 0).astype(float)[chain]
    effect = effect_of_chain[chain] + varied * (
        chance.normal(0, 0.1, REGIONS)[hub % REGIONS] + chance.normal(0, 0.1, OUTLETS)
    )
    level = np.log(300.0) + chance.normal(0, 0.5, OUTLETS)[:, None]
    level = level + np.cumsum(chance.normal(0, 0.005, (OUTLETS, dates.size)), axis=1)
    on = np.zeros((OUTLETS, dates.size))
    rows: list[dict[str, object]] = []
    for one in range(CHAINS):
        starts = [*(int(at) for at in chance.choice(np.arange(2, KNOWN - 8), 8, replace=False)), KNOWN + 6]
        for number, start in enumerate(starts):
            for outlet in np.flatnonzero(chain == one):
                rows.append(promotion(len(rows) * 100 + number, int(outlet), start, one))
                on[outlet, start : start + 7] = 1.0
    log = level + np.log(WEEK)[np.arange(dates.size) % 7] + effect[:, None] * on
    parcels = np.rint(np.exp(log + chance.normal(0, 0.1, log.shape)))
    table = pl.DataFrame(rows, schema=no_promotions().schema)
    history = OutletDays(parcels[:, :KNOWN], dates, units(), no_events(), table)
    return history, parcels[:, KNOWN:], effect


def accuracy(actual: Array, said: Array) -> float:
    return float(1.0 - np.abs(actual - said).sum() / actual.sum())


def found_effects(history: OutletDays) -> Array:
    made = forecast_by_calendar(history)
    effect = np.zeros(OUTLETS)
    for name, pooled in made.effects.items():
        mine = np.arange(OUTLETS) // HUBS % CHAINS == int(name[-1])
        effect[mine] = pooled.mean[mine]
    return effect


def test_planted_promotions_are_found_and_pay() -> None:
    history, came, effect = planted(np.array([0.40, 0.42, 0.44, 0.45]))
    told = forecast_by_calendar(history)
    found = found_effects(history)
    assert float(np.sqrt(((found - effect) ** 2).mean())) <= 0.05
    untold = forecast_by_calendar(OutletDays(history.parcels, history.dates, units(), no_events(), no_promotions()))
    week = slice(6, 13)
    gain = accuracy(came[:, week], told.mean[:, week]) - accuracy(came[:, week], untold.mean[:, week])
    assert gain >= 0.08
    assert accuracy(came, told.mean) - accuracy(came, untold.mean) > 0.05


def test_a_promotion_without_effect_stays_one() -> None:
    history, came, _ = planted(np.zeros(CHAINS))
    made = forecast_by_calendar(history)
    assert all(abs(effect.network) <= 0.02 for effect in made.effects.values())
    assert abs(float(found_effects(history).mean())) <= 0.01
    untold = forecast_by_calendar(OutletDays(history.parcels, history.dates, units(), no_events(), no_promotions()))
    assert accuracy(came, made.mean) == pytest.approx(accuracy(came, untold.mean), abs=0.005)


def resting(known: int = 140, ahead: int = 21) -> tuple[Array, Array]:
    """Two outlets that rest on Sundays, one that rests on Wednesdays, one that never does; 2024-01-01 is a Monday."""
    week = np.arange(known + ahead) % 7
    parcels = np.full((4, known + ahead), 100.0)
    parcels[:2, week == 6] = 0.0
    parcels[2, week == 2] = 0.0
    return parcels[:, :known], parcels[:, known:]


def history_of(parcels: Array, ahead: int, **tables: pl.DataFrame) -> OutletDays:
    dates = days_from(FIRST, parcels.shape[1] + ahead)
    given = {"events": no_events(), "promotions": no_promotions()} | tables
    return OutletDays(parcels, dates, units(parcels.shape[0]), given["events"], given["promotions"])


def test_days_of_rest_get_no_parcels_and_other_outlets_keep_theirs() -> None:
    past, ahead = resting()
    made = forecast_by_calendar(history_of(past, 21))
    assert (made.mean[ahead == 0] == 0).all()
    assert made.mean[ahead > 0] == pytest.approx(ahead[ahead > 0], rel=0.05)


def test_an_outlet_shut_for_a_while_keeps_its_days_and_its_level() -> None:
    past, ahead = resting()
    shut = past.copy()
    shut[0, 60:100] = 0.0
    made = forecast_by_calendar(history_of(shut, 21))
    assert (made.mean[0][ahead[0] == 0] == 0).all()
    assert made.mean[0][ahead[0] > 0] == pytest.approx(ahead[0][ahead[0] > 0], rel=0.05)


def test_an_outlet_long_shut_is_not_expected_back_and_one_shut_last_week_half() -> None:
    past, _ = resting()
    past[3, -60:] = 0.0
    past[2, -7:] = 0.0
    made = forecast_by_calendar(history_of(past, 21))
    assert made.mean[3].sum() == 0
    assert 0 < made.mean[2].max() < 100


def test_outlets_of_three_days_none_and_one_parcel_are_finite() -> None:
    past, _ = resting()
    odd = np.vstack([past, np.zeros((3, past.shape[1]))])
    odd[4, -3:] = 50.0
    odd[5, 70] = 1.0
    made = forecast_by_calendar(history_of(odd, 21))
    assert np.isfinite(made.mean).all()
    assert (made.mean >= 0).all()
    assert 20 < made.mean[4].max() < 110
    assert made.mean[5].max() < 100


def test_few_parcels_keep_their_sum() -> None:
    past = np.random.default_rng(2).poisson(0.8, (30, 300)).astype(float)
    made = forecast_by_calendar(history_of(past, 28))
    assert made.mean.sum() == pytest.approx(0.8 * 30 * 28, rel=0.12)
