from __future__ import annotations

import numpy as np

from data.calendar import build_calendar
from forecasting.inputs import no_events
from forecasting.outlets.calendar_columns import lay_columns
from forecasting.promotions.promotion_days import PromotionKind

DATES = np.arange(np.datetime64("2023-01-01"), np.datetime64("2025-01-31"))
KNOWN = DATES.size - 42


def test_only_what_was_seen_has_a_column_and_a_young_history_has_no_yearly_course() -> None:
    columns = lay_columns(DATES, KNOWN, no_events(), ())
    assert sum(name.startswith("day ") for name in columns.names) == 31
    assert sum(name.startswith("year") for name in columns.names) == 8
    assert not columns.event.any()
    young = lay_columns(DATES[-100:], 58, no_events(), ())
    assert not any(name.startswith("year") for name in young.names)


def test_the_days_to_christmas_stand_where_the_calendar_knows_it() -> None:
    columns = lay_columns(DATES, KNOWN, build_calendar("US", 2022, 2026), ())
    at = columns.names.index("-3 days from Christmas")
    assert DATES[columns.values[:, at] > 0].astype(str).tolist() == ["2023-12-22", "2024-12-22"]
    course = columns.values[:, [name.startswith("weeks from Christmas") for name in columns.names]]
    near = {str(day): float(share) for day, share in zip(DATES, course.sum(axis=1), strict=True) if share > 0}
    # From 24 days before to 6 after, each day wholly between two tents, and not the feast itself.
    assert min(near) == "2023-12-01"
    assert "2023-12-25" not in near
    assert sorted(near)[29] == "2023-12-31"
    np.testing.assert_allclose(list(near.values()), 1.0)
    chinese = lay_columns(DATES, KNOWN, build_calendar("CN", 2022, 2026), ())
    assert not any("Christmas" in name for name in chinese.names)


def test_a_promotion_that_may_go_on_has_no_last_day() -> None:
    on = np.zeros((2, DATES.size), dtype=bool)
    on[:, 100:104] = True
    on[:, -3:] = True
    columns = lay_columns(DATES, KNOWN, no_events(), (PromotionKind("network|||", True, on),))
    last = columns.values[:, columns.names.index("network|||, last day")]
    assert np.flatnonzero(last).tolist() == [103]
    assert columns.promotion.sum() == 1 + 4 + 2
