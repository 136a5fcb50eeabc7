"""Events on a re-timed axis: phases where they belong, multiples found again, related events taught."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from forecasting.events import archetype_of, place_phases, read_waves
from forecasting.inputs import EventPrior
from forecasting.uplift import fit_uplift
from tests.forecasting.made import calendar, sale

D = dt.date


def days(first: dt.date, count: int) -> np.ndarray:
    return np.arange(np.datetime64(first, "D"), np.datetime64(first, "D") + count)


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
    assert by_day[D(2024, 11, 6)] == ["plateau"]
    assert by_day[D(2024, 11, 7)] == ["-4"]
    assert by_day[D(2024, 11, 11)] == ["0"]
    assert by_day[D(2024, 11, 20)] == ["rundown"]


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
