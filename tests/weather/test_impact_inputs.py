"""From tables to the weather of a network: of all warnings that were ever issued those of its days work on it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from data.contracts import contract
from data.settings import WeatherSettings
from tests.weather.exposure.test_impact import DAY, HUBS, LEAVES, lane, warned
from weather.impact_inputs import ImpactTables, assess_network, choose_days

OUTLETS = pl.DataFrame({"outlet_id": ["WEST", "EAST"], "latitude": [0.0, 0.0], "longitude": [0.1, 8.0]})


def _area(west: float, east: float) -> str:
    ring = [[west, -1.0], [east, -1.0], [east, 1.0], [west, 1.0], [west, -1.0]]
    return json.dumps({"type": "Polygon", "coordinates": [ring]})


def _tables(*warnings: pl.DataFrame) -> ImpactTables:
    empty = {name: contract(name).empty() for name in ("waybills", "weather_observations", "weather_forecasts")}
    nothing = empty["weather_observations"], empty["weather_forecasts"]
    return ImpactTables(lane(), HUBS, OUTLETS, empty["waybills"], *nothing, pl.concat(warnings))


def test_warnings_of_other_days_do_nothing_and_those_of_the_day_stand_where_they_stand() -> None:
    today = {"onset": LEAVES - timedelta(hours=12), "expires": LEAVES + timedelta(hours=20)}
    tables = _tables(
        # two of last month, over all of it, come first in the order of warnings
        warned(
            warning_id="old-1",
            severity="red",
            area=_area(-2, 10),
            onset=LEAVES - timedelta(days=30),
            expires=LEAVES - timedelta(days=29),
        ),
        warned(
            warning_id="old-2",
            severity="red",
            area=_area(-2, 10),
            onset=LEAVES - timedelta(days=20),
            expires=LEAVES - timedelta(days=19),
        ),
        warned(warning_id="west", severity="blue", area=_area(-1, 1), **today),
        warned(warning_id="east", severity="orange", area=_area(7, 10), **today),
        warned(warning_id="sea", severity="red", area=_area(40, 41), **today),
    )
    found = assess_network(tables, [DAY], WeatherSettings(), ZoneInfo("UTC"))
    told = {row["outlet_id"]: (row["severity"], row["cause"]) for row in found.outlets.iter_rows(named=True)}
    assert told == {
        "WEST": ("blue", "warning 暴雪 blue (west)"),
        "EAST": ("orange", "warning 暴雪 orange (east)"),
    }
    assert found.untouched == ("sea",)
    # the lane leaves A under the blue warning, and from 14 hours on is under the orange one: the worst it meets is told
    assert [row["cause"] for row in found.lanes.iter_rows(named=True)] == ["warning 暴雪 orange (east)"]


FAIR = {"temperature_c": 12.0, "precipitation_mm": 0.0, "snowfall_cm": 0.0, "wind_speed_ms": 2.0, "visibility_m": 2e4}
WEEKDAY_SORTS = pl.DataFrame(
    {
        "hub_id": ["A", "A"],
        "sort_id": ["day", "night"],
        "cut_off": ["9:00", "30:00"],
        "closes": ["10:00", "32:00"],
        "weekdays": ["2", "3"],
    }
)


def _forecast(hours: int) -> ImpactTables:
    """A forecast over the whole lane, from the midnight that begins DAY (a Tuesday) on."""
    begin = LEAVES - timedelta(hours=20)
    rows = [
        {"issued_at": begin, "valid_at": begin + timedelta(hours=hour), "latitude": 0.0, "longitude": 4.5} | FAIR
        for hour in range(hours + 1)
    ]
    moments = dict.fromkeys(("issued_at", "valid_at"), pl.Datetime("us", "UTC"))
    seen = contract("weather_forecasts").arrange(pl.DataFrame(rows, schema_overrides=moments))
    return replace(_tables(warned().clear()), forecasts=seen)


@pytest.mark.parametrize(
    ("hours", "last"),
    [
        (30, 0),  # the lane is left at 10:00 of Tuesday; the night sort of Wednesday closes after the end
        (24 + 32, 1),  # at 08:00 of Thursday, with that night's sort
        (24 * 4, 1),  # and on no later day of the week
    ],
)
def test_the_last_day_is_the_last_on_which_a_lane_is_left_within_the_forecast(hours: int, last: int) -> None:
    tables = replace(_forecast(hours), hub_sorts=WEEKDAY_SORTS)
    days = choose_days(tables, WeatherSettings(), ZoneInfo("UTC"), None, None)
    assert days == [DAY + timedelta(days=step) for step in range(last + 1)]


def test_without_sorts_the_usual_hour_tells_the_last_day() -> None:
    # in Nairobi it is three hours later
    for zone, hours, last in (("UTC", 43, 0), ("UTC", 44, 1), ("Africa/Nairobi", 40, 0), ("Africa/Nairobi", 41, 1)):
        days = choose_days(_forecast(hours), WeatherSettings(), ZoneInfo(zone), None, None)
        assert days[-1] == DAY + timedelta(days=last)


def test_days_on_which_a_lane_is_not_left_are_not_told_as_unknown() -> None:
    days = [DAY + timedelta(days=step) for step in range(4)]
    found = assess_network(
        replace(_forecast(24 * 5), hub_sorts=WEEKDAY_SORTS), days, WeatherSettings(), ZoneInfo("UTC")
    )
    assert (found.lanes.height, found.unknown_lane_days) == (2, 0)


def test_hours_of_a_far_clock_are_read_though_they_lie_on_another_day() -> None:
    """The hub of origin is 14 hours ahead and shut for three days: what leaves then meets the fog of that hour alone."""
    tables = _forecast(24 * 9)
    thick = tables.forecasts.with_columns(
        visibility_m=pl.when(pl.col("valid_at") > LEAVES + timedelta(days=5, hours=3)).then(80.0).otherwise(2e4)
    )
    shut = {"starts_at": [LEAVES - timedelta(days=2)], "ends_at": [LEAVES + timedelta(days=5)], "open_share": [0.0]}
    far = replace(
        tables,
        forecasts=thick,
        hubs=HUBS.with_columns(time_zone=pl.lit("Pacific/Kiritimati")),
        hub_sorts=WEEKDAY_SORTS,
        hub_closures=pl.DataFrame({"closure_id": ["1"], "hub_id": ["A"]} | shut),
    )
    assert assess_network(far, [DAY], WeatherSettings(), ZoneInfo("UTC")).lanes["speed_factor"].to_list() == [0.5]


def test_a_network_without_lanes_has_no_rows() -> None:
    found = assess_network(replace(_forecast(48), lanes=lane().clear()), [DAY], WeatherSettings(), ZoneInfo("UTC"))
    assert (found.lanes.height, found.unknown_lane_days, found.closures.height) == (0, 0, 0)
