"""What trips ask of drivers: breaks, hours within a day and drivers, by hand."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.duties import Duty, assess_duty, list_duties


@pytest.mark.parametrize(
    ("trips", "breaks", "most", "drivers"),
    [
        ([(8.0, 12.0)], 0, 4.0, 1),  # four hours need no break
        ([(8.0, 12.1)], 1, 4.1, 1),
        ([(8.0, 20.5)], 3, 12.5, 2),
        ([(8.0, 12.0), (12.25, 16.0)], 1, 7.75, 1),  # a quarter of an hour is no break
        ([(8.0, 12.0), (12.0 + 1 / 3, 16.0)], 0, 4.0 + 11 / 3, 1),  # twenty minutes are
        ([(0.0, 8.0), (24.0, 32.0)], 2, 8.0, 1),  # the next day begins anew
        ([(0.0, 8.0), (20.0, 28.0)], 2, 12.0, 2),  # not so when it begins after twenty hours
        ([(0.0, 30.0)], 7, 24.0, 3),
    ],
)
def test_breaks_and_drivers(trips: list[tuple[float, float]], breaks: int, most: float, drivers: int) -> None:
    duty = assess_duty(trips)
    assert (duty.breaks, duty.drivers) == (breaks, drivers)
    assert duty.most_hours_a_day == pytest.approx(most)
    assert duty.driving_hours == pytest.approx(sum(end - start for start, end in trips))


@given(st.lists(st.tuples(st.floats(0.0, 30.0), st.floats(0.1, 20.0)), min_size=1, max_size=6))
def test_the_fullest_day_is_found(parts: list[tuple[float, float]]) -> None:
    trips, clock = [], 0.0
    for wait, hours in parts:
        trips.append((clock + wait, clock + wait + hours))
        clock += wait + hours
    duty = assess_duty(trips)
    # a slow look at windows that begin every quarter of an hour finds none fuller
    for quarter in range(int(4 * clock) + 1):
        at = quarter / 4
        held = sum(max(min(end, at + 24.0) - max(start, at), 0.0) for start, end in trips)
        assert held <= duty.most_hours_a_day + 1e-9
    assert duty.most_hours_a_day <= min(24.0, duty.driving_hours) + 1e-9
    assert duty.drivers * 8.0 >= duty.most_hours_a_day - 1e-5


def test_rotations_are_one_duty_and_other_trips_each_their_own_and_trains_none() -> None:
    day = date(2026, 11, 11)
    hour = 3600
    trips = pl.DataFrame(
        [
            ("t1", "own-1", day, 8 * hour, 13 * hour, "road", "own", "own"),
            ("t2", "own-1", date(2026, 11, 12), 2 * hour, 7 * hour, "road", "own", "own"),
            ("t3", None, day, 22 * hour, 32 * hour, "road", "spot", "spot"),
            ("t4", None, day, 22 * hour, 32 * hour, "road", "spot", "spot"),
            ("t5", None, day, 0, 90 * hour, "rail", "train", "contract"),
        ],
        schema=["trip_id", "block_id", "date", "leaves", "arrives", "mode", "vehicle_type_id", "ownership"],
        orient="row",
    )
    duties = list_duties(trips)
    assert duties["duty_id"].to_list() == ["own-1", "t3", "t4"]
    assert duties["trips"].to_list() == [2, 1, 1]
    assert duties["driving_hours"].to_list() == [10.0, 10.0, 10.0]
    assert duties["breaks"].to_list() == [2, 2, 2]
    assert duties["drivers"].to_list() == [2, 2, 2]
    assert str(duties["arrives_at"][0]) == "2026-11-12 07:00:00"
    assert str(duties["arrives_at"][1]) == "2026-11-12 08:00:00"
    assert list_duties(trips.clear()).is_empty()
    assert isinstance(assess_duty([(0.0, 1.0)]), Duty)
