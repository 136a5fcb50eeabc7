"""Events on a re-timed axis: phases where they belong, multiples found again, related events taught."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from forecasting.events.phases import archetype_of, place_phases, read_waves
from forecasting.events.uplift import Uplift, fit_uplift, on_weekdays, times_normal_day
from forecasting.inputs import EventPrior
from forecasting.series.panel import days_from
from tests.forecasting.small_networks import calendar, sale

D = dt.date


def days(first: dt.date, count: int) -> np.ndarray:
    return days_from(first, count)


@pytest.mark.parametrize(
    ("name", "zh", "kind", "archetype"),
    [
        ("618", "618", "shopping", "main"),
        ("618 opening", "618开门红", "shopping", "opening"),
        ("Double 11", "双11", "shopping", "main"),
        ("Double 12", "双12", "shopping", "minor"),
        ("Our anniversary", None, "shopping", "minor"),
        ("Chinese New Year", "春节", "holiday", "lunar_year"),
        ("National Day", "国庆节", "holiday", "holiday"),
        ("Strike", None, "other", "minor"),
    ],
)
def test_archetypes(name: str, zh: str | None, kind: str, archetype: str) -> None:
    assert archetype_of(name, zh, kind) == archetype


def test_opening_and_main_share_a_season_and_a_plateau_between() -> None:
    waves = read_waves(calendar(sale("Double 11 opening", D(2024, 11, 1)), sale("Double 11", D(2024, 11, 11))))
    assert waves[0].season == waves[1].season
    terms = place_phases(waves, days(D(2024, 10, 25), 30))
    by_day: dict[dt.date, list[str]] = {}
    for day, phase in zip(terms.day, terms.phase, strict=True):
        by_day.setdefault(D(2024, 10, 25) + dt.timedelta(days=int(day)), []).append(phase)
    assert by_day[D(2024, 11, 1)] == ["0"]
    assert by_day[D(2024, 11, 6)] == ["plateau+5"]
    assert by_day[D(2024, 11, 7)] == ["-4"]
    assert by_day[D(2024, 11, 11)] == ["0"]
    assert by_day[D(2024, 11, 20)] == ["rundown+9"]


def test_a_holiday_written_day_by_day_is_one_wave() -> None:
    rows = [
        {**sale("National Day", D(2024, 10, 1) + dt.timedelta(days=d), "holiday"), "date_to": D(2024, 10, 1 + d)}
        for d in range(3)
    ]
    for number, row in enumerate(rows):
        row["event_id"] = f"n{number}"
        row["date_from"] = row["date_to"]
    (wave,) = read_waves(calendar(*rows))
    assert (wave.first, wave.last) == (D(2024, 10, 1), D(2024, 10, 3))


def test_june_teaches_november() -> None:
    """A main day of 18 June that doubles what the trade expects makes 11 November expected larger, at its own date."""
    events = calendar(sale("618", D(2024, 6, 18)), sale("Double 11", D(2024, 11, 11)))
    span = days(D(2024, 4, 1), 240)
    terms = place_phases(read_waves(events), span)
    past = int(np.searchsorted(span, np.datetime64(D(2024, 10, 1))))
    quiet = np.zeros(past)
    taught = quiet.copy()
    taught[int(np.searchsorted(span, np.datetime64(D(2024, 6, 18))))] = np.log(4.0)
    peak = int(np.searchsorted(span, np.datetime64(D(2024, 11, 11))))
    flat = fit_uplift(quiet, np.ones(past), terms, {}).log_effect[peak]
    risen = fit_uplift(taught, np.ones(past), terms, {}).log_effect[peak]
    assert risen > flat + 0.5
    assert risen == pytest.approx(np.log(4.0), abs=0.4)


@pytest.mark.parametrize("left", [0.3, 0.0])
def test_a_sale_ebbs_away_as_it_did_before(left: float) -> None:
    """Two editions end at once, or leave three tenths on the fourth day that fade; so does the next, and its last days are quiet."""
    events = calendar(*[sale("Double 11", D(year, 11, 11)) for year in (2022, 2023, 2024)])
    span = days(D(2022, 9, 1), 860)
    terms = place_phases(read_waves(events), span)
    past = int(np.searchsorted(span, np.datetime64(D(2024, 11, 1))))
    seen = np.zeros(past)
    for year in (2022, 2023):
        first = int(np.searchsorted(span, np.datetime64(D(year, 11, 15))))
        seen[first : first + 8] = left * np.exp(-np.arange(8) / 2.0)
    uplift = fit_uplift(seen, np.ones(past), terms, {})
    found = uplift.log_effect
    first = int(np.searchsorted(span, np.datetime64(D(2024, 11, 15))))
    assert found[first] == pytest.approx(left, abs=0.09)
    assert uplift.ends_at_once == pytest.approx(0.0 if left else 1.0, abs=0.15)
    assert terms.ebbing()[first - 1 : first + 8].tolist() == [False] + [True] * 4 + [False] * 4
    assert found[first + 7] == pytest.approx(0.0, abs=0.05)
    touched = terms.touched()
    assert touched[first : first + 8].tolist() == [True] * 4 + [False] * 4


def test_planners_prior_is_followed_for_an_event_never_seen() -> None:
    events = calendar(sale("Black Friday", D(2024, 11, 29)))
    span = days(D(2024, 9, 1), 100)
    terms = place_phases(read_waves(events), span)
    past = 80
    with_prior = fit_uplift(np.zeros(past), np.ones(past), terms, {"Black Friday": EventPrior(5.0)})
    peak = 89
    assert np.exp(with_prior.log_effect[peak]) == pytest.approx(5.0, rel=0.1)
    assert np.exp(with_prior.log_effect[peak + 1]) == pytest.approx(2.0, rel=0.15)
    without = fit_uplift(np.zeros(past), np.ones(past), terms, {})
    assert np.exp(without.log_effect[peak]) < 3.0
    assert without.log_sd[peak] > 0.2
    assert without.log_sd[10] == 0.0


def test_prior_name_may_be_written_as_in_a_file() -> None:
    events = calendar(sale("Black Friday", D(2024, 11, 29)))
    terms = place_phases(read_waves(events), days(D(2024, 9, 1), 100))
    found = fit_uplift(np.zeros(80), np.ones(80), terms, {"black_friday": EventPrior(5.0)})
    assert np.exp(found.log_effect[89]) == pytest.approx(5.0, rel=0.1)


def test_more_editions_outweigh_the_prior() -> None:
    rows = [sale("Black Friday", D(year, 11, 28)) for year in range(2020, 2026)]
    span = days(D(2020, 10, 1), 365 * 5 + 90)
    terms = place_phases(read_waves(calendar(*rows)), span)
    past = int(np.searchsorted(span, np.datetime64(D(2025, 10, 1))))
    log_ratio = np.zeros(past)
    for year in range(2020, 2025):
        log_ratio[int(np.searchsorted(span, np.datetime64(D(year, 11, 28))))] = np.log(3.0)
    found = fit_uplift(log_ratio, np.ones(past), terms, {"Black Friday": EventPrior(9.0, spread=0.5)})
    peak = int(np.searchsorted(span, np.datetime64(D(2025, 11, 28))))
    assert np.exp(found.log_effect[peak]) == pytest.approx(3.0, rel=0.25)


def test_a_multiple_is_in_mean_days_and_comes_back_on_its_weekday() -> None:
    weekday = np.array([1.3, 0.7, 1.0, 0.001])
    multiples = np.array([5.0, 5.0, 0.4, 3.0])
    factor = np.exp(on_weekdays(Uplift(np.log(multiples), np.zeros(4)), weekday).log_effect)
    # Five mean days, of which the weekday moves a fifth of its own; a closure takes its share; a day of rest stays small.
    np.testing.assert_allclose(factor * weekday, [5.06, 4.94, 0.4, 0.003])
    np.testing.assert_allclose(times_normal_day(factor * weekday, weekday), multiples)


@pytest.mark.parametrize(("spread", "expected"), [(0.05, 6.0), (2.0, 3.0)])
def test_a_sure_planner_outweighs_editions_and_an_unsure_one_does_not(spread: float, expected: float) -> None:
    span = days(D(2020, 10, 1), 365 * 3 + 60)
    terms = place_phases(
        read_waves(calendar(*[sale("Black Friday", D(year, 11, 28)) for year in (2021, 2022, 2023)])), span
    )
    past = int(np.searchsorted(span, np.datetime64(D(2023, 10, 1))))
    seen = np.zeros(past)
    peaks = [int(np.searchsorted(span, np.datetime64(D(year, 11, 28)))) for year in (2021, 2022, 2023)]
    seen[peaks[:2]] = np.log(3.0)
    found = fit_uplift(seen, np.ones(past), terms, {"Black Friday": EventPrior(6.0, spread=spread)})
    assert np.exp(found.log_effect[peaks[2]]) == pytest.approx(expected, rel=0.12)
    # What is expected of the next edition does not change what the last ones were.
    alone = fit_uplift(seen, np.ones(past), terms, {})
    np.testing.assert_array_equal(found.log_effect[:past], alone.log_effect[:past])


def test_a_prior_of_a_holiday_is_that_of_its_first_day() -> None:
    terms = place_phases(read_waves(calendar(sale("National Day", D(2024, 10, 1), "holiday"))), days(D(2024, 8, 1), 80))
    found = fit_uplift(np.zeros(50), np.ones(50), terms, {"National Day": EventPrior(0.5, spread=0.1)})
    assert np.exp(found.log_effect[61]) == pytest.approx(0.5, rel=0.05)


def test_main_sales_flatten_from_year_to_year_until_history_says_otherwise() -> None:
    span = days(D(2023, 1, 1), 365 * 2)
    terms = place_phases(read_waves(calendar(sale("618", D(2023, 6, 18)), sale("618", D(2024, 6, 18)))), span)
    quiet = np.zeros(30)
    effect = fit_uplift(quiet, np.ones(30), terms, {}).log_effect
    first, second = (int(np.searchsorted(span, np.datetime64(D(year, 6, 18)))) for year in (2023, 2024))
    assert effect[second] - effect[first] == pytest.approx(-0.05, abs=0.01)
