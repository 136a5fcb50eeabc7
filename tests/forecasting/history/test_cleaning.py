"""What the days after a sale say of the level beside it."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from numpy.typing import NDArray

from forecasting.history.cleaning import clean_history
from tests.forecasting.small_networks import WEEK, calendar, sale

D = dt.date
LEVEL = 10_000.0


def total_of(dates: NDArray[np.datetime64], left: float, last_days: float) -> NDArray[np.float32]:
    """Return [1 x days]: a level with its week, sales of three normal days that leave ``left`` and fade, and ``last_days`` times the level at the end."""
    weekday = np.asarray(WEEK)[np.arange(dates.size) % 7]
    total = LEVEL * weekday / weekday.mean()
    for year in (2022, 2023, 2024):
        peak = int(np.searchsorted(dates, np.datetime64(D(year, 11, 11))))
        total[peak : peak + 3] *= np.array([3.0, 2.0, 1.4])[: max(0, dates.size - peak)]
        total[peak + 4 : peak + 12] *= np.exp(left * np.exp(-np.arange(8) / 2.0))[: max(0, dates.size - peak - 4)]
    total[-3:] *= last_days
    return np.asarray(total[None], dtype=np.float32)


def test_days_after_a_sale_speak_of_the_level_where_sales_were_seen_to_end_at_once() -> None:
    """A week after the peak, three good days at the end: only where nothing ebbs away do the four days before them say that they are no level."""
    events = calendar(*[sale("Double 11", D(year, 11, 11)) for year in (2022, 2023, 2024)])
    dates = np.arange("2022-08-01", "2024-11-22", dtype="datetime64[D]")

    def level(left: float, good: float) -> float:
        cleaned = clean_history(total_of(dates, left, good), dates, 14, events, {})
        return float(np.exp(cleaned.level[-7:].mean()) / LEVEL)

    assert level(0.0, 1.0) == pytest.approx(1.0, abs=0.03)
    assert level(0.35, 1.0) == pytest.approx(1.0, abs=0.06)
    at_once, ebbing = (level(left, 1.15) / level(left, 1.0) - 1.0 for left in (0.0, 0.35))
    assert at_once < 0.8 * ebbing
