from __future__ import annotations

from datetime import timedelta

import polars as pl

from data.contracts import contract
from tests.weather.exposure.test_impact import HUBS, LEAVES, PLACES, lane, scene, warned, weather
from weather.exposure.closures import find_closures
from weather.exposure.lane_places import sample_lanes

BEGIN, END = LEAVES - timedelta(hours=24), LEAVES + timedelta(hours=48)


def closures(scenery: object, mode: str = "road") -> list[tuple[float, float, float, str]]:
    frame = find_closures(sample_lanes(lane(mode), HUBS, 400.0), scenery, BEGIN, END)  # type: ignore[arg-type]
    assert frame["lane_id"].unique().to_list() in ([], ["A-B"])
    assert (frame["starts_at"] < frame["ends_at"]).all()
    return [((row["starts_at"] - LEAVES) / timedelta(hours=1), (row["ends_at"] - LEAVES) / timedelta(hours=1), round(row["probability"], 6), row["cause"]) for row in frame.iter_rows(named=True)]  # fmt: skip


def test_warning_closes_its_hours() -> None:
    assert closures(scene(warnings=warned())) == [(10.0, 12.0, 0.3, "warning 暴雪 orange (W1)")]


def test_train_is_closed_a_tenth_as_likely() -> None:
    assert closures(scene(warnings=warned()), "rail")[0][2] == 0.03


def test_overlapping_warnings_do_not_overlap_in_the_table() -> None:
    worse = warned(
        warning_id="W2", severity="red", onset=LEAVES + timedelta(hours=11), expires=LEAVES + timedelta(hours=14)
    )
    assert closures(scene(warnings=pl.concat([warned(), worse]))) == [
        (10.0, 11.0, 0.3, "warning 暴雪 orange (W1)"),
        (11.0, 14.0, 0.6, "warning 暴雪 red (W2)"),
    ]


def test_values_close_a_lane_too() -> None:
    fog = {(3.0, LEAVES + timedelta(hours=hour)): {"visibility_m": 40.0} for hour in (5, 6, 9)}
    assert closures(scene(weather(range(20), PLACES, fog))) == [
        (4.0, 6.0, 0.7, "fog red by measured or forecast values"),
        (8.0, 9.0, 0.7, "fog red by measured or forecast values"),
    ]


def test_nothing_known_closes_nothing() -> None:
    assert closures(scene()) == []
    assert closures(scene(weather(range(20), PLACES, {}))) == []
    assert contract("weather_warnings").empty().is_empty()
