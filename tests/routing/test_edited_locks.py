"""Departures edited by hand become locks: changed, taken out, added; hours by the clock of the lane's origin."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import polars as pl

from routing.trunk.replan.edited_locks import lock_edits

DAY = date(2025, 11, 11)
ZONES = {"A-B": ZoneInfo("Asia/Shanghai"), "C-D": ZoneInfo("Asia/Urumqi")}


def _departures(*rows: tuple[str, str, int, datetime | None]) -> pl.DataFrame:
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "date": pl.Date, "lane_id": pl.String, "vehicle_type_id": pl.String, "departures": pl.Int64,
        "leaves_at": pl.Datetime("us", "UTC"),
    }  # fmt: skip
    return pl.DataFrame([(DAY, *row) for row in rows], schema=schema, orient="row")


def test_what_was_changed_is_locked_and_nothing_else() -> None:
    evening, night = datetime(2025, 11, 11, 8, tzinfo=UTC), datetime(2025, 11, 12, 0, tzinfo=UTC)
    planned = _departures(("A-B", "truck", 3, evening), ("A-B", "truck", 2, night), ("C-D", "truck", 1, evening))
    edited = _departures(("A-B", "truck", 5, evening), ("A-B", "van", 2, night), ("C-D", "truck", 1, evening))
    locks = lock_edits(planned, edited, ZONES)
    told = locks.select("lane_id", "leaves", "vehicle_type_id", "at_least", "at_most", "before").rows()
    assert told == [
        ("A-B", "16:00", "truck", 5, 5, 3),
        ("A-B", "32:00", "truck", 0, 0, 2),
        ("A-B", "32:00", "van", 2, 2, 0),
    ]
    every = lock_edits(planned, edited, ZONES, every=True)
    assert every.filter(pl.col("lane_id") == "C-D").select("leaves", "at_least", "at_most").rows() == [("14:00", 1, 1)]
    assert lock_edits(planned, planned, ZONES).is_empty()


def test_plans_by_days_are_locked_at_any_hour() -> None:
    planned = _departures(("A-B", "truck", 3, None), ("A-B", "van", 1, None))
    locks = lock_edits(planned.drop("leaves_at"), planned.head(1), ZONES)
    assert locks.select("leaves", "vehicle_type_id", "at_most").rows() == [("any", "van", 0)]
