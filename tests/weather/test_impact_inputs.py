"""From tables to the weather of a network: of all warnings that were ever issued those of its days work on it."""

from __future__ import annotations

import json
from datetime import timedelta
from zoneinfo import ZoneInfo

import polars as pl

from data.contracts import contract
from data.settings import WeatherSettings
from tests.weather.exposure.test_impact import DAY, HUBS, LEAVES, lane, warned
from weather.impact_inputs import ImpactTables, assess_network

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
