from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from data.contracts import contract
from data.errors import RadarError
from weather.exposure.points import build_grid, known_weather

START = datetime(2025, 11, 11, tzinfo=UTC)


def rows(*cells: tuple[float, float, int, float], issued: datetime | None = None) -> pl.DataFrame:
    """One row a (latitude, longitude, hour, wind)."""
    frame = pl.DataFrame(
        [
            {
                "issued_at": issued,
                "valid_at": START + timedelta(hours=hour),
                "latitude": latitude,
                "longitude": longitude,
                "wind_speed_ms": wind,
            }
            for latitude, longitude, hour, wind in cells
        ],
        schema_overrides={"issued_at": pl.Datetime("us", "UTC"), "valid_at": pl.Datetime("us", "UTC")},
    )
    return contract("weather_forecasts").arrange(frame)


NONE = contract("weather_observations").empty()


def test_latest_forecast_counts_and_what_was_observed_before_it() -> None:
    early = rows((30.0, 110.0, 1, 1.0), (30.0, 110.0, 2, 1.0), issued=START - timedelta(hours=24))
    late = rows((30.0, 110.0, 1, 2.0), (30.0, 110.0, 2, 2.0), issued=START)
    seen = rows((30.0, 110.0, 1, 3.0))
    known = known_weather(seen, pl.concat([late, early]))
    assert known["wind_speed_ms"].to_list() == [3.0, 2.0]


def test_nothing_is_seen_before_it_was_known() -> None:
    early = rows((30.0, 110.0, 1, 1.0), issued=START - timedelta(hours=24))
    late = rows((30.0, 110.0, 1, 2.0), issued=START)
    seen = rows((30.0, 110.0, 1, 3.0))
    known = known_weather(seen, pl.concat([early, late]), as_of=START - timedelta(hours=1))
    assert known["wind_speed_ms"].to_list() == [1.0]


def test_hours_are_laid_out_and_short_gaps_take_the_next_row() -> None:
    grid = build_grid(known_weather(NONE, rows((30.0, 110.0, 0, 5.0), (30.0, 110.0, 3, 9.0), (31.0, 110.0, 7, 1.0))))
    assert (grid.points, grid.hours) == (2, 8)
    assert grid.first_hour == int(START.timestamp()) // 3600
    assert grid.values["wind"][0, :4].tolist() == [5.0, 9.0, 9.0, 9.0]
    assert np.isnan(grid.values["wind"][0, 4:]).all()
    # the row at hour 7 reaches back five hours, not more
    assert np.isnan(grid.values["wind"][1, :2]).all()
    assert grid.known[1].tolist() == [False] * 2 + [True] * 6


@pytest.mark.parametrize("hours", [1, 2, 3])
def test_weather_of_fewer_hours_than_a_gap_may_last(hours: int) -> None:
    grid = build_grid(known_weather(NONE, rows(*((30.0, 110.0, hour, 5.0) for hour in range(hours)))))
    assert grid.values["wind"].tolist() == [[5.0] * hours]


def test_nearest_point_within_the_radius() -> None:
    grid = build_grid(known_weather(NONE, rows((30.0, 110.0, 0, 5.0), (30.0, 112.0, 0, 7.0))))
    index, weight = grid.nearest(np.array([30.0, 30.0, 40.0]), np.array([110.1, 111.9, 111.0]), 100.0)
    assert index[:, 0].tolist() == [0, 1, 0]
    assert weight[:, 0].tolist() == [1.0, 1.0, 0.0]


def test_several_points_weigh_by_their_distance() -> None:
    grid = build_grid(known_weather(NONE, rows((0.0, 0.0, 0, 5.0), (0.0, 3.0, 0, 7.0))))
    _, weight = grid.nearest(np.array([0.0]), np.array([1.0]), 1000.0, neighbours=2)
    assert weight[0].tolist() == pytest.approx([2 / 3, 1 / 3], rel=1e-6)


def test_no_weather_is_an_empty_grid() -> None:
    grid = build_grid(known_weather(NONE, NONE))
    assert grid.points == 0
    _, weight = grid.nearest(np.array([30.0]), np.array([110.0]), 100.0)
    assert weight.tolist() == [[0.0]]


def test_too_much_at_once_is_told() -> None:
    many = pl.concat(
        [
            rows(*((10.0 + 0.01 * step, 110.0, 0, 1.0) for step in range(800))),
            rows((10.0, 110.0, 200_000, 1.0)),
        ]
    )
    with pytest.raises(RadarError, match="800 weather points over 200,001 hours"):
        build_grid(known_weather(NONE, many))
