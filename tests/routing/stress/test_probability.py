"""Intervals of probabilities: never certain, and as wide as they say."""

from __future__ import annotations

import numpy as np
import pytest

from data.strata import lay_strata
from routing.stress.probability import Probability, estimate

STRATA = 25


def test_nothing_of_a_thousand_is_below_and_not_zero() -> None:
    found = estimate(np.zeros(1000, dtype=bool), STRATA)
    assert found.value == 0
    assert found.high == pytest.approx(3.8415 / (1000 + 3.8415), rel=1e-4)
    assert found.tell() == "below 0.38 %"


def test_independent_draws_have_wilsons_interval() -> None:
    hits = np.zeros(100, dtype=bool)
    hits[:10] = True
    found = estimate(hits, 1)
    assert (round(found.low, 4), round(found.high, 4)) == (0.0552, 0.1744)  # Wilson 1927 for 10 of 100


def test_strata_that_explain_all_narrow_the_interval() -> None:
    hits = np.arange(1000) % STRATA >= STRATA - 3
    free = estimate(hits, 1)
    strata = estimate(hits, STRATA)
    assert strata.value == free.value == 0.12
    assert strata.half_width < 0.6 * free.half_width


@pytest.mark.parametrize(("steep", "draws"), [(0.0, 250), (2.0, 250), (6.0, 250), (6.0, 70)])
def test_intervals_hold_the_truth_as_often_as_they_say(steep: float, draws: int) -> None:
    random = np.random.default_rng(4)
    repeats = 600
    place, of = lay_strata(draws, STRATA)
    levels = (place + random.random((repeats, draws))) / of
    fine = (np.arange(20_000) + 0.5) / 20_000
    shape = 0.12 if steep == 0 else None
    chance = np.full_like(levels, 0.12) if shape else 1 / (1 + np.exp(-steep * 3 * (levels - 0.9)))
    truth = 0.12 if shape else float((1 / (1 + np.exp(-steep * 3 * (fine - 0.9)))).mean())
    hits = random.random((repeats, draws)) < chance
    held = 0
    for row in hits:
        found: Probability = estimate(row, STRATA)
        held += found.low <= truth <= found.high
    assert 0.93 <= held / repeats <= 0.995
