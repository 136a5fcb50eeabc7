"""Days on which a series is closed, found all at once, are those a plain walk from day to day finds, to the last bit."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest

from data.arrays import Vector
from data.closing_rules import CLOSING
from data.closings import _closed_runs

# what a series is told as: first and last day closed, and its usual share
Runs = list[tuple[int, int, float]]


def walk(share: Vector, parcels: Vector, least: float) -> Runs:
    runs: Runs = []
    window: deque[tuple[float, float]] = deque(maxlen=CLOSING.usual_days)
    begin, usual = -1, 0.0
    days = list(zip(share.tolist(), parcels.tolist(), strict=True))
    sums = [0.0, 0.0]
    for at, day in enumerate(days):
        if begin < 0:
            if len(window) >= CLOSING.fewest_usual:
                usual, work = sums[0] / len(window), sums[1] / len(window)
                if day[0] < CLOSING.fallen * usual and usual >= least and work >= CLOSING.fewest_parcels:
                    begin = at
                    continue
        elif day[0] >= CLOSING.fallen * usual and (at + 1 == len(days) or days[at + 1][0] >= CLOSING.fallen * usual):
            runs.append((begin, at - 1, usual))
            if at - begin > CLOSING.longest:
                window.clear()
                sums = [0.0, 0.0]
            begin = -1
        else:
            continue
        if len(window) == CLOSING.usual_days:
            sums = [total - gone for total, gone in zip(sums, window[0], strict=True)]
        window.append(day)
        sums = [total + part for total, part in zip(sums, day, strict=True)]
    if begin >= 0:
        runs.append((begin, share.size - 1, usual))
    return runs


@pytest.mark.parametrize("seed", range(4))
def test_runs_are_those_of_a_plain_walk(seed: int) -> None:
    random = np.random.default_rng(seed)
    closed = 0
    for size in random.integers(0, 300, 60).tolist():
        share = random.lognormal(0.0, 0.5, size) * random.choice([0.001, 0.01, 0.1])
        for _ in range(int(random.integers(0, 9)) if size else 0):
            start = int(random.integers(0, size))
            share[start : start + int(random.choice([1, 2, 3, 7, 30, 70]))] *= random.choice([0.0, 0.02, 0.3, 10.0])
        parcels, least = share * random.choice([100.0, 2000.0, 50_000.0]), float(random.choice([0.0, 0.001, 0.01]))
        found = _closed_runs(share, parcels, least)
        assert found == walk(share, parcels, least)
        closed += len(found)
    assert closed > 20
