"""Trips whose clock can be followed by hand: 18 hours from longitude 0 to 9 on the equator, leaving at 20:00."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.weather.exposure.test_impact import DAY, HUBS, LEAVES, PLACES, lane, scene, warned, weather
from weather.exposure.impact import assess_lanes
from weather.exposure.lane_places import sample_lanes
from weather.exposure.trips import drive, list_trips

UTC_ZONE = ZoneInfo("UTC")
EVERYWHERE = [float(step) for step in range(10)]
FOG = {"visibility_m": 80.0}


def test_one_hour_storm_is_met_wherever_it_stands() -> None:
    for hour in range(1, 19):
        # the vehicle is at longitude hour / 2 when that hour ends
        where = float(round(hour / 2 - 0.25))
        met = {(where, LEAVES + timedelta(hours=hour)): FOG}
        row = assess_lanes(sample_lanes(lane(), HUBS, 400.0), [DAY], scene(weather(range(20), EVERYWHERE, met)))
        assert row["speed_factor"].to_list() == [0.5], hour


def test_slowed_trip_meets_the_rest_later() -> None:
    # fog over longitude 0 halves the speed until the vehicle is out of it
    slow = {(0.0, LEAVES + timedelta(hours=hour)): FOG for hour in range(20)}
    samples = sample_lanes(lane(), HUBS, 400.0)
    trips = list_trips(samples, [DAY], 20, UTC_ZONE)
    fair = drive(samples, trips, scene(weather(range(40), PLACES, {})))
    driven = drive(samples, trips, scene(weather(range(40), PLACES, slow)))
    assert fair.arrives[0] - trips.leaves[0] == pytest.approx(18.0)
    # longitude 0 speaks for the first 1.5 degrees: three hours of way at half the speed
    assert driven.arrives[0] - trips.leaves[0] == pytest.approx(21.0)
    late = slow | {(9.0, LEAVES + timedelta(hours=21)): {"precipitation_mm": 7.0}}
    wet = drive(samples, trips, scene(weather(range(40), PLACES, late)))
    assert wet.effect.capacity[0] == pytest.approx(0.859)
    dry = {(9.0, LEAVES + timedelta(hours=21)): {"precipitation_mm": 7.0}}
    assert drive(samples, trips, scene(weather(range(40), PLACES, dry))).effect.capacity[0] == 1.0


def test_warning_slows_the_clock_too() -> None:
    samples = sample_lanes(lane(), HUBS, 400.0)
    trips = list_trips(samples, [DAY], 20, UTC_ZONE)
    whole = warned(onset=LEAVES - timedelta(hours=1), expires=LEAVES + timedelta(hours=48))
    # a third of the way lies in the area: 6 hours become 9; the hours at its edges count whole
    assert drive(samples, trips, scene(warnings=whole)).arrives[0] - trips.leaves[0] == pytest.approx(21.0, abs=1.0)


def test_departures_have_their_own_hours_and_weekdays() -> None:
    samples = sample_lanes(lane(), HUBS, 400.0)
    departures = pl.DataFrame(
        {"lane_id": ["A-B", "A-B", "other"], "leaves": ["06:30", "25:00", "01:00"], "weekdays": ["", "3", ""]},
        schema_overrides={"weekdays": pl.String},
    )
    days = [date(2025, 11, 11), date(2025, 11, 12)]  # Tuesday, Wednesday
    trips = list_trips(samples, days, 20, UTC_ZONE, departures)
    hours = sorted(trips.leaves - LEAVES.timestamp() / 3600)
    assert hours == [-13.5, 10.5, 29.0]


def test_worst_departure_of_the_day_counts() -> None:
    departures = pl.DataFrame(
        {"lane_id": ["A-B", "A-B"], "leaves": ["20:00", "23:00"], "weekdays": [None, None]},
        schema_overrides={"weekdays": pl.String},
    )
    fog = scene(weather(range(40), EVERYWHERE, {(9.0, LEAVES + timedelta(hours=21)): FOG}))
    samples = sample_lanes(lane(), HUBS, 400.0)
    assert assess_lanes(samples, [DAY], fog)["speed_factor"].to_list() == [1.0]
    assert assess_lanes(samples, [DAY], fog, departures)["speed_factor"].to_list() == [0.5]


def test_lane_of_no_length_still_arrives() -> None:
    samples = sample_lanes(lane(hours=0.0), HUBS, 400.0)
    trips = list_trips(samples, [DAY], 20, UTC_ZONE)
    assert drive(samples, trips, scene(weather(range(5), PLACES, {}))).arrives[0] == pytest.approx(
        trips.leaves[0], abs=0.01
    )


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 60)), max_size=12), st.floats(0.5, 30.0))
def test_trips_never_arrive_early_nor_stop(storms: list[tuple[int, int]], hours: float) -> None:
    met = {(float(where), LEAVES + timedelta(hours=hour)): FOG for where, hour in storms}
    samples = sample_lanes(lane(hours=hours), HUBS, 400.0)
    trips = list_trips(samples, [DAY], 20, UTC_ZONE)
    driven = drive(samples, trips, scene(weather(range(70), EVERYWHERE, met)))
    taken = driven.arrives[0] - trips.leaves[0]
    assert hours - 1e-6 <= taken <= 2.0 * hours + 1.0
