"""The timetable of a plan: every departure a trip, read back and added up."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import RadarError
from routing.timetable import FILES, write_timetable
from tests.routing.tiny_plan import Tables, tiny_plan


def tables() -> Tables:
    plan = tiny_plan()
    plan["hubs"] = plan["hubs"].with_columns(
        name=pl.col("hub_id"), latitude=pl.lit(30.0), longitude=pl.Series([120.0, 121.0, 122.0, None])
    )
    plan["vehicle_types"] = plan["vehicle_types"].with_columns(name=pl.col("vehicle_type_id"))
    return plan


def written(plan: Tables, first: float = 8.0, last: float = 24.0) -> dict[str, pl.DataFrame]:
    return write_timetable(
        plan, timezone="Asia/Shanghai", agency="T", agency_url="https://t.cn", first_hour=first, last_hour=last
    )


def seconds(clock: str) -> int:
    hours, minutes, rest = clock.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + int(rest)


def test_vehicles_of_a_lane_leave_evenly_and_arrive_after_their_transit() -> None:
    # two own trucks A-B on the 10th: at 16:00 and 24:00, 20 h; on the 11th the road is slow: 40 h from 24:00
    times = written(tables())["stop_times"]
    rows = times.filter(pl.col("trip_id").str.contains("_A-B_")).sort("trip_id", "stop_sequence")
    assert rows["departure_time"].to_list() == ["16:00:00", "36:00:00", "24:00:00", "44:00:00", "24:00:00", "64:00:00"]
    assert rows["stop_id"].to_list() == ["A", "B"] * 3


def test_departures_parcels_and_cost_are_those_of_the_plan() -> None:
    plan = tables()
    files = written(plan)
    capacities = files["capacities"].with_columns(
        pl.col("parcels", "capacity").cast(pl.Int64), pl.col("cost").cast(float)
    )
    trips = files["trips"].join(capacities, on="trip_id", how="left")
    key = ["service_id", "route_id", "vehicle_type_id"]
    back = trips.group_by(key).agg(departures=pl.len(), parcels=pl.col("parcels").sum(), cost=pl.col("cost").sum())
    told = plan["trunk_departures"].select(
        pl.col("date").dt.strftime("%Y%m%d"), "lane_id", "vehicle_type_id", pl.col("departures").cast(pl.UInt32),
        "parcels", pl.col("cost"),
    )  # fmt: skip
    assert back.sort(key).rows() == told.sort("date", "lane_id", "vehicle_type_id").rows()
    assert (capacities["parcels"] <= capacities["capacity"]).all()
    # the train's room on A-C is that of lane_vehicles
    assert trips.filter(pl.col("route_id") == "A-C")["capacity"].to_list() == [400]


def test_files_refer_to_each_other() -> None:
    files = written(tables())
    assert list(files) == list(FILES)
    trips = files["trips"]
    assert trips["trip_id"].is_unique().all()
    assert set(trips["route_id"]) == set(files["routes"]["route_id"])
    assert set(trips["service_id"]) == set(files["calendar"]["service_id"])
    assert set(files["stop_times"]["stop_id"]) == set(files["stops"]["stop_id"]) == {"A", "B", "C"}
    assert set(files["stop_times"]["trip_id"]) == set(trips["trip_id"]) == set(files["capacities"]["trip_id"])
    days = files["calendar"].filter(pl.col("service_id") == "20241110")  # a Sunday
    assert (days["sunday"][0], days["monday"][0], days["start_date"][0]) == ("1", "0", "20241110")
    assert dict(files["routes"].select("route_id", "route_type").iter_rows())["A-C"] == "2"


@given(
    departures=st.integers(1, 40),
    parcels=st.integers(0, 9_999),
    cost=st.integers(0, 10**7),
    hours=st.floats(0, 200),
    first=st.floats(0, 24),
)
def test_parcels_cost_and_days_hold_for_any_row(
    departures: int, parcels: int, cost: int, hours: float, first: float
) -> None:
    plan = tables()
    plan["trunk_departures"] = (
        plan["trunk_departures"]
        .head(1)
        .with_columns(departures=pl.lit(departures), parcels=pl.lit(parcels), cost=pl.lit(cost / 100))
    )
    plan["lanes"] = plan["lanes"].with_columns(transit_hours=pl.lit(hours))
    del plan["lane_weather"]
    files = written(plan, first=first)
    capacities = files["capacities"]
    assert capacities.height == departures
    aboard = [int(text) for text in capacities["parcels"]]
    assert sum(aboard) == parcels
    assert max(aboard) - min(aboard) <= 1
    assert sum(round(float(value) * 100) for value in capacities["cost"]) == cost
    # sorted on the day the plan says: in the hub before that day's sorting ends
    lag = -(-hours // 24)
    latest = max(seconds(clock) for clock in files["stop_times"]["arrival_time"])
    assert latest <= (lag + 1) * 86_400 + 1
    assert all(seconds(clock) >= first * 3600 - 1 for clock in files["stop_times"]["departure_time"])


def test_hours_out_of_order_are_told() -> None:
    with pytest.raises(RadarError, match="sorting from 20 to 8"):
        written(tables(), first=20, last=8)
