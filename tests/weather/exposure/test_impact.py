"""Small skies whose effect on a lane or an outlet can be worked out by hand."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from data.contracts import contract
from data.departure_times import TimetableTables, list_departures
from data.settings import WeatherSettings
from weather.effects.effect_tables import EffectTables, list_effects
from weather.exposure.impact import assess_lanes, assess_outlets, hours_needed
from weather.exposure.lane_places import sample_lanes
from weather.exposure.points import build_grid, known_weather
from weather.exposure.scene import WeatherScene
from weather.exposure.warnings import acting_warnings

DAY = date(2025, 11, 11)
# with UTC as the workspace's zone, linehaul leaves at 20:00 UTC
LEAVES = datetime(2025, 11, 11, 20, tzinfo=UTC)
HUBS = pl.DataFrame({"hub_id": ["A", "B"], "latitude": [0.0, 0.0], "longitude": [0.0, 9.0]})
OUTLETS = pl.DataFrame(
    {"outlet_id": ["NEAR", "FAR", "LOST"], "latitude": [0.0, 0.0, None], "longitude": [0.1, 50.0, None]}
)
FAIR = {"temperature_c": 12.0, "precipitation_mm": 0.0, "snowfall_cm": 0.0, "wind_speed_ms": 2.0, "visibility_m": 2e4}


def weather(hours: range, places: list[float], changes: dict[tuple[float, datetime], dict[str, float]]) -> pl.DataFrame:
    """Fair weather on the equator at some longitudes, from LEAVES on, but for the changes."""
    rows = []
    for longitude in places:
        for hour in hours:
            at = LEAVES + timedelta(hours=hour)
            rows.append(
                {"valid_at": at, "latitude": 0.0, "longitude": longitude} | FAIR | changes.get((longitude, at), {})
            )
    frame = pl.DataFrame(rows, schema_overrides={"valid_at": pl.Datetime("us", "UTC")})
    return contract("weather_observations").arrange(frame)


def warned(**changes: Any) -> pl.DataFrame:
    ring = [[3.0, -1.0], [6.0, -1.0], [6.0, 1.0], [3.0, 1.0], [3.0, -1.0]]
    row: dict[str, Any] = {
        "warning_id": "W1",
        "kind": "暴雪",
        "severity": "orange",
        "onset": LEAVES + timedelta(hours=10),
        "expires": LEAVES + timedelta(hours=12),
        "area": json.dumps({"type": "Polygon", "coordinates": [ring]}),
        "text": None,
    }
    return contract("weather_warnings").conform(
        pl.DataFrame(
            [row | changes], schema_overrides={name: pl.Datetime("us", "UTC") for name in ("onset", "expires")}
        )
    )


def scene(seen: pl.DataFrame | None = None, warnings: pl.DataFrame | None = None, **settings: Any) -> WeatherScene:
    nothing = contract("weather_observations").empty()
    alerts = contract("weather_warnings").empty() if warnings is None else warnings
    grid = build_grid(known_weather(nothing if seen is None else seen, nothing))
    tables = EffectTables(list_effects())
    acting = acting_warnings(alerts)
    return WeatherScene(grid, acting.frame, acting.areas, tables, WeatherSettings(**settings), ZoneInfo("UTC"))


def lane(mode: str = "road", hours: float = 18.0) -> pl.DataFrame:
    columns = {"lane_id": "A-B", "origin_hub_id": "A", "destination_hub_id": "B", "mode": mode, "transit_hours": hours}
    return pl.DataFrame([columns])


def departures(lanes: pl.DataFrame, days: list[date], **tables: Any) -> pl.DataFrame:
    """When lanes are left: at 20:00 UTC, but for what tables say."""
    return list_departures(lanes, TimetableTables(HUBS, **tables), days, ZoneInfo("UTC"), 20)


def assess(above: WeatherScene, mode: str = "road", hours: float = 18.0) -> dict[str, Any] | None:
    frame = assess_lanes(sample_lanes(lane(mode, hours), HUBS, 400.0), [DAY], above, departures(lane(), [DAY]))
    contract("lane_weather").conform(frame.with_columns(run_id=pl.lit("test")))
    return frame.row(0, named=True) if frame.height else None


# places of the lane at longitudes 0, 3, 6, 9; crossed 0, 6, 12, 18 hours after departure
PLACES = [0.0, 3.0, 6.0, 9.0]
FOG = {"visibility_m": 80.0}


def test_fair_weather_is_told_as_such() -> None:
    row = assess(scene(weather(range(20), PLACES, {})))
    assert row is not None
    assert (row["speed_factor"], row["capacity_factor"], row["closure_probability"]) == (1.0, 1.0, 0.0)
    assert (row["severity"], row["cause"]) == ("none", "")


def test_lane_takes_the_worst_of_what_it_crosses_at_the_hour() -> None:
    crossed = scene(weather(range(20), PLACES, {(3.0, LEAVES + timedelta(hours=6)): FOG}))
    row = assess(crossed)
    assert row is not None
    # 50 to 100 m: 40 km/h of 80; orange fog is shut with 25 %
    assert (row["speed_factor"], row["capacity_factor"], row["closure_probability"]) == (0.5, 0.88, 0.25)
    assert row["severity"] == "orange"
    assert row["cause"] == "visibility 80 m near 0.00, 3.00 at 11-12 02:00"


@pytest.mark.parametrize("hour", [1, 2, 11, 12])
def test_fog_while_the_lane_is_elsewhere_is_not_met(hour: int) -> None:
    row = assess(scene(weather(range(20), PLACES, {(3.0, LEAVES + timedelta(hours=hour)): FOG})))
    assert row is not None
    assert row["speed_factor"] == 1.0


def test_slower_lane_meets_it_later() -> None:
    fog = scene(weather(range(40), PLACES, {(3.0, LEAVES + timedelta(hours=12)): FOG}))
    fast, slow = assess(fog, hours=18.0), assess(fog, hours=36.0)
    assert fast is not None
    assert slow is not None
    assert (fast["speed_factor"], slow["speed_factor"]) == (1.0, 0.5)


def test_end_of_the_lane_counts() -> None:
    row = assess(scene(weather(range(20), PLACES, {(9.0, LEAVES + timedelta(hours=18)): {"snowfall_cm": 3.0}})))
    assert row is not None
    assert row["speed_factor"] == pytest.approx(0.70)
    assert row["cause"].startswith("snow 3.0 mm/h near 0.00, 9.00")


def test_two_places_give_their_worst_each() -> None:
    changes = {
        (0.0, LEAVES + timedelta(hours=1)): {"visibility_m": 150.0},  # speed 0.75, capacity 0.88
        (9.0, LEAVES + timedelta(hours=18)): {"precipitation_mm": 7.0},  # speed 0.859, capacity 0.859
    }
    row = assess(scene(weather(range(20), PLACES, changes)))
    assert row is not None
    assert (row["speed_factor"], row["capacity_factor"]) == (0.75, pytest.approx(0.859))


def test_rail_and_air_take_their_share() -> None:
    fog = scene(weather(range(20), PLACES, {(3.0, LEAVES + timedelta(hours=6)): FOG}))
    held = scene(weather(range(20), PLACES, {(0.0, LEAVES + timedelta(hours=1)): FOG}))
    rail, air = assess(fog, "rail"), assess(held, "air")
    assert rail is not None
    assert air is not None
    assert (rail["speed_factor"], rail["closure_probability"]) == (pytest.approx(0.875), pytest.approx(0.025))
    assert (air["speed_factor"], air["closure_probability"]) == (1.0, 0.125)


def test_unknown_weather_has_no_row() -> None:
    assert assess(scene()) is None
    assert assess(scene(weather(range(20), [40.0], {}))) is None


def test_point_beyond_the_radius_says_nothing() -> None:
    # the fog stands 28 km from the nearest places of the lane
    fog = weather(range(20), [5.25], {(5.25, LEAVES + timedelta(hours=hour)): FOG for hour in range(20)})
    assert assess(scene(fog, radius_km=20.0)) is None
    reached = assess(scene(fog, radius_km=150.0))
    assert reached is not None
    assert reached["speed_factor"] == 0.5


def test_warning_counts_while_the_lane_is_in_its_area() -> None:
    # in the area from longitude 3 to 6: hours 6 to 12
    row = assess(scene(warnings=warned()))
    assert row is not None
    assert row["speed_factor"] == pytest.approx(1 / 1.5)
    assert (row["closure_probability"], row["severity"]) == (0.30, "orange")
    assert row["cause"] == "warning 暴雪 orange (W1)"


def test_warning_that_comes_too_late_or_ends_too_soon_is_not_met() -> None:
    late = warned(onset=LEAVES + timedelta(hours=13), expires=LEAVES + timedelta(hours=30))
    soon = warned(onset=LEAVES - timedelta(hours=9), expires=LEAVES + timedelta(hours=5))
    assert assess(scene(warnings=late)) is None
    assert assess(scene(warnings=soon)) is None


def test_warning_of_unknown_kind_keeps_its_colour_without_an_effect() -> None:
    row = assess(scene(warnings=warned(kind="heat", severity="red")))
    assert row is not None
    assert (row["speed_factor"], row["severity"]) == (1.0, "red")
    assert row["cause"] == "warning heat red (W1), no effect known"


def test_warning_and_weather_are_told_together() -> None:
    fog = weather(range(20), PLACES, {(3.0, LEAVES + timedelta(hours=6)): FOG})
    row = assess(scene(fog, warned()))
    assert row is not None
    assert row["speed_factor"] == 0.5
    assert row["closure_probability"] == 0.30
    assert row["cause"] == "visibility 80 m near 0.00, 3.00 at 11-12 02:00; warning 暴雪 orange (W1)"


def test_outlet_takes_the_mean_of_its_working_hours() -> None:
    # a gale (orange, productivity 0.85, time 1.15) in 3 of the 12 hours from 08:00 to 20:00
    gale = {(0.0, LEAVES - timedelta(hours=back)): {"wind_speed_ms": 25.0} for back in (0, 1, 2)}
    frame = assess_outlets(OUTLETS, [DAY], scene(weather(range(-14, 6), [0.0], gale)))
    contract("outlet_weather").conform(frame.with_columns(run_id=pl.lit("test")))
    assert frame["outlet_id"].to_list() == ["NEAR"]
    row = frame.row(0, named=True)
    assert row["capacity_factor"] == pytest.approx((9 + 3 * 0.85) / 12)
    assert row["speed_factor"] == pytest.approx((9 + 3 / 1.15) / 12)
    assert (row["closure_probability"], row["severity"]) == (0.10, "orange")
    assert row["cause"] == "wind 25 m/s near 0.00, 0.10 at 11-11 18:00"


def test_gale_at_night_does_not_touch_the_courier() -> None:
    night = {(0.0, LEAVES + timedelta(hours=3)): {"wind_speed_ms": 25.0}}
    frame = assess_outlets(OUTLETS, [DAY], scene(weather(range(-14, 6), [0.0], night)))
    assert frame["capacity_factor"].to_list() == [1.0]


def test_warning_over_an_outlet_counts_for_its_hours() -> None:
    ring = [[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]]
    area = json.dumps({"type": "Polygon", "coordinates": [ring]})
    half = warned(area=area, onset=LEAVES - timedelta(hours=6), expires=LEAVES + timedelta(hours=6))
    row = assess_outlets(OUTLETS, [DAY], scene(warnings=half)).row(0, named=True)
    assert row["capacity_factor"] == pytest.approx((6 + 6 * 0.70) / 12)
    assert row["closure_probability"] == 0.30


def test_hours_needed_cover_the_last_arrival() -> None:
    first, last = hours_needed([DAY], 30.0, ZoneInfo("Asia/Shanghai"))
    assert first <= datetime(2025, 11, 10, 4, tzinfo=UTC)
    assert last >= datetime(2025, 11, 12, 22, tzinfo=UTC)


def test_order_of_lanes_does_not_matter() -> None:
    both = pl.concat(
        [lane(), lane().with_columns(lane_id=pl.lit("B-A"), origin_hub_id=pl.lit("B"), destination_hub_id=pl.lit("A"))]
    )
    fog = scene(weather(range(20), PLACES, {(3.0, LEAVES + timedelta(hours=6)): FOG}), warned())
    days = [DAY, date(2025, 11, 12)]
    one = assess_lanes(sample_lanes(both, HUBS, 400.0), days, fog, departures(both, days))
    other = assess_lanes(sample_lanes(both.reverse(), HUBS, 400.0), days, fog, departures(both.reverse(), days))
    assert one.equals(other)
    # back from B the lane passes longitude 3 only 12 hours after departure
    assert one.filter(date=DAY)["speed_factor"].to_list() == pytest.approx([0.5, 1 / 1.5])
