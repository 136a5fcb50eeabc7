from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl

from forecasting.series.windows import mark_windows


def test_windows_of_events_and_normal_days() -> None:
    events = pl.DataFrame(
        {
            "event_id": ["a", "b", "c"],
            "name": ["sale", "sale", "strike"],
            "kind": ["shopping", "shopping", "other"],
            "date_from": [dt.date(2025, 11, 1), dt.date(2025, 11, 9), dt.date(2025, 11, 3)],
            "date_to": [dt.date(2025, 11, 2), dt.date(2025, 11, 30), dt.date(2025, 11, 4)],
        }
    )
    marks = mark_windows(events, dt.date(2025, 11, 2), 9)
    assert np.flatnonzero(marks["sale"]).tolist() == [0, 7, 8]
    assert np.flatnonzero(marks["normal"]).tolist() == [1, 2, 3, 4, 5, 6]
    assert "strike" not in marks
