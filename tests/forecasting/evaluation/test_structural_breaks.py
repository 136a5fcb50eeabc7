from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from forecasting.evaluation.structural_breaks import find_breaks
from forecasting.inputs import no_changes
from forecasting.series.panel import Membership

FIRST = dt.date(2025, 6, 2)
OUT = Membership(np.array([0, 0, 0]), ("O",))
INTO = Membership(np.array([0, 1, 2]), ("A", "B", "C"))
MEAN = np.repeat(np.array([[500.0], [400.0], [100.0]]), 14, axis=1)


def handed_over(start: int, end: int) -> NDArray[np.float64]:
    """B's parcels go to C on some days; the whole network is a tenth above the forecast."""
    actual = MEAN * 1.1
    actual[2, start:end] += actual[1, start:end]
    actual[1, start:end] = 0
    return actual


def test_a_hub_that_handed_its_parcels_on_is_told_with_its_part_of_the_error() -> None:
    actual = handed_over(5, 14)
    found = find_breaks(actual, MEAN, FIRST, OUT, INTO, no_changes())
    assert found.select("hub_id", "direction", "date_from", "days").rows() == [
        ("C", "in", FIRST + dt.timedelta(days=5), 9),
        ("B", "in", FIRST + dt.timedelta(days=5), 9),
    ]
    assert found["actual_share"].to_list() == pytest.approx([0.5, 0.0])
    assert found["forecast_share"].to_list() == pytest.approx([0.1, 0.4])
    whole = np.abs(actual - MEAN).sum()
    assert found["error_share"].to_list() == pytest.approx([9 * 450 / whole, 9 * 400 / whole])


def test_what_was_announced_what_is_short_and_what_is_even_is_not_told() -> None:
    change = {"change_id": "x", "date": FIRST, "hub_id": "B", "change": "moves", "successor_hub_id": "C"}
    announced = pl.DataFrame([change]).with_columns(share=pl.lit(None, pl.Float64), reason=pl.lit(None, pl.String))
    assert find_breaks(handed_over(5, 14), MEAN, FIRST, OUT, INTO, announced).is_empty()
    assert find_breaks(handed_over(5, 7), MEAN, FIRST, OUT, INTO, no_changes()).is_empty()
    assert find_breaks(MEAN * 3, MEAN, FIRST, OUT, INTO, no_changes()).is_empty()
    assert find_breaks(MEAN * 0, MEAN, FIRST, OUT, INTO, no_changes()).height == 0
