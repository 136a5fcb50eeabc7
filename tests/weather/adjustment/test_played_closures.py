"""Closures played through: by their hours where these are known, by whole days where lanes are named."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from data.contracts import contract
from data.errors import RadarError
from weather.adjustment.played_closures import Played, fold_into_days, play_closures, touch_days

ZONE = ZoneInfo("Asia/Shanghai")
DAY = date(2025, 11, 10)
LANES = pl.DataFrame({"lane_id": ["A-B", "B-A", "北京 BEI", "0.4"]})


def _at(hour: float) -> datetime:
    """Hour of the day by the clock of the zone; past 24 the day after."""
    return (datetime(DAY.year, DAY.month, DAY.day, tzinfo=ZONE) + timedelta(hours=hour)).astimezone(UTC)


def _hours(*rows: tuple[str, float, float, float, str]) -> pl.DataFrame:
    frame = pl.DataFrame(
        [(lane, _at(start), _at(end), probability, cause) for lane, start, end, probability, cause in rows],
        schema=["lane_id", "starts_at", "ends_at", "probability", "cause"],
        orient="row",
    )
    return contract("lane_closures").conform(frame.with_columns(run_id=pl.lit("weather-impact-0001"))).drop("run_id")


def _weather(*rows: tuple[int, str, float]) -> pl.DataFrame:
    factors = {name: pl.Float64() for name in ("speed_factor", "capacity_factor", "closure_probability")}
    return pl.DataFrame(
        [(DAY + timedelta(days=day), lane, 0.6, 0.8, probability, "red", "snow") for day, lane, probability in rows],
        schema={"date": pl.Date(), "lane_id": pl.String(), **factors, "severity": pl.String(), "cause": pl.String()},
        orient="row",
    )


HOURS = _hours(
    ("A-B", 8.0, 14.0, 0.6, "snow"),
    ("A-B", 14.0, 15.0, 0.3, "ice"),
    ("北京 BEI", -2.0, 26.0, 0.5, "snow"),
    ("B-A", 8.0, 14.0, 0.2, "snow"),
)
WEATHER = _weather((0, "A-B", 0.6), (0, "B-A", 0.2), (0, "北京 BEI", 0.5), (1, "A-B", 0.0))


def _play(*close: str) -> Played:
    return play_closures(WEATHER, HOURS, LANES, close, ZONE)


def test_likely_closures_shut_their_hours_and_only_whole_days_shut_a_lane_day() -> None:
    played = _play("likely")
    spans = played.hours.select("lane_id", "starts_at", "ends_at", "probability").rows()
    assert spans == [("A-B", _at(8), _at(14), 1.0), ("北京 BEI", _at(-2), _at(26), 1.0)]
    assert played.lane_weather is not None
    rows = {(row["lane_id"], row["date"]): row for row in played.lane_weather.iter_rows(named=True)}
    assert rows["北京 BEI", DAY]["capacity_factor"] == 0.0
    part = rows["A-B", DAY]
    assert (part["capacity_factor"], part["speed_factor"], part["closure_probability"]) == (0.8, 0.6, 1.0)
    assert part["cause"] == "closed in this scenario; snow"
    # two hours before midnight and two after: the days on either side are not closed as a whole
    assert rows["北京 BEI", DAY - timedelta(days=1)]["capacity_factor"] == 1.0
    assert rows["B-A", DAY] == WEATHER.row(1, named=True)
    assert played.closed.rows() == [(DAY, "A-B"), (DAY, "北京 BEI")]


def test_a_least_probability_joins_hours_that_touch_and_keeps_both_causes() -> None:
    hours = _play("0.3").hours.filter(pl.col("lane_id") == "A-B")
    assert hours.select("starts_at", "ends_at", "cause").rows() == [(_at(8), _at(15), "snow; ice")]


def test_named_lanes_shut_whole_days_and_no_hours() -> None:
    played = _play("B-A@2025-11-10", "北京 BEI")
    assert played.hours.is_empty()
    assert played.lane_weather is not None
    shut = played.lane_weather.filter(pl.col("capacity_factor") == 0.0)
    assert shut.select("date", "lane_id").rows() == [(DAY, "B-A"), (DAY, "北京 BEI")]


def test_a_lane_whose_id_is_a_number_is_a_lane() -> None:
    assert _play("0.4").hours.is_empty()
    assert _play("0.4@2025-11-10").closed.rows() == [(DAY, "0.4")]


def test_an_impact_of_before_hours_were_told_shuts_the_day() -> None:
    played = play_closures(WEATHER, HOURS.clear(), LANES, ["likely"], ZONE)
    assert played.lane_weather is not None
    shut = played.lane_weather.filter(pl.col("capacity_factor") == 0.0)
    assert shut["lane_id"].to_list() == ["A-B", "北京 BEI"]


def test_nothing_to_close_changes_nothing() -> None:
    for close in ([], ["0.9"]):
        assert play_closures(WEATHER, HOURS, LANES, close, ZONE).lane_weather is None


@pytest.mark.parametrize("words", ["0", "1.5", "nan", "C-D", "A-B@soon"])
def test_what_cannot_be_closed_is_told(words: str) -> None:
    with pytest.raises(RadarError):
        _play(words)


def test_days_are_those_of_the_zone() -> None:
    touched = touch_days(_hours(("A-B", -1.0, 24.0, 1.0, "x")), ZONE)
    assert touched.rows() == [(DAY - timedelta(days=1), "A-B", False), (DAY, "A-B", True)]


@pytest.mark.parametrize(
    ("span", "days"),
    [
        ((20.0, 26.0), {0: (1.0, 0.0)}),  # what leaves at the end of the day is lost
        ((30.0, 40.0), {0: (0.5, 1.0)}),  # on the road at 30:00: ten hours more on a lane of ten
        ((35.0, 40.0), {}),  # it arrived at 34:00, the next leaves at 48:00
        ((20.0, 31.0), {0: (1.0, 0.0)}),
        ((24.5, 48.5), {0: (10.0 / 34.0, 1.0), 1: (1.0, 0.0)}),
    ],
)
def test_shut_hours_by_days_lose_a_departure_or_slow_it(
    span: tuple[float, float], days: dict[int, tuple[float, float]]
) -> None:
    lanes = pl.DataFrame({"lane_id": ["A-B"], "transit_hours": [10.0]})
    hours = _hours(("A-B", *span, 1.0, "snow"), ("unknown", 0.0, 90.0, 1.0, "snow"))
    found = fold_into_days(_weather(), hours, lanes, ZONE)
    assert {(row[0] - DAY).days: (round(row[2], 9), row[3]) for row in found.iter_rows()} == {
        day: (round(speed, 9), capacity) for day, (speed, capacity) in days.items()
    }


def test_weather_that_is_there_is_slowed_further() -> None:
    lanes = pl.DataFrame({"lane_id": ["A-B"], "transit_hours": [6.0]})
    found = fold_into_days(_weather((0, "A-B", 0.0)), _hours(("A-B", 25.0, 35.0, 1.0, "snow")), lanes, ZONE)
    # 6 / 0.6 = 10 hours, stopped for ten: 20
    assert found.rows() == [(DAY, "A-B", pytest.approx(0.3), 0.8)]
