"""Trips whose clock can be followed by hand: 18 hours from longitude 0 to 9 on the equator, leaving at 20:00."""

from __future__ import annotations

import json
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.weather.exposure.test_impact import DAY, HUBS, LEAVES, PLACES, departures, lane, scene, warned, weather
from weather.exposure.closures import find_closures
from weather.exposure.impact import assess_lanes
from weather.exposure.lane_places import sample_lanes
from weather.exposure.trips import drive, list_trips

AT_TWENTY = departures(lane(), [DAY])
EVERYWHERE = [float(step) for step in range(10)]
FOG = {"visibility_m": 80.0}


def test_one_hour_storm_is_met_wherever_it_stands() -> None:
    for hour in range(1, 19):
        # the vehicle is at longitude hour / 2 when that hour ends
        where = float(round(hour / 2 - 0.25))
        met = {(where, LEAVES + timedelta(hours=hour)): FOG}
        row = assess_lanes(
            sample_lanes(lane(), HUBS, 400.0), [DAY], scene(weather(range(20), EVERYWHERE, met)), AT_TWENTY
        )
        assert row["speed_factor"].to_list() == [0.5], hour


def test_slowed_trip_meets_the_rest_later() -> None:
    # fog over longitude 0 halves the speed until the vehicle is out of it
    slow = {(0.0, LEAVES + timedelta(hours=hour)): FOG for hour in range(20)}
    samples = sample_lanes(lane(), HUBS, 400.0)
    trips = list_trips(samples, [DAY], AT_TWENTY)
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
    trips = list_trips(samples, [DAY], AT_TWENTY)
    whole = warned(onset=LEAVES - timedelta(hours=1), expires=LEAVES + timedelta(hours=48))
    # a third of the way lies in the area: 6 hours become 9; the hours at its edges count whole
    assert drive(samples, trips, scene(warnings=whole)).arrives[0] - trips.leaves[0] == pytest.approx(21.0, abs=1.0)


def test_departures_have_their_own_hours_and_weekdays() -> None:
    samples = sample_lanes(lane(), HUBS, 400.0)
    listed = pl.DataFrame(
        {"lane_id": ["A-B", "A-B", "other"], "leaves": ["06:30", "25:00", "01:00"], "weekdays": ["", "3", ""]},
        schema_overrides={"weekdays": pl.String},
    )
    days = [date(2025, 11, 11), date(2025, 11, 12)]  # Tuesday, Wednesday
    trips = list_trips(samples, days, departures(lane(), days, lane_departures=listed))
    hours = sorted(trips.leaves - LEAVES.timestamp() / 3600)
    assert hours == [-13.5, 10.5, 29.0]


def test_worst_departure_of_the_day_counts() -> None:
    listed = pl.DataFrame(
        {"lane_id": ["A-B", "A-B"], "leaves": ["20:00", "23:00"], "weekdays": [None, None]},
        schema_overrides={"weekdays": pl.String},
    )
    fog = scene(weather(range(40), EVERYWHERE, {(9.0, LEAVES + timedelta(hours=21)): FOG}))
    samples = sample_lanes(lane(), HUBS, 400.0)
    twice = departures(lane(), [DAY], lane_departures=listed)
    assert assess_lanes(samples, [DAY], fog, AT_TWENTY)["speed_factor"].to_list() == [1.0]
    assert assess_lanes(samples, [DAY], fog, twice)["speed_factor"].to_list() == [0.5]


def test_lane_of_no_length_still_arrives() -> None:
    samples = sample_lanes(lane(hours=0.0), HUBS, 400.0)
    trips = list_trips(samples, [DAY], AT_TWENTY)
    assert drive(samples, trips, scene(weather(range(5), PLACES, {}))).arrives[0] == pytest.approx(
        trips.leaves[0], abs=0.01
    )


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 60)), max_size=12), st.floats(0.5, 30.0))
def test_trips_never_arrive_early_nor_stop(storms: list[tuple[int, int]], hours: float) -> None:
    met = {(float(where), LEAVES + timedelta(hours=hour)): FOG for where, hour in storms}
    samples = sample_lanes(lane(hours=hours), HUBS, 400.0)
    trips = list_trips(samples, [DAY], AT_TWENTY)
    driven = drive(samples, trips, scene(weather(range(70), EVERYWHERE, met)))
    taken = driven.arrives[0] - trips.leaves[0]
    assert hours - 1e-6 <= taken <= 2.0 * hours + 1.0


CLOSES = (8, 16, 24)  # of the sorts of A [hours of the business date]


def _sorts(hub: str, *closes: int) -> pl.DataFrame:
    rows = [(hub, f"{hour}", f"{hour - 1}:00", f"{hour}:00") for hour in closes]
    return pl.DataFrame(rows, schema=["hub_id", "sort_id", "cut_off", "closes"], orient="row")


@pytest.mark.parametrize("way", ["A-B", "B-A"])
def test_every_one_hour_storm_over_a_lane_that_some_departure_meets_touches_it(way: str) -> None:
    """Two hours on the road after each close; from a hub without sorts, beside one that has some, after 24:00."""
    origin, _, end = way.partition("-")
    road = lane(hours=2.0).with_columns(
        lane_id=pl.lit(way), origin_hub_id=pl.lit(origin), destination_hub_id=pl.lit(end)
    )
    samples = sample_lanes(road, HUBS, 400.0)
    midnight = LEAVES - timedelta(hours=20)
    found: dict[str, set[int]] = {"sorts": set(), "usual": set()}
    for hour in range(1, 27):
        storm = {(where, midnight + timedelta(hours=hour)): FOG for where in EVERYWHERE}
        sky = scene(weather(range(-24, 20), EVERYWHERE, storm))
        # the other hub's sorts tell nothing of this lane
        for name, hub in (("sorts", origin), ("usual", end)):
            times = departures(road, [DAY], hub_sorts=_sorts(hub, *CLOSES))
            if assess_lanes(samples, [DAY], sky, times)["speed_factor"].item() < 1.0:
                found[name].add(hour)
    assert found == {"sorts": {close + hour for close in CLOSES for hour in (1, 2)}, "usual": {25, 26}}


def test_days_without_a_departure_have_no_row() -> None:
    samples, days = sample_lanes(lane(), HUBS, 400.0), [DAY, DAY + timedelta(days=1)]  # Tuesday, Wednesday
    times = departures(lane(), days, hub_sorts=_sorts("A", 8).with_columns(weekdays=pl.lit("3")))
    fog = scene(weather(range(-24, 60), EVERYWHERE, {}))
    assert assess_lanes(samples, days, fog, times)["date"].to_list() == [days[1]]
    assert assess_lanes(samples, days[:1], fog, times).is_empty()


@pytest.mark.parametrize("mode", ["air", "road"])
@pytest.mark.parametrize(
    ("where", "hour", "meets"),
    [(0.0, 1, True), (0.0, 4, False), (9.0, 18, True), (9.0, 14, False), (4.0, 9, False), (5.0, 10, False)],
)
def test_a_flight_meets_the_weather_of_its_ends_alone(mode: str, where: float, hour: int, meets: bool) -> None:
    """Of 18 hours fog over the start counts in the first and over the end in the last; a road meets what is on its way too."""
    flight, times = lane(mode), departures(lane(), [DAY])
    samples = sample_lanes(flight, HUBS, 400.0)
    fog = scene(weather(range(20), EVERYWHERE, {(where, LEAVES + timedelta(hours=hour)): FOG}))
    row = assess_lanes(samples, [DAY], fog, times).row(0, named=True)
    assert (row["closure_probability"] > 0.0) == (meets or (mode == "road" and where in (4.0, 5.0)))


@pytest.mark.parametrize(("west", "east", "closed"), [(3.0, 6.0, 0), (-1.0, 6.0, 1), (3.0, 10.0, 1), (-1.0, 10.0, 1)])
def test_a_warning_closes_a_flight_only_over_its_ends(west: float, east: float, closed: int) -> None:
    ring = [[west, -1.0], [east, -1.0], [east, 1.0], [west, 1.0], [west, -1.0]]
    area = json.dumps({"type": "Polygon", "coordinates": [ring]})
    snow = warned(onset=LEAVES - timedelta(hours=1), expires=LEAVES + timedelta(hours=48), area=area)
    for mode, expected in (("air", closed), ("road", 1)):
        samples, sky = sample_lanes(lane(mode), HUBS, 400.0), scene(warnings=snow)
        assert find_closures(samples, sky, LEAVES, LEAVES + timedelta(hours=20)).height == expected
        rows = assess_lanes(samples, [DAY], sky, departures(lane(), [DAY]))
        assert rows.filter(pl.col("closure_probability") > 0.0).height == expected


def test_what_the_values_call_for_closes_a_flight_only_at_its_ends() -> None:
    for where, expected in ((0.0, 1), (4.0, 0), (9.0, 1)):
        fog = scene(weather(range(20), EVERYWHERE, {(where, LEAVES + timedelta(hours=9)): FOG}))
        for mode, found in (("air", expected), ("road", 1)):
            samples = sample_lanes(lane(mode), HUBS, 400.0)
            assert find_closures(samples, fog, LEAVES, LEAVES + timedelta(hours=20)).height == found
